//! From what the checker found to the problems of the index: facts go in, words come out.
//!
//! **Invariant**: every fact has its problem; a fact that several problems could tell is told by the one whose numbers
//! fit (a `require` about a window that has no place left is E0302, any other one E0307).

use super::found::{Fact, Found, Link, Part, Used};
use crate::diagnostic::{Diagnostic, Help, Label};
use crate::ids::Symbol;
use crate::problem::time::both_ways::Side;
use crate::problem::time::needs_itself::Need;
use crate::problem::training::index_beyond;
use crate::problem::*;
use crate::size::{Limits, SizeId, Sizes, Verdict, compare_within};
use crate::source::{Sources, Span};
use std::collections::BTreeMap;

/// Pushes all findings, in order. `heads` are the heads of nets, blocks and optimisers, the file's before the library's.
pub fn tell(found: &[Found], sources: &Sources, sizes: &Sizes, heads: &[(Symbol, Span)], problems: &mut Problems) {
    for finding in found {
        let uses = uses(finding, sources);
        let n = uses.len();
        uses.into_iter().for_each(|used| problems.enter(used));
        let limits = &finding.limits;
        Telling { at: finding.at, sources, sizes, heads, limits, problems }.fact(&finding.fact);
        (0..n).for_each(|_| problems.leave());
    }
}

/// The uses of user's blocks, whose numbers are told, and the call behind which the library's text is not shown.
fn uses(finding: &Found, sources: &Sources) -> Vec<InUse> {
    let library = InUse { block: "".into(), definition: None, inside: None, call: finding.at, bound: Vec::new() };
    let own = |used: &Used| InUse {
        block: used.block.clone(),
        definition: Some(used.head),
        inside: Some(used.head.to(used.body)),
        call: used.call,
        bound: in_order(sources.text(used.head), &used.bound),
    };
    finding.uses.iter().map(own).chain([library]).collect()
}

/// The numbers of a use in the order of its head, whatever the order of binding was.
fn in_order(head: &str, bound: &[(Symbol, SizeId)]) -> Vec<(Symbol, Given)> {
    let mut bound = bound.to_vec();
    bound.sort_by_key(|(name, _)| words::place(head, name));
    bound.into_iter().map(|(name, size)| (name, Given::Size(size))).collect()
}

/// One finding on its way.
struct Telling<'a> {
    at: Span,
    sources: &'a Sources,
    sizes: &'a Sizes,
    heads: &'a [(Symbol, Span)],
    limits: &'a BTreeMap<Symbol, Limits>,
    problems: &'a mut Problems,
}

