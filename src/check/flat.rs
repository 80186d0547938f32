//! A flat list of equations in the making.
//!
//! While it grows, index variables are numbered over the whole list; axes of expressions may be bound to forms of others
//! (that is how `a + b` lines up). Emitting a piece puts the bindings in and numbers the piece's own variables from 0.
//!
//! **Invariants**: a variable is bound at most once, to a form of unbound ones after [`Building::settle`]; a tensor's
//! pieces come before its readers.

use super::births::BirthId;
use super::forms::{each_form, each_part, see_forms};
use super::net::{
    Condition, Element, Linear, ParamId, Piece, Scalar, Subscript, Tensor, TensorId, TensorKind, UseId, Var, VarId,
};
use super::updates::Update;
use crate::ids::{Arena, Symbol};
use crate::size::{Limits, SizeId, Sizes};
use crate::source::Span;
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// See the head of this file.
#[derive(Clone, Debug, Default)]
pub struct Building {
    /// Whether `training` holds; none while a block is checked with its names free.
    pub training: Option<bool>,
    /// In an optimiser `step` and `steps` are numbers.
    pub optimiser: bool,
    pub vars: Vec<VarInfo>,
    pub tensors: Arena<Tensor>,
    pub pieces: Vec<Piece>,
    pub uses: Vec<UseInfo>,
    pub updates: Vec<Update>,
    pub inputs: IndexMap<Symbol, TensorId>,
    pub params: IndexMap<ParamId, TensorId>,
    /// In an optimiser: the number of the objective, and the parameter that is trained.
    pub keeps_for: Option<(usize, ParamId)>,
    /// What `update w = ...` of an optimiser gave.
    pub new_weight: Option<TensorId>,
    /// Tensors without pieces because an error was reported.
    pub poisoned: bool,
    /// What is asked of lengths that are open until the run, and the first place that asked.
    pub limits: BTreeMap<Symbol, (Limits, Span)>,
}

/// An index variable.
#[derive(Clone, Debug)]
pub struct VarInfo {
    pub name: Symbol,
    pub extent: Option<SizeId>,
    pub bound: Option<Linear>,
}

/// A use of a block.
#[derive(Clone, Debug)]
pub struct UseInfo {
    pub birth: BirthId,
    pub block: Symbol,
    pub parent: Option<UseId>,
    pub input: Option<TensorId>,
    pub output: Option<TensorId>,
    pub params: Vec<ParamId>,
    /// Where the layer around it is applied, if that is not where it is written.
    pub applied: Option<Span>,
    pub at: Span,
}

/// What a definition needs besides its body.
#[derive(Debug)]
pub struct NewPiece {
    pub out: TensorId,
    pub free: Vec<VarId>,
    pub write: Vec<Linear>,
    pub body: Scalar,
    pub of: Option<UseId>,
    pub at: Span,
}

/// How long a flat list is: where a trial began.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    vars: usize,
    tensors: usize,
    pieces: usize,
    uses: usize,
    updates: usize,
    inputs: usize,
    params: usize,
    new_weight: Option<TensorId>,
    poisoned: bool,
}

impl Mark {
    /// Whether a tensor was there before.
    pub fn has(&self, tensor: TensorId) -> bool {
        tensor.index() < self.tensors
    }
}

impl Building {
    /// Where the list ends now.
    pub fn mark(&self) -> Mark {
        Mark {
            vars: self.vars.len(),
            tensors: self.tensors.len(),
            pieces: self.pieces.len(),
            uses: self.uses.len(),
            updates: self.updates.len(),
            inputs: self.inputs.len(),
            params: self.params.len(),
            new_weight: self.new_weight,
            poisoned: self.poisoned,
        }
    }

    /// Forgets all that came after a mark.
    pub fn reset(&mut self, mark: Mark) {
        // Shapes that are still in use name no variable: the variables of guesses stay.
        self.tensors.truncate(mark.tensors);
        self.pieces.truncate(mark.pieces);
        self.uses.truncate(mark.uses);
        self.updates.truncate(mark.updates);
        self.inputs.truncate(mark.inputs);
        self.params.truncate(mark.params);
        self.vars.truncate(mark.vars);
        self.new_weight = mark.new_weight;
        self.poisoned = mark.poisoned;
    }

    /// A new index variable.
    pub fn var(&mut self, name: &str, extent: Option<SizeId>) -> VarId {
        self.vars.push(VarInfo { name: name.into(), extent, bound: None });
        VarId::new(self.vars.len() - 1)
    }

    /// The variable's length; it has one once its equation's ranges are known.
    pub fn extent(&self, var: VarId) -> Option<SizeId> {
        self.vars[var.index()].extent
    }

    /// The variable's values, if they are numbers.
    pub fn range(&self, sizes: &Sizes, var: VarId) -> Option<(i64, i64)> {
        let n = sizes.number(self.extent(var)?)?;
        Some((0, n - 1))
    }

    /// Replaces a variable by a form from now on.
    pub fn bind(&mut self, var: VarId, to: Linear) {
        self.vars[var.index()].bound = Some(to);
    }

    /// A form with all bindings put in. None where numbers overflow.
    pub fn settle(&self, form: &Linear) -> Option<Linear> {
        let mut form = form.clone();
        while form.terms.iter().any(|(var, _)| self.vars[var.index()].bound.is_some()) {
            form = form.replace(&|var| self.vars[var.index()].bound.as_ref()).ok()?;
        }
        Some(form)
    }

    /// Puts all bindings into an expression. False where numbers overflow.
    pub fn settle_all(&self, body: &mut Scalar) -> bool {
        let mut fine = true;
        each_form(body, &mut |form| {
            if !form.terms.iter().any(|(var, _)| self.vars[var.index()].bound.is_some()) {
                return;
            }
            match self.settle(form) {
                Some(settled) => *form = settled,
                None => fine = false,
            }
        });
        fine
    }

