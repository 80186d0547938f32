//! What lies between the stages, for small nets: `# emit: graph plan` in a file's first line says what its snapshot holds.

use super::worked::checked;
use brolga::compile::Job;
use brolga::emit::{self, Stage};
use brolga::target::Target;
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stages");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == "net"));
    found.sort();
    found
}

#[test]
fn each_stage_prints_as_its_snapshot() {
    for path in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        let wanted =
            text.lines().next().and_then(|line| line.strip_prefix("# emit:")).expect("a case names its stages");
        let wanted: Vec<Stage> = wanted
            .split_whitespace()
            .map(|word| Stage::ALL.iter().find(|(_, name)| *name == word).expect("a stage").0)
            .collect();
        let checked = checked(&text);
        let (job, batch) = match checked.trainings.first() {
            Some(training) => (Job::Train(&training.objectives[0]), training.batch),
            None => (Job::Forward(&checked.nets[0].evaluate), 4),
        };
        let shown = emit::stages(&checked, job, &batch.into(), Target::Clif, &wanted).unwrap();
        let all: Vec<String> = shown.iter().map(|(name, text)| format!("==== {name}\n{text}")).collect();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        insta::with_settings!({ snapshot_path => path.parent().unwrap(), prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, all.join("\n"));
        });
    }
}
