//! [`write_atomically`]: a file appears whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{AudioError, Result};

/// Write a file so that no one ever sees half of it, replacing an older one.
///
/// The bytes go to a temporary file beside `path`, to the disk, and under their name only then. A symbolic link at
/// `path` is replaced, not followed. Blocks until the disk has the bytes.
///
/// # Errors
/// The folder does not exist or cannot be written to, or the disk is full. Then nothing is left behind, and an older
/// file at `path` is untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let outcome = create_beside(path).and_then(|(temporary, file)| {
        fill(file, bytes).and_then(|()| std::fs::rename(&temporary, path)).inspect_err(|_| {
            // The first error is the one to tell; that the temporary file cannot be removed either adds nothing.
            let _ = std::fs::remove_file(&temporary);
        })
    });
    outcome.map_err(|source| AudioError::Io { path: path.to_owned(), action: "write", source }.into())
}

/// A new file in the folder of `path`, under a name that no one has. Short, as `path`'s own may be of full length.
pub(super) fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut attempt = 0u32;
    loop {
        let temporary = path.with_file_name(format!(".brownian-{}-{attempt}.tmp", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
            // Others that write into this folder right now, or what a crash left.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && attempt < 10_000 => attempt += 1,
            outcome => return outcome.map(|file| (temporary, file)),
        }
    }
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_written_and_replaced_and_nothing_else_is_left() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.wav");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(&folder), ["a.wav"]);
    }

    #[test]
    fn a_failure_names_the_file_and_leaves_nothing() {
        let folder = TempDir::new().unwrap();
        let message = write_atomically(&folder.path().join("none/a.wav"), b"x").unwrap_err().to_string();
        assert!(message.contains("a.wav: cannot write"), "{message}");
        // A folder stands where the file should go: the rename fails after the temporary file was written.
        std::fs::create_dir_all(folder.path().join("b.wav/full")).unwrap();
        assert!(write_atomically(&folder.path().join("b.wav"), b"x").is_err());
        assert_eq!(names(&folder), ["b.wav"]);
    }

    #[test]
    fn many_writers_in_one_folder_do_not_meet() {
        let folder = TempDir::new().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8u8 {
                let path = folder.path().join(format!("{writer}.wav"));
                scope.spawn(move || (0..10).for_each(|_| write_atomically(&path, &[writer; 1000]).unwrap()));
            }
        });
        assert_eq!(names(&folder).len(), 8);
        for writer in 0..8u8 {
            assert_eq!(std::fs::read(folder.path().join(format!("{writer}.wav"))).unwrap(), [writer; 1000]);
        }
    }

    #[test]
    fn a_name_of_full_length_works() {
        let folder = TempDir::new().unwrap();
        write_atomically(&folder.path().join("n".repeat(255)), b"x").unwrap();
    }
}
