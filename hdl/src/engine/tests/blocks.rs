//! Every block of the engine: rust-hdl's simulation against the emitted Verilog, and the requantiser
//! against the arithmetic of `arch`.

use super::random;
use crate::build::Module;
use crate::check::{Bench, Tested, differential};
use crate::dynsig::BitVector;
use crate::engine::lanes::{LaneUse, chain, lanes};
use crate::engine::requantise::requantiser;
use crate::engine::walker::{Walked, walker};
use crate::engine::{
    Shape, array, channels, columns, crossbar, gather, offset, post, reducer, stepper, target, tile_engine,
    weights,
};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::config::Pipeline;
use tilewright_arch::encoding::OUTPUT_TARGET;
use tilewright_arch::fixed::{CHANNEL_PARTS, MAX_MANTISSA, OperandScale, Post, post as expected};
use tilewright_arch::instr::{Operand, Ring, Target, TileOp, Unit, Walk};
use tilewright_arch::technology::Technology;
use tilewright_random::Random;

/// Sizes that are powers of two where an address could otherwise lie outside.
fn shape(unit: Unit, lanes: usize, columns: usize) -> Shape {
    let mut config = Config::sized(lanes, columns);
    config.feature.pages = 2;
    config.feature.page_rows = 64;
    config.weight_words = 64;
    config.parameter_words = 16;
    config.tables = 2;
    config.pipeline.fanout = 2;
    config.vector_slot = lanes - 1;
    config.memory.bus_bytes = 2;
    Shape::new(&config, unit)
}

/// The blocks with the inputs that need more than noise.
fn blocks(shape: &Shape) -> Vec<Tested> {
    let plain = |module: Arc<Module>| Tested::new(module);
    let steered = |module| Tested::new(module).held("instruction", 60).rarely("issue", 60);
    let mut list = vec![
        plain(offset::offset(shape)),
        plain(chain(shape, "input", 20)),
        plain(lanes(shape, "input", LaneUse::Input)),
        plain(lanes(shape, "target", LaneUse::Target)),
        plain(crossbar::to_banks(shape, "write_crossbar", 11, true)),
        plain(crossbar::to_lanes(shape, "data_crossbar", true)),
        steered(stepper::stepper(shape)),
        steered(walker(shape, Walked::Input)).rarely("start", 12),
        steered(walker(shape, Walked::Target("output", &OUTPUT_TARGET))).rarely("start", 12),
        steered(gather::gather(shape)).rarely("first", 10),
        Tested::new(columns::columns()).held("instruction", 60).held("slot_less_1", 60).rarely("start", 20),
        Tested::new(columns::lead_time(shape)).held("slot_less_1", 60).rarely("start", 12),
        steered(target::output(shape)).rarely("first", 10),
        steered(target::operand(shape)).rarely("first", 10),
        steered(channels::channels(shape)),
        Tested::new(requantiser(shape)).held("instruction", 10),
        Tested::new(post::post(shape)).held("instruction", 60),
    ];
    if shape.unit == Unit::Vector {
        list.push(Tested::new(reducer::reducer(shape)).held("instruction", 60).rarely("first", 9));
    } else {
        list.push(steered(weights::weights(shape)));
        list.push(plain(array::array(shape)).rarely("last", 9));
    }
    list
}

#[test]
fn simulations_agree() {
    for (unit, lanes, columns) in [(Unit::Compute, 5, 3), (Unit::Vector, 4, 2)] {
        for (i, block) in blocks(&shape(unit, lanes, columns)).iter().enumerate() {
            differential(block, 250, i as u64 + 1);
        }
    }
}

/// Widths fit at the ends of every range.
#[test]
fn every_size_can_be_described() {
    let mut random = Random::new(1);
    for lanes in [2, 3, 4, 5, 15, 16, 17, 31, 33, 62, 63] {
        for _ in 0..6 {
            let mut between = |low: usize, high: usize| random.within(low, high);
            let mut config = Config::sized(lanes, between(2, 20));
            config.compute_slot = between(1, lanes);
            config.vector_slot = between(1, lanes);
            config.feature.pages = between(2, 4);
            config.feature.page_rows = 64 << between(0, 5);
            config.weight_words = between(64, 3000);
            config.parameter_words = between(16, 4096);
            config.tables = between(1, 16);
            config.memory.bus_bytes = 1 << between(0, lanes.min(16).ilog2() as usize);
            config.pipeline = Pipeline {
                multiplier: between(1, 4),
                ram: between(1, 2),
                crossbar: between(1, 3),
                fanout: between(1, 64),
            };
            config.validate().expect("the configuration is legal");
            config.technology = Technology::Ecp5;
            tile_engine(&config, Unit::Compute);
            tile_engine(&config, Unit::Vector);
        }
    }
}

/// The bytes of an instruction at the port.
fn word(bytes: &[u8]) -> BitVector {
    let mut word = BitVector::zero(8 * bytes.len());
    for (i, byte) in bytes.iter().enumerate() {
        word.set_slice(8 * i, &BitVector::new(i128::from(*byte), 8));
    }
    word
}

