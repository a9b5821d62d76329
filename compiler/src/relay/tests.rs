//! Texts by hand, there and back, and damaged.

mod hostile;
mod names;
mod roundtrip;

use super::*;
use crate::graph::Graph;

/// Parses a text without parameters.
fn graph(text: &str) -> Graph {
    parse(text, "net.relay", &Params::default()).unwrap().graph
}
