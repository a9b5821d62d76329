//! What several tests need: random fixed graphs and the places of models.
#![allow(dead_code)]

pub mod estimate;
pub mod rungs;

use std::path::PathBuf;
use std::process::{Command, Output};
use tilewright_arch::Config;
use tilewright_arch::fixed::{Channel, Half, MAX_MANTISSA, OperandScale, Post, floor_log2};
use tilewright_compiler::fixed::{
    FixedGraph, FixedNode, Operand, Placement, Reduction, Tensor, TensorId, View,
};
use tilewright_compiler::graph::{DepthToSpaceMode, Window};
use tilewright_compiler::schedule::{Schedule, Search};
use tilewright_hdl::cosim::Rtl;
pub use tilewright_random::Random;

/// The schedules of all plans worth trying.
pub fn schedules(graph: &FixedGraph, config: &Config) -> tilewright_compiler::error::Result<Vec<Schedule>> {
    Search::new(graph, config)?.schedules().collect()
}

/// Cases of each random test: `TILEWRIGHT_CASES`, or `default`.
pub fn cases(default: u32) -> u32 {
    std::env::var("TILEWRIGHT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Whether what is kept is to be written anew: `BLESS=1`, which is refused in continuous integration.
pub fn blessing() -> bool {
    let bless = std::env::var_os("BLESS").is_some();
    assert!(!bless || std::env::var_os("CI").is_none(), "nothing is blessed where CI is set");
    bless
}

/// A model folder of this repository.
pub fn model(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models").join(name)
}

/// A model folder of the shared collection beside the repository, if it is there.
pub fn shared_model(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/models").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {name}: the shared models are not beside the repository");
    None
}

/// A model folder of this repository, or else of the shared collection.
pub fn any_model(name: &str) -> Option<PathBuf> {
    Some(model(name)).filter(|folder| folder.is_dir()).or_else(|| shared_model(name))
}

/// The Verilog of a machine, built once for each Verilog text and kept in `TILEWRIGHT_CACHE`.
pub fn built(config: &Config) -> Rtl {
    Rtl::cached(config).unwrap()
}

/// Runs the command line.
pub fn tilewright(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tilewright")).args(args).output().unwrap()
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The network of handwritten digits that most commands are tried on.
pub fn lenet() -> String {
    model("lenet_mnist").display().to_string()
}

/// The command fails with status 1, prints no result, and says an error that contains all of `parts`.
pub fn refused(args: &[&str], parts: &[&str]) {
    let output = tilewright(args);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {error}");
    assert!(!error.contains("panicked"), "{error}");
    // What is wrong begins with the stage, then says where.
    assert!(error.lines().any(|line| line.starts_with("error[")), "{args:?}: {error}");
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    for part in parts {
        assert!(error.contains(part), "{args:?}: {part:?} is not in: {error}");
    }
}

/// The objects of a command have the fields that its section of `docs/json.md` and the shared one name, at any depth, and
/// together all that stand in the first column of the section's table.
pub fn documented(command: &str, objects: &[serde_json::Value]) {
    let document = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
    let document = std::fs::read_to_string(document).unwrap();
    let named =
        |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let section = |name: &str| -> &str {
        let mut sections = document.split("\n## ").skip(1);
        let found = sections.find(|text| text.lines().next().unwrap().replace('`', "") == name);
        found.unwrap_or_else(|| panic!("docs/json.md has no section {name}"))
    };
    fn keys(value: &serde_json::Value, all: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                all.push(name.clone());
                keys(value, all);
            }),
            serde_json::Value::Array(list) => list.iter().for_each(|value| keys(value, all)),
            _ => {}
        }
    }
    let own = section(command);
    let mut known = named(own);
    known.extend(named(section("Shared")));
    for object in objects {
        let mut all = vec![];
        keys(object, &mut all);
        all.retain(|name| !known.contains(name));
        assert!(all.is_empty(), "{command}: docs/json.md does not name {all:?}");
        assert!(object["schema"] == 1 && object["tool"].as_str().unwrap().starts_with("tilewright "));
    }
    let cells = own.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    for name in cells.flat_map(named) {
        assert!(objects.iter().any(|object| object.get(&name).is_some()), "{command}: no object has {name}");
    }
}

