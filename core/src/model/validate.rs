//! Ranges of a card's fields: nothing is allocated by a number that was not checked here.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;
use std::ops::RangeInclusive;

use super::card::{Card, EnvelopeStageConfig, FORMAT, ModelConfig, SamplingDefaults};
use crate::error::ModelError;
use crate::representation::RepresentationConfig;
use crate::unet::UnetConfig;

/// Longest clip in samples: 95 s at 44.1 kHz.
const MAX_SAMPLES: usize = 1 << 22;
/// Most values in the frames of one clip: 64 MiB of `f32`.
const MAX_CELLS: usize = 1 << 24;

impl Card {
    /// Check every field's range.
    ///
    /// # Errors
    /// [`ModelError::Field`] with the field's path, its value and what is needed.
    pub fn validate(&self) -> Result<(), ModelError> {
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
    /// [`ModelError::Field`] with the field's path, its value and what is needed.
    pub fn validate(&self) -> Result<(), ModelError> {
        in_range("config.sample_rate", self.sample_rate, 1_000..=384_000)?;
        check_representation(&self.representation)?;
        check_classes(&self.classes)?;
        let unique = all_differ(&self.attributes);
        require("config.attributes", format!("{:?}", self.attributes), unique, "each attribute at most once")?;
        if let Some(envelope) = &self.envelope {
            check_envelope(envelope, &self.representation)?;
        }
        check_unet("config.unet", &self.unet)?;
        check_sampling(&self.sampling)
    }
}

fn check_representation(config: &RepresentationConfig) -> Result<(), ModelError> {
    let path = "config.representation";
    let (num_samples, cells) = match *config {
        RepresentationConfig::Waveform { num_samples, patch } => {
            in_range(&format!("{path}.patch"), patch, 1..=8192)?;
            (num_samples, num_samples)
        }
        RepresentationConfig::ComplexStft { num_samples, n_fft, exponent } => {
            in_range(&format!("{path}.n_fft"), n_fft, 4..=16_384)?;
            in_range(&format!("{path}.exponent"), exponent, 0.01..=1.0)?;
            (num_samples, num_samples.saturating_mul(2))
        }
        RepresentationConfig::LogMagnitude { num_samples, n_fft, hop_length, floor_db, refinements } => {
            in_range(&format!("{path}.n_fft"), n_fft, 4..=16_384)?;
            in_range(&format!("{path}.hop_length"), hop_length, 1..=n_fft)?;
            in_range(&format!("{path}.floor_db"), floor_db, -200.0..=-20.0)?;
            in_range(&format!("{path}.refinements"), refinements, 0..=32)?;
            (num_samples, (num_samples / hop_length + 1).saturating_mul(n_fft / 2))
        }
    };
    in_range(&format!("{path}.num_samples"), num_samples, 1..=MAX_SAMPLES)?;
    in_range(&format!("{path}: frames x channels"), cells, 1..=MAX_CELLS)
}

fn check_classes(classes: &[String]) -> Result<(), ModelError> {
    in_range("config.classes: how many", classes.len(), 0..=1024)?;
    let is_name = |name: &String| (1..=64).contains(&name.len()) && !name.chars().any(char::is_control);
    let valid = classes.iter().all(is_name) && all_differ(classes);
    require("config.classes", format!("{classes:?}"), valid, "different names of 1 to 64 printable bytes")
}

fn check_envelope(stage: &EnvelopeStageConfig, fine: &RepresentationConfig) -> Result<(), ModelError> {
    let is_db = matches!(fine, RepresentationConfig::LogMagnitude { .. });
    require(
        "config.representation",
        format!("{fine:?}"),
        is_db,
        "kind log-magnitude where there is an envelope stage",
    )?;
    in_range("config.envelope.grid.columns", stage.grid.columns, 1..=4096)?;
    in_range("config.envelope.grid.bands", stage.grid.bands, 1..=4096)?;
    check_unet("config.envelope.unet", &stage.unet)
}

fn check_unet(path: &str, unet: &UnetConfig) -> Result<(), ModelError> {
    in_range(&format!("{path}.widths: how many"), unet.widths.len(), 1..=12)?;
    for &width in &unet.widths {
        in_range(&format!("{path}.widths"), width, 1..=8192)?;
    }
    in_range(&format!("{path}.stack"), unet.stack, 1..=64)?;
    in_range(&format!("{path}.embedding"), unet.embedding, 1..=8192)
}

fn check_sampling(sampling: &SamplingDefaults) -> Result<(), ModelError> {
    let (min, max) = (sampling.sigma_min, sampling.sigma_max);
    in_range("config.sampling.steps", sampling.steps, 1..=1000)?;
    in_range("config.sampling.guidance", sampling.guidance, 0.0..=20.0)?;
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
    use super::super::file::tests::tiny_card;
    use super::*;

    fn field_of(change: impl FnOnce(&mut Card)) -> String {
        let mut card = tiny_card();
        change(&mut card);
        match card.validate() {
            Err(ModelError::Field { field, .. }) => field,
            other => panic!("not refused by field: {other:?}"),
        }
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
        assert_eq!(
            field_of(|c| c.config.attributes = vec![crate::conditioning::Attribute::Decay; 2]),
            "config.attributes"
        );
        assert_eq!(field_of(|c| c.config.unet.widths.clear()), "config.unet.widths: how many");
        assert_eq!(field_of(|c| c.config.unet.widths[0] = usize::MAX), "config.unet.widths");
        assert_eq!(field_of(|c| c.config.unet.stack = 0), "config.unet.stack");
        assert_eq!(field_of(|c| c.config.unet.embedding = 0), "config.unet.embedding");
        assert_eq!(field_of(|c| c.config.sampling.steps = 0), "config.sampling.steps");
        assert_eq!(field_of(|c| c.config.sampling.guidance = f64::NAN), "config.sampling.guidance");
        assert_eq!(field_of(|c| c.config.sampling.sigma_min = 0.0), "config.sampling sigmas");
        assert_eq!(field_of(|c| c.config.sampling.sigma_max = f64::INFINITY), "config.sampling sigmas");
    }

    #[test]
    fn a_representation_that_would_fill_the_memory_is_refused() {
        let huge = RepresentationConfig::Waveform { num_samples: usize::MAX, patch: 64 };
        assert_eq!(field_of(|c| c.config.representation = huge), "config.representation.num_samples");
        let dense = RepresentationConfig::LogMagnitude {
            num_samples: 1 << 22,
            n_fft: 16_384,
            hop_length: 1,
            floor_db: -100.0,
            refinements: 0,
        };
        assert_eq!(field_of(|c| c.config.representation = dense), "config.representation: frames x channels");
    }

    #[test]
    fn an_envelope_stage_needs_a_decibel_representation() {
        let waveform = RepresentationConfig::Waveform { num_samples: 1024, patch: 64 };
        assert_eq!(field_of(|c| c.config.representation = waveform), "config.representation");
    }
}
