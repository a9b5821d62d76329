//! Unrolls recurrent layers: products, sums and functions of every step instead of one operator.
//!
//! One product makes what the input adds to the gates of all steps of a direction. Then each step
//! adds the product with the last hidden state; gates of one function share that product. The states
//! of all steps are joined at the end, so nothing but the gates is ever computed twice.
//!
//! The operators of all steps have the same names, `layer/direction/what`: by them the quantiser
//! knows what is one operation at several times.

mod cells;

#[cfg(test)]
mod tests;

use super::matrix::CANONICAL;
use super::rewrite::{Rewrite, live_uses, rewrite};
use crate::error::Result;
use crate::graph::{BinaryKind, Cell, Direction, Graph, Node, Op, Recurrent, UnaryKind, ValueId};
use std::ops::Range;

/// Most steps of all directions of a layer together. Each becomes five to ten operations, which the
/// compiler plans one by one; longer sequences stay one operator, for the host.
const MOST_STEPS: usize = 256;

/// The pass. Layers stay as they are whose parameters are not constants, and all in models that are
/// quantised already: those prescribe scales for the layer's inputs and results and for nothing between.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    let uses = live_uses(&graph);
    let live = |n: &&Node| n.outputs.iter().any(|id| uses[id.0 as usize] > 0);
    if graph.nodes.iter().filter(live).any(|n| n.op.converts()) {
        return Ok(graph);
    }
    let mut unrolled: Vec<(Node, Unrolled)> = Vec::new();
    rewrite(graph, |r, node| {
        let Op::Recurrent(layer) = &node.op else { return Ok(None) };
        // All hidden states and the last cell state are results of one layer.
        let states = |cell_state| Op::Recurrent(Recurrent { cell_state, ..layer.clone() });
        let same = |n: &Node| n.inputs == node.inputs && [states(false), states(true)].contains(&n.op);
        let found = match unrolled.iter().find(|(n, _)| same(n)) {
            Some((_, found)) => *found,
            None => {
                let Some(new) = unroll(r, node, layer)? else { return Ok(None) };
                unrolled.push((node.clone(), new));
                new
            }
        };
        Ok(if layer.cell_state { found.cell } else { Some(found.hidden) })
    })
}

/// Whether a node makes something between the steps of an unrolled layer, by its name: `layer/direction/what`, or
/// `layer/direction` where a state takes another shape.
pub(crate) fn is_between_steps(node: &Node) -> bool {
    let ends = |name: &str| DIRECTIONS.iter().any(|direction| name.ends_with(&format!("/{direction}")));
    ends(&node.name) || node.name.rsplit_once('/').is_some_and(|(side, _)| ends(side))
}

/// What the directions are called, forwards first.
const DIRECTIONS: [&str; 2] = ["forward", "reverse"];

/// The results of a layer.
#[derive(Clone, Copy)]
struct Unrolled {
    /// All hidden states (S,D,B,H).
    hidden: ValueId,
    /// The last cell states (D,B,H) of an LSTM.
    cell: Option<ValueId>,
}

