//! A graph as text.

use super::WORDS;
use crate::graph::affine::elements;
use crate::graph::recurrence::{Component, Recurrence, components};
use crate::graph::scalar::{binary, unary};
use crate::graph::{
    Access, Affine, Axis, Binary, Cmp, Combine, Cond, Dtype, Equation, Expr, ExprId, Graph, Guard, HostExpr, Kind, Rel,
    Role, Sign, Tensor, TensorId, Unary,
};
use std::collections::HashSet;
use std::fmt::Write;

/// The whole graph.
pub fn print(graph: &Graph) -> String {
    let names = names(graph);
    let mut text = String::new();
    for (id, tensor) in graph.tensors.iter() {
        line(&mut text, header(tensor, &names[id.index()]));
    }
    for (id, def) in &graph.defs {
        if def.pieces.is_empty() {
            line(&mut text, format!("nothing {}", names[id.index()]));
        }
        def.pieces.iter().for_each(|piece| line(&mut text, Printer::new(graph, &names, piece).piece()));
    }
    for (name, id) in &graph.outputs {
        line(&mut text, format!("output {} = {}", quoted(name), names[id.index()]));
    }
    for (old, new) in &graph.updates {
        line(&mut text, format!("update {} = {}", names[old.index()], names[new.index()]));
    }
    text
}

/// Comments that tell which tensors define each other, along which axis and which way: for a reader, `read` skips them.
pub fn recurrences(graph: &Graph) -> String {
    let names = names(graph);
    let mut text = String::new();
    for component in components(graph).unwrap_or_default() {
        if let Component::Many(recurrence) = component {
            tell(graph, &names, &recurrence, 0, &mut text);
        }
    }
    text
}

fn tell(graph: &Graph, names: &[String], recurrence: &Recurrence, depth: usize, text: &mut String) {
    let members: Vec<&str> = recurrence.time.keys().map(|member| &*names[member.index()]).collect();
    let way = if recurrence.backwards { "backwards" } else { "forwards" };
    let indent = "  ".repeat(depth);
    line(text, format!("# {indent}{way} over {}: {}", recurrence.name(graph), members.join(", ")));
    for component in &recurrence.step {
        if let Component::Many(inner) = component {
            tell(graph, names, inner, depth + 1, text);
        }
    }
}

/// One equation; names as in the whole graph.
pub fn equation(graph: &Graph, eq: &Equation) -> String {
    Printer::new(graph, &names(graph), eq).piece()
}

/// The names that `print` gives to the tensors: their own, where no earlier one has it.
pub fn names(graph: &Graph) -> Vec<String> {
    let mut taken = HashSet::new();
    let unique = |(id, tensor): (TensorId, &Tensor)| {
        let name = quoted(&tensor.name);
        let name = if taken.contains(&name) { quoted(&format!("{}'{id}", tensor.name)) } else { name };
        taken.insert(name.clone());
        name
    };
    graph.tensors.iter().map(unique).collect()
}

fn line(text: &mut String, line: String) {
    text.push_str(&line);
    text.push('\n');
}

/// A name as it is if it reads as one, else between quotation marks.
fn quoted(name: &str) -> String {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'');
    let plain = name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(part);
    if plain && !WORDS.contains(&name) { name.to_string() } else { format!("\"{}\"", name.replace('"', "'")) }
}

fn header(tensor: &Tensor, name: &str) -> String {
    let word = match &tensor.kind {
        Kind::Input => "input",
        Kind::Param => "param",
        Kind::State => "state",
        Kind::Const(_) => "const",
        Kind::Noise { .. } => "noise",
        Kind::Host(_) => "host",
        Kind::Defined => "tensor",
    };
    let mut text = format!("{word} {name}: {:?}", tensor.shape);
    if let Dtype::Index(end) = tensor.dtype {
        let _ = write!(text, " of index({end})");
    }
    match &tensor.kind {
        Kind::Const(data) if elements(&tensor.shape) > 0 => {
            let data: Vec<String> = data.iter().map(|&value| number(value)).collect();
            let _ = write!(text, " = {}", data.join(", "));
        }
        Kind::Noise { key, normal } => {
            let _ = write!(text, " ~ {} {}", if *normal { "normal" } else { "uniform" }, quoted(key));
        }
        Kind::Host(expr) => {
            let _ = write!(text, " = {}", host(expr, 0));
        }
        Kind::Const(_) | Kind::Input | Kind::Param | Kind::State | Kind::Defined => {}
    }
    text
}

