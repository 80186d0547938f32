//! The end of checking: what nothing needs is dropped, uses and parameters get their names, sums their initial values.

use super::across::MeasureDraft;
use super::checker::Checker;
use super::flat::{Building, UseInfo};
use super::forms::{each_part, each_tensor};
use super::initialisers::{Readers, initial};
use super::items::Drafts;
use super::net::{
    Checked, Flat, Measure, Net, Objective, ParamId, Parameter, Pass, Piece, Report, Scalar, Show, Subscript, Tensor,
    TensorId, TensorKind, Test, Training, Use, UseId,
};
use crate::ids::{Arena, Symbol};
use crate::size::{Limits, Poly, Sizes};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// A flat list without names.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    flat: Flat,
    uses: Vec<UseInfo>,
    /// Of an optimiser: the new weight.
    pub new_weight: Option<TensorId>,
}

impl Draft {
    /// Keeps what outputs and updates need.
    pub fn of(building: Building, mut outputs: Vec<(Symbol, TensorId)>, sizes: &Sizes) -> Draft {
        let mut building = building;
        let given: Vec<TensorId> = outputs.iter().map(|(_, t)| *t).chain(building.new_weight).collect();
        let mut updates = super::updates::chained(&mut building, &given);
        let Building { tensors, pieces, uses, new_weight, limits, .. } = building;
        let needed = needed(&pieces, given.into_iter().chain(updates.iter().map(|(_, t)| *t)));
        let live = live_uses(&uses, &tensors, &needed);
        let mut places: Vec<Option<TensorId>> = vec![None; tensors.len()];
        let mut kept = Arena::new();
        for (id, tensor) in tensors.iter() {
            if needed.contains(&id) {
                places[id.index()] = Some(kept.push(tensor.clone()));
            }
        }
        let place = |id: TensorId| places[id.index()].expect("a needed tensor is kept");
        let pieces = pieces.into_iter().filter(|piece| needed.contains(&piece.out));
        let mut use_places: Vec<Option<UseId>> = vec![None; uses.len()];
        let mut kept_uses = Vec::new();
        for (i, info) in uses.into_iter().enumerate() {
            if live.contains(&i) {
                use_places[i] = Some(UseId::new(kept_uses.len()));
                let moved = |id: Option<TensorId>| id.and_then(|id| places[id.index()]);
                let parent = info.parent.and_then(|parent| use_places[parent.index()]);
                kept_uses.push(UseInfo { input: moved(info.input), output: moved(info.output), parent, ..info });
            }
        }
        let use_place = |of: Option<UseId>| of.and_then(|of| use_places[of.index()]);
        let mut tensors = Arena::new();
        for (_, tensor) in kept.iter() {
            let of = use_place(tensor.of);
            tensors.push(Tensor { of, ..tensor.clone() });
        }
        let pieces = pieces.map(|mut piece| {
            piece.out = place(piece.out);
            piece.of = use_place(piece.of);
            each_tensor(&mut piece.body, &mut |id| *id = place(*id));
            piece
        });
        let pieces: Vec<Piece> = pieces.collect();
        outputs.iter_mut().for_each(|(_, tensor)| *tensor = place(*tensor));
        updates.iter_mut().for_each(|(_, tensor)| *tensor = place(*tensor));
        let new_weight = new_weight.map(place);
        let lengths = lengths(&tensors, limits, sizes);
        let flat = Flat { tensors, pieces, outputs, updates, uses: Arena::new(), lengths };
        Draft { flat, uses: kept_uses, new_weight }
    }

    /// The parameters and state that are read, and the state that is updated.
    pub fn params(&self) -> BTreeSet<ParamId> {
        let read = self.flat.tensors.iter().filter_map(|(_, tensor)| match tensor.kind {
            TensorKind::Param(id) => Some(id),
            TensorKind::Input(_) | TensorKind::Constant(_) | TensorKind::Noise { .. } | TensorKind::Defined => None,
        });
        read.chain(self.flat.updates.iter().map(|(id, _)| *id)).collect()
    }

    /// The equations.
    pub fn flat(&self) -> &Flat {
        &self.flat
    }

    /// Adds an output.
    pub fn give(&mut self, name: &str, tensor: TensorId) {
        self.flat.outputs.push((name.into(), tensor));
    }

