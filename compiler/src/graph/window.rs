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
