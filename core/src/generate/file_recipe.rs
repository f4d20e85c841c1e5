//! [`FileRecipe`]: a file that tells how it was made.

use std::ops::Range;
use std::path::Path;

use serde::Serialize;

use super::dither::dither;
use super::finish::{FileFormat, Finish};
use super::recipe::Recipe;
use super::shaping::Sustain;
use crate::audio::{self, Clip, Instrument, WavFormat, WavInfo};
use crate::error::{GenerateError, Result};

/// What a file's comment holds: the recipe of the sound, and beside it under `output` what was done to it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRecipe {
    /// What the model made.
    pub recipe: Recipe,
    /// How it became a file.
    pub finish: Finish,
}

impl FileRecipe {
    /// Check how the sound becomes a file, and that it fits the sound.
    ///
    /// # Errors
    /// As [`Finish::validate`]; what would break a loop.
    pub fn validate(&self) -> Result<(), GenerateError> {
        self.finish.validate()?;
        if self.recipe.edit.width.is_some() && self.finish.channels == 1 {
            let (field, need) = ("number of channels", "2 for a sound with a width (or leave the width out)");
            return Err(GenerateError::OutOfRange { field: field.into(), found: "1".into(), need: need.into() });
        }
        let Some(breaks) = self.finish.shaping.breaks_loops().filter(|_| self.recipe.looped.is_some()) else {
            return Ok(());
        };
        let need = "a whole loop (leave it out, or render no loop)".to_owned();
        Err(GenerateError::OutOfRange { field: breaks.to_owned(), found: "asked for with a loop".to_owned(), need })
    }

    /// The clip as the file will hold it, before rounding to its sample format; a loop stays one. A sustain loop to be found is
    /// then part of this recipe.
    ///
    /// # Errors
    /// As [`Finish::apply`].
    pub fn finish(&mut self, clip: &Clip) -> Result<Clip> {
        let Recipe { looped, duration_s, .. } = self.recipe;
        match looped {
            None => self.finish.apply(clip),
            Some(looped) => self.finish.apply_with(clip, |clip, hz| looped.at_rate(clip, duration_s, hz)),
        }
    }

    /// The bytes of the file of a finished clip. The same recipe and clip give the same bytes.
    ///
    /// # Errors
    /// A sample that is not finite, or more than the format holds.
    pub fn file(&self, clip: &Clip) -> Result<Vec<u8>> {
        let held = self.finish.shaping.sustain.and_then(Sustain::frames);
        let info = self.info(self.recipe.looped.map(|_| 0..clip.num_frames()).or(held));
        match self.finish.format {
            FileFormat::Wav16 if self.finish.dither => {
                let mut clip = clip.clone();
                dither(&mut clip, 16, self.recipe.seed);
                audio::wav_bytes(&clip, WavFormat::Wav16, &info)
            }
            FileFormat::Wav16 => audio::wav_bytes(clip, WavFormat::Wav16, &info),
            FileFormat::Wav24 => audio::wav_bytes(clip, WavFormat::Wav24, &info),
            FileFormat::Wav32f => audio::wav_bytes(clip, WavFormat::Wav32f, &info),
            FileFormat::Flac => audio::flac_bytes(clip, &info),
        }
    }

    /// What the file tells; of a loop, which frames repeat.
    pub(super) fn info(&self, loop_frames: Option<Range<usize>>) -> WavInfo {
        let Recipe { class, model, seed, pitch, looped, .. } = &self.recipe;
        WavInfo {
            title: Some(format!("{} {seed}", class.as_ref().unwrap_or(model))),
            comment: Some(self.to_json()),
            // A pitch lies in 0..=127.
            root_key: pitch.map(|pitch| pitch.round() as u8),
            instrument: pitch.map(|pitch| Instrument::everywhere(pitch.round() as u8)),
            one_shot: loop_frames.is_none(),
            // A minute at most.
            loop_frames: loop_frames.map(|frames| (frames.start as u32, frames.end as u32)),
            tempo_bpm: looped.and_then(|looped| looped.tempo).map(|tempo| tempo.bpm as f32),
            ..WavInfo::default()
        }
    }