impl Telling<'_> {
    /// One flat list: a fact, its problem.
    fn fact(&mut self, fact: &Fact) {
        let at = self.at;
        if let Some(problem) = self.lengths(fact) {
            return self.problems.push(problem);
        }
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
            Fact::TooManyArguments { block, inputs } => {
                let signature = self.signature(block, inputs);
                self.problems.push(TooManyArguments { at, block: block.clone(), twice: None, signature });
            }
            Fact::ArgumentCount { block, takes } => {
                self.problems.push(ArgumentCount { at, block: block.clone(), takes: *takes });
            }
            Fact::ArgumentTwice { block, name } => {
                let signature = self.signature(block, &[]);
                let twice = Some(name.clone());
                self.problems.push(TooManyArguments { at, block: block.clone(), twice, signature });
            }
            Fact::WrongSort { wants, is } => self.wrong_kind(wants.clone(), is.clone()),
            Fact::Recursion { cycle } => self.problems.push(Recursion { cycle: cycle.clone() }),
            Fact::NotYet { what } => self.problems.push(Waits { at, what: what.clone(), meanwhile: None }),
            Fact::InnerSizes { lhs, rhs } => {
                self.problems.push(InnerSizes { at, lhs: operand(lhs), rhs: operand(rhs) });
            }
            Fact::Required { text, bound, output, condition } => self.required(text, bound, output, *condition),
            Fact::ShapesDiffer { op, lhs, rhs } => {
                let what = if op.chars().all(char::is_alphabetic) { op.to_string() } else { format!("'{op}'") };
                self.problems.push(UnequalShapes { what, lhs: operand(lhs), rhs: operand(rhs) });
            }
            Fact::RemarkWrong { written, comes, stage } => {
                let (written, actual) = (written.clone(), comes.clone());
                self.problems.push(RemarkWrong { at, stage: *stage, written, actual });
            }
            Fact::OnlyRight { name, values, target_at, reduction, uses } => {
                let (name, uses, term) = (name.clone(), uses.clone(), Some(*reduction));
                self.problems.push(IndexUnbound { name, uses, extent: *values, left: *target_at, term });
            }
            Fact::TwoLengths { name, first, second } => {
                self.problems.push(TwoLengths { name: name.clone(), first: *first, second: *second });
            }
            Fact::NotDeclared { what, declared: (declared, wanted), comes } => {
                let (what, wanted, given) = (plain(what), wanted.clone(), operand(comes));
                self.problems.push(InputShape { what, declared: *declared, wanted, given });
            }
            Fact::SharedWeights { name, first, again } => {
                let (name, first, again) = (name.clone(), first.clone(), again.clone());
                self.problems.push(SharedWeights { at, name, first, again });
            }
            Fact::Rank { what, wants, has, shape } => {
                let (tensor, shape, wanted) = (plain(what), shape.clone(), *wants);
                self.problems.push(WrongAxes { at, tensor, shape, wanted, subscripts: wants > has });
            }
            Fact::ProductRank { lhs, rhs } => {
                self.problems.push(MatMulRank { lhs: operand(lhs), rhs: operand(rhs) });
            }
            Fact::NotALayer { is } => self.problems.push(NotALayer { at, found: is.clone() }),
            Fact::NeverDefined { name, of } => {
                self.problems.push(NeverDefined { at, name: name.clone(), of: of.clone() });
            }
            Fact::TwoResults { other, of } => self.problems.push(TwoResults { at, other: *other, of: of.clone() }),
            Fact::TupleCount { names, values } => {
                self.problems.push(TupleCount { at, names: *names, values: *values });
            }
            Fact::Ragged => self.problems.push(Ragged { at }),
            Fact::TooManyUses { most } => self.problems.push(TooManyUses { at, most: *most }),
            Fact::TooMany { shape } => {
                let what = SizeTooLarge::tensor(shape, self.sizes);
                self.problems.push(SizeTooLarge { at, size: None, what });
            }
            Fact::IndexCount { comes, wanted } => {
                let found = index_beyond::Found::Below(*comes);
                self.problems.push(IndexBeyond { at, found, classes: *wanted });
            }
            Fact::UnknownCode { code } => self.problems.push(UnknownCode { at, code: code.clone() }),
            Fact::OutOfRange { tensor, axis, low, high, size } => {
                let (values, tensor, at) = (Some((*low, *high)), tensor.to_string(), self.subscript(*axis));
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
            Fact::NotWhole { lhs, rhs } => self.problems.push(NotWhole { at, lhs: *lhs, rhs: *rhs }),
            Fact::TooLarge { size } => {
                self.problems.push(SizeTooLarge { at, size: *size, what: "this size".to_string() });
            }
            Fact::NotPositive { size } => match WindowTooLarge::of(self.sizes, &[*size], at, None) {
                Some(window) => self.problems.push(window),
                None => self.problems.push(NegativeSize { at, size: *size, what: "this size".to_string() }),
            },
            Fact::ByZero { size } => self.problems.push(DividedByZero { at, size: *size }),
            Fact::Cycle { through } => self.cycle(through),
            Fact::NoStep { links } => {
                let need = |link: &Link| Need {
                    name: link.defined.clone(),
                    definition: Some(link.target),
                    at: link.at,
                    needs: link.needs.clone(),
                };
                self.problems.push(NeedsItself { cycle: links.iter().map(need).collect() });
            }
            Fact::OutOfLength { tensor, size, .. } => {
                let (tensor, extent) = (tensor.to_string(), *size);
                self.problems.push(OutOfRange { at, values: None, extent, tensor });
            }
            Fact::NoLength { name, low, high, other } => {
                let (name, other) = (name.clone(), other.filter(|other| *other != at));
                self.problems.push(NoLength { at, name, low: *low, high: *high, other });
            }
            Fact::OpenChoice { size } => self.problems.push(OpenChoice { at, size: *size }),
            Fact::BothWays { before, behind } => {
                let side = |link: &Link| Side { name: link.defined.clone(), needs: link.needs.clone(), at: link.at };
                self.problems.push(BothWays { before: side(before), behind: side(behind) });
            }
            Fact::Unsettled { name } => self.problems.push(UnsettledShape { at, name: name.clone() }),
            Fact::NotProbability { block, made, exclusive } => self.raw(block, *made, *exclusive),
            Fact::AppliedTwice { block, made } => {
                self.problems.push(AppliedTwice { at, block: block.clone(), first: Some(*made) });
            }
            Fact::NotIndex { what } => {
                self.wrong_kind(format!("{} takes whole numbers, index(n)", plain(what)), "real numbers".into());
            }
            Fact::Mapped { block, why } => {
                let (block, reason) = (block.clone(), why.to_string());
                self.problems.push(NotMapped { at, block, reason });
            }
            Fact::Classes { output, data, net, names, counted, source } => {
                let n = self.sizes.number(*data).unwrap_or_default();
                self.problems.push(DataDisagrees {
                    unit: counted.many().to_string(),
                    constant: index_of(self.sources.text(at)),
                    source: *source,
                    found: *net as i64,
                    names: names.iter().map(|name| counted.shown(name)).collect(),
                    field: Some((at, n)),
                    net: *output,
                });
            }
            Fact::DataShape { field, declared, has, source } => {
                let (what, found) = (field.to_string(), has.iter().map(|n| n.to_string()).collect());
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
            Fact::UnknownMetric { name, known } => {
                self.problems.push(UnknownMetric { at, name: name.clone(), known: known.clone() });
            }
            Fact::PatienceAlone => self.problems.push(PatienceAlone { at }),
            Fact::Untrained { net } => self.problems.push(Untrained { at, net: net.clone() }),
            Fact::NoPicture { shape } => self.problems.push(NoPicture { at, shape: shape.clone() }),
            Fact::NoiseHere => self.problems.push(NoiseHere { at }),
            Fact::Ready(diagnostic) => self.problems.push_diagnostic(diagnostic.clone()),
            Fact::DropsRows { window, input, output, lost } => {
                let (window, input, lost) = (window.clone(), input.clone(), lost.clone());
                self.problems.push(DropsRows { at, window, input, output: *output, lost });
            }
            Fact::Unread { name } => self.problems.push(Unused { at, name: name.clone() }),
            Fact::Setting { name, known, wants } => self.setting(name, known, wants),
            Fact::Other { code, headline, label, help } => {
                let labels = vec![Label { at, text: label.clone() }];
                let helps = help.iter().map(|text| Help { text: text.clone(), edits: Vec::new() }).collect();
                let (headline, notes) = (headline.clone(), Vec::new());
                self.problems.push_diagnostic(Diagnostic { code, headline, labels, notes, helps });
            }
        }
    }
}

