//! Kernels: counted loops over vector values with constant trips and affine addresses. They know no layer and no graph.
//!
//! The meaning is exact to the bit and the same on every target (`interp` is the definition): a vector has
//! the lanes that the kernel says, a multiply-add is fused, `max(a, b)` is `if b < a { a } else { b }`, a result of
//! arithmetic that is too small for a normal number is a zero with its sign. Only which NaN it is stays open.
//!
//! **Invariants**, held by `check::check`: SSA (each value is made once and seen only inside the statement
//! list, and below, where it is made); operand types fit; every address of a load or store lies inside its buffer for
//! all turns and all values of the loop variables that the `If`s above allow; dynamic addresses are clamped; stores of
//! different parts of a turn are disjoint; a buffer that is written is not declared `Read`.

pub mod address;
pub mod build;
pub mod check;
pub mod cost;
pub mod interp;
pub mod parse;
pub mod print;

use crate::ids::{Arena, Id, Symbol};
use smallvec::SmallVec;

/// A function over buffers, in `parts` that any threads may run in any order. A kernel of a recurrence is called once a
/// turn; all parts of a turn have ended before the next begins.
#[derive(Clone, Debug)]
pub struct Kernel {
    pub name: Symbol,
    pub buffers: Vec<Buffer>,
    /// The loops that a plan calls the kernel in, outermost first: a call says which turn each is in.
    pub turns: Vec<(VarId, u32)>,
    /// The loops that make up the parts, outermost first; the number of parts is the product of the trips (1 if none).
    pub parts: Vec<(VarId, u32)>,
    /// The type of each value.
    pub values: Arena<Type>,
    /// The name of each loop variable.
    pub vars: Arena<LoopVar>,
    pub body: Vec<Stmt>,
}

/// A loop variable's name, for printing.
#[derive(Clone, Debug)]
pub struct LoopVar(pub Symbol);
pub type VarId = Id<LoopVar>;
pub type ValueId = Id<Type>;

#[derive(Clone, Debug)]
pub struct Buffer {
    pub name: Symbol,
    pub elem: Elem,
    /// In elements.
    pub len: u32,
    pub access: BufferAccess,
}
/// The position in `Kernel::buffers`.
pub type BufferIx = u16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Elem {
    F32,
    I32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BufferAccess {
    Read,
    Write,
    ReadWrite,
}

/// The type of a value: `lanes` numbers of one base; 1, or a multiple of 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    pub base: Base,
    pub lanes: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Base {
    F32,
    /// Wraps around.
    I32,
    /// A truth value.
    Bool,
}

/// `constant + sum(coefficient * variable)`, in elements; no zero coefficient, sorted by variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Address {
    pub constant: i64,
    pub terms: Vec<(VarId, i64)>,
}

#[derive(Clone, Debug)]
pub enum Stmt {
    /// `v = op`
    Let(ValueId, Op),
    /// Runs `body` for var = 0 .. trip; carried values go around.
    Loop(Loop),
    /// Runs `then` where all conditions hold, else `otherwise`; nothing made inside is seen outside.
    If {
        conditions: Vec<Condition>,
        then: Vec<Stmt>,
        otherwise: Vec<Stmt>,
    },
    Store {
        place: Place,
        value: ValueId,
    },
}

#[derive(Clone, Debug)]
pub struct Loop {
    pub var: VarId,
    pub trip: u32,
    pub carried: Vec<Carried>,
    pub body: Vec<Stmt>,
}

/// A value that goes around a loop.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// Made before the loop.
    pub init: ValueId,
    /// Seen inside.
    pub inside: ValueId,
    /// Made inside, the next turn's `inside`.
    pub next: ValueId,
    /// Seen behind the loop.
    pub result: ValueId,
}

/// `form >= 0`, or `form == 0`; the same for all lanes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    pub form: Address,
    pub equal: bool,
}

/// Where lanes lie: lane l at `address + dynamic + stride * l`, for the first `live` lanes; other lanes load 0 and are
/// not stored.
#[derive(Clone, Debug)]
pub struct Place {
    pub buffer: BufferIx,
    pub address: Address,
    pub dynamic: Option<Dynamic>,
    /// 1 is contiguous, 0 (loads only) the same element in all lanes.
    pub stride: i64,
    /// At least 1, at most the lanes of the value.
    pub live: u16,
}

