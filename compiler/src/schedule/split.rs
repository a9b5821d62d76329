//! Where to cut the nodes into groups, by an estimate of the cycles of each possible group.
//!
//! The estimate of a group is the larger of what the array, the vector unit and the memory port
//! are busy for. Rings are taken to hold their share of the image plus the rows by which readers
//! lag behind; which tensors stay on chip from group to group is settled beforehand for each cut.

use super::net::{Node, Workload};
use super::plan::Group;
use crate::cost::Cost;
use crate::fixed::TensorId;
use crate::tile::buffer::gcd;
use std::collections::BTreeMap;
use std::ops::Range;

/// Most groups of inseparable nodes that share stripes.
const LONGEST: usize = 24;
/// Heights of stripes that are looked at when taller ones do not fit.
const HEIGHTS: usize = 8;
/// Shares of feature memory, in percent, that tensors passing a cut may fill.
const KEPT: [usize; 3] = [0, 45, 80];

/// Nodes in `stripes` stripes.
pub fn group(net: &Workload, nodes: Range<usize>, stripes: usize) -> Group {
    let stripe = net.tallest(nodes.clone()).div_ceil(stripes);
    Group { nodes, stripe, skew: false }
}

/// The nodes from `first` on one by one, on whole tensors.
pub fn singles(net: &Workload, first: usize) -> Vec<Group> {
    let atoms = net.atoms_of(&(first..net.nodes.len()));
    atoms.into_iter().map(|nodes| group(net, nodes, 1)).collect()
}

/// Ways to cut all nodes into groups that the estimate finds best, for each share of memory that is
/// kept for tensors between groups.
pub fn best(net: &Workload) -> Vec<Vec<Group>> {
    let mut ways: Vec<Vec<Group>> = vec![];
    for share in KEPT {
        let way = Split::new(net, share).groups();
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}

/// The same groups, with the units of each a stripe apart; `None` where no group has two units.
pub fn skewed(net: &Workload, groups: &[Group]) -> Option<Vec<Group>> {
    let mixed = |g: &Group| {
        let mut units = net.nodes[g.nodes.clone()].iter().map(|n| n.unit);
        let first = units.next();
        g.stripe < net.tallest(g.nodes.clone()) && units.any(|u| Some(u) != first)
    };
    groups.iter().any(mixed).then(|| groups.iter().map(|g| Group { skew: mixed(g), ..g.clone() }).collect())
}

/// Rows of a stripe, or fewer that are a whole number of tiles of the widest row.
fn even(net: &Workload, nodes: &Range<usize>, stripe: usize) -> usize {
    let widest = net.nodes[nodes.clone()].iter().map(|n| net.tensor(n.writes).shape[2]).max();
    let lanes = net.config.lanes;
    let turn = lanes / gcd(widest.unwrap_or(1), lanes);
    (stripe / turn * turn).max(turn.min(stripe))
}

/// Heights of stripes for nodes, tallest first: a half, a third, ... of the tallest tensor that
/// comes from before, each also without waste of lanes.
pub fn stripes(net: &Workload, nodes: &Range<usize>) -> Vec<usize> {
    let tallest = net.tallest(nodes.clone());
    let mut stripes = vec![];
    for parts in (2..=16).chain((18..=64).step_by(4)).chain((64..=tallest).step_by(16)).chain([tallest]) {
        let stripe = tallest.div_ceil(parts);
        stripes.extend([stripe, even(net, nodes, stripe)]);
    }
    stripes.retain(|&s| s < tallest);
    stripes.sort_unstable_by(|a, b| b.cmp(a));
    stripes.dedup();
    stripes
}

/// What a way to cut costs: cycles, but first of all groups that the estimate finds too large.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Total {
    too_large: usize,
    cycles: u64,
}

/// The cheapest way to cut what is before a cut.
#[derive(Clone, Copy)]
struct CheapestCut {
    total: Total,
    /// Where its last group begins.
    from: usize,
    /// Stripe of that group; `None`: as tall as its tensors.
    stripe: Option<usize>,
}

struct Split<'a> {
    net: &'a Workload<'a>,
    atoms: Vec<Range<usize>>,
    /// For the cut before each atom, and the end: tensors that stay on chip.
    kept: Vec<Vec<TensorId>>,
    capacity: usize,
}

