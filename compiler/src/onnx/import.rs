//! From a decoded model to a graph: the interface, the nodes in order, the results.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;

use super::call::Call;
use super::proto::{GraphProto, ModelProto, NodeProto, ValueInfoProto, data_type};
use super::table::why_not;
use super::tensor::{Tensor, TensorElements, decode, integer, type_name};
use super::whole::Whole;
use super::{
    Imported, Shapes, activation, attention, branch, center, choice, constant, conv, described, einsum,
    elementwise, fold, inline, matrix, max_places, moves, norm, order, pool, quantized, recurrent, reduce,
    resize, scatter, sequence, shape, spectrum, triangle,
};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Graph, Integer, ReduceKind, UnaryKind, ValueId};
use crate::memory;

/// Opsets whose operators this importer knows, from (inclusive) to (inclusive).
const OPSETS: (i64, i64) = (7, 25);

/// Domain of ONNX Runtime's own operators.
const MICROSOFT: &str = "com.microsoft";

/// What a tensor name of the model stands for.
#[derive(Clone)]
pub(super) enum Operand {
    /// A value of the graph.
    Value(ValueId),
    /// A tensor known now; it enters the graph only when a node reads it as float32.
    Constant(Rc<Tensor>),
}

/// State of one import.
pub(super) struct Importer {
    /// The graph so far.
    pub graph: Graph,
    /// Version of the ONNX operators.
    pub opset: i64,
    /// Lookups only: nothing walks this map, so its order cannot reach an output.
    named: HashMap<String, Operand>,
    /// Constants that have entered the graph already, by name.
    pub interned: HashMap<String, ValueId>,
    /// Values that hold whole numbers of a type; all others hold float32. Lookups only.
    pub integers: HashMap<ValueId, Integer>,
    /// Lines (N, C, W), by the images of height 1 that they are made of. Lookups only.
    pub images: HashMap<ValueId, ValueId>,
    /// Results that nodes leave unmade, and which do. Lookups only.
    pub unmade: HashMap<String, String>,
    /// Sequences of tensors, by name. Lookups only.
    pub sequences: HashMap<String, Vec<Operand>>,
    /// Whole numbers that are computed.
    pub whole: Whole,
    /// What the user should know of nodes.
    pub warnings: Vec<String>,
    /// Bytes of all constants so far.
    constant_bytes: u64,
    /// Branches that are being read, one within the other.
    depth: usize,
}

/// Whether operators of a domain have the meaning that this importer knows.
pub(super) fn knows(domain: &str) -> bool {
    is_onnx(domain) || domain == MICROSOFT
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("import", message))
}

/// Imports a decoded model.
pub(super) fn run(
    model: &ModelProto,
    name: &str,
    folder: Option<&Path>,
    shapes: &Shapes,
) -> Result<Imported> {
    let opset = opset(model)?;
    let Some(source) = &model.graph else {
        return refuse("the file holds no graph");
    };
    let source = &*inline::inlined(model, source, opset)?;
    if !source.sparse_initializer.is_empty() {
        return Err(Error::new("import", "sparse initialisers are not supported")
            .hint("store the weights as dense tensors"));
    }
    let mut importer = Importer {
        graph: Graph::new(name),
        opset,
        named: HashMap::new(),
        interned: HashMap::new(),
        integers: HashMap::new(),
        whole: Whole::default(),
        images: HashMap::new(),
        unmade: HashMap::new(),
        sequences: HashMap::new(),
        warnings: Vec::new(),
        constant_bytes: 0,
        depth: 0,
    };
    let mut warnings = Vec::new();
    importer.read_initialisers(source, folder)?;
    importer.read_inputs(source, shapes, &mut warnings)?;
    importer.check_results(source)?;
    importer.read_nodes(source, folder)?;
    warnings.append(&mut importer.warnings);
    importer.read_outputs(source, &mut warnings)?;
    importer.graph.verify()?;
    Ok(Imported { graph: importer.graph, warnings })
}

