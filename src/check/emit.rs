//! A piece on its way into the list: simplified where index ranges decide, and proved to stay in range.
//!
//! A read is in range if intervals say so, or if a condition above it is the bound itself up to something that
//! intervals prove. Sizes that are not numbers (names still free, errors before) are not judged.

use super::checker::Checker;
use super::flat::NewPiece;
use super::forms::each_part;
use super::found::Fact;
use super::net::{Comparison, Condition, Linear, Reduction, Scalar, Subscript, TensorId, VarId};
use super::scope::Env;
use super::symbolic::assumed;
use crate::ids::Symbol;
use crate::size::{Holds, Poly, SizeId, at_least_zero};
use crate::source::Span;
use indexmap::IndexMap;
use smallvec::SmallVec;

impl<'t> Checker<'t> {
    /// Adds a piece.
    pub fn emit(&mut self, mut piece: NewPiece, env: &Env) {
        if self.drop_units(&mut piece.body) && !self.flat.settle_all(&mut piece.body) {
            return self.raise(Fact::TooLarge { size: None }, piece.at, env);
        }
        let body = std::mem::replace(&mut piece.body, Scalar::Number(0.0));
        piece.body = self.simplify(body);
        self.check_reads(&piece.body, env);
        self.across(&piece, env);
        self.flat.define(piece);
    }

    /// A reduction across the batch cannot be mapped: its block sees all examples at once.
    fn across(&mut self, piece: &NewPiece, env: &Env) {
        if env.ambient.is_empty() {
            return;
        }
        let mut across = false;
        each_part(&piece.body, &mut |part| {
            across |= matches!(part, Scalar::Reduce { across_batch: true, .. });
        });
        if across {
            let block = self.use_label(env);
            self.raise(Fact::Mapped { block, why: "it reduces across the batch" }, env.call.unwrap_or(piece.at), env);
        }
    }

    /// Takes reduced axes of length 1 away: the sum of one is that one.
    fn drop_units(&mut self, body: &mut Scalar) -> bool {
        let mut units = Vec::new();
        each_part(body, &mut |part| {
            if let Scalar::Reduce { vars, .. } = part {
                units.extend(vars.iter().copied().filter(|&var| self.flat.range(&self.sizes, var) == Some((0, 0))));
            }
        });
        for &var in &units {
            self.flat.bind(var, Linear::number(0));
        }
        !units.is_empty()
    }

