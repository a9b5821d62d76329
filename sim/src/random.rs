//! Random legal programs, for comparing simulations with each other and with the hardware.
//!
//! A program is made in some total order: each instruction must pass the same checks as in a run
//! ([`mod@crate::check`]), given what the instructions before it have written. Then the fewest
//! semaphores are added that order every two instructions which must not overlap, plus a few for
//! variety; so the units overlap as much as is legal.

mod sync;
mod targets;
mod tile;
mod transfer;

use crate::check::access::{self, Footprint};
use crate::check::banks;
use crate::state::State;
use std::sync::Arc;
use tilewright_arch::config::{Config, Feature, Memory, Pipeline};
use tilewright_arch::encoding::TILE_BYTES;
use tilewright_arch::instr::{TileOp, Transfer, Unit};
use tilewright_arch::program::{Layer, Line, Program, TensorPort};
use tilewright_arch::technology::Technology;
use tilewright_arch::timing;
use tilewright_random::Random;
use tilewright_timing::InstrId;

/// Programs of [`program`] take fewer cycles than this wherever the configuration allows it.
pub const MOST_CYCLES: u64 = 5000;

/// A small random machine.
pub fn config(seed: u64) -> Config {
    let mut rng = Random::new(seed ^ 0xc0f1);
    let lanes = rng.within(2, 13);
    let columns = rng.within(2, 9);
    let buses: Vec<usize> = [1, 2, 4, 8].into_iter().filter(|&b| b <= lanes).collect();
    let bus_bytes = rng.pick(&buses);
    Config {
        name: format!("random-{seed}"),
        technology: Technology::default(),
        lanes,
        columns,
        clock_mhz: 100.0,
        feature: Feature { pages: rng.within(2, 6), page_rows: rng.pick(&[64, 128, 256]) },
        weight_words: rng.within(64, 300),
        parameter_words: rng.within(16, 64),
        tables: rng.within(1, 3),
        compute_slot: rng.within(1, lanes),
        vector_slot: rng.within(1, lanes),
        memory: Memory {
            bus_bytes,
            latency: rng.within(1, 40),
            burst_bytes: bus_bytes * rng.pick(&[2, 4, 8, 16]),
            outstanding: rng.within(1, 5),
            sdram: None,
        },
        pipeline: Pipeline {
            multiplier: rng.within(1, 4),
            ram: rng.within(1, 2),
            crossbar: rng.within(1, 3),
            fanout: rng.within(1, 8),
        },
    }
}

/// A random legal program for a machine, with its inputs in [`Program::data`]. Every byte that it
/// stores lies in its one output; the other bytes of the output are zero before and after.
pub fn program(seed: u64, config: &Config) -> Program {
    let mut best: Option<(u64, Program)> = None;
    for attempt in 0..40 {
        let mut builder = ProgramBuilder::new(seed.wrapping_mul(101).wrapping_add(attempt), config);
        // Later attempts are smaller, for machines whose memory is slow.
        let program = builder.build(4000 / (1 + attempt / 4));
        if crate::check(&program).is_err() {
            continue;
        }
        let Ok(report) = tilewright_timing::time(&program, false) else {
            continue;
        };
        let useful = program.compute.len() + program.vector.len() > 0 && !program.store.is_empty();
        if useful && report.cycles < MOST_CYCLES {
            return program;
        }
        if best.as_ref().is_none_or(|(cycles, _)| report.cycles < *cycles) {
            best = Some((report.cycles, program));
        }
    }
    best.map_or_else(|| Program::empty(config.clone()), |(_, program)| program)
}

/// External addresses from here on count from the output area, whose place is known at the end.
const OUTPUT: usize = 1 << 28;

/// An instruction of any unit. Few are made, so the size of the larger does not matter.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Copy, Debug)]
enum Any {
    Tile(TileOp),
    Transfer(Transfer),
}

/// A tensor in feature memory that is completely written.
#[derive(Clone, Copy, Debug)]
struct Tensor {
    shape: [usize; 3],
    base: i64,
    plane: i64,
    pitch: i64,
    /// Rows from `line` on lie `bytes` lower.
    line: usize,
    bytes: usize,
    /// Made by a tile operation and not stored yet.
    fresh: bool,
}

struct ProgramBuilder<'a> {
    rng: Random,
    config: &'a Config,
    /// Knows what is written; its values mean nothing.
    state: State,
    tensors: Vec<Tensor>,
    list: Vec<(Unit, Any, Arc<Footprint>)>,
    /// External constants.
    data: Vec<u8>,
    /// Bytes of the output area so far.
    output: usize,
    /// Loaded (first, count) of weights, compute channels, vector channels, tables.
    loaded: [Vec<(usize, usize)>; 4],
    /// Blocks of the output area that are dense tensors: address, shape.
    stored: Vec<(usize, [usize; 3])>,
    cycles: u64,
}

