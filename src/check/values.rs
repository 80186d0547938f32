//! What an expression can stand for while a net is unfolded.

use super::births::BirthId;
use super::net::{Element, Scalar, TensorId, VarId};
use super::scope::{Env, ScopeId};
use crate::ids::Symbol;
use crate::size::{Formula, SizeId};
use crate::source::Span;
use crate::source::tree::{Each, Expr, Network, Pipeline};
use smallvec::SmallVec;
use std::rc::Rc;

/// The value of an expression.
#[derive(Clone, Debug)]
pub enum Value<'t> {
    Number(Number),
    /// `3x3`: height, width.
    Window(Rc<[SizeId]>),
    Truth(bool),
    Text(Symbol),
    /// What `[S...]` bound.
    Sizes(Rc<[SizeId]>),
    /// `[16, 32, 64]`, `[[1, 2], [3, 4]]`
    List(Rc<[Value<'t>]>, Span),
    View(View),
    Term(Term),
    Layer(Rc<Layer<'t>>),
    Tuple(Rc<[(Symbol, Value<'t>)]>),
    /// `bias=false`: terms with it vanish.
    Absent,
    /// A truth value that is not known (while a block is checked with its names free), or what an error left.
    Poison,
}

/// A number that is known before anything runs.
#[derive(Clone, Debug)]
pub enum Number {
    /// A size or another whole number, with its formula still open.
    Whole(Open),
    /// The division that did not come out whole is remembered: as a size, it is an error.
    Real(f64, Option<Ratio>),
}

/// A formula that is not closed to a size yet, so that a message can show all of it.
#[derive(Clone, Debug)]
pub struct Open {
    pub formula: Formula,
    pub from: SmallVec<[SizeId; 4]>,
    pub at: Span,
}

/// `128 / 6`
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    pub lhs: SizeId,
    pub rhs: SizeId,
    pub at: Span,
}

/// A tensor as a body sees it: its first axes are the index variables of the bodies around, and out of sight.
#[derive(Clone, Debug)]
pub struct View {
    pub tensor: TensorId,
    pub hidden: SmallVec<[VarId; 2]>,
}

/// An element of an expression: one free variable for each axis that it still has.
#[derive(Clone, Debug)]
pub struct Term {
    pub axes: SmallVec<[VarId; 4]>,
    pub body: Scalar,
    pub element: Element,
    pub at: Span,
}

/// A layer without its tensor.
#[derive(Clone, Debug)]
pub struct Layer<'t> {
    pub kind: LayerKind<'t>,
    /// Where its weights are born: the surroundings in which it was written.
    pub env: Env,
    /// The birth under the layer's own name, if it has one.
    pub named: Option<BirthId>,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub enum LayerKind<'t> {
    /// `conv(16, 3x3)`
    Call {
        callee: Callee<'t>,
        args: Rc<[Arg<'t>]>,
    },
    /// `conv(16, 3x3) -> relu`
    Pipeline(&'t Pipeline),
    /// `(conv(16) -> relu) x3`
    Stage(&'t Expr),
    Each(&'t Each),
}

/// An evaluated argument.
#[derive(Clone, Debug)]
pub struct Arg<'t> {
    pub name: Option<(Symbol, Span)>,
    pub value: Value<'t>,
    pub at: Span,
}

/// What can be called.
#[derive(Clone, Debug)]
pub enum Callee<'t> {
    Network(&'t Definition<'t>),
    Intrinsic(super::intrinsics::Intrinsic),
    Layer(Rc<Layer<'t>>),
    /// A name that an error left without a meaning.
    Poison,
}

/// A net, a block or an optimiser of the user's file or the library.
#[derive(Debug)]
pub struct Definition<'t> {
    pub network: &'t Network,
    pub library: bool,
    /// The constants that its body sees.
    pub file: ScopeId,
}

impl Term {
    /// A number.
    pub fn scalar(body: Scalar, at: Span) -> Term {
        Term { axes: SmallVec::new(), body, element: Element::Real, at }
    }
}

impl Open {
    /// A size as it is.
    pub fn size(id: SizeId, at: Span) -> Open {
        Open { formula: Formula::From(0), from: SmallVec::from_slice(&[id]), at }
    }

    /// A number as written.
    pub fn number(n: i64, at: Span) -> Open {
        Open { formula: Formula::Number(n), from: SmallVec::new(), at }
    }
}

impl<'t> Value<'t> {
    /// A size.
    pub fn size(id: SizeId, at: Span) -> Value<'t> {
        Value::Number(Number::Whole(Open::size(id, at)))
    }

    /// A real number.
    pub fn real(x: f64) -> Value<'t> {
        Value::Number(Number::Real(x, None))
    }

    /// Whether it holds elements: a call with such a first argument is an application, not a layer value.
    pub fn is_tensor(&self) -> bool {
        match self {
            Value::View(_) | Value::Term(_) | Value::List(..) | Value::Poison | Value::Tuple(_) => true,
            Value::Number(_) | Value::Window(_) | Value::Truth(_) | Value::Text(_) => false,
            Value::Sizes(_) | Value::Layer(_) | Value::Absent => false,
        }
    }

    /// What it is, in a message.
    pub fn what(&self) -> &'static str {
        match self {
            Value::Number(_) => "a number",
            Value::Window(_) => "a window",
            Value::Truth(_) => "a truth value",
            Value::Text(_) => "a text",
            Value::Sizes(_) => "a shape",
            Value::List(..) => "an array",
            Value::View(_) | Value::Term(_) => "a tensor",
            Value::Layer(_) => "a layer",
            Value::Tuple(_) => "several tensors",
            Value::Absent => "nothing",
            Value::Poison => "something wrong",
        }
    }
}
