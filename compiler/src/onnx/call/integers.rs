//! Integer tensors of quantised models: which values hold whole numbers, and of which type.

use super::Call;
use crate::error::Result;
use crate::graph::{BinaryKind, Integer, Op, ValueId};
use crate::onnx::import::Operand;
use crate::onnx::tensor::{Elements, Tensor};
use std::rc::Rc;

/// Operators that only move or compare elements, so that whole numbers stay what they are. Every
/// other operator computes in real numbers and refuses them.
const MOVES: [&str; 14] = [
    "Concat",
    "DepthToSpace",
    "Expand",
    "Flatten",
    "Gather",
    "GlobalMaxPool",
    "MaxPool",
    "Reshape",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];

impl Call<'_> {
    /// Notes that a value is read as it is: an integer one only by operators that move it, and not
    /// together with values of another type.
    pub(super) fn plain(&mut self, input: usize, id: ValueId) -> Result<()> {
        let integer = self.importer.integers.get(&id).copied();
        let operator = self.operator();
        if let Some(integer) = integer
            && !MOVES.contains(&operator)
            && !(operator == "Resize" && self.nearest())
        {
            return Err(self
                .error(format!(
                    "input {input} holds {} numbers, the operator computes in float32",
                    integer.name()
                ))
                .hint("put a DequantizeLinear in front of it and a QuantizeLinear behind it"));
        }
        match self.read {
            Some(other) if other != integer => Err(self.error("its inputs are of different types")),
            _ => {
                self.read = Some(integer);
                Ok(())
            }
        }
    }

    /// Whether the attribute `mode` says that elements are copied, as it does by default.
    fn nearest(&self) -> bool {
        self.node.attribute.iter().all(|a| a.name != "mode" || a.s == b"nearest")
    }

    /// An input that holds whole numbers, computed or constant, as a value, and its type.
    pub fn whole(&mut self, input: usize) -> Result<(ValueId, Integer)> {
        let name = self.input_name(input)?;
        let floats = || self.error(format!("input {input} holds floats, the operator wants integers"));
        match self.operand(input)? {
            Operand::Value(id) => match self.importer.integers.get(&id) {
                Some(&integer) => Ok((id, integer)),
                None => Err(floats()),
            },
            Operand::Constant(tensor) => {
                let Elements::Ints(data) = &tensor.elements else {
                    return Err(floats());
                };
                let Some(integer) = tensor.integer else {
                    return Err(self
                        .error(format!("input {input} is not of type int8, uint8, int16, uint16 or int32")));
                };
                if let Some(&id) = self.importer.interned.get(name) {
                    return Ok((id, integer));
                }
                let data = data.iter().map(|&v| v as f32).collect();
                let id = self.importer.graph.constant(name, &tensor.shape, data)?;
                self.importer.interned.insert(name.to_owned(), id);
                Ok((id, integer))
            }
        }
    }

    /// Clip of what a QuantizeLinear made, as exporters write fewer than 8 bits: of the real numbers that the integers
    /// stand for, which are quantised again, with the same scale; bounds are numbers of it.
    pub fn clip_whole(&mut self) -> Result<()> {
        let (x, integer) = self.whole(0)?;
        let mut bounds = [None, None];
        for (slot, input) in bounds.iter_mut().zip([1, 2]) {
            if self.has(input) {
                let (_, bound) = self.integer_tensor(input)?;
                *slot = bound.first().map(|&b| b as f32);
            }
        }
        let graph = &self.importer.graph;
        // Behind operators that only move them integers have the scale that they were made with.
        let mut source = x;
        while let Some((_, node)) = graph.producer(source).filter(|(_, node)| node.op.only_moves()) {
            source = node.inputs[0];
        }
        let moved = source != x;
        let made = graph.producer(source).and_then(|(_, node)| match node.op {
            Op::QuantizeLinear { axis, .. } if !moved || axis.is_none() => {
                Some((node.op.clone(), node.inputs.clone(), axis))
            }
            _ => None,
        });
        let known = made.and_then(|(op, inputs, axis)| {
            let scale = graph.constant_data(inputs[1])?.to_vec();
            let zero = graph.constant_data(inputs[2])?.to_vec();
            Some((op, inputs, axis, scale, zero))
        });
        let Some((op, inputs, axis, scale, zero)) = known else {
            return Err(self
                .error(format!(
                    "clips {} numbers that no QuantizeLinear of constant scale made",
                    integer.name()
                ))
                .hint("clip the real numbers before the QuantizeLinear"));
        };
        if let Some(data) = self.importer.graph.constant_data(inputs[0]).filter(|_| !moved) {
            // Weights: their integers are known now.
            let shape = self.shape_of(inputs[0]);
            let (extent, inner) = match axis {
                Some(axis) => (shape[axis], shape[axis + 1..].iter().product::<usize>()),
                None => (1, 1),
            };
            let (low, high) = integer.range();
            let [min, max] = [bounds[0].unwrap_or(low as f32), bounds[1].unwrap_or(high as f32)];
            let whole = |(i, x): (usize, &f32)| {
                let c = i / inner % extent;
                let steps = (x / scale[c]).round_ties_even() + zero[c];
                steps.clamp(low as f32, high as f32).max(min).min(max) as i64
            };
            let data = data.iter().enumerate().map(whole).collect();
            let tensor = Tensor { integer: Some(integer), ..Tensor::ints(shape, data) };
            return self.alias(Operand::Constant(Rc::new(tensor)));
        }
        let mut shape = vec![1; self.shape_of(x).len()];
        if let Some(axis) = axis {
            shape[axis] = scale.len();
        }
        let mut real = self.apply(Op::DequantizeLinear { integer, axis }, &[x, inputs[1], inputs[2]])?;
        for (bound, kind) in bounds.into_iter().zip([BinaryKind::Max, BinaryKind::Min]) {
            let Some(bound) = bound else { continue };
            if let [scale] = scale[..] {
                let bound = (bound - zero[0]) * scale;
                let (min, max) = match kind {
                    BinaryKind::Max => (bound, f32::INFINITY),
                    _ => (f32::NEG_INFINITY, bound),
                };
                real = self.apply(Op::Clip { min, max }, &[real])?;
            } else {
                let bounds = scale.iter().zip(&zero).map(|(scale, zero)| (bound - zero) * scale).collect();
                let bounds = self.floats_value(&shape, bounds)?;
                real = self.apply(Op::Binary { kind }, &[real, bounds])?;
            }
        }
        self.emit_whole(op, &[real, inputs[1], inputs[2]], integer)
    }

    /// The type of a computed input's whole numbers; `None` for floats and constants.
    pub fn integer(&self, input: usize) -> Result<Option<Integer>> {
        Ok(match self.operand(input)? {
            Operand::Value(id) => self.importer.integers.get(&id).copied(),
            Operand::Constant(_) => None,
        })
    }

    /// A constant of the given elements.
    pub fn floats_value(&mut self, shape: &[usize], data: Vec<f32>) -> Result<ValueId> {
        self.importer.graph.constant("", shape, data)
    }

    /// As [`Call::emit`], for a result that holds whole numbers.
    pub fn emit_whole(&mut self, op: Op, inputs: &[ValueId], integer: Integer) -> Result<()> {
        let id = self.apply(op, inputs)?;
        self.result_whole(id, integer)
    }

    /// As [`Call::result`], for a value that holds whole numbers.
    pub fn result_whole(&mut self, id: ValueId, integer: Integer) -> Result<()> {
        self.importer.integers.insert(id, integer);
        self.result(id)
    }
}
