//! Damaged and hostile models. Sound ones are tested operator by operator in `tests/operators.rs`.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use prost::Message;

use super::proto::*;
use super::{Imported, Shapes, import, operators};
use crate::error::Result;
use crate::graph::{BinaryKind, Graph, Op, ReduceKind, UnaryKind};
use crate::testing::{all_models, models};
use crate::{float, simplify};
use tilewright_random::Random;

fn import_bytes(bytes: &[u8], name: &str) -> Result<Imported> {
    super::import_bytes(bytes, name, None, &Shapes::new())
}

/// The operator cases, small enough to damage at every byte.
fn cases() -> &'static [Vec<u8>] {
    static CASES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    CASES.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operators");
        let mut paths: Vec<_> = fs::read_dir(folder)
            .expect("the cases are part of the project")
            .map(|e| e.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "onnx"))
            .collect();
        paths.sort();
        paths.iter().map(|p| fs::read(p).unwrap()).collect()
    })
}

/// Imports bytes; whatever is accepted must be sound enough to run, if that takes no gigabytes.
fn swallow(bytes: &[u8]) {
    let Ok(imported) = import_bytes(bytes, "damaged") else {
        return;
    };
    let graph = imported.graph;
    graph.verify().expect("imports are verified");
    let size = |g: &Graph| g.values.iter().map(|v| v.shape.iter().product::<usize>()).sum::<usize>();
    if size(&graph) > 1 << 16 || graph.macs() > 1 << 22 {
        return;
    }
    let inputs = |g: &Graph| {
        let input = |id: &_| ndarray::ArrayD::<f32>::ones(ndarray::IxDyn(g.shape(*id)));
        g.inputs.iter().map(input).collect::<Vec<_>>()
    };
    float::run(&graph, &inputs(&graph)).expect("a verified graph runs");
    if let Ok(simple) = simplify::run(graph) {
        float::run(&simple, &inputs(&simple)).expect("a simplified graph runs");
    }
}

#[test]
fn every_truncation_of_every_case_is_survived() {
    for bytes in cases() {
        for end in 0..bytes.len() {
            swallow(&bytes[..end]);
        }
    }
}

#[test]
fn truncations_and_flips_of_a_real_model_are_survived() {
    let Some(folder) = models().into_iter().next() else {
        return;
    };
    let bytes = fs::read(folder.join("model.onnx")).unwrap();
    for step in 0..200 {
        let at = bytes.len() * step / 200;
        let e = import_bytes(&bytes[..at], "cut");
        assert!(e.is_err(), "{at} bytes are no whole model");
    }
    // The structure lies at the two ends, the weights between.
    let ends = (0..600).chain(bytes.len() - 600..bytes.len());
    for at in ends {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let _ = import_bytes(&damaged, "flipped");
    }
}

proptest! {
    #![proptest_config(crate::testing::same_cases(4000))]

    #[test]
    fn random_damage_is_survived(
        case: prop::sample::Index,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = case.get(cases()).clone();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        swallow(&bytes);
    }

    #[test]
    fn wrong_numbers_and_names_are_survived(case: prop::sample::Index, seed: u64) {
        let mut model = ModelProto::decode(case.get(cases()).as_slice()).unwrap();
        let mut random = Random::new(seed);
        for _ in 0..1 + random.below(3) {
            distort(&mut model, &mut random);
        }
        swallow(&model.encode_to_vec());
    }

    #[test]
    fn random_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        swallow(&bytes);
    }
}

