//! `brolga grad FILE --input x=a.npy ... --output g.npz`: the loss of an objective and its gradients.

use super::arrays::{self, Array};
use super::common::{Common, Failure, Outcome};
use super::{output, run};
use crate::check::net::Checked;
use crate::runtime::program::Moment;
use crate::train::oracle;
use crate::train::session::Work;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// An array for a field of the data: x=a.npy, x=a.npz, x=a.json, or an .npz that holds them by name
    #[arg(long, required = true, num_args = 1.., value_name = "NAME=FILE")]
    input: Vec<String>,
    /// Where `loss` and the gradients, by the parameters' paths, go: .npz or .json
    #[arg(long)]
    output: Option<PathBuf>,
    /// Which `minimise` of the file, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    objective: usize,
    /// Gradients to the inputs too, by their names
    #[arg(long)]
    inputs: bool,
    /// By the plain interpreter in f64 in place of machine code in f32
    #[arg(long)]
    f64: bool,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let loaded = common.load(&args.file)?;
    let checked = &loaded.checked;
    let (item, objective) = pick(checked, args.objective)?;
    let training = &checked.trainings[item];
    let data = training.data.map(|data| &checked.datasets[data].fields[..]).unwrap_or(&[]);
    let mut given = arrays::read(&args.input, &run::wanted(checked, data), checked)?;
    let mut session = run::open(&loaded, common)?;
    let (work, batch) = (Work::Gradients(item, objective, args.inputs), given.batch);
    let moment = Moment { seed: common.seed.unwrap_or(training.seed), step: 1, steps: 1, first_example: 0 };
    let at = session.binding(work, batch, &given)?;
    let graph = session.graph(work, at.clone());
    let found: Vec<(String, Array)> = if args.f64 {
        let inputs = |name: &str| given.arrays.get(name).map(|array| array.values.clone());
        let values = oracle::run(&session, work, &at, &moment, &inputs)?;
        let named = graph.outputs.iter().map(|(name, id)| (name, shape(&graph, *id), values[name].clone()));
        named.map(|(name, shape, values)| (name.to_string(), Array { shape, values })).collect()
    } else {
        session.run(work, batch, &moment, &mut given)?;
        let named = graph.outputs.iter().map(|(name, id)| {
            let values = session.output(work, batch, name).expect("the program has its outputs");
            (
                name.to_string(),
                Array { shape: shape(&graph, *id), values: values.iter().map(|v| f64::from(*v)).collect() },
            )
        });
        named.collect()
    };
    match &args.output {
        Some(path) => arrays::write(path, &found, args.f64)?,
        None => {
            for (name, array) in &found {
                let norm = array.values.iter().map(|v| v * v).sum::<f64>().sqrt();
                output::line(&match name.as_str() {
                    "loss" => format!("loss {}", array.values[0]),
                    _ => format!("{name} {:?}  norm {norm:.6e}", array.shape),
                });
            }
        }
    }
    Ok(0)
}

/// The `train` item and the objective in it of a number in the file.
fn pick(checked: &Checked, number: usize) -> Result<(usize, usize), Failure> {
    let all = checked.trainings.iter().enumerate();
    let all = all.flat_map(|(item, training)| (0..training.objectives.len()).map(move |objective| (item, objective)));
    let all: Vec<(usize, usize)> = all.collect();
    let picked = number.checked_sub(1).and_then(|place| all.get(place).copied());
    picked.ok_or_else(|| match all.len() {
        0 => Failure::new("this file has no `train`, so no objective"),
        1 => Failure::usage("this file has one objective: `--objective 1`"),
        n => Failure::usage(format!("this file has {n} objectives: `--objective 1` to `--objective {n}`")),
    })
}

fn shape(graph: &crate::graph::Graph, id: crate::graph::TensorId) -> Vec<usize> {
    graph.tensors[id].shape.iter().map(|n| *n as usize).collect()
}
