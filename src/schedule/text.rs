//! A schedule as lines: one for each step, with the equations of a group and the tile of a contraction below it.
//!
//! ```text
//! 0: clear dw
//! 1: z1
//!      z1[n, o, i] = sum(k < 784: x[n, k, i] * w[o, k])
//!      tile i x 2 vectors, o x 6, loops o* n, inside k
//! ```
//! A star marks a loop whose turns are parts.

use super::tile::Tile;
use super::{Group, Member, Schedule, Step, turns};
use crate::graph::text;
use crate::graph::{Affine, Equation, Graph};
use std::fmt::Write;

/// All steps.
pub fn print(schedule: &Schedule) -> String {
    let mut graph = schedule.graph.clone();
    let mut out = String::new();
    for (at, step) in schedule.steps.iter().enumerate() {
        print_step(&mut out, &mut graph, &format!("{at}: "), step);
    }
    out
}

/// A step behind its number; those of a loop have none, and stand further in.
fn print_step(out: &mut String, graph: &mut Graph, number: &str, step: &Step) {
    match step {
        Step::Fill(tensor) => line(out, format!("{number}clear {}", graph.tensors[*tensor].name)),
        Step::Group(group) => print_group(out, graph, number, group),
        Step::Loop { name, trip, body } => {
            line(out, format!("{number}loop {name}, {trip} turns"));
            let mut inner = String::new();
            body.iter().for_each(|step| print_step(&mut inner, graph, "", step));
            inner.lines().for_each(|text| line(out, format!("   {text}")));
        }
    }
}

/// A step in a few words: the tile of a contraction, or how many equations a pass computes.
pub fn brief(step: &Step) -> String {
    match step {
        Step::Fill(_) => "clear".to_string(),
        Step::Loop { trip, .. } => format!("{trip} turns"),
        Step::Group(group) => match (&group.tile, group.members.len()) {
            (Some(tile), 1) => describe(group, tile),
            (Some(tile), n) => format!("{}, {} maps behind", describe(group, tile), n - 1),
            (None, 1) => "pass".to_string(),
            (None, n) => format!("pass of {n} equations"),
        },
    }
}

fn line(out: &mut String, text: String) {
    writeln!(out, "{text}").expect("a string takes all");
}

fn print_group(out: &mut String, graph: &mut Graph, number: &str, group: &Group) {
    line(out, format!("{number}{}", group.name));
    for member in &group.members {
        let kept = if member.stored { "" } else { "  (not stored)" };
        let equation = equation(graph, group, member);
        line(out, format!("     {}{kept}", text::equation(graph, &equation)));
    }
    if let Some(tile) = &group.tile {
        line(out, format!("     {}", describe(group, tile)));
    }
}

/// A member as an equation of its own: the turns, the band's axes, its wide ones, its reduced ones.
fn equation(graph: &mut Graph, group: &Group, member: &Member) -> Equation {
    let turns = turns::of(&group.axes);
    let n_out = turns.len() + group.band + member.wide.len();
    let own = member.wide.iter().chain(&member.reduced).copied();
    let order: Vec<usize> = turns.into_iter().chain(0..group.band).chain(own).collect();
    let mut map = vec![Affine::default(); group.axes.len()];
    order.iter().enumerate().for_each(|(new, &old)| map[old] = Affine::axis(new));
    Equation {
        out: member.out,
        axes: order.iter().map(|&a| group.axes[a].clone()).collect(),
        n_out,
        combine: member.combine,
        write: member.write.iter().map(|f| f.substitute(&map)).collect(),
        guards: member.guards.iter().map(|g| g.substitute(&map)).collect(),
        body: graph.exprs.substitute(member.body, &map),
        origin: graph.tensors[member.out].origin,
    }
}

fn describe(group: &Group, tile: &Tile) -> String {
    let name = |a: usize| group.axes[a].hint.to_string();
    let names = |axes: &[usize]| axes.iter().map(|&a| name(a)).collect::<Vec<_>>().join(" ");
    let held = match tile.held {
        (axis, n) if axis == tile.lane => format!("{} x {n} vectors", name(axis)),
        (axis, n) => format!("{} in vectors, {} x {n}", name(tile.lane), name(axis)),
    };
    let stream = tile.stream.map_or(String::new(), |(axis, n)| format!(", {} x {n}", name(axis)));
    let loops =
        tile.order.iter().enumerate().map(|(i, &a)| format!("{}{}", name(a), if i < tile.parts { "*" } else { "" }));
    let loops: Vec<String> = loops.collect();
    let mut text = format!("tile {held}{stream}, loops {}", loops.join(" "));
    for (title, axes) in [("blocks", &tile.blocks), ("tested", &tile.taps), ("inside", &tile.inner)] {
        if !axes.is_empty() {
            write!(text, ", {title} {}", names(axes)).expect("a string takes all");
        }
    }
    text
}
