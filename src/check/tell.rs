//! From what the checker found to the problems of the index: facts go in, words come out.
//!
//! **Invariant**: every fact has its problem; a fact that several problems could tell is told by the one whose numbers
//! fit (a `require` about a window that has no place left is E0302, any other one E0307).

use super::found::{Fact, Found, Part};
use crate::diagnostic::{Diagnostic, Help, Label};
use crate::ids::Symbol;
use crate::problem::*;
use crate::size::{SizeId, Sizes};
use crate::source::{Sources, Span};

/// Pushes all findings, in order. `heads` are the heads of nets, blocks and optimisers, the file's before the library's;
/// `fine` are uses in which nothing was found.
pub fn tell(
    found: &[Found],
    fine: &[InUse],
    sources: &Sources,
    sizes: &Sizes,
    heads: &[(Symbol, Span)],
    problems: &mut Problems,
) {
    for finding in found {
        finding.uses.iter().for_each(|used| problems.enter(used.clone()));
        Telling { at: finding.at, sources, sizes, heads, problems }.fact(&finding.fact);
        finding.uses.iter().for_each(|_| problems.leave());
    }
    for used in fine {
        problems.enter(used.clone());
        problems.leave();
    }
}

/// One finding on its way.
struct Telling<'a> {
    at: Span,
    sources: &'a Sources,
    sizes: &'a Sizes,
    heads: &'a [(Symbol, Span)],
    problems: &'a mut Problems,
}

