//! The short-time Fourier transform, planned once, and its least-squares inverse.

use std::sync::Arc;

use multiversion::multiversion;
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::window::Window;

/// How a signal is cut into columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// Column `n` is centred on sample `n * hop_length`; the signal is zero outside.
    Centered,
    /// As `Centered`, but the signal repeats: a loop has no seam.
    Circular,
}

/// The numbers that define an [`Stft`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StftConfig {
    /// Window and FFT length in samples: even, at least 2.
    pub n_fft: usize,
    /// Samples between columns: 1..=n_fft/2.
    pub hop_length: usize,
    /// The window, of `n_fft` samples.
    pub window: Window,
    /// What lies beyond the ends.
    pub framing: Framing,
}

/// A planned STFT; share it between threads, and give each thread its own [`StftScratch`].
///
/// Spectra are slices of `num_columns * num_bins` values, column by column. Phases are zero-phase: they refer to the
/// column's centre sample, not to its first. The forward transform is not scaled; the inverse undoes it.
pub struct Stft {
    config: StftConfig,
    /// Rotated so that its peak is first: as the frames are.
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

/// Buffers for signals of one length; made by [`Stft::scratch`].
pub struct StftScratch {
    num_samples: usize,
    /// The signal from half a window before its start to half a window after the last column's centre.
    padded: Vec<f32>,
    transform: Transform,
    /// One over the sum of squared windows, times one over `n_fft`: what overlap-add leaves to divide by.
    gain: Vec<f32>,
}

/// Buffers for one column at a time.
pub(super) struct Transform {
    /// DC to Nyquist.
    pub bins: Vec<Complex32>,
    frame: Vec<f32>,
    fft: Vec<Complex32>,
}

impl Stft {
    /// Plan the transforms.
    ///
    /// # Panics
    /// If `n_fft` is odd or 0, or `hop_length` is outside 1..=n_fft/2.
    pub fn new(config: StftConfig) -> Self {
        let StftConfig { n_fft, hop_length, .. } = config;
        assert!(n_fft >= 2 && n_fft % 2 == 0, "n_fft is {n_fft}; need an even number, at least 2");
        assert!((1..=n_fft / 2).contains(&hop_length), "hop_length is {hop_length}; need 1..={}", n_fft / 2);
        let mut window = config.window.samples(n_fft);
        window.rotate_left(n_fft / 2);
        let mut planner = RealFftPlanner::new();
        Self { config, window, forward: planner.plan_fft_forward(n_fft), inverse: planner.plan_fft_inverse(n_fft) }
    }

    /// What it was planned from.
    pub fn config(&self) -> &StftConfig {
        &self.config
    }

    /// Bins of a column: `n_fft / 2 + 1`, DC and Nyquist included.
    pub fn num_bins(&self) -> usize {
        self.config.n_fft / 2 + 1
    }

    /// Columns of a signal: `num_samples / hop_length`, rounded up.
    pub fn num_columns(&self, num_samples: usize) -> usize {
        num_samples.div_ceil(self.config.hop_length)
    }

    /// Magnitude of a full-scale sine at the centre of its bin: half the sum of the window.
    pub fn full_scale(&self) -> f32 {
        (self.window.iter().map(|&w| f64::from(w)).sum::<f64>() / 2.0) as f32
    }

    /// Buffers for signals of `num_samples`.
    ///
    /// # Panics
    /// If `num_samples` is 0, or with [`Framing::Circular`] no multiple of the hop length.
    pub fn scratch(&self, num_samples: usize) -> StftScratch {
        let StftConfig { n_fft, hop_length, framing, .. } = self.config;
        assert!(num_samples > 0, "a signal needs at least 1 sample");
        let seamless = framing == Framing::Centered || num_samples.is_multiple_of(hop_length);
        assert!(seamless, "a circular signal of {num_samples} samples is no multiple of the hop length {hop_length}");
        StftScratch {
            num_samples,
            padded: vec![0.0; (self.num_columns(num_samples) - 1) * hop_length + n_fft],
            transform: self.transform(),
            gain: self.overlap_add_gain(num_samples),
        }
    }

