//! Suites as users keep them: what is recorded stays, and each kind of check finds what only it can find.

mod common;

use common::{folder, model, text};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tilewright::artefact::Artefact;
use tilewright::suite::{self, Case, Checks, Exact, GoldenFolder, Suite, Verdict};
use tilewright_compiler::graph::Source;
use tilewright_compiler::npy;

fn tilewright(args: &[&str]) -> Output {
    // Blessing is refused in continuous integration; these are not its recordings.
    Command::new(env!("CARGO_BIN_EXE_tilewright")).args(args).env_remove("CI").output().unwrap()
}

/// An artefact of a digit's reader, in a folder of its own.
fn artefact(name: &str, network: &str) -> (PathBuf, PathBuf) {
    let folder = folder(name);
    let net = folder.join("net");
    let (model, out) = (model(network).display().to_string(), net.display().to_string());
    let done = tilewright(&["compile", &model, "--array", "4x4", "-o", &out]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    (folder, net)
}

fn case(model: &Path, check: Checks) -> Case {
    Case { name: "one".into(), model: model.to_path_buf(), samples: 1, check, ..Case::default() }
}

/// The checks of a case that fail, and how; all others pass.
fn failing(case: &Case, folder: &Path) -> Vec<(String, String)> {
    let store = GoldenFolder::open(&folder.join("suite.toml")).unwrap();
    let (outcome, _) = suite::run(case, folder, &store, false);
    let failed = |(name, verdict): (String, Verdict)| match verdict {
        Verdict::Passed => None,
        Verdict::Failed(why) | Verdict::Skipped(why) => Some((name, why)),
    };
    outcome.checks.into_iter().filter_map(failed).collect()
}

/// Exactly one check fails, and says `part`.
fn only(failed: &[(String, String)], name: &str, part: &str) {
    let [(check, why)] = failed else { panic!("{name}: {failed:?}") };
    assert!(check == name && why.contains(part), "{check}: {why}");
}

#[test]
fn limits_are_kept() {
    let (folder, net) = artefact("suite-limits", "vit_mnist");
    let of = |check: Checks| failing(&case(&net, check), &folder);
    let none = Checks::default;
    assert!(of(none()).is_empty());
    only(&of(Checks { min_sqnr: Some(90.0), ..none() }), "min_sqnr", "90 are asked for");
    only(&of(Checks { max_error: Some(1e-6), ..none() }), "max_error", "is allowed");
    only(&of(Checks { max_cycles: Some(1000), ..none() }), "max_cycles", "1000 are allowed");
    only(&of(Checks { max_bytes: Some(1000), ..none() }), "max_bytes", "1000 are allowed");
    let host = Some(vec!["LayerNormalization".to_owned(), "ReduceMean".into(), "Reshape".into()]);
    only(&of(Checks { host, ..none() }), "host", "Softmax is left to the host");
    only(&of(Checks { min_metric: Some(1.0), ..none() }), "min_metric", "no eval.npz");
    let kept = Checks {
        min_sqnr: Some(20.0),
        max_error: Some(10.0),
        max_cycles: Some(1_000_000),
        max_bytes: Some(1_000_000),
        ..none()
    };
    assert!(of(kept).is_empty());
    let lenet = Case { array: Some("4x4".into()), ..case(&model("lenet_mnist"), none()) };
    let metric = |least: f64| {
        let check = Checks { min_metric: Some(least), ..none() };
        failing(&Case { check, ..lenet.clone() }, &folder)
    };
    assert!(metric(97.0).is_empty());
    only(&metric(99.9), "min_metric", "99.9 are asked for");
}

/// Each step of the ladder has its own check.
#[test]
fn the_ladder_is_walked() {
    let (folder, net) = artefact("suite-ladder", "lenet_mnist");
    // Another source than the one that was quantised.
    let mut other = Artefact::read(&net).unwrap();
    let claimed = &mut other.compiled.network.claims.graph.values;
    let weights = claimed.iter_mut().find_map(|value| match &mut value.source {
        Source::Constant(data) if value.shape.len() == 4 => Some(data),
        _ => None,
    });
    weights.unwrap()[0] += 1.0;
    other.write(&folder.join("source"), false).unwrap();
    only(&failing(&case(&folder.join("source"), Checks::default()), &folder), "first_rung", "sample 0");
    // Another program than the integers say.
    let mut other = Artefact::read(&net).unwrap();
    let program = &mut other.compiled.schedules[0].as_mut().unwrap().program;
    let (_, last) = program.data.last_mut().unwrap();
    last.iter_mut().for_each(|byte| *byte ^= 1);
    other.write(&folder.join("program"), false).unwrap();
    only(&failing(&case(&folder.join("program"), Checks::default()), &folder), "simulator", "bytes");
}

/// The root of a negative number is none in float and a byte on the machine; every other check passes.
#[test]
fn what_is_finite_on_one_side_alone_fails() {
    let root = |name: &str| PathBuf::from(common::case("verify-nan-exact")).join(name);
    let case = Case {
        calib: Some(root("calib_positive.npz")),
        input: Some(root("input_with_negatives.npy")),
        array: Some("4x4".into()),
        ..case(&root("sqrt.onnx"), Checks::default())
    };
    only(&failing(&case, &folder("suite-finite")), "finite", "are not finite in the float reference");
}

/// Verilog that makes another byte, or takes other cycles: a stand-in for the built model starts the true one, and changes
/// a byte of its memory, or gives it a slower one.
#[cfg(unix)]
#[test]
fn other_verilog_is_found() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, net) = artefact("suite-verilog", "lenet_mnist");
    let check = Checks { verilog: true, ..Checks::default() };
    let path = folder.join("suite.toml");
    let suite = Suite { schema: suite::SCHEMA, cases: vec![case(&net, check)] };
    std::fs::write(&path, toml::to_string(&suite).unwrap()).unwrap();
    let built = common::built(&tilewright_arch::Config::sized(4, 4));
    let model = built.folder().join("model/model").canonicalize().unwrap();
    let model = model.display();
    let cache = folder.join("cache");
    let stand_in = cache.join(built.folder().file_name().unwrap()).join("model/model");
    std::fs::create_dir_all(stand_in.parent().unwrap()).unwrap();
    let faults = [
        (format!("{model} \"$@\""), None),
        (
            format!("{model} \"$@\" && printf x | dd of=\"$2\" bs=1 seek=100 conv=notrunc 2>/dev/null"),
            Some("differ in 1 bytes"),
        ),
        (
            format!("a=$1 b=$2 c=$3 d=$4; shift 4; exec {model} $a $b $c $((d + 1)) \"$@\""),
            Some("cycles, the simulator"),
        ),
    ];
    for (body, fault) in faults {
        std::fs::write(&stand_in, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&stand_in, PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tilewright"));
        command.arg("test").arg(&path).arg("--json").env("TILEWRIGHT_CACHE", &cache);
        let output = command.output().unwrap();
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let failed = |check: &&serde_json::Value| check[1]["verdict"] != "passed";
        let failed: Vec<_> = object["cases"][0]["checks"].as_array().unwrap().iter().filter(failed).collect();
        match (fault, &failed[..]) {
            (None, []) => assert!(output.status.success()),
            (Some(part), [check]) => {
                assert!(check[0] == "verilog" && check[1]["why"].as_str().unwrap().contains(part), "{check}");
                assert_eq!(output.status.code(), Some(3));
            }
            _ => panic!("{fault:?}: {failed:?}"),
        }
    }
}

