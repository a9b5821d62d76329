//! Same input, same bytes: what is compiled and what it computes depends neither on the instructions that
//! the processor has nor on the number of threads.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A process with the best kernels and two threads, and one with the portable kernels and one thread.
const SETTINGS: [[(&str, &str); 2]; 2] = [
    [("TILEWRIGHT_PORTABLE", "0"), ("RAYON_NUM_THREADS", "2")],
    [("TILEWRIGHT_PORTABLE", "1"), ("RAYON_NUM_THREADS", "1")],
];

fn tilewright(settings: &[(&str, &str)], args: &[&Path]) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tilewright")).args(args).envs(settings.iter().copied()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Every file of a folder and what it holds.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    all
}

/// Compiles and simulates the model twice into the same folder, which is named in nothing that differs.
fn same_bytes(model: &Path) {
    let name = model.file_name().unwrap().to_string_lossy();
    let folder = std::env::temp_dir().join(format!("tilewright-portable-{}-{name}", std::process::id()));
    let (compiled, result) = (folder.join("compiled"), folder.join("result"));
    let [want, got] = SETTINGS.map(|settings| {
        std::fs::create_dir_all(&result).unwrap();
        tilewright(&settings, &[Path::new("compile"), model, Path::new("-o"), &compiled]);
        let input = model.join("input_0.npy");
        let simulate =
            [Path::new("simulate"), &compiled, Path::new("--input"), &input, Path::new("-o"), &result];
        tilewright(&settings, &simulate);
        let all = files(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        all
    });
    assert!(want.len() > 3, "{:?}", want.keys());
    assert_eq!(want.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>());
    for (path, bytes) in &want {
        assert!(*bytes == got[path], "{} depends on processor or threads", path.display());
    }
}

#[test]
fn convolutions() {
    same_bytes(&common::model("lenet_mnist"));
    same_bytes(&common::model("resnet_mnist"));
}

/// Softmax, GELU, layer normalisation, products of activations.
#[test]
fn attention() {
    same_bytes(&common::model("vit_mnist"));
}

/// A last stage on the host, in float.
#[test]
fn host_stages() {
    same_bytes(&common::model("ctc_digits"));
}

#[test]
fn recurrent_layers() {
    if let Some(model) = common::shared_model("crnn_digits") {
        same_bytes(&model);
    }
}
