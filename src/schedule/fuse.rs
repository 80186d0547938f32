//! Puts equations together: each definition joins the group that makes what it loads, where it can be computed in the
//! same band; else it opens a group of its own.
//!
//! Definitions come in an order in which each stands behind what it loads, so a group only ever grows by what needs
//! nothing that comes later. **Invariants**: those of `Group`; contractions keep the tile that suits them best unless
//! what is saved is more.

use super::merge::{Space, Ways, ways};
use super::space::{Seen, elements, visit_equation};
use super::tile::Chooser;
use super::{Group, Member};
use crate::graph::{Access, Affine, Axis, Combine, Equation, Expr, Graph, TensorId};
use indexmap::IndexMap;

/// Groups in the making.
pub struct Fuser<'g> {
    graph: &'g mut Graph,
    chooser: &'g mut Chooser,
    pub groups: Vec<Group>,
    /// The group and member that make a whole tensor at once.
    made: IndexMap<TensorId, (usize, usize)>,
    /// The last group that writes to a tensor.
    last: IndexMap<TensorId, usize>,
}

/// Bytes that the wide members of a group may leave behind at one point of the band: they are to stay in the cache.
const TURN: u64 = 16 << 10;

impl<'g> Fuser<'g> {
    /// No groups yet.
    pub fn new(graph: &'g mut Graph, chooser: &'g mut Chooser) -> Fuser<'g> {
        Fuser { graph, chooser, groups: Vec::new(), made: IndexMap::new(), last: IndexMap::new() }
    }

    /// Adds the one piece of a tensor that it covers, to a group that exists if that can be.
    pub fn add(&mut self, piece: &Equation) {
        let joined = self.join(piece).or_else(|| self.join_sibling(piece));
        let (group, member) = joined.unwrap_or_else(|| (self.open(piece, false), 0));
        self.made.insert(piece.out, (group, member));
        self.last.insert(piece.out, group);
    }

    /// Opens a group for one piece of several, or of a tensor that is cleared first.
    pub fn add_alone(&mut self, piece: &Equation, filled: bool) {
        let group = self.open(piece, filled);
        self.last.insert(piece.out, group);
    }

    fn open(&mut self, piece: &Equation, filled: bool) -> usize {
        let name = self.graph.tensors[piece.out].name.clone();
        let mut group = Group::alone(name, piece, filled);
        group.tile = self.chooser.choose(self.graph, &group);
        self.groups.push(group);
        self.groups.len() - 1
    }

    /// The last group that a piece needs something of.
    fn latest(&self, piece: &Equation) -> Option<usize> {
        accesses(self.graph, piece).iter().filter_map(|a| self.last.get(&a.tensor)).max().copied()
    }

    /// Joins the group that makes what the piece loads.
    fn join(&mut self, piece: &Equation) -> Option<(usize, usize)> {
        let at = self.latest(piece)?;
        if self.groups[at].filled {
            return None;
        }
        let found = accesses(self.graph, piece);
        for access in found {
            let Some(&(group, member)) = self.made.get(&access.tensor) else { continue };
            if group != at {
                continue;
            }
            let joined = self
                .same_points(piece, &access, group, member)
                .or_else(|| self.same_band(piece, &access, group, member))
                .or_else(|| self.smaller_band(piece, &access, group, member));
            if let Some(joined) = joined.filter(|joined| self.accept(group, joined)) {
                self.groups[group] = joined;
                return Some((group, self.groups[group].members.len() - 1));
            }
        }
        None
    }

    /// The piece at the very points of a member without wide axes: each of its output axes is a coordinate of the load.
    fn same_points(&mut self, piece: &Equation, access: &Access, group: usize, member: usize) -> Option<Group> {
        let source = &self.groups[group].members[member];
        if !source.wide.is_empty() {
            return None;
        }
        let shape = &self.graph.tensors[access.tensor].shape;
        let mut map: Vec<Option<Affine>> = vec![None; piece.axes.len()];
        for (d, form) in access.index.iter().enumerate() {
            match form.as_axis() {
                Some(a) if a < piece.n_out && map[a].is_none() && piece.axes[a].extent == shape[d] => {
                    map[a] = Some(source.write[d].clone());
                }
                Some(_) => return None,
                None if shape[d] == 1 && form.as_number() == Some(0) => {}
                None => return None,
            }
        }
        map[..piece.n_out].iter().all(Option::is_some).then_some(())?;
        self.extended(group, piece, map)
    }

    /// The piece at the points of the band, with its other output axes wide.
    fn same_band(&mut self, piece: &Equation, access: &Access, group: usize, member: usize) -> Option<Group> {
        if self.groups[group].tile.is_some() {
            return None;
        }
        let source = &self.groups[group].members[member];
        let mut map: Vec<Option<Affine>> = vec![None; piece.axes.len()];
        for axis in 0..self.groups[group].band {
            let d = source.write.iter().position(|f| f.as_axis() == Some(axis))?;
            let a = access.index[d].as_axis()?;
            let extent = self.groups[group].axes[axis].extent;
            if a >= piece.n_out || map[a].is_some() || piece.axes[a].extent != extent {
                return None;
            }
            map[a] = Some(Affine::axis(axis));
        }
        self.extended(group, piece, map)
    }

    /// The piece at the points of a part of the band: the other axes of the band become wide ones of each member.
    fn smaller_band(&mut self, piece: &Equation, access: &Access, group: usize, member: usize) -> Option<Group> {
        let old = &self.groups[group];
        if old.tile.is_some() {
            return None;
        }
        let source = &old.members[member];
        let mut map: Vec<Option<Affine>> = vec![None; piece.axes.len()];
        let mut kept = Vec::new();
        for axis in 0..old.band {
            let Some(d) = source.write.iter().position(|f| f.as_axis() == Some(axis)) else { continue };
            let Some(a) = access.index[d].as_axis() else { continue };
            if a < piece.n_out && map[a].is_none() && piece.axes[a].extent == old.axes[axis].extent {
                map[a] = Some(Affine::axis(kept.len()));
                kept.push(axis);
            }
        }
        let points: u64 = kept.iter().map(|&a| u64::from(old.axes[a].extent)).product();
        if kept.is_empty() || kept.len() == old.band || points < 8 {
            return None;
        }
        let narrowed = self.narrowed(group, &kept)?;
        let whole = std::mem::replace(&mut self.groups[group], narrowed);
        let joined = self.extended(group, piece, map);
        self.groups[group] = whole;
        joined
    }

    /// A group with a smaller band; each member gets its own copies of the axes that leave it.
    fn narrowed(&mut self, group: usize, kept: &[usize]) -> Option<Group> {
        let old = self.groups[group].clone();
        let mut axes: Vec<Axis> = kept.iter().map(|&a| old.axes[a].clone()).collect();
        let mut members = Vec::new();
        for member in &old.members {
            let mut map: Vec<Affine> = vec![Affine::default(); old.axes.len()];
            kept.iter().enumerate().for_each(|(new, &a)| map[a] = Affine::axis(new));
            let mut renew = |a: usize| {
                map[a] = Affine::axis(axes.len());
                axes.push(old.axes[a].clone());
                axes.len() - 1
            };
            let left: Vec<usize> = (0..old.band).filter(|a| !kept.contains(a)).map(&mut renew).collect();
            let wide: Vec<usize> = member.wide.iter().map(|&a| renew(a)).collect();
            let reduced: Vec<usize> = member.reduced.iter().map(|&a| renew(a)).collect();
            let wide = left.into_iter().chain(wide).collect();
            members.push(self.moved(member, &map, wide, reduced));
        }
        let narrowed = Group { axes, band: kept.len(), members, ..old };
        let fits = self.aligned(&narrowed);
        fits.then_some(narrowed)
    }

    fn moved(&mut self, member: &Member, map: &[Affine], wide: Vec<usize>, reduced: Vec<usize>) -> Member {
        Member {
            write: member.write.iter().map(|f| f.substitute(map)).collect(),
            guards: member.guards.iter().map(|g| g.substitute(map)).collect(),
            body: self.graph.exprs.substitute(member.body, map),
            stored: member.stored || !wide.is_empty(),
            wide,
            reduced,
            ..member.clone()
        }
    }

    /// The group with the piece as its last member; axes that `map` does not know become its own.
    fn extended(&mut self, group: usize, piece: &Equation, map: Vec<Option<Affine>>) -> Option<Group> {
        let mut joined = self.groups[group].clone();
        let own: Vec<usize> = (0..piece.axes.len()).filter(|&a| map[a].is_none()).collect();
        let mut full: Vec<Affine> = map.into_iter().map(Option::unwrap_or_default).collect();
        let (mut wide, mut reduced) = (Vec::new(), Vec::new());
        for a in own {
            full[a] = Affine::axis(joined.axes.len());
            if a < piece.n_out { &mut wide } else { &mut reduced }.push(joined.axes.len());
            joined.axes.push(piece.axes[a].clone());
        }
        let alone = Group::alone("".into(), piece, false).members.remove(0);
        let member = self.moved(&alone, &full, wide, reduced);
        joined.members.push(member);
        self.aligned(&joined).then_some(joined)
    }

    /// Whether each member reads earlier ones at the same point of the band only.
    fn aligned(&self, group: &Group) -> bool {
        let mut seen: IndexMap<TensorId, &Member> = IndexMap::new();
        for member in &group.members {
            let mut fits = true;
            super::space::visit_member(self.graph, member, &mut |what| {
                if let Seen::Load(access) | Seen::Data(access) = what
                    && let Some(source) = seen.get(&access.tensor)
                {
                    fits &= same_point(group, source, access);
                }
            });
            if !fits {
                return false;
            }
            seen.insert(member.out, member);
        }
        true
    }

    /// Whether the larger group pays: vectors stay, wide results stay in the cache, a contraction keeps a good tile.
    fn accept(&mut self, at: usize, joined: &Group) -> bool {
        let old = &self.groups[at];
        let wide: u64 = joined.members.iter().map(|m| turn_bytes(joined, m)).sum();
        let band: u64 = joined.axes[..joined.band].iter().map(|a| u64::from(a.extent)).product();
        if wide > TURN || (wide > 0 && band < 8) {
            return false;
        }
        if old.tile.is_some() {
            return joined.members.last().is_some_and(|m| m.combine == Combine::None) && self.accept_tile(at, joined);
        }
        if joined.members.last().is_some_and(|m| is_large_product(self.graph, joined, m)) {
            return false;
        }
        let (before, after) = (
            ways(self.graph, old, &Space::new(self.graph, old)),
            ways(self.graph, joined, &Space::new(self.graph, joined)),
        );
        let vectors = |w: &Ways| match w {
            Ways::Band(_) => true,
            Ways::Own(lanes) => lanes.iter().any(Option::is_some),
        };
        vectors(&after) || !vectors(&before)
    }

    /// A pass of its own reads and writes memory: about two cycles an element.
    fn accept_tile(&mut self, at: usize, joined: &Group) -> bool {
        let Some(tile) = self.chooser.choose(self.graph, joined) else { return false };
        let old = self.groups[at].tile.as_ref().map_or(0.0, |t| t.cost);
        let out = joined.members.last().map_or(0, |m| elements(&self.graph.tensors[m.out].shape));
        tile.cost <= old + 2.0 * out as f64
    }

    /// A reduction joins one that walks through the same elements.
    fn join_sibling(&mut self, piece: &Equation) -> Option<(usize, usize)> {
        if piece.combine == Combine::None {
            return None;
        }
        let first = self.latest(piece).map_or(0, |g| g + 1);
        let at = (first..self.groups.len()).find(|&g| is_sibling(self.graph, &self.groups[g], piece))?;
        let map = (0..piece.axes.len()).map(|a| (a < piece.n_out).then(|| Affine::axis(a))).collect();
        let joined = self.extended(at, piece, map).filter(|joined| self.accept(at, joined))?;
        self.groups[at] = joined;
        Some((at, self.groups[at].members.len() - 1))
    }

    /// Tiles for contractions whose groups have grown.
    pub fn finish(mut self) -> Vec<Group> {
        for at in 0..self.groups.len() {
            if self.groups[at].tile.is_some() && self.groups[at].members.len() > 1 {
                self.groups[at].tile = self.chooser.choose(self.graph, &self.groups[at]);
            }
        }
        self.groups
    }
}

