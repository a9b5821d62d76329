//! The ONNX project's own tests of single operators, against the float reference.
//!
//! They lie in the Python package `onnx`, in `backend/test/data/node`. The folder is looked for in the
//! environment variable `TILEWRIGHT_ONNX_NODES`, then beside an installed `onnx`; without it the test
//! says so and passes. Integer inputs become constants (shapes and indices are known while compiling)
//! but the first of the operators of quantised models.
//! A test whose model is refused counts as refused; a result that differs fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::{ArrayD, IxDyn};
use prost::Message;
use tilewright_compiler::{float, onnx};

/// As the ONNX project's own runner: relative, or absolute near zero.
const TOLERANCE: (f32, f32) = (1e-3, 1e-5);

/// Every reason for a refusal, in part, so that a new one is looked at. `docs/operators.md` lists what
/// is supported; operators without a line there, integers, text, sequences and training are not.
const REASONS: [&str; 38] = [
    "a dilated average is not supported",
    "an input is no tensor",
    "an output is no float32 or quantised tensor",
    "blocks of an axis",
    "computes its scale from the data",
    "computes in float32",
    "cannot compute in",
    "computes its own statistics",
    "does not say which ONNX opset",
    "drops elements at random",
    "element type",
    "has no fixed extent",
    "has no inputs",
    "holds integers, not floats",
    "input 1 is computed",
    "is neither a line",
    "reads \"z\", a result of node",
    "stored in segments",
    "the extra result",
    "the integer tensor is too large",
    "the model uses opset",
    "the operator is not supported",
    // Empty tensors.
    "does not divide axis",
    "is -inf",
    "is NaN",
    "is empty",
    "[3, 4, 0] of [1, 3, 4] has no elements",
    "the slice of axis 1 of [20, 10, 5] is empty",
    "spans more than one plane of its depth",
    "supported on constants alone",
    "must have two extents, rows and columns",
    "is not that of images",
    "pools volumes",
    "it is a sequence of them",
    "a dilated sum is not",
    "only images",
    "wrong data: ",
    // Sequences, whose files are no tensors.
    "is too large to handle",
];

/// Tests whose stored data is wrong, by the start of their names. The first expects an int8 result that
/// wraps around where the standard, and ONNX Runtime, saturate; the others store bfloat16 as uint16.
const WRONG: [&str; 8] = [
    "test_qlinearmatmul_2D_int8",
    "test_qlinearmatmul_3D_int8",
    "test_castlike_BFLOAT16_to_FLOAT",
    "test_cast_FLOAT_to_BFLOAT16",
    "test_castlike_FLOAT_to_BFLOAT16",
    // Right by the text alone. ONNX Runtime, as PyTorch, aligns corners by the rounded size, and counts Indices in the
    // output_shape: what is held against its results follows it.
    "test_maxunpool_export_with_output_shape",
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
];

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    int32_data: Vec<i32>,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

const FLOAT: i32 = 1;

/// Codes of the integer types of quantised models and of results, their bytes, and how to read them.
type Reader = fn(&[u8]) -> f32;
const INTEGERS: [(i32, usize, Reader); 7] = [
    (2, 1, |b| f32::from(b[0])),
    (3, 1, |b| f32::from(b[0] as i8)),
    (4, 2, |b| f32::from(u16::from_le_bytes([b[0], b[1]]))),
    (5, 2, |b| f32::from(i16::from_le_bytes([b[0], b[1]]))),
    (6, 4, |b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f32),
    // Indices and truth values.
    (7, 8, |b| i64::from_le_bytes(b.try_into().expect("chunks of eight")) as f32),
    (9, 1, |b| f32::from(b[0])),
];

/// Operators whose integer inputs are data.
const QUANTISED: [&str; 5] =
    ["ConvInteger", "DequantizeLinear", "MatMulInteger", "QLinearConv", "QLinearMatMul"];

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, tag = "4")]
    op_type: String,
}

#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

impl Tensor {
    /// The tensor as an array, if it holds float32.
    fn floats(&self) -> Option<ArrayD<f32>> {
        let data = match self.raw_data.as_slice() {
            [] => self.float_data.clone(),
            raw => raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        };
        (self.data_type == FLOAT).then(|| self.array(data)).flatten()
    }

    /// The tensor as whole numbers, if it is of one of these types.
    fn whole(&self) -> Option<ArrayD<f32>> {
        let (_, width, read) = INTEGERS.iter().find(|e| e.0 == self.data_type)?;
        self.array(match self.raw_data.as_slice() {
            [] => self.int32_data.iter().map(|&v| v as f32).collect(),
            raw => raw.chunks_exact(*width).map(read).collect(),
        })
    }

    fn array(&self, data: Vec<f32>) -> Option<ArrayD<f32>> {
        let shape: Vec<usize> = self.dims.iter().map(|&d| d as usize).collect();
        ArrayD::from_shape_vec(IxDyn(&shape), data).ok()
    }
}

/// A field of bytes in the encoding of protocol buffers.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut result = vec![tag << 3 | 2];
    prost::encoding::encode_varint(bytes.len() as u64, &mut result);
    result.extend(bytes);
    result
}

/// The folder with the tests.
fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("TILEWRIGHT_ONNX_NODES") {
        return Some(PathBuf::from(folder));
    }
    let ask = "import os, onnx; print(os.path.dirname(onnx.__file__))";
    let answer = Command::new("python3").args(["-c", ask]).output().ok()?;
    let package = String::from_utf8(answer.stdout).ok()?;
    let folder = Path::new(package.trim()).join("backend/test/data/node");
    (answer.status.success() && folder.is_dir()).then_some(folder)
}

