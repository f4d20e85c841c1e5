//! [`Raised`]: low notes, seen some octaves higher.
//!
//! Bins tell partials apart that lie three of them apart. A note below that is looked at as if it were played twice as
//! fast: its partials lie twice as far from each other, and what it loses is the upper half of the spectrum, where it has
//! least.

use super::{Frames, Representation};
use crate::audio::{Clip, resample, resample_periodic};
use crate::error::Result;
use crate::noise::NoiseStream;

/// Any rate: only ratios count.
const RATE: u32 = 1000;

/// Another representation, of sounds played `2^octaves` times as fast. A clip takes that part of its frames, and silence
/// the rest; a loop takes all of them.
pub(crate) struct Raised {
    inner: Box<dyn Representation>,
    octaves: u32,
    is_loop: bool,
}

impl Raised {
    pub(crate) fn new(inner: Box<dyn Representation>, octaves: u32, is_loop: bool) -> Self {
        Self { inner, octaves, is_loop }
    }

    /// Samples that the inner representation has of a clip's sound.
    fn sounding(&self) -> usize {
        self.inner.num_samples() >> self.octaves
    }

    /// Played faster.
    fn raise(&self, samples: &[f32]) -> Result<Vec<f32>> {
        let num_samples = self.inner.num_samples();
        let clip = Clip::mono(samples.to_vec(), RATE << self.octaves)?;
        if self.is_loop {
            return Ok(resample_periodic(&clip, num_samples, RATE)?.into_channels().remove(0));
        }
        let mut raised = resample(&clip, RATE)?.into_channels().remove(0);
        raised.resize(num_samples, 0.0);
        Ok(raised)
    }

    /// Played slower.
    fn lower(&self, mut samples: Vec<f32>) -> Result<Vec<f32>> {
        if self.is_loop {
            let clip = Clip::mono(samples, RATE)?;
            return Ok(resample_periodic(&clip, self.num_samples(), RATE)?.into_channels().remove(0));
        }
        samples.truncate(self.sounding());
        let mut lowered = resample(&Clip::mono(samples, RATE)?, RATE << self.octaves)?.into_channels().remove(0);
        lowered.resize(self.num_samples(), 0.0);
        Ok(lowered)
    }

    /// For each sample of the inner representation whether all that it is made of is known; silence is.
    fn raise_known(&self, known: &[bool]) -> Vec<bool> {
        let mut raised: Vec<bool> = known.chunks(1 << self.octaves).map(|part| part.iter().all(|&k| k)).collect();
        raised.resize(self.inner.num_samples(), true);
        raised
    }
}

impl Representation for Raised {
    fn num_samples(&self) -> usize {
        if self.is_loop { self.inner.num_samples() << self.octaves } else { self.inner.num_samples() }
    }

    fn num_frames(&self) -> usize {
        self.inner.num_frames()
    }

    fn num_channels(&self) -> usize {
        self.inner.num_channels()
    }

    fn reach(&self) -> usize {
        self.inner.reach() << self.octaves
    }

    fn encode(&self, samples: &[f32]) -> Result<Frames> {
        self.check_samples(samples)?;
        self.inner.encode(&self.raise(samples)?)
    }

    fn decode(&self, frames: &Frames, noise: &mut NoiseStream) -> Result<Vec<f32>> {
        self.lower(self.inner.decode(frames, noise)?)
    }

    fn known_frames(&self, known: &[bool]) -> Vec<bool> {
        self.inner.known_frames(&self.raise_known(known))
    }

