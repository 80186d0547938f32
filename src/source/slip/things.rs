//! One thing for another, and two things side by side.

use super::look::Look;
use super::{Finding, Lookup, shown};
use crate::diagnostic::Diagnostic;
use crate::source::tokens::{Kind, Token};

/// `y = {1, 2}`: a brace inside a body.
pub(super) fn brace(look: &Look<'_>) -> Option<Diagnostic> {
    look.here().filter(|here| here.kind == Kind::Brace)?;
    let finding = look.finding("E0124", "a body holds no other `{`");
    Some(finding.help("arrays and shapes stand in `[ ]`, groups in `( )`"))
}

/// `let a == 3`, `if a = 3 then`, `params(A) = 405050`, `f(x) = 3`
pub(super) fn equals(look: &Look<'_>) -> Option<Diagnostic> {
    let here = look.here()?;
    if here.text == "==" && look.expected().has("=") {
        return Some(look.finding("E0111", "`=` defines, `==` compares"));
    }
    let statement = matches!(look.lookup, Lookup::Statement { .. });
    if here.text != "=" {
        return None;
    }
    let compares = look.before(|token| matches!(token.text, "if" | "require" | "=" | "and" | "or")).is_some();
    if compares {
        return Some(look.finding("E0111", "`==` compares, `=` defines"));
    }
    if look.lookup == (Lookup::Statement { test: true }) {
        return Some(look.finding("E0111", "a test compares with `==`"));
    }
    if !statement || look.enclosing().is_some() || look.k == 0 {
        return None;
    }
    let left = shown(&look.text[..look.tokens[look.k - 1].end]);
    let finding = look.finding("E0111", format!("`=` defines a name, and `{left}` is none"));
    Some(finding.help("`name = value`, `name[i, j] = value`, `(a, b) = value`; `==` compares"))
}

/// `net A(x: [3]) y: [3] {`, `net A(x: [3]): [3] {`
pub(super) fn missing_arrow(look: &Look<'_>) -> Option<Diagnostic> {
    let here = look.here().filter(|_| look.lookup == Lookup::Head)?;
    let network = matches!(look.word(0), "net" | "block" | "optimiser" | "optimizer");
    let after_inputs = look.prev()?.text == ")" && look.enclosing().is_none();
    if !network || !after_inputs || look.before(|token| token.is_arrow()).is_some() {
        return None;
    }
    match here.text {
        ":" => Some(look.finding("E0117", "the result stands behind `->`, not `:`")),
        "[" => Some(look.finding("E0117", "`->` is missing before the result").help("-> [...]")),
        name if here.kind == Kind::Word => {
            Some(look.finding("E0117", "`->` is missing before the result").help(format!("-> {}", shown(name))))
        }
        _ => None,
    }
}

/// `net A(x: [3]) -> y: [3], z: [] {`
pub(super) fn several_results(look: &Look<'_>) -> Option<Diagnostic> {
    let comma = look.here().is_some_and(|here| here.text == ",") && look.lookup == Lookup::Head;
    let arrow = look.before(|token| token.is_arrow()).filter(|_| comma && look.enclosing().is_none())?;
    let body = look.tokens.iter().position(|token| token.kind == Kind::Brace).unwrap_or(look.tokens.len());
    let results = shown(look.text[look.tokens[arrow].end..look.tokens[body - 1].end].trim());
    let finding = look.over("E0115", arrow + 1, body - 1, "several results stand in round brackets");
    Some(finding.help(format!("-> ({results})")))
}

/// `net my-net(x: [3])`
pub(super) fn name_with_minus(look: &Look<'_>) -> Option<Diagnostic> {
    let joined = look.here()?.text == "-" && look.prev()?.kind == Kind::Word;
    let named = look.k == 2 && !matches!(look.lookup, Lookup::Statement { .. });
    let next = look.tokens.get(look.k + 1).filter(|next| next.kind == Kind::Word)?;
    if !joined || !named {
        return None;
    }
    let finding = look.over("E0106", look.k - 1, look.k + 1, "a name has no `-`");
    Some(finding.help(format!("{}_{}", look.word(look.k - 1), next.text)))
}

