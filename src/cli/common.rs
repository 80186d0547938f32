//! What all verbs share: options, reading and checking a file, findings and how they end the program.

use super::output;
use crate::check::Options;
use crate::check::net::Checked;
use crate::compile;
use crate::data::{Place, told};
use crate::diagnostic::{self, Format};
use crate::problem::fixes::apply;
use crate::source::{MAX_BYTES, Sources, add_bytes};
use crate::target::Target;
use crate::train::session::RunError;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// 0 to 2: what the process exits with.
pub type Outcome = Result<u8, Failure>;

/// Options that every verb takes.
#[derive(clap::Args, Clone)]
pub struct Common {
    /// Threads; all cores if not given. The results are the same bits
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
    /// Compile for clif, avx2 or avx512; the best that the CPU has if not given. Results differ in the last bits
    #[arg(long, global = true, value_name = "NAME", value_parser = target)]
    pub target_cpu: Option<Target>,
    /// In place of the file's seed
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Another value for a `let` of the file
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// A checkpoint; by default the one in runs/
    #[arg(long, global = true, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Where data files lie, if not beside the .net file
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A folder outside of the .net file's own from which `use` may take files; may be given several times
    #[arg(long, global = true, value_name = "DIR")]
    pub r#use: Vec<PathBuf>,
    /// How findings and tables are written
    #[arg(long, global = true, value_enum, default_value_t = FormatName::Full)]
    pub format: FormatName,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub enum FormatName {
    Full,
    Short,
    Json,
}

/// A target that this machine has, by its name.
fn target(name: &str) -> Result<Target, String> {
    let here = Target::here().map(Target::name).collect::<Vec<_>>().join(", ");
    Target::named(name).filter(|t| t.is_there()).ok_or_else(|| format!("this machine has {here}"))
}

/// What ends a verb early.
#[derive(Debug)]
pub struct Failure {
    /// Findings that were printed already leave nothing to say.
    text: Option<String>,
    pub code: u8,
}

impl Failure {
    /// The model, the data or the test is wrong.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure { text: Some(text.into()), code: 1 }
    }

    /// The command is wrong.
    pub fn usage(text: impl Into<String>) -> Failure {
        Failure { text: Some(text.into()), code: 2 }
    }

    /// All was said.
    pub fn said() -> Failure {
        Failure { text: None, code: 1 }
    }

    /// A system error at a path.
    pub fn io(path: &Path, doing: &str, error: &std::io::Error) -> Failure {
        Failure::new(format!("cannot {doing} {}: {error}", path.display()))
    }

    /// Writes it to standard error.
    pub fn print(&self) {
        if let Some(text) = &self.text {
            output::note(&format!("error: {text}"));
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        Failure::new(error.to_string())
    }
}

/// A file that checks.
pub struct Loaded {
    pub path: PathBuf,
    pub text: String,
    pub checked: Checked,
    /// For its data.
    pub place: Place,
}

impl Common {
    /// What this process compiles for.
    pub fn target(&self) -> Target {
        self.target_cpu.unwrap_or_else(Target::detect)
    }

    /// How many threads to use.
    pub fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(all).clamp(1, 256)
    }

    /// Whether output is for programs.
    pub fn json(&self) -> bool {
        self.format == FormatName::Json
    }

    /// How diagnostics are written.
    pub fn rendering(&self, color: bool) -> Format {
        match self.format {
            FormatName::Full => Format::Full { color },
            FormatName::Short => Format::Short,
            FormatName::Json => Format::Json,
        }
    }

    /// Reads and checks a file without looking at its data; warnings are printed, errors end the verb.
    ///
    /// # Errors
    /// When it cannot be read, or does not check (then all was printed).
    pub fn load(&self, file: &str) -> Result<Loaded, Failure> {
        self.load_with(file, false)
    }

    /// The same, and holds the net against what its data files say of themselves.
    ///
    /// # Errors
    /// As [`Common::load`].
    pub fn load_with_data(&self, file: &str) -> Result<Loaded, Failure> {
        self.load_with(file, true)
    }

