//! What edits do to sounds, by the tiny model: its sounds mean nothing, but every byte counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::Device;

use super::*;
use crate::conditioning::Attribute;
use crate::model::{Model, tiny};

fn session(threads: usize) -> Session {
    let bytes = tiny::bytes(&tiny::two_stage_card()).unwrap();
    Session::new(Arc::new(Model::from_bytes("tiny", &bytes, &Device::Cpu).unwrap()), threads).unwrap()
}

fn kick(seed: u64) -> Request {
    Request { seed, class: Some("kick".into()), ..Request::default() }
}

fn snare(seed: u64) -> Request {
    Request { class: Some("snare".into()), ..kick(seed) }
}

fn edited(request: Request, edit: Edit) -> Request {
    Request { edit, ..request }
}

fn vary(seed: u64, amount: f64) -> Edit {
    Edit { vary: Some(Vary { seed, amount }), ..Edit::default() }
}

fn morph(to: MorphEnd, amount: f64) -> Edit {
    Edit { morph: Some(Morph { to, amount }), ..Edit::default() }
}

fn mix(parts: &[(&str, f64)]) -> Edit {
    let class_mix = parts.iter().map(|(class, weight)| ((*class).to_owned(), *weight)).collect();
    Edit { class_mix, ..Edit::default() }
}

fn render(session: &Session, request: &Request) -> crate::Result<Rendered> {
    session.render(request, &Cancel::default(), &|_, _| ())
}

fn sound(session: &Session, request: &Request) -> Vec<f32> {
    render(session, request).unwrap().clip.channels()[0].clone()
}

fn refusal(session: &Session, request: &Request) -> String {
    session.resolve(request).unwrap_err().to_string()
}

/// Root of the mean squared difference.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
    (squares.sum::<f64>() / a.len() as f64).sqrt()
}

/// One request for each kind of edit.
fn every_edit(session: &Session) -> Vec<Request> {
    let other = session.resolve(&edited(snare(9), vary(10, 0.5))).unwrap();
    let guided = Request { guidance: Some(2.0), ..kick(1) };
    vec![
        edited(kick(1), vary(2, 0.3)),
        edited(kick(1), morph(MorphEnd::Seed(2), 0.3)),
        edited(kick(1), morph(MorphEnd::Recipe(Box::new(other)), 0.6)),
        edited(kick(1), mix(&[("kick", 0.6), ("snare", 0.4)])),
        edited(guided, Edit { not_class: Some("snare".into()), ..Edit::default() }),
    ]
}

#[test]
fn the_ends_of_a_variation_are_the_two_seeds_to_the_byte() {
    let session = session(1);
    assert_eq!(sound(&session, &edited(kick(1), vary(2, 0.0))), sound(&session, &kick(1)));
    assert_eq!(sound(&session, &edited(kick(1), vary(2, 1.0))), sound(&session, &kick(2)));
}

#[test]
fn a_variation_departs_further_the_larger_its_amount() {
    let session = session(1);
    let original = sound(&session, &kick(1));
    let at = |amount| distance(&original, &sound(&session, &edited(kick(1), vary(2, amount))));
    let distances = [0.01, 0.03, 0.1, 0.3].map(at);
    assert!(distances[0] > 0.0 && distances.is_sorted(), "{distances:?}");
}

#[test]
fn the_ends_of_a_morph_are_the_two_recipes_to_the_byte() {
    let session = session(1);
    let bright = Request { attributes: BTreeMap::from([(Attribute::Brightness, 0.9)]), ..snare(5) };
    let to = MorphEnd::Recipe(Box::new(session.resolve(&bright).unwrap()));
    assert_eq!(sound(&session, &edited(kick(1), morph(to.clone(), 0.0))), sound(&session, &kick(1)));
    assert_eq!(sound(&session, &edited(kick(1), morph(to, 1.0))), sound(&session, &bright));
    assert_eq!(sound(&session, &edited(kick(1), morph(MorphEnd::Seed(7), 1.0))), sound(&session, &kick(7)));
}

#[test]
fn a_morph_between_morphs_ends_in_them() {
    let session = session(1);
    let inner = edited(kick(1), morph(MorphEnd::Seed(2), 0.5));
    let to = MorphEnd::Recipe(Box::new(session.resolve(&inner).unwrap()));
    assert_eq!(sound(&session, &edited(snare(3), morph(to, 1.0))), sound(&session, &inner));
}

