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

/// What the language itself has in call position, beside the library's blocks.
pub const OWN: [(&str, &str); 24] = [
    ("exp", "exp(x), of each number"),
    ("log", "log(x): the natural logarithm of each number"),
    ("tanh", "tanh(x), of each number"),
    ("sigmoid", "sigmoid(x) = 1 / (1 + exp(-x)), of each number; gives probabilities"),
    ("erf", "erf(x): the error function of each number"),
    ("sqrt", "sqrt(x), of each number"),
    ("abs", "abs(x), of each number; the derivative at 0 is 0"),
    ("sin", "sin(x), of each number"),
    ("cos", "cos(x), of each number"),
    ("stop", "stop(x) = x, with the gradient 0"),
    ("sum", "sum(k: a[k] * b[k]) over an index, sum(k < 3: ...) over its first values, sum(x) over all of one example"),
    ("mean", "mean(i, j: x[i, j]) over indices, mean(x) over all of one example; `across=batch` takes all examples"),
    (
        "max",
        "max(k: x[k]) over an index, max(x) over all, max(a, b) of each pair; the first of equal ones gets the gradient",
    ),
    ("min", "min(k: x[k]) over an index, min(x) over all, min(a, b) of each pair"),
    ("prod", "prod(k: x[k]) over an index, prod(x) over all of one example"),
    ("argmax", "argmax(k: x[k]): the index of the first largest"),
    ("dot", "dot(a, b): the sum of products of two vectors"),
    ("concat", "concat(a, b, axis=0): tensors behind each other along an axis"),
    (
        "reshape",
        "reshape(x, 128, 7, 7): the same numbers in row-major order in another shape; reshape() for one number",
    ),
    ("zeros", "zeros(1, 4, 4): a tensor of zeros"),
    ("probability", "probability(x): the numbers are probabilities, which the file knows better than the checker"),
    ("params", "params(Net.layer): in a test, how many numbers are trained there"),
    ("first", "first(h): the value at the first step of a sequence"),
    ("last", "last(h): the value at the last step of each example's own length"),
];

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
        output::line("the language itself");
        OWN.iter().for_each(|(name, text)| output::line(&format!("  {name:<16} {text}")));
        return Ok(0);
    };
    let own = OWN.iter().find(|(own, _)| own == name);
    let Some(entry) = entries.iter().find(|entry| entry.name == *name) else {
        if let Some((_, text)) = own {
            output::line(text);
            output::line("It belongs to the language itself: no block of the library.");
            return Ok(0);
        }
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
