//! The pages of the index: a wrong program has exactly its code, a right one nothing.

use crate::check::findings;
use brolga::diagnostic::full;
use brolga::problem::{INDEX, examples, explain_with};

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

#[test]
fn a_page_shows_todays_message() {
    let mut check = |text: &str| {
        let (sources, found) = findings("page.net", text);
        found.iter().map(|d| full::render(&sources, d, false)).collect()
    };
    insta::assert_snapshot!(explain_with("e0302", &mut check).unwrap());
}
