//! Checkpoints: parameters and state in one safetensors file that is whole or not there.
//!
//! The file is a header length (8 bytes, little-endian), a JSON header and the numbers (safetensors' format). Its
//! `__metadata__` holds `format`, `sha256` (over the whole file, its own 64 digits read as zeros), `source` (SHA-256 of
//! the `.net` text), `seed`, `epoch`, `batches`, `step`, `losses` (by objective), `examples`, `best`, `waited`, and
//! `names`, what the data's index fields number. What is drawn is keyed by (seed, epoch, step), so these three are the
//! whole state of randomness. f64 are 16 hexadecimal digits of their bits.
//!
//! **Invariants**: the same state is the same bytes; a file is replaced by a rename, so that a reader sees the old or
//! the new one whole; a file whose digest differs is never read further.

use super::progress::Progress;
use crate::data::Split;
use crate::ids::Symbol;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// What stands as `format` in the metadata.
pub const FORMAT: &str = "brolga 2";
const DIGITS: usize = 64;
const DIGEST_KEY: &str = "\"sha256\":\"";
/// Differences that a message lists.
const SHOWN: usize = 5;

/// What is kept of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// SHA-256 of the `.net` text, hexadecimal.
    pub source: String,
    /// Of all that is drawn.
    pub seed: u64,
    pub progress: Progress,
    pub names: Names,
    pub tensors: Vec<Saved>,
}

/// For the index fields of the data that it was trained on, the names of what they number: classes, or the characters of
/// a text.
pub type Names = Vec<(Symbol, Vec<String>)>;

/// A parameter or state, or what a net wants of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// `LeNet.conv_1.weight`, `optimiser/0/v/LeNet.conv_1.weight`
    pub path: Symbol,
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// Why a checkpoint is not written or not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// There is no such file.
    Absent { path: String },
    /// It cannot be read, is cut off, changed, or of another format.
    Damaged { path: String, expected: String, found: String },
    /// It belongs to another net; each difference with names and shapes.
    Mismatch { path: String, differences: Vec<String> },
    /// It was trained on data that number their classes in another way.
    Renamed { path: String, field: Symbol, number: usize, here: String, data: String },
    /// It cannot be written; what was there before is still there.
    Unwritten { path: String, why: String },
}

/// How much of a file must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To go on training: every tensor, and no other.
    Resume,
    /// To use the net: optimisers' state may be there or not.
    Weights,
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

