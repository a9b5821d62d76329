//! Layouts such as `NCHW` and `HWIO`.

use super::super::call::OperatorCall;
use crate::error::{Error, Result};

/// Where each axis of the graph's layout lies in the text's: for `NHWC`, NCHW is `[0, 3, 1, 2]`.
pub(super) type Want = [usize; 4];

/// Reads a layout attribute whose axes must be those of `own` in any order.
///
/// # Errors
/// A layout with other axes, such as the blocked `NCHW4c`.
pub(super) fn layout(call: &mut OperatorCall, key: &str, default: &str, own: &str) -> Result<Want> {
    let text = call.text(key, default)?;
    axes(&text, own).ok_or_else(|| {
        Error::new("import", format!("the layout {text:?} is not supported"))
            .attribute(key)
            .hint(format!("convert the layout to {own}, or undo AlterOpLayout: it packs channels"))
    })
}

/// The layout of a result: empty means that of the operand.
pub(super) fn out_layout(call: &mut OperatorCall, data: Want) -> Result<Want> {
    let text = call.text("out_layout", "")?;
    if text.is_empty() {
        return Ok(data);
    }
    axes(&text, "NCHW").ok_or_else(|| {
        Error::new("import", format!("the layout {text:?} is not supported"))
            .attribute("out_layout")
            .hint("NCHW")
    })
}

/// Where the axes of `own` lie in `text`.
pub(super) fn axes(text: &str, own: &str) -> Option<Want> {
    places(text, own)?.try_into().ok()
}

/// The same of any number of axes.
fn places(text: &str, own: &str) -> Option<Vec<usize>> {
    if text.len() != own.len() {
        return None;
    }
    own.chars().map(|axis| text.find(axis)).collect()
}

/// Reads a layout attribute as [`layout`] does, of any number of axes.
///
/// # Errors
/// A layout with other axes.
pub(super) fn order(call: &mut OperatorCall, key: &str, default: &str, own: &str) -> Result<Vec<usize>> {
    let text = call.text(key, default)?;
    places(&text, own).ok_or_else(|| {
        Error::new("import", format!("the layout {text:?} is not supported"))
            .attribute(key)
            .hint(format!("convert the layout to {own}, or undo AlterOpLayout: it packs channels"))
    })
}
