//! A training from a folder to a model that renders, at toy size.
#![cfg(feature = "train")]

mod from_model;
mod pitched;
mod texture;
mod toy;

use std::sync::Arc;

use brownian_core::dataset::Dataset;
use brownian_core::generate::{Cancel, Request, Session};
use brownian_core::model::Model;
use brownian_core::train::{Hardware, Limit, Loss, OptimizerConfig, Rule, TrainConfig, Trainer};
use candle_core::Device;

use toy::{SAMPLE_RATE, config, identity, train, write_sounds};

/// Spectral centroid by zero crossings: enough to tell a low tone from noise.
fn crossings_a_second(samples: &[f32]) -> f32 {
    let crossings = samples.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count();
    crossings as f32 * SAMPLE_RATE as f32 / samples.len() as f32
}

#[test]
fn a_toy_training_beats_noise_and_its_model_tells_the_classes_apart() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let sounds = folder.path().join("sounds");
    write_sounds(&sounds);
    for two_stages in [true, false] {
        let config = config(two_stages);
        let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
        let runs = folder.path().join(if two_stages { "two" } else { "one" });
        let mut trainer =
            Trainer::begin(&runs, config, identity(), &dataset, &Hardware::cpu(2)).expect("sound settings");
        train(&mut trainer, 170, &Cancel::default(), None);
        let summary = trainer.run(Limit::Steps(200), &Cancel::default(), &mut |_| {}).expect("it goes on");
        let held_out = summary.held_out.expect("measured at step 200");
        // A network that knows nothing scores 1 at every noise level; half signal, half noise is learnt first.
        let levels = [held_out.fine, held_out.envelope];
        assert!(levels.iter().flatten().all(|losses| losses[2] < 0.92), "two stages {two_stages}: {held_out:?}");
        let model = Model::load(&trainer.files().model(), &Device::Cpu).expect("the model just written");
        let session = Session::new(Arc::new(model), 1).expect("a thread");
        let crossings = |class: &str| -> f32 {
            let render = |seed| {
                let request = Request { class: Some(class.into()), seed, ..Request::default() };
                let rendered = session.render(&request, &Cancel::default(), &|_, _| {}).expect("a clip");
                crossings_a_second(&rendered.clip.channels()[0][64..600])
            };
            (1..=5).map(render).sum::<f32>() / 5.0
        };
        let (low, noise) = (crossings("low"), crossings("noise"));
        assert!(low < 0.6 * noise, "two stages {two_stages}: low {low}, noise {noise}");
    }
}

/// Held-out mean squared errors of the fine network after `steps`, by noise level; 1 knows nothing.
fn held_out_after(steps: u64, config: TrainConfig) -> [f64; 5] {
    let folder = tempfile::tempdir().expect("a temp folder");
    let sounds = folder.path().join("sounds");
    write_sounds(&sounds);
    let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
    let mut trainer =
        Trainer::begin(&folder.path().join("run"), config, identity(), &dataset, &Hardware::cpu(2)).expect("settings");
    let summary = trainer.run(Limit::Steps(steps), &Cancel::default(), &mut |_| {}).expect("a training");
    summary.held_out.and_then(|losses| losses.fine).expect("measured at the end")
}

#[test]
fn gradient_descent_with_momentum_learns_too() {
    // Its steps are as long as the gradients are: it takes another learning rate than AdamW, which divides by them.
    let optimizer = OptimizerConfig {
        rule: Rule::Sgd { momentum: 0.9 },
        learning_rate: 0.1,
        warm_up: 10,
        ..OptimizerConfig::default()
    };
    let losses = held_out_after(150, TrainConfig { optimizer, ..config(false) });
    assert!(losses[2] < 0.75, "{losses:?}");
}

#[test]
fn a_training_on_the_huber_loss_learns_too() {
    // Differences are about 1 before anything is learnt: half of them pull as squares, half as absolute values.
    let losses = held_out_after(150, TrainConfig { loss: Loss::Huber { c: 0.5 }, ..config(false) });
    assert!(losses[2] < 0.75, "{losses:?}");
}

#[test]
fn a_resumed_training_repeats_the_uninterrupted_one_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let sounds = folder.path().join("sounds");
    write_sounds(&sounds);
    let config = config(true);
    let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
    let begin = |name: &str| {
        Trainer::begin(&folder.path().join(name), config.clone(), identity(), &dataset, &Hardware::cpu(2))
            .expect("sound settings")
    };
    let mut whole = begin("whole");
    let expected = train(&mut whole, 12, &Cancel::default(), None);
    let mut broken = begin("broken");
    let first = train(&mut broken, 12, &Cancel::default(), Some(5));
    assert_eq!(first.len(), 5);
    drop(broken);
    let mut resumed =
        Trainer::resume(&folder.path().join("broken"), &dataset, &Hardware::cpu(1)).expect("a checkpoint");
    let second = train(&mut resumed, 12, &Cancel::default(), None);
    assert_eq!([first, second].concat(), expected);
    let bytes = |trainer: &Trainer| std::fs::read(trainer.files().model()).expect("a model");
    assert_eq!(bytes(&resumed), bytes(&whole));
}

#[test]
fn a_training_refuses_what_it_cannot_go_on_with() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let sounds = folder.path().join("sounds");
    write_sounds(&sounds);
    let config = config(true);
    let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
    let runs = folder.path().join("runs");
    let refusal =
        |result: brownian_core::Result<Trainer>| result.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refusal(Trainer::resume(&runs, &dataset, &Hardware::cpu(1))).contains("no checkpoint to resume"));
    let wrong = TrainConfig { drop_condition: 2.0, ..config.clone() };
    assert!(
        refusal(Trainer::begin(&runs, wrong, identity(), &dataset, &Hardware::cpu(1)))
            .contains("drop_condition is 2; need 0..=1")
    );
    let mut trainer =
        Trainer::begin(&runs, config.clone(), identity(), &dataset, &Hardware::cpu(1)).expect("sound settings");
    train(&mut trainer, 1, &Cancel::default(), None);
    drop(trainer);
    assert!(
        refusal(Trainer::begin(&runs, config, identity(), &dataset, &Hardware::cpu(1)))
            .contains("already holds a training")
    );
    let mut other = dataset.clone();
    other.train.pop();
    assert!(refusal(Trainer::resume(&runs, &other, &Hardware::cpu(1))).contains("sounds have changed"));
    std::fs::write(runs.join("checkpoint.safetensors"), b"not a checkpoint").expect("a writable temp folder");
    assert!(
        refusal(Trainer::resume(&runs, &dataset, &Hardware::cpu(1)))
            .contains("need the checkpoint of an unbroken training")
    );
}