/// A file of `tests/cases`, as text.
pub fn case(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name).display().to_string()
}

/// A fresh folder for one test.
pub fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tilewright-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A byte, an extreme one often.
pub fn byte(random: &mut Random) -> i8 {
    match random.below(6) {
        0 => -128,
        1 => 127,
        _ => random.within(-128, 127),
    }
}

/// A weight, an extreme one often.
fn weight(random: &mut Random) -> i8 {
    byte(random).max(-127)
}

/// A random network of about `nodes` operations: shapes that divide by nothing, strides 1 to 3,
/// dilations, asymmetric pads, depthwise and grouped convolutions, pools, sums, residual operands,
/// DepthToSpace, channel concatenation, tables, two slopes, several consumers of one tensor.
pub fn random_graph(random: &mut Random, nodes: usize) -> FixedGraph {
    let shape = [1 + random.below(9), 1 + random.below(14), 1 + random.below(14)];
    random_graph_of(random, nodes, shape)
}

/// [`random_graph`] on an input of a given shape.
pub fn random_graph_of(random: &mut Random, nodes: usize, shape: [usize; 3]) -> FixedGraph {
    let mut graph = FixedGraph { name: "random".into(), ..FixedGraph::default() };
    let input = tensor(&mut graph, shape, random);
    graph.inputs.push((input, vec![1, shape[0], shape[1], shape[2]]));
    for _ in 0..nodes {
        node(&mut graph, random);
    }
    let read = |t: TensorId| graph.nodes.iter().any(|n| n.reads().any(|v| v.tensor == t));
    let ids = (1..graph.tensors.len()).map(|t| TensorId(t as u32));
    let ends: Vec<TensorId> = ids.filter(|t| !read(*t) || random.once_in(3)).collect();
    for t in ends {
        let [c, h, w] = graph.tensor(t).shape;
        graph.outputs.push((t, vec![1, c, h, w]));
    }
    graph
}

fn tensor(graph: &mut FixedGraph, shape: [usize; 3], random: &mut Random) -> TensorId {
    let id = TensorId(graph.tensors.len() as u32);
    graph.tensors.push(Tensor::bytes(format!("tensor{}", id.0), shape, 1.0, byte(random)));
    id
}

/// `more` is how many bits more than bytes the terms have, less those that the results have.
fn channel(random: &mut Random, terms: usize, half: Half, more: i32) -> Channel {
    let sign = |random: &mut Random| if random.once_in(5) { -1 } else { 1 };
    let mantissa = random.within(0, MAX_MANTISSA) * sign(random);
    // Sums of n products reach some 40 * 40 * sqrt(n): bring them near a byte.
    let bits = floor_log2(1000.0 * (terms as f64).sqrt()) + more;
    Channel {
        bias: random.within(-2000, 2000),
        mantissa,
        negative_mantissa: if random.once_in(3) {
            random.within(-MAX_MANTISSA, MAX_MANTISSA)
        } else {
            mantissa
        },
        shift: random.within(bits - 2, bits + 3).clamp(0, 47) as u8,
        half,
    }
}

fn window(random: &mut Random, [_, h, w]: [usize; 3]) -> Window {
    loop {
        let side = |random: &mut Random| 1 + random.below(4);
        let kernel = [side(random), side(random)];
        let dilation = if random.once_in(3) { [side(random), side(random)] } else { [1, 1] };
        let stride = [1 + random.below(3), 1 + random.below(3)];
        let pad = |random: &mut Random, k: usize, d: usize| random.below(((k - 1) * d + 1).min(4));
        let pads = [
            pad(random, kernel[0], dilation[0]),
            pad(random, kernel[1], dilation[1]),
            pad(random, kernel[0], dilation[0]),
            pad(random, kernel[1], dilation[1]),
        ];
        let fits = |size: usize, axis: usize| {
            size + pads[axis] + pads[axis + 2] > dilation[axis] * (kernel[axis] - 1)
        };
        if fits(h, 0) && fits(w, 1) {
            return Window { kernel, stride, dilation, pads };
        }
    }
}

