//! `brolga sample FILE --prompt "ROMEO:" --length 400`: a text that a character model goes on with.
//!
//! A net whose equations need earlier steps at fixed distances only takes one step a character, its state carried. Any
//! other (attention) is run again on all characters so far, or on as many of the last ones as it takes.

use super::common::{Common, Failure, Loaded, Outcome};
use super::{eval, output, run};
use crate::check::net::{Element, Net};
use crate::check::stepwise::{Stepwise, step_by_step};
use crate::data::random::{keyed, unit_f64};
use crate::data::told;
use crate::ids::Symbol;
use crate::runtime::program::Moment;
use crate::train::checkpoint::Names;
use crate::train::metrics::argmax;
use crate::train::session::{Inputs, RunError, Session, Work};
use crate::train::stepper::{Step, Stepper};

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// What the text begins with; one character more is drawn, again and again
    #[arg(long, default_value = "", value_name = "TEXT")]
    prompt: String,
    /// How many characters are drawn
    #[arg(long, default_value_t = 400, value_name = "N")]
    length: usize,
    /// Below 1 likely characters get likelier; 0 always takes the likeliest
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    temperature: f64,
    /// Which net, if the file has several
    #[arg(long)]
    net: Option<String>,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    if !(args.temperature >= 0.0 && args.temperature.is_finite()) {
        return Err(Failure::usage("`--temperature` is a number from 0 on"));
    }
    let loaded = common.load(&args.file)?;
    let model = Model::find(&loaded, args.net.as_deref())?;
    let stepwise = step_by_step(&loaded.checked, model.number).ok();
    let checked = stepwise.as_ref().map_or(&loaded.checked, |stepwise| &stepwise.checked);
    let (session, kept) = run::open_checked(checked, &loaded, common)?;
    let vocabulary = model.vocabulary(&loaded, common, kept)?;
    let mut tokens = vocabulary.tokens(&args.prompt)?;
    let seed = common.seed.unwrap_or(1);
    let mut source = Source::new(&model, stepwise.as_ref(), session, seed);
    let quiet = common.json();
    if !quiet {
        output::text(&args.prompt);
    }
    let mut drawn = String::new();
    let mut done = 0;
    for number in 0..args.length {
        let scores = source.next(&tokens, done)?;
        done = tokens.len();
        let token = draw(&scores, args.temperature, seed, number);
        tokens.push(token as i32);
        let name = &vocabulary.names[token];
        drawn.push_str(name);
        if !quiet {
            output::text(name);
        }
    }
    match quiet {
        true => {
            output::line(&serde_json::json!({ "version": 1, "prompt": args.prompt, "text": drawn }).to_string());
        }
        false => output::text("\n"),
    }
    Ok(0)
}

/// A number below the count of scores, by their size to the power of 1 / temperature; keyed by (seed, place).
fn draw(scores: &[f32], temperature: f64, seed: u64, number: usize) -> usize {
    if temperature == 0.0 {
        return argmax(scores);
    }
    let logs: Vec<f64> = scores.iter().map(|p| libm::log(f64::from(*p).max(0.0)) / temperature).collect();
    let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| libm::exp(log - highest)).collect();
    let mut left = unit_f64(&mut keyed(seed, &format!("sample/{number}"))) * weights.iter().sum::<f64>();
    for (token, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return token;
        }
    }
    argmax(scores)
}

/// A net that takes characters and tells how probable each next one is.
struct Model<'a> {
    number: usize,
    net: &'a Net,
    count: usize,
}

