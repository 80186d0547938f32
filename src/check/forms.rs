//! Affine forms of index variables, and walks over the expressions that hold them.
//!
//! **Invariants**: each variable at most once, no zero coefficient, terms in order of variables.

use super::net::{Condition, Linear, Scalar, Subscript, TensorId, VarId};
use crate::size::{Poly, SizeError};

impl Linear {
    /// A number or size.
    pub fn constant(constant: Poly) -> Linear {
        Linear { constant, terms: Vec::new() }
    }

    /// A whole number.
    pub fn number(n: i64) -> Linear {
        Linear::constant(Poly::number(n))
    }

    /// One variable.
    pub fn var(var: VarId) -> Linear {
        Linear { constant: Poly::zero(), terms: vec![(var, Poly::number(1))] }
    }

    /// The variable, if the form is nothing else.
    pub fn as_var(&self) -> Option<VarId> {
        match &self.terms[..] {
            [(var, by)] if self.constant.is_zero() && by.as_number() == Some(1) => Some(*var),
            _ => None,
        }
    }

    /// The number or size, if no variable is in it.
    pub fn as_constant(&self) -> Option<&Poly> {
        self.terms.is_empty().then_some(&self.constant)
    }

    /// Whether the variable is in it.
    pub fn mentions(&self, var: VarId) -> bool {
        self.terms.iter().any(|(v, _)| *v == var)
    }

    /// `self + other`
    pub fn plus(&self, other: &Linear) -> Result<Linear, SizeError> {
        let mut sum = self.clone();
        sum.constant = sum.constant.add(&other.constant)?;
        for (var, by) in &other.terms {
            sum.add_term(*var, by)?;
        }
        Ok(sum)
    }

    /// `self - other`
    pub fn minus(&self, other: &Linear) -> Result<Linear, SizeError> {
        self.plus(&other.times(&Poly::number(-1))?)
    }

    /// `self * factor`
    pub fn times(&self, factor: &Poly) -> Result<Linear, SizeError> {
        if factor.is_zero() {
            return Ok(Linear::number(0));
        }
        let constant = self.constant.mul(factor)?;
        let terms = self.terms.iter().map(|(var, by)| Ok((*var, by.mul(factor)?)));
        Ok(Linear { constant, terms: terms.collect::<Result<_, SizeError>>()? })
    }

    /// The form with some variables replaced by forms.
    pub fn replace<'l>(&self, with: &dyn Fn(VarId) -> Option<&'l Linear>) -> Result<Linear, SizeError> {
        if !self.terms.iter().any(|(var, _)| with(*var).is_some()) {
            return Ok(self.clone());
        }
        let mut sum = Linear::constant(self.constant.clone());
        for (var, by) in &self.terms {
            match with(*var) {
                Some(form) => sum = sum.plus(&form.times(by)?)?,
                None => sum.add_term(*var, by)?,
            }
        }
        Ok(sum)
    }

    /// The smallest and largest value, if all is numbers. `extent` gives the inclusive range of a variable.
    pub fn interval(&self, range: &dyn Fn(VarId) -> Option<(i64, i64)>) -> Option<(i64, i64)> {
        let constant = self.constant.as_number()?;
        let (mut low, mut high) = (constant, constant);
        for (var, by) in &self.terms {
            let by = by.as_number()?;
            let (first, last) = range(*var)?;
            let (a, b) = (by.checked_mul(first)?, by.checked_mul(last)?);
            low = low.checked_add(a.min(b))?;
            high = high.checked_add(a.max(b))?;
        }
        Some((low, high))
    }

    fn add_term(&mut self, var: VarId, by: &Poly) -> Result<(), SizeError> {
        match self.terms.binary_search_by_key(&var, |(v, _)| *v) {
            Ok(i) => {
                self.terms[i].1 = self.terms[i].1.add(by)?;
                if self.terms[i].1.is_zero() {
                    self.terms.remove(i);
                }
            }
            Err(i) => self.terms.insert(i, (var, by.clone())),
        }
        Ok(())
    }
}

/// Gives every affine form of an expression to `f`, those of conditions and look-ups too.
pub fn each_form(scalar: &mut Scalar, f: &mut dyn FnMut(&mut Linear)) {
    match scalar {
        Scalar::Number(_) | Scalar::Size(_) => {}
        Scalar::Index(form) => f(form),
        Scalar::Load { subscripts, .. } => {
            for subscript in subscripts {
                match subscript {
                    Subscript::Affine(form) => f(form),
                    Subscript::Data { subscripts, .. } => subscripts.iter_mut().for_each(&mut *f),
                }
            }
        }
        Scalar::Unary(_, a) => each_form(a, f),
        Scalar::Binary(_, a, b) => {
            each_form(a, f);
            each_form(b, f);
        }
        Scalar::If(condition, a, b) => {
            each_form_in(condition, f);
            each_form(a, f);
            each_form(b, f);
        }
        Scalar::Reduce { body, .. } => each_form(body, f),
    }
}

