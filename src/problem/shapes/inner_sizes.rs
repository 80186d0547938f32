//! `W @ x` where a row of `W` has not as many numbers as `x`.

use crate::diagnostic::{Edit, Help};
use crate::problem::{Operand, Problem, Report};
use crate::size::{Explainer, SizeId};
use crate::source::Span;

/// The last axis of the left side and the first one of the right side differ.
#[derive(Clone, Debug)]
pub struct InnerSizes {
    /// The product.
    pub at: Span,
    pub lhs: Operand,
    pub rhs: Operand,
}

impl InnerSizes {
    fn inner(&self) -> Vec<SizeId> {
        self.lhs.shape.last().into_iter().chain(self.rhs.shape.first()).copied().collect()
    }

    /// The left side of another product in the same line, with which this one's may be exchanged.
    fn others(&self, look: &Explainer) -> Vec<Span> {
        let source = look.sources.get(self.at.source);
        let start = source.text[..self.at.start as usize].rfind('\n').map_or(0, |end| end + 1);
        let end = self.at.end as usize + source.text[self.at.end as usize..].find('\n').unwrap_or(0);
        let line = &source.text[start..end];
        let mut found = Vec::new();
        for (place, _) in line.match_indices('@') {
            let left = line[..place].trim_end();
            let name: usize = left.chars().rev().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
            let at = Span { start: (start + left.len() - name) as u32, end: (start + left.len()) as u32, ..self.at };
            if name > 0 && at != self.lhs.at && look.sources.text(at) != look.sources.text(self.lhs.at) {
                found.push(at);
            }
        }
        found
    }
}

impl Problem for InnerSizes {
    fn report(&self, r: &mut Report) {
        let [takes, has] = [self.lhs.shape.last(), self.rhs.shape.first()].map(|id| id.map_or("no".into(), |id| r.size(*id)));
        let (lhs, rhs) = (r.text(self.lhs.at), r.text(self.rhs.at));
        r.headline(format!("inner sizes of '@' differ: {lhs} takes {takes} numbers, {rhs} has {has}"));
        r.label(self.lhs.at, r.shape(&self.lhs.shape));
        r.label(self.rhs.at, r.shape(&self.rhs.shape));
        r.because(&self.inner());
    }

    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let own = look.sources.text(self.lhs.at);
        let is_name = own.chars().all(|c| c.is_alphanumeric() || c == '_');
        let exchange = |at: Span| {
            let other = look.sources.text(at);
            let edits = vec![Edit { at: self.lhs.at, text: other.into() }, Edit { at, text: own.into() }];
            let right = |at: Span| look.sources.get(at.source).text[at.end as usize..].split([' ', '\n', ')']).nth(2);
            let shown = |left: &str, at: Span| right(at).map(|right| format!("{left} @ {right}"));
            let checks = match (shown(other, self.lhs.at), shown(own, at)) {
                (Some(a), Some(b)) if self.lhs.at.start < at.start => format!("; `{a}` and `{b}` check"),
                (Some(a), Some(b)) => format!("; `{b}` and `{a}` check"),
                _ => String::new(),
            };
            Help { text: format!("{own} and {other} look exchanged{checks}"), edits }
        };
        if is_name { self.others(look).into_iter().map(exchange).collect() } else { Vec::new() }
    }
}
