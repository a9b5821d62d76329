//! Leaves: the parts that a target technology has as hard blocks, each in a portable form and in
//! the form of a technology.

use crate::dynsig::Value;

mod ecp5;
#[cfg(test)]
mod tests;

/// How memories and multipliers are written in the Verilog. All forms behave alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Technology {
    /// Plain Verilog from which synthesis infers the hard blocks.
    #[default]
    Portable,
    /// Primitives of the Lattice ECP5: DP16KD and MULT18X18D with their registers.
    Ecp5,
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
            Leaf::Ram { depth, width, stages, technology: Technology::Ecp5 } => {
                ecp5::ram(*depth, *width, *stages)
            }
            Leaf::Ram { depth, width, stages, .. } => portable_ram(*depth, *width, *stages),
            Leaf::Multiplier { widths, signed, stages, technology: Technology::Ecp5 } => {
                ecp5::multiplier(*widths, *signed, *stages)
            }
            Leaf::Multiplier { widths, signed, stages, .. } => portable_multiplier(*widths, *signed, *stages),
        }
    }
}

fn range(width: usize) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

/// Synthesis makes this of logic cells in every technology; the contents start at zero there too.
fn small_ram(depth: usize, width: usize) -> String {
    let word = range(width);
    format!(
        "(* ram_style = \"distributed\" *)\nreg {word}memory [0:{}];\ninteger i;\n\
         initial for (i = 0; i < {depth}; i = i + 1) memory[i] = 0;\n\
         always @(posedge clock) begin\n    if (write_enable) memory[write_address] <= write_data;\nend\n\
         assign read_data = memory[read_address];\n",
        depth - 1
    )
}

fn portable_ram(depth: usize, width: usize, stages: usize) -> String {
    let word = range(width);
    let last = depth - 1;
    let mut text = format!("(* no_rw_check *)\nreg {word}memory [0:{last}];\nreg {word}data_1;\n");
    if stages > 1 {
        text += &format!("reg {word}data_2;\n");
    }
    text += &format!(
        "`ifndef SYNTHESIS\ninteger i;\ninitial begin\n    for (i = 0; i < {depth}; i = i + 1) memory[i] = 0;\n"
    );
    for stage in 1..=stages {
        text += &format!("    data_{stage} = 0;\n");
    }
    text += "end\n`endif\nalways @(posedge clock) begin\n    if (write_enable) memory[write_address] <= write_data;\nend\n";
    text += "always @(posedge clock) begin\n    data_1 <= memory[read_address];\n";
    if stages > 1 {
        text += "    data_2 <= data_1;\n";
    }
    text += &format!("end\nassign read_data = data_{stages};\n");
    text
}

/// The first of several stages holds the operands, the last the product.
fn portable_multiplier([a, b]: [usize; 2], signed: bool, stages: usize) -> String {
    let sign = if signed { "signed " } else { "" };
    let product = a + b;
    let mut text = String::new();
    let held = stages > 1;
    if held {
        text += &format!("reg {sign}{}a_1 = 0;\nreg {sign}{}b_1 = 0;\n", range(a), range(b));
    } else {
        text += &format!("wire {sign}{}a_1 = a;\nwire {sign}{}b_1 = b;\n", range(a), range(b));
    }
    let first = if held { 2 } else { 1 };
    for stage in first..=stages {
        text += &format!("reg {sign}[{}:0] product_{stage} = 0;\n", product - 1);
    }
    text += "always @(posedge clock) begin\n";
    if held {
        text += "    a_1 <= a;\n    b_1 <= b;\n";
    }
    text += &format!("    product_{first} <= a_1 * b_1;\n");
    for stage in first + 1..=stages {
        text += &format!("    product_{stage} <= product_{};\n", stage - 1);
    }
    text += &format!("end\nassign product = product_{stages};\n");
    text
}

/// What a leaf remembers in simulation.
pub(crate) enum LeafState {
    Ram { words: Vec<Value>, pipeline: Vec<Value> },
    Multiplier { pipeline: Vec<Value> },
}

impl LeafState {
    pub fn new(leaf: &Leaf) -> LeafState {
        match leaf {
            Leaf::Ram { depth, width, stages, .. } => LeafState::Ram {
                words: vec![Value::zero(*width); *depth],
                pipeline: vec![Value::zero(*width); *stages],
            },
            Leaf::Multiplier { widths: [a, b], stages, .. } => {
                LeafState::Multiplier { pipeline: vec![Value::zero(a + b); *stages] }
            }
        }
    }

    /// A rising clock edge; inputs in the order of [`Leaf::inputs`].
    pub fn edge(&mut self, leaf: &Leaf, inputs: &[&Value]) {
        match self {
            LeafState::Ram { words, pipeline } => {
                let [enable, write, data, read] = inputs else { unreachable!("a memory has four inputs") };
                let width = data.width();
                let found = words.get(read.to_u64() as usize).cloned().unwrap_or(Value::zero(width));
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
                let number = |v: &Value| if signed { i128::from(v.to_i64()) } else { i128::from(v.to_u64()) };
                let width = pipeline[0].width();
                pipeline.rotate_right(1);
                pipeline[0] = Value::new(number(inputs[0]) * number(inputs[1]), width);
            }
        }
    }

    /// The only output; `inputs` as for [`LeafState::edge`].
    pub fn output(&self, inputs: &[&Value]) -> Value {
        match self {
            LeafState::Ram { words, pipeline } if pipeline.is_empty() => {
                let [_, _, data, read] = inputs else { unreachable!("a memory has four inputs") };
                words.get(read.to_u64() as usize).cloned().unwrap_or(Value::zero(data.width()))
            }
            LeafState::Ram { pipeline, .. } | LeafState::Multiplier { pipeline } => {
                pipeline[pipeline.len() - 1].clone()
            }
        }
    }
}
