//! Pipelines: a tensor through layers, repeats, lists, choices, remarks.

use super::checker::Checker;
use super::conditions::Truth;
use super::found::Fact;
use super::intrinsics::Intrinsic;
use super::net::Remarked;
use super::net::{Condition, Element, Scalar};
use super::scope::Env;
use super::terms::Axes;
use super::values::{Arg, Callee, Layer, LayerKind, Number, Term, Value};
use crate::ids::Symbol;
use crate::size::SizeId;
use crate::source::Span;
use crate::source::tree::{self, Each, Expr, ExprKind, Head, Name, Pipeline, Remark, Stage, StageLayer, Type};
use std::rc::Rc;

/// No net has more uses of blocks: beyond this a repeat is taken for a slip.
const MOST_USES: usize = 20_000;

impl<'t> Checker<'t> {
    /// The value of a pipeline.
    pub fn pipeline(&mut self, pipeline: &'t Pipeline, env: &Env) -> Value<'t> {
        let value = match &pipeline.head {
            Head::Expr(expr) => self.eval(expr, env),
            Head::Each(each) => self.layer(LayerKind::Each(each), each.at, env),
            Head::If { cases, otherwise } => return self.choose(cases, otherwise, pipeline.at, env),
        };
        if let Value::Layer(layer) = value {
            // A pipeline that begins with a layer is a layer.
            return match pipeline.stages.is_empty() && pipeline.remark.is_none() {
                true => Value::Layer(layer),
                false => self.layer(LayerKind::Pipeline(pipeline), pipeline.at, env),
            };
        }
        let head_at = match &pipeline.head {
            Head::Expr(expr) => expr.at,
            Head::Each(_) | Head::If { .. } => pipeline.at,
        };
        let value = self.remarked(value, pipeline.remark.as_ref(), head_at, env);
        self.stages(value, &pipeline.stages, env)
    }

    fn stages(&mut self, mut value: Value<'t>, stages: &'t [Stage], env: &Env) -> Value<'t> {
        for stage in stages {
            value = match &stage.layer {
                StageLayer::Expr(expr) => self.stage(expr, value, env),
                StageLayer::Each(each) => self.each(each, value, env),
            };
            if let Some(name) = &stage.name {
                value = self.named(name, value, env);
            }
            value = self.remarked(value, stage.remark.as_ref(), stage.at, env);
        }
        value
    }

    /// `as fine`: the name is the body's, even inside of a repeat, where the last turn counts.
    fn named(&mut self, name: &Name, value: Value<'t>, env: &Env) -> Value<'t> {
        let value = match value {
            Value::Term(term) => match self.to_view(Value::Term(term), &name.text, name.at, env) {
                Some(view) => Value::View(view),
                None => Value::Poison,
            },
            other => other,
        };
        let scope = self.find(env.scope, &name.text).unwrap_or(env.scope);
        self.set(scope, &name.text, value.clone());
        value
    }

    /// One stage applied to what flows in.
    pub fn stage(&mut self, expr: &'t Expr, input: Value<'t>, env: &Env) -> Value<'t> {
        match &expr.kind {
            ExprKind::Name(name) => self.stage_call(name, expr.at, &[], input, expr, env),
            ExprKind::Call { callee, indices, args } if indices.is_empty() => match &callee.kind {
                ExprKind::Name(name) => self.stage_call(name, callee.at, args, input, expr, env),
                _other => self.no_layer(expr, env),
            },
            ExprKind::Group(inner) => self.through(inner, input, env),
            ExprKind::Repeat { body, count } => self.repeat(body, count, input, expr, env),
            ExprKind::Number(..) | ExprKind::Window(_) | ExprKind::Text(_) | ExprKind::Array(_) => {
                self.no_layer(expr, env)
            }
            ExprKind::Call { .. } | ExprKind::Subscript { .. } | ExprKind::Member { .. } => self.no_layer(expr, env),
            ExprKind::Negate(_) | ExprKind::Binary { .. } => self.no_layer(expr, env),
        }
    }

