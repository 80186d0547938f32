//! Bounds of affine forms where the conditions above hold.
//!
//! Each variable has an interval: its loop's, tightened by what the conditions say of it alone. Each condition gives its
//! form an interval too. A form is then split into multiples of such conditions' forms and a rest, and bounded piece by
//! piece: any split is sound, the best of a few is taken. (`8 i + u - 1` of a padded row is bounded by its own guard,
//! whatever `i` and `u` are.)

use super::super::{Address, Condition, VarId};

/// An interval, both ends included; empty where the first is greater.
pub(super) type Interval = (i128, i128);

/// What is known at a place.
#[derive(Default)]
pub(super) struct Facts {
    /// Open variables, outermost first.
    open: Vec<(VarId, Interval)>,
    conditions: Vec<Condition>,
    /// Derived from both; by variable as `open`, and the conditions' forms without their constants.
    boxes: Vec<(VarId, Interval)>,
    strips: Vec<(Address, Interval)>,
}

/// How many conditions' forms one form is split into at most.
const SPLITS: u32 = 3;

impl Facts {
    pub(super) fn new() -> Facts {
        Facts::default()
    }

    pub(super) fn mark(&self) -> (usize, usize) {
        (self.open.len(), self.conditions.len())
    }

    pub(super) fn forget(&mut self, mark: (usize, usize)) {
        self.open.truncate(mark.0);
        self.conditions.truncate(mark.1);
        self.derive();
    }

    pub(super) fn open(&mut self, var: VarId, trip: u32) {
        self.open.push((var, (0, i128::from(trip) - 1)));
        self.derive();
    }

    pub(super) fn assume(&mut self, condition: &Condition) {
        self.conditions.push(condition.clone());
        self.derive();
    }

    pub(super) fn is_open(&self, var: VarId) -> bool {
        self.open.iter().any(|o| o.0 == var)
    }

    /// The variables' intervals.
    pub(super) fn boxes(&self) -> Vec<(VarId, Interval)> {
        self.boxes.clone()
    }

    /// Bounds of a form; none where the place cannot be reached.
    pub(super) fn range(&self, form: &Address) -> Option<Interval> {
        let empty = |i: &Interval| i.0 > i.1;
        if self.boxes.iter().any(|b| empty(&b.1)) || self.strips.iter().any(|s| empty(&s.1)) {
            return None;
        }
        Some(self.split(form, SPLITS))
    }

    fn derive(&mut self) {
        self.boxes = self.open.clone();
        // A bound of one variable may tighten another's: twice is enough for what lowering writes.
        for _ in 0..2 {
            for i in 0..self.conditions.len() {
                self.tighten(i);
            }
        }
        self.strips.clear();
        for i in 0..self.conditions.len() {
            self.strip(i);
        }
    }

    /// Tightens the interval of each variable in a condition by the intervals of the others.
    fn tighten(&mut self, condition: usize) {
        let Condition { form, equal } = self.conditions[condition].clone();
        for &(var, factor) in &form.terms {
            let rest = self.interval(&form.without(var));
            let Some((_, range)) = self.boxes.iter_mut().find(|b| b.0 == var) else { continue };
            let factor = i128::from(factor);
            // factor * var >= -rest.1, and where it is an equation factor * var <= -rest.0
            at_least(range, factor, -rest.1);
            if equal {
                at_least(range, -factor, rest.0);
            }
        }
    }

    /// Gives the form of a condition, turned such that its first coefficient is positive, its interval.
    fn strip(&mut self, condition: usize) {
        let Condition { form, equal } = self.conditions[condition].clone();
        let Some(&(_, first)) = form.terms.first() else {
            let constant = i128::from(form.constant);
            if constant < 0 || (equal && constant != 0) {
                self.strips.push((form, (1, 0)));
            }
            return;
        };
        let sign = if first > 0 { 1 } else { -1 };
        let constant = i128::from(form.constant);
        let turned = Address { constant: 0, ..form * sign };
        let known = self.interval(&turned);
        let at = self.strips.iter().position(|s| s.0 == turned).unwrap_or_else(|| {
            self.strips.push((turned, known));
            self.strips.len() - 1
        });
        let range = &mut self.strips[at].1;
        if sign > 0 || equal {
            range.0 = range.0.max(-constant * i128::from(sign));
        }
        if sign < 0 || equal {
            range.1 = range.1.min(-constant * i128::from(sign));
        }
    }

    /// By the variables' intervals alone.
    fn interval(&self, form: &Address) -> Interval {
        let constant = i128::from(form.constant);
        form.terms.iter().fold((constant, constant), |sum, &(var, factor)| {
            let range = self.boxes.iter().find(|b| b.0 == var).map_or((0, 0), |b| b.1);
            add(sum, scale(range, i128::from(factor)))
        })
    }

    fn split(&self, form: &Address, depth: u32) -> Interval {
        let mut best = self.interval(form);
        if depth == 0 {
            return best;
        }
        for (strip, range) in &self.strips {
            let mut tried = Vec::new();
            for &(var, factor) in &strip.terms {
                let has = form.coefficient(var);
                if has == 0 || has % factor != 0 || tried.contains(&(has / factor)) {
                    continue;
                }
                let times = has / factor;
                tried.push(times);
                let rest = self.split(&(form.clone() - strip.clone() * times), depth - 1);
                let sum = add(rest, scale(*range, i128::from(times)));
                best = (best.0.max(sum.0), best.1.min(sum.1));
            }
        }
        best
    }
}

/// Tightens an interval of x to `factor * x >= bound`.
fn at_least(range: &mut Interval, factor: i128, bound: i128) {
    if factor > 0 {
        // x >= ceil(bound / factor)
        range.0 = range.0.max(-(-bound).div_euclid(factor));
    } else {
        // x <= floor(-bound / -factor)
        range.1 = range.1.min((-bound).div_euclid(-factor));
    }
}

fn add(a: Interval, b: Interval) -> Interval {
    (a.0 + b.0, a.1 + b.1)
}

fn scale(a: Interval, factor: i128) -> Interval {
    if factor >= 0 { (a.0 * factor, a.1 * factor) } else { (a.1 * factor, a.0 * factor) }
}
