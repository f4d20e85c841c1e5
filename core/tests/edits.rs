//! What edits do to the sounds of the shipped drums model, measured.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use brownian_core::audio::{Clip, WavFormat, WavInfo, wav_bytes};
use brownian_core::generate::{
    Cancel, Edit, Init, Inpaint, Morph, MorphEnd, Request, Session, SoundFile, Vary, device,
};
use brownian_core::metrics::log_spectral_distance_db;
use brownian_core::model::Registry;

/// Few, for speed: what is compared has the same.
const STEPS: usize = 3;

fn session() -> &'static Session {
    static SESSION: OnceLock<Session> = OnceLock::new();
    SESSION.get_or_init(|| {
        let model = Registry::new(None).open("drums", &device("cpu").unwrap()).unwrap();
        Session::new(Arc::new(model), 2).unwrap()
    })
}

fn drum(class: &str, seed: u64) -> Request {
    Request { seed, class: Some(class.into()), steps: Some(STEPS), ..Request::default() }
}

/// At peak 1.
fn sound(request: &Request) -> Vec<f32> {
    at_peak(session().render(request, &Cancel::default(), &|_, _| ()).unwrap().clip.channels()[0].clone())
}

fn at_peak(samples: Vec<f32>) -> Vec<f32> {
    let peak = samples.iter().fold(1e-9_f32, |peak, x| x.abs().max(peak));
    samples.into_iter().map(|x| x / peak).collect()
}

fn sample_rate() -> u32 {
    session().model().card.config.sample_rate
}

/// A file of these samples.
fn file(folder: &Path, samples: &[f32]) -> SoundFile {
    let path = folder.join("sound.wav");
    let clip = Clip::mono(samples.to_vec(), sample_rate()).unwrap();
    std::fs::write(&path, wav_bytes(&clip, WavFormat::Wav32f, &WavInfo::default()).unwrap()).unwrap();
    SoundFile::new(path)
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    log_spectral_distance_db(a, b, sample_rate())
}

/// Mean distance of edited sounds of this seed, of several classes, from those of seed 5, for every amount.
fn distances(seed: u64, amounts: &[f64], edit: impl Fn(SoundFile, f64) -> Edit) -> Vec<f64> {
    let classes = ["kick", "snare", "cowbell"];
    let mut sums = vec![0.0; amounts.len()];
    for class in classes {
        let folder = tempfile::tempdir().unwrap();
        let original = sound(&drum(class, 5));
        let file = file(folder.path(), &original);
        for (sum, &amount) in sums.iter_mut().zip(amounts) {
            let request = Request { edit: edit(file.clone(), amount), ..drum(class, seed) };
            *sum += distance(&original, &sound(&request)) / classes.len() as f64;
        }
    }
    sums
}

#[test]
fn a_variation_departs_further_the_larger_its_amount() {
    let vary = |_, amount| Edit { vary: Some(Vary { seed: 6, amount }), ..Edit::default() };
    let found = distances(5, &[0.0, 0.1, 0.3, 1.0], vary);
    assert!(found[0] == 0.0 && found.is_sorted() && found[1] < 0.5 * found[3], "{found:?}");
}

#[test]
fn a_variation_of_a_file_departs_further_the_higher_its_noise_level() {
    let init = |file, noise_level| Edit { init: Some(Init { file, noise_level }), ..Edit::default() };
    let found = distances(9, &[0.1, 0.4, 0.7, 1.0], init);
    assert!(found.is_sorted() && found[0] < 0.6 * found[3], "{found:?}");
}

#[test]
fn an_inverted_file_comes_back_as_well_as_it_can_be_decoded() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["snare", "cowbell"] {
        let original = sound(&drum(class, 5));
        let file = file(folder.path(), &original);
        let at = |edit| distance(&original, &sound(&Request { steps: Some(8), edit, ..drum(class, 9) }));
        // Without noise nothing is lost but phases, which magnitudes do not tell.
        let decoded = at(Edit { init: Some(Init { file: file.clone(), noise_level: 0.0 }), ..Edit::default() });
        let to = MorphEnd::File(file);
        let inverted = at(Edit { morph: Some(Morph { from: None, to, amount: 1.0 }), ..Edit::default() });
        let other = distance(&original, &sound(&drum(class, 9)));
        // Over six classes 0.8 dB where decoding alone makes 0.7; another seed is 6.6 dB away.
        assert!(inverted < decoded + 0.8 && inverted < 0.6 * other, "{class}: {inverted}, {decoded}, {other}");
    }
}

/// Energy of the second difference, where a click stands out, over these samples.
fn roughness(samples: &[f32]) -> f64 {
    let second = samples.windows(3).map(|x| f64::from(x[0] - 2.0 * x[1] + x[2]));
    second.map(|x| x * x).sum::<f64>() / samples.len() as f64
}

#[test]
fn inpainting_keeps_every_sample_outside_and_joins_without_a_click() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["kick", "cowbell"] {
        let original = sound(&drum(class, 5));
        let inpaint = Inpaint { file: file(folder.path(), &original), masks: vec![[0.1, 0.2]] };
        let request = Request { edit: Edit { inpaint: Some(inpaint), ..Edit::default() }, ..drum(class, 9) };
        let painted = session().render(&request, &Cancel::default(), &|_, _| ()).unwrap().clip.channels()[0].clone();
        let (start, end) = (4410, 8820);
        assert_eq!((&painted[..start], &painted[end..]), (&original[..start], &original[end..]), "{class}");
        assert_ne!(painted[start + 300..end - 300], original[start + 300..end - 300], "{class}");
        for edge in [start, end] {
            // 3 ms about the edge against 12 ms on either side.
            let at = roughness(&painted[edge - 66..edge + 66]);
            let around = roughness(&painted[edge - 600..edge - 66]).max(roughness(&painted[edge + 66..edge + 600]));
            // At -120 dB nobody hears either: a kick may have ended there.
            assert!(at < 2.0 * around + 1e-12, "{class}: {at} at {edge}, {around} around");
        }
    }
}
