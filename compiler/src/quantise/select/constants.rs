//! Constants of the source graph as the machine's grids see them.

use super::strided::StridedLayout;
use crate::graph::{Graph, ValueId};

/// The constant's only element; `None` where it has several or is none.
pub fn scalar(graph: &Graph, id: ValueId) -> Option<f64> {
    match graph.constant_data(id)? {
        [one] => Some(f64::from(*one)),
        _ => None,
    }
}

/// Whether a constant holds numbers that stand for infinity, as those that masks are made of: no range of
/// 8 or 16 bits has them and anything else.
pub fn is_mask(graph: &Graph, id: ValueId) -> bool {
    let Some(data) = graph.constant_data(id) else { return false };
    let largest = data.iter().fold(0f32, |most, x| most.max(x.abs()));
    if largest < FAR {
        return false;
    }
    // Nothing in between: some elements of a row are kept nearly as they are, the others are put out of reach. What
    // differs from channel to channel alone is an offset.
    let rows = graph.shape(id).last().is_some_and(|&width| width > 1);
    let kept = |x: &f32| x.abs() <= largest / FAR;
    let far = |x: &f32| x.abs() >= largest / 2.0;
    largest >= ENDLESS || rows && data.iter().all(|x| kept(x) || far(x)) && data.iter().any(kept)
}

/// Numbers of this magnitude and above stand for infinity in sums.
const ENDLESS: f32 = 1e30;
/// How far above what they leave alone masks lift or lower what they take out, at least: Swin's are of 0 and -100.
const FAR: f32 = 50.0;

/// A constant broadcast to a value of `shape` that lies in a grid as `held` says: every element of
/// the grid, row-major. `None` where it is no constant or cannot be broadcast.
pub fn in_grid(
    graph: &Graph,
    id: ValueId,
    shape: &[usize],
    held: &StridedLayout,
    grid: [usize; 3],
) -> Option<Vec<f64>> {
    let data = graph.constant_data(id)?;
    let own = graph.shape(id);
    let offset = shape.len().checked_sub(own.len())?;
    // row-major strides of the constant, zero along broadcast axes
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for axis in (0..own.len()).rev() {
        if own[axis] != 1 {
            if own[axis] != shape[offset + axis] {
                return None;
            }
            strides[offset + axis] = stride;
        }
        stride *= own[axis];
    }
    let at = |mut element: usize| {
        let mut index = 0;
        for axis in (0..shape.len()).rev() {
            index += element % shape[axis] * strides[axis];
            element /= shape[axis];
        }
        f64::from(data[index])
    };
    let elements: usize = shape.iter().product();
    if elements != grid.iter().product::<usize>() {
        return None;
    }
    let mut all = vec![0.0; elements];
    for (element, place) in held.offsets(grid).enumerate() {
        *all.get_mut(place)? = at(element);
    }
    Some(all)
}

/// [`in_grid`] where it is the same within each channel: one number a channel.
pub fn per_channel(
    graph: &Graph,
    id: ValueId,
    shape: &[usize],
    held: &StridedLayout,
    grid: [usize; 3],
) -> Option<Vec<f64>> {
    if let Some(one) = scalar(graph, id) {
        return Some(vec![one; grid[0]]);
    }
    let all = in_grid(graph, id, shape, held, grid)?;
    let planes = all.chunks(grid[1] * grid[2]);
    planes.map(|p| p.iter().all(|v| *v == p[0]).then_some(p[0])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::select::strided::HomeId;

    #[test]
    fn constants_by_channel() {
        let mut g = Graph::new("t");
        let scalar = g.constant("s", &[], vec![2.0]).unwrap();
        let channels = g.constant("c", &[1, 3, 1, 1], vec![1.0, 2.0, 3.0]).unwrap();
        let columns = g.constant("w", &[2], vec![1.0, 2.0]).unwrap();
        let x = g.input("x", &[1]).unwrap();
        let grid = [3, 2, 2];
        let held = StridedLayout::whole(HomeId::At(0), grid);
        let of = |id| per_channel(&g, id, &[1, 3, 2, 2], &held, grid);
        assert_eq!(of(scalar), Some(vec![2.0; 3]));
        assert_eq!(of(channels), Some(vec![1.0, 2.0, 3.0]));
        assert_eq!(of(columns), None);
        assert_eq!(of(x), None);
        // Columns of a value whose last axis lies along channels.
        let grid = [2, 1, 5];
        let held = StridedLayout::whole(HomeId::At(0), grid).transposed(&[2, 5], &[1, 0]).unwrap();
        assert_eq!(per_channel(&g, columns, &[5, 2], &held, grid), Some(vec![1.0, 2.0]));
        assert_eq!(in_grid(&g, columns, &[5, 2], &held, grid).unwrap()[4..6], [1.0, 2.0]);
    }
}
