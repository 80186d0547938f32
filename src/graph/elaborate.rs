//! From a checked net to a graph: every size becomes a number, the batch an axis, nested reductions and costly
//! functions equations of their own.
//!
//! A lifted equation has only the axes that its value depends on; it takes shape and write map of the equation around
//! it when those are the same axes, and **takes the branch condition above it along**, so that a `log` under
//! `if x > 0` is never evaluated, nor differentiated, where the condition fails.
//!
//! Needs a checked net without errors. Cannot fail.

mod arithmetic;
mod lift;
mod mention;
mod ragged;

pub use ragged::not_ragged;

use super::{Binary, Cmp, Dtype, Graph, HostExpr, Kind, Origin, OriginId, OriginRole, TensorId, Unary};
use crate::check::net::{self, Checked, Comparison, Condition, Element, Flat, ParamId, Scalar};
use crate::ids::Symbol;
use crate::size::{Poly, SizeId, Sizes};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// The numbers that a plan is made for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    /// Examples at once.
    pub batch: u32,
    /// The lengths that the checked net leaves open.
    pub sizes: BTreeMap<Symbol, i64>,
    /// Whether each example has lengths of its own, `sizes` being the largest.
    pub ragged: bool,
}

impl Binding {
    /// The number of a size at these lengths.
    pub fn number(&self, sizes: &Sizes, size: SizeId) -> Option<u32> {
        u32::try_from(self.value(sizes.value(size)?)?).ok()
    }

    /// The number of a polynomial at these lengths.
    pub fn value(&self, poly: &Poly) -> Option<i64> {
        poly.as_number().or_else(|| poly.value_at(&self.sizes).ok()?)
    }
}

impl From<u32> for Binding {
    fn from(batch: u32) -> Binding {
        Binding { batch, sizes: BTreeMap::new(), ragged: false }
    }
}

/// Adds one flat list of equations after another to a graph; parameters are shared between them.
pub struct Elaboration<'a> {
    pub checked: &'a Checked,
    pub binding: Binding,
    pub graph: Graph,
    /// The graph's tensor of each parameter or state met so far.
    pub params: IndexMap<ParamId, TensorId>,
    /// Inputs and noise met so far, by name and key.
    named: IndexMap<(bool, Symbol), TensorId>,
    role: OriginRole,
}

