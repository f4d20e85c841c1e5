//! [`WanderMeter`]: how far the levels of a sound wander about their course.

use super::Dataset;
use super::spectrum::Spectrum;

/// Length of a frame, in seconds: partials of a middle note are apart in it.
const FRAME_S: f32 = 0.093;
/// Edges of the bands, which are as wide in octaves: their first and their last, in Hz.
const RANGE_HZ: [f32; 2] = [60.0, 12_000.0];
/// Bands.
const NUM_BANDS: usize = 16;
/// Bands this far below the sum of all are not heard, in dB.
const HEARD_DB: f64 = 25.0;
/// Where a sound has begun and does not end yet, as shares of its length.
const COURSE: [f64; 2] = [0.1, 0.87];
/// The level of silence.
const SILENCE: f64 = 1e-10;
/// Sounds of a class that are measured.
const SOUNDS: usize = 200;

/// Measures how far the levels of bands wander about straight lines.
struct WanderMeter {
    spectrum: Spectrum,
    bands: Vec<std::ops::Range<usize>>,
}

impl Dataset {
    /// How far levels wander in the training sounds of each class: the median of up to 200 of them, in dB to a hundredth; 0 of a
    /// class that has none.
    ///
    /// Costs a spectrum of each of these sounds every 46 ms or so.
    pub fn wanders(&self) -> Vec<f32> {
        let meter = WanderMeter::new(self.config.sample_rate);
        let class = |class: usize| {
            let sounds: Vec<_> = self.train.iter().filter(|example| example.class == class).collect();
            let every = sounds.len().div_ceil(SOUNDS).max(1);
            let wanders = sounds.into_iter().step_by(every).map(|example| meter.measure(&self.plain(example).samples));
            (100.0 * middle(wanders.collect())).round() as f32 / 100.0
        };
        (0..self.classes.len()).map(class).collect()
    }
}

impl WanderMeter {
    fn new(sample_rate: u32) -> Self {
        let spectrum = Spectrum::of_frames(sample_rate, FRAME_S);
        let [lowest, highest] = RANGE_HZ;
        let edge = |band: usize| lowest * (highest / lowest).powf(band as f32 / NUM_BANDS as f32);
        let audible = (0..NUM_BANDS).filter(|&band| edge(band + 1) < 0.5 * sample_rate as f32);
        let bands = audible.map(|band| spectrum.bins(edge(band), edge(band + 1))).collect();
        Self { spectrum, bands }
    }

    /// The median over the bands that are heard of the standard deviation of their levels from a straight line, in dB.
    fn measure(&self, samples: &[f32]) -> f64 {
        let mut levels = vec![Vec::new(); self.bands.len()];
        let mut sums = Vec::new();
        let db = |power: f64| 10.0 * libm::log10(power + SILENCE);
        self.spectrum.for_each_frame(samples, |bins| {
            let power = |range: std::ops::Range<usize>| f64::from(bins[range].iter().sum::<f32>());
            for (levels, band) in levels.iter_mut().zip(&self.bands) {
                levels.push(db(power(band.clone())));
            }
            sums.push(db(power(0..bins.len())));
        });
        let count = sums.len() as f64;
        let course = COURSE.map(|share| (share * count) as usize);
        let course = course[0]..course[1];
        let heard = mean(&sums[course.clone()]) - HEARD_DB;
        let levels = levels.iter().map(|levels| &levels[course.clone()]).filter(|levels| mean(levels) > heard);
        middle(levels.map(from_line).collect())
    }
}

/// The standard deviation from the straight line of least squares.
fn from_line(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let (mean, centre) = (mean(values), 0.5 * (count - 1.0));
    let (mut along, mut square) = (0.0, f64::MIN_POSITIVE);
    for (i, value) in values.iter().enumerate() {
        let away = i as f64 - centre;
        along += away * (value - mean);
        square += away * away;
    }
    let off = |(i, value): (usize, &f64)| (value - mean - along / square * (i as f64 - centre)).powi(2);
    (values.iter().enumerate().map(off).sum::<f64>() / count.max(1.0)).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The upper of the two middle values; 0 of none.
fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;

    fn wander(gain_db: impl Fn(f64) -> f64) -> f64 {
        let sample = |i: usize| {
            let t = i as f64 / f64::from(RATE);
            let wave = |hz: f64| libm::sin(std::f64::consts::TAU * hz * t);
            (libm::pow(10.0, gain_db(t) / 20.0) * (0.3 * wave(440.0) + 0.1 * wave(2_900.0))) as f32
        };
        WanderMeter::new(RATE).measure(&(0..65_536).map(sample).collect::<Vec<_>>())
    }

    #[test]
    fn a_steady_sound_and_one_that_decays_evenly_do_not_wander() {
        assert!(wander(|_| 0.0) < 0.05, "{}", wander(|_| 0.0));
        assert!(wander(|t| -30.0 * t) < 0.05, "{}", wander(|t| -30.0 * t));
    }

    #[test]
    fn tremolo_is_what_it_wanders_by() {
        let tremolo = wander(|t| 3.0 * libm::sin(std::f64::consts::TAU * 2.5 * t));
        assert!((1.7..2.3).contains(&tremolo), "{tremolo}");
    }

    #[test]
    fn silence_and_clicks_have_a_number() {
        let meter = WanderMeter::new(RATE);
        for sound in [vec![], vec![0.0; 65_536], vec![1.0], vec![0.5; 100]] {
            assert!(meter.measure(&sound).is_finite(), "{} samples", sound.len());
        }
    }
}
