//! What `compile` writes stands alone: moved away from its model it runs as the model does, it is read only
//! whole, and a folder that is written to holds the earlier one or the later one at any time.

mod common;

use common::{folder, lenet, refused, text, tilewright};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tilewright::artefact::{Artefact, SCHEMA};
use tilewright_compiler::{float, npy, onnx};

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

/// The folder of a small network that once went wrong.
fn case(name: &str) -> String {
    at(Path::new(env!("CARGO_MANIFEST_DIR")), &format!("tests/cases/{name}"))
}

/// What is compiled is read again before it is written; numbers that JSON does not have were not.
#[test]
fn a_channel_without_noise_is_read_again() {
    let net = at(&folder("noiseless"), "net");
    done(&["compile", &case("channel-without-noise"), "-o", &net]);
    done(&["verify", &net]);
}

/// What the post unit scales to 16 bits ends 128 steps above their lowest value, and float32 is no measure of
/// 16 bits: neither is a defect.
#[test]
fn the_lowest_values_of_16_bits_are_ends_of_a_range() {
    let net = at(&folder("lowest"), "net");
    done(&["compile", &case("int16-below-its-end"), "--precision", "int16", "-o", &net]);
    done(&["verify", &net]);
    // Three times what calibration had: they are reached.
    let input = at(Path::new(&case("int16-below-its-end")), "input.npz");
    done(&["verify", &net, "--input", &input]);
    // A term of the second ends before it is added.
    for (name, precision) in [("state-beyond-its-range", "auto"), ("int16-sum-below-its-end", "int16")] {
        let state = case(name);
        let input = at(Path::new(&state), "input.npz");
        done(&["verify", &state, "--input", &input, "--precision", precision]);
    }
}

/// 16 bits have room for numbers beyond those of calibration, which are no less unexpected for that.
#[test]
fn inputs_beyond_calibration_are_said_at_any_precision() {
    let state = case("state-beyond-its-range");
    let input = at(Path::new(&state), "input.npz");
    for command in ["simulate", "verify"] {
        for precision in ["int8", "int16"] {
            let output = tilewright(&[command, &state, "--input", &input, "--precision", precision]);
            let said = text(&output.stderr);
            assert!(said.contains("100.00 % of input \"h\" lie outside"), "{command}, {precision}: {said}");
        }
    }
}

/// Operators of one node of the source, called alike, are layers of their own; each had the rows of all.
#[test]
fn layers_that_are_called_alike_have_their_own_rows() {
    let work = folder("alike");
    let net = work.join("net");
    done(&["compile", &case("sum-cancels"), "--precision", "int8", "-o", net.to_str().unwrap()]);
    let manifest = json(&std::fs::read_to_string(net.join("manifest.json")).unwrap());
    let sums = |layer: &&serde_json::Value| layer["nodes"] == serde_json::json!(["sum_y"]);
    let layers = manifest["layers"].as_array().unwrap();
    let rows: Vec<_> = layers.iter().filter(sums).map(|layer| layer["programs"].to_string()).collect();
    assert_eq!(rows, ["[[0,2]]", "[[0,3]]", "[[0,4]]"]);
}