    /// A tensor; its name is completed at the end.
    pub fn tensor(
        &mut self,
        name: &str,
        shape: Vec<SizeId>,
        element: Element,
        kind: TensorKind,
        of: Option<UseId>,
        at: Span,
    ) -> TensorId {
        let per_example = match kind {
            TensorKind::Input(_) => !self.optimiser,
            TensorKind::Noise { .. } => true,
            TensorKind::Param(_) | TensorKind::Constant(_) | TensorKind::Defined => false,
        };
        self.tensors.push(Tensor { name: name.into(), shape, element, kind, per_example, of, at })
    }

    /// An input, made when first asked for.
    pub fn input(&mut self, name: &Symbol, shape: Vec<SizeId>, element: Element, at: Span) -> TensorId {
        if let Some(&known) = self.inputs.get(name) {
            return known;
        }
        let id = self.tensor(name, shape, element, TensorKind::Input(name.clone()), None, at);
        self.inputs.insert(name.clone(), id);
        id
    }

    /// The tensor of a parameter.
    pub fn param(&mut self, id: ParamId, name: &str, shape: Vec<SizeId>, of: Option<UseId>, at: Span) -> TensorId {
        if let Some(&known) = self.params.get(&id) {
            return known;
        }
        let tensor = self.tensor(name, shape, Element::Real, TensorKind::Param(id), of, at);
        self.params.insert(id, tensor);
        tensor
    }

    /// Adds a settled piece.
    pub fn define(&mut self, piece: NewPiece) {
        let NewPiece { out, free, mut write, mut body, of, at } = piece;
        if self.depends_on_example(&body) {
            self.tensors[out].per_example = true;
        }
        let mut own = IndexMap::new();
        for &var in &free {
            let next = own.len();
            own.entry(var).or_insert(next);
        }
        number_reduced(&mut body, &mut own);
        let renumber = |form: &mut Linear| {
            for (var, _) in &mut form.terms {
                *var = VarId::new(*own.get(var).expect("a piece binds all its variables"));
            }
            form.terms.sort_by_key(|(var, _)| *var);
        };
        write.iter_mut().for_each(renumber);
        each_form(&mut body, &mut |form| renumber(form));
        let mut vars = Arena::new();
        for &var in own.keys() {
            let info = &self.vars[var.index()];
            let extent = info.extent.expect("ranges are known before a piece is made");
            vars.push(Var { name: info.name.clone(), extent });
        }
        let free = (0..free.len()).map(VarId::new).collect();
        self.pieces.push(Piece { out, vars, free, write, body, of, at });
    }

    /// Whether a body has another value for each example.
    pub fn depends_on_example(&self, body: &Scalar) -> bool {
        match body {
            Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) => false,
            Scalar::Load { tensor, subscripts, .. } => {
                let of = |subscript: &Subscript| match subscript {
                    Subscript::Affine(_) => false,
                    Subscript::Data { tensor, .. } => self.tensors[*tensor].per_example,
                };
                self.tensors[*tensor].per_example || subscripts.iter().any(of)
            }
            Scalar::Unary(_, a) => self.depends_on_example(a),
            Scalar::Binary(_, a, b) => self.depends_on_example(a) || self.depends_on_example(b),
            Scalar::If(condition, a, b) => {
                self.condition_depends(condition) || self.depends_on_example(a) || self.depends_on_example(b)
            }
            Scalar::Reduce { across_batch, body, .. } => !across_batch && self.depends_on_example(body),
        }
    }

    fn condition_depends(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Index { .. } => false,
            Condition::Real(_, a, b) => self.depends_on_example(a) || self.depends_on_example(b),
            Condition::And(a, b) | Condition::Or(a, b) => self.condition_depends(a) || self.condition_depends(b),
        }
    }
}

/// Gives the variables that reductions bind their own numbers.
fn number_reduced(body: &mut Scalar, own: &mut IndexMap<VarId, usize>) {
    match body {
        Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) | Scalar::Load { .. } => {}
        Scalar::Unary(_, a) => number_reduced(a, own),
        Scalar::Binary(_, a, b) => {
            number_reduced(a, own);
            number_reduced(b, own);
        }
        Scalar::If(condition, a, b) => {
            number_in(condition, own);
            number_reduced(a, own);
            number_reduced(b, own);
        }
        Scalar::Reduce { vars, body, .. } => {
            for var in vars.iter_mut() {
                let next = own.len();
                *var = VarId::new(*own.entry(*var).or_insert(next));
            }
            number_reduced(body, own);
        }
    }
}

fn number_in(condition: &mut Condition, own: &mut IndexMap<VarId, usize>) {
    match condition {
        Condition::Index { .. } => {}
        Condition::Real(_, a, b) => {
            number_reduced(a, own);
            number_reduced(b, own);
        }
        Condition::And(a, b) | Condition::Or(a, b) => {
            number_in(a, own);
            number_in(b, own);
        }
    }
}

/// The variables of an expression that no reduction in it binds, in order of their ids.
pub fn free_vars(body: &Scalar) -> Vec<VarId> {
    let (mut seen, mut bound): (Vec<VarId>, Vec<VarId>) = (Vec::new(), Vec::new());
    see_forms(body, &mut |form| seen.extend(form.terms.iter().map(|(var, _)| *var)));
    each_part(body, &mut |part| {
        if let Scalar::Reduce { vars, .. } = part {
            bound.extend(vars);
        }
    });
    seen.sort_unstable();
    seen.dedup();
    seen.retain(|var| !bound.contains(var));
    seen
}
