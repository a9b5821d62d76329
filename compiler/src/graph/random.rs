//! Random small graphs for tests: every operator, several users, several outputs.

use tilewright_random::Random;

use super::{DepthToSpaceMode, Graph, Op, ValueId, Window};

mod blocks;
mod domains;
mod tame;

/// A valid graph of up to a dozen nodes, a pure function of the seed. No rounding error grows in it:
/// passes that compute in another order leave its results as they are.
pub fn graph(seed: u64) -> Graph {
    drawn(seed, false)
}

/// A valid graph of all operators, a pure function of the seed. A rounding error may become a step of
/// Floor, Sign or QuantizeLinear: compare node by node, on equal inputs.
pub fn graph_of_all_operators(seed: u64) -> Graph {
    drawn(seed, true)
}

/// [`graph_of_all_operators`], and behind it blocks as networks have them, most of which the machine runs in
/// one operation.
pub fn graph_with_blocks(seed: u64) -> Graph {
    let mut g = graph_of_all_operators(seed);
    // Numbers of its own: what the seed draws above stays as it is.
    let mut r = Random::new(!seed);
    for _ in 0..1 + r.below(2) {
        let mut values: Vec<ValueId> = g.inputs.clone();
        // Operators of real numbers take no integers.
        let real = g.nodes.iter().filter(|node| !matches!(node.op, Op::QuantizeLinear { .. }));
        values.extend(real.map(|node| node.outputs[0]));
        let Some(mut y) = blocks::grow(&mut g, &mut r, &values) else { continue };
        // Something that reads the block's result.
        if r.below(2) == 0 {
            y = grow(&mut g, &mut r, y, &values).unwrap_or(y);
        }
        g.outputs.push(y);
    }
    g
}

fn drawn(seed: u64, all: bool) -> Graph {
    let mut r = Random::new(seed);
    let mut g = Graph::new("random");
    let shape = [1, 1 + r.below(6), 2 + r.below(7), 2 + r.below(7)];
    let mut values = vec![g.input("x", &shape).expect("small shapes are fine")];
    if r.below(3) == 0 {
        values.push(g.input("z", &shape).expect("small shapes are fine"));
    }
    let wanted = 1 + r.below(12);
    while g.nodes.len() < wanted {
        let x = values[r.below(values.len())];
        // A candidate that the operator's rule refuses is simply not taken.
        let y = match all && r.below(2) == 0 {
            true => domains::grow(&mut g, &mut r, x, &values),
            false => grow(&mut g, &mut r, x, &values),
        };
        values.extend(y);
    }
    g.outputs.push(values[values.len() - 1]);
    for &v in &values {
        if r.below(6) == 0 && !g.outputs.contains(&v) {
            g.outputs.push(v);
        }
    }
    g
}

fn constant(g: &mut Graph, r: &mut Random, shape: &[usize]) -> ValueId {
    let data = r.floats(shape.iter().product());
    let name = format!("c{}", g.values.len());
    g.constant(name, shape, data).expect("small constants are fine")
}

fn window(r: &mut Random, kernel: usize) -> Window {
    Window {
        kernel: [1 + r.below(kernel), 1 + r.below(kernel)],
        stride: [1 + r.below(2), 1 + r.below(2)],
        dilation: [1 + r.below(2), 1],
        pads: [r.below(2), r.below(2), r.below(2), r.below(2)],
    }
}

