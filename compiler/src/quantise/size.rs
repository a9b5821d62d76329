//! How much memory a network needs at least, which is known before anything is calibrated.

use super::select::annotations::{self, Annotations};
use super::select::kernel::Kernel;
use super::select::plan;
use crate::error::Result;
use crate::graph::Graph;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use tilewright_arch::Config;

/// Bytes of external memory that the weights of a simplified graph take at least on a machine, of the stage that has most of
/// them: a byte each. What is the same is stored once, so output channels that become the same bytes are counted once.
///
/// # Errors
/// As [`super::run`], of the graph alone.
pub fn least_bytes(graph: &Graph, config: &Config) -> Result<u64> {
    graph.verify().map_err(|e| e.stage("quantise"))?;
    let (graph, annotations) = match graph.is_quantised() {
        true => annotations::strip(graph).map(|(graph, annotations)| (Cow::Owned(graph), annotations))?,
        false => (Cow::Borrowed(graph), Annotations::default()),
    };
    let plan = plan::plan(&graph, &annotations, config);
    let mut stages: BTreeMap<usize, (u64, HashSet<u64>)> = BTreeMap::new();
    for fused in &plan.ops {
        let kernels: Vec<(&[f32], usize)> = match &fused.kernel {
            Kernel::Linear { weights, bias, .. } => vec![(weights, bias.len())],
            Kernel::Phases { phases, bias, .. } => {
                phases.iter().map(|p| (&p.weights[..], bias.len())).collect()
            }
            _ => vec![],
        };
        let (bytes, seen) = stages.entry(fused.turn).or_default();
        for (weights, channels) in kernels {
            let terms = (weights.len() / channels).max(1);
            for row in weights.chunks(terms) {
                if seen.insert(hash(row)) {
                    *bytes += row.len() as u64;
                }
            }
        }
    }
    Ok(stages.into_values().map(|(bytes, _)| bytes).max().unwrap_or(0))
}

/// Of a channel's weights as they are rounded, whatever their scale.
fn hash(row: &[f32]) -> u64 {
    let largest = row.iter().fold(f32::MIN_POSITIVE, |most, w| most.max(w.abs()));
    let mut hasher = DefaultHasher::new();
    for w in row {
        hasher.write_i8((w / largest * 127.0).round_ties_even() as i8);
    }
    row.len().hash(&mut hasher);
    hasher.finish()
}
