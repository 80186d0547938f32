//! Small helps with words: near names, lists, plurals.

/// The name in scope that was probably meant: letter case apart, else at most a third of the letters wrong.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = wrong.chars().count().div_ceil(3).min(3);
    let lower = wrong.to_lowercase();
    let scored = names.into_iter().filter(|name| *name != wrong).map(|name| {
        let far = distance(&lower, &name.to_lowercase());
        (far, name)
    });
    // Ties go to the first in the alphabet, whatever the order in which they were asked.
    scored.filter(|(far, name)| *far <= allowed && *far < name.chars().count()).min().map(|(_, name)| name)
}

/// Insertions, deletions, changes and swaps of neighbours between two words.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// `1 axis`, `3 axes`
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `bear, bird, cat, ... wolf, zebra`: long lists lose their middle.
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    let all: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    if all.len() <= 6 {
        return all.join(", ");
    }
    format!("{}, ... {}", all[..3].join(", "), all[all.len() - 2..].join(", "))
}

/// `a`, `a and b`, `a, b and c`
pub fn and<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_string(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// `conv(x: [C, H, W], out, k, stride = 1)` of `block conv(x: [C, H, W], out, k, stride = 1) -> y: [out, _, _]`
pub fn signature(head: &str) -> String {
    let inputs = head.split_once(") ->").map_or(head.to_string(), |(inputs, _)| format!("{inputs})"));
    ["block ", "net ", "optimiser "].iter().find_map(|word| inputs.strip_prefix(word)).unwrap_or(&inputs).to_string()
}

/// Whether a name stands in a text as a whole word; `k` in `k.h` counts.
pub fn holds(text: &str, name: &str) -> bool {
    place(text, name).is_some()
}

/// Where a name stands in a text as a whole word.
pub fn place(text: &str, name: &str) -> Option<usize> {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let whole = |at: &usize| {
        let (before, after) = (text[..*at].chars().next_back(), text[at + name.len()..].chars().next());
        !before.is_some_and(|c| letter(c) || c == '.') && !after.is_some_and(letter)
    };
    text.match_indices(name).map(|(at, _)| at).find(whole)
}
