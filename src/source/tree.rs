//! What was written, with spans: the tree of one `.net` file, as parsed, and never changed afterwards.
//!
//! **Invariants**: every span lies in the source on character boundaries, without surrounding blanks; comments are
//! kept as spans (`Tree::comments`), a run of comment lines directly above an item is its `doc`; nesting is bounded
//! (the layout pass refuses more than 64 open brackets), and one expression holds at most 500 operators.

use super::span::{SourceId, Span};
use crate::ids::Symbol;

/// A whole file.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The file.
    pub source: SourceId,
    /// Items in text order.
    pub items: Vec<Item>,
    /// Every comment, from its `#` to the end of its line.
    pub comments: Vec<Span>,
    /// Names that skipped items seem to define: they are wrong, but not unknown.
    pub lost: Vec<Name>,
}

impl Tree {
    /// A file without items.
    pub fn empty(source: SourceId) -> Tree {
        Tree { source, items: Vec::new(), comments: Vec::new(), lost: Vec::new() }
    }
}

/// A name where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub text: Symbol,
    pub at: Span,
}

/// A quoted text, without its quotes; the span includes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    pub value: Symbol,
    pub at: Span,
}

/// One of the things that a file holds.
#[derive(Clone, Debug)]
pub struct Item {
    pub kind: ItemKind,
    pub at: Span,
    /// The comment lines directly above, without `#`, joined by line ends; empty if none.
    pub doc: String,
}

#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `use "blocks.net": Residual, Stem`
    Use { path: Text, names: Vec<Name> },
    /// `let width = 128`
    Let { name: Name, value: Pipeline },
    /// `net`, `block`, `optimiser`
    Network(Network),
    /// `data fashion -> (image: [1, 28, 28], label: index(10)) { train = ... }`
    Data { name: Name, fields: Vec<Output>, body: Body },
    /// `train Generator, Critic on fashion { ... }`
    Train { nets: Vec<Name>, data: Option<Name>, body: Body },
    /// `test "what holds" { ... }`, `test "..." fails E0302 { ... }`
    Test { title: Text, fails: Option<Name>, body: Body },
}

