//! Random kernels: legal by construction, so the check must pass them, and interpreter and compiled code must give the
//! same bits. See tests/main.rs.

use crate::kernel::random;
use brolga::kernel::build::KernelBuilder;
use brolga::kernel::interp::{self, Data};
use brolga::kernel::*;
use brolga::runtime::jit;
use brolga::target::Target;

/// Numbers drawn one after another.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 += 1;
        let noise = brolga::noise::Noise::new(self.0, "dice", 0, false);
        (f64::from(noise.at(0, 0)) * sides as f64) as u64
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize]
    }
}

struct Maker {
    b: KernelBuilder,
    dice: Dice,
    parts: Vec<(VarId, u32)>,
    /// Open loops, turns and parts included.
    open: Vec<(VarId, u32)>,
    floats: BufferIx,
    wholes: BufferIx,
    /// Values that can be used.
    pool: Vec<ValueId>,
    /// The largest address of each buffer.
    reach: [i64; 2],
    outputs: Vec<(BufferIx, i64)>,
}

const LANES: [u16; 6] = [1, 4, 8, 12, 16, 32];

impl Maker {
    fn new(seed: u64) -> Maker {
        let mut b = KernelBuilder::new("random");
        let floats = b.buffer("x", Elem::F32, 1, BufferAccess::Read);
        let wholes = b.buffer("n", Elem::I32, 1, BufferAccess::Read);
        let mut maker = Maker {
            b,
            dice: Dice(seed << 32),
            parts: Vec::new(),
            open: Vec::new(),
            floats,
            wholes,
            pool: Vec::new(),
            reach: [0; 2],
            outputs: Vec::new(),
        };
        for _ in 0..maker.dice.roll(3) {
            let trip = 1 + maker.dice.roll(3) as u32;
            maker.open.push((maker.b.turn("t", trip), trip));
        }
        for _ in 0..maker.dice.roll(3) {
            let trip = 1 + maker.dice.roll(4) as u32;
            let var = maker.b.part("p", trip);
            maker.parts.push((var, trip));
        }
        maker.open.extend(maker.parts.clone());
        maker
    }

    /// A form that is never negative, and its largest value.
    fn form(&mut self) -> (Address, i64) {
        let mut form = Address::from(self.dice.roll(5) as i64);
        let mut most = form.constant;
        for (var, trip) in self.open.clone() {
            let factor = [0, 0, 1, 2, 4, 7, -1][self.dice.roll(7) as usize];
            form += var * factor;
            let far = factor * i64::from(trip - 1);
            if far < 0 {
                form += -far;
            } else {
                most += far;
            }
            most += (-far).max(0);
        }
        (form, most)
    }

    fn load(&mut self) -> ValueId {
        let (form, most) = self.form();
        let lanes = self.dice.pick(&LANES);
        let which = self.dice.roll(3) as usize / 2;
        let buffer = [self.floats, self.wholes][which];
        let live = if self.dice.roll(3) == 0 { 1 + self.dice.roll(u64::from(lanes)) as u16 } else { lanes };
        let stride = [1, 1, 1, 0, 2, 5][self.dice.roll(6) as usize];
        let mut place = Place::new(buffer, form, lanes).stride(stride).live(live);
        let mut most = most + stride * i64::from(live - 1);
        let index = self.pool.iter().copied().rfind(|&v| self.b.type_of(v) == Type { base: Base::I32, lanes: 1 });
        if let Some(index) = index
            && self.dice.roll(4) == 0
        {
            let limit = 1 + self.dice.roll(6) as u32;
            place = place.moved_by(index, 3, limit);
            most += 3 * i64::from(limit - 1);
        }
        self.reach[which] = self.reach[which].max(most);
        self.b.load_at(place, lanes)
    }

    /// A usable value of a type.
    fn of(&mut self, t: Type) -> ValueId {
        let fits: Vec<ValueId> = self.pool.iter().copied().filter(|&v| self.b.type_of(v) == t).collect();
        if !fits.is_empty() && self.dice.roll(8) > 0 {
            return self.dice.pick(&fits);
        }
        match t.base {
            Base::F32 => {
                let number = self.dice.pick(&[0.0, -0.0, 1.0, 0.3, -2.5, 1e-38]);
                self.b.f32(number, t.lanes)
            }
            Base::I32 => {
                let number = self.dice.pick(&[0, 1, -1, 33, 7]);
                self.b.i32(number, t.lanes)
            }
            Base::Bool => {
                let lanes = t.lanes;
                let (a, b) = (self.of(Type { base: Base::F32, lanes }), self.of(Type { base: Base::F32, lanes }));
                let compare = self.dice.pick(&[Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le]);
                self.b.compare(compare, a, b)
            }
        }
    }

    fn float(&mut self, lanes: u16) -> ValueId {
        self.of(Type { base: Base::F32, lanes })
    }

    fn whole(&mut self, lanes: u16) -> ValueId {
        self.of(Type { base: Base::I32, lanes })
    }

