//! Contractions as register tiles: sums stay in registers over the inner reduced axes, one vector or one broadcast a step
//! and point, and the maps that follow read the sums before they are stored.
//!
//! **Invariants**: no test inside a tile; each element is stored by one part; sums that pass through memory pass through
//! the root's own element, or that of a map that follows it.

use super::body::{Lanes, Point};
use super::nest::{buffers, condition, start};
use crate::graph::{Graph, TensorId};
use crate::kernel::build::KernelBuilder;
use crate::kernel::{Address, BufferAccess, BufferIx, Condition, Fold, Kernel, Place, ValueId};
use crate::schedule::classes::root_contraction;
use crate::schedule::merge::Space;
use crate::schedule::space::{Linear, flatten};
use crate::schedule::tile::Tile;
use crate::schedule::{Group, Member};
use indexmap::IndexMap;

/// Lowers a group by its tile; gives the tensors of its buffers, in order.
pub fn lower(graph: &Graph, group: &Group, tile: &Tile) -> (Kernel, Vec<TensorId>) {
    let (index, mut list) = buffers(graph, group);
    let root = &group.members[0];
    let product = root_contraction(graph, group).expect("a tile is chosen for contractions only");
    let scratch = group.members.iter().find(|m| m.stored).expect("a group stores something");
    let passes = !tile.blocks.is_empty() || !root.guards.is_empty();
    if passes {
        list[index[&scratch.out] as usize].access = BufferAccess::ReadWrite;
    }
    let mut e = KernelBuilder::new(&group.name);
    list.into_iter().for_each(|b| {
        e.buffer(&b.name, b.elem, b.len, b.access);
    });
    let flat = |tensor: TensorId, index: &[crate::graph::Affine]| {
        flatten(index, &graph.tensors[tensor].shape, group.axes.len())
    };
    let job = Job {
        graph,
        group,
        tile,
        space: Space::new(graph, group),
        buffers: &index,
        a: (index[&product.a.tensor], flat(product.a.tensor, &product.a.index)),
        b: (index[&product.b.tensor], flat(product.b.tensor, &product.b.index)),
        scratch: (index[&scratch.out], flat(scratch.out, &scratch.write)),
        factor: product.factor as f32,
        lanes: i64::from(tile.lanes),
    };
    job.emit(&mut e);
    (e.finish(), index.keys().copied().collect())
}

struct Job<'a> {
    graph: &'a Graph,
    group: &'a Group,
    tile: &'a Tile,
    space: Space,
    buffers: &'a IndexMap<TensorId, BufferIx>,
    a: (BufferIx, Linear),
    b: (BufferIx, Linear),
    scratch: (BufferIx, Linear),
    factor: f32,
    lanes: i64,
}

/// Where a tile stands and how large it is.
#[derive(Clone)]
struct Spot {
    at: Vec<Address>,
    /// Points or vectors of the held axis, points of the streamed one.
    held: u32,
    stream: u32,
    /// Lanes of each vector that count, and of the last one along the held axis.
    live: u16,
    last: u16,
}

/// A stretch of an axis in equal tiles.
#[derive(Clone, Copy)]
struct Stretch {
    start: i64,
    tiles: u32,
    size: u32,
}

/// `n` points in as few tiles of at most `most` as can be, all but equal: the larger ones first.
fn stretches(n: u32, most: u32) -> Vec<Stretch> {
    let tiles = n.div_ceil(most);
    let (size, larger) = (n / tiles, n % tiles);
    let first = Stretch { start: 0, tiles: larger, size: size + 1 };
    let second = Stretch { start: i64::from(larger * (size + 1)), tiles: tiles - larger, size };
    [first, second].into_iter().filter(|s| s.tiles > 0).collect()
}

