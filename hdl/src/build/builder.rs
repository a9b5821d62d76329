//! The [`Builder`]: what a block calls to describe itself.

use super::expr::Ops;
use super::name::check_name;
use super::{Expr, Module, ModulePort, Sig, lower};
use crate::technology::Leaf;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tilewright_arch::encoding::Field;
use tilewright_arch::technology::Technology;

/// The outputs of a placed module.
#[derive(Clone, Debug)]
pub struct Instance {
    module: Arc<Module>,
    outputs: Vec<Sig>,
}

impl Instance {
    /// An output by name.
    pub fn out(&self, name: &str) -> Sig {
        match self.module.output(name) {
            Some(index) => self.outputs[index],
            None => panic!("module {} has no output {name}", self.module.name),
        }
    }
}

/// Connections of a simple dual-port memory: one write port, one read port.
#[derive(Clone, Debug)]
pub struct Ram {
    /// Words; any number. Words at or above it read as an arbitrary value and cannot be written.
    pub depth: usize,
    /// One bit.
    pub write_enable: Expr,
    /// Word; as wide as `read_address`, ceil(log2(depth)) bits, at least one.
    pub write_address: Expr,
    /// Any width.
    pub write_data: Expr,
    /// Word.
    pub read_address: Expr,
}

/// Bits of an index into `count` things, at least one.
pub fn index_bits(count: usize) -> usize {
    (usize::BITS - (count - 1).leading_zeros()).max(1) as usize
}

pub(super) enum Driver {
    Input,
    Wire(Expr),
    Forward(Option<Expr>),
    Register { next: Option<Expr>, enable: Option<Expr>, reset: Option<Sig> },
    Output,
}

/// A named slice of an input.
pub(super) struct NamedSlice {
    /// Name in the Verilog, behind the input's.
    pub name: &'static str,
    pub offset: usize,
    pub width: usize,
}

pub(super) struct Signal {
    pub name: String,
    pub width: usize,
    pub source: Driver,
    pub comment: Option<String>,
}

pub(super) struct Placing {
    pub name: String,
    pub module: Arc<Module>,
    pub inputs: Vec<Expr>,
    pub outputs: Vec<Sig>,
    pub comment: Option<String>,
}

/// Describes one module; see the [module text](super).
pub struct Builder {
    pub(super) id: usize,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) signals: Vec<Signal>,
    pub(super) outputs: Vec<(String, Expr)>,
    pub(super) instances: Vec<Placing>,
    pub(super) comment: Option<String>,
    pub(super) reset: Option<Sig>,
    pub(super) names: HashMap<String, usize>,
    /// Fields of inputs, by the input's index.
    pub(super) parts: HashMap<usize, Vec<NamedSlice>>,
}

static BUILDERS: AtomicUsize = AtomicUsize::new(0);

impl Builder {
    /// A module called `name`; `comment` says in a sentence or more what it is.
    pub fn new(name: impl Into<String>, comment: impl Into<String>) -> Builder {
        Builder {
            id: BUILDERS.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            description: comment.into(),
            signals: vec![],
            outputs: vec![],
            instances: vec![],
            comment: None,
            reset: None,
            names: HashMap::new(),
            parts: HashMap::new(),
        }
    }

    fn add(&mut self, name: &str, width: usize, source: Driver) -> Sig {
        assert!(width > 0, "signal {name} of {} has no bits", self.name);
        check_name(name);
        // A repeated name gets a number, so that helper functions may be called several times.
        let count = self.names.entry(name.to_string()).or_insert(0);
        *count += 1;
        let name = if *count == 1 { name.to_string() } else { format!("{name}_n{count}") };
        // Inputs are ports, above everything that a comment could stand over.
        let comment = if matches!(source, Driver::Input) { None } else { self.comment.take() };
        self.signals.push(Signal { name, width, source, comment });
        Sig { builder: self.id, index: self.signals.len() - 1, width }
    }

