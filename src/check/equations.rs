//! Definitions element by element: `v[i, t] = ...`, in one or several pieces.

use super::checker::Checker;
use super::flat::{NewPiece, free_vars};
use super::found::{Fact, Found, Part};
use super::indices::Ranges;
use super::net::{Element, Linear, TensorKind, VarId};
use super::scope::{Env, output_type};
use super::terms::Axes;
use super::values::{Number, Term, Value, View};
use crate::ids::Symbol;
use crate::size::{Formula, SizeId};
use crate::source::Span;
use crate::source::tree::{Expr, ExprKind, Head, Pipeline, Statement, StatementKind, Subscript, Target, Type};
use smallvec::SmallVec;

/// One piece, evaluated.
pub struct Evaluated {
    /// Index variables of the left side, in text order.
    pub indices: Vec<VarId>,
    /// The left side's subscripts.
    pub write: Vec<Linear>,
    pub term: Term,
    pub at: Span,
}

impl<'t> Checker<'t> {
    /// The tensor that the pieces of one name define; `own` is that tensor where it was announced before.
    pub fn equations(
        &mut self,
        name: &Symbol,
        statements: &[&'t Statement],
        own: Option<&View>,
        env: &Env,
    ) -> Value<'t> {
        let declared = self.declared_dims(name, env);
        let mut pieces = Vec::new();
        for statement in statements {
            let StatementKind::Define { target: Target::Indexed { subscripts, at, .. }, ty, value } = &statement.kind
            else {
                continue;
            };
            let dims = match ty {
                Some(ty) => Some(self.dims(ty, env)),
                None => declared.clone(),
            };
            let piece = self.piece(subscripts, *at, value, dims.as_deref(), statement.at, env);
            pieces.extend(piece.map(|piece| (piece, dims)));
        }
        if pieces.len() < statements.len() || pieces.is_empty() {
            return self.lost(declared, statements[0].at, env);
        }
        let dims = pieces[0].1.clone();
        self.assemble(name, pieces.into_iter().map(|(piece, _)| piece).collect(), dims, own, statements[0].at, env)
    }

