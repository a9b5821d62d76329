//! What calibration observes is what the machine's sums are.

use super::operators::Net;
use crate::graph::{BinaryKind, Op, ValueId};
use crate::quantise::select::annotations::Annotations;
use crate::quantise::select::kernel::Kernel;
use crate::quantise::{Rounding, calibrate, plan};
use crate::simplify;
use tilewright_arch::Config;

const SUB: Op = Op::Binary { kind: BinaryKind::Sub };
const MUL: Op = Op::Binary { kind: BinaryKind::Mul };

/// The mean of every channel's sum, from the weights and bias of the fused operation and all vectors that they are
/// multiplied with, is the mean that calibration kept: whatever was done to the weights in between.
fn check(name: &str, make: impl Fn(&mut Net, ValueId) -> ValueId) {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 5, 6]);
    let y = make(&mut net, x);
    net.graph.outputs = vec![y];
    let samples = net.samples(2, 5);
    for graph in [net.graph.clone(), simplify::run(net.graph.clone()).unwrap()] {
        let plan = plan::plan(&graph, &Annotations::default(), &Config::sized(9, 16));
        let rounding = Rounding::default();
        let seen = calibrate::observe(&graph, &plan, &samples, 2, rounding, &|_, _| ()).unwrap();
        let mut checked = 0;
        for (g, fused) in plan.ops.iter().enumerate() {
            let Kernel::Linear { weights, bias, groups, .. } = &fused.kernel else { continue };
            let terms = weights.len() / bias.len();
            let pixels = fused.grid[1] * fused.grid[2];
            let vectors: Vec<&[f32]> = seen.patches[g].chunks(terms * groups).collect();
            assert_eq!(vectors.len(), pixels * samples.len(), "{name}: all pixels");
            for (sample, vectors) in vectors.chunks(pixels).enumerate() {
                for (o, (row, b)) in weights.chunks(terms).zip(bias).enumerate() {
                    let first = o / (bias.len() / groups) * terms;
                    let dot = |vector: &&[f32]| -> f64 {
                        let own = &vector[first..first + terms];
                        row.iter().zip(own).map(|(w, x)| f64::from(w * x)).sum()
                    };
                    let mean = vectors.iter().map(dot).sum::<f64>() / pixels as f64 + b;
                    let kept = seen.means[sample][g][o];
                    assert!((mean - kept).abs() < 1e-4, "{name}, channel {o}: {mean} is kept as {kept}");
                    checked += 1;
                }
            }
        }
        assert!(checked > 0, "{name}: nothing with weights");
    }
}

#[test]
fn means_are_those_of_the_sums_after_every_rewrite() {
    check("x - conv", |net, x| {
        let y = net.conv(x, 4, 3);
        net.op(SUB, &[x, y])
    });
    check("conv - x", |net, x| {
        let y = net.conv(x, 4, 3);
        net.op(SUB, &[y, x])
    });
    check("x - (3 - conv) * 2", |net, x| {
        let (three, two) = (net.constant(&[]), net.constant(&[]));
        let y = net.conv(x, 4, 3);
        let y = net.op(SUB, &[three, y]);
        let y = net.op(MUL, &[y, two]);
        net.op(SUB, &[x, y])
    });
    check("x - scaling", |net, x| {
        let (factor, offset) = (net.constant(&[4, 1, 1]), net.constant(&[4, 1, 1]));
        let y = net.op(MUL, &[x, factor]);
        let y = net.op(Op::Add, &[offset, y]);
        net.op(SUB, &[x, y])
    });
    check("x + relu(conv)", |net, x| {
        let y = net.conv(x, 4, 3);
        let y = net.op(Op::Relu, &[y]);
        net.op(Op::Add, &[x, y])
    });
    check("transposed conv + channels, subtracted", |net, x| {
        let y = net.conv(x, 4, 3);
        let y = net.op(Op::Transpose { perm: vec![0, 2, 3, 1] }, &[y]);
        let c = net.constant(&[4]);
        let y = net.op(Op::Add, &[y, c]);
        let other = net.op(Op::Transpose { perm: vec![0, 2, 3, 1] }, &[x]);
        net.op(SUB, &[other, y])
    });
    check("conv + map, then leaky", |net, x| {
        let y = net.conv(x, 4, 1);
        let c = net.constant(&[4, 5, 6]);
        let y = net.op(Op::Add, &[y, c]);
        net.op(Op::LeakyRelu { alpha: 0.3 }, &[y])
    });
}
