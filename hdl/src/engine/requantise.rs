//! The requantiser: [`tilewright_arch::fixed::post`] as a pipeline, one value a cycle.

use super::channels::{CHANNEL_BITS, PARTS};
use super::{INSTRUCTION_BITS, Shape, field};
use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, concat, index_bits, lit, zero};
use std::sync::Arc;
use tilewright_arch::encoding::tile as f;
use tilewright_arch::fixed::{FRACTION, MULTIPLICAND_BITS, SCALED_BITS};
use tilewright_arch::timing;

/// Bits of the operand with its offset added: one more than the scaled operand.
const OFFSET_BITS: usize = SCALED_BITS as usize + 1;
/// Bits of three times the multiplicand.
const TRIPLE_BITS: usize = MULTIPLICAND_BITS as usize + 2;
/// Bits of the operand's difference times the multiplicand.
const PRODUCT_BITS: usize = 9 + MULTIPLICAND_BITS as usize;

/// Arithmetic shift right by a five-bit amount in three stages, `amount` given as the shift of each
/// stage: by eights, twos and one.
fn shift_stages(b: &mut Builder, name: &str, value: Sig, amounts: [Expr; 3]) -> Sig {
    let steps = [8, 2, 1];
    let mut value = value;
    for (stage, (amount, step)) in amounts.into_iter().zip(steps).enumerate() {
        let width = value.width();
        let choices: Vec<Expr> =
            (0..1usize << amount.width()).map(|n| moved(value, n * step, width)).collect();
        value = b.register(&format!("{name}_{stage}"), choose(&amount, &choices));
    }
    value
}

/// `value >> amount` with its sign coming in.
fn moved(value: Sig, amount: usize, width: usize) -> Expr {
    let amount = amount.min(width - 1);
    value.slice(amount, width - amount).sign_extend(width)
}

/// The choice that `index` names; as many choices as it has values.
fn choose(index: &Expr, choices: &[Expr]) -> Expr {
    if choices.len() == 1 {
        return choices[0].clone();
    }
    let top = index.width() - 1;
    let (low, high) = choices.split_at(choices.len() / 2);
    if top == 0 {
        return index.clone().mux(&high[0], &low[0]);
    }
    let rest = index.clone().truncate(top);
    index.clone().bit(top).mux(choose(&rest, high), choose(&rest, low))
}

/// Saturation to [`SCALED_BITS`] in two stages; to [`MULTIPLICAND_BITS`] where `narrow` is one, the
/// bits above those being arbitrary.
fn saturate(b: &mut Builder, name: &str, value: Sig, narrow: Option<Expr>) -> Sig {
    let bits = SCALED_BITS as usize;
    let few = MULTIPLICAND_BITS as usize;
    let top = value.slice(bits - 1, value.width() - bits + 1);
    let over = b.register(&format!("{name}_over"), top.clone().any() & !top.all());
    let sign = b.register(&format!("{name}_sign"), value.sign());
    let low = b.register(&format!("{name}_low"), value.truncate(bits));
    let (mut beyond, mut inverted) = (Expr::from(over), (!sign).repeat(bits - 1));
    if let Some(narrow) = narrow {
        // The value fits the wide range when its bits from `bits` - 1 on are equal, the narrow one
        // when two below are too.
        let between = value.slice(few - 1, bits - few + 1);
        let near = narrow.clone() & between.clone().any() & !between.all();
        beyond = over | b.register(&format!("{name}_near"), near);
        let last = narrow.mux(sign, !sign);
        inverted = concat([(!sign).repeat(bits - few - 1), last, (!sign).repeat(few - 1)]);
    }
    let limit = concat([Expr::from(sign), inverted]);
    b.register(&format!("{name}_saturated"), beyond.mux(limit, low))
}

