"""Relay texts in the style of TVM's printer and frontends, with results computed by numpy.

Run here: `python make.py`. Writes NAME.relay, NAME.params where the network has parameters, and
NAME.npz with the inputs (in_0, ...) and results (out_0, ...). numpy's formulas are written from TVM's
documentation of each operator; the binary formats from its `SaveParams` and `SaveJSON`.
"""

import base64
import json
import struct

import numpy as np

RNG = np.random.default_rng(3)


def rand(*shape):
    return RNG.uniform(-1, 1, shape).astype(np.float32)


def ndarray(a):
    code = {"f": 2, "i": 0, "u": 1}[a.dtype.kind]
    head = struct.pack("<QQiiiBBH", 0xDD5E40F096B4A13F, 0, 1, 0, a.ndim, code, a.dtype.itemsize * 8, 1)
    return head + struct.pack(f"<{a.ndim}q", *a.shape) + struct.pack("<q", a.nbytes) + a.tobytes()


def params_file(params):
    out = struct.pack("<QQQ", 0xF7E58D4F05049CB7, 0, len(params))
    for name in params:
        out += struct.pack("<Q", len(name)) + name.encode()
    return out + struct.pack("<Q", len(params)) + b"".join(ndarray(a) for a in params.values())


def metadata(constants, attributes=()):
    """As TVM writes it: with types, spans and devices of the constants among the nodes. `attributes` are pairs of a type
    and fields, of which ints and texts in a list are objects."""
    nodes = [{"type_key": ""}, {"type_key": "Map", "keys": ["relay.Constant"], "data": [2]}]
    first = 3
    nodes.append({"type_key": "Array", "data": [first + 4 * i for i in range(len(constants))]})
    for i, a in enumerate(constants):
        at = first + 4 * i
        attrs = {"_checked_type_": str(at + 1), "data": str(i), "span": "0", "virtual_device_": "0"}
        nodes.append({"type_key": "relay.Constant", "attrs": attrs})
        nodes.append({"type_key": "relay.TensorType", "attrs": {"dtype": str(a.dtype), "shape": str(at + 2), "span": "0"}})
        nodes.append({"type_key": "Array", "data": [at + 3]})
        nodes.append({"type_key": "IntImm", "attrs": {"dtype": "int32", "span": "0", "value": str(a.size)}})
    for key, fields in attributes:
        nodes[1]["keys"].append(f"relay.attrs.{key}")
        nodes[1]["data"].append(len(nodes))
        nodes.append({"type_key": "Array", "data": [len(nodes) + 1]})
        attrs = {}
        nodes.append({"type_key": f"relay.attrs.{key}", "attrs": attrs})
        for name, value in fields.items():
            attrs[name] = str(value)
            if isinstance(value, list):
                attrs[name] = str(len(nodes))
                nodes.append({"type_key": "IntImm", "attrs": {"dtype": "int32", "span": "0", "value": str(value[0])}})
    blobs = [base64.b64encode(ndarray(a)).decode() for a in constants]
    doc = {"root": 1, "nodes": nodes, "b64ndarrays": blobs, "attrs": {"tvm_version": "0.14.0"}}
    return "#[metadata]\n" + json.dumps(doc, indent=2) + "\n"


def case(name, text, inputs, outputs, params=None, constants=None, attributes=()):
    text = '#[version = "0.0.5"]\n' + text.strip() + "\n"
    if constants or attributes:
        text += "\n" + metadata(constants or [], attributes)
    open(name + ".relay", "w").write(text)
    if params:
        open(name + ".params", "wb").write(params_file(params))
    arrays = {f"in_{i}": a for i, a in enumerate(inputs)}
    arrays |= {f"out_{i}": np.asarray(a, np.float32) for i, a in enumerate(outputs)}
    np.savez(name + ".npz", **arrays)


def conv(x, w, stride=1, pad=(0, 0, 0, 0), groups=1, dilation=1):
    """NCHW, OIHW; pad is top, left, bottom, right."""
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad[0], pad[2]), (pad[1], pad[3])))
    o, i, kh, kw = w.shape
    h = (x.shape[2] - (kh - 1) * dilation - 1) // stride + 1
    v = (x.shape[3] - (kw - 1) * dilation - 1) // stride + 1
    y = np.zeros((x.shape[0], o, h, v))
    for n in range(o):
        g = n // (o // groups)
        for ky in range(kh):
            for kx in range(kw):
                ys, xs = ky * dilation, kx * dilation
                part = x[:, g * i : (g + 1) * i, ys : ys + h * stride : stride, xs : xs + v * stride : stride]
                y[:, n] += np.einsum("nchw,c->nhw", part, w[n, :, ky, kx])
    return y


def to_nchw(x):
    return x.transpose(0, 3, 1, 2)


def to_nhwc(x):
    return x.transpose(0, 2, 3, 1)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def mlp():
    x, w1, b1, w2, b2 = rand(1, 1, 4, 4), rand(8, 16), rand(8), rand(3, 8), rand(3)
    h = relu(x.reshape(1, 16) @ w1.T + b1)
    case("mlp", """
def @main(%data: Tensor[(1, 1, 4, 4), float32] /* ty=Tensor[(1, 1, 4, 4), float32] */, %fc1_weight: Tensor[(8, 16), float32] /* ty=Tensor[(8, 16), float32] */, %fc1_bias: Tensor[(8), float32] /* ty=Tensor[(8), float32] */, %fc2_weight: Tensor[(3, 8), float32] /* ty=Tensor[(3, 8), float32] */, %fc2_bias: Tensor[(3), float32] /* ty=Tensor[(3), float32] */) -> Tensor[(1, 3), float32] {
  %0 = nn.batch_flatten(%data) /* ty=Tensor[(1, 16), float32] */;
  %1 = nn.dense(%0, %fc1_weight, units=8) /* ty=Tensor[(1, 8), float32] */;
  %2 = nn.bias_add(%1, %fc1_bias, axis=-1) /* ty=Tensor[(1, 8), float32] */;
  %3 = nn.relu(%2) /* ty=Tensor[(1, 8), float32] */;
  %4 = nn.dense(%3, %fc2_weight, units=3) /* ty=Tensor[(1, 3), float32] */;
  %5 = nn.bias_add(%4, %fc2_bias, axis=-1) /* ty=Tensor[(1, 3), float32] */;
  nn.softmax(%5) /* ty=Tensor[(1, 3), float32] */
}
""", [x], [softmax(h @ w2.T + b2)],
         {"fc1_weight": w1, "fc1_bias": b1, "fc2_weight": w2, "fc2_bias": b2})


