//! What pads, and what does not see it.

use super::*;

#[test]
fn padding_folds_into_windows_that_may_take_it() {
    let padded = |g: &mut Graph, x, value: f32| {
        let mode = PadMode::Constant(value);
        g.node("", Op::Pad { before: vec![0, 0, 1, 0], after: vec![0, 0, 2, 1], mode }, &[x]).unwrap()
    };
    let window = || Window { kernel: [3, 3], ..Window::UNIT };
    for (value, twice, expected) in
        [(0.0, false, &["Conv"][..]), (0.0, true, &["Conv"]), (1.0, false, &["Pad", "Conv"])]
    {
        let g = becomes(expected, |g, x| {
            let mut x = padded(g, x, value);
            if twice {
                x = padded(g, x, value);
            }
            let w = g.constant("w", &[4, 1, 3, 3], (0..36).map(|i| i as f32).collect()).unwrap();
            g.node("conv", Op::Conv { window: window(), groups: 4 }, &[x, w]).unwrap()
        });
        if twice {
            assert!(matches!(&g.nodes[0].op, Op::Conv { window, .. } if window.pads == [2, 0, 4, 2]));
        }
    }
    becomes(&["AveragePool"], |g, x| {
        let x = padded(g, x, 0.0);
        g.node("", Op::AveragePool { window: window(), count_include_pad: false }, &[x]).unwrap()
    });
    for (value, expected) in [(f32::NEG_INFINITY, &["MaxPool"][..]), (0.0, &["Pad", "MaxPool"])] {
        becomes(expected, |g, x| {
            let x = padded(g, x, value);
            g.node("", Op::MaxPool { window: window() }, &[x]).unwrap()
        });
    }
}

/// The Pad stayed, for two read it, and no range is left beside the lowest float32.
#[test]
fn two_maxima_do_not_see_the_lowest_float32_that_both_are_padded_with() {
    let mut g = Graph::new("g");
    let x = g.input("x", &[1, 2, 6, 6]).unwrap();
    let mode = PadMode::Constant(f32::MIN);
    let pad = Op::Pad { before: vec![0, 0, 1, 1], after: vec![0, 0, 1, 1], mode };
    let x = g.node("p", pad, &[x]).unwrap();
    for kernel in [[3, 3], [2, 2]] {
        let window = Window { kernel, stride: [2, 2], ..Window::UNIT };
        let y = g.node("m", Op::MaxPool { window }, &[x]).unwrap();
        g.outputs.push(y);
    }
    let after = run(g.clone()).unwrap();
    assert!(after.nodes.iter().all(|n| !matches!(n.op, Op::Pad { .. })), "{after}");
    let numbers =
        [ArrayD::from_shape_vec(IxDyn(&[1, 2, 6, 6]), (0..72).map(|i| -(i as f32)).collect()).unwrap()];
    let before = float::run(&g, &numbers).unwrap();
    assert_same(&before, &float::run(&after, &numbers).unwrap(), "padded");
}

#[test]
fn a_maximum_does_not_see_padding_with_the_lowest_float32() {
    let window = Window { kernel: [3, 3], stride: [2, 2], ..Window::UNIT };
    for (value, folds) in
        [(f32::NEG_INFINITY, true), (f32::MIN, true), (-3.40282e38, true), (-65504.0, false)]
    {
        let mut g = Graph::new("g");
        let x = g.input("x", &[1, 2, 6, 6]).unwrap();
        let pad = Op::Pad { before: vec![0; 4], after: vec![0, 0, 1, 1], mode: PadMode::Constant(value) };
        let y = g.node("pad", pad, &[x]).unwrap();
        let y = g.node("pool", Op::MaxPool { window: window.clone() }, &[y]).unwrap();
        g.outputs = vec![y];
        let after = run(g.clone()).unwrap();
        assert_eq!(after.nodes.len() == 1, folds, "{value:e}");
        let x = inputs(&g, 7);
        assert_same(&float::run(&g, &x).unwrap(), &float::run(&after, &x).unwrap(), "padding");
    }
}
