//! The index and the words by themselves.

use super::{INDEX, examples, words};

#[test]
fn codes_ascend_and_pages_have_their_programs() {
    assert!(INDEX.windows(2).all(|pair| key(pair[0].code) < key(pair[1].code)));
    for row in INDEX {
        assert!(row.page.starts_with(&format!("# {}: ", row.code)), "{}: the page begins with its code", row.code);
        // What is wrong with a file outside of the program cannot be shown by a program.
        if row.code.starts_with("E07") || row.code == "E0214" {
            continue;
        }
        let programs = examples(row.page);
        assert!(programs.iter().any(|p| p.fails) && programs.iter().any(|p| !p.fails), "{}: two programs", row.code);
    }
}

/// Errors before lints, as they stand in the index.
fn key(code: &str) -> (bool, &str) {
    (code.starts_with('W'), code)
}

#[test]
fn near_names_are_found() {
    let names = ["conv", "conv1d", "dense", "softmax", "x"];
    assert_eq!(words::nearest("sotfmax", names), Some("softmax"));
    assert_eq!(words::nearest("Dense", names), Some("dense"));
    assert_eq!(words::nearest("y", names), None);
    assert_eq!(words::nearest("attention", names), None);
}
