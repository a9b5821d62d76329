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
mod fitting;
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
use net::Workload;
use plan::Plan;
use std::fmt::Display;
use std::rc::Rc;
use tilewright_arch::Config;
use tilewright_arch::program::Program;

/// A way to run a network.
struct Strategy {
    /// The network as it is planned.
    graph: Rc<FixedGraph>,
    /// Multiply-accumulates of each of its nodes by the network's definition, where nodes do some of them twice.
    macs: Option<Vec<u64>>,
    plan: Plan,
}

impl Strategy {
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

/// All plans that are worth trying for a fixed graph on a machine.
pub struct Search {
    config: Config,
    plans: Vec<Strategy>,
}

impl Search {
    /// Plans a fixed graph.
    ///
    /// # Errors
    /// A machine that is not valid; a node that does not fit it, with what it needs and what to try.
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

    /// The schedule that takes the fewest cycles, by exact timing, of those that turn out to fit; the first of equals.
    /// `tried` is called after each.
    ///
    /// # Errors
    /// That of the first plan, where none turns out to fit; a defect.
    pub fn fastest(self, tried: impl FnMut()) -> Result<Schedule> {
        Ok(fastest_of(self.schedules(), tried)?.1)
    }
}

/// [`Search::fastest`] of some schedules, of which there is at least one, and how many cycles it takes.
fn fastest_of(
    schedules: impl Iterator<Item = Result<Schedule>>,
    mut tried: impl FnMut(),
) -> Result<(u64, Schedule)> {
    let (mut best, mut refused): (Option<(u64, Schedule)>, _) = (None, None);
    for schedule in schedules {
        // What one plan keeps in external memory may be more than the chip has; others keep less.
        if let Some(schedule) = unless_refused(schedule, &mut refused)? {
            let cycles = tilewright_timing::time(&schedule.program, false).map_err(wrong_program)?.cycles;
            if best.as_ref().is_none_or(|(least, _)| cycles < *least) {
                best = Some((cycles, schedule));
            }
        }
        tried();
    }
    match best {
        Some(best) => Ok(best),
        None => Err(refused.expect("there is at least one plan")),
    }
}

/// What was found, if anything; of what was `refused` the first is kept.
///
/// # Errors
/// A defect, which no other way makes good.
fn unless_refused<T>(found: Result<T>, refused: &mut Option<Error>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.report().defect => Err(e),
        Err(e) => {
            refused.get_or_insert(e);
            Ok(None)
        }
    }
}

/// A program that breaks the rules of the machine: whatever the model, the compiler should not have made it.
pub fn wrong_program(fault: impl Display) -> Error {
    Error::defect("compile", format!("the program that was made is wrong: {fault}"))
}

fn prepare(graph: &FixedGraph, config: &Config) -> Result<Vec<Strategy>> {
    config.validate().map_err(|e| Error::new("schedule", e.to_string()))?;
    let graph = Rc::new(passes::run(graph, config)?);
    let net = Workload::new(&graph, config)?;
    let group = match fitting::fitting(&net) {
        Ok(plans) => {
            let way = |plan| Strategy { graph: Rc::clone(&graph), macs: None, plan };
            return Ok(plans.into_iter().map(way).collect());
        }
        Err(group) => group,
    };
    let ways = columns::ways(&graph, config)?;
    if ways.is_empty() { Err(fitting::too_large(&net, &group)) } else { Ok(ways) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Op, PadMode};
    use crate::options::Options;
    use ndarray::ArrayD;

    /// A plan that does not fit the chip is not taken; that it did not is told where none fits, a defect always.
    #[test]
    fn a_plan_that_fails_is_not_taken() {
        let mut graph = Graph::new("t");
        let x = graph.input("x", &[1, 2, 4, 4]).unwrap();
        let (before, after) = (vec![0, 0, 1, 1], vec![0; 4]);
        let y = graph.node("pad", Op::Pad { before, after, mode: PadMode::Constant(0.0) }, &[x]).unwrap();
        let y = graph.node("pool", Op::GlobalAveragePool, &[y]).unwrap();
        graph.outputs.push(y);
        let sample = ArrayD::from_shape_fn(vec![1, 2, 4, 4], |i| i[3] as f32);
        let config = Config::sized(4, 4);
        let network = crate::quantise::run(&graph, &[vec![sample]], &Options::default(), &config).unwrap();
        let fixed = network.machine().next().unwrap();
        let fits = || Search::new(fixed, &config)?.fastest(|| ());
        let too_large = |name: &str| Err(Error::new("schedule", name));
        let taken = |all: Vec<Result<Schedule>>| {
            let mut count = 0;
            let best = fastest_of(all.into_iter(), || count += 1);
            (best.map(|_| count).map_err(|e| e.report().message.clone()), count)
        };
        assert_eq!(taken(vec![too_large("a"), fits(), too_large("b")]), (Ok(3), 3));
        assert_eq!(taken(vec![too_large("a"), too_large("b")]), (Err("a".into()), 2));
        let (found, _) = taken(vec![fits(), Err(Error::defect("schedule", "c")), fits()]);
        assert!(found.unwrap_err().starts_with('c'));
    }
}
