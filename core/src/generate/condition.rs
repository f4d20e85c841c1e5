//! What the networks are told of a recipe.

use super::edit::{Morph, MorphEnd};
use super::recipe::Recipe;
use crate::conditioning::{Attribute, Blend, Condition, NUM_PLACES};
use crate::model::{Card, ModelConfig};

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
    attributes[Attribute::Brightness.place()] = own_brightness(recipe, &card.config);
    let with_class = |class| Condition { class, attributes, pitch: recipe.pitch };
    let mix = &recipe.edit.class_mix;
    if mix.is_empty() {
        return with_class(recipe.class.as_ref().and_then(|class| index(class, card))).into();
    }
    Blend::new(mix.iter().map(|(class, weight)| (*weight as f32, with_class(index(class, card)))))
}

/// The brightness that a recipe means: the asked one as the card takes it, whose ends stay and whose middle is the card's. Where none
/// is asked for a sound that comes out of noise means the middle, if that is another; what comes of a file is as bright as the file.
fn own_brightness(recipe: &Recipe, config: &ModelConfig) -> Option<f32> {
    let middle = config.sampling.brightness;
    let asked = recipe.attributes.get(&Attribute::Brightness).copied();
    if middle == 0.5 {
        return asked;
    }
    let unasked = recipe.edit.is_of_noise().then_some(0.5);
    asked.or(unasked).map(|asked| libm::powf(asked, -libm::log2f(middle as f32)))
}

/// The brightness that is done to the spectrum: what the recipe means, or nothing; of a morph to another recipe what lies between.
pub(super) fn meant_brightness(recipe: &Recipe, config: &ModelConfig) -> f32 {
    let own = own_brightness(recipe, config).unwrap_or(0.5);
    between_ends(recipe, own, |other| meant_brightness(other, config))
}

fn index(class: &str, card: &Card) -> Option<usize> {
    card.config.classes.iter().position(|known| known == class)
}

/// What a recipe asks of an attribute, or the middle; of a morph to another recipe what lies between the two.
pub(super) fn asked(recipe: &Recipe, attribute: Attribute) -> f32 {
    let own = recipe.attributes.get(&attribute).copied().unwrap_or(0.5);
    between_ends(recipe, own, |other| asked(other, attribute))
}

/// What lies between a recipe's own value and that of the recipe that it morphs to.
fn between_ends(recipe: &Recipe, own: f32, of: impl Fn(&Recipe) -> f32) -> f32 {
    match &recipe.edit.morph {
        Some(Morph { to: MorphEnd::Recipe(other), amount, .. }) => {
            let amount = *amount as f32;
            // Each end is met exactly.
            (1.0 - amount) * own + amount * of(other)
        }
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::super::edit::Init;
    use super::super::sound_file::SoundFile;
    use super::*;
    use crate::model::tiny;

    fn recipe(more: &str) -> Recipe {
        let own = r#""version": 1, "model": "rain", "model_hash": "", "seed": 1, "steps": 4, "sampler": "dpmpp-2m",
            "guidance": 1.5, "duration_s": 1.0"#;
        serde_json::from_str(&format!("{{ {own} {more} }}")).unwrap()
    }

    fn told(recipe: &Recipe, card: &Card) -> Option<f32> {
        own_condition(recipe, card).parts()[0].1.attributes[Attribute::Brightness.place()]
    }

    #[test]
    fn where_the_middle_of_brightness_is_asked_for_or_none_the_card_s_is_meant() {
        let mut card = tiny::texture_card();
        let asked = |value: f32| recipe(&format!(r#", "attributes": {{ "brightness": {value} }}"#));
        assert_eq!((told(&recipe(""), &card), told(&asked(0.3), &card)), (None, Some(0.3)));
        card.config.sampling.brightness = 0.75;
        assert_eq!([0.0, 0.5, 1.0].map(|value| told(&asked(value), &card)), [0.0, 0.75, 1.0].map(Some));
        assert_eq!(told(&recipe(""), &card), Some(0.75));
    }

    #[test]
    fn what_comes_of_a_file_is_as_bright_as_the_file() {
        let mut card = tiny::texture_card();
        card.config.sampling.brightness = 0.75;
        let mut recipe = recipe("");
        let file = SoundFile::new("rain.wav");
        let meant = |recipe: &Recipe| (told(recipe, &card), meant_brightness(recipe, &card.config));
        assert_eq!(meant(&recipe), (Some(0.75), 0.75));
        recipe.edit.init = Some(Init { file: file.clone(), noise_level: 0.3 });
        assert_eq!(meant(&recipe), (None, 0.5));
        recipe.edit.init = None;
        recipe.edit.morph = Some(Morph { from: None, to: MorphEnd::File(file), amount: 0.5 });
        assert_eq!(meant(&recipe), (None, 0.5));
    }
}
