//! What the files of data sets say of themselves. The data room fills it; the checker holds nets against it.

use crate::diagnostic::Diagnostic;
use crate::ids::Symbol;
use indexmap::IndexMap;

/// Of all data sets of a file, by data set and split.
#[derive(Clone, Debug, Default)]
pub struct DataFacts {
    all: IndexMap<(Symbol, Symbol), Told>,
}

/// Of one split.
#[derive(Clone, Debug)]
pub enum Told {
    Known(SplitFacts),
    /// The file is not there.
    Absent(Symbol),
    /// The file is not what it should be.
    Broken(Box<Diagnostic>),
}

/// What is known of one split.
#[derive(Clone, Debug, Default)]
pub struct SplitFacts {
    pub examples: Option<u64>,
    /// In the order of the fields of `data`.
    pub fields: Vec<FieldFacts>,
}

/// What is known of one field.
#[derive(Clone, Debug, Default)]
pub struct FieldFacts {
    /// Of one example; compared without axes of size 1.
    pub shape: Option<Vec<usize>>,
    pub classes: Option<usize>,
    /// Names of the classes, or empty.
    pub names: Vec<String>,
}

impl DataFacts {
    /// What a split's files say.
    pub fn add(&mut self, dataset: &str, split: &str, facts: SplitFacts) {
        self.all.insert((dataset.into(), split.into()), Told::Known(facts));
    }

    /// A split's file is not there.
    pub fn absent(&mut self, dataset: &str, split: &str, path: &str) {
        self.all.insert((dataset.into(), split.into()), Told::Absent(path.into()));
    }

    /// A split's file is wrong.
    pub fn broken(&mut self, dataset: &str, split: &str, diagnostic: Diagnostic) {
        self.all.insert((dataset.into(), split.into()), Told::Broken(Box::new(diagnostic)));
    }

    /// What is known of a split.
    pub fn get(&self, dataset: &Symbol, split: &Symbol) -> Option<&Told> {
        self.all.get(&(dataset.clone(), split.clone()))
    }
}