pub(super) fn is_onnx(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

fn opset(model: &ModelProto) -> Result<i64> {
    let found = model.opset_import.iter().find(|o| is_onnx(&o.domain));
    let (first, last) = OPSETS;
    match found.map(|o| o.version) {
        Some(version) if (first..=last).contains(&version) => Ok(version),
        Some(version) => Err(Error::new(
            "import",
            format!("the model uses opset {version}, supported are {first} to {last}"),
        )
        .hint(format!("export with opset_version={last}, or convert with onnx.version_converter"))),
        None => refuse("the model does not say which ONNX opset it uses"),
    }
}

impl Importer {
    fn read_initialisers(&mut self, source: &GraphProto, folder: Option<&Path>) -> Result<()> {
        for tensor in &source.initializer {
            let place = |e: Error| e.node(&tensor.name).operator("initialiser");
            if tensor.name.is_empty() {
                return refuse("has no name").map_err(place);
            }
            let decoded = decode(tensor, folder).map_err(place)?;
            self.bind(&tensor.name, Operand::Constant(Rc::new(decoded))).map_err(place)?;
        }
        Ok(())
    }

    fn read_inputs(
        &mut self,
        source: &GraphProto,
        shapes: &Shapes,
        warnings: &mut Vec<String>,
    ) -> Result<()> {
        let initialised: HashSet<&str> = source.initializer.iter().map(|t| t.name.as_str()).collect();
        for input in &source.input {
            // Until IR version 4 every initialiser was listed as an input with a default.
            if initialised.contains(input.name.as_str()) {
                continue;
            }
            let place = |e: Error| e.node(&input.name).operator("input");
            let given = shapes.get(&input.name).map(Vec::as_slice);
            let (shape, integer) = input_type(input, given, warnings).map_err(place)?;
            let id = self.graph.typed_input(&input.name, &shape, integer)?;
            let quantised = |name: &str| {
                let reads = |node: &NodeProto| {
                    node.op_type == "DequantizeLinear" && node.input.first().is_some_and(|read| read == name)
                };
                source.node.iter().any(reads)
            };
            match integer {
                // Truths are computed with as comparisons make them.
                None | Some(Integer::Bool) => {}
                Some(Integer::Int64) => self.whole.add(&input.name),
                Some(Integer::Int32) if !quantised(&input.name) => self.whole.add(&input.name),
                Some(integer) => _ = self.integers.insert(id, integer),
            }
            self.bind(&input.name, Operand::Value(id)).map_err(place)?;
        }
        if self.graph.inputs.is_empty() {
            return refuse("the model has no inputs");
        }
        let names: Vec<&str> =
            self.graph.inputs.iter().map(|&id| self.graph.value(id).name.as_str()).collect();
        if let Some(other) = shapes.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(Error::new("import", format!("no input is named {other:?}; they are {names:?}"))
                .hint("--shape with one of those names"));
        }
        Ok(())
    }

    /// Refuses results that have the name of something that exists already, before their order is
    /// sought: what reads the name would wait for the wrong one.
    fn check_results(&self, source: &GraphProto) -> Result<()> {
        for (index, node) in source.node.iter().enumerate() {
            let taken = |name: &&String| !name.is_empty() && self.named.contains_key(name.as_str());
            if let Some(name) = node.output.iter().find(taken) {
                let is = match source.initializer.iter().any(|t| t.name == *name) {
                    true => "an initialiser",
                    false => "an input",
                };
                let message = format!("the tensor {name:?} is {is} and a result of this node");
                return Err(Error::new("import", message)
                    .node(order::node_name(node, index))
                    .operator(&node.op_type)
                    .hint("give one of them another name"));
            }
        }
        Ok(())
    }

    /// Reads the nodes that the results of a graph come of.
    fn read_nodes(&mut self, source: &GraphProto, folder: Option<&Path>) -> Result<()> {
        let needed = order::needed(&source.node, source.output.iter().map(|output| output.name.as_str()));
        for index in order::order(&source.node)?.into_iter().filter(|&index| needed[index]) {
            self.read_node(&source.node[index], index, folder)?;
        }
        Ok(())
    }

    fn read_node(&mut self, node: &NodeProto, index: usize, folder: Option<&Path>) -> Result<()> {
        let mut call = Call::new(self, node, index, folder);
        let name = call.name.clone();
        dispatch(&mut call)
            .and_then(|()| call.finish())
            .and_then(|()| self.whole.follow(node))
            .map_err(|e| e.node(name).operator(&node.op_type))
            .map_err(|e| e.hint("export the node in another form, or cut the graph before it"))
    }

    /// Reads the nodes of a branch of the node `name`; what its results stand for.
    pub fn read_branch(
        &mut self,
        graph: GraphProto,
        name: &str,
        folder: Option<&Path>,
    ) -> Result<Vec<Operand>> {
        if self.depth == branch::DEPTH {
            return refuse("has too many branches within branches");
        }
        let graph = branch::renamed(graph, name);
        self.depth += 1;
        self.read_initialisers(&graph, folder)?;
        self.check_results(&graph)?;
        self.read_nodes(&graph, folder)?;
        self.depth -= 1;
        graph.output.iter().map(|output| self.operand(&output.name)).collect()
    }

    fn read_outputs(&mut self, source: &GraphProto, warnings: &mut Vec<String>) -> Result<()> {
        for output in &source.output {
            let place = |e: Error| e.node(&output.name).operator("output");
            let mut id = self.output(&output.name).map_err(place)?;
            if let Some(integer) = self.integers.get(&id) {
                let (name, integer) = (&output.name, integer.name());
                warnings.push(format!("output {name:?} gives {integer} numbers, as floats"));
            }
            if self.graph.outputs.contains(&id) && !self.graph.inputs.contains(&id) {
                // Outputs of the same numbers have a name each.
                let shape = self.graph.shape(id).to_vec();
                id = self.graph.reshape(output.name.clone(), id, &shape).map_err(place)?;
            }
            let value = &mut self.graph.values[id.0 as usize];
            // Identity and Dropout leave no node: the result keeps the name the user knows.
            if !self.graph.inputs.contains(&id) {
                value.name.clone_from(&output.name);
            }
            if let Some(declared) = declared_shape(output)
                && !matches(&declared, &value.shape)
            {
                warnings.push(format!(
                    "output {:?} is declared as {declared:?} but computes to {:?}",
                    output.name, value.shape
                ));
            }
            self.graph.outputs.push(id);
        }
        Ok(())
    }

    /// The graph value of an output; constant integers, as a Shape gives them, are floats there.
    fn output(&mut self, name: &str) -> Result<ValueId> {
        if let Operand::Constant(tensor) = self.operand(name)?
            && let TensorElements::Ints(data) = &tensor.elements
        {
            if let Some(lost) = data.iter().find(|&&v| v as f32 as f64 != v as f64) {
                return refuse(format!("the constant {name:?} holds {lost}, which no float32 is"));
            }
            return self.graph.constant(name, &tensor.shape, data.iter().map(|&v| v as f32).collect());
        }
        self.value(name)
    }

    /// Gives a tensor name its meaning, once.
    pub fn bind(&mut self, name: &str, operand: Operand) -> Result<()> {
        if let Operand::Constant(tensor) = &operand
            && Rc::strong_count(tensor) == 1
        {
            self.constant_bytes += tensor.bytes();
            // As read, and as the graph holds it.
            memory::check(2 * self.constant_bytes, "all constants so far, with this one,")?;
        }
        if self.named.insert(name.to_owned(), operand).is_some() {
            return refuse(format!("the tensor {name:?} is made twice"));
        }
        Ok(())
    }

    /// What a tensor name stands for.
    pub fn operand(&self, name: &str) -> Result<Operand> {
        match self.named.get(name) {
            Some(operand) => Ok(operand.clone()),
            None if self.sequences.contains_key(name) => {
                refuse(format!("reads {name:?} as a tensor, it is a sequence of them"))
            }
            None if self.unmade.contains_key(name) => Err(Error::new(
                "import",
                format!("reads {name:?}, a result of {} that is not supported", self.unmade[name]),
            )
            .hint("cut the graph before what reads it")),
            None => refuse(format!("reads the tensor {name:?}, which nothing makes")),
        }
    }

    /// The graph value of a tensor name; a float constant enters the graph here, once.
    pub fn value(&mut self, name: &str) -> Result<ValueId> {
        let tensor = match self.operand(name)? {
            Operand::Value(id) => return Ok(id),
            Operand::Constant(tensor) => tensor,
        };
        if let Some(&id) = self.interned.get(name) {
            return Ok(id);
        }
        let TensorElements::Floats(data) = &tensor.elements else {
            return refuse(format!("the tensor {name:?} holds integers, not floats"));
        };
        let id = self.graph.constant(name, &tensor.shape, data.clone())?;
        self.interned.insert(name.to_owned(), id);
        Ok(id)
    }
}

