//! What memory costs a tile: the bytes that come into each cache, by the loops around it.
//!
//! A cache keeps what the innermost loops touch, as many loops as fit; what lies outside brings it in again. Caches and
//! rates are those of a present desktop core, deliberately round: they rank, they do not promise.

use super::space::Linear;
use super::tile::{Shape, Tile};
use smallvec::SmallVec;

/// Bytes that a cache keeps for a tile, those of a line, and bytes a cycle that come into it.
struct Cache {
    keeps: f64,
    line: u64,
    rate: f64,
}

/// The first cache, the second, and the table of pages, whose lines are whole pages.
const CACHES: [Cache; 3] = [
    Cache { keeps: 28.0 * 1024.0, line: 64, rate: 24.0 },
    Cache { keeps: 700.0 * 1024.0, line: 64, rate: 6.0 },
    Cache { keeps: 60.0 * 4096.0, line: 4096, rate: 4096.0 / 6.0 },
];

/// A loop around the tile, outermost first.
struct Turn {
    axis: usize,
    trips: f64,
}

/// Cycles that the slowest cache takes.
pub fn memory(shape: &Shape, tile: &Tile) -> f64 {
    let blocks = tile.blocks.iter().map(|&axis| Turn { axis, trips: f64::from(shape.extents[axis]) });
    let order = tile.order.iter().map(|&axis| Turn { axis, trips: f64::from(shape.tiles(tile, axis)) });
    let parts = tile.parts;
    let mut turns: Vec<Turn> = order.collect();
    let blocks: Vec<Turn> = blocks.collect();
    turns.splice(parts..parts, blocks);
    turns.retain(|t| t.trips > 1.0);
    let written = 2.0 * (shape.around as f64 / (4.0 * volume(shape, &shape.out)).max(1.0)).max(1.0);
    let operands = [(&shape.a, 1.0), (&shape.b, 1.0), (&shape.out, written)];
    CACHES.iter().map(|cache| traffic(shape, tile, &turns, &operands, cache) / cache.rate).fold(0.0, f64::max)
}

/// Elements that an operand has within the box.
fn volume(shape: &Shape, operand: &Linear) -> f64 {
    let moving = (0..shape.extents.len()).filter(|&a| operand.coefficients[a] != 0);
    moving.map(|a| f64::from(shape.extents[a])).product()
}

/// Bytes that come into a cache.
fn traffic(shape: &Shape, tile: &Tile, turns: &[Turn], operands: &[(&Linear, f64)], cache: &Cache) -> f64 {
    let touched = |operand: &Linear, from: usize| bytes(shape, tile, operand, &turns[from..], cache.line);
    let all = |from: usize| operands.iter().map(|(o, times)| times * touched(o, from)).sum::<f64>();
    let kept = (0..=turns.len()).find(|&from| all(from) <= cache.keeps);
    let from = kept.unwrap_or(turns.len());
    let each = |(operand, times): &(&Linear, f64)| {
        let mut again: f64 = turns[..from].iter().map(|t| t.trips).product();
        // What the loop just outside does not move is still there, if it fits at all.
        if let (Some(turn), Some(_)) = (from.checked_sub(1).map(|at| &turns[at]), kept)
            && operand.coefficients[turn.axis] == 0
        {
            again /= turn.trips;
        }
        times * again * touched(operand, from)
    };
    operands.iter().map(each).sum()
}

/// Bytes of the lines that an operand touches while these loops run.
fn bytes(shape: &Shape, tile: &Tile, operand: &Linear, turns: &[Turn], line: u64) -> f64 {
    // Axes with one stride overlap: together they reach as far as their steps.
    let mut strides: SmallVec<[(u64, u64); 8]> = SmallVec::new();
    for (axis, &c) in operand.coefficients.iter().enumerate().filter(|c| *c.1 != 0) {
        let whole = turns.iter().any(|t| t.axis == axis) || tile.taps.contains(&axis);
        let span = if whole { shape.extents[axis] } else { shape.span(tile, axis) };
        let steps = u64::from(span.saturating_sub(1));
        match strides.iter_mut().find(|s| s.0 == c.unsigned_abs()) {
            Some(known) => known.1 += steps,
            None => strides.push((c.unsigned_abs(), steps)),
        }
    }
    strides.sort_unstable();
    let (mut run, mut rows) = (1u64, 1f64);
    for (stride, steps) in strides.into_iter().filter(|s| s.1 > 0) {
        if rows == 1.0 && (stride <= run || 8 * stride < line) {
            run += stride * steps;
        } else {
            rows *= (steps + 1) as f64;
        }
    }
    // A run that is no multiple of a line straddles one more, as often as not.
    let width = line / 4;
    let lines = if run.is_multiple_of(width) { run / width } else { (run + width / 2 - 1) / width + 1 };
    rows * (line * lines) as f64
}
