//! Which axes a value depends on: a lifted equation has those and no others.

use super::Place;
use super::lift::{Ax, Lifting};
use crate::check::net::{self, Condition, Linear, Scalar, Subscript};
use indexmap::IndexSet;

impl Lifting<'_, '_, '_> {
    /// The axes that a value depends on.
    pub(super) fn mentions(&self, scalar: &Scalar, out: &mut IndexSet<Ax>) {
        match scalar {
            Scalar::Number(_) | Scalar::Size(_) => {}
            Scalar::Index(form) => linear_mentions(form, out),
            Scalar::Load { tensor, subscripts, .. } => {
                self.tensor_mentions(*tensor, out);
                for subscript in subscripts {
                    match subscript {
                        Subscript::Affine(form) => linear_mentions(form, out),
                        Subscript::Data { tensor, subscripts } => {
                            self.tensor_mentions(*tensor, out);
                            subscripts.iter().for_each(|form| linear_mentions(form, out));
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
        if self.flat.tensors[tensor].per_example && matches!(self.tensors.0[tensor.index()], Place::Tensor(_)) {
            out.insert(Ax::Batch);
        }
    }

    pub(super) fn condition_mentions(&self, condition: &Condition, out: &mut IndexSet<Ax>) {
        match condition {
            Condition::Index { form, .. } => linear_mentions(form, out),
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
}

fn linear_mentions(form: &Linear, out: &mut IndexSet<Ax>) {
    out.extend(form.terms.iter().map(|(var, _)| Ax::Var(*var)));
}
