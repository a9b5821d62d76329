//! From a graph to text that TVM reads.

mod call;
mod printed;
mod whole;

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write};

use super::array::{Elements, NdArray};
use super::meta;
use crate::graph::{Graph, Integer, Op, Source, ValueId};
use printed::{Printed, PrintedOperand, Style};

/// Whether [`print`] writes the elements of constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Data {
    /// All elements: the text holds the whole graph.
    Full,
    /// None: for reading. [`super::parse`] refuses such a text where it has constants.
    Elided,
}

/// As [`print`] writes it without the elements of constants.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self, Data::Elided))
    }
}

/// Prints a graph; `Data::Elided` leaves the metadata with the elements of the constants out, as TVM's
/// `str(mod)` does.
pub fn print(graph: &Graph, data: Data) -> String {
    let mut printer = Printer::new(graph);
    let mut text = printer.text();
    if data == Data::Full && !printer.constants.is_empty() {
        text.push('\n');
        text.push_str(&meta::write(&printer.constants));
    }
    text
}

struct Printer<'a> {
    graph: &'a Graph,
    /// The numbers that the text gives to results, so that reading finds the same again.
    numbers: HashMap<ValueId, usize>,
    /// The names of the inputs as variables.
    variables: HashMap<ValueId, String>,
    counts: Vec<usize>,
    types: Vec<Option<Integer>>,
    /// The constants of the metadata.
    constants: Vec<NdArray>,
    /// Numbers of the graph's constants in the metadata.
    placed: HashMap<ValueId, usize>,
}

