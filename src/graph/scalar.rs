//! The table of primitives: for each its name, its meaning over `f32` and `f64`, and its derivative, in one place.
//!
//! A derivative is a *pull*: from the argument `x`, the value `y` and the gradient `dy` of the value it makes the
//! gradient of the argument. A choice pulls by choosing, never by a product with 0, so that 0 times inf cannot arise.

use super::{Binary, Cmp, ExprId, Exprs, HostExpr, Real, Unary};
use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The numbers of the interpreter: `f32` or `f64`, with functions that give the same bits on every machine.
pub trait Float:
    Copy
    + PartialOrd
    + Debug
    + Default
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// Rounded once.
    fn of(value: f64) -> Self;
    /// Exact.
    fn wide(self) -> f64;
    fn exp(self) -> Self;
    fn log(self) -> Self;
    /// `log(1 + x)`
    fn log1p(self) -> Self;
    fn tanh(self) -> Self;
    fn erf(self) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn pow(self, exponent: Self) -> Self;
    /// The meaning of a row over these numbers.
    fn of_unary(row: &UnaryRow) -> fn(Self) -> Self;
    fn of_binary(row: &BinaryRow) -> fn(Self, Self) -> Self;
}

macro_rules! float {
    ($type:ident, $exp:ident, $log:ident, $log1p:ident, $tanh:ident, $erf:ident, $sqrt:ident, $abs:ident, $sin:ident,
     $cos:ident, $pow:ident) => {
        impl Float for $type {
            fn of(value: f64) -> Self {
                value as $type
            }
            fn wide(self) -> f64 {
                self.into()
            }
            fn exp(self) -> Self {
                libm::$exp(self)
            }
            fn log(self) -> Self {
                libm::$log(self)
            }
            fn log1p(self) -> Self {
                libm::$log1p(self)
            }
            fn tanh(self) -> Self {
                libm::$tanh(self)
            }
            fn erf(self) -> Self {
                libm::$erf(self)
            }
            fn sqrt(self) -> Self {
                libm::$sqrt(self)
            }
            fn abs(self) -> Self {
                libm::$abs(self)
            }
            fn sin(self) -> Self {
                libm::$sin(self)
            }
            fn cos(self) -> Self {
                libm::$cos(self)
            }
            fn pow(self, exponent: Self) -> Self {
                libm::$pow(self, exponent)
            }
            fn of_unary(row: &UnaryRow) -> fn(Self) -> Self {
                row.$type
            }
            fn of_binary(row: &BinaryRow) -> fn(Self, Self) -> Self {
                row.$type
            }
        }
    };
}
float!(f32, expf, logf, log1pf, tanhf, erff, sqrtf, fabsf, sinf, cosf, powf);
float!(f64, exp, log, log1p, tanh, erf, sqrt, fabs, sin, cos, pow);

/// One function of one number.
pub struct UnaryRow {
    pub op: Unary,
    pub name: &'static str,
    /// Computed once, as the root of an equation (invariant I3).
    pub costly: bool,
    pub f32: fn(f32) -> f32,
    pub f64: fn(f64) -> f64,
    /// `(x, y, dy)` to `dx`; none if nothing flows back.
    pub pull: Option<Pull>,
}

/// `(exprs, x, y, dy)` to `dx`
pub type Pull = fn(&mut Exprs, ExprId, ExprId, ExprId) -> ExprId;

macro_rules! unary {
    ($op:ident, $name:literal, $costly:literal, $meaning:expr, $pull:expr) => {
        UnaryRow { op: Unary::$op, name: $name, costly: $costly, f32: $meaning, f64: $meaning, pull: $pull }
    };
}

