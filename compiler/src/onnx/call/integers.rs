//! Integer tensors of quantised models: which values hold whole numbers, and of which type.

use super::Call;
use crate::error::Result;
use crate::graph::{BinaryKind, Integer, Op, PadMode, ValueId};
use crate::onnx::import::Operand;
use crate::onnx::tensor::{Tensor, TensorElements};
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

/// The QuantizeLinear that made whole numbers.
struct Quantizer {
    op: Op,
    /// What it reads: real numbers, scale, zero point.
    inputs: Vec<ValueId>,
    axis: Option<usize>,
    scale: Vec<f32>,
    zero: Vec<f32>,
    /// Whether its numbers were moved since.
    moved: bool,
}

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
                let TensorElements::Ints(data) = &tensor.elements else {
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

    /// Clip of what a QuantizeLinear made, as exporters write fewer than 8 bits.
    pub fn clip_whole(&mut self) -> Result<()> {
        let (x, integer) = self.whole(0)?;
        let mut bounds = integer.ends();
        for (slot, input) in bounds.iter_mut().zip([1, 2]) {
            if self.has(input) {
                let (_, bound) = self.integer_tensor(input)?;
                *slot = bound.first().map_or(*slot, |&b| b as f32);
            }
        }
        self.clip_made(x, integer, bounds)
    }

    /// Clips whole numbers that a QuantizeLinear made to `bounds` and makes them the result: the real numbers that they
    /// stand for are clipped and quantised again, with the same scale.
    pub fn clip_made(&mut self, x: ValueId, integer: Integer, [min, max]: [f32; 2]) -> Result<()> {
        let Some(Quantizer { op, inputs, axis, scale, zero, moved }) = self.made(x) else {
            return Err(self
                .error(format!(
                    "clips {} numbers that no QuantizeLinear of constant scale made",
                    integer.name()
                ))
                .hint("clip the real numbers before the QuantizeLinear"));
        };
        let [low, high] = integer.ends();
        if let Some(data) = self.importer.graph.constant_data(inputs[0]).filter(|_| !moved) {
            // Weights: their integers are known now.
            let shape = self.shape_of(inputs[0]);
            let (extent, inner) = match axis {
                Some(axis) => (shape[axis], shape[axis + 1..].iter().product::<usize>()),
                None => (1, 1),
            };
            let whole = |(i, x): (usize, &f32)| {
                let c = i / inner % extent;
                let steps = (x / scale[c]).round_ties_even() + zero[c];
                steps.clamp(low, high).max(min).min(max) as i64
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
        for (bound, open, kind) in [(min, low, BinaryKind::Max), (max, high, BinaryKind::Min)] {
            if bound == open {
                continue;
            }
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

    /// Pads whole numbers and makes them the result: the real numbers that they stand for are padded and quantised again,
    /// with the same scale.
    pub fn pad_whole(
        &mut self,
        x: ValueId,
        integer: Integer,
        [before, after]: [Vec<usize>; 2],
        fill: i64,
    ) -> Result<()> {
        let (low, high) = integer.range();
        if !(low..=high).contains(&fill) {
            return Err(self.error(format!("pads {} numbers with {fill}", integer.name())));
        }
        let one = |made: Quantizer| match (&made.scale[..], &made.zero[..]) {
            (&[scale], &[zero]) => Some((made.inputs[1], made.inputs[2], scale, zero)),
            _ => None,
        };
        // Those of an input are themselves.
        let (scale, zero, step, offset) = match self.made(x).and_then(one) {
            Some(known) => known,
            None => (self.floats_value(&[], vec![1.0])?, self.zeros(&[])?, 1.0, 0.0),
        };
        let axis = None;
        let real = self.apply(Op::DequantizeLinear { integer, axis }, &[x, scale, zero])?;
        let mode = PadMode::Constant((fill as f32 - offset) * step);
        let real = self.apply(Op::Pad { before, after, mode }, &[real])?;
        self.emit_whole(Op::QuantizeLinear { integer, axis }, &[real, scale, zero], integer)
    }

    /// The QuantizeLinear that made whole numbers; `None` where there is none, or its scale is no constant. Behind
    /// operators that only move or compare them they have the scale that they were made with.
    fn made(&self, x: ValueId) -> Option<Quantizer> {
        let graph = &self.importer.graph;
        let keeps = |op: &Op| op.only_moves() || matches!(op, Op::MaxPool { .. });
        let mut source = x;
        while let Some((_, node)) = graph.producer(source).filter(|(_, node)| keeps(&node.op)) {
            source = node.inputs[0];
        }
        let (_, node) = graph.producer(source)?;
        let Op::QuantizeLinear { axis, .. } = node.op else { return None };
        let moved = source != x;
        if moved && axis.is_some() {
            return None;
        }
        let [scale, zero] = [1, 2].map(|input| graph.constant_data(node.inputs[input]).map(<[f32]>::to_vec));
        let (op, inputs) = (node.op.clone(), node.inputs.clone());
        Some(Quantizer { op, inputs, axis, scale: scale?, zero: zero?, moved })
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
