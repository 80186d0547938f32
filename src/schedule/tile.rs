//! How a contraction is computed: which axis lies in the lanes, what one register tile holds, what is looped in which
//! order.
//!
//! Candidates are enumerated over the loops' own box and ranked by a model of one core: two multiply-adds, not quite two
//! loads and some four instructions a cycle, four cycles from one sum to the next (fitted to the table in `codegen::clif`). **Invariants**: sums, what is held and three
//! more fit the registers; no guard is tested inside the tile; the order of the reduced axes depends on shapes alone.

use super::classes::{Contraction, root_contraction};
use super::merge::Space;
use super::space::{Linear, Seen, coefficient, elements, flatten, visit_member};
use super::{Group, cost, pressure, turns};
use crate::graph::{Affine, Graph, Guard, Rel, TensorId};
use crate::target::Target;
use indexmap::{IndexMap, IndexSet};

/// A schedule of one contraction. Axes are those of the root equation.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// The axis in the lanes; where it is a reduced one, lanes are summed at the end.
    pub lane: usize,
    /// How many lanes a vector has.
    pub lanes: u16,
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    pub target: Target,
    pub n_out: usize,
    pub extents: Vec<u32>,
    pub out: Linear,
    /// Bytes of what is stored and of what the maps that follow load.
    pub around: u64,
    pub a: Linear,
    pub b: Linear,
    /// The axes that each guard mentions.
    pub guards: Vec<Vec<usize>>,
    /// How many in a thousand points are live.
    pub live: u32,
    /// Whether maps follow, so that sums must not be left in memory.
    pub followed: bool,
    /// Whether it stands in a loop, so that its output cannot be cleared before it.
    pub looped: bool,
    /// Registers that the maps that follow need beside the sums.
    pub after: u32,
}

/// Chooses tiles, each shape once.
pub struct Chooser {
    pub target: Target,
    known: IndexMap<Shape, Option<Tile>>,
}

impl Chooser {
    /// One that knows nothing yet.
    pub fn new(target: Target) -> Chooser {
        Chooser { target, known: IndexMap::new() }
    }

    /// The best tile of a group whose root is a contraction.
    pub fn choose(&mut self, graph: &Graph, group: &Group) -> Option<Tile> {
        let product = root_contraction(graph, group)?;
        let space = Space::new(graph, group);
        let shape = shape(graph, group, &product, &space, self.target);
        if let Some(known) = self.known.get(&shape) {
            return known.clone();
        }
        let tile = best(&shape);
        self.known.insert(shape, tile.clone());
        tile
    }
}

/// A group as the choice sees it.
fn shape(graph: &Graph, group: &Group, product: &Contraction, space: &Space, target: Target) -> Shape {
    let root = &group.members[0];
    let n = group.axes.len();
    let flat = |index: &[Affine], tensor: TensorId| {
        let mut flat = flatten(index, &graph.tensors[tensor].shape, n);
        (0..n).filter(|&a| space.extents[a] == 1).for_each(|a| flat.coefficients[a] = 0);
        flat
    };
    let mentioned = |form| (0..n).filter(|&a| coefficient(form, a) != 0).collect();
    Shape {
        target,
        n_out: group.band,
        extents: space.extents.clone(),
        out: flat(&root.write, root.out),
        around: around(graph, group, product),
        a: flat(&product.a.index, product.a.tensor),
        b: flat(&product.b.index, product.b.tensor),
        guards: root.guards.iter().map(|g| mentioned(&g.form)).collect(),
        live: live(&root.guards, &space.extents),
        followed: group.members.len() > 1,
        looped: turns::is_looped(group),
        after: if target == Target::Clif { 0 } else { pressure::after(graph, group) },
    }
}

/// How many in a thousand points of a box pass the guards; guards over other axes count as independent.
fn live(guards: &[Guard], extents: &[u32]) -> u32 {
    let mut sets: IndexMap<Vec<usize>, Vec<&Guard>> = IndexMap::new();
    for guard in guards {
        sets.entry(guard.form.axes().collect()).or_default().push(guard);
    }
    let share = |(axes, guards): (&Vec<usize>, &Vec<&Guard>)| {
        let points: u64 = axes.iter().map(|&a| u64::from(extents[a])).product();
        let passes = |point: &u64| {
            let (mut at, mut rest) = (vec![0i64; extents.len()], *point);
            for &a in axes {
                at[a] = (rest % u64::from(extents[a])) as i64;
                rest /= u64::from(extents[a]);
            }
            guards.iter().all(|g| match g.rel {
                Rel::Ge => g.form.at(&at) >= 0,
                Rel::Eq => g.form.at(&at) == 0,
            })
        };
        if points > 4096 { 1.0 } else { (0..points).filter(passes).count() as f64 / points.max(1) as f64 }
    };
    (1000.0 * sets.iter().map(share).product::<f64>()) as u32
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
    let turns: u64 = turns::of(&group.axes).into_iter().map(|a| u64::from(group.axes[a].extent)).product();
    moved.map(|t| 4 * elements(&graph.tensors[*t].shape) / turns).sum()
}

