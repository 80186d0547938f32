//! Ranges whose ends are open lengths: what must hold for them, and for which lengths it does.
//!
//! **Invariant**: what is asked of a length is in `Sizes::limits` while its equations are checked, with the first place
//! that asked, and goes with the equations into the checked net.

use super::checker::Checker;
use super::found::Fact;
use super::net::{Comparison, Condition, Linear, VarId};
use super::scope::Env;
use crate::ids::Symbol;
use crate::size::{Formula, Holds, Limits, Poly, SizeId, at_least_zero};
use crate::source::Span;
use std::cmp::Ordering;

impl<'t> Checker<'t> {
    /// The largest value of a form, or with `sign` -1 that of its negation: `sum(|by| * (extent - 1))` and the constant.
    fn extreme(&self, form: &Linear, sign: i64) -> Option<Poly> {
        let mut top = form.constant.scale(sign).ok()?;
        for (var, by) in &form.terms {
            let by = by.scale(sign).ok()?;
            let falls = match by.as_number() {
                Some(n) => n < 0,
                // Strides that are lengths are from 0 on.
                None => at_least_zero(&by, &self.sizes.limits) != Holds::Always,
            };
            if falls {
                continue;
            }
            let extent = self.sizes.value(self.flat.extent(*var)?)?;
            top = top.add(&by.mul(&extent.sub(&Poly::number(1)).ok()?).ok()?).ok()?;
        }
        Some(top)
    }

    /// The smallest value of a form.
    pub fn lowest(&self, form: &Linear) -> Option<Poly> {
        self.extreme(form, -1)?.neg().ok()
    }

    /// The largest value of a form.
    pub fn highest(&self, form: &Linear) -> Option<Poly> {
        self.extreme(form, 1)
    }

    /// When a form is at least 0 for all values of its indices.
    pub fn never_below(&self, form: &Linear) -> Holds {
        self.lowest(form).map_or(Holds::Unknown, |low| at_least_zero(&low, &self.sizes.limits))
    }

    /// The largest value of a form, and one: how long an axis is whose last element it writes.
    pub fn reach_of(&mut self, form: &Linear, at: Span) -> Option<SizeId> {
        let mut sum = Formula::Number(form.constant.as_number()?.checked_add(1)?);
        let mut from: Vec<SizeId> = Vec::new();
        for (var, by) in &form.terms {
            let by = by.as_number().filter(|by| *by > 0)?;
            from.push(self.flat.extent(*var)?);
            let last = Formula::Sub(Box::new(Formula::From(from.len() - 1)), Box::new(Formula::Number(1)));
            let term = if by == 1 { last } else { Formula::Mul(Box::new(Formula::Number(by)), Box::new(last)) };
            sum = Formula::Add(Box::new(term), Box::new(sum));
        }
        Some(self.sizes.derive(sum, &from, at).unwrap_or_else(|fault| fault.size))
    }

    /// The largest range of an index for which a form with lengths in it stays inside of an axis.
    pub fn widest_open(&mut self, var: VarId, form: &Linear, size: SizeId, at: Span, env: &Env) -> SizeId {
        let by = form.terms.iter().find(|(v, _)| *v == var).and_then(|(_, by)| by.as_number());
        let terms = form.terms.iter().filter(|(v, _)| *v != var).cloned().collect();
        let rest = Linear { constant: form.constant.clone(), terms };
        // Steps that are left above the largest value, or below the smallest.
        let left = match by {
            Some(by) if by > 0 => self.highest(&rest).zip(self.sizes.value(size).cloned()).and_then(|(high, size)| {
                size.sub(&high).ok()?.sub(&Poly::number(1)).ok()?.div_floor(&Poly::number(by)).ok()
            }),
            Some(by) => self.lowest(&rest).and_then(|low| low.div_floor(&Poly::number(-by)).ok()),
            None => {
                let name = self.flat.vars[var.index()].name.clone();
                self.no_range(name, at, env);
                None
            }
        };
        match left.and_then(|left| left.add(&Poly::number(1)).ok()) {
            Some(extent) => {
                let extent = self.sizes.remark(extent, Some(size), at);
                self.to_length(super::values::Value::size(extent, at), at, env)
            }
            None => self.sizes.poison(at),
        }
    }

    /// The longer one of two axes; the first if that cannot be told.
    pub fn longer(&mut self, a: SizeId, b: SizeId, at: Span) -> SizeId {
        let (Some(x), Some(y)) = (self.sizes.value(a).cloned(), self.sizes.value(b).cloned()) else { return a };
        match self.order_of(&x, &y) {
            Some(Ordering::Less) => b,
            Some(Ordering::Equal | Ordering::Greater) => a,
            None => {
                let formula = Formula::Max(Box::new(Formula::From(0)), Box::new(Formula::From(1)));
                self.sizes.derive(formula, &[a, b], at).unwrap_or(a)
            }
        }
    }

