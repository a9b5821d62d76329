//! The quality of a network on its evaluation samples, float and int8.

use crate::model::{self, Model};
use crate::pipeline::Compiled;
use anyhow::{Context, Result, bail};
use ndarray::ArrayD;
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use tilewright_compiler::float::{self, math::log10};
use tilewright_compiler::npy::{self, Array};

/// How a task is scored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of samples whose largest output is the label.
    Top1,
    /// Mean over samples of the peak signal-to-noise ratio in dB, peak 1, outputs clipped to 0..1,
    /// a border of 4 pixels left out.
    Psnr,
    /// Share of samples whose labels are read exactly right: the largest output of every step, equal
    /// neighbours merged, the last class (blank) dropped.
    Sequence,
    /// Intersection over union of the pixels above 0.5 and those of the mask, over all samples together.
    Iou,
}

impl Metric {
    /// The metric that suits targets: labels, several labels a sample, masks of 0 and 1, or images.
    fn of(targets: &Array) -> Metric {
        match targets.shape.len() {
            0 | 1 => Metric::Top1,
            2 => Metric::Sequence,
            _ if targets.to_f32().iter().all(|&v| v == 0.0 || v == 1.0) => Metric::Iou,
            _ => Metric::Psnr,
        }
    }
}

/// Both scores.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Scores {
    /// The metric.
    pub metric: Metric,
    /// Samples.
    pub samples: usize,
    /// Of the float reference.
    pub float: f64,
    /// Of the integer reference, which the simulator and the Verilog equal bit for bit.
    pub int8: f64,
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.metric {
            Metric::Top1 | Metric::Sequence | Metric::Iou => {
                let name = match self.metric {
                    Metric::Top1 => "top-1",
                    Metric::Sequence => "exact",
                    _ => "IoU",
                };
                let (float, int8) = (100.0 * self.float, 100.0 * self.int8);
                write!(f, "{name:<14} float {float:.2} %, int8 {int8:.2} % on {} samples", self.samples)
            }
            Metric::Psnr => write!(
                f,
                "PSNR           float {:.2} dB, int8 {:.2} dB on {} samples",
                self.float, self.int8, self.samples
            ),
        }
    }
}

/// A network as a function from inputs to outputs.
type Network<'a> = dyn Fn(&[ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>> + Sync + 'a;

/// Scores a model on `eval.npz` beside it: `x` the samples, `y` labels (one number a sample:
/// top-1, several: sequences), masks of 0 and 1 (IoU) or images as bytes (PSNR).
///
/// `watch` is told after every inference how many are done, and of how many; from several threads.
pub fn evaluate(model: &Model, compiled: &Compiled, watch: &(dyn Fn(usize, usize) + Sync)) -> Result<Scores> {
    let path = model.beside("eval.npz");
    let arrays = npy::read_npz(&path).with_context(|| path.display().to_string())?;
    let Some((_, targets)) = arrays.iter().find(|(name, _)| name == "y") else {
        bail!("error[metric]: {}: has no array y; try: labels or images as y", path.display());
    };
    let samples = model::samples(&model.graph, &path)?;
    if targets.shape.first() != Some(&samples.len()) {
        bail!("error[metric]: {}: x and y have different numbers of samples", path.display());
    }
    let metric = Metric::of(targets);
    let done = AtomicUsize::new(0);
    let score = |run: &Network| -> Result<f64> {
        let one = |(i, sample): (usize, &Vec<ArrayD<f32>>)| -> Result<[f64; 2]> {
            let outputs = run(sample)?;
            // In float and in integers.
            watch(done.fetch_add(1, Ordering::Relaxed) + 1, 2 * samples.len());
            Ok(score(metric, &outputs[0], targets, i))
        };
        // Summed in order, so that the result does not depend on threads.
        let scores: Vec<[f64; 2]> = samples.par_iter().enumerate().map(one).collect::<Result<_>>()?;
        let sum = |side: usize| scores.iter().map(|s| s[side]).sum::<f64>();
        Ok(sum(0) / sum(1).max(1.0))
    };
    Ok(Scores {
        metric,
        samples: samples.len(),
        float: score(&|x| Ok(float::run(&model.imported, x)?))?,
        int8: score(&|x| Ok(compiled.network.predict(x)?))?,
    })
}

