//! What a node prints as: a call, before its constants have numbers.

use crate::graph::{Graph, Integer, Source, ValueId};

/// What the printer needs to know about the graph.
pub(super) struct Style<'a> {
    pub graph: &'a Graph,
    counts: &'a [usize],
    pub types: &'a [Option<Integer>],
}

/// An operand of a call.
pub(super) enum PrintedOperand {
    /// A value as it is.
    Value(ValueId),
    /// A constant in another shape.
    Shaped(ValueId, Vec<usize>),
    /// Constant integers with their shape.
    Integers(Vec<usize>, Vec<usize>),
    /// A value of whole numbers, which are not cast to real ones.
    Whole(ValueId),
    /// A constant as whole numbers of a type.
    Numbers(ValueId, Integer),
    /// A literal.
    Text(String),
}

/// A call without the numbers of its constants.
#[derive(Default)]
pub(super) struct Printed {
    pub operator: String,
    pub operands: Vec<PrintedOperand>,
    /// The operands form a tuple.
    pub joined: bool,
    pub attributes: Vec<(&'static str, String)>,
    /// The call gives a tuple whose first field is the result.
    pub first_field: bool,
    /// A bias to add and its axis.
    pub bias: Option<(ValueId, usize)>,
    /// The call gives whole numbers or truth values, the graph real ones.
    pub cast: bool,
}

impl<'a> Style<'a> {
    pub fn new(graph: &'a Graph, counts: &'a [usize], types: &'a [Option<Integer>]) -> Style<'a> {
        Style { graph, counts, types }
    }

    pub fn shape(&self, id: ValueId) -> &'a [usize] {
        self.graph.shape(id)
    }

    /// A constant that one node alone reads: it may be printed in another shape.
    pub fn is_private(&self, id: ValueId) -> bool {
        matches!(self.graph.value(id).source, Source::Constant(_)) && self.counts[id.0 as usize] == 1
    }
}

/// A call whose whole numbers or truth values are cast to the real numbers of the graph.
pub(super) fn cast(operator: &str, attributes: Vec<(&'static str, String)>) -> Option<Printed> {
    Some(Printed { cast: true, ..call(operator, attributes)? })
}

/// A call of the node's own operands.
pub(super) fn call(operator: &str, attributes: Vec<(&'static str, String)>) -> Option<Printed> {
    Some(Printed { operator: operator.to_owned(), attributes, ..Printed::default() })
}
