//! Edits that several problems offer.

use crate::diagnostic::Edit;
use crate::size::Explainer;
use crate::source::Span;

/// The edit that adds an argument to a call; none where the call has it already or is no call.
pub fn argument(look: &Explainer, call: Span, argument: &str) -> Option<Edit> {
    let text = look.sources.text(call);
    let name = argument.split('=').next().unwrap_or(argument);
    let has = text.match_indices(name).any(|(at, _)| text[at + name.len()..].trim_start().starts_with('='));
    if look.sources.in_library(call) || !text.ends_with(')') || has {
        return None;
    }
    let lead = if text.trim_end_matches(')').ends_with('(') { "" } else { ", " };
    let at = Span { start: call.end - 1, end: call.end - 1, ..call };
    Some(Edit { at, text: format!("{lead}{argument}") })
}

/// The edit that wraps an expression in a call: `mean(...)`.
pub fn wrapped(look: &Explainer, at: Span, by: &str) -> Option<Edit> {
    let text = format!("{by}({})", look.sources.text(at));
    (!look.sources.in_library(at)).then_some(Edit { at, text })
}

/// The edit that takes a stage out of its pipeline, with the arrow before it.
pub fn without_stage(look: &Explainer, stage: Span) -> Option<Edit> {
    let text = &look.sources.get(stage.source).text;
    let before = text[..stage.start as usize].trim_end().strip_suffix("->")?;
    let at = Span { start: before.trim_end().len() as u32, ..stage };
    (!look.sources.in_library(stage)).then(|| Edit { at, text: String::new() })
}
