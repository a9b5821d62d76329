//! Attention of opset 23: products, a mask, a softmax.

use super::call::Call;
use super::choice;
use super::tensor::TensorElements;
use crate::error::Result;
use crate::graph::{BinaryKind, Op, ValueId};

/// Attention without a cache: softmax(Q * K^T * scale + mask) * V, head by head. Of three axes (N, L, heads * E), or
/// four, (N, heads, L, E); heads of K and V may be fewer, each for as many neighbours of Q.
pub(super) fn attention(call: &mut Call) -> Result<()> {
    call.arity(3..=4)?;
    if (1..call.results()).any(|result| call.wanted(result)) {
        return Err(call
            .error("somebody reads its keys, values or products")
            .hint("export without a cache (use_cache=False)"));
    }
    call.ignore("softmax_precision");
    call.ignore("qk_matmul_output_mode");
    if call.float("softcap", 0.0)? != 0.0 {
        return call.refuse("softcap", "is not 0");
    }
    let causal = call.flag("is_causal", false)?;
    let joined = call.shape(0)?.len() == 3;
    let counts = [call.int("q_num_heads", 0)?, call.int("kv_num_heads", 0)?];
    let names = ["q_num_heads", "kv_num_heads", "kv_num_heads"];
    let mut operands = [call.value(0)?, call.value(1)?, call.value(2)?];
    for (input, operand) in operands.iter_mut().enumerate() {
        let shape = call.shape_of(*operand);
        if shape.len() != if joined { 3 } else { 4 } {
            return Err(
                call.error(format!("input {input} has the shape {shape:?}, of other axes than input 0"))
            );
        }
        if joined {
            let heads = usize::try_from(counts[input.min(1)]).unwrap_or(0);
            *operand = apart(call, *operand, heads, names[input])?;
        }
    }
    let [q, k, v] = operands;
    let [of_q, of_k] = [call.shape_of(q), call.shape_of(k)];
    let (heads, size) = (of_q[1], of_q[3]);
    let scale = call.float("scale", 1.0 / (size as f32).sqrt())?;
    if of_k[1] == 0 || !heads.is_multiple_of(of_k[1]) {
        return call.refuse("kv_num_heads", format!("{} does not divide the {heads} heads of Q", of_k[1]));
    }
    let [k, v] = [repeated(call, k, heads)?, repeated(call, v, heads)?];
    let scale = call.scalar_value(scale)?;
    let q = call.apply(Op::Binary { kind: BinaryKind::Mul }, &[q, scale])?;
    let k = call.apply(Op::Transpose { perm: vec![0, 1, 3, 2] }, &[k])?;
    let mut scores = call.apply(Op::MatMul, &[q, k])?;
    if let Some(mask) = mask(call, [of_q[2], of_k[2]], causal)? {
        scores = call.apply(Op::Add, &[scores, mask])?;
    }
    let weights = call.apply(Op::Softmax { axis: 3 }, &[scores])?;
    if !joined {
        return call.emit(Op::MatMul, &[weights, v]);
    }
    let y = call.apply(Op::MatMul, &[weights, v])?;
    let y = call.apply(Op::Transpose { perm: vec![0, 2, 1, 3] }, &[y])?;
    let shape = call.shape_of(y);
    let y = call.reshaped(y, &[shape[0], shape[1], shape[2] * shape[3]])?;
    call.result(y)
}

/// Heads of (N, L, heads * E) as an axis of their own, (N, heads, L, E).
fn apart(call: &mut Call, x: ValueId, heads: usize, attribute: &str) -> Result<ValueId> {
    let shape = call.shape_of(x);
    if heads == 0 || !shape[2].is_multiple_of(heads) {
        return call.refuse(attribute, format!("{heads} does not divide the last axis of {shape:?}"));
    }
    let x = call.reshaped(x, &[shape[0], shape[1], heads, shape[2] / heads])?;
    call.apply(Op::Transpose { perm: vec![0, 2, 1, 3] }, &[x])
}

/// Each head of (N, own heads, L, E) as often as it takes to have `heads`.
fn repeated(call: &mut Call, x: ValueId, heads: usize) -> Result<ValueId> {
    let shape = call.shape_of(x);
    let (own, times) = (shape[1], heads / shape[1]);
    if times == 1 {
        return Ok(x);
    }
    let x = call.reshaped(x, &[shape[0], own, 1, shape[2], shape[3]])?;
    let x = call.apply(Op::Expand { shape: vec![shape[0], own, times, shape[2], shape[3]] }, &[x])?;
    call.reshaped(x, &[shape[0], heads, shape[2], shape[3]])
}

/// What is added to the scores of `rows` by `columns`: minus infinity, as the largest negative number, where they do
/// not count.
fn mask(call: &mut Call, [rows, columns]: [usize; 2], causal: bool) -> Result<Option<ValueId>> {
    let least = |counts: bool| if counts { 0.0 } else { f32::MIN };
    match (causal, call.has(3)) {
        (false, false) => Ok(None),
        (true, false) => {
            let data = (0..rows * columns).map(|n| least(n % columns <= n / columns)).collect();
            call.floats_value(&[rows, columns], data).map(Some)
        }
        (false, true)
            if call.is_constant(3) && matches!(call.constant(3)?.elements, TensorElements::Ints(_)) =>
        {
            choice::whole_rows(call, 3, |x| x == 0.0)?;
            let mask = call.constant(3)?;
            let data = mask.numbers().map(|x| least(x != 0.0)).collect();
            call.floats_value(&mask.shape, data).map(Some)
        }
        (false, true) => choice::term(call, 3).map(Some),
        // What two masks leave out together is twice the largest number, an infinity, and that of a whole row no number.
        (true, true) => Err(call
            .error("has a mask and is causal")
            .attribute("is_causal")
            .hint("export with a mask that is causal itself")),
    }
}
