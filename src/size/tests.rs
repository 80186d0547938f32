//! Sizes by themselves.
#![allow(clippy::unwrap_used)]

use super::{Formula, Poly, Sizes, Verdict, compare, show};
use crate::ids::Symbol;
use crate::source::{Sources, Span};

fn t() -> Poly {
    Poly::symbol(&Symbol::from("T"))
}

fn n(value: i64) -> Poly {
    Poly::number(value)
}

/// `floor((W - K + 2 P) / S) + 1`
pub fn window_formula() -> Formula {
    let from = |i| Box::new(Formula::From(i));
    let gap = Formula::Sub(from(0), from(1));
    let padded = Formula::Add(Box::new(gap), Box::new(Formula::Mul(Box::new(Formula::Number(2)), from(2))));
    Formula::Add(Box::new(Formula::Floor(Box::new(padded), from(3))), Box::new(Formula::Number(1)))
}

#[test]
fn forms_that_are_equal_have_one_structure() {
    let doubled = t().scale(2).unwrap();
    assert_eq!(doubled.add(&n(3)).unwrap().div_floor(&n(2)).unwrap(), t().add(&n(1)).unwrap());
    let twice = t().div_floor(&n(2)).unwrap().div_floor(&n(3)).unwrap();
    assert_eq!(twice, t().div_floor(&n(6)).unwrap());
    assert_eq!(
        t().mul(&t()).unwrap().sub(&n(1)).unwrap().div_exact(&t().add(&n(1)).unwrap()).unwrap().to_string(),
        "T - 1"
    );
    assert_eq!(t().div_floor(&n(2)).unwrap().scale(2).unwrap().to_string(), "2·floor(T/2)");
    assert_eq!(n(-7).div_floor(&n(2)).unwrap(), n(-4));
    assert_eq!(n(-7).rem(&n(2)).unwrap(), n(1));
    assert!(n(i64::MAX).add(&n(1)).is_err());
}

#[test]
fn comparing_finds_the_smallest_counterexample() {
    let even = t().div_floor(&n(2)).unwrap().scale(2).unwrap();
    assert_eq!(compare(&t(), &even), Verdict::Counterexample(vec![(Symbol::from("T"), 1)]));
    assert_eq!(compare(&t(), &t().add(&n(1)).unwrap()), Verdict::Differ);
    // floor(T/2) + floor((T+1)/2) = T
    let halves = t().div_floor(&n(2)).unwrap().add(&t().add(&n(1)).unwrap().div_floor(&n(2)).unwrap()).unwrap();
    assert_eq!(compare(&t(), &halves), Verdict::Equal);
}

#[test]
fn a_formula_shows_its_numbers() {
    let mut sources = Sources::default();
    let at = Span { source: sources.add("a.net", "x"), start: 0, end: 1 };
    let mut sizes = Sizes::default();
    let from: Vec<_> = [28, 3, 0, 1].map(|n| sizes.written(n, at)).to_vec();
    let out = sizes.derive(window_formula(), &from, at).unwrap();
    assert_eq!(show::formula(&sizes, out), "floor((28 - 3 + 2·0) / 1) + 1 = 26");
    let names: Vec<Symbol> = ["W", "K", "P", "S"].map(Symbol::from).to_vec();
    assert_eq!(show::with_names(&window_formula(), &names), "floor((W - K + 2·P) / S) + 1");
    let one = sizes.written(1, at);
    let fault = sizes.derive(window_formula(), &[one, from[1], from[2], from[3]], at).unwrap_err();
    assert_eq!(show::formula(&sizes, fault.size), "floor((1 - 3 + 2·0) / 1) + 1 = -1");
}

/// Random forms in two symbols, each with the way to compute its value by plain numbers.
fn grown(seed: &mut u64, depth: u32) -> Formula {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    let pick = (*seed >> 33) as i64;
    let mut part = || Box::new(grown(seed, depth.saturating_sub(1)));
    match (depth, pick % 9) {
        (0, 0..=3) => Formula::Number(pick / 9 % 7 - 3),
        (0, _) => Formula::From((pick / 9 % 2) as usize),
        (_, 0 | 1) => Formula::Add(part(), part()),
        (_, 2 | 3) => Formula::Sub(part(), part()),
        (_, 4) => Formula::Mul(part(), part()),
        (_, 5 | 6) => Formula::Floor(part(), Box::new(Formula::Number(pick / 9 % 5 + 1))),
        (_, 7) => Formula::Max(part(), part()),
        (_, _) => Formula::Rem(part(), Box::new(Formula::Number(pick / 9 % 4 + 1))),
    }
}

#[test]
fn a_bound_form_has_the_value_of_its_formula() {
    let mut sources = Sources::default();
    let at = Span { source: sources.add("a.net", "x"), start: 0, end: 1 };
    let mut seed = 7;
    for _ in 0..400 {
        let formula = grown(&mut seed, 4);
        let mut sizes = Sizes::default();
        let names = ["T", "n"].map(Symbol::from);
        let open = names.clone().map(|name| sizes.symbol(&name, at));
        let Ok(form) = sizes.compute(formula.clone(), &open, at) else { continue };
        for (a, b) in [(1, 1), (2, 5), (7, 3), (12, 13)] {
            let plain = [a, b].map(|n| sizes.written(n, at));
            let Ok(value) = sizes.compute(formula.clone(), &plain, at) else { continue };
            let binding = names.iter().cloned().zip([a, b]).collect();
            let bound = sizes.value(form).unwrap().value_at(&binding).unwrap();
            assert_eq!(bound, sizes.number(value), "{formula:?} = {} at {a}, {b}", show::size(&sizes, form));
        }
    }
}
