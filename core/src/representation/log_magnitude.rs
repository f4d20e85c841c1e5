//! Log-magnitude: dB of a Gaussian-window STFT; phases come from the magnitudes on the way back.

use std::f32::consts::LN_10;
use std::sync::{Mutex, PoisonError};

use super::griffin_lim::refine;
use super::phase::{Magnitudes, PhaseIntegrator};
use super::polar::from_polar;
use super::{Frames, Representation};
use crate::dsp::Complex32;
use crate::dsp::Framing;
use crate::dsp::OverlapAdd;
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
/// Rounds of Griffin-Lim around known samples.
const ROUNDS_AROUND: usize = 32;

/// dB relative to a full-scale sine, clipped to `floor_db..=10`; `n_fft / 2` channels (Nyquist dropped).
///
/// Columns are centred on multiples of the hop. They see silence outside the clip, so an onset near the start stays out
/// of the last column; of a loop they see its other end.
pub(crate) struct LogMagnitude {
    stft: Stft,
    num_samples: usize,
    floor_db: f32,
    refinements: usize,
    /// Samples that stay silent.
    onset: usize,
    /// Buffers of decodings that ended: as many as there ever were at once.
    spare: Mutex<Vec<OverlapAdd>>,
}

impl LogMagnitude {
    /// The parameters are checked by the configuration that builds it; with [`Framing::Circular`] the samples are a
    /// multiple of the hop.
    pub fn new(
        num_samples: usize,
        [n_fft, hop_length, onset]: [usize; 3],
        framing: Framing,
        floor_db: f32,
        refinements: usize,
    ) -> Self {
        let config = StftConfig { n_fft, hop_length, window: Window::Gaussian, framing };
        Self { stft: Stft::new(config), num_samples, floor_db, refinements, onset, spare: Mutex::default() }
    }

    /// Linear magnitudes of the STFT and their natural logarithm, both without Nyquist.
    fn magnitudes(&self, frames: &Frames) -> (Vec<f32>, Vec<f32>) {
        let full_scale = self.stft.full_scale();
        let silence_db = self.floor_db + SILENCE_DB;
        // NaN fails the comparison and is silence too.
        let linear = |db: f32| if db > silence_db { full_scale * amplitude_from_db(db.min(CEILING_DB)) } else { 0.0 };
        let nepers = |db: f32| LN_10 / 20.0 * db.max(self.floor_db).min(CEILING_DB);
        let log = frames.data.iter().map(|&db| nepers(db)).collect();
        (frames.data.iter().map(|&db| linear(db)).collect(), log)
    }

    /// Put the magnitudes of the columns that lie within `known` into the first cells; their phases.
    fn take_known(&self, known: &[f32], linear: &mut [f32], log: &mut [f32]) -> Vec<f32> {
        let StftConfig { n_fft, hop_length, .. } = *self.stft.config();
        let num_columns = known.len().min(self.num_samples).saturating_sub(n_fft / 2) / hop_length;
        if num_columns == 0 {
            return Vec::new();
        }
        let bins = self.num_channels();
        let floor = self.stft.full_scale() * amplitude_from_db(self.floor_db);
        let spectrum = self.stft.forward(known);
        let columns = spectrum.chunks_exact(self.stft.num_bins()).take(num_columns);
        let cells: Vec<Complex32> = columns.flat_map(|column| &column[..bins]).copied().collect();
        for ((z, linear), log) in cells.iter().zip(linear).zip(log) {
            (*linear, *log) = (z.norm(), z.norm().max(floor).ln() - self.stft.full_scale().ln());
        }
        cells.iter().map(|z| libm::atan2f(z.im, z.re)).collect()
    }

