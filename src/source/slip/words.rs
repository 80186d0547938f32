//! Words where no such word can stand: those of other languages, misspelt ones, reserved ones.

use super::look::Look;
use super::{Finding, Lookup, shown};
use crate::diagnostic::Diagnostic;
use crate::source::tokens::{Kind, is_reserved};

/// Words that begin a line of a body.
const STATEMENTS: [&str; 8] = ["param", "state", "update", "noise", "require", "minimise", "report", "show"];
/// Words that begin an item.
const ITEMS: [&str; 8] = ["use", "let", "net", "block", "optimiser", "data", "train", "test"];

const RESULT: &str = "the last line is the result: write it without a word before it";
const REPEAT: &str = "layers repeat by `(...) x3` or `each c in [16, 32] (...)`; indices run by themselves";
const CHOICE: &str = "`if a then x else y` chooses between values";
const BLOCK: &str = "a layer of your own is a `block name(x: [C, H, W]) -> [C, H, W] { ... }`, outside of other braces";
const NAME: &str = "a definition is written `name = value`";
const USE: &str = "`use \"blocks.net\": Name` at the top of the file takes blocks of another file";
const TRAIN: &str = "in a `train` item: `minimise cross_entropy(Net(x), y) using adam(lr=1e-3)`";

/// Words that begin a line in other languages, and what is written here.
const FOREIGN: [(&str, &str); 34] = [
    ("return", RESULT),
    ("yield", RESULT),
    ("output", RESULT),
    ("for", REPEAT),
    ("while", REPEAT),
    ("repeat", REPEAT),
    ("loop", REPEAT),
    ("do", REPEAT),
    ("elif", CHOICE),
    ("switch", CHOICE),
    ("match", CHOICE),
    ("case", CHOICE),
    ("def", BLOCK),
    ("fn", BLOCK),
    ("func", BLOCK),
    ("function", BLOCK),
    ("class", BLOCK),
    ("layer", BLOCK),
    ("struct", BLOCK),
    ("let", "inside braces a definition has no `let`"),
    ("var", NAME),
    ("val", NAME),
    ("const", "a constant of the file is written `let name = value`, outside of braces; inside: `name = value`"),
    ("auto", NAME),
    ("float", NAME),
    ("int", NAME),
    ("use", USE),
    ("import", USE),
    ("from", USE),
    ("include", USE),
    ("loss", TRAIN),
    ("weight", "a trained tensor is declared by `param weight: [out, in]`"),
    ("assert", "a net states what it needs by `require a <= b, \"why\"`; a test compares by a line `a == b`"),
    ("print", "`show x every 100 steps` in a `train` item shows a value"),
];

/// A line of a body that begins with a word that begins none.
pub(super) fn first_word(look: &Look<'_>) -> Option<Diagnostic> {
    let first = look.tokens.first().filter(|first| first.kind == Kind::Word && !is_reserved(first.text))?;
    if !matches!(look.lookup, Lookup::Statement { .. }) || look.k > 2 || STATEMENTS.contains(&first.text) {
        return None;
    }
    let second = look.tokens.get(1);
    let beside = second.is_some_and(|second| matches!(second.kind, Kind::Word | Kind::Number | Kind::Text));
    let foreign = FOREIGN.iter().find(|(word, _)| *word == first.text);
    let headline = format!("no statement begins with `{}`", shown(first.text));
    match foreign {
        Some((_, help)) if beside || matches!(first.text, "for" | "while" | "return" | "def" | "class") => {
            Some(look.over("E0121", 0, 0, headline).help(*help))
        }
        Some(_) | None if beside => {
            let meant = nearest(first.text, &STATEMENTS)?;
            Some(look.over("E0121", 0, 0, format!("{headline}; did you mean `{meant}`?")))
        }
        Some(_) | None => None,
    }
}

/// Text between items that begins with a word that begins none.
pub(super) fn first_of_item(look: &Look<'_>) -> Option<Diagnostic> {
    let first = look.tokens.first()?;
    if look.lookup != Lookup::Item || ITEMS.contains(&first.text) || first.text == "optimizer" {
        return None;
    }
    let beside = first.kind == Kind::Word && look.tokens.get(1).is_some_and(|second| second.kind == Kind::Word);
    if let Some(meant) = nearest(first.text, &ITEMS).filter(|_| beside) {
        let headline = format!("no item begins with `{}`; did you mean `{meant}`?", first.text);
        return Some(look.over("E0123", 0, 0, headline));
    }
    let headline = format!("a file holds {} and {}; not `{}`", ITEMS[..7].join(", "), ITEMS[7], shown(first.text));
    let finding = look.over("E0123", 0, 0, headline);
    let foreign = FOREIGN.iter().find(|(word, _)| *word == first.text).map(|(_, help)| *help);
    Some(match foreign {
        _ if look.word(1) == "=" => finding.help(format!("a constant: `let {} = ...`", shown(first.text))),
        _ if STATEMENTS.contains(&first.text) => finding.help(format!("`{}` stands inside braces", first.text)),
        Some(help) if !matches!(first.text, "return" | "yield" | "output") => finding.help(help),
        Some(_) | None => finding,
    })
}

/// A reserved word where a name or a value belongs.
pub(super) fn reserved(look: &Look<'_>) -> Option<Diagnostic> {
    let here = look.here().filter(|here| here.kind == Kind::Word && is_reserved(here.text))?;
    let follows = look.word(look.k + 1);
    let named = matches!(follows, "=" | ":" | "," | ")" | "]" | "");
    let begins = matches!(here.text, "if" | "each") && !named;
    let joins = matches!(here.text, "then" | "else" | "and" | "or" | "over" | "using" | "as" | "every" | "in");
    let goes_on = joins && look.k > 0 && look.tokens.get(look.k + 1).is_some_and(|next| next.begins_value());
    let keyword = look.k == 1 && ITEMS.contains(&look.word(0)) && look.lookup != Lookup::Tail;
    if look.prev().is_some_and(|prev| prev.ends_value() && !keyword) || begins || goes_on {
        return None;
    }
    let headline = format!("`{}` is a word of the language and cannot be a name", here.text);
    Some(look.finding("E0107", headline).help(format!("another name, such as `{}_`", here.text)))
}

/// `minimise a using adam() over A`
pub(super) fn over_after_using(look: &Look<'_>) -> Option<Diagnostic> {
    let using = look.before(|token| token.text == "using")?;
    if look.here()?.text != "over" {
        return None;
    }
    let finding = look.finding("E0122", "`over` stands before `using`");
    Some(finding.label(look.span(using, using), "this comes last"))
}

/// The word that was perhaps meant: one or two letters away.
fn nearest(word: &str, words: &[&'static str]) -> Option<&'static str> {
    let most = if word.len() <= 4 { 1 } else { 2 };
    let near = words.iter().map(|other| (distance(word, other), *other)).min()?;
    (near.0 <= most).then_some(near.1)
}

/// Levenshtein's distance, in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
