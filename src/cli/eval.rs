//! `brolga eval FILE`: the metrics and losses of a trained net on a split, its confusion matrix, and the classes that fare worst.

use super::common::{Common, Failure, Loaded, Outcome};
use super::{output, run, splits, weights};
use crate::check::net::{Dataset, Net};
use crate::data::{FieldData, Split, Values};
use crate::ids::Symbol;
use crate::train::epoch::Course;
use crate::train::measure;
use crate::train::metrics::{ClassScore, Confusion, argmax};
use crate::train::session::{Session, Work};

/// Larger matrices are left to `--format json`.
const MOST_COLUMNS: usize = 20;
/// How many classes the list of the worst names.
const WORST: usize = 5;

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// `train`, `valid` or `test`
    #[arg(long, default_value = "test")]
    split: String,
    /// Which `train` of the file, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    item: usize,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let loaded = common.load_with_data(&args.file)?;
    let training = loaded.checked.trainings.get(args.item.wrapping_sub(1));
    let training = training.ok_or_else(|| Failure::new(format!("{} has no such `train`", args.file)))?;
    let mut course = Course::of(&loaded.checked, args.item - 1);
    course.seed = common.seed.unwrap_or(course.seed);
    let dataset = splits::dataset(&loaded, training)?;
    let split = splits::must(&loaded, common, dataset, &args.split, course.seed)?;
    let (mut session, names) = run::open_named(&loaded, common)?;
    weights::agree(&loaded, common, &session, &names, &split)?;
    let mut metrics = Vec::new();
    for (name, metric) in course.metrics() {
        metrics.push((name, measure::metric(&mut session, &course, metric, &split)?));
    }
    let confusion = confusion(&loaded, dataset, &training.nets, &course, &split, &mut session)?;
    let found = Found { split: &args.split, examples: split.count, metrics, confusion };
    if common.json() {
        found.print_json()
    } else {
        found.print()
    }
    Ok(0)
}

/// What an evaluation found.
struct Found<'a> {
    split: &'a str,
    examples: usize,
    metrics: Vec<(Symbol, f64)>,
    confusion: Option<(Confusion, Vec<String>)>,
}

/// Runs the first net that has one probability or score for each class of the data's label; none if there is none.
fn confusion(
    loaded: &Loaded,
    dataset: &Dataset,
    nets: &[Symbol],
    course: &Course,
    split: &Split,
    session: &mut Session,
) -> Result<Option<(Confusion, Vec<String>)>, Failure> {
    let Some((label, classes)) = label(loaded, dataset) else { return Ok(None) };
    let field = split.field(&label).expect("a split has the fields of its data");
    let Some((number, net, output)) = classifier(loaded, nets, classes) else { return Ok(None) };
    let Some(renamed) = inputs(loaded, net, dataset) else { return Ok(None) };
    let Values::Index(truths) = &split.fields[field].values else { return Ok(None) };
    let mut confusion = Confusion::new(classes);
    let work = Work::Net(number);
    measure::over(session, course.seed, split, course.batch, work, &renamed, &mut |session, rows| {
        let scores = session.output(work, rows.len() as u32, &output).expect("a net's program has its outputs");
        for (&row, scores) in rows.iter().zip(scores.chunks_exact(classes)) {
            confusion.add(truths[row as usize] as usize, argmax(scores));
        }
    })?;
    Ok(Some((confusion, class_names(&split.fields[field], classes))))
}

/// The one field of the data that is a class, and how many classes there are.
pub fn label(loaded: &Loaded, dataset: &Dataset) -> Option<(String, usize)> {
    let wants = crate::data::told::wants(&loaded.checked, dataset);
    let mut labels = wants.into_iter().filter(|want| want.shape.is_empty() && want.classes.is_some());
    let (label, more) = (labels.next()?, labels.next());
    if more.is_some() { None } else { label.classes.map(|classes| (label.name.to_string(), classes)) }
}

/// The first net of the training with an output `[classes]`: its number, and the output's name.
pub fn classifier<'a>(loaded: &'a Loaded, nets: &[Symbol], classes: usize) -> Option<(usize, &'a Net, Symbol)> {
    let sizes = &loaded.checked.sizes;
    let mut trained = loaded.checked.nets.iter().enumerate().filter(|(_, net)| nets.contains(&net.name));
    trained.find_map(|(number, net)| {
        let scores = |shape: &[_]| matches!(shape, [n] if sizes.number(*n) == Some(classes as i64));
        let output = net.outputs.iter().find(|output| scores(&output.shape))?;
        Some((number, net, output.name.clone()))
    })
}

