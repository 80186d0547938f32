//! The pages of the index: a wrong program has exactly its code, a right one nothing.

use crate::check::findings;
use brolga::diagnostic::full;
use brolga::problem::{INDEX, examples, explain_with};
use std::path::Path;

#[test]
fn programs_of_pages() {
    let mut wrong = Vec::new();
    for row in INDEX {
        for program in examples(row.page) {
            let (_, found) = findings("page.net", program.text);
            let codes: Vec<&str> = found.iter().map(|d| d.code).collect();
            let right = match program.fails {
                true => codes == [row.code],
                false => codes.is_empty(),
            };
            if !right {
                let told: Vec<&String> = found.iter().map(|d| &d.headline).collect();
                wrong.push(format!(
                    "{} ({}): {codes:?} {told:?}",
                    row.code,
                    if program.fails { "wrong" } else { "right" }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What `brolga explain CODE` prints stands beside each page.
#[test]
fn printed_pages() {
    let mut check = |text: &str| {
        let (sources, found) = findings("page.net", text);
        found.iter().map(|d| full::render(&sources, d, false)).collect()
    };
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for row in INDEX {
        settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/problem").join(row.group));
        let printed = explain_with(&row.code.to_lowercase(), &mut check).unwrap();
        settings.bind(|| insta::assert_snapshot!(format!("{}.md", row.name), printed));
    }
}
