//! Puts equations together: each definition joins the group that makes what it loads, where it can be computed in the
//! same band; else it opens a group of its own.
//!
//! Definitions come in an order in which each stands behind what it loads, so a group only ever grows by what needs
//! nothing that comes later. Inside a loop the equations are those of a turn, and what is loaded of another turn is
//! there already. **Invariants**: those of `Group`; contractions keep the tile that suits them best unless
//! what is saved is more.

use super::merge::{Space, Ways, ways};
use super::space::{Seen, elements, visit_equation};
use super::tile::Chooser;
use super::{Group, Member, Step, turns};
use crate::graph::{Access, Affine, Axis, Combine, Equation, Expr, Graph, TensorId};
use indexmap::IndexMap;

/// Groups in the making.
pub struct Fuser<'g> {
    graph: &'g mut Graph,
    chooser: &'g mut Chooser,
    pub groups: Vec<Group>,
    /// What stands at the places of empty groups: recurrences, in stretches of time.
    loops: IndexMap<usize, Vec<Step>>,
    /// The groups and members that make a tensor, each a piece of it.
    made: IndexMap<TensorId, Vec<(usize, usize)>>,
    /// The groups that write to a tensor.
    wrote: IndexMap<TensorId, Vec<usize>>,
    /// Whether all this stands in a loop.
    looped: bool,
}

/// Bytes that the wide members of a group may leave behind at one point of the band: they are to stay in the cache.
const TURN: u64 = 16 << 10;

