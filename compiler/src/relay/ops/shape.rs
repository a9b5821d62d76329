//! Operators that give the same elements another shape or order of axes.

use super::super::arrange::{lying, upright};
use super::super::call::{OperatorCall, refuse, resolve};
use super::super::operand::{Lying, Operand};
use super::layout::layout;
use crate::error::{Error, Result};
use crate::graph::{DepthToSpaceMode, Op, elements};

/// `reshape(x, newshape=[...])` with the codes 0 (copy), -1 (infer), -2 (copy the rest), -3 (merge two)
/// and -4 (split).
pub(super) fn reshape(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let reverse = call.operator == "contrib_reverse_reshape";
    let mut shape = call.shape(0)?;
    let Some(mut codes) = call.list("newshape")? else {
        return Err(Error::new("import", "is missing").attribute("newshape"));
    };
    if call.flag("allowzero", false)? && codes.contains(&0) {
        return Err(Error::new("import", "makes an empty tensor").attribute("allowzero"));
    }
    if reverse {
        shape.reverse();
        codes.reverse();
    }
    let mut new = resolve_shape(&shape, &codes).map_err(|e| e.attribute("newshape"))?;
    if reverse {
        new.reverse();
    }
    call.reshape(0, &new)
}

/// The shape that TVM's codes stand for.
pub(super) fn resolve_shape(shape: &[usize], codes: &[i64]) -> Result<Vec<usize>> {
    let (mut new, mut infer, mut source) = (Vec::new(), None, 0);
    let mut codes = codes.iter().copied();
    let extent = |at: usize| match shape.get(at) {
        Some(&n) => Ok(n),
        None => refuse(format!("the codes ask for more axes than {shape:?} has")),
    };
    while let Some(code) = codes.next() {
        match code {
            -1 => {
                if infer.replace(new.len()).is_some() {
                    return refuse("two extents are -1");
                }
                new.push(1);
                source += 1;
            }
            0 => {
                new.push(extent(source)?);
                source += 1;
            }
            -2 => {
                while source < shape.len() {
                    new.push(shape[source]);
                    source += 1;
                }
            }
            -3 => {
                new.push(extent(source)?.saturating_mul(extent(source + 1)?));
                source += 2;
            }
            -4 => {
                let whole = extent(source)?;
                source += 1;
                let (Some(left), Some(right)) = (codes.next(), codes.next()) else {
                    return refuse("two extents must follow -4");
                };
                let part = |own: i64, other: i64| match (own, usize::try_from(own), usize::try_from(other)) {
                    (_, Ok(n), _) if n > 0 => Ok(n),
                    (-1, _, Ok(n)) if n > 0 && whole.is_multiple_of(n) => Ok(whole / n),
                    _ => refuse(format!("{whole} does not split into {left} and {right}")),
                };
                new.extend([part(left, right)?, part(right, left)?]);
            }
            n => match usize::try_from(n) {
                Ok(n) => {
                    new.push(n);
                    source += 1;
                }
                Err(_) => return refuse(format!("the code {n} is not known")),
            },
        }
    }
    if let Some(at) = infer {
        let (all, known) = (elements(shape)?, elements(&new)?);
        if !all.is_multiple_of(known) {
            return refuse(format!("{shape:?} does not divide into {new:?}"));
        }
        new[at] = all / known;
    }
    Ok(new)
}

/// `nn.batch_flatten(x)`.
pub(super) fn batch_flatten(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let x = call.plain(0)?;
    if call.lower.graph.shape(x).len() < 2 {
        return refuse("a tensor of fewer than two axes cannot be flattened");
    }
    call.emit(Op::Flatten { axis: 1 }, &[x])
}

/// `squeeze(x, axis=[...])`; without axes all those of extent 1 go.
pub(super) fn squeeze(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let axes = match call.list("axis")? {
        None => (0..shape.len()).filter(|&a| shape[a] == 1).collect(),
        Some(listed) => {
            let resolved: Option<Vec<usize>> = listed.iter().map(|&a| resolve(a, shape.len())).collect();
            match resolved.filter(|axes| axes.iter().all(|&a| shape[a] == 1)) {
                Some(axes) => axes,
                None => {
                    let message = format!("{listed:?} are not axes of extent 1 of {shape:?}");
                    return Err(Error::new("import", message).attribute("axis"));
                }
            }
        }
    };
    let kept: Vec<usize> = (0..shape.len()).filter(|a| !axes.contains(a)).map(|a| shape[a]).collect();
    call.reshape(0, &kept)
}

