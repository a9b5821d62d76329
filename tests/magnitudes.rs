//! Weights from 2^-20 to 2^20, ranges of one sign, single values next to zero: chains of convolutions whose
//! numbers are not of the usual size, against what rounding to 8 bits costs them in float.

mod common;

use common::Random;
use ndarray::{ArrayD, IxDyn};
use std::path::PathBuf;
use tilewright::model::Model;
use tilewright::{assurance, pipeline, proof};
use tilewright_arch::Config;
use tilewright_arch::fixed::power_of_two;
use tilewright_compiler::error::Error;
use tilewright_compiler::float::math;
use tilewright_compiler::graph::{BinaryKind, Graph, Op, Window};
use tilewright_compiler::{quantise, simplify};

/// Signal to noise of 8 bits that is good enough, whatever rounding in float reaches.
const GOOD_DB: f64 = 30.0;
/// Decibels that integers may lose against rounding in float.
const LESS_DB: f64 = 1.0;
/// Chains that were worse than rounding in float before rounding alone was tried too.
const WENT_WRONG: [u64; 11] = [284, 466, 1166, 3390, 3409, 3594, 3836, 4263, 4873, 4882, 6352];
/// Rows and columns; pixels are not padded, so that every value is one of the inner ones.
const SIDE: usize = 16;

/// A 1x1 convolution and what follows it.
struct Layer {
    /// `[outputs][inputs]`.
    weights: Vec<Vec<f32>>,
    bias: Vec<f32>,
    relu: bool,
}

struct Chain {
    layers: Vec<Layer>,
    /// `[channels][pixels]`, one sample each.
    samples: Vec<Vec<Vec<f32>>>,
    /// So many of them calibrate.
    calibration: usize,
    /// From this one on they are run.
    first_run: usize,
    what: String,
}

/// Of the normal distribution (Box and Muller).
fn normal(random: &mut Random) -> f32 {
    let uniform = |random: &mut Random| random.within(1, 1 << 20) as f64 / f64::from(1 << 20);
    let radius = (-2.0 * math::log(uniform(random))).sqrt();
    (radius * math::cos(std::f64::consts::TAU * uniform(random))) as f32
}

fn number(random: &mut Random) -> f32 {
    random.within(-1000, 1000) as f32 / 1000.0
}

impl Chain {
    fn new(random: &mut Random) -> Chain {
        let channels: Vec<usize> = (0..random.within(2, 4)).map(|_| random.within(1, 8)).collect();
        let magnitude = random.within(0, 3);
        let exponent = |random: &mut Random| match magnitude {
            0 => -20,
            1 => 20,
            2 => random.within(-20, 20),
            _ => 0,
        };
        let tiny = random.within(0, 3) == 0;
        let layers = channels.windows(2).map(|pair| {
            let weights = (0..pair[1]).map(|_| {
                let scale = power_of_two(exponent(random)) as f32;
                let mut row: Vec<f32> = (0..pair[0]).map(|_| scale * number(random)).collect();
                if tiny {
                    row[0] = -1e-20;
                }
                row
            });
            let weights: Vec<Vec<f32>> = weights.collect();
            let bias = (0..pair[1]).map(|_| number(random)).collect();
            Layer { weights, bias, relu: random.within(0, 1) == 0 }
        });
        let layers: Vec<Layer> = layers.collect();
        let ranges =
            [(-1.0, 1.0), (0.0, 1.0), (0.5, 1.0), (-3.0, -1.0), (100.0, 101.0), (0.0, 1e-6), (0.0, 1e6)];
        let (low, high) = ranges[random.below(7)];
        let samples = (0..4).map(|_| {
            let pixel = |random: &mut Random| low + (high - low) * (number(random) + 1.0) / 2.0;
            let mut rows: Vec<Vec<f32>> =
                (0..channels[0]).map(|_| (0..SIDE * SIDE).map(|_| pixel(random)).collect()).collect();
            if tiny {
                rows[0][0] = -1e-20;
            }
            rows
        });
        let what = format!("channels {channels:?}, exponents of kind {magnitude}, inputs {low} to {high}");
        Chain { samples: samples.collect(), calibration: 4, first_run: 0, layers, what }
    }

