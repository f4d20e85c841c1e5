//! The instrument without a host: what its wiring promises.

use std::time::Duration;

use nice_plug::params::persist::PersistentField;

use super::*;
use crate::engine::Place;
use crate::generation::{Command, Kind, Target};
use crate::state::Take;

/// Longer than anything here takes, on the slowest machine.
const LONG: Duration = Duration::from_secs(300);

fn state(fields: &[(&str, &str)]) -> PluginState {
    let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    PluginState { version: "0.1.0".into(), params: Default::default(), fields }
}

#[test]
fn a_state_without_readable_sounds_says_so_and_others_pass_untouched() {
    let prepared = |mut state: PluginState| {
        prepare_state(&mut state);
        state.fields[PATCH_FIELD].clone()
    };
    assert_eq!(prepared(state(&[])), "null");
    assert_eq!(prepared(state(&[(PATCH_FIELD, "{\"version\":")])), "null");
    assert_eq!(prepared(state(&[(PATCH_FIELD, "{\"version\":1}")])), "{\"version\":1}");
}

#[test]
fn the_field_is_known_by_the_name_that_states_use() {
    let fields = BrownianParams::default().serialize_fields();
    assert!(fields[PATCH_FIELD].starts_with("{\"favourites\":[],\"model\":\"drums\","));
}

#[test]
fn a_press_renders_a_sound_that_another_instance_loads_to_the_bit() {
    let mut plugin = Brownian::default();
    let built_in = plugin.params.patch.0.patch();
    let mut order = plugin.params.order();
    order.settings.steps = 1;
    plugin.orders.push(order).unwrap();
    assert!(plugin.params.patch.0.wait_until_done(LONG));
    let rendered = plugin.params.patch.0.patch();
    let take = rendered.get(Place::Keys).unwrap();
    assert!(!Arc::ptr_eq(take, built_in.get(Place::Keys).unwrap()), "still the built-in sound");
    let other = Brownian::default();
    plugin.params.patch.map(|saved| other.params.patch.set(saved.clone()));
    assert!(other.params.patch.0.wait_until_loaded(LONG));
    let loaded = other.params.patch.0.patch();
    assert_eq!(loaded.get(Place::Keys).unwrap().sound(), take.sound());
    assert_eq!(loaded.get(Place::Keys).unwrap().recipe(), take.recipe());
}

#[test]
fn the_texts_of_classes_are_those_of_the_chosen_model() {
    let plugin = Brownian::default();
    let class = &plugin.params.generation.class;
    let text_after = |model: &str| {
        plugin.params.patch.0.send(Command::Model(model.into()));
        assert!(plugin.params.patch.0.wait_until_done(LONG));
        class.normalized_value_to_string(class.preview_normalized(5), true)
    };
    assert_eq!(text_after("drums"), "kick");
    // A model that cannot be read names nothing.
    assert_eq!(text_after("no-such"), "class 5");
    assert_eq!(text_after("drums"), "kick");
}

/// Has `kind` made on the keyboard, in one step.
fn made(plugin: &Brownian, kind: Kind) -> Arc<Take> {
    let mut order = plugin.params.order_of(kind);
    order.settings.steps = 1;
    let mailbox = &plugin.params.patch.0;
    mailbox.send(Command::Order(order));
    assert!(mailbox.wait_until_done(LONG));
    let view = mailbox.view();
    assert_eq!(view.message, None);
    view.patch.get(Place::Keys).unwrap().clone()
}

#[test]
fn a_sound_is_varied_morphed_undone_and_kept() {
    let plugin = Brownian::default();
    let mailbox = &plugin.params.patch.0;
    let (first, near) = (made(&plugin, Kind::Roll), made(&plugin, Kind::Vary));
    assert!(first.seed() == near.seed() && first.sound() != near.sound());
    mailbox.send(Command::Slot { slot: 0, place: Place::Keys });
    let other = made(&plugin, Kind::Roll);
    mailbox.send(Command::Slot { slot: 1, place: Place::Keys });
    let between = made(&plugin, Kind::Morph);
    assert!(between.sound() != near.sound() && between.sound() != other.sound());
    mailbox.send(Command::Favour(between));
    mailbox.send(Command::Undo(Target::One(Place::Keys)));
    assert!(mailbox.wait_until_done(LONG));
    let view = mailbox.view();
    assert!(Arc::ptr_eq(view.patch.get(Place::Keys).unwrap(), &other));
    assert_eq!((view.patch.favourites().len(), view.patch.history(Place::Keys).1), (1, Some(3)));
}
