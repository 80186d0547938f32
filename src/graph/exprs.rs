//! Bodies: making, walking and rewriting hash-consed expressions.
//!
//! The makers fold as they build, so that a gradient comes out as a reader would write it: `0 + x`, `1 * x`, `x - 0`,
//! `--x`, numbers among themselves, and `0 * x = 0`, `0 / x = 0`, which are part of the meaning (a dead branch
//! contributes nothing, whatever the other factor is).

use super::mix::QuickMap;
use super::scalar::{binary, compare, unary};
use super::{Access, Affine, Binary, Cmp, Cond, Expr, ExprId, Exprs, Guard, Real, TensorId, Unary};
use std::collections::HashMap;
use std::hash::BuildHasher;

impl Exprs {
    /// A number.
    pub fn number(&mut self, value: f64) -> ExprId {
        self.add(Expr::Const(Real(value)))
    }

    /// An element of a tensor.
    pub fn load(&mut self, tensor: TensorId, index: Vec<Affine>) -> ExprId {
        self.add(Expr::Load(Access { tensor, index }))
    }

    /// The value of a form.
    pub fn index(&mut self, form: Affine) -> ExprId {
        match form.as_number() {
            Some(number) => self.number(number.into()),
            None => self.add(Expr::Index(form)),
        }
    }

    /// The number that an expression is.
    pub fn as_number(&self, id: ExprId) -> Option<f64> {
        let Expr::Const(Real(value)) = self[id] else { return None };
        Some(value)
    }

    /// The access that an expression is.
    pub fn as_load(&self, id: ExprId) -> Option<&Access> {
        let Expr::Load(access) = &self[id] else { return None };
        Some(access)
    }

    /// `op(x)`
    pub fn unary(&mut self, op: Unary, x: ExprId) -> ExprId {
        if let Some(number) = self.as_number(x) {
            return self.number((unary(op).f64)(number));
        }
        match (op, &self[x]) {
            (Unary::Neg, &Expr::Unary(Unary::Neg, inner)) => inner,
            (Unary::Neg, &Expr::Binary(Binary::Sub, a, b)) => self.sub(b, a),
            _ => self.add(Expr::Unary(op, x)),
        }
    }

    /// `op(a, b)`
    pub fn binary(&mut self, op: Binary, a: ExprId, b: ExprId) -> ExprId {
        let (left, right) = (self.as_number(a), self.as_number(b));
        if let (Some(left), Some(right)) = (left, right) {
            return self.number((binary(op).f64)(left, right));
        }
        match op {
            Binary::Add if left == Some(0.0) => b,
            Binary::Add | Binary::Sub if right == Some(0.0) => a,
            Binary::Sub if left == Some(0.0) => self.neg(b),
            Binary::Mul if left == Some(0.0) || right == Some(0.0) => self.number(0.0),
            Binary::Mul if left == Some(1.0) => b,
            Binary::Mul | Binary::Div if right == Some(1.0) => a,
            Binary::Mul if left == Some(-1.0) => self.neg(b),
            Binary::Mul | Binary::Div if right == Some(-1.0) => self.neg(a),
            Binary::Div if left == Some(0.0) => self.number(0.0),
            Binary::Max if a == b => a,
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Max => self.signed(op, a, b),
        }
    }

    /// Signs out of sums, products and quotients.
    fn signed(&mut self, op: Binary, a: ExprId, b: ExprId) -> ExprId {
        match (op, self.as_neg(a), self.as_neg(b)) {
            (Binary::Add, _, Some(b)) => self.sub(a, b),
            (Binary::Add, Some(a), None) => self.sub(b, a),
            (Binary::Sub, _, Some(b)) => self.add_two(a, b),
            (Binary::Mul | Binary::Div, Some(a), Some(b)) => self.binary(op, a, b),
            (Binary::Mul | Binary::Div, Some(a), None) => {
                let positive = self.binary(op, a, b);
                self.neg(positive)
            }
            (Binary::Mul | Binary::Div, None, Some(b)) => {
                let positive = self.binary(op, a, b);
                self.neg(positive)
            }
            _ => self.add(Expr::Binary(op, a, b)),
        }
    }

    fn as_neg(&self, id: ExprId) -> Option<ExprId> {
        let Expr::Unary(Unary::Neg, inner) = self[id] else { return None };
        Some(inner)
    }

