//! See tests/main.rs.

use brolga::check::net::Checked;
use brolga::check::{self, Options};
use brolga::diagnostic::full;
use brolga::source::Sources;
use std::path::Path;

/// Checks a text: what came out, and what was told.
fn checked(path: &str, text: &str) -> (Checked, String) {
    let mut sources = Sources::default();
    let file = sources.add(path, text);
    let (checked, problems) = check::check(sources, file, &Options::default());
    let told = problems.diagnostics(&checked.sources, &checked.sizes);
    let told = told.iter().map(|d| full::render(&checked.sources, d, false)).collect();
    (checked, told)
}

fn example(name: &str) -> Checked {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let (checked, told) = checked(name, &std::fs::read_to_string(path).unwrap());
    assert!(!told.contains("error["), "{told}");
    checked
}

#[test]
fn the_examples_check() {
    for name in ["digits", "lenet", "recitation", "resnet18", "cs231n", "dance", "fashion"] {
        example(&format!("{name}.net"));
    }
}

#[test]
fn dump() {
    let Ok(path) = std::env::var("DUMP") else { return };
    let (checked, told) = checked(&path, &std::fs::read_to_string(&path).unwrap());
    let mut text = told;
    for (id, param) in checked.params.iter() {
        let shape: Vec<_> = param.shape.iter().map(|s| checked.sizes.number(*s)).collect();
        text += &format!("{id} {} {shape:?} {:?} {}\n", param.path, param.init, param.trained);
    }
    let mut flats = Vec::new();
    for net in &checked.nets {
        flats.push((format!("net {} train", net.name), &net.train));
        flats.push((format!("net {} evaluate", net.name), &net.evaluate));
    }
    for training in &checked.trainings {
        for o in &training.objectives {
            flats.push((format!("objective over {:?} {} {:?}", o.over, o.optimiser, o.clip), &o.flat));
            flats.extend(o.updates.iter().take(2).map(|u| ("update".to_string(), u)));
        }
        flats.extend(training.reports.iter().map(|r| (format!("report {}", r.name), &r.flat)));
    }
    flats.extend(checked.tests.iter().map(|t| (format!("test {} {:?} {:?}", t.title, t.fails, t.assertions), &t.flat)));
    for (title, flat) in flats {
        text += &format!("== {title}\n");
        for (id, u) in flat.uses.iter() {
            text += &format!(
                "use {id} {} ({}) in {:?} {:?} -> {:?} {:?}\n",
                u.name, u.block, u.parent, u.input, u.output, u.params
            );
        }
        for (id, t) in flat.tensors.iter() {
            let shape: Vec<_> = t.shape.iter().map(|s| checked.sizes.number(*s)).collect();
            text += &format!("{id} {} {shape:?} {:?} {:?} {}\n", t.name, t.element, t.kind, t.per_example);
        }
        for piece in &flat.pieces {
            let vars: Vec<_> =
                piece.vars.iter().map(|(_, v)| format!("{}<{:?}", v.name, checked.sizes.number(v.extent))).collect();
            let write: Vec<_> = piece.write.iter().map(form).collect();
            text += &format!(
                "{} [{}] = {}   {vars:?} free {:?}\n",
                piece.out,
                write.join(", "),
                scalar(&piece.body),
                piece.free
            );
        }
        text += &format!("out {:?} updates {:?}\n", flat.outputs, flat.updates);
    }
    std::fs::write("/tmp/dump.txt", text).unwrap();
}

use brolga::check::net::{Condition, Linear, Scalar, Subscript};

fn form(l: &Linear) -> String {
    let mut text = l.constant.as_number().unwrap().to_string();
    for (v, by) in &l.terms {
        text += &format!("+{}v{v}", by.as_number().unwrap());
    }
    text
}

fn scalar(s: &Scalar) -> String {
    match s {
        Scalar::Number(n) => format!("{n}"),
        Scalar::Size(s) => format!("size{s}"),
        Scalar::Index(l) => form(l),
        Scalar::Load { tensor, subscripts, .. } => {
            let subs: Vec<_> = subscripts
                .iter()
                .map(|s| match s {
                    Subscript::Affine(l) => form(l),
                    Subscript::Data { tensor, subscripts } => {
                        format!("t{tensor}[{:?}]", subscripts.iter().map(form).collect::<Vec<_>>())
                    }
                })
                .collect();
            format!("t{tensor}[{}]", subs.join(", "))
        }
        Scalar::Unary(op, a) => format!("{op:?}({})", scalar(a)),
        Scalar::Binary(op, a, b) => format!("({} {op:?} {})", scalar(a), scalar(b)),
        Scalar::If(c, a, b) => format!("(if {} then {} else {})", condition(c), scalar(a), scalar(b)),
        Scalar::Reduce { by, vars, across_batch, body } => {
            format!("{by:?}{vars:?}{}({})", if *across_batch { "B" } else { "" }, scalar(body))
        }
    }
}

fn condition(c: &Condition) -> String {
    match c {
        Condition::Index { form: f, relation } => format!("{} {relation:?} 0", form(f)),
        Condition::Real(r, a, b) => format!("{} {r:?} {}", scalar(a), scalar(b)),
        Condition::And(a, b) => format!("({} and {})", condition(a), condition(b)),
        Condition::Or(a, b) => format!("({} or {})", condition(a), condition(b)),
    }
}