/// In the order of the enum.
pub const UNARY: [UnaryRow; 12] = [
    unary!(Neg, "neg", false, |x| -x, Some(|e, _, _, dy| e.neg(dy))),
    unary!(Exp, "exp", true, Float::exp, Some(|e, _, y, dy| e.mul(dy, y))),
    unary!(Log, "log", true, Float::log, Some(|e, x, _, dy| e.div(dy, x))),
    unary!(LogSigmoid, "log_sigmoid", true, log_sigmoid, Some(pull_log_sigmoid)),
    unary!(Tanh, "tanh", true, Float::tanh, Some(pull_tanh)),
    unary!(Sigmoid, "sigmoid", true, sigmoid, Some(pull_sigmoid)),
    unary!(Erf, "erf", true, Float::erf, Some(pull_erf)),
    unary!(Sqrt, "sqrt", true, Float::sqrt, Some(pull_sqrt)),
    unary!(Abs, "abs", false, Float::abs, Some(pull_abs)),
    unary!(Sin, "sin", true, Float::sin, Some(pull_sin)),
    unary!(Cos, "cos", true, Float::cos, Some(pull_cos)),
    unary!(Stop, "stop", false, |x| x, None),
];

/// The row of a function.
pub fn unary(op: Unary) -> &'static UnaryRow {
    &UNARY[op as usize]
}

/// `1 / (1 + exp(-x))`, without overflow.
pub fn sigmoid<T: Float>(x: T) -> T {
    let one = T::of(1.0);
    let e = (-x.abs()).exp();
    if x < T::of(0.0) { e / (one + e) } else { one / (one + e) }
}

/// `log(1 / (1 + exp(-x)))`, without overflow.
pub fn log_sigmoid<T: Float>(x: T) -> T {
    let low = if x < T::of(0.0) { x } else { T::of(0.0) };
    low - (-x.abs()).exp().log1p()
}

/// `dy * sigmoid(-x)`
fn pull_log_sigmoid(e: &mut Exprs, x: ExprId, _: ExprId, dy: ExprId) -> ExprId {
    let minus = e.neg(x);
    let sigmoid = e.unary(Unary::Sigmoid, minus);
    e.mul(dy, sigmoid)
}

/// `dy * (1 - y * y)`
fn pull_tanh(e: &mut Exprs, _: ExprId, y: ExprId, dy: ExprId) -> ExprId {
    let (one, square) = (e.number(1.0), e.mul(y, y));
    let slope = e.sub(one, square);
    e.mul(dy, slope)
}

/// `dy * (y * (1 - y))`
fn pull_sigmoid(e: &mut Exprs, _: ExprId, y: ExprId, dy: ExprId) -> ExprId {
    let one = e.number(1.0);
    let rest = e.sub(one, y);
    let slope = e.mul(y, rest);
    e.mul(dy, slope)
}

/// `dy * 2/sqrt(pi) * exp(-x * x)`
fn pull_erf(e: &mut Exprs, x: ExprId, _: ExprId, dy: ExprId) -> ExprId {
    let square = e.mul(x, x);
    let minus = e.neg(square);
    let bell = e.unary(Unary::Exp, minus);
    let scale = e.number(std::f64::consts::FRAC_2_SQRT_PI);
    let slope = e.mul(scale, bell);
    e.mul(dy, slope)
}

/// `dy * 0.5 / y`
fn pull_sqrt(e: &mut Exprs, _: ExprId, y: ExprId, dy: ExprId) -> ExprId {
    let half = e.number(0.5);
    let scaled = e.mul(dy, half);
    e.div(scaled, y)
}

/// `dy`, `-dy`, or 0 at 0.
fn pull_abs(e: &mut Exprs, x: ExprId, _: ExprId, dy: ExprId) -> ExprId {
    let (zero, minus) = (e.number(0.0), e.neg(dy));
    let below = e.choose(Cmp::Lt, x, zero, minus, zero);
    e.choose(Cmp::Lt, zero, x, dy, below)
}

fn pull_sin(e: &mut Exprs, x: ExprId, _: ExprId, dy: ExprId) -> ExprId {
    let cos = e.unary(Unary::Cos, x);
    e.mul(dy, cos)
}

fn pull_cos(e: &mut Exprs, x: ExprId, _: ExprId, dy: ExprId) -> ExprId {
    let sin = e.unary(Unary::Sin, x);
    let product = e.mul(dy, sin);
    e.neg(product)
}

