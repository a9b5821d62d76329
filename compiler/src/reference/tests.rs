//! By hand on tiny cases, and against a second implementation that shares no code.

use super::*;
use crate::fixed::{Operand, Placement, TensorId};
use crate::graph::{DepthToSpaceMode, Window};
use tilewright_arch::fixed::{Channel, Half, MAX_MANTISSA, OperandScale, Post, mantissa};
use tilewright_random::Random;

fn tensor(shape: [usize; 3], zero: i8) -> Tensor {
    Tensor::bytes("", shape, 0.5, zero)
}

fn plain(factor: f64, bias: i32) -> Channel {
    let (mantissa, shift) = mantissa(factor).unwrap();
    Channel { bias, mantissa, negative_mantissa: mantissa, shift, ..Channel::default() }
}

/// A graph of one node that reads t0 and writes t1 of the grid's shape (after DepthToSpace).
fn single(input: Tensor, window: Window, reduction: Reduction, channels: Vec<Channel>) -> FixedGraph {
    let node = FixedNode {
        name: "n".into(),
        operator: "test".into(),
        input: View::whole(TensorId(0), input.shape),
        wide: false,
        window,
        reduction,
        channels,
        operand: None,
        post: Post { zero: 0, lo: -128, hi: 127 },
        table: None,
        output: View::whole(TensorId(1), [1; 3]),
        place: Placement::plain([0; 4]),
    };
    let shape = input.shape.to_vec();
    let mut graph = FixedGraph {
        name: "test".into(),
        tensors: vec![input],
        inputs: vec![(TensorId(0), shape)],
        ..FixedGraph::default()
    };
    let grid = graph.grid(&node);
    graph.tensors.push(tensor(grid, 0));
    graph.outputs.push((TensorId(1), grid.to_vec()));
    graph.nodes.push(node);
    graph.nodes[0].place.region = [0, 0, grid[1], grid[2]];
    graph.nodes[0].output = View::whole(TensorId(1), grid);
    graph
}

#[test]
fn convolution_by_hand() {
    // 2x2 kernel over a 2x2 image padded on the top and left with its zero point 3
    let window = Window { kernel: [2, 2], pads: [1, 1, 0, 0], ..Window::UNIT };
    let weights = vec![1, 2, 3, 4];
    let reduction = Reduction::Conv { weights, groups: 1 };
    // the zero point's share of the sum, 3 * (1 + 2 + 3 + 4), goes into the bias
    let graph = single(tensor([1, 2, 2], 3), window, reduction, vec![plain(1.0, -30)]);
    graph.verify().unwrap();
    let out = &run(&graph, &[vec![4, 5, 7, 9]])[1];
    // inputs less the zero point: 1 2 / 4 6
    let want = [4, 3 + 4 * 2, 2 + 16, 1 + 2 * 2 + 3 * 4 + 4 * 6];
    assert_eq!(out, &want.map(|v: i8| v));
}

#[test]
fn maximum_ignores_padding() {
    let window = Window { kernel: [3, 3], pads: [1, 1, 1, 1], ..Window::UNIT };
    let graph = single(tensor([1, 2, 2], 100), window, Reduction::Max, vec![plain(1.0, 0)]);
    assert_eq!(run(&graph, &[vec![-128, -90, -100, -95]])[1], [-90; 4]);
}

#[test]
fn mean_rounds_half_up() {
    let window = Window { kernel: [1, 2], stride: [1, 2], ..Window::UNIT };
    let graph = single(tensor([1, 1, 4], 0), window, Reduction::Sum, vec![plain(0.5, 0)]);
    assert_eq!(run(&graph, &[vec![1, 2, -1, -2]])[1], [2, -1]);
}

#[test]
fn depth_to_space_numbers_channels_both_ways() {
    let input = tensor([8, 1, 1], 0);
    for (mode, want) in [
        // channel = (by * 2 + bx) * 2 + c, and c * 4 + by * 2 + bx
        (DepthToSpaceMode::Dcr, [0, 2, 4, 6, 1, 3, 5, 7]),
        (DepthToSpaceMode::Crd, [0, 1, 2, 3, 4, 5, 6, 7]),
    ] {
        let mut graph = single(input.clone(), Window::UNIT, Reduction::Sum, vec![plain(1.0, 0)]);
        graph.nodes[0].place.depth_to_space = (2, mode);
        graph.tensors[1].shape = [2, 2, 2];
        graph.nodes[0].output.shape = [2, 2, 2];
        graph.verify().unwrap();
        assert_eq!(run(&graph, &[(0..8).collect()])[1], want);
    }
}

