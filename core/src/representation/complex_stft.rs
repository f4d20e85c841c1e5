//! The companded complex STFT: exactly invertible, and a loop stays a loop.

use super::{Frames, Representation};
use crate::dsp::Complex32;
use crate::dsp::Framing;
use crate::dsp::Stft;
use crate::dsp::StftConfig;
use crate::dsp::Window;
use crate::error::Result;
use crate::noise::NoiseStream;

/// `|z|^exponent e^(j phi)` of a root-Hann STFT with 50 % overlap, circular, 1 for a full-scale sine.
///
/// A frame has `n_fft` channels: the `n_fft / 2` real parts from DC upwards, then the imaginary parts. DC has none, so
/// Nyquist (real too) takes its place.
pub(crate) struct ComplexStft {
    stft: Stft,
    num_samples: usize,
    exponent: f32,
}

impl ComplexStft {
    /// The parameters are checked by the configuration that builds it.
    pub fn new(num_samples: usize, n_fft: usize, exponent: f32) -> Self {
        let (hop_length, window, framing) = (n_fft / 2, Window::RootHann, Framing::Circular);
        Self { stft: Stft::new(StftConfig { n_fft, hop_length, window, framing }), num_samples, exponent }
    }
}

impl Representation for ComplexStft {
    fn num_samples(&self) -> usize {
        self.num_samples
    }

    fn num_frames(&self) -> usize {
        self.num_samples / self.stft.config().hop_length
    }

    fn num_channels(&self) -> usize {
        self.stft.config().n_fft
    }

    fn reach(&self) -> usize {
        self.stft.config().n_fft / 2
    }

    fn encode(&self, samples: &[f32]) -> Result<Frames> {
        self.check_samples(samples)?;
        let mut frames = Frames::zeros(self.num_frames(), self.num_channels());
        let num_channels = frames.num_channels;
        let scale = 1.0 / self.stft.full_scale();
        let mut scratch = self.stft.scratch(self.num_samples);
        self.stft.for_each_column(samples, &mut scratch, |column, bins| {
            pack(bins, &mut frames.data[column * num_channels..][..num_channels], |z| bend(z * scale, self.exponent));
        });
        Ok(frames)
    }

    fn decode(&self, frames: &Frames, _noise: &mut NoiseStream) -> Result<Vec<f32>> {
        self.check_frames(frames)?;
        let scale = self.stft.full_scale();
        let mut spectrum = vec![Complex32::ZERO; frames.num_frames * self.stft.num_bins()];
        let columns = spectrum.chunks_exact_mut(self.stft.num_bins());
        for (bins, row) in columns.zip(frames.data.chunks_exact(frames.num_channels)) {
            unpack(row, bins, |z| bend(z, 1.0 / self.exponent) * scale);
        }
        Ok(self.stft.inverse(&spectrum, self.num_samples))
    }

    fn known_frames(&self, known: &[bool]) -> Vec<bool> {
        let StftConfig { n_fft, hop_length, .. } = *self.stft.config();
        // Centred on multiples of the hop, around the circle.
        let first = |frame: usize| frame * hop_length + known.len() - n_fft / 2 % known.len();
        let is_known = |frame| (0..n_fft).all(|i| known[(first(frame) + i) % known.len()]);
        (0..self.num_frames()).map(is_known).collect()
    }
}

/// `|z|^exponent e^(j phi)`.
fn bend(z: Complex32, exponent: f32) -> Complex32 {
    let magnitude = z.norm();
    // 0 to a negative power is infinite, but 0 stays 0.
    if magnitude > 0.0 { z * magnitude.powf(exponent - 1.0) } else { Complex32::ZERO }
}

/// Bins DC..=Nyquist into a row of real parts, then imaginary parts with Nyquist in DC's place.
fn pack(bins: &[Complex32], row: &mut [f32], map: impl Fn(Complex32) -> Complex32) {
    let half = row.len() / 2;
    let (re, im) = row.split_at_mut(half);
    for ((re, im), &z) in re.iter_mut().zip(im.iter_mut()).zip(bins) {
        let z = map(z);
        (*re, *im) = (z.re, z.im);
    }
    im[0] = map(Complex32::new(bins[half].re, 0.0)).re;
}

/// The inverse of [`pack`].
fn unpack(row: &[f32], bins: &mut [Complex32], map: impl Fn(Complex32) -> Complex32) {
    let half = row.len() / 2;
    for (k, z) in bins[..half].iter_mut().enumerate() {
        *z = map(Complex32::new(row[k], row[half + k]));
    }
    bins[0] = map(Complex32::new(row[0], 0.0));
    bins[half] = map(Complex32::new(row[half], 0.0));
}
