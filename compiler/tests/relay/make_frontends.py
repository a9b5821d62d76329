"""More Relay texts with results computed by numpy: operators that the PyTorch, ONNX and OneFlow front ends emit.

Run here: `python make_frontends.py`. As in `make.py`; the loops are TVM's documentation of each operator, word by word.
"""

import math

import numpy as np

from make import case, metadata

F = np.float32


def places():
    """Elements taken from and put at places."""
    rng = np.random.default_rng(21)
    x = rng.uniform(-1, 1, (4, 5)).astype(F)
    cube = rng.uniform(-1, 1, (3, 4, 2)).astype(F)
    u = rng.uniform(-1, 1, (4, 3)).astype(F)
    j = np.array([[7, -2, 3], [0, 9, -8]], np.int32)
    rows = np.array([[2, 0, 2], [1, 3, 1]], np.int64)
    at = np.array([[4, 0, -1], [1, 1, 1], [0, 2, 3], [3, 3, -5]], np.int64)
    lengths = np.array([2, 4, 1, 3], np.int32)
    best = cube.argmax(1)

    def scattered(combine):
        y = x.astype(np.float64)
        for r in range(4):
            for k in range(3):
                y[r, at[r, k]] = combine(y[r, at[r, k]], u[r, k])
        return y

    largest = x.copy()
    for r, k in np.ndindex(3, 2):
        largest[r, best[r, k]] = max(largest[r, best[r, k]], u[r, k])
    nd = cube.astype(np.float64).transpose(1, 0, 2).copy()
    for k in range(3):
        nd[rows[1, k], rows[0, k]] += u[k, :2]
    # The element that is hot, of indices outside none.
    hot = (j[:, None, :] == np.arange(8)[None, :, None]).astype(F) * 2.5 - 1
    reverse = x.copy()
    mask = x.copy()
    for r, n in enumerate(lengths):
        reverse[r, :n] = x[r, :n][::-1]
        mask[r, n:] = 0.5
    dense = np.full((4, 5), 0.25)
    dense[0, 1], dense[3, 4] = 1.5, 2
    case("places", """
def @main(%x: Tensor[(4, 5), float32], %cube: Tensor[(3, 4, 2), float32], %u: Tensor[(4, 3), float32], %j: Tensor[(2, 3), int32]) {
  %0 = argmax(%cube, axis=[1]);
  %1 = take(%x, %j, axis=1);
  %2 = take(%x, %j, axis=1, mode="wrap");
  %3 = take(%x, %0, axis=0, mode="fast");
  %4 = gather_nd(%cube, meta[relay.Constant][0], index_rank=2);
  %5 = gather_nd(%x, transpose(%0, axes=[1, 0]), batch_dims=0, index_rank=2);
  %6 = scatter_elements(%x, meta[relay.Constant][1], %u, axis=1, reduction="add");
  %7 = scatter_elements(%x, meta[relay.Constant][1], %u, axis=1, reduction="min");
  %8 = scatter_nd(transpose(%cube, axes=[1, 0, 2]), reverse(meta[relay.Constant][0], axis=0), strided_slice(%u, begin=[0, 0], end=[3, 2]), mode="add");
  %9 = adv_index((%cube, meta[relay.Constant][3], meta[relay.Constant][2]));
  %10 = one_hot(%j, 1.5f, -1f, depth=8, axis=1, dtype="float32");
  %11 = reverse_sequence(%x, meta[relay.Constant][4]);
  %12 = sequence_mask(%x, meta[relay.Constant][4], mask_value=0.5f, axis=1);
  %13 = multiply(sparse_to_dense(meta[relay.Constant][5], meta[relay.Constant][6], 0.25f, output_shape=[4, 5]), %x);
  %14 = adv_index((%cube, meta[relay.Constant][7], %0));
  %15 = scatter_elements(%x, %0, strided_slice(%u, begin=[0, 0], end=[3, 2]), axis=1, reduction="max");
  (%1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15)
}
""", [x, cube, u, j.astype(F)],
         [x[:, np.clip(j, 0, 4)], x[:, j % 5], x[best], cube[rows[0], rows[1]], x[best[:, 0], best[:, 1]],
          scattered(lambda a, b: a + b), scattered(min), nd, cube[[[0], [2]], [3, 0, 1]], hot, reverse, mask, dense * x,
          cube[[[0], [2], [1]], best], largest],
         constants=[rows, at, np.array([3, 0, 1], np.int64), np.array([[0], [2]], np.int64), lengths,
                    np.array([[0, 1], [3, 4]], np.int32), np.array([1.5, 2], F), np.array([[0], [2], [1]], np.int64)])


