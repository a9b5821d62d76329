//! Images so wide that not even stripes of one row fit: the width is cut into blocks, and nodes run on one block
//! after the other.
//!
//! Every block is planned as a network of its own, so all that stripes and rings can do is done in it; blocks of
//! one shape are planned once. What passes from nodes in blocks to others goes through external memory.

use super::block::{ColumnBlock, block, divides};
use super::emit;
use super::fitting;
use super::net::Workload;
use super::plan::{Plan, PlanStep, Planned};
use super::{Schedule, Strategy, fastest_of, unless_refused};
use crate::error::{Error, Result};
use crate::fixed::{Band, FixedGraph, FixedNode, Reduction, TensorId, View};
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;
use tilewright_arch::Config;

/// Fewest columns of a block.
const NARROWEST: usize = 8;
/// How many more blocks than are needed are tried, and how many times as many: with narrower ones more stays on
/// chip, and more is made twice.
const MORE: [usize; 2] = [1, 2];
const TIMES: [usize; 2] = [2, 3];

/// Which nodes share blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Extent {
    /// All that can around the one that does not fit: what passes between them stays on chip, and borders are
    /// computed twice.
    Longest,
    /// Only those that do not fit: nothing is computed twice, and what passes between them leaves the chip.
    Shortest,
}

/// A block with its plan, and how long that takes alone.
#[derive(Clone)]
struct PlannedBlock {
    block: ColumnBlock,
    plan: Plan,
    cycles: u64,
}

/// The ways that were found to run a network of which some nodes do not fit, on networks with
/// [bands](FixedGraph::bands).
///
/// # Errors
/// Why no plan of some nodes could be taken, where no way was found for that; a defect.
pub(super) fn ways(graph: &FixedGraph, config: &Config) -> Result<Vec<Strategy>> {
    let atoms = Workload::new(graph, config)?.atoms_of(&(0..graph.nodes.len()));
    let mut ways: Vec<Strategy> = vec![];
    let mut refused = None;
    for extent in [Extent::Longest, Extent::Shortest] {
        let cutter = Cutter { graph, config, atoms: &atoms, extent };
        let found = unless_refused(cutter.run(0..atoms.len()), &mut refused)?;
        let Some(parts) = found.flatten() else { continue };
        let (cut, plan) = joined(graph, &parts);
        if ways.iter().any(|way| way.plan == plan && *way.graph == cut) {
            continue;
        }
        cut.verify().map_err(|e| Error::defect("columns", e))?;
        let macs = Some(macs(graph, &parts));
        ways.push(Strategy { graph: Rc::new(cut), macs, plan });
    }
    refused.filter(|_| ways.is_empty()).map_or(Ok(ways), Err)
}

/// Multiply-accumulates for each node of the blocks: those of the node that was cut, shared out.
fn macs(graph: &FixedGraph, parts: &[PlannedBlock]) -> Vec<u64> {
    let numbers = || parts.iter().flat_map(|part| part.block.nodes.iter().copied());
    let mut pieces = vec![0; graph.nodes.len()];
    numbers().for_each(|n| pieces[n] += 1);
    let mut before = vec![0; graph.nodes.len()];
    let share = |n: usize| {
        let all = graph.macs(&graph.nodes[n]);
        let upto = |piece: u64| all * piece / pieces[n];
        before[n] += 1;
        upto(before[n]) - upto(before[n] - 1)
    };
    numbers().map(share).collect()
}

struct Cutter<'a> {
    graph: &'a FixedGraph,
    config: &'a Config,
    /// Nodes that stay together.
    atoms: &'a [Range<usize>],
    extent: Extent,
}

