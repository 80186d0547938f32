//! What the checker finds wrong: facts only. Words stand in `problem`.

use super::facts::{Counted, Range};
use crate::ids::Symbol;
use crate::size::{Limits, SizeId};
use crate::source::Span;
use std::collections::BTreeMap;

/// One finding.
#[derive(Clone, Debug)]
pub struct Found {
    pub fact: Fact,
    /// The primary place.
    pub at: Span,
    /// The uses of the user's blocks that it happened in, outermost first.
    pub uses: Vec<Used>,
    /// What was known of open lengths.
    pub limits: BTreeMap<Symbol, Limits>,
}

/// A use of a user's block.
#[derive(Clone, Debug)]
pub struct Used {
    pub block: Symbol,
    pub head: Span,
    pub body: Span,
    pub call: Span,
    /// The numbers that its names have.
    pub bound: Vec<(Symbol, SizeId)>,
}

/// A tensor that takes part.
#[derive(Clone, Debug)]
pub struct Part {
    pub at: Span,
    pub shape: Vec<SizeId>,
}

/// What a definition reads of its circle.
#[derive(Clone, Debug)]
pub struct Link {
    /// `h[t]`
    pub defined: String,
    /// Its left side.
    pub target: Span,
    pub needs: String,
    /// The read.
    pub at: Span,
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
        inputs: Vec<Symbol>,
    },
    /// A function with another number of arguments.
    ArgumentCount {
        block: Symbol,
        takes: usize,
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
    Recursion {
        cycle: Vec<(Symbol, Span)>,
    },
    /// What stands where a layer belongs.
    NotALayer {
        is: String,
    },
    /// An output that nothing defines; without a name where a body has no result at all.
    NeverDefined {
        name: Option<Symbol>,
        of: Symbol,
    },
    /// A line without `=` beside another result; none where there are several outputs.
    TwoResults {
        other: Option<Span>,
        of: Symbol,
    },
    /// `(a, b) = ...` of another number of values.
    TupleCount {
        names: usize,
        values: usize,
    },
    /// An array whose rows have different lengths.
    Ragged,
    /// More uses of blocks than a net may have.
    TooManyUses {
        most: usize,
    },
    /// A tensor with more elements than can be counted.
    TooMany {
        shape: Vec<SizeId>,
    },
    /// Indices below `comes` where those below `wanted` are meant.
    IndexCount {
        comes: SizeId,
        wanted: SizeId,
    },
    /// A code that no message has.
    UnknownCode {
        code: Symbol,
    },
    /// Left out until recurrences, several objectives and so on are there.
    NotYet {
        what: String,
    },
    /// E0301
    InnerSizes {
        lhs: Part,
        rhs: Part,
    },
    /// E0302: a `require` that does not hold, its text filled in.
    Required {
        text: String,
        /// The numbers that the names of the block have.
        bound: Vec<(Symbol, SizeId)>,
        output: Vec<SizeId>,
        condition: Span,
    },
    /// E0303
    ShapesDiffer {
        op: &'static str,
        lhs: Part,
        rhs: Part,
    },
    /// E0304
    RemarkWrong {
        /// None for `_`.
        written: Vec<Option<SizeId>>,
        comes: Vec<SizeId>,
        stage: Span,
    },
    /// E0305
    OnlyRight {
        name: Symbol,
        values: Option<SizeId>,
        target_at: Span,
        reduction: Span,
        /// Where the name stands in subscripts.
        uses: Vec<Span>,
    },
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
    /// One set of weights, two shapes.
    SharedWeights {
        name: Symbol,
        first: Vec<SizeId>,
        again: Vec<SizeId>,
    },
    /// The number of axes.
    Rank {
        what: String,
        wants: usize,
        has: usize,
        shape: Vec<SizeId>,
    },
    /// `@` between shapes that it does not take.
    ProductRank {
        lhs: Part,
        rhs: Part,
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
    },
    TooLarge {
        size: Option<SizeId>,
    },
    NotPositive {
        size: SizeId,
    },
    ByZero {
        size: SizeId,
    },
    /// A read or write that leaves an axis whatever the open lengths are, or it cannot be told.
    OutOfLength {
        tensor: Symbol,
        size: SizeId,
    },
    /// Two places ask for what no length gives.
    NoLength {
        name: Symbol,
        low: i64,
        high: i64,
        other: Option<Span>,
    },
    /// A size decides what a net is made of, and is open until the run.
    OpenChoice {
        size: SizeId,
    },
    /// A shape in a circle of definitions that nothing tells.
    Unsettled {
        name: Symbol,
    },
    /// A circle that reads steps before and steps behind.
    BothWays {
        before: Link,
        behind: Link,
    },
    /// A circle that no step in time orders.
    NoStep {
        links: Vec<Link>,
    },
    /// A cycle at distance 0.
    Cycle {
        through: Vec<(Symbol, Span)>,
    },
    /// E0610
    NotProbability {
        block: Symbol,
        made: Span,
        /// Whether the classes exclude each other.
        exclusive: bool,
    },
    /// Softmax twice.
    AppliedTwice {
        block: Symbol,
        made: Span,
    },
    /// Whole numbers wanted, or of another count.
    NotIndex {
        what: String,
    },
    /// A block with state, or across the batch, that is mapped.
    Mapped {
        block: Symbol,
        why: &'static str,
    },
    /// E0602
    Classes {
        /// The output of the net that is trained on them.
        output: Option<SizeId>,
        data: SizeId,
        net: usize,
        names: Vec<Symbol>,
        counted: Counted,
        source: Span,
    },
    DataShape {
        field: Symbol,
        declared: Vec<SizeId>,
        has: Vec<Range>,
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
    /// `keep` names what is not reported.
    UnknownMetric {
        name: Symbol,
        known: Vec<Symbol>,
    },
    /// `patience` without `keep`.
    PatienceAlone,
    /// A net behind `train` that no objective is over.
    Untrained {
        net: Symbol,
    },
    /// `show` of what is no picture.
    NoPicture {
        shape: Vec<SizeId>,
    },
    /// `noise` in an optimiser, where there are no examples.
    NoiseHere,
    /// Found by another room, and told already.
    Ready(crate::diagnostic::Diagnostic),
    /// Windows that do not reach the end of their axes.
    DropsRows {
        window: Vec<SizeId>,
        input: Vec<SizeId>,
        output: SizeId,
        lost: Vec<i64>,
    },
    /// A definition that nothing reads.
    Unread {
        name: Symbol,
    },
    /// Anything else that needs one sentence.
    Other {
        code: &'static str,
        headline: String,
        label: String,
        help: Option<String>,
    },
}
