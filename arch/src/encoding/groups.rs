//! Fields that belong together, for those that read several of one meaning.

use super::{Field, tile as f};

/// The fields of one [`Walk`](crate::instr::Walk); address fields are (row, bank).
#[derive(Clone, Copy, Debug)]
pub struct WalkFields {
    /// First address.
    pub base: (Field, Field),
    /// Group step.
    pub group: (Field, Field),
    /// Pixel step.
    pub pixel: (Field, Field),
    /// Transition at a line end.
    pub wrap: (Field, Field),
    /// First row that wraps.
    pub ring_line: Field,
    /// Minus the rows of P bytes of the ring: what is added to wrap.
    pub ring_rows: Field,
}

/// The fields of one [`Target`](crate::instr::Target).
#[derive(Clone, Copy, Debug)]
pub struct TargetFields {
    /// Its walk.
    pub walk: WalkFields,
    /// Inner column step.
    pub inner: (Field, Field),
    /// Transition to the next outer column.
    pub outer: (Field, Field),
    /// Segments.
    pub segments: Field,
    /// Lanes of a segment.
    pub segment_lanes: Field,
}

/// Fields of [`Gather::walk`](crate::instr::Gather::walk).
pub const INPUT_WALK: WalkFields = WalkFields {
    base: (f::INPUT_BASE_ROW, f::INPUT_BASE_BANK),
    group: (f::INPUT_GROUP_ROW, f::INPUT_GROUP_BANK),
    pixel: (f::INPUT_PIXEL_ROW, f::INPUT_PIXEL_BANK),
    wrap: (f::INPUT_WRAP_ROW, f::INPUT_WRAP_BANK),
    ring_line: f::INPUT_RING_LINE,
    ring_rows: f::INPUT_RING_ROWS,
};

/// Fields of [`Operand::target`](crate::instr::Operand::target).
pub const OPERAND_TARGET: TargetFields = TargetFields {
    walk: WalkFields {
        base: (f::OPERAND_BASE_ROW, f::OPERAND_BASE_BANK),
        group: (f::OPERAND_GROUP_ROW, f::OPERAND_GROUP_BANK),
        pixel: (f::OPERAND_PIXEL_ROW, f::OPERAND_PIXEL_BANK),
        wrap: (f::OPERAND_WRAP_ROW, f::OPERAND_WRAP_BANK),
        ring_line: f::OPERAND_RING_LINE,
        ring_rows: f::OPERAND_RING_ROWS,
    },
    inner: (f::OPERAND_INNER_ROW, f::OPERAND_INNER_BANK),
    outer: (f::OPERAND_OUTER_ROW, f::OPERAND_OUTER_BANK),
    segments: f::OPERAND_SEGMENTS,
    segment_lanes: f::OPERAND_SEGMENT_LANES,
};

/// Fields of [`TileOp::output`](crate::instr::TileOp::output).
pub const OUTPUT_TARGET: TargetFields = TargetFields {
    walk: WalkFields {
        base: (f::OUTPUT_BASE_ROW, f::OUTPUT_BASE_BANK),
        group: (f::OUTPUT_GROUP_ROW, f::OUTPUT_GROUP_BANK),
        pixel: (f::OUTPUT_PIXEL_ROW, f::OUTPUT_PIXEL_BANK),
        wrap: (f::OUTPUT_WRAP_ROW, f::OUTPUT_WRAP_BANK),
        ring_line: f::OUTPUT_RING_LINE,
        ring_rows: f::OUTPUT_RING_ROWS,
    },
    inner: (f::OUTPUT_INNER_ROW, f::OUTPUT_INNER_BANK),
    outer: (f::OUTPUT_OUTER_ROW, f::OUTPUT_OUTER_BANK),
    segments: f::OUTPUT_SEGMENTS,
    segment_lanes: f::OUTPUT_SEGMENT_LANES,
};

/// Count, row, bank, y and x of the three reduction loops, *innermost first* (step 0 is innermost).
pub const STEPS: [[Field; 5]; 3] = [
    [f::STEP0_COUNT, f::STEP0_ROW, f::STEP0_BANK, f::STEP0_Y, f::STEP0_X],
    [f::STEP1_COUNT, f::STEP1_ROW, f::STEP1_BANK, f::STEP1_Y, f::STEP1_X],
    [f::STEP2_COUNT, f::STEP2_ROW, f::STEP2_BANK, f::STEP2_Y, f::STEP2_X],
];
