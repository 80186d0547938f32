//! What a message shows of a derivation. Errors, `why` and tables all ask here.
//!
//! **Invariants**: a step inside of the library is shown at the user's own call; a step that leaves the number as it
//! was is passed over; steps at one place are one label; nearest first.

use super::{Reason, Rule, SizeId, Sizes, show};
use crate::diagnostic::Label;
use crate::ids::Symbol;
use crate::source::{Sources, Span};
use std::collections::BTreeSet;

/// Chooses what to show of sizes' reasons.
#[derive(Clone, Copy)]
pub struct Explainer<'a> {
    pub sizes: &'a Sizes,
    pub sources: &'a Sources,
    /// Calls whose bindings the message tells of itself ("in this use: C = 64"): derivations end at them.
    pub doors: &'a [Span],
    /// The block in whose use something is wrong: what stands outside of it is the use's affair, not the message's,
    /// except for constants.
    pub inside: Option<Span>,
}

/// One step of a chain: a call that made one size of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub at: Span,
    pub before: SizeId,
    pub after: SizeId,
}

impl<'a> Explainer<'a> {
    /// An explainer outside of any use of a block.
    pub fn new(sizes: &'a Sizes, sources: &'a Sources) -> Explainer<'a> {
        Explainer { sizes, sources, doors: &[], inside: None }
    }

    /// Labels that say where sizes come from, nearest first.
    pub fn explain(&self, wanted: &[SizeId]) -> Vec<Label> {
        let (mut labels, mut seen): (Vec<Label>, _) = (Vec::new(), BTreeSet::new());
        let mut near = wanted.to_vec();
        while !near.is_empty() {
            let mut next = Vec::new();
            for id in near {
                let Some((origin, named)) = self.origin(id) else { continue };
                if !seen.insert(origin) {
                    continue;
                }
                if let Some(label) = self.label(origin, &named) {
                    add(&mut labels, label);
                }
                next.extend(self.operands(origin));
            }
            near = next;
        }
        labels
    }

    /// The step that made the number: what only passes on is skipped, and the names that it passed through are told.
    /// None where it comes through a door that the message shows itself, unless a constant of the file is behind it.
    pub(super) fn origin(&self, id: SizeId) -> Option<(SizeId, Passed)> {
        let (mut id, mut passed) = (id, Passed::default());
        loop {
            let reason = &self.sizes.all[id].reason;
            let from = match &reason.rule {
                Rule::Bound(name) => {
                    passed.through(name, reason.at);
                    reason.from.first()
                }
                Rule::Same => reason.from.first(),
                Rule::Computed(_) => self.unchanged(id),
                Rule::Written | Rule::Remark | Rule::Poisoned => None,
            };
            match from {
                Some(from) => id = *from,
                None => return self.is_told(id, &passed).then_some((id, passed)),
            }
        }
    }

    fn is_told(&self, origin: SizeId, passed: &Passed) -> bool {
        let outside = |inside: Span| self.place(origin).is_some_and(|at| !inside.holds(at));
        let by_door = passed.calls.iter().any(|call| self.doors.contains(call)) || self.inside.is_some_and(outside);
        !by_door || self.is_constant(origin)
    }

    /// Whether it is written in a line `let name = ...`.
    fn is_constant(&self, id: SizeId) -> bool {
        let reason = &self.sizes.all[id].reason;
        let text = &self.sources.get(reason.at.source).text[..reason.at.start as usize];
        let line = text.rsplit('\n').next().unwrap_or_default();
        matches!(reason.rule, Rule::Written) && line.trim_start().starts_with("let ")
    }

    /// The operand that a computed size begins with, if the number is still the same.
    fn unchanged(&self, id: SizeId) -> Option<&'a SizeId> {
        let from = self.begins_with(&self.sizes.all[id].reason)?;
        let (before, after) = (self.sizes.value(*from)?, self.sizes.value(id)?);
        (before == after).then_some(from)
    }

    pub(super) fn begins_with(&self, reason: &'a Reason) -> Option<&'a SizeId> {
        let Rule::Computed(formula) = &reason.rule else { return None };
        reason.from.get(show::leading(formula)?)
    }

    fn label(&self, id: SizeId, passed: &Passed) -> Option<Label> {
        let at = self.place(id)?;
        let text = match &self.sizes.all[id].reason.rule {
            Rule::Computed(_) => show::formula(self.sizes, id),
            Rule::Written | Rule::Remark => passed.words(self, &show::size(self.sizes, id), at),
            Rule::Bound(_) | Rule::Same | Rule::Poisoned => return None,
        };
        Some(Label { at, text })
    }

    /// What to tell of next: the operands, but for those that stand inside of the step's own text. A step that is
    /// shown at the same place (`K = d·(k - 1) + 1` of one call) is passed over to its own operands.
    pub(super) fn operands(&self, id: SizeId) -> Vec<SizeId> {
        let own = self.place(id);
        let (mut found, mut open) = (Vec::new(), self.made_of(id));
        open.reverse();
        while let Some(from) = open.pop() {
            let Some((origin, _)) = self.origin(from) else { continue };
            let inside = own.zip(self.place(origin)).is_some_and(|(own, at)| own.holds(at));
            if inside {
                open.extend(self.made_of(origin).into_iter().rev());
            } else if !found.contains(&from) {
                found.push(from);
            }
        }
        found
    }

    fn made_of(&self, id: SizeId) -> Vec<SizeId> {
        let reason = &self.sizes.all[id].reason;
        if matches!(reason.rule, Rule::Computed(_)) { reason.from.clone() } else { Vec::new() }
    }

    /// Where a size is shown: its own place, or the user's call that led into the library.
    pub fn place(&self, id: SizeId) -> Option<Span> {
        let reason = &self.sizes.all[id].reason;
        if !self.sources.in_library(reason.at) {
            return Some(reason.at);
        }
        reason.from.iter().find_map(|from| self.place(*from))
    }

    /// The chain of steps that led to a size, oldest first: `28 → 26 → 13`.
    pub fn chain(&self, id: SizeId) -> Vec<Step> {
        let mut steps = Vec::new();
        // A chain is told from its first link, through all doors.
        let look = Explainer { doors: &[], inside: None, ..*self };
        let mut next = look.behind(id);
        while let Some(after) = next {
            let Some(from) = self.begins_with(&self.sizes.all[after].reason) else { break };
            let before = look.behind(*from);
            if let Some(at) = self.call(*from).or_else(|| self.place(after)) {
                steps.push(Step { at, before: before.unwrap_or(*from), after });
            }
            next = before;
        }
        steps.reverse();
        steps
    }

    /// The step that made a number, remarks on the way passed over.
    fn behind(&self, id: SizeId) -> Option<SizeId> {
        let (mut origin, _) = self.origin(id)?;
        while let (Rule::Remark, [from]) =
            (&self.sizes.all[origin].reason.rule, &self.sizes.all[origin].reason.from[..])
        {
            origin = self.origin(*from)?.0;
        }
        Some(origin)
    }

    /// The call through whose door a size came, if it is in the user's text.
    fn call(&self, id: SizeId) -> Option<Span> {
        let reason = &self.sizes.all[id].reason;
        matches!(reason.rule, Rule::Bound(_)).then_some(reason.at).filter(|at| !self.sources.in_library(*at))
    }

    /// Where a chain of steps over several axes led, a label for each line: `28x28 → 26x26 → 13x13`.
    pub fn chains(&self, axes: &[SizeId]) -> Vec<Label> {
        let mut chains: Vec<Vec<Step>> = axes.iter().map(|id| self.chain(*id)).collect();
        let places = |chain: &[Step]| chain.iter().map(|step| step.at).collect::<Vec<_>>();
        let Some(first) = chains.first().map(|chain| places(chain)) else { return Vec::new() };
        chains.retain(|chain| places(chain) == first);
        let mut labels: Vec<Label> = Vec::new();
        for (i, at) in first.iter().enumerate() {
            let pick = |of: fn(&Step) -> SizeId| chains.iter().map(|c| of(&c[i])).collect::<Vec<_>>();
            let (before, after) = (pick(|s| s.before), pick(|s| s.after));
            let after = show::by(self.sizes, &after);
            match labels.last_mut().filter(|label| self.one_line(label.at, *at)) {
                Some(label) => {
                    label.text.push_str(&format!(" → {after}"));
                    label.at = label.at.to(*at);
                }
                None => labels.push(Label { at: *at, text: format!("{} → {after}", show::by(self.sizes, &before)) }),
            }
        }
        labels
    }

    fn one_line(&self, a: Span, b: Span) -> bool {
        a.source == b.source && self.sources.position(a).0 == self.sources.position(b).0
    }
}

