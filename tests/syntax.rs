//! See tests/main.rs.

use brolga::diagnostic::{Diagnostic, Label};
use brolga::source::fmt::print;
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

/// The words, numbers, marks and comments of a file, without blanks and `;`.
fn pieces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ';' | '\u{feff}')).collect()
}

#[test]
fn programs_print_back() {
    let library = brolga::library::FILES.map(|(path, text)| (path.to_string(), text.to_string()));
    for (path, text) in programs().into_iter().chain(library) {
        let (sources, tree, _) = read(&path, &text);
        let printed = print(&sources, &tree);
        assert_eq!(pieces(&printed), pieces(&text), "{path}");
        let (again, tree, findings) = read(&path, &printed);
        assert!(findings.is_empty(), "{path}");
        assert_eq!(print(&again, &tree), printed, "{path}: a second printing changes it");
    }
}

#[test]
fn untidy_programs_are_tidied() {
    let text = "\n\n# a\n  let a=3\n   let b  = [1,2 , 3]\n\n\n\tnet A( x: [3] )->y:[3]{ x->relu;  y = x }\r\nnet B(x: [3]) -> [3]\n{\n\n    # why\n    x -> relu   # so\n      -> tanh\n    # below\n      -> relu }\ntest \"t\" {a==3}";
    let (sources, tree, findings) = read("untidy.net", text);
    assert!(findings.is_empty());
    insta::assert_snapshot!(print(&sources, &tree));
}

/// Random numbers that are the same in every run (xorshift64).
struct Random(u64);