fn node(graph: &mut FixedGraph, random: &mut Random) {
    let input = TensorId(random.below(graph.tensors.len()) as u32);
    // Any two neighbouring planes can be the halves of 16-bit values.
    let wide = graph.tensor(input).shape[0] > 1 && random.once_in(4);
    let input = view(graph, input, wide, random);
    let shape = input.shape;
    let channels = shape[0];
    let index = graph.nodes.len();
    let mut node = FixedNode {
        name: format!("node{index}"),
        operator: "random".into(),
        input,
        wide,
        window: window(random, shape),
        reduction: Reduction::Max,
        channels: vec![],
        operand: None,
        post: Post { zero: byte(random), lo: -128, hi: 127 },
        table: None,
        output: input,
        place: Placement::plain([0; 4]),
    };
    let area = node.window.kernel[0] * node.window.kernel[1];
    let mut block = 1;
    let choice = if wide { 1 + random.below(4) } else { random.below(6) };
    let (terms, out) = match choice {
        5 if graph.tensor(input.tensor).zero > -128 => {
            let [out, k] = [1 + random.below(20), channels];
            let weights = TensorId(graph.tensors.len() as u32);
            let tensor = Tensor::bytes("weights", [k, 1, out], 1.0, 0);
            graph.tensors.push(tensor);
            graph.inputs.push((weights, vec![k, out]));
            let mut weights = View::whole(weights, [k, 1, out]);
            if random.once_in(2) {
                // The same bytes of a tensor that lies the other way round.
                graph.tensors[weights.tensor.0 as usize].shape = [out, 1, k];
                weights = View::whole(weights.tensor, [out, 1, k]).permuted([2, 1, 0]);
            }
            node.window = Window::UNIT;
            node.reduction = Reduction::Product { weights };
            (k, out)
        }
        0 => (1, channels),
        1 => {
            node.reduction = Reduction::Sum;
            if random.once_in(2) {
                let [_, h, w] = shape;
                node.window = Window { kernel: [h, w], stride: [1, 1], dilation: [1, 1], pads: [0; 4] };
            }
            (area, channels)
        }
        2 => {
            let out = channels * (1 + random.below(2));
            let weights = (0..out * area).map(|_| weight(random)).collect();
            node.reduction = Reduction::Conv { weights, groups: channels };
            (area, out)
        }
        _ => {
            let groups = [1, 1, if channels.is_multiple_of(2) { 2 } else { 1 }][random.below(3)];
            block = if groups == 1 && random.once_in(4) { 2 + random.below(2) } else { 1 };
            let out = (1 + random.below(20)) * if block > 1 { block * block } else { groups };
            let weights = (0..out * (channels / groups) * area).map(|_| weight(random)).collect();
            node.reduction = Reduction::Conv { weights, groups };
            (area * channels / groups, out)
        }
    };
    let shared = !matches!(node.reduction, Reduction::Conv { .. }) && random.once_in(2);
    let half = [Half::None, Half::None, Half::None, Half::High, Half::Low][random.below(5)];
    let more = if wide { 8 } else { 0 } - if half == Half::None { 0 } else { 4 };
    node.channels = (0..if shared { 1 } else { out }).map(|_| channel(random, terms, half, more)).collect();
    if random.once_in(3) {
        let (a, b) = (byte(random), byte(random));
        (node.post.lo, node.post.hi) = (a.min(b), a.max(b));
    }
    if random.once_in(4) {
        node.table = Some(Box::new(std::array::from_fn(|_| byte(random))));
    }
    let [out, height, width] = graph.grid(&node);
    node.place.region = [0, 0, height, width];
    if random.once_in(3) {
        let ids = (0..graph.tensors.len()).map(|t| TensorId(t as u32));
        let whole = ids.map(|t| View::whole(t, graph.tensor(t).shape));
        // Any order of axes, and what is one wide repeated.
        let views: Vec<View> = whole
            .flat_map(|v| ORDERS.map(|order| v.permuted(order)))
            .filter_map(|v| v.broadcast([out, height, width]))
            .collect();
        if !views.is_empty() {
            let (zero, mantissa) = (byte(random), random.within(-MAX_MANTISSA, MAX_MANTISSA));
            let added = OperandScale::addend(zero, mantissa, random.within(5, 12) as u8);
            let scale = OperandScale { multiply: random.once_in(3), ..added };
            node.operand = Some(Operand { view: views[random.below(views.len())], scale });
        }
    }
    let mode = if random.once_in(2) { DepthToSpaceMode::Dcr } else { DepthToSpaceMode::Crd };
    node.place.depth_to_space = (block, mode);
    let depth = out / (block * block);
    let grown = [depth, height * block, width * block];
    if block == 1 && random.once_in(3) {
        // Two nodes write parts of one tensor: halves of an axis, or every second index.
        let axis = random.below(3);
        let mut shape = grown;
        shape[axis] *= 2;
        let whole = View::whole(tensor(graph, shape, random), shape);
        let mut second = node.clone();
        second.name += "b";
        if random.once_in(2) {
            // Both bytes of the same values.
            node.channels.iter_mut().for_each(|c| c.half = Half::High);
            second.channels.iter_mut().for_each(|c| c.half = Half::Low);
        }
        (node.output, second.output) = if random.once_in(2) {
            (whole.every(axis, 0, 2, grown[axis]), whole.every(axis, 1, 2, grown[axis]))
        } else {
            (whole.slice(axis, 0, grown[axis]), whole.slice(axis, grown[axis], grown[axis]))
        };
        graph.nodes.push(node);
        graph.nodes.push(second);
        return;
    }
    // Transposed, or rows as one line.
    node.output = match random.below(8) {
        0 => {
            let order = ORDERS[random.below(6)];
            let inverse = [0, 1, 2].map(|i| order.iter().position(|&o| o == i).unwrap());
            let shape = order.map(|axis| grown[axis]);
            View::whole(tensor(graph, shape, random), shape).permuted(inverse)
        }
        1 => {
            let shape = [grown[0], 1, grown[1] * grown[2]];
            let whole = View::whole(tensor(graph, shape, random), shape);
            View { axes: [0, 2, 2], step: [1, grown[2], 1], shape: grown, ..whole }
        }
        _ => View::whole(tensor(graph, grown, random), grown),
    };
    graph.nodes.push(node);
}

/// All orders of three axes.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// A tensor, or a part of it: mostly whole, sometimes transposed, cut or thinned out. Where it is wide,
/// of its high halves.
fn view(graph: &FixedGraph, id: TensorId, wide: bool, random: &mut Random) -> View {
    let [planes, height, width] = graph.tensor(id).shape;
    let channels = if wide { planes / 2 } else { planes };
    let mut view = View::whole(id, [channels, height, width]);
    if random.once_in(6) {
        view = view.permuted(ORDERS[random.below(6)]);
    }
    if random.once_in(4) {
        let axis = random.below(3);
        let extent = view.shape[axis];
        let (first, step) = (random.below(extent), 1 + random.below(2));
        view = view.every(axis, first, step, 1 + random.below((extent - first).div_ceil(step)));
    }
    if wide { view.high_halves() } else { view }
}

/// Random input bytes of a graph.
pub fn random_inputs(graph: &FixedGraph, random: &mut Random) -> Vec<Vec<i8>> {
    let elements = |t: &TensorId| graph.tensor(*t).elements();
    graph.inputs.iter().map(|(t, _)| (0..elements(t)).map(|_| byte(random)).collect()).collect()
}
