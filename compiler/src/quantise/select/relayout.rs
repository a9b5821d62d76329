//! Copies of values whose elements do not lie as an operator reads them: behind a channel shuffle, a PixelUnshuffle,
//! maps that become rows of a product.

use super::moves::MOST_COPIES;
use super::strided::{HomeId, HomeView, StridedDim, StridedLayout, joined, natural, refine};

/// Copies that lay a value out row-major in a tensor of its own.
#[derive(Clone, PartialEq, Debug)]
pub struct Relayout {
    /// What each copy reads, of the value's home.
    pub from: Vec<HomeView>,
    /// Where each copy writes it, in the home [`HomeId::Output`].
    pub to: Vec<HomeView>,
    /// Channels, rows and columns of that home.
    pub shape: [usize; 3],
    /// Where the value lies in it.
    pub held: StridedLayout,
}

impl Relayout {
    /// The copies of a value of `shape` that lies as `held` says. `None` where it lies so already, where these would be
    /// too many, and where they need it whole and it has more than `whole` elements.
    pub fn new(held: &StridedLayout, shape: &[usize], whole: usize) -> Option<Relayout> {
        let grid = natural(shape);
        let out = StridedLayout::whole(HomeId::Output, grid);
        if held.origin == out.origin && held.dims == out.dims {
            return None;
        }
        let loops = loops(held, &out)?;
        let striped = loops.iter().all(|(from, to)| to.axis != 1 || from.axis == 1)
            && loops.iter().all(|(from, to)| from.axis != 1 || to.axis != 2);
        if !striped && shape.iter().product::<usize>() > whole {
            return None;
        }
        let (inside, outside) = divided(loops);
        let count = outside.iter().map(|(from, _)| from.extent).product::<usize>();
        if count > MOST_COPIES {
            return None;
        }
        let places = slots(&inside);
        let (mut from, mut to) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for mut index in 0..count {
            let (mut read, mut written) = (held.origin, out.origin);
            for (from, to) in outside.iter().rev() {
                let at = index % from.extent;
                index /= from.extent;
                read[from.axis] += at * from.step;
                written[to.axis] += at * to.step;
            }
            from.push(view(held.home, read, places.map(|i| i.map(|i| inside[i].0))));
            to.push(view(HomeId::Output, written, places.map(|i| i.map(|i| inside[i].1))));
        }
        Some(Relayout { from, to, shape: grid, held: out })
    }
}

/// A loop over elements of a value: how it walks through what is read, and through what is written.
type CopyLoop = (StridedDim, StridedDim);

/// The loops over the elements of a value in two tensors, outermost first, as few as there can be.
fn loops(from: &StridedLayout, to: &StridedLayout) -> Option<Vec<CopyLoop>> {
    let (from, to) = refine(&from.dims, &to.dims)?;
    let mut loops: Vec<CopyLoop> = Vec::new();
    for (from, to) in from.into_iter().zip(to) {
        let together =
            loops.last().and_then(|last| match (&joined([last.0, from])[..], &joined([last.1, to])[..]) {
                (&[from], &[to]) => Some((from, to)),
                _ => None,
            });
        match (together, loops.last_mut()) {
            (Some(together), Some(last)) => *last = together,
            _ => loops.push((from, to)),
        }
    }
    Some(loops)
}

/// The three longest loops, in order, and the others.
fn divided(loops: Vec<CopyLoop>) -> (Vec<CopyLoop>, Vec<CopyLoop>) {
    let mut longest: Vec<usize> = (0..loops.len()).collect();
    longest.sort_by_key(|&i| std::cmp::Reverse((loops[i].0.extent, i)));
    longest.truncate(3);
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for (i, pair) in loops.into_iter().enumerate() {
        if longest.contains(&i) { inside.push(pair) } else { outside.push(pair) }
    }
    (inside, outside)
}