impl Telling<'_> {
    /// One flat list: a fact, its problem.
    fn fact(&mut self, fact: &Fact) {
        let at = self.at;
        match fact {
            Fact::UnknownName { name, near, call } => {
                let what = if *call { "layer" } else { "name" }.to_string();
                self.problems.push(UnknownName { at, name: name.clone(), what, scope: near.clone() });
            }
            Fact::Twice { name, first } => {
                self.problems.push(DefinedTwice { at, name: name.clone(), first: *first });
            }
            Fact::UnknownArgument { block, name, inputs } => {
                let (block, name, names) = (block.clone(), name.clone(), inputs.clone());
                let signature = self.signature(&block, inputs);
                self.problems.push(UnknownArgument { at, name, block, names, signature });
            }
            Fact::MissingArgument { block, name, inputs, head } => {
                let signature = head.map_or_else(|| self.signature(block, inputs), Signature::Head);
                self.problems.push(MissingArgument { at, names: vec![name.clone()], block: block.clone(), signature });
            }
            Fact::TooManyArguments { block, takes: _, inputs } => {
                let signature = self.signature(block, inputs);
                self.problems.push(TooManyArguments { at, block: block.clone(), twice: None, signature });
            }
            Fact::ArgumentTwice { block, name } => {
                let signature = self.signature(block, &[]);
                let twice = Some(name.clone());
                self.problems.push(TooManyArguments { at, block: block.clone(), twice, signature });
            }
            Fact::WrongSort { wants, is } => self.wrong_kind(wants.clone(), is.clone()),
            Fact::Recursion { cycle } => self.problems.push(Recursion { cycle: cycle.clone() }),
            Fact::NotYet { what } => self.problems.push(Waits { at, what: what.clone(), meanwhile: None }),
            Fact::InnerSizes { lhs, rhs, lhs_size: _, rhs_size: _ } => {
                self.problems.push(InnerSizes { at, lhs: operand(lhs), rhs: operand(rhs) });
            }
            Fact::Required { text, block: _, output, require } => self.required(text, output, *require),
            Fact::ShapesDiffer { op, lhs, rhs } => {
                let what = if op.chars().all(char::is_alphabetic) { op.to_string() } else { format!("'{op}'") };
                self.problems.push(UnequalShapes { what, lhs: operand(lhs), rhs: operand(rhs) });
            }
            Fact::RemarkWrong { written, comes, stage } => {
                let written = written.iter().map(|id| Some(*id).filter(|id| !self.sizes.is_poisoned(*id))).collect();
                self.problems.push(RemarkWrong { at, stage: *stage, written, actual: comes.clone() });
            }
            Fact::OnlyRight { name, uses, values, target_at, term } => {
                let (name, uses) = (name.clone(), uses.clone());
                self.problems.push(IndexUnbound { name, uses, extent: *values, left: *target_at, term: *term });
            }
            Fact::MatMulRank { lhs, rhs } => {
                self.problems.push(MatMulRank { lhs: operand(lhs), rhs: operand(rhs) });
            }
            Fact::NotALayer { is } => self.problems.push(NotALayer { at, found: is.clone() }),
            Fact::NeverDefined { name, of } => {
                self.problems.push(NeverDefined { at, name: name.clone(), of: of.clone() });
            }
            Fact::TwoResults { other, of } => {
                self.problems.push(TwoResults { at, other: *other, of: of.clone() });
            }
            Fact::IndexBeyond { below, classes } => {
                let found = crate::problem::training::index_beyond::Found::Below(*below);
                self.problems.push(IndexBeyond { at, found, classes: *classes });
            }
            Fact::Unused { name } => self.problems.push(Unused { at, name: name.clone() }),
            Fact::DropsRows { window, input, output, lost } => {
                let (window, input, lost) = (window.clone(), input.clone(), lost.clone());
                self.problems.push(DropsRows { at, window, input, output: *output, lost });
            }
            Fact::TwoLengths { name, first, second } => {
                self.problems.push(TwoLengths { name: name.clone(), first: *first, second: *second });
            }
            Fact::NotDeclared { what, declared: (declared, wanted), comes } => {
                let (what, wanted, given) = (plain(what), wanted.clone(), operand(comes));
                self.problems.push(InputShape { what, declared: *declared, wanted, given });
            }
            Fact::Rank { what, wants, has, shape } => {
                let (tensor, shape, wanted) = (plain(what), shape.clone(), *wants);
                self.problems.push(WrongAxes { at, tensor, shape, wanted, subscripts: wants > has });
            }
            Fact::OutOfRange { tensor, axis: _, low, high, size } => {
                let (values, tensor) = (Some((*low, *high)), tensor.to_string());
                self.problems.push(OutOfRange { at, values, extent: *size, tensor });
            }
            Fact::NoRange { name } => self.problems.push(RangeUnknown { at, name: name.clone() }),
            Fact::NotAffine => {
                let reason = "it is no sum of multiples of indices".to_string();
                self.problems.push(NotAffine { at, reason });
            }
            Fact::Overlap { name, other } => {
                let other = Some(*other).filter(|other| *other != at);
                self.problems.push(PiecesOverlap { name: name.clone(), at, other, element: None });
            }
            Fact::Gaps { name, written, total } => {
                self.problems.push(Gaps { at, name: name.clone(), written: *written, total: *total });
            }
            Fact::NotWhole { lhs, rhs, size: _ } => self.problems.push(NotWhole { at, lhs: *lhs, rhs: *rhs }),
            Fact::TooLarge { size } => {
                self.problems.push(SizeTooLarge { at, size: *size, what: "this size".to_string() });
            }
            Fact::NotPositive { size } => match WindowTooLarge::of(self.sizes, &[*size], at, None) {
                Some(window) => self.problems.push(window),
                None => self.problems.push(NegativeSize { at, size: *size, what: "this size".to_string() }),
            },
            Fact::ByZero => self.problems.push(DividedByZero { at, size: None }),
            Fact::NotKnown { what } => self.wrong_kind(format!("{what} is a known whole number"), "not known".into()),
            Fact::Cycle { cycle } => self.problems.push(NeedsItself { cycle: cycle.clone() }),
            Fact::NotProbability { block, input: _, made, is: _ } => self.raw(block, *made, true),
            Fact::AppliedTwice { block, made } => {
                self.problems.push(AppliedTwice { at, block: block.clone(), first: Some(*made) });
            }
            Fact::NotIndex { what, made: _ } => {
                self.wrong_kind(format!("{} takes whole numbers, index(n)", plain(what)), "real numbers".into());
            }
            Fact::Mapped { block, why } => {
                let (block, reason) = (block.clone(), why.to_string());
                self.problems.push(NotMapped { at, block, reason });
            }
            Fact::Classes { data, found, names, source, net } => {
                let n = self.sizes.number(*data).unwrap_or_default();
                self.problems.push(DataDisagrees {
                    unit: "classes".to_string(),
                    source: *source,
                    found: *found as i64,
                    names: names.iter().map(|name| name.to_string()).collect(),
                    field: Some((at, n)),
                    net: *net,
                });
            }
            Fact::DataShape { field, declared, has, source } => {
                let (what, found) = (field.to_string(), has.iter().map(|n| i64::from(*n)).collect());
                self.problems.push(DataShape { at, what, declared: declared.clone(), found, source: *source });
            }
            Fact::DataAbsent { path, source } => {
                self.problems.push(DataAbsent { at: *source, path: path.to_string() });
            }
            Fact::NotScalar { what, shape } => {
                let value = Operand { at, shape: shape.clone() };
                self.problems.push(NotScalar { what: what.clone(), value });
            }
            Fact::UnknownOptimiser { name, known } => {
                self.problems.push(UnknownOptimiser { at, name: name.clone(), known: known.clone() });
            }
            Fact::JudgedOnTest => self.problems.push(JudgedOnTest { at }),
            Fact::Ready(diagnostic) => self.problems.push_diagnostic(diagnostic.clone()),
            Fact::Setting { name, known, wants } => self.setting(name, known, wants),
            Fact::Other { code, headline, label, help } | Fact::Lint { code, headline, label, help } => {
                let labels = vec![Label { at, text: label.clone() }];
                let helps = help.iter().map(|text| Help { text: text.clone(), edits: Vec::new() }).collect();
                let (headline, notes) = (headline.clone(), Vec::new());
                self.problems.push_diagnostic(Diagnostic { code, headline, labels, notes, helps });
            }
        }
    }
}

