//! Reading files that somebody else chose: only regular ones, of a size that memory holds.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::memory;

/// Opens a regular file, and says its size.
///
/// # Errors
/// A path that cannot be opened; a folder; a pipe, a socket or a device, whose opening or end one might
/// wait for in vain; a file larger than the budget of memory.
pub fn open(path: &Path) -> io::Result<(File, usize)> {
    regular(&std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    // What was opened counts, not what lay there before.
    let metadata = file.metadata()?;
    regular(&metadata)?;
    memory::check(metadata.len(), "the file").map_err(|e| io::Error::other(e.report().message.clone()))?;
    Ok((file, metadata.len() as usize))
}

/// The bytes of a regular file.
///
/// # Errors
/// As [`open`]; a file that cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, size) = open(path)?;
    let mut bytes = Vec::with_capacity(size);
    // A file that grows meanwhile is cut where it ended.
    file.take(size as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a regular file.
///
/// # Errors
/// As [`read`]; bytes that are not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    let what = match () {
        () if metadata.is_file() => return Ok(()),
        () if metadata.is_dir() => "it is a folder, not a file",
        () => "it is a pipe, a socket or a device, not a file",
    };
    Err(io::Error::other(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_read() {
        let folder = std::env::temp_dir().join(format!("tilewright-files-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("a"), "text").unwrap();
        assert_eq!(read(&folder.join("a")).unwrap(), b"text");
        assert_eq!(read_text(&folder.join("a")).unwrap(), "text");
        std::fs::write(folder.join("b"), [0xff]).unwrap();
        assert!(read_text(&folder.join("b")).is_err());
        assert!(read(&folder).unwrap_err().to_string().contains("folder"));
        assert!(read(&folder.join("missing")).is_err());
        #[cfg(unix)]
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("device"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
