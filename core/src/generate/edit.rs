//! [`Edit`]: how a sound departs from the one that seed, class and attributes name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::recipe::Recipe;
use super::sound_file::SoundFile;
use super::width::TURN;

/// Most recipes within recipes: what one file holds stays readable.
pub(super) const MAX_DEPTH: usize = 16;

/// How a sound departs from the one that seed, class and attributes name; by default not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Edit {
    /// Classes by weight (above 0, any scale) instead of a single one: the sound lies between them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub class_mix: BTreeMap<String, f64>,
    /// The class that guidance leads away from, instead of from any sound. Needs a guidance above 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_class: Option<String>,
    /// A variation of the seed's sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vary: Option<Vary>,
    /// A sound on the way to another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub morph: Option<Morph>,
    /// A variation of a sound in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<Init>,
    /// A sound in a file, parts of it made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inpaint: Option<Inpaint>,
    /// A sound in a file that goes on: mono at the model's rate, then as much new sound as the duration says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continues: Option<SoundFile>,
    /// A sound of two channels, so far apart, 0..=1: together, in mono, they are the sound itself. At 0 there is one channel;
    /// at 1 the two have nothing in common above the bass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
}

/// A variation: the sound's noise is mixed with that of another seed, under the same class and attributes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vary {
    /// The other seed: which variation.
    pub seed: u64,
    /// How far, 0..=1: 0 is the sound itself, 1 the other seed's, each to the byte.
    pub amount: f64,
}

/// A sound on the way to another: noise, classes, attributes and pitch lie between.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Morph {
    /// The sound to start from, instead of that of seed and variation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<SoundFile>,
    /// The other sound.
    pub to: MorphEnd,
    /// How far, 0..=1: 0 is the sound itself, 1 the other (its steps, sampler, guidance, duration and width are not taken).
    pub amount: f64,
}

/// What a morph leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MorphEnd {
    /// Another seed, under the same class and attributes.
    Seed(u64),
    /// The sound of another recipe of the same model.
    Recipe(Box<Recipe>),
    /// Any sound, under the same class and attributes: it is brought into the model's form (mono, at the model's rate,
    /// from its onset on, cut or continued in silence to the model's length, peak 1) and its noise is found by inversion.
    File(SoundFile),
}

/// A variation of a sound in a file: the sampler starts from the file's sound under noise (SDEdit, Meng et al. 2021,
/// <https://arxiv.org/abs/2108.01073>), in both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// The sound, brought into the model's form as in [`MorphEnd::File`]; for a loop laid around its circle, from the
    /// file's start on: cut, with what follows faded into the start, or continued in silence.
    pub file: SoundFile,
    /// How much of it the noise hides, 0..=1: at 0.1 the result stays near, 1 ignores the file. The noise's share of
    /// what the network sees is `sin(level * 90 degrees)`.
    pub noise_level: f64,
}

/// Parts of a sound in a file, made anew to fit the rest.
///
/// The result is as long as the file, mono and at the model's rate. Outside the masks it is the file, sample by sample;
/// within a mask it fades from the file to the new sound over the first 5 ms, and back over the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inpaint {
    /// The sound.
    pub file: SoundFile,
    /// What is made anew: from, to, in seconds. Each shorter than the model's clips; ascending, none touching another.
    pub masks: Vec<[f64; 2]>,
}

impl Edit {
    /// Whether nothing is edited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the sound comes out of noise alone, and nothing of it out of a file.
    pub(super) fn is_of_noise(&self) -> bool {
        let morphs = |morph: &Morph| morph.from.is_some() || matches!(morph.to, MorphEnd::File(_));
        self.heard().is_none()
            && self.inpaint.is_none()
            && self.continues.is_none()
            && !self.morph.as_ref().is_some_and(morphs)
    }

    /// The file that the sampler starts from, unless noise hides all of it.
    pub(super) fn heard(&self) -> Option<&Init> {
        self.init.as_ref().filter(|init| init.noise_level < 1.0)
    }

    /// Of every sound that it takes, how far its noise is turned: that of the sound itself, and that of its side.
    pub(super) fn turns(&self) -> Vec<f64> {
        std::iter::once(0.0).chain(self.width.map(|_| TURN)).collect()
    }

    /// Recipes within this one, one in another.
    pub(super) fn depth(&self) -> usize {
        match self.morph.as_ref().map(|morph| &morph.to) {
            Some(MorphEnd::Recipe(recipe)) => 1 + recipe.edit.depth(),
            _ => 0,
        }
    }
}
