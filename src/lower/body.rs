//! The value of an equation's body at one point, or at `lanes` neighbouring points.
//!
//! **Invariants**: a load whose range is not proved over the whole box reads at a clamped address, and what it gives is
//! only used where its guards hold; lanes differ in one axis only, by steps of one.

use super::math;
use crate::graph::{Access, Affine, Binary, Cmp, Cond, Dtype, Expr, ExprId, Graph, Guard, Rel, Sign, TensorId, Unary};
use crate::kernel::build::KernelBuilder;
use crate::kernel::{self, Address, BufferIx, Compare, Dynamic, Elem, Op, Place, ValueId};
use crate::schedule::space::{Linear, Range, flatten, in_range, interval, linear};
use indexmap::IndexMap;

/// Where the lanes lie.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    /// None: one lane.
    pub axis: Option<usize>,
    pub count: u16,
    pub live: u16,
}

/// One point of the box, and what is known there.
#[derive(Clone)]
pub struct Point<'a> {
    pub graph: &'a Graph,
    pub buffers: &'a IndexMap<TensorId, BufferIx>,
    /// The position on each axis; of lane 0 on the lane axis.
    pub at: Vec<Address>,
    /// An axis whose position is a value: an i32 of one lane.
    pub pins: Vec<Option<ValueId>>,
    /// The range of each axis in the part of the box that is emitted.
    pub ranges: Vec<Range>,
    pub lanes: Lanes,
    /// Elements that are at hand: those of the group at this very point.
    pub known: IndexMap<Access, ValueId>,
    /// Expressions already emitted at this point.
    pub seen: IndexMap<ExprId, ValueId>,
}

/// What is known of a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Truth {
    Always,
    Never,
    /// A truth value of all lanes.
    Sometimes(ValueId),
}

