//! How many registers the maps behind a contraction need: an upper estimate, by going through their expressions in the
//! order in which lowering emits them.

use super::Group;
use crate::graph::{Cond, Expr, ExprId, Graph, TensorId, Unary};
use std::collections::{HashMap, HashSet};

/// Registers that live beside the sums while the maps of one of them are computed.
pub fn after(graph: &Graph, group: &Group) -> u32 {
    let mut walk = Walk {
        graph,
        left: HashMap::new(),
        done: HashSet::new(),
        made: group.members.iter().map(|m| m.out).collect(),
        live: 0,
        most: 0,
    };
    for member in &group.members[1..] {
        walk.count(member.body);
        walk.live += u32::from(!member.guards.is_empty());
    }
    for member in &group.members[1..] {
        walk.visit(member.body);
        // The result waits for its store, and may be used again.
        walk.live += 1;
        walk.most = walk.most.max(walk.live);
    }
    walk.most
}

struct Walk<'g> {
    graph: &'g Graph,
    /// Uses that are still to come.
    left: HashMap<ExprId, u32>,
    done: HashSet<ExprId>,
    /// Tensors that are at hand.
    made: HashSet<TensorId>,
    live: u32,
    most: u32,
}

impl Walk<'_> {
    fn parts(&self, expr: ExprId) -> Vec<ExprId> {
        match &self.graph.exprs[expr] {
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) => Vec::new(),
            Expr::Unary(_, a) => vec![*a],
            Expr::Binary(_, a, b) | Expr::Select(Cond::Guards(_), a, b) => vec![*a, *b],
            Expr::Select(Cond::Compare(_, x, y), a, b) => vec![*x, *y, *a, *b],
        }
    }

    fn count(&mut self, expr: ExprId) {
        let uses = self.left.entry(expr).or_insert(0);
        *uses += 1;
        if *uses == 1 {
            self.parts(expr).into_iter().for_each(|part| self.count(part));
        }
    }

    fn visit(&mut self, expr: ExprId) {
        if !self.done.insert(expr) {
            return;
        }
        let parts = self.parts(expr);
        parts.iter().for_each(|&part| self.visit(part));
        let own = match &self.graph.exprs[expr] {
            Expr::Const(_) => 0,
            Expr::Load(access) => u32::from(!self.made.contains(&access.tensor)),
            Expr::Unary(op, _) => {
                self.most = self.most.max(self.live + working(*op));
                1
            }
            Expr::Index(_) | Expr::Binary(..) | Expr::Select(..) => 1,
        };
        self.live += own;
        self.most = self.most.max(self.live);
        for part in parts {
            let left = self.left.entry(part).or_insert(1);
            *left = left.saturating_sub(1);
            let held = !matches!(self.graph.exprs[part], Expr::Const(_));
            let free = match &self.graph.exprs[part] {
                Expr::Load(access) => !self.made.contains(&access.tensor),
                _ => held,
            };
            if *left == 0 && free {
                self.live = self.live.saturating_sub(1);
            }
        }
    }
}

/// Registers that a function works with.
fn working(op: Unary) -> u32 {
    match op {
        Unary::Neg | Unary::Abs | Unary::Stop | Unary::Sqrt => 1,
        Unary::Exp | Unary::Sigmoid => 6,
        Unary::Log | Unary::LogSigmoid | Unary::Tanh | Unary::Erf | Unary::Sin | Unary::Cos => 8,
    }
}
