//! Several objectives: what each trains, what the second sees of the first, noise, and kept state with several uses.

use super::exact::Exact;
use crate::worked::checked;
use brolga::check::net::{Checked, Flat};
use brolga::compile::{self, Binding, Job};
use brolga::graph::{Graph, Kind, interp, scalar};
use brolga::noise;
use brolga::runtime::program::Moment;
use brolga::target::Target;
use brolga::train::oracle;
use brolga::train::random;
use brolga::train::session::{Inputs, Session, Work};
use indexmap::IndexMap;

fn example(name: &str) -> String {
    std::fs::read_to_string(format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The paths that each objective of the first training is over.
fn over(checked: &Checked) -> Vec<Vec<&str>> {
    let paths = |over: &[brolga::check::net::ParamId]| over.iter().map(|&id| &*checked.params[id].path).collect();
    checked.trainings[0].objectives.iter().map(|objective| paths(&objective.over)).collect()
}

#[test]
fn over_names_nets_layers_and_blocks() {
    let text = |over: &str| {
        format!(
            "net Body(x: [4]) -> y: [4] {{
  head = dense(4) -> relu -> dense(4)
  x -> dense(6) -> relu -> dense(4) -> head
}}
net Other(x: [4]) -> y: [4] {{ x -> dense(4) }}
data points -> (x: [4], t: [4]) {{ train = random(examples=8) }}
train Body on points {{ minimise sum(mse(Other(Body(x)), t)) {over} using sgd(lr=0.1) }}"
        )
    };
    let trains = |of: &str| -> Vec<String> {
        over(&checked(&text(of)))[0].iter().filter_map(|path| path.strip_suffix(".weight")).map(String::from).collect()
    };
    let (first, second) = ("Body.dense_1", "Body.dense_2");
    let head = ["Body.head.dense_1", "Body.head.dense_2"];
    assert_eq!(trains(""), [first, second, head[0], head[1]]);
    assert_eq!(trains("over Body.dense_1"), [first]);
    assert_eq!(trains("over Body.dense"), [first, second]);
    assert_eq!(trains("over Body.head"), head);
    assert_eq!(trains("over Body.head.dense_2"), [head[1]]);
    assert_eq!(trains("over Body.head, Other"), [head[0], head[1], "Other.dense"]);
}

/// Two nets of one number each, one after another; the second objective reads what the first has left.
#[test]
fn objectives_run_in_turn() {
    let text = "net A(x: []) -> y: [] {
  param a: [] = 0.5
  y = a * x
}
net B(y: []) -> z: [] {
  param b: [] = -1.5
  z = b * y
}
data points -> (x: [], t: []) { train = random(examples=8) }
train A, B on points {
  y = A(x)
  minimise mse(B(y), t)              over B using sgd(lr=0.1, momentum=0.5)
  minimise mse(B(y), t) + y * y      over A using adam(lr=0.01)
}";
    let checked = checked(text);
    assert_eq!(over(&checked), [["B.b"], ["A.a"]]);
    let kept: Vec<&str> = checked.params.iter().map(|(_, p)| &*p.path).filter(|p| p.starts_with("opt")).collect();
    assert_eq!(kept, ["optimiser/0/v/B.b", "optimiser/1/m/A.a", "optimiser/1/v/A.a"]);
    let mut exact = Exact::new(&checked, 1, 1);
    let (mut a, mut b, mut v, mut m, mut s) = (0.5, -1.5, 0.0, 0.0, 0.0);
    for step in 1..=20 {
        let (x, t) = ((step as f64).sin(), (step as f64 * 2.0).cos());
        let inputs = |name: &str| Some(vec![if name == "x" { x } else { t }]);
        let first: f64 = exact.step(0, (step, 20), &inputs);
        let e = b * a * x - t;
        assert!((first - e * e).abs() <= 1e-14);
        v = 0.5 * v + 2.0 * e * a * x;
        b -= 0.1 * v;
        let second = exact.step(1, (step, 20), &inputs);
        let e = b * a * x - t;
        assert!((second - (e * e + a * x * a * x)).abs() <= 1e-14, "step {step}: the new b counts");
        let g = 2.0 * e * b * x + 2.0 * a * x * x;
        (m, s) = (0.9 * m + (1.0 - 0.9) * g, 0.999 * s + (1.0 - 0.999) * g * g);
        let (c1, c2) = (1.0 - 0.9_f64.powi(step as i32), 1.0 - 0.999_f64.powi(step as i32));
        a -= 0.01 * (m / c1) / ((s / c2).sqrt() + 1e-8);
        let found = (exact.kept["A.a"][0], exact.kept["B.b"][0]);
        // Some 40 roundings a step of numbers below 2.
        let bound = step as f64 * 40.0 * 2.0 * f64::EPSILON;
        assert!((found.0 - a).abs() <= bound && (found.1 - b).abs() <= bound, "step {step}: {found:?}, not {a} {b}");
    }
}

