//! From the fixed graph to a [`Program`]: buffers and order ([`plan`]), instructions and the layout
//! of external memory (`emit`), places of constants ([`memory`]), semaphores ([`hazards`]).
//!
//! A plan is made of groups of nodes: `split` cuts them by an estimate, `flow` orders the stripes of
//! one, `place` finds room for tensors and sends to external memory what finds none.

// Tests make bytes of anything.
#![cfg_attr(not(test), warn(clippy::cast_possible_truncation))]

mod emit;
mod flow;
pub mod hazards;
pub mod memory;
mod net;
mod pitch;
mod place;
pub mod plan;
mod split;

use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, passes};
use plan::Plan;
use std::fmt::Display;
use tilewright_arch::Config;
use tilewright_arch::program::Program;

/// A program and how it came about.
#[derive(Clone, PartialEq, Debug)]
pub struct Schedule {
    /// The program.
    pub program: Program,
    /// Buffers and order of work.
    pub plan: Plan,
}

/// Compiles a fixed graph for a machine, with the first plan that fits.
///
/// # Errors
/// A machine that is not valid; a node that does not fit it, with what it needs and what to try.
pub fn run(graph: &FixedGraph, config: &Config) -> Result<Schedule> {
    let (graph, mut plans) = prepare(graph, config)?;
    emit::emit(&graph, config, plans.swap_remove(0))
}

/// All plans that are worth trying for a fixed graph on a machine.
pub struct Search {
    graph: FixedGraph,
    config: Config,
    plans: Vec<Plan>,
}

impl Search {
    /// Plans a fixed graph.
    ///
    /// # Errors
    /// As [`run`].
    pub fn new(graph: &FixedGraph, config: &Config) -> Result<Search> {
        let (graph, plans) = prepare(graph, config)?;
        Ok(Search { graph, config: config.clone(), plans })
    }

    /// How many plans there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.plans.len()
    }

    /// The schedules of all plans, one after the other.
    ///
    /// # Errors
    /// A plan that turns out not to fit.
    pub fn schedules(self) -> impl ExactSizeIterator<Item = Result<Schedule>> {
        let Search { graph, config, plans } = self;
        plans.into_iter().map(move |plan| emit::emit(&graph, &config, plan))
    }

    /// The schedule that takes the fewest cycles, by exact timing; the first of equals. `tried` is called after
    /// each.
    ///
    /// # Errors
    /// A plan that turns out not to fit; a defect.
    pub fn fastest(self, mut tried: impl FnMut()) -> Result<Schedule> {
        let mut best: Option<(u64, Schedule)> = None;
        for schedule in self.schedules() {
            let schedule = schedule?;
            let cycles = tilewright_timing::time(&schedule.program, false).map_err(wrong_program)?.cycles;
            if best.as_ref().is_none_or(|(least, _)| cycles < *least) {
                best = Some((cycles, schedule));
            }
            tried();
        }
        Ok(best.expect("there is at least one plan").1)
    }
}

/// A program that breaks the rules of the machine: whatever the model, the compiler should not have made it.
pub fn wrong_program(fault: impl Display) -> Error {
    Error::defect("compile", format!("the program that was made is wrong: {fault}"))
}

fn prepare(graph: &FixedGraph, config: &Config) -> Result<(FixedGraph, Vec<Plan>)> {
    config.validate().map_err(|e| Error::new("schedule", e.to_string()))?;
    let graph = passes::run(graph, config)?;
    let plans = plan::candidates(&graph, config)?;
    Ok((graph, plans))
}
