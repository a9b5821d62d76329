//! Normalisations: of a batch at inference, of layers, instances and groups.

use super::call::Call;
use super::import::Operand;
use super::reduce::by_exponent;
use super::shape::axis;
use super::tensor::TensorElements;
use crate::error::Result;
use crate::graph::{BinaryKind, MAX_ELEMENTS, Op, ReduceKind, UnaryKind, ValueId, Window};

/// BatchNormalization with stored statistics.
pub(super) fn batch_normalization(call: &mut Call) -> Result<()> {
    let inputs = call.values(5)?;
    if call.flag("training_mode", false)? {
        if call.is_known(inputs[0]) && call.shape(0)?.len() > 1 {
            return standardised(call, &inputs);
        }
        return Err(call
            .error("the node computes its own statistics")
            .attribute("training_mode")
            .hint("export the model in evaluation mode"));
    }
    if call.opset() < 9 && !call.flag("spatial", true)? {
        return call.refuse("spatial", "statistics per element are not supported");
    }
    call.ignore("momentum");
    let epsilon = call.float("epsilon", 1e-5)?;
    if let Operand::Constant(variance) = call.operand(4)?
        && let TensorElements::Floats(variance) = &variance.elements
        && let Some(v) = variance.iter().find(|v| **v + epsilon <= 0.0)
    {
        return Err(call.error(format!("a variance is {v}, its root does not exist")));
    }
    call.emit(Op::BatchNormalization { epsilon }, &inputs)
}

/// BatchNormalization by the statistics of its input itself, which is of constants: standardised weights are exported so.
/// The running statistics stay unmade.
fn standardised(call: &mut Call, inputs: &[ValueId]) -> Result<()> {
    call.ignore("momentum");
    let epsilon = call.float("epsilon", 1e-5)?;
    let shape = call.shape_of(inputs[0]);
    let axes = (0..shape.len()).filter(|&a| a != 1).collect();
    let binary = |kind| Op::Binary { kind };
    let mean_of = Op::Reduce { kind: ReduceKind::Mean, axes, keepdims: true };
    let mean = call.apply(mean_of.clone(), &inputs[..1])?;
    let centred = call.apply(binary(BinaryKind::Sub), &[inputs[0], mean])?;
    let variance = mean_square(call, centred, mean_of)?;
    let epsilon = call.scalar_value(epsilon)?;
    let variance = call.apply(Op::Add, &[variance, epsilon])?;
    let deviation = call.apply(Op::Unary { kind: UnaryKind::Sqrt }, &[variance])?;
    let normal = call.apply(binary(BinaryKind::Div), &[centred, deviation])?;
    let mut channels = vec![1; shape.len()];
    channels[1] = shape[1];
    let (scale, bias) = (call.reshaped(inputs[1], &channels)?, call.reshaped(inputs[2], &channels)?);
    let scaled = call.apply(binary(BinaryKind::Mul), &[normal, scale])?;
    call.emit(Op::Add, &[scaled, bias])?;
    (1..call.results()).for_each(|_| call.skip_result());
    Ok(())
}

/// LayerNormalization, with its statistics if they are read.
pub(super) fn layer_normalization(call: &mut Call) -> Result<()> {
    call.arity(2..=3)?;
    call.ignore("stash_type");
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    let value = call.int("axis", -1)?;
    let axis = axis(call, value, shape.len())?;
    let epsilon = call.float("epsilon", 1e-5)?;
    let rest = shape[axis..].to_vec();
    let mut inputs = vec![x];
    for input in 1..3 {
        let parameter = match call.has(input) {
            true => call.value(input)?,
            false => call.zeros(&rest)?,
        };
        let fits = call.shape_of(parameter) == rest;
        inputs.push(match fits {
            true => parameter,
            false => call.apply(Op::Expand { shape: rest.clone() }, &[parameter])?,
        });
    }
    call.emit(Op::LayerNormalization { axis, epsilon }, &inputs)?;
    if !call.wanted(1) && !call.wanted(2) {
        return Ok(());
    }
    let mean_of = Op::Reduce { kind: ReduceKind::Mean, axes: (axis..shape.len()).collect(), keepdims: true };
    let mean = call.apply(mean_of.clone(), &[x])?;
    match call.wanted(1) {
        true => call.result(mean)?,
        false => call.skip_result(),
    }
    if call.wanted(2) {
        let centred = call.apply(Op::Binary { kind: BinaryKind::Sub }, &[x, mean])?;
        let variance = mean_square(call, centred, mean_of)?;
        let epsilon = call.scalar_value(epsilon)?;
        let variance = call.apply(Op::Add, &[variance, epsilon])?;
        let deviation = call.apply(Op::Unary { kind: UnaryKind::Sqrt }, &[variance])?;
        call.emit(Op::Unary { kind: UnaryKind::Reciprocal }, &[deviation])?;
    }
    Ok(())
}

