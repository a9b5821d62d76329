//! Elements against their intervals.

use super::{Layer, WIDE_STEPS, What};
use crate::fixed::{FixedNode, Tensor};
use tilewright_arch::fixed::{Channel, SCALED_BITS, WIDE_FRACTION, power_of_two};

/// Relative error of a factor in 24 bits.
pub(super) const FACTOR: f64 = 1.0 / (1u64 << 23) as f64;
/// Steps by which float32 functions may miss the exact ones.
const FUNCTIONS: f64 = 0.01;
/// Largest number of steps that an added operand contributes: the post unit saturates beyond.
const OPERAND_STEPS: f64 = 2048.0;
/// Magnitudes from which on a number stands for an infinity: those of the lowest float32 with few digits too.
const SENTINEL: f64 = 1e38;

/// Relative errors of results below and above zero, at most, for the factors of each of a node's channels.
///
/// The factors of positive and of negative sums share an exponent: the smaller one has as many significant bits
/// fewer as it is smaller. (One of 0 stands for a slope below half of the last bit, which makes nothing.)
pub(super) fn factors(node: &FixedNode) -> Vec<[f64; 2]> {
    let one = |channel: &Channel| {
        let sums = [(channel.mantissa, 1), (channel.negative_mantissa, -1)];
        [-1, 1].map(|sign| {
            // Of a sum with an operand the sign says nothing.
            let makes =
                |&&(m, sum): &&(i32, i32)| m != 0 && (node.operand.is_some() || m.signum() * sum == sign);
            let errors = sums.iter().filter(makes).map(|(m, _)| 0.5 / f64::from(m.abs()));
            errors.fold(FACTOR, f64::max)
        })
    };
    node.channels.iter().map(one).collect()
}

/// The largest of a node's [`factors`].
pub(super) fn coarsest(node: &FixedNode) -> f64 {
    factors(node).into_iter().flatten().fold(FACTOR, f64::max)
}

/// The part of the bound that does not depend on the element, in steps of what the post unit rounds to.
pub(super) fn rounding(node: &FixedNode) -> f64 {
    let fraction = power_of_two(-(node.half().fraction() as i32));
    let operand = match &node.operand {
        None => 0.0,
        // A floor of the multiplicand is multiplied, then shifted, and floored again.
        Some(o) if o.scale.multiply => fraction * (255.0 * power_of_two(-i32::from(o.scale.shift)) + 1.0),
        Some(_) => fraction + OPERAND_STEPS * coarsest(node),
    };
    0.5 + fraction + operand
}

/// The steps of an exact number that rounding may be away from it: `own` as [`rounding`] says.
pub(super) fn radius(own: f64, steps: f64) -> f64 {
    own + steps.abs() * FACTOR
}

/// The steps by which a table's entry may be away from its function.
pub(super) const TABLE: f64 = 0.5 + FUNCTIONS;

/// The lowest and the highest 16-bit value that the post unit makes: what it scales has [`SCALED_BITS`], which end a
/// little above the lowest value of 16 bits.
pub(super) fn wide_ends(tensor: &Tensor) -> [f64; 2] {
    let (bottom, top) = tensor.range();
    [bottom.max(-scaled_end() * f64::from(tensor.scale)), top]
}

/// The steps of 16 bits at which the post unit's scaled numbers end, on either side.
pub(super) fn scaled_end() -> f64 {
    power_of_two((SCALED_BITS - 1 - WIDE_FRACTION) as i32)
}

/// Elements of one layer as they are held against the source.
pub(super) struct LayerElements<'a> {
    pub tensor: &'a Tensor,
    /// The smallest and the largest number that an element can become.
    ends: [f64; 2],
    ratios: Vec<f32>,
    all: usize,
    saturated: usize,
    beyond: f64,
    unproved: usize,
    outside: usize,
    first: Option<(usize, f64, f64, f64)>,
}

impl<'a> LayerElements<'a> {
    pub fn new(tensor: &'a Tensor) -> LayerElements<'a> {
        let (bottom, top) = tensor.range();
        LayerElements {
            tensor,
            ends: [bottom, top],
            ratios: Vec::new(),
            all: 0,
            saturated: 0,
            beyond: 0.0,
            unproved: 0,
            outside: 0,
            first: None,
        }
    }

    /// Elements that the post unit makes.
    pub fn of_post(tensor: &'a Tensor) -> LayerElements<'a> {
        let ends = if tensor.wide { wide_ends(tensor) } else { tensor.range().into() };
        LayerElements { ends, ..LayerElements::new(tensor) }
    }

    /// An element that is what it is because a term of it ended; the source says something from `low` to `high`.
    pub fn add_saturated(&mut self, low: f64, high: f64) {
        self.all += 1;
        self.saturated += 1;
        let [bottom, top] = self.ends;
        self.beyond = self.beyond.max((low - top).max(bottom - high) / (top - bottom));
    }

    /// Element `i`: the machine says `got`, the source something from `low` to `high`, each `radius` (in
    /// real units) uncertain. Whether it is saturated.
    pub fn add(&mut self, i: usize, got: f64, low: f64, high: f64, radius: f64) -> bool {
        let (least, most) = (low - radius, high + radius);
        self.all += 1;
        let scale = f64::from(self.tensor.scale);
        if low.is_nan() || high.is_nan() || most - least > WIDE_STEPS * scale {
            self.unproved += 1;
        }
        let half = (most - least) / 2.0;
        if got >= least && got <= most {
            self.ratios.push(((got - (least + half)).abs() / half) as f32);
            return false;
        }
        let [bottom, top] = self.ends;
        let slack = scale * 1e-3;
        let at_end =
            got >= top - slack && low >= got - radius || got <= bottom + slack && high <= got + radius;
        // The lowest float32 is what no maximum takes: no sample has more of it.
        if at_end && low.abs().min(high.abs()) >= SENTINEL {
            return true;
        }
        if at_end {
            self.saturated += 1;
            let over = if got > 0.0 { low - top } else { bottom - high };
            self.beyond = self.beyond.max(over / (top - bottom));
        } else if !(low.is_nan() || high.is_nan()) {
            self.outside += 1;
            self.first.get_or_insert((i, got, least, most));
        }
        at_end
    }

    /// Fills in the layer's figures; the first element outside, if any, as an index of `shape`.
    pub fn finish(mut self, layer: &mut Layer, shape: &[usize]) -> Option<What> {
        self.ratios.sort_by(f32::total_cmp);
        layer.elements = self.all;
        layer.saturated = self.saturated;
        layer.beyond = self.beyond;
        layer.unproved = self.unproved;
        layer.largest = self.ratios.last().copied().unwrap_or(0.0).into();
        layer.median = self.ratios.get(self.ratios.len() / 2).copied().unwrap_or(0.0).into();
        let (i, got, low, high) = self.first?;
        let mut index = Vec::with_capacity(shape.len());
        let mut rest = i;
        for &extent in shape.iter().rev() {
            index.push(rest % extent);
            rest /= extent;
        }
        index.reverse();
        Some(What::Element { index, got, low, high, count: self.outside })
    }
}
