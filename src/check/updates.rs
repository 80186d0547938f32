//! What `update` statements come to when a flat list is ended: which of them take effect, and in which order.
//!
//! **Invariants**: of each state there is one new value; an update counts only if the use that holds it takes part in
//! the outputs (an optimiser's: if its step reads that state); uses follow one another in text order, and each reads
//! what the one before left; within one use all right sides read what was there before it.

use super::finish::{live_uses, needed};
use super::flat::{Building, UseInfo};
use super::forms::each_tensor;
use super::net::{ParamId, Piece, TensorId, TensorKind, UseId};
use indexmap::IndexMap;

/// `update state = new` of one use.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    pub state: ParamId,
    pub new: TensorId,
    pub of: Option<UseId>,
}

/// The new values that take effect, one for each state; uses after the first get pieces of their own.
pub fn chained(building: &mut Building, outputs: &[TensorId]) -> Vec<(ParamId, TensorId)> {
    let mut updates = effective(building, outputs);
    let uses = &building.uses;
    updates.sort_by_cached_key(|update| place(uses, update.of));
    let mut latest: IndexMap<ParamId, TensorId> = IndexMap::new();
    let mut rest = &updates[..];
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|update| update.of == first.of).count();
        let (group, after) = rest.split_at(same);
        let mut copies = Copies { latest: &latest, known: IndexMap::new() };
        let new: Vec<(ParamId, TensorId)> =
            group.iter().map(|update| (update.state, copies.of(building, update.new))).collect();
        latest.extend(new);
        rest = after;
    }
    latest.into_iter().collect()
}

/// The updates of uses that the outputs need; in an optimiser those of states that its step reads.
fn effective(building: &Building, outputs: &[TensorId]) -> Vec<Update> {
    let all = &building.updates;
    if !building.optimiser {
        let needed = needed(&building.pieces, outputs.iter().copied());
        let live = live_uses(&building.uses, &building.tensors, &needed);
        let holds = |update: &&Update| update.of.is_none_or(|of| live.contains(&of.index()));
        return all.iter().filter(holds).copied().collect();
    }
    let mut kept: Vec<Update> = Vec::new();
    loop {
        let roots = outputs.iter().copied().chain(kept.iter().map(|update| update.new));
        let needed = needed(&building.pieces, roots);
        let read = |state: ParamId| building.params.get(&state).is_some_and(|tensor| needed.contains(tensor));
        let now: Vec<Update> = all.iter().filter(|update| read(update.state)).copied().collect();
        if now.len() == kept.len() {
            return kept;
        }
        kept = now;
    }
}

/// Where a use stands in the text: the places of the applications and calls around it, outermost first.
fn place(uses: &[UseInfo], of: Option<UseId>) -> Vec<(Option<u32>, u32)> {
    let mut chain = Vec::new();
    let mut next = of;
    while let Some(id) = next {
        let info = &uses[id.index()];
        chain.push((info.applied.map(|at| at.start), info.at.start));
        next = info.parent;
    }
    chain.reverse();
    chain
}

/// Copies of definitions that read states with a newer value.
struct Copies<'a> {
    latest: &'a IndexMap<ParamId, TensorId>,
    /// Each tensor that was looked at, and what stands in its place.
    known: IndexMap<TensorId, TensorId>,
}

impl Copies<'_> {
    /// The tensor with the newest values of all states in it.
    fn of(&mut self, building: &mut Building, tensor: TensorId) -> TensorId {
        if self.latest.is_empty() {
            return tensor;
        }
        if let Some(&known) = self.known.get(&tensor) {
            return known;
        }
        let result = match building.tensors[tensor].kind {
            TensorKind::Param(state) => self.latest.get(&state).copied().unwrap_or(tensor),
            TensorKind::Input(_) | TensorKind::Constant(_) | TensorKind::Noise { .. } => tensor,
            TensorKind::Defined => self.defined(building, tensor),
        };
        self.known.insert(tensor, result);
        result
    }

    fn defined(&mut self, building: &mut Building, tensor: TensorId) -> TensorId {
        let mut pieces: Vec<Piece> = building.pieces.iter().filter(|piece| piece.out == tensor).cloned().collect();
        let mut changed = false;
        for piece in &mut pieces {
            each_tensor(&mut piece.body, &mut |id| {
                let new = self.of(building, *id);
                changed |= new != *id;
                *id = new;
            });
        }
        if !changed {
            return tensor;
        }
        let copy = building.tensors.push(building.tensors[tensor].clone());
        building.tensors[copy].per_example = false;
        for mut piece in pieces {
            piece.out = copy;
            building.tensors[copy].per_example |= building.depends_on_example(&piece.body);
            building.pieces.push(piece);
        }
        copy
    }
}
