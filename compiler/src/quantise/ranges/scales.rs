//! Scales and zero points of 8 bits, from what calibration saw.

use super::calibrate::Seen;
use super::scale_classes::ScaleClasses;
use crate::graph::{Graph, Op};
use crate::options::Ranges;
use crate::quantise::qparams::QParams;
use crate::quantise::select::annotations::Annotations;
use crate::quantise::select::plan::{Division, FusedOp, HomeOrigin};
use rayon::prelude::*;

/// Zero points up to this far from 0 are those of signed values.
const SIGNED: f64 = 64.0;

/// Whether a quantised model prescribes every scale, so that nothing needs to be observed.
pub fn all_prescribed(plan: &Division, classes: &ScaleClasses, annotations: &Annotations) -> bool {
    // What only the host reads, integer inputs say, needs no scale.
    let prescribed = |h: usize| {
        let prescribed = annotations.qparams(plan.homes[classes.representative(h)].value).is_some();
        prescribed || plan.homes[h].reads == 0 && !annotations.is_empty()
    };
    let open_table = |g: &FusedOp| g.epilogue.before_table.is_some() && !g.is_lookup();
    (0..plan.homes.len()).all(prescribed) && !plan.ops.iter().any(open_table)
}

/// For each home, whether its values were rounded to whole numbers. They stay whole: a power of a negative
/// number just beside one is none.
pub fn whole(graph: &Graph, plan: &Division, annotations: &Annotations) -> Vec<bool> {
    let rounds = |op: &Op| matches!(op, Op::Unary { kind } if kind.is_whole());
    let whole = |value| {
        graph.producer(value).is_some_and(|(_, node)| rounds(&node.op))
            && annotations.qparams(value).is_none()
    };
    plan.homes.iter().map(|home| whole(home.value)).collect()
}

/// Scale and zero point of each representative.
pub fn choose(
    plan: &Division,
    classes: &ScaleClasses,
    annotations: &Annotations,
    seen: &Seen,
    ranges: Ranges,
    whole: &[bool],
) -> Vec<QParams> {
    let one = |h: usize| {
        if classes.representative(h) != h {
            return QParams::spanning(0.0, 0.0);
        }
        if let Some(qparams) = annotations.qparams(plan.homes[h].value) {
            return qparams;
        }
        let histogram = &seen.homes[h];
        let all = || QParams::spanning(f64::from(histogram.min), f64::from(histogram.max));
        let qparams = match plan.homes[h].origin {
            // The host quantises inputs, which often are bytes to begin with: exactly the range seen.
            HomeOrigin::Host | HomeOrigin::Constant(_) => all(),
            // What a quantised model leaves open it had in float.
            HomeOrigin::FusedOp(_) if !annotations.is_empty() => all(),
            // Zero throughout, behind a clamp: as fine as what is cut off, so that what reads it can be fine too.
            HomeOrigin::FusedOp(g) if histogram.magnitude() == 0.0 => {
                let most = f64::from(seen.sums[g]);
                QParams::spanning(-most, most)
            }
            HomeOrigin::FusedOp(_) => ranges.choose(histogram),
        };
        // Signed values lose little by a zero point of 0, which spares products a second pass.
        let signed = f64::from(qparams.zero).abs() < SIGNED;
        match (classes.is_symmetric(h), classes.is_raised(h)) {
            (true, _) => qparams.symmetric(),
            (false, true) if signed => qparams.symmetric(),
            (false, true) => qparams.raised(),
            (false, false) => qparams,
        }
    };
    let rounded = |h: usize| if whole[h] { one(h).whole() } else { one(h) };
    (0..plan.homes.len()).into_par_iter().map(rounded).collect()
}
