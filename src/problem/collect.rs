//! Collects problems. Passes never fail: they push facts here and go on with poison.
//!
//! **Invariants**: what comes out is sorted by place, has each code once at a place, and at most [`MOST`] findings.

use super::fixes::{self, Recheck};
use super::{Problem, Report};
use crate::diagnostic::{Diagnostic, Help};
use crate::ids::Symbol;
use crate::size::{Explainer, SizeId, Sizes};
use crate::source::{Sources, Span};
use std::collections::{BTreeMap, BTreeSet};

/// More findings than this help nobody.
pub const MOST: usize = 50;

/// A use of a block, on the way to a problem's place.
#[derive(Clone, Debug)]
pub struct InUse {
    pub block: Symbol,
    /// The block's head; none for a block of the library, whose text is not shown.
    pub definition: Option<Span>,
    /// Its whole text, if it is shown.
    pub inside: Option<Span>,
    pub call: Span,
    /// What its names are in this use, in order of its inputs.
    pub bound: Vec<(Symbol, Given)>,
}

/// A value that a block was given.
#[derive(Clone, Debug)]
pub enum Given {
    Size(SizeId),
    /// As it is to be shown: `3x3`, `false`.
    Text(String),
}

/// All problems of one run.
#[derive(Default)]
pub struct Problems {
    found: Vec<Entry>,
    /// The uses that are being unfolded, outermost first, each with the number of problems before it.
    open: Vec<(InUse, usize)>,
    /// Calls that were unfolded without a problem, by the definition of their block.
    fine: BTreeMap<Span, BTreeSet<Span>>,
}

struct Entry {
    fact: Fact,
    uses: Vec<InUse>,
}

enum Fact {
    Problem(Box<dyn Problem>),
    Diagnostic(Box<Diagnostic>),
}

impl Problems {
    /// Adds what was found.
    pub fn push(&mut self, problem: impl Problem + 'static) {
        self.add(Fact::Problem(Box::new(problem)));
    }

    /// Adds a finding that is a diagnostic already, as the parser's are.
    pub fn push_diagnostic(&mut self, diagnostic: Diagnostic) {
        self.add(Fact::Diagnostic(Box::new(diagnostic)));
    }

    fn add(&mut self, fact: Fact) {
        let uses = self.open.iter().map(|(used, _)| used.clone()).collect();
        self.found.push(Entry { fact, uses });
    }

    /// From here on problems lie in this use of a block, until [`Problems::leave`].
    pub fn enter(&mut self, used: InUse) {
        self.open.push((used, self.found.len()));
    }

    /// The end of a use.
    pub fn leave(&mut self) {
        let (used, before) = self.open.pop().expect("each use that is left was entered");
        if let (true, Some(definition)) = (self.found.len() == before, used.definition) {
            self.fine_use(definition, used.call);
        }
    }

    /// A use of the user's block with this head; those in which nothing is wrong are told beside one that fails.
    pub fn fine_use(&mut self, definition: Span, call: Span) {
        self.fine.entry(definition).or_default().insert(call);
    }

    /// How many there are, doubled ones counted: a mark for [`Problems::split_off`].
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|entry| entry.code().starts_with('E'))
    }

    /// The codes, in order, each once.
    pub fn codes(&self) -> Vec<Symbol> {
        let codes: BTreeSet<&str> = self.found.iter().map(Entry::code).collect();
        codes.into_iter().map(Symbol::from).collect()
    }

    /// Takes away what came since the mark: the problems of a test that shall fail are its own.
    pub fn split_off(&mut self, mark: usize) -> Problems {
        Problems { found: self.found.split_off(mark), ..Problems::default() }
    }

    /// What to tell: sorted by place, each once. No edits are tried.
    pub fn diagnostics(&self, sources: &Sources, sizes: &Sizes) -> Vec<Diagnostic> {
        self.told(sources, sizes).into_iter().map(|(diagnostic, _)| diagnostic).collect()
    }

    /// As [`Problems::diagnostics`], with the edits that were tried and helped.
    pub fn with_fixes(&self, sources: &Sources, sizes: &Sizes, recheck: &mut Recheck) -> Vec<Diagnostic> {
        let told = self.told(sources, sizes);
        let tried = told.into_iter().map(|(diagnostic, helps)| fixes::try_fixes(diagnostic, helps, sources, recheck));
        let tried = tried.collect();
        fixes::joined(tried, sources, recheck)
    }

    fn told(&self, sources: &Sources, sizes: &Sizes) -> Vec<(Diagnostic, Vec<Help>)> {
        let mut told: Vec<_> = self.found.iter().map(|entry| entry.tell(sources, sizes)).collect();
        // A stable sort: of doubled ones the first that was found is kept.
        told.sort_by_key(|(diagnostic, _)| (place(diagnostic), diagnostic.code));
        told.dedup_by_key(|(diagnostic, _)| (place(diagnostic), diagnostic.code));
        told.truncate(MOST);
        for (diagnostic, _) in &mut told {
            self.note_fine_uses(diagnostic, sources);
        }
        told
    }

    /// `Residual(64) on line 12 is fine`, where one use of a block fails and another does not.
    fn note_fine_uses(&self, diagnostic: &mut Diagnostic, sources: &Sources) {
        let Some(use_label) = diagnostic.labels.iter().find(|label| label.text.starts_with("in this use")) else {
            return;
        };
        let uses: Vec<&InUse> = self.found.iter().flat_map(|entry| &entry.uses).collect();
        let entered = uses.iter().find(|used| used.call == use_label.at).and_then(|used| used.definition);
        let Some(fine) = entered.and_then(|definition| self.fine.get(&definition)) else { return };
        let mut told: Vec<String> = Vec::new();
        let fails = |call: &Span| uses.iter().any(|used| used.call == *call);
        for call in fine.iter().filter(|call| !sources.in_library(**call) && !fails(call)) {
            let text = sources.text(*call);
            let words = format!("{text} on line {}", sources.position(*call).0);
            if text.len() <= 40 && !told.contains(&words) {
                told.push(words);
            }
        }
        match &told[..] {
            [] => {}
            [one] => diagnostic.notes.push(format!("{one} is fine")),
            [first, rest @ ..] => {
                diagnostic.notes.push(format!("{first} is fine, and {} more", rest.len()));
            }
        }
    }
}

impl Entry {
    fn code(&self) -> &'static str {
        match &self.fact {
            Fact::Problem(problem) => problem.code(),
            Fact::Diagnostic(diagnostic) => diagnostic.code,
        }
    }

    fn tell(&self, sources: &Sources, sizes: &Sizes) -> (Diagnostic, Vec<Help>) {
        let shown = || self.uses.iter().filter(|used| used.definition.is_some());
        let doors: Vec<Span> = shown().map(|used| used.call).collect();
        let inside = shown().next_back().and_then(|used| used.inside);
        let look = Explainer { sizes, sources, doors: &doors, inside };
        match &self.fact {
            Fact::Diagnostic(diagnostic) => ((**diagnostic).clone(), Vec::new()),
            Fact::Problem(problem) => {
                let mut report = Report::new(problem.code(), look, &self.uses);
                problem.report(&mut report);
                (report.finish(), problem.candidates(&look))
            }
        }
    }
}

fn place(diagnostic: &Diagnostic) -> Option<Span> {
    diagnostic.labels.first().map(|label| label.at)
}
