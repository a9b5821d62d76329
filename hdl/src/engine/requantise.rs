//! The requantiser: [`tilewright_arch::fixed::post`] as a pipeline, one value a cycle.

use super::channels::CHANNEL_BITS;
use super::crossbar::of_four;
use super::{Shape, TableBeats, field, instruction_input};
use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, concat, index_bits, lit, zero};
use std::sync::Arc;
use tilewright_arch::encoding::{Field, tile as f};
use tilewright_arch::fixed::{CHANNEL_PARTS, FRACTION, MULTIPLICAND_BITS, SCALED_BITS, WIDE_FRACTION};
use tilewright_arch::timing;

/// Bits of the operand with its offset added: one more than the scaled operand.
const OFFSET_BITS: usize = SCALED_BITS as usize + 1;
/// Bits of three times the multiplicand.
const TRIPLE_BITS: usize = MULTIPLICAND_BITS as usize + 2;
/// Bits of the operand's difference times the multiplicand.
const PRODUCT_BITS: usize = 9 + MULTIPLICAND_BITS as usize;
/// `value >> amount`, six bits of it, saturated to [`SCALED_BITS`]; to [`MULTIPLICAND_BITS`] where
/// `narrow` is one, the bits above those being arbitrary. Four stages: shifts by sixteens, fours and
/// ones, `amounts` giving the number for each stage, and saturation.
///
/// After each shift only those bits are kept that can still reach the result. Whether others were
/// lost that are not copies of the sign says `over`.
fn shift_and_saturate(
    b: &mut Builder,
    name: &str,
    value: Sig,
    amounts: [[Expr; 2]; 3],
    narrow: Option<Sig>,
) -> Sig {
    let (bits, few) = (SCALED_BITS as usize, MULTIPLICAND_BITS as usize);
    let sign = b.delay(&format!("{name}_sign"), value.sign(), 3);
    let (mut value, mut over) = (value, zero(1));
    for (amount, step) in amounts.into_iter().zip([16, 4, 1]) {
        let width = value.width();
        let kept = width.min(bits + step - 1);
        let moved = |n: usize| {
            let low = (n * step).min(width - 1);
            value.slice(low, kept.min(width - low)).sign_extend(kept)
        };
        let lost = |n: usize| match width.checked_sub(n * step + kept) {
            None | Some(0) => zero(1),
            Some(more) => differ(value.slice(width - more - 1, more + 1)),
        };
        let losses: Vec<Expr> = (0..4).map(lost).collect();
        let lost = of_four(b, &format!("{name}_lost"), amount.clone(), &losses);
        over = b.register(&format!("{name}_over"), over | lost).into();
        let moved: Vec<Expr> = (0..4).map(moved).collect();
        let shifted = of_four(b, &format!("{name}_moved"), amount, &moved);
        value = b.register(&format!("{name}_shifted"), shifted);
    }
    let mut inverted = (!sign).repeat(bits - 1);
    if let Some(narrow) = narrow {
        over = over | (narrow & differ(value.slice(few - 1, bits - few + 1)));
        let last = narrow.mux(sign, !sign);
        inverted = concat([(!sign).repeat(bits - few - 1), last, (!sign).repeat(few - 1)]);
    }
    let limit = concat([Expr::from(sign), inverted]);
    b.register(&format!("{name}_saturated"), over.mux(limit, value))
}

/// Whether the bits are not all equal.
fn differ(bits: Expr) -> Expr {
    bits.clone().any() & !bits.all()
}

/// The multiples 0 to 3 of `once` that the pairs of bits of `number` ask for, a register each.
fn digits(b: &mut Builder, number: Sig, once: Sig, triple: Sig) -> Vec<Sig> {
    let width = triple.width();
    let twice = concat([once.sign_extend(width - 1), zero(1)]);
    let multiples = [zero(width), once.sign_extend(width), twice, triple.into()];
    let digit = |b: &mut Builder, i: usize| {
        let two = i + 1 < number.width();
        let code = [number.bit(i), if two { number.bit(i + 1) } else { zero(1) }];
        let digit = of_four(b, "digit_value", code, &multiples);
        b.register(&format!("digit_{}", i / 2), digit)
    };
    (0..number.width()).step_by(2).map(|i| digit(b, i)).collect()
}