impl Point<'_> {
    /// The value of an expression in all lanes.
    pub fn value(&mut self, e: &mut KernelBuilder, expr: ExprId) -> ValueId {
        if let Some(&v) = self.seen.get(&expr) {
            return v;
        }
        let graph = self.graph;
        let value = match &graph.exprs[expr] {
            Expr::Const(c) => e.f32(c.0 as f32, self.lanes.count),
            Expr::Load(access) => self.load(e, access),
            Expr::Index(form) => {
                let whole = self.form(e, form);
                e.unary(kernel::Unary::ToFloat, whole)
            }
            Expr::Unary(op, a) => {
                let a = self.value(e, *a);
                math::unary(e, *op, a)
            }
            Expr::Binary(op, a, b) => self.binary(e, *op, *a, *b),
            Expr::Select(cond, a, b) => self.choice(e, cond, *a, *b),
        };
        self.seen.insert(expr, value);
        value
    }

    /// Sums of products are rounded once.
    fn binary(&mut self, e: &mut KernelBuilder, op: Binary, a: ExprId, b: ExprId) -> ValueId {
        let graph = self.graph;
        if let (Binary::Add, Expr::Binary(Binary::Mul, x, y)) = (op, &graph.exprs[a]) {
            return self.multiply_add(e, *x, *y, b);
        }
        if let (Binary::Add, Expr::Binary(Binary::Mul, x, y)) = (op, &graph.exprs[b]) {
            return self.multiply_add(e, *x, *y, a);
        }
        let (a, b) = (self.value(e, a), self.value(e, b));
        let op = match op {
            Binary::Add => kernel::Binary::Add,
            Binary::Sub => kernel::Binary::Sub,
            Binary::Mul => kernel::Binary::Mul,
            Binary::Div => kernel::Binary::Div,
            Binary::Max => kernel::Binary::Max,
        };
        e.binary(op, a, b)
    }

    fn multiply_add(&mut self, e: &mut KernelBuilder, x: ExprId, y: ExprId, z: ExprId) -> ValueId {
        let (x, y) = (self.value(e, x), self.value(e, y));
        let z = self.value(e, z);
        e.fma(x, y, z)
    }

    /// `body` added to `sum`, in one operation where the body is a product.
    pub fn add_to(&mut self, e: &mut KernelBuilder, sum: ValueId, body: ExprId) -> ValueId {
        let graph = self.graph;
        if let Expr::Binary(Binary::Mul, x, y) = &graph.exprs[body] {
            let (x, y) = (self.value(e, *x), self.value(e, *y));
            return e.fma(x, y, sum);
        }
        let value = self.value(e, body);
        e.add(sum, value)
    }

    fn choice(&mut self, e: &mut KernelBuilder, cond: &Cond, a: ExprId, b: ExprId) -> ValueId {
        match self.cond(e, cond) {
            Truth::Always => self.value(e, a),
            Truth::Never => self.value(e, b),
            Truth::Sometimes(c) => {
                let (a, b) = (self.value(e, a), self.value(e, b));
                e.select(c, a, b)
            }
        }
    }

    fn cond(&mut self, e: &mut KernelBuilder, cond: &Cond) -> Truth {
        match cond {
            Cond::Guards(guards) => self.all(e, guards),
            Cond::Compare(cmp, a, b) => {
                let (a, b) = (self.value(e, *a), self.value(e, *b));
                let cmp = match cmp {
                    Cmp::Lt => Compare::Lt,
                    Cmp::Le => Compare::Le,
                    Cmp::Eq => Compare::Eq,
                };
                Truth::Sometimes(e.compare(cmp, a, b))
            }
        }
    }

    /// Whether all guards hold.
    pub fn all(&mut self, e: &mut KernelBuilder, guards: &[Guard]) -> Truth {
        let mut sum = Truth::Always;
        for guard in guards {
            let one = self.guard(e, guard);
            sum = match (sum, one) {
                (Truth::Never, _) | (_, Truth::Never) => return Truth::Never,
                (Truth::Always, x) | (x, Truth::Always) => x,
                (Truth::Sometimes(a), Truth::Sometimes(b)) => Truth::Sometimes(e.binary(kernel::Binary::And, a, b)),
            };
        }
        sum
    }

    fn guard(&mut self, e: &mut KernelBuilder, guard: &Guard) -> Truth {
        if let Some(known) = self.known_guard(guard) {
            return if known { Truth::Always } else { Truth::Never };
        }
        let mut form = self.form(e, &guard.form);
        if let Some((sign, access)) = &guard.data {
            let data = self.integer(e, access);
            form = match sign {
                Sign::Plus => e.add(form, data),
                Sign::Minus => e.sub(form, data),
            };
        }
        let zero = e.i32(0, self.lanes.count);
        Truth::Sometimes(match guard.rel {
            Rel::Ge => e.compare(Compare::Le, zero, form),
            Rel::Eq => e.compare(Compare::Eq, form, zero),
        })
    }

    /// What the ranges say about a guard without data.
    fn known_guard(&self, guard: &Guard) -> Option<bool> {
        if guard.data.is_some() {
            return None;
        }
        let (lo, hi) = interval(&guard.form, &self.ranges);
        match guard.rel {
            Rel::Ge if lo >= 0 => Some(true),
            Rel::Ge if hi < 0 => Some(false),
            Rel::Eq if lo == 0 && hi == 0 => Some(true),
            Rel::Eq if lo > 0 || hi < 0 => Some(false),
            Rel::Ge | Rel::Eq => None,
        }
    }

    /// An element of an index tensor, or of an ArgMax, as i32.
    pub fn integer(&mut self, e: &mut KernelBuilder, access: &Access) -> ValueId {
        let value = self.raw_load(e, access);
        if e.type_of(value).base == kernel::Base::F32 { e.unary(kernel::Unary::ToInt, value) } else { value }
    }

    fn load(&mut self, e: &mut KernelBuilder, access: &Access) -> ValueId {
        let value = self.raw_load(e, access);
        if e.type_of(value).base == kernel::Base::I32 { e.unary(kernel::Unary::ToFloat, value) } else { value }
    }

    fn raw_load(&mut self, e: &mut KernelBuilder, access: &Access) -> ValueId {
        if let Some(&v) = self.known.get(access) {
            return if e.type_of(v).lanes == self.lanes.count { v } else { e.splat(v, self.lanes.count) };
        }
        let shape = &self.graph.tensors[access.tensor].shape;
        let flat = flatten(&access.index, shape, self.at.len());
        let safe = in_range(access, shape, &self.ranges);
        let place = self.place(e, self.buffers[&access.tensor], &flat, safe);
        let lanes = self.lanes.count;
        if place.stride == 0 && self.lanes.live < lanes && lanes > 1 {
            let one = e.load_at(Place { live: 1, ..place }, 1);
            return e.splat(one, lanes);
        }
        e.load_at(place, lanes)
    }

    /// The place of a flat address at this point.
    pub fn place(&self, e: &mut KernelBuilder, buffer: BufferIx, flat: &Linear, safe: bool) -> Place {
        let address = self.address(flat);
        let stride = self.lanes.axis.map_or(0, |a| flat.coefficients[a]);
        let live = self.lanes.live;
        let pinned: Vec<usize> =
            (0..self.at.len()).filter(|&a| self.pins[a].is_some() && flat.coefficients[a] != 0).collect();
        if safe && pinned.is_empty() {
            return Place { buffer, address, dynamic: None, stride, live };
        }
        if let (true, [axis]) = (safe, pinned.as_slice()) {
            let value = self.pins[*axis].expect("only pinned axes were kept");
            let (scale, limit) = (flat.coefficients[*axis], (self.ranges[*axis].1 + 1) as u32);
            if scale > 0 {
                return Place { buffer, address, dynamic: Some(Dynamic { value, scale, limit }), stride, live };
            }
        }
        self.clamped(e, buffer, flat, stride)
    }

    /// A place whose whole address is a value, clamped to the buffer.
    fn clamped(&self, e: &mut KernelBuilder, buffer: BufferIx, flat: &Linear, stride: i64) -> Place {
        let span = stride.abs() * (i64::from(self.lanes.live) - 1);
        let start = if stride < 0 { span } else { 0 };
        let address = self.address(flat) - start;
        let mut value = e.index(address, 1);
        for (axis, pin) in self.pins.iter().enumerate() {
            let Some(pin) = *pin else { continue };
            if flat.coefficients[axis] != 0 {
                let by = e.i32(flat.coefficients[axis] as i32, 1);
                let step = e.mul(pin, by);
                value = e.add(value, step);
            }
        }
        let limit = (i64::from(e.buffer_info(buffer).len) - span).max(1) as u32;
        let dynamic = Some(Dynamic { value, scale: 1, limit });
        Place { buffer, address: Address::from(start), dynamic, stride, live: self.lanes.live }
    }

    /// The affine part of a flat address; pinned axes count 0.
    pub fn address(&self, flat: &Linear) -> Address {
        let mut sum = Address::from(flat.constant);
        for (axis, &c) in flat.coefficients.iter().enumerate() {
            if c != 0 && self.pins[axis].is_none() {
                sum += self.at[axis].clone() * c;
            }
        }
        sum
    }

    /// The value of a form in each lane.
    pub fn form(&self, e: &mut KernelBuilder, form: &Affine) -> ValueId {
        let flat = linear(form, self.at.len());
        let lanes = self.lanes.count;
        let mut value = e.index(self.address(&flat), lanes);
        for (axis, pin) in self.pins.iter().enumerate() {
            let (Some(pin), c) = (*pin, flat.coefficients[axis]) else { continue };
            if c != 0 {
                let (pin, by) = (e.splat(pin, lanes), e.i32(c as i32, lanes));
                let step = e.mul(pin, by);
                value = e.add(value, step);
            }
        }
        let step = self.lanes.axis.map_or(0, |a| flat.coefficients[a]);
        if step != 0 && lanes > 1 {
            let (iota, by) = (e.iota(lanes), e.i32(step as i32, lanes));
            let steps = e.mul(iota, by);
            value = e.add(value, steps);
        }
        value
    }

    /// Which lanes are live, where not all are.
    pub fn live_lanes(&self, e: &mut KernelBuilder) -> Truth {
        if self.lanes.live == self.lanes.count {
            return Truth::Always;
        }
        let iota = e.iota(self.lanes.count);
        let limit = e.i32(i32::from(self.lanes.live), self.lanes.count);
        Truth::Sometimes(e.compare(Compare::Lt, iota, limit))
    }

    /// `if c { a } else { b }`
    pub fn pick(&self, e: &mut KernelBuilder, c: Truth, a: ValueId, b: ValueId) -> ValueId {
        match c {
            Truth::Always => a,
            Truth::Never => b,
            Truth::Sometimes(c) => e.select(c, a, b),
        }
    }

    /// Both conditions.
    pub fn both(&self, e: &mut KernelBuilder, a: Truth, b: Truth) -> Truth {
        match (a, b) {
            (Truth::Never, _) | (_, Truth::Never) => Truth::Never,
            (Truth::Always, x) | (x, Truth::Always) => x,
            (Truth::Sometimes(a), Truth::Sometimes(b)) => {
                let lanes = e.type_of(a).lanes;
                Truth::Sometimes(e.make(kernel::Base::Bool, lanes, Op::Binary(kernel::Binary::And, a, b)))
            }
        }
    }
}

/// How a tensor's elements lie in memory.
pub fn elem(dtype: Dtype) -> Elem {
    match dtype {
        Dtype::Real => Elem::F32,
        Dtype::Index(_) => Elem::I32,
    }
}

/// Whether a function takes many operations.
pub fn costly(op: Unary) -> bool {
    match op {
        Unary::Neg | Unary::Abs | Unary::Stop | Unary::Sqrt => false,
        Unary::Exp
        | Unary::Log
        | Unary::LogSigmoid
        | Unary::Tanh
        | Unary::Sigmoid
        | Unary::Erf
        | Unary::Sin
        | Unary::Cos => true,
    }
}
