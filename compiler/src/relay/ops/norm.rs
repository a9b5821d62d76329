//! Normalisations and softmax.

use std::rc::Rc;

use super::super::arrange::lying;
use super::super::call::{OperatorCall, refuse};
use super::super::operand::{Lying, Operand, inverse};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Op, ValueId, Window};

/// All axes with `axis` moved to the second place, where the graph has the channels.
fn channels_second(rank: usize, axis: usize) -> Vec<usize> {
    let mut want: Vec<usize> = (0..rank).filter(|&a| a != axis).collect();
    want.insert(1.min(want.len()), axis);
    want
}

/// Gamma and beta, which the text gives even where the attributes switch them off.
fn switched(call: &mut OperatorCall, channels: usize) -> Result<[ValueId; 2]> {
    let (center, scale) = (call.flag("center", true)?, call.flag("scale", true)?);
    let gamma = match scale {
        true => call.plain(1)?,
        false => call.lower.graph.constant("gamma", &[channels], vec![1.0; channels])?,
    };
    let beta = match center {
        true => call.plain(2)?,
        false => call.lower.graph.constant("beta", &[channels], vec![0.0; channels])?,
    };
    Ok([gamma, beta])
}

/// `nn.batch_norm(data, gamma, beta, moving_mean, moving_var)`: a tuple whose first field is the result.
pub(super) fn batch_norm(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(5)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 1, shape.len())?;
    let epsilon = call.float("epsilon", 1e-5)?;
    if shape.len() < 2 {
        return refuse(format!("the input {shape:?} has no channel axis"));
    }
    let want = channels_second(shape.len(), axis);
    let x = call.arranged(0, &want)?;
    let [gamma, beta] = switched(call, shape[axis])?;
    let inputs = [x, gamma, beta, call.plain(3)?, call.plain(4)?];
    let id = call.node(Op::BatchNormalization { epsilon }, &inputs)?;
    let statistics = [call.arguments[3].clone(), call.arguments[4].clone()];
    let [mean, variance] = statistics;
    Ok(Operand::Tuple(Rc::new(vec![lying(id, &want), mean, variance])))
}

/// `nn.layer_norm(data, gamma, beta)` over one axis.
pub(super) fn layer_norm(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", -1, shape.len())?;
    let epsilon = call.float("epsilon", 1e-5)?;
    let mut want: Vec<usize> = (0..shape.len()).filter(|&a| a != axis).collect();
    want.push(axis);
    let x = call.arranged(0, &want)?;
    let [gamma, beta] = switched(call, shape[axis])?;
    let id = call.node(Op::LayerNormalization { axis: shape.len() - 1, epsilon }, &[x, gamma, beta])?;
    Ok(lying(id, &want))
}

/// `nn.instance_norm(data, gamma, beta)`.
pub(super) fn instance_norm(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 1, shape.len())?;
    let epsilon = call.float("epsilon", 1e-5)?;
    let want = channels_second(shape.len(), axis);
    let x = call.arranged(0, &want)?;
    let [gamma, beta] = switched(call, shape[axis])?;
    let id = call.node(Op::InstanceNormalization { epsilon }, &[x, gamma, beta])?;
    Ok(lying(id, &want))
}