/// Three times a value, two bits wider.
fn three_times(value: Sig) -> Expr {
    let width = value.width() + 2;
    let twice = concat([value.sign_extend(width - 1), zero(1)]);
    value.sign_extend(width) + twice
}

/// `value << shift`, sign-extended to `width` bits.
fn place(value: Sig, shift: usize, width: usize) -> Expr {
    let wide = value.sign_extend(width - shift);
    if shift == 0 { wide } else { concat([wide, zero(shift)]) }
}

/// Module `<unit>_requantiser`.
///
/// In cycle 0 come `sum` and its `channel` (see [`CHANNEL_PARTS`]), and
/// [`operand_late`](timing::operand_late) cycles later its `operand`; the byte `result` comes in
/// cycle [`requantise_latency`](timing::requantise_latency).
///
/// One multiplication, of the operand's difference by 26 bits, serves both kinds of operands: by
/// the mantissa of one that is added, by the scaled accumulator of one that multiplies. So the
/// operand waits for the accumulator.
///
/// `table_write` stores a beat at byte `table_address` of the activation tables.
pub(super) fn requantiser(shape: &Shape) -> Arc<Module> {
    let mut b =
        Builder::new(format!("{}_requantiser", shape.prefix()), "Sum to byte: scale, operand, clamp, table.");
    let instruction = instruction_input(&mut b);
    let sum = b.input("sum", 32);
    let channel = b.input("channel", CHANNEL_BITS);
    let operand = b.input("operand", 8);
    let multiply = field(instruction, f::OPERAND_ON) & field(instruction, f::OPERAND_MULTIPLY);
    let multiply = b.wire("multiply", multiply);

    let late = timing::scale_latency(&shape.config) as usize;
    let [bias, mantissa, negative, shift, half] = parts(channel);
    let scaled = scale(&mut b, shape, sum + bias, [mantissa, negative], shift, multiply);
    let operand = b.delay("operand", operand, late + 1 - shape.operand_late());
    let product = contribution(&mut b, instruction, operand, scaled, multiply);
    let scaled = b.delay("scaled", scaled, timing::OPERAND as usize - 1);
    let added = (!multiply).repeat(scaled.width());
    let scaled = b.register("scaled_added", scaled & added);

    b.comment("Zero point and half a step: of a byte, or of a wide value.");
    let half = b.delay("half", half, late + timing::OPERAND as usize - 1);
    let fractions = [FRACTION, WIDE_FRACTION].map(|fraction| fraction as usize);
    let [narrow, wide] = [field(instruction, f::ZERO), extended(field(instruction, f::ZERO))];
    let [narrow, wide] = [(narrow, fractions[0]), (wide, fractions[1])].map(|(zero_point, fraction)| {
        concat([zero_point.sign_extend(OFFSET_BITS - fraction), lit(1, 1), zero(fraction - 1)])
    });
    let rounding = b.wire("rounding", half.bit(0).mux(wide, narrow));
    let used = field(instruction, f::OPERAND_ON).repeat(OFFSET_BITS) & product.sign_extend(OFFSET_BITS);
    let offset = b.register("operand_offset", used + rounding);

    b.comment(
        "Rounded sum, clamp. Both kinds are compared in steps of a wide value's fraction: a byte is below \
         `lo` or above `hi` whatever those of its fractional bits are that a wide value counts.",
    );
    let half_1 = b.register("half_1", half);
    let width = OFFSET_BITS + 1;
    let total = b.register("total", scaled.sign_extend(width) + offset.sign_extend(width));
    let y = b.wire("y", total.slice(fractions[1], width - fractions[1]));
    let limit = |b: &mut Builder, name: &str, which: Field, fill: Expr| {
        let byte = || field(instruction, which);
        let narrow = concat([byte(), fill]).sign_extend(y.width());
        b.register(name, half_1.bit(0).mux(extended(byte()).sign_extend(y.width()), narrow))
    };
    let more = fractions[0] - fractions[1];
    let low = limit(&mut b, "low_limit", f::LO, zero(more));
    let high = limit(&mut b, "high_limit", f::HI, lit((1 << more) - 1, more));
    let half_2 = b.register("half_2", half_1);
    let below = b.register("below", y.less_signed(low));
    let above = b.register("above", high.less_signed(y));
    let low_half = concat([!y.bit(7), y.truncate(7)]);
    let part = half_2.bit(1).mux(low_half, y.slice(8, 8));
    let byte = b.register("y_byte", half_2.bit(0).mux(part, y.slice(more, 8)));
    // Both halves of an extended limit are the limit itself.
    let high = above.mux(field(instruction, f::HI), byte);
    let clamped = b.register("clamped", below.mux(field(instruction, f::LO), high));
    let looked_up = table(&mut b, shape, instruction, clamped);
    b.output("result", looked_up);
    b.finish()
}

