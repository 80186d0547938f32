//! The same work by the graph's interpreter, in f64: slow, and right by construction.

use super::session::{RunError, Session, Work};
use crate::compile::Binding;
use crate::graph::{Kind, TensorId, interp, scalar};
use crate::ids::Symbol;
use crate::noise;
use crate::runtime::program::Moment;
use indexmap::IndexMap;

/// Outputs by name and new values of parameters and state by path, row-major, computed in f64 on the session's
/// parameters. `inputs` gives the elements of an input.
///
/// # Errors
/// When an input is missing.
pub fn run(
    session: &Session,
    work: Work,
    at: &Binding,
    moment: &Moment,
    inputs: &dyn Fn(&str) -> Option<Vec<f64>>,
) -> Result<IndexMap<Symbol, Vec<f64>>, RunError> {
    let (graph, batch) = (session.graph(work, at.clone()), at.batch);
    let mut given: IndexMap<TensorId, Vec<f64>> = IndexMap::new();
    for (id, tensor) in graph.tensors.iter() {
        let size: usize = tensor.shape.iter().map(|n| *n as usize).product();
        let values = match &tensor.kind {
            Kind::Input => inputs(&tensor.name).ok_or_else(|| RunError::NoInput(tensor.name.to_string()))?,
            Kind::Param | Kind::State => {
                let values = session.store.get(&tensor.name).expect("the store holds every parameter");
                values.iter().map(|value| f64::from(*value)).collect()
            }
            Kind::Noise { key, normal } => {
                let mut values = vec![0.0f32; size];
                noise::fill(
                    &mut values,
                    moment.seed,
                    key,
                    moment.step,
                    moment.first_example,
                    size / batch as usize,
                    *normal,
                );
                values.into_iter().map(f64::from).collect()
            }
            Kind::Host(expr) => vec![scalar::host(expr, moment.step as f64, moment.steps as f64)],
            Kind::Const(_) | Kind::Defined => continue,
        };
        given.insert(id, values);
    }
    let mut values = interp::run(&graph, &given).unwrap_or_else(|broken| panic!("bug: {broken}"));
    let updates = graph.updates.iter().map(|(of, new)| (graph.tensors[*of].name.clone(), *new));
    let named = graph.outputs.iter().cloned().chain(updates);
    Ok(named.map(|(name, id)| (name, values.get_mut(&id).expect("an output is defined").clone())).collect())
}
