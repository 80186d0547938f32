//! N2 and N4 to N7: the axes of an equation, fewer and shorter.

use crate::graph::facts::Facts;
use crate::graph::scalar::unary;
use crate::graph::{Affine, Arena, Axis, Combine, Dtype, Equation, Expr, Exprs, Guard, Rel, Role, Tensor};

/// Writes each old axis as a form of new ones; `keep` tells the old positions of the new axes.
pub(super) fn substitute(exprs: &mut Exprs, eq: &mut Equation, map: &[Affine]) {
    eq.write.iter_mut().for_each(|form| *form = form.substitute(map));
    eq.guards.iter_mut().for_each(|guard| *guard = guard.substitute(map));
    eq.body = exprs.substitute(eq.body, map);
}

/// Takes axes out, each replaced by a form over the old axes.
fn remove(exprs: &mut Exprs, eq: &mut Equation, gone: &[(usize, Affine)]) {
    if gone.is_empty() {
        return;
    }
    let is_gone = |axis: usize| gone.iter().find(|entry| entry.0 == axis);
    let mut next = 0;
    let places: Vec<Affine> = (0..eq.axes.len())
        .map(|axis| {
            next += usize::from(is_gone(axis).is_none());
            Affine::axis(next.max(1) - 1)
        })
        .collect();
    let new = |axis: usize| is_gone(axis).map_or(places[axis].clone(), |entry| entry.1.substitute(&places));
    let map: Vec<Affine> = (0..eq.axes.len()).map(new).collect();
    substitute(exprs, eq, &map);
    let old = std::mem::take(&mut eq.axes);
    eq.n_out -= gone.iter().filter(|entry| entry.0 < eq.n_out).count();
    eq.axes = old.into_iter().enumerate().filter(|(axis, _)| is_gone(*axis).is_none()).map(|(_, axis)| axis).collect();
}

/// N2: each axis runs over the range that the guards leave it.
pub fn tighten(exprs: &mut Exprs, eq: &mut Equation, facts: &Facts) {
    let mut map: Vec<Affine> = (0..eq.axes.len()).map(Affine::axis).collect();
    let mut changed = false;
    for (axis, form) in map.iter_mut().enumerate() {
        let range = facts.ranges[axis];
        let extent = (range.high - range.low + 1) as u32;
        let numbered = eq.combine == Combine::ArgMax && axis >= eq.n_out;
        if extent < eq.axes[axis].extent && !numbered {
            *form = form.shift(range.low as i32);
            eq.axes[axis].extent = extent;
            changed = true;
        }
    }
    if changed {
        substitute(exprs, eq, &map);
    }
}

/// N4
pub fn drop_units(exprs: &mut Exprs, eq: &mut Equation) {
    let units = (0..eq.axes.len()).filter(|&axis| eq.axes[axis].extent == 1);
    let gone: Vec<(usize, Affine)> = units.map(|axis| (axis, Affine::number(0))).collect();
    remove(exprs, eq, &gone);
}

/// All forms of an equation.
fn forms(exprs: &Exprs, eq: &Equation) -> Vec<Affine> {
    let mut forms = eq.write.clone();
    eq.guards.iter().for_each(|guard| guard.each_form(|form| forms.push(form.clone())));
    exprs.each_form(eq.body, |form| forms.push(form.clone()));
    forms
}

/// N5: `n*a + r` becomes one axis in the place of `a`.
pub fn merge(exprs: &mut Exprs, eq: &mut Equation) {
    if eq.axes.len() < 2 {
        return;
    }
    let mut all = forms(exprs, eq);
    while let Some((a, r)) = mergeable(eq, &all) {
        let n = eq.axes[r].extent;
        let hint = eq.axes[a].hint.clone();
        eq.axes[a] = Axis { extent: eq.axes[a].extent * n, role: Role::Plain, hint };
        // The merged axis takes the coefficients of r; those of a were n times as much.
        let mut map: Vec<Affine> = (0..eq.axes.len()).map(Affine::axis).collect();
        map[a] = Affine::number(0);
        map[r] = Affine::axis(a);
        substitute(exprs, eq, &map);
        remove(exprs, eq, &[(r, Affine::number(0))]);
        all = forms(exprs, eq);
    }
}

