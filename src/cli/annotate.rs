//! `brolga annotate FILE`: writes what comes out behind each `: ?`, or, with `--all`, behind every stage at a line's end.

use super::common::{self, Common, Outcome};
use super::output;
use std::path::Path;

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// Remarks behind every stage that ends a line, too
    #[arg(long)]
    all: bool,
    /// Print the text in place of changing the file
    #[arg(long)]
    print: bool,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let loaded = common.load(&args.file)?;
    let checked = &loaded.checked;
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for remark in &checked.remarks {
        let shape = crate::size::show::shape(&checked.sizes, &remark.shape);
        let (from, to) = (remark.at.start as usize, remark.at.end as usize);
        if remark.hole {
            edits.push((from, to, shape));
        } else if args.all && !remark.written && ends_line(&loaded.text, to) {
            edits.push((to, to, format!(" : {shape}")));
        }
    }
    edits.sort();
    edits.dedup_by_key(|(from, to, _)| (*from, *to));
    let mut text = loaded.text.clone();
    for (from, to, new) in edits.iter().rev() {
        text.replace_range(from..to, new);
    }
    if args.print {
        output::text(&text);
    } else if text != loaded.text {
        common::write_text(Path::new(&args.file), &text)?;
    }
    output::note(&format!("{}: {} written", args.file, edits.len()));
    Ok(0)
}

fn ends_line(text: &str, at: usize) -> bool {
    let rest = text[at..].split('\n').next().unwrap_or("").trim_start();
    rest.is_empty() || rest.starts_with('#')
}
