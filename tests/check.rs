//! Programs that a user could have written, and beside each what `check` prints of it.

use brolga::check::net::Checked;
use brolga::check::{self, DataFacts, Options};
use brolga::data::{Place, told};
use brolga::diagnostic::{Diagnostic, Format, render, summary};
use brolga::problem::fixes::apply;
use brolga::problem::{Problems, Seen};
use brolga::source::Sources;
use std::path::{Path, PathBuf};

/// All `.net` files below a folder, in order.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "net") {
            found.push(path);
        }
    }
}

fn cases() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check"), &mut found);
    found
}

/// A text as a file, checked.
fn front(name: &str, text: &str, options: &Options) -> (Checked, Problems) {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    check::check(sources, file, options)
}

/// What the data files of a checked file say of themselves; paths are relative to `tests/check`.
fn facts(checked: &Checked) -> DataFacts {
    let place = Place::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check/x.net"), None);
    told::all(checked, &place, 1)
}

/// What is found in a text, repairs tried.
pub fn findings(name: &str, text: &str) -> (Sources, Vec<Diagnostic>) {
    let mut options = Options::default();
    options.facts = facts(&front(name, text, &options).0);
    let (checked, problems) = front(name, text, &options);
    let mut recheck = |_, text: &str| {
        let (again, problems) = front(name, text, &options);
        let seen = |d: &Diagnostic| d.labels.first().map(|l| Seen { code: d.code, start: l.at.start, end: l.at.end });
        problems.diagnostics(&again.sources, &again.sizes).iter().filter_map(seen).collect()
    };
    let found = problems.with_fixes(&checked.sources, &checked.sizes, &mut recheck);
    (checked.sources, found)
}

/// What `check` prints.
fn printed(name: &str, text: &str) -> String {
    let (sources, found) = findings(name, text);
    let mut out = render(&sources, &found, Format::Full { color: false });
    let sum = summary(&found).unwrap_or_else(|| "nothing to say".to_string());
    out.push_str(&format!("{name}: {sum}\n"));
    out
}

#[test]
fn messages() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    for path in cases() {
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        settings.set_snapshot_path(path.parent().unwrap());
        settings.set_description(text.lines().next().unwrap_or_default().trim_start_matches("# "));
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name.clone(), printed(&name, &text)));
    }
}

/// An offered edit, applied, leaves this code at no place near.
#[test]
fn offered_edits_clear_their_finding() {
    for path in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, found) = findings("case.net", &text);
        for finding in &found {
            for help in finding.helps.iter().filter(|help| !help.edits.is_empty()) {
                let (_, after) = findings("case.net", &apply(&text, &help.edits));
                let count = |all: &[Diagnostic]| all.iter().filter(|d| d.code == finding.code).count();
                assert!(
                    count(&after) < count(&found),
                    "{}: {} does not clear {}",
                    path.display(),
                    help.text,
                    finding.code
                );
            }
        }
    }
}

/// Text that does not hold a program never ends the checker.
#[test]
fn every_prefix_of_every_case_is_told_of() {
    for path in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, _) in text.char_indices().step_by(7) {
            let (checked, problems) = front("case.net", &text[..at], &Options::default());
            problems.diagnostics(&checked.sources, &checked.sizes);
        }
    }
}

/// Slips of the pen: a line is missing, a number is another one, a sign is another one. Whatever it is, it is told.
#[test]
fn slips_never_end_the_checker() {
    let look = |text: &str| {
        let (checked, problems) = front("case.net", text, &Options::default());
        for found in problems.diagnostics(&checked.sources, &checked.sizes) {
            brolga::diagnostic::full::render(&checked.sources, &found, false);
        }
    };
    for path in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for skipped in 0..lines.len() {
            let rest: Vec<&str> = lines.iter().enumerate().filter(|(i, _)| *i != skipped).map(|(_, l)| *l).collect();
            look(&rest.join("\n"));
        }
        // Each third sign, and in turn what stands in its place: all of it took a hundred seconds once, and found nothing.
        let others = ["0", "9999999999", "-1", "T", "[", "+"];
        let signs = text.match_indices(|c: char| c.is_ascii_digit() || "+-*/@[](),=".contains(c));
        for (i, (at, found)) in signs.enumerate().filter(|(i, _)| i % 3 == 0) {
            look(&format!("{}{}{}", &text[..at], others[i / 3 % others.len()], &text[at + found.len()..]));
        }
    }
}
