//! Whole training steps, as graphs that the adjoint makes, against the oracle.

use super::check_graph;
use brolga::grad::{differentiate, solve_equalities};
use brolga::graph::normal::normalise_all;
use brolga::graph::rewrite::{cost, meaning};
use brolga::graph::text::{names, print, read};
use brolga::graph::{Graph, Kind};
use std::fmt::Write;

/// A net in the making: declarations and equations of its text.
#[derive(Default)]
pub struct Net {
    head: String,
    body: String,
    shape: Vec<u32>,
    at: String,
    layers: usize,
    batch: u32,
}

impl Net {
    pub fn new(batch: u32, shape: &[u32]) -> Net {
        let mut net = Net { batch, shape: shape.to_vec(), at: "x".into(), ..Net::default() };
        writeln!(net.head, "input x: {:?}\ninput label: [{batch}] of index(10)", net.full()).unwrap();
        net
    }

    fn full(&self) -> Vec<u32> {
        [&[self.batch][..], &self.shape].concat()
    }

    fn tensor(&mut self, stem: &str) -> String {
        let name = format!("{stem}{}", self.layers);
        writeln!(self.head, "tensor {name}: {:?}", self.full()).unwrap();
        name
    }

    pub fn conv(mut self, out: u32, k: u32, pad: u32) -> Net {
        self.layers += 1;
        let [c, h, w] = self.shape[..] else { panic!("a convolution takes images") };
        let l = self.layers;
        writeln!(self.head, "param w{l}: [{out}, {c}, {k}, {k}]\nparam b{l}: [{out}]").unwrap();
        self.shape = vec![out, h + 2 * pad - k + 1, w + 2 * pad - k + 1];
        let (x, z) = (self.at.clone(), self.tensor("z"));
        let y = self.tensor("y");
        let guard = match pad {
            0 => String::new(),
            p => {
                format!("if i + u >= {p} and {} >= i + u and j + v >= {p} and {} >= j + v then ", h + p - 1, w + p - 1)
            }
        };
        let back = if pad == 0 { String::new() } else { format!(" - {pad}") };
        writeln!(
            self.body,
            "{z}[n, o, i, j] = sum(c < {c}, u < {k}, v < {k}: {guard}{x}[n, c, i + u{back}, j + v{back}] * w{l}[o, c, u, v])\n{y}[n, o, i, j] = {z}[n, o, i, j] + b{l}[o]"
        )
        .unwrap();
        self.at = y;
        self
    }

    pub fn relu(mut self) -> Net {
        self.layers += 1;
        let axes = if self.shape.len() == 3 { "n, c, i, j" } else { "n, o" };
        let (x, r) = (self.at.clone(), self.tensor("r"));
        writeln!(self.body, "{r}[{axes}] = max({x}[{axes}], 0)").unwrap();
        self.at = r;
        self
    }

    pub fn pool(mut self) -> Net {
        self.layers += 1;
        let [c, h, w] = self.shape[..] else { panic!("a pool takes images") };
        self.shape = vec![c, h / 2, w / 2];
        let (x, p) = (self.at.clone(), self.tensor("p"));
        writeln!(self.body, "{p}[n, c, i, j] = max(u < 2, v < 2: {x}[n, c, 2*i + u, 2*j + v])").unwrap();
        self.at = p;
        self
    }

    pub fn flatten(mut self) -> Net {
        self.layers += 1;
        let [c, h, w] = self.shape[..] else { panic!("there is nothing to flatten") };
        self.shape = vec![c * h * w];
        let (x, f) = (self.at.clone(), self.tensor("f"));
        let b = self.batch;
        writeln!(
            self.body,
            "for n < {b}, c < {c}, i < {h}, j < {w}: {f}[n, {}*c + {w}*i + j] = {x}[n, c, i, j]",
            h * w
        )
        .unwrap();
        self.at = f;
        self
    }

