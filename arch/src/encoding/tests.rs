//! Every field of every instruction at its ends, and one past them.

use super::*;
use crate::asm::fields::{self, KeyedNumbers, Number};
use crate::instr::Walk;

/// With as many lanes as a bank field has numbers, all of a bank's bits are used.
const LANES: usize = 1 << BANK_BITS;

/// Fields that nothing lies past: their types end where they do, or they are remainders.
fn is_bound_by_type(field: Field) -> bool {
    let bytes = [f::INPUT_PAD, f::ZERO, f::LO, f::HI, f::OPERAND_ZERO];
    let switch = field.width == 1 && ![f::COLUMN_Y, f::CHANNEL_COLUMN_STEP].contains(&field);
    let sets = [f::WAIT, f::SIGNAL, f::REDUCE, transfer::WAIT, transfer::SIGNAL, transfer::MEMORY];
    switch || bytes.contains(&field) || sets.contains(&field) || field.name.ends_with("_bank")
}

/// An instruction and all its numbers, in some order.
trait Instruction: Sized {
    fn read(bytes: &[u8]) -> Self;
    fn write(&self) -> Result<Vec<u8>, FieldError>;
    fn visit(&mut self, each: &mut dyn FnMut(&mut dyn Number));

    fn numbers(&mut self) -> Vec<i64> {
        let mut all = vec![];
        self.visit(&mut |number| all.push(number.get()));
        all
    }
}

fn visit_all(places: KeyedNumbers, each: &mut dyn FnMut(&mut dyn Number)) {
    places.into_iter().flat_map(|(_, numbers)| numbers).for_each(each);
}

impl Instruction for TileOp {
    fn read(bytes: &[u8]) -> TileOp {
        TileOp::decode(bytes, LANES)
    }

    fn write(&self) -> Result<Vec<u8>, FieldError> {
        self.encode(LANES)
    }

    fn visit(&mut self, each: &mut dyn FnMut(&mut dyn Number)) {
        visit_all(fields::tile(self), each);
        visit_all(fields::operand(self.operand.as_mut().expect("the test gives it one")), each);
        each(self.table.as_mut().expect("the test gives it one"));
    }
}

impl Instruction for Transfer {
    fn read(bytes: &[u8]) -> Transfer {
        Transfer::decode(bytes, LANES).expect("the test names a memory")
    }

    fn write(&self) -> Result<Vec<u8>, FieldError> {
        self.encode(LANES)
    }

    fn visit(&mut self, each: &mut dyn FnMut(&mut dyn Number)) {
        visit_all(fields::transfer(self), each);
    }
}

/// Zeros but for one field and the bits that make the others count.
fn image(bytes: usize, on: &[Field], field: Field, value: i64) -> Vec<u8> {
    let mut writer = FieldWriter { bytes: vec![0; bytes], lanes: LANES };
    for field in on.iter().filter(|on| **on != field) {
        writer.put(*field, 1).unwrap();
    }
    writer.put(field, value).unwrap();
    writer.bytes
}

/// Drives every field to both ends, where it comes back, and one past them, where the error names it.
/// Returns how many ends could be passed.
fn drive<I: Instruction>(all: &[Field], bytes: usize, on: &[Field]) -> usize {
    let mut passed = 0;
    for &field in all {
        let (low, high) = (*field.range().start(), *field.range().end());
        // Rings have no negative size: their rows are stored negated.
        let ring = field.name.ends_with("ring_rows_negated");
        for (end, before) in [(low, low + 1), (high, high - 1)] {
            if ring && end > 0 || field == f::REDUCE && end > 3 || field == transfer::MEMORY && end > 4 {
                continue;
            }
            if on.contains(&field) && end == 0 {
                continue;
            }
            let written = image(bytes, on, field, end);
            let mut op = I::read(&written);
            assert_eq!(op.write().unwrap(), written, "{} = {end}", field.name);
            if is_bound_by_type(field) {
                continue;
            }
            // Numbers follow the field in equal steps: one more step leads past its end.
            let near = I::read(&image(bytes, on, field, before)).numbers();
            let mut numbers = op.numbers().into_iter().zip(near).map(|(at, near)| at + (at - near));
            let mut said = true;
            op.visit(&mut |number| said &= number.set(numbers.next().unwrap()).is_some());
            if !said {
                assert_eq!(end, 0, "the type of {} ends before its field", field.name);
                continue;
            }
            let error = op.write().expect_err(field.name);
            assert_eq!(error.field, field);
            let bound = if end == high || ring { error.range.end() } else { error.range.start() };
            let beyond = error.value - bound;
            assert!(beyond.abs() >= 1 && beyond.abs() <= LANES as i64, "{error}");
            assert!(error.to_string().contains(field.name) && error.to_string().contains(&bound.to_string()));
            passed += 1;
        }
    }
    passed
}

#[test]
fn no_field_of_a_tile_operation_is_passed_silently() {
    let passed = drive::<TileOp>(tile::ALL, TILE_BYTES, &[f::TABLE_ON, f::OPERAND_ON]);
    let upper = tile::ALL.iter().filter(|field| !is_bound_by_type(**field)).count();
    assert!(passed >= upper, "{passed} ends of {upper} fields");
}

#[test]
fn no_field_of_a_transfer_is_passed_silently() {
    let passed = drive::<Transfer>(transfer::ALL, TRANSFER_BYTES, &[]);
    let upper = transfer::ALL.iter().filter(|field| !is_bound_by_type(**field)).count();
    assert!(passed >= upper, "{passed} ends of {upper} fields");
}

/// Numbers so large that what is computed from them would not fit 64 bits.
#[test]
fn absurd_numbers_are_errors_too() {
    let good = TileOp::read(&image(TILE_BYTES, &[], f::WAIT, 0));
    let mut op = good;
    op.steps = [Step { count: usize::MAX, address: i64::MIN, y: i64::MAX, x: i64::MIN }; 3];
    assert_eq!(op.encode(LANES).unwrap_err().field, f::STEP0_COUNT);
    op.steps = [Step { count: 2, address: i64::MIN, y: i64::MAX, x: i64::MIN }; 3];
    assert_eq!(op.encode(LANES).unwrap_err().field, f::STEP0_ROW);
    let mut op = good;
    op.output.walk = Walk { line: i64::MIN, pixel: i64::MAX, ..op.output.walk };
    op.width = 8192;
    assert_eq!(op.encode(LANES).unwrap_err().field, f::OUTPUT_PIXEL_ROW);
}

#[test]
fn an_error_says_value_and_limit() {
    let mut op = TileOp::read(&image(TILE_BYTES, &[], f::WAIT, 0));
    op.input.x_step = 257;
    let text = op.encode(9).unwrap_err().to_string();
    assert_eq!(text, "field input_x_step: 257 is more than the 63 that an instruction can say");
    op.input.x_step = 1;
    op.width = 70_000;
    let text = op.encode(9).unwrap_err().to_string();
    assert_eq!(text, "field width_less_1: 70000 is more than the 8192 that an instruction can say");
}
