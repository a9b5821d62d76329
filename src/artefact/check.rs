//! That the parts of an artefact belong together: whoever seals nonsense is told so, instead of being believed.

use super::manifest::{self, Manifest};
use super::{Golden, Layer, damaged, layers};
use crate::pipeline::Compiled;
use crate::proof::StageBytes;
use tilewright_arch::Program;
use tilewright_arch::program::TensorPort;
use tilewright_compiler::error::Result;
use tilewright_compiler::fixed::{FixedGraph, TensorId};
use tilewright_compiler::graph::Graph;
use tilewright_compiler::network::Stage;

/// The machine's stages: number, graph, program.
fn stages(compiled: &Compiled) -> impl Iterator<Item = (usize, &FixedGraph, &Program)> {
    let stages = compiled.network.stages.iter().zip(&compiled.schedules).enumerate();
    stages.filter_map(|(n, pair)| match pair {
        (Stage::Machine { graph, .. }, Some(schedule)) => Some((n, graph, &schedule.program)),
        _ => None,
    })
}

/// That the network is whole, and that its programs are legal and read and write its tensors.
pub(super) fn network(compiled: &Compiled, interface: &Graph) -> Result<()> {
    let network = &compiled.network;
    network.verify()?;
    if interface.inputs.len() != network.inputs.len() || interface.outputs.len() != network.outputs.len() {
        return Err(damaged("inputs or outputs of the network and of its interface differ"));
    }
    for (stage, schedule) in network.stages.iter().zip(&compiled.schedules) {
        if matches!(stage, Stage::Machine { .. }) != schedule.is_some() {
            return Err(damaged("a stage has no program"));
        }
    }
    for (stage, graph, program) in stages(compiled) {
        program.validate().map_err(|e| damaged(e.to_string()))?;
        let own = |list: &[(TensorId, Vec<usize>)], ports: &[TensorPort]| {
            let same = |((id, shape), port): (&(TensorId, Vec<usize>), &TensorPort)| {
                let tensor = graph.tensor(*id);
                let end = u64::from(port.address) + tensor.elements() as u64;
                let numbers = (port.scale.to_bits(), port.zero, port.wide);
                numbers == (tensor.scale.to_bits(), tensor.zero, tensor.wide)
                    && port.shape == *shape
                    && port.bytes() == tensor.elements()
                    && end <= u64::from(program.memory_bytes)
            };
            list.len() == ports.len() && list.iter().zip(ports).all(same)
        };
        if !own(&graph.inputs, &program.inputs) || !own(&graph.outputs, &program.outputs) {
            return Err(damaged(format!("a port of stage {stage} is not its tensor")));
        }
    }
    Ok(())
}

/// That the golden sample has all bytes of all ports.
pub(super) fn golden(compiled: &Compiled, golden: &Golden) -> Result<()> {
    let network = &compiled.network;
    let shapes = network.inputs.iter().map(|(_, _, shape)| &shape[..]);
    let fits = |(run, (stage, _, program)): (&StageBytes, (usize, &FixedGraph, &Program))| {
        let bytes = |lists: &[Vec<i8>], ports: &[TensorPort]| {
            lists.iter().map(Vec::len).eq(ports.iter().map(TensorPort::bytes))
        };
        run.stage == stage && bytes(&run.inputs, &program.inputs) && bytes(&run.outputs, &program.outputs)
    };
    let whole = golden.stages.len() == stages(compiled).count()
        && golden.stages.iter().zip(stages(compiled)).all(fits);
    let inputs = golden.inputs.iter().map(|x| x.shape()).eq(shapes);
    if !inputs || !whole || golden.outputs.len() != network.outputs.len() {
        return Err(damaged("the golden sample is not of this network"));
    }
    Ok(())
}

/// That the manifest says of the network what it is.
pub(super) fn manifest(
    manifest: &Manifest,
    compiled: &Compiled,
    interface: &Graph,
    golden: &Golden,
) -> Result<()> {
    let (keys, inputs, outputs, stages, cycles) = manifest::derived(compiled, interface, golden);
    let said = (&manifest.keys, &manifest.inputs, &manifest.outputs, &manifest.stages, manifest.cycles);
    let source = !compiled.network.claims.operations.is_empty();
    // Noise was predicted on a calibration sample, which is not there any more.
    let bare = |layer: &Layer| Layer { predicted_sqnr_db: None, ..layer.clone() };
    if said != (&keys, &inputs, &outputs, &stages, cycles)
        || source && !manifest.layers.iter().map(bare).eq(layers::layers(compiled))
    {
        return Err(damaged("it describes another network than the files it names"));
    }
    Ok(())
}
