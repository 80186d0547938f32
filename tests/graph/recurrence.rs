//! Tensors that define each other: how they are ordered, what is wrong with them, and what stays outside of loops.

use crate::gradients::recurrent::{Sizes, texts};
use crate::gradients::unrolled::with_gradients;
use brolga::compile::optimise;
use brolga::graph::order;
use brolga::graph::recurrence::{Component, Fault, Recurrence, components};
use brolga::graph::text::{print, read, recurrences};
use brolga::graph::{Combine, Graph, TensorId};

const HEAD: &str = "input x: [2, 5]\nparam w: []\ntensor h: [2, 5]\ntensor z: [2, 5]\n";

fn told(body: &str) -> String {
    recurrences(&read(&format!("{HEAD}{body}")).unwrap())
}

fn fault(body: &str) -> (String, Fault) {
    let graph = read(&format!("{HEAD}{body}")).unwrap();
    let fault = components(&graph).unwrap_err();
    (fault.text(&graph), fault)
}

#[test]
fn distances_tell_the_way() {
    let forwards = "h[b, t] = z[b, t] + w\nz[b, t] = if t >= 1 then h[b, t - 1] else x[b, t]";
    assert_eq!(told(forwards), "# forwards over t: h, z\n");
    let backwards = "h[b, t] = z[b, t] + w\nz[b, t] = if 3 >= t then h[b, t + 1] else x[b, t]";
    assert_eq!(told(backwards), "# backwards over t: h, z\n");
    let other_axis = "h[b, t] = z[b, t] + w\nz[b, t] = if b >= 1 then h[b - 1, t] else x[b, t]";
    assert_eq!(told(other_axis), "# forwards over b: h, z\n");
    let both_axes = "h[b, t] = if b >= 1 then h[b - 1, t] + z[b, t] else z[b, t]\n\
        z[b, t] = if t >= 1 then h[b, t - 1] else x[b, t]";
    assert_eq!(told(both_axes), "# forwards over b: h, z\n#   forwards over t: h, z\n");
    assert_eq!(told("h[b, t] = x[b, t]\nz[b, t] = if t >= 1 then h[b, t - 1] else 0"), "");
}

#[test]
fn a_start_is_a_piece_or_a_branch() {
    let pieces = "for b < 2: h[b, 0] = x[b, 0]\nfor b < 2, t < 4: h[b, t + 1] = h[b, t] * w";
    assert_eq!(told(pieces), "# forwards over t: h\n");
    // Single times alone tell enough.
    let single = "for b < 2: h[b, 0] = x[b, 0]\nfor b < 2: h[b, 1] = z[b, 0] * w\nfor b < 2: z[b, 0] = h[b, 0] + w";
    assert_eq!(told(single), "# forwards over t: h, z\n");
}

#[test]
fn what_cannot_be_computed_is_told() {
    let (text, at_once) = fault("h[b, t] = z[b, t] + w\nz[b, t] = h[b, t] * x[b, t]");
    assert_eq!(text, "a cycle of definitions: h reads z and again h");
    let Fault::AtOnce(circle) = at_once else { panic!("another fault") };
    assert_eq!(circle.len(), 2);
    assert!(circle.iter().zip(circle.iter().cycle().skip(1)).all(|(a, b)| a.load.tensor == b.reader));
    // The circle at one time, not the one that goes back in time.
    let (text, _) = fault("h[b, t] = z[b, t]\nz[b, t] = if t >= 1 then h[b, t - 1] + z[b, t] else x[b, t]");
    assert_eq!(text, "a cycle of definitions: z and again z");
    let (text, both) =
        fault("h[b, t] = if t >= 1 then h[b, t - 1] else z[b, t]\nz[b, t] = if 3 >= t then h[b, t + 1] else 0");
    assert_eq!(text, "h reads h at distance -1, z reads h at distance 1");
    assert!(matches!(both, Fault::BothWays([(_, -1), (_, 1)])));
    let (text, _) = fault("tensor g: [5]\ng[t] = if t >= 1 then g[0] else w");
    assert_eq!(text, "g reads g at no constant distance");
    let (text, _) = fault("tensor g: [5]\ng[t] = sum(k < 5: if t >= k + 1 then g[k])");
    assert_eq!(text, "g reads g at no constant distance");
    // Along b nothing moves, so an element needs itself as far as one can tell.
    let (text, _) = fault("h[b, t] = z[b, t] + w\nz[b, t] = sum(k < 5: if t >= k + 1 then h[b, k])");
    assert_eq!(text, "a cycle of definitions: h reads z and again h");
}

/// The recurrences of a graph.
fn loops(graph: &Graph) -> Vec<Recurrence> {
    let of = |component| match component {
        Component::One(_) => None,
        Component::Many(recurrence) => Some(recurrence),
    };
    components(graph).unwrap().into_iter().filter_map(of).collect()
}

#[test]
fn nothing_is_in_a_loop_that_need_not_be_there() {
    // Of each net the sums over a hidden state in its loops, forwards and backwards: one a weight of the state.
    let sums = [
        ("elman", 1, 1),
        ("elman, reversed", 1, 1),
        ("elman, h0 trained", 1, 1),
        ("elman, start as a piece", 1, 1),
        ("distance 2", 1, 1),
        ("lags 1 and 3", 2, 2),
        ("two layers", 2, 2),
        ("both directions", 2, 2),
        ("ragged", 1, 1),
        ("ragged, reversed", 1, 1),
        ("lstm", 1, 1),
        ("gru", 3, 3),
        ("two axes", 0, 0),
    ];
    for ((name, text), (same, forwards, backwards)) in texts(Sizes::small(6)).into_iter().zip(sums) {
        assert_eq!(name, same);
        let graph = optimise(&with_gradients(&read(&text).unwrap()));
        let loops = loops(&graph);
        let is_gradient = |r: &Recurrence| r.time.keys().any(|t| graph.tensors[*t].name.starts_with("d_"));
        let inside = |gradient: bool| {
            let members = loops.iter().filter(|r| is_gradient(r) == gradient).flat_map(|r| r.time.keys());
            let sums = |t: &&TensorId| graph.defs[*t].pieces.iter().any(|p| p.combine == Combine::Sum);
            members.filter(sums).count()
        };
        let found = (inside(false), inside(true));
        assert_eq!(found, (forwards, backwards), "{name}\n{}{}", print(&graph), recurrences(&graph));
        let members: Vec<TensorId> = loops.iter().flat_map(|r| r.time.keys().copied()).collect();
        let results = graph.outputs.iter().filter(|(name, _)| &**name != "d_x").map(|output| output.1);
        assert!(results.clone().all(|t| !members.contains(&t)), "{name}\n{}", print(&graph));
        assert_eq!(order::order(&graph).len(), graph.defs.len());
    }
}
