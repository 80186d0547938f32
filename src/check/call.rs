//! Calls: arguments find their inputs, a block is unfolded with the sizes of this use, its outputs come back.

use super::bind::Binding;
use super::births::BirthId;
use super::checker::Checker;
use super::flat::UseInfo;
use super::found::Fact;
use super::net::{Element, TensorKind, UseId};
use super::scope::Env;
use super::values::{Arg, Callee, Definition, Layer, LayerKind, Value, View};
use crate::ids::Symbol;
use crate::size::SizeId;
use crate::source::Span;
use crate::source::tree::{self, Argument, Expr, ExprKind, IndexBinder, Input, NetworkKind, Output, StatementKind};
use std::rc::Rc;

/// The deepest nest of blocks.
const DEEPEST: u32 = 48;

impl<'t> Checker<'t> {
    /// A call outside of a stage: an application, or a layer value if its tensor is missing.
    pub fn call(
        &mut self,
        expr: &'t Expr,
        callee: &'t Expr,
        indices: &'t [IndexBinder],
        args: &'t [Argument],
        env: &Env,
    ) -> Value<'t> {
        let ExprKind::Name(name) = &callee.kind else {
            self.raise(Fact::NotALayer { is: "an expression".into() }, callee.at, env);
            return Value::Poison;
        };
        if !indices.is_empty() {
            return self.bound_reduction(name, callee.at, indices, args, expr.at, env);
        }
        let Some(found) = self.callee_of(name, env, false) else {
            return self.unknown_callee(name, callee.at, args, env);
        };
        if let Callee::Intrinsic(intrinsic) = found
            && intrinsic.reads_tree()
        {
            return self.call_tree(intrinsic, args, expr.at, env);
        }
        let args = self.arguments(args, env);
        let complete = match &found {
            Callee::Network(definition) => is_application(definition, &args),
            Callee::Intrinsic(intrinsic) => Checker::is_complete(*intrinsic, &args),
            Callee::Layer(_) => !args.is_empty(),
            Callee::Poison => true,
        };
        match complete {
            true => self.apply(&found, None, &args, expr.at, env),
            false => self.layer(LayerKind::Call { callee: found, args: args.into() }, expr.at, env),
        }
    }

    fn unknown_callee(&mut self, name: &Symbol, at: Span, args: &'t [Argument], env: &Env) -> Value<'t> {
        for arg in args {
            self.pipeline(&arg.value, env);
        }
        if self.find(env.scope, name).is_some() {
            if !matches!(self.find(env.scope, name).map(|scope| self.force(scope, name)), Some(Ok(Value::Poison))) {
                self.raise(Fact::NotALayer { is: "a value".into() }, at, env);
            }
            return Value::Poison;
        }
        let near = self.near(name, env, true);
        self.raise(Fact::UnknownName { name: name.clone(), near, call: true }, at, env);
        Value::Poison
    }

    /// One use of a net or block: `named` is the birth under the layer's own name.
    pub fn call_network(
        &mut self,
        definition: &'t Definition<'t>,
        piped: Option<Value<'t>>,
        args: &[Arg<'t>],
        named: Option<BirthId>,
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let network = definition.network;
        let label = &network.name.text;
        if network.kind == NetworkKind::Optimiser {
            let fact = Fact::WrongSort { wants: "a block".into(), is: format!("the optimiser '{label}'") };
            self.raise(fact, at, env);
            return Value::Poison;
        }
        if let Some(cycle) = self.recursion(definition, at, env) {
            self.raise(Fact::Recursion { cycle }, at, env);
            return Value::Poison;
        }
        let Some(slots) = self.slots(definition, piped, args, at, env) else {
            return self.unknown_outputs(definition);
        };
        let birth = match (network.kind, named) {
            (NetworkKind::Net, _) => self.births.at(None, Default::default(), label, true),
            (_, Some(birth)) => birth,
            (_, None) => self.birth(env, at, label),
        };
        let use_id = self.open_use(birth, label, env, at);
        let inner = self.inside_of(definition, birth, use_id, at, env);
        self.active.push((definition, at));
        let value = self.apart(|checker| checker.unfold(definition, slots, &inner, env, at));
        self.active.pop();
        value
    }

    /// The blocks from a definition to itself, if it is being unfolded already.
    fn recursion(&self, definition: &'t Definition<'t>, at: Span, env: &Env) -> Option<Vec<(Symbol, Span)>> {
        let named = |d: &Definition| d.network.name.text.clone();
        let Some(first) = self.active.iter().position(|(active, _)| std::ptr::eq(*active, definition)) else {
            return (env.depth >= DEEPEST).then(|| vec![(named(definition), at)]);
        };
        let inner = self.active[first + 1..].iter().map(|(active, call)| (named(active), *call));
        Some([(named(definition), at)].into_iter().chain(inner).collect())
    }

    pub fn inside_of(&mut self, definition: &'t Definition<'t>, birth: BirthId, id: UseId, at: Span, env: &Env) -> Env {
        let call = if env.library { env.call } else { Some(at) };
        let inner = Env {
            scope: definition.file,
            file: definition.file,
            birth,
            turns: Default::default(),
            use_id: Some(id),
            ambient: env.ambient.clone(),
            indices: Rc::from([]),
            call,
            depth: env.depth + 1,
            library: definition.library,
        };
        let scope = self.open_scope(Some(definition.file), &inner);
        self.scopes[scope.index()].outputs = &definition.network.outputs;
        self.scopes[scope.index()].network = Some(definition.network);
        self.scopes[scope.index()].caller = Some(env.scope);
        Env { scope, ..inner }
    }

    /// A new line in the table of uses.
    pub fn open_use(&mut self, birth: BirthId, block: &Symbol, env: &Env, at: Span) -> UseId {
        let at = env.shown(at);
        let (block, parent) = (block.clone(), env.use_id);
        let applied = self.applied.last().copied();
        self.flat.uses.push(UseInfo {
            birth,
            block,
            parent,
            input: None,
            output: None,
            params: Vec::new(),
            applied,
            at,
        });
        UseId::new(self.flat.uses.len() - 1)
    }

    fn unfold(
        &mut self,
        definition: &'t Definition<'t>,
        slots: Vec<Option<Arg<'t>>>,
        inner: &Env,
        outer: &Env,
        at: Span,
    ) -> Value<'t> {
        let before = self.raised;
        if !definition.library && !outer.library && definition.network.kind == NetworkKind::Block {
            self.calls.push((definition.network.head, at));
        }
        let mut binding = Binding::new(definition, at);
        self.bind_all(&mut binding, slots, inner, outer);
        let mut inner = inner.clone();
        inner.ambient = binding.ambient(&outer.ambient);
        self.scopes[inner.scope.index()].env = inner.clone();
        self.finish_binding(&mut binding, &inner, outer);
        self.declare(&definition.network.body, &inner);
        let fine = self.requirements(definition, &inner) && !binding.wrong && self.outputs_known(definition, &inner);
        // Where the head is wrong already, the body would only repeat it.
        let fine = fine && self.raised == before;
        let use_id = inner.use_id.expect("a body belongs to a use");
        self.flat.uses[use_id.index()].input = binding.first;
        let value = match (fine, binding.lost) {
            (true, _) => self.outputs(definition, &inner),
            // The number of axes that flow in is not known, so that of the output is not either.
            (false, true) if self.settling.depth == 0 => self.unknown_outputs(definition),
            (false, _) => self.declared_outputs(definition, &inner),
        };
        if fine {
            self.finish_body(&definition.network.body, &inner);
        }
        let value = self.unmap(value, &binding.mapped, outer, at);
        self.flat.uses[use_id.index()].output = match &value {
            Value::Tuple(parts) => parts.first().and_then(|(_, value)| self.tensor_of(value)),
            single => self.tensor_of(single),
        };
        value
    }

    /// Evaluates the declared sizes of a block's outputs before its body: what is wrong with them is told first.
    fn outputs_known(&mut self, definition: &'t Definition<'t>, inner: &Env) -> bool {
        let before = self.raised;
        for output in &definition.network.outputs {
            let dims = self.dims(&output.ty, inner);
            if let Some(call) = inner.call.filter(|_| inner.library) {
                self.drops_rows(&dims, call, inner);
            }
        }
        self.raised == before
    }

    /// Which argument fills which input.
    pub fn slots(
        &mut self,
        definition: &'t Definition<'t>,
        piped: Option<Value<'t>>,
        args: &[Arg<'t>],
        at: Span,
        env: &Env,
    ) -> Option<Vec<Option<Arg<'t>>>> {
        let inputs = &definition.network.inputs;
        let block = definition.network.name.text.clone();
        let names = || inputs.iter().map(|input| input.name.text.clone()).collect::<Vec<_>>();
        let mut slots: Vec<Option<Arg<'t>>> = inputs.iter().map(|_| None).collect();
        let mut fine = true;
        if let Some(value) = piped {
            let Some(first) = inputs.iter().position(|input| input.ty.is_some()) else {
                self.raise(Fact::TooManyArguments { block, inputs: names() }, at, env);
                return None;
            };
            slots[first] = Some(Arg { name: None, value, at });
        }
        for arg in args {
            let place = match &arg.name {
                None => slots.iter().position(Option::is_none),
                Some((name, _)) => inputs.iter().position(|input| input.name.text == *name),
            };
            let fact = match (place, &arg.name) {
                (Some(i), _) if slots[i].is_none() => {
                    slots[i] = Some(arg.clone());
                    continue;
                }
                (Some(_), Some((name, _))) => Fact::ArgumentTwice { block: block.clone(), name: name.clone() },
                (None, Some((name, _))) => {
                    Fact::UnknownArgument { block: block.clone(), name: name.clone(), inputs: names() }
                }
                (_, None) => Fact::TooManyArguments { block: block.clone(), inputs: names() },
            };
            fine = false;
            self.raise(fact, arg.name.as_ref().map_or(arg.at, |(_, at)| *at), env);
        }
        fine.then_some(slots)
    }

    /// What comes out of a call whose arguments are wrong.
    fn unknown_outputs(&mut self, definition: &'t Definition<'t>) -> Value<'t> {
        let outputs = &definition.network.outputs;
        self.flat.poisoned = true;
        match outputs.len() {
            0 | 1 => Value::Poison,
            _ => Value::Tuple(outputs.iter().map(|output| (output_name(output), Value::Poison)).collect()),
        }
    }

    /// The mapped axes of a block's output are axes of the caller again.
    fn unmap(&mut self, value: Value<'t>, mapped: &[super::net::VarId], outer: &Env, at: Span) -> Value<'t> {
        if mapped.is_empty() {
            return value;
        }
        match value {
            Value::View(view) => Value::View(self.unmap_view(view, mapped, outer, at)),
            Value::Tuple(parts) => {
                Value::Tuple(parts.iter().map(|(n, v)| (n.clone(), self.unmap(v.clone(), mapped, outer, at))).collect())
            }
            other => other,
        }
    }

    fn unmap_view(&mut self, view: View, mapped: &[super::net::VarId], outer: &Env, at: Span) -> View {
        let n_hidden = view.hidden.len().saturating_sub(mapped.len());
        if view.hidden[n_hidden..] == *mapped {
            return View { tensor: view.tensor, hidden: view.hidden[..n_hidden].into() };
        }
        let mut term = self.load(&view, at);
        let mut axes = super::terms::Axes::new();
        for &var in mapped {
            let size = self.flat.extent(var).expect("a mapped axis has a length");
            let fresh = self.axis(axes.len(), size);
            axes.push(fresh);
        }
        super::forms::each_form(&mut term.body, &mut |form| {
            let of = |var| mapped.iter().position(|m| *m == var).map(|i| super::net::Linear::var(axes[i]));
            let forms: Vec<_> = form.terms.iter().map(|(var, _)| (*var, of(*var))).collect();
            let with = |var| forms.iter().find(|(v, _)| *v == var).and_then(|(_, form)| form.as_ref());
            if let Ok(replaced) = form.replace(&with) {
                *form = replaced;
            }
        });
        axes.extend(term.axes);
        term.axes = axes;
        self.copy(term, "y", outer, at)
    }

    /// Outputs by their declared types where the body could not be unfolded.
    fn declared_outputs(&mut self, definition: &'t Definition<'t>, env: &Env) -> Value<'t> {
        let outputs = &definition.network.outputs;
        let mut parts = Vec::new();
        for output in outputs {
            let at = output.at;
            let (dims, element) = self.quietly(|c| (c.dims(&output.ty, env), c.element_of(&output.ty, env)));
            let open = |dim: &tree::Dim| match dim {
                tree::Dim::Many(name) => !self.scope(env.scope).names.get(&name.text).is_some_and(is_shape),
                tree::Dim::Size(_) | tree::Dim::Any(_) => false,
            };
            let lost = output.ty.dims.iter().any(open);
            let shape = dims.into_iter().map(|dim| dim.unwrap_or_else(|| self.sizes.poison(at))).collect();
            let value = if lost { Value::Poison } else { self.poisoned(shape, element, env, at) };
            parts.push((output_name(output), value));
        }
        match parts.len() {
            0 => Value::Poison,
            1 => parts.pop().expect("there is one").1,
            _ => Value::Tuple(parts.into()),
        }
    }

    /// Evaluates without reporting.
    pub fn quietly<R>(&mut self, f: impl FnOnce(&mut Checker<'t>) -> R) -> R {
        self.quiet += 1;
        let result = f(self);
        self.quiet -= 1;
        result
    }

    /// Checks a block's `require` statements, in order. False if one does not hold.
    pub fn requirements(&mut self, definition: &'t Definition<'t>, env: &Env) -> bool {
        for statement in &definition.network.body.statements {
            let StatementKind::Require { condition, message } = &statement.kind else { continue };
            let outer = std::mem::replace(&mut self.requiring, true);
            let truth = self.truth(condition, env);
            self.requiring = outer;
            match truth {
                super::conditions::Truth::Known(true) | super::conditions::Truth::Poison => {}
                super::conditions::Truth::Known(false) => {
                    let text = self.fill(&message.value, env);
                    let output = self.quietly(|c| c.raw_outputs(definition, env));
                    let condition = self.quietly(|c| c.failing(condition, env)).at;
                    let bound = self.scope(env.scope).bound.clone();
                    let at = env.call.unwrap_or(statement.at);
                    self.raise_at(Fact::Required { text, bound, output, condition }, at, env);
                    return false;
                }
                super::conditions::Truth::Elements(..) => {
                    let is = "one on elements".into();
                    let wants = "a condition that is known before the run".into();
                    self.raise(Fact::WrongSort { wants, is }, condition.at, env);
                }
            }
        }
        true
    }

    /// The declared sizes of the first output as they come out, below 1 too: their formulas are shown.
    fn raw_outputs(&mut self, definition: &'t Definition<'t>, env: &Env) -> Vec<crate::size::SizeId> {
        let mut sizes = Vec::new();
        for output in definition.network.outputs.iter().take(1) {
            for dim in &output.ty.dims {
                let crate::source::tree::Dim::Size(expr) = dim else { continue };
                if let Value::Number(super::values::Number::Whole(open)) = self.eval(expr, env) {
                    sizes.push(self.close(open, env));
                }
            }
        }
        sizes
    }

    /// `a {k} window`: names in braces become their values.
    pub fn fill(&mut self, template: &str, env: &Env) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            text.push_str(before);
            text.push_str(&self.shown_value(name.trim(), env));
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn shown_value(&mut self, name: &str, env: &Env) -> String {
        let (base, side) = name.split_once('.').map_or((name, None), |(base, side)| (base, Some(side)));
        let base = Symbol::from(base);
        let Some(Ok(value)) = self.find(env.scope, &base).map(|scope| self.force(scope, &base)) else {
            return format!("{{{name}}}");
        };
        match (value, side) {
            (Value::Window(sides), Some("h")) if !sides.is_empty() => crate::size::show::size(&self.sizes, sides[0]),
            (Value::Window(sides), Some("w")) if sides.len() > 1 => crate::size::show::size(&self.sizes, sides[1]),
            (Value::Window(sides), _) => crate::size::show::by(&self.sizes, &sides),
            (Value::Number(super::values::Number::Whole(open)), _) => {
                let size = self.close(open, env);
                crate::size::show::size(&self.sizes, size)
            }
            (Value::Number(super::values::Number::Real(x, _)), _) => format!("{x}"),
            (Value::Text(text), _) => text.to_string(),
            (Value::Truth(truth), _) => truth.to_string(),
            (Value::Sizes(sizes), _) => crate::size::show::shape(&self.sizes, &sizes),
            _other => format!("{{{name}}}"),
        }
    }

    /// The value of a body: its last line, or what its outputs' names stand for.
    fn outputs(&mut self, definition: &'t Definition<'t>, env: &Env) -> Value<'t> {
        let network = definition.network;
        let result = network.body.statements.iter().rev().find(|s| matches!(s.kind, StatementKind::Result { .. }));
        let result_name = Symbol::from(super::unfold::RESULT);
        if let Some(statement) = result {
            let value = self.force(env.scope, &result_name).unwrap_or(Value::Poison);
            let defined = network.outputs.iter().filter_map(|output| output.name.as_ref());
            let both = defined.clone().find(|name| self.scope(env.scope).names.contains_key(&name.text)).cloned();
            if let Some(name) = both {
                let other = self.defined_at(&name.text, &network.body).filter(|_| network.outputs.len() == 1);
                let of = network.name.text.clone();
                self.raise(Fact::TwoResults { other, of }, statement.at, env);
            }
            return self.result(network.outputs.first(), network.outputs.len(), value, statement.at, env);
        }
        let mut parts = Vec::new();
        for output in &network.outputs {
            let name = output_name(output);
            let value = match self.scope(env.scope).names.contains_key(&name) {
                true => match self.force(env.scope, &name) {
                    Ok(value) => value,
                    Err(begun) => {
                        let through = self.circle(&name, begun);
                        self.raise(Fact::Cycle { through }, output.at, env);
                        Value::Poison
                    }
                },
                false => {
                    self.never_defined(output, definition, env);
                    Value::Poison
                }
            };
            parts.push((name, self.output(output, value, output.at, env)));
        }
        match parts.len() {
            0 => Value::Poison,
            1 => parts.pop().expect("there is one").1,
            _ => Value::Tuple(parts.into()),
        }
    }

    /// An output without a definition; statements that did not parse may have been it.
    fn never_defined(&mut self, output: &'t Output, definition: &'t Definition<'t>, env: &Env) {
        let network = definition.network;
        if network.body.bad.is_empty() {
            let name = output.name.as_ref().filter(|_| network.outputs.len() > 1).map(|name| name.text.clone());
            self.raise(Fact::NeverDefined { name, of: network.name.text.clone() }, output.at, env);
        }
    }

    /// The statement that defines a name in a body.
    fn defined_at(&self, name: &Symbol, body: &'t tree::Body) -> Option<Span> {
        let defines = |statement: &&tree::Statement| match &statement.kind {
            StatementKind::Define { target: tree::Target::Name(target), .. } => target.text == *name,
            StatementKind::Define { target: tree::Target::Indexed { name: target, .. }, .. } => target.text == *name,
            StatementKind::Define { target: tree::Target::Tuple(names, _), .. } => {
                names.iter().any(|n| n.text == *name)
            }
            StatementKind::Param { names, .. } | StatementKind::State { names, .. } => {
                names.iter().any(|n| n.text == *name)
            }
            StatementKind::Noise { names, .. } => names.iter().any(|n| n.text == *name),
            StatementKind::Update { .. } | StatementKind::Require { .. } | StatementKind::Minimise { .. } => false,
            StatementKind::Report { .. } | StatementKind::Show { .. } | StatementKind::Result { .. } => false,
        };
        body.statements.iter().find(defines).map(|statement| statement.at)
    }

    /// A written shape that does not come out. Nothing is said where an error left even the number of axes open.
    pub fn differs(&mut self, ty: &'t tree::Type, dims: &[Option<SizeId>], comes: Vec<SizeId>, stage: Span, env: &Env) {
        let same_rank = dims.len() == comes.len();
        if !same_rank && comes.iter().any(|size| self.sizes.is_poisoned(*size)) {
            return;
        }
        let of = |i: usize, dim: &Option<SizeId>| dim.or_else(|| comes.get(i).copied().filter(|_| same_rank));
        let written = dims.iter().enumerate().map(|(i, dim)| of(i, dim)).collect();
        self.raise(Fact::RemarkWrong { written, comes, stage }, ty.at, env);
    }

    fn result(&mut self, output: Option<&'t Output>, n: usize, value: Value<'t>, at: Span, env: &Env) -> Value<'t> {
        match (output, n) {
            (Some(output), 1) => self.output(output, value, at, env),
            (None, _) => self.output_tensor(value, "y", at, env),
            (Some(_), _) => {
                let of = self.use_label(env);
                self.raise(Fact::TwoResults { other: None, of }, at, env);
                Value::Poison
            }
        }
    }

    /// The part of a conjunction that does not hold.
    fn failing(&mut self, condition: &'t Expr, env: &Env) -> &'t Expr {
        match &condition.kind {
            ExprKind::Binary { op: tree::BinaryOp::And, lhs, rhs, .. } => match self.truth(lhs, env) {
                super::conditions::Truth::Known(false) => self.failing(lhs, env),
                super::conditions::Truth::Known(true) => self.failing(rhs, env),
                super::conditions::Truth::Elements(..) | super::conditions::Truth::Poison => condition,
            },
            _other => condition,
        }
    }

    fn output_tensor(&mut self, value: Value<'t>, name: &str, at: Span, env: &Env) -> Value<'t> {
        match self.to_view(value, name, at, env) {
            Some(view) => Value::View(view),
            None => Value::Poison,
        }
    }

    /// Holds an output against its declared type.
    fn output(&mut self, output: &'t Output, value: Value<'t>, at: Span, env: &Env) -> Value<'t> {
        let name = output_name(output);
        let Value::View(view) = self.output_tensor(value, &name, at, env) else {
            return self.poisoned_output(output, env);
        };
        let dims = self.dims(&output.ty, env);
        let comes = self.shape(&view).to_vec();
        let agree = dims.len() == comes.len()
            && dims.iter().zip(&comes).all(|(dim, size)| dim.is_none_or(|dim| self.may_equal(dim, *size)));
        if !agree {
            self.differs(&output.ty, &dims, comes, at, env);
            return self.poisoned_output(output, env);
        }
        let wanted = self.element_of(&output.ty, env);
        let view = match (wanted, self.element(&view)) {
            (Element::Probability, Element::Index(_) | Element::Real) => {
                self.with_element(view, Element::Probability, env, at)
            }
            (Element::Index(n), Element::Index(m)) if self.may_equal(n, m) => view,
            (Element::Index(_), _) => {
                self.raise(Fact::NotIndex { what: format!("'{name}'") }, at, env);
                view
            }
            (Element::Real | Element::Probability, _) => view,
        };
        Value::View(view)
    }

    fn poisoned_output(&mut self, output: &'t Output, env: &Env) -> Value<'t> {
        let many = output.ty.dims.iter().any(|dim| matches!(dim, crate::source::tree::Dim::Many(_)));
        if many {
            return Value::Poison;
        }
        let dims = self.quietly(|c| c.dims(&output.ty, env));
        let shape = dims.into_iter().map(|dim| dim.unwrap_or_else(|| self.sizes.poison(output.at))).collect();
        let element = self.quietly(|c| c.element_of(&output.ty, env));
        self.poisoned(shape, element, env, output.at)
    }

    /// Whether a tensor is written out in the file with all numbers from 0 to 1.
    pub fn is_constant_probability(&self, view: &View) -> bool {
        match &self.flat.tensors[view.tensor].kind {
            TensorKind::Constant(values) => values.iter().all(|x| (0.0..=1.0).contains(x)),
            TensorKind::Input(_) | TensorKind::Param(_) | TensorKind::Noise { .. } | TensorKind::Defined => false,
        }
    }
}

/// An output's name; the only one of a block may have none.
pub fn output_name(output: &Output) -> Symbol {
    output.name.as_ref().map_or_else(|| Symbol::from("y"), |name| name.text.clone())
}

/// Whether a call outside of a stage has its tensor: the first positional argument is one, or it is given by name.
fn is_application(definition: &Definition, args: &[Arg]) -> bool {
    let mut typed = definition.network.inputs.iter().filter(|input: &&Input| input.ty.is_some());
    let Some(first) = typed.next() else { return true };
    let named = |arg: &Arg| arg.name.as_ref().is_some_and(|(name, _)| *name == first.name.text);
    let positional = args.iter().find(|arg| arg.name.is_none());
    args.iter().any(named) || positional.is_some_and(|arg| arg.value.is_tensor())
}

/// A layer value under its own name.
pub fn with_name<'t>(layer: &Layer<'t>, birth: BirthId) -> Layer<'t> {
    Layer { named: Some(birth), ..layer.clone() }
}

fn is_shape(entry: &super::scope::Entry) -> bool {
    matches!(entry, super::scope::Entry::Known(Value::Sizes(_)))
}
