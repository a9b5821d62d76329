//! Leaves as primitives of the Lattice ECP5.

mod pll;

pub(crate) use pll::Pll;

use super::{LeafForm, range};

pub(super) const FORM: LeafForm = LeafForm { ram, multiplier, models: include_str!("models.v") };

/// Parameters of a MULT18X18D that differ from the defaults by the registers in use.
fn multiplier_register(name: &str, used: bool) -> String {
    let clock = if used { "CLK0" } else { "NONE" };
    format!(".REG_{name}_CLK(\"{clock}\"), .REG_{name}_CE(\"CE0\"), .REG_{name}_RST(\"RST0\")")
}

/// `.P0(net[0]), ...`; `connection(i)` is what pin i is connected to.
fn pins(prefix: &str, count: usize, connection: impl Fn(usize) -> String) -> String {
    let pin = |i| format!(".{prefix}{i}({})", connection(i));
    (0..count).map(pin).collect::<Vec<_>>().join(", ")
}

/// A MULT18X18D: input register from two stages on, output register always, then registers in the
/// fabric, which give routing a cycle of its own.
fn multiplier([a, b]: [usize; 2], signed: bool, stages: usize) -> String {
    let product = a + b;
    let extend = |name: &str, width: usize| match (width, signed) {
        (18, _) => name.to_string(),
        (1, true) => format!("{{18{{{name}}}}}"),
        (width, true) => format!("{{{{{}{{{name}[{}]}}}}, {name}}}", 18 - width, width - 1),
        (width, false) => format!("{{{}'d0, {name}}}", 18 - width),
    };
    let fabric = stages.saturating_sub(2);
    let sign = if signed { "1'b1" } else { "1'b0" };
    let mut text = format!(
        "wire [17:0] a_18 = {};\nwire [17:0] b_18 = {};\nwire [35:0] p;\n",
        extend("a", a),
        extend("b", b)
    );
    for stage in 1..=fabric {
        text += &format!("reg [{}:0] product_{stage} = 0;\n", product - 1);
    }
    if fabric > 0 {
        text += "always @(posedge clock) begin\n";
        for stage in 1..=fabric {
            let source =
                if stage == 1 { format!("p[{}:0]", product - 1) } else { format!("product_{}", stage - 1) };
            text += &format!("    product_{stage} <= {source};\n");
        }
        text += &format!("end\nassign product = product_{fabric};\n");
    } else {
        text += &format!("assign product = p[{}:0];\n", product - 1);
    }
    let registers = [
        multiplier_register("INPUTA", stages > 1),
        multiplier_register("INPUTB", stages > 1),
        multiplier_register("PIPELINE", false),
        multiplier_register("OUTPUT", true),
    ];
    text += &format!("MULT18X18D #(\n    {},\n", registers.join(",\n    "));
    text += "    .CLK0_DIV(\"ENABLED\"), .GSR(\"DISABLED\"), .SOURCEB_MODE(\"B_SHIFT\"), .RESETMODE(\"SYNC\")\n) multiplier (\n";
    text += &format!("    {},\n", pins("A", 18, |i| format!("a_18[{i}]")));
    text += &format!("    {},\n", pins("B", 18, |i| format!("b_18[{i}]")));
    text += &format!("    {},\n", pins("C", 18, |_| "1'b0".into()));
    text += &format!("    {},\n", pins("P", 36, |i| format!("p[{i}]")));
    text += &format!("    .SIGNEDA({sign}), .SIGNEDB({sign}), .SOURCEA(1'b0), .SOURCEB(1'b0),\n");
    text += "    .CLK0(clock), .CE0(1'b1), .RST0(1'b0)\n);\n";
    text
}

/// Word widths of a DP16KD with its words and the first address bit in use.
const SHAPES: [(usize, usize, usize); 5] =
    [(18, 1024, 4), (9, 2048, 3), (4, 4096, 2), (2, 8192, 1), (1, 16384, 0)];

/// The shape that takes the fewest blocks; of equals the one with the fewest rows of blocks.
fn shape(depth: usize, width: usize) -> (usize, usize, usize) {
    let blocks = |s: &(usize, usize, usize)| (width.div_ceil(s.0) * depth.div_ceil(s.1), depth.div_ceil(s.1));
    SHAPES.into_iter().min_by_key(blocks).expect("there are five shapes")
}

