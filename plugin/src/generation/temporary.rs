//! [`TemporaryFile`]: bytes where a path is asked for.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A WAV file in the system's folder for such files, which goes with this.
pub(crate) struct TemporaryFile(PathBuf);

impl TemporaryFile {
    /// A file of these bytes.
    ///
    /// # Errors
    /// The file cannot be written; names it.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, String> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = Self(std::env::temp_dir().join(format!("brownian-{}-{number}.wav", std::process::id())));
        match std::fs::write(&file.0, bytes) {
            Ok(()) => Ok(file),
            Err(error) => Err(format!("{}: {error}", file.0.display())),
        }
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean up.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_are_two_and_go_with_their_owners() {
        let files = [TemporaryFile::new(b"a").unwrap(), TemporaryFile::new(b"b").unwrap()];
        let paths = files.each_ref().map(|file| file.path().to_owned());
        assert_eq!(paths.each_ref().map(|path| std::fs::read(path).unwrap()), [b"a", b"b"]);
        drop(files);
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
