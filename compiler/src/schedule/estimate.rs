//! What the operations of a network take on a machine, before there is a plan.

use super::net::Workload;
use crate::cost::{Cost, Pace};
use crate::error::Result;
use crate::fixed::FixedGraph;
use tilewright_arch::Config;

/// An operation.
struct TimedOperation {
    pace: Pace,
    constants: Cost,
    /// Rows of its grid.
    rows: usize,
}

/// Costs of a network's operations on a machine, each with its tensors where they are best gathered.
pub struct Estimate {
    operations: Vec<TimedOperation>,
    /// For what comes from outside and what goes there.
    ends: Cost,
    /// Cycles until the first beat of a burst.
    latency: u64,
}

/// Bursts that nothing else happens beside: the first instruction's, the first input's and the last output's.
const WAITS: u64 = 3;

impl Estimate {
    /// Looks at the operations of a graph, on which the [passes](crate::fixed::passes) have run or might.
    ///
    /// # Errors
    /// An operation that the machine cannot run.
    pub fn new(graph: &FixedGraph, config: &Config) -> Result<Estimate> {
        let net = Workload::new(graph, config)?;
        let bytes = |shape: [usize; 3]| shape.iter().product::<usize>();
        let inputs = net.tensors.iter().filter(|t| t.input).map(|t| Cost::loaded(bytes(t.shape), config));
        let outputs = net.tensors.iter().filter(|t| t.output).map(|t| Cost::stored(bytes(t.shape), config));
        let ends = inputs.chain(outputs).sum();
        let operations = net.nodes.iter().map(|node| TimedOperation {
            pace: node.pace.clone(),
            constants: node.constants,
            rows: node.rows.len(),
        });
        let latency = config.memory.latency as u64;
        Ok(Estimate { operations: operations.collect(), ends, latency })
    }

    /// What array and vector unit have to do for operation number `number`, for `rows` of its rows at a time.
    pub fn rows(&self, number: usize, rows: usize) -> Cost {
        self.operations[number].pace.rows(rows)
    }

    /// All operations, on whole tensors and with their constants.
    pub fn operations(&self) -> Cost {
        self.operations.iter().map(|o| o.pace.rows(o.rows) + o.constants).sum()
    }

    /// Cycles of a program, if what passes between operations stays on chip: all units work side by side, once
    /// the input is there and until the output is away.
    pub fn cycles(&self) -> u64 {
        self.operations().side_by_side() + self.ends.port() + WAITS * self.latency
    }
}
