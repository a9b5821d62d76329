//! A netlist builder: every block of the machine is described once, and that description is both
//! what rust-hdl simulates and what is printed as Verilog.
//!
//! ```ignore
//! use crate::build::{Builder, Ops, concat, lit};
//!
//! let mut b = Builder::new("accumulator", "Sums signed bytes; `clear` starts again.");
//! let value = b.input("value", 8);
//! let clear = b.input("clear", 1);
//! let sum = b.reg("sum", 32);                                   // a register, initially 0
//! let next = b.wire("next", sum + value.sign_extend(32));       // a named wire
//! b.set(sum, clear.mux(lit(0, 32), next));                      // its next value, exactly once
//! b.output("total", sum);
//! let module: Arc<Module> = b.finish();
//! ```
//!
//! # Clock and reset
//! Every module with registers has an input `clock`; nothing mentions it. [`Builder::reg_reset`]
//! makes a register that the synchronous input `reset` sets to zero; a module that has one (itself or in an
//! instance) has the input `reset`. Datapath registers use [`Builder::reg`], [`Builder::register`]
//! or [`Builder::delay`] and have no reset. All registers start at zero.
//!
//! # Values
//! A [`Sig`] is a named signal and is `Copy`; an [`Expr`] is a computed value. Both take the
//! operators `+ - & | ^ !` (operands of one width, sums wrap) and the methods of [`Ops`]: `equals`,
//! `less`, `less_signed`, `mux`, `slice`, `bit`, `element`, `zero_extend`, `sign_extend`,
//! `select`, `any`, ... Widths are checked at once. There is no
//! implicit widening: extend first, then add. Values have no signedness of their own; the
//! operations that care say so in their names. Constants: [`lit`], [`zero`], `x.is(5)`, `x.plus(1)`.
//! [`concat()`] takes the most significant part first, [`pack`] element 0 (least significant) first.
//!
//! # Structure
//! * [`Builder::instance`] places a finished module; `clock` and `reset` are connected by itself;
//!   all other inputs must be given; outputs are read with [`Instance::out`].
//! * A [`Bundle`] is a struct of signals that pass together: its fields are the names of ports, so none is written
//!   on both sides.
//! * [`Builder::forward`] and [`Builder::drive`] name a wire before its value is known.
//! * [`Builder::ram`] is a simple dual-port memory, [`Builder::multiply`] a registered multiplier;
//!   both come in a portable form and in the primitives of a [`Technology`](tilewright_arch::technology::Technology).
//! * [`Builder::comment`] prints a comment above the next wire, register or instance. The Verilog declares things
//!   in the order in which they were made, so a comment stands before its group.
//! * [`Builder::input_of_fields`] is an input whose slices are printed by the names of its fields.
//!
//! Names are lower-case Verilog identifiers. An internal signal that has the name of an output is
//! printed with `_r` behind it. Values used once and short are printed inside the expression that
//! uses them; anything else gets a wire with a derived name, so that the Verilog has no width or
//! sign that depends on context.
//!
//! # Testing
//! In tests, `check::Bench` runs a module in rust-hdl's simulation; `check::differential` compares
//! that with the emitted Verilog under random stimuli.

mod builder;
mod bundle;
mod evaluate;
mod expr;
mod lower;
mod name;
mod print;
mod simulate;
#[cfg(test)]
mod tests;

pub use builder::{Builder, Instance, Ram, index_bits};
pub(crate) use bundle::{Bundle, bundle};
pub use expr::{Expr, Ops, Sig, and_or, concat, lit, or_all, pack, zero};
pub(crate) use simulate::Circuit;

use crate::technology::Leaf;
use expr::LogicOp;
use std::sync::Arc;

/// A finished block: ports, logic and instances of other blocks.
#[derive(Debug)]
pub struct Module {
    pub(crate) name: String,
    pub(crate) comment: String,
    pub(crate) inputs: Vec<ModulePort>,
    pub(crate) outputs: Vec<ModulePort>,
    /// Has, itself or inside, registers.
    pub(crate) clocked: bool,
    pub(crate) body: Body,
}

/// A port and the node behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ModulePort {
    pub name: String,
    pub width: usize,
    /// In a netlist: the source node of an input, the value of an output.
    node: usize,
}

/// What is inside a module.
#[derive(Debug)]
pub(crate) enum Body {
    Netlist(Netlist),
    Leaf(Leaf),
}

/// Logic as numbered nodes.
#[derive(Debug, Default)]
pub(crate) struct Netlist {
    nodes: Vec<NetlistNode>,
    registers: Vec<NetlistRegister>,
    instances: Vec<PlacedInstance>,
    /// All nodes that matter: fields of inputs, then what has a name in the order of its making, operands before
    /// users.
    order: Vec<usize>,
}

#[derive(Clone, Debug)]
struct NetlistNode {
    width: usize,
    /// `Signal(SOURCE, _)`: an input, register or instance output; `Signal(ALIAS, node)`: another
    /// name of a node.
    op: LogicOp<usize>,
    name: Option<String>,
    comment: Option<String>,
}

const SOURCE: usize = 0;
const ALIAS: usize = 1;

#[derive(Debug)]
struct NetlistRegister {
    node: usize,
    next: usize,
    enable: Option<usize>,
    reset: Option<usize>,
}

/// An instance inside a netlist; inputs and outputs in the order of the module's ports.
#[derive(Debug)]
pub(crate) struct PlacedInstance {
    name: String,
    pub(crate) module: Arc<Module>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    comment: Option<String>,
}

impl Module {
    /// The modules placed directly inside this one.
    pub(crate) fn children(&self) -> &[PlacedInstance] {
        match &self.body {
            Body::Netlist(netlist) => &netlist.instances,
            Body::Leaf(_) => &[],
        }
    }

    /// Index of an input.
    pub(crate) fn input(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|p| p.name == name)
    }

    /// Index of an output.
    pub(crate) fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|p| p.name == name)
    }

    /// A module of one technology leaf.
    pub(crate) fn leaf(leaf: Leaf) -> Arc<Module> {
        let port = |(name, width): (&str, usize)| ModulePort { name: name.into(), width, node: 0 };
        Arc::new(Module {
            name: leaf.name(),
            comment: leaf.comment(),
            inputs: leaf.inputs().into_iter().map(port).collect(),
            outputs: leaf.outputs().into_iter().map(port).collect(),
            clocked: true,
            body: Body::Leaf(leaf),
        })
    }
}