/// Noise is predicted by id: of one calibration sample it is what is measured of the same layers, those of one name too.
#[test]
fn noise_is_predicted_of_every_layer() {
    let net = folder("noise").join("net");
    let to = net.to_str().unwrap();
    let manifest = || json(&std::fs::read_to_string(net.join("manifest.json")).unwrap());
    let (vit, sums) = (common::model("vit_mnist").display().to_string(), case("sum-cancels"));
    for (model, precision, least, alike) in [(&vit, "auto", 20, 1), (&sums, "int8", 4, 3)] {
        let sample = at(Path::new(model), "input_0.npy");
        let asked = ["compile", model, "--calib", &sample, "--precision", precision, "--layers", "--json"];
        let told = json(&done(&[&asked[..], &["-o", to]].concat()));
        let (manifest, printed) = (manifest(), done(&["inspect", to, "--stage", "layers"]));
        let layers = list(&manifest["layers"]);
        let mut compared = std::collections::BTreeMap::<String, usize>::new();
        for measured in list(&told["layers"]) {
            let layer = &layers[whole(&measured["id"])];
            assert_eq!(layer["predicted_sqnr_db"], measured["predicted_sqnr_db"]);
            let Some(node) = list(&layer["nodes"]).first() else { continue };
            assert_eq!(*node, measured["name"]);
            let db = |of: &serde_json::Value, field: &str| of[field].as_f64();
            let both = db(layer, "predicted_sqnr_db").zip(db(measured, "sqnr_db"));
            let (predicted, measured) = both.unwrap_or_else(|| panic!("{layer}, {measured}"));
            // Ties are all that sets them apart.
            assert!((predicted - measured).abs() < 0.5, "{layer}: {measured} dB are measured");
            let row = |row: &str| {
                row.contains(node.as_str().unwrap()) && row.contains(&format!(" {predicted:.1} "))
            };
            assert!(printed.lines().any(row), "{layer}: {printed}");
            *compared.entry(node.to_string()).or_default() += 1;
        }
        let most = compared.values().max();
        assert!(compared.values().sum::<usize>() >= least && most == Some(&alike), "{compared:?}");
    }
    // Without the check there is no prediction.
    done(&["compile", &sums, "--unchecked", "-o", to]);
    assert!(list(&manifest()["layers"]).iter().all(|layer| layer["predicted_sqnr_db"].is_null()));
}

/// What float32 leaves of numbers that cancel is another thing in another order, and no defect.
#[test]
fn rounding_errors_of_float_are_no_defects() {
    let folder = case("what-rounding-leaves");
    done(&["verify", &folder, "--input", &at(Path::new(&folder), "input.npz")]);
}

/// All pixels at the end of their range at once are beyond what an exponential takes: one pixel of each
/// calibration sample was.
#[test]
fn the_golden_sample_is_one_that_the_network_takes() {
    let net = at(&folder("outlier"), "net");
    done(&["compile", &case("exponential-of-an-outlier"), "-o", &net]);
    assert!(done(&["verify", &net]).contains("golden sample                   equal"));
}

/// Floats stand for indices, and would keep the fractions of their quotient.
#[test]
fn quotients_of_indices_are_whole() {
    let made = folder("quotients");
    let model = case("quotient-of-indices");
    let samples = npy::read_npz(&Path::new(&model).join("calib.npz")).unwrap().remove(0).1;
    let samples: Vec<f32> = samples.to_f32();
    for (n, sample) in samples.chunks_exact(6 * 9).enumerate() {
        let input = made.join(format!("{n}.npy"));
        std::fs::write(&input, npy::npy_f32(&[1, 6, 9], sample)).unwrap();
        done(&["simulate", &model, "--input", &input.display().to_string(), "-o", &at(&made, "out")]);
        let found = npy::read_npy(&made.join("out/output_0.npy")).unwrap();
        // The model's nodes, by hand: (max + 2 min) / |i - j| of the places of the largest and the smallest element.
        let place = |column: usize, better: fn(f32, f32) -> bool| {
            (1..6)
                .fold(0, |at, k| if better(sample[9 * k + column], sample[9 * at + column]) { k } else { at })
        };
        let wanted: Vec<f32> = (0..9)
            .map(|column| (place(column, |a, b| a > b), place(column, |a, b| a < b)))
            .map(|(i, j)| ((i.max(j) + 2 * i.min(j)) / i.abs_diff(j)) as f32)
            .collect();
        assert_eq!(found.to_f32(), wanted, "sample {n}");
    }
}

