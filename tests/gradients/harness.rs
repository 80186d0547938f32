//! Gradients against central differences in f64, of a graph given as text or built by hand.
//!
//! **The bound.** With h = 1e-5 a central difference errs by `h^2/6 |f'''|` from truncation, 1.7e-11 where the third
//! derivative is 1, and by `2^-53 * k |f| / h`, 1.1e-11 k |f|, from rounding, k growing with the roots of the number of
//! terms. So [`BOUND`] times the largest of 1, the loss and the differences leaves room for k = 100 and third
//! derivatives of 60.

use brolga::grad::{differentiate, solve_equalities};
use brolga::graph::affine::elements;
use brolga::graph::check;
use brolga::graph::interp;
use brolga::graph::normal::normalise_all;
use brolga::graph::rewrite::cost;
use brolga::graph::text::{print, read};
use brolga::graph::{
    Affine, Axis, Combine, Dtype, Equation, ExprId, Graph, Kind, Origin, OriginId, OriginRole, Role, TensorId,
};
use indexmap::IndexMap;

pub const H: f64 = 1e-5;
pub const BOUND: f64 = 1e-9;

/// Values of what is given.
pub type Given = IndexMap<TensorId, Vec<f64>>;

/// A small deterministic generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In -1..1, away from 0 by at least 1/50 and from other draws by chance only.
    pub fn real(&mut self) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let value = 0.02 + 0.98 * unit;
        if self.next() & 1 == 0 { value } else { -value }
    }

    /// In `from..=to`.
    pub fn size(&mut self, from: u32, to: u32) -> u32 {
        from + (self.next() % u64::from(to - from + 1)) as u32
    }
}

/// Random values for each tensor that is not defined: between -1 and 1, whole numbers for index tensors, above 0 for
/// states (running variances) and uniform noise.
pub fn given(graph: &Graph, random: &mut Random) -> Given {
    let mut given = Given::new();
    for (id, tensor) in graph.tensors.iter() {
        let count = elements(&tensor.shape);
        match (&tensor.kind, tensor.dtype) {
            (Kind::Defined | Kind::Const(_), _) => {}
            (Kind::State | Kind::Noise { normal: false, .. }, _) => {
                drop(given.insert(id, (0..count).map(|_| random.real().abs()).collect()));
            }
            (_, Dtype::Real) => drop(given.insert(id, (0..count).map(|_| random.real()).collect())),
            (_, Dtype::Index(end)) => {
                drop(given.insert(id, (0..count).map(|_| f64::from(random.size(0, end - 1))).collect()));
            }
        }
    }
    given
}

/// Every tensor's values.
pub fn values(graph: &Graph, given: &Given) -> Result<Given, String> {
    interp::run::<f64>(graph, given).map_err(|text| format!("{text}\n{}", print(graph)))
}

/// The equation of a whole-box sum into a number.
pub fn sum_all(graph: &mut Graph, out: TensorId, shape: &[u32], body: ExprId) {
    let axes: Vec<Axis> = shape.iter().map(|&extent| Axis { extent, role: Role::Plain, hint: "s".into() }).collect();
    let combine = if axes.is_empty() { Combine::None } else { Combine::Sum };
    let origin = graph.tensors[out].origin;
    let (write, guards) = (Vec::new(), Vec::new());
    graph.define(Equation { out, axes, n_out: 0, combine, write, guards, body, origin });
}

/// A tensor that others own nothing of.
pub fn tensor(graph: &mut Graph, name: &str, shape: &[u32], kind: Kind) -> TensorId {
    let origin: OriginId = graph.origins.push(Origin { path: name.into(), at: None, role: OriginRole::Written });
    graph.tensor(name, shape, Dtype::Real, kind, origin)
}

fn whole(shape: &[u32]) -> Vec<Affine> {
    (0..shape.len()).map(Affine::axis).collect()
}

