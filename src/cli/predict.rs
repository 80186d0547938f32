//! `brolga predict FILE IMAGES...`: which class each image is, and how probable that is.

use super::common::{Common, Failure, Loaded, Outcome};
use super::{output, run};
use crate::check::net::Net;
use crate::data::told::wants;
use crate::data::{self, Pictures, Request};
use crate::runtime::program::Moment;
use crate::train::session::{Inputs, Work};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// PNG or JPEG images; each is scaled to the size that the net takes
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// How many classes are named for each image
    #[arg(long, default_value_t = 1, value_name = "N")]
    top: usize,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let loaded = common.load(&args.file)?;
    let (number, net) = find(&loaded)?;
    let shape: Vec<usize> = net.inputs[0].shape.iter().map(|&size| number_of(&loaded, size)).collect();
    let output = net.outputs[0].name.clone();
    let classes = number_of(&loaded, net.outputs[0].shape[0]);
    let (names, pictures) = source(&loaded, common, net)?;
    let (mut session, kept) = run::open_named(&loaded, common)?;
    let names = kept.into_iter().map(|(_, names)| names).find(|names| names.len() == classes).unwrap_or(names);
    let mut all = Vec::new();
    for path in &args.images {
        let work = Work::Net(number);
        let moment = Moment { seed: 1, step: 0, steps: 1, first_example: 0 };
        session.run(work, 1, &moment, &mut Image(pictures.read(path, &shape)?))?;
        let scores = session.output(work, 1, &output).expect("a net's program has its outputs");
        let found = best(scores, args.top);
        if common.json() {
            let classes: Vec<_> =
                found.iter().map(|&(c, p)| serde_json::json!({ "class": name(&names, c), "probability": p })).collect();
            all.push(serde_json::json!({ "image": path, "classes": classes }));
            continue;
        }
        let texts: Vec<String> =
            found.iter().map(|&(c, p)| format!("{} {:.2} %", name(&names, c), 100.0 * p)).collect();
        output::line(&format!("{}: {}", path.display(), texts.join(", ")));
    }
    if common.json() {
        output::line(&serde_json::json!({ "version": 1, "images": all }).to_string());
    }
    Ok(0)
}

/// The first net that takes one image and gives one number for each class.
fn find(loaded: &Loaded) -> Result<(usize, &Net), Failure> {
    let suits = |net: &Net| net.inputs.len() == 1 && net.inputs[0].shape.len() == 3 && net.outputs[0].shape.len() == 1;
    let found = loaded.checked.nets.iter().enumerate().find(|(_, net)| suits(net));
    found.ok_or_else(|| Failure::new("no net of this file takes an image [C, H, W] and gives a list of classes"))
}

fn number_of(loaded: &Loaded, size: crate::size::SizeId) -> usize {
    loaded.checked.sizes.number(size).map_or(0, |n| n as usize)
}

/// What the data that the net is trained on say: names of the classes, if they are there, and how pixels are scaled.
fn source(loaded: &Loaded, common: &Common, net: &Net) -> Result<(Vec<String>, Pictures), Failure> {
    let plain = (vec![], Pictures::plain());
    let training = loaded.checked.trainings.iter().find(|training| training.nets.contains(&net.name));
    let Some(dataset) = training.and_then(|t| t.data).map(|place| &loaded.checked.datasets[place]) else {
        return Ok(plain);
    };
    let Some((split, call)) = dataset.splits.first() else { return Ok(plain) };
    let fields = wants(&loaded.checked, dataset);
    let request = Request { split, fields: &fields, place: &loaded.place, seed: common.seed.unwrap_or(1) };
    let facts = data::facts(call, &request).unwrap_or_default();
    let names = facts.fields.into_iter().map(|field| field.names).find(|names| !names.is_empty());
    let taken = super::eval::inputs(loaded, net, dataset).and_then(|inputs| inputs.into_iter().next());
    let field = taken.and_then(|(_, field)| fields.iter().position(|want| want.name == field));
    Ok((names.unwrap_or_default(), Pictures::of(call, &request, field.unwrap_or(0))?))
}

fn name(names: &[String], class: usize) -> String {
    names.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
}

/// The `top` highest scores; of equal ones the lower class first.
fn best(scores: &[f32], top: usize) -> Vec<(usize, f32)> {
    let mut all: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.truncate(top.max(1));
    all
}

/// One image as a net's only input.
struct Image(Vec<f32>);

impl Inputs for Image {
    fn real(&mut self, _name: &str, out: &mut [f32]) -> bool {
        let fits = out.len() == self.0.len();
        if fits {
            out.copy_from_slice(&self.0);
        }
        fits
    }

    fn index(&mut self, _name: &str, _out: &mut [i32]) -> bool {
        false
    }
}
