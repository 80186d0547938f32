//! Expressions: a flat list of operands and operators becomes a tree by precedence.
//!
//! From the loosest: `or`, `and`, comparisons, `+ -`, `* / // % @`, a sign, `^`. Comparisons and `^` stand alone on
//! their level, since nobody guesses what a chain of them means.

use super::{Builder, Parts};
use crate::source::parse::Rule;
use crate::source::slip;
use crate::source::span::Span;
use crate::source::tree::*;
use pest::iterators::{Pair, Pairs};
use std::iter::Peekable;

/// The most operators, subscripts and calls in one expression with all that stand around it.
pub(crate) const MAX_OPERATORS: usize = 500;

/// Children of an `expression` node.
type Flat<'p> = Peekable<Pairs<'p, Rule>>;

impl Builder<'_> {
    /// A whole expression.
    pub(super) fn expression(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let at = self.at(&pair);
        let inner = pair.into_inner();
        let operators = inner.len() / 2;
        self.operators += operators;
        let expr = match self.operators > MAX_OPERATORS {
            true => self.too_long(at),
            false => self.binary(&mut inner.peekable(), 0),
        };
        self.operators -= operators;
        expr
    }

    /// In place of an expression that is too long; the finding makes the statement a bad one.
    fn too_long(&mut self, at: Span) -> Expr {
        self.findings.push(slip::limits::too_long(at));
        Expr { kind: ExprKind::Array(Vec::new()), at }
    }

    /// Operators of at least this level, left to right.
    fn binary(&mut self, flat: &mut Flat<'_>, level: u8) -> Expr {
        let mut lhs = self.operand(flat);
        let mut last = None;
        while let Some(op) = flat.peek().map(|pair| operator(pair.as_rule(), pair.as_str())) {
            if precedence(op) < level {
                break;
            }
            let op_at = self.at(&flat.next().expect("just peeked"));
            if last.is_some_and(|last| alone(op) && precedence(last) == precedence(op)) {
                self.findings.push(slip::chain(op, lhs.at, op_at));
            }
            last = Some(op);
            let rhs = self.binary(flat, precedence(op) + 1);
            let at = lhs.at.to(rhs.at);
            lhs = Expr { kind: ExprKind::Binary { op, op_at, lhs: Box::new(lhs), rhs: Box::new(rhs) }, at };
        }
        lhs
    }

    /// One operand with its sign, which takes in a power: `-x^2` is `-(x^2)`.
    fn operand(&mut self, flat: &mut Flat<'_>) -> Expr {
        let first = flat.next().expect("the grammar promises an operand");
        if first.as_rule() != Rule::sign {
            return self.plain_operand(first);
        }
        let sign = self.at(&first);
        let inner = self.binary(flat, precedence(BinaryOp::Pow));
        Expr { at: sign.to(inner.at), kind: ExprKind::Negate(Box::new(inner)) }
    }

    fn plain_operand(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let at = self.at(&pair);
        let kind = match pair.as_rule() {
            Rule::window => self.window(&pair, at),
            Rule::number => return self.number(&pair),
            Rule::string => ExprKind::Text(self.quoted(&pair).value),
            Rule::array => ExprKind::Array(pair.into_inner().map(|item| self.expression(item)).collect()),
            _ => return self.value(pair),
        };
        Expr { kind, at }
    }

    fn window(&mut self, pair: &Pair<'_, Rule>, at: Span) -> ExprKind {
        let text = &pair.as_str()[..(at.end - at.start) as usize];
        let sides: Option<Vec<u32>> = text.split(['x', '×']).map(|side| side.parse().ok()).collect();
        if sides.is_none() {
            self.findings.push(slip::limits::number_too_large(at, text));
        }
        ExprKind::Window(sides.unwrap_or_default())
    }

    /// A number as written, and its value.
    pub(super) fn number(&mut self, pair: &Pair<'_, Rule>) -> Expr {
        let at = self.at(pair);
        let text = &pair.as_str()[..(at.end - at.start) as usize];
        let value: f64 = text.parse().expect("the grammar's numbers are Rust's");
        if value.is_infinite() {
            self.findings.push(slip::limits::number_too_large(at, text));
        }
        Expr { kind: ExprKind::Number(text.into(), value), at }
    }

    /// A name or a group with all that is behind it: repeats, calls, subscripts, members.
    pub(super) fn value(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let at = self.at(&pair);
        let inner = pair.into_inner();
        let steps = inner.len() - 1;
        self.operators += steps;
        let expr = match self.operators > MAX_OPERATORS {
            true => self.too_long(at),
            false => self.steps(inner.peekable()),
        };
        self.operators -= steps;
        expr
    }

    fn steps(&mut self, mut flat: Flat<'_>) -> Expr {
        let first = flat.next().expect("the grammar promises a name or a group");
        let mut expr = self.base(first);
        for step in flat {
            let at = expr.at.to(self.at(&step));
            let kind = match step.as_rule() {
                Rule::repeat => self.repeat(expr, step),
                Rule::call => self.call(Box::new(expr), step),
                Rule::subscripts => ExprKind::Subscript { base: Box::new(expr), subscripts: self.subscripts(step) },
                _ => ExprKind::Member { base: Box::new(expr), name: self.name(&self.parts(step).next()) },
            };
            expr = Expr { kind, at };
        }
        expr
    }

    fn base(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let at = self.at(&pair);
        let kind = match pair.as_rule() {
            Rule::name => ExprKind::Name(self.name(&pair).text),
            _ => ExprKind::Group(Box::new(self.group(pair))),
        };
        Expr { kind, at }
    }

    /// `( ... ) x3`: the group's pipeline, and how often.
    fn repeat(&mut self, base: Expr, pair: Pair<'_, Rule>) -> ExprKind {
        let count = self.parts(pair).next();
        let count = match count.as_rule() {
            Rule::name => self.base(count),
            _ => self.number(&count),
        };
        match base.kind {
            ExprKind::Group(body) => ExprKind::Repeat { body, count: Box::new(count) },
            other => unreachable!("the grammar repeats groups only, not {other:?}"),
        }
    }

    fn call(&mut self, callee: Box<Expr>, pair: Pair<'_, Rule>) -> ExprKind {
        let mut parts = self.parts(pair);
        let indices = match parts.take(Rule::indices) {
            Some(pair) => pair.into_inner().map(|index| self.index(index)).collect(),
            None => Vec::new(),
        };
        let args = parts.inner.map(|argument| self.argument(argument)).collect();
        ExprKind::Call { callee, indices, args }
    }

    fn index(&mut self, pair: Pair<'_, Rule>) -> IndexBinder {
        let mut parts = self.parts(pair);
        let name = self.name(&parts.next());
        IndexBinder { name, bound: parts.take(Rule::bound).map(|pair| self.bound(pair)) }
    }

    /// A bracket-free bound: names and numbers with `+ - * / //`.
    fn bound(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let at = self.at(&pair);
        let inner = pair.into_inner();
        if inner.len() / 2 > MAX_OPERATORS {
            return self.too_long(at);
        }
        self.binary(&mut inner.peekable(), 0)
    }

    fn argument(&mut self, pair: Pair<'_, Rule>) -> Argument {
        let mut parts = self.parts(pair);
        let name = parts.take(Rule::name).map(|pair| self.name(&pair));
        parts.take(Rule::equals);
        Argument { name, value: self.pipeline(parts.next()), at: parts.at }
    }

    /// `[h, t-1]`
    pub(super) fn subscripts(&mut self, pair: Pair<'_, Rule>) -> Vec<Subscript> {
        pair.into_inner().map(|subscript| self.subscript(subscript)).collect()
    }

    /// `t-1`, `0..T`
    pub(super) fn subscript(&mut self, pair: Pair<'_, Rule>) -> Subscript {
        let mut parts: Parts<'_> = self.parts(pair);
        let from = self.expression(parts.next());
        match parts.inner.next() {
            None => Subscript::At(from),
            Some(to) => Subscript::Range(from, self.expression(to)),
        }
    }
}