/// The mean, by the reduction `mean_of`, of x * x.
fn mean_square(call: &mut Call, x: ValueId, mean_of: Op) -> Result<ValueId> {
    let squares = call.apply(Op::Binary { kind: BinaryKind::Mul }, &[x, x])?;
    call.apply(mean_of, &[squares])
}

/// InstanceNormalization.
pub(super) fn instance_normalization(call: &mut Call) -> Result<()> {
    let inputs = call.values(3)?;
    let epsilon = call.float("epsilon", 1e-5)?;
    call.emit(Op::InstanceNormalization { epsilon }, &inputs)
}

/// GroupNormalization, as an InstanceNormalization of the groups; scale and bias are one a group up to
/// opset 20, then one a channel.
pub(super) fn group_normalization(call: &mut Call) -> Result<()> {
    let inputs = call.values(3)?;
    let shape = call.shape(0)?;
    let epsilon = call.float("epsilon", 1e-5)?;
    call.ignore("stash_type");
    let groups = call.int("num_groups", 0)?;
    let groups =
        usize::try_from(groups).ok().filter(|&g| g > 0 && shape.len() > 2 && shape[1].is_multiple_of(g));
    let Some(groups) = groups else {
        return call.refuse("num_groups", format!("does not divide the channels of {shape:?}"));
    };
    let rest = shape[1..].iter().product::<usize>() / groups;
    let grouped = call.reshaped(inputs[0], &[shape[0], groups, rest])?;
    let op = Op::InstanceNormalization { epsilon };
    if call.opset() < 21 {
        let y = call.apply(op, &[grouped, inputs[1], inputs[2]])?;
        let y = call.reshaped(y, &shape)?;
        return call.result(y);
    }
    let zeros = call.zeros(&[groups])?;
    let ones = call.ones(&[groups])?;
    let y = call.apply(op, &[grouped, ones, zeros])?;
    let mut y = call.reshaped(y, &shape)?;
    let mut channels = vec![shape[1]];
    channels.resize(shape.len() - 1, 1);
    for (parameter, op) in [(inputs[1], Op::Binary { kind: BinaryKind::Mul }), (inputs[2], Op::Add)] {
        let parameter = call.reshaped(parameter, &channels)?;
        y = call.apply(op, &[y, parameter])?;
    }
    call.result(y)
}

