//! Back-propagation through time is back-propagation on the unrolled net: values and gradients of both, in f64.

use super::harness::{Random, bent_loss, find, given, smooth, values};
use super::recurrent::{self, Sizes};
use brolga::compile::optimise;
use brolga::grad::differentiate;
use brolga::graph::check::check;
use brolga::graph::recurrence::{Component, components};
use brolga::graph::text::{print, read};
use brolga::graph::unroll::unroll;
use brolga::graph::{Graph, TensorId};

/// The loss and its gradients become outputs.
pub fn with_gradients(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let wrt = smooth(&graph);
    let y = find(&graph, "y");
    let loss = bent_loss(&mut graph, y);
    let gradients = differentiate(&mut graph, loss, &wrt);
    graph.outputs = vec![("loss".into(), loss)];
    graph.outputs.extend(gradients.into_iter().map(|gradient| (graph.tensors[gradient].name.clone(), gradient)));
    check(&graph).unwrap_or_else(|error| panic!("{error}\n{}", print(&graph)));
    graph
}

fn is_loop(graph: &Graph) -> bool {
    components(graph).unwrap().iter().any(|component| matches!(component, Component::Many(_)))
}

/// The largest difference of the outputs, in parts of the largest value of each.
fn distance(a: &Graph, b: &Graph, seed: u64) -> f64 {
    let run = |graph: &Graph| values(graph, &given(graph, &mut Random(seed))).unwrap();
    let (left, right) = (run(a), run(b));
    let pairs = a.outputs.iter().zip(&b.outputs).map(|(x, y): (&(_, TensorId), &(_, TensorId))| (x.1, y.1));
    pairs
        .map(|(x, y)| {
            let scale = left[&x].iter().fold(1e-3, |scale: f64, value| scale.max(value.abs()));
            let far = |(x, y): (&f64, &f64)| if (x - y).is_nan() { f64::INFINITY } else { (x - y).abs() / scale };
            left[&x].iter().zip(&right[&y]).map(far).fold(0.0, f64::max)
        })
        .fold(0.0, f64::max)
}

#[test]
fn gradients_of_loops_are_those_of_copies() {
    for time in [1, 2, 7, 33] {
        for (name, text) in recurrent::texts(Sizes::small(time)) {
            let graph = read(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            let copies = unroll(&graph).unwrap();
            assert!(!is_loop(&copies), "{name}, {time} steps");
            let (looped, copies) = (with_gradients(&graph), with_gradients(&copies));
            for rewritten in [looped.clone(), optimise(&looped)] {
                let far = distance(&copies, &rewritten, 3);
                assert!(far <= 1e-12, "{name}, {time} steps: {far:e}\n{}", print(&rewritten));
            }
            assert!(time < 3 || is_loop(&optimise(&looped)), "{name}: the loop is gone");
        }
    }
}
