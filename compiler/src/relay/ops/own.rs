//! Operators that Relay lacks: `tilewright.lstm(...)` with the attributes of this project's text form.

use super::super::arrange::upright;
use super::super::call::OperatorCall;
use super::super::operand::Operand;
use super::super::syntax::Literal;
use crate::error::{Error, Result};
use crate::graph::operator_from_text;

/// What the names of these operators start with.
pub(in super::super) const PREFIX: &str = "tilewright.";

/// Any operator of the graph, by its name there.
pub(super) fn own(call: &mut OperatorCall) -> Result<Operand> {
    let name = call.operator.trim_start_matches(PREFIX).to_owned();
    let mut declared = None;
    if name == "reshape" {
        declared = call.sizes("newshape")?;
    }
    let mut attributes = Vec::new();
    for (key, value) in call.rest() {
        match text(&value) {
            Some(text) => attributes.push((key, text)),
            None => return Err(Error::new("import", "has a value of no known form").attribute(key)),
        }
    }
    let pairs = attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let op = operator_from_text(&name, pairs)?;
    let inputs = (0..call.arguments.len()).map(|i| call.plain(i)).collect::<Result<Vec<_>>>()?;
    let name = call.name.to_owned();
    let id = call.lower.graph.apply(name, op, &inputs, declared.as_deref())?;
    Ok(upright(id, call.lower.graph.shape(id).len()))
}

/// An attribute as the project's text form writes it.
fn text(value: &Literal) -> Option<String> {
    Some(match value {
        Literal::None | Literal::Meta(_) => return None,
        Literal::Bool(value) => value.to_string(),
        Literal::Integer(value) => value.to_string(),
        Literal::Float(value) => format!("{:?}", *value as f32),
        Literal::Text(text) => text.clone(),
        Literal::List(list) => {
            let items: Option<Vec<String>> = list.iter().map(text).collect();
            format!("[{}]", items?.join(", "))
        }
    })
}
