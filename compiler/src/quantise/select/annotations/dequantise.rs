//! DequantizeLinear: of what a QuantizeLinear made, with its scale and zero point or with others, of sums of whole
//! numbers, of constants and of integer inputs.

use super::{Encoding, Mapped, Strip, index_along, refuse};
use crate::error::Result;
use crate::graph::{BinaryKind, Integer, Node, Op, ValueId};

impl Strip<'_> {
    pub(super) fn dequantise(
        &mut self,
        node: &Node,
        integer: Integer,
        axis: Option<usize>,
    ) -> Result<Mapped> {
        let name = self.old.value(node.outputs[0]).name.clone();
        let x = node.inputs[0];
        if self.old.constant_data(x).is_some() {
            return self.constant(node, integer, axis).map(Mapped::Real);
        }
        let quantised = self.quantised(node, integer)?;
        match self.get(x)? {
            Mapped::Whole(real, made) if made == quantised => Ok(Mapped::Real(real)),
            Mapped::Whole(real, made) if made.integer == integer => {
                self.reread(node, real, made, quantised).map(Mapped::Real)
            }
            Mapped::Whole(_, made) => refuse(format!(
                "it reads {}, and the QuantizeLinear before it makes {}",
                integer.name(),
                made.integer.name()
            )),
            // Sums of products of whole numbers, which nothing rounds.
            Mapped::Real(id) if integer == Integer::Int32 && quantised.zero == 0.0 => {
                self.scaled(node, id, quantised.scale).map(Mapped::Real)
            }
            // An integer input: the host makes real numbers of it.
            Mapped::Real(id) => {
                let y = self.real(node, id, quantised)?;
                self.new.values[y.0 as usize].name = name;
                match quantised.qparams()? {
                    Some(qparams) => self.annotate(y, qparams, "").map(Mapped::Real),
                    None => Ok(Mapped::Real(y)),
                }
            }
        }
    }

    /// Whole numbers read as others than they were made as, `made`: the same bytes stand for other real numbers.
    fn reread(&mut self, node: &Node, real: ValueId, made: Encoding, read: Encoding) -> Result<ValueId> {
        let Some(qparams) = read.qparams()? else {
            let whole = self.whole("", real, made)?;
            return self.real(node, whole, read);
        };
        let mut id = self.scaled(node, real, read.scale / made.scale)?;
        if read.zero != made.zero {
            let apart = self.new.constant("", &[], vec![(made.zero - read.zero) * read.scale])?;
            id = self.new.node(node.name.clone(), Op::Add, &[id, apart])?;
        }
        self.annotate(id, qparams, &node.name)
    }

    fn scaled(&mut self, node: &Node, id: ValueId, scale: f32) -> Result<ValueId> {
        if scale == 1.0 {
            return Ok(id);
        }
        let factor = self.new.constant("", &[], vec![scale])?;
        self.new.node(node.name.clone(), Op::Binary { kind: BinaryKind::Mul }, &[id, factor])
    }

    /// The real numbers that the host makes of whole ones, in a node of the name of `node`.
    pub(super) fn real(&mut self, node: &Node, whole: ValueId, quantised: Encoding) -> Result<ValueId> {
        let Encoding { integer, scale, zero } = quantised;
        let (scale, zero) =
            (self.new.constant("", &[], vec![scale])?, self.new.constant("", &[], vec![zero])?);
        let op = Op::DequantizeLinear { integer, axis: None };
        self.new.node(node.name.clone(), op, &[whole, scale, zero])
    }

    /// A constant of integers: its real numbers, and the fact on record.
    fn constant(&mut self, node: &Node, integer: Integer, axis: Option<usize>) -> Result<ValueId> {
        let old = self.old;
        let [x, scale, zero] = node.inputs[..] else {
            unreachable!("the rule of DequantizeLinear checked the inputs");
        };
        let (Some(data), Some(scales), Some(zeros)) =
            (old.constant_data(x), old.constant_data(scale), old.constant_data(zero))
        else {
            return refuse("its scale and zero point are not constants");
        };
        let shape = old.shape(x);
        let of = index_along(axis, shape);
        let real = data.iter().enumerate().map(|(i, q)| (q - zeros[of(i)]) * scales[of(i)]).collect();
        let name = match old.value(x).name.as_str() {
            "" => node.name.clone(),
            name => name.to_owned(),
        };
        let id = self.new.constant(name, shape, real)?;
        self.annotations.steps.insert(id, scales.to_vec());
        // As a second operand it is a tensor like others; weights do not look at this.
        if let (&[scale], &[zero]) = (scales, zeros)
            && let Ok(Some(qparams)) = (Encoding { integer, scale, zero }).qparams()
        {
            self.annotations.qparams.resize(self.new.values.len(), None);
            self.annotations.qparams[id.0 as usize] = Some(qparams);
        }
        Ok(id)
    }
}
