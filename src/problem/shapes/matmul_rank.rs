//! `A @ B` where both have more than two axes, or one has none.

use crate::problem::{Operand, Problem, Report};

/// What `@` does not say by itself.
#[derive(Clone, Debug)]
pub struct MatMulRank {
    pub lhs: Operand,
    pub rhs: Operand,
}

impl Problem for MatMulRank {
    fn report(&self, r: &mut Report) {
        let (lhs, rhs) = (r.shape(&self.lhs.shape), r.shape(&self.rhs.shape));
        r.headline(format!("'@' takes [.., k] and [k] or [k, m], not {lhs} and {rhs}"));
        r.label(self.lhs.at, lhs);
        r.label(self.rhs.at, rhs);
        let (a, b) = (r.text(self.lhs.at), r.text(self.rhs.at));
        r.help(format!("say it with indices: `y[h, i, j] = sum(k: {a}[h, i, k] * {b}[h, k, j])`"));
    }
}