    fn no_layer(&mut self, expr: &'t Expr, env: &Env) -> Value<'t> {
        let is = match &expr.kind {
            ExprKind::Number(..) => "a number",
            ExprKind::Window(_) => "a window",
            ExprKind::Text(_) => "a text",
            ExprKind::Array(_) => "an array",
            ExprKind::Name(_) | ExprKind::Group(_) | ExprKind::Repeat { .. } | ExprKind::Call { .. } => "an expression",
            ExprKind::Subscript { .. } | ExprKind::Member { .. } | ExprKind::Negate(_) => "an expression",
            ExprKind::Binary { .. } => "an expression",
        };
        self.raise(Fact::NotALayer { is: is.into() }, expr.at, env);
        Value::Poison
    }

    fn stage_call(
        &mut self,
        name: &Symbol,
        name_at: Span,
        args: &'t [tree::Argument],
        input: Value<'t>,
        expr: &'t Expr,
        env: &Env,
    ) -> Value<'t> {
        let args = self.arguments(args, env);
        let Some(callee) = self.callee_of(name, env, true) else {
            if self.find(env.scope, name).is_some() {
                let is = match self.find(env.scope, name).map(|scope| self.force(scope, name)) {
                    Some(Ok(value)) => value.what(),
                    Some(Err(_)) | None => "a tensor",
                };
                self.raise(Fact::NotALayer { is: is.into() }, name_at, env);
            } else {
                let near = self.near(name, env, true);
                self.raise(Fact::UnknownName { name: name.clone(), near, call: true }, name_at, env);
            }
            return Value::Poison;
        };
        self.apply(&callee, Some(input), &args, expr.at, env)
    }

    /// Evaluated arguments.
    pub fn arguments(&mut self, args: &'t [tree::Argument], env: &Env) -> Vec<Arg<'t>> {
        let of = |checker: &mut Checker<'t>, arg: &'t tree::Argument| Arg {
            name: arg.name.as_ref().map(|name| (name.text.clone(), name.at)),
            // `across=batch` names no value.
            value: match &arg.name {
                Some(name) if &*name.text == "across" => Value::Text(checker.sources.text(arg.value.at).into()),
                Some(_) | None => checker.pipeline(&arg.value, env),
            },
            at: arg.value.at,
        };
        args.iter().map(|arg| of(self, arg)).collect()
    }

    /// Applies what can be called: `piped` is what flows in at a stage.
    pub fn apply(
        &mut self,
        callee: &Callee<'t>,
        piped: Option<Value<'t>>,
        args: &[Arg<'t>],
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        match callee {
            Callee::Network(definition) => self.call_network(definition, piped, args, None, at, env),
            Callee::Intrinsic(intrinsic) => self.call_intrinsic(*intrinsic, piped, args, at, env),
            Callee::Poison => Value::Poison,
            Callee::Layer(layer) => {
                let mut args = args.iter();
                let input = match piped {
                    Some(value) => Some(value),
                    None => args.next().map(|arg| arg.value.clone()),
                };
                let Some(input) = input else { return Value::Layer(layer.clone()) };
                if let Some(extra) = args.next() {
                    let fact = Fact::TooManyArguments { block: "the layer".into(), inputs: vec![] };
                    self.raise(fact, extra.at, env);
                }
                self.apply_layer(&layer.clone(), input, at, env)
            }
        }
    }

    /// Applies a layer value: its weights are born where it was written, its tensors belong to where it is applied.
    fn apply_layer(&mut self, layer: &Rc<Layer<'t>>, input: Value<'t>, at: Span, env: &Env) -> Value<'t> {
        self.applied.push(at);
        let value = self.apply_kind(layer, input, at, env);
        self.applied.pop();
        value
    }

    fn apply_kind(&mut self, layer: &Rc<Layer<'t>>, input: Value<'t>, at: Span, env: &Env) -> Value<'t> {
        let mut inner = layer.env.clone();
        inner.use_id = env.use_id;
        inner.ambient = merged(&layer.env.ambient, &env.ambient);
        if inner.call.is_none() || !inner.library {
            inner.call = env.call;
        }
        match &layer.kind {
            LayerKind::Call { callee: Callee::Network(definition), args } => {
                self.call_network(definition, Some(input), &args.clone(), layer.named, layer.at, &inner)
            }
            LayerKind::Call { callee, args } => self.apply(callee, Some(input), &args.clone(), at, &inner),
            LayerKind::Pipeline(pipeline) => {
                let inner = self.group(layer, &inner, at);
                let output = self.through(pipeline, input.clone(), &inner);
                self.close_group(layer, &inner, &input, &output);
                output
            }
            LayerKind::Stage(expr) => {
                let inner = self.group(layer, &inner, at);
                let output = self.stage(expr, input.clone(), &inner);
                self.close_group(layer, &inner, &input, &output);
                output
            }
            LayerKind::Each(each) => {
                let inner = self.group(layer, &inner, at);
                let output = self.each(each, input.clone(), &inner);
                self.close_group(layer, &inner, &input, &output);
                output
            }
        }
    }

