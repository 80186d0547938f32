//! See tests/main.rs.

use brolga::check::net::Checked;
use brolga::check::{self, Options};
use brolga::diagnostic::full;
use brolga::source::Sources;
use std::path::Path;

/// Checks a text: what came out, and what was told.
fn checked(path: &str, text: &str) -> (Checked, String) {
    let mut sources = Sources::default();
    let file = sources.add(path, text);
    let (checked, problems) = check::check(sources, file, &Options::default());
    let told = problems.diagnostics(&checked.sources, &checked.sizes);
    let told = told.iter().map(|d| full::render(&checked.sources, d, false)).collect();
    (checked, told)
}

fn example(name: &str) -> Checked {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let (checked, told) = checked(name, &std::fs::read_to_string(path).unwrap());
    assert!(!told.contains("error["), "{told}");
    checked
}

#[test]
fn the_examples_check() {
    for name in ["digits", "lenet", "recitation", "resnet18", "cs231n", "dance", "fashion"] {
        example(&format!("{name}.net"));
    }
}
