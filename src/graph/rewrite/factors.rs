//! A product seen as its factors: what is multiplied, what is divided by, and a number.

use crate::graph::{Binary, Expr, ExprId, Exprs, Unary};

/// `number * product(above) / product(below)`
#[derive(Clone, Debug)]
pub struct Factors {
    pub number: f64,
    pub above: Vec<ExprId>,
    pub below: Vec<ExprId>,
}

impl Factors {
    /// Of an expression; one that is no product is its own only factor.
    pub fn of(exprs: &Exprs, id: ExprId) -> Factors {
        let mut factors = Factors { number: 1.0, above: Vec::new(), below: Vec::new() };
        factors.collect(exprs, id, false);
        factors
    }

    fn collect(&mut self, exprs: &Exprs, id: ExprId, inverse: bool) {
        match exprs[id] {
            Expr::Binary(Binary::Mul, a, b) => {
                self.collect(exprs, a, inverse);
                self.collect(exprs, b, inverse);
            }
            Expr::Binary(Binary::Div, a, b) => {
                self.collect(exprs, a, inverse);
                self.collect(exprs, b, !inverse);
            }
            Expr::Unary(Unary::Neg, x) => {
                self.number = -self.number;
                self.collect(exprs, x, inverse);
            }
            // A square's derivative comes as the same addend twice.
            Expr::Binary(Binary::Add, a, b) if a == b && !inverse => {
                self.number *= 2.0;
                self.collect(exprs, a, inverse);
            }
            Expr::Const(value) if !inverse && value.0.is_finite() => self.number *= value.0,
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => {
                if inverse { &mut self.below } else { &mut self.above }.push(id);
            }
        }
    }

    /// The product again.
    pub fn product(&self, exprs: &mut Exprs) -> ExprId {
        let one = exprs.number(1.0);
        let above = self.above.iter().fold(one, |product, &factor| exprs.mul(product, factor));
        let whole = self.below.iter().fold(above, |quotient, &factor| exprs.div(quotient, factor));
        let number = exprs.number(self.number);
        exprs.mul(whole, number)
    }
}