/// `scale * clamp(value, 0, limit - 1)`, the value an i32 of one lane.
#[derive(Clone, Copy, Debug)]
pub struct Dynamic {
    pub value: ValueId,
    pub scale: i64,
    pub limit: u32,
}

/// What makes a value. Elementwise unless said otherwise; operands have the lanes of the result.
#[derive(Clone, Debug)]
pub enum Op {
    /// The same number in all lanes.
    F32(f32),
    I32(i32),
    /// Memory; the buffer's element type is the base.
    Load(Place),
    /// One lane into all lanes.
    Splat(ValueId),
    /// The value of a form, wrapped to i32, in all lanes.
    Index(Address),
    /// 0, 1, 2, ... as i32.
    Iota,
    Unary(Unary, ValueId),
    Binary(Binary, ValueId, ValueId),
    /// `a * b + c`, rounded once.
    Fma(ValueId, ValueId, ValueId),
    /// A truth value. On f32 all are false where an operand is NaN.
    Compare(Compare, ValueId, ValueId),
    /// `if c { a } else { b }`
    Select(ValueId, ValueId, ValueId),
    /// All lanes into one, as a fixed tree: halves are combined until one lane is left (lane i with lane i + n/2);
    /// a number of lanes that is no power of two is first padded with the combine's identity.
    Fold(Fold, ValueId),
}

impl Op {
    /// The values that it reads.
    pub fn operands(&self) -> SmallVec<[ValueId; 3]> {
        match self {
            Op::F32(_) | Op::I32(_) | Op::Index(_) | Op::Iota => SmallVec::new(),
            Op::Load(place) => place.dynamic.iter().map(|d| d.value).collect(),
            Op::Splat(a) | Op::Unary(_, a) | Op::Fold(_, a) => SmallVec::from_slice(&[*a]),
            Op::Binary(_, a, b) | Op::Compare(_, a, b) => SmallVec::from_slice(&[*a, *b]),
            Op::Fma(a, b, c) | Op::Select(a, b, c) => SmallVec::from_slice(&[*a, *b, *c]),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// f32: flips the sign bit.
    Neg,
    /// f32.
    Abs,
    /// f32, correctly rounded.
    Sqrt,
    /// f32, towards minus infinity.
    Floor,
    /// f32, ties to even.
    Nearest,
    /// f32 to i32, towards zero, saturating; NaN gives 0.
    ToInt,
    /// i32 to f32, ties to even.
    ToFloat,
    /// The bits of an f32 as i32.
    Bits,
    /// An i32 as the bits of an f32.
    FromBits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// f32 or i32.
    Add,
    Sub,
    Mul,
    /// f32.
    Div,
    /// f32: `if b < a { a } else { b }`
    Max,
    /// f32: `if a < b { a } else { b }`
    Min,
    /// i32, or truth values.
    And,
    Or,
    Xor,
    /// i32, by 0 to 31 (the second operand, masked with 31).
    Shl,
    /// i32, with the sign.
    Shr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// f32.
    Sum,
    /// f32, by the `max` above; identity minus infinity.
    Max,
}

impl Kernel {
    /// Whether the first access to a buffer, in the order of the text, is a store that always happens.
    pub fn stores_first(&self, buffer: BufferIx) -> bool {
        first_access(&self.body, buffer) == Some(true)
    }

    /// The trips of the loops that it is called in, outermost first.
    pub fn trips(&self) -> Vec<u32> {
        self.turns.iter().map(|&(_, trip)| trip).collect()
    }

    /// The number of parts.
    pub fn part_count(&self) -> u64 {
        self.parts.iter().map(|&(_, trip)| u64::from(trip)).product()
    }
}

/// Of the first access to a buffer: whether it is a store. Under a condition it counts if both ways begin with one.
fn first_access(body: &[Stmt], buffer: BufferIx) -> Option<bool> {
    body.iter().find_map(|stmt| match stmt {
        Stmt::Let(_, Op::Load(place)) if place.buffer == buffer => Some(false),
        Stmt::Let(..) => None,
        Stmt::Store { place, .. } => (place.buffer == buffer).then_some(true),
        Stmt::Loop(inner) => first_access(&inner.body, buffer),
        Stmt::If { then, otherwise, .. } => match (first_access(then, buffer), first_access(otherwise, buffer)) {
            (None, None) => None,
            (then, otherwise) => Some(then == Some(true) && otherwise == Some(true)),
        },
    })
}
