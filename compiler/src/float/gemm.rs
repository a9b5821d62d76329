//! Matrix products whose bits are the same on every machine.
//!
//! Each element is a sum in three levels: of the terms of a run, in order, from zero; of the runs of a
//! block, likewise; and of the blocks, added to the element one after the other. Every product is
//! rounded before it is added. Kernels differ in how many elements they compute side by side, never in
//! the order of an element's terms, so levels, tiles and threads change no bit. Short runs keep the error
//! of long sums small.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use tilewright_arch::processor::Level;

/// Terms of a run.
const RUN: usize = 16;
/// Terms of a block. Also what fits the first cache: a panel of the right matrix is this many lines of
/// 64 bytes.
const DEPTH: usize = 16 * RUN;
/// Columns of the right matrix packed at a time, for the second cache.
const WIDTH: usize = 512;
/// Rows of the left matrix packed at a time.
const HEIGHT: usize = 96;

/// a * b.
pub(crate) fn product(a: ArrayView2<f32>, b: ArrayView2<f32>) -> Array2<f32> {
    let mut c = Array2::zeros((a.nrows(), b.ncols()));
    add_product(a, b, c.view_mut());
    c
}

/// c + a * b in the place of c.
pub(super) fn add_product(a: ArrayView2<f32>, b: ArrayView2<f32>, c: ArrayViewMut2<f32>) {
    add_product_at(Level::chosen(), a, b, c);
}

fn add_product_at(level: Level, a: ArrayView2<f32>, b: ArrayView2<f32>, c: ArrayViewMut2<f32>) {
    assert!(a.ncols() == b.nrows() && c.dim() == (a.nrows(), b.ncols()), "the shapes of a product");
    // Columns are computed side by side, so there had better be many.
    let (a, b, c) = match b.ncols() < a.nrows() {
        true => (b.reversed_axes(), a.reversed_axes(), c.reversed_axes()),
        false => (a, b, c),
    };
    match level.min(Level::best()) {
        Level::Portable => blocks::<4, 8>(a, b, c),
        // SAFETY: `Level::best` found AVX2.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { blocks_avx2(a, b, c) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => unreachable!("other processors have the portable level only"),
    }
}

/// [`blocks`] compiled for AVX2, without fused multiply-add.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn blocks_avx2(a: ArrayView2<f32>, b: ArrayView2<f32>, c: ArrayViewMut2<f32>) {
    // Twelve sums of eight columns, two of the right matrix, a factor and a product: sixteen registers.
    blocks::<6, 16>(a, b, c);
}

/// Cuts a product into tiles of R rows and C columns, whose sums stay in registers, and packs what
/// these read into panels that lie in the caches.
#[inline(always)]
fn blocks<const R: usize, const C: usize>(a: ArrayView2<f32>, b: ArrayView2<f32>, mut c: ArrayViewMut2<f32>) {
    let ((m, depth), n) = (a.dim(), b.ncols());
    let most = DEPTH.min(depth);
    let mut left = vec![0.0; HEIGHT.min(m).next_multiple_of(R) * most];
    let mut right = vec![[0.0; C]; WIDTH.min(n).div_ceil(C) * most];
    for column in (0..n).step_by(WIDTH) {
        let columns = WIDTH.min(n - column);
        for k in (0..depth).step_by(DEPTH) {
            let terms = DEPTH.min(depth - k);
            pack_right(b.slice(s![k..k + terms, column..column + columns]), &mut right);
            for row in (0..m).step_by(HEIGHT) {
                let rows = HEIGHT.min(m - row);
                pack_left::<R>(a.slice(s![row..row + rows, k..k + terms]), &mut left);
                for x in (0..columns).step_by(C) {
                    let right = &right[x / C * terms..][..terms];
                    let across = column + x..column + columns.min(x + C);
                    for y in (0..rows).step_by(R) {
                        let left = &left[y * terms..][..R * terms];
                        let c = c.slice_mut(s![row + y..row + rows.min(y + R), across.clone()]);
                        // A vector times a matrix would be slowed down by rows of zeros.
                        match c.nrows() {
                            1 => add(c, &tile::<R, 1, C>(left, right)),
                            _ => add(c, &tile::<R, R, C>(left, right)),
                        }
                    }
                }
            }
        }
    }
}

