//! Conv.

use super::call::Call;
use super::window::{image, kernel, window};
use crate::error::Result;
use crate::graph::Op;

/// Conv: image, weights and an optional bias.
pub(super) fn conv(call: &mut Call) -> Result<()> {
    let inputs = call.values(2, 3)?;
    let (x, w) = (call.shape(0)?, call.shape(1)?);
    image(call, &x)?;
    let [_, _, height, width] = w[..] else {
        return Err(call.error(format!("the weights {w:?} must have rank 4")));
    };
    let own = [height, width];
    if let Some(declared) = kernel(call)?
        && declared != own
    {
        return call.refuse("kernel_shape", format!("{declared:?} disagrees with the weights {w:?}"));
    }
    let window = window(call, own, &x[2..])?;
    let groups = call.int("group", 1)?;
    let Ok(groups) = usize::try_from(groups) else {
        return call.refuse("group", format!("is {groups}"));
    };
    call.emit(Op::Conv { window, groups }, &inputs)
}