    /// Prints `text` above the next wire, register or instance.
    pub fn comment(&mut self, text: impl Into<String>) {
        self.comment = Some(text.into());
    }

    /// An input port of `width` bits.
    pub fn input(&mut self, name: &str, width: usize) -> Sig {
        self.add(name, width, Driver::Input)
    }

    /// An input port whose slices are printed as its fields, `<name>_<field>`, where one holds them.
    pub fn input_of_fields(&mut self, name: &str, width: usize, fields: &[Field]) -> Sig {
        let input = self.input(name, width);
        let part = |f: &Field| NamedSlice { name: f.name, offset: f.offset, width: f.width };
        self.parts.insert(input.index, fields.iter().map(part).collect());
        input
    }

    /// The input `reset`: synchronous, high active; made when first asked for.
    pub fn reset(&mut self) -> Sig {
        match self.reset {
            Some(reset) => reset,
            None => {
                let reset = self.add("reset", 1, Driver::Input);
                self.reset = Some(reset);
                reset
            }
        }
    }

    /// An output port.
    pub fn output(&mut self, name: &str, value: impl Into<Expr>) {
        check_name(name);
        self.outputs.push((name.to_string(), value.into()));
    }

    /// A named value.
    pub fn wire(&mut self, name: &str, value: impl Into<Expr>) -> Sig {
        let value = value.into();
        let width = value.width();
        self.add(name, width, Driver::Wire(value))
    }

    /// A wire whose value is given later by [`Builder::drive`].
    pub fn forward(&mut self, name: &str, width: usize) -> Sig {
        self.add(name, width, Driver::Forward(None))
    }

    /// Gives a [`Builder::forward`] wire its value.
    pub fn drive(&mut self, wire: Sig, value: impl Into<Expr>) {
        let value = value.into();
        let signal = &mut self.signals[wire.index];
        assert_eq!(value.width(), signal.width, "width of {}", signal.name);
        match &mut signal.source {
            Driver::Forward(slot @ None) => *slot = Some(value),
            _ => panic!("{} is not a forward wire without a value", signal.name),
        }
    }

    /// A register without reset, initially zero; [`Builder::set`] gives its next value.
    pub fn reg(&mut self, name: &str, width: usize) -> Sig {
        self.add(name, width, Driver::Register { next: None, enable: None, reset: None })
    }

    /// A register that `reset` sets to zero.
    pub fn reg_reset(&mut self, name: &str, width: usize) -> Sig {
        let reset = Some(self.reset());
        self.add(name, width, Driver::Register { next: None, enable: None, reset })
    }

    /// The next value of a register, exactly once for each.
    pub fn set(&mut self, register: Sig, value: impl Into<Expr>) {
        self.set_register(register, None, value.into());
    }

    /// The next value of a register in cycles in which `enable` is one; it keeps its value in others.
    pub fn set_when(&mut self, register: Sig, enable: impl Into<Expr>, value: impl Into<Expr>) {
        let enable = enable.into();
        assert_eq!(enable.width(), 1, "an enable is one bit");
        self.set_register(register, Some(enable), value.into());
    }

    fn set_register(&mut self, register: Sig, when: Option<Expr>, value: Expr) {
        let signal = &mut self.signals[register.index];
        assert_eq!(value.width(), signal.width, "width of {}", signal.name);
        match &mut signal.source {
            Driver::Register { next: next @ None, enable, .. } => {
                *next = Some(value);
                *enable = when;
            }
            _ => panic!("{} is not a register without a next value", signal.name),
        }
    }

    /// A register that takes `value` every cycle: one pipeline stage.
    pub fn register(&mut self, name: &str, value: impl Into<Expr>) -> Sig {
        let value = value.into();
        let register = self.reg(name, value.width());
        self.set(register, value);
        register
    }

    /// A register that takes `value` when `enable` is one.
    pub fn register_when(&mut self, name: &str, enable: impl Into<Expr>, value: impl Into<Expr>) -> Sig {
        let value = value.into();
        let register = self.reg(name, value.width());
        self.set_when(register, enable, value);
        register
    }

