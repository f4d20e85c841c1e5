//! `brownian render --loop`: what repeats, in files.

use brownian_core::audio::{decode, read_info};
use brownian_core::metrics::seam;
use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

#[test]
fn a_loop_is_exact_to_the_sample_tells_its_points_and_tempo_and_verifies() {
    let bench = Bench::new().with_tiny_model();
    let args = ["render", "tiny", "--class", "kick", "--seed", "2", "--bpm", "174", "--bars", "1", "--out", "a.wav"];
    for rate in ["44100", "48000"] {
        bench.run(&[&args[..], &["--sample-rate", rate, "--force"]].concat()).done();
        let clip = decode(&bench.path("a.wav")).unwrap();
        let exact = 240.0 / 174.0 * rate.parse::<f64>().unwrap();
        assert_eq!(clip.num_frames(), exact.round() as usize, "at {rate} Hz");
        let info = read_info(&bench.path("a.wav")).unwrap();
        assert_eq!(info.loop_frames, Some((0, clip.num_frames() as u32)));
        assert_eq!((info.tempo_bpm, info.one_shot), (Some(174.0), false));
        let verdict = bench.run(&["verify", "a.wav", "--json"]).done().json()[0]["result"].clone();
        assert_eq!(verdict, "same");
    }
    bench.run(&["render", "--from", "a.wav", "--seed", "3", "--out", "b.wav"]).done();
    assert_eq!(read_info(&bench.path("b.wav")).unwrap().tempo_bpm, Some(174.0));
}

#[test]
fn the_seam_of_a_loop_is_as_any_other_point_at_any_rate_and_turned_by_any_angle() {
    let bench = Bench::new().with_tiny_texture();
    for how in [&["--sample-rate", "16000"][..], &["--sample-rate", "44100"], &["--rotate", "0.3"]] {
        let fixed = ["render", "texture", "--seed", "4", "--loop", "--duration", "1.5", "--force", "--out", "a.wav"];
        bench.run(&[&fixed[..], how].concat()).done();
        let clip = decode(&bench.path("a.wav")).unwrap();
        let found = seam(&clip.channels()[0], 0);
        // 24,000 steps: the seam is not among the highest 24; of the flux, which has 90 points, not the highest two.
        assert!(found.step < 0.999 && found.slope < 0.999 && found.flux < 0.98, "{how:?}: {found:?}");
    }
}

#[test]
fn a_loop_that_starts_from_a_file_has_no_seam_and_verifies() {
    let bench = Bench::new().with_tiny_texture();
    bench.write("rain.wav", &wav(&ping(300.0, 16_000), 1, 16_000));
    let from = ["--init-audio", "rain.wav", "--init-noise-level", "0.4", "--loop", "--duration", "0.8"];
    bench.run(&[&["render", "texture", "--seed", "4", "--out", "a.wav"], &from[..]].concat()).done();
    let clip = decode(&bench.path("a.wav")).unwrap();
    let found = seam(&clip.channels()[0], 0);
    assert!(clip.num_frames() == 12_800 && found.step < 0.999 && found.slope < 0.999, "{found:?}");
    assert_eq!(bench.run(&["verify", "a.wav", "--json"]).done().json()[0]["result"], "same");
    bench.run(&["render", "texture", "--loop", "--continue", "rain.wav"]).refused(2, &["continu", "loop"]);
}

#[test]
fn a_loop_is_mended_across_its_seam_morphed_to_a_file_and_verifies() {
    let bench = Bench::new().with_tiny_texture();
    bench.write("rain.wav", &wav(&ping(300.0, 16_000), 1, 16_000));
    let float = ["--format", "wav32f", "--raw"];
    let fixed = ["render", "texture", "--seed", "4", "--loop"];
    bench.run(&[&fixed[..], &float, &["--duration", "0.8", "--out", "whole.wav"]].concat()).done();
    let masks = ["--inpaint", "whole.wav", "--mask", "0.7..0.8", "--mask", "0..0.1", "--out", "mended.wav"];
    bench.run(&[&fixed[..], &float, &masks].concat()).done();
    let [whole, mended] = ["whole.wav", "mended.wav"].map(|name| decode(&bench.path(name)).unwrap());
    assert_eq!(whole.channels()[0][1600..11_200], mended.channels()[0][1600..11_200]);
    assert_ne!(whole.channels()[0][..1600], mended.channels()[0][..1600]);
    let found = seam(&mended.channels()[0], 0);
    assert!(found.step < 0.999 && found.slope < 0.999, "{found:?}");
    let morph = ["--morph", "rain.wav", "--amount", "0.5", "--duration", "0.8", "--out", "between.wav"];
    bench.run(&[&fixed[..], &morph].concat()).done();
    for name in ["mended.wav", "between.wav"] {
        assert_eq!(bench.run(&["verify", name, "--json"]).done().json()[0]["result"], "same", "{name}");
    }
}

#[test]
fn what_cuts_a_loop_open_is_refused_by_name() {
    let bench = Bench::new().with_tiny_model();
    bench.run(&["render", "tiny", "--loop", "--fade-out", "5"]).refused(2, &["fade-out", "loop"]);
    bench.run(&["render", "tiny", "--loop", "--crop", "0..0.1"]).refused(2, &["crop", "loop"]);
    bench.run(&["render", "tiny", "--loop", "--duration", "61"]).refused(2, &["61", "0.05..=60"]);
    bench.run(&["render", "tiny", "--bpm", "5", "--bars", "1"]).refused(2, &["tempo", "20..=400"]);
    assert_eq!(bench.run(&["render", "tiny", "--bpm", "120"]).code, 2);
}
