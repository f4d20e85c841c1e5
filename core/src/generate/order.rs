//! What cuts and turns a sound that lies on disk: the same as [`Shaping::arrange`] does to a clip.

use std::ops::Range;

use super::shaping::Shaping;
use crate::audio::{Spill, edit};
use crate::error::Result;

/// What takes a sound piece by piece.
pub(super) type Sink<'a> = dyn FnMut(&[f32]) -> Result<()> + Send + 'a;

/// Leaves the samples that a crop keeps.
pub(super) struct Cut {
    at: usize,
    heard: Range<usize>,
}

impl Cut {
    /// Of the samples of a stream, these are to be heard.
    pub fn new(heard: Range<usize>) -> Self {
        Self { at: 0, heard }
    }

    /// Of the next samples, those that are heard.
    pub fn take<'a>(&mut self, piece: &'a [f32]) -> &'a [f32] {
        let within = |sample: usize| sample.saturating_sub(self.at).min(piece.len());
        let kept = within(self.heard.start)..within(self.heard.end);
        self.at += piece.len();
        &piece[kept]
    }
}

/// How the samples of a whole sound are to follow each other.
pub(super) struct Order {
    /// Parts of the sound, one after the other.
    parts: [Range<usize>; 2],
    backwards: bool,
    /// What is subtracted.
    mean: f64,
}

impl Order {
    /// As [`Shaping::arrange`] orders a clip.
    ///
    /// # Errors
    /// The disk fails.
    pub fn of(whole: &mut Spill, shaping: &Shaping, sample_rate: u32) -> Result<Self> {
        let all = 0..whole.len();
        let kept = shaping.trim_db.map_or(Ok(all.clone()), |db| sounding(whole, db))?;
        let (len, backwards) = (kept.len(), shaping.reverse);
        let later = shaping.rotation(len, sample_rate);
        // What comes last comes first; backwards, the last is the first.
        let split = if backwards { kept.start + later } else { kept.end - later };
        let (before, after) = (kept.start..split, split..kept.end);
        let mut order = Self { parts: if backwards { [before, after] } else { [after, before] }, backwards, mean: 0.0 };
        if shaping.remove_dc {
            let mut sum = 0.0;
            order.read(whole, &mut |piece| {
                piece.iter().for_each(|&x| sum += f64::from(x));
                Ok(())
            })?;
            order.mean = sum / len.max(1) as f64;
        }
        Ok(order)
    }

    /// Samples in all.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Range::len).sum()
    }

    /// All samples, in their order.
    ///
    /// # Errors
    /// The disk fails; as `sink`.
    pub fn read(&self, whole: &mut Spill, sink: &mut Sink<'_>) -> Result<()> {
        for part in &self.parts {
            whole.read(part.clone(), self.backwards, &mut |piece| {
                if self.mean != 0.0 {
                    piece.iter_mut().for_each(|x| *x = (f64::from(*x) - self.mean) as f32);
                }
                sink(piece)
            })?;
        }
        Ok(())
    }
}

/// What [`edit::sounding_frames`] finds.
fn sounding(whole: &mut Spill, threshold_db: f64) -> Result<Range<usize>> {
    let all = 0..whole.len();
    let mut peak = 0.0f32;
    whole.read(all.clone(), false, &mut |piece| {
        peak = piece.iter().fold(peak, |peak, x| peak.max(x.abs()));
        Ok(())
    })?;
    let threshold = edit::threshold(peak, threshold_db);
    let (mut at, mut found) = (0, None::<Range<usize>>);
    whole.read(all, false, &mut |piece| {
        for (i, sample) in piece.iter().enumerate() {
            if f64::from(sample.abs()) >= threshold {
                found = Some(found.as_ref().map_or(at + i, |found| found.start)..at + i + 1);
            }
        }
        at += piece.len();
        Ok(())
    })?;
    Ok(found.filter(|_| peak > 0.0).unwrap_or(0..0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_leaves_the_same_samples_whatever_the_pieces() {
        let samples: Vec<f32> = (0..10).map(|i| i as f32).collect();
        for size in 1..=10 {
            let mut cut = Cut::new(3..7);
            let kept: Vec<f32> = samples.chunks(size).flat_map(|piece| cut.take(piece).to_vec()).collect();
            assert_eq!(kept, samples[3..7], "pieces of {size}");
        }
    }
}
