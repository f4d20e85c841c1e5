use super::*;
use crate::conditioning::Attribute;
use crate::diffusion::Sampler;
use crate::model::{Card, tiny};
use candle_core::Device;
use std::collections::{BTreeMap, BTreeSet};

fn model(card: &Card) -> Arc<Model> {
    Arc::new(Model::from_bytes("tiny", &tiny::bytes(card).unwrap(), &Device::Cpu).unwrap())
}

fn session(threads: usize) -> Session {
    Session::new(model(&tiny::two_stage_card()), threads).unwrap()
}

fn request(seed: u64) -> Request {
    Request { seed, ..Request::default() }
}

fn render(session: &Session, request: &Request) -> Result<Rendered> {
    session.render(request, &Cancel::default(), &|_, _| ())
}

fn samples(rendered: &Rendered) -> Vec<u32> {
    rendered.clip.channels()[0].iter().map(|sample| sample.to_bits()).collect()
}

fn message<E: std::fmt::Display>(result: Result<impl Sized, E>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_clip_has_the_models_rate_and_length_and_is_not_silent() {
    for card in [tiny::two_stage_card(), tiny::one_stage_card()] {
        let rendered = render(&Session::new(model(&card), 1).unwrap(), &request(1)).unwrap();
        assert_eq!((rendered.clip.sample_rate(), rendered.clip.num_frames()), (16_000, 2048));
        assert_eq!(rendered.clip.num_channels(), 1);
        let peak = rendered.clip.channels()[0].iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(peak > 1e-4, "{peak}");
    }
}

#[test]
fn a_clip_is_the_same_bytes_for_any_batch_and_any_number_of_threads() {
    let requests: Vec<Request> = (0..5).map(request).collect();
    let alone = session(1);
    let expected: Vec<_> = requests.iter().map(|request| samples(&render(&alone, request).unwrap())).collect();
    assert_eq!(expected.iter().collect::<BTreeSet<_>>().len(), 5, "every seed is another sound");
    for threads in [1, 2, 3] {
        let session = session(threads);
        for batch in [1, 2, 5] {
            let chunks = requests.chunks(batch);
            let many = chunks.flat_map(|chunk| session.render_many(chunk, &Cancel::default(), &|_, _| ()));
            let found: Vec<_> = many.map(|rendered| samples(&rendered.unwrap())).collect();
            assert!(found == expected, "{threads} threads, batches of {batch}");
        }
    }
}

#[test]
fn a_recipe_renders_the_same_bytes_again() {
    let session = session(2);
    let asked = Request {
        attributes: BTreeMap::from([(Attribute::Brightness, 0.3)]),
        sampler: Some(Sampler::Heun),
        guidance: Some(2.0),
        duration_s: Some(0.1),
        ..request(11)
    };
    let first = render(&session, &asked).unwrap();
    let recipe = Recipe::from_json(&first.recipe.to_json()).unwrap();
    session.check_recipe(&recipe).unwrap();
    let again = render(&session, &recipe.request()).unwrap();
    assert_eq!((samples(&again), &again.recipe), (samples(&first), &first.recipe));
    assert_eq!(first.clip.num_frames(), 1600);
}

#[test]
fn every_part_of_a_request_changes_the_sound() {
    let session = session(1);
    let kick = Request { class: Some("kick".into()), ..request(3) };
    let variations = [
        kick.clone(),
        Request { class: Some("snare".into()), ..kick.clone() },
        Request { seed: 4, ..kick.clone() },
        Request { attributes: BTreeMap::from([(Attribute::Brightness, 0.0)]), ..kick.clone() },
        Request { attributes: BTreeMap::from([(Attribute::Brightness, 1.0)]), ..kick.clone() },
        Request { steps: Some(3), ..kick.clone() },
        Request { sampler: Some(Sampler::Euler), ..kick.clone() },
        Request { guidance: Some(3.0), ..kick },
    ];
    let sounds: BTreeSet<_> = variations.iter().map(|request| samples(&render(&session, request).unwrap())).collect();
    assert_eq!(sounds.len(), variations.len());
}

#[test]
fn a_shorter_clip_is_the_start_of_the_longer_one_with_a_fade() {
    let session = session(1);
    let long = samples(&render(&session, &request(5)).unwrap());
    let short = samples(&render(&session, &Request { duration_s: Some(0.0625), ..request(5) }).unwrap());
    assert_eq!(short.len(), 1000);
    // 5 ms of fade are 80 samples.
    assert_eq!(short[..920], long[..920]);
    assert_eq!(f32::from_bits(short[999]), 0.0);
}

#[test]
fn an_absent_class_is_drawn_from_the_seed_and_every_class_comes_up() {
    let session = session(1);
    let class = |seed| session.resolve(&request(seed)).unwrap().class.unwrap();
    let drawn: BTreeSet<String> = (0..20).map(class).collect();
    assert_eq!(drawn, BTreeSet::from(["kick".to_owned(), "snare".to_owned()]));
    assert_eq!(class(7), class(7));
}

#[test]
fn defaults_are_the_models_own() {
    let recipe = session(1).resolve(&request(1)).unwrap();
    assert_eq!((recipe.steps, recipe.sampler, recipe.guidance), (4, Sampler::DpmPp2m, 1.0));
    assert_eq!(recipe.duration_s, 0.128);
    assert_eq!((recipe.model.as_str(), recipe.model_hash.len()), ("tiny", 64));
}

#[test]
fn progress_counts_every_call_of_both_stages() {
    let told = Mutex::new(Vec::new());
    let on_step = |done, total| told.lock().unwrap().push((done, total));
    let asked = Request { sampler: Some(Sampler::Heun), steps: Some(3), ..request(1) };
    session(2).render(&asked, &Cancel::default(), &on_step).unwrap();
    // Two stages of 2 * 3 - 1 calls.
    let expected: Vec<_> = (1..=10).map(|done| (done, 10)).collect();
    assert_eq!(told.into_inner().unwrap(), expected);
}

#[test]
fn a_render_stops_within_one_step_of_the_wish() {
    let cancel = Cancel::default();
    let calls = AtomicUsize::new(0);
    let on_step = |done, _| {
        calls.store(done, Ordering::Relaxed);
        if done == 3 {
            cancel.cancel();
        }
    };
    let result = session(1).render(&request(1), &cancel, &on_step);
    assert!(matches!(result, Err(crate::Error::Generate(GenerateError::Cancelled))));
    assert_eq!(calls.into_inner(), 3);
}

#[test]
fn cancelling_a_batch_ends_what_is_left_and_keeps_what_is_done() {
    let cancel = Cancel::default();
    let requests: Vec<Request> = (0..6).map(request).collect();
    let results = session(1).render_many(&requests, &cancel, &|idx, _| {
        if idx == 1 {
            cancel.cancel();
        }
    });
    let done: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, true, false, false, false, false]);
}

