//! A softer start.

use super::ONSET;

/// Let `sound` rise from its onset over `rise_s` seconds, by half a raised cosine.
pub(super) fn soften(sound: &mut [f32], rise_s: f32, sample_rate: u32) {
    let rise = (rise_s * sample_rate as f32) as usize;
    for (i, x) in sound.iter_mut().skip(ONSET).take(rise).enumerate() {
        *x *= 0.5 - 0.5 * (std::f32::consts::PI * i as f32 / rise as f32).cos();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Envelope;

    #[test]
    fn a_steady_tone_takes_the_longer_to_rise() {
        let attack_s = |rise_s: f32| {
            let tone = |i: usize| (0.0627 * i as f32).sin();
            let mut sound: Vec<f32> = (0..8192).map(|i| if i < ONSET { 0.0 } else { tone(i) }).collect();
            soften(&mut sound, rise_s, 44_100);
            Envelope::new(&sound, 44_100).attack_s() as f32
        };
        // From a tenth to 0.708 of the amplitude is 0.43 of half a raised cosine; the meter's window adds up to 3 ms.
        for rise_s in [0.01, 0.02, 0.04] {
            assert!((attack_s(rise_s) - 0.431 * rise_s).abs() < 0.003, "{} for {rise_s}", attack_s(rise_s));
        }
        assert!(attack_s(0.0) < 0.003);
    }
}
