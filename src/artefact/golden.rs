//! One sample with its outputs and the bytes of every stage: what whoever runs the artefact elsewhere compares
//! with.

use crate::pipeline::Compiled;
use crate::proof::{self, Simulated, StageBytes};
use anyhow::Result;
use ndarray::ArrayD;
use tilewright_compiler::error::{self, Error};
use tilewright_compiler::float;
use tilewright_compiler::graph::{Graph, Integer};
use tilewright_compiler::npy::{self, ArrayData};
use tilewright_random::Random;

/// Seed of synthetic samples.
const SEED: u64 = 1;
/// The least part of its range that a synthetic sample is drawn from.
const LEAST_REACH: f32 = 1.0 / 1024.0;

/// A sample and what comes of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Golden {
    /// The network's inputs.
    pub inputs: Vec<ArrayD<f32>>,
    /// Its outputs.
    pub outputs: Vec<ArrayD<f32>>,
    /// The machine's stages, in order.
    pub stages: Vec<StageBytes>,
}

impl Golden {
    /// A sample that has been simulated.
    pub fn new(inputs: Vec<ArrayD<f32>>, simulated: Simulated) -> Golden {
        Golden { inputs, outputs: simulated.outputs, stages: simulated.stages }
    }

    /// Runs a sample in the simulator.
    ///
    /// # Errors
    /// As [`proof::simulate`].
    pub fn of(compiled: &Compiled, inputs: Vec<ArrayD<f32>>) -> Result<Golden> {
        let simulated = proof::simulate(compiled, &inputs)?;
        Ok(Golden::new(inputs, simulated))
    }

    /// A sample of nobody's data: even values over the range that each input had in calibration, from 0 to 1
    /// where only the host reads it. All values at the ends of their ranges at once can be too much for a
    /// network that exponentiates: the range is halved about its number nearest zero until every output of
    /// `interface`, the network in float, is finite, if any range does.
    ///
    /// # Errors
    /// As [`Golden::of`], and what the float reference refuses.
    pub fn synthetic(compiled: &Compiled, interface: &Graph) -> Result<Golden> {
        let mut reach = 1.0;
        let mut inputs = drawn(compiled, interface, reach);
        let finite = |inputs: &[ArrayD<f32>]| -> Result<bool> {
            Ok(float::run(interface, inputs)?.iter().flatten().all(|x| x.is_finite()))
        };
        while reach > LEAST_REACH && !finite(&inputs)? {
            reach /= 2.0;
            inputs = drawn(compiled, interface, reach);
        }
        Golden::of(compiled, inputs)
    }

    /// The first difference of another run of the same sample, if any.
    pub fn difference(&self, other: &Golden) -> Option<String> {
        for (a, b) in self.stages.iter().zip(&other.stages) {
            let stage = a.stage;
            for (port, (a, b)) in a.outputs.iter().zip(&b.outputs).enumerate() {
                if let Some(place) = (0..a.len().max(b.len())).find(|&i| a.get(i) != b.get(i)) {
                    let said = |byte: Option<&i8>| byte.map_or("nothing".to_owned(), i8::to_string);
                    return Some(format!(
                        "stage {stage}, output {port}, byte {place}: {} instead of {}",
                        said(b.get(place)),
                        said(a.get(place))
                    ));
                }
            }
            if a.cycles != b.cycles {
                return Some(format!("stage {stage}: {} cycles instead of {}", b.cycles, a.cycles));
            }
        }
        let runs = self.stages.iter().zip(&other.stages);
        if let Some((a, _)) = runs.into_iter().find(|(a, b)| a.inputs != b.inputs) {
            return Some(format!("stage {}: the bytes of its inputs", a.stage));
        }
        // A NaN is what it was.
        let alike = |(a, b): (&f32, &f32)| a == b || a.is_nan() && b.is_nan();
        let equal =
            |(a, b): (&ArrayD<f32>, &ArrayD<f32>)| a.shape() == b.shape() && a.iter().zip(b).all(alike);
        let outputs = self.outputs.len() == other.outputs.len();
        let same = outputs && self.outputs.iter().zip(&other.outputs).all(equal);
        (!same).then(|| "the outputs in float".to_owned())
    }

