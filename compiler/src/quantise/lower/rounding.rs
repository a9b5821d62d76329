//! Rounding of weights that looks at what they are multiplied with.
//!
//! Rounding every weight to the nearest integer is best only for inputs that are independent. Real
//! ones are not: neighbouring pixels are alike, channels fire together. With S the second moments of
//! the inputs, the error of an output is d' S d for rounding errors d; taking weights one after the
//! other and letting the later ones make up for the errors of the earlier ones makes it much smaller
//! (Babai's nearest plane, known as GPTQ for weights): [`Rounding::Compensated`]. One Cholesky factor
//! serves all outputs. From there every weight may move to where the error is least while the others
//! stay, until none wants to: [`Rounding::Learned`], what AdaRound minimises by gradients, minimised
//! over the integers themselves. It fits the calibration samples closest, which is not always best for
//! others.

use crate::float;
use crate::options::Rounding;
use ndarray::ArrayView2;
use tilewright_arch::fixed::{floor_log2, power_of_two};

/// Inputs that are looked at together, at most: bounds the cubic cost of the factor.
const BLOCK: usize = 512;
/// Steps by which a weight may be moved to make up for others. Inputs that are hardly ever there would let
/// it go anywhere: 40 steps were seen, for nothing on other samples.
const MOST_STEPS: f64 = 4.0;
/// Least share of independence mixed into the correlations.
const LEAST_SHRINKAGE: f64 = 0.03;
/// Rounds in which all weights may move, at most: hardly any output needs more than a few.
const ROUNDS: usize = 20;

/// How errors of one group of output channels are weighed.
pub struct ErrorMetric {
    blocks: Vec<InputBlock>,
    descends: bool,
}

/// Consecutive inputs.
struct InputBlock {
    first: usize,
    /// Inputs in the order of the factor, relative to `first`; the last is rounded first.
    order: Vec<usize>,
    /// Row-major upper triangular R with R'R = S, each row divided by its diagonal.
    factor: Vec<f64>,
    /// Row-major S in the same order, each row divided by its diagonal; empty where nothing descends.
    moments: Vec<f64>,
}

/// Numbers of up to this power of two, or its inverse, have squares whose sums are float32 numbers.
const SQUARABLE: i32 = 48;

impl ErrorMetric {
    /// From observed input vectors: `inputs` columns, one row an observation.
    pub fn new(observed: ArrayView2<f32>, rounding: Rounding) -> ErrorMetric {
        // Their squares have to be numbers too; only their proportions count.
        let most = observed.iter().fold(0f32, |most, x| most.max(x.abs()));
        let exponent = floor_log2(most.into());
        if most > 0.0 && exponent.abs() > SQUARABLE {
            let scaled = observed.mapv(|x| (f64::from(x) * power_of_two(-exponent)) as f32);
            return ErrorMetric::new(scaled.view(), rounding);
        }
        let descends = rounding == Rounding::Learned;
        let inputs = observed.ncols();
        let count = inputs.div_ceil(BLOCK);
        let size = inputs.div_ceil(count);
        let block = |first: usize| {
            let last = (first + size).min(inputs);
            InputBlock::new(first, observed.slice(ndarray::s![.., first..last]), descends)
        };
        ErrorMetric { blocks: (0..inputs).step_by(size).map(block).collect(), descends }
    }

    /// Integers in -127..=127 whose multiples of `scale` stand for the weights.
    pub fn round(&self, weights: &[f32], scale: f64) -> Vec<i8> {
        let mut rounded = vec![0; weights.len()];
        for block in &self.blocks {
            let n = block.order.len();
            // errors so far, in steps, in the factor's order
            let mut errors = vec![0.0; n];
            for j in (0..n).rev() {
                let at = block.first + block.order[j];
                let weight = f64::from(weights[at]) / scale;
                let row = &block.factor[j * n..(j + 1) * n];
                let carried: f64 = row[j + 1..].iter().zip(&errors[j + 1..]).map(|(r, e)| r * e).sum();
                let q = near(weight, (weight + carried).round_ties_even());
                errors[j] = weight - q;
                rounded[at] = q as i8;
            }
            if self.descends {
                block.descend(&mut errors, &mut rounded);
            }
        }
        rounded
    }
}

