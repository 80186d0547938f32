//! Elements of expressions: how tensors become terms, how terms line up, and how terms become tensors again.

use super::checker::Checker;
use super::flat::{NewPiece, free_vars};
use super::found::{Fact, Part};
use super::net::{Binary, Element, Linear, Scalar, Subscript, TensorId, TensorKind, VarId};
use super::scope::Env;
use super::values::{Number, Term, Value, View};
use crate::size::{SizeId, Verdict};
use crate::source::Span;
use smallvec::SmallVec;
use std::sync::Arc;

/// The free variables of an expression, one for each axis.
pub type Axes = SmallVec<[VarId; 4]>;

const HINTS: [&str; 6] = ["i", "j", "k", "l", "m", "n"];

impl<'t> Checker<'t> {
    /// The elements of a tensor.
    pub fn load(&mut self, view: &View, at: Span) -> Term {
        let shape: SmallVec<[SizeId; 4]> = self.shape(view).iter().copied().collect();
        let axes: Axes = shape.iter().enumerate().map(|(i, size)| self.axis(i, *size)).collect();
        let subscripts = view.hidden.iter().chain(&axes).map(|&var| Subscript::Affine(Linear::var(var)));
        let body = Scalar::Load { tensor: view.tensor, subscripts: subscripts.collect(), at };
        Term { axes, body, element: self.element(view), at }
    }

    /// A new variable for the axis at a position.
    pub fn axis(&mut self, position: usize, size: SizeId) -> VarId {
        self.flat.var(HINTS[position % HINTS.len()], Some(size))
    }

    /// The sizes of a term's axes.
    pub fn term_shape(&self, term: &Term) -> Vec<SizeId> {
        self.axes_shape(&term.axes)
    }

    /// The sizes of axes; each has one.
    pub fn axes_shape(&self, axes: &[VarId]) -> Vec<SizeId> {
        axes.iter().map(|&var| self.flat.extent(var).expect("an axis has a length")).collect()
    }

    /// The elements of a value. None if it is none, which is reported, or poison.
    pub fn to_term(&mut self, value: Value<'t>, at: Span, env: &Env) -> Option<Term> {
        match value {
            Value::Term(term) => Some(term),
            Value::View(view) => Some(self.load(&view, at)),
            Value::Number(Number::Real(x, Some(ratio))) if x.is_nan() => {
                let (a, b) = (self.size_scalar(ratio.lhs), self.size_scalar(ratio.rhs));
                Some(Term::scalar(Scalar::Binary(Binary::Div, Box::new(a), Box::new(b)), at))
            }
            Value::Number(Number::Real(x, None)) if x.is_nan() => None,
            Value::Number(number) => {
                let body = self.number_scalar(&number, env);
                Some(Term::scalar(body, at))
            }
            Value::List(..) => {
                let view = self.constant(&value, at, env)?;
                Some(self.load(&view, at))
            }
            Value::Poison => None,
            other => {
                self.raise(Fact::WrongSort { wants: "a tensor".into(), is: other.what().into() }, at, env);
                None
            }
        }
    }

    /// A value as a tensor of its own or somebody's. None if it is none, which is reported, or poison.
    pub fn to_view(&mut self, value: Value<'t>, name: &str, at: Span, env: &Env) -> Option<View> {
        match value {
            Value::View(view) => Some(view),
            Value::List(..) => self.constant(&value, at, env),
            other => {
                let term = self.to_term(other, at, env)?;
                match self.as_view(&term) {
                    Some(view) => Some(view),
                    None => self.try_copy(term, name, env, at),
                }
            }
        }
    }

    /// The tensor that a term merely reads, element by element, if it does no more.
    fn as_view(&self, term: &Term) -> Option<View> {
        let Scalar::Load { tensor, subscripts, .. } = &term.body else { return None };
        let shape = &self.flat.tensors[*tensor].shape;
        let mut vars: SmallVec<[VarId; 6]> = SmallVec::new();
        for (subscript, size) in subscripts.iter().zip(shape) {
            let Subscript::Affine(form) = subscript else { return None };
            let var = self.flat.settle(form)?.as_var()?;
            if vars.contains(&var) || !self.sizes.equal(self.flat.extent(var)?, *size) {
                return None;
            }
            vars.push(var);
        }
        let n_hidden = vars.len().checked_sub(term.axes.len())?;
        let same = vars[n_hidden..] == term.axes[..] && self.flat.tensors[*tensor].element == term.element;
        same.then(|| View { tensor: *tensor, hidden: vars[..n_hidden].iter().copied().collect() })
    }

