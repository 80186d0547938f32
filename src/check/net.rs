//! The checked net: names resolved, blocks unfolded, every size known with its reason. All that comes after reads this.
//!
//! **Invariants** (they hold whenever no error was reported): every size is the number or polynomial that it says;
//! every read is in range wherever the conditions above it hold, whatever the open lengths are within their limits;
//! pieces of one tensor write disjoint elements; `Flat::pieces` stand in data-flow order (a tensor's pieces before its
//! readers), but for those of a recurrence, which stand together.

use crate::ids::{Arena, Id, Symbol};
use crate::size::{Limits, Poly, SizeId, Sizes};
use crate::source::{Sources, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All that checking one file found out.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    pub sources: Sources,
    pub sizes: Sizes,
    /// Trained numbers and kept state of the whole file, optimisers' state included, each path once.
    pub params: Arena<Parameter>,
    pub nets: Vec<Net>,
    pub datasets: Vec<Dataset>,
    pub trainings: Vec<Training>,
    pub tests: Vec<Test>,
    /// Shapes at remarks, holes and stages of nets, for `annotate`.
    pub remarks: Vec<Remarked>,
}

/// What came out at a place.
#[derive(Clone, Debug)]
pub struct Remarked {
    /// The remark without its colon; of a stage without one the stage.
    pub at: Span,
    pub shape: Vec<SizeId>,
    /// `: ?`
    pub hole: bool,
    /// Whether a remark or a hole stands there.
    pub written: bool,
}

/// A tensor that outlives a step: trained (`param`), or kept (`state`, an optimiser's moments).
#[derive(Clone, Debug)]
pub struct Parameter {
    /// `ResNet18.Residual_3.conv_1.weight`, `optimiser/0/v/LeNet.conv_1.weight`
    pub path: Symbol,
    pub shape: Vec<SizeId>,
    pub init: Initialiser,
    /// False for state.
    pub trained: bool,
    pub at: Span,
}
pub type ParamId = Id<Parameter>;

/// How a parameter starts. Drawn values depend on (seed, path) alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Initialiser {
    Value(f64),
    /// Written out in the file, row-major.
    Array(Arc<[f64]>),
    /// Uniform on +-bound: glorot's is sqrt(6 / (fan_in + fan_out)).
    Uniform {
        low: f64,
        high: f64,
    },
    Normal {
        mean: f64,
        deviation: f64,
    },
    /// Each trailing matrix by itself.
    Orthogonal,
}

/// An input, an output, or a field of a data set, of one example.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: Symbol,
    pub shape: Vec<SizeId>,
    pub element: Element,
    pub at: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Real,
    Probability,
    /// Whole numbers from 0 up to, not including, the size.
    Index(SizeId),
}

/// One `net` of the file, unfolded once in each mode.
#[derive(Clone, Debug)]
pub struct Net {
    pub name: Symbol,
    pub inputs: Vec<Field>,
    pub outputs: Vec<Field>,
    /// `training` is false.
    pub evaluate: Flat,
    /// `training` is true.
    pub train: Flat,
    pub at: Span,
}

/// One `data` item.
#[derive(Clone, Debug)]
pub struct Dataset {
    pub name: Symbol,
    pub fields: Vec<Field>,
    /// `train`, `valid`, `test`, as written.
    pub splits: Vec<(Symbol, SourceCall)>,
    pub at: Span,
}

/// `idx("a.gz", "b.gz", scale=1/255) -> flip`: where data come from, arguments evaluated.
#[derive(Clone, Debug)]
pub struct SourceCall {
    pub name: Symbol,
    pub args: Vec<(Option<Symbol>, Setting)>,
    pub stages: Vec<SourceCall>,
    pub at: Span,
}

/// A known value that is no tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    Number(f64),
    Text(Symbol),
    Truth(bool),
    /// A nested array, row-major with its shape.
    Array {
        shape: Vec<u32>,
        values: Arc<[f64]>,
    },
    List(Vec<Setting>),
}

/// One `train` item.
#[derive(Clone, Debug)]
pub struct Training {
    pub nets: Vec<Symbol>,
    /// Into `Checked::datasets`.
    pub data: Option<usize>,
    pub objectives: Vec<Objective>,
    pub reports: Vec<Report>,
    pub shows: Vec<Show>,
    pub epochs: u32,
    pub steps: Option<u32>,
    pub batch: u32,
    pub seed: u64,
    pub keep: Option<Keep>,
    /// Stop when the kept metric has not been better for so many epochs.
    pub patience: Option<u32>,
    pub at: Span,
}

