//! The table of operators as a document, and why others are not read.

use super::table::{MachineSupport, Operator, operators};
use std::fmt::Write;

/// Operators of ONNX that are not read, with the reason and what to try.
pub const NOT_READ: &[(&[&str], &str, &str)] = &[
    (
        &["Compress", "NonMaxSuppression", "Unique"],
        "the shape of its result depends on the data",
        "cut the graph before it: what is detected is sorted out by the program around the network",
    ),
    (
        &["Loop", "Scan", "SequenceMap"],
        "its body runs a number of times",
        "export with the loop unrolled, a traced model has none; recurrent layers as LSTM, GRU or RNN",
    ),
    (
        &[
            "Bernoulli",
            "Multinomial",
            "RandomNormal",
            "RandomNormalLike",
            "RandomUniform",
            "RandomUniformLike",
        ],
        "its result is random, so there is nothing to compare with",
        "make the noise an input of the network",
    ),
    (
        &["BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor"],
        "whole numbers that are computed are kept as real numbers, which have no bits to combine",
        "compute it outside of the network",
    ),
    (
        &["MelWeightMatrix"],
        "its result is a constant that exporters store",
        "constant-fold the model (onnxsim)",
    ),
    (
        &[
            "ImageDecoder",
            "RegexFullMatch",
            "StringConcat",
            "StringNormalizer",
            "StringSplit",
            "TfIdfVectorizer",
        ],
        "it reads text or files, not numbers",
        "cut the graph behind it",
    ),
    (
        &["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"],
        "it is a loss of training",
        "export the model for inference, without it",
    ),
    (
        &["Optional", "OptionalGetElement", "OptionalHasElement", "SequenceErase"],
        "no exporter that was met writes it",
        "constant-fold the model (onnxsim), or export it without optional inputs",
    ),
];

/// Why an operator of ONNX is not read, and what to try.
pub(super) fn why_not(name: &str) -> Option<(&'static str, &'static str)> {
    NOT_READ.iter().find(|(names, ..)| names.contains(&name)).map(|&(_, why, hint)| (why, hint))
}

/// The table as the Markdown of `docs/operators.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Operators\n\n\
         Generated from `compiler/src/onnx/table.rs`; a test compares. ONNX opset 7 to 25, float32 (float16, bfloat16 and float64 are computed in it; or\n\
         quantised: int4, uint4, int8, uint8, int16, uint16, int32 tensors between QuantizeLinear and DequantizeLinear), static\n\
         shapes (an open batch becomes 1; other open extents are those of `--shape` or of the samples) without empty tensors, tensors of any rank where nothing\n\
         else is said. Inputs may also be int64, int32 (tokens, places) and bool: whole numbers up to 2^24 are exact, and the host computes with them. What is constant is computed while importing, whole numbers and truth values of any rank too: the operators marked\n\
         *of constants*, and arithmetic, reductions and moves of elements. Nodes that no output\n\
         comes of are left out. What is not listed is refused with the node's name.\n\n\
         The float reference runs every operator of the table. *Machine*: `yes` with its limits; `-` for what\n\
         is computed while compiling or moves nothing; `host` for what runs in float between the machine's\n\
         stages, as does whatever is outside of the limits. `compile` lists that with the reason, and\n\
         `--deny-host` refuses it.\n\n\
         | operator | attributes | limits | float reference | machine |\n|---|---|---|---|---|\n",
    );
    for o in operators() {
        let machine = match o.machine {
            MachineSupport::Runs("") => "yes".to_owned(),
            MachineSupport::Runs(limits) => format!("yes: {limits}"),
            MachineSupport::Free => "-".to_owned(),
            MachineSupport::Host => "host".to_owned(),
        };
        let Operator { name, attributes, limits, .. } = o;
        writeln!(text, "| {name} | {attributes} | {limits} | yes | {machine} |")
            .expect("strings take all text");
    }
    text.push_str(
        "\n## Not read\n\n\
         The other operators of ONNX's own domain, with the reason.\n\n\
         | operators | why | try |\n|---|---|---|\n",
    );
    for (names, why, hint) in NOT_READ {
        writeln!(text, "| {} | {why} | {hint} |", names.join(", ")).expect("strings take all text");
    }
    text
}
