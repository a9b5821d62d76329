//! What is held where and in which order things happen.
//!
//! The nodes are cut into consecutive groups. A group of one node works on whole tensors; the nodes
//! of a larger one share stripes, and what only they use passes in rings of rows. Tensors stay on
//! chip between groups or go to external memory and back ([`super::place`]).

use crate::fixed::TensorId;
use crate::tile::buffer::Buffer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use tilewright_arch::Config;

/// Consecutive nodes that share stripes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The nodes.
    pub nodes: Range<usize>,
    /// Rows of a stripe of the tallest tensor that comes from before; all its rows: no stripes.
    pub stripe: usize,
    /// What one unit makes the other uses a stripe later, so that both work at once; that takes
    /// longer rings.
    pub skew: bool,
}

/// One thing to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum PlanStep {
    /// Channels and rows of a tensor from external memory.
    Load(TensorId, Range<usize>, Range<usize>),
    /// Output rows of node number `.0`, in its own grid.
    Node(usize, Range<usize>),
    /// Channels and rows of a tensor to external memory.
    Store(TensorId, Range<usize>, Range<usize>),
}

/// A group of nodes with its place in time and memory.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Planned {
    /// The nodes.
    pub nodes: Range<usize>,
    /// Rows of a stripe of the tallest tensor that comes from before.
    pub stripe: usize,
    /// In sequential order.
    pub steps: Vec<PlanStep>,
    /// For each tensor that the group touches the number of its buffer.
    pub places: BTreeMap<TensorId, usize>,
}

/// Buffers and the order of the work.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Every stay of a tensor on chip.
    pub buffers: Vec<Buffer>,
    /// In order; together all nodes.
    pub groups: Vec<Planned>,
    /// Most pages in use at a time.
    pub pages: usize,
    /// Rows of a stripe of the first group, when it works in stripes.
    pub stripe: Option<usize>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |r: &Range<usize>| format!("{}..{}", r.start, r.end);
        for (number, group) in self.groups.iter().enumerate() {
            writeln!(f, "group {number}: nodes {}, stripes of {} rows", span(&group.nodes), group.stripe)?;
            for (t, place) in &group.places {
                let b = &self.buffers[*place];
                let [c, h, w] = b.shape;
                write!(f, "  {t}: {c}x{h}x{w} at {}, pitch {}, plane {}", b.base, b.pitch, b.plane)?;
                let ring = if b.is_ring() { format!(", ring of {} rows", b.rows) } else { String::new() };
                writeln!(f, "{ring}")?;
            }
            for step in &group.steps {
                match step {
                    PlanStep::Load(t, channels, rows) => {
                        writeln!(f, "  load {t} channels {} rows {}", span(channels), span(rows))?;
                    }
                    PlanStep::Node(n, rows) => writeln!(f, "  node {n} rows {}", span(rows))?,
                    PlanStep::Store(t, channels, rows) => {
                        writeln!(f, "  store {t} channels {} rows {}", span(channels), span(rows))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Bytes of a page.
pub fn page_bytes(config: &Config) -> usize {
    config.feature.page_rows * config.lanes
}
