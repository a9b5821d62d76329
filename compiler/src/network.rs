//! A quantised model: what the machine runs, what the host runs, and what passes between them.
//!
//! Machine and host take turns, stage by stage. Between stages there are *tensors*, bytes as the
//! machine has them, and *values*, real arrays as the host has them. The host quantises a value into
//! a tensor ([`Import`]) and makes a value of a tensor ([`Export`]).

mod layer;
mod places;
mod verify;

pub use layer::{HostOperator, MeasuredLayer};
#[cfg(feature = "quantise")]
pub(crate) use places::Places;
pub(crate) use places::places;

use crate::claims::Claims;
use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, Tensor, TensorId};
use crate::float;
use crate::graph::{Graph, Node, ValueId};
use crate::options::Precision;
use crate::proof::Quality;
use crate::reference;
use ndarray::{ArrayD, IxDyn};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What runs at a time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Stage {
    /// The machine. Tensor i of the graph is tensor `tensors[i]` of the network; the graph's inputs
    /// and outputs pass between stages.
    Machine {
        /// Its operations.
        graph: FixedGraph,
        /// The network's number of each of the graph's tensors.
        tensors: Vec<TensorId>,
    },
    /// The host, in float. Its graph's inputs and outputs are these values.
    Host {
        /// Its operators.
        graph: Graph,
        /// What it reads.
        inputs: Vec<ValueId>,
        /// What it makes.
        outputs: Vec<ValueId>,
    },
}

impl Stage {
    /// Whether it is given a tensor of the network.
    pub fn reads(&self, tensor: TensorId) -> bool {
        match self {
            Stage::Machine { graph, tensors } => {
                graph.inputs.iter().any(|(id, _)| tensors[id.0 as usize] == tensor)
            }
            Stage::Host { .. } => false,
        }
    }
}

/// A value that the host quantises for the machine, row-major.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Import {
    /// The value.
    pub value: ValueId,
    /// The tensor.
    pub tensor: TensorId,
}

/// A value that the host makes of a tensor of the machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Export {
    /// The value.
    pub value: ValueId,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The tensor.
    pub tensor: TensorId,
    /// Offset of the value's first element in the tensor.
    pub offset: usize,
    /// Extents and distances, outermost first, of the others.
    pub strides: Vec<(usize, usize)>,
    /// What a zero stands for: where the host reads a value that is of one sign in all of calibration, the number
    /// next to zero that it has there or half a step, whichever is less. A sum that is kept from zero because it
    /// is divided by stays away from it so. 0 otherwise.
    pub next_to_zero: f32,
}

/// A layer whose result has 8 bits where 16 were wanted of all.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ByteLayer {
    /// The operation's number among the claimed ones.
    pub id: usize,
    /// Its name in the source model.
    pub name: String,
    /// Operators, as `conv2d+relu`.
    pub operator: String,
    /// Why it has 8 bits.
    pub why: String,
}

/// Why [`Precision::Auto`] leaves to the host what the machine could run, for the sake of an output.
pub const COARSE: &str =
    "8 bits of it would leave too little of an output, and quantisers of models keep it in float";

/// An output that 8 bits would have drowned in noise, and what was done about it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Raised {
    /// The output that lacked most.
    pub output: String,
    /// What gave more tensors 16 bits.
    pub precision: Precision,
    /// What was predicted of the output before, over some calibration samples.
    pub before: Quality,
    /// What is predicted now.
    pub after: Quality,
}

/// That a network is less fine than was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Coarser {
    /// The precision that makes it: the one that was asked for, as far as it can be had, or a coarser one.
    pub precision: Precision,
    /// What is missing and why, in a sentence.
    pub why: String,
}

/// A quantised model.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Network {
    /// Where it came from, for messages.
    pub name: String,
    /// All tensors that pass between stages or lie within one.
    pub tensors: Vec<Tensor>,
    /// What runs, in order.
    pub stages: Vec<Stage>,
    /// From values to tensors.
    pub imports: Vec<Import>,
    /// From tensors to values.
    pub exports: Vec<Export>,
    /// The model's inputs: name, value and shape.
    pub inputs: Vec<(String, ValueId, Vec<usize>)>,
    /// The least and the largest number that each input has in calibration; empty without calibration.
    pub calibrated: Vec<[f32; 2]>,
    /// The model's outputs.
    pub outputs: Vec<ValueId>,
    /// Outputs that are constants.
    pub constants: Vec<(ValueId, ArrayD<f32>)>,
    /// What is left to the host, in order.
    pub host: Vec<HostOperator>,
    /// What it claims to stand for.
    pub claims: Claims,
    /// Layers of 8 bits where 16 were wanted of all; empty otherwise.
    pub byte_layers: Vec<ByteLayer>,
    /// Whether it is less fine than was asked for. Artefacts keep it in their manifest.
    #[serde(skip)]
    pub coarser: Option<Coarser>,
    /// Whether [`Precision::Auto`] went beyond its budget of cycles for the sake of an output.
    pub raised: Option<Raised>,
    /// Signal to noise in decibels that rounding alone leaves of each output on the calibration samples, where
    /// any of them is predicted below, or next to, [`crate::proof::GOOD_DB`]; empty otherwise.
    pub rounding_db: Vec<Option<f64>>,
    /// What was predicted of each output on these samples, together; empty without calibration. It is not kept in
    /// artefacts.
    #[serde(skip)]
    pub judged: Vec<Quality>,
}

