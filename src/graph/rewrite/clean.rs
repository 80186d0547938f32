//! C1: copies, constants and empty definitions vanish into those who read them, equal definitions merge, dead ones go.
//! One sweep in the order of dependence.

use super::cost::Fuel;
use super::look::{inverse, only_piece};
use crate::graph::mix::QuickMap;
use crate::graph::normal::normalise;
use crate::graph::order::{components, reads};
use crate::graph::{
    Access, Affine, Arena, Binary, Combine, Dtype, Equation, Expr, ExprId, Exprs, Graph, Guard, Kind, Role, TensorId,
    Unary,
};

/// What loads of a tensor are replaced by.
#[derive(Clone, Debug)]
enum Instead {
    Number(f64),
    /// Over the coordinates of the tensor.
    Element(Access),
}

/// Cleans the whole graph. In a circle of definitions, who comes before a copy is looked at once more.
pub fn clean(graph: &mut Graph, fuel: &mut Fuel) {
    drop_dead(graph);
    let components = components(graph);
    let mut cleaner =
        Cleaner { graph, instead: QuickMap::default(), known: QuickMap::default(), canonical: QuickMap::default() };
    for component in components {
        for &out in &component {
            cleaner.rewrite(out);
            if let Some(instead) = cleaner.instead(out)
                && fuel.take()
            {
                cleaner.instead.insert(out, instead);
            }
        }
        if component.len() > 1 {
            component.iter().for_each(|&out| cleaner.rewrite(out));
        }
    }
    cleaner.redirect();
    drop_dead(graph);
}

/// Takes away the definitions that neither outputs nor updates need.
pub fn drop_dead(graph: &mut Graph) {
    let mut live = vec![false; graph.tensors.len()];
    let wanted = graph.outputs.iter().map(|output| output.1).chain(graph.updates.iter().map(|update| update.1));
    let mut open: Vec<TensorId> = wanted.collect();
    while let Some(tensor) = open.pop() {
        if !std::mem::replace(&mut live[tensor.index()], true)
            && let Some(def) = graph.defs.get(&tensor)
        {
            open.extend(def.pieces.iter().flat_map(|piece| reads(&graph.exprs, piece)));
        }
    }
    graph.defs.retain(|tensor, _| live[tensor.index()]);
}

/// What makes two definitions the same.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    shape: Vec<u32>,
    dtype: Dtype,
    pieces: Vec<PieceKey>,
}

#[derive(PartialEq, Eq, Hash)]
struct PieceKey {
    axes: Vec<(u32, Role)>,
    n_out: usize,
    combine: Combine,
    write: Vec<Affine>,
    guards: Vec<Guard>,
    body: ExprId,
}

struct Cleaner<'a> {
    graph: &'a mut Graph,
    instead: QuickMap<TensorId, Instead>,
    known: QuickMap<Key, TensorId>,
    /// Bodies with the operands of sums and products in one order.
    canonical: QuickMap<ExprId, ExprId>,
}

impl Cleaner<'_> {
    /// Puts what stands instead of the loaded tensors into the pieces; stops, which only gradients see, go.
    fn rewrite(&mut self, out: TensorId) {
        let pieces = std::mem::take(&mut self.graph.defs[&out].pieces);
        let pieces = pieces.into_iter().filter_map(|piece| {
            let touched = reads(&self.graph.exprs, &piece).iter().any(|tensor| self.instead.contains_key(tensor));
            if !touched && !holds_stop(&self.graph.exprs, piece.body) {
                return Some(piece);
            }
            let piece = self.replaced(piece);
            normalise(&mut self.graph.exprs, &self.graph.tensors, piece)
        });
        let pieces: Vec<Equation> = pieces.collect();
        self.graph.defs[&out].pieces = pieces;
    }

    fn replaced(&mut self, mut piece: Equation) -> Equation {
        let instead = &self.instead;
        piece.guards = piece.guards.iter().map(|guard| replaced_guard(instead, guard)).collect();
        piece.body = replaced_body(&mut self.graph.exprs, instead, piece.body);
        piece
    }

    /// What may stand instead of a tensor, if anything.
    fn instead(&mut self, out: TensorId) -> Option<Instead> {
        if self.graph.defs[&out].pieces.is_empty() {
            return Some(Instead::Number(0.0));
        }
        if let Some(instead) = simple(self.graph, out) {
            return Some(instead);
        }
        let key = self.key(out);
        let known = *self.known.entry(key).or_insert(out);
        (known != out).then(|| Instead::Element(whole(self.graph, known)))
    }

    fn key(&mut self, out: TensorId) -> Key {
        let Graph { tensors, defs, exprs, .. } = &mut *self.graph;
        let piece = |piece: &Equation| PieceKey {
            axes: piece.axes.iter().map(|axis| (axis.extent, axis.role)).collect(),
            n_out: piece.n_out,
            combine: piece.combine,
            write: piece.write.clone(),
            guards: piece.guards.clone(),
            body: canonical(exprs, &mut self.canonical, piece.body),
        };
        let pieces = defs[&out].pieces.iter().map(piece).collect();
        Key { shape: tensors[out].shape.clone(), dtype: tensors[out].dtype, pieces }
    }

    /// Outputs and updates that are copies of a whole defined tensor become that tensor.
    fn redirect(&mut self) {
        let Graph { tensors, outputs, updates, .. } = &mut *self.graph;
        let target = |tensor: TensorId| match self.instead.get(&tensor) {
            Some(Instead::Element(access)) if is_itself(tensors, tensor, access) => access.tensor,
            Some(Instead::Element(_) | Instead::Number(_)) | None => tensor,
        };
        outputs.iter_mut().for_each(|output| output.1 = target(output.1));
        updates.iter_mut().for_each(|update| update.1 = target(update.1));
    }
}

