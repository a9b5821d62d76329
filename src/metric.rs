//! The quality of a network on its evaluation samples, float and int8.

use crate::model::{self, Model};
use crate::pipeline::Compiled;
use anyhow::{Context, Result, bail};
use ndarray::ArrayD;
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;
use tilewright_compiler::float;
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
            Metric::Top1 => write!(
                f,
                "top-1          float {:.2} %, int8 {:.2} % on {} samples",
                100.0 * self.float,
                100.0 * self.int8,
                self.samples
            ),
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

/// Scores a model on `eval.npz` beside it: `x` the samples, `y` labels (one number a sample: top-1)
/// or images as bytes (PSNR).
pub fn evaluate(model: &Model, compiled: &Compiled) -> Result<Scores> {
    let path = model.beside("eval.npz");
    let arrays = npy::read_npz(&path).with_context(|| path.display().to_string())?;
    let Some((_, targets)) = arrays.iter().find(|(name, _)| name == "y") else {
        bail!("error[metric]: {}: has no array y; try: labels or images as y", path.display());
    };
    let samples = model::samples(&model.graph, &path)?;
    if targets.shape.first() != Some(&samples.len()) {
        bail!("error[metric]: {}: x and y have different numbers of samples", path.display());
    }
    let metric = if targets.shape.len() == 1 { Metric::Top1 } else { Metric::Psnr };
    let score = |run: &Network| -> Result<f64> {
        let one = |(i, sample): (usize, &Vec<ArrayD<f32>>)| -> Result<f64> {
            let outputs = run(sample)?;
            Ok(score(metric, &outputs[0], targets, i))
        };
        // Summed in order, so that the result does not depend on threads.
        let scores: Vec<f64> = samples.par_iter().enumerate().map(one).collect::<Result<_>>()?;
        Ok(scores.iter().sum::<f64>() / samples.len() as f64)
    };
    Ok(Scores {
        metric,
        samples: samples.len(),
        float: score(&|x| Ok(float::run(&model.imported, x)?))?,
        int8: score(&|x| Ok(compiled.network.predict(x)?))?,
    })
}

/// The score of sample `index`.
fn score(metric: Metric, output: &ArrayD<f32>, targets: &Array, index: usize) -> f64 {
    let all = targets.to_f32();
    let size = all.len() / targets.shape[0];
    let target = &all[index * size..(index + 1) * size];
    match metric {
        Metric::Top1 => {
            let best = output
                .iter()
                .enumerate()
                .fold((0, f32::NEG_INFINITY), |best, (i, &v)| if v > best.1 { (i, v) } else { best });
            f64::from(u8::from(best.0 as f32 == target[0]))
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
            10.0 * (count / sum).log10()
        }
    }
}
