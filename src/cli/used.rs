//! The files that a file uses, read before it is checked.
//!
//! **Invariant**: what is read lies, symbolic links resolved, inside the folder of the file on the command line, or
//! inside a folder that `--use` names.

use crate::check::Used;
use crate::check::modules::wanted;
use crate::source::{MAX_BYTES, Sources, parse};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// No file uses more than so many others.
const MOST: usize = 256;

/// All files that `text` at `path` uses, and those that they use, by their paths from its folder.
pub fn read(path: &Path, text: &str, allowed: &[PathBuf]) -> BTreeMap<String, Used> {
    let mut found = BTreeMap::new();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut open = uses(text, "");
    while let Some(key) = open.pop() {
        if found.contains_key(&key) || found.len() >= MOST {
            continue;
        }
        let used = one(folder, &key, allowed);
        if let Used::Text { text, .. } = &used {
            open.extend(uses(text, &key));
        }
        found.insert(key, used);
    }
    found
}

/// The paths that a text uses; most texts have none, and are not read twice.
fn uses(text: &str, key: &str) -> Vec<String> {
    if !text.lines().any(|line| line.trim_start().starts_with("use")) {
        return Vec::new();
    }
    let mut sources = Sources::default();
    let file = sources.add(key, text);
    wanted(key, &parse(&sources, file).0).into_iter().map(|(key, _)| key).collect()
}

fn one(folder: &Path, key: &str, allowed: &[PathBuf]) -> Used {
    let refused = |code, why: String| Used::Refused { code, why, help: None };
    let full = match folder.join(key).canonicalize() {
        Ok(full) => full,
        Err(_) => return refused("E0701", format!("{key} is not there")),
    };
    let inside = |root: &Path| {
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        root.canonicalize().is_ok_and(|root| full.starts_with(root))
    };
    if !inside(folder) && !allowed.iter().any(|root| inside(root)) {
        let help = Some("`--use DIR` names another folder to take files from".to_string());
        return Used::Refused {
            code: "E0703",
            why: format!("{key} lies outside of the folder of the .net file"),
            help,
        };
    }
    match std::fs::metadata(&full) {
        Ok(about) if about.len() > MAX_BYTES as u64 => {
            return refused("E0701", format!("{key} has {} bytes; a .net file has at most 4 MiB", about.len()));
        }
        Ok(_) => {}
        Err(error) => return refused("E0701", format!("{key} cannot be read: {error}")),
    }
    match std::fs::read(&full).map(String::from_utf8) {
        Ok(Ok(text)) => Used::Text { shown: folder.join(key).display().to_string().into(), text: text.into() },
        Ok(Err(_)) => refused("E0701", format!("{key} is no text")),
        Err(error) => refused("E0701", format!("{key} cannot be read: {error}")),
    }
}
