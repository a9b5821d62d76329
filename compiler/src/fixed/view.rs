//! Parts of tensors, in any order of axes.

use super::{Tensor, TensorId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// A C x H x W arrangement of evenly spaced elements of a tensor, which `T` names.
///
/// Element (c, y, x) of the view is the tensor's element at `origin`, plus `step[i] * (c, y, x)[i]`
/// along axis `axes[i]` for each i. Slices, transposed and broadcast tensors, rows seen as one line
/// and the phases of a transposed convolution are views: none of them moves a byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct View<T = TensorId> {
    /// The tensor.
    pub tensor: T,
    /// The tensor's axis (0 channels, 1 rows, 2 columns) along which each axis of the view runs.
    pub axes: [usize; 3],
    /// Index of the first element along each axis of the tensor.
    pub origin: [usize; 3],
    /// Distance of neighbours along each axis of the view; 0 repeats one element.
    pub step: [usize; 3],
    /// Channels, rows, columns of the view.
    pub shape: [usize; 3],
}

impl View {
    /// Whether it is all of `tensor`, axes in order.
    pub fn is_whole(&self, tensor: &Tensor) -> bool {
        *self == View::whole(self.tensor, tensor.shape)
    }
}

impl<T: Copy> View<T> {
    /// All of a tensor.
    pub fn whole(tensor: T, shape: [usize; 3]) -> View<T> {
        View { tensor, axes: [0, 1, 2], origin: [0; 3], step: [1; 3], shape }
    }

    /// The same elements of another tensor.
    pub fn of<U>(self, tensor: U) -> View<U> {
        let View { axes, origin, step, shape, .. } = self;
        View { tensor, axes, origin, step, shape }
    }

    /// `count` indices of an axis from `first` on.
    pub fn slice(mut self, axis: usize, first: usize, count: usize) -> View<T> {
        self.origin[self.axes[axis]] += self.step[axis] * first;
        self.shape[axis] = count;
        self
    }

    /// Every `step`-th index of an axis: `count` of them from `first` on.
    pub fn every(mut self, axis: usize, first: usize, step: usize, count: usize) -> View<T> {
        self = self.slice(axis, first, count);
        self.step[axis] *= step;
        self
    }

    /// The view of a wide tensor's high halves, from that of its values.
    pub fn high_halves(mut self) -> View<T> {
        self.origin[0] *= 2;
        for i in 0..3 {
            self.step[i] *= if self.axes[i] == 0 { 2 } else { 1 };
        }
        self
    }

    /// The view of a wide tensor's low halves, from that of its high ones: a plane further.
    pub fn low_halves(mut self) -> View<T> {
        self.origin[0] += 1;
        self
    }

    /// Axis i of the result is axis `order[i]` of this view.
    pub fn permuted(self, order: [usize; 3]) -> View<T> {
        let pick = |from: [usize; 3]| order.map(|axis| from[axis]);
        View { axes: pick(self.axes), step: pick(self.step), shape: pick(self.shape), ..self }
    }

    /// Repeats axes of extent 1 until the view has `shape`; `None` when another axis differs.
    pub fn broadcast(mut self, shape: [usize; 3]) -> Option<View<T>> {
        for (axis, &extent) in shape.iter().enumerate() {
            if self.shape[axis] != extent {
                if self.shape[axis] != 1 {
                    return None;
                }
                (self.shape[axis], self.step[axis]) = (extent, 0);
            }
        }
        Some(self)
    }

    /// Index in the tensor, by tensor axis, of the view's element (c, y, x).
    pub fn element(&self, at: [usize; 3]) -> [usize; 3] {
        let mut index = self.origin;
        for i in 0..3 {
            index[self.axes[i]] += self.step[i] * at[i];
        }
        index
    }

    /// One past the largest index along each axis of the tensor.
    pub fn end(&self) -> [usize; 3] {
        self.element(self.shape.map(|n| n - 1)).map(|last| last + 1)
    }

    /// Dense row-major offset in a tensor of `shape` of the first element, and the offsets from
    /// neighbour to neighbour along each axis of the view.
    pub fn strides(&self, shape: [usize; 3]) -> (usize, [usize; 3]) {
        let dense = [shape[1] * shape[2], shape[2], 1];
        let first = (0..3).map(|i| self.origin[i] * dense[i]).sum();
        (first, [0, 1, 2].map(|i| self.step[i] * dense[self.axes[i]]))
    }