#[test]
fn a_mix_of_one_class_is_that_class_and_of_two_is_neither() {
    let session = session(1);
    assert_eq!(sound(&session, &edited(kick(1), mix(&[("snare", 3.0)]))), sound(&session, &snare(1)));
    let both = sound(&session, &edited(kick(1), mix(&[("kick", 1.0), ("snare", 1.0)])));
    assert!(both != sound(&session, &kick(1)) && both != sound(&session, &snare(1)));
    let recipe = session.resolve(&edited(kick(1), mix(&[("kick", 0.4), ("snare", 0.6)]))).unwrap();
    assert_eq!(recipe.class.as_deref(), Some("snare"), "a mix is called by its heaviest class");
}

#[test]
fn what_it_shall_not_be_acts_through_guidance_and_needs_it() {
    let session = session(1);
    let guided = Request { guidance: Some(2.0), ..kick(1) };
    let away = |class: &str| {
        let edit = Edit { not_class: Some(class.into()), ..Edit::default() };
        sound(&session, &edited(guided.clone(), edit))
    };
    assert!(away("snare") != sound(&session, &guided));
    let unguided = edited(kick(1), Edit { not_class: Some("snare".into()), ..Edit::default() });
    let message = refusal(&session, &unguided);
    assert!(message.contains("away from snare is 1; need more than 1"), "{message}");
}

#[test]
fn every_edit_renders_the_same_bytes_from_its_recipe_on_any_number_of_threads_and_in_a_batch() {
    let (alone, three) = (session(1), session(3));
    let requests = every_edit(&alone);
    let expected: Vec<_> = requests.iter().map(|request| sound(&alone, request)).collect();
    let many = three.render_many(&requests, &Cancel::default(), &|_, _| ());
    for ((request, expected), many) in requests.iter().zip(&expected).zip(many) {
        let recipe = Recipe::from_json(&alone.resolve(request).unwrap().to_json()).unwrap();
        assert_eq!(recipe.version, 2);
        alone.check_recipe(&recipe).unwrap();
        let many = many.unwrap();
        assert_eq!((&many.clip.channels()[0], &many.recipe), (expected, &recipe));
        assert_eq!(&sound(&three, &recipe.request()), expected, "{request:?}");
    }
}

#[test]
fn a_recipe_without_an_edit_is_what_earlier_builds_wrote() {
    let recipe = session(1).resolve(&kick(1)).unwrap();
    assert_eq!(recipe.version, 1);
    assert!(!recipe.to_json().contains("edit"), "{}", recipe.to_json());
}

#[test]
fn what_an_edit_cannot_be_is_named() {
    let session = session(1);
    let refused = |edit| refusal(&session, &edited(kick(1), edit));
    assert_eq!(refused(vary(2, 1.5)), "the amount of variation is 1.5; need 0..=1");
    assert_eq!(refused(morph(MorphEnd::Seed(2), f64::NAN)), "the amount of morphing is NaN; need 0..=1");
    assert_eq!(refused(mix(&[("kick", 0.0)])), "the weight of class kick is 0; need 0.000001..=1000000");
    assert!(refused(mix(&[("kik", 1.0)])).contains("did you mean \"kick\"?"));
    let stranger = Recipe { model_hash: "0".repeat(64), ..session.resolve(&kick(1)).unwrap() };
    assert!(refused(morph(MorphEnd::Recipe(Box::new(stranger)), 0.5)).contains("tiny (000000000000)"));
    let nest = |recipe: Recipe, _| Recipe { edit: morph(MorphEnd::Recipe(Box::new(recipe.clone())), 0.5), ..recipe };
    let deep = (0..20).fold(session.resolve(&kick(1)).unwrap(), nest);
    assert!(refused(deep.edit).contains("recipes within this one is 20; need 0..=16"));
}

#[test]
fn the_deepest_recipe_can_be_read_back() {
    let session = session(1);
    let nest = |recipe: Recipe, _| Recipe { edit: morph(MorphEnd::Recipe(Box::new(recipe.clone())), 0.5), ..recipe };
    let deep = (0..16).fold(session.resolve(&kick(1)).unwrap(), nest);
    let resolved = session.resolve(&deep.request()).unwrap();
    assert_eq!(Recipe::from_json(&resolved.to_json()).unwrap(), resolved);
}
