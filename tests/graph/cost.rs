//! C1 to C5: what each rule makes of a system, and that its values stay.

use super::help::{graph, has, lines, same};
use brolga::grad::{differentiate, solve_equalities};
use brolga::graph::Graph;
use brolga::graph::normal::normalise_all;
use brolga::graph::rewrite::{cost, meaning};

/// The graph after `cost`, its values checked.
fn cheaper(text: &str) -> Graph {
    let before = graph(text);
    let mut after = before.clone();
    normalise_all(&mut after);
    cost(&mut after, u32::MAX);
    same(&before, &after);
    after
}

/// With the gradients of the first output with respect to the tensors named.
fn gradients(text: &str, wrt: &[&str]) -> Graph {
    let mut graph = graph(text);
    meaning(&mut graph);
    let loss = graph.outputs[0].1;
    let find = |name: &&str| graph.tensors.iter().find(|(_, tensor)| &*tensor.name == *name).unwrap().0;
    let wrt: Vec<_> = wrt.iter().map(find).collect();
    for (at, gradient) in differentiate(&mut graph, loss, &wrt).into_iter().enumerate() {
        graph.outputs.push((format!("gradient {at}").as_str().into(), gradient));
    }
    normalise_all(&mut graph);
    solve_equalities(&mut graph);
    graph
}

fn cheaper_gradients(text: &str, wrt: &[&str]) -> Graph {
    let before = gradients(text, wrt);
    let mut after = before.clone();
    cost(&mut after, u32::MAX);
    same(&before, &after);
    after
}

#[test]
fn copies_constants_and_dead_definitions_vanish() {
    let after = cheaper(
        "input x: [6]\nparam p: []\ntensor a: [4]\ntensor b: [2]\ntensor c: [4]\ntensor d: [4]\ntensor e: [2]\ntensor y: [4]\n\
         tensor q: []\nnothing d\na[i] = x[i + 1]\nb[i] = a[2*i]\nc[i] = 3\nfor i < 2: e[1 - i] = b[i]\n\
         y[i] = sum(j < 2: e[j] * stop(x[i]) + b[j] * d[i] * x[0]) * 1\nq = p\noutput e = e\noutput y = y\nupdate p = q\n"
            .replace(") * 1\n", ")\n")
            .as_str(),
    );
    has(&after, "for i < 2: e[1 - i] = x[2*i + 1]");
    has(&after, "q = p");
    has(&after, "y.inner = sum(j < 2: x[3 - 2*j])");
    has(&after, "y[i] = x[i] * y.inner");
    assert_eq!(lines(&after).len(), 4);
}

#[test]
fn equal_definitions_merge_unless_their_guards_differ() {
    let after = cheaper(
        "input x: [4]\ninput z: [4]\ntensor a: [4]\ntensor b: [4]\ntensor c: [4]\ntensor d: [4]\ntensor y: [4]\n\
         a[i] = if i >= 1 then x[i] * z[i] + 1\nb[j] = if j >= 1 then z[j] * x[j] + 1\nc[i] = if i >= 2 then x[i] * z[i] + 1\n\
         d[i] = x[i] * z[i] + 1\ny[i] = a[i] - b[i] + 2 * c[i] - 3 * d[i]\noutput y = y\noutput b = b\n",
    );
    has(&after, "y[i] = a[i] - a[i] + 2 * c[i] - 3 * d[i]");
    assert_eq!(lines(&after).len(), 4);
    assert_eq!(after.outputs[1].1, after.outputs[1].1);
}

#[test]
fn definitions_that_differ_in_a_guard_a_combine_or_an_order_stay_apart() {
    let after = cheaper(
        "input x: [4, 4]\ntensor a: [4, 4]\ntensor b: [4, 4]\ntensor s: [4]\ntensor m: [4]\ntensor d: [4]\ntensor e: [4]\n\
         tensor y: [4, 4]\na[i, j] = if i >= j then x[i, j] * 2\nb[i, j] = if j >= i then x[i, j] * 2\n\
         s[i] = sum(k < 4: x[i, k])\nm[i] = max(k < 4: x[i, k])\nd[i] = x[i, 0] - x[0, i]\ne[i] = x[0, i] - x[i, 0]\n\
         y[i, j] = a[i, j] - 3 * b[i, j] + s[i] * 5 - m[j] + d[i] * 7 - e[j]\noutput y = y\n",
    );
    assert_eq!(lines(&after).len(), 7);
}

#[test]
fn a_copy_under_a_guard_is_no_copy() {
    let after = cheaper(
        "input x: [4, 4]\ntensor t: [4, 4]\ntensor y: [4, 4]\nt[i, j] = if i >= j then x[i, j]\ny[i, j] = t[i, j] + 1\n\
         output y = y\n",
    );
    has(&after, "y[i, j] = t[i, j] + 1");
}

#[test]
fn factors_come_out_of_sums() {
    let after = cheaper(
        "input x: [4, 5]\ninput s: [4]\ninput w: [5, 6]\ntensor y: [4, 6]\ntensor v: [4]\n\
         y[i, o] = sum(k < 5: -(x[i, k] * s[i]) * w[k, o] * 2)\nv[i] = sum(k < 5: if i >= k then x[i, k] / s[i])\n\
         output y = y\noutput v = v\n",
    );
    has(&after, "y.inner[i, o] = sum(k < 5: x[i, k] * w[k, o])");
    has(&after, "y[i, o] = s[i] * -2 * y.inner[i, o]");
    has(&after, "v.inner[i] = sum(k < 4: if i >= k then x[i, k])");
    has(&after, "v[i] = v.inner[i] / s[i]");
    let after = cheaper(
        "input x: [4, 5]\ninput s: [4]\ntensor y: [4]\ny[i] = sum(k < 5: -(s[i] * x[i, k] + s[i] * x[i, k]))\noutput y = y\n",
    );
    has(&after, "y.inner[i] = sum(k < 5: x[i, k])");
    has(&after, "y[i] = s[i] * -2 * y.inner[i]");
}