/// Parts of a suite are disjoint and all of it, in the order of the file however many cases run at a time; what cannot be
/// run fails.
#[test]
fn parts_make_up_the_suite() {
    let (folder, net) = artefact("suite-parts", "lenet_mnist");
    let named = |name: &str, model: &Path| Case { name: name.into(), ..case(model, Checks::default()) };
    let cases = vec![named("a", &net), named("b", Path::new("nothing")), named("c", &net), named("d", &net)];
    let path = folder.join("suite.toml");
    std::fs::write(&path, toml::to_string(&Suite { schema: suite::SCHEMA, cases }).unwrap()).unwrap();
    let run = |more: &[&str]| -> Vec<(String, bool)> {
        let output = tilewright(&[&["test", path.to_str().unwrap(), "--json"], more].concat());
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let told = |case: &serde_json::Value| {
            let runs = case["checks"][0][0] != "run";
            (case["name"].as_str().unwrap().to_owned(), runs)
        };
        let told: Vec<_> = object["cases"].as_array().unwrap().iter().map(told).collect();
        assert_eq!(output.status.code(), Some(if told.iter().all(|(_, runs)| *runs) { 0 } else { 3 }));
        told
    };
    let told =
        |list: &[(&str, bool)]| list.iter().map(|(name, runs)| (name.to_string(), *runs)).collect::<Vec<_>>();
    let all = told(&[("a", true), ("b", false), ("c", true), ("d", true)]);
    for jobs in ["1", "3"] {
        assert_eq!(run(&["--jobs", jobs]), all);
    }
    assert_eq!(run(&["--shard", "1/2"]), told(&[("a", true), ("c", true)]));
    assert_eq!(run(&["--shard", "2/2"]), told(&[("b", false), ("d", true)]));
}

