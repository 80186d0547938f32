//! Places where differences say nothing or too little: ties, zeros, infinities, elements that nobody writes.

use super::harness::{find, values};
use brolga::grad::differentiate;
use brolga::graph::text::{print, read};
use brolga::graph::{Graph, TensorId};
use indexmap::IndexMap;

/// The gradient of the number `loss` with respect to `x`, everything given by name.
fn gradient(text: &str, given: &[(&str, &[f64])]) -> Vec<f64> {
    let (graph, gradient) = differentiated(text, "x");
    let given: IndexMap<TensorId, Vec<f64>> =
        given.iter().map(|(name, values)| (find(&graph, name), values.to_vec())).collect();
    values(&graph, &given).unwrap()[&gradient].clone()
}

fn differentiated(text: &str, wrt: &str) -> (Graph, TensorId) {
    let mut graph = read(text).unwrap();
    let (loss, wrt) = (find(&graph, "loss"), find(&graph, wrt));
    let gradients = differentiate(&mut graph, loss, &[wrt]);
    (graph, gradients[0])
}

#[test]
fn the_first_of_equal_maxima_gets_the_gradient() {
    let text = "param x: [2, 5]
        tensor m: [2]
        tensor loss: []
        m[i] = max(j < 5: x[i, j])
        loss = sum(i < 2: m[i])";
    let x = [0.0, 3.0, 1.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0, 2.0];
    assert_eq!(gradient(text, &[("x", &x)]), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn overlapping_windows_of_a_constant_give_to_their_first_element() {
    let text = "param x: [5, 5]
        tensor y: [2, 2]
        tensor loss: []
        y[i, j] = max(u < 3, v < 3: if 2*i + u - 1 >= 0 and 2*j + v - 1 >= 0 then x[2*i + u - 1, 2*j + v - 1])
        loss = sum(i < 2, j < 2: y[i, j])";
    let mut expected = [0.0; 25];
    [0, 1, 5, 6].into_iter().for_each(|at| expected[at] = 1.0);
    assert_eq!(gradient(text, &[("x", &[1.0; 25])]), expected);
}

#[test]
fn relu_has_slope_zero_at_zero() {
    let text = "param x: [3]\ntensor y: [3]\ntensor loss: []\ny[i] = max(x[i], 0)\nloss = sum(i < 3: y[i])";
    assert_eq!(gradient(text, &[("x", &[-1.0, 0.0, 1.0])]), [0.0, 0.0, 1.0]);
}

#[test]
fn relu_is_differentiated_from_its_output_alone() {
    let text = "param w: [3]\nparam x: [3]\ntensor z: [3]\ntensor y: [3]\ntensor loss: []
        z[i] = w[i] * x[i]\ny[i] = max(z[i], 0)\nloss = sum(i < 3: y[i])";
    let (graph, _) = differentiated(text, "x");
    assert!(print(&graph).contains("d_z[i] = if (0 < y[i]) then d_y[i] else 0"), "{}", print(&graph));
}

#[test]
fn the_second_of_two_equal_operands_gets_the_gradient() {
    let text = "param x: []\nparam z: []\ntensor loss: []\nloss = max(x, z)";
    assert_eq!(gradient(text, &[("x", &[2.0]), ("z", &[2.0])]), [0.0]);
    assert_eq!(gradient(&text.replace("max(x, z)", "max(z, x)"), &[("x", &[2.0]), ("z", &[2.0])]), [1.0]);
}

#[test]
fn a_guarded_root_has_slope_zero_at_zero_and_a_bare_one_none() {
    let text = "param x: [2]
        tensor s: []
        tensor loss: []
        s = sum(i < 2: x[i] * x[i])
        loss = if (0 < s) then sqrt(s) else 0";
    assert_eq!(gradient(text, &[("x", &[0.0, 0.0])]), [0.0, 0.0]);
    assert_eq!(gradient(text, &[("x", &[4.0, 0.0])]), [1.0, 0.0]);
    let bare = text.replace("if (0 < s) then sqrt(s) else 0", "sqrt(s)");
    assert!(gradient(&bare, &[("x", &[0.0, 0.0])])[0].is_nan());
}

#[test]
fn a_branch_not_taken_contributes_nothing_even_where_its_slope_is_infinite() {
    let text = "param x: [3]
        tensor y: [3]
        tensor loss: []
        y[i] = if (0 < x[i]) then log(x[i]) else x[i]
        loss = sum(i < 3: y[i])";
    assert_eq!(gradient(text, &[("x", &[0.0, -1.0, 2.0])]), [1.0, 1.0, 0.5]);
    let inner = text.replace("if (0 < x[i]) then log(x[i]) else x[i]", "2 * (if (0 < x[i]) then 1 / x[i] else x[i])");
    assert_eq!(gradient(&inner, &[("x", &[0.0, -1.0, 2.0])]), [2.0, 2.0, -0.5]);
}

#[test]
fn a_slope_that_needs_a_function_stays_under_its_condition() {
    let text = "param x: [2]
        param z: [2]
        tensor y: [2]
        tensor loss: []
        y[i] = if (0 < z[i]) then erf(1 / z[i] * x[i]) else x[i]
        loss = sum(i < 2: y[i])";
    let gradient = gradient(text, &[("x", &[0.0, 3.0]), ("z", &[2.0, 0.0])]);
    assert_eq!(gradient, [std::f64::consts::FRAC_2_SQRT_PI * 0.5, 1.0]);
}

#[test]
fn the_product_of_the_others_at_zeros() {
    let text = "param x: [3, 3]
        tensor p: [3]
        tensor loss: []
        p[n] = prod(k < 3: x[n, k])
        loss = sum(n < 3: p[n])";
    let x = [2.0, 3.0, 5.0, 2.0, 0.0, 5.0, 0.0, 0.0, 5.0];
    assert_eq!(gradient(text, &[("x", &x)]), [15.0, 10.0, 6.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn what_a_stride_skips_gets_nothing() {
    let text = "param x: [5]\ntensor y: [3]\ntensor loss: []\ny[i] = x[2*i]\nloss = sum(i < 3: y[i])";
    assert_eq!(gradient(text, &[("x", &[1.0; 5])]), [1.0, 0.0, 1.0, 0.0, 1.0]);
}

#[test]
fn a_window_wholly_in_padding_is_zero_and_gives_nothing() {
    let text = "param x: [2]
        tensor y: [3]
        tensor loss: []
        y[i] = max(u < 2: if 2*i + u - 2 >= 0 and 1 >= 2*i + u - 2 then x[2*i + u - 2])
        loss = sum(i < 3: y[i])";
    assert_eq!(gradient(text, &[("x", &[-2.0, -3.0])]), [1.0, 0.0]);
}

#[test]
fn a_fully_masked_row_of_softmax_is_zero_and_so_is_its_gradient() {
    let text = "param x: [2, 3]
        input len: [2] of index(4)
        tensor m: [2]
        tensor e: [2, 3]
        tensor z: [2]
        tensor p: [2, 3]
        tensor loss: []
        m[n] = max(k < 3: if len[n] - k - 1 >= 0 then x[n, k])
        e[n, k] = if len[n] - k - 1 >= 0 then exp(x[n, k] - m[n])
        z[n] = sum(k < 3: if len[n] - k - 1 >= 0 then e[n, k])
        p[n, k] = if len[n] - k - 1 >= 0 then e[n, k] / z[n]
        loss = sum(n < 2, k < 3: p[n, k] * p[n, k])";
    let gradient = gradient(text, &[("x", &[1.0, 2.0, 3.0, 4.0, 4.0, 4.0]), ("len", &[0.0, 2.0])]);
    assert_eq!(gradient, [0.0; 6]);
}

#[test]
fn stop_lets_nothing_through() {
    let text = "param x: []\ntensor loss: []\nloss = x * stop(x * x)";
    assert_eq!(gradient(text, &[("x", &[3.0])]), [9.0]);
    assert_eq!(gradient(&text.replace("x * stop", "stop"), &[("x", &[3.0])]), [0.0]);
    let inner = "param x: []\ntensor s: []\ntensor loss: []\ns = x * x\nloss = x * stop(s)";
    let (graph, _) = differentiated(inner, "x");
    assert!(!print(&graph).contains("d_s"), "nothing beyond a stop is differentiated:\n{}", print(&graph));
}

#[test]
fn nothing_flows_to_what_the_loss_does_not_need() {
    let text = "param x: [2, 3]\nparam z: []\ntensor loss: []\nloss = z * z";
    assert_eq!(gradient(text, &[("x", &[1.0; 6]), ("z", &[1.0])]), [0.0; 6]);
    let (graph, gradient) = differentiated(text, "x");
    assert_eq!(graph.tensors[gradient].shape, [2, 3]);
    assert!(graph.defs[&gradient].pieces.is_empty());
    assert!(graph.defs.len() == 2, "no more than the loss and the zero is defined:\n{}", print(&graph));
}

#[test]
fn the_loss_and_what_is_defined_have_gradients_too() {
    let text = "param z: [2]\ntensor x: [2]\ntensor loss: []\nx[i] = z[i] * z[i]\nloss = sum(i < 2: 3 * x[i])";
    assert_eq!(gradient(text, &[("z", &[1.0, 2.0])]), [3.0, 3.0]);
    let (graph, gradient) = differentiated("param x: []\ntensor loss: []\nloss = x", "loss");
    let given = IndexMap::from([(find(&graph, "x"), vec![5.0])]);
    assert_eq!(values(&graph, &given).unwrap()[&gradient], [1.0]);
}

#[test]
fn whole_numbers_get_no_gradient() {
    let text = "param x: [3]\ninput k: [] of index(3)\ntensor a: []\ntensor loss: []
        a = argmax(i < 3: x[i])\nloss = sum(i < 3: if i - a[] == 0 then x[i] * a)";
    assert_eq!(gradient(text, &[("x", &[1.0, 4.0, 2.0]), ("k", &[1.0])]), [0.0, 1.0, 0.0]);
}

#[test]
fn a_recurrence_forwards_becomes_one_backwards() {
    let text = "param x: [6]
        tensor h: [6]
        tensor loss: []
        for t < 1: h[t] = x[t]
        for t < 5: h[t + 1] = tanh(h[t] * x[t + 1])
        loss = sum(t < 6: h[t])";
    let (graph, _) = differentiated(text, "x");
    assert!(
        print(&graph).contains("for t < 5: part_d_h[t] = d_h[t + 1] * (1 - h[t + 1] * h[t + 1]) * x[t + 1]"),
        "{}",
        print(&graph)
    );
}