    /// The list with names: `names` and `births` are names and paths of births, `params` the kept parameters.
    fn named(self, names: &[Symbol], births: &[Symbol], params: &[Option<ParamId>]) -> Flat {
        let Draft { mut flat, uses, .. } = self;
        let mut taken: BTreeMap<(Option<UseId>, Symbol), u32> = BTreeMap::new();
        let (mut paths, mut keys): (Vec<String>, Vec<Symbol>) = (Vec::new(), Vec::new());
        for info in uses {
            keys.push(births[info.birth.index()].clone());
            let own = names[info.birth.index()].clone();
            let times = taken.entry((info.parent, own.clone())).or_insert(0);
            *times += 1;
            let name: Symbol = if *times == 1 { own } else { format!("{own}_{times}").into() };
            paths.push(match info.parent {
                Some(parent) if !paths[parent.index()].is_empty() => format!("{}.{name}", paths[parent.index()]),
                Some(_) => name.to_string(),
                // A net's own name does not stand before each of its tensors.
                None => String::new(),
            });
            let own = info.params.iter().filter_map(|id| params[id.index()]).collect();
            let UseInfo { block, parent, input, output, at, .. } = info;
            flat.uses.push(Use { name, block, parent, input, output, params: own, at });
        }
        let ids: Vec<TensorId> = flat.tensors.ids().collect();
        for id in ids {
            let tensor = &mut flat.tensors[id];
            let path = tensor.of.map(|of| paths[of.index()].as_str()).filter(|path| !path.is_empty());
            let whole = path.map(|path| Symbol::from(format!("{path}.{}", tensor.name)));
            match &mut tensor.kind {
                TensorKind::Param(param) => *param = params[param.index()].expect("a read parameter is kept"),
                TensorKind::Noise { key, .. } => {
                    let path = tensor.of.map(|of| format!("{}.", keys[of.index()])).unwrap_or_default();
                    *key = format!("{path}{key}").into();
                }
                TensorKind::Input(_) | TensorKind::Constant(_) | TensorKind::Defined => {}
            }
            if let Some(whole) = whole {
                tensor.name = whole;
            }
        }
        for (param, _) in &mut flat.updates {
            *param = params[param.index()].expect("an updated state is kept");
        }
        flat
    }
}

/// The open lengths in the shapes of tensors, with what is asked of them.
fn lengths(
    tensors: &Arena<Tensor>,
    mut limits: BTreeMap<Symbol, (Limits, Span)>,
    sizes: &Sizes,
) -> BTreeMap<Symbol, (Limits, Option<Span>)> {
    let mut found = BTreeMap::new();
    for (_, tensor) in tensors.iter() {
        let open = tensor.shape.iter().filter_map(|&size| sizes.value(size)).filter(|n| n.as_number().is_none());
        for name in open.flat_map(Poly::symbols) {
            let limit = limits.remove(&name).map(|(limits, at)| (limits, Some(at)));
            found.entry(name).or_insert_with(|| limit.unwrap_or_default());
        }
    }
    found
}

/// The tensors that some need, themselves included.
pub fn needed(pieces: &[Piece], roots: impl Iterator<Item = TensorId>) -> BTreeSet<TensorId> {
    let mut needed: BTreeSet<TensorId> = roots.collect();
    // Pieces stand in data-flow order but for those of a recurrence: one sweep from the last to the first meets readers
    // before what they read, and a circle takes another one.
    let mut before = 0;
    while needed.len() > before {
        before = needed.len();
        sweep(pieces, &mut needed);
    }
    needed
}

fn sweep(pieces: &[Piece], needed: &mut BTreeSet<TensorId>) {
    for piece in pieces.iter().rev() {
        if needed.contains(&piece.out) {
            each_part(&piece.body, &mut |part| {
                if let Scalar::Load { tensor, subscripts, .. } = part {
                    needed.insert(*tensor);
                    for subscript in subscripts {
                        if let Subscript::Data { tensor, .. } = subscript {
                            needed.insert(*tensor);
                        }
                    }
                }
            });
        }
    }
}

