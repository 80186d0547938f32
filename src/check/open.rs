//! `_` in the shape of a parameter: the axis takes its size from the first use that says one.
//!
//! **Invariants**: an open size is poison until then, so that it equals everything; when a use says its size, every
//! shape and index that holds it is told; one that no use settles is reported at the end.

use super::checker::Checker;
use super::found::Fact;
use super::net::ParamId;
use super::scope::Env;
use crate::ids::Symbol;
use crate::size::SizeId;
use crate::source::Span;

/// Sizes that are written `_`.
#[derive(Debug, Default)]
pub struct OpenSizes {
    waiting: Vec<Open>,
    settled: Vec<(SizeId, SizeId)>,
}

/// One of them that no use has settled.
#[derive(Clone, Debug)]
struct Open {
    size: SizeId,
    name: Symbol,
    at: Span,
    env: Env,
}

impl<'t> Checker<'t> {
    /// A new open size of a parameter.
    pub fn open_size(&mut self, name: &Symbol, at: Span, env: &Env) -> SizeId {
        let size = self.sizes.poison(at);
        self.open.waiting.push(Open { size, name: name.clone(), at, env: env.clone() });
        size
    }

    /// What an open size became, or the size itself.
    pub fn settled_size(&self, size: SizeId) -> SizeId {
        self.open.settled.iter().find(|(open, _)| *open == size).map_or(size, |(_, known)| *known)
    }

    /// Whether a size waits for a use.
    pub fn is_open(&self, size: SizeId) -> bool {
        self.open.waiting.iter().any(|open| open.size == size)
    }

    /// Two sizes meet in an operation that wants them equal: an open one becomes the other.
    pub fn meet(&mut self, a: SizeId, b: SizeId) {
        let (a, b) = (self.settled_size(a), self.settled_size(b));
        match (self.is_open(a), self.is_open(b)) {
            (true, false) => self.settle_open(a, b),
            (false, true) => self.settle_open(b, a),
            (true, true) | (false, false) => {}
        }
    }

    fn settle_open(&mut self, open: SizeId, size: SizeId) {
        let Some(place) = self.open.waiting.iter().position(|waiting| waiting.size == open) else { return };
        let Open { name, at, env, .. } = self.open.waiting.remove(place);
        self.open.settled.push((open, size));
        let replace = |known: &mut SizeId| {
            if *known == open {
                *known = size;
            }
        };
        for id in self.flat.tensors.ids() {
            self.flat.tensors[id].shape.iter_mut().for_each(replace);
        }
        for var in &mut self.flat.vars {
            var.extent.iter_mut().for_each(replace);
        }
        self.params.settle(open, size);
        let shapes: Vec<Vec<SizeId>> =
            self.params.iter().filter(|(_, p)| p.name == name).map(|(_, p)| p.shape.clone()).collect();
        shapes.iter().for_each(|shape| self.bounded(shape, at, &env));
    }

    /// Reports the open sizes of parameters that something reads and no use has settled.
    pub fn unsettled(&mut self) {
        let waiting = std::mem::take(&mut self.open.waiting);
        let read = |open: &Open, id: ParamId, checker: &Self| {
            checker.live.contains(&id) && checker.params.get(id).shape.contains(&open.size)
        };
        for open in &waiting {
            let ids: Vec<ParamId> = self.params.iter().map(|(id, _)| id).collect();
            if ids.into_iter().any(|id| read(open, id, self)) {
                let wants = format!("a use that gives '{}' the size of this axis", open.name);
                self.raise_at(Fact::WrongSort { wants, is: "none that does".into() }, open.at, &open.env);
            }
        }
    }
}
