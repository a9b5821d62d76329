//! The tables of fields: where the bits of an instruction are, in order.
//!
//! A field is added at the end of its table, with [`super::VERSION`].

use std::ops::RangeInclusive;

/// A range of bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Name in messages, assembly and Verilog.
    pub name: &'static str,
    /// First bit.
    pub offset: usize,
    /// Bits.
    pub width: usize,
    /// Two's complement.
    pub signed: bool,
}

impl Field {
    /// What the field can hold.
    pub fn range(self) -> RangeInclusive<i64> {
        if self.signed {
            -(1i64 << (self.width - 1))..=(1i64 << (self.width - 1)) - 1
        } else {
            0..=(1i64 << self.width) - 1
        }
    }
}

macro_rules! fields {
    ($(#[$doc:meta])* $module:ident, $limit:expr; $($name:ident $text:literal $width:expr, $signed:expr;)*) => {
        $(#[$doc])*
        pub mod $module {
            use super::Field;
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Index { $($name),* }
            const WIDTHS: &[usize] = &[$($width),*];
            const fn offset(index: usize) -> usize {
                let (mut i, mut sum) = (0, 0);
                while i < index {
                    sum += WIDTHS[i];
                    i += 1;
                }
                sum
            }
            $(
                #[doc = concat!("Field `", $text, "`.")]
                pub const $name: Field = Field {
                    name: $text, offset: offset(Index::$name as usize), width: $width, signed: $signed,
                };
            )*
            /// Every field, in order of offset.
            pub const ALL: &[Field] = &[$($name),*];
            /// Bits in use.
            pub const BITS: usize = offset(WIDTHS.len());
            const _: () = assert!(BITS <= $limit * 8);
        }
    };
}

fields! {
    /// Fields of a [`TileOp`](crate::instr::TileOp).
    tile, crate::encoding::TILE_BYTES;
    WAIT "wait" 16, false;
    SIGNAL "signal" 16, false;
    REDUCE "reduce" 2, false;
    WIDE "wide" 1, false;
    GROUPS "groups_less_1" 16, false;
    TILES "tiles_less_1" 16, false;
    LANES "lanes_less_1" 6, false;
    LINE_STOP "line_stop" 1, false;
    COLUMNS "columns_less_1" 6, false;
    LAST_COLUMNS "last_columns_less_1" 6, false;
    INNER_COLUMNS "inner_columns_less_1" 6, false;
    COLUMN_Y "column_y" 1, false;
    WIDTH "width_less_1" 13, false;
    LINES "lines" 13, false;
    LINE_STEP "line_step" 6, false;
    STEP0_COUNT "step0_count_less_1" 16, false;
    STEP0_ROW "step0_row" 16, true;
    STEP0_BANK "step0_bank" 6, false;
    STEP0_Y "step0_y" 14, true;
    STEP0_X "step0_x" 14, true;
    STEP1_COUNT "step1_count_less_1" 16, false;
    STEP1_ROW "step1_row" 16, true;
    STEP1_BANK "step1_bank" 6, false;
    STEP1_Y "step1_y" 14, true;
    STEP1_X "step1_x" 14, true;
    STEP2_COUNT "step2_count_less_1" 16, false;
    STEP2_ROW "step2_row" 16, true;
    STEP2_BANK "step2_bank" 6, false;
    STEP2_Y "step2_y" 14, true;
    STEP2_X "step2_x" 14, true;
    INPUT_BASE_ROW "input_base_row" 16, true;
    INPUT_BASE_BANK "input_base_bank" 6, false;
    INPUT_GROUP_ROW "input_group_row" 16, true;
    INPUT_GROUP_BANK "input_group_bank" 6, false;
    INPUT_PIXEL_ROW "input_pixel_row" 16, true;
    INPUT_PIXEL_BANK "input_pixel_bank" 6, false;
    INPUT_WRAP_ROW "input_wrap_row" 16, true;
    INPUT_WRAP_BANK "input_wrap_bank" 6, false;
    INPUT_RING_LINE "input_ring_line" 13, false;
    INPUT_RING_ROWS "input_ring_rows_negated" 16, true;
    INPUT_Y0 "input_y0" 14, true;
    INPUT_X0 "input_x0" 14, true;
    INPUT_Y_STEP "input_y_step" 10, false;
    INPUT_X_STEP "input_x_step" 6, false;
    INPUT_HEIGHT "input_height" 13, false;
    INPUT_WIDTH "input_width" 13, false;
    INPUT_PAD "input_pad" 8, true;
    WEIGHTS "weights" 16, false;
    TAPS "taps" 6, false;
    CHANNEL_BASE "channel_base" 13, false;
    CHANNEL_COLUMN_STEP "channel_column_step" 1, false;
    CHANNEL_GROUP_STEP "channel_group_step" 6, false;
    ZERO "zero" 8, true;
    LO "lo" 8, true;
    HI "hi" 8, true;
    TABLE_ON "table_on" 1, false;
    TABLE "table" 4, false;
    OPERAND_ON "operand_on" 1, false;
    OPERAND_BASE_ROW "operand_base_row" 16, true;
    OPERAND_BASE_BANK "operand_base_bank" 6, false;
    OPERAND_GROUP_ROW "operand_group_row" 16, true;
    OPERAND_GROUP_BANK "operand_group_bank" 6, false;
    OPERAND_PIXEL_ROW "operand_pixel_row" 16, true;
    OPERAND_PIXEL_BANK "operand_pixel_bank" 6, false;
    OPERAND_WRAP_ROW "operand_wrap_row" 16, true;
    OPERAND_WRAP_BANK "operand_wrap_bank" 6, false;
    OPERAND_RING_LINE "operand_ring_line" 13, false;
    OPERAND_RING_ROWS "operand_ring_rows_negated" 16, true;
    OPERAND_INNER_ROW "operand_inner_row" 16, true;
    OPERAND_INNER_BANK "operand_inner_bank" 6, false;
    OPERAND_OUTER_ROW "operand_outer_row" 16, true;
    OPERAND_OUTER_BANK "operand_outer_bank" 6, false;
    OPERAND_SEGMENTS "operand_segments_less_1" 6, false;
    OPERAND_SEGMENT_LANES "operand_segment_lanes_less_1" 6, false;
    OPERAND_ZERO "operand_zero" 8, true;
    OPERAND_MANTISSA "operand_mantissa" 25, true;
    OPERAND_SHIFT "operand_shift" 6, false;
    OPERAND_MULTIPLY "operand_multiply" 1, false;
    OUTPUT_BASE_ROW "output_base_row" 16, true;
    OUTPUT_BASE_BANK "output_base_bank" 6, false;
    OUTPUT_GROUP_ROW "output_group_row" 16, true;
    OUTPUT_GROUP_BANK "output_group_bank" 6, false;
    OUTPUT_PIXEL_ROW "output_pixel_row" 16, true;
    OUTPUT_PIXEL_BANK "output_pixel_bank" 6, false;
    OUTPUT_WRAP_ROW "output_wrap_row" 16, true;
    OUTPUT_WRAP_BANK "output_wrap_bank" 6, false;
    OUTPUT_RING_LINE "output_ring_line" 13, false;
    OUTPUT_RING_ROWS "output_ring_rows_negated" 16, true;
    OUTPUT_INNER_ROW "output_inner_row" 16, true;
    OUTPUT_INNER_BANK "output_inner_bank" 6, false;
    OUTPUT_OUTER_ROW "output_outer_row" 16, true;
    OUTPUT_OUTER_BANK "output_outer_bank" 6, false;
    OUTPUT_SEGMENTS "output_segments_less_1" 6, false;
    OUTPUT_SEGMENT_LANES "output_segment_lanes_less_1" 6, false;
    KEEP "keep" 1, false;
}

fields! {
    /// Fields of a [`Transfer`](crate::instr::Transfer).
    transfer, crate::encoding::TRANSFER_BYTES;
    WAIT "wait" 16, false;
    SIGNAL "signal" 16, false;
    MEMORY "memory" 3, false;
    EXTERNAL "external" 32, false;
    EXTERNAL_LINE "external_line" 32, true;
    EXTERNAL_PLANE "external_plane" 32, true;
    LOCAL_ROW "local_row" 16, true;
    LOCAL_BANK "local_bank" 6, false;
    LOCAL_LINE_ROW "local_line_row" 16, true;
    LOCAL_LINE_BANK "local_line_bank" 6, false;
    LOCAL_PLANE_ROW "local_plane_row" 16, true;
    LOCAL_PLANE_BANK "local_plane_bank" 6, false;
    LINE_BYTES "line_bytes" 24, false;
    LINES "lines_less_1" 16, false;
    PLANES "planes_less_1" 16, false;
}