/// The doors that a number came through before it was written.
#[derive(Default)]
pub(super) struct Passed {
    /// The name that it has where it is used.
    pub(super) name: Option<Symbol>,
    calls: Vec<Span>,
}

impl Passed {
    fn through(&mut self, name: &Symbol, call: Span) {
        self.name.get_or_insert_with(|| name.clone());
        self.calls.push(call);
    }

    /// `128`, `D = 128`, `D = 128, by way of embed(width) on line 30`
    fn words(&self, look: &Explainer, value: &str, at: Span) -> String {
        let Some(name) = &self.name else { return value.to_string() };
        let own = if **name == *value { value.to_string() } else { format!("{name} = {value}") };
        let visible: Vec<Span> = self.calls.iter().copied().filter(|call| !look.sources.in_library(*call)).collect();
        match &visible[..] {
            [first, .., last] if first != last && !last.holds(at) => {
                let (line, text) = (look.sources.position(*last).0, look.sources.text(*last));
                format!("{own}, by way of {text} on line {line}")
            }
            _ => own,
        }
    }
}

/// Adds a label; labels at one place are joined.
pub fn add(labels: &mut Vec<Label>, new: Label) {
    match labels.iter_mut().find(|label| label.at == new.at) {
        Some(old) if old.text == new.text => {}
        Some(old) => old.text = format!("{}; {}", old.text, new.text),
        None => labels.push(new),
    }
}