/// Module `<unit>_requantiser`.
///
/// In cycle 0 come `sum` and its `channel` (see [`PARTS`]), and
/// [`operand_late`](timing::operand_late) cycles later its `operand`; the byte `result` comes in
/// cycle [`requantise_latency`](timing::requantise_latency).
///
/// One multiplication, of the operand's difference by 18 bits, serves both kinds of operands: by
/// the mantissa of one that is added, by the scaled accumulator of one that multiplies. So the
/// operand waits for the accumulator.
///
/// `table_write` stores a beat at byte `table_address` of the activation tables.
pub(super) fn requantiser(shape: &Shape) -> Arc<Module> {
    let mut b =
        Builder::new(format!("{}_requantiser", shape.prefix()), "Sum to byte: scale, operand, clamp, table.");
    let instruction = b.input("instruction", INSTRUCTION_BITS);
    let sum = b.input("sum", 32);
    let channel = b.input("channel", CHANNEL_BITS);
    let operand = b.input("operand", 8);
    let multiply = field(instruction, f::OPERAND_ON) & field(instruction, f::OPERAND_MULTIPLY);
    let multiply = b.wire("multiply", multiply);

    let scaled = scale(&mut b, shape, sum, channel, multiply);
    let needed = timing::SCALE as usize + shape.config.pipeline.multiplier + 1;
    let operand = b.delay("operand", operand, needed - shape.operand_late());
    let offset = contribution(&mut b, instruction, operand, scaled, multiply);
    let scaled = b.delay("scaled", scaled, timing::OPERAND as usize - 1);
    let added = (!multiply).repeat(scaled.width());
    let scaled = b.register("scaled_added", scaled & added);

    // Rounded sum, clamp.
    let width = OFFSET_BITS + 1;
    let fraction = FRACTION as usize;
    let total = b.register("total", scaled.sign_extend(width) + offset.sign_extend(width));
    let y = b.wire("y", total.slice(fraction, width - fraction));
    let limit = |which| field(instruction, which).sign_extend(width - fraction);
    let below = b.register("below", y.less_signed(limit(f::LO)));
    let above = b.register("above", limit(f::HI).less_signed(y));
    let byte = b.register("y_byte", y.truncate(8));
    let high = above.mux(field(instruction, f::HI), byte);
    let clamped = b.register("clamped", below.mux(field(instruction, f::LO), high));
    let looked_up = table(&mut b, shape, instruction, clamped);
    b.output("result", looked_up);
    b.finish()
}

/// `t` of [`tilewright_arch::fixed`], [`timing::SCALE`] cycles and the multiplier's after the sum.
fn scale(b: &mut Builder, shape: &Shape, sum: Sig, channel: Sig, multiply: Sig) -> Sig {
    let mut low = 0;
    let mut part = |width: usize| {
        low += width;
        channel.slice(low - width, width)
    };
    let [bias, mantissa, negative, shift] = PARTS.map(|(_, width)| part(width));
    let sum_1 = b.register("sum_1", sum + bias);
    let mantissa_1 = b.register("mantissa_1", mantissa);
    let negative_1 = b.register("negative_1", negative);
    let sum_2 = b.register("sum_2", sum_1);
    let mantissa_2 = b.register("mantissa_2", sum_1.sign().mux(negative_1, mantissa_1));
    // 32 x 17 bits as two products.
    let stages = shape.config.pipeline.multiplier;
    let low_half = sum_2.truncate(16).zero_extend(17);
    let high = b.multiply("high", shape.technology, stages, true, sum_2.slice(16, 16), mantissa_2);
    let low = b.multiply("low", shape.technology, stages, true, low_half, mantissa_2);
    let top = high.width();
    let upper = high + low.slice(16, low.width() - 16).resize_signed(top);
    let product = b.register("scaled_product", concat([upper, low.truncate(16)]));
    let eights = b.delay("shift", shift, 3 + stages);
    let twos = b.register("shift_twos", eights.truncate(3));
    let ones = b.register("shift_ones", twos.truncate(1));
    let amounts = [eights.slice(3, 2), twos.slice(1, 2), ones.into()];
    let shifted = shift_stages(b, "scaled_shift", product, amounts);
    saturate(b, "scaled", shifted, Some(multiply.into()))
}

