//! The bytes and words that an instruction reads and writes.

use crate::bits::Bits;
use crate::faults::{Fault, FeatureAccess, Shared};
use crate::geometry::{PixelGrid, input_row, offsets, target_row};
use std::ops::Range;
use tilewright_arch::config::Config;
use tilewright_arch::fixed::CHANNEL_BYTES;
use tilewright_arch::instr::{LocalMemory, Reduce, Target, TileOp, Transfer, Unit};
use tilewright_timing::InstrId;

/// The word memories, in the order of [`Footprint::word_reads`].
pub const WORDS: [Shared; 4] =
    [Shared::Weights, Shared::ComputeChannels, Shared::VectorChannels, Shared::Tables];

/// Everything one instruction touches.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Footprint {
    /// Feature bytes read (gather and operand, or a store).
    pub reads: Bits,
    /// Feature bytes written.
    pub writes: Bits,
    /// Bit p: page p is read.
    pub read_pages: u32,
    /// Bit p: page p is written.
    pub write_pages: u32,
    /// Words read of each of [`WORDS`].
    pub word_reads: [Bits; 4],
    /// Words written of each of [`WORDS`].
    pub word_writes: [Bits; 4],
    /// External bytes read, ascending ranges that neither touch nor overlap.
    pub external_reads: Vec<Range<usize>>,
    /// External bytes written.
    pub external_writes: Vec<Range<usize>>,
}

/// Bit p: the set has a byte of page p.
pub fn pages(bits: &Bits, config: &Config) -> u32 {
    let page = config.feature.page_rows * config.lanes;
    (0..config.feature.pages).filter(|p| bits.touches(p * page..(p + 1) * page)).fold(0, |m, p| m | 1 << p)
}

/// Adds pixels `x` of a row to a set, or tells the address that does not exist.
fn mark(bits: &mut Bits, start: i64, pixel: i64, x: Range<usize>, limit: usize) -> Result<(), i64> {
    if x.is_empty() {
        return Ok(());
    }
    let (first, last) = (start + x.start as i64 * pixel, start + (x.end - 1) as i64 * pixel);
    for end in [first, last] {
        if end < 0 || end >= limit as i64 {
            return Err(end);
        }
    }
    match pixel {
        1 => bits.insert_range(first as usize..last as usize + 1),
        0 => bits.insert(first as usize),
        _ => (0..x.len() as i64).for_each(|i| bits.insert((first + i * pixel) as usize)),
    }
    Ok(())
}

fn gathered(op: &TileOp, config: &Config) -> Result<Bits, i64> {
    let mut bits = Bits::new(config.feature_bytes());
    let groups = if op.input.walk.group == 0 { 1 } else { op.groups };
    let rows = PixelGrid::new(op).rows;
    let pixel = op.input.walk.pixel;
    for group in 0..groups {
        for offset in offsets(op) {
            for row in 0..rows {
                let input = input_row(op, group, row, &offset);
                mark(&mut bits, input.start, pixel, input.valid, config.feature_bytes())?;
            }
        }
    }
    Ok(bits.trim())
}

/// The bytes of a target and how often they are touched.
fn targeted(op: &TileOp, target: &Target, config: &Config) -> Result<(Bits, u64), i64> {
    let mut bits = Bits::new(config.feature_bytes());
    let grid = PixelGrid::new(op);
    let pixel = target.walk.pixel;
    let mut count = 0;
    for group in 0..op.groups {
        for column in 0..op.columns_of(group) {
            for row in 0..grid.rows {
                if let Some(start) = target_row(op, target, group, column, row) {
                    mark(&mut bits, start, pixel, 0..grid.width, config.feature_bytes())?;
                    count += grid.width as u64;
                }
            }
        }
    }
    Ok((bits.trim(), count))
}

/// Words `start..start + count` of a memory of `size` words that wraps.
fn wrapping(start: usize, count: usize, size: usize) -> Bits {
    let mut bits = Bits::new(size);
    if count >= size {
        bits.insert_range(0..size);
    } else if start + count <= size {
        bits.insert_range(start..start + count);
    } else {
        bits.insert_range(start..size);
        bits.insert_range(0..start + count - size);
    }
    bits.trim()
}

