//! The Verilog of a netlist: what stands between the ports and `endmodule`.

use super::expr::{Binary, LogicOp};
use super::lower::operands;
use super::{ALIAS, Body, Module, Netlist, NetlistNode};
use crate::dynsig::BitVector;
use std::collections::{HashMap, HashSet};

/// Longest text of a value that is written inside another expression.
const INLINE: usize = 60;

/// `[7:0] ` or nothing for one bit.
fn range(width: usize) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

fn constant(value: &BitVector) -> String {
    let width = value.width();
    if width <= 64 && value.to_u64() < 1024 {
        return format!("{width}'d{}", value.to_u64());
    }
    let digits: String = value.limbs().iter().rev().map(|l| format!("{l:016x}")).collect();
    let digits = digits.trim_start_matches('0');
    format!("{width}'h{}", if digits.is_empty() { "0" } else { digits })
}

impl Module {
    /// The Verilog between the ports and `endmodule`; `names` are the module names of the children.
    pub(crate) fn verilog_body(&self, names: &[String]) -> String {
        match &self.body {
            Body::Leaf(leaf) => leaf.body(),
            Body::Netlist(netlist) => ModulePrinter::new(self, netlist).print(names),
        }
    }
}

struct ModulePrinter<'a> {
    module: &'a Module,
    netlist: &'a Netlist,
    /// How often each node is used by live nodes, registers, outputs and instances.
    uses: Vec<usize>,
    /// What stands for each node in expressions; empty until it is computed.
    text: Vec<String>,
    /// Must stand in a wire of its own.
    named: Vec<bool>,
    taken: HashSet<String>,
    /// What is declared without a value.
    sources: HashMap<usize, PrintedSource>,
    out: String,
}

#[derive(Clone, Copy)]
enum PrintedSource {
    Register,
    /// Of an instance.
    Output,
}

impl<'a> ModulePrinter<'a> {
    fn new(module: &'a Module, netlist: &'a Netlist) -> Self {
        let count = netlist.nodes.len();
        let mut uses = vec![0; count];
        let mut named = vec![false; count];
        let node = |n: usize| -> &NetlistNode { &netlist.nodes[n] };
        let registers = netlist.registers.iter().flat_map(|r| [Some(r.next), r.enable, r.reset]).flatten();
        let inputs = netlist.instances.iter().flat_map(|i| i.inputs.iter().copied());
        for used in registers.chain(module.outputs.iter().map(|o| o.node)).chain(inputs) {
            uses[used] += 1;
        }
        for &user in &netlist.order {
            for operand in operands(&node(user).op) {
                uses[operand] += 1;
                let wide = node(operand).width > 1;
                named[operand] |= match &node(user).op {
                    // Only names can be indexed.
                    LogicOp::Slice(..) => true,
                    LogicOp::SignExtend(_) => wide,
                    _ => false,
                };
            }
        }
        let taken = netlist.nodes.iter().filter_map(|n| n.name.clone());
        let taken = taken.chain(module.outputs.iter().map(|o| o.name.clone()));
        let taken = taken.chain(netlist.instances.iter().map(|i| i.name.clone())).collect();
        ModulePrinter {
            module,
            netlist,
            uses,
            text: vec![String::new(); count],
            named,
            taken,
            sources: HashMap::new(),
            out: String::new(),
        }
    }

    fn line(&mut self, text: &str) {
        self.out += text;
        self.out.push('\n');
    }

    fn note(&mut self, comment: &Option<String>) {
        for line in comment.iter().flat_map(|c| c.lines()) {
            self.line(&format!("// {line}"));
        }
    }

