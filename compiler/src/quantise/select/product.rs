//! Matrix products as convolutions of one tap.

use super::candidate::Candidate;
use super::constants::per_channel;
use super::kernel::{Kernel, Refusal, Selection, refuse};
use super::strided::{HomeId, StridedDim, StridedLayout};
use crate::graph::{Op, ValueId, Window};

/// The dims of all axes but the last ones as rows and columns of a grid: at most two runs.
fn pixels(dims: &[Vec<StridedDim>]) -> Option<[Vec<StridedDim>; 2]> {
    let runs = StridedLayout::new(HomeId::Output, dims.concat());
    match runs.dims[..] {
        [] => Some([vec![], vec![]]),
        [x] => Some([vec![], vec![x]]),
        [y, x] => Some([vec![y], vec![x]]),
        _ => None,
    }
}

/// Rows and columns, then channels, of a grid, as the order of a value's elements.
fn pixels_first(grid: [usize; 3]) -> StridedLayout {
    let dim = |axis: usize| StridedDim { extent: grid[axis], axis, step: 1 };
    StridedLayout::new(HomeId::Output, [dim(1), dim(2), dim(0)])
}

/// A product with a constant matrix on the right: one row is a convolution whose kernel is the whole
/// input, several rows are pixels.
pub fn constant(call: &Candidate) -> Result<Selection, Refusal> {
    let (graph, node) = (call.graph, call.node);
    let (alpha, beta, trans_a, trans_b) = match node.op {
        Op::Gemm { alpha, beta, trans_a, trans_b } => (f64::from(alpha), f64::from(beta), trans_a, trans_b),
        _ => (1.0, 1.0, false, false),
    };
    let matrix = node.inputs[1];
    let (Some(b), [rows, columns]) = (graph.constant_data(matrix), graph.shape(matrix)) else {
        return refuse("its second operand is no constant matrix", "trained weights as the second operand");
    };
    let (n, k) = if trans_b { (*rows, *columns) } else { (*columns, *rows) };
    let shape = graph.shape(call.x);
    let (Some(axes), false) = (call.own.axes(shape), trans_a) else {
        let why = format!("its first operand {shape:?} does not lie evenly in memory");
        return Err(Refusal::uneven(why));
    };
    let (last, leading) = axes.split_last().expect("a product has rows");
    let last = call.own.of(last.iter().copied()).dims;
    let row = leading.iter().all(Vec::is_empty);
    let view = match (&last[..], row, pixels(leading)) {
        ([], _, Some([y, x])) => call.own.view([&[], &y, &x]),
        (&[c], true, _) => call.own.view([&[c], &[], &[]]),
        (&[c, x], true, _) => call.own.view([&[c], &[], &[x]]),
        (&[c, y, x], true, _) => call.own.view([&[c], &[y], &[x]]),
        (&[c], false, Some([y, x])) => call.own.view([&[c], &y, &x]),
        _ => None,
    };
    let Some(view) = view else {
        let why = format!("the rows of its first operand {shape:?} do not lie evenly in memory");
        return Err(Refusal::uneven(why));
    };
    let weight = |o: usize, i: usize| alpha * f64::from(if trans_b { b[o * k + i] } else { b[i * n + o] });
    let weights = (0..n * k).map(|j| weight(j / k, j % k) as f32).collect();
    let (window, grid) = match row {
        true => (Window { kernel: [view.shape[1], view.shape[2]], ..Window::UNIT }, [n, 1, 1]),
        false => (Window::UNIT, [n, view.shape[1], view.shape[2]]),
    };
    let out = pixels_first([grid[0], 1, grid[1] * grid[2]]);
    let bias = match node.inputs.get(2) {
        None => vec![0.0; n],
        Some(&c) => match per_channel(graph, c, call.out, &out, [grid[0], 1, grid[1] * grid[2]]) {
            Some(c) => c.iter().map(|c| beta * c).collect(),
            None => return refuse("its addend is not one number a column", "trained weights as the addend"),
        },
    };
    let kind = Kernel::Linear { window, weights, bias, groups: 1 };
    Ok(call.start_lines(kind, vec![view], grid, out))
}

/// A product of two activations, batch by batch.
pub fn activations(
    call: &Candidate,
    held: &dyn Fn(ValueId) -> Option<StridedLayout>,
) -> Result<Selection, Refusal> {
    let (graph, node) = (call.graph, call.node);
    let factor = match node.op {
        Op::Gemm { alpha, trans_a: false, trans_b: false, .. } if node.inputs.len() == 2 => f64::from(alpha),
        Op::MatMul => 1.0,
        _ => return refuse("it multiplies two activations and adds", "MatMul and Add"),
    };
    let [x, y] = [node.inputs[0], node.inputs[1]];
    let (Some(a), Some(b)) = (held(x), held(y)) else {
        return refuse("its first operand is a constant", "the constant as the second operand");
    };
    let (a_shape, b_shape) = (graph.shape(x), graph.shape(y));
    let rank = a_shape.len();
    if rank < 2 || rank != b_shape.len() || a_shape[..rank - 2] != b_shape[..rank - 2] {
        return refuse(format!("it multiplies {a_shape:?} and {b_shape:?}"), "operands of the same batch");
    }
    let n = b_shape[rank - 1];
    let count: usize = a_shape[..rank - 2].iter().product();
    let mut batches = Vec::with_capacity(count);
    for batch in 0..count {
        let one = |held: &StridedLayout, shape: &[usize]| {
            let (mut starts, mut extents) = (vec![0; rank], shape.to_vec());
            let mut rest = batch;
            for axis in (0..rank - 2).rev() {
                (starts[axis], extents[axis]) = (rest % shape[axis], 1);
                rest /= shape[axis];
            }
            let held = held.sliced(shape, &starts, &vec![1; rank], &extents)?;
            Some((held.axes(&extents)?, held))
        };
        let views = one(&a, a_shape).zip(one(&b, b_shape)).and_then(|((a_axes, a), (b_axes, b))| {
            let [rows, columns] = pixels(&a_axes[rank - 2..rank - 1])?;
            let a = a.view([&a_axes[rank - 1], &rows, &columns])?;
            Some((a, b.view([&b_axes[rank - 2], &[], &b_axes[rank - 1]])?))
        });
        match views {
            Some((a, b)) => batches.push((a, b, batch * n)),
            None => return Err(Refusal::uneven("its operands do not lie evenly in memory")),
        }
    }
    let Some(&(first, ..)) = batches.first() else {
        return refuse("it has no elements", "a network with a batch of 1");
    };
    let grid = [count * n, first.shape[1], first.shape[2]];
    let dims = [
        StridedDim { extent: count, axis: 0, step: n },
        StridedDim { extent: grid[1] * grid[2], axis: 2, step: 1 },
        StridedDim { extent: n, axis: 0, step: 1 },
    ];
    let out = StridedLayout::new(HomeId::Output, dims);
    let inputs = batches.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
    Ok(call.start_lines(Kernel::Product { batches, factor }, inputs, grid, out))
}
