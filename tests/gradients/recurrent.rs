//! Recurrent nets as equations: definitions that load each other along a time.

use super::harness::Case;

/// Batch, inputs, hidden: words that [`texts`] replaces.
const B: &str = "BATCH";
const D: &str = "INPUTS";
const N: &str = "HIDDEN";

/// The sizes of a net.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub batch: u32,
    pub time: u32,
    pub inputs: u32,
    pub hidden: u32,
}

impl Sizes {
    /// Small ones.
    pub fn small(time: u32) -> Sizes {
        Sizes { batch: 2, time, inputs: 2, hidden: 3 }
    }
}

/// `name[b, t, i] = sum(j: weight[i, j] * from)`, where the guard holds.
fn product(name: &str, weight: &str, from: &str, extent: &str, guard: &str) -> String {
    format!("{name}[b, t, i] = sum(j < {extent}: {guard}{weight}[i, j] * {from})\n")
}

fn hidden(names: &[&str], time: u32) -> String {
    names.iter().map(|name| format!("tensor {name}: [{B}, {time}, {N}]\n")).collect()
}

fn head(time: u32) -> String {
    format!("input x: [{B}, {time}, {D}]\n")
}

/// One layer of the textbook, `h[t] = tanh(U h[t-1] + W x[t])`, with names of its own; `guard` and `at` say what is
/// loaded of it.
fn layer(suffix: &str, time: u32, (input, inputs): (&str, &str), guard: &str, at: &str) -> String {
    let s = suffix;
    let names = [format!("p{s}"), format!("q{s}"), format!("z{s}"), format!("h{s}")];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!("param U{s}: [{N}, {N}]\nparam W{s}: [{N}, {inputs}]\n{}", hidden(&names, time))
        + &product(&format!("p{s}"), &format!("U{s}"), &format!("h{s}[b, {at}, j]"), N, guard)
        + &product(&format!("q{s}"), &format!("W{s}"), &format!("{input}[b, t, j]"), inputs, "")
        + &format!("z{s}[b, t, i] = p{s}[b, t, i] + q{s}[b, t, i]\nh{s}[b, t, i] = tanh(z{s}[b, t, i])\n")
}

fn output(time: u32, from: &str) -> String {
    format!("param V: [2, {N}]\ntensor y: [{B}, {time}, 2]\n") + &product("y", "V", from, N, "")
}

pub fn elman(time: u32) -> String {
    head(time) + &output(time, "h[b, t, j]") + &layer("", time, ("x", D), "if t >= 1 then ", "t - 1")
}

fn reversed(time: u32) -> String {
    let guard = format!("if {time} >= t + 2 then ");
    head(time) + &layer("", time, ("x", D), &guard, "t + 1") + &output(time, "h[b, t, j]")
}

/// With a trained start.
fn started(time: u32) -> String {
    head(time)
        + &format!("param s: [{N}]\ntensor o: [{B}, {time}, {N}]\n")
        + &layer("", time, ("x", D), "", "t").replace("* h[b, t, j]", "* o[b, t, j]")
        + "o[b, t, i] = if t >= 1 then h[b, t - 1, i] else s[i]\n"
        + &output(time, "h[b, t, j]")
}

/// With a start that is a piece of its own, before the first input.
fn pieces(time: u32) -> String {
    let long = time + 1;
    head(time)
        + &format!("param s: [{N}]\ntensor g: [{B}, {long}, {N}]\n")
        + &layer("", time, ("x", D), "", "t").replace("* h[b, t, j]", "* g[b, t, j]")
        + &format!("for b < {B}, i < {N}: g[b, 0, i] = s[i]\n")
        + &format!("for b < {B}, t < {time}, i < {N}: g[b, t + 1, i] = h[b, t, i]\n")
        + &output(time, "g[b, t + 1, j]")
}

fn distance_two(time: u32) -> String {
    head(time) + &layer("", time, ("x", D), "if t >= 2 then ", "t - 2") + &output(time, "h[b, t, j]")
}

/// Reads the last state and the third last.
fn two_lags(time: u32) -> String {
    head(time)
        + &format!("param A: [{N}, {N}]\n{}", hidden(&["a"], time))
        + &layer("", time, ("x", D), "if t >= 1 then ", "t - 1").replace("z[b, t, i] = ", "z[b, t, i] = a[b, t, i] + ")
        + &product("a", "A", "h[b, t - 3, j]", N, "if t >= 3 then ")
        + &output(time, "h[b, t, j]")
}

fn stacked(time: u32) -> String {
    head(time)
        + &layer("", time, ("x", D), "if t >= 1 then ", "t - 1")
        + &layer("2", time, ("h", N), "if t >= 1 then ", "t - 1")
        + &output(time, "h2[b, t, j]")
}

fn both_directions(time: u32) -> String {
    let back = format!("if {time} >= t + 2 then ");
    head(time)
        + &layer("", time, ("x", D), "if t >= 1 then ", "t - 1")
        + &layer("2", time, ("x", D), &back, "t + 1")
        + &hidden(&["m"], time)
        + "m[b, t, i] = h[b, t, i] + h2[b, t, i]\n"
        + &output(time, "m[b, t, j]")
}

/// Each example has its own length: steps behind it keep the state 0.
fn ragged(time: u32) -> String {
    let alive = "len[b] >= t".to_string();
    head(time)
        + &format!("input len: [{B}] of index({time})\n")
        + &layer("", time, ("x", D), "if t >= 1 then ", "t - 1")
            .replace("h[b, t, i] = tanh(z[b, t, i])", &format!("h[b, t, i] = if {alive} then tanh(z[b, t, i])"))
        + &output(time, "h[b, t, j]")
}