    /// The order of two sizes, where it is the same for all lengths; equal where they sometimes are.
    fn order_of(&self, x: &Poly, y: &Poly) -> Option<Ordering> {
        let difference = x.sub(y).ok()?;
        if difference.is_zero() {
            return Some(Ordering::Equal);
        }
        let always = |difference: &Poly| at_least_zero(difference, &self.sizes.limits) == Holds::Always;
        match (always(&difference), always(&difference.neg().ok()?)) {
            (true, _) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }

    /// The shorter one of two axes; the first if one is poison.
    pub fn shorter(&mut self, a: SizeId, b: SizeId, at: Span) -> SizeId {
        let (Some(x), Some(y)) = (self.sizes.value(a).cloned(), self.sizes.value(b).cloned()) else { return a };
        match self.order_of(&x, &y) {
            Some(Ordering::Greater) => b,
            Some(Ordering::Equal | Ordering::Less) => a,
            None => {
                let formula = Formula::Min(Box::new(Formula::From(0)), Box::new(Formula::From(1)));
                self.sizes.derive(formula, &[a, b], at).unwrap_or(a)
            }
        }
    }

    /// Something that must hold asks for limits of a length.
    pub fn limit(&mut self, name: &Symbol, limits: Limits, at: Span, env: &Env) {
        if self.quiet > 0 {
            return;
        }
        let at = env.shown(at);
        let known = self.sizes.limits.get(name).copied().unwrap_or_default();
        let low = known.low.max(limits.low);
        let high = match (known.high, limits.high) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if high.is_some_and(|high| high < low) {
            let other = self.flat.limits.get(name).map(|(_, at)| *at);
            let fact = Fact::NoLength { name: name.clone(), low, high: high.unwrap_or(low), other };
            return self.raise(fact, at, env);
        }
        let merged = Limits { low, high };
        if merged != known {
            self.sizes.limits.insert(name.clone(), merged);
            self.flat.limits.insert(name.clone(), (merged, at));
        }
    }

    /// Whether a condition between sizes holds: `None` where it depends on a length. With `ask` the length is limited
    /// to values for which it does.
    pub fn compare_lengths(
        &mut self,
        relation: Comparison,
        a: &Poly,
        b: &Poly,
        ask: bool,
        at: Span,
        env: &Env,
    ) -> Option<bool> {
        // As a difference that is at least 0 where the relation holds.
        let difference = match relation {
            Comparison::Le => b.sub(a),
            Comparison::Ge => a.sub(b),
            Comparison::Lt => b.sub(a).and_then(|d| d.sub(&Poly::number(1))),
            Comparison::Gt => a.sub(b).and_then(|d| d.sub(&Poly::number(1))),
            Comparison::Eq | Comparison::Ne => return None,
        };
        match at_least_zero(&difference.ok()?, &self.sizes.limits) {
            Holds::Always => Some(true),
            Holds::Never => Some(false),
            Holds::Within(name, limits) if ask => {
                self.limit(&name, limits, at, env);
                Some(true)
            }
            Holds::Within(..) | Holds::Unknown => None,
        }
    }
}

/// What a condition on indices says where it holds, or where it does not: forms that are at least 0 there.
pub fn assumed(condition: &Condition, holds: bool, found: &mut Vec<Linear>) {
    match (condition, holds) {
        (Condition::And(a, b), true) | (Condition::Or(a, b), false) => {
            assumed(a, holds, found);
            assumed(b, holds, found);
        }
        (Condition::And(..), false) | (Condition::Or(..), true) | (Condition::Real(..), _) => {}
        (Condition::Index { form, relation }, _) => {
            let turned = |sign: i64, add: i64| {
                let form = form.times(&Poly::number(sign)).ok()?;
                form.plus(&Linear::number(add)).ok()
            };
            let forms = match (relation, holds) {
                (Comparison::Ge, true) | (Comparison::Lt, false) => [turned(1, 0), None],
                (Comparison::Gt, true) | (Comparison::Le, false) => [turned(1, -1), None],
                (Comparison::Le, true) | (Comparison::Gt, false) => [turned(-1, 0), None],
                (Comparison::Lt, true) | (Comparison::Ge, false) => [turned(-1, -1), None],
                (Comparison::Eq, true) | (Comparison::Ne, false) => [turned(1, 0), turned(-1, 0)],
                (Comparison::Eq, false) | (Comparison::Ne, true) => [None, None],
            };
            found.extend(forms.into_iter().flatten());
        }
    }
}