#[test]
fn products_of_activations() {
    // 2 channels x 3 pixels times 2 x 2, zero points 1 and 0, all views out of order
    let input = tensor([3, 1, 2], 1);
    let gathered = View::whole(TensorId(0), [3, 1, 2]).permuted([2, 1, 0]);
    let weights = View::whole(TensorId(2), [2, 1, 2]);
    let mut graph = single(input, Window::UNIT, Reduction::Product { weights }, vec![plain(1.0, 0)]);
    graph.nodes[0].input = gathered;
    graph.nodes[0].output = View::whole(TensorId(1), [3, 1, 2]).permuted([2, 1, 0]);
    graph.nodes[0].place.region = [0, 0, 1, 3];
    graph.tensors[1].shape = [3, 1, 2];
    graph.outputs[0].1 = vec![3, 2];
    graph.tensors.push(tensor([2, 1, 2], 0));
    graph.inputs.push((TensorId(2), vec![2, 2]));
    graph.verify().unwrap();
    let rows = [[1, 2], [3, 4], [5, 6]];
    let matrix = [[1, 2], [3, -4]];
    let inputs = vec![rows.concat(), matrix.concat()];
    let product = |r: [i8; 2]| [0, 1].map(|n| (r[0] - 1) * matrix[0][n] + (r[1] - 1) * matrix[1][n]);
    assert_eq!(run(&graph, &inputs)[1], rows.map(product).concat());
}

#[test]
fn wide_values_by_hand() {
    // 3 pixels of a channel, zero point e(2) = 642: 642 + 1000, 642 - 700, 642; zeros around them
    let input = tensor([1, 1, 3], 2).widened();
    let window = Window { kernel: [1, 3], pads: [0, 1, 0, 1], ..Window::UNIT };
    let reduction = Reduction::Conv { weights: vec![1, 2, -3], groups: 1 };
    // the zero point counts nothing: 1 + 2 - 3 = 0
    let mut graph = single(input, window, reduction, vec![plain(0.5, 0)]);
    graph.tensors[0].shape = [2, 1, 3];
    let node = &mut graph.nodes[0];
    (node.wide, node.input) = (true, View::whole(TensorId(0), [1, 1, 3]).high_halves());
    graph.nodes[0].post = Post { zero: 1, ..Post::default() };
    graph.nodes[0].place.region = [0, 0, 1, 3];
    // with 12 fractional bits instead of 16
    let channel = Channel { half: Half::High, ..plain(0.5 / 16.0, 0) };
    graph.nodes[0].channels = vec![channel];
    graph.tensors[1] = tensor([1, 1, 3], 1).widened();
    graph.nodes[0].output = View::whole(TensorId(1), [1, 1, 3]).high_halves();
    let mut low = graph.nodes[0].clone();
    low.channels[0].half = Half::Low;
    low.output = low.output.low_halves();
    graph.nodes.push(low);
    graph.inputs[0].1 = vec![2, 3];
    graph.outputs[0].1 = vec![2, 3];
    graph.verify().unwrap();
    let bytes = quantise(&graph.tensors[0], [500.0, -350.0, 0.0]);
    assert_eq!(bytes, [6, -1, 2, -22, 70, 2]);
    let out = &run(&graph, &[bytes])[1];
    // 2 * 1000 + 3 * 700, 1000 - 2 * 700, -700; halved; and a real step is 0.5
    assert_eq!(dequantise(&graph.tensors[1], out), [1025.0, -100.0, -175.0]);
}

#[test]
fn quantise_is_nearest_and_inverts() {
    let t = Tensor::bytes("", [1, 1, 1], 0.25, -10);
    assert_eq!(quantise(&t, [0.0, 0.3, -0.2, 100.0, -100.0, f32::NAN]), [-10, -9, -11, 127, -128, 0]);
    let all: Vec<i8> = (-128..=127).collect();
    assert_eq!(quantise(&t, dequantise(&t, &all)), all);
    // 16 bits: the low half of -128 counts 0
    let t = Tensor::bytes("", [2, 1, 2], 0.25, 0).widened();
    let bytes = quantise(&t, [0.0, -32.0, 1e9, -1e9]);
    assert_eq!(bytes, [0, 0, 0, -128, 127, -128, 127, -128]);
    assert_eq!(dequantise(&t, &bytes), [0.0, -32.0, 0.25 * 32639.0, 0.25 * -32896.0]);
}

/// What graphs are drawn from.
struct Draw(Random);

impl Draw {
    fn next(&mut self, below: usize) -> usize {
        self.0.below(below)
    }

    fn bytes(&mut self, n: usize) -> Vec<i8> {
        (0..n).map(|_| (self.next(256) as i32 - 128) as i8).collect()
    }