impl Cutter<'_> {
    fn nodes(&self, atoms: &Range<usize>) -> Range<usize> {
        self.atoms[atoms.start].start..self.atoms[atoms.end - 1].end
    }

    fn divides(&self, atom: usize) -> bool {
        self.graph.nodes[self.atoms[atom].clone()].iter().all(|node| divides(self.graph, node))
    }

    /// Plans for some atoms, cut where that is needed; `None` where it does not help.
    fn run(&self, atoms: Range<usize>) -> Result<Option<Vec<PlannedBlock>>> {
        if atoms.is_empty() {
            return Ok(Some(vec![]));
        }
        let Some(whole) = block(self.graph, self.nodes(&atoms), 0, 1) else {
            let first = atoms.start;
            return self.apart(atoms, first);
        };
        let failing = match self.planned(&whole)? {
            Ok(part) => return Ok(Some(vec![part])),
            Err(node) => node,
        };
        let Some(at) = atoms.clone().find(|&a| self.atoms[a].contains(&failing)) else { return Ok(None) };
        let mut cut = at..at + 1;
        if self.extent == Extent::Longest {
            cut.start = (atoms.start..at).rev().take_while(|&a| self.divides(a)).last().unwrap_or(at);
            cut.end = (at..atoms.end).take_while(|&a| self.divides(a)).last().unwrap_or(at) + 1;
        }
        if !self.divides(at) {
            return self.apart(atoms, at);
        }
        let (Some(before), Some(mut parts)) = (self.run(atoms.start..cut.start)?, self.blocks(&cut)?) else {
            return Ok(None);
        };
        let Some(after) = self.run(cut.end..atoms.end)? else { return Ok(None) };
        parts.splice(0..0, before);
        parts.extend(after);
        Ok(Some(parts))
    }

    /// Plans for some atoms that are no network of their own, or of which number `at` does not fit beside the others:
    /// fewer hold fewer channels of what they read and write, as the products of a batch do.
    fn apart(&self, atoms: Range<usize>, at: usize) -> Result<Option<Vec<PlannedBlock>>> {
        let middle = if at > atoms.start { at } else { atoms.start + atoms.len() / 2 };
        if middle == atoms.start {
            return Ok(None);
        }
        let Some(mut parts) = self.run(atoms.start..middle)? else { return Ok(None) };
        let Some(after) = self.run(middle..atoms.end)? else { return Ok(None) };
        parts.extend(after);
        Ok(Some(parts))
    }

    /// Blocks of some atoms: as many as take the fewest cycles, of the first numbers that fit.
    ///
    /// # Errors
    /// Why no number of them could be taken, where that is not for the room on chip; a defect.
    fn blocks(&self, atoms: &Range<usize>) -> Result<Option<Vec<PlannedBlock>>> {
        let nodes = self.nodes(atoms);
        let widest = self.graph.nodes[nodes.clone()].iter().map(|n| self.graph.grid(n)[2]).max().unwrap_or(1);
        let mut best: Option<(u64, Vec<PlannedBlock>)> = None;
        let most = (widest / NARROWEST).max(2);
        let mut take = |parts: Vec<PlannedBlock>| {
            let cycles = parts.iter().map(|p| p.cycles).sum();
            if best.as_ref().is_none_or(|(least, _)| cycles < *least) {
                best = Some((cycles, parts));
            }
        };
        let (mut refused, mut count) = (None, 2);
        while count <= most {
            match unless_refused(self.in_blocks(&nodes, count), &mut refused)? {
                Some(Some(parts)) => {
                    take(parts);
                    break;
                }
                Some(None) => count += 1,
                // Narrower blocks keep less in external memory; what is wrong with all of them is soon found.
                None => count += count.div_ceil(2),
            }
        }
        let others = MORE.map(|more| count + more).into_iter().chain(TIMES.map(|times| times * count));
        for count in others.filter(|&count| count <= most).collect::<BTreeSet<usize>>() {
            let found = unless_refused(self.in_blocks(&nodes, count), &mut refused)?;
            found.flatten().into_iter().for_each(&mut take);
        }
        match (best, refused) {
            (Some((_, parts)), _) => Ok(Some(parts)),
            (None, refused) => refused.map_or(Ok(None), Err),
        }
    }

    fn in_blocks(&self, nodes: &Range<usize>, count: usize) -> Result<Option<Vec<PlannedBlock>>> {
        let blocks: Option<Vec<ColumnBlock>> =
            (0..count).map(|index| block(self.graph, nodes.clone(), index, count)).collect();
        let Some(blocks) = blocks else { return Ok(None) };
        let mut planned: Vec<PlannedBlock> = vec![];
        // Those between the borders of the image are the widest: if one does not fit there is no need to look
        // at others.
        for block in blocks[count / 2..].iter().chain(&blocks[..count / 2]) {
            if planned.iter().any(|part| part.block.graph == block.graph) {
                continue;
            }
            match self.planned(block)? {
                Ok(part) => planned.push(part),
                Err(_) => return Ok(None),
            }
        }
        let part = |block: ColumnBlock| {
            let alike = planned.iter().find(|part| part.block.graph == block.graph);
            PlannedBlock { block, ..alike.expect("all have been planned").clone() }
        };
        Ok(Some(blocks.into_iter().map(part).collect()))
    }

    /// The fastest plan of a block, or a node that does not fit.
    ///
    /// # Errors
    /// Why none of its plans could be taken; a defect.
    fn planned(&self, block: &ColumnBlock) -> Result<std::result::Result<PlannedBlock, usize>> {
        let net = Workload::new(&block.graph, self.config)?;
        let plans = match fitting::fitting(&net) {
            Ok(plans) => plans,
            Err(group) => return Ok(Err(block.nodes[group.nodes.start])),
        };
        let schedules = plans.into_iter().map(|plan| emit::emit(&block.graph, self.config, plan));
        let (cycles, Schedule { plan, .. }) = fastest_of(schedules, || ())?;
        Ok(Ok(PlannedBlock { block: block.clone(), plan, cycles }))
    }
}

