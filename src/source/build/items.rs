//! Items, their heads and their types.

use super::{Builder, Parts};
use crate::source::parse::Rule;
use crate::source::slip;
use crate::source::span::Span;
use crate::source::tree::*;
use pest::iterators::Pair;

impl Builder<'_> {
    /// An item with its comment, kept if it holds no slip of its own head.
    pub(super) fn item(&mut self, pair: Pair<'_, Rule>, tree: &mut Tree) {
        let at = self.at(&pair);
        let range = at.start as usize..at.end as usize;
        let before = self.findings.len();
        let (kind, inside) = self.item_kind(pair);
        match self.findings.len() - inside == before {
            true => tree.items.push(Item { kind, at, doc: self.doc(at.start as usize) }),
            false => tree.lost.extend(slip::names_of(self.id, &self.laid.text, range)),
        }
    }

    /// The item, and how many findings came from its body, whose other statements are kept.
    fn item_kind(&mut self, pair: Pair<'_, Rule>) -> (ItemKind, usize) {
        let rule = pair.as_rule();
        let mut parts = self.parts(pair);
        parts.next();
        match rule {
            Rule::import => (self.import(parts), 0),
            Rule::constant => (self.constant(parts), 0),
            Rule::dataset => self.dataset(parts),
            Rule::training => self.training(parts),
            Rule::test_case => self.test_case(parts),
            _ => self.network(parts),
        }
    }

    fn import(&mut self, mut parts: Parts<'_>) -> ItemKind {
        let path = self.quoted(&parts.next());
        ItemKind::Use { path, names: self.names(parts.next()) }
    }

    fn constant(&mut self, mut parts: Parts<'_>) -> ItemKind {
        let name = self.name(&parts.next());
        parts.next();
        ItemKind::Let { name, value: self.pipeline(parts.next()) }
    }

    fn dataset(&mut self, mut parts: Parts<'_>) -> (ItemKind, usize) {
        let name = self.name(&parts.next());
        parts.next();
        let fields = self.outputs(parts.next());
        let (body, inside) = self.body(parts.next());
        (ItemKind::Data { name, fields, body }, inside)
    }

    fn training(&mut self, mut parts: Parts<'_>) -> (ItemKind, usize) {
        let nets = self.names(parts.next());
        let data = parts.take(Rule::on).map(|_| self.name(&parts.next()));
        let (body, inside) = self.body(parts.next());
        (ItemKind::Train { nets, data, body }, inside)
    }

    fn test_case(&mut self, mut parts: Parts<'_>) -> (ItemKind, usize) {
        let title = self.quoted(&parts.next());
        let fails = parts.take(Rule::fails).map(|_| self.name(&parts.next()));
        self.test = true;
        let (body, inside) = self.body(parts.next());
        self.test = false;
        (ItemKind::Test { title, fails, body }, inside)
    }

    fn network(&mut self, mut parts: Parts<'_>) -> (ItemKind, usize) {
        let kind = match self.text[parts.at.start as usize..].chars().next() {
            Some('n') => NetworkKind::Net,
            Some('b') => NetworkKind::Block,
            _ => NetworkKind::Optimiser,
        };
        let name = self.name(&parts.next());
        let inputs = parts.next();
        let mut end = self.at(&inputs).end;
        let inputs = inputs.into_inner().map(|input| self.input(input)).collect();
        let mut outputs = Vec::new();
        if parts.take(Rule::arrow).is_some() {
            let pair = parts.next();
            end = self.at(&pair).end;
            outputs = self.outputs(pair);
        }
        let head = Span { end, ..parts.at };
        let (body, inside) = self.body(parts.next());
        (ItemKind::Network(Network { kind, name, inputs, outputs, body, head }), inside)
    }

    fn input(&mut self, pair: Pair<'_, Rule>) -> Input {
        let mut parts = self.parts(pair);
        let name = self.name(&parts.next());
        let ty = parts.take(Rule::r#type).map(|pair| self.ty(pair));
        let default = parts.take(Rule::equals).map(|_| self.default(parts.next()));
        Input { name, ty, default, at: parts.at }
    }

    /// `= 3`, `= param(glorot)`
    fn default(&mut self, pair: Pair<'_, Rule>) -> Default {
        if pair.as_rule() != Rule::born {
            return Default::Value(self.pipeline(pair));
        }
        let mut parts = self.parts(pair);
        let state = parts.next().as_rule() == Rule::state;
        Default::Born { state, init: parts.take(Rule::expression).map(|pair| self.expression(pair)), at: parts.at }
    }

    fn outputs(&mut self, pair: Pair<'_, Rule>) -> Vec<Output> {
        pair.into_inner().map(|output| self.output(output)).collect()
    }

    fn output(&mut self, pair: Pair<'_, Rule>) -> Output {
        let mut parts = self.parts(pair);
        let name = parts.take(Rule::name).map(|pair| self.name(&pair));
        Output { name, ty: self.ty(parts.next()), at: parts.at }
    }

    /// `[T, 3]`, `[T] of index(vocab)`, `index(10)`, `[C] of probability`
    pub(super) fn ty(&mut self, pair: Pair<'_, Rule>) -> Type {
        let mut parts = self.parts(pair);
        let shape = parts.take(Rule::shape);
        let dims = shape.map(|shape| shape.into_inner().map(|size| self.dim(size)).collect()).unwrap_or_default();
        parts.take(Rule::of);
        let element = match parts.inner.next() {
            None => Element::Real,
            Some(pair) if pair.as_rule() == Rule::probability => Element::Probability(self.at(&pair)),
            Some(pair) => Element::Index(Box::new(self.expression(self.parts(pair).next()))),
        };
        Type { dims, element, at: parts.at }
    }

    fn dim(&mut self, pair: Pair<'_, Rule>) -> Dim {
        let inner = self.parts(pair).next();
        match inner.as_rule() {
            Rule::any_size => Dim::Any(self.at(&inner)),
            Rule::many => Dim::Many(self.name(&self.parts(inner).next())),
            _ => Dim::Size(self.expression(inner)),
        }
    }

    /// The comment lines directly above `start`, without their marks.
    fn doc(&self, start: usize) -> String {
        let mut lines = Vec::new();
        let mut below = start;
        let upto = self.laid.comments.partition_point(|at| at.end <= start);
        for at in self.laid.comments[..upto].iter().rev() {
            let gap = &self.text[at.end..below];
            let alone = self.text[..at.start].rfind('\n').map_or(0, |end| end + 1);
            if line_ends(gap) != 1 || !gap.trim().is_empty() || !self.text[alone..at.start].trim().is_empty() {
                break;
            }
            let line = self.text[at.start + 1..at.end].trim_end();
            lines.push(line.strip_prefix(' ').unwrap_or(line));
            below = at.start;
        }
        lines.reverse();
        lines.join("\n")
    }
}

/// How many lines end in a stretch of blanks; CRLF is one.
fn line_ends(gap: &str) -> usize {
    gap.matches('\n').count() + gap.matches('\r').count() - gap.matches("\r\n").count()
}