impl ProgramBuilder<'_> {
    fn new(seed: u64, config: &Config) -> ProgramBuilder<'_> {
        ProgramBuilder {
            rng: Random::new(seed),
            config,
            state: State::new(config),
            tensors: vec![],
            list: vec![],
            data: vec![],
            output: 0,
            loaded: Default::default(),
            stored: vec![],
            cycles: 0,
        }
    }

    fn build(&mut self, budget: u64) -> Program {
        for _ in 0..self.rng.within(1, 3) {
            self.load_tensor();
        }
        let wanted = self.rng.within(2, 7);
        let mut made = 0;
        for _ in 0..60 {
            if made == wanted || self.cycles >= budget {
                break;
            }
            let left = budget - self.cycles;
            match self.rng.below(10) {
                0..=6 => made += usize::from(self.tile(left)),
                7 => self.load_tensor(),
                8 => self.store_any(),
                _ => self.load_words_early(),
            }
        }
        while let Some(i) = self.tensors.iter().position(|t| t.fresh) {
            self.store(i);
        }
        if self.output == 0 && !self.tensors.is_empty() {
            self.store(0);
        }
        self.finish()
    }

    /// Appends an instruction if it passes all checks.
    fn push(&mut self, unit: Unit, any: Any) -> bool {
        let Some(access) = self.touched(unit, &any) else {
            return false;
        };
        self.state.note(&access);
        // What is overwritten is no tensor any more.
        let state = &access.writes;
        let bytes = |t: &Tensor| t.places().collect::<Vec<usize>>();
        self.tensors.retain(|t| !bytes(t).into_iter().any(|b| state.touches(b..b + 1)));
        // Roughly: units overlap, but instructions wait for each other and for their fetch.
        self.cycles += match &any {
            Any::Tile(op) => timing::duration(op, unit, self.config) + self.burst_cycles(TILE_BYTES),
            Any::Transfer(op) => {
                let lines = op.lines as u64 * op.planes as u64;
                lines * self.burst_cycles(op.line_bytes) + self.config.memory.latency as u64
            }
        };
        self.list.push((unit, any, Arc::new(access)));
        true
    }

    /// Cycles of a line of that many bytes on the busy port.
    fn burst_cycles(&self, bytes: usize) -> u64 {
        let memory = &self.config.memory;
        let beats = memory.burst_bytes / memory.bus_bytes;
        let each = (memory.latency + beats).div_ceil(memory.outstanding).max(beats);
        (bytes.div_ceil(memory.burst_bytes) * each) as u64
    }

    fn touched(&self, unit: Unit, any: &Any) -> Option<Footprint> {
        let site = InstrId { unit, index: 0, layer: "".into() };
        let access = match any {
            Any::Tile(op) => {
                op.encode(self.config.lanes).ok()?;
                banks::check(op, &site, self.config).ok()?;
                access::tile(op, &site, self.config).ok()?
            }
            Any::Transfer(op) => access::transfer(op, &site, self.config).ok()?,
        };
        self.state.check(&access, &site).ok()?;
        Some(access)
    }

    /// Places memory regions, adds semaphores and sorts instructions into lists.
    fn finish(&mut self) -> Program {
        let config = self.config;
        let mut program = Program::empty(config.clone());
        let syncs = sync::orders(&self.list, &mut self.rng);
        let gap = self.rng.below(40);
        let output = self.data.len() + gap;
        for ((unit, any, _), sync) in self.list.iter().zip(syncs) {
            let layer = program.layers.len();
            match *any {
                Any::Tile(mut op) => {
                    op.sync = sync;
                    let list =
                        if *unit == Unit::Compute { &mut program.compute } else { &mut program.vector };
                    list.push(Line { op, layer });
                    program.layers.push(Layer {
                        name: format!("{}{layer}", unit.name()),
                        operator: format!("{:?}", op.reduce).to_lowercase(),
                        macs: op.groups as u64 * op.reduction() * op.columns as u64,
                    });
                }
                Any::Transfer(mut op) => {
                    op.sync = sync;
                    if op.external >= OUTPUT {
                        op.external = op.external - OUTPUT + output;
                    }
                    let list = if *unit == Unit::Load { &mut program.load } else { &mut program.store };
                    list.push(Line { op, layer: layer.saturating_sub(1) });
                }
            }
        }
        if program.layers.is_empty() {
            program.layers.push(Layer::default());
        }
        program.data = vec![(0, std::mem::take(&mut self.data))];
        program.outputs = vec![TensorPort {
            name: "output".into(),
            shape: vec![self.output],
            address: output as u32,
            scale: 1.0,
            zero: 0,
            wide: false,
        }];
        let align = TILE_BYTES;
        let mut at = (output + self.output).next_multiple_of(align);
        for unit in Unit::ALL {
            program.stream_address[unit as usize] = at as u32;
            at += program.stream_bytes(unit).next_multiple_of(align);
        }
        program.memory_bytes = at as u32;
        program
    }
}

impl Tensor {
    /// Flat indices of all elements.
    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        let [c, h, w] = self.shape;
        (0..c).flat_map(move |c| {
            (0..h).flat_map(move |y| {
                let wrap = if y >= self.line { self.bytes as i64 } else { 0 };
                let row = self.base + c as i64 * self.plane + y as i64 * self.pitch - wrap;
                (0..w).map(move |x| (row + x as i64) as usize)
            })
        })
    }
}