def conv3d(x, w, stride, pads, dilation):
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), *pads))
    window = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation)]
    size = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], window, stride)]
    y = np.zeros((x.shape[0], w.shape[0], *size))
    for place in np.ndindex(*size):
        cut = tuple(slice(p * s, p * s + k, d) for p, s, k, d in zip(place, stride, window, dilation))
        y[(slice(None), slice(None), *place)] = np.einsum("ncdhw,ocdhw->no", x[(slice(None), slice(None), *cut)], w)
    return y


def transposed(x, w, stride, pad, more):
    """Every input element adds its kernel, (I, O, ...); then `pad` goes on all sides but `more` behind."""
    kernel = w.shape[2:]
    full = [(n - 1) * s + k + more for n, s, k in zip(x.shape[2:], stride, kernel)]
    y = np.zeros((x.shape[0], w.shape[1], *full))
    for place in np.ndindex(*x.shape[2:]):
        cut = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, stride, kernel))
        y[(slice(None), slice(None), *cut)] += np.einsum("nc,co...->no...", x[(slice(None), slice(None), *place)], w.astype(np.float64))
    return y[(slice(None), slice(None), *[slice(pad, n - pad) for n in full])]


def windows(x, kernel, stride, pads, reduce):
    """Pools over what of each window lies inside."""
    size = [(n + sum(p) - k) // s + 1 for n, p, k, s in zip(x.shape[2:], pads, kernel, stride)]
    y = np.zeros((*x.shape[:2], *size))
    for place in np.ndindex(*size):
        cut = tuple(slice(max(p * s - a[0], 0), p * s - a[0] + k) for p, s, a, k in zip(place, stride, pads, kernel))
        y[(slice(None), slice(None), *place)] = reduce(x[(slice(None), slice(None), *cut)].astype(np.float64), axis=(2, 3, 4))
    return y


def adaptive(x, size, reduce):
    y = np.zeros((*x.shape[:2], *size))
    for place in np.ndindex(*size):
        cut = tuple(slice(p * n // t, -((p + 1) * n // -t)) for p, n, t in zip(place, x.shape[2:], size))
        y[(slice(None), slice(None), *place)] = reduce(x[(slice(None), slice(None), *cut)].astype(np.float64), axis=(2, 3, 4))
    return y


def linear(x, axis, size, place):
    """Between the two elements around a place, those at the ends continued."""
    n = x.shape[axis]
    p = np.array([place(o, n, size) for o in range(size)])
    low = np.floor(p).astype(int)
    share = (p - low).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    at = lambda i: np.take(x.astype(np.float64), np.clip(i, 0, n - 1), axis)
    return at(low) * (1 - share) + at(low + 1) * share


def half(o, n, size):
    return (o + 0.5) * n / size - 0.5


def volumes():
    """Lines and volumes."""
    rng = np.random.default_rng(22)
    v = rng.uniform(-1, 1, (1, 2, 4, 5, 6)).astype(F)
    line = rng.uniform(-1, 1, (1, 4, 7)).astype(F)
    w = rng.uniform(-1, 1, (3, 2, 2, 3, 3)).astype(F)
    wt = rng.uniform(-1, 1, (2, 3, 3, 2, 3)).astype(F)
    wl = rng.uniform(-1, 1, (4, 3, 3)).astype(F)
    # The nearest one is that before the place.
    floors = [max(math.floor(half(o, 5, 10)), 0) for o in range(10)]
    resized = linear(linear(linear(v, 2, 8, half), 3, 10, half), 4, 12, half)
    corners = lambda o, n, size: o * (n - 1) / (size - 1)
    corner = linear(linear(linear(v, 2, 3, corners), 3, 9, corners), 4, 6, corners)
    case("volumes", """
def @main(%v: Tensor[(1, 2, 4, 5, 6), float32], %line: Tensor[(1, 4, 7), float32]) {
  %0 = nn.conv3d(%v, meta[relay.Constant][0], strides=[1, 2, 1], padding=[0, 1, 1, 1, 1, 0], dilation=[2, 1, 1], channels=3, kernel_size=[2, 3, 3]);
  %1 = nn.conv3d(transpose(%v, axes=[0, 2, 3, 4, 1]), meta[relay.Constant][3], data_layout="NDHWC", kernel_layout="DHWIO", channels=3, kernel_size=[2, 3, 3]);
  %2 = nn.conv3d_transpose(%v, meta[relay.Constant][1], channels=3, kernel_size=[3, 2, 3], strides=[2, 1, 2], output_padding=[0, 0, 0], padding=[1, 1, 1, 1, 1, 1]);
  %3 = nn.conv1d_transpose(%line, meta[relay.Constant][2], channels=3, kernel_size=[3], strides=[2], output_padding=[1], padding=[1]);
  %4 = nn.max_pool3d(%v, pool_size=[2, 3, 2], strides=[2, 2, 1], padding=[0, 1, 1, 0, 1, 1], ceil_mode=True);
  %5 = nn.avg_pool3d(%v, pool_size=[3, 2, 3], strides=[2, 2, 2], padding=[1, 0, 1, 0, 0, 1], ceil_mode=True);
  %6 = nn.adaptive_avg_pool3d(%v, output_size=[3, 2, 4]);
  %7 = nn.adaptive_max_pool3d(%v, output_size=[2, 3, 6]);
  %8 = nn.adaptive_max_pool3d(%v, output_size=[1, 1, 1]);
  %9 = nn.upsampling3d(%v, scale_d=2f, scale_h=2f, scale_w=2f, method="trilinear");
  %10 = image.resize3d(%v, size=[3, 9, 6], roi=[0f, 0f, 0f, 0f, 0f, 0f], coordinate_transformation_mode="align_corners", rounding_method="");
  %11 = image.resize1d(%line, size=[12], roi=[0f, 0f], rounding_method="");
  %12 = nn.upsampling3d(%v, scale_d=1f, scale_h=2f, scale_w=1f);
  (%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12)
}
""", [v, line],
         [conv3d(v, w, (1, 2, 1), ((0, 1), (1, 1), (1, 0)), (2, 1, 1)),
          conv3d(v, w, (1, 1, 1), ((0, 0),) * 3, (1, 1, 1)).transpose(0, 2, 3, 4, 1),
          transposed(v, wt, (2, 1, 2), 1, 0), transposed(line, wl, (2,), 1, 1),
          windows(v, (2, 3, 2), (2, 2, 1), ((0, 0), (1, 1), (1, 1)), np.max),
          windows(v, (3, 2, 3), (2, 2, 2), ((1, 0), (0, 1), (1, 2)), np.mean),
          adaptive(v, (3, 2, 4), np.mean), adaptive(v, (2, 3, 6), np.max), v.max((2, 3, 4), keepdims=True),
          resized, corner, linear(line, 2, 12, half), v[:, :, :, floors]],
         constants=[w, wt, wl, np.ascontiguousarray(w.transpose(2, 3, 4, 1, 0))])


def bilinear(image, y, x):
    """What a sample of a region reads: zeros a pixel and more outside."""
    height, width = image.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = y - top, x - left
    return ((image[top, left] * (1 - across) + image[top, right] * across) * (1 - down)
            + (image[bottom, left] * (1 - across) + image[bottom, right] * across) * down)


def roi_align(x, rois, size, scale, ratio, reduce):
    y = np.zeros((len(rois), x.shape[1], *size))
    for r, c, i, j in np.ndindex(*y.shape):
        left, top, right, bottom = rois[r, 1:].astype(float) * scale
        high, wide = max(bottom - top, 1.0) / size[0], max(right - left, 1.0) / size[1]
        count = [ratio, ratio] if ratio > 0 else [math.ceil(high), math.ceil(wide)]
        y[r, c, i, j] = reduce([
            bilinear(x[int(rois[r, 0]), c].astype(float), top + i * high + (a + 0.5) * high / count[0], left + j * wide + (b + 0.5) * wide / count[1])
            for a in range(count[0]) for b in range(count[1])
        ])
    return y


def roi_pool(x, rois, size, scale):
    y = np.zeros((len(rois), x.shape[1], *size))
    away = lambda v: int(math.copysign(math.floor(abs(v) + 0.5), v))
    for r, c, i, j in np.ndindex(*y.shape):
        left, top, right, bottom = [away(v * scale) for v in rois[r, 1:].astype(float)]
        high, wide = max(bottom - top + 1, 1), max(right - left + 1, 1)
        inside = lambda v, n: min(max(v, 0), n)
        rows = slice(inside(top + i * high // size[0], x.shape[2]), inside(top - (i + 1) * high // -size[0], x.shape[2]))
        cols = slice(inside(left + j * wide // size[1], x.shape[3]), inside(left - (j + 1) * wide // -size[1], x.shape[3]))
        part = x[int(rois[r, 0]), c, rows, cols]
        y[r, c, i, j] = part.max() if part.size else 0
    return y


def crops(x, boxes, images, size, nearest, beyond):
    y = np.full((len(boxes), x.shape[1], *size), beyond, float)
    height, width = x.shape[2:]
    for r, c, i, j in np.ndindex(*y.shape):
        top, left, bottom, right = boxes[r].astype(float)
        row = top * (height - 1) + i * (height - 1) * (bottom - top) / (size[0] - 1)
        col = left * (width - 1) + j * (width - 1) * (right - left) / (size[1] - 1)
        if 0 <= row <= height - 1 and 0 <= col <= width - 1:
            image = x[images[r], c].astype(float)
            y[r, c, i, j] = image[math.floor(row + 0.5), math.floor(col + 0.5)] if nearest else bilinear(image, row, col)
    return y


def regions():
    """Regions of images."""
    rng = np.random.default_rng(23)
    x = rng.uniform(-1, 1, (2, 3, 7, 6)).astype(F)
    theta = rng.uniform(-1, 1, (2, 2, 3)).astype(F)
    rois = np.array([[0, 0.3, 0.1, 5.2, 5.4], [1, -2.7, 1.2, 9.1, 4.3], [1, 3.1, 3.2, 2, 2.5]], F)
    boxes = np.array([[0.1, 0.2, 0.8, 0.88], [-0.2, 0.03, 0.97, 1.3], [0.9, 0.72, 0.2, 0.1]], F)
    images = [1, 0, 1]
    rows, cols = np.meshgrid(np.linspace(-1, 1, 3), np.linspace(-1, 1, 4), indexing="ij")
    grid = np.einsum("nij,jhw->nihw", theta.astype(float), np.stack([cols, rows, np.ones((3, 4))]))
    case("regions", """
def @main(%x: Tensor[(2, 3, 7, 6), float32], %rois: Tensor[(3, 5), float32], %theta: Tensor[(2, 2, 3), float32]) {
  %0 = vision.roi_align(%x, %rois, pooled_size=[3, 2], spatial_scale=0.75f, sample_ratio=2, layout="NCHW", mode="avg");
  %1 = vision.roi_align(%x, meta[relay.Constant][0], meta[relay.attrs.ROIAlignAttrs][0]);
  %2 = vision.roi_align(%x, %rois, pooled_size=[3, 2], spatial_scale=0.75f, sample_ratio=3, mode="max");
  %3 = vision.roi_align(transpose(%x, axes=[0, 2, 3, 1]), %rois, pooled_size=[2, 2], spatial_scale=1f, sample_ratio=2, layout="NHWC");
  %4 = vision.roi_pool(%x, meta[relay.Constant][0], pooled_size=[7, 3], spatial_scale=0.75f);
  %5 = vision.roi_pool(%x, %rois, pooled_size=[2, 3], spatial_scale=1f);
  %6 = image.crop_and_resize(%x, meta[relay.Constant][1], meta[relay.Constant][2], crop_size=[4, 5], method="nearest_neighbor", extrapolation_value=0.25f);
  %7 = image.crop_and_resize(%x, meta[relay.Constant][1], meta[relay.Constant][2], crop_size=[4, 5], extrapolation_value=-0.5f);
  %8 = image.crop_and_resize(transpose(%x, axes=[0, 2, 3, 1]), meta[relay.Constant][3], meta[relay.Constant][4], crop_size=[3, 7], layout="NHWC");
  %9 = image.affine_grid(%theta, target_shape=[3, 4]);
  (%0, %1, %2, %3, %4, %5, %6, %7, %8, %9)
}
""", [x, rois, theta],
         [roi_align(x, rois, (3, 2), 0.75, 2, np.mean), roi_align(x, rois, (2, 2), 0.75, -1, np.mean),
          roi_align(x, rois, (3, 2), 0.75, 3, np.max), roi_align(x, rois, (2, 2), 1, 2, np.mean).transpose(0, 2, 3, 1),
          roi_pool(x, rois, (7, 3), 0.75), roi_pool(x, rois, (2, 3), 1), crops(x, boxes, images, (4, 5), True, 0.25),
          crops(x, boxes, images, (4, 5), False, -0.5), crops(x, boxes[:1], [1], (3, 7), False, 0).transpose(0, 2, 3, 1), grid],
         constants=[rois, boxes, np.array(images, np.int32), boxes[:1].copy(), np.array([1], np.int32)],
         attributes=[("ROIAlignAttrs", {"layout": "NCHW", "mode": "avg", "pooled_size": [2], "sample_ratio": -1, "spatial_scale": 0.75})])


def spreads():
    """Orders, running products, blocks, sums of several operands."""
    rng = np.random.default_rng(24)
    x = rng.uniform(-1, 1, (1, 4, 6, 6)).astype(F)
    m = np.round(rng.uniform(-2, 2, (5, 7))).astype(F)
    images = x.transpose(0, 2, 3, 1)
    apart = np.full((1, 4, 16, 11), 0.5)
    apart[:, :, ::3, ::2] = x
    before = np.ones((1, 4, 6, 6))
    before[:, :, 1:] = np.cumprod(x.astype(float), 2)[:, :, :-1]
    padded = np.pad(images, ((0, 0), (2, 0), (0, 3), (0, 0)), constant_values=0.5)
    batch = padded.reshape(1, 4, 2, 3, 3, 4).transpose(2, 4, 0, 1, 3, 5).reshape(6, 4, 3, 4)
    space = x.transpose(1, 2, 3, 0).reshape(2, 2, 1, 6, 6, 1).transpose(2, 3, 0, 4, 1, 5).reshape(1, 12, 12, 1)[:, 1:, 2:11]
    mirrored = np.pad(x, ((0, 0), (1, 0), (3, 2), (2, 6)), mode="symmetric")
    case("spreads", """
def @main(%x: Tensor[(1, 4, 6, 6), float32], %m: Tensor[(5, 7), float32]) {
  %0 = nn.dilate(%x, strides=[1, 1, 3, 2], dilation_value=0.5f);
  %1 = cumprod(%x, axis=2, exclusive=True);
  %2 = cumprod(%m, axis=None);
  %3 = cumsum(%m, axis=None);
  %4 = nn.space_to_batch_nd(transpose(%x, axes=[0, 2, 3, 1]), block_shape=[2, 3], paddings=[[2, 0], [0, 3]], pad_value=0.5f);
  %5 = nn.batch_to_space_nd(transpose(%x, axes=[1, 2, 3, 0]), block_shape=[2, 2], crops=[[1, 0], [2, 1]]);
  %6 = nn.mirror_pad(%x, mode="SYMMETRIC", pad_width=[[0, 0], [1, 0], [3, 2], [2, 6]]);
  %7 = sort(%m, axis=1);
  %8 = argsort(%m, axis=0, is_ascend=False, dtype="int32");
  %9 = cast(all(greater(%x, -0.9f), axis=[1]), dtype="float32");
  %10 = cast(any(greater(%x, 0.9f), axis=[1, 2], keepdims=True), dtype="float32");
  %11 = divide(1f, %m);
  %12 = add(cast(isnan(multiply(%11, %m)), dtype="float32"), multiply(cast(isinf(%11), dtype="float32"), 2f));
  %13 = cast(isfinite(%11), dtype="float32");
  %14 = variance(%x, %x, axis=[2, 3], unbiased=True);
  %15 = einsum((%m, strided_slice(%m, begin=[0, 0], end=[5, 3])), equation="ij,ik->kj");
  %16 = meshgrid((reshape(%m, newshape=[-1]), meta[relay.Constant][0]), indexing="xy");
  %17 = add(%16.0, %16.1);
  %18 = nn.space_to_depth(%x, block_size=2, mode="");
  (%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %12, %13, %14, %15, %17, %18)
}
""", [x, m],
         [apart, before, np.cumprod(m.astype(float)), np.cumsum(m), batch, space, mirrored, np.sort(m, 1),
          np.argsort(-m, 0, kind="stable"), (x > F(-0.9)).all(1), (x > F(0.9)).any((1, 2), keepdims=True), (m == 0) * 3.0, m != 0,
          x.astype(float).var((2, 3), ddof=1), np.einsum("ij,ik->kj", m, m[:, :3]), m.reshape(1, -1) + np.array([[1], [2], [3]]),
          x.reshape(1, 4, 3, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(1, 16, 3, 3)],
         constants=[np.array([1, 2, 3], F)])


def known():
    """Shapes that are computed, and what is known when the text is read."""
    rng = np.random.default_rng(25)
    x = rng.uniform(-1, 1, (2, 3, 4)).astype(F)
    case("known", """
def @main(%x: Tensor[(2, 3, 4), float32]) {
  %0 = shape_of(%x, dtype="int32");
  %1 = take(%0, 1, axis=0);
  %2 = strided_slice(%0, begin=[0], end=[2]);
  %3 = multiply(%1, 4);
  %4 = concatenate((reshape(%3, newshape=[1]), meta[relay.Constant][0]));
  %5 = dyn.reshape(%x, %4, newshape=[]);
  %6 = dyn.tile(%x, where(less(%0, meta[relay.Constant][1]), %0, add(%0, meta[relay.Constant][1])), reps=[]);
  %7 = dyn.full(2f, %2, shape=None, dtype="float32");
  %8 = dyn.strided_slice(%x, meta[relay.Constant][2], %0, meta[relay.Constant][3], begin=None, end=None, strides=None, axes=None);
  %9 = dyn.topk(%x, floor_divide(%1, 2), k=None, axis=2, ret_type="values", dtype="int32");
  %10 = multiply(%x, cast(ndarray_size(%x, dtype="int32"), dtype="float32"));
  %11 = arange(1, -8, -3, start=meta[relay.Constant][4], stop=meta[relay.Constant][4], step=meta[relay.Constant][4], dtype="int32");
  %12 = arange(0.5f, 2.1f, 0.25f, dtype="float32");
  %13 = cast(prod(%0), dtype="float32");
  (%5, %6, %7, %8, %9, %10, %11, multiply(%12, 2f), add(%x, %13), dyn.broadcast_to(sum(%x, axis=[0], keepdims=True), %0, shape=None))
}
""", [x],
         [x.reshape(12, 2), np.tile(x, (2, 5, 6)), np.full((2, 3), 2), x[0:2, 1:3, 0:4:2], np.sort(x, 2)[:, :, ::-1][:, :, :1],
          x * 24, [1, -2, -5], np.arange(0.5, 2.1, 0.25) * 2, x + 24, np.broadcast_to(x.sum(0, keepdims=True), (2, 3, 4))],
         constants=[np.array([2], np.int32), np.array([3, 2, 2], np.int32), np.array([0, 1, 0], np.int32),
                    np.array([1, 1, 2], np.int32), np.array(0, np.int32)])


def whole_places():
    """Whole numbers that are sorted, taken and put."""
    rng = np.random.default_rng(26)
    j = rng.integers(-50, 50, (3, 4)).astype(np.int32)
    put = j.copy()
    for r, at in enumerate([3, 0, 2]):
        put[r, at] += 1000
    case("whole_places", """
def @main(%j: Tensor[(3, 4), int32]) {
  %0 = argsort(%j, axis=1, dtype="int32");
  %1 = one_hot(%0, 7, -1, depth=3, axis=0, dtype="int32");
  (sort(%j, axis=0, is_ascend=False), %0, gather(%j, %0, axis=1), add(%1, 1), take(%j, %0),
   scatter_elements(%j, meta[relay.Constant][0], meta[relay.Constant][1], axis=1, reduction="add"), cumprod(maximum(%j, 45), axis=1), cumsum(%j, axis=None))
}
""", [j.astype(F)],
         [-np.sort(-j, 0), np.argsort(j, 1, kind="stable"), np.sort(j, 1),
          (np.argsort(j, 1, kind="stable") == np.arange(3).reshape(3, 1, 1)) * 8, j.reshape(-1)[np.argsort(j, 1, kind="stable")],
          put, np.cumprod(np.maximum(j, 45), 1), np.cumsum(j)],
         constants=[np.array([[3], [0], [2]], np.int64), np.full((3, 1), 1000, np.int32)])


X = "%x: Tensor[(1, 4, 6, 6), float32]"
REFUSED = {
    "region_samples": f'def @main({X}, %r: Tensor[(2, 5), float32]) {{\n  vision.roi_align(%x, %r, pooled_size=[2, 2], spatial_scale=1f, mode="max")\n}}',
    "region_cells": f"def @main({X}, %r: Tensor[(2, 5), float32]) {{\n  vision.roi_pool(%x, %r, pooled_size=[13, 2], spatial_scale=1f)\n}}",
    "boxes": f"def @main({X}, %b: Tensor[(2, 4), float32]) {{\n  image.crop_and_resize(%x, %b, meta[relay.Constant][0], crop_size=[2, 2])\n}}\n\n" + metadata([np.array([0, 0], np.int32)]).strip(),
    "reduction": f'def @main({X}) {{\n  scatter_elements(%x, meta[relay.Constant][0], %x, axis=1, reduction="mean")\n}}\n\n' + metadata([np.zeros((1, 4, 6, 6), np.int64)]).strip(),
    "from_end": f"def @main({X}) {{\n  gather_nd(%x, meta[relay.Constant][0])\n}}\n\n" + metadata([np.array([[0], [-1]], np.int64)]).strip(),
    "deformed": f"def @main({X}, %o: Tensor[(1, 18, 6, 6), float32], %w: Tensor[(3, 4, 3, 3), float32]) {{\n  nn.deformable_conv2d(%x, %o, %w, padding=[1, 1, 1, 1])\n}}",
    "computed_shape": f"def @main({X}, %s: Tensor[(2), int64]) {{\n  dyn.reshape(%x, %s, newshape=[])\n}}",
    "equation": f'def @main({X}) {{\n  einsum((%x,), equation="ncii->nci")\n}}',
    "ceil_volume": "def @main(%v: Tensor[(1, 2, 4, 6, 6), float32]) {\n  nn.avg_pool3d(%v, pool_size=[3, 3, 3], strides=[2, 2, 2], ceil_mode=True, count_include_pad=True)\n}",
    "one_box": f"def @main({X}) {{\n  image.crop_and_resize(%x, meta[relay.Constant][0], meta[relay.Constant][1], crop_size=[1, 2])\n}}\n\n" + metadata([np.zeros((1, 4), F), np.array([0], np.int32)]).strip(),
}


if __name__ == "__main__":
    for name, text in REFUSED.items():
        open(f"refused_{name}.relay", "w").write(f'#[version = "0.0.5"]\n{text}\n')
    for make in [places, volumes, regions, spreads, known, whole_places]:
        make()
