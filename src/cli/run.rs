//! `brolga run FILE --input x=a.npy --output out.npz`: a net on arrays.

use super::arrays::{self, Array, Wanted};
use super::common::{Common, Failure, Loaded, Outcome};
use super::output;
use crate::check::net::{Checked, Element, Field, Net};
use crate::runtime::program::Moment;
use crate::train::checkpoint::Names;
use crate::train::session::{Session, Work};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// An array for an input: x=a.npy, x=a.npz, x=a.json, or an .npz that holds them by name
    #[arg(long, required_unless_present = "stream", num_args = 1.., value_name = "NAME=FILE")]
    input: Vec<String>,
    /// One step a line of standard input, its outputs a line of standard output
    #[arg(long, conflicts_with_all = ["input", "output"])]
    stream: bool,
    /// Where the outputs go: .npy (one output), .npz or .json; printed as JSON if not given
    #[arg(long)]
    output: Option<PathBuf>,
    /// Which net, if the file has several
    #[arg(long)]
    net: Option<String>,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let loaded = common.load(&args.file)?;
    let number = pick(&loaded.checked, args.net.as_deref())?;
    if args.stream {
        return super::stream::run(&loaded, common, number);
    }
    let net = &loaded.checked.nets[number];
    let mut given = arrays::read(&args.input, &wanted(&loaded.checked, &net.inputs), &loaded.checked)?;
    let mut session = open(&loaded, common)?;
    let work = Work::Net(number);
    let moment = Moment { seed: common.seed.unwrap_or(1), step: 0, steps: 1, first_example: 0 };
    let (batch, batched) = (given.batch, given.batched);
    session.run(work, batch, &moment, &mut given)?;
    let outputs = outputs(&session, net, work, batch, batched);
    match &args.output {
        Some(path) => arrays::write(path, &outputs, false)?,
        None => {
            let members = outputs.iter().map(|(name, array)| (name.clone(), arrays::to_json(array)));
            output::line(&serde_json::Value::Object(members.collect()).to_string());
        }
    }
    Ok(0)
}

/// The net of a name; without a name the only one, or the last, which may use the others.
pub fn pick(checked: &Checked, name: Option<&str>) -> Result<usize, Failure> {
    let names = || checked.nets.iter().map(|net| net.name.to_string()).collect::<Vec<_>>().join(", ");
    match name {
        Some(name) => checked
            .nets
            .iter()
            .position(|net| &*net.name == name)
            .ok_or_else(|| Failure::usage(format!("there is no net `{name}`; the file has {}", names()))),
        None if checked.nets.len() > 1 => {
            Err(Failure::usage(format!("the file has several nets, choose one by --net: {}", names())))
        }
        None => checked.nets.first().map(|_| 0).ok_or_else(|| Failure::new("this file has no `net`")),
    }
}

/// What fields want of arrays.
pub fn wanted(checked: &Checked, fields: &[Field]) -> Vec<Wanted> {
    let number = |size| checked.sizes.number(size).map_or(0, |n| n as usize);
    let wanted = fields.iter().map(|field| Wanted {
        name: field.name.to_string(),
        shape: field.shape.clone(),
        classes: match field.element {
            Element::Index(n) => Some(number(n)),
            Element::Real | Element::Probability => None,
        },
    });
    wanted.collect()
}

/// A session with the weights of `--weights` or of the last training; freshly drawn ones are noted.
///
/// # Errors
/// When a checkpoint is damaged or does not fit.
pub fn open<'a>(loaded: &'a Loaded, common: &Common) -> Result<Session<'a>, Failure> {
    open_named(loaded, common).map(|(session, _)| session)
}

/// As [`open`], with the names of what the data's index fields number, as the checkpoint knows them.
///
/// # Errors
/// As [`open`].
pub fn open_named<'a>(loaded: &'a Loaded, common: &Common) -> Result<(Session<'a>, Names), Failure> {
    open_checked(&loaded.checked, loaded, common)
}

/// As [`open_named`], with these nets in the place of the file's.
///
/// # Errors
/// As [`open`].
pub fn open_checked<'a>(
    checked: &'a Checked,
    loaded: &Loaded,
    common: &Common,
) -> Result<(Session<'a>, Names), Failure> {
    let mut session = Session::new(checked, common.target(), common.threads(), common.seed.unwrap_or(1));
    let names = match super::weights::find(loaded, common) {
        Some(path) => super::weights::load(common, &path, &mut session)?,
        None => {
            output::note("note: no checkpoint was found; the weights are freshly drawn (--weights FILE names one)");
            Names::default()
        }
    };
    Ok((session, names))
}

fn outputs(session: &Session, net: &Net, work: Work, batch: u32, batched: bool) -> Vec<(String, Array)> {
    let checked = session.checked;
    let at = session.last(work, batch).expect("the net was run");
    let each = net.outputs.iter().map(|field| {
        let number = |size: &_| at.number(&checked.sizes, *size).map_or(0, |n| n as usize);
        let mut shape: Vec<usize> = field.shape.iter().map(number).collect();
        let values = session.output(work, batch, &field.name).expect("a net's program has its outputs");
        let one: usize = shape.iter().product();
        // An output that depends on no input has no batch axis of its own: every example gets it.
        let copies = if values.len() == one { batch as usize } else { 1 };
        if batched {
            shape.insert(0, batch as usize);
        }
        let values: Vec<f64> = std::iter::repeat_n(values, copies).flatten().map(|value| f64::from(*value)).collect();
        (field.name.to_string(), Array { shape, values })
    });
    each.collect()
}
