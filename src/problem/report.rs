//! Builds one diagnostic. It prints sizes, shapes and derivations, so that a problem only says what it is about.

use super::{Given, InUse, Signature, words};
use crate::diagnostic::{Diagnostic, Help, Label};
use crate::size::{Explainer, Rule, SizeId, Sizes, show};
use crate::source::{Sources, Span};

/// No message has more labels than this; what is left over is told in one note.
const LABELS: usize = 6;

/// A diagnostic in the making.
pub struct Report<'a> {
    pub look: Explainer<'a>,
    /// The uses of blocks that led here, outermost first.
    pub uses: &'a [InUse],
    diagnostic: Diagnostic,
    /// Labels that were not shown.
    left: usize,
}

impl<'a> Report<'a> {
    /// An empty report; `look.doors` are the calls that led to the problem's place.
    pub fn new(code: &'static str, look: Explainer<'a>, uses: &'a [InUse]) -> Report<'a> {
        let diagnostic =
            Diagnostic { code, headline: String::new(), labels: Vec::new(), notes: Vec::new(), helps: Vec::new() };
        Report { look, uses, diagnostic, left: 0 }
    }

    /// The line that suffices alone: both numbers, no full stop.
    pub fn headline(&mut self, text: impl Into<String>) {
        self.diagnostic.headline = text.into();
    }

    /// A text at a place. The first one is the primary one.
    pub fn label(&mut self, at: Span, text: impl Into<String>) {
        let label = Label { at, text: text.into() };
        let labels = &mut self.diagnostic.labels;
        let full = labels.len() >= LABELS;
        match labels.iter_mut().find(|old| old.at == at) {
            Some(old) if old.text.is_empty() => old.text = label.text,
            Some(old) if label.text.is_empty() || old.text.contains(&label.text) => {}
            Some(old) => old.text = format!("{}; {}", old.text, label.text),
            None if full => self.left += 1,
            None => labels.push(label),
        }
    }

    /// Where sizes come from: a label for each step, nearest first.
    pub fn because(&mut self, sizes: &[SizeId]) {
        for label in self.look.explain(sizes) {
            self.add(label);
        }
    }

    /// The chain of steps that led to a picture's size, a label for each line: `28x28 → 26x26 → 13x13`.
    pub fn chain(&mut self, axes: &[SizeId]) {
        let mut labels = self.look.chains(axes);
        // Nearest first, should there be too many.
        labels.reverse();
        for label in labels {
            self.add(label);
        }
    }

    /// A text beside the labels.
    pub fn note(&mut self, text: impl Into<String>) {
        self.diagnostic.notes.push(text.into());
    }

    /// What to do about it, in words. At most two are shown, tried edits before words.
    pub fn help(&mut self, text: impl Into<String>) {
        self.diagnostic.helps.push(Help { text: text.into(), edits: Vec::new() });
    }

    /// Shows the head of what was called: as a note, and at its place if the user wrote it.
    pub fn signature(&mut self, signature: &Signature) {
        let text = match signature {
            Signature::Text(text) => text.clone(),
            Signature::Head(head) => {
                if !self.sources().in_library(*head) {
                    self.label(*head, "declared here");
                }
                words::signature(&self.text(*head))
            }
        };
        self.note(text);
    }

    /// `48`
    pub fn size(&self, id: SizeId) -> String {
        show::size(self.sizes(), id)
    }

    /// `[12, 48, 48]`
    pub fn shape(&self, shape: &[SizeId]) -> String {
        show::shape(self.sizes(), shape)
    }

    /// `3x3`
    pub fn by(&self, window: &[SizeId]) -> String {
        show::by(self.sizes(), window)
    }

    /// `floor((28 - 3 + 2·0) / 1) + 1 = 26`
    pub fn formula(&self, id: SizeId) -> String {
        show::formula(self.sizes(), id)
    }

    /// The same, and what the operands are called: `... = -1   H 1, k 3, pad 0, stride 1`
    pub fn arithmetic(&self, id: SizeId) -> String {
        let reason = &self.sizes().all[id].reason;
        let window = match &reason.rule {
            Rule::Computed(formula) => show::window(formula).map(|(_, window)| reason.from[window]),
            Rule::Written | Rule::Bound(_) | Rule::Same | Rule::Remark | Rule::Poisoned => None,
        };
        let named = |id: &SizeId| match &self.sizes().all[*id].reason.rule {
            Rule::Bound(name) => Some(format!("{name} {}", self.size(*id))),
            Rule::Computed(_) if Some(*id) == window => Some(format!("K {}", self.size(*id))),
            Rule::Written | Rule::Same | Rule::Remark | Rule::Computed(_) | Rule::Poisoned => None,
        };
        let names: Vec<String> = reason.from.iter().filter_map(named).collect();
        format!("{}   {}", self.formula(id), names.join(", ")).trim_end().to_string()
    }

    /// The text at a place, on one line.
    pub fn text(&self, at: Span) -> String {
        self.sources().text(at).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The number of the line of a place.
    pub fn line(&self, at: Span) -> usize {
        self.sources().position(at).0
    }

    /// The name that a number has in the innermost use, if it is one of the block's plain arguments.
    pub fn named(&self, n: i64) -> Option<&'a str> {
        let used = self.uses.iter().rfind(|used| used.definition.is_some())?;
        let sized = |given: &Given| match given {
            Given::Size(id) => self.sizes().number(*id) == Some(n),
            Given::Text(_) => false,
        };
        used.bound.iter().rev().find(|(_, given)| sized(given)).map(|(name, _)| &**name)
    }

    pub fn sizes(&self) -> &'a Sizes {
        self.look.sizes
    }