/// One network and one plan of all blocks, in order.
fn joined(graph: &FixedGraph, parts: &[PlannedBlock]) -> (FixedGraph, Plan) {
    let mut all = FixedGraph { nodes: vec![], ..graph.clone() };
    let mut plan = Plan { buffers: vec![], groups: vec![], pages: 0, stripe: None };
    for (number, part) in parts.iter().enumerate() {
        let (tensors, nodes, buffers) = (all.tensors.len(), all.nodes.len(), plan.buffers.len());
        let id = |t: TensorId| TensorId::nth(tensors + t.0 as usize);
        let block = &part.block;
        all.tensors.extend(block.graph.tensors.iter().cloned());
        all.nodes.extend(block.graph.nodes.iter().map(|node| renumbered(node, id)));
        all.bands.extend(block.bands.iter().map(|band| Band { part: id(band.part), ..band.clone() }));
        plan.buffers.extend(part.plan.buffers.iter().cloned());
        let step = |step: &PlanStep| match step {
            PlanStep::Load(t, channels, rows) => PlanStep::Load(id(*t), channels.clone(), rows.clone()),
            PlanStep::Store(t, channels, rows) => PlanStep::Store(id(*t), channels.clone(), rows.clone()),
            PlanStep::Node(n, rows) => PlanStep::Node(nodes + n, rows.clone()),
        };
        plan.groups.extend(part.plan.groups.iter().map(|group| Planned {
            nodes: nodes + group.nodes.start..nodes + group.nodes.end,
            stripe: group.stripe,
            steps: group.steps.iter().map(step).collect(),
            places: group.places.iter().map(|(t, place)| (id(*t), buffers + place)).collect(),
        }));
        plan.pages = plan.pages.max(part.plan.pages);
        if number == 0 {
            plan.stripe = part.plan.stripe;
        }
    }
    (all, plan)
}

