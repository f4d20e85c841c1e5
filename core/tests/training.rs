//! A training from a folder to a model that renders, at toy size.
#![cfg(feature = "train")]

use std::path::Path;
use std::sync::Arc;

use brownian_core::dataset::{Dataset, DatasetConfig};
use brownian_core::generate::{Cancel, Request, Session};
use brownian_core::model::{EnvelopeStageConfig, Model};
use brownian_core::noise::{NoiseStream, Seed};
use brownian_core::representation::{EnvelopeConfig, RepresentationConfig};
use brownian_core::train::{
    Event, Hardware, Identity, Limit, Loss, OptimizerConfig, Progress, Rule, TrainConfig, Trainer,
};
use brownian_core::unet::{HeadConfig, UnetConfig};
use candle_core::Device;

const SAMPLE_RATE: u32 = 8_000;
const NUM_SAMPLES: usize = 2_048;

/// Sixteen decaying low tones and sixteen decaying bursts of noise.
fn write_sounds(root: &Path) {
    for index in 0..16 {
        let mut noise = NoiseStream::new(Seed(1), "toy sounds", index);
        let (hz, decay) = (noise.uniform_in(150.0, 300.0), noise.uniform_in(150.0, 400.0));
        let tone = (0..1600).map(|i| (i as f32 * hz * std::f32::consts::TAU / SAMPLE_RATE as f32).sin());
        let tone: Vec<f32> = tone.enumerate().map(|(i, v)| v * (-(i as f32) / decay).exp()).collect();
        let burst: Vec<f32> = (0..1600).map(|i| 0.3 * noise.normal() * (-(i as f32) / decay).exp()).collect();
        write_wav(&root.join("low").join(format!("tone{}.wav", names(index))), &tone);
        write_wav(&root.join("noise").join(format!("burst{}.wav", names(index))), &burst);
    }
}

/// Names without running numbers: a number would make siblings of all.
fn names(index: u64) -> String {
    let letter = |n: u64| char::from(b'a' + n as u8);
    format!("-{}{}x", letter(index % 4), letter(index / 4))
}

fn write_wav(path: &Path, samples: &[f32]) {
    std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a writable temp folder");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a writable temp folder");
    samples.iter().for_each(|&sample| writer.write_sample(sample).expect("a writable temp folder"));
    writer.finalize().expect("a writable temp folder");
}

fn config(two_stages: bool) -> TrainConfig {
    let unet = |head| UnetConfig {
        widths: vec![16, 24],
        blocks: 1,
        attention_levels: 1,
        embedding: 32,
        circular: false,
        head,
    };
    let mut config = TrainConfig {
        batch_size: 8,
        evaluate_every: 50,
        preview_every: 1_000,
        ema_decay: 0.95,
        dataset: DatasetConfig { sample_rate: SAMPLE_RATE, num_samples: NUM_SAMPLES, ..DatasetConfig::default() },
        optimizer: OptimizerConfig { learning_rate: 4e-3, warm_up: 10, ..OptimizerConfig::default() },
        representation: RepresentationConfig::LogMagnitude {
            num_samples: NUM_SAMPLES,
            n_fft: 128,
            hop_length: 32,
            floor_db: -100.0,
            refinements: 4,
        },
        envelope: Some(EnvelopeStageConfig { grid: EnvelopeConfig { columns: 12, bands: 8 }, unet: unet(None) }),
        unet: unet(Some(HeadConfig { patch_frames: 2, patch_bins: 4, widths: vec![8, 16], blocks: 1, merge: 4 })),
        ..TrainConfig::default()
    };
    if !two_stages {
        config.envelope = None;
    }
    config
}

fn identity() -> Identity {
    Identity { id: "toy".into(), description: "Toy sounds".into(), sources: Vec::new() }
}

/// Train in `folder` for `steps`; returns the losses of every step.
fn train(trainer: &mut Trainer, steps: u64, cancel: &Cancel, cancel_at: Option<u64>) -> Vec<(u64, f64, f64)> {
    let mut losses = Vec::new();
    let mut hear = |event: &Event| {
        if let Event::Step(Progress { step, fine, envelope, .. }) = event {
            losses.push((*step, *fine, *envelope));
            if Some(*step) == cancel_at {
                cancel.cancel();
            }
        }
    };
    trainer.run(Limit::Steps(steps), cancel, &mut hear).expect("a training of sound settings");
    losses
}

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
        let levels = [Some(held_out.fine), held_out.envelope];
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
    summary.held_out.expect("measured at the end").fine
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