    /// The spectrum of `samples`; allocates, then calls [`Stft::forward_into`].
    ///
    /// # Panics
    /// As [`Stft::scratch`].
    pub fn forward(&self, samples: &[f32]) -> Vec<Complex32> {
        let mut spectrum = vec![Complex32::ZERO; self.num_columns(samples.len()) * self.num_bins()];
        self.forward_into(samples, &mut spectrum, &mut self.scratch(samples.len()));
        spectrum
    }

    /// The spectrum of `samples` into `spectrum`.
    ///
    /// # Panics
    /// If `samples` or `spectrum` has another length than `scratch` was made for.
    pub fn forward_into(&self, samples: &[f32], spectrum: &mut [Complex32], scratch: &mut StftScratch) {
        assert_eq!(spectrum.len(), self.num_columns(samples.len()) * self.num_bins(), "bins in a spectrum");
        self.for_each_column(samples, scratch, |column, bins| {
            spectrum[column * bins.len()..][..bins.len()].copy_from_slice(bins);
        });
    }

    /// As [`Stft::forward_into`], but hands each column to `visit(index, bins)` while it is in the cache.
    ///
    /// # Panics
    /// If `samples` has another length than `scratch` was made for.
    pub fn for_each_column(
        &self,
        samples: &[f32],
        scratch: &mut StftScratch,
        mut visit: impl FnMut(usize, &[Complex32]),
    ) {
        let StftConfig { n_fft, hop_length, .. } = self.config;
        assert_eq!(samples.len(), scratch.num_samples, "samples in a signal");
        self.pad(samples, &mut scratch.padded);
        for column in 0..self.num_columns(samples.len()) {
            let source = &scratch.padded[column * hop_length..][..n_fft];
            self.analyse(source, &mut scratch.transform);
            visit(column, &scratch.transform.bins);
        }
    }

    /// The signal whose spectrum is nearest to `spectrum`; allocates, then calls [`Stft::inverse_into`].
    ///
    /// # Panics
    /// If `spectrum` has not `num_columns(num_samples) * num_bins()` values; and as [`Stft::scratch`].
    pub fn inverse(&self, spectrum: &[Complex32], num_samples: usize) -> Vec<f32> {
        let mut samples = vec![0.0; num_samples];
        self.inverse_into(spectrum, &mut samples, &mut self.scratch(num_samples));
        samples
    }

    /// The signal whose spectrum is nearest to `spectrum` (Griffin and Lim 1984), into `samples`.
    ///
    /// Imaginary parts of DC and Nyquist are ignored. With [`Framing::Centered`] the last hop is weighted by the tail of
    /// one window: windows that end in zero need more than 50 % overlap to keep it.
    ///
    /// # Panics
    /// If `samples` or `spectrum` has another length than `scratch` was made for.
    pub fn inverse_into(&self, spectrum: &[Complex32], samples: &mut [f32], scratch: &mut StftScratch) {
        let StftConfig { n_fft, hop_length, .. } = self.config;
        assert_eq!(samples.len(), scratch.num_samples, "samples in a signal");
        assert_eq!(spectrum.len(), self.num_columns(samples.len()) * self.num_bins(), "bins in a spectrum");
        scratch.padded.fill(0.0);
        for (column, bins) in spectrum.chunks_exact(self.num_bins()).enumerate() {
            scratch.transform.bins.copy_from_slice(bins);
            self.synthesize(&mut scratch.transform, &mut scratch.padded[column * hop_length..][..n_fft]);
        }
        self.fold(&scratch.padded, samples);
        samples.iter_mut().zip(&scratch.gain).for_each(|(y, gain)| *y *= gain);
    }

    /// Buffers for one column.
    pub(super) fn transform(&self) -> Transform {
        let fft = self.forward.get_scratch_len().max(self.inverse.get_scratch_len());
        Transform {
            bins: vec![Complex32::ZERO; self.num_bins()],
            frame: vec![0.0; self.config.n_fft],
            fft: vec![Complex32::ZERO; fft],
        }
    }

    /// The bins of one column, from the `n_fft` samples under its window.
    pub(super) fn analyse(&self, source: &[f32], transform: &mut Transform) {
        apply_rotated(source, &self.window, &mut transform.frame);
        self.forward
            .process_with_scratch(&mut transform.frame, &mut transform.bins, &mut transform.fft)
            .expect("the buffers have the planned lengths: `transform` made them");
    }

