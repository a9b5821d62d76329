//! Hostile and unlucky surroundings: nothing panics, hangs, takes all memory or loses output in silence.
#![cfg(unix)]

mod common;

use common::{case, folder, lenet, model, text};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tilewright"));
    command.args(args);
    command
}

fn tilewright(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// The command fails with status 1 and an error that contains all of `parts`.
fn refused(args: &[&str], parts: &[&str]) {
    let output = tilewright(args);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {error}");
    for part in parts {
        assert!(error.contains(part), "{args:?}: {part:?} is not in: {error}");
    }
}

/// Status 141, as of a process that SIGPIPE ended, and nothing about it on standard error.
#[test]
fn a_closed_pipe_ends_quietly() {
    for args in [&["inspect", "--stage", "graph"][..], &["simulate"], &["verify", "--json"], &["--help"]] {
        let mut all = vec![args[0]];
        let lenet = lenet();
        all.extend((args[0] != "--help").then_some(lenet.as_str()));
        all.extend(&args[1..]);
        // A reader that is gone before anything is written.
        let mut reader = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        let pipe = reader.stdin.take().unwrap();
        reader.wait().unwrap();
        let output = command(&all).stdout(pipe).stderr(Stdio::piped()).output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(141), "{all:?}: {error}");
        assert!(!error.contains("error") && !error.contains("panicked"), "{all:?}: {error}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let full = || File::create("/dev/full").unwrap();
    for args in [&["inspect", &lenet(), "--stage", "graph"][..], &["verify", &lenet(), "--json"], &["--help"]]
    {
        let output = command(args).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let error = text(&output.stderr);
        assert!(error.contains("standard output cannot be written"), "{args:?}: {error}");
        // Where not even that can be said, the status says it.
        let status = command(args).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(1), "{args:?}");
    }
    let status = command(&["verify", &lenet()]).stdout(Stdio::null()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(0), "progress that nobody can read is no error");
}

#[test]
fn names_do_not_steer_the_terminal() {
    let calib = case("mem-abort/calib.npz");
    for (file, code) in [("node_name", 0), ("op_type", 1)] {
        let model = case(&format!("terminal-escape/{file}.onnx"));
        for more in [&[][..], &["--json"]] {
            let output =
                tilewright(&[&["simulate", &model, "--calib", &calib, "--input", &calib], more].concat());
            assert_eq!(output.status.code(), Some(code), "{file}: {}", text(&output.stderr));
            for bytes in [&output.stdout, &output.stderr] {
                let steers = |c: char| c.is_control() && c != '\n';
                assert!(!text(bytes).contains(steers), "{file} {more:?}: {:?}", text(bytes));
            }
        }
    }
    // The file's own name is a name too.
    let path = folder("escape").join("a\u{1b}[2Jb.onnx");
    std::fs::write(&path, "nothing").unwrap();
    let output = tilewright(&["inspect", path.to_str().unwrap(), "--stage", "graph"]);
    assert!(!output.stderr.contains(&0x1b) && output.status.code() == Some(1), "{}", text(&output.stderr));
}

#[test]
fn paths_need_not_be_unicode() {
    let path = folder("paths").join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir_all(&path).unwrap();
    for file in ["model.onnx", "calib.npz", "input_0.npy"] {
        std::fs::copy(model("lenet_mnist").join(file), path.join(file)).unwrap();
    }
    let out = path.join(std::ffi::OsStr::from_bytes(b"out\xff"));
    let run = |first: &str, model: &Path, more: &[&std::ffi::OsStr]| {
        let output = command(&[first]).arg(model).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{first}: {}", text(&output.stderr));
    };
    run("compile", &path, &["--json".as_ref(), "-o".as_ref(), out.as_os_str()]);
    // What compile wrote leads back to the model.
    run("verify", &out, &[]);
}

#[test]
fn pipes_and_devices_are_no_data() {
    let pipes = folder("pipes");
    for file in ["x.npy", "x.npz", "x.png", "x.toml", "x.onnx"] {
        let made = Command::new("mkfifo").arg(pipes.join(file)).status().unwrap();
        assert!(made.success());
    }
    let at = |file: &str| pipes.join(file).display().to_string();
    let lenet = lenet();
    let part = ["a pipe, a socket or a device"];
    refused(&["verify", &lenet, "--input", &at("x.npy")], &part);
    refused(&["verify", &lenet, "--input", &at("x.npz")], &part);
    refused(&["verify", &lenet, "--input", &at("x.png")], &part);
    refused(&["verify", &lenet, "--calib", pipes.to_str().unwrap()], &part);
    refused(&["verify", &lenet, "--quantisation", &at("x.toml")], &part);
    refused(&["verify", &lenet, "--config", &at("x.toml")], &part);
    refused(&["verify", &at("x.onnx")], &[part[0], "x.onnx", "; try: "]);
    // A pipe where a file is to be written would be waited for as well.
    for file in ["program.tasm", "manifest.json"] {
        assert!(Command::new("mkfifo").arg(pipes.join(file)).status().unwrap().success());
    }
    refused(&["generate", &lenet, "-o", pipes.to_str().unwrap()], &["program.tasm", "no file"]);
    refused(&["compile", &lenet, "-o", pipes.to_str().unwrap()], &["manifest.json", "no artefact"]);
}

/// 80 kB that unpack to 20 GB: one compressed array under 300 entries.
#[test]
fn archives_are_not_unpacked_on_trust() {
    refused(
        &["verify", &lenet(), "--memory-limit", "500M", "--input", &case("npz-bomb/overlap.npz")],
        &["overlap.npz", "twice"],
    );
}

/// An archive whose directory says 2 GiB of its array, which the array's own header does not.
#[test]
fn declared_sizes_are_held_against_the_budget() {
    let mut bytes = std::fs::read(model("lenet_mnist").join("calib.npz")).unwrap();
    let entry = bytes.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    bytes[entry + 24..entry + 28].copy_from_slice(&(1u32 << 31).to_le_bytes());
    let path = folder("declared").join("input.npz");
    std::fs::write(&path, bytes).unwrap();
    let args = ["verify", &lenet(), "--memory-limit", "500M", "--input", path.to_str().unwrap()];
    refused(&args, &["input.npz", "the unpacked array takes 2.0 GiB of memory"]);
}

/// Models of 130 bytes to 86 kB that take gigabytes.
#[test]
fn memory_has_one_budget() {
    let calib = case("mem-abort/calib.npz");
    for (file, parts) in [
        ("expand_240", &["node \"Expand_0\" (Expand)", "of memory, the limit is 1000.0 MiB"][..]),
        ("resize_nearest_1e3", &["node \"Resize_0\" (Resize)", "GiB of memory, the limit is"]),
        ("cos_many_read", &["(ConstantOfShape)", "the limit is"]),
        ("expand_empty", &["node \"Expand_0\" (Expand)", "the constant takes"]),
        ("col2im_blocks", &["node \"Col2Im_0\" (Col2Im)", "the kernel of all blocks takes 64.0 GiB"]),
        ("conv_pad_3000", &["error[memory]", "--memory-limit"]),
    ] {
        let model = case(&format!("mem-abort/{file}.onnx"));
        let args = ["simulate", &model, "--calib", &calib, "--input", &calib, "--memory-limit", "1000M"];
        refused(&args, parts);
    }
    // 6 GB of constants that nothing reads.
    let model = case("mem-abort/cos_many.onnx");
    let args = ["simulate", &model, "--calib", &calib, "--input", &calib, "--memory-limit", "1000M"];
    assert_eq!(tilewright(&args).status.code(), Some(0));
    // Before anything runs: reading the model is enough.
    let model = case("mem-abort/resize_nearest_1e3.onnx");
    let args = ["inspect", &model, "--stage", "graph", "--memory-limit", "500M"];
    refused(&args, &["node \"Resize_0\" (Resize): the result takes", "the limit is"]);
    refused(&["verify", &lenet(), "--memory-limit", "1M"], &["error[memory]", "--memory-limit"]);
    assert_eq!(tilewright(&["verify", &lenet(), "--memory-limit", "much"]).status.code(), Some(2));
}

/// 25 functions that call the next one twice each, in 1.6 kB: 33 million nodes.
#[test]
fn functions_are_not_written_out_without_end() {
    let model = case("mem-abort/functions_doubling.onnx");
    refused(&["inspect", &model, "--stage", "graph"], &["its functions have more than 131072 nodes"]);
}

#[test]
fn threads_are_bounded() {
    let output =
        command(&["verify", &lenet(), "--json"]).env("RAYON_NUM_THREADS", "100000").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_result_with_an_initialisers_name_is_refused_as_such() {
    refused(
        &["inspect", &case("made-and-initializer/model.onnx"), "--stage", "graph"],
        &["node \"Relu_1\" (Relu)", "\"b\" is an initialiser and a result"],
    );
}

#[test]
fn negative_axes_are_named_as_they_are() {
    let output = tilewright(&["inspect", &case("negative-perm/model.onnx"), "--stage", "graph"]);
    let error = text(&output.stderr);
    assert!(error.contains("[0, -1, 2, 1]") && !error.contains("18446744073709551615"), "{error}");
    let output = tilewright(&["inspect", &case("axis-out-of-range/model.onnx"), "--stage", "graph"]);
    let error = text(&output.stderr);
    assert!(error.contains("3 scales do not fit") && !error.contains("18446744073709551615"), "{error}");
}
