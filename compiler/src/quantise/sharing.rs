//! Which tensors share scale and zero point, and which are parts of others that join them.

use super::calibrate::Seen;
use super::chain::Chain;
use super::given::Given;
use super::held::{Held, HomeId, View};
use super::kind::Kind;
use super::plan::{Group, Home, Origin, Plan};
use crate::graph::{Graph, Node, Op, Window};
use std::collections::BTreeMap;

/// Decisions about every home of a plan, by index.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Sharing {
    /// The home whose scale and zero point this one takes.
    like: Vec<Option<usize>>,
    /// The home, the axis and the first index there where this one is written directly.
    part: Vec<Option<(usize, usize, usize)>>,
    /// Whether a home's zero point has to be 0, by representative.
    symmetric: Vec<bool>,
    /// Whether a home's zero point has to be above -128, by representative.
    raised: Vec<bool>,
    /// For each group the first one that is the same operation at another time.
    first: Vec<usize>,
    /// Whether that, or the group itself, is done several times.
    repeated: Vec<bool>,
}

impl Sharing {
    /// Decides.
    ///
    /// * A value that is only copied whole into a part of another is written straight there.
    /// * A maximum has its input's scale. Where nothing else reads the input, both take the scale
    ///   chosen for the result: what the pool drops needs no range.
    /// * A plain copy has its input's scale.
    /// * Results of one operation at several times, the steps of an unrolled recurrent layer, have one
    ///   scale: then weights, parameters and tables of all steps are the same bytes, loaded once.
    /// * No value takes another scale than the model prescribes.
    pub fn new(graph: &Graph, plan: &Plan, given: &Given) -> Sharing {
        let count = plan.homes.len();
        let may_take = |own: usize, other: usize| {
            let affine = |h: usize| given.affine(plan.homes[h].value);
            affine(own).is_none() || affine(own) == affine(other)
        };
        let mut sharing = Sharing {
            like: vec![None; count],
            part: vec![None; count],
            symmetric: vec![false; count],
            raised: vec![false; count],
            first: firsts(graph, plan),
            repeated: vec![false; plan.groups.len()],
        };
        for (g, &first) in sharing.first.iter().enumerate().filter(|(g, first)| g != *first) {
            (sharing.repeated[g], sharing.repeated[first]) = (true, true);
        }
        // A value that is joined several times lies in one of these places at most.
        let mut copied = vec![0usize; count];
        for group in plan.groups.iter().filter(|g| matches!(g.kind, Kind::Copies { .. })) {
            group.inputs.iter().for_each(|view| copied[view.tensor.index()] += 1);
        }
        for group in &plan.groups {
            let Kind::Copies { to } = &group.kind else { continue };
            for (from, to) in group.inputs.iter().zip(to) {
                let h = from.tensor.index();
                if copied[h] == 1
                    && may_take(h, group.output)
                    && let Some((axis, first)) = written_in_place(plan, &sharing.repeated, group, from, to)
                {
                    sharing.part[h] = Some((group.output, axis, first));
                    sharing.like[h] = Some(group.output);
                }
            }
        }
        for (group, &first) in plan.groups.iter().zip(&sharing.first) {
            let (own, first) = (group.output, plan.groups[first].output);
            if own != first && sharing.like[own].is_none() && may_take(own, first) {
                sharing.like[own] = Some(first);
            }
        }
        for group in plan.groups.iter().rev() {
            let (from, to) = (group.inputs[0].tensor.index(), group.output);
            if let Kind::Max { .. } = group.kind {
                let home = &plan.homes[from];
                let made_by_sum = match home.origin {
                    Origin::Group(g) => {
                        !matches!(plan.groups[g].kind, Kind::Max { .. } | Kind::Copies { .. })
                    }
                    _ => false,
                };
                let free = sharing.like[from].is_none() && sharing.representative(to) != from;
                if home.reads == 1 && made_by_sum && free && may_take(from, to) {
                    sharing.like[from] = Some(to);
                } else if sharing.like[to].is_none() && may_take(to, from) {
                    sharing.like[to] = Some(from);
                }
            } else if is_copy(group)
                && may_take(to, from)
                && sharing.like[to].is_none()
                && sharing.representative(from) != to
            {
                sharing.like[to] = Some(from);
            }
        }
        for h in 0..count {
            let r = sharing.representative(h);
            sharing.symmetric[r] |= plan.homes[h].symmetric;
            sharing.raised[r] |= plan.homes[h].raised;
        }
        sharing
    }

    /// The home that determines scale and zero point.
    pub fn representative(&self, mut home: usize) -> usize {
        while let Some(next) = self.like[home] {
            home = next;
        }
        home
    }

    /// Whether the zero point of a representative has to be 0.
    pub fn is_symmetric(&self, home: usize) -> bool {
        self.symmetric[home]
    }

    /// Whether the zero point of a representative has to be above -128.
    pub fn is_raised(&self, home: usize) -> bool {
        self.raised[home]
    }

    /// Whether the home is a tensor of its own.
    pub fn is_tensor(&self, home: usize) -> bool {
        self.part[home].is_none()
    }