/// The extents a value is declared with: `Some(n)` fixed, `None` symbolic.
fn declared_shape(info: &ValueInfoProto) -> Option<Vec<Option<usize>>> {
    let shape = info.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    let extent = |v: i64| usize::try_from(v).ok().filter(|&n| n > 0);
    let dims = shape.dim.iter();
    Some(dims.map(|d| d.dim_value.and_then(extent)).collect())
}

/// Extents as `--shape` takes them, `?` where they are open.
fn extents(shape: &[Option<usize>]) -> String {
    let one = |n: &Option<usize>| n.map_or("?".to_owned(), |n| n.to_string());
    shape.iter().map(one).collect::<Vec<_>>().join("x")
}

fn matches(declared: &[Option<usize>], shape: &[usize]) -> bool {
    let fits = |(d, s): (&Option<usize>, &usize)| d.is_none_or(|d| d == *s);
    declared.len() == shape.len() && declared.iter().zip(shape).all(fits)
}

/// Static shape of a graph input, of which only the batch may be open, and then is 1; its type where
/// that is an integer.
fn input_type(
    input: &ValueInfoProto,
    given: Option<&[usize]>,
    warnings: &mut Vec<String>,
) -> Result<(Vec<usize>, Option<Integer>)> {
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let Some(tensor) = tensor else {
        return refuse("is not a tensor");
    };
    let integer = match tensor.elem_type {
        data_type::INT64 => Some(Integer::Int64),
        data_type::BOOL => Some(Integer::Bool),
        other => integer(other),
    };
    let other = [data_type::FLOAT16, data_type::BFLOAT16, data_type::DOUBLE].contains(&tensor.elem_type);
    if other {
        let of = type_name(tensor.elem_type);
        warnings.push(format!("input {:?} is of {of}, which is computed in float32", input.name));
    }
    if tensor.elem_type != data_type::FLOAT && !other && integer.is_none() {
        let message = format!("has element type {}", type_name(tensor.elem_type));
        return Err(Error::new("import", message)
            .hint("export the float32 model, with integer preprocessing outside of it"));
    }
    let declared = declared_shape(input);
    if let (Some(declared), Some(given)) = (&declared, given)
        && !matches(declared, given)
    {
        return Err(Error::new(
            "import",
            format!(
                "has the extents {}, not {}",
                extents(declared),
                extents(&given.iter().map(|&n| Some(n)).collect::<Vec<_>>())
            ),
        )
        .hint("--shape with as many extents, and others only where the model leaves them open"));
    }
    let given = given.map(|given| given.iter().map(|&n| Some(n)).collect());
    let Some(mut declared) = given.or(declared) else {
        return Err(Error::new("import", "has no declared shape")
            .hint(format!("--shape {}=1x3x480x640 with the extents that it has", input.name)));
    };
    if let Some(batch @ None) = declared.first_mut() {
        *batch = Some(1);
        warnings.push(format!("input {:?}: the open batch size becomes 1", input.name));
    }
    if let Some(integer) = integer {
        warnings.push(format!("input {:?} takes {} numbers, given as floats", input.name, integer.name()));
    }
    let extents = declared.iter().enumerate().map(|(axis, extent)| {
        extent.ok_or_else(|| {
            Error::new("import", format!("axis {axis} has no fixed extent"))
                .hint(format!("--shape {}=1x3x480x640 with the extents that it has", input.name))
        })
    });
    Ok((extents.collect::<Result<_>>()?, integer))
}

