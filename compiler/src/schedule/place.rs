//! From groups of nodes to a plan: which tensors stay on chip between groups, which go to external
//! memory and come back, and where everything lies.
//!
//! Groups are placed one after the other. A tensor that is used again later stays where it is as
//! long as there is room; when there is not, the one whose next use is furthest away leaves. What
//! leaves is stored by the group that made it.

use super::flow::{Flow, Role, Room, flow};
use super::memory::Space;
use super::net::Workload;
use super::plan::{Group, Plan, PlanStep, Planned};
use crate::fixed::TensorId;
use crate::tile::buffer::Buffer;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A tensor that stays on chip from group to group.
#[derive(Clone, Debug)]
struct Resident {
    /// Number of its buffer.
    buffer: usize,
    bytes: Range<usize>,
}

/// Plans under construction.
struct Placer<'a> {
    net: &'a Workload<'a>,
    space: Space,
    buffers: Vec<Buffer>,
    groups: Vec<Planned>,
    resident: BTreeMap<TensorId, Resident>,
    /// Tensors of which external memory holds, or will hold, all that was ever made.
    external: BTreeSet<TensorId>,
    rules: Rules,
    /// Bytes of a page.
    page: usize,
}

/// How strictly groups are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// No two buffers share a page.
    pub whole_pages: bool,
    /// A group that does not fit is cut in two, or gets shorter stripes.
    pub adapt: bool,
    /// Tensors of one page take pages in turn.
    pub in_turn: bool,
}

/// Buffers and steps for groups that cover all nodes, in order; or the group that does not fit.
pub fn place(net: &Workload, groups: &[Group], rules: Rules) -> Result<Plan, Group> {
    let config = net.config;
    let page = config.feature.page_rows * config.lanes;
    let mut placer = Placer {
        net,
        page,
        space: Space::new(config.feature.pages, page, rules.in_turn),
        buffers: vec![],
        groups: vec![],
        resident: BTreeMap::new(),
        external: net.all_tensors().filter(|(_, t)| t.input || t.output).map(|(id, _)| id).collect(),
        rules,
    };
    for group in groups {
        placer.adapted(group)?;
    }
    let first = placer.groups.first().map(|g| (g.stripe, net.tallest(g.nodes.clone())));
    Ok(Plan {
        buffers: placer.buffers,
        groups: placer.groups,
        pages: placer.space.most,
        stripe: first.filter(|(stripe, tallest)| stripe < tallest).map(|(stripe, _)| stripe),
    })
}

