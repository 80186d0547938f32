//! How a contraction is computed: which axis lies in the lanes, what one register tile holds, what is looped in which
//! order.
//!
//! Candidates are enumerated over the loops' own box and ranked by a model of one core: two multiply-adds, not quite two
//! loads and some four instructions a cycle, four cycles from one sum to the next (fitted to the table in `codegen::clif`). **Invariants**: sums, what is held and three
//! more fit the registers; no guard is tested inside the tile; the order of the reduced axes depends on shapes alone.

use super::Group;
use super::classes::{Contraction, root_contraction};
use super::merge::Space;
use super::space::{Linear, Range, Seen, coefficient, elements, flatten, interval, visit_member};
use crate::graph::{Affine, Graph, TensorId};
use crate::target::Target;
use indexmap::IndexSet;

/// A schedule of one contraction. Axes are those of the root equation.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// The axis in the lanes; where it is a reduced one, lanes are summed at the end.
    pub lane: usize,
    /// An output axis, or the lanes' own, and how many of its points, or vectors, a tile has: what stays loaded.
    pub held: (usize, u32),
    /// Another output axis and how many of its points a tile has; what is loaded for one of them is used at once.
    pub stream: Option<(usize, u32)>,
    /// Reduced axes around the others, outermost first: their sums pass through memory.
    pub blocks: Vec<usize>,
    /// Reduced axes just around a tile whose guards are tested there: their sums pass through memory.
    pub taps: Vec<usize>,
    /// Output axes from the outside, with those of the tile at the places where its tiles are walked.
    pub order: Vec<usize>,
    /// Reduced axes inside the tile, outermost first; the lanes' own, if reduced, is the innermost.
    pub inner: Vec<usize>,
    /// How many of `order`, from the outside, are parts.
    pub parts: usize,
    /// Cycles, by the model.
    pub cost: f64,
}

/// What the choice looks at.
pub struct Shape<'a> {
    pub target: Target,
    pub n_out: usize,
    pub extents: &'a [u32],
    pub out: Linear,
    /// Bytes of what is stored and of what the maps that follow load.
    pub around: u64,
    pub a: Linear,
    pub b: Linear,
    /// The subscripts of the operands, and their shapes.
    pub index: [Vec<Affine>; 2],
    pub shapes: [Vec<u32>; 2],
    /// The axes that each guard mentions.
    pub guards: Vec<Vec<usize>>,
    /// Whether maps follow, so that sums must not be left in memory.
    pub followed: bool,
}

/// The best tile of a group whose root is a contraction.
pub fn choose(graph: &Graph, group: &Group, target: Target) -> Option<Tile> {
    let product = root_contraction(graph, group)?;
    let space = Space::new(graph, group);
    best(&shape(graph, group, &product, &space, target))
}

/// A group as the choice sees it.
pub fn shape<'a>(graph: &Graph, group: &Group, product: &Contraction, space: &'a Space, target: Target) -> Shape<'a> {
    let root = &group.members[0];
    let n = group.axes.len();
    let flat = |index: &[crate::graph::Affine], tensor: crate::graph::TensorId| {
        let mut flat = flatten(index, &graph.tensors[tensor].shape, n);
        (0..n).filter(|&a| space.extents[a] == 1).for_each(|a| flat.coefficients[a] = 0);
        flat
    };
    let mentioned = |form| (0..n).filter(|&a| coefficient(form, a) != 0).collect();
    Shape {
        target,
        n_out: group.band,
        extents: &space.extents,
        out: flat(&root.write, root.out),
        around: around(graph, group, product),
        index: [product.a.index.clone(), product.b.index.clone()],
        shapes: [&product.a, &product.b].map(|access| graph.tensors[access.tensor].shape.clone()),
        a: flat(&product.a.index, product.a.tensor),
        b: flat(&product.b.index, product.b.tensor),
        guards: root.guards.iter().map(|g| mentioned(&g.form)).collect(),
        followed: group.members.len() > 1,
    }
}

/// Bytes that stores, and loads of the maps that follow, move.
fn around(graph: &Graph, group: &Group, product: &Contraction) -> u64 {
    let mut tensors: IndexSet<TensorId> = group.members.iter().filter(|m| m.stored).map(|m| m.out).collect();
    for member in &group.members[1..] {
        visit_member(graph, member, &mut |seen| {
            if let Seen::Load(access) | Seen::Data(access) = seen {
                tensors.insert(access.tensor);
            }
        });
    }
    let moved = tensors.iter().filter(|t| **t != product.a.tensor && **t != product.b.tensor);
    moved.map(|t| 4 * elements(&graph.tensors[*t].shape)).sum()
}

