//! How values of the source graph lie in C x H x W tensors.

use crate::graph::{Graph, ValueId};

/// Channels, rows, columns of a value of batch 1; `None` for other batches and ranks above 4.
///
/// Elements are in the same row-major order either way, so that reshaping never moves a byte.
pub(super) fn natural(shape: &[usize]) -> Option<[usize; 3]> {
    match *shape {
        [] => Some([1, 1, 1]),
        [k] | [1, k] => Some([k, 1, 1]),
        [1, c, l] => Some([c, 1, l]),
        [1, c, h, w] => Some([c, h, w]),
        _ => None,
    }
}

/// Whether a permutation keeps the order of all elements: axes longer than 1 stay in order.
pub(super) fn keeps_order(shape: &[usize], perm: &[usize]) -> bool {
    perm.iter().filter(|&&p| shape[p] > 1).is_sorted()
}

/// A constant broadcast to `shape`, where it is the same within every run of `planes` elements: one
/// number a run, that is a channel. `None` where it is no constant or differs within a channel.
pub(super) fn per_channel(graph: &Graph, id: ValueId, shape: &[usize], planes: usize) -> Option<Vec<f64>> {
    let data = graph.constant_data(id)?;
    let own = graph.shape(id);
    let offset = shape.len().checked_sub(own.len())?;
    // row-major strides of the constant, zero along broadcast axes
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for axis in (0..own.len()).rev() {
        if own[axis] != 1 {
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
        data[index]
    };
    let elements: usize = shape.iter().product();
    let mut channels = Vec::with_capacity(elements / planes);
    for first in (0..elements).step_by(planes) {
        let value = at(first);
        if data.len() > 1 && (first + 1..first + planes).any(|e| at(e) != value) {
            return None;
        }
        channels.push(f64::from(value));
    }
    Some(channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_by_channel() {
        let mut g = Graph::new("t");
        let scalar = g.constant("s", &[], vec![2.0]).unwrap();
        let channels = g.constant("c", &[1, 3, 1, 1], vec![1.0, 2.0, 3.0]).unwrap();
        let columns = g.constant("w", &[2], vec![1.0, 2.0]).unwrap();
        let flat = g.constant("f", &[1, 6], vec![1.0, 1.0, 2.0, 2.0, 3.0, 3.0]).unwrap();
        let x = g.input("x", &[1]).unwrap();
        assert_eq!(per_channel(&g, scalar, &[1, 3, 2, 2], 4), Some(vec![2.0; 3]));
        assert_eq!(per_channel(&g, channels, &[1, 3, 2, 2], 4), Some(vec![1.0, 2.0, 3.0]));
        assert_eq!(per_channel(&g, columns, &[1, 3, 2, 2], 4), None);
        assert_eq!(per_channel(&g, columns, &[1, 2], 1), Some(vec![1.0, 2.0]));
        assert_eq!(per_channel(&g, flat, &[1, 6], 2), Some(vec![1.0, 2.0, 3.0]));
        assert_eq!(per_channel(&g, flat, &[1, 6], 3), None);
        assert_eq!(per_channel(&g, x, &[1], 1), None);
    }

    #[test]
    fn transposes_of_unit_axes_are_free() {
        assert!(keeps_order(&[1, 5, 1, 1], &[0, 2, 3, 1]));
        assert!(keeps_order(&[1, 1, 4, 6], &[0, 2, 3, 1]));
        assert!(!keeps_order(&[1, 2, 4, 1], &[0, 2, 3, 1]));
    }
}
