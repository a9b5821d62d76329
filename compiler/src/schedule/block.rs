//! Some nodes of a network over some columns of the image, as a network of their own.
//!
//! From the columns that a block is to make, the columns that each of its nodes needs are found backwards:
//! windows reach over the border of the block, so what they read there is made by both neighbours. Rows,
//! channels and the order of nodes stay as they are.

use crate::fixed::{Band, FixedGraph, FixedNode, Reduction, TensorId, View};
use std::collections::BTreeMap;
use std::ops::Range;

/// Nodes of a network over some columns.
#[derive(Clone, PartialEq, Debug)]
pub struct ColumnBlock {
    /// A network of its own: what it reads of others are inputs, what others read of it are outputs.
    pub graph: FixedGraph,
    /// Where inputs and outputs lie in the tensors of the network that was cut: a band for each.
    pub bands: Vec<Band>,
    /// The number of each of its nodes in the network that was cut.
    pub nodes: Vec<usize>,
}

/// A tensor of the network as the nodes of a block see it, and whether they write it. Channels that come from
/// outside and channels that the block makes are two tensors there.
type Key = (TensorId, bool);

/// What is known of a tensor of a block.
#[derive(Clone, PartialEq, Debug)]
struct BlockTensor {
    channels: Range<usize>,
    columns: Range<usize>,
}

fn hull(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.min(b.start)..a.end.max(b.end)
}

fn meet(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Whether the columns of a view run along the tensor's columns, and nothing else does.
fn runs_along_columns(view: &View) -> bool {
    let other = |i: usize| view.axes[i] == 2 && view.shape[i] > 1 && view.step[i] > 0;
    view.axes[2] == 2 && view.step[2] > 0 && !other(0) && !other(1)
}

/// Whether the view's pixels have the same columns of the tensor in every column of the view.
fn stays(view: &View) -> bool {
    view.step[2] == 0 || view.shape[2] == 1
}

/// Whether a node can be run for some columns of its grid without needing all columns of what it reads.
pub fn divides(graph: &FixedGraph, node: &FixedNode) -> bool {
    let [_, _, width] = graph.grid(node);
    let window = &node.window;
    let reach = window.covers(1);
    let operand = node.operand.as_ref().is_none_or(|o| runs_along_columns(&o.view) || stays(&o.view));
    // Anything narrower has better ways, and so has what looks at half of the image.
    let wide = width >= 16 && 2 * reach <= node.input.shape[2].max(1);
    runs_along_columns(&node.output) && runs_along_columns(&node.input) && operand && wide
}

/// Channels of its tensor that a view has elements in; those of the low halves, too, where the node is wide.
fn channels_of(view: &View, wide: bool) -> Range<usize> {
    view.origin[0]..view.end()[0] + usize::from(wide)
}

/// Columns of the tensor in which the columns `columns` of a view lie.
fn tensor_columns(view: &View, columns: &Range<usize>) -> Range<usize> {
    if !runs_along_columns(view) {
        return view.origin[2]..view.end()[2];
    }
    let at = |x: usize| view.origin[2] + view.step[2] * x;
    at(columns.start)..at(columns.end - 1) + 1
}

/// Columns of a view that lie in the columns `held` of the tensor.
fn view_columns(view: &View, held: &Range<usize>) -> Range<usize> {
    let (origin, step) = (view.origin[2], view.step[2]);
    let before = |column: usize| column.saturating_sub(origin).div_ceil(step).min(view.shape[2]);
    before(held.start)..before(held.end)
}

/// The part of a network that a block is of.
struct Subnetwork<'a> {
    graph: &'a FixedGraph,
    nodes: Range<usize>,
    held: BTreeMap<Key, BlockTensor>,
}

/// The nodes `nodes` of a network for part `index` of `count` of the columns of what others read of them;
/// `None` where that cannot be said as a network of its own. With a `count` of 1 no column is cut.
pub fn block(graph: &FixedGraph, nodes: Range<usize>, index: usize, count: usize) -> Option<ColumnBlock> {
    let mut cut = Subnetwork { graph, nodes: nodes.clone(), held: BTreeMap::new() };
    let own = |id: TensorId| {
        let width = graph.tensor(id).shape[2];
        width * index / count..width * (index + 1) / count
    };
    let mut exported: Vec<TensorId> = vec![];
    // What has been asked of tensors by the nodes behind: channels and columns.
    let mut asked: Vec<(Key, BlockTensor)> = vec![];
    let ask = |asked: &mut Vec<(Key, BlockTensor)>, cut: &mut Subnetwork, key: Key, held: BlockTensor| {
        asked.push((key, held.clone()));
        cut.hold(key, &held);
    };
    for n in nodes.clone().rev() {
        let node = &graph.nodes[n];
        let (id, channels) = (node.output.tensor, channels_of(&node.output, false));
        let mut need: Option<Range<usize>> = None;
        if cut.is_read_outside(id, &channels) {
            need = Some(own(id)).filter(|own| !own.is_empty());
            exported.push(id);
        }
        for (_, held) in asked.iter().filter(|(key, h)| *key == (id, true) && meet(&h.channels, &channels)) {
            need = Some(need.map_or_else(|| held.columns.clone(), |need| hull(&need, &held.columns)));
        }
        let Some(need) = need else { continue };
        cut.hold((id, true), &BlockTensor { channels, columns: need.clone() });
        let columns = match count {
            1 => node.place.region[1]..node.place.region[1] + node.place.region[3],
            _ => cut.made_in(node, &need),
        };
        if columns.is_empty() {
            continue;
        }
        for (place, view) in node.reads().enumerate() {
            let wide = place == 0 && node.wide;
            let channels = channels_of(view, wide);
            let key = cut.key(view.tensor, &channels)?;
            let columns = match place {
                _ if count == 1 => 0..graph.tensor(view.tensor).shape[2],
                0 => tensor_columns(view, &inside(&reached(node, &columns), view.shape[2])),
                // Weights of a product are of no column.
                1 if matches!(node.reduction, Reduction::Product { .. }) => view.origin[2]..view.end()[2],
                _ => tensor_columns(view, &columns),
            };
            ask(&mut asked, &mut cut, key, BlockTensor { channels, columns });
        }
    }
    cut.close(count);
    cut.build(&exported, own, count)
}

