//! From the tree to a graph: names, functions and tuples go, operators stay.

mod interface;

use std::collections::HashMap;
use std::rc::Rc;

use super::array::{Elements, NdArray};
use super::call::OperatorCall;
use super::meta::{ATTRIBUTES, CONSTANT, KeptAttributes, Metadata};
use super::operand::{Constant, Operand, Scope};
use super::ops;
use super::params::Params;
use super::syntax::{Block, Bound, CallExpr, ExprId, Function, IrModule, Kind, Literal, Statement};
use super::token::{Pos, located};
use crate::error::{Error, Result};
use crate::graph::{Graph, ValueId};

/// Deepest nesting of expressions and inlined functions together.
const DEPTH: usize = 250;
/// Most calls that inlining may produce: more than any network has operators.
const CALLS: usize = 1 << 20;

/// State of one import.
pub(super) struct Lower<'a> {
    module: &'a IrModule,
    file: &'a str,
    params: &'a Params,
    meta: Vec<Rc<Constant>>,
    attributes: HashMap<(String, usize), Rc<KeptAttributes>>,
    /// The graph so far.
    pub graph: Graph,
    /// The numbers that the text gives to values of the graph: `%3`.
    pub numbers: HashMap<ValueId, u32>,
    /// Additions made from `nn.bias_add`, by node, with the bias as a vector.
    pub biases: Vec<(usize, ValueId)>,
    /// Values that stand for whole numbers.
    pub integers: HashMap<ValueId, ops::NumberKind>,
    /// Nodes that a later one replaces: they go if nothing reads them.
    pub superseded: Vec<usize>,
    /// Transposes made so far, by operand and permutation.
    pub turned: HashMap<(ValueId, Vec<usize>), ValueId>,
    pub warnings: Vec<String>,
    depth: usize,
    calls: usize,
}

