//! M2: a logarithm goes down through definitions: of exp, of a quotient and a product, of a pinned sum, of sigmoid,
//! of `1 - sigmoid` and `1 + exp`. So the cross entropy of a softmax is `x[label] - max - log(sum)` and finite
//! wherever the scores are.
//!
//! A product is taken apart only if at most one factor may be negative: the result is a number where that of the
//! logarithm was.

use super::hoist::best_corner;
use super::look::{inverse, only_piece, value_at};
use crate::graph::lift::lift;
use crate::graph::mix::QuickMap;
use crate::graph::normal::sure_pin;
use crate::graph::{
    Access, Binary, Combine, Cond, Dtype, Equation, Expr, ExprId, Graph, Guard, Kind, Origin, OriginRole, Rel,
    TensorId, Unary,
};

/// How many definitions and operations deep one looks.
const DEPTH: usize = 12;

/// Takes the logarithms of all definitions.
pub fn take(graph: &mut Graph) {
    let outs: Vec<TensorId> = graph.defs.keys().copied().collect();
    let mut logs = Logs { graph, sums: QuickMap::default(), positive: QuickMap::default() };
    for out in outs {
        for at in 0..logs.graph.defs[&out].pieces.len() {
            let mut piece = logs.graph.defs[&out].pieces[at].clone();
            let body = logs.root(piece.body);
            if body != piece.body {
                piece.body = body;
                logs.lift(&mut piece);
                logs.graph.defs[&out].pieces[at] = piece;
            }
        }
    }
}

/// A logarithm in another form.
#[derive(Clone, Copy)]
struct Taken {
    log: ExprId,
    /// Whether its argument is known to be positive.
    sure: bool,
    /// Whether anything was gained.
    simpler: bool,
}

struct Logs<'a> {
    graph: &'a mut Graph,
    /// The pinned sum of the logarithm, for a pinned sum.
    sums: QuickMap<TensorId, Option<TensorId>>,
    positive: QuickMap<TensorId, bool>,
}

impl Logs<'_> {
    fn lift(&mut self, piece: &mut Equation) {
        let positive = &mut self.positive;
        lift(self.graph, piece, &mut |graph, x| is_positive(graph, positive, x, DEPTH));
    }

    /// The body with its logarithms, which are roots, taken.
    fn root(&mut self, id: ExprId) -> ExprId {
        match self.graph.exprs[id].clone() {
            Expr::Unary(Unary::Log, x) => {
                let taken = self.log(x, DEPTH);
                taken.filter(|taken| taken.simpler).map_or(id, |taken| taken.log)
            }
            Expr::Select(cond, x, y) => {
                let (x, y) = (self.root(x), self.root(y));
                self.graph.exprs.select(cond, x, y)
            }
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) | Expr::Unary(..) | Expr::Binary(..) => id,
        }
    }

    /// The logarithm of `x`; none if taking it apart is not allowed.
    fn log(&mut self, x: ExprId, depth: usize) -> Option<Taken> {
        let simpler = |log| Some(Taken { log, sure: true, simpler: true });
        if let Some(a) = self.as_sigmoid_of_minus(x) {
            let minus = self.graph.exprs.neg(a);
            return simpler(self.graph.exprs.unary(Unary::LogSigmoid, minus));
        }
        if let Some(a) = self.as_one_plus_exp(x) {
            let minus = self.graph.exprs.neg(a);
            let log = self.graph.exprs.unary(Unary::LogSigmoid, minus);
            return simpler(self.graph.exprs.neg(log));
        }
        match self.graph.exprs[x].clone() {
            Expr::Unary(Unary::Exp, a) => simpler(a),
            Expr::Unary(Unary::Sigmoid, a) => simpler(self.graph.exprs.unary(Unary::LogSigmoid, a)),
            Expr::Binary(op @ (Binary::Mul | Binary::Div), a, b) if depth > 0 => self.product(op, a, b, depth - 1),
            Expr::Select(cond, a, b) if depth > 0 => self.select(cond, a, b, depth - 1),
            Expr::Load(access) if depth > 0 => self.load(x, &access, depth - 1),
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => {
                Some(self.plain(x))
            }
        }
    }

    /// As it is.
    fn plain(&mut self, x: ExprId) -> Taken {
        let sure = is_positive(self.graph, &mut self.positive, x, DEPTH);
        Taken { log: self.graph.exprs.unary(Unary::Log, x), sure, simpler: false }
    }

    fn product(&mut self, op: Binary, a: ExprId, b: ExprId, depth: usize) -> Option<Taken> {
        let whole = self.graph.exprs.binary(op, a, b);
        let (Some(left), Some(right)) = (self.log(a, depth), self.log(b, depth)) else {
            return Some(self.plain(whole));
        };
        if !(left.sure || right.sure) || !(left.simpler || right.simpler) {
            return Some(self.plain(whole));
        }
        let sum = if op == Binary::Mul { Binary::Add } else { Binary::Sub };
        let log = self.graph.exprs.binary(sum, left.log, right.log);
        Some(Taken { log, sure: left.sure && right.sure, simpler: true })
    }

    fn select(&mut self, cond: Cond, a: ExprId, b: ExprId, depth: usize) -> Option<Taken> {
        let (left, right) = (self.log(a, depth)?, self.log(b, depth)?);
        let log = self.graph.exprs.select(cond, left.log, right.log);
        Some(Taken { log, sure: left.sure && right.sure, simpler: left.simpler || right.simpler })
    }

    fn load(&mut self, x: ExprId, access: &Access, depth: usize) -> Option<Taken> {
        if let Some(value) = value_at(self.graph, access)
            && let Some(taken) = self.log(value, depth)
            && taken.simpler
        {
            return Some(taken);
        }
        if let Some(sum) = self.pinned_sum(access.tensor, depth) {
            let log = self.graph.exprs.load(sum, access.index.clone());
            let sure = is_positive(self.graph, &mut self.positive, x, DEPTH);
            return Some(Taken { log, sure, simpler: true });
        }
        Some(self.plain(x))
    }

    /// For `t = sum(w: if w == data then x)`, which is one x, the tensor `sum(w: if w == data then log(x))`.
    fn pinned_sum(&mut self, tensor: TensorId, depth: usize) -> Option<TensorId> {
        if let Some(&known) = self.sums.get(&tensor) {
            return known;
        }
        let sum = self.make_pinned_sum(tensor, depth);
        self.sums.insert(tensor, sum);
        sum
    }

    fn make_pinned_sum(&mut self, tensor: TensorId, depth: usize) -> Option<TensorId> {
        let mut piece = only_piece(self.graph, tensor)?.clone();
        let pins = piece.guards.iter().filter_map(|guard| sure_pin(&self.graph.tensors, &piece, guard)).count();
        let one_point = piece.combine == Combine::Sum
            && pins == piece.guards.len()
            && pins == piece.axes.len() - piece.n_out
            && inverse(&self.graph.tensors[tensor], &piece).is_some_and(|inverse| inverse.is_whole());
        let taken = if one_point { self.log(piece.body, depth)? } else { return None };
        if !taken.simpler {
            return None;
        }
        let Origin { path, at, .. } = self.graph.origins[piece.origin].clone();
        let origin = self.graph.origins.push(Origin { path, at, role: OriginRole::Lifted });
        let (name, shape) =
            (format!("{}.log", self.graph.tensors[tensor].name), self.graph.tensors[tensor].shape.clone());
        let out = self.graph.tensor(&name, &shape, Dtype::Real, Kind::Defined, origin);
        (piece.out, piece.body, piece.origin) = (out, taken.log, origin);
        self.lift(&mut piece);
        self.graph.define(piece);
        Some(out)
    }

    /// An expression, or what the element that it loads is.
    fn seen(&mut self, x: ExprId) -> ExprId {
        let Some(access) = self.graph.exprs.as_load(x).cloned() else { return x };
        value_at(self.graph, &access).unwrap_or(x)
    }

    /// The `a` of `1 - sigmoid(a)`.
    fn as_sigmoid_of_minus(&mut self, x: ExprId) -> Option<ExprId> {
        let Expr::Binary(Binary::Sub, one, b) = self.graph.exprs[x] else { return None };
        if self.graph.exprs.as_number(one) != Some(1.0) {
            return None;
        }
        let mut b = b;
        for _ in 0..DEPTH {
            if let Expr::Unary(Unary::Sigmoid, a) = self.graph.exprs[b] {
                return Some(a);
            }
            b = self.seen(b);
        }
        None
    }

    /// The `a` of `1 + exp(a)`.
    fn as_one_plus_exp(&mut self, x: ExprId) -> Option<ExprId> {
        let Expr::Binary(Binary::Add, a, b) = self.graph.exprs[x] else { return None };
        let exprs = &self.graph.exprs;
        let other = match (exprs.as_number(a), exprs.as_number(b)) {
            (Some(1.0), _) => b,
            (_, Some(1.0)) => a,
            (_, _) => return None,
        };
        let seen = self.seen(other);
        let Expr::Unary(Unary::Exp, a) = self.graph.exprs[seen] else { return None };
        Some(a)
    }
}

