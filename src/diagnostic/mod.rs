//! What a wrong file is told, as plain data. Renderings stand beside this; none of them knows a problem.

use crate::span::Span;

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// `E0302`, `W0901`; the first letter says whether it is an error.
    pub code: &'static str,
    /// Suffices alone: names both numbers, no full stop.
    pub headline: String,
    /// The first is the primary one.
    pub labels: Vec<Label>,
    pub notes: Vec<String>,
    /// At most two.
    pub helps: Vec<Help>,
}

/// A text at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub at: Span,
    pub text: String,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Help {
    pub text: String,
    /// Only if it was tried and cleared the finding.
    pub edits: Vec<Edit>,
}

/// Replaces the text at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub at: Span,
    pub text: String,
}

impl Diagnostic {
    /// Whether it is an error, not a warning.
    pub fn is_error(&self) -> bool {
        self.code.starts_with('E')
    }
}