/// Suite, networks and machines can be moved together: the suite names all of them as its own folder sees them, wherever it
/// is run.
#[test]
fn paths_lead_from_the_suite() {
    let (work, _) = artefact("suite-paths", "lenet_mnist");
    let (from, to) = (work.join("from"), work.join("to"));
    let board = from.join("boards/mine");
    std::fs::create_dir_all(&board).unwrap();
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("constraints/ulx3s-25f");
    for file in ["board.toml", "machine.toml"] {
        std::fs::copy(known.join(file), board.join(file)).unwrap();
    }
    std::fs::create_dir_all(from.join("nets/lenet")).unwrap();
    for file in ["model.onnx", "calib.npz", "input_0.npy"] {
        std::fs::copy(model("lenet_mnist").join(file), from.join("nets/lenet").join(file)).unwrap();
    }
    let within = |folder: &Path, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tilewright"));
        let done = command.args(args).current_dir(folder).env_remove("CI").output().unwrap();
        assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    };
    // Also a folder that is not there yet; it would be found out after the work.
    let suite = "tests/numbers/suite.toml";
    within(
        &from,
        &["test", suite, "--init", "nets/lenet", "--target", "boards/mine", "--junit", "made/out.xml"],
    );
    let case = Suite::read(&from.join(suite)).unwrap().cases.remove(0);
    assert_eq!(case.model, Path::new("../../nets/lenet"));
    assert_eq!(case.target.as_deref(), Some("../../boards/mine"));
    std::fs::rename(&from, &to).unwrap();
    within(&work, &["test", "to/tests/numbers/suite.toml"]);
    within(&to.join("tests"), &["test", "numbers/suite.toml"]);
}

/// What a suite cannot keep is refused.
#[test]
fn a_suite_has_no_technology() {
    let folder = folder("suite-technology");
    let (suite, net) = (folder.join("suite.toml"), model("lenet_mnist").display().to_string());
    let asked = ["test", suite.to_str().unwrap(), "--init", &net, "--technology", "ecp5"];
    let refused = tilewright(&asked);
    assert!(refused.status.code() == Some(1) && text(&refused.stderr).contains("technology"));
    assert!(!suite.exists());
}

