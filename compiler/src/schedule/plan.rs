//! What is held where and in which order things happen: whole tensors where they fit, otherwise
//! rings of rows through which the image passes in stripes.

use super::memory::Pages;
use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, FixedNode, TensorId};
use crate::tile::buffer::Buffer;
use crate::tile::{self, Operands};
use std::fmt;
use std::ops::Range;
use tilewright_arch::Config;

/// One thing to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Rows of an input tensor from external memory.
    Load(TensorId, Range<usize>),
    /// Output rows of node number `.0`, in its own grid.
    Node(usize, Range<usize>),
    /// Rows of an output tensor to external memory.
    Store(TensorId, Range<usize>),
}

/// Buffers of all tensors and the order of the work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// By tensor number.
    pub buffers: Vec<Buffer>,
    /// In sequential order.
    pub steps: Vec<Step>,
    /// Most pages in use at a time.
    pub pages: usize,
    /// Input rows of a stripe, when the image passes in stripes.
    pub stripe: Option<usize>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (t, b) in self.buffers.iter().enumerate() {
            let [c, h, w] = b.shape;
            write!(f, "t{t}: {c}x{h}x{w} at {}, pitch {}, plane {}", b.base, b.pitch, b.plane)?;
            writeln!(
                f,
                "{}",
                if b.is_ring() { format!(", ring of {} rows", b.rows) } else { String::new() }
            )?;
        }
        for step in &self.steps {
            match step {
                Step::Load(t, rows) => writeln!(f, "load {t} rows {}..{}", rows.start, rows.end)?,
                Step::Node(n, rows) => writeln!(f, "node {n} rows {}..{}", rows.start, rows.end)?,
                Step::Store(t, rows) => writeln!(f, "store {t} rows {}..{}", rows.start, rows.end)?,
            }
        }
        Ok(())
    }
}

/// Plans of a network for a machine that fit, at least one: whole tensors, freed after their last
/// use; the same with the first nodes working in stripes; rings of rows with stripes of a half, a
/// third, ... of the rows, the tallest first. Stripes let loads, pools and stores run beside the
/// array, whole tensors start fewer instructions: which is faster is for the exact timing of the
/// programs to say.
///
/// # Errors
/// A network that does not even fit in stripes of one row.
pub fn candidates(graph: &FixedGraph, config: &Config) -> Result<Vec<Plan>> {
    let pitches = pitches(graph, config)?;
    let mut plans: Vec<Plan> = whole(graph, config, &pitches, 0, 1).into_iter().collect();
    if !plans.is_empty() {
        for head in 1..=MOST_HEAD.min(graph.nodes.len()) {
            plans.extend(
                HEAD_STRIPES.into_iter().filter_map(|parts| whole(graph, config, &pitches, head, parts)),
            );
        }
    }
    let tallest = graph.inputs.iter().map(|(t, _)| graph.tensor(*t).shape[1]).max().unwrap_or(1);
    let mut tried = tallest;
    for parts in 2..=tallest {
        let stripe = tallest.div_ceil(parts);
        // Shorter stripes than these cost more instructions than they hide.
        let enough = !plans.is_empty() && parts > MOST_STRIPES;
        if enough {
            break;
        }
        if stripe < tried {
            tried = stripe;
            plans.extend(striped(graph, config, &pitches, stripe));
        }
    }
    if !plans.is_empty() {
        return Ok(plans);
    }
    let least = need(graph, config, &pitches, 1);
    let (worst, rows) = least.iter().enumerate().max_by_key(|(_, b)| b.span()).expect("a graph has tensors");
    Err(Error::new(
        "schedule",
        format!(
            "the network does not fit: even in stripes of one row it needs {} pages of feature memory, the machine has {}; \
             the largest tensor, {:?} ({:?}), needs {} bytes",
            least.iter().map(|b| b.span().div_ceil(page_bytes(config))).sum::<usize>(),
            config.feature.pages,
            graph.tensors[worst].name,
            graph.tensors[worst].shape,
            rows.span(),
        ),
    )
    .file(&graph.name)
    .hint("a machine with more feature memory (feature.pages), or a smaller input image"))
}

