//! Which tensors share scale and zero point, and which are parts of others that join them.

use super::calibrate::Seen;
use crate::graph::{Graph, Node, Op};
use crate::quantise::select::annotations::Annotations;
use crate::quantise::select::kernel::Kernel;
use crate::quantise::select::plan::{Division, FusedOp, Home, HomeOrigin};
use crate::quantise::select::strided::{HomeId, HomeView, StridedLayout};
use std::collections::BTreeMap;

/// Decisions about every home of a plan, by index.
#[derive(Clone, PartialEq, Debug)]
pub struct ScaleClasses {
    /// The home whose scale and zero point this one takes.
    like: Vec<Option<usize>>,
    /// The home, the axis and the first index there where this one is written directly.
    part: Vec<Option<(usize, usize, usize)>>,
    /// Whether a home's zero point has to be 0, by representative.
    symmetric: Vec<bool>,
    /// Whether a home's zero point has to be above -128, by representative.
    raised: Vec<bool>,
    /// For each fused operation the first one that is the same operation at another time.
    first: Vec<usize>,
    /// Whether that, or the fused operation itself, is done several times.
    repeated: Vec<bool>,
    /// The homes of each representative, itself among them.
    members: Vec<Vec<usize>>,
    /// The fused operations that make these.
    makers: Vec<Vec<usize>>,
}

impl ScaleClasses {
    /// Decides.
    ///
    /// * A value that is only copied whole into a part of another is written straight there.
    /// * A maximum has its input's scale. Where nothing else reads the input, both take the scale
    ///   chosen for the result: what the pool drops needs no range.
    /// * A plain copy has its input's scale.
    /// * Results of one operation at several times, the steps of an unrolled recurrent layer, have one
    ///   scale: then weights, parameters and tables of all steps are the same bytes, loaded once.
    /// * No value takes another scale than the model prescribes.
    pub fn new(graph: &Graph, plan: &Division, annotations: &Annotations) -> ScaleClasses {
        let count = plan.homes.len();
        let may_take = |own: usize, other: usize| {
            let qparams = |h: usize| annotations.qparams(plan.homes[h].value);
            qparams(own).is_none() || qparams(own) == qparams(other)
        };
        let mut classes = ScaleClasses {
            like: vec![None; count],
            part: vec![None; count],
            symmetric: vec![false; count],
            raised: vec![false; count],
            first: firsts(graph, plan),
            repeated: vec![false; plan.ops.len()],
            members: vec![Vec::new(); count],
            makers: vec![Vec::new(); count],
        };
        for (g, &first) in classes.first.iter().enumerate().filter(|(g, first)| g != *first) {
            (classes.repeated[g], classes.repeated[first]) = (true, true);
        }
        // A value that is joined several times lies in one of these places at most.
        let mut copied = vec![0usize; count];
        for fused in plan.ops.iter().filter(|g| matches!(g.kernel, Kernel::Copies { .. })) {
            fused.inputs.iter().for_each(|view| copied[view.tensor.index()] += 1);
        }
        for fused in &plan.ops {
            let Kernel::Copies { to } = &fused.kernel else { continue };
            for (from, to) in fused.inputs.iter().zip(to) {
                let h = from.tensor.index();
                if copied[h] == 1
                    && may_take(h, fused.output)
                    && let Some((axis, first)) = written_in_place(plan, &classes.repeated, fused, from, to)
                {
                    classes.part[h] = Some((fused.output, axis, first));
                    classes.like[h] = Some(fused.output);
                }
            }
        }
        for (fused, &first) in plan.ops.iter().zip(&classes.first) {
            let (own, first) = (fused.output, plan.ops[first].output);
            if own != first && classes.like[own].is_none() && may_take(own, first) {
                classes.like[own] = Some(first);
            }
        }
        for fused in plan.ops.iter().rev() {
            let (from, to) = (fused.inputs[0].tensor.index(), fused.output);
            if let Kernel::Max { .. } = fused.kernel {
                let home = &plan.homes[from];
                let made_by_sum = match home.origin {
                    HomeOrigin::FusedOp(g) => {
                        !matches!(plan.ops[g].kernel, Kernel::Max { .. } | Kernel::Copies { .. })
                    }
                    _ => false,
                };
                let free = classes.like[from].is_none() && classes.representative(to) != from;
                if home.reads == 1 && made_by_sum && free && may_take(from, to) {
                    classes.like[from] = Some(to);
                } else if classes.like[to].is_none() && may_take(to, from) {
                    classes.like[to] = Some(from);
                }
            } else if fused.is_copy()
                && may_take(to, from)
                && classes.like[to].is_none()
                && classes.representative(from) != to
            {
                classes.like[to] = Some(from);
            }
        }
        for h in 0..count {
            let r = classes.representative(h);
            classes.symmetric[r] |= plan.homes[h].symmetric;
            classes.raised[r] |= plan.homes[h].raised;
            classes.members[r].push(h);
        }
        for (g, fused) in plan.ops.iter().enumerate() {
            let r = classes.representative(fused.output);
            classes.makers[r].push(g);
        }
        classes
    }