/// ONNX's text and ONNX Runtime begin at different pixels.
#[test]
fn padding_that_would_crop_is_refused() {
    let net = at(&folder("crops"), "net");
    refused(
        &["compile", &case("same-pads-that-crop"), "-o", &net],
        &["conv", "Conv", "auto_pad", "runtimes do not agree", "explicit pads"],
    );
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

/// A bit that flips in any file is found, by the file's name.
#[test]
fn a_flipped_bit_is_refused() {
    let work = folder("flipped");
    let net = work.join("net");
    done(&["compile", &lenet(), "--array", "4x4", "-o", net.to_str().unwrap()]);
    assert_eq!(names(&net).len(), 7);
    for name in names(&net) {
        let path = net.join(&name);
        let bytes = std::fs::read(&path).unwrap();
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            std::fs::write(&path, flipped).unwrap();
            refused(&["simulate", net.to_str().unwrap()], &[&name, "try:"]);
        }
        std::fs::remove_file(&path).unwrap();
        if name != "manifest.json" {
            refused(&["simulate", net.to_str().unwrap()], &[&name, "try:"]);
        }
        std::fs::write(&path, bytes).unwrap();
    }
    done(&["simulate", net.to_str().unwrap()]);
    // Another version, an earlier or a later one, says which, and what to do.
    let manifest = net.join("manifest.json");
    let own = std::fs::read_to_string(&manifest).unwrap();
    for other in [SCHEMA - 1, 99] {
        let text = own.replace(&format!("\"schema\": {SCHEMA},"), &format!("\"schema\": {other},"));
        std::fs::write(&manifest, text).unwrap();
        let said = ["manifest.json", &format!("schema {other}"), "compile the model again"];
        refused(&["simulate", net.to_str().unwrap()], &said);
    }
}

/// Archives hold plain files, each once, and bytes that are theirs.
#[test]
fn packs_are_read_with_care() {
    let work = folder("packs");
    let pack = at(&work, "net.zip");
    done(&["compile", &lenet(), "--array", "4x4", "--pack", "-o", &pack]);
    let bytes = std::fs::read(&pack).unwrap();
    let bad = at(&work, "bad.zip");
    let manifest = b"manifest.json";
    for other in [b"../ifest.json", b"a/nifest.json", b"/anifest.json"] {
        let mut changed = bytes.clone();
        for place in 0..changed.len() - manifest.len() {
            if changed[place..].starts_with(manifest) {
                changed[place..place + manifest.len()].copy_from_slice(other);
            }
        }
        std::fs::write(&bad, changed).unwrap();
        refused(&["simulate", &bad], &["has no place in an artefact"]);
    }
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    for broken in [&flipped[..], &bytes[..bytes.len() / 2]] {
        std::fs::write(&bad, broken).unwrap();
        refused(&["simulate", &bad], &["bad.zip"]);
    }
    // Nor is there a byte between the members that may be another.
    let directory = bytes.len() - 700..bytes.len();
    for place in (0..30).chain(directory.step_by(5)) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        std::fs::write(&bad, flipped).unwrap();
        assert!(Artefact::read(Path::new(&bad)).is_err(), "byte {place}");
    }
    std::fs::write(work.join("notes"), "mine").unwrap();
    refused(&["compile", &lenet(), "--pack", "-o", &at(&work, "notes")], &["no artefact", "try:"]);
    assert_eq!(std::fs::read(work.join("notes")).unwrap(), b"mine");
}