/// Most stripes of an image that are tried when taller ones fit.
const MOST_STRIPES: usize = 8;
/// Most nodes at the beginning that work in stripes on whole tensors, and in how many stripes.
const MOST_HEAD: usize = 4;
const HEAD_STRIPES: [usize; 3] = [2, 4, 8];

/// Bytes of a page.
pub fn page_bytes(config: &Config) -> usize {
    config.feature.page_rows * config.lanes
}

fn buffer(graph: &FixedGraph, tensor: usize, pitch: Pitch, rows: usize, config: &Config) -> Buffer {
    // DepthToSpace writes whole blocks of rows.
    let written = graph.nodes.iter().filter(|n| n.output.tensor.0 as usize == tensor);
    let block = written.map(|n| n.place.depth_to_space.0).fold(1, |a, b| a * b / tile::buffer::gcd(a, b));
    let mut buffer = Buffer::ring(graph.tensors[tensor].shape, pitch.row, rows, block, config.lanes);
    buffer.plane += pitch.plane_padding(buffer.plane, config.lanes);
    buffer
}

/// How a tensor is spread over the banks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pitch {
    row: usize,
    /// Planes are made coprime to the lanes, so that channels can be lanes.
    coprime_plane: bool,
}

impl Pitch {
    fn plane_padding(self, plane: usize, lanes: usize) -> usize {
        if !self.coprime_plane {
            return 0;
        }
        (0..lanes).find(|p| tile::buffer::gcd(plane + p, lanes) == 1).unwrap_or(0)
    }
}

/// For every tensor the pitch at which those that gather it take the fewest cycles.
fn pitches(graph: &FixedGraph, config: &Config) -> Result<Vec<Pitch>> {
    let mut pitches: Vec<Pitch> =
        graph.tensors.iter().map(|t| Pitch { row: t.shape[2], coprime_plane: false }).collect();
    for (tensor, best_pitch) in pitches.iter_mut().enumerate() {
        let id = TensorId(tensor as u32);
        let readers: Vec<&FixedNode> = graph.nodes.iter().filter(|n| n.input.tensor == id).collect();
        let [_, height, width] = graph.tensors[tensor].shape;
        let mut best = u64::MAX;
        for row in width..width + if height > 1 { config.lanes } else { 1 } {
            for coprime_plane in [false, true] {
                let pitch = Pitch { row, coprime_plane };
                let input = buffer(graph, tensor, pitch, height, config);
                let mut cycles = 0;
                for node in &readers {
                    cycles += node_cycles(graph, node, &input, config)?;
                }
                if cycles < best {
                    best = cycles;
                    *best_pitch = pitch;
                }
            }
        }
    }
    Ok(pitches)
}

/// Cycles of a node whose other tensors lie densely.
fn node_cycles(graph: &FixedGraph, node: &FixedNode, input: &Buffer, config: &Config) -> Result<u64> {
    let dense: Vec<(TensorId, Buffer)> = node
        .reads()
        .chain([&node.output])
        .map(|view| {
            let shape = graph.tensor(view.tensor).shape;
            (view.tensor, Buffer::whole(shape, shape[2]))
        })
        .collect();
    let at = Operands::new(node, |t| match dense.iter().find(|(d, _)| *d == t) {
        Some((_, buffer)) if t != node.input.tensor => buffer,
        _ => input,
    });
    let [y0, _, rows, _] = node.place.region;
    let parts = tile::parts(graph, node, at, y0..y0 + rows, config)?;
    Ok(parts.iter().map(|p| p.cycles(config)).sum())
}

