//! Gemm, and MatMul by a constant matrix on either side, to one form: `Gemm` with `alpha = beta = 1`, the left operand
//! as stored, weights (N,K), and a bias (N) or none. Weights that a model keeps as integers stay so.

use super::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::graph::{Graph, Integer, Node, Op, ValueId};

/// The one form.
pub(super) const CANONICAL: Op = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: true };

/// The pass. Products of two computed matrices stay as they are.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, |r, node| match node.op {
        Op::MatMul => matmul(r, node),
        Op::Gemm { .. } => gemm(r, node),
        _ => Ok(None),
    })
}

/// A matrix of constants on the right: plain, or integers with scales.
struct Matrix {
    data: Vec<f32>,
    /// Type, scales, zero points and the axis that they vary along.
    steps: Option<(Integer, [ValueId; 2], Option<usize>)>,
    label: String,
}

impl Matrix {
    /// What a value of the new graph is, if it is constant.
    fn of(r: &Rewrite, id: ValueId) -> Option<Matrix> {
        let label = r.new.value(id).name.clone();
        if let Some(data) = r.new.constant_data(id) {
            return Some(Matrix { data: data.to_vec(), steps: None, label });
        }
        let (_, node) = r.new.producer(id)?;
        let (Op::DequantizeLinear { integer, axis }, [x, scale, zero]) = (&node.op, &node.inputs[..]) else {
            return None;
        };
        let data = r.new.constant_data(*x)?.to_vec();
        let label = r.new.value(*x).name.clone();
        Some(Matrix { data, steps: Some((*integer, [*scale, *zero], *axis)), label })
    }

    /// The value of the (N,K) matrix, from a (K,N) or, if `transposed`, an (N,K) one, scaled.
    fn canonical(self, r: &mut Rewrite, shape: [usize; 2], transposed: bool, scale: f32) -> Result<ValueId> {
        let Matrix { data, steps, label } = self;
        let [n, k] = shape;
        let Some((integer, [step, zero], axis)) = steps else {
            return r.new.constant(label, &shape, weights(&data, n, k, transposed, scale));
        };
        let w = r.new.constant(label.clone(), &shape, weights(&data, n, k, transposed, 1.0))?;
        let step = match (scale == 1.0, r.new.constant_data(step)) {
            (false, Some(steps)) => {
                let (shape, steps) = (r.new.shape(step).to_vec(), steps.iter().map(|s| scale * s).collect());
                r.new.constant("", &shape, steps)?
            }
            _ => step,
        };
        // a vector's only axis is that of the rows
        let axis = axis.map(|a| if transposed { a } else { 1_usize.saturating_sub(a) });
        r.new.node(label, Op::DequantizeLinear { integer, axis }, &[w, step, zero])
    }
}

/// The (N,K) weights of a constant (K,N) or, if `transposed`, (N,K) matrix, scaled.
fn weights(data: &[f32], n: usize, k: usize, transposed: bool, scale: f32) -> Vec<f32> {
    let at = |o: usize, i: usize| if transposed { o * k + i } else { i * n + o };
    let each = (0..n).flat_map(|o| (0..k).map(move |i| (o, i)));
    each.map(|(o, i)| scale * data[at(o, i)]).collect()
}

fn matmul(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let inputs = r.inputs(node)?;
    let (a, b) = (inputs[0], inputs[1]);
    let (a_shape, b_shape) = (r.new.shape(a).to_vec(), r.new.shape(b).to_vec());
    if let ([m, k], [.., _, _], Some(data), None) =
        (&a_shape[..], &b_shape[..], r.new.constant_data(a), r.new.constant_data(b))
    {
        let matrix = (data.to_vec(), [*m, *k], r.new.value(a).name.clone());
        return from_left(r, node, matrix, b).map(Some);
    }
    let (k, n) = match b_shape[..] {
        [k] => (k, 1),
        [k, n] => (k, n),
        _ => return Ok(None),
    };
    let Some(matrix) = Matrix::of(r, b) else {
        return Ok(None);
    };
    let name = &node.name;
    let w = matrix.canonical(r, [n, k], false, 1.0)?;
    // Leading axes are more rows; a vector is one row.
    let rows = a_shape[..a_shape.len() - 1].iter().product();
    let matrix = match a_shape.len() {
        2 => a,
        _ => r.new.reshape(name.clone(), a, &[rows, k])?,
    };
    let y = r.new.node(name.clone(), CANONICAL, &[matrix, w])?;
    let result = r.old.shape(node.outputs[0]).to_vec();
    match r.new.shape(y) == result {
        true => Ok(Some(y)),
        false => r.new.reshape(name.clone(), y, &result).map(Some),
    }
}

