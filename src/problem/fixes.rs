//! Tries candidate edits: an edit is offered when, applied to the text and checked again, this code at this place is
//! gone. "Fewer problems" would be the wrong question, since poison hides the next one, which then comes to light.

use crate::diagnostic::{Diagnostic, Edit, Help};
use crate::source::{SourceId, Sources, Span};

/// Checks another text of a source and tells what it found there.
pub type Recheck<'a> = dyn FnMut(SourceId, &str) -> Vec<Seen> + 'a;

/// A finding of a trial: its code and its primary place in the text that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub code: &'static str,
    pub start: u32,
    pub end: u32,
}

/// At most so many helps stand below a message.
const HELPS: usize = 2;

/// Puts those candidates first that clear the finding, and keeps at most two helps. `--fix` takes the first one.
pub fn try_fixes(
    mut diagnostic: Diagnostic,
    candidates: Vec<Help>,
    sources: &Sources,
    recheck: &mut Recheck,
) -> Diagnostic {
    let Some(at) = diagnostic.labels.first().map(|label| label.at) else { return diagnostic };
    let mut clear = |help: &Help| clears(diagnostic.code, at, &help.edits, sources, recheck);
    let cleared: Vec<Help> = candidates.into_iter().filter(|help| clear(help)).take(HELPS).collect();
    // Words that say the same as a tried edit are no second help.
    diagnostic.helps.retain(|words| cleared.iter().all(|help| !help.text.contains(&words.text)));
    diagnostic.helps.splice(0..0, cleared);
    diagnostic.helps.truncate(HELPS);
    diagnostic
}

/// Drops findings of the same code that the first repair of an earlier one clears too, if they stand where it edits:
/// one slip is one message.
pub fn joined(mut told: Vec<Diagnostic>, sources: &Sources, recheck: &mut Recheck) -> Vec<Diagnostic> {
    let mut at = 0;
    while at < told.len() {
        let Some(help) = told[at].helps.iter().find(|help| !help.edits.is_empty()).cloned() else {
            at += 1;
            continue;
        };
        let code = told[at].code;
        let beside = |d: &Diagnostic| {
            let line = |span: Span| sources.position(span).0;
            let primary = d.labels.first().map(|label| label.at);
            let near = |p: Span| help.edits.iter().any(|edit| edit.at.source == p.source && line(edit.at) == line(p));
            d.code == code && primary.is_some_and(near)
        };
        let (kept, rest) = told.split_at(at + 1);
        let mut all = kept.to_vec();
        for diagnostic in rest {
            let gone = beside(diagnostic)
                && diagnostic.labels.first().is_some_and(|l| clears(code, l.at, &help.edits, sources, recheck));
            if !gone {
                all.push(diagnostic.clone());
            }
        }
        told = all;
        at += 1;
    }
    told
}

fn clears(code: &str, at: Span, edits: &[Edit], sources: &Sources, recheck: &mut Recheck) -> bool {
    let one_file = edits.iter().all(|edit| edit.at.source == at.source && !sources.in_library(edit.at));
    if edits.is_empty() || !one_file {
        return false;
    }
    let text = apply(&sources.get(at.source).text, edits);
    let (start, end) = (moved(at.start, edits), moved(at.end, edits));
    let seen = recheck(at.source, &text);
    // What no longer parses, or what this version refuses, is no repair.
    let worse = |seen: &Seen| seen.code.starts_with("E01") || seen.code == "E0901";
    let stays = |seen: &Seen| seen.code == code && seen.start <= end && start <= seen.end;
    !seen.iter().any(|seen| worse(seen) || stays(seen))
}

/// A text after edits, which do not overlap.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.at.start, edit.at.end));
    let (mut result, mut done) = (String::with_capacity(text.len()), 0);
    for edit in sorted {
        result.push_str(&text[done..edit.at.start as usize]);
        result.push_str(&edit.text);
        done = edit.at.end as usize;
    }
    result.push_str(&text[done..]);
    result
}

/// Where an offset of the old text lies in the new one.
fn moved(offset: u32, edits: &[Edit]) -> u32 {
    let mut result = i64::from(offset);
    for edit in edits.iter().filter(|edit| edit.at.end <= offset) {
        result += edit.text.len() as i64 - i64::from(edit.at.end - edit.at.start);
    }
    result.max(0) as u32
}
