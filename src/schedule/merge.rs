//! The loops' own box: axes that every address walks through as one become one, and the axes of the lanes are chosen.
//!
//! **Invariants**: a merged axis stays at 0 and its partner runs over both; only axes that no unproved load and no pin
//! mentions are merged, and only axes of one kind: of the band, or wide or reduced of one member.

use super::space::{Linear, Range, Seen, coefficient, flatten, in_range, linear, mentions, visit_member};
use super::{Group, Member, classes};
use crate::graph::{Access, Affine, Axis, Combine, Graph, Role};
use indexmap::IndexMap;

/// The box of a group's loops.
#[derive(Clone, Debug)]
pub struct Space {
    /// 1 where the axis went into another, or is a turn.
    pub extents: Vec<u32>,
    /// Whether an axis takes part in a merge.
    pub merged: Vec<bool>,
    /// Of the original axes.
    pub ranges: Vec<Range>,
    /// Whether a load stays in range over the whole box.
    proved: IndexMap<Access, bool>,
}

impl Space {
    /// The box of a group, merged where that is possible.
    pub fn new(graph: &Graph, group: &Group) -> Space {
        let mut space = Space::unmerged(graph, group);
        let n = group.axes.len();
        let mut forms = Vec::new();
        for member in &group.members {
            forms.push(flatten(&member.write, &graph.tensors[member.out].shape, n));
            visit_member(graph, member, &mut |seen| match seen {
                Seen::Load(access) | Seen::Data(access) => {
                    forms.push(flatten(&access.index, &graph.tensors[access.tensor].shape, n));
                }
                Seen::Form(form) => forms.push(linear(form, n)),
                Seen::Node(_) => {}
            });
            if member.combine == Combine::ArgMax {
                forms.push(linear(&space.number(member), n));
            }
        }
        let kinds = kinds(group);
        space.merge(&kinds, &mut forms);
        space
    }

    /// The box as it stands.
    pub fn unmerged(graph: &Graph, group: &Group) -> Space {
        let ranges: Vec<Range> = group.axes.iter().map(|a| (0, i64::from(a.extent) - 1)).collect();
        // A turn stands still.
        let extent = |a: &Axis| if a.role == Role::Turn { 1 } else { a.extent };
        let extents: Vec<u32> = group.axes.iter().map(extent).collect();
        let mut proved = IndexMap::new();
        for member in &group.members {
            visit_member(graph, member, &mut |seen| {
                if let Seen::Load(access) | Seen::Data(access) = seen {
                    let shape = &graph.tensors[access.tensor].shape;
                    proved.insert(access.clone(), in_range(access, shape, &ranges));
                }
            });
        }
        let merged = vec![false; extents.len()];
        Space { extents, merged, ranges, proved }
    }

    /// Whether a load may leave its tensor where its guards do not hold.
    pub fn unsafe_access(&self, access: &Access) -> bool {
        !self.proved[access]
    }

    /// The row-major number of a point of a member's reduced box.
    pub fn number(&self, member: &Member) -> Affine {
        let mut stride = 1;
        let mut terms = Vec::new();
        for &axis in member.reduced.iter().rev() {
            terms.push((axis, stride));
            stride *= (self.ranges[axis].1 + 1) as i32;
        }
        Affine::of(0, terms)
    }

    fn merge(&mut self, kinds: &[Option<usize>], forms: &mut [Linear]) {
        let mut kinds = kinds.to_vec();
        for (a, kind) in kinds.iter_mut().enumerate() {
            if self.proved.iter().any(|(access, ok)| !ok && mentions(access, a)) {
                *kind = None;
            }
        }
        while let Some((a, b)) = self.pair(&kinds, forms) {
            self.extents[b] *= self.extents[a];
            self.extents[a] = 1;
            (self.merged[a], self.merged[b]) = (true, true);
            forms.iter_mut().for_each(|f| f.coefficients[a] = 0);
        }
    }