    /// `value` delayed by `stages` registers called `name_1`, `name_2`, ...; 0 stages: a wire.
    pub fn delay(&mut self, name: &str, value: impl Into<Expr>, stages: usize) -> Sig {
        if stages == 0 {
            return self.wire(name, value);
        }
        let mut last = self.register(&format!("{name}_1"), value);
        for stage in 2..=stages {
            last = self.register(&format!("{name}_{stage}"), last);
        }
        last
    }

    /// Places `module` as `name` with its inputs (all but `clock` and `reset`) connected by name.
    pub fn instance(&mut self, name: &str, module: &Arc<Module>, inputs: &[(&str, Expr)]) -> Instance {
        check_name(name);
        let comment = self.comment.take();
        let count = self.names.entry(name.to_string()).or_insert(0);
        *count += 1;
        let name = if *count == 1 { name.to_string() } else { format!("{name}_n{count}") };
        for (given, _) in inputs {
            assert!(module.input(given).is_some(), "module {} has no input {given}", module.name);
        }
        let connect = |this: &mut Builder, port: &ModulePort| -> Expr {
            let mut given = inputs.iter().filter(|(name, _)| *name == port.name);
            let value = match given.next() {
                Some((_, value)) => value.clone(),
                None if port.name == "reset" => this.reset().into(),
                None => panic!("input {} of {name} ({}) is not connected", port.name, module.name),
            };
            assert!(given.next().is_none(), "input {} of {name} is connected twice", port.name);
            assert_eq!(value.width(), port.width, "width of input {} of {name} ({})", port.name, module.name);
            value
        };
        let inputs: Vec<Expr> = module.inputs.iter().map(|p| connect(self, p)).collect();
        let output = |p: &ModulePort| self.add(&format!("{name}_{}", p.name), p.width, Driver::Output);
        let outputs: Vec<Sig> = module.outputs.iter().map(output).collect();
        let outputs_of = outputs.clone();
        self.instances.push(Placing { name, module: module.clone(), inputs, outputs: outputs_of, comment });
        Instance { module: module.clone(), outputs }
    }

    /// A memory; its read data come `stages` (1 or 2) cycles after the address. Reading a word in
    /// the cycle in which it is written gives an arbitrary value. Contents start at zero.
    pub fn ram(&mut self, name: &str, technology: Technology, stages: usize, ram: Ram) -> Sig {
        let leaf = Leaf::Ram { depth: ram.depth, width: ram.write_data.width(), stages, technology };
        let ports = [
            ("write_enable", ram.write_enable),
            ("write_address", ram.write_address),
            ("write_data", ram.write_data),
            ("read_address", ram.read_address),
        ];
        self.instance(name, &Module::leaf(leaf), &ports).out("read_data")
    }

    /// A memory of a few words in logic cells: as [`Builder::ram`], but its read data come in the
    /// cycle of the address, and a word being written still reads as before.
    pub fn small_ram(&mut self, name: &str, ram: Ram) -> Sig {
        self.ram(name, Technology::Portable, 0, ram)
    }

    /// A product of two values, both signed or both unsigned, of up to 18 bits each, `stages` (1 to
    /// 4) cycles after them and as wide as both together.
    pub fn multiply(
        &mut self,
        name: &str,
        technology: Technology,
        stages: usize,
        signed: bool,
        a: impl Into<Expr>,
        b: impl Into<Expr>,
    ) -> Sig {
        let (a, b) = (a.into(), b.into());
        let widths = [a.width(), b.width()];
        let leaf = Leaf::Multiplier { widths, signed, stages, technology };
        self.instance(name, &Module::leaf(leaf), &[("a", a), ("b", b)]).out("product")
    }

    /// Checks that everything has a value and that no value depends on itself without a register.
    pub fn finish(self) -> Arc<Module> {
        Arc::new(lower::lower(self))
    }
}