/// Whole tensors, each in pages of its own from its first to its last use. The first `head` nodes
/// work in `parts` stripes, so that loads and pools run beside the array.
fn whole(graph: &FixedGraph, config: &Config, pitches: &[Pitch], head: usize, parts: usize) -> Option<Plan> {
    let tallest = graph.inputs.iter().map(|(t, _)| graph.tensor(*t).shape[1]).max().unwrap_or(1);
    if tallest < parts {
        return None;
    }
    let mut first = FixedGraph { nodes: graph.nodes[..head].to_vec(), ..graph.clone() };
    // A tensor that later nodes write too is stored after them.
    first.outputs.retain(|(t, _)| !graph.nodes[head..].iter().any(|n| n.output.tensor == *t));
    let mut steps = if head > 0 { flow(&first, tallest.div_ceil(parts)).steps } else { vec![] };
    let is_input = |t: TensorId| loaded_tensors(graph).any(|i| i == t);
    for (index, node) in graph.nodes.iter().enumerate().skip(head) {
        for t in node.reads().map(|v| v.tensor).filter(|t| is_input(*t)) {
            if !steps.iter().any(|s| matches!(s, Step::Load(l, _) if *l == t)) {
                steps.push(Step::Load(t, 0..graph.tensor(t).shape[1]));
            }
        }
        let [y0, _, rows, _] = node.place.region;
        steps.push(Step::Node(index, y0..y0 + rows));
        let written = |t: TensorId| !graph.nodes[index + 1..].iter().any(|n| n.output.tensor == t);
        for (t, _) in graph.outputs.iter().filter(|(t, _)| *t == node.output.tensor && written(*t)) {
            steps.push(Step::Store(*t, 0..graph.tensor(*t).shape[1]));
        }
    }
    let mut buffers: Vec<Buffer> = (0..graph.tensors.len())
        .map(|t| buffer(graph, t, pitches[t], graph.tensors[t].shape[1], config))
        .collect();
    let mut pages = Pages::new(config.feature.pages);
    let page = page_bytes(config);
    let mut held: Vec<Option<Range<usize>>> = vec![None; buffers.len()];
    for (index, step) in steps.iter().enumerate() {
        for t in tensors(graph, step) {
            if held[t].is_none() {
                let range = pages.take(buffers[t].span().div_ceil(page))?;
                buffers[t].base = range.start * page;
                held[t] = Some(range);
            }
        }
        for t in tensors(graph, step) {
            let later = steps[index + 1..].iter().any(|s| tensors(graph, s).contains(&t));
            if !later && let Some(range) = held[t].take() {
                pages.give(range);
            }
        }
    }
    Some(Plan { buffers, steps, pages: pages.most, stripe: None })
}

/// The tensors that come from external memory: inputs and constants.
fn loaded_tensors(graph: &FixedGraph) -> impl Iterator<Item = TensorId> {
    graph.inputs.iter().map(|(t, _)| *t).chain(graph.constants.iter().map(|(t, _)| *t))
}

/// Numbers of the tensors a step touches.
fn tensors(graph: &FixedGraph, step: &Step) -> Vec<usize> {
    let ids = match step {
        Step::Load(t, _) | Step::Store(t, _) => vec![*t],
        Step::Node(n, _) => {
            let node = &graph.nodes[*n];
            node.reads().chain([&node.output]).map(|v| v.tensor).collect()
        }
    };
    ids.into_iter().map(|t| t.0 as usize).collect()
}

/// Rings of rows: the image passes in stripes of `stripe` input rows.
fn striped(graph: &FixedGraph, config: &Config, pitches: &[Pitch], stripe: usize) -> Option<Plan> {
    let mut buffers = need(graph, config, pitches, stripe);
    let mut pages = Pages::new(config.feature.pages);
    let page = page_bytes(config);
    for buffer in &mut buffers {
        buffer.base = pages.take(buffer.span().div_ceil(page))?.start * page;
    }
    let Flow { steps, .. } = flow(graph, stripe);
    Some(Plan { buffers, steps, pages: pages.most, stripe: Some(stripe) })
}

/// Buffers of a striped plan, all at address zero.
fn need(graph: &FixedGraph, config: &Config, pitches: &[Pitch], stripe: usize) -> Vec<Buffer> {
    let Flow { held, .. } = flow(graph, stripe);
    (0..graph.tensors.len()).map(|t| buffer(graph, t, pitches[t], held[t], config)).collect()
}