/// As [`each_form`], for a condition.
pub fn each_form_in(condition: &mut Condition, f: &mut dyn FnMut(&mut Linear)) {
    match condition {
        Condition::Index { form, .. } => f(form),
        Condition::Real(_, a, b) => {
            each_form(a, f);
            each_form(b, f);
        }
        Condition::And(a, b) | Condition::Or(a, b) => {
            each_form_in(a, f);
            each_form_in(b, f);
        }
    }
}

/// Gives every tensor that an expression loads to `f`, those of conditions and look-ups too.
pub fn each_tensor(scalar: &mut Scalar, f: &mut dyn FnMut(&mut TensorId)) {
    match scalar {
        Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) => {}
        Scalar::Load { tensor, subscripts, .. } => {
            f(tensor);
            for subscript in subscripts {
                if let Subscript::Data { tensor, .. } = subscript {
                    f(tensor);
                }
            }
        }
        Scalar::Unary(_, a) | Scalar::Reduce { body: a, .. } => each_tensor(a, f),
        Scalar::Binary(_, a, b) => {
            each_tensor(a, f);
            each_tensor(b, f);
        }
        Scalar::If(condition, a, b) => {
            each_tensor_in(condition, f);
            each_tensor(a, f);
            each_tensor(b, f);
        }
    }
}

/// As [`each_tensor`], for a condition.
fn each_tensor_in(condition: &mut Condition, f: &mut dyn FnMut(&mut TensorId)) {
    match condition {
        Condition::Index { .. } => {}
        Condition::Real(_, a, b) => {
            each_tensor(a, f);
            each_tensor(b, f);
        }
        Condition::And(a, b) | Condition::Or(a, b) => {
            each_tensor_in(a, f);
            each_tensor_in(b, f);
        }
    }
}

/// Gives every part of an expression to `f`, outermost first.
pub fn each_part<'s>(scalar: &'s Scalar, f: &mut dyn FnMut(&'s Scalar)) {
    f(scalar);
    match scalar {
        Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) | Scalar::Load { .. } => {}
        Scalar::Unary(_, a) | Scalar::Reduce { body: a, .. } => each_part(a, f),
        Scalar::Binary(_, a, b) => {
            each_part(a, f);
            each_part(b, f);
        }
        Scalar::If(condition, a, b) => {
            each_part_in(condition, f);
            each_part(a, f);
            each_part(b, f);
        }
    }
}

/// As [`each_part`], for the values that a condition compares.
pub fn each_part_in<'s>(condition: &'s Condition, f: &mut dyn FnMut(&'s Scalar)) {
    match condition {
        Condition::Index { .. } => {}
        Condition::Real(_, a, b) => {
            each_part(a, f);
            each_part(b, f);
        }
        Condition::And(a, b) | Condition::Or(a, b) => {
            each_part_in(a, f);
            each_part_in(b, f);
        }
    }
}

/// Gives every affine form of an expression to `f`, those of conditions and look-ups too.
pub fn see_forms<'s>(scalar: &'s Scalar, f: &mut dyn FnMut(&'s Linear)) {
    match scalar {
        Scalar::Number(_) | Scalar::Size(_) => {}
        Scalar::Index(form) => f(form),
        Scalar::Load { subscripts, .. } => {
            for subscript in subscripts {
                match subscript {
                    Subscript::Affine(form) => f(form),
                    Subscript::Data { subscripts, .. } => subscripts.iter().for_each(&mut *f),
                }
            }
        }
        Scalar::Unary(_, a) | Scalar::Reduce { body: a, .. } => see_forms(a, f),
        Scalar::Binary(_, a, b) => {
            see_forms(a, f);
            see_forms(b, f);
        }
        Scalar::If(condition, a, b) => {
            see_forms_in(condition, f);
            see_forms(a, f);
            see_forms(b, f);
        }
    }
}

fn see_forms_in<'s>(condition: &'s Condition, f: &mut dyn FnMut(&'s Linear)) {
    match condition {
        Condition::Index { form, .. } => f(form),
        Condition::Real(_, a, b) => {
            see_forms(a, f);
            see_forms(b, f);
        }
        Condition::And(a, b) | Condition::Or(a, b) => {
            see_forms_in(a, f);
            see_forms_in(b, f);
        }
    }
}
