//! The layers, as text: no Rust code knows one by name.
//!
//! Each block is documented by the comment above it; `brolga doc conv` prints both. A block may have the name of a
//! scalar function (`tanh`): inside the library such a name in call position is the function.

use std::collections::HashSet;

/// The library's files: the path under which messages show each, and its text.
pub const FILES: [(&str, &str); 11] = [
    ("library/activations.net", include_str!("activations.net")),
    ("library/layers.net", include_str!("layers.net")),
    ("library/images.net", include_str!("images.net")),
    ("library/signals.net", include_str!("signals.net")),
    ("library/norms.net", include_str!("norms.net")),
    ("library/attention.net", include_str!("attention.net")),
    ("library/recurrent.net", include_str!("recurrent.net")),
    ("library/losses.net", include_str!("losses.net")),
    ("library/metrics.net", include_str!("metrics.net")),
    ("library/optimisers.net", include_str!("optimisers.net")),
    ("library/schedules.net", include_str!("schedules.net")),
];

/// An item of a library file: its name, whether it is an optimiser, and its bytes.
struct Item {
    name: &'static str,
    optimiser: bool,
    bytes: std::ops::Range<usize>,
}

/// The items of a file. Each begins with its word at the start of a line and ends with the first `}` that stands at the
/// start of a line, or at the end of the item's only line.
fn items(text: &'static str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let (mut at, mut open) = (0, false);
    for line in text.split_inclusive('\n') {
        let head = line.strip_prefix("block ").map(|rest| (rest, false));
        let head = head.or(line.strip_prefix("optimiser ").map(|rest| (rest, true)));
        if let Some((rest, optimiser)) = head {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            items.push(Item { name: &rest[..end], optimiser, bytes: at..at });
            open = true;
        }
        at += line.len();
        if open && (line.starts_with('}') || head.is_some() && line.trim_end().ends_with('}')) {
            items.last_mut().expect("one is open").bytes.end = at;
            open = false;
        }
    }
    items
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The names of all blocks, or of all optimisers.
pub fn names(optimisers: bool) -> impl Iterator<Item = &'static str> {
    let all = FILES.iter().flat_map(|(_, text)| items(text));
    all.filter(move |item| item.optimiser == optimisers).map(|item| item.name)
}

/// The files' texts with blanks in place of every item that the given texts do not name, nor an item that they need:
/// most of what a short process does is to parse. Places stay what they are; a file of which nothing is needed is empty.
pub fn needed<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let files: Vec<Vec<Item>> = FILES.iter().map(|(_, text)| items(text)).collect();
    let mut wanted: HashSet<&str> = HashSet::new();
    let mut unread: Vec<&str> = texts.collect();
    let mut blank: Vec<(usize, &Item)> =
        files.iter().enumerate().flat_map(|(f, all)| all.iter().map(move |i| (f, i))).collect();
    while let Some(text) = unread.pop() {
        wanted.extend(text.split(|c: char| !is_word(c)));
        if unread.is_empty() {
            let named = |(_, item): &(usize, &Item)| wanted.contains(item.name);
            let (found, rest): (Vec<_>, Vec<_>) = blank.into_iter().partition(named);
            unread.extend(found.into_iter().map(|(file, item)| &FILES[file].1[item.bytes.clone()]));
            blank = rest;
        }
    }
    let mut texts: Vec<Vec<u8>> = FILES.iter().map(|(_, text)| text.as_bytes().to_vec()).collect();
    let mut left: Vec<usize> = files.iter().map(Vec::len).collect();
    for (file, item) in blank {
        left[file] -= 1;
        texts[file][item.bytes.clone()].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    texts.iter_mut().zip(left).filter(|(_, left)| *left == 0).for_each(|(text, _)| text.clear());
    texts.into_iter().map(|bytes| String::from_utf8(bytes).expect("blanks for whole items")).collect()
}
