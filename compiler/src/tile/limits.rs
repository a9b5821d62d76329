//! What a value that no field holds means for those who wrote the network.

use crate::error::Error;
use crate::fixed::{FixedGraph, FixedNode};
use tilewright_arch::encoding::{FieldError, tile as f, transfer};

/// The attribute that a field follows from, what its value is, and what to try.
fn meaning(error: &FieldError) -> (Option<&'static str>, String, &'static str) {
    let smaller = "a smaller image";
    let field = error.field;
    let kernel = [f::STEP0_COUNT, f::STEP1_COUNT, f::STEP2_COUNT].contains(&field);
    let moves = [f::STEP0_X, f::STEP1_X, f::STEP2_X, f::STEP0_Y, f::STEP1_Y, f::STEP2_Y].contains(&field);
    let (attribute, what, hint) = match field {
        f::INPUT_X_STEP => (Some("strides"), "the stride along columns", "smaller strides"),
        f::INPUT_Y_STEP => (Some("strides"), "the stride along rows", "smaller strides"),
        f::INPUT_X0 | f::INPUT_Y0 => {
            (Some("pads"), "the first row or column less the padding", "less padding")
        }
        _ if kernel => {
            (Some("kernel_shape"), "the steps of a loop over the kernel or channels", "a smaller kernel")
        }
        _ if moves => {
            (Some("dilations"), "the rows or columns that a kernel reaches over", "a smaller kernel")
        }
        f::WIDTH => (None, "the columns of the output", smaller),
        f::LINES => (None, "the rows of the output", smaller),
        f::INPUT_WIDTH => (None, "the columns of the input", smaller),
        f::INPUT_HEIGHT => (None, "the rows of the input", smaller),
        f::TILES => (None, "the tiles of the output", smaller),
        f::GROUPS => (None, "the groups of channels", "fewer channels"),
        f::OPERAND_SHIFT | f::OPERAND_MANTISSA => (None, "the scale of the second operand", "other scales"),
        transfer::LINES | transfer::PLANES | transfer::LINE_BYTES => {
            (None, "the rows, channels or bytes moved at a time", smaller)
        }
        _ => {
            let hint = "a smaller image, or a machine with more lanes";
            return (None, format!("the instruction's field {}", field.name), hint);
        }
    };
    (attribute, what.into(), hint)
}

/// The refusal of a node one of whose instructions cannot say something.
pub fn refusal(graph: &FixedGraph, node: &FixedNode, error: &FieldError) -> Error {
    let (attribute, what, hint) = meaning(error);
    let refused = Error::new("tile", format!("{what}: {}", error.end()))
        .file(&graph.name)
        .node(&node.name)
        .operator(&node.operator)
        .hint(hint);
    match attribute {
        Some(attribute) => refused.attribute(attribute),
        None => refused,
    }
}