    /// The first group that is the same operation as this one at another time.
    pub fn first(&self, group: usize) -> usize {
        self.first[group]
    }

    /// Whether a group's operation is done several times.
    pub fn is_repeated(&self, group: usize) -> bool {
        self.repeated[group]
    }

    /// Gives the first of the groups that are one operation what was seen of all of them.
    pub fn pool(&self, plan: &Plan, seen: &mut Seen) {
        for (g, &first) in self.first.iter().enumerate().filter(|(g, first)| g != *first) {
            let (own, shared) = (plan.groups[g].output, plan.groups[first].output);
            let histogram = seen.homes[own].clone();
            seen.homes[shared].merge(&histogram);
            let histogram = std::mem::take(&mut seen.tables[g]);
            seen.tables[first].merge(&histogram);
            let patches = std::mem::take(&mut seen.patches[g]);
            seen.patches[first].extend(patches);
        }
    }

    /// Where a value that lies in a home lies in the tensor of the home that it is a part of.
    pub fn located(&self, held: &Held) -> Held {
        let whole = self.resolve(View::whole(held.home, [1; 3]));
        let mut held = held.clone();
        held.origin.iter_mut().zip(whole.origin).for_each(|(own, first)| *own += first);
        held
    }

    /// A view of a home as a view of the home that it is a part of.
    pub fn resolve(&self, mut view: View) -> View {
        while let Some((whole, axis, first)) = self.part[view.tensor.index()] {
            view.tensor = HomeId::At(whole);
            view.origin[axis] += first;
        }
        view
    }
}

/// For each group the first one with the same nodes' names, operators and reduction.
fn firsts(graph: &Graph, plan: &Plan) -> Vec<usize> {
    let mut known: BTreeMap<Vec<(&str, &str)>, Vec<usize>> = BTreeMap::new();
    let first = |(g, group): (usize, &Group)| {
        // The last time may be followed by another view of the result.
        let works = |node: &&Node| !matches!(node.op, Op::Reshape);
        let nodes = group.nodes.iter().map(|&n| &graph.nodes[n]).filter(works);
        let alike = known.entry(nodes.map(|n| (n.name.as_str(), n.op.name())).collect()).or_default();
        let same = |&&other: &&usize| {
            let other = &plan.groups[other];
            let pointwise = matches!(group.kind, Kind::Linear { .. } | Kind::Mean { .. });
            pointwise && other.kind == group.kind && other.grid == group.grid
        };
        let found = alike.iter().find(same).copied();
        if found.is_none() && !group.nodes.is_empty() {
            alike.push(g);
        }
        found.unwrap_or(g)
    };
    plan.groups.iter().enumerate().map(first).collect()
}

/// One pixel to one pixel, nothing done.
fn is_copy(group: &Group) -> bool {
    let plain = Chain { depth_to_space: group.chain.depth_to_space, ..Chain::EMPTY };
    let copies = match &group.kind {
        Kind::Mean { window, factor: 1.0, .. } => window.kernel == Window::UNIT.kernel,
        Kind::Phases { phases, .. } => phases.iter().all(|p| p.weights.is_empty()),
        // Parts of one value, in another order.
        Kind::Copies { .. } => group.inputs.iter().all(|view| view.tensor == group.inputs[0].tensor),
        _ => false,
    };
    copies && group.chain == plain
}

/// The axis and index where the producer of a whole home can write it instead of this copy: made in the
/// same turn, without DepthToSpace, and read by nothing else. Results of repeated operations have to be
/// whole planes, since what writes parts of planes cannot be separated; others may read them early, and
/// what is so read in the making stays a tensor of its own.
fn written_in_place(
    plan: &Plan,
    repeated: &[bool],
    group: &Group,
    from: &View,
    to: &View,
) -> Option<(usize, usize)> {
    let home: &Home = &plan.homes[from.tensor.index()];
    let Origin::Group(number) = home.origin else { return None };
    let producer = &plan.groups[number];
    let whole = View::whole(from.tensor, home.shape) == *from
        && producer.to.shape == home.shape
        && to.axes == [0, 1, 2]
        && to.step == [1; 3];
    let read_early = |v: &View| {
        let part = &plan.homes[v.tensor.index()];
        part.reads > 1 && matches!(part.origin, Origin::Group(g) if repeated[g])
    };
    let in_use = matches!(producer.kind, Kind::Copies { .. }) && producer.inputs.iter().any(read_early);
    let bound = home.symmetric || home.raised || in_use;
    if !whole || bound || producer.turn != group.turn || producer.chain.depth_to_space.0 != 1 {
        return None;
    }
    let total = plan.homes[group.output].shape;
    let mut cut = (0..3).filter(|&axis| to.shape[axis] != total[axis]);
    let place = match (cut.next(), cut.next()) {
        (None, _) => (0, 0),
        (Some(axis), None) => (axis, to.origin[axis]),
        _ => return None,
    };
    (if repeated[number] { place.0 == 0 } else { home.reads == 1 }).then_some(place)
}
