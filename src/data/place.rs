//! Where the files of a `data` item lie, and how far they may lie.
//!
//! **Invariant**: a path that [`Place::find`] gives lies, symbolic links resolved, inside the folder of the `.net` file,
//! or inside the folder that `--data` names.

use super::error::{DataError, DataProblem, Result};
use std::path::{Path, PathBuf};

/// The folder in which paths of a `.net` file are looked up.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
}

/// A file or folder that is there.
#[derive(Clone, Debug)]
pub struct Located {
    /// As the `.net` file writes it: what messages show.
    pub shown: String,
    /// Canonical.
    pub full: PathBuf,
}

impl Place {
    /// The place of a `.net` file's data: the folder `data` (from `--data`) if given, else the file's own.
    pub fn of(net_file: &Path, data: Option<&Path>) -> Place {
        let beside = net_file.parent().unwrap_or(Path::new(""));
        let beside = if beside.as_os_str().is_empty() { Path::new(".") } else { beside };
        Place { folder: data.unwrap_or(beside).to_path_buf() }
    }

    /// Finds a path of the `.net` file. Errors: it is absent, or leads out of the folder.
    pub fn find(&self, path: &str) -> Result<Located> {
        let wanted = "a file or folder";
        let root = self.folder.canonicalize().map_err(|e| DataError::io(&self.folder.to_string_lossy(), wanted, &e))?;
        let full = root.join(path).canonicalize().map_err(|e| DataError::io(path, wanted, &e))?;
        if !full.starts_with(&root) {
            return Err(DataError::new(
                DataProblem::Outside,
                path,
                "a path inside the folder of the .net file",
                "one that leaves it",
            )
            .help("`--data DIR` names another folder to read from"));
        }
        Ok(Located { shown: path.to_string(), full })
    }
}
