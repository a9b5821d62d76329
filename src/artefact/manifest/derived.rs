//! What a manifest says that follows from the network.

use super::{Input, Keys, Output, Place, Stage};
use crate::artefact::Golden;
use crate::artefact::host::Host;
use crate::pipeline::Compiled;
use tilewright_arch::program::TensorPort;
use tilewright_arch::{Config, isa, link};
use tilewright_compiler::fixed::{Tensor, TensorId};
use tilewright_compiler::graph::{Graph, ValueId};
use tilewright_compiler::network::Stage as Running;
use tilewright_compiler::schedule::Schedule;

/// What a manifest says that follows from the network: keys, inputs, outputs, stages, cycles.
pub(in crate::artefact) type Derived = (Keys, Vec<Input>, Vec<Output>, Vec<Stage>, u64);

/// [`Derived`] of a network.
pub(in crate::artefact) fn derived(compiled: &Compiled, interface: &Graph, golden: &Golden) -> Derived {
    (
        keys(&compiled.config),
        inputs(compiled, interface),
        outputs(compiled, interface),
        stages(compiled, golden),
        golden.stages.iter().map(|s| s.cycles).sum(),
    )
}

/// The keys as the registers of a machine and the identity of a board have them.
fn keys(config: &Config) -> Keys {
    Keys { isa: format!("{:08x}", isa::key(config)), timing: format!("{:08x}", link::timing_key(config)) }
}

/// Row-major strides of a shape.
fn dense(shape: &[usize]) -> Vec<(usize, usize)> {
    let mut strides: Vec<(usize, usize)> = Vec::new();
    let mut step = 1;
    for &extent in shape.iter().rev() {
        strides.push((extent, step));
        step *= extent;
    }
    strides.reverse();
    strides
}

/// The tensors that stages read or make, with their ports.
fn ports(compiled: &Compiled, made: bool) -> impl Iterator<Item = (usize, TensorId, &TensorPort)> {
    let stages = compiled.network.stages.iter().zip(&compiled.schedules).enumerate();
    stages.flat_map(move |(stage, (running, schedule))| {
        let (Running::Machine { graph, tensors }, Some(schedule)) = (running, schedule) else {
            return vec![];
        };
        let (own, ports) = match made {
            true => (&graph.outputs, &schedule.program.outputs),
            false => (&graph.inputs, &schedule.program.inputs),
        };
        own.iter().zip(ports).map(|((id, _), port)| (stage, tensors[id.0 as usize], port)).collect()
    })
}

fn place(tensor: &Tensor, stage: usize, address: u32, offset: usize, strides: Vec<(usize, usize)>) -> Place {
    let Tensor { shape, scale, zero, wide, .. } = *tensor;
    let bits = if wide { 16 } else { 8 };
    Place { stage, address, shape: shape.to_vec(), bits, scale, zero, offset, strides }
}

/// Where the machine reads a value that the host quantises, row-major.
pub(in crate::artefact) fn imported(compiled: &Compiled, value: ValueId, shape: &[usize]) -> Vec<Place> {
    let reads = |tensor: TensorId| ports(compiled, false).filter(move |(_, t, _)| *t == tensor);
    let imports = compiled.network.imports.iter().filter(|import| import.value == value);
    imports
        .flat_map(|import| reads(import.tensor))
        .map(|(stage, id, port)| {
            place(&compiled.network.tensors[id.0 as usize], stage, port.address, 0, dense(shape))
        })
        .collect()
}

/// Where the machine has left a value that the host dequantises.
pub(in crate::artefact) fn exported(compiled: &Compiled, value: ValueId) -> Option<Place> {
    let export = compiled.network.exports.iter().find(|export| export.value == value)?;
    let (stage, id, port) = ports(compiled, true).find(|(_, tensor, _)| *tensor == export.tensor)?;
    let tensor = &compiled.network.tensors[id.0 as usize];
    Some(place(tensor, stage, port.address, export.offset, export.strides.clone()))
}

fn inputs(compiled: &Compiled, interface: &Graph) -> Vec<Input> {
    let network = &compiled.network;
    let input = |(n, (name, value, shape)): (usize, &(String, ValueId, Vec<usize>))| {
        let integer = interface.inputs.get(n).and_then(|&id| interface.value(id).integer);
        Input {
            name: name.clone(),
            shape: shape.clone(),
            element: integer.map_or("float32", |integer| integer.name()).to_owned(),
            places: imported(compiled, *value, shape),
        }
    };
    network.inputs.iter().enumerate().map(input).collect()
}

fn outputs(compiled: &Compiled, interface: &Graph) -> Vec<Output> {
    let network = &compiled.network;
    let output = |(&id, &value): (&ValueId, &ValueId)| {
        let place = exported(compiled, value);
        Output { name: interface.value(id).name.clone(), shape: interface.shape(id).to_vec(), place }
    };
    interface.outputs.iter().zip(&network.outputs).map(output).collect()
}

fn stages(compiled: &Compiled, golden: &Golden) -> Vec<Stage> {
    let (bases, _) = compiled.memory_map();
    let stage =
        |(number, (running, schedule)): (usize, (&Running, &Option<Schedule>))| match (running, schedule) {
            (Running::Machine { .. }, Some(schedule)) => {
                let program = &schedule.program;
                let run = golden.stages.iter().find(|run| run.stage == number);
                Stage::Machine {
                    base: bases[number].unwrap_or(0),
                    memory_bytes: program.memory_bytes,
                    stream_address: program.stream_address,
                    instructions: program.counts(),
                    cycles: run.map_or(0, |run| run.cycles),
                    macs: program.layers.iter().map(|layer| layer.macs).sum(),
                    inputs: program.inputs.clone(),
                    outputs: program.outputs.clone(),
                }
            }
            (Running::Host { graph, inputs, outputs }, _) => {
                Stage::Host(Host::new(compiled, graph, inputs, outputs))
            }
            (Running::Machine { .. }, None) => unreachable!("stages of the machine have programs"),
        };
    compiled.network.stages.iter().zip(&compiled.schedules).enumerate().map(stage).collect()
}
