//! Products with constants behind layers whose weights are whole numbers: the scales of ConvInteger and
//! MatMulInteger. The sums are never rounded in the model, so the weights' step takes the factor.

use super::{Mapped, Strip};
use crate::error::Result;
use crate::graph::{BinaryKind, Graph, Integer, Node, Op, ValueId, Window};

impl Strip<'_> {
    /// The result of a product with positive constants, one or one for each output channel, that the weights of the
    /// layer before it have taken; `None` where it is no such product.
    pub(super) fn taken_by_weights(&mut self, node: &Node) -> Result<Option<ValueId>> {
        let Some((x, shape, data, offsets)) = factors(self.old, node) else { return Ok(None) };
        let factors = (&shape[..], data);
        let Some(sums) = self.sums_for(x) else { return Ok(None) };
        let (Mapped::Real(id), Mapped::Real(made)) = (self.get(x)?, self.get(sums)?) else { return Ok(None) };
        if self.annotations.qparams(id).is_some() || self.annotations.qparams(made).is_some() {
            return Ok(None);
        }
        let rank = self.new.shape(id).len();
        let Some((number, layer)) = self.new.producer(made) else { return Ok(None) };
        let [_, weights] = layer.inputs[..] else { return Ok(None) };
        let (Some(data), Some(steps)) = (self.new.constant_data(weights), self.annotations.steps(weights))
        else {
            return Ok(None);
        };
        let shape = self.new.shape(weights);
        // Output channels: where they are in the weights, their number, where they are in the result.
        let (inner, outputs, axis) = match layer.op {
            Op::Conv { .. } if made == id => (shape[1..].iter().product(), shape[0], 1),
            _ if offsets.is_some() => return Ok(None),
            Op::MatMul | Op::Gemm { trans_b: false, .. } if shape.len() == 2 => (1, shape[1], rank - 1),
            Op::Gemm { trans_b: true, .. } => (shape[1], shape[0], rank - 1),
            _ => return Ok(None),
        };
        let Some(factors) = per_channel(factors, rank - axis, outputs) else { return Ok(None) };
        if steps.len() != 1 && steps.len() != outputs {
            return Ok(None);
        }
        let step = |o: usize| steps[if steps.len() == 1 { 0 } else { o }];
        let scaled: Vec<f32> = factors.iter().enumerate().map(|(o, factor)| step(o) * factor).collect();
        let of = |i: usize| i / inner % outputs;
        let data = data.iter().enumerate().map(|(i, w)| (w / step(of(i))).round() * scaled[of(i)]).collect();
        let (name, shape) = (self.new.value(weights).name.clone(), shape.to_vec());
        let weights = self.new.constant(name, &shape, data)?;
        self.annotations.steps.insert(weights, scaled);
        self.new.nodes[number].inputs[1] = weights;
        if let Some(offsets) = offsets {
            let offsets = self.new.constant("", &[outputs], offsets.to_vec())?;
            self.new.nodes[number].inputs.push(offsets);
        }
        let name = &self.old.value(node.outputs[0]).name;
        self.new.values[id.0 as usize].name.clone_from(name);
        Ok(Some(id))
    }

    /// The result of the layer that the old value `x` is, as real numbers or with its rows in several axes; `None`
    /// where anything else reads one of the values in between, which would see other weights.
    fn sums_for(&self, mut x: ValueId) -> Option<ValueId> {
        loop {
            if self.uses[x.0 as usize] != 1 {
                return None;
            }
            let (_, maker) = self.old.producer(x)?;
            let shape = |id: ValueId| self.old.shape(id).last();
            match maker.op {
                Op::DequantizeLinear { integer: Integer::Int32, .. } => x = maker.inputs[0],
                Op::Reshape if shape(maker.inputs[0]) == shape(x) => x = maker.inputs[0],
                _ => return Some(x),
            }
        }
    }
}

/// What a product with constants multiplies, and their shape and numbers: a multiplication, or the depthwise
/// convolution that images are multiplied by.
fn factors<'g>(old: &'g Graph, node: &Node) -> Option<ProductOperands<'g>> {
    let data = |i: usize| old.constant_data(node.inputs[i]);
    let shape = |i: usize| old.shape(node.inputs[i]).to_vec();
    match &node.op {
        Op::Binary { kind: BinaryKind::Mul } => match (data(0), data(1)) {
            (None, Some(factors)) => Some((node.inputs[0], shape(1), factors, None)),
            (Some(factors), None) => Some((node.inputs[1], shape(0), factors, None)),
            _ => None,
        },
        Op::Conv { window, groups } if *window == Window::UNIT && shape(1) == [*groups, 1, 1, 1] => {
            let offsets = match node.inputs.get(2) {
                Some(&id) => Some(old.constant_data(id)?),
                None => None,
            };
            Some((node.inputs[0], vec![*groups, 1, 1], data(1)?, offsets))
        }
        _ => None,
    }
}

/// What is multiplied, shape and numbers of what it is multiplied by, and what is added to each channel.
type ProductOperands<'g> = (ValueId, Vec<usize>, &'g [f32], Option<&'g [f32]>);

/// Positive factors as one for each of `outputs` channels, which lie `from_end` axes from the end.
fn per_channel((shape, data): (&[usize], &[f32]), from_end: usize, outputs: usize) -> Option<Vec<f32>> {
    if !data.iter().all(|factor| factor.is_finite() && *factor > 0.0) {
        return None;
    }
    if let [factor] = data {
        return Some(vec![*factor; outputs]);
    }
    let axis = shape.len().checked_sub(from_end)?;
    let along = |(i, &extent): (usize, &usize)| extent == if i == axis { outputs } else { 1 };
    shape.iter().enumerate().all(along).then(|| data.to_vec())
}
