//! Sounds and settings of trainings at toy size.

use std::path::Path;

use brownian_core::dataset::DatasetConfig;
use brownian_core::generate::Cancel;
use brownian_core::model::EnvelopeStageConfig;
use brownian_core::noise::{NoiseStream, Seed};
use brownian_core::representation::{EnvelopeConfig, RepresentationConfig};
use brownian_core::train::{Event, Identity, Limit, OptimizerConfig, Progress, TrainConfig, Trainer};
use brownian_core::unet::{HeadConfig, UnetConfig};

pub const SAMPLE_RATE: u32 = 8_000;
const NUM_SAMPLES: usize = 2_048;

/// Sixteen decaying low tones and sixteen decaying bursts of noise.
pub fn write_sounds(root: &Path) {
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

/// A mono file of floats.
pub fn write_wav(path: &Path, samples: &[f32]) {
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

/// Settings of a toy training.
pub fn config(two_stages: bool) -> TrainConfig {
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
            onset: 0,
        },
        envelope: Some(EnvelopeStageConfig {
            grid: EnvelopeConfig { columns: 12, bands: 8 },
            unet: unet(None),
            sampling: None,
        }),
        unet: unet(Some(HeadConfig {
            patch_frames: 2,
            patch_bins: 4,
            widths: vec![8, 16],
            blocks: 1,
            merge: 4,
            strides: Vec::new(),
            reaches: Vec::new(),
        })),
        ..TrainConfig::default()
    };
    if !two_stages {
        config.envelope = None;
    }
    config
}

/// Of a toy model.
pub fn identity() -> Identity {
    Identity { id: "toy".into(), description: "Toy sounds".into(), sources: Vec::new() }
}

/// Train in `folder` for `steps`; returns the losses of every step.
pub fn train(trainer: &mut Trainer, steps: u64, cancel: &Cancel, cancel_at: Option<u64>) -> Vec<(u64, f64, f64)> {
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
