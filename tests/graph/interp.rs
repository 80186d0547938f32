//! The oracle on equations whose values are known.

use brolga::graph::interp::run;
use brolga::graph::text::read;
use brolga::graph::{Graph, Kind, TensorId};
use indexmap::IndexMap;

/// 0, 1, 2 ... in every input, or what `given` says.
fn values(text: &str, given: &[(&str, &[f64])]) -> Result<(Graph, IndexMap<TensorId, Vec<f64>>), String> {
    let graph = read(text)?;
    let mut inputs = IndexMap::new();
    for (id, tensor) in graph.tensors.iter() {
        let size: u32 = tensor.shape.iter().product();
        let own = given.iter().find(|given| given.0 == &*tensor.name).map(|given| given.1.to_vec());
        if !matches!(tensor.kind, Kind::Defined | Kind::Const(_)) {
            inputs.insert(id, own.unwrap_or_else(|| (0..size).map(f64::from).collect()));
        }
    }
    let values = run(&graph, &inputs)?;
    Ok((graph, values))
}

fn value(text: &str, given: &[(&str, &[f64])], name: &str) -> Vec<f64> {
    let (graph, values) = values(text, given).unwrap();
    let (id, _) = graph.tensors.iter().find(|(_, tensor)| &*tensor.name == name).unwrap();
    values[&id].clone()
}

#[test]
fn products_of_matrices() {
    let text = "input x: [2, 2]\ninput w: [2, 2]\ntensor y: [2, 2]\ny[n, o] = sum(k < 2: x[n, k] * w[k, o])";
    assert_eq!(value(text, &[], "y"), [2.0, 3.0, 6.0, 11.0]);
}

#[test]
fn padding_is_a_guard() {
    let text = "input x: [3]\ntensor y: [3]\ny[i] = sum(u < 3: if i + u >= 1 and 3 >= i + u then x[i + u - 1])";
    assert_eq!(value(text, &[], "y"), [1.0, 3.0, 3.0]);
    let text = "input x: [3]\ntensor y: [3]\ny[i] = sum(u < 3: if i + u >= 1 then x[i + u - 1])";
    let error = values(text, &[]).map(|_| ()).unwrap_err();
    assert_eq!(error, "bug: x is used out of range at a live point of y");
}

#[test]
fn a_branch_not_taken_is_not_evaluated() {
    let text = "input x: [3]\ntensor y: [3]\ny[i] = if i >= 1 then x[i - 1] else -1";
    assert_eq!(value(text, &[], "y"), [-1.0, 0.0, 1.0]);
}

#[test]
fn a_look_up_is_pinned() {
    let text = "input x: [5, 2]\ninput w: [3] of index(5)\ntensor y: [3, 2]\ntensor dx: [5, 2]\n\
        y[t, d] = sum(v < 5: if v == w[t] then x[v, d])\n\
        dx[v, d] = sum(t < 3: if v == w[t] then y[t, d] + 1)";
    let words = [("w", &[4.0, 1.0, 4.0][..])];
    assert_eq!(value(text, &words, "y"), [8.0, 9.0, 2.0, 3.0, 8.0, 9.0]);
    assert_eq!(value(text, &words, "dx"), [0.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 18.0, 20.0]);
    let bad = values(text, &[("w", &[4.0, 5.0, 0.0])]).map(|_| ()).unwrap_err();
    assert_eq!(bad, "w holds 5, not a whole number below 5");
}

#[test]
fn a_transposed_convolution_pins_its_tap() {
    let text = "input x: [3]\ninput w: [3]\ntensor y: [7]\ny[p] = sum(i < 3, u < 3: if p == 2*i + u then x[i] * w[u])";
    assert_eq!(value(text, &[], "y"), [0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 4.0]);
}

#[test]
fn ties_go_to_the_first() {
    let text =
        "input x: [2, 3]\ntensor m: [2]\ntensor a: [2]\nm[i] = max(k < 3: x[i, k])\na[i] = argmax(k < 3: x[i, k])";
    let x = [("x", &[1.0, 7.0, 7.0, -2.0, -3.0, -2.0][..])];
    assert_eq!(value(text, &x, "m"), [7.0, -2.0]);
    assert_eq!(value(text, &x, "a"), [1.0, 0.0]);
}

#[test]
fn an_empty_set_gives_0() {
    let text = "input x: [2]\ntensor m: [2]\ntensor p: [2]\n\
        m[i] = max(k < 2: if i >= k + 1 then -1 - x[k])\np[i] = prod(k < 2: if i >= k + 1 then x[k] + 3)";
    assert_eq!(value(text, &[], "m"), [0.0, -1.0]);
    assert_eq!(value(text, &[], "p"), [0.0, 3.0]);
}

#[test]
fn pieces_may_not_overlap() {
    let text = "input x: [2]\ntensor y: [3]\ny[0] = x[0]\nfor i < 2: y[i + 1] = x[i]";
    assert_eq!(value(text, &[], "y"), [0.0, 0.0, 1.0]);
    let text = "input x: [2]\ntensor y: [3]\ny[1] = x[0]\nfor i < 2: y[i + 1] = x[i]";
    assert_eq!(values(text, &[]).map(|_| ()).unwrap_err(), "bug: an element of y is written twice");
}

#[test]
fn a_cycle_is_told() {
    let text = "tensor a: []\ntensor b: []\na = b\nb = a + 1";
    assert_eq!(values(text, &[]).map(|_| ()).unwrap_err(), "a cycle of definitions: a reads b and again a");
}

#[test]
fn a_guard_on_data_stands_behind_those_that_protect_it() {
    let text = "input n: [2] of index(9)\ninput x: [3]\ntensor y: [3]\n\
        y[i] = sum(k < 3: if 1 >= i and n[i] >= k + 1 then x[k] + 1)";
    assert_eq!(value(text, &[("n", &[2.0, 3.0])], "y"), [3.0, 6.0, 0.0]);
}