    /// Three layers of the usual size; the samples that are run are like the others.
    fn usual(random: &mut Random) -> Chain {
        let channels = [4, random.within(8, 24), random.within(8, 24), random.within(1, 8)];
        let layers = channels.windows(2).enumerate().map(|(n, pair)| {
            let scale = 1.0 / (pair[0] as f32).sqrt();
            let weights = (0..pair[1]).map(|_| (0..pair[0]).map(|_| scale * normal(random)).collect());
            let weights = weights.collect();
            Layer { weights, bias: (0..pair[1]).map(|_| 0.1 * normal(random)).collect(), relu: n < 2 }
        });
        let layers: Vec<Layer> = layers.collect();
        let row = |random: &mut Random| (0..SIDE * SIDE).map(|_| normal(random)).collect::<Vec<f32>>();
        let samples = (0..28).map(|_| (0..4).map(|_| row(random)).collect()).collect();
        let what = format!("channels {channels:?}");
        Chain { layers, samples, calibration: 24, first_run: 24, what }
    }

    fn model(&self) -> Model {
        let channels = self.samples[0].len();
        let mut graph = Graph::new("chain");
        let mut x = graph.input("x", &[1, channels, SIDE, SIDE]).unwrap();
        for (n, layer) in self.layers.iter().enumerate() {
            let (outputs, inputs) = (layer.weights.len(), layer.weights[0].len());
            let w = graph.constant("w", &[outputs, inputs, 1, 1], layer.weights.concat()).unwrap();
            let b = graph.constant("b", &[outputs], layer.bias.clone()).unwrap();
            let op = Op::Conv { window: Window::UNIT, groups: 1 };
            x = graph.node(format!("conv{n}"), op, &[x, w, b]).unwrap();
            if layer.relu {
                x = graph.node(format!("relu{n}"), Op::Relu, &[x]).unwrap();
            }
        }
        graph.outputs.push(x);
        let simplified = simplify::run(graph.clone()).unwrap();
        Model { path: PathBuf::new(), imported: graph, graph: simplified, warnings: vec![] }
    }

    /// What the chain makes of a sample when values of each layer, and the sample, become what `round` says.
    fn run(&self, sample: usize, weights: &dyn Fn(&[f32]) -> Vec<f64>, round: Rounding) -> Vec<Vec<f64>> {
        let real = |rows: &Vec<Vec<f32>>| -> Vec<Vec<f64>> {
            rows.iter().map(|row| row.iter().map(|x| f64::from(*x)).collect()).collect()
        };
        let mut x = round(0, real(&self.samples[sample]));
        for (n, layer) in self.layers.iter().enumerate() {
            let row = |(w, b): (&Vec<f32>, &f32)| -> Vec<f64> {
                let w = weights(w);
                let pixel = |p: usize| w.iter().zip(&x).map(|(w, x)| w * x[p]).sum::<f64>() + f64::from(*b);
                let relu = |x: f64| if layer.relu { x.max(0.0) } else { x };
                (0..SIDE * SIDE).map(|p| relu(pixel(p))).collect()
            };
            x = round(n + 1, layer.weights.iter().zip(&layer.bias).map(row).collect());
        }
        x
    }

