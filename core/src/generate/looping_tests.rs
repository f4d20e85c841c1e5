use std::sync::Arc;

use candle_core::Device;

use super::*;
use crate::audio::{WavFormat, WavInfo, wav_bytes};
use crate::generate::sounds::Sounds;
use crate::generate::{
    Cancel, Edit, FileRecipe, Finish, Init, Inpaint, Morph, MorphEnd, Rendered, Request, Session, Shaping, SoundFile,
};
use crate::model::{Card, tiny};
use crate::representation::RepresentationConfig;

fn session(card: &Card, threads: usize) -> Session {
    let model = Model::from_bytes("tiny", &tiny::bytes(card).unwrap(), &Device::Cpu).unwrap();
    Session::new(Arc::new(model), threads).unwrap()
}

fn texture() -> Session {
    session(&tiny::texture_card(), 1)
}

fn request(looped: Loop, duration_s: Option<f64>) -> Request {
    Request { seed: 5, duration_s, looped: Some(looped), ..Request::default() }
}

fn bars(bpm: f64, bars: u32) -> Loop {
    Loop { tempo: Some(Tempo { bpm, bars }) }
}

fn render(session: &Session, request: &Request) -> Result<Rendered> {
    session.render(request, &Cancel::default(), &|_, _| ())
}

#[test]
fn a_loop_has_its_length_to_the_sample_at_every_rate() {
    for (bpm, num_bars, rate) in [(120.0, 1, 44_100), (174.0, 1, 48_000), (93.7, 1, 44_100), (399.0, 2, 8_000)] {
        let rendered = render(&texture(), &request(bars(bpm, num_bars), None)).unwrap();
        let exact = f64::from(num_bars) * 240.0 / bpm * f64::from(rate);
        let mut recipe = FileRecipe { finish: Finish::plain(rate), recipe: rendered.recipe };
        assert_eq!(recipe.finish(&rendered.clip).unwrap().num_frames(), exact.round() as usize, "{bpm} at {rate}");
    }
}

#[test]
fn turning_the_noise_turns_the_loop_and_changes_nothing_else() {
    // Of a network without places: nothing in the way from noise to samples may know where the loop begins. The one-shot
    // card has a 2-D head, whose filters come round too.
    let card = tiny::texture_card();
    let model = session(&card, 1);
    let circle = model.model().on_circle(64.0 * 32.0, None, &crate::conditioning::Condition::default().into()).unwrap();
    let frames = circle.representation.num_frames();
    let channels = circle.representation.num_channels();
    let mut noise = vec![0.0f32; frames * channels];
    crate::noise::NoiseStream::new(crate::noise::Seed(1), "turn", 0).fill_normal(&mut noise);
    let velocity = |noise: &[f32]| -> Vec<f32> {
        let x = candle_core::Tensor::from_slice(noise, (1, frames, channels), &Device::Cpu).unwrap();
        let condition = [crate::conditioning::Condition::default()];
        circle.fine.velocity(&x, None, &[1.0], &condition).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    };
    let plain = velocity(&noise);
    // Two frames: one of the coarsest level of two.
    let by = 2 * channels;
    noise.rotate_left(by);
    let mut turned = velocity(&noise);
    turned.rotate_right(by);
    let error = plain.iter().zip(&turned).fold(0.0f32, |e, (a, b)| e.max((a - b).abs()));
    // Sums of the group norms in another order.
    assert!(error < 1e-5, "{error:e}");
}

#[test]
fn the_wrap_is_as_any_other_point_of_the_loop() {
    for (card, rate) in
        [(tiny::texture_card(), 16_000), (tiny::texture_card(), 44_100), (tiny::two_stage_card(), 16_000)]
    {
        let rendered = render(&session(&card, 2), &request(Loop::default(), Some(0.6))).unwrap();
        let mut recipe = FileRecipe { finish: Finish::plain(rate), recipe: rendered.recipe };
        let clip = recipe.finish(&rendered.clip).unwrap();
        let samples = &clip.channels()[0];
        // The largest step at the wrap against those inside: a seam would be an outlier.
        let step = |i: usize| (samples[i] - samples[(i + samples.len() - 1) % samples.len()]).abs();
        let mut steps: Vec<f32> = (1..samples.len()).map(step).collect();
        steps.sort_by(f32::total_cmp);
        let rank = steps.partition_point(|&s| s < step(0)) as f64 / steps.len() as f64;
        assert!(rank < 0.999, "{} at {rate}: step {} ranks {rank}", card.id, step(0));
    }
}