    /// A named layer of several stages is a use of its own in tables and paths.
    fn group(&mut self, layer: &Layer<'t>, env: &Env, at: Span) -> Env {
        let Some(birth) = layer.named else { return env.clone() };
        let label = self.births.get(birth).label.clone();
        let use_id = self.open_use(birth, &label, env, at);
        Env { birth, turns: Default::default(), use_id: Some(use_id), ..env.clone() }
    }

    fn close_group(&mut self, layer: &Layer<'t>, env: &Env, input: &Value<'t>, output: &Value<'t>) {
        if let (Some(_), Some(id)) = (layer.named, env.use_id) {
            let (input, output) = (self.tensor_of(input), self.tensor_of(output));
            let this = &mut self.flat.uses[id.index()];
            (this.input, this.output) = (input, output);
        }
    }

    /// A pipeline of layers applied to what flows in.
    fn through(&mut self, pipeline: &'t Pipeline, input: Value<'t>, env: &Env) -> Value<'t> {
        let value = match &pipeline.head {
            Head::Expr(expr) => {
                let value = self.stage(expr, input, env);
                self.remarked(value, pipeline.remark.as_ref(), expr.at, env)
            }
            Head::Each(each) => {
                let value = self.each(each, input, env);
                self.remarked(value, pipeline.remark.as_ref(), each.at, env)
            }
            Head::If { cases, otherwise } => {
                for (condition, branch) in cases {
                    match self.truth(condition, env) {
                        Truth::Known(true) => return self.through(branch, input, env),
                        Truth::Known(false) => {}
                        Truth::Poison => return Value::Poison,
                        Truth::Elements(..) => {
                            let is = "one on elements".into();
                            let wants = "a condition that is known before the run".into();
                            self.raise(Fact::WrongSort { wants, is }, condition.at, env);
                            return Value::Poison;
                        }
                    }
                }
                return self.through(otherwise, input, env);
            }
        };
        self.stages(value, &pipeline.stages, env)
    }

    /// `(...) x3`
    fn repeat(&mut self, body: &'t Pipeline, count: &'t Expr, input: Value<'t>, expr: &Expr, env: &Env) -> Value<'t> {
        let value = self.eval(count, env);
        let size = self.to_size(value, count.at, env);
        let Some(turns) = self.sizes.number(size) else {
            if !self.sizes.is_poisoned(size) && self.flat.training.is_some() {
                self.raise(Fact::OpenChoice { size }, count.at, env);
            }
            return Value::Poison;
        };
        let mut value = input;
        for turn in 0..turns {
            if self.too_many_uses(expr.at, env) {
                return Value::Poison;
            }
            value = self.through(body, value, &turned(env, expr.at, turn));
        }
        value
    }

    fn too_many_uses(&mut self, at: Span, env: &Env) -> bool {
        let many = self.flat.uses.len() > MOST_USES;
        if many {
            self.raise(Fact::TooManyUses { most: MOST_USES }, at, env);
        }
        many
    }

    /// `each c in [16, 32] (...)`
    fn each(&mut self, each: &'t Each, input: Value<'t>, env: &Env) -> Value<'t> {
        let Some(items) = self.items(&each.over, env) else { return Value::Poison };
        let mut value = input;
        for (turn, item) in items.into_iter().enumerate() {
            if self.too_many_uses(each.at, env) {
                return Value::Poison;
            }
            let mut inner = turned(env, each.at, turn as i64);
            inner.scope = self.open_scope(Some(env.scope), &inner);
            self.set(inner.scope, &each.name.text, item);
            value = self.through(&each.body, value, &inner);
        }
        value
    }

    fn items(&mut self, over: &'t tree::Subscript, env: &Env) -> Option<Vec<Value<'t>>> {
        match over {
            tree::Subscript::At(expr) => match self.eval(expr, env) {
                Value::List(items, _) => Some(items.to_vec()),
                Value::Sizes(sizes) => Some(sizes.iter().map(|&size| Value::size(size, expr.at)).collect()),
                Value::Poison => None,
                other => {
                    let fact = Fact::WrongSort { wants: "a list such as [16, 32]".into(), is: other.what().into() };
                    self.raise(fact, expr.at, env);
                    None
                }
            },
            tree::Subscript::Range(first, end) => {
                let at = first.at.to(end.at);
                let (a, b) = (self.eval(first, env), self.eval(end, env));
                let (a, b) = (self.to_size(a, first.at, env), self.to_size(b, end.at, env));
                let (Some(a), Some(b)) = (self.sizes.number(a), self.sizes.number(b)) else { return None };
                let most = a.saturating_add(MOST_USES as i64 + 1);
                Some((a..b.min(most)).map(|n| Value::size(self.sizes.written(n, at), at)).collect())
            }
        }
    }

    /// `if a then p else q` where a tensor or number stands.
    fn choose(&mut self, cases: &'t [(Expr, Pipeline)], otherwise: &'t Pipeline, at: Span, env: &Env) -> Value<'t> {
        let Some(((condition, branch), rest)) = cases.split_first() else { return self.pipeline(otherwise, env) };
        match self.truth(condition, env) {
            Truth::Known(true) => self.pipeline(branch, env),
            Truth::Known(false) => self.choose(rest, otherwise, at, env),
            Truth::Poison => Value::Poison,
            Truth::Elements(test, axes) => {
                let on_index = only_indices(&test);
                let then = self.under(on_index.then(|| (test.clone(), true)), |c| c.pipeline(branch, env));
                let other = self.under(on_index.then(|| (test.clone(), false)), |c| c.choose(rest, otherwise, at, env));
                self.select(test, axes, (then, branch.at), (other, otherwise.at), at, env)
            }
        }
    }

    fn under<R>(&mut self, guard: Option<(Condition, bool)>, f: impl FnOnce(&mut Checker<'t>) -> R) -> R {
        let depth = self.guards.len();
        self.guards.extend(guard);
        let result = f(self);
        self.guards.truncate(depth);
        result
    }

    fn select(
        &mut self,
        test: Condition,
        axes: Axes,
        (then, then_at): (Value<'t>, Span),
        (other, other_at): (Value<'t>, Span),
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let known = |value: &Value| matches!(value, Value::Number(_));
        let (known_then, known_other) = (known(&then), known(&other));
        let (a, b) = match (self.to_term(then, then_at, env), self.to_term(other, other_at, env)) {
            (Some(a), Some(b)) => (a, b),
            (Some(known), None) | (None, Some(known)) if self.settling.depth > 0 => return Value::Term(known),
            (None, _) | (_, None) => return Value::Poison,
        };
        let element = match (a.element, b.element) {
            (Element::Probability, Element::Probability) => Element::Probability,
            (Element::Index(n), Element::Index(m)) if self.sizes.equal(n, m) => Element::Index(n),
            (Element::Probability, _) if known_other => Element::Probability,
            (_, Element::Probability) if known_then => Element::Probability,
            _other => Element::Real,
        };
        let (lhs, rhs) = (self.part(&a), self.part(&b));
        let lined = self.line_up(&a.axes, &b.axes).and_then(|both| self.line_up(&both, &axes));
        let Some(axes) = lined else {
            self.raise(Fact::ShapesDiffer { op: "if", lhs: lhs.clone(), rhs: rhs.clone() }, at, env);
            return self.after_mismatch(lhs.shape, rhs.shape, env, at);
        };
        let body = Scalar::If(test, Box::new(a.body), Box::new(b.body));
        Value::Term(Term { axes, body, element, at })
    }

    /// Checks a remark, or answers a hole, and gives what flows on.
    pub fn remarked(&mut self, value: Value<'t>, remark: Option<&'t Remark>, stage: Span, env: &Env) -> Value<'t> {
        if env.library {
            return value;
        }
        let shape = match &value {
            Value::View(view) => Some(self.shape(view).to_vec()),
            Value::Term(term) => Some(self.term_shape(term)),
            Value::Number(_) | Value::Window(_) | Value::Truth(_) | Value::Text(_) | Value::Sizes(_) => None,
            Value::List(..) | Value::Layer(_) | Value::Tuple(_) | Value::Absent | Value::Poison => None,
        };
        if let Some(shape) = &shape
            && env.depth <= 1
        {
            let hole = remark.is_some_and(|remark| remark.ty.is_none());
            let at = remark.map_or(stage, |remark| remark.at);
            self.remarks.push(Remarked { at, shape: shape.clone(), hole, written: remark.is_some() });
        }
        match (remark.and_then(|remark| remark.ty.as_ref()), value) {
            (None, value) => value,
            (Some(ty), Value::Poison) => self.reset(ty, None, stage, env),
            (Some(ty), Value::List(items, at)) => {
                let list = Value::List(items, at);
                match self.constant(&list, at, env) {
                    Some(view) => self.checked(Value::View(view.clone()), self.shape(&view).to_vec(), ty, stage, env),
                    None => Value::Poison,
                }
            }
            (Some(ty), Value::Number(number)) => self.checked(Value::Number(number), vec![], ty, stage, env),
            (Some(ty), value) => match shape {
                Some(shape) => self.checked(value, shape, ty, stage, env),
                None => {
                    let is = value.what().to_string();
                    self.raise(Fact::WrongSort { wants: "a tensor before a remark".into(), is }, ty.at, env);
                    value
                }
            },
        }
    }

    fn checked(&mut self, value: Value<'t>, comes: Vec<SizeId>, ty: &'t Type, stage: Span, env: &Env) -> Value<'t> {
        let dims = self.dims(ty, env);
        if dims.len() != comes.len() {
            self.differs(ty, &dims, comes, stage, env);
            return self.reset(ty, None, stage, env);
        }
        let agrees = |(dim, size): (&Option<SizeId>, &SizeId)| dim.is_none_or(|dim| self.may_equal(dim, *size));
        if !dims.iter().zip(&comes).all(agrees) {
            self.differs(ty, &dims, comes, stage, env);
            return value;
        }
        match comes.iter().any(|size| self.sizes.is_poisoned(*size)) {
            true => self.reset(ty, Some(comes), stage, env),
            false => self.confirmed(value, ty, &dims),
        }
    }

    /// A remark that is right is the nearest place where its sizes can be read.
    fn confirmed(&mut self, value: Value<'t>, ty: &'t Type, dims: &[Option<SizeId>]) -> Value<'t> {
        let Value::View(view) = &value else { return value };
        if !matches!(self.flat.tensors[view.tensor].kind, super::net::TensorKind::Defined) {
            return value;
        }
        let (tensor, hidden) = (view.tensor, view.hidden.len());
        for (i, (dim, written)) in dims.iter().zip(&ty.dims).enumerate() {
            let (Some(_), tree::Dim::Size(expr)) = (dim, written) else { continue };
            let from = self.flat.tensors[tensor].shape[hidden + i];
            let Some(known) = self.sizes.value(from).cloned() else { continue };
            self.flat.tensors[tensor].shape[hidden + i] = self.sizes.remark(known, Some(from), expr.at);
        }
        value
    }

    /// After an error a remark says what goes on.
    fn reset(&mut self, ty: &'t Type, comes: Option<Vec<SizeId>>, at: Span, env: &Env) -> Value<'t> {
        let dims = self.dims(ty, env);
        let mut shape = Vec::with_capacity(dims.len());
        for (i, dim) in dims.into_iter().enumerate() {
            let from = comes.as_ref().map(|comes| comes[i]);
            shape.push(match dim.and_then(|dim| self.sizes.value(dim).cloned()) {
                Some(value) => self.sizes.remark(value, from, ty.at),
                None => from.unwrap_or_else(|| self.sizes.poison(at)),
            });
        }
        let element = self.element_of(ty, env);
        self.poisoned(shape, element, env, at)
    }

    /// A type's elements.
    pub fn element_of(&mut self, ty: &'t Type, env: &Env) -> Element {
        match &ty.element {
            tree::Element::Real => Element::Real,
            tree::Element::Probability(_) => Element::Probability,
            tree::Element::Index(n) => {
                let value = self.eval(n, env);
                Element::Index(self.to_length(value, n.at, env))
            }
        }
    }

    /// The sizes of a type's axes; none where `_` stands.
    pub fn dims(&mut self, ty: &'t Type, env: &Env) -> Vec<Option<SizeId>> {
        let mut dims = Vec::with_capacity(ty.dims.len());
        for dim in &ty.dims {
            match dim {
                tree::Dim::Any(_) => dims.push(None),
                tree::Dim::Size(expr) => {
                    let value = self.eval(expr, env);
                    dims.push(Some(self.to_length(value, expr.at, env)));
                }
                tree::Dim::Many(name) => match self.find(env.scope, &name.text).map(|s| self.force(s, &name.text)) {
                    Some(Ok(Value::Sizes(sizes))) => dims.extend(sizes.iter().map(|size| Some(*size))),
                    Some(Ok(Value::Poison)) => {}
                    _other => {
                        let near = self.near(&name.text, env, false);
                        let fact = Fact::UnknownName { name: name.text.clone(), near, call: false };
                        self.raise(fact, name.at, env);
                    }
                },
            }
        }
        dims
    }

    /// Whether an intrinsic called with a first tensor is complete; others always are.
    pub fn is_complete(intrinsic: Intrinsic, args: &[Arg<'t>]) -> bool {
        intrinsic.complete_without_tensor()
            || args.first().is_some_and(|arg| arg.value.is_tensor() || number(&arg.value))
    }
}

fn number(value: &Value) -> bool {
    matches!(value, Value::Number(Number::Whole(_) | Number::Real(..)))
}

/// The surroundings of one turn.
fn turned(env: &Env, at: Span, turn: i64) -> Env {
    let mut env = env.clone();
    env.turns.push(at.start);
    env.turns.push(u32::try_from(turn).expect("turns are bounded"));
    env
}

/// The index variables of both surroundings, in order.
fn merged(a: &Rc<[super::net::VarId]>, b: &Rc<[super::net::VarId]>) -> Rc<[super::net::VarId]> {
    let mut all: Vec<_> = a.iter().chain(b.iter()).copied().collect();
    all.sort_unstable();
    all.dedup();
    all.into()
}

/// Whether a condition is decided by indices alone.
pub fn only_indices(condition: &Condition) -> bool {
    match condition {
        Condition::Index { .. } => true,
        Condition::Real(..) => false,
        Condition::And(a, b) | Condition::Or(a, b) => only_indices(a) && only_indices(b),
    }
}