    /// Signal to noise of what is run, together, when weights are rounded to 8 bits by channel and values to 8
    /// bits by tensor, from the least to the largest of calibration.
    fn rounded_in_float(&self) -> f64 {
        let mut ranges = vec![(0.0f64, 0.0f64); self.layers.len() + 1];
        for sample in 0..self.calibration {
            self.run(sample, &exact, &mut |n, x| {
                let range = &mut ranges[n];
                x.iter().flatten().for_each(|x| *range = (range.0.min(*x), range.1.max(*x)));
                x
            });
        }
        let rounded = |w: &[f32]| {
            let step = w.iter().fold(0.0f64, |most, w| most.max(f64::from(w.abs()))) / 127.0;
            w.iter().map(|w| if step > 0.0 { (f64::from(*w) / step).round() * step } else { 0.0 }).collect()
        };
        let (mut signal, mut noise) = (0.0, 0.0);
        for sample in self.first_run..self.samples.len() {
            let got = self.run(sample, &rounded, &mut |n, x| {
                let (low, high) = ranges[n];
                let step = ((high - low) / 255.0).max(f64::MIN_POSITIVE);
                let zero = (-low / step).round();
                let round = |x: &f64| ((x / step).round() + zero).clamp(0.0, 255.0) - zero;
                x.iter().map(|row| row.iter().map(|x| round(x) * step).collect()).collect()
            });
            let want = self.run(sample, &exact, &mut |_, x| x).concat();
            let [s, n] = powers(want.into_iter().zip(got.concat()));
            (signal, noise) = (signal + s, noise + n);
        }
        decibels(signal, noise)
    }
}

/// Weights as they are.
fn exact(weights: &[f32]) -> Vec<f64> {
    weights.iter().map(|w| f64::from(*w)).collect()
}

type Rounding<'a> = &'a mut dyn FnMut(usize, Vec<Vec<f64>>) -> Vec<Vec<f64>>;

/// Signal and noise of what is wanted and what came.
fn powers(pairs: impl Iterator<Item = (f64, f64)>) -> [f64; 2] {
    pairs.fold([0.0; 2], |[signal, noise], (want, got)| {
        [signal + want * want, noise + (want - got) * (want - got)]
    })
}

fn decibels(signal: f64, noise: f64) -> f64 {
    10.0 * math::log10(signal / noise)
}

#[derive(PartialEq)]
enum Verdict {
    /// As good as rounding in float.
    Good,
    /// Less than that, with a warning that names the output.
    Warned,
    /// By node.
    Refused,
}

fn check(chain: &Chain, precision: quantise::Precision) -> Result<Verdict, String> {
    let model = chain.model();
    let sample = |rows: &Vec<Vec<f32>>| {
        let shape = IxDyn(&[1, rows.len(), SIDE, SIDE]);
        vec![ArrayD::from_shape_vec(shape, rows.concat()).unwrap()]
    };
    let samples: Vec<_> = chain.samples.iter().map(sample).collect();
    let options = quantise::Options { precision, ..Default::default() };
    let compiled =
        match pipeline::compile(&model, &samples[..chain.calibration], &options, &Config::sized(4, 4)) {
            Ok(compiled) => compiled,
            Err(e) => {
                let named = e.downcast_ref::<Error>().is_some_and(|e| e.report().node.is_some());
                return if named {
                    Ok(Verdict::Refused)
                } else {
                    Err(format!("refused without its node: {e:#}"))
                };
            }
        };
    compiled.check().map_err(|e| e.to_string())?;
    let (mut signal, mut noise, mut warned) = (0.0, 0.0, false);
    for (n, sample) in samples.iter().enumerate().skip(chain.first_run) {
        let (proof, simulated) =
            proof::verify(&model, &compiled, sample, &Default::default()).map_err(|e| format!("{e:#}"))?;
        if !proof.holds() {
            return Err(format!("{:?}", proof.assurance));
        }
        warned |= proof.assurance.iter().flat_map(|a| &a.warnings).any(|w| w.starts_with("output"));
        let want = chain.run(n, &exact, &mut |_, x| x).concat();
        let [s, n] = powers(want.into_iter().zip(simulated.outputs[0].iter().map(|y| f64::from(*y))));
        (signal, noise) = (signal + s, noise + n);
    }
    let (db, least) = (decibels(signal, noise), GOOD_DB.min(chain.rounded_in_float() - LESS_DB));
    match signal == 0.0 || db >= least {
        true => Ok(Verdict::Good),
        false if warned => Ok(Verdict::Warned),
        false => Err(format!("{db:.1} dB, rounding in float has {least:.1}")),
    }
}

