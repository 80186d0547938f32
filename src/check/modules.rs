//! `use "blocks.net": Residual, Stem`: nets, blocks and optimisers of other files.
//!
//! A path is relative to the file that has it. Each file is read once, with constants of its own; it gives what it
//! defines itself, and what its own blocks use they find where it looks for them. The texts come with the options: the
//! checker reads no files.

use super::Options;
use crate::diagnostic::{Diagnostic, Label};
use crate::ids::Symbol;
use crate::problem::{Problems, UseCycle};
use crate::source::tree::{ItemKind, Text, Tree};
use crate::source::{Sources, parse};

/// A file that another one uses.
#[derive(Clone, Debug)]
pub enum Used {
    /// How messages name it, and what it says.
    Text { shown: Symbol, text: Symbol },
    /// The code and the words of why there is none.
    Refused { code: &'static str, why: String, help: Option<String> },
}

/// A file and where what it uses stands among the others.
pub struct Module {
    pub tree: Tree,
    /// For each `use`, in order; none where the file was refused, which is told.
    pub uses: Vec<Option<usize>>,
    /// Its path from the first file's folder.
    key: String,
}

/// The first file, whose tree is there, and all files that are used from it on.
pub fn load(sources: &mut Sources, tree: Tree, options: &Options, problems: &mut Problems) -> Vec<Module> {
    let mut modules = vec![Module { tree, uses: Vec::new(), key: String::new() }];
    let mut open = vec![0];
    visit(sources, &mut modules, 0, &mut open, options, problems);
    modules
}

fn visit(
    sources: &mut Sources,
    modules: &mut Vec<Module>,
    at: usize,
    open: &mut Vec<usize>,
    options: &Options,
    problems: &mut Problems,
) {
    for (key, path) in wanted(&modules[at].key, &modules[at].tree) {
        let known = modules.iter().skip(1).position(|module| module.key == key).map(|i| i + 1);
        let place = match known {
            Some(again) if open.contains(&again) => {
                problems.push(UseCycle { at: path.at, path: path.value.clone() });
                None
            }
            Some(known) => Some(known),
            None => match options.files.get(&*key) {
                Some(Used::Text { shown, text }) => {
                    let source = sources.add(shown, text);
                    let (tree, findings) = parse(sources, source);
                    findings.into_iter().for_each(|finding| problems.push_diagnostic(finding));
                    modules.push(Module { tree, uses: Vec::new(), key });
                    let new = modules.len() - 1;
                    open.push(new);
                    visit(sources, modules, new, open, options, problems);
                    open.pop();
                    Some(new)
                }
                Some(Used::Refused { code, why, help }) => refused(code, why.clone(), help.as_deref(), &path, problems),
                None => refused("E0701", format!("{} is not there", path.value), None, &path, problems),
            },
        };
        modules[at].uses.push(place);
    }
}

fn refused(
    code: &'static str,
    headline: String,
    help: Option<&str>,
    path: &Text,
    problems: &mut Problems,
) -> Option<usize> {
    let labels = vec![Label { at: path.at, text: "used here".to_string() }];
    let helps = help.iter().map(|text| crate::diagnostic::Help { text: text.to_string(), edits: vec![] }).collect();
    problems.push_diagnostic(Diagnostic { code, headline, labels, notes: Vec::new(), helps });
    None
}

/// The files that a file uses: their paths from the first file's folder, and as written. `key` is the file's own path.
pub fn wanted(key: &str, tree: &Tree) -> Vec<(String, Text)> {
    let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
    let uses = tree.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Use { path, .. } => Some((joined(folder, &path.value), path.clone())),
        ItemKind::Let { .. } | ItemKind::Network(_) | ItemKind::Data { .. } => None,
        ItemKind::Train { .. } | ItemKind::Test { .. } => None,
    });
    uses.collect()
}

/// `nets` and `../blocks.net` give `blocks.net`. What leads out of the first folder keeps its `..`.
fn joined(folder: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_string();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
