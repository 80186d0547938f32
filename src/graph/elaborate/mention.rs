//! Which axes a value depends on: a lifted equation has those and no others.

use super::Place;
use super::lift::{Ax, Lifting};
use crate::check::net::{self, Condition, Linear, Scalar, Subscript};
use crate::size::Poly;
use indexmap::IndexSet;

impl Lifting<'_, '_, '_> {
    /// The axes that a value depends on.
    pub(super) fn mentions(&self, scalar: &Scalar, out: &mut IndexSet<Ax>) {
        match scalar {
            Scalar::Number(_) => {}
            Scalar::Size(size) => self.own_mentions(self.house.checked.sizes.value(*size), out),
            Scalar::Index(form) => self.linear_mentions(form, out),
            Scalar::Load { tensor, subscripts, .. } => {
                self.tensor_mentions(*tensor, out);
                for subscript in subscripts {
                    match subscript {
                        Subscript::Affine(form) => self.linear_mentions(form, out),
                        Subscript::Data { tensor, subscripts } => {
                            self.tensor_mentions(*tensor, out);
                            subscripts.iter().for_each(|form| self.linear_mentions(form, out));
                        }
                    }
                }
            }
            Scalar::Unary(_, a) => self.mentions(a, out),
            Scalar::Binary(_, a, b) => {
                self.mentions(a, out);
                self.mentions(b, out);
            }
            Scalar::If(condition, a, b) => {
                self.condition_mentions(condition, out);
                self.mentions(a, out);
                self.mentions(b, out);
            }
            Scalar::Reduce { vars, across_batch, body, .. } => {
                let mut inside = IndexSet::new();
                self.mentions(body, &mut inside);
                vars.iter()
                    .for_each(|&var| self.own_mentions(self.house.checked.sizes.value(self.extent(var)), &mut inside));
                inside.retain(|ax| match ax {
                    Ax::Batch => !across_batch,
                    Ax::Var(var) => !vars.contains(var),
                    Ax::Pin => false,
                });
                out.extend(inside);
            }
        }
    }

    fn tensor_mentions(&self, tensor: net::TensorId, out: &mut IndexSet<Ax>) {
        if self.tensors.per_example(tensor) && matches!(self.tensors.places[tensor.index()], Place::Tensor(_)) {
            out.insert(Ax::Batch);
        }
    }

    pub(super) fn condition_mentions(&self, condition: &Condition, out: &mut IndexSet<Ax>) {
        match condition {
            Condition::Index { form, .. } => self.linear_mentions(form, out),
            Condition::Real(_, a, b) => {
                self.mentions(a, out);
                self.mentions(b, out);
            }
            Condition::And(a, b) | Condition::Or(a, b) => {
                self.condition_mentions(a, out);
                self.condition_mentions(b, out);
            }
        }
    }

    fn linear_mentions(&self, form: &Linear, out: &mut IndexSet<Ax>) {
        out.extend(form.terms.iter().map(|(var, _)| Ax::Var(*var)));
        self.own_mentions(Some(&form.constant), out);
    }

    /// A length of its own makes a value the example's.
    fn own_mentions(&self, size: Option<&Poly>, out: &mut IndexSet<Ax>) {
        if size.is_some_and(|size| self.house.own_length(size).is_some()) {
            out.insert(Ax::Batch);
        }
    }
}