/// A node over tensors of other numbers.
fn renumbered(node: &FixedNode, id: impl Fn(TensorId) -> TensorId) -> FixedNode {
    let view = |view: View| View { tensor: id(view.tensor), ..view };
    let mut node = node.clone();
    (node.input, node.output) = (view(node.input), view(node.output));
    if let Reduction::Product { weights } = &mut node.reduction {
        *weights = view(*weights);
    }
    if let Some(operand) = &mut node.operand {
        operand.view = view(operand.view);
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::{Operand, Placement, Tensor};
    use crate::graph::{DepthToSpaceMode, Window};
    use crate::reference;
    use tilewright_arch::fixed::{Channel, Half, OperandScale, Post};
    use tilewright_arch::sdram::Sdram;

    const WIDTH: usize = 150;

    fn node(input: View, output: View, kernel: usize, outputs: usize) -> FixedNode {
        let [inputs, height, width] = input.shape;
        let channel = |c: usize| Channel {
            bias: c as i32,
            mantissa: 10 << 20,
            negative_mantissa: 9 << 18,
            shift: 12,
            half: Half::None,
        };
        let weights = (0..outputs * inputs * kernel * kernel).map(|i| (i * 37 % 255) as i8 / 2).collect();
        FixedNode {
            name: "n".into(),
            operator: "test".into(),
            input,
            wide: false,
            window: Window { kernel: [kernel; 2], pads: [kernel / 2; 4], ..Window::UNIT },
            reduction: Reduction::Conv { weights, groups: 1 },
            channels: (0..outputs).map(channel).collect(),
            operand: None,
            post: Post { zero: -5, lo: -128, hi: 127 },
            table: None,
            output,
            place: Placement::plain([0, 0, height, width]),
        }
    }

    /// A convolution, one that reads its result and writes beside it, one with an operand, and DepthToSpace.
    fn network() -> FixedGraph {
        let tensor = |channels, scale| Tensor::bytes("", [channels, 3 * scale, WIDTH * scale], 1.0, 3);
        let view = |tensor: u32, channels: Range<usize>, scale| {
            View::whole(TensorId(tensor), [8, 3 * scale, WIDTH * scale]).slice(
                0,
                channels.start,
                channels.len(),
            )
        };
        let mut added = node(view(1, 0..8, 1), view(2, 0..4, 1), 3, 4);
        let scale = OperandScale::addend(1, 1 << 20, 3);
        added.operand = Some(Operand { view: view(1, 2..6, 1), scale });
        let mut spread = node(view(2, 0..4, 1), view(3, 0..1, 2), 3, 4);
        spread.place.depth_to_space = (2, DepthToSpaceMode::Crd);
        FixedGraph {
            tensors: vec![tensor(2, 1), tensor(8, 1), tensor(4, 1), tensor(1, 2)],
            nodes: vec![
                node(view(0, 0..2, 1), view(1, 0..4, 1), 5, 4),
                node(view(1, 0..4, 1), view(1, 4..8, 1), 3, 4),
                added,
                spread,
            ],
            inputs: vec![(TensorId(0), vec![1, 2, 3, WIDTH])],
            outputs: vec![(TensorId(3), vec![1, 1, 6, 2 * WIDTH])],
            ..FixedGraph::default()
        }
    }

    #[test]
    fn blocks_compute_the_same() {
        let graph = network();
        graph.verify().unwrap();
        let mut config = Config::sized(4, 4);
        (config.feature.pages, config.feature.page_rows) = (6, 64);
        let ways = ways(&graph, &config).unwrap();
        assert!(!ways.is_empty());
        let input: Vec<i8> = (0..6 * WIDTH).map(|i| (i * 53 % 251) as u8 as i8).collect();
        let want = &reference::run(&graph, std::slice::from_ref(&input))[3];
        for way in ways {
            way.graph.verify().unwrap();
            assert!(way.graph.nodes.len() > graph.nodes.len(), "{}", way.graph);
            let got = &reference::run(&way.graph, std::slice::from_ref(&input))[3];
            assert_eq!(got.iter().zip(want).position(|(a, b)| a != b), None, "differs first there");
            let macs = |graph: &FixedGraph| graph.nodes.iter().map(|n| graph.macs(n)).sum::<u64>();
            assert_eq!(way.macs.unwrap().iter().sum::<u64>(), macs(&graph));
        }
    }

    /// The fewest blocks whose rows fit keep a map in external memory that is larger than the chip; narrower ones do not.
    #[test]
    fn blocks_keep_within_the_chip() {
        let (height, width, channels) = (40, 1920, 32);
        let tensor = |channels| Tensor::bytes("", [channels, height, width], 1.0, 3);
        let view = |tensor: u32, channels| View::whole(TensorId(tensor), [channels, height, width]);
        let graph = FixedGraph {
            tensors: vec![tensor(1), tensor(channels), tensor(channels), tensor(1)],
            nodes: vec![
                node(view(0, 1), view(1, channels), 5, channels),
                node(view(1, channels), view(2, channels), 3, channels),
                node(view(2, channels), view(3, 1), 3, 1),
            ],
            inputs: vec![(TensorId(0), vec![1, 1, height, width])],
            outputs: vec![(TensorId(3), vec![1, 1, height, width])],
            ..FixedGraph::default()
        };
        graph.verify().unwrap();
        let mut config = Config::sized(9, 16);
        (config.feature.pages, config.feature.page_rows) = (12, 2048);
        config.memory.bus_bytes = 2;
        config.memory.sdram = Some(Sdram { column_bits: 8, banks: 2, row_bits: 11, ..Sdram::default() });
        assert!(channels * height * width > 1 << 21, "the maps are larger than the chip");
        let program = fastest_of(ways(&graph, &config).unwrap().into_iter().map(|w| w.emit(&config)), || ());
        assert!(program.unwrap().1.program.memory_bytes < 1 << 21);
    }

    /// Only what a kernel reaches over the border is read twice.
    #[test]
    fn bands_overlap_by_the_reach_of_the_kernels() {
        let graph = network();
        let held = |index| {
            let block = block(&graph, 0..4, index, 3).unwrap();
            let band =
                |t: u32| block.bands.iter().find(|band| band.whole == TensorId(t)).unwrap().held.clone();
            (band(0), band(3))
        };
        // 2 for the first kernel, and 1 for each of the others.
        assert_eq!(held(0), (0..55, 0..100));
        assert_eq!(held(1), (45..105, 100..200));
        assert_eq!(held(2), (95..150, 200..300));
    }
}