/// The striped order of work, and the most rows of each tensor that are held at a time.
struct Flow {
    steps: Vec<Step>,
    held: Vec<usize>,
}

/// Pushes stripes of input rows through the network: every node computes what rows it can.
fn flow(graph: &FixedGraph, stripe: usize) -> Flow {
    let count = graph.tensors.len();
    let height = |t: usize| graph.tensors[t].shape[1];
    let mut done: Vec<usize> = graph.nodes.iter().map(|n| n.place.region[0]).collect();
    let mut loaded = vec![0; count];
    let mut stored = vec![0; count];
    let mut flow = Flow { steps: vec![], held: vec![0; count] };
    let inputs: Vec<usize> = loaded_tensors(graph).map(|t| t.0 as usize).collect();
    let outputs: Vec<usize> = graph.outputs.iter().map(|(t, _)| t.0 as usize).collect();
    let end = |n: usize| graph.nodes[n].place.region[0] + graph.nodes[n].place.region[2];
    // First row of its output that node i has not written.
    let unwritten = |i: usize, done: &[usize]| {
        let node = &graph.nodes[i];
        if done[i] == end(i) {
            height(node.output.tensor.0 as usize)
        } else if node.output.keeps_rows() {
            tile::writes(node, done[i]..done[i] + 1).start
        } else {
            0
        }
    };
    // Rows of tensor t that are complete, given what nodes have done.
    let ready = |t: usize, done: &[usize], loaded: &[usize]| {
        if inputs.contains(&t) {
            return loaded[t];
        }
        let writers = (0..graph.nodes.len()).filter(|&i| graph.nodes[i].output.tensor.0 as usize == t);
        writers.map(|i| unwritten(i, done)).min().unwrap_or(0)
    };
    // First row of tensor t that somebody still needs.
    let oldest = |t: usize, done: &[usize], stored: &[usize]| {
        let mut first = if outputs.contains(&t) { stored[t] } else { height(t) };
        for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| done[*i] < end(*i)) {
            if node.reads().any(|v| v.tensor.0 as usize == t) {
                let reads = tile::reads(node, done[i]..done[i] + 1);
                let rows = reads.into_iter().filter(|(r, _)| r.0 as usize == t).map(|(_, rows)| rows.start);
                first = rows.fold(first, usize::min);
            }
        }
        first
    };
    loop {
        let mut progress = false;
        for &t in &inputs {
            let next = (loaded[t] + stripe).min(height(t));
            if next > loaded[t] {
                flow.steps.push(Step::Load(TensorId(t as u32), loaded[t]..next));
                // A further stripe is loaded while this one is worked on.
                let first = oldest(t, &done, &stored).min(loaded[t]);
                flow.held[t] = flow.held[t].max(next - first + stripe);
                loaded[t] = next;
                progress = true;
            }
        }
        for (i, node) in graph.nodes.iter().enumerate() {
            let can_run = |row: usize| {
                let reads = tile::reads(node, row..row + 1);
                reads.iter().all(|(t, rows)| rows.end <= ready(t.0 as usize, &done, &loaded))
            };
            let mut next = done[i];
            while next < end(i) && can_run(next) {
                next += 1;
            }
            if next > done[i] {
                flow.steps.push(Step::Node(i, done[i]..next));
                let t = node.output.tensor.0 as usize;
                let written = tile::writes(node, done[i]..next);
                let block = node.place.depth_to_space.0;
                if node.output.keeps_rows() && node.output.origin[1].is_multiple_of(block) {
                    let spare = if outputs.contains(&t) { written.len() } else { 0 };
                    let first = oldest(t, &done, &stored).min(written.start);
                    flow.held[t] = flow.held[t].max(written.end - first + spare);
                } else {
                    flow.held[t] = height(t);
                }
                done[i] = next;
                progress = true;
            }
        }
        for &t in &outputs {
            let next = ready(t, &done, &loaded);
            if next > stored[t] {
                flow.steps.push(Step::Store(TensorId(t as u32), stored[t]..next));
                stored[t] = next;
                progress = true;
            }
        }
        if !progress {
            break;
        }
    }
    flow
}
