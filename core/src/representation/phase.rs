//! Phases from magnitudes: phase gradient heap integration.
//!
//! Prusa, Balazs, Sondergaard, "A noniterative method for reconstruction of phase from STFT magnitude", 2017
//! (<https://doi.org/10.1109/TASLP.2017.2678166>). Through a Gaussian window the logarithm of the magnitude fixes the
//! gradient of the phase; the gradient is integrated from the loudest cells outward.

mod order;

use std::f32::consts::{PI, TAU};

use self::order::{RankQueue, loudest_first};
use crate::dsp::{Framing, StftConfig, gaussian_gamma, join};
use crate::noise::NoiseStream;

/// Cells below this part of the loudest one have no reliable gradient: their phase is random.
const TOLERANCE: f32 = 1e-4;

/// The numbers of the STFT whose phases are sought: Gaussian window, zero-phase columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PhaseIntegrator {
    n_fft: usize,
    hop_length: usize,
    /// The last column comes before the first.
    circular: bool,
}

/// Columns by bins: `ln |z|` for the gradients and `|z|` for the order.
pub(crate) struct Magnitudes<'a> {
    /// Natural logarithm, column by column.
    pub log: &'a [f32],
    /// Linear, at least 0, finite; same order.
    pub linear: &'a [f32],
    /// Bins of a column, from DC upwards.
    pub num_bins: usize,
}

/// The gradient of the phase, in radians: per hop and per bin, for every cell.
struct Gradient {
    along_time: Vec<f32>,
    along_bins: Vec<f32>,
}

/// Where the integration stands.
struct Front {
    phases: Vec<f32>,
    /// Cells by rank: loudest first.
    order: Vec<u32>,
    /// Ranks of the cells whose phase is sought, [`SETTLED`] for all others.
    ranks: Vec<u32>,
    queue: RankQueue,
}

/// The rank of a cell that needs no phase: it has one, or it is too soft.
const SETTLED: u32 = u32::MAX;

impl PhaseIntegrator {
    /// For the columns of an STFT like this.
    pub fn new(config: &StftConfig) -> Self {
        let StftConfig { n_fft, hop_length, framing, .. } = *config;
        Self { n_fft, hop_length, circular: framing == Framing::Circular }
    }

    /// A phase in radians for every cell. `noise` gives one number per cell, used or not, so that a cell's random phase
    /// does not depend on its neighbours' magnitudes.
    ///
    /// The first cells have the phases `known` already, and the rest goes on from them.
    pub fn integrate(&self, known: &[f32], magnitudes: &Magnitudes, noise: &mut NoiseStream) -> Vec<f32> {
        let linear = magnitudes.linear;
        let threshold = TOLERANCE * linear.iter().copied().fold(0.0, f32::max);
        let ((phases, gradient), order) = join(
            || (linear.iter().map(|_| noise.uniform_in(-PI, PI)).collect(), self.gradient(magnitudes)),
            || loudest_first(linear, threshold),
        );
        let mut front = Front::new(phases, order);
        front.begin_with(known);
        front.spread(magnitudes.num_bins, self.circular, &gradient);
        for seed in 0..front.order.len() {
            let cell = front.order[seed] as usize;
            if front.ranks[cell] != SETTLED {
                front.phases[cell] = 0.0;
                front.settle(cell);
                front.spread(magnitudes.num_bins, self.circular, &gradient);
            }
        }
        front.phases
    }

    fn gradient(&self, magnitudes: &Magnitudes) -> Gradient {
        Gradient { along_time: self.time_gradient(magnitudes), along_bins: self.bin_gradient(magnitudes) }
    }

    /// Phase advance per hop: `a M / (2 gamma) (s[m+1] - s[m-1]) + 2 pi a m / M`, wrapped to keep sums small.
    fn time_gradient(&self, magnitudes: &Magnitudes) -> Vec<f32> {
        let (bins, a, n_fft) = (magnitudes.num_bins, self.hop_length, self.n_fft);
        let scale = ((a * n_fft) as f64 / (2.0 * gaussian_gamma(n_fft))) as f32;
        let carrier: Vec<f32> = (0..bins).map(|m| TAU * ((a * m) % n_fft) as f32 / n_fft as f32).collect();
        let mut gradient = vec![0.0; magnitudes.log.len()];
        for (row, log) in gradient.chunks_exact_mut(bins).zip(magnitudes.log.chunks_exact(bins)) {
            row.copy_from_slice(&carrier);
            // DC is its own mirror image, so the slope is 0 there; so it is, nearly, at the other end.
            for (g, around) in row[1..].iter_mut().zip(log.windows(3)) {
                *g += scale * (around[2] - around[0]);
            }
        }
        gradient
    }

