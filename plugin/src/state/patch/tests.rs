use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brownian_core::audio::Clip;

use super::*;
use crate::state::place_at;

/// The first version: one kick of 2 ms on pad 3, as this program rendered it. Never changes.
const VERSION_1: &str = include_str!("version_1.json");

/// The second version: the same sound, twice in the history, among the favourites and in slot B. Never changes.
const VERSION_2: &str = include_str!("version_2.json");

fn take(seed: u64) -> Take {
    let samples = (0..64).map(|n| n as f32 / 64.0 - 0.5).collect();
    let plain = Take::from_clip(&Clip::mono(samples, 44_100).unwrap(), None).unwrap();
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

/// What another decoder (ffmpeg) reads out of the frozen file, in steps of 24 bits.
fn assert_frozen(take: &Take) {
    let steps: Vec<i32> = take.sound().samples(0).iter().map(|sample| (sample * 8_388_608.0) as i32).collect();
    assert_eq!(steps[..6], [3171890, 6435724, 6477520, 4638953, 3386221, 3832588]);
    assert_eq!((steps.len(), steps.iter().sum::<i32>()), (88, -169_899_390));
    assert_eq!(take.sound().sample_rate(), 44_100.0);
    assert_eq!(take.seed(), Some(18_446_744_073_709_551_615));
}

#[test]
fn the_frozen_state_of_version_1_still_loads() {
    let patch = Patch::from_json(&serde_json::from_str(VERSION_1).unwrap()).unwrap();
    assert_frozen(patch.get(Place::Pad(2)).unwrap());
    assert!(patch.get(Place::Keys).is_none());
    assert_eq!((patch.history(Place::Pad(2)).1, patch.favourites().len(), patch.model()), (Some(0), 0, "drums"));
}

#[test]
fn the_frozen_state_of_version_2_still_loads() {
    let mut patch = Patch::from_json(&serde_json::from_str(VERSION_2).unwrap()).unwrap();
    assert_frozen(patch.get(Place::Pad(2)).unwrap());
    let same = |take: &Arc<Take>| Arc::ptr_eq(take, patch.get(Place::Pad(2)).unwrap());
    assert!(patch.favourites().iter().all(same) && patch.slots()[1].as_ref().is_some_and(same));
    assert!(patch.slots()[0].is_none() && patch.favourites().len() == 1);
    assert!(patch.redo(Place::Pad(2)) && !patch.redo(Place::Pad(2)));
}

#[test]
fn a_version_1_becomes_the_newest_when_it_is_saved() {
    let patch = Patch::from_json(&serde_json::from_str(VERSION_1).unwrap()).unwrap();
    let state = patch.to_json();
    assert_eq!(state["version"], STATE_VERSION);
    let back = Patch::from_json(&state).unwrap();
    let (old, new) = (patch.get(Place::Pad(2)).unwrap(), back.get(Place::Pad(2)).unwrap());
    assert_eq!((old.flac(), old.recipe()), (new.flac(), new.recipe()));
}

#[test]
fn what_is_written_today_is_the_frozen_form() {
    let mut patch = Patch::default();
    let take = Arc::new(take(u64::MAX));
    patch.put(Place::Pad(2), Some(take.clone()));
    patch.put(Place::Pad(2), Some(take.clone()));
    patch.undo(Place::Pad(2));
    patch.favour(take);
    patch.set_slot(1, Place::Pad(2));
    let frozen: Value = serde_json::from_str(VERSION_2).unwrap();
    // The encoder may change its bytes one day; fields and names may not.
    let without_sound = |state: &Value| {
        let mut state = state.clone();
        let take = state["takes"][0].as_object_mut().unwrap();
        take.values_mut().for_each(|value| *value = Value::Null);
        state
    };
    assert_eq!(without_sound(&patch.to_json()), without_sound(&frozen));
}

#[test]
fn history_favourites_slots_and_model_come_back() {
    let mut patch = full();
    let kept = Arc::new(take(5));
    patch.put(Place::Keys, Some(kept.clone()));
    patch.put(Place::Keys, Some(Arc::new(take(6))));
    patch.undo(Place::Keys);
    patch.favour(kept.clone());
    patch.set_slot(0, Place::Keys);
    patch.set_model("mine".into());
    let state = patch.to_json();
    // A sound that stands in several lists is written once.
    assert_eq!(state["takes"].as_array().unwrap().len(), NUM_PLACES + 2);
    let back = Patch::from_json(&state).unwrap();
    let (takes, current) = back.history(Place::Keys);
    assert_eq!(takes.iter().map(|take| take.seed()).collect::<Vec<_>>(), [Some(u64::MAX), Some(5), Some(6)]);
    assert_eq!((current, back.model()), (Some(1), "mine"));
    let shared = [&back.favourites()[0], back.slots()[0].as_ref().unwrap()];
    assert!(shared.iter().all(|take| Arc::ptr_eq(take, &takes[1])));
    assert_eq!(back.to_json(), state);
}

#[test]
fn the_oldest_favourite_goes_when_there_are_too_many() {
    let mut patch = Patch::default();
    let all: Vec<_> = (0..super::NUM_FAVOURITES as u64 + 1).map(|seed| Arc::new(take(seed))).collect();
    all.iter().for_each(|take| patch.favour(take.clone()));
    patch.favour(all[3].clone());
    assert_eq!((patch.favourites().len(), patch.favourites()[0].seed()), (super::NUM_FAVOURITES, Some(1)));
    patch.unfavour(0);
    patch.unfavour(1000);
    assert_eq!(patch.favourites()[0].seed(), Some(2));
}

#[test]
fn damaged_base64_names_the_place() {
    let said = message(|state| state["takes"][3]["flac"] = "@@@@".into());
    assert!(said.contains("sound of number 3 cannot be read") && said.contains("built-in"), "{said}");
}

#[test]
fn audio_cut_anywhere_is_refused() {
    let flac = take(1).flac().to_vec();
    for len in 0..flac.len() {
        let said = message(|state| state["takes"][0]["flac"] = STANDARD.encode(&flac[..len]).into());
        assert!(said.contains("sound of number 0 cannot be read"), "{len} bytes: {said}");
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
    assert!(message(|state| state["version"] = 3.into()).contains("version 3; this build reads versions 1 to 2"));
    assert!(message(|state| state["version"] = "1".into()).contains("version \"1\""));
    assert!(message(|state| *state = serde_json::json!({})).contains("version null"));
}

#[test]
fn foreign_states_are_refused() {
    for foreign in [Value::Null, 7.into(), "text".into(), serde_json::json!([1, 2])] {
        assert!(matches!(Patch::from_json(&foreign), Err(StateError::Missing)), "{foreign}");
    }
    assert!(message(|state| state["colour"] = 1.into()).contains("unknown field `colour`"));
    assert!(message(|state| state["takes"] = 1.into()).contains("invalid type"));
    assert!(message(|state| state["places"][1]["place"] = "keys".into()).contains("sound for \"keys\""));
    assert!(message(|state| state["places"][1]["place"] = "pad-17".into()).contains("sound for \"pad-17\""));
    let lists = [("places", "pad-1"), ("favourites", "favourite"), ("slots", "slot")];
    for (list, what) in lists {
        let said = message(|state| match list {
            "places" => state[list][1]["takes"][0] = 99.into(),
            "favourites" => state[list] = serde_json::json!([99]),
            _ => state[list] = serde_json::json!([99, null]),
        });
        assert!(said.contains(&format!("{what} means sound 99, of 17")), "{said}");
    }
    assert!(message(|state| state["places"][1]["current"] = 1.into()).contains("pad-1 means sound 1"));
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

#[test]
fn the_built_in_sound_has_the_recipe_of_its_file() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/kick.wav");
    let recipe = brownian_core::generate::FileRecipe::read(&path).unwrap().to_json();
    let patch = Patch::built_in();
    let kept = patch.get(Place::Keys).unwrap().recipe().unwrap();
    assert_eq!(*kept, serde_json::from_str::<Value>(&recipe).unwrap());
}