/// Whether an expression is above 0 wherever it has a value, as far as one can see. An element that nobody writes is
/// 0, so of a tensor all must be written.
fn is_positive(graph: &Graph, known: &mut QuickMap<TensorId, bool>, x: ExprId, depth: usize) -> bool {
    if depth == 0 {
        return false;
    }
    let mut inner = |x| is_positive(graph, known, x, depth - 1);
    match &graph.exprs[x] {
        Expr::Const(value) => value.0 > 0.0,
        Expr::Unary(Unary::Exp | Unary::Sigmoid, _) => true,
        Expr::Unary(Unary::Stop | Unary::Sqrt, x) => inner(*x),
        Expr::Binary(Binary::Add | Binary::Mul | Binary::Div, a, b) => inner(*a) && inner(*b),
        Expr::Binary(Binary::Max, a, b) => inner(*a) || inner(*b),
        Expr::Select(_, a, b) => inner(*a) && inner(*b),
        Expr::Load(access) => is_positive_tensor(graph, known, access.tensor, depth - 1),
        Expr::Index(_) | Expr::Unary(..) | Expr::Binary(Binary::Sub, ..) => false,
    }
}

fn is_positive_tensor(graph: &Graph, known: &mut QuickMap<TensorId, bool>, tensor: TensorId, depth: usize) -> bool {
    if let Some(&known) = known.get(&tensor) {
        return known;
    }
    let positive = only_piece(graph, tensor).is_some_and(|piece| {
        let whole = inverse(&graph.tensors[tensor], piece).is_some_and(|inverse| inverse.is_whole());
        let live = piece.guards.len() < 2 && piece.guards.iter().all(|guard| !guard_may_fail(piece, guard));
        whole && live && piece.combine != Combine::ArgMax && is_positive(graph, known, piece.body, depth)
    });
    known.insert(tensor, positive);
    positive
}

/// Whether a guard may leave an output element without any live point.
fn guard_may_fail(piece: &Equation, guard: &Guard) -> bool {
    guard.data.is_some() || guard.rel == Rel::Eq || best_corner(piece, guard) < 0
}