/// The inputs of which more than the batch is open.
pub(super) fn open_inputs(model: &ModelProto) -> Vec<(String, Vec<Option<usize>>)> {
    let Some(source) = &model.graph else { return vec![] };
    let initialised: HashSet<&str> = source.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs = source.input.iter().filter(|input| !initialised.contains(input.name.as_str()));
    let open = |input: &ValueInfoProto| {
        let shape = declared_shape(input)?;
        shape.iter().skip(1).any(Option::is_none).then(|| (input.name.clone(), shape))
    };
    inputs.filter_map(open).collect()
}

/// The one table of operators.
fn dispatch(call: &mut Call) -> Result<()> {
    if let Some(run) = quantised(call) {
        return run(call);
    }
    if !is_onnx(call.domain()) {
        return Err(match call.domain() {
            MICROSOFT => call.error("the operator is not supported").hint(
                "quantise with quant_format=QuantFormat.QDQ, or export without ONNX Runtime's own operators",
            ),
            domain => call
                .error(format!("operator domain {domain:?} is not supported"))
                .hint("export without custom operators"),
        });
    }
    if fold::applies(call) {
        return fold::run(call);
    }
    match call.operator() {
        "CenterCropPad" => center::center_crop_pad(call),
        "DFT" => spectrum::dft(call),
        "STFT" => spectrum::stft(call),
        "Conv" => conv::conv(call),
        "BatchNormalization" => norm::batch_normalization(call),
        "Relu" => activation::relu(call),
        "Clip" => activation::clip(call),
        "LeakyRelu" => activation::leaky_relu(call),
        "PRelu" => activation::prelu(call),
        "MaxPool" => pool::max_pool(call),
        "MaxUnpool" => max_places::unpool(call),
        "AveragePool" => pool::average_pool(call),
        "GlobalAveragePool" => pool::global_average_pool(call),
        "GlobalMaxPool" => pool::global_max_pool(call),
        "Col2Im" => conv::column_to_image(call),
        "ConvTranspose" => conv::conv_transpose(call),
        "LayerNormalization" => norm::layer_normalization(call),
        "InstanceNormalization" => norm::instance_normalization(call),
        "GroupNormalization" => norm::group_normalization(call),
        "LRN" => norm::local_response(call),
        "RMSNormalization" => norm::root_mean_square(call),
        "LpNormalization" => norm::lp_normalization(call),
        "MeanVarianceNormalization" => norm::mean_variance(call),
        "Attention" => attention::attention(call),
        "AffineGrid" => resize::affine_grid(call),
        "LpPool" => pool::power_pool(call),
        "GlobalLpPool" => pool::global_power_pool(call),
        "Hardmax" => choice::hardmax(call),
        "OneHot" => choice::one_hot(call),
        "IsInf" => choice::is_infinite(call),
        "SequenceConstruct" | "SequenceEmpty" => sequence::construct(call),
        "SplitToSequence" => sequence::split(call),
        "SequenceAt" => sequence::at(call),
        "SequenceInsert" => sequence::insert(call),
        "SequenceLength" => sequence::length(call),
        "ConcatFromSequence" => sequence::concat(call),
        "CumSum" => triangle::cumulative_sum(call),
        "Trilu" => triangle::trilu(call),
        "GatherElements" => scatter::gather_elements(call),
        "ScatterElements" | "ScatterND" => scatter::scatter(call),
        "Add" => elementwise::add(call),
        "Sum" | "Mean" | "Min" | "Max" => elementwise::many(call),
        "Gelu" => elementwise::gelu(call),
        "Softmax" | "LogSoftmax" => elementwise::softmax(call),
        "Pad" => moves::pad(call),
        "Slice" => moves::slice(call),
        "Split" => moves::split(call),
        "Gather" => moves::gather(call),
        "GatherND" => moves::gather_nd(call),
        "Expand" => moves::expand(call),
        "Tile" => moves::tile(call),
        "Where" => choice::choose(call),
        "Not" | "And" | "Or" | "Xor" => choice::logic(call),
        "IsNaN" => choice::is_nan(call),
        "TopK" => choice::top(call),
        "SpaceToDepth" => moves::space_to_depth(call),
        "Resize" => resize::resize(call),
        "Upsample" => resize::upsample(call),
        "RNN" | "LSTM" | "GRU" => recurrent::recurrent(call),
        "Gemm" => matrix::gemm(call),
        "MatMul" => matrix::matmul(call),
        "Einsum" => einsum::einsum(call),
        "If" => branch::branch(call),
        "Concat" => shape::concat(call),
        "Flatten" => shape::flatten(call),
        "Reshape" => shape::reshape(call),
        "Squeeze" => shape::squeeze(call),
        "Unsqueeze" => shape::unsqueeze(call),
        "Transpose" => shape::transpose(call),
        "DepthToSpace" => shape::depth_to_space(call),
        "Identity" => constant::identity(call),
        "Dropout" => constant::dropout(call),
        "Constant" => constant::constant(call),
        "Shape" => constant::shape(call),
        "Cast" => constant::cast(call),
        "CastLike" => constant::cast_like(call),
        name => family(call, name),
    }
}

