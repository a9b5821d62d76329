//! Lanes of one access lie in different banks. Those of an operand may also read one byte: the
//! hardware's OR of equal rows is that row.
//!
//! Group, reduction step, column and ring add the same number of banks to every lane (a ring is a
//! multiple of P bytes), so two lanes meet in all steps or in none: each tile is looked at once, and
//! only if lanes meet, the steps in which both are inside the input are searched.

use crate::faults::{Fault, FeatureAccess};
use crate::geometry::{Piece, PixelGrid, input_row, offsets};
use tilewright_arch::config::Config;
use tilewright_arch::instr::{Target, TileOp, Walk};
use tilewright_timing::InstrId;

/// A lane: its line and pixel.
type Lane = (usize, usize);

/// Checks gather, operand and output of an operation.
///
/// # Errors
/// Two lanes that meet in a bank in one step; more segments than a target has.
pub fn check(op: &TileOp, site: &InstrId, config: &Config) -> Result<(), Fault> {
    let grid = PixelGrid::new(op);
    let output = (!op.keep).then_some(&op.output);
    let targets =
        [(FeatureAccess::Output, output), (FeatureAccess::Operand, op.operand.as_ref().map(|o| &o.target))];
    for tile in 0..op.tiles {
        let pieces = grid.tile(op, tile);
        let lanes: Vec<Lane> = pieces.iter().flat_map(|p| p.x.clone().map(|x| (p.row, x))).collect();
        let met = meetings(&op.input.walk, &lanes, config.lanes);
        if let Some((pair, bank, step)) = met.iter().find_map(|&(pair, bank)| {
            both_inside(op, lanes[pair.0], lanes[pair.1]).map(|step| (pair, bank, step))
        }) {
            return Err(Fault::BankConflict {
                site: site.clone(),
                port: FeatureAccess::Gather,
                tile,
                lanes: pair,
                bank,
                step,
            });
        }
        for (port, target) in targets {
            if let Some(target) = target {
                segments(target, port, tile, &pieces, site, config)?;
            }
        }
    }
    Ok(())
}

/// All pairs of lanes that lie in one bank, with the bank.
fn meetings(walk: &Walk, lanes: &[Lane], banks: usize) -> Vec<((usize, usize), usize)> {
    let p = banks as i64;
    let bank = |&(row, x): &Lane| {
        (walk.base + walk.line * row as i64 + walk.pixel * x as i64).rem_euclid(p) as usize
    };
    let mut seen = 0u64;
    let mut unique = true;
    for lane in lanes {
        let bit = 1 << bank(lane);
        unique &= seen & bit == 0;
        seen |= bit;
    }
    if unique {
        return vec![];
    }
    let numbered: Vec<usize> = lanes.iter().map(bank).collect();
    let mut pairs = vec![];
    for (b, &bank) in numbered.iter().enumerate() {
        pairs.extend((0..b).filter(|&a| numbered[a] == bank).map(|a| ((a, b), bank)));
    }
    pairs
}

/// The first step at which two lanes both read the input.
fn both_inside(op: &TileOp, a: Lane, b: Lane) -> Option<String> {
    let inside = |lane: Lane, offset: &_| input_row(op, 0, lane.0, offset).valid.contains(&lane.1);
    let step = offsets(op).find(|offset| inside(a, offset) && inside(b, offset))?;
    let [i2, i1, i0] = step.at;
    Some(format!("step ({i2}, {i1}, {i0})"))
}

/// Checks the segments of one tile of a target. Column 0 accesses every lane of the grid, so it
/// decides for all columns.
fn segments(
    target: &Target,
    port: FeatureAccess,
    tile: usize,
    pieces: &[Piece],
    site: &InstrId,
    config: &Config,
) -> Result<(), Fault> {
    let most = target.segment_lanes;
    let needed = pieces.iter().map(|p| p.x.len().div_ceil(most)).sum();
    let segments = target.segments;
    if needed > segments {
        return Err(Fault::Segments { site: site.clone(), port, tile, needed, segments });
    }
    let (mut segment, mut first) = (0, 0);
    for piece in pieces {
        for start in piece.x.clone().step_by(most) {
            let end = (start + most).min(piece.x.end);
            // The lanes of a segment are of one line: without a step they are all at one byte.
            let one = port == FeatureAccess::Operand && target.walk.pixel == 0;
            let apart = if one { start + 1 } else { end };
            let lanes: Vec<Lane> = (start..apart).map(|x| (piece.row, x)).collect();
            if let Some(&((a, b), bank)) = meetings(&target.walk, &lanes, config.lanes).first() {
                let step = format!("segment {segment}");
                let lanes = (first + a, first + b);
                return Err(Fault::BankConflict { site: site.clone(), port, tile, lanes, bank, step });
            }
            first += end - start;
            segment += 1;
        }
    }
    Ok(())
}