/// The product of a constant (M,K) matrix and columns, as that of rows and the matrix: each turned.
fn from_left(
    r: &mut Rewrite,
    node: &Node,
    (data, [m, k], label): (Vec<f32>, [usize; 2], String),
    x: ValueId,
) -> Result<ValueId> {
    let name = &node.name;
    let mut turned: Vec<usize> = (0..r.new.shape(x).len()).collect();
    let last = turned.len() - 2;
    turned.swap(last, last + 1);
    let x = r.new.node(name.clone(), Op::Transpose { perm: turned.clone() }, &[x])?;
    let mut shape = r.new.shape(x).to_vec();
    shape[last + 1] = m;
    let rows = shape[..=last].iter().product();
    let matrix = match shape.len() {
        2 => x,
        _ => r.new.reshape(name.clone(), x, &[rows, k])?,
    };
    let w = r.new.constant(label, &[m, k], data)?;
    let mut y = r.new.node(name.clone(), CANONICAL, &[matrix, w])?;
    if shape.len() > 2 {
        y = r.new.reshape(name.clone(), y, &shape)?;
    }
    r.new.node(name.clone(), Op::Transpose { perm: turned }, &[y])
}

fn gemm(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let Op::Gemm { alpha, beta, trans_a, trans_b } = node.op else {
        return Ok(None);
    };
    let inputs = r.inputs(node)?;
    let (mut a, b) = (inputs[0], inputs[1]);
    let shape = r.old.shape(node.outputs[0]).to_vec();
    let n = shape[1];
    let Some(matrix) = Matrix::of(r, b) else {
        return Ok(None);
    };
    let k = matrix.data.len() / n;
    let name = &node.name;
    let addend = inputs.get(2).copied().filter(|_| beta != 0.0);
    let label = addend.map_or_else(String::new, |c| r.new.value(c).name.clone());
    let scaled = addend.and_then(|c| r.new.constant_data(c)).map(|c| {
        let scaled: Vec<f32> = c.iter().map(|v| beta * v).collect();
        scaled
    });
    let w = matrix.canonical(r, [n, k], trans_b, alpha)?;
    if trans_a {
        a = r.new.node(name.clone(), Op::Transpose { perm: vec![1, 0] }, &[a])?;
    }
    let Some(c) = addend else {
        return r.new.node(name.clone(), CANONICAL, &[a, w]).map(Some);
    };
    let c_shape = r.new.shape(c).to_vec();
    match scaled {
        // One row, or one element, for all rows.
        Some(scaled) if c_shape.len() < 2 || c_shape[0] == 1 => {
            let pick = |o: usize| scaled[if scaled.len() == 1 { 0 } else { o }];
            let bias = (0..n).map(pick).collect();
            let bias = r.new.constant(label, &[n], bias)?;
            r.new.node(name.clone(), CANONICAL, &[a, w, bias]).map(Some)
        }
        Some(scaled) => {
            let y = r.new.node(name.clone(), CANONICAL, &[a, w])?;
            let c = r.new.constant(label, &c_shape, scaled)?;
            r.new.node(name.clone(), Op::Add, &[y, c]).map(Some)
        }
        // A bias that the model keeps as integers.
        None if beta == 1.0 && c_shape == [n] && Matrix::of(r, c).is_some() => {
            r.new.node(name.clone(), CANONICAL, &[a, w, c]).map(Some)
        }
        None if beta == 1.0 => {
            let y = r.new.node(name.clone(), CANONICAL, &[a, w])?;
            r.new.node(name.clone(), Op::Add, &[y, c]).map(Some)
        }
        // A scaled computed addend: only Gemm itself can say that.
        None => {
            let op = Op::Gemm { alpha: 1.0, beta, trans_a: false, trans_b: true };
            r.new.node(name.clone(), op, &[a, w, c]).map(Some)
        }
    }
}