/// Two trainings of one file keep their optimisers' states apart.
#[test]
fn states_are_kept_by_the_objective_of_the_file() {
    let text = "net A(x: [2]) -> y: [2] { x -> dense(2, bias=false) }
data points -> (x: [2]) { train = random(examples=8) }
train A on points { minimise sum(A(x)) using adam }
train A on points { minimise sum(A(x)) using rmsprop }";
    let checked = checked(text);
    let kept: Vec<&str> = checked.params.iter().map(|(_, p)| &*p.path).filter(|p| p.starts_with("opt")).collect();
    let path = "A.dense.weight";
    assert_eq!(
        kept,
        ["m", "v"]
            .map(|s| format!("optimiser/0/{s}/{path}"))
            .into_iter()
            .chain([format!("optimiser/1/v/{path}")])
            .collect::<Vec<_>>()
    );
}

/// The keys of a graph's noise.
fn keys(graph: &Graph) -> Vec<(String, bool)> {
    let noise = graph.tensors.iter().filter_map(|(_, tensor)| match &tensor.kind {
        Kind::Noise { key, normal } => Some((key.to_string(), *normal)),
        _ => None,
    });
    noise.collect()
}

#[test]
fn a_noise_is_one_draw_for_all_objectives_of_a_step() {
    let text = "net A(x: [3]) -> y: [3] {
  noise u: [3] ~ uniform
  param w: [3] = 1
  y = w * x + u
}
block wobble(x: [S...], much) -> y: [S...] {
  noise n: [S...] ~ normal(0, much)
  y = x + n
}
data points -> (x: [3]) { train = random(examples=8) }
train A on points {
  noise e: [3] ~ normal
  y = A(x + e)
  minimise sum(y)          using sgd(lr=0)
  minimise sum(y)          using sgd(lr=0)
  minimise sum(y - A(x))   using sgd(lr=0)
  minimise sum(wobble(A(x), much=0.5) - A(wobble(x, much=2))) using sgd(lr=0)
}";
    let checked = checked(text);
    let graphs: Vec<Graph> =
        checked.trainings[0].objectives.iter().map(|o| compile::graph(&checked, Job::Train(o), 4)).collect();
    let owned = |list: &[(&str, bool)]| list.iter().map(|(key, n)| (key.to_string(), *n)).collect::<Vec<_>>();
    let mut first = keys(&graphs[0]);
    first.sort();
    assert_eq!(first, owned(&[("A.u", false), ("e", true)]));
    let mut third = keys(&graphs[2]);
    third.sort();
    assert_eq!(third, owned(&[("A.u", false), ("A.u#2", false), ("e", true)]), "each use of a net draws its own");
    let mut fourth = keys(&graphs[3]);
    fourth.sort();
    assert_eq!(
        fourth,
        owned(&[("A.u", false), ("A.u#2", false), ("train.wobble_1.n", true), ("train.wobble_2.n", true)])
    );

    let mut exact = Exact::new(&checked, 4, 7);
    let x = |_: &str| Some(vec![0.0; 12]);
    let losses: Vec<f64> = (0..3).map(|objective| exact.step(objective, (1, 9), &x)).collect();
    let drawn = |key: &str, step, normal| {
        let mut values = vec![0.0_f32; 12];
        noise::fill(&mut values, 7, key, step, 0, 3, normal);
        values.into_iter().map(f64::from).sum::<f64>() / 4.0
    };
    let expected = drawn("e", 1, true) + drawn("A.u", 1, false);
    assert!((losses[0] - expected).abs() < 1e-12, "{losses:?}, not {expected}");
    assert_eq!(losses[0], losses[1]);
    let both = drawn("e", 1, true) + drawn("A.u", 1, false) - drawn("A.u#2", 1, false);
    assert!((losses[2] - both).abs() < 1e-12, "{losses:?}, not {both}");
    assert_ne!(exact.step(0, (2, 9), &x), losses[0], "another step, another draw");
}