/// `nn.group_norm(data, gamma, beta, num_groups)`: the instances of an instance norm are the groups.
pub(super) fn group_norm(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 1, shape.len())?;
    let epsilon = call.float("epsilon", 1e-5)?;
    let groups = match call.integer("num_groups")?.map(usize::try_from) {
        Some(Ok(n)) if n > 0 && shape[axis].is_multiple_of(n) => n,
        _ => {
            let message = format!("must divide the {} channels", shape[axis]);
            return Err(Error::new("import", message).attribute("num_groups"));
        }
    };
    if shape.len() < 2 {
        return refuse(format!("the input {shape:?} has no channel axis"));
    }
    let want = channels_second(shape.len(), axis);
    let x = call.arranged(0, &want)?;
    let full = call.lower.graph.shape(x).to_vec();
    let [gamma, beta] = [1, 2].map(|i| (call.constant(i), i));
    let switches = [call.flag("scale", true)?, call.flag("center", true)?];
    let rest = full[1..].iter().product::<usize>() / groups;
    let grouped = call.lower.graph.reshape(format!("{}/groups", call.name), x, &[full[0], groups, rest])?;
    let one = call.lower.graph.constant("", &[groups], vec![1.0; groups])?;
    let zero = call.lower.graph.constant("", &[groups], vec![0.0; groups])?;
    let normal = call.part("norm", Op::InstanceNormalization { epsilon }, &[grouped, one, zero])?;
    let mut y = call.lower.graph.reshape(format!("{}/image", call.name), normal, &full)?;
    let mut spread = vec![full[1]];
    spread.resize(full.len() - 1, 1);
    let steps = [Op::Binary { kind: BinaryKind::Mul }, Op::Add];
    for ((op, (parameter, index)), on) in steps.into_iter().zip([gamma, beta]).zip(switches) {
        if !on {
            continue;
        }
        let parameter = parameter?;
        if parameter.array.shape != [full[1]] {
            return refuse(format!(
                "operand {index} has shape {:?}, not [{}]",
                parameter.array.shape, full[1]
            ));
        }
        let parameter = call.lower.reshaped(&parameter, &spread)?;
        y = call.node(op, &[y, parameter])?;
    }
    Ok(lying(y, &want))
}

/// `nn.softmax(data)` and its logarithm along one axis.
pub(super) fn softmax(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", -1, shape.len())?;
    let order: Vec<usize> = match &call.arguments[0] {
        Operand::Value(lying) => lying.order.to_vec(),
        _ => (0..shape.len()).collect(),
    };
    let x = call.arranged(0, &inverse(&order))?;
    let axis = order[axis];
    let op = match call.operator {
        "nn.log_softmax" => Op::LogSoftmax { axis },
        _ => Op::Softmax { axis },
    };
    let id = call.node(op, &[x])?;
    Ok(Operand::Value(Lying { id, order: order.into() }))
}

/// x * x, which has no operator of its own.
pub(super) fn square(call: &mut OperatorCall, x: ValueId) -> Result<ValueId> {
    call.part("square", Op::Binary { kind: BinaryKind::Mul }, &[x, x]).map_err(|e: Error| e.stage("import"))
}

/// `nn.lrn(x)`: x / (bias + alpha / size * (sum of squares of `size` channels around))^beta, the sum as a mean pool over
/// channels, as rows of an image of one channel.
pub(super) fn local_response(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 1, shape.len())?;
    let size = usize::try_from(call.integer("size")?.unwrap_or(5)).unwrap_or(0);
    if size == 0 || size.is_multiple_of(2) || shape.len() < 3 || axis != 1 {
        let message = format!(
            "{size} elements along axis {axis} of {shape:?}: must be an odd number along the channels"
        );
        return Err(Error::new("import", message).attribute("size"));
    }
    let [bias, alpha, beta] =
        [call.float("bias", 2.0)?, call.float("alpha", 1e-5)?, call.float("beta", 0.75)?];
    let x = call.plain(0)?;
    let squares = call.part("squares", Op::Binary { kind: BinaryKind::Mul }, &[x, x])?;
    let rest = shape[2..].iter().product();
    let flat =
        call.lower.graph.reshape(format!("{}/rows", call.name), squares, &[shape[0], 1, shape[1], rest])?;
    let window = Window { kernel: [size, 1], pads: [size / 2, 0, size / 2, 0], ..Window::UNIT };
    let mean = call.part("mean", Op::AveragePool { window, count_include_pad: true }, &[flat])?;
    let mean = call.lower.graph.reshape(format!("{}/mean", call.name), mean, &shape)?;
    let mut number = |value: f32| call.lower.graph.constant("", &[], vec![value]);
    let [alpha, bias, beta] = [number(alpha)?, number(bias)?, number(beta)?];
    let scaled = call.part("scaled", Op::Binary { kind: BinaryKind::Mul }, &[mean, alpha])?;
    let sum = call.part("sum", Op::Add, &[scaled, bias])?;
    let power = call.part("power", Op::Binary { kind: BinaryKind::Pow }, &[sum, beta])?;
    call.emit(Op::Binary { kind: BinaryKind::Div }, &[x, power])
}