#[test]
fn a_divisor_stays_where_a_sum_may_be_empty() {
    let after = cheaper(
        "input x: [4, 5]\ntensor s: [4]\ntensor v: [4]\ns[i] = index(i) * x[0, 0]\n\
         v[i] = sum(k < 5: if i >= k + 1 then x[i, k] / s[i])\noutput v = v\n",
    );
    has(&after, "for i < 3: v[i + 1] = v.inner[i + 1] / s[i + 1]");
    // Nothing is live for i = 1, where s is 0.
    let after = cheaper(
        "input x: [4, 5]\ntensor s: [4]\ntensor v: [4]\ns[i] = index(i - 1) * x[0, 0]\n\
         v[i] = sum(k < 5: if 2*k >= i and i >= 2*k then x[i, k] / s[i])\noutput v = v\n",
    );
    has(&after, "for i < 3: v[i] = sum(k < 2: if 2*k >= i and i >= 2*k then x[i, k] / s[i])");
}

const SOFTMAX: &str = "\
input x: [3, 5]
input q: [3, 5]
tensor top: [3]
tensor e: [3, 5]
tensor z: [3]
tensor p: [3, 5]
tensor loss: []
top[b] = max(i < 5: x[b, i])
e[b, i] = exp(x[b, i] - stop(top[b]))
z[b] = sum(i < 5: e[b, i])
p[b, i] = e[b, i] / z[b]
loss = sum(b < 3, i < 5: p[b, i] * q[b, i])
output loss = loss
output p = p
";

#[test]
fn softmax_backwards_needs_only_the_probabilities() {
    let after = cheaper_gradients(SOFTMAX, &["x"]);
    has(&after, "d_x[b, i] = (q[b, i] - d_z.inner[b]) * p[b, i]");
    has(&after, "d_z.inner[b] = sum(i < 5: q[b, i] * p[b, i])");
    assert_eq!(lines(&after).len(), 7);
}

#[test]
fn a_quotient_that_is_there_only_in_part_is_not_used_elsewhere() {
    let after = cheaper(
        "input e: [3, 3]\ninput z: [3]\ninput u: [3]\ntensor p: [3, 3]\ntensor y: [3, 3]\ntensor v: [3, 3]\n\
         p[i, j] = if i >= j then e[i, j] / z[i]\ny[i, j] = u[j] / z[i] * e[i, j]\n\
         v[i, j] = if i >= j then u[j] / z[i] * e[i, j]\noutput p = p\noutput y = y\noutput v = v\n",
    );
    has(&after, "y[i, j] = u[j] / z[i] * e[i, j]");
    has(&after, "v[i, j] = if i >= j then u[j] * p[i, j]");
}

#[test]
fn causal_attention_runs_over_the_triangle() {
    let text = "\
input x: [2, 4, 3]
input q: [2, 4, 3]
tensor a: [2, 4, 4]
tensor s: [2, 4, 4]
tensor top: [2, 4]
tensor e: [2, 4, 4]
tensor z: [2, 4]
tensor p: [2, 4, 4]
tensor y: [2, 4, 3]
tensor loss: []
a[b, i, j] = sum(k < 3: x[b, i, k] * x[b, j, k])
s[b, i, j] = if i >= j then a[b, i, j] else -inf
top[b, i] = max(j < 4: s[b, i, j])
e[b, i, j] = exp(s[b, i, j] - stop(top[b, i]))
z[b, i] = sum(j < 4: e[b, i, j])
p[b, i, j] = e[b, i, j] / z[b, i]
y[b, i, k] = sum(j < 4: p[b, i, j] * x[b, j, k])
loss = sum(b < 2, i < 4, k < 3: y[b, i, k] * q[b, i, k])
output loss = loss
";
    let after = cheaper_gradients(text, &["x"]);
    has(&after, "a[b, i, j] = sum(k < 3: if i >= j then x[b, i, k] * x[b, j, k])");
    has(&after, "z[b, i] = sum(j < 4: if i >= j then e[b, i, j])");
    has(&after, "y[b, i, k] = sum(j < 4: if i >= j then p[b, i, j] * x[b, j, k])");
    for line in lines(&after).iter().filter(|line| line.contains("i, j]") || line.contains("j < 4")) {
        assert!(line.contains("if i >= j"), "{line} sweeps the square");
    }
}

#[test]
fn what_nobody_reads_is_not_computed() {
    let after = cheaper(
        "input x: [5, 3]\nparam w: [3, 4]\ntensor h: [5, 4]\ntensor y: [4]\nh[t, o] = sum(k < 3: x[t, k] * w[k, o])\n\
         y[o] = h[4, o] * h[3, o]\noutput y = y\n",
    );
    has(&after, "for t < 2, o < 4: h[t + 3, o] = sum(k < 3: x[t + 3, k] * w[k, o])");
}

#[test]
fn guards_and_other_branches_demand_too() {
    let after = cheaper(
        "input x: [5, 4]\ntensor a: [5] of index(4)\ntensor h: [5]\ntensor y: [5, 4]\ntensor v: [5]\n\
         a[i] = argmax(k < 4: x[i, k])\nh[i] = x[i, 0] * x[i, 1]\ny[i, k] = if k == a[i] then x[0, k] * a[0]\n\
         v[i] = if i >= 2 then x[i, 1] else h[i]\noutput y = y\noutput v = v\n",
    );
    has(&after, "a[i] = argmax(k < 4: x[i, k])");
    has(&after, "for i < 2: h[i] = x[i, 0] * x[i, 1]");
}
