//! How large a node's sums can become.

use super::{FixedGraph, FixedNode, Reduction, gathered};

impl FixedGraph {
    /// The largest magnitude that the accumulator of output channel `c`, or its sum with the bias,
    /// can reach at any step, whatever bytes the input holds.
    ///
    /// Each term has a largest value of at least zero and a smallest of at most zero, so the sums
    /// of all largest and of all smallest terms bound every partial sum too. A wide term is the sum of
    /// two, each of which is largest, and smallest, with the same bytes.
    pub fn accumulator_bound(&self, node: &FixedNode, c: usize) -> i64 {
        let taps = node.window.kernel[0] * node.window.kernel[1];
        let [least, most] = [i8::MIN, i8::MAX].map(|byte| i64::from(gathered(byte, node.wide)));
        let (low, high) = match &node.reduction {
            Reduction::Conv { weights, groups } => {
                let terms = node.input.shape[0] / groups * taps;
                let row = &weights[c * terms..(c + 1) * terms];
                row.iter().fold((0i64, 0i64), |(low, high), &w| {
                    let w = i64::from(w);
                    (low + (w * least).min(w * most), high + (w * least).max(w * most))
                })
            }
            Reduction::Product { weights } => {
                // The machine adds input * weight and -zero * weight in turn.
                let zero = i64::from(self.tensor(node.input.tensor).zero).abs();
                let most = weights.shape[0] as i64 * 128 * (128 + zero);
                (-most, most)
            }
            Reduction::Sum => (taps as i64 * least, taps as i64 * most),
            Reduction::Max => (-128, 127),
        };
        let bias = i64::from(self.channel(node, c).bias);
        let all = [low, high, low + bias, high + bias];
        all.iter().fold(0, |most, sum| most.max(sum.abs()))
    }
}
