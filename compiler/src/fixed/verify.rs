//! Every invariant of a quantised network that can be checked without running it.

use super::{Band, FixedGraph, FixedNode, Reduction, TensorId, View};
use crate::error::{Error, Result};
use crate::graph::Window;
use std::ops::Range;
use tilewright_arch::fixed::{MAX_MANTISSA, MAX_SHIFT};

impl FixedGraph {
    /// Checks the invariants of the [module](super), and that no sum can leave 32 bits.
    ///
    /// # Errors
    /// The first broken invariant, naming the node or tensor.
    pub fn verify(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::new("fixed", message).file(&self.name));
        for (i, tensor) in self.tensors.iter().enumerate() {
            let elements = tensor.shape.iter().try_fold(1usize, |n, &e| n.checked_mul(e));
            if elements.is_none_or(|n| n == 0) {
                return refuse(format!("t{i} has shape {:?}", tensor.shape));
            }
            if tensor.wide && !tensor.shape[0].is_multiple_of(2) {
                return refuse(format!("t{i} is wide and has {} planes", tensor.shape[0]));
            }
            if !(tensor.scale.is_finite() && tensor.scale > 0.0) {
                return refuse(format!("t{i} has scale {}", tensor.scale));
            }
        }
        let known = |id: &TensorId| (id.0 as usize) < self.tensors.len();
        if !self.pieces.iter().all(|(of, piece)| known(of) && known(piece)) {
            return refuse("a piece is no tensor".into());
        }
        let inputs = self.inputs.iter().map(|port| (port, false));
        for ((id, shape), output) in inputs.chain(self.outputs.iter().map(|port| (port, true))) {
            let elements = shape.iter().product::<usize>();
            let own = known(id).then(|| match output {
                true => self.output_elements(*id),
                false => self.tensor(*id).elements(),
            });
            if own != Some(elements) {
                return refuse(format!("{id} is no tensor of {elements} elements"));
            }
        }
        for (id, elements) in &self.constants {
            if self.tensors.get(id.0 as usize).is_none_or(|t| t.elements() != elements.len()) {
                return refuse(format!("{id} is no tensor of {} elements", elements.len()));
            }
        }
        for band in &self.bands {
            self.verify_band(band)?;
        }
        // How often each element has been written; inputs are written by the host.
        let mut written: Vec<Vec<u8>> = self.tensors.iter().map(|t| vec![0; t.elements()]).collect();
        for id in self.inputs.iter().map(|(id, _)| id).chain(self.constants.iter().map(|(id, _)| id)) {
            written[id.0 as usize].fill(1);
        }
        for band in &self.bands {
            self.verify_band(band)?;
        }
        for node in &self.nodes {
            let touches = |band: &&Band| node.reads().any(|view| view.tensor == band.part);
            self.bands
                .iter()
                .filter(|b| b.is_read())
                .filter(touches)
                .for_each(|b| self.fill(b, &mut written));
            self.verify_node(node, &mut written)
                .and_then(|()| {
                    let made = |band: &&Band| !band.is_read() && band.part == node.output.tensor;
                    self.bands.iter().filter(made).try_for_each(|band| self.give(band, &mut written))
                })
                .map_err(|e| e.file(&self.name).node(&node.name).operator(&node.operator))?;
        }
        // Of what only passes between bands there need be no more than is read.
        let wanted = |id: TensorId| {
            let outputs = self.outputs.iter().map(|(t, _)| t).chain(self.pieces.iter().map(|(_, t)| t));
            self.bands.is_empty() || outputs.into_iter().any(|t| *t == id)
        };
        let unwritten = |(i, w): (usize, &Vec<u8>)| (wanted(TensorId::nth(i)) && w.contains(&0)).then_some(i);
        match written.iter().enumerate().find_map(unwritten) {
            Some(i) => refuse(format!("t{i} is not written completely")),
            None => Ok(()),
        }
    }

    /// That a band lies within its whole.
    fn verify_band(&self, band: &Band) -> Result<()> {
        let refuse = |message: String| Err(Error::new("fixed", message));
        let (Some(part), Some(whole)) =
            (self.tensors.get(band.part.0 as usize), self.tensors.get(band.whole.0 as usize))
        else {
            return refuse(format!("{band:?} is of no tensor"));
        };
        let [channels, rows, columns] = whole.shape;
        let alike = part.scale.to_bits() == whole.scale.to_bits()
            && (part.zero, part.wide) == (whole.zero, whole.wide)
            && part.shape == [band.channels.len(), rows, band.held.len()];
        let own = &band.own;
        let inside = band.channels.end <= channels
            && band.held.end <= columns
            && (own.is_empty() || band.held.start <= own.start && own.end <= band.held.end);
        if alike && inside { Ok(()) } else { refuse(format!("{band:?} is no band of {whole:?}")) }
    }

    /// Offsets of the columns `columns` of every row of a band: in the band and in the whole.
    fn rows_of<'a>(
        &'a self,
        band: &'a Band,
        columns: &'a Range<usize>,
    ) -> impl Iterator<Item = (usize, usize)> + 'a {
        let [_, rows, width] = self.tensor(band.whole).shape;
        let row = move |c: usize, y: usize| {
            let inner = ((c - band.channels.start) * rows + y) * band.held.len();
            (inner + columns.start - band.held.start, (c * rows + y) * width + columns.start)
        };
        band.channels.clone().flat_map(move |c| (0..rows).map(move |y| row(c, y)))
    }

    /// Fills a band with what has been written of the whole.
    fn fill(&self, band: &Band, written: &mut [Vec<u8>]) {
        let mut part = std::mem::take(&mut written[band.part.0 as usize]);
        let (whole, count) = (&written[band.whole.0 as usize], band.held.len());
        for (inner, outer) in self.rows_of(band, &band.held) {
            part[inner..inner + count].copy_from_slice(&whole[outer..outer + count]);
        }
        written[band.part.0 as usize] = part;
    }

    /// Gives the whole what a band has made of its own columns and not given yet.
    fn give(&self, band: &Band, written: &mut [Vec<u8>]) -> Result<()> {
        let mut part = std::mem::take(&mut written[band.part.0 as usize]);
        let (whole, count) = (&mut written[band.whole.0 as usize], band.own.len());
        for (inner, outer) in self.rows_of(band, &band.own) {
            let both = part[inner..inner + count].iter_mut().zip(&mut whole[outer..outer + count]);
            for (made, given) in both.filter(|(made, _)| **made == 1) {
                if *given != 0 {
                    let message = format!("writes columns {:?} of {} again", band.own, band.whole);
                    return Err(Error::new("fixed", message));
                }
                (*made, *given) = (2, 1);
            }
        }
        written[band.part.0 as usize] = part;
        Ok(())
    }

    fn verify_node(&self, node: &FixedNode, written: &mut [Vec<u8>]) -> Result<()> {
        let refuse = |message: String| Err(Error::new("fixed", message));
        let low = node.low_halves();
        for view in node.reads().chain(&low) {
            self.verify_view(view)?;
            let (first, strides) = view.strides(self.tensor(view.tensor).shape);
            let [channels, rows, columns] = view.shape;
            let starts = (0..channels).flat_map(|c| (0..rows).map(move |y| [c, y, 0]));
            let written = &written[view.tensor.0 as usize];
            let whole = |start: usize| match strides[2] {
                1 => !written[start..start + columns].contains(&0),
                across => (0..columns).all(|x| written[start + x * across] != 0),
            };
            if !starts.map(|at| offset(first, strides, at)).all(whole) {
                return refuse(format!("reads {} before it is written", view.tensor));
            }
        }
        let [ic, height, width] = node.input.shape;
        let w = &node.window;
        for (axis, extent) in [height, width].into_iter().enumerate() {
            let padded = extent + w.pads[axis] + w.pads[axis + 2];
            if w.stride[axis] == 0 || w.reach(axis).is_none_or(|r| r == 0 || r > padded) {
                return refuse(format!("the window {w:?} does not fit {height}x{width}"));
            }
        }
        if let Reduction::Conv { weights, groups } = &node.reduction {
            let terms = ic.checked_div(*groups).unwrap_or(0) * w.kernel[0] * w.kernel[1];
            let fit = *groups > 0
                && ic % groups == 0
                && weights.len().is_multiple_of(terms)
                && (weights.len() / terms).is_multiple_of(*groups);
            if !fit || weights.is_empty() {
                return refuse(format!("{} weights do not fit {groups} groups", weights.len()));
            }
            if weights.contains(&-128) {
                return refuse("a weight is -128".into());
            }
        }
        if node.wide && !matches!(node.reduction, Reduction::Conv { .. } | Reduction::Sum) {
            return refuse("gathers 16-bit values other than for a sum".into());
        }
        if let Reduction::Product { weights } = &node.reduction {
            if *w != Window::UNIT || weights.shape[..2] != [ic, 1] {
                return refuse(format!("multiplies {ic} channels with {weights} in the window {w:?}"));
            }
            if self.tensor(weights.tensor).zero != 0 || self.tensor(node.input.tensor).zero == i8::MIN {
                return refuse(format!(
                    "multiplies {} with {weights}, whose zero points do not allow it",
                    node.input
                ));
            }
        }
        let grid = self.grid(node);
        let [channels, rows, columns] = grid;
        if node.channels.len() != 1 && node.channels.len() != channels {
            return refuse(format!("{} requantisations for {channels} channels", node.channels.len()));
        }
        let legal = |mantissa: i32, shift: u8| mantissa.abs() <= MAX_MANTISSA && shift <= MAX_SHIFT;
        for (i, c) in node.channels.iter().enumerate() {
            if c.half != node.half() && !node.makes_both_halves() {
                return refuse(format!("channel {i} makes another byte than channel 0"));
            }
            if !legal(c.mantissa, c.shift) || !legal(c.negative_mantissa, c.shift) {
                return refuse(format!("channel {i} cannot be encoded: {c:?}"));
            }
        }
        for c in 0..channels {
            let bound = self.accumulator_bound(node, c);
            if bound > i64::from(i32::MAX) {
                return refuse(format!("sums of channel {c} reach {bound}, above 32 bits"));
            }
        }
        if let Some(operand) = &node.operand {
            if operand.view.shape != grid {
                return refuse(format!("the operand {} is not {grid:?}", operand.view));
            }
            if !legal(operand.scale.mantissa, operand.scale.shift) {
                return refuse(format!("the operand cannot be scaled by {:?}", operand.scale));
            }
        }
        if node.post.lo > node.post.hi {
            return refuse(format!("clamps to {}..={}", node.post.lo, node.post.hi));
        }
        self.verify_place(node, [channels, rows, columns], written)
    }

    fn verify_place(&self, node: &FixedNode, grid: [usize; 3], written: &mut [Vec<u8>]) -> Result<()> {
        let refuse = |message: String| Err(Error::new("fixed", message));
        let [channels, rows, columns] = grid;
        let [y0, x0, h, w] = node.place.region;
        if h == 0 || w == 0 || y0 + h > rows || x0 + w > columns {
            return refuse(format!("writes region {:?} of {rows}x{columns}", node.place.region));
        }
        let r = node.place.depth_to_space.0;
        if r == 0 || !channels.is_multiple_of(r * r) {
            return refuse(format!("{channels} channels cannot become {r}x{r} blocks"));
        }
        let view = &node.output;
        self.verify_view(view)?;
        if view.shape != [channels / (r * r), rows * r, columns * r] || view.step.contains(&0) {
            return refuse(format!("a result of {channels}x{rows}x{columns} does not fit {view}"));
        }
        let (first, strides) = view.strides(self.tensor(view.tensor).shape);
        let target = &mut written[view.tensor.0 as usize];
        // A row of the grid is one of the view, every r-th column of it.
        let across = r * strides[2];
        for c in 0..channels {
            for y in y0..y0 + h {
                let start = offset(first, strides, node.place.target(channels, c, y, x0));
                for x in 0..w {
                    let count = &mut target[start + x * across];
                    if *count > 0 {
                        let at = node.place.target(channels, c, y, x0 + x);
                        return refuse(format!("writes {} at {at:?} again", view.tensor));
                    }
                    *count = 1;
                }
            }
        }
        Ok(())
    }

    /// That a view lies within its tensor.
    fn verify_view(&self, view: &View) -> Result<()> {
        let refuse = |message: String| Err(Error::new("fixed", message));
        if view.axes.iter().any(|&a| a > 2) || view.shape.contains(&0) {
            return refuse(format!("{view:?} is no view"));
        }
        match self.tensors.get(view.tensor.0 as usize) {
            None => refuse(format!("{} does not exist", view.tensor)),
            Some(t) if view.end().iter().zip(t.shape).any(|(end, extent)| *end > extent) => {
                refuse(format!("{view} is not inside of {:?}", t.shape))
            }
            Some(_) => Ok(()),
        }
    }
}

fn offset(first: usize, strides: [usize; 3], at: [usize; 3]) -> usize {
    first + (0..3).map(|i| strides[i] * at[i]).sum::<usize>()
}