impl Telling<'_> {
    /// Sizes that differ for some lengths only have a message of their own.
    fn lengths(&self, fact: &Fact) -> Option<LengthsDiffer> {
        let of = |what: &str, lhs: &Part, rhs: &Part, pairs: Vec<(SizeId, SizeId)>| {
            let sizes = pairs.into_iter().find(|(a, b)| self.open(*a, *b))?;
            let (what, lhs, rhs) = (what.to_string(), operand(lhs), operand(rhs));
            Some(LengthsDiffer { what, lhs, rhs, sizes, limits: self.limits.clone() })
        };
        let last_first =
            |a: &Part, b: &Part| a.shape.iter().rev().copied().zip(b.shape.iter().rev().copied()).collect();
        match fact {
            Fact::ShapesDiffer { op, lhs, rhs } => {
                let what = if op.chars().all(char::is_alphabetic) { op.to_string() } else { format!("'{op}'") };
                of(&what, lhs, rhs, last_first(lhs, rhs))
            }
            Fact::InnerSizes { lhs, rhs } => {
                let inner = lhs.shape.last().copied().zip(rhs.shape.first().copied());
                of("'@'", lhs, rhs, inner.into_iter().collect())
            }
            Fact::RemarkWrong { written, comes, stage } if written.len() == comes.len() => {
                let pairs = written.iter().zip(comes).filter_map(|(a, b)| Some(((*a)?, *b))).collect();
                let part = |at: Span| Part { at, shape: comes.clone() };
                of("what is written", &part(*stage), &part(*stage), pairs)
            }
            Fact::NotDeclared { what, declared: (declared, wanted), comes } if wanted.len() == comes.shape.len() => {
                let pairs = wanted.iter().zip(&comes.shape).filter_map(|(a, b)| Some(((*a)?, *b))).collect();
                let shape: Vec<SizeId> = wanted.iter().zip(&comes.shape).map(|(a, b)| a.unwrap_or(*b)).collect();
                of(&plain(what), comes, &Part { at: *declared, shape }, pairs)
            }
            Fact::TwoLengths { name, first, second } => {
                let part = |(at, size): &(Span, SizeId)| Part { at: *at, shape: vec![*size] };
                of(name, &part(first), &part(second), vec![(first.1, second.1)])
            }
            _other => None,
        }
    }

    /// Whether two sizes differ for some lengths, or it cannot be told.
    fn open(&self, a: SizeId, b: SizeId) -> bool {
        let (Some(a), Some(b)) = (self.sizes.value(a), self.sizes.value(b)) else { return false };
        matches!(compare_within(a, b, self.limits), Verdict::Counterexample(_) | Verdict::Undecided)
    }

    fn wrong_kind(&mut self, wanted: String, found: String) {
        self.problems.push(WrongKind { at: self.at, wanted, found });
    }

    /// A window without a place where the outputs say so, else the block's own words alone.
    fn required(&mut self, text: &str, bound: &[(Symbol, SizeId)], output: &[SizeId], condition: Span) {
        let (at, words) = (self.at, Some(text.to_string()));
        match WindowTooLarge::of(self.sizes, output, at, words) {
            Some(window) => self.problems.push(window),
            None => self.problems.push(RequireFailed { at, text: text.to_string(), condition, bound: bound.to_vec() }),
        }
    }

    /// The place of one subscript in `x[i, j + 1]`.
    fn subscript(&self, axis: usize) -> Span {
        let text = self.sources.text(self.at);
        let (mut depth, mut n, mut start) = (0_i32, 0, None);
        for (i, c) in text.char_indices() {
            let ends = depth == 1 && matches!(c, ',' | ']');
            if let (true, true, Some(from)) = (ends, n == axis, start) {
                let own: &str = &text[from..i];
                let lead = own.len() - own.trim_start().len();
                let first = self.at.start + (from + lead) as u32;
                return Span { start: first, end: first + own.trim().len() as u32, ..self.at };
            }
            match c {
                '[' | '(' => depth += 1,
                ']' | ')' => depth -= 1,
                _other => {}
            }
            if (c == '[' || c == ',') && depth == 1 {
                n += usize::from(c == ',');
                start = Some(i + 1);
            }
        }
        self.at
    }

    /// Each definition of the circle, with the place where it needs the next one.
    fn cycle(&mut self, through: &[(Symbol, Span)]) {
        let next = |i: usize| through[(i + 1) % through.len()].0.clone();
        let links = through.iter().enumerate().map(|(i, (name, definition))| {
            let needs = next(i);
            let at = if i + 1 == through.len() { self.at } else { self.used_in(*definition, &needs) };
            Need { name: name.to_string(), definition: None, at, needs: needs.to_string() }
        });
        let cycle = links.collect();
        self.problems.push(NeedsItself { cycle });
    }

    /// Where a name stands on the right side of a definition.
    fn used_in(&self, definition: Span, name: &str) -> Span {
        let text = self.sources.text(definition);
        let right = text.find('=').map_or(0, |at| at + 1);
        match words::place(&text[right..], name) {
            Some(at) => {
                let start = definition.start + (right + at) as u32;
                Span { start, end: start + name.len() as u32, ..definition }
            }
            None => definition,
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

/// The constant `n` of a field `x: [T] of index(n)`.
fn index_of(field: &str) -> Option<Symbol> {
    let (name, _) = field.split_once("index(")?.1.split_once(')')?;
    let is_name = name.starts_with(char::is_alphabetic) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| name.into())
}
