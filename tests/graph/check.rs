//! What the check proves, and one broken invariant a case.

use brolga::graph::check::check;
use brolga::graph::text::read;

fn holds(text: &str) {
    check(&read(text).unwrap()).unwrap();
}

fn breaks(text: &str, how: &str) {
    let error = check(&read(text).unwrap()).unwrap_err();
    assert!(error.contains(how), "{error}");
}

#[test]
fn convolutions_and_their_gradients_are_in_range() {
    let head = "input x: [2, 3, 9]\nparam w: [4, 3, 3]\ninput dy: [2, 4, 5]\ntensor y: [2, 4, 5]\n\
        tensor dx: [2, 3, 9]\n";
    holds(&format!(
        "{head}y[b, o, i] = sum(c < 3, u < 3: if 2*i + u >= 1 and 9 >= 2*i + u then x[b, c, 2*i + u - 1] * w[o, c, u])\n\
         for b < 2, c < 3, i < 4: dx[b, c, 2*i + 1] = sum(o < 4, u < 2: if i + 1 >= u and 4 >= i + 1 - u then \
         dy[b, o, i + 1 - u] * w[o, c, 2*u])\n\
         for b < 2, c < 3, i < 5: dx[b, c, 2*i] = sum(o < 4: dy[b, o, i] * w[o, c, 1])"
    ));
    breaks(
        &format!("{head}y[b, o, i] = sum(c < 3, u < 3: if 2*i + u >= 1 then x[b, c, 2*i + u - 1] * w[o, c, u])"),
        "I2: coordinate 2 of x may be read out of range",
    );
}

#[test]
fn writes_are_injective_and_in_range() {
    let head = "input x: [4, 3]\ntensor y: [12]\n";
    holds(&format!("{head}for i < 4, j < 3: y[3*i + j] = x[i, j]"));
    holds(&format!("{head}for i < 4, phase j < 3: y[3*i + 2 - j] = x[i, j]"));
    breaks(&format!("{head}for i < 4, j < 3: y[2*i + j] = x[i, j]"), "I1: the write may hit");
    breaks(&format!("{head}for i < 4, j < 3: y[4*i + j] = x[i, j]"), "I2: coordinate 0 of y may be written");
    holds(&format!("{head}for i < 4, j < 3: y[4*i + j] = if 11 >= 4*i + j then x[i, j]"));
    breaks(&format!("{head}for i < 4: y[3*i] = sum(j < 3: x[i, j])\ny[6] = 0"), "I1: pieces may overlap");
    holds(&format!("{head}for i < 4: y[3*i] = sum(j < 3: x[i, j])\nfor i < 4, j < 2: y[3*i + j + 1] = x[i, j]"));
    holds(&format!("{head}for i < 4: y[i] = x[i, 0]\nfor i < 5: y[i] = if i >= 4 then 1"));
}

#[test]
fn ranges_follow_from_the_conditions_above() {
    let head = "input x: [5]\ninput n: [5] of index(5)\ntensor y: [5]\n";
    holds(&format!("{head}y[i] = if i >= 1 then x[i - 1] else 0"));
    holds(&format!("{head}y[i] = if i >= 3 then 0 else x[i + 2]"));
    breaks(&format!("{head}y[i] = if i >= 3 then 0 else x[i + 3]"), "I2");
    holds(&format!("{head}y[i] = sum(j < 9: if n[i] == j then x[j])"));
    holds(&format!("{head}y[i] = if 3*i >= 2 and 7 >= 3*i then x[i - 1] - x[i + 2]"));
    breaks(&format!("{head}y[i] = if i >= 1 and n[i + 1] == i then x[i - 1]"), "I2: coordinate 0 of n");
    holds(&format!("{head}y[i] = if 3 >= i and n[i + 1] == i then x[i]"));
    breaks(&format!("{head}y[i] = if n[i] == i and 3 >= i then x[i]"), "guards without data stand first");
    breaks(&format!("{head}y[i] = if x[i] == i then x[i]"), "holds no whole numbers");
}

#[test]
fn costly_functions_are_roots() {
    let head = "input x: [5]\ntensor y: [5]\n";
    holds(&format!("{head}y[i] = if (0 < x[i]) then log(x[i]) else if i >= 1 then exp(x[i] * 2) else x[i]"));
    holds(&format!("{head}y[i] = sum(k < 5: exp(x[k] - x[i]))"));
    breaks(&format!("{head}y[i] = 1 + exp(x[i])"), "I3");
    breaks(&format!("{head}y[i] = exp(sqrt(x[i]))"), "I3");
    breaks(&format!("{head}y[i] = if (sqrt(x[i]) < 1) then x[i] else 1"), "I3");
}

#[test]
fn ranks_kinds_and_cycles() {
    let head = "input x: [5, 2]\ntensor y: [5]\ntensor z: [5]\n";
    breaks(&format!("{head}y[i] = x[i]"), "x has 2 coordinates, 1 are read");
    breaks(&format!("{head}y[i] = z[i]"), "z is wanted and not defined");
    breaks(&format!("{head}x[i, j] = 0"), "another kind");
    breaks(&format!("{head}y[i] = z[i]\nz[i] = y[i]"), "I6: a cycle of definitions: y reads z");
    breaks(&format!("{head}y[i] = none(k < 2: x[i, k])"), "axes do not fit");
    breaks(&format!("{head}output y = y"), "wanted");
    breaks(&format!("{head}z[i] = 0\nupdate x = z"), "shape");
}
