//! Ranges of a card's fields: nothing is allocated by a number that was not checked here.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;
use std::ops::RangeInclusive;

use super::card::{Card, FORMAT, ModelConfig, SamplingDefaults};
use super::raise::Raise;
use crate::error::{ModelError, Result};
use crate::representation::{EnvelopeGrid, RepresentationConfig};
use crate::unet::{FrameShape, UnetConfig};

impl Card {
    /// Check every field's range.
    ///
    /// # Errors
    /// The field, its value and what is needed.
    pub fn validate(&self) -> Result<()> {
        in_range("format", self.format, FORMAT..=FORMAT)?;
        check_id(&self.id)?;
        self.config.validate()
    }
}

/// A model id is a file's stem and a word of the command line: lower case letters, digits and dashes.
pub(super) fn check_id(id: &str) -> Result<(), ModelError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let valid = (1..=64).contains(&id.len()) && id.chars().all(is_plain) && !id.starts_with('-');
    require("id", format!("{id:?}"), valid, "1 to 64 lower case letters, digits and dashes, no dash in front")
}

impl ModelConfig {
    /// Check every field's range.
    ///
    /// # Errors
    /// The field, its value and what is needed.
    pub fn validate(&self) -> Result<()> {
        in_range("config.sample_rate", self.sample_rate, 1_000..=384_000)?;
        check_classes(&self.classes)?;
        let unique = all_differ(&self.attributes.iter().map(|attribute| attribute.place()).collect::<Vec<_>>());
        require(
            "config.attributes",
            format!("{:?}", self.attributes),
            unique,
            "each attribute at most once, and density and movement only without decay and attack",
        )?;
        check_attacks(self)?;
        check_wanders(self)?;
        check_networks(self)?;
        Ok(check_sampling(&self.sampling)?)
    }
}

fn check_classes(classes: &[String]) -> Result<(), ModelError> {
    in_range("config.classes: how many", classes.len(), 0..=1024)?;
    let is_name = |name: &String| (1..=64).contains(&name.len()) && !name.chars().any(char::is_control);
    let valid = classes.iter().all(is_name) && all_differ(classes);
    require("config.classes", format!("{classes:?}"), valid, "different names of 1 to 64 printable bytes")
}

fn check_attacks(config: &ModelConfig) -> Result<(), ModelError> {
    let (found, classes) = (config.attacks.len(), config.classes.len());
    let need = "one for each class, or none";
    require("config.attacks: how many", found.to_string(), found == 0 || found == classes, need)?;
    let need = "2 to 101 rising times of -60 to 60 s, a finite slope, a factor of 0.01 to 1 and a peak within 60 s";
    let mut broken = config.attacks.iter().filter(|scale| !scale.is_valid());
    broken.next().map_or(Ok(()), |scale| require("config.attacks", format!("{scale:?}"), false, need))
}

fn check_wanders(config: &ModelConfig) -> Result<(), ModelError> {
    let (found, classes) = (config.wanders.len(), config.classes.len());
    let need = "one for each class of notes, or none";
    require("config.wanders: how many", found.to_string(), found == 0 || (config.partials && found == classes), need)?;
    let valid = config.wanders.iter().all(|db| (0.0..=100.0).contains(db));
    require("config.wanders", format!("{:?}", config.wanders), valid, "0 to 100 dB")
}

/// Which networks there are, and whether each can be built for what it works on.
fn check_networks(config: &ModelConfig) -> Result<()> {
    let representation = config.representation.build()?;
    let is_db = matches!(config.representation, RepresentationConfig::LogMagnitude { .. });
    if let Some(envelope) = &config.envelope {
        let kind = format!("{:?}", config.representation);
        require("config.representation", kind, is_db, "kind log-magnitude where there is an envelope stage")?;
        EnvelopeGrid::new(representation.num_frames(), representation.num_channels(), &envelope.grid)?;
        check_network("config.envelope.unet", &envelope.unet, envelope.shape())?;
        if let Some(sampling) = &envelope.sampling {
            in_range("config.envelope.sampling.steps", sampling.steps, 1..=1000)?;
            in_range("config.envelope.sampling.guidance", sampling.guidance, 0.0..=20.0)?;
        }
    }
    let can_see = config.pitch && config.envelope.is_some();
    require(
        "config.partials",
        "true".into(),
        !config.partials || can_see,
        "pitch and an envelope stage with it, or false",
    )?;
    let raises = config.raise_below.is_empty() || (config.partials && Raise::is_valid(&config.raise_below));
    let need = "partials with it, and up to 3 MIDI notes, each lower than the one before";
    require("config.raise_below", format!("{:?}", config.raise_below), raises, need)?;
    Ok(check_network("config.unet", &config.unet, config.fine_shape(&*representation))?)
}

fn check_network(field: &str, config: &UnetConfig, shape: FrameShape) -> Result<(), ModelError> {
    config.validate(shape).map_err(|reason| ModelError::Network { field: field.into(), reason })
}