    /// The home that determines scale and zero point.
    pub fn representative(&self, mut home: usize) -> usize {
        while let Some(next) = self.like[home] {
            home = next;
        }
        home
    }

    /// The homes of a representative, in order.
    pub fn members(&self, home: usize) -> &[usize] {
        &self.members[home]
    }

    /// The fused operations that make homes of a representative, in order.
    pub fn makers(&self, home: usize) -> &[usize] {
        &self.makers[home]
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

    /// The first fused operation that is the same operation as this one at another time.
    pub fn first(&self, fused: usize) -> usize {
        self.first[fused]
    }

    /// Whether a fused operation's operation is done several times.
    pub fn is_repeated(&self, fused: usize) -> bool {
        self.repeated[fused]
    }

    /// Gives the first of the fused operations that are one operation what was seen of all of them.
    pub fn pool(&self, plan: &Division, seen: &mut Seen) {
        for (g, &first) in self.first.iter().enumerate().filter(|(g, first)| g != *first) {
            let (own, shared) = (plan.ops[g].output, plan.ops[first].output);
            let histogram = seen.homes[own].clone();
            seen.homes[shared].merge(&histogram);
            let histogram = std::mem::take(&mut seen.tables[g]);
            seen.tables[first].merge(&histogram);
            let patches = std::mem::take(&mut seen.patches[g]);
            seen.patches[first].extend(patches);
        }
    }

    /// Where a value that lies in a home lies in the tensor of the home that it is a part of.
    pub fn located(&self, held: &StridedLayout) -> StridedLayout {
        let whole = self.resolve(HomeView::whole(held.home, [1; 3]));
        let mut held = held.clone();
        held.origin.iter_mut().zip(whole.origin).for_each(|(own, first)| *own += first);
        held
    }

    /// A view of a home as a view of the home that it is a part of. Those that are not of the plan are parts of none.
    pub fn resolve(&self, mut view: HomeView) -> HomeView {
        while let Some(&Some((whole, axis, first))) = self.part.get(view.tensor.index()) {
            view.tensor = HomeId::At(whole);
            view.origin[axis] += first;
        }
        view
    }
}

/// For each fused operation the first one with the same nodes' names, operators and reduction.
fn firsts(graph: &Graph, plan: &Division) -> Vec<usize> {
    let mut known: BTreeMap<Vec<(&str, &str)>, Vec<usize>> = BTreeMap::new();
    let first = |(g, fused): (usize, &FusedOp)| {
        // The last time may be followed by another view of the result.
        let works = |node: &&Node| !matches!(node.op, Op::Reshape);
        let nodes = fused.nodes.iter().map(|&n| &graph.nodes[n]).filter(works);
        let alike = known.entry(nodes.map(|n| (n.name.as_str(), n.op.name())).collect()).or_default();
        let same = |&&other: &&usize| {
            let other = &plan.ops[other];
            let pointwise = matches!(fused.kernel, Kernel::Linear { .. } | Kernel::Mean { .. });
            pointwise && other.kernel == fused.kernel && other.grid == fused.grid
        };
        let found = alike.iter().find(same).copied();
        if found.is_none() && !fused.nodes.is_empty() {
            alike.push(g);
        }
        found.unwrap_or(g)
    };
    plan.ops.iter().enumerate().map(first).collect()
}

/// The axis and index where the producer of a whole home can write it instead of this copy: made in the
/// same turn, without DepthToSpace, and read by nothing else. Results of repeated operations have to be
/// whole planes, since what writes parts of planes cannot be separated; others may read them early, and
/// what is so read in the making stays a tensor of its own.
fn written_in_place(
    plan: &Division,
    repeated: &[bool],
    fused: &FusedOp,
    from: &HomeView,
    to: &HomeView,
) -> Option<(usize, usize)> {
    let home: &Home = &plan.homes[from.tensor.index()];
    let HomeOrigin::FusedOp(number) = home.origin else { return None };
    let producer = &plan.ops[number];
    let whole = HomeView::whole(from.tensor, home.shape) == *from
        && producer.to.shape == home.shape
        && to.axes == [0, 1, 2]
        && to.step == [1; 3];
    let read_early = |v: &HomeView| {
        let part = &plan.homes[v.tensor.index()];
        part.reads > 1 && matches!(part.origin, HomeOrigin::FusedOp(g) if repeated[g])
    };
    let in_use = matches!(producer.kernel, Kernel::Copies { .. }) && producer.inputs.iter().any(read_early);
    let bound = home.symmetric || home.raised || in_use;
    if !whole || bound || producer.turn != fused.turn || producer.epilogue.depth_to_space.0 != 1 {
        return None;
    }
    let total = plan.homes[fused.output].shape;
    let mut cut = (0..3).filter(|&axis| to.shape[axis] != total[axis]);
    let place = match (cut.next(), cut.next()) {
        (None, _) => (0, 0),
        (Some(axis), None) => (axis, to.origin[axis]),
        _ => return None,
    };
    (if repeated[number] { place.0 == 0 } else { home.reads == 1 }).then_some(place)
}
