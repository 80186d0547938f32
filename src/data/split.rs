//! One split of a data set in memory: for each field all examples, row-major, and how a batch is filled from them.
//!
//! **Invariants**: `starts` lie inside the values, an example's values are as many as the product of its own shape;
//! every value of an index field lies below its number of classes; `count` fits u32 and is not 0; no size is 0.

use super::augment::{Augment, Draw};
use super::extent::{Bounds, Extent, Open, Shape, runs};
use crate::ids::Symbol;

/// All examples of one split.
#[derive(Clone, Debug)]
pub struct Split {
    pub fields: Vec<FieldData>,
    /// The number of examples.
    pub count: usize,
    /// What is done to each example as it is read, in order.
    pub augment: Vec<Augment>,
    /// The symbols of the fields' shapes with their sizes.
    pub open: Vec<Open>,
}

/// One field of all examples.
#[derive(Clone, Debug)]
pub struct FieldData {
    pub name: Symbol,
    /// Of one example, as the `.net` file declares it.
    pub shape: Vec<Extent>,
    pub starts: Starts,
    pub values: Values,
    /// Names of the classes of an index field, where the source knows them.
    pub classes: Vec<String>,
}

/// Where each example's values begin.
#[derive(Clone, Debug)]
pub enum Starts {
    /// All examples are as large.
    Every(usize),
    Each(Vec<usize>),
}

/// Row-major, one example behind the other.
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

    /// The names of what its index fields number, where they are known.
    pub fn names(&self) -> Vec<(Symbol, Vec<String>)> {
        let known = self.fields.iter().filter(|field| !field.classes.is_empty());
        known.map(|field| (field.name.clone(), field.classes.clone())).collect()
    }

    /// What each symbol is in a batch of the examples `rows`: the largest of their sizes.
    pub fn bounds(&self, rows: &[u32]) -> Bounds {
        Bounds::new(self.open.iter().map(|open| (open.symbol.clone(), open.sizes.largest(rows))).collect())
    }

    /// Writes the sizes that a symbol has in the examples `rows`. False if no field has that symbol.
    pub fn fill_sizes(&self, symbol: &str, rows: &[u32], out: &mut [i32]) -> bool {
        let Some(open) = self.open.iter().find(|open| *open.symbol == *symbol) else { return false };
        assert_eq!(out.len(), rows.len(), "a size for each example");
        out.iter_mut().zip(rows).for_each(|(out, &row)| *out = open.sizes.of(row) as i32);
        true
    }

    /// The sizes of an example's axes in a field.
    pub fn shape_of(&self, field: usize, row: u32) -> Shape {
        self.shape_with(field, |symbol| self.size_of(symbol, row))
    }

    /// The sizes of a field's axes in a batch.
    pub fn shape_in(&self, field: usize, bounds: &Bounds) -> Shape {
        self.shape_with(field, |symbol| bounds.get(symbol).expect("a batch binds every symbol"))
    }

    fn shape_with(&self, field: usize, size: impl Fn(&str) -> u32) -> Shape {
        let axis = |extent: &Extent| match extent {
            Extent::Fixed(size) => *size,
            Extent::Each(symbol) => size(symbol) as usize,
        };
        self.fields[field].shape.iter().map(axis).collect()
    }

    fn size_of(&self, symbol: &str, row: u32) -> u32 {
        let open = self.open.iter().find(|open| *open.symbol == *symbol);
        open.expect("a split knows the symbols of its fields").sizes.of(row)
    }

    /// Writes the examples `rows` of a real field into `out`, each as large as `bounds` say, what is behind its own
    /// size 0. With `draw` they are augmented: what is drawn depends on (seed, epoch, example)
    /// alone, not on the batch.
    pub fn fill_f32(&self, field: usize, rows: &[u32], draw: Option<Draw>, bounds: &Bounds, out: &mut [f32]) {
        let data = &self.fields[field];
        self.each(field, rows, bounds, out, |from, to| match &data.values {
            Values::Bytes(bytes, table) => look_up(&bytes[from], table, to),
            Values::Real(values) => to.copy_from_slice(&values[from]),
            Values::Index(_) => panic!("`{}` holds whole numbers", data.name),
        });
        if self.augment.is_empty() {
            return;
        }
        let wide = self.shape_in(field, bounds);
        for (to, &row) in out.chunks_exact_mut(wide.iter().product::<usize>().max(1)).zip(rows) {
            super::augment::apply(&self.augment, field, draw, row, (&self.shape_of(field, row), &wide), to);
        }
    }

    /// Writes the examples `rows` of an index field into `out`, as [`Split::fill_f32`].
    pub fn fill_i32(&self, field: usize, rows: &[u32], bounds: &Bounds, out: &mut [i32]) {
        let Values::Index(values) = &self.fields[field].values else {
            panic!("`{}` holds real numbers", self.fields[field].name)
        };
        self.each(field, rows, bounds, out, |from, to| to.copy_from_slice(&values[from]));
    }

    /// Tells `copy` for every run of neighbours where it is held and where it goes.
    fn each<T: Default>(
        &self,
        field: usize,
        rows: &[u32],
        bounds: &Bounds,
        out: &mut [T],
        copy: impl Fn(std::ops::Range<usize>, &mut [T]),
    ) {
        let data = &self.fields[field];
        let wide = self.shape_in(field, bounds);
        let size: usize = wide.iter().product();
        assert_eq!(out.len(), rows.len() * size, "the buffer of `{}` fits its rows", data.name);
        for (to, &row) in out.chunks_exact_mut(size.max(1)).zip(rows) {
            let own = self.shape_of(field, row);
            assert!(own.iter().zip(&wide).all(|(own, wide)| own <= wide), "a batch holds each of its examples");
            if own != wide {
                to.fill_with(T::default);
            }
            let start = data.starts.of(row);
            runs(&own, &wide, &mut |from, at, len| copy(start + from..start + from + len, &mut to[at..at + len]));
        }
    }
}

impl FieldData {
    /// Whether it holds whole numbers.
    pub fn is_index(&self) -> bool {
        matches!(self.values, Values::Index(_))
    }
}

impl Starts {
    /// Where an example's values begin.
    pub fn of(&self, row: u32) -> usize {
        match self {
            Starts::Every(size) => row as usize * size,
            Starts::Each(starts) => starts[row as usize],
        }
    }

    /// The example that the value at a place belongs to.
    pub fn example(&self, place: usize) -> u64 {
        match self {
            Starts::Every(size) => (place / (*size).max(1)) as u64,
            Starts::Each(starts) => (starts.partition_point(|start| *start <= place) - 1) as u64,
        }
    }
}

fn look_up(bytes: &[u8], table: &[f32; 256], to: &mut [f32]) {
    for (to, &byte) in to.iter_mut().zip(bytes) {
        *to = table[usize::from(byte)];
    }
}
