//! Files in an output folder: written in full, and removed when a later run does not write them.
//!
//! A list in the folder says which command wrote what. Only names on it are ever removed or written over, so
//! that files of an earlier network do not pass for those of a later one, and the user's stay.

use anyhow::{Context, Result, bail};
use std::path::Path;
use tilewright_compiler::files;

/// The list: a line for each file, `COMMAND NAME`.
const LIST: &str = ".tilewright-files";

/// That a folder can be there, as far as can be said before the work, which may take minutes.
///
/// # Errors
/// A file in its place, or above it.
pub fn may_write(folder: &Path) -> Result<()> {
    match folder.ancestors().find(|path| path.exists()) {
        Some(path) if !path.is_dir() => {
            bail!("error[output]: {} is no folder; try: another path", path.display())
        }
        _ => Ok(()),
    }
}

/// Writes the files of a command into a folder, making it, and removes what the command wrote there
/// before and does not write now.
///
/// # Errors
/// A folder that cannot be written; a file of somebody else's in the place of one, unless it is the same.
pub fn write(folder: &Path, command: &str, written: &[(String, Vec<u8>)]) -> Result<()> {
    let unwritable = |path: &Path| format!("error[output]: {} cannot be written", path.display());
    std::fs::create_dir_all(folder).with_context(|| unwritable(folder))?;
    let path = folder.join(LIST);
    let old = files::read_text(&path).unwrap_or_default();
    let listed: Vec<(&str, &str)> = old.lines().filter_map(|line| line.split_once(' ')).collect();
    let known = |name: &str| listed.iter().any(|(_, n)| *n == name);
    for name in written.iter().map(|(name, _)| name.as_str()).chain([LIST]) {
        if std::fs::metadata(folder.join(name)).is_ok_and(|m| !m.is_file()) {
            bail!("error[output]: {} is there and no file; try: another folder", folder.join(name).display());
        }
    }
    for (name, bytes) in written.iter().filter(|(name, _)| !known(name)) {
        let path = folder.join(name);
        if path.exists() && files::read(&path).ok().as_ref() != Some(bytes) {
            bail!(
                "error[output]: {} is there and was not written by this program; try: another folder, or move it away",
                path.display()
            );
        }
    }
    let kept = |name: &str| {
        written.iter().any(|(n, _)| n == name) || listed.iter().any(|(c, n)| *c != command && *n == name)
    };
    for (_, name) in listed.iter().filter(|(c, n)| *c == command && is_plain(n) && !kept(n)) {
        let stale = folder.join(name);
        if std::fs::symlink_metadata(&stale).is_ok_and(|m| m.is_file()) {
            std::fs::remove_file(&stale).with_context(|| {
                format!("error[output]: {} of an earlier run cannot be removed", stale.display())
            })?;
        }
    }
    let others = listed.iter().filter(|(c, _)| *c != command).map(|(c, n)| format!("{c} {n}\n"));
    let own = written.iter().map(|(name, _)| format!("{command} {name}\n"));
    let list: String = others.chain(own).collect();
    // The list goes first: what is interrupted leaves no file that it does not know.
    let list = (LIST.to_owned(), list.into_bytes());
    for (name, bytes) in std::iter::once(&list).chain(written) {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| unwritable(&path))?;
    }
    Ok(())
}

/// Whether a name stands for a file in the folder itself.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != LIST && !name.contains(['/', '\\']) && name != "." && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_before_is_removed() {
        let folder = std::env::temp_dir().join(format!("tilewright-written-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let files = |names: &[&str]| names.iter().map(|n| (n.to_string(), b"x".to_vec())).collect::<Vec<_>>();
        let there = |name: &str| folder.join(name).exists();
        write(&folder, "compile", &files(&["a", "b", "c"])).unwrap();
        write(&folder, "simulate", &files(&["b", "d"])).unwrap();
        std::fs::write(folder.join("mine"), "x").unwrap();
        std::fs::write(folder.join("outside"), "x").unwrap();
        std::fs::create_dir(folder.join("inside")).unwrap();
        let list = std::fs::read_to_string(folder.join(LIST)).unwrap();
        std::fs::write(
            folder.join(LIST),
            format!("{list}compile inside/../outside\ncompile inside\nnonsense\n"),
        )
        .unwrap();
        write(&folder, "compile", &files(&["a"])).unwrap();
        for (name, expected) in [
            ("a", true),
            ("b", true),
            ("c", false),
            ("d", true),
            ("mine", true),
            ("outside", true),
            ("inside", true),
        ] {
            assert_eq!(there(name), expected, "{name}");
        }
        std::fs::write(folder.join("mine"), "of mine").unwrap();
        let refused = write(&folder, "compile", &files(&["new", "mine"])).unwrap_err().to_string();
        assert!(refused.contains("mine is there") && !there("new"), "{refused}");
        assert_eq!(std::fs::read(folder.join("mine")).unwrap(), b"of mine");
        write(&folder, "simulate", &files(&["d"])).unwrap();
        assert!(!there("b"), "nobody lists it any more");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
