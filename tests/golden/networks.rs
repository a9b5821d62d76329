//! Six small networks of different kinds, with made-up weights.

use tilewright_compiler::graph::{
    BinaryKind, Cell, CoordinateRounding, Coordinates, Direction, Graph, Integer, Interpolation, Op,
    Recurrent, Resize, UnaryKind, ValueId, Window,
};
use tilewright_random::Random;

/// A graph under construction.
struct Builder {
    graph: Graph,
    random: Random,
}

impl Builder {
    fn new(name: &str, shape: &[usize]) -> (Builder, ValueId) {
        let mut graph = Graph::new(name);
        let x = graph.input("x", shape).unwrap();
        (Builder { graph, random: Random::new(1) }, x)
    }

    fn node(&mut self, name: &str, op: Op, inputs: &[ValueId]) -> ValueId {
        self.graph.node(name, op, inputs).unwrap()
    }

    fn constant(&mut self, name: &str, shape: &[usize]) -> ValueId {
        let data = self.random.floats(shape.iter().product());
        self.graph.constant(name, shape, data).unwrap()
    }

    /// A convolution that keeps the extents at stride 1, with a bias.
    fn conv(&mut self, name: &str, x: ValueId, outputs: usize, kernel: usize, stride: usize) -> ValueId {
        let inputs = self.graph.shape(x)[1];
        self.grouped(name, x, [outputs, inputs, kernel, kernel], stride, 1)
    }

    fn grouped(
        &mut self,
        name: &str,
        x: ValueId,
        shape: [usize; 4],
        stride: usize,
        groups: usize,
    ) -> ValueId {
        let w = self.constant(&format!("{name}.weight"), &shape);
        let b = self.constant(&format!("{name}.bias"), &shape[..1]);
        let [_, _, kernel, _] = shape;
        let window =
            Window { kernel: [kernel; 2], stride: [stride; 2], dilation: [1; 2], pads: [kernel / 2; 4] };
        self.node(name, Op::Conv { window, groups }, &[x, w, b])
    }

    fn matmul(&mut self, name: &str, x: ValueId, outputs: usize) -> ValueId {
        let inputs = *self.graph.shape(x).last().unwrap();
        let w = self.constant(&format!("{name}.weight"), &[inputs, outputs]);
        self.node(name, Op::MatMul, &[x, w])
    }

    fn finish(mut self, output: ValueId) -> Graph {
        self.graph.outputs.push(output);
        self.graph
    }
}

/// Two blocks with a sum, one at half the size, and a classifier.
pub fn residual() -> Graph {
    let (mut b, x) = Builder::new("residual", &[1, 3, 8, 8]);
    let x = b.conv("stem", x, 4, 3, 1);
    let x = b.node("stem.relu", Op::Relu, &[x]);
    let y = b.conv("block1.conv1", x, 4, 3, 1);
    let y = b.node("block1.relu1", Op::Relu, &[y]);
    let y = b.conv("block1.conv2", y, 4, 3, 1);
    let y = b.node("block1.add", Op::Add, &[y, x]);
    let x = b.node("block1.relu2", Op::Relu, &[y]);
    let y = b.conv("block2.conv", x, 8, 3, 2);
    let skip = b.conv("block2.skip", x, 8, 1, 2);
    let y = b.node("block2.add", Op::Add, &[y, skip]);
    let y = b.node("block2.relu", Op::Relu, &[y]);
    let y = b.node("pool", Op::GlobalAveragePool, &[y]);
    let y = b.node("flatten", Op::Flatten { axis: 1 }, &[y]);
    let y = b.matmul("classifier", y, 5);
    b.finish(y)
}

/// An inverted bottleneck with BatchNormalization and ReLU6.
pub fn depthwise() -> Graph {
    let (mut b, x) = Builder::new("depthwise", &[1, 3, 8, 8]);
    let six = Op::Clip { min: 0.0, max: 6.0 };
    let x = b.conv("stem", x, 4, 3, 2);
    let y = b.conv("expand", x, 12, 1, 1);
    let y = batch_norm(&mut b, "expand.norm", y);
    let y = b.node("expand.relu6", six.clone(), &[y]);
    let y = b.grouped("depthwise", y, [12, 1, 3, 3], 1, 12);
    let y = batch_norm(&mut b, "depthwise.norm", y);
    let y = b.node("depthwise.relu6", six, &[y]);
    let y = b.conv("project", y, 4, 1, 1);
    let y = b.node("add", Op::Add, &[x, y]);
    b.finish(y)
}

fn batch_norm(b: &mut Builder, name: &str, x: ValueId) -> ValueId {
    let channels = b.graph.shape(x)[1];
    let mut inputs = vec![x];
    for part in ["scale", "shift", "mean"] {
        inputs.push(b.constant(&format!("{name}.{part}"), &[channels]));
    }
    let variance = b.random.floats(channels).into_iter().map(|x| 1.5 + x).collect();
    inputs.push(b.graph.constant(format!("{name}.variance"), &[channels], variance).unwrap());
    b.node(name, Op::BatchNormalization { epsilon: 1e-5 }, &inputs)
}

