//! Names: what each stands for in a body, and what is still to be evaluated.
//!
//! Definitions stand in any order, so a body's scope holds each name's statements until somebody asks for it.

use super::births::{BirthId, Site};
use super::net::{UseId, VarId};
use super::values::Value;
use crate::ids::{Id, Symbol};
use crate::source::Span;
use crate::source::tree::{Dim, Network, Output, Pipeline, Statement, Type};
use indexmap::IndexMap;
use smallvec::SmallVec;
use std::rc::Rc;

/// The names of one body, of one turn of an `each`, or of a file.
#[derive(Debug)]
pub struct Scope<'t> {
    pub parent: Option<ScopeId>,
    pub names: IndexMap<Symbol, Entry<'t>>,
    /// In which surroundings the body's statements are evaluated.
    pub env: Env,
    /// Definitions of the body that need each other.
    pub circles: Rc<super::cycles::Circles>,
    /// Declared outputs.
    pub outputs: &'t [Output],
    /// The block whose body this is.
    pub network: Option<&'t Network>,
    /// The scope of its call.
    pub caller: Option<ScopeId>,
    /// The numbers that the names of this use have, for messages.
    pub bound: Vec<(Symbol, crate::size::SizeId)>,
}
pub type ScopeId = Id<ScopeKind>;

/// Makes scope ids a type of their own, without the scopes' lifetime.
#[derive(Debug)]
pub struct ScopeKind;

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Entry<'t> {
    Known(Value<'t>),
    /// The statements that define it; evaluated when asked for.
    Pending(SmallVec<[&'t Statement; 2]>),
    /// A constant of the file.
    Constant(&'t Pipeline),
    /// Named by `as` inside of the definition of another name.
    Inside(Symbol),
    /// Being evaluated: whoever asks now goes in a circle.
    Busy(Span),
}

/// The surroundings of an expression.
#[derive(Clone, Debug)]
pub struct Env {
    pub scope: ScopeId,
    /// The scope of the constants of the file that the text stands in.
    pub file: ScopeId,
    /// The parent of the uses that are born here.
    pub birth: BirthId,
    /// The turns of the repeats around.
    pub turns: Site,
    pub use_id: Option<UseId>,
    /// Index variables of the bodies around this one: what is defined here has an element for each of their values.
    pub ambient: Rc<[VarId]>,
    /// Index names in sight.
    pub indices: Rc<[(Symbol, VarId)]>,
    /// The call in the user's text, while inside of the library.
    pub call: Option<Span>,
    /// Calls and bindings around, innermost last, for messages.
    pub depth: u32,
    pub library: bool,
}

impl Env {
    /// The same with more index names in sight.
    pub fn with_indices(&self, more: &[(Symbol, VarId)]) -> Env {
        let mut env = self.clone();
        env.indices = self.indices.iter().cloned().chain(more.iter().cloned()).collect();
        env
    }

    /// The index variable of a name.
    pub fn index(&self, name: &str) -> Option<VarId> {
        self.indices.iter().rev().find(|(n, _)| **n == *name).map(|(_, var)| *var)
    }

    /// Where a problem is shown: at its own place, or at the user's call if that is inside of the library.
    pub fn shown(&self, at: Span) -> Span {
        self.call.filter(|_| self.library).unwrap_or(at)
    }
}

/// The declared type of an output.
pub fn output_type<'t>(scope: &Scope<'t>, name: &str) -> Option<&'t Type> {
    let found = scope.outputs.iter().find(|output| output.name.as_ref().is_some_and(|n| *n.text == *name))?;
    Some(&found.ty)
}

/// The names that stand alone as an axis of a type.
pub fn bare_dim(dim: &Dim) -> Option<&Symbol> {
    match dim {
        Dim::Size(expr) => match &expr.kind {
            crate::source::tree::ExprKind::Name(name) => Some(name),
            _other => None,
        },
        Dim::Any(_) | Dim::Many(_) => None,
    }
}
