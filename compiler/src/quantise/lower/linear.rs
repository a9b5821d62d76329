//! Weights and biases: convolutions, and the phases of what is made of several.

use super::{Lowering, SPLIT};
use crate::claims::RealWeights;
use crate::error::Result;
use crate::fixed::{self, Reduction};
use crate::graph::{Op, Window};
use crate::quantise::lower::rounding::ErrorMetric;
use crate::quantise::ranges::calibrate::Seen;
use crate::quantise::select::phases::Phase;
use crate::quantise::select::plan::FusedOp;
use crate::quantise::select::strided::HomeView;
use crate::quantise::weights::{exact_row, least_scale, multiples, row, steps};
use ndarray::{ArrayView2, s};
use rayon::prelude::*;

impl Lowering<'_> {
    /// A convolution, matrix product or scaling.
    pub fn linear(
        &mut self,
        g: usize,
        fused: &FusedOp,
        window: &Window,
        weights: &[f32],
        bias: &[f64],
        groups: usize,
    ) -> Result<()> {
        let from = self.read(&fused.inputs[0]);
        let (scale_in, scale_out) = (f64::from(from.scale), self.result(g, fused).scale);
        let zero = i64::from(from.zero_term());
        let terms = weights.len() / bias.len();
        let metrics = metrics(self.seen, self.classes.first(g), terms, groups);
        let outputs = bias.len() / groups;
        let integers = self.integers(fused);
        let quantise = |(o, (w, &b)): (usize, (&[f32], &f64))| {
            if let Some(scales) = integers {
                let scale = scales.get(if scales.len() == 1 { 0 } else { o });
                let own = scale.and_then(|&scale| multiples(w, scale.into()));
                // An operator after it has scaled the weights, or the scales are of another axis.
                let least = least_scale(b, scale_in, scale_out);
                return own.or_else(|| steps(w, least)).ok_or_else(|| {
                    let why = format!("the integers of channel {o} are not one step times -127 to 127");
                    self.error(fused, why, "weights of int8 or uint8 with a scale for each output channel")
                });
            }
            let mut row = row(w, least_scale(b, scale_in, scale_out));
            if let Some(metric) = metrics.get(o / outputs) {
                row.weights = metric.round(w, row.scale);
            }
            Ok(row)
        };
        let rows = weights.par_chunks(terms).zip(bias).enumerate().map(quantise);
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let mut channels = Vec::with_capacity(bias.len());
        let mut units = Vec::with_capacity(bias.len());
        for (c, (row, b)) in rows.iter().zip(bias).enumerate() {
            let unit = scale_in * row.scale;
            let bias = self.bias(fused, c, b / unit, &row.weights, zero)?;
            channels.push(self.channel(fused, c, unit / scale_out, bias)?);
            units.push(unit);
        }
        let rounded = RealWeights {
            from: self.claimed(&fused.inputs[0]),
            to: fused.to.of(()),
            window: window.clone(),
            groups,
            weights: weights.to_vec(),
            scales: rows.iter().map(|row| row.scale).collect(),
            bias: bias.to_vec(),
            corrections: Vec::new(),
        };
        let weights = rows.into_iter().flat_map(|row| row.weights).collect();
        let reduction = Reduction::Conv { weights, groups };
        let node = self.node(g, fused, window, reduction, channels)?;
        // What is done several times has one bias, not one for each time.
        let units = if self.classes.is_repeated(g) { Vec::new() } else { units };
        self.push(g, node, units, Some(rounded))
    }

    /// The steps of a fused operation's weights, where they are integers of the model: those stay as they are.
    fn integers(&self, fused: &FusedOp) -> Option<&[f32]> {
        let node = &self.graph.nodes[*fused.nodes.first()?];
        match node.op {
            Op::Conv { .. } | Op::Gemm { .. } | Op::MatMul => self.annotations.steps(node.inputs[1]),
            _ => None,
        }
    }

    /// A bias in units of the sum, with the input's zero point folded in.
    fn bias(&self, fused: &FusedOp, c: usize, bias: f64, weights: &[i8], zero: i64) -> Result<i32> {
        let sum: i64 = weights.iter().map(|&w| i64::from(w)).sum();
        let bias = bias.round_ties_even() as i64 - zero * sum;
        i32::try_from(bias).map_err(|_| {
            self.error(fused, format!("the bias of channel {c} becomes {bias}, above 32 bits"), SPLIT)
        })
    }

    /// One phase of a transposed convolution or a change of resolution.
    pub fn phase(
        &mut self,
        g: usize,
        fused: &FusedOp,
        phase: &Phase,
        bias: &[f64],
        groups: usize,
    ) -> Result<()> {
        let from = self.read(&fused.inputs[0]);
        let (scale_in, scale_out) = (f64::from(from.scale), self.result(g, fused).scale);
        let zero = from.zero_term();
        let (reduction, channels, scales) = if phase.weights.is_empty() {
            let factor = scale_in / scale_out;
            let slopes = fused.epilogue.slope.as_ref().map_or(1, Vec::len);
            let channels = (0..slopes).map(|c| self.channel(fused, c, factor, -zero));
            (Reduction::Sum, channels.collect::<Result<_>>()?, Vec::new())
        } else {
            let terms = phase.weights.len() / bias.len();
            let mut channels = Vec::with_capacity(bias.len());
            let mut weights = Vec::with_capacity(phase.weights.len());
            let mut scales = Vec::with_capacity(bias.len());
            for (c, (w, b)) in phase.weights.chunks(terms).zip(bias).enumerate() {
                let row = exact_row(w, least_scale(*b, scale_in, scale_out));
                let unit = scale_in * row.scale;
                let bias = self.bias(fused, c, b / unit, &row.weights, zero.into())?;
                channels.push(self.channel(fused, c, unit / scale_out, bias)?);
                weights.extend(row.weights);
                scales.push(row.scale);
            }
            (Reduction::Conv { weights, groups }, channels, scales)
        };
        let mut node = self.node(g, fused, &phase.window, reduction, channels)?;
        let (mut from, mut to, mut grid) = (fused.inputs[0], self.whole_output(fused), fused.to);
        for axis in [1, 2] {
            let (first, count) = phase.from[axis - 1];
            from = from.slice(axis, first, count);
            let (first, step, count) = phase.to[axis - 1];
            to = to.every(axis, first, step, count);
            grid = grid.every(axis, first, step, count);
            if let Some(operand) = &mut node.operand {
                operand.view = operand.view.every(axis, first, step, count);
            }
        }
        (node.input, node.output) = (self.placed(&from), self.placed(&to));
        node.place.region = [0, 0, to.shape[1], to.shape[2]];
        let rounded = (!phase.weights.is_empty()).then(|| RealWeights {
            from: self.claimed(&from),
            to: grid.of(()),
            window: phase.window.clone(),
            groups,
            weights: phase.weights.clone(),
            scales,
            bias: bias.to_vec(),
            corrections: Vec::new(),
        });
        self.push(g, node, Vec::new(), rounded)
    }

    /// A view of a home as one of the values of its tensor.
    pub fn claimed(&self, view: &HomeView) -> fixed::View {
        let view = self.classes.resolve(*view);
        view.of(self.tensor[view.tensor.index()])
    }
}

/// How rounding errors of operation `g` are weighed, for each group of a convolution with `terms`
/// inputs a group; empty when there are no observations.
fn metrics(seen: &Seen, g: usize, terms: usize, groups: usize) -> Vec<ErrorMetric> {
    let patches = &seen.patches[g][..];
    let Ok(observed) = ArrayView2::from_shape((patches.len() / (terms * groups), terms * groups), patches)
    else {
        return Vec::new();
    };
    if observed.nrows() == 0 {
        return Vec::new();
    }
    let one = |g: usize| ErrorMetric::new(observed.slice(s![.., g * terms..(g + 1) * terms]), seen.rounding);
    (0..groups).into_par_iter().map(one).collect()
}