    fn print(mut self, names: &[String]) -> String {
        let netlist = self.netlist;
        for register in &netlist.registers {
            self.sources.insert(register.node, PrintedSource::Register);
        }
        for output in netlist.instances.iter().flat_map(|placed| &placed.outputs) {
            self.sources.insert(*output, PrintedSource::Output);
        }
        // A derived name comes from the named value or register that uses it first.
        let owners = self.owners();
        for &index in &netlist.order {
            self.wire(index, &owners);
        }
        for output in &self.module.outputs {
            let value = self.text[output.node].clone();
            self.line(&format!("assign {} = {value};", output.name));
        }
        for (placed, kind) in netlist.instances.iter().zip(names) {
            self.note(&placed.comment);
            let mut ports = vec![];
            if placed.module.clocked {
                ports.push(".clock(clock)".to_string());
            }
            for (port, node) in placed.module.inputs.iter().zip(&placed.inputs) {
                ports.push(format!(".{}({})", port.name, self.text[*node]));
            }
            for (port, node) in placed.module.outputs.iter().zip(&placed.outputs) {
                let name = netlist.nodes[*node].name.as_deref().unwrap_or_default();
                ports.push(format!(".{}({name})", port.name));
            }
            self.line(&format!("{kind} {} (", placed.name));
            self.line(&format!("    {}", ports.join(",\n    ")));
            self.line(");");
        }
        self.clocked();
        self.out
    }

    fn clocked(&mut self) {
        let netlist = self.netlist;
        if netlist.registers.is_empty() {
            return;
        }
        let mut lines = vec!["always @(posedge clock) begin".to_string()];
        let assignment = |this: &Self, r: &super::NetlistRegister| {
            let (name, next) = (&this.text[r.node], &this.text[r.next]);
            match r.enable {
                Some(enable) => format!("if ({}) {name} <= {next};", this.text[enable]),
                None => format!("{name} <= {next};"),
            }
        };
        for register in netlist.registers.iter().filter(|r| r.reset.is_none()) {
            lines.push(format!("    {}", assignment(self, register)));
        }
        if netlist.registers.iter().any(|r| r.reset.is_some()) {
            lines.push("    if (reset) begin".to_string());
            for register in netlist.registers.iter().filter(|r| r.reset.is_some()) {
                let zero = constant(&BitVector::zero(netlist.nodes[register.node].width));
                lines.push(format!("        {} <= {zero};", self.text[register.node]));
            }
            lines.push("    end else begin".to_string());
            for register in netlist.registers.iter().filter(|r| r.reset.is_some()) {
                lines.push(format!("        {}", assignment(self, register)));
            }
            lines.push("    end".to_string());
        }
        lines.push("end".to_string());
        lines.iter().for_each(|l| self.line(l));
    }

    /// For each unnamed node the name that its derived name starts with.
    fn owners(&self) -> Vec<String> {
        let netlist = self.netlist;
        let name = |n: usize| netlist.nodes[n].name.clone().unwrap_or_default();
        let mut owners: Vec<String> = (0..netlist.nodes.len()).map(name).collect();
        let give = |owners: &mut Vec<String>, node: usize, name: &str| {
            if owners[node].is_empty() {
                owners[node] = name.to_string();
            }
        };
        for register in &netlist.registers {
            let owner = name(register.node);
            give(&mut owners, register.next, &format!("{owner}_next"));
            if let Some(enable) = register.enable {
                give(&mut owners, enable, &format!("{owner}_enable"));
            }
        }
        for output in &self.module.outputs {
            give(&mut owners, output.node, &output.name);
        }
        for placed in &netlist.instances {
            for (port, node) in placed.module.inputs.iter().zip(&placed.inputs) {
                give(&mut owners, *node, &format!("{}_{}", placed.name, port.name));
            }
        }
        for &user in netlist.order.iter().rev() {
            let owner = owners[user].clone();
            for operand in operands(&netlist.nodes[user].op) {
                give(&mut owners, operand, &owner);
            }
        }
        owners
    }

    fn fresh(&mut self, owner: &str) -> String {
        let base = if owner.is_empty() { "value" } else { owner };
        let mut number = 1;
        loop {
            let name = format!("{base}_{number}");
            if self.taken.insert(name.clone()) {
                return name;
            }
            number += 1;
        }
    }

