//! A compiled network: four instruction lists, the initial contents of external memory, and where
//! the network's tensors are.
//!
//! A list that has instructions begins in memory with the key of the machines that run it ([`crate::isa`]), in the
//! place of an instruction; instructions follow one behind the other.

use crate::Config;
use crate::encoding::{FieldError, instruction_bytes, list_bytes};
use crate::instr::{LocalMemory, MOST_STEPS, Reduce, SEMAPHORES, Step, Sync, TileOp, Transfer, Unit};
use crate::{isa, timing};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A tensor in external memory: dense bytes, outermost extent first; 8-bit affine, or the halves of
/// wide values in planes that take turns ([`crate::fixed`]).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TensorPort {
    /// Name in the source model.
    pub name: String,
    /// Extents in bytes: of wide values twice as many planes.
    pub shape: Vec<usize>,
    /// Byte address.
    pub address: u32,
    /// Real value of one step.
    pub scale: f32,
    /// The byte that means zero; of wide values, both halves of what does.
    pub zero: i8,
    /// Whether its values are wide.
    #[serde(default)]
    pub wide: bool,
}

impl TensorPort {
    /// Bytes of the tensor.
    pub fn bytes(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A layer of the network, for reports: instructions refer to it by index.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Layer {
    /// Name in the source model.
    pub name: String,
    /// Operator as printed in the graph.
    pub operator: String,
    /// Multiply-accumulates of the network's definition (padding and idle lanes not counted).
    pub macs: u64,
}

/// An instruction and the layer it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line<I> {
    /// The instruction.
    pub op: I,
    /// Index into [`Program::layers`].
    pub layer: usize,
}

/// What runs on a machine.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// The machine it was compiled for.
    pub config: Config,
    /// The compute unit's list.
    pub compute: Vec<Line<TileOp>>,
    /// The vector unit's list.
    pub vector: Vec<Line<TileOp>>,
    /// The load unit's list.
    pub load: Vec<Line<Transfer>>,
    /// The store unit's list.
    pub store: Vec<Line<Transfer>>,
    /// Layers, for reports.
    pub layers: Vec<Layer>,
    /// Constants (weights, parameters, tables) as (address, bytes), ascending, not overlapping.
    pub data: Vec<(u32, Vec<u8>)>,
    /// Byte addresses of the four instruction lists, in the order of [`Unit::ALL`]; each a multiple
    /// of [`crate::encoding::TILE_BYTES`].
    pub stream_address: [u32; 4],
    /// Bytes of external memory the program uses.
    pub memory_bytes: u32,
    /// Tensors to be written before the start.
    pub inputs: Vec<TensorPort>,
    /// Tensors to be read after the end.
    pub outputs: Vec<TensorPort>,
}

/// A program that breaks the rules of the machine.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum ProgramError {
    /// A field is too small.
    #[error("{unit} {index}: {source}")]
    Field {
        /// The unit.
        unit: &'static str,
        /// The instruction's place in its list.
        index: usize,
        /// The field.
        source: FieldError,
    },
    /// An instruction is not legal.
    #[error("{unit} {index}: {message}")]
    Instruction {
        /// The unit.
        unit: &'static str,
        /// The instruction's place in its list.
        index: usize,
        /// What is wrong.
        message: String,
    },
    /// The program as a whole is not legal.
    #[error("{0}")]
    Whole(String),
}

impl Program {
    /// A program with nothing in it.
    pub fn empty(config: Config) -> Program {
        Program {
            config,
            compute: vec![],
            vector: vec![],
            load: vec![],
            store: vec![],
            layers: vec![],
            data: vec![],
            stream_address: [0; 4],
            memory_bytes: 0,
            inputs: vec![],
            outputs: vec![],
        }
    }

    /// The semaphores of every instruction of a unit, in order.
    pub fn syncs(&self, unit: Unit) -> Vec<Sync> {
        match unit {
            Unit::Compute => self.compute.iter().map(|l| l.op.sync).collect(),
            Unit::Vector => self.vector.iter().map(|l| l.op.sync).collect(),
            Unit::Load => self.load.iter().map(|l| l.op.sync).collect(),
            Unit::Store => self.store.iter().map(|l| l.op.sync).collect(),
        }
    }

    /// Instructions of the four lists, in the order of [`Unit::ALL`].
    pub fn counts(&self) -> [usize; 4] {
        [self.compute.len(), self.vector.len(), self.load.len(), self.store.len()]
    }

    /// Bytes of the encoded list of a unit, its key included; none of an empty list.
    pub fn stream_bytes(&self, unit: Unit) -> usize {
        list_bytes(unit, self.counts()[unit as usize])
    }

    /// Byte address of an instruction, behind the list's key.
    pub fn instruction_address(&self, unit: Unit, index: usize) -> usize {
        self.stream_address[unit as usize] as usize + (1 + index) * instruction_bytes(unit)
    }

