//! What the compiler knows besides equations: scalar functions, reductions, and a few ways to make tensors.
//! None of them is a layer.

use super::checker::Checker;
use super::found::{Fact, Part};
use super::indices::Ranges;
use super::net::{Binary, Element, Linear, Reduction, Scalar, TensorKind, Unary};
use super::scope::Env;
use super::terms::Axes;
use super::values::{Arg, Number, Open, Term, Value, View};
use crate::ids::Symbol;
use crate::size::{Formula, SizeId};
use crate::source::Span;
use crate::source::tree::{Argument, BinaryOp, IndexBinder};
use smallvec::SmallVec;

/// A function that the compiler knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intrinsic {
    Function(Unary),
    Reduce(Reduction),
    Dot,
    Concat,
    Reshape,
    Zeros,
    /// Asserts that numbers are probabilities.
    Probability,
    /// Counts trained numbers; in tests.
    Params,
    First,
    Last,
}

impl Intrinsic {
    /// All of them by name.
    pub const NAMES: [(&'static str, Intrinsic); 24] = [
        ("exp", Intrinsic::Function(Unary::Exp)),
        ("log", Intrinsic::Function(Unary::Log)),
        ("tanh", Intrinsic::Function(Unary::Tanh)),
        ("sigmoid", Intrinsic::Function(Unary::Sigmoid)),
        ("erf", Intrinsic::Function(Unary::Erf)),
        ("sqrt", Intrinsic::Function(Unary::Sqrt)),
        ("abs", Intrinsic::Function(Unary::Abs)),
        ("sin", Intrinsic::Function(Unary::Sin)),
        ("cos", Intrinsic::Function(Unary::Cos)),
        ("stop", Intrinsic::Function(Unary::Stop)),
        ("sum", Intrinsic::Reduce(Reduction::Sum)),
        ("mean", Intrinsic::Reduce(Reduction::Mean)),
        ("max", Intrinsic::Reduce(Reduction::Max)),
        ("min", Intrinsic::Reduce(Reduction::Min)),
        ("prod", Intrinsic::Reduce(Reduction::Prod)),
        ("argmax", Intrinsic::Reduce(Reduction::ArgMax)),
        ("dot", Intrinsic::Dot),
        ("concat", Intrinsic::Concat),
        ("reshape", Intrinsic::Reshape),
        ("zeros", Intrinsic::Zeros),
        ("probability", Intrinsic::Probability),
        ("params", Intrinsic::Params),
        ("first", Intrinsic::First),
        ("last", Intrinsic::Last),
    ];

    /// The one of a name.
    pub fn of(name: &str) -> Option<Intrinsic> {
        Intrinsic::NAMES.iter().find(|(known, _)| *known == name).map(|(_, intrinsic)| *intrinsic)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let found = Intrinsic::NAMES.iter().find(|(_, intrinsic)| *intrinsic == self);
        found.expect("every intrinsic has a name").0
    }

    /// Whether it looks at its argument's text, not at its value.
    pub fn reads_tree(self) -> bool {
        self == Intrinsic::Params
    }

    /// Whether a call outside of a stage is complete whatever its arguments are.
    pub fn complete_without_tensor(self) -> bool {
        match self {
            Intrinsic::Concat | Intrinsic::Reshape | Intrinsic::Zeros | Intrinsic::Params => true,
            Intrinsic::Function(_) | Intrinsic::Reduce(_) | Intrinsic::Dot | Intrinsic::Probability => true,
            Intrinsic::First | Intrinsic::Last => true,
        }
    }
}

impl<'t> Checker<'t> {
    /// A call of an intrinsic with evaluated arguments.
    pub fn call_intrinsic(
        &mut self,
        intrinsic: Intrinsic,
        piped: Option<Value<'t>>,
        args: &[Arg<'t>],
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let piped = piped.map(|value| Arg { name: None, value, at });
        let all: Vec<Arg<'t>> = piped.into_iter().chain(args.iter().cloned()).collect();
        match intrinsic {
            Intrinsic::Function(op) => self.function(op, &all, at, env),
            Intrinsic::Reduce(by) => self.reduction(by, &all, at, env),
            Intrinsic::Dot => self.dot(&all, at, env),
            Intrinsic::Concat => self.concat(&all, at, env),
            Intrinsic::Reshape => self.reshape(&all, at, env),
            Intrinsic::Zeros => self.zeros(&all, at, env),
            Intrinsic::Probability => self.probability(&all, at, env),
            Intrinsic::Params => self.wrong_count(intrinsic, 1, at, env),
            Intrinsic::First | Intrinsic::Last => self.end_of(intrinsic, &all, at, env),
        }
    }

    pub fn wrong_count(&mut self, intrinsic: Intrinsic, takes: usize, at: Span, env: &Env) -> Value<'t> {
        let block = Symbol::from(intrinsic.name());
        self.raise(Fact::ArgumentCount { block, takes }, at, env);
        Value::Poison
    }

