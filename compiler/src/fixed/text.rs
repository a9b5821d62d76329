//! The text form: one line a tensor, one block a node.
//!
//! Weights are shown as their number and a digest, requantisations for the first channels only; two
//! networks that print alike compute alike unless digests collide.

use super::{Band, FixedGraph, FixedNode, Operand, Reduction, View};
use std::fmt;
use tilewright_arch::fixed::Half;

/// Channels whose requantisation is printed.
const SHOWN: usize = 2;

impl fmt::Display for FixedGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "fixed {:?}", self.name)?;
        for (i, t) in self.tensors.iter().enumerate() {
            let [c, h, w] = t.shape;
            let wide = if t.wide { " wide" } else { "" };
            writeln!(f, "t{i}: {c}x{h}x{w}{wide} scale {:e} zero {} {:?}", t.scale, t.zero, t.name)?;
        }
        for (id, shape) in &self.inputs {
            writeln!(f, "input {id} {shape:?}")?;
        }
        for (id, elements) in &self.constants {
            writeln!(f, "constant {id} #{:016x}", digest(elements))?;
        }
        for node in &self.nodes {
            self.write_node(f, node)?;
        }
        for (id, shape) in &self.outputs {
            writeln!(f, "output {id} {shape:?}")?;
        }
        for Band { part, whole, channels: c, held: x, own } in &self.bands {
            let (c, x) = (format!("c {}..{}", c.start, c.end), format!("x {}..{}", x.start, x.end));
            let own =
                if own.is_empty() { "read".into() } else { format!("makes x {}..{}", own.start, own.end) };
            writeln!(f, "band {part} = {whole}[{c}][{x}] {own}")?;
        }
        Ok(())
    }
}

impl FixedGraph {
    /// A view, short where it is the whole tensor.
    fn named(&self, view: &View) -> String {
        if view.is_whole(self.tensor(view.tensor)) { view.tensor.to_string() } else { view.to_string() }
    }

    fn write_node(&self, f: &mut fmt::Formatter<'_>, node: &FixedNode) -> fmt::Result {
        let grid = self.grid(node);
        let [_, rows, columns] = grid;
        write!(f, "{} = ", self.named(&node.output))?;
        let r = node.place.depth_to_space.0;
        let input = if node.wide { format!("wide {}", node.input) } else { self.named(&node.input) };
        match &node.reduction {
            Reduction::Conv { .. } => write!(f, "conv {input}")?,
            Reduction::Product { weights } => write!(f, "product {input} {}", self.named(weights))?,
            Reduction::Sum => write!(f, "sum {input}")?,
            Reduction::Max => write!(f, "max {input}")?,
        }
        if let Some(operand) = &node.operand {
            let sign = if operand.scale.multiply { '*' } else { '+' };
            write!(f, " {sign} {}", self.named(&operand.view))?;
        }
        writeln!(f, "  // {} {:?}", node.operator, node.name)?;

        let w = &node.window;
        write!(f, "    kernel {}x{}", w.kernel[0], w.kernel[1])?;
        if w.stride != [1, 1] {
            write!(f, " stride {}x{}", w.stride[0], w.stride[1])?;
        }
        if w.dilation != [1, 1] {
            write!(f, " dilation {}x{}", w.dilation[0], w.dilation[1])?;
        }
        if w.pads != [0; 4] {
            let [top, left, bottom, right] = w.pads;
            write!(f, " pads {top} {left} {bottom} {right}")?;
        }
        if let Reduction::Conv { weights, groups } = &node.reduction {
            write!(f, " groups {groups} weights {} #{:016x}", weights.len(), digest(weights))?;
        }
        if node.place.region != [0, 0, rows, columns] {
            let [y, x, h, w] = node.place.region;
            write!(f, " region {y} {x} {h}x{w}")?;
        }
        if r != 1 {
            write!(f, " depth_to_space {r} {:?}", node.place.depth_to_space.1)?;
        }
        write!(f, " zero {} clamp {}..={}", node.post.zero, node.post.lo, node.post.hi)?;
        match node.half() {
            Half::None => {}
            _ if node.makes_both_halves() => write!(f, " both halves")?,
            Half::High => write!(f, " high half")?,
            Half::Low => write!(f, " low half")?,
        }
        if let Some(Operand { scale: s, .. }) = &node.operand {
            let factor = if s.multiply { String::new() } else { format!(" * {}", s.mantissa) };
            write!(f, " operand (q - {}){factor} >> {}", s.zero, s.shift)?;
        }
        if let Some(table) = &node.table {
            write!(f, " table #{:016x}", digest(&table[..]))?;
        }
        writeln!(f)?;
        for (i, c) in node.channels.iter().enumerate().take(SHOWN) {
            write!(f, "    channel {i}: (acc + {}) * {} >> {}", c.bias, c.mantissa, c.shift)?;
            if c.negative_mantissa != c.mantissa {
                write!(f, ", negative * {}", c.negative_mantissa)?;
            }
            writeln!(f)?;
        }
        if node.channels.len() > SHOWN {
            let rest = node.channels[SHOWN..].iter().flat_map(|c| c.to_bytes().map(|b| b as i8));
            let rest: Vec<i8> = rest.collect();
            writeln!(f, "    and {} more #{:016x}", node.channels.len() - SHOWN, digest(&rest))?;
        }
        Ok(())
    }
}

/// 64-bit FNV-1a.
fn digest(bytes: &[i8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &b| (hash ^ u64::from(b as u8)).wrapping_mul(0x0100_0000_01b3))
}
