//! From what a file holds to what the fields of `data` declare: shapes compared, open axes bound, labels bounded, pixels
//! scaled.

use super::error::{DataError, DataProblem, Result, Where};
use super::extent::{Extent, Open, Sizes};
use super::split::{FieldData, Split, Starts, Values};
use crate::check::{Counted, FieldFacts, Range, SplitFacts, align};
use crate::ids::Symbol;

/// A field as the `.net` file declares it.
#[derive(Clone, Debug)]
pub struct Want {
    pub name: Symbol,
    /// Of one example.
    pub shape: Vec<Extent>,
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

/// One column: the values of all examples, one behind the other, each row-major.
#[derive(Clone, Debug)]
pub struct Column {
    /// The file that it comes from, for messages.
    pub path: String,
    /// Of one example; the size of an open axis is not read.
    pub shape: Vec<usize>,
    /// The axis that each example has its own size on, with these sizes.
    pub open: Option<(usize, Vec<u32>)>,
    pub values: RawValues,
    /// Names of classes or characters, if the values are such.
    pub classes: Vec<String>,
    pub counted: Counted,
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

impl Want {
    /// The sizes of its axes, if none is open.
    pub fn fixed(&self) -> Option<Vec<usize>> {
        self.shape.iter().map(Extent::fixed).collect()
    }

    /// For each axis its size, nothing if it is open.
    pub fn sizes(&self) -> Vec<Option<usize>> {
        self.shape.iter().map(Extent::fixed).collect()
    }

    /// The one axis that is open; nothing if there is none or there are several.
    pub fn open_axis(&self) -> Option<usize> {
        let mut open = (0..self.shape.len()).filter(|&axis| self.shape[axis].fixed().is_none());
        open.next().filter(|_| open.next().is_none())
    }
}

impl Column {
    /// A column of examples of equal shape.
    pub fn new(path: &str, shape: &[usize], values: RawValues) -> Column {
        let (path, shape, counted) = (path.to_string(), shape.to_vec(), Counted::Classes);
        Column { path, shape, open: None, values, classes: vec![], counted }
    }

    /// The sizes that each axis has.
    pub fn ranges(&self) -> Vec<Range> {
        let mut ranges: Vec<Range> = self.shape.iter().copied().map(Range::one).collect();
        if let Some((axis, sizes)) = &self.open {
            let sizes = || sizes.iter().map(|n| *n as usize);
            ranges[*axis] = Range { least: sizes().min().unwrap_or(0), most: sizes().max().unwrap_or(0) };
        }
        ranges
    }