/// `net Name(inputs) -> outputs { ... }`; a block and an optimiser have the same form.
#[derive(Clone, Debug)]
pub struct Network {
    pub kind: NetworkKind,
    pub name: Name,
    pub inputs: Vec<Input>,
    /// Empty where no `->` is written.
    pub outputs: Vec<Output>,
    pub body: Body,
    /// From the first word to the end of the outputs.
    pub head: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkKind {
    Net,
    Block,
    Optimiser,
}

/// `x: [C, H, W]`, `heads`, `stride = 1`, `weight: [out, n] = param(glorot)`
#[derive(Clone, Debug)]
pub struct Input {
    pub name: Name,
    /// With a type it is a tensor, without one a number, size, window, truth value or text.
    pub ty: Option<Type>,
    pub default: Option<Default>,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub enum Default {
    Value(Pipeline),
    /// `= param(glorot)`, `= param(0)`, `= param` or, with `state` true, `= state(0)`: when absent, a parameter is born.
    Born {
        state: bool,
        init: Option<Expr>,
        at: Span,
    },
}

/// `class: [10]`, `[out, _, _]`
#[derive(Clone, Debug)]
pub struct Output {
    pub name: Option<Name>,
    pub ty: Type,
    pub at: Span,
}

/// `[12, 48, 48]`, `[T] of index(vocab)`, `index(10)`, `[C] of probability`, `[S...]`
#[derive(Clone, Debug)]
pub struct Type {
    pub dims: Vec<Dim>,
    pub element: Element,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub enum Element {
    Real,
    /// `of probability`
    Probability(Span),
    /// `of index(n)`; `index(n)` alone has no dims.
    Index(Box<Expr>),
}

#[derive(Clone, Debug)]
pub enum Dim {
    Size(Expr),
    /// `_`: whatever comes out.
    Any(Span),
    /// `S...`: any number of axes.
    Many(Name),
}

/// `{ ... }`
#[derive(Clone, Debug)]
pub struct Body {
    pub statements: Vec<Statement>,
    /// Statements that were skipped, each reported; with the names that they seem to define.
    pub bad: Vec<Bad>,
    pub at: Span,
}

/// A statement that could not be read.
#[derive(Clone, Debug)]
pub struct Bad {
    pub at: Span,
    /// What it seems to define: wrong, but not unknown.
    pub names: Vec<Name>,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub kind: StatementKind,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub enum StatementKind {
    /// `param Q, K: [heads, d, D] ~ glorot`, `param b: [4] = 0`
    Param { names: Vec<Name>, ty: Type, init: Option<Init> },
    /// `state m: [C] = 0`
    State { names: Vec<Name>, ty: Type, init: Option<Init> },
    /// `noise z: [64] ~ normal`
    Noise { names: Vec<Name>, ty: Type, distribution: Pipeline },
    /// `update m = 0.9 * m + 0.1 * mu`
    Update { name: Name, value: Pipeline },
    /// `require k <= W + 2 * pad, "a window of {k} does not fit into {W}"`
    Require { condition: Expr, message: Text },
    /// `minimise E over A, B.head using adam(lr=1e-3)`
    Minimise { value: Pipeline, over: Vec<Expr>, using: Expr },
    /// `report accuracy(...)`, `report perplexity = ...`
    Report { name: Option<Name>, value: Pipeline },
    /// `show fake every epoch`, `show fake every 100 steps`
    Show { value: Pipeline, every: Option<Expr>, unit: Name },
    /// `d = D / heads`, `h[t] = ...`, `(mean, logvar) = ...`, `epochs = 20`
    Define { target: Target, ty: Option<Type>, value: Pipeline },
    /// A line without `=`: the result; in a test, a comparison, with `within 1e-5` if written.
    Result { value: Pipeline, within: Option<Expr> },
}

#[derive(Clone, Debug)]
pub enum Init {
    /// `~ glorot`
    Drawn(Pipeline),
    /// `= 0`
    Value(Pipeline),
}

#[derive(Clone, Debug)]
pub enum Target {
    Name(Name),
    /// `v[i, t-1]`
    Indexed {
        name: Name,
        subscripts: Vec<Subscript>,
        at: Span,
    },
    /// `(mean, logvar)`
    Tuple(Vec<Name>, Span),
}

/// `image -> conv(6, 5x5) : [6, 24, 24] -> relu as fine`
#[derive(Clone, Debug)]
pub struct Pipeline {
    pub head: Head,
    pub remark: Option<Remark>,
    pub stages: Vec<Stage>,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub enum Head {
    Expr(Expr),
    Each(Each),
    /// `if a then p else if b then q else r`; then the pipeline has no stages of its own.
    If {
        cases: Vec<(Expr, Pipeline)>,
        otherwise: Box<Pipeline>,
    },
}

/// `-> conv(3)`
#[derive(Clone, Debug)]
pub struct Stage {
    pub layer: StageLayer,
    /// `as fine`
    pub name: Option<Name>,
    pub remark: Option<Remark>,
    /// Without the arrow.
    pub at: Span,
}

#[derive(Clone, Debug)]
pub enum StageLayer {
    Expr(Expr),
    Each(Each),
}

/// `: [6, 24, 24]`, `: ?`
#[derive(Clone, Debug)]
pub struct Remark {
    /// `None` is a hole.
    pub ty: Option<Type>,
    /// Without the colon.
    pub at: Span,
}

/// `each c in [16, 32] ( ... )`, `each i in 0..4 ( ... )`
#[derive(Clone, Debug)]
pub struct Each {
    pub name: Name,
    pub over: Box<Subscript>,
    pub body: Box<Pipeline>,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    /// As written, and its value.
    Number(Symbol, f64),
    /// `3x3`
    Window(Vec<u32>),
    Text(Symbol),
    Array(Vec<Expr>),
    Name(Symbol),
    /// `( pipeline )`
    Group(Box<Pipeline>),
    /// `( pipeline ) x3`, `( ... ) x layers`
    Repeat {
        body: Box<Pipeline>,
        count: Box<Expr>,
    },
    /// `conv(12, pad=1)`, `sum(k < 3: ...)`
    Call {
        callee: Box<Expr>,
        indices: Vec<IndexBinder>,
        args: Vec<Argument>,
    },
    /// `h[t-1]`
    Subscript {
        base: Box<Expr>,
        subscripts: Vec<Subscript>,
    },
    /// `Net.conv`, `k.h`
    Member {
        base: Box<Expr>,
        name: Name,
    },
    /// `-x`
    Negate(Box<Expr>),
    Binary {
        op: BinaryOp,
        op_at: Span,
        lhs: Box<Expr>,
        rhs: Box<Expr>,
    },
}

/// `k`, `u < 3` in `sum(k, u < 3: ...)`
#[derive(Clone, Debug)]
pub struct IndexBinder {
    pub name: Name,
    pub bound: Option<Expr>,
}

/// `12`, `pad=1`
#[derive(Clone, Debug)]
pub struct Argument {
    pub name: Option<Name>,
    pub value: Pipeline,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub enum Subscript {
    At(Expr),
    /// `0..T`, half-open.
    Range(Expr, Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Or,
    And,
    Eq,
    Ne,
    Le,
    Ge,
    Lt,
    Gt,
    Add,
    Sub,
    Mul,
    /// `/`: exact between sizes.
    Div,
    /// `//`: rounds down.
    FloorDiv,
    Rem,
    /// `@`
    MatMul,
    Pow,
}