def resnet():
    x = rand(1, 3, 8, 8)
    g, b, m, v = rand(3), rand(3), rand(3), np.abs(rand(3)) + 0.5
    w0, w1, wd, bd = rand(4, 3, 3, 3), rand(4, 4, 3, 3), rand(5, 4), rand(5)
    r = (1, 3, 1, 1)
    n = (x - m.reshape(r)) / np.sqrt(v.reshape(r) + 2e-5) + b.reshape(r)
    c = conv(n, w0, 2, (1, 1, 1, 1))
    s = c + conv(relu(c), w1, 1, (1, 1, 1, 1))
    out = softmax(s.mean((2, 3)) @ wd.T + bd)
    case("resnet", """
def @main(%data: Tensor[(1, 3, 8, 8), float32], %bn_data_gamma: Tensor[(3), float32], %bn_data_beta: Tensor[(3), float32], %bn_data_moving_mean: Tensor[(3), float32], %bn_data_moving_var: Tensor[(3), float32], %conv0_weight: Tensor[(4, 3, 3, 3), float32], %stage1.unit1.conv1_weight: Tensor[(4, 4, 3, 3), float32], %fc1_weight: Tensor[(5, 4), float32], %fc1_bias: Tensor[(5), float32]) -> Tensor[(1, 5), float32] {
  %0 = nn.batch_norm(%data, %bn_data_gamma, %bn_data_beta, %bn_data_moving_mean, %bn_data_moving_var, epsilon=2e-05f, scale=False) /* ty=(Tensor[(1, 3, 8, 8), float32], Tensor[(3), float32], Tensor[(3), float32]) span=bn_data:0:0 */;
  %1 = %0.0 /* ty=Tensor[(1, 3, 8, 8), float32] */;
  %2 = nn.conv2d(%1, %conv0_weight, strides=[2, 2], padding=[1, 1, 1, 1], channels=4, kernel_size=[3, 3]) /* ty=Tensor[(1, 4, 4, 4), float32] span=conv0:0:0 */;
  %3 = nn.relu(%2) /* ty=Tensor[(1, 4, 4, 4), float32] */;
  %4 = nn.conv2d(%3, %stage1.unit1.conv1_weight, padding=[1, 1, 1, 1], channels=4, kernel_size=[3, 3]) /* ty=Tensor[(1, 4, 4, 4), float32] */;
  %5 = add(%4, %2) /* ty=Tensor[(1, 4, 4, 4), float32] */;
  %6 = nn.global_avg_pool2d(%5) /* ty=Tensor[(1, 4, 1, 1), float32] */;
  %7 = nn.batch_flatten(%6) /* ty=Tensor[(1, 4), float32] */;
  %8 = nn.dense(%7, %fc1_weight, units=5) /* ty=Tensor[(1, 5), float32] */;
  %9 = nn.bias_add(%8, %fc1_bias, axis=-1) /* ty=Tensor[(1, 5), float32] */;
  nn.softmax(%9) /* ty=Tensor[(1, 5), float32] */
}
""", [x], [out], {
        "fc1_bias": bd, "fc1_weight": wd, "bn_data_gamma": g, "bn_data_beta": b, "bn_data_moving_mean": m,
        "bn_data_moving_var": v, "conv0_weight": w0, "stage1.unit1.conv1_weight": w1})


def tflite():
    """NHWC with HWIO and HWOI kernels, as the TFLite frontend prints."""
    x, w, b = rand(1, 6, 6, 3), rand(3, 3, 3, 4), rand(4)
    dw, db, k = rand(3, 3, 4, 1), rand(4), rand(4)
    c = conv(to_nchw(x), w.transpose(3, 2, 0, 1), 2, (0, 0, 1, 1)) + b.reshape(1, 4, 1, 1)
    c = np.clip(c, 0, 6)
    d = conv(c, dw.transpose(2, 3, 0, 1), 1, (1, 1, 1, 1), 4) + db.reshape(1, 4, 1, 1)
    e = to_nhwc(d) * k + 0.25
    e = np.concatenate([e, to_nhwc(c)], 3)
    p = e.reshape(1, 3, 3, 8)[:, 0:2, 0:2, :].mean((1, 2), keepdims=True)
    flat = p.reshape(1, 8)
    case("tflite", """
def @main(%input_1: Tensor[(1, 6, 6, 3), float32]) -> (Tensor[(1, 8), float32], Tensor[(1, 3, 3), float32], Tensor[(1, 3, 3, 8), float32]) {
  %0 = nn.conv2d(%input_1, meta[relay.Constant][0] /* ty=Tensor[(3, 3, 3, 4), float32] */, strides=[2, 2], padding=[0, 0, 1, 1], channels=4, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWIO");
  %1 = nn.bias_add(%0, meta[relay.Constant][1] /* ty=Tensor[(4), float32] */, axis=3);
  %2 = clip(%1, a_min=0f, a_max=6f);
  %3 = nn.conv2d(%2, meta[relay.Constant][2], padding=[1, 1, 1, 1], groups=4, channels=4, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWOI");
  %4 = nn.bias_add(%3, meta[relay.Constant][3], axis=3);
  %5 = multiply(%4, meta[relay.Constant][4]);
  %6 = add(%5, 0.25f);
  %7 = (%6, %2);
  %8 = concatenate(%7, axis=3);
  %9 = strided_slice(%8, begin=[0, 0, 0, 0], end=[1, 2, 2, 8], strides=[1]);
  %10 = nn.avg_pool2d(%9, pool_size=[2, 2], strides=[2, 2], padding=[0, 0, 0, 0], layout="NHWC");
  %11 = reshape(%10, newshape=[-1, 8]);
  %12 = max(%8, axis=[3]);
  %13 = nn.softmax(%8, axis=3);
  (%11, %12, %13)
}
""", [x], [flat, e.max(3), softmax(e, 3)], constants=[w, b, dw, db, k])


def operand_order():
    a, b, c = rand(2, 3) + 2, rand(2, 3) + 2, rand(3)
    outs = [a - b, b - a, a / b, b / a, a**b, 1 - a, a - 1, 2 / a, a / 2, c - a, np.minimum(a, b),
            np.maximum(a, b), a - b / c, (a - b) * 2 + a]
    case("operand_order", """
def @main(%a: Tensor[(2, 3), float32], %b: Tensor[(2, 3), float32], %c: Tensor[(3), float32]) {
  %0 = subtract(%a, %b);
  %1 = subtract(%b, %a);
  %2 = divide(%a, %b);
  %3 = divide(%b, %a);
  %4 = power(%a, %b);
  %5 = subtract(1f /* ty=float32 */, %a);
  %6 = subtract(%a, 1f);
  %7 = divide(2f, %a);
  %8 = divide(%a, 2f);
  %9 = subtract(%c, %a);
  %10 = minimum(%a, %b);
  %11 = maximum(%a, %b);
  %12 = %a - %b / %c;
  %13 = (%a - %b) * 2f + %a;
  (%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13)
}
""", [a, b, c], outs)