/// The importer of an operator on integers. ONNX Runtime keeps its own in another domain.
fn quantised(call: &Call) -> Option<fn(&mut Call) -> Result<()>> {
    let onnx = is_onnx(call.domain());
    Some(match (call.operator(), call.domain()) {
        ("QuantizeLinear", domain) if onnx || domain == MICROSOFT => quantized::quantize,
        ("DequantizeLinear", domain) if onnx || domain == MICROSOFT => quantized::dequantize,
        ("DynamicQuantizeLinear", _) if onnx => quantized::dynamic,
        ("QLinearConv", _) if onnx => quantized::conv,
        ("ConvInteger", _) if onnx => quantized::conv_integer,
        ("QLinearMatMul", _) if onnx => quantized::matmul,
        ("MatMulInteger", _) if onnx => quantized::matmul_integer,
        ("QGemm", MICROSOFT) => quantized::gemm,
        ("QLinearAdd" | "QLinearMul", MICROSOFT) => quantized::binary,
        (
            "QLinearSigmoid" | "QLinearLeakyRelu" | "QLinearAveragePool" | "QLinearGlobalAveragePool",
            MICROSOFT,
        ) => quantized::unary,
        ("QLinearConcat", MICROSOFT) => quantized::concat,
        ("QLinearSoftmax", MICROSOFT) => quantized::softmax,
        _ => return None,
    })
}

