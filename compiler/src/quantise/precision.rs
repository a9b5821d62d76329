//! How many bits activations have: what is wanted of [`super::width`].

use super::given::Given;
use super::plan::Plan;
use super::sharing::Sharing;
use super::width;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Which tensors have 16 bits instead of 8. Tensors whose scale a quantised model prescribes have 8.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Values that are updated again and again, as the states of recurrent layers are: each update
    /// would round them anew.
    #[default]
    Auto,
    /// None.
    Int8,
    /// All that can be.
    Int16,
}

/// Updates in a row from which on [`Precision::Auto`] gives a value 16 bits.
const UPDATES: usize = 6;

impl Precision {
    /// Decides for each home of a plan, and turns operations of the plan round where that helps.
    pub(super) fn choose(self, plan: &mut Plan, sharing: &Sharing, given: &Given) -> Vec<bool> {
        if self == Precision::Int8 {
            return vec![false; plan.homes.len()];
        }
        let updates = width::updates(plan);
        let mut before = vec![0; plan.homes.len()];
        let mut often = BTreeSet::new();
        for (h, &(made, used)) in updates.iter().enumerate() {
            let class = sharing.representative(h);
            before[class] = made.max(before[class]);
            if made > 0 && made + used >= UPDATES {
                often.insert(class);
            }
        }
        let mut wanted = width::able(plan, sharing, given);
        if self == Precision::Auto {
            wanted.retain(|class| often.contains(class));
        }
        width::widen(plan, sharing, &wanted, &|class| Reverse(before[class]))
    }
}
