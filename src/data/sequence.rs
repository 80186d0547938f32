//! Columns that are made step by step: sequences of lines, each with its own length.

use super::error::Result;
use super::fit::{Column, RawValues, Want};
use crate::check::Counted;
use indexmap::IndexSet;

/// The values of one field as they come: cells of a step, steps of an example, examples.
pub struct Growing {
    /// Numbers, or positions in `names`.
    values: Vec<f32>,
    names: Option<IndexSet<String>>,
    /// Where the present example begins.
    begin: usize,
    /// The axis that grows, and the product of the sizes before and behind it.
    open: Option<(usize, usize)>,
    /// Cells of one step.
    step: usize,
    lengths: Vec<u32>,
    shape: Vec<usize>,
}

impl Growing {
    /// For a field; its open axis, if it has one, is what grows.
    pub fn new(want: &Want) -> Growing {
        let shape: Vec<usize> = want.sizes().into_iter().map(|size| size.unwrap_or(1)).collect();
        let open = want.open_axis().map(|axis| (axis, shape[axis + 1..].iter().product()));
        let step = shape.iter().product();
        let names = want.classes.map(|_| IndexSet::new());
        Growing { values: vec![], names, begin: 0, open, step, lengths: vec![], shape }
    }

    /// Whether its examples are sequences.
    pub fn grows(&self) -> bool {
        self.open.is_some()
    }

    /// Cells of one step.
    pub fn step_size(&self) -> usize {
        self.step
    }

    /// One more cell; false if it is no number and the field takes numbers only.
    pub fn push(&mut self, cell: &str) -> bool {
        if let Some(names) = &mut self.names {
            let place = names.get_index_of(cell).unwrap_or_else(|| names.insert_full(cell.to_string()).0);
            self.values.push(place as f32);
            return place < 1 << 24;
        }
        match number(cell) {
            Some(value) => self.values.push(value as f32),
            None => return false,
        }
        true
    }

    /// Whether the present example has the same cells as its first step so far: it has one value, not one a step.
    pub fn repeats(&mut self) -> bool {
        let own = &self.values[self.begin..];
        let (first, rest) = own.split_at(self.step.min(own.len()));
        let same = rest.chunks(self.step.max(1)).all(|step| step == first);
        self.values.truncate(self.begin + self.step);
        same
    }

    /// Ends the present example.
    pub fn close(&mut self) {
        if let Some((_, inner)) = self.open {
            let steps = (self.values.len() - self.begin) / self.step.max(1);
            self.lengths.push(steps as u32);
            turn(&mut self.values[self.begin..], steps, self.step / inner.max(1), inner);
        }
        self.begin = self.values.len();
    }

    /// The column. Names that are all numbers are these numbers, others are numbered in sorted order.
    pub fn column(self, path: &str) -> Result<Column> {
        let open = self.open.map(|(axis, _)| (axis, self.lengths));
        let column = |values| Column { open, ..Column::new(path, &self.shape, values) };
        let Some(names) = self.names else { return Ok(column(RawValues::Real(self.values))) };
        let numbers: Option<Vec<f64>> = names.iter().map(|name| number(name)).collect();
        if let Some(numbers) = numbers {
            let values = self.values.iter().map(|place| numbers[*place as usize] as f32).collect();
            return Ok(column(RawValues::Real(values)));
        }
        let mut sorted: Vec<String> = names.iter().cloned().collect();
        sorted.sort();
        let rank = |name: &String| sorted.binary_search(name).expect("both hold the same names") as i64;
        let ranks: Vec<i64> = names.iter().map(rank).collect();
        let values = self.values.iter().map(|place| ranks[*place as usize]).collect();
        Ok(Column { classes: sorted, counted: Counted::Classes, ..column(RawValues::Whole(values)) })
    }
}

/// A finite number.
pub fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|value: &f64| value.is_finite())
}

/// From `[steps, outer, inner]` to `[outer, steps, inner]`.
fn turn(values: &mut [f32], steps: usize, outer: usize, inner: usize) {
    if outer <= 1 || steps <= 1 {
        return;
    }
    let old = values.to_vec();
    for (place, to) in values.iter_mut().enumerate() {
        let (o, rest) = (place / (steps * inner), place % (steps * inner));
        let (t, i) = (rest / inner, rest % inner);
        *to = old[(t * outer + o) * inner + i];
    }
}