/// Changes one thing that stays a well-formed message: what plain damage seldom reaches.
fn distort(model: &mut ModelProto, random: &mut Random) {
    const NUMBERS: [i64; 16] =
        [0, 1, 2, 3, 4, 7, 9, 12, -1, -2, 63, 1 << 28, 1 << 31, 1 << 62, i64::MAX, i64::MIN];
    const OPERATORS: [&str; 28] = [
        "Add",
        "Sub",
        "Pad",
        "Split",
        "Expand",
        "Resize",
        "Upsample",
        "ReduceSum",
        "LayerNormalization",
        "ConvTranspose",
        "LSTM",
        "GRU",
        "SpaceToDepth",
        "Concat",
        "Reshape",
        "Gather",
        "Slice",
        "Squeeze",
        "Unsqueeze",
        "Shape",
        "Conv",
        "MatMul",
        "Softmax",
        "Transpose",
        "QuantizeLinear",
        "DequantizeLinear",
        "QLinearConv",
        "MatMulInteger",
    ];
    let number = NUMBERS[random.below(16)];
    let Some(graph) = &mut model.graph else {
        return;
    };
    let node = random.below(graph.node.len());
    let node = &mut graph.node[node];
    let attribute = random.below(node.attribute.len().max(1));
    let dims = match random.below(2) {
        0 => {
            let input = random.below(graph.input.len());
            let shape = graph.input[input].r#type.as_mut();
            let shape = shape.and_then(|t| t.tensor_type.as_mut()).and_then(|t| t.shape.as_mut());
            let dims = shape.map(|s| s.dim.iter_mut()).into_iter().flatten();
            dims.filter_map(|d| d.dim_value.as_mut()).collect::<Vec<_>>()
        }
        _ => graph.initializer.iter_mut().flat_map(|t| t.dims.iter_mut()).collect(),
    };
    match random.below(8) {
        0 => node.op_type = OPERATORS[random.below(28)].to_owned(),
        1 => model.opset_import[0].version = 7 + random.below(16) as i64,
        2 if !node.input.is_empty() => {
            node.input.remove(0);
        }
        3 => node.input.push("x".to_owned()),
        4 => {
            if let Some(dim) = dims.into_iter().next() {
                *dim = number;
            }
        }
        5 if !graph.initializer.is_empty() => {
            // As if a list of numbers were given: shapes, axes, starts, indices.
            let tensor = random.below(graph.initializer.len());
            let tensor = &mut graph.initializer[tensor];
            let list: Vec<i64> = (0..random.below(5)).map(|_| NUMBERS[random.below(16)]).collect();
            *tensor = TensorProto {
                dims: vec![list.len() as i64],
                data_type: data_type::INT64,
                int64_data: list,
                name: tensor.name.clone(),
                ..TensorProto::default()
            };
        }
        _ => {
            if let Some(a) = node.attribute.get_mut(attribute) {
                a.i = number;
                for i in &mut a.ints {
                    if random.below(2) == 0 {
                        *i = NUMBERS[random.below(16)];
                    }
                }
            }
        }
    }
}

#[test]
fn all_models_of_the_zoo_import() {
    for folder in all_models() {
        let imported = import(&folder.join("model.onnx")).unwrap();
        assert!(imported.warnings.is_empty(), "{:?}", imported.warnings);
        assert!(imported.graph.macs() > 0);
    }
}

/// Every operator of ONNX's own domain is read, or there is a reason why not. The list is that of the package `onnx` 1.17
/// (`onnx.defs.get_all_schemas()`), without what is deprecated.
#[test]
fn every_operator_of_the_standard_is_read_or_has_a_reason() {
    let read = operators();
    for name in include_str!("../../tests/onnx_operators.txt").lines() {
        let is_read = read.iter().any(|o| o.name == name);
        assert!(is_read != super::document::why_not(name).is_some(), "{name} is read: {is_read}");
    }
}

