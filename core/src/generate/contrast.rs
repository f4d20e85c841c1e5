//! [`set_noisiness`]: how far single frequencies stand out of their neighbourhood, as it was asked for.
//!
//! Networks follow the knob in most classes and not in those of which they have heard few sounds; what they leave is done to the
//! levels themselves. The middle, 0.5, changes nothing.

use crate::representation::Frames;

/// Octaves of contrast at each end of the range.
const MOST: f32 = 0.5;
/// Bins to each side that make the neighbourhood of one: what the measure of noisiness takes for one band, or somewhat more.
const NEIGHBOURS: usize = 8;

/// Draw the levels of a sound, in dB, towards the mean of their neighbours in frequency (above the middle), as those of noise
/// are, or away from it (below), as those of tones. Every frame keeps its power.
pub(super) fn set_noisiness(levels: &mut Frames, noisiness: f32) {
    let contrast = libm::exp2f(MOST * (1.0 - 2.0 * noisiness));
    if contrast == 1.0 {
        return;
    }
    let mut means = vec![0.0; levels.num_channels];
    for frame in levels.data.chunks_exact_mut(levels.num_channels) {
        let before = power_db(frame);
        neighbourhood(frame, &mut means);
        frame.iter_mut().zip(&means).for_each(|(level, mean)| *level = mean + contrast * (*level - mean));
        let gain = before - power_db(frame);
        frame.iter_mut().for_each(|level| *level += gain);
    }
}

/// The mean of every bin's neighbourhood, itself among it.
fn neighbourhood(levels: &[f32], means: &mut [f32]) {
    let count = levels.len();
    let mut sum: f32 = levels[..NEIGHBOURS.min(count)].iter().sum();
    for (i, mean) in means.iter_mut().enumerate() {
        if let Some(next) = levels.get(i + NEIGHBOURS) {
            sum += next;
        }
        if let Some(last) = i.checked_sub(NEIGHBOURS + 1) {
            sum -= levels[last];
        }
        *mean = sum / ((i + NEIGHBOURS + 1).min(count) - i.saturating_sub(NEIGHBOURS)) as f32;
    }
}

/// Of a frame, in dB.
pub(super) fn power_db(levels: &[f32]) -> f32 {
    let power: f64 = levels.iter().map(|&level| libm::exp10(f64::from(level) / 10.0)).sum();
    (10.0 * libm::log10(power)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone 40 dB above a floor that tilts, in the third of three frames alone.
    fn frames() -> Frames {
        let level = |frame: usize, bin: usize| match (frame, bin) {
            (2, 40) => 0.0,
            _ => -40.0 - 0.1 * bin as f32,
        };
        let data = (0..3).flat_map(|frame| (0..128).map(move |bin| level(frame, bin))).collect();
        Frames { data, num_frames: 3, num_channels: 128 }
    }

    fn changed(noisiness: f32) -> Frames {
        let mut frames = frames();
        set_noisiness(&mut frames, noisiness);
        frames
    }

    /// By which the tone stands out.
    fn height(frames: &Frames) -> f32 {
        frames.data[2 * 128 + 40] - frames.data[2 * 128 + 42]
    }

    #[test]
    fn the_noisier_the_less_a_tone_stands_out() {
        let heights = [0.0, 0.25, 0.5, 0.75, 1.0].map(|noisiness| height(&changed(noisiness)));
        assert!(heights.windows(2).all(|pair| pair[1] < pair[0] - 3.0), "{heights:?}");
        assert!((heights[0] / heights[2] - libm::exp2f(0.5)).abs() < 0.01, "{heights:?}");
    }

    #[test]
    fn frames_keep_their_power_and_the_middle_changes_nothing() {
        assert_eq!(changed(0.5).data, frames().data);
        for noisiness in [0.0, 0.9] {
            let powers = [frames(), changed(noisiness)].map(|f| f.data.chunks(128).map(power_db).collect::<Vec<_>>());
            let pairs = powers[0].iter().zip(&powers[1]);
            assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-3), "{powers:?}");
            // A floor that only tilts has nothing that stands out, but at its ends.
            assert!((changed(noisiness).data[60] - frames().data[60]).abs() < 0.2);
        }
    }

    #[test]
    fn a_few_bins_are_one_neighbourhood() {
        let mut means = [0.0; 3];
        neighbourhood(&[1.0, 2.0, 6.0], &mut means);
        assert_eq!(means, [3.0; 3]);
    }
}
