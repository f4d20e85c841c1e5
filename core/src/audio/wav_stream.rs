//! [`WavStream`]: a WAV file of any length, written piece by piece, that appears whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::file::{create_beside, failed, left_after};
use super::wav::{Shape, WavFormat, append_samples};
use super::wav_info::WavInfo;
use crate::error::{AudioError, Result};

/// A WAV file in the making, under a temporary name beside its own; dropped before [`WavStream::finish`] it is gone.
pub struct WavStream {
    path: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
    format: WavFormat,
    /// Samples, over all channels, that are still to come.
    left: usize,
    tail: Vec<u8>,
    bytes: Vec<u8>,
}

impl WavStream {
    /// A file of exactly `num_frames` frames: the header is final from the start, nothing is patched later.
    ///
    /// # Errors
    /// It would be 4 GiB or more, more than two channels, `info` has a loop that does not fit, or the folder cannot be
    /// written.
    pub fn create(
        path: &Path,
        [num_channels, num_frames]: [usize; 2],
        sample_rate: u32,
        format: WavFormat,
        info: &WavInfo,
    ) -> Result<Self> {
        if !(1..=2).contains(&num_channels) {
            let object = "a WAV file written in pieces";
            return Err(AudioError::NumChannels { object, found: num_channels, needed: "1 or 2" }.into());
        }
        info.validate(num_frames)?;
        let (head, tail) = Shape { num_channels, num_frames, sample_rate }.around(format, info)?;
        let (temporary, file) = create_beside(path).map_err(|e| failed(path, e))?;
        let left = num_frames * num_channels;
        let file = BufWriter::new(file);
        let mut stream = Self { path: path.to_owned(), temporary, file, format, left, tail, bytes: Vec::new() };
        stream.file.write_all(&head).map_err(|e| failed(path, e))?;
        Ok(stream)
    }

    /// The next frames in a row (left, right, left, right …).
    ///
    /// # Errors
    /// A sample that is not finite, more than was announced, or the disk is full.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        self.left = left_after(&self.path, samples, self.left)?;
        self.bytes.clear();
        append_samples(&mut self.bytes, samples.iter().copied(), self.format);
        Ok(self.file.write_all(&self.bytes).map_err(|e| failed(&self.path, e))?)
    }

    /// Put the file under its name, replacing an older one. Blocks until the disk has it.
    ///
    /// # Errors
    /// Fewer samples than announced, or the disk refuses. Then nothing is left.
    pub fn finish(mut self) -> Result<()> {
        if self.left > 0 {
            return Err(failed(&self.path, std::io::Error::other("fewer samples than were announced")).into());
        }
        let finished = self.file.write_all(&self.tail).and_then(|()| self.file.flush());
        let finished = finished.and_then(|()| self.file.get_ref().sync_all());
        Ok(finished.and_then(|()| std::fs::rename(&self.temporary, &self.path)).map_err(|e| failed(&self.path, e))?)
    }
}

impl Drop for WavStream {
    fn drop(&mut self) {
        // Finished, it has another name.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{Clip, wav_bytes};

    fn names(folder: &tempfile::TempDir) -> usize {
        std::fs::read_dir(folder.path()).unwrap().count()
    }

    #[test]
    fn the_bytes_are_those_of_the_file_written_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let clip = Clip::new(vec![vec![0.5, -0.25, 0.125], vec![0.0, 1.0, -1.0]], 44_100).unwrap();
        let info = WavInfo { comment: Some("odd".into()), one_shot: true, ..WavInfo::default() };
        for format in [WavFormat::Wav16, WavFormat::Wav24, WavFormat::Wav32f] {
            let mut stream = WavStream::create(&path, [2, 3], 44_100, format, &info).unwrap();
            clip.to_interleaved().chunks(4).for_each(|piece| stream.write(piece).unwrap());
            stream.finish().unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), wav_bytes(&clip, format, &info).unwrap());
        }
        assert_eq!(names(&folder), 1);
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let create = || WavStream::create(&path, [1, 4], 44_100, WavFormat::Wav24, &WavInfo::default()).unwrap();
        drop(create());
        assert!(create().write(&[0.0; 5]).unwrap_err().to_string().contains("more samples"));
        assert!(create().finish().unwrap_err().to_string().contains("fewer samples"));
        assert!(create().write(&[f32::NAN]).unwrap_err().to_string().contains("finite"));
        assert_eq!(names(&folder), 0);
    }

    #[test]
    fn four_gigabytes_are_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let huge = WavStream::create(&path, [2, 1 << 30], 44_100, WavFormat::Wav24, &WavInfo::default());
        assert!(huge.err().unwrap().to_string().contains("at most 4294967295"));
        assert_eq!(names(&folder), 0);
    }
}