impl Telling<'_> {
    fn wrong_kind(&mut self, wanted: String, found: String) {
        self.problems.push(WrongKind { at: self.at, wanted, found });
    }

    /// A window without a place where the outputs say so, else the block's own words alone.
    fn required(&mut self, text: &str, output: &[SizeId], condition: Span) {
        let (at, words) = (self.at, Some(text.to_string()));
        match WindowTooLarge::of(self.sizes, output, at, words) {
            Some(window) => self.problems.push(window),
            None => self.problems.push(RequireFailed { at, text: text.to_string(), condition, sizes: Vec::new() }),
        }
    }

    fn raw(&mut self, block: &Symbol, made: Span, exclusive: bool) {
        let at = self.at;
        let text = self.sources.text(at);
        let giver = text.split('(').next().unwrap_or(text).trim().to_string();
        let by = if exclusive { "softmax" } else { "sigmoid" };
        self.problems.push(RawScores { at, block: block.clone(), giver, made, by });
    }

    fn setting(&mut self, name: &Symbol, known: &[Symbol], wants: &str) {
        let at = self.at;
        if known.is_empty() {
            let found = self.sources.text(at).to_string();
            self.problems.push(BadSetting { at, name: name.to_string(), wanted: wants.to_string(), found });
        } else {
            let (name, scope) = (name.clone(), known.to_vec());
            self.problems.push(UnknownName { at, name, what: wants.to_string(), scope });
        }
    }

    /// What is known of a callee's head without its text.
    fn signature(&self, block: &Symbol, inputs: &[Symbol]) -> Signature {
        let head = self.heads.iter().find(|(name, _)| name == block).map(|(_, head)| *head);
        let words =
            || format!("{block}({})", inputs.iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", "));
        head.map_or_else(|| Signature::Text(words()), Signature::Head)
    }
}

fn operand(part: &Part) -> Operand {
    Operand { at: part.at, shape: part.shape.clone() }
}

/// Without the quotes around names.
fn plain(what: &str) -> String {
    what.replace('\'', "")
}
