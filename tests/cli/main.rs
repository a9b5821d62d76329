//! The command line as a user meets it: results on standard output, `errors` and `warnings` on the other.

#[path = "../common/mod.rs"]
mod common;
mod errors;
mod warnings;

use common::{case, folder, lenet, refused, text, tilewright};
use std::path::Path;

#[test]
fn verify_prints_one_json_object() {
    let output = tilewright(&["verify", &lenet(), "--array", "4x4", "--json", "--metric"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["reference_mismatches"], 0);
    assert!(object["sim_cycles"].as_u64().unwrap() > 26_000);
    assert!(object["sqnr_db"].as_f64().unwrap() > 30.0);
    assert!(object["metric"]["int8"].as_f64().unwrap() > 0.97);
}

/// The first rung is part of every verification and of every compilation, unless it is left out, which
/// the objects say.
#[test]
fn operators_are_checked_unless_that_is_left_out() {
    let verified = |more: &[&str]| -> serde_json::Value {
        let output = tilewright(&[&["verify", &lenet(), "--array", "4x4", "--json"], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let object = verified(&[]);
    let layers = object["assurance"]["first_rung"]["layers"].as_array().unwrap();
    assert!(layers.iter().filter_map(|layer| layer["elements"].as_u64()).sum::<u64>() > 5_000);
    assert!(object["assurance"]["predicted"][0]["sqnr_db"].as_f64().unwrap() > 30.0);
    assert!(verified(&["--unchecked"])["assurance"].is_null());
    let out = folder("checked");
    let compile = |more: &[&str]| -> serde_json::Value {
        let out = out.display().to_string();
        let output =
            tilewright(&[&["compile", &lenet(), "--array", "4x4", "-o", &out, "--json"], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(compile(&[])["checked"], true);
    assert_eq!(compile(&["--unchecked"])["checked"], false);
}

/// What is asked for and missed is said, with exit status 3.
#[test]
fn good_enough_is_measured() {
    let verify = |more: &[&str]| tilewright(&[&["verify", &lenet(), "--array", "4x4"], more].concat());
    assert!(verify(&["--min-sqnr", "30", "--max-error", "1", "--min-metric", "97"]).status.success());
    let misses: [(&[&str], &str); 3] = [
        (&["--min-sqnr", "90"], "90 are asked for"),
        (&["--max-error", "0.0001"], "0.0001 is allowed"),
        (&["--min-metric", "100"], "100 are asked for"),
    ];
    for (more, part) in misses {
        let output = verify(more);
        assert_eq!(output.status.code(), Some(3), "{more:?}");
        assert!(text(&output.stderr).contains(part), "{more:?}: {}", text(&output.stderr));
    }
}

/// The part is a model like any other, and fails on its own.
#[test]
fn a_failing_model_is_cut_down() {
    let out = folder("reduced");
    let part = out.display().to_string();
    let asked = ["--array", "4x4", "--min-sqnr", "90"];
    let output = tilewright(&[&["verify", &lenet(), "--reduce", &part], &asked[..]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("operators fail alone"), "{}", text(&output.stderr));
    let again =
        tilewright(&[&["verify", &part, "--input", &format!("{part}/input_0.npz")], &asked[..]].concat());
    assert_eq!(again.status.code(), Some(3), "{}", text(&again.stderr));
    assert!(text(&again.stderr).contains("90 are asked for"), "{}", text(&again.stderr));
    let count = |model: &str| {
        let printed = tilewright(&["inspect", model, "--stage", "simplified"]);
        text(&printed.stdout).matches("span=").count()
    };
    assert!(count(&part) < count(&lenet()), "{} of {}", count(&part), count(&lenet()));
    // What is good enough leaves nothing.
    let none = folder("not-reduced");
    let good = tilewright(&[
        "verify",
        &lenet(),
        "--array",
        "4x4",
        "--reduce",
        &none.join("x").display().to_string(),
    ]);
    assert!(good.status.success() && !none.join("x").exists());
}

/// A log reads what was done, a line each: no bars, no characters that steer a terminal.
#[test]
fn progress_is_plain_lines_in_a_pipe() {
    let output = tilewright(&["verify", &lenet(), "--array", "4x4", "--metric"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = ["reading the model", "quantising", "compiling", "verifying", "evaluating"];
    assert_eq!(text(&output.stderr).lines().collect::<Vec<_>>(), lines);
    assert!(!text(&output.stdout).contains(['\r', '\x1b']), "{}", text(&output.stdout));
}

/// What is written has been checked: the program against the machine's rules, the integers against the
/// source's operators.
#[test]
fn compile_checks_what_it_writes() {
    let out = folder("checks");
    let output = tilewright(&["compile", &lenet(), "--array", "4x4", "-o", out.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines =
        ["reading the model", "quantising", "compiling", "checking the program", "checking", "writing"];
    assert_eq!(text(&output.stderr).lines().collect::<Vec<_>>(), lines);
}

#[test]
fn simulate_prints_one_json_object_and_writes_outputs() {
    let out = folder("simulate");
    let output = tilewright(&["simulate", &lenet(), "--json", "-o", out.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in [
        "cycles",
        "macs",
        "peak_macs_per_cycle",
        "utilisation",
        "dram_read_bytes",
        "dram_write_bytes",
        "seconds",
    ] {
        assert!(object[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(object["macs"], 416_520);
    assert!(object["layers"].as_array().unwrap().len() >= 5);
    assert!(out.join("output_0.npy").is_file());
}

#[test]
fn compile_writes_the_same_bytes_twice() {
    let (a, b) = (folder("compile-a"), folder("compile-b"));
    for out in [&a, &b] {
        let output = tilewright(&["compile", &lenet(), "-o", out.to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let names = |folder: &Path| {
        let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        all.sort();
        all
    };
    assert_eq!(names(&a), names(&b));
    for file in names(&a) {
        assert!(std::fs::read(a.join(&file)).unwrap() == std::fs::read(b.join(&file)).unwrap(), "{file:?}");
    }
}

#[test]
fn every_stage_prints() {
    let stages = [
        ("graph", "#[version", "nn.conv2d("),
        ("simplified", "#[version", "nn.conv2d("),
        ("fixed", "network", "= conv t"),
        ("passes", "after separate ports", "\nafter narrow: unchanged"),
        ("schedule", "group 0: nodes 0..", "\n  store t"),
        ("program", "tilewright 1\n", "\nlayer 0 macs="),
        ("layers", "  id operator", "\n   1 "),
    ];
    for (stage, start, part) in stages {
        let output = tilewright(&["inspect", &lenet(), "--stage", stage]);
        assert!(output.status.success(), "{stage}: {}", text(&output.stderr));
        let printed = text(&output.stdout);
        assert!(printed.starts_with(start) && printed.contains(part), "{stage}: {printed:.400}");
    }
}

/// The command line's precision goes before that of the file.
#[test]
fn precision_is_chosen() {
    let file = folder("precision").join("options.toml");
    std::fs::write(&file, "precision = \"int16\"\n").unwrap();
    let file = file.display().to_string();
    let wide = |more: &[&str]| {
        let model = lenet();
        let output = tilewright(&[&["inspect", &model, "--stage", "fixed"], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).matches(" wide scale ").count()
    };
    assert_eq!(wide(&["--precision", "int8"]), 0);
    assert!(wide(&["--precision", "int16"]) > 3);
    assert!(wide(&[]) < wide(&["--precision", "int16"]));
    assert_eq!(wide(&["--quantisation", &file]), wide(&["--precision", "int16"]));
    assert_eq!(wide(&["--quantisation", &file, "--precision", "int8"]), 0);
    assert_eq!(tilewright(&["inspect", &lenet(), "--precision", "int4"]).status.code(), Some(2));
}

/// The printed graph is a model like any other: it prints again as the same text.
#[test]
fn printed_graphs_are_read_again() {
    let file = folder("relay").join("lenet.relay");
    for stage in ["graph", "simplified"] {
        let first = tilewright(&["inspect", &lenet(), "--stage", stage]);
        assert!(first.status.success(), "{stage}: {}", text(&first.stderr));
        assert!(text(&first.stdout).starts_with("#[version = \"0.0.5\"]\ndef @main("), "{stage}");
        std::fs::write(&file, &first.stdout).unwrap();
        let second = tilewright(&["inspect", file.to_str().unwrap(), "--stage", stage]);
        assert!(first.stdout == second.stdout, "{stage}: {}", text(&second.stderr));
    }
}

/// A network gives the same program whether it comes as ONNX or as Relay text.
#[test]
fn relay_text_compiles_to_the_same_program() {
    let (text_folder, a, b) = (folder("relay-model"), folder("from-onnx"), folder("from-relay"));
    let printed = tilewright(&["inspect", &lenet(), "--stage", "graph"]);
    std::fs::write(text_folder.join("model.relay"), &printed.stdout).unwrap();
    std::fs::copy(common::model("lenet_mnist").join("calib.npz"), text_folder.join("calib.npz")).unwrap();
    for (model, out) in [(lenet(), &a), (text_folder.display().to_string(), &b)] {
        let output = tilewright(&["generate", &model, "-o", out.to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    for file in ["program.tasm", "memory.bin"] {
        assert!(std::fs::read(a.join(file)).unwrap() == std::fs::read(b.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn generate_writes_the_programs_of_a_model() {
    let out = folder("generate");
    let done = tilewright(&["generate", &lenet(), "--array", "4x4", "-o", out.to_str().unwrap()]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    for file in ["tilewright.v", "machine.toml", "program.tasm", "memory.bin"] {
        assert!(out.join(file).is_file(), "{file}");
    }
}

#[test]
fn what_the_host_does_is_listed_and_can_be_denied() {
    let vit = common::model("vit_mnist");
    let vit = vit.to_str().unwrap();
    let output = tilewright(&["verify", vit, "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["host_macs"], 0);
    let softmax = object["host_ops"].as_array().unwrap().iter().find(|op| op["operator"] == "Softmax");
    assert!(softmax.unwrap()["why"].as_str().unwrap().contains("exponential"));
    refused(&["verify", vit, "--deny-host"], &["vit_mnist", "left to the host", "try:"]);
}

/// `verify` tells of every layer that it held against the source.
#[test]
fn layers_are_told() {
    let output = tilewright(&["verify", &lenet(), "--array", "4x4", "--layers"]);
    let told = text(&output.stdout);
    let mut lines = told.lines();
    assert!(lines.next().unwrap().starts_with("  id layer "), "{told}");
    let rows: Vec<&str> = lines.take_while(|line| !line.starts_with("float = ")).collect();
    assert!(rows.len() > 4 && rows.iter().all(|row| row.split_whitespace().count() >= 10), "{told}");
    let version = text(&tilewright(&["--version"]).stdout);
    assert!(version.starts_with(&format!("tilewright {}", env!("CARGO_PKG_VERSION"))), "{version}");
}

/// Every field that a command prints is in `docs/json.md`, and what is there is printed: `run` and `build` have tests of
/// their own, `tests/board.rs` and `tests/build.rs`.
#[test]
fn every_field_is_documented() {
    let (lenet, vit, work) = (lenet(), common::model("vit_mnist").display().to_string(), folder("json"));
    let (out, suite) = (work.join("net").display().to_string(), work.join("suite.toml"));
    let text_of = format!(
        "schema = 1\n[[case]]\nname = \"a\"\nmodel = {out:?}\n[[case]]\nname = \"b\"\nmodel = \"none\"\n"
    );
    std::fs::write(&suite, text_of).unwrap();
    let suite = suite.display().to_string();
    // Whose channels drown, whose outputs are not finite, whose layers keep 8 bits: fields inside of fields.
    let (drown, raised) = (case("boxes-and-scores-turned"), case("sum-cancels"));
    let commands: [(&str, &[&[&str]]); 7] = [
        (
            "compile",
            &[
                &[&lenet, "-o", &out, "--layers", "--precision", "int16"],
                &[&vit, "-o", &out, "--no-source"],
                &[&raised, "-o", &out],
                &[&lenet, "-o", &out],
            ],
        ),
        ("simulate", &[&[&lenet], &[&vit], &[&out]]),
        (
            "verify",
            &[
                &[&lenet, "--metric", "--min-sqnr", "90"],
                &[&out],
                &[&vit],
                &[&drown, "--precision", "int8"],
                &[&vit, "--unchecked"],
            ],
        ),
        ("test", &[&[&suite]]),
        ("doctor", &[&[]]),
        ("targets", &[&[]]),
        ("Errors", &[&["verify", "no/such/model"]]),
    ];
    for (command, runs) in commands {
        let object = |args: &&[&str]| -> serde_json::Value {
            let name: &[&str] = if command == "Errors" { &[] } else { &[command] };
            let output = tilewright(&[name, args, &["--json"]].concat());
            serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|e| panic!("{args:?}: {e}: {}", text(&output.stderr)))
        };
        let objects: Vec<_> = runs.iter().map(object).collect();
        common::documented(command, &objects);
        for object in objects.iter().filter(|_| ["compile", "simulate", "verify"].contains(&command)) {
            assert!(object["model"].is_string() && object["machine"].is_string(), "{command}: {object}");
        }
        if command == "test" {
            let cases = objects[0]["cases"].as_array().unwrap();
            assert_eq!(
                (&cases[0]["model"], &cases[0]["machine"]),
                (&out.as_str().into(), &"ulx3s-85f".into())
            );
            assert_eq!(
                (&cases[1]["model"], &cases[1]["machine"]),
                (&"none".into(), &serde_json::Value::Null)
            );
        }
    }
    // No other command has objects.
    let help = text(&tilewright(&["help"]).stdout);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    for command in
        list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|c| !c.is_empty())
    {
        let has = text(&tilewright(&[command, "--help"]).stdout).contains("--json");
        let own = commands.iter().any(|(name, _)| *name == command) || ["run", "build"].contains(&command);
        assert_eq!(has, own, "{command}");
    }
}

/// The demonstration needs nothing but the program: it runs where no repository is, and leaves no file of an earlier run.
#[test]
fn the_demonstration_is_in_the_program() {
    let empty = folder("demo");
    let run = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tilewright"));
        let output = command.args([&["-q", "demo"], more].concat()).current_dir(&empty).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let told = run(&[]);
    assert!(
        told.contains("top-1") && told.contains("integers       simulator and integer reference equal"),
        "{told}"
    );
    assert!(empty.join("out/demo/sdram.v").is_file() && empty.join("out/demo/model.onnx").is_file());
    run(&["--array", "4x4"]);
    assert!(!empty.join("out/demo/sdram.v").exists() && empty.join("out/demo/model.onnx").is_file());
}

/// Every line of the table of layers says what sets it apart from others of its name, and so does the object.
#[test]
fn no_layer_has_an_unexplained_second_line() {
    for (name, parts) in
        [("lenet_mnist", &["high half", "low half"][..]), ("vit_mnist", &["2 of 3", "3 of 3", "low half"])]
    {
        let model = common::model(name).display().to_string();
        let told = text(&tilewright(&["simulate", &model, "--array", "4x4"]).stdout);
        let lines: Vec<&str> = told.lines().skip(1).take_while(|line| !line.starts_with("cycles ")).collect();
        let key = |line: &str| {
            let (columns, part) = line.split_once('%').unwrap();
            (columns.chars().skip(5).take(53).collect::<String>(), part.to_owned())
        };
        let mut keys: Vec<_> = lines.iter().map(|line| key(line)).collect();
        for part in parts {
            assert!(keys.iter().any(|(_, own)| own.trim() == *part), "{part}: {told}");
        }
        keys.sort();
        let count = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), count, "{told}");
        let output = tilewright(&["simulate", &model, "--array", "4x4", "--json"]);
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let layers = object["layers"].as_array().unwrap();
        assert_eq!(layers.len(), count);
        // The ids of the manifest: every layer has one, and the halves of a value have the same.
        assert!(layers.iter().all(|layer| layer["ids"].as_array().unwrap().len() == 1));
        let alike = |pair: &[serde_json::Value]| pair[0]["ids"] == pair[1]["ids"];
        assert!(layers.windows(2).filter(|pair| pair[1]["part"] == "low half").all(alike));
        let halves = |half: &str| layers.iter().filter(|layer| layer["part"] == half).count();
        assert!(halves("high half") > 0 && halves("high half") == halves("low half"));
        assert!(layers.iter().all(|layer| layer["part"] != "low half" || layer["macs"] == 0));
    }
}

/// The manual page of a command has all its options.
#[test]
fn commands_have_manual_pages() {
    let all = text(&tilewright(&["manual"]).stdout);
    for command in ["compile", "simulate", "verify", "run", "test", "generate", "build"] {
        assert!(all.contains(&format!("tilewright\\-{command}(1)")), "{command}: {all}");
        let page = text(&tilewright(&["manual", command]).stdout).replace('\\', "");
        let help = text(&tilewright(&[command, "--help"]).stdout);
        let options: Vec<&str> = help.split_whitespace().filter(|word| word.starts_with("--")).collect();
        assert!(options.len() > 5, "{help}");
        for option in options {
            let option: &str =
                option.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next().unwrap();
            assert!(page.contains(option), "{command} {option}: {page}");
        }
    }
    refused(&["manual", "cook"], &["no command \"cook\"", "try: demo, compile"]);
}

/// What is left out has its default in the help.
#[test]
fn help_says_the_defaults() {
    let help = text(&tilewright(&["compile", "--help"]).stdout);
    for default in ["ulx3s-85f if no machine is named", "auto if neither says", "8G where the machine has it"]
    {
        assert!(help.contains(default), "{default}: {help}");
    }
}
