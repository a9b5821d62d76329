//! Leaves from which synthesis infers the hard blocks of any technology.

use super::{LeafForm, range};

pub(super) const FORM: LeafForm = LeafForm { ram, multiplier, models: "" };

fn ram(depth: usize, width: usize, stages: usize) -> String {
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
fn multiplier([a, b]: [usize; 2], signed: bool, stages: usize) -> String {
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
