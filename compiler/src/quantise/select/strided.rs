//! How the values of the source graph lie in the machine's tensors.
//!
//! A value keeps its elements' row-major order; where each of them lies is a list of [`StridedDim`]s. So
//! reshapes, transposes, slices and broadcasts of a value change the list and never move a byte.

use crate::fixed;
use crate::network::{Places, places};

/// A run of neighbours of a value along one axis of its tensor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StridedDim {
    /// How many.
    pub extent: usize,
    /// The tensor's axis: channels, rows, columns.
    pub axis: usize,
    /// Their distance there; 0 repeats one element.
    pub step: usize,
}

/// A tensor of the machine in the making.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HomeId {
    /// By its index in [`Plan::homes`](super::plan::Plan::homes).
    At(usize),
    /// That of the fused operation which is being made.
    Output,
}

impl HomeId {
    /// Its index in the plan. All that a finished fused operation reads has one.
    pub fn index(self) -> usize {
        match self {
            HomeId::At(index) => index,
            HomeId::Output => unreachable!("a group that is made reads its own result"),
        }
    }
}

/// A view of a home.
pub type HomeView = fixed::View<HomeId>;

/// Where the elements of a value lie in the tensor of a home.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StridedLayout {
    /// The home.
    pub home: HomeId,
    /// Index of the first element along each axis of the tensor.
    pub origin: [usize; 3],
    /// The others, outermost first; none has extent 1.
    pub dims: Vec<StridedDim>,
}

/// The tensor shape in which a value of `shape` lies when nothing says otherwise: row-major, the last
/// two axes that are longer than 1 as rows and columns where there are three or more.
///
/// A vector lies in channels; the shape of an image with extents of 1 is kept.
pub fn natural(shape: &[usize]) -> [usize; 3] {
    match *shape {
        [1, c, h, w] => [c, h, w],
        [1, c, l] => [c, 1, l],
        [k] | [1, k] => [k, 1, 1],
        _ => {
            let long: Vec<usize> = shape.iter().copied().filter(|&e| e > 1).collect();
            match long[..] {
                [] => [1, 1, 1],
                [k] => [k, 1, 1],
                [c, l] => [c, 1, l],
                [.., h, w] => [long[..long.len() - 2].iter().product(), h, w],
            }
        }
    }
}

impl StridedLayout {
    /// The elements that `dims` say, from the first element of a home's tensor on.
    pub fn new(home: HomeId, dims: impl IntoIterator<Item = StridedDim>) -> StridedLayout {
        StridedLayout { home, origin: [0; 3], dims: joined(dims) }
    }

    /// All elements of a home's tensor of `shape`, in its own order.
    pub fn whole(home: HomeId, shape: [usize; 3]) -> StridedLayout {
        StridedLayout::new(home, (0..3).map(|axis| StridedDim { extent: shape[axis], axis, step: 1 }))
    }

    /// The dims that make up each axis of the value; `None` where an axis would cut a dim in parts
    /// that are not whole.
    pub fn axes(&self, shape: &[usize]) -> Option<Vec<Vec<StridedDim>>> {
        let mut rest = self.dims.clone();
        rest.reverse();
        let mut axes = Vec::with_capacity(shape.len());
        for &extent in shape {
            let mut missing = extent;
            let mut axis = Vec::new();
            while missing > 1 {
                let dim = rest.pop()?;
                if missing.is_multiple_of(dim.extent) {
                    missing /= dim.extent;
                    axis.push(dim);
                } else if dim.extent.is_multiple_of(missing) {
                    let inner = dim.extent / missing;
                    axis.push(StridedDim { extent: missing, step: dim.step * inner, ..dim });
                    rest.push(StridedDim { extent: inner, ..dim });
                    missing = 1;
                } else {
                    return None;
                }
            }
            axes.push(axis);
        }
        rest.is_empty().then_some(axes)
    }

    /// The same home and first element with other dims.
    pub fn of(&self, dims: impl IntoIterator<Item = StridedDim>) -> StridedLayout {
        StridedLayout { dims: joined(dims), ..self.clone() }
    }

