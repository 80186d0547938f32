//! N10: an axis cut into blocks by guards becomes two axes, in the sum and in its gradients.

use super::help::{graph, lines, same};
use brolga::grad::{differentiate, solve_equalities};
use brolga::graph::normal::normalise_all;

const GROUPED: &str = "input x: [2, 6, 5]\nparam w: [4, 3, 3]\ntensor y: [2, 4, 3]\ntensor l: []\n\
    y[b, o, i] = sum(g < 2, c < 3, u < 3: if o - 2*g >= 0 and 2*g - o + 1 >= 0 then x[b, 3*g + c, i + u] * w[o, c, u])\n\
    l = sum(b < 2, o < 4, i < 3: y[b, o, i] * y[b, o, i])\noutput l = l\n";

#[test]
fn a_group_reads_its_own_channels_only() {
    let before = graph(GROUPED);
    let mut after = before.clone();
    normalise_all(&mut after);
    same(&before, &after);
    let text = lines(&after).join("\n");
    assert!(!text.contains(">= 0"), "a guard is left:\n{text}");
    assert_eq!(after.defs[0].pieces[0].axes.len(), 6, "{text}");
}

#[test]
fn its_gradients_have_no_guard_either() {
    let mut before = graph(GROUPED);
    let find = |name: &str| before.tensors.iter().find(|(_, t)| &*t.name == name).unwrap().0;
    let wrt = [find("w"), find("x")];
    let loss = before.outputs[0].1;
    for (at, gradient) in differentiate(&mut before, loss, &wrt).into_iter().enumerate() {
        before.outputs.push((format!("gradient {at}").as_str().into(), gradient));
    }
    let mut after = before.clone();
    normalise_all(&mut after);
    solve_equalities(&mut after);
    same(&before, &after);
    // The guards of a halo may stay, those of a group not.
    let guards =
        |line: &str| line.split_once("if ").and_then(|(_, rest)| Some(rest.split_once(" then")?.0.to_string()));
    let cut: Vec<String> = lines(&after).iter().filter_map(|line| guards(line)).filter(|g| g.contains('g')).collect();
    assert!(cut.is_empty(), "{}", cut.join("\n"));
}