impl Placer<'_> {
    /// Places a group, if need be in smaller ones, with shorter stripes, or in padded rings.
    fn adapted(&mut self, group: &Group) -> Result<(), Group> {
        if self.group(group, false) {
            return Ok(());
        }
        if !self.rules.adapt {
            return Err(group.clone());
        }
        let atoms = self.net.atoms_of(&group.nodes);
        let tallest = self.net.tallest(group.nodes.clone());
        if atoms.len() > 1 {
            let stripes = tallest.div_ceil(group.stripe);
            let middle = atoms[atoms.len() / 2].start;
            for nodes in [group.nodes.start..middle, middle..group.nodes.end] {
                let stripe = self.net.tallest(nodes.clone()).div_ceil(stripes);
                self.adapted(&Group { nodes, stripe, ..group.clone() })?;
            }
            return Ok(());
        }
        for padded in [false, true] {
            let mut stripe = group.stripe;
            while stripe > 1 {
                stripe = stripe.div_ceil(2);
                if self.group(&Group { stripe, ..group.clone() }, padded) {
                    return Ok(());
                }
            }
        }
        Err(group.clone())
    }

    /// Places a group as it is; false if it does not fit.
    fn group(&mut self, group: &Group, padded: bool) -> bool {
        let nodes = &group.nodes;
        let touched = self.net.touched(nodes.clone());
        let rooms = match (group.stripe < self.net.tallest(nodes.clone()), padded) {
            (false, _) => &Room::ALL[..1],
            (true, false) => &Room::ALL[..4],
            (true, true) => &Room::ALL,
        };
        let grains = [self.page, self.net.config.lanes];
        let grains = if self.rules.whole_pages { &grains[..1] } else { &grains[..] };
        // Tensors of this group that pass in rings although others use them too.
        let mut streamed: Vec<TensorId> = vec![];
        loop {
            let roles = self.roles(&touched, nodes, &streamed);
            for &room in rooms {
                let flow = flow(self.net, group, &roles, room);
                if !flow.complete {
                    return false;
                }
                for &grain in grains {
                    if let Some(places) = self.try_take(&flow, room, grain) {
                        self.commit(group, &roles, flow, places);
                        return true;
                    }
                }
            }
            if !self.make_room(&touched, nodes, &roles, rooms.len() > 1, &mut streamed) {
                return false;
            }
        }
    }

    /// What happens to each tensor of a group, given those that are to be streamed.
    fn roles(
        &self,
        touched: &[TensorId],
        nodes: &Range<usize>,
        streamed: &[TensorId],
    ) -> BTreeMap<TensorId, Role> {
        let role = |&t: &TensorId| {
            let facts = self.net.tensor(t);
            let here = self.net.channels_written(t, nodes.clone());
            let before = self.net.made_before(t, nodes.start);
            let later = self.net.next_use(t, nodes.end).is_some();
            let resident = self.resident.contains_key(&t);
            let read = facts.readers.iter().any(|n| nodes.contains(n));
            let load =
                if read && before && !resident { self.net.channels_before(t, nodes.start) } else { vec![] };
            let streamed = streamed.contains(&t);
            let outside = self.external.contains(&t) || streamed;
            let store = if (later || facts.output) && outside { here } else { vec![] };
            (t, Role { load, store, whole: resident || (!before && later && !streamed) })
        };
        touched.iter().map(role).collect()
    }

    /// Places for what is not on chip yet, or nothing taken and `None`.
    fn try_take(
        &mut self,
        flow: &Flow,
        room: Room,
        grain: usize,
    ) -> Option<BTreeMap<TensorId, (Buffer, Range<usize>)>> {
        let buffer = |t: TensorId, rows: usize| match room {
            Room::Padded => self.net.padded(t, rows),
            _ => self.net.buffer(t, rows),
        };
        let before = self.space.clone();
        let mut wanted: Vec<(TensorId, Buffer)> = flow
            .held
            .iter()
            .filter(|(t, _)| !self.resident.contains_key(t))
            .map(|(&t, &rows)| (t, buffer(t, rows)))
            .collect();
        wanted.sort_by_key(|(t, b)| (std::cmp::Reverse(b.span()), *t));
        let mut places: BTreeMap<TensorId, (Buffer, Range<usize>)> = BTreeMap::new();
        for (t, mut buffer) in wanted {
            let partners = &self.net.tensor(t).partners;
            let fresh = partners.iter().filter_map(|p| places.get(p).map(|(_, bytes)| bytes));
            let there = partners.iter().filter_map(|p| self.resident.get(p).map(|r| &r.bytes));
            let avoid: Vec<Range<usize>> = fresh.chain(there).map(|bytes| self.space.pages(bytes)).collect();
            let Some(bytes) = self.space.take(buffer.span(), grain, &avoid) else {
                self.space = before;
                return None;
            };
            buffer.base = bytes.start;
            places.insert(t, (buffer, bytes));
        }
        Some(places)
    }

    /// Lets a tensor leave the chip, for good or to come back elsewhere, or pass in a ring; false when nothing is left
    /// to try.
    fn make_room(
        &mut self,
        touched: &[TensorId],
        nodes: &Range<usize>,
        roles: &BTreeMap<TensorId, Role>,
        striped: bool,
        streamed: &mut Vec<TensorId>,
    ) -> bool {
        // Never again is later than any.
        let next = |t: &TensorId| {
            let next = self.net.next_use(*t, nodes.end);
            (next.is_none(), next)
        };
        let passing = self.resident.keys().copied().filter(|t| !touched.contains(t)).max_by_key(next);
        if let Some(t) = passing {
            self.evict(t);
            return true;
        }
        if !striped {
            // What stayed lies where there was room then, on pages of its own: loaded again it goes where there is now.
            let staying = self.resident.keys().copied().filter(|t| touched.contains(t));
            let smallest = staying.min_by_key(|&t| (self.net.whole(t).span(), t));
            smallest.into_iter().for_each(|t| self.evict(t));
            return smallest.is_some();
        }
        // The largest tensor that is held whole only for others.
        let candidates = roles.iter().filter(|(t, r)| r.whole && !streamed.contains(t)).map(|(&t, _)| t);
        let Some(t) = candidates.max_by_key(|&t| (self.net.whole(t).span(), t)) else {
            return false;
        };
        if self.resident.contains_key(&t) {
            self.evict(t);
        }
        streamed.push(t);
        true
    }

    /// Takes a tensor off the chip; the groups that wrote it store it unless they do already.
    fn evict(&mut self, t: TensorId) {
        let Some(resident) = self.resident.remove(&t) else {
            return;
        };
        self.space.give(&resident.bytes);
        if !self.external.insert(t) {
            return;
        }
        let height = self.net.tensor(t).shape[1];
        for group in &mut self.groups {
            if !group.places.contains_key(&t) {
                continue;
            }
            for channels in self.net.channels_written(t, group.nodes.clone()) {
                group.steps.push(PlanStep::Store(t, channels, 0..height));
            }
        }
    }

    /// Enters a group, and frees what nobody needs any more.
    fn commit(
        &mut self,
        group: &Group,
        roles: &BTreeMap<TensorId, Role>,
        flow: Flow,
        fresh: BTreeMap<TensorId, (Buffer, Range<usize>)>,
    ) {
        let mut places: BTreeMap<TensorId, usize> =
            roles.keys().filter_map(|t| self.resident.get(t).map(|r| (*t, r.buffer))).collect();
        for (t, (buffer, bytes)) in fresh {
            places.insert(t, self.buffers.len());
            let later = self.net.next_use(t, group.nodes.end).is_some();
            // What others made before is here only if it was loaded.
            let all = !roles[&t].load.is_empty() || !self.net.made_before(t, group.nodes.start);
            // The group stores what does not stay.
            if !roles[&t].store.is_empty() {
                self.external.insert(t);
            }
            if later && all && !buffer.is_ring() {
                self.resident.insert(t, Resident { buffer: self.buffers.len(), bytes });
            } else {
                debug_assert!(
                    !later || self.external.contains(&t),
                    "a tensor leaves the chip without being stored"
                );
                self.space.give(&bytes);
            }
            self.buffers.push(buffer);
        }
        for &t in roles.keys() {
            if self.net.next_use(t, group.nodes.end).is_none()
                && let Some(resident) = self.resident.remove(&t)
            {
                self.space.give(&resident.bytes);
            }
        }
        let (nodes, stripe) = (group.nodes.clone(), group.stripe);
        self.groups.push(Planned { nodes, stripe, steps: flow.steps, places });
    }
}
