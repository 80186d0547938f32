//! What is allowed and is yet most often a slip: rows that no window reads, names that nothing reads.
//!
//! **Invariant**: a lint poisons nothing and is told once a place.

use super::checker::Checker;
use super::found::{Fact, Found};
use super::scope::{Entry, Env};
use crate::ids::Symbol;
use crate::size::{Formula, Rule, SizeId, show};
use crate::source::Span;
use crate::source::tree::{Name, Statement, StatementKind, Target};
use std::collections::BTreeMap;

impl<'t> Checker<'t> {
    /// Pushes a finding that is no error.
    pub fn lint(&mut self, fact: Fact, at: Span, env: &Env) {
        let at = env.shown(at);
        let same = |f: &Found| f.at == at && std::mem::discriminant(&f.fact) == std::mem::discriminant(&fact);
        if self.quiet == 0 && !self.found.iter().any(same) {
            self.found.push(Found { fact, at, uses: Vec::new(), limits: BTreeMap::new() });
        }
    }

    /// Windows in steps that end before the axis does: `(W - K + 2 P) % S` is above `P`.
    pub fn drops_rows(&mut self, dims: &[Option<SizeId>], at: Span, env: &Env) {
        let windows: Vec<Window> = dims.iter().flatten().filter_map(|&size| self.window(size)).collect();
        let Some(first) = windows.iter().find(|w| w.lost > 0) else { return };
        let fact = Fact::DropsRows {
            window: windows.iter().map(|w| w.window).collect(),
            input: windows.iter().map(|w| w.input).collect(),
            output: first.output,
            lost: windows.iter().map(|w| w.lost).collect(),
        };
        self.lint(fact, at, env);
    }

    fn window(&self, size: SizeId) -> Option<Window> {
        let output = self.sizes.made(size);
        let reason = &self.sizes.all[output].reason;
        let Rule::Computed(formula) = &reason.rule else { return None };
        let (input, window) = show::window(formula)?;
        let Formula::Add(places, _) = formula else { return None };
        let Formula::Floor(gap, step) = &**places else { return None };
        let at = |part: &Formula| self.sizes.value_of(part, &reason.from);
        let (input, window) = (reason.from[input], reason.from[window]);
        let (gap_is, step, covers) = (at(gap)?, at(step)?, self.sizes.number(window)?);
        let pad = doubled(gap).and_then(at).unwrap_or(0);
        // Steps wider than the window leave rows out everywhere, which is meant.
        let lost = if step <= covers && step > 0 && gap_is >= 0 { (gap_is % step - pad).max(0) } else { 0 };
        Some(Window { input, window, output, lost })
    }

    /// In the user's own text what nothing asked for is looked at too, and remembered as unread.
    pub fn look_at_rest(&mut self, env: &Env) {
        let names: Vec<Symbol> = self.scope(env.scope).names.keys().filter(|name| !name.is_empty()).cloned().collect();
        for name in names {
            let Some(Entry::Pending(statements)) = self.scope(env.scope).names.get(&name) else { continue };
            let at = name_at(statements[0], &name);
            let asked = at.is_some_and(|at| self.asked.contains(&at));
            // A circle was reported where it closed.
            let _ = self.force(env.scope, &name);
            if let (Some(at), false) = (at, asked) {
                self.asked.remove(&at);
                self.unasked.insert(at, name);
            }
        }
    }

    /// Definitions that no use of their body reads; not told beside errors, which may be why.
    pub fn unread(&mut self, env: &Env) {
        if self.raised > 0 {
            return;
        }
        for (at, name) in std::mem::take(&mut self.unasked) {
            if !self.asked.contains(&at) {
                self.lint(Fact::Unread { name }, at, env);
            }
        }
    }
}

/// One axis that a window slides over.
struct Window {
    input: SizeId,
    window: SizeId,
    output: SizeId,
    /// Elements at the end that are never read.
    lost: i64,
}

/// `P` of a term `2 * P`.
fn doubled(formula: &Formula) -> Option<&Formula> {
    match formula {
        Formula::Mul(two, pad) if **two == Formula::Number(2) => Some(pad),
        Formula::Add(a, b) | Formula::Sub(a, b) => doubled(b).or_else(|| doubled(a)),
        Formula::Number(_) | Formula::From(_) | Formula::Neg(_) | Formula::Mul(..) | Formula::Div(..) => None,
        Formula::Floor(..) | Formula::Rem(..) | Formula::Max(..) | Formula::Min(..) => None,
    }
}

/// Where a statement defines a name.
pub fn name_at(statement: &Statement, name: &Symbol) -> Option<Span> {
    let of = |names: &[Name]| names.iter().find(|n| n.text == *name).map(|n| n.at);
    match &statement.kind {
        StatementKind::Define { target: Target::Name(own), .. } => of(std::slice::from_ref(own)),
        StatementKind::Define { target: Target::Indexed { name: own, .. }, .. } => of(std::slice::from_ref(own)),
        StatementKind::Define { target: Target::Tuple(names, _), .. } => of(names),
        StatementKind::Param { names, .. } | StatementKind::State { names, .. } => of(names),
        StatementKind::Noise { names, .. } => of(names),
        StatementKind::Update { .. } | StatementKind::Require { .. } | StatementKind::Minimise { .. } => None,
        StatementKind::Report { .. } | StatementKind::Show { .. } | StatementKind::Result { .. } => None,
    }
}
