//! The oracle: a graph evaluated by plain loops, in f64 or f32.
//!
//! **The meaning is lazy**: guards are tested one after the other, a point where one fails is dead and nothing of it
//! is evaluated, and of a select only the chosen branch is. So what a dead point would load can never reach a result.
//! A load or a write out of range at a live point, and an element written twice, are bugs of the compiler and are
//! reported. `compile` turns an equation into registers and jumps, `exec` runs them over the box. Tensors that define each
//! other are computed one time after the other, see `steps`.

mod compile;
mod exec;
mod steps;

use super::affine::elements;
use super::recurrence::{Component, components};
use super::scalar::Float;
use super::{Dtype, Graph, Kind, Tensor, TensorId};
use indexmap::IndexMap;

/// Every tensor's elements, row-major: constants, what is given (inputs, parameters, states, noise and host numbers)
/// and all that is defined. An error is a text: a bug of the compiler, or a given tensor that is absent or unfit.
pub fn run<T: Float>(graph: &Graph, given: &IndexMap<TensorId, Vec<T>>) -> Result<IndexMap<TensorId, Vec<T>>, String> {
    let mut values = IndexMap::new();
    for (id, tensor) in graph.tensors.iter() {
        if let Some(data) = start_value(tensor, given.get(&id))? {
            values.insert(id, data);
        }
    }
    for component in components(graph).map_err(|fault| fault.text(graph))? {
        match component {
            Component::One(out) => drop(values.insert(out, evaluate(graph, out, &values)?)),
            Component::Many(recurrence) => steps::run(graph, &recurrence, &mut values)?,
        }
    }
    Ok(values)
}

/// All pieces of one tensor.
fn evaluate<T: Float>(graph: &Graph, out: TensorId, values: &IndexMap<TensorId, Vec<T>>) -> Result<Vec<T>, String> {
    let size = elements(&graph.tensors[out].shape);
    let mut data = vec![T::default(); size];
    let mut written = vec![false; size];
    for piece in &graph.defs[&out].pieces {
        let code = compile::compile(graph, piece, &[]);
        exec::run(&code, &[], values, &mut data, &mut written).map_err(|fault| fault.text(graph, piece))?;
    }
    Ok(data)
}

/// The elements of a tensor that is not defined by equations, checked.
fn start_value<T: Float>(tensor: &Tensor, given: Option<&Vec<T>>) -> Result<Option<Vec<T>>, String> {
    let data = match (&tensor.kind, given) {
        (Kind::Defined, _) => return Ok(None),
        (Kind::Const(data), _) => data.iter().map(|&value| T::of(value)).collect(),
        (Kind::Input | Kind::Param | Kind::State | Kind::Noise { .. } | Kind::Host(_), Some(data)) => data.clone(),
        (Kind::Input | Kind::Param | Kind::State | Kind::Noise { .. } | Kind::Host(_), None) => {
            return Err(format!("{} is not given", tensor.name));
        }
    };
    let size = elements(&tensor.shape);
    if data.len() != size {
        return Err(format!("{} has {} elements, given are {}", tensor.name, size, data.len()));
    }
    if let Dtype::Index(end) = tensor.dtype {
        let fits = |value: f64| value >= 0.0 && value < end.into() && value == libm::floor(value);
        if let Some(bad) = data.iter().map(|value| value.wide()).find(|&value| !fits(value)) {
            return Err(format!("{} holds {bad}, not a whole number below {end}", tensor.name));
        }
    }
    Ok(Some(data))
}
