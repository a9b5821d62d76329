//! From one operation of the fixed graph, its buffers and a range of output rows to tile
//! operations, weights and parameters. Everything but semaphores and the places of constants in
//! their memories is decided here; [`crate::schedule`] adds those.

// Tests make bytes of anything.
#![cfg_attr(not(test), warn(clippy::cast_possible_truncation))]

mod blocks;
pub mod buffer;
mod cells;
pub mod columns;
mod coordinates;
mod dense;
pub mod lanes;
mod limits;
mod long;
mod pack;
mod placed;
mod pool;
mod product;
mod rows;
mod source;
mod toeplitz;

pub use limits::refusal;
pub use placed::Placed;

use crate::cost::Cost;
use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, FixedNode, Reduction, TensorId, View};
use buffer::Buffer;
use columns::Columns;
use lanes::Grid;
pub use pack::WeightWords;
use std::ops::Range;
use tilewright_arch::Config;
use tilewright_arch::fixed::{CHANNEL_BYTES, Channel};
use tilewright_arch::instr::{Gather, MOST_STEPS, Operand, Reduce, Ring, Step, Target, TileOp, Unit};
use tilewright_arch::timing;

/// A tile operation with the constants it needs.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// Compute or vector.
    pub unit: Unit,
    /// The instruction; `weights`, `channels.base`, `table` and `sync` are still open.
    pub op: TileOp,
    /// Weight words; none for products.
    pub weights: WeightWords,
    /// What a product needs as weight words instead.
    pub factors: Option<Factors>,
    /// Parameter words.
    pub channels: Vec<Channel>,
    /// Multiply-accumulates by the network's definition.
    pub macs: u64,
}

impl Part {
    /// Words of weight memory it needs.
    pub fn weight_words(&self, config: &Config) -> usize {
        match &self.factors {
            Some(_) => usize::try_from(self.op.groups as u64 * self.op.reduction()).unwrap_or(usize::MAX),
            None => self.weights.len() / config.weight_stride(),
        }
    }

    /// Bytes that are loaded for it; those of a product are no constants.
    pub fn constant_bytes(&self) -> usize {
        self.weights.len() + CHANNEL_BYTES * self.channels.len()
    }

    /// The instruction, and the loading of its constants.
    pub fn cost(&self, config: &Config) -> Cost {
        let cycles = timing::duration(&self.op, self.unit, config);
        Cost::of(self.unit, cycles) + Cost::loaded(self.constant_bytes(), config)
    }
}

/// What choices go by: what an instruction can say, at the lowest cost. For estimates anything is better
/// than nothing.
fn rank(parts: &[Part], config: &Config) -> (bool, u64) {
    (!parts.iter().all(|p| p.op.encode(config.lanes).is_ok()), cost(parts, config))
}

/// What several add to the cycles of others.
fn cost(parts: &[Part], config: &Config) -> u64 {
    parts.iter().map(|p| p.cost(config)).sum::<Cost>().added()
}

/// Weight words that the factors of a product become: `passes` times those of each group of columns,
/// for whole groups of the node's output channels `channels`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Factors {
    /// Output channels.
    pub channels: Range<usize>,
    /// How often the words of a group follow each other.
    pub passes: usize,
}

/// Where the views that a node works on lie.
#[derive(Clone, Copy, Debug)]
pub struct PlacedViews<'a> {
    /// What is gathered.
    pub input: Placed<'a>,
    /// The residual operand.
    pub operand: Option<Placed<'a>>,
    /// What is written.
    pub output: Placed<'a>,
}

impl<'a> PlacedViews<'a> {
    /// Those of a node, whose tensors lie in `buffers`.
    pub fn new(node: &'a FixedNode, buffers: impl Fn(TensorId) -> &'a Buffer) -> PlacedViews<'a> {
        let placed = |view: &'a View| Placed::new(view, buffers(view.tensor));
        PlacedViews {
            input: placed(&node.input),
            operand: node.operand.as_ref().map(|o| placed(&o.view)),
            output: placed(&node.output),
        }
    }
}

/// Tile operations of `node` for the output rows `rows` of its grid (inside its region).
///
/// # Errors
/// An operation that the machine cannot run or an instruction cannot express.
pub fn parts(
    graph: &FixedGraph,
    node: &FixedNode,
    at: PlacedViews,
    rows: Range<usize>,
    config: &Config,
) -> Result<Vec<Part>> {
    if !at.input.is_sound() || !at.output.is_sound() || at.operand.is_some_and(|o| !o.is_sound()) {
        return Err(Error::new("tile", "a transposed view lies in a ring of rows")
            .file(&graph.name)
            .node(&node.name)
            .operator(&node.operator)
            .hint("this is a defect of the compiler: please report it with the model"));
    }
    let parts = made(graph, node, at, rows, config, true)?;
    for part in &parts {
        part.op.encode(config.lanes).map_err(|e| refusal(graph, node, &e))?;
        let steps = part.op.reduction();
        if steps > MOST_STEPS {
            return Err(Error::new(
                "tile",
                format!("a window of {steps} steps is more than the {MOST_STEPS} that an instruction counts"),
            )
            .file(&graph.name)
            .node(&node.name)
            .operator(&node.operator)
            .attribute("kernel_shape")
            .hint("a smaller kernel"));
        }
    }
    Ok(parts)
}