impl<'a> Split<'a> {
    fn new(net: &'a Workload<'a>, share: usize) -> Split<'a> {
        let atoms = net.atoms_of(&(0..net.nodes.len()));
        let capacity = net.config.feature_bytes();
        let budget = capacity * share / 100;
        let mut kept = vec![];
        let mut live: Vec<TensorId> = net.all_tensors().filter(|(_, t)| t.input).map(|(id, _)| id).collect();
        for atom in &atoms {
            // The sooner it is used, the rather it stays.
            let mut order: Vec<(usize, TensorId)> =
                live.iter().filter_map(|&t| Some((net.next_use(t, atom.start)?, t))).collect();
            order.sort_unstable();
            let mut room = budget;
            let mut stay = vec![];
            for (_, t) in order {
                let bytes = net.whole(t).span();
                if bytes <= room && !fresh_input(net, t, atom.start) {
                    room -= bytes;
                    stay.push(t);
                }
            }
            stay.sort_unstable();
            kept.push(stay);
            live.extend(net.nodes[atom.clone()].iter().map(|n| n.writes));
            live.sort_unstable();
            live.dedup();
            live.retain(|&t| net.next_use(t, atom.end).is_some());
        }
        kept.push(vec![]);
        Split { net, atoms, kept, capacity }
    }

    /// The cheapest way by dynamic programming over the cuts.
    fn groups(&self) -> Vec<Group> {
        let count = self.atoms.len();
        let mut best: Vec<Option<CheapestCut>> = vec![None; count + 1];
        for from in 0..count {
            let before = best[from].map_or(Total::default(), |way| way.total);
            for length in 1..=LONGEST.min(count - from) {
                let to = from + length;
                let (own, stripe) = match self.cost(from, to) {
                    Some((cycles, stripe)) => (Total { too_large: 0, cycles }, Some(stripe)),
                    // One node may yet be cut further.
                    None if length == 1 => (Total { too_large: 1, cycles: 0 }, None),
                    // Longer groups do not fit when this one does not.
                    None => break,
                };
                let too_large = before.too_large + own.too_large;
                let total = Total { too_large, cycles: before.cycles.saturating_add(own.cycles) };
                if best[to].is_none_or(|way| total < way.total) {
                    best[to] = Some(CheapestCut { total, from, stripe });
                }
            }
        }
        let mut groups = vec![];
        let mut to = count;
        while let Some(CheapestCut { from, stripe, .. }) = best[to] {
            let nodes = self.atoms[from].start..self.atoms[to - 1].end;
            let tallest = self.net.tallest(nodes.clone());
            let stripe = stripe.map_or(tallest, |stripe| stripe.min(tallest));
            groups.push(Group { nodes, stripe, skew: false });
            to = from;
        }
        groups.reverse();
        groups
    }

    /// Estimated cycles of the atoms `from..to` as a group, and the stripe for that; `None` when they
    /// do not fit.
    fn cost(&self, from: usize, to: usize) -> Option<(u64, usize)> {
        let net = self.net;
        let nodes = self.atoms[from].start..self.atoms[to - 1].end;
        let sizes = self.sizes(&nodes, &self.kept[from], &self.kept[to]);
        let inside = || net.nodes[nodes.clone()].iter();
        let words: usize = inside().map(|n| n.weight_words).sum();
        let constants: Cost = inside().map(|n| n.constants).sum();
        let stay = words <= net.config.weight_words;
        let tallest = net.tallest(nodes.clone());
        let single = (to == from + 1).then_some(tallest);
        let mut fitting = 0;
        let mut best: Option<(u64, usize)> = None;
        for stripe in single.into_iter().chain(stripes(net, &nodes)) {
            let bytes = if stripe == tallest { sizes.whole } else { sizes.rings(net, stripe, tallest) };
            if bytes > self.capacity {
                continue;
            }
            let stripes = tallest.div_ceil(stripe) as u64;
            let rows = |n: &Node| (n.rows.len() * stripe).div_ceil(tallest);
            let busy: Cost = inside().map(|n| n.pace.rows(rows(n)) * stripes).sum();
            // A tensor that only passes may leave and come back.
            let excess = (bytes + sizes.passing).saturating_sub(self.capacity);
            let moved = Cost::loaded(sizes.loaded + excess, net.config)
                + Cost::stored(sizes.stored + excess, net.config);
            let all = busy + constants * if stay { 1 } else { stripes } + moved;
            // One stripe is loaded before and one stored after all others.
            let cycles = if stripe == tallest {
                all.in_turn() + moved.port() / 2
            } else {
                all.side_by_side() + (moved.port() + busy.compute.min(busy.vector)) / stripes
            };
            if best.is_none_or(|(least, _)| cycles < least) {
                best = Some((cycles, stripe));
            }
            fitting += 1;
            if fitting == HEIGHTS {
                break;
            }
        }
        best
    }

    /// Memory and transfers of a group between cuts that keep certain tensors.
    fn sizes(&self, nodes: &Range<usize>, before: &[TensorId], after: &[TensorId]) -> Sizes {
        let net = self.net;
        let mut sizes = Sizes::default();
        let lags = self.lags(nodes);
        for (&t, lag) in &lags {
            let facts = net.tensor(t);
            let whole = net.whole(t).span();
            let height = facts.shape[1];
            sizes.whole += whole;
            let came = net.made_before(t, nodes.start);
            let wanted = net.next_use(t, nodes.end).is_some();
            let stays = (came && before.contains(&t)) || (!came && wanted && after.contains(&t));
            let bytes: usize = facts.shape.iter().product();
            let load = came && !before.contains(&t);
            let store = (facts.output && !came) || (!came && wanted && !after.contains(&t));
            sizes.loaded += if load { bytes } else { 0 };
            sizes.stored += if store { bytes } else { 0 };
            if stays {
                sizes.kept += whole;
            } else {
                // A stripe, another one where transfers work on it, and what readers lag behind.
                let further = if load || store { 2.0 } else { 1.0 };
                sizes.rings.push((t, further * height as f64, lag.held + 1.0));
            }
        }
        let passing = before.iter().filter(|t| after.contains(t) && !lags.contains_key(t));
        sizes.passing = passing.map(|&t| net.whole(t).span()).sum();
        sizes
    }

    /// For each tensor of a group how many rows its readers lag behind.
    fn lags(&self, nodes: &Range<usize>) -> BTreeMap<TensorId, Lag> {
        let net = self.net;
        let mut lags: BTreeMap<TensorId, Lag> = BTreeMap::new();
        for index in nodes.clone() {
            let node = &net.nodes[index];
            let window = &net.graph.nodes[index].window;
            let reach = window.covers(0) as f64;
            let mut behind: f64 = 0.0;
            for (place, &t) in node.reads.iter().enumerate() {
                let height = net.tensor(t).shape[1] as f64;
                let below = if place == 0 { (reach - window.pads[0] as f64 - 1.0).max(0.0) } else { 0.0 };
                behind = behind.max(lags.entry(t).or_default().behind + below / height);
            }
            for (place, &t) in node.reads.iter().enumerate() {
                let height = net.tensor(t).shape[1] as f64;
                let reach = if place == 0 { reach } else { 1.0 };
                let lag = lags.entry(t).or_default();
                let above = (behind - lag.behind) * height;
                lag.held = lag.held.max(above.max(reach - 1.0));
            }
            let made = lags.entry(node.writes).or_default();
            made.behind = made.behind.max(behind);
        }
        lags
    }
}