/// The operator of a node.
fn operator(rule: Rule, text: &str) -> BinaryOp {
    match (rule, text.trim_end()) {
        (Rule::or, _) => BinaryOp::Or,
        (Rule::and, _) => BinaryOp::And,
        (_, "==") => BinaryOp::Eq,
        (_, "!=") => BinaryOp::Ne,
        (_, "<=") => BinaryOp::Le,
        (_, ">=") => BinaryOp::Ge,
        (_, "<") => BinaryOp::Lt,
        (_, ">") => BinaryOp::Gt,
        (_, "+") => BinaryOp::Add,
        (_, "-") => BinaryOp::Sub,
        (_, "*") => BinaryOp::Mul,
        (_, "/") => BinaryOp::Div,
        (_, "//") => BinaryOp::FloorDiv,
        (_, "%") => BinaryOp::Rem,
        (_, "@") => BinaryOp::MatMul,
        _ => BinaryOp::Pow,
    }
}

/// How tightly an operator binds.
pub(crate) fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Le | BinaryOp::Ge | BinaryOp::Lt | BinaryOp::Gt => 3,
        BinaryOp::Add | BinaryOp::Sub => 4,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem | BinaryOp::MatMul => 5,
        BinaryOp::Pow => 6,
    }
}

/// Whether the operator may not follow one of its own level.
fn alone(op: BinaryOp) -> bool {
    matches!(precedence(op), 3 | 6)
}
