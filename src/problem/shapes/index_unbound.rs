//! An index that stands on the right only: nothing says what to do with its values.

use crate::diagnostic::{Edit, Help};
use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::size::{Explainer, SizeId};
use crate::source::Span;

/// `y[i] = W[i, k] * x[k]`
#[derive(Clone, Debug)]
pub struct IndexUnbound {
    pub name: Symbol,
    /// Every place where it stands.
    pub uses: Vec<Span>,
    /// How many values it has, if that is known.
    pub extent: Option<SizeId>,
    /// The left side.
    pub left: Span,
    /// The part of the right side to put a sum around: the smallest product that holds all uses.
    pub term: Option<Span>,
}

impl Problem for IndexUnbound {
    fn report(&self, r: &mut Report) {
        let Some((first, rest)) = self.uses.split_first() else { return };
        r.headline(format!("{} stands on the right only", self.name));
        let left = r.text(self.left);
        let each: &str = left.split_once('[').map_or("", |(_, rest)| rest.trim_end_matches(']'));
        let each = if each.is_empty() { String::new() } else { format!(" for each {each}") };
        let many = self.extent.map_or("many".to_string(), |n| r.size(n));
        r.label(*first, format!("{many} values{each}"));
        for again in rest {
            r.label(*again, "the same");
        }
        let tensor = left.split('[').next().unwrap_or(&left).to_string();
        r.label(self.left, format!("{tensor} has no axis for them"));
        if let Some(summed) = self.term.map(|term| format!("sum({}: {})", self.name, r.text(term))) {
            r.help(format!("to add them up: `{summed}`"));
        }
    }

    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let Some(term) = self.term else { return Vec::new() };
        let summed = format!("sum({}: {})", self.name, look.sources.text(term));
        let text = format!("to add them up: `{summed}`");
        vec![Help { text, edits: vec![Edit { at: term, text: summed }] }]
    }
}