    fn channel(&mut self) -> Channel {
        let mantissa = self.mantissa();
        let negative_mantissa = if self.next(2) == 0 { mantissa } else { self.mantissa().abs() };
        let bias = self.next(20001) as i32 - 10000;
        Channel { bias, mantissa, negative_mantissa, shift: 8 + self.next(12) as u8, half: Half::None }
    }

    fn mantissa(&mut self) -> i32 {
        self.next(2 * MAX_MANTISSA as usize + 1) as i32 - MAX_MANTISSA
    }

    /// A node with every feature at random: t0 -> t1, operand t2.
    fn graph(&mut self) -> FixedGraph {
        let kernel = [1 + self.next(3), 1 + self.next(3)];
        let window = Window {
            kernel,
            stride: [1 + self.next(3), 1 + self.next(2)],
            dilation: [1 + self.next(2), 1 + self.next(2)],
            pads: [self.next(3), self.next(3), self.next(3), self.next(3)],
        };
        let groups = 1 + self.next(3);
        let (inputs, outputs) = (1 + self.next(3), 4 * (1 + self.next(2)));
        let shape = [groups * inputs, 5 + self.next(5), 5 + self.next(5)];
        let mut input = tensor(shape, self.0.bits() as i8);
        let reduction = match self.next(3) {
            0 => Reduction::Sum,
            1 => Reduction::Max,
            _ => {
                let mut weights = self.bytes(groups * outputs * inputs * kernel[0] * kernel[1]);
                weights.iter_mut().for_each(|w| *w = (*w).max(-127));
                Reduction::Conv { weights, groups }
            }
        };
        if !matches!(reduction, Reduction::Conv { .. }) {
            input.shape[0] = 4 * (1 + self.next(2));
        }
        let wide = !matches!(reduction, Reduction::Max) && self.next(3) == 0;
        let mut graph = single(input, window, reduction, vec![self.channel()]);
        if wide {
            graph.nodes[0].wide = true;
            graph.nodes[0].input = graph.nodes[0].input.high_halves();
            graph.tensors[0] = graph.tensors[0].clone().widened();
        }
        let grid = graph.tensors[1].shape;
        if self.next(2) == 0 {
            graph.nodes[0].channels = (0..grid[0]).map(|_| self.channel()).collect();
        }
        if self.next(2) == 0 {
            let added = OperandScale::addend(self.0.bits() as i8, self.mantissa(), self.next(12) as u8);
            let scale = OperandScale { multiply: self.next(3) == 0, ..added };
            graph.inputs.push((TensorId(2), grid.to_vec()));
            graph.tensors.push(tensor(grid, 0));
            let view = View::whole(TensorId(2), grid);
            graph.nodes[0].operand = Some(Operand { view, scale });
        }
        let half = [Half::None, Half::High, Half::Low][self.next(3)];
        graph.nodes[0].channels.iter_mut().for_each(|channel| channel.half = half);
        if self.next(2) == 0 {
            graph.nodes[0].table = Some(self.bytes(256).try_into().unwrap());
        }
        let lo = self.next(100) as i8 - 100;
        graph.nodes[0].post = Post { zero: self.0.bits() as i8, lo, hi: lo + self.next(100) as i8 };
        let (y, x) = (self.next(grid[1]), self.next(grid[2]));
        let (h, w) = (1 + self.next(grid[1] - y), 1 + self.next(grid[2] - x));
        let (r, mode) = match self.next(3) {
            0 => (2, DepthToSpaceMode::Dcr),
            1 => (2, DepthToSpaceMode::Crd),
            _ => (1, DepthToSpaceMode::Dcr),
        };
        let channel = self.next(3);
        let shape = [grid[0] / (r * r), grid[1] * r, grid[2] * r];
        graph.tensors[1].shape = [shape[0] + channel, shape[1], shape[2]];
        graph.nodes[0].output = View { origin: [channel, 0, 0], ..View::whole(TensorId(1), shape) };
        graph.nodes[0].place = Placement { region: [y, x, h, w], depth_to_space: (r, mode) };
        graph
    }
}