    /// A new tensor that holds the term's elements.
    pub fn copy(&mut self, term: Term, name: &str, env: &Env, at: Span) -> View {
        match self.try_copy(term, name, env, at) {
            Some(view) => view,
            None => {
                let tensor = self.flat.tensor(name, vec![], Element::Real, TensorKind::Defined, env.use_id, at);
                View { tensor, hidden: SmallVec::new() }
            }
        }
    }

    /// A new tensor that holds the term's elements. None if the range of an index is not known, which is reported.
    pub fn try_copy(&mut self, mut term: Term, name: &str, env: &Env, at: Span) -> Option<View> {
        if !self.flat.settle_all(&mut term.body) {
            self.raise(Fact::TooLarge { size: None }, at, env);
            return None;
        }
        self.guard_reads(&mut term);
        let hidden: SmallVec<[VarId; 2]> =
            free_vars(&term.body).into_iter().filter(|var| !term.axes.contains(var)).collect();
        let free: Vec<VarId> = hidden.iter().copied().chain(term.axes.iter().copied()).collect();
        let mut shape = Vec::with_capacity(free.len());
        for &var in &free {
            let Some(extent) = self.flat.extent(var) else {
                let name = self.flat.vars[var.index()].name.clone();
                self.no_range(name, at, env);
                return None;
            };
            shape.push(extent);
        }
        let tensor = self.flat.tensor(name, shape, term.element, TensorKind::Defined, env.use_id, at);
        let write = free.iter().map(|&var| Linear::var(var)).collect();
        self.emit(NewPiece { out: tensor, free, write, body: term.body, of: env.use_id, at }, env);
        Some(View { tensor, hidden })
    }

    /// Under `if` on indices, what is put into a tensor of its own keeps the condition if its reads are no plain ones.
    fn guard_reads(&mut self, term: &mut Term) {
        let mut plain = true;
        super::forms::each_part(&term.body, &mut |part| {
            if let Scalar::Load { subscripts, .. } = part {
                plain &= subscripts.iter().all(|s| matches!(s, Subscript::Affine(form) if form.as_var().is_some()));
            }
        });
        if plain {
            return;
        }
        for (guard, holds) in self.guards.clone().into_iter().rev() {
            let body = Box::new(std::mem::replace(&mut term.body, Scalar::Number(0.0)));
            let none = Box::new(Scalar::Number(0.0));
            let (then, otherwise) = if holds { (body, none) } else { (none, body) };
            term.body = Scalar::If(guard, then, otherwise);
        }
    }

    /// A nested array of known numbers as a tensor.
    pub fn constant(&mut self, value: &Value<'t>, at: Span, env: &Env) -> Option<View> {
        let (mut values, mut shape) = (Vec::new(), Vec::new());
        if !self.flatten(value, 0, &mut shape, &mut values, at, env) {
            return None;
        }
        let sizes = shape.iter().map(|&n| self.sizes.written(n as i64, at)).collect();
        let kind = TensorKind::Constant(Arc::from(values));
        let tensor = self.flat.tensor("array", sizes, Element::Real, kind, env.use_id, at);
        Some(View { tensor, hidden: SmallVec::new() })
    }

    /// Adds the numbers of a nested array in row-major order; rows must be of one length.
    pub fn flatten(
        &mut self,
        value: &Value<'t>,
        depth: usize,
        shape: &mut Vec<usize>,
        values: &mut Vec<f64>,
        at: Span,
        env: &Env,
    ) -> bool {
        let wrong = match value {
            Value::List(items, _) => {
                if shape.len() == depth {
                    if !values.is_empty() {
                        return self.ragged(at, env);
                    }
                    shape.push(items.len());
                } else if shape[depth] != items.len() {
                    return self.ragged(at, env);
                }
                return items.iter().all(|item| self.flatten(item, depth + 1, shape, values, at, env));
            }
            Value::Number(number) if depth == shape.len() => match self.to_real(number, env) {
                Some(x) => {
                    values.push(x);
                    return true;
                }
                None => return false,
            },
            Value::Number(_) => return self.ragged(at, env),
            Value::Poison => return false,
            other => other.what(),
        };
        self.raise(Fact::WrongSort { wants: "numbers in an array".into(), is: wrong.into() }, at, env);
        false
    }