    fn simplify(&self, scalar: Scalar) -> Scalar {
        let of = |inner: Box<Scalar>| Box::new(self.simplify(*inner));
        match scalar {
            Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) | Scalar::Load { .. } => scalar,
            Scalar::Unary(op, a) => Scalar::Unary(op, of(a)),
            Scalar::Binary(op, a, b) => Scalar::Binary(op, of(a), of(b)),
            Scalar::If(condition, a, b) => match self.simplify_condition(condition) {
                Ok(true) => self.simplify(*a),
                Ok(false) => self.simplify(*b),
                Err(condition) => Scalar::If(condition, of(a), of(b)),
            },
            Scalar::Reduce { by, mut vars, across_batch, body } => {
                vars.retain(|&var| self.flat.vars[var.index()].bound.is_none());
                if !vars.is_empty() || across_batch {
                    return Scalar::Reduce { by, vars, across_batch, body: of(body) };
                }
                match by {
                    Reduction::Sum | Reduction::Mean | Reduction::Max => self.simplify(*body),
                    Reduction::Min | Reduction::Prod => self.simplify(*body),
                    Reduction::ArgMax => Scalar::Number(0.0),
                }
            }
        }
    }

    /// Ok: decided for all values of the indices.
    fn simplify_condition(&self, condition: Condition) -> Result<bool, Condition> {
        match condition {
            Condition::Index { form, relation } => match self.decide(&form, relation) {
                Some(known) => Ok(known),
                None => Err(Condition::Index { form, relation }),
            },
            Condition::Real(relation, a, b) => {
                Err(Condition::Real(relation, Box::new(self.simplify(*a)), Box::new(self.simplify(*b))))
            }
            Condition::And(a, b) => match (self.simplify_condition(*a), self.simplify_condition(*b)) {
                (Ok(false), _) | (_, Ok(false)) => Ok(false),
                (Ok(true), other) | (other, Ok(true)) => other,
                (Err(a), Err(b)) => Err(Condition::And(Box::new(a), Box::new(b))),
            },
            Condition::Or(a, b) => match (self.simplify_condition(*a), self.simplify_condition(*b)) {
                (Ok(true), _) | (_, Ok(true)) => Ok(true),
                (Ok(false), other) | (other, Ok(false)) => other,
                (Err(a), Err(b)) => Err(Condition::Or(Box::new(a), Box::new(b))),
            },
        }
    }

    fn decide(&self, form: &Linear, relation: Comparison) -> Option<bool> {
        let (low, high) = form.interval(&|var| self.flat.range(&self.sizes, var))?;
        match relation {
            Comparison::Eq if low == high => Some(low == 0),
            Comparison::Ne if low == high => Some(low != 0),
            Comparison::Eq if low > 0 || high < 0 => Some(false),
            Comparison::Ne if low > 0 || high < 0 => Some(true),
            Comparison::Eq | Comparison::Ne => None,
            Comparison::Lt => sure(high < 0, low >= 0),
            Comparison::Le => sure(high <= 0, low > 0),
            Comparison::Gt => sure(low > 0, high <= 0),
            Comparison::Ge => sure(low >= 0, high < 0),
        }
    }

    fn check_reads(&mut self, body: &Scalar, env: &Env) {
        let (mut wrong, mut asked) = (Vec::new(), Vec::new());
        let (guards, forms) = (Vec::new(), Vec::new());
        let mut reads = Reads { checker: self, guards, forms, wrong: &mut wrong, asked: &mut asked };
        reads.walk(body);
        for (fact, at) in wrong {
            self.raise(fact, at, env);
        }
        for (holds, fact, at) in asked {
            if !self.granted(holds, at, env) {
                self.raise(fact, at, env);
            }
        }
    }

    /// What is asked of lengths for a form to stay inside of an axis, given forms that are at least 0. None: nothing.
    fn stays_open(&self, form: &Linear, size: SizeId, given: &[Linear]) -> Option<Vec<Holds>> {
        let length = self.sizes.value(size)?;
        let last = Linear::constant(length.sub(&Poly::number(1)).ok()?);
        let mut asked = Vec::new();
        for form in [form.clone(), last.minus(form).ok()?] {
            let proved = |guard: &Linear| form.minus(guard).is_ok_and(|rest| self.never_below(&rest) == Holds::Always);
            // Where a size is poison nothing is judged.
            let lowest = self.lowest(&form)?;
            match at_least_zero(&lowest, &self.sizes.limits) {
                Holds::Always => {}
                _some if given.iter().any(proved) => {}
                other => asked.push(other),
            }
        }
        (!asked.is_empty()).then_some(asked)
    }

    /// Limits lengths to what is asked. False where nothing can be granted.
    fn granted(&mut self, asked: Vec<Holds>, at: Span, env: &Env) -> bool {
        asked.into_iter().all(|holds| match holds {
            Holds::Always => true,
            Holds::Within(name, limits) => {
                self.limit(&name, limits, at, env);
                true
            }
            Holds::Never | Holds::Unknown => false,
        })
    }

    /// Holds a piece's writes against the shape, and against each other: no element twice.
    pub fn check_write(
        &mut self,
        name: &Symbol,
        write: &[Linear],
        shape: &[SizeId],
        free: &[VarId],
        at: Span,
        env: &Env,
    ) {
        for (axis, (form, &size)) in write.iter().zip(shape).enumerate() {
            let range = form.interval(&|var| self.flat.range(&self.sizes, var));
            let (Some((low, high)), Some(n)) = (range, self.sizes.number(size)) else {
                if self.stays_open(form, size, &[]).is_some_and(|asked| !self.granted(asked, at, env)) {
                    let fact = Fact::OutOfLength { tensor: name.clone(), size };
                    self.raise(fact, at, env);
                    return;
                }
                continue;
            };
            if low < 0 || high >= n {
                let fact = Fact::OutOfRange { tensor: name.clone(), axis, low, high, size };
                self.raise(fact, at, env);
                return;
            }
        }
        if !self.injective(write, free) {
            self.raise(Fact::Overlap { name: name.clone(), other: at }, at, env);
        }
    }

    /// Whether different index values write different elements: each form reads as a number in mixed radix.
    fn injective(&self, write: &[Linear], free: &[VarId]) -> bool {
        let mut told: Vec<VarId> = Vec::new();
        for form in write {
            let Some(form) = Numbers::of(form) else { return true };
            let mut terms: SmallVec<[(VarId, i64); 4]> =
                form.terms.iter().copied().filter(|(var, _)| !told.contains(var)).collect();
            terms.sort_by_key(|(_, by)| by.abs());
            let mut reach = 0_i64;
            for &(var, by) in &terms {
                let Some((_, last)) = self.flat.range(&self.sizes, var) else { return true };
                if by.abs() <= reach && last > 0 {
                    return false;
                }
                reach = reach.saturating_add(by.abs().saturating_mul(last));
            }
            told.extend(terms.iter().map(|(var, _)| *var));
        }
        // A variable that no subscript tells and that has several values writes an element several times.
        let several = |var: VarId| self.flat.range(&self.sizes, var).is_none_or(|(_, last)| last > 0);
        free.iter().all(|&var| told.contains(&var) || !several(var))
    }

    /// Pieces of one tensor must not meet.
    pub fn disjoint(&mut self, name: &Symbol, writes: &[(Vec<Linear>, Span)], env: &Env) {
        for (i, (a, _)) in writes.iter().enumerate() {
            for (b, at) in &writes[i + 1..] {
                let apart = a.iter().zip(b).any(|(a, b)| self.apart_on_axis(a, b));
                if !apart && self.flat.training.is_some() {
                    self.raise(Fact::Overlap { name: name.clone(), other: writes[i].1 }, *at, env);
                    return;
                }
            }
        }
    }

    /// Whether two subscripts are never equal: by intervals, or by residues.
    fn apart_on_axis(&self, a: &Linear, b: &Linear) -> bool {
        let above = |a: &Linear, b: &Linear| {
            let gap = self.lowest(a).zip(self.highest(b)).and_then(|(a, b)| a.sub(&b).ok()?.sub(&Poly::number(1)).ok());
            gap.is_some_and(|gap| at_least_zero(&gap, &self.sizes.limits) == Holds::Always)
        };
        if above(a, b) || above(b, a) {
            return true;
        }
        let (Some(a), Some(b)) = (Numbers::of(a), Numbers::of(b)) else { return false };
        let gcd = a.terms.iter().chain(&b.terms).fold(0_i64, |g, (_, by)| gcd(g, by.abs()));
        gcd > 1 && (a.constant - b.constant).rem_euclid(gcd) != 0
    }
}

