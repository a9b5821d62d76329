//! The text form and what `verify` finds.

use super::*;
use tilewright_arch::fixed::Half;

/// t0 -> sum -> t1, t0 -> conv + t1 -> t2.
fn graph() -> FixedGraph {
    let tensor = |name: &str, shape| Tensor::bytes(name, shape, 0.25, -3);
    let (mantissa, half) = (1 << 23, Half::None);
    let channel = Channel { bias: 7, mantissa, negative_mantissa: mantissa, shift: 9, half };
    let node = |input: u32, output: u32, reduction, region| FixedNode {
        name: format!("n{output}"),
        operator: "test".into(),
        input: View::whole(TensorId(input), [2, 2, 3]),
        wide: false,
        window: Window::UNIT,
        reduction,
        channels: vec![channel],
        operand: None,
        post: Post { zero: -3, lo: -128, hi: 127 },
        table: None,
        output: View::whole(TensorId(output), [2, 2, 3]),
        place: Placement::plain(region),
    };
    let mut conv = node(0, 2, Reduction::Conv { weights: vec![1, -2, 3, 4], groups: 1 }, [0, 0, 2, 3]);
    conv.channels = vec![channel, Channel { negative_mantissa: 100, ..channel }];
    conv.operand = Some(Operand {
        view: View::whole(TensorId(1), [2, 2, 3]),
        scale: OperandScale::addend(-3, 10_000_000, 8),
    });
    FixedGraph {
        name: "small".into(),
        tensors: vec![tensor("x", [2, 2, 3]), tensor("a", [2, 2, 3]), tensor("y", [2, 2, 3])],
        nodes: vec![node(0, 1, Reduction::Sum, [0, 0, 2, 3]), conv],
        constants: vec![],
        inputs: vec![(TensorId(0), vec![1, 2, 2, 3])],
        outputs: vec![(TensorId(2), vec![1, 12])],
        pieces: vec![],
        bands: vec![],
    }
}

#[test]
fn prints() {
    graph().verify().unwrap();
    let want = r#"fixed "small"
t0: 2x2x3 scale 2.5e-1 zero -3 "x"
t1: 2x2x3 scale 2.5e-1 zero -3 "a"
t2: 2x2x3 scale 2.5e-1 zero -3 "y"
input t0 [1, 2, 2, 3]
t1 = sum t0  // test "n1"
    kernel 1x1 zero -3 clamp -128..=127
    channel 0: (acc + 7) * 8388608 >> 9
t2 = conv t0 + t1  // test "n2"
    kernel 1x1 groups 1 weights 4 #4b0d227a76049051 zero -3 clamp -128..=127 operand (q - -3) * 10000000 >> 8
    channel 0: (acc + 7) * 8388608 >> 9
    channel 1: (acc + 7) * 8388608 >> 9, negative * 100
output t2 [1, 12]
"#;
    assert_eq!(graph().to_string(), want);
}

/// t1 in 16 bits, made of t0 and gathered: two nodes and one.
fn wide_graph() -> FixedGraph {
    let mut graph = graph();
    graph.nodes[1].operand = None;
    graph.tensors[1] = graph.tensors[1].clone().widened();
    let halves = View::whole(TensorId(1), [2, 2, 3]).high_halves();
    let mut low = graph.nodes[0].clone();
    graph.nodes[0].output = halves;
    graph.nodes[0].channels[0].half = Half::High;
    low.output = halves.low_halves();
    low.channels[0].half = Half::Low;
    graph.nodes.insert(1, low);
    (graph.nodes[2].input, graph.nodes[2].wide) = (halves, true);
    graph
}

