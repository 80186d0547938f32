//! Lays tensors out for vectors: the axis that most multiplications run along, batch as a rule, is cut into blocks, and
//! the place within a block becomes the innermost coordinate, `x[b, c, i, j]` to `x[b / 8, c, i, j, b % 8]`.
//!
//! It is found by structure: coordinates that equations walk through together, each by a bare axis, form a class; a
//! class that no parameter or state has a coordinate in may be cut. **Invariants**: the graph stays valid and its
//! outputs and updates keep their layout and their values.

use super::classes::contraction;
use super::space::elements;
use crate::graph::{Access, Affine, Axis, Equation, Expr, Graph, Kind, Role, TensorId};
use crate::target::Target;
use indexmap::{IndexMap, IndexSet};

/// The coordinate of each tensor that is cut, and the size of a block.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    pub size: u32,
    pub cut: IndexMap<TensorId, usize>,
    /// Tensors that keep their layout, with the coordinate that is walked through with the others.
    pub kept: IndexMap<TensorId, usize>,
}

/// Cuts the best class of coordinates in all tensors that nobody outside sees.
pub fn block(graph: &mut Graph, needed: &IndexSet<TensorId>, target: Target) -> Blocks {
    let classes = Classes::new(graph, needed);
    let Some((class, extent)) = classes.best(graph, needed) else { return Blocks::default() };
    let most = target.block();
    let Some(size) = [most, most / 2].into_iter().find(|n| extent % n == 0 && extent > 4) else {
        return Blocks::default();
    };
    let (cut, kept) = classes.members(graph, class);
    let blocks = Blocks { size, cut, kept };
    for (&tensor, &d) in &blocks.cut {
        let shape = &mut graph.tensors[tensor].shape;
        shape[d] /= size;
        shape.push(size);
    }
    let defs = std::mem::take(&mut graph.defs);
    for (tensor, def) in defs {
        if !needed.contains(&tensor) {
            continue;
        }
        graph.defs.entry(tensor).or_default();
        for (number, piece) in def.pieces.iter().enumerate() {
            let axes: Vec<usize> =
                (0..piece.axes.len()).filter(|&a| classes.of_axis(tensor, number, a) == Some(class)).collect();
            let piece = split(graph, &blocks, piece, &axes);
            graph.define(piece);
        }
    }
    blocks
}

/// An equation with some axes cut in two, whose accesses to cut tensors take both halves.
fn split(graph: &mut Graph, blocks: &Blocks, piece: &Equation, cut: &[usize]) -> Equation {
    let mut axes = Vec::new();
    let mut n_out = 0;
    let mut map: Vec<Affine> = vec![Affine::default(); piece.axes.len()];
    for (range, reduced) in [(0..piece.n_out, false), (piece.n_out..piece.axes.len(), true)] {
        let mut inner = Vec::new();
        for a in range {
            let axis = &piece.axes[a];
            if !cut.contains(&a) {
                map[a] = Affine::axis(axes.len());
                axes.push(axis.clone());
                continue;
            }
            let half = |extent| Axis { extent, role: Role::Plain, hint: axis.hint.clone() };
            map[a] = Affine::term(axes.len(), blocks.size as i32);
            axes.push(half(axis.extent / blocks.size));
            if reduced {
                // Next to each other, so that the row-major number of a reduced point stays.
                map[a] = map[a].plus(&Affine::axis(axes.len()));
                axes.push(half(blocks.size));
            } else {
                inner.push((a, half(blocks.size)));
            }
        }
        for (a, half) in inner {
            map[a] = map[a].plus(&Affine::axis(axes.len()));
            axes.push(half);
        }
        n_out = if reduced { n_out } else { axes.len() };
    }
    rewrite(graph, blocks, piece, axes, n_out, &map)
}

fn rewrite(
    graph: &mut Graph,
    blocks: &Blocks,
    piece: &Equation,
    axes: Vec<Axis>,
    n_out: usize,
    map: &[Affine],
) -> Equation {
    let body = graph.exprs.substitute(piece.body, map);
    let body = graph.exprs.replace_loads(body, |exprs, access| {
        let access = halves(blocks, access)?;
        Some(exprs.add(Expr::Load(access)))
    });
    let body = super::guards::map_guard_data(graph, body, &|access| halves(blocks, access));
    let guards = piece.guards.iter().map(|guard| {
        let mut guard = guard.substitute(map);
        if let Some((_, access)) = &mut guard.data {
            *access = halves(blocks, access).unwrap_or_else(|| access.clone());
        }
        guard
    });
    let write: Vec<Affine> = piece.write.iter().map(|f| f.substitute(map)).collect();
    let write = Access { tensor: piece.out, index: write };
    let write = halves(blocks, &write).unwrap_or(write).index;
    Equation { axes, n_out, guards: guards.collect(), body, write, ..piece.clone() }
}

/// `[size * o + i, ..]` as `[o, .., i]`; None where the tensor is not cut.
fn halves(blocks: &Blocks, access: &Access) -> Option<Access> {
    let &d = blocks.cut.get(&access.tensor)?;
    let mut index = access.index.clone();
    let size = blocks.size as i32;
    let of = |inner: bool| {
        let terms = access.index[d].terms.iter().filter(|t| (t.1 == size) != inner);
        Affine::of(0, terms.map(|&(a, c)| (a as usize, if inner { c } else { c / size })))
    };
    index[d] = of(false);
    index.push(of(true));
    Some(Access { tensor: access.tensor, index })
}

