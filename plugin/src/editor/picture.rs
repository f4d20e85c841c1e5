//! [`Picture`]: what the window shows of a sound. Plain numbers; no window needed.

use std::ops::Range;

use brownian_core::dsp::{Complex32, Framing, Stft, StftConfig, Window};

use crate::engine::Sound;

/// Columns of a waveform.
pub const NUM_PEAKS: usize = 1024;
/// Columns of a spectrogram, at most.
pub const NUM_COLUMNS: usize = 400;
/// Rows of a spectrogram, from low to high on a logarithmic scale.
pub const NUM_ROWS: usize = 112;

/// Frequencies at the edges of the spectrogram, in Hz.
const LOWEST_HZ: f32 = 40.0;
const HIGHEST_HZ: f32 = 20_000.0;

/// Level of a spectrogram's darkest cell, in dB below full scale.
const FLOOR_DB: f32 = -84.0;

/// Samples under one window of the spectrogram.
const N_FFT: usize = 1024;

/// Waveform and spectrogram of one sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Lowest and highest sample of each column.
    pub peaks: Vec<(f32, f32)>,
    /// 0 (silent) to 255 (full scale), row by row from the highest frequency down.
    pub cells: Vec<u8>,
    /// How many columns `cells` has; its rows are [`NUM_ROWS`].
    pub num_columns: usize,
    /// Length in seconds.
    pub duration_s: f32,
}

impl Picture {
    /// Looks at a sound. Costs a few milliseconds for each second of it: not for the audio thread.
    pub fn of(sound: &Sound) -> Self {
        let mono = mono(sound);
        let (cells, num_columns) = spectrogram(&mono, sound.sample_rate());
        let duration_s = sound.num_frames() as f32 / sound.sample_rate();
        Self { peaks: peaks_of(sound, NUM_PEAKS), cells, num_columns, duration_s }
    }
}

/// Lowest and highest sample, over all channels, of each of `num_columns` stretches of equal length.
pub fn peaks_of(sound: &Sound, num_columns: usize) -> Vec<(f32, f32)> {
    let num_frames = sound.num_frames();
    let column = |column: usize| {
        let start = column * num_frames / num_columns;
        let end = ((column + 1) * num_frames / num_columns).max(start + 1).min(num_frames);
        let samples = (0..sound.num_channels()).flat_map(|channel| &sound.samples(channel)[start..end]);
        samples.fold((f32::MAX, f32::MIN), |(low, high), &sample| (low.min(sample), high.max(sample)))
    };
    (0..num_columns).map(column).collect()
}

/// The same waveform in at most `num_columns` columns.
pub fn merged(peaks: &[(f32, f32)], num_columns: usize) -> Vec<(f32, f32)> {
    let num_columns = num_columns.clamp(1, peaks.len().max(1));
    let column = |column: usize| {
        let range = column * peaks.len() / num_columns..(column + 1) * peaks.len() / num_columns;
        let widest = |(low, high): (f32, f32), peak: &(f32, f32)| (low.min(peak.0), high.max(peak.1));
        peaks[range].iter().fold((f32::MAX, f32::MIN), widest)
    };
    (0..num_columns).map(column).collect()
}

fn mono(sound: &Sound) -> Vec<f32> {
    let last = sound.num_channels() - 1;
    sound.samples(0).iter().zip(sound.samples(last)).map(|(left, right)| 0.5 * (left + right)).collect()
}

/// Cells, and how many columns they have. Of several transforms that fall into one column the loudest counts.
fn spectrogram(samples: &[f32], sample_rate: f32) -> (Vec<u8>, usize) {
    let hop_length = (samples.len() / NUM_COLUMNS).clamp(1, N_FFT / 2);
    let stft = Stft::new(StftConfig { n_fft: N_FFT, hop_length, window: Window::Hann, framing: Framing::Centered });
    let num_transforms = stft.num_columns(samples.len());
    let num_columns = num_transforms.min(NUM_COLUMNS);
    let rows = rows(sample_rate);
    let mut power = vec![0.0f32; NUM_ROWS * num_columns];
    stft.for_each_column(samples, &mut stft.scratch(samples.len()), |transform, bins| {
        let column = transform * num_columns / num_transforms;
        for (row, range) in rows.iter().enumerate() {
            let loudest = loudest(bins, range);
            let cell = &mut power[row * num_columns + column];
            *cell = cell.max(loudest);
        }
    });
    let full_scale_db = 20.0 * stft.full_scale().log10();
    (power.into_iter().map(|power| level(10.0 * power.log10() - full_scale_db)).collect(), num_columns)
}

