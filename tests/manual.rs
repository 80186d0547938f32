//! The manual's programs check: `docs/language.md` says so.

use brolga::check::Options;
use brolga::compile;
use std::path::Path;

#[test]
fn every_program_of_the_manual_checks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language.md");
    let manual = std::fs::read_to_string(path).unwrap();
    let programs: Vec<&str> = manual.split("```net\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(programs.len() > 5, "the manual has lost its programs");
    for program in programs {
        let (checked, problems) = compile::front("manual.net", program, &Options::default());
        let told = problems.diagnostics(&checked.sources, &checked.sizes);
        let errors: Vec<String> =
            told.iter().filter(|d| d.is_error()).map(|d| format!("{}: {}", d.code, d.headline)).collect();
        assert!(errors.is_empty(), "{}\n\n{program}", errors.join("\n"));
    }
}