/// `expand_dims(x, axis, num_newaxis)`.
pub(super) fn expand_dims(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let mut shape = call.shape(0)?;
    if !call.has("axis") {
        return Err(Error::new("import", "is missing").attribute("axis"));
    }
    // -1 inserts behind the last axis.
    let axis = call.axis("axis", 0, shape.len() + 1)?;
    let count = call.integer("num_newaxis")?.unwrap_or(1);
    let count = match usize::try_from(count) {
        Ok(count) if count <= 16 => count,
        _ => return Err(Error::new("import", format!("adds {count} axes")).attribute("num_newaxis")),
    };
    for _ in 0..count {
        shape.insert(axis, 1);
    }
    call.reshape(0, &shape)
}

/// A new order of axes: a tensor that does not lie straight changes its order only.
fn permute(call: &mut OperatorCall, perm: &[usize]) -> Result<Operand> {
    if let Operand::Value(lying) = &call.arguments[0]
        && !lying.order.is_sorted()
    {
        let order = perm.iter().map(|&axis| lying.order[axis]).collect();
        return Ok(Operand::Value(Lying { id: lying.id, order }));
    }
    let x = call.plain(0)?;
    call.emit(Op::Transpose { perm: perm.to_vec() }, &[x])
}

/// `transpose(x, axes=[...])`; without axes their order is reversed.
pub(super) fn transpose(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let rank = call.shape(0)?.len();
    let perm = match call.list("axes")? {
        None => (0..rank).rev().collect(),
        Some(axes) => {
            let resolved: Option<Vec<usize>> = axes.iter().map(|&a| resolve(a, rank)).collect();
            let mut sorted = resolved.clone().unwrap_or_default();
            sorted.sort_unstable();
            match resolved.filter(|_| sorted.iter().copied().eq(0..rank)) {
                Some(perm) => perm,
                None => {
                    let message = format!("{axes:?} do not permute {rank} axes");
                    return Err(Error::new("import", message).attribute("axes"));
                }
            }
        }
    };
    permute(call, &perm)
}

/// `layout_transform(x, src_layout, dst_layout)` where it only permutes axes.
pub(super) fn layout_transform(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let rank = call.shape(0)?.len();
    let (from, to) = (call.text("src_layout", "")?, call.text("dst_layout", "")?);
    let perm: Option<Vec<usize>> = to.chars().map(|axis| from.find(axis)).collect();
    let mut sorted = perm.clone().unwrap_or_default();
    sorted.sort_unstable();
    match perm.filter(|_| from.is_ascii() && from.len() == rank && sorted.iter().copied().eq(0..rank)) {
        Some(perm) => permute(call, &perm),
        None => Err(Error::new("import", format!("{from:?} to {to:?} is no permutation of {rank} axes"))
            .attribute("dst_layout")
            .hint("undo AlterOpLayout: blocked layouts are not supported")),
    }
}

/// `broadcast_to(x, shape=[...])`.
pub(super) fn broadcast_to(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let Some(shape) = call.sizes("shape")? else {
        return Err(Error::new("import", "is missing").attribute("shape"));
    };
    call.text("dtype", "")?;
    let x = call.plain(0)?;
    let id = call.node(Op::Expand { shape: shape.clone() }, &[x])?;
    Ok(upright(id, shape.len()))
}

/// `broadcast_to_like(x, like)`.
pub(super) fn broadcast_to_like(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let shape = call.shape(1)?;
    let x = call.plain(0)?;
    let id = call.node(Op::Expand { shape: shape.clone() }, &[x])?;
    Ok(upright(id, shape.len()))
}

/// `reshape_like(x, like)`, of all axes.
pub(super) fn reshape_like(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    for key in ["lhs_begin", "rhs_begin"] {
        if call.integer(key)?.unwrap_or(0) != 0 {
            return Err(Error::new("import", "must be 0").attribute(key));
        }
    }
    let shape = call.shape(1)?;
    call.reshape(0, &shape)
}

/// `nn.depth_to_space` and `nn.space_to_depth`.
pub(super) fn blocks(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let data = layout(call, "layout", "NCHW", "NCHW")?;
    let block = match usize::try_from(call.integer("block_size")?.unwrap_or(1)) {
        Ok(block) if block > 0 => block,
        _ => return Err(Error::new("import", "must be positive").attribute("block_size")),
    };
    let x = call.arranged(0, &data)?;
    let op = match call.operator {
        "nn.space_to_depth" => {
            // The attributes are those of the other one, whose mode says nothing here.
            call.attribute("mode");
            Op::SpaceToDepth { block }
        }
        _ => {
            let mode = match call.text("mode", "DCR")?.as_str() {
                "DCR" => DepthToSpaceMode::Dcr,
                // TVM takes every other name for this; its own documentation writes CDR.
                "CRD" | "CDR" => DepthToSpaceMode::Crd,
                other => {
                    return Err(Error::new("import", format!("{other:?} is not known"))
                        .attribute("mode")
                        .hint("DCR or CRD"));
                }
            };
            Op::DepthToSpace { block, mode }
        }
    };
    let id = call.node(op, &[x])?;
    Ok(lying(id, &data))
}