/// `param W [4, 3]`, `net A(x [3])`, `param W = 3`
pub(super) fn declaration(look: &Look<'_>) -> Option<Diagnostic> {
    let declares = matches!(look.word(0), "param" | "state" | "noise");
    let input = look.lookup == Lookup::Head && look.enclosing().is_some();
    let prev = look.prev().filter(|prev| prev.kind == Kind::Word && look.k > 1)?;
    if !(declares && look.before(|token| token.text == ":").is_none() && look.enclosing().is_none() || input) {
        return None;
    }
    let name = shown(prev.text);
    match look.here() {
        Some(here) if here.text == "[" && look.expected().has(":") => {
            let finding = look.finding("E0119", "`:` is missing before the shape");
            Some(finding.help(format!("{name}: [...]")))
        }
        None if declares => Some(shapeless(look, &name)),
        Some(here) if declares && matches!(here.text, "=" | "~") => Some(shapeless(look, &name)),
        Some(_) | None => None,
    }
}

fn shapeless(look: &Look<'_>, name: &str) -> Diagnostic {
    let at = look.k - 1;
    look.over("E0119", at, at, format!("`:` and a shape are missing after `{name}`"))
        .help(format!("{name}: [4, 3], or {name}: [] for a single number"))
}

/// `x: (3, 8, 8)`, `relu : 3x8x8`
pub(super) fn shape_in_brackets(look: &Look<'_>) -> Option<Diagnostic> {
    let here = look.here().filter(|_| look.prev().is_some_and(|prev| prev.text == ":"))?;
    let expects = look.expected();
    if !(here.text == "(" || here.kind == Kind::Number) || !expects.has("[1]") || expects.has("1") {
        return None;
    }
    let last = if here.text == "(" { look.partner(look.k) } else { look.k };
    let inner = &look.text[here.start..look.tokens[last].end];
    let inner = inner.trim_start_matches('(').trim_end_matches(')').replace(['x', '×'], ", ");
    let finding = look.over("E0119", look.k, last, "a shape stands in square brackets");
    Some(finding.help(format!("[{}]", shown(&inner))))
}

/// `y = x -> conv(3) + x`
pub(super) fn operator_after_stage(look: &Look<'_>) -> Option<Diagnostic> {
    const OPERATORS: [&str; 15] = ["+", "-", "*", "/", "//", "%", "@", "^", "==", "!=", "<", ">", "<=", ">=", "and"];
    let here = look.here().filter(|here| OPERATORS.contains(&here.text) || here.text == "or")?;
    let arrow = look.before(|token| token.is_arrow())?;
    if !look.prev()?.ends_value() {
        return None;
    }
    let finding = look.finding("E0118", format!("`{}` cannot follow a stage of a pipeline", here.text));
    let finding = finding.label(look.span(arrow, arrow), "the pipeline goes on from here");
    Some(finding.help(format!("(x -> f) {} y", here.text)))
}

/// A value directly behind a value.
pub(super) fn side_by_side(look: &Look<'_>) -> Option<Diagnostic> {
    let here = *look.here().filter(|here| here.begins_value())?;
    let prev = *look.prev().filter(|prev| prev.ends_value())?;
    let expected = look.expected();
    if ["in", "then", "else"].iter().any(|word| expected.has(word)) {
        return None;
    }
    window_with_blanks(look)
        .or_else(|| repeat(look, &prev, &here))
        .or_else(|| blank_before_bracket(look, &prev, &here))
        .or_else(|| in_brackets(look, &prev, &here))
        .or_else(|| arguments(look, &prev, &here))
        .or_else(|| nothing_between(look, &prev, &here))
}

/// `conv(12, 3 x 3)`
fn window_with_blanks(look: &Look<'_>) -> Option<Diagnostic> {
    let k = look.k;
    let apart = look.tokens[k - 1].kind == Kind::Number && look.tokens[k].text == "x";
    let last = match look.tokens.get(k + 1) {
        Some(next) if apart && next.kind == Kind::Number => k + 1,
        Some(_) | None if look.tokens[k - 1].kind == Kind::Number && turns(look.tokens[k].text) => k,
        Some(_) | None => return None,
    };
    let window: String = look.tokens[k - 1..=last].iter().map(|token| token.text).collect();
    Some(look.over("E0114", k - 1, last, "a window is written without blanks").help(window))
}