/// The same, from the end of each example.
fn ragged_reversed(time: u32) -> String {
    ragged(time)
        .replace("if t >= 1 then ", &format!("if {time} >= t + 2 then "))
        .replace("h[b, t - 1, j]", "h[b, t + 1, j]")
}

/// Gates i f g o in one tensor.
pub fn lstm(time: u32) -> String {
    let gate = |number: u32, function: &str| {
        format!("for b < {B}, t < {time}, i < {N}: a[b, t, {number}, i] = {function}(z[b, t, {number}, i])\n")
    };
    head(time)
        + &format!("param W: [4, {N}, {D}]\nparam U: [4, {N}, {N}]\nparam v: [4, {N}]\n")
        + &["p", "q", "z", "a"].map(|name| format!("tensor {name}: [{B}, {time}, 4, {N}]\n")).concat()
        + &hidden(&["c", "d", "h"], time)
        + &format!("q[b, t, g, i] = sum(k < {D}: W[g, i, k] * x[b, t, k])\n")
        + &format!("p[b, t, g, i] = sum(k < {N}: if t >= 1 then U[g, i, k] * h[b, t - 1, k])\n")
        + "z[b, t, g, i] = q[b, t, g, i] + p[b, t, g, i] + v[g, i]\n"
        + &[gate(0, "sigmoid"), gate(1, "sigmoid"), gate(2, "tanh"), gate(3, "sigmoid")].concat()
        + "c[b, t, i] = if t >= 1 then a[b, t, 1, i] * c[b, t - 1, i] + a[b, t, 0, i] * a[b, t, 2, i] \
           else a[b, t, 0, i] * a[b, t, 2, i]\n"
        + "d[b, t, i] = tanh(c[b, t, i])\nh[b, t, i] = a[b, t, 3, i] * d[b, t, i]\n"
        + &output(time, "h[b, t, j]")
}

fn gru(time: u32) -> String {
    let gate = |s: &str, function: &str, from: &str, guard: &str| {
        let names = [format!("p{s}"), format!("q{s}"), format!("z{s}"), s.to_string()];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("param U{s}: [{N}, {N}]\nparam W{s}: [{N}, {D}]\n{}", hidden(&names, time))
            + &product(&format!("p{s}"), &format!("U{s}"), from, N, guard)
            + &product(&format!("q{s}"), &format!("W{s}"), "x[b, t, j]", D, "")
            + &format!("z{s}[b, t, i] = p{s}[b, t, i] + q{s}[b, t, i]\n{s}[b, t, i] = {function}(z{s}[b, t, i])\n")
    };
    let first = "if t >= 1 then ";
    head(time)
        + &gate("u", "sigmoid", "h[b, t - 1, j]", first)
        + &gate("r", "sigmoid", "h[b, t - 1, j]", first)
        + &gate("n", "tanh", "m[b, t, j]", "")
        + &hidden(&["m", "h"], time)
        + "m[b, t, i] = if t >= 1 then r[b, t, i] * h[b, t - 1, i] else 0\n"
        + "h[b, t, i] = if t >= 1 then (1 - u[b, t, i]) * n[b, t, i] + u[b, t, i] * h[b, t - 1, i] \
           else (1 - u[b, t, i]) * n[b, t, i]\n"
        + &output(time, "h[b, t, j]")
}

/// Needs its neighbours in two axes.
pub fn two_axes(time: u32) -> String {
    format!(
        "input x: [{B}, {time}, 4]\nparam w: [2]\ntensor y: [{B}, {time}, 4]\n{}\
         a[b, i, j] = if i >= 1 then w[0] * y[b, i - 1, j] else 0\n\
         c[b, i, j] = if j >= 1 then w[1] * y[b, i, j - 1] else 0\n\
         z[b, i, j] = a[b, i, j] + c[b, i, j] + x[b, i, j]\ny[b, i, j] = tanh(z[b, i, j])\n",
        ["a", "c", "z"].map(|name| format!("tensor {name}: [{B}, {time}, 4]\n")).concat()
    )
}

/// Declarations first, sizes as numbers.
fn sorted(text: &str, sizes: Sizes) -> String {
    let numbers = [(B, sizes.batch), (D, sizes.inputs), (N, sizes.hidden)];
    let text = &numbers.iter().fold(text.to_string(), |text, (word, n)| text.replace(word, &n.to_string()));
    let declares = |line: &&str| ["input ", "param ", "tensor "].iter().any(|word| line.starts_with(word));
    let (heads, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(declares);
    [heads, rest].concat().join("\n")
}

/// Every form.
pub fn texts(sizes: Sizes) -> Vec<(&'static str, String)> {
    let time = sizes.time;
    let texts = [
        ("elman", elman(time)),
        ("elman, reversed", reversed(time)),
        ("elman, h0 trained", started(time)),
        ("elman, start as a piece", pieces(time)),
        ("distance 2", distance_two(time)),
        ("lags 1 and 3", two_lags(time)),
        ("two layers", stacked(time)),
        ("both directions", both_directions(time)),
        ("ragged", ragged(time)),
        ("ragged, reversed", ragged_reversed(time)),
        ("lstm", lstm(time)),
        ("gru", gru(time)),
        ("two axes", two_axes(time)),
    ];
    texts.into_iter().map(|(name, text)| (name, sorted(&text, sizes))).collect()
}

/// The same as cases.
pub fn forms(time: u32) -> Vec<Case> {
    texts(Sizes::small(time)).into_iter().map(|(name, text)| Case::new(format!("{name}, {time} steps"), text)).collect()
}