    pub fn sources(&self) -> &'a Sources {
        self.look.sources
    }

    fn add(&mut self, label: Label) {
        self.label(label.at, label.text);
    }

    /// Adds what is to be said of the uses that led here and gives the diagnostic.
    pub fn finish(mut self) -> Diagnostic {
        self.leave_library();
        self.make_room();
        for inner in self.uses.iter().rev().filter(|used| used.definition.is_some()).take(2) {
            let bound = self.bindings(inner);
            if !bound.is_empty() {
                self.label(inner.call, format!("in this use: {bound}"));
            }
        }
        if self.left > 0 {
            self.note(format!(
                "{} took part: `brolga why` shows all",
                words::count(self.left, "more place", "more places")
            ));
        }
        self.diagnostic
    }

    /// The uses are told whatever else is.
    fn make_room(&mut self) {
        let told = self.uses.iter().filter(|used| used.definition.is_some()).count().min(2);
        let kept = LABELS - told;
        if self.diagnostic.labels.len() > kept {
            self.left += self.diagnostic.labels.len() - kept;
            self.diagnostic.labels.truncate(kept);
        }
    }

    /// What stands in the library's text is shown at the user's call that led there.
    fn leave_library(&mut self) {
        let Some(call) = self.uses.iter().rev().map(|used| used.call).find(|call| !self.sources().in_library(*call))
        else {
            return;
        };
        for label in std::mem::take(&mut self.diagnostic.labels) {
            let at = if self.sources().in_library(label.at) { call } else { label.at };
            self.label(at, label.text);
        }
    }

    /// `C = 64, H = W = 56, out = 128`: neighbours with one value are joined.
    fn bindings(&self, used: &InUse) -> String {
        let mut parts: Vec<(String, String)> = Vec::new();
        for (name, given) in &used.bound {
            let value = match given {
                Given::Size(id) => self.size(*id),
                Given::Text(text) => text.clone(),
            };
            match parts.last_mut() {
                Some((names, old)) if *old == value && matches!(given, Given::Size(_)) => {
                    names.push_str(&format!(" = {name}"));
                }
                Some(_) | None => parts.push((name.to_string(), value)),
            }
        }
        parts.into_iter().map(|(names, value)| format!("{names} = {value}")).collect::<Vec<_>>().join(", ")
    }
}