    /// Two axes of one kind such that one is the other's next digit everywhere.
    fn pair(&self, kinds: &[Option<usize>], forms: &[Linear]) -> Option<(usize, usize)> {
        let free: Vec<usize> = (0..kinds.len()).filter(|&a| kinds[a].is_some() && self.extents[a] > 1).collect();
        let pairs = free.iter().flat_map(|&a| free.iter().map(move |&b| (a, b)));
        pairs.into_iter().find(|&(a, b)| {
            let fits = u64::from(self.extents[a]) * u64::from(self.extents[b]) < 1 << 31;
            let follows = |f: &Linear| f.coefficients[a] == f.coefficients[b] * i64::from(self.extents[b]);
            a != b && kinds[a] == kinds[b] && fits && forms.iter().all(follows)
        })
    }
}

/// Which axes may merge: those with one number; none for pinned ones.
fn kinds(group: &Group) -> Vec<Option<usize>> {
    let of_band = |axis: &Axis| if axis.role == Role::Turn { None } else { Some(0) };
    let mut kinds: Vec<Option<usize>> = group.axes.iter().map(of_band).collect();
    for (number, member) in group.members.iter().enumerate() {
        member.wide.iter().for_each(|&a| kinds[a] = Some(2 * number + 1));
        member.reduced.iter().for_each(|&a| kinds[a] = Some(2 * number + 2));
        classes::pins(&group.axes, member).iter().for_each(|&(_, a)| kinds[a] = None);
    }
    kinds
}

/// Where the vectors lie.
#[derive(Clone, Debug, PartialEq)]
pub enum Ways {
    /// All members along one axis of the band.
    Band(usize),
    /// Each member along an axis of its own, or none.
    Own(Vec<Option<usize>>),
}

/// Chooses axes along which most addresses are contiguous or constant.
pub fn ways(graph: &Graph, group: &Group, space: &Space) -> Ways {
    let points = |axes: &[usize]| axes.iter().map(|&a| i64::from(space.extents[a])).product::<i64>();
    // Each member counts by its work.
    let weight = |m: &Member| points(&m.wide).saturating_mul(points(&m.reduced)).min(1 << 32);
    let best = |axes: &mut dyn Iterator<Item = usize>, members: &[Member]| {
        let scored = axes.filter(|&a| space.extents[a] >= 4).filter_map(|axis| {
            let scores = members.iter().map(|m| Some(weight(m) * score(graph, group, space, m, axis)?));
            Some((scores.sum::<Option<i64>>()?, std::cmp::Reverse(axis)))
        });
        scored.max()
    };
    let band = best(&mut (0..group.band), &group.members);
    let own: Vec<_> = group
        .members
        .iter()
        .map(|m| best(&mut m.wide.iter().chain(&m.reduced).copied(), std::slice::from_ref(m)))
        .collect();
    let poor = |m: &Member| -64 * weight(m);
    let total: i64 = own.iter().zip(&group.members).map(|(o, m)| o.map_or(poor(m), |o| o.0)).sum();
    match band {
        Some((score, axis)) if score >= total || own.iter().all(Option::is_none) => Ways::Band(axis.0),
        Some(_) | None => {
            let lanes = own.iter().zip(&group.members);
            Ways::Own(lanes.map(|(o, m)| o.filter(|o| o.0 > poor(m)).map(|o| o.1.0)).collect())
        }
    }
}

/// How well an axis suits the lanes of a member; None where it cannot be.
fn score(graph: &Graph, group: &Group, space: &Space, member: &Member, axis: usize) -> Option<i64> {
    let n = group.axes.len();
    let reduced = member.reduced.contains(&axis);
    if reduced && !matches!(member.combine, Combine::Sum | Combine::Max) {
        return None;
    }
    let pinned = classes::pins(&group.axes, member);
    let of_band = axis < group.band;
    let mut possible = pinned.iter().all(|&(number, p)| {
        let guard = &member.guards[number];
        p != axis && coefficient(&guard.form, axis) == 0 && guard.data.iter().all(|(_, d)| !mentions(d, axis))
    });
    let mut score = if reduced { -3 } else { 0 };
    if !reduced {
        let flat = flatten(&member.write, &graph.tensors[member.out].shape, n);
        score += 2 * merit(flat.coefficients[axis]);
    }
    visit_member(graph, member, &mut |seen| {
        let (Seen::Load(access) | Seen::Data(access)) = seen else { return };
        let flat = flatten(&access.index, &graph.tensors[access.tensor].shape, n);
        score += merit(flat.coefficients[axis]);
        possible &= of_band || !(space.unsafe_access(access) && mentions(access, axis));
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
