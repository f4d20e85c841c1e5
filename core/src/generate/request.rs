//! [`Request`]: what the user said, checked against a model and completed to a [`Recipe`].

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::check_edit::resolve_edit;
use super::edit::{Edit, Inpaint};
use super::looping::Loop;
use super::recipe::Recipe;
use super::sounds::Sounds;
use super::to_disk::LONG_S;
use crate::conditioning::Attribute;
use crate::diffusion::Sampler;
use crate::error::{GenerateError, Result, did_you_mean};
use crate::model::Card;
use crate::noise::{NoiseStream, Seed};

/// Shortest clip, in seconds.
const MIN_DURATION_S: f64 = 0.001;
/// Longest clip, in seconds.
const MAX_DURATION_S: f64 = 3600.0;

/// The MIDI note of a model that needs one, where the user names none.
const MIDDLE_C: f32 = 60.0;

/// What a request is checked against.
#[derive(Clone, Copy)]
pub(super) struct Basis<'a> {
    pub card: &'a Card,
    /// Of the model's clips.
    pub num_samples: usize,
    pub sounds: &'a Sounds,
}

/// What to make. `None` takes the model's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Which sound.
    pub seed: u64,
    /// Class name; absent: drawn from the seed.
    pub class: Option<String>,
    /// Attributes in 0..=1.
    pub attributes: BTreeMap<Attribute, f32>,
    /// MIDI note, 0..=127, fractional; absent: none, or middle C of a model that needs one.
    pub pitch: Option<f32>,
    /// Steps, 1..=1000.
    pub steps: Option<usize>,
    /// Sampler.
    pub sampler: Option<Sampler>,
    /// Guidance, 0..=20.
    pub guidance: Option<f64>,
    /// Seconds, 0.001..=3600; of a loop 0.05..=60. Beyond the model's own length a model of one-shots makes clip after
    /// clip, a model of textures goes on. Of a file that goes on, the seconds that are new.
    pub duration_s: Option<f64>,
    /// That it repeats without a seam.
    pub looped: Option<Loop>,
    /// How the sound departs from the one that the fields above name.
    pub edit: Edit,
}

/// The attribute of this name.
///
/// # Errors
/// None is: the valid ones, and the nearest.
pub fn attribute(name: &str) -> Result<Attribute, GenerateError> {
    let found = Attribute::ALL.into_iter().find(|attribute| attribute.name() == name);
    found.ok_or_else(|| unknown_attribute(name, &Attribute::ALL, "valid are".into()))
}

impl Request {
    /// Check, and fill in the model's defaults.
    pub(super) fn resolve(&self, basis: Basis<'_>) -> Result<Recipe> {
        let Basis { card, num_samples, .. } = basis;
        let defaults = &card.config.sampling;
        self.check_attributes(card)?;
        self.check_pitch(card)?;
        let guidance = micro(in_range("guidance", self.guidance.unwrap_or(defaults.guidance), 0.0..=20.0)?);
        let edit = resolve_edit(&self.edit, self.looped.is_some(), guidance, basis)?;
        let (looped, duration_s) = self.length(&edit, basis)?;
        check_width(&edit, duration_s)?;
        check_length(&edit, looped, samples_in(duration_s, card.config.sample_rate) > num_samples, card)?;
        Ok(Recipe {
            version: version(&edit, looped),
            model: card.id.clone(),
            model_hash: card.hash.clone(),
            seed: self.seed,
            class: self.class_in(card)?,
            attributes: self.attributes.clone(),
            pitch: self.pitch.or(card.config.partials.then_some(MIDDLE_C)),
            steps: in_range("steps", self.steps.unwrap_or(defaults.steps), 1..=1000)?,
            sampler: self.sampler.unwrap_or(defaults.sampler),
            guidance,
            duration_s,
            looped,
            edit,
        })
    }

