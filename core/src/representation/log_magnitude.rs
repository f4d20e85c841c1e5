//! Log-magnitude: dB of a Gaussian-window STFT; phases come from the magnitudes on the way back.

use std::f32::consts::LN_10;

use super::griffin_lim::refine;
use super::phase::{Magnitudes, PhaseIntegrator};
use super::{Frames, Representation};
use crate::dsp::Complex32;
use crate::dsp::Framing;
use crate::dsp::Stft;
use crate::dsp::StftConfig;
use crate::dsp::Window;
use crate::dsp::amplitude_from_db;
use crate::dsp::db_from_power;
use crate::error::Result;
use crate::noise::NoiseStream;

/// Largest value in dB; a clip at full scale stays below it.
const CEILING_DB: f32 = 10.0;
/// Cells up to this far above the floor decode to exact silence.
const SILENCE_DB: f32 = 3.0;

/// dB relative to a full-scale sine, clipped to `floor_db..=10`; `n_fft / 2` channels (Nyquist dropped).
///
/// Columns are centred on multiples of the hop and see silence outside the clip, so an onset near the start stays out
/// of the last column.
pub(crate) struct LogMagnitude {
    stft: Stft,
    num_samples: usize,
    floor_db: f32,
    refinements: usize,
}

impl LogMagnitude {
    /// The parameters are checked by the configuration that builds it.
    pub fn new(num_samples: usize, n_fft: usize, hop_length: usize, floor_db: f32, refinements: usize) -> Self {
        let config = StftConfig { n_fft, hop_length, window: Window::Gaussian, framing: Framing::Centered };
        Self { stft: Stft::new(config), num_samples, floor_db, refinements }
    }

    /// Linear magnitudes of the STFT, Nyquist included (as 0), and the natural logarithm without it.
    fn magnitudes(&self, frames: &Frames) -> (Vec<f32>, Vec<f32>) {
        let full_scale = self.stft.full_scale();
        let silence_db = self.floor_db + SILENCE_DB;
        // NaN fails the comparison and is silence too.
        let linear = |db: f32| if db > silence_db { full_scale * amplitude_from_db(db.min(CEILING_DB)) } else { 0.0 };
        let nepers = |db: f32| LN_10 / 20.0 * db.max(self.floor_db).min(CEILING_DB);
        let log = frames.data.iter().map(|&db| nepers(db)).collect();
        (frames.data.iter().map(|&db| linear(db)).collect(), log)
    }
}

impl Representation for LogMagnitude {
    fn num_samples(&self) -> usize {
        self.num_samples
    }

    fn num_frames(&self) -> usize {
        self.num_samples / self.stft.config().hop_length
    }

    fn num_channels(&self) -> usize {
        self.stft.config().n_fft / 2
    }

    fn encode(&self, samples: &[f32]) -> Result<Frames> {
        self.check_samples(samples)?;
        let mut frames = Frames::zeros(self.num_frames(), self.num_channels());
        let num_channels = frames.num_channels;
        let scale = self.stft.full_scale().powi(-2);
        let mut scratch = self.stft.scratch(self.num_samples);
        self.stft.for_each_column(samples, &mut scratch, |column, bins| {
            let row = &mut frames.data[column * num_channels..][..num_channels];
            for (db, z) in row.iter_mut().zip(bins) {
                *db = db_from_power(z.norm_sqr() * scale).max(self.floor_db).min(CEILING_DB);
            }
        });
        Ok(frames)
    }

    fn decode(&self, frames: &Frames, noise: &mut NoiseStream) -> Result<Vec<f32>> {
        self.check_frames(frames)?;
        let StftConfig { n_fft, hop_length, .. } = *self.stft.config();
        let (linear, log) = self.magnitudes(frames);
        let magnitudes = Magnitudes { log: &log, linear: &linear, num_bins: self.num_channels() };
        let phases = PhaseIntegrator::new(n_fft, hop_length).integrate(&magnitudes, noise);
        let (magnitudes, spectrum) = with_nyquist(&linear, &phases, self.num_channels());
        Ok(refine(&self.stft, &magnitudes, spectrum, self.num_samples, self.refinements))
    }
}

/// Magnitudes, and magnitudes with phases, each column with a Nyquist bin of 0 at its end.
fn with_nyquist(magnitudes: &[f32], phases: &[f32], num_channels: usize) -> (Vec<f32>, Vec<Complex32>) {
    let num_bins = num_channels + 1;
    let num_frames = magnitudes.len() / num_channels;
    let mut padded = vec![0.0; num_frames * num_bins];
    let mut spectrum = vec![Complex32::ZERO; num_frames * num_bins];
    for n in 0..num_frames {
        let (from, to) = (n * num_channels, n * num_bins);
        padded[to..to + num_channels].copy_from_slice(&magnitudes[from..from + num_channels]);
        for (k, z) in spectrum[to..to + num_channels].iter_mut().enumerate() {
            *z = Complex32::from_polar(magnitudes[from + k], phases[from + k]);
        }
    }
    (padded, spectrum)
}