impl InputBlock {
    fn new(first: usize, observed: ArrayView2<f32>, descends: bool) -> InputBlock {
        let n = observed.ncols();
        let moments = float::product(observed.t(), observed);
        let deviation: Vec<f64> = (0..n).map(|i| f64::from(moments[[i, i]]).sqrt()).collect();
        // inputs that matter most are rounded first: the others make up for them
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| deviation[a].total_cmp(&deviation[b]).then(a.cmp(&b)));
        let mut correlation = vec![0.0; n * n];
        for (i, &a) in order.iter().enumerate() {
            for (j, &b) in order.iter().enumerate() {
                let product = deviation[a] * deviation[b];
                correlation[i * n + j] = match i == j {
                    true => 1.0,
                    false if product > 0.0 => f64::from(moments[[a, b]]) / product,
                    false => 0.0,
                };
            }
        }
        let keep = 1.0 - shrinkage(&correlation, n, observed.nrows());
        for i in 0..n {
            for j in (0..n).filter(|&j| j != i) {
                correlation[i * n + j] *= keep;
            }
        }
        let mut moments = if descends { correlation.clone() } else { vec![] };
        for (i, row) in moments.chunks_mut(n).enumerate() {
            let own = deviation[order[i]];
            let relative = |&j: &usize| if own > 0.0 { deviation[j] / own } else { 0.0 };
            row.iter_mut().zip(&order).for_each(|(m, j)| *m *= relative(j));
        }
        cholesky(&mut correlation, n);
        // Undo the normalisation: columns times deviations, rows divided by their diagonal.
        let mut factor = correlation;
        for i in 0..n {
            let own = factor[i * n + i] * deviation[order[i]];
            for j in i + 1..n {
                let entry = &mut factor[i * n + j];
                *entry = if own > 0.0 { *entry * deviation[order[j]] / own } else { 0.0 };
            }
        }
        InputBlock { first, order, factor, moments }
    }

    /// Moves weights, whose `errors` are given in steps and in the block's order, one at a time to the
    /// integer that makes d' S d least.
    fn descend(&self, errors: &mut [f64], rounded: &mut [i8]) {
        let n = errors.len();
        for _ in 0..ROUNDS {
            let mut moved = false;
            for j in 0..n {
                // The best error of this weight is the one that cancels what the others leave.
                let row = &self.moments[j * n..(j + 1) * n];
                let gradient: f64 = row.iter().zip(&*errors).map(|(m, e)| m * e).sum();
                let q = &mut rounded[self.first + self.order[j]];
                let to = near(f64::from(*q) + errors[j], f64::from(*q) + gradient.round_ties_even());
                let step = to - f64::from(*q);
                // Ties would let weights move for ever; a move must be worth something.
                if step != 0.0 && (gradient - step).abs() < gradient.abs() - 1e-9 {
                    errors[j] -= step;
                    *q = to as i8;
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }
}

/// The integer `q`, or the nearest to it that a weight of so many steps may become.
fn near(weight: f64, q: f64) -> f64 {
    q.clamp((weight - MOST_STEPS).ceil(), (weight + MOST_STEPS).floor()).clamp(-127.0, 127.0)
}

/// How much a correlation matrix of `n` inputs estimated from so many observations should be mixed
/// with independence: the oracle approximating shrinkage of Chen, Wiesel, Eldar and Hero.
fn shrinkage(correlation: &[f64], n: usize, observations: usize) -> f64 {
    let (p, count) = (n as f64, observations as f64);
    let squares: f64 = correlation.iter().map(|c| c * c).sum();
    let above = (1.0 - 2.0 / p) * squares + p * p;
    let below = (count + 1.0 - 2.0 / p) * (squares - p);
    if below <= 0.0 { 1.0 } else { (above / below).clamp(LEAST_SHRINKAGE, 1.0) }
}

/// Overwrites the upper triangle of a symmetric matrix by R with R'R = the matrix.
fn cholesky(matrix: &mut [f64], n: usize) {
    for i in 0..n {
        let (done, rest) = matrix.split_at_mut((i + 1) * n);
        let row = &mut done[i * n..];
        // the mix with independence keeps it positive; rounding may still reach zero
        let diagonal = row[i].max(1e-9).sqrt();
        row[i..].iter_mut().for_each(|x| *x /= diagonal);
        row[i] = diagonal;
        for k in i + 1..n {
            let times = row[k];
            if times != 0.0 {
                let below = &mut rest[(k - i - 1) * n..(k - i) * n];
                below[k..].iter_mut().zip(&row[k..]).for_each(|(b, r)| *b -= times * r);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use tilewright_random::Random;

    /// Observations of `n` inputs that share a `common` part.
    fn observed(rows: usize, n: usize, common: f32) -> Array2<f32> {
        let mut random = Random::new(7);
        let mut next = move || random.float() / 2.0;
        let mut x = Array2::zeros((rows, n));
        for mut row in x.rows_mut() {
            let common = common * next();
            row.iter_mut().enumerate().for_each(|(i, x)| *x = common + (0.2 + 0.01 * i as f32) * next());
        }
        x
    }

    fn sine(i: usize) -> f32 {
        float::math::sin(1.7 * i as f64) as f32
    }

    fn square(x: f64) -> f64 {
        x * x
    }

    fn error(x: &Array2<f32>, weights: &[f32], scale: f64, q: &[i8]) -> f64 {
        let row = |r: ndarray::ArrayView1<f32>| {
            let terms = r.iter().zip(weights).zip(q);
            square(terms.map(|((x, w), q)| f64::from(*x) * (f64::from(*w) - scale * f64::from(*q))).sum())
        };
        x.rows().into_iter().map(row).sum()
    }

    #[test]
    fn errors_of_correlated_inputs_cancel() {
        let x = observed(500, 30, 4.0);
        let weights: Vec<f32> = (0..30).map(|i| 0.6 * sine(i)).collect();
        let nearest: Vec<i8> = weights.iter().map(|w| (w / 0.01).round() as i8).collect();
        let smart = ErrorMetric::new(x.view(), Rounding::Compensated).round(&weights, 0.01);
        let (a, b) = (error(&x, &weights, 0.01, &nearest), error(&x, &weights, 0.01, &smart));
        assert!(b < a / 4.0, "{a} {b}");
    }

    /// No single weight can be moved by a step to make the error less, and it is less than it was.
    #[test]
    fn no_single_weight_wants_to_move() {
        const N: usize = 30;
        // Every input is much like the one before, as neighbouring pixels are.
        let mut x = observed(4000, N, 0.0);
        for i in 1..N {
            let before = x.column(i - 1).to_owned();
            x.column_mut(i).zip_mut_with(&before, |x, b| *x = 0.7 * (b + *x));
        }
        let [compensated, learned] =
            [Rounding::Compensated, Rounding::Learned].map(|r| ErrorMetric::new(x.view(), r));
        let block = &learned.blocks[0];
        let own: Vec<f64> =
            block.order.iter().map(|&i| x.column(i).iter().map(|v| square(f64::from(*v))).sum()).collect();
        let (mut before, mut after) = (0.0, 0.0);
        for phase in 0..20 {
            let weights: Vec<f32> = (0..N).map(|i| 0.6 * sine(i + 31 * phase)).collect();
            let cost = |q: &[i8]| -> f64 {
                let d: Vec<f64> =
                    block.order.iter().map(|&i| f64::from(weights[i]) / 0.05 - f64::from(q[i])).collect();
                let dot = |row: &[f64]| -> f64 { row.iter().zip(&d).map(|(m, d)| m * d).sum() };
                (0..N).map(|i| own[i] * d[i] * dot(&block.moments[i * N..(i + 1) * N])).sum()
            };
            let q = learned.round(&weights, 0.05);
            let least = cost(&q);
            for i in 0..2 * N {
                let mut other = q.clone();
                other[i / 2] += if i % 2 == 0 { -1 } else { 1 };
                assert!(cost(&other) >= least * (1.0 - 1e-9), "{phase} {i}");
            }
            before += cost(&compensated.round(&weights, 0.05));
            after += least;
        }
        assert!(after < before, "{before} {after}");
    }

    /// An input that is hardly ever there would have to move far to make up for one that is.
    #[test]
    fn no_weight_moves_beyond_the_bound() {
        let mut x = observed(400, 2, 4.0);
        x.column_mut(1).mapv_inplace(|x| 0.001 * x);
        let weights = [0.26, 0.3];
        for rounding in [Rounding::Compensated, Rounding::Learned] {
            let rounded = ErrorMetric::new(x.view(), rounding).round(&weights, 0.1);
            for (weight, q) in weights.iter().zip(&rounded) {
                let moved = (f64::from(*weight) / 0.1 - f64::from(*q)).abs();
                assert!(moved <= MOST_STEPS, "{rounding:?}: {rounded:?}");
            }
        }
    }

    #[test]
    fn independent_or_unseen_inputs_round_to_nearest() {
        let weights = [0.26, -0.74, 0.5, 3.0];
        let mut x = Array2::zeros((400, 4));
        for i in 0..400 {
            x[[i, i % 4]] = 1.0;
        }
        for rounding in [Rounding::Compensated, Rounding::Learned] {
            let unseen = Array2::zeros((3, 4));
            assert_eq!(ErrorMetric::new(x.view(), rounding).round(&weights, 0.5), [1, -1, 1, 6]);
            assert_eq!(ErrorMetric::new(unseen.view(), rounding).round(&weights, 0.5), [1, -1, 1, 6]);
        }
    }

    #[test]
    fn factor_reproduces_the_matrix() {
        let matrix = [4.0, 2.0, 0.6, 2.0, 3.0, 0.4, 0.6, 0.4, 2.0];
        let mut r = matrix;
        cholesky(&mut r, 3);
        for i in 0..3 {
            for j in 0..3 {
                let dot: f64 = (0..=i.min(j)).map(|k| r[k * 3 + i] * r[k * 3 + j]).sum();
                assert!((dot - matrix[i * 3 + j]).abs() < 1e-12, "{i} {j}");
            }
        }
    }
}