impl<'a> Lower<'a> {
    /// Starts with an empty graph.
    pub fn new(module: &'a IrModule, file: &'a str, params: &'a Params, meta: Metadata) -> Lower<'a> {
        Lower {
            module,
            file,
            params,
            meta: meta.constants.into_iter().map(|array| Constant::new("", array)).collect(),
            attributes: meta.attributes,
            graph: Graph::new(file),
            numbers: HashMap::new(),
            biases: Vec::new(),
            integers: HashMap::new(),
            superseded: Vec::new(),
            turned: HashMap::new(),
            warnings: Vec::new(),
            depth: 0,
            calls: 0,
        }
    }

    fn refuse<T>(&self, place: Pos, message: impl Into<String>) -> Result<T> {
        Err(Error::new("import", message).file(located(self.file, place)))
    }

    /// Lowers `@main`, or the only function; its results become the graph's outputs.
    pub fn run(&mut self) -> Result<()> {
        let functions = &self.module.functions;
        let named: Vec<&Function> = functions.iter().filter(|f| !f.name.is_empty()).collect();
        let main = named.iter().find(|f| f.name == "main");
        let Some(main) = main.or(if named.len() == 1 { named.first() } else { None }) else {
            let names: Vec<String> = named.iter().map(|f| format!("@{}", f.name)).collect();
            let message = format!("the text has no function @main, only [{}]", names.join(", "));
            return Err(Error::new("import", message)
                .file(self.file)
                .hint("name the network's function @main"));
        };
        let scope = Rc::new(Scope::default());
        for parameter in &main.parameters {
            let operand = self.parameter(parameter)?;
            scope.bind(Bound::Local(parameter.name.clone()), operand);
        }
        let result = self.block(&main.body, &scope, "")?;
        let place = self.module.get(main.body.result).place;
        let results = match result {
            Operand::Tuple(fields) => fields.to_vec(),
            one => vec![one],
        };
        if results.is_empty() {
            return self.refuse(place, "the network returns an empty tuple");
        }
        for operand in &results {
            if let Operand::Value(lying) = operand
                && let Some(ops::NumberKind::Scaled(own)) = self.integers.get(&lying.id)
                && !own.is_unit()
            {
                let error = Error::new("import", "a result is an int32 sum of a quantised layer");
                let at = located(self.file, place);
                return Err(error.file(at).hint("put qnn.requantize or qnn.dequantize behind the layer"));
            }
            let at = |e: Error| e.file(located(self.file, place));
            let id = match operand {
                Operand::Constant(constant) if constant.is_whole() => self.intern_numbers(constant),
                operand => self.plain(operand, "output"),
            };
            let id = id.map_err(at)?;
            if let Operand::Value(lying) = operand
                && self.integers.contains_key(&lying.id)
            {
                let number = self.graph.outputs.len();
                self.warnings.push(format!("output {number} gives whole numbers, as floats"));
            }
            self.graph.outputs.push(id);
        }
        self.check_result(main.result.as_ref(), main.place)?;
        let unread = |name: &&String| !main.parameters.iter().any(|p| p.name == **name);
        if let Some(name) = self.params.names().iter().find(unread) {
            self.warnings
                .push(format!("the parameter {name:?} of the .params file is no parameter of @main"));
        }
        Ok(())
    }

    fn block(&mut self, block: &Block, scope: &Rc<Scope>, hint: &str) -> Result<Operand> {
        for statement in &block.statements {
            match statement {
                Statement::Drop => {}
                Statement::Free(parameter) => {
                    let operand = self.parameter(parameter)?;
                    scope.bind(Bound::Local(parameter.name.clone()), operand);
                }
                Statement::Bind(target, value) => {
                    let name = match target {
                        Bound::Temp(number) => format!("%{number}"),
                        Bound::Local(name) => format!("%{name}"),
                    };
                    let operand = self.expression(*value, scope, &name)?;
                    self.remember(target, *value, &operand);
                    scope.bind(target.clone(), operand);
                }
            }
        }
        self.expression(block.result, scope, hint)
    }

    /// Keeps the number and the name that the text gives to a value, once.
    fn remember(&mut self, target: &Bound, value: ExprId, operand: &Operand) {
        let (Operand::Value(lying) | Operand::Real(lying)) = operand else {
            return;
        };
        if self.graph.inputs.contains(&lying.id) {
            return;
        }
        let note = self.module.get(value).note.as_ref().map(|n| n.name.as_str()).unwrap_or("");
        let name = &mut self.graph.values[lying.id.0 as usize].name;
        match target {
            Bound::Temp(number) => {
                self.numbers.entry(lying.id).or_insert(*number);
            }
            Bound::Local(local) if name.is_empty() && note.is_empty() => name.clone_from(local),
            Bound::Local(_) => {}
        }
        if name.is_empty() {
            *name = note.to_owned();
        }
    }

    /// The meaning of an expression; `hint` names its node where no span does.
    fn expression(&mut self, id: ExprId, scope: &Rc<Scope>, hint: &str) -> Result<Operand> {
        let module = self.module;
        let expression = module.get(id);
        let place = expression.place;
        let span = expression.note.as_ref().map_or("", |n| n.span.as_str());
        let literal = |array| Ok(Operand::Constant(Constant::new(span, array)));
        let scalar = |dtype: String, elements| NdArray { shape: Vec::new(), dtype, elements };
        match &expression.kind {
            Kind::Integer(value, 1) => literal(scalar("bool".to_owned(), Elements::Integers(vec![*value]))),
            Kind::Integer(value, bits) => {
                literal(scalar(format!("int{bits}"), Elements::Integers(vec![*value])))
            }
            Kind::Float(value, bits) => {
                literal(scalar(format!("float{bits}"), Elements::Floats(vec![*value as f32])))
            }
            Kind::Meta(key, index) if key.starts_with(ATTRIBUTES) => {
                match self.attributes.get(&(key.clone(), *index)) {
                    Some(attributes) => Ok(Operand::Attributes(attributes.clone())),
                    None => self.absent(key, *index, place),
                }
            }
            Kind::Meta(key, index) => match self.meta.get(*index).filter(|_| key == CONSTANT) {
                Some(constant) => {
                    let mut name = constant.name.borrow_mut();
                    if name.is_empty() {
                        span.clone_into(&mut name);
                    }
                    Ok(Operand::Constant(constant.clone()))
                }
                None => self.absent(key, *index, place),
            },
            Kind::Local(name) => self.local(name, scope, place),
            Kind::Temp(number) => match scope.find(&Bound::Temp(*number)) {
                Some(found) => Ok(found),
                None => self.refuse(place, format!("%{number} is not bound")),
            },
            Kind::Global(name) => match self.module.functions.iter().position(|f| f.name == *name) {
                Some(index) => Ok(Operand::Function(index, Rc::new(Scope::default()))),
                None => self.refuse(place, format!("the function @{name} is not defined")),
            },
            Kind::Operator(name) => Ok(Operand::Operator(name.as_str().into())),
            Kind::Tuple(fields) => {
                let fields = fields.iter().map(|&f| self.deeper(f, scope, "", place));
                Ok(Operand::Tuple(Rc::new(fields.collect::<Result<_>>()?)))
            }
            Kind::Pick(tuple, index) => {
                let operand = self.deeper(*tuple, scope, hint, place)?;
                self.pick(&operand, *index, place)
            }
            Kind::Function(index) => Ok(Operand::Function(*index, scope.clone())),
            Kind::Block(block) => {
                self.enter(place)?;
                let result = self.block(block, &Scope::inside(scope), hint);
                self.depth -= 1;
                result
            }
            Kind::Call(call) => {
                let name = if span.is_empty() { hint } else { span };
                self.call(call, scope, name, place)
            }
        }
    }

    fn absent(&self, key: &str, index: usize, place: Pos) -> Result<Operand> {
        let error = Error::new("import", format!("the metadata holds no meta[{key}][{index}]"));
        let hint = "print the module with its metadata: mod.astext(show_meta_data=True)";
        Err(error.file(located(self.file, place)).hint(hint))
    }

    fn enter(&mut self, place: Pos) -> Result<()> {
        if self.depth == DEPTH {
            return self
                .refuse(place, format!("functions and expressions are nested more than {DEPTH} deep"));
        }
        self.depth += 1;
        Ok(())
    }

    fn deeper(&mut self, id: ExprId, scope: &Rc<Scope>, hint: &str, place: Pos) -> Result<Operand> {
        self.enter(place)?;
        let result = self.expression(id, scope, hint);
        self.depth -= 1;
        result
    }

    fn pick(&self, operand: &Operand, index: usize, place: Pos) -> Result<Operand> {
        match operand {
            Operand::Tuple(fields) => match fields.get(index) {
                Some(field) => Ok(field.clone()),
                None => self.refuse(place, format!("a tuple of {} has no field {index}", fields.len())),
            },
            _ => self.refuse(place, format!("field {index} is taken of what is no tuple")),
        }
    }

    /// `%x`, or the fields `%x.0.1` of a tuple where `x` is the longest known name.
    fn local(&self, name: &str, scope: &Rc<Scope>, place: Pos) -> Result<Operand> {
        let (mut head, mut fields) = (name, Vec::new());
        loop {
            if let Some(mut found) = scope.find(&Bound::Local(head.to_owned())) {
                for &index in fields.iter().rev() {
                    found = self.pick(&found, index, place)?;
                }
                return Ok(found);
            }
            match head.rsplit_once('.').map(|(rest, field)| (rest, field.parse())) {
                Some((rest, Ok(field))) => {
                    head = rest;
                    fields.push(field);
                }
                _ => return self.refuse(place, format!("%{name} is not bound")),
            }
        }
    }

    fn call(&mut self, call: &CallExpr, scope: &Rc<Scope>, name: &str, place: Pos) -> Result<Operand> {
        self.calls += 1;
        if self.calls > CALLS {
            return self.refuse(place, format!("inlining the functions gives more than {CALLS} calls"));
        }
        let callee = self.deeper(call.callee, scope, "", place)?;
        let arguments = call.arguments.iter().map(|&a| self.deeper(a, scope, "", place));
        let arguments: Vec<Operand> = arguments.collect::<Result<_>>()?;
        match callee {
            Operand::Operator(operator) => {
                let at = located(self.file, place);
                let mut attributes = call.attributes.clone();
                let arguments = given(arguments, &mut attributes);
                let mut operation = OperatorCall::new(self, &operator, name, arguments, attributes);
                let result = ops::dispatch(&mut operation).and_then(|r| operation.finish().map(|()| r));
                result.map_err(|e| relabelled(&e, &operator, name).file(at))
            }
            Operand::Function(index, captured) => {
                let module = self.module;
                let function = &module.functions[index];
                if function.parameters.len() != arguments.len() {
                    let (wanted, given) = (function.parameters.len(), arguments.len());
                    return self.refuse(place, format!("the function takes {wanted} arguments, not {given}"));
                }
                let inner = Scope::inside(&captured);
                for (parameter, argument) in function.parameters.iter().zip(arguments) {
                    inner.bind(Bound::Local(parameter.name.clone()), argument);
                }
                self.enter(place)?;
                let result = self.block(&function.body, &inner, name);
                self.depth -= 1;
                result
            }
            _ => self.refuse(place, "what is called is neither an operator nor a function"),
        }
    }
}

/// The operands of a call, of which attributes that are kept in the metadata are none.
fn given(arguments: Vec<Operand>, attributes: &mut Vec<(String, Literal)>) -> Vec<Operand> {
    let operand = |argument| match argument {
        Operand::Attributes(kept) => {
            match &kept.fields {
                Some(fields) => attributes.extend(fields.iter().cloned()),
                None => attributes.push((kept.key.clone(), Literal::Meta(kept.key.clone()))),
            }
            None
        }
        operand => Some(operand),
    };
    arguments.into_iter().filter_map(operand).collect()
}

/// An error of the graph's own rules in the words of the text: its operator and its name for the node.
fn relabelled(error: &Error, operator: &str, name: &str) -> Error {
    let report = error.report();
    let mut out = Error::new("import", &report.message).operator(operator);
    if !name.is_empty() {
        out = out.node(name);
    }
    if let Some(attribute) = &report.attribute {
        out = out.attribute(attribute);
    }
    match &report.hint {
        Some(hint) => out.hint(hint),
        None => out,
    }
}