impl Random {
    /// Below `n`, which is not 0.
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// Whether every span of a finding lies in the file on character boundaries.
fn spans_are_sound(sources: &Sources, findings: &[Diagnostic]) -> bool {
    findings.iter().flat_map(|finding| &finding.labels).all(|label| {
        let text = &sources.get(label.at.source).text;
        let (start, end) = (label.at.start as usize, label.at.end as usize);
        start <= end && text.is_char_boundary(start) && text.is_char_boundary(end)
    })
}

#[test]
fn mutated_programs_are_told_little() {
    const PIECES: [&str; 24] = [
        "(", ")", "[", "]", "{", "}", "->", "→", "=", "==", ",", ":", ";", "\"", "#", "\n", "x3", "3x3", "in", "param",
        "σ", "*", " ", "1.",
    ];
    let programs = programs();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut mutations, mut told) = (0, 0);
    for round in 0..1500 {
        let mut text = programs[round % programs.len()].1.clone();
        for _ in 0..1 + random.below(3) {
            let mut at = random.below(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
            match random.below(3) {
                0 => text.replace_range(at..end, ""),
                1 => text.insert_str(at, PIECES[random.below(PIECES.len())]),
                _ => text.replace_range(at..end, PIECES[random.below(PIECES.len())]),
            }
            mutations += 1;
        }
        let (sources, tree, findings) = read("mutant.net", &text);
        assert!(spans_are_sound(&sources, &findings), "{text}");
        told += findings.len();
        if findings.is_empty() {
            let printed = print(&sources, &tree);
            assert_eq!(pieces(&printed), pieces(&text));
            assert!(read("again.net", &printed).2.is_empty(), "{text}\n{printed}");
        }
    }
    assert!(told <= 3 * mutations / 2, "{told} findings for {mutations} mutations");
}

#[test]
fn soups_of_tokens_are_read() {
    const PIECES: [&str; 40] = [
        "net",
        "block",
        "data",
        "train",
        "test",
        "use",
        "let",
        "optimiser",
        "param",
        "state",
        "update",
        "noise",
        "require",
        "minimise",
        "report",
        "show",
        "if",
        "then",
        "else",
        "each",
        "in",
        "as",
        "over",
        "using",
        "every",
        "x",
        "3x3",
        "1.5",
        "\"t\"",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "->",
        "=",
        ":",
        ",",
        "\n",
    ];
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    for _ in 0..1500 {
        let words: Vec<&str> = (0..random.below(60)).map(|_| PIECES[random.below(PIECES.len())]).collect();
        let text = words.join(if random.below(4) == 0 { "" } else { " " });
        let (sources, _, findings) = read("soup.net", &text);
        assert!(spans_are_sound(&sources, &findings), "{text}");
    }
}

/// Files of one piece over and over.
fn large_files(bytes: usize) -> Vec<(&'static str, String)> {
    let times = |piece: &str| piece.repeat(bytes / piece.len());
    let body = |inside: String| format!("net A(x: [3]) -> [3] {{\n{inside}\n}}\n");
    vec![
        ("round brackets", times("(")),
        ("closing brackets", times(")")),
        ("braces", times("{")),
        ("closing braces", times("}")),
        ("line ends", times("\n")),
        ("one comment", format!("# {}", times("a "))),
        ("comments", body(times("# a\n"))),
        ("quotes", times("\"")),
        ("bad statements", body(times("a b\n"))),
        ("one bad statement", body(times("a b "))),
        ("bad items", times("a b\n")),
        ("heads", times("net A(x: [3]) -> [3] {\n")),
        ("one head", format!("net A({}", times("x: [3], "))),
        ("stages", body(format!("x {}", times("-> f ")))),
        ("operators", body(format!("x {}", times("+ f ")))),
        ("subscripts", body(format!("x{}", times("[1]")))),
        ("cases", body(format!("{} 1", times("if a then b else ")))),
        ("definitions", body(times("y = a * b + f(c, 3x3) -> g : [3]\n"))),
        ("look-alikes", body(times("a − b\n"))),
        ("foreign words", body(times("σ = ö\n"))),
        ("tails", times("let a = 3 4\n")),
        ("indices", body(format!("y = sum({}1)", times("k < 3, ")))),
        ("minus signs", body(times("- "))),
        ("one word", times("a")),
        ("one number", format!("let a = {}", times("1"))),
    ]
}

#[test]
fn large_files_take_linear_time() {
    for (what, text) in large_files(100_000) {
        let start = std::time::Instant::now();
        let (sources, _, findings) = read("large.net", &text);
        let time = start.elapsed();
        assert!(findings.len() <= 50, "{what}");
        assert!(spans_are_sound(&sources, &findings), "{what}");
        // Quadratic time would take minutes; the limit is far from what a busy machine takes.
        assert!(time.as_secs_f32() < 30.0, "{what}: {time:?}");
    }
}

#[test]
fn too_large_files_are_refused() {
    let (_, tree, findings) = read("large.net", &"let a = 3\n".repeat(500_000));
    assert!(tree.items.is_empty());
    assert_eq!(findings[0].headline, "this file has 5000000 bytes; the most that is read is 4194304");
}

#[test]
fn nesting_is_bounded_and_fits_the_stack() {
    let shapes = [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("f(a=", ")"),
        ("-(", ")"),
        ("(x -> ", ")"),
        ("a[", "]"),
        ("(if a then b else ", ")"),
    ];
    for (open, close) in shapes {
        let nested = |depth| format!("let a = {}1{}\n", open.repeat(depth), close.repeat(depth));
        let (sources, tree, findings) = read("deep.net", &nested(64));
        let expected = if open == "(x -> " { 1 } else { 0 };
        assert_eq!(findings.len(), expected, "{open}: {findings:?}");
        print(&sources, &tree);
        drop(tree);
        let (_, _, findings) = read("deep.net", &nested(65));
        assert_eq!(findings[0].headline, "brackets nest more than 64 deep", "{open}");
    }
}

#[test]
fn operators_and_brackets_together_are_bounded() {
    let inner = format!("1{}", "+1".repeat(400));
    let (_, _, findings) = read("deep.net", &format!("let a = ({inner}){}\n", "+1".repeat(99)));
    assert!(findings.is_empty());
    let (_, _, findings) = read("deep.net", &format!("let a = ({inner}){}\n", "+1".repeat(101)));
    assert_eq!(findings[0].code, "E0126");
}

/// The rules that a rule mentions where no bracket has been passed yet.
fn reached_without_bracket(grammar: &str) -> std::collections::BTreeMap<String, Vec<String>> {
    let mut rules = std::collections::BTreeMap::new();
    for line in grammar.replace("\n             |", " |").lines().filter(|line| !line.starts_with("//")) {
        for part in line.split("           ").filter(|part| part.contains(" = ")) {
            let (name, body) = part.split_once(" = ").unwrap();
            rules.insert(name.trim().to_string(), reached(body));
        }
    }
    rules
}

/// The names in a rule's body that do not stand between `"("` and `")"` or `"["` and `"]"`.
fn reached(body: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = Vec::new();
    for word in body.split_whitespace() {
        depth += ["\"(\"", "\"[\"", "\"{\""].iter().filter(|open| word.contains(**open)).count();
        if depth == 0 && !word.contains('"') {
            names.push(word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_').to_string());
        }
        depth -= ["\")\"", "\"]\"", "\"}\""].iter().filter(|close| word.contains(**close)).count().min(depth);
    }
    names
}

#[test]
fn every_cycle_of_rules_passes_a_bracket() {
    let rules = reached_without_bracket(include_str!("../grammar/net.pest"));
    assert!(rules.len() > 80 && rules.contains_key("pipeline") && rules.contains_key("group"));
    for start in rules.keys() {
        let mut seen = std::collections::BTreeSet::new();
        let mut open: Vec<&String> = rules[start].iter().collect();
        while let Some(rule) = open.pop() {
            assert_ne!(rule, start, "a cycle without a bracket");
            if rules.contains_key(rule) && seen.insert(rule) {
                open.extend(&rules[rule]);
            }
        }
    }
}

#[test]
fn the_manual_parses() {
    let manual = include_str!("../docs/language.md");
    let programs = manual.split("```net\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    for program in programs {
        let (_, _, findings) = read("manual.net", program);
        assert!(findings.is_empty(), "{program}\n{findings:?}");
    }
}
