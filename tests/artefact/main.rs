//! What `compile` writes stands alone: moved away from its model it runs as the model does, it is read only
//! whole, and a folder that is written to holds the earlier one or the later one at any time.

#[path = "../common/mod.rs"]
mod common;
mod host;
mod hostile;
mod mended;

use common::{folder, lenet, refused, text, tilewright};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tilewright_compiler::npy;

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn done(args: &[&str]) -> String {
    let output = tilewright(args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn names(folder: &Path) -> Vec<String> {
    let mut all: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    all.sort();
    all
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

fn whole(value: &serde_json::Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn list(value: &serde_json::Value) -> &[serde_json::Value] {
    value.as_array().unwrap()
}

/// Without the model and its samples, from a folder and from one file, all commands do the same.
#[test]
fn it_runs_where_nothing_else_is() {
    // One stage on the machine, and machine and host in turns.
    for name in ["lenet_mnist", "vit_mnist"] {
        let (work, away) = (folder(&format!("made-{name}")), folder(&format!("away-{name}")));
        let model = common::model(name).display().to_string();
        let input = common::model(name).join("input_0.npy").display().to_string();
        done(&["compile", &model, "--array", "4x4", "-o", &at(&work, "net.tw")]);
        done(&["compile", &model, "--array", "4x4", "--pack", "-o", &at(&away, "net.zip")]);
        std::fs::rename(work.join("net.tw"), away.join("moved")).unwrap();
        let (moved, pack) = (at(&away, "moved"), at(&away, "net.zip"));
        for command in ["simulate", "verify"] {
            let wanted = done(&[command, &model, "--array", "4x4", "--json", "--input", &input]);
            let mut wanted = json(&wanted);
            if command == "verify" {
                wanted["source"] = true.into();
            }
            assert_eq!(wanted["model"], *model);
            for artefact in [&moved, &pack] {
                wanted["model"] = artefact.as_str().into();
                assert_eq!(
                    json(&done(&[command, artefact, "--json", "--input", &input])),
                    wanted,
                    "{command}"
                );
            }
        }
        assert!(done(&["verify", &moved]).contains("golden sample                   equal"));
        for stage in ["graph", "simplified", "fixed", "passes", "schedule", "program"] {
            let wanted = done(&["inspect", &model, "--array", "4x4", "--stage", stage]);
            // Where the model lay is not in it.
            let wanted = wanted.replace(&format!("{model}/model.onnx"), "model.onnx");
            assert!(done(&["inspect", &pack, "--stage", stage]) == wanted, "{name}: {stage}");
        }
        done(&["generate", &model, "--array", "4x4", "-o", &at(&work, "verilog")]);
        done(&["generate", &moved, "-o", &at(&away, "verilog")]);
        for file in names(&work.join("verilog")) {
            let read = |folder: &Path| std::fs::read(folder.join("verilog").join(&file)).unwrap();
            assert!(read(&work) == read(&away), "{name}: {file}");
        }
        refused(&["verify", &moved, "--array", "4x4"], &["has its machine"]);
        refused(&["verify", &moved, "--metric"], &["evaluation samples", "try:"]);
        refused(&["compile", &moved, "-o", &at(&away, "again")], &["compiled already", "try:"]);
    }
}

/// Only what the earlier manifest names goes when another artefact takes its place.
#[test]
fn another_artefact_takes_its_place() {
    let net = folder("replaced");
    let to = net.to_str().unwrap();
    done(&["compile", &lenet(), "--array", "4x4", "-o", to]);
    std::fs::write(net.join("notes.txt"), "mine").unwrap();
    done(&["compile", &lenet(), "--array", "4x6", "-o", to, "--no-source"]);
    assert_eq!(names(&net).len(), 7, "{:?}", names(&net));
    assert_eq!(std::fs::read(net.join("notes.txt")).unwrap(), b"mine");
    // Without the source there is less to walk, which is said.
    let output = tilewright(&["verify", to]);
    assert!(output.status.success() && text(&output.stderr).contains("nothing is compared with float"));
    assert!(!text(&output.stdout).contains("SQNR"));
    refused(&["inspect", to, "--stage", "graph"], &["left out", "--no-source"]);
    done(&["inspect", to, "--stage", "program"]);
    // Somebody else's manifest stays.
    let other = folder("other");
    std::fs::write(other.join("manifest.json"), "{\"name\": \"a web page\"}").unwrap();
    refused(&["compile", &lenet(), "-o", other.to_str().unwrap()], &["manifest.json", "try: another folder"]);
    assert_eq!(names(&other), ["manifest.json"]);
}

/// Killed at any time, `compile` leaves the earlier artefact or the later one.
#[test]
fn a_kill_leaves_the_old_one_or_the_new_one() {
    let net = folder("killed");
    let to = net.to_str().unwrap();
    let cycles = || json(&done(&["simulate", to, "--json"]))["cycles"].as_u64().unwrap();
    let args = |array: &'static str| ["compile", "MODEL", "--array", array, "--unchecked", "-o"];
    let compile = |array: &'static str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tilewright"));
        command.args(args(array).map(|a| if a == "MODEL" { lenet() } else { a.into() })).arg(to);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    };
    assert!(compile("4x4").status().unwrap().success());
    let old = cycles();
    let start = std::time::Instant::now();
    assert!(compile("4x6").status().unwrap().success());
    let (new, whole) = (cycles(), start.elapsed());
    assert_ne!(old, new);
    let mut last = new;
    for kill in 0..12 {
        let array = if last == new { "4x4" } else { "4x6" };
        let mut child = compile(array).spawn().unwrap();
        // The writing is at the end.
        std::thread::sleep(whole.mul_f64(0.85 + 0.02 * f64::from(kill)).max(Duration::from_millis(1)));
        let _ = child.kill();
        child.wait().unwrap();
        last = cycles();
        assert!(last == old || last == new, "{last} cycles");
    }
}

/// The golden sample is the user's where the user says so.
#[test]
fn the_golden_sample_can_be_given() {
    let work = folder("golden");
    let input = common::model("lenet_mnist").join("input_0.npy");
    let net = at(&work, "net");
    done(&["compile", &lenet(), "--array", "4x4", "-o", &net, "--golden", input.to_str().unwrap()]);
    let given = done(&["verify", &net, "--json", "--input", input.to_str().unwrap()]);
    let mut golden = json(&done(&["verify", &net, "--json"]));
    assert_eq!(golden["golden_difference"], serde_json::Value::Null);
    golden.as_object_mut().unwrap().remove("golden_difference");
    assert_eq!(golden, json(&given));
    refused(&["compile", &lenet(), "-o", &net, "--golden", "nothing.npy"], &["nothing.npy"]);
    let other = common::model("espcn_x2").join("input_0.npy").display().to_string();
    let begin = format!("error[samples]: {other}: input \"input\": the data has shape [1, 1, 64, 64]");
    refused(&["compile", &lenet(), "-o", &net, "--golden", &other], &[&begin, "[1, 1, 28, 28]; try: "]);
}

/// Images of all stages lie in one memory without overlap, in the manifest and in the header alike.
#[test]
fn stages_share_one_memory() {
    let work = folder("one-memory");
    let (net, verilog) = (at(&work, "net"), at(&work, "verilog"));
    let model = common::model("vit_mnist").display().to_string();
    for (machine, step) in [(["--array", "4x4"], 4096), (["--target", "ulx3s-25f"], 4 * 1024)] {
        done(&["compile", &model, machine[0], machine[1], "-o", &net]);
        done(&["generate", &net, "-o", &verilog]);
        let header = std::fs::read_to_string(Path::new(&verilog).join("tilewright.h")).unwrap();
        let number = |name: &str| -> u64 {
            let line = header.lines().find(|line| line.starts_with(&format!("#define {name} "))).unwrap();
            line.split_whitespace().nth(2).unwrap().parse().unwrap()
        };
        let manifest = json(&std::fs::read_to_string(Path::new(&net).join("manifest.json")).unwrap());
        let mut end = 0;
        for (n, stage) in list(&manifest["stages"]).iter().enumerate() {
            if stage["runs_on"] != "machine" {
                continue;
            }
            let (base, bytes) = (stage["base"].as_u64().unwrap(), stage["memory_bytes"].as_u64().unwrap());
            assert!(base % step == 0 && base >= end && base < end + step, "stage {n} at {base}");
            assert_eq!(number(&format!("TILEWRIGHT_STAGE_{n}_BASE")), base);
            end = base + bytes;
        }
        assert_eq!(number("TILEWRIGHT_MEMORY_BYTES"), end);
    }
}

/// Only an artefact's archive makes place for another one, and what cannot be judged is not good enough.
#[test]
fn other_archives_stay() {
    let work = folder("archives");
    let archive = at(&work, "photos.zip");
    let bytes = npy::zip(&[("photo.txt".to_owned(), b"mine".to_vec())]).unwrap();
    std::fs::write(&archive, &bytes).unwrap();
    refused(&["compile", &lenet(), "--array", "4x4", "--pack", "-o", &archive], &["no artefact", "try:"]);
    assert_eq!(std::fs::read(&archive).unwrap(), bytes);
    // It is found before the work.
    for (form, path) in
        [(None, "photos.zip"), (None, "photos.zip/net"), (Some("--pack"), "photos.zip"), (Some("--pack"), "")]
    {
        let (out, model) = (at(&work, path), lenet());
        let asked = ["compile", &model, "--array", "4x4", "-o", &out].into_iter().chain(form);
        let output = tilewright(&asked.collect::<Vec<_>>());
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("try:"), "{said}");
        assert!(!said.contains("quantising"), "{said}");
    }
    assert_eq!(names(&work), ["photos.zip"]);
    let net = at(&work, "net.zip");
    for _ in 0..2 {
        done(&["compile", &lenet(), "--array", "4x4", "--pack", "--no-source", "-o", &net]);
    }
    refused(&["verify", &net, "--min-sqnr", "20"], &["source was left out", "try:"]);
    assert_eq!(tilewright(&["verify", &lenet(), "--min-sqnr", "nan"]).status.code(), Some(2));
}
