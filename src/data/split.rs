//! One split of a data set in memory: for each field all examples, row-major, and how a batch is filled from them.
//!
//! **Invariants**: every field holds `count * product(shape)` values; every value of an index field lies below its
//! number of classes; `count` fits u32 and is not 0.

use super::augment::{Augment, Draw};
use crate::ids::Symbol;

/// All examples of one split.
#[derive(Clone, Debug)]
pub struct Split {
    pub fields: Vec<FieldData>,
    /// The number of examples.
    pub count: usize,
    /// What is done to each image as it is read, in order; on `train` only.
    pub augment: Vec<Augment>,
}

/// One field of all examples.
#[derive(Clone, Debug)]
pub struct FieldData {
    pub name: Symbol,
    /// Of one example, as the `.net` file declares it.
    pub shape: Vec<usize>,
    pub values: Values,
    /// Names of the classes of an index field, where the source knows them.
    pub classes: Vec<String>,
}

/// Row-major, the example first.
#[derive(Clone, Debug)]
pub enum Values {
    /// Pixels, and the number that each of the 256 stands for: a quarter of the memory.
    Bytes(Vec<u8>, Box<[f32; 256]>),
    Real(Vec<f32>),
    Index(Vec<i32>),
}

impl Split {
    /// The position of a field.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| &*field.name == name)
    }

    /// Writes the examples `rows` of a real field into `out`, of `rows.len() * product(shape)` numbers. With `draw`
    /// images are augmented: what is drawn depends on (seed, epoch, example) alone, not on the batch.
    pub fn fill_f32(&self, field: usize, rows: &[u32], draw: Option<Draw>, out: &mut [f32]) {
        let field = &self.fields[field];
        let size = field.size();
        assert_eq!(out.len(), rows.len() * size, "the buffer of `{}` fits its rows", field.name);
        for (to, &row) in out.chunks_exact_mut(size.max(1)).zip(rows) {
            let from = row as usize * size..(row as usize + 1) * size;
            match &field.values {
                Values::Bytes(bytes, table) => look_up(&bytes[from], table, to),
                Values::Real(values) => to.copy_from_slice(&values[from]),
                Values::Index(_) => panic!("`{}` holds whole numbers", field.name),
            }
            if let (Some(draw), [_, height, width]) = (draw, &field.shape[..]) {
                super::augment::apply(&self.augment, draw, row, (*height, *width), to);
            }
        }
    }

    /// Writes the examples `rows` of an index field into `out`.
    pub fn fill_i32(&self, field: usize, rows: &[u32], out: &mut [i32]) {
        let field = &self.fields[field];
        let size = field.size();
        assert_eq!(out.len(), rows.len() * size, "the buffer of `{}` fits its rows", field.name);
        let Values::Index(values) = &field.values else { panic!("`{}` holds real numbers", field.name) };
        for (to, &row) in out.chunks_exact_mut(size.max(1)).zip(rows) {
            to.copy_from_slice(&values[row as usize * size..(row as usize + 1) * size]);
        }
    }
}

impl FieldData {
    /// The numbers of one example.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds whole numbers.
    pub fn is_index(&self) -> bool {
        matches!(self.values, Values::Index(_))
    }
}

fn look_up(bytes: &[u8], table: &[f32; 256], to: &mut [f32]) {
    for (to, &byte) in to.iter_mut().zip(bytes) {
        *to = table[usize::from(byte)];
    }
}
