//! See tests/main.rs.

use brolga::diagnostic::Diagnostic;
use brolga::source::tree::Tree;
use brolga::source::{Sources, parse};

/// Reads a text as a file of its own.
fn read(path: &str, text: &str) -> (Sources, Tree, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let id = sources.add(path, text);
    let (tree, findings) = parse(&sources, id);
    (sources, tree, findings)
}

/// The programs that are right.
fn programs() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/syntax/programs");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn programs_parse() {
    for (path, text) in programs() {
        let (sources, tree, findings) = read(&path, &text);
        for finding in &findings {
            eprintln!("{path}:{:?} {}", sources.position(finding.labels[0].at), finding.headline);
        }
        assert!(findings.is_empty(), "{path}");
        assert!(!tree.items.is_empty(), "{path}");
    }
}

#[test]
fn library_parses() {
    for (path, text) in brolga::library::FILES {
        let (sources, tree, findings) = read(path, text);
        for finding in &findings {
            eprintln!("{path}:{:?} {}", sources.position(finding.labels[0].at), finding.headline);
        }
        assert!(findings.is_empty(), "{path}");
        assert!(tree.items.iter().all(|item| !item.doc.is_empty()), "{path}: a block without a comment");
    }
}
