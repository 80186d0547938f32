//! The order of a recurrence: which coordinate of its tensors moves, and in which direction.
//!
//! Among the tensors of one circle each read differs from the write by a constant along one coordinate of each tensor.
//! Constants below 0 need a loop forwards, above 0 backwards; what is left at distance 0 must be without circles, or
//! be ordered by another coordinate in the same way.

use super::checker::Checker;
use super::forms::each_part;
use super::found::{Fact, Link};
use super::net::{Linear, Scalar, Subscript, TensorId, VarId};
use super::scope::Env;
use crate::circles::strong;
use crate::source::Span;
use indexmap::{IndexMap, IndexSet};

/// A read of one tensor in the definition of another.
struct Edge {
    out: TensorId,
    read: TensorId,
    /// By coordinate of `out` and of `read`: the read's constant less the write's, where both follow one index.
    distances: Vec<(usize, usize, i64)>,
    at: Span,
}

/// Why there is no order.
enum Broken {
    /// These edges go round, at the same place or so that no coordinate follows them.
    Circle(Vec<usize>),
    /// This edge looks before, that one behind.
    BothWays(usize, usize),
}

impl<'t> Checker<'t> {
    /// Holds the circles among the pieces from `first` on against the rules; reports one that cannot be computed.
    pub fn check_loops(&mut self, first: usize, env: &Env) {
        let edges = self.edges(first);
        let all: Vec<usize> = (0..edges.len()).collect();
        match order(&edges, &all) {
            Ok(()) => {}
            Err(Broken::Circle(circle)) => {
                let links: Vec<Link> = circle.iter().map(|&i| self.link(&edges[i], first)).collect();
                let at = links[0].target;
                self.raise(Fact::NoStep { links }, at, env);
            }
            Err(Broken::BothWays(before, behind)) => {
                let (before, behind) = (self.link(&edges[before], first), self.link(&edges[behind], first));
                let at = before.at;
                self.raise(Fact::BothWays { before, behind }, at, env);
            }
        }
    }

    fn edges(&self, first: usize) -> Vec<Edge> {
        let made: IndexSet<TensorId> = self.flat.pieces[first..].iter().map(|piece| piece.out).collect();
        let mut edges = Vec::new();
        for piece in &self.flat.pieces[first..] {
            let mut add = |read: TensorId, forms: Vec<Option<&Linear>>, at: Span| {
                if made.contains(&read) {
                    let distances = distances(&piece.write, &forms);
                    edges.push(Edge { out: piece.out, read, distances, at });
                }
            };
            each_part(&piece.body, &mut |part| {
                let Scalar::Load { tensor, subscripts, at } = part else { return };
                for subscript in subscripts {
                    if let Subscript::Data { tensor, subscripts } = subscript {
                        add(*tensor, subscripts.iter().map(Some).collect(), *at);
                    }
                }
                add(*tensor, subscripts.iter().map(affine).collect(), *at);
            });
        }
        edges
    }

    fn link(&self, edge: &Edge, first: usize) -> Link {
        let piece = self.flat.pieces[first..].iter().find(|piece| {
            piece.out == edge.out && {
                let mut holds = false;
                each_part(&piece.body, &mut |part| holds |= matches!(part, Scalar::Load { at, .. } if *at == edge.at));
                holds
            }
        });
        let target = piece.map_or(edge.at, |piece| piece.at);
        let text = self.sources.text(target);
        let left = text.split('=').next().unwrap_or(text).trim_end();
        let target = Span { end: target.start + left.len() as u32, ..target };
        Link { defined: left.to_string(), target, needs: self.sources.text(edge.at).to_string(), at: edge.at }
    }
}

fn affine(subscript: &Subscript) -> Option<&Linear> {
    match subscript {
        Subscript::Affine(form) => Some(form),
        Subscript::Data { .. } => None,
    }
}

/// Where one index alone stands with coefficient 1 in a coordinate of the write and of the read.
fn distances(write: &[Linear], read: &[Option<&Linear>]) -> Vec<(usize, usize, i64)> {
    let alone = |form: &Linear| -> Option<(VarId, i64)> {
        let [(var, by)] = &form.terms[..] else { return None };
        (by.as_number() == Some(1)).then_some((*var, form.constant.as_number()?))
    };
    let mut found = Vec::new();
    for (i, form) in write.iter().enumerate() {
        let Some((var, written)) = alone(form) else { continue };
        for (j, form) in read.iter().enumerate() {
            if let Some((own, place)) = form.and_then(alone)
                && own == var
            {
                found.push((i, j, place - written));
            }
        }
    }
    found
}