    /// The value of `shape` with its axes permuted: axis i of the result is axis `perm[i]`.
    pub fn transposed(&self, shape: &[usize], perm: &[usize]) -> Option<StridedLayout> {
        let axes = self.axes(shape)?;
        Some(self.of(perm.iter().flat_map(|&p| axes[p].clone())))
    }

    /// Every `steps[i]`-th element of axis i from `starts[i]` on, `extents[i]` of them.
    pub fn sliced(
        &self,
        shape: &[usize],
        starts: &[usize],
        steps: &[i64],
        extents: &[usize],
    ) -> Option<StridedLayout> {
        let axes = self.axes(shape)?;
        let mut held = self.clone();
        held.dims.clear();
        for (i, dims) in axes.iter().enumerate() {
            if extents[i] == shape[i] && starts[i] == 0 && steps[i] == 1 {
                held.dims.extend(dims);
                continue;
            }
            let step = usize::try_from(steps[i]).ok().filter(|&s| s > 0);
            let single = merged(dims).filter(|d| d.is_some());
            match (single, step) {
                (Some(Some(dim)), Some(step)) => {
                    held.origin[dim.axis] += dim.step * starts[i];
                    held.dims.push(StridedDim { extent: extents[i], step: dim.step * step, ..dim });
                }
                // One index of an axis that lies along several.
                _ if extents[i] == 1 => {
                    let mut index = starts[i];
                    for dim in dims.iter().rev() {
                        held.origin[dim.axis] += dim.step * (index % dim.extent);
                        index /= dim.extent;
                    }
                }
                _ => return None,
            }
        }
        held.dims = joined(held.dims);
        Some(held)
    }

    /// The value of `shape` broadcast to `to` as numpy does.
    pub fn broadcast(&self, shape: &[usize], to: &[usize]) -> Option<StridedLayout> {
        let axes = self.axes(shape)?;
        let missing = to.len().checked_sub(shape.len())?;
        let mut dims = Vec::new();
        for (i, &extent) in to.iter().enumerate() {
            let own = i.checked_sub(missing).map_or(1, |j| shape[j]);
            if own == extent {
                dims.extend(i.checked_sub(missing).map_or(&[][..], |j| &axes[j]));
            } else {
                dims.push(StridedDim { extent, axis: 1, step: 0 });
            }
        }
        Some(self.of(dims))
    }

    /// The view whose channels, rows and columns are the given parts of the value; `None` where one
    /// of them does not lie evenly along one axis.
    pub fn view(&self, parts: [&[StridedDim]; 3]) -> Option<HomeView> {
        let mut dims = [None; 3];
        for (dim, part) in dims.iter_mut().zip(parts) {
            *dim = merged(part)?;
        }
        let mut view =
            HomeView { tensor: self.home, axes: [0, 1, 2], origin: self.origin, step: [1; 3], shape: [1; 3] };
        for (i, dim) in dims.into_iter().enumerate() {
            if let Some(dim) = dim {
                (view.axes[i], view.step[i], view.shape[i]) = (dim.axis, dim.step, dim.extent);
            }
        }
        Some(view)
    }

    /// The box of the tensor that the value fills, with the tensor's own order of axes, and where
    /// the value lies in a tensor that is just that box. `None` where the value leaves gaps other
    /// than even ones, or repeats elements.
    pub fn boxed(&self) -> Option<(HomeView, StridedLayout)> {
        let mut along: [Vec<(usize, StridedDim)>; 3] = Default::default();
        for (i, dim) in self.dims.iter().enumerate() {
            along[dim.axis].push((i, *dim));
        }
        let mut inner = StridedLayout { home: self.home, origin: [0; 3], dims: self.dims.clone() };
        let mut view = HomeView::whole(self.home, [1; 3]);
        view.origin = self.origin;
        for (axis, dims) in along.iter_mut().enumerate() {
            dims.sort_by_key(|(_, d)| d.step);
            let Some((_, first)) = dims.first() else { continue };
            let unit = first.step;
            let mut count = 1;
            for (i, dim) in dims.iter() {
                if dim.step == 0 || dim.step != unit * count {
                    return None;
                }
                inner.dims[*i].step = count;
                count *= dim.extent;
            }
            (view.step[axis], view.shape[axis]) = (unit, count);
        }
        Some((view, inner))
    }