/// What a tile operation touches. The operation has passed [`tilewright_arch::Program::validate`].
///
/// # Errors
/// An address outside of feature memory; a byte that is read and written, or written twice; one page for both.
pub fn tile(op: &TileOp, site: &InstrId, config: &Config) -> Result<Footprint, Fault> {
    let range = |port: FeatureAccess| {
        move |address: i64| Fault::FeatureRange {
            site: site.clone(),
            port,
            address,
            bytes: config.feature_bytes(),
        }
    };
    let mut access = Footprint::default();
    let gathered = gathered(op, config).map_err(range(FeatureAccess::Gather))?;
    if op.keep {
        // Nothing of it leaves the array.
        access.read_pages = pages(&gathered, config);
        access.reads = gathered;
        access.word_reads[0] = weights(op, config);
        return Ok(access);
    }
    let (writes, written) = targeted(op, &op.output, config).map_err(range(FeatureAccess::Output))?;
    access.read_pages = pages(&gathered, config);
    access.write_pages = pages(&writes, config);
    if let Some(address) = gathered.meets(&writes) {
        return Err(Fault::Overlap { site: site.clone(), port: FeatureAccess::Gather, address });
    }
    if writes.count() != written {
        return Err(Fault::WrittenTwice { site: site.clone(), written, places: writes.count() });
    }
    access.reads = gathered;
    if let Some(operand) = &op.operand {
        let (bits, _) = targeted(op, &operand.target, config).map_err(range(FeatureAccess::Operand))?;
        let same = Target { segments: 0, segment_lanes: 0, ..operand.target }
            == Target { segments: 0, segment_lanes: 0, ..op.output };
        if let (false, Some(address)) = (same, bits.meets(&writes)) {
            return Err(Fault::Overlap { site: site.clone(), port: FeatureAccess::Operand, address });
        }
        let pages = pages(&bits, config);
        let both = pages & access.read_pages;
        if both != 0 {
            return Err(Fault::OwnPage { site: site.clone(), page: both.trailing_zeros() as usize });
        }
        access.read_pages |= pages;
        let mut all = Bits::new(config.feature_bytes());
        all.extend(&access.reads);
        all.extend(&bits);
        access.reads = all.trim();
    }
    access.writes = writes;
    words(op, site, config, &mut access)?;
    Ok(access)
}

/// The weight words that a tile operation reads; none on the vector unit.
fn weights(op: &TileOp, config: &Config) -> Bits {
    let count = (op.groups as u64 * op.group_weights()).min(config.weight_words as u64);
    match op.reduce {
        Reduce::Dense | Reduce::Rows => wrapping(op.weights, count as usize, config.weight_words),
        Reduce::Sum | Reduce::Max => Bits::default(),
    }
}

fn words(op: &TileOp, site: &InstrId, config: &Config, access: &mut Footprint) -> Result<(), Fault> {
    access.word_reads[0] = weights(op, config);
    let c = &op.channels;
    let which = if site.unit == Unit::Vector { 2 } else { 1 };
    let mut channels = Bits::new(config.parameter_words);
    for group in 0..op.groups {
        let first = c.base + group * c.group_step;
        let count = if c.column_step == 0 { 1 } else { op.columns_of(group) };
        if first + count > config.parameter_words {
            // Only the last group's words were checked beforehand; an earlier one may have more columns.
            let (site, place) = (site.clone(), config.parameter_words);
            return Err(Fault::Unwritten { site, memory: WORDS[which], place });
        }
        channels.insert_range(first..first + count);
    }
    access.word_reads[which] = channels.trim();
    if let Some(table) = op.table {
        access.word_reads[3] = wrapping(table, 1, config.tables);
    }
    Ok(())
}

/// The lines of a transfer as (external address, local address or word).
pub fn lines(op: &Transfer) -> impl Iterator<Item = (i64, i64)> + '_ {
    (0..op.planes as i64).flat_map(move |p| {
        (0..op.lines as i64).map(move |l| {
            (
                op.external as i64 + p * op.external_plane + l * op.external_line,
                op.local + p * op.local_plane + l * op.local_line,
            )
        })
    })
}

/// Bytes of a word of an on-chip memory in external memory (1 for features), and its words.
pub fn word_bytes(memory: LocalMemory, config: &Config) -> (usize, usize) {
    match memory {
        LocalMemory::Feature => (1, config.feature_bytes()),
        LocalMemory::Weights => (config.weight_stride(), config.weight_words),
        LocalMemory::ComputeChannels | LocalMemory::VectorChannels => (CHANNEL_BYTES, config.parameter_words),
        LocalMemory::Tables => (256, config.tables),
    }
}

/// What a transfer touches.
///
/// # Errors
/// An address outside of its memory.
pub fn transfer(op: &Transfer, site: &InstrId, config: &Config) -> Result<Footprint, Fault> {
    let mut access = Footprint::default();
    let bytes = op.line_bytes;
    let mut external: Vec<Range<usize>> = lines(op).map(|(e, _)| e as usize..e as usize + bytes).collect();
    external.sort_by_key(|r| (r.start, r.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in external {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    let load = site.unit == Unit::Load;
    if load {
        access.external_reads = merged
    } else {
        access.external_writes = merged
    }
    let (word, words) = word_bytes(op.memory, config);
    let which = match op.memory {
        LocalMemory::Feature => {
            let mut bits = Bits::new(words);
            for (_, local) in lines(op) {
                mark(&mut bits, local, 1, 0..bytes, words).map_err(|address| Fault::FeatureRange {
                    site: site.clone(),
                    port: FeatureAccess::Transfer,
                    address,
                    bytes: words,
                })?;
            }
            let bits = bits.trim();
            let mask = pages(&bits, config);
            if load {
                (access.writes, access.write_pages) = (bits, mask);
            } else {
                (access.reads, access.read_pages) = (bits, mask);
            }
            return Ok(access);
        }
        LocalMemory::Weights => 0,
        LocalMemory::ComputeChannels => 1,
        LocalMemory::VectorChannels => 2,
        LocalMemory::Tables => 3,
    };
    access.word_writes[which] = wrapping(op.local as usize, bytes / word, words);
    Ok(access)
}
