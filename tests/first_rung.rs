//! The first rung on real networks: every operation of the machine against the source's operators, at every
//! precision; corrections of biases estimated again; noise predicted as it is then measured.
//!
//! `cargo test --release --test first_rung -- --include-ignored --nocapture` takes every model beside the
//! repository: some minutes.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use tilewright::assurance::{Assurance, assure};
use tilewright::model::{self, Model};
use tilewright_arch::Config;
use tilewright_compiler::float;
use tilewright_compiler::graph::Source;
use tilewright_compiler::network::{Network, Raised, Stage};
use tilewright_compiler::proof::{Groups, LEAST_CHANNEL_DB, Quality, check, corrections};
use tilewright_compiler::quantise::{self, Precision};

const PRECISIONS: [Precision; 5] =
    [Precision::Int8, Precision::Auto, Precision::Mixed, Precision::Int16, Precision::Int16x16];

/// Decibels by which noise may be predicted too low or too high.
const PREDICTED_DB: f64 = 3.0;

/// Quantises a model and holds it against its source; prints how tight that is. The number of its outputs
/// and of those whose noise is predicted.
fn checked(folder: &Path, precision: Precision) -> (usize, usize) {
    let model = Model::read(folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let options = quantise::Options { precision, ..quantise::Options::default() };
    let network = quantise::run(&model.graph, &calibration, &options, &Config::sized(9, 16)).unwrap();
    let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    let want = float::run(&model.imported, &input).unwrap();
    let assurance = assure(&model, &network, &input, &want, &[]).unwrap();
    let place = format!("{} {precision:?}", folder.display());
    if let Some(finding) = assurance.first_rung.findings.first() {
        panic!("{place}: {finding}");
    }
    assert_eq!(assurance.rewrites, [], "{place}");
    if model.graph.macs() * network.claims.corrected as u64 <= 500_000_000 {
        let findings = corrections(&network, &calibration).unwrap();
        assert!(findings.is_empty(), "{place}: {}", findings[0]);
    }
    print(&place, &assurance);
    predicted(&network, &assurance, &input, &want)
}

/// How tight the bounds are, by operators.
fn print(place: &str, assurance: &Assurance) {
    let layers = &assurance.first_rung.layers;
    let largest = layers.iter().fold(0.0f64, |most, l| most.max(l.largest));
    let mut medians: Vec<f64> = layers.iter().map(|l| l.median).collect();
    medians.sort_by(f64::total_cmp);
    let sum =
        |count: fn(&tilewright_compiler::proof::Layer) -> usize| layers.iter().map(count).sum::<usize>();
    println!(
        "{place}: {} elements in {} layers, error at most {largest:.3} of its interval, median {:.3}; {} saturated, {} \
         clipped before a table, {} unproved, {} weights clipped",
        assurance.first_rung.elements(),
        layers.len(),
        medians[medians.len() / 2],
        sum(|l| l.saturated),
        sum(|l| l.clipped),
        sum(|l| l.unproved),
        sum(|l| l.clipped_weights),
    );
}

fn predicted(
    network: &Network,
    assurance: &Assurance,
    input: &[ndarray::ArrayD<f32>],
    want: &[ndarray::ArrayD<f32>],
) -> (usize, usize) {
    let got = network.predict(input).unwrap();
    let measured =
        want.iter().zip(&got).map(|(want, got)| Quality::of(want, got, &Groups::default()).sqnr_db);
    let pairs = assurance.predicted.iter().map(|q| q.sqnr_db).zip(measured);
    let near = |pair: &(Option<f64>, Option<f64>)| match pair {
        (Some(p), Some(m)) => p == m || (p - m).abs() <= PREDICTED_DB,
        (p, m) => p == m,
    };
    let pairs: Vec<_> = pairs.inspect(|pair| println!("  predicted, measured: {pair:?}")).collect();
    (pairs.len(), pairs.iter().filter(|pair| near(pair)).count())
}

fn all(folders: impl Iterator<Item = std::path::PathBuf>) {
    let (mut outputs, mut near) = (0, 0);
    for folder in folders {
        for precision in PRECISIONS {
            let (count, right) = checked(&folder, precision);
            (outputs, near) = (outputs + count, near + right);
        }
    }
    println!("noise of {near} of {outputs} outputs predicted to {PREDICTED_DB} dB");
    assert!(10 * near >= 9 * outputs, "{near} of {outputs}");
}

#[test]
fn own_models_at_every_precision() {
    let names = ["lenet_mnist", "resnet_mnist", "mobilenetv2_mnist", "vit_mnist", "ctc_digits", "espcn_x2"];
    all(names.into_iter().map(common::model));
}

/// Every network of `tests/cases` that is not there to be refused.
#[test]
fn small_cases_at_every_precision() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<_> = std::fs::read_dir(cases).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for folder in folders {
        for precision in PRECISIONS {
            let Ok(model) = Model::read(&folder) else { continue };
            let Ok(calibration) = model.calibration(None) else { continue };
            let options = quantise::Options { precision, ..quantise::Options::default() };
            let Ok(network) = quantise::run(&model.graph, &calibration, &options, &Config::sized(9, 16))
            else {
                continue;
            };
            let Ok(mut inputs) = model::samples(&model.graph, &model.beside("input_0.npy")) else { continue };
            let found = check(&network, &inputs.remove(0)).unwrap().findings;
            wrong.extend(found.first().map(|found| format!("{}, {precision:?}: {found}", folder.display())));
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "{count} were checked");
}

/// `cargo test --release --test first_rung zoo -- --ignored --nocapture`, or `./run-tests --long`.
#[test]
#[ignore = "some minutes in release mode; ./run-tests --long runs it"]
fn the_zoo_at_every_precision() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: the shared models are not beside the repository");
        return;
    };
    let mut folders: Vec<_> =
        entries.map(|e| e.unwrap().path()).filter(|p| p.join("model.onnx").exists()).collect();
    folders.sort();
    all(folders.into_iter());
}