    /// `-x`
    pub fn neg(&mut self, x: ExprId) -> ExprId {
        self.unary(Unary::Neg, x)
    }

    /// `a + b`
    pub fn add_two(&mut self, a: ExprId, b: ExprId) -> ExprId {
        self.binary(Binary::Add, a, b)
    }

    /// `a - b`
    pub fn sub(&mut self, a: ExprId, b: ExprId) -> ExprId {
        self.binary(Binary::Sub, a, b)
    }

    /// `a * b`
    pub fn mul(&mut self, a: ExprId, b: ExprId) -> ExprId {
        self.binary(Binary::Mul, a, b)
    }

    /// `a / b`
    pub fn div(&mut self, a: ExprId, b: ExprId) -> ExprId {
        self.binary(Binary::Div, a, b)
    }

    /// `if a cmp b then x else y`
    pub fn choose(&mut self, cmp: Cmp, a: ExprId, b: ExprId, x: ExprId, y: ExprId) -> ExprId {
        self.select(Cond::Compare(cmp, a, b), x, y)
    }

    /// `if cond then x else y`
    pub fn select(&mut self, cond: Cond, x: ExprId, y: ExprId) -> ExprId {
        if x == y {
            return x;
        }
        let known = match &cond {
            Cond::Guards(guards) => guards.is_empty().then_some(true),
            &Cond::Compare(cmp, a, b) => match (self.as_number(a), self.as_number(b)) {
                (Some(a), Some(b)) => Some(compare(cmp, a, b)),
                (_, _) => None,
            },
        };
        match known {
            Some(true) => x,
            Some(false) => y,
            None => self.add(Expr::Select(cond, x, y)),
        }
    }

