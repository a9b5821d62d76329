//! TVM's Relay as text: reading networks, and printing graphs for people and for TVM.
//!
//! ```text
//! #[version = "0.0.5"]
//! def @main(%x: Tensor[(1, 3, 8, 8), float32]) -> Tensor[(1, 4, 8, 8), float32] {
//!   %2 = nn.conv2d(%x, meta[relay.Constant][0], padding=[1, 1, 1, 1], channels=4, kernel_size=[3, 3]);
//!   %3 = nn.relu(%2) /* ty=Tensor[(1, 4, 8, 8), float32] span=act:0:0 */;
//!   %3
//! }
//! #[metadata]
//! {"root": 1, "nodes": [...], "b64ndarrays": [...]}
//! ```
//!
//! Read is version 0.0.5 of the format, as the sources of TVM 0.14 define it: functions, which are
//! inlined, `let`, tuples, constants in the metadata or in a `.params` file beside the text, images NCHW
//! or NHWC. The graph is NCHW; its inputs and outputs keep the text's shapes. A node is named by its
//! span, else by what binds it (`%3`).
//!
//! Printed is text in TVM's grammar, with one exception for TVM: operators that Relay lacks are called
//! `tilewright.lstm` and so on, with the attributes of [`crate::graph`]'s own text form. Reading what
//! was printed gives the same graph; constants are numbered in the order in which nodes read them.
//!
//! No text, however damaged, makes the parser panic.

mod arrange;
mod array;
mod call;
mod finish;
mod fold;
mod lower;
mod meta;
mod operand;
mod ops;
mod params;
mod parse;
mod print;
mod single;
mod syntax;
mod token;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use params::Params;
pub use print::{Data, print};

use crate::error::{Error, Result};
use crate::files;
use crate::onnx::Imported;

/// Reads a text, and `NAME.params` beside it if it is there.
///
/// # Errors
/// As [`parse`]; files that cannot be read.
pub fn import(path: &Path) -> Result<Imported> {
    let file = path.display().to_string();
    let unreadable =
        |file: &str, e: std::io::Error| Error::new("import", format!("cannot be read: {e}")).file(file);
    let text = files::read_text(path).map_err(|e| unreadable(&file, e))?;
    let beside = path.with_extension("params");
    let params = if beside.is_file() {
        let name = beside.display().to_string();
        let bytes = files::read(&beside).map_err(|e| unreadable(&name, e))?;
        Params::read(&bytes, &name)?
    } else {
        Params::default()
    };
    parse(&text, &file, &params)
}

/// Reads a text from memory. `file` stands for it in messages and names the graph; `params` are the
/// values of those parameters of `@main` that are no inputs.
///
/// # Errors
/// Text that is not Relay, control flow, operators, attributes, layouts and element types that are not
/// supported, each with line and column, and what to try.
pub fn parse(text: &str, file: &str, params: &Params) -> Result<Imported> {
    read(text, file, params)
        .map_err(|e| e.hint("text that tvm.relay.fromtext accepts, as astext() prints it"))
}

fn read(text: &str, file: &str, params: &Params) -> Result<Imported> {
    let tokens = token::tokenise(text, file)?;
    let module = parse::parse(&tokens.tokens, file)?;
    let meta = match tokens.metadata {
        Some((json, place)) => meta::read(json).map_err(|e| e.file(token::located(file, place)))?,
        None => meta::Metadata::default(),
    };
    let mut lower = lower::Lower::new(&module, file, params, meta);
    lower.run()?;
    let warnings = std::mem::take(&mut lower.warnings);
    let graph = finish::finish(lower.graph, &lower.numbers, &lower.biases, &lower.superseded);
    graph.verify().map_err(|e| e.stage("import"))?;
    Ok(Imported { graph, warnings })
}
