//! What the cases share: values for every tensor that is given, and comparisons.

use brolga::graph::check::check;
use brolga::graph::interp::run;
use brolga::graph::text::{print, read};
use brolga::graph::{Dtype, Graph, Kind, TensorId};
use indexmap::IndexMap;

/// Numbers between -1 and 1, or whole ones in range, the same each time.
pub fn given(graph: &Graph, seed: u64) -> IndexMap<TensorId, Vec<f64>> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut values = IndexMap::new();
    for (id, tensor) in graph.tensors.iter() {
        let size: u32 = tensor.shape.iter().product();
        if !matches!(tensor.kind, Kind::Defined | Kind::Const(_)) {
            let mut number = || match tensor.dtype {
                Dtype::Real => 2.0 * next() - 1.0,
                Dtype::Index(n) => (next() * f64::from(n)).floor(),
            };
            values.insert(id, (0..size).map(|_| number()).collect());
        }
    }
    values
}

/// The text as a graph that holds its invariants.
pub fn graph(text: &str) -> Graph {
    let graph = read(text).unwrap();
    check(&graph).unwrap();
    graph
}

/// The values of the outputs and updates.
pub fn results(graph: &Graph, seed: u64) -> Vec<Vec<f64>> {
    let values = run(graph, &given(graph, seed)).unwrap_or_else(|error| panic!("{error}\n{}", lines(graph).join("\n")));
    let wanted = graph.outputs.iter().map(|output| output.1).chain(graph.updates.iter().map(|update| update.1));
    wanted.map(|tensor| values[&tensor].clone()).collect()
}

/// Checks both, and that outputs agree to rounding, for a few seeds.
pub fn same(before: &Graph, after: &Graph) {
    check(after).unwrap_or_else(|error| panic!("{error}\n{}", lines(after).join("\n")));
    for seed in 1..4 {
        for (a, b) in results(before, seed).iter().flatten().zip(results(after, seed).iter().flatten()) {
            let close = a == b || (a - b).abs() <= 1e-11 * (1.0 + a.abs()) || a.is_nan() && b.is_nan();
            assert!(close, "{a} became {b}\n{}\n\n{}", lines(before).join("\n"), lines(after).join("\n"));
        }
    }
}

/// The lines of a graph's definitions.
pub fn lines(graph: &Graph) -> Vec<String> {
    let text = print(graph);
    let heads = ["input ", "param ", "state ", "const ", "noise ", "host ", "tensor ", "output ", "update "];
    text.lines().filter(|line| !heads.iter().any(|head| line.starts_with(head))).map(str::to_string).collect()
}

/// Whether a definition reads so.
pub fn has(graph: &Graph, line: &str) {
    assert!(lines(graph).iter().any(|l| l == line), "no `{line}` in\n{}", lines(graph).join("\n"));
}
