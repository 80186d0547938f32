//! Equations over indices: the one representation between the checked net and the kernels. No node for a scan, a
//! gather, a pad, a reshape or any layer: a gather is a guard `w == text[t]`, padding is a guard, reshape is a write map.
//!
//! An equation reads `out[write(o)] = combine over r of body(o, r), where all guards hold`.
//!
//! **Invariants**, held by `check::check`:
//! - I1 `write` is injective on the box; images of a tensor's pieces are disjoint.
//! - I2 every load and write is in range wherever the guards and select conditions above it hold.
//! - I3 no nested reduction; a costly function (exp, log, tanh, sigmoid, erf, sqrt, sin, cos) is the root of its
//!   equation or of a branch of a root select, so that it is computed once.
//! - I4 a dead point contributes nothing; a point with no live reduced point holds 0 *for every combine*.
//! - I5 access forms are affine. I6 a cycle of definitions is legal iff one coordinate orders it.
//! - I7 axis order is logical: layout and halo are the plan's.
//! - I8 a look-up `x[idx[t]]` is `sum(w: [w == idx[t]] x[w])`, a pinned axis.

pub mod mix;
pub mod affine;
pub mod scalar;
pub mod exprs;
pub mod order;
pub mod recurrence;
pub mod unroll;
pub mod interp;
pub mod elaborate;
pub mod text;
pub mod facts;
pub mod check;
pub mod normal;
pub mod lift;
pub mod rewrite;

use crate::ids::{Arena, Id, Symbol};
use crate::size::Poly;
use crate::source::Span;
use indexmap::{IndexMap, IndexSet};
use smallvec::SmallVec;
use std::sync::Arc;

/// One for each (net, mode, batch): every size is a number.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub tensors: Arena<Tensor>,
    /// Ordered: nothing depends on hash order.
    pub defs: IndexMap<TensorId, Def>,
    pub exprs: Exprs,
    pub origins: Arena<Origin>,
    /// What must be computed, by name.
    pub outputs: Vec<(Symbol, TensorId)>,
    /// State or parameter, and its value after the step.
    pub updates: Vec<(TensorId, TensorId)>,
    /// Inputs `[batch]` that hold a size of each example, where examples have lengths of their own.
    pub lengths: Vec<(Symbol, Poly)>,
}

/// A tensor of numbers; the batch is an ordinary first axis.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub shape: Vec<u32>,
    pub dtype: Dtype,
    pub kind: Kind,
    pub name: Symbol,
    pub origin: OriginId,
}
pub type TensorId = Id<Tensor>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    Real,
    /// Whole numbers from 0 up to, not including, n. Kernels hold them as i32.
    Index(u32),
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// Given at each run, by the tensor's name.
    Input,
    /// Kept between runs, trained; by name.
    Param,
    /// Kept between runs, not trained; by name.
    State,
    /// Row-major.
    Const(Arc<[f64]>),
    /// Drawn by the runtime before the step, keyed by (seed, key, step, number of the example, element); the first
    /// axis is the batch. Normal (0, 1), or uniform on [0, 1).
    Noise { key: Symbol, normal: bool },
    /// A number that depends on `step` and `steps` only: evaluated by the runtime in f64 before the step, rounded once.
    Host(HostExpr),
    /// By equations.
    Defined,
}

/// A number known to the runtime before each step.
#[derive(Clone, Debug, PartialEq)]
pub enum HostExpr {
    Number(f64),
    /// From 1.
    Step,
    /// In all.
    Steps,
    Unary(Unary, Box<HostExpr>),
    Binary(Binary, Box<HostExpr>, Box<HostExpr>),
    Pow(Box<HostExpr>, Box<HostExpr>),
    /// The largest whole number that is not above it.
    Floor(Box<HostExpr>),
    If(Cmp, Box<[HostExpr; 4]>),
}

/// All pieces of one tensor; an element that no live point of any piece writes is 0.
#[derive(Clone, Debug, Default)]
pub struct Def {
    pub pieces: Vec<Equation>,
}