/// The shortest text that reads as the same number.
fn number(value: f64) -> String {
    if value.is_nan() {
        "nan".to_string()
    } else if value.is_infinite() {
        if value > 0.0 { "inf" } else { "-inf" }.to_string()
    } else if value != 0.0 && !(1e-5..1e15).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

/// How tightly an operation binds: what it needs around its left operand; the right one needs one more.
fn level(op: Binary) -> usize {
    match op {
        Binary::Add | Binary::Sub => 1,
        Binary::Mul | Binary::Div => 2,
        Binary::Max => 0,
    }
}

fn wrapped(text: String, wrap: bool) -> String {
    if wrap { format!("({text})") } else { text }
}

fn infix(op: Binary, outer: usize, operand: impl Fn(bool, usize) -> String) -> String {
    let (name, level) = (binary(op).name, level(op));
    if op == Binary::Max {
        return format!("{name}({}, {})", operand(false, 0), operand(true, 0));
    }
    let text = format!("{} {name} {}", operand(false, level), operand(true, level + 1));
    wrapped(text, outer > level)
}

/// A negative sign before what is no number, a call else; `inside` prints the operand at a level.
fn prefix(op: Unary, is_number: bool, inside: impl Fn(usize) -> String) -> String {
    if op != Unary::Neg {
        return format!("{}({})", unary(op).name, inside(0));
    }
    format!("-{}", if is_number { format!("({})", inside(0)) } else { inside(3) })
}

fn cmp(cmp: Cmp) -> &'static str {
    match cmp {
        Cmp::Lt => "<",
        Cmp::Le => "<=",
        Cmp::Eq => "==",
    }
}

fn host(expr: &HostExpr, outer: usize) -> String {
    match expr {
        HostExpr::Number(value) => number(*value),
        HostExpr::Step => "step".to_string(),
        HostExpr::Steps => "steps".to_string(),
        HostExpr::Unary(op, x) => prefix(*op, matches!(**x, HostExpr::Number(_)), |level| host(x, level)),
        HostExpr::Binary(op, a, b) => infix(*op, outer, |right, level| host(if right { b } else { a }, level)),
        HostExpr::Pow(a, b) => format!("pow({}, {})", host(a, 0), host(b, 0)),
        HostExpr::Floor(x) => format!("floor({})", host(x, 0)),
        HostExpr::If(op, parts) => {
            let [a, b, x, y] = parts.each_ref().map(|part| host(part, 0));
            wrapped(format!("if ({a} {} {b}) then {x} else {y}", cmp(*op)), outer > 0)
        }
    }
}

struct Printer<'a> {
    graph: &'a Graph,
    names: &'a [String],
    eq: &'a Equation,
    axes: Vec<String>,
}

