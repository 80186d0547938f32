//! Open lengths get their numbers from shapes that are there.

use super::net::{Flat, TensorKind};
use crate::ids::Symbol;
use crate::size::{Limits, SizeId, Sizes};
use crate::source::{Sources, Span};
use std::collections::BTreeMap;

/// Why a net cannot be run at some lengths.
#[derive(Clone, Debug, PartialEq)]
pub enum Unfit {
    /// Nothing gives this length.
    Open(Symbol),
    /// The length is not within what the equations ask for.
    Beyond { name: Symbol, value: i64, limits: Limits, at: Option<Span> },
}

/// Adds the numbers that a shape gives to the open lengths in what is declared. False if they do not go together.
pub fn bind(sizes: &Sizes, declared: &[SizeId], has: &[usize], known: &mut BTreeMap<Symbol, i64>) -> bool {
    declared.len() == has.len() && declared.iter().zip(has).all(|(&size, &n)| bind_one(sizes, size, n as i64, known))
}

fn bind_one(sizes: &Sizes, size: SizeId, n: i64, known: &mut BTreeMap<Symbol, i64>) -> bool {
    let Some(rest) = sizes.value(size).and_then(|declared| declared.bind(known).ok()) else { return false };
    if let Some(declared) = rest.as_number() {
        return declared == n;
    }
    let symbols: Vec<Symbol> = rest.symbols().into_iter().collect();
    let [name] = &symbols[..] else { return false };
    let at = |value: i64| rest.value_at(&BTreeMap::from([(name.clone(), value)])).ok().flatten();
    // A straight line through two values: lengths are written as `T`, `2 * n`, `n + 1`.
    let Some((zero, one)) = at(0).zip(at(1)) else { return false };
    let (step, gap) = (one - zero, n - zero);
    if step == 0 || gap % step != 0 || gap / step < 1 || at(gap / step) != Some(n) {
        return false;
    }
    known.insert(name.clone(), gap / step);
    true
}

impl Flat {
    /// The inputs whose shapes have open lengths, by name.
    pub fn open_inputs<'f>(&'f self, sizes: &'f Sizes) -> impl Iterator<Item = (&'f Symbol, &'f [SizeId])> {
        let open = |size: &SizeId| sizes.value(*size).is_some_and(|n| n.as_number().is_none());
        self.tensors.iter().filter_map(move |(_, tensor)| match &tensor.kind {
            TensorKind::Input(name) if tensor.shape.iter().any(open) => Some((name, &tensor.shape[..])),
            TensorKind::Input(_) | TensorKind::Param(_) | TensorKind::Constant(_) => None,
            TensorKind::Noise { .. } | TensorKind::Defined => None,
        })
    }

    /// Whether all its open lengths have numbers within their limits.
    ///
    /// # Errors
    /// The first that has none, or is beyond.
    pub fn fits(&self, known: &BTreeMap<Symbol, i64>) -> Result<(), Unfit> {
        for (name, &(limits, at)) in &self.lengths {
            let value = *known.get(name).ok_or_else(|| Unfit::Open(name.clone()))?;
            if !limits.hold(value) {
                return Err(Unfit::Beyond { name: name.clone(), value, limits, at });
            }
        }
        Ok(())
    }
}

impl Unfit {
    /// What it says.
    pub fn told(&self, sources: &Sources) -> String {
        match self {
            Unfit::Open(name) => format!("the length {name} is open: `--set {name}=N` gives it a number"),
            Unfit::Beyond { name, value, limits, at } => {
                let asked = match at {
                    Some(at) => {
                        let (line, _) = sources.position(*at);
                        format!(": line {line} asks for that, `{}`", sources.text(*at))
                    }
                    None => String::new(),
                };
                format!("{name} is {value} here, and must be {limits}{asked}")
            }
        }
    }
}