/// One output element from the definitions, in 64 bits, by division and remainder from the target.
fn naive(graph: &FixedGraph, tensors: &[Vec<i8>], [tc, ty, tx]: [usize; 3]) -> Option<i8> {
    let node = &graph.nodes[0];
    let [channels, height, width] = graph.grid(node);
    let (r, mode) = node.place.depth_to_space;
    let depth = channels / (r * r);
    let plane = tc.checked_sub(node.output.origin[0]).filter(|&p| p < depth)?;
    let (y, x, block) = (ty / r, tx / r, ty % r * r + tx % r);
    let c = match mode {
        DepthToSpaceMode::Dcr => block * depth + plane,
        DepthToSpaceMode::Crd => plane * r * r + block,
    };
    let [y0, x0, h, w] = node.place.region;
    if !(y0..y0 + h).contains(&y) || !(x0..x0 + w).contains(&x) {
        return None;
    }
    let input = &graph.tensors[0];
    let win = &node.window;
    let plane = input.shape[1] * input.shape[2];
    let at = |i: usize, ky: usize, kx: usize| {
        let row = (y * win.stride[0] + ky * win.dilation[0]) as i64 - win.pads[0] as i64;
        let column = (x * win.stride[1] + kx * win.dilation[1]) as i64 - win.pads[1] as i64;
        let inside =
            (0..input.shape[1] as i64).contains(&row) && (0..input.shape[2] as i64).contains(&column);
        inside.then(|| {
            let pixel = row as usize * input.shape[2] + column as usize;
            let byte = |plane_number: usize| i64::from(tensors[0][plane_number * plane + pixel]);
            if node.wide { 256 * byte(2 * i) + byte(2 * i + 1) } else { byte(i) }
        })
    };
    let taps = || (0..win.kernel[0]).flat_map(|ky| (0..win.kernel[1]).map(move |kx| (ky, kx)));
    let zero = i64::from(input.zero) * if node.wide { 257 } else { 1 };
    let sum: i64 = match &node.reduction {
        Reduction::Conv { weights, groups } => {
            let (ic, oc) = (node.input.shape[0] / groups, channels / groups);
            let terms = (0..ic).flat_map(|i| taps().map(move |(ky, kx)| (i, ky, kx)));
            terms
                .map(|(i, ky, kx)| {
                    let w = weights[((c * ic + i) * win.kernel[0] + ky) * win.kernel[1] + kx];
                    i64::from(w) * at(c / oc * ic + i, ky, kx).unwrap_or(zero)
                })
                .sum()
        }
        Reduction::Product { .. } => unreachable!("not among the random nodes"),
        Reduction::Sum => taps().map(|(ky, kx)| at(c, ky, kx).unwrap_or(zero)).sum(),
        Reduction::Max => taps().map(|(ky, kx)| at(c, ky, kx).unwrap_or(-128)).max().unwrap(),
    };
    let p = if node.channels.len() == 1 { node.channels[0] } else { node.channels[c] };
    let sum = sum + i64::from(p.bias);
    let limit = |v: i64| v.clamp(-(1 << 27), (1 << 27) - 1);
    let m = if sum < 0 { p.negative_mantissa } else { p.mantissa };
    let raw = (sum * i64::from(m)).div_euclid(1 << p.shift);
    let scaled = match &node.operand {
        None => limit(raw),
        Some(Operand { view, scale: s }) => {
            let byte = tensors[view.tensor.0 as usize][(c * height + y) * width + x];
            let b = i64::from(byte) - i64::from(s.zero);
            match s.multiply {
                false => limit(raw) + limit((b * i64::from(s.mantissa)).div_euclid(1 << s.shift)),
                true => limit((raw.clamp(-(1 << 25), (1 << 25) - 1) * b).div_euclid(1 << s.shift)),
            }
        }
    };
    let v = if p.half == Half::None {
        let v = (scaled + 65536 * i64::from(node.post.zero) + 32768).div_euclid(65536);
        v.clamp(i64::from(node.post.lo), i64::from(node.post.hi))
    } else {
        let [zero, lo, hi] = [node.post.zero, node.post.lo, node.post.hi].map(|b| 257 * i64::from(b) + 128);
        let v = (scaled + 4096 * zero + 2048).div_euclid(4096).clamp(lo, hi);
        if p.half == Half::High { v.div_euclid(256) } else { v.rem_euclid(256) - 128 }
    };
    Some(node.table.as_ref().map_or(v as i8, |t| t[(v + 128) as usize]))
}

#[test]
fn matches_a_second_implementation_on_random_nodes() {
    let mut random = Draw(Random::new(7));
    for case in 0..300 {
        let graph = random.graph();
        let inputs: Vec<Vec<i8>> =
            graph.inputs.iter().map(|(id, _)| random.bytes(graph.tensor(*id).elements())).collect();
        let tensors = run(&graph, &inputs);
        let [_, h, w] = graph.tensors[1].shape;
        let mut compared = 0;
        for (i, &got) in tensors[1].iter().enumerate() {
            if let Some(want) = naive(&graph, &tensors, [i / (h * w), i / w % h, i % w]) {
                assert_eq!(got, want, "case {case}, element {i}: {:?}", graph.nodes[0]);
                compared += 1;
            }
        }
        let [_, _, h, w] = graph.nodes[0].place.region;
        assert_eq!(compared, graph.grid(&graph.nodes[0])[0] * h * w, "case {case}");
    }
}
