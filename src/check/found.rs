//! What the checker finds wrong: facts only. Words stand in `problem`.

use super::net::Element;
use crate::ids::Symbol;
use crate::problem::InUse;
use crate::problem::time::needs_itself::Need;
use crate::size::SizeId;
use crate::source::Span;

/// One finding.
#[derive(Clone, Debug)]
pub struct Found {
    pub fact: Fact,
    /// The primary place.
    pub at: Span,
    /// The uses of blocks that it happened in, outermost first.
    pub uses: Vec<InUse>,
}

/// A tensor that takes part.
#[derive(Clone, Debug)]
pub struct Part {
    pub at: Span,
    pub shape: Vec<SizeId>,
}

#[derive(Clone, Debug)]
pub enum Fact {
    /// A name that nothing has; others that it may have been meant for.
    UnknownName {
        name: Symbol,
        near: Vec<Symbol>,
        call: bool,
    },
    /// Two definitions of one name.
    Twice {
        name: Symbol,
        first: Span,
    },
    /// An argument that the block does not have.
    UnknownArgument {
        block: Symbol,
        name: Symbol,
        inputs: Vec<Symbol>,
    },
    MissingArgument {
        block: Symbol,
        name: Symbol,
        inputs: Vec<Symbol>,
        head: Option<Span>,
    },
    TooManyArguments {
        block: Symbol,
        takes: usize,
        inputs: Vec<Symbol>,
    },
    ArgumentTwice {
        block: Symbol,
        name: Symbol,
    },
    /// Something of the wrong sort: `wants` and `is` are phrases.
    WrongSort {
        wants: String,
        is: String,
    },
    /// A block that is used while it is being unfolded.
    Recursion { cycle: Vec<(Symbol, Span)> },
    /// Left out until recurrences, several objectives and so on are there.
    NotYet {
        what: String,
    },
    /// E0301
    InnerSizes {
        lhs: Part,
        rhs: Part,
        lhs_size: SizeId,
        rhs_size: SizeId,
    },
    /// E0302: a `require` that does not hold, its text filled in.
    Required {
        text: String,
        block: Symbol,
        output: Vec<SizeId>,
        require: Span,
    },
    /// E0311
    MatMulRank { lhs: Part, rhs: Part },
    /// What stands behind an arrow is no layer.
    NotALayer { is: String },
    /// An output without a definition, and a body without a result.
    NeverDefined { name: Option<Symbol>, of: Symbol },
    TwoResults { other: Option<Span>, of: Symbol },
    /// A count of index values that is larger than the axis they look up in.
    IndexBeyond { below: SizeId, classes: SizeId },
    Unused { name: Symbol },
    /// Window, picture, the output of an axis that loses something, and how many rows and columns are never read.
    DropsRows { window: Vec<SizeId>, input: Vec<SizeId>, output: SizeId, lost: Vec<i64> },
    /// E0303
    ShapesDiffer {
        op: &'static str,
        lhs: Part,
        rhs: Part,
    },
    /// E0304
    RemarkWrong {
        written: Vec<SizeId>,
        comes: Vec<SizeId>,
        stage: Span,
    },
    /// E0305: every place where it stands, how many values it has, the part of the right side to put a sum around.
    OnlyRight { name: Symbol, uses: Vec<Span>, values: Option<SizeId>, target_at: Span, term: Option<Span> },
    /// E0306
    TwoLengths {
        name: Symbol,
        first: (Span, SizeId),
        second: (Span, SizeId),
    },
    /// An argument or output whose size is not the declared one.
    NotDeclared {
        what: String,
        declared: (Span, Vec<Option<SizeId>>),
        comes: Part,
    },
    /// The number of axes.
    Rank {
        what: String,
        wants: usize,
        has: usize,
        shape: Vec<SizeId>,
    },
    /// An element outside of its axis.
    OutOfRange {
        tensor: Symbol,
        axis: usize,
        low: i64,
        high: i64,
        size: SizeId,
    },
    /// An index whose range nothing says.
    NoRange {
        name: Symbol,
    },
    /// A subscript that is not affine.
    NotAffine,
    /// Elements that two pieces define, or none.
    Overlap {
        name: Symbol,
        other: Span,
    },
    Gaps {
        name: Symbol,
        written: i64,
        total: i64,
    },
    /// E0401
    NotWhole {
        lhs: SizeId,
        rhs: SizeId,
        size: SizeId,
    },
    TooLarge {
        size: Option<SizeId>,
    },
    NotPositive {
        size: SizeId,
    },
    ByZero,
    /// A size that must be a number here.
    NotKnown {
        what: String,
    },
    /// A cycle at distance 0.
    Cycle { cycle: Vec<Need> },
    /// E0610
    NotProbability {
        block: Symbol,
        input: Symbol,
        made: Span,
        is: Element,
    },
    /// Softmax twice.
    AppliedTwice {
        block: Symbol,
        made: Span,
    },
    /// Whole numbers wanted, or of another count.
    NotIndex {
        what: String,
        made: Span,
    },
    /// A block with state, or across the batch, that is mapped.
    Mapped {
        block: Symbol,
        why: &'static str,
    },
    /// E0602
    Classes { data: SizeId, found: usize, names: Vec<Symbol>, source: Span, net: Option<(Span, SizeId)> },
    DataShape {
        field: Symbol,
        declared: Vec<SizeId>,
        has: Vec<u32>,
        source: Span,
    },
    DataAbsent {
        path: Symbol,
        source: Span,
    },
    /// A setting of a training that is none, or has another sort.
    Setting {
        name: Symbol,
        known: Vec<Symbol>,
        wants: String,
    },
    /// `minimise` and `report` take one number.
    NotScalar {
        what: String,
        shape: Vec<SizeId>,
    },
    UnknownOptimiser {
        name: Symbol,
        known: Vec<Symbol>,
    },
    /// `best(...)` without a validation split.
    JudgedOnTest,
    /// Found by another room, and told already.
    Ready(crate::diagnostic::Diagnostic),
    /// Anything else that needs one sentence.
    Other {
        code: &'static str,
        headline: String,
        label: String,
        help: Option<String>,
    },
    /// A lint.
    Lint {
        code: &'static str,
        headline: String,
        label: String,
        help: Option<String>,
    },
}