impl<'g> Fuser<'g> {
    /// No groups yet; `looped` where they are to stand in a loop.
    pub fn new(graph: &'g mut Graph, chooser: &'g mut Chooser, looped: bool) -> Fuser<'g> {
        Fuser {
            graph,
            chooser,
            groups: Vec::new(),
            loops: IndexMap::new(),
            made: IndexMap::new(),
            wrote: IndexMap::new(),
            looped,
        }
    }

    /// The graph that the groups speak of.
    pub fn parts(&mut self) -> (&mut Graph, &mut Chooser) {
        (self.graph, self.chooser)
    }

    /// Adds a piece of a tensor that no clearing precedes, to a group that exists if that can be.
    pub fn add(&mut self, piece: &Equation) {
        let joined = self.join(piece).or_else(|| self.join_sibling(piece)).or_else(|| self.join_beside(piece));
        let (group, member) = joined.unwrap_or_else(|| (self.open(piece, false), 0));
        self.made.entry(piece.out).or_default().push((group, member));
        self.wrote(piece.out, group);
    }

    /// Adds the stretches of a recurrence that makes these tensors.
    pub fn add_loops(&mut self, tensors: &[TensorId], steps: Vec<Step>) {
        let nothing =
            Group { name: "".into(), axes: Vec::new(), band: 0, members: Vec::new(), filled: true, tile: None };
        self.groups.push(nothing);
        let at = self.groups.len() - 1;
        self.loops.insert(at, steps);
        tensors.iter().for_each(|&tensor| self.wrote(tensor, at));
    }

    fn wrote(&mut self, tensor: TensorId, group: usize) {
        self.wrote.entry(tensor).or_default().push(group);
    }

    /// Opens a group for one piece of several, or of a tensor that is cleared first.
    pub fn add_alone(&mut self, piece: &Equation, filled: bool) {
        let group = self.open(piece, filled);
        self.wrote(piece.out, group);
    }

    fn open(&mut self, piece: &Equation, filled: bool) -> usize {
        let name = self.graph.tensors[piece.out].name.clone();
        let mut group = Group::alone(name, piece, filled);
        group.tile = self.chooser.choose(self.graph, &group);
        self.groups.push(group);
        self.groups.len() - 1
    }

    /// The last group that a piece needs something of the same turn of.
    fn latest(&self, piece: &Equation) -> Option<usize> {
        let writes = |group: usize, access: &Access| !self.looped || self.writes_now(group, &piece.axes, access);
        let last = |access: &Access| {
            let groups = self.wrote.get(&access.tensor).into_iter().flatten();
            groups.copied().filter(|&group| writes(group, access)).max()
        };
        accesses(self.graph, piece).iter().filter_map(last).max()
    }

    /// Whether a group, or what stands at its place, may write an element that is loaded in the same turn.
    fn writes_now(&self, at: usize, axes: &[Axis], access: &Access) -> bool {
        let writes = |group: &Group| {
            let mut own = group.members.iter().filter(|m| m.out == access.tensor);
            own.any(|m| !turns::is_other(group, m, axes, access))
        };
        let mut found = writes(&self.groups[at]);
        for step in self.loops.get(&at).into_iter().flatten() {
            step.each_group(&mut |group| found |= writes(group));
        }
        found
    }

    /// Joins the group that makes what the piece loads.
    fn join(&mut self, piece: &Equation) -> Option<(usize, usize)> {
        let at = self.latest(piece)?;
        if self.groups[at].filled {
            return None;
        }
        let found = accesses(self.graph, piece);
        for access in found {
            let made = self.made.get(&access.tensor).cloned().unwrap_or_default();
            for (group, member) in made.into_iter().filter(|made| made.0 == at) {
                let joined = self
                    .same_points(piece, &access, group, member)
                    .or_else(|| self.same_band(piece, &access, group, member))
                    .or_else(|| self.smaller_band(piece, &access, group, member));
                if let Some(joined) = joined.filter(|joined| self.accept(group, joined)) {
                    self.groups[group] = joined;
                    return Some((group, self.groups[group].members.len() - 1));
                }
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
        let mut map = turn_map(&self.groups[group], piece);
        for (d, form) in access.index.iter().enumerate() {
            if turns::mentions(&piece.axes, form) {
                (with_turns(form, &map) == Some(source.write[d].clone())).then_some(())?;
                continue;
            }
            match form.as_axis() {
                Some(a)
                    if a < piece.n_out
                        && map[a].is_none()
                        && piece.axes[a].extent == shape[d]
                        && covers(&self.groups[group], &source.write[d], shape[d]) =>
                {
                    map[a] = Some(source.write[d].clone());
                }
                Some(_) => return None,
                None if shape[d] == 1 && form.as_number() == Some(0) => {}
                None if form.as_number().is_some() && *form == source.write[d] => {}
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
        let mut map = turn_map(&self.groups[group], piece);
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
        let mut map = vec![None; piece.axes.len()];
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
        for (at, turn) in turn_map(&narrowed, piece).into_iter().enumerate().filter(|(_, turn)| turn.is_some()) {
            map[at] = turn;
        }
        let whole = std::mem::replace(&mut self.groups[group], narrowed);
        let joined = self.extended(group, piece, map);
        self.groups[group] = whole;
        joined
    }

    /// A group with a smaller band; each member gets its own copies of the axes that leave it.
    fn narrowed(&mut self, group: usize, kept: &[usize]) -> Option<Group> {
        let old = self.groups[group].clone();
        let common: Vec<usize> = kept.iter().copied().chain(turns::of(&old.axes)).collect();
        let mut axes: Vec<Axis> = common.iter().map(|&a| old.axes[a].clone()).collect();
        let mut members = Vec::new();
        for member in &old.members {
            let mut map: Vec<Affine> = vec![Affine::default(); old.axes.len()];
            common.iter().enumerate().for_each(|(new, &a)| map[a] = Affine::axis(new));
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
        for (at, member) in group.members.iter().enumerate() {
            let mut fits = true;
            super::space::visit_member(self.graph, member, &mut |what| {
                if let Seen::Load(access) | Seen::Data(access) = what {
                    let mut sources = group.members[..at].iter().filter(|m| m.out == access.tensor).peekable();
                    fits &= sources.peek().is_none()
                        || sources.clone().all(|m| turns::is_other(group, m, &group.axes, access))
                        || sources.any(|m| same_point(group, m, access));
                }
            });
            if !fits {
                return false;
            }
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
        let turns: u64 = turns::of(&joined.axes).into_iter().map(|a| u64::from(joined.axes[a].extent)).product();
        let out = joined.members.last().map_or(0, |m| elements(&self.graph.tensors[m.out].shape) / turns);
        tile.cost <= old + 2.0 * out as f64
    }

    /// A reduction joins one that walks through the same elements.
    fn join_sibling(&mut self, piece: &Equation) -> Option<(usize, usize)> {
        if piece.combine == Combine::None {
            return None;
        }
        let first = self.latest(piece).map_or(0, |g| g + 1);
        let at = (first..self.groups.len()).find(|&g| is_sibling(self.graph, &self.groups[g], piece))?;
        let joined = self.over_band(at, piece).filter(|joined| self.accept(at, joined))?;
        self.groups[at] = joined;
        Some((at, self.groups[at].members.len() - 1))
    }

    /// A map in a loop joins one over the same box that comes behind all it needs: a turn is short, so that each call
    /// counts.
    fn join_beside(&mut self, piece: &Equation) -> Option<(usize, usize)> {
        if piece.combine != Combine::None || !self.looped {
            return None;
        }
        let first = self.latest(piece).map_or(0, |g| g + 1);
        for at in first..self.groups.len() {
            if is_beside(&self.groups[at], piece)
                && let Some(joined) = self.over_band(at, piece).filter(|joined| self.accept(at, joined))
            {
                self.groups[at] = joined;
                return Some((at, self.groups[at].members.len() - 1));
            }
        }
        None
    }

    /// The group with the piece over its band, axis by axis.
    fn over_band(&mut self, at: usize, piece: &Equation) -> Option<Group> {
        let mut map = turn_map(&self.groups[at], piece);
        (0..piece.n_out).for_each(|a| map[a] = Some(Affine::axis(a)));
        self.extended(at, piece, map)
    }

    /// Tiles for contractions whose groups have grown.
    pub fn finish(mut self) -> (Vec<Group>, IndexMap<usize, Vec<Step>>) {
        for at in 0..self.groups.len() {
            if self.groups[at].tile.is_some() && self.groups[at].members.len() > 1 {
                self.groups[at].tile = self.chooser.choose(self.graph, &self.groups[at]);
            }
        }
        (self.groups, self.loops)
    }
}

/// Whether a coordinate of a write takes all its values.
fn covers(group: &Group, form: &Affine, extent: u32) -> bool {
    form.axes().map(|a| u64::from(group.axes[a].extent)).product::<u64>() == u64::from(extent)
}

/// Each turn of a piece is that of the group.
fn turn_map(group: &Group, piece: &Equation) -> Vec<Option<Affine>> {
    let mut map = vec![None; piece.axes.len()];
    for (own, theirs) in turns::of(&piece.axes).into_iter().zip(turns::of(&group.axes)) {
        map[own] = Some(Affine::axis(theirs));
    }
    map
}

/// A form of turns alone, in the group's axes.
fn with_turns(form: &Affine, map: &[Option<Affine>]) -> Option<Affine> {
    let known = form.axes().all(|a| map[a].is_some());
    known.then(|| form.substitute(&map.iter().map(|form| form.clone().unwrap_or_default()).collect::<Vec<_>>()))
}

/// Whether a group holds nothing but maps over the box of a piece.
fn is_beside(group: &Group, piece: &Equation) -> bool {
    let extents = |axes: &[Axis]| axes.iter().map(|a| a.extent).collect::<Vec<_>>();
    let maps = group.members.iter().all(|m| m.combine == Combine::None && m.wide.is_empty());
    !group.members.is_empty()
        && maps
        && !group.filled
        && extents(&group.axes[..group.band]) == extents(&piece.axes[..piece.n_out])
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
        let turn = turns::mentions(&group.axes, w);
        (!band || w.as_axis().is_some()) && (!band && !turn || w == g)
    })
}

/// Whether a lone reduction has the same box and reads the same elements.
fn is_sibling(graph: &Graph, group: &Group, piece: &Equation) -> bool {
    let Some(root) = group.members.first() else { return false };
    let extents = |axes: &[Axis]| axes.iter().map(|a| (a.extent, a.role)).collect::<Vec<_>>();
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
