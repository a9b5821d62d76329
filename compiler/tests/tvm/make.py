"""Relay texts that a real TVM writes, and what it computes of them.

    python make.py write FOLDER [--onnx MODEL.onnx ...]   texts, NAME.params and NAME.npz (in_0, ..., out_0, ...)
    python make.py read FOLDER                            NAME.relay, NAME.in_0.npy, ..., NAME.out_0.npy, ... that another
                                                          program wrote: TVM parses and runs each, and says how it differs

A folder gets `index.txt` too, a line for each text: its name, and why TVM itself refuses it where it does.
"""

import os
import sys

import numpy as np
import tvm
from tvm import relay
from tvm.relay import testing, transform

TARGET = os.environ.get("TVM_TARGET", "llvm -mtriple=x86_64-linux-gnu")


def inferred(module):
    return transform.InferType()(module)


def function(result):
    return inferred(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(result), result)))


def evaluate(module, params, inputs):
    executor = relay.create_executor("graph", mod=module, device=tvm.cpu(), target=TARGET)
    made = executor.evaluate()(*inputs, **params)
    if isinstance(made, tvm.nd.NDArray):
        made = [made]
    return [array.numpy() for array in made]


def sample(rng, parameter):
    kind = parameter.checked_type
    shape, dtype = [int(n) for n in kind.shape], kind.dtype
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if "int" in dtype:
        low = 0 if dtype.startswith("u") else -100
        return rng.integers(low, 100, shape).astype(dtype)
    return rng.uniform(-1, 1, shape).astype(dtype)


class Writer:
    def __init__(self, folder):
        self.folder = folder
        self.lines = []

    def write(self, name, make):
        """Writes what `make()` gives: a module, or a module and its parameters."""
        try:
            made = make()
            module, params = made if isinstance(made, tuple) else (made, {})
            module = inferred(module)
            names = [p.name_hint for p in module["main"].params]
            inputs = [sample(np.random.default_rng(len(n)), p) for n, p in zip(names, module["main"].params) if n not in params]
            outputs = evaluate(module, params, inputs)
            base = os.path.join(self.folder, name)
            with open(base + ".relay", "w") as file:
                file.write(module.astext())
            if params:
                with open(base + ".params", "wb") as file:
                    file.write(relay.save_param_dict(params))
            arrays = {f"in_{i}": a for i, a in enumerate(inputs)} | {f"out_{i}": a for i, a in enumerate(outputs)}
            np.savez(base + ".npz", **arrays)
            self.lines.append(name)
        except Exception as error:
            self.lines.append(f"{name}: {str(error).strip().splitlines()[-1][:200]}")
        with open(os.path.join(self.folder, "index.txt"), "w") as file:
            file.write("\n".join(self.lines) + "\n")


def passes(*list_):
    return lambda module: tvm.transform.Sequential(list(list_))(module)


BOUND = passes(transform.SimplifyInference(), transform.FoldConstant(), transform.CanonicalizeOps(), transform.FoldScaleAxis())
NHWC = passes(transform.ConvertLayout({"nn.conv2d": ["NHWC", "HWIO"], "nn.max_pool2d": ["NHWC"]}))


def bound(module, params):
    function_ = relay.build_module.bind_params_by_name(module["main"], params)
    return inferred(tvm.IRModule.from_expr(function_))


def networks(writer):
    image = (3, 32, 32)
    makers = {
        "mlp": lambda: testing.mlp.get_workload(1, image_shape=(1, 8, 8)),
        "resnet18": lambda: testing.resnet.get_workload(1, 10, 18, image),
        "mobilenet": lambda: testing.mobilenet.get_workload(1, 10, (3, 64, 64)),
        "squeezenet": lambda: testing.squeezenet.get_workload(1, 10, "1.1", (3, 64, 64)),
        "densenet": lambda: testing.densenet.get_workload(121, 10, 1, (3, 64, 64)),
        "dcgan": lambda: testing.dcgan.get_workload(1, oshape=(3, 64, 64), ngf=8, random_len=16),
        "dqn": lambda: testing.dqn.get_workload(1, image_shape=(4, 84, 84)),
        "lstm": lambda: testing.lstm.get_workload(2, 8),
        "tcn": lambda: testing.temporal_conv.get_workload(),
    }
    for name, make in makers.items():
        writer.write(f"net_{name}", make)
        writer.write(f"net_{name}_simplified", lambda: BOUND(bound(*make())))
    writer.write("net_resnet18_nhwc", lambda: NHWC(bound(*makers["resnet18"]())))


