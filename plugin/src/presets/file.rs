//! Files as presets: what they hold, and what a browser shows of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use brownian_core::audio::read_info;
use brownian_core::generate::{FileRecipe, Recipe};
use nice_plug::prelude::PluginState;

use super::instrument;
use crate::state::Take;

/// The files that are looked at, by extension, with what each of them is.
pub const EXTENSIONS: [(&str, &str); 3] = [
    ("wav", "A sound with its recipe"),
    ("flac", "A sound with its recipe"),
    (instrument::EXTENSION, "The whole instrument, sounds and settings"),
];

/// What a file holds.
#[derive(Debug)]
pub enum Preset {
    /// One sound.
    Sound(Arc<Take>),
    /// Everything, in the form of a host's project.
    Instrument(Box<PluginState>),
}

/// What a browser shows of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// What it is and what made it, as a line.
    pub description: String,
    /// Classes of its sounds and ids of their models.
    pub tags: BTreeSet<String>,
}

/// Reads a file: an instrument by its extension, anything else as a sound.
///
/// # Errors
/// The file cannot be read, or holds neither; the message names it.
pub fn open(path: &Path) -> Result<Preset, String> {
    if instrument::is_instrument(path) {
        return Ok(Preset::Instrument(Box::new(instrument::read(path)?.0)));
    }
    Ok(Preset::Sound(Arc::new(Take::open(path)?)))
}

/// Looks at a file without decoding its sound; `None` for a sound that Brownian did not write.
///
/// # Errors
/// The file cannot be read, or is neither an instrument nor a WAV or FLAC file; the message names it.
pub fn summary(path: &Path) -> Result<Option<Summary>, String> {
    if instrument::is_instrument(path) {
        return Ok(Some(of_instrument(&instrument::read(path)?.1)));
    }
    let info = read_info(path).map_err(|error| error.to_string())?;
    let recipe = info.comment.and_then(|comment| FileRecipe::from_json(&comment).ok());
    let is_ours = info.software.is_some_and(|software| software.starts_with("Brownian"));
    Ok(match recipe {
        Some(file) => Some(of_recipe(&file.recipe)),
        None if is_ours => Some(Summary { description: "A sound without a recipe".into(), ..Summary::default() }),
        None => None,
    })
}

fn of_recipe(recipe: &Recipe) -> Summary {
    let Recipe { class, model, seed, steps, .. } = recipe;
    let class_words = class.as_ref().map(|class| format!("{class}, ")).unwrap_or_default();
    let description = format!("{class_words}model {model}, seed {seed}, {steps} steps");
    Summary { description, tags: class.iter().chain([model]).cloned().collect() }
}

fn of_instrument(sounds: &[Arc<Take>]) -> Summary {
    let text = |take: &Arc<Take>, field| Some(take.recipe()?.get(field)?.as_str()?.to_owned());
    let tags = sounds.iter().flat_map(|take| [text(take, "class"), text(take, "model")]).flatten().collect();
    let plural = if sounds.len() == 1 { "" } else { "s" };
    Summary { description: format!("An instrument of {} sound{plural}", sounds.len()), tags }
}

#[cfg(test)]
mod tests {
    use brownian_core::audio::{Clip, WavFormat, WavInfo, wav_bytes};

    use super::*;
    use crate::engine::Place;
    use crate::generation::TemporaryFile;
    use crate::state::Patch;

    fn file(bytes: &[u8]) -> TemporaryFile {
        TemporaryFile::new(bytes).unwrap()
    }

    #[test]
    fn a_saved_sound_tells_what_made_it() {
        let wav = Patch::built_in().get(Place::Keys).unwrap().wav().unwrap();
        let summary = summary(file(&wav).path()).unwrap().unwrap();
        assert_eq!(summary.description, "kick, model drums, seed 1, 4 steps");
        assert_eq!(Vec::from_iter(summary.tags), ["drums", "kick"]);
    }

    #[test]
    fn a_sound_of_another_program_is_no_preset_and_one_of_ours_without_a_recipe_is() {
        let clip = Clip::mono(vec![0.5; 64], 44_100).unwrap();
        let wav = |software: &str| {
            let info = WavInfo { software: Some(software.into()), ..WavInfo::default() };
            file(&wav_bytes(&clip, WavFormat::Wav16, &info).unwrap())
        };
        assert_eq!(summary(wav("Rival 2").path()).unwrap(), None);
        let ours = summary(wav("Brownian 0.1.0").path()).unwrap().unwrap();
        assert_eq!(ours.description, "A sound without a recipe");
    }

    #[test]
    fn what_is_no_sound_is_refused_by_name() {
        for bytes in [&b""[..], b"RIFF", b"a text", &[0xFF; 100]] {
            let file = file(bytes);
            let name = file.path().display().to_string();
            assert!(summary(file.path()).is_err_and(|said| said.contains(&name)), "{bytes:?}");
            assert!(open(file.path()).is_err_and(|said| said.contains(&name)), "{bytes:?}");
        }
    }
}
