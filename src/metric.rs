//! The quality of a network on its evaluation samples, float and int8. `docs/metric.md` describes the file.

mod targets;

use crate::model::{self, Model};
use crate::pipeline::Compiled;
use anyhow::{Result, bail};
use ndarray::ArrayD;
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use targets::Targets;
use tilewright_compiler::float;
use tilewright_compiler::npy::Archive;

/// How a task is scored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of samples whose largest output is the label.
    Top1,
    /// Mean over samples of the peak signal-to-noise ratio in dB, peak 1, outputs clipped to 0..1,
    /// a border of 4 pixels left out, at most 120.
    Psnr,
    /// Share of samples whose labels are read exactly right: the largest output of every step, equal
    /// neighbours merged, the last class (blank) dropped.
    Sequence,
    /// Intersection over union of the pixels above 0.5 and those of the mask, over all samples together.
    Iou,
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

impl Scores {
    /// The integer score as people say it: per cent, or decibels.
    pub fn points(&self) -> f64 {
        if self.metric == Metric::Psnr { self.int8 } else { 100.0 * self.int8 }
    }

    /// The unit of [`Scores::points`].
    pub fn unit(&self) -> &'static str {
        if self.metric == Metric::Psnr { "dB" } else { "%" }
    }
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
type NetworkFunction<'a> = dyn Fn(&[ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>> + Sync + 'a;

/// The evaluation samples of a model with what is right, checked against its inputs and first output.
#[derive(Clone, Debug)]
pub struct Evaluation {
    path: PathBuf,
    samples: Vec<Vec<ArrayD<f32>>>,
    targets: Targets,
}

impl Evaluation {
    /// Reads `eval.npz` beside a model, before anything is computed.
    ///
    /// # Errors
    /// A file that cannot be read, samples that do not fit the network, an array `y` of a type or shape
    /// that is none of those in `docs/metric.md`.
    pub fn read(model: &Model) -> Result<Evaluation> {
        let path = model.beside("eval.npz");
        let archive = Archive::open(&path)?;
        let place = || path.display().to_string();
        if !archive.names().any(|name| name == "y") {
            bail!("error[metric]: {}: has no array y; try: labels, masks or images as y", place());
        }
        let output = model.graph.shape(model.graph.outputs[0]);
        let targets = Targets::new(archive.read("y").map_err(|e| e.file(place()))?, output)
            .map_err(|e| e.file(place()))?;
        let samples = model::samples(&model.graph, &path)?;
        if targets.count() != samples.len() {
            let (x, y) = (samples.len(), targets.count());
            bail!("error[metric]: {}: there are {x} samples and {y} results in y", place());
        }
        Ok(Evaluation { path, samples, targets })
    }

    /// The samples, each with one array for every input.
    pub fn samples(&self) -> &[Vec<ArrayD<f32>>] {
        &self.samples
    }

    /// Scores a model on the samples.
    ///
    /// `watch` is told after every inference how many are done, and of how many; from several threads.
    ///
    /// # Errors
    /// Inputs that do not fit, outputs that are not finite.
    pub fn run(
        &self,
        model: &Model,
        compiled: &Compiled,
        watch: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Scores> {
        let done = AtomicUsize::new(0);
        let score = |what: &str, run: &NetworkFunction| -> Result<f64> {
            let one = |(i, sample): (usize, &Vec<ArrayD<f32>>)| -> Result<[f64; 2]> {
                let outputs = run(sample)?;
                if outputs[0].iter().any(|v| !v.is_finite()) {
                    bail!(
                        "error[metric]: {}: sample {i} gives {what} outputs that are not finite; try: verify with this sample",
                        self.path.display()
                    );
                }
                // In float and in integers.
                watch(done.fetch_add(1, Ordering::Relaxed) + 1, 2 * self.samples.len());
                Ok(self.targets.score(&outputs[0], i))
            };
            // Summed in order, so that the result does not depend on threads.
            let scores: Vec<[f64; 2]> =
                self.samples.par_iter().enumerate().map(one).collect::<Result<_>>()?;
            let sum = |side: usize| scores.iter().map(|s| s[side]).sum::<f64>();
            Ok(sum(0) / sum(1).max(1.0))
        };
        Ok(Scores {
            metric: self.targets.metric(),
            samples: self.samples.len(),
            float: score("float", &|x| Ok(float::run(&model.imported, x)?))?,
            int8: score("integer", &|x| Ok(compiled.network.predict(x)?))?,
        })
    }
}