def functions():
    x, w = rand(1, 4), rand(4, 4)
    f = lambda v: relu(v @ w.T) - 0.5
    y = f(f(x))
    case("functions", """
def @layer(%p: Tensor[(1, 4), float32], %w: Tensor[(4, 4), float32], Primitive=1, hash="ab12") -> Tensor[(1, 4), float32] {
  %0 = nn.dense(%p, %w, units=None);
  let %shift = -0.5f;
  add(nn.relu(%0), %shift)
}

def @main(%x: Tensor[(1, 4), float32], %weight: Tensor[(4, 4), float32]) -> (Tensor[(1, 4), float32], Tensor[(1, 2), float32], Tensor[(1, 4), float32]) {
  %0 = @layer(%x, %weight);
  %1 = fn (%p: Tensor[(1, 4), float32]) -> Tensor[(1, 4), float32] {
    @layer(%p, %weight)
  };
  let %y = %1(%0);
  let %both = split(%y, indices_or_sections=[2], axis=1);
  let %pair = (%both.1, (%both.0, %x));
  /* nested /* comments */ are TVM's too */
  (%y, %pair.0, %pair.1.1)
}
""", [x], [y, y[:, 2:], x], {"weight": w})


def split():
    x = rand(1, 6, 2, 2)
    a, b, c = x[:, :1], x[:, 1:4], x[:, 4:]
    case("split", """
fn (%x: Tensor[(1, 6, 2, 2), float32]) {
  %0 = split(%x, indices_or_sections=[1, 4], axis=1) /* ty=(Tensor[(1, 1, 2, 2), float32], Tensor[(1, 3, 2, 2), float32], Tensor[(1, 2, 2, 2), float32]) */;
  %1 = split(%x, indices_or_sections=3, axis=-3);
  %2 = subtract(%0.1, %0.0);
  %3 = concatenate((%0.2, %2, %1.1), axis=1);
  (%3, %0.2, %1.0)
}
""", [x], [np.concatenate([c, b - a, x[:, 2:4]], 1), c, x[:, :2]])


def shapes():
    x = rand(2, 3, 4, 5)
    outs = [x.reshape(2, 12, 5), x.reshape(2, 60), x.reshape(6, 4, 5), x.reshape(2, 3, 2, 2, 5),
            x.reshape(2, 1, 3, 20), x.reshape(2, 3, 20), x.transpose(3, 2, 1, 0), x.transpose(0, 2, 3, 1),
            x[:, None], x[..., None, None], x[1:2, ::2, ::-1, 1:4], x[1:2, 2].reshape(4, 5),
            np.broadcast_to(x[:, :1], (2, 7, 4, 5)), x[:, [2, 0, 2]], x[..., [[1, 2], [4, 4]]], np.stack([x, -x], 1),
            x[:, :, 1:3], x.transpose(0, 2, 3, 1)]
    case("shapes", """
def @main(%x: Tensor[(2, 3, 4, 5), float32]) {
  %0 = reshape(%x, newshape=[0, -1, 5]);
  %1 = reshape(%x, newshape=[2, -1]);
  %2 = reshape(%x, newshape=[-3, -2]);
  %3 = reshape(%x, newshape=[0, 0, -4, -1, 2, -2]);
  %4 = reshape(%x, newshape=[2, 1, 3, -1]);
  %5 = contrib_reverse_reshape(%x, newshape=[2, -1, 20]);
  %6 = transpose(%x, axes=None);
  %7 = transpose(%x, axes=[0, 2, -1, 1]);
  %8 = expand_dims(%x, axis=1);
  %9 = expand_dims(%x, axis=-1, num_newaxis=2);
  %10 = strided_slice(%x, begin=[1, 0, -1, 1], end=[2, 3, -5, -1], strides=[1, 2, -1, 1]);
  %11 = squeeze(strided_slice(%x, begin=[1, 2], end=[1, 1], strides=[1], slice_mode="size"), axis=[0, 1]);
  %12 = broadcast_to(strided_slice(%x, begin=[0], end=[1], strides=[1], axes=[1]), shape=[2, 7, 4, 5]);
  %13 = take(%x, meta[relay.Constant][0], axis=1);
  %14 = take(%x, meta[relay.Constant][1], axis=-1, mode="wrap");
  %15 = stack((%x, negative(%x)), axis=1);
  %16 = strided_slice(%x, begin=[0, 0, 1], end=[2147483647, 2147483647, 3]);
  %17 = layout_transform(%x, src_layout="NCHW", dst_layout="NHWC");
  (%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17)
}
""", [x], outs, constants=[np.array([2, 0, 2], np.int64), np.array([[1, -3], [9, 4]], np.int32)])


def pools():
    x = rand(1, 2, 5, 6)
    pad = lambda v, p: np.pad(x, ((0, 0), (0, 0), (p[0], p[2]), (p[1], p[3])), constant_values=v)

    def pool(f, k, s, p, v, h, w):
        q = pad(v, p)
        cell = lambda i, j: f(q[:, :, i * s : i * s + k, j * s : j * s + k])
        return np.stack([np.stack([cell(i, j) for j in range(w)], -1) for i in range(h)], -2)

    mx = lambda q: q.max((2, 3))
    nanmean = lambda q: np.nanmean(q, (2, 3))
    mean = lambda q: q.mean((2, 3))
    ninf = -np.inf
    outs = [pool(mx, 3, 2, (1, 1, 1, 1), ninf, 3, 3), pool(mx, 2, 2, (0, 0, 1, 0), ninf, 3, 3),
            pool(nanmean, 3, 2, (1, 1, 1, 1), np.nan, 3, 3), pool(mean, 3, 2, (1, 1, 1, 1), 0, 3, 3),
            pool(nanmean, 2, 2, (0, 0, 1, 0), np.nan, 3, 3), x.max((2, 3), keepdims=True),
            x.mean((2, 3), keepdims=True), x[:, :, :, 0::2] * 0.5 + x[:, :, :, 1::2] * 0.5,
            np.maximum(np.maximum(x[..., 0::3], x[..., 1::3]), x[..., 2::3]).max(2, keepdims=True)]
    case("pools", """
def @main(%x: Tensor[(1, 2, 5, 6), float32]) {
  %0 = nn.max_pool2d(%x, pool_size=[3, 3], strides=[2, 2], padding=[1, 1, 1, 1]);
  %1 = nn.max_pool2d(%x, pool_size=[2, 2], strides=[2, 2], padding=[0, 0, 0, 0], ceil_mode=True);
  %2 = nn.avg_pool2d(%x, pool_size=[3, 3], strides=[2, 2], padding=[1, 1]);
  %3 = nn.avg_pool2d(%x, pool_size=[3, 3], strides=[2, 2], padding=[1], count_include_pad=True);
  %4 = nn.avg_pool2d(%x, pool_size=[2, 2], strides=[2, 2], ceil_mode=True);
  %5 = nn.global_max_pool2d(%x);
  %6 = nn.adaptive_avg_pool2d(%x, output_size=[1, 1]);
  %7 = nn.adaptive_avg_pool2d(%x, output_size=[5, 3]);
  %8 = nn.adaptive_max_pool2d(%x, output_size=[1, 2]);
  (%0, %1, %2, %3, %4, %5, %6, %7, %8)
}
""", [x], outs)


