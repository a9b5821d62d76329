//! The one error type of every compiler stage: where, what, why and what to try.
//!
//! It prints on one line, leaving out what is not known:
//! `error[import]: net.onnx: node "conv1" (Conv), attribute "group": what is wrong; try: what to do`.

use std::fmt;

/// Result of a compiler stage.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong in a stage, and where. One pointer wide, so that `Result` stays small.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Report>);

/// The parts of an [`Error`]; absent parts are not printed.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Report {
    /// Stage that refused: `import`, `graph`, `quantise`, `tile`...
    pub stage: &'static str,
    /// File or model name.
    pub file: Option<String>,
    /// Name of the node in the source model.
    pub node: Option<String>,
    /// Operator of the node, as the source model calls it.
    pub operator: Option<String>,
    /// Attribute or input of the operator.
    pub attribute: Option<String>,
    /// What is wrong and why.
    pub message: String,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// Whether it is the compiler that is at fault, whatever it was given.
    pub defect: bool,
}

impl Error {
    /// An error of `stage` saying what is wrong and why, with no place yet.
    pub fn new(stage: &'static str, message: impl Into<String>) -> Error {
        Error(Box::new(Report { stage, message: message.into(), ..Report::default() }))
    }

    /// A defect of the compiler that its own checks have found.
    pub fn defect(stage: &'static str, message: impl fmt::Display) -> Error {
        let message = format!("{message}; this is a defect of the compiler");
        let hint = Some("report it with the model".into());
        Error(Box::new(Report { stage, message, hint, defect: true, ..Report::default() }))
    }

    /// Replaces the stage: a later stage reports what an earlier one's rule refused.
    pub fn stage(mut self, stage: &'static str) -> Error {
        self.0.stage = stage;
        self
    }

    /// Says first what part of the place the message is about.
    pub fn within(mut self, part: impl fmt::Display) -> Error {
        self.0.message = format!("{part}: {}", self.0.message);
        self
    }

    /// Adds the file, unless the error has one already.
    pub fn file(mut self, file: impl Into<String>) -> Error {
        self.0.file.get_or_insert_with(|| file.into());
        self
    }

    /// Adds the node's name, unless the error has one already: the innermost place is the nearest.
    pub fn node(mut self, node: impl Into<String>) -> Error {
        self.0.node.get_or_insert_with(|| node.into());
        self
    }

    /// Adds the operator's name, unless the error has one already.
    pub fn operator(mut self, operator: impl Into<String>) -> Error {
        self.0.operator.get_or_insert_with(|| operator.into());
        self
    }

    /// Replaces the node's name: a late stage has several nodes for one of the source model.
    pub fn source_node(mut self, node: impl Into<String>) -> Error {
        self.0.node = Some(node.into());
        self
    }

    /// Replaces the operator's name: a late stage calls operators otherwise than the source model.
    pub fn source_operator(mut self, operator: impl Into<String>) -> Error {
        self.0.operator = Some(operator.into());
        self
    }

    /// Adds the attribute's name, unless the error has one already.
    pub fn attribute(mut self, attribute: impl Into<String>) -> Error {
        self.0.attribute.get_or_insert_with(|| attribute.into());
        self
    }

    /// Adds what to try, unless the error says so already.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// The parts, for tests and for machine-readable output.
    pub fn report(&self) -> &Report {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let r = &*self.0;
        write!(f, "error[{}]: ", r.stage)?;
        if let Some(file) = &r.file {
            write!(f, "{file}: ")?;
        }
        // Names come from files: `{:?}` keeps control characters out of the terminal.
        let place =
            [r.node.as_ref().map(|n| format!("node {n:?}")), r.operator.as_ref().map(|o| format!("({o})"))];
        let place: Vec<String> = place.into_iter().flatten().collect();
        write!(f, "{}", place.join(" "))?;
        if let Some(attribute) = &r.attribute {
            let comma = if place.is_empty() { "" } else { ", " };
            write!(f, "{comma}attribute {attribute:?}")?;
        }
        if !place.is_empty() || r.attribute.is_some() {
            write!(f, ": ")?;
        }
        write!(f, "{}", r.message)?;
        if let Some(hint) = &r.hint {
            write!(f, "; try: {hint}")?;
        }
        Ok(())
    }
}

/// `unwrap` and `main` print an error through Debug: show them the readable line.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_every_part_in_order() {
        let e = Error::new("import", "dilation 3 is not supported")
            .file("net.onnx")
            .node("pool1")
            .operator("AveragePool")
            .attribute("dilations")
            .hint("export with dilation 1");
        assert_eq!(
            e.to_string(),
            "error[import]: net.onnx: node \"pool1\" (AveragePool), attribute \"dilations\": \
             dilation 3 is not supported; try: export with dilation 1"
        );
    }

    #[test]
    fn leaves_out_what_is_not_known() {
        let e = Error::new("graph", "no outputs");
        assert_eq!(e.to_string(), "error[graph]: no outputs");
        let e = Error::new("graph", "rank 3").operator("Conv");
        assert_eq!(e.to_string(), "error[graph]: (Conv): rank 3");
    }

    #[test]
    fn innermost_place_wins() {
        let e = Error::new("graph", "bad").node("inner").node("outer");
        assert_eq!(e.report().node.as_deref(), Some("inner"));
    }
}
