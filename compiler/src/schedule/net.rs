//! What planning asks of a network again and again, looked up once. The rest of the planner sees a
//! [`FixedNode`] only through [`Node`] and [`Tensor`].

use super::pitch::{self, Pitch};
use crate::cost::{Cost, Pace};
use crate::error::Result;
use crate::fixed::{FixedGraph, FixedNode, TensorId, View};
use crate::tile::buffer::{Buffer, gcd};
use crate::tile::{self, Part};
use std::ops::Range;
use tilewright_arch::Config;
use tilewright_arch::instr::Unit;

/// A network and a machine.
pub struct Workload<'a> {
    /// The network.
    pub graph: &'a FixedGraph,
    /// The machine.
    pub config: &'a Config,
    /// By tensor number.
    pub tensors: Vec<Tensor>,
    /// By node number.
    pub nodes: Vec<Node>,
}

/// A tensor as planning sees it.
pub struct Tensor {
    /// Channels, rows, columns.
    pub shape: [usize; 3],
    /// Nodes that write it, ascending.
    pub writers: Vec<usize>,
    /// Nodes that gather it or take it as operand, ascending.
    pub readers: Vec<usize>,
    /// Given from outside: an input or a constant.
    pub input: bool,
    /// Wanted outside.
    pub output: bool,
    /// Rows are written, or read, in blocks of this many.
    pub block: usize,
    /// Tensors that one instruction reads together with it, which must not share its pages.
    pub partners: Vec<TensorId>,
    pitch: Pitch,
}

/// A node as planning sees it.
pub struct Node {
    /// Tensors read: the gathered one, then the operand.
    pub reads: Vec<TensorId>,
    /// The tensor written.
    pub writes: TensorId,
    /// Channels of it that are written.
    pub channels: Range<usize>,
    /// Rows of its grid that are computed.
    pub rows: Range<usize>,
    /// The unit that runs it.
    pub unit: Unit,
    /// How long it works on some of its rows.
    pub pace: Pace,
    /// Words of weight memory.
    pub weight_words: usize,
    /// For loading its constants.
    pub constants: Cost,
    /// Not to be separated from the node before: both write the same channels of one tensor.
    pub joined: bool,
}

/// Rows of the output tensor that `rows` of the node's grid become.
pub fn output_rows(node: &FixedNode, rows: Range<usize>) -> Range<usize> {
    tile::writes(node, rows)
}

/// First row of the output tensor that is not written when the rows before `done` are; 0 where rows
/// of the grid are not rows of the tensor.
pub fn first_unwritten(node: &FixedNode, done: usize) -> usize {
    if node.output.keeps_rows() { tile::writes(node, done..done + 1).start } else { 0 }
}

/// Rows of tensor number `place` of [`FixedNode::tensors_read`] that output rows need.
pub fn input_rows(node: &FixedNode, place: usize, rows: Range<usize>) -> Range<usize> {
    tile::reads(node, rows).swap_remove(place).1
}

/// Rows that a node needs to find, or writes, together in a tensor of `height` rows: all, unless the
/// rows of its view are rows of the tensor.
fn block_of(view: &View, height: usize, block: usize) -> usize {
    let whole = !view.keeps_rows() || !view.origin[1].is_multiple_of(block);
    if whole { height } else { block }
}

fn lcm(a: usize, b: usize) -> usize {
    a * b / gcd(a, b)
}

