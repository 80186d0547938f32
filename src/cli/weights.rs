//! Where a file's checkpoints lie, and how they come into a session.
//!
//! `runs/STEM/` under the current folder holds `last.safetensors`, `best.safetensors` (if the file says `keep`) and
//! `log.jsonl`.

use super::common::{Common, Failure, Loaded};
use crate::data::{DataError, Split};
use crate::diagnostic::Diagnostic;
use crate::train::checkpoint::{self, Checkpoint, CheckpointError, Names, Purpose, Saved};
use crate::train::random;
use crate::train::session::Session;
use std::path::{Path, PathBuf};

/// The folder of a file's runs.
pub fn folder(loaded: &Loaded) -> PathBuf {
    let stem = loaded.path.file_stem().map_or_else(|| "net".into(), |stem| stem.to_string_lossy().into_owned());
    Path::new("runs").join(stem)
}

/// The checkpoint of the last epoch.
pub fn last(loaded: &Loaded) -> PathBuf {
    folder(loaded).join("last.safetensors")
}

/// The checkpoint of the best epoch.
pub fn best(loaded: &Loaded) -> PathBuf {
    folder(loaded).join("best.safetensors")
}

/// `--weights`, else the best checkpoint of the file's runs, else the last, else none.
pub fn find(loaded: &Loaded, common: &Common) -> Option<PathBuf> {
    let there = [best(loaded), last(loaded)].into_iter().find(|path| path.exists());
    common.weights.clone().or(there)
}

/// Reads a checkpoint into a session; optimisers' state may be absent. Gives what the data's index fields number.
///
/// # Errors
/// When the file is damaged or of another net.
pub fn load(common: &Common, path: &Path, session: &mut Session) -> Result<Names, Failure> {
    let checkpoint = Checkpoint::read(path).map_err(|error| told(common, session, &error))?;
    let names = checkpoint.names.clone();
    let tensors = checkpoint.fit(path, &wanted(session), Purpose::Weights);
    put(session, tensors.map_err(|error| told(common, session, &error))?);
    Ok(names)
}

/// Holds the names of a loaded checkpoint against those of a split.
///
/// # Errors
/// When they number their classes differently.
pub fn agree(loaded: &Loaded, common: &Common, session: &Session, names: &Names, split: &Split) -> Result<(), Failure> {
    let path = find(loaded, common).unwrap_or_default();
    checkpoint::agree(&path, names, split).map_err(|error| told(common, session, &error))
}

/// Writes tensors into a session's store.
pub fn put(session: &mut Session, tensors: Vec<Saved>) {
    for tensor in tensors {
        session.store.set(&tensor.path, &tensor.values);
    }
}

/// Names and shapes of all that a session keeps, without the numbers.
pub fn wanted(session: &Session) -> Vec<Saved> {
    let checked = session.checked;
    let each = checked.params.iter().map(|(_, param)| Saved {
        path: param.path.clone(),
        shape: random::shape(checked, param),
        values: vec![],
    });
    each.collect()
}

/// All that a session keeps.
pub fn saved(session: &Session) -> Vec<Saved> {
    let values = |path: &str| session.store.get(path).expect("the store holds every parameter").to_vec();
    wanted(session).into_iter().map(|tensor| Saved { values: values(&tensor.path), ..tensor }).collect()
}

/// A finding about a checkpoint.
pub fn told(common: &Common, session: &Session, error: &CheckpointError) -> Failure {
    let (code, headline, notes) = (error.code(), error.to_string(), error.notes());
    let finding = Diagnostic { code, headline, labels: vec![], notes, helps: vec![] };
    super::splits::tell(common, &session.checked.sources, finding)
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Failure {
        Failure::new(error.to_string())
    }
}