    fn operation(&mut self) -> ValueId {
        let lanes = self.dice.pick(&LANES);
        match self.dice.roll(12) {
            0 | 1 => self.load(),
            2 => {
                let op =
                    self.dice.pick(&[Unary::Neg, Unary::Abs, Unary::Sqrt, Unary::Floor, Unary::Nearest, Unary::ToInt]);
                let a = self.float(lanes);
                self.b.unary(op, a)
            }
            3 => {
                let a = self.whole(lanes);
                self.b.unary(Unary::ToFloat, a)
            }
            4 | 5 => {
                use Binary::{Add, Div, Max, Min, Mul, Sub};
                let op = self.dice.pick(&[Add, Sub, Mul, Div, Max, Min]);
                let (a, b) = (self.float(lanes), self.float(lanes));
                self.b.binary(op, a, b)
            }
            6 => {
                use Binary::{Add, And, Mul, Or, Shl, Shr, Sub, Xor};
                let op = self.dice.pick(&[Add, Sub, Mul, And, Or, Xor, Shl, Shr]);
                let (a, b) = (self.whole(lanes), self.whole(lanes));
                self.b.binary(op, a, b)
            }
            7 | 8 => {
                let (a, b, c) = (self.float(lanes), self.float(lanes), self.float(lanes));
                self.b.fma(a, b, c)
            }
            9 => {
                let base = self.dice.pick(&[Base::F32, Base::I32, Base::Bool]);
                let c = self.of(Type { base: Base::Bool, lanes });
                let (a, b) = (self.of(Type { base, lanes }), self.of(Type { base, lanes }));
                self.b.select(c, a, b)
            }
            10 => {
                let (a, fold) = (self.float(lanes), self.dice.pick(&[Fold::Sum, Fold::Max]));
                self.b.fold(fold, a)
            }
            _ => {
                let (form, _) = self.form();
                let one = self.dice.pick(&[Base::F32, Base::I32, Base::Bool]);
                let one = self.of(Type { base: one, lanes: 1 });
                match self.dice.roll(3) {
                    0 => self.b.index(form, lanes),
                    1 => self.b.iota(lanes),
                    _ => self.b.splat(one, lanes),
                }
            }
        }
    }

    /// Into a buffer of its own, each part at places of its own.
    fn store(&mut self) {
        let value = self.dice.pick(&self.pool.clone());
        let t = self.b.type_of(value);
        let elem = match t.base {
            Base::F32 => Elem::F32,
            Base::I32 => Elem::I32,
            Base::Bool => return,
        };
        let live = if self.dice.roll(3) == 0 { 1 + self.dice.roll(u64::from(t.lanes)) as u16 } else { t.lanes };
        let stride = [1, 1, 3][self.dice.roll(3) as usize];
        let mut size = stride * i64::from(live - 1) + 1;
        let mut form = Address::default();
        for (var, trip) in self.open.clone().into_iter().rev() {
            if self.parts.iter().any(|p| p.0 == var) || self.dice.roll(3) > 0 {
                form += var * size;
                size *= i64::from(trip);
            }
        }
        let buffer = self.b.buffer(&format!("z{}", self.outputs.len()), elem, size as u32, BufferAccess::Write);
        self.outputs.push((buffer, size));
        self.b.store_at(Place::new(buffer, form, t.lanes).stride(stride).live(live), value);
    }

    fn list(mut self, depth: u32) -> Maker {
        let known = self.pool.len();
        for _ in 0..3 + self.dice.roll(8) {
            let value = self.operation();
            self.pool.push(value);
        }
        self.store();
        if depth > 0 {
            self = if self.dice.roll(3) == 0 { self.branch(depth - 1) } else { self.repeat(depth - 1) };
            self.store();
        }
        self.pool.truncate(known.max(1));
        self
    }

    fn repeat(mut self, depth: u32) -> Maker {
        let trip = self.dice.pick(&[1, 2, 3, 5, 9, 30]);
        let usable: Vec<ValueId> = self.pool.clone();
        let init: Vec<ValueId> = (0..self.dice.roll(4)).map(|_| self.dice.pick(&usable)).collect();
        let known = self.pool.len();
        let mut rest = None;
        let b = std::mem::replace(&mut self.b, KernelBuilder::new("held"));
        let mut outer = b;
        let results = outer.repeat("l", trip, &init, |b, var, inside| {
            let mut maker = self;
            maker.b = std::mem::replace(b, KernelBuilder::new("held"));
            maker.open.push((var, trip));
            maker.pool.extend(inside);
            maker = maker.list(depth);
            let sums = maker.dice.roll(2) == 0;
            let next = inside.iter().map(|&v| maker.next(v, sums)).collect();
            maker.open.pop();
            maker.pool.truncate(known);
            *b = std::mem::replace(&mut maker.b, KernelBuilder::new("held"));
            rest = Some(maker);
            next
        });
        let mut maker = rest.unwrap();
        maker.b = outer;
        maker.pool.extend(results);
        maker
    }

