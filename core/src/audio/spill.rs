//! [`Spill`]: samples on disk that are written once, and then read in any order.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::file::create_beside;
use crate::error::{AudioError, Result};

/// Samples of a piece.
const PIECE: usize = 1 << 16;

/// Samples in a temporary file, for sounds that do not lie in memory; gone when it is dropped, and on Unix from the start.
pub struct Spill {
    /// Whose folder the file is in: for errors.
    path: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
    len: usize,
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
        Ok(Self { path: path.to_owned(), temporary, file: BufWriter::new(file), len: 0 })
    }

    /// Samples written.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The next samples, before any is read.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        self.len += samples.len();
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_ne_bytes()).collect();
        Ok(self.file.write_all(&bytes).map_err(|e| failed(&self.path, e))?)
    }

    /// These samples, from the first to the last or `backwards`, in pieces.
    ///
    /// # Errors
    /// The disk fails, or holds fewer; as `sink`.
    pub fn read(
        &mut self,
        range: Range<usize>,
        backwards: bool,
        sink: &mut dyn FnMut(&mut [f32]) -> Result<()>,
    ) -> Result<()> {
        let num_pieces = range.len().div_ceil(PIECE);
        for number in 0..num_pieces {
            let number = if backwards { num_pieces - 1 - number } else { number };
            let start = range.start + number * PIECE;
            let mut samples = self.piece(start..range.end.min(start + PIECE)).map_err(|e| failed(&self.path, e))?;
            if backwards {
                samples.reverse();
            }
            sink(&mut samples)?;
        }
        Ok(())
    }

    fn piece(&mut self, range: Range<usize>) -> std::io::Result<Vec<f32>> {
        let mut bytes = vec![0; 4 * range.len()];
        // Writes out what waits, then moves.
        self.file.seek(SeekFrom::Start(4 * range.start as u64))?;
        self.file.get_mut().read_exact(&mut bytes)?;
        let sample = |bytes: &[u8]| f32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        Ok(bytes.chunks_exact(4).map(sample).collect())
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
    fn samples_come_back_in_either_direction_and_nothing_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::beside(&folder.path().join("a.wav")).unwrap();
        let samples: Vec<f32> = (0..200_000).map(|i| i as f32 * 0.1).collect();
        samples.chunks(777).for_each(|piece| spill.write(piece).unwrap());
        for (range, backwards) in [(0..200_000, false), (0..200_000, true), (70_001..140_000, true), (5..5, false)] {
            let mut found = Vec::new();
            let mut take = |piece: &mut [f32]| {
                found.extend_from_slice(piece);
                Ok(())
            };
            spill.read(range.clone(), backwards, &mut take).unwrap();
            let mut expected = samples[range].to_vec();
            if backwards {
                expected.reverse();
            }
            assert_eq!(found, expected);
        }
        drop(spill);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
