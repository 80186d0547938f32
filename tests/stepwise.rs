//! A net one step at a time gives at each step what the whole gives on all steps so far.

use super::worked::checked;
use brolga::check::net::{Checked, Element};
use brolga::check::stepwise::{NOW, Past, Stepwise, step_by_step};
use brolga::compile::Binding;
use brolga::data::random::{below, keyed, unit_f64};
use brolga::ids::Symbol;
use brolga::runtime::program::Moment;
use brolga::target::Target;
use brolga::train::oracle;
use brolga::train::session::{Session, Work};
use brolga::train::stepper::{Step, Stepper};
use indexmap::IndexMap;
use std::collections::BTreeMap;

const ELMAN: &str = "net N(x: [T, 3]) -> y: [T, 2] {
  param A: [4, 3]
  param B: [4, 4]
  param C: [2, 4]
  y[t] = softmax(o[t])
  o[t] = C @ h[t]
  h[t] = tanh(z[t])
  z[t] = B @ h[t-1] + A @ x[t]
}";

const FAR: &str = "net N(x: [T, 2]) -> y: [T, 2] {
  param A, B: [2, 2]
  param s: [2] ~ normal
  h[-1] = s
  h[-2] = 2 * s
  h[t] = tanh(A @ h[t-1] + B @ h[t-3] + x[t] - (if t >= 2 then x[t-2] else 0))
  y[t] = h[t] + x[t]
}";

const TEXT: &str = "net N(text: [T] of index(5)) -> next: [T, 5] {
  text -> embed(4) -> lstm(3) -> gru(3) -> dense(5) -> softmax
}";

const PLACE: &str = "net N(x: [T, 2]) -> y: [T, 2] {
  param place: [9, 2] ~ normal
  p = place[0..T]
  y[t, i] = (x[t, i] + p[t, i]) * t
}";

const WINDOW: &str = "net N(x: [T]) -> y: [T] {
  param w: [3]
  y[t] = sum(u < 3: if t + u >= 2 then w[u] * x[t + u - 2] else 0)
}";

const CLASSES: &str = "net N(x: [T, 2]) -> speaker: [3] {
  param A: [4, 2]
  param B: [4, 4]
  f[t] = tanh(A @ x[t] + B @ f[t-1])
  last(f) -> dense(3) -> softmax
}";

const PREVIOUS: &str = "net N(text: [T] of index(4)) -> y: [T, 3] {
  param E: [4, 3] ~ normal
  y[t] = E[text[t]] + (if t >= 1 then E[text[t-1]] else 0)
}";

/// Steps 0 to n of each input.
fn sequence(checked: &Checked, n: usize) -> IndexMap<Symbol, Vec<f64>> {
    let mut rng = keyed(11, "steps");
    let mut all = IndexMap::new();
    for input in &checked.nets[0].inputs {
        let size: i64 = input.shape.iter().filter_map(|size| checked.sizes.number(*size)).product();
        let count = n * size as usize;
        let values = match input.element {
            Element::Index(k) => {
                let k = checked.sizes.number(k).unwrap() as u64;
                (0..count).map(|_| below(&mut rng, k) as f64).collect()
            }
            Element::Real | Element::Probability => {
                (0..count).map(|_| f64::from((unit_f64(&mut rng) * 2.0 - 1.0) as f32)).collect()
            }
        };
        all.insert(input.name.clone(), values);
    }
    all
}

/// The outputs of the whole net on the first n steps, in f64.
fn whole(session: &Session, given: &IndexMap<Symbol, Vec<f64>>, n: usize, of: usize) -> IndexMap<Symbol, Vec<f64>> {
    let at = Binding { sizes: BTreeMap::from([("T".into(), n as i64)]), ..Binding::from(1) };
    let moment = Moment { seed: 1, step: 0, steps: 1, first_example: 0 };
    let first = |name: &str| given.get(name).map(|values| values[..values.len() / of * n].to_vec());
    oracle::run(session, Work::Net(0), &at, &moment, &first).unwrap()
}

/// The last step of an output, or all of it if it has no steps.
fn at_last<'v>(checked: &Checked, output: usize, values: &'v [f64], n: usize) -> &'v [f64] {
    let field = &checked.nets[0].outputs[output];
    let timed = field.shape.iter().any(|size| checked.sizes.number(*size).is_none());
    if timed { &values[values.len() / n * (n - 1)..] } else { values }
}

/// The same steps by the interpreter, in f64.
struct Slow<'a> {
    session: Session<'a>,
    pasts: Vec<(&'a Past, Vec<f64>)>,
}

impl Slow<'_> {
    fn step(&mut self, now: usize, given: &IndexMap<Symbol, Vec<f64>>) -> IndexMap<Symbol, Vec<f64>> {
        let moment = Moment { seed: 1, step: 0, steps: 1, first_example: 0 };
        let pasts = &self.pasts;
        let inputs = |name: &str| match name {
            NOW => Some(vec![now as f64]),
            _ => {
                let past = pasts.iter().find(|(past, _)| *past.input == *name).map(|(_, values)| values.clone());
                past.or_else(|| given.get(name).cloned())
            }
        };
        let outputs = oracle::run(&self.session, Work::Net(0), &Binding::from(1), &moment, &inputs).unwrap();
        for (past, kept) in &mut self.pasts {
            assert_eq!(past.outer, 1);
            match (&past.next, &past.of) {
                (Some(next), _) => kept.copy_from_slice(&outputs[next]),
                (None, Some(of)) => {
                    kept.drain(..past.inner);
                    kept.extend(&given[of]);
                }
                (None, None) => panic!("a past is of something"),
            }
        }
        outputs
    }
}