/// The cheapest candidate.
pub fn best(shape: &Shape) -> Option<Tile> {
    let mut best: Option<Tile> = None;
    for lane in (0..shape.extents.len()).filter(|&a| shape.may_be_lane(a)) {
        for held in shape.held_axes(lane) {
            for stream in shape.stream_axes(lane, held) {
                for tile in shape.sizes(lane, held, stream) {
                    if best.as_ref().is_none_or(|b| tile.cost < b.cost) {
                        best = Some(tile);
                    }
                }
            }
        }
    }
    best
}

/// Bytes of the first cache that a tile's operands may take, and of the second that what is walked again may take.
const NEAR: u64 = 26 << 10;
const FAR: u64 = 512 << 10;

/// Bytes a cycle from the second cache, beside the arithmetic.
const FLOW: f64 = 24.0;

impl Shape<'_> {
    fn reduced(&self, axis: usize) -> bool {
        axis >= self.n_out
    }

    fn guarded(&self, axis: usize) -> bool {
        self.guards.iter().any(|g| g.contains(&axis))
    }

    /// Contiguous where it moves, and it moves through an operand: through both if it is reduced.
    fn may_be_lane(&self, axis: usize) -> bool {
        let (a, b) = (self.a.coefficients[axis], self.b.coefficients[axis]);
        let steps = if self.reduced(axis) { a == 1 && b == 1 } else { matches!((a, b), (1, 0 | 1) | (0, 1)) };
        let passes = self.reduced(axis) && !self.guards.is_empty();
        self.extents[axis] >= 2 && steps && !self.guarded(axis) && !passes
    }

    fn outputs(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.n_out).filter(|&a| self.extents[a] > 1)
    }

    fn held_axes(&self, lane: usize) -> Vec<usize> {
        let own = (!self.reduced(lane)).then_some(lane);
        own.into_iter().chain(self.outputs().filter(|&a| a != lane && !self.guarded(a))).collect()
    }

    fn stream_axes(&self, lane: usize, held: usize) -> Vec<Option<usize>> {
        let free = self.outputs().filter(|&a| a != lane && a != held && !self.guarded(a));
        std::iter::once(None).chain(free.map(Some)).collect()
    }

    /// The points, or vectors, of an axis.
    fn length(&self, axis: usize, lane: usize) -> u32 {
        let n = self.extents[axis];
        if axis == lane { n.div_ceil(u32::from(self.target.lanes())) } else { n }
    }

    fn sizes(&self, lane: usize, held: usize, stream: Option<usize>) -> Vec<Tile> {
        let most_held = self.length(held, lane).min(4);
        let most_stream = stream.map_or(1, |s| self.extents[s].min(14));
        let mut tiles = Vec::new();
        for h in 1..=most_held {
            for s in 1..=most_stream {
                if self.fits(held, stream, h, s) {
                    tiles.push(self.tile(lane, (held, h), stream.map(|axis| (axis, s))));
                }
            }
        }
        tiles
    }

    /// Loads of an operand a step, for h by s points of the tile.
    fn loads(&self, operand: &Linear, lane: usize, held: (usize, u32), stream: Option<(usize, u32)>) -> u32 {
        let by_held =
            held.0 == lane && operand.coefficients[lane] != 0 || held.0 != lane && operand.coefficients[held.0] != 0;
        let by_stream = stream.is_some_and(|s| operand.coefficients[s.0] != 0);
        (if by_held { held.1 } else { 1 }) * (if by_stream { stream.map_or(1, |s| s.1) } else { 1 })
    }

    /// Sums, what stays loaded, two to work with, and one to spare.
    fn fits(&self, held: usize, stream: Option<usize>, h: u32, s: u32) -> bool {
        let moves = |operand: &Linear, axis: usize| operand.coefficients[axis] != 0;
        let stays = |operand: &Linear| {
            let by_stream = stream.is_some_and(|s| moves(operand, s));
            match (moves(operand, held), by_stream) {
                (true, false) => h,
                (false, false) => 1,
                (true | false, true) => 0,
            }
        };
        h * s + stays(&self.a) + stays(&self.b) + 3 <= u32::from(self.target.registers())
    }

    fn tile(&self, lane: usize, held: (usize, u32), stream: Option<(usize, u32)>) -> Tile {
        let taps: Vec<usize> =
            (self.n_out..self.extents.len()).filter(|&a| self.guarded(a) && self.extents[a] > 1).collect();
        let mut inner: Vec<usize> = (self.n_out..self.extents.len())
            .filter(|a| self.extents[*a] > 1 && !taps.contains(a) && *a != lane)
            .collect();
        let far = |a: &usize| -(self.a.coefficients[*a].abs().max(self.b.coefficients[*a].abs()));
        inner.sort_by_key(far);
        if self.reduced(lane) {
            inner.push(lane);
        }
        let blocks = self.blocks(lane, held, stream, &mut inner);
        let order = self.order(lane, held, stream);
        let mut tile = Tile { lane, held, stream, blocks, taps, order, inner, parts: 0, cost: 0.0 };
        tile.parts = self.parts(&tile);
        tile.cost = self.cost(&tile);
        tile
    }

    /// Outer reduced axes go around the tiles while what lies inside overflows a cache: where lanes are summed anyway,
    /// what one tile reads the first, else what all tiles read the second.
    fn blocks(
        &self,
        lane: usize,
        held: (usize, u32),
        stream: Option<(usize, u32)>,
        inner: &mut Vec<usize>,
    ) -> Vec<usize> {
        let mut blocks = Vec::new();
        if self.followed || !self.guards.is_empty() {
            return blocks;
        }
        let rows = u64::from(held.1 + stream.map_or(1, |s| s.1));
        let points = |axes: &[usize]| axes.iter().map(|&a| u64::from(self.extents[a])).product::<u64>();
        let overflows = |inner: &[usize], blocks: &[usize]| match self.reduced(lane) {
            true => rows * points(inner) * 4 > NEAR,
            false => self.size(&self.a, blocks) + self.size(&self.b, blocks) > 3 * FAR,
        };
        while inner.len() > 1 && overflows(inner, &blocks) && points(&inner[1..]) >= 256 {
            blocks.push(inner.remove(0));
        }
        blocks
    }

    /// Bytes of an operand, with some axes standing still.
    fn size(&self, operand: &Linear, still: &[usize]) -> u64 {
        let moving = (0..self.extents.len()).filter(|a| operand.coefficients[*a] != 0 && !still.contains(a));
        moving.map(|a| u64::from(self.extents[a])).product::<u64>() * 4
    }

    /// The operand that fits the second cache is walked again and again, the other one once.
    fn order(&self, lane: usize, held: (usize, u32), stream: Option<(usize, u32)>) -> Vec<usize> {
        let mut axes: Vec<usize> = self.outputs().filter(|&a| a != held.0 && stream.is_none_or(|s| s.0 != a)).collect();
        axes.push(held.0);
        axes.extend(stream.map(|s| s.0));
        if !self.reduced(lane) && !axes.contains(&lane) {
            axes.push(lane);
        }
        let size = |operand: &Linear| self.size(operand, &[]);
        let (small, large) = if size(&self.a) <= size(&self.b) { (&self.a, &self.b) } else { (&self.b, &self.a) };
        let rank = |a: &usize| {
            let (s, l) = (small.coefficients[*a] != 0, large.coefficients[*a] != 0);
            match (s, l) {
                (true, true) | (false, false) => 0,
                (false, true) => 1,
                (true, false) => 2,
            }
        };
        let reach = |a: &usize| -(small.coefficients[*a].abs().max(large.coefficients[*a].abs()));
        if self.around > 2 * FAR && size(large) <= FAR {
            axes.sort_by_key(|&a| -self.out.coefficients[a].abs());
            return axes;
        }
        axes.sort_by_key(|a| (if size(small) > FAR { u8::from(rank(a) > 0) } else { rank(a) }, reach(a)));
        axes
    }

    /// Outer output loops as parts, where the work pays and until there are enough.
    fn parts(&self, tile: &Tile) -> usize {
        let work: u64 = self.extents.iter().map(|&n| u64::from(n)).product();
        if work < super::PARALLEL_WORK {
            return 0;
        }
        let (mut count, mut parts) = (1u64, 0);
        for &axis in &tile.order {
            if count >= 32 || count * u64::from(self.tiles(tile, axis)) > 4096 || axis == tile.lane {
                break;
            }
            count *= u64::from(self.tiles(tile, axis));
            parts += 1;
        }
        parts
    }

    /// How many tiles, or points, the loop over an axis of `order` has.
    fn tiles(&self, tile: &Tile, axis: usize) -> u32 {
        let length = self.length(axis, tile.lane);
        match tile.stream {
            Some((stream, most)) if stream == axis => length.div_ceil(most),
            Some(_) | None if axis == tile.held.0 => length.div_ceil(tile.held.1),
            Some(_) | None => length,
        }
    }

    /// Cycles of the whole contraction.
    fn cost(&self, tile: &Tile) -> f64 {
        let lanes = f64::from(self.target.lanes());
        let (h, s) = (tile.held.1, tile.stream.map_or(1, |s| s.1));
        let sums = f64::from(h * s);
        let loads = f64::from(
            self.loads(&self.a, tile.lane, tile.held, tile.stream)
                + self.loads(&self.b, tile.lane, tile.held, tile.stream),
        );
        // A multiply-add overwrites a factor: all but the last use of a streamed one cost a copy.
        let copies = f64::from((h - 1) * s);
        let step = (sums / 2.0).max(loads / 1.9).max(4.6).max((sums + loads + copies) / 4.2) + self.pages(tile);
        let points = |axes: &[usize]| -> f64 { axes.iter().map(|&a| f64::from(self.extents[a])).product() };
        let mut steps = points(&tile.inner);
        if self.reduced(tile.lane) {
            steps = steps / f64::from(self.extents[tile.lane]) * (f64::from(self.extents[tile.lane]) / lanes).ceil();
        }
        let tiles: f64 = tile.order.iter().map(|&a| f64::from(self.tiles(tile, a))).product();
        let store = if self.reduced(tile.lane) {
            6.0
        } else if self.out.coefficients[tile.lane] == 1 {
            1.0
        } else {
            6.0
        };
        let around = points(&tile.blocks);
        let tapped = points(&tile.taps);
        let turn = 6.0 + sums * if self.guards.is_empty() { 0.0 } else { 2.0 };
        let flow = self.flow(tile) / FLOW;
        tiles * around * (tapped * (steps * step + turn) + sums * store + 10.0 + flow)
    }

    /// Cycles a step for operands that come from another page at each, and from more pages than the CPU keeps at hand.
    fn pages(&self, tile: &Tile) -> f64 {
        let Some(&inner) = tile.inner.iter().rev().find(|&&a| a != tile.lane) else { return 0.0 };
        let far = |operand: &Linear| {
            let stride = 4 * operand.coefficients[inner].unsigned_abs();
            stride >= 1024 && stride * u64::from(self.extents[inner]) > 64 * 4096
        };
        f64::from(u8::from(far(&self.a)) + u8::from(far(&self.b)))
    }

    /// Bytes that the operands of one tile bring into the first cache: all where they overflow it, else those that are
    /// new in the innermost loop.
    fn flow(&self, tile: &Tile) -> f64 {
        let ranges: Vec<Range> = (0..self.extents.len()).map(|a| (0, self.span(tile, a) - 1)).collect();
        let bytes = |at: usize| lines(&self.index[at], &self.shapes[at], &ranges);
        let (a, b) = (bytes(0), bytes(1));
        let inner = tile.order.iter().rev().find(|&&axis| self.tiles(tile, axis) > 1);
        let (Some(&inner), true) = (inner, a + b <= NEAR as f64) else { return a + b };
        let new = |flat: &Linear, bytes: f64| if flat.coefficients[inner] != 0 { bytes } else { 0.0 };
        new(&self.a, a) + new(&self.b, b)
    }

    /// The points of an axis that one tile covers.
    fn span(&self, tile: &Tile, axis: usize) -> i64 {
        let lanes = u32::from(self.target.lanes());
        let held = if tile.held.0 == axis { tile.held.1 } else { 1 };
        let stream = tile.stream.filter(|s| s.0 == axis).map_or(1, |s| s.1);
        let own = if tile.lane == axis { lanes } else { 1 };
        let all = tile.inner.contains(&axis);
        i64::from(if all { self.extents[axis] } else { (held * stream * own).min(self.extents[axis]) })
    }
}

/// Bytes of the cache lines that an operand touches where its axes run over these ranges. The last two coordinates lie
/// close together.
fn lines(index: &[Affine], shape: &[u32], ranges: &[Range]) -> f64 {
    let sizes: Vec<i64> = index
        .iter()
        .map(|f| {
            let (lo, hi) = interval(f, ranges);
            hi - lo + 1
        })
        .collect();
    let near = sizes.len().saturating_sub(2);
    let tail = match (sizes[near..].iter().as_slice(), shape.last()) {
        ([rows, columns], Some(&width)) => (rows - 1) * i64::from(width) + columns,
        (rest, _) => rest.iter().product(),
    };
    let rows: f64 = sizes[..near].iter().map(|&n| n as f64).product();
    rows * 64.0 * (tail as f64 / 16.0 + 0.5).ceil()
}