    fn decode_around(
        &self,
        frames: &Frames,
        noise: &mut NoiseStream,
        samples: &[f32],
        known: &[bool],
    ) -> Result<Vec<f32>> {
        self.check_samples(samples)?;
        let (samples, known) = (self.raise(samples)?, self.raise_known(known));
        self.lower(self.inner.decode_around(frames, noise, &samples, &known)?)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::super::RepresentationConfig;
    use super::*;
    use crate::noise::Seed;

    const RATE_HZ: f64 = 44_100.0;
    const LOWEST_A: f64 = 55.0;

    fn config() -> RepresentationConfig {
        RepresentationConfig::LogMagnitude {
            num_samples: 32_768,
            n_fft: 1024,
            hop_length: 256,
            floor_db: -100.0,
            refinements: 16,
            onset: 0,
        }
    }

    /// Twenty partials of this fundamental.
    fn note(hz: f64, num_samples: usize) -> Vec<f32> {
        let partials =
            |i: usize| (1..=20).map(move |k| (TAU * hz * f64::from(k) * i as f64 / RATE_HZ + f64::from(k)).sin());
        (0..num_samples).map(|i| (partials(i).sum::<f64>() / 20.0) as f32).collect()
    }

    fn power(x: &[f32], hz: f64) -> f64 {
        let turned = x.iter().enumerate().map(|(i, &x)| {
            let (sin, cos) = (TAU * hz * i as f64 / RATE_HZ).sin_cos();
            // Hann, so that one partial does not reach to the next.
            let window = 0.5 - 0.5 * (TAU * i as f64 / (RATE_HZ * 0.5)).cos();
            [window * f64::from(x) * cos, window * f64::from(x) * sin]
        });
        turned.fold([0.0; 2], |[a, b], [x, y]| [a + x, b + y]).map(|x| x * x).iter().sum()
    }

    /// How far what lies between partials is below them, in dB, over the half second in the middle.
    fn valley_db(x: &[f32]) -> f64 {
        let middle = &x[4096..4096 + 22_050];
        let sum = |shift: f64| (1..10).map(|k| power(middle, LOWEST_A * (f64::from(k) + shift))).sum::<f64>();
        10.0 * (sum(0.0) / sum(0.5)).log10()
    }

    fn round_trip(representation: &dyn Representation, x: &[f32]) -> Vec<f32> {
        let frames = representation.encode(x).unwrap();
        representation.decode(&frames, &mut NoiseStream::new(Seed(1), "phase", 0)).unwrap()
    }

    #[test]
    fn partials_that_the_bins_do_not_tell_apart_come_back_when_the_note_is_raised() {
        let x = note(LOWEST_A, 32_768);
        let of = |octaves| valley_db(&round_trip(&*config().build_raised(octaves).unwrap(), &x));
        // Bins of 43 Hz: 55 Hz apart as they are, 220 Hz raised by two octaves.
        let (plain, raised) = (of(0), of(2));
        assert!(raised > 25.0 && raised > plain + 10.0, "{raised} dB raised, {plain} dB as it is");
    }

    #[test]
    fn a_raised_clip_is_over_after_its_part_of_the_frames() {
        let representation = config().build_raised(2).unwrap();
        let frames = representation.encode(&note(LOWEST_A, 32_768)).unwrap();
        let loudest = |columns: std::ops::Range<usize>| {
            let cells = &frames.data[columns.start * frames.num_channels..columns.end * frames.num_channels];
            cells.iter().copied().fold(f32::MIN, f32::max)
        };
        // 128 columns; half a window reaches two further.
        assert!(loudest(0..32) > -30.0 && loudest(36..128) < -95.0, "{} {}", loudest(0..32), loudest(36..128));
    }

    #[test]
    fn a_raised_loop_keeps_its_length_and_comes_back() {
        let loops = config().raised_on_circle(32, 32_768.0, 2).unwrap();
        assert_eq!((loops.num_samples(), loops.num_frames()), (32_768, 32));
        // A whole number of periods: 55.2 Hz.
        let x = note(41.0 * RATE_HZ / 32_768.0, 32_768);
        let back = round_trip(&*loops, &x);
        let [own, new] = [&x, &back].map(|x| power(&x[..22_050], 82.0 * RATE_HZ / 32_768.0));
        assert!((10.0 * (own / new).log10()).abs() < 2.0, "{own} {new}");
    }

    #[test]
    fn a_frame_is_known_where_all_that_it_is_made_of_is() {
        let representation = config().build_raised(1).unwrap();
        let mut known = vec![true; 32_768];
        known[16_000] = false;
        // Sample 8000 as the frames see it, and half a window of 512 on either side.
        let unknown: Vec<usize> =
            representation.known_frames(&known).iter().enumerate().filter_map(|(i, &k)| (!k).then_some(i)).collect();
        assert_eq!(unknown, [30, 31, 32, 33]);
    }
}
