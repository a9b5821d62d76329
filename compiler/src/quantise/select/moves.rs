//! Operators that only move elements, where a view of what is there does not do: copies, each to its
//! part of the result.

use super::candidate::Candidate;
use super::kernel::{Kernel, Refusal, Selection, refuse};
use super::strided::{HomeId, HomeView, StridedDim, StridedLayout};
use crate::graph::{PadMode, ValueId, Window};

/// Most copies that one operator may become.
pub const MOST_COPIES: usize = 81;

fn whole(grid: [usize; 3]) -> HomeView {
    HomeView::whole(HomeId::Output, grid)
}

/// Joins values along an axis, in the layout of the first one.
pub fn concat(
    call: &Candidate,
    axis: usize,
    held: &dyn Fn(ValueId) -> Option<StridedLayout>,
) -> Result<Selection, Refusal> {
    let (graph, inputs) = (call.graph, &call.node.inputs);
    let parts: Option<Vec<StridedLayout>> = inputs.iter().map(|&id| held(id)).collect();
    let Some(parts) = parts else {
        return refuse("it joins a constant", "a network that computes all parts, or none");
    };
    let uneven = || Refusal::uneven("its operands do not lie evenly in memory");
    let first = graph.shape(inputs[0]);
    let (view, inner) = parts[0].boxed().ok_or_else(uneven)?;
    let mut axes = inner.axes(first).ok_or_else(uneven)?;
    let mut grid = view.shape;
    let total = call.out[axis];
    let joined = inner.of(axes[axis].iter().copied()).dims;
    let (outer, rest) = match joined[..] {
        // Joined along what is outermost of one axis of the tensor, or along a new outermost part.
        [dim, ref rest @ ..] if dim.step * dim.extent == grid[dim.axis] => (dim, rest),
        [] => {
            // Vectors become planes: these are written and read independently of each other.
            let along =
                if grid[0] == 1 { 0 } else { [2, 1].into_iter().find(|&a| grid[a] == 1).unwrap_or(0) };
            (StridedDim { extent: 1, axis: along, step: grid[along] }, &[][..])
        }
        _ => return Err(uneven()),
    };
    // Elements of the axis for one of the outermost: maps that are flattened join plane by plane.
    let each: usize = rest.iter().map(|dim| dim.extent).product();
    if inputs.iter().any(|&id| !graph.shape(id)[axis].is_multiple_of(each)) {
        return Err(uneven());
    }
    // Part of the result, from an element of the axis on.
    let mut part_of = |first: usize, count: usize| {
        axes[axis] =
            [StridedDim { extent: count / each, ..outer }].into_iter().chain(rest.iter().copied()).collect();
        let mut part = StridedLayout::new(HomeId::Output, axes.concat());
        part.origin[outer.axis] = outer.step * (first / each);
        part
    };
    grid[outer.axis] = outer.step * (total / each);
    let out = part_of(0, total);
    let (mut views, mut to, mut offset) = (Vec::new(), Vec::new(), 0);
    for (part, &id) in parts.iter().zip(inputs) {
        let count = graph.shape(id)[axis];
        let (place, inner) = part_of(offset, count).boxed().ok_or_else(uneven)?;
        offset += count;
        views.push(inner.arrange(part).ok_or_else(uneven)?);
        to.push(place);
    }
    Ok(call.start(Kernel::Copies { to }, views, grid, out))
}

/// The elements added to rows and columns: before and after of each.
fn borders(call: &Candidate, before: &[usize], after: &[usize]) -> Result<[[usize; 2]; 2], Refusal> {
    match (before, after) {
        ([0, 0, top, left], [0, 0, bottom, right]) => Ok([[*top, *bottom], [*left, *right]]),
        _ => refuse(
            format!("it pads other axes of {:?} than rows and columns", call.out),
            "Pad on feature maps",
        ),
    }
}

/// Zeros around a feature map: a copy that reads its padding.
pub fn padded(call: &Candidate, before: &[usize], after: &[usize]) -> Result<Selection, Refusal> {
    let [[top, bottom], [left, right]] = borders(call, before, after)?;
    let view = call.map()?;
    let window = Window { pads: [top, left, bottom, right], ..Window::UNIT };
    let [channels, height, width] = view.shape;
    let grid = [channels, height + top + bottom, width + left + right];
    let kind = Kernel::Mean { window, count_include_pad: true, factor: 1.0 };
    Ok(call.start(kind, vec![view], grid, StridedLayout::whole(HomeId::Output, grid)))
}

/// A feature map with its own elements around it.
pub fn mirrored(
    call: &Candidate,
    before: &[usize],
    after: &[usize],
    mode: PadMode,
) -> Result<Selection, Refusal> {
    let borders = borders(call, before, after)?;
    let view = call.map()?;
    let [channels, height, width] = view.shape;
    // (first written, first read, distance of what is read, count)
    let segments = |extent: usize, [before, after]: [usize; 2]| {
        let mut all = Vec::new();
        if mode == PadMode::Edge {
            all.push((0, 0, 0, before));
            all.push((before + extent, extent - 1, 0, after));
        } else {
            all.extend((0..before).map(|i| (i, before - i, 1, 1)));
            all.extend((0..after).map(|i| (before + extent + i, extent - 2 - i, 1, 1)));
        }
        all.push((before, 0, 1, extent));
        all.retain(|segment| segment.3 > 0);
        all
    };
    let (rows, columns) = (segments(height, borders[0]), segments(width, borders[1]));
    if rows.len() * columns.len() > MOST_COPIES {
        return refuse("it mirrors too many rows and columns", "less padding");
    }
    let grid = [channels, height + borders[0][0] + borders[0][1], width + borders[1][0] + borders[1][1]];
    let (mut views, mut to) = (Vec::new(), Vec::new());
    for &(y, from_y, step_y, count_y) in &rows {
        for &(x, from_x, step_x, count_x) in &columns {
            views.push(view.every(1, from_y, step_y, count_y).every(2, from_x, step_x, count_x));
            to.push(whole(grid).slice(1, y, count_y).slice(2, x, count_x));
        }
    }
    Ok(call.start(Kernel::Copies { to }, views, grid, StridedLayout::whole(HomeId::Output, grid)))
}

/// Blocks of pixels to channels: one copy for each place in a block.
pub fn space_to_depth(call: &Candidate, block: usize) -> Result<Selection, Refusal> {
    let view = call.map()?;
    let [channels, height, width] = view.shape;
    let grid = [channels * block * block, height / block, width / block];
    if block * block > MOST_COPIES {
        return refuse(format!("its blocks are {block} x {block}"), "smaller blocks");
    }
    let place = |i: usize| {
        let (y, x) = (i / block, i % block);
        let from = view.every(1, y, block, grid[1]).every(2, x, block, grid[2]);
        (from, whole(grid).slice(0, i * channels, channels))
    };
    let (views, to) = (0..block * block).map(place).unzip();
    Ok(call.start(Kernel::Copies { to }, views, grid, StridedLayout::whole(HomeId::Output, grid)))
}
