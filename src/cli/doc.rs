//! `brolga doc conv`: what a block of the library does, and its text.

use super::common::{Failure, Outcome};
use super::output;
use crate::library;
use crate::source::tree::ItemKind;
use crate::source::{Sources, parse};

#[derive(clap::Args)]
pub struct Args {
    /// A block or optimiser; all are listed if none is given
    name: Option<String>,
}

/// A block of the library.
struct Entry {
    name: String,
    doc: String,
    text: String,
    file: &'static str,
}

pub fn run(args: &Args) -> Outcome {
    let entries = entries();
    let Some(name) = &args.name else {
        for (path, _) in library::FILES {
            output::line(path);
            for entry in entries.iter().filter(|entry| entry.file == path) {
                output::line(&format!("  {:<16} {}", entry.name, entry.doc.lines().next().unwrap_or("")));
            }
        }
        return Ok(0);
    };
    let Some(entry) = entries.iter().find(|entry| entry.name == *name) else {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        return Err(Failure::usage(format!("the library has no `{name}`; it has {}", names.join(", "))));
    };
    output::line(entry.doc.trim_end());
    output::line("");
    output::line(entry.text.trim_end());
    Ok(0)
}

fn entries() -> Vec<Entry> {
    let mut sources = Sources::default();
    let mut found = Vec::new();
    for (path, text) in library::FILES {
        let id = sources.add(path, text);
        let (tree, _) = parse(&sources, id);
        for item in &tree.items {
            let ItemKind::Network(network) = &item.kind else { continue };
            found.push(Entry {
                name: network.name.text.to_string(),
                doc: item.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n"),
                text: sources.text(item.at).to_string(),
                file: path,
            });
        }
    }
    found
}
