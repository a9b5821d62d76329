//! The operators of Relay, family by family.

mod choice;
mod composed;
mod conv;
mod elementwise;
mod known;
mod layout;
mod matrix;
mod moves;
mod norm;
mod own;
mod picks;
mod places;
mod pool;
mod qnn;
mod reduce;
mod regions;
mod resize;
mod shape;
mod spread;
mod triangle;
mod volume;
mod whole;

pub(super) use elementwise::is_relay;
pub(super) use own::PREFIX;
pub(super) use whole::{IntegerScale, NumberKind, data};

use super::call::OperatorCall;
use super::operand::Operand;
use crate::error::{Error, Result};

/// Lowers one call: the one table of operators.
///
/// # Errors
/// Operators, operands and attributes that are not supported; the caller adds the place.
pub(super) fn dispatch(call: &mut OperatorCall) -> Result<Operand> {
    if let Some(result) = qnn::dispatch(call) {
        return result;
    }
    known::made_static(call)?;
    if call.operator == "adv_index"
        && let [Operand::Tuple(fields)] = &call.arguments[..]
    {
        call.arguments = fields.to_vec();
    }
    match call.operator {
        "shape_of" | "ndarray_size" => known::shape_of(call),
        "arange" => known::arange(call),
        "cast" | "cast_like" => whole::cast(call),
        _ => whole::guarded(call, float),
    }
}

/// The operators on real numbers.
fn float(call: &mut OperatorCall) -> Result<Operand> {
    match call.operator {
        "nn.conv1d" => conv::conv1d(call),
        "nn.conv2d" => conv::conv(call),
        "nn.conv2d_transpose" => conv::conv_transpose(call),
        "nn.bias_add" => conv::bias_add(call),
        "nn.dense" | "nn.matmul" => matrix::matmul(call),
        "nn.batch_matmul" => matrix::batch_matmul(call),
        "einsum" => matrix::einsum(call),
        "nn.conv3d" | "nn.conv3d_transpose" | "nn.conv1d_transpose" => volume::conv(call),
        "nn.deformable_conv2d" => volume::deformable(),
        "nn.max_pool3d" | "nn.avg_pool3d" => volume::pool(call),
        "nn.adaptive_avg_pool3d" | "nn.adaptive_max_pool3d" => volume::adaptive(call),
        "nn.max_pool2d" | "nn.avg_pool2d" => pool::window_pool(call),
        "nn.global_avg_pool2d" | "nn.global_max_pool2d" => pool::global(call),
        "nn.max_pool1d" | "nn.avg_pool1d" => pool::line(call),
        "nn.adaptive_avg_pool1d" | "nn.adaptive_max_pool1d" => pool::adaptive_line(call),
        "nn.adaptive_avg_pool2d" | "nn.adaptive_max_pool2d" => pool::adaptive(call),
        "nn.batch_norm" => norm::batch_norm(call),
        "nn.layer_norm" => norm::layer_norm(call),
        "nn.lrn" => norm::local_response(call),
        "nn.instance_norm" => norm::instance_norm(call),
        "nn.group_norm" => norm::group_norm(call),
        "nn.softmax" | "nn.fast_softmax" | "nn.log_softmax" => norm::softmax(call),
        "nn.leaky_relu" => elementwise::leaky_relu(call),
        "nn.prelu" => elementwise::prelu(call),
        "clip" => elementwise::clip(call),
        "copy" | "nn.dropout" | "annotation.stop_fusion" | "stop_fusion" | "on_device" | "device_copy" => {
            elementwise::same(call)
        }
        "rsqrt" => elementwise::rsqrt(call),
        "round" => elementwise::round(call),
        "mean" | "sum" | "max" | "min" | "prod" | "all" | "any" | "argmax" | "argmin" => reduce::reduce(call),
        "variance" => reduce::variance(call),
        "reshape" | "contrib_reverse_reshape" => shape::reshape(call),
        "nn.batch_flatten" => shape::batch_flatten(call),
        "squeeze" => shape::squeeze(call),
        "expand_dims" => shape::expand_dims(call),
        "transpose" => shape::transpose(call),
        "layout_transform" => shape::layout_transform(call),
        "broadcast_to" => shape::broadcast_to(call),
        "broadcast_to_like" => shape::broadcast_to_like(call),
        "reshape_like" => shape::reshape_like(call),
        "nn.depth_to_space" | "nn.space_to_depth" => shape::blocks(call),
        "concatenate" => moves::concatenate(call),
        "stack" => moves::stack(call),
        "split" => moves::split(call),
        "strided_slice" => moves::strided_slice(call),
        "take" => places::take(call),
        "gather_nd" => places::gather_nd(call),
        "scatter" | "scatter_add" | "scatter_elements" => places::scatter_elements(call),
        "scatter_nd" => places::scatter_nd(call),
        "adv_index" => places::adv_index(call),
        "one_hot" => places::one_hot(call),
        "reverse_sequence" => places::reverse_sequence(call),
        "sequence_mask" => places::sequence_mask(call),
        "sparse_to_dense" => places::sparse_to_dense(call),
        "repeat" | "tile" | "reverse" => picks::picks(call),
        "nn.pad" | "nn.mirror_pad" => moves::pad(call),
        "zeros" | "ones" | "full" => moves::full(call),
        "zeros_like" | "ones_like" | "full_like" => moves::full_like(call),
        "image.resize1d" | "image.resize2d" | "image.resize3d" => resize::resize(call),
        "nn.upsampling" | "nn.upsampling3d" => resize::upsampling(call),
        "image.crop_and_resize" => regions::crop_and_resize(call),
        "image.affine_grid" => regions::affine_grid(call),
        "vision.roi_align" => regions::roi_align(call),
        "vision.roi_pool" => regions::roi_pool(call),
        "where" => choice::choose(call),
        "logical_not" | "logical_and" | "logical_or" => choice::logic(call),
        "topk" => choice::top(call),
        "sort" | "argsort" => choice::sort(call),
        "isnan" | "isinf" | "isfinite" => choice::kind_of_number(call),
        "floor_divide" | "trunc_divide" | "floor_mod" | "trunc_mod" | "not_equal" | "logical_xor" => {
            composed::of_two(call)
        }
        "trunc" | "log2" | "log10" => composed::of_one(call),
        "nn.l2_normalize" => composed::l2_normalize(call),
        "slice_like" => composed::slice_like(call),
        "gather" => composed::gather(call),
        "cumsum" => triangle::cumulative_sum(call),
        "cumprod" => spread::cumulative_product(call),
        "meshgrid" => known::meshgrid(call),
        "nn.dilate" => spread::dilate(call),
        "nn.space_to_batch_nd" => spread::space_to_batch(call),
        "nn.batch_to_space_nd" => spread::batch_to_space(call),
        "trilu" => triangle::triangle(call),
        "image.grid_sample" => resize::grid_sample(call),
        name if name.starts_with(PREFIX) => own::own(call),
        name => match elementwise::family(call, name) {
            Some(result) => result,
            None => Err(Error::new("import", "the operator is not supported").hint(
                "simplify the module first (SimplifyInference, FoldConstant), express the operator by \
                 others, or cut the network before it",
            )),
        },
    }
}
