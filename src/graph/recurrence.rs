//! Tensors that define each other, and what makes that legal (I6): one coordinate of each, called *time*, such that
//! every load of one in a definition of another differs from what is written by a constant *distance*. All distances
//! that are not 0 have one sign; negative ones make the recurrence run forwards, positive ones backwards. Loads of
//! distance 0 order the tensors within a step; where they go in a circle again, another coordinate must order them.
//!
//! **Invariants** of what is found: each piece writes a single time, or one axis with the coefficient 1 or -1 plus a
//! number; `step` holds every member once.

use super::order::each_read;
use super::{Access, Affine, Equation, Graph, TensorId};
use crate::circles::strong;
use crate::ids::Symbol;
use indexmap::IndexMap;

/// Tensors in an order in which they can be computed.
#[derive(Clone, Debug)]
pub enum Component {
    /// At once.
    One(TensorId),
    /// One time after the other.
    Many(Recurrence),
}

/// Tensors that define each other along a time.
#[derive(Clone, Debug)]
pub struct Recurrence {
    /// Which coordinate is the time.
    pub time: IndexMap<TensorId, usize>,
    /// From the last time to the first.
    pub backwards: bool,
    /// What is computed at one time, in order.
    pub step: Vec<Component>,
}

/// What one definition loads of another in a circle of definitions.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Whose definition it is, and which of its pieces.
    pub reader: TensorId,
    pub piece: usize,
    pub load: Access,
}

/// Why tensors that define each other cannot be computed.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Elements need themselves: each link loads, at the very same time, what the next one defines; the last what the
    /// first defines.
    AtOnce(Vec<Link>),
    /// One link loads earlier times, the other later ones; with the distances.
    BothWays([(Link, i32); 2]),
    /// No coordinate differs by a constant in all loads: here is one where it does not.
    NoTime(Link),
}

/// All defined tensors in an order of computation, each after those it reads; else in the order of definition.
///
/// # Errors
/// What is wrong with tensors that define each other.
pub fn components(graph: &Graph) -> Result<Vec<Component>, Fault> {
    let mut found = Vec::new();
    for members in super::order::components(graph) {
        let links = links(graph, &members);
        found.push(if links.is_empty() {
            Component::One(members[0])
        } else {
            Component::Many(recurrence(graph, &members, &links)?)
        });
    }
    Ok(found)
}

/// The loads of members in definitions of members.
fn links(graph: &Graph, members: &[TensorId]) -> Vec<Link> {
    let mut found = Vec::new();
    for &reader in members {
        for (piece, equation) in graph.defs[&reader].pieces.iter().enumerate() {
            each_read(&graph.exprs, equation, &mut |load| {
                let link = Link { reader, piece, load: load.clone() };
                if members.contains(&load.tensor) && !found.contains(&link) {
                    found.push(link);
                }
            });
        }
    }
    found
}

/// Tries each coordinate of the first member as its time.
fn recurrence(graph: &Graph, members: &[TensorId], links: &[Link]) -> Result<Recurrence, Fault> {
    // The most telling fault is that of a coordinate along which something moves, then of one that all loads agree on.
    let mut worst = (Telling::Nothing, Fault::AtOnce(circle(links)));
    for coordinate in 0..graph.tensors[members[0]].shape.len() {
        match along(graph, members, links, coordinate) {
            Ok(found) => return Ok(found),
            Err(fault) if fault.0 > worst.0 => worst = fault,
            Err(_) => {}
        }
    }
    Err(worst.1)
}

/// How much a fault tells.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Telling {
    Nothing,
    Uneven,
    Still,
    Moving,
}

fn along(graph: &Graph, members: &[TensorId], links: &[Link], first: usize) -> Result<Recurrence, (Telling, Fault)> {
    let uneven = |fault| (Telling::Uneven, fault);
    let time = times(graph, members, links, first).map_err(uneven)?;
    let distances = links.iter().map(|link| distance(graph, &time, link)).collect::<Result<Vec<i32>, _>>();
    let distances = distances.map_err(uneven)?;
    let with = |sign: fn(&i32) -> bool| {
        let at = distances.iter().position(sign)?;
        Some((links[at].clone(), distances[at]))
    };
    let (before, after) = (with(|distance| *distance < 0), with(|distance| *distance > 0));
    let backwards = match (before, after) {
        (Some(before), Some(after)) => return Err((Telling::Moving, Fault::BothWays([before, after]))),
        (None, None) => return Err((Telling::Still, Fault::AtOnce(circle(links)))),
        (before, _) => before.is_none(),
    };
    let still = links.iter().zip(&distances).filter(|(_, distance)| **distance == 0);
    let still: Vec<Link> = still.map(|(link, _)| link.clone()).collect();
    let step = step(graph, members, &still).map_err(|fault| (Telling::Moving, fault))?;
    Ok(Recurrence { step, time, backwards })
}

/// The members in the order of loads of distance 0.
fn step(graph: &Graph, members: &[TensorId], links: &[Link]) -> Result<Vec<Component>, Fault> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); members.len()];
    let place = |tensor: TensorId| members.iter().position(|&member| member == tensor).expect("links join members");
    links.iter().for_each(|link| next[place(link.reader)].push(place(link.load.tensor)));
    let mut found = Vec::new();
    for part in strong(members.len(), |at| next[at].clone()) {
        let part: Vec<TensorId> = part.into_iter().map(|at| members[at]).collect();
        let within = |link: &&Link| part.contains(&link.reader) && part.contains(&link.load.tensor);
        let inner: Vec<Link> = links.iter().filter(within).cloned().collect();
        found.push(match inner.is_empty() {
            true => Component::One(part[0]),
            false => Component::Many(recurrence(graph, &part, &inner)?),
        });
    }
    Ok(found)
}

