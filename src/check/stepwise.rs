//! A net over time, one step at a time: the same equations at T = 1, with what they read of earlier steps as inputs.
//!
//! Each tensor with an axis of the open length T keeps one step of it. A read `h[t-d]` becomes a read of `past h`, an
//! input with the last D steps, D the farthest that anything reads; `next h` is what `past h` is at the next step. The
//! number of the step, where an equation asks for it, is the input `now`, so that starts (`if t-1 >= 0 then .. else ..`)
//! and positions are what they were.
//!
//! **Invariants**: for each t, given the pasts of the steps before, the outputs are those that the net gives at t for any
//! T > t (at t = T-1 for outputs without a step, as `last(h)`); where that cannot be, there is a [`Refusal`].

use super::net::*;
use crate::ids::{Arena, Symbol};
use crate::size::{Limits, Poly, SizeId, Sizes};
use crate::source::Span;
use indexmap::{IndexMap, IndexSet};
use std::sync::Arc;

/// The input that counts steps from 0.
pub const NOW: &str = "number of the step";
/// Steps are counted below this where no length has a limit: f32 holds such numbers exactly.
const MOST_STEPS: i64 = 1 << 24;

/// A net that takes one step.
#[derive(Clone, Debug)]
pub struct Stepwise {
    /// The file with that net in the place of the whole one.
    pub checked: Checked,
    /// Its place in the file.
    pub net: usize,
    pub pasts: Vec<Past>,
    /// How long the whole may be.
    pub limits: Limits,
}

/// What is kept of one tensor between steps: `[.., steps, ..]`, the oldest first.
#[derive(Clone, Debug)]
pub struct Past {
    /// The input that takes it.
    pub input: Symbol,
    /// The output that is the next one; none for an input of the net, of which the given steps are kept.
    pub next: Option<Symbol>,
    /// The input of the net that it is the past of.
    pub of: Option<Symbol>,
    /// Products of the sizes before and behind the steps.
    pub outer: usize,
    pub steps: usize,
    pub inner: usize,
    pub is_index: bool,
}

/// Why a net cannot go step by step, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub why: String,
    pub at: Span,
}

type Result<T> = std::result::Result<T, Refusal>;

/// The net at a place of the file, step by step. Errors: it has no open length, or an equation needs more than earlier
/// steps at fixed distances.
pub fn step_by_step(checked: &Checked, net: usize) -> Result<Stepwise> {
    let old = &checked.nets[net];
    let (length, limits) = length(checked, old)?;
    let mut work = Work::new(checked, &old.evaluate, length);
    work.gather()?;
    // The first walk finds how far back is read, the second writes with it.
    work.pieces()?;
    let pieces = work.pieces()?;
    let (flat, pasts) = work.finish(pieces)?;
    let mut checked = Checked { sizes: work.sizes.clone(), ..checked.clone() };
    let shapes = |fields: &mut Vec<Field>| {
        for size in fields.iter_mut().flat_map(|field| &mut field.shape) {
            *size = if work.is_length(*size) { work.one } else { *size };
        }
    };
    shapes(&mut checked.nets[net].inputs);
    shapes(&mut checked.nets[net].outputs);
    checked.nets[net].evaluate = flat;
    Ok(Stepwise { checked, net, pasts, limits })
}

/// The one open length of a net, which all its inputs have.
fn length(checked: &Checked, net: &Net) -> Result<(Symbol, Limits)> {
    let refuse = |why: String, at: Span| Err(Refusal { why, at });
    let mut names = IndexSet::new();
    for input in &net.inputs {
        let open = |size: &&SizeId| checked.sizes.number(**size).is_none();
        let axes: Vec<&SizeId> = input.shape.iter().filter(open).collect();
        let [axis] = axes[..] else {
            return refuse(format!("the input `{}` has no axis of steps, or several", input.name), input.at);
        };
        let symbols = checked.sizes.value(*axis).map(Poly::symbols).unwrap_or_default();
        names.extend(symbols);
    }
    let Some(name) = names.first().cloned() else { return refuse("it has no input".to_string(), net.at) };
    if names.len() > 1 {
        return refuse("its inputs have several open lengths".to_string(), net.at);
    }
    let limits = net.evaluate.lengths.get(&name).map(|(limits, _)| *limits).unwrap_or_default();
    Ok((name, limits))
}