/// Scaled noise: mean and deviation, and the ends of an interval.
#[test]
fn noise_has_the_moments_that_it_is_given() {
    let text = "net N(x: []) -> (a: [5000], b: [5000]) {
  noise n: [5000] ~ normal(3, 0.5)
  noise u: [5000] ~ uniform(-2, 6)
  a = n + 0 * x
  b = u + 0 * x
}";
    let checked = checked(text);
    let mut session = Session::new(&checked, Target::detect(), 1, 1);
    let moment = Moment { seed: 5, step: 0, steps: 1, first_example: 0 };
    session.run(Work::Net(0), 2, &moment, &mut Ramp).unwrap();
    let moments = |name: &str| {
        let values = session.output(Work::Net(0), 2, name).unwrap();
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        (mean, (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt(), low, high)
    };
    // 10,000 numbers: five standard errors of the mean and, generously, of the deviation.
    let (mean, deviation, ..) = moments("a");
    assert!((mean - 3.0).abs() < 5.0 * 0.5 / 100.0 && (deviation - 0.5).abs() < 0.02, "{mean} {deviation}");
    let (mean, deviation, low, high) = moments("b");
    assert!((mean - 2.0).abs() < 5.0 * 2.31 / 100.0 && (deviation - 8.0 / 12.0_f64.sqrt()).abs() < 0.1);
    assert!((-2.0..-1.9).contains(&low) && (5.9..6.0).contains(&high), "{low} {high}");
}

/// Numbers of each example by the number of the example.
struct Ramp;

impl Inputs for Ramp {
    fn real(&mut self, _name: &str, out: &mut [f32]) -> bool {
        out.iter_mut().enumerate().for_each(|(i, value)| *value = i as f32 * 0.1);
        true
    }

    fn index(&mut self, _name: &str, _out: &mut [i32]) -> bool {
        false
    }
}

/// Some rows of the ramp.
struct Rows(usize, usize);

impl Inputs for Rows {
    fn real(&mut self, _name: &str, out: &mut [f32]) -> bool {
        let one = out.len() / self.1;
        out.iter_mut().enumerate().for_each(|(i, value)| *value = (self.0 * one + i) as f32 * 0.1);
        true
    }

    fn index(&mut self, _name: &str, _out: &mut [i32]) -> bool {
        false
    }
}

