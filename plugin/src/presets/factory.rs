//! [`FactorySound`]: sounds that every build can make, by class and seed of the embedded model.

use crate::engine::Place;
use crate::generation::{CLASSES, Kind, Order, Settings, Target};
use crate::state::FIRST_MODEL;

/// How many sounds of each class are listed; the seeds count from 1.
const NUM_SEEDS: u64 = 4;

/// One sound of the embedded model. The same build always makes the same one; another model, another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorySound {
    class: usize,
    seed: u64,
}

impl FactorySound {
    /// Every one that is listed.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CLASSES.len()).flat_map(|class| (1..=NUM_SEEDS).map(move |seed| Self { class, seed }))
    }

    /// The one of this key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::all().find(|sound| sound.key() == key)
    }

    /// Its key: hosts keep it in their lists, so it never changes.
    pub fn key(self) -> String {
        format!("{FIRST_MODEL}/{}/{}", self.class(), self.seed)
    }

    /// Its name in a browser: "Closed hat 3".
    pub fn name(self) -> String {
        let mut name = format!("{} {}", self.class().replace('-', " "), self.seed);
        // Names of classes are ASCII.
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        name
    }

    /// The class of the embedded model.
    pub fn class(self) -> &'static str {
        CLASSES[self.class]
    }

    /// What makes it, on the keyboard.
    pub fn order(self) -> Order {
        let settings = Settings { class: Some(self.class), seed: Some(self.seed), ..Settings::default() };
        Order { target: Target::One(Place::Keys), kind: Kind::Roll, settings }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_sound_is_found_again_by_its_key_and_has_a_name_of_its_own() {
        let names: HashSet<_> = FactorySound::all().map(FactorySound::name).collect();
        assert_eq!(names.len(), NUM_SEEDS as usize * CLASSES.len());
        assert!(FactorySound::all().all(|sound| FactorySound::of_key(&sound.key()) == Some(sound)));
        let hat = FactorySound::of_key("drums/closed-hat/3").unwrap();
        assert_eq!((hat.name(), hat.class()), ("Closed hat 3".into(), "closed-hat"));
    }

    #[test]
    fn a_key_of_no_sound_is_none() {
        for key in ["", "kick", "drums/kick/0", "drums/kick/5", "drums/kick/01", "drums/kazoo/1", "notes/kick/1"] {
            assert_eq!(FactorySound::of_key(key), None, "{key}");
        }
    }
}