def operators(writer):
    x = relay.var("x", shape=(1, 4, 6, 6))
    y = relay.var("y", shape=(1, 4, 6, 6))
    line = relay.var("line", shape=(1, 4, 9))
    i = relay.var("i", shape=(2, 5), dtype="int64")
    j = relay.var("j", shape=(2, 5), dtype="int32")
    b = relay.var("b", shape=(1, 4, 6, 6), dtype="bool")
    u = relay.var("u", shape=(1, 4, 6, 6), dtype="uint8")
    matrix = relay.var("matrix", shape=(5, 7))
    const = lambda *shape: relay.const(np.random.default_rng(3).uniform(-1, 1, shape).astype("float32"))
    rows_ = relay.var("rows", shape=(5, 1))
    cube = relay.var("cube", shape=(5, 4, 3))
    images = relay.var("images", shape=(2, 3, 7, 6))
    volume = relay.var("volume", shape=(1, 2, 4, 6, 6))
    boxes = relay.const(np.array([[0.1, 0.2, 0.8, 0.9], [-0.2, 0.0, 1.0, 1.3], [0.9, 0.7, 0.2, 0.1]], "float32"))
    rois = relay.const(np.array([[0, 0, 0, 5, 5], [1, -2, 1, 9, 4], [1, 3, 3, 2, 2.5], [0, 1.3, 0.2, 7.1, 6.6]], "float32"))
    positive = relay.add(relay.abs(x), relay.const(0.5))
    whole = lambda n, dtype="int32": relay.const(n, dtype)
    rows = {
        "zeros_like": lambda: relay.add(x, relay.zeros_like(x)),
        "ones_like": lambda: relay.add(x, relay.ones_like(x)),
        "full_like": lambda: relay.maximum(x, relay.full_like(x, relay.const(0.25))),
        "broadcast_to_like": lambda: relay.multiply(x, relay.broadcast_to_like(const(4, 1, 1), x)),
        "broadcast_to": lambda: relay.broadcast_to(const(4, 1, 1), (1, 4, 6, 6)) + x,
        "reshape_like": lambda: relay.reshape_like(relay.reshape(x, (-1,)), y) + y,
        "slice_like": lambda: relay.slice_like(x, relay.var("z", shape=(1, 2, 3, 6)), axes=(1, 2)) * relay.const(2.0),
        "cast_like": lambda: relay.cast_like(j, x) * relay.const(0.5),
        "zeros": lambda: x + relay.zeros((1, 4, 6, 6), "float32"),
        "full": lambda: x + relay.full(relay.const(2.0), (6,), "float32"),
        "prelu": lambda: relay.nn.prelu(x, const(4)),
        "prelu_flat": lambda: relay.reshape(relay.nn.prelu(relay.reshape(x, (-1,)), relay.reshape(relay.broadcast_to_like(const(4, 1, 1), x), (-1,)), axis=0), (1, 4, 6, 6)),
        "prelu_nhwc": lambda: relay.nn.prelu(relay.transpose(x, (0, 2, 3, 1)), const(4), axis=3),
        "softplus": lambda: relay.log(relay.exp(x) + relay.const(1.0)),
        "threshold": lambda: relay.where(relay.greater(x, relay.const(0.1)), x, relay.full_like(x, relay.const(0.2))),
        "where_bool": lambda: relay.where(b, x, y),
        "variance": lambda: relay.variance(x, axis=[2, 3], keepdims=True),
        "variance_unbiased": lambda: relay.variance(x, axis=[2, 3], unbiased=True),
        "std": lambda: relay.std(x, axis=1),
        "mean_variance": lambda: relay.mean_variance(x, axis=1)[1],
        "argmax": lambda: relay.argmax(x, axis=1),
        "argmin_keep": lambda: relay.argmin(x, axis=[3], keepdims=True),
        "argmax_float": lambda: relay.cast(relay.argmax(x, axis=1), "float32") * relay.const(0.5),
        "lrn": lambda: relay.nn.lrn(x, size=3, axis=1, bias=1.5, alpha=0.3, beta=0.6),
        "conv1d": lambda: relay.nn.conv1d(line, const(6, 4, 3), strides=2, padding=(1, 2), kernel_size=3, channels=6),
        "max_pool1d": lambda: relay.nn.max_pool1d(line, pool_size=3, strides=2, padding=(1, 1), ceil_mode=True),
        "avg_pool1d": lambda: relay.nn.avg_pool1d(line, pool_size=3, strides=2, padding=(1, 1), count_include_pad=True),
        "adaptive_avg_pool1d": lambda: relay.nn.adaptive_avg_pool1d(line, 4),
        "adaptive_avg_pool2d": lambda: relay.nn.adaptive_avg_pool2d(x, (4, 5)),
        "adaptive_max_pool2d": lambda: relay.nn.adaptive_max_pool2d(x, (4, 5)),
        "adaptive_divides": lambda: relay.nn.adaptive_avg_pool2d(x, (3, 2)),
        "equal": lambda: relay.cast(relay.equal(x, y), "float32"),
        "not_equal": lambda: relay.cast(relay.not_equal(x, relay.const(0.0)), "float32"),
        "less": lambda: relay.cast(relay.less(x, y), "float32") * x,
        "logical": lambda: relay.cast(relay.logical_or(relay.logical_not(b), relay.greater_equal(x, y)), "float32"),
        "l2_normalize": lambda: relay.nn.l2_normalize(x, 1e-5, axis=[1]),
        "crop_and_resize": lambda: relay.image.crop_and_resize(x, relay.const(np.array([[0.1, 0.2, 0.8, 0.9]], "float32")), relay.const(np.array([0], "int32")), (3, 3), "NCHW"),
        "resize_linear": lambda: relay.image.resize2d(x, (9, 13), method="linear", coordinate_transformation_mode="half_pixel"),
        "resize_corners": lambda: relay.image.resize2d(x, (9, 13), method="linear", coordinate_transformation_mode="align_corners"),
        "resize_nearest": lambda: relay.image.resize2d(x, (12, 12), method="nearest_neighbor", coordinate_transformation_mode="asymmetric", rounding_method="floor"),
        "resize_cubic": lambda: relay.image.resize2d(x, (9, 9), method="cubic"),
        "upsampling": lambda: relay.nn.upsampling(x, 2, 2, method="bilinear", align_corners=True),
        "pad_lowest": lambda: relay.nn.max_pool2d(relay.nn.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), pad_value=float(np.finfo("float32").min)), (3, 3), (2, 2)),
        "pad_edge": lambda: relay.nn.pad(x, ((0, 0), (0, 0), (1, 2), (2, 1)), pad_mode="edge"),
        "pad_reflect": lambda: relay.nn.mirror_pad(x, ((0, 0), (0, 0), (1, 2), (2, 1)), mode="REFLECT"),
        "avg_pool_ceil": lambda: relay.nn.avg_pool2d(x, (3, 3), (2, 2), padding=(1, 1), ceil_mode=True, count_include_pad=True),
        "cumsum": lambda: relay.cumsum(x, axis=1),
        "cumsum_exclusive": lambda: relay.cumsum(x, axis=3, exclusive=True),
        "cumsum_flat": lambda: relay.cumsum(x),
        "cumprod": lambda: relay.cumprod(x, axis=1),
        "trilu": lambda: relay.trilu(x, whole(1), upper=False),
        "dilate": lambda: relay.nn.dilate(x, [1, 1, 2, 2]),
        "scatter_elements": lambda: relay.scatter_elements(x, relay.const(np.zeros((1, 1, 6, 6), "int64")), const(1, 1, 6, 6), axis=1, reduction="add"),
        "scatter_nd": lambda: relay.scatter_nd(x, relay.const(np.array([[0], [2]], "int64")), const(1, 6, 6), mode="update"),
        "roi_align": lambda: relay.vision.roi_align(x, relay.const(np.array([[0, 0, 0, 5, 5]], "float32")), (2, 2), 1.0, sample_ratio=2),
        "roi_pool": lambda: relay.vision.roi_pool(x, relay.const(np.array([[0, 0, 0, 5, 5]], "float32")), (2, 2), 1.0),
        "gather": lambda: relay.gather(x, 1, relay.const(np.array([[[[3]], [[0]]]], "int32") + np.zeros((1, 2, 6, 6), "int32"))),
        "gather_nd": lambda: relay.gather_nd(x, relay.const(np.array([[0, 0], [1, 3]], "int32"))),
        "take": lambda: relay.take(x, relay.const(np.array([[2, 0], [1, 1]], "int64")), axis=1),
        "take_computed": lambda: relay.take(const(10, 4), relay.argmax(x, axis=1), axis=0),
        "embedding": lambda: relay.take(const(100, 4), relay.abs(j), axis=0),
        "one_hot": lambda: relay.one_hot(relay.argmax(x, axis=1), relay.const(1.0), relay.const(0.0), 4, -1, "float32"),
        "topk": lambda: relay.topk(matrix, 3, axis=1, ret_type="values"),
        "topk_indices": lambda: relay.topk(matrix, 3, axis=1, ret_type="indices"),
        "sort": lambda: relay.sort(matrix, axis=1),
        "argsort": lambda: relay.argsort(matrix, axis=1, dtype="int32"),
        "log_softmax": lambda: relay.log(relay.nn.softmax(matrix, axis=1)),
        "logsumexp": lambda: relay.logsumexp(matrix, axis=[1]),
        "all_any": lambda: relay.cast(relay.any(b, axis=[1]), "float32"),
        "powers": lambda: relay.power(positive, relay.const(1.7)) + relay.rsqrt(positive) + relay.log2(positive) + relay.log10(positive),
        "rounds": lambda: relay.round(x * relay.const(3.0)) + relay.floor(x) + relay.ceil(x) + relay.trunc(x * relay.const(5.0)) + relay.sign(x),
        "circles": lambda: relay.sin(x) + relay.cos(x) + relay.tan(x) + relay.atan(x) + relay.sinh(x) + relay.erf(x) + relay.tanh(x),
        "fast": lambda: relay.fast_exp(x) + relay.fast_tanh(x) + relay.fast_erf(x),
        "mod_float": lambda: relay.mod(x, positive) + relay.floor_mod(x, positive) + relay.floor_divide(x, positive) + relay.trunc_divide(x, positive),
        "whole_sums": lambda: (relay.cast(i, "int32") + j * whole(3)) - whole(2),
        "whole_divide": lambda: relay.divide(j, whole(7)) + relay.floor_divide(j, whole(7)) + relay.mod(j, whole(7)) + relay.floor_mod(j, whole(-7)),
        "whole_bounds": lambda: relay.clip(relay.maximum(j, whole(-30)), -50, 20) + relay.nn.relu(j),
        "whole_mean": lambda: relay.mean(j, axis=1),
        "whole_float": lambda: relay.cast(i, "float32") * relay.const(0.25) + relay.cast(j, "float32"),
        "whole_wrap": lambda: relay.cast(j * whole(100), "int8"),
        "whole_where": lambda: relay.where(relay.greater(j, whole(3)), j, relay.negative(j)),
        "whole_of_floats": lambda: relay.cast(x * relay.const(10.0), "int32"),
        "whole_concat": lambda: relay.concatenate([j, j + whole(1)], 1),
        "bytes_scaled": lambda: relay.cast(u, "float32") * relay.const(1 / 255.0) - relay.const(0.5),
        "bytes_convolved": lambda: relay.nn.conv2d(relay.cast(u, "float32") - relay.const(128.0), const(3, 4, 3, 3), padding=(1, 1)),
        "bool_float": lambda: relay.cast(b, "float32") * x,
        "instance_norm": lambda: relay.nn.instance_norm(x, const(4), const(4)),
        "group_norm": lambda: relay.nn.group_norm(x, const(4), const(4), 2),
        "layer_norm": lambda: relay.nn.layer_norm(x, const(6), const(6)),
        "depth_to_space": lambda: relay.nn.depth_to_space(x, 2, mode="CRD"),
        "space_to_depth": lambda: relay.nn.space_to_depth(x, 2),
        "strided_slice": lambda: relay.strided_slice(x, [0, 3, 5, 1], [1, -5, 0, 6], [1, -1, -2, 2]),
        "split": lambda: relay.split(x, [1, 3], axis=1)[1],
        "stack": lambda: relay.stack([x, y], axis=2),
        "tile_repeat": lambda: relay.tile(relay.repeat(x, 2, 1), (1, 1, 2, 1)),
        "reverse": lambda: relay.reverse(x, 2),
        "batch_matmul": lambda: relay.nn.batch_matmul(relay.reshape(x, (4, 6, 6)), relay.reshape(y, (4, 6, 6))),
        "matmul": lambda: relay.nn.matmul(relay.reshape(x, (24, 6)), relay.reshape(y, (24, 6)), transpose_a=True),
        "conv2d_transpose": lambda: relay.nn.conv2d_transpose(x, const(4, 3, 3, 3), strides=(2, 2), padding=(1, 1), output_padding=(1, 1), channels=3, kernel_size=(3, 3)),
        "conv_depthwise": lambda: relay.nn.conv2d(x, const(4, 1, 3, 3), groups=4, padding=(1, 1), channels=4, kernel_size=(3, 3)),
        "grid_sample": lambda: relay.image.grid_sample(x, relay.tanh(relay.strided_slice(y, [0, 0, 0, 0], [1, 2, 5, 5]))),
        "einsum": lambda: relay.einsum([relay.reshape(x, (24, 6)), relay.reshape(y, (6, 24))], "ij,jk->ik"),
        "meshgrid": lambda: relay.meshgrid([relay.reshape(relay.strided_slice(matrix, [0, 0], [1, 7]), (7,)), relay.reshape(relay.strided_slice(matrix, [1, 0], [2, 7]), (7,))])[0],
        "arange": lambda: relay.arange(whole(0), whole(6), whole(1), "int32"),
        "adv_index": lambda: relay.adv_index([matrix, relay.const(np.array([0, 2], "int64"))]),
        "shape_of": lambda: relay.cast(relay.shape_of(x), "float32"),
        "crop_nearest": lambda: relay.image.crop_and_resize(images, boxes, whole(np.array([1, 0, 1], "int32")), (4, 5), "NCHW", "nearest_neighbor", 0.25),
        "crop_linear": lambda: relay.image.crop_and_resize(images, boxes, whole(np.array([1, 0, 1], "int32")), (4, 5), "NCHW", "bilinear", -0.5),
        "crop_nhwc": lambda: relay.image.crop_and_resize(relay.transpose(images, (0, 2, 3, 1)), boxes, whole(np.array([0, 0, 1], "int32")), (3, 7), "NHWC"),
        "cumsum_flat_exclusive": lambda: relay.cumsum(matrix, exclusive=True),
        "cumprod_flat": lambda: relay.cumprod(matrix * relay.const(2.0)),
        "cumprod_exclusive": lambda: relay.cumprod(x, axis=3, exclusive=True),
        "dilate_value": lambda: relay.nn.dilate(x, [1, 2, 3, 1], 0.5),
        "scatter_elements_computed": lambda: relay.scatter_elements(matrix, relay.argmax(cube, axis=2), relay.var("u4", shape=(5, 4)), axis=1, reduction="update"),
        "scatter_elements_mul": lambda: relay.scatter_elements(matrix, whole(np.array([[0, -1, 0], [1, 2, 1]], "int64")), const(2, 3), axis=1, reduction="mul"),
        "scatter_elements_min": lambda: relay.scatter_elements(matrix, whole(np.array([[0, 4, 1], [1, 2, 1]], "int64")), const(2, 3), axis=0, reduction="min"),
        "scatter_elements_max": lambda: relay.scatter_elements(matrix, relay.argmin(cube, axis=2), relay.var("u4", shape=(5, 4)), axis=1, reduction="max"),
        "scatter_nd_two": lambda: relay.scatter_nd(x, whole(np.array([[0, 0, 0], [3, 1, 0]], "int64")), const(3, 6, 6), mode="add"),
        "scatter_nd_computed": lambda: relay.scatter_nd(matrix, relay.reshape(relay.argmax(matrix, axis=0), (1, 7)), const(7, 7), mode="add"),
        "scatter_nd_min": lambda: relay.scatter_nd(matrix, whole(np.array([[4, 0, 4]], "int64")), const(3, 7), mode="min"),
        "roi_align_all": lambda: relay.vision.roi_align(images, rois, (3, 2), 0.75, sample_ratio=-1),
        "roi_align_max": lambda: relay.vision.roi_align(images, rois, (3, 2), 0.75, sample_ratio=3, mode="max"),
        "roi_align_nhwc": lambda: relay.vision.roi_align(relay.transpose(images, (0, 2, 3, 1)), rois, (2, 2), 1.0, sample_ratio=2, layout="NHWC"),
        "roi_align_computed": lambda: relay.vision.roi_align(images, relay.concatenate([relay.const(np.array([[0.0], [1.0]], "float32")), relay.sort(relay.abs(relay.var("r", shape=(2, 4))) * relay.const(5.0), axis=1)], 1), (2, 2), 1.0, sample_ratio=2),
        "roi_pool_all": lambda: relay.vision.roi_pool(images, rois, (7, 3), 0.75),
        "roi_pool_computed": lambda: relay.vision.roi_pool(images, relay.concatenate([relay.const(np.array([[0.0], [1.0]], "float32")), relay.sort(relay.abs(relay.var("r", shape=(2, 4))) * relay.const(5.0), axis=1)], 1), (3, 2), 1.0),
        "gather_nd_batch": lambda: relay.gather_nd(cube, whole(np.array([[1, 2, 3, 0, 1], [0, 1, 0, 2, 0]], "int32")), batch_dims=1),
        "gather_nd_computed": lambda: relay.gather_nd(matrix, relay.stack([relay.argmax(cube, axis=2), relay.argmin(cube, axis=2)], 0)),
        "take_wrap": lambda: relay.take(matrix, j, axis=1, mode="wrap"),
        "take_flat": lambda: relay.take(matrix, j),
        "take_fast": lambda: relay.take(matrix, relay.argmax(cube, axis=2), axis=1, mode="fast"),
        "take_whole": lambda: relay.take(j, relay.argmax(cube, axis=2), axis=1),
        "one_hot_whole": lambda: relay.one_hot(j, whole(3), whole(-1), 40, 0, "int32"),
        "one_hot_constant": lambda: relay.multiply(relay.one_hot(whole(np.array([0, 3, 1, 9, -1], "int32")), relay.const(1.0), relay.const(0.0), 7, -1, "float32"), matrix),
        "sort_whole_descending": lambda: relay.sort(j, axis=0, is_ascend=False),
        "argsort_descending": lambda: relay.argsort(matrix, axis=0, is_ascend=False, dtype="int32"),
        "argsort_whole_equals": lambda: relay.argsort(relay.floor_divide(j, whole(60)), axis=1, dtype="int32"),
        "all": lambda: relay.cast(relay.all(b, axis=[1, 3], keepdims=True), "float32"),
        "kinds": lambda: relay.cast(relay.isnan(x), "float32") + relay.cast(relay.isinf(x), "float32") + relay.cast(relay.isfinite(x), "float32"),
        "kinds_of_none": lambda: relay.cast(relay.isnan(relay.sqrt(x)), "float32") + relay.cast(relay.isfinite(relay.log(x)), "float32") * relay.const(3.0),
        "einsum_batch": lambda: relay.einsum([cube, relay.var("z", shape=(5, 3, 2))], "bij,bjk->bik"),
        "einsum_three": lambda: relay.einsum([matrix, relay.var("z", shape=(7, 3)), relay.var("w", shape=(3,))], "ij,jk,k->i"),
        "einsum_outer": lambda: relay.einsum([rows_, cube], "bm,bij->mj"),
        "meshgrid_xy": lambda: relay.add(*relay.meshgrid([relay.reshape(rows_, (-1,)), const(3)], indexing="xy")),
        "arange_float": lambda: relay.arange(relay.const(0.5), relay.const(3.7), relay.const(0.25), "float32") * relay.const(2.0),
        "arange_whole_down": lambda: relay.arange(whole(9), whole(-2), whole(-3), "int32"),
        "adv_index_two": lambda: relay.adv_index([cube, whole(np.array([[0], [4]], "int64")), whole(np.array([2, 0, 1], "int64"))]),
        "adv_index_computed": lambda: relay.adv_index([cube, relay.argmax(matrix, axis=0), relay.minimum(relay.argmax(matrix, axis=0), whole(2))]),
        "ndarray_size": lambda: x * relay.cast(relay.ndarray_size(matrix), "float32"),
        "shape_sums": lambda: relay.cast(relay.multiply(relay.strided_slice(relay.shape_of(x), [1], [3]), whole(np.array([2, 3], "int32"))) - whole(1), "float32"),
        "conv3d_groups": lambda: relay.nn.conv3d(volume, const(4, 1, 2, 3, 3), strides=(2, 1, 2), padding=(0, 1, 1, 1, 1, 0), dilation=(1, 2, 1), groups=2, channels=4, kernel_size=(2, 3, 3)),
        "conv3d_ndhwc": lambda: relay.nn.conv3d(relay.transpose(volume, (0, 2, 3, 4, 1)), const(3, 3, 3, 2, 5), padding=(1, 1, 1), channels=5, kernel_size=(3, 3, 3), data_layout="NDHWC", kernel_layout="DHWIO"),
        "conv3d_transpose": lambda: relay.nn.conv3d_transpose(volume, const(2, 3, 3, 3, 3), strides=(2, 2, 2), padding=(1, 1, 1), output_padding=(1, 1, 1), channels=3, kernel_size=(3, 3, 3)),
        "conv1d_transpose": lambda: relay.nn.conv1d_transpose(line, const(4, 3, 3), strides=(2,), padding=(1,), output_padding=(1,), channels=3, kernel_size=(3,)),
        "max_pool3d": lambda: relay.nn.max_pool3d(volume, (2, 3, 2), (2, 2, 1), padding=(0, 1, 1), ceil_mode=True),
        "avg_pool3d": lambda: relay.nn.avg_pool3d(volume, (2, 3, 2), (2, 2, 1), padding=(1, 1, 1), count_include_pad=True),
        "avg_pool3d_ceil": lambda: relay.nn.avg_pool3d(volume, (3, 3, 3), (2, 2, 2), padding=(1, 0, 1), ceil_mode=True),
        "max_pool3d_ndhwc": lambda: relay.nn.max_pool3d(relay.transpose(volume, (0, 2, 3, 4, 1)), (2, 2, 2), (2, 2, 2), layout="NDHWC"),
        "adaptive_avg_pool3d": lambda: relay.nn.adaptive_avg_pool3d(volume, (3, 4, 5)),
        "adaptive_max_pool3d": lambda: relay.nn.adaptive_max_pool3d(volume, (3, 4, 6)),
        "adaptive_pool3d_divides": lambda: relay.nn.adaptive_avg_pool3d(volume, (2, 3, 6)),
        "global_pools": lambda: relay.nn.global_avg_pool3d(volume) + relay.nn.global_max_pool3d(volume),
        "resize1d": lambda: relay.image.resize1d(line, (16,), method="linear", coordinate_transformation_mode="half_pixel"),
        "resize1d_cubic": lambda: relay.image.resize1d(line, (13,), method="cubic"),
        "resize1d_nearest": lambda: relay.image.resize1d(line, (18,), method="nearest_neighbor", coordinate_transformation_mode="asymmetric", rounding_method="floor"),
        "resize3d": lambda: relay.image.resize3d(volume, (7, 9, 4), method="linear", coordinate_transformation_mode="align_corners"),
        "resize3d_nearest": lambda: relay.image.resize3d(volume, (8, 3, 12), method="nearest_neighbor", coordinate_transformation_mode="asymmetric", rounding_method="floor"),
        "upsampling3d": lambda: relay.nn.upsampling3d(volume, 2, 2, 2, method="trilinear"),
        "upsampling3d_nearest": lambda: relay.nn.upsampling3d(volume, 2, 3, 2),
        "space_to_batch": lambda: relay.nn.space_to_batch_nd(relay.transpose(images, (0, 2, 3, 1)), [2, 3], [[1, 0], [0, 3]], 0.5),
        "batch_to_space": lambda: relay.nn.batch_to_space_nd(relay.var("q", shape=(12, 3, 3, 2)), [2, 3], [[0, 1], [1, 2]]),
        "reverse_sequence": lambda: relay.reverse_sequence(images, whole(np.array([2, 5], "int32")), seq_axis=2, batch_axis=0),
        "reverse_sequence_first": lambda: relay.reverse_sequence(cube, whole(np.array([1, 5, 2, 3], "int32")), seq_axis=0, batch_axis=1),
        "sequence_mask": lambda: relay.sequence_mask(cube, whole(np.array([2, 5, 1, 4], "int32")), mask_value=0.5, axis=0),
        "sequence_mask_second": lambda: relay.sequence_mask(cube, whole(np.array([2, 4, 1, 0, 3], "int32")), axis=1),
        "affine_grid": lambda: relay.image.grid_sample(images, relay.image.affine_grid(relay.var("theta", shape=(2, 2, 3)), (4, 5))),
        "deformable": lambda: relay.nn.deformable_conv2d(x, relay.var("offset", shape=(1, 36, 6, 6)), const(6, 4, 3, 3), padding=(1, 1), deformable_groups=2, channels=6, kernel_size=(3, 3)),
        "mirror": lambda: relay.nn.mirror_pad(x, ((0, 0), (1, 0), (3, 2), (2, 6)), mode="SYMMETRIC"),
        "sparse_to_dense": lambda: relay.multiply(relay.sparse_to_dense(whole(np.array([[0, 0], [4, 6]], "int32")), (5, 7), relay.const(np.array([1.5, 2.0], "float32")), relay.const(0.5)), matrix),
        "fast_softmax": lambda: relay.nn.fast_softmax(matrix, axis=1),
        "hyperbolic": lambda: relay.asinh(x) + relay.acosh(positive + relay.const(1.0)) + relay.atanh(x) + relay.cosh(x) + relay.asin(x) + relay.acos(x),
        "nll": lambda: relay.squeeze(relay.expand_dims(x, 1, 2), [1]),
        "conv3d": lambda: relay.nn.conv3d(relay.reshape(x, (1, 1, 4, 6, 6)), const(2, 1, 3, 3, 3), padding=(1, 1, 1), channels=2, kernel_size=(3, 3, 3)),
    }
    for name, result in rows.items():
        def make(result=result):
            made = result()
            return function(made.astuple() if isinstance(made, relay.expr.TupleWrapper) else made)
        writer.write(f"op_{name}", make)