/// The score of sample `index`, and what it counts for.
fn score(metric: Metric, output: &ArrayD<f32>, targets: &Array, index: usize) -> [f64; 2] {
    let all = targets.to_f32();
    let size = all.len() / targets.shape[0];
    let target = &all[index * size..(index + 1) * size];
    match metric {
        Metric::Top1 => {
            let best = output
                .iter()
                .enumerate()
                .fold((0, f32::NEG_INFINITY), |best, (i, &v)| if v > best.1 { (i, v) } else { best });
            [f64::from(u8::from(best.0 as f32 == target[0])), 1.0]
        }
        Metric::Sequence => {
            let classes = *output.shape().last().unwrap_or(&1);
            let all: Vec<f32> = output.iter().copied().collect();
            let largest = |step: &[f32]| (0..classes).max_by(|&a, &b| step[a].total_cmp(&step[b]));
            let mut read: Vec<usize> = all.chunks_exact(classes).filter_map(largest).collect();
            read.dedup();
            read.retain(|&class| class + 1 != classes);
            let right = read.iter().map(|&class| class as f32).eq(target.iter().copied());
            [f64::from(u8::from(right)), 1.0]
        }
        Metric::Iou => {
            let pairs = || output.iter().zip(target).map(|(&value, &want)| (value > 0.5, want > 0.5));
            let count = |f: fn(&(bool, bool)) -> bool| pairs().filter(f).count() as f64;
            [count(|(a, b)| *a && *b), count(|(a, b)| *a || *b)]
        }
        Metric::Psnr => {
            let (height, width) =
                (targets.shape[targets.shape.len() - 2], targets.shape[targets.shape.len() - 1]);
            let inside = |i: usize| {
                let (y, x) = (i / width % height, i % width);
                (4..height.saturating_sub(4)).contains(&y) && (4..width.saturating_sub(4)).contains(&x)
            };
            let (mut sum, mut count) = (0.0, 0.0);
            for (_, (value, want)) in output.iter().zip(target).enumerate().filter(|(i, _)| inside(*i)) {
                let difference = f64::from(value.clamp(0.0, 1.0)) - f64::from(*want) / 255.0;
                sum += difference * difference;
                count += 1.0;
            }
            [10.0 * log10(count / sum), 1.0]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::IxDyn;
    use tilewright_compiler::npy::Data;

    #[test]
    fn sequences_and_masks() {
        // Three classes, the last one blank: 0 0 - 0 1 reads 0 0 1.
        let steps = [[1., 0., 0.], [1., 0., 0.], [0., 0., 1.], [1., 0., 0.], [0., 1., 0.]].concat();
        let output = ArrayD::from_shape_vec(IxDyn(&[1, 5, 3]), steps).unwrap();
        let labels = |labels: [f32; 3]| Array { shape: vec![1, 3], data: Data::F32(labels.to_vec()) };
        assert_eq!(score(Metric::Sequence, &output, &labels([0.0, 0.0, 1.0]), 0), [1.0, 1.0]);
        assert_eq!(score(Metric::Sequence, &output, &labels([0.0, 1.0, 1.0]), 0), [0.0, 1.0]);
        let mask = Array { shape: vec![1, 1, 2, 2], data: Data::F32(vec![1.0, 1.0, 0.0, 0.0]) };
        let output = ArrayD::from_shape_vec(IxDyn(&[1, 1, 2, 2]), vec![0.9, 0.1, 0.8, 0.2]).unwrap();
        assert_eq!(Metric::of(&mask), Metric::Iou);
        assert_eq!(score(Metric::Iou, &output, &mask, 0), [1.0, 3.0]);
    }
}
