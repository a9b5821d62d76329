//! How far outputs are from what they should be.

use super::channels::Groups;
use crate::float::math::log10;
use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};

/// Decibels of signal to noise below which an output is of little use.
pub const LEAST_OUTPUT_DB: f64 = 20.0;
/// Decibels below which a channel of an output is of little use.
pub const LEAST_CHANNEL_DB: f64 = 10.0;
/// Decibels from which on rounding to 8 bits is good enough, whatever it cost.
pub const GOOD_DB: f64 = 30.0;
/// Decibels that an output below [`GOOD_DB`] may lose against rounding alone.
pub const LESS_DB: f64 = 1.0;
/// Elements below which a channel says nothing of its own.
const LEAST_ELEMENTS: usize = 8;
/// Channels above which an axis is no axis of channels.
const MOST_CHANNELS: usize = 1024;

/// How far an output is from what it should be, over the elements that are finite in both.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Quality {
    /// Signal to noise in decibels; infinite when exact, absent for an output that is zero throughout.
    pub sqnr_db: Option<f64>,
    /// Mean of the error.
    pub mean_error: f64,
    /// The worst channel, where the output has channels.
    pub worst: Option<ChannelQuality>,
    /// The parts that a Concat has joined, where it has.
    pub parts: Vec<JoinedPart>,
}

/// One channel of an output.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ChannelQuality {
    /// The output's axis.
    pub axis: usize,
    /// The index along it.
    pub index: usize,
    /// Signal to noise in decibels.
    pub sqnr_db: f64,
}

/// One of the values that a Concat has joined to an output.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JoinedPart {
    /// The value's name.
    pub name: String,
    /// Its elements that are finite in both.
    pub elements: usize,
    /// Signal to noise in decibels; absent without noise, and for a part that is zero throughout.
    pub sqnr_db: Option<f64>,
}

/// Signal to noise in decibels, infinite without noise; none without a signal.
pub(super) fn ratio(signal: f64, noise: f64) -> Option<f64> {
    (signal > 0.0).then(|| 10.0 * log10(signal / noise))
}

/// Signal, noise and sum of errors over the pairs that are finite.
pub(super) fn powers<'a>(pairs: impl Iterator<Item = (&'a f32, &'a f32)>) -> [f64; 3] {
    pairs.filter(|(want, got)| want.is_finite() && got.is_finite()).fold(
        [0.0; 3],
        |[signal, noise, sum], (&want, &got)| {
            let error = f64::from(got) - f64::from(want);
            [signal + f64::from(want) * f64::from(want), noise + error * error, sum + error]
        },
    )
}

/// What each part of an output has.
fn parts(want: &ArrayD<f32>, got: &ArrayD<f32>, groups: &Groups) -> Vec<JoinedPart> {
    let mut found = vec![([0.0; 2], 0); groups.parts.names.len()];
    // Of several outputs each has the parts.
    for ((want, got), &part) in want.iter().zip(got).zip(groups.parts.of.iter().cycle()) {
        let [signal, noise, _] = powers([(want, got)].into_iter());
        let ([all_signal, all_noise], elements) = &mut found[part as usize];
        *all_signal += signal;
        *all_noise += noise;
        *elements += usize::from(want.is_finite() && got.is_finite());
    }
    let named = groups.parts.names.iter().zip(found);
    let part = |(name, ([signal, noise], elements)): (&String, ([f64; 2], usize))| {
        // JSON has no infinity.
        let sqnr_db = ratio(signal, noise).filter(|db| db.is_finite());
        JoinedPart { name: name.clone(), elements, sqnr_db }
    };
    named.map(part).collect()
}

impl Quality {
    /// Of `got` against `want`, arrays of one shape with these groups: one output, or several one after the other along
    /// the first axis.
    pub fn of(want: &ArrayD<f32>, got: &ArrayD<f32>, groups: &Groups) -> Quality {
        let [signal, noise, sum] = powers(want.iter().zip(got));
        let mut worst: Option<ChannelQuality> = None;
        for &axis in &groups.axes {
            let channels = want.shape()[axis];
            if !(2..=MOST_CHANNELS).contains(&channels) || want.len() / channels < LEAST_ELEMENTS {
                continue;
            }
            for (index, (want, got)) in want.axis_iter(Axis(axis)).zip(got.axis_iter(Axis(axis))).enumerate()
            {
                let [signal, noise, _] = powers(want.iter().zip(&got));
                let Some(sqnr_db) = ratio(signal, noise).filter(|db| db.is_finite()) else { continue };
                if worst.as_ref().is_none_or(|w| sqnr_db < w.sqnr_db) {
                    worst = Some(ChannelQuality { axis, index, sqnr_db });
                }
            }
        }
        let parts = parts(want, got, groups);
        Quality { sqnr_db: ratio(signal, noise), mean_error: sum / want.len().max(1) as f64, worst, parts }
    }

    /// The worst part of those that are large enough to say something of their own, and its decibels.
    pub fn worst_part(&self) -> Option<(&JoinedPart, f64)> {
        let large = self.parts.iter().filter(|part| part.elements >= LEAST_ELEMENTS);
        large.filter_map(|part| Some((part, part.sqnr_db?))).min_by(|a, b| a.1.total_cmp(&b.1))
    }
}
