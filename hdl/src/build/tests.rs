//! Every operation of the builder, at widths below, at and above a limb, in rust-hdl's simulation
//! and in Icarus Verilog.

use super::{Builder, Expr, Module, Ops, Ram, and_or, concat, lit, or_all, pack, zero};
use crate::check::{Bench, Tested, differential, lint};
use crate::technology::models;
use std::sync::Arc;
use tilewright_arch::technology::Technology;

/// One output for each operation on operands of `width` bits.
fn operations(width: usize) -> Arc<Module> {
    let mut b = Builder::new(format!("operations_{width}"), "Every operation.");
    let x = b.input("x", width);
    let y = b.input("y", width);
    let c = b.input("c", 1);
    let by = b.input("by", 9);
    let mut results: Vec<(&str, Expr)> = vec![
        ("sum", x + y),
        ("difference", x - y),
        ("both", x & y),
        ("either", x | y),
        ("odd", x ^ y),
        ("inverse", !x),
        ("plus_3", x.plus(3)),
        ("minus_3", x.plus(-3)),
        ("chosen", c.mux(x, y)),
        ("equal", x.equals(y)),
        ("unequal", x.differs(y)),
        ("is_0", x.is(0)),
        ("smaller", x.less(y)),
        ("any_of", x.any()),
        ("all_of", x.all()),
        ("sum_sign", (x + y).sign()),
        ("swapped", concat([y, x])),
        ("wide", (x + y).zero_extend(width + 70)),
        ("wide_signed", (x - y).sign_extend(width + 70)),
        ("repeated", c.repeat(width)),
        // Signs and widths must not leak out of their operation.
        ("mixed", y + (x.is(0).sign_extend(width) - (!x & y))),
        ("negative", (x - y).truncate(width.min(5)).sign_extend(140)),
        ("inner", (!(x + y)).less(!x ^ y).mux(x - y, x + lit(1, width))),
        ("picked", concat([x, y]).select(by, 1)),
        ("gated", and_or([(c.into(), x.into()), (!c, y.into()), (x.bit(0), x - y)])),
        ("tree", or_all([x, y]) | zero(width)),
        ("side_by_side", pack([c, x, y])),
    ];
    if width > 3 {
        results.push(("middle", (x + y).slice(1, width - 2)));
        results.push(("elements", or_all((x - y).truncate(width / 2 * 2).elements(2))));
    }
    if width <= 64 {
        results.push(("smaller_signed", x.less_signed(y)));
    }
    for (name, value) in results {
        b.output(name, value);
    }
    b.finish()
}

#[test]
fn operations_agree() {
    for width in [1, 2, 7, 31, 32, 33, 63, 64, 65, 130, 257] {
        let module = operations(width);
        differential(&Tested::new(module.clone()).below("by", 300), 120, width as u64);
        lint(&module);
    }
}

#[test]
fn registers_keep_enable_and_reset() {
    let mut b = Builder::new("kept", "Registers of every kind.");
    let x = b.input("x", 70);
    let c = b.input("c", 1);
    let plain = b.register("plain", x);
    let enabled = b.register_when("enabled", c, x);
    let cleared = b.reg_reset("cleared", 70);
    b.set_when(cleared, c, cleared + x);
    let late = b.delay("late", x.bit(3), 3);
    let wire = b.forward("wire_later", 70);
    let seen = b.register("seen", wire);
    b.drive(wire, plain ^ enabled);
    for (name, sig) in
        [("plain", plain), ("enabled", enabled), ("cleared", cleared), ("late", late), ("seen", seen)]
    {
        b.output(name, sig);
    }
    differential(&Tested::new(b.finish()).rarely("reset", 9), 300, 5);
}

fn leaves(technology: Technology, stages: usize, sizes: &[(usize, usize)]) -> Arc<Module> {
    let mut b = Builder::new("leaves", "Memories and multipliers.");
    let write = b.input("write", 1);
    for (i, (depth, width)) in sizes.iter().enumerate() {
        let bits = super::index_bits(*depth);
        // Few different words, from both ends of the memory, so that they are met again.
        let mut address = |name: &str| -> Expr {
            let short = b.input(&format!("{name}_{i}"), bits.min(4));
            match bits.checked_sub(4) {
                None | Some(0) => short.into(),
                Some(more) => concat([short.bit(3), zero(more), short.truncate(3)]),
            }
        };
        let place = address("place");
        let from = address("from");
        let data = b.input(&format!("data_{i}"), *width);
        let ram = Ram {
            depth: *depth,
            write_enable: write & place.clone().differs(&from),
            write_address: place,
            write_data: data.into(),
            read_address: from,
        };
        let found = b.ram(&format!("ram_{i}"), technology, stages.min(2), ram);
        b.output(&format!("found_{i}"), found);
    }
    for (i, (a, c, signed)) in
        [(8, 8, true), (18, 18, true), (17, 9, false), (1, 18, true)].into_iter().enumerate()
    {
        let a = b.input(&format!("a_{i}"), a);
        let c = b.input(&format!("b_{i}"), c);
        let product = b.multiply(&format!("multiplier_{i}"), technology, stages, signed, a, c);
        b.output(&format!("product_{i}"), product);
    }
    b.finish()
}

/// The leaves of every technology, with models of its primitives in plain Verilog, behave as they are simulated here.
#[test]
fn leaves_agree() {
    for (&technology, stages) in Technology::ALL.iter().flat_map(|t| (1..=4).map(move |stages| (t, stages))) {
        let sizes = [(64, 8), (2, 1), (256, 33), (2048, 9), (4096, 8), (1024, 20), (3000, 9), (16384, 3)];
        let tested = Tested::new(leaves(technology, stages, &sizes));
        differential(&tested.with(models(technology)), 400, stages as u64);
    }
}

#[test]
fn a_write_is_read_after_its_stages() {
    for &technology in Technology::ALL {
        let mut bench = Bench::new(&leaves(technology, 2, &[(64, 8)]));
        bench.set("write", 1);
        bench.set("place_0", 5);
        bench.set("data_0", 77);
        bench.tick();
        bench.set("write", 0);
        bench.set("from_0", 5);
        bench.tick();
        assert_eq!(bench.number("found_0"), 0);
        bench.tick();
        assert_eq!(bench.number("found_0"), 77);
    }
}

#[test]
#[should_panic(expected = "depends on itself")]
fn loops_are_found() {
    let mut b = Builder::new("ring", "A loop.");
    let wire = b.forward("around", 4);
    b.drive(wire, wire.plus(1));
    b.output("value", wire);
    b.finish();
}

#[test]
#[should_panic(expected = "operands have one width")]
fn widths_are_checked() {
    let mut b = Builder::new("narrow", "Different widths.");
    let (x, y) = (b.input("x", 4), b.input("y", 5));
    b.output("sum", x + y);
}
