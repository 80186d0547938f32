//! N10: an axis that guards cut into blocks is two axes.
//!
//! `0 <= o - n*g` and `o - n*g <= n - 1` say that `g` is the block of `n` in which `o` lies. Then `o` is `n*g + r` with
//! `r` below `n`, the guards are gone, and no block is visited in vain: a grouped convolution computes each group from
//! its own channels only. Where `g` was summed over and `o` an output axis, each `o` has exactly one live `g`, so that
//! `g` becomes an output axis.

use super::axes::substitute;
use crate::graph::{Affine, Axis, Combine, Equation, Exprs, Guard, Rel, Role};

/// Splits the first axis that is cut into blocks. The order of what remains to be summed is kept.
pub fn split(exprs: &mut Exprs, eq: &mut Equation) {
    if eq.combine == Combine::ArgMax {
        return;
    }
    let Some(Cut { axis, block, n, guards }) = find(eq) else { return };
    eq.guards = eq.guards.iter().enumerate().filter(|(i, _)| !guards.contains(i)).map(|(_, g)| g.clone()).collect();
    let inner = Axis { extent: n as u32, role: Role::Plain, hint: eq.axes[axis].hint.clone() };
    let becomes_output = axis < eq.n_out && block >= eq.n_out;
    let (mut axes, mut n_out) = (Vec::new(), 0);
    let mut map = vec![Affine::number(0); eq.axes.len()];
    for old in 0..eq.axes.len() {
        if old == axis {
            if becomes_output {
                axes.push((Some(block), eq.axes[block].clone()));
            }
            axes.push((None, inner.clone()));
        } else if old != block || !becomes_output {
            axes.push((Some(old), eq.axes[old].clone()));
        }
        if old + 1 == eq.n_out {
            n_out = axes.len();
        }
    }
    let place =
        |wanted: Option<usize>| axes.iter().position(|(old, _)| *old == wanted).expect("every axis has a place");
    for (old, form) in map.iter_mut().enumerate() {
        *form = match old == axis {
            true => Affine::of(0, [(place(Some(block)), n), (place(None), 1)]),
            false => Affine::axis(place(Some(old))),
        };
    }
    substitute(exprs, eq, &map);
    eq.axes = axes.into_iter().map(|(_, axis)| axis).collect();
    eq.n_out = n_out;
}

/// `axis = n * block + r`
struct Cut {
    axis: usize,
    block: usize,
    n: i32,
    /// The two that say so.
    guards: [usize; 2],
}

fn find(eq: &Equation) -> Option<Cut> {
    for (low, guard) in eq.guards.iter().enumerate() {
        let Some((axis, block, n)) = cut(guard) else { continue };
        let whole = u64::from(eq.axes[axis].extent) == n as u64 * u64::from(eq.axes[block].extent);
        let opposite = guard.form.times(-1).shift(n - 1);
        let plain = eq.axes[axis].role == Role::Plain && eq.axes[block].role == Role::Plain;
        let high = eq.guards.iter().position(|g| g.data.is_none() && g.rel == Rel::Ge && g.form == opposite);
        if let (true, true, Some(high)) = (whole, plain, high) {
            return Some(Cut { axis, block, n, guards: [low, high] });
        }
    }
    None
}

/// The parts of a guard `axis - n * block >= 0`.
fn cut(guard: &Guard) -> Option<(usize, usize, i32)> {
    if guard.data.is_some() || guard.rel != Rel::Ge || guard.form.constant != 0 {
        return None;
    }
    let [(a, by_a), (b, by_b)] = guard.form.terms[..] else { return None };
    match (by_a, by_b) {
        (1, by) if by < -1 => Some((a.into(), b.into(), -by)),
        (by, 1) if by < -1 => Some((b.into(), a.into(), -by)),
        _ => None,
    }
}
