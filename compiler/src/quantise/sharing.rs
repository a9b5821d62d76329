//! Which tensors share scale and zero point, and which are parts of a Concat's.

use super::chain::Chain;
use super::kind::{COPY, Kind};
use super::plan::{Home, Plan};

/// Decisions about every home of a plan, by index.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Sharing {
    /// The home whose scale and zero point this one takes.
    like: Vec<Option<usize>>,
    /// The Concat home and the channel in it where this one is written directly.
    part: Vec<Option<(usize, usize)>>,
}

impl Sharing {
    /// Decides.
    ///
    /// * A value that only a Concat reads is written straight into its place.
    /// * A maximum has its input's scale. Where nothing else reads the input, both take the scale
    ///   chosen for the result: what the pool drops needs no range.
    /// * A plain copy has its input's scale.
    pub fn new(plan: &Plan) -> Sharing {
        let count = plan.homes.len();
        let mut sharing = Sharing { like: vec![None; count], part: vec![None; count] };
        for group in plan.groups.iter().filter(|g| g.kind == Kind::Concat) {
            let mut channel = 0;
            for &h in &group.inputs {
                if writes_in_place(plan, &plan.homes[h]) {
                    sharing.part[h] = Some((group.output, channel));
                    sharing.like[h] = Some(group.output);
                }
                channel += plan.homes[h].shape[0];
            }
        }
        for group in plan.groups.iter().rev() {
            let (from, to) = (group.inputs[0], group.output);
            let plain = Chain { depth_to_space: group.chain.depth_to_space, ..Chain::EMPTY };
            if let Kind::Max { .. } = group.kind {
                let home = &plan.homes[from];
                let made_by_sum =
                    home.group.is_some_and(|g| !matches!(plan.groups[g].kind, Kind::Max { .. }));
                if home.reads == 1 && made_by_sum && sharing.like[from].is_none() {
                    sharing.like[from] = Some(to);
                } else if sharing.like[to].is_none() {
                    sharing.like[to] = Some(from);
                }
            } else if group.kind == COPY && group.chain == plain && sharing.like[to].is_none() {
                sharing.like[to] = Some(from);
            }
        }
        sharing
    }

    /// The home that determines scale and zero point.
    pub fn representative(&self, mut home: usize) -> usize {
        while let Some(next) = self.like[home] {
            home = next;
        }
        home
    }

    /// Whether the home is a tensor of its own.
    pub fn is_tensor(&self, home: usize) -> bool {
        self.part[home].is_none()
    }

    /// The home whose tensor a home lies in, and its first channel there.
    pub fn place(&self, home: usize) -> (usize, usize) {
        let (mut home, mut channel) = (home, 0);
        while let Some((whole, offset)) = self.part[home] {
            (home, channel) = (whole, channel + offset);
        }
        (home, channel)
    }
}

/// Whether a part of a Concat can be written by its producer: read by nothing else, and written
/// without DepthToSpace.
fn writes_in_place(plan: &Plan, home: &Home) -> bool {
    let producer = home.group.map(|g| &plan.groups[g]);
    home.reads == 1 && producer.is_some_and(|g| g.chain.depth_to_space.0 == 1)
}
