//! Elements that are only moved, or compared: rounding them behind such an operator is rounding them in front of it.

use super::{Mapped, Strip, is_pointwise};
use crate::graph::{Interpolation, Op, PadMode, ValueId};
use crate::quantise::qparams::QParams;
use std::collections::BTreeMap;
use std::iter;

/// Whether every element of what an operator makes is one of those it reads, or zero, in a tensor of its own.
fn copies(op: &Op) -> bool {
    match op {
        Op::MaxPool { .. } | Op::Concat { .. } | Op::SpaceToDepth { .. } => true,
        Op::Pad { mode, .. } => matches!(mode, PadMode::Constant(0.0) | PadMode::Edge | PadMode::Reflect),
        Op::Resize(resize) => matches!(resize.interpolation, Interpolation::Nearest(_)),
        _ => false,
    }
}

impl Strip<'_> {
    /// Where all that read what was moved are such operators, and nothing is prescribed of it yet, that is rounded,
    /// without a copy.
    pub(super) fn annotate_source(&mut self, old: ValueId, qparams: QParams) {
        let mut reached: BTreeMap<ValueId, usize> = BTreeMap::new();
        let mut left = vec![old];
        let mut free = BTreeMap::new();
        while let Some(at) = left.pop() {
            let times = reached.entry(at).or_default();
            *times += 1;
            let Some(Mapped::Real(new)) = self.map[at.0 as usize] else { continue };
            let constant = self.old.constant_data(at).is_some();
            if *times != self.uses[at.0 as usize] || constant || self.annotations.qparams(new).is_some() {
                continue;
            }
            free.insert(at, new);
            if let Some((_, node)) = self.old.producer(at).filter(|(_, n)| n.op.only_moves() || copies(&n.op))
            {
                left.extend(&node.inputs);
            }
        }
        self.annotations.qparams.resize(self.new.values.len(), None);
        for (&at, &new) in &free {
            // Values in the bytes of one tensor: all of them or none.
            let mut whole = iter::successors(Some(at), |&id| {
                let (_, node) = self.old.producer(id).filter(|(_, node)| node.op.only_moves())?;
                Some(node.inputs[0])
            });
            if whole.all(|id| free.contains_key(&id)) {
                self.annotations.qparams[new.0 as usize] = Some(qparams);
            }
        }
    }

    /// Where the model says nothing of such a result, its elements are those that were rounded before: it has their
    /// scale, unless the one operator that reads it is part of the same operation of the machine.
    pub(super) fn annotate_copies(&mut self) {
        self.annotations.qparams.resize(self.new.values.len(), None);
        for n in 0..self.new.nodes.len() {
            let node = &self.new.nodes[n];
            let out = node.outputs[0];
            if self.annotations.qparams(out).is_some()
                || !(copies(&node.op) || matches!(node.op, Op::DepthToSpace { .. }))
            {
                continue;
            }
            let first = self.affine_of(node.inputs[0]);
            let alike = node.inputs.iter().all(|&id| self.affine_of(id) == first);
            let users = self.new.users(out);
            let part = |n: usize| {
                let op = &self.new.nodes[n].op;
                is_pointwise(op) || matches!(op, Op::Add | Op::Binary { .. })
            };
            if alike && !matches!(users[..], [user] if part(user)) {
                self.annotations.qparams[out.0 as usize] = first;
            }
        }
    }

    /// Scale and zero point of a new value, or of what it is moved from.
    fn affine_of(&self, mut id: ValueId) -> Option<QParams> {
        loop {
            if let Some(qparams) = self.annotations.qparams(id) {
                return Some(qparams);
            }
            let (_, maker) = self.new.producer(id).filter(|(_, maker)| maker.op.only_moves())?;
            id = maker.inputs[0];
        }
    }
}
