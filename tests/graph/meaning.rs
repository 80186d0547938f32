//! M1 to M3: what a program means where a formula, taken by its letters, is no number.

use super::help::{graph, has, lines, results, same};
use brolga::graph::rewrite::meaning;
use brolga::graph::text::print;

const SOFTMAX: &str = "\
input x: [3, 5]
input label: [3] of index(5)
tensor top: [3]
tensor e: [3, 5]
tensor z: [3]
tensor p: [3, 5]
tensor at: [3]
tensor log: [3]
tensor loss: [3]
top[b] = max(i < 5: x[b, i])
e[b, i] = exp(x[b, i] - stop(top[b]))
z[b] = sum(i < 5: e[b, i])
p[b, i] = e[b, i] / z[b]
at[b] = sum(w < 5: if w == label[b] then p[b, w])
log[b] = log(at[b])
loss[b] = -log[b]
output loss = loss
output p = p
";

#[test]
fn cross_entropy_of_softmax_is_stable() {
    let before = graph(SOFTMAX);
    let mut after = before.clone();
    meaning(&mut after);
    same(&before, &after);
    has(&after, "log[b] = at.log[b]");
    has(&after, "at.log.log[b] = log(z[b])");
    has(&after, "at.log[b] = at.log.at[b] - stop(top[b]) - at.log.log[b]");
    let mut again = after.clone();
    meaning(&mut again);
    assert_eq!(print(&again), print(&after));
    // Scores that differ by 2000: the probability is 0, the loss is not infinite.
    let saturated =
        SOFTMAX.replace("x[b, i] - stop", "1000 * x[b, i] - stop").replace("max(i < 5: x", "max(i < 5: 1000 * x");
    let mut saturated = graph(&saturated);
    meaning(&mut saturated);
    assert!(results(&saturated, 3)[0].iter().all(|loss| loss.is_finite()));
}

#[test]
fn log_softmax_is_stable_element_by_element() {
    let text =
        SOFTMAX.replace("tensor at: [3]", "tensor l: [3, 5]\ntensor at: [3]").replace("output p = p", "output l = l");
    let before = graph(&text.replace("at[b] =", "l[b, i] = log(p[b, i])\nat[b] ="));
    let mut after = before.clone();
    meaning(&mut after);
    same(&before, &after);
    has(&after, "l[b, i] = x[b, i] - stop(top[b]) - l.log[b]");
    has(&after, "l.log[b] = log(z[b])");
}

#[test]
fn bce_of_sigmoid_is_stable() {
    let text = "input x: [4]\ninput y: [4]\ntensor p: [4]\ntensor a: [4]\ntensor b: [4]\ntensor l: [4]\n\
        p[i] = sigmoid(x[i] * SCALE)\na[i] = log(p[i])\nb[i] = log(1 - p[i])\n\
        l[i] = -(y[i] * a[i] + (1 - y[i]) * b[i])\noutput l = l\n";
    let before = graph(&text.replace("SCALE", "2"));
    let mut after = before.clone();
    meaning(&mut after);
    same(&before, &after);
    has(&after, "a[i] = log_sigmoid(x[i] * 2)");
    has(&after, "b[i] = log_sigmoid(-(x[i] * 2))");
    let mut far = graph(&text.replace("SCALE", "2000"));
    meaning(&mut far);
    assert!(results(&far, 1)[0].iter().all(|loss| loss.is_finite()));
}

#[test]
fn logistic_written_out_is_stable() {
    let text = "input x: [4]\ntensor e: [4]\ntensor a: [4]\ntensor b: [4]\ntensor c: [4]\n\
        e[i] = exp(-x[i])\na[i] = log(1 / (1 + e[i]))\nb[i] = log(e[i] * e[i] / 3)\nc[i] = log(e[i] + x[i] * x[i])\n\
        output a = a\noutput b = b\noutput c = c\n";
    let before = graph(text);
    let mut after = before.clone();
    meaning(&mut after);
    same(&before, &after);
    has(&after, "a[i] = log_sigmoid(x[i])");
    has(&after, "b[i] = -x[i] - x[i] - 1.0986122886681096");
    has(&after, "c[i] = log(e[i] + x[i] * x[i])");
}

