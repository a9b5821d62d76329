//! The operators that the importer knows, for people: attributes, limits, where each runs.

use crate::described;
use std::borrow::Cow;

/// Where the machine stands with an operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MachineSupport {
    /// It runs, within limits.
    Runs(&'static str),
    /// Computed while compiling, or no work at all.
    Free,
    /// The host runs it, between the machine's stages.
    Host,
}

/// A row of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operator {
    /// Name in ONNX.
    pub name: &'static str,
    /// Attributes and optional inputs that are read.
    pub attributes: Cow<'static, str>,
    /// What is refused, and what the graph makes of it where that is not the operator itself.
    pub limits: &'static str,
    /// Where the machine stands with it.
    pub machine: MachineSupport,
}

const fn row(
    name: &'static str,
    attributes: &'static str,
    limits: &'static str,
    machine: MachineSupport,
) -> Operator {
    Operator { name, attributes: Cow::Borrowed(attributes), limits, machine }
}

const KNOWN: &str = "of constants";
const SEQUENCE: &str = "sequences that are known while importing; constant positions";
const TRUTH: &str = "truth values are 1 and 0";
const MASK: &str = "infinities of a constant are the largest float32";
const INDEX: &str = "indices are floats";
const REDUCTION: &str = "axes, keepdims, noop_with_empty_axes";
const FORMS: &str = "activations must be the standard ones; no clip; all sequences of full length";
const UNROLLED: MachineSupport = Runs(
    "as products, sums and functions of each step; constant parameters, at most 256 steps of all directions",
);
const QUANTISED: &str = "constant scales and zero points, one or one for each index of an axis";
const MICROSOFT: &str = "domain com.microsoft; becomes DequantizeLinear, the operator, QuantizeLinear";
const AS_FLOAT: MachineSupport =
    MachineSupport::Runs("as the operator, with the model's integers and scales");
const STEPS: &str = "becomes DequantizeLinear, the operator, QuantizeLinear";
const TABLE: MachineSupport = Runs("as a table, of the layer before or on its own");
const TWO: MachineSupport = Runs("two activations, one of them perhaps repeated; or one constant a channel");
const VIEW: MachineSupport = Runs("by addressing; nothing moves");
use MachineSupport::{Free, Host, Runs};

/// Every operator of ONNX that the importer reads, sorted by name.
pub fn operators() -> Vec<Operator> {
    let described = described::ALL.iter().map(|d| {
        let names: Vec<&str> = d.attributes.iter().map(|a| a.name).collect();
        Operator { attributes: names.join(", ").into(), ..row(d.name, "", d.limits, Host) }
    });
    let mut all: Vec<Operator> = OPERATORS.iter().cloned().chain(described).collect();
    all.sort_by_key(|o| o.name);
    all
}

