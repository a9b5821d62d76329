//! From one operation of the fixed graph, its buffers and a range of output rows to tile
//! operations, weights and parameters. Everything but semaphores and the places of constants in
//! their memories is decided here; [`crate::schedule`] adds those.

mod blocks;
pub mod buffer;
pub mod columns;
pub mod lanes;
mod pack;
mod placed;
mod product;
mod rows;
mod toeplitz;

pub use placed::Placed;

use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, FixedNode, Reduction, TensorId, View};
use buffer::Buffer;
use columns::Columns;
use lanes::Grid;
use std::ops::Range;
use tilewright_arch::Config;
use tilewright_arch::fixed::Channel;
use tilewright_arch::instr::{Channels, Input, Operand, Reduce, Ring, Step, Target, TileOp, Unit, Walk};
use tilewright_arch::timing;

/// A tile operation with the constants it needs.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// Compute or vector.
    pub unit: Unit,
    /// The instruction; `weights`, `channels.base`, `table` and `sync` are still open.
    pub op: TileOp,
    /// Weight words, each padded to the external stride; empty for products.
    pub weights: Vec<u8>,
    /// What a product needs as weight words instead.
    pub factors: Option<Factors>,
    /// Parameter words.
    pub channels: Vec<Channel>,
    /// Multiply-accumulates by the network's definition.
    pub macs: u64,
}

impl Part {
    /// Cycles the instruction takes.
    pub fn cycles(&self, config: &Config) -> u64 {
        timing::duration(&self.op, self.unit, config)
    }

    /// Words of weight memory it needs.
    pub fn weight_words(&self, config: &Config) -> usize {
        match &self.factors {
            Some(_) => usize::from(self.op.groups) * self.op.reduction() as usize,
            None => self.weights.len() / config.weight_stride(),
        }
    }

    /// What choices between equal parts go by: the instruction's cycles, and half of those that the
    /// port needs for its weights, since about that much of loading hides behind other work.
    fn cost(&self, config: &Config) -> u64 {
        self.cycles(config) + (self.weights.len() / (2 * config.memory.bus_bytes)) as u64
    }
}

/// [`Part::cost`] of several.
fn cost(parts: &[Part], config: &Config) -> u64 {
    parts.iter().map(|p| p.cost(config)).sum()
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
pub struct Operands<'a> {
    /// What is gathered.
    pub input: Placed<'a>,
    /// The residual operand.
    pub operand: Option<Placed<'a>>,
    /// What is written.
    pub output: Placed<'a>,
}

impl<'a> Operands<'a> {
    /// Those of a node, whose tensors lie in `buffers`.
    pub fn new(node: &'a FixedNode, buffers: impl Fn(TensorId) -> &'a Buffer) -> Operands<'a> {
        let placed = |view: &'a View| Placed::new(view, buffers(view.tensor));
        Operands {
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
    at: Operands,
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
    let parts = sketch(graph, node, at, rows, config)?;
    for part in &parts {
        part.op.encode(config.lanes).map_err(|e| {
            Error::new("tile", e.to_string())
                .file(&graph.name)
                .node(&node.name)
                .operator(&node.operator)
                .hint("a smaller image, or a machine with more lanes")
        })?;
    }
    Ok(parts)
}

/// [`parts`] for estimates: buffers may be larger than the machine's memory and instructions than
/// their fields.
///
/// # Errors
/// An operation that the machine cannot run.
pub fn sketch(
    graph: &FixedGraph,
    node: &FixedNode,
    at: Operands,
    rows: Range<usize>,
    config: &Config,
) -> Result<Vec<Part>> {
    let job = Job { graph, node, at, rows, config };
    match &node.reduction {
        Reduction::Conv { weights, groups } => {
            let channels = node.input.shape[0];
            if *groups > 1 && *groups == channels {
                rows::depthwise(&job, weights)
            } else {
                job.convolution(weights, *groups)
            }
        }
        Reduction::Product { weights } => product::parts(&job, weights),
        Reduction::Sum => job.pool(Reduce::Sum),
        Reduction::Max => job.pool(Reduce::Max),
    }
}

/// A node's work in the making.
struct Job<'a> {
    graph: &'a FixedGraph,
    node: &'a FixedNode,
    at: Operands<'a>,
    rows: Range<usize>,
    config: &'a Config,
}