#[test]
fn a_clip_of_the_same_model_has_a_seam_where_its_loop_has_none() {
    let session = texture();
    let clip = render(&session, &Request { seed: 5, ..Request::default() }).unwrap().clip;
    let looped = render(&session, &request(Loop::default(), None)).unwrap().clip;
    // The clip is faded to silence in its last 5 ms, a loop is not.
    assert_eq!(*clip.channels()[0].last().unwrap(), 0.0);
    assert_ne!(*looped.channels()[0].last().unwrap(), 0.0);
    assert_eq!((clip.num_frames(), looped.num_frames()), (2048, 2048));
}

#[test]
fn a_loop_is_the_same_bytes_for_any_number_of_threads_and_from_its_recipe() {
    for card in [tiny::texture_card(), tiny::two_stage_card(), tiny::one_stage_card()] {
        let first = render(&session(&card, 1), &request(bars(300.0, 1), None)).unwrap();
        let recipe = Recipe::from_json(&first.recipe.to_json()).unwrap();
        assert_eq!((recipe.version, recipe.duration_s), (2, 0.8));
        let again = render(&session(&card, 3), &recipe.request()).unwrap();
        assert_eq!((again.clip, again.recipe), (first.clip, first.recipe));
    }
}

#[test]
fn one_shots_fall_on_the_beats() {
    // A spike at the start of every clip of the ring, by a model of waveforms whose maps hold one.
    let session = session(&tiny::two_stage_card(), 1);
    let recipe = session.resolve(&request(bars(240.0, 1), None)).unwrap();
    let model = recipe.looped.unwrap().model(session.model(), &recipe).unwrap();
    assert_eq!(model.clips_on_circle(), 4);
    // 1 s of 16 kHz is 500 frames of 32 samples: 124 frames each, nearer together than 32 would be far.
    assert_eq!(model.representation.num_frames() % 4, 0);
    assert!(model.representation.num_samples().abs_diff(16_000) <= model.representation.num_frames() / 2);
}

/// A file of this model's rate: a sweep, loud to its end.
fn sweep(folder: &tempfile::TempDir, num_samples: usize) -> SoundFile {
    let samples = (0..num_samples).map(|i| (1e-5 * (i * i) as f32 + 0.05 * i as f32).sin()).collect();
    let (path, clip) = (folder.path().join("sweep.wav"), Clip::mono(samples, 16_000).unwrap());
    std::fs::write(&path, wav_bytes(&clip, WavFormat::Wav32f, &WavInfo::default()).unwrap()).unwrap();
    SoundFile::new(path)
}

/// The mean difference of the cells' levels, in dB, of two sounds of 9,600 samples.
fn distance_db(a: &[f32], b: &[f32]) -> f32 {
    let [num_samples, n_fft, hop_length] = [9600, 512, 128];
    let config = RepresentationConfig::LogMagnitude {
        num_samples,
        n_fft,
        hop_length,
        floor_db: -80.0,
        refinements: 0,
        onset: 0,
    };
    let levels = |samples: &[f32]| config.build().unwrap().encode(samples).unwrap().data;
    let (a, b) = (levels(a), levels(b));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

#[test]
fn a_loop_that_starts_from_a_file_has_no_seam_and_is_near_the_file() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than the loop of 9,600 samples, and shorter.
    for (card, num_samples) in
        [(tiny::texture_card(), 12_000), (tiny::two_stage_card(), 12_000), (tiny::texture_card(), 4000)]
    {
        let (session, file) = (session(&card, 2), sweep(&folder, num_samples));
        let at = |noise_level, seed| {
            let edit = Edit { init: Some(Init { file: file.clone(), noise_level }), ..Edit::default() };
            let request = Request { edit, seed, ..request(Loop::default(), Some(0.6)) };
            let rendered = render(&session, &request).unwrap();
            let again = render(&session, &rendered.recipe.request()).unwrap();
            assert_eq!(again.clip, rendered.clip);
            rendered.clip.into_channels().remove(0)
        };
        let near = at(0.1, 5);
        assert_eq!(near.len(), 9600);
        let step = |i: usize| (near[i] - near[(i + 9599) % 9600]).abs();
        let larger = (1..9600).filter(|&i| step(i) > step(0)).count();
        assert!(larger >= 10, "{larger} of 9,599 steps are larger than that at the seam");
        // Two seeds agree where little noise hides the file, and differ where all is noise.
        let distance = |level| distance_db(&at(level, 5), &at(level, 6));
        let (little, much) = (distance(0.02), distance(1.0));
        // What is left are phases, which come from the seed.
        assert!(little < 0.8 * much, "{little} dB, {much} dB");
    }
}

/// Steps from sample to sample of a loop that are larger than that at its seam.
fn steps_above_the_seam(samples: &[f32]) -> usize {
    let len = samples.len();
    let step = |i: usize| (samples[i] - samples[(i + len - 1) % len]).abs();
    (1..len).filter(|&i| step(i) > step(0)).count()
}