    /// Phase advance per bin: `-gamma / (2 a M) (s[n+1] - s[n-1])`.
    ///
    /// On a circle every column has two neighbours. Else, in the outer columns, the one that is missing continues the
    /// parabola through the nearest three: a click is one, exactly, so that an onset in the first column stays in its
    /// place.
    fn bin_gradient(&self, magnitudes: &Magnitudes) -> Vec<f32> {
        let bins = magnitudes.num_bins;
        let num_columns = magnitudes.log.len() / bins;
        let scale = (-gaussian_gamma(self.n_fft) / (2 * self.hop_length * self.n_fft) as f64) as f32;
        let mut gradient = vec![0.0; magnitudes.log.len()];
        if num_columns < 3 {
            return gradient;
        }
        if self.circular {
            let column = |n: usize| &magnitudes.log[n % num_columns * bins..][..bins];
            for (n, row) in gradient.chunks_exact_mut(bins).enumerate() {
                let around = column(n + num_columns - 1).iter().zip(column(n + 1));
                row.iter_mut().zip(around).for_each(|(g, (before, after))| *g = scale * (after - before));
            }
            return gradient;
        }
        for (n, row) in gradient.chunks_exact_mut(bins).enumerate() {
            let middle = n.clamp(1, num_columns - 2);
            let column = |n: usize| &magnitudes.log[n * bins..][..bins];
            let curvature = 2.0 * (n as f32 - middle as f32);
            let around = column(middle - 1).iter().zip(column(middle)).zip(column(middle + 1));
            for (g, ((before, here), after)) in row.iter_mut().zip(around) {
                *g = scale * (after - before + curvature * (after - 2.0 * here + before));
            }
        }
        gradient
    }
}

impl Front {
    /// `phases` are those of the cells that `order` does not name.
    fn new(phases: Vec<f32>, order: Vec<u32>) -> Self {
        let mut ranks = vec![SETTLED; phases.len()];
        for (rank, &cell) in order.iter().enumerate() {
            ranks[cell as usize] = rank as u32;
        }
        Self { phases, queue: RankQueue::new(order.len()), order, ranks }
    }

    /// The first cells have these phases.
    fn begin_with(&mut self, known: &[f32]) {
        self.phases[..known.len()].copy_from_slice(known);
        for cell in 0..known.len() {
            if self.ranks[cell] != SETTLED {
                self.settle(cell);
            }
        }
    }

    /// Put a cell whose phase is known, and which is not settled yet, into the queue.
    fn settle(&mut self, cell: usize) {
        self.queue.push(std::mem::replace(&mut self.ranks[cell], SETTLED));
    }

    /// Integrate by the trapezoid rule from the cells in the queue, loudest first, until no neighbour is left.
    fn spread(&mut self, num_bins: usize, circular: bool, gradient: &Gradient) {
        let num_cells = self.ranks.len();
        while let Some(rank) = self.queue.pop() {
            let from = self.order[rank as usize] as usize;
            let bin = from % num_bins;
            let mut reach = |to: usize, direction: f32, gradient: &[f32]| {
                if self.ranks[to] != SETTLED {
                    self.phases[to] = self.phases[from] + direction * 0.5 * (gradient[from] + gradient[to]);
                    self.settle(to);
                }
            };
            if from + num_bins < num_cells {
                reach(from + num_bins, 1.0, &gradient.along_time);
            } else if circular {
                reach(bin, 1.0, &gradient.along_time);
            }
            if from >= num_bins {
                reach(from - num_bins, -1.0, &gradient.along_time);
            } else if circular {
                reach(num_cells - num_bins + bin, -1.0, &gradient.along_time);
            }
            if bin + 1 < num_bins {
                reach(from + 1, 1.0, &gradient.along_bins);
            }
            if bin > 0 {
                reach(from - 1, -1.0, &gradient.along_bins);
            }
        }
    }
}

#[cfg(test)]
mod tests;