/// One function of two numbers.
pub struct BinaryRow {
    pub op: Binary,
    /// As printed between its operands; `max` stands before them.
    pub name: &'static str,
    pub f32: fn(f32, f32) -> f32,
    pub f64: fn(f64, f64) -> f64,
    pub pull_left: BinaryPull,
    pub pull_right: BinaryPull,
}

/// `(exprs, [a, b], y, dy)` to the gradient of one operand.
pub type BinaryPull = fn(&mut Exprs, [ExprId; 2], ExprId, ExprId) -> ExprId;

macro_rules! binary {
    ($op:ident, $name:literal, $meaning:expr, $left:expr, $right:expr) => {
        BinaryRow { op: Binary::$op, name: $name, f32: $meaning, f64: $meaning, pull_left: $left, pull_right: $right }
    };
}

/// In the order of the enum.
pub const BINARY: [BinaryRow; 5] = [
    binary!(Add, "+", |a, b| a + b, |_, _, _, dy| dy, |_, _, _, dy| dy),
    binary!(Sub, "-", |a, b| a - b, |_, _, _, dy| dy, |e, _, _, dy| e.neg(dy)),
    binary!(Mul, "*", |a, b| a * b, |e, [_, b], _, dy| e.mul(dy, b), |e, [a, _], _, dy| e.mul(dy, a)),
    binary!(Div, "/", |a, b| a / b, |e, [_, b], _, dy| e.div(dy, b), pull_divisor),
    binary!(Max, "max", max, pull_max_left, pull_max_right),
];

/// The row of an operation.
pub fn binary(op: Binary) -> &'static BinaryRow {
    &BINARY[op as usize]
}

/// `if b < a { a } else { b }`: the second wins a tie, and wherever one is not a number.
pub fn max<T: Float>(a: T, b: T) -> T {
    if b < a { a } else { b }
}

/// `-(dy * y) / b`
fn pull_divisor(e: &mut Exprs, [_, b]: [ExprId; 2], y: ExprId, dy: ExprId) -> ExprId {
    let product = e.mul(dy, y);
    let minus = e.neg(product);
    e.div(minus, b)
}

fn pull_max_left(e: &mut Exprs, [a, b]: [ExprId; 2], y: ExprId, dy: ExprId) -> ExprId {
    let (zero, larger) = (e.number(0.0), larger(e, a, y));
    e.choose(Cmp::Lt, b, larger, dy, zero)
}

/// `b < a` is `b < y`: with the stored value where there is one, so that a relu needs its output alone.
fn larger(e: &Exprs, a: ExprId, y: ExprId) -> ExprId {
    if e.as_load(y).is_some() { y } else { a }
}

fn pull_max_right(e: &mut Exprs, [a, b]: [ExprId; 2], y: ExprId, dy: ExprId) -> ExprId {
    let (zero, larger) = (e.number(0.0), larger(e, a, y));
    e.choose(Cmp::Lt, b, larger, zero, dy)
}

/// Whether a comparison holds.
pub fn compare<T: PartialOrd>(cmp: Cmp, a: T, b: T) -> bool {
    match cmp {
        Cmp::Lt => a < b,
        Cmp::Le => a <= b,
        Cmp::Eq => a == b,
    }
}

/// The value of a number of the host at `step` (from 1) of `steps`, in f64.
pub fn host(expr: &HostExpr, step: f64, steps: f64) -> f64 {
    let value = |expr: &HostExpr| host(expr, step, steps);
    match expr {
        HostExpr::Number(number) => *number,
        HostExpr::Step => step,
        HostExpr::Steps => steps,
        HostExpr::Unary(op, x) => (unary(*op).f64)(value(x)),
        HostExpr::Binary(op, a, b) => (binary(*op).f64)(value(a), value(b)),
        HostExpr::Pow(a, b) => value(a).pow(value(b)),
        HostExpr::Floor(x) => libm::floor(value(x)),
        HostExpr::If(cmp, parts) => {
            let [a, b, then, other] = &**parts;
            if compare(*cmp, value(a), value(b)) { value(then) } else { value(other) }
        }
    }
}

impl Real {
    /// Whether it is zero of either sign.
    pub fn is_zero(self) -> bool {
        self.0 == 0.0
    }
}
