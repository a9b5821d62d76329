//! The parameter memory: one word for each output channel.

use super::{ChannelBeats, Shape, field, instruction_input};
use crate::build::{Builder, Expr, Module, Ops, Ram, concat, index_bits};
use std::sync::Arc;
use tilewright_arch::encoding::tile as f;
use tilewright_arch::fixed::{CHANNEL_BYTES, CHANNEL_PARTS};

/// Bits of all parts side by side.
pub(super) const CHANNEL_BITS: usize =
    CHANNEL_PARTS[0].1 + CHANNEL_PARTS[1].1 + CHANNEL_PARTS[2].1 + CHANNEL_PARTS[3].1 + CHANNEL_PARTS[4].1;

/// Module `<unit>_channels`.
///
/// `begin_column` of a column (with `first` for the first of a tile and `restart` when the tile is
/// the last of its group) comes in cycle 0; its `channel` ([`CHANNEL_PARTS`], the bias lowest) shows in
/// cycle 3 + crossbar until the next column's.
///
/// `channel_write` stores beat `channel_beat` of word `channel_word`.
pub(super) fn channels(shape: &Shape) -> Arc<Module> {
    let mut b = Builder::new(format!("{}_channels", shape.prefix()), "Parameter memory and its address.");
    let issue = b.input("issue", 1);
    let instruction = instruction_input(&mut b);
    let begin = b.input("begin_column", 1);
    let first = b.input("first", 1);
    let restart = b.input("restart", 1);
    let words = shape.config.parameter_words;
    let bits = index_bits(words);

    let group = b.reg("group", bits);
    let base = field(instruction, f::CHANNEL_BASE).truncate(bits);
    let group_step = field(instruction, f::CHANNEL_GROUP_STEP).resize(bits);
    let advance = b.wire("advance", begin & first & restart);
    b.set_when(group, issue | advance, issue.mux(base, group + group_step));
    let address = b.reg("address", bits);
    let column_step = field(instruction, f::CHANNEL_COLUMN_STEP).zero_extend(bits);
    b.set_when(address, begin, first.mux(group, address + column_step));
    let read = b.delay("read", address, shape.crossbar + 1 - shape.ram);

    let beat_bytes = shape.config.memory.bus_bytes;
    let beats = CHANNEL_BYTES / beat_bytes;
    let ChannelBeats { channel_write, channel_word, channel_beat, channel_data } =
        ChannelBeats::inputs(&mut b, shape);
    let word = b.register("write_word", channel_word);
    let data = b.register("write_data", channel_data);
    b.comment("One memory for each beat, as wide as the used bits in it.");
    let mut parts: Vec<Vec<Expr>> = CHANNEL_PARTS.iter().map(|_| vec![]).collect();
    for k in 0..beats {
        let start = 8 * beat_bytes * k;
        let end = start + 8 * beat_bytes;
        let inside = |(low, width): (usize, usize)| (low.max(start), (low + width).min(end));
        let used: Vec<_> = CHANNEL_PARTS.iter().map(|p| inside(*p)).collect();
        let top = used.iter().filter(|(low, high)| low < high).map(|(_, high)| *high).max();
        let Some(top) = top else { continue };
        let enable = b.register(&format!("write_{k}"), channel_write & channel_beat.is(k as i128));
        let ram = Ram {
            depth: words,
            write_enable: enable.into(),
            write_address: word.into(),
            write_data: data.truncate(top - start),
            read_address: read.into(),
        };
        let found = b.ram(&format!("memory_{k}"), shape.config.technology, shape.ram, ram);
        for (part, (low, high)) in parts.iter_mut().zip(used) {
            if low < high {
                part.push(found.slice(low - start, high - low));
            }
        }
    }
    let channel = concat(parts.into_iter().flatten().rev().collect::<Vec<_>>());
    let channel = b.register("channel_word_read", channel);
    b.output("channel", channel);
    b.finish()
}
