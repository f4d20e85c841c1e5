//! Trainings of notes.

use std::path::Path;
use std::sync::Arc;

use brownian_core::dataset::Dataset;
use brownian_core::generate::{Cancel, Loop, Request, Session};
use brownian_core::metrics::pitch;
use brownian_core::model::Model;
use brownian_core::noise::{NoiseStream, Seed};
use brownian_core::train::{Hardware, TrainConfig, Trainer};
use candle_core::Device;

use crate::toy::{SAMPLE_RATE, config, identity, train, write_wav};

/// Decaying notes of one class on the keys 72 to 95, eight partials each, and the manifest that names their pitches.
fn write_notes(root: &Path) {
    let mut manifest = "path,class,pitch,group\n".to_owned();
    for key in 72..96 {
        let hz = 440.0 * ((key as f32 - 69.0) / 12.0).exp2();
        let mut noise = NoiseStream::new(Seed(2), "toy notes", key);
        let (decay, slope) = (noise.uniform_in(300.0, 900.0), noise.uniform_in(0.5, 1.5));
        let at = |i: usize| {
            let partials = (1..=8).map(|k| k as f32).filter(|k| k * hz < 3_800.0);
            let turn = i as f32 * hz * std::f32::consts::TAU / SAMPLE_RATE as f32;
            partials.map(|k| (k * turn).sin() / k.powf(slope)).sum::<f32>() * (-(i as f32) / decay).exp()
        };
        let path = format!("note-{key}.wav");
        write_wav(&root.join(&path), &(0..2000).map(at).collect::<Vec<_>>());
        manifest += &format!("{path},note,{key},source-{key}\n");
    }
    std::fs::write(root.join("manifest.csv"), manifest).expect("a writable temp folder");
}

fn settings() -> TrainConfig {
    let toy = config(true);
    TrainConfig { partials: true, ..toy }
}

fn trained(root: &Path, steps: u64) -> Session {
    trained_with(settings(), root, steps)
}

fn trained_with(settings: TrainConfig, root: &Path, steps: u64) -> Session {
    let sounds = root.join("sounds");
    std::fs::create_dir_all(&sounds).expect("a writable temp folder");
    write_notes(&sounds);
    let dataset = Dataset::scan(&sounds, &settings.dataset).expect("usable sounds");
    let begin = Trainer::begin(&root.join("run"), settings, identity(), &dataset, &Hardware::cpu(2));
    let mut trainer = begin.expect("sound settings");
    train(&mut trainer, steps, &Cancel::default(), None);
    let model = Model::load(&trainer.files().model(), &Device::Cpu).expect("a model");
    Session::new(Arc::new(model), 2).expect("threads")
}

/// The note asked for and the samples.
fn render(session: &Session, pitch: Option<f32>, seed: u64) -> (Option<f32>, Vec<f32>) {
    let request = Request { seed, pitch, ..Request::default() };
    let rendered = session.render(&request, &Cancel::default(), &|_, _| {}).expect("a clip");
    (rendered.recipe.pitch, rendered.clip.channels()[0].clone())
}

/// How far the pitch of a sound is from this note or one of its octaves: at toy size partials differ enough from period to
/// period for the octave below to be told.
fn semitones_off(samples: &[f32], note: f32) -> f64 {
    let semitones = pitch(samples, SAMPLE_RATE).map_or(f64::INFINITY, |found| found - f64::from(note));
    (semitones - 12.0 * (semitones / 12.0).round()).abs()
}

#[test]
fn a_model_of_notes_plays_the_notes_it_is_asked_for() {
    let root = tempfile::tempdir().expect("a temp folder");
    let session = trained(root.path(), 300);
    let config = &session.model().card.config;
    assert!(config.partials);
    // The notes decay evenly: their levels keep to straight lines, about which the training has measured by how much they wander.
    assert!(matches!(config.wanders[..], [db] if db > 0.0 && db < 3.0), "{:?}", config.wanders);
    let notes = [74.0, 78.5, 81.0, 84.0, 87.0, 91.0, 93.5];
    let off = notes.map(|note| {
        let (asked, samples) = render(&session, Some(note), 5);
        assert_eq!(asked, Some(note));
        semitones_off(&samples, note)
    });
    let in_tune = off.iter().filter(|off| **off < 0.3).count();
    assert!(in_tune >= 6, "semitones off: {off:?}");
}

#[test]
fn notes_that_are_seen_an_octave_higher_are_played_where_they_are_asked_for() {
    let root = tempfile::tempdir().expect("a temp folder");
    let session = trained_with(TrainConfig { raise_below: vec![82.0], ..settings() }, root.path(), 300);
    assert_eq!(session.model().card.config.raise_below, [82.0]);
    let off = [73.0, 76.0, 79.0, 81.5, 82.0, 87.0, 91.0].map(|note| {
        let (_, samples) = render(&session, Some(note), 5);
        assert_eq!(samples.len(), session.model().representation.num_samples());
        semitones_off(&samples, note)
    });
    assert!(off.iter().filter(|off| **off < 0.3).count() >= 6, "semitones off: {off:?}");
    // Around a circle too.
    let looped = Request { seed: 5, pitch: Some(76.0), looped: Some(Loop::default()), ..Request::default() };
    let looped = session.render(&looped, &Cancel::default(), &|_, _| {}).expect("a loop");
    let off = semitones_off(&looped.clip.channels()[0], 76.0);
    assert!(off < 0.3, "{off} semitones off in a loop");
}

#[test]
fn a_model_of_notes_that_is_asked_for_none_plays_middle_c() {
    let root = tempfile::tempdir().expect("a temp folder");
    let session = trained(root.path(), 5);
    let (pitch, samples) = render(&session, None, 5);
    assert_eq!(pitch, Some(60.0));
    assert_eq!(samples, render(&session, Some(60.0), 5).1);
    assert_ne!(samples, render(&session, Some(61.0), 5).1);
}
