//! Terms of a sum of 16 bits that end by themselves: the post unit holds each of the two before it adds them, so
//! that one may end where the sum, which the other one brings back, does not. An operand of 16 bits is added in two
//! steps, and what the first one makes may end as well.

use super::Checked;
use super::exact::ExactSource;
use super::integers::NetworkIntegers;
use super::intervals::scaled_end;
use crate::claims::Operation;
use crate::graph::{BinaryKind, Op, ValueId};
use ndarray::ArrayD;

/// The operation's source with the terms of its sum cut at their ends; `None` where none lies beyond them. `exact`
/// is evaluated up to the terms.
pub(super) fn terms<'a>(
    integers: &NetworkIntegers<'_>,
    operation: &Operation,
    exact: &mut ExactSource<'a>,
) -> Checked<Option<ExactSource<'a>>> {
    let sums = || {
        integers.nodes(operation).into_iter().filter_map(|(_, tensors, node)| {
            let operand = node.operand.as_ref().filter(|operand| !operand.scale.multiply)?;
            let [to, added] = [node.output.tensor, operand.view.tensor].map(|id| tensors[id.0 as usize]);
            integers.tensor(to).wide.then(|| (to, integers.tensor(added)))
        })
    };
    let between = sums().find(|(to, _)| *to != operation.output.tensor);
    let Some((to, added)) = between.or_else(|| sums().next()) else { return Ok(None) };
    let to = integers.tensor(to);
    // Two terms reach beyond what ends one of them: their sum ends where the tensor does.
    let (end, (bottom, top)) = (scaled_end() * f64::from(to.scale), to.range());
    let halves = between.filter(|(_, added)| added.wide).map(|_| 256.0 * f64::from(added.scale));
    let nodes = || operation.nodes.iter().map(|&n| &integers.graph.nodes[n]);
    let is_sum = |op: &Op| matches!(op, Op::Add | Op::Binary { kind: BinaryKind::Sub });
    let made = |id: &ValueId| nodes().any(|node| node.outputs.contains(id));
    let constant = |id: &ValueId| integers.graph.constant_data(*id).is_some();
    let joins = |inputs: &[ValueId]| inputs.iter().any(|id| !made(id)) && !inputs.iter().any(constant);
    // Of an operation that adds a constant tensor, the last sum.
    let additions = || nodes().filter(|node| is_sum(&node.op));
    let Some(sum) = additions().find(|node| joins(&node.inputs)).or_else(|| additions().next_back()) else {
        return Ok(None);
    };
    for &term in sum.inputs.iter().filter(|id| made(id)) {
        exact.advance(Some(term))?;
    }
    let shape = integers.graph.shape(sum.outputs[0]);
    let mut high = ArrayD::<f64>::zeros(shape);
    let mut low = ArrayD::<f64>::zeros(shape);
    for (&term, sign) in sum.inputs.iter().zip([1.0, if sum.op == Op::Add { 1.0 } else { -1.0 }]) {
        // What is added is what the operation neither makes nor multiplies.
        let halves = halves.filter(|_| !made(&term) && term != operation.linear.value);
        let Some(value) = exact.value(term)?.broadcast(shape) else { return Ok(None) };
        // The high halves, where those come first; a tie of halves is the upper one.
        let first = |x: f64| halves.map_or(x, |step| (x / step + 1e-9).round() * step);
        high.zip_mut_with(&value, |high, &x| *high += sign * first(x).clamp(-end, end));
        low.zip_mut_with(&value, |low, &x| *low += sign * (x - first(x)));
    }
    exact.advance(Some(sum.outputs[0]))?;
    high.mapv_inplace(|high| high.clamp(bottom, top));
    let output = integers.tensor(operation.output.tensor);
    if halves.is_some() && output.wide {
        let end = scaled_end() * f64::from(output.scale);
        high.mapv_inplace(|high| high.clamp(-end, end));
    }
    let ended = high + low;
    let whole = exact.value(sum.outputs[0])?;
    let differs = ended.iter().zip(whole).any(|(a, b)| (a - b).abs() > f64::from(to.scale) * 1e-3);
    Ok((differs && operation.linear.value != sum.outputs[0]).then(|| {
        let mut other = exact.clone();
        other.replace(sum.outputs[0], ended);
        other
    }))
}