/// LRN: x / (bias + alpha / size * (sum of squares of `size` channels around))^beta. The sum over channels is a mean
/// pool over them, as rows of an image of one channel; padding counts.
pub(super) fn local_response(call: &mut Call) -> Result<()> {
    let x = call.values(1)?[0];
    let shape = call.shape(0)?;
    let size = call.int("size", 0)?;
    let Some(size) = usize::try_from(size).ok().filter(|&n| n > 0 && n <= MAX_ELEMENTS) else {
        return call.refuse("size", format!("is {size}"));
    };
    let [alpha, beta, bias] =
        [call.float("alpha", 1e-4)?, call.float("beta", 0.75)?, call.float("bias", 1.0)?];
    if shape.len() < 3 {
        return Err(call.error(format!("the input {shape:?} has no spatial axes")));
    }
    let squares = call.apply(Op::Binary { kind: BinaryKind::Mul }, &[x, x])?;
    let rest: usize = shape[2..].iter().product();
    let flat = call.reshaped(squares, &[shape[0], 1, shape[1], rest])?;
    let window =
        Window { kernel: [size, 1], pads: [(size - 1) / 2, 0, size - 1 - (size - 1) / 2, 0], ..Window::UNIT };
    let mean = call.apply(Op::AveragePool { window, count_include_pad: true }, &[flat])?;
    let mean = call.reshaped(mean, &shape)?;
    let [alpha, beta, bias] = [call.scalar_value(alpha)?, call.scalar_value(beta)?, call.scalar_value(bias)?];
    let scaled = call.apply(Op::Binary { kind: BinaryKind::Mul }, &[mean, alpha])?;
    let sum = call.apply(Op::Add, &[scaled, bias])?;
    let power = call.apply(Op::Binary { kind: BinaryKind::Pow }, &[sum, beta])?;
    call.emit(Op::Binary { kind: BinaryKind::Div }, &[x, power])
}

/// RMSNormalization: x / sqrt(mean of x * x + epsilon) * scale.
pub(super) fn root_mean_square(call: &mut Call) -> Result<()> {
    let inputs = call.values(2)?;
    call.ignore("stash_type");
    let rank = call.shape(0)?.len();
    let value = call.int("axis", -1)?;
    let axes = (axis(call, value, rank)?..rank).collect();
    let epsilon = call.float("epsilon", 1e-5)?;
    let binary = |kind| Op::Binary { kind };
    let mean_of = Op::Reduce { kind: ReduceKind::Mean, axes, keepdims: true };
    let mean = mean_square(call, inputs[0], mean_of)?;
    let epsilon = call.scalar_value(epsilon)?;
    let mean = call.apply(Op::Add, &[mean, epsilon])?;
    let root = call.apply(Op::Unary { kind: UnaryKind::Sqrt }, &[mean])?;
    let y = call.apply(binary(BinaryKind::Div), &[inputs[0], root])?;
    call.emit(binary(BinaryKind::Mul), &[y, inputs[1]])
}

/// LpNormalization: x by the sum of its absolute values or by the root of the sum of its squares; zeros stay.
pub(super) fn lp_normalization(call: &mut Call) -> Result<()> {
    let x = call.values(1)?[0];
    let rank = call.shape(0)?.len();
    let value = call.int("axis", -1)?;
    let axes = vec![axis(call, value, rank)?];
    let kind = by_exponent(call)?;
    let length = call.apply(Op::Reduce { kind, axes, keepdims: true }, &[x])?;
    let length = call.apply(Op::Clip { min: f32::MIN_POSITIVE, max: f32::MAX }, &[length])?;
    call.emit(Op::Binary { kind: BinaryKind::Div }, &[x, length])
}

/// MeanVarianceNormalization: what x differs from its mean, by its deviation.
pub(super) fn mean_variance(call: &mut Call) -> Result<()> {
    let x = call.values(1)?[0];
    let rank = call.shape(0)?.len();
    let named = call.ints("axes")?.unwrap_or(&[0, 2, 3]);
    let mut axes = super::moves::axes(call, named, rank)?;
    axes.sort_unstable();
    let binary = |kind| Op::Binary { kind };
    let mean_of = Op::Reduce { kind: ReduceKind::Mean, axes, keepdims: true };
    let mean = call.apply(mean_of.clone(), &[x])?;
    let centred = call.apply(binary(BinaryKind::Sub), &[x, mean])?;
    let variance = mean_square(call, centred, mean_of)?;
    let deviation = call.apply(Op::Unary { kind: UnaryKind::Sqrt }, &[variance])?;
    // So the function that the standard gives for it.
    let least = call.scalar_value(1e-9)?;
    let deviation = call.apply(Op::Add, &[deviation, least])?;
    call.emit(binary(BinaryKind::Div), &[centred, deviation])
}