/// A missing tool is a check that was skipped, which is counted.
#[test]
fn a_missing_tool_is_told() {
    let (folder, net) = artefact("suite-tools", "lenet_mnist");
    let check = Checks { verilog: true, ..Checks::default() };
    let suite = Suite { schema: suite::SCHEMA, cases: vec![case(&net, check)] };
    let path = folder.join("suite.toml");
    std::fs::write(&path, toml::to_string(&suite).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tilewright"));
    command.arg("test").arg(&path).env("PATH", &folder).env("TILEWRIGHT_CACHE", folder.join("cache"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("verilog: SKIPPED") && printed.contains("1 WITH SKIPPED CHECKS"), "{printed}");
}

/// A suite is made, holds, finds what changed by layer and element, and is blessed again.
#[test]
fn what_is_recorded_stays() {
    let (folder, net) = artefact("suite-recorded", "lenet_mnist");
    let path = folder.join("suite.toml");
    let (suite, model) = (path.display().to_string(), net.display().to_string());
    let made = tilewright(&["test", &suite, "--init", &model]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(tilewright(&["test", &suite, "--init", &model]).status.code() == Some(1), "it is there");
    let junit = folder.join("out.xml").display().to_string();
    let run = |more: &[&str]| tilewright(&[&["test", &suite], more].concat());
    let again = run(&["--junit", &junit, "--jobs", "2"]);
    assert!(again.status.success(), "{}", text(&again.stdout));
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("name=\"integers\"") && xml.contains("failures=\"0\""), "{xml}");
    // Relative to the suite, so that both can be moved.
    let read = Suite::read(&path).unwrap();
    assert_eq!(read.cases[0].model, Path::new("net"));
    assert_eq!(read.cases[0].check.exact, [Exact::Integers, Exact::Cycles, Exact::Bytes]);

    let golden = folder.join("suite.golden");
    let integers = golden.join("net.npz");
    let stored = std::fs::read(&integers).unwrap();
    let mut arrays: Vec<(String, Vec<u8>)> = npy::parse_npz(&stored)
        .unwrap()
        .into_iter()
        .map(|(name, array)| {
            let npy::ArrayData::U8(bytes) = array.data else { panic!("{name}") };
            (name, bytes)
        })
        .collect();
    // Element 30 of the second tensor that a layer makes: 24 columns or more, so row 1 at most.
    arrays[1].1[30] ^= 1;
    let changed = arrays.iter().map(|(name, bytes)| (name.clone(), npy::npy_u8(&[bytes.len()], bytes)));
    std::fs::write(&integers, npy::npz(changed.collect())).unwrap();
    let failed = run(&["--json"]);
    assert_eq!(failed.status.code(), Some(3));
    let object: serde_json::Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!((object["passed"].as_u64(), object["failed"].as_u64()), (Some(0), Some(1)));
    let printed = text(&run(&[]).stdout);
    let place = printed.split("first in layer ").nth(1).unwrap_or_default();
    assert!(place.starts_with(|c: char| c.is_ascii_digit()) && place.contains(", \""), "{printed}");
    for part in ["integers: sample 0, stage 0: first in layer ", "done in cycle", "plane 0, row ", "1 of "] {
        assert!(printed.contains(part), "{part:?}: {printed}");
    }
    std::fs::write(&integers, &stored).unwrap();
    assert!(run(&[]).status.success());

    let recorded = golden.join("recorded.toml");
    let kept = std::fs::read_to_string(&recorded).unwrap();
    for (key, check) in [("cycles", "cycles"), ("read_bytes", "bytes"), ("write_bytes", "bytes")] {
        let other =
            kept.lines().map(|line| if line.starts_with(key) { format!("{key} = 7") } else { line.into() });
        std::fs::write(&recorded, other.collect::<Vec<_>>().join("\n")).unwrap();
        let store = GoldenFolder::open(&path).unwrap();
        let (outcome, _) = suite::run(&read.cases[0], &folder, &store, false);
        let failed: Vec<&str> = outcome
            .checks
            .iter()
            .filter(|(_, verdict)| *verdict != Verdict::Passed)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(failed, [check], "{key}");
    }
    // Nothing is blessed in continuous integration; elsewhere it is as it was.
    let mut command = Command::new(env!("CARGO_BIN_EXE_tilewright"));
    let refused = command.args(["test", &suite, "--bless"]).env("CI", "true").output().unwrap();
    assert!(refused.status.code() == Some(1) && text(&refused.stderr).contains("CI is set"));
    assert!(run(&["--bless"]).status.success());
    assert_eq!(std::fs::read_to_string(&recorded).unwrap(), kept);
    assert_eq!(run(&["--shard", "3/2"]).status.code(), Some(2));
}