    /// The elements of the view, row-major, from those of its tensor of `shape`.
    pub fn read<E: Copy>(&self, shape: [usize; 3], elements: &[E]) -> Vec<E> {
        let (first, [plane, pitch, pixel]) = self.strides(shape);
        let [channels, rows, columns] = self.shape;
        let mut all = Vec::with_capacity(channels * rows * columns);
        for c in 0..channels {
            for y in 0..rows {
                let row = first + c * plane + y * pitch;
                all.extend((0..columns).map(|x| elements[row + x * pixel]));
            }
        }
        all
    }

    /// Whether the view's rows, and nothing else, run along the tensor's rows: then, and only then,
    /// a range of the view's rows is a range of the tensor's.
    pub fn keeps_rows(&self) -> bool {
        let runs = |i: usize| self.axes[i] == 1 && self.shape[i] > 1 && self.step[i] > 0;
        self.axes[1] == 1 && !runs(0) && !runs(2)
    }

    /// The tensor's rows that some rows of the view lie in (at least one); all that the view has
    /// unless it [keeps rows](View::keeps_rows).
    pub fn tensor_rows(&self, rows: Range<usize>) -> Range<usize> {
        if !self.keeps_rows() {
            return self.origin[1]..self.end()[1];
        }
        let at = |row: usize| self.origin[1] + self.step[1] * row;
        at(rows.start)..at(rows.end.max(rows.start + 1) - 1) + 1
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.tensor)?;
        for i in 0..3 {
            let (axis, step, count) = (["c", "y", "x"][self.axes[i]], self.step[i], self.shape[i]);
            let origin = self.origin[self.axes[i]];
            match step {
                0 => write!(f, "[{axis} {origin} x {count}]")?,
                1 => write!(f, "[{axis} {origin}..{}]", origin + count)?,
                _ => write!(f, "[{axis} {origin}..{} by {step}]", origin + step * (count - 1) + 1)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every element of composed views, against indexing by hand.
    #[test]
    fn elements_of_composed_views() {
        let shape = [4, 6, 10];
        let elements: Vec<i8> = (0..240).map(|i| (i - 120) as i8).collect();
        let view = View::whole(TensorId(0), shape).every(2, 1, 3, 3).slice(0, 2, 2).permuted([2, 0, 1]);
        assert_eq!(view.shape, [3, 2, 6]);
        let read = view.read(shape, &elements);
        for c in 0..3 {
            for y in 0..2 {
                for x in 0..6 {
                    let by_hand = elements[((2 + y) * 6 + x) * 10 + 1 + 3 * c];
                    assert_eq!(read[(c * 2 + y) * 6 + x], by_hand);
                    assert_eq!(view.element([c, y, x]), [2 + y, x, 1 + 3 * c]);
                }
            }
        }
        assert_eq!(view.end(), [4, 6, 8]);
        assert_eq!(view.tensor_rows(0..1), 0..6);
    }

    #[test]
    fn broadcast_repeats() {
        let view = View::whole(TensorId(0), [3, 1, 1]).broadcast([3, 2, 2]).unwrap();
        assert_eq!(view.read([3, 1, 1], &[5, 6, 7]), [5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7]);
        assert_eq!(View::whole(TensorId(0), [3, 1, 2]).broadcast([3, 2, 4]), None);
    }

    #[test]
    fn rows_of_the_tensor() {
        let view = View::whole(TensorId(0), [1, 9, 1]).every(1, 1, 2, 4);
        assert_eq!(view.tensor_rows(0..4), 1..8);
        assert_eq!(view.tensor_rows(2..3), 5..6);
        // Rows of four seen as one line.
        let line = View {
            axes: [0, 2, 2],
            step: [1, 4, 1],
            shape: [1, 2, 4],
            ..View::whole(TensorId(0), [1, 1, 8])
        };
        assert_eq!(line.read([1, 1, 8], &[0, 1, 2, 3, 4, 5, 6, 7]), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((line.keeps_rows(), line.tensor_rows(1..2)), (false, 0..1));
        let one = View::whole(TensorId(0), [1, 1, 1]).broadcast([1, 7, 1]).unwrap();
        assert_eq!(one.tensor_rows(3..5), 0..1);
    }
}