/// Whether the edges can be followed in some order.
fn order(edges: &[Edge], alive: &[usize]) -> Result<(), Broken> {
    circles(edges, alive).into_iter().try_for_each(|circle| order_circle(edges, &circle))
}

fn order_circle(edges: &[Edge], circle: &[usize]) -> Result<(), Broken> {
    let first = edges[circle[0]].out;
    let candidates: IndexSet<usize> =
        circle.iter().filter(|&&i| edges[i].out == first).flat_map(|&i| &edges[i].distances).map(|d| d.0).collect();
    let mut worst: Option<Broken> = None;
    for coordinate in candidates {
        let Some(steps) = follow(edges, circle, first, coordinate) else { continue };
        let place = |wanted: fn(&i64) -> bool| steps.iter().position(wanted).map(|i| circle[i]);
        let (before, behind) = (place(|d| *d < 0), place(|d| *d > 0));
        if let (Some(before), Some(behind)) = (before, behind) {
            worst.get_or_insert(Broken::BothWays(before, behind));
            continue;
        }
        if before.is_none() && behind.is_none() {
            continue;
        }
        let still: Vec<usize> = circle.iter().zip(&steps).filter(|(_, d)| **d == 0).map(|(i, _)| *i).collect();
        match order(edges, &still) {
            Ok(()) => return Ok(()),
            Err(broken) => drop(worst.get_or_insert(broken)),
        }
    }
    Err(worst.unwrap_or_else(|| Broken::Circle(round(edges, circle))))
}

/// The distance of each edge along the coordinate that follows from one of `first`; none where some edge has none.
fn follow(edges: &[Edge], circle: &[usize], first: TensorId, coordinate: usize) -> Option<Vec<i64>> {
    let mut along: IndexMap<TensorId, usize> = IndexMap::from([(first, coordinate)]);
    loop {
        let before = along.len();
        for &i in circle {
            let edge = &edges[i];
            match (along.get(&edge.out).copied(), along.get(&edge.read).copied()) {
                (Some(out), None) => {
                    if let Some((_, read, _)) = edge.distances.iter().find(|d| d.0 == out) {
                        along.insert(edge.read, *read);
                    }
                }
                (None, Some(read)) => {
                    if let Some((out, ..)) = edge.distances.iter().find(|d| d.1 == read) {
                        along.insert(edge.out, *out);
                    }
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        if along.len() == before {
            break;
        }
    }
    let step = |&i: &usize| {
        let edge = &edges[i];
        let (out, read) = (*along.get(&edge.out)?, *along.get(&edge.read)?);
        edge.distances.iter().find(|d| d.0 == out && d.1 == read).map(|d| d.2)
    };
    circle.iter().map(step).collect()
}

/// The edges inside of each strongly connected component that has any.
fn circles(edges: &[Edge], alive: &[usize]) -> Vec<Vec<usize>> {
    let mut next: IndexMap<TensorId, IndexSet<TensorId>> = IndexMap::new();
    for &i in alive {
        next.entry(edges[i].read).or_default();
        next.entry(edges[i].out).or_default().insert(edges[i].read);
    }
    let place = |tensor: &TensorId| next.get_index_of(tensor).expect("both ends of each edge are nodes");
    let components = strong(next.len(), |at| next[at].iter().map(place).collect());
    let mut of = vec![0; next.len()];
    components.iter().enumerate().for_each(|(name, all)| all.iter().for_each(|&at| of[at] = name));
    let mut found: IndexMap<usize, Vec<usize>> = IndexMap::new();
    for &i in alive {
        let name = of[place(&edges[i].out)];
        if name == of[place(&edges[i].read)] {
            found.entry(name).or_default().push(i);
        }
    }
    found.into_values().collect()
}

/// A shortest way round, from the first edge's definition on.
fn round(edges: &[Edge], circle: &[usize]) -> Vec<usize> {
    let start = edges[circle[0]].out;
    let mut by: IndexMap<TensorId, usize> = IndexMap::new();
    let mut front = vec![start];
    while !front.is_empty() {
        let mut next = Vec::new();
        for tensor in front {
            for &i in circle.iter().filter(|&&i| edges[i].out == tensor) {
                if by.contains_key(&edges[i].read) {
                    continue;
                }
                by.insert(edges[i].read, i);
                if edges[i].read == start {
                    let (mut way, mut at) = (vec![i], tensor);
                    while at != start {
                        let i = by[&at];
                        way.push(i);
                        at = edges[i].out;
                    }
                    way.reverse();
                    return way;
                }
                next.push(edges[i].read);
            }
        }
        front = next;
    }
    circle.to_vec()
}
