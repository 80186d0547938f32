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
    /// The sizes that each symbol of the fields' shapes takes over all examples.
    pub symbols: Vec<(Symbol, Range)>,
}

/// What is known of one field.
#[derive(Clone, Debug, Default)]
pub struct FieldFacts {
    /// Of one example; compared by [`align`].
    pub shape: Option<Vec<Range>>,
    pub classes: Option<usize>,
    /// Names of the classes, or empty.
    pub names: Vec<String>,
    /// What the classes are.
    pub counted: Counted,
}

/// What the whole numbers of a field number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    #[default]
    Classes,
    /// Of a text.
    Characters,
}

impl Counted {
    /// `class`
    pub fn one(self) -> &'static str {
        match self {
            Counted::Classes => "class",
            Counted::Characters => "character",
        }
    }

    /// A name of one in a message: characters in quotes.
    pub fn shown(self, name: &str) -> String {
        match self {
            Counted::Classes => name.to_string(),
            Counted::Characters => format!("'{}'", name.escape_debug()),
        }
    }

    /// `classes`
    pub fn many(self) -> &'static str {
        match self {
            Counted::Classes => "classes",
            Counted::Characters => "characters",
        }
    }
}

/// The sizes that one axis takes over all examples; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub least: usize,
    pub most: usize,
}

impl Range {
    /// The same size in every example.
    pub fn one(size: usize) -> Range {
        Range { least: size, most: size }
    }

    /// The size, if it is the same in every example.
    pub fn size(self) -> Option<usize> {
        (self.least == self.most).then_some(self.least)
    }

    /// All sizes of both.
    pub fn with(self, other: Range) -> Range {
        Range { least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.size() {
            Some(size) => size.fmt(f),
            None => write!(f, "{} to {}", self.least, self.most),
        }
    }
}

/// For each declared axis (`None`: open) the axis of the data that it is, `None` where that is an axis of size 1 which
/// the data leaves out. No answer if the shapes differ. An 8x8 image is a `[1, 8, 8]`.
pub fn align(declared: &[Option<usize>], has: &[Range]) -> Option<Vec<Option<usize>>> {
    let fits = |(want, has): (&Option<usize>, &Range)| want.is_none_or(|n| has.size() == Some(n));
    if declared.len() == has.len() && declared.iter().zip(has).all(fits) {
        return Some((0..has.len()).map(Some).collect());
    }
    let mut rest = (0..has.len()).filter(|&axis| has[axis] != Range::one(1));
    let mut one = |want: &Option<usize>| {
        if *want == Some(1) {
            return Some(None);
        }
        rest.next().filter(|&axis| fits((want, &has[axis]))).map(Some)
    };
    let axes = declared.iter().map(&mut one).collect::<Option<Vec<_>>>()?;
    rest.next().is_none().then_some(axes)
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

    /// The names of what a field of a data set numbers, by the first split that knows them.
    pub fn names(&self, dataset: &Symbol, field: &Symbol, fields: &[super::net::Field]) -> Option<Vec<String>> {
        let place = fields.iter().position(|own| own.name == *field)?;
        let own = self.all.iter().filter(|((name, _), _)| name == dataset).map(|(_, told)| told);
        let names = |told: &Told| match told {
            Told::Known(facts) => facts.fields.get(place).map(|field| field.names.clone()),
            Told::Absent(_) | Told::Broken(_) => None,
        };
        own.filter_map(names).find(|names| !names.is_empty())
    }

    /// What is known of a split.
    pub fn get(&self, dataset: &Symbol, split: &Symbol) -> Option<&Told> {
        self.all.get(&(dataset.clone(), split.clone()))
    }
}
