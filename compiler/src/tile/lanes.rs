//! How many lanes a tile may use without a bank conflict, and how accesses are cut into segments.

use super::buffer::gcd;

/// The pixel grid of a tile operation as its addresses see it.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Pixels of a line.
    pub width: usize,
    /// Lines of the walker.
    pub lines: usize,
}

/// How tiles cut the grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tiling {
    /// Lanes of a tile.
    pub lanes: usize,
    /// Tiles end where lines end.
    pub line_stop: bool,
    /// Tiles of the grid.
    pub tiles: usize,
}

/// The bank of an address, on a machine of `lanes` lanes.
#[expect(clippy::cast_possible_truncation, reason = "a remainder is less than the lanes")]
fn bank(address: i64, lanes: usize) -> usize {
    address.rem_euclid(lanes as i64) as usize
}

fn cut(grid: Grid, lanes: usize, line_stop: bool) -> Tiling {
    let Grid { width, lines } = grid;
    let tiles = if line_stop { lines * width.div_ceil(lanes) } else { (lines * width).div_ceil(lanes) };
    Tiling { lanes, line_stop, tiles }
}

/// The cut with the fewest tiles whose gathers never meet in a bank, on a machine of `lanes` lanes:
/// pixel (l, x) is read at `line * l + pixel * x` plus a common offset.
///
/// Within a line, lanes are `pixel` apart, so `lanes / gcd(pixel, lanes)` of them lie in different
/// banks. Over a line end that stays true when the step there is congruent to `pixel`; otherwise
/// the tiles are looked at one by one.
pub fn gather_cut(grid: Grid, line: i64, pixel: i64, lanes: usize) -> Tiling {
    let modulus = lanes as i64;
    let spread = |step: i64| lanes / gcd(bank(step, lanes), lanes);
    if grid.width == 1 {
        // Consecutive pixels are consecutive lines.
        return cut(grid, spread(line), false);
    }
    let within = spread(pixel);
    let wrap = line - (grid.width as i64 - 1) * pixel;
    if grid.lines == 1 || (wrap - pixel).rem_euclid(modulus) == 0 {
        return cut(grid, within, false);
    }
    let stopped = cut(grid, within, true);
    for most in (1..=lanes).rev() {
        let running = cut(grid, most, false);
        if running.tiles >= stopped.tiles {
            break;
        }
        if free_of_conflicts(grid, line, pixel, most, lanes) {
            return running;
        }
    }
    stopped
}

/// Whether no tile of `most` consecutive pixels has two in one bank.
fn free_of_conflicts(grid: Grid, line: i64, pixel: i64, most: usize, lanes: usize) -> bool {
    let total = grid.width * grid.lines;
    // The last tile that read each bank.
    let mut seen = vec![None; lanes];
    for tile in 0..total.div_ceil(most) {
        for n in tile * most..((tile + 1) * most).min(total) {
            let (l, x) = ((n / grid.width) as i64, (n % grid.width) as i64);
            let bank = bank(l * line + x * pixel, lanes);
            if seen[bank] == Some(tile) {
                return false;
            }
            seen[bank] = Some(tile);
        }
    }
    true
}

/// Lanes of a segment and segments of a tile for accesses whose pixels are `pixel` apart: a new
/// segment begins at every line end and after `segment_lanes` lanes. Without a step, as an operand
/// may be, the lanes of a line read one byte together.
pub fn segments(grid: Grid, cut: Tiling, pixel: i64, lanes: usize) -> (usize, usize) {
    let spread = if pixel == 0 { lanes } else { lanes / gcd(bank(pixel, lanes), lanes) };
    let Grid { width, lines } = grid;
    let total = width * lines;
    let mut most = 1;
    let mut n = 0;
    while n < total {
        let mut end = (n + cut.lanes).min(total);
        if cut.line_stop {
            end = end.min((n / width + 1) * width);
        }
        let (mut count, mut at) = (0, n);
        while at < end {
            at = (at + spread).min(end).min((at / width + 1) * width);
            count += 1;
        }
        most = most.max(count);
        n = end;
    }
    (spread, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against exhaustive enumeration: the chosen cut is free of conflicts.
    #[test]
    fn cuts_never_conflict() {
        for lanes in [2, 4, 7, 8, 9, 13] {
            for width in 1..14 {
                for pitch in width..width + lanes {
                    for pixel in 1..4 {
                        for lines in [1, 2, 5] {
                            let grid = Grid { width, lines };
                            let line = (pitch * pixel) as i64;
                            let cut = gather_cut(grid, line, pixel as i64, lanes);
                            check(grid, line, pixel as i64, cut, lanes);
                        }
                    }
                }
            }
        }
    }

    fn check(grid: Grid, line: i64, pixel: i64, cut: Tiling, lanes: usize) {
        let (mut l, mut x, mut tiles) = (0, 0, 0);
        while l < grid.lines {
            let mut banks = std::collections::BTreeSet::new();
            let mut count = 0;
            while l < grid.lines && count < cut.lanes {
                let address = l as i64 * line + x as i64 * pixel;
                assert!(banks.insert(address.rem_euclid(lanes as i64)), "{grid:?} {line} {pixel} {cut:?}");
                count += 1;
                x += 1;
                if x == grid.width {
                    (l, x) = (l + 1, 0);
                    if cut.line_stop {
                        break;
                    }
                }
            }
            tiles += 1;
        }
        assert_eq!(tiles, cut.tiles);
    }

    #[test]
    fn matching_pitch_uses_all_lanes() {
        // 10 output pixels a line of a 14 wide input: a pitch of 19 is congruent to 10 modulo 9.
        let grid = Grid { width: 10, lines: 10 };
        assert_eq!(gather_cut(grid, 19, 1, 9), Tiling { lanes: 9, line_stop: false, tiles: 12 });
        assert!(gather_cut(grid, 14, 1, 9).tiles > 12);
        // Stride 2 on eight banks: every second bank.
        assert_eq!(gather_cut(Grid { width: 8, lines: 8 }, 32, 2, 8).lanes, 4);
    }

    #[test]
    fn segments_count_line_ends() {
        let cut = Tiling { lanes: 9, line_stop: false, tiles: 8 };
        assert_eq!(segments(Grid { width: 8, lines: 8 }, cut, 1, 9), (9, 2));
        assert_eq!(segments(Grid { width: 3, lines: 3 }, cut, 1, 9), (9, 3));
        assert_eq!(segments(Grid { width: 8, lines: 8 }, cut, 0, 9), (9, 2));
        let cut = Tiling { lanes: 8, line_stop: false, tiles: 8 };
        assert_eq!(segments(Grid { width: 8, lines: 8 }, cut, 2, 8), (4, 2));
    }
}
