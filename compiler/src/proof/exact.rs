//! One operation's source operators in float64.

use super::intervals::radius;
use super::source::evaluate;
use super::{Checked, What};
use crate::claims::Operation;
use crate::graph::{Graph, ValueId};
use crate::network::places;
use ndarray::ArrayD;
use std::collections::BTreeMap;

/// Values of the source on the integers that enter an operation.
pub(super) type SourceValues = BTreeMap<ValueId, ArrayD<f64>>;

/// An operation's source in float64.
#[derive(Clone)]
pub(super) struct ExactSource<'a> {
    graph: &'a Graph,
    operation: &'a Operation,
    /// What rounding adds to the sums; empty when it has been added, or where nothing was rounded.
    sums: Vec<f64>,
    values: SourceValues,
    /// Nodes that have been evaluated.
    nodes: usize,
}

impl<'a> ExactSource<'a> {
    /// Of `operation`, whose inputs are `values`; `sums` is what rounding adds, by place in the grid.
    pub fn new(
        graph: &'a Graph,
        operation: &'a Operation,
        sums: Vec<f64>,
        values: SourceValues,
    ) -> ExactSource<'a> {
        let mut exact = ExactSource { graph, operation, sums, values, nodes: 0 };
        exact.correct(None);
        exact
    }

    /// Adds what rounding makes of the sums when `made`, or an input of the operation, is their value.
    fn correct(&mut self, made: Option<ValueId>) {
        let linear = &self.operation.linear;
        if self.sums.is_empty() || made.is_some_and(|id| id != linear.value) {
            return;
        }
        if let Some(value) = self.values.get_mut(&linear.value) {
            for (x, place) in value.iter_mut().zip(places(linear.offset, &linear.strides)) {
                *x += self.sums[place] / linear.factor;
            }
            self.sums.clear();
        }
    }

    /// Evaluates nodes until `stop` is known, or all.
    pub fn run(&mut self, stop: Option<ValueId>) -> Checked<()> {
        self.advance(stop)?;
        match self.sums.is_empty() {
            true => Ok(()),
            false => {
                Err(What::Claim { message: "weights were rounded that no value of the source shows".into() })
            }
        }
    }

    /// [`ExactSource::run`], perhaps to a value in front of the sums.
    pub fn advance(&mut self, stop: Option<ValueId>) -> Checked<()> {
        while self.nodes < self.operation.nodes.len() && stop.is_none_or(|id| !self.values.contains_key(&id))
        {
            let node = &self.graph.nodes[self.operation.nodes[self.nodes]];
            let open = |message: String| What::Claim { message };
            let views: Option<Vec<&ArrayD<f64>>> = node.inputs.iter().map(|id| self.values.get(id)).collect();
            let views = views.ok_or_else(|| open(format!("{:?} reads what comes later", node.name)))?;
            let y = evaluate(&node.op, &views, self.graph.shape(node.outputs[0]));
            let y =
                y.ok_or_else(|| open(format!("the machine does not run {} on its own", node.op.name())))?;
            self.values.insert(node.outputs[0], y);
            self.correct(Some(node.outputs[0]));
            self.nodes += 1;
        }
        Ok(())
    }

    /// A value that has been evaluated.
    pub fn value(&self, id: ValueId) -> Checked<&ArrayD<f64>> {
        let missing = || What::Claim { message: format!("its nodes do not make {id}") };
        self.values.get(&id).ok_or_else(missing)
    }

    pub fn result(&self) -> Checked<ArrayD<f64>> {
        self.value(self.operation.output.value).cloned()
    }

    /// The numbers of the lowest and the highest byte that a value may be rounded to, and whether some
    /// elements lie outside of all bytes.
    pub fn bytes(
        &self,
        id: ValueId,
        scale: f64,
        zero: i8,
        uncertain: f64,
    ) -> Checked<(ArrayD<f64>, ArrayD<f64>, bool)> {
        let Some(value) = self.values.get(&id) else {
            return Err(What::Claim { message: "nothing goes into its table".into() });
        };
        let zero = f64::from(zero);
        let byte = |x: f64, side: f64| {
            let steps = x / scale + zero;
            let reach = radius(uncertain, x / scale);
            let byte = if side < 0.0 { (steps - reach).ceil() } else { (steps + reach).floor() };
            // No zero is negative: the table has none.
            (byte.clamp(-128.0, 127.0) - zero) * scale + 0.0
        };
        let clipped = value.iter().any(|x| !(-128.5..=127.5).contains(&(x / scale + zero)));
        Ok((value.mapv(|x| byte(x, -1.0)), value.mapv(|x| byte(x, 1.0)), clipped))
    }

    /// Another array in the place of a value that is known and that later nodes read.
    pub fn replace(&mut self, id: ValueId, value: ArrayD<f64>) {
        self.values.insert(id, value);
    }

    /// The result with another array in the place of a value that is known.
    pub fn with(&self, id: ValueId, value: ArrayD<f64>) -> Checked<ArrayD<f64>> {
        let mut own = ExactSource {
            graph: self.graph,
            operation: self.operation,
            sums: Vec::new(),
            values: self.values.clone(),
            nodes: self.nodes,
        };
        own.values.insert(id, value);
        own.run(None)?;
        own.result()
    }
}