/// For each input of a net the data's field that it takes: of its name, else the next free one of its shape.
pub fn inputs(loaded: &Loaded, net: &Net, dataset: &Dataset) -> Option<Vec<(Symbol, Symbol)>> {
    let sizes = |shape: &[_]| shape.iter().map(|&size| loaded.checked.sizes.number(size)).collect::<Vec<_>>();
    let mut free: Vec<_> = dataset.fields.iter().collect();
    let take = |input: &crate::check::net::Field| {
        let named = free.iter().position(|field| field.name == input.name);
        let fits = || free.iter().position(|field| sizes(&field.shape) == sizes(&input.shape));
        let field = free.remove(named.or_else(fits)?);
        Some((input.name.clone(), field.name.clone()))
    };
    net.inputs.iter().map(take).collect()
}

/// The names of the classes, numbers where the data know none.
pub fn class_names(field: &FieldData, classes: usize) -> Vec<String> {
    if field.classes.len() == classes { field.classes.clone() } else { (0..classes).map(|c| c.to_string()).collect() }
}

impl Found<'_> {
    fn print(&self) {
        output::line(&format!("{}: {} examples", self.split, super::train::thousands(self.examples as u64)));
        let width = self.metrics.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in &self.metrics {
            output::line(&format!("  {name:<width$}  {value:.4}"));
        }
        let Some((confusion, names)) = &self.confusion else { return };
        if confusion.classes() <= MOST_COLUMNS {
            print_matrix(confusion, names);
        }
        print_worst(confusion, names);
    }

    fn print_json(&self) {
        let metrics: serde_json::Map<String, serde_json::Value> =
            self.metrics.iter().map(|(name, value)| (name.to_string(), (*value).into())).collect();
        let mut all =
            serde_json::json!({ "version": 1, "split": self.split, "examples": self.examples, "metrics": metrics });
        if let Some((confusion, names)) = &self.confusion {
            let rows: Vec<&[u64]> = (0..confusion.classes()).map(|truth| confusion.row(truth)).collect();
            all["classes"] = names.clone().into();
            all["confusion"] = serde_json::json!(rows);
        }
        output::line(&all.to_string());
    }
}

/// Rows are true classes, columns predicted ones; a dot is none.
fn print_matrix(confusion: &Confusion, names: &[String]) {
    let short: Vec<String> = names.iter().map(|name| name.chars().take(6).collect()).collect();
    let digits = (0..names.len()).flat_map(|truth| confusion.row(truth)).max().map_or(1, |n| n.to_string().len());
    let cell = short.iter().map(|name| name.chars().count()).max().unwrap_or(1).max(digits);
    let head = names.iter().map(|name| name.chars().count()).max().unwrap_or(1);
    let titles: String = short.iter().map(|name| format!(" {name:>cell$}")).collect();
    output::line(&format!("\ntrue class down, predicted across\n  {:head$} {titles}", ""));
    for (truth, name) in names.iter().enumerate() {
        let number = |n: &u64| if *n == 0 { format!(" {:>cell$}", "·") } else { format!(" {n:>cell$}") };
        let row: String = confusion.row(truth).iter().map(number).collect();
        output::line(&format!("  {name:<head$} {row}"));
    }
}

fn print_worst(confusion: &Confusion, names: &[String]) {
    let worst: Vec<ClassScore> = confusion.worst().into_iter().take(WORST).filter(|s| s.right < s.examples).collect();
    if worst.is_empty() {
        return output::line("\nevery example was recognised");
    }
    output::line("\nworst classes");
    let head = worst.iter().map(|score| names[score.class].chars().count()).max().unwrap_or(1);
    for ClassScore { class, examples, right, taken_for } in worst {
        let share = 100.0 * right as f64 / examples as f64;
        let other = taken_for.map_or(String::new(), |(other, n)| format!(", taken for {} {n} times", names[other]));
        let other = other.replace(" 1 times", " once").replace(" 2 times", " twice");
        output::line(&format!("  {:<head$}  {share:5.1} %  {right} of {examples}{other}", names[class]));
    }
}
