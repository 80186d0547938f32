//! Inputs of a block that are given something else than their declared tensor: a number for all elements, whole
//! numbers written in the file, or nothing, when a parameter is born.

use super::bind::Binding;
use super::checker::Checker;
use super::found::Fact;
use super::net::{Element, TensorKind};
use super::params::Start;
use super::scope::Env;
use super::values::{Arg, Value, View};
use crate::source::Span;
use crate::source::tree::{self, Default, Input, Type};
use smallvec::SmallVec;
use std::sync::Arc;

impl<'t> Checker<'t> {
    /// A number or a written array where a tensor is declared.
    pub(super) fn bind_odd(&mut self, b: &mut Binding<'t>, slot: usize, arg: Arg<'t>, inner: &Env, outer: &Env) {
        let input = b.input(slot);
        let Some(ty) = &input.ty else { return };
        let value = match &ty.element {
            tree::Element::Index(_) => self.index_constant(ty, &arg, inner, outer),
            tree::Element::Real | tree::Element::Probability(_) => self.filled(b, slot, ty, arg, inner, outer),
        };
        let value = match value {
            Some(view) => Value::View(view),
            None => {
                b.wrong = true;
                Value::Poison
            }
        };
        self.set(inner.scope, &input.name.text, value);
    }

    /// A number fits everywhere: the declared shape filled with it.
    fn filled(
        &mut self,
        b: &Binding<'t>,
        slot: usize,
        ty: &'t Type,
        arg: Arg<'t>,
        inner: &Env,
        outer: &Env,
    ) -> Option<View> {
        let dims = self.dims(ty, inner);
        let mut term = self.to_term(arg.value, arg.at, outer)?;
        for (i, dim) in dims.into_iter().enumerate() {
            let Some(size) = dim else {
                self.missing_shape(b, slot, arg.at, outer);
                return None;
            };
            let var = self.axis(i, size);
            term.axes.push(var);
        }
        if matches!(ty.element, tree::Element::Probability(_)) {
            term.element = Element::Probability;
        }
        let name = b.input(slot).name.text.clone();
        self.try_copy(term, &name, outer, arg.at)
    }

    fn missing_shape(&mut self, b: &Binding<'t>, slot: usize, at: Span, outer: &Env) {
        let wants = format!("a tensor for '{}'", b.input(slot).name.text);
        self.raise(Fact::WrongSort { wants, is: "a number".into() }, at, outer);
    }

    /// Whole numbers written in the file.
    fn index_constant(&mut self, ty: &'t Type, arg: &Arg<'t>, inner: &Env, outer: &Env) -> Option<View> {
        let element = self.element_of(ty, inner);
        let (mut shape, mut values) = (Vec::new(), Vec::new());
        if !self.flatten(&arg.value, 0, &mut shape, &mut values, arg.at, outer) {
            return None;
        }
        let Element::Index(n) = element else { return None };
        let below = self.sizes.number(n).unwrap_or(i64::MAX) as f64;
        if let Some(wrong) = values.iter().find(|x| x.fract() != 0.0 || **x < 0.0 || **x >= below) {
            let wants = format!("whole numbers from 0 to {}", below - 1.0);
            self.raise(Fact::WrongSort { wants, is: format!("{wrong}") }, arg.at, outer);
            return None;
        }
        let sizes = shape.iter().map(|&n| self.sizes.written(n as i64, arg.at)).collect();
        let kind = TensorKind::Constant(Arc::from(values));
        let tensor = self.flat.tensor("array", sizes, element, kind, outer.use_id, arg.at);
        Some(View { tensor, hidden: SmallVec::new() })
    }

    /// A tensor that was not given: its default, or a parameter that is born.
    pub(super) fn default_tensor(
        &mut self,
        b: &mut Binding<'t>,
        _slot: usize,
        input: &'t Input,
        ty: &'t Type,
        inner: &Env,
        outer: &Env,
    ) {
        let name = &input.name.text;
        let value = match &input.default {
            None => {
                self.missing(b, input, outer);
                Value::Poison
            }
            Some(Default::Value(pipeline)) => {
                let value = self.pipeline(pipeline, inner);
                match value {
                    Value::Truth(false) => Value::Absent,
                    other => match self.to_view(other, name, pipeline.at, inner) {
                        Some(view) => Value::View(view),
                        None => Value::Poison,
                    },
                }
            }
            Some(Default::Born { state, init, .. }) => {
                let start = match init {
                    Some(expr) => self.start_of(expr, inner),
                    None => Start::Default,
                };
                self.born(name, ty, start, !state, input.at, inner)
            }
        };
        self.set(inner.scope, name, value);
    }
}
