//! The last resort: what was expected, and what is there.

use super::attempt::Expected;
use super::look::Look;
use super::{Finding, Lookup, shown};
use crate::diagnostic::Diagnostic;
use crate::source::tokens::Kind;

/// *expected A, B or C after `x`; here is `y`*
pub(super) fn expected(look: &Look<'_>) -> Diagnostic {
    let could = look.expected();
    let end = look.may_end();
    let mut names = strong(look, &could, end);
    if names.is_empty() {
        names = weak(look, &could, end);
    }
    let after = match look.prev() {
        Some(prev) => format!(" after `{}`", shown(prev.text)),
        None => String::new(),
    };
    let headline = match names.is_empty() {
        true => format!("nothing that makes sense goes on{after}; {}", here(look)),
        false => format!("expected {}{after}; {}", list(&names), here(look)),
    };
    let finding = look.finding("E0115", headline);
    match look.prev() {
        Some(prev) if look.here().is_none() && prev.kind == Kind::Mark && names.contains(&"a value") => {
            finding.help(format!("a statement goes on if the next line begins with `{}`", prev.text))
        }
        Some(_) | None => finding,
    }
}

/// What is there in place of it.
fn here(look: &Look<'_>) -> String {
    match look.here() {
        Some(token) if token.kind != Kind::Edge || matches!(token.text, "{" | "}") => {
            format!("here is `{}`", shown(token.text))
        }
        Some(_) | None if look.lookup == Lookup::Head => "here is `{`".to_string(),
        Some(_) | None => "the line ends".to_string(),
    }
}

/// What must stand there.
fn strong(look: &Look<'_>, could: &Expected, end: bool) -> Vec<&'static str> {
    let mut names = Vec::new();
    let after_arrow = look.prev().is_some_and(|prev| prev.is_arrow());
    let every = look.prev().is_some_and(|prev| prev.text == "every");
    let word = could.has("q") && !could.has("1");
    let rows = [
        ("`epoch` or a number of steps", every),
        ("a value", could.has("1") && !every),
        ("a layer", word && after_arrow && could.has("(q)")),
        ("a name", word && !after_arrow && !every),
        ("a shape such as `[3, 28, 28]`", could.has("[1]") && !could.has("1")),
        ("a text in quotes", could.has("\"q\"") && !could.has("1")),
        ("`=`", could.has("=") && !end),
        ("`:`", could.has(":") && !could.has("-> q")),
        ("`(`", could.has("(") && !could.has("q") && !could.has("1")),
        ("`in`", could.has("in")),
        ("`then`", could.has("then")),
        ("`else`", could.has("else")),
        ("`using` and an optimiser", could.has("using q")),
        ("`every` and a number of steps or `epoch`", could.has("every epoch")),
        ("`~` and a distribution", could.has("~ q") && !end),
        ("`->`", could.has("-> q") && !could.has("+ 1") && !end),
        ("`{`", could.has("{")),
    ];
    for (name, holds) in rows {
        if holds {
            names.push(name);
        }
    }
    names
}

/// What may stand there.
fn weak(_: &Look<'_>, could: &Expected, end: bool) -> Vec<&'static str> {
    let rows = [
        ("the end of the line", end),
        ("`->`", could.has("-> q")),
        ("an operator", could.has("+ 1")),
        ("`,`", could.has(",")),
        ("`)`", could.has(")")),
        ("`]`", could.has("]")),
    ];
    rows.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name).collect()
}

/// `a, b or c`
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