/// Whether a member is better off as a contraction with a tile of its own.
fn is_large_product(graph: &Graph, group: &Group, member: &Member) -> bool {
    let own = member.wide.iter().chain(&member.reduced).map(|&a| u64::from(group.axes[a].extent));
    let band = group.axes[..group.band].iter().map(|a| u64::from(a.extent));
    let product = matches!(graph.exprs[member.body], Expr::Binary(crate::graph::Binary::Mul, ..));
    product && member.combine == Combine::Sum && own.chain(band).product::<u64>() > super::PARALLEL_WORK / 4
}

/// Bytes that a wide member leaves behind at one point of the band, for eight points side by side.
fn turn_bytes(group: &Group, member: &Member) -> u64 {
    let points: u64 = member.wide.iter().map(|&a| u64::from(group.axes[a].extent)).product();
    if member.wide.is_empty() { 0 } else { points * 4 * 8 }
}

/// Whether an access reads what `source` writes at the same point of the band.
fn same_point(group: &Group, source: &Member, access: &Access) -> bool {
    if source.wide.is_empty() {
        return access.index == source.write;
    }
    source.write.iter().zip(&access.index).all(|(w, g)| {
        let band = w.axes().any(|a| a < group.band);
        !band || (w.as_axis().is_some() && w == g)
    })
}

/// Whether a lone reduction has the same box and reads the same elements.
fn is_sibling(graph: &Graph, group: &Group, piece: &Equation) -> bool {
    let root = &group.members[0];
    let extents = |axes: &[Axis]| axes.iter().map(|a| a.extent).collect::<Vec<_>>();
    if group.tile.is_some()
        || group.filled
        || root.combine == Combine::None
        || group.band != piece.n_out
        || group.axes.len() < piece.axes.len()
        || extents(&group.axes[..piece.axes.len()]) != extents(&piece.axes)
        || !matches!((&graph.exprs[root.body], &graph.exprs[piece.body]), (Expr::Load(_), Expr::Load(_)))
    {
        return false;
    }
    root.body == piece.body && root.guards == piece.guards
}

fn accesses(graph: &Graph, piece: &Equation) -> Vec<Access> {
    let mut found = Vec::new();
    visit_equation(graph, piece, &mut |seen| {
        if let Seen::Load(access) | Seen::Data(access) = seen {
            found.push(access.clone());
        }
    });
    found
}
