//! Whether two accesses, made for different values of the loop variables, can touch the same element.
//!
//! Both addresses are equal where a sum of (coefficient times difference of a variable) is the difference of the
//! constants. The coefficients of a tensor's layout are like the digits of a number: each is greater than all smaller
//! ones can add up to. So going from the greatest to the smallest leaves one or two differences to try for each.

use super::super::*;
use super::ranges::Interval;
use std::collections::BTreeMap;

/// A load or store that can be reached.
pub(super) struct Access {
    pub place: Place,
    pub store: bool,
    /// The intervals of the open variables, outermost first.
    pub boxes: Vec<(VarId, Interval)>,
    /// Where it stands: of each open list its number and the position in it.
    pub path: Vec<(u32, u32)>,
}

/// `factor * x` with x in an interval.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Digit {
    factor: i128,
    range: Interval,
    /// Whether x is the difference of a variable that must not differ.
    fixed: bool,
}

/// Steps of a search, behind which two accesses count as meeting.
const STEPS: u32 = 100_000;

/// Different parts of a turn store different elements, and load none that another part stores.
pub(super) fn parts_are_disjoint(kernel: &Kernel, accesses: &[Access]) -> Result<(), String> {
    if kernel.part_count() <= 1 {
        return Ok(());
    }
    let [parts, turns] = [&kernel.parts, &kernel.turns].map(|loops| loops.iter().map(|l| l.0).collect::<Vec<VarId>>());
    let mut known: BTreeMap<(Vec<Digit>, i128), bool> = BTreeMap::new();
    for store in accesses.iter().filter(|a| a.store) {
        for other in accesses.iter().filter(|a| a.place.buffer == store.place.buffer) {
            let (digits, target) = digits(store, other, &parts, &turns);
            let meet = *known.entry((digits, target)).or_insert_with_key(|(digits, target)| meet(digits, *target));
            if meet {
                let buffer = &kernel.buffers[usize::from(store.place.buffer)].name;
                let what = if other.store { "store" } else { "load what another stores of" };
                return Err(format!("different parts may {what} the same element of {buffer}"));
            }
        }
    }
    Ok(())
}

/// Where buffers `read` and `write` are one, no element is loaded behind its store.
pub(super) fn read_before_written(
    kernel: &Kernel,
    accesses: &[Access],
    read: BufferIx,
    write: BufferIx,
) -> Result<(), String> {
    let of =
        |buffer: BufferIx, store: bool| accesses.iter().filter(move |a| a.place.buffer == buffer && a.store == store);
    for store in of(write, true) {
        for load in of(read, false) {
            let shared: Vec<VarId> =
                store.boxes.iter().map(|b| b.0).filter(|v| load.boxes.iter().any(|b| b.0 == *v)).collect();
            let (digits, target) = digits(store, load, &shared, &[]);
            let same_turn = Digit { factor: 0, range: (1, 1), fixed: true };
            let late = !comes_first(load, store);
            let collide = if late { meet(&[digits, vec![same_turn]].concat(), target) } else { meet(&digits, target) };
            if collide {
                let (r, w) = (&kernel.buffers[usize::from(read)].name, &kernel.buffers[usize::from(write)].name);
                return Err(format!("{r} and {w} cannot be one buffer: an element may be read behind its write"));
            }
        }
    }
    Ok(())
}

/// Whether, for equal variables, `a` runs before `b`, or only one of them runs.
fn comes_first(a: &Access, b: &Access) -> bool {
    for (x, y) in a.path.iter().zip(&b.path) {
        if x.0 != y.0 {
            // Two branches of one statement.
            return true;
        }
        if x.1 != y.1 {
            return x.1 < y.1;
        }
    }
    false
}

