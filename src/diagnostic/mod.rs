//! What a wrong file is told, as plain data. Renderings stand beside this; none of them knows a problem.

pub mod full;
pub mod json;
pub mod short;

use crate::span::{Sources, Span};

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

impl Help {
    /// Another name at a place.
    pub fn meant(at: Span, name: &str) -> Help {
        Help { text: format!("did you mean `{name}`?"), edits: vec![Edit { at, text: name.to_string() }] }
    }
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

/// How findings are printed: `--format full|short|json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Full { color: bool },
    Short,
    Json,
}

/// All findings of a run as text.
pub fn render(sources: &Sources, diagnostics: &[Diagnostic], format: Format) -> String {
    match format {
        Format::Full { color } => {
            let each: Vec<String> = diagnostics.iter().map(|d| full::render(sources, d, color)).collect();
            each.join("\n")
        }
        Format::Short => diagnostics.iter().map(|d| short::render(sources, d)).collect(),
        Format::Json => json::render(sources, diagnostics),
    }
}

/// `2 errors, 1 warning`; none if there is nothing.
pub fn summary(diagnostics: &[Diagnostic]) -> Option<String> {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let count = |n: usize, word: &str| match n {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{n} {word}s")),
    };
    let parts = [count(errors, "error"), count(diagnostics.len() - errors, "warning")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
