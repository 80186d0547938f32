//! `brolga explain E0302`: the page of a code, with the message that its wrong program gives today.
//!
//! A page is Markdown. Its programs stand between fences; the one that shows the problem is marked `net fails`.

use super::find;

/// A program of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    pub text: &'static str,
    /// Whether it shows the problem; otherwise it checks.
    pub fails: bool,
}

/// The page, without running anything.
pub fn explain(code: &str) -> Option<String> {
    explain_with(code, &mut |_| String::new())
}

/// The page, with what `check` says of the wrong program below it. `check` takes a text and gives what is printed.
pub fn explain_with(code: &str, check: &mut dyn FnMut(&str) -> String) -> Option<String> {
    let row = find(code)?;
    let mut text = String::new();
    let mut program: Option<(bool, String)> = None;
    for line in row.page.lines() {
        match (&mut program, line.strip_prefix("```")) {
            (None, Some(kind)) => program = Some((kind.trim() == "net fails", String::new())),
            (None, None) => text.push_str(&format!("{line}\n")),
            (Some((_, body)), None) => {
                body.push_str(&format!("{line}\n"));
                text.push_str(if line.is_empty() { "\n" } else { "    " });
                text.push_str(if line.is_empty() { "" } else { line });
                text.push_str(if line.is_empty() { "" } else { "\n" });
            }
            (Some((fails, body)), Some(_)) => {
                let said = if *fails { check(body) } else { String::new() };
                if !said.is_empty() {
                    text.push_str(&format!("\n{said}"));
                }
                program = None;
            }
        }
    }
    Some(text)
}

/// The programs of a page, in order.
pub fn examples(page: &'static str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find("```net") {
        let after = &rest[start + "```net".len()..];
        let Some(line_end) = after.find('\n') else { break };
        let body = &after[line_end + 1..];
        let Some(end) = body.find("```") else { break };
        found.push(Example { text: &body[..end], fails: after[..line_end].trim() == "fails" });
        rest = &body[end + 3..];
    }
    found
}
