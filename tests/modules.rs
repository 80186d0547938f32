//! `use`: networks of other files, with constants of their own, and how far paths may lead.

use brolga::check::net::Checked;
use brolga::check::{self, Options, Used};
use brolga::problem::Problems;
use brolga::source::Sources;
use std::process::Command;

fn front(text: &str, files: &[(&str, &str)]) -> (Checked, Problems) {
    let mut sources = Sources::default();
    let file = sources.add("main.net", text);
    let used = |text: &str, path: &str| Used::Text { shown: path.into(), text: text.into() };
    let files = files.iter().map(|(path, text)| (path.to_string(), used(text, path))).collect();
    check::check(sources, file, &Options { files, ..Options::default() })
}

fn codes(text: &str, files: &[(&str, &str)]) -> Vec<String> {
    let (checked, problems) = front(text, files);
    let told = problems.diagnostics(&checked.sources, &checked.sizes);
    told.iter().map(|d| format!("{} {}", d.code, d.headline)).collect()
}

const WIDE: &str = "use \"parts/base.net\": Base\nlet width = 5\nblock Wide(x: [n]) -> [width] { x -> Base(width) }
block Hidden(x: [n]) -> [n] { x }";
const BASE: &str =
    "let width = 7\nblock Base(x: [n], out) -> [out] { param w: [out, n]\nparam b: [width]\nw @ x + b[0] }";

/// A block finds what its own file defines and uses; each file's constants are its own.
#[test]
fn files_keep_their_own_names() {
    let text = "use \"wide.net\": Wide\nlet width = 3\nnet Small(x: [width]) -> y: [5] { x -> Wide }";
    let files = [("wide.net", WIDE), ("parts/base.net", BASE)];
    let (checked, problems) = front(text, &files);
    assert!(!problems.has_errors(), "{:?}", codes(text, &files));
    let shape = |path: &str| {
        let (_, param) = checked.params.iter().find(|(_, p)| *p.path == *path).unwrap();
        param.shape.iter().map(|n| checked.sizes.number(*n).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(shape("Small.Wide.Base.w"), [5, 3]);
    assert_eq!(shape("Small.Wide.Base.b"), [7]);
}

#[test]
fn what_is_wrong_with_a_use_is_told() {
    let net = "net Small(x: [4]) -> y: [4] { x }";
    let one = |head: &str, files: &[(&str, &str)]| codes(&format!("{head}\n{net}"), files).join("; ");
    let unknown = one("use \"wide.net\": Wider", &[("wide.net", WIDE), ("parts/base.net", BASE)]);
    assert!(unknown.starts_with("E0201"), "{unknown}");
    // What another file uses is not its own to give.
    let passed = one("use \"wide.net\": Base", &[("wide.net", WIDE), ("parts/base.net", BASE)]);
    assert!(passed.starts_with("E0201"), "{passed}");
    assert_eq!(one("use \"nowhere.net\": A", &[]), "E0701 nowhere.net is not there");
    let a = "use \"b.net\": B\nblock A(x: [n]) -> [n] { x }";
    let b = "use \"a.net\": A\nblock B(x: [n]) -> [n] { x }";
    assert_eq!(one("use \"a.net\": A", &[("a.net", a), ("b.net", b)]), "E0214 a.net is used from itself");
    let twice = one("use \"a.net\": Small", &[("a.net", "block Small(x: [n]) -> [n] { x }")]);
    assert!(twice.starts_with("E0205"), "{twice}");
    let broken = one("use \"a.net\": A", &[("a.net", "block A(x: [n]) -> [n] { y }")]);
    assert_eq!(broken, "", "what nobody applies is not looked at: {broken}");
    let slip = one("use \"a.net\": A", &[("a.net", "block A(x: [n] -> [n] { x }")]);
    assert!(slip.contains("E01"), "{slip}");
}

/// No path leaves the folder of the file on the command line, unless the command line allows it.
#[test]
fn paths_stay_inside() {
    let folder = tempfile::tempdir().unwrap();
    let (project, beside) = (folder.path().join("project"), folder.path().join("beside"));
    std::fs::create_dir(&project).unwrap();
    std::fs::create_dir(&beside).unwrap();
    std::fs::write(beside.join("b.net"), "block B(x: [n]) -> [n] { x }").unwrap();
    let main = project.join("main.net");
    let check = |text: &str, more: &[&str]| {
        std::fs::write(&main, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_brolga"));
        let said = command.arg("check").arg(&main).args(more).args(["--format", "short"]).output().unwrap();
        (said.status.code(), String::from_utf8_lossy(&said.stdout).into_owned())
    };
    let text = "use \"../beside/b.net\": B\nnet Small(x: [4]) -> y: [4] { x -> B }";
    let (code, said) = check(text, &[]);
    assert!(code == Some(1) && said.contains("E0703"), "{said}");
    assert_eq!(check(text, &["--use", &beside.display().to_string()]).0, Some(0));
    std::os::unix::fs::symlink(beside.join("b.net"), project.join("link.net")).unwrap();
    let (code, said) = check("use \"link.net\": B\nnet Small(x: [4]) -> y: [4] { x -> B }", &[]);
    assert!(code == Some(1) && said.contains("E0703"), "{said}");
}
