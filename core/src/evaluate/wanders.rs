//! [`wanders`]: how far levels wander in recordings of each class.

use std::path::Path;

use super::reference::{dataset_config, scan};
use crate::error::{EvaluateError, Result};
use crate::model::Card;

/// Of each class, in the order of the card's, over the sounds in a folder that the model's training would hear: decibels.
///
/// # Errors
/// A model of no notes; other classes than the model's, and as a training on the folder.
pub fn wanders(card: &Card, root: &Path) -> Result<Vec<f32>> {
    if !card.config.partials {
        return Err(EvaluateError::NoNotes { model: card.id.clone() }.into());
    }
    let dataset = scan(root, card, &dataset_config(card))?;
    let wanders = dataset.wanders();
    // The folder has the model's classes.
    let of = |name: &String| dataset.classes.iter().position(|known| known == name).map_or(0.0, |index| wanders[index]);
    Ok(card.config.classes.iter().map(of).collect())
}