    fn load_with(&self, file: &str, with_data: bool) -> Result<Loaded, Failure> {
        let path = PathBuf::from(file);
        let text = read_text(&path)?;
        let (checked, findings) = self.findings(&path, &text, with_data)?;
        let nothing = self.json() && checked.is_some() && findings.contains("\"findings\": []");
        if !findings.is_empty() && !nothing {
            output::note(findings.trim_end());
        }
        let Some(checked) = checked else { return Err(Failure::said()) };
        let place = Place::of(&path, self.data.as_deref());
        Ok(Loaded { path, text, checked, place })
    }

    /// The checked file, none if it has errors, and all findings rendered.
    ///
    /// # Errors
    /// When a `--set` is no `name=value`.
    pub fn findings(&self, path: &Path, text: &str, with_data: bool) -> Result<(Option<Checked>, String), Failure> {
        let shown = path.display().to_string();
        let mut options = self.options(path, text)?;
        let (mut checked, mut problems) = compile::front(&shown, text, &options);
        if with_data && !checked.datasets.is_empty() {
            let place = Place::of(path, self.data.as_deref());
            options.facts = told::all(&checked, &place, self.seed.unwrap_or(1));
            (checked, problems) = compile::front(&shown, text, &options);
        }
        let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let diagnostics = compile::told(&checked, &problems, &shown, &options);
        let mut text = diagnostic::render(&checked.sources, &diagnostics, self.rendering(color));
        if let (Some(summary), FormatName::Full) = (diagnostic::summary(&diagnostics), self.format) {
            text.push_str(&format!("{shown}: {summary}\n"));
        }
        Ok(((!problems.has_errors()).then_some(checked), text))
    }

    /// The file with the first repair that helps applied; none if there is none.
    ///
    /// # Errors
    /// When a `--set` is no `name=value`.
    pub fn first_fix(&self, path: &Path, text: &str) -> Result<Option<String>, Failure> {
        let (shown, options) = (path.display().to_string(), self.options(path, text)?);
        let (checked, problems) = compile::front(&shown, text, &options);
        let told = compile::told(&checked, &problems, &shown, &options);
        let own = |edit: &crate::diagnostic::Edit| edit.at.source.index() == 0;
        let is_repair = |help: &&crate::diagnostic::Help| !help.edits.is_empty() && help.edits.iter().all(own);
        let mut repairs = told.iter().flat_map(|d| &d.helps).filter(is_repair);
        Ok(repairs.next().map(|help| apply(text, &help.edits)))
    }

    /// What the checker is told by the command line, and the files that a text uses.
    ///
    /// # Errors
    /// When a `--set` is no `name=value`.
    fn options(&self, path: &Path, text: &str) -> Result<Options, Failure> {
        let mut options = Options { files: super::used::read(path, text, &self.r#use), ..Options::default() };
        for set in &self.set {
            let Some((name, value)) = set.split_once('=') else {
                return Err(Failure::usage(format!("`--set {set}` is no NAME=VALUE")));
            };
            options.sets.push((name.trim().into(), value.trim().into()));
        }
        Ok(options)
    }
}

/// Reads a `.net` file.
///
/// # Errors
/// When it cannot be read, is above 4 MiB, or is no UTF-8.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    let size = std::fs::metadata(path).map_err(|error| Failure::io(path, "read", &error))?.len();
    if size > MAX_BYTES as u64 {
        return Err(Failure::new(format!("{} has {size} bytes; a .net file has at most 4 MiB", path.display())));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::io(path, "read", &error))?;
    let mut sources = Sources::default();
    let (_, finding) = add_bytes(&mut sources, &path.display().to_string(), &bytes);
    match finding {
        Some(finding) => {
            let format = Format::Full { color: false };
            output::note(diagnostic::render(&sources, &[finding], format).trim_end());
            Err(Failure::said())
        }
        None => Ok(String::from_utf8(bytes).expect("add_bytes found only text")),
    }
}

/// Writes a text: to a temporary file that takes the place of the old one when it is whole.
///
/// # Errors
/// When it cannot be written; the old file is then as it was.
pub fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    write_bytes(path, text.as_bytes())
}

/// As [`write_text`], of any bytes.
///
/// # Errors
/// When it cannot be written; the old file is then as it was.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| Failure::io(path, "write", &error);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
