//! The estimate of cycles beside the exact ones.

use std::ops::RangeInclusive;
use tilewright::pipeline::Compiled;
use tilewright_arch::Config;
use tilewright_compiler::fixed::{FixedGraph, passes};
use tilewright_compiler::network::Stage;
use tilewright_compiler::schedule::plan::PlanStep;
use tilewright_compiler::schedule::{Estimate, Schedule};

/// Relative errors, and of what: 0.1 where the estimate is a tenth above what it stands for.
#[derive(Default)]
pub struct Errors {
    /// Of what array and vector unit do for an operation, in the pieces of the plan.
    operations: Vec<(f64, String)>,
    /// Of whole networks.
    networks: Vec<(f64, String)>,
}

/// Where errors lie.
#[derive(Clone)]
pub struct Bound {
    /// The largest median of magnitudes.
    median: f64,
    /// Where nine of ten errors lie: those from the 5th to the 95th percentile.
    most: RangeInclusive<f64>,
    /// Where all errors lie.
    all: RangeInclusive<f64>,
}

impl Bound {
    /// Of many errors.
    pub const fn new(median: f64, most: RangeInclusive<f64>, all: RangeInclusive<f64>) -> Bound {
        Bound { median, most, all }
    }

    /// Of so few errors, or of such different things, that percentiles say nothing.
    pub fn of_few(median: f64, all: RangeInclusive<f64>) -> Bound {
        Bound { median, most: all.clone(), all }
    }
}

impl Errors {
    /// Compares the estimate of a graph with the exact times of a program of it, unless it was cut into blocks of
    /// columns, which are other operations.
    pub fn add(&mut self, graph: &FixedGraph, schedule: &Schedule, config: &Config) {
        let [about, exact] = self.operations_of(graph, schedule, config);
        self.networks.push((error(about, exact), graph.name.clone()));
    }

    /// The same for all that the machine does of a network.
    pub fn add_stages(&mut self, compiled: &Compiled) {
        let (mut all, network) = ([0, 0], &compiled.network);
        for (stage, schedule) in network.stages.iter().zip(&compiled.schedules) {
            if let (Stage::Machine { graph, .. }, Some(schedule)) = (stage, schedule) {
                let [about, exact] = self.operations_of(graph, schedule, &compiled.config);
                all = [all[0] + about, all[1] + exact];
            }
        }
        self.networks.push((error(all[0], all[1]), network.name.clone()));
    }

    /// Adds the errors of the operations; estimated and exact cycles of the program.
    fn operations_of(&mut self, graph: &FixedGraph, schedule: &Schedule, config: &Config) -> [u64; 2] {
        let report = tilewright_timing::time(&schedule.program, false).unwrap();
        let graph = passes::run(graph, config).unwrap();
        let estimate = Estimate::new(&graph, config).unwrap();
        if graph.nodes.len() == report.layers.len() {
            let mut work = vec![0; report.layers.len()];
            for step in schedule.plan.groups.iter().flat_map(|group| &group.steps) {
                if let PlanStep::Node(n, rows) = step {
                    work[*n] += estimate.rows(*n, rows.len()).work();
                }
            }
            for ((about, layer), node) in work.into_iter().zip(&report.layers).zip(&graph.nodes) {
                let [compute, vector, ..] = layer.busy_cycles;
                let what = format!("{} of {}", node.name, graph.name);
                self.operations.push((error(about, compute + vector), what));
            }
        }
        [estimate.cycles(), report.cycles]
    }

    /// Asserts that errors of operations and networks are within bounds.
    pub fn check(mut self, what: &str, operations: &Bound, networks: &Bound) {
        for (kind, errors, Bound { median, most, all }) in
            [("operations", &mut self.operations, operations), ("networks", &mut self.networks, networks)]
        {
            let count = errors.len();
            errors.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
            let middle = errors[count / 2].0.abs();
            errors.sort_by(|a, b| a.0.total_cmp(&b.0));
            let percentile = |p: usize| &errors[(count - 1) * p / 100];
            let [least, low, high, largest] = [0, 5, 95, 100].map(percentile);
            eprintln!(
                "{what}: {count} {kind}: median {middle:.4}, from {:.4} to {:.4}, most from {:.4} to {:.4}",
                least.0, largest.0, low.0, high.0
            );
            assert!(middle <= *median, "{what}: the median error of {kind} is {middle}, more than {median}");
            for (range, ends) in [(most, [low, high]), (all, [least, largest])] {
                for (error, of) in ends {
                    assert!(range.contains(error), "{what}: an error of {error}, beyond {range:?}: {of}");
                }
            }
        }
    }
}

fn error(about: u64, exact: u64) -> f64 {
    about as f64 / exact as f64 - 1.0
}