/// An input of the network that nothing has loaded before node `node`.
fn fresh_input(net: &Workload, t: TensorId, node: usize) -> bool {
    net.tensor(t).input && net.tensor(t).readers.first().is_none_or(|&r| r >= node)
}

/// How far a tensor is behind the group's inputs, in images, and the rows held for its readers.
#[derive(Clone, Copy, Default)]
struct Lag {
    behind: f64,
    held: f64,
}

/// Feature memory and transfers of a group.
#[derive(Default)]
struct Sizes {
    /// Bytes when all tensors are whole.
    whole: usize,
    /// Bytes of tensors that stay whole.
    kept: usize,
    /// Bytes of tensors that pass untouched.
    passing: usize,
    /// Bytes from external memory, and to it.
    loaded: usize,
    stored: usize,
    /// Rings: tensor, rows to be divided by the stripes, rows besides.
    rings: Vec<(TensorId, f64, f64)>,
}

impl Sizes {
    /// Bytes in stripes of `stripe` rows of `tallest`.
    #[expect(clippy::cast_possible_truncation, reason = "an estimate of some rows")]
    fn rings(&self, net: &Workload, stripe: usize, tallest: usize) -> usize {
        let share = stripe as f64 / tallest as f64;
        let ring = |&(t, rows, more): &(TensorId, f64, f64)| {
            net.buffer(t, (rows * share + more).ceil() as usize).span()
        };
        self.kept + self.rings.iter().map(ring).sum::<usize>()
    }
}
