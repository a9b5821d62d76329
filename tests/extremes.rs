//! Windows, extents and channels at and far beyond what one field of an instruction says.
//!
//! Every case either runs, with simulator = integer reference and close to the float model, or is refused
//! by the name of its node. A value that silently loses bits on its way into an instruction would do
//! neither.

mod common;

use common::Random;
use ndarray::{ArrayD, IxDyn};
use std::path::{Path, PathBuf};
use tilewright::model::{self, Model};
use tilewright::pipeline::{self, Compiled};
use tilewright::proof;
use tilewright_arch::Config;
use tilewright_compiler::error::Error;
use tilewright_compiler::float::math;
use tilewright_compiler::graph::{Graph, Op, Window};
use tilewright_compiler::network::Network;
use tilewright_compiler::{npy, quantise, simplify};

/// Error of 8 bits, in dB, for sums of a few products of numbers that use their range.
const LEAST_DB: f64 = 30.0;

/// What is done over a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Dense,
    Depthwise,
    Max,
    Mean,
}

/// A node over a window along one axis; the other has one element.
#[derive(Clone, Copy, Debug)]
struct Case {
    kind: Kind,
    /// 2: rows, 3: columns.
    axis: usize,
    channels: [usize; 2],
    size: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    pad: usize,
}

const PLAIN: Case =
    Case { kind: Kind::Dense, axis: 3, channels: [2, 3], size: 0, kernel: 1, stride: 1, dilation: 1, pad: 0 };

impl Case {
    fn model(&self, random: &mut Random) -> Model {
        let [inputs, outputs] = self.channels;
        let mut shape = [1, inputs, 1, 1];
        shape[self.axis] = self.size;
        let mut graph = Graph::new("extreme");
        let x = graph.input("x", &shape).unwrap();
        let mut window = Window::UNIT;
        let at = self.axis - 2;
        (window.kernel[at], window.stride[at], window.dilation[at]) =
            (self.kernel, self.stride, self.dilation);
        (window.pads[at], window.pads[at + 2]) = (self.pad, self.pad);
        let groups = if self.kind == Kind::Depthwise { inputs } else { 1 };
        let y = match self.kind {
            Kind::Dense | Kind::Depthwise => {
                let outputs = if groups > 1 { inputs } else { outputs };
                let mut shape = [outputs, inputs / groups, 1, 1];
                shape[self.axis] = self.kernel;
                let weights = numbers(random, shape.iter().product());
                let weights = graph.constant("w", &shape, weights).unwrap();
                graph.node("node", Op::Conv { window, groups }, &[x, weights])
            }
            Kind::Max => graph.node("node", Op::MaxPool { window }, &[x]),
            Kind::Mean => graph.node("node", Op::AveragePool { window, count_include_pad: true }, &[x]),
        };
        graph.outputs.push(y.unwrap());
        let simplified = simplify::run(graph.clone()).unwrap();
        Model { path: PathBuf::new(), imported: graph, graph: simplified, warnings: vec![] }
    }

    /// Whether it ran; an error says what neither ran nor was refused as it should be.
    fn run(&self, config: &Config) -> Result<bool, String> {
        let mut random = Random::new(11);
        let model = self.model(&mut random);
        let mut shape = vec![1, self.channels[0], 1, 1];
        shape[self.axis] = self.size;
        let data = numbers(&mut random, shape.iter().product());
        let input = ArrayD::from_shape_vec(IxDyn(&shape), data).unwrap();
        let options = quantise::Options::default();
        let compiled = match pipeline::compile(&model, &[vec![input.clone()]], &options, config) {
            Ok(compiled) => compiled,
            Err(e) => {
                let named = e.downcast_ref::<Error>().is_some_and(|e| e.report().node.is_some());
                eprintln!("{self:?}: {e:#}");
                return if named { Ok(false) } else { Err(format!("refused without its node: {e:#}")) };
            }
        };
        compiled.check().map_err(|e| e.to_string())?;
        if compiled.programs().next().is_none() {
            return Err("the host runs it".into());
        }
        let (proof, _) =
            proof::verify(&model, &compiled, &[input], &Default::default()).map_err(|e| format!("{e:#}"))?;
        let good = proof.sqnr_db.is_none_or(|db| db >= LEAST_DB);
        if proof.holds() && good { Ok(true) } else { Err(format!("{proof:?}")) }
    }
}

fn numbers(random: &mut Random, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.within(-1000, 1000) as f32 / 1000.0).collect()
}

