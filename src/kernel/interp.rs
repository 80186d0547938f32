//! The definition of what a kernel means: one lane at a time, slow and obvious. Every back end gives these bits,
//! except that a NaN may be any NaN.
//!
//! Needs a checked kernel; a wrong address or type is a panic. A lane is held as its 32 bits; a truth value is 0 or 1.

use super::*;

/// The contents of a buffer.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    F32(Vec<f32>),
    I32(Vec<i32>),
}

impl Data {
    /// Zeros.
    pub fn zeros(elem: Elem, len: usize) -> Data {
        match elem {
            Elem::F32 => Data::F32(vec![0.0; len]),
            Elem::I32 => Data::I32(vec![0; len]),
        }
    }

    /// The bits of each element, all NaNs as one.
    pub fn bits(&self) -> Vec<u32> {
        match self {
            Data::F32(v) => v.iter().map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }).collect(),
            Data::I32(v) => v.iter().map(|&x| x as u32).collect(),
        }
    }

    fn get(&self, at: i64) -> u32 {
        let at = usize::try_from(at).expect("checked addresses are not negative");
        match self {
            Data::F32(v) => v[at].to_bits(),
            Data::I32(v) => v[at] as u32,
        }
    }

    fn set(&mut self, at: i64, bits: u32) {
        let at = usize::try_from(at).expect("checked addresses are not negative");
        match self {
            Data::F32(v) => v[at] = f32::from_bits(bits),
            Data::I32(v) => v[at] = bits as i32,
        }
    }
}

/// Runs all parts, in order, of all turns, in order.
pub fn run(kernel: &Kernel, buffers: &mut [Data]) {
    each_turn(&kernel.trips(), &mut |turns| run_turn(kernel, buffers, turns));
}

/// Runs all parts, in order, of one turn of the loops that the kernel is called in.
pub fn run_turn(kernel: &Kernel, buffers: &mut [Data], turns: &[u64]) {
    run_parts(kernel, buffers, turns, 0, kernel.part_count());
}

/// Calls `work` with all turns of loops with these trips, the last one fastest; once without a loop.
pub fn each_turn(trips: &[u32], work: &mut dyn FnMut(&[u64])) {
    let mut turns = vec![0; trips.len()];
    if trips.contains(&0) {
        return;
    }
    loop {
        work(&turns);
        let Some(next) = (0..trips.len()).rposition(|at| turns[at] + 1 < u64::from(trips[at])) else { return };
        turns[next] += 1;
        turns[next + 1..].fill(0);
    }
}

/// Runs the parts `first .. end` of a turn; a part's number is read in the mixed radix of `parts`, the last one
/// fastest.
pub fn run_parts(kernel: &Kernel, buffers: &mut [Data], turns: &[u64], first: u64, end: u64) {
    assert_eq!(turns.len(), kernel.turns.len(), "kernel {} is called in other loops", kernel.name);
    assert_eq!(buffers.len(), kernel.buffers.len(), "kernel {} wants another number of buffers", kernel.name);
    let mut machine =
        Machine { kernel, buffers, vars: vec![0; kernel.vars.len()], values: vec![Vec::new(); kernel.values.len()] };
    for (&(var, _), &turn) in kernel.turns.iter().zip(turns) {
        machine.vars[var.index()] = turn as i64;
    }
    for part in first..end {
        let mut rest = part;
        for &(var, trip) in kernel.parts.iter().rev() {
            machine.vars[var.index()] = (rest % u64::from(trip)) as i64;
            rest /= u64::from(trip);
        }
        machine.list(&kernel.body);
    }
}

struct Machine<'a> {
    kernel: &'a Kernel,
    buffers: &'a mut [Data],
    vars: Vec<i64>,
    /// The lanes of each value.
    values: Vec<Vec<u32>>,
}

