//! [`Spill`]: samples on disk that are written once and read once.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::file::create_beside;
use crate::error::{AudioError, Result};

/// Samples in a temporary file, for sounds that do not lie in memory; gone when it is dropped, and on Unix from the start.
pub struct Spill {
    /// Whose folder the file is in: for errors.
    path: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
}

impl Spill {
    /// A new file in the folder of `path`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn beside(path: &Path) -> Result<Self> {
        let (temporary, file) = create_beside(path).map_err(|e| failed(path, e))?;
        if cfg!(unix) {
            // The file lives on without a name: not even a kill leaves it behind.
            let _ = std::fs::remove_file(&temporary);
        }
        Ok(Self { path: path.to_owned(), temporary, file: BufWriter::new(file) })
    }

    /// The next samples.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_ne_bytes()).collect();
        Ok(self.file.write_all(&bytes).map_err(|e| failed(&self.path, e))?)
    }

    /// All samples again, in pieces.
    ///
    /// # Errors
    /// The disk fails; as `sink`.
    pub fn read(mut self, sink: &mut dyn FnMut(&mut [f32]) -> Result<()>) -> Result<()> {
        self.file.flush().map_err(|e| failed(&self.path, e))?;
        let mut file = self.file.get_ref();
        file.rewind().map_err(|e| failed(&self.path, e))?;
        let mut file = BufReader::new(file);
        let (mut bytes, mut samples) = (Vec::new(), Vec::new());
        loop {
            bytes.clear();
            file.by_ref().take(1 << 18).read_to_end(&mut bytes).map_err(|e| failed(&self.path, e))?;
            if bytes.is_empty() {
                return Ok(());
            }
            samples.clear();
            let sample = |bytes: &[u8]| f32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            samples.extend(bytes.chunks_exact(4).map(sample));
            sink(&mut samples)?;
        }
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        if !cfg!(unix) {
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

fn failed(path: &Path, source: std::io::Error) -> AudioError {
    AudioError::Io { path: path.to_owned(), action: "write samples beside", source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back_and_nothing_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::beside(&folder.path().join("a.wav")).unwrap();
        let samples: Vec<f32> = (0..100_000).map(|i| i as f32 * 0.1).collect();
        samples.chunks(777).for_each(|piece| spill.write(piece).unwrap());
        let mut found = Vec::new();
        spill
            .read(&mut |piece| {
                found.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
        assert_eq!(found, samples);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
