//! The plans of a network that fit a machine, or why none does.

use super::net::Workload;
use super::place::{Rules, place};
use super::plan::{Group, Plan, page_bytes};
use super::split;
use crate::error::Error;
use crate::fixed::TensorId;

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
