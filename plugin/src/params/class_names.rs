//! [`ClassNames`]: what the classes of the model are called.

use std::sync::{Arc, PoisonError, RwLock};

use crate::generation::CLASSES;

/// The text of the value that leaves the class to the seed.
const ANY: &str = "any";

/// How a class without a name of its own is called: by its number.
const NUMBERED: &str = "class ";

/// Names of the classes of the model that new sounds come from: the embedded one's until the worker tells others. Shared
/// by the parameter, whose texts they are, the worker and the window; not for the audio thread.
///
/// Whatever the names, the text of a value means that value: a name that means another value already, or twice, gives way
/// to the number, which is always understood.
#[derive(Debug, Clone)]
pub struct ClassNames(Arc<RwLock<Vec<String>>>);

impl Default for ClassNames {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(CLASSES.map(Into::into).into())))
    }
}

impl ClassNames {
    /// Takes the names of another model, in the order of its classes.
    pub fn set(&self, names: Vec<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// How many classes the model has.
    pub fn count(&self) -> usize {
        self.with(<[String]>::len)
    }

    /// The text of a value of the parameter: 0 is any, then come the classes.
    pub(super) fn text(&self, value: i32) -> String {
        let Some(class) = usize::try_from(value).unwrap_or(0).checked_sub(1) else { return ANY.into() };
        let name =
            self.with(|names| names.get(class).filter(|name| is_plain(name) && first(names, name) == class).cloned());
        name.unwrap_or_else(|| format!("{NUMBERED}{value}"))
    }

    /// The value that a text means, up to `max`.
    pub(super) fn value(&self, text: &str, max: i32) -> Option<i32> {
        let text = text.trim();
        if text == ANY {
            return Some(0);
        }
        if let Some(number) = text.strip_prefix(NUMBERED) {
            return number.parse().ok().filter(|number| (1..=max).contains(number));
        }
        let class = self.with(|names| names.iter().position(|name| name == text));
        class.map(|class| class as i32 + 1).filter(|&value| value <= max)
    }

    fn with<R>(&self, look: impl FnOnce(&[String]) -> R) -> R {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether a name survives as a text that is trimmed, and means nothing else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && name != ANY && !name.starts_with(NUMBERED)
}

fn first(names: &[String], name: &str) -> usize {
    names.iter().position(|other| other == name).unwrap_or(names.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: i32 = 32;

    #[test]
    fn the_embedded_models_names_come_first_and_numbers_after_them() {
        let names = ClassNames::default();
        assert_eq!([0, 1, 11, 12].map(|value| names.text(value)), ["any", "clap", "tom", "class 12"]);
        assert_eq!(
            ["kick", " snare ", "class 5", "class 32"].map(|text| names.value(text, MAX)),
            [5, 10, 5, 32].map(Some)
        );
        assert_eq!(["kazoo", "class 33", "class 0", "class x", ""].map(|text| names.value(text, MAX)), [None; 5]);
    }

    #[test]
    fn whatever_a_model_calls_its_classes_every_text_means_its_value() {
        let names = ClassNames::default();
        let odd = ["any", "bell", "class 1", "bell", " gong ", "", "class", "5", "\u{1F514}"];
        names.set(odd.map(Into::into).into());
        assert_eq!((names.text(2), names.text(4), names.count()), ("bell".into(), "class 4".into(), 9));
        for value in 0..=MAX {
            assert_eq!(names.value(&names.text(value), MAX), Some(value), "{}", names.text(value));
        }
    }
}