    /// The next of a carried value: a multiply-add onto it, or any value of its type.
    fn next(&mut self, inside: ValueId, sum: bool) -> ValueId {
        let t = self.b.type_of(inside);
        if sum && t.base == Base::F32 {
            let (a, b) = (self.float(t.lanes), self.float(t.lanes));
            return self.b.fma(a, b, inside);
        }
        self.of(t)
    }

    fn branch(mut self, depth: u32) -> Maker {
        let (form, most) = self.form();
        let condition = match self.dice.roll(3) {
            0 => (form - most / 2).at_least_0(),
            1 => form.below(most / 2 + 1),
            _ => (form - most / 3).is_0(),
        };
        let mut rest = None;
        let mut outer = std::mem::replace(&mut self.b, KernelBuilder::new("held"));
        outer.when(vec![condition], |b| {
            self.b = std::mem::replace(b, KernelBuilder::new("held"));
            let mut maker = self.list(depth);
            *b = std::mem::replace(&mut maker.b, KernelBuilder::new("held"));
            rest = Some(maker);
        });
        let mut maker = rest.unwrap();
        maker.b = outer;
        maker
    }

    fn finish(mut self) -> Kernel {
        let first = self.load();
        self.pool.push(first);
        let maker = self.list(3);
        let mut kernel = maker.b.finish();
        for (buffer, most) in kernel.buffers.iter_mut().zip(maker.reach) {
            buffer.len = most as u32 + 1;
        }
        kernel
    }
}

#[test]
fn random_kernels_mean_the_same() {
    for seed in 1..=250 {
        let kernel = Maker::new(seed).finish();
        check::check(&kernel).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{kernel}"));
        let read: Kernel = parse::parse(&kernel.to_string()).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{kernel}"));
        assert_eq!(read.to_string(), kernel.to_string(), "seed {seed}");
        let mut ours: Vec<Data> = kernel.buffers.iter().map(random).collect();
        let given = ours.clone();
        interp::run(&kernel, &mut ours);
        for target in Target::here() {
            let mut theirs = given.clone();
            jit::run_once(&kernel, target, &mut theirs).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{kernel}"));
            for ((buffer, a), b) in kernel.buffers.iter().zip(&ours).zip(&theirs) {
                let same = a.bits() == b.bits();
                assert!(same, "seed {seed}, {}: {a:?} interpreted, {b:?} by {target:?}\n{kernel}", buffer.name);
            }
        }
    }
}

/// A product's tile with random extents: rows by vectors, a loop that is unrolled or not, in every style.
#[test]
fn random_tiles_mean_the_same_in_every_style() {
    for seed in 1..=20 {
        let kernel = random_tile(&mut Dice(seed << 40));
        let mut ours: Vec<Data> = kernel.buffers.iter().map(random).collect();
        let given = ours.clone();
        interp::run(&kernel, &mut ours);
        for style in 0..brolga::codegen::clif::STYLE_COUNT {
            let mut theirs = given.clone();
            jit::run_in_style(&kernel, style, &mut theirs).unwrap();
            assert!(ours[2].bits() == theirs[2].bits(), "seed {seed}, style {style}\n{kernel}");
        }
    }
}

fn random_tile(dice: &mut Dice) -> Kernel {
    let (rows, lanes) = (1 + dice.roll(6) as i64, dice.pick(&[4, 8, 12]));
    let (outer, inner) = (1 + dice.roll(3) as u32, 1 + dice.roll(23) as u32);
    let (splat, turned) = (dice.roll(2) == 0, dice.roll(2) == 0);
    let mut b = KernelBuilder::new("tile");
    let (width, depth) = (i64::from(lanes), i64::from(outer * inner));
    let x = b.buffer("x", Elem::F32, (rows * depth * width) as u32, BufferAccess::Read);
    let y = b.buffer("y", Elem::F32, (depth * width) as u32, BufferAccess::Read);
    let z = b.buffer("z", Elem::F32, (rows * width) as u32, BufferAccess::Write);
    let zero = b.f32(0.0, lanes);
    let sums = b.repeat("u", outer, &vec![zero; rows as usize], |b, u, sums| {
        b.repeat("k", inner, sums, |b, k, sums| {
            let step = u * i64::from(inner) + k;
            let held = b.load(y, step.clone() * width, lanes);
            let mut next = Vec::new();
            for (row, &sum) in (0..rows).zip(sums) {
                let at = step.clone() * width + row * depth * width;
                let fresh = if splat { b.load_splat(x, at, lanes) } else { b.load(x, at, lanes) };
                next.push(if turned { b.fma(held, fresh, sum) } else { b.fma(fresh, held, sum) });
            }
            next
        })
    });
    for (row, sum) in (0..rows).zip(sums) {
        b.store(z, row * width, sum);
    }
    b.finish()
}
