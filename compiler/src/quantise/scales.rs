//! Scales and zero points of 8 bits, from what calibration saw.

use super::calibrate::Seen;
use super::given::Given;
use super::plan::{Group, Origin, Plan};
use super::range::Affine;
use super::sharing::Sharing;
use crate::graph::{Graph, Op};
use crate::options::Ranges;
use rayon::prelude::*;

/// Zero points up to this far from 0 are those of signed values.
const SIGNED: f64 = 64.0;

/// Whether a quantised model prescribes every scale, so that nothing needs to be observed.
pub(super) fn all_prescribed(plan: &Plan, sharing: &Sharing, given: &Given) -> bool {
    // What only the host reads, integer inputs say, needs no scale.
    let prescribed = |h: usize| {
        let prescribed = given.affine(plan.homes[sharing.representative(h)].value).is_some();
        prescribed || plan.homes[h].reads == 0 && !given.is_empty()
    };
    let open_table = |g: &Group| g.chain.before_table.is_some() && !g.is_lookup();
    (0..plan.homes.len()).all(prescribed) && !plan.groups.iter().any(open_table)
}

/// For each home, whether its values were rounded to whole numbers. They stay whole: a power of a negative
/// number just beside one is none.
pub(super) fn whole(graph: &Graph, plan: &Plan, given: &Given) -> Vec<bool> {
    let rounds = |op: &Op| matches!(op, Op::Unary { kind } if kind.is_whole());
    let whole = |value| {
        graph.producer(value).is_some_and(|(_, node)| rounds(&node.op)) && given.affine(value).is_none()
    };
    plan.homes.iter().map(|home| whole(home.value)).collect()
}

/// Scale and zero point of each representative.
pub(super) fn choose(
    plan: &Plan,
    sharing: &Sharing,
    given: &Given,
    seen: &Seen,
    ranges: Ranges,
    whole: &[bool],
) -> Vec<Affine> {
    let one = |h: usize| {
        if sharing.representative(h) != h {
            return Affine::spanning(0.0, 0.0);
        }
        if let Some(affine) = given.affine(plan.homes[h].value) {
            return affine;
        }
        let histogram = &seen.homes[h];
        let all = || Affine::spanning(f64::from(histogram.min), f64::from(histogram.max));
        let affine = match plan.homes[h].origin {
            // The host quantises inputs, which often are bytes to begin with: exactly the range seen.
            Origin::Host | Origin::Constant(_) => all(),
            // What a quantised model leaves open it had in float.
            Origin::Group(_) if !given.is_empty() => all(),
            // Zero throughout, behind a clamp: as fine as what is cut off, so that what reads it can be fine too.
            Origin::Group(g) if histogram.magnitude() == 0.0 => {
                let most = f64::from(seen.sums[g]);
                Affine::spanning(-most, most)
            }
            Origin::Group(_) => ranges.choose(histogram),
        };
        // Signed values lose little by a zero point of 0, which spares products a second pass.
        let signed = f64::from(affine.zero).abs() < SIGNED;
        match (sharing.is_symmetric(h), sharing.is_raised(h)) {
            (true, _) => affine.symmetric(),
            (false, true) if signed => affine.symmetric(),
            (false, true) => affine.raised(),
            (false, false) => affine,
        }
    };
    let rounded = |h: usize| if whole[h] { one(h).whole() } else { one(h) };
    (0..plan.homes.len()).into_par_iter().map(rounded).collect()
}
