//! Where an artefact's files lie: in a folder, or together in a zip archive.
//!
//! Files are named by their contents, so a later artefact overwrites nothing of an earlier one; the manifest
//! takes its place last, by renaming. Killed at any time, a folder holds the earlier artefact or the later
//! one. What the earlier manifest names and the later one does not is then removed, and nothing else.

use super::manifest::{self, Manifest};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use tilewright_compiler::error::{Error, Result};
use tilewright_compiler::{files, npy};

/// What a zip archive begins with.
const ZIP: &[u8] = b"PK\x03\x04";

/// An artefact's files.
#[derive(Clone, Debug)]
pub enum Container {
    /// In a folder.
    Folder(PathBuf),
    /// In an archive, and now in memory.
    Pack {
        /// The archive.
        path: PathBuf,
        /// Its files.
        files: BTreeMap<String, Vec<u8>>,
    },
}

/// Whether a name stands for a file in the folder itself.
fn is_plain(name: &str) -> bool {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.len() < 100 && !name.starts_with('.') && name.chars().all(ordinary)
}

impl Container {
    /// Whether an artefact lies there, whole or damaged.
    pub fn is_there(path: &Path) -> bool {
        if path.is_dir() {
            return path.join(manifest::NAME).is_file();
        }
        let mut head = [0; 4];
        let read = files::open(path).and_then(|(mut file, _)| file.read_exact(&mut head));
        read.is_ok() && head == ZIP
    }

    /// Files that are to be written to `path`.
    pub(super) fn of(path: &Path, files: &[(String, Vec<u8>)]) -> Container {
        Container::Pack { path: path.to_path_buf(), files: files.iter().cloned().collect() }
    }

    /// Opens an artefact.
    ///
    /// # Errors
    /// A path with none; an archive that is damaged, that `compile` did not write, or that has members in folders
    /// or twice.
    pub fn open(path: &Path) -> Result<Container> {
        if path.is_dir() {
            return Ok(Container::Folder(path.to_path_buf()));
        }
        Container::unpack(path).map_err(|e| e.stage("artefact").file(path.display().to_string()))
    }

    fn unpack(path: &Path) -> Result<Container> {
        let bytes = files::read(path).map_err(unreadable)?;
        let members = npy::unzip(&bytes).map_err(|e| e.hint("compile again, or another copy"))?;
        // Hashes cover the members; what lies between them has one form.
        if npy::zip(&members)? != bytes {
            return Err(Error::new(
                "artefact",
                "is damaged between its members, or was packed by another program",
            )
            .hint("compile again, or unpack it and name the folder"));
        }
        let mut files = BTreeMap::new();
        for (name, body) in members {
            if !is_plain(&name) || files.contains_key(&name) {
                let message = format!("the member {name:?} has no place in an artefact; nothing is read");
                return Err(Error::new("artefact", message).hint("compile again, or another copy"));
            }
            files.insert(name, body);
        }
        Ok(Container::Pack { path: path.to_path_buf(), files })
    }

    /// The files of an archive, which are all of the artefact; nothing of a folder, where others may lie.
    pub(super) fn members(&self) -> Vec<&str> {
        match self {
            Container::Folder(_) => vec![],
            Container::Pack { files, .. } => files.keys().map(String::as_str).collect(),
        }
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// No such file, or one that is a link or no file.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let missing = |path: &Path, why: &str| {
            Error::new("artefact", format!("{name:?} cannot be read{why}"))
                .file(path.display().to_string())
                .hint("compile again")
        };
        match self {
            _ if !is_plain(name) => {
                let message = format!("{name:?} is no name of a file in an artefact; nothing is read");
                Err(Error::new("artefact", message).hint("compile again, or another copy"))
            }
            Container::Pack { path, files } => files.get(name).cloned().ok_or_else(|| missing(path, "")),
            Container::Folder(path) => {
                let file = path.join(name);
                if std::fs::symlink_metadata(&file).is_ok_and(|m| m.is_symlink()) {
                    let error = Error::new("artefact", "is a link; nothing is read");
                    return Err(error
                        .file(file.display().to_string())
                        .hint("compile again, or another copy"));
                }
                files::read(&file).map_err(|e| match e.kind() {
                    ErrorKind::NotFound => missing(path, &format!(": {e}")),
                    // Of memory, permissions or a folder: another artefact would not help.
                    _ => Error::new("artefact", format!("{name:?} cannot be read: {e}"))
                        .file(path.display().to_string()),
                })
            }
        }
    }
}

