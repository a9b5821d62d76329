//! RNN, LSTM and GRU, step by step as the ONNX text writes them.

use ndarray::{Array2, ArrayD, ArrayView1, ArrayView2, ArrayViewD, IxDyn, s};

use super::gemm::product;
use super::math::{sigmoid, tanh};
use crate::graph::{Cell, Direction, Recurrent};

/// The parameters of one direction.
struct DirectionParameters<'a> {
    /// (G*H, I).
    weights: ArrayView2<'a, f32>,
    /// (G*H, H).
    recurrent: ArrayView2<'a, f32>,
    /// (2*G*H): of the input, then of the state.
    bias: ArrayView1<'a, f32>,
    /// (3*H) for the gates i, o, f.
    peepholes: Option<ArrayView1<'a, f32>>,
}

/// All hidden states (S,D,B,H), or the last cell state (D,B,H).
pub(super) fn recurrent(x: &[ArrayViewD<f32>], r: &Recurrent, shape: &[usize]) -> ArrayD<f32> {
    let (steps, hidden) = (x[0].shape()[0], r.hidden);
    let mut y = ArrayD::<f32>::zeros(IxDyn(shape));
    for d in 0..r.direction.count() {
        let matrix = |i: usize| x[i].slice(s![d, .., ..]);
        let side = DirectionParameters {
            weights: matrix(1),
            recurrent: matrix(2),
            bias: x[3].slice(s![d, ..]),
            peepholes: x.get(6).map(|p| p.slice(s![d, ..])),
        };
        let mut h = matrix(4).to_owned();
        let mut c = match r.cell {
            Cell::Lstm => matrix(5).to_owned(),
            _ => Array2::zeros((0, hidden)),
        };
        for step in 0..steps {
            let backwards = d == 1 || r.direction == Direction::Reverse;
            let t = if backwards { steps - 1 - step } else { step };
            let from_input = product(x[0].slice(s![t, .., ..]), side.weights.t());
            match r.cell {
                Cell::Rnn => rnn(&side, &from_input, &mut h),
                Cell::Lstm => lstm(&side, &from_input, &mut h, &mut c),
                Cell::Gru { linear_before_reset } => gru(&side, &from_input, &mut h, linear_before_reset),
            }
            if !r.cell_state {
                y.slice_mut(s![t, d, .., ..]).assign(&h);
            }
        }
        if r.cell_state {
            y.slice_mut(s![d, .., ..]).assign(&c);
        }
    }
    y
}

fn rnn(side: &DirectionParameters, from_input: &Array2<f32>, h: &mut Array2<f32>) {
    let from_state = product(h.view(), side.recurrent.t());
    let hidden = h.ncols();
    for ((b, j), h) in h.indexed_iter_mut() {
        let bias = side.bias[j] + side.bias[hidden + j];
        *h = tanh(f64::from(from_input[[b, j]] + from_state[[b, j]] + bias)) as f32;
    }
}

fn lstm(side: &DirectionParameters, from_input: &Array2<f32>, h: &mut Array2<f32>, c: &mut Array2<f32>) {
    let from_state = product(h.view(), side.recurrent.t());
    let hidden = h.ncols();
    for ((b, j), h) in h.indexed_iter_mut() {
        let sum = |gate: usize| {
            let k = gate * hidden + j;
            let bias = side.bias[k] + side.bias[4 * hidden + k];
            f64::from(from_input[[b, k]] + from_state[[b, k]] + bias)
        };
        let peep = |gate: usize, c: f64| side.peepholes.map_or(0.0, |p| f64::from(p[gate * hidden + j]) * c);
        let old = f64::from(c[[b, j]]);
        let input = sigmoid(sum(0) + peep(0, old));
        let forget = sigmoid(sum(2) + peep(2, old));
        let new = forget * old + input * tanh(sum(3));
        let output = sigmoid(sum(1) + peep(1, new));
        c[[b, j]] = new as f32;
        *h = (output * tanh(new)) as f32;
    }
}

fn gru(side: &DirectionParameters, from_input: &Array2<f32>, h: &mut Array2<f32>, linear_before_reset: bool) {
    let hidden = h.ncols();
    let from_state = product(h.view(), side.recurrent.t());
    let gate = |gate: usize, b: usize, j: usize| {
        let k = gate * hidden + j;
        let bias = side.bias[k] + side.bias[3 * hidden + k];
        sigmoid(f64::from(from_input[[b, k]] + from_state[[b, k]] + bias))
    };
    let reset = Array2::from_shape_fn(h.dim(), |(b, j)| gate(1, b, j) as f32);
    let last = side.recurrent.slice(s![2 * hidden.., ..]);
    let from_reset = product((&reset * &*h).view(), last.t());
    let old = h.clone();
    for ((b, j), h) in h.indexed_iter_mut() {
        let k = 2 * hidden + j;
        let (own, state) = (side.bias[k], side.bias[3 * hidden + k]);
        let sum = match linear_before_reset {
            true => from_input[[b, k]] + own + reset[[b, j]] * (from_state[[b, k]] + state),
            false => from_input[[b, k]] + own + from_reset[[b, j]] + state,
        };
        let z = gate(0, b, j);
        *h = ((1.0 - z) * tanh(f64::from(sum)) + z * f64::from(old[[b, j]])) as f32;
    }
}