/// Which coordinates and axes are walked through together.
pub struct Classes {
    /// A forest over all nodes.
    parent: Vec<usize>,
    /// The first node of each tensor's coordinates.
    coordinates: Vec<usize>,
    axes: IndexMap<(TensorId, usize), usize>,
    /// Coordinates that are subscripted by more than a bare axis.
    broken: IndexSet<usize>,
}

impl Classes {
    /// The classes of a graph, as far as its needed equations tell.
    pub fn new(graph: &Graph, needed: &IndexSet<TensorId>) -> Classes {
        let mut next = 0;
        let mut coordinates = Vec::new();
        for (_, tensor) in graph.tensors.iter() {
            coordinates.push(next);
            next += tensor.shape.len();
        }
        let mut classes =
            Classes { parent: (0..next).collect(), coordinates, axes: IndexMap::new(), broken: IndexSet::new() };
        for (&tensor, def) in graph.defs.iter().filter(|d| needed.contains(d.0)) {
            for (number, piece) in def.pieces.iter().enumerate() {
                classes.equation(graph, tensor, number, piece);
            }
        }
        classes
    }

    fn equation(&mut self, graph: &Graph, tensor: TensorId, number: usize, piece: &Equation) {
        let first = self.parent.len();
        self.parent.extend(first..first + piece.axes.len());
        self.axes.insert((tensor, number), first);
        let write = Access { tensor: piece.out, index: piece.write.clone() };
        let mut accesses = vec![write];
        super::space::visit_equation(graph, piece, &mut |seen| {
            if let super::space::Seen::Load(access) | super::space::Seen::Data(access) = seen {
                accesses.push(access.clone());
            }
        });
        for access in accesses {
            for (d, form) in access.index.iter().enumerate() {
                let node = self.coordinates[access.tensor.index()] + d;
                match form.as_axis() {
                    Some(a) if piece.axes[a].extent == graph.tensors[access.tensor].shape[d] => {
                        let (a, b) = (self.root(node), self.root(first + a));
                        self.parent[a.max(b)] = a.min(b);
                    }
                    Some(_) | None => {
                        self.broken.insert(node);
                    }
                }
            }
        }
    }

    fn root(&self, mut node: usize) -> usize {
        while self.parent[node] != node {
            node = self.parent[node];
        }
        node
    }

    fn of_axis(&self, tensor: TensorId, number: usize, axis: usize) -> Option<usize> {
        self.axes.get(&(tensor, number)).map(|first| self.root(first + axis))
    }

    /// Whether a coordinate is always subscripted by a bare axis, and parameters are walked through with it.
    pub fn is_channel(&self, graph: &Graph, tensor: TensorId, d: usize) -> bool {
        let node = self.coordinates[tensor.index()] + d;
        let class = self.root(node);
        let with_class = |id: TensorId, n: usize| (0..n).any(|d| self.root(self.coordinates[id.index()] + d) == class);
        !self.broken.contains(&node)
            && graph.tensors.iter().any(|(id, t)| matches!(t.kind, Kind::Param) && with_class(id, t.shape.len()))
    }

    /// The class that most multiplications run along and that no parameter has part in, with its extent.
    fn best(&self, graph: &Graph, needed: &IndexSet<TensorId>) -> Option<(usize, u32)> {
        let mut work: IndexMap<usize, (u64, u32)> = IndexMap::new();
        for (&tensor, def) in graph.defs.iter().filter(|d| needed.contains(d.0)) {
            for (number, piece) in def.pieces.iter().enumerate() {
                if contraction(graph, piece).is_none() {
                    continue;
                }
                let points: u64 = piece.axes.iter().map(|a| u64::from(a.extent)).product();
                let found: IndexSet<(usize, u32)> = (0..piece.axes.len())
                    .filter_map(|a| Some((self.of_axis(tensor, number, a)?, piece.axes[a].extent)))
                    .collect();
                for (class, extent) in found {
                    let entry = work.entry(class).or_insert((0, extent));
                    entry.0 += points;
                }
            }
        }
        for (id, tensor) in graph.tensors.iter() {
            if matches!(tensor.kind, Kind::Param | Kind::State) {
                for d in 0..tensor.shape.len() {
                    work.shift_remove(&self.root(self.coordinates[id.index()] + d));
                }
            }
        }
        let best = work.into_iter().max_by_key(|(class, (points, _))| (*points, std::cmp::Reverse(*class)));
        best.map(|(class, (_, extent))| (class, extent))
    }

    /// The tensors with one whole coordinate in the class: those that may be cut, and the others.
    fn members(&self, graph: &Graph, class: usize) -> (IndexMap<TensorId, usize>, IndexMap<TensorId, usize>) {
        let outside: Vec<TensorId> =
            graph.outputs.iter().map(|o| o.1).chain(graph.updates.iter().flat_map(|u| [u.0, u.1])).collect();
        let (mut cut, mut kept) = (IndexMap::new(), IndexMap::new());
        for (id, tensor) in graph.tensors.iter() {
            let first = self.coordinates[id.index()];
            let own: Vec<usize> = (0..tensor.shape.len()).filter(|d| self.root(first + d) == class).collect();
            let [d] = own.as_slice() else { continue };
            let free = matches!(tensor.kind, Kind::Defined) && !outside.contains(&id);
            let whole = !self.broken.contains(&(first + d)) && elements(&tensor.shape) > 0;
            if free && whole {
                cut.insert(id, *d);
            } else if whole {
                kept.insert(id, *d);
            }
        }
        (cut, kept)
    }
}
