"""Makes the quantised models of this folder: NAME.onnx, and NAME.npz with inputs and ONNX Runtime's outputs.

Usage: python make.py (needs onnx, onnxruntime, numpy). Deterministic. The inputs x are a batch of samples; the
models run one at a time. Outputs are those of ONNX Runtime as it comes, with its integer kernels.
"""

import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

HERE = pathlib.Path(__file__).parent
DIGITS = HERE / "../../../models/lenet_mnist"
SAMPLES = 16


class Reader(CalibrationDataReader):
    def __init__(self, name, samples):
        self.rest = iter([{name: s[None]} for s in samples])

    def get_next(self):
        return next(self.rest, None)


def quantised(name, source, samples, calibration, **options):
    """Quantises the model file `source`, runs it on the samples and stores both."""
    target = HERE / f"{name}.onnx"
    label = onnx.load(source).graph.input[0].name
    quantize_static(source, target, Reader(label, calibration), **options)
    proto = onnx.load(target)
    # What the quantiser leaves behind: names of domains that no node uses.
    used = {n.domain for n in proto.graph.node} | {""}
    kept = [o for o in proto.opset_import if o.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    onnx.save(proto, target)
    session = onnxruntime.InferenceSession(target)
    outputs = [session.run(None, {label: s[None]})[0] for s in samples]
    np.savez_compressed(HERE / f"{name}.npz", x=np.stack(samples), y=np.concatenate(outputs))


def blocks():
    """A network of every kind of layer that shares or joins tensors, with random weights."""
    rng = np.random.default_rng(3)
    nodes, constants = [], []

    def constant(name, shape, scale):
        constants.append(numpy_helper.from_array((rng.standard_normal(shape) * scale).astype(np.float32), name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(x, name, i, o, k=3, group=1, **attributes):
        w = constant(f"{name}_w", (o, i // group, k, k), 1.4 / np.sqrt(i // group * k * k))
        return node("Conv", [x, w, constant(f"{name}_b", (o,), 0.2)], name, pads=[k // 2] * 4, group=group, **attributes)

    x = node("Relu", [conv("x", "stem", 3, 8, strides=[2, 2])], "stem_r")
    y = node("Clip", [conv(x, "depthwise", 8, 8, group=8), "zero", "six"], "depthwise_r")
    constants.append(numpy_helper.from_array(np.float32(0), "zero"))
    constants.append(numpy_helper.from_array(np.float32(6), "six"))
    x = node("Relu", [node("Add", [x, conv(y, "project", 8, 8, k=1)], "sum")], "sum_r")
    left = node("MaxPool", [x], "left", kernel_shape=[2, 2], strides=[2, 2])
    right = conv(x, "right", 8, 8, strides=[2, 2])
    x = node("Concat", [left, right], "joined", axis=1)
    x = node("LeakyRelu", [conv(x, "mix", 16, 12)], "mix_r", alpha=0.1)
    # Nine elements: the mean of four lies on a tie too often, where kernels round as they like.
    x = node("AveragePool", [x], "mean", kernel_shape=[3, 3], strides=[3, 3])
    x = node("Sigmoid", [x], "gate")
    x = node("Flatten", [x], "flat")
    x = node("Gemm", [x, constant("head_w", (7, 12 * 4), 0.3), constant("head_b", (7,), 0.2)], "y", transB=1)
    graph = helper.make_graph(
        nodes,
        "blocks",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 24, 24])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 7])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def transposed():
    """A transposed convolution between two others."""
    rng = np.random.default_rng(5)
    shapes = {"w": (6, 3, 3, 3), "up_w": (6, 5, 4, 4), "last_w": (2, 5, 1, 1)}
    constants = [numpy_helper.from_array((rng.standard_normal(s) * 0.3).astype(np.float32), n) for n, s in shapes.items()]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("ConvTranspose", ["a", "up_w"], ["b"], name="up", strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["b", "last_w"], ["y"], name="last"),
    ]
    x, y = ([1, 3, 8, 8], [1, 2, 16, 16])
    graph = helper.make_graph(
        nodes,
        "transposed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, y)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


digits = np.load(DIGITS / "calib.npz")
digits = digits[digits.files[0]]
for name, form in (("lenet_qdq", QuantFormat.QDQ), ("lenet_qoperator", QuantFormat.QOperator)):
    quantised(name, DIGITS / "model.onnx", digits[-SAMPLES:], digits[:64], quant_format=form, per_channel=True,
              activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "blocks.onnx"
    onnx.save(blocks(), path)
    noise = np.random.default_rng(4).standard_normal((80, 3, 24, 24)).astype(np.float32)
    quantised("blocks_int8", path, noise[-SAMPLES // 2:], noise[:64], per_channel=False,
              activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)
    quantised("blocks_uint8", path, noise[-SAMPLES // 2:], noise[:64], per_channel=True,
              activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


def bytes_at_both_ends(name, source):
    """The model `source` without the QuantizeLinear of its input and the DequantizeLinear of its output."""
    proto, stored = onnx.load(HERE / f"{source}.onnx"), np.load(HERE / f"{source}.npz")
    graph = proto.graph
    first = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == graph.input[0].name)
    last = next(n for n in graph.node if n.output[0] == graph.output[0].name)
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    scale, zero = (constants[n] for n in first.input[1:])
    for tensor, own in ((graph.input[0], first.output[0]), (graph.output[0], last.input[0])):
        tensor.name = own
        tensor.type.tensor_type.elem_type = TensorProto.UINT8
    graph.node.remove(first)
    graph.node.remove(last)
    onnx.save(proto, HERE / f"{name}.onnx")
    session = onnxruntime.InferenceSession(HERE / f"{name}.onnx")
    x = np.clip(np.rint(stored["x"] / scale) + zero, 0, 255).astype(np.uint8)
    outputs = [session.run(None, {graph.input[0].name: s[None]})[0] for s in x]
    np.savez_compressed(HERE / f"{name}.npz", x=x.astype(np.float32), y=np.concatenate(outputs).astype(np.float32))


# Weights of uint8: their zero points are anywhere, what is left of them takes nine bits.
for name, form in (("lenet_weights_uint8", QuantFormat.QOperator), ("lenet_weights_uint8_qdq", QuantFormat.QDQ)):
    quantised(name, DIGITS / "model.onnx", digits[-SAMPLES:], digits[:64], quant_format=form, per_channel=False,
              activation_type=QuantType.QUInt8, weight_type=QuantType.QUInt8)
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "blocks.onnx"
    onnx.save(blocks(), path)
    quantised("blocks_weights_uint8", path, noise[-SAMPLES // 2:], noise[:64], per_channel=False,
              activation_type=QuantType.QUInt8, weight_type=QuantType.QUInt8)
    onnx.save(transposed(), path)
    noise = np.random.default_rng(6).standard_normal((40, 3, 8, 8)).astype(np.float32)
    quantised("up_weights_uint8", path, noise[-SAMPLES // 2:], noise[:32], per_channel=False,
              activation_type=QuantType.QUInt8, weight_type=QuantType.QUInt8)
# 16 bits, everywhere and for one tensor, which joins those of 8 bits.
quantised("lenet_int16", DIGITS / "model.onnx", digits[-SAMPLES:], digits[:64], per_channel=True,
          activation_type=QuantType.QInt16, weight_type=QuantType.QInt8)
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "blocks.onnx"
    onnx.save(blocks(), path)
    noise = np.random.default_rng(4).standard_normal((80, 3, 24, 24)).astype(np.float32)
    quantised("blocks_one_uint16", path, noise[-SAMPLES // 2:], noise[:64], per_channel=True,
              activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
              extra_options={"TensorQuantOverrides": {"sum_r": [{"quant_type": QuantType.QUInt16}]}})
bytes_at_both_ends("blocks_bytes", "blocks_uint8")
bytes_at_both_ends("lenet_bytes", "lenet_qoperator")