    /// The expressions right below one, those of a comparison first.
    pub fn children(&self, id: ExprId) -> Vec<ExprId> {
        match &self[id] {
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) => Vec::new(),
            &Expr::Unary(_, x) => vec![x],
            &Expr::Binary(_, a, b) => vec![a, b],
            &Expr::Select(Cond::Guards(_), x, y) => vec![x, y],
            &Expr::Select(Cond::Compare(_, a, b), x, y) => vec![a, b, x, y],
        }
    }

    /// All expressions under the given ones, each once, operands before what uses them.
    pub fn below(&self, roots: &[ExprId]) -> Vec<ExprId> {
        let mut seen = vec![0u64; self.len() / 64 + 1];
        let mut order = Vec::with_capacity(16);
        for &root in roots {
            self.visit(root, &mut seen, &mut order);
        }
        order
    }

    /// `seen` holds a bit for each expression.
    fn visit(&self, id: ExprId, seen: &mut [u64], order: &mut Vec<ExprId>) {
        let (word, bit) = (id.0 as usize / 64, 1 << (id.0 % 64));
        if seen[word] & bit != 0 {
            return;
        }
        seen[word] |= bit;
        match self[id] {
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) => {}
            Expr::Unary(_, x) => self.visit(x, seen, order),
            Expr::Binary(_, a, b) => {
                self.visit(a, seen, order);
                self.visit(b, seen, order);
            }
            Expr::Select(..) => self.children(id).into_iter().for_each(|child| self.visit(child, seen, order)),
        }
        order.push(id);
    }

    /// Calls `see` with each access of a body, those inside guards too; equal ones of different nodes come again.
    pub fn each_access(&self, body: ExprId, mut see: impl FnMut(&Access)) {
        for id in self.below(&[body]) {
            match &self[id] {
                Expr::Load(access) => see(access),
                Expr::Select(Cond::Guards(guards), _, _) => {
                    guards.iter().filter_map(|guard| guard.data.as_ref()).for_each(|(_, access)| see(access));
                }
                Expr::Select(Cond::Compare(..), _, _)
                | Expr::Const(_)
                | Expr::Index(_)
                | Expr::Unary(..)
                | Expr::Binary(..) => {}
            }
        }
    }

    /// Calls `see` with each form of a body: of indices, accesses and guards.
    pub fn each_form(&self, body: ExprId, mut see: impl FnMut(&Affine)) {
        for id in self.below(&[body]) {
            match &self[id] {
                Expr::Load(access) => access.index.iter().for_each(&mut see),
                Expr::Index(form) => see(form),
                Expr::Select(Cond::Guards(guards), _, _) => guards.iter().for_each(|guard| guard.each_form(&mut see)),
                Expr::Select(Cond::Compare(..), _, _) | Expr::Const(_) | Expr::Unary(..) | Expr::Binary(..) => {}
            }
        }
    }

    /// The body with each axis `a` replaced by `map[a]`.
    pub fn substitute(&mut self, body: ExprId, map: &[Affine]) -> ExprId {
        self.rebuild(
            body,
            &mut QuickMap::default(),
            &mut |exprs, id| match exprs[id].clone() {
                Expr::Load(access) => Some(exprs.add(Expr::Load(access.substitute(map)))),
                Expr::Index(form) => Some(exprs.index(form.substitute(map))),
                Expr::Const(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => None,
            },
            &mut |guard| guard.substitute(map),
        )
    }

    /// The body with each load that `change` answers for replaced by its answer.
    pub fn replace_loads(
        &mut self,
        body: ExprId,
        mut change: impl FnMut(&mut Exprs, &Access) -> Option<ExprId>,
    ) -> ExprId {
        self.rebuild(
            body,
            &mut QuickMap::default(),
            &mut |exprs, id| {
                let Expr::Load(access) = exprs[id].clone() else { return None };
                change(exprs, &access)
            },
            &mut |guard| guard.clone(),
        )
    }

    /// Rebuilds a body from its leaves; `change` may replace a node before its operands are looked at, `guard` maps
    /// the guards of conditions. `known` holds what is done.
    pub fn rebuild<S: BuildHasher>(
        &mut self,
        id: ExprId,
        known: &mut HashMap<ExprId, ExprId, S>,
        change: &mut dyn FnMut(&mut Exprs, ExprId) -> Option<ExprId>,
        guard: &mut dyn FnMut(&Guard) -> Guard,
    ) -> ExprId {
        if let Some(&done) = known.get(&id) {
            return done;
        }
        let new = match change(self, id) {
            Some(new) => new,
            None => self.rebuild_node(id, known, change, guard),
        };
        known.insert(id, new);
        new
    }

    fn rebuild_node<S: BuildHasher>(
        &mut self,
        id: ExprId,
        known: &mut HashMap<ExprId, ExprId, S>,
        change: &mut dyn FnMut(&mut Exprs, ExprId) -> Option<ExprId>,
        guard: &mut dyn FnMut(&Guard) -> Guard,
    ) -> ExprId {
        let mut inner = |exprs: &mut Exprs, id| exprs.rebuild(id, known, change, guard);
        match self[id].clone() {
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) => id,
            Expr::Unary(op, x) => {
                let x = inner(self, x);
                self.unary(op, x)
            }
            Expr::Binary(op, a, b) => {
                let (a, b) = (inner(self, a), inner(self, b));
                self.binary(op, a, b)
            }
            Expr::Select(Cond::Compare(cmp, a, b), x, y) => {
                let (a, b) = (inner(self, a), inner(self, b));
                let (x, y) = (inner(self, x), inner(self, y));
                self.select(Cond::Compare(cmp, a, b), x, y)
            }
            Expr::Select(Cond::Guards(guards), x, y) => {
                let (x, y) = (inner(self, x), inner(self, y));
                let guards = guards.iter().map(guard).collect();
                self.select(Cond::Guards(guards), x, y)
            }
        }
    }
}

impl Access {
    /// With each axis `a` replaced by `map[a]`.
    pub fn substitute(&self, map: &[Affine]) -> Access {
        Access { tensor: self.tensor, index: self.index.iter().map(|form| form.substitute(map)).collect() }
    }
}

impl Guard {
    /// With each axis `a` replaced by `map[a]`.
    pub fn substitute(&self, map: &[Affine]) -> Guard {
        let data = self.data.as_ref().map(|(sign, access)| (*sign, access.substitute(map)));
        Guard { form: self.form.substitute(map), data, rel: self.rel }
    }

    /// Calls `see` with its form and those of its data's access.
    pub fn each_form(&self, mut see: impl FnMut(&Affine)) {
        see(&self.form);
        self.data.iter().for_each(|(_, access)| access.index.iter().for_each(&mut see));
    }

    /// Whether the axis occurs in the form or the data's access.
    pub fn mentions(&self, axis: usize) -> bool {
        let mut found = false;
        self.each_form(|form| found |= form.mentions(axis));
        found
    }
}
