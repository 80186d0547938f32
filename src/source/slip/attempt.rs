//! A bad stretch parsed once more, alone: how far it makes sense, and what could stand there instead.

use crate::source::parse::{Grammar, Rule};
use pest::Parser;
use std::sync::{Mutex, PoisonError};

/// pest collects details for all threads or none, so only one at a time asks for them.
static DETAIL: Mutex<()> = Mutex::new(());

/// How far `text` makes sense as `rule`: a byte offset, or `None` if all of it does.
fn furthest(rule: Rule, text: &str) -> Option<usize> {
    let _lock = DETAIL.lock().unwrap_or_else(PoisonError::into_inner);
    pest::set_error_detail(true);
    let result = Grammar::parse(rule, text);
    pest::set_error_detail(false);
    let attempts = result.err()?.parse_attempts();
    Some(attempts.map_or(0, |attempts| attempts.max_position))
}

/// What could stand at a place, in the order in which a message names it.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected(Vec<&'static str>);

impl Expected {
    /// Whether the text could stand there.
    pub(super) fn has(&self, probe: &str) -> bool {
        self.0.contains(&probe)
    }
}

/// A stretch as an item or a statement.
pub(super) struct Attempt {
    rule: Rule,
    /// What is put behind the stretch to make it whole: the body of a head.
    tail: &'static str,
}

/// Things that could stand somewhere: a value, a name, a shape, a text, words and marks.
const PROBES: [&str; 30] = [
    "1",
    "q",
    "[1]",
    "\"q\"",
    "=",
    ":",
    "(",
    "{",
    "in",
    "then",
    "else",
    "using q",
    "every epoch",
    "~ q",
    "-> q",
    "+ 1",
    ",",
    ")",
    "]",
    "over q",
    "as q",
    "on q",
    "fails q",
    "within 1",
    "of index(1)",
    "using",
    "every",
    "->",
    "(q)",
    "[q]",
];

impl Attempt {
    /// A line of a body.
    pub(super) fn statement() -> Attempt {
        Attempt { rule: Rule::lone_statement, tail: "" }
    }

    /// A whole item.
    pub(super) fn item() -> Attempt {
        Attempt { rule: Rule::lone_item, tail: "" }
    }

    /// An item up to its body.
    pub(super) fn head() -> Attempt {
        Attempt { rule: Rule::lone_item, tail: "{}" }
    }

    /// Where the stretch stops to make sense; its length if something is missing at its end.
    pub(super) fn stops(&self, text: &str) -> usize {
        let whole = format!("{text} {}", self.tail);
        furthest(self.rule, &whole).map_or(text.len(), |at| at.min(text.len()))
    }

    /// Whether something that makes sense can begin so.
    pub(super) fn viable(&self, text: &str) -> bool {
        let whole = format!("{text} ");
        furthest(self.rule, &whole).is_none_or(|at| at == whole.len())
    }

    /// Whether this makes sense as it is.
    pub(super) fn whole(&self, text: &str) -> bool {
        Grammar::parse(self.rule, &format!("{text} {}", self.tail)).is_ok()
    }

    /// What could follow a beginning.
    pub(super) fn expected(&self, before: &str) -> Expected {
        Expected(PROBES.into_iter().filter(|probe| self.viable(&format!("{before} {probe}"))).collect())
    }
}
