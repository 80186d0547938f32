//! Makes kernels: each call adds one statement where the builder stands and infers the type of its value.
//!
//! ```
//! use brolga::kernel::{build::KernelBuilder, BufferAccess, Elem};
//! let mut b = KernelBuilder::new("dot");
//! let x = b.buffer("x", Elem::F32, 100, BufferAccess::Read);
//! let y = b.buffer("y", Elem::F32, 1, BufferAccess::Write);
//! let zero = b.f32(0.0, 4);
//! let sums = b.repeat("k", 25, &[zero], |b, k, sums| {
//!     let v = b.load(x, k * 4, 4);
//!     vec![b.fma(v, v, sums[0])]
//! });
//! let sum = b.fold(brolga::kernel::Fold::Sum, sums[0]);
//! b.store(y, 0, sum);
//! let kernel = b.finish();
//! ```
//!
//! It holds no invariant by itself: `check::check` proves what was built.

use super::*;

/// Builds one kernel; see the room's example.
pub struct KernelBuilder {
    kernel: Kernel,
    /// The statement lists that are being written, the innermost last.
    open: Vec<Vec<Stmt>>,
}

impl KernelBuilder {
    /// An empty kernel.
    pub fn new(name: &str) -> KernelBuilder {
        let kernel = Kernel {
            name: name.into(),
            buffers: Vec::new(),
            turns: Vec::new(),
            parts: Vec::new(),
            values: Arena::new(),
            vars: Arena::new(),
            body: Vec::new(),
        };
        KernelBuilder { kernel, open: vec![Vec::new()] }
    }

    /// Declares a buffer of `len` elements.
    pub fn buffer(&mut self, name: &str, elem: Elem, len: u32, access: BufferAccess) -> BufferIx {
        self.kernel.buffers.push(Buffer { name: name.into(), elem, len, access });
        BufferIx::try_from(self.kernel.buffers.len() - 1).expect("a kernel has few buffers")
    }

    /// Adds a loop, inside those added before, that the kernel is called in: the plan runs it.
    pub fn turn(&mut self, name: &str, trip: u32) -> VarId {
        let var = self.kernel.vars.push(LoopVar(name.into()));
        self.kernel.turns.push((var, trip));
        var
    }

    /// Adds a loop, inside those added before, whose turns are parts that run in any order.
    pub fn part(&mut self, name: &str, trip: u32) -> VarId {
        let var = self.kernel.vars.push(LoopVar(name.into()));
        self.kernel.parts.push((var, trip));
        var
    }

    /// The finished kernel.
    pub fn finish(mut self) -> Kernel {
        assert_eq!(self.open.len(), 1, "a loop or branch of kernel {} is still open", self.kernel.name);
        self.kernel.body = self.open.pop().expect("the body is open");
        self.kernel
    }

    /// The type of a value.
    pub fn type_of(&self, value: ValueId) -> Type {
        self.kernel.values[value]
    }

    /// What was declared of a buffer.
    pub fn buffer_info(&self, buffer: BufferIx) -> &Buffer {
        &self.kernel.buffers[usize::from(buffer)]
    }

    fn push(&mut self, stmt: Stmt) {
        self.open.last_mut().expect("the body is open").push(stmt);
    }

    /// Adds `v = op` with the type of `v` given.
    pub fn make(&mut self, base: Base, lanes: u16, op: Op) -> ValueId {
        let value = self.kernel.values.push(Type { base, lanes });
        self.push(Stmt::Let(value, op));
        value
    }

    /// A number in all lanes.
    pub fn f32(&mut self, number: f32, lanes: u16) -> ValueId {
        self.make(Base::F32, lanes, Op::F32(number))
    }

    /// A whole number in all lanes.
    pub fn i32(&mut self, number: i32, lanes: u16) -> ValueId {
        self.make(Base::I32, lanes, Op::I32(number))
    }

    /// The value of a form as i32, in all lanes.
    pub fn index(&mut self, form: impl Into<Address>, lanes: u16) -> ValueId {
        self.make(Base::I32, lanes, Op::Index(form.into()))
    }

    /// 0, 1, 2, ...
    pub fn iota(&mut self, lanes: u16) -> ValueId {
        self.make(Base::I32, lanes, Op::Iota)
    }

    /// Elements side by side.
    pub fn load(&mut self, buffer: BufferIx, address: impl Into<Address>, lanes: u16) -> ValueId {
        self.load_at(Place::new(buffer, address, lanes), lanes)
    }

    /// One element into all lanes.
    pub fn load_splat(&mut self, buffer: BufferIx, address: impl Into<Address>, lanes: u16) -> ValueId {
        self.load_at(Place::new(buffer, address, lanes).stride(0), lanes)
    }

    /// A load from any place.
    pub fn load_at(&mut self, place: Place, lanes: u16) -> ValueId {
        let base = match self.buffer_info(place.buffer).elem {
            Elem::F32 => Base::F32,
            Elem::I32 => Base::I32,
        };
        self.make(base, lanes, Op::Load(place))
    }

    /// Stores all lanes side by side.
    pub fn store(&mut self, buffer: BufferIx, address: impl Into<Address>, value: ValueId) {
        let lanes = self.type_of(value).lanes;
        self.store_at(Place::new(buffer, address, lanes), value);
    }

