//! Building a graph value by value, and asking it simple questions.
//!
//! The builder keeps every invariant of [`Graph`]: what it accepts, [`Graph::verify`] accepts.

use super::{Graph, Integer, Node, Op, Source, Value, ValueId, elements, infer};
use crate::error::{Error, Result};
use crate::memory;

impl Graph {
    /// An empty graph named after where it comes from.
    pub fn new(name: impl Into<String>) -> Graph {
        Graph { name: name.into(), ..Graph::default() }
    }

    /// Adds a graph input of the given shape.
    ///
    /// # Errors
    /// A zero extent or too many elements.
    pub fn input(&mut self, name: impl Into<String>, shape: &[usize]) -> Result<ValueId> {
        self.typed_input(name, shape, None)
    }

    /// Adds a graph input that the source model declares as whole numbers of a type, or as float32.
    ///
    /// # Errors
    /// As [`Graph::input`].
    pub fn typed_input(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        integer: Option<Integer>,
    ) -> Result<ValueId> {
        let name = name.into();
        let count = elements(shape).map_err(|e| e.node(&name).operator("input"))?;
        memory::check(memory::floats(count), "the input").map_err(|e| e.node(&name).operator("input"))?;
        let id = self.push(name, shape, Source::Input(self.inputs.len()));
        self.values[id.0 as usize].integer = integer;
        self.inputs.push(id);
        Ok(id)
    }

    /// Adds a constant: row-major elements of `shape`.
    ///
    /// # Errors
    /// A zero extent, a wrong number of elements, an infinity or a NaN.
    pub fn constant(&mut self, name: impl Into<String>, shape: &[usize], data: Vec<f32>) -> Result<ValueId> {
        let name = name.into();
        check_constant(shape, &data).map_err(|e| e.node(&name).operator("constant"))?;
        Ok(self.push(name, shape, Source::Constant(data)))
    }

    /// Applies an operator; the shape of the result follows from the operator's rule.
    ///
    /// # Errors
    /// Inputs that the operator's rule refuses; [`Op::Reshape`] (see [`Graph::reshape`]).
    pub fn node(&mut self, name: impl Into<String>, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        self.apply(name.into(), op, inputs, None)
    }

    /// Gives the elements of `x` a new shape.
    ///
    /// # Errors
    /// A shape with another number of elements.
    pub fn reshape(&mut self, name: impl Into<String>, x: ValueId, shape: &[usize]) -> Result<ValueId> {
        self.apply(name.into(), Op::Reshape, &[x], Some(shape))
    }

    /// [`Graph::node`] for an operator that may be a Reshape to `shape`.
    pub(crate) fn apply(
        &mut self,
        mut name: String,
        op: Op,
        inputs: &[ValueId],
        shape: Option<&[usize]>,
    ) -> Result<ValueId> {
        let node = self.nodes.len();
        if name.is_empty() {
            name = format!("{}_{node}", op.name());
        }
        let place = |e: Error| e.node(&name).operator(op.name());
        let mut shapes = Vec::with_capacity(inputs.len());
        for &id in inputs {
            let value = self
                .values
                .get(id.0 as usize)
                .ok_or_else(|| place(Error::new("graph", format!("reads {id}, which is not made"))))?;
            shapes.push(value.shape.as_slice());
        }
        let shape = infer(&op, &shapes, shape).map_err(place)?;
        let bytes = memory::floats(shape.iter().product());
        memory::check(bytes, "the result").map_err(place)?;
        let id = self.push(String::new(), &shape, Source::Node { node, output: 0 });
        self.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: vec![id] });
        Ok(id)
    }

    fn push(&mut self, name: String, shape: &[usize], source: Source) -> ValueId {
        let id = u32::try_from(self.values.len()).expect("memory ends before 2^32 values do");
        self.values.push(Value { name, shape: shape.to_vec(), source, integer: None });
        ValueId(id)
    }

    /// The value named by `id`.
    ///
    /// # Panics
    /// When `id` comes from another graph; [`Graph::verify`] rules that out for stored ids.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// Extents of a value, outermost first.
    pub fn shape(&self, id: ValueId) -> &[usize] {
        &self.value(id).shape
    }

    /// Elements of a constant, row-major; `None` for inputs and results.
    pub fn constant_data(&self, id: ValueId) -> Option<&[f32]> {
        match &self.value(id).source {
            Source::Constant(data) => Some(data),
            _ => None,
        }
    }

    /// The node that makes a value and its index; `None` for inputs and constants.
    pub fn producer(&self, id: ValueId) -> Option<(usize, &Node)> {
        match self.value(id).source {
            Source::Node { node, .. } => Some((node, &self.nodes[node])),
            _ => None,
        }
    }

    /// Indices of the nodes that read a value, ascending, each once.
    pub fn users(&self, id: ValueId) -> Vec<usize> {
        let reads = |node: &Node| node.inputs.contains(&id);
        (0..self.nodes.len()).filter(|&n| reads(&self.nodes[n])).collect()
    }

    /// How often each value is read, indexed by [`ValueId`]; being a graph output counts as a read.
    pub fn use_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.values.len()];
        let reads = self.nodes.iter().flat_map(|n| &n.inputs);
        for id in reads.chain(&self.outputs) {
            counts[id.0 as usize] += 1;
        }
        counts
    }

    /// Multiply-accumulates of one node; zero for operators without products.
    ///
    /// A convolution counts padding taps like any other, as hardware tables do.
    pub fn node_macs(&self, node: &Node) -> u64 {
        let Some(&out) = node.outputs.first() else {
            return 0;
        };
        let outputs: usize = self.shape(out).iter().product();
        let inputs = |i: usize| self.shape(node.inputs[i]);
        let per_output = match &node.op {
            // Every input element meets the weights of its channel.
            Op::ConvTranspose { .. } => {
                let elements: usize = inputs(0).iter().product();
                let weights: usize = inputs(1)[1..].iter().product();
                return (elements as u64).saturating_mul(weights as u64);
            }
            // Every step of every image meets all weights.
            Op::Recurrent(_) => {
                let rows = inputs(0)[0].saturating_mul(inputs(0)[1]);
                let weights: usize =
                    inputs(1).iter().product::<usize>() + inputs(2).iter().product::<usize>();
                return (rows as u64).saturating_mul(weights as u64);
            }
            Op::Conv { .. } => self.shape(node.inputs[1])[1..].iter().product(),
            Op::Gemm { trans_a, .. } => self.shape(node.inputs[0])[usize::from(!trans_a)],
            Op::MatMul => self.shape(node.inputs[0]).last().copied().unwrap_or(1),
            _ => 0,
        };
        (outputs as u64).saturating_mul(per_output as u64)
    }

    /// Whether it is of a quantised model: some node turns real numbers to integers of a scale, or back.
    pub fn is_quantised(&self) -> bool {
        self.nodes.iter().any(|node| node.op.converts())
    }

    /// Multiply-accumulates of the whole graph.
    pub fn macs(&self) -> u64 {
        let each = self.nodes.iter().map(|n| self.node_macs(n));
        each.fold(0, u64::saturating_add)
    }
}

