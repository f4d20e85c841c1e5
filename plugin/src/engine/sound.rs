//! What a note plays: samples that never change, ready to be read at any speed.

use std::ops::Range;

use super::decimate::{HALF_WIDTH, PADDING, halve};

/// The levels of a sound: its own rate, then half of it, and so on for four octaves.
pub(super) const NUM_LEVELS: usize = 5;

/// Frames of a sound's own rate that a reader at `level` may touch around its position: the longest
/// kernel and the filters that made the level, with a little to spare.
pub(super) const fn reach(level: usize) -> usize {
    (HALF_WIDTH + 49) << level
}

/// How much of the loop is written again behind its end, so that readers cross it without a seam.
const UNROLLED: usize = 2 * reach(NUM_LEVELS - 1);

/// Why samples make no sound.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SoundError {
    /// No channel, or more than two.
    #[error("the sound has {0} channels; need 1 or 2")]
    Channels(usize),
    /// The channels are not of one length.
    #[error("the left channel has {left} frames and the right one {right}; need as many")]
    Lengths {
        /// Frames on the left.
        left: usize,
        /// Frames on the right.
        right: usize,
    },
    /// No frame at all.
    #[error("the sound holds no frames; need at least one")]
    Empty,
    /// A sample is infinite or not a number.
    #[error("sample {index} of channel {channel} is not a finite number")]
    NotFinite {
        /// Which channel, from 0.
        channel: usize,
        /// Which frame, from 0.
        index: usize,
    },
    /// The rate is not one that sounds have.
    #[error("the sample rate is {0} Hz; need 1000 to 1000000")]
    SampleRate(f32),
    /// The loop does not lie inside of the sound.
    #[error("the loop {start}..{end} does not fit into {num_frames} frames; need start < end <= frames")]
    Loop {
        /// First frame of the loop.
        start: usize,
        /// The frame after its last.
        end: usize,
        /// Length of the sound.
        num_frames: usize,
    },
}

/// An immutable sound of one or two channels. Share it as an `Arc`; every note reads the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    levels: Vec<Vec<Vec<f32>>>,
    num_frames: usize,
    sample_rate: f32,
    root_key: f32,
    loop_frames: Option<Range<usize>>,
}

impl Sound {
    /// Prepares `channels` (one or two, of equal length, full scale ±1) made at `sample_rate` Hz.
    ///
    /// `root_key` is the MIDI key that plays it as it is; a fraction tunes it. `loop_frames` is the
    /// part that repeats while a key is held. Allocates about twice the samples and costs some 10 ms
    /// per second of sound: never on the audio thread.
    ///
    /// # Errors
    /// [`SoundError`] says what the samples lack.
    pub fn new(
        channels: &[Vec<f32>],
        sample_rate: f32,
        root_key: f32,
        loop_frames: Option<Range<usize>>,
    ) -> Result<Self, SoundError> {
        let num_frames = check_samples(channels)?;
        if !(1e3..=1e6).contains(&sample_rate) {
            return Err(SoundError::SampleRate(sample_rate));
        }
        if let Some(Range { start, end }) = loop_frames.clone().filter(|l| l.start >= l.end || l.end > num_frames) {
            return Err(SoundError::Loop { start, end, num_frames });
        }
        let seamless = loop_frames.clone().filter(|frames| frames.end == num_frames);
        let levels = levels(channels.iter().map(|samples| padded(samples, seamless.clone())).collect());
        Ok(Self { levels, num_frames, sample_rate, root_key, loop_frames })
    }

    /// Length in frames, at least 1.
    pub fn num_frames(&self) -> usize {
        self.num_frames
    }

    /// 1 or 2.
    pub fn num_channels(&self) -> usize {
        self.levels[0].len()
    }

    /// The rate that the sound was made at, in Hz.
    pub fn sample_rate(&self) -> f32 {
        self.sample_rate
    }

    /// The MIDI key that plays the sound as it is.
    pub fn root_key(&self) -> f32 {
        self.root_key
    }

    /// The sound's own loop, in frames.
    pub fn loop_frames(&self) -> Option<Range<usize>> {
        self.loop_frames.clone()
    }

