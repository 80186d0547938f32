//! Which definitions of a body need each other in a circle, by their text alone.
//!
//! **Invariant**: a circle of values is a circle of names; the other way round a name that stands in a branch not taken
//! makes a group too large, which costs time and changes nothing.

use super::unfold::{RESULT, names_inside};
use crate::circles::strong;
use crate::ids::Symbol;
use crate::source::tree::{
    Argument, Body, Each, Expr, ExprKind, Head, IndexBinder, Pipeline, StageLayer, Statement, StatementKind, Subscript,
    Target,
};
use indexmap::{IndexMap, IndexSet};

/// The circles of one body.
#[derive(Debug, Default)]
pub struct Circles {
    groups: Vec<Group>,
    of: IndexMap<Symbol, usize>,
}

/// Definitions that need each other.
#[derive(Debug)]
pub struct Group {
    /// Defined element by element, in text order.
    pub indexed: Vec<Symbol>,
    /// All of them.
    pub members: Vec<Symbol>,
    /// Other names that they mention.
    pub needs: Vec<Symbol>,
}

impl Circles {
    /// The circles of a body that hold a definition by elements.
    pub fn of(body: &Body) -> Circles {
        let nodes = Nodes::of(body);
        let mut found = Circles::default();
        let needs = |node: usize| nodes.needs[node].iter().copied().collect();
        for group in strong(nodes.names.len(), needs) {
            let is_circle = group.len() > 1 || nodes.needs[group[0]].contains(&group[0]);
            let names: Vec<Symbol> = group.iter().flat_map(|&i| nodes.names[i].iter().cloned()).collect();
            let indexed: Vec<Symbol> =
                group.iter().filter(|&&i| nodes.indexed[i]).map(|&i| nodes.names[i][0].clone()).collect();
            if !is_circle || indexed.is_empty() {
                continue;
            }
            let needs: IndexSet<Symbol> = group.iter().flat_map(|&i| nodes.mentions[i].iter().cloned()).collect();
            let needs = needs.into_iter().filter(|name| !names.contains(name)).collect();
            for name in &indexed {
                found.of.insert(name.clone(), found.groups.len());
            }
            found.groups.push(Group { indexed, members: names, needs });
        }
        found
    }

    /// The circle that a definition by elements is in.
    pub fn with(&self, name: &Symbol) -> Option<&Group> {
        Some(&self.groups[*self.of.get(name)?])
    }
}

/// The definitions of a body: what each gives and mentions.
#[derive(Default)]
struct Nodes {
    names: Vec<Vec<Symbol>>,
    indexed: Vec<bool>,
    mentions: Vec<IndexSet<Symbol>>,
    /// Into the others.
    needs: Vec<IndexSet<usize>>,
}

impl Nodes {
    fn of(body: &Body) -> Nodes {
        let mut nodes = Nodes::default();
        let mut places: IndexMap<Symbol, usize> = IndexMap::new();
        for statement in &body.statements {
            let Some((mut names, indexed, value)) = defines(statement) else { continue };
            let mut inside = Vec::new();
            names_inside(value, &mut inside);
            names.extend(inside.iter().map(|name| name.text.clone()));
            let place = match places.get(&names[0]) {
                Some(&known) if indexed => known,
                Some(_) | None => {
                    nodes.names.push(names.clone());
                    nodes.indexed.push(indexed);
                    nodes.mentions.push(IndexSet::new());
                    nodes.names.len() - 1
                }
            };
            for name in names {
                places.entry(name).or_insert(place);
            }
            in_pipeline(value, &mut nodes.mentions[place]);
        }
        let place =
            |mentions: &IndexSet<Symbol>| mentions.iter().filter_map(|name| places.get(name).copied()).collect();
        nodes.needs = nodes.mentions.iter().map(place).collect();
        nodes
    }
}

/// The names that a statement gives, whether by elements, and its right side.
fn defines(statement: &Statement) -> Option<(Vec<Symbol>, bool, &Pipeline)> {
    match &statement.kind {
        StatementKind::Define { target, value, .. } => Some(match target {
            Target::Name(name) => (vec![name.text.clone()], false, value),
            Target::Indexed { name, .. } => (vec![name.text.clone()], true, value),
            Target::Tuple(names, _) => (names.iter().map(|name| name.text.clone()).collect(), false, value),
        }),
        StatementKind::Result { value, .. } => Some((vec![Symbol::from(RESULT)], false, value)),
        StatementKind::Param { .. } | StatementKind::State { .. } | StatementKind::Noise { .. } => None,
        StatementKind::Update { .. } | StatementKind::Require { .. } | StatementKind::Minimise { .. } => None,
        StatementKind::Report { .. } | StatementKind::Show { .. } => None,
    }
}

/// All names that a pipeline mentions.
fn in_pipeline(pipeline: &Pipeline, found: &mut IndexSet<Symbol>) {
    match &pipeline.head {
        Head::Expr(expr) => in_expr(expr, found),
        Head::Each(each) => in_each(each, found),
        Head::If { cases, otherwise } => {
            for (condition, branch) in cases {
                in_expr(condition, found);
                in_pipeline(branch, found);
            }
            in_pipeline(otherwise, found);
        }
    }
    for stage in &pipeline.stages {
        match &stage.layer {
            StageLayer::Expr(expr) => in_expr(expr, found),
            StageLayer::Each(each) => in_each(each, found),
        }
    }
}

fn in_each(each: &Each, found: &mut IndexSet<Symbol>) {
    in_subscript(&each.over, found);
    in_pipeline(&each.body, found);
}

fn in_subscript(subscript: &Subscript, found: &mut IndexSet<Symbol>) {
    match subscript {
        Subscript::At(expr) => in_expr(expr, found),
        Subscript::Range(first, end) => {
            in_expr(first, found);
            in_expr(end, found);
        }
    }
}

fn in_expr(expr: &Expr, found: &mut IndexSet<Symbol>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            found.insert(name.clone());
        }
        ExprKind::Number(..) | ExprKind::Window(_) | ExprKind::Text(_) => {}
        ExprKind::Array(items) => items.iter().for_each(|item| in_expr(item, found)),
        ExprKind::Group(inner) => in_pipeline(inner, found),
        ExprKind::Repeat { body, count } => {
            in_pipeline(body, found);
            in_expr(count, found);
        }
        ExprKind::Call { callee, indices, args } => {
            in_expr(callee, found);
            indices.iter().filter_map(|IndexBinder { bound, .. }| bound.as_ref()).for_each(|b| in_expr(b, found));
            args.iter().for_each(|Argument { value, .. }| in_pipeline(value, found));
        }
        ExprKind::Subscript { base, subscripts } => {
            in_expr(base, found);
            subscripts.iter().for_each(|subscript| in_subscript(subscript, found));
        }
        ExprKind::Member { base, .. } | ExprKind::Negate(base) => in_expr(base, found),
        ExprKind::Binary { lhs, rhs, .. } => {
            in_expr(lhs, found);
            in_expr(rhs, found);
        }
    }
}
