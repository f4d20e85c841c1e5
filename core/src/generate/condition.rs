//! What the networks are told of a recipe.

use super::edit::{Morph, MorphEnd};
use super::recipe::Recipe;
use crate::conditioning::{Attribute, Blend, Condition, NUM_PLACES};
use crate::model::Card;

/// What to make: a recipe that fits this card, mixed with what it morphs to.
pub(super) fn condition(recipe: &Recipe, card: &Card) -> Blend {
    let own = own_condition(recipe, card);
    match &recipe.edit.morph {
        Some(morph) => match &morph.to {
            MorphEnd::Seed(_) | MorphEnd::File(_) => own,
            MorphEnd::Recipe(other) => own.towards(&condition(other, card), morph.amount as f32),
        },
        None => own,
    }
}

/// What guidance leads away from: the class that it shall not be, or any sound.
pub(super) fn away_from(recipe: &Recipe, card: &Card) -> Blend {
    let class = recipe.edit.not_class.as_ref().and_then(|class| index(class, card));
    Condition { class, ..Condition::default() }.into()
}

/// What a recipe says itself of class, attributes and pitch, whatever it morphs to.
pub(super) fn own_condition(recipe: &Recipe, card: &Card) -> Blend {
    let mut attributes = [None; NUM_PLACES];
    // Loudness is done to the sound itself (`transient.rs`), where it is a sound of its own: networks that are told of it make
    // it louder as often as softer.
    let is_done = recipe.looped.is_none() && recipe.edit.inpaint.is_none();
    let told = recipe.attributes.iter().filter(|(attribute, _)| !(is_done && **attribute == Attribute::Loudness));
    told.for_each(|(attribute, value)| attributes[attribute.place()] = Some(*value));
    let with_class = |class| Condition { class, attributes, pitch: recipe.pitch };
    let mix = &recipe.edit.class_mix;
    if mix.is_empty() {
        return with_class(recipe.class.as_ref().and_then(|class| index(class, card))).into();
    }
    Blend::new(mix.iter().map(|(class, weight)| (*weight as f32, with_class(index(class, card)))))
}

fn index(class: &str, card: &Card) -> Option<usize> {
    card.config.classes.iter().position(|known| known == class)
}

/// What a recipe asks of an attribute, or the middle; of a morph to another recipe what lies between the two.
pub(super) fn asked(recipe: &Recipe, attribute: Attribute) -> f32 {
    let own = recipe.attributes.get(&attribute).copied().unwrap_or(0.5);
    match &recipe.edit.morph {
        Some(Morph { to: MorphEnd::Recipe(other), amount, .. }) => {
            let amount = *amount as f32;
            // Each end is met exactly.
            (1.0 - amount) * own + amount * asked(other, attribute)
        }
        _ => own,
    }
}
