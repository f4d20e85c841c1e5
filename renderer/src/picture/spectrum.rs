//! [`LogSpectrogram`]: levels over time and pitch, as the eye wants them.

use brownian_core::dsp::{Framing, Stft, StftConfig, Window};

/// Windows in samples at 44.1 kHz, the longest for the lowest notes: a longer window tells pitches apart, a shorter one
/// moments. No single length shows both a kick's tone and its click.
const WINDOWS: [usize; 3] = [4096, 2048, 1024];
/// Where each of them hands over to the next, Hz; over an octave, so that no seam is seen.
const CROSSOVERS_HZ: [f32; 2] = [200.0, 1500.0];
/// Most samples between two columns: a transient falls between no two.
const MAX_HOP: usize = 256;
/// The level of silence.
const SILENT_DB: f32 = -200.0;

/// Levels in dB relative to a full-scale sine, `width` moments by `height` pitches, evenly spaced in time and octaves.
pub struct LogSpectrogram {
    /// Moments.
    pub width: usize,
    /// Pitches.
    pub height: usize,
    /// The lowest pitch, Hz.
    pub low_hz: f32,
    /// The highest pitch, Hz.
    pub high_hz: f32,
    /// Row by row, the highest pitch first.
    levels_db: Vec<f32>,
}

impl LogSpectrogram {
    /// Analyse samples, at least one, at this rate. Cost: three STFTs.
    pub fn new(samples: &[f32], sample_rate: u32, width: usize, height: usize) -> Self {
        let rate = sample_rate as f32;
        let high_hz = (rate / 2.0).min(20_000.0);
        let low_hz = 30f32.min(high_hz / 4.0);
        let mut picture = Self { width, height, low_hz, high_hz, levels_db: vec![0.0; width * height] };
        for (n, window) in WINDOWS.iter().enumerate() {
            let n_fft = (*window as f32 * rate / 44_100.0).round().max(64.0) as usize;
            picture.add(samples, rate, n_fft.next_power_of_two(), n);
        }
        picture
    }

    /// The levels of a pitch, the highest first.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.levels_db[row * self.width..][..self.width]
    }

    /// The highest level of all, dB.
    pub fn top_db(&self) -> f32 {
        self.levels_db.iter().copied().fold(SILENT_DB, f32::max)
    }

    /// The row of a pitch, from the top, as a fraction of the height: beyond 0..=1 where the picture does not show it.
    pub fn position(&self, hz: f32) -> f32 {
        1.0 - (hz / self.low_hz).ln() / (self.high_hz / self.low_hz).ln()
    }

    /// The pitch at a fraction of the height from the top.
    fn pitch_hz(&self, position: f32) -> f32 {
        self.low_hz * (self.high_hz / self.low_hz).powf(1.0 - position)
    }

    /// Add what the `n`th window sees of the pitches that are its own.
    fn add(&mut self, samples: &[f32], rate: f32, n_fft: usize, n: usize) {
        let hop_length = (samples.len() / self.width.max(1)).clamp(1, MAX_HOP.min(n_fft / 2));
        let stft = Stft::new(StftConfig { n_fft, hop_length, window: Window::Hann, framing: Framing::Centered });
        let rows: Vec<(usize, f32, [f32; 2])> = (0..self.height)
            .filter_map(|row| {
                let edges = [row + 1, row].map(|edge| self.pitch_hz(edge as f32 / self.height as f32));
                let share = share((edges[0] * edges[1]).sqrt(), n);
                (share > 0.0).then_some((row, share, edges.map(|hz| hz * n_fft as f32 / rate)))
            })
            .collect();
        // The largest of the columns that fall on a pixel; of none, the column before.
        let num_columns = stft.num_columns(samples.len());
        let mut seen = vec![0f32; self.width * rows.len()];
        let mut magnitudes = vec![0f32; stft.num_bins()];
        stft.for_each_column(samples, &mut stft.scratch(samples.len()), |column, bins| {
            magnitudes.iter_mut().zip(bins).for_each(|(magnitude, bin)| *magnitude = bin.norm());
            let first = column * self.width / num_columns;
            let last = ((column + 1) * self.width / num_columns).max(first + 1).min(self.width);
            for (place, (_, _, edges)) in rows.iter().enumerate() {
                let level = magnitude_between(&magnitudes, *edges);
                for x in first..last {
                    let seen = &mut seen[place * self.width + x];
                    *seen = seen.max(level);
                }
            }
        });
        for (place, (row, share, _)) in rows.iter().enumerate() {
            for x in 0..self.width {
                let level = seen[place * self.width + x] / stft.full_scale();
                self.levels_db[row * self.width + x] += share * (20.0 * level.log10()).max(SILENT_DB);
            }
        }
    }
}

