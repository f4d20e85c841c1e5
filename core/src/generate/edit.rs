//! [`Edit`]: how a sound departs from the one that seed, class and attributes name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::recipe::Recipe;

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
    /// The other sound.
    pub to: MorphEnd,
    /// How far, 0..=1: 0 is the sound itself, 1 the other (its steps, sampler, guidance and duration are not taken).
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
}

impl Edit {
    /// Whether nothing is edited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Recipes within this one, one in another.
    pub(super) fn depth(&self) -> usize {
        match self.morph.as_ref().map(|morph| &morph.to) {
            Some(MorphEnd::Recipe(recipe)) => 1 + recipe.edit.depth(),
            _ => 0,
        }
    }
}
