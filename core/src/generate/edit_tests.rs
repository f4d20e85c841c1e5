//! What edits do to sounds, by the tiny model: its sounds mean nothing, but every byte counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::Device;

use super::*;
use crate::audio::{Clip, WavFormat, WavInfo, wav_bytes};
use crate::conditioning::Attribute;
use crate::generate::Loop;
use crate::model::{Card, Model, tiny};

fn session(threads: usize) -> Session {
    session_of(&tiny::two_stage_card(), threads)
}

fn session_of(card: &Card, threads: usize) -> Session {
    let bytes = tiny::bytes(card).unwrap();
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
    Edit { morph: Some(Morph { from: None, to, amount }), ..Edit::default() }
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

/// A file that rings down from its first sample on, 0.25 s long: twice the model's clips.
fn ring(folder: &tempfile::TempDir) -> SoundFile {
    let samples = (0..4000).map(|i| (-0.002 * i as f32).exp() * (0.3 * i as f32).cos()).collect();
    let (path, clip) = (folder.path().join("ring.wav"), Clip::mono(samples, 16_000).unwrap());
    std::fs::write(&path, wav_bytes(&clip, WavFormat::Wav32f, &WavInfo::default()).unwrap()).unwrap();
    SoundFile::new(path)
}

fn init(file: &SoundFile, noise_level: f64) -> Edit {
    Edit { init: Some(Init { file: file.clone(), noise_level }), ..Edit::default() }
}

fn inpaint(file: &SoundFile, masks: &[[f64; 2]]) -> Edit {
    Edit { inpaint: Some(Inpaint { file: file.clone(), masks: masks.to_vec() }), ..Edit::default() }
}

/// One request for each kind of edit.
fn every_edit(session: &Session, file: &SoundFile) -> Vec<Request> {
    let other = session.resolve(&edited(snare(9), vary(10, 0.5))).unwrap();
    let guided = Request { guidance: Some(2.0), ..kick(1) };
    let looped = Request { looped: Some(Loop::default()), ..kick(1) };
    vec![
        edited(kick(1), vary(2, 0.3)),
        edited(kick(1), morph(MorphEnd::Seed(2), 0.3)),
        edited(kick(1), morph(MorphEnd::Recipe(Box::new(other)), 0.6)),
        edited(kick(1), mix(&[("kick", 0.6), ("snare", 0.4)])),
        edited(guided, Edit { not_class: Some("snare".into()), ..Edit::default() }),
        edited(kick(1), init(file, 0.3)),
        edited(kick(1), morph(MorphEnd::File(file.clone()), 0.3)),
        edited(
            kick(1),
            Edit {
                morph: Some(Morph { from: Some(file.clone()), to: MorphEnd::Seed(4), amount: 0.3 }),
                ..Edit::default()
            },
        ),
        // Two windows: one cannot hold both masks.
        edited(kick(1), inpaint(file, &[[0.02, 0.05], [0.2, 0.25]])),
        edited(looped.clone(), morph(MorphEnd::File(file.clone()), 0.3)),
        edited(looped, inpaint(file, &[[0.02, 0.05], [0.2, 0.25]])),
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
    let distances = [0.003, 0.01, 0.03, 0.1].map(at);
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
fn a_morph_ends_in_what_the_other_recipe_asks_of_attack_and_loudness_too() {
    let mut card = tiny::two_stage_card();
    card.config.attributes = Attribute::ONE_SHOT.into();
    let session = session_of(&card, 1);
    let asking = |request: Request, attack, loudness| Request {
        attributes: BTreeMap::from([(Attribute::Attack, attack), (Attribute::Loudness, loudness)]),
        ..request
    };
    let (soft, loud) = (asking(kick(1), 0.9, 0.1), asking(snare(5), 0.1, 0.9));
    let to = MorphEnd::Recipe(Box::new(session.resolve(&loud).unwrap()));
    assert_eq!(sound(&session, &edited(soft.clone(), morph(to.clone(), 0.0))), sound(&session, &soft));
    assert_eq!(sound(&session, &edited(soft, morph(to, 1.0))), sound(&session, &loud));
    assert_ne!(sound(&session, &loud), sound(&session, &snare(5)));
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
    let (alone, three, folder) = (session(1), session(3), tempfile::tempdir().unwrap());
    let requests = every_edit(&alone, &ring(&folder));
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
fn progress_counts_every_call_of_every_edit() {
    let (session, folder) = (session(1), tempfile::tempdir().unwrap());
    for request in every_edit(&session, &ring(&folder)) {
        let told = std::sync::Mutex::new(Vec::new());
        session.render(&request, &Cancel::default(), &|done, total| told.lock().unwrap().push((done, total))).unwrap();
        let told = told.into_inner().unwrap();
        let total = told[0].1;
        let expected: Vec<_> = (1..=total).map(|done| (done, total)).collect();
        assert_eq!(told, expected, "{request:?}");
    }
}

#[test]
fn the_noise_of_a_file_is_found_once_for_all_clips_of_a_session() {
    let (session, folder) = (session(1), tempfile::tempdir().unwrap());
    let file = ring(&folder);
    let calls = |seed| {
        let told = std::sync::Mutex::new((0, 0));
        let request = edited(kick(seed), morph(MorphEnd::File(file.clone()), 0.3));
        session.render(&request, &Cancel::default(), &|done, total| *told.lock().unwrap() = (done, total)).unwrap();
        told.into_inner().unwrap()
    };
    let (first, second) = (calls(1), calls(2));
    // Two stages, each upwards in 31 steps of two calls.
    assert_eq!((first.0, second.0), (first.1, first.1 - 124));
    // Another class means another noise.
    let other = edited(snare(1), morph(MorphEnd::File(file.clone()), 0.3));
    let fresh = sound(&self::session(1), &other);
    assert_eq!(sound(&session, &other), fresh);
}

#[test]
fn all_noise_ignores_the_file_and_little_of_it_stays_near() {
    let (session, folder) = (session(1), tempfile::tempdir().unwrap());
    let file = ring(&folder);
    assert_eq!(sound(&session, &edited(kick(1), init(&file, 1.0))), sound(&session, &kick(1)));
    let none = sound(&session, &edited(kick(1), init(&file, 0.0)));
    let at = |level| distance(&none, &sound(&session, &edited(kick(1), init(&file, level))));
    let distances = [0.01, 0.5].map(at);
    assert!(distances[0] > 0.0 && distances.is_sorted(), "{distances:?}");
}

#[test]
fn a_morph_from_a_file_starts_with_it_and_to_a_file_ends_in_it() {
    let (session, folder) = (session(1), tempfile::tempdir().unwrap());
    let file = ring(&folder);
    let from = |amount| Edit {
        morph: Some(Morph { from: Some(file.clone()), to: MorphEnd::Seed(4), amount }),
        ..Edit::default()
    };
    let end = sound(&session, &edited(kick(1), morph(MorphEnd::File(file.clone()), 1.0)));
    // Phases of cells without sound come from the seed, which is the same.
    assert_eq!(sound(&session, &edited(kick(1), from(0.0))), end);
    assert_eq!(sound(&session, &edited(kick(1), from(1.0))), sound(&session, &kick(4)));
}

#[test]
fn outside_of_masks_every_sample_is_the_files_with_one_stage_and_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let file = ring(&folder);
    let original = sounds::Sounds::new(16_000).samples(&file).unwrap();
    for card in [tiny::two_stage_card(), tiny::one_stage_card()] {
        let session = session_of(&card, 1);
        let painted = sound(&session, &edited(kick(1), inpaint(&file, &[[0.02, 0.05], [0.2, 0.25]])));
        assert_eq!(painted.len(), 4000);
        assert_eq!((&painted[..320], &painted[800..3200]), (&original[..320], &original[800..3200]));
        assert_ne!(painted[400..700], original[400..700]);
        assert_ne!(painted[3300..3900], original[3300..3900]);
    }
}

#[test]
fn masks_are_kept_in_order_and_those_that_touch_are_one() {
    let (session, folder) = (session(1), tempfile::tempdir().unwrap());
    let masks = [[0.1, 0.12], [0.02, 0.03], [0.03, 0.05]];
    let recipe = session.resolve(&edited(kick(1), inpaint(&ring(&folder), &masks))).unwrap();
    assert_eq!(recipe.edit.inpaint.unwrap().masks, [[0.02, 0.05], [0.1, 0.12]]);
    assert_eq!(recipe.duration_s, 0.25, "a sound that is inpainted is as long as its file");
}

#[test]
fn a_render_of_a_file_stops_within_one_step_of_the_wish() {
    let (session, folder, cancel) = (session(1), tempfile::tempdir().unwrap(), Cancel::default());
    let request = edited(kick(1), morph(MorphEnd::File(ring(&folder)), 0.5));
    let calls = std::sync::Mutex::new(0);
    let result = session.render(&request, &cancel, &|done, _| {
        *calls.lock().unwrap() = done;
        // In the middle of the first inversion.
        if done == 7 {
            cancel.cancel();
        }
    });
    assert!(result.is_err());
    assert_eq!(calls.into_inner().unwrap(), 7);
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