    /// Initial contents of external memory: constants and encoded instructions; zeros elsewhere.
    ///
    /// # Errors
    /// An instruction with a value that does not fit its field; blocks that overlap or lie outside of the memory.
    pub fn image(&self) -> Result<Vec<u8>, ProgramError> {
        self.validate_blocks()?;
        let mut image = vec![0; self.memory_bytes as usize];
        let mut place = |address: usize, bytes: &[u8]| {
            let end = address + bytes.len();
            if end > image.len() {
                return Err(ProgramError::Whole(format!(
                    "bytes {address}..{end} lie outside the {} bytes of external memory",
                    image.len()
                )));
            }
            image[address..end].copy_from_slice(bytes);
            Ok(())
        };
        for (address, bytes) in &self.data {
            place(*address as usize, bytes)?;
        }
        let lanes = self.config.lanes;
        for (unit, list) in [(Unit::Compute, &self.compute), (Unit::Vector, &self.vector)] {
            for (i, line) in list.iter().enumerate() {
                let bytes = line.op.encode(lanes).map_err(|e| field(unit, i, e))?;
                place(self.instruction_address(unit, i), &bytes)?;
            }
        }
        for (unit, list) in [(Unit::Load, &self.load), (Unit::Store, &self.store)] {
            for (i, line) in list.iter().enumerate() {
                let bytes = line.op.encode(lanes).map_err(|e| field(unit, i, e))?;
                place(self.instruction_address(unit, i), &bytes)?;
            }
        }
        let key = isa::key(&self.config).to_le_bytes();
        for unit in Unit::ALL.into_iter().filter(|&unit| self.stream_bytes(unit) > 0) {
            place(self.stream_address[unit as usize] as usize, &key)?;
        }
        Ok(image)
    }

    /// Checks every rule that can be checked without running: fields fit, counts agree with the
    /// pixel grid, memories are large enough, semaphores have one signaller and one waiter.
    /// Bank conflicts, exclusive ports and reads of unwritten data are the simulator's to find.
    ///
    /// # Errors
    /// The first rule that is broken, with unit and number of the instruction.
    pub fn validate(&self) -> Result<(), ProgramError> {
        self.image()?;
        self.validate_semaphores()?;
        for (unit, list) in [(Unit::Compute, &self.compute), (Unit::Vector, &self.vector)] {
            for (index, line) in list.iter().enumerate() {
                let next = list.get(index + 1).map(|line| &line.op);
                self.validate_tile(unit, &line.op)
                    .and_then(|()| validate_kept(&line.op, next))
                    .map_err(|message| instruction(unit, index, message))?;
            }
        }
        for (unit, list) in [(Unit::Load, &self.load), (Unit::Store, &self.store)] {
            for (index, line) in list.iter().enumerate() {
                self.validate_transfer(unit, &line.op)
                    .map_err(|message| instruction(unit, index, message))?;
            }
        }
        Ok(())
    }

    /// That constants and instruction lists lie in places of their own.
    fn validate_blocks(&self) -> Result<(), ProgramError> {
        let constants = self.data.iter().map(|(address, bytes)| (*address as usize, bytes.len()));
        let lists =
            Unit::ALL.into_iter().map(|u| (self.stream_address[u as usize] as usize, self.stream_bytes(u)));
        let mut blocks: Vec<(usize, usize)> =
            constants.chain(lists).filter(|(_, bytes)| *bytes > 0).collect();
        blocks.sort_unstable();
        match blocks.windows(2).find(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
            None => Ok(()),
            Some(pair) => Err(ProgramError::Whole(format!(
                "the {} bytes at {} overlap those at {}",
                pair[0].1, pair[0].0, pair[1].0
            ))),
        }
    }

    fn validate_semaphores(&self) -> Result<(), ProgramError> {
        for s in 0..SEMAPHORES {
            let users = |pick: fn(&Sync) -> u16| -> Vec<Unit> {
                let uses = |unit: &Unit| self.syncs(*unit).iter().any(|sync| pick(sync) >> s & 1 == 1);
                Unit::ALL.into_iter().filter(uses).collect()
            };
            let (signal, wait) = (users(|s| s.signal), users(|s| s.wait));
            if signal.len() > 1 || wait.len() > 1 || (signal.len() == 1 && signal == wait) {
                return Err(ProgramError::Whole(format!(
                    "semaphore {s} needs one signalling and one other waiting unit, has {signal:?} and {wait:?}"
                )));
            }
        }
        Ok(())
    }

