//! Integers with the widths that are wanted, or, where they cannot be made, with fewer of 16 bits.

use super::lower::{Lowered, Lowering, Refused};
use super::precision::Choice;
use super::qparams::QParams;
use super::ranges::calibrate::Seen;
use super::ranges::least::Least;
use super::ranges::scale_classes::ScaleClasses;
use super::ranges::width;
use super::select::annotations::Annotations;
use super::select::plan::Division;
use crate::error::Result;
use crate::graph::Graph;
use crate::options::Ranges;
use rayon::prelude::*;
use tilewright_arch::Config;

/// What does not change from one attempt to the next.
pub(super) struct Attempt<'a> {
    pub graph: &'a Graph,
    pub annotations: &'a Annotations,
    pub classes: &'a ScaleClasses,
    pub seen: &'a Seen,
    /// Scale and zero point of each representative, of 8 bits.
    pub qparams: &'a [QParams],
    /// Homes whose values are whole numbers.
    pub whole: &'a [bool],
    /// How the range before a table is chosen.
    pub ranges: Ranges,
    pub config: &'a Config,
}

impl Attempt<'_> {
    /// Lowers a plan. A choice of 16 bits never refuses what 8 bits can do: the tensors of an operation
    /// that cannot be made keep 8.
    ///
    /// # Errors
    /// An operation on bytes that cannot be made.
    pub fn lower(&self, plan: &mut Division, choice: &mut Choice) -> Result<Lowered> {
        loop {
            let wide = choice.widen(plan, self.classes);
            let refused = match self.once(plan, &wide) {
                Ok(lowered) => return Ok(lowered),
                Err(refused) => refused,
            };
            let Some(g) = refused.fused else { return Err(refused.error) };
            let fused = &plan.ops[g];
            let read = fused.inputs.iter().chain(&fused.operand).map(|view| view.tensor.index());
            let homes: Vec<usize> = [fused.output].into_iter().chain(read).filter(|&h| wide[h]).collect();
            if homes.is_empty() {
                return Err(refused.error);
            }
            let classes = homes.into_iter().map(|h| self.classes.representative(h));
            choice.give_up(classes, "an operation with it cannot be expressed");
        }
    }

    fn once(&self, plan: &Division, wide: &[bool]) -> std::result::Result<Lowered, Refused> {
        let Attempt { graph, annotations, classes, seen, config, .. } = *self;
        let mut qparams = self.qparams.to_vec();
        let ranges = width::WideRanges { plan, classes, seen };
        for h in (0..plan.homes.len()).filter(|&h| wide[h] && classes.representative(h) == h) {
            qparams[h] = if self.whole[h] { ranges.choose(h).whole() } else { ranges.choose(h) };
        }
        let before_table = |g: usize| {
            let fused = &plan.ops[g];
            fused.epilogue.before_table?;
            let read = fused.inputs[0].tensor.index();
            // The bytes of a copy are the table's index as they are.
            if fused.is_lookup() && !wide[read] {
                return Some(qparams[classes.representative(read)]);
            }
            let functions = |x: f64| fused.epilogue.table.iter().fold(x, |x, fun| fun.apply(x));
            let chosen = self.ranges.choose_before(&seen.tables[classes.first(g)], &functions);
            Some(chosen.at_least(Least { plan, classes, seen, qparams: &qparams }.step(g)))
        };
        let before_table: Vec<Option<QParams>> =
            (0..plan.ops.len()).into_par_iter().map(before_table).collect();
        let lowering = Lowering::new(graph, annotations, plan, classes, seen, &before_table, config);
        lowering.all(&qparams, wide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Op;
    use crate::quantise::{Rounding, calibrate, least, plan};
    use ndarray::{ArrayD, IxDyn};

    /// A result that is clamped to a thousandth of what it is made of, and wanted in 16 bits.
    #[test]
    fn what_cannot_be_made_in_16_bits_keeps_8() {
        let mut graph = Graph::new("clamped");
        let x = graph.input("x", &[1, 2, 4, 4]).unwrap();
        let y = graph.node("y", Op::Clip { min: 0.0, max: 0.001 }, &[x]).unwrap();
        graph.outputs = vec![y];
        let (annotations, config) = (Annotations::default(), &Config::sized(9, 16));
        let mut plan = plan::plan(&graph, &annotations, config);
        let classes = ScaleClasses::new(&graph, &plan, &annotations);
        let numbers = (0..32).map(|i| i as f32 / 16.0 - 1.0).collect();
        let sample = vec![ArrayD::from_shape_vec(IxDyn(&[1, 2, 4, 4]), numbers).unwrap()];
        let rounding = Rounding::Nearest;
        let seen = calibrate::observe(&graph, &plan, &[sample], 0, rounding, &|_, _| ()).unwrap();
        let mut qparams: Vec<QParams> = seen.homes.iter().map(|h| Ranges::MinMax.choose(h)).collect();
        least::raise(&plan, &classes, &seen, &annotations, &mut qparams);
        let ranges = Ranges::MinMax;
        let (graph, annotations, classes, seen, qparams) =
            (&graph, &annotations, &classes, &seen, &qparams[..]);
        let whole = &vec![false; plan.homes.len()][..];
        let attempt = Attempt { graph, annotations, classes, seen, qparams, whole, ranges, config };
        let class = classes.representative(plan.ops[0].output);
        let mut choice = Choice::wanting([class].into());
        let lowered = attempt.lower(&mut plan, &mut choice).unwrap();
        assert!(lowered.network.tensors.iter().all(|t| !t.wide));
        assert!(choice.why(class).is_some());
    }
}
