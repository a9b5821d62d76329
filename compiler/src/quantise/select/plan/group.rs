//! Fusion: what follows an operator and fits its epilogue.

use super::{FusedOp, HomeOrigin, Planner};
use crate::graph::ValueId;
use crate::quantise::select::epilogue::{Epilogue, Growing, Second};
use crate::quantise::select::kernel::{Kernel, Refusal, SelectedOp, Selection};
use crate::quantise::select::operators::select;
use crate::quantise::select::strided::{HomeId, HomeView, StridedLayout};
use crate::quantise::select::sum::Sum;

impl Planner<'_> {
    /// Starts a fused operation at node `n` and takes in all that follows and fits.
    pub(super) fn group(&mut self, n: usize, op: SelectedOp) -> Result<(), Refusal> {
        let graph = self.graph;
        let SelectedOp { kernel: kind, inputs, grid, shape, to, mut out, absorb } = op;
        let mut epilogue = Epilogue::EMPTY;
        let mut nodes = vec![n];
        let mut value = graph.nodes[n].outputs[0];
        let mut sum = Sum::new(kind, absorb.unwrap_or(value), out.clone());
        let lines = grid != shape;
        if let Some(read) = absorb {
            let growing = Growing { sum: &mut sum, grid: shape, lines, out: &out, value: read };
            let held = |id: ValueId| self.held[id.0 as usize].clone();
            if !epilogue.absorb(graph, &graph.nodes[n], growing, &held) {
                let why = "the post unit cannot do it on a copy".into();
                return Err(Refusal { why, hint: None, layout: true });
            }
            out = moved(out, shape, &epilogue, &Epilogue::EMPTY);
        }
        // A value with a prescribed scale is a tensor.
        while self.use_counts[value.0 as usize] == 1
            && self.annotations.qparams(value).is_none()
            && let [next] = self.readers[value.0 as usize][..]
        {
            if self.kept[next].is_some() {
                break;
            }
            let node = &graph.nodes[next];
            let tensor = placed(shape, &epilogue);
            let held =
                |id: ValueId| if id == value { Some(out.clone()) } else { self.held[id.0 as usize].clone() };
            match select(graph, node, &held) {
                // What drops or repeats elements is no longer all of the tensor.
                Ok(Selection::View(held)) if held.boxed().is_some_and(|(v, _)| v.shape == tensor) => {
                    out = held
                }
                Ok(Selection::View(_)) => break,
                Ok(Selection::Op(_)) => {
                    let before = epilogue.clone();
                    let growing = Growing { sum: &mut sum, grid: shape, lines, out: &out, value };
                    let held = |id: ValueId| self.held[id.0 as usize].clone();
                    if !epilogue.absorb(graph, node, growing, &held) {
                        break;
                    }
                    out = moved(out, shape, &epilogue, &before);
                }
                Err(_) => break,
            }
            nodes.push(next);
            value = node.outputs[0];
        }
        if let Some(why) = self.rounds(&nodes, value, (sum.kernel(), &epilogue), &inputs) {
            return Err(why);
        }
        let (kind, observed) = sum.into_parts();
        for &n in &nodes {
            self.taken[n] = true;
        }
        let views: Vec<HomeView> = inputs.clone();
        let mut turn = views.iter().map(|v| self.plan.homes[v.tensor.index()].turn).max().unwrap_or(0);
        let operand = match &epilogue.operand {
            None => None,
            Some((Second::Held(id, view), _)) => {
                let home =
                    self.held[id.0 as usize].as_ref().expect("absorb checked that it is held").home.index();
                turn = turn.max(self.plan.homes[home].turn);
                Some(*view)
            }
            Some((Second::Constant(id, elements), _)) => {
                let home = self.plan.homes.len();
                let origin = HomeOrigin::Constant(self.plan.constants.len());
                self.plan.constants.push(elements.clone());
                self.add_home(*id, StridedLayout::whole(HomeId::At(home), shape), shape, origin, 0);
                Some(HomeView::whole(HomeId::At(home), shape))
            }
        };
        for view in views.iter().chain(&operand) {
            self.plan.homes[view.tensor.index()].reads += 1;
        }
        if let Kernel::Product { batches, .. } = &kind {
            for (gathered, weights, _) in batches {
                self.plan.homes[gathered.tensor.index()].raised = true;
                self.plan.homes[weights.tensor.index()].symmetric = true;
            }
        }
        let output = self.plan.homes.len();
        let origin = HomeOrigin::FusedOp(self.plan.ops.len());
        let held = out.in_home(HomeId::At(output));
        self.add_home(value, held.clone(), placed(shape, &epilogue), origin, turn);
        self.held[value.0 as usize] = Some(held);
        self.plan.ops.push(FusedOp {
            nodes,
            kernel: kind,
            inputs,
            epilogue,
            operand,
            grid,
            shape,
            to,
            observed,
            output,
            turn,
        });
        Ok(())
    }
}

/// Where a value lies after an operator of the chain: DepthToSpace makes a new map of it.
fn moved(out: StridedLayout, grid: [usize; 3], epilogue: &Epilogue, before: &Epilogue) -> StridedLayout {
    match epilogue.depth_to_space == before.depth_to_space {
        true => out,
        false => StridedLayout::whole(HomeId::Output, placed(grid, epilogue)),
    }
}

/// The tensor shape of a grid after its DepthToSpace.
fn placed(grid: [usize; 3], epilogue: &Epilogue) -> [usize; 3] {
    let r = epilogue.depth_to_space.0;
    [grid[0] / (r * r), grid[1] * r, grid[2] * r]
}
