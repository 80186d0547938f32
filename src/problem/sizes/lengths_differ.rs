//! Two sizes that must be equal, and are for some lengths only.

use crate::diagnostic::{Edit, Help};
use crate::ids::Symbol;
use crate::problem::{Operand, Problem, Report};
use crate::size::{Explainer, Limits, SizeId, Verdict, compare_within};
use crate::source::Span;
use std::collections::BTreeMap;

/// `concat` of T and 2·floor(T/2) rows.
#[derive(Clone, Debug)]
pub struct LengthsDiffer {
    /// What wants them equal: `concat`, `'+'`, `'@'`.
    pub what: String,
    pub lhs: Operand,
    pub rhs: Operand,
    /// The two sizes.
    pub sizes: (SizeId, SizeId),
    /// What is known of the lengths in them.
    pub limits: BTreeMap<Symbol, Limits>,
}

impl LengthsDiffer {
    fn verdict(&self, look: &Explainer) -> Verdict {
        match (look.sizes.value(self.sizes.0), look.sizes.value(self.sizes.1)) {
            (Some(a), Some(b)) => compare_within(a, b, &self.limits),
            (None, _) | (_, None) => Verdict::Equal,
        }
    }

    /// The only symbol in both sizes.
    fn symbol(&self, look: &Explainer) -> Option<Symbol> {
        let values = [self.sizes.0, self.sizes.1].map(|id| look.sizes.value(id));
        let mut names: Vec<Symbol> = values.into_iter().flatten().flat_map(|n| n.symbols()).collect();
        names.sort();
        names.dedup();
        <[Symbol; 1]>::try_from(names).ok().map(|[one]| one)
    }

    /// The smallest m such that the sizes are equal exactly where m divides the length.
    fn step(&self, look: &Explainer, name: &Symbol) -> Option<i64> {
        let (a, b) = (look.sizes.value(self.sizes.0)?, look.sizes.value(self.sizes.1)?);
        let difference = a.sub(b).ok()?;
        let low = self.limits.get(name).copied().unwrap_or_default().low;
        let equal = |n: i64| {
            difference.value_at(&BTreeMap::from([(name.clone(), n)])).ok().flatten().map(|difference| difference == 0)
        };
        (2..=16).find(|m| (low..low + 64).all(|n| equal(n) == Some(n % m == 0)))
    }

    /// The text of the length where it is bound.
    fn written(&self, look: &Explainer, name: &Symbol) -> Option<Span> {
        let labels = look.explain(&[self.sizes.0, self.sizes.1]);
        labels.into_iter().map(|label| label.at).find(|at| look.sources.text(*at) == &**name)
    }
}

impl Problem for LengthsDiffer {
    fn report(&self, r: &mut Report) {
        let look = r.look;
        let (a, b) = (r.size(self.sizes.0), r.size(self.sizes.1));
        let name = self.symbol(&look);
        let step = name.as_ref().and_then(|name| self.step(&look, name).map(|step| (name, step)));
        let verdict = self.verdict(&look);
        let when = match (&step, &verdict) {
            (Some((name, 2)), _) => format!("{a} and {b} differ when {name} is odd"),
            (Some((name, m)), _) => format!("{a} and {b} differ unless {m} divides {name}"),
            (None, Verdict::Counterexample(at)) => format!("{a} and {b} differ when {}", told(at)),
            (None, Verdict::Undecided | Verdict::Equal) => format!("whether {a} and {b} are cannot be told"),
            (None, Verdict::Differ) => format!("{a} and {b} differ"),
        };
        r.headline(format!("{} needs equal lengths; {when}", self.what));
        let same = self.lhs.at == self.rhs.at;
        r.label(self.lhs.at, r.shape(&self.lhs.shape));
        if !same {
            r.label(self.rhs.at, r.shape(&self.rhs.shape));
        }
        if let Some(name) = &name
            && let Some(at) = self.written(&look, name)
        {
            r.label(at, format!("{name} is any length{}", bounds(self.limits.get(name))));
        }
        r.because(&[self.sizes.0, self.sizes.1]);
        if let Verdict::Counterexample(at) = &verdict {
            let binding: BTreeMap<Symbol, i64> = at.iter().cloned().collect();
            let value = |id: SizeId| {
                let value = r.sizes().value(id).and_then(|n| n.value_at(&binding).ok().flatten());
                value.map_or("?".to_string(), |n| n.to_string())
            };
            r.note(format!("{} gives {} and {}", told(at), value(self.sizes.0), value(self.sizes.1)));
        }
        match step {
            Some((_, m)) => r.help(always(m)),
            None => r.help("a pattern in the input's shape states such a fact: `x: [8, 2 * n]`"),
        }
    }

    /// The input's length as a multiple.
    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let pattern = || {
            let name = self.symbol(look)?;
            let m = self.step(look, &name)?;
            let at = self.written(look, &name)?;
            let text = &look.sources.get(at.source).text;
            let line = text[..at.start as usize].rfind('\n').map_or(0, |end| end + 1);
            let open = line + text[line..at.start as usize].rfind('[')?;
            let close = at.end as usize + text[at.end as usize..].find(']')?;
            let shape = format!("{}{m} * n{}", &text[open..at.start as usize], &text[at.end as usize..=close]);
            let input = text[line..open].trim_end().trim_end_matches(':').trim_end();
            let input = input.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            let text = format!("{}: `{input}: {shape}`", always(m));
            Some(Help { text, edits: vec![Edit { at, text: format!("{m} * n") }] })
        };
        pattern().into_iter().collect()
    }
}

fn always(m: i64) -> String {
    match m {
        2 => "if lengths are always even, say so".to_string(),
        m => format!("if lengths are always multiples of {m}, say so"),
    }
}

/// `T = 3`, `T = 1, S = 2`
fn told(at: &[(Symbol, i64)]) -> String {
    at.iter().map(|(name, n)| format!("{name} = {n}")).collect::<Vec<_>>().join(", ")
}

/// ` from 2 on`, ` from 1 to 128`
fn bounds(limits: Option<&Limits>) -> String {
    match limits {
        None | Some(Limits { low: ..=1, high: None }) => String::new(),
        Some(Limits { low, high: None }) => format!(" from {low} on"),
        Some(Limits { low, high: Some(high) }) => format!(" from {low} to {high}"),
    }
}