/// `out[write(o)] = combine over r of body(o, r), where all guards hold`
#[derive(Clone, Debug)]
pub struct Equation {
    pub out: TensorId,
    /// `axes[..n_out]` are output axes, the rest reduced: a box from 0.
    pub axes: Vec<Axis>,
    pub n_out: usize,
    pub combine: Combine,
    /// One form for each coordinate of `out`, over output axes only.
    pub write: Vec<Affine>,
    /// A conjunction; affine ones first, they protect the others' loads.
    pub guards: Vec<Guard>,
    pub body: ExprId,
    pub origin: OriginId,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    pub extent: u32,
    pub role: Role,
    /// A name for printing.
    pub hint: Symbol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Plain,
    /// Born from a stride in the solver, unrolled before kernels are made.
    Phase,
    /// The turn of a loop around the equation, in schedules only.
    Turn,
}

/// The position of an axis in its equation.
pub type AxisIx = u16;

/// `constant + sum(coefficient * axis)`
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Affine {
    pub constant: i32,
    /// Sorted by axis, no zero coefficient.
    pub terms: SmallVec<[(AxisIx, i32); 3]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Combine {
    /// No reduced axes.
    None,
    Sum,
    Prod,
    /// `if b < a { a } else { b }`, from the first live point on.
    Max,
    /// The row-major number, in the reduced box, of the first maximum; the output is a whole number held as a real.
    ArgMax,
}

/// `form + sign * data >= 0`, or `== 0`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Guard {
    pub form: Affine,
    /// An element of an index tensor, or of an ArgMax.
    pub data: Option<(Sign, Access)>,
    pub rel: Rel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    Plus,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rel {
    /// `>= 0`
    Ge,
    /// `== 0`
    Eq,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    pub tensor: TensorId,
    pub index: Vec<Affine>,
}

/// A node of a body; axes are those of the equation that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    Const(Real),
    Load(Access),
    /// The value of a form as a number.
    Index(Affine),
    Unary(Unary, ExprId),
    Binary(Binary, ExprId, ExprId),
    Select(Cond, ExprId, ExprId),
}

/// An `f64` compared by its bits.
#[derive(Clone, Copy, Debug)]
pub struct Real(pub f64);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cond {
    Guards(Vec<Guard>),
    Compare(Cmp, ExprId, ExprId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cmp {
    Lt,
    Le,
    Eq,
}

/// Functions of one number; meaning, derivative and name stand in `scalar`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    Neg,
    Exp,
    Log,
    /// `log(1 / (1 + exp(-x)))`
    LogSigmoid,
    Tanh,
    Sigmoid,
    Erf,
    Sqrt,
    Abs,
    Sin,
    Cos,
    /// The identity; its adjoint is 0.
    Stop,
}

/// min, mean, relu, powers are written with these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    /// `if b < a { a } else { b }`
    Max,
}

/// Names a hash-consed expression: equal ids are equal expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(u32);

/// The hash-consed expressions of a graph.
#[derive(Clone, Debug, Default)]
pub struct Exprs(IndexSet<Expr, mix::Mixing>);

impl Exprs {
    /// The id of an expression, new or known.
    pub fn add(&mut self, expr: Expr) -> ExprId {
        ExprId(self.0.insert_full(expr).0 as u32)
    }

    /// How many different ones there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::ops::Index<ExprId> for Exprs {
    type Output = Expr;
    fn index(&self, id: ExprId) -> &Expr {
        &self.0[id.0 as usize]
    }
}

/// Why something is there, for labels in plans, profiles and bugs.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `conv_1`, `conv_1.weight`: the path of the block use, or of the tensor.
    pub path: Symbol,
    pub at: Option<Span>,
    pub role: OriginRole,
}
pub type OriginId = Id<Origin>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginRole {
    Written,
    /// Lifted out of an equation of that path.
    Lifted,
    /// The gradient of something.
    Adjoint,
    /// By a rewrite, named.
    Rewritten(&'static str),
    /// The sum over several uses.
    SumOfUses,
    /// An optimiser's step.
    Update,
}

impl PartialEq for Real {
    fn eq(&self, other: &Real) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}
impl Eq for Real {}
impl std::hash::Hash for Real {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Graph {
    /// A new tensor without a definition.
    pub fn tensor(&mut self, name: &str, shape: &[u32], dtype: Dtype, kind: Kind, origin: OriginId) -> TensorId {
        self.tensors.push(Tensor { shape: shape.to_vec(), dtype, kind, name: name.into(), origin })
    }

    /// Adds a piece to its tensor's definition.
    pub fn define(&mut self, equation: Equation) {
        self.defs.entry(equation.out).or_default().pieces.push(equation);
    }
}
