//! N1 to N9, each on one equation.

use super::help::{graph, lines, same};
use brolga::graph::normal::normalise_all;

/// The lines of the normal form, values checked.
fn normal(text: &str) -> Vec<String> {
    let before = graph(text);
    let mut after = before.clone();
    normalise_all(&mut after);
    same(&before, &after);
    lines(&after)
}

const HEAD: &str = "input x: [4, 6]\ninput z: [4]\ninput n: [4] of index(5)\ntensor y: [4]\noutput y = y\n";

fn one(line: &str) -> String {
    let lines = normal(&format!("{HEAD}{line}"));
    assert_eq!(lines.len(), 1);
    lines.concat()
}

#[test]
fn selects_float_up_and_become_guards() {
    assert_eq!(
        one("y[i] = sum(k < 6: (if i >= k then x[i, k] else 0) * z[i] / 3)"),
        "y[i] = sum(k < 4: if i >= k then x[i, k] * z[i] / 3)"
    );
    assert_eq!(
        one("y[i] = max(k < 6: (if i >= k then x[i, k] else -inf) - z[i])"),
        "y[i] = max(k < 4: if i >= k then x[i, k] - z[i])"
    );
    assert_eq!(
        one("y[i] = exp((if i >= n[i] then x[i, 0] else -inf) - z[i])"),
        "y[i] = if i >= n[i] then exp(x[i, 0] - z[i])"
    );
    assert_eq!(
        one("y[i] = sum(k < 6: if i >= k then 0 else x[i, k])"),
        "y[i] = sum(k < 5: if k >= i then x[i, k + 1])"
    );
    assert_eq!(
        one("y[i] = sum(k < 6: (if i >= k then x[i, k] else 0) + (if i >= k then z[i] else 0))"),
        "y[i] = sum(k < 4: if i >= k then x[i, k] + z[i])"
    );
    assert_eq!(
        one("y[i] = sum(k < 6: (if i >= k then x[i, k] else 0) + (if i >= k + 1 then z[i] else 0))"),
        "y[i] = sum(k < 6: (if i >= k then x[i, k] else 0) + (if i >= k + 1 then z[i] else 0))"
    );
    assert_eq!(
        one("y[i] = prod(k < 6: if i >= k + 1 then x[i, k] else 1)"),
        "y[i] = prod(k < 6: if i >= k + 1 then x[i, k] else 1)"
    );
    assert_eq!(one("y[i] = (if (z[i] < 0) then 1 else 0) * x[i, 0]"), "y[i] = if (z[i] < 0) then x[i, 0] else 0");
}

#[test]
fn guards_tighten_boxes_and_go() {
    assert_eq!(
        one("y[i] = sum(k < 6: if i >= 1 and 3 >= 2*k and k >= 0 then x[i, k])"),
        "for i < 3: y[i + 1] = sum(k < 2: x[i + 1, k])"
    );
    assert_eq!(
        one("y[i] = argmax(k < 6: if 4 >= 2*k and i >= 0 then x[i, k])"),
        "y[i] = argmax(k < 6: if 2 >= k then x[i, k])".replace("2 >= k", "4 >= 2*k")
    );
    assert_eq!(
        one("y[i] = sum(k < 6: if i >= k and i + 1 >= k and i >= k + 1 then x[i, k])"),
        "for i < 3: y[i + 1] = sum(k < 3: if i >= k then x[i + 1, k])"
    );
    assert_eq!(one("y[i] = if i == 0 then x[i, 0] else 2"), "y[i] = if i == 0 then x[i, 0] else 2");
    assert_eq!(one("y[i] = if i >= 0 then x[i, 0] else 2"), "y[i] = x[i, 0]");
    assert_eq!(one("y[i] = sum(k < 6: if i >= k and k >= i + 1 then x[i, k])"), "nothing y");
}

#[test]
fn axes_merge_and_vanish() {
    assert_eq!(one("y[i] = sum(a < 2, r < 3: x[i, 3*a + r])"), "y[i] = sum(a < 6: x[i, a])");
    assert_eq!(one("for a < 2, r < 2: y[2*a + r] = x[2*a + r, 0]"), "y[a] = x[a, 0]");
    assert_eq!(
        one("y[i] = sum(a < 2, r < 3: if 3*a + r >= 2 and 1 >= a then x[i, 3*a + r])"),
        "y[i] = sum(a < 4: x[i, a + 2])"
    );
    assert_eq!(
        one("y[i] = sum(a < 2, r < 3: if i >= r then x[i, 3*a + r])"),
        "y[i] = sum(a < 2, r < 3: if i >= r then x[i, 3*a + r])"
    );
    // The number of a maximum counts the box as it is written.
    assert_eq!(
        one("y[i] = argmax(a < 2, b < 4, r < 2: x[b, 2*a + r] * z[i])"),
        "y[i] = argmax(a < 2, b < 4, r < 2: x[b, 2*a + r] * z[i])"
    );
    assert_eq!(
        one("y[i] = argmax(b < 4, a < 2, r < 3: x[b, 3*a + r] * z[i])"),
        "y[i] = argmax(b < 4, a < 6: x[b, a] * z[i])"
    );
    assert_eq!(one("y[i] = sum(a < 1, r < 3: z[i])"), "y[i] = z[i] * 3");
    assert_eq!(one("y[i] = sum(r < 3: if i >= r then z[i])"), "y[i] = sum(r < 3: if i >= r then z[i])");
    assert_eq!(one("y[i] = max(r < 3: z[i])"), "y[i] = z[i]");
    assert_eq!(one("y[i] = sum(r < 3: exp(z[i]))"), "y[i] = sum(r < 3: exp(z[i]))");
    assert_eq!(one("y[i] = argmax(r < 1: x[i, r])"), "nothing y");
}

#[test]
fn pinned_sums_of_something_else_are_that() {
    assert_eq!(one("y[i] = sum(w < 5: if w == n[i] then z[i])"), "y[i] = z[i]");
    assert_eq!(one("y[i] = sum(w < 4: if w == n[i] then z[i])"), "y[i] = sum(w < 4: if w == n[i] then z[i])");
    assert_eq!(one("y[i] = sum(w < 5: if w == n[i] + 1 then z[i])"), "y[i] = sum(w < 4: if w == n[i] then z[i])");
    assert_eq!(
        one("y[i] = sum(w < 5: if 3 >= w and w == n[i] then z[i])"),
        "y[i] = sum(w < 4: if w == n[i] then z[i])"
    );
}
