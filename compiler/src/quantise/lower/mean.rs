//! Averages and copies: sums with a divisor.

use super::{Lowering, PostTarget};
use crate::error::Result;
use crate::fixed::{FixedNode, Placement, Reduction, Tensor, TensorId, View};
use crate::graph::Window;
use crate::quantise::qparams::QParams;
use crate::quantise::room;
use crate::quantise::select::plan::FusedOp;
use crate::quantise::weights::channel;
use tilewright_arch::fixed::{Channel, Post};

impl Lowering<'_> {
    /// One node for each part of the output with a divisor of its own.
    pub fn mean(
        &mut self,
        g: usize,
        fused: &FusedOp,
        window: &Window,
        count_include_pad: bool,
        factor: f64,
    ) -> Result<()> {
        let mut input = self.placed(&fused.inputs[0]);
        let mut window = window.clone();
        if room::by_rows(fused.grid, input.shape, self.config) {
            input = self.row_means(g, fused, input)?;
            window.kernel[1] = 1;
        }
        let window = &window;
        let from = self.fixed.tensor(input.tensor);
        let (scale, zero) = (f64::from(from.scale) * factor, from.zero_term());
        let shape = input.shape;
        let taps = window.kernel[0] * window.kernel[1];
        let zeros = i32::try_from(-i64::from(zero) * taps as i64).map_err(|_| {
            let why = format!("the sum of a window of {taps} elements does not fit 32 bits");
            self.error(fused, why, "a smaller kernel").attribute("kernel_shape")
        })?;
        let spans = |axis: usize| match count_include_pad {
            true => vec![(0, fused.grid[1 + axis], window.kernel[axis])],
            false => spans(window, axis, shape[1 + axis], fused.grid[1 + axis]),
        };
        // A product's multiplicand has a scale of its own.
        let (operand, scale_out) = match self.operand(g, fused)? {
            Some((operand, Some(multiplicand))) => (Some(operand), multiplicand),
            Some((operand, None)) => (Some(operand), self.result(g, fused).scale),
            None => (None, self.result(g, fused).scale),
        };
        for (y, height, rows) in spans(0) {
            for &(x, width, columns) in &spans(1) {
                let factor = scale / scale_out / (rows * columns) as f64;
                let per_channel = fused.epilogue.slope.as_ref().map_or(1, Vec::len);
                let channels = (0..per_channel)
                    .map(|c| self.channel(fused, c, factor, zeros))
                    .collect::<Result<Vec<Channel>>>()?;
                let mut node = self.node(g, fused, window, Reduction::Sum, channels)?;
                node.operand.clone_from(&operand);
                node.input = input;
                node.place.region = [y, x, height, width];
                self.push(g, node, Vec::new(), None)?;
            }
        }
        Ok(())
    }

    /// The mean of every row of a map, in 16 bits, so that the mean of these is as good as that of all. So a
    /// large map is averaged while it passes through in stripes, instead of being held whole.
    fn row_means(&mut self, g: usize, fused: &FusedOp, input: View) -> Result<View> {
        let from = self.fixed.tensor(input.tensor);
        let [channels, rows, columns] = input.shape;
        let shape = [channels, rows, 1];
        let name = format!("{} (rows)", from.name);
        let (low, high) = from.range();
        let qparams = QParams::wide(high.max(-low), f64::INFINITY);
        let tensor = Tensor::bytes(name, shape, qparams.scale, qparams.zero).widened();
        let target = PostTarget::new(tensor.scale, tensor.zero, true);
        let factor = f64::from(from.scale) / target.scale / columns as f64;
        let bias = -from.zero_term() * columns as i32;
        let channels = vec![channel(factor, 1.0, bias).expect("a mean of 16 bits is as fine as its values")];
        let window = Window { kernel: [1, columns], ..Window::UNIT };
        let post = Post { zero: tensor.zero, ..Post::default() };
        let means = View::whole(TensorId(self.fixed.tensors.len() as u32), shape);
        let means = means.high_halves();
        let (name, operator) = self.names(fused);
        let node = FixedNode {
            name,
            operator,
            input,
            wide: false,
            window,
            reduction: Reduction::Sum,
            channels,
            operand: None,
            post,
            table: None,
            output: means,
            place: Placement::plain([0, 0, rows, 1]),
        };
        self.fixed.tensors.push(tensor);
        self.push(g, node, Vec::new(), None)?;
        Ok(means)
    }
}

/// Runs of output positions along an axis whose windows have the same number of taps inside the
/// input: (first, length, taps).
fn spans(window: &Window, axis: usize, extent: usize, positions: usize) -> Vec<(usize, usize, usize)> {
    let mut spans: Vec<(usize, usize, usize)> = Vec::new();
    for o in 0..positions {
        let taps = window.taps_inside(axis, o, extent).len();
        match spans.last_mut() {
            Some((_, length, same)) if *same == taps => *length += 1,
            _ => spans.push((o, 1, taps)),
        }
    }
    spans
}
