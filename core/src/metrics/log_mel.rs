//! Log-mel spectra: how a sound looks to an ear that ignores phase.

use crate::metrics::periodogram::power_columns;

/// Window and FFT length of every column, in samples.
pub(super) const N_FFT: usize = 1024;
/// Samples between columns.
pub(super) const HOP_LENGTH: usize = 256;
/// Bands, spaced evenly in mel between [`LOWEST_HZ`] and the Nyquist frequency.
const BANDS: usize = 64;
/// Where the lowest band begins, Hz.
const LOWEST_HZ: f64 = 30.0;
/// dB relative to a full-scale sine below which all is silence.
pub(super) const FLOOR_DB: f64 = -80.0;

/// Bands of [`log_mel_features`].
pub const FEATURE_BANDS: usize = 32;
/// Columns of [`log_mel_features`].
pub const FEATURE_COLUMNS: usize = 24;
/// Seconds of sound that [`log_mel_features`] looks at.
pub(super) const FEATURE_S: f64 = 0.75;

/// What a sound is like, for comparing sets of sounds: [`FEATURE_COLUMNS`] x [`FEATURE_BANDS`] values, time-major.
///
/// Mean log-mel levels over equal slices of the first 0.75 s, of the sound normalised to peak 1, in dB above a floor of
/// -80 dB (so 0 is silence, about 80 the loudest). Neighbouring sounds are near in Euclidean distance.
pub fn log_mel_features(samples: &[f32], sample_rate: u32) -> Vec<f32> {
    let length = (FEATURE_S * f64::from(sample_rate)) as usize;
    let mut sound: Vec<f32> = samples.iter().copied().take(length).collect();
    normalise_peak(&mut sound);
    sound.resize(length, 0.0);
    let columns = log_mel(&sound, sample_rate, FEATURE_BANDS);
    let mut features = Vec::with_capacity(FEATURE_COLUMNS * FEATURE_BANDS);
    for slice in 0..FEATURE_COLUMNS {
        let edge = |i: usize| i * columns.len() / FEATURE_COLUMNS;
        // A rate so low that there are fewer columns than slices repeats them.
        let members = &columns[edge(slice)..edge(slice + 1).max(edge(slice) + 1)];
        let mean = |band: usize| members.iter().map(|column| column[band]).sum::<f64>() / members.len() as f64;
        features.extend((0..FEATURE_BANDS).map(|band| (mean(band) - FLOOR_DB) as f32));
    }
    features
}

pub(super) fn normalise_peak(samples: &mut [f32]) {
    let peak = samples.iter().fold(0f32, |peak, x| peak.max(x.abs()));
    if peak > 0.0 {
        samples.iter_mut().for_each(|x| *x /= peak);
    }
}

/// Log-mel columns in dB relative to a full-scale sine, floored at -80 dB: `ceil(len / 256)` columns of 64 bands.
pub(super) fn log_mel_columns(samples: &[f32], sample_rate: u32) -> Vec<Vec<f64>> {
    log_mel(samples, sample_rate, BANDS)
}

/// As [`log_mel_columns`], of so many bands.
pub(super) fn log_mel(samples: &[f32], sample_rate: u32, num_bands: usize) -> Vec<Vec<f64>> {
    let bands = triangles(sample_rate, num_bands);
    let level = |power: f64| (10.0 * power.log10()).max(FLOOR_DB);
    let column = |bins: Vec<f64>| bands.iter().map(|band| level(band.apply(&bins))).collect();
    power_columns(samples, N_FFT, HOP_LENGTH).into_iter().map(column).collect()
}

/// A triangular filter: weights of consecutive bins.
struct Triangle {
    first_bin: usize,
    weights: Vec<f64>,
}

impl Triangle {
    fn apply(&self, bins: &[f64]) -> f64 {
        self.weights.iter().zip(&bins[self.first_bin..]).map(|(w, power)| w * power).sum()
    }
}