/// The operators of the families that the graph lists.
fn family(call: &mut Call, name: &str) -> Result<()> {
    // ONNX has Swish from opset 24 on.
    if name == "Swish" && call.opset() >= 24 {
        return elementwise::swish(call);
    }
    let known = name != "Swish" || call.opset() >= 24;
    if let Some(e) = UnaryKind::ALL.iter().find(|e| e.1 == name && known) {
        return elementwise::unary(call, e.0);
    }
    if let Some(e) = BinaryKind::ALL.iter().find(|e| e.1 == name) {
        if e.0.is_step() {
            return choice::compare(call, e.0);
        }
        return elementwise::binary(call, e.0);
    }
    if let Some(e) = ReduceKind::ALL.iter().find(|e| e.1 == name) {
        return if e.0.is_index() { reduce::index(call, e.0) } else { reduce::reduce(call, e.0) };
    }
    if let Some(descriptor) = crate::described::named(name) {
        return described::described(call, descriptor);
    }
    if fold::is_known(name) {
        return Err(call
            .error("the operator is supported on constants alone, an input is computed")
            .hint("cut the graph before it"));
    }
    const FOLD: &str = "constant-fold the model (onnxsim), replace the operator, or cut the graph before it";
    Err(match why_not(name) {
        Some((why, hint)) => call.error(format!("the operator is not supported: {why}")).hint(hint),
        None => call.error("the operator is not supported").hint(FOLD),
    })
}
