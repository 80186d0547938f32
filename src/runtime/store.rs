//! Parameters and state by name: what outlives programs and is shared by all of a session.
//!
//! **Invariant**: a name keeps its memory until it is replaced or removed; `version` changes whenever some name's
//! memory does, so that a program knows whether what it has bound is still right.

use super::arena::Span;
use crate::ids::Symbol;
use indexmap::IndexMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Named f32 buffers, row-major.
pub struct Store {
    spans: IndexMap<Symbol, Span>,
    version: u64,
}

impl Default for Store {
    fn default() -> Store {
        Store { spans: IndexMap::new(), version: new_version() }
    }
}

/// Unlike that of any other store.
fn new_version() -> u64 {
    static VERSIONS: AtomicU64 = AtomicU64::new(1);
    VERSIONS.fetch_add(1, Ordering::Relaxed)
}

impl Store {
    /// Nothing.
    pub fn new() -> Store {
        Store::default()
    }

    /// Sets a buffer; in place if it is there with the same length.
    pub fn set(&mut self, name: &str, values: &[f32]) {
        if let Some(span) = self.spans.get_mut(name)
            && span.len() == values.len()
        {
            span.f32_mut().copy_from_slice(values);
            return;
        }
        let mut span = Span::alone(values.len());
        span.f32_mut().copy_from_slice(values);
        self.spans.insert(name.into(), span);
        self.version = new_version();
    }

    /// A buffer's numbers.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.spans.get(name).map(Span::f32)
    }

    /// A buffer's numbers, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut [f32]> {
        self.spans.get_mut(name).map(Span::f32_mut)
    }

    /// Forgets a buffer.
    pub fn remove(&mut self, name: &str) {
        self.spans.shift_remove(name);
        self.version = new_version();
    }

    /// Names and numbers, in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&Symbol, &[f32])> {
        self.spans.iter().map(|(name, span)| (name, span.f32()))
    }

    /// How many buffers.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    pub(super) fn span(&self, name: &str) -> Option<&Span> {
        self.spans.get(name)
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }
}