/// One direction of a layer.
struct Directed {
    /// Name of the layer and its direction.
    name: String,
    /// B.
    batch: usize,
    /// H.
    hidden: usize,
    /// What the input adds to the gates: (S*B, rows).
    from_input: ValueId,
    /// Rows of the recurrent weights for the gates, in the order of `from_input`.
    recurrent: Vec<f32>,
    /// The state's bias of the last gate, where that is not in `from_input`.
    state_bias: Option<Vec<f32>>,
    /// (3*H) for the gates i, o, f.
    peepholes: Option<Vec<f32>>,
    /// Constants made so far: all steps share them.
    constants: Vec<(&'static str, ValueId)>,
}

/// What a step starts from; nothing where that is zero.
#[derive(Clone, Copy, Default)]
struct Carry {
    /// Hidden state (B,H).
    h: Option<ValueId>,
    /// Cell state (B,H).
    c: Option<ValueId>,
}

/// The layer step by step; `None` where it has to stay as it is.
fn unroll(r: &mut Rewrite, node: &Node, layer: &Recurrent) -> Result<Option<Unrolled>> {
    let inputs = r.inputs(node)?;
    let x = inputs[0];
    let [steps, batch, features] = r.new.shape(x)[..] else { return Ok(None) };
    let lstm = layer.cell == Cell::Lstm;
    let parameters = [Some(1), Some(2), Some(3), (inputs.len() > 6).then_some(6)];
    let data: Option<Vec<Vec<f32>>> =
        parameters.iter().flatten().map(|&i| Some(r.new.constant_data(inputs[i])?.to_vec())).collect();
    let (Some(data), true) = (data, steps * layer.direction.count() <= MOST_STEPS) else {
        return Ok(None);
    };
    let rows_of_x = r.new.reshape(node.name.clone(), x, &[steps * batch, features])?;
    let mut sides = Vec::new();
    for d in 0..layer.direction.count() {
        let backwards = d == 1 || layer.direction == Direction::Reverse;
        // The direction's part of each parameter.
        let part = |p: &Vec<f32>| {
            let length = p.len() / layer.direction.count();
            p[d * length..(d + 1) * length].to_vec()
        };
        let name = format!("{}/{}", node.name, DIRECTIONS[usize::from(backwards)]);
        let side = Directed::new(r, name, layer, rows_of_x, batch, data.iter().map(part).collect())?;
        let state = Carry {
            h: side.initial(r, inputs[4], d)?,
            c: if lstm { side.initial(r, inputs[5], d)? } else { None },
        };
        sides.push((side, state, backwards, vec![x; steps]));
    }
    // In turn, so that one direction's products run beside the other's functions.
    for step in 0..steps {
        for (side, state, backwards, hidden) in &mut sides {
            let t = if *backwards { steps - 1 - step } else { step };
            let h = side.step(r, layer.cell, t, state)?;
            hidden[t] = r.new.reshape(side.name.clone(), h, &[1, batch, layer.hidden])?;
        }
    }
    let (mut all, mut cells) = (Vec::new(), Vec::new());
    for (side, state, _, hidden) in &sides {
        all.push(side.node(r, "states", Op::Concat { axis: 0 }, hidden)?);
        if let Some(c) = state.c {
            cells.push(r.new.reshape(side.name.clone(), c, &[1, batch, layer.hidden])?);
        }
    }
    let name = &node.name;
    // Directions side by side, as whoever multiplies them with weights reads them.
    let joined = match all[..] {
        [one] => one,
        _ => r.new.node(name.clone(), Op::Concat { axis: 2 }, &all)?,
    };
    let split = r.new.reshape(name.clone(), joined, &[steps, batch, all.len(), layer.hidden])?;
    let hidden = r.new.node(name.clone(), Op::Transpose { perm: vec![0, 2, 1, 3] }, &[split])?;
    let cell = match cells[..] {
        [] => None,
        [one] => Some(one),
        _ => Some(r.new.node(name.clone(), Op::Concat { axis: 0 }, &cells)?),
    };
    Ok(Some(Unrolled { hidden, cell }))
}

impl Directed {
    /// A direction whose `parameters` are weights, recurrent weights, both biases and maybe peepholes.
    fn new(
        r: &mut Rewrite,
        name: String,
        layer: &Recurrent,
        x: ValueId,
        batch: usize,
        mut parameters: Vec<Vec<f32>>,
    ) -> Result<Directed> {
        let hidden = layer.hidden;
        let features = r.new.shape(x)[1];
        let peepholes = (parameters.len() > 3).then(|| parameters.remove(3));
        let [weights, recurrent, bias] = &parameters[..] else {
            unreachable!("weights, recurrent weights and biases were just collected")
        };
        // Gates by their number in the model, with a sign: 1 - sigmoid(x) is sigmoid(-x).
        let gates: &[(usize, f32)] = match layer.cell {
            Cell::Rnn => &[(0, 1.0)],
            Cell::Lstm => &[(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)],
            Cell::Gru { .. } => &[(0, 1.0), (1, 1.0), (0, -1.0), (2, 1.0)],
        };
        let reset_after = layer.cell == Cell::Gru { linear_before_reset: true };
        let rows = |matrix: &[f32], columns: usize| -> Vec<f32> {
            let row = |&(gate, sign): &(usize, f32)| {
                let rows = &matrix[gate * hidden * columns..(gate + 1) * hidden * columns];
                rows.iter().map(move |w| sign * w)
            };
            gates.iter().flat_map(row).collect()
        };
        let (of_input, of_state) = bias.split_at(layer.cell.gates() * hidden);
        let last = (layer.cell.gates() - 1) * hidden;
        let sum = |(i, (w, r)): (usize, (&f32, &f32))| if reset_after && i >= last { *w } else { w + r };
        let biases: Vec<f32> = of_input.iter().zip(of_state).enumerate().map(sum).collect();
        let count = gates.len() * hidden;
        let w = r.new.constant(format!("{name}/W"), &[count, features], rows(weights, features))?;
        let b = r.new.constant(format!("{name}/B"), &[count], rows(&biases, 1))?;
        let from_input = r.new.node(format!("{name}/input"), CANONICAL, &[x, w, b])?;
        let recurrent = rows(recurrent, hidden);
        let state_bias = reset_after.then(|| of_state[last..].to_vec());
        Ok(Directed { name, batch, hidden, from_input, recurrent, state_bias, peepholes, constants: vec![] })
    }

