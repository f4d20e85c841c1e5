use std::sync::{Arc, Mutex};

use candle_core::Device;

use super::*;
use crate::audio::{Clip, decode};
use crate::error::GenerateError;
use crate::generate::{Cancel, FileFormat, Finish, Level, Request, Session, Shaping, SoundFile};
use crate::model::{Card, tiny};

fn session(card: &Card, threads: usize) -> Session {
    let model = Model::from_bytes("tiny", &tiny::bytes(card).unwrap(), &Device::Cpu).unwrap();
    Session::new(Arc::new(model), threads).unwrap()
}

fn request(duration_s: f64) -> Request {
    Request { seed: 9, class: Some("kick".into()), duration_s: Some(duration_s), steps: Some(2), ..Request::default() }
}

fn render(session: &Session, request: &Request) -> Clip {
    session.render(request, &Cancel::default(), &|_, _| ()).unwrap().clip
}

#[test]
fn a_long_row_of_one_shots_is_clip_after_clip_of_the_next_seeds_at_peak_1() {
    let session = session(&tiny::two_stage_card(), 2);
    let long = render(&session, &request(0.3));
    assert_eq!(long.num_frames(), 4800);
    for (i, part) in long.channels()[0].chunks_exact(2048).enumerate() {
        let one = render(&session, &Request { seed: 9 + i as u64, duration_s: None, ..request(0.0) });
        let gain = one.peak().recip();
        assert!(one.channels()[0].iter().zip(part).all(|(one, part)| gain * one == *part), "clip {i}");
        assert!((one.peak() - 1.0).abs() > 0.01, "clip {i} had this level by itself");
    }
}

#[test]
fn a_texture_goes_on_and_its_length_changes_nothing_of_what_is_before() {
    let session = session(&tiny::texture_card(), 1);
    let (short, long) = (render(&session, &request(0.4)), render(&session, &request(0.7)));
    assert_eq!((short.num_frames(), long.num_frames()), (6400, 11_200));
    // The shorter one ends in a fade of 5 ms; both begin with one.
    let [short, long] = [&short, &long].map(|clip| &clip.channels()[0]);
    assert_eq!(short[..6320], long[..6320]);
    assert!(short[6399] == 0.0 && long[0] == 0.0 && short[6399 - 40].abs() < long[6399 - 40].abs());
}

#[test]
fn a_long_sound_is_the_same_bytes_for_any_number_of_threads_and_in_pieces() {
    for card in [tiny::texture_card(), tiny::two_stage_card(), tiny::one_stage_card()] {
        let whole = render(&session(&card, 1), &request(0.5));
        let mut pieces = Vec::new();
        let mut sink = |piece: &[f32]| {
            pieces.extend_from_slice(piece);
            Ok(())
        };
        session(&card, 3).stream(&request(0.5), &Cancel::default(), &|_, _| (), &mut sink).unwrap();
        assert_eq!(whole.channels()[0], pieces);
    }
}

#[test]
fn windows_of_a_texture_join_like_any_other_point() {
    let session = session(&tiny::texture_card(), 2);
    let window = Window::of(session.model());
    let long = render(&session, &request(1.0));
    let samples = &long.channels()[0];
    let step = |i: usize| (samples[i] - samples[i - 1]).abs();
    let bend = |i: usize| (samples[i + 1] - 2.0 * samples[i] + samples[i - 1]).abs();
    let rank = |value: f32, of: &dyn Fn(usize) -> f32| {
        let below = (1..samples.len() - 1).filter(|&i| of(i) < value).count();
        below as f64 / samples.len() as f64
    };
    for seam in (window.first()..samples.len() - 1 - window.fade).step_by(window.step()) {
        // Ten joins, each with its two ends: the largest of a thousand would be a coincidence, of ten thousand a click.
        for at in [seam, seam + window.fade] {
            let (step, bend) = (rank(step(at), &step), rank(bend(at), &bend));
            assert!(step < 0.9995 && bend < 0.9995, "sample {at}: {step} {bend}");
        }
    }
}