    /// A store to any place.
    pub fn store_at(&mut self, place: Place, value: ValueId) {
        self.push(Stmt::Store { place, value });
    }

    /// A one-lane value in all of `lanes` lanes.
    pub fn splat(&mut self, value: ValueId, lanes: u16) -> ValueId {
        let base = self.type_of(value).base;
        self.make(base, lanes, Op::Splat(value))
    }

    /// An operation of one operand.
    pub fn unary(&mut self, op: Unary, a: ValueId) -> ValueId {
        let Type { base, lanes } = self.type_of(a);
        let base = match op {
            Unary::Neg | Unary::Abs | Unary::Sqrt | Unary::Floor | Unary::Nearest => base,
            Unary::ToInt | Unary::Bits => Base::I32,
            Unary::ToFloat | Unary::FromBits => Base::F32,
        };
        self.make(base, lanes, Op::Unary(op, a))
    }

    /// An operation of two operands.
    pub fn binary(&mut self, op: Binary, a: ValueId, b: ValueId) -> ValueId {
        let Type { base, lanes } = self.type_of(a);
        self.make(base, lanes, Op::Binary(op, a, b))
    }

    /// `a + b`
    pub fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Add, a, b)
    }

    /// `a - b`
    pub fn sub(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Sub, a, b)
    }

    /// `a * b`
    pub fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Mul, a, b)
    }

    /// `a / b`
    pub fn div(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Div, a, b)
    }

    /// `if b < a { a } else { b }`
    pub fn max(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Max, a, b)
    }

    /// `if a < b { a } else { b }`
    pub fn min(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Min, a, b)
    }

    /// `a * b + c`, rounded once.
    pub fn fma(&mut self, a: ValueId, b: ValueId, c: ValueId) -> ValueId {
        let Type { base, lanes } = self.type_of(c);
        self.make(base, lanes, Op::Fma(a, b, c))
    }

    /// A truth value in each lane.
    pub fn compare(&mut self, op: Compare, a: ValueId, b: ValueId) -> ValueId {
        let lanes = self.type_of(a).lanes;
        self.make(Base::Bool, lanes, Op::Compare(op, a, b))
    }

    /// `if condition { a } else { b }` in each lane.
    pub fn select(&mut self, condition: ValueId, a: ValueId, b: ValueId) -> ValueId {
        let Type { base, lanes } = self.type_of(a);
        self.make(base, lanes, Op::Select(condition, a, b))
    }

    /// All lanes into one, by a fixed tree.
    pub fn fold(&mut self, fold: Fold, a: ValueId) -> ValueId {
        self.make(Base::F32, 1, Op::Fold(fold, a))
    }

    /// A loop that carries values: `body` gets the variable and the values inside and gives the next ones; the results
    /// come back. Trips of 1 are fine and cost nothing.
    pub fn repeat(
        &mut self,
        name: &str,
        trip: u32,
        init: &[ValueId],
        body: impl FnOnce(&mut KernelBuilder, VarId, &[ValueId]) -> Vec<ValueId>,
    ) -> Vec<ValueId> {
        let var = self.kernel.vars.push(LoopVar(name.into()));
        let inside: Vec<ValueId> = init.iter().map(|&v| self.twin(v)).collect();
        self.open.push(Vec::new());
        let next = body(self, var, &inside);
        let stmts = self.open.pop().expect("the loop is open");
        assert_eq!(next.len(), init.len(), "loop {name} must give one next value for each carried one");
        let results: Vec<ValueId> = init.iter().map(|&v| self.twin(v)).collect();
        let carried = (0..init.len())
            .map(|i| Carried { init: init[i], inside: inside[i], next: next[i], result: results[i] })
            .collect();
        self.push(Stmt::Loop(Loop { var, trip, carried, body: stmts }));
        results
    }

    /// A loop that carries nothing.
    pub fn each(&mut self, name: &str, trip: u32, body: impl FnOnce(&mut KernelBuilder, VarId)) {
        self.repeat(name, trip, &[], |b, var, _| {
            body(b, var);
            Vec::new()
        });
    }

    /// Runs `then` where all conditions hold.
    pub fn when(&mut self, conditions: Vec<Condition>, then: impl FnOnce(&mut KernelBuilder)) {
        self.when_else(conditions, then, |_| {});
    }

    /// Runs `then` where all conditions hold, else `otherwise`.
    pub fn when_else(
        &mut self,
        conditions: Vec<Condition>,
        then: impl FnOnce(&mut KernelBuilder),
        otherwise: impl FnOnce(&mut KernelBuilder),
    ) {
        self.open.push(Vec::new());
        then(self);
        let then = self.open.pop().expect("the branch is open");
        self.open.push(Vec::new());
        otherwise(self);
        let otherwise = self.open.pop().expect("the branch is open");
        self.push(Stmt::If { conditions, then, otherwise });
    }

    /// A value of the same type, made by a loop.
    fn twin(&mut self, value: ValueId) -> ValueId {
        let t = self.type_of(value);
        self.kernel.values.push(t)
    }
}
