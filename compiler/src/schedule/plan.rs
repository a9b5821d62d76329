//! What is held where and in which order things happen.
//!
//! The nodes are cut into consecutive groups. A group of one node works on whole tensors; the nodes
//! of a larger one share stripes, and what only they use passes in rings of rows. Tensors stay on
//! chip between groups or go to external memory and back ([`super::place`]).

use super::flow::Group;
use super::net::Workload;
use super::place::{Rules, place};
use super::split;
use crate::error::Error;
use crate::fixed::TensorId;
use crate::tile::buffer::Buffer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use tilewright_arch::Config;

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

/// Most heights of stripes of all nodes together that are tried.
const MOST_STRIPED: usize = 8;
/// Most nodes at the beginning that are tried in stripes before single nodes, and in how many.
const MOST_HEAD: usize = 4;
const HEAD_STRIPES: [usize; 3] = [2, 4, 8];

/// Plans of a network for a machine, at least one: node by node on whole tensors; the same with the
/// first nodes in stripes; all nodes together in stripes; and what [`split`] thinks best. Stripes
/// let loads, pools and stores run beside the array, whole tensors start fewer instructions, and
/// what does not fit goes to external memory and back: which is fastest is for the exact timing of
/// the programs to say.
///
/// # Errors
/// The first nodes that do not even fit in stripes of one row; [`too_large`] says so.
pub(super) fn fitting(net: &Workload) -> Result<Vec<Plan>, Group> {
    let graph = net.graph;
    let mut plans: Vec<Plan> = vec![];
    let mut add = |plan: Plan| {
        if !plans.contains(&plan) {
            plans.push(plan);
        }
    };
    let adapting = Rules { whole_pages: false, adapt: true, in_turn: false };
    let singles = split::singles(net, 0);
    add(place(net, &singles, adapting)?);
    for head in 1..=MOST_HEAD.min(graph.nodes.len()) {
        for stripes in HEAD_STRIPES {
            let mut groups = vec![split::group(net, 0..head, stripes)];
            groups.extend(split::singles(net, head));
            if !net.nodes.get(head).is_some_and(|n| n.joined) {
                place(net, &groups, Rules { adapt: false, ..adapting }).into_iter().for_each(&mut add);
            }
        }
    }
    let everything = 0..graph.nodes.len();
    let mut fitting = 0;
    for stripe in split::stripes(net, &everything) {
        let mut fits = false;
        for skew in [true, false] {
            let all = [Group { nodes: everything.clone(), stripe, skew: false }];
            let Some(all) = (if skew { split::skewed(net, &all) } else { Some(all.to_vec()) }) else {
                continue;
            };
            let found = [true, false].into_iter().find_map(|whole_pages| {
                place(net, &all, Rules { whole_pages, adapt: false, in_turn: false }).ok()
            });
            fits |= found.is_some();
            found.into_iter().for_each(&mut add);
        }
        fitting += usize::from(fits);
        if fitting == MOST_STRIPED {
            break;
        }
    }
    for groups in split::best(net) {
        let skewed = split::skewed(net, &groups);
        for groups in skewed.into_iter().chain([groups]) {
            for in_turn in [false, true] {
                place(net, &groups, Rules { in_turn, ..adapting }).into_iter().for_each(&mut add);
            }
        }
    }
    Ok(plans)
}

/// Why nodes do not fit.
pub(super) fn too_large(net: &Workload, group: &Group) -> Error {
    let least = |t: &TensorId| {
        let mut rows = net.tensor(*t).block;
        for &n in net.tensor(*t).readers.iter().filter(|n| group.nodes.contains(n)) {
            let window = &net.graph.nodes[n].window;
            rows = rows.max(window.covers(0));
        }
        net.padded(*t, rows)
    };
    let tensors = net.touched(group.nodes.clone());
    // Memory is given in whole pages.
    let page = page_bytes(net.config);
    let bytes: usize = tensors.iter().map(|t| least(t).span().div_ceil(page) * page).sum();
    let worst = tensors.iter().max_by_key(|t| least(t).span()).expect("a node has tensors");
    let (node, tensor) = (&net.graph.nodes[group.nodes.start], net.graph.tensor(*worst));
    let (has, largest) = (net.config.feature_bytes(), format!("{:?} ({:?})", tensor.name, tensor.shape));
    let message = match bytes > has {
        true => format!(
            "it does not fit: even in stripes of one row it needs about {bytes} bytes of feature memory, the machine \
             has {has}; most of them for tensor {largest}"
        ),
        // What is there would do, were it not for pages that one instruction may read or write once a cycle.
        false => format!(
            "it does not fit: its {} tensors need about {bytes} bytes of feature memory and may not share pages, and \
             no way was found to give them some of the machine's {} pages of {page}; the largest is tensor {largest}",
            tensors.len(),
            net.config.feature.pages
        ),
    };
    Error::new("schedule", message)
        .file(&net.graph.name)
        .node(&node.name)
        .operator(&node.operator)
        .hint("a machine with more feature memory (feature.pages), or a smaller input image")
}

/// Bytes of a page.
pub fn page_bytes(config: &Config) -> usize {
    config.feature.page_rows * config.lanes
}
