//! Marks and numbers that other languages write so, and this one does not.

use super::look::Look;
use super::{Finding, shown};
use crate::diagnostic::Diagnostic;
use crate::source::tokens::{Kind, Token};

/// Marks of other languages: what stands there, what is said.
const FOREIGN: [(&str, &str, &str); 21] = [
    ("=>", "stages are joined by `->`, not `=>`", ""),
    ("|>", "stages are joined by `->`, not `|>`", ""),
    (">>", "stages are joined by `->`, not `>>`", ""),
    ("~>", "stages are joined by `->`, not `~>`", ""),
    ("-->", "stages are joined by `->`, not `-->`", ""),
    ("==>", "stages are joined by `->`, not `==>`", ""),
    ("<-", "a definition is written `name = value`, not `<-`", ""),
    (":=", "a definition is written with `=`, not `:=`", ""),
    ("+=", "nothing is changed in place: `+=` does not exist", "give the sum a name of its own"),
    ("-=", "nothing is changed in place: `-=` does not exist", "give the difference a name of its own"),
    ("*=", "nothing is changed in place: `*=` does not exist", "give the product a name of its own"),
    ("/=", "nothing is changed in place: `/=` does not exist", "give the quotient a name of its own"),
    ("**", "a power is written `^`, not `**`", ""),
    ("&&", "`&&` is written `and`", ""),
    ("||", "`||` is written `or`", ""),
    ("&", "`&` is written `and`", ""),
    ("|", "`|` is written `or`", ""),
    ("<>", "`<>` is written `!=`", ""),
    ("===", "`===` is written `==`", ""),
    ("!==", "`!==` is written `!=`", ""),
    ("'", "a text stands in double quotes", "\"...\""),
];

/// A mark of another language.
pub(super) fn foreign_mark(look: &Look<'_>) -> Option<Diagnostic> {
    let here = look.here().filter(|here| here.kind == Kind::Mark)?;
    let (_, headline, help) = FOREIGN.iter().find(|(mark, _, _)| *mark == here.text)?;
    let finding = look.finding("E0110", *headline);
    Some(if help.is_empty() { finding } else { finding.help(*help) })
}

/// `relu // why`, `/* why */`: a comment of another language.
pub(super) fn comment(look: &Look<'_>) -> Option<Diagnostic> {
    let slashes = |token: &Token<'_>| token.text == "//";
    let starred = |at: usize| look.word(at) == "/" && look.word(at + 1) == "*";
    let words = look.here().is_some_and(|here| here.kind == Kind::Word || here.kind == Kind::Mark);
    let at = match look.k {
        k if look.here().is_some_and(slashes) || starred(k) => k,
        k if k > 0 && (slashes(&look.tokens[k - 1]) || starred(k - 1)) => k - 1,
        _ if words => look.before(slashes)?,
        _ => return None,
    };
    Some(look.over("E0110", at, at, "a comment begins with `#`"))
}

/// A number that is none: `1.`, `.5`, `1e`, `12abc`, `3x`.
pub(super) fn bad_number(look: &Look<'_>) -> Option<Diagnostic> {
    let bad = |index: usize| {
        let token = look.tokens.get(index).filter(|token| token.kind == Kind::Number)?;
        let finding = look.over("E0108", index, index, format!("`{}` is no number", shown(token.text)));
        Some(finding.help(number_help(token.text)?))
    };
    bad(look.k).or_else(|| bad(look.k.checked_sub(1)?))
}

/// What to write in place of a bad number; nothing if it is a good one.
fn number_help(text: &str) -> Option<String> {
    if let Some(digits) = text.strip_suffix('.') {
        return Some(format!("write `{digits}.0`, or `{digits}`"));
    }
    if text.starts_with('.') {
        return Some(format!("write `0{text}`"));
    }
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    match digits {
        "" if text.matches('.').count() > 1 => Some("a number has one point".to_string()),
        "" => None,
        "e" | "E" | "e+" | "e-" | "E+" | "E-" => Some("digits follow the `e`, as in `1e-3`".to_string()),
        "x" => Some(format!("a window has a number on both sides of its `x`: `{text}{}`", text.trim_end_matches('x'))),
        rest if rest.starts_with('_') => Some(format!("digits are not grouped: write `{}`", text.replace('_', ""))),
        rest if is_number_tail(rest) => None,
        _ => Some("a name begins with a letter; a factor is written with `*`".to_string()),
    }
}

/// Whether digits with this behind them are a number or a window.
fn is_number_tail(rest: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    match rest.split_at(1) {
        ("e" | "E", exponent) => digits(exponent.trim_start_matches(['+', '-'])),
        ("x", sides) => sides.split('x').all(digits),
        _ => false,
    }
}
