//! Writes the text of a program.

use super::fields::{self, KeyedNumbers};
use super::{MEMORIES, REDUCES, VERSION};
use crate::instr::{Sync, TileOp, Transfer, Unit};
use crate::program::{Line, Program, TensorPort};
use std::fmt::Write;

/// Bytes of a line of data.
const DATA_BYTES: usize = 64;

/// The text of a program; [`super::parse`] gives the program back if its configuration is legal.
pub fn print(program: &Program) -> String {
    let mut text = format!("{VERSION}\nconfig\n");
    for line in program.config.to_toml().lines() {
        line_of(&mut text, format_args!("  {line}"));
    }
    line_of(&mut text, format_args!("end\nmemory {}", program.memory_bytes));
    for unit in Unit::ALL {
        let address = program.stream_address[unit as usize];
        line_of(&mut text, format_args!("stream {} {address}", unit.name()));
    }
    for (i, layer) in program.layers.iter().enumerate() {
        let (operator, name) = (quote(&layer.operator), quote(&layer.name));
        line_of(&mut text, format_args!("layer {i} macs={} operator={operator} name={name}", layer.macs));
    }
    program.inputs.iter().for_each(|p| port(&mut text, "input", p));
    program.outputs.iter().for_each(|p| port(&mut text, "output", p));
    for (address, bytes) in &program.data {
        line_of(&mut text, format_args!("data {address}"));
        for chunk in bytes.chunks(DATA_BYTES) {
            text.push_str("  ");
            chunk.iter().for_each(|byte| hexadecimal(&mut text, *byte));
            text.push('\n');
        }
    }
    for (unit, list) in [(Unit::Compute, &program.compute), (Unit::Vector, &program.vector)] {
        list.iter().for_each(|line| tile(&mut text, program, unit, line));
    }
    for (unit, list) in [(Unit::Load, &program.load), (Unit::Store, &program.store)] {
        list.iter().for_each(|line| transfer(&mut text, program, unit, line));
    }
    text
}

/// Appends a line; writing to a `String` cannot fail.
fn line_of(text: &mut String, line: std::fmt::Arguments) {
    let _ = text.write_fmt(line);
    text.push('\n');
}

fn hexadecimal(text: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 15] {
        text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
    }
}

/// A name in quotes, on one line whatever it holds.
fn quote(name: &str) -> String {
    let mut text = String::from('"');
    for c in name.chars() {
        match c {
            '"' | '\\' => {
                text.push('\\');
                text.push(c);
            }
            c if c.is_control() => {
                let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

fn port(text: &mut String, kind: &str, port: &TensorPort) {
    let shape: Vec<String> = port.shape.iter().map(usize::to_string).collect();
    let TensorPort { address, scale, zero, name, .. } = port;
    let wide = if port.wide { " wide=1" } else { "" };
    line_of(
        text,
        format_args!(
            "{kind} address={address} shape={} scale={scale:?} zero={zero}{wide} name={}",
            shape.join(","),
            quote(name)
        ),
    );
}

fn sync(text: &mut String, sync: &Sync) {
    for (key, mask) in [("wait", sync.wait), ("signal", sync.signal)] {
        if mask != 0 {
            let numbers: Vec<String> =
                (0..16).filter(|s| mask >> s & 1 == 1).map(|s| s.to_string()).collect();
            let _ = write!(text, " {key}={}", numbers.join(","));
        }
    }
}

/// Appends the keys whose numbers differ from the defaults, or that `always` names.
fn keys(text: &mut String, places: KeyedNumbers, defaults: KeyedNumbers, always: &str) {
    for ((key, numbers), (_, defaults)) in places.into_iter().zip(defaults) {
        let numbers: Vec<i64> = numbers.iter().map(|n| n.get()).collect();
        if key == always || numbers.iter().zip(&defaults).any(|(n, d)| *n != d.get()) {
            let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
            let _ = write!(text, " {key}={}", numbers.join(","));
        }
    }
}

fn layer(text: &mut String, program: &Program, layer: usize) {
    if layer != 0 {
        let _ = write!(text, " layer={layer}");
    }
    if let Some(layer) = program.layers.get(layer).filter(|l| !l.name.is_empty()) {
        let _ = write!(text, " ; {}", layer.name.escape_debug());
    }
    text.push('\n');
}

fn tile(text: &mut String, program: &Program, unit: Unit, line: &Line<TileOp>) {
    let mut op = line.op;
    let mnemonic = REDUCES.iter().find(|(_, reduce)| *reduce == op.reduce).map_or("dense", |r| r.0);
    let _ = write!(text, "{} {mnemonic}", unit.name());
    sync(text, &op.sync);
    keys(text, fields::tile(&mut op), fields::tile(&mut fields::default_tile()), "");
    if let Some(table) = op.table {
        let _ = write!(text, " table={table}");
    }
    if let Some(mut operand) = op.operand {
        let mut default = fields::default_operand();
        keys(text, fields::operand(&mut operand), fields::operand(&mut default), "operand.scale");
    }
    layer(text, program, line.layer);
}

fn transfer(text: &mut String, program: &Program, unit: Unit, line: &Line<Transfer>) {
    let mut op = line.op;
    let _ = write!(text, "{0} {0}", unit.name());
    sync(text, &op.sync);
    let memory = MEMORIES.iter().find(|(_, memory)| *memory == op.memory).map_or("feature", |m| m.0);
    if memory != "feature" {
        let _ = write!(text, " memory={memory}");
    }
    keys(text, fields::transfer(&mut op), fields::transfer(&mut fields::default_transfer()), "");
    layer(text, program, line.layer);
}