    /// Those of an earlier decoding, if there are any that no other has now.
    fn buffers(&self) -> OverlapAdd {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| OverlapAdd::new(&self.stft, self.num_samples, self.onset))
    }

    /// Phases for the magnitudes, then rounds of Griffin-Lim in these buffers.
    fn decode_in(
        &self,
        overlap_add: &mut OverlapAdd,
        known: &[f32],
        frames: &Frames,
        noise: &mut NoiseStream,
    ) -> Result<Vec<f32>> {
        self.check_frames(frames)?;
        let (mut linear, mut log) = self.magnitudes(frames);
        let known_phases = self.take_known(known, &mut linear, &mut log);
        let magnitudes = Magnitudes { log: &log, linear: &linear, num_bins: self.num_channels() };
        let phases = PhaseIntegrator::new(self.stft.config()).integrate(&known_phases, &magnitudes, noise);
        overlap_add.synthesize(&self.stft, |column| {
            let (nyquist, audible) = column.bins.split_last_mut().expect("every spectrum has a Nyquist bin");
            *nyquist = Complex32::ZERO;
            let cells = column.index * audible.len()..(column.index + 1) * audible.len();
            from_polar(audible, &linear[cells.clone()], &phases[cells]);
        });
        refine(&self.stft, &linear, overlap_add, self.refinements);
        Ok(overlap_add.samples(&self.stft))
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

    fn reach(&self) -> usize {
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
        let mut overlap_add = self.buffers();
        let samples = self.decode_in(&mut overlap_add, &[], frames, noise);
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(overlap_add);
        samples
    }

    fn decode_after(&self, known: &[f32], frames: &Frames, noise: &mut NoiseStream) -> Result<Vec<f32>> {
        // A window in the middle of a sound does not begin with its onset.
        self.decode_in(&mut OverlapAdd::new(&self.stft, self.num_samples, 0), known, frames, noise)
    }

    fn known_frames(&self, known: &[bool]) -> Vec<bool> {
        let StftConfig { n_fft, hop_length, framing, .. } = *self.stft.config();
        let len = known.len() as isize;
        let is_known = |at: isize| match framing {
            Framing::Circular => known[at.rem_euclid(len) as usize],
            Framing::Centered => at < 0 || at >= len || known[at as usize],
        };
        let reach = |frame: usize| {
            let (centre, reach) = ((frame * hop_length) as isize, (n_fft / 2) as isize);
            centre - reach..centre + reach
        };
        (0..self.num_frames()).map(|frame| reach(frame).all(is_known)).collect()
    }

    /// Griffin-Lim rounds that hold the known samples: phases grow into the gap from its edges.
    fn decode_around(
        &self,
        frames: &Frames,
        noise: &mut NoiseStream,
        samples: &[f32],
        known: &[bool],
    ) -> Result<Vec<f32>> {
        let mut decoded = self.decode_after(&[], frames, noise)?;
        let (magnitudes, _) = self.magnitudes(frames);
        let known_frames = self.known_frames(known);
        let num_bins = self.stft.num_bins();
        for _ in 0..ROUNDS_AROUND {
            hold(&mut decoded, samples, known);
            let mut spectrum = self.stft.forward(&decoded);
            let columns = spectrum.chunks_exact_mut(num_bins).zip(magnitudes.chunks_exact(self.num_channels()));
            for ((bins, magnitudes), _) in columns.zip(&known_frames).filter(|(_, known)| !**known) {
                bins[num_bins - 1] = Complex32::ZERO;
                bins.iter_mut().zip(magnitudes).for_each(|(z, &magnitude)| *z = with_magnitude(*z, magnitude));
            }
            decoded = self.stft.inverse(&spectrum, self.num_samples);
        }
        Ok(decoded)
    }
}

/// Put the known samples back.
fn hold(decoded: &mut [f32], samples: &[f32], known: &[bool]) {
    let pairs = decoded.iter_mut().zip(samples).zip(known);
    pairs.filter(|(_, known)| **known).for_each(|((decoded, &sample), _)| *decoded = sample);
}

/// The phase of `z` at this magnitude; a cell of exactly 0 stays 0.
fn with_magnitude(z: Complex32, magnitude: f32) -> Complex32 {
    z * (magnitude / z.norm().max(f32::MIN_POSITIVE))
}