/// Uses that made a needed tensor or give one, and those around them.
pub fn live_uses(uses: &[UseInfo], tensors: &Arena<Tensor>, needed: &BTreeSet<TensorId>) -> BTreeSet<usize> {
    let mut live: BTreeSet<usize> = needed.iter().filter_map(|id| tensors[*id].of).map(|of| of.index()).collect();
    for (i, info) in uses.iter().enumerate() {
        if info.output.is_some_and(|output| needed.contains(&output)) {
            live.insert(i);
        }
    }
    for i in (0..uses.len()).rev() {
        if live.contains(&i)
            && let Some(parent) = uses[i].parent
        {
            live.insert(parent.index());
        }
    }
    live
}

/// Gives everything its name and drops parameters that nothing reads.
pub fn finish(checker: Checker, drafts: Drafts) -> Checked {
    let names = checker.births.names();
    let paths = checker.births.paths();
    let flats = drafts.nets.iter().flat_map(|net| [net.train.flat(), net.evaluate.flat()]);
    let flats: Vec<&Flat> =
        flats.chain(drafts.trainings.iter().flat_map(|t| t.objectives.iter().map(|o| o.draft.flat()))).collect();
    let readers = Readers::of(&flats);
    let mut places: Vec<Option<ParamId>> = Vec::new();
    let mut params: Arena<Parameter> = Arena::new();
    for (id, declared) in checker.params.iter() {
        if !checker.live.contains(&id) {
            places.push(None);
            continue;
        }
        let path: Symbol = match declared.kept_for {
            Some((objective, of)) => {
                let known = checker.params.get(of);
                let path = format!("{}.{}", paths[known.birth.index()], known.name);
                format!("optimiser/{objective}/{}/{path}", declared.name).into()
            }
            None => format!("{}.{}", paths[declared.birth.index()], declared.name).into(),
        };
        let init = initial(declared, id, &readers, &checker.sizes);
        let (shape, trained, at) = (declared.shape.clone(), declared.trained, declared.at);
        places.push(Some(params.push(Parameter { path, shape, init, trained, at })));
    }
    let name = |draft: Draft| draft.named(&names, &paths, &places);
    let measure = |measure: MeasureDraft| Measure {
        passes: measure.passes.into_iter().map(|(draft, parts)| Pass { flat: name(draft), parts }).collect(),
        flat: name(measure.last),
        whole: measure.whole,
    };
    let nets = drafts.nets.into_iter().map(|net| Net {
        name: net.name,
        inputs: net.inputs,
        outputs: net.outputs,
        evaluate: name(net.evaluate),
        train: name(net.train),
        at: net.at,
    });
    let trainings = drafts.trainings.into_iter().map(|t| Training {
        nets: t.nets,
        data: t.data,
        objectives: t
            .objectives
            .into_iter()
            .map(|o| Objective {
                flat: name(o.draft),
                evaluate: measure(o.evaluate),
                over: o.over.iter().map(|id| places[id.index()].expect("a trained parameter is kept")).collect(),
                optimiser: o.optimiser,
                clip: o.clip,
                updates: o.updates.into_iter().map(name).collect(),
                at: o.at,
            })
            .collect(),
        reports: t
            .reports
            .into_iter()
            .map(|r| Report { name: r.name, measure: measure(r.measure), at: r.at })
            .collect(),
        shows: t
            .shows
            .into_iter()
            .map(|s| Show { name: s.name, flat: name(s.draft), every: s.every, at: s.at })
            .collect(),
        epochs: t.epochs,
        steps: t.steps,
        batch: t.batch,
        seed: t.seed,
        keep: t.keep,
        patience: t.patience,
        at: t.at,
    });
    let tests = drafts.tests.into_iter().map(|t| Test {
        title: t.title,
        fails: t.fails,
        flat: name(t.draft),
        assertions: t.assertions,
        at: t.at,
    });
    Checked {
        nets: nets.collect(),
        trainings: trainings.collect(),
        tests: tests.collect(),
        datasets: drafts.datasets,
        params,
        remarks: once(checker.remarks),
        sizes: checker.sizes,
        sources: Default::default(),
    }
}

/// One remark a place; where turns of a repeat differ the last counts.
fn once(remarks: Vec<super::net::Remarked>) -> Vec<super::net::Remarked> {
    let mut places: indexmap::IndexMap<crate::source::Span, super::net::Remarked> = indexmap::IndexMap::new();
    for remark in remarks {
        places.insert(remark.at, remark);
    }
    let mut all: Vec<_> = places.into_values().collect();
    all.sort_by_key(|remark| remark.at);
    all
}