impl<'a> Elaboration<'a> {
    /// An empty graph for a binding.
    pub fn new(checked: &'a Checked, binding: Binding) -> Elaboration<'a> {
        let (params, named) = (IndexMap::new(), IndexMap::new());
        Elaboration { checked, binding, graph: Graph::default(), params, named, role: OriginRole::Written }
    }

    /// Adds the equations of `flat`. Inputs named in `given` are those tensors; `step` and `steps` are host numbers if
    /// `host`. Gives the graph's tensor for each tensor of `flat`.
    pub fn add(&mut self, flat: &Flat, given: &[(&str, TensorId)], role: OriginRole) -> Tensors {
        self.role = role;
        let mut tensors = Tensors { places: Vec::new(), own: ragged::per_example(self, flat) };
        for (id, tensor) in flat.tensors.iter() {
            let place = match &tensor.kind {
                net::TensorKind::Input(name) => match host_input(name, &self.role) {
                    Some(host) => Place::Host(host),
                    None => Place::Tensor(match given.iter().find(|(n, _)| **n == **name) {
                        Some(&(_, known)) => known,
                        None => self.named(flat, id, name, Kind::Input),
                    }),
                },
                net::TensorKind::Param(param) => Place::Tensor(self.param(*param)),
                net::TensorKind::Noise { key, normal } => {
                    let kind = Kind::Noise { key: key.clone(), normal: *normal };
                    Place::Tensor(self.named(flat, id, key, kind))
                }
                net::TensorKind::Constant(values) => {
                    Place::Tensor(self.tensor(flat, id, Kind::Const(values.clone()), tensor.per_example))
                }
                net::TensorKind::Defined => match host_definition(flat, id, &tensors) {
                    Some(host) => Place::Host(host),
                    None => Place::Tensor(self.tensor(flat, id, Kind::Defined, tensors.own[id.index()])),
                },
            };
            tensors.places.push(place);
        }
        for piece in &flat.pieces {
            if let Place::Tensor(out) = tensors.places[piece.out.index()] {
                lift::piece(self, flat, piece, &tensors, out);
            }
        }
        tensors
    }

    /// The graph's tensor of a parameter or state.
    pub fn param(&mut self, id: ParamId) -> TensorId {
        if let Some(&known) = self.params.get(&id) {
            return known;
        }
        let param = &self.checked.params[id];
        let shape: Vec<u32> = param.shape.iter().map(|&size| self.number(size)).collect();
        let kind = if param.trained { Kind::Param } else { Kind::State };
        let origin = self.origin(&param.path, Some(param.at), OriginRole::Written);
        let tensor = self.graph.tensor(&param.path, &shape, Dtype::Real, kind, origin);
        self.params.insert(id, tensor);
        tensor
    }

    /// A new origin.
    pub fn origin(&mut self, path: &str, at: Option<crate::source::Span>, role: OriginRole) -> OriginId {
        self.graph.origins.push(Origin { path: path.into(), at, role })
    }

    fn named(&mut self, flat: &Flat, id: net::TensorId, name: &Symbol, kind: Kind) -> TensorId {
        let key = (matches!(kind, Kind::Input), name.clone());
        if let Some(&known) = self.named.get(&key) {
            return known;
        }
        let tensor = self.tensor(flat, id, kind, flat.tensors[id].per_example);
        self.graph.tensors[tensor].name = name.clone();
        self.named.insert(key, tensor);
        tensor
    }

    fn tensor(&mut self, flat: &Flat, id: net::TensorId, kind: Kind, per_example: bool) -> TensorId {
        let tensor = &flat.tensors[id];
        let batch = per_example.then_some(self.binding.batch);
        let shape: Vec<u32> = batch.into_iter().chain(tensor.shape.iter().map(|&size| self.number(size))).collect();
        let dtype = match tensor.element {
            Element::Real | Element::Probability => Dtype::Real,
            Element::Index(n) => Dtype::Index(self.number(n)),
        };
        let origin = self.origin(&tensor.name, Some(tensor.at), self.role.clone());
        self.graph.tensor(&tensor.name, &shape, dtype, kind, origin)
    }

    fn number(&self, size: SizeId) -> u32 {
        let number = self.binding.number(&self.checked.sizes, size);
        number.unwrap_or_else(|| {
            let shown = crate::size::show::size(&self.checked.sizes, size);
            panic!(
                "bug: a checked net has no poisoned size, and a binding all its lengths: {shown} at {:?}",
                self.binding
            )
        })
    }
}

/// Where each tensor of a flat list went.
#[derive(Clone, Debug, Default)]
pub struct Tensors {
    places: Vec<Place>,
    /// Whether each example has its own.
    own: Vec<bool>,
}

#[derive(Clone, Debug)]
enum Place {
    Tensor(TensorId),
    /// A number that depends on the step only, never a tensor of its own unless something reads it.
    Host(HostExpr),
}

impl Tensors {
    /// The graph's tensor, or the number known before each step.
    pub fn get(&self, graph: &mut Graph, id: net::TensorId, origin: OriginId) -> TensorId {
        match &self.places[id.index()] {
            Place::Tensor(tensor) => *tensor,
            Place::Host(host) => graph.tensor("host", &[], Dtype::Real, Kind::Host(host.clone()), origin),
        }
    }
}

fn host_input(name: &str, role: &OriginRole) -> Option<HostExpr> {
    match (name, role) {
        ("step", OriginRole::Update) => Some(HostExpr::Step),
        ("steps", OriginRole::Update) => Some(HostExpr::Steps),
        _ => None,
    }
}

/// The definition of a number by `step`, `steps` and constants alone.
fn host_definition(flat: &Flat, id: net::TensorId, known: &Tensors) -> Option<HostExpr> {
    if !flat.tensors[id].shape.is_empty() {
        return None;
    }
    let mut pieces = flat.pieces.iter().filter(|piece| piece.out == id);
    let (piece, None) = (pieces.next()?, pieces.next()) else { return None };
    host(&piece.body, known)
}

/// The expression as a number known before each step, if it is one.
fn host(scalar: &Scalar, known: &Tensors) -> Option<HostExpr> {
    Some(match scalar {
        Scalar::Number(n) => HostExpr::Number(*n),
        Scalar::Load { tensor, .. } => match known.places.get(tensor.index())? {
            Place::Host(host) => host.clone(),
            Place::Tensor(_) => return None,
        },
        Scalar::Unary(op, a) => HostExpr::Unary(unary(*op), Box::new(host(a, known)?)),
        Scalar::Binary(op, a, b) => {
            let (a, b) = (Box::new(host(a, known)?), Box::new(host(b, known)?));
            match op {
                net::Binary::Add => HostExpr::Binary(Binary::Add, a, b),
                net::Binary::Sub => HostExpr::Binary(Binary::Sub, a, b),
                net::Binary::Mul => HostExpr::Binary(Binary::Mul, a, b),
                net::Binary::Div => HostExpr::Binary(Binary::Div, a, b),
                net::Binary::Max => HostExpr::Binary(Binary::Max, a, b),
                net::Binary::Pow => HostExpr::Pow(a, b),
                net::Binary::FloorDiv => HostExpr::Floor(Box::new(HostExpr::Binary(Binary::Div, a, b))),
                net::Binary::Min => {
                    let negated = |x| Box::new(HostExpr::Unary(Unary::Neg, x));
                    *negated(Box::new(HostExpr::Binary(Binary::Max, negated(a), negated(b))))
                }
            }
        }
        Scalar::If(condition, then, otherwise) => {
            host_choice(condition, host(then, known)?, host(otherwise, known)?, known)?
        }
        Scalar::Size(_) | Scalar::Index(_) | Scalar::Reduce { .. } => return None,
    })
}

/// `if condition then x else y` of the host.
fn host_choice(condition: &Condition, x: HostExpr, y: HostExpr, known: &Tensors) -> Option<HostExpr> {
    match condition {
        Condition::Real(relation, a, b) => {
            let (a, b) = (host(a, known)?, host(b, known)?);
            let (cmp, swap, negate) = comparison(*relation);
            let (a, b) = if swap { (b, a) } else { (a, b) };
            let (x, y) = if negate { (y, x) } else { (x, y) };
            Some(HostExpr::If(cmp, Box::new([a, b, x, y])))
        }
        Condition::And(a, b) => host_choice(a, host_choice(b, x, y.clone(), known)?, y, known),
        Condition::Or(a, b) => host_choice(a, x.clone(), host_choice(b, x, y, known)?, known),
        Condition::Index { .. } => None,
    }
}

/// A relation by the three that the graph knows: (which, operands exchanged, branches exchanged).
fn comparison(relation: Comparison) -> (Cmp, bool, bool) {
    match relation {
        Comparison::Eq => (Cmp::Eq, false, false),
        Comparison::Ne => (Cmp::Eq, false, true),
        Comparison::Lt => (Cmp::Lt, false, false),
        Comparison::Le => (Cmp::Le, false, false),
        Comparison::Gt => (Cmp::Lt, true, false),
        Comparison::Ge => (Cmp::Le, true, false),
    }
}

fn unary(op: net::Unary) -> Unary {
    match op {
        net::Unary::Neg => Unary::Neg,
        net::Unary::Exp => Unary::Exp,
        net::Unary::Log => Unary::Log,
        net::Unary::Tanh => Unary::Tanh,
        net::Unary::Sigmoid => Unary::Sigmoid,
        net::Unary::Erf => Unary::Erf,
        net::Unary::Sqrt => Unary::Sqrt,
        net::Unary::Abs => Unary::Abs,
        net::Unary::Sin => Unary::Sin,
        net::Unary::Cos => Unary::Cos,
        net::Unary::Stop => Unary::Stop,
    }
}