    /// Add one column's `n_fft` windowed samples to `target`; the bins are lost.
    pub(super) fn synthesize(&self, transform: &mut Transform, target: &mut [f32]) {
        transform.bins[0].im = 0.0;
        transform.bins[self.config.n_fft / 2].im = 0.0;
        self.inverse
            .process_with_scratch(&mut transform.bins, &mut transform.frame, &mut transform.fft)
            .expect("the buffers have the planned lengths, and the edge bins are real");
        add_rotated(&transform.frame, &self.window, target);
    }

    /// The gain of [`StftScratch`] for a signal that is padded as [`Stft::pad`] does.
    ///
    /// # Panics
    /// As [`Stft::scratch`].
    pub(super) fn padded_gain(&self, num_samples: usize) -> Vec<f32> {
        let StftScratch { mut padded, gain, .. } = self.scratch(num_samples);
        self.pad(&gain, &mut padded);
        padded
    }

    /// One over (the sum of squared windows over each sample, times `n_fft`).
    fn overlap_add_gain(&self, num_samples: usize) -> Vec<f32> {
        let StftConfig { n_fft, hop_length, .. } = self.config;
        let num_columns = self.num_columns(num_samples);
        let mut padded = vec![0.0; (num_columns - 1) * hop_length + n_fft];
        for column in 0..num_columns {
            add_rotated(&self.window, &self.window, &mut padded[column * hop_length..][..n_fft]);
        }
        let mut gain = vec![0.0; num_samples];
        self.fold(&padded, &mut gain);
        // Where no window reaches there is nothing to restore: the floor keeps rounding errors small there.
        gain.iter_mut().for_each(|sum| *sum = 1.0 / (sum.max(1e-6) * n_fft as f32));
        gain
    }

    /// `samples` with what lies before and behind them.
    fn pad(&self, samples: &[f32], padded: &mut [f32]) {
        let before = self.config.n_fft / 2;
        match self.config.framing {
            Framing::Centered => {
                padded.fill(0.0);
                padded[before..before + samples.len()].copy_from_slice(samples);
            }
            Framing::Circular => {
                let start = samples.len() - before % samples.len();
                let repeated = samples.iter().cycle().skip(start);
                padded.iter_mut().zip(repeated).for_each(|(to, &from)| *to = from);
            }
        }
    }

    /// The transpose of [`Stft::pad`]: what fell outside is dropped or comes round.
    fn fold(&self, padded: &[f32], samples: &mut [f32]) {
        let before = self.config.n_fft / 2;
        match self.config.framing {
            Framing::Centered => samples.copy_from_slice(&padded[before..before + samples.len()]),
            Framing::Circular => {
                samples.fill(0.0);
                let start = samples.len() - before % samples.len();
                for (i, &from) in padded.iter().enumerate() {
                    samples[(start + i) % samples.len()] += from;
                }
            }
        }
    }
}

/// `source * window` into `frame`, rotated by half: the centre comes first. `window` is rotated already.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn apply_rotated(source: &[f32], window: &[f32], frame: &mut [f32]) {
    let (past, future) = source.split_at(source.len() / 2);
    let (first, second) = frame.split_at_mut(future.len());
    let (opening, closing) = window.split_at(future.len());
    first.iter_mut().zip(future).zip(opening).for_each(|((to, from), w)| *to = from * w);
    second.iter_mut().zip(past).zip(closing).for_each(|((to, from), w)| *to = from * w);
}

/// Add `frame * window`, both rotated, to `target`, rotated back.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn add_rotated(frame: &[f32], window: &[f32], target: &mut [f32]) {
    let (past, future) = target.split_at_mut(frame.len() / 2);
    let (first, second) = frame.split_at(future.len());
    let (opening, closing) = window.split_at(future.len());
    future.iter_mut().zip(first).zip(opening).for_each(|((to, from), w)| *to += from * w);
    past.iter_mut().zip(second).zip(closing).for_each(|((to, from), w)| *to += from * w);
}

#[cfg(test)]
mod tests;
