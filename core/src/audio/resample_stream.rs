//! [`ResampleStream`]: resampling of a sound that never lies in memory as a whole.

use super::clip::Clip;
use super::resample::{resample, resampled_len};
use crate::error::Result;

/// Frames of a block at the rate it comes from, at least.
const BLOCK: usize = 1 << 16;
/// Frames that a block is given on either side, at least: the filter reaches 4,096 of the lower rate.
const HALO: usize = 1 << 14;

/// Resamples one channel in blocks of fixed places, so that the result does not depend on the pieces that come in.
///
/// Each block is resampled with its neighbourhood, of which the result is cut off: what is left is what [`resample`]
/// makes of the whole, to the rounding of its transforms.
pub struct ResampleStream {
    from_hz: u32,
    to_hz: u32,
    /// Frames of a block and of its halo: as many periods of both rates.
    block: usize,
    halo: usize,
    /// What the next block needs: its halo before it, then what has come in.
    waiting: Vec<f32>,
    /// Frames that came in, and that went out.
    taken: usize,
    given: usize,
}

impl ResampleStream {
    /// From one rate to another, in Hz, both above 0.
    pub fn new(from_hz: u32, to_hz: u32) -> Self {
        let period = (from_hz / gcd(from_hz, to_hz)) as usize;
        let (block, halo) = (BLOCK.next_multiple_of(period), HALO.next_multiple_of(period));
        Self { from_hz, to_hz, block, halo, waiting: vec![0.0; halo], taken: 0, given: 0 }
    }

    /// Take the next frames; those that are ready go to `sink`.
    ///
    /// # Errors
    /// As [`resample`]; as `sink`.
    pub fn push(&mut self, samples: &[f32], sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        self.taken += samples.len();
        if self.from_hz == self.to_hz {
            self.given += samples.len();
            return sink(samples);
        }
        self.waiting.extend_from_slice(samples);
        while self.waiting.len() >= self.halo + self.block + self.halo {
            self.give(self.block * self.to_hz as usize / self.from_hz as usize, sink)?;
            self.waiting.drain(..self.block);
        }
        Ok(())
    }

    /// The rest: in all `round(frames * to_hz / from_hz)` frames have gone to `sink`.
    ///
    /// # Errors
    /// As [`ResampleStream::push`].
    pub fn finish(mut self, sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let total = resampled_len(self.taken, self.from_hz, self.to_hz);
        while self.given < total {
            self.waiting.resize(self.halo + self.block + self.halo, 0.0);
            let ready = self.block * self.to_hz as usize / self.from_hz as usize;
            self.give(ready.min(total - self.given), sink)?;
            self.waiting.drain(..self.block);
        }
        Ok(())
    }

    /// The first `num_frames` frames of the block that is ready.
    fn give(&mut self, num_frames: usize, sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let around = self.waiting[..self.halo + self.block + self.halo].to_vec();
        let resampled = resample(&Clip::mono(around, self.from_hz)?, self.to_hz)?;
        let start = self.halo * self.to_hz as usize / self.from_hz as usize;
        self.given += num_frames;
        sink(&resampled.channels()[0][start..start + num_frames])
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn stream(samples: &[f32], from_hz: u32, to_hz: u32, piece: usize) -> Vec<f32> {
        let (mut stream, mut out) = (ResampleStream::new(from_hz, to_hz), Vec::new());
        let mut sink = |piece: &[f32]| {
            out.extend_from_slice(piece);
            Ok(())
        };
        samples.chunks(piece).for_each(|piece| stream.push(piece, &mut sink).unwrap());
        stream.finish(&mut sink).unwrap();
        out
    }

    #[test]
    fn a_stream_is_what_the_whole_is_whatever_the_pieces() {
        // A click at a block's edge, and a tone across all of them.
        let mut samples: Vec<f32> = (0..150_000).map(|i| (0.3 * TAU * 0.01 * f64::from(i)).sin() as f32).collect();
        samples[BLOCK] += 0.5;
        for (from_hz, to_hz) in [(44_100, 48_000), (48_000, 44_100), (16_000, 16_000)] {
            let whole = resample(&Clip::mono(samples.clone(), from_hz).unwrap(), to_hz).unwrap();
            let out = stream(&samples, from_hz, to_hz, 1000);
            assert_eq!(out, stream(&samples, from_hz, to_hz, 77_777));
            assert_eq!(out.len(), whole.num_frames());
            let error = out.iter().zip(&whole.channels()[0]).fold(0.0f32, |e, (a, b)| e.max((a - b).abs()));
            // The filter's tails beyond the halo lie below -120 dB.
            assert!(error < 2e-6, "{from_hz} -> {to_hz}: {error:e}");
        }
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(stream(&[], 44_100, 48_000, 1).is_empty());
    }
}