/// What there is between stages.
#[derive(Clone, Debug, Default)]
pub struct NetworkState {
    tensors: BTreeMap<TensorId, Vec<i8>>,
    values: BTreeMap<ValueId, ArrayD<f32>>,
}

impl Network {
    /// The machine's graphs, in order.
    pub fn machine(&self) -> impl Iterator<Item = &FixedGraph> {
        self.stages.iter().filter_map(|stage| match stage {
            Stage::Machine { graph, .. } => Some(graph),
            Stage::Host { .. } => None,
        })
    }

    /// Gives it another name, and all graphs in it.
    pub fn named(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        name.clone_into(&mut self.claims.graph.name);
        for stage in &mut self.stages {
            match stage {
                Stage::Machine { graph, .. } => name.clone_into(&mut graph.name),
                Stage::Host { graph, .. } => name.clone_into(&mut graph.name),
            }
        }
    }

    /// Multiply-accumulates that the host is left with.
    pub fn host_macs(&self) -> u64 {
        self.host.iter().map(|op| op.macs).sum()
    }

    /// Runs the model, the machine's stages by `machine`: it gets the stage's number, its graph and
    /// input bytes, and returns output bytes.
    ///
    /// # Errors
    /// Inputs of another number or shape than the model's; those of `machine`; an operator that the
    /// float reference refuses.
    pub fn run<E: From<Error>>(
        &self,
        inputs: &[ArrayD<f32>],
        mut machine: impl FnMut(usize, &FixedGraph, Vec<Vec<i8>>) -> std::result::Result<Vec<Vec<i8>>, E>,
    ) -> std::result::Result<Vec<ArrayD<f32>>, E> {
        let mut state = self.start(inputs)?;
        for (number, stage) in self.stages.iter().enumerate() {
            match stage {
                Stage::Machine { graph, tensors } => {
                    let outputs = machine(number, graph, self.fetch(&state, graph, tensors))?;
                    self.put(&mut state, graph, tensors, outputs)?;
                }
                Stage::Host { .. } => self.host(&mut state, stage)?,
            }
        }
        Ok(self.outputs(&state)?)
    }