impl<'a> Printer<'a> {
    fn new(graph: &'a Graph) -> Printer<'a> {
        let mut taken = HashSet::new();
        let mut variables = HashMap::new();
        for &id in &graph.inputs {
            let plain = variable(&graph.value(id).name);
            let mut name = plain.clone();
            let mut count = 0;
            while !taken.insert(name.clone()) {
                count += 1;
                name = format!("{plain}_{count}");
            }
            variables.insert(id, name);
        }
        let counts = graph.use_counts();
        let numbers = numbers(graph, &counts);
        let types = whole::types(graph);
        Printer { graph, numbers, variables, counts, types, constants: Vec::new(), placed: HashMap::new() }
    }

    fn text(&mut self) -> String {
        let graph = self.graph;
        let mut out = String::from("#[version = \"0.0.5\"]\ndef @main(");
        for (index, id) in graph.inputs.iter().enumerate() {
            let (name, kind) = (&self.variables[id], typed(graph.shape(*id), graph.value(*id).integer));
            let comma = if index == 0 { "" } else { ", " };
            let _ = write!(out, "{comma}%{name}: {kind}");
            if *name != graph.value(*id).name {
                let _ = write!(out, " /* ty={kind} name={} */", escape(&graph.value(*id).name));
            }
        }
        let results: Vec<String> = graph.outputs.iter().map(|&id| self.type_of(id)).collect();
        let _ = writeln!(out, ") -> {} {{", tuple(&results));
        for node in &graph.nodes {
            let [output] = node.outputs[..] else {
                unreachable!("verified nodes make one value");
            };
            let value = graph.value(output);
            let mut note = format!("ty={}", self.type_of(output));
            if !node.name.is_empty() {
                let _ = write!(note, " span={}:0:0", escape(&node.name));
            }
            let inner = note.clone();
            if !value.name.is_empty() {
                let _ = write!(note, " name={}", escape(&value.name));
            }
            let printed = call::print(&Style::new(graph, &self.counts, &self.types), node);
            let text = self.assemble(&printed, &inner);
            let _ = writeln!(out, "  %{} = {text} /* {note} */;", self.numbers[&output]);
        }
        let outputs: Vec<String> = graph.outputs.iter().map(|&id| self.operand(id)).collect();
        let _ = writeln!(out, "  {}\n}}", tuple(&outputs));
        out
    }

    /// A call with its operands; `note` says type and node of a call within it.
    fn assemble(&mut self, printed: &Printed, note: &str) -> String {
        let mut parts: Vec<String> = Vec::new();
        for operand in &printed.operands {
            parts.push(match operand {
                PrintedOperand::Value(id) if self.types[id.0 as usize].is_some() => {
                    format!("cast({}, dtype=\"float32\")", self.operand(*id))
                }
                PrintedOperand::Value(id) | PrintedOperand::Whole(id) => self.operand(*id),
                PrintedOperand::Numbers(id, integer) => self.whole(*id, *integer),
                PrintedOperand::Shaped(id, shape) => self.shaped(*id, shape),
                PrintedOperand::Integers(shape, data) => {
                    let data = data.iter().map(|&i| i as i64).collect();
                    self.place(NdArray::integers(shape, data))
                }
                PrintedOperand::Text(text) => text.clone(),
            });
        }
        if printed.joined {
            parts = vec![tuple(&parts)];
        }
        parts.extend(printed.attributes.iter().map(|(key, value)| format!("{key}={value}")));
        let call = format!("{}({})", printed.operator, parts.join(", "));
        if printed.cast {
            return format!("cast({call} /* {note} */, dtype=\"float32\")");
        }
        if printed.first_field {
            return format!("({call} /* {note} */).0");
        }
        match &printed.bias {
            None => call,
            Some((id, axis)) => {
                let bias = self.operand(*id);
                let axis = if *axis == 1 { String::new() } else { format!(", axis={axis}") };
                format!("nn.bias_add({call} /* {note} */, {bias}{axis})")
            }
        }
    }

    /// A value as an operand.
    fn operand(&mut self, id: ValueId) -> String {
        let value = self.graph.value(id);
        match &value.source {
            Source::Input(_) => format!("%{}", self.variables[&id]),
            Source::Node { .. } => format!("%{}", self.numbers[&id]),
            Source::Constant(data) => {
                let kind = tensor_type(&value.shape);
                let note = match value.name.as_str() {
                    "" => format!(" /* ty={kind} */"),
                    name => format!(" /* ty={kind} span={}:0:0 */", escape(name)),
                };
                // A scalar that is read twice is one constant: only the metadata can say so.
                if value.shape.is_empty() && self.counts[id.0 as usize] == 1 {
                    return format!("{}{note}", float(data[0]));
                }
                let index = match self.placed.get(&id) {
                    Some(&index) => index,
                    None => {
                        self.constants.push(NdArray::floats(&value.shape, data.clone()));
                        self.placed.insert(id, self.constants.len() - 1);
                        self.constants.len() - 1
                    }
                };
                format!("meta[{}][{index}]{note}", meta::CONSTANT)
            }
        }
    }

    /// The type of a value.
    fn type_of(&self, id: ValueId) -> String {
        typed(self.graph.shape(id), self.types[id.0 as usize])
    }

    /// A constant as whole numbers of a type.
    fn whole(&mut self, id: ValueId, integer: Integer) -> String {
        let value = self.graph.value(id);
        let data = self.graph.constant_data(id).expect("only constants are printed as numbers of a type");
        let kind = typed(&value.shape, Some(integer));
        let note = match value.name.as_str() {
            "" => format!(" /* ty={kind} */"),
            name => format!(" /* ty={kind} span={}:0:0 */", escape(name)),
        };
        let data: Vec<i64> = data.iter().map(|&number| number as i64).collect();
        if value.shape.is_empty() && self.counts[id.0 as usize] == 1 {
            return format!("{}{note}", data[0]);
        }
        let index = match self.placed.get(&id) {
            Some(&index) => index,
            None => {
                let dtype = integer.name().to_owned();
                self.constants.push(NdArray {
                    shape: value.shape.clone(),
                    dtype,
                    elements: Elements::Integers(data),
                });
                self.placed.insert(id, self.constants.len() - 1);
                self.constants.len() - 1
            }
        };
        format!("meta[{}][{index}]{note}", meta::CONSTANT)
    }

    /// A constant in another shape.
    fn shaped(&mut self, id: ValueId, shape: &[usize]) -> String {
        let value = self.graph.value(id);
        let data = self.graph.constant_data(id).expect("only constants are printed in another shape");
        let reference = self.place(NdArray::floats(shape, data.to_vec()));
        match value.name.as_str() {
            "" => reference,
            name => format!("{reference} /* ty={} span={}:0:0 */", tensor_type(shape), escape(name)),
        }
    }

    fn place(&mut self, array: NdArray) -> String {
        self.constants.push(array);
        format!("meta[{}][{}]", meta::CONSTANT, self.constants.len() - 1)
    }
}

/// Numbers of the values without the constants that nothing reads: those leave no trace in the text.
fn numbers(graph: &Graph, counts: &[usize]) -> HashMap<ValueId, usize> {
    let all = (0..graph.values.len() as u32).map(ValueId);
    let read = |id: &ValueId| graph.constant_data(*id).is_none() || counts[id.0 as usize] > 0;
    all.filter(read).enumerate().map(|(number, id)| (id, number)).collect()
}

/// One thing as itself, several as a tuple.
fn tuple(parts: &[String]) -> String {
    match parts {
        [one] => one.clone(),
        all => format!("({})", all.join(", ")),
    }
}

/// The type of a float32 tensor.
fn tensor_type(shape: &[usize]) -> String {
    typed(shape, None)
}

/// A type as TVM writes it: a scalar has no brackets.
fn typed(shape: &[usize], integer: Option<Integer>) -> String {
    let element = integer.map_or("float32", Integer::name);
    match shape {
        [] => element.to_owned(),
        [one] => format!("Tensor[({one}), {element}]"),
        all => {
            let extents: Vec<String> = all.iter().map(usize::to_string).collect();
            format!("Tensor[({}), {element}]", extents.join(", "))
        }
    }
}

/// A float as TVM writes it, with as many digits as it takes to read the same float32 back.
fn float(value: f32) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inff".to_owned() } else { "-inff".to_owned() };
    }
    if value.abs() == f32::MAX {
        // TVM compares the digits with the largest float32, which is a little less than its shortest ones.
        return if value > 0.0 { "3.4028234e38f".to_owned() } else { "-3.4028234e38f".to_owned() };
    }
    let text = format!("{value:?}");
    format!("{}f", text.strip_suffix(".0").unwrap_or(&text))
}

/// A name that TVM reads behind `%`, as near to the value's own as can be.
fn variable(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let plain: String = name.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    match plain.chars().next() {
        Some(c) if c.is_ascii_alphabetic() || c == '_' => plain,
        _ => format!("v{plain}"),
    }
}

/// Escapes what would end a comment, or look like its syntax.
fn escape(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '\\' | '*' | '=') || c.is_control() || c.is_whitespace() {
            text.extend(c.escape_unicode());
        } else {
            text.push(c);
        }
    }
    text
}

impl Op {
    /// Whether the operator has a bias as its last operand.
    fn takes_bias(&self) -> bool {
        matches!(self, Op::Conv { .. } | Op::ConvTranspose { .. } | Op::Gemm { .. })
    }
}