    /// The view of `other`, a value with the same elements' order (perhaps broadcast), whose
    /// channels, rows and columns are those of the tensor that this value fills.
    pub fn arrange(&self, other: &StridedLayout) -> Option<HomeView> {
        let (mine, theirs) = refine(&self.dims, &other.dims)?;
        let mut parts: [Vec<(usize, StridedDim)>; 3] = Default::default();
        for (mine, theirs) in mine.iter().zip(theirs) {
            parts[mine.axis].push((mine.step, theirs));
        }
        // Outermost first along each axis of this value's tensor.
        let parts = parts.map(|mut part| {
            part.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
            part.into_iter().map(|(_, dim)| dim).collect::<Vec<StridedDim>>()
        });
        other.view([&parts[0], &parts[1], &parts[2]])
    }

    /// The same place in another home of the same shape.
    pub fn in_home(mut self, home: HomeId) -> StridedLayout {
        self.home = home;
        self
    }

    /// Offset in the dense tensor of `shape` of the first element, and extents and distances of the
    /// rest.
    pub fn strides(&self, shape: [usize; 3]) -> (usize, Vec<(usize, usize)>) {
        let dense = [shape[1] * shape[2], shape[2], 1];
        let offset = (0..3).map(|i| self.origin[i] * dense[i]).sum();
        (offset, self.dims.iter().map(|d| (d.extent, d.step * dense[d.axis])).collect())
    }

    /// Offsets in the dense tensor of `shape` of all elements, in the value's order.
    pub fn offsets(&self, shape: [usize; 3]) -> Places {
        let (first, dims) = self.strides(shape);
        places(first, &dims)
    }
}

/// Dims without extents of 1, neighbours joined where they make one run.
pub fn joined(dims: impl IntoIterator<Item = StridedDim>) -> Vec<StridedDim> {
    let mut all: Vec<StridedDim> = Vec::new();
    for dim in dims.into_iter().filter(|d| d.extent > 1) {
        match all.last_mut() {
            Some(last) if join(last, &dim).is_some() => *last = join(last, &dim).expect("just asked"),
            _ => all.push(dim),
        }
    }
    all
}

fn join(outer: &StridedDim, inner: &StridedDim) -> Option<StridedDim> {
    let repeated = outer.step == 0 && inner.step == 0;
    let run = outer.axis == inner.axis && inner.step > 0 && outer.step == inner.step * inner.extent;
    (repeated || run).then_some(StridedDim { extent: outer.extent * inner.extent, ..*inner })
}

/// One dim for all of `dims`, or none for no dims; `None` when they are not one run.
fn merged(dims: &[StridedDim]) -> Option<Option<StridedDim>> {
    match joined(dims.iter().copied())[..] {
        [] => Some(None),
        [dim] => Some(Some(dim)),
        _ => None,
    }
}