    /// The recipe that a file's comment holds.
    ///
    /// # Errors
    /// The file cannot be read, is no WAV or FLAC, or holds no recipe of ours; each names the file.
    pub fn read(path: &Path) -> Result<Self> {
        let comment = audio::read_info(path)?.comment.ok_or(GenerateError::NoRecipe);
        let recipe = comment.and_then(|comment| Self::from_json(&comment));
        Ok(recipe.map_err(|source| GenerateError::InFile { path: path.to_owned(), source: Box::new(source) })?)
    }

    /// The recipe as one line of JSON, what was done to the sound in its field `output`.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Comment<'a> {
            #[serde(flatten)]
            recipe: &'a Recipe,
            output: &'a Finish,
        }
        // As for a recipe alone: enum keys and finite numbers always serialise.
        serde_json::to_string(&Comment { recipe: &self.recipe, output: &self.finish }).unwrap_or_default()
    }

    /// Read back what [`FileRecipe::to_json`] wrote.
    ///
    /// # Errors
    /// No recipe, of another version, or a field missing, unknown or out of range.
    pub fn from_json(json: &str) -> Result<Self, GenerateError> {
        let value = serde_json::from_str::<serde_json::Value>(json).ok();
        let Some(serde_json::Value::Object(mut fields)) = value else { return Err(GenerateError::NoRecipe) };
        let unreadable = |reason: String| GenerateError::Recipe { reason };
        let output = fields.remove("output").ok_or_else(|| unreadable("missing field `output`".to_owned()))?;
        let recipe = Recipe::from_json(&serde_json::Value::Object(fields).to_string())?;
        let finish: Finish = serde_json::from_value(output).map_err(|e| unreadable(format!("`output`: {e}")))?;
        let recipe = Self { recipe, finish };
        recipe.validate().map_err(|e| unreadable(format!("`output`: {e}")))?;
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::super::finish::Level;
    use super::super::shaping::Shaping;
    use super::*;
    use crate::diffusion::Sampler;

    fn file_recipe() -> FileRecipe {
        let recipe = Recipe {
            version: 1,
            model: "drums".into(),
            model_hash: "ab".repeat(32),
            seed: 42,
            class: Some("kick".into()),
            attributes: Default::default(),
            pitch: None,
            steps: 16,
            sampler: Sampler::DpmPp2m,
            guidance: 1.5,
            duration_s: 0.743039,
            looped: None,
            edit: Default::default(),
        };
        let finish = Finish { level: Level::Lufs(-14.3), ..Finish::plain(44_100) };
        FileRecipe { recipe, finish }
    }

    #[test]
    fn the_comment_reads_back_exactly() {
        let recipe = file_recipe();
        assert_eq!(FileRecipe::from_json(&recipe.to_json()).unwrap(), recipe);
    }

    #[test]
    fn what_follows_the_recipe_in_a_comment_is_pinned() {
        let json = file_recipe().to_json();
        let output = r#""output":{"format":"wav24","sample_rate":44100,"channels":1,"level":{"lufs":-14.3}}}"#;
        assert!(json.ends_with(output), "{json}");
    }

    #[test]
    fn shaping_are_in_the_comment_and_read_back() {
        let shaping = Shaping { crop_s: Some([0.1, 0.5]), reverse: true, ..Shaping::default() };
        let finish = Finish { shaping, true_peak_dbtp: Some(-2.0), ..file_recipe().finish };
        let recipe = FileRecipe { finish, ..file_recipe() };
        let json = recipe.to_json();
        let told = r#""true_peak_dbtp":-2.0,"shaping":{"crop_s":[0.1,0.5],"reverse":true}}}"#;
        assert!(json.ends_with(told), "{json}");
        assert_eq!(FileRecipe::from_json(&json).unwrap(), recipe);
    }

    #[test]
    fn a_dithered_file_is_the_same_bytes_each_time_and_differs_from_a_plain_one() {
        let clip = Clip::mono(vec![0.1; 1000], 44_100).unwrap();
        let file = |dither, seed| {
            let finish = Finish { format: FileFormat::Wav16, dither, ..file_recipe().finish };
            let recipe = Recipe { seed, ..file_recipe().recipe };
            let bytes = FileRecipe { recipe, finish }.file(&clip).unwrap();
            bytes[44..2044].to_vec()
        };
        assert_eq!(file(true, 42), file(true, 42));
        assert_ne!(file(true, 42), file(true, 43));
        assert!(file(false, 42).chunks_exact(2).all(|sample| sample == 3277i16.to_le_bytes()));
    }

    /// 1.5 s of a tone, held or dying away.
    fn tone(falls_db_a_second: f64) -> Clip {
        let sample = |i: i32| {
            let t = f64::from(i) / 44_100.0;
            (0.5 * 10f64.powf(-falls_db_a_second * t / 20.0) * (std::f64::consts::TAU * 220.0 * t).sin()) as f32
        };
        Clip::mono((0..66_150).map(sample).collect(), 44_100).unwrap()
    }

    #[test]
    fn a_held_note_gets_a_loop_that_its_file_tells_and_its_recipe_repeats() {
        let shaping = Shaping { sustain: Some(Sustain::Find), ..Shaping::default() };
        let asked = FileRecipe { finish: Finish { shaping, ..Finish::plain(22_050) }, ..file_recipe() };
        let (mut held, clip) = (asked.clone(), tone(0.0));
        let finished = held.finish(&clip).unwrap();
        let frames = held.finish.shaping.sustain.and_then(Sustain::frames).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note.wav");
        std::fs::write(&path, held.file(&finished).unwrap()).unwrap();
        let info = audio::read_info(&path).unwrap();
        assert_eq!((info.loop_frames, info.one_shot), (Some((frames.start as u32, frames.end as u32)), false));
        let mut again = FileRecipe::read(&path).unwrap();
        assert_eq!(again, held);
        assert_eq!(again.finish(&clip).unwrap(), finished);
        // Another sound looks for its own.
        assert_eq!(Shaping::default().or(held.finish.shaping).sustain, Some(Sustain::Find));
        // A loop of another sound may lie behind this one's end.
        let message = again.finish(&edit_slice(&clip)).unwrap_err().to_string();
        assert!(message.contains("sustain loop is"), "{message}");
        let mut short = asked.clone();
        short.finish(&tone(30.0)).unwrap();
        assert_eq!(short, asked, "what dies away has none");
        let info = short.info(None);
        assert!(info.one_shot && info.loop_frames.is_none());
    }

    fn edit_slice(clip: &Clip) -> Clip {
        audio::edit::slice(clip, 0..20_000)
    }

    #[test]
    fn comments_that_are_no_recipe_are_refused() {
        let json = file_recipe().to_json();
        let wrong = [
            "made with love".to_string(),
            "{}".to_string(),
            json.replace("\"output\"", "\"input\""),
            json.replace("44100", "0"),
            json.replace("\"channels\":1", "\"channels\":3"),
            json.replace("\"seed\":42", "\"seed\":-42"),
        ];
        for json in wrong {
            assert!(FileRecipe::from_json(&json).is_err(), "{json} was taken for a recipe");
        }
    }

    #[test]
    fn a_file_gives_its_recipe_back_and_one_without_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let clip = Clip::mono(vec![0.25; 100], 44_100).unwrap();
        let path = folder.path().join("kick.wav");
        std::fs::write(&path, file_recipe().file(&clip).unwrap()).unwrap();
        assert_eq!(FileRecipe::read(&path).unwrap(), file_recipe());
        std::fs::write(&path, audio::wav_bytes(&clip, WavFormat::Wav16, &WavInfo::default()).unwrap()).unwrap();
        let message = FileRecipe::read(&path).unwrap_err().to_string();
        assert!(message.contains("kick.wav") && message.contains("no recipe"), "{message}");
    }
}
