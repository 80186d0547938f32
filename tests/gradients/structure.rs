//! What gradients look like: which equations, which guards, how many points.

use super::cases::Conv;
use super::harness::{bent_loss, find, smooth};
use brolga::grad::{differentiate, solve_equalities};
use brolga::graph::affine::elements;
use brolga::graph::text::{equation, read};
use brolga::graph::{Combine, Equation, Graph, Rel, TensorId};

/// The graph with gradients of a bent loss of `y`, and those gradients.
fn differentiated(text: &str) -> Graph {
    let mut graph = read(text).unwrap();
    let y = find(&graph, "y");
    let wrt = smooth(&graph);
    let loss = bent_loss(&mut graph, y);
    differentiate(&mut graph, loss, &wrt);
    graph
}

fn pieces<'a>(graph: &'a Graph, name: &str) -> &'a [Equation] {
    &graph.defs[&find(graph, name)].pieces
}

fn texts(graph: &Graph, name: &str) -> Vec<String> {
    pieces(graph, name).iter().map(|piece| equation(graph, piece)).collect()
}

/// The points of the reduced boxes.
fn taps(graph: &Graph, name: &str) -> Vec<u32> {
    let taps = |piece: &Equation| piece.axes[piece.n_out..].iter().map(|axis| axis.extent).product();
    pieces(graph, name).iter().map(taps).collect()
}

/// Elements that some piece writes, if no guard is on output axes alone.
fn written(graph: &Graph, name: &str) -> usize {
    let points =
        |piece: &Equation| piece.axes[..piece.n_out].iter().map(|axis| axis.extent as usize).product::<usize>();
    pieces(graph, name).iter().map(points).sum()
}

fn size(graph: &Graph, name: &str) -> usize {
    elements(&graph.tensors[find(graph, name)].shape)
}

fn has_equality(piece: &Equation) -> bool {
    piece.guards.iter().any(|guard| guard.rel == Rel::Eq)
}

const PLAIN: Conv = Conv { groups: 1, size: [6, 5], kernel: [3, 3], stride: 1, pad: 1, dilation: 1 };

#[test]
fn a_convolution_is_gathered_from_by_one_contraction_under_a_halo() {
    let graph = differentiated(&PLAIN.text());
    assert_eq!(
        texts(&graph, "d_x"),
        ["d_x[n, c, i, j] = sum(o < 2, u < 3, v < 3: if u + 4 >= i and i + 1 >= u and v + 3 >= j and j + 1 >= v then \
          d_y[n, o, i + 1 - u, j + 1 - v] * w[o, c, u, v])"]
    );
    assert_eq!(
        texts(&graph, "d_w"),
        ["d_w[o, c, u, v] = sum(n < 2, i < 6, j < 5: if 6 >= u + i and u + i >= 1 and 5 >= v + j and v + j >= 1 then \
          d_y[n, o, i, j] * x[n, c, u + i - 1, v + j - 1])"]
    );
}

#[test]
fn a_stride_of_2_gives_4_pieces_that_cover_exactly() {
    let graph = differentiated(&Conv { size: [8, 8], stride: 2, ..PLAIN }.text());
    assert_eq!(taps(&graph, "d_x"), [2 * 4, 2 * 2, 2 * 2, 2]);
    assert_eq!(written(&graph, "d_x"), size(&graph, "d_x"));
    assert_eq!(
        texts(&graph, "d_x")[0],
        "for n < 2, c < 2, i < 4, j < 4: d_x[n, c, 2*i + 1, 2*j + 1] = sum(o < 2, u < 2, v < 2: if u + 2 >= i and \
         v + 2 >= j then d_y[n, o, i + 1 - u, j + 1 - v] * w[o, c, 2*u, 2*v])"
    );
    assert_eq!(taps(&graph, "d_w"), [2 * 4 * 4]);
}

