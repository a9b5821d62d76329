//! Windows of convolutions and pools.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Window of a convolution or a pool: height first, then width.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Window {
    /// Kernel extents (KH, KW).
    pub kernel: [usize; 2],
    /// Strides (y, x).
    pub stride: [usize; 2],
    /// Dilations (y, x).
    pub dilation: [usize; 2],
    /// Padding: top, left, bottom, right.
    pub pads: [usize; 4],
}

impl Window {
    /// A 1x1 window with stride 1 and no padding: touches each element alone.
    pub const UNIT: Window = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };

    /// Extent the dilated kernel covers along axis 0 (y) or 1 (x); `None` when it overflows.
    pub fn reach(&self, axis: usize) -> Option<usize> {
        let taps = self.kernel[axis].checked_sub(1)?;
        taps.checked_mul(self.dilation[axis])?.checked_add(1)
    }

    /// [`Window::reach`] of a window that slides over something, as shape inference has made sure of.
    ///
    /// # Panics
    /// A window that inference refuses.
    pub fn covers(&self, axis: usize) -> usize {
        self.reach(axis).expect("inference refuses windows without taps and those that are too large")
    }

    /// Places of such a window along axis 0 (y) or 1 (x) of `size` elements.
    pub fn places(&self, axis: usize, size: usize) -> usize {
        (size + self.pads[axis] + self.pads[axis + 2] - self.covers(axis)) / self.stride[axis] + 1
    }

    /// The taps along axis 0 (y) or 1 (x) of the window at `place` that lie inside of `size` elements, not in the padding;
    /// none where all of it is padding. Tap k is element `place * stride + k * dilation - pad`.
    ///
    /// Found without walking the taps in the padding: a window may be absurdly larger than its image.
    pub fn taps_inside(&self, axis: usize, place: usize, size: usize) -> Range<usize> {
        let (start, pad, dilation) = (place * self.stride[axis], self.pads[axis], self.dilation[axis]);
        let first = pad.saturating_sub(start).div_ceil(dilation);
        let end = (pad + size).saturating_sub(start).div_ceil(dilation).min(self.kernel[axis]);
        first.min(end)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition: a tap is inside if its element is one of the input.
    #[test]
    fn taps_inside_are_those_on_elements() {
        for (kernel, stride, dilation, pad, size) in [
            (3, 1, 1, 1, 5),
            (4, 2, 3, 5, 6),
            (2, 3, 2, 4, 1),
            (7, 1, 2, 9, 3),
            (1, 2, 1, 0, 4),
            (5, 4, 4, 20, 2),
        ] {
            let window = Window {
                kernel: [1, kernel],
                stride: [1, stride],
                dilation: [1, dilation],
                pads: [0, pad, 0, 2 * kernel * dilation],
            };
            for place in 0..window.places(1, size) {
                let element = |tap: usize| (place * stride + tap * dilation).checked_sub(pad);
                let wanted: Vec<usize> =
                    (0..kernel).filter(|&tap| element(tap).is_some_and(|at| at < size)).collect();
                let found: Vec<usize> = window.taps_inside(1, place, size).collect();
                assert_eq!(found, wanted, "place {place} of {window:?} over {size}");
            }
        }
    }
}