impl Machine<'_> {
    fn list(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            match stmt {
                Stmt::Let(value, op) => self.values[value.index()] = self.op(self.kernel.values[*value], op),
                Stmt::Loop(l) => self.repeat(l),
                Stmt::If { conditions, then, otherwise } => {
                    let all = conditions.iter().all(|c| self.holds(c));
                    self.list(if all { then } else { otherwise });
                }
                Stmt::Store { place, value } => self.store(place, *value),
            }
        }
    }

    fn repeat(&mut self, l: &Loop) {
        let mut around: Vec<Vec<u32>> = l.carried.iter().map(|c| self.lanes(c.init).to_vec()).collect();
        for turn in 0..l.trip {
            self.vars[l.var.index()] = i64::from(turn);
            for (c, lanes) in l.carried.iter().zip(around) {
                self.values[c.inside.index()] = lanes;
            }
            self.list(&l.body);
            around = l.carried.iter().map(|c| self.lanes(c.next).to_vec()).collect();
        }
        for (c, lanes) in l.carried.iter().zip(around) {
            self.values[c.result.index()] = lanes;
        }
    }

    fn holds(&self, condition: &Condition) -> bool {
        let value = self.form(&condition.form);
        if condition.equal { value == 0 } else { value >= 0 }
    }

    fn form(&self, form: &Address) -> i64 {
        form.eval(|var| self.vars[var.index()])
    }

    fn lanes(&self, value: ValueId) -> &[u32] {
        &self.values[value.index()]
    }

    /// The address of lane 0.
    fn base(&self, place: &Place) -> i64 {
        let moved = place.dynamic.map_or(0, |d| {
            let value = i64::from(self.lanes(d.value)[0] as i32);
            d.scale * value.clamp(0, i64::from(d.limit) - 1)
        });
        self.form(&place.address) + moved
    }

    fn store(&mut self, place: &Place, value: ValueId) {
        let base = self.base(place);
        for lane in 0..usize::from(place.live) {
            let bits = self.lanes(value)[lane];
            self.buffers[usize::from(place.buffer)].set(base + place.stride * lane as i64, bits);
        }
    }

    fn load(&self, place: &Place, lanes: u16) -> Vec<u32> {
        let base = self.base(place);
        let buffer = &self.buffers[usize::from(place.buffer)];
        let lane = |l: u16| if l < place.live { buffer.get(base + place.stride * i64::from(l)) } else { 0 };
        (0..lanes).map(lane).collect()
    }

    fn op(&self, t: Type, op: &Op) -> Vec<u32> {
        let all = |bits: u32| vec![bits; usize::from(t.lanes)];
        match op {
            Op::F32(x) => all(x.to_bits()),
            Op::I32(x) => all(*x as u32),
            Op::Load(place) => self.load(place, t.lanes),
            Op::Splat(a) => all(self.lanes(*a)[0]),
            Op::Index(form) => all(self.form(form) as i32 as u32),
            Op::Iota => (0..u32::from(t.lanes)).collect(),
            Op::Unary(op, a) => self.lanes(*a).iter().map(|&a| unary(*op, a)).collect(),
            Op::Binary(op, a, b) => self.zip(*a, *b, |a, b| binary(*op, t.base, a, b)),
            Op::Fma(a, b, c) => {
                let lanes = self.lanes(*a).iter().zip(self.lanes(*b)).zip(self.lanes(*c));
                lanes.map(|((&a, &b), &c)| fma(f(a), f(b), f(c)).to_bits()).collect()
            }
            Op::Compare(op, a, b) => {
                let base = self.kernel.values[*a].base;
                self.zip(*a, *b, |a, b| u32::from(compare(*op, base, a, b)))
            }
            Op::Select(c, a, b) => {
                let lanes = self.lanes(*c).iter().zip(self.lanes(*a)).zip(self.lanes(*b));
                lanes.map(|((&c, &a), &b)| if c != 0 { a } else { b }).collect()
            }
            Op::Fold(op, a) => vec![fold(*op, self.lanes(*a))],
        }
    }

    fn zip(&self, a: ValueId, b: ValueId, f: impl Fn(u32, u32) -> u32) -> Vec<u32> {
        self.lanes(a).iter().zip(self.lanes(b)).map(|(&a, &b)| f(a, b)).collect()
    }
}

/// Lane l with lane l + n/2 until one is left, behind padding to a power of two.
fn fold(op: Fold, lanes: &[u32]) -> u32 {
    let (identity, combine) = match op {
        // -0 is the identity of addition: -0 + x has the bits of x for every x.
        Fold::Sum => (-0.0_f32, Binary::Add),
        Fold::Max => (f32::NEG_INFINITY, Binary::Max),
    };
    let mut lanes = lanes.to_vec();
    lanes.resize(lanes.len().next_power_of_two(), identity.to_bits());
    while lanes.len() > 1 {
        let half = lanes.len() / 2;
        lanes = (0..half).map(|l| binary(combine, Base::F32, lanes[l], lanes[l + half])).collect();
    }
    lanes[0]
}