/// The table for people and the importer's own know the same operators.
#[test]
fn the_table_lists_what_is_imported() {
    let operators = operators();
    let names: Vec<&str> = operators.iter().map(|o| o.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    let unknown = |name: &str| {
        let bytes = one(name, &[1, 2, 8, 8], &[], vec![]);
        let mut model = ModelProto::decode(bytes.as_slice()).unwrap();
        let node = &mut model.graph.as_mut().unwrap().node[0];
        let row = operators.iter().find(|o| o.name == name);
        if row.is_some_and(|o| o.limits.starts_with("domain com.microsoft")) {
            node.domain = "com.microsoft".to_owned();
        }
        if name == "Swish" {
            model.opset_import[0].version = 24;
        }
        let result = import_bytes(&model.encode_to_vec(), "listed");
        result.is_err_and(|e| {
            let message = &e.report().message;
            message.starts_with("the operator is not supported") || message.starts_with("operator domain")
        })
    };
    assert!(unknown("Loop"));
    for name in &names {
        assert!(!unknown(name), "{name} is listed but not imported");
    }
    let families = UnaryKind::ALL.iter().map(|e| e.1);
    let families =
        families.chain(BinaryKind::ALL.iter().map(|e| e.1)).chain(ReduceKind::ALL.iter().map(|e| e.1));
    for name in families {
        assert!(names.contains(&name), "{name} is imported but not listed");
    }
    // Swish exists in the graph only: ONNX has it from opset 24 on.
}

/// Runtimes differ in whether a function goes before the operator of its name, so neither is taken.
#[test]
fn a_function_of_the_name_of_an_operator_is_refused() {
    let relu = ModelProto::decode(one("Relu", &[1, 2, 8, 8], &[], vec![]).as_slice()).unwrap();
    let body = NodeProto {
        input: vec!["a".into()],
        output: vec!["b".into()],
        op_type: "Abs".into(),
        ..NodeProto::default()
    };
    let import = |name: &str, domain: &str, called: &str| {
        let mut model = relu.clone();
        model.functions.push(FunctionProto {
            name: name.into(),
            domain: domain.into(),
            input: body.input.clone(),
            output: body.output.clone(),
            node: vec![body.clone()],
            ..FunctionProto::default()
        });
        let call = &mut model.graph.as_mut().unwrap().node[0];
        (call.op_type, call.domain) = (name.into(), called.into());
        import_bytes(&model.encode_to_vec(), "overriding")
    };
    for (domain, called) in [("", ""), ("ai.onnx", ""), ("", "ai.onnx"), ("com.microsoft", "com.microsoft")] {
        let message = import("Relu", domain, called).unwrap_err().to_string();
        assert!(message.contains("an operator of its domain too"), "{domain:?} {called:?}: {message}");
    }
    for (name, domain) in [("Relu", "mine"), ("Mine", ""), ("Mine", "com.microsoft")] {
        let graph = import(name, domain, domain).unwrap().graph;
        assert_eq!(graph.nodes[0].op, Op::Unary { kind: UnaryKind::Abs }, "{name} {domain}");
    }
}

/// Products counted by hand from the training script: 5x5 and 5x5 convolutions, then three layers.
#[test]
fn lenet_is_what_its_script_says() {
    let Some(folder) = models().into_iter().next() else {
        return;
    };
    let graph = import(&folder.join("model.onnx")).unwrap().graph;
    let convolutions = graph.nodes.iter().filter(|n| matches!(n.op, Op::Conv { .. }));
    let products = convolutions.map(|n| graph.node_macs(n)).collect::<Vec<_>>();
    assert_eq!(products.len(), 2);
    assert_eq!(graph.shape(graph.inputs[0]), [1, 1, 28, 28]);
    assert_eq!(graph.shape(graph.outputs[0]), [1, 10]);
}

// Models written out here, for what the onnx package refuses to write.

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i, r#type: attribute_type::INT, ..AttributeProto::default() }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints: ints.to_vec(),
        r#type: attribute_type::INTS,
        ..AttributeProto::default()
    }
}

fn info(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = dims.iter().map(|&d| DimensionProto { dim_value: Some(d), dim_param: None });
    let shape = Some(TensorShapeProto { dim: dim.collect() });
    let tensor_type = Some(TensorTypeProto { elem_type: data_type::FLOAT, shape });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
}

