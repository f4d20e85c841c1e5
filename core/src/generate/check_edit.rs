//! An [`Edit`] checked against a model.

use std::collections::BTreeMap;

use super::edit::{Edit, Init, MAX_DEPTH, Morph, MorphEnd, Vary};
use super::inpaint::resolve_inpaint;
use super::recipe::Recipe;
use super::request::{Basis, in_range, micro, unknown_class};
use super::sound_file::SoundFile;
use crate::error::{GenerateError, Result};
use crate::model::Card;

/// Check an edit against the model of this card; what it says is rounded as recipes are.
pub(super) fn resolve_edit(edit: &Edit, is_loop: bool, guidance: f64, basis: Basis<'_>) -> Result<Edit> {
    let card = basis.card;
    check_exclusive(edit)?;
    let depth = edit.depth();
    in_range("the number of recipes within this one", depth, 0..=MAX_DEPTH)?;
    let morph = edit.morph.as_ref().map(|morph| resolve_morph(morph, basis)).transpose()?;
    Ok(Edit {
        class_mix: class_mix(&edit.class_mix, card)?,
        not_class: not_class(edit.not_class.as_ref(), guidance, card)?,
        vary: edit.vary.as_ref().map(resolve_vary).transpose()?,
        morph,
        init: edit.init.as_ref().map(resolve_init).transpose()?,
        inpaint: edit.inpaint.as_ref().map(|inpaint| resolve_inpaint(inpaint, is_loop, basis)).transpose()?,
        continues: edit.continues.as_ref().map(SoundFile::pinned).transpose()?,
        width: edit.width.map(resolve_width).transpose()?.filter(|width| *width > 0.0),
    })
}

/// Each of these says where the sampler starts.
fn check_exclusive(edit: &Edit) -> Result<(), GenerateError> {
    let starts = [
        ("a morph", edit.morph.is_some()),
        ("a variation of a file", edit.init.is_some()),
        ("inpainting", edit.inpaint.is_some()),
        ("continuing a file", edit.continues.is_some()),
    ];
    let mut given = starts.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name);
    match (given.next(), given.next()) {
        (Some(first), Some(second)) => Err(GenerateError::EditsExclude { first, second }),
        _ if edit.vary.is_some() && edit.morph.as_ref().is_some_and(|morph| morph.from.is_some()) => {
            Err(GenerateError::EditsExclude {
                first: "a variation of the seed",
                second: "a morph that starts from a file",
            })
        }
        _ => Ok(()),
    }
}

fn class_mix(mix: &BTreeMap<String, f64>, card: &Card) -> Result<BTreeMap<String, f64>, GenerateError> {
    let check = |(class, weight): (&String, &f64)| {
        check_class(class, card)?;
        // A millionth is the smallest weight that rounding leaves.
        let weight = in_range(&format!("the weight of class {class}"), *weight, 1e-6..=1e6)?;
        Ok((class.clone(), micro(weight)))
    };
    mix.iter().map(check).collect()
}

fn not_class(class: Option<&String>, guidance: f64, card: &Card) -> Result<Option<String>, GenerateError> {
    let Some(class) = class else { return Ok(None) };
    check_class(class, card)?;
    if guidance > 1.0 {
        return Ok(Some(class.clone()));
    }
    let field = format!("guidance that shall lead away from {class}");
    Err(GenerateError::OutOfRange { field, found: guidance.to_string(), need: "more than 1, up to 20".into() })
}

fn check_class(class: &String, card: &Card) -> Result<(), GenerateError> {
    if card.config.classes.contains(class) { Ok(()) } else { Err(unknown_class(class, card)) }
}

fn resolve_width(width: f64) -> Result<f64, GenerateError> {
    Ok(micro(in_range("the width of a stereo sound", width, 0.0..=1.0)?))
}

fn resolve_vary(vary: &Vary) -> Result<Vary, GenerateError> {
    Ok(Vary { seed: vary.seed, amount: micro(in_range("the amount of variation", vary.amount, 0.0..=1.0)?) })
}

fn resolve_init(init: &Init) -> Result<Init> {
    let noise_level = micro(in_range("the noise level of a variation", init.noise_level, 0.0..=1.0)?);
    Ok(Init { file: init.file.pinned()?, noise_level })
}

fn resolve_morph(morph: &Morph, basis: Basis<'_>) -> Result<Morph> {
    let to = match &morph.to {
        MorphEnd::Seed(seed) => MorphEnd::Seed(*seed),
        MorphEnd::Recipe(recipe) => {
            check_model(recipe, basis.card)?;
            check_has_noise(recipe)?;
            MorphEnd::Recipe(Box::new(recipe.request().resolve(basis)?))
        }
        MorphEnd::File(file) => MorphEnd::File(file.pinned()?),
    };
    let from = morph.from.as_ref().map(|file| file.pinned()).transpose()?;
    Ok(Morph { from, to, amount: micro(in_range("the amount of morphing", morph.amount, 0.0..=1.0)?) })
}

/// A sound that was made of a file has no noise of its own to mix with.
fn check_has_noise(recipe: &Recipe) -> Result<(), GenerateError> {
    let second = "a morph to its recipe (morph to its file)";
    match &recipe.edit {
        Edit { init: Some(_), .. } => Err(GenerateError::EditsExclude { first: "a variation of a file", second }),
        Edit { inpaint: Some(_), .. } => Err(GenerateError::EditsExclude { first: "inpainting", second }),
        _ => Ok(()),
    }
}

/// Whether a recipe is of the model of this card.
///
/// # Errors
/// [`GenerateError::OtherModel`] names both.
pub(super) fn check_model(recipe: &Recipe, card: &Card) -> Result<(), GenerateError> {
    if (&recipe.model, &recipe.model_hash) == (&card.id, &card.hash) {
        return Ok(());
    }
    let name = |id: &str, hash: &str| format!("{id} ({})", hash.get(..12).unwrap_or(hash));
    let (found, need) = (name(&card.id, &card.hash), name(&recipe.model, &recipe.model_hash));
    Err(GenerateError::OtherModel { found, need })
}