/// `keep = best(accuracy)`, `keep = lowest(loss)`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    pub metric: Metric,
    /// `best` is the highest, `lowest` the lowest.
    pub highest: bool,
}

/// A number that is taken of a whole split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Into `Training::reports`.
    Report(usize),
    /// The loss of an objective in evaluation: into `Training::objectives`.
    Loss(usize),
}

/// `show fake every epoch`: pictures that are written while a training runs.
#[derive(Clone, Debug)]
pub struct Show {
    /// Of the file: `fake`.
    pub name: Symbol,
    /// Mode evaluation; its one output `value` is `[H, W]`, `[1, H, W]` or `[3, H, W]`.
    pub flat: Flat,
    pub every: Every,
    pub at: Span,
}

/// How often something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    Epochs(u32),
    Steps(u32),
}

/// `minimise E over NETS using OPTIMISER`
#[derive(Clone, Debug)]
pub struct Objective {
    /// Mode training; its one output `loss` is `[]`, per example: the objective is its mean over the batch.
    pub flat: Flat,
    /// The same in mode evaluation: what `eval` and `keep = lowest(loss)` take of a split.
    pub evaluate: Measure,
    /// The parameters that it trains, in order.
    pub over: Vec<ParamId>,
    pub optimiser: Symbol,
    /// Scale all gradients by min(1, clip / norm of all).
    pub clip: Option<f64>,
    /// For each parameter of `over`: inputs `w`, `g` (of the parameter's shape), `step`, `steps` (`[]`);
    /// output `w` is the new value; `updates` are the optimiser's state.
    pub updates: Vec<Flat>,
    pub at: Span,
}

/// `report [name =] E`: the mean over all examples of the split.
#[derive(Clone, Debug)]
pub struct Report {
    pub name: Symbol,
    pub measure: Measure,
    pub at: Span,
}

/// How a number is taken of a whole split.
#[derive(Clone, Debug)]
pub struct Measure {
    /// What must be known of all examples first, in order.
    pub passes: Vec<Pass>,
    /// Mode evaluation; its one output `value` is `[]`, per example, and its mean is the number. It reads as inputs what
    /// the parts of the passes come to.
    pub flat: Flat,
    /// The split is to be one batch: it reduces across the batch in a way that no parts can be put together for.
    pub whole: bool,
}

/// One run over all examples.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Mode evaluation; outputs are the parts, per example. It reads what those of earlier passes come to.
    pub flat: Flat,
    pub parts: Vec<Part>,
}

/// One reduction across all examples of a split.
#[derive(Clone, Debug)]
pub struct Part {
    /// Of the output, an example's own reduction; and of the input of what comes later, that of all.
    pub name: Symbol,
    pub by: Reduction,
    /// Of a mean: the output with the number of an example's points, 1 if there is none.
    pub points: Option<Symbol>,
}

