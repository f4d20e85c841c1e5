//! Whether one sound is a copy of another, whatever its gain and a small shift.

use crate::metrics::log_mel::{FEATURE_BANDS, FEATURE_S, FLOOR_DB, N_FFT, log_mel, normalise_peak};

/// Decibels below the loudest cell that still count.
const DEPTH_DB: f64 = 60.0;
/// Columns that a copy may lie earlier or later: 23 ms at 44.1 kHz.
const MAX_SHIFT: usize = 4;

/// A log-mel picture of a sound's first 0.75 s, to be laid over others: [`FEATURE_BANDS`] bands, columns of 1024 samples
/// every 256, levels in dB above a floor 60 dB below the loudest.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Time-major; 0 is silence.
    levels: Vec<f32>,
    sum: f64,
    sum_of_squares: f64,
}

impl Picture {
    /// Draw `samples`.
    pub fn new(samples: &[f32], sample_rate: u32) -> Self {
        let length = (FEATURE_S * f64::from(sample_rate)) as usize;
        let mut sound: Vec<f32> = samples.iter().copied().take(length).collect();
        normalise_peak(&mut sound);
        sound.resize(length, 0.0);
        // The first columns that see the sound are centred before it.
        sound.splice(0..0, [0.0; N_FFT / 2]);
        let columns = log_mel(&sound, sample_rate, FEATURE_BANDS);
        let loudest = columns.iter().flatten().copied().fold(FLOOR_DB, f64::max);
        let floor = (loudest - DEPTH_DB).max(FLOOR_DB);
        let levels: Vec<f32> = columns.iter().flatten().map(|db| (db - floor).max(0.0) as f32).collect();
        let sum = levels.iter().map(|&x| f64::from(x)).sum();
        let sum_of_squares = levels.iter().map(|&x| f64::from(x).powi(2)).sum();
        Self { levels, sum, sum_of_squares }
    }

    /// How much two pictures are one: the correlation of their cells, the greatest over shifts of up to four columns. 1
    /// for copies of any gain, about 0.5 to 0.95 for different sounds of a class; 0 where one is silent.
    ///
    /// Both lie on a canvas of silence, so that nothing is cut off by a shift. Phases do not count: it finds a copy whose
    /// phases were made anew. Symmetric.
    pub fn likeness(&self, other: &Self) -> f64 {
        let cells = (self.levels.len().max(other.levels.len()) + 2 * MAX_SHIFT * FEATURE_BANDS) as f64;
        let spread = |picture: &Self| picture.sum_of_squares - picture.sum.powi(2) / cells;
        let norm = (spread(self) * spread(other)).sqrt();
        if norm <= 0.0 {
            return 0.0;
        }
        let (a, b) = (&self.levels[..], &other.levels[..]);
        let shifts = (0..=MAX_SHIFT).map(|columns| (columns * FEATURE_BANDS).min(a.len()).min(b.len()));
        let overlap = shifts.map(|shift| dot(&a[shift..], b).max(dot(a, &b[shift..]))).fold(0.0, f64::max);
        (overlap - self.sum * other.sum / cells) / norm
    }
}

/// Over the common length, in eight running sums, which the compiler keeps in one register.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::log_mel::HOP_LENGTH;
    use crate::noise::{NoiseStream, Seed};

    /// A decaying burst of noise whose neighbours are mixed by `colour`: 0.37 s at 44.1 kHz.
    fn burst(index: u64, colour: f32, decay: f32) -> Vec<f32> {
        let mut noise = NoiseStream::new(Seed(1), "picture", index);
        let mut last = 0.0;
        let sample = |i: usize| {
            last = colour * last + (1.0 - colour) * noise.normal();
            last * (-decay * i as f32 / 44_100.0).exp()
        };
        (0..16_384).map(sample).collect()
    }

    fn picture(samples: &[f32]) -> Picture {
        Picture::new(samples, 44_100)
    }

    #[test]
    fn a_quieter_later_copy_is_the_same_picture() {
        let sound = burst(0, 0.5, 10.0);
        let mut copy = vec![0.0; 3 * HOP_LENGTH];
        copy.extend(sound.iter().map(|x| 0.05 * x));
        let likeness = picture(&copy).likeness(&picture(&sound));
        // Columns fall on the same samples; sums are of f32.
        assert!(likeness > 0.9999, "{likeness}");
        // Between two columns the shift cannot follow.
        copy.splice(0..0, vec![0.0; HOP_LENGTH / 2]);
        let likeness = picture(&copy).likeness(&picture(&sound));
        assert!(likeness > 0.97, "{likeness}");
    }

    #[test]
    fn another_sound_is_another_picture_and_the_order_does_not_matter() {
        let (a, b) = (picture(&burst(0, 0.9, 10.0)), picture(&burst(1, 0.0, 30.0)));
        let likeness = a.likeness(&b);
        assert!(likeness < 0.9, "{likeness}");
        // Sums of f32 in another order.
        assert!((likeness - b.likeness(&a)).abs() < 1e-6);
    }

    #[test]
    fn silence_is_like_nothing() {
        let (silent, sound) = (picture(&[0.0; 5000]), picture(&burst(0, 0.0, 5.0)));
        assert_eq!((silent.likeness(&sound), silent.likeness(&silent)), (0.0, 0.0));
        assert_eq!(picture(&[]).likeness(&sound), 0.0);
    }
}
