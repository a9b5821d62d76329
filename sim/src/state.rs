//! The contents of the on-chip memories, and what of them was ever written.

use crate::bits::Bits;
use crate::check::access::{Footprint, WORDS, lines, word_bytes};
use crate::faults::{Fault, Shared};
use crate::values::SLACK;
use std::ops::Range;
use tilewright_arch::config::Config;
use tilewright_arch::fixed::{CHANNEL_BYTES, Channel};
use tilewright_arch::instr::{LocalMemory, Transfer, Unit};
use tilewright_arch::program::Program;
use tilewright_timing::InstrId;

/// On-chip memories.
#[derive(Clone, Debug)]
pub struct State {
    /// Feature bytes by flat index; a few more, for copies of fixed size.
    pub features: Vec<u8>,
    /// Weights: words of C (signed) bytes.
    pub weights: Vec<u8>,
    /// Parameters of the compute and the vector unit.
    pub channels: [Vec<Channel>; 2],
    /// Activation tables.
    pub tables: Vec<[i8; 256]>,
    /// Sums that an operation left in the array for the next one, by pixel and column, columns filled up as in its
    /// packed weights; empty when there are none.
    pub kept: Vec<i32>,
    written: Bits,
    loaded: [Bits; 4],
    /// External bytes that are given beforehand or have been stored; `None`: all of them.
    external: Option<Bits>,
}

impl State {
    /// Memories that nothing has written.
    pub fn new(config: &Config) -> State {
        let words = [config.weight_words, config.parameter_words, config.parameter_words, config.tables];
        State {
            features: vec![0; config.feature_bytes() + SLACK],
            weights: vec![0; config.weight_words * config.columns],
            channels: [
                vec![Channel::default(); config.parameter_words],
                vec![Channel::default(); config.parameter_words],
            ],
            tables: vec![[0; 256]; config.tables],
            kept: vec![],
            written: Bits::new(config.feature_bytes()),
            loaded: words.map(Bits::new),
            external: None,
        }
    }

    /// The same, knowing what external memory holds before the start: constants, instructions and
    /// inputs. Nothing else may be loaded before it has been stored.
    pub fn of(program: &Program) -> State {
        let mut given = Bits::new(program.memory_bytes as usize);
        let data = program.data.iter().map(|(address, bytes)| (*address as usize, bytes.len()));
        let inputs = program.inputs.iter().map(|port| (port.address as usize, port.bytes()));
        let lists = Unit::ALL.map(|u| (program.stream_address[u as usize] as usize, program.stream_bytes(u)));
        for (start, bytes) in data.chain(inputs).chain(lists) {
            let end = program.memory_bytes as usize;
            given.insert_range(start.min(end)..(start + bytes).min(end));
        }
        State { external: Some(given), ..State::new(&program.config) }
    }

    /// Checks that everything an instruction reads has been written.
    ///
    /// # Errors
    /// What is read and was never written.
    pub fn check(&self, access: &Footprint, site: &InstrId) -> Result<(), Fault> {
        let unwritten = |memory: Shared, place: Option<usize>| match place {
            None => Ok(()),
            Some(place) => Err(Fault::Unwritten { site: site.clone(), memory, place }),
        };
        unwritten(Shared::Features, access.reads.beyond(&self.written))?;
        for (i, memory) in WORDS.into_iter().enumerate() {
            unwritten(memory, access.word_reads[i].beyond(&self.loaded[i]))?;
        }
        if let Some(external) = &self.external {
            let missing = |range: &Range<usize>| external.first_missing(range.clone());
            unwritten(Shared::External, access.external_reads.iter().find_map(missing))?;
        }
        Ok(())
    }

    /// Notes what an instruction writes.
    pub fn note(&mut self, access: &Footprint) {
        self.written.extend(&access.writes);
        for (loaded, words) in self.loaded.iter_mut().zip(&access.word_writes) {
            loaded.extend(words);
        }
        if let Some(external) = &mut self.external {
            access.external_writes.iter().for_each(|range| external.insert_range(range.clone()));
        }
    }

    /// Executes a transfer whose addresses have been checked.
    pub fn transfer(&mut self, op: &Transfer, unit: Unit, external: &mut [u8], config: &Config) {
        let bytes = op.line_bytes;
        if op.memory == LocalMemory::Feature {
            for (e, local) in lines(op) {
                let outside = &mut external[e as usize..e as usize + bytes];
                let inside = &mut self.features[local as usize..local as usize + bytes];
                if unit == Unit::Load {
                    inside.copy_from_slice(outside)
                } else {
                    outside.copy_from_slice(inside)
                }
            }
            return;
        }
        let (word, words) = word_bytes(op.memory, config);
        let source = external[op.external..op.external + bytes].chunks_exact(word);
        for (i, chunk) in source.enumerate() {
            let at = (op.local as usize + i) % words;
            match op.memory {
                LocalMemory::Feature => {}
                LocalMemory::Weights => {
                    self.weights[at * config.columns..(at + 1) * config.columns]
                        .copy_from_slice(&chunk[..config.columns]);
                }
                LocalMemory::ComputeChannels | LocalMemory::VectorChannels => {
                    let mut word = [0; CHANNEL_BYTES];
                    word.copy_from_slice(chunk);
                    let unit = usize::from(op.memory == LocalMemory::VectorChannels);
                    self.channels[unit][at] = Channel::from_bytes(&word);
                }
                LocalMemory::Tables => {
                    self.tables[at].iter_mut().zip(chunk).for_each(|(t, &b)| *t = b as i8);
                }
            }
        }
    }
}