    /// The model's outputs as the integer reference and the host compute them.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn predict(&self, inputs: &[ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>> {
        self.run(inputs, |_, graph, inputs| {
            let tensors = reference::run(graph, &inputs);
            Ok::<_, Error>(graph.outputs.iter().map(|(id, _)| tensors[id.0 as usize].clone()).collect())
        })
    }

    /// Before the first stage.
    ///
    /// # Errors
    /// Inputs of another number or shape than the model's.
    pub fn start(&self, inputs: &[ArrayD<f32>]) -> Result<NetworkState> {
        let refuse = |message: String| Err(Error::new("reference", message).file(&self.name));
        if inputs.len() != self.inputs.len() {
            let (given, wanted) = (inputs.len(), self.inputs.len());
            return refuse(format!("{given} inputs are given, the network has {wanted}"));
        }
        let mut state = NetworkState::default();
        for (x, (name, id, shape)) in inputs.iter().zip(&self.inputs) {
            if x.shape() != shape {
                return refuse(format!("input {name:?} has shape {:?}, not {shape:?}", x.shape()));
            }
            self.know(&mut state, *id, x.clone());
        }
        for (id, value) in &self.constants {
            self.know(&mut state, *id, value.clone());
        }
        Ok(state)
    }

    /// The bytes that a stage of the machine reads.
    pub fn fetch(&self, state: &NetworkState, graph: &FixedGraph, tensors: &[TensorId]) -> Vec<Vec<i8>> {
        let bytes = |(id, _): &(TensorId, Vec<usize>)| state.tensors[&tensors[id.0 as usize]].clone();
        graph.inputs.iter().map(bytes).collect()
    }

    /// Takes what a stage of the machine made, and makes values of it.
    ///
    /// # Errors
    /// Outputs of another number or size than the stage's.
    pub fn put(
        &self,
        state: &mut NetworkState,
        graph: &FixedGraph,
        tensors: &[TensorId],
        outputs: Vec<Vec<i8>>,
    ) -> Result<()> {
        let sizes = graph.outputs.iter().map(|(id, _)| graph.tensor(*id).elements());
        if !outputs.iter().map(Vec::len).eq(sizes) {
            let message = format!("{} outputs do not fit the machine's stage", outputs.len());
            return Err(Error::new("reference", message).file(&self.name));
        }
        for ((id, _), bytes) in graph.outputs.iter().zip(outputs) {
            let id = tensors[id.0 as usize];
            for export in self.exports.iter().filter(|e| e.tensor == id) {
                let value = export.value_of(&self.tensors[id.0 as usize], &bytes);
                self.know(state, export.value, value);
            }
            state.tensors.insert(id, bytes);
        }
        Ok(())
    }

    /// Runs one of the host's stages.
    ///
    /// # Errors
    /// An operator that the float reference refuses.
    pub fn host(&self, state: &mut NetworkState, stage: &Stage) -> Result<()> {
        if let Stage::Host { graph, inputs, outputs } = stage {
            let inputs: Vec<ArrayD<f32>> = inputs.iter().map(|id| state.values[id].clone()).collect();
            for (id, value) in outputs.iter().zip(float::run(graph, &inputs)?) {
                self.know(state, *id, value);
            }
        }
        Ok(())
    }

    /// The first operator of the host that makes an infinity or a NaN of finite numbers, if any does; the
    /// machine has no such numbers.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn first_not_finite(&self, inputs: &[ArrayD<f32>]) -> Result<Option<&Node>> {
        let mut state = self.start(inputs)?;
        for stage in &self.stages {
            match stage {
                Stage::Machine { graph, tensors } => {
                    let all = reference::run(graph, &self.fetch(&state, graph, tensors));
                    let outputs = graph.outputs.iter().map(|(id, _)| all[id.0 as usize].clone()).collect();
                    self.put(&mut state, graph, tensors, outputs)?;
                }
                Stage::Host { graph, inputs, .. } => {
                    let given: Vec<ArrayD<f32>> = inputs.iter().map(|id| state.values[id].clone()).collect();
                    for &output in &graph.outputs {
                        if let Some(node) = float::first_not_finite(graph, &given, output)? {
                            return Ok(Some(node));
                        }
                    }
                    self.host(&mut state, stage)?;
                }
            }
        }
        Ok(None)
    }

    /// The model's outputs after the last stage.
    ///
    /// # Errors
    /// A stage that has not run.
    pub fn outputs(&self, state: &NetworkState) -> Result<Vec<ArrayD<f32>>> {
        let known = |id: &ValueId| {
            let missing = || Error::new("reference", format!("{id} has not been computed")).file(&self.name);
            state.values.get(id).cloned().ok_or_else(missing)
        };
        self.outputs.iter().map(known).collect()
    }

    /// Takes a value, and quantises it where the machine reads it.
    fn know(&self, state: &mut NetworkState, id: ValueId, value: ArrayD<f32>) {
        for import in self.imports.iter().filter(|i| i.value == id) {
            let tensor = &self.tensors[import.tensor.0 as usize];
            state.tensors.insert(import.tensor, reference::quantise(tensor, value.iter().copied()));
        }
        state.values.insert(id, value);
    }
}

impl NetworkState {
    /// The bytes of a tensor that has been made.
    pub fn tensor(&self, id: TensorId) -> Option<&[i8]> {
        self.tensors.get(&id).map(Vec::as_slice)
    }

    /// A value that is known: an input, a result of the host or what left the machine.
    pub fn value(&self, id: ValueId) -> Option<&ArrayD<f32>> {
        self.values.get(&id)
    }
}

impl Export {
    /// The number that the host has for one of the tensor.
    pub fn read(&self, real: f32) -> f32 {
        if real == 0.0 { self.next_to_zero } else { real }
    }

    /// The value from the tensor's bytes.
    pub fn value_of(&self, tensor: &Tensor, bytes: &[i8]) -> ArrayD<f32> {
        let real = reference::dequantise(tensor, bytes);
        let places = places(self.offset, &self.strides);
        let elements = places.map(|place| self.read(real[place])).collect();
        ArrayD::from_shape_vec(IxDyn(&self.shape), elements).expect("dims make up the shape")
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "network {:?}", self.name)?;
        for (number, stage) in self.stages.iter().enumerate() {
            match stage {
                Stage::Machine { graph, .. } => write!(f, "stage {number}, machine:\n{graph}")?,
                Stage::Host { graph, .. } => {
                    writeln!(f, "stage {number}, host:")?;
                    for node in &graph.nodes {
                        writeln!(f, "{} {:?}", node.op.name(), node.name)?;
                    }
                }
            }
        }
        Ok(())
    }
}
