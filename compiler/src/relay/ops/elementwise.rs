//! Functions of one and of two elements.

use std::rc::Rc;

use super::super::arrange::{lying, upright};
use super::super::array::{Elements, NdArray};
use super::super::call::{OperatorCall, refuse};
use super::super::operand::{Constant, Lying, Operand, inverse};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Op, UnaryKind, ValueId};

/// The functions that Relay has under the graph's own name. The others exist in this project only.
const UNARY: [&str; 22] = [
    "negative", "abs", "sqrt", "exp", "log", "erf", "sigmoid", "tanh", "floor", "ceil", "sign", "sin", "cos",
    "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
];

/// The functions that the graph lists in its tables; `None` for a name that none of them has.
pub(super) fn family(call: &mut OperatorCall, name: &str) -> Option<Result<Operand>> {
    if name == "nn.relu" {
        return Some(unary(call, Op::Relu));
    }
    if name == "add" {
        return Some(binary(call, Op::Add));
    }
    let plain = name.strip_prefix("fast_").unwrap_or(name);
    if let Some(e) = UnaryKind::ALL.iter().find(|e| e.2 == plain && is_relay(e.0)) {
        return Some(unary(call, Op::Unary { kind: e.0 }));
    }
    let e = BinaryKind::ALL.iter().find(|e| e.2 == name)?;
    Some(binary(call, Op::Binary { kind: e.0 }))
}

/// Whether Relay has an operator for the function.
pub(in super::super) fn is_relay(kind: UnaryKind) -> bool {
    UNARY.contains(&kind.text_name())
}

/// The first operand as it lies, and its order.
fn as_it_lies(call: &mut OperatorCall) -> Result<(ValueId, Rc<[usize]>)> {
    match call.arguments.first() {
        Some(Operand::Value(lying)) => Ok((lying.id, lying.order.clone())),
        _ => {
            let id = call.plain(0)?;
            let rank = call.lower.graph.shape(id).len();
            Ok((id, (0..rank).collect()))
        }
    }
}

/// One operand, each element for itself.
pub(super) fn unary(call: &mut OperatorCall, op: Op) -> Result<Operand> {
    call.operands(1)?;
    let (x, order) = as_it_lies(call)?;
    let id = call.node(op, &[x])?;
    Ok(Operand::Value(Lying { id, order }))
}

/// 1 / sqrt(x).
pub(super) fn rsqrt(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let (x, order) = as_it_lies(call)?;
    let root = call.part("sqrt", Op::Unary { kind: UnaryKind::Sqrt }, &[x])?;
    let id = call.node(Op::Unary { kind: UnaryKind::Reciprocal }, &[root])?;
    Ok(Operand::Value(Lying { id, order }))
}

/// TVM rounds halves away from zero, the graph to even: sign(x) * floor(|x| + 0.5).
pub(super) fn round(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let (x, order) = as_it_lies(call)?;
    let unary = |kind| Op::Unary { kind };
    let sign = call.part("sign", unary(UnaryKind::Sign), &[x])?;
    let size = call.part("abs", unary(UnaryKind::Abs), &[x])?;
    let half = call.lower.graph.constant("half", &[], vec![0.5])?;
    let more = call.part("add", Op::Add, &[size, half])?;
    let whole = call.part("floor", unary(UnaryKind::Floor), &[more])?;
    let id = call.node(Op::Binary { kind: BinaryKind::Mul }, &[sign, whole])?;
    Ok(Operand::Value(Lying { id, order }))
}

/// `clip(x, a_min, a_max)`.
pub(super) fn clip(call: &mut OperatorCall) -> Result<Operand> {
    let [min, max] = bounds(call)?;
    unary(call, Op::Clip { min, max })
}

/// The least and the largest number that a `clip` leaves.
pub(super) fn bounds(call: &mut OperatorCall) -> Result<[f32; 2]> {
    for key in ["a_min", "a_max"] {
        if !call.has(key) {
            return Err(Error::new("import", "is missing").attribute(key));
        }
    }
    Ok([call.float("a_min", 0.0)?, call.float("a_max", 0.0)?])
}

/// `nn.leaky_relu(x, alpha)`.
pub(super) fn leaky_relu(call: &mut OperatorCall) -> Result<Operand> {
    let alpha = call.float("alpha", 0.25)?;
    unary(call, Op::LeakyRelu { alpha })
}