/// A batch drawn whole or in parts, whose first examples are named: the same noise bits, and in f64 the same mean loss and
/// gradients up to rounding.
#[test]
fn splitting_a_batch_changes_no_noise() {
    let text = "net Drop(x: [7]) -> (y: [7], raw: [7]) {
  noise e: [7] ~ normal
  param w: [7] = 0.5
  raw = e + 0 * x
  y   = (x * w -> dropout(0.5)) + e
}
data points -> (x: [7]) { train = random(examples=8) }
train Drop on points {
  noise z: [7] ~ uniform
  p = Drop(x)
  minimise sum((p.y + z) ^ 2) using sgd(lr=0.1)
}";
    let checked = checked(text);
    let mut session = Session::new(&checked, Target::detect(), 2, 1);
    let moment = |first_example| Moment { seed: 3, step: 0, steps: 1, first_example };
    let mut run = |from: usize, count: usize| {
        session.run(Work::Net(0), count as u32, &moment(from as u64), &mut Rows(from, count)).unwrap();
        session.output(Work::Net(0), count as u32, "raw").unwrap().to_vec()
    };
    let whole = run(0, 12);
    for size in [1, 2, 3, 4, 6] {
        let parts: Vec<f32> = (0..12 / size).flat_map(|part| run(part * size, size)).collect();
        assert_eq!(parts, whole, "batches of {size}");
    }
    let work = Work::Gradients(0, 0, false);
    let exact = |from: usize, count: usize| {
        let inputs = |_: &str| {
            let mut values = vec![0.0; 7 * count];
            Rows(from, count).real("x", &mut values);
            Some(values.into_iter().map(f64::from).collect())
        };
        let moment = Moment { seed: 3, step: 4, steps: 9, first_example: from as u64 };
        oracle::run(&session, work, &Binding::from(count as u32), &moment, &inputs).unwrap()
    };
    let whole = exact(0, 12);
    for size in [1, 3, 4, 6] {
        let parts: Vec<_> = (0..12 / size).map(|part| exact(part * size, size)).collect();
        for (name, values) in &whole {
            for (i, value) in values.iter().enumerate() {
                let mean = parts.iter().map(|part| part[name][i]).sum::<f64>() / parts.len() as f64;
                // 84 squares below 50 each, added in another order.
                assert!((mean - value).abs() <= 84.0 * 50.0 * f64::EPSILON, "{name} {i}: {mean}, not {value}");
            }
        }
    }
}

/// `m` counts with the mean of what flows in, `n` with what `m` was: the order of both sides shows.
const COUNTING: &str = "block watch(x: [2]) -> y: [2] {
  state m: [2] = 1
  state n: [2] = 0
  mu[i]    = mean(x[i], across=batch)
  seen     = 0.5 * m + mu
  update n = n + m
  update m = seen
  y = if training then x else x - m
}
net Eye(x: [2]) -> y: [2] {
  param w: [2] = 1
  x -> watch -> scale(w)
}
block scale(x: [2], w: [2]) -> y: [2] { y = x * w }
data points -> (a: [2], b: [2]) { train = random(examples=8) }
";

/// The states after one step on a = 1, b = 3, for each example.
fn counted(body: &str) -> (f64, f64) {
    let text = format!("{COUNTING}train Eye on points {{\n{body}\n}}");
    let mut exact = Exact::new(&checked(&text), 2, 1);
    let inputs = |name: &str| Some(vec![if name == "a" { 1.0 } else { 3.0 }; 4]);
    for objective in 0..body.matches("minimise").count() {
        exact.step(objective, (1, 1), &inputs);
    }
    let state = |name: &str| exact.kept[&format!("Eye.watch.{name}")][0];
    (state("m"), state("n"))
}

#[test]
fn updates_read_what_was_there_and_uses_follow_one_another_in_the_text() {
    // one use: m = 0.5 * 1 + 1, n = 0 + 1 (the old m)
    assert_eq!(counted("minimise sum(Eye(a)) using sgd(lr=0)"), (1.5, 1.0));
    // two: m = 0.5 * 1.5 + 3, n = 1 + 1.5; and the other way round m = 0.5 * (0.5 + 3) + 1, n = 1 + 3.5
    assert_eq!(counted("minimise sum(Eye(a)) + sum(Eye(b)) using sgd(lr=0)"), (3.75, 2.5));
    assert_eq!(counted("minimise sum(Eye(b)) + sum(Eye(a)) using sgd(lr=0)"), (2.75, 4.5));
    // the order is that of the text, not that in which the loss asks
    let named = "p = Eye(a)\n q = Eye(b)\n minimise sum(q) + sum(p) using sgd(lr=0)";
    assert_eq!(counted(named), (3.75, 2.5));
    // a definition that the loss does not read is not evaluated
    assert_eq!(counted("p = Eye(a)\n q = Eye(b)\n minimise sum(p) using sgd(lr=0)"), (1.5, 1.0));
    // each objective of a step evaluates anew
    let twice = "minimise sum(Eye(a)) using sgd(lr=0)\n minimise sum(Eye(b)) using sgd(lr=0)";
    assert_eq!(counted(twice), (3.75, 2.5));
}

