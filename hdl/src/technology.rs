//! Leaves: the parts that a target technology has as hard blocks, each in a portable form and in
//! the form of a technology.

use crate::dynsig::BitVector;
use tilewright_arch::technology::Technology;

mod ecp5;
mod portable;
#[cfg(test)]
mod tests;

pub(crate) use ecp5::Pll;

/// How a technology writes its leaves.
struct LeafForm {
    /// The body of a memory of so many words of so many bits, with so many stages from address to data, at
    /// least one.
    ram: fn(depth: usize, width: usize, stages: usize) -> String,
    /// The body of a multiplier of operands of these bits, signed or not, with so many stages, at least one.
    multiplier: fn(widths: [usize; 2], signed: bool, stages: usize) -> String,
    /// What the primitives do, in plain Verilog, for simulation.
    models: &'static str,
}

fn form(technology: Technology) -> LeafForm {
    match technology {
        Technology::Portable => portable::FORM,
        Technology::Ecp5 => ecp5::FORM,
    }
}

/// Models in plain Verilog of the primitives that a technology's leaves are made of.
pub(crate) fn models(technology: Technology) -> &'static str {
    form(technology).models
}

/// A leaf with all its sizes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Leaf {
    /// Simple dual-port memory; `stages` from address to data, 0 for a small memory in logic cells
    /// that is read without a clock.
    Ram { depth: usize, width: usize, stages: usize, technology: Technology },
    /// Multiplier; `stages` from operands to product.
    Multiplier { widths: [usize; 2], signed: bool, stages: usize, technology: Technology },
}

impl Leaf {
    pub fn name(&self) -> String {
        match self {
            Leaf::Ram { depth, width, stages: 0, .. } => format!("small_ram_{depth}x{width}"),
            Leaf::Ram { depth, width, .. } => format!("ram_{depth}x{width}"),
            Leaf::Multiplier { widths: [a, b], signed, .. } => {
                format!("multiplier_{}{a}x{b}", if *signed { "s" } else { "u" })
            }
        }
    }

    pub fn comment(&self) -> String {
        match self {
            Leaf::Ram { depth, width, stages: 0, .. } => {
                format!("Small memory of {depth} words of {width} bits, read without a clock.")
            }
            Leaf::Ram { depth, width, stages, .. } => format!(
                "Memory of {depth} words of {width} bits, one write and one read port; data {stages} cycles after the address."
            ),
            Leaf::Multiplier { widths: [a, b], signed, stages, .. } => format!(
                "{} product of {a} and {b} bits, {stages} cycles after its operands.",
                if *signed { "Signed" } else { "Unsigned" }
            ),
        }
    }

    pub fn inputs(&self) -> Vec<(&'static str, usize)> {
        match self {
            Leaf::Ram { depth, width, .. } => {
                let address = crate::build::index_bits(*depth);
                vec![
                    ("write_enable", 1),
                    ("write_address", address),
                    ("write_data", *width),
                    ("read_address", address),
                ]
            }
            Leaf::Multiplier { widths: [a, b], .. } => vec![("a", *a), ("b", *b)],
        }
    }

    pub fn outputs(&self) -> Vec<(&'static str, usize)> {
        match self {
            Leaf::Ram { width, .. } => vec![("read_data", *width)],
            Leaf::Multiplier { widths: [a, b], .. } => vec![("product", a + b)],
        }
    }

    /// The Verilog between the ports and `endmodule`.
    pub fn body(&self) -> String {
        match self {
            Leaf::Ram { depth, width, stages: 0, .. } => small_ram(*depth, *width),
            Leaf::Ram { depth, width, stages, technology } => {
                (form(*technology).ram)(*depth, *width, *stages)
            }
            Leaf::Multiplier { widths, signed, stages, technology } => {
                (form(*technology).multiplier)(*widths, *signed, *stages)
            }
        }
    }
}

fn range(width: usize) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

/// Synthesis makes this of logic cells in every technology, since block memories are read with a clock: of
/// memories in them where a technology has such, else of flip-flops. An attribute that asks for the former would
/// be an error where there are none. The contents start at zero in all of them.
fn small_ram(depth: usize, width: usize) -> String {
    let word = range(width);
    format!(
        "reg {word}memory [0:{}];\ninteger i;\n\
         initial for (i = 0; i < {depth}; i = i + 1) memory[i] = 0;\n\
         always @(posedge clock) begin\n    if (write_enable) memory[write_address] <= write_data;\nend\n\
         assign read_data = memory[read_address];\n",
        depth - 1
    )
}

/// What a leaf remembers in simulation.
pub(crate) enum LeafState {
    Ram { words: Vec<BitVector>, pipeline: Vec<BitVector> },
    Multiplier { pipeline: Vec<BitVector> },
}

impl LeafState {
    pub fn new(leaf: &Leaf) -> LeafState {
        match leaf {
            Leaf::Ram { depth, width, stages, .. } => LeafState::Ram {
                words: vec![BitVector::zero(*width); *depth],
                pipeline: vec![BitVector::zero(*width); *stages],
            },
            Leaf::Multiplier { widths: [a, b], stages, .. } => {
                LeafState::Multiplier { pipeline: vec![BitVector::zero(a + b); *stages] }
            }
        }
    }

    /// A rising clock edge; inputs in the order of [`Leaf::inputs`].
    pub fn edge(&mut self, leaf: &Leaf, inputs: &[&BitVector]) {
        match self {
            LeafState::Ram { words, pipeline } => {
                let [enable, write, data, read] = inputs else { unreachable!("a memory has four inputs") };
                let width = data.width();
                let found = words.get(read.to_u64() as usize).cloned().unwrap_or(BitVector::zero(width));
                if !pipeline.is_empty() {
                    pipeline.rotate_right(1);
                    pipeline[0] = found;
                }
                if enable.bit(0)
                    && let Some(word) = words.get_mut(write.to_u64() as usize)
                {
                    *word = (*data).clone();
                }
            }
            LeafState::Multiplier { pipeline } => {
                let signed = matches!(leaf, Leaf::Multiplier { signed: true, .. });
                let number =
                    |v: &BitVector| if signed { i128::from(v.to_i64()) } else { i128::from(v.to_u64()) };
                let width = pipeline[0].width();
                pipeline.rotate_right(1);
                pipeline[0] = BitVector::new(number(inputs[0]) * number(inputs[1]), width);
            }
        }
    }

    /// The only output; `inputs` as for [`LeafState::edge`].
    pub fn output(&self, inputs: &[&BitVector]) -> BitVector {
        match self {
            LeafState::Ram { words, pipeline } if pipeline.is_empty() => {
                let [_, _, data, read] = inputs else { unreachable!("a memory has four inputs") };
                words.get(read.to_u64() as usize).cloned().unwrap_or(BitVector::zero(data.width()))
            }
            LeafState::Ram { pipeline, .. } | LeafState::Multiplier { pipeline } => {
                pipeline[pipeline.len() - 1].clone()
            }
        }
    }
}