fn check_sampling(sampling: &SamplingDefaults) -> Result<(), ModelError> {
    let (min, max) = (sampling.sigma_min, sampling.sigma_max);
    in_range("config.sampling.steps", sampling.steps, 1..=1000)?;
    in_range("config.sampling.guidance", sampling.guidance, 0.0..=20.0)?;
    in_range("config.sampling.drift", sampling.drift, 0.1..=10.0)?;
    in_range("config.sampling.brightness", sampling.brightness, 0.1..=0.9)?;
    let ordered = 0.0 < min && min < max && max <= 1e6;
    require("config.sampling sigmas", format!("{min}..{max}"), ordered, "0 < sigma_min < sigma_max <= 1e6")
}

fn all_differ<T: Eq + Hash>(items: &[T]) -> bool {
    items.iter().collect::<HashSet<_>>().len() == items.len()
}

/// Ranges are closed; a NaN is in none.
fn in_range<T: PartialOrd + Display>(field: &str, found: T, range: RangeInclusive<T>) -> Result<(), ModelError> {
    let valid = range.contains(&found);
    require(field, found.to_string(), valid, &format!("{}..={}", range.start(), range.end()))
}

fn require(field: &str, found: String, valid: bool, need: &str) -> Result<(), ModelError> {
    if valid { Ok(()) } else { Err(ModelError::Field { field: field.into(), found, need: need.into() }) }
}

#[cfg(test)]
mod tests {
    use super::super::attack::AttackScale;
    use super::super::tiny::two_stage_card as tiny_card;
    use super::*;
    use crate::Error;
    use crate::conditioning::Attribute;

    fn field_of(change: impl FnOnce(&mut Card)) -> String {
        let mut card = tiny_card();
        change(&mut card);
        match card.validate() {
            Err(Error::Model(ModelError::Field { field, .. })) => field,
            Err(other) => other.to_string(),
            Ok(()) => panic!("not refused"),
        }
    }

    fn envelope(card: &mut Card) -> &mut crate::model::EnvelopeStageConfig {
        card.config.envelope.as_mut().unwrap()
    }

    #[test]
    fn the_tiny_card_is_valid() {
        tiny_card().validate().unwrap();
    }

    #[test]
    fn every_field_out_of_range_is_named() {
        assert_eq!(field_of(|c| c.format = 2), "format");
        assert_eq!(field_of(|c| c.id = "Drums!".into()), "id");
        assert_eq!(field_of(|c| c.id = "../up".into()), "id");
        assert_eq!(field_of(|c| c.config.sample_rate = 0), "config.sample_rate");
        assert_eq!(field_of(|c| c.config.classes = vec!["a".into(), "a".into()]), "config.classes");
        assert_eq!(field_of(|c| c.config.classes = vec![String::new()]), "config.classes");
        for twice in [[Attribute::Decay; 2], [Attribute::Decay, Attribute::Density]] {
            let mut card = tiny_card();
            card.config.attributes = twice.into();
            assert!(card.validate().unwrap_err().to_string().contains("config.attributes"));
        }
        let attack = |seconds: f32| AttackScale::new((vec![0.0, seconds], 0.0));
        assert_eq!(field_of(|c| c.config.attacks = vec![attack(0.1)]), "config.attacks: how many");
        assert_eq!(field_of(|c| c.config.attacks = vec![attack(0.1), attack(-0.1)]), "config.attacks");
        assert_eq!(field_of(|c| c.config.wanders = vec![1.0, 1.0]), "config.wanders: how many");
        let of_notes =
            |c: &mut Card, wanders| (c.config.partials, c.config.pitch, c.config.wanders) = (true, true, wanders);
        assert_eq!(field_of(|c| of_notes(c, vec![1.0])), "config.wanders: how many");
        assert_eq!(field_of(|c| of_notes(c, vec![1.0, -0.1])), "config.wanders");
        assert!(field_of(|c| c.config.unet.widths.clear()).contains("config.unet: widths"));
        assert!(field_of(|c| c.config.unet.widths[0] = usize::MAX).contains("config.unet: widths"));
        assert!(field_of(|c| envelope(c).unet.embedding = 0).contains("config.envelope.unet: embedding"));
        assert!(field_of(|c| envelope(c).grid.columns = usize::MAX).contains("columns"));
        assert_eq!(field_of(|c| c.config.sampling.steps = 0), "config.sampling.steps");
        assert_eq!(field_of(|c| c.config.sampling.guidance = f64::NAN), "config.sampling.guidance");
        assert_eq!(field_of(|c| c.config.sampling.drift = 0.0), "config.sampling.drift");
        assert_eq!(field_of(|c| c.config.sampling.brightness = 1.0), "config.sampling.brightness");
        assert_eq!(field_of(|c| c.config.sampling.sigma_min = 0.0), "config.sampling sigmas");
        assert_eq!(field_of(|c| c.config.sampling.sigma_max = f64::INFINITY), "config.sampling sigmas");
    }

    #[test]
    fn a_representation_that_would_fill_the_memory_is_refused() {
        let huge = RepresentationConfig::Waveform { num_samples: usize::MAX, patch: 64 };
        assert!(field_of(|c| c.config.representation = huge).contains("num_samples"));
    }

    #[test]
    fn an_envelope_stage_needs_a_decibel_representation() {
        let waveform = RepresentationConfig::Waveform { num_samples: 1024, patch: 64 };
        assert_eq!(field_of(|c| c.config.representation = waveform), "config.representation");
    }
}
