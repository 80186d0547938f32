//! The rules of the house: who may look at whom, where `unsafe` lives, how long a file may be, which words are left out.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the lowest to the highest; a room may use only rooms to its left.
const ROOMS: &[&str] = &[
    "ids",
    "target",
    "circles",
    "noise",
    "span",
    "diagnostic",
    "source",
    "size",
    "problem",
    "library",
    "check",
    "graph",
    "grad",
    "schedule",
    "kernel",
    "plan",
    "lower",
    "codegen",
    "runtime",
    "data",
    "compile",
    "emit",
    "train",
    "draw",
    "cli",
];
const LONGEST: usize = 600;

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 5, "no Rust files in {folder}");
    found
}

fn room(path: &Path) -> Option<usize> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let first = path.strip_prefix(src).ok()?.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs");
    ROOMS.iter().position(|room| *room == first)
}

#[test]
fn every_room_looks_down_only() {
    let mut wrong = Vec::new();
    for path in rust_files("src") {
        let Some(own) = room(&path) else { continue };
        for (n, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if ROOMS.iter().position(|room| *room == name).is_some_and(|used| used > own) {
                    wrong.push(format!("{}:{}: {} uses {name}", path.display(), n + 1, ROOMS[own]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_rooms_are_listed() {
    for path in rust_files("src") {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(room(&path).is_some() || ["lib.rs", "main.rs"].contains(&name), "{} is in no room", path.display());
    }
}

#[test]
fn unsafe_lives_in_three_files() {
    for path in rust_files("src") {
        let name = path.to_str().unwrap();
        let allowed = ["runtime/jit.rs", "runtime/arena.rs", "runtime/pool.rs"].iter().any(|end| name.ends_with(end));
        let text = fs::read_to_string(&path).unwrap();
        assert!(allowed || !text.contains("allow(unsafe_code"), "{name} allows unsafe code");
    }
}

#[test]
fn every_file_has_a_head_comment_and_a_bounded_length() {
    for path in rust_files("src").into_iter().chain(rust_files("tests")) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} has no head comment", path.display());
        assert!(text.lines().count() <= LONGEST, "{} has {} lines", path.display(), text.lines().count());
    }
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["TO", "DO"].concat();
    for path in rust_files("src") {
        let text = fs::read_to_string(&path).unwrap();
        for word in [words.as_str(), "unimplemented!", "todo!", "dbg!", "FIXME"] {
            assert!(!text.contains(word), "{} contains {word}", path.display());
        }
    }
}