/// Columns of its input view that a node reads for columns of its grid, those in the padding too.
fn reached(node: &FixedNode, columns: &Range<usize>) -> Range<i64> {
    let window = &node.window;
    let whole = |n: usize| i64::try_from(n).expect("extents are less than 2^63");
    let (stride, left) = (whole(window.stride[1]), whole(window.pads[1]));
    let reach = whole(window.covers(1));
    whole(columns.start) * stride - left..whole(columns.end - 1) * stride - left + reach
}

/// Those of a view of `width` columns, at least one.
fn inside(columns: &Range<i64>, width: usize) -> Range<usize> {
    let last = width - 1;
    let within = |x: i64| usize::try_from(x.max(0)).map_or(last, |x| x.min(last));
    let start = within(columns.start);
    start..(within(columns.end - 1) + 1).max(start + 1)
}

impl Subnetwork<'_> {
    /// Which of the block's tensors channels of a tensor are in; `None` for those of both.
    fn key(&self, id: TensorId, channels: &Range<usize>) -> Option<Key> {
        let meets = |n: &&FixedNode| n.output.tensor == id && meet(&channels_of(&n.output, false), channels);
        let within = self.graph.nodes[self.nodes.clone()].iter().any(|n| meets(&n));
        let (before, after) = (&self.graph.nodes[..self.nodes.start], &self.graph.nodes[self.nodes.end..]);
        let outside = before.iter().chain(after).any(|n| meets(&n));
        (!within || !outside).then_some((id, within))
    }

    /// Whether anything but the block's nodes reads some channels of a tensor.
    fn is_read_outside(&self, id: TensorId, channels: &Range<usize>) -> bool {
        let wanted =
            self.graph.outputs.iter().map(|(t, _)| t).chain(self.graph.pieces.iter().map(|(_, t)| t));
        let reads = |n: &FixedNode| {
            let low = n.low_halves();
            n.reads().chain(&low).any(|v| v.tensor == id && meet(&channels_of(v, false), channels))
        };
        let (before, after) = (&self.graph.nodes[..self.nodes.start], &self.graph.nodes[self.nodes.end..]);
        wanted.into_iter().any(|t| *t == id) || before.iter().chain(after).any(reads)
    }

    /// Has a tensor hold channels and columns; whether it did not before.
    fn hold(&mut self, key: Key, more: &BlockTensor) -> bool {
        let before = self.held.get(&key).cloned();
        let after = before.as_ref().map_or_else(
            || more.clone(),
            |b| BlockTensor {
                channels: hull(&b.channels, &more.channels),
                columns: hull(&b.columns, &more.columns),
            },
        );
        let grown = before.as_ref() != Some(&after);
        self.held.insert(key, after);
        grown
    }

    /// Columns of its grid for which a node writes some of the columns `held` of its output.
    fn made_in(&self, node: &FixedNode, held: &Range<usize>) -> Range<usize> {
        let factor = node.place.depth_to_space.0;
        let columns = view_columns(&node.output, held);
        let [_, x0, _, width] = node.place.region;
        let (start, end) = (columns.start / factor, columns.end.div_ceil(factor));
        let (start, end) = (start.max(x0), end.min(x0 + width));
        if columns.is_empty() || start >= end { x0..x0 } else { start..end }
    }

    /// Lets tensors grow until whole columns of all that are written are held, and every operand's.
    fn close(&mut self, count: usize) {
        let mut grown = count > 1;
        while grown {
            grown = false;
            for n in self.nodes.clone() {
                let node = &self.graph.nodes[n];
                let id = node.output.tensor;
                let Some(held) = self.held.get(&(id, true)).cloned() else { continue };
                let columns = self.made_in(node, &held.columns);
                if columns.is_empty() || !meet(&held.channels, &channels_of(&node.output, false)) {
                    continue;
                }
                let factor = node.place.depth_to_space.0;
                let written = tensor_columns(&node.output, &(columns.start * factor..columns.end * factor));
                grown |= self.hold((id, true), &BlockTensor { columns: written, ..held });
                if let Some(operand) = &node.operand {
                    let view = &operand.view;
                    let channels = channels_of(view, false);
                    let Some(key) = self.key(view.tensor, &channels) else { continue };
                    let columns = tensor_columns(view, &columns);
                    grown |= self.hold(key, &BlockTensor { channels, columns });
                }
            }
        }
    }

    /// The block, all of whose tensors are known.
    fn build(
        &self,
        exported: &[TensorId],
        own: impl Fn(TensorId) -> Range<usize>,
        count: usize,
    ) -> Option<ColumnBlock> {
        let mut made = FixedGraph { name: self.graph.name.clone(), ..FixedGraph::default() };
        let mut bands = vec![];
        let mut numbers: BTreeMap<Key, TensorId> = BTreeMap::new();
        for (&(id, within), held) in &self.held {
            let whole = self.graph.tensor(id);
            let part = TensorId::nth(made.tensors.len());
            numbers.insert((id, within), part);
            let (mut channels, held) = (held.channels.clone(), held.columns.clone());
            if whole.wide {
                // Both halves of every channel.
                channels = channels.start / 2 * 2..channels.end.next_multiple_of(2);
            }
            let shape = [channels.len(), whole.shape[1], held.len()];
            made.tensors.push(crate::fixed::Tensor { shape, ..whole.clone() });
            let given = !within;
            let own = if given || !exported.contains(&id) { 0..0 } else { own(id) };
            if !given && own.is_empty() {
                continue;
            }
            if given { &mut made.inputs } else { &mut made.outputs }.push((part, shape.to_vec()));
            bands.push(Band { part, whole: id, channels, held, own });
        }
        let mut numbered = vec![];
        for n in self.nodes.clone() {
            let node = &self.graph.nodes[n];
            let Some(held) = self.held.get(&(node.output.tensor, true)) else { continue };
            let needed = meet(&held.channels, &channels_of(&node.output, false));
            let part = if needed { self.part(node, &numbers, count)? } else { None };
            numbered.extend(part.is_some().then_some(n));
            made.nodes.extend(part);
        }
        Some(ColumnBlock { graph: made, bands, nodes: numbered })
    }

    /// What a node does in the block, if anything.
    #[expect(clippy::option_option, reason = "nothing to do, and no way to do it")]
    fn part(
        &self,
        node: &FixedNode,
        numbers: &BTreeMap<Key, TensorId>,
        count: usize,
    ) -> Option<Option<FixedNode>> {
        let place = |view: View, wide: bool, within: Option<bool>| -> Option<View> {
            let key = match within {
                Some(within) => (view.tensor, within),
                None => self.key(view.tensor, &channels_of(&view, wide))?,
            };
            let (held, tensor) = (self.held.get(&key)?, *numbers.get(&key)?);
            let mut view = View { tensor, ..view };
            let first =
                held.channels.start / self.graph.tensor(key.0).planes() * self.graph.tensor(key.0).planes();
            view.origin[0] = view.origin[0].checked_sub(first)?;
            view.origin[2] = view.origin[2].checked_sub(held.columns.start)?;
            Some(view)
        };
        let mut part = node.clone();
        let held = &self.held[&(node.output.tensor, true)];
        let [y0, _, rows, _] = node.place.region;
        let mut columns = None;
        if count > 1 {
            let made = self.made_in(node, &held.columns);
            if made.is_empty() {
                return Some(None);
            }
            let factor = node.place.depth_to_space.0;
            part.output = node.output.slice(2, made.start * factor, made.len() * factor);
            part.place.region = [y0, 0, rows, made.len()];
            let read = self.held.get(&self.key(node.input.tensor, &channels_of(&node.input, node.wide))?)?;
            let reached = reached(node, &made);
            // What the block does not hold of it only goes into columns that its neighbours make.
            let there = view_columns(&node.input, &read.columns);
            let there = inside_of(&reached, &there)?;
            let pad = |n: i64| usize::try_from(n).ok();
            let (start, end) = (i64::try_from(there.start).ok()?, i64::try_from(there.end).ok()?);
            part.window.pads[1] = pad(start - reached.start)?;
            part.window.pads[3] = pad(reached.end - end)?;
            part.input = node.input.slice(2, there.start, there.len());
            columns = Some(made);
        }
        part.output = place(part.output, false, Some(true))?;
        part.input = place(part.input, node.wide, None)?;
        if let Reduction::Product { weights } = &mut part.reduction {
            *weights = place(*weights, false, None)?;
        }
        if let Some(operand) = &mut part.operand {
            if let Some(made) = columns {
                operand.view = operand.view.slice(2, made.start, made.len());
            }
            operand.view = place(operand.view, false, None)?;
        }
        Some(Some(part))
    }
}

/// Columns of `there` that are reached; `None` for none.
fn inside_of(reached: &Range<i64>, there: &Range<usize>) -> Option<Range<usize>> {
    let start = usize::try_from(reached.start.max(0)).ok()?.max(there.start);
    let end = usize::try_from(reached.end.max(0)).ok()?.min(there.end);
    (start < end).then_some(start..end)
}