#[test]
fn prints_halves() {
    wide_graph().verify().unwrap();
    let text = wide_graph().to_string();
    for line in [
        "t1: 4x2x3 wide scale 2.5e-1 zero -3 \"a\"",
        "t1[c 0..3 by 2][y 0..2][x 0..3] = sum t0  // test \"n1\"",
        "    kernel 1x1 zero -3 clamp -128..=127 high half",
        "t1[c 1..4 by 2][y 0..2][x 0..3] = sum t0  // test \"n1\"",
        "    kernel 1x1 zero -3 clamp -128..=127 low half",
        "t2 = conv wide t1[c 0..3 by 2][y 0..2][x 0..3]  // test \"n2\"",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
}

/// One node that reads a plane twice makes both halves of it.
#[test]
fn halves_of_one_plane() {
    let mut graph = graph();
    graph.nodes.truncate(1);
    graph.tensors.truncate(2);
    (graph.tensors[0].shape, graph.tensors[1].shape) = ([1, 2, 3], [1, 2, 3]);
    graph.tensors[1] = graph.tensors[1].clone().widened();
    (graph.inputs[0].1, graph.outputs) = (vec![1, 2, 3], vec![(TensorId(1), vec![1, 12])]);
    let node = &mut graph.nodes[0];
    node.input = View { shape: [2, 2, 3], step: [0, 1, 1], ..node.input };
    node.output = View::whole(TensorId(1), [2, 2, 3]);
    let channel = node.channels[0];
    node.channels = [Half::High, Half::Low].map(|half| Channel { half, ..channel }).to_vec();
    graph.verify().unwrap();
    assert!(graph.to_string().contains(" both halves"), "{graph}");
    graph.nodes[0].channels.reverse();
    assert!(graph.verify().unwrap_err().to_string().contains("another byte"));
}

#[test]
fn bounds_of_wide_sums() {
    let graph = wide_graph();
    // 256 * h + l lies in -32896..=32639, and the weights are 1, -2 and 3, 4
    assert_eq!(graph.accumulator_bound(&graph.nodes[2], 0), 32639 + 2 * 32896 + 7);
    assert_eq!(graph.accumulator_bound(&graph.nodes[2], 1), 7 * 32896);
}

#[test]
fn verify_finds_broken_halves() {
    type Break = fn(&mut FixedGraph);
    let rows: &[(Break, &str)] = &[
        (|g| g.nodes[1].output.origin[0] = 0, "again"),
        (|g| drop(g.nodes.remove(1)), "before it is written"),
        (|g| g.nodes[2].reduction = Reduction::Max, "other than for a sum"),
        (|g| g.nodes[2].channels[1].half = Half::High, "another byte"),
        (|g| g.tensors[1].shape[0] = 5, "5 planes"),
        (|g| g.nodes[2].input.origin[0] = 1, "is not inside of"),
    ];
    for (i, (broken, message)) in rows.iter().enumerate() {
        let mut graph = wide_graph();
        broken(&mut graph);
        let e = graph.verify().unwrap_err().to_string();
        assert!(e.contains(message), "{i}: {e}");
    }
}

#[test]
fn bounds_of_sums() {
    let graph = graph();
    // 127 + 2 * 128 + 7 and -(128 + 2 * 127) + 7; 7 * 127 + 7 and -7 * 128
    assert_eq!(graph.accumulator_bound(&graph.nodes[1], 0), 127 + 256 + 7);
    assert_eq!(graph.accumulator_bound(&graph.nodes[1], 1), 7 * 128);
    assert_eq!(graph.accumulator_bound(&graph.nodes[0], 0), 134);
}

/// Breaks one invariant at a time and expects the message to say which.
#[test]
fn verify_finds_each_broken_invariant() {
    type Break = fn(&mut FixedGraph);
    let rows: &[(Break, &str)] = &[
        (|g| g.tensors[0].scale = f32::NAN, "scale NaN"),
        (|g| g.tensors[1].shape[0] = 0, "has shape"),
        (|g| g.inputs[0].1 = vec![5], "no tensor of 5"),
        (|g| g.nodes.swap(0, 1), "reads t1 before"),
        (|g| g.nodes[0].input.tensor = TensorId(2), "reads t2 before"),
        (|g| g.nodes[0].input.tensor = TensorId(9), "t9 does not exist"),
        (|g| g.nodes[0].place.region = [0, 0, 1, 3], "before it is written"),
        (|g| g.nodes[0].input.origin[2] = 1, "is not inside of"),
        (|g| g.nodes[0].input.axes = [0, 1, 3], "is no view"),
        (|g| g.nodes[1].operand.as_mut().unwrap().view.shape[1] = 1, "is not [2, 2, 3]"),
        (|g| g.nodes[1].place.region = [0, 0, 2, 2], "t2 is not written completely"),
        (|g| g.nodes[1].place.region = [1, 0, 2, 3], "writes region"),
        (|g| g.nodes[1].output.tensor = TensorId(1), "writes t1"),
        (|g| g.nodes[1].channels.clear(), "0 requantisations"),
        (|g| g.nodes[1].channels[0].shift = 48, "cannot be encoded"),
        (|g| g.nodes[1].channels[0].bias = i32::MAX, "above 32 bits"),
        (|g| g.nodes[1].post.lo = 127, ""),
        (|g| (g.nodes[1].post.lo, g.nodes[1].post.hi) = (5, 4), "clamps to 5..=4"),
        (|g| g.nodes[0].window.kernel = [4, 4], "does not fit"),
        (|g| g.nodes[0].place.depth_to_space.0 = 2, "cannot become 2x2 blocks"),
        (|g| g.nodes[0].output.origin[0] = 1, "is not inside of"),
        (|g| g.nodes[0].output.shape[0] = 1, "does not fit t1"),
        (
            |g| g.nodes[1].reduction = Reduction::Conv { weights: vec![1, 2, 3, -128], groups: 1 },
            "a weight is -128",
        ),
        (
            |g| g.nodes[1].reduction = Reduction::Conv { weights: vec![1, 2, 3], groups: 1 },
            "3 weights do not fit",
        ),
        (|g| g.nodes[1].reduction = Reduction::Conv { weights: vec![1], groups: 0 }, "do not fit 0 groups"),
        (
            |g| g.nodes[1].reduction = Reduction::Product { weights: View::whole(TensorId(1), [2, 2, 3]) },
            "multiplies 2 channels",
        ),
        (
            |g| {
                let weights = View::whole(TensorId(1), [2, 2, 3]).slice(1, 0, 1);
                g.nodes[1].reduction = Reduction::Product { weights };
            },
            "zero points do not allow",
        ),
    ];
    for (row, (damage, expected)) in rows.iter().enumerate() {
        let mut g = graph();
        damage(&mut g);
        if expected.is_empty() {
            g.verify().unwrap_or_else(|e| panic!("row {row}: {e}"));
            continue;
        }
        let e = g.verify().expect_err(&format!("row {row}: {expected}")).to_string();
        assert!(expected.split('|').any(|part| e.contains(part)), "row {row}: {e}");
    }
}
