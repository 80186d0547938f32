//! A whole net, written as equations: what all rewrites make of it, and how long they take.

use super::help::{graph, has, same};
use brolga::grad::{differentiate, solve_equalities};
use brolga::graph::check::check;
use brolga::graph::normal::normalise_all;
use brolga::graph::rewrite::{cost, meaning};
use brolga::graph::{Graph, TensorId};
use std::fmt::Write;

/// Twenty convolutions with their normalisation and rectifier, in blocks of two with a residual sum.
#[derive(Default)]
struct Net {
    heads: String,
    body: String,
    count: usize,
}

impl Net {
    fn tensor(&mut self, word: &str, name: &str, shape: &[usize]) {
        let _ = writeln!(self.heads, "{word} {name}: {shape:?}");
    }

    /// `size` is the input's height and width.
    fn conv(&mut self, x: &str, from: usize, to: usize, size: usize, k: usize, s: usize) -> String {
        let n = self.count;
        self.count += 1;
        let (out, p) = (size.div_ceil(s), k / 2);
        let y = format!("c{n}");
        self.tensor("param", &format!("w{n}"), &[to, from, k, k]);
        self.tensor("tensor", &y, &[2, to, out, out]);
        let _ = writeln!(
            self.body,
            "{y}[b, o, i, j] = sum(c < {from}, u < {k}, v < {k}: (if {s}*i + u >= {p} and {} >= {s}*i + u and {s}*j + v \
             >= {p} and {} >= {s}*j + v then {x}[b, c, {s}*i + u - {p}, {s}*j + v - {p}] else 0) * w{n}[o, c, u, v])",
            size - 1 + p,
            size - 1 + p,
        );
        y
    }

    fn norm(&mut self, x: &str, c: usize, size: usize) -> String {
        let n = self.count;
        self.count += 1;
        for (name, word) in
            [("sum", "tensor"), ("mu", "tensor"), ("sq", "tensor"), ("var", "tensor"), ("dev", "tensor")]
        {
            self.tensor(word, &format!("{name}{n}"), &[c]);
        }
        self.tensor("param", &format!("g{n}"), &[c]);
        self.tensor("param", &format!("h{n}"), &[c]);
        self.tensor("tensor", &format!("n{n}"), &[2, c, size, size]);
        let count = 2 * size * size;
        let sum = format!("sum(b < 2, i < {size}, j < {size}: ");
        let _ = write!(
            self.body,
            "sum{n}[c] = {sum}{x}[b, c, i, j])\nmu{n}[c] = sum{n}[c] * {}\n\
             sq{n}[c] = {sum}({x}[b, c, i, j] - mu{n}[c]) * ({x}[b, c, i, j] - mu{n}[c]))\nvar{n}[c] = sq{n}[c] * {}\n\
             dev{n}[c] = sqrt(var{n}[c] + 1e-5)\n\
             n{n}[b, c, i, j] = g{n}[c] * ({x}[b, c, i, j] - mu{n}[c]) / dev{n}[c] + h{n}[c]\n",
            1.0 / count as f64,
            1.0 / count as f64,
        );
        format!("n{n}")
    }

    fn map(&mut self, name: &str, body: &str, c: usize, size: usize) -> String {
        let y = format!("{name}{}", self.count);
        self.count += 1;
        self.tensor("tensor", &y, &[2, c, size, size]);
        let _ = writeln!(self.body, "{y}[b, c, i, j] = {body}");
        y
    }

    fn block(&mut self, x: String, from: usize, to: usize, size: usize, s: usize) -> String {
        let out = size.div_ceil(s);
        let y = self.conv(&x, from, to, size, 3, s);
        let y = self.norm(&y, to, out);
        let y = self.map("r", &format!("max({y}[b, c, i, j], 0)"), to, out);
        let y = self.conv(&y, to, to, out, 3, 1);
        let y = self.norm(&y, to, out);
        let skip = if s == 1 && from == to {
            x
        } else {
            let skip = self.conv(&x, from, to, size, 1, s);
            self.norm(&skip, to, out)
        };
        self.map("r", &format!("max({y}[b, c, i, j] + {skip}[b, c, i, j], 0)"), to, out)
    }

    fn resnet(mut self) -> Graph {
        self.tensor("input", "x", &[2, 3, 16, 16]);
        let x = self.conv("x", 3, 4, 16, 3, 1);
        let x = self.norm(&x, 4, 16);
        let mut x = self.map("r", &format!("max({x}[b, c, i, j], 0)"), 4, 16);
        let (mut from, mut size) = (4, 16);
        for (to, s) in [(4, 1), (4, 1), (8, 2), (8, 1), (12, 2), (12, 1), (16, 2), (16, 1)] {
            x = self.block(x, from, to, size, s);
            (from, size) = (to, size.div_ceil(s));
        }
        self.tensor("tensor", "loss", &[]);
        let _ = writeln!(
            self.body,
            "loss = sum(b < 2, c < {from}, i < {size}, j < {size}: {x}[b, c, i, j] * {x}[b, c, i, j])\noutput loss = loss"
        );
        graph(&(self.heads + &self.body))
    }
}

fn equations(graph: &Graph) -> usize {
    graph.defs.values().map(|def| def.pieces.len()).sum()
}

/// With the gradients of all parameters as outputs.
fn with_gradients(mut graph: Graph) -> Graph {
    meaning(&mut graph);
    let loss = graph.outputs[0].1;
    let params = graph.tensors.iter().filter(|(_, t)| matches!(t.kind, brolga::graph::Kind::Param));
    let params: Vec<TensorId> = params.map(|(id, _)| id).collect();
    for gradient in differentiate(&mut graph, loss, &params) {
        graph.outputs.push(("gradient".into(), gradient));
    }
    graph
}

#[test]
fn a_residual_net_keeps_its_values() {
    let before = with_gradients(Net::default().resnet());
    let mut after = before.clone();
    normalise_all(&mut after);
    solve_equalities(&mut after);
    cost(&mut after, u32::MAX);
    same(&before, &after);
    // The sums that both the normalisation and its parameters need are there once.
    has(&after, "d_dev1.inner[c] = sum(b < 2, i < 16, j < 16: d_n1[b, c, i, j] * (c0[b, c, i, j] - mu1[c]))");
    has(&after, "d_g1[c] = d_dev1.inner[c] / dev1[c]");
}

/// Rewriting is linear in the net: this prints what it takes. `cargo test --release -- --ignored --nocapture how_long`
#[test]
#[ignore = "a measurement"]
fn how_long_it_takes() {
    let before = with_gradients(Net::default().resnet());
    let mut times = [std::time::Duration::MAX; 3];
    for _ in 0..20 {
        let mut after = before.clone();
        let mut lap = |at: usize, work: &mut dyn FnMut(&mut Graph)| {
            let start = std::time::Instant::now();
            work(&mut after);
            times[at] = times[at].min(start.elapsed());
        };
        lap(0, &mut normalise_all);
        lap(1, &mut |graph| cost(graph, u32::MAX));
        lap(2, &mut |graph| check(graph).unwrap());
    }
    println!("{} equations: normal form {:?}, cost {:?}, check {:?}", equations(&before), times[0], times[1], times[2]);
}