/// On the samples that ranges were chosen by, as many elements stand for what lies beyond their range as float
/// values lie there: what comes before a layer is rounded, which moves a few across the end.
#[test]
fn clipping_is_what_the_samples_announce() {
    const SHARE: f64 = 0.005;
    for name in ["resnet_mnist", "espcn_x2", "vit_mnist", "ctc_digits"] {
        let model = Model::read(&common::model(name)).unwrap();
        let calibration = model.calibration(None).unwrap();
        let options = quantise::Options { precision: Precision::Int8, ..quantise::Options::default() };
        let (network, announced) =
            quantise::run_reported(&model.graph, &calibration, &options, &Config::sized(9, 16)).unwrap();
        // As many as the report looks at.
        let mut counts = BTreeMap::<String, [usize; 2]>::new();
        for sample in &calibration[..4] {
            for layer in check(&network, sample).unwrap().layers {
                let count = counts.entry(layer.name).or_default();
                *count = [count[0] + layer.saturated, count[1] + layer.elements];
            }
        }
        let (mut compared, mut clipped) = (0, 0);
        for layer in &announced {
            let size = 4 * layer.shape.iter().product::<usize>();
            let Some([saturated, _]) = counts.get(&layer.name).filter(|[_, all]| *all == size) else {
                continue;
            };
            let share = *saturated as f64 / size as f64;
            compared += 1;
            clipped += usize::from(layer.saturated > 0.0);
            let (wanted, place) = (layer.saturated, &layer.name);
            assert!((share - wanted).abs() <= SHARE, "{name}, {place}: {share}, announced {wanted}");
        }
        println!("{name}: {compared} of {} layers compared, {clipped} of them clip", announced.len());
        assert!(2 * compared > announced.len() && clipped > 0, "{compared} of {}", announced.len());
    }
}

/// A bias that was corrected by another mean than its own, which no element shows: calibration does.
#[test]
fn corrections_are_held_against_calibration() {
    let model = Model::read(&common::model("lenet_mnist")).unwrap();
    let calibration = model.calibration(None).unwrap();
    let options = quantise::Options { precision: Precision::Int8, ..quantise::Options::default() };
    let mut network = quantise::run(&model.graph, &calibration, &options, &Config::sized(9, 16)).unwrap();
    let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    let want = float::run(&model.imported, &input).unwrap();
    let holds = |network: &Network, calibration: &[Vec<ndarray::ArrayD<f32>>]| {
        assure(&model, network, &input, &want, calibration).unwrap().holds()
    };
    assert!(holds(&network, &calibration));
    let part = &mut network.claims.operations[0].parts[0];
    part.rounded.as_mut().unwrap().corrections[0] += 100;
    let Stage::Machine { graph, .. } = &mut network.stages[part.stage] else { panic!("a host's part") };
    graph.nodes[part.node].channels[0].bias -= 100;
    assert!(holds(&network, &[]) && !holds(&network, &calibration));
}