/// The fields of a channel: [`CHANNEL_PARTS`].
fn parts(channel: Sig) -> [Expr; 5] {
    let mut low = 0;
    CHANNEL_PARTS.map(|(_, width)| {
        low += width;
        channel.slice(low - width, width)
    })
}

/// The wide value both halves of which are `byte`.
fn extended(byte: Expr) -> Expr {
    concat([byte.clone(), !byte.clone().sign(), byte.truncate(7)])
}

/// `t` of [`tilewright_arch::fixed`], [`scale_latency`](timing::scale_latency) cycles after the sum
/// (which is given with its bias).
///
/// 32 x 25 bits: two multipliers take both halves of the sum and the upper 18 bits of the mantissa;
/// the sum times the lower bits is added up from digits of two bits meanwhile.
fn scale(b: &mut Builder, shape: &Shape, sum: Expr, mantissas: [Expr; 2], shift: Expr, multiply: Sig) -> Sig {
    let sum_1 = b.register("sum_1", sum);
    let [mantissa, negative] = mantissas;
    let mantissa_1 = b.register("mantissa_1", mantissa);
    let negative_1 = b.register("negative_1", negative);
    let sum_2 = b.register("sum_2", sum_1);
    let triple = b.register("sum_triple", three_times(sum_1));
    let mantissa_2 = b.register("mantissa_2", sum_1.sign().mux(negative_1, mantissa_1));

    let stages = shape.config.pipeline.multiplier;
    let (digit_bits, digit_stages) =
        (timing::digit_bits(&shape.config), timing::digits(&shape.config) as usize);
    // One multiplier takes the sum's low bits, without a sign.
    let multiplier_bits = shape.config.technology.multiplier_bits();
    let low_bits = multiplier_bits - 1;
    let all_stages = stages.max(digit_stages);
    let sum_high = b.delay("sum_3", sum_2, all_stages - stages);
    let upper = b.delay("mantissa_3", mantissa_2.slice(digit_bits, multiplier_bits), all_stages - stages);
    let low_half = sum_high.truncate(low_bits).zero_extend(low_bits + 1);
    let high_half = sum_high.slice(low_bits, 32 - low_bits);
    let high = b.multiply("high", shape.config.technology, stages, true, high_half, upper);
    let low = b.multiply("low", shape.config.technology, stages, true, low_half, upper);

    let number = b.wire("mantissa_digits", mantissa_2.truncate(digit_bits));
    let places = digits(b, number, sum_2, triple);
    assert_eq!(places.len(), 4, "the tree of additions below is for four digits");
    let pair = triple.width() + 3;
    let pairs: Vec<Sig> = places
        .chunks(2)
        .map(|p| b.register("digits_pair", place(p[0], 0, pair) + place(p[1], 2, pair)))
        .collect();
    let width = 32 + digit_bits;
    let few = b.register("digits_sum", place(pairs[0], 0, width + 2) + place(pairs[1], 4, width + 2));
    let few = b.delay("digits_sum_later", few.truncate(width), all_stages - digit_stages);

    let middle = low + few.slice(digit_bits, 32).sign_extend(low.width());
    let middle = b.register("product_middle", middle);
    let few = b.register("product_low", few.truncate(digit_bits));
    let high = b.register("product_high", high);
    let top = middle.slice(low_bits, middle.width() - low_bits).resize_signed(high.width());
    let product = concat([high + top, middle.truncate(low_bits), few.into()]);
    let product = b.register("scaled_product", product);

    let sixteens = b.delay("shift", shift, 4 + all_stages);
    let fours = b.register("shift_fours", sixteens.truncate(4));
    let ones = b.register("shift_ones", fours.truncate(2));
    let amounts = [(sixteens, 4), (fours, 2), (ones, 0)];
    let amounts = amounts.map(|(shift, low)| [shift.bit(low), shift.bit(low + 1)]);
    shift_and_saturate(b, "scaled", product, amounts, Some(multiply))
}