/// Channels that all fill a range leave it more often than one that fills it alone: runs are good enough, and
/// the few that are not say that values lie beyond those of calibration.
#[test]
fn samples_that_calibration_did_not_see_run_as_well_as_rounding_lets_them() {
    let mut random = Random::new(11);
    let count = common::cases(200);
    let (mut warned, mut wrong) = (0u32, vec![]);
    for _ in 0..count {
        let chain = Chain::usual(&mut random);
        match check(&chain, quantise::Precision::default()) {
            Ok(verdict) => warned += u32::from(verdict != Verdict::Good),
            Err(why) => wrong.push(format!("{}: {why}", chain.what)),
        }
    }
    println!("{count} chains, {warned} warned of");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(20 * warned <= count, "{warned} of {count} are warned of");
}

#[test]
fn numbers_of_every_size_run_as_well_as_rounding_lets_them() {
    let (mut refused, mut warned, mut wrong) = (0, 0, vec![]);
    let count = common::cases(200);
    let usual = (0..u64::from(count)).chain(WENT_WRONG).map(|seed| (seed, quantise::Precision::default()));
    // Without 16 bits to make up for a refinement that is none.
    let narrow = WENT_WRONG.into_iter().map(|seed| (seed, quantise::Precision::Int8));
    for (seed, precision) in usual.chain(narrow) {
        let chain = Chain::new(&mut Random::new(seed));
        match check(&chain, precision) {
            Ok(Verdict::Refused) => refused += 1,
            Ok(Verdict::Warned) => warned += 1,
            Ok(Verdict::Good) => {}
            Err(why) => wrong.push(format!("seed {seed}, {}: {why}", chain.what)),
        }
    }
    println!("{count} chains, {refused} refused by node, {warned} warned of");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(20 * refused <= count, "{refused} of {count} are refused");
}

/// A product whose first sample is a large number times a small one, and the other samples small numbers, of which 8
/// bits leave little, times a large one: the first alone says nothing.
#[test]
fn outputs_that_drown_on_the_later_samples_are_named() {
    let mut graph = Graph::new("product");
    let a = graph.input("a", &[1, 2, 8, 8]).unwrap();
    let b = graph.input("b", &[1, 2, 8, 8]).unwrap();
    let y = graph.node("y", Op::Binary { kind: BinaryKind::Mul }, &[a, b]).unwrap();
    graph.outputs.push(y);
    let mut random = Random::new(3);
    let mut sample = |[size, factor]: [f32; 2]| {
        let array = |data| ArrayD::from_shape_vec(IxDyn(&[1, 2, 8, 8]), data).unwrap();
        vec![array((0..128).map(|_| size * number(&mut random)).collect()), array(vec![factor; 128])]
    };
    let samples: Vec<_> =
        [[100.0, 10.0], [1.0, 255.0], [1.0, 255.0], [1.0, 255.0]].into_iter().map(&mut sample).collect();
    let model = Model { path: PathBuf::new(), imported: graph.clone(), graph, warnings: vec![] };
    let options = quantise::Options { precision: quantise::Precision::Int8, ..Default::default() };
    let network = pipeline::compile(&model, &samples, &options, &Config::sized(4, 4)).unwrap().network;
    let float = tilewright_compiler::float::run(&model.graph, &samples[0]).unwrap();
    let mut warnings = assurance::assure(&model, &network, &samples[0], &float, &[]).unwrap().warnings;
    assert!(warnings.is_empty(), "{warnings:?}");
    let names = assurance::output_names(&model.graph);
    assurance::add_calibrated(&mut warnings, &names, &network);
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    let named = format!("output {:?} is predicted, over several calibration samples, at", names[0]);
    assert!(warning.starts_with(&named), "{warning}");
}
