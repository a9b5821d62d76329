//! Copies of operands that do not lie in memory as an operator reads them, so that the machine runs it nevertheless.

use super::{FusedOp, HomeOrigin, Planner};
use crate::graph::{Op, ValueId};
use crate::quantise::room;
use crate::quantise::select::epilogue::Epilogue;
use crate::quantise::select::kernel::Kernel;
use crate::quantise::select::relayout::Relayout;
use crate::quantise::select::strided::{HomeId, HomeView, StridedLayout};
use crate::quantise::select::sum::Observed;

impl Planner<'_> {
    /// Runs node `n` on copies of operands, of each alone or of all, that lie evenly. False where that does not
    /// help.
    pub(super) fn attempt_on_copies(&mut self, n: usize, imported: bool) -> bool {
        let node = &self.graph.nodes[n];
        // What only moves elements the host does as well, if it has the result anyway.
        if node.op.only_moves() && !self.is_read_by_machine(node.outputs[0]) {
            return false;
        }
        // What does not fit the machine's memory the host has room for.
        let values = node.inputs.iter().chain(&node.outputs);
        let held = values.filter(|id| self.graph.constant_data(**id).is_none());
        let largest = held.map(|id| self.graph.shape(*id).iter().product::<usize>()).max().unwrap_or(0);
        if matches!(node.op, Op::MatMul | Op::Gemm { .. }) && largest > room::multiplied(self.config) {
            return false;
        }
        let mut uneven: Vec<ValueId> = Vec::new();
        for &id in &node.inputs {
            if !uneven.contains(&id) && self.held[id.0 as usize].is_some() {
                uneven.push(id);
            }
        }
        let mut sets: Vec<Vec<ValueId>> = uneven.iter().map(|&id| vec![id]).collect();
        if uneven.len() > 1 {
            sets.push(uneven);
        }
        sets.iter().any(|set| self.attempt_on(n, imported, set))
    }

    /// Runs node `n` on copies of the values of `set`, of those that do not lie evenly yet.
    fn attempt_on(&mut self, n: usize, imported: bool, set: &[ValueId]) -> bool {
        let (homes, groups) = (self.plan.homes.len(), self.plan.ops.len());
        let reads: Vec<usize> = self.plan.homes.iter().map(|home| home.reads).collect();
        let before: Vec<Option<StridedLayout>> =
            set.iter().map(|id| self.held[id.0 as usize].clone()).collect();
        let copies: Vec<Option<StridedLayout>> = set.iter().map(|&id| self.laid_out(id)).collect();
        let mut done = false;
        if copies.iter().any(Option::is_some) {
            for (id, copy) in set.iter().zip(&copies).filter(|(_, copy)| copy.is_some()) {
                self.held[id.0 as usize].clone_from(copy);
            }
            done = self.attempt(n, imported).is_ok();
            for (id, held) in set.iter().zip(before) {
                self.held[id.0 as usize] = held;
            }
        }
        if done {
            self.copies.extend(set.iter().zip(copies).filter_map(|(&id, copy)| Some((id, copy?))));
        } else {
            self.plan.homes.truncate(homes);
            self.plan.ops.truncate(groups);
            self.plan.homes.iter_mut().zip(reads).for_each(|(home, reads)| home.reads = reads);
        }
        done
    }

    /// Whether some reader of a value may run on the machine.
    fn is_read_by_machine(&self, id: ValueId) -> bool {
        self.readers[id.0 as usize].iter().any(|&n| {
            !matches!(
                self.graph.nodes[n].op,
                Op::Softmax { .. }
                    | Op::LogSoftmax { .. }
                    | Op::LayerNormalization { .. }
                    | Op::InstanceNormalization { .. }
                    | Op::Reduce { .. }
            )
        })
    }

    /// Copies a value so that its elements lie row-major in a tensor of their own; `None` where they do, or
    /// cannot be copied.
    fn laid_out(&mut self, id: ValueId) -> Option<StridedLayout> {
        if let Some(copy) = self.copies.get(&id) {
            return Some(copy.clone());
        }
        let held = self.held[id.0 as usize].clone()?;
        let whole = room::copied(self.config);
        let Relayout { from, to, shape, held: out } = Relayout::new(&held, self.graph.shape(id), whole)?;
        let output = self.plan.homes.len();
        let turn = self.plan.homes[held.home.index()].turn;
        self.plan.homes[held.home.index()].reads += from.len();
        let origin = HomeOrigin::FusedOp(self.plan.ops.len());
        let copy = out.clone().in_home(HomeId::At(output));
        self.add_home(id, copy.clone(), shape, origin, turn);
        self.plan.ops.push(FusedOp {
            nodes: Vec::new(),
            kernel: Kernel::Copies { to },
            inputs: from,
            epilogue: Epilogue::EMPTY,
            operand: None,
            grid: shape,
            shape,
            to: HomeView::whole(HomeId::Output, shape),
            observed: Observed { value: id, held: out, factor: 1.0 },
            output,
            turn,
        });
        Some(copy)
    }
}
