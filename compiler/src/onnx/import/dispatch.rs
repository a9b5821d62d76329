//! Which importer an operator has.

use crate::error::Result;
use crate::graph::{BinaryKind, ReduceKind, UnaryKind};
use crate::onnx::call::Call;
use crate::onnx::document::why_not;
use crate::onnx::{
    activation, attention, branch, center, choice, constant, conv, described, einsum, elementwise, fold,
    matrix, max_places, moves, norm, pool, quantized, recurrent, reduce, resize, scatter, sequence, shape,
    spectrum, triangle,
};

/// Domain of ONNX Runtime's own operators.
const MICROSOFT: &str = "com.microsoft";

/// Whether operators of a domain have the meaning that this importer knows.
pub(in crate::onnx) fn knows(domain: &str) -> bool {
    is_onnx(domain) || domain == MICROSOFT
}

pub(in crate::onnx) fn is_onnx(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// The one table of operators.
pub(in crate::onnx) fn dispatch(call: &mut Call) -> Result<()> {
    if let Some(run) = quantised(call) {
        return run(call);
    }
    if !is_onnx(call.domain()) {
        return Err(match call.domain() {
            MICROSOFT => call.error("the operator is not supported").hint(
                "quantise with quant_format=QuantFormat.QDQ, or export without ONNX Runtime's own operators",
            ),
            domain => call
                .error(format!("operator domain {domain:?} is not supported"))
                .hint("export without custom operators"),
        });
    }
    if fold::applies(call) {
        return fold::run(call);
    }
    match call.operator() {
        "CenterCropPad" => center::center_crop_pad(call),
        "DFT" => spectrum::dft(call),
        "STFT" => spectrum::stft(call),
        "Conv" => conv::conv(call),
        "BatchNormalization" => norm::batch_normalization(call),
        "Relu" => activation::relu(call),
        "Clip" => activation::clip(call),
        "LeakyRelu" => activation::leaky_relu(call),
        "PRelu" => activation::prelu(call),
        "MaxPool" => pool::max_pool(call),
        "MaxUnpool" => max_places::unpool(call),
        "AveragePool" => pool::average_pool(call),
        "GlobalAveragePool" => pool::global_average_pool(call),
        "GlobalMaxPool" => pool::global_max_pool(call),
        "Col2Im" => conv::column_to_image(call),
        "ConvTranspose" => conv::conv_transpose(call),
        "LayerNormalization" => norm::layer_normalization(call),
        "InstanceNormalization" => norm::instance_normalization(call),
        "GroupNormalization" => norm::group_normalization(call),
        "LRN" => norm::local_response(call),
        "RMSNormalization" => norm::root_mean_square(call),
        "LpNormalization" => norm::lp_normalization(call),
        "MeanVarianceNormalization" => norm::mean_variance(call),
        "Attention" => attention::attention(call),
        "AffineGrid" => resize::affine_grid(call),
        "LpPool" => pool::power_pool(call),
        "GlobalLpPool" => pool::global_power_pool(call),
        "Hardmax" => choice::hardmax(call),
        "OneHot" => choice::one_hot(call),
        "IsInf" => choice::is_infinite(call),
        "SequenceConstruct" | "SequenceEmpty" => sequence::construct(call),
        "SplitToSequence" => sequence::split(call),
        "SequenceAt" => sequence::at(call),
        "SequenceInsert" => sequence::insert(call),
        "SequenceLength" => sequence::length(call),
        "ConcatFromSequence" => sequence::concat(call),
        "CumSum" => triangle::cumulative_sum(call),
        "Trilu" => triangle::trilu(call),
        "GatherElements" => scatter::gather_elements(call),
        "ScatterElements" | "ScatterND" => scatter::scatter(call),
        "Add" => elementwise::add(call),
        "Sum" | "Mean" | "Min" | "Max" => elementwise::many(call),
        "Gelu" => elementwise::gelu(call),
        "Softmax" | "LogSoftmax" => elementwise::softmax(call),
        "Pad" => moves::pad(call),
        "Slice" => moves::slice(call),
        "Split" => moves::split(call),
        "Gather" => moves::gather(call),
        "GatherND" => moves::gather_nd(call),
        "Expand" => moves::expand(call),
        "Tile" => moves::tile(call),
        "Where" => choice::choose(call),
        "Not" | "And" | "Or" | "Xor" => choice::logic(call),
        "IsNaN" => choice::is_nan(call),
        "TopK" => choice::top(call),
        "SpaceToDepth" => moves::space_to_depth(call),
        "Resize" => resize::resize(call),
        "Upsample" => resize::upsample(call),
        "RNN" | "LSTM" | "GRU" => recurrent::recurrent(call),
        "Gemm" => matrix::gemm(call),
        "MatMul" => matrix::matmul(call),
        "Einsum" => einsum::einsum(call),
        "If" => branch::branch(call),
        "Concat" => shape::concat(call),
        "Flatten" => shape::flatten(call),
        "Reshape" => shape::reshape(call),
        "Squeeze" => shape::squeeze(call),
        "Unsqueeze" => shape::unsqueeze(call),
        "Transpose" => shape::transpose(call),
        "DepthToSpace" => shape::depth_to_space(call),
        "Identity" => constant::identity(call),
        "Dropout" => constant::dropout(call),
        "Constant" => constant::constant(call),
        "Shape" => constant::shape(call),
        "Cast" => constant::cast(call),
        "CastLike" => constant::cast_like(call),
        name => family(call, name),
    }
}

/// The importer of an operator on integers. ONNX Runtime keeps its own in another domain.
fn quantised(call: &Call) -> Option<fn(&mut Call) -> Result<()>> {
    let onnx = is_onnx(call.domain());
    Some(match (call.operator(), call.domain()) {
        ("QuantizeLinear", domain) if onnx || domain == MICROSOFT => quantized::quantize,
        ("DequantizeLinear", domain) if onnx || domain == MICROSOFT => quantized::dequantize,
        ("DynamicQuantizeLinear", _) if onnx => quantized::dynamic,
        ("QLinearConv", _) if onnx => quantized::conv,
        ("ConvInteger", _) if onnx => quantized::conv_integer,
        ("QLinearMatMul", _) if onnx => quantized::matmul,
        ("MatMulInteger", _) if onnx => quantized::matmul_integer,
        ("QGemm", MICROSOFT) => quantized::gemm,
        ("QLinearAdd" | "QLinearMul", MICROSOFT) => quantized::binary,
        (
            "QLinearSigmoid" | "QLinearLeakyRelu" | "QLinearAveragePool" | "QLinearGlobalAveragePool",
            MICROSOFT,
        ) => quantized::unary,
        ("QLinearConcat", MICROSOFT) => quantized::concat,
        ("QLinearSoftmax", MICROSOFT) => quantized::softmax,
        _ => return None,
    })
}

/// The operators of the families that the graph lists.
fn family(call: &mut Call, name: &str) -> Result<()> {
    // ONNX has Swish from opset 24 on.
    if name == "Swish" && call.opset() >= 24 {
        return elementwise::swish(call);
    }
    let known = name != "Swish" || call.opset() >= 24;
    if let Some(e) = UnaryKind::ALL.iter().find(|e| e.1 == name && known) {
        return elementwise::unary(call, e.0);
    }
    if let Some(e) = BinaryKind::ALL.iter().find(|e| e.1 == name) {
        if e.0.is_step() {
            return choice::compare(call, e.0);
        }
        return elementwise::binary(call, e.0);
    }
    if let Some(e) = ReduceKind::ALL.iter().find(|e| e.1 == name) {
        return if e.0.is_index() { reduce::index(call, e.0) } else { reduce::reduce(call, e.0) };
    }
    if let Some(descriptor) = crate::described::named(name) {
        return described::described(call, descriptor);
    }
    if fold::is_known(name) {
        return Err(call
            .error("the operator is supported on constants alone, an input is computed")
            .hint("cut the graph before it"));
    }
    const FOLD: &str = "constant-fold the model (onnxsim), replace the operator, or cut the graph before it";
    Err(match why_not(name) {
        Some((why, hint)) => call.error(format!("the operator is not supported: {why}")).hint(hint),
        None => call.error("the operator is not supported").hint(FOLD),
    })
}