def models(writer, paths):
    import onnx

    for path in paths:
        name = os.path.basename(os.path.dirname(path)) if path.endswith("model.onnx") else os.path.basename(path)[:-5]
        kept = {}

        def make():
            if not kept:
                kept["made"] = relay.frontend.from_onnx(onnx.load(path), freeze_params=True)
            module, params = kept["made"]
            return bound(module, params)

        writer.write(f"onnx_{name}", make)
        writer.write(f"onnx_{name}_simplified", lambda: BOUND(make()))
        writer.write(f"onnx_{name}_integers", lambda: transform.FakeQuantizationToInteger()(transform.FoldConstant()(make())))


def read(folder):
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".relay"):
            continue
        name = file[:-6]
        text = open(os.path.join(folder, file)).read()
        if "tilewright." in text:
            own = sorted({part.split("(")[0] for part in text.split("tilewright.")[1:]})
            print(f"{name}: own {' '.join(own)}")
            continue
        try:
            module = inferred(relay.fromtext(text))
            array = lambda part: np.load(os.path.join(folder, f"{name}.{part}.npy"))
            inputs = [array(f"in_{n}").astype(p.checked_type.dtype) for n, p in enumerate(module["main"].params)]
            outputs = evaluate(module, {}, inputs)
            worst = 0.0
            for n, output in enumerate(outputs):
                want = array(f"out_{n}")
                if want.shape != output.shape:
                    raise ValueError(f"output {n} has shape {output.shape}, not {want.shape}")
                apart = np.abs(want.astype(float) - output.astype(float)).max() if want.size else 0
                worst = max(worst, apart / max(np.abs(want).max(), 1e-30))
            print(f"{name}: differs {worst:.3g}")
        except Exception as error:
            print(f"{name}: refused {str(error).strip().splitlines()[-1][:200]}")


if __name__ == "__main__":
    command, folder = sys.argv[1], sys.argv[2]
    if command == "read":
        read(folder)
    else:
        os.makedirs(folder, exist_ok=True)
        made = Writer(folder)
        operators(made)
        networks(made)
        models(made, sys.argv[4:])
        print(f"{len(made.lines)} texts")
