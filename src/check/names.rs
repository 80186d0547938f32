//! What an unknown name may have been meant for.

use super::checker::Checker;
use super::intrinsics::Intrinsic;
use super::scope::Env;
use crate::ids::Symbol;

impl<'t> Checker<'t> {
    /// Names in sight that are like `name`, the nearest first; blocks and functions if it stands in call position.
    pub fn near(&self, name: &str, env: &Env, call: bool) -> Vec<Symbol> {
        let mut known: Vec<Symbol> = Vec::new();
        let mut next = Some(env.scope);
        while let Some(id) = next {
            let scope = self.scope(id);
            known.extend(scope.names.keys().filter(|name| !name.is_empty()).cloned());
            next = scope.parent;
        }
        if call {
            known.extend(self.user.keys().chain(self.library.keys()).cloned());
            known.extend(Intrinsic::NAMES.iter().map(|(name, _)| Symbol::from(*name)));
        }
        known.extend(env.indices.iter().map(|(name, _)| name.clone()));
        let mut near: Vec<(usize, Symbol)> = known.into_iter().map(|other| (distance(name, &other), other)).collect();
        let most = match name.chars().count() {
            0..=2 => 0,
            3..=5 => 1,
            _ => 2,
        };
        near.retain(|(d, other)| *d <= most && **other != *name);
        near.sort();
        near.dedup();
        near.into_iter().map(|(_, name)| name).take(3).collect()
    }
}

/// How many letters must be put in, taken out or exchanged, capitals not counted.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let here = if x == y { diagonal } else { 1 + diagonal.min(row[j]).min(row[j + 1]) };
            diagonal = row[j + 1];
            row[j + 1] = here;
        }
    }
    row[b.len()]
}