def functions_of_one():
    x = rand(3, 4) * 2
    p = np.abs(x) + 0.5
    erf = np.vectorize(__import__("math").erf)
    outs = [relu(x), np.where(x < 0, 0.25 * x, x), np.where(x < 0, 0.1 * x, x), np.clip(x, -0.5, np.inf), sigmoid(x),
            np.tanh(x), np.exp(x), np.log(p), np.sqrt(p), 1 / np.sqrt(p), erf(x), -x, np.abs(x),
            np.sign(x) * np.floor(np.abs(x) + 0.5), x.sum(), x.mean(1), x.max(0, keepdims=True), x.min(1), x.prod(0),
            x.var(1), np.log(softmax(x)), x.sum(0), x + 0.5]
    case("functions_of_one", """
def @main(%x: Tensor[(3, 4), float32]) {
  let %p = add(abs(%x), 0.5f64);
  (nn.relu(%x), nn.leaky_relu(%x), nn.leaky_relu(%x, alpha=0.1f), clip(%x, a_min=-0.5f, a_max=inff), sigmoid(%x),
   tanh(%x), exp(%x), log(%p), sqrt(%p), rsqrt(%p), erf(%x), negative(%x), abs(%x), round(%x), sum(%x),
   mean(%x, axis=[-1]), max(%x, axis=[0], keepdims=True), min(%x, axis=[0], exclude=True), prod(%x, axis=[0]),
   variance(%x, mean(%x, axis=[1], keepdims=True), axis=[1]), nn.log_softmax(%x), sum(%x, axis=[0]),
   add(cast(copy(%x), dtype="float32"), nn.dropout(0.5f).0))
}
""", [x], outs)


def norms():
    x, s = rand(1, 4, 3, 5), rand(4)
    g5, b5, g, b = rand(5), rand(5), rand(4), rand(4)
    r = (1, 4, 1, 1)
    layer = (x - x.mean(3, keepdims=True)) / np.sqrt(x.var(3, keepdims=True) + 1e-5) * g5 + b5
    channels = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 0.01) * g.reshape(r) + b.reshape(r)
    inst = (x - x.mean((2, 3), keepdims=True)) / np.sqrt(x.var((2, 3), keepdims=True) + 1e-5) * g.reshape(r) + b.reshape(r)
    grouped = x.reshape(1, 2, 2, 3, 5)
    grouped = (grouped - grouped.mean((2, 3, 4), keepdims=True)) / np.sqrt(grouped.var((2, 3, 4), keepdims=True) + 1e-5)
    group = grouped.reshape(1, 4, 3, 5) * g.reshape(r) + b.reshape(r)
    outs = [np.where(x < 0, x * s.reshape(r), x), layer, channels, inst, np.where(x < 0, x * b5, x), group]
    case("norms", """
def @main(%x: Tensor[(1, 4, 3, 5), float32], %s: Tensor[(4), float32], %g5: Tensor[(5), float32], %b5: Tensor[(5), float32], %g: Tensor[(4), float32], %b: Tensor[(4), float32]) {
  %0 = nn.prelu(%x, %s);
  %1 = nn.layer_norm(%x, %g5, %b5);
  %2 = nn.layer_norm(%x, %g, %b, axis=1, epsilon=0.01f);
  %3 = nn.instance_norm(%x, %g, %b);
  %4 = nn.prelu(%x, %b5, axis=3);
  %5 = nn.group_norm(%x, %g, %b, num_groups=2);
  (%0, %1, %2, %3, %4, %5)
}
""", [x], outs, {"s": s, "g5": g5, "b5": b5, "g": g, "b": b})


def products():
    x, w, y, z = rand(2, 3, 4), rand(5, 4), rand(2, 6, 4), rand(2, 4, 6)
    m, n = rand(4, 3), rand(5, 4)
    img, k, b = rand(1, 3, 3, 4), rand(3, 2, 3, 3), rand(2)
    t = np.zeros((1, 2, 8, 10))
    for i in range(3):
        for j in range(4):
            t[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += np.einsum("nc,cokl->nokl", img[:, :, i, j], k)
    # Padding 1 is cut off; output padding adds a row and a column behind: 2 * (3 - 1) + 3 - 2 + 1 = 6.
    t = t[:, :, 1:7, 1:9] + b.reshape(1, 2, 1, 1)
    outs = [x @ w.T, x @ y.transpose(0, 2, 1), x @ z, m.T @ n.T, t]
    case("products", """
def @main(%x: Tensor[(2, 3, 4), float32], %m: Tensor[(4, 3), float32], %img: Tensor[(1, 3, 3, 4), float32], %w: Tensor[(5, 4), float32], %y: Tensor[(2, 6, 4), float32], %z: Tensor[(2, 4, 6), float32], %n: Tensor[(5, 4), float32], %k: Tensor[(3, 2, 3, 3), float32], %b: Tensor[(2), float32]) {
  %0 = nn.dense(%x, %w, units=5);
  %1 = nn.batch_matmul(%x, %y, transpose_b=True);
  %2 = nn.batch_matmul(%x, %z);
  %3 = nn.matmul(%m, %n, units=5, transpose_a=True, transpose_b=True);
  %4 = nn.conv2d_transpose(%img, %k, channels=2, kernel_size=[3, 3], strides=[2, 2], output_padding=[1, 1], padding=[1, 1, 1, 1]);
  %5 = nn.bias_add(%4, %b);
  (%0, %1, %2, %3, %5)
}
""", [x, m, img], outs,
         {"w": w, "y": y, "z": z, "n": n, "k": k, "b": b})


def images():
    x = rand(1, 4, 2, 3)
    up = x.repeat(2, 2).repeat(3, 3)

    def linear(v, size, axis, coordinate):
        n = v.shape[axis]
        at = np.clip([coordinate(o, n, size) for o in range(size)], 0, n - 1)
        lo = np.floor(at).astype(int)
        hi = np.minimum(lo + 1, n - 1)
        t = (at - lo).reshape([-1 if a == axis else 1 for a in range(4)])
        return np.take(v, lo, axis) * (1 - t) + np.take(v, hi, axis) * t

    half = lambda o, n, s: (o + 0.5) * n / s - 0.5
    corners = lambda o, n, s: o * (n - 1) / (s - 1)
    plain = lambda o, n, s: o * n / s
    nhwc = to_nhwc(x)
    dcr = x.reshape(1, 2, 2, 1, 2, 3).transpose(0, 3, 4, 1, 5, 2).reshape(1, 1, 4, 6)
    x4 = rand(1, 1, 4, 6)
    s2d = x4.reshape(1, 1, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(1, 4, 2, 3)
    outs = [up, linear(linear(x, 4, 2, plain), 6, 3, plain), linear(linear(x, 4, 2, half), 5, 3, half),
            to_nhwc(linear(linear(x, 4, 2, corners), 5, 3, corners)), dcr, dcr, s2d,
            np.pad(x, ((0, 0), (0, 0), (1, 0), (2, 1)), constant_values=0.5),
            to_nhwc(np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 2)), mode="reflect")),
            np.pad(x, ((0, 0), (1, 0), (0, 0), (0, 1)), mode="edge")]
    case("images", """
def @main(%x: Tensor[(1, 4, 2, 3), float32], %nhwc: Tensor[(1, 2, 3, 4), float32], %x4: Tensor[(1, 1, 4, 6), float32]) {
  %0 = nn.upsampling(%x, scale_h=2f, scale_w=3f);
  %1 = nn.upsampling(%x, scale_h=2f, scale_w=2f, method="bilinear");
  %2 = image.resize2d(%x, size=[4, 5], roi=[0f, 0f, 0f, 0f], rounding_method="", cubic_alpha=-0.75f);
  %3 = image.resize2d(%nhwc, size=[4, 5], layout="NHWC", coordinate_transformation_mode="align_corners");
  %4 = nn.depth_to_space(%x, block_size=2);
  %5 = layout_transform(nn.depth_to_space(%nhwc, block_size=2, layout="NHWC"), src_layout="NHWC", dst_layout="NCHW");
  %6 = nn.space_to_depth(%x4, block_size=2);
  %7 = nn.pad(%x, 0.5f, pad_width=[[0, 0], [0, 0], [1, 0], [2, 1]]);
  %8 = nn.mirror_pad(%nhwc, mode="REFLECT", pad_width=[[0, 0], [1, 1], [0, 2], [0, 0]]);
  %9 = nn.pad(%x, 0, pad_width=[[0, 0], [1, 0], [0, 0], [0, 1]], pad_mode="edge");
  (%0, %1, %2, %3, %4, %5, %6, %7, %8, %9)
}
""", [x, nhwc, x4], outs)


