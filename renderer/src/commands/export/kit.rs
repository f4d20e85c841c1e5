//! A drum kit: classes on the keys of General MIDI's drum map.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::Sound;
use super::zone::Zone;

/// Keys of General MIDI's percussion for the words that classes contain; several keys are filled in turn. The first row
/// that fits counts.
const KEYS: [(&[&str], &[u8]); 22] = [
    (&["pedal", "hat"], &[44]),
    (&["open", "hat"], &[46]),
    (&["hat"], &[42]),
    (&["kick"], &[36]),
    (&["bass", "drum"], &[36]),
    (&["snare"], &[38]),
    (&["rim"], &[37]),
    (&["stick"], &[37]),
    (&["clap"], &[39]),
    (&["tom"], &[45, 48, 43, 50, 41, 47]),
    (&["crash"], &[49, 57]),
    (&["splash"], &[55]),
    (&["china"], &[52]),
    (&["ride"], &[51, 59]),
    (&["tamb"], &[54]),
    (&["cowbell"], &[56]),
    (&["bongo"], &[60, 61]),
    (&["conga"], &[63, 64]),
    (&["shaker"], &[70]),
    (&["clave"], &[75]),
    (&["block"], &[76, 77]),
    (&["triangle"], &[81]),
];
/// Hats, of which one sounds at a time.
const HATS: [u8; 3] = [42, 44, 46];
/// Where classes go that the drum map does not know.
const FIRST_FREE: u8 = 82;

/// A key or a few for each class; sounds that share a key take turns.
///
/// # Errors
/// More unknown classes than there are keys.
pub fn zones(sounds: &[Sound]) -> Result<Vec<Zone>> {
    let mut by_key: BTreeMap<u8, Vec<&Sound>> = BTreeMap::new();
    let mut by_class: BTreeMap<&str, Vec<&Sound>> = BTreeMap::new();
    for sound in sounds {
        by_class.entry(&sound.class).or_default().push(sound);
    }
    let mut free = FIRST_FREE..=127;
    for (class, sounds) in by_class {
        let own;
        let keys = match keys(class) {
            Some(keys) => keys,
            None => {
                let key = free.next();
                ensure!(key.is_some(), "more than {} classes that General MIDI does not know", 128 - FIRST_FREE);
                own = [key.unwrap_or(127)];
                &own[..]
            }
        };
        for (sound, &key) in sounds.into_iter().zip(keys.iter().cycle()) {
            by_key.entry(key).or_default().push(sound);
        }
    }
    Ok(by_key.into_iter().flat_map(|(key, sounds)| on_key(key, &sounds)).collect())
}

fn keys(class: &str) -> Option<&'static [u8]> {
    let class = class.to_lowercase();
    let fits = |words: &[&str]| words.iter().all(|word| class.contains(word));
    KEYS.iter().find(|(words, _)| fits(words)).map(|(_, keys)| *keys)
}

fn on_key(key: u8, sounds: &[&Sound]) -> Vec<Zone> {
    let group = HATS.contains(&key).then_some(1);
    let zone = |(n, sound): (usize, &&Sound)| Zone {
        // A drum plays once, however long its key is held.
        sound: Sound { loop_frames: None, ..(*sound).clone() },
        low_key: key,
        high_key: key,
        root: None,
        turn: (n + 1, sounds.len()),
        group,
    };
    sounds.iter().enumerate().map(zone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(class: &str) -> Sound {
        Sound { path: format!("{class}.wav"), class: class.into(), pitch: None, loop_frames: None }
    }

    fn key_of(class: &str) -> u8 {
        zones(&[sound(class)]).unwrap()[0].low_key
    }

    #[test]
    fn classes_lie_on_their_keys_of_the_drum_map() {
        for (class, key) in
            [("kick", 36), ("snare", 38), ("closed-hat", 42), ("open-hat", 46), ("rim", 37), ("Ride", 51)]
        {
            assert_eq!(key_of(class), key, "{class}");
        }
        assert_eq!(key_of("perc"), FIRST_FREE);
    }

    #[test]
    fn sounds_of_a_class_take_turns_toms_share_their_keys_and_hats_end_each_other() {
        let zones = zones(&["kick", "kick", "tom", "tom", "open-hat", "foo", "bar"].map(sound)).unwrap();
        let seen: Vec<_> = zones.iter().map(|zone| (zone.low_key, zone.turn, zone.group)).collect();
        let want = [
            (36, (1, 2), None),
            (36, (2, 2), None),
            (45, (1, 1), None),
            (46, (1, 1), Some(1)),
            (48, (1, 1), None),
            (82, (1, 1), None),
            (83, (1, 1), None),
        ];
        assert_eq!(seen, want);
    }
}