/// `u + (zero << 8) + 128` of [`tilewright_arch::fixed`], or the same with `p`, [`timing::OPERAND`]
/// cycles after `scaled`; the `operand` comes a cycle after `scaled`. The product is a sum of digits
/// of two bits times the multiplicand, without a hardware multiplier: the array has them all.
fn contribution(b: &mut Builder, instruction: Sig, operand: Sig, scaled: Sig, multiply: Sig) -> Sig {
    let get = |which| field(instruction, which);
    let (few, bits) = (MULTIPLICAND_BITS as usize, PRODUCT_BITS);
    let mantissa = get(f::OPERAND_MANTISSA).sign_extend(few);
    let multiplicand = b.register("multiplicand", multiply.mux(scaled.truncate(few), mantissa));
    let once = multiplicand.sign_extend(TRIPLE_BITS);
    let twice = concat([multiplicand.sign_extend(TRIPLE_BITS - 1), zero(1)]);
    let triple = b.register("triple", once + twice);
    let multiplicand = b.register("multiplicand_1", multiplicand);
    let difference = b.register("difference", operand.sign_extend(9) - get(f::OPERAND_ZERO).sign_extend(9));

    let once = multiplicand.sign_extend(TRIPLE_BITS);
    let twice = concat([multiplicand.sign_extend(TRIPLE_BITS - 1), zero(1)]);
    let multiples = [zero(TRIPLE_BITS), once, twice, triple.into()];
    let digits: Vec<Sig> = (0..4)
        .map(|i| b.register(&format!("digit_{i}"), choose(&difference.slice(2 * i, 2), &multiples)))
        .collect();
    let sign = b.register("difference_sign", difference.sign());
    let sign = b.delay("difference_sign_later", sign, 2);
    let multiplicand = b.delay("multiplicand_later", multiplicand, 3);
    let place = |digit: Sig, shift: usize, width: usize| {
        let wide = digit.sign_extend(width - shift);
        if shift == 0 { wide } else { concat([wide, zero(shift)]) }
    };
    let pair = TRIPLE_BITS + 3;
    let low = b.register("digits_low", place(digits[0], 0, pair) + place(digits[1], 2, pair));
    let high = b.register("digits_high", place(digits[2], 0, pair) + place(digits[3], 2, pair));
    let all = b.register("digits_all", place(low, 0, bits + 2) + place(high, 4, bits + 2));
    let borrow = sign.repeat(bits + 2 - 8) & multiplicand.sign_extend(bits + 2 - 8);
    let upper = all.slice(8, bits + 2 - 8) - borrow;
    let product = concat([upper, all.truncate(8)]).truncate(bits);
    let product = b.register("operand_product", product);
    let shift = get(f::OPERAND_SHIFT);
    let amounts = [shift.clone().slice(3, 2), shift.clone().slice(1, 2), shift.bit(0)];
    let shifted = shift_stages(b, "operand_shift", product, amounts);
    let limited = saturate(b, "operand", shifted, None);
    let rounding = get(f::ZERO).sign_extend(OFFSET_BITS - FRACTION as usize);
    let rounding = concat([rounding, lit(1, 1), zero(FRACTION as usize - 1)]);
    let used = get(f::OPERAND_ON).repeat(OFFSET_BITS) & limited.sign_extend(OFFSET_BITS);
    b.register("operand_offset", used + rounding)
}

/// The byte, through the activation table when the instruction has one: 1 + ram cycles.
fn table(b: &mut Builder, shape: &Shape, instruction: Sig, byte: Sig) -> Sig {
    let beat_bytes = shape.config.memory.bus_bytes;
    let bytes = 256 * shape.config.tables;
    let bits = index_bits(bytes);
    let inside = beat_bytes.trailing_zeros() as usize;
    let write = b.input("table_write", 1);
    let address = b.input("table_address", bits);
    let data = b.input("table_data", 8 * beat_bytes);
    let write = b.register("write_1", write);
    let address = b.register("write_address_1", address);
    let data = b.register("write_data_1", data);
    // y + 128 is y with its sign inverted.
    let entry = concat([field(instruction, f::TABLE), !byte.sign(), byte.truncate(7)]).truncate(bits);
    let ram = Ram {
        depth: bytes / beat_bytes,
        write_enable: write.into(),
        write_address: address.slice(inside, bits - inside),
        write_data: data.into(),
        read_address: entry.slice(inside, bits - inside),
    };
    let word = b.ram("table_memory", shape.technology, shape.ram, ram);
    let byte = b.delay("plain", byte, shape.ram);
    let found = match inside {
        0 => word.into(),
        _ => {
            // The plain byte is its own index within the word: the sign is not among its low bits.
            choose(&byte.truncate(inside), &word.elements(8))
        }
    };
    b.register("result_byte", field(instruction, f::TABLE_ON).mux(found, byte))
}