impl<'a> Workload<'a> {
    /// Looks everything up and chooses the pitch of every tensor.
    ///
    /// # Errors
    /// A node that the machine cannot run.
    pub fn new(graph: &'a FixedGraph, config: &'a Config) -> Result<Workload<'a>> {
        let mut tensors: Vec<Tensor> = graph
            .tensors
            .iter()
            .map(|t| Tensor {
                shape: t.shape,
                writers: vec![],
                readers: vec![],
                input: false,
                output: false,
                block: 1,
                partners: vec![],
                pitch: Pitch::dense(t.shape),
            })
            .collect();
        let given = graph.inputs.iter().map(|(t, _)| t).chain(graph.constants.iter().map(|(t, _)| t));
        for t in given {
            tensors[t.0 as usize].input = true;
        }
        let wanted = graph.outputs.iter().map(|(t, _)| t).chain(graph.pieces.iter().map(|(_, t)| t));
        for t in wanted {
            tensors[t.0 as usize].output = true;
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            let reads: Vec<TensorId> = node.tensors_read().collect();
            for view in node.reads() {
                let tensor = &mut tensors[view.tensor.0 as usize];
                tensor.block = lcm(tensor.block, block_of(view, tensor.shape[1], 1));
            }
            for &t in &reads {
                let tensor = &mut tensors[t.0 as usize];
                tensor.readers.push(index);
                tensor.partners.extend(reads.iter().filter(|&&o| o != t));
            }
            let written = &mut tensors[node.output.tensor.0 as usize];
            written.writers.push(index);
            let block = block_of(&node.output, written.shape[1], node.place.depth_to_space.0);
            written.block = lcm(written.block, block);
        }
        for (index, tensor) in tensors.iter_mut().enumerate() {
            (tensor.pitch, _) = pitch::best(graph, config, TensorId::nth(index), &tensor.readers)?;
        }
        let mut net = Workload { graph, config, tensors, nodes: vec![] };
        for node in &graph.nodes {
            let node = net.node(node)?;
            net.nodes.push(node);
        }
        net.join();
        Ok(net)
    }

    /// What is known of a tensor.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0 as usize]
    }

    /// All tensors with what is known of them.
    pub fn all_tensors(&self) -> impl Iterator<Item = (TensorId, &Tensor)> {
        self.tensors.iter().enumerate().map(|(index, tensor)| (TensorId::nth(index), tensor))
    }

    fn node(&self, node: &FixedNode) -> Result<Node> {
        let (parts, rows) = pitch::sample(self.graph, node, |t| self.tensor(t).pitch, self.config)?;
        let pace = Pace::new(parts.iter().map(|part| (part.unit, &part.op)), rows, self.config);
        let [y0, _, height, _] = node.place.region;
        Ok(Node {
            reads: node.tensors_read().collect(),
            writes: node.output.tensor,
            channels: node.output.origin[0]..node.output.end()[0],
            rows: y0..y0 + height,
            unit: pace.unit(),
            pace,
            weight_words: parts.iter().map(|p| p.weight_words(self.config)).sum(),
            constants: Cost::loaded(parts.iter().map(Part::constant_bytes).sum(), self.config),
            joined: false,
        })
    }

    /// Marks nodes that write channels which a node before them writes too (border regions), and
    /// all between.
    fn join(&mut self) {
        for tensor in &self.tensors {
            for (i, &last) in tensor.writers.iter().enumerate().skip(1) {
                let meets = |&&w: &&usize| {
                    let (a, b) = (&self.nodes[w].channels, &self.nodes[last].channels);
                    a.start < b.end && b.start < a.end
                };
                if let Some(&first) = tensor.writers[..i].iter().find(meets) {
                    self.nodes[first + 1..=last].iter_mut().for_each(|n| n.joined = true);
                }
            }
        }
    }

    /// A tensor held in `rows` rows (all when that many or more), at address zero.
    pub fn buffer(&self, tensor: TensorId, rows: usize) -> Buffer {
        let t = self.tensor(tensor);
        pitch::buffer(t.shape, t.pitch, rows, t.block, self.config.lanes)
    }

    /// The same with rows padded to whole rows of banks, if that is smaller.
    pub fn padded(&self, tensor: TensorId, rows: usize) -> Buffer {
        let (t, plain) = (self.tensor(tensor), self.buffer(tensor, rows));
        let padded = pitch::buffer(
            t.shape,
            t.pitch.padded(t.shape, self.config.lanes),
            rows,
            t.block,
            self.config.lanes,
        );
        if padded.span() < plain.span() { padded } else { plain }
    }

    /// The whole tensor at address zero.
    pub fn whole(&self, tensor: TensorId) -> Buffer {
        self.buffer(tensor, self.tensor(tensor).shape[1])
    }

    /// Nodes of a range that may not be separated, as ranges of node numbers.
    pub fn atoms_of(&self, nodes: &Range<usize>) -> Vec<Range<usize>> {
        let mut atoms: Vec<Range<usize>> = vec![];
        for (index, node) in nodes.clone().zip(&self.nodes[nodes.clone()]) {
            match atoms.last_mut() {
                Some(atom) if node.joined => atom.end = index + 1,
                _ => atoms.push(index..index + 1),
            }
        }
        atoms
    }

    /// Tensors that nodes touch, ascending.
    pub fn touched(&self, nodes: Range<usize>) -> Vec<TensorId> {
        let all = self.nodes[nodes].iter().flat_map(|n| n.reads.iter().copied().chain([n.writes]));
        let mut all: Vec<TensorId> = all.collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Rows of the largest input of some nodes: what stripes are counted in.
    pub fn tallest(&self, nodes: Range<usize>) -> usize {
        let from_before = |t: &TensorId| self.made_before(*t, nodes.start);
        let tensors = self.nodes[nodes.clone()].iter().flat_map(|n| n.reads.iter().copied());
        tensors.filter(from_before).map(|t| self.tensor(t).shape[1]).max().unwrap_or(1)
    }

    /// Whether any of the tensor exists before node `node`.
    pub fn made_before(&self, tensor: TensorId, node: usize) -> bool {
        let t = self.tensor(tensor);
        t.input || t.writers.first().is_some_and(|&w| w < node)
    }

    /// The first node from `node` on that touches the tensor.
    pub fn next_use(&self, tensor: TensorId, node: usize) -> Option<usize> {
        let t = self.tensor(tensor);
        let after = |list: &[usize]| list.get(list.partition_point(|&n| n < node)).copied();
        after(&t.readers).into_iter().chain(after(&t.writers)).min()
    }

    /// Channels of a tensor that nodes of a range write, as few ranges.
    pub fn channels_written(&self, tensor: TensorId, nodes: Range<usize>) -> Vec<Range<usize>> {
        let t = self.tensor(tensor);
        let (from, to) =
            (t.writers.partition_point(|&n| n < nodes.start), t.writers.partition_point(|&n| n < nodes.end));
        let mut ranges: Vec<Range<usize>> =
            t.writers[from..to].iter().map(|&w| self.nodes[w].channels.clone()).collect();
        ranges.sort_unstable_by_key(|r| r.start);
        let mut merged: Vec<Range<usize>> = vec![];
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }

    /// Channels of a tensor that exist before node `node`.
    pub fn channels_before(&self, tensor: TensorId, node: usize) -> Vec<Range<usize>> {
        if self.tensor(tensor).input {
            return std::iter::once(0..self.tensor(tensor).shape[0]).collect();
        }
        self.channels_written(tensor, 0..node)
    }
}