/// A link in place of a file leads out of the artefact.
#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let work = folder("links");
    let net = work.join("net");
    done(&["compile", &lenet(), "--array", "4x4", "-o", net.to_str().unwrap()]);
    let machine = names(&net).into_iter().find(|name| name.starts_with("machine")).unwrap();
    std::fs::rename(net.join(&machine), work.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(work.join("elsewhere"), net.join(&machine)).unwrap();
    refused(&["simulate", net.to_str().unwrap()], &[&machine, "is a link", "try:"]);
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

/// Seals a manifest whose text somebody has changed.
fn reseal(net: &Path) {
    let text = std::fs::read_to_string(net.join("manifest.json")).unwrap();
    let (body, _) = text.rsplit_once("\"sha256\": \"").unwrap();
    let seal = hash(format!("{body}\"sha256\": \"\"\n}}\n").as_bytes());
    std::fs::write(net.join("manifest.json"), format!("{body}\"sha256\": \"{seal}\"\n}}\n")).unwrap();
}

fn hash(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// An artefact's text with the hash of a changed file, and its own, as whoever seals nonsense would write them.
fn sealed(net: &Path, role: &str, bytes: &[u8]) {
    let path = net.join("manifest.json");
    let mut manifest = json(&std::fs::read_to_string(&path).unwrap());
    let file = &mut manifest["files"][role];
    std::fs::write(net.join(file["name"].as_str().unwrap()), bytes).unwrap();
    file["sha256"] = hash(bytes).into();
    file["bytes"] = bytes.len().into();
    // Fields in the order of the text, which a parsed object does not keep.
    let text = std::fs::read_to_string(&path).unwrap();
    let old = json(&text)["files"][role].clone();
    let text = text
        .replace(old["sha256"].as_str().unwrap(), &hash(bytes))
        .replace(&format!("\"bytes\": {},\n      \"sha256\": \"{}\"", old["bytes"], hash(bytes)), &{
            format!("\"bytes\": {},\n      \"sha256\": \"{}\"", bytes.len(), hash(bytes))
        });
    std::fs::write(&path, text).unwrap();
    reseal(net);
}

/// Whatever is sealed, nothing panics, and nothing of another network is run.
#[test]
fn nonsense_that_is_sealed_is_refused() {
    let work = folder("nonsense");
    let net = work.join("net");
    done(&["compile", &lenet(), "--array", "4x4", "-o", net.to_str().unwrap()]);
    let read = |role: &str| {
        let name = names(&net).into_iter().find(|name| name.starts_with(role)).unwrap();
        std::fs::read(net.join(name)).unwrap()
    };
    let manifest = std::fs::read(net.join("manifest.json")).unwrap();
    let to = net.to_str().unwrap();
    let mut random = common::Random::new(8);
    for role in ["network", "source"] {
        let bytes = read(role);
        for _ in 0..25 {
            let mut other = bytes.clone();
            // Weights are most of it: what says how they are used stands at the ends.
            let end = random.below(2) * (bytes.len() - 1500);
            other[end + random.below(1500)] = random.below(256) as u8;
            sealed(&net, role, &other);
            let output = tilewright(&["verify", to]);
            let error = text(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{role}: {error}");
            std::fs::write(net.join("manifest.json"), &manifest).unwrap();
        }
        sealed(&net, role, &bytes);
    }
    done(&["verify", to]);
    let program = text(&read("program_0"));
    for (from, other) in [("scale=", "scale=2"), ("address=896", "address=700015"), ("zero=-128", "zero=3")] {
        assert!(program.contains(from), "{from}");
        sealed(&net, "program_0", program.replacen(from, other, 1).as_bytes());
        refused(&["generate", to, "-o", &at(&work, "verilog")], &["port", "try: compile again"]);
    }
    sealed(&net, "program_0", program.as_bytes());
    done(&["verify", to]);
}

/// A name that leads out of the folder is refused, with the file that has it and what to try.
#[test]
fn names_that_lead_out_are_refused() {
    let work = folder("names");
    let net = work.join("net");
    done(&["compile", &lenet(), "--array", "4x4", "-o", net.to_str().unwrap()]);
    let golden = names(&net).into_iter().find(|name| name.starts_with("golden")).unwrap();
    let manifest = std::fs::read_to_string(net.join("manifest.json")).unwrap();
    for other in ["../golden.npz", "/etc/passwd", "..", ".golden"] {
        std::fs::write(net.join("manifest.json"), manifest.replace(&golden, other)).unwrap();
        reseal(&net);
        refused(&["simulate", net.to_str().unwrap()], &["manifest.json", other, "nothing is read", "try:"]);
    }
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

fn whole(value: &serde_json::Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn list(value: &serde_json::Value) -> &[serde_json::Value] {
    value.as_array().unwrap()
}

/// Elements of a place in the order of the tensor's values, as `docs/artefact.md` has it.
fn elements(place: &serde_json::Value) -> Vec<usize> {
    let mut elements = vec![whole(&place["offset"])];
    for pair in list(&place["strides"]) {
        let (extent, step) = (whole(&pair[0]), whole(&pair[1]));
        elements = elements.iter().flat_map(|&at| (0..extent).map(move |i| at + i * step)).collect();
    }
    elements
}

/// Scale, zero point, and the places of the high and the low byte of an element of 16 bits.
fn form(place: &serde_json::Value) -> (f32, i32, impl Fn(usize) -> (usize, usize)) {
    let plane = whole(&place["shape"][1]) * whole(&place["shape"][2]);
    let halves =
        move |at: usize| (at / plane * 2 * plane + at % plane, (at / plane * 2 + 1) * plane + at % plane);
    (place["scale"].as_f64().unwrap() as f32, place["zero"].as_i64().unwrap() as i32, halves)
}

/// The values of a tensor from the bytes of its port, by the document's formulas.
fn dequantised(bytes: &[i8], place: &serde_json::Value) -> Vec<f32> {
    let (scale, zero, halves) = form(place);
    let value = |at: usize| {
        if place["bits"] == 8 {
            return (i32::from(bytes[at]) - zero) as f32 * scale;
        }
        let (high, low) = halves(at);
        let v = 256 * i32::from(bytes[high]) + i32::from(bytes[low]) + 128;
        (v - (257 * zero + 128)) as f32 * scale
    };
    elements(place).into_iter().map(value).collect()
}

/// The bytes of a port from the values of its tensor.
fn quantised(values: &[f32], place: &serde_json::Value) -> Vec<i8> {
    let (scale, zero, halves) = form(place);
    let mut bytes = vec![0; list(&place["shape"]).iter().map(whole).product()];
    for (at, x) in elements(place).into_iter().zip(values) {
        let steps = (x / scale).round_ties_even() as i32;
        if place["bits"] == 8 {
            bytes[at] = (steps + zero).clamp(-128, 127) as i8;
            continue;
        }
        let v = (steps + 257 * zero + 128).clamp(-32768, 32767);
        let (high, low) = halves(at);
        bytes[high] = v.div_euclid(256) as i8;
        bytes[low] = (v.rem_euclid(256) - 128) as i8;
    }
    bytes
}

/// A host that knows the manifest and the models of its stages alone writes the bytes that the golden sample has.
#[test]
fn a_host_gets_by_with_the_manifest() {
    let net = folder("host-alone").join("vit.tw");
    let vit = common::model("vit_mnist").display().to_string();
    done(&["compile", &vit, "--array", "4x4", "-o", net.to_str().unwrap()]);
    let manifest = json(&std::fs::read_to_string(net.join("manifest.json")).unwrap());
    let golden = Artefact::read(&net).unwrap().golden;
    let port = |place: &serde_json::Value, ports: &str| {
        let stage = whole(&place["stage"]);
        let mut ports = list(&manifest["stages"][stage][ports]).iter();
        let number = ports.position(|port| port["address"] == place["address"]).unwrap();
        (golden.stages.iter().find(|bytes| bytes.stage == stage).unwrap(), number)
    };
    let mut wide = 0;
    let mut write = |values: &ndarray::ArrayD<f32>, places: &serde_json::Value| {
        let values: Vec<f32> = values.iter().copied().collect();
        for place in list(places) {
            let (bytes, number) = port(place, "inputs");
            assert!(quantised(&values, place) == bytes.inputs[number], "{place}");
            wide += usize::from(place["bits"] == 16);
        }
    };
    for (input, values) in list(&manifest["inputs"]).iter().zip(&golden.inputs) {
        write(values, &input["places"]);
    }
    for (n, stage) in list(&manifest["stages"]).iter().enumerate().filter(|(_, s)| s["runs_on"] == "host") {
        let file = manifest["files"][format!("host_{n}")]["name"].as_str().unwrap();
        let model = onnx::import(&net.join(file)).unwrap().graph;
        let read = |read: &serde_json::Value| {
            let (bytes, number) = port(&read["place"], "outputs");
            let shape: Vec<usize> = list(&read["shape"]).iter().map(whole).collect();
            let values = dequantised(&bytes.outputs[number], &read["place"]);
            ndarray::ArrayD::from_shape_vec(shape, values).unwrap()
        };
        let inputs: Vec<_> = list(&stage["reads"]).iter().map(read).collect();
        let made = float::run(&model, &inputs).unwrap();
        for (make, values) in list(&stage["makes"]).iter().zip(&made) {
            write(values, &make["places"]);
        }
    }
    assert!(wide > 0, "no place of 16 bits");
    let place = &manifest["outputs"][0]["place"];
    let (bytes, number) = port(place, "outputs");
    let values: Vec<f32> = golden.outputs[0].iter().copied().collect();
    assert_eq!(dequantised(&bytes.outputs[number], place), values);
}