/// Cuts two lists of dims for the same elements until their extents agree.
pub fn refine(a: &[StridedDim], b: &[StridedDim]) -> Option<(Vec<StridedDim>, Vec<StridedDim>)> {
    let (mut a, mut b): (Vec<StridedDim>, Vec<StridedDim>) = (a.to_vec(), b.to_vec());
    let (mut left, mut right) = (Vec::new(), Vec::new());
    // From the innermost outwards.
    while let (Some(x), Some(y)) = (a.pop(), b.pop()) {
        let cut = |long: StridedDim, extent: usize| {
            let outer = StridedDim { extent: long.extent / extent, step: long.step * extent, ..long };
            (outer, StridedDim { extent, ..long })
        };
        if x.extent == y.extent {
            left.push(x);
            right.push(y);
        } else if x.extent.is_multiple_of(y.extent) {
            let (outer, inner) = cut(x, y.extent);
            a.push(outer);
            left.push(inner);
            right.push(y);
        } else if y.extent.is_multiple_of(x.extent) {
            let (outer, inner) = cut(y, x.extent);
            b.push(outer);
            left.push(x);
            right.push(inner);
        } else {
            return None;
        }
    }
    left.reverse();
    right.reverse();
    (a.is_empty() && b.is_empty()).then_some((left, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(held: &StridedLayout, shape: [usize; 3]) -> Vec<usize> {
        held.offsets(shape).collect()
    }

    fn of_view(view: &HomeView, shape: [usize; 3]) -> Vec<usize> {
        let all: Vec<i32> = (0..shape.iter().product::<usize>() as i32).collect();
        view.read(shape, &all).into_iter().map(|i| i as usize).collect()
    }

    /// The way of attention: heads are split off the channels, transposed, and joined again, and the
    /// product with a matrix still sees one run of channels.
    #[test]
    fn heads_and_back() {
        let shape = [12, 7, 7];
        let value = StridedLayout::whole(HomeId::At(0), shape);
        // [1,12,49] -> [1,49,12] -> [1,49,3,4] -> [1,3,49,4]
        let tokens = value.transposed(&[1, 12, 49], &[0, 2, 1]).unwrap();
        let heads = tokens.transposed(&[1, 49, 3, 4], &[0, 2, 1, 3]).unwrap();
        let by_hand: Vec<usize> = (0..3)
            .flat_map(|h| (0..49).flat_map(move |t| (0..4).map(move |d| (h * 4 + d) * 49 + t)))
            .collect();
        assert_eq!(offsets(&heads, shape), by_hand);
        let axes = heads.axes(&[1, 3, 49, 4]).unwrap();
        let one = heads.sliced(&[1, 3, 49, 4], &[0, 1, 0, 0], &[1; 4], &[1, 1, 49, 4]).unwrap();
        assert_eq!(axes[2].len(), 2, "rows and columns");
        let axes = one.axes(&[1, 1, 49, 4]).unwrap();
        let view = one.view([&axes[3], &axes[2][..1], &axes[2][1..]]).unwrap();
        assert_eq!((view.axes, view.origin, view.shape), ([0, 1, 2], [4, 0, 0], [4, 7, 7]));
        assert_eq!(heads.transposed(&[1, 3, 49, 4], &[0, 2, 1, 3]).unwrap(), tokens);
        assert_eq!(tokens.transposed(&[1, 49, 12], &[0, 2, 1]).unwrap(), value);
    }

    #[test]
    fn arranged_like_another() {
        let shape = [6, 2, 5];
        // b is a's transpose, stored in its own order: [1,10,6]
        let a = StridedLayout::whole(HomeId::At(0), shape).transposed(&[1, 6, 10], &[0, 2, 1]).unwrap();
        let b = StridedLayout::whole(HomeId::At(1), [10, 1, 6]);
        // rows and columns of a lie along one axis of b
        let view = a.arrange(&b).unwrap();
        assert_eq!((view.axes, view.step, view.shape), ([2, 0, 0], [1, 5, 1], shape));
        let b = StridedLayout::whole(HomeId::At(1), [2, 5, 6]);
        let view = a.arrange(&b).unwrap();
        assert_eq!(view.shape, shape);
        assert_eq!(view.axes, [2, 0, 1]);
        // a gate for each channel
        let gate =
            StridedLayout::whole(HomeId::At(2), [6, 1, 1]).broadcast(&[1, 6, 1, 1], &[1, 6, 2, 5]).unwrap();
        let view = StridedLayout::whole(HomeId::At(0), shape).arrange(&gate).unwrap();
        let by_hand: Vec<usize> = (0..60).map(|i| i / 10).collect();
        assert_eq!(of_view(&view, [6, 1, 1]), by_hand);
    }

    #[test]
    fn slices_are_boxes() {
        let shape = [8, 4, 4];
        let held = StridedLayout::whole(HomeId::At(0), shape).sliced(
            &[1, 8, 4, 4],
            &[0, 2, 1, 0],
            &[1, 3, 1, 1],
            &[1, 2, 3, 4],
        );
        let (view, inner) = held.unwrap().boxed().unwrap();
        assert_eq!((view.origin, view.step, view.shape), ([2, 1, 0], [3, 1, 1], [2, 3, 4]));
        assert_eq!(inner, StridedLayout::whole(HomeId::At(0), [2, 3, 4]));
        assert_eq!(
            StridedLayout::whole(HomeId::At(0), shape).broadcast(&[128], &[2, 128]).unwrap().boxed(),
            None
        );
    }
}
