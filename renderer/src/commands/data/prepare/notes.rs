//! The `notes` recipe: pitched instruments of General MIDI SoundFonts, key by key.

use super::collect::{Found, listed, recordings};
use super::fluidsynth;
use super::hit::{SAMPLE_RATE, Ticket};
use super::midi::{MELODIC, Strike};
use super::soundfont::{Preset, read_presets};
use super::sources::{Kind, Source};
use anyhow::{Result, ensure};
use std::ops::RangeInclusive;
use std::path::Path;

/// Semitones between the keys that are struck; training fills the gaps by its variations of pitch.
const KEY_STEP: usize = 3;
/// Soft and hard: most instruments change their sample or filter in between.
const VELOCITIES: [u8; 2] = [56, 112];

/// A family of instruments: its General MIDI programs (counted from 0) and the keys that they are played on.
struct Family {
    class: &'static str,
    programs: RangeInclusive<u16>,
    keys: RangeInclusive<u8>,
}

const fn family(class: &'static str, programs: RangeInclusive<u16>, keys: RangeInclusive<u8>) -> Family {
    Family { class, programs, keys }
}

/// Level 1 of General MIDI, without sound effects and percussion, which have no pitch to ask for.
const FAMILIES: &[Family] = &[
    family("piano", 0..=7, 21..=96),
    family("mallets", 8..=14, 48..=96),
    family("organ", 16..=23, 33..=96),
    family("guitar", 24..=31, 40..=88),
    family("bass", 32..=39, 24..=60),
    family("strings", 40..=45, 31..=93),
    family("ensemble", 48..=54, 36..=91),
    family("brass", 56..=63, 34..=84),
    family("reed", 64..=71, 34..=88),
    family("pipe", 72..=79, 55..=96),
    family("lead", 80..=87, 36..=93),
    family("pad", 88..=95, 36..=91),
    family("plucked", 104..=108, 40..=88),
];

/// The classes of the recipe.
pub fn classes() -> Vec<&'static str> {
    FAMILIES.iter().map(|family| family.class).collect()
}

/// Where the notes are from: the same fonts as the drums, by their melodic bank.
pub fn sources() -> impl Iterator<Item = &'static Source> {
    super::sources::DRUMS.iter().filter(|source| source.kind == Kind::SoundFont)
}

/// Every note of the fonts of `source` below the folder `raw`.
///
/// # Errors
/// The source is missing, or cannot be read or played.
pub fn collect(raw: &Path, source: &'static Source) -> Result<Found> {
    let folder = raw.join(source.folder);
    ensure!(folder.is_dir(), "{} is missing; scripts/fetch-audio-data.sh downloads it", folder.display());
    let mut found = Found::default();
    for path in listed(&folder, &["sf2", "sf3"])? {
        let presets = read_presets(&path)?;
        let melodic = presets.iter().filter(|preset| preset.bank == 0);
        let (strikes, tickets): (Vec<_>, Vec<_>) = melodic.flat_map(|preset| tickets(preset, source)).unzip();
        fluidsynth::play(&path, &strikes, SAMPLE_RATE, |idx, channels| {
            found.redeem_mixed(&tickets[idx], &channels);
            Ok(())
        })?;
    }
    Ok(found)
}

/// What to strike on an instrument, and what each stroke will be.
fn tickets(preset: &Preset, source: &'static Source) -> Vec<(Strike, Ticket)> {
    let Some(family) = FAMILIES.iter().find(|family| family.programs.contains(&preset.program)) else {
        return Vec::new();
    };
    let keys = family.keys.clone().step_by(KEY_STEP);
    let strokes = keys.flat_map(|key| VELOCITIES.map(|velocity| (key, velocity)));
    let ticket = |(key, velocity)| {
        let zones: Vec<_> = preset.struck(key, velocity).collect();
        let recordings = recordings(&zones);
        let program = preset.program as u8;
        let ticket = Ticket {
            class: family.class,
            source,
            name: format!("{} p{program} k{key} v{velocity}", preset.name),
            origin: format!("preset 0:{program} {}, key {key}, velocity {velocity}", preset.name),
            pitch: Some(key),
            material: recordings.iter().map(|recording| format!("fluid/{recording}")).collect(),
        };
        (!zones.is_empty()).then_some((Strike { channel: MELODIC, program, key, velocity }, ticket))
    };
    strokes.filter_map(ticket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_neither_overlap_nor_leave_the_range_of_the_keyboard() {
        for (i, family) in FAMILIES.iter().enumerate() {
            assert!(*family.keys.start() >= 21 && *family.keys.end() <= 96, "{}", family.class);
            let apart = |other: &Family| other.programs.start() > family.programs.end();
            assert!(FAMILIES[i + 1..].iter().all(apart), "{}", family.class);
        }
    }

    #[test]
    fn an_instrument_is_struck_softly_and_hard_on_the_keys_that_it_has() {
        let source = sources().next().unwrap();
        let mut violin = Preset::kit(&[(31, "Violin G"), (34, "Violin G"), (35, "Violin A")]);
        (violin.bank, violin.program) = (0, 40);
        let struck: Vec<_> =
            tickets(&violin, source).into_iter().map(|(s, t)| (s.key, s.velocity, t.class, t.pitch)).collect();
        let expected =
            [(31, 56), (31, 112), (34, 56), (34, 112)].map(|(key, velocity)| (key, velocity, "strings", Some(key)));
        assert_eq!(struck, expected);
        violin.program = 120;
        assert!(tickets(&violin, source).is_empty());
    }
}