    /// Nothing says how far an index runs. Where an error was reported before, it may be what would have said it.
    pub fn no_range(&mut self, name: crate::ids::Symbol, at: Span, env: &Env) {
        if !self.flat.poisoned {
            self.raise(Fact::NoRange { name }, at, env);
        }
    }

    fn ragged(&mut self, at: Span, env: &Env) -> bool {
        self.raise(Fact::Ragged, at, env);
        false
    }

    /// Lines the axes of two terms up, the last ones first; one with fewer axes is repeated. None if lengths differ.
    pub fn line_up(&mut self, a: &Axes, b: &Axes) -> Option<Axes> {
        let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
        let extra = long.len() - short.len();
        for (&of_long, &of_short) in long[extra..].iter().zip(short) {
            if !self.same_length(of_long, of_short) {
                return None;
            }
        }
        for (&of_long, &of_short) in long[extra..].iter().zip(short) {
            if of_long != of_short {
                self.flat.bind(of_short, Linear::var(of_long));
            }
        }
        Some(long.clone())
    }

    fn same_length(&self, a: VarId, b: VarId) -> bool {
        match (self.flat.extent(a), self.flat.extent(b)) {
            (Some(a), Some(b)) => self.may_equal(a, b),
            (None, _) | (_, None) => true,
        }
    }

    /// Whether nothing speaks against two sizes being equal; with all names bound it decides.
    pub fn may_equal(&self, a: SizeId, b: SizeId) -> bool {
        match self.sizes.compare(a, b) {
            Verdict::Equal => true,
            Verdict::Differ => false,
            // While names are free, only what can never hold is reported.
            Verdict::Counterexample(_) | Verdict::Undecided => self.flat.training.is_none(),
        }
    }

    /// `a op b`, element by element.
    pub fn binary(&mut self, op: Binary, a: Term, b: Term, at: Span, env: &Env) -> Value<'t> {
        let (lhs, rhs) = (self.part(&a), self.part(&b));
        let Some(axes) = self.line_up(&a.axes, &b.axes) else {
            let sign = sign(op);
            self.raise(Fact::ShapesDiffer { op: sign, lhs: lhs.clone(), rhs: rhs.clone() }, at, env);
            return self.after_mismatch(lhs.shape, rhs.shape, env, at);
        };
        let element = match (op, &a.body, b.element) {
            // The other probability of two.
            (Binary::Sub, Scalar::Number(one), Element::Probability) if *one == 1.0 => Element::Probability,
            (Binary::Max | Binary::Min, _, Element::Probability) if a.element == Element::Probability => {
                Element::Probability
            }
            _other => Element::Real,
        };
        let body = Scalar::Binary(op, Box::new(a.body), Box::new(b.body));
        Value::Term(Term { axes, body, element, at })
    }

    /// A term's place and shape, for messages.
    pub fn part(&self, term: &Term) -> Part {
        Part { at: term.at, shape: self.term_shape(term) }
    }

    /// Axes that agree go on; the others are poisoned.
    pub fn after_mismatch(&mut self, a: Vec<SizeId>, b: Vec<SizeId>, env: &Env, at: Span) -> Value<'t> {
        if a.len() != b.len() {
            return Value::Poison;
        }
        let mut shape = Vec::with_capacity(a.len());
        for (a, b) in a.into_iter().zip(b) {
            shape.push(if self.sizes.equal(a, b) { a } else { self.sizes.poison(at) });
        }
        self.poisoned(shape, Element::Real, env, at)
    }

    /// The tensor of a whole value that flows on, with its shape. For remarks and tables.
    pub fn tensor_of(&self, value: &Value<'t>) -> Option<TensorId> {
        match value {
            Value::View(view) => Some(view.tensor),
            _other => None,
        }
    }
}

/// How an operation is written.
pub fn sign(op: Binary) -> &'static str {
    match op {
        Binary::Add => "+",
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Pow => "^",
        Binary::FloorDiv => "//",
        Binary::Max => "max",
        Binary::Min => "min",
    }
}