    pub fn dense(mut self, out: u32) -> Net {
        self.layers += 1;
        let (l, n) = (self.layers, self.shape[0]);
        writeln!(self.head, "param w{l}: [{out}, {n}]\nparam b{l}: [{out}]").unwrap();
        self.shape = vec![out];
        let (x, z) = (self.at.clone(), self.tensor("z"));
        let y = self.tensor("y");
        writeln!(self.body, "{z}[n, o] = sum(k < {n}: w{l}[o, k] * {x}[n, k])\n{y}[n, o] = {z}[n, o] + b{l}[o]")
            .unwrap();
        self.at = y;
        self
    }

    /// Softmax, cross-entropy, the adjoint, and SGD with momentum.
    pub fn trained(mut self) -> Graph {
        let (b, x) = (self.batch, self.at.clone());
        writeln!(self.head, "host lr: [] = 0.01\ntensor m: [{b}]\ntensor e: [{b}, 10]\ntensor s: [{b}]\ntensor q: [{b}, 10]\ntensor lq: [{b}, 10]\ntensor ce: [{b}]\ntensor total: []\ntensor loss: []").unwrap();
        writeln!(self.body, "m[n] = max(c < 10: {x}[n, c])\ne[n, c] = exp({x}[n, c] - m[n])\ns[n] = sum(c < 10: e[n, c])\nq[n, c] = e[n, c] / s[n]\nlq[n, c] = log(q[n, c])\nce[n] = sum(c < 10: if c == label[n] then -lq[n, c])\ntotal = sum(n < {b}: ce[n])\nloss = total * {}\noutput loss = loss", 1.0 / f64::from(b)).unwrap();
        let mut graph = read(&format!("{}{}", self.head, self.body)).unwrap();
        normalise_all(&mut graph);
        meaning(&mut graph);
        let loss = graph.outputs[0].1;
        let params: Vec<_> = graph.tensors.iter().filter(|t| matches!(t.1.kind, Kind::Param)).map(|t| t.0).collect();
        let gradients = differentiate(&mut graph, loss, &params);
        solve_equalities(&mut graph);
        normalise_all(&mut graph);
        let mut whole = self.updates(&graph, &params, &gradients);
        cost(&mut whole, u32::MAX);
        whole
    }

    fn updates(
        &self,
        graph: &Graph,
        params: &[brolga::graph::TensorId],
        gradients: &[brolga::graph::TensorId],
    ) -> Graph {
        let names = names(graph);
        let (mut heads, mut bodies) = (String::new(), String::new());
        for (p, g) in params.iter().zip(gradients) {
            let (w, g) = (&names[p.index()], &names[g.index()]);
            let shape = &graph.tensors[*p].shape;
            let axes = ["a", "b", "c", "d"][..shape.len()].join(", ");
            writeln!(heads, "state v_{w}: {shape:?}\ntensor n_{w}: {shape:?}\ntensor u_{w}: {shape:?}").unwrap();
            writeln!(
                bodies,
                "n_{w}[{axes}] = 0.9 * v_{w}[{axes}] + {g}[{axes}]\nu_{w}[{axes}] = {w}[{axes}] - lr * n_{w}[{axes}]"
            )
            .unwrap();
        }
        let mut updates = String::new();
        for p in params {
            let w = &names[p.index()];
            writeln!(updates, "update v_{w} = n_{w}\nupdate {w} = u_{w}").unwrap();
        }
        let text = print(graph);
        let tensors = text.lines().take_while(|l| !l.contains('=') || l.starts_with("host") || l.starts_with("const"));
        let count = tensors.count();
        let lines: Vec<&str> = text.lines().collect();
        let whole = format!("{}\n{heads}{}\n{bodies}{updates}", lines[..count].join("\n"), lines[count..].join("\n"));
        let (equations, outputs): (Vec<&str>, Vec<&str>) =
            whole.lines().partition(|l| !l.starts_with("output ") && !l.starts_with("update "));
        let mut sorted = equations;
        sorted.extend(outputs);
        read(&(sorted.join("\n") + "\n")).unwrap_or_else(|e| panic!("{e}\n{whole}"))
    }
}