impl Checkpoint {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = self.header();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        for value in self.tensors.iter().flat_map(|tensor| &tensor.values) {
            bytes.extend(value.to_le_bytes());
        }
        let at = digest_place(&bytes).expect("the header holds its digest");
        let sum = digest(&bytes);
        bytes[at..at + DIGITS].copy_from_slice(sum.as_bytes());
        bytes
    }

    /// JSON, padded with blanks so that the numbers begin at a multiple of 8. The digest's digits are zeros.
    fn header(&self) -> String {
        let mut text = String::from("{\"__metadata__\":{");
        let zeros = "0".repeat(DIGITS);
        let mut all = vec![("format", FORMAT.to_string()), ("sha256", zeros), ("source", self.source.clone())];
        all.push(("seed", self.seed.to_string()));
        all.extend(self.progress.to_texts());
        if !self.names.is_empty() {
            let names: Vec<_> = self.names.iter().map(|(field, names)| (&**field, names)).collect();
            all.push(("names", serde_json::json!(names).to_string()));
        }
        let all: Vec<String> = all.iter().map(|(key, value)| format!("{}:{}", quote(key), quote(value))).collect();
        text += &all.join(",");
        text.push('}');
        let mut at = 0;
        for Saved { path, shape, values } in &self.tensors {
            let end = at + 4 * values.len();
            let name = quote(path);
            write!(text, ",{name}:{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{at},{end}]}}")
                .expect("a String takes all text");
            at = end;
        }
        text.push('}');
        format!("{text:<width$}", width = text.len().next_multiple_of(8))
    }

    /// Writes the file: to a temporary one in the same folder, which takes its place when it is whole and on the disk.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let unwritten = |e: std::io::Error| CheckpointError::Unwritten { path: shown(path), why: reason(&e) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(unwritten)?;
        let mut file = tempfile::Builder::new().prefix(".checkpoint").tempfile_in(folder).map_err(unwritten)?;
        file.write_all(&self.to_bytes()).map_err(unwritten)?;
        file.as_file().sync_all().map_err(unwritten)?;
        file.persist(path).map_err(|e| unwritten(e.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritten)
    }

    /// Reads a file. Errors: absent, or not byte for byte what was written.
    pub fn read(path: &Path) -> Result<Checkpoint, CheckpointError> {
        let bytes = std::fs::read(path).map_err(|e| {
            if e.kind() == std::io::ErrorKind::NotFound {
                return CheckpointError::Absent { path: shown(path) };
            }
            damaged(path, "a file that can be read", &e.to_string())
        })?;
        Checkpoint::from_bytes(path, bytes)
    }

    /// From the bytes of a file; the path is for messages.
    pub fn from_bytes(path: &Path, mut bytes: Vec<u8>) -> Result<Checkpoint, CheckpointError> {
        verify(path, &mut bytes)?;
        let wrong = |e: safetensors::SafeTensorError| damaged(path, "a safetensors file", &e.to_string());
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(wrong)?;
        let file = SafeTensors::deserialize(&bytes).map_err(wrong)?;
        let meta = |key: &str| header.metadata().as_ref().and_then(|all| all.get(key).cloned()).unwrap_or_default();
        if meta("format") != FORMAT {
            return Err(damaged(path, &format!("the format `{FORMAT}`"), &format!("`{}`", meta("format"))));
        }
        let seed = meta("seed").parse().map_err(|_| damaged(path, "a whole number as `seed`", &meta("seed")))?;
        let progress =
            Progress::from_texts(meta).map_err(|key| damaged(path, &format!("a number as `{key}`"), &meta(key)))?;
        // in the order of the file, not of a hash map
        let names = header.offset_keys();
        let tensors = names.iter().map(|name| tensor(path, name, &file)).collect::<Result<_, _>>()?;
        let names = match &*meta("names") {
            "" => Names::default(),
            text => named(text).ok_or_else(|| damaged(path, "lists of texts as `names`", text))?,
        };
        Ok(Checkpoint { source: meta("source"), seed, progress, names, tensors })
    }

    /// The tensors that a net wants, in its order. Errors: missing ones, unknown ones, other shapes: all are named.
    pub fn fit(mut self, path: &Path, wanted: &[Saved], purpose: Purpose) -> Result<Vec<Saved>, CheckpointError> {
        let spare = |name: &str| purpose == Purpose::Weights && name.starts_with("optimiser/");
        let (mut taken, mut differences) = (Vec::new(), Vec::new());
        for want in wanted.iter().filter(|want| !spare(&want.path)) {
            match self.tensors.iter().position(|tensor| tensor.path == want.path) {
                Some(place) => taken.push(self.tensors.remove(place)),
                None => differences.push(format!("`{}` {:?} is not in the file", want.path, want.shape)),
            }
            if let Some(got) = taken.last().filter(|got| got.path == want.path && got.shape != want.shape) {
                let (path, file, net) = (&want.path, &got.shape, &want.shape);
                differences.push(format!("`{path}` is {file:?} in the file, {net:?} in the net"));
            }
        }
        let unknown = self.tensors.iter().filter(|tensor| !spare(&tensor.path));
        differences.extend(unknown.map(|t| format!("`{}` {:?} of the file is not in the net", t.path, t.shape)));
        if differences.is_empty() {
            Ok(taken)
        } else {
            Err(CheckpointError::Mismatch { path: shown(path), differences })
        }
    }
}

/// Holds the names of a checkpoint against those of a split; what only one of them names agrees.
pub fn agree(path: &Path, names: &Names, split: &Split) -> Result<(), CheckpointError> {
    for (field, names) in names {
        let data = split.field(field).map_or(&[][..], |place| &split.fields[place].classes);
        let longest = if data.is_empty() { 0 } else { names.len().max(data.len()) };
        if let Some(number) = (0..longest).find(|&number| names.get(number) != data.get(number)) {
            let name = |list: &[String]| list.get(number).map_or("nothing".to_string(), |name| quote(name));
            let (path, field, here, data) = (shown(path), field.clone(), name(names), name(data));
            return Err(CheckpointError::Renamed { path, field, number, here, data });
        }
    }
    Ok(())
}

fn named(text: &str) -> Option<Names> {
    let all: Vec<(String, Vec<String>)> = serde_json::from_str(text).ok()?;
    Some(all.into_iter().map(|(field, names)| (field.into(), names)).collect())
}

