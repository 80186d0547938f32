//! A kernel read once before it is emitted: when values die, which loads may be folded into what uses them, how loops
//! are unrolled.
//!
//! **Invariants**: a value dies in the block that makes it, at the statement that uses it last; a folded load has one
//! use, later in its block, with no store, loop or branch between.

use crate::kernel::{Kernel, Loop, Op, Place, Stmt, ValueId};
use smallvec::SmallVec;
use std::collections::HashMap;

/// A list of statements.
pub(super) struct Block<'k> {
    pub nodes: Vec<Node<'k>>,
    /// Carried values of the loop around that nothing in the block uses.
    pub unused: Vec<ValueId>,
}

pub(super) struct Node<'k> {
    pub stmt: &'k Stmt,
    /// Values of this block that are not needed after it.
    pub dies: SmallVec<[ValueId; 4]>,
    /// Values from outside that the inner blocks use.
    pub uses: Vec<ValueId>,
    /// A loop's body, or the two ways of a branch.
    pub inner: Vec<Block<'k>>,
    pub unrolled: Unrolled,
}

/// A loop of `turns` turns of `copies` copies of the body, and `rest` copies behind it.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub(super) struct Unrolled {
    pub turns: u32,
    pub copies: u32,
    pub rest: u32,
}

pub(super) struct Tree<'k> {
    pub body: Block<'k>,
    /// How often each value is used in the text.
    pub uses: Vec<u32>,
    /// Loads that what uses them may do itself.
    pub folds: Vec<bool>,
}

/// What the passes over the text share.
struct Reader<'k> {
    kernel: &'k Kernel,
    uses: Vec<u32>,
    folds: Vec<bool>,
    /// The block that makes each value.
    home: Vec<u32>,
    blocks: u32,
    /// Lanes of a machine vector.
    lanes: u16,
}

pub(super) fn read(kernel: &Kernel, lanes: u16) -> Tree<'_> {
    let count = kernel.values.len();
    let mut reader =
        Reader { kernel, uses: vec![0; count], folds: vec![false; count], home: vec![0; count], blocks: 0, lanes };
    let (body, _) = reader.block(&kernel.body, &[], &[]);
    Tree { body, uses: reader.uses, folds: reader.folds }
}

impl<'k> Reader<'k> {
    /// A block, and what it uses from outside. `given` are made before it, `wanted` are used at its end.
    fn block(&mut self, stmts: &'k [Stmt], given: &[ValueId], wanted: &[ValueId]) -> (Block<'k>, Vec<ValueId>) {
        self.blocks += 1;
        let number = self.blocks;
        given.iter().for_each(|v| self.home[v.index()] = number);
        let mut last: HashMap<ValueId, usize> = HashMap::new();
        let mut outside = Vec::new();
        let mut nodes: Vec<Node> = Vec::new();
        for (at, stmt) in stmts.iter().enumerate() {
            let (node, used) = self.node(stmt);
            self.make(stmt, number);
            self.fold(stmts, at);
            for value in used {
                self.uses[value.index()] += 1;
                if self.home[value.index()] == number {
                    last.insert(value, at);
                } else {
                    outside.push(value);
                }
            }
            nodes.push(node);
        }
        for value in wanted {
            self.uses[value.index()] += 1;
            if self.home[value.index()] == number {
                last.remove(value);
            } else {
                outside.push(*value);
            }
        }
        let unused = given.iter().copied().filter(|v| !last.contains_key(v) && !wanted.contains(v)).collect();
        for (value, at) in last {
            nodes[at].dies.push(value);
        }
        nodes.iter_mut().for_each(|n| n.dies.sort_unstable());
        (Block { nodes, unused }, outside)
    }

    fn make(&mut self, stmt: &Stmt, block: u32) {
        match stmt {
            Stmt::Let(v, _) => self.home[v.index()] = block,
            Stmt::Loop(l) => l.carried.iter().for_each(|c| self.home[c.result.index()] = block),
            Stmt::If { .. } | Stmt::Store { .. } => {}
        }
    }

