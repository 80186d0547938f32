//! The terms of a polynomial: monomials with their coefficients, in order.
//!
//! Almost every polynomial of a checked net is a plain number, so one term is kept in place: numbers allocate nothing.

use super::Atom;
use smallvec::SmallVec;

/// A product of powers of atoms; empty is 1.
pub type Monomial = Vec<(Atom, u32)>;

/// A map from monomials to coefficients, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Terms(SmallVec<[(Monomial, i64); 1]>);

impl Terms {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The coefficient of a monomial.
    pub fn get(&self, monomial: &[(Atom, u32)]) -> Option<&i64> {
        self.place(monomial).ok().map(|i| &self.0[i].1)
    }

    /// Sets the coefficient of a monomial.
    pub fn insert(&mut self, monomial: Monomial, coefficient: i64) {
        match self.place(&monomial) {
            Ok(i) => self.0[i].1 = coefficient,
            Err(i) => self.0.insert(i, (monomial, coefficient)),
        }
    }

    /// Takes a monomial out.
    pub fn remove(&mut self, monomial: &[(Atom, u32)]) {
        if let Ok(i) = self.place(monomial) {
            self.0.remove(i);
        }
    }

    /// The monomials, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Monomial> {
        self.0.iter().map(|(monomial, _)| monomial)
    }

    /// Monomials with their coefficients, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Monomial, &i64)> {
        self.0.iter().map(|(monomial, coefficient)| (monomial, coefficient))
    }

    fn place(&self, monomial: &[(Atom, u32)]) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_slice().cmp(monomial))
    }
}

impl FromIterator<(Monomial, i64)> for Terms {
    fn from_iter<I: IntoIterator<Item = (Monomial, i64)>>(items: I) -> Terms {
        let mut terms = Terms::default();
        items.into_iter().for_each(|(monomial, coefficient)| terms.insert(monomial, coefficient));
        terms
    }
}
