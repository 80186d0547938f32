//! See tests/main.rs.

use brolga::diagnostic::{Diagnostic, Label};
use brolga::source::tree::Tree;
use brolga::source::{Sources, add_bytes, parse};

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

/// What is found in a file, each with its lines underlined.
fn told(sources: &Sources, findings: &[Diagnostic]) -> String {
    let mut out = String::new();
    for finding in findings {
        out += &format!("{}: {}\n", finding.code, finding.headline);
        for label in &finding.labels {
            out += &underlined(sources, label);
        }
        for note in &finding.notes {
            out += &format!("  note: {note}\n");
        }
        for help in &finding.helps {
            out += &format!("  help: {}\n", help.text);
        }
    }
    out
}

/// One label under its line.
fn underlined(sources: &Sources, label: &Label) -> String {
    let (line, column) = sources.position(label.at);
    let shown = sources.get(label.at.source).text.lines().nth(line - 1).unwrap_or_default();
    let shown: String = shown.chars().take(100).map(|c| if c == '\t' { ' ' } else { c }).collect();
    let width = sources.text(label.at).chars().take(60).count().max(1);
    let marks = format!("{}{}", " ".repeat((column - 1).min(100)), "^".repeat(width));
    format!("{line:>4} | {shown}\n     | {marks} {}\n", label.text)
}

#[test]
fn slips() {
    insta::glob!("syntax/slips/*.net", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (sources, _, findings) = read("slip.net", &text);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path.parent().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_suffix("");
        settings.set_omit_expression(true);
        let name = path.file_name().unwrap().to_str().unwrap();
        settings.bind(|| insta::assert_snapshot!(name, told(&sources, &findings)));
    });
}

#[test]
fn pages_show_their_slip() {
    let pages = brolga::problem::INDEX.iter().filter(|row| row.code.starts_with("E01"));
    for row in pages {
        for example in brolga::problem::examples(row.page) {
            let (_, _, findings) = read("page.net", example.text);
            let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
            assert_eq!(codes, if example.fails { vec![row.code] } else { vec![] }, "{}", row.name);
        }
    }
}

#[test]
fn every_code_has_a_page() {
    insta::glob!("syntax/slips/*.net", |path| {
        let (_, _, findings) = read("slip.net", &std::fs::read_to_string(path).unwrap());
        for finding in findings {
            assert!(brolga::problem::find(finding.code).is_some(), "{}", finding.code);
        }
    });
}

#[test]
fn bytes_that_are_no_text() {
    for (bytes, headline, position) in [
        (&b"let a = 1\nlet \xff = 2\n"[..], "byte 14 (0xFF) is not UTF-8: this is no text", (2, 5)),
        (b"\xff\xfel\0e\0", "this file is UTF-16, not UTF-8", (1, 1)),
        (b"let a = 1 # \xc3", "byte 12 (0xC3) is not UTF-8: this is no text", (1, 13)),
    ] {
        let mut sources = Sources::default();
        let (_, finding) = add_bytes(&mut sources, "a.net", bytes);
        let finding = finding.unwrap();
        assert_eq!(finding.headline, headline);
        assert_eq!(sources.position(finding.labels[0].at), position);
    }
}