impl<'a> Printer<'a> {
    fn new(graph: &'a Graph, names: &'a [String], eq: &'a Equation) -> Printer<'a> {
        let mut axes: Vec<String> = Vec::new();
        for (at, axis) in eq.axes.iter().enumerate() {
            let plain = quoted(&axis.hint) == *axis.hint && !axis.hint.contains('.');
            let hint = if plain { axis.hint.to_string() } else { format!("i{at}") };
            let mut tries = (0..).map(|n| if n == 0 { hint.clone() } else { format!("{hint}'{n}") });
            let name = tries.find(|name| !axes.contains(name)).expect("numbers never run out");
            axes.push(name);
        }
        Printer { graph, names, eq, axes }
    }

    fn piece(&self) -> String {
        let eq = self.eq;
        let head = if self.runs_over_all() { String::new() } else { format!("for {}: ", self.binders(0, eq.n_out)) };
        let left = self.subscript(eq.out, &eq.write);
        let guards = if eq.guards.is_empty() { String::new() } else { format!("if {} then ", self.guards(&eq.guards)) };
        let body = format!("{guards}{}", self.expr(eq.body, 0));
        let name = match eq.combine {
            Combine::None if eq.axes.len() == eq.n_out => return format!("{head}{left} = {body}"),
            Combine::None => "none",
            Combine::Sum => "sum",
            Combine::Prod => "prod",
            Combine::Max => "max",
            Combine::ArgMax => "argmax",
        };
        format!("{head}{left} = {name}({}: {body})", self.binders(eq.n_out, eq.axes.len()))
    }

    /// Whether the write tells the output axes: each is a coordinate, in their order, over its whole extent.
    fn runs_over_all(&self) -> bool {
        let shape = &self.graph.tensors[self.eq.out].shape;
        let mut next = 0;
        let plain = self.eq.write.iter().zip(shape).all(|(form, &extent)| {
            let axis = form.as_axis();
            let full = |at: usize| self.eq.axes[at].extent == extent && self.eq.axes[at].role == Role::Plain;
            let fits = axis.map_or(form.as_number().is_some(), |at| at == next && full(at));
            next += usize::from(axis.is_some());
            fits
        });
        plain && next == self.eq.n_out
    }

    fn binders(&self, from: usize, to: usize) -> String {
        let binder = |at: usize| {
            let Axis { extent, role, .. } = self.eq.axes[at];
            format!("{}{} < {extent}", if role == Role::Phase { "phase " } else { "" }, self.axes[at])
        };
        (from..to).map(binder).collect::<Vec<_>>().join(", ")
    }

    fn subscript(&self, tensor: TensorId, index: &[Affine]) -> String {
        let name = &self.names[tensor.index()];
        if index.is_empty() {
            return name.clone();
        }
        let forms: Vec<String> = index.iter().map(|form| self.form(form)).collect();
        format!("{name}[{}]", forms.join(", "))
    }

    fn form(&self, form: &Affine) -> String {
        let text = |parts: Vec<String>| parts.join(" + ");
        let negative = self.parts(&form.times(-1), None);
        let positive = self.parts(form, None);
        match (positive.is_empty(), negative.is_empty()) {
            (true, true) => "0".to_string(),
            (false, true) => text(positive),
            (true, false) => format!("-{}", negative.join(" - ")),
            (false, false) => format!("{} - {}", text(positive), negative.join(" - ")),
        }
    }

    /// The positive terms of a form, the data first.
    fn parts(&self, form: &Affine, data: Option<&Access>) -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        let named = |&&(axis, _): &&(u16, i32)| usize::from(axis) < self.axes.len();
        for &(axis, factor) in form.terms.iter().filter(named).filter(|term| term.1 > 0) {
            let name = &self.axes[usize::from(axis)];
            parts.push(if factor == 1 { name.clone() } else { format!("{factor}*{name}") });
        }
        if let Some(access) = data {
            let brackets = if access.index.is_empty() { "[]" } else { "" };
            parts.push(format!("{}{brackets}", self.subscript(access.tensor, &access.index)));
        }
        if form.constant > 0 {
            parts.push(form.constant.to_string());
        }
        parts
    }

    fn guards(&self, guards: &[Guard]) -> String {
        guards.iter().map(|guard| self.guard(guard)).collect::<Vec<_>>().join(" and ")
    }

    /// `form + data >= 0`, what is negative on the other side.
    fn guard(&self, guard: &Guard) -> String {
        let data = |side| guard.data.as_ref().filter(|data| data.0 == side).map(|data| &data.1);
        let side = |parts: Vec<String>| if parts.is_empty() { "0".to_string() } else { parts.join(" + ") };
        let left = side(self.parts(&guard.form, data(Sign::Plus)));
        let right = side(self.parts(&guard.form.times(-1), data(Sign::Minus)));
        let rel = match guard.rel {
            Rel::Ge => ">=",
            Rel::Eq => "==",
        };
        format!("{left} {rel} {right}")
    }

    fn expr(&self, id: ExprId, outer: usize) -> String {
        match &self.graph.exprs[id] {
            Expr::Const(value) => number(value.0),
            Expr::Load(access) => self.subscript(access.tensor, &access.index),
            Expr::Index(form) => format!("index({})", self.form(form)),
            Expr::Unary(op, x) => prefix(*op, self.graph.exprs.as_number(*x).is_some(), |level| self.expr(*x, level)),
            Expr::Binary(op, a, b) => infix(*op, outer, |right, level| self.expr(if right { *b } else { *a }, level)),
            Expr::Select(cond, x, y) => {
                let text = format!("if {} then {} else {}", self.cond(cond), self.expr(*x, 0), self.expr(*y, 0));
                wrapped(text, outer > 0)
            }
        }
    }

    fn cond(&self, cond: &Cond) -> String {
        match cond {
            Cond::Guards(guards) => self.guards(guards),
            Cond::Compare(op, a, b) => format!("({} {} {})", self.expr(*a, 1), cmp(*op), self.expr(*b, 1)),
        }
    }
}