    fn wire(&mut self, index: usize, owners: &[String]) {
        let node = &self.netlist.nodes[index];
        if let (LogicOp::Signal(kind, _), Some(name)) = (&node.op, &node.name)
            && *kind != ALIAS
        {
            let declared = format!("{}{name}", range(node.width));
            match self.sources.get(&index) {
                Some(PrintedSource::Register) => {
                    self.note(&node.comment);
                    self.line(&format!("reg {declared} = {};", constant(&BitVector::zero(node.width))));
                }
                Some(PrintedSource::Output) => self.line(&format!("wire {declared};")),
                // An input: a port.
                None => {}
            }
            self.text[index] = name.clone();
            return;
        }
        let value = self.value(node);
        let constant = matches!(node.op, LogicOp::Constant(_));
        let alias = matches!(node.op, LogicOp::Signal(..));
        let slice = matches!(node.op, LogicOp::Slice(..));
        let repeated = self.uses[index] > 1 && !constant && !alias && !slice;
        let own = node.name.is_some()
            || !alias
                && (self.named[index]
                    || repeated
                    || value.len() > INLINE && self.uses[index] > 0 && !constant && !slice);
        if !own {
            // Parentheses everywhere but around names, constants, slices and braces.
            let braces =
                matches!(node.op, LogicOp::Concat(_) | LogicOp::ZeroExtend(_) | LogicOp::SignExtend(_));
            let closed = constant || alias || slice || braces;
            self.text[index] = if closed { value } else { format!("({value})") };
            return;
        }
        let name = match &node.name {
            Some(name) => name.clone(),
            None => self.fresh(&owners[index]),
        };
        self.note(&node.comment);
        self.line(&format!("wire {}{name} = {value};", range(node.width)));
        self.text[index] = name;
    }

    fn value(&self, node: &NetlistNode) -> String {
        let t = |n: &usize| self.text[*n].as_str();
        match &node.op {
            LogicOp::Signal(_, a) => t(a).to_string(),
            LogicOp::Constant(value) => constant(value),
            LogicOp::Not(a) => format!("~{}", t(a)),
            LogicOp::Binary(kind, a, b) => {
                let (a, b) = (t(a), t(b));
                match kind {
                    Binary::Add => format!("{a} + {b}"),
                    Binary::Sub => format!("{a} - {b}"),
                    Binary::And => format!("{a} & {b}"),
                    Binary::Or => format!("{a} | {b}"),
                    Binary::Xor => format!("{a} ^ {b}"),
                    Binary::Equal => format!("{a} == {b}"),
                    Binary::Less => format!("{a} < {b}"),
                    Binary::LessSigned => format!("$signed({a}) < $signed({b})"),
                }
            }
            LogicOp::Mux(c, a, b) => format!("{} ? {} : {}", t(c), t(a), t(b)),
            LogicOp::Slice(a, low) if node.width == 1 => format!("{}[{low}]", t(a)),
            LogicOp::Slice(a, low) => format!("{}[{}:{low}]", t(a), low + node.width - 1),
            LogicOp::Concat(parts) => format!("{{{}}}", parts.iter().map(t).collect::<Vec<_>>().join(", ")),
            LogicOp::ZeroExtend(a) => {
                format!("{{{}'d0, {}}}", node.width - self.netlist.nodes[*a].width, t(a))
            }
            LogicOp::SignExtend(a) => {
                let inner = self.netlist.nodes[*a].width;
                match inner {
                    1 => format!("{{{}{{{}}}}}", node.width, t(a)),
                    _ => format!("{{{{{}{{{}[{}]}}}}, {}}}", node.width - inner, t(a), inner - 1, t(a)),
                }
            }
            LogicOp::Any(a) => format!("|{}", t(a)),
            LogicOp::All(a) => format!("&{}", t(a)),
        }
    }
}
