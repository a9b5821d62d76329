//! Operators of Relay that ONNX has too: what the ONNX importer makes of them.

use super::array::Elements;
use super::call::OperatorCall;
use super::operand::{Operand, transposed};
use crate::error::{Error, Result};
use crate::graph::{Op, ValueId};
use crate::onnx::{SingleAttribute, SingleInput, single};

impl OperatorCall<'_, '_> {
    /// Adds the nodes of an operator of ONNX; its result.
    ///
    /// # Errors
    /// As the operator in a model. Attributes are named in the message, as Relay calls them otherwise.
    pub fn onnx(
        &mut self,
        operator: &str,
        inputs: Vec<SingleInput>,
        attributes: &[(&str, SingleAttribute)],
    ) -> Result<ValueId> {
        let made = single(&mut self.lower.graph, self.name, operator, inputs, attributes);
        made.map_err(|e| {
            let report = e.report();
            let message = match &report.attribute {
                Some(attribute) => format!("{attribute} of ONNX's {operator}: {}", report.message),
                None => report.message.clone(),
            };
            let hint = report.hint.as_deref().unwrap_or("express the operator by others");
            Error::new("import", message).hint(hint)
        })
    }

    /// An operand for an operator of ONNX, with its axes as the text has them.
    ///
    /// # Errors
    /// An operand that is no tensor.
    pub fn given(&mut self, index: usize) -> Result<SingleInput> {
        let rank = self.shape(index)?.len();
        self.turned(index, &(0..rank).collect::<Vec<_>>())
    }

    /// The same with axis `j` being axis `want[j]` of the text.
    ///
    /// # Errors
    /// As [`OperatorCall::given`].
    pub fn turned(&mut self, index: usize, want: &[usize]) -> Result<SingleInput> {
        if let Some(Operand::Constant(constant)) = self.arguments.get(index)
            && let Elements::Integers(data) = &constant.array.elements
        {
            let (shape, data) = transposed(data, &constant.array.shape, want);
            return Ok(SingleInput::Wholes(shape, data));
        }
        self.arranged(index, want).map(SingleInput::Value)
    }

    /// The elements of an operand that is a constant of whole numbers.
    pub fn known_integers(&self, index: usize) -> Option<&[i64]> {
        match self.arguments.get(index) {
            Some(Operand::Constant(constant)) => match &constant.array.elements {
                Elements::Integers(data) => Some(data),
                Elements::Floats(_) => None,
            },
            _ => None,
        }
    }

    /// Refuses constant indices that count from the end, which those of the operator do not.
    ///
    /// # Errors
    /// There is one.
    pub fn check_from_front(&self, index: usize) -> Result<()> {
        match self.known_integers(index).and_then(|list| list.iter().find(|i| **i < 0)) {
            Some(index) => {
                let message = format!("the index {index} counts from the end, which TVM does not do here");
                Err(Error::new("import", message).hint("indices from 0 on"))
            }
            None => Ok(()),
        }
    }

    /// A value with its axes in another order.
    ///
    /// # Errors
    /// None that an order of its axes could cause.
    pub fn permuted(&mut self, x: ValueId, perm: Vec<usize>) -> Result<ValueId> {
        match perm.is_sorted() {
            true => Ok(x),
            false => self.part("transpose", Op::Transpose { perm }, &[x]),
        }
    }

    /// A value of another shape; `part` names its node.
    ///
    /// # Errors
    /// Elements that do not fit.
    pub fn shaped(&mut self, part: &str, x: ValueId, shape: &[usize]) -> Result<ValueId> {
        match self.lower.graph.shape(x) == shape {
            true => Ok(x),
            false => self.lower.graph.reshape(format!("{}/{part}", self.name), x, shape),
        }
    }

    /// A constant of the graph.
    ///
    /// # Errors
    /// Infinities, NaN and extents of zero.
    pub fn reals(&mut self, shape: &[usize], data: Vec<f32>) -> Result<ValueId> {
        self.lower.graph.constant("", shape, data)
    }
}