    /// The samples of `channel` as they were given; a mono sound answers with its one channel.
    pub fn samples(&self, channel: usize) -> &[f32] {
        let level = &self.levels[0];
        &level[channel.min(level.len() - 1)][PADDING..PADDING + self.num_frames]
    }

    /// Whether the loop is written on behind the sound's end, where silence would otherwise lie.
    pub(super) fn is_unrolled(&self) -> bool {
        self.loop_frames.as_ref().is_some_and(|frames| frames.end == self.num_frames)
    }

    /// The channels at `level`, each with [`PADDING`] frames before frame 0.
    pub(super) fn level(&self, level: usize) -> &[Vec<f32>] {
        &self.levels[level.min(NUM_LEVELS - 1)]
    }
}

/// The common length of the channels.
fn check_samples(channels: &[Vec<f32>]) -> Result<usize, SoundError> {
    let (left, right) = match channels {
        [one] => (one, one),
        [left, right] => (left, right),
        _ => return Err(SoundError::Channels(channels.len())),
    };
    if left.len() != right.len() {
        return Err(SoundError::Lengths { left: left.len(), right: right.len() });
    }
    if left.is_empty() {
        return Err(SoundError::Empty);
    }
    for (channel, samples) in channels.iter().enumerate() {
        if let Some(index) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(SoundError::NotFinite { channel, index });
        }
    }
    Ok(left.len())
}

/// `samples` between silence, with the `seamless` loop written on behind the end.
fn padded(samples: &[f32], seamless: Option<Range<usize>>) -> Vec<f32> {
    let silence = [0.0; PADDING];
    let mut padded = [&silence, samples].concat();
    if let Some(frames) = seamless {
        padded.extend(samples[frames].iter().cycle().take(UNROLLED));
    }
    padded.extend_from_slice(&silence);
    padded
}

fn levels(own_rate: Vec<Vec<f32>>) -> Vec<Vec<Vec<f32>>> {
    let mut levels = vec![own_rate];
    while levels.len() < NUM_LEVELS {
        let next = levels[levels.len() - 1].iter().map(|channel| halve(channel)).collect();
        levels.push(next);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back_as_they_were_given() {
        let sound = Sound::new(&[vec![0.25, -0.5], vec![1.0, 0.0]], 44_100.0, 60.0, None).unwrap();
        assert_eq!(sound.samples(0), [0.25, -0.5]);
        assert_eq!(sound.samples(1), [1.0, 0.0]);
        assert_eq!((sound.num_frames(), sound.num_channels()), (2, 2));
    }

    #[test]
    fn a_mono_sound_answers_for_both_sides() {
        let sound = Sound::new(&[vec![0.25]], 44_100.0, 60.0, None).unwrap();
        assert_eq!(sound.samples(0), sound.samples(1));
    }

    #[test]
    fn a_loop_to_the_end_goes_on_behind_it() {
        let sound = Sound::new(&[vec![9.0, 1.0, 2.0]], 44_100.0, 60.0, Some(1..3)).unwrap();
        assert!(sound.is_unrolled());
        assert_eq!(sound.level(0)[0][PADDING..PADDING + 7], [9.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    }

    #[test]
    fn what_is_no_sound_is_refused_by_name() {
        let refuse = |channels: &[Vec<f32>], rate, frames| Sound::new(channels, rate, 60.0, frames).unwrap_err();
        assert_eq!(refuse(&[], 44_100.0, None), SoundError::Channels(0));
        assert_eq!(refuse(&[vec![]], 44_100.0, None), SoundError::Empty);
        assert_eq!(refuse(&[vec![0.0], vec![]], 44_100.0, None), SoundError::Lengths { left: 1, right: 0 });
        let nan = refuse(&[vec![0.0], vec![f32::NAN]], 44_100.0, None);
        assert_eq!(nan, SoundError::NotFinite { channel: 1, index: 0 });
        assert_eq!(refuse(&[vec![0.0]], 0.0, None), SoundError::SampleRate(0.0));
        let outside = refuse(&[vec![0.0]], 44_100.0, Some(0..2));
        assert_eq!(outside, SoundError::Loop { start: 0, end: 2, num_frames: 1 });
    }
}
