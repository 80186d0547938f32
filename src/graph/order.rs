//! Who reads whom: the tensors an equation reads, and an order in which every tensor comes after those it reads.

use super::{Def, Equation, Exprs, Graph, TensorId};

/// The tensors that the guards and the body of an equation read; one may come more than once.
pub fn reads(exprs: &Exprs, eq: &Equation) -> Vec<TensorId> {
    let mut found: Vec<TensorId> = eq.guards.iter().filter_map(|guard| Some(guard.data.as_ref()?.1.tensor)).collect();
    exprs.each_access(eq.body, |access| found.push(access.tensor));
    found
}

fn def_reads(exprs: &Exprs, def: &Def) -> Vec<TensorId> {
    def.pieces.iter().flat_map(|piece| reads(exprs, piece)).collect()
}

/// The defined tensors, each after those it reads, else in the order of their definitions; or a cycle, in which each
/// tensor reads the next and the last reads the first.
pub fn order(graph: &Graph) -> Result<Vec<TensorId>, Vec<TensorId>> {
    let mut state = vec![State::New; graph.tensors.len()];
    let mut done = Vec::with_capacity(graph.defs.len());
    for &root in graph.defs.keys() {
        visit(graph, root, &mut state, &mut done)?;
    }
    Ok(done)
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

/// Depth first, without recursion: a net may be as deep as it likes.
fn visit(graph: &Graph, root: TensorId, state: &mut [State], done: &mut Vec<TensorId>) -> Result<(), Vec<TensorId>> {
    let mut stack: Vec<(TensorId, std::vec::IntoIter<TensorId>)> = Vec::new();
    let mut next = Some(root);
    loop {
        if let Some(tensor) = next.take() {
            match (state[tensor.index()], graph.defs.get(&tensor)) {
                (State::Done, _) | (State::New, None) => {}
                (State::Open, _) => return Err(cycle(&stack, tensor)),
                (State::New, Some(def)) => {
                    state[tensor.index()] = State::Open;
                    stack.push((tensor, def_reads(&graph.exprs, def).into_iter()));
                }
            }
        }
        let Some((tensor, inputs)) = stack.last_mut() else { return Ok(()) };
        next = inputs.next();
        if next.is_none() {
            state[tensor.index()] = State::Done;
            done.push(*tensor);
            stack.pop();
        }
    }
}

fn cycle(stack: &[(TensorId, std::vec::IntoIter<TensorId>)], again: TensorId) -> Vec<TensorId> {
    stack.iter().map(|entry| entry.0).skip_while(|&tensor| tensor != again).collect()
}
