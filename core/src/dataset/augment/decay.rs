//! Making a sound ring longer or shorter.

use super::ONSET;
use crate::audio::Envelope;

/// Stretch (`factor` above 1) or shorten the decay of `sound`, through an exponential gain from the onset on.
///
/// An exponential decay takes `factor` times as long, down to `40 / factor` dB. A growing gain stops where the sound
/// had been 40 dB down: its noise floor rises by 15 dB at most for a factor of 1.6.
pub(super) fn reshape(sound: &mut [f32], factor: f32, sample_rate: u32) {
    let decay = Envelope::new(sound, sample_rate).decay_s() * f64::from(sample_rate);
    if factor == 1.0 || decay < 1.0 {
        return;
    }
    // 40 dB are a hundredth: over `decay` samples, exp(-4.6); the new slope less the old one.
    let slope = 100f64.ln() / decay * (1.0 - 1.0 / f64::from(factor));
    let step = slope.exp() as f32;
    let end = (ONSET + decay as usize).min(sound.len());
    let mut gain = 1.0;
    for (i, x) in sound.iter_mut().enumerate().skip(ONSET) {
        // A gain below 1 may go on falling; one above stays where the sound was 40 dB down.
        if i < end || step < 1.0 {
            gain *= step;
        }
        *x *= gain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_takes_the_factor_times_its_decay() {
        for factor in [0.5f32, 0.8, 1.25, 2.0] {
            let t = |i: usize| i.saturating_sub(ONSET) as f32 / 44_100.0;
            let mut sound: Vec<f32> =
                (0..44_100).map(|i| (-4.605 * t(i) / 0.25).exp() * (2764.6 * t(i)).sin()).collect();
            reshape(&mut sound, factor, 44_100);
            let decay_s = Envelope::new(&sound, 44_100).decay_s() as f32;
            // A sound that is drawn out falls at its old pace again after 0.25 s: 40/factor dB down by then.
            let want = if factor <= 1.0 { 0.25 * factor } else { 0.25 * (2.0 - 1.0 / factor) };
            assert!((decay_s - want).abs() < 0.025, "{decay_s} for {factor}, not {want}");
        }
    }

    #[test]
    fn silence_stays_silent() {
        let mut sound = vec![0.0; 4096];
        reshape(&mut sound, 1.6, 44_100);
        assert!(sound.iter().all(|x| *x == 0.0));
    }
}
