//! [`Recipe`]: everything that made a clip.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::edit::Edit;
use super::looping::Loop;
use super::request::Request;
use crate::conditioning::Attribute;
use crate::diffusion::Sampler;
use crate::error::GenerateError;
use crate::model::{ModelConfig, StageSampling};

/// The newest version of [`Recipe`] that this build writes; it reads every older one, and renders it the same.
///
/// A recipe has the oldest version that can say it, so that earlier builds read whatever they can make: 1 for a sound
/// of seed, class, attributes and pitch, 2 for an edited one or a loop, 3 for one of two channels.
pub const RECIPE_VERSION: u32 = 3;

/// Everything that made a clip, resolved: what a file keeps, what `verify` renders again. No `None` that a default fills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The oldest version that can say this; see [`RECIPE_VERSION`].
    pub version: u32,
    /// Model id.
    pub model: String,
    /// Model hash.
    pub model_hash: String,
    /// Seed.
    pub seed: u64,
    /// Class, where the model has classes.
    #[serde(default)]
    pub class: Option<String>,
    /// Attributes given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Attribute, f32>,
    /// Pitch given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch: Option<f32>,
    /// Steps.
    pub steps: usize,
    /// Sampler.
    pub sampler: Sampler,
    /// Guidance.
    pub guidance: f64,
    /// Seconds.
    pub duration_s: f64,
    /// That it repeats without a seam.
    #[serde(default, rename = "loop", skip_serializing_if = "Option::is_none")]
    pub looped: Option<Loop>,
    /// How the sound departs from the one that the fields above name.
    #[serde(default, skip_serializing_if = "Edit::is_none")]
    pub edit: Edit,
}

impl Recipe {
    /// The recipe as one line of JSON.
    pub fn to_json(&self) -> String {
        // Maps with enum keys and finite numbers always serialise; the numbers were checked when it was resolved.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Read back what [`Recipe::to_json`] wrote.
    ///
    /// # Errors
    /// No JSON, another version, a field missing, unknown or of another type, by name.
    pub fn from_json(json: &str) -> Result<Self, GenerateError> {
        let unreadable = |error: serde_json::Error| GenerateError::Recipe { reason: error.to_string() };
        let value: serde_json::Value = serde_json::from_str(json).map_err(unreadable)?;
        // Looked at first: another version may well have other fields.
        let version = value.get("version").cloned().unwrap_or_default();
        if !(1..=RECIPE_VERSION).any(|known| version == known) {
            return Err(GenerateError::RecipeVersion { found: version.to_string(), need: RECIPE_VERSION });
        }
        serde_json::from_str(json).map_err(unreadable)
    }

    /// How the fine or only stage is sampled.
    pub(super) fn sampling(&self) -> StageSampling {
        StageSampling { sampler: self.sampler, steps: self.steps, guidance: self.guidance }
    }

    /// How the envelope stage of a model is sampled: as the recipe says, where the model does not say otherwise.
    pub(super) fn envelope_sampling(&self, model: &ModelConfig) -> StageSampling {
        let own = model.envelope.as_ref().and_then(|envelope| envelope.sampling);
        own.unwrap_or_else(|| self.sampling())
    }

    /// The request that resolves to this recipe, given the same model.
    pub fn request(&self) -> Request {
        Request {
            seed: self.seed,
            class: self.class.clone(),
            attributes: self.attributes.clone(),
            pitch: self.pitch,
            steps: Some(self.steps),
            sampler: Some(self.sampler),
            guidance: Some(self.guidance),
            duration_s: Some(self.duration_s),
            looped: self.looped,
            edit: self.edit.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::edit::{Morph, MorphEnd, Vary};
    use crate::noise::{NoiseStream, Seed};

    fn recipe() -> Recipe {
        Recipe {
            version: 1,
            model: "drums".into(),
            model_hash: "ab".repeat(32),
            seed: u64::MAX,
            class: Some("kick".into()),
            attributes: BTreeMap::from([(Attribute::Brightness, 0.8)]),
            pitch: None,
            steps: 16,
            sampler: Sampler::DpmPp2m,
            guidance: 1.5,
            duration_s: 0.743039,
            looped: None,
            edit: Edit::default(),
        }
    }

    #[test]
    fn json_gives_every_number_back_exactly() {
        let mut noise = NoiseStream::new(Seed(9), "recipes", 0);
        for _ in 0..10_000 {
            let micro = |x: f32| (f64::from(x) * 1e6).round() / 1e6;
            let attributes =
                BTreeMap::from([(Attribute::Decay, noise.uniform()), (Attribute::Attack, noise.uniform())]);
            let (guidance, duration_s) = (micro(noise.uniform_in(0.0, 20.0)), micro(noise.uniform_in(0.0, 95.0)));
            let pitch = Some(noise.uniform_in(0.0, 127.0));
            let recipe = Recipe { attributes, guidance, duration_s, pitch, ..recipe() };
            assert_eq!(Recipe::from_json(&recipe.to_json()).unwrap(), recipe);
        }
    }

    #[test]
    fn the_json_is_pinned() {
        let hash = "ab".repeat(32);
        let expected = format!(
            r#"{{"version":1,"model":"drums","model_hash":"{hash}","seed":18446744073709551615,"class":"kick","attributes":{{"brightness":0.8}},"steps":16,"sampler":"dpmpp-2m","guidance":1.5,"duration_s":0.743039}}"#
        );
        assert_eq!(recipe().to_json(), expected);
    }

    #[test]
    fn the_json_of_an_edit_is_pinned_and_reads_back() {
        let edit = Edit {
            class_mix: BTreeMap::from([("kick".into(), 0.6), ("tom".into(), 0.4)]),
            not_class: Some("clap".into()),
            vary: Some(Vary { seed: 7, amount: 0.25 }),
            morph: Some(Morph { from: None, to: MorphEnd::Recipe(Box::new(recipe())), amount: 0.5 }),
            ..Edit::default()
        };
        let edited = Recipe { version: 2, edit, ..recipe() };
        let (json, inner) = (edited.to_json(), recipe().to_json());
        let expected = format!(
            r#","edit":{{"class_mix":{{"kick":0.6,"tom":0.4}},"not_class":"clap","vary":{{"seed":7,"amount":0.25}},"morph":{{"to":{{"recipe":{inner}}},"amount":0.5}}}}}}"#
        );
        assert!(json.ends_with(&expected), "{json}");
        assert_eq!(Recipe::from_json(&json).unwrap(), edited);
        let unknown = json.replacen(r#""vary":"#, r#""bend":"#, 1);
        assert!(Recipe::from_json(&unknown).unwrap_err().to_string().contains("unknown field `bend`"));
    }

    #[test]
    fn unknown_fields_and_other_versions_are_refused_by_name() {
        let more = recipe().to_json().replacen(r#""seed""#, r#""colour":1,"seed""#, 1);
        assert!(Recipe::from_json(&more).unwrap_err().to_string().contains("unknown field `colour`"));
        let newer = more.replacen(r#""version":1"#, r#""version":4"#, 1);
        assert!(Recipe::from_json(&newer).unwrap_err().to_string().contains("version 4"));
        assert!(Recipe::from_json("a song").unwrap_err().to_string().contains("cannot be read"));
        assert!(Recipe::from_json("{}").unwrap_err().to_string().contains("version null"));
    }
}