def layouts():
    """Mixed layouts: a residual of NHWC tensors, a norm on the last axis, and results of both kinds."""
    x, w, w1 = rand(1, 4, 5, 3), rand(2, 3, 3, 3), rand(1, 1, 2, 2)
    g, b, m, v, row = rand(2), rand(2), rand(2), np.abs(rand(2)) + 0.5, rand(5, 1)
    r = (1, 2, 1, 1)
    # OHWI kernel; the result in NCHW.
    a = conv(to_nchw(x), w.transpose(0, 3, 1, 2), 1, (1, 1, 1, 1))
    n = (a - m.reshape(r)) / np.sqrt(v.reshape(r) + 1e-5) * g.reshape(r) + b.reshape(r)
    c = conv(relu(n), w1.transpose(3, 2, 0, 1)) + n
    d = to_nhwc(c) + row
    outs = [d, c, d.sum((1, 3)), d[:, ::2, :, 1:], sigmoid(d).transpose(0, 3, 1, 2), d.reshape(1, 40),
            a.mean((2, 3)), d - to_nhwc(c)[:, :, :, :1]]
    case("layouts", """
def @main(%x: Tensor[(1, 4, 5, 3), float32], %w: Tensor[(2, 3, 3, 3), float32], %w1: Tensor[(1, 1, 2, 2), float32], %g: Tensor[(2), float32], %b: Tensor[(2), float32], %m: Tensor[(2), float32], %v: Tensor[(2), float32], %row: Tensor[(5, 1), float32]) {
  %0 = nn.conv2d(%x, %w, padding=[1, 1], channels=2, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="OHWI");
  %1 = nn.batch_norm(%0, %g, %b, %m, %v, axis=3);
  %2 = %1.0;
  %3 = nn.relu(%2);
  %4 = nn.conv2d(%3, %w1, channels=2, kernel_size=[1, 1], data_layout="NHWC", kernel_layout="HWIO");
  %5 = add(%4, %2);
  %6 = add(%5, %row);
  %7 = transpose(%5, axes=[0, 3, 1, 2]);
  %8 = sum(%6, axis=[1, 3]);
  %9 = strided_slice(%6, begin=[0, 0, 0, 1], end=[1, 4, 5, 2], strides=[1, 2, 1, 1]);
  %10 = layout_transform(sigmoid(%6), src_layout="NHWC", dst_layout="NCHW");
  %11 = reshape(%6, newshape=[1, -1]);
  %12 = nn.conv2d(%x, %w, padding=[1, 1], channels=2, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="OHWI", out_layout="NCHW");
  %13 = mean(%12, axis=[2, 3]);
  %14 = subtract(%6, strided_slice(%5, begin=[0], end=[1], strides=[1], axes=[3]));
  (%6, %7, %8, %9, %10, %11, %13, %14)
}
""", [x], outs, {"w": w, "w1": w1, "g": g, "b": b, "m": m, "v": v, "row": row})


def layouts_more():
    """Operators on a tensor whose axes lie as NCHW while the text has NHWC."""
    x, w, slope, g, b = rand(1, 4, 6, 3), rand(1, 1, 3, 4), rand(4), rand(4), rand(4)
    y = np.einsum("nhwc,co->nhwo", x, w[0, 0])
    layer = (y - y.mean(3, keepdims=True)) / np.sqrt(y.var(3, keepdims=True) + 1e-5) * g + b
    outs = [np.pad(y, ((0, 0), (1, 0), (0, 2), (0, 1)), constant_values=0.5), y[:, 2:] - y[:, :2], y[:, :, [5, 0, 2]],
            np.where(y < 0, y * slope, y), softmax(y, 2), layer, y.repeat(2, 1).repeat(2, 2),
            np.concatenate([y, np.ones((1, 4, 6, 1)), y * 2], 3), y.reshape(4, 6, 4), y.mean(0), y.max((0, 3)),
            np.minimum(y, y[:, ::-1, :, :]), np.broadcast_to(y, (2, 4, 6, 4)), np.stack([y, y], 4), y.transpose(0, 3, 2, 1),
            y.repeat(2, 3), np.tile(y, (2, 1, 3)), y[..., ::-1]]
    case("layouts_more", """
def @main(%x: Tensor[(1, 4, 6, 3), float32], %w: Tensor[(1, 1, 3, 4), float32], %s: Tensor[(4), float32], %g: Tensor[(4), float32], %b: Tensor[(4), float32]) {
  %0 = nn.conv2d(%x, %w, channels=4, kernel_size=[1, 1], data_layout="NHWC", kernel_layout="HWIO");
  %1 = nn.pad(%0, 0.5f, pad_width=[[0, 0], [1, 0], [0, 2], [0, 1]]);
  %2 = split(%0, indices_or_sections=2, axis=1);
  %3 = subtract(%2.1, %2.0);
  %4 = take(%0, meta[relay.Constant][0], axis=2);
  %5 = nn.prelu(%0, %s, axis=3);
  %6 = nn.softmax(%0, axis=2);
  %7 = nn.layer_norm(%0, %g, %b);
  %8 = image.resize2d(%0, size=[8, 12], layout="NHWC", method="nearest_neighbor", coordinate_transformation_mode="asymmetric");
  %9 = concatenate((%0, ones(shape=[1, 4, 6, 1], dtype="float32"), multiply(2f, %0)), axis=-1);
  %10 = squeeze(%0, axis=[0]);
  %11 = mean(%0, axis=[0]);
  %12 = max(%0, axis=[1, 2], exclude=True);
  %13 = minimum(%0, strided_slice(%0, begin=[-1], end=[-5], strides=[-1], axes=[1]));
  %14 = broadcast_to(%0, shape=[2, 4, 6, 4]);
  %15 = stack((%0, %0), axis=-1);
  %16 = transpose(%0, axes=[0, 3, 2, 1]);
  %17 = repeat(%0, repeats=2, axis=3);
  %18 = tile(%0, reps=[2, 1, 3]);
  %19 = reverse(%0, axis=-1);
  (%1, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19)
}
""", [x], outs, {"w": w, "s": slope, "g": g, "b": b}, [np.array([5, 0, 2], np.int64)])


