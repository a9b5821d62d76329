//! From a module to the Verilog of it and of everything inside it.
//!
//! Each distinct module is printed once, children before parents, through rust-hdl's
//! `generate_verilog`; rust-hdl's checks run on the whole hierarchy first.

use crate::Error;
use crate::build::{Circuit, Module};
use crate::dynsig::DSignal;
use rust_hdl_core::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A module as rust-hdl prints it: its ports, and its body as a wrapped text.
struct PrintedModule {
    name: String,
    clock: Option<Signal<In, Clock>>,
    inputs: Vec<(String, DSignal<In>)>,
    outputs: Vec<(String, DSignal<Out>)>,
    body: String,
}

impl Logic for PrintedModule {
    fn update(&mut self) {}
    fn hdl(&self) -> Verilog {
        Verilog::Wrapper(Wrapper { code: self.body.clone(), cores: String::new() })
    }
}

impl Block for PrintedModule {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, _name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(&self.name, self);
        if let Some(clock) = &self.clock {
            clock.accept("clock", probe);
        }
        self.inputs.iter().for_each(|(name, signal)| signal.accept(name, probe));
        self.outputs.iter().for_each(|(name, signal)| signal.accept(name, probe));
        probe.visit_end_scope(&self.name, self);
    }
}

/// All distinct modules side by side.
struct Library(Vec<PrintedModule>);

impl Logic for Library {
    fn update(&mut self) {}
}

impl Block for Library {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(name, self);
        self.0.iter().for_each(|m| m.accept(&m.name, probe));
        probe.visit_end_scope(name, self);
    }
}

#[derive(Default)]
struct Collector {
    /// Final name of each module seen, by address (modules outlive the collector).
    seen: HashMap<*const Module, String>,
    /// Final names by what tells modules apart.
    distinct: HashMap<String, String>,
    names: HashSet<String>,
    list: Vec<(Arc<Module>, String, String)>,
}

impl Collector {
    fn visit(&mut self, module: &Arc<Module>) -> String {
        if let Some(name) = self.seen.get(&Arc::as_ptr(module)) {
            return name.clone();
        }
        let children: Vec<String> = module.children().iter().map(|c| self.visit(&c.module)).collect();
        let body = module.verilog_body(&children);
        let key = format!("{} {:?} {:?}\n{body}", module.name, module.inputs, module.outputs);
        let name = match self.distinct.get(&key) {
            Some(name) => name.clone(),
            None => {
                let mut name = module.name.clone();
                let mut number = 1;
                while !self.names.insert(name.clone()) {
                    number += 1;
                    name = format!("{}_v{number}", module.name);
                }
                self.distinct.insert(key, name.clone());
                self.list.push((module.clone(), name.clone(), body));
                name
            }
        };
        self.seen.insert(Arc::as_ptr(module), name.clone());
        name
    }
}

/// The Verilog of `module` and everything inside it; the last module is `module` itself.
pub(crate) fn emit(module: &Arc<Module>) -> Result<String, Error> {
    let mut circuit = Circuit::new(module);
    circuit.connect_all();
    check_all(&circuit).map_err(|e| Error::Check(format!("{e:?}")))?;
    drop(circuit);
    let mut collector = Collector::default();
    collector.visit(module);
    let printed = |(module, name, body): &(Arc<Module>, String, String)| {
        let mut printed = PrintedModule {
            name: name.clone(),
            clock: module.clocked.then(Default::default),
            inputs: module.inputs.iter().map(|p| (p.name.clone(), DSignal::new(p.width))).collect(),
            outputs: module.outputs.iter().map(|p| (p.name.clone(), DSignal::new(p.width))).collect(),
            body: body.clone(),
        };
        // Driven from outside and by the wrapped text.
        printed.clock.iter_mut().for_each(|c| c.connect());
        printed.inputs.iter_mut().for_each(|(_, s)| s.connect());
        printed.outputs.iter_mut().for_each(|(_, s)| s.connect());
        printed
    };
    let library = Library(collector.list.iter().map(printed).collect());
    let text = generate_verilog(&library);
    Ok(arrange(&text, &collector.list))
}

