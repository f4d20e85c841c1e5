//! Time is cut into blocks as the host likes, and nobody hears it.

use crate::clap_host::{At, Host, Input, MAX_FRAMES, peak};

const BLOCKS: [usize; 6] = [1, 17, 64, 480, 1024, 4096];
const RATES: [f64; 6] = [22_050.0, 44_100.0, 48_000.0, 88_200.0, 96_000.0, 192_000.0];

/// Notes on odd frames, one key let go, and a parameter moved in the middle of a block.
fn score(host: &Host) -> Vec<At<Input>> {
    vec![
        At(3, Input::On { key: 60, velocity: 1.0 }),
        At(1017, Input::On { key: 67, velocity: 0.6 }),
        At(2049, host.set("Pan", 0.8)),
        At(2500, Input::Off { key: 60 }),
        At(4095, Input::On { key: 48, velocity: 0.9 }),
        At(4097, Input::On { key: 79, velocity: 0.4 }),
        At(6001, host.set("Tune", 0.51)),
    ]
}

#[test]
fn a_note_sounds_on_its_frame_and_not_before() {
    for rate in RATES {
        let mut host = Host::new(rate);
        let played = host.play(2000, 480, &[At(777, Input::On { key: 60, velocity: 1.0 })]);
        assert!(played[0][..777].iter().all(|&sample| sample == 0.0), "{rate} Hz");
        // A kick begins within a few milliseconds.
        assert!(played[0][777..].iter().any(|&sample| sample != 0.0), "{rate} Hz");
    }
}

#[test]
fn a_note_moved_by_a_frame_is_the_same_note_a_frame_later() {
    let play = |frame| Host::new(44_100.0).play(4000, 64, &[At(frame, Input::On { key: 64, velocity: 0.7 })]);
    let reference = play(100);
    for later in [1, 27, 28, 29, 63, 64] {
        let played = play(100 + later);
        let later = later as usize;
        assert_eq!(played[0][100 + later..], reference[0][100..4000 - later], "{later} frames later");
    }
}

#[test]
fn every_block_size_sounds_the_same_at_every_rate() {
    for rate in RATES {
        let sounds = BLOCKS.map(|block| {
            let mut host = Host::new(rate);
            let score = score(&host);
            host.play(2 * MAX_FRAMES, block, &score)
        });
        assert!(peak(&sounds[0]) > 0.1, "{rate} Hz");
        for (sound, block) in sounds.iter().zip(BLOCKS) {
            assert!(*sound == sounds[0], "blocks of {block} frames at {rate} Hz");
        }
    }
}

#[test]
fn after_a_reset_the_same_notes_sound_the_same() {
    let mut host = Host::new(48_000.0);
    let note = [At(5, Input::On { key: 60, velocity: 1.0 })];
    let first = host.play(3000, 256, &note);
    host.reset();
    assert_eq!(peak(&host.play(256, 256, &[])), 0.0);
    assert!(host.play(3000, 256, &note) == first);
}

#[test]
fn another_rate_changes_the_number_of_frames_and_not_the_pitch() {
    // Half of the rate has half of the frames for each period: every second frame of the faster one, filtered.
    let mut seconds = [48_000.0, 96_000.0].map(|rate| {
        let mut host = Host::inactive();
        host.activate(44_100.0);
        host.deactivate();
        host.activate(rate);
        host.play((0.2 * rate) as usize, 512, &[At(0, Input::On { key: 60, velocity: 1.0 })])[0].clone()
    });
    let every_second: Vec<f32> = seconds[1].iter().step_by(2).copied().collect();
    let slow = std::mem::take(&mut seconds[0]);
    let difference: f32 = slow.iter().zip(&every_second).map(|(a, b)| (a - b) * (a - b)).sum();
    let power: f32 = slow.iter().map(|sample| sample * sample).sum();
    // Both interpolate the same kick; what differs lies in the last kilohertz, where a kick has little.
    assert!(difference < 1e-3 * power, "{}", difference / power);
}