fn mergeable(eq: &Equation, forms: &[Affine]) -> Option<(usize, usize)> {
    let count = eq.axes.len();
    let pairs = (0..count).flat_map(|a| (0..count).map(move |r| (a, r)));
    pairs.into_iter().find(|&(a, r)| a != r && may_merge(eq, a, r) && all_as_one(forms, a, r, eq.axes[r].extent))
}

fn may_merge(eq: &Equation, a: usize, r: usize) -> bool {
    let plain = eq.axes[a].role == Role::Plain && eq.axes[r].role == Role::Plain;
    let size = i64::from(eq.axes[a].extent) * i64::from(eq.axes[r].extent);
    let numbered = eq.combine == Combine::ArgMax && a >= eq.n_out;
    let same_side = (a < eq.n_out) == (r < eq.n_out);
    plain && same_side && size < i32::MAX.into() && (!numbered || r == a + 1)
}

fn all_as_one(forms: &[Affine], a: usize, r: usize, n: u32) -> bool {
    let mentioned = forms.iter().any(|form| form.mentions(r));
    mentioned
        && forms.iter().all(|form| i64::from(form.coefficient(a)) == i64::from(form.coefficient(r)) * i64::from(n))
}

/// N6: not where a costly function would come to stand below a product.
pub fn drop_unmentioned(exprs: &mut Exprs, eq: &mut Equation) {
    if !matches!(eq.combine, Combine::Sum | Combine::Max) || eq.axes.len() == eq.n_out {
        return;
    }
    let all = forms(exprs, eq);
    let free: Vec<usize> =
        (eq.n_out..eq.axes.len()).filter(|&axis| !all.iter().any(|form| form.mentions(axis))).collect();
    if free.is_empty() || eq.combine == Combine::Sum && holds_costly(exprs, eq) {
        return;
    }
    if eq.combine == Combine::Sum {
        let count: f64 = free.iter().map(|&axis| f64::from(eq.axes[axis].extent)).product();
        let count = exprs.number(count);
        eq.body = exprs.mul(eq.body, count);
    }
    let gone: Vec<(usize, Affine)> = free.into_iter().map(|axis| (axis, Affine::number(0))).collect();
    remove(exprs, eq, &gone);
}

fn holds_costly(exprs: &Exprs, eq: &Equation) -> bool {
    let costly = |&id: &super::super::ExprId| matches!(exprs[id], Expr::Unary(op, _) if unary(op).costly);
    exprs.below(&[eq.body]).iter().any(costly)
}

/// N7: the pin of an axis that nothing else mentions holds for one value, if data of its range pin it.
pub fn drop_pinned(exprs: &mut Exprs, tensors: &Arena<Tensor>, eq: &mut Equation) {
    if eq.combine != Combine::Sum {
        return;
    }
    let mut at = 0;
    while at < eq.guards.len() {
        match sure_pin(tensors, eq, &eq.guards[at]).filter(|&axis| mentions(exprs, eq, axis) == 1) {
            Some(axis) => {
                eq.guards.remove(at);
                remove(exprs, eq, &[(axis, Affine::number(0))]);
            }
            None => at += 1,
        }
    }
}

/// The reduced axis that a guard gives exactly one value: `w == data`, data below its extent.
pub fn sure_pin(tensors: &Arena<Tensor>, eq: &Equation, guard: &Guard) -> Option<usize> {
    let (Rel::Eq, Some((_, access))) = (guard.rel, &guard.data) else { return None };
    let [(axis, 1 | -1)] = guard.form.terms[..] else { return None };
    let axis = usize::from(axis);
    let Dtype::Index(end) = tensors[access.tensor].dtype else { return None };
    let plain = guard.form.constant == 0 && !access.index.iter().any(|form| form.mentions(axis));
    let signs = guard.form.coefficient(axis) == 1
        && guard.data.as_ref().is_some_and(|(sign, _)| *sign == crate::graph::Sign::Minus)
        || guard.form.coefficient(axis) == -1
            && guard.data.as_ref().is_some_and(|(sign, _)| *sign == crate::graph::Sign::Plus);
    (plain && signs && axis >= eq.n_out && end <= eq.axes[axis].extent).then_some(axis)
}

/// In how many forms an axis occurs.
fn mentions(exprs: &Exprs, eq: &Equation, axis: usize) -> usize {
    forms(exprs, eq).iter().filter(|form| form.mentions(axis)).count()
}
