//! [`FlacStream`]: a FLAC file of any length, written block by block, that appears whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, Stream};
use flacenc::config::Encoder;
use flacenc::error::Verified;
use flacenc::source::{Context, Fill, FrameBuf};

use super::file::{create_beside, failed, left_after};
use super::flac::{BITS, check_shape, comment_block, encoder};
use super::wav::quantize;
use super::wav_info::WavInfo;
use crate::error::{AudioError, Result};

/// A 24-bit FLAC file in the making, under a temporary name beside its own; dropped before [`FlacStream::finish`] it is
/// gone. Its bytes are those of [`flac_bytes`](super::flac_bytes).
pub struct FlacStream {
    path: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
    encoder: Verified<Encoder>,
    /// The header, without frames. What it says of their sizes and sum is known in the end only.
    header: Stream,
    block: FrameBuf,
    /// Counts frames, and sums up what the header tells of the samples.
    context: Context,
    /// Interleaved samples of the block that is not full yet.
    waiting: Vec<i32>,
    num_channels: usize,
    num_frames: usize,
    /// Samples, over all channels, that are still to come.
    left: usize,
}

impl FlacStream {
    /// A file of exactly `num_frames` frames.
    ///
    /// # Errors
    /// What [`flac_bytes`](super::flac_bytes) refuses, or the folder cannot be written.
    pub fn create(
        path: &Path,
        [num_channels, num_frames]: [usize; 2],
        sample_rate: u32,
        info: &WavInfo,
    ) -> Result<Self> {
        check_shape(num_channels, num_frames, sample_rate)?;
        info.validate(num_frames)?;
        let encoder = encoder().map_err(refused)?;
        let mut header = Stream::new(sample_rate as usize, num_channels, BITS as usize).map_err(refused)?;
        header.add_metadata_block(comment_block(info)?);
        let block = FrameBuf::with_size(num_channels, encoder.block_size).map_err(refused)?;
        let (temporary, file) = create_beside(path).map_err(|e| failed(path, e))?;
        let mut stream = Self {
            path: path.to_owned(),
            temporary,
            file: BufWriter::new(file),
            encoder,
            header,
            block,
            context: Context::new(BITS as usize, num_channels),
            waiting: Vec::new(),
            num_channels,
            num_frames,
            left: num_frames * num_channels,
        };
        // As long as the final one.
        stream.write_header()?;
        Ok(stream)
    }

    /// The next frames in a row (left, right, left, right …).
    ///
    /// # Errors
    /// A sample that is not finite, more than was announced, or the disk is full.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        self.left = left_after(&self.path, samples, self.left)?;
        self.waiting.extend(samples.iter().map(|&sample| quantize(sample, BITS)));
        let block = self.encoder.block_size * self.num_channels;
        let num_whole = self.waiting.len() / block * block;
        let whole: Vec<i32> = self.waiting.drain(..num_whole).collect();
        whole.chunks_exact(block).try_for_each(|block| self.write_block(block))
    }

    /// Put the file under its name, replacing an older one. Blocks until the disk has it.
    ///
    /// # Errors
    /// Fewer samples than announced, or the disk refuses. Then nothing is left.
    pub fn finish(mut self) -> Result<()> {
        if self.left > 0 {
            return Err(failed(&self.path, std::io::Error::other("fewer samples than were announced")).into());
        }
        let rest = std::mem::take(&mut self.waiting);
        if !rest.is_empty() {
            self.write_block(&rest)?;
        }
        self.write_header()?;
        let synced = self.file.get_ref().sync_all();
        Ok(synced.and_then(|()| std::fs::rename(&self.temporary, &self.path)).map_err(|e| failed(&self.path, e))?)
    }

    fn write_block(&mut self, samples: &[i32]) -> Result<()> {
        self.block.fill_interleaved(samples).map_err(refused)?;
        self.context.fill_interleaved(samples).map_err(refused)?;
        let number = self.context.current_frame_number().unwrap_or(0);
        let frame = flacenc::encode_fixed_size_frame(&self.encoder, &self.block, number, self.header.stream_info());
        let frame = frame.map_err(refused)?;
        self.header.stream_info_mut().update_frame_info(&frame);
        let mut bytes = ByteSink::new();
        frame.write(&mut bytes).map_err(refused)?;
        Ok(self.file.write_all(bytes.as_slice()).map_err(|e| failed(&self.path, e))?)
    }

    /// At the file's start, as it is known by now.
    fn write_header(&mut self) -> Result<()> {
        let info = self.header.stream_info_mut();
        let size = self.encoder.block_size;
        info.set_block_sizes(size, size).map_err(refused)?;
        info.set_total_samples(self.num_frames);
        info.set_md5_digest(&self.context.md5_digest());
        let mut bytes = ByteSink::new();
        self.header.write(&mut bytes).map_err(refused)?;
        let written = self.file.rewind().and_then(|()| self.file.write_all(bytes.as_slice()));
        Ok(written.and_then(|()| self.file.flush()).map_err(|e| failed(&self.path, e))?)
    }
}

impl Drop for FlacStream {
    fn drop(&mut self) {
        // Finished, it has another name.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// The checks of [`check_shape`] cover what the encoder refuses; should it know more reasons, it says so itself.
fn refused(found: impl ToString) -> AudioError {
    AudioError::Flac { found: found.to_string(), needed: "what the encoder takes" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{Clip, flac_bytes};
    use crate::noise::{NoiseStream, Seed};

    fn clip(num_channels: usize, num_frames: usize) -> Clip {
        let mut noise = NoiseStream::new(Seed(1), "flac stream", 0);
        let channel = |_| (0..num_frames).map(|i| noise.uniform_in(-0.9, 0.9) * (i as f32 * 0.01).sin()).collect();
        Clip::new((0..num_channels).map(channel).collect(), 44_100).unwrap()
    }

    #[test]
    fn the_bytes_are_those_of_the_file_encoded_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.flac");
        let info = WavInfo { comment: Some("odd".into()), ..WavInfo::default() };
        // Less than a block of 4,096, a block, and several with a rest.
        for (num_channels, num_frames) in [(1, 20), (2, 4096), (1, 10_000)] {
            let clip = clip(num_channels, num_frames);
            let mut stream = FlacStream::create(&path, [num_channels, num_frames], 44_100, &info).unwrap();
            clip.to_interleaved().chunks(777).for_each(|piece| stream.write(piece).unwrap());
            stream.finish().unwrap();
            assert!(std::fs::read(&path).unwrap() == flac_bytes(&clip, &info).unwrap(), "{num_frames} frames");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.flac");
        let create = || FlacStream::create(&path, [1, 4], 44_100, &WavInfo::default()).unwrap();
        drop(create());
        assert!(create().write(&[0.0; 5]).unwrap_err().to_string().contains("more samples"));
        assert!(create().finish().unwrap_err().to_string().contains("fewer samples"));
        assert!(create().write(&[f32::NAN]).unwrap_err().to_string().contains("finite"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