fn sure(yes: bool, no: bool) -> Option<bool> {
    match (yes, no) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// An affine form all of whose coefficients are numbers.
#[derive(Clone, Debug)]
struct Numbers {
    constant: i64,
    terms: SmallVec<[(VarId, i64); 4]>,
}

impl Numbers {
    fn of(form: &Linear) -> Option<Numbers> {
        let terms = form.terms.iter().map(|(var, by)| Some((*var, by.as_number()?)));
        Some(Numbers { constant: form.constant.as_number()?, terms: terms.collect::<Option<_>>()? })
    }

    /// `sign * self + add`
    fn turned(&self, sign: i64, add: i64) -> Numbers {
        let terms = self.terms.iter().map(|(var, by)| (*var, sign * by)).collect();
        Numbers { constant: sign * self.constant + add, terms }
    }

    fn minus(&self, other: &Numbers) -> Numbers {
        let mut terms = self.terms.clone();
        for &(var, by) in &other.terms {
            match terms.iter_mut().find(|(v, _)| *v == var) {
                Some((_, own)) => *own -= by,
                None => terms.push((var, -by)),
            }
        }
        terms.retain(|(_, by)| *by != 0);
        Numbers { constant: self.constant - other.constant, terms }
    }

    fn low(&self, range: &dyn Fn(VarId) -> Option<(i64, i64)>) -> Option<i64> {
        self.terms.iter().try_fold(self.constant, |low, (var, by)| {
            let (first, last) = range(*var)?;
            low.checked_add(by.checked_mul(if *by > 0 { first } else { last })?)
        })
    }
}

/// The walk that proves every read in range.
struct Reads<'c, 't> {
    checker: &'c Checker<'t>,
    /// Forms that are at least 0 here.
    guards: Vec<Numbers>,
    /// The same with lengths in them; empty where all sizes are numbers.
    forms: Vec<Linear>,
    wrong: &'c mut Vec<(Fact, Span)>,
    /// What lengths must be, and what is wrong where they cannot.
    asked: &'c mut Vec<(Vec<Holds>, Fact, Span)>,
}

impl Reads<'_, '_> {
    fn walk(&mut self, scalar: &Scalar) {
        match scalar {
            Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) => {}
            Scalar::Load { tensor, subscripts, at } => self.load(*tensor, subscripts, *at),
            Scalar::Unary(_, a) | Scalar::Reduce { body: a, .. } => self.walk(a),
            Scalar::Binary(_, a, b) => {
                self.walk(a);
                self.walk(b);
            }
            Scalar::If(condition, a, b) => {
                self.walk_condition(condition);
                let (depth, forms) = (self.guards.len(), self.forms.len());
                for (holds, branch) in [(true, a), (false, b)] {
                    self.assume(condition, holds);
                    assumed(condition, holds, &mut self.forms);
                    self.walk(branch);
                    self.guards.truncate(depth);
                    self.forms.truncate(forms);
                }
            }
        }
    }

    fn walk_condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Index { .. } => {}
            Condition::Real(_, a, b) => {
                self.walk(a);
                self.walk(b);
            }
            Condition::And(a, b) | Condition::Or(a, b) => {
                self.walk_condition(a);
                self.walk_condition(b);
            }
        }
    }

    /// Adds what holds where the condition holds, or where it does not.
    fn assume(&mut self, condition: &Condition, holds: bool) {
        match (condition, holds) {
            (Condition::And(a, b), true) | (Condition::Or(a, b), false) => {
                self.assume(a, holds);
                self.assume(b, holds);
            }
            (Condition::And(..), false) | (Condition::Or(..), true) | (Condition::Real(..), _) => {}
            (Condition::Index { form, relation }, _) => {
                let Some(form) = Numbers::of(form) else { return };
                let (up, down, above, below) =
                    (form.turned(1, 0), form.turned(-1, 0), form.turned(1, -1), form.turned(-1, -1));
                match (relation, holds) {
                    (Comparison::Ge, true) | (Comparison::Lt, false) => self.guards.push(up),
                    (Comparison::Gt, true) | (Comparison::Le, false) => self.guards.push(above),
                    (Comparison::Le, true) | (Comparison::Gt, false) => self.guards.push(down),
                    (Comparison::Lt, true) | (Comparison::Ge, false) => self.guards.push(below),
                    (Comparison::Eq, true) | (Comparison::Ne, false) => self.guards.extend([up, down]),
                    (Comparison::Eq, false) | (Comparison::Ne, true) => {}
                }
            }
        }
    }

    fn load(&mut self, tensor: TensorId, subscripts: &[Subscript], at: Span) {
        let shape = &self.checker.flat.tensors[tensor].shape;
        for (axis, (subscript, &size)) in subscripts.iter().zip(shape).enumerate() {
            match subscript {
                Subscript::Affine(form) => self.stays_inside(tensor, form, axis, size, at),
                Subscript::Data { tensor, subscripts } => {
                    let shape = &self.checker.flat.tensors[*tensor].shape;
                    for (axis, (form, &size)) in subscripts.iter().zip(shape).enumerate() {
                        self.stays_inside(*tensor, form, axis, size, at);
                    }
                }
            }
        }
    }

    fn stays_inside(&mut self, tensor: TensorId, form: &Linear, axis: usize, size: SizeId, at: Span) {
        let checker = self.checker;
        let range = form.interval(&|var| checker.flat.range(&checker.sizes, var));
        let (Some(numbers), Some(n), Some((low, high))) = (Numbers::of(form), checker.sizes.number(size), range) else {
            if let Some(asked) = checker.stays_open(form, size, &self.forms) {
                let tensor = checker.tensor_name(tensor);
                self.asked.push((asked, Fact::OutOfLength { tensor, size }, at));
            }
            return;
        };
        let fine = (low >= 0 || self.proves(&numbers)) && (high < n || self.proves(&numbers.turned(-1, n - 1)));
        if !fine {
            let tensor = checker.tensor_name(tensor);
            self.wrong.push((Fact::OutOfRange { tensor, axis, low, high, size }, at));
        }
    }

    /// Whether the conditions here make the form at least 0.
    fn proves(&self, form: &Numbers) -> bool {
        let tight = self.tightened();
        let range = |var: VarId| tight.get(&var).copied().or_else(|| self.checker.flat.range(&self.checker.sizes, var));
        form.low(&range).is_none_or(|low| low >= 0)
            || self.guards.iter().any(|guard| form.minus(guard).low(&range).is_some_and(|low| low >= 0))
    }

    /// Ranges of single variables under the conditions here.
    fn tightened(&self) -> IndexMap<VarId, (i64, i64)> {
        let mut tight = IndexMap::new();
        for guard in &self.guards {
            let [(var, by)] = guard.terms[..] else { continue };
            let Some(range) = self.checker.flat.range(&self.checker.sizes, var) else { continue };
            let (first, last) = *tight.get(&var).unwrap_or(&range);
            // by * v + constant >= 0
            let bound = match by > 0 {
                true => (first.max(-guard.constant.div_euclid(by)), last),
                false => (first, last.min(guard.constant.div_euclid(-by))),
            };
            tight.insert(var, bound);
        }
        tight
    }
}
