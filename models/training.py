"""What the training scripts of this folder share: arguments, export, quantisation by ONNX Runtime, data."""

import sys
import argparse, json, os, random, time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import onnx
import onnxruntime as ort
from onnx import numpy_helper, shape_inference
from onnxruntime.quantization import (CalibrationDataReader, CalibrationMethod, QuantFormat,
                                      QuantType, quantize_static)
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image


# ---------------------------------------------------------------- shared tools
def get_args(steps):
    p = argparse.ArgumentParser()
    p.add_argument("--mnist", default="../../data/mnist10k.npz")
    p.add_argument("--photos", default="../../data/photos")
    p.add_argument("--out", default=os.path.dirname(os.path.abspath(sys.argv[0])))
    p.add_argument("--steps", type=int, default=steps)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    random.seed(a.seed); np.random.seed(a.seed); torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    os.makedirs(a.out, exist_ok=True)
    return a


def train_loop(model, batch_loss, steps, lr, wd=0.0):
    """AdamW (no decay when wd=0), linear warm-up then cosine decay to zero. Returns seconds."""
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=wd)
    warm = max(1, min(100, steps // 10))
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda i: min(1.0, (i + 1) / warm) *
        0.5 * (1 + np.cos(np.pi * min(1.0, i / max(1, steps)))))
    model.train(); t0 = time.time(); run = 0.0
    for i in range(steps):
        loss = batch_loss()
        opt.zero_grad(set_to_none=True); loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        opt.step(); sched.step(); run += loss.item()
        if (i + 1) % 100 == 0:
            print(f"step {i+1}/{steps} loss {run/100:.5f} {time.time()-t0:.0f}s", flush=True); run = 0.0
    model.eval()
    return time.time() - t0


def to_f(x):
    return x.astype(np.float32) / 255.0


def onnx_run(path, x_u8, threads):
    so = ort.SessionOptions(); so.intra_op_num_threads = threads
    s = ort.InferenceSession(path, so, providers=["CPUExecutionProvider"])
    n = s.get_inputs()[0].name
    return np.concatenate([s.run(None, {n: to_f(x_u8[i:i + 1])})[0] for i in range(len(x_u8))])


def op_count(m):
    ops = {}
    for n in m.graph.node:
        ops[n.op_type] = ops.get(n.op_type, 0) + 1
    return ops


def count_macs(path):
    """Multiply-accumulates of Conv, ConvTranspose, Gemm, MatMul, LSTM from static shapes."""
    m = shape_inference.infer_shapes(onnx.load(path)); g = m.graph
    sh = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
          for v in list(g.value_info) + list(g.input) + list(g.output)}
    sh.update({i.name: list(i.dims) for i in g.initializer})
    tot = 0
    for n in g.node:
        if n.op_type == "Conv":
            tot += np.prod(sh[n.output[0]]) * np.prod(sh[n.input[1]][1:])
        elif n.op_type == "ConvTranspose":
            tot += np.prod(sh[n.input[0]]) * np.prod(sh[n.input[1]][1:])
        elif n.op_type == "Gemm":
            tot += np.prod(sh[n.output[0]]) * (np.prod(sh[n.input[1]]) // sh[n.output[0]][-1])
        elif n.op_type == "MatMul":
            tot += np.prod(sh[n.output[0]]) * sh[n.input[0]][-1]
        elif n.op_type == "LSTM":
            t, b = sh[n.input[0]][:2]
            tot += t * b * (np.prod(sh[n.input[1]]) + np.prod(sh[n.input[2]]))
    return int(tot)


def finish(a, name, model, in_shape, ev, calib, metric, definition, train_s, extra=None,
           keep_bn=False, big=None):
    """Export, check, quantise with onnxruntime, evaluate, write all files.
    ev: dict with 'x' uint8 (N,C,H,W) (network input = x/255 float32) plus targets.
    metric(outputs, ev) -> dict of floats.  big: larger test set of the same form, metrics only."""
    assert len(ev["x"]) <= 200 and ev["x"].dtype == np.uint8 and calib.dtype == np.uint8
    path, qpath, pre = (os.path.join(a.out, f) for f in ("model.onnx", "model_ort_int8.onnx", "pre.onnx"))
    model.eval(); model = model.float()
    mode = torch.onnx.TrainingMode.PRESERVE if keep_bn else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(model, torch.rand(*in_shape), path, opset_version=17, training=mode,
                      input_names=["input"], output_names=["output"], do_constant_folding=not keep_bn, dynamo=False)
    m = onnx.load(path)
    init = {i.name: i for i in m.graph.initializer}   # exporter shares equal initializers through Identity: undo
    for n in [n for n in m.graph.node if n.op_type == "Identity" and n.input[0] in init]:
        c = onnx.TensorProto(); c.CopyFrom(init[n.input[0]]); c.name = n.output[0]
        m.graph.initializer.append(c); m.graph.node.remove(n)
    for n in m.graph.node:                            # zero initial states are the ONNX default: drop them
        if n.op_type == "LSTM": del n.input[5:]
    while True:                                       # and the shape arithmetic that made them
        used = {i for n in m.graph.node for i in n.input} | {o.name for o in m.graph.output}
        dead = [n for n in m.graph.node if not used & set(n.output)]
        if not dead: break
        for n in dead: m.graph.node.remove(n)
    onnx.checker.check_model(m, full_check=True); onnx.save(m, path)
    ops = op_count(m)
    out = onnx_run(path, ev["x"], a.threads)
    with torch.no_grad():
        ref = torch.cat([model(torch.from_numpy(to_f(ev["x"][i:i + 1]))) for i in range(len(ev["x"]))]).numpy()

    class Reader(CalibrationDataReader):
        def __init__(self): self.it = iter([{"input": to_f(calib[i:i + 1])} for i in range(len(calib))])
        def get_next(self): return next(self.it, None)

    quant_pre_process(path, pre, skip_symbolic_shape=True)
    quantize_static(pre, qpath, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=CalibrationMethod.MinMax)
    os.remove(pre)
    qout = onnx_run(qpath, ev["x"], a.threads)
    d = out.astype(np.float64) - qout
    r = {"name": name, "input": list(in_shape), "input_convention": "float32 = uint8 / 255",
         "output_shape": [1] + list(out.shape[1:]), "metric_definition": definition,
         "eval_samples": int(len(ev["x"])), "float": metric(out, ev), "ort_int8": metric(qout, ev),
         "ort_int8_recipe": "quant_pre_process + quantize_static QDQ, U8 activations, S8 per-channel "
                            "weights, MinMax, %d calibration inputs" % len(calib),
         "ort_int8_file_bytes": os.path.getsize(qpath), "ort_int8_ops": op_count(onnx.load(qpath)),
         "ort_int8_sqnr_db": float(10 * np.log10((out.astype(np.float64) ** 2).sum() / max((d ** 2).sum(), 1e-30))),
         "torch_vs_onnxruntime_max_abs": float(np.abs(ref - out).max()),
         "macs": count_macs(path), "params": int(sum(p.numel() for p in model.parameters())),
         "file_bytes": os.path.getsize(path), "ops": ops,
         "train": {"steps": a.steps, "seconds": round(train_s, 1), "threads": a.threads, "seed": a.seed},
         "versions": {"torch": torch.__version__, "onnx": onnx.__version__, "onnxruntime": ort.__version__}}
    if big is not None:
        r["full_test"] = {"samples": int(len(big["x"])), "float": metric(onnx_run(path, big["x"], a.threads), big),
                          "ort_int8": metric(onnx_run(qpath, big["x"], a.threads), big)}
    r.update(extra or {})
    np.savez_compressed(os.path.join(a.out, "eval.npz"), **ev)
    np.savez_compressed(os.path.join(a.out, "calib.npz"), x=calib)
    json.dump(r, open(os.path.join(a.out, "metrics.json"), "w"), indent=1)
    print(json.dumps(r, indent=1))


def load_mnist(path):
    d = np.load(path)
    return (d["x"][:8000], d["y"][:8000].astype(np.int64)), (d["x"][8000:], d["y"][8000:].astype(np.int64))


def augment(x, rng_shift=2, deg=10, scale=0.1):
    """random affine of a float batch (B,1,28,28)"""
    b = x.shape[0]
    an = (torch.rand(b) * 2 - 1) * deg * np.pi / 180; s = 1 + (torch.rand(b) * 2 - 1) * scale
    t = torch.zeros(b, 2, 3)
    t[:, 0, 0] = torch.cos(an) * s; t[:, 0, 1] = -torch.sin(an) * s
    t[:, 1, 0] = torch.sin(an) * s; t[:, 1, 1] = torch.cos(an) * s
    t[:, :, 2] = (torch.rand(b, 2) * 2 - 1) * rng_shift / 14
    return F.grid_sample(x, F.affine_grid(t, list(x.shape), align_corners=False), align_corners=False)