#[test]
fn one_bad_request_fails_alone() {
    let requests = [request(1), Request { steps: Some(0), ..request(2) }, request(3)];
    let results = session(2).render_many(&requests, &Cancel::default(), &|_, _| ());
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert!(session(2).render_many(&[], &Cancel::default(), &|_, _| ()).is_empty());
}

#[test]
fn unknown_classes_list_the_valid_ones_and_the_nearest() {
    let asked = Request { class: Some("kik".into()), ..request(1) };
    let found = message(session(1).resolve(&asked));
    assert_eq!(found, "unknown class \"kik\" (did you mean \"kick\"?); model tiny has: kick, snare");
}

#[test]
fn attributes_that_nobody_knows_or_that_were_not_trained_are_refused() {
    let found = message(super::super::attribute("brightnes"));
    assert!(found.contains("did you mean \"brightness\"?") && found.contains("noisiness"), "{found}");
    let asked = Request { attributes: BTreeMap::from([(Attribute::Decay, 0.5)]), ..request(1) };
    assert_eq!(message(session(1).resolve(&asked)), "unknown attribute \"decay\"; model tiny follows: brightness");
}

#[test]
fn numbers_out_of_range_are_named_with_their_range() {
    let session = session(1);
    let refused = |change: fn(&mut Request)| {
        let mut asked = request(1);
        change(&mut asked);
        message(session.resolve(&asked))
    };
    assert_eq!(refused(|r| r.steps = Some(0)), "steps is 0; need 1..=1000");
    assert_eq!(refused(|r| r.steps = Some(1001)), "steps is 1001; need 1..=1000");
    assert_eq!(refused(|r| r.guidance = Some(f64::NAN)), "guidance is NaN; need 0..=20");
    assert_eq!(refused(|r| r.pitch = Some(60.0)), "model tiny does not follow pitch; leave the pitch out");
    for duration in [0.0, -1.0, 1e9, f64::NAN, f64::INFINITY] {
        let mut asked = request(1);
        asked.duration_s = Some(duration);
        let found = message(session.resolve(&asked));
        assert!(found.starts_with("duration is") && found.contains("0.001..=3600 s"), "{found}");
    }
    let bright = refused(|r| r.attributes = BTreeMap::from([(Attribute::Brightness, 1.5)]));
    assert_eq!(bright, "brightness is 1.5; need 0..=1");
}

#[test]
fn a_recipe_of_another_model_is_refused() {
    let session = session(1);
    let recipe = session.resolve(&request(1)).unwrap();
    let other = Recipe { model_hash: "0".repeat(64), ..recipe };
    assert!(message(session.check_recipe(&other)).contains("tiny (000000000000)"));
}

#[test]
fn guidance_of_zero_ignores_the_class() {
    // A single stage, whose maps are equal for both classes: the class can only act through the network.
    let session = Session::new(model(&tiny::one_stage_card()), 1).unwrap();
    let sound = |class: &str, guidance| {
        let asked = Request { class: Some(class.into()), guidance: Some(guidance), ..request(2) };
        samples(&render(&session, &asked).unwrap())
    };
    assert_eq!(sound("kick", 0.0), sound("snare", 0.0));
    assert_ne!(sound("kick", 1.0), sound("snare", 1.0));
}

/// How much faster samples change than they are large: larger, the brighter a sound.
fn change(rendered: &Rendered) -> f64 {
    let samples = &rendered.clip.channels()[0];
    let power = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x * x)).sum::<f64>();
    power(&mut samples.windows(2).map(|pair| pair[1] - pair[0])) / power(&mut samples.iter().copied())
}

#[test]
fn a_texture_is_as_bright_as_it_was_asked_to_be_as_a_window_a_loop_and_a_long_sound() {
    // A network that has learnt nothing does a few percent of it, either way: the rest is done to the levels.
    let session = Session::new(model(&tiny::texture_card()), 1).unwrap();
    for (looped, duration_s) in [(None, None), (Some(crate::generate::Loop::default()), Some(0.4)), (None, Some(0.4))] {
        let at = |brightness: f32| {
            let attributes = BTreeMap::from([(Attribute::Brightness, brightness)]);
            change(&render(&session, &Request { attributes, looped, duration_s, ..request(3) }).unwrap())
        };
        let [dark, bright] = [0.0, 1.0].map(at);
        assert!(bright > 1.1 * dark, "{looped:?} {duration_s:?}: {dark} {bright}");
    }
}