/// Runs cases, all of which must be right; returns those that are refused.
fn run(cases: Vec<Case>) -> Vec<Case> {
    let config = Config::sized(9, 16);
    let (mut refused, mut wrong) = (vec![], vec![]);
    for case in cases {
        match case.run(&config) {
            Ok(true) => {}
            Ok(false) => refused.push(case),
            Err(why) => wrong.push(format!("{case:?}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    refused
}

/// `make` for both axes and all kinds of windows.
fn everywhere(make: impl Fn(Case) -> Vec<Case>) -> Vec<Case> {
    let kinds = [Kind::Dense, Kind::Depthwise, Kind::Max, Kind::Mean];
    let all = kinds.into_iter().flat_map(|kind| [2, 3].map(|axis| Case { kind, axis, ..PLAIN }));
    all.flat_map(make).collect()
}

#[test]
fn strides_beyond_their_field() {
    let refused = run(everywhere(|plain| {
        let mut cases = vec![];
        for stride in [2, 63, 64, 65, 255, 256, 257, 300] {
            for (kernel, pad) in [(3, 0), (3, 1), (64, 50)] {
                cases.push(Case { size: 4 * stride + 80, kernel, stride, pad, ..plain });
            }
        }
        cases
    }));
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn kernels_dilations_and_pads() {
    let refused = run(everywhere(|plain| {
        let mut cases = vec![];
        for (kernel, dilation) in [(31, 1), (64, 1), (3, 64), (64, 7), (64, 64)] {
            let dilation = if plain.kind == Kind::Mean { 1 } else { dilation };
            let reach = dilation * (kernel - 1) + 1;
            cases.push(Case { size: reach + 20, kernel, dilation, ..plain });
            cases.push(Case { size: reach + 20, kernel, dilation, stride: 7, pad: kernel / 2, ..plain });
        }
        if matches!(plain.kind, Kind::Dense | Kind::Depthwise) {
            for stride in [1, 29, 100] {
                cases.push(Case { size: 200, kernel: 5, stride, pad: 300, ..plain });
            }
        }
        cases
    }));
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn long_axes() {
    let refused = run(everywhere(|plain| {
        let plain = Case { channels: [1, 1], ..plain };
        let sizes = [8191, 8192, 8193, 20_000, 70_000];
        let mut cases: Vec<Case> = sizes.map(|size| Case { size, kernel: 3, pad: 1, ..plain }).to_vec();
        cases.push(Case { size: 100_000, kernel: 5, stride: 257, pad: 2, ..plain });
        cases.push(Case { size: 100_000, kernel: 2, stride: 2, ..plain });
        cases
    }));
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn one_and_a_thousand_channels() {
    let mut cases = vec![];
    for channels in [[1, 1000], [1000, 1], [1000, 1000]] {
        cases.push(Case { channels, size: 5, ..PLAIN });
    }
    for channels in [[1, 1000], [1000, 1], [1000, 20]] {
        cases.push(Case { channels, size: 5, kernel: 3, pad: 1, ..PLAIN });
    }
    for kind in [Kind::Depthwise, Kind::Max, Kind::Mean] {
        cases.push(Case { kind, channels: [1000, 1000], size: 6, kernel: 3, pad: 1, ..PLAIN });
        // One pixel a channel, and channels beyond those of a line.
        cases.push(Case { kind, channels: [9000, 9000], size: 2, kernel: 2, ..PLAIN });
    }
    let refused = run(cases);
    assert!(refused.is_empty(), "{refused:?}");
}

/// A window of more elements than an instruction counts: its sums go on from one to the next.
#[test]
fn windows_beyond_the_counts_of_loops() {
    let case = Case { kind: Kind::Dense, channels: [1, 1], size: 70_000, kernel: 70_000, ..PLAIN };
    assert_eq!(run(vec![case]).len(), 0);
}

fn stored(name: &str) -> (Model, Compiled, f64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    let model = Model::read(&folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let config = Config::sized(9, 16);
    let compiled = pipeline::compile(&model, &calibration, &quantise::Options::default(), &config).unwrap();
    compiled.check().unwrap();
    let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    let (proof, simulated) = proof::verify(&model, &compiled, &input, &Default::default()).unwrap();
    assert!(proof.holds(), "{proof:?}");
    let wanted = npy::read_npy(&model.beside("output_0.npy")).unwrap().to_ndarray();
    let (mut signal, mut noise) = (0.0, 0.0);
    for (a, b) in wanted.iter().zip(&simulated.outputs[0]) {
        let (a, error) = (f64::from(*a), f64::from(a - b));
        signal += a * a;
        noise += error * error;
    }
    assert_eq!(wanted.len(), simulated.outputs[0].len());
    (model, compiled, 10.0 * math::log10(signal / noise))
}

/// Both were taken for strides of 257 and 256 less 256.
#[test]
fn strides_of_257_and_of_an_stft_are_not_cut_to_a_byte() {
    for name in ["wide-fields-s257", "wide-fields-stft"] {
        let (_, _, db) = stored(name);
        assert!(db >= LEAST_DB, "{name}: {db:.1} dB");
    }
}

/// A program that reads what nothing has written is a defect, told with the layer's name.
#[test]
fn a_wrong_program_is_a_defect_of_the_compiler() {
    let (_, mut compiled, _) = stored("wide-fields-s257");
    let schedule = compiled.schedules.iter_mut().flatten().next().unwrap();
    schedule.program.compute[0].op.input.walk.base += 100_000;
    let error = compiled.check().unwrap_err();
    assert!(error.downcast_ref::<Error>().is_some_and(|e| e.report().defect));
    let text = error.to_string();
    assert!(text.contains("Conv_0") && text.contains("defect of the compiler"), "{text}");
}

/// Weights that the board's chip does not hold are refused with the bytes of both.
#[test]
fn a_program_larger_than_the_chip_is_refused() {
    let config = tilewright::targets::resolve(Some("ulx3s-25f"), None, None).unwrap();
    let mut small = config.clone();
    let chip = small.memory.sdram.as_mut().unwrap();
    (chip.banks, chip.row_bits, chip.column_bits) = (2, 11, 8);
    small.validate().unwrap();
    let sized = |channels: usize, size: usize, config: &Config, calibrated: bool| {
        let case = Case { channels: [channels; 2], size, ..PLAIN };
        let model = case.model(&mut Random::new(3));
        let input = ArrayD::from_elem(IxDyn(&[1, channels, 1, size]), 0.5);
        let samples = if calibrated { vec![vec![input]] } else { vec![] };
        pipeline::compile(&model, &samples, &quantise::Options::default(), config)
    };
    let compile = |channels, config: &Config, calibrated| sized(channels, 1, config, calibrated);
    assert!(compile(1500, &config, true).is_ok());
    let refused = |channels: usize, calibrated: bool| {
        let text = format!("{:#}", compile(channels, &small, calibrated).err().unwrap());
        assert!(text.contains("the chip has 2097152") && text.contains("try: a smaller network"), "{text}");
        text
    };
    // With its parameters it is; that is known when there is a program.
    assert!(refused(1440, true).contains("the program needs"));
    // Where input and output alone are too large nothing is emitted, so it is not known how much more it would be.
    let text = format!("{:#}", sized(8, 160_000, &small, true).err().unwrap());
    assert!(text.contains("the program needs at least 25"), "{text}");
    // What is known of the weights is told before anything is looked at.
    assert!(refused(1500, false).contains("its weights take at least 2250000 bytes"));
}

/// 16 bits that the default chooses for quality are not taken where they do not fit; those that were asked for are.
#[test]
fn bits_that_do_not_fit_are_not_chosen() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/sum-cancels");
    let (model, config) = (Model::read(&folder).unwrap(), Config::sized(9, 16));
    let calibration = model.calibration(None).unwrap();
    let compile = |precision, error: fn() -> Error| {
        let quantise = |options: &quantise::Options| {
            pipeline::quantise(&model, &calibration, options, &config, &|_, _| ())
        };
        let schedule = |network: Network| match network.tensors.iter().any(|tensor| tensor.wide) {
            true => Err(error().into()),
            false => Compiled::new(network, &config),
        };
        pipeline::compile_by(
            &quantise::Options { precision, ..quantise::Options::default() },
            quantise,
            schedule,
        )
    };
    let large = || Error::new("schedule", "more than there is");
    let coarser = compile(quantise::Precision::Auto, large).unwrap().network.coarser.unwrap();
    assert_eq!(coarser.precision, quantise::Precision::Int8);
    assert!(
        coarser.why.contains("do not fit") && coarser.why.contains("more than there is"),
        "{}",
        coarser.why
    );
    assert_eq!(compile(quantise::Precision::Int8, large).unwrap().network.coarser, None);
    assert!(compile(quantise::Precision::Int16, large).is_err());
    // A defect is told, whatever else could be had.
    assert!(compile(quantise::Precision::Auto, || Error::defect("schedule", "wrong")).is_err());
}
