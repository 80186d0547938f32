//! All findings of a run as one object, for programs. `version` changes when a field changes its meaning.

use super::{Diagnostic, Edit, Help, Label};
use crate::span::{Sources, Span};
use serde::Serialize;

/// The version of the object.
pub const VERSION: u32 = 1;

/// `{"version": 1, "findings": [...]}`, with a line end behind it.
pub fn render(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let findings = diagnostics.iter().map(|diagnostic| finding(sources, diagnostic)).collect();
    let text = serde_json::to_string_pretty(&Findings { version: VERSION, findings });
    text.expect("numbers and texts are always JSON") + "\n"
}

#[derive(Serialize)]
struct Findings<'a> {
    version: u32,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'a str,
    severity: &'a str,
    headline: &'a str,
    labels: Vec<Place<'a>>,
    notes: &'a [String],
    helps: Vec<Advice<'a>>,
}

/// A text at a place: lines and columns from 1, columns in characters, and bytes from 0.
#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    start: u32,
    end: u32,
    text: &'a str,
}

#[derive(Serialize)]
struct Advice<'a> {
    text: &'a str,
    edits: Vec<Place<'a>>,
}

fn finding<'a>(sources: &'a Sources, diagnostic: &'a Diagnostic) -> Finding<'a> {
    let label = |label: &'a Label| place(sources, label.at, &label.text);
    let edit = |edit: &'a Edit| place(sources, edit.at, &edit.text);
    let help = |help: &'a Help| Advice { text: &help.text, edits: help.edits.iter().map(edit).collect() };
    Finding {
        code: diagnostic.code,
        severity: if diagnostic.is_error() { "error" } else { "warning" },
        headline: &diagnostic.headline,
        labels: diagnostic.labels.iter().map(label).collect(),
        notes: &diagnostic.notes,
        helps: diagnostic.helps.iter().map(help).collect(),
    }
}

fn place<'a>(sources: &'a Sources, at: Span, text: &'a str) -> Place<'a> {
    let source = sources.get(at.source);
    let (line, column) = source.position(at.start);
    let (end_line, end_column) = source.position(at.end);
    Place { path: &source.path, line, column, end_line, end_column, start: at.start, end: at.end, text }
}