impl Job<'_> {
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
        self.node.place.region[3]
    }

    /// The gathered tensor from channel `channel` on, for lines of `line_step` output rows.
    fn input(&self, channel: usize, line_step: usize, pad: i8) -> Input {
        let window = &self.node.window;
        let [sy, sx] = window.stride;
        let from = self.at.input;
        let needed = self.input_rows();
        let y0 = (self.rows.start * sy) as i64 - window.pads[0] as i64;
        let x0 = (self.node.place.region[1] * sx) as i64 - window.pads[1] as i64;
        let mut walk = from.walk(channel, needed.start, y0, x0);
        walk.line = (line_step * sy * from.pitch) as i32;
        walk.pixel = (sx * from.pixel) as i32;
        Input {
            walk,
            y0: y0 as i16,
            x0: x0 as i16,
            y_step: (line_step * sy) as u16,
            x_step: sx as u8,
            // Rows past the last one needed may not have been written yet.
            height: needed.end as u16,
            width: from.shape[2] as u16,
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
        let grid = Grid {
            width: usize::from(op.width),
            lines: usize::from(op.lines).div_ceil(usize::from(op.line_step)),
        };
        let cut = lanes::gather_cut(grid, op.input.walk.line.into(), op.input.walk.pixel.into(), lanes);
        op.lanes = cut.lanes as u8;
        op.line_stop = cut.line_stop;
        op.tiles = cut.tiles as u16;
        op.post = self.node.post;
        let line_step = usize::from(op.line_step);
        // Output pixels of a pixel of the instruction: more than one when columns are pixels too.
        let x_unit = (self.width() / grid.width) as i32;
        op.output = {
            let block = self.node.place.depth_to_space.0;
            let mut target = self.target(&self.at.output, block, line_step, y_unit);
            target.walk.base += columns.offset as i32;
            target.walk.group = columns.group.output as i32;
            target.inner = columns.inner.output as i32;
            target.outer = columns.outer.output as i32;
            target.walk.pixel *= x_unit;
            cut_target(target, grid, cut, lanes)
        };
        op.operand = self.node.operand.as_ref().zip(self.at.operand).map(|(operand, from)| {
            let mut target = self.target(&from, 1, line_step, 1);
            target.walk.pixel *= x_unit;
            target.walk.base += (columns.first * from.plane) as i32;
            target.walk.group = operand_columns[0] as i32;
            target.outer = operand_columns[1] as i32;
            target.inner = operand_columns[2] as i32;
            Operand { target: cut_target(target, grid, cut, lanes), scale: operand.scale }
        });
        op
    }

    /// Addresses of the region in `to`, whose rows and columns are `block` times the grid's. A line
    /// of the instruction is `y_unit` rows there; from one walker line to the next it is `line_step`
    /// lines.
    fn target(&self, to: &Placed, block: usize, line_step: usize, y_unit: usize) -> Target {
        let first = self.rows.start * block;
        let column = (self.node.place.region[1] * block) as i64;
        let mut walk = to.walk(0, first, first as i64, column);
        walk.line = (line_step * y_unit * to.pitch) as i32;
        walk.pixel = (block * to.pixel) as i32;
        if walk.ring.line != Ring::NEVER {
            // The ring's line counts the instruction's own lines.
            let line = (usize::from(walk.ring.line) - first).div_ceil(y_unit);
            if line * y_unit >= self.rows.len() * block {
                walk.ring = Ring::NONE;
            } else {
                walk.ring.line = line as u16;
            }
        }
        Target { walk, ..Target::default() }
    }

    /// Dense convolution: channels on columns. Split so that the weights of an instruction fit half
    /// the weight memory and can be loaded while the one before runs.
    fn convolution(&self, weights: &[i8], groups: usize) -> Result<Vec<Part>> {
        let config = self.config;
        let window = &self.node.window;
        let [channels, _, _] = self.graph.grid(self.node);
        let inputs = self.at.input.shape[0] / groups;
        let [kh, kw] = window.kernel;
        let reduction = inputs * kh * kw;
        if reduction > config.weight_words {
            return Err(self
                .refuse(format!(
                    "a reduction of {reduction} steps needs as many weight words, the machine has {}",
                    config.weight_words
                ))
                .hint(format!("weight_words = {reduction} or more")));
        }
        let (block, mode) = self.node.place.depth_to_space;
        let output = self.at.output;
        let per_group = channels / groups;
        let most_words = (config.weight_words / 2 / reduction).max(1) * config.columns;
        // Whole groups of columns whose weights and parameters fit half their memories.
        let most = most_words.min(self.most_channels().next_multiple_of(config.columns));
        let plain = |range: Range<usize>| -> Vec<Columns> {
            let starts = range.clone().step_by(most);
            starts
                .map(|s| columns::plain(s..(s + most).min(range.end), output.plane, config.columns))
                .collect()
        };
        let mut parts = vec![];
        for group in 0..groups {
            let lists = if block > 1 {
                columns::depth_to_space(channels, block, mode, output.strides(), config.columns)
            } else {
                plain(group * per_group..(group + 1) * per_group)
            };
            for columns in lists {
                let words = columns.group.count * reduction;
                if words > config.weight_words {
                    return Err(self.refuse(format!(
                        "the weights of a DepthToSpace convolution take {words} words, the machine has {}",
                        config.weight_words
                    )));
                }
                parts.push(self.dense(weights, group * inputs, inputs, &columns));
            }
        }
        if groups == 1 {
            // All channels with several rows on the columns; or only those that plain columns leave
            // over, which would run with columns idle.
            let full = if block > 1 { 0 } else { channels / config.columns * config.columns };
            let before: Vec<Part> =
                plain(0..full).iter().map(|columns| self.dense(weights, 0, inputs, columns)).collect();
            for rows in 2..=config.columns.min(self.rows.len()) {
                for before in [&[], &before[..]] {
                    let first = if before.is_empty() { 0 } else { full };
                    if first < channels
                        && let Some(part) = toeplitz::part(self, weights, inputs, first..channels, rows)
                        && part.cost(config) + cost(before, config) < cost(&parts, config)
                    {
                        parts = [before, &[part]].concat();
                    }
                }
            }
        }
        Ok(parts)
    }

    fn dense(&self, weights: &[i8], first_input: usize, inputs: usize, columns: &Columns) -> Part {
        let window = &self.node.window;
        let input = self.at.input;
        let [kh, kw] = window.kernel;
        let [dy, dx] = window.dilation;
        let width = columns.width();
        let plane = self.at.operand.map_or(0, |o| o.plane);
        let op = TileOp {
            reduce: Reduce::Dense,
            groups: columns.group.count as u16,
            columns: width as u8,
            last_columns: columns.last as u8,
            inner_columns: columns.inner.count as u8,
            width: self.width() as u16,
            lines: self.rows.len() as u16,
            line_step: 1,
            steps: [
                Step { count: inputs as u16, address: input.plane as i32, y: 0, x: 0 },
                Step { count: kh as u16, address: (dy * input.pitch) as i32, y: dy as i16, x: 0 },
                Step { count: kw as u16, address: (dx * input.pixel) as i32, y: 0, x: dx as i16 },
            ],
            input: self.input(first_input, 1, self.zero()),
            channels: Channels { base: 0, column_step: 1, group_step: width as u8 },
            ..TileOp::default()
        };
        let loops = [columns.group, columns.outer, columns.inner].map(|l| l.channel * plane);
        let op = self.finish(op, columns, loops, self.node.place.depth_to_space.0);
        let lists = columns.channels();
        let reduction = inputs * kh * kw;
        Part {
            unit: Unit::Compute,
            op,
            weights: pack::dense(weights, reduction, &lists, self.config),
            factors: None,
            channels: lists.iter().flatten().map(|&c| self.channel(c)).collect(),
            macs: (lists.iter().map(Vec::len).sum::<usize>() * reduction * self.rows.len() * self.width())
                as u64,
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

    /// Pools, sums and copies on the vector unit: a channel at a time, or, where the output is a
    /// single pixel, channels as pixels. Large sums go to the array.
    fn pool(&self, reduce: Reduce) -> Result<Vec<Part>> {
        let node = self.node;
        let [channels, ..] = self.graph.grid(node);
        let shared = node.channels.len() == 1;
        let pad = if reduce == Reduce::Max { -128 } else { self.zero() };
        let [kh, kw] = node.window.kernel;
        let [dy, dx] = node.window.dilation;
        let input = self.at.input;
        let (block, mode) = node.place.depth_to_space;
        let output = self.at.output;
        let lists = if block > 1 {
            columns::depth_to_space(channels, block, mode, output.strides(), 1)
        } else {
            let most = if shared { channels } else { self.most_channels() };
            let starts = (0..channels).step_by(most);
            starts.map(|s| columns::plain(s..(s + most).min(channels), output.plane, 1)).collect()
        };
        let mut parts = vec![];
        for columns in lists {
            let list: Vec<usize> = columns.channels().concat();
            let step = columns.group.channel;
            let mut gathered = self.input(columns.first, 1, pad);
            gathered.walk.group = (step * input.plane) as i32;
            let op = TileOp {
                reduce,
                groups: columns.group.count as u16,
                columns: 1,
                last_columns: 1,
                inner_columns: 1,
                width: self.width() as u16,
                lines: self.rows.len() as u16,
                line_step: 1,
                steps: [
                    Step { count: 1, ..Step::default() },
                    Step { count: kh as u16, address: (dy * input.pitch) as i32, y: dy as i16, x: 0 },
                    Step { count: kw as u16, address: (dx * input.pixel) as i32, y: 0, x: dx as i16 },
                ],
                input: gathered,
                channels: Channels { base: 0, column_step: 0, group_step: u8::from(!shared) },
                ..TileOp::default()
            };
            let plane = self.at.operand.map_or(0, |o| o.plane);
            let mut op = self.finish(op, &columns, [step * plane, 0, 0], block);
            if shared && block == 1 && self.width() == 1 && self.rows.len() == 1 && channels > 1 {
                op = self.channels_as_pixels(op);
            }
            let words =
                if shared { vec![node.channels[0]] } else { list.iter().map(|&c| self.channel(c)).collect() };
            parts.push(Part {
                unit: Unit::Vector,
                op,
                weights: vec![],
                factors: None,
                channels: words,
                macs: 0,
            });
        }
        if reduce == Reduce::Sum && block == 1 {
            // The vector unit runs beside the array: only what the array does much faster moves.
            let array = rows::sums(self)?;
            if 2 * cost(&array, self.config) < cost(&parts, self.config) {
                return Ok(array);
            }
        }
        Ok(parts)
    }

    /// Turns "a group for every channel, one pixel each" into "one group, a pixel for every
    /// channel": the lanes then work on P channels at once.
    fn channels_as_pixels(&self, mut op: TileOp) -> TileOp {
        let lanes = self.config.lanes;
        let turn = |walk: &mut Walk| {
            walk.pixel = walk.group;
            walk.group = 0;
            walk.line = 0;
        };
        op.width = op.groups;
        op.groups = 1;
        // All pixels see the same window.
        op.input.x_step = 0;
        turn(&mut op.input.walk);
        turn(&mut op.output.walk);
        let grid = Grid { width: op.width.into(), lines: 1 };
        let cut = lanes::gather_cut(grid, 0, op.input.walk.pixel.into(), lanes);
        op.lanes = cut.lanes as u8;
        op.tiles = cut.tiles as u16;
        op.line_stop = cut.line_stop;
        op.output = cut_target(op.output, grid, cut, lanes);
        if let Some(operand) = &mut op.operand {
            turn(&mut operand.target.walk);
            operand.target = cut_target(operand.target, grid, cut, lanes);
        }
        op
    }
}

/// Rows of a node's input view that its output rows `rows` need and that exist.
pub fn input_rows(node: &FixedNode, rows: Range<usize>) -> Range<usize> {
    let window = &node.window;
    let height = node.input.shape[1];
    let top = window.pads[0];
    let reach = window.dilation[0] * (window.kernel[0] - 1) + 1;
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
fn cut_target(mut target: Target, grid: Grid, cut: lanes::Cut, lanes: usize) -> Target {
    let (segment_lanes, segments) = lanes::segments(grid, cut, target.walk.pixel.into(), lanes);
    target.segment_lanes = segment_lanes as u8;
    target.segments = segments as u8;
    target
}