/// Puts the modules in order, children first, with their comments, and drops what rust-hdl prints
/// around wrapped texts.
fn arrange(text: &str, list: &[(Arc<Module>, String, String)]) -> String {
    let mut modules: HashMap<String, Vec<String>> = HashMap::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(rest) = trimmed.strip_prefix("module top$") {
            let (name, ports) = rest.split_once('(').unwrap_or((rest, ");"));
            let ports = ports.trim_end_matches(");").replace(',', ", ");
            current = Some(name.to_string());
            let one_line = format!("module {name}({ports});");
            let header = if one_line.len() <= WIDTH {
                vec![one_line]
            } else {
                let mut lines = vec![format!("module {name}(")];
                lines.extend(fold(&ports).iter().map(|line| format!("    {line}")));
                lines.push(");".to_string());
                lines
            };
            modules.insert(name.to_string(), header);
            continue;
        }
        let Some(lines) = current.as_ref().and_then(|name| modules.get_mut(name)) else { continue };
        if trimmed.starts_with("endmodule") {
            lines.push("endmodule".to_string());
            current = None;
        } else if !trimmed.is_empty() && !NOISE.contains(&trimmed) {
            lines.extend(broken(line.replace(" wire  ", " wire ").trim_end()));
        }
    }
    let mut out = String::new();
    for (module, name, _) in list {
        for line in fold(&module.comment) {
            out += &format!("// {line}\n");
        }
        for line in &modules[name] {
            out += line;
            out.push('\n');
        }
        out.push('\n');
    }
    out
}

const NOISE: &[&str] = &[
    "// Module arguments",
    "// v-- Setting output parameters to net type for wrapped code.",
    "// Update code (wrapper)",
];

/// Longest line of a comment or a list of ports.
const WIDTH: usize = 100;
/// Longest line of all.
const LONGEST: usize = 119;

/// A line of a module in lines of at most [`LONGEST`] characters, broken behind commas and operators.
fn broken(line: &str) -> Vec<String> {
    let indent = line.len() - line.trim_start().len();
    let text = line.trim_start();
    if line.len() <= LONGEST {
        return vec![line.to_string()];
    }
    if let Some(comment) = text.strip_prefix("// ") {
        return fold(comment).iter().map(|part| format!("{:indent$}// {part}", "")).collect();
    }
    let mut lines = vec![];
    let mut current = " ".repeat(indent);
    let mut empty = true;
    for piece in pieces(text) {
        if !empty && current.len() + piece.trim_end().len() > LONGEST {
            lines.push(current.trim_end().to_string());
            current = " ".repeat(indent + 4);
        }
        current += piece;
        empty = false;
    }
    lines.push(current.trim_end().to_string());
    lines
}

/// Text cut before every word that is not an operator.
fn pieces(text: &str) -> Vec<&str> {
    const OPERATORS: [&str; 12] = ["+", "-", "&", "|", "^", "<", "==", "?", ":", "<=", "=", "*"];
    let mut cuts = vec![0];
    for (space, _) in text.match_indices(' ') {
        let word = text[space + 1..].split(' ').next().unwrap_or_default();
        if !OPERATORS.contains(&word) && !word.is_empty() {
            cuts.push(space + 1);
        }
    }
    cuts.push(text.len());
    cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect()
}

/// Lines of at most [`WIDTH`] characters, with room for a comment sign or an indentation.
fn fold(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("starts with one");
        if last.is_empty() {
            *last = word.to_string();
        } else if last.len() + 1 + word.len() <= WIDTH - 4 {
            *last += " ";
            *last += word;
        } else {
            lines.push(word.to_string());
        }
    }
    lines
}