/// Triangles of height 1, each from its left neighbour's centre to its right one's, but never narrower than one bin to
/// either side: low bands would miss every bin otherwise.
fn triangles(sample_rate: u32, num_bands: usize) -> Vec<Triangle> {
    let bin_hz = f64::from(sample_rate) / N_FFT as f64;
    let nyquist_hz = f64::from(sample_rate) / 2.0;
    let (low, high) = (mel(LOWEST_HZ.min(nyquist_hz)), mel(nyquist_hz));
    let centre = |i: usize| hz(low + (high - low) * i as f64 / (num_bands + 1) as f64) / bin_hz;
    let triangle = |i: usize| {
        let (left, middle, right) = (centre(i), centre(i + 1), centre(i + 2));
        let (rise, fall) = ((middle - left).max(1.0), (right - middle).max(1.0));
        let first_bin = (middle - rise).ceil().max(0.0) as usize;
        let last_bin = ((middle + fall).floor() as usize).min(N_FFT / 2);
        let weight = |bin: usize| {
            let away = bin as f64 - middle;
            (1.0 - if away < 0.0 { -away / rise } else { away / fall }).max(0.0)
        };
        Triangle { first_bin, weights: (first_bin..=last_bin).map(weight).collect() }
    };
    (0..num_bands).map(triangle).collect()
}

/// Hz to mel (O'Shaughnessy 1987).
fn mel(hz: f64) -> f64 {
    1127.0 * (hz / 700.0).ln_1p()
}

/// Mel to Hz.
fn hz(mel: f64) -> f64 {
    700.0 * (mel / 1127.0).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f32, amplitude: f32, len: usize) -> Vec<f32> {
        (0..len).map(|i| amplitude * (std::f32::consts::TAU * hz * i as f32 / 44_100.0).sin()).collect()
    }

    #[test]
    fn neighbouring_bands_share_every_bin_between_them() {
        for rate in [8_000, 44_100, 192_000] {
            let mut weight = vec![0.0; N_FFT / 2 + 1];
            let bands = triangles(rate, BANDS);
            for band in &bands {
                band.weights.iter().enumerate().for_each(|(i, w)| weight[band.first_bin + i] += w);
            }
            // Below the first centre and above the last one the outer slopes fall off alone.
            let (first, last) = (bands[2].first_bin, bands[BANDS - 1].first_bin);
            assert!(weight[first..=last].iter().all(|&w| w > 1.0 - 1e-9), "{rate} Hz: {weight:?}");
        }
    }

    #[test]
    fn a_sine_is_loudest_in_the_band_around_it() {
        let columns = log_mel_columns(&sine(1000.0, 1.0, 8192), 44_100);
        let column = &columns[16];
        let loudest = (0..BANDS).max_by(|&a, &b| column[a].total_cmp(&column[b])).unwrap();
        let step = (mel(22_050.0) - mel(LOWEST_HZ)) / (BANDS + 1) as f64;
        let expected = ((mel(1000.0) - mel(LOWEST_HZ)) / step).round() as usize - 1;
        assert_eq!(loudest, expected);
        // A full-scale sine is 0 dB; the window spreads it over three bins (+1.8 dB at most) and the triangle's slope
        // takes up to half away.
        assert!((-4.0..2.0).contains(&column[loudest]), "{}", column[loudest]);
    }

    #[test]
    fn features_ignore_gain_and_trailing_silence() {
        let mut sound = sine(300.0, 0.9, 20_000);
        let features = log_mel_features(&sound, 44_100);
        assert_eq!(features.len(), FEATURE_BANDS * FEATURE_COLUMNS);
        sound.iter_mut().for_each(|x| *x *= 0.25);
        sound.resize(30_000, 0.0);
        assert_eq!(log_mel_features(&sound, 44_100), features);
    }

    #[test]
    fn features_of_silence_or_nothing_are_zero() {
        assert!(log_mel_features(&[0.0; 100], 44_100).iter().all(|&x| x == 0.0));
        assert!(log_mel_features(&[], 44_100).iter().all(|&x| x == 0.0));
        assert_eq!(log_mel_features(&[], 1).len(), FEATURE_BANDS * FEATURE_COLUMNS);
    }
}