/// `sum(c * y * y)` with given random c: a loss that bends.
pub fn bent_loss(graph: &mut Graph, y: TensorId) -> TensorId {
    let shape = graph.tensors[y].shape.clone();
    let weight = tensor(graph, "weight", &shape, Kind::Input);
    let loss = tensor(graph, "loss", &[], Kind::Defined);
    let (c, y) = (graph.exprs.load(weight, whole(&shape)), graph.exprs.load(y, whole(&shape)));
    let product = graph.exprs.mul(c, y);
    let body = graph.exprs.mul(product, y);
    sum_all(graph, loss, &shape, body);
    loss
}

/// The sum over all tensors of `sum(c * t)`, c given at random.
pub fn mixed_sum(graph: &mut Graph, tensors: &[TensorId]) -> TensorId {
    let mut total = graph.exprs.number(0.0);
    for &part in tensors {
        let shape = graph.tensors[part].shape.clone();
        let weight = tensor(graph, "weight2", &shape, Kind::Input);
        let sum = tensor(graph, "sum2", &[], Kind::Defined);
        let (c, t) = (graph.exprs.load(weight, whole(&shape)), graph.exprs.load(part, whole(&shape)));
        let body = graph.exprs.mul(c, t);
        sum_all(graph, sum, &shape, body);
        let term = graph.exprs.load(sum, Vec::new());
        total = graph.exprs.add_two(total, term);
    }
    let loss = tensor(graph, "loss2", &[], Kind::Defined);
    sum_all(graph, loss, &[], total);
    loss
}

/// The largest error of the gradients over up to `ENTRIES` entries of each tensor, in parts of the scale. `primal`
/// computes the loss.
pub fn error(
    primal: &Graph,
    graph: &Graph,
    given: &Given,
    loss: TensorId,
    pairs: &[(TensorId, TensorId)],
) -> Result<f64, String> {
    const ENTRIES: usize = 24;
    let results = values(graph, given)?;
    let mut random = Random(7);
    let mut worst: f64 = 0.0;
    let mut scale = results[&loss][0].abs().max(1.0);
    let mut given = given.clone();
    for &(tensor, gradient) in pairs {
        let count = given[&tensor].len();
        let chosen =
            (0..count.min(ENTRIES)).map(|at| if count <= ENTRIES { at } else { random.next() as usize % count });
        for at in chosen.collect::<Vec<_>>() {
            let start = given[&tensor][at];
            let mut moved = |by: f64| {
                given[&tensor][at] = start + by;
                values(primal, &given).map(|values| values[&loss][0])
            };
            let difference = (moved(H)? - moved(-H)?) / (2.0 * H);
            given[&tensor][at] = start;
            let gradient = results[&gradient][at];
            let error = (gradient - difference).abs();
            worst = worst.max(if error.is_nan() { f64::INFINITY } else { error });
            scale = scale.max(difference.abs());
        }
    }
    Ok(worst / scale)
}

type Rewrite = fn(&mut Graph);

/// What is done to a graph after differentiation; each keeps the meaning.
const STAGES: [(&str, Rewrite); 3] = [
    ("normal form", normalise_all),
    ("equalities solved", solve_equalities),
    ("cost rewritten", |graph| cost(graph, u32::MAX)),
];

/// Rewrites sum in another order: 2^-53 times at most some thousand terms, of the size of the largest value.
const ROUNDING: f64 = 1e-12;

/// The largest difference, in parts of 1 or the largest value.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let scale = a.iter().fold(1.0, |scale: f64, value| scale.max(value.abs()));
    let far = |(a, b): (&f64, &f64)| if (a - b).is_nan() { f64::INFINITY } else { (a - b).abs() / scale };
    a.iter().zip(b).map(far).fold(0.0, f64::max)
}

