//! Operators between whose numbers some are infinite or none, such as logarithms of what a Where then leaves out. No
//! range of 8 bits has them; float has.

use super::kernel::Refusal;
use crate::error::Result;
use crate::float;
use crate::graph::{Graph, ValueId};
use ndarray::{ArrayD, ArrayViewD};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

const NOT_FINITE: &str = "calibration has infinities or NaN there, which no range has";
const FINITE: &str = "a Max or Clip in front of what makes them, which keeps what it reads in its domain";

/// The nodes that make or read a number that is not finite in some sample; none where no node does, or where it reaches an
/// output.
///
/// # Errors
/// A sample that does not fit.
pub fn nodes(graph: &Graph, samples: &[Vec<ArrayD<f32>>]) -> Result<Option<BTreeMap<usize, Refusal>>> {
    let spoilt = RefCell::new(BTreeSet::new());
    for sample in samples {
        let see = |id: ValueId, x: &ArrayViewD<f32>| {
            if x.iter().any(|x| !x.is_finite()) {
                spoilt.borrow_mut().insert(id);
            }
            None
        };
        float::replaced(graph, sample, &see)?;
    }
    let spoilt = spoilt.into_inner();
    if spoilt.is_empty() || graph.outputs.iter().chain(&graph.inputs).any(|id| spoilt.contains(id)) {
        return Ok(None);
    }
    let touches = |ids: &[ValueId]| ids.iter().any(|id| spoilt.contains(id));
    let why = Refusal { why: NOT_FINITE.into(), hint: Some(FINITE), layout: false };
    let nodes = graph.nodes.iter().enumerate();
    let nodes = nodes.filter(|(_, n)| touches(&n.inputs) || touches(&n.outputs));
    Ok(Some(nodes.map(|(n, _)| (n, why.clone())).collect()))
}