    fn validate_tile(&self, unit: Unit, op: &TileOp) -> Result<(), String> {
        let config = &self.config;
        let vector = unit == Unit::Vector;
        let need = |ok: bool, what: &str| if ok { Ok(()) } else { Err(what.to_string()) };
        need(vector == matches!(op.reduce, Reduce::Sum | Reduce::Max), "this unit has no such reduction")?;
        let most = if vector { 1 } else { config.columns };
        need((1..=config.lanes).contains(&op.lanes), "lanes must be 1..=P")?;
        need((1..=most).contains(&op.columns), "more columns than the unit has, or none")?;
        need((1..=op.columns).contains(&op.last_columns), "last_columns must be 1..=columns")?;
        need((1..=op.columns).contains(&op.inner_columns), "inner_columns must be 1..=columns")?;
        need(op.width >= 1 && op.lines >= 1 && op.line_step >= 1, "the pixel grid is empty")?;
        need(op.tiles == op.grid_tiles(), "tiles does not fit the pixel grid")?;
        let counted = |s: &Step| s.count >= 1;
        need(op.groups >= 1 && op.steps.iter().all(counted), "a loop runs zero times")?;
        need(op.reduction() <= MOST_STEPS, "the reduction has 2^24 steps or more")?;
        need(op.column_y <= 1 && op.channels.column_step <= 1, "a column step must be 0 or 1")?;
        let sums = matches!(op.reduce, Reduce::Dense | Reduce::Sum);
        need(sums || !op.wide, "only dense and sum take wide values")?;
        if op.reduce == Reduce::Rows {
            need((1..=config.columns).contains(&op.taps), "taps must be 1..=C")?;
        }
        let words = op.group_weights();
        need(words <= config.weight_words as u64, "a group's weights exceed the weight memory")?;
        need(op.weights < config.weight_words || vector, "weights start outside the memory")?;
        let c = &op.channels;
        let last = c.base + (op.groups - 1) * c.group_step + (op.last_columns - 1) * c.column_step;
        need(last < config.parameter_words, "channels lie outside the parameter memory")?;
        need(op.table.is_none_or(|t| t < config.tables), "no such table")?;
        let targets = [Some(op.output), op.operand.map(|o| o.target)];
        for target in targets.into_iter().flatten() {
            need((1..=config.lanes).contains(&target.segment_lanes), "segment_lanes must be 1..=P")?;
            need((1..=config.lanes).contains(&target.segments), "segments must be 1..=P")?;
        }
        let rings = targets.into_iter().flatten().map(|t| t.walk.ring).chain([op.input.walk.ring]);
        for ring in rings {
            need(ring.bytes.is_multiple_of(config.lanes), "a ring is not a multiple of P bytes")?;
        }
        need(timing::slot(op, unit, config) >= 1, "a column takes no cycle")
    }

    fn validate_transfer(&self, unit: Unit, op: &Transfer) -> Result<(), String> {
        let config = &self.config;
        let need = |ok: bool, what: &str| if ok { Ok(()) } else { Err(what.to_string()) };
        need(op.line_bytes >= 1 && op.lines >= 1 && op.planes >= 1, "the transfer is empty")?;
        let first = op.external as i64;
        let ends = [0, op.planes as i64 - 1].into_iter().flat_map(|p| {
            [0, op.lines as i64 - 1].map(|l| first + p * op.external_plane + l * op.external_line)
        });
        for line in ends {
            let inside = line >= 0 && line + op.line_bytes as i64 <= i64::from(self.memory_bytes);
            need(inside, "the transfer leaves external memory")?;
        }
        if op.memory == LocalMemory::Feature {
            return Ok(());
        }
        need(unit == Unit::Load, "a store reads feature memory only")?;
        need(op.lines == 1 && op.planes == 1, "words are loaded as one line")?;
        let bus = config.memory.bus_bytes;
        need(op.external.is_multiple_of(bus), "words start at a whole beat")?;
        let (word, words) = match op.memory {
            LocalMemory::Weights => (config.weight_stride(), config.weight_words),
            LocalMemory::ComputeChannels | LocalMemory::VectorChannels => {
                (crate::fixed::CHANNEL_BYTES, config.parameter_words)
            }
            _ => (256, config.tables),
        };
        let bytes = op.line_bytes;
        need(bytes.is_multiple_of(word), "line_bytes is not a whole number of words")?;
        need(op.local >= 0 && (op.local as usize) < words, "the first word lies outside the memory")?;
        let count = bytes / word;
        if op.memory == LocalMemory::Weights {
            return need(count <= words, "more words than the weight memory holds");
        }
        need(op.local as usize + count <= words, "the last word lies outside the memory")
    }
}

/// That the sums which `op` keeps are those of one tile, and go into that of `next`, the unit's next instruction.
fn validate_kept(op: &TileOp, next: Option<&TileOp>) -> Result<(), String> {
    if !op.keep {
        return Ok(());
    }
    let need = |ok: bool, what: &str| if ok { Ok(()) } else { Err(what.to_string()) };
    need(op.reduce == Reduce::Dense, "only dense keeps its sums")?;
    need(op.groups == 1 && op.tiles == 1, "the sums of one tile can be kept, not of several")?;
    need(op.operand.is_none() && op.table.is_none(), "what is kept meets neither operand nor table")?;
    need(next.is_some_and(|next| next.continues(op)), "nothing goes on from the sums that are kept")
}

fn field(unit: Unit, index: usize, source: FieldError) -> ProgramError {
    ProgramError::Field { unit: unit.name(), index, source }
}

fn instruction(unit: Unit, index: usize, message: String) -> ProgramError {
    ProgramError::Instruction { unit: unit.name(), index, message }
}
