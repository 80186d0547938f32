//! How parameters start: a function of (seed, path) alone, with the same bits on every machine.
//!
//! Numbers come from `data::random::keyed`, are computed in f64 with `libm`, and rounded once.

use crate::check::net::{Checked, Initialiser, Parameter};
use crate::data::random::{keyed, unit_f64};
use rand_chacha::ChaCha8Rng;

/// The first values of a parameter or state, row-major. Needs a net without errors: all sizes are numbers.
pub fn initial(checked: &Checked, param: &Parameter, seed: u64) -> Vec<f32> {
    values(&param.init, seed, &param.path, &shape(checked, param))
}

/// The shape of a parameter.
pub fn shape(checked: &Checked, param: &Parameter) -> Vec<usize> {
    let number = |id| checked.sizes.number(id).and_then(|n| usize::try_from(n).ok());
    let sizes = param.shape.iter().map(|&id| number(id).expect("a checked parameter's sizes are numbers"));
    sizes.collect()
}

/// The first values for an initialiser, row-major.
pub fn values(init: &Initialiser, seed: u64, path: &str, shape: &[usize]) -> Vec<f32> {
    let count: usize = shape.iter().product();
    let mut rng = keyed(seed, &format!("param/{path}"));
    match init {
        Initialiser::Value(value) => vec![*value as f32; count],
        Initialiser::Array(values) => values.iter().map(|v| *v as f32).collect(),
        Initialiser::Uniform { low, high } => {
            (0..count).map(|_| (low + (high - low) * unit_f64(&mut rng)) as f32).collect()
        }
        Initialiser::Normal { mean, deviation } => {
            normals(&mut rng, count).into_iter().map(|z| (mean + deviation * z) as f32).collect()
        }
        Initialiser::Orthogonal => orthogonal(&mut rng, shape),
    }
}

/// Normal (0, 1), by pairs: sqrt(-2 log u) * (cos, sin)(2 pi v) (Box and Muller 1958).
pub fn normals(rng: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    let pair = |_| {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - unit_f64(rng)));
        let angle = 2.0 * std::f64::consts::PI * unit_f64(rng);
        [radius * libm::cos(angle), radius * libm::sin(angle)]
    };
    let mut all: Vec<f64> = (0..count.div_ceil(2)).flat_map(pair).collect();
    all.truncate(count);
    all
}

/// Each trailing matrix has orthonormal rows, or columns if there are fewer of these, uniformly drawn (Haar): Gram and
/// Schmidt on normal vectors, each reduced twice, which is enough (Giraud, Langou, Rozloznik 2005).
fn orthogonal(rng: &mut ChaCha8Rng, shape: &[usize]) -> Vec<f32> {
    let cols = shape.last().copied().unwrap_or(1);
    let rows = if shape.len() < 2 { 1 } else { shape[shape.len() - 2] };
    let matrices = shape.iter().rev().skip(2).product::<usize>();
    let (vectors, length) = (rows.min(cols), rows.max(cols));
    let mut all = Vec::with_capacity(matrices * rows * cols);
    for _ in 0..matrices {
        let basis = basis(rng, vectors, length);
        let element = |row: usize, col: usize| if rows <= cols { basis[row][col] } else { basis[col][row] };
        all.extend((0..rows * cols).map(|place| element(place / cols, place % cols) as f32));
    }
    all
}

fn basis(rng: &mut ChaCha8Rng, vectors: usize, length: usize) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(vectors);
    while basis.len() < vectors {
        let mut new = normals(rng, length);
        for _ in 0..2 {
            for old in &basis {
                let share = dot(&new, old);
                new.iter_mut().zip(old).for_each(|(n, o)| *n -= share * o);
            }
        }
        let norm = libm::sqrt(dot(&new, &new));
        if norm > 1e-6 {
            new.iter_mut().for_each(|n| *n /= norm);
            basis.push(new);
        }
    }
    basis
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
