//! What a run is summed up to.

use crate::units::{Timeline, Times};
use serde::Serialize;
use tilewright_arch::instr::{SEMAPHORES, Unit};
use tilewright_arch::program::Program;

/// The cycles of a run and where they went.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct CycleReport {
    /// Cycles from the start command to the machine's done.
    pub cycles: u64,
    /// Multiply-accumulates of the network's definition.
    pub macs: u64,
    /// P * C.
    pub peak_macs_per_cycle: u64,
    /// `macs / (cycles * peak_macs_per_cycle)`.
    pub utilisation: f64,
    /// Cycles in which the array accumulates a step.
    pub array_busy_cycles: u64,
    /// The units in the order of [`Unit::ALL`].
    pub units: Vec<UnitReport>,
    /// Traffic of the memory port.
    pub external: Traffic,
    /// Layers in the order of [`Program::layers`].
    pub layers: Vec<LayerCycles>,
    /// Every instruction by unit and place, if asked for.
    pub trace: Option<Vec<TraceLine>>,
}

/// One unit. `busy + fetch stalls + semaphore stalls + restarts + idle` is all cycles.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct UnitReport {
    /// `compute`, `vector`, `load` or `store`.
    pub unit: &'static str,
    /// Instructions executed.
    pub instructions: usize,
    /// Cycles from issue to done, summed.
    pub busy_cycles: u64,
    /// Cycles waiting for the next instruction to arrive from external memory.
    pub fetch_stall_cycles: u64,
    /// Cycles waiting for semaphores with the instruction ready.
    pub semaphore_stall_cycles: u64,
    /// The same for each semaphore, by the last one to arrive.
    pub semaphore_stalls: [u64; SEMAPHORES],
    /// Cycles between the end of an instruction and the earliest issue of the next.
    pub restart_cycles: u64,
    /// Cycles after the last instruction.
    pub idle_cycles: u64,
}

/// Traffic of the memory port in bytes (masked bytes of partial beats not counted).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Traffic {
    /// Loaded into feature memory.
    pub feature_read_bytes: u64,
    /// Loaded into weight, parameter and table memory.
    pub weight_read_bytes: u64,
    /// Instructions.
    pub program_read_bytes: u64,
    /// All reads.
    pub read_bytes: u64,
    /// Stored.
    pub write_bytes: u64,
    /// Cycles in which the port transfers a beat.
    pub port_busy_cycles: u64,
}

/// One layer.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LayerCycles {
    /// Name in the source model.
    pub name: String,
    /// Operator.
    pub operator: String,
    /// Multiply-accumulates of its definition.
    pub macs: u64,
    /// Its part of all cycles: each cycle belongs to the layer that the compute unit works on, or, while that
    /// rests, whose tile operation is the next to be done (after the last one: to the layer of the last
    /// instruction). Sums to all cycles.
    pub cycles: u64,
    /// `macs / (cycles * P * C)`; 0 for a layer without cycles.
    pub utilisation: f64,
    /// Cycles in which the array accumulates a step of this layer.
    pub array_busy_cycles: u64,
    /// Busy cycles of the four units on this layer.
    pub busy_cycles: [u64; 4],
    /// Issue of its first instruction; `None` when it has none.
    pub first_issue: Option<u64>,
    /// Done of its last instruction.
    pub last_done: Option<u64>,
    /// Bytes loaded for it.
    pub read_bytes: u64,
    /// Bytes stored for it.
    pub write_bytes: u64,
}

/// The times of one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct TraceLine {
    /// Its unit.
    pub unit: &'static str,
    /// Its place in the unit's list.
    pub index: usize,
    /// Its layer.
    pub layer: usize,
    /// Fetched.
    pub ready: u64,
    /// Started.
    pub issue: u64,
    /// Done.
    pub done: u64,
}

fn ratio(macs: u64, cycles: u64, peak: u64) -> f64 {
    if cycles == 0 { 0.0 } else { macs as f64 / (cycles as f64 * peak as f64) }
}

fn layers_of(program: &Program, unit: Unit) -> Vec<usize> {
    match unit {
        Unit::Compute => program.compute.iter().map(|l| l.layer).collect(),
        Unit::Vector => program.vector.iter().map(|l| l.layer).collect(),
        Unit::Load => program.load.iter().map(|l| l.layer).collect(),
        Unit::Store => program.store.iter().map(|l| l.layer).collect(),
    }
}