/// A graph with a tensor `y` and its parameters: first and second derivatives of a bent loss of y against differences.
pub struct Case {
    pub name: String,
    pub graph: Graph,
    pub y: TensorId,
    /// False where a product meets a zero: its second derivative is not given there.
    pub second: bool,
    /// Put over random values, by name.
    pub values: Vec<(&'static str, Vec<f64>)>,
}

impl Case {
    pub fn new(name: impl Into<String>, text: impl AsRef<str>) -> Case {
        let (name, text) = (name.into(), text.as_ref());
        let graph = read(text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
        let y = find(&graph, "y");
        Case { name, graph, y, second: true, values: Vec::new() }
    }

    /// y and the gradients of a bent loss of it as outputs, all in normal form.
    pub fn with_gradients(&self) -> Graph {
        let mut graph = self.graph.clone();
        let loss = bent_loss(&mut graph, self.y);
        let wrt = smooth(&self.graph);
        let gradients = differentiate(&mut graph, loss, &wrt);
        graph.outputs = [self.y].iter().chain(&gradients).map(|&t| (graph.tensors[t].name.clone(), t)).collect();
        graph
    }

    /// The largest error of the first and of the second derivatives, in parts of the scale; or what is wrong.
    pub fn check(&self, seed: u64) -> Result<[f64; 2], String> {
        let mut graph = self.graph.clone();
        let loss = bent_loss(&mut graph, self.y);
        let wrt = smooth(&self.graph);
        let primal = graph.clone();
        let gradients = differentiate(&mut graph, loss, &wrt);
        let first = self.compare("first", &primal, &graph, loss, &wrt, &gradients, seed)?;
        let mut second = 0.0;
        if self.second {
            let loss = mixed_sum(&mut graph, &gradients);
            let primal = graph.clone();
            let gradients = differentiate(&mut graph, loss, &wrt);
            second = self.compare("second", &primal, &graph, loss, &wrt, &gradients, seed)?;
        }
        Ok([first, second])
    }

    #[allow(clippy::too_many_arguments)] // what is compared, and all that a failure prints
    fn compare(
        &self,
        order: &str,
        primal: &Graph,
        graph: &Graph,
        loss: TensorId,
        params: &[TensorId],
        gradients: &[TensorId],
        seed: u64,
    ) -> Result<f64, String> {
        check::check(graph).map_err(|text| format!("{}: {order} derivative: {text}\n{}", self.name, print(graph)))?;
        let mut given = given(graph, &mut Random(seed));
        for (name, values) in &self.values {
            given.insert(find(graph, name), values.clone());
        }
        let pairs: Vec<_> = params.iter().copied().zip(gradients.iter().copied()).collect();
        let report = |stage: &str, text: String, graph: &Graph| {
            Err(format!("{}, {stage}: {order} derivative: {text}\n{}", self.name, print(graph)))
        };
        let error = error(primal, graph, &given, loss, &pairs)?;
        if error > BOUND {
            return report("as made", format!("errs by {error:.2e}"), graph);
        }
        let before = values(graph, &given)?;
        let mut graph = graph.clone();
        graph.outputs = gradients.iter().map(|&gradient| (graph.tensors[gradient].name.clone(), gradient)).collect();
        for (stage, rewrite) in STAGES {
            rewrite(&mut graph);
            if let Err(text) = check::check(&graph) {
                return report(stage, text, &graph);
            }
            let after = values(&graph, &given)?;
            let pairs = gradients.iter().zip(&graph.outputs);
            let far = pairs.map(|(old, (_, new))| distance(&before[old], &after[new])).fold(0.0, f64::max);
            if far > ROUNDING {
                return report(stage, format!("moves by {far:.2e}"), &graph);
            }
        }
        Ok(error)
    }
}

/// The first tensor of that name.
pub fn find(graph: &Graph, name: &str) -> TensorId {
    graph.tensors.iter().find(|(_, tensor)| &*tensor.name == name).map(|(id, _)| id).unwrap()
}

/// All parameters and real inputs.
pub fn smooth(graph: &Graph) -> Vec<TensorId> {
    let given = graph.tensors.iter().filter(|(_, tensor)| matches!(tensor.kind, Kind::Param | Kind::Input));
    given.filter(|(_, tensor)| tensor.dtype == Dtype::Real).map(|(id, _)| id).collect()
}