    /// A statement, and the values that it uses.
    fn node(&mut self, stmt: &'k Stmt) -> (Node<'k>, Vec<ValueId>) {
        let mut node =
            Node { stmt, dies: SmallVec::new(), uses: Vec::new(), inner: Vec::new(), unrolled: Unrolled::default() };
        let mut used: Vec<ValueId> = Vec::new();
        match stmt {
            Stmt::Let(_, op) => used.extend(op.operands()),
            Stmt::Store { place, value } => {
                used.push(*value);
                used.extend(place.dynamic.map(|d| d.value));
            }
            Stmt::Loop(l) => {
                let given: Vec<ValueId> = l.carried.iter().map(|c| c.inside).collect();
                let wanted: Vec<ValueId> = l.carried.iter().map(|c| c.next).collect();
                let (body, outside) = self.block(&l.body, &given, &wanted);
                node.unrolled = self.unroll(l, &body);
                node.inner.push(body);
                used.extend(l.carried.iter().map(|c| c.init));
                used.extend(&outside);
                node.uses = outside;
            }
            Stmt::If { then, otherwise, .. } => {
                for list in [then, otherwise] {
                    let (block, outside) = self.block(list, &[], &[]);
                    node.inner.push(block);
                    used.extend(&outside);
                    node.uses.extend(outside);
                }
            }
        }
        (node, used)
    }

    /// Notes the loads before a statement that it may do itself.
    fn fold(&mut self, stmts: &[Stmt], at: usize) {
        let Stmt::Let(user, op) = &stmts[at] else { return };
        if matches!(op, Op::Load(_) | Op::Fold(..) | Op::Splat(_)) {
            return;
        }
        for operand in op.operands() {
            let before = stmts[..at].iter().rev().take_while(|s| matches!(s, Stmt::Let(..))).take(64);
            let made = before.into_iter().find_map(|s| match s {
                Stmt::Let(v, Op::Load(place)) if *v == operand => Some(place),
                Stmt::Let(..) | Stmt::Loop(_) | Stmt::If { .. } | Stmt::Store { .. } => None,
            });
            let lanes = self.kernel.values[*user].lanes;
            let whole = |place: &Place| {
                place.live == lanes && lanes > 1 && place.dynamic.is_none() && matches!(place.stride, 0 | 1)
            };
            if made.is_some_and(whole) {
                self.folds[operand.index()] = true;
            }
        }
    }

    /// Unrolls short loops wholly, innermost ones in part.
    fn unroll(&self, l: &Loop, body: &Block) -> Unrolled {
        const WHOLE: u32 = 160;
        const PART: u32 = 128;
        let weight = self.weight(body).max(1);
        if l.trip <= 1 || l.trip.saturating_mul(weight) <= WHOLE {
            return Unrolled { turns: 0, copies: 1, rest: l.trip };
        }
        let inner = body.nodes.iter().all(|n| n.inner.is_empty());
        let most = if inner { (PART / weight).clamp(1, 4) } else { 1 };
        // Fewest left over counts most, then many copies.
        let copies = (1..=most).max_by_key(|&c| c * 4 / (1 + 2 * (l.trip % c).min(1))).unwrap_or(1);
        Unrolled { turns: l.trip / copies, copies, rest: l.trip % copies }
    }

    /// About how many instructions a block becomes.
    fn weight(&self, block: &Block) -> u32 {
        let chunks = |v: ValueId| u32::from(self.kernel.values[v].lanes.div_ceil(self.lanes));
        let node = |n: &Node| match n.stmt {
            Stmt::Let(_, Op::F32(_) | Op::I32(_) | Op::Iota) => 0,
            Stmt::Let(_, Op::Load(place)) if place.stride != 0 && place.stride != 1 => u32::from(place.live),
            Stmt::Let(v, _) => chunks(*v),
            Stmt::Store { place, .. } if place.stride != 1 => u32::from(place.live),
            Stmt::Store { value, .. } => chunks(*value),
            Stmt::Loop(_) => {
                let copies = n.unrolled.rest + if n.unrolled.turns > 0 { n.unrolled.copies } else { 0 };
                4 + self.weight(&n.inner[0]).saturating_mul(copies)
            }
            Stmt::If { .. } => 4 + n.inner.iter().map(|b| self.weight(b)).fold(0, u32::saturating_add),
        };
        block.nodes.iter().map(node).fold(0, u32::saturating_add)
    }
}

/// All places, each with the value that is loaded or stored.
pub(super) fn each_place(stmts: &[Stmt], f: &mut impl FnMut(&Place, ValueId)) {
    for stmt in stmts {
        match stmt {
            Stmt::Let(value, Op::Load(place)) | Stmt::Store { place, value } => f(place, *value),
            Stmt::Let(..) => {}
            Stmt::Loop(l) => each_place(&l.body, f),
            Stmt::If { then, otherwise, .. } => {
                each_place(then, f);
                each_place(otherwise, f);
            }
        }
    }
}
