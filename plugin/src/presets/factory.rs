//! [`FactorySound`]: sounds that every build can make, one of each class of the embedded model.

use crate::engine::Place;
use crate::generation::{CLASSES, Kind, Order, Settings, Target};
use crate::state::FIRST_MODEL;

/// Which of the sounds of a class it is.
const SEED: u64 = 1;

/// One sound of the embedded model. The same build always makes the same one; another model, another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorySound {
    class: usize,
}

impl FactorySound {
    /// Every one that is listed.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CLASSES.len()).map(|class| Self { class })
    }

    /// The one of this key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::all().find(|sound| sound.key() == key)
    }

    /// Its key: hosts keep it in their lists, so it never changes.
    pub fn key(self) -> String {
        format!("{FIRST_MODEL}/{}/{SEED}", self.class())
    }

    /// Its name in a browser: "Closed hat".
    pub fn name(self) -> String {
        let mut name = self.class().replace('-', " ");
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
        let settings = Settings { class: Some(self.class), seed: Some(SEED), ..Settings::default() };
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
        assert_eq!(names.len(), CLASSES.len());
        assert!(FactorySound::all().all(|sound| FactorySound::of_key(&sound.key()) == Some(sound)));
        let hat = FactorySound::of_key("drums/closed-hat/1").unwrap();
        assert_eq!((hat.name(), hat.class()), ("Closed hat".into(), "closed-hat"));
    }

    #[test]
    fn a_key_of_no_sound_is_none() {
        for key in ["", "kick", "drums/kick/0", "drums/kick/01", "drums/kazoo/1", "notes/kick/1"] {
            assert_eq!(FactorySound::of_key(key), None, "{key}");
        }
    }
}
