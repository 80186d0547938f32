//! Text into a graph.

use super::term::{Binder, Term, Terms, Test};
use crate::graph::scalar::{BINARY, UNARY};
use crate::graph::{
    Access, Affine, Axis, Binary, Cmp, Combine, Cond, Dtype, Equation, Expr, ExprId, Graph, Guard, HostExpr, Kind,
    Origin, OriginId, OriginRole, Real, Rel, Role, Sign, TensorId, Unary,
};
use std::collections::HashMap;

type Outcome<T> = Result<T, String>;

/// Reads what `print` writes; empty lines and lines that begin with `#` say nothing. An error names its line.
pub fn read(text: &str) -> Outcome<Graph> {
    let mut graph = Graph::default();
    let origin = graph.origins.push(Origin { path: "text".into(), at: None, role: OriginRole::Written });
    let mut reader = Reader { graph, origin, tensors: HashMap::new() };
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            reader.line(line).map_err(|error| format!("line {}: {error}", number + 1))?;
        }
    }
    Ok(reader.graph)
}

struct Reader {
    graph: Graph,
    origin: OriginId,
    tensors: HashMap<String, TensorId>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Outcome<()> {
        let mut terms = Terms::new(line)?;
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if matches!(word, "input" | "param" | "state" | "const" | "noise" | "host" | "tensor") && !rest.starts_with('=')
        {
            terms.name()?;
            self.header(word, &mut terms)?;
        } else if word == "output" && !rest.starts_with('=') {
            terms.name()?;
            let name = terms.name()?;
            terms.need("=")?;
            let tensor = self.tensor(&terms.name()?)?;
            self.graph.outputs.push((name.as_str().into(), tensor));
        } else if word == "update" && !rest.starts_with('=') {
            terms.name()?;
            let old = self.tensor(&terms.name()?)?;
            terms.need("=")?;
            let new = self.tensor(&terms.name()?)?;
            self.graph.updates.push((old, new));
        } else if word == "nothing" && !rest.starts_with('=') {
            terms.name()?;
            let tensor = self.tensor(&terms.name()?)?;
            self.graph.defs.entry(tensor).or_default();
        } else {
            let piece = self.piece(&mut terms)?;
            self.graph.define(piece);
        }
        if terms.is_done() { Ok(()) } else { Err("something stands after the end".to_string()) }
    }

    fn tensor(&self, name: &str) -> Outcome<TensorId> {
        self.tensors.get(name).copied().ok_or_else(|| format!("there is no tensor `{name}`"))
    }

    fn header(&mut self, word: &str, terms: &mut Terms) -> Outcome<()> {
        let name = terms.name()?;
        terms.need(":")?;
        terms.need("[")?;
        let mut shape = Vec::new();
        while !terms.take("]") {
            if !shape.is_empty() {
                terms.need(",")?;
            }
            shape.push(terms.whole()?);
        }
        let mut dtype = Dtype::Real;
        if terms.take_word("of") {
            terms.name()?;
            terms.need("(")?;
            dtype = Dtype::Index(terms.whole()?);
            terms.need(")")?;
        }
        let kind = kind(word, terms)?;
        let plain = self.plain_name(&name);
        let tensor = self.graph.tensor(plain, &shape, dtype, kind, self.origin);
        match self.tensors.insert(name.clone(), tensor) {
            None => Ok(()),
            Some(_) => Err(format!("`{name}` is declared twice")),
        }
    }

