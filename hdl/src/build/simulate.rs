//! A module as a rust-hdl block: simulated by `rust_hdl_core::simulate`, checked by `check_all`,
//! printed by `generate_verilog`.

use super::evaluate::Values;
use super::{Body, Module};
use crate::dynsig::{BitVector, DSignal};
use crate::technology::LeafState;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// One instance of a module and of everything in it.
pub(crate) struct Circuit {
    module: Arc<Module>,
    pub(crate) clock: Signal<In, Clock>,
    pub(crate) inputs: Vec<DSignal<In>>,
    pub(crate) outputs: Vec<DSignal<Out>>,
    children: Vec<Circuit>,
    state: CellState,
    /// A clock edge was taken in this update: registers changed, so another update is needed.
    latched: bool,
}

enum CellState {
    Netlist { values: Values, registers: Vec<BitVector> },
    Leaf(LeafState),
}

impl Circuit {
    pub fn new(module: &Arc<Module>) -> Circuit {
        let state = match &module.body {
            Body::Netlist(netlist) => CellState::Netlist {
                values: Values::new(netlist),
                registers: netlist
                    .registers
                    .iter()
                    .map(|r| BitVector::zero(netlist.nodes[r.node].width))
                    .collect(),
            },
            Body::Leaf(leaf) => CellState::Leaf(LeafState::new(leaf)),
        };
        Circuit {
            module: module.clone(),
            clock: Default::default(),
            inputs: module.inputs.iter().map(|p| DSignal::new(p.width)).collect(),
            outputs: module.outputs.iter().map(|p| DSignal::new(p.width)).collect(),
            children: module.children().iter().map(|c| Circuit::new(&c.module)).collect(),
            state,
            latched: false,
        }
    }
}

impl Logic for Circuit {
    /// In the update that sees a rising edge everything is computed from the old registers, so that
    /// blocks further down, which see the edge in the same update, latch old values too; the new
    /// ones show in the next update.
    fn update(&mut self) {
        let edge = self.clock.pos_edge();
        self.latched = edge;
        match (&mut self.state, &self.module.body) {
            (CellState::Netlist { values, registers }, Body::Netlist(netlist)) => {
                for (port, signal) in self.module.inputs.iter().zip(&self.inputs) {
                    values.put(port.node, signal.val());
                }
                for (register, value) in netlist.registers.iter().zip(registers.iter()) {
                    values.put(register.node, value);
                }
                for (placed, child) in netlist.instances.iter().zip(&self.children) {
                    for (node, signal) in placed.outputs.iter().zip(&child.outputs) {
                        values.put(*node, signal.val());
                    }
                }
                values.evaluate(netlist);
                for (port, signal) in self.module.outputs.iter().zip(&mut self.outputs) {
                    signal.next = values.get(port.node);
                }
                for (placed, child) in netlist.instances.iter().zip(&mut self.children) {
                    child.clock.next = self.clock.val();
                    for (node, signal) in placed.inputs.iter().zip(&mut child.inputs) {
                        signal.next = values.get(*node);
                    }
                }
                if edge {
                    for (register, value) in netlist.registers.iter().zip(registers.iter_mut()) {
                        if register.reset.is_some_and(|r| values.flag(r)) {
                            *value = BitVector::zero(value.width());
                        } else if register.enable.is_none_or(|e| values.flag(e)) {
                            *value = values.get(register.next);
                        }
                    }
                }
            }
            (CellState::Leaf(state), Body::Leaf(leaf)) => {
                let inputs: Vec<&BitVector> = self.inputs.iter().map(|s| s.val()).collect();
                if edge {
                    state.edge(leaf, &inputs);
                } else {
                    self.outputs[0].next = state.output(&inputs);
                }
            }
            _ => unreachable!("the state was made for the body"),
        }
    }

    fn connect(&mut self) {
        self.outputs.iter_mut().for_each(|o| o.connect());
        for child in &mut self.children {
            child.clock.connect();
            child.inputs.iter_mut().for_each(|i| i.connect());
        }
    }

    fn hdl(&self) -> Verilog {
        // Whole hierarchies are printed by `emit`, which gives each distinct module one text.
        Verilog::Empty
    }
}

impl Block for Circuit {
    fn connect_all(&mut self) {
        self.connect();
        self.children.iter_mut().for_each(|c| c.connect_all());
    }

    fn update_all(&mut self) {
        self.clock.update_all();
        self.inputs.iter_mut().for_each(|i| i.update_all());
        self.update();
        self.outputs.iter_mut().for_each(|o| o.update_all());
        self.children.iter_mut().for_each(|c| c.update_all());
    }

    fn has_changed(&self) -> bool {
        self.latched
            || self.clock.has_changed()
            || self.inputs.iter().any(|i| i.has_changed())
            || self.outputs.iter().any(|o| o.has_changed())
            || self.children.iter().any(|c| c.has_changed())
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(name, self);
        if self.module.clocked {
            self.clock.accept("clock", probe);
        }
        for (port, signal) in self.module.inputs.iter().zip(&self.inputs) {
            signal.accept(&port.name, probe);
        }
        for (port, signal) in self.module.outputs.iter().zip(&self.outputs) {
            signal.accept(&port.name, probe);
        }
        for (placed, child) in self.module.children().iter().zip(&self.children) {
            child.accept(&placed.name, probe);
        }
        probe.visit_end_scope(name, self);
    }
}
