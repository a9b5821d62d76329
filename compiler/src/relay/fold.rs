//! Constants that the text computes of constants.

use std::rc::Rc;

use super::array::{Elements, NdArray};
use super::call::OperatorCall;
use super::lower::Lower;
use super::operand::{Constant, Lying, Operand, transposed};
use super::ops;
use crate::error::{Error, Result};
use crate::float;
use crate::graph::{Graph, ValueId, part};

impl Lower<'_> {
    /// The elements of a value that depends on no input; its nodes go if nothing else reads them.
    ///
    /// # Errors
    /// What the float reference refuses.
    pub fn evaluated(&mut self, x: &Lying) -> Result<Option<Rc<Constant>>> {
        let (mut open, mut nodes) = (vec![x.id], Vec::new());
        while let Some(id) = open.pop() {
            match self.graph.producer(id) {
                Some((index, node)) => {
                    if !nodes.contains(&index) {
                        nodes.push(index);
                        open.extend(&node.inputs);
                    }
                }
                None if self.graph.constant_data(id).is_some() => {}
                None => return Ok(None),
            }
        }
        if self.integers.contains_key(&x.id) {
            return Ok(None);
        }
        let array = value(&part::between(&self.graph, &[], &[x.id]))?;
        let name = nodes.first().map_or(String::new(), |&index| self.graph.nodes[index].name.clone());
        self.superseded.extend(nodes);
        let (shape, data) = transposed(&array.1, &array.0, &x.order);
        Ok(Some(Constant::new(&name, NdArray::floats(&shape, data))))
    }
}

/// The only result of a graph without inputs.
fn value(graph: &Graph) -> Result<(Vec<usize>, Vec<f32>)> {
    let array = float::run(graph, &[])?.remove(0);
    Ok((array.shape().to_vec(), array.iter().copied().collect()))
}

/// Calls an operator that moves elements on constants of whole numbers, which no node reads; `None` where one is no such
/// constant.
///
/// # Errors
/// As the operator.
pub(super) fn moved(
    call: &mut OperatorCall,
    run: fn(&mut OperatorCall) -> Result<Operand>,
) -> Option<Result<Operand>> {
    let mut dtype = None;
    let data = ops::data(call.operator, call.arguments.len());
    let mut real = call.arguments.clone();
    for at in data {
        real[at] = floats(&real[at], &mut dtype)?;
    }
    // Truth values are computed with as 1 and 0.
    if call.operator == "where" {
        real[0] = floats(&real[0], &mut None)?;
    }
    if real.iter().any(|operand| !matches!(operand, Operand::Constant(_) | Operand::Tuple(_))) {
        return None;
    }
    let dtype = dtype?;
    let kept = std::mem::replace(&mut call.arguments, real);
    let graph = std::mem::replace(&mut call.lower.graph, Graph::new("constants"));
    let turned = std::mem::take(&mut call.lower.turned);
    let result = run(call).and_then(|made| constants(call.lower, &made, &dtype));
    call.lower.graph = graph;
    call.lower.turned = turned;
    call.arguments = kept;
    Some(result)
}

/// Constants of whole numbers as those of real ones, and their type.
fn floats(operand: &Operand, dtype: &mut Option<String>) -> Option<Operand> {
    match operand {
        Operand::Constant(c) => {
            let Elements::Integers(data) = &c.array.elements else { return None };
            if dtype.get_or_insert_with(|| c.array.dtype.clone()) != &c.array.dtype
                || data.iter().any(|n| n.unsigned_abs() > 1 << 24)
            {
                return None;
            }
            let array = NdArray::floats(&c.array.shape, c.array.to_floats());
            Some(Operand::Constant(Constant::new("", array)))
        }
        Operand::Tuple(fields) => {
            let fields = fields.iter().map(|f| floats(f, dtype)).collect::<Option<Vec<_>>>()?;
            Some(Operand::Tuple(Rc::new(fields)))
        }
        _ => None,
    }
}

/// Results as constants of a type.
fn constants(lower: &mut Lower, made: &Operand, dtype: &str) -> Result<Operand> {
    Ok(match made {
        Operand::Tuple(fields) => {
            let fields = fields.iter().map(|f| constants(lower, f, dtype)).collect::<Result<_>>()?;
            Operand::Tuple(Rc::new(fields))
        }
        other => {
            let id: ValueId = lower.plain(other, "constant")?;
            let (shape, data) = value(&part::between(&lower.graph, &[], &[id]))?;
            if data.iter().any(|n| n.abs() > (1 << 24) as f32) {
                return Err(Error::new("import", "makes whole numbers of constants beyond 2^24"));
            }
            let elements = Elements::Integers(data.iter().map(|&n| n as i64).collect());
            Operand::Constant(Constant::new("", NdArray { shape, dtype: dtype.to_owned(), elements }))
        }
    })
}