struct Work<'a> {
    old: &'a Flat,
    sizes: Sizes,
    length: Poly,
    one: SizeId,
    /// What the outputs need.
    needed: IndexSet<TensorId>,
    /// The axis of steps of each tensor that has one.
    axis: IndexMap<TensorId, usize>,
    /// For each tensor of which earlier steps are read: how far back.
    past: IndexMap<TensorId, i64>,
    /// Whether anything reads `now`, which stands behind the old tensors and before the pasts.
    counted: bool,
}

/// One piece, and its index over steps if it defines them.
struct Here<'p> {
    piece: &'p Piece,
    time: Option<VarId>,
}

/// How a form reads an axis of steps.
enum Read {
    /// The present step.
    Now,
    /// The element of the past.
    Before(Linear),
    /// The present step where the form is 0, else the element of the past.
    Either(Linear, Linear),
}

impl<'a> Work<'a> {
    fn new(checked: &Checked, old: &'a Flat, length: Symbol) -> Work<'a> {
        let mut sizes = checked.sizes.clone();
        let at = old.pieces.first().map_or_else(|| checked.nets[0].at, |piece| piece.at);
        let one = sizes.written(1, at);
        let length = Poly::symbol(&length);
        let (needed, axis, past) = (IndexSet::new(), IndexMap::new(), IndexMap::new());
        Work { old, sizes, length, one, needed, axis, past, counted: false }
    }

    fn is_length(&self, size: SizeId) -> bool {
        self.sizes.value(size) == Some(&self.length)
    }

    fn is_open(&self, size: SizeId) -> bool {
        self.sizes.number(size).is_none()
    }

    /// The tensors that the outputs need, with their axes of steps.
    fn gather(&mut self) -> Result<()> {
        let mut open: Vec<TensorId> = self.old.outputs.iter().map(|(_, tensor)| *tensor).collect();
        while let Some(tensor) = open.pop() {
            if !self.needed.insert(tensor) {
                continue;
            }
            for piece in self.old.pieces.iter().filter(|piece| piece.out == tensor) {
                loads(&piece.body, &mut |read| open.push(read));
            }
        }
        self.needed.sort();
        for &id in &self.needed {
            let tensor = &self.old.tensors[id];
            let open: Vec<usize> = (0..tensor.shape.len()).filter(|&i| self.is_open(tensor.shape[i])).collect();
            match open[..] {
                [] => {}
                [axis] if self.is_length(tensor.shape[axis]) => {
                    self.axis.insert(id, axis);
                }
                [_] => return Err(refusal(format!("`{}` has another length than the steps", tensor.name), tensor.at)),
                _ => {
                    return Err(refusal(format!("`{}` has an element for each two steps", tensor.name), tensor.at));
                }
            }
        }
        Ok(())
    }

    fn pieces(&mut self) -> Result<Vec<Piece>> {
        let old = self.old;
        let mine = old.pieces.iter().filter(|piece| self.needed.contains(&piece.out)).collect::<Vec<_>>();
        mine.into_iter().map(|piece| self.piece(piece)).collect()
    }

    fn piece(&mut self, piece: &'a Piece) -> Result<Piece> {
        let time = match self.axis.get(&piece.out) {
            None => None,
            Some(&axis) => {
                let index = piece.write[axis].as_var().filter(|var| self.is_length(piece.vars[*var].extent));
                let why = || format!("`{}` is not defined step by step", self.old.tensors[piece.out].name);
                Some(index.ok_or_else(|| refusal(why(), piece.at))?)
            }
        };
        let here = Here { piece, time };
        if let Some(var) = piece.free.iter().find(|var| Some(**var) != time && self.is_open(piece.vars[**var].extent)) {
            return Err(self.all_steps(&here, *var, piece.at));
        }
        let body = self.scalar(&here, &piece.body)?;
        let mut vars = Arena::new();
        for (_, var) in piece.vars.iter() {
            let extent = if self.is_open(var.extent) { self.one } else { var.extent };
            vars.push(Var { name: var.name.clone(), extent });
        }
        Ok(Piece { body, vars, ..piece.clone() })
    }

    fn all_steps(&self, here: &Here, var: VarId, at: Span) -> Refusal {
        refusal(format!("it goes over all steps by the index `{}`", here.piece.vars[var].name), at)
    }

    fn scalar(&mut self, here: &Here, scalar: &Scalar) -> Result<Scalar> {
        let at = here.piece.at;
        Ok(match scalar {
            Scalar::Number(_) => scalar.clone(),
            Scalar::Size(size) if self.is_open(*size) => {
                return Err(refusal("it needs the number of steps, which is not known yet".to_string(), at));
            }
            Scalar::Size(_) => scalar.clone(),
            Scalar::Index(form) => self.number(here, form, at)?,
            Scalar::Load { tensor, subscripts, at } => self.load(here, *tensor, subscripts, *at)?,
            Scalar::Unary(op, a) => Scalar::Unary(*op, Box::new(self.scalar(here, a)?)),
            Scalar::Binary(op, a, b) => {
                Scalar::Binary(*op, Box::new(self.scalar(here, a)?), Box::new(self.scalar(here, b)?))
            }
            Scalar::If(condition, a, b) => {
                // A step that is later is a better reason than the condition that guards it.
                let (a, b) = (Box::new(self.scalar(here, a)?), Box::new(self.scalar(here, b)?));
                Scalar::If(self.condition(here, condition)?, a, b)
            }
            Scalar::Reduce { by, vars, across_batch, body } => {
                if let Some(var) = vars.iter().find(|var| self.is_open(here.piece.vars[**var].extent)) {
                    return Err(self.all_steps(here, *var, at));
                }
                let body = Box::new(self.scalar(here, body)?);
                Scalar::Reduce { by: *by, vars: vars.clone(), across_batch: *across_batch, body }
            }
        })
    }

    fn condition(&mut self, here: &Here, condition: &Condition) -> Result<Condition> {
        Ok(match condition {
            Condition::Index { form, relation } if self.is_timed(here, form) => {
                let number = self.number(here, form, here.piece.at)?;
                Condition::Real(*relation, Box::new(number), Box::new(Scalar::Number(0.0)))
            }
            Condition::Index { .. } => condition.clone(),
            Condition::Real(relation, a, b) => {
                Condition::Real(*relation, Box::new(self.scalar(here, a)?), Box::new(self.scalar(here, b)?))
            }
            Condition::And(a, b) => {
                Condition::And(Box::new(self.condition(here, a)?), Box::new(self.condition(here, b)?))
            }
            Condition::Or(a, b) => {
                Condition::Or(Box::new(self.condition(here, a)?), Box::new(self.condition(here, b)?))
            }
        })
    }

    /// Whether a form is not the same in all steps.
    fn is_timed(&self, here: &Here, form: &Linear) -> bool {
        let open = form.constant.as_number().is_none() || form.terms.iter().any(|(_, by)| by.as_number().is_none());
        open || here.time.is_some_and(|time| form.mentions(time))
    }

    /// A form as a number, with the number of the step in the place of its index.
    fn number(&mut self, here: &Here, form: &Linear, at: Span) -> Result<Scalar> {
        if !self.is_timed(here, form) {
            return Ok(Scalar::Index(form.clone()));
        }
        let (rest, by) = self.apart(here, form, at)?;
        self.counted = true;
        let now = Scalar::Load { tensor: self.now(), subscripts: vec![], at };
        let step = Scalar::Binary(Binary::Mul, Box::new(Scalar::Number(by as f64)), Box::new(now));
        Ok(Scalar::Binary(Binary::Add, Box::new(step), Box::new(Scalar::Index(rest))))
    }

    /// A form without the index over steps, and the factor of that. Errors: it has the length in it.
    fn apart(&self, here: &Here, form: &Linear, at: Span) -> Result<(Linear, i64)> {
        let known = form.constant.as_number().is_some();
        let mut rest = Linear { constant: form.constant.clone(), terms: vec![] };
        let mut factor = 0;
        for (var, by) in &form.terms {
            match by.as_number() {
                Some(by) if Some(*var) == here.time => factor = by,
                Some(_) => rest.terms.push((*var, by.clone())),
                None => return Err(refusal("it needs the number of steps, which is not known yet".to_string(), at)),
            }
        }
        if !known {
            return Err(refusal("it needs the number of steps, which is not known yet".to_string(), at));
        }
        Ok((rest, factor))
    }

    fn load(&mut self, here: &Here, tensor: TensorId, subscripts: &[Subscript], at: Span) -> Result<Scalar> {
        let axis = self.axis.get(&tensor).copied();
        let mut read = None;
        let mut written = Vec::with_capacity(subscripts.len());
        for (place, subscript) in subscripts.iter().enumerate() {
            written.push(match subscript {
                Subscript::Affine(form) if Some(place) == axis => {
                    read = Some(self.read(here, tensor, form, at)?);
                    Subscript::Affine(Linear::number(0))
                }
                Subscript::Affine(form) if self.is_timed(here, form) => self.position(here, form, at)?,
                Subscript::Affine(_) => subscript.clone(),
                Subscript::Data { .. } if Some(place) == axis => {
                    return Err(refusal("it looks up a step by its number".to_string(), at));
                }
                Subscript::Data { tensor, subscripts } => self.look_up(here, *tensor, subscripts, at)?,
            });
        }
        let now = Scalar::Load { tensor, subscripts: written.clone(), at };
        let before = |work: &Self, form: Linear| {
            let mut subscripts = written.clone();
            subscripts[axis.unwrap_or(0)] = Subscript::Affine(form);
            Scalar::Load { tensor: work.past_of(tensor), subscripts, at }
        };
        Ok(match read {
            None | Some(Read::Now) => now,
            Some(Read::Before(form)) => before(self, form),
            Some(Read::Either(present, form)) => {
                // It is never above 0; that it is below 0 else is what keeps the other read inside.
                let here = Condition::Index { form: present, relation: Comparison::Ge };
                Scalar::If(here, Box::new(now), Box::new(before(self, form)))
            }
        })
    }

    /// `place[t]`: an element by the number of the step.
    fn position(&mut self, here: &Here, form: &Linear, at: Span) -> Result<Subscript> {
        let (rest, by) = self.apart(here, form, at)?;
        if by != 1 || rest != Linear::number(0) {
            return Err(refusal("it reads an element by a step's number and more".to_string(), at));
        }
        self.counted = true;
        Ok(Subscript::Data { tensor: self.now(), subscripts: vec![] })
    }

    fn look_up(&mut self, here: &Here, tensor: TensorId, forms: &[Linear], at: Span) -> Result<Subscript> {
        let axis = self.axis.get(&tensor).copied();
        let (mut subscripts, mut from) = (forms.to_vec(), tensor);
        for (place, form) in forms.iter().enumerate() {
            if Some(place) == axis {
                subscripts[place] = match self.read(here, tensor, form, at)? {
                    Read::Now => Linear::number(0),
                    Read::Before(form) => {
                        from = self.past_of(tensor);
                        form
                    }
                    Read::Either(..) => return Err(refusal("it looks up over several steps".to_string(), at)),
                };
            } else if self.is_timed(here, form) {
                return Err(refusal("it looks up by a step's number".to_string(), at));
            }
        }
        Ok(Subscript::Data { tensor: from, subscripts })
    }

    /// What a form reads of a tensor's steps.
    fn read(&mut self, here: &Here, tensor: TensorId, form: &Linear, at: Span) -> Result<Read> {
        let name = &self.old.tensors[tensor].name;
        let last = self.length.sub(&Poly::number(1)).ok();
        if form.terms.is_empty() && last.as_ref() == Some(&form.constant) {
            return Ok(Read::Now);
        }
        let (rest, by) = self.apart(here, form, at)?;
        if by != 1 {
            return Err(refusal(format!("it reads a step of `{name}` that is not at a distance"), at));
        }
        let constant = rest.constant.as_number().unwrap_or(0);
        let (mut low, mut high) = (constant, constant);
        for (var, by) in &rest.terms {
            let most = self.sizes.number(here.piece.vars[*var].extent).map_or(0, |n| n - 1);
            let reach = by.as_number().unwrap_or(0).saturating_mul(most);
            (low, high) = (low.saturating_add(reach.min(0)), high.saturating_add(reach.max(0)));
        }
        if high > 0 {
            return Err(refusal(format!("it reads a later step of `{name}`"), at));
        }
        if low == 0 && rest.terms.is_empty() {
            return Ok(Read::Now);
        }
        let far = self.past.entry(tensor).or_insert(0);
        *far = (*far).max(low.saturating_neg());
        let place = rest.plus(&Linear::number(*far)).map_err(|_| refusal("it reads too far back".to_string(), at))?;
        Ok(if high < 0 { Read::Before(place) } else { Read::Either(rest, place) })
    }

    fn now(&self) -> TensorId {
        TensorId::new(self.old.tensors.len())
    }

    fn past_of(&self, tensor: TensorId) -> TensorId {
        let place = self.past.get_index_of(&tensor).expect("it was read");
        TensorId::new(self.old.tensors.len() + 1 + place)
    }

    /// The new list: the old tensors at one step, `now`, the pasts, and what they are next.
    fn finish(&mut self, mut pieces: Vec<Piece>) -> Result<(Flat, Vec<Past>)> {
        let mut tensors = Arena::new();
        for (id, tensor) in self.old.tensors.iter() {
            tensors.push(if self.needed.contains(&id) { self.at_one(id) } else { nothing(tensor) });
        }
        let limit = self.old.lengths.values().filter_map(|(limits, _)| limits.high).min().unwrap_or(MOST_STEPS);
        let at = pieces.first().map_or(self.old.tensors[self.needed[0]].at, |piece| piece.at);
        let most = self.sizes.written(limit.clamp(1, MOST_STEPS), at);
        let now = Tensor {
            name: NOW.into(),
            shape: vec![],
            element: Element::Index(most),
            kind: TensorKind::Input(NOW.into()),
            per_example: false,
            of: None,
            at,
        };
        tensors.push(if self.counted { now } else { nothing(&now) });
        let mut outputs = self.old.outputs.clone();
        let mut pasts = Vec::new();
        let all: Vec<(TensorId, i64)> = self.past.iter().map(|(tensor, far)| (*tensor, *far)).collect();
        let first_next = tensors.len() + all.len();
        let mut nexts = Vec::new();
        for (number, &(tensor, far)) in all.iter().enumerate() {
            let axis = self.axis[&tensor];
            let old = &self.old.tensors[tensor];
            let steps = self.sizes.written(far, old.at);
            let mut shape = old.shape.clone();
            shape[axis] = steps;
            let input = Symbol::from(format!("past {number} {}", old.name));
            let past = Tensor { shape, kind: TensorKind::Input(input.clone()), ..old.clone() };
            let sizes = |sizes: &[SizeId]| sizes.iter().map(|&n| self.sizes.number(n).unwrap_or(1) as usize).product();
            let (outer, inner) = (sizes(&past.shape[..axis]), sizes(&past.shape[axis + 1..]));
            let is_index = matches!(old.element, Element::Index(_));
            let of = if let TensorKind::Input(name) = &old.kind { Some(name.clone()) } else { None };
            if is_index && of.is_none() {
                return Err(refusal(format!("it reads earlier whole numbers of `{}`", old.name), old.at));
            }
            let mut next = None;
            if of.is_none() {
                let id = TensorId::new(first_next + nexts.len());
                pieces.extend(self.next(tensor, id, axis, far, &past));
                let name = Symbol::from(format!("next {number} {}", old.name));
                outputs.push((name.clone(), id));
                nexts.push(Tensor { name: name.clone(), kind: TensorKind::Defined, ..past.clone() });
                next = Some(name);
            }
            tensors.push(Tensor { name: input.clone(), ..past });
            pasts.push(Past { input, next, of, outer, steps: far as usize, inner, is_index });
        }
        nexts.into_iter().for_each(|next| {
            tensors.push(next);
        });
        let uses = self.old.uses.clone();
        Ok((Flat { tensors, pieces, outputs, updates: vec![], uses, lengths: Default::default() }, pasts))
    }

    fn at_one(&self, id: TensorId) -> Tensor {
        let old = &self.old.tensors[id];
        let one = |size: &SizeId| if self.is_open(*size) { self.one } else { *size };
        Tensor { shape: old.shape.iter().map(one).collect(), ..old.clone() }
    }

    /// `next[.., k, ..] = past[.., k+1, ..]`, at the end the present step.
    fn next(&mut self, tensor: TensorId, out: TensorId, axis: usize, far: i64, past: &Tensor) -> Vec<Piece> {
        let (from, at) = (self.past_of(tensor), past.at);
        let mut make = |steps: i64, source: TensorId, read: i64, write: i64| {
            let mut vars = Arena::new();
            let extent = |i: usize, size: SizeId| if i == axis { None } else { Some(size) };
            let steps = self.sizes.written(steps, at);
            let all: Vec<VarId> = past
                .shape
                .iter()
                .enumerate()
                .map(|(i, &size)| {
                    vars.push(Var { name: format!("i{i}").into(), extent: extent(i, size).unwrap_or(steps) })
                })
                .collect();
            let forms = |shift: i64| {
                all.iter().enumerate().map(move |(i, &var)| {
                    let constant = Poly::number(if i == axis { shift } else { 0 });
                    Linear { constant, terms: vec![(var, Poly::number(1))] }
                })
            };
            let subscripts = forms(read).map(Subscript::Affine).collect();
            let write = forms(write).collect();
            let body = Scalar::Load { tensor: source, subscripts, at };
            Piece { out, free: all.clone(), vars, write, body, of: None, at }
        };
        let kept = (far > 1).then(|| make(far - 1, from, 1, 0));
        let new = make(1, tensor, 0, far - 1);
        kept.into_iter().chain([new]).collect()
    }
}

/// In the place of what nothing needs.
fn nothing(tensor: &Tensor) -> Tensor {
    let kind = TensorKind::Constant(Arc::from([0.0]));
    Tensor { shape: vec![], element: Element::Real, kind, per_example: false, ..tensor.clone() }
}

fn refusal(why: String, at: Span) -> Refusal {
    Refusal { why, at }
}

/// Tells all tensors that a scalar reads.
fn loads(scalar: &Scalar, tell: &mut dyn FnMut(TensorId)) {
    match scalar {
        Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) => {}
        Scalar::Load { tensor, subscripts, .. } => {
            tell(*tensor);
            for subscript in subscripts {
                if let Subscript::Data { tensor, .. } = subscript {
                    tell(*tensor);
                }
            }
        }
        Scalar::Unary(_, a) => loads(a, tell),
        Scalar::Binary(_, a, b) => [a, b].into_iter().for_each(|part| loads(part, tell)),
        Scalar::If(condition, a, b) => {
            condition_loads(condition, tell);
            [a, b].into_iter().for_each(|part| loads(part, tell));
        }
        Scalar::Reduce { body, .. } => loads(body, tell),
    }
}

fn condition_loads(condition: &Condition, tell: &mut dyn FnMut(TensorId)) {
    match condition {
        Condition::Index { .. } => {}
        Condition::Real(_, a, b) => [a, b].into_iter().for_each(|part| loads(part, tell)),
        Condition::And(a, b) | Condition::Or(a, b) => [a, b].into_iter().for_each(|part| condition_loads(part, tell)),
    }
}