/// A net's state moves though another net is trained; its parameters do not.
#[test]
fn state_moves_whether_or_not_the_net_is_trained() {
    let text = format!(
        "{COUNTING}net Head(x: [2]) -> y: [2] {{ x -> dense(2) }}
train Head on points {{ minimise sum(Head(Eye(a))) using sgd(lr=0.1) }}"
    );
    let checked = checked(&text);
    assert_eq!(over(&checked), [["Head.dense.weight", "Head.dense.bias"]]);
    let mut exact = Exact::new(&checked, 2, 1);
    exact.step(0, (1, 1), &|_| Some(vec![1.0; 4]));
    assert_eq!((exact.kept["Eye.watch.m"][0], exact.kept["Eye.w"][0]), (1.5, 1.0));
}

/// The machine's step leaves the states that the oracle's leaves, with two uses too.
#[test]
fn machine_code_updates_states_as_the_oracle_does() {
    let text = format!(
        "{COUNTING}train Eye on points {{
  minimise sum(Eye(a) ^ 2) + sum(Eye(b)) using adam(lr=0.1, clip=1)
  minimise sum(Eye(b) ^ 2)               using sgd(lr=0.1, momentum=0.9)
}}"
    );
    let checked = checked(&text);
    let mut session = Session::new(&checked, Target::detect(), 2, 1);
    let mut exact = Exact::new(&checked, 4, 1);
    for step in 1..=5 {
        for objective in 0..2 {
            let moment = Moment { seed: 1, step, steps: 5, first_example: 0 };
            session.run(Work::Step(0, objective), 4, &moment, &mut Ramp).unwrap();
            let ramp = |_: &str| Some((0..8).map(|i| f64::from(i as f32 * 0.1)).collect());
            exact.step(objective, (step, 5), &ramp);
        }
    }
    for (path, values) in &exact.kept {
        for (found, value) in session.store.get(path).unwrap().iter().zip(values) {
            // Ten updates of numbers below 8, each of some 30 roundings to 2^-24.
            let bound = 10.0 * 30.0 * 8.0 * f64::from(f32::EPSILON) / 2.0;
            assert!((f64::from(*found) - value).abs() <= bound, "{path}: {found}, not {value}");
        }
    }
}

/// Outputs of a net in training mode, by their names.
fn outputs(checked: &Checked, net: &str, batch: u32, given: &[(&str, Vec<f64>)]) -> IndexMap<String, Vec<f64>> {
    let net = checked.nets.iter().find(|n| &*n.name == net).unwrap();
    evaluated(checked, &net.train, batch, given)
}

/// Outputs of a flat list with the first parameters, in f64.
fn evaluated(checked: &Checked, flat: &Flat, batch: u32, given: &[(&str, Vec<f64>)]) -> IndexMap<String, Vec<f64>> {
    // the solver makes gathers of transposed convolutions: far fewer points to visit
    let graph = compile::optimise(&compile::graph(checked, Job::Forward(flat), batch));
    let mut values = IndexMap::new();
    for (id, tensor) in graph.tensors.iter() {
        let found = match &tensor.kind {
            Kind::Input => given.iter().find(|(name, _)| **name == *tensor.name).unwrap().1.clone(),
            Kind::Noise { key, .. } => draw(key, batch as usize, tensor.shape[1..].iter().product::<u32>() as usize),
            Kind::Param | Kind::State => {
                let param = checked.params.iter().find(|(_, p)| p.path == tensor.name).unwrap().1;
                random::initial(checked, param, 1).into_iter().map(f64::from).collect()
            }
            Kind::Host(expr) => vec![scalar::host(expr, 1.0, 1.0)],
            Kind::Const(_) | Kind::Defined => continue,
        };
        values.insert(id, found);
    }
    let mut all = interp::run::<f64>(&graph, &values).unwrap();
    graph.outputs.iter().map(|(name, id)| (name.to_string(), all.swap_remove(id).unwrap())).collect()
}

fn draw(key: &str, batch: usize, n: usize) -> Vec<f64> {
    let mut values = vec![0.0_f32; batch * n];
    noise::fill(&mut values, 1, key, 1, 0, n, true);
    values.into_iter().map(f64::from).collect()
}