impl<'a> Model<'a> {
    fn find(loaded: &'a Loaded, name: Option<&str>) -> Result<Model<'a>, Failure> {
        let checked = &loaded.checked;
        let count = |net: &Net| {
            let ([input], [output]) = (&net.inputs[..], &net.outputs[..]) else { return None };
            let ([steps], [same, scores]) = (&input.shape[..], &output.shape[..]) else { return None };
            let Element::Index(n) = input.element else { return None };
            let n = checked.sizes.number(n)?;
            let open = checked.sizes.number(*steps).is_none() && checked.sizes.equal(*steps, *same);
            (open && checked.sizes.number(*scores) == Some(n)).then_some(n as usize)
        };
        let wanted = |net: &&Net| name.is_none_or(|name| *net.name == *name);
        let found = checked.nets.iter().filter(wanted).find_map(|net| count(net).map(|count| (net, count)));
        let Some((net, count)) = found else {
            let text =
                "a text is drawn from a net such as `net Next(text: [T] of index(n)) -> next: [T, n]`; there is none";
            return Err(Failure::new(text));
        };
        let number = checked.nets.iter().position(|other| other.name == net.name).unwrap_or(0);
        Ok(Model { number, net, count })
    }

    /// The characters that the net numbers: as the checkpoint knows them, else as the data say.
    fn vocabulary(&self, loaded: &Loaded, common: &Common, kept: Names) -> Result<Vocabulary, Failure> {
        let checked = &loaded.checked;
        let training = checked.trainings.iter().find(|training| training.nets.contains(&self.net.name));
        let dataset = training.and_then(|training| training.data).map(|place| &checked.datasets[place]);
        let fields = dataset.and_then(|dataset| eval::inputs(loaded, self.net, dataset));
        let field = fields.and_then(|fields| fields.first().map(|(_, field)| field.clone()));
        let named = |names: &Names| {
            let own = names.iter().find(|(name, _)| field.as_ref() == Some(name));
            own.map(|(_, names)| names.clone()).filter(|names| names.len() == self.count)
        };
        if let Some(names) = named(&kept) {
            return Ok(Vocabulary { names });
        }
        let facts = told::all(checked, &loaded.place, common.seed.unwrap_or(1));
        let names = dataset.and_then(|dataset| facts.names(&dataset.name, field.as_ref()?, &dataset.fields));
        let text = "neither a checkpoint nor the data say which characters the net numbers: `brolga train` first";
        names
            .filter(|names| names.len() == self.count)
            .map(|names| Vocabulary { names })
            .ok_or_else(|| Failure::new(text))
    }
}

/// Characters by their numbers.
struct Vocabulary {
    names: Vec<String>,
}

impl Vocabulary {
    /// The numbers of a text; of an empty one that of a line end, or of the first character.
    fn tokens(&self, text: &str) -> Result<Vec<i32>, Failure> {
        let number = |name: &str| self.names.iter().position(|known| known == name);
        if text.is_empty() {
            return Ok(vec![number("\n").unwrap_or(0) as i32]);
        }
        let one = |c: char| {
            let known = || self.names.iter().map(|name| name.escape_debug().to_string()).collect::<String>();
            let wrong = || Failure::new(format!("the net knows no {c:?}; its {} are {}", self.names.len(), known()));
            number(c.encode_utf8(&mut [0; 4])).map(|n| n as i32).ok_or_else(wrong)
        };
        text.chars().map(one).collect()
    }
}

/// Where the scores of the next character come from.
enum Source<'a> {
    /// One step a character.
    Steps { stepper: Stepper<'a>, input: Symbol, output: Symbol },
    /// The whole again.
    Whole { session: Session<'a>, number: usize, input: Symbol, output: Symbol, count: usize, most: usize, seed: u64 },
}

impl<'a> Source<'a> {
    fn new(model: &Model, stepwise: Option<&'a Stepwise>, session: Session<'a>, seed: u64) -> Source<'a> {
        let (input, output) = (model.net.inputs[0].name.clone(), model.net.outputs[0].name.clone());
        match stepwise {
            Some(stepwise) => Source::Steps { stepper: Stepper::new(stepwise, session, seed), input, output },
            None => {
                let limits = model.net.evaluate.lengths.values().filter_map(|(limits, _)| limits.high);
                let most = limits.min().map_or(usize::MAX, |most| most.max(1) as usize);
                Source::Whole { session, number: model.number, input, output, count: model.count, most, seed }
            }
        }
    }

    /// The scores behind all tokens, of which the first `done` were given before.
    fn next(&mut self, tokens: &[i32], done: usize) -> Result<Vec<f32>, RunError> {
        match self {
            Source::Steps { stepper, input, output } => {
                for &token in &tokens[done..] {
                    stepper.step(&[(input.clone(), Step::Index(vec![token]))])?;
                }
                Ok(stepper.output(output).expect("a net's program has its outputs").to_vec())
            }
            Source::Whole { session, number, input, output, count, most, seed } => {
                let own = &tokens[tokens.len().saturating_sub(*most)..];
                let moment = Moment { seed: *seed, step: 0, steps: 1, first_example: 0 };
                let work = Work::Net(*number);
                // One program serves many lengths: the text is laid into a longer one, its own length told.
                let room = own.len().next_power_of_two().max(32).min(*most);
                let mut prefix = Prefix { input, tokens: own, room };
                if let Err(RunError::Lengths(_)) = session.run(work, 1, &moment, &mut prefix) {
                    prefix.room = own.len();
                    session.run(work, 1, &moment, &mut prefix)?;
                }
                let all = session.output(work, 1, output).expect("a net's program has its outputs");
                Ok(all[(own.len() - 1) * *count..own.len() * *count].to_vec())
            }
        }
    }
}

/// A text in the room of a longer one.
struct Prefix<'p> {
    input: &'p str,
    tokens: &'p [i32],
    room: usize,
}

impl Inputs for Prefix<'_> {
    fn real(&mut self, _name: &str, _out: &mut [f32]) -> bool {
        false
    }

    fn index(&mut self, name: &str, out: &mut [i32]) -> bool {
        let given = name == self.input && out.len() == self.room;
        if given {
            out.fill(0);
            out[..self.tokens.len()].copy_from_slice(self.tokens);
        }
        given
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        (name == self.input).then(|| vec![self.room])
    }

    fn shape_of(&self, name: &str, _example: usize) -> Option<Vec<usize>> {
        (name == self.input).then(|| vec![self.tokens.len()])
    }

    fn is_ragged(&self) -> bool {
        self.room > self.tokens.len() || self.room > 1 && self.room.is_power_of_two()
    }
}