impl CycleReport {
    /// Adds the report of a program that runs after this one on the same machine. Times of layers
    /// count from the first program's start; traces are dropped.
    pub fn append(&mut self, next: &CycleReport) {
        let start = self.cycles;
        self.cycles += next.cycles;
        self.macs += next.macs;
        self.peak_macs_per_cycle = next.peak_macs_per_cycle;
        self.utilisation = ratio(self.macs, self.cycles, self.peak_macs_per_cycle);
        self.array_busy_cycles += next.array_busy_cycles;
        if self.units.is_empty() {
            self.units.clone_from(&next.units);
        } else {
            self.units.iter_mut().zip(&next.units).for_each(|(unit, next)| unit.append(next));
        }
        let (all, more) = (&mut self.external, &next.external);
        all.feature_read_bytes += more.feature_read_bytes;
        all.weight_read_bytes += more.weight_read_bytes;
        all.program_read_bytes += more.program_read_bytes;
        all.read_bytes += more.read_bytes;
        all.write_bytes += more.write_bytes;
        all.port_busy_cycles += more.port_busy_cycles;
        self.layers.extend(next.layers.iter().map(|layer| LayerCycles {
            first_issue: layer.first_issue.map(|t| t + start),
            last_done: layer.last_done.map(|t| t + start),
            ..layer.clone()
        }));
        self.trace = None;
    }

    /// Sums up a timeline.
    pub fn new(program: &Program, timeline: &Timeline, trace: bool) -> CycleReport {
        let peak = program.config.peak_macs() as u64;
        let layers = layers(program, timeline, peak);
        let macs = program.layers.iter().map(|l| l.macs).sum();
        let weight_read_bytes = timeline.load_bytes - timeline.feature_bytes;
        let lines = |unit: Unit| {
            let layers = layers_of(program, unit);
            let line = move |(index, t): (usize, &Times)| TraceLine {
                unit: unit.name(),
                index,
                layer: layers[index],
                ready: t.ready,
                issue: t.issue,
                done: t.done,
            };
            timeline.units[unit as usize].iter().enumerate().map(line)
        };
        CycleReport {
            cycles: timeline.cycles,
            macs,
            peak_macs_per_cycle: peak,
            utilisation: ratio(macs, timeline.cycles, peak),
            array_busy_cycles: (0..program.compute.len()).map(|i| array_busy(program, i)).sum(),
            units: Unit::ALL.into_iter().map(|unit| unit_report(unit, timeline)).collect(),
            external: Traffic {
                feature_read_bytes: timeline.feature_bytes,
                weight_read_bytes,
                program_read_bytes: timeline.fetch_bytes,
                read_bytes: timeline.load_bytes + timeline.fetch_bytes,
                write_bytes: timeline.store_bytes,
                port_busy_cycles: timeline.port_beats,
            },
            layers,
            trace: trace.then(|| Unit::ALL.into_iter().flat_map(lines).collect()),
        }
    }
}

impl UnitReport {
    fn append(&mut self, next: &UnitReport) {
        self.instructions += next.instructions;
        self.busy_cycles += next.busy_cycles;
        self.fetch_stall_cycles += next.fetch_stall_cycles;
        self.semaphore_stall_cycles += next.semaphore_stall_cycles;
        self.semaphore_stalls.iter_mut().zip(next.semaphore_stalls).for_each(|(all, more)| *all += more);
        self.restart_cycles += next.restart_cycles;
        self.idle_cycles += next.idle_cycles;
    }
}

fn array_busy(program: &Program, index: usize) -> u64 {
    let op = &program.compute[index].op;
    op.groups as u64 * op.tiles as u64 * op.reduction()
}