/// The cheapest candidate: by the arithmetic alone first, then the best of those with what memory costs them.
fn best(shape: &Shape) -> Option<Tile> {
    let mut finalists: Vec<Tile> = Vec::new();
    for lane in (0..shape.extents.len()).filter(|&a| shape.may_be_lane(a)) {
        for held in shape.held_axes(lane) {
            for stream in shape.stream_axes(lane, held) {
                finalists.extend(shape.sizes(lane, held, stream));
            }
        }
    }
    finalists.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let least = finalists.first()?.cost;
    finalists.retain(|t| t.cost <= 1.5 * least);
    finalists.truncate(if shape.target == Target::Clif { 5 } else { 8 });
    let ordered = finalists.iter().flat_map(|tile| shape.orders(tile));
    let costed = ordered.map(|mut tile| {
        tile.parts = shape.parts(&tile);
        let memory = cost::memory(shape, &tile);
        tile.cost = tile.cost.max(memory) + 0.1 * memory;
        tile
    });
    costed.min_by(|a, b| a.cost.total_cmp(&b.cost))
}

/// Bytes of the first cache that a tile's operands may take, and of the second that what all tiles walk through may.
const NEAR: u64 = 26 << 10;
const FAR: u64 = 512 << 10;

impl Shape {
    fn lanes(&self, lane: usize) -> u16 {
        match self.target {
            Target::Clif => 4,
            Target::Avx2 | Target::Avx512 => self.target.cover(self.extents[lane]),
        }
    }

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
        if axis == lane { n.div_ceil(u32::from(self.lanes(lane))) } else { n }
    }

    fn sizes(&self, lane: usize, held: usize, stream: Option<usize>) -> Vec<Tile> {
        let (held_limit, stream_limit) = match self.target {
            Target::Clif | Target::Avx2 => (4, 14),
            Target::Avx512 => (8, 28),
        };
        let most_held = self.length(held, lane).min(held_limit);
        let most_stream = stream.map_or(1, |s| self.extents[s].min(stream_limit));
        let mut tile = self.tile(lane, (held, 1), stream.map(|axis| (axis, 1)));
        let mut sizes: Vec<(f64, u32, u32)> = Vec::new();
        for h in 1..=most_held {
            for s in (1..=most_stream).filter(|&s| self.fits(held, stream, h, s)) {
                if self.reduced(lane) {
                    tile = self.tile(lane, (held, h), stream.map(|axis| (axis, s)));
                }
                (tile.held.1, tile.stream) = (h, stream.map(|axis| (axis, s)));
                sizes.push((self.arithmetic(&tile), h, s));
            }
        }
        let least = sizes.iter().map(|s| s.0).fold(f64::INFINITY, f64::min);
        // The cheapest, and of those that cost hardly more the one that loads least.
        let loads = |s: &&(f64, u32, u32)| f64::from(s.1 + s.2) / f64::from(s.1 * s.2);
        let first = sizes.iter().find(|s| s.0 == least);
        let near = sizes.iter().filter(|s| s.0 <= 1.04 * least);
        let second = near
            .min_by(|a, b| loads(a).total_cmp(&loads(b)))
            .filter(|s| self.target != Target::Clif && Some(*s) != first);
        let whole = |s: &(f64, u32, u32)| self.tile(lane, (held, s.1), stream.map(|axis| (axis, s.2)));
        first.into_iter().chain(second).map(whole).collect()
    }

    /// Loads of an operand a step, for h by s points of the tile.
    fn loads(&self, operand: &Linear, lane: usize, held: (usize, u32), stream: Option<(usize, u32)>) -> u32 {
        let by_held =
            held.0 == lane && operand.coefficients[lane] != 0 || held.0 != lane && operand.coefficients[held.0] != 0;
        let by_stream = stream.is_some_and(|s| operand.coefficients[s.0] != 0);
        (if by_held { held.1 } else { 1 }) * (if by_stream { stream.map_or(1, |s| s.1) } else { 1 })
    }

    /// Sums, what stays loaded, and one to work with; where a multiply-add overwrites a factor, two more. Behind the last
    /// step only the sums are left, with what the maps that follow need.
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
        let work = if self.target == Target::Clif { 3 } else { 1 };
        let most = u32::from(self.target.registers());
        h * s + stays(&self.a) + stays(&self.b) + work <= most && h * s + self.after <= most
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
        let order = self.axes(lane, held, stream);
        let mut tile =
            Tile { lane, lanes: self.lanes(lane), held, stream, blocks, taps, order, inner, parts: 0, cost: 0.0 };
        tile.cost = self.arithmetic(&tile);
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
        if self.followed || self.looped || !self.guards.is_empty() {
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

    /// The output axes that are walked through.
    fn axes(&self, lane: usize, held: (usize, u32), stream: Option<(usize, u32)>) -> Vec<usize> {
        let mut axes: Vec<usize> = self.outputs().filter(|&a| a != held.0 && stream.is_none_or(|s| s.0 != a)).collect();
        axes.push(held.0);
        axes.extend(stream.map(|s| s.0));
        if !self.reduced(lane) && !axes.contains(&lane) {
            axes.push(lane);
        }
        axes
    }

    /// A tile with its axes in several orders: what moves one operand alone outside of what moves the other alone, and
    /// the order of the output's elements.
    fn orders(&self, tile: &Tile) -> Vec<Tile> {
        let rank = |axis: usize, first: &Linear, second: &Linear| match (
            first.coefficients[axis] != 0,
            second.coefficients[axis] != 0,
        ) {
            (true, true) | (false, false) => 0,
            (true, false) => 1,
            (false, true) => 2,
        };
        let reach = |axis: usize| -(self.a.coefficients[axis].abs().max(self.b.coefficients[axis].abs()));
        let sorted = |key: &dyn Fn(usize) -> (i64, i64)| {
            let mut tile = tile.clone();
            tile.order.sort_by_key(|&axis| key(axis));
            tile
        };
        let mut orders = vec![
            sorted(&|axis| (rank(axis, &self.a, &self.b), reach(axis))),
            sorted(&|axis| (rank(axis, &self.b, &self.a), reach(axis))),
            sorted(&|axis| (-self.out.coefficients[axis].abs(), 0)),
        ];
        if orders[1] == orders[2] || orders[0] == orders[2] {
            orders.pop();
        }
        orders
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
    pub fn tiles(&self, tile: &Tile, axis: usize) -> u32 {
        let length = self.length(axis, tile.lane);
        match tile.stream {
            Some((stream, most)) if stream == axis => length.div_ceil(most),
            Some(_) | None if axis == tile.held.0 => length.div_ceil(tile.held.1),
            Some(_) | None => length,
        }
    }

    /// Cycles of the whole contraction, were all in the first cache.
    fn arithmetic(&self, tile: &Tile) -> f64 {
        let lanes = f64::from(tile.lanes);
        let (h, s) = (tile.held.1, tile.stream.map_or(1, |s| s.1));
        let sums = f64::from(h * s);
        let loads = |operand: &Linear| f64::from(self.loads(operand, tile.lane, tile.held, tile.stream));
        let step = match self.target {
            Target::Clif => {
                let loads = loads(&self.a) + loads(&self.b);
                // A multiply-add overwrites a factor: all but the last use of a streamed one cost a copy.
                let copies = f64::from((h - 1) * s);
                (sums / 2.0).max(loads / 1.9).max(4.6).max((sums + loads + copies) / 4.2)
            }
            Target::Avx2 | Target::Avx512 => {
                // Half a cycle for 256 bits, a whole one for 512; one element into all lanes is half a cycle.
                let whole = if tile.lanes > 8 { 1.0 } else { 0.5 };
                let cycles =
                    |operand: &Linear| loads(operand) * if operand.coefficients[tile.lane] == 0 { 0.5 } else { whole };
                let loads = cycles(&self.a) + cycles(&self.b);
                (sums * whole).max(loads).max(4.3) + 0.06 * loads
            }
        };
        let points = |axes: &[usize]| -> f64 { axes.iter().map(|&a| f64::from(self.extents[a])).product() };
        let mut steps = points(&tile.inner);
        if self.reduced(tile.lane) {
            steps = steps / f64::from(self.extents[tile.lane]) * (f64::from(self.extents[tile.lane]) / lanes).ceil();
        }
        let tiles: f64 = tile.order.iter().map(|&a| f64::from(self.tiles(tile, a))).product();
        let contiguous = !self.reduced(tile.lane) && self.out.coefficients[tile.lane] == 1;
        let store = match contiguous {
            true => 1.0,
            false => 2.0 + lanes,
        };
        let around = points(&tile.blocks);
        let tapped = points(&tile.taps);
        let turn = 6.0 + sums * if self.guards.is_empty() { 0.0 } else { 2.0 };
        let tapped = tapped * f64::from(self.live) / 1000.0;
        tiles * around * (tapped * (steps * step + turn) + sums * store + 10.0)
    }

    /// The points of an axis that one tile covers.
    pub fn span(&self, tile: &Tile, axis: usize) -> u32 {
        let lanes = u32::from(tile.lanes);
        let held = if tile.held.0 == axis { tile.held.1 } else { 1 };
        let stream = tile.stream.filter(|s| s.0 == axis).map_or(1, |s| s.1);
        let own = if tile.lane == axis { lanes } else { 1 };
        let all = tile.inner.contains(&axis);
        if all { self.extents[axis] } else { (held * stream * own).min(self.extents[axis]) }
    }
}
