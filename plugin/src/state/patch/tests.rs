use brownian_core::audio::Clip;

use super::*;

/// The first version: one kick of 2 ms on pad 3, as this program rendered it. Never changes.
const VERSION_1: &str = include_str!("version_1.json");

fn take(seed: u64) -> Take {
    let samples = (0..64).map(|n| n as f32 / 64.0 - 0.5).collect();
    let plain = Take::from_clip(&Clip::mono(samples, 44_100).unwrap()).unwrap();
    Take::from_flac(plain.flac().into(), Some(serde_json::json!({ "seed": seed, "class": "kick" }))).unwrap()
}

fn full() -> Patch {
    let mut patch = Patch::default();
    for index in 0..NUM_PLACES {
        patch.put(place_at(index), Some(Arc::new(take(u64::MAX - index as u64))));
    }
    patch
}

/// One sound of the state changed by `change`, and what is said about it.
fn message(change: impl FnOnce(&mut Value)) -> String {
    let mut state = full().to_json();
    change(&mut state);
    Patch::from_json(&state).unwrap_err().to_string()
}

#[test]
fn every_sound_recipe_and_seed_comes_back_to_the_bit() {
    let patch = full();
    // Through text, as a host stores it.
    let text = patch.to_json().to_string();
    let back = Patch::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
    for index in 0..NUM_PLACES {
        let (old, new) = (patch.get(place_at(index)).unwrap(), back.get(place_at(index)).unwrap());
        assert_eq!(old.sound(), new.sound());
        assert_eq!((old.flac(), old.recipe()), (new.flac(), new.recipe()));
        assert_eq!(new.seed(), Some(u64::MAX - index as u64));
    }
    assert_eq!(back.to_json().to_string(), text);
}

#[test]
fn empty_places_stay_empty() {
    let mut patch = full();
    patch.put(Place::Keys, None);
    patch.put(Place::Pad(7), None);
    let back = Patch::from_json(&patch.to_json()).unwrap();
    assert!(back.get(Place::Keys).is_none() && back.get(Place::Pad(7)).is_none());
    assert!(back.get(Place::Pad(8)).is_some());
}

#[test]
fn the_frozen_state_of_version_1_still_loads() {
    let patch = Patch::from_json(&serde_json::from_str(VERSION_1).unwrap()).unwrap();
    let take = patch.get(Place::Pad(2)).unwrap();
    // What another decoder (ffmpeg) reads out of the same file, in steps of 24 bits.
    let steps: Vec<i32> = take.sound().samples(0).iter().map(|sample| (sample * 8_388_608.0) as i32).collect();
    assert_eq!(steps[..6], [3171890, 6435724, 6477520, 4638953, 3386221, 3832588]);
    assert_eq!((steps.len(), steps.iter().sum::<i32>()), (88, -169_899_390));
    assert_eq!(take.sound().sample_rate(), 44_100.0);
    assert_eq!(take.seed(), Some(18_446_744_073_709_551_615));
    assert!(patch.get(Place::Keys).is_none());
}

#[test]
fn what_is_written_today_is_the_frozen_form() {
    let mut patch = Patch::default();
    patch.put(Place::Pad(2), Some(Arc::new(take(u64::MAX))));
    let frozen: Value = serde_json::from_str(VERSION_1).unwrap();
    // The encoder may change its bytes one day; fields and names may not.
    let fields = |state: &Value| {
        let sound = state["sounds"][0].as_object().unwrap();
        (state["version"].clone(), sound["place"].clone(), sound.keys().cloned().collect::<Vec<_>>())
    };
    assert_eq!(fields(&patch.to_json()), fields(&frozen));
}

#[test]
fn damaged_base64_names_the_place() {
    let said = message(|state| state["sounds"][3]["flac"] = "@@@@".into());
    assert!(said.contains("sound of pad-3 cannot be read") && said.contains("built-in"), "{said}");
}

#[test]
fn audio_cut_anywhere_is_refused() {
    let flac = take(1).flac().to_vec();
    for len in 0..flac.len() {
        let said = message(|state| state["sounds"][0]["flac"] = STANDARD.encode(&flac[..len]).into());
        assert!(said.contains("sound of keys cannot be read"), "{len} bytes: {said}");
    }
}

#[test]
fn no_changed_byte_panics() {
    let flac = take(1).flac().to_vec();
    for index in 0..flac.len() {
        let mut damaged = flac.clone();
        damaged[index] ^= 0xFF;
        // A text in a comment may differ and still be sound; all that counts is that someone answers.
        let _ = Take::from_flac(damaged.into(), None);
    }
}

#[test]
fn another_version_is_refused_by_its_number() {
    assert!(message(|state| state["version"] = 2.into()).contains("version 2; this build reads version 1"));
    assert!(message(|state| state["version"] = "1".into()).contains("version \"1\""));
    assert!(message(|state| *state = serde_json::json!({})).contains("version null"));
}

#[test]
fn foreign_states_are_refused() {
    for foreign in [Value::Null, 7.into(), "text".into(), serde_json::json!([1, 2])] {
        assert!(matches!(Patch::from_json(&foreign), Err(StateError::Missing)), "{foreign}");
    }
    assert!(message(|state| state["colour"] = 1.into()).contains("unknown field `colour`"));
    assert!(message(|state| state["sounds"] = 1.into()).contains("invalid type"));
    assert!(message(|state| state["sounds"][1]["place"] = "keys".into()).contains("sound for \"keys\""));
    assert!(message(|state| state["sounds"][1]["place"] = "pad-17".into()).contains("sound for \"pad-17\""));
}

#[test]
fn the_built_in_patch_is_a_kick_that_is_heard() {
    let patch = Patch::built_in();
    for place in [Place::Keys, Place::Pad(0)] {
        let sound = patch.get(place).unwrap().sound();
        let peak = sound.samples(0).iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.1..=1.0).contains(&peak), "peak {peak}");
    }
    assert!(patch.get(Place::Pad(1)).is_none());
}