fn unit_report(unit: Unit, timeline: &Timeline) -> UnitReport {
    let list = &timeline.units[unit as usize];
    let mut report = UnitReport {
        unit: unit.name(),
        instructions: list.len(),
        busy_cycles: 0,
        fetch_stall_cycles: 0,
        semaphore_stall_cycles: 0,
        semaphore_stalls: [0; SEMAPHORES],
        restart_cycles: 0,
        idle_cycles: 0,
    };
    let mut at = 0;
    for times in list {
        // From the end before: first the fetch, then the semaphores, then the restart.
        let fetched = times.ready.clamp(at, times.issue);
        let signalled = times.signalled.clamp(fetched, times.issue);
        report.fetch_stall_cycles += fetched - at;
        report.semaphore_stall_cycles += signalled - fetched;
        report.semaphore_stalls[usize::from(times.semaphore)] += signalled - fetched;
        report.restart_cycles += times.issue - signalled;
        report.busy_cycles += times.done - times.issue;
        at = times.done;
    }
    report.idle_cycles = timeline.cycles - at;
    report
}

/// Stretches of time with the layer that each belongs to: that of the compute unit's instruction under way, else
/// that of the first of the `marks`, (time, layer) in order of time, that is not over.
fn shares(program: &Program, timeline: &Timeline, marks: &[(u64, usize)]) -> Vec<(usize, u64)> {
    let list = layers_of(program, Unit::Compute);
    let computes: Vec<(&Times, usize)> = timeline.units[Unit::Compute as usize].iter().zip(list).collect();
    let mut edges: Vec<u64> = marks.iter().map(|mark| mark.0).collect();
    edges.extend(computes.iter().flat_map(|(times, _)| [times.issue, times.done]));
    edges.sort_unstable();
    let (mut shares, mut at, mut next, mut mark) = (Vec::new(), 0, 0, 0);
    for edge in edges {
        if edge <= at {
            continue;
        }
        // The compute unit's instructions follow one another.
        while computes.get(next).is_some_and(|(times, _)| times.done <= at) {
            next += 1;
        }
        while marks.get(mark).is_some_and(|mark| mark.0 <= at) {
            mark += 1;
        }
        let under_way = computes.get(next).filter(|(times, _)| times.issue <= at).map(|(_, layer)| *layer);
        if let Some(layer) = under_way.or_else(|| marks.get(mark).map(|mark| mark.1)) {
            shares.push((layer, edge - at));
        }
        at = edge;
    }
    shares
}

fn layers(program: &Program, timeline: &Timeline, peak: u64) -> Vec<LayerCycles> {
    let mut reports: Vec<LayerCycles> = program
        .layers
        .iter()
        .map(|layer| LayerCycles {
            name: layer.name.clone(),
            operator: layer.operator.clone(),
            macs: layer.macs,
            cycles: 0,
            utilisation: 0.0,
            array_busy_cycles: 0,
            busy_cycles: [0; 4],
            first_issue: None,
            last_done: None,
            read_bytes: 0,
            write_bytes: 0,
        })
        .collect();
    // (done, layer) of the tile operations, and of the last instruction of all.
    let mut marks: Vec<(u64, usize)> = vec![];
    let mut last = None;
    for unit in Unit::ALL {
        let list = layers_of(program, unit);
        for (index, (times, layer)) in timeline.units[unit as usize].iter().zip(list).enumerate() {
            if matches!(unit, Unit::Compute | Unit::Vector) {
                marks.push((times.done, layer));
            }
            last = last.max(Some((times.done, layer)));
            let Some(report) = reports.get_mut(layer) else {
                continue;
            };
            report.busy_cycles[unit as usize] += times.done - times.issue;
            report.first_issue = Some(report.first_issue.map_or(times.issue, |t| t.min(times.issue)));
            report.last_done = report.last_done.max(Some(times.done));
            match unit {
                Unit::Compute => report.array_busy_cycles += array_busy(program, index),
                Unit::Vector => {}
                Unit::Load | Unit::Store => {
                    let op = if unit == Unit::Load { &program.load } else { &program.store }[index].op;
                    let bytes = op.line_bytes as u64 * op.lines as u64 * op.planes as u64;
                    *(if unit == Unit::Load { &mut report.read_bytes } else { &mut report.write_bytes }) +=
                        bytes;
                }
            }
        }
    }
    marks.sort_unstable();
    marks.extend(last.map(|(_, layer)| (timeline.cycles, layer)));
    for (layer, cycles) in shares(program, timeline, &marks) {
        if let Some(report) = reports.get_mut(layer) {
            report.cycles += cycles;
        }
    }
    for report in &mut reports {
        report.utilisation = ratio(report.macs, report.cycles, peak);
    }
    reports
}
