//! Beats of the load unit for the memories of an engine, which take them within three cycles.

use super::Shape;
use crate::build::{Builder, Sig, bundle, index_bits};
use tilewright_arch::fixed::CHANNEL_BYTES;

bundle! {
    /// For the weight memory: bytes `beat * B` and on of a word.
    pub(crate) struct WeightBeats { weight_write, weight_word, weight_beat, weight_data }
}

bundle! {
    /// For the parameter memory: bytes `beat * B` and on of a word.
    pub(crate) struct ChannelBeats { channel_write, channel_word, channel_beat, channel_data }
}

bundle! {
    /// For the tables: bytes `address` and on, a multiple of B.
    pub(crate) struct TableBeats { table_write, table_address, table_data }
}

/// Bits of a beat.
fn data_bits(shape: &Shape) -> usize {
    8 * shape.config.memory.bus_bytes
}

impl WeightBeats<Sig> {
    pub(super) fn inputs(b: &mut Builder, shape: &Shape) -> Self {
        let beats = shape.columns.div_ceil(shape.config.memory.bus_bytes);
        WeightBeats {
            weight_write: b.input("weight_write", 1),
            weight_word: b.input("weight_word", index_bits(shape.config.weight_words)),
            weight_beat: b.input("weight_beat", index_bits(beats)),
            weight_data: b.input("weight_data", data_bits(shape)),
        }
    }
}

impl ChannelBeats<Sig> {
    pub(super) fn inputs(b: &mut Builder, shape: &Shape) -> Self {
        let beats = CHANNEL_BYTES / shape.config.memory.bus_bytes;
        ChannelBeats {
            channel_write: b.input("channel_write", 1),
            channel_word: b.input("channel_word", index_bits(shape.config.parameter_words)),
            channel_beat: b.input("channel_beat", index_bits(beats)),
            channel_data: b.input("channel_data", data_bits(shape)),
        }
    }
}

impl TableBeats<Sig> {
    pub(super) fn inputs(b: &mut Builder, shape: &Shape) -> Self {
        TableBeats {
            table_write: b.input("table_write", 1),
            table_address: b.input("table_address", index_bits(256 * shape.config.tables)),
            table_data: b.input("table_data", data_bits(shape)),
        }
    }
}
