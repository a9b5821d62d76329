//! Reading and writing of fields.

use super::{Field, FieldError, TargetFields, WalkFields};
use crate::instr::{Ring, Sync, Target, TileOp, Walk};
use crate::layout::RowBank;

/// Writes fields into the bytes of an instruction: the one place where numbers become narrow.
pub(super) struct FieldWriter {
    pub bytes: Vec<u8>,
    pub lanes: usize,
}

impl FieldWriter {
    pub fn put(&mut self, field: Field, value: impl TryInto<i64>) -> Result<(), FieldError> {
        // What no i64 holds no field holds: the largest i64 is as wrong.
        let value = value.try_into().unwrap_or(i64::MAX);
        let range = field.range();
        if !range.contains(&value) {
            return Err(FieldError { field, value, range });
        }
        for i in 0..field.width {
            let bit = field.offset + i;
            self.bytes[bit / 8] |= ((value >> i & 1) as u8) << (bit % 8);
        }
        Ok(())
    }

    /// A count, stored less one.
    pub fn count(&mut self, field: Field, count: usize) -> Result<(), FieldError> {
        let value = i64::try_from(count).unwrap_or(i64::MAX);
        self.put(field, value - 1).map_err(|e| FieldError {
            value,
            range: e.range.start() + 1..=e.range.end() + 1,
            ..e
        })
    }

    /// A flat address or step; `row` and the field after it.
    pub fn flat(&mut self, row: Field, bank: Field, value: i64) -> Result<(), FieldError> {
        let lanes = self.lanes as i64;
        self.put(row, value.div_euclid(lanes)).map_err(|e| FieldError {
            value,
            range: e.range.start() * lanes..=e.range.end() * lanes + lanes - 1,
            ..e
        })?;
        self.put(bank, value.rem_euclid(lanes))
    }

    /// The size of a ring, stored as its negated rows.
    pub fn ring(&mut self, field: Field, bytes: usize) -> Result<(), FieldError> {
        let lanes = self.lanes as i64;
        let value = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.put(field, -(value / lanes)).map_err(|e| FieldError {
            value,
            range: 0..=-e.range.start() * lanes + lanes - 1,
            ..e
        })
    }

    pub fn sync(&mut self, fields: [Field; 2], sync: &Sync) -> Result<(), FieldError> {
        self.put(fields[0], sync.wait)?;
        self.put(fields[1], sync.signal)
    }

    // What transitions are computed from is put first: then sums that saturate are never reached.

    pub fn walk(&mut self, f: &WalkFields, walk: &Walk, width: usize) -> Result<(), FieldError> {
        self.flat(f.base.0, f.base.1, walk.base)?;
        self.flat(f.group.0, f.group.1, walk.group)?;
        self.flat(f.pixel.0, f.pixel.1, walk.pixel)?;
        let wrap = walk.line.saturating_sub((width as i64 - 1) * walk.pixel);
        self.flat(f.wrap.0, f.wrap.1, wrap)?;
        self.put(f.ring_line, walk.ring.line)?;
        self.ring(f.ring_rows, walk.ring.bytes)
    }

    pub fn target(&mut self, f: &TargetFields, target: &Target, op: &TileOp) -> Result<(), FieldError> {
        self.walk(&f.walk, &target.walk, op.width)?;
        self.flat(f.inner.0, f.inner.1, target.inner)?;
        let outer = target.outer.saturating_sub((op.inner_columns as i64 - 1) * target.inner);
        self.flat(f.outer.0, f.outer.1, outer)?;
        self.count(f.segments, target.segments)?;
        self.count(f.segment_lanes, target.segment_lanes)
    }
}

/// Reads fields back.
pub(super) struct FieldReader<'a> {
    pub bytes: &'a [u8],
    pub lanes: usize,
}

impl FieldReader<'_> {
    pub fn get(&self, field: Field) -> i64 {
        let mut value = 0i64;
        for i in 0..field.width {
            let bit = field.offset + i;
            value |= i64::from(self.bytes[bit / 8] >> (bit % 8) & 1) << i;
        }
        let unused = 64 - field.width;
        if field.signed { value << unused >> unused } else { value }
    }

    /// An unsigned field.
    pub fn number(&self, field: Field) -> usize {
        self.get(field) as usize
    }

    pub fn count(&self, field: Field) -> usize {
        self.number(field) + 1
    }

    pub fn flat(&self, pair: (Field, Field)) -> i64 {
        RowBank { row: self.get(pair.0), bank: self.number(pair.1) }.join(self.lanes)
    }

    pub fn sync(&self, fields: [Field; 2]) -> Sync {
        Sync { wait: self.get(fields[0]) as u16, signal: self.get(fields[1]) as u16 }
    }

    pub fn walk(&self, f: &WalkFields, width: usize) -> Walk {
        let pixel = self.flat(f.pixel);
        Walk {
            base: self.flat(f.base),
            group: self.flat(f.group),
            line: self.flat(f.wrap) + (width as i64 - 1) * pixel,
            pixel,
            ring: Ring {
                line: self.number(f.ring_line),
                bytes: -self.get(f.ring_rows) as usize * self.lanes,
            },
        }
    }

    pub fn target(&self, f: &TargetFields, width: usize, inner_columns: usize) -> Target {
        let inner = self.flat(f.inner);
        Target {
            walk: self.walk(&f.walk, width),
            inner,
            outer: self.flat(f.outer) + (inner_columns as i64 - 1) * inner,
            segments: self.count(f.segments),
            segment_lanes: self.count(f.segment_lanes),
        }
    }
}
