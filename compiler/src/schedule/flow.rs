//! The order of work in a group of nodes through which the image passes in stripes.

use super::net::{Workload, first_unwritten, input_rows, output_rows};
use super::plan::{Group, PlanStep};
use crate::fixed::TensorId;
use std::collections::BTreeMap;
use std::ops::Range;

/// What happens to a tensor that a group of nodes touches.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Role {
    /// Channels that come from external memory.
    pub load: Vec<Range<usize>>,
    /// Channels that go to external memory.
    pub store: Vec<Range<usize>>,
    /// Held whole, because it was there before or is to stay.
    pub whole: bool,
}

/// How much room the rings of a group have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Room {
    /// No rings: all tensors whole.
    Whole,
    /// A further stripe wherever two units work on a tensor, so that they need not wait.
    Double,
    /// A further stripe only where transfers need it.
    Single,
    /// What is needed to go on at all.
    Least,
    /// The same, with rows padded to whole rows of banks, so that a ring may have any number of them.
    Padded,
}

impl Room {
    /// All, the most room first.
    pub const ALL: [Room; 5] = [Room::Whole, Room::Double, Room::Single, Room::Least, Room::Padded];
}

/// The order of work, and the most rows of each tensor that are held at a time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flow {
    /// In sequential order.
    pub steps: Vec<PlanStep>,
    /// By tensor.
    pub held: BTreeMap<TensorId, usize>,
    /// Every node got to its end.
    pub complete: bool,
}

/// A tensor under way.
struct TensorMove<'a> {
    role: &'a Role,
    height: usize,
    /// Some of it comes from before the group.
    before: bool,
    /// Nodes of the group that write and read it.
    writers: Vec<usize>,
    readers: Vec<usize>,
    /// Rows of what comes from before that may be used, and rows stored.
    open: usize,
    stored: usize,
    /// Most rows held.
    held: usize,
}

