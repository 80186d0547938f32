//! Recurrences and open lengths from text to numbers, by the oracle in f64: against loops written out here, and ragged
//! batches against their examples alone.

use brolga::check::net::Checked;
use brolga::check::{self, Options};
use brolga::compile::{self, Binding, Job};
use brolga::graph::{Dtype, Graph, Kind, interp};
use brolga::ids::Symbol;
use brolga::source::Sources;
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// A checked text; findings but warnings fail the test.
fn checked(text: &str) -> Checked {
    let mut sources = Sources::default();
    let file = sources.add("time.net", text);
    let (checked, problems) = check::check(sources, file, &Options::default());
    let told = problems.diagnostics(&checked.sources, &checked.sizes);
    assert!(!problems.has_errors(), "{text}\n{told:#?}");
    checked
}

/// Numbers in (-1, 1) that depend on a name and a position alone.
fn number(name: &str, place: usize) -> f64 {
    let seed = name.bytes().fold(0x9e37_79b9_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mut x = seed.wrapping_add((place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// The value of an example's own element: the same wherever the example stands.
fn of_example(input: &str, example: usize, place: usize, dtype: Dtype) -> f64 {
    let x = number(&format!("{input} {example}"), place);
    match dtype {
        Dtype::Real => x,
        Dtype::Index(n) => ((x.abs() * f64::from(n)) as u32).min(n - 1).into(),
    }
}

/// Runs a graph on some examples of these lengths along the first axis of each input that has `T` steps.
fn run(graph: &Graph, examples: &[usize], lengths: &[usize], steps: usize) -> IndexMap<Symbol, Vec<f64>> {
    let mut given = IndexMap::new();
    for (id, tensor) in graph.tensors.iter() {
        let size: usize = tensor.shape.iter().map(|n| *n as usize).product();
        let values: Vec<f64> = match &tensor.kind {
            Kind::Param | Kind::State => (0..size).map(|i| 0.6 * number(&tensor.name, i)).collect(),
            Kind::Input => match graph.lengths.iter().find(|(name, _)| *name == tensor.name) {
                Some((_, size)) => {
                    let at = |&example: &usize| BTreeMap::from([("T".into(), lengths[example] as i64)]);
                    examples.iter().map(|e| size.value_at(&at(e)).unwrap().unwrap() as f64).collect()
                }
                None => {
                    let each = size / examples.len();
                    // A sequence has its steps first; behind its end stands something that must not count.
                    let row = if tensor.shape.get(1) == Some(&(steps as u32)) { each / steps } else { each };
                    let own = |example: usize| if row == each { each } else { row * lengths[example] };
                    let value = |example: usize, i: usize| match i < own(example) {
                        true => of_example(&tensor.name, example, i, tensor.dtype),
                        false => of_example("behind the end", example, i, tensor.dtype),
                    };
                    examples.iter().flat_map(|&e| (0..each).map(move |i| value(e, i))).collect()
                }
            },
            Kind::Const(_) | Kind::Defined => continue,
            Kind::Noise { .. } | Kind::Host(_) => panic!("no such tensor here"),
        };
        given.insert(id, values);
    }
    let mut values = interp::run(graph, &given).unwrap();
    graph.outputs.iter().map(|(name, id)| (name.clone(), values.swap_remove(id).unwrap_or_default())).collect()
}

fn at(batch: usize, steps: usize, ragged: bool) -> Binding {
    Binding { batch: batch as u32, sizes: BTreeMap::from([("T".into(), steps as i64)]), ragged }
}

/// A net in evaluation on one example of `steps` steps.
fn forward(checked: &Checked, steps: usize) -> IndexMap<Symbol, Vec<f64>> {
    let graph = compile::graph(checked, Job::Forward(&checked.nets[0].evaluate), at(1, steps, false));
    run(&graph, &[0], &[steps], steps)
}

fn close(a: &[f64], b: &[f64], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let bound = 1e-12 * a.abs().max(b.abs()).max(1.0);
        assert!((a - b).abs() <= bound, "{what}, element {i}: {a} and {b}");
    }
}

/// `W x` of a row-major matrix.
fn times(w: &dyn Fn(usize, usize) -> f64, rows: usize, x: &[f64]) -> Vec<f64> {
    (0..rows).map(|i| x.iter().enumerate().map(|(j, x)| w(i, j) * x).sum()).collect()
}

fn matrix(name: &str, columns: usize) -> impl Fn(usize, usize) -> f64 + use<> {
    let name = name.to_string();
    move |i, j| 0.6 * number(&name, i * columns + j)
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn step(t: usize, n: usize) -> Vec<f64> {
    (0..n).map(|i| of_example("x", 0, t * n + i, Dtype::Real)).collect()
}

/// Recitation 7, 2.1: the four equations, in the order of the sheet.
#[test]
fn the_four_equations_are_the_textbooks_loop() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/time/elman.net")).unwrap();
    let net = checked(&text);
    assert_eq!(net.params.iter().map(|(_, p)| p.shape.len()).sum::<usize>(), 6);
    let trained: i64 =
        net.params.iter().map(|(_, p)| p.shape.iter().map(|n| net.sizes.number(*n).unwrap()).product::<i64>()).sum();
    assert_eq!(trained, 36);
    let [hx, hh, yh] = [("W_hx", 3), ("W_hh", 4), ("W_yh", 4)].map(|(n, k)| matrix(&format!("Elman.{n}"), k));
    for steps in [1, 2, 7, 33] {
        let (mut h, mut expected) = (vec![0.0; 4], Vec::new());
        for t in 0..steps {
            h = sum(&times(&hh, 4, &h), &times(&hx, 4, &step(t, 3))).iter().map(|z| z.tanh()).collect();
            let o = times(&yh, 2, &h);
            let e: Vec<f64> = o.iter().map(|o| o.exp()).collect();
            expected.extend(e.iter().map(|one| one / e.iter().sum::<f64>()));
        }
        close(&forward(&net, steps)["y"], &expected, &format!("{steps} steps"));
    }
}

/// Written starts, each distance by itself, and a loop that runs backwards from one.
#[test]
fn starts_stand_where_they_are_written() {
    let net = checked(
        "net Lags(x: [T, 2]) -> (y: [T, 2], z: [T, 2]) {
           param p, q, r: [2]
           param A, B, C: [2, 2]
           y[t] = tanh(A @ y[t-1] + B @ y[t-2] + x[t])
           y[-1] = p
           y[-2] = q
           z[t] = tanh(C @ z[t+1] + x[t])
           z[T] = r
         }",
    );
    let vector = |name: &str| (0..2).map(|i| 0.6 * number(&format!("Lags.{name}"), i)).collect::<Vec<f64>>();
    let [a, b, c] = ["A", "B", "C"].map(|n| matrix(&format!("Lags.{n}"), 2));
    for steps in [1, 2, 3, 9] {
        let mut past = vec![vector("q"), vector("p")];
        for t in 0..steps {
            let [.., before, last] = &past[..] else { unreachable!() };
            let z = sum(&sum(&times(&a, 2, last), &times(&b, 2, before)), &step(t, 2));
            past.push(z.iter().map(|z| z.tanh()).collect());
        }
        let mut behind = vec![vector("r")];
        for t in (0..steps).rev() {
            let z = sum(&times(&c, 2, behind.last().unwrap()), &step(t, 2));
            behind.push(z.iter().map(|z| z.tanh()).collect());
        }
        behind.reverse();
        let found = forward(&net, steps);
        close(&found["y"], &past[2..].concat(), &format!("y of {steps} steps"));
        close(&found["z"], &behind[..steps].concat(), &format!("z of {steps} steps"));
    }
}

/// Nets whose values take every way through an open length.
const RAGGED: [(&str, &str, &str); 9] = [
    (
        "last and first",
        "-> y: [3]",
        "h[t] = tanh(A @ x[t] + P @ h[t-1])\ng[t] = tanh(B @ x[t] + Q @ g[t+1])
      concat(last(h), first(g)) -> dense(3)",
    ),
    (
        "a written end",
        "-> y: [3]",
        "param r: [4]\ng[t] = tanh(B @ x[t] + Q @ g[t+1])\ng[T] = r
      g[0] -> dense(3)",
    ),
    ("means", "-> y: [3]", "h[t] = tanh(A @ x[t] + P @ h[t-1])\nmean(t: h[t]) -> dense(3)"),
    (
        "largest, smallest, number of steps",
        "-> y: [3]",
        "hi[i] = max(t: x[t, i])\nlo[i] = min(t: x[t, i])
      z[i] = (hi[i] + 3 * lo[i]) / T\nz -> dense(3)",
    ),
    (
        "attention",
        "-> y: [3]",
        "param K, V: [2, 2]
      k[t] = K @ x[t]\nv[t] = V @ x[t]
      score[i, j] = dot(x[i], k[j])\nweight[i] = softmax(score[i])
      mixed[i] = sum(j: weight[i, j] * v[j])\nmean(t: mixed[t]) -> dense(3)",
    ),
    (
        "causal attention",
        "-> y: [3]",
        "score[i, j] = if j <= i then dot(x[i], x[j]) else -inf
      weight[i] = softmax(score[i])\nmixed[i] = sum(j: weight[i, j] * x[j])\nlast(mixed) -> dense(3)",
    ),
    (
        "from the end",
        "-> y: [3]",
        "turned[t] = x[T - 1 - t]\nh[t] = tanh(A @ turned[t] + P @ h[t-2])
      last(h) -> dense(3)",
    ),
    (
        "a window",
        "-> y: [3]",
        "param W: [2, 2, 4]
      near[t, o] = sum(u < 2, i: x[t + u, i] * W[u, i, o])\nlast(near) + mean(t: near[t]) -> relu -> dense(3)",
    ),
    ("places", "-> y: [2]", "param place: [16, 2]\ny = mean(t: place[t]) + last(x * place[0..T])"),
];

/// The loss of a ragged batch is the mean of the losses of its examples alone, and so are its gradients.
#[test]
fn each_example_of_a_ragged_batch_gets_what_it_gets_alone() {
    for (title, head, body) in RAGGED {
        compare(title, &text_of(head, body), &[5, 2, 8, 3]);
    }
}

/// The same for a loss at each step, with the data's own labels.
#[test]
fn losses_of_steps_weigh_within_their_example() {
    let text = "
      block lstm(x: [T, D], n) -> h: [T, n] {
        param W: [4, n, D] ~ glorot
        param U: [4, n, n] ~ orthogonal
        param b: [4, n] = 0
        a[t] = W @ x[t] + U @ h[t-1] + b
        i[t] = sigmoid(a[t, 0])
        f[t] = sigmoid(a[t, 1] + 1)
        g[t] = tanh(a[t, 2])
        o[t] = sigmoid(a[t, 3])
        c[t] = f[t] * c[t-1] + i[t] * g[t]
        h[t] = o[t] * tanh(c[t])
      }
      net Tag(x: [T] of index(5)) -> y: [T, 3] { x -> embed(3) -> lstm(4) -> lstm(3) -> dense(3) -> softmax }
      data d -> (x: [T] of index(5), label: [T] of index(3)) { train = csv(\"x.csv\", sequence=\"id\") }
      train Tag on d {
        p = Tag(x)
        minimise mean(t: cross_entropy(p[t], label[t])) using sgd(lr=0.1)
      }";
    compare("tags", text, &[4, 1, 6]);
}

fn compare(title: &str, text: &str, lengths: &[usize]) {
    let net = checked(text);
    let job = Job::Gradients(&net.trainings[0].objectives[0], false);
    let steps = *lengths.iter().max().unwrap();
    // A plan for more steps than any example has serves as well.
    for steps in [steps, steps + 3] {
        let graph = compile::graph(&net, job, at(lengths.len(), steps, true));
        let all: Vec<usize> = (0..lengths.len()).collect();
        let batch = run(&graph, &all, lengths, steps);
        let mut mean: IndexMap<Symbol, Vec<f64>> = IndexMap::new();
        for (example, &length) in lengths.iter().enumerate() {
            let graph = compile::graph(&net, job, at(1, length, false));
            for (name, values) in run(&graph, &[example], lengths, length) {
                let sum = mean.entry(name).or_insert_with(|| vec![0.0; values.len()]);
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value / lengths.len() as f64);
            }
        }
        assert_eq!(batch.len(), mean.len(), "{title}");
        for (name, values) in &batch {
            assert!(**name == *"loss" || values.iter().any(|v| *v != 0.0), "{title}: the gradient of {name} is 0");
            close(values, &mean[name], &format!("{title}: {name} in {steps} steps"));
        }
    }
}

/// Back-propagation through time is back-propagation on the copies of each step.
#[test]
fn loops_have_the_gradients_of_their_copies() {
    for (title, head, body) in RAGGED {
        let net = checked(&text_of(head, body));
        for steps in [2, 7] {
            same_as_copies(title, &net, &[steps, steps], steps, false);
        }
        same_as_copies(title, &net, &[3, 6, 2], 6, true);
    }
    let lags = checked(&text_of(
        "-> y: [3]",
        "param p, q: [4]\nh[t] = tanh(A @ x[t] + P @ h[t-1] + Q @ h[t-2])\nh[-1] = p\nh[-2] = q
         last(h) + first(h) -> dense(3)",
    ));
    for steps in [1, 2, 7, 33] {
        same_as_copies("lags", &lags, &[steps], steps, false);
    }
}

fn same_as_copies(title: &str, net: &Checked, lengths: &[usize], steps: usize, ragged: bool) {
    let objective = &net.trainings[0].objectives[0];
    let all: Vec<usize> = (0..lengths.len()).collect();
    let of = |job| run(&compile::graph(net, job, at(lengths.len(), steps, ragged)), &all, lengths, steps);
    let (loops, copies) = (of(Job::Gradients(objective, false)), of(Job::Unrolled(objective, false)));
    assert_eq!(loops.len(), copies.len(), "{title}");
    for (name, values) in &loops {
        close(values, &copies[name], &format!("{title}: {name} in {steps} steps"));
    }
}

/// A net with a loss of its outputs.
fn text_of(head: &str, body: &str) -> String {
    format!(
        "net Net(x: [T, 2]) {head} {{
           param A, B: [4, 2]
           param P, Q: [4, 4]
           {body}
         }}
         data d -> (x: [T, 2]) {{ train = csv(\"x.csv\", sequence=\"id\") }}
         train Net on d {{
           y = Net(x)
           minimise sum(i: y[i]^2) using sgd(lr=0.1)
         }}"
    )
}

/// What has no form for examples of different lengths is known before it is run.
#[test]
fn what_cannot_be_ragged_is_told() {
    let place = |body: &str| {
        let net = checked(&format!("net Net(x: [T, 2]) -> y: [_, 2] {{ {body} }}"));
        brolga::graph::elaborate::not_ragged(&net, &net.nets[0].evaluate).map(|at| net.sources.text(at).to_string())
    };
    assert_eq!(place("y = concat(x, x, axis=0)").as_deref(), Some("concat(x, x, axis=0)"));
    assert_eq!(place("y[t] = x[t]"), None);
}

/// A field's shape binds what the net leaves open, patterns too; what does not go together does not.
#[test]
fn shapes_bind_open_lengths() {
    let net = checked("net Net(a: [2 * n, 3], b: [n + 1]) -> y: [] { y = sum(a) + sum(b) }");
    let inputs = &net.nets[0].inputs;
    let bind = |a: &[usize], b: &[usize]| {
        let mut known = BTreeMap::new();
        let fits = check::bind(&net.sizes, &inputs[0].shape, a, &mut known)
            && check::bind(&net.sizes, &inputs[1].shape, b, &mut known);
        fits.then(|| known["n"])
    };
    assert_eq!(bind(&[8, 3], &[5]), Some(4));
    assert_eq!(bind(&[7, 3], &[5]), None);
    assert_eq!(bind(&[8, 3], &[6]), None);
    assert_eq!(bind(&[8, 4], &[5]), None);
    assert_eq!(bind(&[8], &[5]), None);
}

/// What equations ask of a length is known from the text.
#[test]
fn windows_and_tables_limit_lengths() {
    let net = checked(
        "net Net(x: [T, 2]) -> y: [2] {
           param place: [128, 2]
           param w: [17, 2]
           z[t, i] = sum(u < 17: x[t + u, i] * w[u, i])
           y = last(z) + last(x + place[0..T])
         }",
    );
    let flat = &net.nets[0].evaluate;
    let fits = |n: i64| flat.fits(&BTreeMap::from([("T".into(), n)])).is_ok();
    assert_eq!([16, 17, 128, 129].map(fits), [false, true, true, false]);
    assert!(flat.fits(&BTreeMap::new()).is_err());
}
