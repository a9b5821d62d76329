//! What a reduction over channels reads: planes of bytes, and the weights that the bytes meet.
//!
//! The halves of 16-bit values are planes of their own that meet the same weights; the array counts
//! those at even steps of the outermost loop 256-fold. So that loop runs over all planes where these
//! lie evenly, and over the two halves alone where a loop is left for the channels.

use super::Job;
use crate::error::Result;
use std::borrow::Cow;
use tilewright_arch::instr::Step;

/// The reduction of some input channels and the window.
pub(super) struct ReductionSource<'w> {
    /// Loops, outermost first.
    pub steps: [Step; 3],
    /// A row for each output channel, in the loops' order; none of what is not packed.
    pub weights: Cow<'w, [i8]>,
    /// Whether the loops are planes, kernel rows, kernel columns.
    pub by_plane: bool,
    /// Steps of a tile, and weights of a row.
    pub reduction: usize,
}

impl<'w> ReductionSource<'w> {
    /// The reduction of `inputs` channels; `weights` has a row of `inputs` kernels for each output
    /// channel.
    ///
    /// # Errors
    /// 16-bit values whose channels do not follow each other, under a kernel of several rows and
    /// columns.
    pub fn new(job: &Job, weights: &'w [i8], inputs: usize) -> Result<ReductionSource<'w>> {
        let (input, window) = (job.at.input, &job.node.window);
        let ([kh, kw], [dy, dx]) = (window.kernel, window.dilation);
        let rows = Step { count: kh, address: (dy * input.pitch) as i64, y: dy as i64, x: 0 };
        let columns = Step { count: kw, address: (dx * input.pixel) as i64, y: 0, x: dx as i64 };
        let reduction = job.halves().count * inputs * kh * kw;
        let planes = |count: usize, bytes: usize| Step { count, address: bytes as i64, ..Step::default() };
        if !job.node.wide {
            let steps = [planes(inputs, input.plane), rows, columns];
            return Ok(ReductionSource { steps, weights: Cow::Borrowed(weights), by_plane: true, reduction });
        }
        let twice = |part: usize| -> Cow<'w, [i8]> {
            let mut all = Vec::with_capacity(if job.packs { 2 * weights.len() } else { 0 });
            for part in weights.chunks(part).filter(|_| job.packs) {
                all.extend_from_slice(part);
                all.extend_from_slice(part);
            }
            all.into()
        };
        if inputs == 1 || input.plane == 2 * input.half {
            let steps = [planes(2 * inputs, input.half), rows, columns];
            return Ok(ReductionSource { steps, weights: twice(kh * kw), by_plane: true, reduction });
        }
        let kernel = match (kh, kw) {
            (_, 1) => rows,
            (1, _) => columns,
            _ => {
                return Err(job
                    .refuse("a kernel of several rows and columns over transposed 16-bit values")
                    .hint("--precision int8"));
            }
        };
        let steps = [planes(2, input.half), planes(inputs, input.plane), kernel];
        Ok(ReductionSource { steps, weights: twice(inputs * kh * kw), by_plane: false, reduction })
    }
}

#[cfg(test)]
mod tests {
    use crate::fixed::{FixedGraph, FixedNode, Placement, Reduction, Tensor, TensorId, View};
    use crate::graph::Window;
    use crate::schedule;
    use tilewright_arch::Config;
    use tilewright_arch::fixed::{Channel, Post};

    /// More than 2^16 steps are none in 16 bits: their sums are kept from instruction to instruction. Of 16-bit
    /// values each instruction has both halves, though a fifteenth of the steps is an odd number.
    #[test]
    fn reductions_beyond_the_counts_of_loops_are_cut() {
        const STEPS: usize = 65_556;
        for wide in [false, true] {
            let input = Tensor::bytes("x", [if wide { STEPS / 2 } else { STEPS }, 1, 1], 1.0, 0);
            let view = View::whole(TensorId(0), input.shape);
            let weights = vec![0; input.elements()];
            let node = FixedNode {
                name: "n".into(),
                operator: "test".into(),
                input: if wide { view.high_halves() } else { view },
                wide,
                window: Window::UNIT,
                reduction: Reduction::Conv { weights, groups: 1 },
                channels: vec![Channel::default()],
                operand: None,
                post: Post::default(),
                table: None,
                output: View::whole(TensorId(1), [1, 1, 1]),
                place: Placement::plain([0, 0, 1, 1]),
            };
            let input = if wide { input.widened() } else { input };
            let graph = FixedGraph {
                inputs: vec![(TensorId(0), input.shape.to_vec())],
                tensors: vec![input, Tensor::bytes("y", [1, 1, 1], 1.0, 0)],
                nodes: vec![node],
                outputs: vec![(TensorId(1), vec![1, 1, 1])],
                ..FixedGraph::default()
            };
            graph.verify().unwrap();
            let config = Config::sized(9, 16);
            let search = schedule::Search::new(&graph, &config).unwrap();
            let program = search.schedules().next().unwrap().unwrap().program;
            let kept: Vec<bool> = program.compute.iter().map(|line| line.op.keep).collect();
            assert!(kept.iter().rev().enumerate().all(|(i, keep)| *keep == (i > 0)), "{kept:?}");
            let steps: Vec<usize> = program.compute.iter().map(|line| line.op.steps[0].count).collect();
            assert!(!wide || steps.iter().all(|count| count.is_multiple_of(2)), "{steps:?}");
            assert_eq!((kept.len(), steps.iter().sum()), (STEPS.div_ceil(config.weight_words / 2), STEPS));
        }
    }
}
