//! The command line: a verb a file. The only room that prints.
//!
//! **Exit codes**: 0 fine; 1 the model, the data or the test is wrong; 2 usage; 101 our own bug; 130 stopped by a signal.

mod annotate;
mod arrays;
mod bench;
mod check;
mod common;
pub mod doc;
mod eval;
mod explain;
mod grad;
mod new;
mod output;
mod pictures;
mod profile;
mod predict;
mod run;
mod sample;
mod shapes;
mod show;
mod splits;
mod stream;
mod test;
mod train;
mod used;
mod watch;
mod weights;
mod why;

pub use common::{Common, Failure, Outcome};

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "brolga", version, about = "Neural networks written as in a textbook, compiled to machine code")]
struct Line {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Write a first net, or pictures to train on
    New(new::Args),
    /// Find mistakes: names, shapes, data
    Check(check::Args),
    /// A table of layers: shapes, parameters, multiply-adds, memory
    Shapes(shapes::Args),
    /// Write what comes out behind each `: ?`
    Annotate(annotate::Args),
    /// Why a tensor has its size
    Why(why::Args),
    /// What a block of the library does, and its text
    Doc(doc::Args),
    /// What a code such as E0302 means
    Explain(explain::Args),
    /// Train, with a checkpoint after each epoch
    Train(train::Args),
    /// Metrics on the test split, the confusion matrix, the worst classes
    Eval(eval::Args),
    /// Name the class of pictures
    Predict(predict::Args),
    /// Run nets on arrays, or on a stream of steps
    Run(run::Args),
    /// Draw a text from a net of characters
    Sample(sample::Args),
    /// The loss and its gradients
    Grad(grad::Args),
    /// Run the tests in files
    Test(test::Args),
    /// Time a training step or an inference
    Bench(bench::Args),
}

/// Room for the deepest file: blocks nest at most 48 deep, each with at most 64 brackets and 500 operators in an
/// expression. Only what is used of it is ever touched.
const STACK: usize = 256 << 20;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let start = std::time::Instant::now();
    std::panic::set_hook(Box::new(|info| {
        eprintln!("brolga: this is a bug of Brolga, not of your file: {info}");
        eprintln!("Please report it with the file and the command; `--emit all -o DIR` writes what the compiler made.");
    }));
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let work = move || dispatch(&line, start);
    let thread = std::thread::Builder::new().name("main".to_string()).stack_size(STACK).spawn(work);
    match thread.expect("the system has threads").join() {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(failure)) => {
            failure.print();
            ExitCode::from(failure.code)
        }
        Err(_) => ExitCode::from(101),
    }
}

fn dispatch(line: &Line, start: std::time::Instant) -> Outcome {
    let common = &line.common;
    match &line.verb {
        Verb::New(args) => new::run(args),
        Verb::Check(args) => check::run(args, common),
        Verb::Shapes(args) => shapes::run(args, common),
        Verb::Annotate(args) => annotate::run(args, common),
        Verb::Why(args) => why::run(args, common),
        Verb::Doc(args) => doc::run(args),
        Verb::Explain(args) => explain::run(args, common),
        Verb::Train(args) => train::run(args, common),
        Verb::Eval(args) => eval::run(args, common),
        Verb::Predict(args) => predict::run(args, common),
        Verb::Run(args) => run::run(args, common),
        Verb::Sample(args) => sample::run(args, common),
        Verb::Grad(args) => grad::run(args, common),
        Verb::Test(args) => test::run(args, common),
        Verb::Bench(args) => bench::run(args, common, start),
    }
}
