//! Evaluates the nodes of a netlist on two-valued bits held in one array of 64-bit limbs.

use super::expr::{Binary, LogicOp};
use super::{ALIAS, Netlist};
use crate::dynsig::{BitVector, limbs, or_bits};

/// The values of all nodes of one instance.
#[derive(Debug)]
pub(super) struct Values {
    limbs: Vec<u64>,
    /// First limb of each node.
    start: Vec<usize>,
    width: Vec<usize>,
    scratch: Vec<u64>,
}

impl Values {
    pub fn new(netlist: &Netlist) -> Values {
        let (mut start, mut total) = (vec![], 0);
        for node in &netlist.nodes {
            start.push(total);
            total += limbs(node.width);
        }
        let width = netlist.nodes.iter().map(|n| n.width).collect();
        Values { limbs: vec![0; total], start, width, scratch: vec![] }
    }

    fn of(&self, node: usize) -> &[u64] {
        &self.limbs[self.start[node]..self.start[node] + limbs(self.width[node])]
    }

    pub fn get(&self, node: usize) -> BitVector {
        BitVector::from_limbs(self.of(node), self.width[node])
    }

    pub fn put(&mut self, node: usize, value: &BitVector) {
        debug_assert_eq!(self.width[node], value.width());
        let start = self.start[node];
        self.limbs[start..start + value.limbs().len()].copy_from_slice(value.limbs());
    }

    /// The value of a node of one bit.
    pub fn flag(&self, node: usize) -> bool {
        self.limbs[self.start[node]] & 1 == 1
    }

    /// The value of a node in two's complement; at most 128 bits, more are cut off.
    fn signed(&self, node: usize) -> i128 {
        let (part, width) = (self.of(node), self.width[node].min(128));
        let low = u128::from(part[0]) | u128::from(part.get(1).copied().unwrap_or(0)) << 64;
        (low << (128 - width)) as i128 >> (128 - width)
    }

    /// Computes every node of `order`.
    pub fn evaluate(&mut self, netlist: &Netlist) {
        for &node in &netlist.order {
            let op = &netlist.nodes[node].op;
            if matches!(op, LogicOp::Signal(kind, _) if *kind != ALIAS) {
                continue;
            }
            let width = self.width[node];
            let mut out = std::mem::take(&mut self.scratch);
            out.clear();
            out.resize(limbs(width), 0);
            self.compute(op, width, &mut out);
            if !width.is_multiple_of(64) {
                out[width / 64] &= (1 << (width % 64)) - 1;
            }
            let start = self.start[node];
            self.limbs[start..start + out.len()].copy_from_slice(&out);
            self.scratch = out;
        }
    }

    fn compute(&self, op: &LogicOp<usize>, width: usize, out: &mut [u64]) {
        match op {
            LogicOp::Signal(_, node) => out.copy_from_slice(self.of(*node)),
            LogicOp::Constant(value) => out.copy_from_slice(value.limbs()),
            LogicOp::Not(a) => out.iter_mut().zip(self.of(*a)).for_each(|(o, a)| *o = !a),
            LogicOp::Binary(kind, a, b) => self.binary(*kind, *a, *b, out),
            LogicOp::Mux(c, a, b) => out.copy_from_slice(self.of(if self.flag(*c) { *a } else { *b })),
            LogicOp::Slice(a, low) => or_bits(out, 0, self.of(*a), *low, width),
            LogicOp::Concat(parts) => {
                let mut low = 0;
                for part in parts.iter().rev() {
                    or_bits(out, low, self.of(*part), 0, self.width[*part]);
                    low += self.width[*part];
                }
            }
            LogicOp::ZeroExtend(a) => or_bits(out, 0, self.of(*a), 0, self.width[*a]),
            LogicOp::SignExtend(a) => {
                let (from, top) = (self.of(*a), self.width[*a] - 1);
                if from[top / 64] >> (top % 64) & 1 == 1 {
                    out.fill(u64::MAX);
                    for limb in out.iter_mut().take(top / 64) {
                        *limb = 0;
                    }
                    out[top / 64] = u64::MAX << (top % 64);
                }
                or_bits(out, 0, from, 0, top);
            }
            LogicOp::Any(a) => out[0] = u64::from(self.of(*a).iter().any(|l| *l != 0)),
            LogicOp::All(a) => out[0] = u64::from(self.get(*a) == BitVector::new(-1, self.width[*a])),
        }
    }

    fn binary(&self, kind: Binary, a: usize, b: usize, out: &mut [u64]) {
        let (x, y) = (self.of(a), self.of(b));
        let each = |out: &mut [u64], f: fn(u64, u64) -> u64| {
            out.iter_mut().zip(x.iter().zip(y)).for_each(|(o, (x, y))| *o = f(*x, *y));
        };
        match kind {
            Binary::And => each(out, |x, y| x & y),
            Binary::Or => each(out, |x, y| x | y),
            Binary::Xor => each(out, |x, y| x ^ y),
            Binary::Add | Binary::Sub => {
                let subtract = kind == Binary::Sub;
                let mut carry = subtract;
                for (o, (x, y)) in out.iter_mut().zip(x.iter().zip(y)) {
                    let y = if subtract { !y } else { *y };
                    let (sum, c1) = x.overflowing_add(y);
                    let (sum, c2) = sum.overflowing_add(u64::from(carry));
                    *o = sum;
                    carry = c1 || c2;
                }
            }
            Binary::Equal => out[0] = u64::from(x == y),
            Binary::Less => out[0] = u64::from(x.iter().rev().lt(y.iter().rev())),
            Binary::LessSigned => {
                assert!(self.width[a] <= 128, "signed comparisons have at most 128 bits");
                out[0] = u64::from(self.signed(a) < self.signed(b));
            }
        }
    }
}