    /// What is known of a tensor whose definition is wrong.
    fn lost(&mut self, declared: Option<Vec<Option<SizeId>>>, at: Span, env: &Env) -> Value<'t> {
        let Some(dims) = declared else { return Value::Poison };
        let shape = dims.into_iter().map(|dim| dim.unwrap_or_else(|| self.sizes.poison(at))).collect();
        self.poisoned(shape, Element::Real, env, at)
    }

    /// The declared axes of an output.
    fn declared_dims(&mut self, name: &Symbol, env: &Env) -> Option<Vec<Option<SizeId>>> {
        let ty: &'t Type = output_type(self.scope(env.scope), name)?;
        Some(self.dims(ty, env))
    }

    #[allow(clippy::too_many_arguments)]
    pub fn piece(
        &mut self,
        subscripts: &'t [Subscript],
        target_at: Span,
        value: &'t Pipeline,
        dims: Option<&[Option<SizeId>]>,
        at: Span,
        env: &Env,
    ) -> Option<Evaluated> {
        let names = self.left_names(subscripts, env);
        let mut ranges = Ranges::default();
        let mut indices = Vec::new();
        let mut named = Vec::new();
        for index in names {
            let var = self.flat.var(&index, None);
            ranges.add(var);
            indices.push(var);
            named.push((index, var));
        }
        let inner = env.with_indices(&named);
        let mut write = Vec::new();
        for (i, subscript) in subscripts.iter().enumerate() {
            let form = match subscript {
                Subscript::At(expr) => self.affine(expr, &inner),
                Subscript::Range(..) => None,
            };
            let Some(form) = form else {
                let wrong = match subscript {
                    Subscript::At(expr) => matches!(self.eval(expr, &inner), Value::Poison),
                    Subscript::Range(..) => false,
                };
                if !wrong {
                    self.raise(Fact::NotAffine, target_at, env);
                }
                return None;
            };
            if let (Some(size), Subscript::At(expr)) = (dims.and_then(|dims| dims.get(i).copied().flatten()), subscript)
            {
                self.constrain(&mut ranges, form.clone(), expr, size, target_at);
            }
            write.push(form);
        }
        self.collect_pipeline(value, &mut ranges, &inner);
        self.settle_ranges(&ranges, env);
        for &var in &indices {
            if self.flat.extent(var).is_none() {
                let name = self.flat.vars[var.index()].name.clone();
                self.no_range(name, target_at, env);
                return None;
            }
        }
        let reported = self.found.len();
        let (tree, value_at) = (value, value.at);
        let value = self.pipeline(value, &inner);
        self.only_right(reported, (target_at, value_at), tree, &inner);
        let term = self.to_term(value, at, &inner)?;
        Some(Evaluated { indices, write, term, at })
    }

    /// An unknown name in the right side's subscripts is an index that nothing binds (E0305).
    fn only_right(&mut self, reported: usize, (target_at, at): (Span, Span), value: &'t Pipeline, env: &Env) {
        for i in reported..self.found.len() {
            let Found { fact: Fact::UnknownName { name, call: false, .. }, at: found_at, .. } = &self.found[i] else {
                continue;
            };
            let name = name.clone();
            let unbound = super::unbound::find(value, &name);
            if !at.holds(*found_at) || unbound.uses.is_empty() {
                continue;
            }
            let shape = unbound.axis.and_then(|(base, axis)| Some((self.known_shape(base, env)?, axis)));
            let values = shape.and_then(|(shape, axis)| shape.get(axis).copied());
            let (reduction, uses) = (unbound.term, unbound.uses);
            self.found[i].fact = Fact::OnlyRight { name, values, target_at, reduction, uses };
        }
    }

    /// Names on the left that are no numbers: the equation's indices.
    fn left_names(&mut self, subscripts: &'t [Subscript], env: &Env) -> Vec<Symbol> {
        let mut names = Vec::new();
        for subscript in subscripts {
            if let Subscript::At(expr) = subscript {
                self.names_in(expr, env, &mut names);
            }
        }
        names
    }

    fn names_in(&mut self, expr: &'t Expr, env: &Env, names: &mut Vec<Symbol>) {
        match &expr.kind {
            ExprKind::Name(name) => {
                if !names.contains(name) && !self.is_number(name, env) {
                    names.push(name.clone());
                }
            }
            ExprKind::Negate(inner) => self.names_in(inner, env, names),
            ExprKind::Binary { lhs, rhs, .. } => {
                self.names_in(lhs, env, names);
                self.names_in(rhs, env, names);
            }
            ExprKind::Group(inner) if inner.stages.is_empty() => {
                if let Head::Expr(inner) = &inner.head {
                    self.names_in(inner, env, names);
                }
            }
            ExprKind::Number(..) | ExprKind::Window(_) | ExprKind::Text(_) | ExprKind::Array(_) => {}
            ExprKind::Group(_) | ExprKind::Repeat { .. } | ExprKind::Call { .. } => {}
            ExprKind::Subscript { .. } | ExprKind::Member { .. } => {}
        }
    }

    pub fn is_number(&mut self, name: &Symbol, env: &Env) -> bool {
        let Some(scope) = self.find(env.scope, name) else { return false };
        matches!(self.force(scope, name), Ok(Value::Number(Number::Whole(_))))
    }

    /// Makes the tensor of all pieces: its shape is declared, or what they write.
    fn assemble(
        &mut self,
        name: &Symbol,
        pieces: Vec<Evaluated>,
        dims: Option<Vec<Option<SizeId>>>,
        own: Option<&View>,
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let rank = pieces[0].write.len() + pieces[0].term.axes.len();
        for piece in &pieces {
            let has = piece.write.len() + piece.term.axes.len();
            if has != rank {
                let shape = self.term_shape(&piece.term);
                let what = format!("a piece of '{name}'");
                self.raise(Fact::Rank { what, wants: rank, has, shape }, piece.at, env);
                return self.lost(dims, at, env);
            }
        }
        if let Some(known) = &dims
            && known.len() != rank
        {
            let shape = known.iter().map(|dim| dim.unwrap_or_else(|| self.sizes.poison(at))).collect();
            self.raise(Fact::Rank { what: format!("'{name}'"), wants: rank, has: known.len(), shape }, at, env);
            return self.lost(dims, at, env);
        }
        let mut shape = Vec::with_capacity(rank);
        for axis in 0..rank {
            let comes = self.written_length(&pieces, axis, at);
            let known = dims.as_ref().and_then(|dims| dims[axis]);
            shape.push(known.unwrap_or(comes));
        }
        if !self.trailing_agree(name, &pieces, &shape, env) {
            return self.lost(Some(shape.into_iter().map(Some).collect()), at, env);
        }
        self.bounded(&shape, at, env);
        let element =
            pieces.iter().map(|piece| piece.term.element).reduce(|a, b| if a == b { a } else { Element::Real });
        let element = element.unwrap_or(Element::Real);
        if own.is_some_and(|view| !self.as_announced(view, &shape)) {
            self.raise(Fact::Unsettled { name: name.clone() }, at, env);
            return Value::Poison;
        }
        self.write_pieces(name, pieces, shape, element, own, at, env)
    }

    fn as_announced(&self, view: &View, shape: &[SizeId]) -> bool {
        let known = self.shape(view);
        known.len() == shape.len() && known.iter().zip(shape).all(|(a, b)| self.may_equal(*a, *b))
    }

    /// How long an axis is by what is written: the largest subscript and one.
    fn written_length(&mut self, pieces: &[Evaluated], axis: usize, at: Span) -> SizeId {
        let mut longest: Option<SizeId> = None;
        for piece in pieces {
            let length = match piece.write.get(axis) {
                None => {
                    let var = piece.term.axes[axis - piece.write.len()];
                    self.flat.extent(var).expect("an axis has a length")
                }
                Some(form) => match form.as_var() {
                    Some(var) => self.flat.extent(var).expect("ranges are known"),
                    None => self.reach(&form.clone(), at),
                },
            };
            longest = Some(match longest {
                Some(known) => self.longer(known, length, at),
                None => length,
            });
        }
        longest.expect("there is a piece")
    }

    fn reach(&mut self, form: &Linear, at: Span) -> SizeId {
        let range = |var| self.flat.range(&self.sizes, var);
        match form.interval(&range) {
            Some((_, high)) if (0..i64::MAX).contains(&high) => {
                let formula = Formula::Number(high + 1);
                self.sizes.derive(formula, &[], at).unwrap_or_else(|fault| fault.size)
            }
            Some(_) => self.sizes.poison(at),
            None => self.reach_of(form, at).unwrap_or_else(|| self.sizes.poison(at)),
        }
    }

    /// Axes that the left side does not name must be the declared ones, and the same in all pieces.
    fn trailing_agree(&mut self, name: &Symbol, pieces: &[Evaluated], shape: &[SizeId], env: &Env) -> bool {
        for piece in pieces {
            let own = self.term_shape(&piece.term);
            let wanted = &shape[piece.write.len()..];
            if !own.iter().zip(wanted).all(|(a, b)| self.may_equal(*a, *b)) {
                let declared = (piece.at, wanted.iter().map(|size| Some(*size)).collect());
                let comes = Part { at: piece.term.at, shape: own };
                let what = format!("'{name}' after its subscripts");
                self.raise(Fact::NotDeclared { what, declared, comes }, piece.at, env);
                return false;
            }
        }
        true
    }

    #[allow(clippy::too_many_arguments)]
    fn write_pieces(
        &mut self,
        name: &Symbol,
        mut pieces: Vec<Evaluated>,
        shape: Vec<SizeId>,
        element: Element,
        own: Option<&View>,
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let mut hidden: SmallVec<[VarId; 2]> = SmallVec::new();
        for piece in &mut pieces {
            if !self.flat.settle_all(&mut piece.term.body) {
                self.raise(Fact::TooLarge { size: None }, at, env);
                return Value::Poison;
            }
            let own = |var: &VarId| piece.indices.contains(var) || piece.term.axes.contains(var);
            hidden.extend(free_vars(&piece.term.body).into_iter().filter(|var| !own(var)));
        }
        hidden.sort_unstable();
        hidden.dedup();
        if pieces.len() > 1 {
            let writes: Vec<(Vec<Linear>, Span)> = pieces.iter().map(|piece| (whole_write(piece), piece.at)).collect();
            self.disjoint(name, &writes, env);
        }
        let mut full: Vec<SizeId> = Vec::with_capacity(hidden.len() + shape.len());
        full.extend(hidden.iter().map(|&var| self.flat.extent(var).expect("ranges are known")));
        full.extend(&shape);
        let tensor = match own {
            Some(view) => {
                hidden.clone_from(&view.hidden);
                view.tensor
            }
            None => self.flat.tensor(name, full, element, TensorKind::Defined, env.use_id, at),
        };
        let mut written = Some(0_i64);
        for piece in pieces {
            let own: Vec<Linear> = whole_write(&piece);
            let free: Vec<VarId> = hidden
                .iter()
                .copied()
                .chain(piece.indices.iter().copied())
                .chain(piece.term.axes.iter().copied())
                .collect();
            let n = self.count(&free[hidden.len()..]);
            written = written.zip(n).and_then(|(a, b)| a.checked_add(b));
            self.check_write(name, &own, &shape, &free[hidden.len()..], piece.at, env);
            let write = hidden.iter().map(|&var| Linear::var(var)).chain(own).collect();
            let new = NewPiece { out: tensor, free, write, body: piece.term.body, of: env.use_id, at: piece.at };
            self.emit(new, env);
        }
        let total = self.product(&shape);
        if let (Some(written), Some(total)) = (written, total)
            && written < total
        {
            self.raise(Fact::Gaps { name: name.clone(), written, total }, at, env);
        }
        Value::View(View { tensor, hidden })
    }

    /// How many values some variables take together.
    pub fn count(&self, vars: &[VarId]) -> Option<i64> {
        vars.iter().try_fold(1_i64, |n, &var| {
            let (_, last) = self.flat.range(&self.sizes, var)?;
            n.checked_mul(last + 1)
        })
    }

    /// The number of elements of a shape.
    pub fn product(&self, shape: &[SizeId]) -> Option<i64> {
        shape.iter().try_fold(1_i64, |n, &size| n.checked_mul(self.sizes.number(size)?))
    }
}

/// The subscripts of a piece on all axes of its tensor, those of the bodies around not counted.
fn whole_write(piece: &Evaluated) -> Vec<Linear> {
    let rest: Axes = piece.term.axes.clone();
    piece.write.iter().cloned().chain(rest.into_iter().map(Linear::var)).collect()
}