    /// As an `.npz`: `input_N` and `output_N` (float32), `stage_S_input_P` and `stage_S_output_P` (the ports'
    /// bytes as uint8), `stage_S_cycles` (eight of uint8, the least first).
    pub fn to_npz(&self) -> Vec<u8> {
        let mut arrays = Vec::new();
        let real = |x: &ArrayD<f32>| npy::npy_f32(x.shape(), &x.iter().copied().collect::<Vec<f32>>());
        for (n, x) in self.inputs.iter().enumerate() {
            arrays.push((format!("input_{n}"), real(x)));
        }
        for (n, x) in self.outputs.iter().enumerate() {
            arrays.push((format!("output_{n}"), real(x)));
        }
        let bytes =
            |list: &[i8]| npy::npy_u8(&[list.len()], &list.iter().map(|&b| b as u8).collect::<Vec<u8>>());
        for StageBytes { stage, inputs, outputs, cycles } in &self.stages {
            for (port, list) in inputs.iter().enumerate() {
                arrays.push((format!("stage_{stage}_input_{port}"), bytes(list)));
            }
            for (port, list) in outputs.iter().enumerate() {
                arrays.push((format!("stage_{stage}_output_{port}"), bytes(list)));
            }
            arrays.push((format!("stage_{stage}_cycles"), npy::npy_u8(&[8], &cycles.to_le_bytes())));
        }
        npy::npz(arrays)
    }

    /// From what [`Golden::to_npz`] makes.
    ///
    /// # Errors
    /// Bytes of something else.
    pub fn from_npz(bytes: &[u8]) -> error::Result<Golden> {
        let mut golden = Golden::default();
        let wrong = |name: &str| {
            let message = format!("array {name:?} has no place in a golden sample");
            Error::new("artefact", message).hint("compile again")
        };
        for (name, array) in npy::parse_npz(bytes)? {
            let words: Vec<&str> = name.split('_').collect();
            if let ["input" | "output", _] = words[..] {
                let list = if words[0] == "input" { &mut golden.inputs } else { &mut golden.outputs };
                list.push(array.to_ndarray());
                continue;
            }
            let ArrayData::U8(bytes) = &array.data else { return Err(wrong(&name)) };
            let ["stage", stage, what, ..] = words[..] else { return Err(wrong(&name)) };
            let stage: usize = stage.parse().map_err(|_| wrong(&name))?;
            if golden.stages.last().is_none_or(|last| last.stage != stage) {
                golden.stages.push(StageBytes { stage, ..StageBytes::default() });
            }
            let last = golden.stages.last_mut().expect("it was just pushed");
            let signed = || bytes.iter().map(|&b| b as i8).collect();
            match what {
                "input" => last.inputs.push(signed()),
                "output" => last.outputs.push(signed()),
                "cycles" if bytes.len() == 8 => {
                    last.cycles = bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
                }
                _ => return Err(wrong(&name)),
            }
        }
        Ok(golden)
    }
}

/// Inputs over `reach` of their ranges, from 0 to 1.
fn drawn(compiled: &Compiled, interface: &Graph, reach: f32) -> Vec<ArrayD<f32>> {
    let mut random = Random::new(SEED);
    let network = &compiled.network;
    let input = |(n, (_, id, shape)): (usize, &(String, _, Vec<usize>))| {
        let import = network.imports.iter().find(|import| import.value == *id);
        let (low, high) = import.map_or((0.0, 1.0), |i| network.tensors[i.tensor.0 as usize].range());
        // Tensors of 16 bits have room beyond what calibration had.
        let (low, high) = network.calibrated.get(n).map_or((low as f32, high as f32), |&[a, b]| (a, b));
        let middle = 0f32.clamp(low, high);
        let integer = interface.inputs.get(n).and_then(|&id| interface.value(id).integer);
        ArrayD::from_shape_simple_fn(shape.clone(), || {
            let x = low + (high - low) * (random.float() + 1.0) / 2.0;
            whole(if reach < 1.0 { middle + (x - middle) * reach } else { x }, integer)
        })
    };
    network.inputs.iter().enumerate().map(input).collect()
}

/// A number of the input's type near `x`.
fn whole(x: f32, integer: Option<Integer>) -> f32 {
    match integer {
        None => x,
        Some(integer) => {
            let (low, high) = integer.range();
            x.round().clamp(low as f32, high as f32)
        }
    }
}