/// The sums of the first USED rows of a tile: `left` has R factors a term, `right` C.
#[inline(always)]
fn tile<const R: usize, const USED: usize, const C: usize>(
    left: &[f32],
    right: &[[f32; C]],
) -> [[f32; C]; USED] {
    let mut totals = [[0.0; C]; USED];
    for (left, right) in left.chunks(R * RUN).zip(right.chunks(RUN)) {
        let mut sums = [[0.0; C]; USED];
        for (left, right) in left.chunks_exact(R).zip(right) {
            for (sums, left) in sums.iter_mut().zip(left) {
                sums.iter_mut().zip(right).for_each(|(sum, right)| *sum += left * right);
            }
        }
        for (totals, sums) in totals.iter_mut().zip(&sums) {
            totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
    }
    totals
}

/// Adds the sums of a tile to the elements that exist.
#[inline(always)]
fn add<const C: usize>(mut c: ArrayViewMut2<f32>, sums: &[[f32; C]]) {
    for (mut line, sums) in c.rows_mut().into_iter().zip(sums) {
        match line.as_slice_mut() {
            Some(line) => line.iter_mut().zip(sums).for_each(|(c, sum)| *c += sum),
            None => line.iter_mut().zip(sums).for_each(|(c, sum)| *c += sum),
        }
    }
}

/// Panels of R rows, term by term; rows that do not exist are zeros.
#[inline(always)]
fn pack_left<const R: usize>(a: ArrayView2<f32>, left: &mut [f32]) {
    let (rows, terms) = a.dim();
    for (y, panel) in (0..rows).step_by(R).zip(left.chunks_exact_mut(R * terms)) {
        panel.fill(0.0);
        for (i, row) in a.slice(s![y..rows.min(y + R), ..]).rows().into_iter().enumerate() {
            let panel = panel.chunks_exact_mut(R);
            match row.to_slice() {
                Some(row) => panel.zip(row).for_each(|(to, from)| to[i] = *from),
                None => panel.zip(row).for_each(|(to, from)| to[i] = *from),
            }
        }
    }
}

/// Panels of C columns, term by term; columns that do not exist are zeros.
#[inline(always)]
fn pack_right<const C: usize>(b: ArrayView2<f32>, right: &mut [[f32; C]]) {
    let (terms, columns) = b.dim();
    for (x, panel) in (0..columns).step_by(C).zip(right.chunks_exact_mut(terms)) {
        let part = b.slice(s![.., x..columns.min(x + C)]);
        if part.ncols() < C {
            panel.fill([0.0; C]);
        }
        if part.strides()[1] == 1 {
            for (to, from) in panel.iter_mut().zip(part.rows()) {
                let from = from.to_slice().expect("a step of one is contiguous");
                match from.as_array::<C>() {
                    // Of a known length, so not by a call.
                    Some(from) => *to = *from,
                    None => to[..from.len()].copy_from_slice(from),
                }
            }
            continue;
        }
        for (j, column) in part.columns().into_iter().enumerate() {
            match column.to_slice() {
                Some(column) => panel.iter_mut().zip(column).for_each(|(to, from)| to[j] = *from),
                None => panel.iter_mut().zip(column).for_each(|(to, from)| to[j] = *from),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Range;
    use tilewright_random::Random;

    fn terms(all: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
        all.clone().step_by(most).map(move |first| first..all.end.min(first + most))
    }

    /// As the text above says, element by element.
    fn defined(a: &Array2<f32>, b: &Array2<f32>, mut c: Array2<f32>) -> Array2<f32> {
        for ((i, j), c) in c.indexed_iter_mut() {
            for block in terms(0..a.ncols(), DEPTH) {
                let run = |k: Range<usize>| k.fold(0.0, |sum, k| sum + a[[i, k]] * b[[k, j]]);
                *c += terms(block, RUN).map(run).fold(0.0, |total, sum| total + sum);
            }
        }
        c
    }

    /// Bit by bit at every level, whole and transposed, below, at and above the sizes of tiles and blocks.
    #[test]
    fn every_level_gives_the_defined_bits() {
        let mut random = Random::new(7);
        let mut matrix = |m: usize, n: usize| Array2::from_shape_vec((m, n), random.floats(m * n)).unwrap();
        for (m, k, n) in [
            (0, 3, 2),
            (2, 0, 3),
            (1, 1, 1),
            (1, 300, 70),
            (70, 300, 1),
            (6, 256, 16),
            (7, 257, 17),
            (13, 40, 515),
            (100, 30, 101),
            (515, 20, 13),
            (5, 600, 9),
        ] {
            let (a, b, c) = (matrix(m, k), matrix(k, n), matrix(m, n));
            let want = defined(&a, &b, c.clone());
            let a_turned = a.t().as_standard_layout().into_owned();
            let b_turned = b.t().as_standard_layout().into_owned();
            for level in Level::available() {
                for a in [a.view(), a_turned.t()] {
                    for b in [b.view(), b_turned.t()] {
                        let mut got = c.clone();
                        add_product_at(level, a, b, got.view_mut());
                        let same = got.iter().zip(&want).all(|(g, w)| g.to_bits() == w.to_bits());
                        assert!(same, "{m} x {k} x {n} at {level:?}");
                    }
                }
            }
        }
    }
}
