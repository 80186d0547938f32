//! Sizes as text: numbers, shapes, and a formula with its numbers in.
//!
//! **Invariant**: what is shown is a second walk over the formula that was computed, so text and value cannot part.

use super::{Formula, Poly, Rule, SizeId, Sizes};
use crate::ids::Symbol;

/// `48`, `2·floor(T/2)`, `?` for a poisoned one.
pub fn size(sizes: &Sizes, id: SizeId) -> String {
    sizes.value(id).map_or_else(|| "?".to_string(), Poly::to_string)
}

/// `[12, 48, 48]`
pub fn shape(sizes: &Sizes, shape: &[SizeId]) -> String {
    let parts: Vec<String> = shape.iter().map(|id| size(sizes, *id)).collect();
    format!("[{}]", parts.join(", "))
}

/// `3x3`
pub fn by(sizes: &Sizes, window: &[SizeId]) -> String {
    let parts: Vec<String> = window.iter().map(|id| size(sizes, *id)).collect();
    parts.join("x")
}

/// `floor((28 - 3 + 2·0) / 1) + 1 = 26`: how a computed size came about; the bare value for every other rule.
pub fn formula(sizes: &Sizes, id: SizeId) -> String {
    let reason = &sizes.all[id].reason;
    match &reason.rule {
        Rule::Computed(formula) => {
            let operands: Vec<Poly> =
                reason.from.iter().map(|from| sizes.value(*from).cloned().unwrap_or_else(unknown)).collect();
            let left = with_numbers(formula, &operands);
            match sizes.value(id) {
                Some(value) if left != value.to_string() => format!("{left} = {value}"),
                Some(_) | None => left,
            }
        }
        Rule::Written | Rule::Bound(_) | Rule::Same | Rule::Remark | Rule::Poisoned => size(sizes, id),
    }
}

/// A formula with values in the places of its operands.
pub fn with_numbers(formula: &Formula, operands: &[Poly]) -> String {
    write(formula, &|i| operand(&operands[i]), Level::Sum)
}

/// A formula with names in the places of its operands: `floor((W - k + 2·pad) / stride) + 1`.
pub fn with_names(formula: &Formula, names: &[Symbol]) -> String {
    write(formula, &|i| (names[i].to_string(), Level::Atom), Level::Sum)
}

/// The operand that a formula begins with: the size that it changes.
pub fn leading(formula: &Formula) -> Option<usize> {
    match formula {
        Formula::Number(_) => None,
        Formula::From(i) => Some(*i),
        Formula::Neg(a) => leading(a),
        Formula::Add(a, b)
        | Formula::Sub(a, b)
        | Formula::Mul(a, b)
        | Formula::Div(a, b)
        | Formula::Floor(a, b)
        | Formula::Rem(a, b)
        | Formula::Max(a, b)
        | Formula::Min(a, b) => leading(a).or_else(|| leading(b)),
    }
}

/// The operands that slide, if the formula counts the places of a window: `W` and `K` in `(W - K + ..) // S + 1`.
pub fn window(formula: &Formula) -> Option<(usize, usize)> {
    let Formula::Add(places, one) = formula else { return None };
    let (Formula::Floor(gap, _) | Formula::Div(gap, _), Formula::Number(1)) = (&**places, &**one) else {
        return if **one == Formula::Number(1) { gap(places) } else { None };
    };
    self::gap(gap)
}

/// `W` and `K` of `W - K`, `W - K + 2 * P`.
fn gap(formula: &Formula) -> Option<(usize, usize)> {
    match formula {
        Formula::Sub(a, b) => match (&**a, &**b) {
            (Formula::From(input), Formula::From(window)) => Some((*input, *window)),
            (Formula::Add(more, _) | Formula::Sub(more, _), Formula::From(window)) => Some((leading(more)?, *window)),
            _other => gap(a),
        },
        Formula::Add(a, _) => gap(a),
        Formula::Number(_) | Formula::From(_) | Formula::Neg(_) | Formula::Mul(..) | Formula::Div(..) => None,
        Formula::Floor(..) | Formula::Rem(..) | Formula::Max(..) | Formula::Min(..) => None,
    }
}

/// How tightly the outermost operator binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Sum,
    Product,
    Atom,
}

fn unknown() -> Poly {
    Poly::symbol(&Symbol::from("?"))
}

fn operand(value: &Poly) -> (String, Level) {
    let level = match value.as_number() {
        Some(n) if n < 0 => Level::Sum,
        Some(_) => Level::Atom,
        None if value.0.len() > 1 => Level::Sum,
        None => Level::Product,
    };
    (value.to_string(), level)
}

/// A formula as text, in parentheses where the context binds more tightly than `wanted`.
fn write(formula: &Formula, name: &dyn Fn(usize) -> (String, Level), wanted: Level) -> String {
    let go = |f: &Formula, level| write(f, name, level);
    let (text, level) = match formula {
        Formula::Number(n) => operand(&Poly::number(*n)),
        Formula::From(i) => name(*i),
        Formula::Neg(a) => (format!("-{}", go(a, Level::Atom)), Level::Sum),
        Formula::Add(a, b) => (format!("{} + {}", go(a, Level::Sum), go(b, Level::Product)), Level::Sum),
        Formula::Sub(a, b) => (format!("{} - {}", go(a, Level::Sum), go(b, Level::Product)), Level::Sum),
        Formula::Mul(a, b) => (format!("{}·{}", go(a, Level::Product), go(b, Level::Atom)), Level::Product),
        Formula::Div(a, b) => (format!("{} / {}", go(a, Level::Product), go(b, Level::Atom)), Level::Product),
        Formula::Floor(a, b) => (format!("floor({} / {})", go(a, Level::Product), go(b, Level::Atom)), Level::Atom),
        Formula::Rem(a, b) => (format!("{} % {}", go(a, Level::Product), go(b, Level::Atom)), Level::Product),
        Formula::Max(a, b) => (format!("max({}, {})", go(a, Level::Sum), go(b, Level::Sum)), Level::Atom),
        Formula::Min(a, b) => (format!("min({}, {})", go(a, Level::Sum), go(b, Level::Sum)), Level::Atom),
    };
    if level < wanted { format!("({text})") } else { text }
}