    /// Where each example's values begin, and how many values there are in all.
    fn starts(&self, count: usize) -> Option<(Starts, usize)> {
        let Some((open, sizes)) = &self.open else {
            let size = super::product(&self.shape)?;
            return Some((Starts::Every(size), size.checked_mul(count)?));
        };
        let others = self.shape.iter().enumerate().filter(|(axis, _)| axis != open).map(|(_, size)| *size);
        let step = others.reduce(|a, b| a.saturating_mul(b)).unwrap_or(1);
        let (mut at, mut starts) = (0usize, Vec::with_capacity(count));
        for size in sizes {
            starts.push(at);
            at = at.checked_add((*size as usize).checked_mul(step)?)?;
        }
        Some((Starts::Each(starts), at))
    }
}

/// Holds the columns against the fields. Errors: another number of fields, another shape, an example without a step,
/// lengths that differ between fields, a label out of range.
pub fn fit(raw: Raw, wants: &[Want], scaling: Scaling) -> Result<Split> {
    let open = bind(&raw, wants)?;
    let columns = raw.columns.into_iter().zip(wants);
    let fields = columns.map(|(column, want)| field(column, want, raw.count, scaling)).collect::<Result<_>>()?;
    Ok(Split { fields, count: raw.count, augment: vec![], open })
}

/// What a source that was read whole says of itself. Errors: its steps are not those of its fields; other shapes and
/// classes are for the checker to compare.
pub fn facts(raw: Raw, wants: &[Want]) -> Result<SplitFacts> {
    let fits = |(column, want): (&Column, &Want)| align(&want.sizes(), &column.ranges()).is_some();
    if raw.columns.iter().zip(wants).all(fits) {
        bind(&raw, wants)?;
    }
    let field = |column: Column| FieldFacts {
        shape: Some(column.ranges()),
        classes: (!column.classes.is_empty()).then_some(column.classes.len()),
        names: column.classes,
        counted: column.counted,
    };
    let fields = raw.columns.into_iter().map(field).collect();
    Ok(SplitFacts { fields, examples: Some(raw.count as u64), symbols: vec![] })
}

/// The range of each symbol, where the shapes of the fields agree with the facts.
pub fn symbols(facts: &SplitFacts, wants: &[Want]) -> Vec<(Symbol, Range)> {
    let mut symbols: Vec<(Symbol, Range)> = Vec::new();
    for (want, has) in wants.iter().zip(&facts.fields) {
        let Some((has, axes)) = has.shape.as_ref().and_then(|has| Some((has, align(&want.sizes(), has)?))) else {
            continue;
        };
        for (extent, axis) in want.shape.iter().zip(axes) {
            let Extent::Each(symbol) = extent else { continue };
            let range = axis.map_or(Range::one(1), |axis| has[axis]);
            match symbols.iter_mut().find(|(name, _)| name == symbol) {
                Some((_, known)) => *known = known.with(range),
                None => symbols.push((symbol.clone(), range)),
            }
        }
    }
    symbols
}

/// The symbols of all fields with their sizes.
fn bind(raw: &Raw, wants: &[Want]) -> Result<Vec<Open>> {
    let path = raw.columns.first().map_or("", |c| &c.path);
    if raw.columns.len() != wants.len() {
        let found = super::count(raw.columns.len(), "field");
        return Err(DataError::new(DataProblem::Unfit, path, super::count(wants.len(), "field"), found));
    }
    if raw.count == 0 || u32::try_from(raw.count).is_err() {
        return Err(DataError::new(DataProblem::Unfit, path, "1 to 2^32 examples", raw.count.to_string()));
    }
    let mut all: Vec<(Open, &Want)> = Vec::new();
    for (column, want) in raw.columns.iter().zip(wants) {
        let axes = align(&want.sizes(), &column.ranges()).ok_or_else(|| other_shape(column, want))?;
        for (extent, axis) in want.shape.iter().zip(axes) {
            let Extent::Each(symbol) = extent else { continue };
            let sizes = sizes(column, axis);
            check_least(column, want, &sizes)?;
            match all.iter().find(|(open, _)| open.symbol == *symbol) {
                Some((open, first)) => check_equal(column, (want, &sizes), (first, &open.sizes), raw.count)?,
                None => all.push((Open { symbol: symbol.clone(), sizes }, want)),
            }
        }
    }
    Ok(all.into_iter().map(|(open, _)| open).collect())
}

/// Of one axis of a column in all examples.
fn sizes(column: &Column, axis: Option<usize>) -> Sizes {
    match (axis, &column.open) {
        (None, _) => Sizes::Same(1),
        (Some(axis), Some((open, sizes))) if axis == *open => match &sizes[..] {
            [first, rest @ ..] if rest.iter().all(|size| size == first) => Sizes::Same(*first),
            _ => Sizes::Each(sizes.clone()),
        },
        (Some(axis), _) => Sizes::Same(u32::try_from(column.shape[axis]).unwrap_or(u32::MAX)),
    }
}

/// A mean over no steps has no value; and an `i32` must hold each size.
fn check_least(column: &Column, want: &Want, sizes: &Sizes) -> Result<()> {
    let fits = |size: &u32| (1..=i32::MAX as u32).contains(size);
    let (row, size) = match sizes {
        Sizes::Same(size) => (0, Some(size).filter(|size| !fits(size))),
        Sizes::Each(sizes) => {
            let row = sizes.iter().position(|size| !fits(size));
            (row.unwrap_or(0), row.map(|row| &sizes[row]))
        }
    };
    let Some(size) = size else { return Ok(()) };
    let expected = format!("1 to 2^31 steps for `{}` in each example", want.name);
    let error = DataError::new(DataProblem::Unfit, &column.path, expected, size.to_string());
    Err(error.at(Where::Example(row as u64)))
}

/// One symbol has one size in an example.
fn check_equal(column: &Column, here: (&Want, &Sizes), first: (&Want, &Sizes), count: usize) -> Result<()> {
    if here.1 == first.1 {
        return Ok(());
    }
    let differs = (0..count as u32).find(|&row| here.1.of(row) != first.1.of(row));
    let Some(row) = differs else { return Ok(()) };
    let expected = format!("{} steps of `{}`, as many as of `{}`", first.1.of(row), here.0.name, first.0.name);
    let error = DataError::new(DataProblem::Unfit, &column.path, expected, here.1.of(row).to_string());
    Err(error.at(Where::Example(u64::from(row))))
}

fn field(column: Column, want: &Want, count: usize, scaling: Scaling) -> Result<FieldData> {
    check_classes(&column, want)?;
    let (starts, total) = column.starts(count).expect("a source gives no more than memory holds");
    assert_eq!(column.values.len(), total, "a source gives what it says");
    let values = match want.classes {
        Some(n) => Values::Index(labels(&column, want, n, &starts)?),
        None => real(column.values, scaling),
    };
    Ok(FieldData { name: want.name.clone(), shape: want.shape.clone(), starts, values, classes: column.classes })
}

fn other_shape(column: &Column, want: &Want) -> DataError {
    let expected = format!("{} for `{}` of each example", show(&want.shape), want.name);
    let error = DataError::new(DataProblem::Unfit, &column.path, expected, show(&column.ranges()));
    if column.ranges().iter().all(|range| range.size().is_some()) || want.fixed().is_none() {
        return error;
    }
    error.help(format!("a name in place of a size, `{}: [T, ...]`, lets each example have its own", want.name))
}

fn check_classes(column: &Column, want: &Want) -> Result<()> {
    let Some(n) = want.classes else { return Ok(()) };
    if column.classes.is_empty() || column.classes.len() == n {
        return Ok(());
    }
    let expected = format!("{} for `{}`", super::count(n, column.counted.one()), want.name);
    let names: Vec<String> = column.classes.iter().map(|name| column.counted.shown(name)).collect();
    let found = format!("{}: {}", names.len(), few(&names));
    let error = DataError::new(DataProblem::Unfit, &column.path, expected, found);
    Err(error.help(format!("`{}: index({})`, here and in the net", want.name, column.classes.len())))
}

fn labels(column: &Column, want: &Want, n: usize, starts: &Starts) -> Result<Vec<i32>> {
    let one = |(place, label): (usize, f64)| {
        if libm::trunc(label) == label && label >= 0.0 && label < n as f64 {
            return Ok(label as i32);
        }
        let expected = format!("whole numbers from 0 to {} for `{}`", n.saturating_sub(1), want.name);
        let error = DataError::new(DataProblem::Unfit, &column.path, expected, label.to_string());
        Err(error.at(Where::Example(starts.example(place))))
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

/// `[1, 28, 28]`, `[T, 12]`, `[7 to 29, 12]`
pub fn show<T: std::fmt::Display>(shape: &[T]) -> String {
    let sizes: Vec<String> = shape.iter().map(T::to_string).collect();
    format!("[{}]", sizes.join(", "))
}

/// `bear, bird, cat, ... wolf, zebra`: at most five.
pub fn few(names: &[String]) -> String {
    match names {
        [a, b, c, .., y, z] if names.len() > 5 => format!("{a}, {b}, {c}, ... {y}, {z}"),
        _ => names.join(", "),
    }
}