/// Which bins each row covers, from the highest frequency down; fractions lie between two bins.
fn rows(sample_rate: f32) -> Vec<Range<f32>> {
    let bin_at = |row: usize| {
        let hz = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(row as f32 / NUM_ROWS as f32);
        (hz * N_FFT as f32 / sample_rate).min((N_FFT / 2) as f32)
    };
    (0..NUM_ROWS).rev().map(|row| bin_at(row)..bin_at(row + 1)).collect()
}

/// The highest power in a range of bins; where the range holds none, that between its neighbours.
fn loudest(bins: &[Complex32], range: &Range<f32>) -> f32 {
    let (first, last) = (range.start.ceil() as usize, range.end.floor() as usize);
    if first <= last {
        return bins[first..=last].iter().map(|bin| bin.norm_sqr()).fold(0.0, f32::max);
    }
    let middle = 0.5 * (range.start + range.end);
    let (below, part) = (middle.floor() as usize, middle.fract());
    let power = |bin: usize| bins.get(bin).map_or(0.0, |bin| bin.norm_sqr()).max(1e-12).log10();
    10.0f32.powf(power(below) + part * (power(below + 1) - power(below)))
}

/// 0 to 255 for a level in dB; silence is minus infinity.
fn level(db: f32) -> u8 {
    (255.0 * (1.0 - db / FLOOR_DB)).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f32, num_frames: usize) -> Sound {
        // In f32 the phase alone would be noise at -60 dB.
        let sample = |i| (std::f64::consts::TAU * f64::from(hz) * i as f64 / 44_100.0).sin() as f32;
        Sound::new(&[(0..num_frames).map(sample).collect()], 44_100.0, 60.0, None).unwrap()
    }

    #[test]
    fn peaks_hold_every_sample() {
        let mut samples = vec![0.0; 10_000];
        samples[7_777] = 0.75;
        samples[123] = -0.5;
        let sound = Sound::new(&[samples], 44_100.0, 60.0, None).unwrap();
        let peaks = peaks_of(&sound, 100);
        assert_eq!((peaks[77], peaks[1], peaks[50]), ((0.0, 0.75), (-0.5, 0.0), (0.0, 0.0)));
    }

    #[test]
    fn merged_columns_lose_no_peak() {
        let mut peaks = vec![(0.0, 0.0); 1000];
        peaks[333] = (-0.5, 0.25);
        let merged = merged(&peaks, 300);
        assert_eq!(merged.len(), 300);
        assert_eq!(merged.iter().filter(|peak| **peak == (-0.5, 0.25)).count(), 1);
        assert_eq!(super::merged(&peaks, 5000), peaks);
    }

    #[test]
    fn sounds_shorter_than_the_picture_fill_it() {
        let picture = Picture::of(&sine(440.0, 3));
        assert_eq!((picture.peaks.len(), picture.num_columns), (NUM_PEAKS, 3));
        assert!(picture.peaks.iter().all(|(low, high)| low <= high));
    }

    #[test]
    fn a_sine_is_one_bright_line_at_its_height() {
        // A bin of 1024 at 44.1 kHz, so that nothing leaks.
        let hz = 64.0 * 44_100.0 / 1024.0;
        let picture = Picture::of(&sine(hz, 44_100));
        let column: Vec<u8> = picture.cells.chunks(picture.num_columns).map(|row| row[200]).collect();
        let brightest = (0..NUM_ROWS).max_by_key(|&row| column[row]).unwrap();
        let expected = (1.0 - (hz / LOWEST_HZ).log(HIGHEST_HZ / LOWEST_HZ)) * NUM_ROWS as f32;
        assert!((brightest as f32 - expected).abs() <= 1.5, "{brightest}, not {expected}");
        assert_eq!(column[brightest], 255);
        assert!(column[10] < 10 && column[100] < 10, "{column:?}");
    }

    #[test]
    fn silence_is_dark() {
        let silence = Sound::new(&[vec![0.0; 5_000]], 44_100.0, 60.0, None).unwrap();
        assert!(Picture::of(&silence).cells.iter().all(|&cell| cell == 0));
    }
}