fn pictures(batch: usize) -> Vec<f64> {
    (0..batch * 784).map(|i| f64::from(i as u32 * 7919 % 1000) / 1000.0).collect()
}

/// The losses of the adversarial net's two objectives, by their formulas from the outputs of its nets.
#[test]
fn the_losses_of_gan_are_those_of_the_paper() {
    // narrower than the example, so that the interpreter is quick
    let text = example("gan.net").replace("(128", "(6").replace("[128", "[6").replace("(64", "(4").replace("[64", "[4");
    let checked = checked(&text);
    let (batch, real) = (2, pictures(2));
    let fake = outputs(&checked, "Generator", 2, &[("z", draw("z", batch, 64))]).swap_remove("image").unwrap();
    let critic =
        |image: &Vec<f64>| outputs(&checked, "Critic", 2, &[("image", image.clone())]).swap_remove("real").unwrap();
    let (of_real, of_fake) = (critic(&real), critic(&fake));
    let mean = |f: &dyn Fn(usize) -> f64| (0..batch).map(f).sum::<f64>() / batch as f64;
    let expected = [mean(&|i| -of_real[i].ln() - (1.0 - of_fake[i]).ln()), mean(&|i| -of_fake[i].ln())];
    let trained = over(&checked);
    assert!(trained[0].iter().all(|p| p.starts_with("Critic.")) && trained[0].len() == 6, "{trained:?}");
    assert!(trained[1].iter().all(|p| p.starts_with("Generator.")) && trained[1].len() == 8, "{trained:?}");
    for (objective, expected) in expected.into_iter().enumerate() {
        let loss = loss(&checked, objective, &real);
        assert!((loss - expected).abs() <= 1e-12 * expected, "objective {objective}: {loss}, not {expected}");
        let graph = compile::graph(&checked, Job::Train(&checked.trainings[0].objectives[objective]), 2);
        let changed: Vec<&str> = graph.updates.iter().map(|(old, _)| &*graph.tensors[*old].name).collect();
        let other = ["Generator.", "Critic."][objective];
        let of_other: Vec<&&str> = changed.iter().filter(|path| path.starts_with(other)).collect();
        let statistics = changed.iter().filter(|path| path.starts_with("Generator.batch_norm.running_")).count();
        assert_eq!((of_other.len(), statistics), ([2, 0][objective], 2), "fakes are made in both: {changed:?}");
    }
}

/// An objective's mean loss in training mode, in f64, at step 1.
fn loss(checked: &Checked, objective: usize, image: &[f64]) -> f64 {
    let flat = &checked.trainings[0].objectives[objective].flat;
    let losses = evaluated(checked, flat, 2, &[("image", image.to_vec())]).swap_remove("loss").unwrap();
    losses.iter().sum::<f64>() / losses.len() as f64
}

/// The variational bound, by its formula from the outputs of the two nets.
#[test]
fn the_loss_of_vae_is_the_variational_bound() {
    let checked = checked(&example("vae.net"));
    let (batch, image) = (2, pictures(2));
    let code = outputs(&checked, "Encoder", 2, &[("image", image.clone())]);
    let (mean, logvar, e) = (&code["mean"], &code["logvar"], draw("e", batch, 20));
    let z: Vec<f64> = (0..batch * 20).map(|i| mean[i] + (logvar[i] / 2.0).exp() * e[i]).collect();
    let decoded = outputs(&checked, "Decoder", 2, &[("z", z)]).swap_remove("image").unwrap();
    let rebuilt: f64 = decoded.iter().zip(&image).map(|(p, y)| -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())).sum();
    let divergence: f64 = (0..batch * 20).map(|i| (logvar[i].exp() + mean[i] * mean[i] - 1.0 - logvar[i]) / 2.0).sum();
    let expected = (rebuilt + divergence) / batch as f64;
    let loss = loss(&checked, 0, &image);
    assert!((loss - expected).abs() <= 1e-12 * expected, "{loss}, not {expected}");
    assert_eq!(over(&checked)[0].len(), 10);
}