/// Pushes stripes through the nodes of a group: every node computes what rows it can.
pub fn flow(net: &Workload, group: &Group, roles: &BTreeMap<TensorId, Role>, room: Room) -> Flow {
    let nodes = group.nodes.clone();
    let inside = |list: &[usize]| list.iter().copied().filter(|n| nodes.contains(n)).collect();
    let mut moving: BTreeMap<TensorId, TensorMove> = roles
        .iter()
        .map(|(&t, role)| {
            let facts = net.tensor(t);
            let tensor = TensorMove {
                role,
                height: facts.shape[1],
                before: net.made_before(t, nodes.start),
                writers: inside(&facts.writers),
                readers: inside(&facts.readers),
                open: 0,
                stored: 0,
                held: 0,
            };
            (t, tensor)
        })
        .collect();
    let mut done: Vec<usize> = net.nodes[nodes.clone()].iter().map(|n| n.rows.start).collect();
    let at = DonePlaces { net, first: nodes.start };
    let tallest = net.tallest(nodes.clone());
    let mut steps = vec![];
    let mut reached = 0;
    let mut progress = true;
    while progress {
        progress = reached < tallest;
        // What other units have done by now.
        let earlier = if group.skew { done.clone() } else { vec![] };
        reached = (reached + group.stripe).min(tallest);
        let open: Vec<TensorId> = moving.iter().filter(|(_, m)| m.before).map(|(t, _)| *t).collect();
        for t in open {
            let m = &moving[&t];
            // Tensors of other heights keep pace.
            let next = (m.height * reached).div_ceil(tallest);
            if next > m.open {
                for channels in &m.role.load {
                    steps.push(PlanStep::Load(t, channels.clone(), m.open..next));
                }
                let first = at.oldest(t, m, &done).min(m.open);
                let spare = if room < Room::Least && !m.role.load.is_empty() { next - m.open } else { 0 };
                let m = moving.get_mut(&t).expect("it is there");
                m.held = m.held.max(next - first + spare);
                m.open = next;
            }
        }
        for n in nodes.clone() {
            let node = &net.nodes[n];
            let i = n - nodes.start;
            let ready: Vec<usize> = node
                .reads
                .iter()
                .map(|t| {
                    let m = &moving[t];
                    let other = m.writers.iter().any(|&w| net.nodes[w].unit != node.unit);
                    at.ready(m, Some(n), if group.skew && other { &earlier } else { &done })
                })
                .collect();
            // With little room no more than a stripe, even where more is ready.
            let share = (node.rows.len() * group.stripe).div_ceil(tallest);
            let end = if room < Room::Least { node.rows.end } else { node.rows.end.min(done[i] + share) };
            let mut next = done[i];
            while next < end
                && ready.iter().enumerate().all(|(place, &ready)| {
                    input_rows(&net.graph.nodes[n], place, next..next + 1).end <= ready
                })
            {
                next += 1;
            }
            if next == done[i] {
                continue;
            }
            steps.push(PlanStep::Node(n, done[i]..next));
            let t = node.writes;
            let m = &moving[&t];
            let written = output_rows(&net.graph.nodes[n], done[i]..next);
            let first = at.oldest(t, m, &done).min(written.start);
            let shared = m.readers.iter().any(|&r| net.nodes[r].unit != node.unit);
            let spare = match room {
                Room::Whole | Room::Double => shared || !m.role.store.is_empty(),
                Room::Single => !m.role.store.is_empty(),
                Room::Least | Room::Padded => false,
            };
            // Channels of it that are loaded may be further.
            let loaded = if m.role.load.is_empty() { 0 } else { m.open };
            let end = loaded.max(written.end);
            let rows = end - first + if spare { written.len() } else { 0 };
            let m = moving.get_mut(&t).expect("it is there");
            m.held = m.held.max(rows);
            done[i] = next;
            progress = true;
        }
        for (&t, m) in &mut moving {
            if m.role.store.is_empty() {
                continue;
            }
            let next = at.written(m, None, &done);
            if next > m.stored {
                for channels in &m.role.store {
                    steps.push(PlanStep::Store(t, channels.clone(), m.stored..next));
                }
                m.stored = next;
            }
        }
    }
    let rows = |m: &TensorMove| if room == Room::Whole || m.role.whole { m.height } else { m.held };
    let complete = net.nodes[nodes].iter().zip(&done).all(|(n, done)| *done == n.rows.end);
    Flow { steps, held: moving.iter().map(|(&t, m)| (t, rows(m))).collect(), complete }
}

/// Node numbers to places in the list of what is done.
struct DonePlaces<'a> {
    net: &'a Workload<'a>,
    first: usize,
}

impl DonePlaces<'_> {
    /// Rows that the nodes of the group, all but `reader`, have completed; all for a tensor that none
    /// writes. A node may read some planes of a tensor and write others.
    fn written(&self, m: &TensorMove, reader: Option<usize>, done: &[usize]) -> usize {
        let complete = m.writers.iter().filter(|w| Some(**w) != reader).map(|&w| {
            let (node, done) = (&self.net.nodes[w], done[w - self.first]);
            if done == node.rows.end { m.height } else { first_unwritten(&self.net.graph.nodes[w], done) }
        });
        complete.min().unwrap_or(m.height)
    }

    /// Rows that are complete.
    fn ready(&self, m: &TensorMove, reader: Option<usize>, done: &[usize]) -> usize {
        self.written(m, reader, done).min(if m.before { m.open } else { m.height })
    }

    /// The first row that somebody still needs.
    fn oldest(&self, t: TensorId, m: &TensorMove, done: &[usize]) -> usize {
        let mut first = if m.role.store.is_empty() { m.height } else { m.stored };
        for &r in &m.readers {
            let (node, done) = (&self.net.nodes[r], done[r - self.first]);
            if done == node.rows.end {
                continue;
            }
            for (place, _) in node.reads.iter().enumerate().filter(|(_, read)| **read == t) {
                let rows = input_rows(&self.net.graph.nodes[r], place, done..done + 1);
                first = first.min(rows.start);
            }
        }
        first
    }
}