pub fn lenet(batch: u32) -> Graph {
    let net = Net::new(batch, &[1, 28, 28]).conv(6, 5, 2).relu().pool().conv(16, 5, 0).relu().pool();
    net.flatten().dense(120).relu().dense(84).relu().dense(10).trained()
}

pub fn mlp(batch: u32) -> Graph {
    Net::new(batch, &[784]).dense(512).relu().dense(256).relu().dense(10).trained()
}

/// The 3x3 convolutions of small residual nets, without the residuals.
pub fn vgg(batch: u32) -> Graph {
    let mut net = Net::new(batch, &[3, 32, 32]);
    for c in [32, 64, 128] {
        net = net.conv(c, 3, 1).relu().conv(c, 3, 1).relu().pool();
    }
    net.flatten().dense(10).trained()
}

#[test]
fn a_small_mlp_trains_like_the_oracle() {
    for batch in [8, 16, 5] {
        let net = Net::new(batch, &[20]).dense(12).relu().dense(10).trained();
        check_graph(&net, 64.0, 3);
    }
}

#[test]
fn a_small_convolutional_net_trains_like_the_oracle() {
    for batch in [8, 3] {
        let net = Net::new(batch, &[2, 8, 8]).conv(6, 3, 1).relu().pool().conv(5, 3, 0).relu();
        check_graph(&net.flatten().dense(10).trained(), 256.0, 5);
    }
}

/// Gradients that write where not every point of the box has a place: windows side by side under a padding, and more.
#[test]
fn gradients_are_written_inside_their_tensors() {
    let conv = |size: u32, k: u32, s: u32, p: u32| {
        let (out, last) = ((size + 2 * p - k) / s + 1, size - 1);
        let row = format!("{s}*i + u - {p}");
        format!(
            "param x: [2, 3, {size}]\nparam w: [4, 3, {k}]\ntensor y: [2, 4, {out}]
             y[n, o, i] = sum(c < 3, u < {k}: if {row} >= 0 and {last} >= {row} then x[n, c, {row}] * w[o, c, u])"
        )
    };
    let transposed = |size: u32, k: u32, s: u32, p: u32| {
        let out = (size - 1) * s + k - 2 * p;
        format!(
            "param x: [2, 3, {size}]\nparam w: [4, 3, {k}]\ntensor y: [2, 4, {out}]
             y[n, o, p] = sum(c < 3, i < {size}, u < {k}: if p == {s}*i + u - {p} then x[n, c, i] * w[o, c, u])"
        )
    };
    let shapes = [(8, 2, 2, 1), (9, 2, 3, 1), (9, 3, 3, 2), (7, 4, 4, 3), (16, 2, 2, 1)];
    let mut texts: Vec<String> = shapes.iter().map(|&(n, k, s, p)| conv(n, k, s, p)).collect();
    texts.extend(shapes.iter().map(|&(n, k, s, p)| transposed(n, k, s, p)));
    texts.push("param x: [5, 3]\ntensor y: [5, 3]\ny[i, j] = if 4 >= i + j then x[i + j, j]".into());
    texts.push("param x: [99, 90]\ntensor y: [99, 90]\ny[i, j] = if 98 >= i + j then x[i + j, j]".into());
    texts.push(
        "param x: [5]\nparam w: [7, 3]\ntensor y: [3]\ny[j] = sum(i < 7: if i - j >= 1 and 4 >= i - j and \
                5 >= i then x[i - 1] * w[i, j])"
            .into(),
    );
    for text in texts {
        let graph = crate::gradients::harness::Case::new("", text).with_gradients();
        check_graph(&brolga::compile::optimise(&graph), 64.0, 4);
    }
}
