//! From the fixed graph to a [`Program`]: buffers and order ([`plan`]), instructions and the layout
//! of external memory (`emit`), places of constants ([`memory`]), semaphores ([`hazards`]).
//!
//! A plan is made of groups of nodes: `split` cuts them by an estimate, `flow` orders the stripes of
//! one, `place` finds room for tensors and sends to external memory what finds none. Where not even a row finds
//! room, `columns` cuts the width.

// Tests make bytes of anything.
#![cfg_attr(not(test), warn(clippy::cast_possible_truncation))]

mod block;
mod columns;
mod emit;
mod estimate;
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
pub use estimate::Estimate;
use net::Net;
use plan::Plan;
use std::fmt::Display;
use std::rc::Rc;
use tilewright_arch::Config;
use tilewright_arch::program::Program;

/// A way to run a network.
struct Way {
    /// The network as it is planned.
    graph: Rc<FixedGraph>,
    /// Multiply-accumulates of each of its nodes by the network's definition, where nodes do some of them twice.
    macs: Option<Vec<u64>>,
    plan: Plan,
}

impl Way {
    fn emit(self, config: &Config) -> Result<Schedule> {
        let mut schedule = emit::emit(&self.graph, config, self.plan)?;
        for (layer, macs) in schedule.program.layers.iter_mut().zip(self.macs.into_iter().flatten()) {
            layer.macs = macs;
        }
        Ok(schedule)
    }
}

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
    prepare(graph, config)?.swap_remove(0).emit(config)
}

/// All plans that are worth trying for a fixed graph on a machine.
pub struct Search {
    config: Config,
    plans: Vec<Way>,
}

impl Search {
    /// Plans a fixed graph.
    ///
    /// # Errors
    /// As [`run`].
    pub fn new(graph: &FixedGraph, config: &Config) -> Result<Search> {
        Ok(Search { config: config.clone(), plans: prepare(graph, config)? })
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
        let Search { config, plans } = self;
        plans.into_iter().map(move |way| way.emit(&config))
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

fn prepare(graph: &FixedGraph, config: &Config) -> Result<Vec<Way>> {
    config.validate().map_err(|e| Error::new("schedule", e.to_string()))?;
    let graph = Rc::new(passes::run(graph, config)?);
    let net = Net::new(&graph, config)?;
    let group = match plan::fitting(&net) {
        Ok(plans) => {
            let way = |plan| Way { graph: Rc::clone(&graph), macs: None, plan };
            return Ok(plans.into_iter().map(way).collect());
        }
        Err(group) => group,
    };
    let ways = columns::ways(&graph, config)?;
    if ways.is_empty() { Err(plan::too_large(&net, &group)) } else { Ok(ways) }
}
