//! Recurrent layers, step by step, in the words of PyTorch's documentation with the gates in our order.

use super::{assert_near, compute, random};

const T: usize = 5;
const D: usize = 3;
const N: usize = 2;

/// Weights of so many gates.
struct Weights {
    w: Vec<f64>,
    u: Vec<f64>,
    b: Vec<f64>,
    d: Vec<f64>,
}

impl Weights {
    fn random(gates: usize) -> Weights {
        let (w, u) = (random(41, gates * N * D), random(42, gates * N * N));
        Weights { w, u, b: random(43, gates * N), d: random(44, N) }
    }

    /// `W x + b` of a gate.
    fn input(&self, gate: usize, x: &[f64]) -> Vec<f64> {
        rows(&self.w[gate * N * D..(gate + 1) * N * D], x).zip(&self.b[gate * N..]).map(|(p, b)| p + b).collect()
    }

    /// `U h` of a gate.
    fn state(&self, gate: usize, h: &[f64]) -> Vec<f64> {
        rows(&self.u[gate * N * N..(gate + 1) * N * N], h).collect()
    }

    fn sum(&self, gate: usize, x: &[f64], h: &[f64]) -> Vec<f64> {
        self.input(gate, x).iter().zip(self.state(gate, h)).map(|(a, b)| a + b).collect()
    }

    fn given<'a>(&'a self, x: &'a [f64]) -> Vec<(&'static str, &'a [f64])> {
        vec![("x", x), ("W", &self.w), ("U", &self.u), ("b", &self.b)]
    }
}

fn rows<'a>(matrix: &'a [f64], v: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    matrix.chunks(v.len()).map(move |row| row.iter().zip(v).map(|(m, v)| m * v).sum())
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// All states of a cell, along the sequence or against it, where they belong.
fn run(x: &[f64], reverse: bool, start: &[f64], mut cell: impl FnMut(&[f64], &[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut states = vec![Vec::new(); T];
    let mut h = start.to_vec();
    for step in 0..T {
        let t = if reverse { T - 1 - step } else { step };
        h = cell(&x[t * D..(t + 1) * D], &h);
        states[t] = h.clone();
    }
    states.concat()
}

/// The four ways to call a layer: whether backwards, and where it starts.
fn ways() -> Vec<(bool, Vec<f64>)> {
    vec![(false, vec![0.0; N]), (true, vec![0.0; N]), (false, random(45, N)), (true, random(46, N))]
}

/// A cell by hand: what comes in, the state before, what else it keeps; the state after.
type Cell<'a> = &'a dyn Fn(&[f64], &[f64], &mut Vec<f64>) -> Vec<f64>;

fn check(block: &str, given: &[(&str, &[f64])], cell: Cell) {
    let x = given[0].1;
    for (reverse, start) in ways() {
        let mut given = given.to_vec();
        let is_given = start.iter().any(|x| *x != 0.0);
        let (input, argument) = if is_given { (format!(", s: [{N}]"), ", start=s") } else { (String::new(), "") };
        if is_given {
            given.push(("s", &start));
        }
        let got = compute(
            &format!("x: [{T}, {D}]{input}"),
            &format!("x -> {block}({N}, reverse={reverse}{argument})"),
            &given,
        );
        let mut memory = vec![0.0; N];
        assert_near(&got, &run(x, reverse, &start, |x, h| cell(x, h, &mut memory)));
    }
}

#[test]
fn rnn_is_its_definition() {
    let (x, weights) = (random(40, T * D), Weights::random(1));
    let cell = |x: &[f64], h: &[f64], _: &mut Vec<f64>| weights.sum(0, x, h).into_iter().map(f64::tanh).collect();
    check("rnn", &weights.given(&x), &cell);
}

#[test]
fn lstm_is_its_definition() {
    let (x, weights) = (random(40, T * D), Weights::random(4));
    let cell = |x: &[f64], h: &[f64], c: &mut Vec<f64>| {
        let [i, f, g, o] = [0, 1, 2, 3].map(|gate| weights.sum(gate, x, h));
        *c = (0..N).map(|n| sigmoid(f[n] + 1.0) * c[n] + sigmoid(i[n]) * g[n].tanh()).collect();
        (0..N).map(|n| sigmoid(o[n]) * c[n].tanh()).collect()
    };
    check("lstm", &weights.given(&x), &cell);
}

#[test]
fn gru_is_its_definition() {
    let (x, weights) = (random(40, T * D), Weights::random(3));
    let cell = |x: &[f64], h: &[f64], _: &mut Vec<f64>| {
        let (r, z) = (weights.sum(0, x, h), weights.sum(1, x, h));
        let (new, old) = (weights.input(2, x), weights.state(2, h));
        let m = |n: usize| (new[n] + sigmoid(r[n]) * (old[n] + weights.d[n])).tanh();
        (0..N).map(|n| (1.0 - sigmoid(z[n])) * m(n) + sigmoid(z[n]) * h[n]).collect()
    };
    let mut given = weights.given(&x);
    given.push(("d", &weights.d));
    check("gru", &given, &cell);
}

#[test]
fn both_directions_stand_side_by_side() {
    let (x, weights) = (random(40, T * D), Weights::random(1));
    let both = compute(&format!("x: [{T}, {D}]"), &format!("x -> bi_rnn({N})"), &weights.given(&x));
    let one = |reverse: bool| {
        compute(&format!("x: [{T}, {D}]"), &format!("x -> rnn({N}, reverse={reverse})"), &weights.given(&x))
    };
    let (forwards, backwards) = (one(false), one(true));
    for t in 0..T {
        assert_near(&both[2 * N * t..2 * N * t + N], &forwards[N * t..N * (t + 1)]);
        assert_near(&both[2 * N * t + N..2 * N * (t + 1)], &backwards[N * t..N * (t + 1)]);
    }
}