/// One `test` item.
#[derive(Clone, Debug)]
pub struct Test {
    pub title: Symbol,
    /// The expected code, and the codes that came (errors in such a body are not reported).
    pub fails: Option<(Symbol, Vec<Symbol>)>,
    /// Mode evaluation; outputs `lhs0`, `rhs0`, `lhs1`, ... of equal shapes, one pair for each assertion.
    pub flat: Flat,
    pub assertions: Vec<Assertion>,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub struct Assertion {
    pub relation: Comparison,
    pub within: Option<f64>,
    pub at: Span,
}

/// A net, an objective, a report, a test or an optimiser's step as one flat list of equations over named indices.
#[derive(Clone, Debug, Default)]
pub struct Flat {
    pub tensors: Arena<Tensor>,
    pub pieces: Vec<Piece>,
    pub outputs: Vec<(Symbol, TensorId)>,
    /// State and its new value, to take effect after a training step.
    pub updates: Vec<(ParamId, TensorId)>,
    /// The tree of block uses, parents before children.
    pub uses: Arena<Use>,
    /// Lengths that are open until the run: which they may be, and the place that asks for it.
    pub lengths: BTreeMap<Symbol, (Limits, Option<Span>)>,
}

/// A tensor of one example (or of none: a parameter).
#[derive(Clone, Debug)]
pub struct Tensor {
    /// `conv_1.y`, `image`, `W_hh`
    pub name: Symbol,
    pub shape: Vec<SizeId>,
    pub element: Element,
    pub kind: TensorKind,
    /// Whether each example has its own: inputs, noise, and what depends on them other than by `across=batch`.
    pub per_example: bool,
    /// The block use that made it.
    pub of: Option<UseId>,
    pub at: Span,
}
pub type TensorId = Id<Tensor>;

#[derive(Clone, Debug)]
pub enum TensorKind {
    /// A net's input or a data field, by name; in an optimiser `w`, `g`, `step`, `steps`.
    Input(Symbol),
    Param(ParamId),
    /// Row-major.
    Constant(Arc<[f64]>),
    /// Drawn anew for each example and step; the key is the path of the use and the name.
    Noise {
        key: Symbol,
        normal: bool,
    },
    /// By pieces.
    Defined,
}

/// A use of a block (a layer), for tables and paths.
#[derive(Clone, Debug)]
pub struct Use {
    /// `conv_1`: unique among its siblings.
    pub name: Symbol,
    /// `conv`
    pub block: Symbol,
    pub parent: Option<UseId>,
    /// The tensor that flows in (the first typed input), and what comes out.
    pub input: Option<TensorId>,
    pub output: Option<TensorId>,
    /// Parameters born or shared in this use itself, not in uses below it.
    pub params: Vec<ParamId>,
    /// The call, in the outermost file that the user wrote.
    pub at: Span,
}
pub type UseId = Id<Use>;

/// `out[write] = body` for all values of the `free` variables.
#[derive(Clone, Debug)]
pub struct Piece {
    pub out: TensorId,
    /// All index variables of the piece, free ones and those that a reduction binds.
    pub vars: Arena<Var>,
    pub free: Vec<VarId>,
    /// One form for each axis of `out`, over free variables, injective.
    pub write: Vec<Linear>,
    pub body: Scalar,
    pub of: Option<UseId>,
    pub at: Span,
}

/// An index variable: 0 up to, not including, its extent.
#[derive(Clone, Debug)]
pub struct Var {
    pub name: Symbol,
    pub extent: SizeId,
}
pub type VarId = Id<Var>;

/// `constant + sum(coefficient * variable)`; each variable at most once, no zero coefficient.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    pub constant: Poly,
    pub terms: Vec<(VarId, Poly)>,
}

/// A scalar expression.
#[derive(Clone, Debug)]
pub enum Scalar {
    Number(f64),
    /// A size as a number.
    Size(SizeId),
    /// The value of an affine form of indices as a number.
    Index(Linear),
    /// An element; an index tensor's element as a whole number.
    Load {
        tensor: TensorId,
        subscripts: Vec<Subscript>,
        at: Span,
    },
    Unary(Unary, Box<Scalar>),
    Binary(Binary, Box<Scalar>, Box<Scalar>),
    If(Condition, Box<Scalar>, Box<Scalar>),
    Reduce {
        by: Reduction,
        vars: Vec<VarId>,
        across_batch: bool,
        body: Box<Scalar>,
    },
}

#[derive(Clone, Debug)]
pub enum Subscript {
    Affine(Linear),
    /// The element of an index tensor: a look-up.
    Data {
        tensor: TensorId,
        subscripts: Vec<Linear>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    Neg,
    Exp,
    Log,
    Tanh,
    Sigmoid,
    Erf,
    Sqrt,
    Abs,
    Sin,
    Cos,
    /// The identity; its derivative is 0.
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    /// `a ^ b`
    Pow,
    /// `a // b`; only of numbers that depend on `step` and `steps` alone, in an optimiser.
    FloorDiv,
    /// Ties take the second.
    Max,
    Min,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Clone, Debug)]
pub enum Condition {
    /// Between affine forms of indices: `lhs - rhs` compared with 0.
    Index {
        form: Linear,
        relation: Comparison,
    },
    /// Between real values, elementwise; index elements and argmax count as whole numbers.
    Real(Comparison, Box<Scalar>, Box<Scalar>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    Prod,
    /// The row-major number of the first maximum.
    ArgMax,
}
