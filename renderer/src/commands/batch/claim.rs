//! [`Claim`]: the right to make a file, which one process at a time has, and which ends with the process.
//!
//! The claim is a lock on the very file that is written, under another name until it is whole: who is killed leaves an
//! unlocked `.NAME.part`, which the next to claim the file writes anew.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// The right to make the file at `path`. Dropped before [`Claim::publish`], it leaves nothing.
#[derive(Debug)]
pub struct Claim {
    file: File,
    part: PathBuf,
    path: PathBuf,
    is_published: bool,
}

/// Who makes a file.
#[derive(Debug)]
pub enum Claimed {
    /// We do.
    Ours(Claim),
    /// Another process, or another row of ours, is at it.
    Theirs,
    /// No one: it is there.
    Finished,
}

impl Claim {
    /// Claim the file at `path`, whose folder exists. With `wait`, until whoever is at it has ended.
    ///
    /// # Errors
    /// The folder cannot be written to, or its file system knows no locks.
    pub fn take(path: &Path, wait: bool) -> io::Result<Claimed> {
        let part = part(path);
        if path.exists() && !part.exists() {
            return Ok(Claimed::Finished);
        }
        loop {
            let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&part)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if !wait => return Ok(Claimed::Theirs),
                Err(TryLockError::WouldBlock) => file.lock()?,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Between opening and locking, the file may have been published or given up.
            let is_at_part = is_at(&file, &part);
            if path.exists() {
                if is_at_part {
                    std::fs::remove_file(&part)?;
                }
                return Ok(Claimed::Finished);
            }
            if is_at_part {
                return Ok(Claimed::Ours(Self { file, part, path: path.to_owned(), is_published: false }));
            }
        }
    }

    /// Write the whole file, to the disk, still under its other name.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(bytes)?;
        self.file.sync_all()
    }

    /// Let the file appear under its own name.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn publish(mut self) -> io::Result<()> {
        std::fs::rename(&self.part, &self.path)?;
        self.is_published = true;
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_published {
            // What remains is empty or overwritten by the next claim.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

fn part(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.part"))
}

/// Whether `path` still names the open `file`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: io::Result<std::fs::Metadata>| metadata.ok().map(|m| (m.dev(), m.ino()));
    identity(file.metadata()).is_some_and(|ours| Some(ours) == identity(std::fs::metadata(path)))
}

/// Elsewhere a file that is open cannot be removed or replaced.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_claimed_once_and_appears_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let Claimed::Ours(mut claim) = Claim::take(&path, false).unwrap() else { panic!("not ours") };
        assert!(matches!(Claim::take(&path, false).unwrap(), Claimed::Theirs));
        claim.write(b"sound").unwrap();
        assert!(!path.exists());
        claim.publish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"sound");
        assert!(matches!(Claim::take(&path, false).unwrap(), Claimed::Finished));
        assert_eq!(names(folder.path()), ["a.wav"]);
    }

    #[test]
    fn a_claim_given_up_leaves_nothing_and_what_a_crash_left_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        drop(Claim::take(&path, false).unwrap());
        assert!(names(folder.path()).is_empty());
        std::fs::write(folder.path().join(".a.wav.part"), b"half of a longer file").unwrap();
        let Claimed::Ours(mut claim) = Claim::take(&path, false).unwrap() else { panic!("not ours") };
        claim.write(b"sound").unwrap();
        claim.publish().unwrap();
        assert_eq!((std::fs::read(&path).unwrap().as_slice(), names(folder.path()).len()), (&b"sound"[..], 1));
    }

    #[test]
    fn many_who_claim_one_file_make_it_once() {
        let folder = tempfile::tempdir().unwrap();
        let made = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for writer in 0..8u8 {
                let (made, folder) = (&made, &folder);
                scope.spawn(move || {
                    for file in 0..50 {
                        if let Claimed::Ours(mut claim) =
                            Claim::take(&folder.path().join(file.to_string()), true).unwrap()
                        {
                            claim.write(&[writer; 1000]).unwrap();
                            claim.publish().unwrap();
                            made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(made.into_inner(), 50);
        assert_eq!(names(folder.path()).len(), 50);
    }
}