/// How much of a pitch the `n`th window shows: all windows together, 1.
fn share(hz: f32, n: usize) -> f32 {
    // 0 an octave's half below the crossover, 1 as far above.
    let passed = |crossover: f32| ((hz / crossover).log2() + 0.5).clamp(0.0, 1.0);
    let begun = if n == 0 { 1.0 } else { passed(CROSSOVERS_HZ[n - 1]) };
    let ended = CROSSOVERS_HZ.get(n).map_or(0.0, |&crossover| passed(crossover));
    begun - ended
}

/// The largest magnitude between two places on the axis of bins; between bins, on the line from one to the next.
fn magnitude_between(magnitudes: &[f32], [low, high]: [f32; 2]) -> f32 {
    let last = magnitudes.len() - 1;
    let at = |place: f32| {
        let place = place.clamp(0.0, last as f32);
        let below = (place as usize).min(last);
        let above = (below + 1).min(last);
        magnitudes[below] + (magnitudes[above] - magnitudes[below]) * (place - below as f32)
    };
    let inner = (low.ceil().max(0.0) as usize).min(last)..=(high.floor().max(0.0) as usize).min(last);
    let ends = at(low).max(at(high));
    magnitudes.get(inner).unwrap_or_default().iter().copied().fold(ends, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f32, rate: u32, frames: usize) -> Vec<f32> {
        (0..frames).map(|i| (std::f32::consts::TAU * hz * i as f32 / rate as f32).sin()).collect()
    }

    #[test]
    fn a_full_scale_sine_is_a_line_at_0_db_at_its_pitch() {
        for hz in [100.0, 440.0, 5000.0] {
            let picture = LogSpectrogram::new(&sine(hz, 44_100, 44_100), 44_100, 100, 200);
            let middle = |row: usize| picture.row(row)[50];
            let loudest = (0..200).max_by(|&a, &b| middle(a).total_cmp(&middle(b))).unwrap();
            // Two of 200 rows over nine octaves are a semitone; a Hann window between bins loses 1.4 dB.
            assert!((loudest as f32 - 200.0 * picture.position(hz)).abs() <= 2.5, "{hz} Hz in row {loudest}");
            assert!((-1.5..0.1).contains(&middle(loudest)), "{hz} Hz: {} dB", middle(loudest));
            assert!((picture.top_db() - middle(loudest)).abs() < 0.5);
        }
    }

    #[test]
    fn a_click_is_a_column_at_its_moment() {
        let mut samples = vec![0.0; 44_100];
        samples[22_050] = 1.0;
        let picture = LogSpectrogram::new(&samples, 44_100, 200, 100);
        let high = picture.row(10);
        let loudest = (0..200).max_by(|&a, &b| high[a].total_cmp(&high[b])).unwrap();
        assert!(loudest.abs_diff(100) <= 2, "{loudest}");
        assert_eq!(high[0], SILENT_DB);
    }

    #[test]
    fn the_windows_share_every_pitch_among_them() {
        for hz in [30.0, 150.0, 200.0, 260.0, 1000.0, 1500.0, 20_000.0] {
            let shares: f32 = (0..3).map(|n| share(hz, n)).sum();
            assert!((shares - 1.0).abs() < 1e-6, "{hz}");
        }
    }

    #[test]
    fn the_shortest_sound_and_the_lowest_rate_have_a_picture() {
        for (frames, rate) in [(1, 8000), (3, 384_000), (100, 100)] {
            let picture = LogSpectrogram::new(&vec![0.5; frames], rate, 20, 10);
            assert!(picture.levels_db.iter().all(|level| level.is_finite()), "{frames} at {rate}");
        }
    }
}