#[test]
fn a_product_of_two_that_may_be_negative_stays() {
    let text = "input x: [4]\ninput z: [4]\ntensor e: [4]\ntensor a: [4]\ntensor b: [4]\ne[i] = exp(x[i])\n\
        a[i] = log(x[i] * z[i])\nb[i] = log(x[i] * e[i] * z[i])\noutput a = a\noutput b = b\n";
    let before = graph(text);
    let mut after = before.clone();
    meaning(&mut after);
    same(&before, &after);
    has(&after, "a[i] = log(x[i] * z[i])");
    has(&after, "b[i] = log(x[i] * e[i] * z[i])");
}

#[test]
fn a_logarithm_takes_its_condition_along() {
    let text = "input x: [4]\ninput z: [4]\ntensor e: [4]\ntensor a: [4]\ne[i] = exp(x[i])\n\
        a[i] = if (0 < z[i]) then log(e[i] / z[i]) else x[i]\noutput a = a\n";
    let before = graph(text);
    let mut after = before.clone();
    meaning(&mut after);
    same(&before, &after);
    has(&after, "a[i] = if (0 < z[i]) then x[i] - a.log[i] else x[i]");
    has(&after, "a.log[i] = if (0 < z[i]) then log(z[i]) else 0");
}

const MASKED: &str = "\
input s: [4, 4]
input n: [4] of index(5)
tensor x: [4, 4]
tensor top: [4]
tensor e: [4, 4]
tensor z: [4]
tensor p: [4, 4]
x[i, j] = if MASK then s[i, j] else -inf
top[i] = max(j < 4: x[i, j])
e[i, j] = exp(x[i, j] - stop(top[i]))
z[i] = sum(j < 4: e[i, j])
p[i, j] = e[i, j] / z[i]
output p = p
";

#[test]
fn a_fully_masked_row_is_0() {
    let mut after = graph(&MASKED.replace("MASK", "i >= j + 1"));
    meaning(&mut after);
    has(&after, "for i < 3, j < 3: e[i + 1, j] = if i >= j then exp(x[i + 1, j] - stop(top[i + 1]))");
    has(&after, "for i < 3, j < 3: p[i + 1, j] = if i >= j then e[i + 1, j] / z[i + 1]");
    let p = &results(&after, 1)[0];
    assert_eq!(p[..5], [0.0, 0.0, 0.0, 0.0, 1.0]);
    let mut after = graph(&MASKED.replace("MASK", "n[i] >= j + 1"));
    meaning(&mut after);
    has(&after, "p[i, j] = if n[i] >= j + 1 then e[i, j] / z[i]");
    assert!(results(&after, 5)[0].iter().all(|p| (0.0..=1.0).contains(p)));
}

#[test]
fn look_ups_split_off_what_they_do_not_look_up() {
    let text = "input t: [3] of index(5)\nparam w: [5, 2]\ninput q: [3, 2]\ntensor y: [3, 2]\ntensor u: [3, 2]\n\
        y[i, d] = sum(v < 5: if v == t[i] then w[v, d] * q[i, d] + q[i, 0])\nu[i, d] = sum(v < 5: if v == t[i] then q[i, d])\n\
        output y = y\noutput u = u\n";
    let before = graph(text);
    let mut after = before.clone();
    meaning(&mut after);
    same(&before, &after);
    has(&after, "y.at[i, d] = sum(v < 5: if v == t[i] then w[v, d])");
    has(&after, "y[i, d] = y.at[i, d] * q[i, d] + q[i, 0]");
    has(&after, "u[i, d] = q[i, d]");
    assert_eq!(lines(&after).len(), 3);
}

#[test]
fn a_look_up_that_may_find_nothing_stays_a_sum() {
    let text = "input t: [5] of index(5)\nparam w: [5, 2]\ninput q: [5]\ntensor y: [5]\ntensor u: [5]\ntensor v: [5]\n\
        y[i] = sum(a < 3: if a == t[i] then q[i] + 1)\nu[i] = sum(a < 5: if a == t[i] + 1 then w[a, 0] + q[i])\n\
        v[i] = sum(a < 5: if i >= a and a == t[i] then w[a, 0] + q[i])\noutput y = y\noutput u = u\noutput v = v\n";
    let before = graph(text);
    let mut after = before.clone();
    meaning(&mut after);
    same(&before, &after);
    assert_eq!(lines(&after).len(), 3);
}
