//! `brolga why FILE NAME`: how a tensor comes to its size.

use super::common::{Common, Failure, Outcome};
use super::output;
use crate::check::net::{Flat, TensorId, UseId};
use crate::size;

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// A tensor, or a layer for what comes out of it: `main`, `conv_1`, `Residual_3.conv_1`, `LeNet.conv_1`
    name: String,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let loaded = common.load(&args.file)?;
    let checked = &loaded.checked;
    let mut names = Vec::new();
    for net in &checked.nets {
        let flat = &net.evaluate;
        let wanted = args.name.strip_prefix(&format!("{}.", net.name)).unwrap_or(&args.name);
        if let Some(tensor) = find(flat, wanted) {
            let shape = &flat.tensors[tensor].shape;
            output::line(&format!("{}.{wanted}: {}", net.name, size::show::shape(&checked.sizes, shape)));
            for (axis, &size) in shape.iter().enumerate() {
                output::line(&format!("\naxis {axis}"));
                output::line(size::why(&checked.sizes, &checked.sources, size).trim_end());
            }
            return Ok(0);
        }
        names.extend(flat.uses.ids().map(|id| path(flat, id)));
    }
    let near = crate::problem::words::nearest(&args.name, names.iter().map(String::as_str));
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(Failure::usage(format!("no net of this file has a tensor or layer `{}`{hint}", args.name)))
}

fn find(flat: &Flat, name: &str) -> Option<TensorId> {
    let layer = flat.uses.ids().find(|&id| path(flat, id) == name).and_then(|id| flat.uses[id].output);
    layer.or_else(|| flat.tensors.iter().find(|(_, tensor)| *tensor.name == *name).map(|(id, _)| id))
}

/// `Residual_3.conv_1`
pub fn path(flat: &Flat, id: UseId) -> String {
    let this = &flat.uses[id];
    match this.parent {
        Some(parent) => format!("{}.{}", path(flat, parent), this.name),
        None => this.name.to_string(),
    }
}
