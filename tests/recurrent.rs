//! Recurrent layers on the machine: integer reference = simulator, close to float, and what all steps
//! share is loaded once.

mod common;

use common::Random;
use ndarray::{ArrayD, IxDyn};
use std::collections::BTreeSet;
use tilewright::model::Model;
use tilewright::pipeline::Compiled;
use tilewright::proof;
use tilewright_arch::Config;
use tilewright_arch::instr::LocalMemory;
use tilewright_compiler::float::{self, math::log10};
use tilewright_compiler::graph::{Cell, Direction, Graph, Op, Recurrent, ValueId};
use tilewright_compiler::network::Network;
use tilewright_compiler::{quantise, reference, simplify};

fn floats(random: &mut Random, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.within(-1000, 1000) as f32 / 1000.0).collect()
}

/// A layer with random weights whose products have a standard deviation of about one.
struct Layer {
    graph: Graph,
    samples: Vec<Vec<ArrayD<f32>>>,
}

impl Layer {
    fn new(r: &mut Random, op: Recurrent, steps: usize, features: usize, peepholes: bool) -> Layer {
        let Recurrent { cell, direction, hidden, .. } = op;
        let (d, rows) = (direction.count(), cell.gates() * hidden);
        let mut graph = Graph::new("recurrent");
        let x = graph.input("x", &[steps, 1, features]).unwrap();
        let mut inputs = vec![x];
        let mut constant = |graph: &mut Graph, shape: &[usize], scale: f32| -> ValueId {
            let data = floats(r, shape.iter().product()).iter().map(|v| scale * v).collect();
            graph.constant("", shape, data).unwrap()
        };
        let spread = |terms: usize| (3.0 / terms as f32).sqrt();
        inputs.push(constant(&mut graph, &[d, rows, features], spread(features)));
        inputs.push(constant(&mut graph, &[d, rows, hidden], spread(hidden)));
        inputs.push(constant(&mut graph, &[d, 2 * rows], 0.2));
        let lstm = cell == Cell::Lstm;
        let first = if peepholes { 1.0 } else { 0.0 };
        for _ in 0..if lstm { 2 } else { 1 } {
            inputs.push(constant(&mut graph, &[d, 1, hidden], first));
        }
        if lstm && peepholes {
            inputs.push(constant(&mut graph, &[d, 3 * hidden], 0.5));
        }
        let mut add = |cell_state| {
            let op = Op::Recurrent(Recurrent { cell_state, ..op.clone() });
            let y = graph.node("layer", op, &inputs).unwrap();
            graph.outputs.push(y);
        };
        add(false);
        if lstm {
            add(true);
        }
        let sample = |r: &mut Random| {
            let data = floats(r, steps * features);
            vec![ArrayD::from_shape_vec(IxDyn(&[steps, 1, features]), data).unwrap()]
        };
        let samples = (0..12).map(|_| sample(r)).collect();
        Layer { graph, samples }
    }

    fn network(&self) -> Network {
        let graph = simplify::run(self.graph.clone()).unwrap();
        let network =
            quantise::run(&graph, &self.samples, &quantise::Options::default(), &Config::sized(9, 16))
                .unwrap();
        assert!(network.host.is_empty(), "{:?}", network.host);
        network
    }

    /// Integer reference = simulator; returns the decibels against float of the hidden states.
    fn check(&self, compiled: &Compiled) -> f64 {
        let (mut signal, mut noise) = (0.0, 0.0);
        for sample in &self.samples[..2] {
            let simulated = proof::simulate(compiled, sample).unwrap().outputs;
            let exact = compiled.network.run(sample, |_, graph, inputs| -> anyhow::Result<_> {
                let mut tensors = reference::run(graph, &inputs);
                Ok(graph.outputs.iter().map(|(t, _)| std::mem::take(&mut tensors[t.0 as usize])).collect())
            });
            assert_eq!(exact.unwrap(), simulated);
            let float = float::run(&self.graph, sample).unwrap();
            for (a, b) in float[0].iter().zip(&simulated[0]) {
                signal += f64::from(a * a);
                noise += f64::from((a - b) * (a - b));
            }
        }
        10.0 * log10(signal / noise)
    }
}

/// A machine on which most tensors leave the chip and come back, and weights do not stay.
fn tiny() -> Config {
    let mut config = Config::sized(5, 4);
    config.feature.page_rows = 64;
    config.feature.pages = 5;
    config.weight_words = 64;
    config.parameter_words = 32;
    config
}

