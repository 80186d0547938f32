//! The loops' own box: axes that every address walks through as one become one, and the axis of the lanes is chosen.
//!
//! **Invariants**: a merged axis stays at 0 and its partner runs over both; only axes that no unproved load and no pin
//! mentions are merged.

use super::space::{Linear, Range, Seen, coefficient, flatten, in_range, linear, mentions, visit_equation};
use crate::graph::{Access, Affine, Combine, Equation, Graph};
use indexmap::IndexMap;

/// The box of a group's loops.
#[derive(Clone, Debug)]
pub struct Space {
    /// 1 where the axis went into another.
    pub extents: Vec<u32>,
    /// Whether an axis takes part in a merge.
    pub merged: Vec<bool>,
    /// Of the original axes.
    pub ranges: Vec<Range>,
    /// Whether a load stays in range over the whole box.
    proved: IndexMap<Access, bool>,
}

impl Space {
    /// The box of these equations, merged where that is possible.
    pub fn new(graph: &Graph, equations: &[Equation], pinned: &[usize]) -> Space {
        let root = &equations[0];
        let extents: Vec<u32> = root.axes.iter().map(|a| a.extent).collect();
        let ranges: Vec<Range> = extents.iter().map(|&n| (0, i64::from(n) - 1)).collect();
        let mut proved = IndexMap::new();
        let mut forms = Vec::new();
        for equation in equations {
            let n = root.axes.len();
            forms.push(flatten(&equation.write, &graph.tensors[equation.out].shape, n));
            visit_equation(graph, equation, &mut |seen| match seen {
                Seen::Load(access) | Seen::Data(access) => {
                    let shape = &graph.tensors[access.tensor].shape;
                    forms.push(flatten(&access.index, shape, n));
                    proved.insert(access.clone(), in_range(access, shape, &ranges));
                }
                Seen::Form(form) => forms.push(linear(form, n)),
                Seen::Node(_) => {}
            });
        }
        let merged = vec![false; extents.len()];
        let mut space = Space { extents, merged, ranges, proved };
        if root.combine == Combine::ArgMax {
            forms.push(linear(&space.number(root), root.axes.len()));
        }
        space.merge(root.n_out, &mut forms, pinned);
        space
    }

    /// Whether a load may leave its tensor where its guards do not hold.
    pub fn unsafe_access(&self, access: &Access) -> bool {
        !self.proved[access]
    }

    /// The row-major number of a point of the reduced box.
    pub fn number(&self, root: &Equation) -> Affine {
        let mut form = Affine::default();
        let mut stride = 1;
        for axis in (root.n_out..root.axes.len()).rev() {
            form.terms.insert(0, (axis as u16, stride));
            stride *= (self.ranges[axis].1 + 1) as i32;
        }
        form
    }

    fn merge(&mut self, n_out: usize, forms: &mut [Linear], pinned: &[usize]) {
        let n = self.extents.len();
        let fixed: Vec<bool> = (0..n)
            .map(|a| pinned.contains(&a) || self.proved.iter().any(|(access, ok)| !ok && mentions(access, a)))
            .collect();
        while let Some((a, b)) = self.pair(n_out, forms, &fixed) {
            self.extents[b] *= self.extents[a];
            self.extents[a] = 1;
            (self.merged[a], self.merged[b]) = (true, true);
            forms.iter_mut().for_each(|f| f.coefficients[a] = 0);
        }
    }

    /// Two axes of one kind such that one is the other's next digit everywhere.
    fn pair(&self, n_out: usize, forms: &[Linear], fixed: &[bool]) -> Option<(usize, usize)> {
        let n = self.extents.len();
        let free = |a: usize| !fixed[a] && self.extents[a] > 1;
        let pairs = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
        pairs.into_iter().find(|&(a, b)| {
            let fits = u64::from(self.extents[a]) * u64::from(self.extents[b]) < 1 << 31;
            a != b
                && (a < n_out) == (b < n_out)
                && free(a)
                && free(b)
                && fits
                && forms.iter().all(|f| f.coefficients[a] == f.coefficients[b] * i64::from(self.extents[b]))
        })
    }
}

/// Chooses the axis of the lanes: the one along which most addresses are contiguous or constant.
pub fn ways(graph: &Graph, equations: &[Equation], space: &Space, pinned: &[usize]) -> Option<usize> {
    let root = &equations[0];
    let candidates = (0..root.axes.len()).filter(|&a| space.extents[a] >= 4 && !pinned.contains(&a));
    let scored = candidates.filter_map(|axis| {
        let score = score(graph, equations, space, axis, pinned)?;
        Some((score, axis))
    });
    scored.max_by_key(|&(score, axis)| (score, std::cmp::Reverse(axis))).map(|s| s.1)
}

/// How well an axis suits the lanes; None where it cannot be.
fn score(graph: &Graph, equations: &[Equation], space: &Space, axis: usize, pinned: &[usize]) -> Option<i64> {
    let root = &equations[0];
    let reduced = axis >= root.n_out;
    if reduced && !matches!(root.combine, Combine::Sum | Combine::Max) {
        return None;
    }
    let mut score = if reduced { -3 } else { 0 };
    let mut possible = true;
    for equation in equations {
        if !reduced {
            let flat = flatten(&equation.write, &graph.tensors[equation.out].shape, root.axes.len());
            score += 2 * merit(flat.coefficients[axis]);
        }
        visit_equation(graph, equation, &mut |seen| {
            let (Seen::Load(access) | Seen::Data(access)) = seen else { return };
            let flat = flatten(&access.index, &graph.tensors[access.tensor].shape, root.axes.len());
            score += merit(flat.coefficients[axis]);
            possible &= !(reduced && space.unsafe_access(access) && mentions(access, axis));
        });
    }
    possible &= root.guards.iter().all(|guard| {
        let pins = guard.data.as_ref().is_some_and(|_| pinned.iter().any(|&p| coefficient(&guard.form, p) != 0));
        !pins || (coefficient(&guard.form, axis) == 0 && guard.data.iter().all(|(_, d)| !mentions(d, axis)))
    });
    let length = i64::from(space.extents[axis].min(16));
    possible.then_some(score * 16 + length)
}

/// Contiguous is best, constant good, strided poor.
fn merit(coefficient: i64) -> i64 {
    match coefficient {
        1 => 3,
        0 => 1,
        -1 => -2,
        _ => -4,
    }
}
