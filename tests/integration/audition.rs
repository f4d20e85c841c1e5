//! `brownian audition` by a list of keys: what is heard is the clips, all of them and nothing between.

use brownian_core::audio::decode;
use brownian_tests::program::Bench;

const SOUND: [&str; 4] = ["--class", "kick", "--steps", "1"];

/// The samples of seeds `first` and the two after it, one after the other, as `render` makes them.
fn rendered(bench: &Bench, first: u64) -> Vec<f32> {
    let seed = first.to_string();
    let flags = ["--seed", &seed, "--count", "3", "--format", "wav32f", "--out", "clips"];
    bench.run(&[&["render", "tiny"], &SOUND[..], &flags[..]].concat()).done();
    let clip = |n| decode(&bench.path(&format!("clips/kick_{:06}.wav", first + n))).unwrap();
    (0..3).flat_map(|n| clip(n).into_channels().swap_remove(0)).collect()
}

#[test]
fn what_keys_play_is_recorded_to_the_sample() {
    let bench = Bench::new().with_tiny_model();
    let flags = ["--seed", "5", "--keys", " rr", "--output", "take.wav"];
    bench.run(&[&["audition", "tiny"], &SOUND[..], &flags[..]].concat()).done();
    assert_eq!(decode(&bench.path("take.wav")).unwrap().channels()[0], rendered(&bench, 5));
}

#[test]
fn what_is_kept_is_the_file_that_render_would_write() {
    let bench = Bench::new().with_tiny_model();
    let flags = ["--seed", "5", "--keys", " rkrk", "--output", "take.wav", "--out", "kept"];
    let run = bench.run(&[&["audition", "tiny"], &SOUND[..], &flags[..]].concat()).done();
    assert_eq!(bench.names("kept"), ["kick_000006.wav", "kick_000007.wav"], "{run:#?}");
    bench.run(&["verify", "kept/kick_000006.wav", "kept/kick_000007.wav"]).done();
    bench.run(&[&["render", "tiny", "--seed", "6", "--out", "same.wav"], &SOUND[..]].concat()).done();
    assert_eq!(bench.read("kept/kick_000006.wav"), bench.read("same.wav"));
}

#[test]
fn keys_vary_change_and_go_back() {
    let bench = Bench::new().with_tiny_model();
    let take = |keys: &str| {
        let flags = ["--seed", "5", "--keys", keys, "--output", "take.wav"];
        bench.run(&[&["audition", "tiny"], &SOUND[..], &flags[..]].concat()).done();
        let samples = decode(&bench.path("take.wav")).unwrap().into_channels().swap_remove(0);
        samples.chunks(2048).map(<[f32]>::to_vec).collect::<Vec<_>>()
    };
    let heard = take(" v+cua");
    assert_eq!(heard.len(), 6);
    for (n, sound) in heard[..4].iter().enumerate() {
        assert!(heard[..n].iter().all(|other| other != sound), "sound {n} was heard before");
    }
    // Back from the class to the attribute, and from there to what it changed and no further.
    assert_eq!((&heard[4], &heard[5]), (&heard[2], &heard[1]));
}

#[test]
fn amounts_are_dials_too() {
    let bench = Bench::new().with_tiny_model();
    let take = |keys: &str| {
        let flags = ["--seed", "5", "--keys", keys, "--output", "take.wav"];
        bench.run(&[&["audition", "tiny"], &SOUND[..], &flags[..]].concat()).done();
        let samples = decode(&bench.path("take.wav")).unwrap().into_channels().swap_remove(0);
        samples.chunks(2048).map(<[f32]>::to_vec).collect::<Vec<_>>()
    };
    // Varied by nothing at all, a sound is itself.
    let heard = take(" 6---v");
    assert_eq!((heard.len(), &heard[1]), (2, &heard[0]));
    // Of a morph from the second to the first sound, five tenths more and it is the first.
    let heard = take(" r7m+++++");
    assert_eq!((heard.len(), &heard[7]), (8, &heard[0]));
}

#[test]
fn a_key_that_means_nothing_and_a_terminal_that_is_none_are_told() {
    let bench = Bench::new().with_tiny_model();
    bench.run(&["audition", "tiny", "--seed", "1", "--keys", "rx", "--output", "a.wav"]).refused(2, &["'x'"]);
    bench.run(&["audition", "tiny", "--class", "oboe"]).refused(2, &["oboe"]);
    bench.run(&["audition", "tiny"]).refused(2, &["--keys"]);
}

/// Through the sound system, into a file that stands for the card.
#[cfg(target_os = "linux")]
#[test]
fn a_sound_card_hears_every_clip_and_no_gap() {
    let bench = Bench::new().with_tiny_model();
    let file = bench.path("card.raw");
    let config = format!(
        "pcm.!default {{ type plug; slave {{ pcm \"card\"; rate 16000; channels 2; format FLOAT_LE }} }}\n\
         pcm.card {{ type file; slave.pcm \"nothing\"; file \"{}\"; format \"raw\" }}\n\
         pcm.nothing {{ type null }}\nctl.!default {{ type hw; card 0 }}\n",
        file.display()
    );
    let config = bench.write("asound.conf", config.as_bytes());
    let args = [&["audition", "tiny"], &SOUND[..], &["--seed", "5", "--keys", " rr", "--rate", "16000"]].concat();
    bench.run_in(&args, &[("ALSA_CONFIG_PATH", config.to_str().unwrap())]).done();
    let raw = bench.read("card.raw");
    let left: Vec<f32> = raw.chunks_exact(8).map(|frame| f32::from_le_bytes(frame[..4].try_into().unwrap())).collect();
    let want = rendered(&bench, 5);
    let start = left.iter().position(|&sample| sample != 0.0).expect("something was heard");
    let first = want.iter().position(|&sample| sample != 0.0).unwrap();
    let heard = &left[start - first..][..want.len()];
    // The sound system may go through 32-bit integers: one step of 24 bits is allowed.
    let worst = heard.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 2f32.powi(-23), "{worst}");
    assert!(left[start - first + want.len()..].iter().all(|&sample| sample == 0.0), "silence follows");
}