/// One value a cycle against [`tilewright_arch::fixed::post`], extremes included.
#[test]
fn requantiser_is_exact() {
    for stages in [1, 3, 4] {
        let mut shape = shape(Unit::Vector, 4, 2);
        shape.config.pipeline.multiplier = stages;
        let latency = shape.requantise_latency();
        let mut bench = Bench::new(&requantiser(&shape));
        let mut random = Random::new(stages as u64);
        let mut tables = [[0i8; 256]; 2];
        for address in (0..512).step_by(2) {
            let beat = random.bits() as u16;
            for (i, byte) in beat.to_le_bytes().into_iter().enumerate() {
                tables[address / 256][(address + i) % 256] = byte as i8;
            }
            bench.set("table_write", 1);
            bench.set("table_address", address as i128);
            bench.set("table_data", beat);
            bench.tick();
        }
        bench.set("table_write", 0);
        for round in 0..60 {
            let mantissa = random::any_mantissa(&mut random);
            let scale = OperandScale {
                mantissa: if round % 5 == 0 { MAX_MANTISSA } else { mantissa },
                // Small shifts saturate, large ones leave nothing: most are between.
                shift: if round % 4 == 0 { random.below(64) } else { 4 + random.below(14) } as u8,
                multiply: round / 3 % 2 == 0,
                ..random::operand_scale(&mut random)
            };
            let mut op = TileOp { groups: 1, tiles: 1, lanes: 1, columns: 1, ..TileOp::default() };
            op = TileOp { last_columns: 1, inner_columns: 1, width: 1, ..op };
            op.steps.iter_mut().for_each(|s| s.count = 1);
            op.output.segments = 1;
            op.output.segment_lanes = 1;
            op.operand = (round % 3 > 0).then_some(Operand { target: op.output, scale });
            let lo = random.within(-128, 100);
            let hi = random.within(lo, 127) as i8;
            op.post = Post { zero: random.bits() as i8, lo: lo as i8, hi };
            op.table = (round % 2 == 0).then_some(round / 2 % 2);
            let bytes = op.encode(4).expect("all fields fit");
            bench.set_value("instruction", &word(&bytes));
            let (mut want, mut operands) = (vec![], vec![]);
            for cycle in 0..60 + latency {
                let channel = random::channel(&mut random);
                let sum = match random.below(6) {
                    0 => i32::MIN,
                    1 => i32::MAX,
                    2 => random.below(200) as i32 - 100,
                    _ => random.bits() as i32 >> random.below(24),
                };
                let operand = random.bits() as i8;
                let mut word = 0i128;
                let parts = [
                    i128::from(channel.bias),
                    i128::from(channel.mantissa),
                    i128::from(channel.negative_mantissa),
                    i128::from(channel.shift),
                    i128::from(channel.half.bits()),
                ];
                let mut low = 0;
                for (value, (_, width)) in parts.into_iter().zip(CHANNEL_PARTS) {
                    word |= (value & ((1 << width) - 1)) << low;
                    low += width;
                }
                bench.set("sum", i128::from(sum));
                bench.set("channel", word);
                operands.push(operand);
                if let Some(late) = cycle.checked_sub(shape.operand_late()) {
                    bench.set("operand", i128::from(operands[late]));
                }
                let scale = op.operand.as_ref().map(|o| (operand, &o.scale));
                let table = op.table.map(|t| &tables[t]);
                want.push(expected(sum, &channel, scale, &op.post, table));
                if cycle >= latency {
                    let got = bench.number("result") as u8 as i8;
                    assert_eq!(got, want[cycle - latency], "{stages} stages, round {round}, cycle {cycle}");
                }
                bench.tick();
            }
        }
    }
}

/// An issue in the middle of a walk, as when the instruction before ended early, starts a clean one.
#[test]
fn issue_ends_a_walk() {
    let shape = shape(Unit::Compute, 9, 3);
    let mut bench = Bench::new(&walker(&shape, Walked::Target("output", &OUTPUT_TARGET)));
    let mut op = TileOp { groups: 1, tiles: 1, lanes: 9, columns: 1, last_columns: 1, ..TileOp::default() };
    op = TileOp { inner_columns: 1, width: 4, lines: 9, line_step: 1, ..op };
    op.steps.iter_mut().for_each(|s| s.count = 1);
    op.output = Target { segments: 1, segment_lanes: 9, ..Target::default() };
    op.output.walk = Walk { base: 7, line: 40, pixel: 5, ring: Ring::NONE, group: 0 };
    bench.set_value("instruction", &word(&op.encode(9).expect("all fields fit")));
    for gap in 1..14 {
        let mut found = vec![];
        for cycle in 0..gap + 20 {
            bench.set("issue", i128::from(cycle == 0 || cycle == gap));
            if bench.number("push") == 1 {
                found.push(bench.number("row") as i32 * 9 + bench.number("bank") as i32);
            }
            bench.tick();
        }
        let want: Vec<i32> = (0..9).map(|q| 7 + q / 4 * 40 + q % 4 * 5).collect();
        assert_eq!(found[found.len() - 9..], want, "{gap} cycles between the issues");
    }
}
