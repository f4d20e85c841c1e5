//! Sounds of two channels.

use std::sync::{Arc, Mutex};

use candle_core::Device;

use super::field::turn;
use super::{Cancel, Edit, FileRecipe, Finish, Loop, Recipe, Rendered, Request, Session};
use crate::error::Result;
use crate::model::{Card, Model, tiny};
use crate::noise::{NoiseStream, Seed};

fn session(card: &Card, threads: usize) -> Session {
    let model = Model::from_bytes("tiny", &tiny::bytes(card).unwrap(), &Device::Cpu).unwrap();
    Session::new(Arc::new(model), threads).unwrap()
}

fn request(width: Option<f64>) -> Request {
    Request {
        seed: 4,
        class: Some("kick".into()),
        steps: Some(2),
        edit: Edit { width, ..Edit::default() },
        ..Request::default()
    }
}

fn render(session: &Session, request: &Request) -> Result<Rendered> {
    session.render(request, &Cancel::default(), &|_, _| ())
}

fn refused(request: &Request) -> String {
    session(&tiny::texture_card(), 1).resolve(request).map(drop).unwrap_err().to_string()
}

/// Mean of `a * b` over the root of their powers.
fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

#[test]
fn noise_that_is_turned_is_as_strong_and_correlates_with_itself_by_the_cosine() {
    let mut field = vec![0.0; 20_000];
    NoiseStream::new(Seed(1), "field", 0).fill_normal(&mut field);
    for (width, cosine) in [(0.0, 1.0), (1.0 / 3.0, 0.866), (1.0, 0.0)] {
        let mut turned = field.clone();
        let mut side = NoiseStream::new(Seed(1), "field side", 0);
        turn(&mut turned, width, std::iter::repeat_with(|| side.normal()));
        let power = turned.iter().map(|x| x * x).sum::<f32>() / 20_000.0;
        // Of 20,000 values a mean is off by 0.7 %, a mean square by 1 %.
        assert!((power - 1.0).abs() < 0.04 && (correlation(&field, &turned) - cosine).abs() < 0.03, "{width}");
    }
}

#[test]
fn both_channels_together_are_the_sound_itself_and_differ() {
    for card in [tiny::two_stage_card(), tiny::one_stage_card(), tiny::texture_card()] {
        let session = session(&card, 1);
        let mono = render(&session, &request(None)).unwrap().clip;
        let wide = render(&session, &request(Some(0.5))).unwrap().clip;
        let [left, right] = wide.channels() else { panic!("{} channels", wide.num_channels()) };
        assert_ne!(left, right);
        let sum: Vec<f32> = left.iter().zip(right).map(|(l, r)| l + r).collect();
        assert!(correlation(&sum, &mono.channels()[0]) > 0.9999);
    }
}

#[test]
fn a_width_of_0_is_one_channel_and_no_edit() {
    let none = render(&session(&tiny::one_stage_card(), 1), &request(Some(0.0))).unwrap();
    assert_eq!((none.clip.num_channels(), none.recipe.version, none.recipe.edit.width), (1, 1, None));
}

#[test]
fn loops_and_textures_that_go_on_have_two_channels_for_any_number_of_threads() {
    for (looped, duration_s) in [(Some(Loop::default()), 0.3), (None, 0.4)] {
        let asked = Request { looped, duration_s: Some(duration_s), ..request(Some(0.4)) };
        let [one, three] = [1, 3].map(|threads| render(&session(&tiny::texture_card(), threads), &asked).unwrap().clip);
        assert_eq!(one, three);
        assert_eq!((one.num_channels(), one.num_frames()), (2, (duration_s * 16_000.0) as usize));
        assert_ne!(one.channels()[0], one.channels()[1]);
    }
}

#[test]
fn a_recipe_says_the_width_and_gives_the_same_sound_again() {
    let session = session(&tiny::two_stage_card(), 1);
    let made = render(&session, &request(Some(0.25))).unwrap();
    let read = Recipe::from_json(&made.recipe.to_json()).unwrap();
    assert_eq!((read.version, read.edit.width), (3, Some(0.25)));
    assert_eq!(render(&session, &read.request()).unwrap().clip, made.clip);
}

#[test]
fn progress_counts_the_calls_of_both_sounds() {
    for duration_s in [None, Some(0.4)] {
        let told = Mutex::new(Vec::new());
        let asked = Request { duration_s, ..request(Some(0.3)) };
        let session = session(&tiny::texture_card(), 1);
        session.render(&asked, &Cancel::default(), &|done, total| told.lock().unwrap().push((done, total))).unwrap();
        let told = told.into_inner().unwrap();
        assert_eq!(told.last(), Some(&(told.len(), told.len())));
    }
}

#[test]
fn a_file_of_one_channel_is_no_place_for_two() {
    let recipe = session(&tiny::one_stage_card(), 1).resolve(&request(Some(0.5))).unwrap();
    let file = |channels| FileRecipe { recipe: recipe.clone(), finish: Finish { channels, ..Finish::plain(16_000) } };
    let message = file(1).validate().unwrap_err().to_string();
    assert!(message.contains("number of channels is 1; need 2"), "{message}");
    file(2).validate().unwrap();
}

#[test]
fn what_two_channels_cannot_be_is_refused_by_name() {
    assert_eq!(refused(&request(Some(1.5))), "the width of a stereo sound is 1.5; need 0..=1");
    let long = Request { duration_s: Some(61.0), ..request(Some(0.5)) };
    assert_eq!(refused(&long), "the duration of a sound with a width is 61 s; need 60 s at most, or no width");
    let asked = request(Some(0.5));
    let streamed = session(&tiny::texture_card(), 1).stream(&asked, &Cancel::default(), &|_, _| (), &mut |_| Ok(()));
    let message = streamed.map(drop).unwrap_err().to_string();
    assert_eq!(message, "the width of a sound that comes in pieces is 0.5; need none: render it whole");
}