#[test]
fn known_samples_are_continued_and_not_only_mixed() {
    // Where both windows overlap they must agree: mixed, what does not agree would lose level.
    let session = session(&tiny::texture_card(), 1);
    let window = Window::of(session.model());
    let long = render(&session, &request(2.0));
    let samples = &long.channels()[0];
    let level = |range: std::ops::Range<usize>| {
        let energy: f64 = samples[range.clone()].iter().map(|&x| f64::from(x).powi(2)).sum();
        10.0 * (energy / range.len() as f64).log10()
    };
    let starts = (window.first()..samples.len() - window.fade).step_by(window.step());
    let joins: Vec<f64> = starts.map(|at| level(at..at + window.fade)).collect();
    let mean = joins.iter().sum::<f64>() / joins.len() as f64;
    let whole = level(0..samples.len());
    // Sounds without any relation, mixed half and half, would be 1.8 dB down on average over the fade.
    assert!(mean > whole - 1.0, "{mean} dB in the joins, {whole} dB in all");
}

#[test]
fn progress_counts_every_call_of_every_block() {
    for card in [tiny::texture_card(), tiny::two_stage_card()] {
        let told = Mutex::new((0, 0));
        let on_step = |done, total| *told.lock().unwrap() = (done, total);
        session(&card, 1).render(&request(0.5), &Cancel::default(), &on_step).unwrap();
        let (done, total) = told.into_inner().unwrap();
        assert_eq!(done, total);
        assert!(total >= 8);
    }
}

fn write(session: &Session, finish: Finish, path: &std::path::Path) -> Result<crate::generate::Written> {
    session.write(&request(0.5), finish, path, &Cancel::default(), &|_, _| ())
}

#[test]
fn a_file_through_the_disk_has_its_level_rate_fades_and_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let session = session(&tiny::texture_card(), 1);
    let shaping = Shaping { fade_in_ms: Some(20.0), fade_out_ms: Some(20.0), ..Shaping::default() };
    let finish = Finish {
        format: FileFormat::Wav32f,
        channels: 2,
        level: Level::PeakDbfs(-6.0),
        shaping,
        ..Finish::plain(44_100)
    };
    let written = write(&session, finish, &path).unwrap();
    let clip = decode(&path).unwrap();
    assert_eq!((clip.num_frames(), clip.num_channels(), clip.sample_rate()), (22_050, 2, 44_100));
    assert_eq!(written.num_frames, 22_050);
    assert!((clip.peak_dbfs().unwrap() + 6.0).abs() < 1e-3 && (written.peak_dbfs.unwrap() + 6.0).abs() < 1e-3);
    assert_eq!((clip.channels()[0][0], clip.channels()[0][22_049]), (0.0, 0.0));
    let recipe = crate::generate::FileRecipe::read(&path).unwrap();
    assert_eq!((recipe.recipe, recipe.finish), (written.recipe, finish));
    // As through memory, to the rounding of two orders of the same steps.
    let mut plain = Finish { shaping: Shaping::default(), format: FileFormat::Wav32f, ..Finish::plain(16_000) };
    write(&session, plain, &path).unwrap();
    let whole = plain.apply(&render(&session, &request(0.5))).unwrap();
    let error = decode(&path).unwrap().channels()[0]
        .iter()
        .zip(&whole.channels()[0])
        .fold(0.0f32, |e, (a, b)| e.max((a - b).abs()));
    assert!(error < 1e-6, "{error:e}");
}

