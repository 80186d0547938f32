//! `brolga new FILE`: a first net that trains at once; `brolga new --pictures DIR`: pictures to train on.

use super::common::{self, Failure, Outcome};
use super::{output, pictures};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// The file to write
    #[arg(required_unless_present = "pictures")]
    file: Option<PathBuf>,
    /// Write drawn pictures of ten kinds into DIR/train and DIR/test, a folder for each kind
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// For --pictures: how many of each kind in DIR/train; a fifth of that in DIR/test
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// For --pictures: pixels of a side
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(8..=4096))]
    size: u32,
}

pub fn run(args: &Args) -> Outcome {
    if let Some(folder) = &args.pictures {
        pictures::write(folder, args.count, args.size)?;
    }
    if let Some(path) = &args.file {
        if path.exists() {
            return Err(Failure::new(format!("{} is there already; `new` overwrites nothing", path.display())));
        }
        common::write_text(path, &first_net(path))?;
        output::line(&format!("wrote {}: now `brolga train {}`", path.display(), path.display()));
    }
    Ok(0)
}

fn first_net(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("first");
    format!(
        r#"# {stem}: which digit is this picture of 8 by 8 pixels?

net Digits(image: [1, 8, 8]) -> digit: [10] {{
  image
  -> conv(16, 3x3, pad=1) -> relu -> max_pool(2x2)    : [16, 4, 4]     # a shape after ':' is checked
  -> conv(32, 3x3, pad=1) -> relu -> max_pool(2x2)    : ?              # and `brolga annotate` fills this one in
  -> flatten -> dense(10) -> softmax
}}

data digits -> (image: [1, 8, 8], label: index(10)) {{
  train = digits8x8()         # 1,797 handwritten digits that come with Brolga
  test  = digits8x8()
}}

train Digits on digits {{
  minimise cross_entropy(Digits(image), label) using adam(lr=2e-3)
  report   accuracy(Digits(image), label)
  epochs = 10
  batch  = 32
}}

test "parameters" {{
  params(Digits.conv_1) == 16 * (3 * 3 + 1)
}}
"#
    )
}