def requantised(real, scale, zero, low=0, high=255):
    return np.clip(np.rint(real / scale) + zero, low, high)


def qnn_network():
    """uint8 NHWC with per-channel int8 weights, as the TFLite frontend prints."""
    x = rand(1, 6, 6, 3)
    sx, zx = np.float32(0.0078), 128
    w = RNG.integers(-127, 128, (3, 3, 3, 4)).astype(np.int8)
    sw = (np.abs(rand(4)) * 0.01 + 0.002).astype(np.float32)
    b = RNG.integers(-9000, 9000, 4).astype(np.int32)
    sy, zy = np.float32(0.031), 119
    wd = RNG.integers(0, 256, (5, 16)).astype(np.uint8)
    bd = RNG.integers(-900, 900, 5).astype(np.int32)
    sd, zd, so, zo = np.float32(0.0055), 131, np.float32(0.11), 7
    q = requantised(x, sx, zx)
    acc = conv(to_nchw(q - zx), w.transpose(3, 2, 0, 1).astype(np.float64), 1, (1, 1, 0, 0)) + b.reshape(1, 4, 1, 1)
    c = requantised(acc * (sx * sw.astype(np.float64)).reshape(1, 4, 1, 1), sy, zy)
    c = np.clip(c, 119, 255)
    p = c[:, :, :4, :4].reshape(1, 4, 2, 2, 2, 2).max((3, 5))
    flat = to_nhwc(p).reshape(1, 16)
    acc = (flat - zy) @ (wd.astype(np.float64) - zd).T + bd
    d = requantised(acc * (float(sy) * float(sd)), so, zo, -128, 127)
    y = (d - zo) * so
    case("qnn_network", f"""
def @main(%x: Tensor[(1, 6, 6, 3), float32]) -> (Tensor[(1, 5), float32], Tensor[(1, 5), int8], Tensor[(1, 5, 5, 4), uint8]) {{
  %0 = qnn.quantize(%x, {sx!r}f, {zx}, out_dtype="uint8", axis=3);
  %1 = qnn.conv2d(%0, meta[relay.Constant][0] /* ty=Tensor[(3, 3, 3, 4), int8] */, {zx} /* ty=int32 */, 0 /* ty=int32 */, {sx!r}f /* ty=float32 */, meta[relay.Constant][1] /* ty=Tensor[(4), float32] */, padding=[1, 1, 0, 0], channels=4, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32") /* span=conv1:0:0 */;
  %2 = nn.bias_add(%1, meta[relay.Constant][2] /* ty=Tensor[(4), int32] */, axis=3);
  %3 = qnn.requantize(%2, meta[relay.Constant][3] /* ty=Tensor[(4), float32] */, 0 /* ty=int32 */, {sy!r}f, {zy}, axis=3, rounding="UPWARD", out_dtype="uint8");
  %4 = clip(%3, a_min=119f, a_max=255f);
  %5 = strided_slice(%4, begin=[0, 0, 0, 0], end=[1, 4, 4, 4], strides=[1]);
  %6 = nn.max_pool2d(%5, pool_size=[2, 2], strides=[2, 2], padding=[0, 0, 0, 0], layout="NHWC");
  %7 = reshape(%6, newshape=[-1, 16]);
  %8 = qnn.dense(%7, meta[relay.Constant][4] /* ty=Tensor[(5, 16), uint8] */, {zy}, {zd}, {sy!r}f, {sd!r}f, units=5, out_dtype="int32");
  %9 = nn.bias_add(%8, meta[relay.Constant][5] /* ty=Tensor[(5), int32] */);
  %10 = qnn.requantize(%9, {sy * sd!r}f, 0, {so!r}f, {zo}, out_dtype="int8");
  %11 = qnn.dequantize(%10, {so!r}f, {zo});
  (%11, %10, %4)
}}
""".replace("np.float32(", "").replace(")f", "f"), [x], [y, d, to_nhwc(c)],
         constants=[w, sw, b, (sx * sw).astype(np.float32), wd, bd])


def qnn_functions():
    a, b = RNG.integers(-128, 128, (1, 3, 4)), RNG.integers(-128, 128, (1, 3, 4))
    sa, za, sb, zb, sy, zy = 0.03, -5, 0.02, 11, 0.05, 3
    ra, rb = (a - za) * np.float64(np.float32(sa)), (b - zb) * np.float64(np.float32(sb))
    q = lambda r: requantised(r, np.float64(np.float32(sy)), zy, -128, 127)
    outs = [q(ra + rb), q(ra - rb), q(ra * rb), q(np.concatenate([ra, rb], 1)), q(sigmoid(ra)),
            q(np.where(ra < 0, 0.125 * ra, ra)), np.maximum(a, 0), np.clip(q(ra), -128, 127), a.transpose(0, 2, 1)]
    pair = f"%a, %b, {sa}f, {za}, {sb}f, {zb}, {sy}f, {zy}"
    one = f"%a, {sa}f, {za}, {sy}f, {zy}"
    case("qnn_functions", f"""
def @main(%a: Tensor[(1, 3, 4), int8], %b: Tensor[(1, 3, 4), int8]) {{
  %0 = qnn.add({pair});
  %1 = qnn.subtract({pair});
  %2 = qnn.mul({pair});
  %3 = qnn.concatenate((%a, %b), ({sa}f, {sb}f), ({za}, {zb}), {sy}f, {zy}, axis=1);
  %4 = qnn.sigmoid({one});
  %5 = qnn.leaky_relu({one}, alpha=0.125f);
  %6 = nn.relu(%a);
  %7 = qnn.requantize({one}, out_dtype="int8");
  %8 = transpose(%a, axes=[0, 2, 1]);
  (%0, %1, %2, %3, %4, %5, %6, %7, %8)
}}
""", [a.astype(np.float32), b.astype(np.float32)], outs)


