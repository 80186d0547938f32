//! The whole derivation of a size, for `brolga why`.

use super::explain::{Explainer, Passed};
use super::{Rule, SizeId, Sizes, show};
use crate::source::Sources;
use std::collections::BTreeSet;

/// A line for each step, newest first; below a step, indented, the operands that stand elsewhere.
///
/// ```text
/// 1 = floor((3 - 2 + 2·0) / 2) + 1   deep.net:5:23  max_pool(2x2)
/// 3 = floor((5 - 3 + 2·0) / 1) + 1   deep.net:5:6   conv(64, 3x3)
/// 5                                  deep.net:1:20  5
/// ```
pub fn why(sizes: &Sizes, sources: &Sources, id: SizeId) -> String {
    let look = Explainer::new(sizes, sources);
    let rows = rows(&look, id);
    let width = |column: fn(&Row) -> &str| rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0);
    let (first, second) = (width(|row| &row.told), width(|row| &row.place));
    let mut text = String::new();
    for row in &rows {
        let line = format!("{:first$}   {:second$}  {}", row.told, row.place, row.source);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A line: what is said, where it stands, and the text there.
struct Row {
    told: String,
    place: String,
    source: String,
}

fn rows(look: &Explainer, id: SizeId) -> Vec<Row> {
    let (mut rows, mut told) = (Vec::new(), BTreeSet::new());
    let mut open = vec![(id, 0)];
    while let Some((id, depth)) = open.pop() {
        let Some((origin, passed)) = look.origin(id) else { continue };
        let again = !told.insert(origin);
        rows.push(row(look, origin, &passed, depth, again));
        if again {
            continue;
        }
        let main = look.begins_with(&look.sizes.all[origin].reason).copied();
        // What the step began with goes on at its own level; the stack gives it after the other operands.
        open.extend(main.map(|main| (main, depth)));
        let others: Vec<SizeId> = look.operands(origin).into_iter().filter(|from| Some(*from) != main).collect();
        open.extend(others.into_iter().rev().map(|from| (from, depth + 1)));
        open.extend(before_remark(look, origin).map(|from| (from, depth)));
    }
    rows
}

/// What came out where a remark stands.
fn before_remark(look: &Explainer, id: SizeId) -> Option<SizeId> {
    let reason = &look.sizes.all[id].reason;
    matches!(reason.rule, Rule::Remark).then(|| reason.from.first().copied()).flatten()
}

fn row(look: &Explainer, id: SizeId, passed: &Passed, depth: usize, again: bool) -> Row {
    let name = passed.name.as_ref().filter(|_| depth > 0).map_or(String::new(), |name| format!("{name} = "));
    let told = format!("{}{name}{}", "  ".repeat(depth.min(12)), derivation(look.sizes, id));
    let Some(at) = look.place(id) else { return Row { told, place: "by default".into(), source: String::new() } };
    let (line, column) = look.sources.position(at);
    let place = format!("{}:{line}:{column}", look.sources.get(at.source).path);
    let text = look.sources.text(at).lines().next().unwrap_or_default();
    let remark = if matches!(look.sizes.all[id].reason.rule, Rule::Remark) { "as remarked: " } else { "" };
    let source = if again { "as above".to_string() } else { format!("{remark}{text}") };
    Row { told, place, source }
}

/// `26 = floor((28 - 3 + 2·0) / 1) + 1`, `28`
fn derivation(sizes: &Sizes, id: SizeId) -> String {
    let value = show::size(sizes, id);
    match show::formula(sizes, id).rsplit_once(" = ") {
        Some((formula, _)) => format!("{value} = {formula}"),
        None => value,
    }
}