    /// Without the tick and the id that `print` adds to a name met before.
    fn plain_name<'a>(&self, name: &'a str) -> &'a str {
        match name.rsplit_once('\'') {
            Some((plain, id)) if id == self.graph.tensors.len().to_string() && self.tensors.contains_key(plain) => {
                plain
            }
            Some(_) | None => name,
        }
    }

    fn piece(&mut self, terms: &mut Terms) -> Outcome<Equation> {
        let binders = if terms.take_word("for") { Some(terms.binders()?) } else { None };
        let name = terms.name()?;
        let index = if terms.take("[") { terms.list("]")? } else { Vec::new() };
        terms.need("=")?;
        let right = terms.expr()?;
        let out = self.tensor(&name)?;
        let shape = self.graph.tensors[out].shape.clone();
        let mut scope = Scope::default();
        match binders {
            Some(binders) => scope.bind(&binders),
            None => scope.bind(&whole_axes(&index, &shape)),
        }
        let write = index.iter().map(|term| self.form(&scope, term)).collect::<Outcome<Vec<_>>>()?;
        let n_out = scope.axes.len();
        let (combine, body) = match right {
            Term::Reduce(name, binders, body) => {
                scope.bind(&binders);
                (combine(&name)?, *body)
            }
            Term::Number(_) | Term::Name(..) | Term::Call(..) | Term::Neg(_) | Term::Infix(..) | Term::If(..) => {
                (Combine::None, right)
            }
        };
        let (guards, body) = match body {
            Term::If(tests, body, None) => (self.guards(&scope, &tests)?, *body),
            Term::If(_, _, Some(_))
            | Term::Number(_)
            | Term::Name(..)
            | Term::Call(..)
            | Term::Reduce(..)
            | Term::Neg(_)
            | Term::Infix(..) => (Vec::new(), body),
        };
        let body = self.expr(&scope, &body)?;
        Ok(Equation { out, axes: scope.axes, n_out, combine, write, guards, body, origin: self.origin })
    }

    fn expr(&mut self, scope: &Scope, term: &Term) -> Outcome<ExprId> {
        let expr = match term {
            Term::Number(value) => Expr::Const(Real(*value)),
            Term::Name(name, index) => {
                let tensor = self.tensor(name)?;
                let forms = index.iter().flatten().map(|term| self.form(scope, term));
                let index = forms.collect::<Outcome<_>>()?;
                Expr::Load(Access { tensor, index })
            }
            Term::Call(name, args) if name == "index" && args.len() == 1 => Expr::Index(self.form(scope, &args[0])?),
            Term::Call(name, args) if name == "max" && args.len() == 2 => {
                let (a, b) = (self.expr(scope, &args[0])?, self.expr(scope, &args[1])?);
                Expr::Binary(Binary::Max, a, b)
            }
            Term::Call(name, args) => Expr::Unary(function(name, args)?, self.expr(scope, &args[0])?),
            Term::Neg(x) => Expr::Unary(Unary::Neg, self.expr(scope, x)?),
            Term::Infix(op, a, b) => {
                let (a, b) = (self.expr(scope, a)?, self.expr(scope, b)?);
                Expr::Binary(operator(*op)?, a, b)
            }
            Term::If(tests, x, Some(y)) => {
                let cond = self.cond(scope, tests)?;
                let (x, y) = (self.expr(scope, x)?, self.expr(scope, y)?);
                Expr::Select(cond, x, y)
            }
            Term::If(_, _, None) => return Err("an inner `if` needs its `else`".to_string()),
            Term::Reduce(name, ..) => return Err(format!("`{name}` may stand only around a whole right side")),
        };
        Ok(self.graph.exprs.add(expr))
    }

    fn cond(&mut self, scope: &Scope, tests: &[Test]) -> Outcome<Cond> {
        let [Test { numbers: true, rel, left, right }] = tests else {
            return Ok(Cond::Guards(self.guards(scope, tests)?));
        };
        let cmp = match rel.as_str() {
            "<" => Cmp::Lt,
            "<=" => Cmp::Le,
            "==" => Cmp::Eq,
            rel => return Err(format!("numbers are not compared by `{rel}`")),
        };
        Ok(Cond::Compare(cmp, self.expr(scope, left)?, self.expr(scope, right)?))
    }

    fn guards(&self, scope: &Scope, tests: &[Test]) -> Outcome<Vec<Guard>> {
        tests.iter().map(|test| self.guard(scope, test)).collect()
    }

    /// `left >= right` is `left - right >= 0`.
    fn guard(&self, scope: &Scope, test: &Test) -> Outcome<Guard> {
        let rel = match test.rel.as_str() {
            ">=" if !test.numbers => Rel::Ge,
            "==" if !test.numbers => Rel::Eq,
            rel => return Err(format!("a guard is `>=` or `==` without parentheses, not `{rel}`")),
        };
        let mut side = Side { form: Affine::number(0), data: None };
        self.side(scope, &test.left, 1, &mut side)?;
        self.side(scope, &test.right, -1, &mut side)?;
        Ok(Guard { form: side.form, data: side.data, rel })
    }

    fn form(&self, scope: &Scope, term: &Term) -> Outcome<Affine> {
        let mut side = Side { form: Affine::number(0), data: None };
        self.side(scope, term, 1, &mut side)?;
        if side.data.is_some() { Err("a subscript holds no tensor".to_string()) } else { Ok(side.form) }
    }

    /// Adds `factor * term`.
    fn side(&self, scope: &Scope, term: &Term, factor: i32, to: &mut Side) -> Outcome<()> {
        match term {
            Term::Number(value) => to.form = to.form.shift(factor * whole(*value)?),
            Term::Name(name, None) => to.form = to.form.plus(&Affine::term(scope.axis(name)?, factor)),
            Term::Name(name, Some(index)) => {
                let index = index.iter().map(|term| self.form(scope, term)).collect::<Outcome<_>>()?;
                let sign = if factor == 1 { Sign::Plus } else { Sign::Minus };
                let access = Access { tensor: self.tensor(name)?, index };
                if factor.abs() != 1 || to.data.replace((sign, access)).is_some() {
                    return Err("a guard holds one element of a tensor, plus or minus".to_string());
                }
            }
            Term::Neg(inner) => self.side(scope, inner, -factor, to)?,
            Term::Infix('+', a, b) => {
                self.side(scope, a, factor, to)?;
                self.side(scope, b, factor, to)?;
            }
            Term::Infix('-', a, b) => {
                self.side(scope, a, factor, to)?;
                self.side(scope, b, -factor, to)?;
            }
            Term::Infix('*', a, b) => {
                let Term::Number(value) = **a else { return Err("a form is not affine".to_string()) };
                self.side(scope, b, factor * whole(value)?, to)?;
            }
            Term::Infix(..) | Term::Call(..) | Term::Reduce(..) | Term::If(..) => {
                return Err("a form is not affine".to_string());
            }
        }
        Ok(())
    }
}