/// A model of one node from x to y, with weights w where the shape is not empty.
fn one(op: &str, x: &[i64], w: &[i64], attribute: Vec<AttributeProto>) -> Vec<u8> {
    let mut input = vec!["x".to_owned()];
    let mut initializer = Vec::new();
    if !w.is_empty() {
        input.push("w".to_owned());
        let count: i64 = w.iter().product();
        initializer.push(TensorProto {
            dims: w.to_vec(),
            data_type: data_type::FLOAT,
            float_data: vec![1.0; count as usize],
            name: "w".to_owned(),
            ..TensorProto::default()
        });
    }
    let node = NodeProto {
        input,
        output: vec!["y".to_owned()],
        op_type: op.to_owned(),
        attribute,
        ..NodeProto::default()
    };
    let graph = GraphProto {
        node: vec![node],
        initializer,
        input: vec![info("x", x)],
        output: vec![info("y", &[])],
        ..GraphProto::default()
    };
    let model = ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

/// As the standard says; a model of numbers that are none has no ranges, so these are no cases of operators.
#[test]
fn infinities_are_found_by_their_signs() {
    let x = ndarray::arr1(&[f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0, 0.0, -3e38]).into_dyn();
    let (neither, up, down) = (vec![], [1.0, 0.0], [0.0, 1.0]);
    for (attributes, want) in [
        (neither, [1.0, 1.0]),
        (vec![int("detect_negative", 0)], up),
        (vec![int("detect_positive", 0)], down),
    ] {
        let graph = import_bytes(&one("IsInf", &[6], &[], attributes), "is_inf").unwrap().graph;
        let y = float::run(&graph, std::slice::from_ref(&x)).unwrap().remove(0);
        assert_eq!(y.as_slice().unwrap(), [&want[..], &[0.0; 4]].concat());
    }
}

/// Each number is absurd in its own place; none may overflow or reserve memory.
#[test]
fn absurd_numbers_are_refused_with_a_message() {
    let most = i64::MAX;
    let image = [1, 2, 8, 8];
    let rows = [
        one("Relu", &[1, most, most, most], &[], vec![]),
        one("Relu", &[1, 1 << 20, 1 << 20], &[], vec![]),
        one("Conv", &image, &[2, 2, 3, 3], vec![ints("pads", &[most; 4])]),
        one("Conv", &image, &[2, 2, 3, 3], vec![ints("pads", &[1 << 27; 4])]),
        one("Conv", &image, &[2, 2, 3, 3], vec![ints("strides", &[most; 2])]),
        one("Conv", &image, &[2, 2, 3, 3], vec![ints("strides", &[0; 2])]),
        one("Conv", &image, &[2, 2, 3, 3], vec![ints("dilations", &[most; 2])]),
        one("Conv", &image, &[2, 2, 3, 3], vec![ints("dilations", &[1])]),
        one("Conv", &image, &[2, 2, 3, 3], vec![int("group", -1)]),
        one("Conv", &image, &[2, 2, 3, 3], vec![int("group", most)]),
        one("MaxPool", &image, &[], vec![ints("kernel_shape", &[1 << 28; 2])]),
        one("MaxPool", &image, &[], vec![ints("kernel_shape", &[i64::MIN, 1])]),
        one("MaxPool", &image, &[], vec![]),
        one("MaxPool", &image, &[], vec![ints("kernel_shape", &[2, 2]), ints("kernel_shape", &[2, 2])]),
        one("Transpose", &image, &[], vec![ints("perm", &[0, 1, 2, most])]),
        one("Transpose", &image, &[], vec![ints("perm", &[-1, 0, 1, 2])]),
        one("Flatten", &image, &[], vec![int("axis", i64::MIN)]),
        one("Softmax", &image, &[], vec![int("axis", most)]),
        one("DepthToSpace", &image, &[], vec![int("blocksize", most)]),
        one("DepthToSpace", &image, &[], vec![int("blocksize", 0)]),
        one("Concat", &image, &[], vec![]),
        one("Add", &image, &[2, 3], vec![]),
    ];
    for (row, bytes) in rows.iter().enumerate() {
        match import_bytes(bytes, "absurd") {
            Ok(imported) => panic!("row {row} is not refused: {}", imported.graph),
            Err(e) => assert!(e.to_string().starts_with("error[import]: absurd: "), "{e}"),
        }
    }
    // The same builder makes a model that is fine, so the refusals are for the numbers.
    import_bytes(&one("Conv", &image, &[2, 2, 3, 3], vec![]), "fine").unwrap();
}

#[test]
fn an_open_batch_becomes_one_with_a_note() {
    for batch in [0, -1] {
        let bytes = one("Relu", &[batch, 3], &[], vec![]);
        let imported = import_bytes(&bytes, "open").unwrap();
        assert_eq!(imported.graph.shape(imported.graph.inputs[0]), [1, 3]);
        assert_eq!(imported.warnings[0], "input \"x\": the open batch size becomes 1");
    }
    let bytes = one("Relu", &[1, 0], &[], vec![]);
    assert!(import_bytes(&bytes, "open").is_err());
}

/// What numpy and ml_dtypes make of these numbers.
#[test]
fn narrow_real_numbers_are_the_nearest() {
    let rows = [
        (data_type::FLOAT16, 1.0 / 3.0, 0.333_251_95),
        (data_type::FLOAT16, -65_519.0, -65_504.0),
        (data_type::FLOAT16, 65_520.0, f32::INFINITY),
        (data_type::FLOAT16, 6e-8, 5.960_464_5e-8),
        (data_type::FLOAT16, 2.980_232_2e-8, 0.0),
        (data_type::FLOAT16, 2049.0, 2048.0),
        (data_type::BFLOAT16, 1.0 / 3.0, 0.333_984_38),
        (data_type::BFLOAT16, 1.003_906_2, 1.0),
        (data_type::BFLOAT16, -3.4e38, f32::NEG_INFINITY),
        (data_type::FLOAT, 1.0 / 3.0, 1.0 / 3.0),
    ];
    for (code, x, want) in rows {
        assert_eq!(super::tensor::narrowed(x, code), want, "{x} in {}", super::tensor::type_name(code));
    }
}

/// Constants are rounded as the standard says; what is computed is not, which is told.
#[test]
fn casts_to_narrow_real_numbers_are_told() {
    for (code, name, third) in
        [(data_type::FLOAT16, "FLOAT16", 0.333_251_95), (data_type::BFLOAT16, "BFLOAT16", 0.333_984_38)]
    {
        let told = |warnings: &[String]| {
            let told = format!("gives {name}, which is computed in float32");
            warnings.iter().any(|warning| warning.ends_with(&told))
        };
        let to = || vec![int("to", code.into())];
        let imported = import_bytes(&one("Cast", &[2], &[], to()), "computed").unwrap();
        assert!(told(&imported.warnings), "{:?}", imported.warnings);
        let mut model = ModelProto::decode(one("Mul", &[2], &[2], vec![]).as_slice()).unwrap();
        let graph = model.graph.as_mut().unwrap();
        graph.initializer[0].float_data = vec![1.0 / 3.0; 2];
        graph.node[0].input[1] = "narrow".into();
        let (input, output) = (vec!["w".into()], vec!["narrow".into()]);
        let cast =
            NodeProto { op_type: "Cast".into(), input, output, attribute: to(), ..NodeProto::default() };
        graph.node.insert(0, cast);
        let imported = import_bytes(&model.encode_to_vec(), "constant").unwrap();
        assert!(!told(&imported.warnings), "{:?}", imported.warnings);
        let y = float::run(&imported.graph, &[ndarray::arr1(&[1.0, 2.0]).into_dyn()]).unwrap().remove(0);
        assert_eq!(y.as_slice().unwrap(), [third, 2.0 * third]);
    }
}

#[test]
fn stale_output_shapes_are_noted() {
    let bytes = one("Relu", &[1, 3], &[], vec![]);
    let imported = import_bytes(&bytes, "stale").unwrap();
    assert!(imported.warnings[0].contains("computes to [1, 3]"));
}

/// What is written has ONNX's types: truths and indices become float32 before anything else reads them.
#[test]
fn written_models_have_the_types_of_onnx() {
    const TRUTHS: [&str; 11] = [
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
        "And",
        "Or",
        "Xor",
        "Not",
        "IsNaN",
        "IsInf",
    ];
    const INDICES: [&str; 4] = ["ArgMax", "ArgMin", "Shape", "NonZero"];
    let mut seen = std::collections::BTreeSet::new();
    for bytes in cases() {
        let Ok(imported) = import_bytes(bytes, "case") else { continue };
        let names = |kind: &str, count: usize| (0..count).map(|n| format!("{kind}{n}")).collect::<Vec<_>>();
        let graph = &imported.graph;
        let written =
            super::write(graph, &names("in", graph.inputs.len()), &names("out", graph.outputs.len()));
        // What ONNX cannot say is refused by name.
        let Ok(written) = written else { continue };
        let Some(graph) = ModelProto::decode(written.as_slice()).unwrap().graph else { panic!("no graph") };
        for node in &graph.node {
            let operator = node.op_type.as_str();
            let results = match operator {
                "TopK" => &node.output[1..],
                _ if TRUTHS.contains(&operator) || INDICES.contains(&operator) => &node.output[..],
                _ => continue,
            };
            for result in results {
                seen.insert(operator.to_owned());
                let as_it_is = graph.node.iter().any(|n| n.op_type != "Cast" && n.input.contains(result))
                    || graph.output.iter().any(|output| output.name == *result);
                assert!(!as_it_is, "{operator}: {result} is read as float32");
            }
        }
    }
    assert!(seen.len() >= 7, "only {seen:?}");
}
