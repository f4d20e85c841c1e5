//! [`OverlapAdd`]: a signal as partial sums of blocks of columns, sent through the STFT and back on many threads.

use std::ops::Range;

use multiversion::multiversion;

use super::Complex32;
use super::stft::{Framing, Stft, StftConfig, Transform};
use super::threads::for_each;

/// Columns of a block: what one task transforms. Fixed, so that every sum has one order whatever the threads.
const COLUMNS: usize = 16;
/// Samples over which a signal rises that begins in silence.
const RISE: usize = 8;

/// A signal that goes through an [`Stft`] and back again and again, without its spectrum being stored.
///
/// Made for one [`Stft`] and one length; nothing is allocated after that. Works on the threads of the current rayon
/// pool, and the bytes do not depend on their number.
pub(crate) struct OverlapAdd {
    num_samples: usize,
    /// Samples from a block's first to the next one's.
    step: usize,
    /// Samples after which the signal repeats; longer than everything here if it does not.
    period: usize,
    /// What overlap-add leaves to multiply by, from half a window before the signal on; 0 outside of it.
    gain: Vec<f32>,
    blocks: Vec<Block>,
    /// The signal, without the gain: what each block's columns add to it.
    sums: Vec<Vec<f32>>,
}

/// A run of columns, with buffers of its own.
struct Block {
    columns: Range<usize>,
    /// The sum in the making: it goes to [`OverlapAdd::sums`] when all blocks are done.
    sum: Vec<f32>,
    /// The signal under the columns.
    source: Vec<f32>,
    /// What the caller keeps, column by column.
    kept: Vec<Complex32>,
    transform: Transform,
}

/// One column on its way from the analysis to the synthesis.
pub(crate) struct Column<'a> {
    /// Which: 0 is centred on the first sample.
    pub index: usize,
    /// Its spectrum, DC to Nyquist.
    pub bins: &'a mut [Complex32],
    /// One value a bin for the caller, who alone writes them; 0 at first.
    pub kept: &'a mut [Complex32],
}

impl OverlapAdd {
    /// Silence of `num_samples`, of which the first `silent` stay so: the signal rises over the last of them.
    ///
    /// # Panics
    /// As [`Stft::scratch`].
    pub fn new(stft: &Stft, num_samples: usize, silent: usize) -> Self {
        let StftConfig { n_fft, hop_length, framing, .. } = *stft.config();
        let (step, length) = (COLUMNS * hop_length, (COLUMNS - 1) * hop_length + n_fft);
        let num_columns = stft.num_columns(num_samples);
        let columns = |first| first..num_columns.min(first + COLUMNS);
        let blocks: Vec<_> =
            (0..num_columns).step_by(COLUMNS).map(|first| Block::new(stft, columns(first), length)).collect();
        let mut gain = stft.padded_gain(num_samples);
        gain.resize((blocks.len() - 1) * step + length, 0.0);
        for (i, gain) in gain[n_fft / 2..].iter_mut().take(silent).enumerate() {
            *gain *= 1.0 - ((silent - i) as f32 / RISE as f32).min(1.0);
        }
        let period = if framing == Framing::Circular { num_samples } else { gain.len() + length };
        Self { num_samples, step, period, gain, sums: vec![vec![0.0; length]; blocks.len()], blocks }
    }

    /// Make the signal of the columns whose bins `fill` writes.
    pub fn synthesize(&mut self, stft: &Stft, fill: impl Fn(Column) + Sync + Send) {
        for_each(&mut self.blocks, |_, block| block.visit(stft, |_, _| (), &fill));
        self.take_sums();
    }

    /// Analyse the signal, let `change` alter each column, and make the signal anew from them.
    pub fn resynthesize(&mut self, stft: &Stft, change: impl Fn(Column) + Sync + Send) {
        let (sums, gain, step, period) = (&self.sums, &self.gain, self.step, self.period);
        for_each(&mut self.blocks, |index, block| {
            gather(sums, step, period, index * step, &mut block.source);
            multiply(&mut block.source, &gain[index * step..]);
            block.visit(stft, |source, transform| stft.analyse(source, transform), &change);
        });
        self.take_sums();
    }

    /// The signal.
    pub fn samples(&self, stft: &Stft) -> Vec<f32> {
        let before = stft.config().n_fft / 2;
        let mut samples = vec![0.0; self.num_samples];
        gather(&self.sums, self.step, self.period, before, &mut samples);
        multiply(&mut samples, &self.gain[before..]);
        samples
    }

    fn take_sums(&mut self) {
        for (block, sum) in self.blocks.iter_mut().zip(&mut self.sums) {
            std::mem::swap(&mut block.sum, sum);
        }
    }
}

impl Block {
    fn new(stft: &Stft, columns: Range<usize>, length: usize) -> Self {
        let kept = vec![Complex32::ZERO; columns.len() * stft.num_bins()];
        let (sum, source) = (vec![0.0; length], vec![0.0; length]);
        Self { columns, sum, source, kept, transform: stft.transform() }
    }

    /// Every column once: `analyse` its source, `change` its bins, add what they sound like to the sum.
    fn visit(&mut self, stft: &Stft, analyse: impl Fn(&[f32], &mut Transform), change: &impl Fn(Column)) {
        let StftConfig { n_fft, hop_length, .. } = *stft.config();
        self.sum.fill(0.0);
        let kept = self.kept.chunks_exact_mut(stft.num_bins());
        for (place, (index, kept)) in self.columns.clone().zip(kept).enumerate() {
            let under = place * hop_length..place * hop_length + n_fft;
            analyse(&self.source[under.clone()], &mut self.transform);
            change(Column { index, bins: &mut self.transform.bins, kept });
            stft.synthesize(&mut self.transform, &mut self.sum[under]);
        }
    }
}

/// The signal's samples `start..` into `out`: the sum of all sums, of which number `i` starts at sample `i * step` and
/// comes again every `period`. In the order of `sums`, so that it rounds alike wherever it starts.
fn gather(sums: &[Vec<f32>], step: usize, period: usize, start: usize, out: &mut [f32]) {
    out.fill(0.0);
    for (index, sum) in sums.iter().enumerate() {
        // Its first image that ends behind `start`, counted from one whole sum before it.
        let ahead = (index * step + sum.len() - 1) as isize - start as isize;
        let mut end = ahead.rem_euclid(period as isize) as usize + 1;
        while end < sum.len() + out.len() {
            let (from, to) = (sum.len().saturating_sub(end), end.saturating_sub(sum.len()));
            add(&mut out[to..], &sum[from..]);
            end += period;
        }
    }
}

/// `out += x`, as far as both reach.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn add(out: &mut [f32], x: &[f32]) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out += x);
}

/// `out *= x`, as far as both reach.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn multiply(out: &mut [f32], x: &[f32]) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out *= x);
}

#[cfg(test)]
mod tests;
