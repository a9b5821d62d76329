//! One step of each cell, as ONNX defines it with the standard activations.

use super::{Carry, Directed};
use crate::error::Result;
use crate::graph::{Cell, Op, UnaryKind, ValueId};
use crate::simplify::matrix::CANONICAL;
use crate::simplify::rewrite::Rewrite;
use std::ops::Range;

impl Directed {
    /// What the input adds to some gates at step `t`.
    fn input(&self, r: &mut Rewrite, what: &str, t: usize, gates: &Range<usize>) -> Result<ValueId> {
        let columns = gates.start * self.hidden..gates.end * self.hidden;
        self.slice(r, what, self.from_input, t * self.batch, columns)
    }

    /// The product of a state with the recurrent weights of some gates.
    fn product(
        &mut self,
        r: &mut Rewrite,
        what: &'static str,
        h: ValueId,
        gates: &Range<usize>,
        bias: Option<ValueId>,
    ) -> Result<ValueId> {
        let (hidden, square) = (self.hidden, self.hidden * self.hidden);
        let rows = self.recurrent[gates.start * square..gates.end * square].to_vec();
        let weights = self.constant(r, what, &[gates.len() * hidden, hidden], rows)?;
        let inputs: Vec<ValueId> = [h, weights].into_iter().chain(bias).collect();
        self.node(r, what, CANONICAL, &inputs)
    }

    /// What goes into the functions of some gates at step `t`.
    fn sums(
        &mut self,
        r: &mut Rewrite,
        what: &'static str,
        t: usize,
        h: Option<ValueId>,
        gates: Range<usize>,
    ) -> Result<ValueId> {
        let from_input = self.input(r, what, t, &gates)?;
        let Some(h) = h else { return Ok(from_input) };
        let product = self.product(r, what, h, &gates, None)?;
        self.node(r, what, Op::Add, &[product, from_input])
    }

    /// The hidden state after step `t`.
    pub(super) fn step(
        &mut self,
        r: &mut Rewrite,
        cell: Cell,
        t: usize,
        state: &mut Carry,
    ) -> Result<ValueId> {
        let h = match cell {
            Cell::Rnn => self.rnn(r, t, *state)?,
            Cell::Lstm => self.lstm(r, t, state)?,
            Cell::Gru { .. } => self.gru(r, t, *state)?,
        };
        state.h = Some(h);
        Ok(h)
    }

    /// tanh(x W + h R + b).
    fn rnn(&mut self, r: &mut Rewrite, t: usize, Carry { h, .. }: Carry) -> Result<ValueId> {
        let sums = self.sums(r, "state", t, h, 0..1)?;
        self.function(r, "state", UnaryKind::Tanh, sums)
    }

    /// The hidden state after a step of an LSTM: c = f * c + i * g, h = o * tanh(c).
    fn lstm(&mut self, r: &mut Rewrite, t: usize, state: &mut Carry) -> Result<ValueId> {
        let Carry { h, c } = *state;
        let sums = self.sums(r, "gates", t, h, 0..3)?;
        let peepholes = self.peepholes.is_some();
        let gates = match peepholes {
            true => sums,
            false => self.function(r, "gates", UnaryKind::Sigmoid, sums)?,
        };
        let forgotten = match c {
            None => None,
            Some(c) => {
                let forget = self.gate(r, "forget", gates, 2)?;
                let forget = if peepholes { self.peep(r, "forget", 2, forget, Some(c))? } else { forget };
                Some(self.multiply(r, "forgotten", c, forget)?)
            }
        };
        let candidate = self.sums(r, "candidate", t, h, 3..4)?;
        let candidate = self.function(r, "candidate", UnaryKind::Tanh, candidate)?;
        let input = self.gate(r, "input_gate", gates, 0)?;
        let input = if peepholes { self.peep(r, "input_gate", 0, input, c)? } else { input };
        let learnt = self.multiply(r, "learnt", input, candidate)?;
        let cell = match forgotten {
            None => learnt,
            Some(forgotten) => self.node(r, "cell", Op::Add, &[forgotten, learnt])?,
        };
        let squashed = self.function(r, "squashed", UnaryKind::Tanh, cell)?;
        let output = self.gate(r, "output_gate", gates, 1)?;
        let output = if peepholes { self.peep(r, "output_gate", 1, output, Some(cell))? } else { output };
        state.c = Some(cell);
        self.multiply(r, "hidden", output, squashed)
    }

    /// sigmoid(sums + p * c) of a gate with peepholes p.
    fn peep(
        &mut self,
        r: &mut Rewrite,
        what: &'static str,
        gate: usize,
        sums: ValueId,
        c: Option<ValueId>,
    ) -> Result<ValueId> {
        let (hidden, peepholes) = (self.hidden, self.peepholes.clone().unwrap_or_default());
        let sums = match c {
            None => sums,
            Some(c) => {
                let peepholes = peepholes[gate * hidden..(gate + 1) * hidden].to_vec();
                let product = self.scaled(r, what, c, &peepholes)?;
                self.node(r, what, Op::Add, &[product, sums])?
            }
        };
        self.function(r, what, UnaryKind::Sigmoid, sums)
    }

    /// A state times a constant for each element: as a product with a diagonal matrix, which takes the
    /// state however it lies.
    fn scaled(
        &mut self,
        r: &mut Rewrite,
        what: &'static str,
        x: ValueId,
        factors: &[f32],
    ) -> Result<ValueId> {
        let n = factors.len();
        let mut diagonal = vec![0.0; n * n];
        factors.iter().enumerate().for_each(|(j, factor)| diagonal[j * n + j] = *factor);
        let weights = self.constant(r, what, &[n, n], diagonal)?;
        self.node(r, what, CANONICAL, &[x, weights])
    }

    /// The hidden state after a step of a GRU: h = (1 - z) * n + z * h. The gates are z, r, 1 - z and n.
    fn gru(&mut self, r: &mut Rewrite, t: usize, Carry { h, .. }: Carry) -> Result<ValueId> {
        let sums = self.sums(r, "gates", t, h, 0..3)?;
        let gates = self.function(r, "gates", UnaryKind::Sigmoid, sums)?;
        let kept = match h {
            None => None,
            Some(h) => {
                let update = self.gate(r, "update", gates, 0)?;
                Some(self.multiply(r, "kept", h, update)?)
            }
        };
        let reset = self.gate(r, "reset", gates, 1)?;
        let from_input = self.input(r, "candidate", t, &(3..4))?;
        let sums = match self.state_bias.clone() {
            Some(bias) => {
                let scaled = match h {
                    None => self.scaled(r, "after_reset", reset, &bias)?,
                    Some(h) => {
                        let bias = self.constant(r, "bias", &[self.hidden], bias)?;
                        let from_state = self.product(r, "candidate", h, &(3..4), Some(bias))?;
                        self.multiply(r, "after_reset", reset, from_state)?
                    }
                };
                self.node(r, "candidate", Op::Add, &[scaled, from_input])?
            }
            None => match h {
                None => from_input,
                Some(h) => {
                    let before = self.multiply(r, "before_product", h, reset)?;
                    let product = self.product(r, "candidate", before, &(3..4), None)?;
                    self.node(r, "candidate", Op::Add, &[product, from_input])?
                }
            },
        };
        let candidate = self.function(r, "candidate", UnaryKind::Tanh, sums)?;
        let new = self.gate(r, "new", gates, 2)?;
        let new = self.multiply(r, "new", new, candidate)?;
        match kept {
            None => Ok(new),
            Some(kept) => self.node(r, "hidden", Op::Add, &[new, kept]),
        }
    }
}