/// [`parts`] for estimates: buffers may be larger than the machine's memory and instructions than
/// their fields, and weights are not packed.
///
/// # Errors
/// An operation that the machine cannot run.
pub fn sketch(
    graph: &FixedGraph,
    node: &FixedNode,
    at: PlacedViews,
    rows: Range<usize>,
    config: &Config,
) -> Result<Vec<Part>> {
    made(graph, node, at, rows, config, false)
}

fn made(
    graph: &FixedGraph,
    node: &FixedNode,
    at: PlacedViews,
    rows: Range<usize>,
    config: &Config,
    packs: bool,
) -> Result<Vec<Part>> {
    let (window, [_, height, width]) = (&node.window, node.input.shape);
    let [_, x0, _, columns] = node.place.region;
    let block = node.place.depth_to_space.0;
    let mut parts = vec![];
    for rows in cells::cells(window, 0, height, rows, block) {
        for columns in cells::cells(window, 1, width, x0..x0 + columns, 1) {
            parts.extend(Job { graph, node, at, rows: rows.clone(), columns, config, packs }.parts()?);
        }
    }
    if graph.macs(node) == 0 {
        // Sums have none, and those of a low half count as its high half's.
        parts.iter_mut().for_each(|part| part.macs = 0);
    }
    Ok(parts)
}

/// A node's work in the making.
struct Job<'a> {
    graph: &'a FixedGraph,
    node: &'a FixedNode,
    at: PlacedViews<'a>,
    /// Output rows, in the node's grid.
    rows: Range<usize>,
    /// Output columns.
    columns: Range<usize>,
    config: &'a Config,
    /// Whether weights are packed.
    packs: bool,
}

