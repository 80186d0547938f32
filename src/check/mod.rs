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
use crate::source::{SourceId, Sources, parse};
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
    let parsed;
    let library = match cached(&sources, base) {
        Some(trees) => trees,
        None => {
            parsed = library_trees(&sources, base);
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

/// The library's trees, parsed once for the place among the sources where they mostly stand.
fn cached(sources: &Sources, base: usize) -> Option<&'static [Tree]> {
    static TREES: OnceLock<(usize, Vec<Tree>)> = OnceLock::new();
    let (known, trees) = TREES.get_or_init(|| (base, library_trees(sources, base)));
    (*known == base).then_some(trees)
}

fn library_trees(sources: &Sources, base: usize) -> Vec<Tree> {
    let one = |i: usize| {
        let (tree, findings) = parse(sources, SourceId::new(base + i));
        assert!(findings.is_empty(), "the library parses: {findings:?}");
        tree
    };
    (0..crate::library::FILES.len()).map(one).collect()
}
