//! Words of the on-chip memories: constants, and activations that become weights.

use super::{Access, Blob, Emitted, Emitter, External, UnitOp};
use crate::error::{Error, Result};
use crate::fixed::View;
use crate::schedule::memory::Slot;
use crate::tile::{Factors, Placed};
use tilewright_arch::instr::{LocalMemory, Transfer, Unit};

impl Emitter<'_> {
    /// A place for `count` words of a blob in memory number `ring`, for a layer.
    fn slot(
        &mut self,
        layer: usize,
        memory: LocalMemory,
        ring: usize,
        blob: usize,
        count: usize,
    ) -> Result<Slot> {
        let node = &self.graph.nodes[layer];
        self.rings[ring].place(blob, count).ok_or_else(|| {
            Error::new("schedule", format!("{count} words do not fit the memory for {memory:?}"))
                .file(&self.graph.name)
                .node(&node.name)
                .operator(&node.operator)
                .hint("a machine with larger weight_words or parameter_words")
        })
    }

    /// Puts constant words into a memory, loading them unless they are still there; returns the
    /// first word and adds the reader's access.
    pub(super) fn constant(
        &mut self,
        layer: usize,
        memory: LocalMemory,
        ring: usize,
        bytes: &[u8],
        word: usize,
        accesses: &mut Vec<Access>,
    ) -> Result<usize> {
        let count = bytes.len() / word;
        let blob = match self.contents.get(bytes) {
            Some(&blob) => blob,
            None => {
                let address = self.allot(bytes.len());
                self.contents.insert(bytes.to_vec(), self.blobs.len());
                self.blobs.push(Blob { address, bytes: bytes.to_vec() });
                self.blobs.len() - 1
            }
        };
        let slot = self.slot(layer, memory, ring, blob, count)?;
        let touch = |write| Access::Words { memory: ring, words: slot.words.clone(), write };
        if slot.fresh {
            let op = Transfer {
                memory,
                external: self.blobs[blob].address,
                local: slot.first as i64,
                line_bytes: count * word,
                lines: 1,
                planes: 1,
                ..Transfer::default()
            };
            self.emitted.push(Emitted {
                unit: Unit::Load,
                op: UnitOp::Transfer(op),
                layer,
                accesses: vec![touch(true)],
            });
        }
        accesses.push(touch(false));
        Ok(slot.first)
    }

    /// Makes weight words of factors: stores them from feature memory to external memory in the order
    /// of the weight memory, and loads them from there, for each group of columns as often as its
    /// tiles run over them. Returns the first word and adds the reader's access.
    pub(super) fn factors(
        &mut self,
        layer: usize,
        weights: &View,
        factors: &Factors,
        source: &Access,
        accesses: &mut Vec<Access>,
    ) -> Result<usize> {
        let (columns, stride) = (self.config.columns, self.config.weight_stride());
        let Factors { channels, passes } = factors;
        let reduction = weights.shape[0];
        let groups = channels.len().div_ceil(columns);
        let group_bytes = reduction * stride;
        // Zeros at first: words of the last group may have fewer bytes than columns.
        let address = self.allot(groups * group_bytes);
        self.blobs.push(Blob { address, bytes: vec![0; groups * group_bytes] });
        // Nobody's but these instructions'.
        let blob = self.blobs.len() - 1;
        let of = External::Blob(blob);
        let external = |write| Access::whole(of, address..address + groups * group_bytes, write);
        let from = Placed::new(weights, self.place(weights.tensor).1);
        for group in 0..groups {
            let first = channels.start + group * columns;
            let width = columns.min(channels.end - first);
            let mut op = Transfer {
                memory: LocalMemory::Feature,
                external: address + group * group_bytes,
                external_plane: stride as i64,
                local: from.walk(0, 0, 0, first as i64).base,
                local_plane: from.plane as i64,
                line_bytes: width,
                lines: 1,
                planes: reduction,
                ..Transfer::default()
            };
            if from.pixel != 1 {
                // The bytes of a word lie apart.
                (op.line_bytes, op.lines) = (1, width);
                (op.external_line, op.local_line) = (1, from.pixel as i64);
            }
            let accesses = vec![source.clone(), external(true)];
            self.emitted.push(Emitted { unit: Unit::Store, op: UnitOp::Transfer(op), layer, accesses });
        }
        let words = groups * reduction * passes;
        let slot = self.slot(layer, LocalMemory::Weights, 0, blob, words)?;
        let touch = |write| Access::Words { memory: 0, words: slot.words.clone(), write };
        for pass in 0..groups * passes {
            let op = Transfer {
                memory: LocalMemory::Weights,
                external: address + pass / passes * group_bytes,
                local: ((slot.first + pass * reduction) % self.config.weight_words) as i64,
                line_bytes: group_bytes,
                lines: 1,
                planes: 1,
                ..Transfer::default()
            };
            let accesses = vec![external(false), touch(true)];
            self.emitted.push(Emitted { unit: Unit::Load, op: UnitOp::Transfer(op), layer, accesses });
        }
        accesses.push(touch(false));
        Ok(slot.first)
    }
}
