//! Changes of resolution by whole factors.

use super::{assert_same, inputs};
use crate::float;
use crate::graph::{Coordinates, Graph, Interpolation, Op, Resize};
use crate::simplify::run;

/// Interpolation by whole factors is a transposed convolution of what the edges continue, and the same numbers; what is
/// no such interpolation stays as it is.
#[test]
fn interpolations_by_whole_factors_are_transposed_convolutions() {
    use Coordinates::{AlignCorners, Asymmetric, HalfPixel, HalfPixelSymmetric, PytorchHalfPixel};
    let keys = |exclude_outside| Interpolation::Cubic { coefficient: -0.75, exclude_outside };
    let kinds = [(Interpolation::Linear, 2), (keys(false), 4), (keys(true), usize::MAX)];
    let images = [[1, 2], [2, 2], [2, 3], [3, 4], [4, 5], [5, 8], [9, 4]];
    for ([h, w], (interpolation, neighbours)) in images.iter().flat_map(|e| kinds.map(|k| (*e, k))) {
        for coordinates in [AlignCorners, Asymmetric, HalfPixel, HalfPixelSymmetric, PytorchHalfPixel] {
            for [up, across] in [[1, 2], [2, 2], [3, 2], [4, 4], [2, 7], [8, 8], [20, 16]] {
                let corners = coordinates == AlignCorners;
                let extent =
                    |n: usize, factor: usize| if corners { (n - 1) * factor + 1 } else { n * factor };
                let sizes = vec![1, 3, extent(h, up), extent(w, across)];
                let mut g = Graph::new("t");
                let x = g.input("x", &[1, 3, h, w]).unwrap();
                let scales = vec![1.0, 1.0, up as f32, across as f32];
                let resize = Resize { sizes, scales, interpolation, coordinates };
                let y = g.node("up", Op::Resize(resize), &[x]).unwrap();
                g.outputs = vec![y];
                let x = inputs(&g, (h * w * up * across) as u64);
                let what = format!("{h}x{w} by {up}x{across}, {interpolation:?}, {coordinates:?}");
                let before = float::run(&g, &x).unwrap();
                let g = run(g).unwrap();
                assert_same(&before, &float::run(&g, &x).unwrap(), &what);
                let all = [(h, up), (w, across)].iter().all(|(n, factor)| *n >= neighbours || *factor == 1);
                if all && h > 1 && up * across <= 256 {
                    assert!(!g.nodes.iter().any(|n| matches!(n.op, Op::Resize(_))), "{what}");
                }
            }
        }
    }
}
