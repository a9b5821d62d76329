//! A node that may start an operation: its first operand as the machine would read it.

use super::kernel::{COPY, Kernel, Refusal, SelectedOp, Selection, refuse};
use super::strided::{HomeId, HomeView, StridedLayout};
use crate::graph::{Graph, Node, ValueId};
use tilewright_arch::encoding::tile::STEP0_COUNT;

/// A node and what is known of its first operand that is no constant.
pub struct Candidate<'a> {
    pub graph: &'a Graph,
    pub node: &'a Node,
    /// The first input.
    pub x: ValueId,
    /// Where the first input that is no constant lies.
    pub own: StridedLayout,
    /// Shape of the result.
    pub out: &'a [usize],
}

impl Candidate<'_> {
    /// The first input as a feature map: channels, rows, columns as the operator counts them.
    pub fn map(&self) -> Result<HomeView, Refusal> {
        let shape = self.graph.shape(self.x);
        let view = match (shape, self.own.axes(shape).as_deref()) {
            ([1, ..], Some([_, c, y, x])) => self.own.view([c, y, x]),
            _ => None,
        };
        match view {
            Some(view) => Ok(view),
            None if shape.first() != Some(&1) => {
                refuse(format!("its input has shape {shape:?}, a batch"), "export with batch size 1")
            }
            None => {
                Err(Refusal::uneven(format!("its input of shape {shape:?} does not lie in memory as a map")))
            }
        }
    }

    /// A convolution or pool of the first input as a feature map.
    pub fn image(&self, kernel: Kernel) -> Result<Selection, Refusal> {
        let view = self.map()?;
        if let Kernel::Mean { window, .. } | Kernel::Max { window } = &kernel {
            let most = 1 << STEP0_COUNT.width;
            if let Some(taps) = window.kernel.into_iter().find(|&taps| taps > most) {
                let why = format!("it reduces {taps} elements in a line, an instruction counts to {most}");
                return refuse(why, "smaller windows, one after another");
            }
        }
        let grid = kernel.grid(view.shape);
        Ok(self.start(kernel, vec![view], grid, StridedLayout::whole(HomeId::Output, grid)))
    }

    pub fn start(
        &self,
        kernel: Kernel,
        inputs: Vec<HomeView>,
        grid: [usize; 3],
        out: StridedLayout,
    ) -> Selection {
        let to = HomeView::whole(HomeId::Output, grid);
        Selection::Op(Box::new(SelectedOp { kernel, inputs, grid, shape: grid, to, out, absorb: None }))
    }

    /// An operation whose rows of pixels are written as one line.
    pub fn start_lines(
        &self,
        kernel: Kernel,
        inputs: Vec<HomeView>,
        grid: [usize; 3],
        out: StridedLayout,
    ) -> Selection {
        if grid[1] == 1 {
            return self.start(kernel, inputs, grid, out);
        }
        let shape = [grid[0], 1, grid[1] * grid[2]];
        let home = HomeView::whole(HomeId::Output, shape);
        let to = HomeView { axes: [0, 2, 2], step: [1, grid[2], 1], shape: grid, ..home };
        Selection::Op(Box::new(SelectedOp { kernel, inputs, grid, shape, to, out, absorb: None }))
    }

    /// A copy of an operand, which the node is then absorbed into.
    pub fn pointwise(&self, value: ValueId) -> Result<Selection, Refusal> {
        match self.own.boxed() {
            Some((view, inner)) => {
                let op = self.start(COPY, vec![view], view.shape, inner.in_home(HomeId::Output));
                Ok(absorbed(op, value))
            }
            None => Err(Refusal::uneven("its input is repeated in memory")),
        }
    }

    /// [`Candidate::pointwise`] of an operand in a box, where nothing differs from channel to channel: more
    /// channels than pixels are worked on as if they were pixels, many at a time.
    pub fn elementwise(&self, boxed: Option<(HomeView, StridedLayout)>, value: ValueId) -> Option<Selection> {
        let (mut view, mut inner) = boxed?;
        if view.shape[1] == 1 && view.shape[0] > view.shape[2] {
            let to = if view.shape[2] == 1 { 2 } else { 1 };
            view.axes.swap(0, to);
            view.step.swap(0, to);
            view.shape.swap(0, to);
            inner.dims.iter_mut().filter(|d| d.axis == 0).for_each(|d| d.axis = to);
        }
        let op = self.start(COPY, vec![view], view.shape, inner.in_home(HomeId::Output));
        Some(absorbed(op, value))
    }
}

/// The operation as a copy that the node is then absorbed into; it reads `value`.
pub fn absorbed(selection: Selection, value: ValueId) -> Selection {
    match selection {
        Selection::Op(mut op) => {
            op.absorb = Some(value);
            Selection::Op(op)
        }
        view => view,
    }
}