/// A form, and the element beside it.
struct Side {
    form: Affine,
    data: Option<(Sign, Access)>,
}

#[derive(Default)]
struct Scope {
    axes: Vec<Axis>,
}

impl Scope {
    fn bind(&mut self, binders: &[Binder]) {
        self.axes.extend(binders.iter().map(|binder| Axis {
            extent: binder.extent,
            role: if binder.phase { Role::Phase } else { Role::Plain },
            hint: binder.name.as_str().into(),
        }));
    }

    fn axis(&self, name: &str) -> Outcome<usize> {
        let at = self.axes.iter().position(|axis| &*axis.hint == name);
        at.ok_or_else(|| format!("there is no axis `{name}`"))
    }
}

/// The axes that the coordinates of a write name.
fn whole_axes(index: &[Term], shape: &[u32]) -> Vec<Binder> {
    let named = index.iter().zip(shape).filter_map(|(term, &extent)| {
        let Term::Name(name, None) = term else { return None };
        Some(Binder { name: name.clone(), extent, phase: false })
    });
    named.collect()
}

fn whole(value: f64) -> Outcome<i32> {
    let fits = value.fract() == 0.0 && value.abs() <= i32::MAX.into();
    if fits { Ok(value as i32) } else { Err(format!("{value} is no whole number of 32 bits")) }
}