#[test]
fn a_window_of_1_with_stride_2_writes_a_quarter() {
    let graph = differentiated(&Conv { size: [8, 8], kernel: [1, 1], stride: 2, pad: 0, ..PLAIN }.text());
    assert_eq!(written(&graph, "d_x") * 4, size(&graph, "d_x"));
    assert_eq!(taps(&graph, "d_x"), [2]);
}

/// Windows side by side under a padding: the first row is written by one piece from 1 on, the second by one from 0.
#[test]
fn what_is_written_stays_inside_without_guards() {
    let graph = differentiated(&Conv { size: [8, 8], kernel: [2, 2], stride: 2, ..PLAIN }.text());
    assert_eq!(
        texts(&graph, "d_x")[0],
        "for n < 2, c < 2, i < 4, j < 4: d_x[n, c, 2*i + 1, 2*j + 1] = sum(o < 2: d_y[n, o, i + 1, j + 1] * w[o, c, 0, 0])"
    );
    assert_eq!(written(&graph, "d_x"), size(&graph, "d_x"));
    let text = "param x: [5]\nparam w: [7, 3]\ntensor y: [3]\ny[j] = sum(i < 7: if i - j >= 1 and 4 >= i - j and \
        5 >= i then x[i - 1] * w[i, j])";
    assert_eq!(pieces(&differentiated(text), "d_x")[0].axes[0].extent, 5);
}

#[test]
fn only_the_phases_that_dilation_leaves_are_made() {
    let graph = differentiated(&Conv { size: [16, 16], stride: 4, dilation: 2, ..PLAIN }.text());
    assert_eq!(pieces(&graph, "d_x").len(), 4);
}

#[test]
fn pooling_without_overlap_is_a_map_backwards() {
    let text = "param x: [2, 8, 8]\ntensor y: [2, 4, 4]\ny[c, i, j] = max(u < 2, v < 2: x[c, 2*i + u, 2*j + v])";
    let graph = differentiated(text);
    assert_eq!(
        texts(&graph, "d_x"),
        ["for c < 2, i < 4, u < 2, j < 4, v < 2: d_x[c, 2*i + u, 2*j + v] = if 2*u + v == argmax_y[c, i, j] then \
          d_y[c, i, j]"]
    );
    assert_eq!(written(&graph, "d_x"), size(&graph, "d_x"));
}

#[test]
fn pooling_with_overlap_is_3_windows_and_a_map_backwards() {
    let text = "param x: [2, 8, 8]
        tensor y: [2, 4, 4]
        y[c, i, j] = max(u < 3, v < 3: if 2*i + u >= 1 and 2*j + v >= 1 then x[c, 2*i + u - 1, 2*j + v - 1])";
    let graph = differentiated(text);
    let combines: Vec<Combine> = pieces(&graph, "d_x").iter().map(|piece| piece.combine).collect();
    assert_eq!(combines, [Combine::Sum, Combine::Sum, Combine::Sum, Combine::None]);
    assert_eq!(written(&graph, "d_x"), size(&graph, "d_x"));
}

#[test]
fn a_transposed_convolution_has_one_contraction_for_its_weights_and_4_for_its_output() {
    let conv = Conv { size: [8, 6], kernel: [4, 4], stride: 2, ..PLAIN };
    let mut graph = differentiated(&conv.transposed());
    assert_eq!(taps(&graph, "d_w"), [2 * 4 * 3]);
    assert_eq!(taps(&graph, "d_x"), [3 * 4 * 4]);
    assert!(!pieces(&graph, "d_w").iter().chain(pieces(&graph, "d_x")).any(has_equality));
    solve_equalities(&mut graph);
    assert_eq!(taps(&graph, "y"), [2 * 2 * 2; 4]);
    assert_eq!(written(&graph, "y"), size(&graph, "y"));
    assert!(!pieces(&graph, "y").iter().any(has_equality));
}

