//! Where the elements of a value lie that something strides over.

/// Offsets of all elements from that of the first one and the extents and distances of the others.
pub(crate) fn places(offset: usize, strides: &[(usize, usize)]) -> Places {
    let left = strides.iter().map(|(extent, _)| extent).product();
    Places { loops: strides.iter().map(|&(extent, step)| (0, extent, step)).collect(), place: offset, left }
}

/// What [`places`] goes through.
pub(crate) struct Places {
    /// Index, extent and distance of each loop, outermost first.
    loops: Vec<(usize, usize, usize)>,
    place: usize,
    left: usize,
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let place = self.place;
        for (index, extent, step) in self.loops.iter_mut().rev() {
            *index += 1;
            self.place += *step;
            if *index < *extent {
                break;
            }
            self.place -= *step * *extent;
            *index = 0;
        }
        Some(place)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Places {}