fn combine(name: &str) -> Outcome<Combine> {
    match name {
        "none" => Ok(Combine::None),
        "sum" => Ok(Combine::Sum),
        "prod" => Ok(Combine::Prod),
        "max" => Ok(Combine::Max),
        "argmax" => Ok(Combine::ArgMax),
        name => Err(format!("`{name}` does not reduce")),
    }
}

fn function<T>(name: &str, args: &[T]) -> Outcome<Unary> {
    let row = UNARY.iter().find(|row| row.name == name && args.len() == 1);
    row.map(|row| row.op).ok_or_else(|| format!("there is no function `{name}` of {} numbers", args.len()))
}

fn operator(sign: char) -> Outcome<Binary> {
    let row = BINARY.iter().find(|row| row.name.starts_with(sign));
    row.map(|row| row.op).ok_or_else(|| format!("there is no operation `{sign}`"))
}

/// What stands after a tensor's shape.
fn kind(word: &str, terms: &mut Terms) -> Outcome<Kind> {
    Ok(match word {
        "input" => Kind::Input,
        "param" => Kind::Param,
        "state" => Kind::State,
        "const" => Kind::Const(data(terms)?.into()),
        "noise" => {
            terms.need("~")?;
            let normal = terms.take_word("normal") || !terms.take_word("uniform");
            Kind::Noise { key: terms.name()?.as_str().into(), normal }
        }
        "host" => {
            terms.need("=")?;
            Kind::Host(host(&terms.expr()?)?)
        }
        _ => Kind::Defined,
    })
}

fn data(terms: &mut Terms) -> Outcome<Vec<f64>> {
    let mut data = Vec::new();
    let mut more = terms.take("=");
    while more {
        let Term::Number(value) = terms.sum()? else { return Err("a constant holds numbers".to_string()) };
        data.push(value);
        more = terms.take(",");
    }
    Ok(data)
}

fn host(term: &Term) -> Outcome<HostExpr> {
    let boxed = |term: &Term| Ok::<_, String>(Box::new(host(term)?));
    Ok(match term {
        Term::Number(value) => HostExpr::Number(*value),
        Term::Name(name, None) if name == "step" => HostExpr::Step,
        Term::Name(name, None) if name == "steps" => HostExpr::Steps,
        Term::Call(name, args) if args.len() == 2 && name == "pow" => HostExpr::Pow(boxed(&args[0])?, boxed(&args[1])?),
        Term::Call(name, args) if args.len() == 2 && name == "max" => {
            HostExpr::Binary(Binary::Max, boxed(&args[0])?, boxed(&args[1])?)
        }
        Term::Call(name, args) if args.len() == 1 && name == "floor" => HostExpr::Floor(boxed(&args[0])?),
        Term::Call(name, args) => HostExpr::Unary(function(name, args)?, boxed(&args[0])?),
        Term::Neg(x) => HostExpr::Unary(Unary::Neg, boxed(x)?),
        Term::Infix(op, a, b) => HostExpr::Binary(operator(*op)?, boxed(a)?, boxed(b)?),
        Term::If(tests, x, Some(y)) => host_if(tests, host(x)?, host(y)?)?,
        Term::If(_, _, None) | Term::Reduce(..) | Term::Name(..) => return Err("no number of the host".to_string()),
    })
}

fn host_if(tests: &[Test], x: HostExpr, y: HostExpr) -> Outcome<HostExpr> {
    let [Test { numbers: true, rel, left, right }] = tests else {
        return Err("a number of the host is chosen by one comparison".to_string());
    };
    let cmp = match rel.as_str() {
        "<" => Cmp::Lt,
        "<=" => Cmp::Le,
        _ => Cmp::Eq,
    };
    Ok(HostExpr::If(cmp, Box::new([host(left)?, host(right)?, x, y])))
}