#[test]
fn uses_of_different_parts_are_pieces_without_a_sum() {
    let text = "param x: [2, 12]
        tensor y: [2, 3]
        y[n, i] = x[n, i] * x[n, i + 3] * x[n, i + 6] * x[n, i + 9]";
    let graph = differentiated(text);
    assert_eq!(pieces(&graph, "d_x").len(), 4);
    assert!(parts(&graph).is_empty());
}

#[test]
fn parts_told_apart_by_conditions_are_pieces() {
    let text = "param x: [7]\nparam z: [7]\ntensor y: [7]\ny[i] = if i >= 3 then x[i - 3] * z[i] else x[i + 4] * z[i]";
    let graph = differentiated(text);
    assert_eq!(pieces(&graph, "d_x").len(), 2);
    assert!(parts(&graph).is_empty());
}

#[test]
fn overlapping_uses_are_summed_and_maps_take_part_as_they_are() {
    let text = "param x: [2, 4]
        param w: [4, 4]
        tensor z: [2, 4]
        tensor y: [2, 4]
        z[n, o] = sum(k < 4: x[n, k] * w[o, k])
        y[n, o] = x[n, o] + z[n, o]";
    let graph = differentiated(text);
    assert_eq!(texts(&graph, "d_x"), ["d_x[i0, i1] = d_y[i0, i1] + part_d_x[i0, i1]"]);
    assert_eq!(parts(&graph).len(), 1);
}

fn parts(graph: &Graph) -> Vec<TensorId> {
    let parts = graph.tensors.iter().filter(|(_, tensor)| tensor.name.starts_with("part_"));
    parts.map(|(id, _)| id).collect()
}

#[test]
fn the_fallback_is_left_to_what_no_pivot_solves() {
    for (read, equality) in
        [("4*i + 3*j + 2*k", false), ("6*i + 10*j + 15*k", false), ("8*i + 12*j + 18*k + 27*l", true)]
    {
        let text = format!(
            "param x: [400]\nparam w: [5, 5, 5, 5]\ntensor y: [5, 5, 5, 5]\ny[i, j, k, l] = x[{read}] * w[i, j, k, l]"
        );
        let graph = differentiated(&text);
        assert_eq!(pieces(&graph, "d_x").iter().any(has_equality), equality, "{read}");
    }
}

#[test]
fn a_look_up_adds_to_rows_by_a_pinned_axis() {
    let text = "param table: [5, 3]
        input text: [2, 6] of index(5)
        tensor y: [2, 6, 3]
        y[n, t, e] = sum(w < 5: if w == text[n, t] then table[w, e])";
    assert_eq!(
        texts(&differentiated(text), "d_table"),
        ["d_table[w, e] = sum(n < 2, t < 6: if w == text[n, t] then d_y[n, t, e])"]
    );
}

#[test]
fn groups_told_by_guards_become_axes() {
    let conv = Conv { groups: 2, size: [8, 8], ..PLAIN };
    let mut graph = differentiated(&conv.text_with_guarded_groups());
    solve_equalities(&mut graph);
    assert_eq!(
        texts(&graph, "y"),
        ["for n < 2, q < 2, o < 2, i < 8, j < 8: y[n, 2*q + o, i, j] = sum(c < 2, u < 3, v < 3: if 8 >= i + u and \
          i + u >= 1 and 8 >= j + v and j + v >= 1 then x[n, 2*q + c, i + u - 1, j + v - 1] * w[2*q + o, c, u, v])"]
    );
    assert_eq!(taps(&graph, "d_x"), [2 * 9]);
    assert_eq!(taps(&graph, "d_w"), [2 * 8 * 8]);
}

#[test]
fn a_depthwise_convolution_sums_over_its_window_alone() {
    let conv = Conv { groups: 3, size: [8, 8], ..PLAIN };
    let mut graph = differentiated(&conv.text_with_guarded_groups());
    solve_equalities(&mut graph);
    assert_eq!(taps(&graph, "y"), [9]);
    assert_eq!(taps(&graph, "d_x"), [9]);
    assert_eq!(taps(&graph, "d_w"), [2 * 8 * 8]);
}
