//! From what a file holds to what the fields of `data` declare: shapes compared, labels bounded, pixels scaled.

use super::error::{DataError, DataProblem, Result, Where};
use super::split::{FieldData, Split, Values};
use crate::ids::Symbol;

/// A field as the `.net` file declares it.
#[derive(Clone, Debug)]
pub struct Want {
    pub name: Symbol,
    /// Of one example.
    pub shape: Vec<usize>,
    /// `index(n)`: whole numbers below n.
    pub classes: Option<usize>,
}

/// What a source gives: a column for each field, in their order.
#[derive(Clone, Debug)]
pub struct Raw {
    pub columns: Vec<Column>,
    /// The number of examples.
    pub count: usize,
}

/// One column: `count * product(shape)` values, row-major.
#[derive(Clone, Debug)]
pub struct Column {
    /// The file that it comes from, for messages.
    pub path: String,
    /// Of one example.
    pub shape: Vec<usize>,
    pub values: RawValues,
    /// Names of classes, if the values are such.
    pub classes: Vec<String>,
}

/// Values as a file holds them.
#[derive(Clone, Debug)]
pub enum RawValues {
    Bytes(Vec<u8>),
    Real(Vec<f32>),
    Whole(Vec<i64>),
}

/// `scale * value + shift`, for real fields.
#[derive(Clone, Copy, Debug)]
pub struct Scaling {
    pub scale: f64,
    pub shift: f64,
}

/// Holds the columns against the fields. Errors: another number of fields, another shape, a label out of range.
pub fn fit(raw: Raw, wants: &[Want], scaling: Scaling) -> Result<Split> {
    let path = raw.columns.first().map_or("", |c| &c.path);
    if raw.columns.len() != wants.len() {
        let found = super::count(raw.columns.len(), "field");
        return Err(DataError::new(DataProblem::Unfit, path, super::count(wants.len(), "field"), found));
    }
    if raw.count == 0 || u32::try_from(raw.count).is_err() {
        return Err(DataError::new(DataProblem::Unfit, path, "1 to 2^32 examples", raw.count.to_string()));
    }
    let columns = raw.columns.into_iter().zip(wants);
    let fields = columns.map(|(column, want)| field(column, want, raw.count, scaling)).collect::<Result<_>>()?;
    Ok(Split { fields, count: raw.count, augment: vec![] })
}

fn field(column: Column, want: &Want, count: usize, scaling: Scaling) -> Result<FieldData> {
    check_shape(&column, want)?;
    check_classes(&column, want)?;
    let held = column.values.len();
    assert_eq!(Some(held), super::product(&[&[count][..], &column.shape].concat()), "a source gives what it says");
    let values = match want.classes {
        Some(n) => Values::Index(labels(&column, want, n)?),
        None => real(column.values, scaling),
    };
    Ok(FieldData { name: want.name.clone(), shape: want.shape.clone(), values, classes: column.classes })
}

/// Shapes agree if they do so without axes of size 1: an 8x8 image is a `[1, 8, 8]`.
fn check_shape(column: &Column, want: &Want) -> Result<()> {
    let bare = |shape: &[usize]| shape.iter().copied().filter(|n| *n != 1).collect::<Vec<_>>();
    if bare(&column.shape) == bare(&want.shape) {
        return Ok(());
    }
    let expected = format!("{} for `{}` of each example", show(&want.shape), want.name);
    Err(DataError::new(DataProblem::Unfit, &column.path, expected, show(&column.shape)))
}

fn check_classes(column: &Column, want: &Want) -> Result<()> {
    let Some(n) = want.classes else { return Ok(()) };
    if column.classes.is_empty() || column.classes.len() == n {
        return Ok(());
    }
    let expected = format!("{} for `{}`", super::count(n, "class"), want.name);
    let found = format!("{}: {}", column.classes.len(), few(&column.classes));
    Err(DataError::new(DataProblem::Unfit, &column.path, expected, found))
}

fn labels(column: &Column, want: &Want, n: usize) -> Result<Vec<i32>> {
    let size: usize = column.shape.iter().product();
    let one = |(place, label): (usize, f64)| {
        if libm::trunc(label) == label && label >= 0.0 && label < n as f64 {
            return Ok(label as i32);
        }
        let expected = format!("whole numbers from 0 to {} for `{}`", n.saturating_sub(1), want.name);
        let error = DataError::new(DataProblem::Unfit, &column.path, expected, label.to_string());
        Err(error.at(Where::Example((place / size.max(1)) as u64)))
    };
    match &column.values {
        RawValues::Bytes(bytes) => bytes.iter().map(|b| f64::from(*b)).enumerate().map(one).collect(),
        RawValues::Real(values) => values.iter().map(|v| f64::from(*v)).enumerate().map(one).collect(),
        RawValues::Whole(values) => values.iter().map(|v| *v as f64).enumerate().map(one).collect(),
    }
}

/// Rounded once, from f64.
fn real(values: RawValues, Scaling { scale, shift }: Scaling) -> Values {
    let change = |value: f64| (scale * value + shift) as f32;
    match values {
        RawValues::Bytes(bytes) => Values::Bytes(bytes, Box::new(std::array::from_fn(|b| change(b as f64)))),
        RawValues::Real(values) => Values::Real(values.into_iter().map(|v| change(f64::from(v))).collect()),
        RawValues::Whole(values) => Values::Real(values.into_iter().map(|v| change(v as f64)).collect()),
    }
}

impl RawValues {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            RawValues::Bytes(values) => values.len(),
            RawValues::Real(values) => values.len(),
            RawValues::Whole(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `[1, 28, 28]`
pub fn show(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", sizes.join(", "))
}

/// `bear, bird, cat, ... wolf, zebra`: at most five.
pub fn few(names: &[String]) -> String {
    match names {
        [a, b, c, .., y, z] if names.len() > 5 => format!("{a}, {b}, {c}, ... {y}, {z}"),
        _ => names.join(", "),
    }
}
