//! [`mean_of_classes`]: a number that classes have, of a recipe that may have several.

use super::recipe::Recipe;
use crate::model::ModelConfig;

/// What the class of a recipe has, or the mean of what those of its mix have, by their weights; of any class, of all.
pub(super) fn mean_of_classes(recipe: &Recipe, config: &ModelConfig, of: impl Fn(usize) -> f64) -> f64 {
    let index = |name: &String| config.classes.iter().position(|class| class == name);
    let mix = recipe.edit.class_mix.iter().filter_map(|(name, weight)| Some((*weight, index(name)?)));
    let mut parts: Vec<(f64, usize)> = mix.collect();
    if parts.is_empty() {
        parts = recipe.class.iter().filter_map(index).map(|class| (1.0, class)).collect();
    }
    if parts.is_empty() {
        parts = (0..config.classes.len()).map(|class| (1.0, class)).collect();
    }
    let weight: f64 = parts.iter().map(|(weight, _)| weight).sum();
    parts.into_iter().map(|(weight, class)| weight * of(class)).sum::<f64>() / weight
}