    /// The first state of direction `d`; `None` where it is zero.
    fn initial(&self, r: &mut Rewrite, states: ValueId, d: usize) -> Result<Option<ValueId>> {
        let (batch, hidden) = (self.batch, self.hidden);
        if let Some(data) = r.new.constant_data(states) {
            let own = data[d * batch * hidden..(d + 1) * batch * hidden].to_vec();
            if own.iter().all(|x| *x == 0.0) {
                return Ok(None);
            }
            return r.new.constant(self.name.clone(), &[batch, hidden], own).map(Some);
        }
        let op = Op::Slice { starts: vec![d, 0, 0], steps: vec![1; 3], extents: vec![1, batch, hidden] };
        let own = self.node(r, "initial", op, &[states])?;
        r.new.reshape(self.name.clone(), own, &[batch, hidden]).map(Some)
    }

    fn node(&self, r: &mut Rewrite, what: &str, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        r.new.node(format!("{}/{what}", self.name), op, inputs)
    }

    /// A constant that all steps share.
    fn constant(
        &mut self,
        r: &mut Rewrite,
        what: &'static str,
        shape: &[usize],
        data: Vec<f32>,
    ) -> Result<ValueId> {
        if let Some((_, made)) = self.constants.iter().find(|(name, _)| *name == what) {
            return Ok(*made);
        }
        let made = r.new.constant(format!("{}/{what}", self.name), shape, data)?;
        self.constants.push((what, made));
        Ok(made)
    }

    fn multiply(&self, r: &mut Rewrite, what: &str, a: ValueId, b: ValueId) -> Result<ValueId> {
        self.node(r, what, Op::Binary { kind: BinaryKind::Mul }, &[a, b])
    }

    fn function(&self, r: &mut Rewrite, what: &str, kind: UnaryKind, x: ValueId) -> Result<ValueId> {
        self.node(r, what, Op::Unary { kind }, &[x])
    }

    /// Columns of rows of a matrix.
    fn slice(
        &self,
        r: &mut Rewrite,
        what: &str,
        x: ValueId,
        row: usize,
        columns: Range<usize>,
    ) -> Result<ValueId> {
        let (starts, extents) = (vec![row, columns.start], vec![self.batch, columns.len()]);
        self.node(r, what, Op::Slice { starts, steps: vec![1; 2], extents }, &[x])
    }

    /// Elements of gate number `gate` of several.
    fn gate(&self, r: &mut Rewrite, what: &str, gates: ValueId, gate: usize) -> Result<ValueId> {
        self.slice(r, what, gates, 0, gate * self.hidden..(gate + 1) * self.hidden)
    }
}