/// The equation under which both touch the same element: the digits, and what they must add up to. Variables that are
/// `equal` have one value in both.
fn digits(a: &Access, b: &Access, fixed: &[VarId], equal: &[VarId]) -> (Vec<Digit>, i128) {
    let mut digits = Vec::new();
    for &(var, range) in &a.boxes {
        let factor = i128::from(a.place.address.coefficient(var));
        let other = b.boxes.iter().find(|o| o.0 == var).map(|o| (i128::from(b.place.address.coefficient(var)), o.1));
        let fixed = fixed.contains(&var);
        match other {
            Some((theirs, (low, high))) if equal.contains(&var) => {
                let range = (range.0.max(low), range.1.min(high));
                digits.push(Digit { factor: factor - theirs, range, fixed: false });
            }
            Some((same, theirs)) if same == factor => {
                digits.push(Digit { factor, range: (range.0 - theirs.1, range.1 - theirs.0), fixed });
            }
            Some((theirs, their_range)) => {
                digits.push(Digit { factor, range, fixed });
                digits.push(Digit { factor: -theirs, range: their_range, fixed });
                // Their difference is not seen in the equation: take it that they differ.
                digits.push(Digit { factor: 0, range: (i128::from(fixed), i128::from(fixed)), fixed });
            }
            None => digits.push(Digit { factor, range, fixed: false }),
        }
    }
    for &(var, range) in b.boxes.iter().filter(|o| a.boxes.iter().all(|mine| mine.0 != o.0)) {
        digits.push(Digit { factor: -i128::from(b.place.address.coefficient(var)), range, fixed: false });
    }
    for (access, sign) in [(a, 1), (b, -1)] {
        let place = &access.place;
        let lanes = (0, i128::from(place.live) - 1);
        digits.push(Digit { factor: sign * i128::from(place.stride), range: lanes, fixed: false });
        if let Some(d) = place.dynamic {
            let range = (0, i128::from(d.limit) - 1);
            digits.push(Digit { factor: sign * i128::from(d.scale), range, fixed: false });
        }
    }
    digits.retain(|d| d.fixed || d.factor != 0);
    digits.sort_by_key(|d| std::cmp::Reverse(d.factor.abs()));
    (digits, i128::from(b.place.address.constant) - i128::from(a.place.address.constant))
}

/// Whether the digits can add up to the target with a fixed one that is not 0.
fn meet(digits: &[Digit], target: i128) -> bool {
    // What the digits from each on can add up to.
    let mut sums = vec![(0, 0)];
    for digit in digits.iter().rev() {
        let (low, high) = (digit.factor * digit.range.0, digit.factor * digit.range.1);
        let (sum_low, sum_high) = sums[sums.len() - 1];
        sums.push((sum_low + low.min(high), sum_high + low.max(high)));
    }
    sums.reverse();
    search(digits, &sums, target, false, &mut 0)
}

fn search(digits: &[Digit], sums: &[Interval], target: i128, differs: bool, steps: &mut u32) -> bool {
    *steps += 1;
    if *steps > STEPS {
        return true;
    }
    if target < sums[0].0 || target > sums[0].1 {
        return false;
    }
    let Some((digit, rest)) = digits.split_first() else { return differs };
    if digit.factor == 0 {
        let can_differ = digit.fixed && digit.range != (0, 0);
        return search(rest, &sums[1..], target, differs || can_differ, steps);
    }
    // factor * x must leave a target that the rest can reach: target - sums.1 <= factor * x <= target - sums.0
    let (a, b) = (target - sums[1].1, target - sums[1].0);
    let (low, high) = if digit.factor > 0 { (a, b) } else { (-b, -a) };
    let factor = digit.factor.abs();
    let first = (-(-low).div_euclid(factor)).max(digit.range.0);
    let last = high.div_euclid(factor).min(digit.range.1);
    let mut x = first;
    while x <= last {
        let differs = differs || (digit.fixed && x != 0);
        if search(rest, &sums[1..], target - digit.factor * x, differs, steps) {
            return true;
        }
        x += 1;
    }
    false
}