/// Checks a constant's length against its shape and its elements for NaN and infinity.
pub(super) fn check_constant(shape: &[usize], data: &[f32]) -> Result<()> {
    let wanted = elements(shape)?;
    if data.len() != wanted {
        return Err(Error::new(
            "graph",
            format!("shape {shape:?} needs {wanted} elements, {} are stored", data.len()),
        ));
    }
    if let Some(i) = data.iter().position(|x| !x.is_finite()) {
        let hint = match data[i].is_nan() {
            true => "retrain or repair the weights: they must be finite",
            false => "a large finite number instead, such as -10000 in a mask",
        };
        return Err(Error::new("graph", format!("element {i} is {}", data[i])).hint(hint));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Window;

    #[test]
    fn builds_a_convolution_and_counts_its_products() {
        let mut g = Graph::new("t");
        let x = g.input("x", &[1, 4, 5, 5]).unwrap();
        let w = g.constant("w", &[6, 2, 3, 3], vec![0.5; 6 * 2 * 9]).unwrap();
        let window = Window { kernel: [3, 3], ..Window::UNIT };
        let y = g.node("c", Op::Conv { window, groups: 2 }, &[x, w]).unwrap();
        g.outputs = vec![y];
        assert_eq!(g.shape(y), [1, 6, 3, 3]);
        assert_eq!(g.macs(), 6 * 9 * 2 * 9);
        assert_eq!(g.users(x), [0]);
        assert_eq!(g.use_counts(), [1, 1, 1]);
        assert!(g.constant_data(x).is_none());
        assert_eq!(g.producer(y).unwrap().1.name, "c");
        g.verify().unwrap();
    }

    #[test]
    fn refuses_bad_constants_by_name() {
        let mut g = Graph::new("t");
        let e = g.constant("w", &[2], vec![1.0, f32::NAN]).unwrap_err();
        assert!(e.to_string().contains("\"w\""), "{e}");
        assert!(e.to_string().contains("element 1 is NaN"), "{e}");
        assert!(g.constant("w", &[3], vec![1.0]).is_err());
        assert!(g.constant("w", &[0], vec![]).is_err());
        assert!(g.constant("w", &[usize::MAX, 2], vec![]).is_err());
        assert!(g.input("x", &[1 << 20, 1 << 20]).is_err());
    }

    #[test]
    fn nameless_nodes_get_a_name() {
        let mut g = Graph::new("t");
        let x = g.input("x", &[2]).unwrap();
        g.node("", Op::Relu, &[x]).unwrap();
        assert_eq!(g.nodes[0].name, "Relu_0");
        let e = g.node("n", Op::Relu, &[ValueId(7)]).unwrap_err();
        assert!(e.to_string().contains("%7"), "{e}");
    }
}
