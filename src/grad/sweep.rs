//! The reverse sweep through one body: what of the gradient of its value flows to each of its loads.
//!
//! **Invariant**: conditions travel beside the numbers, as a path, and are put back as guards and selects at the end.
//! So no product with 0 stands for a branch that was not taken: 0 times infinity cannot arise.

use crate::graph::scalar::{binary, unary};
use crate::graph::{Access, Cond, Expr, ExprId, Exprs, Guard, Rel, Sign, TensorId, Unary};
use indexmap::IndexMap;
use std::collections::HashMap;

/// Conditions and whether they hold, outermost first.
pub type Path = Vec<(Cond, bool)>;

/// What flows to one load on one path: it is `factor` where the path is taken, else nothing.
#[derive(Clone, Debug)]
pub struct Flow {
    pub access: Access,
    pub path: Path,
    pub factor: ExprId,
}

/// What a sweep starts from.
#[derive(Clone, Copy)]
pub struct Start {
    pub body: ExprId,
    /// The gradient of the body's value.
    pub seed: ExprId,
    /// A load of the body's value, where one is stored for each point.
    pub stored: Option<ExprId>,
}

/// The flows to the loads of tensors that are `wanted`, in the order of the body. No path of a load begins with another
/// one of that load.
pub fn sweep(exprs: &mut Exprs, start: Start, wanted: &dyn Fn(TensorId) -> bool) -> Vec<Flow> {
    let mut flows: IndexMap<Access, Vec<(Path, ExprId)>> = IndexMap::new();
    for (path, root) in branches(exprs, start.body) {
        let mut sweep = Sweep { exprs, root, stored: start.stored, live: HashMap::new(), adjoints: HashMap::new() };
        let order = sweep.exprs.below(&[root]);
        sweep.mark_live(&order, wanted);
        sweep.deposit(root, &path, start.seed);
        for &node in order.iter().rev() {
            sweep.visit(node, &mut flows);
        }
    }
    let merged = flows.into_iter().map(|(access, parts)| (access, merge(exprs, parts)));
    let flow = |access: &Access, (path, factor)| Flow { access: access.clone(), path, factor };
    merged.flat_map(|(access, parts)| parts.into_iter().map(move |part| flow(&access, part))).collect()
}

/// The branches of the selects at the root of a body.
pub fn branches(exprs: &Exprs, body: ExprId) -> Vec<(Path, ExprId)> {
    let mut found = Vec::new();
    let mut open = vec![(Path::new(), body)];
    while let Some((path, root)) = open.pop() {
        if let Expr::Select(cond, then, other) = &exprs[root] {
            open.push((extended(&path, cond, false), *other));
            open.push((extended(&path, cond, true), *then));
        } else {
            found.push((path, root));
        }
    }
    found
}

fn extended(path: &Path, cond: &Cond, holds: bool) -> Path {
    let mut longer = path.clone();
    longer.push((cond.clone(), holds));
    longer
}

struct Sweep<'a> {
    exprs: &'a mut Exprs,
    root: ExprId,
    stored: Option<ExprId>,
    /// Whether something flows through a node to a wanted load.
    live: HashMap<ExprId, bool>,
    adjoints: HashMap<ExprId, IndexMap<Path, ExprId>>,
}

impl Sweep<'_> {
    /// `order` has operands before what uses them.
    fn mark_live(&mut self, order: &[ExprId], wanted: &dyn Fn(TensorId) -> bool) {
        for &id in order {
            let live = match &self.exprs[id] {
                Expr::Const(_) | Expr::Index(_) | Expr::Unary(Unary::Stop, _) => false,
                Expr::Load(access) => wanted(access.tensor),
                Expr::Unary(_, x) => self.live[x],
                Expr::Binary(_, a, b) | Expr::Select(_, a, b) => self.live[a] || self.live[b],
            };
            self.live.insert(id, live);
        }
    }

    /// Adds to the gradient of a node. A choice at the root of the gradient becomes part of the path.
    fn deposit(&mut self, node: ExprId, path: &Path, gradient: ExprId) {
        if !self.live[&node] || self.exprs.as_number(gradient) == Some(0.0) {
            return;
        }
        if let Expr::Select(cond, then, other) = self.exprs[gradient].clone() {
            self.deposit(node, &extended(path, &cond, true), then);
            self.deposit(node, &extended(path, &cond, false), other);
            return;
        }
        let known = self.adjoints.entry(node).or_default();
        let sum = match known.get(path) {
            Some(&old) if old == gradient => twice(self.exprs, gradient),
            Some(&old) => self.exprs.add_two(old, gradient),
            None => gradient,
        };
        known.insert(path.clone(), sum);
    }

    fn visit(&mut self, node: ExprId, flows: &mut IndexMap<Access, Vec<(Path, ExprId)>>) {
        let Some(gradients) = self.adjoints.remove(&node) else { return };
        let y = self.stored.filter(|_| node == self.root).unwrap_or(node);
        for (path, dy) in gradients {
            match self.exprs[node].clone() {
                Expr::Const(_) | Expr::Index(_) => {}
                Expr::Load(access) => flows.entry(access).or_default().push((path, dy)),
                Expr::Unary(op, x) => {
                    if let Some(pull) = unary(op).pull {
                        let dx = pull(self.exprs, x, y, dy);
                        self.deposit(x, &path, dx);
                    }
                }
                Expr::Binary(op, a, b) => {
                    let row = binary(op);
                    if self.live[&a] {
                        let da = (row.pull_left)(self.exprs, [a, b], y, dy);
                        self.deposit(a, &path, da);
                    }
                    if self.live[&b] {
                        let db = (row.pull_right)(self.exprs, [a, b], y, dy);
                        self.deposit(b, &path, db);
                    }
                }
                Expr::Select(cond, then, other) => {
                    self.deposit(then, &extended(&path, &cond, true), dy);
                    self.deposit(other, &extended(&path, &cond, false), dy);
                }
            }
        }
    }
}

