//! Whether the claims leave nothing open.

use crate::claims::Location;
use crate::graph::ValueId;
use crate::network::{Network, Stage, places};
use std::collections::BTreeMap;

/// What is claimed by nobody or more than once, with the name of the layer: every operator is some
/// operation's or the host's, or moves elements only; every node of the machine is some operation's; no
/// two elements of a value lie in one place.
pub(super) fn gaps(network: &Network) -> Vec<(String, String)> {
    let claims = &network.claims;
    let mut gaps = Vec::new();
    let mut claimed = vec![0usize; claims.graph.nodes.len()];
    for &n in claims.operations.iter().flat_map(|o| &o.nodes).chain(&claims.host) {
        claimed[n] += 1;
    }
    for (node, times) in claims.graph.nodes.iter().zip(claimed) {
        let free = times == 0 && node.op.only_moves();
        if times != 1 && !free {
            gaps.push((node.name.clone(), format!("the source's node is claimed {times} times")));
        }
    }
    for (s, stage) in network.stages.iter().enumerate() {
        let Stage::Machine { graph, .. } = stage else { continue };
        let mut claimed = vec![0usize; graph.nodes.len()];
        for part in claims.operations.iter().flat_map(|o| &o.parts).filter(|part| part.stage == s) {
            claimed[part.node] += 1;
        }
        for (n, (node, times)) in graph.nodes.iter().zip(claimed).enumerate() {
            if times != 1 {
                gaps.push((node.name.clone(), format!("node {n} of stage {s} is claimed {times} times")));
            }
        }
    }
    for placed in claims.imports.iter().chain(claims.operations.iter().map(|o| &o.output)) {
        let elements = network.tensors[placed.tensor.0 as usize].extents().iter().product();
        let mut seen = vec![false; elements];
        let twice = |place: usize| place >= elements || std::mem::replace(&mut seen[place], true);
        if places(placed.offset, &placed.strides).any(twice) {
            let name = claims.graph.value(placed.value).name.clone();
            gaps.push((name, "two of its elements lie in one place, or one outside of its tensor".into()));
        }
    }
    gaps.extend(scales(network));
    gaps
}

/// Values that a model which came quantised rounds to a scale and a zero point lie in tensors that have them.
fn scales(network: &Network) -> Vec<(String, String)> {
    let claims = &network.claims;
    let steps: BTreeMap<ValueId, (f32, i8)> =
        claims.prescribed.iter().map(|&(id, scale, zero)| (id, (scale, zero))).collect();
    let other = |placed: &Location| {
        let tensor = &network.tensors[placed.tensor.0 as usize];
        let (scale, zero) = *steps.get(&placed.value)?;
        let message = format!("its steps are {}, the model's {scale}", tensor.scale);
        let value = claims.graph.value(placed.value);
        ((tensor.scale, tensor.zero) != (scale, zero) || tensor.wide).then(|| (value.name.clone(), message))
    };
    claims.imports.iter().chain(claims.operations.iter().map(|o| &o.output)).filter_map(other).collect()
}