def counted_mean(x):
    """Windows of 3 x 3 with stride 2 over one explicit zero on each side; what ceil_mode adds does not count."""
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    h, w = (-(-(n - 3) // 2) + 1 for n in x.shape[2:])
    parts = [[x[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].mean((2, 3)) for j in range(w)] for i in range(h)]
    return np.array(parts).transpose(2, 3, 0, 1)


def choices():
    x, z = rand(1, 2, 6, 8), rand(1, 2, 6, 8)
    order = np.argsort(-x, axis=3, kind="stable")[..., :3]
    case(
        "choices",
        """
def @main(%x: Tensor[(1, 2, 6, 8), float32], %z: Tensor[(1, 2, 6, 8), float32]) {
  %0 = greater(%x, %z);
  %1 = less_equal(%x, 0.25f);
  %2 = logical_and(%0, logical_not(%1));
  %3 = where(%2, %x, multiply(%z, 2f));
  %4 = topk(%x, k=3, axis=-1, ret_type="both", is_ascend=False, dtype="int32");
  %5 = nn.avg_pool2d(%x, pool_size=[3, 3], strides=[2, 2], padding=[1, 1, 1, 1], ceil_mode=True, count_include_pad=True);
  %6 = cast(logical_or(%0, %1), dtype="float32");
  (%3, %4.0, %4.1, %5, mod(%x, %z), %6)
}
""",
        [x, z],
        [
            np.where((x > z) & ~(x <= 0.25), x, 2 * z),
            np.take_along_axis(x, order, 3),
            order,
            counted_mean(x),
            np.fmod(x, z),
            (x > z) | (x <= 0.25),
        ],
    )


def sums():
    """What FakeQuantizationToInteger writes between the operators of the qnn dialect, and siblings of that."""
    rng = np.random.default_rng(11)
    x, w = rng.integers(-128, 128, (1, 4, 6, 6)), rng.integers(-127, 128, (8, 4, 3, 3))
    b, c = rng.integers(-3000, 3000, 8), rng.integers(-500, 500, (8, 1, 1))
    ws = rng.uniform(0.001, 0.004, 8).astype(np.float32)
    s = (np.float32(0.03) * ws).astype(np.float32)
    limit = np.round(6 / s).astype(np.int32).reshape(1, 8, 1, 1)
    dw, db = rng.integers(-127, 128, (5, 8)), rng.integers(-3000, 3000, 5)
    steps = s.astype(np.float64).reshape(8, 1, 1)
    q = lambda r: requantised(r, np.float64(np.float32(0.05)), 3, -128, 127)
    y = conv(x + 3, w, pad=(1, 1, 1, 1)) + b.reshape(8, 1, 1)
    bounded = np.minimum(np.maximum(y, 0), limit)
    pooled = (bounded + c).reshape(1, 8, 3, 2, 3, 2).max((3, 5))
    clipped = np.clip(pooled, -100, 4000)
    flat = q(np.clip(pooled, -100, 4000) * steps).max((2, 3))
    dense = (flat - 3) @ dw.T + db
    case("sums", """
def @main(%x: Tensor[(1, 4, 6, 6), int8]) {
  %0 = qnn.conv2d(%x, meta[relay.Constant][0], -3, 0, 0.03f, meta[relay.Constant][1], padding=[1, 1, 1, 1], channels=8, kernel_size=[3, 3], out_dtype="int32");
  %1 = nn.bias_add(%0, meta[relay.Constant][2]);
  %2 = maximum(%1, meta[relay.Constant][3]);
  %3 = minimum(%2, meta[relay.Constant][4]);
  %4 = add(%3, meta[relay.Constant][5]);
  %5 = nn.max_pool2d(%4, pool_size=[2, 2], strides=[2, 2]);
  %6 = clip(%5, a_min=-100f, a_max=4000f);
  %7 = qnn.requantize(%6, meta[relay.Constant][6], 0, 0.05f, 3, axis=1, out_dtype="int8");
  %8 = qnn.dequantize(transpose(nn.relu(%1), axes=[0, 2, 3, 1]), meta[relay.Constant][6], 0, axis=3);
  %9 = cast(mean(cast(%x, dtype="int32"), axis=[2, 3]), dtype="int8");
  %10 = qnn.dequantize(%9, 0.03f, -3);
  %11 = qnn.requantize(%7, 0.05f, 3, 0.03f, -3, out_dtype="int32");
  %12 = qnn.requantize(nn.global_avg_pool2d(%11), 0.03f, -3, 0.05f, 3, out_dtype="int8");
  %13 = max(%7, axis=[2, 3]);
  %14 = add(qnn.dense(%13, meta[relay.Constant][7], 3, 0, 0.05f, 0.002f, units=5, out_dtype="int32"), meta[relay.Constant][8]);
  %15 = qnn.dequantize(concatenate((%14, maximum(%14, 0)), axis=1), 0.0001f, 0);
  (%7, %8, %10, %12, %15, maximum(%7, meta[relay.Constant][9]), nn.pad(%7, 3, pad_width=[[0, 0], [0, 0], [1, 0], [0, 1]]))
}
""", [x.astype(np.float32)],
         [
             q(clipped * steps),
             to_nhwc(np.maximum(y, 0) * steps),
             (np.trunc(x.mean((2, 3))) + 3) * np.float64(np.float32(0.03)),
             q((q(clipped * steps) - 3).mean((2, 3), keepdims=True) * np.float64(np.float32(0.05))),
             np.concatenate([dense, np.maximum(dense, 0)], 1) * np.float64(np.float32(0.05)) * np.float32(0.002),
             np.maximum(q(clipped * steps), 40),
             np.pad(q(clipped * steps), ((0, 0), (0, 0), (1, 0), (0, 1)), constant_values=3),
         ],
         constants=[w.astype(np.int8), ws, b.astype(np.int32), np.zeros((1, 8, 1, 1), np.int32), limit,
                    c.astype(np.int32), s, dw.astype(np.int8), db.astype(np.int32), np.array(40, np.int8)])


def whole():
    """Inputs of whole numbers and truth values: all is computed exactly."""
    rng = np.random.default_rng(12)
    i, j = rng.integers(-50, 50, (2, 5)), rng.integers(1, 9, (2, 5)) * rng.choice([-1, 1], (2, 5))
    u, t, x = rng.integers(0, 256, (2, 5)), rng.integers(0, 2, (2, 5)), rng.uniform(-3, 3, (2, 5)).astype(np.float32)
    case("whole", """
def @main(%i: Tensor[(2, 5), int64], %j: Tensor[(2, 5), int32], %u: Tensor[(2, 5), uint8], %t: Tensor[(2, 5), bool], %x: Tensor[(2, 5), float32]) {
  %0 = cast(%i, dtype="float32");
  %1 = cast(%i, dtype="int32");
  %2 = cast(%u, dtype="float32");
  %3 = add(%1, multiply(%j, 3));
  %4 = mean(%i, axis=[1]);
  %5 = where(%t, %1, %j);
  %6 = cast(add(argmax(%x, axis=[1]), 1), dtype="float32");
  %7 = cast(cast(multiply(%i, 100i64), dtype="int8"), dtype="float32");
  %8 = cast(%x, dtype="int32");
  %9 = cast(cast(%x, dtype="bool"), dtype="float32");
  %10 = cast(greater(%i, 7i64), dtype="int32");
  (add(%0, %x), multiply(%2, 0.5f), %3, %4, %5, %6, %7, %8, %9, add(%10, %j), divide(%1, %j), floor_divide(%1, %j), mod(%1, %j), floor_mod(%1, %j), cast(sum(%1, axis=[0]), dtype="float32"), maximum(negative(%j), 2), multiply(cast(%t, dtype="float32"), %x))
}
""", [i, j, u, t, x], [
        i + x, u * 0.5, i + 3 * j, np.trunc(i.sum(1) / 5), np.where(t, i, j), x.argmax(1) + 1, (i * 100).astype(np.int8), np.trunc(x),
        x != 0, (i > 7) + j, np.trunc(i / j), i // j, np.fmod(i, j), i - (i // j) * j, i.sum(0), np.maximum(-j, 2), t * x])


def kept():
    """Attributes that are kept in the metadata, and slopes that are computed."""
    rng = np.random.default_rng(13)
    x = rng.uniform(-1, 1, (1, 4, 3, 5)).astype(np.float32)
    slope = rng.uniform(0, 1, (4, 1, 1)).astype(np.float32)
    before = np.cumsum(x.astype(np.float64), 3) - x
    case("kept", """
def @main(%x: Tensor[(1, 4, 3, 5), float32]) {
  %0 = broadcast_to_like(meta[relay.Constant][0], %x);
  %1 = nn.prelu(reshape(%x, newshape=[-1]), reshape(%0, newshape=[-1]), axis=0);
  %2 = nn.prelu(%x, reshape(broadcast_to(meta[relay.Constant][0], shape=[4, 1, 1]), newshape=[4]));
  (cumsum(%x, meta[relay.attrs.ScanopAttrs][0]), trilu(%x, 1, meta[relay.attrs.TriluAttrs][0]), reshape(%1, newshape=[1, 4, 3, 5]), %2)
}
""", [x], [before, np.tril(x, 1), np.where(x < 0, x * slope, x), np.where(x < 0, x * slope, x)],
         constants=[slope],
         attributes=[("ScanopAttrs", {"axis": [3], "dtype": "", "exclusive": [1]}), ("TriluAttrs", {"upper": 0})])


X = "%x: Tensor[(1, 4, 6, 6), float32]"
REFUSED = {
    "operator": f"def @main({X}) {{\n  %0 = nn.cross_entropy(%x, size=5) /* ty=Tensor[(1, 4, 6, 6), float32] span=cross1:0:0 */;\n  nn.relu(%0)\n}}",
    "attribute": f"def @main({X}) {{\n  nn.relu(nn.avg_pool2d(%x, pool_size=[2, 2], divisor=3))\n}}",
    "layout": f'def @main({X}) {{\n  nn.max_pool2d(%x, pool_size=[2, 2], layout="NCHW4c")\n}}',
    "control_flow": f"def @main({X}) {{\n  if (True) {{\n    %x\n  }} else {{\n    nn.relu(%x)\n  }}\n}}",
    "dtype": "def @main(%x: Tensor[(1, 4), uint32]) {\n  cast(%x, dtype=\"float32\")\n}",
    "wrapped": f'def @main({X}) {{\n  %0 = cast(qnn.quantize(%x, 0.1f, 0, out_dtype="int8"), dtype="int32");\n  cast(add(%0, %0), dtype="int8")\n}}',
    "steps": f'def @main({X}) {{\n  %0 = cast(qnn.quantize(%x, 0.1f, 0, out_dtype="int8"), dtype="int32");\n  %1 = cast(qnn.quantize(%x, 0.2f, 0, out_dtype="int8"), dtype="int32");\n  maximum(%0, %1)\n}}',
    "kept": f"def @main({X}) {{\n  nn.relu(%x, meta[relay.attrs.MyAttrs][0])\n}}\n\n" + metadata([], [("MyAttrs", {"axis": [1]})]).strip(),
    "integers": f"def @main({X}) {{\n  add(%x, 1)\n}}",
    "unbound": f"def @main({X}) {{\n  %0 = nn.relu(%x);\n  add(%0, %1)\n}}",
    "metadata": f"def @main({X}) {{\n  add(%x, meta[relay.Constant][3])\n}}",
    "extent": "def @main(%x: Tensor[(?, 4, ?, 6), float32]) {\n  nn.relu(%x)\n}",
    "result": f"def @main({X}) -> Tensor[(1, 4), float32] {{\n  nn.global_avg_pool2d(%x)\n}}",
    "channels": f"def @main({X}, %w: Tensor[(2, 4, 1, 1), float32]) {{\n  nn.conv2d(%x, %w, channels=3, kernel_size=[1, 1])\n}}",
    "broadcast": f"def @main({X}, %y: Tensor[(5), float32]) {{\n  %0 = add(%x, %y);\n  %0\n}}",
    "field": f"def @main({X}) {{\n  %0 = split(%x, indices_or_sections=2, axis=1);\n  %0.2\n}}",
    "mode": f'def @main({X}) {{\n  nn.mirror_pad(%x, mode="WRAP", pad_width=[[0, 0], [0, 0], [1, 1], [1, 1]])\n}}',
    "weights": f"def @main({X}, %s: Tensor[(4), float32]) {{\n  nn.prelu(%x, %s)\n}}",
    "syntax": f"def @main({X}) {{\n  %0 = nn.relu(%x)\n  %0\n}}",
    "types": "type List[A] {\n  Nil,\n}",
    "arguments": f"def @f(%a) {{\n  %a\n}}\ndef @main({X}) {{\n  @f(%x, %x)\n}}",
    "quantised": f'def @main({X}) {{\n  tanh(qnn.quantize(%x, 0.1f, 0, out_dtype="int8"))\n}}',
    "sums": f'def @main({X}, %w: Tensor[(2, 4, 1, 1), int8]) {{\n  %0 = qnn.quantize(%x, 0.1f, 0, out_dtype="int8");\n  qnn.conv2d(%0, %w, 0, 0, 0.1f, 0.2f, channels=2, kernel_size=[1, 1], out_dtype="int32")\n}}',
    "sum_scales": f'def @main({X}, %w: Tensor[(2, 4, 1, 1), int8]) {{\n  %0 = qnn.quantize(%x, 0.1f, 0, out_dtype="int8");\n  %1 = qnn.conv2d(%0, %w, 0, 0, 0.1f, 0.2f, channels=2, kernel_size=[1, 1], out_dtype="int32");\n  qnn.requantize(%1, 0.1f, 0, 0.5f, 0, out_dtype="int8")\n}}',
    "mixed": f'def @main({X}) {{\n  %0 = qnn.quantize(%x, 0.1f, 0, out_dtype="int8");\n  concatenate((%x, %0), axis=1)\n}}',
    "scale": f'def @main({X}) {{\n  qnn.quantize(%x, -0.1f, 0, out_dtype="int8")\n}}',
    "crop": f'def @main({X}) {{\n  image.resize2d(%x, size=[3, 3], coordinate_transformation_mode="tf_crop_and_resize")\n}}',
}


def refused():
    for name, text in REFUSED.items():
        open(f"refused_{name}.relay", "w").write(f'#[version = "0.0.5"]\n{text}\n')
    open("refused_version.relay", "w").write('#[version = "0.0.4"]\ndef @main(%x: float32) {\n  %x\n}\n')


if __name__ == "__main__":
    refused()
    for make in [mlp, resnet, tflite, operand_order, functions, split, shapes, pools, functions_of_one,
                 norms, products, images, layouts, layouts_more, qnn_network, qnn_functions, choices, sums, whole, kept]:
        make()