/// Those that are not described elsewhere.
const OPERATORS: &[Operator] = &[
    row("Abs", "", "", TABLE),
    row("Acos", "", "", TABLE),
    row("Acosh", "", "", TABLE),
    row("Add", "", MASK, TWO),
    row(
        "AffineGrid",
        "align_corners",
        "of images; constant size; becomes Transpose and MatMul",
        Runs("as MatMul"),
    ),
    row("And", "", "", Host),
    row("ArgMax", "axis, keepdims, select_last_index", INDEX, Host),
    row("ArgMin", "axis, keepdims, select_last_index", INDEX, Host),
    row("Asin", "", "", TABLE),
    row("Asinh", "", "", TABLE),
    row("Atan", "", "", TABLE),
    row("Atanh", "", "", TABLE),
    row(
        "Attention",
        "is_causal, kv_num_heads, q_num_heads, scale, softmax_precision (ignored)",
        "no cache, no softcap; constant masks of truth values; becomes MatMul, Add and Softmax",
        Runs("as those"),
    ),
    row(
        "AveragePool",
        "kernel_shape, strides, pads, auto_pad, ceil_mode, count_include_pad",
        "images, lines, volumes; no dilations",
        Runs(""),
    ),
    row(
        "BatchNormalization",
        "epsilon, momentum (ignored)",
        "inference form; spatial statistics",
        Runs("folded into the layer before"),
    ),
    row("BlackmanWindow", "periodic, output_datatype (ignored)", KNOWN, Free),
    row(
        "Cast",
        "to",
        "values to real numbers, bool and whole numbers of 8 to 64 bits; constants to these",
        Free,
    ),
    row(
        "CastLike",
        "",
        "as Cast, to float32 or to the whole numbers of a computed one; constants 0 and 1 to any type",
        Free,
    ),
    row("Ceil", "", "", TABLE),
    row("Celu", "alpha", "", TABLE),
    row(
        "CenterCropPad",
        "axes",
        "constant shape; becomes Slice and Pad",
        Runs("rows and columns: zeros; by addressing"),
    ),
    row(
        "Clip",
        "min, max (attributes or inputs)",
        "by computed bounds: Max and Min; of integers of quantised models: of those that a QuantizeLinear of constant scale made; an empty range is its maximum",
        Runs(""),
    ),
    row(
        "Col2Im",
        "strides, dilations, pads",
        "images; constant sizes; becomes ConvTranspose",
        Runs("as ConvTranspose"),
    ),
    row("Concat", "axis", "", Runs("of activations")),
    row("ConcatFromSequence", "axis, new_axis", "becomes Concat", Runs("of activations")),
    row("Constant", "value, value_float(s), value_int(s)", "dense numbers", Free),
    row("ConstantOfShape", "value", KNOWN, Free),
    row(
        "Conv",
        "kernel_shape, strides, dilations, pads, auto_pad, group",
        "images (N, C, H, W), lines (N, C, W) as images of height 1, volumes as up to 256 convolutions of images; no negative pads",
        Runs("constant weights"),
    ),
    row(
        "ConvInteger",
        "kernel_shape, strides, dilations, pads, auto_pad, group",
        "images; constant zero points; becomes DequantizeLinear and Conv",
        Runs("constant weights"),
    ),
    row(
        "ConvTranspose",
        "kernel_shape, strides, dilations, pads, auto_pad, group, output_padding, output_shape",
        "images (N, C, H, W), lines (N, C, W) as images of height 1, volumes as up to 256 convolutions of images, with explicit pads; no negative pads",
        Runs("constant weights; a convolution for each phase of the stride"),
    ),
    row("Cos", "", "", TABLE),
    row("Cosh", "", "", TABLE),
    row(
        "CumSum",
        "exclusive, reverse",
        "constant axis, of at most 2048 elements; becomes MatMul",
        Runs("as MatMul"),
    ),
    row(
        "DFT",
        "axis, inverse, onesided",
        "constant length and axis; onesided of real numbers; becomes MatMul",
        Runs("as MatMul"),
    ),
    row("DepthToSpace", "blocksize, mode", "images", Runs("")),
    row("DequantizeLinear", "axis", QUANTISED, Free),
    row(
        "Div",
        "",
        "by a constant a channel: folded into weights",
        Runs("by one constant a channel, or a constant by the operand"),
    ),
    row("Dropout", "ratio, seed (ignored)", "inference form; no mask", Free),
    row("DynamicQuantizeLinear", "", "of constants", Free),
    row(
        "Einsum",
        "equation",
        "no letter twice in an operand; becomes Transpose, MatMul, ReduceSum",
        Runs("as those"),
    ),
    row("Elu", "alpha", "", TABLE),
    row("Equal", "", TRUTH, Host),
    row("Erf", "", "as part of a GELU: Gelu", TABLE),
    row("Exp", "", "", TABLE),
    row("Expand", "", "constant shape", VIEW),
    row("EyeLike", "k, dtype", "", Free),
    row("Flatten", "axis", "", Free),
    row("Floor", "", "", TABLE),
    row("GRU", "direction, hidden_size, linear_before_reset, layout", FORMS, UNROLLED),
    row("Gather", "axis", "by computed indices: GatherElements", Runs("of neighbours, by addressing")),
    row("GatherElements", "axis", "by constant indices: Gather", Host),
    row("Gelu", "approximate", "", TABLE),
    row(
        "Gemm",
        "alpha, beta, transA, transB",
        "",
        Runs("any rows; the second operand constant, or an activation without addend"),
    ),
    row("GlobalAveragePool", "", "", Runs("")),
    row("GlobalLpPool", "p", "p 1 or 2; becomes ReduceL1 or ReduceL2", Host),
    row("GlobalMaxPool", "", "for images: MaxPool", Runs("")),
    row("Greater", "", TRUTH, Host),
    row("GreaterOrEqual", "", TRUTH, Host),
    row("GroupNormalization", "num_groups, epsilon", "becomes InstanceNormalization, Mul and Add", Host),
    row("HammingWindow", "periodic, output_datatype (ignored)", KNOWN, Free),
    row("HannWindow", "periodic, output_datatype (ignored)", KNOWN, Free),
    row("HardSigmoid", "alpha, beta", "", TABLE),
    row("HardSwish", "", "", TABLE),
    row("Hardmax", "axis", "becomes ArgMax and Equal", Host),
    row("Identity", "", "", Free),
    row("If", "then_branch, else_branch", "constant condition; the nodes of one branch", Free),
    row("InstanceNormalization", "epsilon", "", Host),
    row("IsInf", "detect_negative, detect_positive", TRUTH, Host),
    row("IsNaN", "", TRUTH, Host),
    row("LRN", "size, alpha, beta, bias", "becomes Mul, AveragePool, Add, Pow and Div", Host),
    row("LSTM", "direction, hidden_size, layout; peepholes", FORMS, UNROLLED),
    row("LayerNormalization", "axis, epsilon, stash_type (ignored)", "", Host),
    row("LeakyRelu", "alpha", "", Runs("")),
    row("Less", "", TRUTH, Host),
    row("LessOrEqual", "", TRUTH, Host),
    row("Log", "", "", TABLE),
    row("LogSoftmax", "axis", "", Host),
    row("LpNormalization", "axis, p", "becomes ReduceL1 or ReduceL2, Clip and Div", Host),
    row(
        "LpPool",
        "p, kernel_shape, strides, pads, auto_pad, ceil_mode",
        "images, lines; no dilations; becomes Mul or Abs and Pow, AveragePool, Mul, Sqrt or Pow",
        Runs("as those"),
    ),
    row("MatMul", "", "", Runs("any rows and batches; the second operand constant or an activation")),
    row("MatMulInteger", "", "constant zero points; becomes DequantizeLinear and MatMul", Runs("as MatMul")),
    row("Max", "", "any number of operands: two at a time", Runs("with one constant")),
    row(
        "MaxPool",
        "kernel_shape, strides, dilations, pads, auto_pad, ceil_mode, storage_order",
        "images, lines, volumes; with Indices, up to 2^24: also Gather and ArgMax",
        Runs("Indices on the host"),
    ),
    row(
        "MaxUnpool",
        "kernel_shape, strides, pads; output_shape",
        "images, lines, volumes; becomes ScatterElements",
        Host,
    ),
    row("Mean", "", "any number of operands: Add and Div", TWO),
    row("MeanVarianceNormalization", "axes", "becomes ReduceMean, Sub, Mul, Sqrt and Div", Host),
    row("Min", "", "any number of operands: two at a time", Runs("with one constant")),
    row("Mish", "", "", TABLE),
    row("Mod", "fmod", "with fmod 0: of whole numbers", Host),
    row("Mul", "", "by a constant a channel: folded into weights", TWO),
    row("Neg", "", "", TABLE),
    row("NonZero", "", KNOWN, Free),
    row("Not", "", "", Host),
    row("OneHot", "axis", "constant depth and values; becomes Equal, Mul and Add", Host),
    row("Or", "", "", Host),
    row("PRelu", "", "", Runs("one constant slope a channel")),
    row(
        "Pad",
        "mode, pads, value, axes",
        "constant amounts; reflect by less than the extent, wrap by at most it; infinities are the largest float32",
        Runs("rows and columns: zeros, reflect, edge"),
    ),
    row("Pow", "", "integer exponents must be constants", Runs("with one constant exponent")),
    row("QGemm", "alpha, transA, transB", MICROSOFT, AS_FLOAT),
    row("QLinearAdd", "", MICROSOFT, AS_FLOAT),
    row(
        "QLinearAveragePool",
        "kernel_shape, strides, pads, auto_pad, ceil_mode, count_include_pad, channels_last",
        "domain com.microsoft; as AveragePool, of volumes plane by plane; not channels_last",
        AS_FLOAT,
    ),
    row("QLinearConcat", "axis", MICROSOFT, AS_FLOAT),
    row(
        "QLinearConv",
        "kernel_shape, strides, dilations, pads, auto_pad, group",
        "images; becomes DequantizeLinear, Conv, QuantizeLinear",
        AS_FLOAT,
    ),
    row("QLinearGlobalAveragePool", "channels_last", "domain com.microsoft; not channels_last", AS_FLOAT),
    row("QLinearLeakyRelu", "alpha", MICROSOFT, AS_FLOAT),
    row("QLinearMatMul", "", STEPS, AS_FLOAT),
    row("QLinearMul", "", MICROSOFT, AS_FLOAT),
    row("QLinearSigmoid", "", MICROSOFT, AS_FLOAT),
    row("QLinearSoftmax", "axis, opset", MICROSOFT, Host),
    row(
        "QuantizeLinear",
        "axis, output_dtype, saturate (ignored)",
        QUANTISED,
        Runs("int8 and uint8 with one scale; int16 and uint16 on the host, with what is computed of them"),
    ),
    row(
        "RMSNormalization",
        "axis, epsilon, stash_type (ignored)",
        "becomes Mul, ReduceMean, Sqrt and Div",
        Host,
    ),
    row("RNN", "direction, hidden_size, layout", FORMS, UNROLLED),
    row("Range", "", KNOWN, Free),
    row("Reciprocal", "", "", TABLE),
    row("ReduceL1", REDUCTION, "constant axes", Host),
    row("ReduceL2", REDUCTION, "constant axes", Host),
    row("ReduceLogSum", REDUCTION, "constant axes", Host),
    row("ReduceLogSumExp", REDUCTION, "constant axes", Host),
    row("ReduceMax", REDUCTION, "constant axes", Host),
    row(
        "ReduceMean",
        REDUCTION,
        "constant axes; over all pixels: GlobalAveragePool",
        Runs("over rows and columns"),
    ),
    row("ReduceMin", REDUCTION, "constant axes", Host),
    row("ReduceProd", REDUCTION, "constant axes", Host),
    row("ReduceSum", REDUCTION, "constant axes", Host),
    row("ReduceSumSquare", REDUCTION, "constant axes", Host),
    row("Relu", "", "", Runs("")),
    row("Reshape", "allowzero", "constant shape", Free),
    row(
        "Resize",
        "mode, coordinate_transformation_mode, nearest_mode, cubic_coeff_a, exclude_outside, axes, keep_aspect_ratio_policy, antialias, extrapolation_value",
        "constant scales or sizes, and roi; with antialias or tf_crop_and_resize: becomes MatMul; corners as ONNX Runtime aligns them, by whole sizes; exclude_outside for cubic or antialias",
        Runs(
            "rows and columns; interpolation by whole factors in at most 256 phases, the rest in at most 64, borders included",
        ),
    ),
    row("Round", "", "", TABLE),
    row(
        "STFT",
        "onesided",
        "of real signals; constant step, window and length; becomes Conv",
        Runs("as Conv"),
    ),
    row("Selu", "alpha, gamma", "", TABLE),
    row("SequenceAt", "", SEQUENCE, Free),
    row("SequenceConstruct", "", SEQUENCE, Free),
    row("SequenceEmpty", "dtype (ignored)", SEQUENCE, Free),
    row("SequenceInsert", "", SEQUENCE, Free),
    row("SequenceLength", "", SEQUENCE, Free),
    row("Shape", "start, end", "", Free),
    row("Shrink", "lambd, bias", "", TABLE),
    row("Sigmoid", "", "times its operand: Swish", TABLE),
    row("Sign", "", "", TABLE),
    row("Sin", "", "", TABLE),
    row("Sinh", "", "", TABLE),
    row("Size", "", "", Free),
    row("Slice", "starts, ends, axes, steps", "constant bounds; not empty", VIEW),
    row("Softmax", "axis", "", Host),
    row("Softplus", "", "", TABLE),
    row("Softsign", "", "", TABLE),
    row("SpaceToDepth", "blocksize", "images", Runs("")),
    row("Split", "axis, split, num_outputs", "constant sizes; becomes a Slice for each result", VIEW),
    row("SplitToSequence", "axis, keepdims", "constant sizes; becomes a Slice for each part", VIEW),
    row("Sqrt", "", "", TABLE),
    row("Squeeze", "axes", "constant axes; becomes Reshape", Free),
    row("Sub", "", "of a constant: Add; infinities of a constant are the largest float32", TWO),
    row("Sum", "", "any number of operands: Add", TWO),
    row("Swish", "alpha", "from opset 24", TABLE),
    row("Tan", "", "", TABLE),
    row("Tanh", "", "", TABLE),
    row("ThresholdedRelu", "alpha", "", TABLE),
    row("Tile", "", "constant repeats; becomes Reshape and Expand", VIEW),
    row(
        "TopK",
        "axis, largest, sorted; K",
        "constant K; in order, the first of equals first; indices are floats",
        Host,
    ),
    row("Transpose", "perm", "", VIEW),
    row("Trilu", "upper", "constant diagonal; becomes Where", Runs("as Where")),
    row("Unsqueeze", "axes", "constant axes; becomes Reshape", Free),
    row("Upsample", "mode, scales", "constant scales; becomes Resize", Runs("as Resize")),
    row(
        "Where",
        "",
        "infinities of constants are the largest float32",
        Runs("constant condition: as Mul and Add, unless a side may be infinite where it is not chosen"),
    ),
    row("Xor", "", "", Host),
];