/// Down by pooling, up by repetition, joined along the channels.
pub fn unet() -> Graph {
    let (mut b, x) = Builder::new("unet", &[1, 2, 8, 8]);
    let x = b.conv("down", x, 4, 3, 1);
    let skip = b.node("down.relu", Op::LeakyRelu { alpha: 0.1 }, &[x]);
    let two = Window { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], pads: [0; 4] };
    let y = b.node("pool", Op::MaxPool { window: two }, &[skip]);
    let y = b.conv("middle", y, 6, 3, 1);
    let y = b.node("middle.relu", Op::Relu, &[y]);
    let resize = Resize {
        sizes: vec![1, 6, 8, 8],
        scales: vec![1.0, 1.0, 2.0, 2.0],
        interpolation: Interpolation::Nearest(CoordinateRounding::Floor),
        coordinates: Coordinates::Asymmetric,
    };
    let y = b.node("up", Op::Resize(resize), &[y]);
    let y = b.node("join", Op::Concat { axis: 1 }, &[y, skip]);
    let y = b.conv("head", y, 1, 1, 1);
    let y = b.node("mask", Op::Unary { kind: UnaryKind::Sigmoid }, &[y]);
    b.finish(y)
}

/// One head of attention and a GELU, with their sums, on six tokens.
pub fn transformer() -> Graph {
    let (mut b, x) = Builder::new("transformer", &[1, 6, 8]);
    let y = layer_norm(&mut b, "norm1", x);
    let q = b.matmul("query", y, 8);
    let k = b.matmul("key", y, 8);
    let v = b.matmul("value", y, 8);
    let k = b.node("key.turned", Op::Transpose { perm: vec![0, 2, 1] }, &[k]);
    let scores = b.node("scores", Op::MatMul, &[q, k]);
    let shares = b.node("shares", Op::Softmax { axis: 2 }, &[scores]);
    let y = b.node("mixed", Op::MatMul, &[shares, v]);
    let y = b.matmul("out", y, 8);
    let x = b.node("add1", Op::Add, &[x, y]);
    let y = layer_norm(&mut b, "norm2", x);
    let y = b.matmul("up", y, 16);
    let y = b.node("gelu", Op::Unary { kind: UnaryKind::Gelu }, &[y]);
    let y = b.matmul("down", y, 8);
    let y = b.node("add2", Op::Add, &[x, y]);
    b.finish(y)
}

fn layer_norm(b: &mut Builder, name: &str, x: ValueId) -> ValueId {
    let (scale, shift) =
        (b.constant(&format!("{name}.scale"), &[8]), b.constant(&format!("{name}.shift"), &[8]));
    b.node(name, Op::LayerNormalization { axis: 2, epsilon: 1e-5 }, &[x, scale, shift])
}

/// A bidirectional LSTM over four steps.
pub fn lstm() -> Graph {
    let (mut b, x) = Builder::new("lstm", &[4, 1, 3]);
    let (hidden, features) = (2, 3);
    let mut inputs = vec![x];
    for (part, shape) in [
        ("w", vec![2, 4 * hidden, features]),
        ("r", vec![2, 4 * hidden, hidden]),
        ("b", vec![2, 8 * hidden]),
        ("h0", vec![2, 1, hidden]),
        ("c0", vec![2, 1, hidden]),
    ] {
        inputs.push(b.constant(part, &shape));
    }
    let cell = Recurrent { cell: Cell::Lstm, direction: Direction::Bidirectional, hidden, cell_state: false };
    let y = b.node("lstm", Op::Recurrent(cell), &inputs);
    b.finish(y)
}

/// Two convolutions and a product with another value, every value with a scale of its own.
pub fn quantised() -> Graph {
    let (mut b, x) = Builder::new("quantised", &[1, 2, 6, 6]);
    let x = rounded(&mut b, "x.q", x, 0.0078125, 0.0);
    let y = integer_conv(&mut b, "conv1", x, 4);
    let y = b.node("relu", Op::Relu, &[y]);
    let y = rounded(&mut b, "relu.q", y, 0.03125, -128.0);
    let z = integer_conv(&mut b, "conv2", y, 4);
    let z = rounded(&mut b, "conv2.q", z, 0.0625, 3.0);
    let z = b.node("mul", Op::Binary { kind: BinaryKind::Mul }, &[y, z]);
    let z = rounded(&mut b, "mul.q", z, 0.125, -2.0);
    b.finish(z)
}

fn rounded(b: &mut Builder, name: &str, x: ValueId, scale: f32, zero: f32) -> ValueId {
    let scale = b.graph.constant(format!("{name}.scale"), &[], vec![scale]).unwrap();
    let zero = b.graph.constant(format!("{name}.zero"), &[], vec![zero]).unwrap();
    let (integer, axis) = (Integer::Int8, None);
    let q = b.node(name, Op::QuantizeLinear { integer, axis }, &[x, scale, zero]);
    b.node(&format!("{name}.back"), Op::DequantizeLinear { integer, axis }, &[q, scale, zero])
}

fn integer_conv(b: &mut Builder, name: &str, x: ValueId, outputs: usize) -> ValueId {
    let shape = [outputs, b.graph.shape(x)[1], 3, 3];
    let weights = b.random.floats(shape.iter().product()).into_iter().map(|w| (127.0 * w).trunc()).collect();
    let weights = b.graph.constant(format!("{name}.weight"), &shape, weights).unwrap();
    let scales = (0..outputs).map(|c| 0.001 * (c + 1) as f32).collect();
    let scales = b.graph.constant(format!("{name}.scale"), &[outputs], scales).unwrap();
    let zeros = b.graph.constant(format!("{name}.zero"), &[outputs], vec![0.0; outputs]).unwrap();
    let op = Op::DequantizeLinear { integer: Integer::Int8, axis: Some(0) };
    let w = b.node(&format!("{name}.weight.back"), op, &[weights, scales, zeros]);
    let window = Window { kernel: [3; 2], stride: [1; 2], dilation: [1; 2], pads: [1; 4] };
    b.node(name, Op::Conv { window, groups: 1 }, &[x, w])
}
