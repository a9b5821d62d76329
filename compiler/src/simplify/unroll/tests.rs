//! Unrolled layers compute what the operators compute.

use super::{MOST_STEPS, run};
use crate::float;
use crate::graph::{Cell, Direction, Graph, Integer, Op, Recurrent, ValueId};
use ndarray::{ArrayD, IxDyn};
use tilewright_random::Random;

const CELLS: [Cell; 4] = [
    Cell::Rnn,
    Cell::Lstm,
    Cell::Gru { linear_before_reset: false },
    Cell::Gru { linear_before_reset: true },
];

/// A layer over `steps` steps of five features with four hidden elements; its first states are zero,
/// constants or, with `state_inputs`, inputs of the graph.
fn layer(r: &mut Random, cell: Cell, direction: Direction, [steps, batch]: [usize; 2], kind: Kind) -> Graph {
    let (hidden, features, d) = (4, 5, direction.count());
    let mut g = Graph::new("t");
    let x = g.input("x", &[steps, batch, features]).unwrap();
    let rows = cell.gates() * hidden;
    let mut constant = |g: &mut Graph, shape: &[usize], scale: f32| {
        let data = r.floats(shape.iter().product()).iter().map(|v| scale * v).collect();
        g.constant("", shape, data).unwrap()
    };
    let mut inputs = vec![x];
    for shape in [&[d, rows, features][..], &[d, rows, hidden], &[d, 2 * rows]] {
        inputs.push(constant(&mut g, shape, 1.0));
    }
    for _ in 0..if cell == Cell::Lstm { 2 } else { 1 } {
        let shape = [d, batch, hidden];
        inputs.push(match kind {
            Kind::Zero => constant(&mut g, &shape, 0.0),
            Kind::Constant | Kind::Peepholes => constant(&mut g, &shape, 1.0),
            Kind::Input => g.input("state", &shape).unwrap(),
        });
    }
    if cell == Cell::Lstm && matches!(kind, Kind::Peepholes) {
        inputs.push(constant(&mut g, &[d, 3 * hidden], 1.0));
    }
    let mut add = |cell_state| {
        let op = Op::Recurrent(Recurrent { cell, direction, hidden, cell_state });
        let y = g.node("layer", op, &inputs).unwrap();
        g.outputs.push(y);
    };
    add(false);
    if cell == Cell::Lstm {
        add(true);
    }
    g
}

#[derive(Clone, Copy)]
enum Kind {
    Zero,
    Constant,
    Input,
    Peepholes,
}

fn unrolled(g: &Graph) -> bool {
    !g.nodes.iter().any(|n| matches!(n.op, Op::Recurrent(_)))
}

#[test]
fn cells_directions_and_states() {
    let mut r = Random::new(3);
    for cell in CELLS {
        for (direction, _) in Direction::ALL {
            for kind in [Kind::Zero, Kind::Constant, Kind::Input, Kind::Peepholes] {
                for size in [[1, 1], [2, 3], [7, 1]] {
                    let before = layer(&mut r, cell, *direction, size, kind);
                    let after = run(before.clone()).unwrap();
                    after.verify().unwrap();
                    assert!(unrolled(&after), "{after}");
                    let random = |id: &ValueId| {
                        let shape = before.shape(*id);
                        let data = r.floats(shape.iter().product());
                        ArrayD::from_shape_vec(IxDyn(shape), data).unwrap()
                    };
                    let x: Vec<_> = before.inputs.iter().map(random).collect();
                    let (y, z) = (float::run(&before, &x).unwrap(), float::run(&after, &x).unwrap());
                    assert_eq!(y.len(), z.len());
                    for (y, z) in y.iter().zip(&z) {
                        assert_eq!(y.shape(), z.shape());
                        // States are about 1; each step rounds a few more times to float32.
                        assert!(
                            y.iter().zip(z).all(|(y, z)| (y - z).abs() < 2e-6),
                            "{y} became {z}\n{after}"
                        );
                    }
                }
            }
        }
    }
}

/// One product for the inputs of all steps and two for each state; both results share them, and all
/// steps share weights and names.
#[test]
fn work_is_shared() {
    let g = layer(&mut Random::new(5), Cell::Lstm, Direction::Bidirectional, [6, 1], Kind::Zero);
    let g = run(g).unwrap();
    let products: Vec<_> = g.nodes.iter().filter(|n| matches!(n.op, Op::Gemm { .. })).collect();
    // The first state is zero.
    assert_eq!(products.len(), 2 * (1 + 2 * 5));
    let mut weights: Vec<_> = products.iter().map(|n| n.inputs[1]).collect();
    weights.sort_unstable();
    weights.dedup();
    assert_eq!(weights.len(), 2 * 3);
    let mut names: Vec<_> = products.iter().map(|n| n.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let parts = ["candidate", "gates", "input"];
    let named = |d: &'static str| parts.map(|p| format!("layer/{d}/{p}"));
    assert_eq!(names, [named("forward"), named("reverse")].concat());
}

#[test]
fn what_stays() {
    let mut r = Random::new(7);
    let mut of = |steps| layer(&mut r, Cell::Rnn, Direction::Bidirectional, [steps, 1], Kind::Zero);
    assert!(unrolled(&run(of(MOST_STEPS / 2)).unwrap()));
    assert!(!unrolled(&run(of(MOST_STEPS / 2 + 1)).unwrap()));
    // Weights that the network computes.
    let mut g = of(2);
    let Op::Recurrent(op) = g.nodes[0].op.clone() else { unreachable!("the layer is the only node") };
    let mut inputs = g.nodes[0].inputs.clone();
    inputs[1] = g.input("weights", &[2, 4, 5]).unwrap();
    g.outputs = vec![g.node("layer", Op::Recurrent(op), &inputs).unwrap()];
    assert!(!unrolled(&run(g).unwrap()));
    // A model that is quantised already.
    let mut g = of(2);
    let (scale, zero) = (g.constant("", &[], vec![0.1]).unwrap(), g.constant("", &[], vec![0.0]).unwrap());
    let op = Op::QuantizeLinear { integer: Integer::Int8, axis: None };
    g.outputs = vec![g.node("q", op, &[g.outputs[0], scale, zero]).unwrap()];
    assert!(!unrolled(&run(g).unwrap()));
}