fn f(bits: u32) -> f32 {
    f32::from_bits(bits)
}

fn unary(op: Unary, a: u32) -> u32 {
    match op {
        Unary::Neg => a ^ 0x8000_0000,
        Unary::Abs => a & 0x7fff_ffff,
        Unary::Sqrt => libm::sqrtf(f(a)).to_bits(),
        Unary::Floor => libm::floorf(f(a)).to_bits(),
        Unary::Nearest => libm::rintf(f(a)).to_bits(),
        // Rust's cast saturates and takes NaN to 0.
        Unary::ToInt => f(a) as i32 as u32,
        Unary::ToFloat => (a as i32 as f32).to_bits(),
        Unary::Bits | Unary::FromBits => a,
    }
}

fn binary(op: Binary, base: Base, a: u32, b: u32) -> u32 {
    match base {
        Base::F32 => float(op, f(a), f(b)).to_bits(),
        Base::I32 | Base::Bool => whole(op, a as i32, b as i32) as u32,
    }
}

fn float(op: Binary, a: f32, b: f32) -> f32 {
    match op {
        // Sums and differences of f32 that are not normal are exact.
        Binary::Add => flush(a + b, f64::from(a) + f64::from(b)),
        Binary::Sub => flush(a - b, f64::from(a) - f64::from(b)),
        Binary::Mul => flush(a * b, f64::from(a) * f64::from(b)),
        Binary::Div => flush(a / b, f64::from(a) / f64::from(b)),
        Binary::Max => {
            if b < a {
                a
            } else {
                b
            }
        }
        Binary::Min => {
            if a < b {
                a
            } else {
                b
            }
        }
        Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => {
            panic!("{op:?} is not defined on f32")
        }
    }
}

fn whole(op: Binary, a: i32, b: i32) -> i32 {
    match op {
        Binary::Add => a.wrapping_add(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Mul => a.wrapping_mul(b),
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::Shl => a.wrapping_shl(b as u32),
        Binary::Shr => a.wrapping_shr(b as u32),
        Binary::Div | Binary::Max | Binary::Min => panic!("{op:?} is not defined on i32"),
    }
}

/// `a * b + c` rounded once. The product is exact in f64; its sum with `c` is rounded to odd there, so that the flush
/// and the last rounding see on which side of a tie the true value lies (Boldo and Melquiond, "Emulation of a FMA and
/// correctly rounded sums", 2008).
fn fma(a: f32, b: f32, c: f32) -> f32 {
    let product = f64::from(a) * f64::from(b);
    let c = f64::from(c);
    let sum = product + c;
    let part = sum - product;
    let error = (product - (sum - part)) + (c - part);
    let towards = if error == 0.0 || !error.is_finite() || sum.to_bits() & 1 == 1 {
        sum
    } else if (error > 0.0) == (sum > 0.0) {
        f64::from_bits(sum.to_bits() + 1)
    } else {
        f64::from_bits(sum.to_bits() - 1)
    };
    flush(towards as f32, towards)
}

/// What arithmetic leaves of a rounded result: a zero with the sign of the exact value if that, rounded to 24 bits
/// with any exponent, is smaller than the smallest normal number. (This is "flush to zero" of x86-64.)
/// `exact` is the value before rounding to f32, or on the same side of the threshold.
fn flush(rounded: f32, exact: f64) -> f32 {
    // 2^-126 * (1 - 2^-25): the tie that rounds, to even, up to the smallest normal number.
    const THRESHOLD: f64 = f32::MIN_POSITIVE as f64 * (1.0 - 1.0 / (1u64 << 25) as f64);
    if exact != 0.0 && exact.abs() < THRESHOLD { 0.0_f32.copysign(rounded) } else { rounded }
}

fn compare(op: Compare, base: Base, a: u32, b: u32) -> bool {
    match base {
        Base::F32 => ordered(op, f(a), f(b)) && !f(a).is_nan() && !f(b).is_nan(),
        Base::I32 | Base::Bool => ordered(op, a as i32, b as i32),
    }
}

fn ordered<T: PartialOrd>(op: Compare, a: T, b: T) -> bool {
    match op {
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        Compare::Lt => a < b,
        Compare::Le => a <= b,
    }
}
