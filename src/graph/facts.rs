//! What is known of the axes of an equation where its guards hold: a range for each axis, and forms that are not
//! negative. Enough to prove a range by intervals, or because a guard *is* the bound; no solver.

use super::affine::{Range, gcd, ranges};
use super::{Affine, Arena, Axis, Dtype, Guard, Rel, Sign, Tensor};

/// How many guards together may be the bound.
const DEPTH: usize = 2;
/// How often ranges are tightened by each other.
const ROUNDS: usize = 4;

#[derive(Clone, Debug)]
pub struct Facts {
    /// A range for each axis; one that is empty tells that no point is live.
    pub ranges: Vec<Range>,
    /// Forms that are not negative.
    forms: Vec<Affine>,
}

impl Facts {
    /// Of the box alone.
    pub fn new(axes: &[Axis]) -> Facts {
        Facts { ranges: ranges(axes), forms: Vec::new() }
    }

    /// With guards that hold too; of those with data, what the range of the data tells.
    pub fn with(mut self, tensors: &Arena<Tensor>, guards: &[Guard]) -> Facts {
        let before = self.forms.len();
        guards.iter().for_each(|guard| self.learn(tensors, guard));
        let rounds = if self.forms.len() > before { ROUNDS } else { 0 };
        for _ in 0..rounds {
            for at in 0..self.forms.len() {
                self.tighten(at);
            }
        }
        self
    }

    /// Where not all of the guards hold: something is known only if there is one, and it is an inequality.
    pub fn without(self, tensors: &Arena<Tensor>, guards: &[Guard]) -> Facts {
        match guards {
            [Guard { form, data: None, rel: Rel::Ge }] => {
                let opposite = Guard { form: form.times(-1).shift(-1), data: None, rel: Rel::Ge };
                self.with(tensors, &[opposite])
            }
            _ => self,
        }
    }

    fn learn(&mut self, tensors: &Arena<Tensor>, guard: &Guard) {
        let data = match &guard.data {
            None => Range::of(0, 0),
            Some((sign, access)) => match tensors[access.tensor].dtype {
                Dtype::Index(end) => Range::below(end).times(if *sign == Sign::Plus { 1 } else { -1 }),
                Dtype::Real => return,
            },
        };
        self.add(&guard.form, data.high);
        if guard.rel == Rel::Eq {
            self.add(&guard.form.times(-1), -data.low);
        }
    }

    /// `form + more >= 0`, divided by the step of the form.
    fn add(&mut self, form: &Affine, more: i64) {
        let Ok(more) = i32::try_from(more) else { return };
        let form = form.shift(more);
        let step = form.step();
        if step > 1 {
            let terms = form.terms.iter().map(|&(axis, factor)| (usize::from(axis), factor / step));
            self.forms.push(Affine::of(form.constant.div_euclid(step), terms));
        } else if step == 1 {
            self.forms.push(form);
        } else if form.constant < 0 {
            self.ranges.iter_mut().for_each(|range| *range = Range::of(0, -1));
            self.forms.push(form);
        }
    }

    /// Cuts the range of each axis to what the form allows.
    fn tighten(&mut self, at: usize) {
        if self.is_dead() {
            return;
        }
        let form = &self.forms[at];
        let whole = form.range(&self.ranges).high;
        for &(axis, factor) in &form.terms {
            let range = &mut self.ranges[usize::from(axis)];
            let factor = i64::from(factor);
            if factor > 0 {
                let rest = whole - factor * range.high;
                range.low = range.low.max(-rest.div_euclid(factor));
            } else {
                let rest = whole - factor * range.low;
                range.high = range.high.min(rest.div_euclid(-factor));
            }
            if range.is_empty() {
                return;
            }
        }
    }

    /// Whether no point is live, as far as one can see.
    pub fn is_dead(&self) -> bool {
        self.ranges.iter().any(|range| range.is_empty()) || self.forms.iter().any(|form| form.as_number().is_some())
    }

    /// Whether the form is not negative at any live point, as far as one can see.
    pub fn proves(&self, form: &Affine) -> bool {
        self.is_dead() || self.proves_at(form, DEPTH)
    }

    fn proves_at(&self, form: &Affine, depth: usize) -> bool {
        if form.range(&self.ranges).low >= 0 {
            return true;
        }
        depth > 0
            && self.forms.iter().any(|fact| {
                let factors = fact.terms.iter().map(|&(axis, by)| (form.coefficient(axis.into()), by));
                let mut factors = factors.filter(|&(has, by)| has % by == 0 && has / by > 0).map(|(has, by)| has / by);
                factors.any(|factor| self.proves_at(&form.plus_times(-factor, fact), depth - 1))
            })
    }

    /// Whether a guard holds at every live point, as far as one can see.
    pub fn implies(&self, guard: &Guard) -> bool {
        guard.data.is_none() && self.proves(&guard.form) && (guard.rel == Rel::Ge || self.proves(&guard.form.times(-1)))
    }

    /// Whether a guard holds at no live point, as far as one can see.
    pub fn refutes(&self, guard: &Guard) -> bool {
        if guard.data.is_some() {
            return false;
        }
        let below = self.proves(&guard.form.times(-1).shift(-1));
        let between = guard.form.step() > 1 && guard.form.constant % gcd(guard.form.step(), 0) != 0;
        below || guard.rel == Rel::Eq && (between || self.proves(&guard.form.shift(-1)))
    }

    /// Whether the form's value lies below the extent, from 0, at every live point.
    pub fn inside(&self, form: &Affine, extent: u32) -> bool {
        let Ok(last) = i32::try_from(i64::from(extent) - 1) else { return false };
        self.proves(form) && self.proves(&form.times(-1).shift(last))
    }
}