/// `x * x` has the slope `2 * x`, not `x + x`: the same number, in one product.
fn twice(exprs: &mut Exprs, gradient: ExprId) -> ExprId {
    let two = exprs.number(2.0);
    exprs.mul(two, gradient)
}

/// Joins the two sides of a condition, innermost first, and what came on the same path.
fn merge(exprs: &mut Exprs, mut parts: Vec<(Path, ExprId)>) -> Vec<(Path, ExprId)> {
    parts.sort_by_key(|part| part.0.len());
    let mut done: Vec<(Path, ExprId)> = Vec::new();
    while let Some((mut path, mut factor)) = parts.pop() {
        if let Some(same) = parts.iter().position(|part| part.0 == path) {
            let other = parts.remove(same).1;
            factor = exprs.add_two(other, factor);
            parts.push((path, factor));
            continue;
        }
        let sibling = parts.iter().position(|part| are_siblings(&part.0, &path));
        let (Some(sibling), Some((cond, holds))) = (sibling, path.last().cloned()) else {
            done.push((path, factor));
            continue;
        };
        let other = parts.remove(sibling).1;
        let (then, other) = if holds { (factor, other) } else { (other, factor) };
        path.pop();
        let joined = exprs.select(cond, then, other);
        parts.push((path, joined));
        parts.sort_by_key(|part| part.0.len());
    }
    done.reverse();
    fold(exprs, done)
}

/// Puts what flows under more conditions into what flows under fewer.
fn fold(exprs: &mut Exprs, parts: Vec<(Path, ExprId)>) -> Vec<(Path, ExprId)> {
    let mut done: Vec<(Path, ExprId)> = Vec::new();
    for (path, factor) in parts {
        match done.iter_mut().find(|shorter| path.starts_with(&shorter.0)) {
            Some((shorter, sum)) => {
                let part = under(exprs, &path[shorter.len()..], factor);
                *sum = exprs.add_two(*sum, part);
            }
            None => done.push((path, factor)),
        }
    }
    done
}

/// `factor` where the path is taken, else 0.
pub fn under(exprs: &mut Exprs, path: &[(Cond, bool)], factor: ExprId) -> ExprId {
    let zero = exprs.number(0.0);
    path.iter().rev().fold(factor, |inner, (cond, holds)| match holds {
        true => exprs.select(cond.clone(), inner, zero),
        false => exprs.select(cond.clone(), zero, inner),
    })
}

/// A path as guards, and what of it guards cannot say around the factor.
pub fn split_path(exprs: &mut Exprs, path: &[(Cond, bool)], factor: ExprId) -> (Vec<Guard>, ExprId) {
    let (mut guards, mut kept) = (Vec::new(), Path::new());
    for (cond, holds) in path {
        let protected = kept.iter().any(|(cond, _)| matches!(cond, Cond::Guards(_)));
        match as_guards(cond, *holds) {
            Some(more) if !protected => guards.extend(more),
            Some(_) | None => kept.push((cond.clone(), *holds)),
        }
    }
    (guards, under(exprs, &kept, factor))
}

fn as_guards(cond: &Cond, holds: bool) -> Option<Vec<Guard>> {
    let Cond::Guards(guards) = cond else { return None };
    match (holds, &guards[..]) {
        (true, _) => Some(guards.clone()),
        (false, [Guard { form, data, rel: Rel::Ge }]) => {
            let data = data.clone().map(|(sign, access)| (opposite(sign), access));
            Some(vec![Guard { form: form.times(-1).shift(-1), data, rel: Rel::Ge }])
        }
        (false, _) => None,
    }
}

fn opposite(sign: Sign) -> Sign {
    match sign {
        Sign::Plus => Sign::Minus,
        Sign::Minus => Sign::Plus,
    }
}

/// Whether two paths differ in the side of their last condition alone.
fn are_siblings(a: &Path, b: &Path) -> bool {
    match (a.split_last(), b.split_last()) {
        (Some((last_a, a)), Some((last_b, b))) => a == b && last_a.0 == last_b.0 && last_a.1 != last_b.1,
        (_, _) => false,
    }
}
