//! A training on recordings of textures: its model goes round without a seam.

use std::path::Path;
use std::sync::Arc;

use brownian_core::dataset::{AugmentConfig, Dataset};
use brownian_core::generate::{Cancel, Loop, Request, Session};
use brownian_core::metrics::{Seam, seam};
use brownian_core::model::Model;
use brownian_core::noise::{NoiseStream, Seed};
use brownian_core::train::{Hardware, TrainConfig, Trainer};
use candle_core::Device;

use crate::crossings_a_second;
use crate::toy::{SAMPLE_RATE, config, identity, train, write_wav};

/// Settings of a toy training on textures.
fn texture() -> TrainConfig {
    let mut config = config(false);
    config.dataset.windows = true;
    config.unet.circular = true;
    config.augment = TrainConfig::texture().augment;
    config
}

/// Four recordings of a rumble (dull noise) and four of a hiss, 2 s each.
fn write_recordings(root: &Path) {
    for index in 0..4u8 {
        let mut noise = NoiseStream::new(Seed(2), "recordings", index.into());
        let hiss: Vec<f32> = (0..2 * SAMPLE_RATE).map(|_| 0.2 * noise.normal()).collect();
        let mut level = 0.0;
        let rumble: Vec<f32> = (0..2 * SAMPLE_RATE)
            .map(|_| {
                level = 0.95 * level + 0.1 * noise.normal();
                level
            })
            .collect();
        let name = |what| format!("{what}-{}x.wav", char::from(b'a' + index));
        write_wav(&root.join("rumble").join(name("deep")), &rumble);
        write_wav(&root.join("hiss").join(name("thin")), &hiss);
    }
}

#[test]
fn recordings_give_loops_and_no_recording_is_on_both_sides_of_the_split() {
    let root = tempfile::tempdir().expect("a temp folder");
    write_recordings(root.path());
    let config = texture();
    let data = Dataset::scan(root.path(), &config.dataset).expect("usable recordings");
    // 16,000 samples hold seven stretches of 3072 that begin 2048 apart.
    assert_eq!((data.report.used, data.train.len() + data.held_out.len()), (8, 8 * 7));
    for held in &data.held_out {
        assert!(data.train.iter().all(|e| e.path != held.path), "{}", held.path.display());
        assert_eq!(held.samples.len(), 2048);
    }
    let mut noise = NoiseStream::new(Seed(1), "draws", 0);
    let draw = |noise: &mut NoiseStream| data.augment(0, &AugmentConfig::NONE, noise).samples;
    let (first, second) = (draw(&mut noise), draw(&mut noise));
    assert_eq!((first.len(), second.len()), (2048, 2048));
    assert_ne!(first, second, "every draw begins at another place");
}

#[test]
fn a_model_of_textures_tells_its_classes_apart_and_loops_at_any_length() {
    let root = tempfile::tempdir().expect("a temp folder");
    let recordings = root.path().join("recordings");
    write_recordings(&recordings);
    let config = texture();
    let dataset = Dataset::scan(&recordings, &config.dataset).expect("usable recordings");
    let mut trainer = Trainer::begin(&root.path().join("run"), config, identity(), &dataset, &Hardware::cpu(2))
        .expect("sound settings");
    train(&mut trainer, 100, &Cancel::default(), None);
    let model = Model::load(&trainer.files().model(), &Device::Cpu).expect("the model just written");
    let session = Session::new(Arc::new(model), 2).expect("threads");
    let render = |class: &str, looped: Option<Loop>, duration_s: f64, seed: u64| {
        let class = Some(class.to_owned());
        let request =
            Request { seed, class, looped, duration_s: Some(duration_s), steps: Some(8), ..Request::default() };
        let rendered = session.render(&request, &Cancel::default(), &|_, _| {}).expect("a clip");
        rendered.clip.channels()[0].clone()
    };
    let (rumble, hiss) = (render("rumble", None, 0.25, 1), render("hiss", None, 0.25, 1));
    let (low, high) = (crossings_a_second(&rumble), crossings_a_second(&hiss));
    assert!(high > 2.0 * low, "crossings a second: rumble {low}, hiss {high}");
    // Ranks of a point like any other are spread evenly over 0..1: their mean over six seeds lies above 0.85 once in 1,000.
    let ranks = (1..=6).map(|seed| {
        let round = render("hiss", Some(Loop::default()), 0.7, seed);
        assert_eq!(round.len(), 5600);
        seam(&round, 0)
    });
    let ranks: Vec<_> = ranks.collect();
    let mean = |of: fn(&Seam) -> f64| ranks.iter().map(of).sum::<f64>() / 6.0;
    let means = [mean(|rank| rank.step), mean(|rank| rank.slope), mean(|rank| rank.flux)];
    assert!(means.iter().all(|&mean| mean < 0.85), "the seams stand out: {means:?}");
}