fn grow(g: &mut Graph, r: &mut Random, x: ValueId, values: &[ValueId]) -> Option<ValueId> {
    let shape = g.shape(x).to_vec();
    let channels = *shape.get(1)?;
    let choice = r.below(34);
    let name = format!("n{}", g.nodes.len());
    let node = |g: &mut Graph, op, inputs: &[ValueId]| g.node(&name, op, inputs).ok();
    match choice {
        0..4 => {
            let window = window(r, 3);
            let groups = [1, channels][r.below(2)];
            let out = groups * (1 + r.below(4));
            let [ky, kx] = window.kernel;
            let w = constant(g, r, &[out, channels / groups, ky, kx]);
            let mut inputs = vec![x, w];
            if r.below(2) == 0 {
                inputs.push(constant(g, r, &[out]));
            }
            node(g, Op::Conv { window, groups }, &inputs)
        }
        4..6 => {
            let mut inputs = vec![x];
            for _ in 0..3 {
                inputs.push(constant(g, r, &[channels]));
            }
            let variance = (0..channels).map(|_| r.float().abs() + 0.5).collect();
            inputs.push(g.constant("variance", &[channels], variance).ok()?);
            node(g, Op::BatchNormalization { epsilon: 1e-5 }, &inputs)
        }
        6 => node(g, Op::Relu, &[x]),
        7 => {
            let bounds = [(-0.5, 0.5), (f32::NEG_INFINITY, 1.0), (f32::NEG_INFINITY, f32::INFINITY)];
            let (min, max) = bounds[r.below(3)];
            node(g, Op::Clip { min, max }, &[x])
        }
        8 => node(g, Op::LeakyRelu { alpha: 0.1 }, &[x]),
        9 => {
            let mut full = vec![channels];
            full.resize(shape.len() - 1, 1);
            let slopes = [vec![], vec![1], full, shape[1..].to_vec()];
            let pick = r.below(4);
            let slope = constant(g, r, &slopes[pick]);
            node(g, Op::PRelu, &[x, slope])
        }
        10 => {
            let window = window(r, 3);
            node(g, Op::MaxPool { window }, &[x])
        }
        11 => {
            let mut window = window(r, 3);
            window.dilation = [1, 1];
            let count_include_pad = r.below(2) == 0;
            node(g, Op::AveragePool { window, count_include_pad }, &[x])
        }
        12 => node(g, Op::GlobalAveragePool, &[x]),
        13 => {
            let other = values[r.below(values.len())];
            node(g, Op::Add, &[x, other])
        }
        14 => {
            let mut small = vec![channels];
            small.resize(shape.len() - 1, 1);
            let shapes = [vec![], small, shape.clone()];
            let pick = r.below(3);
            let c = constant(g, r, &shapes[pick]);
            let inputs = if r.below(2) == 0 { [x, c] } else { [c, x] };
            node(g, Op::Add, &inputs)
        }
        15 => {
            let other = values[r.below(values.len())];
            node(g, Op::Concat { axis: 1 }, &[x, other])
        }
        16 => matrix(g, r, x, &shape, name),
        17 => {
            let mut perm: Vec<usize> = (0..shape.len()).collect();
            let swap = r.below(shape.len());
            perm.swap(0, swap);
            let y = node(g, Op::Transpose { perm: perm.clone() }, &[x])?;
            // Back again, so that later operators still see an image.
            node(g, Op::Transpose { perm }, &[y])
        }
        18 => {
            let mode = [DepthToSpaceMode::Dcr, DepthToSpaceMode::Crd][r.below(2)];
            node(g, Op::DepthToSpace { block: 1 + r.below(2), mode }, &[x])
        }
        19 => {
            let axis = r.below(shape.len());
            node(g, Op::Softmax { axis }, &[x])
        }
        _ => tame::grow(g, r, x, values),
    }
}

/// Flatten or Reshape, then Gemm or MatMul in one of their forms.
fn matrix(g: &mut Graph, r: &mut Random, x: ValueId, shape: &[usize], name: String) -> Option<ValueId> {
    let k: usize = shape[1..].iter().product();
    let n = 1 + r.below(5);
    let a = match r.below(2) {
        0 => g.node("flatten", Op::Flatten { axis: 1 }, &[x]).ok()?,
        _ => g.reshape("reshape", x, &[shape[0], k]).ok()?,
    };
    if r.below(3) == 0 {
        let b = constant(g, r, &[k, n]);
        return g.node(name, Op::MatMul, &[a, b]).ok();
    }
    let (trans_a, trans_b) = (r.below(3) == 0, r.below(2) == 0);
    let a = match trans_a {
        true => g.node("turn", Op::Transpose { perm: vec![1, 0] }, &[a]).ok()?,
        false => a,
    };
    let b = constant(g, r, &if trans_b { [n, k] } else { [k, n] });
    let mut inputs = vec![a, b];
    let addends = [vec![], vec![n], vec![1, n], vec![shape[0], 1]];
    if let Some(addend) = addends.get(r.below(5)) {
        inputs.push(constant(g, r, addend));
    }
    let op = Op::Gemm { alpha: 0.5 + r.float().abs(), beta: r.float(), trans_a, trans_b };
    g.node(name, op, &inputs).ok()
}