/// The time of each member, told from one to the next by the loads.
fn times(
    graph: &Graph,
    members: &[TensorId],
    links: &[Link],
    first: usize,
) -> Result<IndexMap<TensorId, usize>, Fault> {
    let mut time = IndexMap::from([(members[0], first)]);
    // Single times tell little: they are looked at when nothing else tells more.
    let mut single = false;
    while time.len() < members.len() {
        let before = time.len();
        for link in links {
            let equation = &graph.defs[&link.reader].pieces[link.piece];
            let (write, index) = (&equation.write, &link.load.index);
            let known = |tensor| time.get(&tensor).copied();
            let (told, from, forms) = match (known(link.reader), known(link.load.tensor)) {
                (Some(at), None) => (link.load.tensor, &write[at], index),
                (None, Some(at)) => (link.reader, &index[at], write),
                (Some(_), Some(_)) | (None, None) => continue,
            };
            let from = from.settled(&equation.axes);
            let fits = |form: &Affine| form.settled(&equation.axes).minus(&from).as_number().is_some();
            if let Some(at) = forms.iter().position(fits).filter(|_| single || from.as_number().is_none()) {
                time.insert(told, at);
                single = false;
            }
        }
        if time.len() == before {
            let open = |link: &&Link| time.contains_key(&link.reader) != time.contains_key(&link.load.tensor);
            match links.iter().find(open) {
                Some(link) if single => return Err(Fault::NoTime(link.clone())),
                Some(_) | None => single = true,
            }
        }
    }
    // In the order of definition, whatever told the times.
    Ok(members.iter().map(|&member| (member, time[&member])).collect())
}

/// How far the time that a link loads lies behind the one that is written.
fn distance(graph: &Graph, time: &IndexMap<TensorId, usize>, link: &Link) -> Result<i32, Fault> {
    let equation = &graph.defs[&link.reader].pieces[link.piece];
    let written = &equation.write[time[&link.reader]];
    let distance = link.load.index[time[&link.load.tensor]].minus(written);
    let constant = distance.settled(&equation.axes).as_number();
    let walks = Moment::of(equation, time[&link.reader]).is_some();
    constant.filter(|_| walks).ok_or_else(|| Fault::NoTime(link.clone()))
}

/// Links that go in a circle, each loading what the next defines. Needs links of a strongly connected component.
fn circle(links: &[Link]) -> Vec<Link> {
    let mut path: Vec<&Link> = vec![&links[0]];
    loop {
        let loaded = path[path.len() - 1].load.tensor;
        if let Some(from) = path.iter().position(|link| link.reader == loaded) {
            return path[from..].iter().map(|&link| link.clone()).collect();
        }
        match links.iter().find(|link| link.reader == loaded) {
            Some(link) => path.push(link),
            None => return path.into_iter().cloned().collect(),
        }
    }
}

/// The time that a piece writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(i32),
    /// `constant + sign * axis`, the sign 1 or -1.
    Along { axis: usize, sign: i32, constant: i32 },
}

impl Moment {
    /// Of a piece whose time is this coordinate; none if it is written in another way.
    pub fn of(equation: &Equation, time: usize) -> Option<Moment> {
        let form = equation.write.get(time)?.settled(&equation.axes);
        match form.terms[..] {
            [] => Some(Moment::At(form.constant)),
            [(axis, sign @ (1 | -1))] => Some(Moment::Along { axis: axis.into(), sign, constant: form.constant }),
            _ => None,
        }
    }
}

impl Component {
    /// The tensors in it, in order.
    pub fn tensors(&self) -> Vec<TensorId> {
        match self {
            Component::One(tensor) => vec![*tensor],
            Component::Many(recurrence) => recurrence.step.iter().flat_map(Component::tensors).collect(),
        }
    }
}

impl Recurrence {
    /// What the time is called: the name of an axis that runs along it.
    pub fn name(&self, graph: &Graph) -> Symbol {
        let named = self.time.iter().find_map(|(tensor, &time)| {
            graph.defs[tensor].pieces.iter().find_map(|piece| match Moment::of(piece, time)? {
                Moment::Along { axis, .. } => Some(piece.axes[axis].hint.clone()),
                Moment::At(_) => None,
            })
        });
        named.unwrap_or_else(|| "t".into())
    }
}

impl Fault {
    /// In words, for a bug.
    pub fn text(&self, graph: &Graph) -> String {
        let name = |tensor: TensorId| &*graph.tensors[tensor].name;
        match self {
            Fault::AtOnce(circle) => {
                let names: Vec<&str> = circle.iter().map(|link| name(link.reader)).collect();
                format!("a cycle of definitions: {} and again {}", names.join(" reads "), names[0])
            }
            Fault::BothWays([(a, x), (b, y)]) => format!(
                "{} reads {} at distance {x}, {} reads {} at distance {y}",
                name(a.reader),
                name(a.load.tensor),
                name(b.reader),
                name(b.load.tensor)
            ),
            Fault::NoTime(link) => {
                format!("{} reads {} at no constant distance", name(link.reader), name(link.load.tensor))
            }
        }
    }
}