#[test]
fn what_is_cut_and_turned_through_the_disk_is_what_it_is_through_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let none = Shaping::default();
    let all = Shaping {
        crop_s: Some([0.05, 0.45]),
        trim_db: Some(-20.0),
        reverse: true,
        rotate_s: Some(0.1),
        remove_dc: true,
        fade_in_ms: Some(10.0),
        fade_out_ms: Some(10.0),
        sustain: None,
    };
    let shapings = [
        Shaping { crop_s: Some([0.1, 0.3]), ..none },
        // Within a block of the stream and behind the end.
        Shaping { crop_s: Some([0.0001, 0.0002]), ..none },
        Shaping { crop_s: Some([0.3, 9.0]), ..none },
        Shaping { trim_db: Some(-20.0), ..none },
        Shaping { reverse: true, ..none },
        Shaping { rotate_s: Some(-0.15), ..none },
        Shaping { remove_dc: true, ..none },
        Shaping { reverse: false, ..all },
        all,
    ];
    for card in [tiny::texture_card(), tiny::two_stage_card()] {
        let session = session(&card, 1);
        let whole = render(&session, &request(0.5));
        for shaping in shapings {
            let mut finish = Finish { shaping, format: FileFormat::Wav32f, ..Finish::plain(16_000) };
            let written = write(&session, finish, &path).unwrap();
            let (found, expected) = (decode(&path).unwrap(), finish.apply(&whole).unwrap());
            assert_eq!((written.num_frames, found.num_frames()), (expected.num_frames(), expected.num_frames()));
            let pairs = found.channels()[0].iter().zip(&expected.channels()[0]);
            // The same samples; their gain is rounded once more or less.
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-6), "{shaping:?}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_a_crop_cuts_off_behind_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    for card in [tiny::texture_card(), tiny::two_stage_card()] {
        let session = session(&card, 1);
        let calls = |crop_s| {
            let told = Mutex::new((0, 0));
            let on_step = |done, total| *told.lock().unwrap() = (done, total);
            let finish = Finish { shaping: Shaping { crop_s, ..Shaping::default() }, ..Finish::plain(16_000) };
            let path = folder.path().join("a.wav");
            session.write(&request(1.0), finish, &path, &Cancel::default(), &on_step).unwrap();
            let (done, total) = told.into_inner().unwrap();
            assert_eq!(done, total);
            done
        };
        // Two blocks of eight, or of eleven.
        assert!(3 * calls(Some([0.05, 0.2])) < calls(None));
    }
}

#[test]
fn a_flac_through_the_disk_holds_the_samples_of_a_wav() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(&tiny::texture_card(), 1);
    let samples = |format, name: &str| {
        let path = folder.path().join(name);
        write(&session, Finish { format, channels: 2, ..Finish::plain(44_100) }, &path).unwrap();
        (decode(&path).unwrap(), crate::generate::FileRecipe::read(&path).unwrap().recipe)
    };
    assert_eq!(samples(FileFormat::Flac, "a.flac"), samples(FileFormat::Wav24, "a.wav"));
}

#[test]
fn what_is_cancelled_or_cropped_to_nothing_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let session = session(&tiny::texture_card(), 1);
    let behind = Shaping { crop_s: Some([0.5, 0.6]), ..Shaping::default() };
    let message = write(&session, Finish { shaping: behind, ..Finish::plain(16_000) }, &path).unwrap_err().to_string();
    assert_eq!(message, "crop is 0.5..0.6 s; need a start before the clip's end (0.500 s)");
    let trimmed = Shaping { trim_db: Some(-60.0), ..Shaping::default() };
    for shaping in [Shaping::default(), trimmed] {
        let cancel = Cancel::default();
        let on_step = |done, _| {
            if done == 5 {
                cancel.cancel();
            }
        };
        let finish = Finish { shaping, ..Finish::plain(16_000) };
        let error = session.write(&request(0.5), finish, &path, &cancel, &on_step).unwrap_err();
        assert!(matches!(error, crate::Error::Generate(GenerateError::Cancelled)), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_goes_on_and_stays_as_it_is_up_to_the_join() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let texture = session(&tiny::texture_card(), 1);
    let plain = Finish { format: FileFormat::Wav32f, level: Level::Raw, ..Finish::plain(16_000) };
    write(&texture, plain, &path).unwrap();
    let file = decode(&path).unwrap().into_channels().remove(0);
    let mut asked = Request { seed: 77, ..request(0.1) };
    asked.edit.continues = Some(SoundFile::new(&path));
    for (session, is_texture) in [(&texture, true), (&session(&tiny::two_stage_card(), 1), false)] {
        let rendered = session.render(&asked, &Cancel::default(), &|_, _| ()).unwrap();
        let samples = &rendered.clip.channels()[0];
        assert_eq!(samples.len(), file.len() + 1600);
        // 5 ms are faded out before a one-shot; a texture mixes less.
        let kept = file.len() - 80;
        assert_eq!(samples[..kept], file[..kept]);
        let again = session.render(&rendered.recipe.request(), &Cancel::default(), &|_, _| ()).unwrap();
        assert_eq!(again.clip, rendered.clip);
        if is_texture {
            let step = |i: usize| (samples[i] - samples[i - 1]).abs();
            let largest = (1..kept).map(step).fold(0.0, f32::max);
            assert!((kept..file.len() + 2).all(|i| step(i) <= largest), "a step in the join");
        }
    }
}
