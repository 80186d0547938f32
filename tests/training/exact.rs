//! Training steps in f64: each objective's graph by its interpreter, parameters and state kept between the steps.

use brolga::check::net::Checked;
use brolga::compile::{self, Job};
use brolga::graph::{Graph, Kind, interp, scalar};
use brolga::noise;
use brolga::train::random;
use indexmap::IndexMap;

pub struct Exact {
    graphs: Vec<Graph>,
    /// By path.
    pub kept: IndexMap<String, Vec<f64>>,
    pub seed: u64,
    batch: u32,
}

impl Exact {
    /// The objectives of the first training.
    pub fn new(checked: &Checked, batch: u32, seed: u64) -> Exact {
        let objectives = &checked.trainings[0].objectives;
        let graphs = objectives.iter().map(|o| compile::graph(checked, Job::Train(o), batch)).collect();
        let start = |param| random::initial(checked, param, seed).into_iter().map(f64::from).collect();
        let kept = checked.params.iter().map(|(_, param)| (param.path.to_string(), start(param))).collect();
        Exact { graphs, kept, seed, batch }
    }

    /// One step of one objective; gives its loss.
    pub fn step(
        &mut self,
        objective: usize,
        (step, steps): (u64, u64),
        inputs: &dyn Fn(&str) -> Option<Vec<f64>>,
    ) -> f64 {
        let graph = &self.graphs[objective];
        let mut given = IndexMap::new();
        for (id, tensor) in graph.tensors.iter() {
            let size: usize = tensor.shape.iter().map(|n| *n as usize).product();
            let values = match &tensor.kind {
                Kind::Input => inputs(&tensor.name).unwrap_or_else(|| panic!("no input {}", tensor.name)),
                Kind::Param | Kind::State => self.kept[&*tensor.name].clone(),
                Kind::Noise { key, normal } => {
                    let mut values = vec![0.0; size];
                    noise::fill(&mut values, self.seed, key, step, 0, size / self.batch as usize, *normal);
                    values.into_iter().map(f64::from).collect()
                }
                Kind::Host(expr) => vec![scalar::host(expr, step as f64, steps as f64)],
                Kind::Const(_) | Kind::Defined => continue,
            };
            given.insert(id, values);
        }
        let values = interp::run::<f64>(graph, &given).unwrap();
        for (old, new) in &graph.updates {
            self.kept[&*graph.tensors[*old].name] = values[new].clone();
        }
        values[&graph.outputs[0].1][0]
    }
}