/// Whether the access is each element of a defined tensor in its own place.
fn is_itself(tensors: &Arena<crate::graph::Tensor>, tensor: TensorId, access: &Access) -> bool {
    let (from, to) = (&tensors[tensor], &tensors[access.tensor]);
    let in_place =
        access.index.iter().enumerate().all(|(at, form)| {
            form.as_axis() == Some(at) || from.shape.get(at) == Some(&1) && form.as_number() == Some(0)
        });
    from.shape == to.shape && matches!(to.kind, Kind::Defined) && in_place
}

fn whole(graph: &Graph, tensor: TensorId) -> Access {
    Access { tensor, index: (0..graph.tensors[tensor].shape.len()).map(Affine::axis).collect() }
}

/// The number or the copy that a tensor is.
fn simple(graph: &Graph, out: TensorId) -> Option<Instead> {
    let piece = only_piece(graph, out)?;
    let inverse = inverse(&graph.tensors[out], piece)?;
    if piece.combine != Combine::None || !piece.guards.is_empty() || !inverse.is_whole() {
        return None;
    }
    if let Some(number) = graph.exprs.as_number(piece.body) {
        return Some(Instead::Number(number));
    }
    let access = graph.exprs.as_load(piece.body)?.substitute(&inverse.axes);
    let same = graph.tensors[access.tensor].dtype == graph.tensors[out].dtype;
    same.then_some(Instead::Element(access))
}

fn replacement(exprs: &mut Exprs, instead: &QuickMap<TensorId, Instead>, id: ExprId) -> Option<ExprId> {
    let access = exprs.as_load(id)?.clone();
    match instead.get(&access.tensor)? {
        Instead::Number(value) => Some(exprs.number(*value)),
        Instead::Element(element) => Some(exprs.add(Expr::Load(element.substitute(&access.index)))),
    }
}

fn holds_stop(exprs: &Exprs, body: ExprId) -> bool {
    exprs.below(&[body]).into_iter().any(|id| matches!(exprs[id], Expr::Unary(Unary::Stop, _)))
}

/// The body without stops, with what stands instead of its loads.
fn replaced_body(exprs: &mut Exprs, instead: &QuickMap<TensorId, Instead>, body: ExprId) -> ExprId {
    let mut change = |exprs: &mut Exprs, id: ExprId| match exprs[id] {
        Expr::Unary(Unary::Stop, x) => Some(replaced_body(exprs, instead, x)),
        Expr::Load(_) => replacement(exprs, instead, id),
        Expr::Const(_) | Expr::Index(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => None,
    };
    exprs.rebuild(body, &mut QuickMap::default(), &mut change, &mut |guard| replaced_guard(instead, guard))
}

fn replaced_guard(instead: &QuickMap<TensorId, Instead>, guard: &Guard) -> Guard {
    let mut guard = guard.clone();
    if let Some((_, access)) = &mut guard.data
        && let Some(Instead::Element(element)) = instead.get(&access.tensor)
    {
        *access = element.substitute(&access.index);
    }
    guard
}

/// The same value with the operands of sums and products in the order of their ids.
fn canonical(exprs: &mut Exprs, known: &mut QuickMap<ExprId, ExprId>, body: ExprId) -> ExprId {
    for id in exprs.below(&[body]) {
        if known.contains_key(&id) {
            continue;
        }
        let new = match exprs[id] {
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) => id,
            Expr::Binary(op @ (Binary::Add | Binary::Mul), a, b) => {
                let (a, b) = (known[&a], known[&b]);
                exprs.add(Expr::Binary(op, a.min(b), a.max(b)))
            }
            Expr::Binary(op, a, b) => exprs.add(Expr::Binary(op, known[&a], known[&b])),
            Expr::Unary(op, x) => exprs.add(Expr::Unary(op, known[&x])),
            Expr::Select(ref cond, x, y) => {
                let cond = match cond {
                    crate::graph::Cond::Guards(_) => cond.clone(),
                    crate::graph::Cond::Compare(cmp, a, b) => crate::graph::Cond::Compare(*cmp, known[a], known[b]),
                };
                exprs.add(Expr::Select(cond, known[&x], known[&y]))
            }
        };
        known.insert(id, new);
    }
    known[&body]
}