#[test]
fn a_loop_morphs_to_a_file_and_from_one() {
    let folder = tempfile::tempdir().unwrap();
    for card in [tiny::texture_card(), tiny::two_stage_card()] {
        // What is beyond the loop's 9,600 samples fades into its start: the file itself has a step at its ends.
        let (session, file) = (session(&card, 2), sweep(&folder, 12_000));
        let looped = |edit| render(&session, &Request { edit, ..request(Loop::default(), Some(0.6)) }).unwrap();
        let morphed = |from: Option<SoundFile>, to, amount| {
            let edit = Edit { morph: Some(Morph { from, to, amount }), ..Edit::default() };
            looped(edit).clip.into_channels().remove(0)
        };
        let end = morphed(None, MorphEnd::File(file.clone()), 1.0);
        assert_eq!(morphed(Some(file.clone()), MorphEnd::Seed(4), 0.0), end, "{}", card.id);
        assert_eq!(morphed(None, MorphEnd::File(file.clone()), 0.0), looped(Edit::default()).clip.channels()[0]);
        let half = morphed(None, MorphEnd::File(file.clone()), 0.5);
        assert!(steps_above_the_seam(&half) >= 10, "{}: a seam", card.id);
        // What the noise that was found of the file leads back to is nearer to it than another seed's sound is.
        let original = Sounds::new(16_000).samples(&file).unwrap();
        let [near, far] =
            [&end, &morphed(None, MorphEnd::Seed(9), 1.0)].map(|sound| distance_db(sound, &original[..9600]));
        assert!(near < far, "{}: {near} dB, {far} dB", card.id);
    }
}

#[test]
fn a_loop_is_made_anew_across_its_seam_and_kept_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    for card in [tiny::texture_card(), tiny::two_stage_card()] {
        let (session, file) = (session(&card, 2), sweep(&folder, 9600));
        let masks = vec![[0.0, 0.1], [0.5, 0.6]];
        let edit = Edit { inpaint: Some(Inpaint { file: file.clone(), masks }), ..Edit::default() };
        let painted = render(&session, &Request { edit, ..request(Loop::default(), None) }).unwrap();
        assert_eq!(painted.recipe.duration_s, 0.6, "a loop that is inpainted is as long as its file");
        let painted = &painted.clip.channels()[0];
        let original = Sounds::new(16_000).samples(&file).unwrap();
        assert_eq!(painted[1600..8000], original[1600..8000]);
        assert_ne!(painted[..1000], original[..1000]);
        assert!(steps_above_the_seam(painted) >= 10, "{}: a seam", card.id);
    }
}

#[test]
fn of_a_loop_that_is_kept_to_its_end_the_seam_is_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let (session, file) = (session(&tiny::texture_card(), 1), sweep(&folder, 9600));
    let edit = |masks| Edit { inpaint: Some(Inpaint { file: file.clone(), masks }), ..Edit::default() };
    let painted =
        render(&session, &Request { edit: edit(vec![[0.0, 0.1]]), ..request(Loop::default(), None) }).unwrap();
    let original = Sounds::new(16_000).samples(&file).unwrap();
    // The new start comes out of the old end by a cross-fade whose first sample is nearly all the file's.
    let first = painted.clip.channels()[0][0];
    assert!((first - original[0]).abs() < 0.01, "{first}, {}", original[0]);
    let other = Request { edit: edit(vec![[0.0, 0.1]]), ..request(bars(120.0, 1), None) };
    let message = session.resolve(&other).unwrap_err().to_string();
    assert!(message.contains("so many bars at this tempo is 2; need 0.6, that of the loop"), "{message}");
}

#[test]
fn what_would_break_a_loop_is_refused_by_name() {
    let session = texture();
    let message = |request: Request| session.resolve(&request).unwrap_err().to_string();
    assert!(message(request(bars(10.0, 1), None)).contains("tempo in beats per minute is 10; need 20..=400"));
    assert!(message(request(bars(120.0, 0), None)).contains("number of bars is 0"));
    assert!(message(request(bars(20.0, 64), None)).contains("need 0.05..=60"));
    assert!(message(request(Loop::default(), Some(61.0))).contains("duration in seconds is 61; need 0.05..=60"));
    let recipe = session.resolve(&request(Loop::default(), None)).unwrap();
    let faded = Finish { shaping: Shaping { fade_in_ms: Some(1.0), ..Shaping::default() }, ..Finish::plain(44_100) };
    let error = FileRecipe { recipe, finish: faded }.validate().unwrap_err().to_string();
    assert!(error.contains("fade") && error.contains("loop"), "{error}");
}

#[test]
fn a_wave_of_patches_loops_too() {
    let mut card = tiny::one_stage_card();
    card.config.representation = RepresentationConfig::Waveform { num_samples: 2048, patch: 16 };
    let rendered = render(&session(&card, 1), &request(Loop::default(), Some(0.1))).unwrap();
    assert_eq!(rendered.clip.num_frames(), 1600);
}
