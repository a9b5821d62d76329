//! The fields of instructions by key: one table, read by printer and parser.

use crate::fixed::{OperandScale, Post};
use crate::instr::{Channels, Gather, Operand, Ring, Step, Target, TileOp, Transfer, Walk};

/// A number of any type.
pub trait Number {
    /// Its value.
    fn get(&self) -> i64;
    /// Sets it; `None` when the value does not fit.
    fn set(&mut self, value: i64) -> Option<()>;
}

macro_rules! numbers {
    ($($type:ty)*) => { $(
        impl Number for $type {
            fn get(&self) -> i64 {
                // A count beyond i64 is none that an instruction can say.
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
            fn set(&mut self, value: i64) -> Option<()> {
                *self = <$type>::try_from(value).ok()?;
                Some(())
            }
        }
    )* };
}

numbers! { u8 i8 i32 i64 usize }

impl Number for bool {
    fn get(&self) -> i64 {
        i64::from(*self)
    }

    fn set(&mut self, value: i64) -> Option<()> {
        *self = match value {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(())
    }
}

/// Keys and the numbers under each.
pub type KeyedNumbers<'a> = Vec<(&'static str, Vec<&'a mut dyn Number>)>;

macro_rules! places {
    (
        $(#[$doc:meta])* $name:ident($op:ident: $type:ty) $(let $part:pat = $whole:expr;)*
        $($key:literal = $($place:expr),+;)*
    ) => {
        $(#[$doc])*
        pub fn $name($op: &mut $type) -> KeyedNumbers<'_> {
            $(let $part = $whole;)*
            vec![$(($key, vec![$(&mut $place as &mut dyn Number),+])),*]
        }
    };
}

places! {
    /// Fields of a tile operation without semaphores, reduction, table, operand.
    tile(op: TileOp)
    let [i2, i1, i0] = &mut op.steps;
    "wide" = op.wide;
    "keep" = op.keep;
    "groups" = op.groups;
    "tiles" = op.tiles;
    "lanes" = op.lanes;
    "line_stop" = op.line_stop;
    "columns" = op.columns;
    "last_columns" = op.last_columns;
    "inner_columns" = op.inner_columns;
    "column_y" = op.column_y;
    "width" = op.width;
    "lines" = op.lines;
    "line_step" = op.line_step;
    "i2" = i2.count, i2.address, i2.y, i2.x;
    "i1" = i1.count, i1.address, i1.y, i1.x;
    "i0" = i0.count, i0.address, i0.y, i0.x;
    "input.walk" = op.input.walk.base, op.input.walk.group, op.input.walk.line, op.input.walk.pixel;
    "input.ring" = op.input.walk.ring.line, op.input.walk.ring.bytes;
    "input.first" = op.input.y0, op.input.x0;
    "input.step" = op.input.y_step, op.input.x_step;
    "input.size" = op.input.height, op.input.width;
    "input.pad" = op.input.pad;
    "weights" = op.weights;
    "taps" = op.taps;
    "channels" = op.channels.base, op.channels.column_step, op.channels.group_step;
    "post" = op.post.zero, op.post.lo, op.post.hi;
    "output.walk" = op.output.walk.base, op.output.walk.group, op.output.walk.line, op.output.walk.pixel;
    "output.ring" = op.output.walk.ring.line, op.output.walk.ring.bytes;
    "output.columns" = op.output.inner, op.output.outer;
    "output.segments" = op.output.segments, op.output.segment_lanes;
}

places! {
    /// Fields of an operand. Its scale is always printed, so that its presence shows.
    operand(o: Operand)
    "operand.scale" = o.scale.zero, o.scale.mantissa, o.scale.shift;
    "operand.multiply" = o.scale.multiply;
    "operand.walk" = o.target.walk.base, o.target.walk.group, o.target.walk.line, o.target.walk.pixel;
    "operand.ring" = o.target.walk.ring.line, o.target.walk.ring.bytes;
    "operand.columns" = o.target.inner, o.target.outer;
    "operand.segments" = o.target.segments, o.target.segment_lanes;
}

places! {
    /// Fields of a transfer without semaphores and memory.
    transfer(op: Transfer)
    "external" = op.external;
    "external_steps" = op.external_line, op.external_plane;
    "local" = op.local;
    "local_steps" = op.local_line, op.local_plane;
    "line_bytes" = op.line_bytes;
    "lines" = op.lines;
    "planes" = op.planes;
}

const WALK: Walk = Walk { base: 0, group: 0, line: 0, pixel: 0, ring: Ring::NONE };
const TARGET: Target = Target { walk: WALK, inner: 0, outer: 0, segments: 1, segment_lanes: 1 };
const STEP: Step = Step { count: 1, address: 0, y: 0, x: 0 };

/// What a tile operation is without any key.
pub fn default_tile() -> TileOp {
    TileOp {
        groups: 1,
        tiles: 1,
        lanes: 1,
        columns: 1,
        last_columns: 1,
        inner_columns: 1,
        width: 1,
        lines: 1,
        line_step: 1,
        steps: [STEP; 3],
        input: Gather { walk: WALK, height: 1, width: 1, ..Gather::default() },
        taps: 1,
        channels: Channels::default(),
        post: Post::default(),
        output: TARGET,
        ..TileOp::default()
    }
}

/// What an operand is without any key.
pub fn default_operand() -> Operand {
    Operand { target: TARGET, scale: OperandScale::default() }
}

/// What a transfer is without any key.
pub fn default_transfer() -> Transfer {
    Transfer { line_bytes: 1, lines: 1, planes: 1, ..Transfer::default() }
}
