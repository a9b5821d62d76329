//! The serial line: eight bits, no parity, one stop bit, least significant bit first.

use crate::build::{Builder, Module, Ops, concat, index_bits, lit, zero};
use std::sync::Arc;

/// Bits of a byte on the line: start, eight of data, stop.
const FRAME_BITS: usize = 10;

/// Module `uart_receive`: `line` is the pin. A byte is shown for one cycle: `valid` with `data`, or `broken` where
/// its stop bit is missing.
///
/// A bit takes `divider` cycles, at least 2. It is looked at in its middle, which the two registers that take the
/// pin to the clock shift by less than a cycle.
pub(crate) fn receive(divider: usize) -> Arc<Module> {
    let mut b = Builder::new("uart_receive", format!("Serial line to bytes, {divider} cycles a bit."));
    let pin = b.input("line", 1);
    b.comment("The line is idle at one: registers start at zero, so they hold its inverse.");
    let first = b.register("low_1", !pin);
    let low = b.register("low_2", first);
    let bits = index_bits(divider + divider.div_ceil(2));
    b.comment("Cycles until the middle of the next bit, and bits that are still to come.");
    let wait = b.reg("wait_cycles", bits);
    let left = b.reg_reset("bits_left", index_bits(FRAME_BITS));
    let busy = b.wire("busy", left.any());
    let begins = b.wire("begins", low & !busy);
    let sample = b.wire("sample", busy & !wait.any());
    let to_first = divider + divider / 2 - 1;
    let next = begins.mux(lit(to_first as i128, bits), lit(divider as i128 - 1, bits));
    b.set(wait, (begins | sample).mux(next, wait.plus(-1)));
    let less = sample.mux(left.plus(-1), left);
    b.set(left, begins.mux(lit(FRAME_BITS as i128 - 1, left.width()), less));
    let data = b.reg("bits", 8);
    let last = b.wire("last", sample & left.is(1));
    b.set_when(data, sample & !last, concat([!low, data.slice(1, 7)]));
    b.output("valid", last & !low);
    b.output("broken", last & low);
    b.output("data", data);
    b.finish()
}

/// Module `uart_send`: takes `data` when `valid` and `ready`; `line` is the pin.
pub(crate) fn send(divider: usize) -> Arc<Module> {
    let mut b = Builder::new("uart_send", format!("Bytes to the serial line, {divider} cycles a bit."));
    let valid = b.input("valid", 1);
    let data = b.input("data", 8);
    let bits = index_bits(divider);
    let wait = b.reg("wait_cycles", bits);
    let left = b.reg_reset("bits_left", index_bits(FRAME_BITS + 1));
    let idle = b.wire("idle", !left.any());
    let take = b.wire("take", valid & idle);
    let step = b.wire("step", !idle & !wait.any());
    let whole = lit(divider as i128 - 1, bits);
    b.set(wait, (take | step).mux(whole, wait.plus(-1)));
    let less = step.mux(left.plus(-1), left);
    b.set(left, take.mux(lit(FRAME_BITS as i128, left.width()), less));
    b.comment("What is still to be shown, inverted, so that the line is idle at power-up.");
    let rest = b.reg_reset("low_bits", FRAME_BITS - 1);
    let shifted = concat([zero(1), rest.slice(1, FRAME_BITS - 2)]);
    let kept = step.mux(shifted, rest);
    b.set(rest, take.mux(concat([!data, lit(1, 1)]), kept));
    b.output("line", !rest.bit(0));
    b.output("ready", idle);
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Bench, Tested, differential};

    /// What the line shows for bytes, cycle by cycle, written from the definition of such a line.
    fn levels(bytes: &[u8], divider: usize) -> Vec<bool> {
        let bits = bytes.iter().flat_map(|byte| {
            let data = (0..8).map(move |bit| byte >> bit & 1 == 1);
            [false].into_iter().chain(data).chain([true])
        });
        bits.flat_map(|bit| std::iter::repeat_n(bit, divider)).collect()
    }

    #[test]
    fn sends_bytes_one_after_the_other() {
        for divider in [2, 3, 4, 33] {
            let bytes = [0x00, 0xff, 0xa5, 0x01];
            let mut bench = Bench::new(&send(divider));
            assert_eq!(bench.number("line"), 1);
            let (mut seen, mut next) = (vec![], 0);
            for _ in 0..(4 * 10 + 4) * divider + 8 {
                bench.set("valid", i128::from(next < 4));
                bench.set("data", bytes[next.min(3)]);
                seen.push(bench.number("line") == 1);
                next += usize::from(next < 4 && bench.number("ready") == 1);
                bench.tick();
            }
            // From the first start bit on; between bytes the stop bit may be longer by the cycle of taking.
            let mut at = seen.iter().position(|level| !level).expect("a start bit");
            for byte in bytes {
                let want = levels(&[byte], divider);
                assert_eq!(seen[at..at + want.len()], want, "{byte:#x} at {divider}");
                at += want.len();
                at += seen[at..].iter().position(|level| !level).unwrap_or(0);
            }
        }
    }

    #[test]
    fn receives_bytes_one_after_the_other() {
        for divider in [2, 3, 4, 33] {
            let bytes = [0x00, 0xff, 0xa5, 0x01, 0x80];
            let mut line = vec![true; 7];
            line.extend(levels(&bytes, divider));
            line.extend(vec![true; 3 * divider]);
            let mut bench = Bench::new(&receive(divider));
            bench.set("line", 1);
            (0..3).for_each(|_| bench.tick());
            let mut seen = vec![];
            for level in line {
                bench.set("line", i128::from(level));
                assert_eq!(bench.number("broken"), 0);
                if bench.number("valid") == 1 {
                    seen.push(bench.number("data") as u8);
                }
                bench.tick();
            }
            assert_eq!(seen, bytes, "{divider}");
        }
    }

    /// A sender whose clock is 2 % off is understood; a line that stays low is no byte.
    #[test]
    fn tolerates_clocks_and_breaks() {
        for percent in [98, 102] {
            let mut bench = Bench::new(&receive(33));
            bench.set("line", 1);
            (0..9).for_each(|_| bench.tick());
            let sent = levels(&[0x55, 0xd2, 0x00], 100);
            let mut seen = vec![];
            for cycle in 0..30 * 33 + 60 {
                let level = sent.get(cycle * 10_000 / (33 * percent)).is_none_or(|level| *level);
                bench.set("line", i128::from(level));
                if bench.number("valid") == 1 {
                    seen.push(bench.number("data") as u8);
                }
                bench.tick();
            }
            assert_eq!(seen, [0x55, 0xd2, 0x00], "{percent} %");
        }
        let mut bench = Bench::new(&receive(4));
        bench.set("line", 0);
        let mut broken = 0;
        for _ in 0..100 {
            assert_eq!(bench.number("valid"), 0);
            broken += bench.number("broken");
            bench.tick();
        }
        assert!(broken > 0);
    }

    #[test]
    fn verilog_agrees() {
        differential(&Tested::new(receive(3)).held("line", 3), 1000, 1);
        differential(&Tested::new(send(3)), 1000, 2);
    }
}