/// For channels, rows and columns of a copy the loop over them: that along the same axis of what is written where
/// each has its own, so that rows are rows and the copy can run in stripes.
fn slots(inside: &[CopyLoop]) -> [Option<usize>; 3] {
    let own: [Option<usize>; 3] =
        std::array::from_fn(|axis| inside.iter().position(|(_, to)| to.axis == axis));
    match own.iter().flatten().count() == inside.len() {
        true => own,
        false => std::array::from_fn(|slot| (slot + inside.len()).checked_sub(3)),
    }
}

fn view(home: HomeId, origin: [usize; 3], dims: [Option<StridedDim>; 3]) -> HomeView {
    let mut view = HomeView { origin, ..HomeView::whole(home, [1; 3]) };
    for (slot, dim) in dims.into_iter().enumerate() {
        if let Some(dim) = dim {
            (view.axes[slot], view.step[slot], view.shape[slot]) = (dim.axis, dim.step, dim.extent);
        }
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: usize = 1 << 15;

    /// What is copied lies where the value's elements are to lie.
    fn check(held: &StridedLayout, home: [usize; 3], shape: &[usize], copies: usize) {
        let layout = Relayout::new(held, shape, WHOLE).unwrap();
        assert_eq!(layout.from.len(), copies);
        let bytes: Vec<i32> = (0..home.iter().product::<usize>() as i32).collect();
        let mut made = vec![-1; layout.shape.iter().product()];
        for (from, to) in layout.from.iter().zip(&layout.to) {
            assert_eq!(from.shape, to.shape);
            let elements = from.read(home, &bytes);
            let all: Vec<i32> = (0..made.len() as i32).collect();
            for (place, element) in to.read(layout.shape, &all).into_iter().zip(elements) {
                made[place as usize] = element;
            }
        }
        let wanted: Vec<i32> = held.offsets(home).map(|place| place as i32).collect();
        let got: Vec<i32> = layout.held.offsets(layout.shape).map(|place| made[place]).collect();
        assert_eq!(got, wanted);
    }

    #[test]
    fn a_shuffle_is_two_copies() {
        let home = [12, 4, 5];
        let held =
            StridedLayout::whole(HomeId::At(0), home).transposed(&[1, 2, 6, 4, 5], &[0, 2, 1, 3, 4]).unwrap();
        check(&held, home, &[1, 12, 4, 5], 2);
    }

    #[test]
    fn an_unshuffle_is_a_copy_of_each_place() {
        let home = [3, 8, 6];
        let held = StridedLayout::whole(HomeId::At(0), home)
            .transposed(&[1, 3, 4, 2, 3, 2], &[0, 1, 3, 5, 2, 4])
            .unwrap();
        check(&held, home, &[1, 12, 4, 3], 4);
    }

    #[test]
    fn a_map_becomes_lines() {
        let home = [4, 6, 5];
        check(&StridedLayout::whole(HomeId::At(0), home), home, &[1, 4, 30], 1);
        let turned = StridedLayout::whole(HomeId::At(0), home).transposed(&[1, 4, 30], &[0, 2, 1]).unwrap();
        check(&turned, home, &[1, 30, 4], 1);
    }

    #[test]
    fn what_lies_well_or_is_too_large_is_not_copied() {
        let home = [4, 6, 5];
        assert_eq!(Relayout::new(&StridedLayout::whole(HomeId::At(0), home), &[1, 4, 6, 5], WHOLE), None);
        let large = StridedLayout::whole(HomeId::At(0), [16, 128, 128]);
        assert_eq!(Relayout::new(&large, &[1, 16, 128 * 128], WHOLE), None);
        assert!(Relayout::new(&large, &[1, 16, 128 * 128], 8 * WHOLE).is_some());
        let shuffled = large.transposed(&[1, 2, 8, 128, 128], &[0, 2, 1, 3, 4]).unwrap();
        assert!(Relayout::new(&shuffled, &[1, 16, 128, 128], WHOLE).is_some());
    }
}
