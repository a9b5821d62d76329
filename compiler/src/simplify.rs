//! Rewrites of a graph that keep its float results: fewer operators, one form of each.
//!
//! After [`run`], where the parameters are constants:
//! * no BatchNormalization is left;
//! * each Gemm is `alpha = beta = 1`, not transposed on the left, weights (N,K), bias (N) or none;
//! * no MatMul has a constant matrix on its right, and none of numbers on its left;
//! * the slope of a PRelu is (C, 1, ..., 1) unless it really varies within a channel;
//! * no Pad with zeros feeds a convolution alone, no constant is subtracted, divides, or scales an image channel by channel;
//! * a choice by a constant condition is a sum of products, unless a side may be infinite where it is not chosen;
//! * an image is interpolated by a whole factor as a transposed convolution, but in quantised models;
//! * recurrent layers of constant weights and not too many steps are products, sums and functions;
//! * functions that were written as several operators are one: hard-swish, SiLU, GELU, layer norm;
//! * nothing but DequantizeLinear computes on constants alone, nothing does nothing or is never read.

mod batch_norm;
mod bias;
mod choice;
mod constants;
mod dead;
mod interpolation;
mod matrix;
mod no_ops;
mod pad;
mod patterns;
mod prelu;
pub(crate) mod rewrite;
mod scale;
mod slices;
mod softplus;
pub(crate) mod unroll;

#[cfg(test)]
mod tests;

use crate::error::Result;
use crate::graph::Graph;

/// A rewrite: same inputs, same outputs, same float results up to rounding.
pub type Pass = fn(Graph) -> Result<Graph>;

/// All passes with their names, in the order in which [`run`] applies them.
pub const PASSES: &[(&str, Pass)] = &[
    // A quantised operator that nothing reads makes no quantised model.
    ("drop dead code", dead::run),
    // Exporters compute weights: the other passes want to see constants.
    ("fold constants", constants::run),
    ("choices by constants", choice::run),
    ("unroll recurrent layers", unroll::run),
    // What their first states alone decide, and sides of choices.
    ("fold constants", constants::run),
    // A no-op between two operators hides the pair from the passes that join them.
    ("drop no-ops", no_ops::run),
    ("interpolations", interpolation::run),
    // Before the arithmetic they consist of takes another form.
    ("recognise softplus", softplus::run),
    ("recognise functions", patterns::run),
    ("functions of slices", slices::run),
    ("slopes per channel", prelu::run),
    ("canonical matrix products", matrix::run),
    ("fold batch normalization", batch_norm::run),
    // The two passes above insert reshapes that may meet others, before an addend say.
    ("drop no-ops", no_ops::run),
    // Differences become sums, which the pass after it wants; factors meet the products above.
    ("constant factors", scale::run),
    ("fold addends into biases", bias::run),
    // Normalisations and factors have become the convolutions that padding folds into.
    ("fold padding", pad::run),
    ("drop dead code", dead::run),
];

/// Applies all passes in order, and again as long as that leaves fewer nodes: a late pass may give an early one
/// something to do.
///
/// # Errors
/// A graph that [`Graph::verify`] refuses; weights that leave the range of float32 when scaled.
pub fn run(graph: Graph) -> Result<Graph> {
    graph.verify()?;
    let mut graph = once(graph)?;
    loop {
        let before = graph.nodes.len();
        let again = once(graph.clone())?;
        if again.nodes.len() == before {
            return Ok(graph);
        }
        graph = again;
    }
}

fn once(mut graph: Graph) -> Result<Graph> {
    for (name, pass) in PASSES {
        let file = graph.name.clone();
        let place = |e: crate::error::Error| e.stage("simplify").attribute(*name).file(&file);
        graph = pass(graph).map_err(place)?;
        graph.verify().map_err(place)?;
    }
    Ok(graph)
}
