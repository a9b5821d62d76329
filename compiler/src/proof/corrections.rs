//! Corrections of biases, estimated once more: from the source's own means and from what the integers
//! stand for, without asking the quantiser what it saw.
//!
//! A correction that is estimated from means of another value makes a right operation wrong, and no
//! element's interval shows it: the bias is what it claims to be.

use super::exact::ExactSource;
use super::integers::NetworkIntegers;
use super::run::integers;
use super::{Checked, Finding, Layer, What};
use crate::claims::{Operation, RealWeights};
use crate::error::Result;
use crate::float;
use crate::network::{Network, places};
use ndarray::ArrayD;

/// Units of the sum by which a correction may differ from the one estimated here: both are rounded.
const UNITS: f64 = 1.0 + 1e-3;
/// The part of a unit by which a mean error may seem to grow: corrections are whole units.
const GROWTH: f64 = 1.0;

/// Estimates the corrections of `network` again from the first of the calibration samples, those that it
/// claims. A finding for each layer whose correction is another one, or makes a channel's mean error larger.
///
/// # Errors
/// Samples that do not fit the network.
pub fn corrections(network: &Network, samples: &[Vec<ArrayD<f32>>]) -> Result<Vec<Finding>> {
    let claims = &network.claims;
    let samples = &samples[..claims.corrected.min(samples.len())];
    let corrected: Vec<(usize, &Operation, &RealWeights)> = claims
        .operations
        .iter()
        .enumerate()
        .filter_map(|(id, o)| {
            let rounded = o.parts.iter().find_map(|p| p.rounded.as_ref())?;
            (!rounded.corrections.is_empty()).then_some((id, o, rounded))
        })
        .collect();
    if samples.len() < 2 || corrected.is_empty() {
        return Ok(Vec::new());
    }
    // By operation, channel and sample: the mean of the sums less the source's, in units, uncorrected.
    let mut shifts: Vec<Vec<Vec<f64>>> =
        corrected.iter().map(|(.., r)| vec![Vec::with_capacity(samples.len()); r.bias.len()]).collect();
    let mut findings = Vec::new();
    for sample in samples {
        let source = float::run_all(&claims.graph, sample)?;
        let (integers, _) = integers(network, sample)?;
        for ((id, operation, rounded), shifts) in corrected.iter().zip(&mut shifts) {
            match means(&integers, operation, &source[operation.linear.value.0 as usize]) {
                Ok(means) => {
                    let scale = f64::from(integers.tensor(rounded.from.tensor).scale);
                    for (c, (shift, mean)) in shifts.iter_mut().zip(means).enumerate() {
                        let unit = scale * rounded.scales[c];
                        shift.push(mean / unit + f64::from(rounded.corrections[c]));
                    }
                }
                Err(what) => findings.push(finding(network, *id, what)),
            }
        }
    }
    for ((id, _, rounded), shifts) in corrected.iter().zip(&shifts) {
        if let Some(what) = contradiction(rounded, shifts) {
            findings.push(finding(network, *id, what));
        }
    }
    Ok(findings)
}

fn finding(network: &Network, id: usize, what: What) -> Finding {
    let nodes = &network.claims.operations[id].nodes;
    let names: Vec<String> = nodes.iter().map(|&n| network.claims.graph.nodes[n].name.clone()).collect();
    Finding { id: Some(id), layer: names.first().cloned().unwrap_or_default(), nodes: names, what }
}

/// By channel: the mean of what the integers make of the sums less the mean of the source's value.
fn means(integers: &NetworkIntegers, operation: &Operation, source: &ArrayD<f32>) -> Checked<Vec<f64>> {
    let linear = &operation.linear;
    let step = operation.table.map_or(integers.tensor(operation.output.tensor).scale, |(_, scale, _)| scale);
    let sums = integers.sums(operation, step.into(), &mut Layer::default())?;
    let values = integers.inputs(operation).map_err(|message| What::Claim { message })?;
    let mut exact = ExactSource::new(integers.graph, operation, sums, values);
    exact.run(Some(linear.value))?;
    let made = exact.value(linear.value)?;
    let [channels, rows, columns] = linear.shape;
    let mut all = vec![0.0; channels];
    for ((place, &x), &want) in places(linear.offset, &linear.strides).zip(made).zip(source) {
        all[place / (rows * columns)] += (x - f64::from(want)) * linear.factor;
    }
    all.iter_mut().for_each(|sum| *sum /= (rows * columns) as f64);
    Ok(all)
}

fn contradiction(rounded: &RealWeights, shifts: &[Vec<f64>]) -> Option<What> {
    for (c, (shifts, &correction)) in shifts.iter().zip(&rounded.corrections).enumerate() {
        let (correction, estimated) = (f64::from(correction), shrunk(shifts));
        let mean = shifts.iter().sum::<f64>() / shifts.len() as f64;
        let grown = (mean - correction).abs() > mean.abs() + GROWTH;
        if grown || (correction - estimated.clamp(-1e8, 1e8)).abs() > UNITS {
            let name = format!("the correction of channel {c}, in units of its sum,");
            return Some(What::Parameter { name, source: estimated, stored: correction, step: 1.0 });
        }
    }
    None
}

/// The mean of `n` estimates m with variance v: m * max(0, 1 - v / n / m^2), so that of a mean as
/// uncertain as it is large nothing is left (positive-part James-Stein).
fn shrunk(estimates: &[f64]) -> f64 {
    let n = estimates.len() as f64;
    let mean = estimates.iter().sum::<f64>() / n;
    let variance = estimates.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / (n - 1.0);
    let kept = 1.0 - variance / n / (mean * mean);
    if mean == 0.0 { 0.0 } else { mean * kept.max(0.0) }
}
