//! An instrument: sounds by their pitch over all keys.

use anyhow::{Context, Result};

use super::Sound;
use super::zone::Zone;

/// Each sound from half way to the sound below to half way to the sound above; the outermost reach the ends.
///
/// # Errors
/// A sound without a pitch, by name.
pub fn zones(sounds: &[Sound]) -> Result<Vec<Zone>> {
    let mut placed = Vec::with_capacity(sounds.len());
    for sound in sounds {
        let pitch = sound.pitch.with_context(|| {
            format!("{} tells no pitch; render with --pitch, or use `brownian export kit`", sound.path)
        })?;
        placed.push((pitch, sound));
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut pitches: Vec<f32> = placed.iter().map(|(pitch, _)| *pitch).collect();
    pitches.dedup();
    let mut zones = Vec::with_capacity(sounds.len());
    for (n, &pitch) in pitches.iter().enumerate() {
        // Pitches lie in 0..=127, and so do all keys.
        let low_key = if n == 0 { 0 } else { border(pitches[n - 1], pitch) + 1 };
        let high_key = pitches.get(n + 1).map_or(127, |&above| border(pitch, above));
        let here: Vec<&Sound> = placed.iter().filter(|(at, _)| *at == pitch).map(|(_, sound)| *sound).collect();
        for (turn, sound) in here.iter().enumerate() {
            let turn = (turn + 1, here.len());
            zones.push(Zone { sound: (*sound).clone(), low_key, high_key, root: Some(pitch), turn, group: None });
        }
    }
    // Two pitches nearer than a key leave none for one of them.
    zones.retain(|zone| zone.low_key <= zone.high_key);
    Ok(zones)
}

/// The last key that belongs to the lower of two pitches: shifting up sounds better than shifting down.
fn border(low: f32, high: f32) -> u8 {
    (low + (high - low) / 2.0).floor().clamp(0.0, 126.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(pitch: Option<f32>) -> Sound {
        Sound { path: "a.wav".into(), class: "a".into(), pitch, loop_frames: Some((0, 10)) }
    }

    #[test]
    fn every_key_plays_the_sound_whose_pitch_is_nearest() {
        let zones = zones(&[60.0, 48.0, 48.0, 72.5].map(|pitch| sound(Some(pitch)))).unwrap();
        let seen: Vec<_> = zones.iter().map(|zone| (zone.low_key, zone.high_key, zone.turn)).collect();
        assert_eq!(seen, [(0, 54, (1, 2)), (0, 54, (2, 2)), (55, 66, (1, 1)), (67, 127, (1, 1))]);
        assert_eq!(zones[3].root, Some(72.5));
        assert_eq!(zones[0].sound.loop_frames, Some((0, 10)));
    }

    #[test]
    fn a_sound_without_a_pitch_is_named() {
        let error = zones(&[sound(None)]).unwrap_err().to_string();
        assert!(error.contains("a.wav") && error.contains("--pitch"), "{error}");
    }
}