/// Integers of another network than the source, which nobody sees who compares them with the equalised graph.
#[test]
fn the_equalised_graph_is_held_against_the_source() {
    let mut model = Model::read(&common::model("lenet_mnist")).unwrap();
    let calibration = model.calibration(None).unwrap();
    let network =
        quantise::run(&model.graph, &calibration, &quantise::Options::default(), &Config::sized(9, 16))
            .unwrap();
    let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    let found = |model: &Model| {
        let want = float::run(&model.graph, &input).unwrap();
        assure(model, &network, &input, &want, &[]).unwrap().first_rung.findings
    };
    assert_eq!(found(&model), []);
    let weights = model.graph.nodes[0].inputs[1];
    let Source::Constant(weights) = &mut model.graph.values[weights.0 as usize].source else {
        panic!("made")
    };
    weights[0] += 0.1;
    model.imported = model.graph.clone();
    assert!(found(&model)[0].to_string().contains("equalisation: weight 0 of channel 0"));
}

/// Scores that share a tensor with coordinates lie below its step: 43 dB of the whole say nothing of them.
#[test]
fn scores_that_drown_beside_coordinates_are_warned_of() {
    let (assurance, raised) = drowning(Precision::Int8);
    assert!(assurance.predicted[0].sqnr_db.unwrap() > 40.0);
    let warned = |part: &str| assurance.warnings.iter().any(|w| w.contains(part));
    assert!(warned("output \"y\", index 4 of axis 1"), "{:?}", assurance.warnings);
    assert_eq!(raised, None);
}

/// Along any axis and on few elements: 40 dB of the whole say nothing of what was joined to larger numbers.
#[test]
fn parts_that_drown_beside_others_are_warned_of_or_get_16_bits() {
    for case in ["joined-in-a-line", "joined-rows", "joined-batches"] {
        let (assurance, raised) = told(case, "input_0.npy", Precision::Int8);
        assert!(assurance.predicted[0].sqnr_db.unwrap() > 20.0, "{case}");
        let warned = assurance.warnings.iter().any(|w| w.starts_with("output \"y\", part \"b\""));
        assert!(warned && raised.is_none(), "{case}: {:?}", assurance.warnings);
        let (assurance, raised) = told(case, "input_0.npy", Precision::Auto);
        let worst_db = |quality: &Quality| quality.worst_part().unwrap().1;
        let raised = raised.unwrap();
        assert!(
            worst_db(&raised.before) < LEAST_CHANNEL_DB && worst_db(&raised.after) >= LEAST_CHANNEL_DB,
            "{case}"
        );
        assert!(worst_db(&assurance.predicted[0]) >= LEAST_CHANNEL_DB, "{case}");
    }
    // A table has bytes, whatever is chosen.
    let (assurance, _) = told("joined-probabilities", "input_0.npy", Precision::Auto);
    let warned = assurance.warnings.iter().any(|w| w.starts_with("output \"y\", part \"sg\""));
    assert!(warned, "{:?}", assurance.warnings);
}

/// By default they get 16 bits, whatever that costs, and the user is told.
#[test]
fn scores_that_would_drown_get_16_bits() {
    let (assurance, raised) = drowning(Precision::Auto);
    let raised = raised.unwrap();
    assert_eq!(raised.output, "y");
    let worst_db = |quality: &Quality| quality.worst.as_ref().unwrap().sqnr_db;
    assert!(worst_db(&raised.before) < LEAST_CHANNEL_DB, "{raised:?}");
    assert!(worst_db(&raised.after) >= LEAST_CHANNEL_DB, "{raised:?}");
    assert_eq!(assurance.warnings, [""; 0]);
}

/// What is said of `yolo-boxes-scores-concat`, nothing of which contradicts its source.
fn drowning(precision: Precision) -> (Assurance, Option<Raised>) {
    told("yolo-boxes-scores-concat", "input_0.npz", precision)
}

/// What is said of a case on its input.
fn told(case: &str, input: &str, precision: Precision) -> (Assurance, Option<Raised>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
    let model = Model::read(&folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let options = quantise::Options { precision, ..quantise::Options::default() };
    let network = quantise::run(&model.graph, &calibration, &options, &Config::sized(9, 16)).unwrap();
    let input = model::samples(&model.graph, &model.beside(input)).unwrap().remove(0);
    let want = float::run(&model.imported, &input).unwrap();
    let assurance = assure(&model, &network, &input, &want, &calibration).unwrap();
    assert!(assurance.holds(), "{:?}", assurance.first_rung.findings);
    (assurance, network.raised)
}
