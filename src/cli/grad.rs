//! `brolga grad FILE --input x=a.npy ... --output g.npz`: the loss of an objective and its gradients.

use super::arrays::{self, Array, Given};
use super::common::{Common, Failure, Outcome};
use super::{output, run};
use crate::check::net::Checked;
use crate::graph::{Equation, Graph};
use crate::runtime::program::Moment;
use crate::train::oracle;
use crate::train::session::{Session, Work};
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
    /// Compute them by a copy of each recurrence for each step, too, and show how far loop and copies are apart
    #[arg(long)]
    unrolled: bool,
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
    let moment = Moment { seed: common.seed.unwrap_or(training.seed), step: 1, steps: 1, first_example: 0 };
    let work = Work::Gradients(item, objective, args.inputs);
    let found = compute(&mut session, work, &mut given, &moment, args.f64)?;
    if args.unrolled {
        let copies = Work::Unrolled(item, objective, args.inputs);
        let batch = given.batch;
        let at = session.binding(work, batch, &given)?;
        let bound = bound(&session.graph(copies, at), args.f64);
        let copies = compute(&mut session, copies, &mut given, &moment, args.f64)?;
        return Ok(compare(&found, &copies, bound));
    }
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

/// The loss and the gradients by name.
fn compute(
    session: &mut Session,
    work: Work,
    given: &mut Given,
    moment: &Moment,
    double: bool,
) -> Result<Vec<(String, Array)>, Failure> {
    let batch = given.batch;
    let at = session.binding(work, batch, given)?;
    let graph = session.graph(work, at.clone());
    if double {
        let inputs = |name: &str| given.arrays.get(name).map(|array| array.values.clone());
        let values = oracle::run(session, work, &at, moment, &inputs)?;
        let named = graph.outputs.iter().map(|(name, id)| (name, shape(&graph, *id), values[name].clone()));
        return Ok(named.map(|(name, shape, values)| (name.to_string(), Array { shape, values })).collect());
    }
    session.run(work, batch, moment, given)?;
    let named = graph.outputs.iter().map(|(name, id)| {
        let values = session.output(work, batch, name).expect("the program has its outputs");
        let values = values.iter().map(|v| f64::from(*v)).collect();
        (name.to_string(), Array { shape: shape(&graph, *id), values })
    });
    Ok(named.collect())
}

/// How far two ways to compute the same may be apart, in parts of the largest value of a tensor. The rounding errors of n
/// operations add up to about sqrt(n) units in the last place (Higham and Mary, "A new approach to probabilistic rounding
/// error analysis", SIAM J. Sci. Comput. 41, 2019); n is the longest sum of the copies times the number of their
/// definitions, which follow one another at worst.
fn bound(copies: &Graph, double: bool) -> f64 {
    if double {
        return 1e-12;
    }
    let points = |eq: &Equation| eq.axes[eq.n_out..].iter().map(|axis| f64::from(axis.extent)).product::<f64>();
    let longest = copies.defs.values().flat_map(|def| &def.pieces).map(points).fold(1.0, f64::max);
    (longest * copies.defs.len() as f64).sqrt() * f64::from(f32::EPSILON)
}

/// A line for each output, and whether all are within the bound.
fn compare(loops: &[(String, Array)], copies: &[(String, Array)], bound: f64) -> u8 {
    let mut worst = 0.0_f64;
    for ((name, a), (_, b)) in loops.iter().zip(copies) {
        let largest = a.values.iter().chain(&b.values).fold(0.0_f64, |m, v| m.max(v.abs()));
        let far = |(a, b): (&f64, &f64)| if (a - b).is_nan() { f64::INFINITY } else { (a - b).abs() };
        let far = a.values.iter().zip(&b.values).map(far).fold(0.0, f64::max);
        let far = if far == 0.0 { 0.0 } else { far / largest };
        worst = worst.max(far);
        output::line(&format!("{name} {:?}  loop and copies differ by {far:.1e}", a.shape));
    }
    let fine = worst <= bound;
    let word = if fine { "within" } else { "ABOVE" };
    output::line(&format!("largest difference {worst:.1e}, {word} the bound {bound:.1e}"));
    u8::from(!fine)
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
