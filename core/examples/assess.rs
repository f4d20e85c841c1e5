//! How near a model's sounds are to recordings that it never heard: the figures of the model cards.
//!
//! ```text
//! cargo run --release -p brownian-core --features train --example assess -- MODEL SOUNDS [PER_SOUND] [OUT]
//! ```
//!
//! SOUNDS is the folder that the model was trained on: the split into trained and held-out sounds is made again. For each
//! held-out sound, PER_SOUND (default 4) clips of its class are rendered (seeds 1, 2, …; the model's defaults). With OUT,
//! both sets are also written as WAV files, for judges outside this program. Prints one JSON object.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brownian_core::Result;
use brownian_core::audio::{Clip, WavFormat, WavInfo, wav_bytes, write_atomically};
use brownian_core::dataset::{Dataset, DatasetConfig, Example};
use brownian_core::generate::{Cancel, Request, Session};
use brownian_core::metrics::{attack_time_ms, knn_accuracy, log_mel_features, tail_level_db, tonality};
use brownian_core::model::Model;
use candle_core::Device;
use serde_json::json;

/// A set of sounds with their classes.
struct Set {
    sounds: Vec<Vec<f32>>,
    classes: Vec<usize>,
    features: Vec<Vec<f32>>,
}

impl Set {
    fn new(sounds: Vec<Vec<f32>>, classes: Vec<usize>, sample_rate: u32) -> Self {
        let features = sounds.iter().map(|sound| log_mel_features(sound, sample_rate)).collect();
        Self { sounds, classes, features }
    }

    fn of(examples: &[Example], sample_rate: u32) -> Self {
        let sounds = examples.iter().map(|example| example.samples.clone()).collect();
        Self::new(sounds, examples.iter().map(|example| example.class).collect(), sample_rate)
    }

    /// Share whose class the five nearest sounds of `reference` tell.
    fn accuracy(&self, reference: &Self) -> Option<f64> {
        knn_accuracy(&self.features, &self.classes, &reference.features, &reference.classes, 5)
    }

    /// Distance to the nearest sound of `reference`, the median over the set.
    fn nearest(&self, reference: &Self) -> f64 {
        let distance =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
        let nearest = |a: &Vec<f32>| reference.features.iter().map(|b| distance(a, b)).fold(f64::INFINITY, f64::min);
        median(self.features.iter().map(nearest).collect())
    }

    /// The median of `measure` over the sounds of each class.
    fn by_class(&self, names: &[String], measure: impl Fn(&[f32]) -> f64) -> BTreeMap<String, f64> {
        let of = |class: usize| {
            let own = self.sounds.iter().zip(&self.classes).filter(|(_, c)| **c == class);
            own.map(|(sound, _)| measure(sound)).collect::<Vec<f64>>()
        };
        let rows = names.iter().enumerate().map(|(class, name)| (name.clone(), of(class)));
        rows.filter(|(_, values)| !values.is_empty()).map(|(name, values)| (name, round(median(values)))).collect()
    }

    fn write(&self, folder: &Path, names: &[String], sample_rate: u32) -> Result<()> {
        std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for (index, (sound, &class)) in self.sounds.iter().zip(&self.classes).enumerate() {
            let path = folder.join(format!("{index:03}-{}.wav", names[class]));
            let clip = Clip::mono(sound.clone(), sample_rate)?;
            write_atomically(&path, &wav_bytes(&clip, WavFormat::Wav16, &WavInfo::default())?)?;
        }
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// `per_sound` clips for each sound of `like`, of its class, at peak 1 as the dataset's sounds are.
fn generate(session: &Session, like: &Set, per_sound: usize) -> Result<Set> {
    let card = &session.model().card;
    let classes: Vec<usize> = like.classes.iter().flat_map(|&class| vec![class; per_sound]).collect();
    let request = |(index, &class): (usize, &usize)| Request {
        class: Some(card.config.classes[class].clone()),
        seed: index as u64 + 1,
        ..Request::default()
    };
    let requests: Vec<Request> = classes.iter().enumerate().map(request).collect();
    let rendered = session.render_many(&requests, &Cancel::default(), &|_, _| {});
    let mut sounds = Vec::new();
    for rendered in rendered {
        let clip = rendered?.clip;
        let gain = clip.peak().max(1e-9).recip();
        sounds.push(clip.channels()[0].iter().map(|sample| sample * gain).collect());
    }
    Ok(Set::new(sounds, classes, card.config.sample_rate))
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder, rest @ ..] = &arguments[..] else {
        eprintln!("assess MODEL SOUNDS [PER_SOUND] [OUT]");
        std::process::exit(2);
    };
    let per_sound = rest.first().and_then(|text| text.parse().ok()).unwrap_or(4);
    let session = Session::new(Arc::new(Model::load(Path::new(model), &Device::Cpu)?), 0)?;
    let config = &session.model().card.config;
    let rate = config.sample_rate;
    let num_samples = session.model().representation.num_samples();
    let dataset = Dataset::scan(
        Path::new(folder),
        &DatasetConfig { sample_rate: rate, num_samples, ..DatasetConfig::default() },
    )?;
    let (trained, held_out) = (Set::of(&dataset.train, rate), Set::of(&dataset.held_out, rate));
    let generated = generate(&session, &held_out, per_sound)?;
    if let Some(out) = rest.get(1).map(PathBuf::from) {
        held_out.write(&out.join("held-out"), &config.classes, rate)?;
        generated.write(&out.join("generated"), &config.classes, rate)?;
        trained.write(&out.join("trained"), &config.classes, rate)?;
    }
    let measures = |set: &Set| {
        json!({
            "sounds": set.sounds.len(),
            "class_accuracy": set.accuracy(&trained).map(round),
            "distance_to_nearest_trained": round(set.nearest(&trained)),
            "tonality": set.by_class(&config.classes, |sound| tonality(sound, rate)),
            "attack_ms": set.by_class(&config.classes, |sound| attack_time_ms(sound, rate)),
            "tail_db": set.by_class(&config.classes, |sound| tail_level_db(sound, rate)),
        })
    };
    println!("{:#}", json!({ "held_out": measures(&held_out), "generated": measures(&generated) }));
    Ok(())
}
