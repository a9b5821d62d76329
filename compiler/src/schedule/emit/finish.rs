//! From instructions in one order to a program: lists that run side by side, and the layout of external memory.

use super::{Emitter, UnitOp};
use crate::error::{Error, Result};
use crate::fixed::TensorId;
use crate::schedule::hazards::{self, Access};
use crate::tile;
use tilewright_arch::encoding::list_bytes;
use tilewright_arch::instr::{TileOp, Transfer, Unit};
use tilewright_arch::program::{Line, Program, TensorPort};
use tilewright_arch::sdram::Sdram;

impl Emitter<'_> {
    /// Whether external memory has room for everything so far.
    ///
    /// # Errors
    /// It has not.
    pub(super) fn fits(&self) -> Result<()> {
        let mut used = self.used;
        for unit in Unit::ALL {
            let count = self.emitted.iter().filter(|e| e.unit == unit).count();
            used = used.next_multiple_of(self.boundary()) + list_bytes(unit, count);
        }
        let bytes = used.next_multiple_of(self.boundary());
        let chip = self.config.memory.sdram.as_ref().map(Sdram::bytes);
        let least = if self.emitted.is_empty() { "at least " } else { "" };
        let too_much = |there: &str, hint: &str| {
            let what = format!("the program needs {least}{used} bytes of external memory{there}");
            Err(Error::new("schedule", what).file(&self.graph.name).hint(hint))
        };
        match chip {
            _ if i32::try_from(bytes).is_err() => {
                too_much("", "a smaller network: the machine addresses 2 GiB")
            }
            Some(chip) if bytes as u64 > chip => {
                too_much(&format!(", the chip has {chip}"), "a smaller network or input")
            }
            _ => Ok(()),
        }
    }

    /// The program: instructions in their units' lists, each with what it waits for and signals, and what lies outside.
    ///
    /// # Errors
    /// As [`Emitter::fits`]; a transfer that an instruction cannot say.
    pub(super) fn finish(mut self) -> Result<Program> {
        let order: Vec<(Unit, Vec<Access>)> =
            self.emitted.iter_mut().map(|e| (e.unit, std::mem::take(&mut e.accesses))).collect();
        let syncs = hazards::synchronise(&order);
        let mut program = Program::empty(self.config.clone());
        for (emitted, sync) in self.emitted.iter().zip(syncs) {
            let layer = emitted.layer;
            match (&emitted.op, emitted.unit) {
                (UnitOp::Tile(op), unit) => {
                    let line = Line { op: TileOp { sync, ..*op }, layer };
                    if unit == Unit::Vector { &mut program.vector } else { &mut program.compute }.push(line);
                }
                (UnitOp::Transfer(op), unit) => {
                    let line = Line { op: Transfer { sync, ..*op }, layer };
                    if unit == Unit::Load { &mut program.load } else { &mut program.store }.push(line);
                }
            }
        }
        self.fits()?;
        let streams = Unit::ALL.map(|unit| self.allot(program.stream_bytes(unit)));
        let bytes = self.used.next_multiple_of(self.boundary());
        for emitted in &self.emitted {
            if let UnitOp::Transfer(op) = &emitted.op {
                let node = &self.graph.nodes[emitted.layer];
                op.encode(self.config.lanes).map_err(|e| tile::refusal(self.graph, node, &e))?;
            }
        }
        let address = |place: usize| u32::try_from(place).expect("all places lie within these bytes");
        program.stream_address = streams.map(address);
        program.memory_bytes = address(bytes);
        let graph = self.graph;
        let port = |(t, shape): &(TensorId, Vec<usize>)| {
            let tensor = graph.tensor(*t);
            TensorPort {
                name: tensor.name.clone(),
                shape: shape.clone(),
                address: address(self.external[t]),
                scale: tensor.scale,
                zero: tensor.zero,
                wide: tensor.wide,
            }
        };
        program.inputs = graph.inputs.iter().map(port).collect();
        program.outputs = graph.outputs.iter().map(port).collect();
        program.layers = self.layers;
        program.data = self.blobs.into_iter().map(|b| (address(b.address), b.bytes)).collect();
        Ok(program)
    }
}
