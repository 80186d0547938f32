//! `brolga explain E0302`: the page of a code, with what its wrong program is told today.

use super::common::{Common, Failure, Outcome};
use super::output;
use crate::problem;
use std::path::Path;

#[derive(clap::Args)]
pub struct Args {
    /// A code such as E0302; all codes are listed if none is given
    code: Option<String>,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let Some(code) = &args.code else {
        for row in problem::INDEX {
            output::line(&format!("{}  {}", row.code, title(row.page)));
        }
        return Ok(0);
    };
    let mut check = |text: &str| match common.findings(Path::new("example.net"), text, false) {
        Ok((_, findings)) => findings,
        Err(_) => String::new(),
    };
    match problem::explain_with(code, &mut check) {
        Some(page) => output::text(&page),
        None => return Err(Failure::usage(format!("there is no code `{code}`; `brolga explain` lists all"))),
    }
    Ok(0)
}

fn title(page: &str) -> &str {
    page.lines().next().unwrap_or("").trim_start_matches('#').trim()
}
