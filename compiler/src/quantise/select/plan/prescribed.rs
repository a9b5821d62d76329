//! What of a model that came quantised the machine does not take: it would round to 8 bits what the model does not, or
//! cannot multiply what the model multiplies.

use super::{HomeOrigin, Planner};
use crate::graph::{Graph, Node, Op, ValueId};
use crate::quantise::qparams::QParams;
use crate::quantise::select::epilogue::{Epilogue, Second};
use crate::quantise::select::kernel::{Kernel, Refusal, Selection, refuse};
use crate::quantise::select::phases::Phase;
use crate::quantise::select::strided::HomeView;
use crate::quantise::select::tables;
use crate::quantise::weights::steps;

const FINE: &str = "the model rounds its values to 16 bits, with scales and zero points that the machine's 16 bits do not have";
const OPEN: &str = "it reads what the model has not rounded yet, and the model's rounding comes after it";
const ROUNDS: &str = "the machine would round an operand or its result to 8 bits, and the model does not";
const COEFFICIENTS: &str = "its coefficients take more than 8 bits, and the model's integers all of them";
const ZEROS: &str = "the model's zero points of its operands are not those of a product";
const QUANTISE: &str = "QuantizeLinear and DequantizeLinear in front of it and behind it";

impl Planner<'_> {
    /// Refuses nodes by what they read and make: values of 16 bits, and real numbers of the host's whose scale the model
    /// does not say. One of calibration's would round these once more than the model does; what multiplies and sums
    /// is the machine's all the same.
    pub(super) fn takes(&self, node: &Node) -> Result<(), Refusal> {
        let open = |id: &ValueId| {
            let home = self.held[id.0 as usize].as_ref().map(|held| &self.plan.homes[held.home.index()]);
            home.is_some_and(|home| {
                home.origin == HomeOrigin::Host && self.annotations.qparams(home.value).is_none()
            })
        };
        if node.inputs.iter().chain(&node.outputs).any(|&id| self.annotations.is_fine(id)) {
            return refuse(FINE, "int8 or uint8 activations, or the float model with --precision int16");
        }
        if !self.annotations.is_empty() && node.inputs.iter().any(open) && !multiplies(self.graph, node) {
            return refuse(OPEN, QUANTISE);
        }
        Ok(())
    }

    /// Why an operation of `nodes` that makes `value` would round to 8 bits what the model leaves in float: that value,
    /// what goes into a table or a constant. `None` where it would not, and for what multiplies and sums.
    pub(super) fn rounds(
        &self,
        nodes: &[usize],
        value: ValueId,
        (kind, epilogue): (&Kernel, &Epilogue),
        inputs: &[HomeView],
    ) -> Option<Refusal> {
        if self.annotations.is_empty() || nodes.iter().any(|&n| multiplies(self.graph, &self.graph.nodes[n]))
        {
            return None;
        }
        let byte =
            |view: &HomeView| self.annotations.qparams(self.plan.homes[view.tensor.index()].value).is_some();
        let open = !inputs.iter().all(byte) || self.annotations.qparams(value).is_none();
        let function = inputs.len() == 1 && tables::functions(kind, epilogue).is_some();
        let table = epilogue.before_table.is_some();
        let bytes = table || matches!(kind, Kernel::Max { .. });
        let constant = match &epilogue.operand {
            Some((Second::Constant(id, _), _)) => self.annotations.qparams(*id).is_none(),
            _ => false,
        };
        let rounds = table && !function || bytes && open || constant;
        rounds.then(|| Refusal { why: ROUNDS.into(), hint: Some(QUANTISE), layout: false })
    }

    /// Refuses products that are too long for the weight memory or whose operands have zero points that bytes
    /// multiplied as they are cannot have, and interpolations whose coefficients are no bytes.
    pub(super) fn expressible(&self, node: &Node, selection: Selection) -> Result<Selection, Refusal> {
        let Selection::Op(op) = &selection else { return Ok(selection) };
        match &op.kernel {
            Kernel::Phases { phases, bias, .. }
                if matches!(node.op, Op::Resize(_)) && !self.annotations.is_empty() =>
            {
                let bytes = |phase: &Phase| {
                    let mut rows = phase.weights.chunks((phase.weights.len() / bias.len()).max(1));
                    rows.all(|row| steps(row, 0.0).is_some())
                };
                if !phases.iter().all(bytes) {
                    return refuse(COEFFICIENTS, "linear interpolation by a whole factor");
                }
            }
            Kernel::Product { batches, .. } => {
                let zero = |view: &HomeView| self.prescribed(view).map(|a| i32::from(a.zero));
                for (gathered, weights, _) in batches {
                    // What calibration makes of the zero point is not known yet: any but 0 needs a second pass.
                    let words = weights.shape[0] * if zero(gathered) == Some(0) { 1 } else { 2 };
                    let most = self.config.weight_words;
                    if words > most {
                        let sums = weights.shape[0];
                        let why = format!(
                            "it sums {sums} products, for which {words} weight words are needed, and the machine has {most}"
                        );
                        return refuse(why, "a machine with more weight_words");
                    }
                    if zero(gathered) == Some(-128) || zero(weights).is_some_and(|z| z != 0) {
                        return refuse(ZEROS, "symmetric int8 activations there");
                    }
                }
            }
            _ => {}
        }
        Ok(selection)
    }

    /// The scale and zero point that the model prescribes for what lies there: of a copy, those of what it copies.
    fn prescribed(&self, view: &HomeView) -> Option<QParams> {
        let mut home = &self.plan.homes[view.tensor.index()];
        loop {
            let qparams = self.annotations.qparams(home.value);
            match home.origin {
                HomeOrigin::FusedOp(g) if qparams.is_none() && self.plan.ops[g].is_copy() => {
                    home = &self.plan.homes[self.plan.ops[g].inputs[0].tensor.index()];
                }
                _ => return qparams,
            }
        }
    }
}

/// Whether a node multiplies and sums: what the machine is for, whatever it reads.
fn multiplies(graph: &Graph, node: &Node) -> bool {
    match &node.op {
        Op::Conv { groups, .. } => graph.shape(node.inputs[1]) != [*groups, 1, 1, 1],
        Op::ConvTranspose { .. } | Op::Gemm { .. } | Op::MatMul => true,
        _ => false,
    }
}