/// What became of a test.
enum Outcome {
    Passed,
    Refused(String),
    Failed(String),
}

fn read(path: &Path) -> Option<Tensor> {
    Tensor::decode(fs::read(path).ok()?.as_slice()).ok()
}

fn numbered(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let path = |n: usize| folder.join(format!("{kind}_{n}.pb"));
    (0..).map(path).take_while(|p| p.exists()).collect()
}

/// A model with its inputs from `from` on as constants, and the arrays of the others; integers are
/// always constants.
fn prepare(case: &Path, from: usize) -> Result<(Vec<u8>, Vec<ArrayD<f32>>), String> {
    let mut bytes = fs::read(case.join("model.onnx")).map_err(|_| "there is no model")?;
    let model = Model::decode(bytes.as_slice()).map_err(|_| "the model cannot be decoded")?;
    let graph = model.graph.ok_or("the model holds no graph")?;
    let data = |t: &Tensor| match graph.node.iter().any(|n| QUANTISED.contains(&n.op_type.as_str())) {
        true => t.floats().or_else(|| t.whole()),
        false => t.floats(),
    };
    let mut inputs = Vec::new();
    let files = numbered(&case.join("test_data_set_0"), "input");
    for (i, (input, path)) in graph.input.iter().zip(files).enumerate() {
        let tensor = read(&path).ok_or("an input is no tensor")?;
        match data(&tensor).filter(|_| i < from) {
            Some(array) => inputs.push(array),
            None => {
                // Messages merge: an initialiser added behind the model becomes a part of its graph.
                let raw = fs::read(&path).map_err(|e| e.to_string())?;
                let named = [raw, field(8, input.name.as_bytes())].concat();
                bytes.extend(field(7, &field(5, &named)));
            }
        }
    }
    Ok((bytes, inputs))
}

fn run(case: &Path) -> Outcome {
    // Operators that want constant scales or bounds are tested with inputs in their place.
    let mut refusal = String::new();
    for from in [usize::MAX, 1] {
        let (bytes, inputs) = match prepare(case, from) {
            Ok(prepared) => prepared,
            Err(why) => return Outcome::Refused(why),
        };
        match onnx::import_bytes(&bytes, "model.onnx", None, &onnx::Shapes::new()) {
            Ok(imported) => return compare(case, &imported.graph, &inputs),
            Err(e) if from == 1 => refusal = e.report().message.clone(),
            Err(e) if !e.report().message.contains("must be a constant") => {
                return Outcome::Refused(e.report().message.clone());
            }
            Err(_) => {}
        }
    }
    Outcome::Refused(refusal)
}

fn compare(case: &Path, graph: &tilewright_compiler::graph::Graph, inputs: &[ArrayD<f32>]) -> Outcome {
    let data = case.join("test_data_set_0");
    let results = match float::run(graph, inputs) {
        Ok(results) => results,
        Err(e) => return Outcome::Failed(e.to_string()),
    };
    for (y, path) in results.iter().zip(numbered(&data, "output")) {
        let Some(expected) = read(&path).and_then(|t| t.floats().or_else(|| t.whole())) else {
            return Outcome::Refused("an output is no float32 or quantised tensor".into());
        };
        if y.shape() != expected.shape() {
            return Outcome::Failed(format!("shape {:?}, not {:?}", y.shape(), expected.shape()));
        }
        let close = |(&y, &e): (&f32, &f32)| {
            y == e || y.is_nan() && e.is_nan() || (y - e).abs() <= TOLERANCE.1 + TOLERANCE.0 * e.abs()
        };
        if let Some(i) = y.iter().zip(&expected).position(|pair| !close(pair)) {
            let (y, e) = (y.iter().nth(i), expected.iter().nth(i));
            return Outcome::Failed(format!("element {i} is {y:?}, not {e:?}"));
        }
    }
    Outcome::Passed
}

#[test]
fn float_reference_passes_the_onnx_node_tests() {
    let Some(folder) = folder() else {
        eprintln!(
            "SKIPPED: no ONNX node tests; set TILEWRIGHT_ONNX_NODES or install the Python package onnx"
        );
        return;
    };
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    cases.sort();
    let (mut passed, mut refused, mut failed) = (0, BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for case in &cases {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match run(case) {
            Outcome::Passed => passed += 1,
            Outcome::Refused(why) => refused.entry(why).or_default().push(name),
            Outcome::Failed(why) if WRONG.iter().any(|w| name.starts_with(w)) => {
                refused.entry(format!("wrong data: {why}")).or_default().push(name);
            }
            Outcome::Failed(why) => failed.push(format!("{name}: {why}")),
        }
    }
    for (why, names) in &refused {
        println!("refused, {why}: {}", names.join(" "));
    }
    for line in &failed {
        println!("FAILED {line}");
    }
    let count: usize = refused.values().map(Vec::len).sum();
    println!("ONNX node tests: {passed} passed, {count} refused, {} failed", failed.len());
    for why in refused.keys() {
        assert!(REASONS.iter().any(|r| why.contains(r)), "a new reason for a refusal: {why}");
    }
    assert!(failed.is_empty(), "{} node tests fail", failed.len());
    assert!(passed > 300, "only {passed} of {} node tests pass", cases.len());
}