/// Port A writes, port B reads; the second stage is the block's output register.
fn ram(depth: usize, width: usize, stages: usize) -> String {
    let (bits, words, first) = shape(depth, width);
    let (columns, rows) = (width.div_ceil(bits), depth.div_ceil(words));
    let address = crate::build::index_bits(depth);
    let inside = address.min(14 - first);
    let mut text = String::new();
    if rows > 1 {
        let high = address - inside;
        text += &format!("reg {}row_1 = 0;\n", range(high));
        if stages > 1 {
            text += &format!("reg {}row_2 = 0;\n", range(high));
        }
        text +=
            &format!("always @(posedge clock) begin\n    row_1 <= read_address[{}:{inside}];\n", address - 1);
        if stages > 1 {
            text += "    row_2 <= row_1;\n";
        }
        text += "end\n";
    }
    for row in 0..rows {
        text += &format!("wire [{}:0] data_{row};\n", columns * bits - 1);
        if rows > 1 {
            let high = address - inside;
            text += &format!(
                "wire enable_{row} = write_enable & (write_address[{}:{inside}] == {high}'d{row});\n",
                address - 1
            );
        } else {
            text += &format!("wire enable_{row} = write_enable;\n");
        }
    }
    text += &format!("wire [{}:0] write_bits = {};\n", columns * bits - 1, padded(width, columns * bits));
    let mut chosen = format!("data_{}[{}:0]", rows - 1, width - 1);
    for row in (0..rows - 1).rev() {
        let high = address - inside;
        chosen = format!("row_{stages} == {high}'d{row} ? data_{row}[{}:0] :\n    {chosen}", width - 1);
    }
    text += &format!("assign read_data = {chosen};\n");
    let mode = if stages > 1 { "OUTREG" } else { "NOREG" };
    for row in 0..rows {
        for column in 0..columns {
            let pin = |port: &str, i: usize| {
                if i < first {
                    // Byte enables of an 18-bit write port.
                    let enable = bits == 18 && i < 2 && port == "write_address";
                    format!("1'b{}", u8::from(enable))
                } else if i - first < inside {
                    if address == 1 { port.to_string() } else { format!("{port}[{}]", i - first) }
                } else {
                    "1'b0".into()
                }
            };
            let low = column * bits;
            text += &format!(
                "DP16KD #(\n    .DATA_WIDTH_A({bits}), .DATA_WIDTH_B({bits}), .REGMODE_A(\"NOREG\"), .REGMODE_B(\"{mode}\"),\n    \
                 .RESETMODE(\"SYNC\"), .CSDECODE_A(\"0b000\"), .CSDECODE_B(\"0b000\"), .CLKAMUX(\"CLKA\"), .CLKBMUX(\"CLKB\"),\n    \
                 .WRITEMODE_A(\"NORMAL\"), .WRITEMODE_B(\"NORMAL\"), .GSR(\"DISABLED\")\n) block_{row}_{column} (\n    \
                 .CLKA(clock), .WEA(enable_{row}), .CEA(1'b1), .OCEA(1'b1), .RSTA(1'b0), .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),\n    \
                 .CLKB(clock), .WEB(1'b0), .CEB(1'b1), .OCEB(1'b1), .RSTB(1'b0), .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),\n    \
                 {},\n    {},\n    {},\n    {},\n    {}\n);\n",
                pins("ADA", 14, |i| pin("write_address", i)),
                pins("ADB", 14, |i| pin("read_address", i)),
                pins("DIA", 18, |i| if i < bits {
                    format!("write_bits[{}]", low + i)
                } else {
                    "1'b0".into()
                }),
                pins("DIB", 18, |_| "1'b0".into()),
                pins("DOB", bits, |i| format!("data_{row}[{}]", low + i)),
            );
        }
    }
    text
}

fn padded(width: usize, total: usize) -> String {
    if width == total { "write_data".into() } else { format!("{{{}'d0, write_data}}", total - width) }
}