/// Whether this is `x3`: a number of turns.
fn turns(text: &str) -> bool {
    text.strip_prefix(['x', '×']).is_some_and(|count| count.parse::<u32>().is_ok())
}

/// `x3 (conv(3) -> relu)`, `conv(3) -> relu x3`
fn repeat(look: &Look<'_>, prev: &Token<'_>, here: &Token<'_>) -> Option<Diagnostic> {
    if turns(prev.text) && here.text == "(" {
        let headline = "the number of turns stands behind what is repeated";
        let finding = look.over("E0113", look.k - 1, look.k - 1, headline);
        return Some(finding.help(format!("(...) {}", prev.text)));
    }
    let counted = turns(here.text) || here.text == "x" && look.before(|token| token.is_arrow()).is_some();
    if !counted || prev.kind == Kind::Number {
        return None;
    }
    let start = look.value_start(look.k - 1);
    let layer = shown(&look.text[look.tokens[start].start..prev.end]);
    let finding = look.over("E0113", start, look.k, "what is repeated stands in brackets");
    Some(finding.help(format!("({layer}) {}", here.text)))
}

/// `conv (12)`, `h [t]`
fn blank_before_bracket(look: &Look<'_>, prev: &Token<'_>, here: &Token<'_>) -> Option<Diagnostic> {
    if here.kind != Kind::Open || prev.kind != Kind::Word || prev.end == here.start || !look.may_join(here.text) {
        return None;
    }
    let last = look.k;
    let headline = format!("no blank between `{}` and `{}`", shown(prev.text), here.text);
    let finding = look.over("E0112", last - 1, last, headline);
    let close = if here.text == "(" { ")" } else { "]" };
    Some(finding.help(format!("{}{}...{close}", shown(prev.text), here.text)))
}

/// `conv(12 17x17)`, `[4 3]`, `sum(k W[k])`
fn in_brackets(look: &Look<'_>, prev: &Token<'_>, here: &Token<'_>) -> Option<Diagnostic> {
    const REDUCTIONS: [&str; 6] = ["sum", "mean", "max", "min", "prod", "argmax"];
    let open = look.enclosing()?;
    let call = open > 0 && look.tokens[open - 1].end == look.tokens[open].start;
    if call && open + 2 == look.k && prev.kind == Kind::Word && REDUCTIONS.contains(&look.word(open - 1)) {
        let finding =
            look.over("E0115", look.k - 1, look.k - 1, format!("`:` is missing after the index `{}`", prev.text));
        return Some(finding.help(format!("{}({}: ...)", look.word(open - 1), prev.text)));
    }
    if !look.expected().has(",") {
        return None;
    }
    let headline = format!("a comma is missing between `{}` and `{}`", shown(prev.text), shown(here.text));
    let finding = look.over("E0109", look.k - 1, look.k, headline);
    Some(finding.help(format!("{}, {}", shown(prev.text), shown(here.text))))
}

/// `image -> conv 12, 3x3`
fn arguments(look: &Look<'_>, prev: &Token<'_>, here: &Token<'_>) -> Option<Diagnostic> {
    let stage = look.k > 1 && look.tokens[look.k - 2].is_arrow();
    if !stage || prev.kind != Kind::Word || !matches!(here.kind, Kind::Number | Kind::Text) {
        return None;
    }
    let finding = look.over("E0112", look.k - 1, look.k, "arguments stand in brackets");
    Some(finding.help(format!("{}({})", shown(prev.text), shown(here.text))))
}

/// `image conv(12)`, `y = W x`
fn nothing_between(look: &Look<'_>, prev: &Token<'_>, here: &Token<'_>) -> Option<Diagnostic> {
    if !look.expected().has("+ 1") {
        return None;
    }
    let headline = format!("nothing stands between `{}` and `{}`", shown(prev.text), shown(here.text));
    let finding = look.over("E0116", look.k - 1, look.k, headline);
    Some(finding.help("`f(x)` calls, `x -> f` passes on, `*` and `@` multiply"))
}