impl Job<'_> {
    /// The same without packed weights: what is tried goes by cost, and is made once more when it is taken.
    fn sketch(&self) -> Job<'_> {
        Job { rows: self.rows.clone(), columns: self.columns.clone(), packs: false, ..*self }
    }

    fn parts(&self) -> Result<Vec<Part>> {
        match &self.node.reduction {
            Reduction::Conv { weights, groups } => {
                let channels = self.node.input.shape[0];
                if *groups > 1 && *groups == channels {
                    rows::depthwise(self, weights)
                } else {
                    self.convolution(weights, *groups)
                }
            }
            Reduction::Product { weights } => product::parts(self, weights),
            Reduction::Sum => self.pool(Reduce::Sum),
            Reduction::Max => self.pool(Reduce::Max),
        }
    }

    fn refuse(&self, message: impl Into<String>) -> Error {
        Error::new("tile", message).file(&self.graph.name).node(&self.node.name).operator(&self.node.operator)
    }

    /// The zero point of the input.
    fn zero(&self) -> i8 {
        self.graph.tensor(self.node.input.tensor).zero
    }

    /// First and one past the last input row that the output rows need and that exist.
    fn input_rows(&self) -> Range<usize> {
        input_rows(self.node, self.rows.clone())
    }

    /// Pixels of a line.
    fn width(&self) -> usize {
        self.columns.len()
    }

    /// The gathered tensor from channel `channel` on, for lines of `line_step` output rows.
    fn input(&self, channel: usize, line_step: usize, pad: i8) -> Gather {
        let window = &self.node.window;
        let [sy, sx] = window.stride;
        let from = self.at.input;
        let needed = self.input_rows();
        let y0 = (self.rows.start * sy) as i64 - window.pads[0] as i64;
        let x0 = (self.columns.start * sx) as i64 - window.pads[1] as i64;
        let mut walk = from.walk(channel, needed.start, y0, x0);
        walk.line = (line_step * sy * from.pitch) as i64;
        walk.pixel = (sx * from.pixel) as i64;
        Gather {
            walk,
            y0,
            x0,
            y_step: line_step * sy,
            x_step: sx,
            // Rows past the last one needed may not have been written yet.
            height: needed.end,
            width: from.shape[2],
            pad,
        }
    }

    /// Cuts the pixel grid into tiles and fills in everything that follows from the cut. A line of
    /// the instruction is `y_unit` rows of the output tensor.
    fn finish(
        &self,
        mut op: TileOp,
        columns: &Columns,
        operand_columns: [usize; 3],
        y_unit: usize,
    ) -> TileOp {
        let lanes = self.config.lanes;
        let grid = Grid { width: op.width, lines: op.lines.div_ceil(op.line_step) };
        let cut = lanes::gather_cut(grid, op.input.walk.line, op.input.walk.pixel, lanes);
        op.lanes = cut.lanes;
        op.line_stop = cut.line_stop;
        op.tiles = cut.tiles;
        op.input = coordinates::fitted(&op);
        op.post = self.node.post;
        op.wide = self.node.wide;
        let line_step = op.line_step;
        // Output pixels of a pixel of the instruction: more than one when columns are pixels too.
        let x_unit = (self.width() / grid.width) as i64;
        op.output = {
            let block = self.node.place.depth_to_space.0;
            let mut target = self.target(&self.at.output, block, line_step, y_unit);
            target.walk.base += columns.offset as i64;
            target.walk.group = columns.group.output as i64;
            target.inner = columns.inner.output as i64;
            target.outer = columns.outer.output as i64;
            target.walk.pixel *= x_unit;
            cut_target(target, grid, cut, lanes)
        };
        op.operand = self.node.operand.as_ref().zip(self.at.operand).map(|(operand, from)| {
            let mut target = self.target(&from, 1, line_step, 1);
            target.walk.pixel *= x_unit;
            target.walk.base += (columns.first * from.plane) as i64;
            target.walk.group = operand_columns[0] as i64;
            target.outer = operand_columns[1] as i64;
            target.inner = operand_columns[2] as i64;
            Operand { target: cut_target(target, grid, cut, lanes), scale: operand.scale }
        });
        op
    }

    /// Addresses of the region in `to`, whose rows and columns are `block` times the grid's. A line
    /// of the instruction is `y_unit` rows there; from one walker line to the next it is `line_step`
    /// lines.
    fn target(&self, to: &Placed, block: usize, line_step: usize, y_unit: usize) -> Target {
        let first = self.rows.start * block;
        let column = (self.columns.start * block) as i64;
        let mut walk = to.walk(0, first, first as i64, column);
        walk.line = (line_step * y_unit * to.pitch) as i64;
        walk.pixel = (block * to.pixel) as i64;
        if walk.ring != Ring::NONE {
            // The ring's line counts the instruction's own lines.
            let line = (walk.ring.line - first).div_ceil(y_unit);
            if line * y_unit >= self.rows.len() * block {
                walk.ring = Ring::NONE;
            } else {
                walk.ring.line = line;
            }
        }
        Target { walk, ..Target::default() }
    }

    /// The loop over the halves of 16-bit values; one step where the values are bytes.
    fn halves(&self) -> Step {
        match self.node.wide {
            true => Step { count: 2, address: self.at.input.half as i64, ..Step::default() },
            false => Step { count: 1, ..Step::default() },
        }
    }

    /// Channels whose parameters fit half the parameter memory.
    fn most_channels(&self) -> usize {
        (self.config.parameter_words / 2 / self.config.columns * self.config.columns).max(self.config.columns)
    }

    /// Parameters of output channel `c`.
    fn channel(&self, c: usize) -> Channel {
        let channels = &self.node.channels;
        if channels.len() == 1 { channels[0] } else { channels[c] }
    }
}

/// Rows of a node's input view that its output rows `rows` need and that exist.
pub fn input_rows(node: &FixedNode, rows: Range<usize>) -> Range<usize> {
    let window = &node.window;
    let height = node.input.shape[1];
    let top = window.pads[0];
    let reach = window.covers(0);
    let first = (rows.start * window.stride[0]).saturating_sub(top);
    let end = ((rows.end - 1) * window.stride[0] + reach).saturating_sub(top);
    first.min(height - 1)..end.clamp(1, height)
}

/// The tensors that output rows `rows` of a node read, with the rows of each.
pub fn reads(node: &FixedNode, rows: Range<usize>) -> Vec<(TensorId, Range<usize>)> {
    let input = node.input.tensor_rows(input_rows(node, rows.clone()));
    let mut reads = vec![(node.input.tensor, input)];
    if let Reduction::Product { weights } = &node.reduction {
        reads.push((weights.tensor, weights.tensor_rows(0..1)));
    }
    if let Some(operand) = &node.operand {
        reads.push((operand.view.tensor, operand.view.tensor_rows(rows)));
    }
    reads
}

/// The rows of the output tensor that output rows `rows` of a node's grid are written to.
pub fn writes(node: &FixedNode, rows: Range<usize>) -> Range<usize> {
    let block = node.place.depth_to_space.0;
    node.output.tensor_rows(rows.start * block..rows.end * block)
}

/// Adds the segments of a target.
fn cut_target(mut target: Target, grid: Grid, cut: lanes::Tiling, lanes: usize) -> Target {
    let (segment_lanes, segments) = lanes::segments(grid, cut, target.walk.pixel, lanes);
    target.segment_lanes = segment_lanes;
    target.segments = segments;
    target
}