/// `nn.prelu(x, alpha)`: a slope for each extent of an axis.
pub(super) fn prelu(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 1, shape.len())?;
    let slope = call.shape(1)?;
    if slope != [shape[axis]] {
        return refuse(format!("the slope {slope:?} does not fit axis {axis} of {shape:?}"));
    }
    let (x, order) = as_it_lies(call)?;
    let constant = call.constant(1)?;
    if shape.len() == 1
        && let Some((_, node)) = call.lower.graph.producer(x)
        && node.op == Op::Reshape
    {
        // As TVM's ONNX front end writes it: a slope for each element of what is flattened for that.
        let inner = node.inputs[0];
        let from = call.lower.graph.shape(inner).to_vec();
        let (few, slopes) = narrowed(&from, constant.array.to_floats());
        let slope = call.lower.graph.constant(constant.name.borrow().as_str(), &few, slopes)?;
        let y = call.node(Op::PRelu, &[inner, slope])?;
        call.lower.superseded.extend(call.lower.graph.producer(x).map(|(index, _)| index));
        let id = call.lower.graph.reshape(format!("{}/flat", call.name), y, &shape)?;
        return Ok(Operand::Value(Lying { id, order }));
    }
    let mut spread = slope;
    spread.resize(shape.len() - order[axis], 1);
    let slope = call.lower.reshaped(&constant, &spread)?;
    let id = call.node(Op::PRelu, &[x, slope])?;
    Ok(Operand::Value(Lying { id, order }))
}

/// Elements without the repetitions along axes, each of which has extent 1 then.
fn narrowed(shape: &[usize], mut data: Vec<f32>) -> (Vec<usize>, Vec<f32>) {
    let mut shape = shape.to_vec();
    for axis in 0..shape.len() {
        let inner: usize = shape[axis + 1..].iter().product();
        let block = shape[axis] * inner;
        let repeated = |rows: &[f32]| rows.chunks(inner).all(|row| row == &rows[..inner]);
        if data.chunks(block).all(repeated) {
            data = data.chunks(block).flat_map(|rows| rows[..inner].to_vec()).collect();
            shape[axis] = 1;
        }
    }
    let ones = shape.iter().take_while(|&&n| n == 1).count();
    (shape.split_off(ones), data)
}

/// Operators that leave a tensor as it is.
pub(super) fn same(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let operand = call.arguments[0].clone();
    match call.operator {
        "nn.dropout" => {
            call.float("rate", 0.5)?;
            // At inference the mask is all ones, and nothing may read it.
            return Ok(Operand::Tuple(Rc::new(vec![operand])));
        }
        "on_device" | "device_copy" => {
            // Where it is computed; functions and tuples may be placed too.
            call.rest();
            return Ok(operand);
        }
        _ => {}
    }
    call.shape(0)?;
    Ok(operand)
}

/// Two operands with numpy broadcasting, in the order of axes in which they lie if that fits.
pub(super) fn binary(call: &mut OperatorCall, op: Op) -> Result<Operand> {
    call.operands(2)?;
    let (a, b) = (call.shape(0)?, call.shape(1)?);
    let rank = a.len().max(b.len());
    let moved = |operand: &Operand| match operand {
        Operand::Value(lying) if !lying.order.is_sorted() => Some(inverse(&lying.order)),
        _ => None,
    };
    let orders = [moved(&call.arguments[0]), moved(&call.arguments[1])];
    // A tensor of fewer axes that has moved cannot lead: its axes are not all there.
    let leader =
        [a.len(), b.len()].into_iter().zip(&orders).find_map(|(n, o)| o.clone().filter(|_| n == rank));
    let Some(have) = leader else {
        let inputs = [call.plain(0)?, call.plain(1)?];
        let id = call.node(op, &inputs)?;
        return Ok(upright(id, rank));
    };
    let mut inputs = [ValueId(0); 2];
    for (index, shape) in [a, b].iter().enumerate() {
        inputs[index] = follow(call, index, shape, &have)?;
    }
    let id = call.node(op, &inputs)?;
    Ok(lying(id, &have))
}

/// An operand brought into the order of another, of higher or equal rank.
fn follow(call: &mut OperatorCall, index: usize, shape: &[usize], have: &[usize]) -> Result<ValueId> {
    if shape.len() == have.len() {
        return call.arranged(index, have);
    }
    if shape.iter().all(|&n| n == 1) && shape.len() <= 1 {
        return call.plain(index);
    }
    let mut full = vec![1; have.len() - shape.len()];
    full.extend(shape);
    match call.arguments[index].clone() {
        Operand::Constant(constant) => {
            let Elements::Floats(_) = constant.array.elements else {
                return call.plain(index);
            };
            let array = NdArray { shape: full, ..constant.array.clone() };
            let spread = Operand::Constant(Constant::new(&constant.name.borrow(), array));
            call.lower.arranged(&spread, have, call.name)
        }
        _ => {
            let x = call.plain(index)?;
            let id = call.lower.graph.reshape(format!("{}/reshape", call.name), x, &full)?;
            call.lower.arranged(&upright(id, have.len()), have, call.name)
        }
    }
}