fn stepwise(checked: &Checked) -> Stepwise {
    step_by_step(checked, 0).unwrap_or_else(|refusal| panic!("{}", refusal.why))
}

/// The largest difference between steps and whole: of the interpreter, and of machine code.
fn differences(text: &str, n: usize) -> (f64, f64) {
    let checked = checked(text);
    let steps = stepwise(&checked);
    let session = Session::new(&checked, Target::detect(), 1, 3);
    let given = sequence(&checked, n);
    let own = || Session::new(&steps.checked, Target::detect(), 2, 3);
    let pasts = steps.pasts.iter().map(|past| (past, vec![0.0; past.outer * past.steps * past.inner])).collect();
    let (mut slow, mut fast) = (Slow { session: own(), pasts }, Stepper::new(&steps, own(), 1));
    let (mut exact, mut rounded) = (0f64, 0f64);
    for now in 0..n {
        let here = given.iter().map(|(name, values)| {
            let size = values.len() / n;
            (name.clone(), values[now * size..(now + 1) * size].to_vec())
        });
        let here: IndexMap<Symbol, Vec<f64>> = here.collect();
        let expected = whole(&session, &given, now + 1, n);
        let slow = slow.step(now, &here);
        let step = checked.nets[0].inputs.iter().map(|input| {
            let values = &here[&input.name];
            let step = match input.element {
                Element::Index(_) => Step::Index(values.iter().map(|v| *v as i32).collect()),
                Element::Real | Element::Probability => Step::Real(values.iter().map(|v| *v as f32).collect()),
            };
            (input.name.clone(), step)
        });
        fast.step(&step.collect::<Vec<_>>()).unwrap();
        for (number, output) in checked.nets[0].outputs.iter().enumerate() {
            let expected = at_last(&checked, number, &expected[&output.name], now + 1);
            let machine = fast.output(&output.name).unwrap();
            assert_eq!((slow[&output.name].len(), machine.len()), (expected.len(), expected.len()));
            for (i, expected) in expected.iter().enumerate() {
                exact = exact.max((slow[&output.name][i] - expected).abs());
                rounded = rounded.max((f64::from(machine[i]) - expected).abs());
            }
        }
    }
    (exact, rounded)
}

#[test]
fn each_step_is_that_of_the_whole() {
    let nets = [ELMAN, FAR, TEXT, PLACE, WINDOW, CLASSES, PREVIOUS];
    for text in nets {
        let (exact, rounded) = differences(text, 9);
        // Values are at most 20; f32 keeps 24 bits of each of at most 9 steps with at most 16 terms each.
        assert!(exact <= 1e-12, "{exact} in {text}");
        assert!(rounded <= 20.0 * 9.0 * 16.0 * f64::from(f32::EPSILON) / 2.0, "{rounded} in {text}");
        assert!(rounded > 0.0 || text == PREVIOUS, "machine code was compared with f64: {text}");
    }
}

#[test]
fn pasts_are_as_long_as_equations_look_back() {
    let far = checked(FAR);
    let steps: Vec<(usize, bool)> = stepwise(&far).pasts.iter().map(|p| (p.steps, p.of.is_some())).collect();
    assert_eq!(steps, [(3, false), (2, true)]);
    assert!(stepwise(&checked("net N(x: [T, 3]) -> y: [T, 2] { x -> dense(2) }")).pasts.is_empty());
    let window = checked(WINDOW);
    let steps: Vec<usize> = stepwise(&window).pasts.iter().map(|p| p.steps).collect();
    assert_eq!(steps, [2]);
}

#[test]
fn a_net_takes_no_more_steps_than_its_limit() {
    let checked = checked(PLACE);
    let steps = stepwise(&checked);
    let mut stepper = Stepper::new(&steps, Session::new(&steps.checked, Target::detect(), 1, 1), 1);
    for _ in 0..9 {
        stepper.step(&[("x".into(), Step::Real(vec![1.0, 2.0]))]).unwrap();
    }
    let error = stepper.step(&[("x".into(), Step::Real(vec![1.0, 2.0]))]).unwrap_err();
    assert_eq!(error.to_string(), "the net takes at most 9 steps");
}

#[test]
fn what_needs_later_or_all_steps_is_refused_with_the_reason() {
    let told = |text: &str| step_by_step(&checked(text), 0).unwrap_err().why;
    let backwards = "net N(x: [T, 2]) -> y: [T, 2] {
  param A: [2, 2]
  y[t] = tanh(A @ y[t+1] + x[t])
}";
    assert_eq!(told(backwards), "it reads a later step of `y`");
    let mean = "net N(x: [T, 2]) -> y: [2] { y[i] = mean(t: x[t, i]) }";
    assert_eq!(told(mean), "it goes over all steps by the index `t`");
    let scores = "net N(x: [T, 2]) -> y: [T, T] { y[i, j] = dot(x[i], x[j]) }";
    assert_eq!(told(scores), "`y` has an element for each two steps");
    let first = "net N(x: [T, 2]) -> y: [2] { y = first(x) }";
    assert_eq!(told(first), "it reads a step of `x` that is not at a distance");
    let fixed = "net N(x: [4, 2]) -> y: [4, 2] { x -> relu }";
    assert_eq!(told(fixed), "the input `x` has no axis of steps, or several");
    let halved = "net N(x: [T, 2]) -> y: [T // 2, 2] { y[t, i] = x[2*t, i] }";
    assert_eq!(told(halved), "`y` has another length than the steps");
}
