//! From a tree to a checked net: names, sizes, kinds, remarks, training.
//!
//! One pass in data-flow order unfolds each net (once in each mode), each objective, report and test into a flat list
//! of equations over named indices, with all sizes known. `eval` gives expressions values, `pipeline` and `call` apply
//! layers, `bind` gives a block's names their sizes, `equations` and `indices` define tensors element by element, `emit`
//! proves that every read stays in range, `finish` drops what nothing needs and gives the names.
//!
//! **Invariants**: no pass fails: what is wrong is pushed as a fact, and poison goes on; what is not there yet is refused
//! at its place, never guessed.

mod across;
mod bind;
mod bind_odd;
mod births;
mod call;
mod checker;
mod conditions;
mod cycles;
mod data;
mod emit;
mod equations;
mod eval;
mod facts;
mod finish;
mod flat;
mod forms;
mod host;
mod found;
mod indices;
mod initialisers;
mod intrinsics;
mod items;
mod lengths;
mod lengths_bound;
mod lints;
pub mod modules;
mod loops;
mod names;
pub mod net;
mod noise;
mod numbers;
mod objectives;
mod open;
mod optimiser;
mod params;
mod pipeline;
mod recur;
mod reports;
mod scope;
mod settings;
pub mod shapes;
mod starts;
pub mod stepwise;
mod symbolic;
mod tell;
mod terms;
mod testing;
mod training;
mod unbound;
mod unfold;
mod updates;
mod values;

pub use facts::{Counted, DataFacts, FieldFacts, Range, SplitFacts, align};
pub use forms::each_part;
pub use lengths_bound::{Unfit, bind};
pub use modules::Used;
pub use settings::loss_name;

use crate::ids::Symbol;
use crate::problem::Problems;
use crate::source::tree::Tree;
use crate::source::{SourceId, Sources, parse, parse_text};
use net::Checked;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What stands outside of the file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--set name=value`: constants by name, and the text of their value.
    pub sets: Vec<(Symbol, Symbol)>,
    pub facts: DataFacts,
    /// Files that the file uses, by their paths from its folder.
    pub files: BTreeMap<String, Used>,
}

impl Options {
    /// The same with another text of a file that is used.
    pub fn with_file(&self, shown: &str, text: &str) -> Options {
        let mut options = self.clone();
        for file in options.files.values_mut() {
            match file {
                Used::Text { shown: known, text: old } if **known == *shown => *old = text.into(),
                Used::Text { .. } | Used::Refused { .. } => {}
            }
        }
        options
    }
}

/// Checks one file of `sources`; the library's texts are added to them.
pub fn check(mut sources: Sources, file: SourceId, options: &Options) -> (Checked, Problems) {
    let (tree, findings) = parse(&sources, file);
    let base = sources.iter().count();
    for (path, text) in crate::library::FILES {
        sources.add_library(path, text);
    }
    let own = std::iter::once(&*sources.get(file).text).chain(options.files.values().filter_map(used_text));
    let needed = crate::library::needed(own);
    let parsed;
    let library = match cached(&sources, base, &needed) {
        Some(trees) => trees,
        None => {
            parsed = library_trees(base, &needed);
            &parsed
        }
    };
    let mut problems = Problems::default();
    findings.into_iter().for_each(|finding| problems.push_diagnostic(finding));
    let modules = modules::load(&mut sources, tree, options, &mut problems);
    let mut checked = items::check_items(&sources, &modules, library, options, &mut problems);
    checked.sources = sources;
    (checked, problems)
}

/// The library's trees for the place among the sources where it mostly stands: what the first file of a process needs,
/// which is mostly the only one; for others all, parsed once.
fn cached(sources: &Sources, base: usize, needed: &[String]) -> Option<&'static [Tree]> {
    static FIRST: OnceLock<(usize, Vec<String>, Vec<Tree>)> = OnceLock::new();
    static ALL: OnceLock<(usize, Vec<Tree>)> = OnceLock::new();
    let (known, texts, trees) = FIRST.get_or_init(|| (base, needed.to_vec(), library_trees(base, needed)));
    if *known == base && texts == needed {
        return Some(trees);
    }
    let texts = || (0..crate::library::FILES.len()).map(|i| &*sources.get(SourceId::new(base + i)).text);
    let (known, trees) = ALL.get_or_init(|| (base, library_trees(base, &texts().collect::<Vec<_>>())));
    (*known == base).then_some(trees)
}

/// The names that the language itself has in call position.
pub fn own_names() -> impl Iterator<Item = &'static str> {
    intrinsics::Intrinsic::NAMES.iter().map(|(name, _)| *name)
}

fn used_text(file: &Used) -> Option<&str> {
    match file {
        Used::Text { text, .. } => Some(text),
        Used::Refused { .. } => None,
    }
}

fn library_trees(base: usize, texts: &[impl AsRef<str>]) -> Vec<Tree> {
    let mut trees = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        let id = SourceId::new(base + i);
        // A text that defines nothing would be told so.
        if text.as_ref().is_empty() {
            trees.push(Tree::empty(id));
            continue;
        }
        let (tree, findings) = parse_text(id, text.as_ref());
        assert!(findings.is_empty(), "the library parses: {findings:?}");
        trees.push(tree);
    }
    trees
}