/// Compares the digest, and leaves zeros in its place.
fn verify(path: &Path, bytes: &mut [u8]) -> Result<(), CheckpointError> {
    let Some(at) = digest_place(bytes) else {
        let found = format!("{} bytes without one", bytes.len());
        return Err(damaged(path, "a checkpoint, with its SHA-256 in the header", &found));
    };
    let written = String::from_utf8_lossy(&bytes[at..at + DIGITS]).into_owned();
    bytes[at..at + DIGITS].fill(b'0');
    let sum = digest(bytes);
    if sum != written {
        return Err(damaged(path, &format!("the SHA-256 {written}, which its header names"), &sum));
    }
    Ok(())
}

/// Where the digits of the digest stand.
fn digest_place(bytes: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let header = bytes.get(8..usize::try_from(length).ok()?.checked_add(8)?)?;
    let key = DIGEST_KEY.as_bytes();
    let at = 8 + header.windows(key.len()).position(|window| window == key)? + key.len();
    (at + DIGITS <= 8 + header.len()).then_some(at)
}

fn tensor(path: &Path, name: &str, file: &SafeTensors) -> Result<Saved, CheckpointError> {
    let view = file.tensor(name).map_err(|e| damaged(path, "a safetensors file", &e.to_string()))?;
    if view.dtype() != Dtype::F32 {
        return Err(damaged(path, &format!("F32 in `{name}`"), &format!("{:?}", view.dtype())));
    }
    let number = |four: &[u8]| f32::from_le_bytes(four.try_into().expect("chunks have 4 bytes"));
    let values = view.data().chunks_exact(4).map(number).collect();
    Ok(Saved { path: name.into(), shape: view.shape().to_vec(), values })
}

fn damaged(path: &Path, expected: &str, found: &str) -> CheckpointError {
    CheckpointError::Damaged { path: shown(path), expected: expected.to_string(), found: found.to_string() }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The system's words without its error number.
fn reason(error: &std::io::Error) -> String {
    let known = [
        (std::io::ErrorKind::StorageFull, "the disk is full"),
        (std::io::ErrorKind::FileTooLarge, "the file would be larger than is allowed here"),
        (std::io::ErrorKind::PermissionDenied, "no permission to write there"),
    ];
    let words = known.iter().find(|(kind, _)| *kind == error.kind());
    words.map_or_else(|| error.to_string(), |(_, words)| (*words).to_string())
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all text");
        text
    })
}

impl CheckpointError {
    /// The number of the message.
    pub fn code(&self) -> &'static str {
        match self {
            CheckpointError::Absent { .. } => "E0701",
            CheckpointError::Damaged { .. } => "E0705",
            CheckpointError::Mismatch { .. } | CheckpointError::Renamed { .. } => "E0704",
            CheckpointError::Unwritten { .. } => "E0707",
        }
    }

    /// What stands below the headline.
    pub fn notes(&self) -> Vec<String> {
        match self {
            CheckpointError::Absent { .. } => {
                vec!["`brolga train` writes it; `--weights FILE` names another".to_string()]
            }
            CheckpointError::Damaged { .. } => vec!["nothing of the file was used".to_string()],
            CheckpointError::Mismatch { differences, .. } => {
                let more = differences.len().saturating_sub(SHOWN);
                let more = (more > 0).then(|| format!("and {more} more"));
                differences.iter().take(SHOWN).cloned().chain(more).collect()
            }
            CheckpointError::Renamed { .. } => {
                vec!["what the net learned of one would be said of another; train it on these data".to_string()]
            }
            CheckpointError::Unwritten { .. } => vec!["the checkpoint that was there before is untouched".to_string()],
        }
    }
}

impl std::fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CheckpointError::Absent { path } => write!(f, "{path}: there is no such checkpoint"),
            CheckpointError::Damaged { path, expected, found } => {
                write!(f, "{path}: the checkpoint is damaged: expected {expected}, found {found}")
            }
            CheckpointError::Mismatch { path, differences } => {
                let n = differences.len();
                write!(
                    f,
                    "{path}: the checkpoint is of another net: {n} tensor{} differ",
                    if n == 1 { "" } else { "s" }
                )
            }
            CheckpointError::Renamed { path, field, number, here, data } => {
                write!(
                    f,
                    "{path}: the checkpoint was trained on other data: number {number} of `{field}` is {here} in it, {data} in the data"
                )
            }
            CheckpointError::Unwritten { path, why } => write!(f, "{path}: the checkpoint could not be written: {why}"),
        }
    }
}

impl std::error::Error for CheckpointError {}
