//! Tensors that define each other, computed one time after the other.

use super::compile::{Code, compile};
use super::exec;
use crate::graph::affine::elements;
use crate::graph::recurrence::{Component, Moment, Recurrence};
use crate::graph::scalar::Float;
use crate::graph::{Equation, Graph, TensorId};
use indexmap::IndexMap;

/// Adds the values of all members.
pub fn run<T: Float>(
    graph: &Graph,
    recurrence: &Recurrence,
    values: &mut IndexMap<TensorId, Vec<T>>,
) -> Result<(), String> {
    let mut runner = Runner { graph, values, written: IndexMap::new(), codes: IndexMap::new(), times: Vec::new() };
    for &member in recurrence.time.keys() {
        let size = elements(&graph.tensors[member].shape);
        runner.values.insert(member, vec![T::default(); size]);
        runner.written.insert(member, vec![false; size]);
    }
    runner.recurrence(recurrence)
}

struct Runner<'a, T> {
    graph: &'a Graph,
    values: &'a mut IndexMap<TensorId, Vec<T>>,
    written: IndexMap<TensorId, Vec<bool>>,
    /// Of each piece, by tensor and number.
    codes: IndexMap<(TensorId, usize), Code>,
    /// The recurrences that are open, outermost first, with the time at which each stands.
    times: Vec<(IndexMap<TensorId, usize>, i32)>,
}

impl<T: Float> Runner<'_, T> {
    fn recurrence(&mut self, recurrence: &Recurrence) -> Result<(), String> {
        let extent = |(&tensor, &time): (&TensorId, &usize)| self.graph.tensors[tensor].shape[time];
        let end = recurrence.time.iter().map(extent).max().unwrap_or(0) as i32;
        for turn in 0..end {
            let now = if recurrence.backwards { end - 1 - turn } else { turn };
            self.times.push((recurrence.time.clone(), now));
            for component in &recurrence.step {
                match component {
                    Component::One(tensor) => self.now(*tensor)?,
                    Component::Many(inner) => self.recurrence(inner)?,
                }
            }
            self.times.pop();
        }
        Ok(())
    }

    /// The elements of a tensor at the time that it is.
    fn now(&mut self, tensor: TensorId) -> Result<(), String> {
        for (number, piece) in self.graph.defs[&tensor].pieces.iter().enumerate() {
            let Some(held) = self.held(piece) else { continue };
            let axes: Vec<usize> = held.iter().map(|axis| axis.0).collect();
            let code = self.codes.entry((tensor, number)).or_insert_with(|| compile(self.graph, piece, &axes));
            let mut data = std::mem::take(&mut self.values[&tensor]);
            let outcome = exec::run(code, &held, self.values, &mut data, &mut self.written[&tensor]);
            self.values[&tensor] = data;
            outcome.map_err(|fault| fault.text(self.graph, piece))?;
        }
        Ok(())
    }

    /// Where the axes of time stand; none where the piece writes at other times.
    fn held(&self, piece: &Equation) -> Option<Vec<(usize, i64)>> {
        let mut held = Vec::new();
        for (time, now) in &self.times {
            match Moment::of(piece, time[&piece.out])? {
                Moment::At(only) if only == *now => {}
                Moment::At(_) => return None,
                Moment::Along { axis, sign, constant } => {
                    let at = (now - constant) * sign;
                    let inside = 0 <= at && at < piece.axes[axis].extent as i32;
                    inside.then(|| held.push((axis, at.into())))?;
                }
            }
        }
        Some(held)
    }
}
