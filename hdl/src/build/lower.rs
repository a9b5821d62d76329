//! From expression trees to numbered nodes.

use super::builder::{Driver, NamedSlice, Placing};
use super::expr::LogicOp;
use super::{
    ALIAS, Body, Builder, Expr, Module, ModulePort, Netlist, NetlistNode, NetlistRegister, Ops,
    PlacedInstance, SOURCE, Sig,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

struct NetlistLowering {
    id: usize,
    nodes: Vec<NetlistNode>,
    /// Node of each signal of the builder.
    signals: Vec<usize>,
    /// Node of each tree seen, by address: trees live as long as the builder.
    trees: HashMap<*const super::expr::Tree, usize>,
    /// Fields of inputs, and the nodes of those in use by input and offset.
    parts: HashMap<usize, Vec<NamedSlice>>,
    fields: BTreeMap<(usize, usize), usize>,
}

impl NetlistLowering {
    fn node(&mut self, width: usize, op: LogicOp<usize>) -> usize {
        self.nodes.push(NetlistNode { width, op, name: None, comment: None });
        self.nodes.len() - 1
    }

    /// The field of an input that bits `low .. low + width` lie in, and where they begin in it.
    fn field(&mut self, input: usize, low: usize, width: usize) -> Option<(usize, usize)> {
        let holds = |p: &&NamedSlice| p.offset <= low && low + width <= p.offset + p.width;
        let part = self.parts.get(&input)?.iter().find(holds)?;
        let (name, offset, width) = (part.name, part.offset, part.width);
        let field = match self.fields.get(&(input, offset)) {
            Some(field) => *field,
            None => {
                let field = self.node(width, LogicOp::Slice(input, offset));
                let whole = self.nodes[input].name.as_deref().expect("inputs have names");
                self.nodes[field].name = Some(format!("{whole}_{name}"));
                self.fields.insert((input, offset), field);
                field
            }
        };
        Some((field, low - offset))
    }

    fn expr(&mut self, expr: &Expr) -> usize {
        if let Some(node) = self.trees.get(&Rc::as_ptr(&expr.0)) {
            return *node;
        }
        let op = match &expr.0.op {
            LogicOp::Signal(builder, index) => {
                assert_eq!(*builder, self.id, "a signal of another module was used");
                return self.signals[*index];
            }
            LogicOp::Constant(value) => LogicOp::Constant(value.clone()),
            LogicOp::Not(a) => LogicOp::Not(self.expr(a)),
            LogicOp::Binary(kind, a, b) => LogicOp::Binary(*kind, self.expr(a), self.expr(b)),
            LogicOp::Mux(c, a, b) => LogicOp::Mux(self.expr(c), self.expr(a), self.expr(b)),
            LogicOp::Slice(a, low) => {
                let whole = self.expr(a);
                match self.field(whole, *low, expr.width()) {
                    Some((field, 0)) if self.nodes[field].width == expr.width() => return field,
                    Some((field, low)) => LogicOp::Slice(field, low),
                    None => LogicOp::Slice(whole, *low),
                }
            }
            LogicOp::Concat(parts) => LogicOp::Concat(parts.iter().map(|p| self.expr(p)).collect()),
            LogicOp::ZeroExtend(a) => LogicOp::ZeroExtend(self.expr(a)),
            LogicOp::SignExtend(a) => LogicOp::SignExtend(self.expr(a)),
            LogicOp::Any(a) => LogicOp::Any(self.expr(a)),
            LogicOp::All(a) => LogicOp::All(self.expr(a)),
        };
        let node = self.node(expr.width(), op);
        self.trees.insert(Rc::as_ptr(&expr.0), node);
        node
    }
}

/// Operands of an operation.
pub(super) fn operands(op: &LogicOp<usize>) -> Vec<usize> {
    match op {
        LogicOp::Signal(ALIAS, a) => vec![*a],
        LogicOp::Signal(..) | LogicOp::Constant(_) => vec![],
        LogicOp::Not(a)
        | LogicOp::Slice(a, _)
        | LogicOp::ZeroExtend(a)
        | LogicOp::SignExtend(a)
        | LogicOp::Any(a)
        | LogicOp::All(a) => {
            vec![*a]
        }
        LogicOp::Binary(_, a, b) => vec![*a, *b],
        LogicOp::Mux(c, a, b) => vec![*c, *a, *b],
        LogicOp::Concat(parts) => parts.clone(),
    }
}

pub(super) fn lower(builder: Builder) -> Module {
    let Builder { id, name, description, signals, outputs, instances, parts, .. } = builder;
    let (trees, fields) = (HashMap::new(), BTreeMap::new());
    let mut low = NetlistLowering { id, nodes: vec![], signals: vec![], trees, parts, fields };
    // Every signal has a node of its own: a source, or a name for the value behind it.
    for signal in &signals {
        let kind = match signal.source {
            Driver::Wire(_) | Driver::Forward(_) => ALIAS,
            _ => SOURCE,
        };
        let node = low.node(signal.width, LogicOp::Signal(kind, 0));
        low.nodes[node].comment = signal.comment.clone();
        low.nodes[node].name = Some(signal.name.clone());
        low.signals.push(node);
    }
    let mut registers = vec![];
    for (index, signal) in signals.iter().enumerate() {
        match &signal.source {
            Driver::Input | Driver::Output => {}
            Driver::Wire(value) | Driver::Forward(Some(value)) => {
                let value = low.expr(value);
                low.nodes[index].op = LogicOp::Signal(ALIAS, value);
            }
            Driver::Forward(None) => panic!("wire {} of {name} has no value", signal.name),
            Driver::Register { next: None, .. } => {
                panic!("register {} of {name} has no next value", signal.name)
            }
            Driver::Register { next: Some(next), enable, reset } => registers.push(NetlistRegister {
                node: index,
                next: low.expr(next),
                enable: enable.as_ref().map(|e| low.expr(e)),
                reset: reset.map(|r: Sig| low.signals[r.index]),
            }),
        }
    }
    let outputs: Vec<ModulePort> = outputs
        .iter()
        .map(|(name, value)| ModulePort { name: name.clone(), width: value.width(), node: low.expr(value) })
        .collect();
    let mut placed = vec![];
    for Placing { name, module, inputs, outputs, comment } in &instances {
        placed.push(PlacedInstance {
            name: name.clone(),
            module: module.clone(),
            inputs: inputs.iter().map(|e| low.expr(e)).collect(),
            outputs: outputs.iter().map(|s| s.index).collect(),
            comment: comment.clone(),
        });
    }
    let mut taken: HashSet<&str> = outputs.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(taken.len(), outputs.len(), "two outputs of {name} have one name");
    let mut inputs = vec![];
    for (index, signal) in signals.iter().enumerate() {
        if matches!(signal.source, Driver::Input) {
            assert!(taken.insert(&signal.name), "two ports of {name} are called {}", signal.name);
            inputs.push(ModulePort { name: signal.name.clone(), width: signal.width, node: index });
        }
    }
    for (index, signal) in signals.iter().enumerate() {
        if !matches!(signal.source, Driver::Input) && taken.contains(signal.name.as_str()) {
            low.nodes[index].name = Some(format!("{}_r", signal.name));
        }
    }
    let fields: Vec<usize> = low.fields.into_values().collect();
    if let Some(first) = fields.first() {
        low.nodes[*first].comment = Some("Fields in use.".into());
    }
    let mut netlist = Netlist { nodes: low.nodes, registers, instances: placed, order: vec![] };
    netlist.forward_aliases();
    netlist.arrange(&outputs, &fields, signals.len(), &name);
    let clocked = !netlist.registers.is_empty() || netlist.instances.iter().any(|i| i.module.clocked);
    Module { name, comment: description, inputs, outputs, clocked, body: Body::Netlist(netlist) }
}

impl Netlist {
    /// Moves each value into the node that names it: a wire then *is* its operation, unless the
    /// value already has a name.
    fn forward_aliases(&mut self) {
        let mut moved: HashMap<usize, usize> = HashMap::new();
        for index in 0..self.nodes.len() {
            if let LogicOp::Signal(ALIAS, value) = self.nodes[index].op
                && self.nodes[value].name.is_none()
                && !moved.contains_key(&value)
            {
                moved.insert(value, index);
                self.nodes[index].op = self.nodes[value].op.clone();
                self.nodes[value].op = LogicOp::Signal(ALIAS, index);
            }
        }
        let place = |node: &mut usize| {
            if let Some(named) = moved.get(node) {
                *node = *named;
            }
        };
        for node in &mut self.nodes {
            match &mut node.op {
                LogicOp::Signal(..) | LogicOp::Constant(_) => {}
                LogicOp::Not(a)
                | LogicOp::Slice(a, _)
                | LogicOp::ZeroExtend(a)
                | LogicOp::SignExtend(a)
                | LogicOp::Any(a)
                | LogicOp::All(a) => {
                    place(a);
                }
                LogicOp::Binary(_, a, b) => {
                    place(a);
                    place(b);
                }
                LogicOp::Mux(c, a, b) => {
                    place(c);
                    place(a);
                    place(b);
                }
                LogicOp::Concat(parts) => parts.iter_mut().for_each(place),
            }
        }
    }

    /// Sets the order: first what anything depends on is found, then it is put in the order of its making, as far
    /// as operands come before users.
    fn arrange(&mut self, outputs: &[ModulePort], fields: &[usize], signals: usize, name: &str) {
        let registers = self.registers.iter().flat_map(|r| [Some(r.next), r.enable, r.reset]).flatten();
        let inputs = self.instances.iter().flat_map(|i| i.inputs.iter().copied());
        let roots: Vec<usize> = registers.chain(outputs.iter().map(|o| o.node)).chain(inputs).collect();
        let mut live: Vec<usize> = self.order_of(roots.iter().copied(), name);
        // What is declared even if nothing reads it.
        live.extend(self.registers.iter().map(|r| r.node));
        live.extend(self.instances.iter().flat_map(|i| i.outputs.iter().copied()));
        live.retain(|node| *node < signals);
        live.sort_unstable();
        let made = fields.iter().copied().chain(live).chain(roots);
        self.order = self.order_of(made, name);
    }

    /// The nodes that `roots` depend on, operands before users.
    fn order_of(&self, roots: impl Iterator<Item = usize>, name: &str) -> Vec<usize> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.nodes.len()];
        let mut order = vec![];
        // Depth first without recursion: chains of a thousand operations are ordinary here.
        for root in roots {
            let mut stack = vec![(root, false)];
            while let Some((node, visited)) = stack.pop() {
                if visited {
                    marks[node] = Mark::Done;
                    order.push(node);
                    continue;
                }
                match marks[node] {
                    Mark::Done => continue,
                    Mark::Open => panic!("{:?} of {name} depends on itself", self.nodes[node].name),
                    Mark::New => {}
                }
                marks[node] = Mark::Open;
                stack.push((node, true));
                let below = operands(&self.nodes[node].op);
                stack.extend(below.into_iter().rev().filter(|n| marks[*n] != Mark::Done).map(|n| (n, false)));
            }
        }
        order
    }
}
