//! `across=batch` in a report means the whole split, in batches of any size.

use crate::worked::checked;
use brolga::data::{self, Extent, FieldData, Split, Starts, Values};
use brolga::target::Target;
use brolga::train::epoch::Course;
use brolga::train::measure;
use brolga::train::session::Session;

const COUNT: usize = 53;

/// Reports over `x: [3]`, and how many passes over the split each takes besides its own.
const REPORTS: [(&str, usize); 10] = [
    ("plain = sum(x)", 0),
    ("perplexity = exp(mean(i: x[i], across=batch))", 1),
    ("spread = mean(i: (x[i] - m[i]) ^ 2, across=batch)", 2),
    ("own = (mean(x) - mean(i: x[i], across=batch)) ^ 2", 1),
    ("highest = max(i: x[i], across=batch) - min(i: x[i], across=batch)", 1),
    ("total = sum(i: x[i], across=batch) / 100", 1),
    ("product = prod(i: if x[i] < 0.5 then 1.02 else 0.99, across=batch)", 1),
    ("inside = sum(i: mean(x[i], across=batch) ^ 2)", 1),
    ("deepest = mean((m - mean(x, across=batch)) ^ 2, across=batch) + mean(n, across=batch)", 2),
    ("shaken = mean(e[0] * x[0], across=batch)", 1),
];

fn program(batch: usize) -> String {
    let reports: String = REPORTS.iter().map(|(report, _)| format!("  report {report}\n")).collect();
    format!(
        "net Line(x: [3]) -> y: [3] {{ x -> dense(3) }}
data points -> (x: [3]) {{ train = random(examples=8) }}
train Line on points {{
  noise e: [2] ~ uniform
  m[i] = mean(x[i], across=batch)
  n    = max(i: if i > 0 then x[i] * m[i - 1] else -inf)
  minimise sum(Line(x)) using sgd
{reports}  batch = {batch}
}}"
    )
}

fn split() -> Split {
    let mut rng = data::random::keyed(3, "measures");
    let values = Values::Real((0..COUNT * 3).map(|_| data::random::unit_f32(&mut rng)).collect());
    let (shape, starts) = (Extent::all_fixed(&[3]), Starts::Every(3));
    let field = FieldData { name: "x".into(), shape, starts, values, classes: vec![] };
    Split { fields: vec![field], count: COUNT, augment: vec![], open: vec![] }
}

/// All reports, in batches of a size.
fn reports(batch: usize) -> Vec<f64> {
    let checked = checked(&program(batch));
    let course = Course::of(&checked, 0);
    let mut session = Session::new(&checked, Target::detect(), 1, 1);
    let metrics = course.metrics().into_iter().take(REPORTS.len());
    metrics.map(|(_, metric)| measure::metric(&mut session, &course, metric, &split()).unwrap()).collect()
}

#[test]
fn reductions_across_the_split_are_taken_in_passes() {
    let checked = checked(&program(8));
    for ((report, passes), found) in REPORTS.iter().zip(&checked.trainings[0].reports) {
        assert_eq!((found.measure.passes.len(), found.measure.whole), (*passes, false), "{report}");
        let reduces = |text: &str| text.contains("across_batch: true");
        assert!(!reduces(&format!("{:?}", found.measure)), "{report}");
    }
}

#[test]
fn a_metric_is_the_same_in_any_batches() {
    let Values::Real(x) = split().fields[0].values.clone() else { panic!("the field is real") };
    let x: Vec<f64> = x.into_iter().map(f64::from).collect();
    let n = COUNT as f64;
    let mean = |f: &dyn Fn(&[f64]) -> f64| x.chunks(3).map(f).sum::<f64>() / n;
    let all = x.iter().sum::<f64>() / (3.0 * n);
    let m = [0, 1, 2].map(|i| mean(&|x| x[i]));
    let noise = brolga::noise::Noise::new(1, "e", 0, false);
    let shaken = (0..COUNT).map(|b| f64::from(noise.at(b as u64, 0)) * x[3 * b]).sum::<f64>() / n;
    let mean_m = m.iter().sum::<f64>() / 3.0;
    let expected = [
        mean(&|x| x.iter().sum()),
        all.exp(),
        mean(&|x| (0..3).map(|i| (x[i] - m[i]).powi(2)).sum::<f64>() / 3.0),
        mean(&|x| (x.iter().sum::<f64>() / 3.0 - all).powi(2)),
        x.iter().copied().fold(f64::MIN, f64::max) - x.iter().copied().fold(f64::MAX, f64::min),
        x.iter().sum::<f64>() / 100.0,
        x.iter().map(|&x| if x < 0.5 { 1.02 } else { 0.99 }).product(),
        m.iter().map(|m| m * m).sum(),
        m.iter().map(|m| (m - mean_m).powi(2)).sum::<f64>() / 3.0 + mean(&|x| (x[1] * m[0]).max(x[2] * m[1])),
        shaken,
    ];
    for batch in [1, 8, 10, COUNT, 64] {
        for ((found, expected), (report, _)) in reports(batch).iter().zip(&expected).zip(&REPORTS) {
            // Each example's number is rounded some ten times to 2^-24 of at most 8; the sums are in f64.
            let bound = 10.0 * 8.0 * f64::from(f32::EPSILON) / 2.0;
            assert!((found - expected).abs() <= bound, "{report}, batches of {batch}: {found}, not {expected}");
        }
    }
}

/// What cannot be put together from parts sees the split as one batch.
#[test]
fn an_argmax_across_the_split_takes_it_whole() {
    let text = program(8).replace("  report plain = sum(x)\n", "  report first = argmax(i: x[i], across=batch)\n");
    let checked = checked(&text);
    assert!(checked.trainings[0].reports[0].measure.whole);
    let course = Course::of(&checked, 0);
    let mut session = Session::new(&checked, Target::detect(), 1, 1);
    let metric = course.metrics()[0].1;
    let found = measure::metric(&mut session, &course, metric, &split()).unwrap();
    let Values::Real(x) = split().fields[0].values.clone() else { panic!("the field is real") };
    let best = (0..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best });
    assert_eq!(found, best as f64);
}