#[test]
fn random_layers() {
    let mut r = Random::new(29);
    let machines = [Config::sized(9, 16), tiny()];
    let mut refused = 0;
    for case in 0..common::cases(16) {
        let cells = [
            Cell::Rnn,
            Cell::Lstm,
            Cell::Gru { linear_before_reset: false },
            Cell::Gru { linear_before_reset: true },
        ];
        let (cell, direction) = (cells[case as usize % 4], Direction::ALL[r.below(3)].0);
        let (hidden, steps, features) = (1 + r.below(20), 1 + r.below(9), 1 + r.below(24));
        let op = Recurrent { cell, direction, hidden, cell_state: false };
        let what = format!("{op:?}, {steps} steps, {features} features");
        let peepholes = r.once_in(2);
        let layer = Layer::new(&mut r, op, steps, features, peepholes);
        let network = layer.network();
        for config in &machines {
            let compiled = match Compiled::new(network.clone(), config) {
                // Too large for the tiny machine is an answer.
                Err(e) if e.to_string().contains("does not fit") && config.lanes < 9 => {
                    refused += 1;
                    continue;
                }
                compiled => compiled.unwrap(),
            };
            let decibels = layer.check(&compiled);
            assert!(decibels > 25.0, "{decibels:.1} dB: {what}");
        }
    }
    assert!(refused * 4 <= common::cases(16), "the tiny machine refuses {refused}");
}

/// Rounding alone is of the model's values: between the steps of a layer the model has none. Rounded there too, an LSTM
/// lost 5 dB and more, and machines that lost as much were taken for good.
#[test]
fn rounding_alone_takes_a_layer_for_one_operator() {
    for cell in [Cell::Rnn, Cell::Lstm, Cell::Gru { linear_before_reset: true }] {
        let op = Recurrent { cell, direction: Direction::Bidirectional, hidden: 6, cell_state: false };
        let layer = Layer::new(&mut Random::new(37), op, 8, 5, false);
        let unrolled = simplify::run(layer.graph.clone()).unwrap();
        let db = |graph: &Graph| {
            let (mut signal, mut noise) = (0.0, 0.0);
            for sample in &layer.samples {
                let float = float::run(graph, sample).unwrap();
                let [rounded, _] = quantise::rounded(graph, &layer.samples, sample).unwrap();
                for (a, b) in float[0].iter().zip(&rounded[0]) {
                    signal += f64::from(a * a);
                    noise += f64::from((a - b) * (a - b));
                }
            }
            10.0 * log10(signal / noise)
        };
        // Of the unrolled layer the weights are rounded as well.
        let (whole, steps) = (db(&layer.graph), db(&unrolled));
        assert!(steps > whole - 2.0, "{cell:?}: {steps:.1} dB, {whole:.1} dB of the layer as one operator");
    }
}

/// Weights, parameters and tables of all steps are the same bytes: each is in external memory, and
/// loaded, once.
#[test]
fn what_steps_share_is_loaded_once() {
    let op =
        Recurrent { cell: Cell::Lstm, direction: Direction::Bidirectional, hidden: 24, cell_state: false };
    let bytes = [8, 24].map(|steps| {
        let layer = Layer::new(&mut Random::new(31), op.clone(), steps, 20, false);
        let compiled = Compiled::new(layer.network(), &Config::sized(9, 16)).unwrap();
        layer.check(&compiled);
        let (_, schedule) = compiled.programs().next().unwrap();
        let loads = schedule.program.load.iter().map(|line| line.op);
        let constants: Vec<_> = loads.filter(|op| op.memory != LocalMemory::Feature).collect();
        let places: BTreeSet<usize> = constants.iter().map(|op| op.external).collect();
        assert_eq!(places.len(), constants.len(), "something is loaded twice");
        let weights = constants.iter().filter(|op| op.memory == LocalMemory::Weights);
        // One product with the input and two with the state in each direction.
        assert_eq!(weights.clone().count(), 6);
        weights.map(|op| op.line_bytes).sum::<usize>()
    });
    // Words of 16 columns, for each direction: 96 columns of 20 features, 72 and 24 of 24 elements.
    assert_eq!(bytes, [2 * 16 * (6 * 20 + (5 + 2) * 24); 2]);
}

/// The host of a text reader with an LSTM is left with its last function.
#[test]
fn products_of_a_real_model_run_on_the_machine() {
    let Some(folder) = common::shared_model("crnn_digits") else { return };
    let model = Model::read(&folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let network =
        quantise::run(&model.graph, &calibration, &quantise::Options::default(), &Config::sized(9, 16))
            .unwrap();
    let left: Vec<&str> = network.host.iter().map(|h| h.operator.as_str()).collect();
    assert_eq!(left, ["LogSoftmax"]);
}