    fn class_in(&self, card: &Card) -> Result<Option<String>, GenerateError> {
        let classes = &card.config.classes;
        // The first of equal weights; a mix was checked.
        let heaviest = self.edit.class_mix.iter().rev().max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class);
        match heaviest.or(self.class.as_ref()) {
            Some(class) if classes.contains(class) => Ok(Some(class.clone())),
            Some(class) => Err(unknown_class(class, card)),
            None if classes.is_empty() => Ok(None),
            None => {
                let drawn = NoiseStream::new(Seed(self.seed), "class", 0).below(classes.len());
                Ok(Some(classes[drawn].clone()))
            }
        }
    }

    fn check_attributes(&self, card: &Card) -> Result<(), GenerateError> {
        for (&attribute, &value) in &self.attributes {
            if !card.config.attributes.contains(&attribute) {
                let who = format!("model {} follows", card.id);
                return Err(unknown_attribute(attribute.name(), &card.config.attributes, who));
            }
            in_range(attribute.name(), value, 0.0..=1.0)?;
        }
        Ok(())
    }

    fn check_pitch(&self, card: &Card) -> Result<(), GenerateError> {
        let Some(pitch) = self.pitch else { return Ok(()) };
        if !card.config.pitch {
            return Err(GenerateError::NoPitch { model: card.id.clone() });
        }
        in_range("pitch", pitch, 0.0..=127.0).map(drop)
    }

    /// That of the file.
    fn inpainted_duration(&self, inpaint: &Inpaint, basis: Basis<'_>) -> Result<f64> {
        let sample_rate = basis.card.config.sample_rate;
        let length = basis.sounds.samples(&inpaint.file)?.len();
        let length_s = micro(length as f64 / f64::from(sample_rate));
        match self.duration_s {
            Some(asked) if samples_in(asked, sample_rate) != length => {
                let need = format!("{length_s} s, that of {}, or none", inpaint.file.path.display());
                let field = "the duration of a sound that is inpainted".into();
                Err(GenerateError::OutOfRange { field, found: format!("{asked} s"), need }.into())
            }
            _ => Ok(length_s),
        }
    }

    /// Whether it repeats, and its seconds.
    fn length(&self, edit: &Edit, basis: Basis<'_>) -> Result<(Option<Loop>, f64)> {
        let (sample_rate, num_samples) = (basis.card.config.sample_rate, basis.num_samples);
        let Some(looped) = self.looped else {
            let duration_s = match &edit.inpaint {
                Some(inpaint) => self.inpainted_duration(inpaint, basis)?,
                None => self.duration(sample_rate, num_samples)?,
            };
            return Ok((None, duration_s));
        };
        let own = num_samples as f64 / f64::from(sample_rate);
        let inpainted = edit.inpaint.as_ref().map(|inpaint| self.inpainted_duration(inpaint, basis)).transpose()?;
        let (looped, duration_s) = looped.resolve(inpainted.or(self.duration_s).unwrap_or(own))?;
        match inpainted {
            Some(file_s) if looped.num_frames(duration_s, sample_rate) != samples_in(file_s, sample_rate) => {
                let field = "the duration in seconds of so many bars at this tempo".into();
                let need = format!("{file_s}, that of the loop that is inpainted, or no tempo");
                Err(GenerateError::OutOfRange { field, found: duration_s.to_string(), need }.into())
            }
            _ => Ok((Some(looped), duration_s)),
        }
    }

    fn duration(&self, sample_rate: u32, num_samples: usize) -> Result<f64, GenerateError> {
        let own = num_samples as f64 / f64::from(sample_rate);
        let duration = self.duration_s.unwrap_or(own);
        if (MIN_DURATION_S.min(own)..=MAX_DURATION_S.max(own)).contains(&duration) {
            return Ok(micro(duration));
        }
        let need = format!("{MIN_DURATION_S}..={MAX_DURATION_S} s");
        Err(GenerateError::OutOfRange { field: "duration".into(), found: format!("{duration} s"), need })
    }
}

/// The oldest that can say it.
fn version(edit: &Edit, looped: Option<Loop>) -> u32 {
    match edit.width {
        Some(_) => 3,
        None if edit.is_none() && looped.is_none() => 1,
        None => 2,
    }
}

/// Two channels lie in memory, both whole.
fn check_width(edit: &Edit, duration_s: f64) -> Result<(), GenerateError> {
    if edit.width.is_none() || duration_s <= LONG_S {
        return Ok(());
    }
    let (field, need) = ("the duration of a sound with a width".into(), format!("{LONG_S} s at most, or no width"));
    Err(GenerateError::OutOfRange { field, found: format!("{duration_s} s"), need })
}

/// What loops and long textures are not made of is refused, not left out.
fn check_length(edit: &Edit, looped: Option<Loop>, is_long: bool, card: &Card) -> Result<(), GenerateError> {
    let is_texture = card.config.is_texture();
    let is_one_piece = looped.is_some() || edit.inpaint.is_some();
    let goes_on = (is_long || edit.continues.is_some()) && is_texture && !is_one_piece;
    let edits = [
        ("continuing a file", edit.continues.is_some(), looped.is_some()),
        ("a sound to start from", edit.init.is_some(), goes_on),
        ("a morph", edit.morph.is_some(), goes_on),
        ("a variation", edit.vary.is_some(), goes_on),
    ];
    let second = if looped.is_some() { "a loop" } else { "a texture longer than the model's clips" };
    match edits.into_iter().find(|(_, is_asked, is_excluded)| *is_asked && *is_excluded) {
        Some((first, ..)) => Err(GenerateError::EditsExclude { first, second }),
        None => Ok(()),
    }
}

/// Samples in a clip of `duration_s` seconds, to the nearest; saturates.
pub(super) fn samples_in(duration_s: f64, sample_rate: u32) -> usize {
    (duration_s * f64::from(sample_rate)).round() as usize
}

/// Rounded to a millionth: at most 15 digits, which every JSON reader gives back exactly.
pub(super) fn micro(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

pub(super) fn in_range<T: PartialOrd + Display + Copy>(
    field: &str,
    found: T,
    range: RangeInclusive<T>,
) -> Result<T, GenerateError> {
    if range.contains(&found) {
        return Ok(found);
    }
    let need = format!("{}..={}", range.start(), range.end());
    Err(GenerateError::OutOfRange { field: field.into(), found: found.to_string(), need })
}

pub(super) fn unknown_class(found: &str, card: &Card) -> GenerateError {
    let classes = &card.config.classes;
    let hint = did_you_mean(found, classes.iter().map(String::as_str));
    let valid = if classes.is_empty() { "no classes".to_owned() } else { classes.join(", ") };
    GenerateError::UnknownClass { found: found.into(), model: card.id.clone(), valid, hint }
}

fn unknown_attribute(found: &str, valid: &[Attribute], who: String) -> GenerateError {
    let names: Vec<&str> = valid.iter().map(|attribute| attribute.name()).collect();
    let hint = did_you_mean(found, names.iter().copied());
    let valid = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    GenerateError::UnknownAttribute { found: found.into(), who, valid, hint }
}