/// That an artefact may take a place: nothing lies there, or an earlier artefact in the same form.
///
/// # Errors
/// Something else that lies there, or a file where a folder is to be.
pub(super) fn may_take(path: &Path, pack: bool) -> Result<()> {
    let refused =
        |message: &str, hint: &str| Error::new("output", message).file(path.display().to_string()).hint(hint);
    if let Some(above) = path.ancestors().skip(1).find(|above| above.exists())
        && !above.is_dir()
    {
        return Err(refused(&format!("{} is no folder", above.display()), "another path"));
    }
    match pack {
        true if path.is_dir() => Err(refused("is a folder", "without --pack, or another path")),
        true if path.exists() && !is_pack(path) => Err(refused("is there and no artefact", "another path")),
        false if path.exists() && !path.is_dir() => Err(refused("is a file", "with --pack, or another path")),
        false => former(path).map(|_| ()),
        true => Ok(()),
    }
}

/// Writes an artefact's files, the manifest last in the list, into a folder.
///
/// # Errors
/// A folder that cannot be written; a `manifest.json` of something else.
pub(super) fn write_folder(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    may_take(folder, false)?;
    std::fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
    let old = former(folder)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        let differs = files::read(&path).ok().as_ref() != Some(bytes);
        if differs || name == manifest::NAME {
            replace(&path, bytes).map_err(|e| unwritable(&path, &e))?;
        }
    }
    for name in old.iter().filter(|name| is_plain(name) && !files.iter().any(|(n, _)| n == *name)) {
        let stale = folder.join(name);
        if std::fs::symlink_metadata(&stale).is_ok_and(|m| m.is_file()) {
            std::fs::remove_file(&stale).map_err(|e| {
                let message = format!("of an earlier artefact cannot be removed: {e}");
                Error::new("output", message).file(stale.display().to_string())
            })?;
        }
    }
    Ok(())
}

/// Writes an artefact's files as one archive.
///
/// # Errors
/// A path that cannot be written; 4 GiB or more.
pub(super) fn write_pack(path: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    may_take(path, true)?;
    replace(path, &npy::zip(files)?).map_err(|e| unwritable(path, &e))
}

/// Whether a file is an archive with the manifest of an artefact, of any version.
fn is_pack(path: &Path) -> bool {
    let members = files::read(path).ok().and_then(|bytes| npy::unzip(&bytes).ok()).unwrap_or_default();
    members.iter().any(|(name, body)| name == manifest::NAME && Manifest::names(body).is_some())
}

/// The files of the artefact that lies in a folder.
fn former(folder: &Path) -> Result<Vec<String>> {
    let path = folder.join(manifest::NAME);
    if std::fs::symlink_metadata(&path).is_err() {
        return Ok(vec![]);
    }
    let names = files::read(&path).ok().and_then(|bytes| Manifest::names(&bytes));
    names.ok_or_else(|| {
        let error = Error::new("output", "is there and of no artefact").hint("another folder");
        error.file(path.display().to_string())
    })
}

fn unreadable(error: std::io::Error) -> Error {
    let refused = Error::new("artefact", format!("cannot be read: {error}"));
    match error.kind() {
        ErrorKind::NotFound => refused.hint("the folder or the file that compile wrote"),
        // Of memory or permissions: another path would not help.
        _ => refused,
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new("output", format!("cannot be written: {error}")).file(path.display().to_string())
}

/// A file in full or not at all.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let done = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if done.is_err() {
        // What is left of it is of no use to anybody.
        let _ = std::fs::remove_file(&part);
    }
    done
}
