//! How long work takes, about: the one estimate of all that choose before there is a program. What can be
//! timed exactly ([`tilewright_timing::time`]) is.
//!
//! An instruction counts what it does in a program, and an operation as many tiles as its rows need, of the mapping
//! that was found for all of its rows. What is not known beforehand is how units wait for each other and for the
//! port, and what a plan moves to external memory and back.
//!
//! Errors, held to by `tests/zoo.rs` and `tests/estimate.rs`: what array and vector unit do for an operation, in the
//! pieces of the plan, is a median of 1.2 % off on the 21 networks, from 34 % too low to, where a piece of few rows
//! takes another mapping, 4.5 times as much (346 % too high); on random graphs a median of 2 to 4 %, from 66 % too
//! low to 347 % too high. Cycles of a whole network are a median of 4.2 % off, and too low where it waits: the
//! transformer's small stages by 69 %, random programs of some hundred cycles by up to 97 %.

use std::iter::Sum;
use std::ops::{Add, Mul};
use tilewright_arch::Config;
use tilewright_arch::instr::{TileOp, Unit};
use tilewright_arch::timing;

/// Cycles for which work keeps each unit busy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// The array: from issue to done of its instructions.
    pub compute: u64,
    /// The vector unit: the same.
    pub vector: u64,
    /// Beats of the memory port that are read.
    pub load: u64,
    /// Beats of it that are written.
    pub store: u64,
}

impl Cost {
    /// Work of one of the two units that compute.
    pub fn of(unit: Unit, cycles: u64) -> Cost {
        match unit {
            Unit::Compute => Cost { compute: cycles, ..Cost::default() },
            Unit::Vector => Cost { vector: cycles, ..Cost::default() },
            Unit::Load | Unit::Store => unreachable!("tile operations are of the other units"),
        }
    }

    /// Bytes read from external memory.
    pub fn loaded(bytes: usize, config: &Config) -> Cost {
        Cost { load: (bytes / config.memory.bus_bytes) as u64, ..Cost::default() }
    }

    /// Bytes written to external memory.
    pub fn stored(bytes: usize, config: &Config) -> Cost {
        Cost { store: (bytes / config.memory.bus_bytes) as u64, ..Cost::default() }
    }

    /// Cycles of array and vector unit.
    pub fn work(&self) -> u64 {
        self.compute + self.vector
    }

    /// Cycles of the memory port.
    pub fn port(&self) -> u64 {
        self.load + self.store
    }

    /// Cycles that an instruction adds to others: about half of its loading hides behind them.
    pub fn added(&self) -> u64 {
        self.work() + self.port() / 2
    }

    /// Cycles where array and vector unit take turns beside the port.
    pub fn in_turn(&self) -> u64 {
        self.work().max(self.port())
    }

    /// Cycles where all work side by side.
    pub fn side_by_side(&self) -> u64 {
        self.compute.max(self.vector).max(self.port())
    }
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost {
            compute: self.compute + other.compute,
            vector: self.vector + other.vector,
            load: self.load + other.load,
            store: self.store + other.store,
        }
    }
}

impl Mul<u64> for Cost {
    type Output = Cost;

    fn mul(self, times: u64) -> Cost {
        Cost {
            compute: self.compute * times,
            vector: self.vector * times,
            load: self.load * times,
            store: self.store * times,
        }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Cost>>(all: I) -> Cost {
        all.fold(Cost::default(), Add::add)
    }
}

/// Instructions that walk the same pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct SharedWalk {
    unit: Unit,
    /// Pixels of a row, pixels of a tile, rows of a line of tiles.
    width: usize,
    lanes: usize,
    line: usize,
    /// Rows of those that were looked at.
    rows: usize,
    /// Whether sums are kept: a tile is several instructions, and all of them what as many rows take.
    keep: bool,
}

impl SharedWalk {
    fn tiles(&self, rows: usize) -> u64 {
        (rows.div_ceil(self.line) * self.width).div_ceil(self.lanes) as u64
    }
}

/// How long an operation works on some of its rows at a time.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Walks with the cycles for starting and finishing, and those of a tile.
    walks: Vec<(SharedWalk, u64, u64)>,
    /// Rows that were looked at.
    rows: usize,
}

impl Pace {
    /// That of the instructions that do `rows` rows.
    pub fn new<'a>(
        instructions: impl Iterator<Item = (Unit, &'a TileOp)>,
        rows: usize,
        config: &Config,
    ) -> Pace {
        let mut walks: Vec<(SharedWalk, u64, u64)> = vec![];
        let mut kept = false;
        for (unit, op) in instructions {
            // The last instruction of a tile keeps nothing.
            let keep = op.keep || kept;
            kept = op.keep;
            let (lanes, line) = (op.lanes.max(1), op.line_step.max(1));
            let walk = match keep {
                true => SharedWalk { unit, width: 1, lanes: 1, line: 1, rows: 1, keep },
                false => SharedWalk { unit, width: op.width, lanes, line, rows: op.lines, keep },
            };
            let (start, tile) = match keep {
                true => (0, timing::duration(op, unit, config)),
                false => (
                    timing::overhead(unit, config) + config.lanes as u64,
                    timing::period(op, unit, config) * op.groups as u64,
                ),
            };
            match walks.iter_mut().find(|(other, ..)| *other == walk) {
                Some((_, starts, tiles)) => (*starts, *tiles) = (*starts + start, *tiles + tile),
                None => walks.push((walk, start, tile)),
            }
        }
        Pace { walks, rows }
    }

    /// The unit that works.
    pub fn unit(&self) -> Unit {
        self.walks.first().map_or(Unit::Vector, |(walk, ..)| walk.unit)
    }

    /// For `rows` rows at a time.
    pub fn rows(&self, rows: usize) -> Cost {
        let all = self.rows as u64;
        let one = |&(walk, start, tile): &(SharedWalk, u64, u64)| {
            let tiles = |rows: usize| tile * walk.tiles(rows);
            let cycles = match walk.keep || walk.rows < self.rows {
                false => start + tiles(walk.rows * rows / self.rows),
                // A border or an inner part: pieces of few rows meet it as often as rows lie so.
                true => {
                    let met = ((walk.rows + rows - 1) as u64).min(all);
                    (start * met + tiles(walk.rows) * rows as u64) / all
                }
            };
            Cost::of(walk.unit, cycles)
        };
        self.walks.iter().map(one).sum()
    }
}
