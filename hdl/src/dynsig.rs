//! Values and rust-hdl signals whose width is chosen at run time.
//!
//! rust-hdl's own `Signal<D, Bits<N>>` fixes the width at compile time, but the size of a machine is
//! read from a file. [`DSignal`] implements the same traits (`Atom`, `Logic`, `Block`) for a
//! [`BitVector`], so rust-hdl's simulation, checks and printing work on it unchanged.

use rust_hdl_core::atom::{Atom, AtomKind};
use rust_hdl_core::direction::Direction;
use rust_hdl_core::prelude::*;
use rust_hdl_core::signal::get_signal_id;
use rust_hdl_core::synth::VCDValue;
use rust_hdl_core::type_descriptor::{TypeDescriptor, TypeKind};
use std::marker::PhantomData;

/// Limbs of 64 bits that hold `width` bits.
pub(crate) fn limbs(width: usize) -> usize {
    width.div_ceil(64)
}

/// Copies `count` bits from bit `from` of `source` to bit `to` of `target`, which must be zero there.
pub(crate) fn or_bits(target: &mut [u64], to: usize, source: &[u64], from: usize, count: usize) {
    let mut done = 0;
    while done < count {
        let (s, t) = (from + done, to + done);
        let chunk = (count - done).min(64 - s % 64).min(64 - t % 64);
        let mask = if chunk == 64 { u64::MAX } else { (1 << chunk) - 1 };
        target[t / 64] |= (source[s / 64] >> (s % 64) & mask) << (t % 64);
        done += chunk;
    }
}

/// Bits of a run-time width, least significant first; bits above the width are zero.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct BitVector {
    width: usize,
    limbs: Vec<u64>,
}

impl BitVector {
    /// All zeros.
    pub fn zero(width: usize) -> BitVector {
        BitVector { width, limbs: vec![0; limbs(width)] }
    }

    /// The low `width` bits of `value` in two's complement, sign-extended when `width` is larger.
    pub fn new(value: i128, width: usize) -> BitVector {
        let fill = if value < 0 { u64::MAX } else { 0 };
        let part = |i: usize| if i < 2 { (value >> (64 * i)) as u64 } else { fill };
        BitVector::from_limbs(&(0..limbs(width)).map(part).collect::<Vec<_>>(), width)
    }

    /// The low `width` bits of `source`.
    pub(crate) fn from_limbs(source: &[u64], width: usize) -> BitVector {
        let mut value = BitVector::zero(width);
        or_bits(&mut value.limbs, 0, source, 0, width.min(64 * source.len()));
        value
    }

    /// Bytes, the first the least significant.
    #[cfg(test)]
    pub fn from_bytes(bytes: &[u8]) -> BitVector {
        let mut value = BitVector::zero(8 * bytes.len());
        for (i, byte) in bytes.iter().enumerate() {
            value.limbs[i / 8] |= u64::from(*byte) << (8 * (i % 8));
        }
        value
    }

    /// Bits.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The 64-bit limbs, least significant first.
    pub(crate) fn limbs(&self) -> &[u64] {
        &self.limbs
    }

    /// Bit `index`.
    pub fn bit(&self, index: usize) -> bool {
        self.limbs[index / 64] >> (index % 64) & 1 == 1
    }

    /// Bits `low .. low + width`.
    pub fn slice(&self, low: usize, width: usize) -> BitVector {
        let mut part = BitVector::zero(width);
        or_bits(&mut part.limbs, 0, &self.limbs, low, width);
        part
    }

    /// Replaces the bits from `low` on by `part`.
    #[cfg(test)]
    pub fn set_slice(&mut self, low: usize, part: &BitVector) {
        for i in low..low + part.width {
            self.limbs[i / 64] &= !(1 << (i % 64));
        }
        or_bits(&mut self.limbs, low, &part.limbs, 0, part.width);
    }

    /// The low 64 bits.
    pub fn to_u64(&self) -> u64 {
        self.limbs.first().copied().unwrap_or(0)
    }

    /// The value in two's complement; at most 64 bits.
    pub fn to_i64(&self) -> i64 {
        let unused = 64 - self.width;
        (self.to_u64() << unused) as i64 >> unused
    }
}

/// A rust-hdl signal of run-time width: drive `next`, read [`DSignal::val`].
#[derive(Clone, Debug)]
pub struct DSignal<D: Direction> {
    /// What the signal becomes at the next update.
    pub next: BitVector,
    val: BitVector,
    changed: bool,
    claimed: bool,
    id: usize,
    direction: PhantomData<D>,
}

impl<D: Direction> DSignal<D> {
    /// A signal of `width` bits, zero.
    pub fn new(width: usize) -> Self {
        DSignal {
            next: BitVector::zero(width),
            val: BitVector::zero(width),
            changed: false,
            claimed: false,
            id: get_signal_id(),
            direction: PhantomData,
        }
    }

    /// The value: of an input what arrived, of an output what is driven (as rust-hdl's signals).
    pub fn val(&self) -> &BitVector {
        match D::KIND {
            AtomKind::InputParameter | AtomKind::InOutParameter => &self.val,
            _ => &self.next,
        }
    }
}

impl<D: Direction> Atom for DSignal<D> {
    fn bits(&self) -> usize {
        self.val.width
    }
    fn connected(&self) -> bool {
        self.claimed
    }
    fn changed(&self) -> bool {
        self.changed
    }
    fn kind(&self) -> AtomKind {
        D::KIND
    }
    fn descriptor(&self) -> TypeDescriptor {
        let width = self.val.width;
        TypeDescriptor { name: format!("Bits{width}"), kind: TypeKind::Bits(width) }
    }
    fn vcd(&self) -> VCDValue {
        let bit = |i| if self.val.bit(i) { vcd::Value::V1 } else { vcd::Value::V0 };
        VCDValue::Vector((0..self.val.width).rev().map(bit).collect())
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        0u32.into() // asked for constants only, and no signal here is one
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl<D: Direction> Logic for DSignal<D> {
    fn update(&mut self) {}
    fn connect(&mut self) {
        self.claimed = true;
    }
}

impl<D: Direction> Block for DSignal<D> {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {
        assert_eq!(self.next.width, self.val.width, "a signal keeps the width it was made with");
        self.changed = self.val != self.next;
        if self.changed {
            self.val.limbs.copy_from_slice(&self.next.limbs);
        }
    }
    fn has_changed(&self) -> bool {
        self.changed
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cross_limbs() {
        let mut value = BitVector::zero(200);
        value.set_slice(60, &BitVector::new(0x1ff, 9));
        assert_eq!(value.slice(59, 11).to_u64(), 0x3fe);
        value.set_slice(62, &BitVector::new(0, 3));
        assert_eq!(value.slice(60, 9).to_u64(), 0b1_1110_0011);
        assert_eq!(BitVector::new(-1, 130).slice(64, 66), BitVector::new(-1, 66));
        assert_eq!(BitVector::new(-5, 7).to_i64(), -5);
    }
}