/// `u` of [`tilewright_arch::fixed`], or `p`, [`timing::OPERAND`] - 1 cycles after `scaled`; the
/// `operand` comes a cycle after `scaled`. The product is a sum of digits of two bits times the
/// multiplicand, without a hardware multiplier: the array has them all.
fn contribution(b: &mut Builder, instruction: Sig, operand: Sig, scaled: Sig, multiply: Sig) -> Sig {
    let get = |which| field(instruction, which);
    let (few, bits) = (MULTIPLICAND_BITS as usize, PRODUCT_BITS);
    let mantissa = get(f::OPERAND_MANTISSA).sign_extend(few);
    let multiplicand = b.register("multiplicand", multiply.mux(scaled.truncate(few), mantissa));
    let triple = b.register("triple", three_times(multiplicand));
    let multiplicand = b.register("multiplicand_1", multiplicand);
    let difference = b.register("difference", operand.sign_extend(9) - get(f::OPERAND_ZERO).sign_extend(9));

    let magnitude = b.wire("difference_digits", difference.truncate(8));
    let digits = digits(b, magnitude, multiplicand, triple);
    let sign = b.register("difference_sign", difference.sign());
    let sign = b.delay("difference_sign_later", sign, 2);
    let multiplicand = b.delay("multiplicand_later", multiplicand, 3);
    let pair = TRIPLE_BITS + 3;
    let low = b.register("digits_low", place(digits[0], 0, pair) + place(digits[1], 2, pair));
    let high = b.register("digits_high", place(digits[2], 0, pair) + place(digits[3], 2, pair));
    let all = b.register("digits_all", place(low, 0, bits + 2) + place(high, 4, bits + 2));
    let borrow = sign.repeat(bits + 2 - 8) & multiplicand.sign_extend(bits + 2 - 8);
    let upper = all.slice(8, bits + 2 - 8) - borrow;
    let product = concat([upper, all.truncate(8)]).truncate(bits);
    let product = b.register("operand_product", product);
    let shift = get(f::OPERAND_SHIFT);
    let amounts = [4, 2, 0].map(|low| [shift.clone().bit(low), shift.clone().bit(low + 1)]);
    shift_and_saturate(b, "operand", product, amounts, None)
}

/// The choice that `index` names; as many choices as it has values.
fn choose(index: &Expr, choices: &[Expr]) -> Expr {
    let (low, high) = choices.split_at(choices.len() / 2);
    let top = index.width() - 1;
    if top == 0 {
        return index.clone().mux(&high[0], &low[0]);
    }
    let rest = index.clone().truncate(top);
    index.clone().bit(top).mux(choose(&rest, high), choose(&rest, low))
}

/// The byte, through the activation table when the instruction has one: 1 + ram cycles.
fn table(b: &mut Builder, shape: &Shape, instruction: Sig, byte: Sig) -> Sig {
    let beat_bytes = shape.config.memory.bus_bytes;
    let bytes = 256 * shape.config.tables;
    let bits = index_bits(bytes);
    let inside = beat_bytes.trailing_zeros() as usize;
    let beats = TableBeats::inputs(b, shape);
    let write = b.register("write_1", beats.table_write);
    let address = b.register("write_address_1", beats.table_address);
    let data = b.register("write_data_1", beats.table_data);
    // y + 128 is y with its sign inverted.
    let entry = concat([field(instruction, f::TABLE), !byte.sign(), byte.truncate(7)]).truncate(bits);
    let ram = Ram {
        depth: bytes / beat_bytes,
        write_enable: write.into(),
        write_address: address.slice(inside, bits - inside),
        write_data: data.into(),
        read_address: entry.slice(inside, bits - inside),
    };
    let word = b.ram("table_memory", shape.config.technology, shape.ram, ram);
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
