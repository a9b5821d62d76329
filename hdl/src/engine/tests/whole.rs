//! The whole engine: bytes and cycles of random operations.

use super::cosimulation::Engine;
use super::model::{self, Memories};
use super::random;
use tilewright_arch::config::Pipeline;
use tilewright_arch::instr::{Operand, Reduce, TileOp, Unit};
use tilewright_arch::{Config, timing};
use tilewright_random::Random;

/// A machine with small memories.
fn machine(lanes: usize, columns: usize, edit: fn(&mut Config)) -> Config {
    let mut config = Config::sized(lanes, columns);
    config.feature.pages = 2;
    config.feature.page_rows = 1024;
    config.weight_words = 101;
    config.parameter_words = 64;
    config.tables = 2;
    config.memory.bus_bytes = if lanes < 4 { 2 } else { 4 };
    edit(&mut config);
    config.validate().expect("the configuration is legal");
    config
}

fn memories(random: &mut Random, config: &Config, feature_bytes: usize) -> Memories {
    let mut byte = |_| random.bits() as i8;
    let feature = (0..feature_bytes).map(&mut byte).collect();
    let weights = (0..config.weight_words).map(|_| (0..config.columns).map(&mut byte).collect()).collect();
    let tables = (0..config.tables).map(|_| std::array::from_fn(&mut byte)).collect();
    let channels = (0..config.parameter_words).map(|_| random::channel(random)).collect();
    Memories { feature, weights, channels, tables, kept: None }
}

/// A kind of operation: its name, and whether an operation is of it.
type Kind<'a> = (&'static str, Box<dyn Fn(&TileOp) -> bool + 'a>);

/// What the accepted operations have to contain, each at least a few times.
fn kinds(unit: Unit, config: &Config) -> Vec<Kind<'_>> {
    let drain = move |op: &TileOp| op.columns as u64 * timing::slot(op, unit, config);
    let period = move |op: &TileOp| timing::period(op, unit, config);
    let repeated = |op: &TileOp, o: &Operand| o.target.walk.pixel == 0 && op.width.min(op.lanes) > 1;
    let together = move |op: &TileOp, o: &Operand| repeated(op, o) && o.target.segment_lanes > 1;
    let many = |op: &TileOp| op.groups * op.tiles > 1;
    let mut kinds: Vec<Kind<'_>> = vec![
        ("operand", Box::new(|op| op.operand.is_some())),
        ("multiplied", Box::new(|op| op.operand.is_some_and(|o| o.scale.multiply))),
        ("repeated operand", Box::new(move |op| op.operand.is_some_and(|o| repeated(op, &o)))),
        ("operand read together", Box::new(move |op| op.operand.is_some_and(|o| together(op, &o)))),
        ("no operand", Box::new(|op| op.operand.is_none())),
        ("table", Box::new(|op| op.table.is_some())),
        ("groups", Box::new(|op| op.groups > 1)),
        ("tiles", Box::new(|op| op.tiles > 2)),
        ("few lanes", Box::new(|op| op.lanes < config.lanes)),
        ("line stop", Box::new(|op| op.line_stop && op.tiles > 1)),
        ("input ring", Box::new(|op| op.input.walk.ring.line < op.input.height)),
        ("output ring", Box::new(|op| op.output.walk.ring.line < op.lines)),
        ("segments", Box::new(|op| op.output.segments > 1 && op.output.segment_lanes < op.lanes)),
        ("walk-bound", Box::new(move |op| many(op) && drain(op).max(op.reduction()) < period(op))),
        ("steps-bound", Box::new(move |op| many(op) && op.reduction() == period(op))),
        ("pads", Box::new(|op| op.input.y0 < 0 && op.input.x0 < 0)),
    ];
    if unit == Unit::Compute {
        kinds.push(("dense", Box::new(|op| op.reduce == Reduce::Dense)));
        kinds.push(("rows", Box::new(|op| op.reduce == Reduce::Rows && op.taps > 1 && op.columns > 1)));
        if config.columns > 2 {
            let inner = |op: &TileOp| op.column_y == 0 && (2..op.columns).contains(&op.inner_columns);
            kinds.push(("inner", Box::new(inner)));
        }
        if config.columns * config.compute_slot > config.lanes + timing::WALK as usize {
            kinds.push(("drain-bound", Box::new(move |op| many(op) && drain(op) == period(op))));
        }
        kinds.push(("kept", Box::new(|op| op.keep)));
        kinds.push(("wide kept", Box::new(|op| op.keep && op.wide)));
        kinds.push(("last columns", Box::new(|op| op.groups > 1 && op.last_columns < op.columns)));
    } else {
        kinds.push(("sum", Box::new(|op| op.reduce == Reduce::Sum)));
        kinds.push(("maximum", Box::new(|op| op.reduce == Reduce::Max)));
    }
    kinds
}