impl<'a> Job<'a> {
    fn root(&self) -> &'a Member {
        &self.group.members[0]
    }

    fn output_lane(&self) -> bool {
        self.tile.lane < self.group.band
    }

    fn emit(&self, e: &mut KernelBuilder) {
        let spot = Spot { at: start(e, self.group), held: 1, stream: 1, live: self.tile.lanes, last: self.tile.lanes };
        let order: Vec<usize> =
            self.tile.order.iter().copied().filter(|&a| self.space.extents[a] > 1 || a == self.tile.lane).collect();
        self.parts(e, &order, self.tile.parts, spot);
    }

    /// Numbers the parts, from the outside; then tells the sizes of their tiles apart.
    fn parts(&self, e: &mut KernelBuilder, order: &[usize], parts: usize, spot: Spot) {
        let (outer, rest) = order.split_at(parts.min(order.len()));
        let number = |&axis: &usize| {
            let tiles: u32 = self.stretches(axis).iter().map(|s| s.tiles).sum();
            (axis, Address::from(e.part(&self.group.axes[axis].hint, tiles)))
        };
        let vars: Vec<(usize, Address)> = outer.iter().map(number).collect();
        self.sides(e, rest, spot, &vars);
    }

    fn sides(&self, e: &mut KernelBuilder, order: &[usize], spot: Spot, vars: &[(usize, Address)]) {
        let Some(((axis, var), rest)) = vars.split_first() else {
            return self.blocks(e, &self.tile.blocks, order, spot);
        };
        let stretches = self.stretches(*axis);
        let first = self.moved(&spot, *axis, stretches[0], var.clone());
        let Some(&second) = stretches.get(1) else { return self.sides(e, order, first, rest) };
        let shifted = var.clone() - i64::from(stretches[0].tiles);
        let second = self.moved(&spot, *axis, second, shifted);
        let condition = var.clone().below(i64::from(stretches[0].tiles));
        e.when_else(vec![condition], |e| self.sides(e, order, first, rest), |e| self.sides(e, order, second, rest));
    }

    /// The tiles of an axis; single points where the tile does not extend along it.
    fn stretches(&self, axis: usize) -> Vec<Stretch> {
        let n = self.space.extents[axis];
        let vectors = n.div_ceil(self.lanes as u32);
        match self.tile.stream {
            Some((stream, most)) if stream == axis => stretches(n, most),
            Some(_) | None if axis == self.tile.held.0 && axis != self.tile.lane => stretches(n, self.tile.held.1),
            Some(_) | None if axis == self.tile.lane => {
                let most = if axis == self.tile.held.0 { self.tile.held.1 } else { 1 };
                stretches(vectors, most)
            }
            Some(_) | None => vec![Stretch { start: 0, tiles: n, size: 1 }],
        }
    }

    /// The spot of tile `number` of a stretch.
    fn moved(&self, spot: &Spot, axis: usize, stretch: Stretch, number: Address) -> Spot {
        let mut spot = spot.clone();
        let unit = if axis == self.tile.lane { self.lanes } else { 1 };
        spot.at[axis] += number * (i64::from(stretch.size) * unit) + stretch.start * unit;
        if axis == self.tile.held.0 {
            spot.held = stretch.size;
        }
        if self.tile.stream.is_some_and(|s| s.0 == axis) {
            spot.stream = stretch.size;
        }
        spot
    }

    /// Reduced axes around the tiles.
    fn blocks(&self, e: &mut KernelBuilder, blocks: &[usize], order: &[usize], spot: Spot) {
        let Some((&axis, rest)) = blocks.split_first() else { return self.loops(e, order, spot) };
        e.each(&self.group.axes[axis].hint, self.space.extents[axis], |e, var| {
            let mut spot = spot;
            spot.at[axis] = Address::from(var);
            self.blocks(e, rest, order, spot);
        });
    }

    /// The output axes that are no parts.
    fn loops(&self, e: &mut KernelBuilder, order: &[usize], spot: Spot) {
        let Some((&axis, rest)) = order.split_first() else { return self.at_tile(e, spot) };
        let n = i64::from(self.space.extents[axis]);
        let tail = if axis == self.tile.lane { (n % self.lanes) as u16 } else { 0 };
        let stretches = self.stretches(axis);
        for (at, &stretch) in stretches.iter().enumerate() {
            let ends = tail > 0 && at + 1 == stretches.len();
            match stretch.tiles - u32::from(ends) {
                0 => {}
                1 => self.loops(e, rest, self.moved(&spot, axis, stretch, Address::from(0))),
                tiles => e.each(&self.group.axes[axis].hint, tiles, |e, var| {
                    let spot = self.moved(&spot, axis, stretch, Address::from(var));
                    self.loops(e, rest, spot);
                }),
            }
            if ends {
                let last = Address::from(i64::from(stretch.tiles) - 1);
                let mut spot = self.moved(&spot, axis, stretch, last);
                spot.last = tail;
                if axis != self.tile.held.0 {
                    spot.live = tail;
                }
                self.loops(e, rest, spot);
            }
        }
    }

    /// The lanes that count of a vector of the tile.
    fn live(&self, spot: &Spot, number: u32) -> u16 {
        if self.tile.held.0 == self.tile.lane && number % spot.held + 1 == spot.held { spot.last } else { spot.live }
    }

    /// One tile: its sums, and what becomes of them.
    fn at_tile(&self, e: &mut KernelBuilder, spot: Spot) {
        if !self.tile.blocks.is_empty() {
            return self.add_to_memory(e, &spot);
        }
        if self.root().guards.is_empty() {
            let zero = e.f32(0.0, self.tile.lanes);
            let sums = vec![zero; (spot.held * spot.stream) as usize];
            let sums = self.sweep(e, &self.tile.inner, &spot, sums);
            return self.finish(e, &spot, sums);
        }
        let zero = e.f32(0.0, self.tile.lanes);
        for number in 0..spot.held * spot.stream {
            let place = self.scratch(&spot, number);
            e.store_at(place, zero);
        }
        self.taps(e, &self.tile.taps, &spot);
        let sums = self.reloaded(e, &spot);
        self.finish(e, &spot, sums);
    }

    /// Sums, over their lanes if those are reduced, added to the root's elements.
    fn add_to_memory(&self, e: &mut KernelBuilder, spot: &Spot) {
        let zero = e.f32(0.0, self.tile.lanes);
        let sums = vec![zero; (spot.held * spot.stream) as usize];
        let sums = self.sweep(e, &self.tile.inner, spot, sums);
        for (number, sum) in sums.into_iter().enumerate() {
            let sum = if self.output_lane() { sum } else { e.fold(Fold::Sum, sum) };
            let sum = self.scaled(e, sum);
            let point = self.point(spot, number as u32);
            let place = point.place(e, self.scratch.0, &self.scratch.1, true);
            let old = e.load_at(place.clone(), point.lanes.count);
            let sum = e.add(old, sum);
            e.store_at(place, sum);
        }
    }

    /// Guards are tested once for all that lies inside the tile.
    fn taps(&self, e: &mut KernelBuilder, taps: &[usize], spot: &Spot) {
        if let Some((&axis, rest)) = taps.split_first() {
            return e.each(&self.group.axes[axis].hint, self.space.extents[axis], |e, var| {
                let mut spot = spot.clone();
                spot.at[axis] = Address::from(var);
                self.taps(e, rest, &spot);
            });
        }
        let point = self.point(spot, 0);
        let conditions: Vec<Condition> = self.root().guards.iter().map(|g| condition(&point, g)).collect();
        e.when(conditions, |e| {
            let sums = self.reloaded(e, spot);
            let sums = self.sweep(e, &self.tile.inner, spot, sums);
            for (number, sum) in sums.into_iter().enumerate() {
                let place = self.scratch(spot, number as u32);
                e.store_at(place, sum);
            }
        });
    }

    fn scratch(&self, spot: &Spot, number: u32) -> Place {
        let point = self.point(spot, number);
        let stride = self.scratch.1.coefficients[self.tile.lane];
        Place {
            buffer: self.scratch.0,
            address: point.address(&self.scratch.1),
            dynamic: None,
            stride,
            live: self.live(spot, number),
        }
    }

    fn reloaded(&self, e: &mut KernelBuilder, spot: &Spot) -> Vec<ValueId> {
        (0..spot.held * spot.stream)
            .map(|number| {
                let place = self.scratch(spot, number);
                e.load_at(place, self.tile.lanes)
            })
            .collect()
    }

    /// The reduced axes inside the tile.
    fn sweep(&self, e: &mut KernelBuilder, inner: &[usize], spot: &Spot, sums: Vec<ValueId>) -> Vec<ValueId> {
        let Some((&axis, rest)) = inner.split_first() else { return self.step(e, spot, sums) };
        let n = self.space.extents[axis];
        if axis != self.tile.lane {
            return e.repeat(&self.group.axes[axis].hint, n, &sums, |e, var, sums| {
                let mut spot = spot.clone();
                spot.at[axis] = Address::from(var);
                self.sweep(e, rest, &spot, sums.to_vec())
            });
        }
        let lanes = self.lanes as u32;
        let (full, tail) = (n / lanes, n % lanes);
        let mut sums = sums;
        if full > 0 {
            sums = e.repeat("l", full, &sums, |e, var, sums| {
                let mut spot = spot.clone();
                spot.at[axis] = Address::from(var) * self.lanes;
                self.step(e, &spot, sums.to_vec())
            });
        }
        if tail > 0 {
            let mut spot = spot.clone();
            spot.at[axis] = Address::from(i64::from(full * lanes));
            spot.live = tail as u16;
            sums = self.step(e, &spot, sums);
        }
        sums
    }

    /// One multiply-add for each point; what several points share is loaded once.
    fn step(&self, e: &mut KernelBuilder, spot: &Spot, mut sums: Vec<ValueId>) -> Vec<ValueId> {
        let mut loaded: [IndexMap<Address, ValueId>; 2] = [IndexMap::new(), IndexMap::new()];
        // What stays loaded comes first, each element that streams just before its use.
        for h in 0..spot.held {
            let at = self.positions(spot, h);
            for (which, operand) in [(0, &self.a), (1, &self.b)] {
                if self.tile.stream.is_none_or(|s| operand.1.coefficients[s.0] == 0) {
                    self.operand(e, operand, &at, self.live(spot, h), &mut loaded[which]);
                }
            }
        }
        for s in 0..spot.stream {
            for h in 0..spot.held {
                let number = s * spot.held + h;
                let at = self.positions(spot, number);
                let [a, b] = [(0, &self.a), (1, &self.b)]
                    .map(|(which, operand)| self.operand(e, operand, &at, self.live(spot, number), &mut loaded[which]));
                // The factor of the streamed axis is the one that is not needed again.
                let streams = self.tile.stream.is_some_and(|s| self.a.1.coefficients[s.0] != 0);
                let (first, second) = if streams { (a, b) } else { (b, a) };
                sums[number as usize] = e.fma(first, second, sums[number as usize]);
            }
        }
        sums
    }

    fn operand(
        &self,
        e: &mut KernelBuilder,
        (buffer, flat): &(BufferIx, Linear),
        at: &[Address],
        live: u16,
        loaded: &mut IndexMap<Address, ValueId>,
    ) -> ValueId {
        let address = address(flat, at);
        if let Some(&value) = loaded.get(&address) {
            return value;
        }
        let stride = flat.coefficients[self.tile.lane];
        let live = if stride == 0 { self.tile.lanes } else { live };
        let value = e
            .load_at(Place { buffer: *buffer, address: address.clone(), dynamic: None, stride, live }, self.tile.lanes);
        loaded.insert(address, value);
        value
    }

    /// The positions of one point, or vector, of the tile.
    fn positions(&self, spot: &Spot, number: u32) -> Vec<Address> {
        let mut at = spot.at.clone();
        let (s, h) = (i64::from(number / spot.held), i64::from(number % spot.held));
        let unit = if self.tile.held.0 == self.tile.lane { self.lanes } else { 1 };
        at[self.tile.held.0] += Address::from(h * unit);
        if let Some((axis, _)) = self.tile.stream {
            at[axis] += Address::from(s);
        }
        at
    }

    fn point(&self, spot: &Spot, number: u32) -> Point<'a> {
        let lanes = match self.output_lane() {
            true => Lanes { axis: Some(self.tile.lane), count: self.tile.lanes, live: self.live(spot, number) },
            false => Lanes { axis: None, count: 1, live: 1 },
        };
        Point {
            graph: self.graph,
            // The job lives as long as the point.
            buffers: self.buffers,
            at: self.positions(spot, number),
            pins: vec![None; spot.at.len()],
            ranges: self.space.ranges.clone(),
            lanes,
            known: IndexMap::new(),
            seen: IndexMap::new(),
        }
    }

    fn scaled(&self, e: &mut KernelBuilder, sum: ValueId) -> ValueId {
        if self.factor == 1.0 {
            return sum;
        }
        let lanes = e.type_of(sum).lanes;
        let factor = e.f32(self.factor, lanes);
        e.mul(sum, factor)
    }

    /// The maps that follow, and the stores.
    fn finish(&self, e: &mut KernelBuilder, spot: &Spot, sums: Vec<ValueId>) {
        for (number, sum) in sums.into_iter().enumerate() {
            let sum = if self.output_lane() { sum } else { e.fold(Fold::Sum, sum) };
            let sum = self.scaled(e, sum);
            let mut point = self.point(spot, number as u32);
            super::nest::store_all(e, &mut point, self.group, sum);
        }
    }
}

fn address(flat: &Linear, at: &[Address]) -> Address {
    let mut sum = Address::from(flat.constant);
    for (position, &c) in at.iter().zip(&flat.coefficients) {
        if c != 0 {
            sum += position.clone() * c;
        }
    }
    sum
}
