//! What an unknown name may have been meant for: everything in sight. `problem` chooses.

use super::checker::Checker;
use super::intrinsics::Intrinsic;
use super::scope::Env;
use crate::ids::Symbol;
use crate::library;

impl<'t> Checker<'t> {
    /// Names in sight; blocks and functions too if `name` stands in call position.
    pub fn near(&self, name: &str, env: &Env, call: bool) -> Vec<Symbol> {
        let mut known: Vec<Symbol> = Vec::new();
        let mut next = Some(env.scope);
        while let Some(id) = next {
            let scope = self.scope(id);
            known.extend(scope.names.keys().filter(|name| !name.is_empty()).cloned());
            next = scope.parent;
        }
        if call {
            known.extend(self.user.keys().cloned());
            known.extend([false, true].into_iter().flat_map(library::names).map(Symbol::from));
            known.extend(Intrinsic::NAMES.iter().map(|(name, _)| Symbol::from(*name)));
        }
        known.extend(env.indices.iter().map(|(name, _)| name.clone()));
        known.retain(|other| **other != *name);
        known.sort();
        known.dedup();
        known
    }
}