/// Runs `count` random operations.
fn check(name: &str, config: &Config, unit: Unit, count: usize, seed: u64) {
    let mut random = Random::new(seed);
    let mut engine = Engine::new(config, unit);
    let mut memories = memories(&mut random, config, engine.feature_bytes);
    engine.load(&memories);
    let (mut ops, mut tried) = (vec![], 0);
    let kinds = kinds(unit, config);
    let rare = |ops: &[(TileOp, _)]| {
        let seldom = |(_, holds): &&Kind<'_>| ops.iter().filter(|(op, _)| holds(op)).count() < 3;
        kinds.iter().find(seldom).map(|(kind, _)| *kind)
    };
    while ops.len() < count || rare(&ops).is_some() {
        tried += 1;
        let (found, rare) = (ops.len(), rare(&ops));
        assert!(tried < 1000 * count, "only {found} of {tried} operations have no fault; seldom: {rare:?}");
        let op = random::operation(&mut random, unit, config);
        let chain = [random::kept(&mut random, &op, config), vec![op]].concat();
        let mut after = memories.clone();
        if chain.iter().any(|op| model::run(op, config, &mut after).is_err()) {
            continue;
        }
        // What is kept writes nothing: the features are those before up to the last of them.
        let before = std::mem::replace(&mut memories, after).feature;
        for (i, op) in chain.iter().enumerate() {
            engine.operation(op, 1 + random.below(3) as u32 * random.below(9) as u32, i > 0);
            ops.push((*op, if op.keep { &before } else { &memories.feature }.clone()));
        }
    }
    for (i, ((op, want), got)) in ops.iter().zip(engine.run(name)).enumerate() {
        let wrong: Vec<_> = (0..want.len()).filter(|at| want[*at] != got.feature[*at]).collect();
        let duration = timing::duration(op, unit, config);
        assert!(
            wrong.is_empty() && duration == u64::from(got.cycles),
            "{name} {i}: {} bytes wrong, the first at {:?} (row, bank); {} cycles instead of {duration}\n{op:#?}",
            wrong.len(),
            wrong.first().map(|at| (at / config.lanes, at % config.lanes)),
            got.cycles,
        );
    }
}

/// Both units, all kinds of operations.
fn check_both(name: &str, config: &Config, count: usize, seed: u64) {
    check(&format!("{name}_compute"), config, Unit::Compute, count, seed);
    check(&format!("{name}_vector"), config, Unit::Vector, count, seed + 1);
}

#[test]
fn machine_4x4() {
    check_both("4x4", &machine(4, 4, |_| {}), 300, 2);
}

#[test]
fn machine_2x2_shallow() {
    let config = machine(2, 2, |c| {
        c.pipeline = Pipeline { multiplier: 1, ram: 1, crossbar: 1, fanout: 1 };
        c.compute_slot = 1;
        c.vector_slot = 1;
    });
    check_both("2x2", &config, 300, 3);
}

#[test]
fn machine_5x3_in_turns() {
    let config = machine(5, 3, |c| {
        c.pipeline.fanout = 2;
        c.compute_slot = 5;
        c.vector_slot = 2;
        c.memory.bus_bytes = 1;
        c.weight_words = 64;
    });
    check_both("5x3", &config, 300, 4);
}

#[test]
fn machine_7x11_deep() {
    let config = machine(7, 11, |c| {
        c.pipeline = Pipeline { multiplier: 4, ram: 2, crossbar: 3, fanout: 3 };
        c.compute_slot = 7;
        c.vector_slot = 3;
        c.weight_words = 255;
    });
    check_both("7x11", &config, 200, 5);
}

#[test]
fn machine_8x8_full_rate() {
    let config = machine(8, 8, |c| {
        c.compute_slot = 1;
        c.vector_slot = 4;
        c.memory.bus_bytes = 8;
    });
    check_both("8x8", &config, 200, 6);
}

#[test]
fn machine_9x16() {
    check_both("9x16", &machine(9, 16, |_| {}), 150, 9);
}

/// Walks of more lanes than an instruction's last cycles: the next one begins in the middle.
#[test]
fn machine_17x2_wide() {
    let config = machine(17, 2, |c| {
        c.pipeline = Pipeline { multiplier: 2, ram: 1, crossbar: 1, fanout: 64 };
        c.compute_slot = 3;
        c.vector_slot = 1;
        c.memory.bus_bytes = 16;
    });
    check_both("17x2", &config, 150, 8);
}