    /// Arguments without names; a name that is none of `known` is reported.
    pub fn positional<'a>(
        &mut self,
        intrinsic: Intrinsic,
        args: &'a [Arg<'t>],
        known: &[&str],
        env: &Env,
    ) -> Option<Vec<&'a Arg<'t>>> {
        let mut plain = Vec::new();
        for arg in args {
            match &arg.name {
                None => plain.push(arg),
                Some((name, _)) if &**name == "across" && known.contains(&"across") => {
                    if !matches!(&arg.value, Value::Text(text) if &**text == "batch") {
                        let is = format!("'{}'", self.sources.text(arg.at));
                        self.raise(Fact::WrongSort { wants: "across=batch".into(), is }, arg.at, env);
                    }
                }
                Some((name, _)) if known.contains(&&**name) => {}
                Some((name, at)) => {
                    let (block, inputs) = (Symbol::from(intrinsic.name()), known.iter().map(|k| (*k).into()).collect());
                    self.raise(Fact::UnknownArgument { block, name: name.clone(), inputs }, *at, env);
                    return None;
                }
            }
        }
        Some(plain)
    }

    fn function(&mut self, op: Unary, args: &[Arg<'t>], at: Span, env: &Env) -> Value<'t> {
        let Some(plain) = self.positional(Intrinsic::Function(op), args, &[], env) else { return Value::Poison };
        let [one] = plain[..] else { return self.wrong_count(Intrinsic::Function(op), 1, at, env) };
        if let Value::Number(number) = &one.value
            && op != Unary::Stop
        {
            return match self.to_real(number, env) {
                Some(x) => Value::real(apply(op, x)),
                None => match self.to_term(one.value.clone(), one.at, env) {
                    Some(term) => self.unary(op, Value::Term(term), at, env),
                    None => Value::Poison,
                },
            };
        }
        if let Value::Absent = one.value {
            return Value::Absent;
        }
        self.unary(op, one.value.clone(), at, env)
    }

    /// `sum(x)`: over all axes of one example; `max(a, b)`: element by element.
    fn reduction(&mut self, by: Reduction, args: &[Arg<'t>], at: Span, env: &Env) -> Value<'t> {
        let intrinsic = Intrinsic::Reduce(by);
        let Some(plain) = self.positional(intrinsic, args, &["across"], env) else { return Value::Poison };
        match (&plain[..], by) {
            ([one], _) => self.reduce_all(by, one, self.is_across(args), at, env),
            ([a, b], Reduction::Max) => self.larger(Binary::Max, a, b, at, env),
            ([a, b], Reduction::Min) => self.larger(Binary::Min, a, b, at, env),
            _other => self.wrong_count(intrinsic, 1, at, env),
        }
    }

    fn is_across(&self, args: &[Arg<'t>]) -> bool {
        args.iter().any(|arg| arg.name.as_ref().is_some_and(|(name, _)| &**name == "across"))
    }

    fn reduce_all(&mut self, by: Reduction, arg: &Arg<'t>, across: bool, at: Span, env: &Env) -> Value<'t> {
        if let Value::Sizes(sizes) = &arg.value {
            return self.reduce_sizes(by, sizes, at, env);
        }
        let Some(term) = self.to_term(arg.value.clone(), arg.at, env) else { return Value::Poison };
        let vars: Axes = term.axes.clone();
        let inner = Term { axes: Axes::new(), ..term };
        self.reduced(by, &vars, across, inner, at, env)
    }

    /// `prod(S)` of the sizes that `[S...]` bound.
    fn reduce_sizes(&mut self, by: Reduction, sizes: &[SizeId], at: Span, env: &Env) -> Value<'t> {
        let (op, start) = match by {
            Reduction::Prod => (BinaryOp::Mul, 1),
            Reduction::Sum => (BinaryOp::Add, 0),
            Reduction::Max | Reduction::Min | Reduction::Mean | Reduction::ArgMax => {
                let fact = Fact::WrongSort { wants: "a tensor".into(), is: "a shape".into() };
                self.raise(fact, at, env);
                return Value::Poison;
            }
        };
        let Some((first, rest)) = sizes.split_first() else {
            return Value::Number(Number::Whole(Open::number(start, at)));
        };
        let mut total = Value::size(*first, at);
        for &size in rest {
            let Value::Number(number) = total else { return Value::Poison };
            total = self.arithmetic(op, number, Number::Whole(Open::size(size, at)), at, env);
        }
        total
    }

    fn larger(&mut self, op: Binary, a: &Arg<'t>, b: &Arg<'t>, at: Span, env: &Env) -> Value<'t> {
        if let (Value::Number(a), Value::Number(b)) = (&a.value, &b.value) {
            return self.larger_number(op, a, b, at, env);
        }
        let terms = (self.to_term(a.value.clone(), a.at, env), self.to_term(b.value.clone(), b.at, env));
        match terms {
            (Some(a), Some(b)) => self.binary(op, a, b, at, env),
            (Some(known), None) | (None, Some(known)) if self.settling.depth > 0 => Value::Term(known),
            (None, _) | (_, None) => Value::Poison,
        }
    }

    fn larger_number(&mut self, op: Binary, a: &Number, b: &Number, at: Span, env: &Env) -> Value<'t> {
        if let (Number::Whole(x), Number::Whole(y)) = (a, b) {
            let from = SmallVec::from_slice(&[self.close(x.clone(), env), self.close(y.clone(), env)]);
            let (x, y) = (Box::new(Formula::From(0)), Box::new(Formula::From(1)));
            let formula = if op == Binary::Max { Formula::Max(x, y) } else { Formula::Min(x, y) };
            return Value::Number(Number::Whole(Open { formula, from, at }));
        }
        match (self.to_real(a, env), self.to_real(b, env)) {
            (Some(a), Some(b)) => Value::real(if op == Binary::Max { a.max(b) } else { a.min(b) }),
            (None, _) | (_, None) => Value::Poison,
        }
    }

    /// `sum(k, u < 3: ...)`
    pub fn bound_reduction(
        &mut self,
        name: &Symbol,
        name_at: Span,
        indices: &'t [IndexBinder],
        args: &'t [Argument],
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let Some(Intrinsic::Reduce(by)) = Intrinsic::of(name) else {
            let wants = "sum, mean, max, min, prod or argmax before an index".into();
            self.raise(Fact::WrongSort { wants, is: format!("'{name}'") }, name_at, env);
            return Value::Poison;
        };
        let vars = match self.binders.shift_remove(&at) {
            Some(vars) => vars,
            None => {
                let mut ranges = Ranges::default();
                self.collect_binders(indices, args, at, &mut ranges, env);
                self.settle_ranges(&ranges, env);
                self.binders.shift_remove(&at).expect("just collected")
            }
        };
        for (binder, &var) in indices.iter().zip(&vars) {
            if self.flat.extent(var).is_none() {
                self.raise(Fact::NoRange { name: binder.name.text.clone() }, binder.name.at, env);
                let poison = self.sizes.poison(at);
                self.flat.vars[var.index()].extent = Some(poison);
            }
        }
        let names: Vec<_> = indices.iter().zip(&vars).map(|(b, &var)| (b.name.text.clone(), var)).collect();
        let inner = env.with_indices(&names);
        let args = self.arguments(args, &inner);
        let Some(plain) = self.positional(Intrinsic::Reduce(by), &args, &["across"], env) else { return Value::Poison };
        let [body] = plain[..] else { return self.wrong_count(Intrinsic::Reduce(by), 1, at, env) };
        let Some(term) = self.to_term(body.value.clone(), body.at, &inner) else { return Value::Poison };
        let across = self.is_across(&args);
        self.reduced(by, &vars, across, term, at, env)
    }

    fn reduced(&mut self, by: Reduction, vars: &Axes, across: bool, term: Term, at: Span, env: &Env) -> Value<'t> {
        let element = match by {
            Reduction::Max | Reduction::Min | Reduction::Mean => match term.element {
                Element::Probability => Element::Probability,
                Element::Real | Element::Index(_) => Element::Real,
            },
            Reduction::Sum | Reduction::Prod => Element::Real,
            Reduction::ArgMax => Element::Index(self.count_of(vars, at, env)),
        };
        if vars.is_empty() && !across {
            return Value::Term(Term { element, at, ..term });
        }
        let body = Scalar::Reduce { by, vars: vars.to_vec(), across_batch: across, body: Box::new(term.body) };
        Value::Term(Term { axes: term.axes, body, element, at })
    }

    /// How many values some indices take together, as a size.
    fn count_of(&mut self, vars: &Axes, at: Span, env: &Env) -> SizeId {
        let sizes = self.axes_shape(vars);
        match self.reduce_sizes(Reduction::Prod, &sizes, at, env) {
            Value::Number(Number::Whole(open)) => self.close(open, env),
            _other => self.sizes.poison(at),
        }
    }

    /// `dot(a, b)`: over the last axis.
    fn dot(&mut self, args: &[Arg<'t>], at: Span, env: &Env) -> Value<'t> {
        let Some(plain) = self.positional(Intrinsic::Dot, args, &[], env) else { return Value::Poison };
        let [a, b] = plain[..] else { return self.wrong_count(Intrinsic::Dot, 2, at, env) };
        let terms = (self.to_term(a.value.clone(), a.at, env), self.to_term(b.value.clone(), b.at, env));
        let (Some(a), Some(b)) = terms else { return Value::Poison };
        let (lhs, rhs) = (self.part(&a), self.part(&b));
        let last = lhs.shape.last().zip(rhs.shape.last());
        let Some((&lhs_size, &rhs_size)) = last else {
            self.raise(Fact::Rank { what: "'dot'".into(), wants: 1, has: 0, shape: vec![] }, at, env);
            return Value::Poison;
        };
        self.meet(lhs_size, rhs_size);
        if !self.may_equal(self.settled_size(lhs_size), self.settled_size(rhs_size)) {
            self.raise(Fact::InnerSizes { lhs, rhs }, at, env);
            return Value::Poison;
        }
        match self.binary(Binary::Mul, a, b, at, env) {
            Value::Term(mut product) => {
                let last = product.axes.pop().expect("both have an axis");
                self.reduced(Reduction::Sum, &SmallVec::from_slice(&[last]), false, product, at, env)
            }
            other => other,
        }
    }

    /// `zeros(1, 4, 4)`
    fn zeros(&mut self, args: &[Arg<'t>], at: Span, env: &Env) -> Value<'t> {
        let Some(shape) = self.lengths(Intrinsic::Zeros, args, env) else { return Value::Poison };
        self.bounded(&shape, at, env);
        let axes = shape.iter().enumerate().map(|(i, &size)| self.axis(i, size)).collect();
        let term = Term { axes, body: Scalar::Number(0.0), element: Element::Real, at };
        Value::View(self.copy(term, "zeros", env, at))
    }

    fn lengths(&mut self, of: Intrinsic, args: &[Arg<'t>], env: &Env) -> Option<Vec<SizeId>> {
        let plain = self.positional(of, args, &[], env)?;
        let mut shape = Vec::new();
        for arg in plain {
            match &arg.value {
                Value::Sizes(sizes) => shape.extend(sizes.iter().copied()),
                other => shape.push(self.to_length(other.clone(), arg.at, env)),
            }
        }
        Some(shape)
    }

    fn probability(&mut self, args: &[Arg<'t>], at: Span, env: &Env) -> Value<'t> {
        let Some(plain) = self.positional(Intrinsic::Probability, args, &[], env) else { return Value::Poison };
        let [one] = plain[..] else { return self.wrong_count(Intrinsic::Probability, 1, at, env) };
        match self.to_term(one.value.clone(), one.at, env) {
            Some(term) => Value::Term(Term { element: Element::Probability, ..term }),
            None => Value::Poison,
        }
    }

    /// `concat(a, b, axis=0)`
    fn concat(&mut self, args: &[Arg<'t>], at: Span, env: &Env) -> Value<'t> {
        let Some(plain) = self.positional(Intrinsic::Concat, args, &["axis"], env) else { return Value::Poison };
        let axis = args.iter().find(|arg| arg.name.is_some());
        let axis = match axis {
            None => Some(0),
            Some(arg) => {
                let size = self.to_size(arg.value.clone(), arg.at, env);
                self.sizes.number(size).and_then(|n| usize::try_from(n).ok())
            }
        };
        let mut terms = Vec::new();
        for arg in &plain {
            let Some(term) = self.to_term(arg.value.clone(), arg.at, env) else { return Value::Poison };
            terms.push(Term { at: arg.at, ..term });
        }
        let Some(axis) = axis else { return Value::Poison };
        let Some(first) = terms.first() else { return self.wrong_count(Intrinsic::Concat, 2, at, env) };
        if axis >= first.axes.len() {
            let shape = self.term_shape(first);
            let what = format!("'concat' along axis {axis}");
            self.raise(Fact::Rank { what, wants: axis + 1, has: shape.len(), shape }, at, env);
            return Value::Poison;
        }
        self.join_along(terms, axis, at, env)
    }

    fn join_along(&mut self, terms: Vec<Term>, axis: usize, at: Span, env: &Env) -> Value<'t> {
        let first = self.part(&terms[0]);
        let mut total = Value::size(first.shape[axis], at);
        for term in &terms[1..] {
            let other = self.part(term);
            let same = |(i, (a, b)): (usize, (&SizeId, &SizeId))| i == axis || self.may_equal(*a, *b);
            if other.shape.len() != first.shape.len() || !first.shape.iter().zip(&other.shape).enumerate().all(same) {
                self.raise(Fact::ShapesDiffer { op: "concat", lhs: first, rhs: other }, at, env);
                return Value::Poison;
            }
            let Value::Number(number) = total else { return Value::Poison };
            let next = Number::Whole(Open::size(other.shape[axis], at));
            total = self.arithmetic(BinaryOp::Add, number, next, at, env);
        }
        let Value::Number(Number::Whole(open)) = total else { return Value::Poison };
        let mut shape = first.shape;
        shape[axis] = self.close(open, env);
        let element = match terms.iter().all(|term| term.element == Element::Probability) {
            true => Element::Probability,
            false => Element::Real,
        };
        self.write_side_by_side(terms, axis, shape, element, at, env)
    }

    fn write_side_by_side(
        &mut self,
        terms: Vec<Term>,
        axis: usize,
        shape: Vec<SizeId>,
        element: Element,
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let mut parts = Vec::new();
        let mut offset = Linear::number(0);
        for term in terms {
            let var = term.axes[axis];
            let size = self.flat.extent(var).expect("an axis has a length");
            let write = term.axes.iter().map(|&v| Linear::var(v));
            let mut write: Vec<Linear> = write.collect();
            let Ok(moved) = write[axis].plus(&offset) else { return Value::Poison };
            write[axis] = moved;
            let Ok(next) = offset.plus(&self.size_form(size)) else { return Value::Poison };
            offset = next;
            parts.push((term, write));
        }
        self.tensor_of_parts("concat", parts, shape, element, at, env)
    }

    /// A tensor that is made of terms, each written by its axes through affine forms.
    fn tensor_of_parts(
        &mut self,
        name: &str,
        mut parts: Vec<(Term, Vec<Linear>)>,
        shape: Vec<SizeId>,
        element: Element,
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let mut hidden: SmallVec<[super::net::VarId; 2]> = SmallVec::new();
        for (term, _) in &mut parts {
            if !self.flat.settle_all(&mut term.body) {
                self.raise(Fact::TooLarge { size: None }, at, env);
                return Value::Poison;
            }
            let free = super::flat::free_vars(&term.body);
            hidden.extend(free.into_iter().filter(|var| !term.axes.contains(var)));
        }
        hidden.sort_unstable();
        hidden.dedup();
        let mut full = Vec::with_capacity(hidden.len() + shape.len());
        for &var in &hidden {
            let Some(extent) = self.flat.extent(var) else { return Value::Poison };
            full.push(extent);
        }
        full.extend(&shape);
        self.bounded(&full, at, env);
        let tensor = self.flat.tensor(name, full, element, TensorKind::Defined, env.use_id, at);
        for (term, write) in parts {
            let free = hidden.iter().copied().chain(term.axes.iter().copied()).collect();
            let write = hidden.iter().map(|&var| Linear::var(var)).chain(write).collect();
            let piece = super::flat::NewPiece { out: tensor, free, write, body: term.body, of: env.use_id, at };
            self.emit(piece, env);
        }
        Value::View(View { tensor, hidden })
    }

    /// `reshape(x, 128, 7, 7)`: the same numbers in row-major order.
    fn reshape(&mut self, args: &[Arg<'t>], at: Span, env: &Env) -> Value<'t> {
        let Some((first, rest)) = args.split_first() else {
            return self.wrong_count(Intrinsic::Reshape, 2, at, env);
        };
        let Some(view) = self.to_view(first.value.clone(), "x", first.at, env) else { return Value::Poison };
        let Some(shape) = self.lengths(Intrinsic::Reshape, rest, env) else { return Value::Poison };
        let term = self.load(&view, at);
        let own = self.term_shape(&term);
        if own == shape {
            return Value::View(view);
        }
        if !self.same_product(&own, &shape) {
            let (lhs, rhs) = (Part { at: first.at, shape: own }, Part { at, shape });
            self.raise(Fact::ShapesDiffer { op: "reshape", lhs, rhs }, at, env);
            return Value::Poison;
        }
        let element = term.element;
        if shape.len() <= 1 {
            let axes = term.axes.clone();
            let Some(place) = self.row_major(&axes, at) else { return Value::Poison };
            let write = if shape.is_empty() { vec![] } else { vec![place] };
            let term = if shape.is_empty() { self.only_element(term) } else { term };
            return self.tensor_of_parts("reshape", vec![(term, write)], shape, element, at, env);
        }
        let row = match own.len() {
            1 => view,
            _ => {
                let axes = term.axes.clone();
                let Some(place) = self.row_major(&axes, at) else { return Value::Poison };
                let Some(total) = self.total(&own, at, env) else { return Value::Poison };
                match self.tensor_of_parts("row", vec![(term, vec![place])], vec![total], element, at, env) {
                    Value::View(view) => view,
                    other => return other,
                }
            }
        };
        let axes: Axes = shape.iter().enumerate().map(|(i, &size)| self.axis(i, size)).collect();
        let Some(place) = self.row_major(&axes, at) else { return Value::Poison };
        let mut term = self.load(&row, at);
        self.flat.bind(term.axes[0], place);
        term.axes = axes;
        Value::View(self.copy(term, "reshape", env, at))
    }

    /// All axes have length 1: the number at 0.
    fn only_element(&mut self, mut term: Term) -> Term {
        for &var in &term.axes {
            self.flat.bind(var, Linear::number(0));
        }
        term.axes.clear();
        term
    }

    fn same_product(&self, a: &[SizeId], b: &[SizeId]) -> bool {
        let product = |shape: &[SizeId]| {
            shape.iter().try_fold(crate::size::Poly::number(1), |n, &size| n.mul(self.sizes.value(size)?).ok())
        };
        match (product(a), product(b)) {
            (Some(a), Some(b)) => match crate::size::compare(&a, &b) {
                crate::size::Verdict::Equal => true,
                crate::size::Verdict::Differ => false,
                crate::size::Verdict::Counterexample(_) | crate::size::Verdict::Undecided => {
                    self.flat.training.is_none()
                }
            },
            (None, _) | (_, None) => true,
        }
    }

    fn total(&mut self, shape: &[SizeId], at: Span, env: &Env) -> Option<SizeId> {
        match self.reduce_sizes(Reduction::Prod, shape, at, env) {
            Value::Number(Number::Whole(open)) => Some(self.close(open, env)),
            _other => None,
        }
    }

    /// The place of an element in row-major order.
    fn row_major(&mut self, axes: &Axes, _at: Span) -> Option<Linear> {
        let mut place = Linear::number(0);
        for &var in axes {
            let size = self.flat.extent(var)?;
            let by = self.sizes.value(size)?.clone();
            place = place.times(&by).ok()?.plus(&Linear::var(var)).ok()?;
        }
        Some(place)
    }
}

/// A function of a number that is known before the run, by the same library on every machine.
fn apply(op: Unary, x: f64) -> f64 {
    match op {
        Unary::Neg => -x,
        Unary::Exp => libm::exp(x),
        Unary::Log => libm::log(x),
        Unary::Tanh => libm::tanh(x),
        Unary::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
        Unary::Erf => libm::erf(x),
        Unary::Sqrt => libm::sqrt(x),
        Unary::Abs => libm::fabs(x),
        Unary::Sin => libm::sin(x),
        Unary::Cos => libm::cos(x),
        Unary::Stop => x,
    }
}
