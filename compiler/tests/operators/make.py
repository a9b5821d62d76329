"""Makes the operator cases of this folder: NAME.onnx, and NAME.npz with inputs and ONNX Runtime's outputs.

Usage: python make.py (needs onnx, onnxruntime, numpy). Deterministic; run it after adding a case.
Cases named refused_* have no .npz; the importer must refuse them with the text of NAME.expect.
"""

import pathlib

import numpy as np
import onnx
import onnx.parser
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(1)


def weights(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def model(nodes, inputs, constants, outputs, opset):
    """inputs: name -> shape. constants: name -> array. outputs: names."""
    graph = helper.make_graph(
        nodes,
        "case",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(v, n) for n, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    if any(n.op_type.startswith("Q") for n in nodes):
        opsets.append(helper.make_opsetid("com.microsoft", 1))
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def case(name, nodes, inputs, constants=None, outputs=("y",), opset=17):
    proto = model(nodes, inputs, constants or {}, outputs, opset)
    onnx.save(proto, HERE / f"{name}.onnx")
    if name.startswith("refused_"):
        return
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    fixed = {n: [d if isinstance(d, int) else 1 for d in s] for n, s in inputs.items()}
    feeds = {n: weights(*s) for n, s in fixed.items()}
    results = session.run(list(outputs), feeds)
    arrays = {f"in{i}": v for i, v in enumerate(feeds.values())}
    arrays |= {f"out{i}": v for i, v in enumerate(results)}
    np.savez(HERE / f"{name}.npz", **arrays)


def one(name, op, x, *constants, opset=17, x2=None, **attributes):
    """A case of a single node: x, then maybe x2, then the constants."""
    inputs = {"x": x} | ({"x2": x2} if x2 else {})
    named = {f"c{i}": c for i, c in enumerate(constants) if c is not None}
    reads = list(inputs) + [f"c{i}" if c is not None else "" for i, c in enumerate(constants)]
    node = helper.make_node(op, reads, ["y"], name="node", **attributes)
    case(name, [node], inputs, named, opset=opset)


IMAGE = [1, 4, 7, 9]

# Convolutions.
one("conv_plain", "Conv", IMAGE, weights(5, 4, 3, 3))
one("conv_bias_batch2", "Conv", [2, 4, 7, 9], weights(5, 4, 3, 2), weights(5), kernel_shape=[3, 2])
one("conv_asymmetric", "Conv", IMAGE, weights(5, 4, 3, 3), pads=[0, 1, 2, 3], strides=[2, 3])
one("conv_dilated", "Conv", IMAGE, weights(5, 4, 2, 3), weights(5), pads=[1, 2, 1, 2], dilations=[3, 2])
one("conv_grouped", "Conv", IMAGE, weights(6, 2, 3, 3), weights(6), group=2, pads=[1, 1, 1, 1])
one("conv_depthwise", "Conv", IMAGE, weights(4, 1, 3, 3), weights(4), group=4, strides=[2, 2], pads=[1, 1, 1, 1])
one("conv_depthwise_twice", "Conv", IMAGE, weights(8, 1, 5, 2), group=4, pads=[4, 3, 2, 1], dilations=[2, 3])
one("conv_same_upper", "Conv", IMAGE, weights(5, 4, 4, 3), auto_pad="SAME_UPPER", strides=[2, 2])
one("conv_same_lower", "Conv", IMAGE, weights(5, 4, 4, 3), auto_pad="SAME_LOWER", strides=[3, 2])
one("conv_valid", "Conv", IMAGE, weights(5, 4, 4, 3), auto_pad="VALID")
one("conv_pads_beyond_kernel", "Conv", IMAGE, weights(5, 4, 2, 2), pads=[4, 5, 3, 6], strides=[3, 2])
one("conv_pointwise_strided", "Conv", IMAGE, weights(5, 4, 1, 1), strides=[2, 3])
one("conv_opset7", "Conv", IMAGE, weights(5, 4, 3, 3), opset=7)
one("conv_opset22", "Conv", IMAGE, weights(5, 4, 3, 3), opset=22)
one("conv_computed_weights", "Conv", IMAGE, x2=[5, 4, 3, 3])

# Normalisation and activations.
bn = [weights(4), weights(4), weights(4), abs(weights(4)) + 0.1]
one("batch_norm", "BatchNormalization", IMAGE, *bn, epsilon=1e-3)
one("batch_norm_opset7", "BatchNormalization", IMAGE, *bn, opset=7, momentum=0.5)
one("batch_norm_rank2", "BatchNormalization", [3, 4], *bn)
one("relu", "Relu", IMAGE)
one("clip_inputs", "Clip", IMAGE, np.float32(-0.5), np.float32(0.25))
one("clip_max_only", "Clip", IMAGE, None, np.float32(0.25))
one("clip_open", "Clip", IMAGE)
one("clip_attributes", "Clip", IMAGE, opset=10, min=-0.5, max=0.25)
one("clip_attribute_default", "Clip", IMAGE, opset=7, min=0.0)
one("leaky_relu", "LeakyRelu", IMAGE)
one("leaky_relu_alpha", "LeakyRelu", IMAGE, alpha=-0.3)
one("prelu_channels", "PRelu", IMAGE, weights(4, 1, 1))
one("prelu_scalar", "PRelu", IMAGE, weights(1))
one("prelu_elements", "PRelu", IMAGE, weights(7, 9))

# Pools.
one("max_pool", "MaxPool", IMAGE, kernel_shape=[2, 3], strides=[2, 2])
one("max_pool_padded", "MaxPool", IMAGE, kernel_shape=[3, 3], strides=[2, 1], pads=[1, 0, 2, 1])
one("max_pool_ceil", "MaxPool", IMAGE, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
one("max_pool_ceil_padded", "MaxPool", IMAGE, kernel_shape=[3, 3], strides=[3, 2], pads=[1, 1, 1, 1], ceil_mode=1)
one("max_pool_ceil_outside", "MaxPool", [1, 2, 5, 5], kernel_shape=[2, 2], strides=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1)
one("max_pool_dilated", "MaxPool", IMAGE, kernel_shape=[2, 3], dilations=[3, 2], pads=[1, 1, 0, 2])
one("max_pool_same_upper", "MaxPool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER")
one("max_pool_same_lower", "MaxPool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_LOWER")
one("average_pool", "AveragePool", IMAGE, kernel_shape=[2, 3], strides=[2, 2])
one("average_pool_padded", "AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 2, 0, 1])
one("average_pool_count_pad", "AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 2, 0, 1], count_include_pad=1)
one("average_pool_ceil", "AveragePool", IMAGE, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
one("average_pool_ceil_count_pad", "AveragePool", IMAGE, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1, count_include_pad=1, opset=19)
one("average_pool_same", "AveragePool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
one("global_average_pool", "GlobalAveragePool", IMAGE)
one("reduce_mean_keep", "ReduceMean", IMAGE, axes=[2, 3])
one("reduce_mean_drop", "ReduceMean", IMAGE, axes=[-1, -2], keepdims=0)
one("reduce_mean_opset18", "ReduceMean", IMAGE, ints(2, 3), keepdims=0, opset=18)

# Arithmetic.
one("add_same", "Add", IMAGE, x2=IMAGE)
one("add_broadcast", "Add", [2, 1, 3], weights(4, 1))
one("add_scalar", "Add", IMAGE, np.float32(0.5))
one("softmax_last", "Softmax", [2, 3, 4])
one("softmax_axis", "Softmax", [2, 3, 4], axis=1)
one("softmax_flattened", "Softmax", [2, 3, 4], opset=11)
one("softmax_flattened_axis2", "Softmax", [2, 3, 4, 5], axis=2, opset=11)
one("softmax_opset11_axis0", "Softmax", [3, 4], axis=0, opset=11)
one("gemm_plain", "Gemm", [3, 4], weights(4, 5))
one("gemm_trans_b", "Gemm", [3, 4], weights(5, 4), weights(5), transB=1)
one("gemm_trans_a", "Gemm", [4, 3], weights(4, 5), weights(3, 1), transA=1, alpha=0.5, beta=-2.0)
one("gemm_scalar_addend", "Gemm", [3, 4], weights(4, 5), np.float32(2.0), beta=0.25, opset=7)
one("gemm_computed", "Gemm", [3, 4], x2=[4, 5])
one("matmul", "MatMul", [3, 4], weights(4, 5))
one("matmul_batched", "MatMul", [2, 1, 3, 4], weights(6, 4, 5))
one("matmul_row", "MatMul", [4], weights(4, 5))
one("matmul_column", "MatMul", [2, 3, 4], weights(4))
one("matmul_batched_row", "MatMul", [4], weights(2, 4, 5))

# Moving elements.
one("concat", "Concat", [1, 2, 3], weights(1, 4, 3), axis=-2)
one("flatten", "Flatten", [2, 3, 4])
one("flatten_zero", "Flatten", [2, 3, 4], axis=0)
one("flatten_negative", "Flatten", [2, 3, 4], axis=-1)
one("flatten_rank", "Flatten", [2, 3, 4], axis=3)
one("reshape_open", "Reshape", [2, 3, 4], ints(0, -1))
one("reshape_rank5", "Reshape", [2, 3, 4], ints(1, 2, -1, 2, 3), allowzero=1)
one("squeeze_attribute", "Squeeze", [1, 3, 1, 4], axes=[0, -2], opset=11)
one("squeeze_input", "Squeeze", [1, 3, 1, 4], ints(2))
one("squeeze_all", "Squeeze", [1, 3, 1, 4])
one("unsqueeze_attribute", "Unsqueeze", [3, 4], axes=[0, 3], opset=11)
one("unsqueeze_input", "Unsqueeze", [3, 4], ints(-1, 1))
one("transpose_default", "Transpose", [2, 3, 4])
one("transpose_perm", "Transpose", [2, 3, 4, 5], perm=[0, 2, 3, 1])
one("depth_to_space_dcr", "DepthToSpace", [2, 12, 3, 2], blocksize=2)
one("depth_to_space_crd", "DepthToSpace", [2, 12, 3, 2], blocksize=2, mode="CRD")
one("depth_to_space_opset7", "DepthToSpace", [1, 18, 3, 2], blocksize=3, opset=7)

# Several nodes.
node = helper.make_node
case(
    "constants_everywhere",
    [
        node("Constant", [], ["two"], value_float=2.0),
        node("Constant", [], ["half"], value=numpy_helper.from_array(np.array([0.5], np.float16))),
        node("Cast", ["half"], ["wide"], to=TensorProto.FLOAT),
        node("Identity", ["x"], ["same"]),
        node("Dropout", ["same"], ["kept", "mask"]),
        node("Add", ["kept", "two"], ["a"]),
        node("Add", ["wide", "a"], ["b"]),
        node("Identity", ["b"], ["y"]),
    ],
    {"x": [2, 3]},
)
case(
    "flatten_by_shape_arithmetic",
    [
        node("Shape", ["x"], ["shape"]),
        node("Constant", [], ["zero"], value=numpy_helper.from_array(np.array(0, np.int64))),
        node("Gather", ["shape", "zero"], ["batch"], axis=0),
        node("Constant", [], ["axes"], value_ints=[0]),
        node("Unsqueeze", ["batch", "axes"], ["batch1"]),
        node("Constant", [], ["rest"], value_ints=[-1]),
        node("Cast", ["batch1"], ["cast"], to=TensorProto.INT64),
        node("Concat", ["cast", "rest"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["y"]),
    ],
    {"x": ["batch", 3, 4]},
)
case(
    "halve_by_shape_arithmetic",
    [
        node("Shape", ["x"], ["shape"]),
        node("Slice", ["shape", "c1", "c9"], ["tail"]),
        node("Div", ["tail", "c2"], ["halves"]),
        node("Mul", ["halves", "c2"], ["back"]),
        node("Concat", ["minus", "back"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["y"]),
    ],
    {"x": [1, 6, 4, 4]},
    {"c1": ints(1), "c9": ints(2**62), "c2": ints(2), "minus": ints(-1)},
)
case(
    "several_outputs_and_users",
    [
        node("Relu", ["x"], ["a"]),
        node("Add", ["a", "x"], ["b"]),
        node("Add", ["b", "a"], ["c"]),
    ],
    {"x": [2, 3]},
    outputs=("b", "c", "a"),
)
case("two_inputs", [node("Concat", ["x", "z", "x"], ["y"], axis=1)], {"x": [1, 2], "z": [1, 3]})

# Refusals.
one("conv3d", "Conv", [1, 4, 7, 7, 7], weights(5, 4, 3, 3, 3))
one("refused_operator", "Unique", [2, 2])
one("refused_attribute", "Relu", [2], slope=0.5)
one("refused_average_dilated", "AveragePool", IMAGE, kernel_shape=[2, 2], dilations=[2, 2], opset=19)
one("refused_auto_pad", "Conv", IMAGE, weights(5, 4, 3, 3), auto_pad="SOMEHOW")
one("refused_auto_pad_and_pads", "Conv", IMAGE, weights(5, 4, 3, 3), auto_pad="VALID", pads=[1, 1, 1, 1])
one("refused_attribute_type", "Conv", IMAGE, weights(5, 4, 3, 3), group=1.0)
one("refused_channels", "Conv", IMAGE, weights(5, 3, 3, 3))
one("refused_negative_pads", "Conv", IMAGE, weights(5, 4, 3, 3), pads=[-1, 0, 0, 0])
one("refused_nan", "Add", [2], np.array([1, np.nan], np.float32))
one("refused_integer_operand", "Add", [2], ints(1, 2))
one("refused_opset", "Relu", [2], opset=6)
one("refused_dynamic", "Relu", ["batch", 3, "height", 4])
one("refused_reshape_computed", "Reshape", [2, 3], x2=[2])
one("refused_inputs", "Relu", [2], weights(2))
one("refused_training", "BatchNormalization", IMAGE, *bn, training_mode=1)
one("refused_spatial", "BatchNormalization", IMAGE, *bn, spatial=0, opset=7)
one("refused_variance", "BatchNormalization", IMAGE, *bn[:3], -bn[3])
one("refused_mode", "DepthToSpace", [1, 4, 3, 3], blocksize=2, mode="RCD")
case("refused_cycle", [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"], name="loop")], {"x": [2]}, outputs=("b",))
case("refused_dangling", [node("Add", ["x", "ghost"], ["y"], name="sum")], {"x": [2]})
case("refused_twice", [node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"], name="again")], {"x": [2]})
case("refused_mask", [node("Dropout", ["x"], ["z", "m"], name="drop"), node("Add", ["z", "m"], ["y"])], {"x": [2]})
case("refused_output", [node("Relu", ["x"], ["z"])], {"x": [2]})
case("refused_domain", [node("Relu", ["x"], ["y"], name="custom", domain="com.acme")], {"x": [2]})

node = helper.make_node

# Elementwise functions. The inputs of roots and logarithms are made positive by an Abs in front.
for op in ["Neg", "Abs", "Exp", "Reciprocal", "Erf", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Elu", "Selu",
           "Celu", "ThresholdedRelu", "Softplus", "Softsign", "Mish", "Floor", "Ceil", "Round", "Sign", "Sin", "Cos"]:
    one(f"unary_{op.lower()}", op, [3, 17], opset=18)
for op in ["Sqrt", "Log"]:
    case(f"unary_{op.lower()}", [node("Abs", ["x"], ["a"]), node(op, ["a"], ["y"])], {"x": [3, 17]})
one("unary_gelu", "Gelu", [3, 17], opset=20)
one("unary_gelu_tanh", "Gelu", [3, 17], opset=20, approximate="tanh")
one("hard_sigmoid_parameters", "HardSigmoid", IMAGE, alpha=1 / 6, beta=0.4)
one("elu_alpha", "Elu", IMAGE, alpha=0.3)
one("selu_parameters", "Selu", IMAGE, alpha=0.3, gamma=2.5)
one("celu_alpha", "Celu", IMAGE, alpha=0.3)
one("thresholded_relu_alpha", "ThresholdedRelu", IMAGE, alpha=0.3)
for op in ["Sub", "Mul", "Div", "Min", "Max"]:
    one(f"binary_{op.lower()}", op, [2, 3, 4], x2=[3, 1])
    one(f"binary_{op.lower()}_constant", op, [2, 3, 4], weights(4) + 3)
    case(f"binary_{op.lower()}_constant_first", [helper.make_node(op, ["c", "x"], ["y"])], {"x": [2, 3, 4]}, {"c": weights(3, 1)})
one("binary_pow", "Pow", [2, 3, 4], np.float32(3))
one("binary_pow_opset7", "Pow", [2, 3, 4], np.float32(2), opset=7)
for op in ["Sum", "Mean", "Min", "Max"]:
    one(f"many_{op.lower()}", op, [2, 3], weights(2, 3), weights(3), x2=[2, 1], opset=13)
one("many_one", "Sum", [2, 3])

# Reductions.
for op in ["Mean", "Sum", "Prod", "Max", "Min", "L1", "L2", "SumSquare", "LogSumExp"]:
    one(f"reduce_{op.lower()}", f"Reduce{op}", [2, 3, 4], axes=[-2], opset=12)
one("reduce_all", "ReduceSum", [2, 3, 4], opset=12, keepdims=0)
one("reduce_sum_input", "ReduceSum", [2, 3, 4], ints(2, 0), keepdims=0)
one("reduce_max_input", "ReduceMax", [2, 3, 4], ints(-1), opset=18)
one("reduce_noop", "ReduceSum", [2, 3, 4], noop_with_empty_axes=1)
one("reduce_mean_channels", "ReduceMean", IMAGE, axes=[1])
one("global_max_pool", "GlobalMaxPool", IMAGE)
one("global_max_pool_rank3", "GlobalMaxPool", [2, 3, 5])
one("log_softmax", "LogSoftmax", [2, 3, 4])
one("log_softmax_flattened", "LogSoftmax", [2, 3, 4], opset=11)
one("layer_norm", "LayerNormalization", [2, 3, 4], weights(4), weights(4))
one("layer_norm_axis", "LayerNormalization", [2, 3, 4], weights(3, 4), axis=1, epsilon=0.1)
one("instance_norm", "InstanceNormalization", [2, 4, 5, 3], weights(4), weights(4), epsilon=0.01)
one("group_norm", "GroupNormalization", [2, 4, 5, 3], weights(4), weights(4), num_groups=2, opset=21)

# Moving elements, again.
one("pad_attribute", "Pad", [1, 2, 3, 4], pads=[0, 1, 2, 0, 0, 0, 1, 3], value=0.5, opset=7)
one("pad_constant", "Pad", [1, 2, 3, 4], ints(0, 1, 2, 0, 0, 0, 1, 3), np.float32(-2))
one("pad_reflect", "Pad", [1, 2, 3, 4], ints(0, 1, 2, 0, 0, 0, 1, 3), mode="reflect")
one("pad_edge", "Pad", [1, 2, 3, 4], ints(0, 1, 2, 0, 0, 0, 4, 3), mode="edge")
one("pad_wrap", "Pad", [1, 2, 3, 4], ints(0, 1, 2, 0, 0, 0, 1, 3), mode="wrap", opset=19)
one("pad_crop", "Pad", [1, 2, 3, 4], ints(0, 0, -1, 1, 0, 0, 1, -2))
one("pad_axes", "Pad", [1, 2, 3, 4], ints(1, 2, 3, 4), np.float32(1), ints(-1, 2), opset=18)
one("slice_attribute", "Slice", [3, 5, 7], starts=[1, -3], ends=[3, 2**31], axes=[0, 2], opset=9)
one("slice_input", "Slice", [3, 5, 7], ints(0, 1), ints(2, -1))
one("slice_steps", "Slice", [3, 5, 7], ints(-1, 1, 6), ints(-(2**62), 9, 0), ints(1, 0, 2), ints(-2, 1, -4))
one("slice_absurd_step", "Slice", [3, 5, 7], ints(1), ints(2**62), ints(-1), ints(2**62))
case("split_even", [node("Split", ["x"], ["a", "b"], axis=1)], {"x": [2, 6, 3]}, outputs=("a", "b"), opset=12)
case("split_attribute", [node("Split", ["x"], ["a", "b"], axis=-1, split=[1, 2])], {"x": [2, 6, 3]}, outputs=("b", "a"), opset=11)
case("split_input", [node("Split", ["x", "s"], ["a", "b", "c"], axis=1)], {"x": [2, 6, 3]}, {"s": ints(1, 2, 3)}, outputs=("a", "b", "c"))
case("split_uneven", [node("Split", ["x"], ["a", "b", "c"], axis=1, num_outputs=3)], {"x": [2, 7, 3]}, outputs=("a", "b", "c"), opset=18)
one("gather_scalar", "Gather", [3, 5, 2], np.array(2, np.int64), axis=1)
one("gather_matrix", "Gather", [3, 5, 2], np.array([[0, -1], [4, 2]], np.int64), axis=1)
one("expand", "Expand", [3, 1], ints(2, 1, 4))
one("space_to_depth", "SpaceToDepth", [2, 3, 4, 6], blocksize=2)

# Resizing.
for name, attributes in {
    "nearest": dict(coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    "nearest_half_pixel": dict(),
    "nearest_ceil": dict(coordinate_transformation_mode="align_corners", nearest_mode="ceil"),
    "nearest_prefer_ceil": dict(coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_ceil"),
    "linear": dict(mode="linear"),
    "linear_pytorch": dict(mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    "linear_corners": dict(mode="linear", coordinate_transformation_mode="align_corners"),
    "linear_asymmetric": dict(mode="linear", coordinate_transformation_mode="asymmetric"),
    "cubic": dict(mode="cubic"),
    "cubic_excluding": dict(mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1),
    "cubic_corners": dict(mode="cubic", coordinate_transformation_mode="align_corners"),
}.items():
    one(f"resize_{name}", "Resize", [1, 2, 4, 5], None, np.array([1, 1, 2, 3], np.float32), **attributes)
    one(f"resize_{name}_down", "Resize", [1, 2, 7, 9], None, None, ints(1, 2, 4, 5), **attributes)
one("resize_fraction", "Resize", [1, 2, 4, 5], None, np.array([1, 1, 1.7, 2.3], np.float32), mode="linear")
one("resize_symmetric", "Resize", [1, 2, 4, 5], None, np.array([1, 1, 1.7, 2.3], np.float32), mode="linear", coordinate_transformation_mode="half_pixel_symmetric", opset=19)
one("resize_axes", "Resize", [1, 2, 4, 5], None, np.array([3, 2], np.float32), mode="linear", axes=[3, 2], opset=18)
one("resize_not_larger", "Resize", [1, 2, 4, 5], None, None, ints(9, 8), axes=[2, 3], keep_aspect_ratio_policy="not_larger", opset=18)
one("resize_opset10", "Resize", [1, 2, 4, 5], np.array([1, 1, 2, 3], np.float32), opset=10)
one("resize_opset10_down", "Resize", [1, 2, 4, 5], np.array([1, 1, 0.5, 0.6], np.float32), opset=10)
one("resize_opset10_linear", "Resize", [1, 2, 4, 5], np.array([1, 1, 2, 0.6], np.float32), mode="linear", opset=10)
one("upsample_attribute", "Upsample", [1, 2, 4, 5], scales=[1.0, 1.0, 2.0, 3.0], opset=7)
one("upsample_linear", "Upsample", [1, 2, 4, 5], np.array([1, 1, 2, 2], np.float32), mode="linear", opset=9)

# Transposed convolutions.
one("conv_transpose", "ConvTranspose", [2, 4, 3, 5], weights(4, 3, 3, 2))
one("conv_transpose_strided", "ConvTranspose", [1, 4, 3, 5], weights(4, 3, 4, 4), weights(3), strides=[2, 3], pads=[1, 0, 2, 1])
one("conv_transpose_padding", "ConvTranspose", [1, 4, 3, 5], weights(4, 3, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 0])
one("conv_transpose_grouped", "ConvTranspose", [1, 4, 3, 5], weights(4, 3, 2, 2), weights(6), group=2, strides=[2, 2])
one("conv_transpose_depthwise", "ConvTranspose", [1, 4, 3, 5], weights(4, 1, 4, 4), group=4, strides=[2, 2], pads=[1, 1, 1, 1])
one("conv_transpose_dilated", "ConvTranspose", [1, 4, 3, 5], weights(4, 3, 3, 2), dilations=[2, 3], strides=[1, 2])
one("conv_transpose_shape", "ConvTranspose", [1, 4, 3, 5], weights(4, 3, 3, 3), strides=[2, 3], output_shape=[6, 14])
one("conv_transpose_same_upper", "ConvTranspose", [1, 4, 3, 5], weights(4, 3, 3, 4), strides=[2, 2], auto_pad="SAME_UPPER")
one("conv_transpose_same_lower", "ConvTranspose", [1, 4, 3, 5], weights(4, 3, 3, 4), strides=[2, 2], auto_pad="SAME_LOWER")

# Recurrent layers: 5 steps, batch 2, 3 features, 4 hidden.
for name, gates in {"RNN": 1, "GRU": 3, "LSTM": 4}.items():
    for direction, d in {"forward": 1, "reverse": 1, "bidirectional": 2}.items():
        outputs = ("y", "h", "c") if name == "LSTM" else ("y", "h")
        state = {"h0": weights(d, 2, 4)} | ({"c0": weights(d, 2, 4)} if name == "LSTM" else {})
        case(
            f"{name.lower()}_{direction}",
            [helper.make_node(name, ["x", "w", "r", "b", ""] + list(state), list(outputs), hidden_size=4, direction=direction)],
            {"x": [5, 2, 3]},
            {"w": weights(d, gates * 4, 3), "r": weights(d, gates * 4, 4), "b": weights(d, gates * 8)} | state,
            outputs=outputs,
        )
case(
    "gru_reset_after",
    [helper.make_node("GRU", ["x", "w", "r", "b"], ["y"], hidden_size=4, linear_before_reset=1)],
    {"x": [5, 2, 3]},
    {"w": weights(1, 12, 3), "r": weights(1, 12, 4), "b": weights(1, 24)},
)
case(
    "lstm_peepholes",
    [helper.make_node("LSTM", ["x", "w", "r", "b", "", "", "", "p"], ["y", "", "c"], hidden_size=4)],
    {"x": [5, 2, 3]},
    {"w": weights(1, 16, 3), "r": weights(1, 16, 4), "b": weights(1, 32), "p": weights(1, 12)},
    outputs=("y", "c"),
)
case(
    "lstm_bare",
    [helper.make_node("LSTM", ["x", "w", "r"], ["", "h"], hidden_size=4, activations=["Sigmoid", "Tanh", "Tanh"])],
    {"x": [5, 2, 3]},
    {"w": weights(1, 16, 3), "r": weights(1, 16, 4)},
    outputs=("h",),
)

one("resize_nearest_tensorflow", "Resize", [1, 2, 4, 5], np.zeros(0, np.float32), np.array([1, 1, 2, 3], np.float32), coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor", opset=11)

one("binary_pow_integer", "Pow", [2, 3], ints(2))
case(
    "expand_by_shape_arithmetic",
    [
        node("Shape", ["w"], ["wanted"]),
        node("Shape", ["wanted"], ["rank"]),
        node("ConstantOfShape", ["rank"], ["ones"], value=numpy_helper.from_array(ints(1))),
        node("Mul", ["ones", "minus"], ["open"]),
        node("Equal", ["wanted", "open"], ["same"]),
        node("Where", ["same", "ones", "wanted"], ["target"]),
        node("Expand", ["x", "target"], ["y"]),
    ],
    {"x": [3, 1], "w": [2, 1, 4]},
    {"minus": ints(-1)},
)
case(
    "lstm_zero_state",
    [
        node("ConstantOfShape", ["s"], ["zeros"]),
        node("LSTM", ["x", "w", "r", "", "", "zeros", "zeros"], ["y"], hidden_size=4),
    ],
    {"x": [5, 2, 3]},
    {"w": weights(1, 16, 3), "r": weights(1, 16, 4), "s": ints(1, 2, 4)},
)

# More refusals.
weights(8)  # What follows keeps its numbers.
one("refused_lstm_clip", "LSTM", [5, 2, 3], weights(1, 16, 3), weights(1, 16, 4), clip=1.0)
one("refused_gru_activations", "GRU", [5, 2, 3], weights(1, 12, 3), weights(1, 12, 4), activations=["Sigmoid", "Relu"])
one("refused_slice_empty", "Slice", [3, 5], ints(4), ints(4), ints(1))
one("refused_gather_range", "Gather", [3, 5], ints(3))
one("refused_pad_reflect", "Pad", [3, 5], ints(3, 0, 0, 0), mode="reflect")
one("refused_split", "Split", [3, 5], ints(1, 3), axis=1)

# Quantised models: inputs and results are real numbers, what lies between is integers.


def quantised(name, inputs, nodes, constants, opset=17, result=("y_s", "y_z"), **extra):
    """Quantises x (and x2), runs the nodes on q_x (and q_x2), makes y of their result q_y."""
    named = {"x_s": np.float32(0.0307), "x_z": np.uint8(121), "y_s": np.float32(0.0513), "y_z": np.uint8(130)}
    named |= {"x2_s": np.float32(0.04), "x2_z": np.uint8(117)} | constants
    before = [helper.make_node("QuantizeLinear", [n, f"{n}_s", f"{n}_z"], [f"q_{n}"], name=f"q_{n}") for n in inputs]
    after = [helper.make_node("DequantizeLinear", ["q_y", *result], ["y"], name="real")]
    nodes = [helper.make_node(op, reads, makes, name=f"{op}_{i}", **a) for i, (op, reads, makes, a) in enumerate(nodes)]
    used = {r for n in [*before, *nodes, *after] for r in n.input}
    named = {n: np.asarray(v) for n, v in named.items() if n in used}
    proto_nodes = [*before, *nodes, *after]
    case(name, proto_nodes, inputs, named, opset=opset, **extra)


def bytes_of(*shape, kind=np.int8):
    info = np.iinfo(kind)
    return rng.integers(info.min + 1, info.max, shape, endpoint=True).astype(kind)


def steps(count):
    return (0.002 + 0.004 * rng.random(count)).astype(np.float32)


X, Y = ["q_x", "x_s", "x_z"], ["y_s", "y_z"]
X2 = ["q_x2", "x2_s", "x2_z"]
W = ["w", "w_s", "w_z"]
IMAGE_1 = [1, 4, 7, 6]
FILTER = {"w": bytes_of(5, 4, 3, 3), "w_s": steps(5), "w_z": np.zeros(5, np.int8), "b": bytes_of(5, kind=np.int16).astype(np.int32)}
MATRIX = {"w": bytes_of(6, 5), "w_s": steps(5), "w_z": np.zeros(5, np.int8)}
MS = {"domain": "com.microsoft"}

quantised("qdq_int8", {"x": IMAGE_1}, [("Identity", ["q_x"], ["q_y"], {})], {"x_z": np.int8(-7)}, result=("x_s", "x_z"))
quantised(
    "qdq_channels",
    {"x": IMAGE_1},
    [("QuantizeLinear", ["c", "c_s", "c_z"], ["q_c"], {"axis": 0}), ("DequantizeLinear", ["q_c", "c_s", "c_z"], ["r_c"], {"axis": 0}),
     ("DequantizeLinear", X, ["r_x"], {}), ("Conv", ["r_x", "r_c"], ["r_y"], {}), ("QuantizeLinear", ["r_y", *Y], ["q_y"], {})],
    {"c": weights(5, 4, 3, 3), "c_s": steps(5), "c_z": bytes_of(5)},
    opset=13,
)
quantised(
    "qdq_matmul",
    {"x": [3, 6]},
    [("DequantizeLinear", ["w", "w_s", "w_z"], ["r_w"], {"axis": 1}), ("DequantizeLinear", X, ["r_x"], {}),
     ("MatMul", ["r_x", "r_w"], ["r_y"], {}), ("QuantizeLinear", ["r_y", *Y], ["q_y"], {})],
    MATRIX,
)
quantised(
    "qdq_moves",
    {"x": IMAGE_1},
    [("MaxPool", ["q_x"], ["a"], {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 0, 0, 1]}), ("Transpose", ["a"], ["b"], {"perm": [0, 2, 3, 1]}),
     ("Flatten", ["b"], ["q_y"], {})],
    {},
    result=("x_s", "x_z"),
)
quantised("qlinear_conv", {"x": IMAGE_1}, [("QLinearConv", X + W + Y + ["b"], ["q_y"], {"pads": [1, 1, 0, 1], "strides": [2, 1]})], FILTER)
quantised("qlinear_conv_uint8", {"x": IMAGE_1}, [("QLinearConv", X + W + Y, ["q_y"], {"auto_pad": "SAME_UPPER", "group": 2})],
          {"w": bytes_of(6, 2, 3, 3, kind=np.uint8), "w_s": np.float32(0.004), "w_z": np.uint8(128)}, opset=10)
quantised("qlinear_matmul", {"x": [3, 6]}, [("QLinearMatMul", X + W + Y, ["q_y"], {})],
          {"w": bytes_of(6, 5), "w_s": np.float32(0.004), "w_z": np.int8(3)}, opset=10)
quantised(
    "conv_integer",
    {"x": IMAGE_1},
    [("ConvInteger", ["q_x", "w", "x_z"], ["i"], {"pads": [1, 1, 1, 1]}), ("Cast", ["i"], ["f"], {"to": 1}), ("Mul", ["f", "k"], ["r"], {}),
     ("QuantizeLinear", ["r", *Y], ["q_y"], {})],
    {"w": FILTER["w"], "k": np.float32(0.0001)},
)
quantised(
    "matmul_integer",
    {"x": [3, 6]},
    [("MatMulInteger", ["q_x", "w", "x_z", "w_z"], ["i"], {}), ("Cast", ["i"], ["f"], {"to": 1}), ("Mul", ["f", "k"], ["r"], {}),
     ("QuantizeLinear", ["r", *Y], ["q_y"], {})],
    {"w": MATRIX["w"], "w_z": bytes_of(5), "k": np.float32(0.0002)},
)
quantised("qlinear_add", {"x": IMAGE_1, "x2": IMAGE_1}, [("QLinearAdd", X + X2 + Y, ["q_y"], MS)], {})
quantised("qlinear_mul", {"x": IMAGE_1, "x2": IMAGE_1}, [("QLinearMul", X + X2 + Y, ["q_y"], MS)], {})
quantised("qlinear_concat", {"x": IMAGE_1, "x2": IMAGE_1}, [("QLinearConcat", Y + X + X2, ["q_y"], MS | {"axis": 1})], {})
quantised("qlinear_sigmoid", {"x": IMAGE_1}, [("QLinearSigmoid", X + Y, ["q_y"], MS)], {"y_s": np.float32(1 / 256), "y_z": np.uint8(0)})
quantised("qlinear_leaky_relu", {"x": IMAGE_1}, [("QLinearLeakyRelu", X + Y, ["q_y"], MS | {"alpha": 0.2})], {})
quantised("qlinear_average_pool", {"x": IMAGE_1}, [("QLinearAveragePool", X + Y, ["q_y"], MS | {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1]})], {})
quantised("qlinear_global_average_pool", {"x": IMAGE_1}, [("QLinearGlobalAveragePool", X + Y, ["q_y"], MS)], {})
quantised("qgemm", {"x": [3, 6]}, [("QGemm", X + W + ["b"] + Y, ["q_y"], MS | {"transB": 1, "alpha": 1.0})],
          {"w": bytes_of(5, 6), "w_s": steps(5), "w_z": np.zeros(5, np.int8), "b": FILTER["b"]})
quantised("refused_integers_in_floats", {"x": [3, 6]}, [("Relu", ["q_x"], ["q_y"], {})], {})
quantised("refused_scale_computed", {"x": [3, 6]}, [("ReduceMax", ["x"], ["m"], {"keepdims": 0}), ("QuantizeLinear", ["x", "m", "x_z"], ["q_y"], {})], {})
quantised("refused_zero_type", {"x": [3, 6]}, [("Identity", ["q_x"], ["q_y"], {})], {"y_z": np.int8(3)})
quantised("refused_blocks", {"x": [4, 6]}, [("QuantizeLinear", ["x", "c_s"], ["q_y"], {"axis": 0, "block_size": 2})], {"c_s": np.ones((2, 6), np.float32)}, opset=21)
one("refused_dynamic_quantize", "DynamicQuantizeLinear", [2])

# Lines and volumes, and what is known while compiling. Drawn apart, so that the cases above stay what they are.
rng = np.random.default_rng(2)
LINE = [1, 4, 9]
one("conv_line", "Conv", LINE, weights(5, 4, 3), weights(5), pads=[1, 2], strides=[2])
one("conv_line_grouped", "Conv", LINE, weights(4, 1, 3), group=4, strides=[2], auto_pad="SAME_UPPER")
one("conv_line_batch2", "Conv", [2, 4, 9], weights(5, 4, 4), kernel_shape=[4])
one("conv_transpose_line", "ConvTranspose", [1, 3, 5], weights(3, 2, 3), strides=[2], output_padding=[1])
one("max_pool_line", "MaxPool", LINE, kernel_shape=[3], strides=[2], ceil_mode=1)
one("average_pool_line", "AveragePool", LINE, kernel_shape=[2], strides=[2], pads=[1, 0], count_include_pad=1)
one("global_pool_line", "GlobalAveragePool", LINE)
one("max_pool_volume", "MaxPool", [1, 2, 5, 6, 6], kernel_shape=[1, 2, 2], strides=[2, 2, 2])
one("average_pool_count_ceil", "AveragePool", [1, 2, 6, 6], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1, opset=19)
case("argmax", [node("ArgMax", ["x"], ["i"], axis=1), node("Cast", ["i"], ["y"], to=1)], {"x": [3, 5, 2]})
case("argmin_flat", [node("ArgMin", ["x"], ["i"], axis=-1, keepdims=0), node("Cast", ["i"], ["y"], to=1)], {"x": [3, 5]})
one("lrn", "LRN", [1, 6, 4, 4], size=5, alpha=0.3, beta=0.6, bias=1.5)
one("gather_nd", "GatherND", [3, 4, 5], np.array([[0, 1], [2, -1], [1, 0]], np.int64))
one("gather_nd_elements", "GatherND", [3, 4], np.array([[[0, 1]], [[2, -1]]], np.int64))
case(
    "line_network",
    [
        node("Conv", ["x", "w0"], ["a"], pads=[1, 1]),
        node("BatchNormalization", ["a", "s", "b", "m", "v"], ["n"]),
        node("Relu", ["n"], ["r"]),
        node("MaxPool", ["r"], ["p"], kernel_shape=[2], strides=[2]),
        node("Conv", ["p", "w1", "b1"], ["c"], pads=[1, 1]),
        node("Add", ["c", "p"], ["d"]),
        node("GlobalAveragePool", ["d"], ["g"]),
        node("Flatten", ["g"], ["y"]),
    ],
    {"x": [1, 3, 16]},
    {"w0": weights(4, 3, 3), "s": weights(4), "b": weights(4), "m": weights(4), "v": abs(weights(4)) + 0.1, "w1": weights(4, 4, 3), "b1": weights(4)},
)
mask = np.array([[[[True, False, True, True, False]]]])
case("where_mask", [node("Where", ["m", "x", "k"], ["y"])], {"x": [1, 2, 3, 5]}, {"m": mask, "k": weights(1, 2, 1, 1)})
case("where_both", [node("Where", ["m", "x", "z"], ["y"])], {"x": [1, 2, 3, 5], "z": [1, 2, 3, 1]}, {"m": mask})
case(
    "known_grid",
    [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "two"], ["h"], axis=0),
        node("Range", ["zero", "h", "one"], ["r"]),
        node("Unsqueeze", ["r", "axis0"], ["row"]),
        node("Concat", ["two1", "h1"], ["to"], axis=0),
        node("Expand", ["row", "to"], ["grid"]),
        node("Transpose", ["grid"], ["turned"]),
        node("Mod", ["turned", "two"], ["odd"]),
        node("Equal", ["odd", "one"], ["is"]),
        node("Where", ["is", "five", "seven"], ["picked"]),
        node("ReduceSum", ["picked", "axis1"], ["sums"], keepdims=0),
        node("Slice", ["sums", "last", "first", "axis0", "back"], ["backwards"]),
        node("Cast", ["backwards"], ["f"], to=1),
        node("ScatterND", ["f", "at", "new"], ["g"]),
        node("Add", ["x", "g"], ["y"]),
    ],
    {"x": [1, 2, 6, 6]},
    {
        "two": ints(2).reshape(()), "zero": ints(0).reshape(()), "one": ints(1).reshape(()),
        "axis0": ints(0), "axis1": ints(1), "two1": ints(2), "h1": ints(6), "five": ints(5), "seven": ints(7),
        "last": ints(-1), "first": ints(-100), "back": ints(-1), "at": ints(1).reshape(1, 1), "new": weights(1),
    },
)
case(
    "known_floats",
    [
        node("Shape", ["x"], ["s"], start=2),
        node("Cast", ["s"], ["f"], to=1),
        node("Mul", ["f", "k"], ["m"]),
        node("Floor", ["m"], ["d"]),
        node("Cast", ["d"], ["i"], to=7),
        node("Concat", ["nc", "i"], ["sizes"], axis=0),
        node("Resize", ["x", "", "", "sizes"], ["y"], mode="nearest"),
    ],
    {"x": [1, 2, 5, 6]},
    {"k": np.array([2.5, 1.5], np.float32), "nc": ints(1, 2)},
)

# What the host compares, chooses and samples.
for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
    case(
        f"compare_{op.lower()}",
        [node("Round", ["x"], ["a"]), node("Round", ["z"], ["b"]), node(op, ["a", "b"], ["t"]), node("Cast", ["t"], ["y"], to=1)],
        {"x": [1, 3, 4, 5], "z": [3, 1, 5]},
    )
case(
    "logic",
    [
        node("Greater", ["x", "k"], ["a"]),
        node("Cast", ["z"], ["b"], to=9),
        node("Not", ["a"], ["n"]),
        node("And", ["n", "b"], ["c"]),
        node("Or", ["c", "m"], ["d"]),
        node("Xor", ["d", "a"], ["e"]),
        node("Where", ["e", "x", "k"], ["y"]),
    ],
    {"x": [2, 3, 4], "z": [4]},
    {"k": np.float32(0.25), "m": np.array([[True], [False], [True]])},
)
case(
    "where_computed_infinite",
    [node("Less", ["x", "k"], ["c"]), node("Where", ["c", "low", "x"], ["w"]), node("Softmax", ["w"], ["y"])],
    {"x": [2, 3, 8]},
    {"k": np.float32(0.25), "low": np.float32(-np.inf)},
)
for name, beta in (("softplus_threshold", 1.0), ("softplus_beta", 0.5)):
    case(
        name,
        [
            node("Mul", ["x", "beta"], ["s"]),
            node("Greater", ["s", "limit"], ["c"]),
            node("Exp", ["s"], ["e"]),
            node("Add", ["one", "e"], ["f"]),
            node("Log", ["f"], ["l"]),
            node("Div", ["l", "beta"], ["d"]),
            node("Where", ["c", "x", "d"], ["y"]),
        ],
        {"x": [1, 3, 4, 5]},
        {"beta": np.float32(beta), "limit": np.float32(20), "one": np.float32(1)},
    )
one("mod_computed", "Mod", [3, 4, 5], x2=[4, 5], fmod=1)
one("refused_mod_whole", "Mod", [3, 4, 5], x2=[4, 5])
for name, attributes in (("largest", {}), ("smallest_axis", {"axis": 1, "largest": 0}), ("any_order", {"axis": 0})):
    case(
        f"topk_{name}",
        [node("TopK", ["x", "k"], ["y", "i"], **attributes), node("Cast", ["i"], ["z"], to=1)],
        {"x": [3, 4, 5]},
        {"k": ints(3)},
        outputs=("y", "z"),
    )
case(
    "topk_equals",
    [node("Round", ["x"], ["r"]), node("TopK", ["r", "k"], ["v", "i"]), node("Cast", ["i"], ["y"], to=1)],
    {"x": [3, 16]},
    {"k": ints(16)},
)
case("topk_opset9", [node("TopK", ["x"], ["y", "i"], k=2, axis=1)], {"x": [3, 4, 5]}, opset=9)
one("refused_topk", "TopK", [3, 4], ints(5))
for padding in ("zeros", "border", "reflection"):
    for mode in ("nearest", "bilinear", "bicubic"):
        for corners in (0, 1):
            one(f"grid_sample_{padding}_{mode}_{corners}", "GridSample", [2, 3, 5, 6], x2=[2, 4, 7, 2], mode=mode, padding_mode=padding, align_corners=corners)
one("grid_sample_opset20", "GridSample", [1, 2, 5, 6], x2=[1, 4, 3, 2], mode="cubic", opset=20)
one("refused_grid_sample_volume", "GridSample", [1, 2, 3, 5, 6], x2=[1, 2, 4, 3, 3], mode="cubic", opset=20)

# Equations, branches and functions.
for name, equation, *shapes in (
    ("product", "ij,jk->ik", [3, 4], [4, 5]),
    ("attention", "bhid,bhjd->bhij", [2, 3, 4, 5], [2, 3, 6, 5]),
    ("channels", "nchw,cd->ndhw", [1, 3, 4, 5], [3, 6]),
    ("implicit", "bij,bjk", [2, 3, 4], [2, 4, 5]),
    ("outer", "bhw,c->bchw", [2, 3, 4], [5]),
    ("elementwise", "bij,bj->ibj", [2, 3, 4], [2, 4]),
    ("turned", "abc->ca", [2, 3, 4], None),
    ("inner", "i,i->", [4], [4]),
    ("same", "ij->ij", [3, 4], None),
):
    one(f"einsum_{name}", "Einsum", shapes[0], x2=shapes[1], equation=equation)
one("refused_einsum_diagonal", "Einsum", [3, 3], equation="ii->i")


def parsed(name, text, shapes):
    """A case of a model in ONNX's own text."""
    proto = onnx.parser.parse_model(text)
    onnx.save(proto, HERE / f"{name}.onnx")
    if name.startswith("refused_"):
        return
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    feeds = {n: weights(*s) for n, s in shapes.items()}
    results = onnxruntime.InferenceSession(proto.SerializeToString(), options).run(None, feeds)
    arrays = {f"in{i}": v for i, v in enumerate(feeds.values())} | {f"out{i}": v for i, v in enumerate(results)}
    np.savez(HERE / f"{name}.npz", **arrays)


HEAD = '<ir_version: 8, opset_import: ["" : 17, "own" : 1]>'
parsed(
    "if_shape",
    HEAD + """ case (float[2, 3] x) => (float[2, 3] y) {
        s = Shape(x)
        zero = Constant<value = int64 {0}>()
        three = Constant<value = int64 {2}>()
        n = Gather(s, zero)
        c = Equal(n, three)
        shared = Abs(x)
        y = If(c) <
            then_branch = then () => (float[2, 3] r) { a = Relu(shared)
                d = Not(c)
                r = If(d) <then_branch = t () => (float[2, 3] q) { q = Neg(a) }, else_branch = e () => (float[2, 3] q) { b = Neg(a)
                    q = Sub(b, x) }> },
            else_branch = other () => (float[2, 3] r) { a = Exp(shared)
                r = Identity(a) }>
    }""",
    {"x": [2, 3]},
)
parsed(
    "refused_if_computed",
    HEAD + """ case (float[2, 3] x, float[1] z) => (float[2, 3] y) {
        c = Cast<to = 9>(z)
        y = If(c) <then_branch = t () => (float[2, 3] q) { q = Neg(x) }, else_branch = e () => (float[2, 3] q) { q = Abs(x) }>
    }""",
    {},
)
parsed(
    "functions",
    HEAD + """ case (float[2, 3] x, float[3] z) => (float[2, 3] y) {
        a = own.Gated <alpha = 0.3> (x, z)
        y = own.Gated (a, z)
    }
    <domain: "own", opset_import: ["" : 17, "own" : 1]>
    Gated <alpha : float = 0.2> (a, b) => (c) { t = own.Twice(a)
        s = LeakyRelu <alpha : float = @alpha> (t)
        c = Mul(s, b) }
    <domain: "own", opset_import: ["" : 17]>
    Twice (a) => (c) { c = Add(a, a) }
    """,
    {"x": [2, 3], "z": [3]},
)

# Volumes.
one("conv3d_padded", "Conv", [2, 3, 5, 6, 7], weights(4, 3, 3, 2, 3), weights(4), pads=[1, 0, 1, 2, 1, 0], strides=[2, 1, 2])
one("conv3d_dilated", "Conv", [1, 3, 6, 6, 7], weights(4, 3, 2, 2, 3), dilations=[3, 2, 1], pads=[2, 0, 0, 1, 1, 1])
one("conv3d_grouped", "Conv", [1, 4, 4, 5, 5], weights(6, 2, 3, 3, 3), weights(6), group=2, pads=[1] * 6)
one("refused_conv3d_same", "Conv", [1, 4, 7, 7, 7], weights(2, 4, 3, 3, 3), auto_pad="SAME_UPPER")
one("refused_conv3d_planes", "Conv", [1, 1, 300, 3, 3], weights(2, 1, 3, 3, 3), pads=[1] * 6)

# Integers of few bits that moved before they are clipped.
case(
    "qcdq_moved",
    [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("Reshape", ["q", "flat"], ["r"]),
        node("Transpose", ["r"], ["t"]),
        node("Clip", ["t", "low", "high"], ["c"]),
        node("DequantizeLinear", ["c", "s", "z"], ["y"]),
    ],
    {"x": [2, 3, 4]},
    {"s": np.float32(0.1), "z": np.int8(3), "flat": ints(6, 4), "low": np.int8(-8), "high": np.int8(7)},
)

# Lines, integers and functions where they were forgotten.
quantised("qlinear_conv_line", {"x": [1, 4, 17]}, [("QLinearConv", X + W + Y, ["q_y"], {"pads": [1, 1], "strides": [2]})],
          {"w": bytes_of(5, 4, 3), "w_s": steps(5), "w_z": np.zeros(5, np.int8)})
quantised("qlinear_average_pool_line", {"x": [1, 4, 17]}, [("QLinearAveragePool", X + Y, ["q_y"], MS | {"kernel_shape": [3], "pads": [1, 0]})], {})
parsed(
    "if_functions",
    HEAD + """ case (float[2, 3] x) => (float[2, 3] y) {
        yes = Constant<value = int64 {1}>()
        c = Cast<to = 9>(yes)
        y = If(c) <then_branch = t () => (float[2, 3] q) { q = own.Twice(x) }, else_branch = e () => (float[2, 3] q) { q = Abs(x) }>
    }
    <domain: "own", opset_import: ["" : 17]>
    Twice (a) => (c) { c = Add(a, a) }
    """,
    {"x": [2, 3]},
)
parsed(
    "refused_double",
    HEAD + """ case (float[2] x) => (double[2] y) <double[2] k = {1e300, 1}> {
        d = Cast<to = 11>(x)
        y = Mul(d, k)
    }""",
    {},
)
case(
    "refused_scales_axis",
    [node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=100000), node("DequantizeLinear", ["q", "s", "z"], ["y"], axis=100000)],
    {"x": [2, 3, 4]},
    {"s": np.float32([0.1, 0.2, 0.3]), "z": np.int8([0, 0, 0])},
)
one("refused_transpose_same_short", "ConvTranspose", [1, 2, 4, 5], weights(2, 2, 2, 2), auto_pad="SAME_LOWER", strides=[3, 3])

# Attention as PyTorch writes it: masks that are added, what is no number, what is repeated.
causal = np.triu(np.full((6, 6), -np.inf, np.float32), 1)
case("add_mask_infinite", [node("Add", ["x", "m"], ["s"]), node("Softmax", ["s"], ["y"], axis=-1)], {"x": [2, 6, 6]}, {"m": causal})
case("sub_mask_infinite", [node("Sub", ["x", "m"], ["s"]), node("Softmax", ["s"], ["y"], axis=-1)], {"x": [2, 6, 6]}, {"m": -causal})
case("refused_mask_row", [node("Add", ["m", "x"], ["s"], name="mask"), node("Softmax", ["s"], ["y"], axis=-1)], {"x": [2, 6, 6]}, {"m": np.where(np.arange(6)[:, None] == 3, -np.inf, causal).astype(np.float32)})
for name, far in (("add_mask_finite", -1e9), ("add_mask_near", -100)):
    case(
        name,
        [node("MatMul", ["x", "z"], ["a"]), node("Add", ["a", "m"], ["s"]), node("Softmax", ["s"], ["y"], axis=-1)],
        {"x": [1, 6, 4], "z": [1, 4, 6]},
        {"m": np.triu(np.full((6, 6), far, np.float32), 1)},
    )
case(
    "is_nan",
    [node("Softmax", ["x"], ["r"], axis=-1), node("IsNaN", ["r"], ["n"]), node("Where", ["n", "zero", "r"], ["y"])],
    {"x": [1, 3, 4, 5]},
    {"zero": np.float32(0)},
)
one("tile", "Tile", [1, 3, 4, 5], ints(1, 2, 1, 3))
one("tile_pixel", "Tile", [1, 3, 1, 1], ints(1, 1, 4, 5))
one("tile_rank1", "Tile", [5], ints(3))
one("tile_once", "Tile", [2, 5], ints(1, 1))
one("refused_tile", "Tile", [2, 5], ints(1, 0))

# A recurrent layer as PyTorch unrolls it: more small tensors than the machine has pages, all of them joined.
STEPS = 14
steps_nodes = []
for k in range(STEPS):
    steps_nodes += [node("Slice", ["x", f"i{k}", f"i{k + 1}", "axis"], [f"x{k}"]), node("MatMul", [f"h{k - 1}" if k else "h", "w"], [f"m{k}"])]
    steps_nodes += [node("Add", [f"m{k}", f"x{k}"], [f"s{k}"]), node("Relu", [f"s{k}"], [f"h{k}"])]
case(
    "concat_steps",
    [*steps_nodes, node("Concat", [f"h{k}" for k in range(STEPS)], ["y"], axis=1)],
    {"x": [1, STEPS, 4], "h": [1, 1, 4]},
    {"w": weights(4, 4) / 2, "axis": ints(1)} | {f"i{k}": ints(k) for k in range(STEPS + 1)},
)

# Volumes: windows along the depth, with all that counts in a mean.
VOLUME = [1, 2, 5, 4, 6]
one("max_pool_volume_deep", "MaxPool", VOLUME, kernel_shape=[2, 2, 2], strides=[2, 2, 2])
one("max_pool_volume_ceil", "MaxPool", VOLUME, kernel_shape=[2, 3, 3], strides=[2, 2, 1], pads=[1, 1, 0, 1, 1, 1], ceil_mode=1)
one("max_pool_volume_dilated", "MaxPool", VOLUME, kernel_shape=[2, 1, 3], dilations=[2, 1, 1])
one("average_pool_volume", "AveragePool", VOLUME, kernel_shape=[3, 2, 2], strides=[2, 1, 2], pads=[1, 0, 1, 1, 1, 0])
one("average_pool_volume_count_pad", "AveragePool", VOLUME, kernel_shape=[2, 2, 3], pads=[1, 1, 1, 1, 1, 1], count_include_pad=1)
one("average_pool_volume_ceil_count_pad", "AveragePool", VOLUME, kernel_shape=[2, 3, 3], strides=[2, 2, 2], pads=[0, 1, 1, 0, 1, 1], ceil_mode=1, count_include_pad=1, opset=19)

# What F.fold makes: blocks that lie side by side, and ones that overlap and leave a border out.
one("col2im", "Col2Im", [1, 12, 6], ints(4, 6), ints(2, 2), strides=[2, 2], opset=18)
one("col2im_overlapping", "Col2Im", [1, 18, 8], ints(8, 8), ints(3, 3), strides=[2, 2], pads=[0, 1, 0, 0], dilations=[2, 1], opset=18)
one("refused_col2im", "Col2Im", [1, 12, 7], ints(4, 6), ints(2, 2), strides=[2, 2], opset=18)

# What does not lie in memory as the next operator reads it: behind a channel shuffle, of a half of it, behind a
# PixelUnshuffle, maps as rows of a product, a sum of two orders.
def moved(x, y, split, perm, joined):
    constants = {f"{y}_s": ints(*split), f"{y}_j": ints(*joined)}
    nodes = [node("Reshape", [x, f"{y}_s"], [f"{y}_1"]), node("Transpose", [f"{y}_1"], [f"{y}_2"], perm=perm), node("Reshape", [f"{y}_2", f"{y}_j"], [y])]
    return nodes, constants


def laid(name, x, before, move, after, constants):
    nodes, more = moved(*move)
    case(name, [*before, *nodes, *after], {"x": x}, constants | more)


POINT = node("Conv", ["x", "p"], ["a"])
DEEP = node("Conv", ["b", "d"], ["y"], group=8, pads=[1, 1, 1, 1])
laid("lay_shuffle", [1, 3, 6, 7], [POINT], ("a", "b", [1, 2, 4, 6, 7], [0, 2, 1, 3, 4], [1, 8, 6, 7]), [DEEP], {"p": weights(8, 3, 1, 1), "d": weights(8, 1, 3, 3)})
laid("lay_shuffle_half", [1, 3, 6, 7], [POINT], ("a", "c", [1, 2, 6, 6, 7], [0, 2, 1, 3, 4], [1, 12, 6, 7]),
     [node("Slice", ["c", "i0", "i8", "i1"], ["b"]), DEEP], {"p": weights(12, 3, 1, 1), "d": weights(8, 1, 3, 3), "i0": ints(3), "i8": ints(11), "i1": ints(1)})
laid("lay_unshuffle", [1, 2, 6, 8], [], ("x", "b", [1, 2, 3, 2, 4, 2], [0, 1, 3, 5, 2, 4], [1, 8, 3, 4]), [DEEP], {"d": weights(8, 1, 3, 3)})
case(
    "lay_lines",
    [POINT, node("Conv", ["x", "q"], ["b"]), node("Reshape", ["a", "l"], ["c"]), node("Reshape", ["b", "l"], ["d"]), node("Transpose", ["c"], ["e"], perm=[0, 2, 1]), node("MatMul", ["e", "d"], ["y"])],
    {"x": [1, 3, 4, 5]},
    {"p": weights(4, 3, 1, 1), "q": weights(4, 3, 1, 1), "l": ints(1, 4, 20)},
)
laid("lay_sum", [1, 3, 4, 6], [POINT], ("a", "b", [1, 2, 2, 4, 6], [0, 2, 1, 3, 4], [1, 4, 4, 6]), [node("Add", ["b", "a"], ["y"])], {"p": weights(4, 3, 1, 1)})
case("scale_batch", [node("Mul", ["x", "k"], ["y"])], {"x": [2, 3, 4, 5]}, {"k": np.float32(0.5)})
one("conv_transpose_volume", "ConvTranspose", [1, 4, 3, 4, 5], weights(4, 2, 2, 2, 2), weights(2), strides=[2, 2, 2])
one("conv_transpose_volume_padded", "ConvTranspose", [1, 4, 3, 3, 4], weights(4, 2, 3, 3, 3), strides=[2, 2, 1], pads=[1, 1, 1, 1, 1, 1], output_padding=[1, 1, 0])
one("conv_transpose_volume_groups", "ConvTranspose", [1, 4, 3, 3, 4], weights(4, 2, 3, 2, 1), weights(4), group=2, dilations=[2, 1, 1])
quantised("qlinear_softmax", {"x": IMAGE_1}, [("QLinearSoftmax", X + Y, ["q_y"], MS | {"axis": 1, "opset": 13})], {"y_s": np.float32(1 / 256), "y_z": np.uint8(0)})
# NaN that is never chosen, and a choice that only broadcasts.
case("where_never", [node("Abs", ["x"], ["a"]), node("Neg", ["a"], ["n"]), node("Log", ["n"], ["l"]), node("Where", ["m", "l", "k"], ["w"]), node("Add", ["w", "x"], ["y"])], {"x": [1, 2, 3, 5]}, {"m": np.array([False]), "k": weights(5)})
case("where_always", [node("Where", ["m", "x", "k"], ["y"])], {"x": [2, 1, 5]}, {"m": np.array([True]), "k": weights(2, 3, 1)})

# Functions of circles and hyperbolas; those of a part of the numbers alone, of what lies there.
for op in ["Tan", "Atan", "Sinh", "Cosh", "Asinh"]:
    one(f"unary_{op.lower()}", op, [3, 17], opset=18)
for op, most in [("Asin", 1.0), ("Acos", 1.0), ("Atanh", 0.99)]:
    bounded = node("Clip", ["x", "low", "high"], ["a"])
    ends = {"low": np.float32(-most), "high": np.float32(most)}
    case(f"unary_{op.lower()}", [bounded, node(op, ["a"], ["y"])], {"x": [3, 17]}, ends)
case(
    "unary_acosh",
    [node("Abs", ["x"], ["a"]), node("Add", ["a", "one"], ["b"]), node("Acosh", ["b"], ["y"])],
    {"x": [3, 17]},
    {"one": np.float32(1)},
)
one("unary_shrink", "Shrink", [3, 17])
one("shrink_parameters", "Shrink", [3, 17], lambd=0.75, bias=0.5)

# Triangles.
one("cumsum", "CumSum", [2, 5, 4], np.int64(1))
one("cumsum_last", "CumSum", [2, 5, 4], np.int64(-1), exclusive=1)
one("cumsum_reverse", "CumSum", [3, 5], ints(0), reverse=1)
one("cumsum_exclusive_reverse", "CumSum", [7], ints(0), reverse=1, exclusive=1)
one("refused_cumsum_long", "CumSum", [1, 3000], ints(1))
one("trilu_upper", "Trilu", [2, 4, 5])
one("trilu_lower", "Trilu", [4, 5], np.int64(1), upper=0)

# Elements at constant places.
one("gather_elements", "GatherElements", [3, 4], np.array([[0, -1], [2, 1]], np.int64), axis=1)
one("gather_elements_first", "GatherElements", [3, 4], np.array([[0, -1, 2, 1]], np.int64))
one("gather_nd_batch", "GatherND", [2, 3, 4], np.array([[[0], [2]], [[1], [1]]], np.int64), batch_dims=1)
one("gather_nd_batch_rows", "GatherND", [2, 3, 4], np.array([[1, 2], [0, -1]], np.int64), batch_dims=1)
one("scatter_elements", "ScatterElements", [3, 4], np.array([[2, 0], [1, 3]], np.int64), weights(2, 2), axis=1)
case(
    "scatter_elements_channel",
    [node("Relu", ["x2"], ["u"]), node("ScatterElements", ["x", "i", "u"], ["y"], axis=1)],
    {"x": [2, 4, 3], "x2": [2, 1, 3]},
    {"i": np.full((2, 1, 3), 2, np.int64)},
)
one("scatter_nd", "ScatterND", [4, 3], np.array([[3], [0]], np.int64), weights(2, 3))
one("scatter_nd_elements", "ScatterND", [4, 3], np.array([[3, 1], [0, -1], [2, 0]], np.int64), weights(3))
# y[..., 1:3] = f(y[..., 1:3]), as detection heads are exported.
places = np.stack(np.meshgrid(np.arange(2), np.arange(5), np.arange(1, 3), indexing="ij"), -1)
case(
    "scatter_nd_part",
    [
        node("Slice", ["x", "start", "end", "axes"], ["part"]),
        node("Sigmoid", ["part"], ["u"]),
        node("ScatterND", ["x", "i", "u"], ["y"]),
    ],
    {"x": [2, 5, 4]},
    {"start": ints(1), "end": ints(3), "axes": ints(2), "i": places.astype(np.int64)},
)
case(
    "scatter_nd_all",
    [node("Tanh", ["x"], ["u"]), node("ScatterND", ["x", "i", "u"], ["y"])],
    {"x": [3, 2]},
    {"i": ints(0, 1, 2).reshape(3, 1)},
)
for reduction in ("add", "mul", "max", "min"):
    one(f"scatter_nd_{reduction}", "ScatterND", [4, 3], np.array([[3], [0]], np.int64), weights(2, 3), reduction=reduction, opset=18)
one("scatter_elements_add", "ScatterElements", [3, 4], np.array([[2, 0], [1, 3]], np.int64), weights(2, 2), axis=1, reduction="add", opset=18)
weights(2, 3)  # What follows keeps its numbers.
one("cast_like", "CastLike", [4, 3], weights(1))

# Normalisations.
one("lp_normalization", "LpNormalization", [2, 5, 3], axis=1)
one("lp_normalization_1", "LpNormalization", [2, 5], p=1)
one("mean_variance", "MeanVarianceNormalization", [2, 3, 4, 5])
one("mean_variance_axes", "MeanVarianceNormalization", [2, 3, 4], axes=[2, 1])
one("rms_normalization", "RMSNormalization", [2, 5, 6], weights(6), opset=23)
one("rms_normalization_axis", "RMSNormalization", [2, 5, 6], weights(5, 6), opset=23, axis=1, epsilon=0.01)

# Equations with an ellipsis, and of three operands.
for name, shapes, equation in [
    ("ellipsis", [[2, 3, 4], [2, 4, 5]], "...ij,...jk->...ik"),
    ("ellipsis_implicit", [[2, 3, 4], [4, 5]], "...ij,jk"),
    ("ellipsis_moved", [[2, 3, 4], [4]], "i...j,j->...i"),
]:
    one(f"einsum_{name}", "Einsum", shapes[0], x2=shapes[1], equation=equation)
case(
    "einsum_three",
    [node("Einsum", ["x", "x2", "x3"], ["y"], equation="bi,ij,bj->b")],
    {"x": [2, 3], "x2": [3, 4], "x3": [2, 4]},
)


def attention(name, q, k, v, constants=None, reads=(), **attributes):
    n = node("Attention", ["q", "k", "v", *reads], ["y"], **attributes)
    case(name, [n], {"q": q, "k": k, "v": v}, constants, opset=23)


attention("attention", [2, 3, 5, 4], [2, 3, 6, 4], [2, 3, 6, 7])
attention("attention_joined", [2, 5, 12], [2, 6, 12], [2, 6, 9], q_num_heads=3, kv_num_heads=3, scale=0.25)
attention("attention_grouped", [1, 4, 5, 4], [1, 2, 5, 4], [1, 2, 5, 4])
attention("attention_causal", [1, 2, 5, 4], [1, 2, 5, 4], [1, 2, 5, 4], is_causal=1)
mask = np.tril(np.ones((5, 6), bool), 1)
attention("attention_mask", [1, 2, 5, 4], [1, 2, 6, 4], [1, 2, 6, 4], {"mask": mask}, ["mask"])
attention("attention_bias", [1, 2, 5, 4], [1, 2, 6, 4], [1, 2, 6, 4], {"mask": weights(2, 5, 6)}, ["mask"])
attention("refused_attention_softcap", [1, 2, 5, 4], [1, 2, 5, 4], [1, 2, 5, 4], softcap=2.0)
attention("refused_attention_heads", [1, 5, 12], [1, 5, 12], [1, 5, 12])

# Pools of powers, indices from the end, grids, and sequences.
one("lp_pool", "LpPool", IMAGE, kernel_shape=[2, 3], strides=[2, 2], pads=[1, 0, 0, 1], opset=18)
one("lp_pool_1", "LpPool", IMAGE, kernel_shape=[3, 3], p=1, opset=18)
one("lp_pool_line", "LpPool", [1, 4, 9], kernel_shape=[3], opset=18)
one("global_lp_pool", "GlobalLpPool", IMAGE)
one("lp_pool_3", "LpPool", IMAGE, kernel_shape=[3, 3], p=3, opset=18)
one("refused_lp_pool", "LpPool", IMAGE, kernel_shape=[3, 3], p=-1, opset=18)
one("hardmax", "Hardmax", [3, 5, 4], axis=1)
one("hardmax_flattened", "Hardmax", [3, 5, 4], opset=11)
case(
    "one_hot_computed",
    [node("ArgMax", ["x"], ["i"], axis=1, keepdims=0), node("OneHot", ["i", "depth", "ends"], ["y"], axis=1)],
    {"x": [3, 5, 4]},
    {"depth": ints(5), "ends": np.array([-1, 2], np.float32)},
)
case(
    "argmax_last",
    [
        node("Round", ["x"], ["r"]),
        node("ArgMax", ["r"], ["i"], axis=1, select_last_index=1),
        node("Cast", ["i"], ["y"], to=TensorProto.FLOAT),
    ],
    {"x": [3, 9, 4]},
)
case("is_inf", [node("IsInf", ["x"], ["i"]), node("Cast", ["i"], ["y"], to=TensorProto.FLOAT)], {"x": [3, 17]})
for corners in (0, 1):
    one(f"affine_grid_{corners}", "AffineGrid", [2, 2, 3], ints(2, 3, 4, 5), align_corners=corners, opset=20)
case(
    "sequence",
    [
        node("SplitToSequence", ["x", "sizes"], ["s"], axis=1),
        node("SequenceAt", ["s", "last"], ["a"]),
        node("Relu", ["a"], ["r"]),
        node("SequenceInsert", ["s", "r", "first"], ["t"]),
        node("ConcatFromSequence", ["t"], ["y"], axis=1),
    ],
    {"x": [2, 6, 3]},
    {"sizes": ints(1, 3, 2), "last": np.int64(-1), "first": np.int64(0)},
)
case(
    "sequence_stacked",
    [
        node("SplitToSequence", ["x"], ["s"], axis=1, keepdims=0),
        node("SequenceAt", ["s", "second"], ["a"]),
        node("SequenceConstruct", ["a", "x2", "a"], ["t"]),
        node("ConcatFromSequence", ["t"], ["y"], axis=-1, new_axis=1),
    ],
    {"x": [2, 6, 3], "x2": [2, 3]},
    {"second": np.int64(1)},
)
case(
    "sequence_even",
    [node("SplitToSequence", ["x", "each"], ["s"], axis=1), node("ConcatFromSequence", ["s"], ["y"], axis=1)],
    {"x": [2, 7, 3]},
    {"each": np.int64(3)},
)
case(
    "refused_sequence",
    [node("SplitToSequence", ["x"], ["s"], axis=1), node("Relu", ["s"], ["y"])],
    {"x": [2, 7, 3]},
)
case(
    "sequence_of_extents",
    [
        node("Shape", ["x"], ["all"]),
        node("Gather", ["all", "second"], ["n"]),
        node("SequenceConstruct", ["n", "open"], ["t"]),
        node("ConcatFromSequence", ["t"], ["shape"], axis=0, new_axis=1),
        node("Reshape", ["x", "shape"], ["y"]),
    ],
    {"x": [2, 7, 3]},
    {"second": np.int64(1), "open": np.int64(-1)},
)
one_row = np.tri(6, 6, dtype=bool) & (np.arange(6)[:, None] != 3)
case("refused_where_row", [node("Where", ["m", "x", "least"], ["s"], name="mask"), node("Softmax", ["s"], ["y"], axis=-1)], {"x": [2, 6, 6]}, {"m": one_row, "least": np.float32(-np.inf)})
case("refused_sequence_long", [node("SplitToSequence", ["x"], ["s"], axis=1), node("SequenceAt", ["s", "i"], ["y"])], {"x": [1, 5000]}, {"i": np.int64(0)})
one("refused_affine_grid_large", "AffineGrid", [1, 2, 3], ints(1, 1, 100_000, 100_000), opset=20)
one("refused_one_hot_large", "OneHot", [1, 4000], ints(200_000_000), np.array([0, 1], np.float32))
one("clip_empty_range", "Clip", IMAGE, np.float32(0.5), np.float32(-0.25))
for op in ("Sum", "Mean", "Max", "Min"):
    case(f"{op.lower()}_of_one_thrice", [node(op, ["x", "x2", "x", "x"], ["y"])], {"x": [2, 3, 4], "x2": [3, 1]})
    case(f"{op.lower()}_of_nothing_else", [node(op, ["x", "x"], ["y"])], {"x": [2, 3, 4]})

# Elements at places that the network computes, whole numbers that it computes with, and what is left behind. Drawn
# apart.
rng = np.random.default_rng(3)
case(
    "gather_computed",
    [node("ArgMax", ["x"], ["i"], axis=1, keepdims=0), node("Gather", ["table", "i"], ["y"])],
    {"x": [2, 5, 3]},
    {"table": weights(5, 4)},
)
case(
    "gather_computed_axis",
    [
        node("ArgMax", ["x"], ["i"], axis=1, keepdims=0),
        node("Sub", ["i", "five"], ["from_end"]),
        node("Gather", ["x2", "from_end"], ["y"], axis=1),
    ],
    {"x": [2, 5, 3], "x2": [3, 5, 4]},
    {"five": ints(5)},
)
case(
    "gather_computed_scalar",
    [node("ArgMax", ["x"], ["i"], axis=0, keepdims=0), node("Gather", ["x2", "i"], ["y"], axis=1)],
    {"x": [5], "x2": [3, 5]},
)
case(
    "gather_elements_computed",
    [node("TopK", ["x", "k"], ["v", "i"], axis=1), node("GatherElements", ["x2", "i"], ["y"], axis=1)],
    {"x": [2, 7, 3], "x2": [2, 7, 4]},
    {"k": ints(4)},
)
case(
    "gather_whole",
    [
        node("ArgMax", ["x"], ["i"], axis=1, keepdims=0),
        node("Gather", ["table", "i"], ["t"]),
        node("Cast", ["t"], ["y"], to=TensorProto.FLOAT),
    ],
    {"x": [2, 5, 3]},
    {"table": ints(70, -3, 5, 12, 900)},
)
case(
    "whole_arithmetic",
    [
        node("TopK", ["x", "k"], ["v", "i"], axis=1),
        node("Div", ["i", "width"], ["row"]),
        node("Mod", ["i", "width"], ["column"]),
        node("Mul", ["row", "negative"], ["below"]),
        node("Div", ["below", "width"], ["towards_zero"]),
        node("Mod", ["below", "width"], ["floored"]),
        node("Concat", ["row", "column", "below", "towards_zero", "floored"], ["all"], axis=0),
        node("Cast", ["all"], ["y"], to=TensorProto.FLOAT),
    ],
    {"x": [1, 400]},
    {"k": ints(30), "width": ints(20), "negative": ints(-7)},
)
for kind, to in (("int64", TensorProto.INT64), ("int32", TensorProto.INT32), ("int8", TensorProto.INT8), ("uint8", TensorProto.UINT8)):
    case(
        f"cast_truncates_{kind}",
        [
            node("Abs" if kind == "uint8" else "Identity", ["x"], ["a"]),
            node("Mul", ["a", "factor"], ["m"]),
            node("Cast", ["m"], ["w"], to=to),
            node("Cast", ["w"], ["y"], to=TensorProto.FLOAT),
        ],
        {"x": [3, 17]},
        {"factor": np.float32(20)},
    )
case(
    "cast_wraps",
    [
        node("ArgMax", ["x"], ["i"], axis=1),
        node("Mul", ["i", "large"], ["m"]),
        node("Cast", ["m"], ["bytes"], to=TensorProto.UINT8),
        node("Cast", ["m"], ["signed"], to=TensorProto.INT8),
        node("Cast", ["bytes"], ["b"], to=TensorProto.FLOAT),
        node("Cast", ["signed"], ["s"], to=TensorProto.FLOAT),
        node("Concat", ["b", "s"], ["y"], axis=1),
    ],
    {"x": [3, 17, 6]},
    {"large": ints(-77)},
)
case(
    "cast_double",
    [
        node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE),
        node("Sub", ["k", "d"], ["s"]),
        node("Cast", ["s"], ["y"], to=TensorProto.FLOAT),
    ],
    {"x": [3, 17]},
    {"k": np.linspace(0, 1, 17)},
)
case(
    "mask_moved",
    [
        node("Where", ["m", "least", "zero"], ["filled"]),
        node("Unsqueeze", ["filled", "first"], ["mask"]),
        node("Add", ["x", "mask"], ["s"]),
        node("Softmax", ["s"], ["y"], axis=-1),
    ],
    {"x": [2, 6, 6]},
    {"m": np.triu(np.ones((6, 6), bool), 1), "least": np.float32(-np.inf), "zero": np.float32(0), "first": ints(0)},
)
case(
    "mask_spread",
    [
        node("Expand", ["least", "shape"], ["filled"]),
        node("Trilu", ["filled", "one"], ["mask"], upper=1),
        node("Add", ["x", "mask"], ["s"]),
        node("Softmax", ["s"], ["y"], axis=-1),
    ],
    {"x": [2, 6, 6]},
    {"least": np.float32(-np.inf), "shape": ints(6, 6), "one": np.int64(1)},
)
case(
    "left_behind",
    [
        node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2]),
        node("Sub", ["i", "i"], ["nothing"]),
        node("Bernoulli", ["x"], ["chance"]),
    ],
    {"x": IMAGE},
)
case("range_like", [node("CastLike", ["zero", "four"], ["start"]), node("Range", ["start", "four", "one"], ["r"]), node("Cast", ["r"], ["f"], to=1), node("Add", ["x", "f"], ["y"])], {"x": [3, 4]}, {"zero": np.float32(0), "four": np.int64(4), "one": np.int64(1)})
case(
    "batch_norm_of_weights",
    [
        node("Reshape", ["w", "flat"], ["rows"]),
        node("BatchNormalization", ["rows", "gain", "zero", "m", "v"], ["normal", "mean", "variance"], training_mode=1),
        node("Reshape", ["normal", "four"], ["filters"]),
        node("Conv", ["x", "filters"], ["y"]),
    ],
    {"x": IMAGE},
    {
        "w": weights(5, 4, 3, 3),
        "gain": weights(5),
        "zero": np.zeros(5, np.float32),
        "m": weights(5),
        "v": np.abs(weights(5)),
        "flat": ints(1, 5, -1),
        "four": ints(5, 4, 3, 3),
    },
)

# Operators that are kept as they are.
for parts, masked in ((1, False), (2, True)):
    taps = parts * 6
    constants = {
        "w": weights(6, 2, 3, 2),
        "o": 2 * weights(1, 2 * taps, 4, 9),
        "m": np.abs(weights(1, taps, 4, 9)),
    }
    case(
        f"deform_conv_{parts}_{int(masked)}",
        [
            node(
                "DeformConv",
                ["x", "w", "o"] + (["", "m"] if masked else []),
                ["y"],
                group=2,
                offset_group=parts,
                pads=[1, 0, 2, 1],
                strides=[2, 1],
                dilations=[1, 1],
            )
        ],
        {"x": IMAGE},
        constants if masked else {k: v for k, v in constants.items() if k != "m"},
        opset=22,
    )
case(
    "deform_conv_computed",
    [
        node("Conv", ["x", "ow", "ob"], ["o"], pads=[1, 1, 1, 1]),
        node("DeformConv", ["x", "w", "o", "b"], ["d"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        node("Relu", ["d"], ["y"]),
    ],
    {"x": IMAGE},
    {"ow": 0.3 * weights(18, 4, 3, 3), "ob": weights(18), "w": weights(5, 4, 3, 3), "b": weights(5)},
    opset=19,
)
REGIONS = np.array([[0, 0, 8, 6], [1.5, 2.25, 4, 6.5], [-3, -2, 3, 2], [6, 5, 30, 20], [2, 2, 2, 2]], np.float32)
for mode, opset, attributes in (
    ("avg", 10, dict(output_height=3, output_width=2)),
    ("avg", 16, dict(output_height=2, output_width=3, sampling_ratio=2, spatial_scale=0.5)),
    ("max", 16, dict(output_height=2, output_width=2, coordinate_transformation_mode="output_half_pixel")),
    ("max", 17, dict(output_height=3, output_width=4, sampling_ratio=3)),
):
    case(
        f"roi_align_{mode}_{opset}",
        [node("RoiAlign", ["x", "r", "n"], ["y"], mode=mode, **attributes)],
        {"x": [2, 3, 7, 9]},
        {"r": REGIONS, "n": ints(0, 1, 1, 0, 1)},
        opset=opset,
    )
case(
    "max_roi_pool",
    [node("MaxRoiPool", ["x", "r"], ["y"], pooled_shape=[3, 2], spatial_scale=0.7)],
    {"x": [2, 3, 7, 9]},
    {"r": np.concatenate([np.array([[0], [1], [1], [0], [1]], np.float32), REGIONS], axis=1)},
)
one("reverse_sequence", "ReverseSequence", [5, 3, 2], ints(5, 1, 3), batch_axis=1, time_axis=0)
one("reverse_sequence_batch", "ReverseSequence", [3, 5], ints(2, 5, 4), batch_axis=0, time_axis=1)
one("det", "Det", [2, 4, 4])


# Places of maxima, and what is put back there.
POOLED = dict(kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])


def whole(op, reads, names, **attributes):
    """A node of which results `names` are whole numbers, cast to floats of the same names without their `_w`."""
    casts = [node("Cast", [n], [n[:-2]], to=TensorProto.FLOAT) for n in names if n.endswith("_w")]
    return [node(op, reads, names, **attributes), *casts]


for name, shape, attributes in (
    ("image", [2, 3, 7, 9], POOLED),
    ("columns", [2, 3, 7, 9], POOLED | dict(storage_order=1)),
    ("ceil", [1, 2, 8, 8], dict(kernel_shape=[3, 3], strides=[3, 2], ceil_mode=1)),
    ("dilated", [1, 2, 8, 9], dict(kernel_shape=[2, 3], dilations=[3, 2], pads=[1, 2, 1, 2])),
    ("line", [2, 3, 11], dict(kernel_shape=[4], strides=[3], pads=[2, 1])),
    ("volume", [1, 2, 5, 6, 7], dict(kernel_shape=[2, 3, 2], strides=[2, 1, 2], pads=[1, 1, 0, 0, 1, 1])),
):
    case(f"max_places_{name}", whole("MaxPool", ["x"], ["y", "i_w"], **attributes), {"x": shape}, outputs=("y", "i"))
for name, shape, kernel, size in (
    ("image", [1, 2, 6, 8], [2, 2], None),
    ("size", [1, 2, 7, 9], [2, 2], ints(1, 2, 7, 9)),
    ("line", [1, 2, 9], [3], None),
    ("volume", [1, 2, 4, 4, 6], [2, 2, 2], None),
):
    case(
        f"max_unpool_{name}",
        [
            node("MaxPool", ["x"], ["m", "i"], kernel_shape=kernel, strides=kernel),
            node("MaxUnpool", ["m", "i"] + ["s"] * (size is not None), ["y"], kernel_shape=kernel, strides=kernel),
        ],
        {"x": shape},
        {} if size is None else {"s": size},
    )

# What computed indices name.
case(
    "gather_nd_computed",
    [
        *whole("TopK", ["x", "k"], ["v", "i"], axis=1),
        node("Reshape", ["i", "s"], ["r"]),
        node("GatherND", ["z", "r"], ["y"]),
    ],
    {"x": [1, 12], "z": [12, 3]},
    {"k": ints(4), "s": ints(4, 1)},
)
case(
    "gather_nd_computed_batch",
    [node("ArgMax", ["x"], ["i"], axis=2), node("GatherND", ["x", "i"], ["y"], batch_dims=1)],
    {"x": [3, 5, 4]},
)
for reduction in ("none", "add", "mul", "max", "min"):
    case(
        f"scatter_elements_computed_{reduction}",
        [
            node("ArgMax", ["x"], ["i"], axis=1, keepdims=1),
            node("Slice", ["x", "from", "to", "one"], ["u"]),
            node("ScatterElements", ["x", "i", "u"], ["y"], axis=-2, reduction=reduction),
        ],
        {"x": [2, 4, 3]},
        {"from": ints(2), "to": ints(3), "one": ints(1)},
        opset=18,
    )
    one(
        f"scatter_nd_twice_{reduction}",
        "ScatterND",
        [4, 3],
        np.array([[3], [1], [-1]], np.int64),
        weights(3, 3),
        reduction=reduction,
        opset=18,
    )
one("scatter_elements_twice", "ScatterElements", [3, 4], np.array([[2, 2], [1, -1]], np.int64), weights(2, 2), axis=1, reduction="add", opset=18)
case(
    "scatter_nd_computed",
    [node("ArgMax", ["x"], ["i"], axis=0, keepdims=1), node("Transpose", ["i"], ["t"]), node("ScatterND", ["x", "t", "u"], ["y"])],
    {"x": [4, 3]},
    {"u": weights(3, 3)},
)
case(
    "scatter_constant_add",
    [node("ScatterElements", ["z", "i", "u"], ["s"], reduction="add"), node("Add", ["x", "s"], ["y"])],
    {"x": [3, 2]},
    {"z": weights(3, 2), "i": np.array([[2, 0], [2, 0]], np.int64), "u": weights(2, 2)},
    opset=18,
)

# Resize by matrices.
def scales(*factors):
    return np.array([1, 1, *factors], np.float32)


for name, factors, attributes in (
    ("linear", (0.5, 0.7), dict(mode="linear")),
    ("linear_up", (1.5, 0.4), dict(mode="linear", coordinate_transformation_mode="pytorch_half_pixel")),
    ("linear_corners", (0.5, 0.25), dict(mode="linear", coordinate_transformation_mode="align_corners")),
    ("linear_inside", (0.4, 0.4), dict(mode="linear", exclude_outside=1)),
    ("cubic", (0.6, 1.3), dict(mode="cubic", cubic_coeff_a=-0.5)),
    ("cubic_inside", (0.4, 0.6), dict(mode="cubic", exclude_outside=1)),
):
    one(f"resize_antialias_{name}", "Resize", [1, 2, 8, 10], None, scales(*factors), antialias=1, opset=18, **attributes)
one("resize_antialias_sizes", "Resize", [1, 2, 9, 11], None, None, ints(4, 5), mode="linear", antialias=1, axes=[2, 3], opset=18)
for mode in ("nearest", "linear", "cubic"):
    one(
        f"resize_region_{mode}",
        "Resize",
        [1, 2, 8, 9],
        np.array([0, 0, 0.2, -0.3, 1, 1, 0.9, 0.8], np.float32),
        None,
        ints(1, 2, 5, 6),
        mode=mode,
        coordinate_transformation_mode="tf_crop_and_resize",
        extrapolation_value=3.5,
    )
one(
    "resize_region_scales",
    "Resize",
    [1, 2, 8, 9],
    np.array([0, 0, 0.25, 0.1, 1, 1, 0.75, 1.2], np.float32),
    scales(2.0, 0.5),
    mode="linear",
    coordinate_transformation_mode="tf_crop_and_resize",
)
for mode, factor in (("linear", 1.3), ("linear", 0.6), ("cubic", 1.3), ("nearest", 1.3)):
    one(
        f"resize_corners_{mode}_{int(10 * factor)}",
        "Resize",
        [1, 2, 7, 9],
        None,
        scales(factor, factor),
        mode=mode,
        coordinate_transformation_mode="align_corners",
    )

# Bounds that are computed.
for name, bounds in (("both", ["l", "h"]), ("low", ["l"]), ("high", ["", "h"])):
    case(
        f"clip_computed_{name}",
        [
            node("ReduceMean", ["x"], ["l"], keepdims=0),
            node("ReduceMax", ["z"], ["h"], keepdims=0),
            node("Clip", ["x", *bounds], ["y"]),
        ],
        {"x": [3, 5], "z": [2]},
    )

# The middle of images, and spectra.
one("center_crop", "CenterCropPad", [1, 2, 7, 8], ints(4, 5), axes=[2, 3], opset=18)
one("center_pad", "CenterCropPad", [1, 2, 7, 8], ints(10, 13), axes=[-2, -1], opset=18)
one("center_both", "CenterCropPad", [5, 6], ints(8, 3), opset=18)
one("dft_real", "DFT", [2, 8, 1])
one("dft_complex", "DFT", [2, 6, 5, 2], None, axis=2)
one("dft_half", "DFT", [2, 9, 3, 1], np.array(12, np.int64), axis=1, onesided=1)
one("dft_short", "DFT", [2, 9, 1], np.array(6, np.int64), axis=1)
one("dft_inverse", "DFT", [2, 7, 2], inverse=1, axis=1)
one("dft_axis", "DFT", [3, 4, 6, 1], None, np.array(0, np.int64), opset=20)
one("stft", "STFT", [2, 40, 1], np.array(7, np.int64), np.hanning(16).astype(np.float32), np.array(16, np.int64))
one("stft_whole", "STFT", [1, 33], np.array(5, np.int64), None, np.array(8, np.int64), onesided=0)
for op, periodic in (("HannWindow", 1), ("HammingWindow", 0), ("BlackmanWindow", 1), ("BlackmanWindow", 0)):
    case(
        f"window_{op.lower()}_{periodic}",
        [node(op, ["n"], ["w"], periodic=periodic), node("Mul", ["x", "w"], ["y"])],
        {"x": [2, 9]},
        {"n": np.array(9, np.int64)},
    )


# Inputs of whole numbers and of truths.
def typed(name, nodes, feeds, constants=None, outputs=("y",), opset=17):
    """As `case`, with these inputs; the file has them as floats."""
    proto = model(nodes, {n: v.shape for n, v in feeds.items()}, constants or {}, outputs, opset)
    for value, feed in zip(proto.graph.input, feeds.values()):
        value.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(feed.dtype)
    onnx.save(proto, HERE / f"{name}.onnx")
    if name.startswith("refused_"):
        return
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    arrays = {f"in{i}": v.astype(np.float32) for i, v in enumerate(feeds.values())}
    arrays |= {f"out{i}": v for i, v in enumerate(session.run(list(outputs), feeds))}
    np.savez(HERE / f"{name}.npz", **arrays)


TOKENS = np.array([[3, 0, 7, 5, 3, 9]], np.int64)
for kind in (np.int64, np.int32):
    bits = np.dtype(kind).name
    tokens = TOKENS.astype(kind)
    typed(f"input_{bits}_tokens", [node("Gather", ["t", "i"], ["y"])], {"i": tokens}, {"t": weights(10, 4)})
    typed(
        f"input_{bits}_arithmetic",
        [
            node("Div", ["i", "three"], ["q"]),
            node("Mod", ["i", "three"], ["m"]),
            node("Sub", ["q", "m"], ["d"]),
            node("Clip", ["d", "low"], ["c"]),
            node("Cast", ["c"], ["f"], to=TensorProto.FLOAT),
            node("Mul", ["f", "x"], ["y"]),
        ],
        {"i": tokens, "x": weights(1, 6)},
        {"three": np.array(3, kind), "low": np.array(-1, kind)},
    )
    typed(
        f"input_{bits}_mask",
        [
            node("Equal", ["i", "zero"], ["e"]),
            node("Not", ["e"], ["n"]),
            node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
            node("Gather", ["t", "i"], ["g"]),
            node("Unsqueeze", ["f", "last"], ["u"]),
            node("Mul", ["g", "u"], ["y"]),
        ],
        {"i": tokens},
        {"t": weights(10, 4), "zero": np.array(0, kind), "last": ints(2)},
    )
    typed(
        f"input_{bits}_scatter",
        [node("ScatterElements", ["x", "i", "u"], ["y"], axis=1)],
        {"x": weights(2, 10), "i": np.array([[3, 0, -1], [2, 9, 4]], kind)},
        {"u": weights(2, 3)},
    )
typed("input_int64_elements", [node("GatherElements", ["x", "i"], ["y"], axis=1)], {"x": weights(2, 5), "i": np.array([[4, 0], [-1, 2]])})
typed("input_int64_one_hot", [node("OneHot", ["i", "d", "v"], ["o"]), node("MatMul", ["o", "t"], ["y"])], {"i": TOKENS}, {"d": ints(10), "v": np.array([0, 1], np.float32), "t": weights(10, 4)})
typed(
    "input_int64_like",
    [node("CastLike", ["x", "i"], ["c"]), node("Div", ["c", "i"], ["d"]), node("Cast", ["d"], ["y"], to=TensorProto.FLOAT)],
    {"x": 9 * weights(1, 6), "i": np.array([[3, 1, 7, 5, 3, 9]])},
)
typed("input_bool", [node("Where", ["b", "x", "z"], ["y"])], {"b": np.array([[1, 0, 1]], bool), "x": weights(2, 3)}, {"z": weights(1)})
typed(
    "input_bool_logic",
    [node("Not", ["b"], ["n"]), node("And", ["n", "c"], ["a"]), node("Cast", ["a"], ["y"], to=TensorProto.FLOAT)],
    {"b": np.array([[1, 0, 1, 0]], bool), "c": np.array([[1, 1, 0, 0]], bool)},
)
typed("refused_input_uint64", [node("Identity", ["x"], ["y"])], {"x": np.array([1], np.uint64)})
for mode, padding, corners in (
    ("linear", "zeros", 0),
    ("linear", "border", 1),
    ("linear", "reflection", 0),
    ("nearest", "zeros", 1),
    ("nearest", "reflection", 0),
):
    one(
        f"grid_sample_volume_{mode}_{padding}_{corners}",
        "GridSample",
        [2, 2, 3, 5, 4],
        x2=[2, 2, 3, 4, 3],
        mode=mode,
        padding_mode=padding,
        align_corners=corners,
        opset=20,
    )
