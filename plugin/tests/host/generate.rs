//! New sounds while others play.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::clap_host::{At, Host, Input, peak};

/// Longer than a render takes, on the slowest machine.
pub const LONG: Duration = Duration::from_secs(120);

const NOTE: [At<Input>; 1] = [At(0, Input::On { key: 60, velocity: 1.0 })];

/// Sets what a quick render needs, and presses the button.
pub fn press(host: &mut Host) {
    let steps = host.value("Steps", "1");
    let events = [At(0, host.set("Steps", steps)), At(0, host.set("Generate", 1.0))];
    host.play(64, 64, &events);
    // Long enough for the button not to be taken for a bouncing one.
    host.play(8192, 1024, &[At(0, host.set("Generate", 0.0))]);
}

/// Presses the button and waits for the sound.
pub fn roll(host: &mut Host) {
    host.set_offline(true);
    press(host);
    host.set_offline(false);
    host.play(64, 64, &[]);
}

/// Plays short blocks in real time until a new note is not the one of `old`.
fn until_new(host: &mut Host, old: &[Vec<f32>; 2]) -> [Vec<f32>; 2] {
    let start = Instant::now();
    loop {
        host.reset();
        let now = host.play(old[0].len(), 64, &NOTE);
        if now != *old {
            return now;
        }
        assert!(start.elapsed() < LONG, "no new sound");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_press_changes_the_next_note_and_not_the_one_that_sounds() {
    let mut reference = Host::new(44_100.0);
    let old = reference.play(30_000, 64, &NOTE);
    let mut host = Host::new(44_100.0);
    let before = host.play(640, 64, &NOTE);
    press(&mut host);
    let (held, len) = (host.play(5000, 64, &[]), 640 + 64 + 8192);
    // The held note, through the swap, is the old sound to its end.
    assert!(before[0] == old[0][..640] && held[0] == old[0][len..len + 5000]);
    let new = until_new(&mut host, &reference_of(&old));
    assert!(peak(&new) > 0.05);
}

fn reference_of(old: &[Vec<f32>; 2]) -> [Vec<f32>; 2] {
    [0, 1].map(|side: usize| old[side][..4096].to_vec())
}

#[test]
fn a_held_button_renders_once() {
    let mut host = Host::new(44_100.0);
    let steps = host.value("Steps", "1");
    host.play(64, 64, &[At(0, host.set("Steps", steps)), At(0, host.set("Generate", 1.0))]);
    host.set_offline(true);
    host.play(64, 64, &[]);
    let first = host.save();
    host.play(48_000, 512, &[At(100, host.set("Generate", 1.0))]);
    assert!(host.save() == first);
}

#[test]
fn two_instances_generate_at_once_each_its_own() {
    let sound = |_| {
        std::thread::spawn(|| {
            let mut host = Host::new(48_000.0);
            roll(&mut host);
            host.reset();
            host.play(20_000, 128, &NOTE)
        })
    };
    let sounds = [0, 1].map(sound).map(|thread| thread.join().unwrap());
    assert!(sounds[0] != sounds[1] && sounds.iter().all(|sound| peak(sound) > 0.05));
}

/// What a new note plays once the worker has nothing left to do.
fn next_note(host: &mut Host) -> [Vec<f32>; 2] {
    host.set_offline(true);
    host.play(64, 64, &[]);
    host.set_offline(false);
    host.play(20_000, 128, &NOTE)
}

#[test]
fn with_evolve_every_note_is_a_new_one_near_the_last_and_the_project_keeps_the_root() {
    let mut host = Host::new(48_000.0);
    let root = next_note(&mut host);
    let saved = host.save();
    let (steps, on) = (host.value("Steps", "1"), At(0, host.set("Evolve", 1.0)));
    host.play(64, 64, &[At(0, host.set("Steps", steps)), on]);
    let notes: Vec<_> = (0..4).map(|_| next_note(&mut host)).collect();
    for (number, note) in notes.iter().enumerate() {
        assert!(*note != root && peak(note) > 0.05, "note {number}");
        assert!(notes[..number].iter().all(|other| other != note), "note {number}");
    }
    // Without a pause the notes take what lies ready, then go back and forth: never the same twice.
    let fast: Vec<_> = (0..8)
        .map(|_| {
            host.reset();
            host.play(2000, 128, &NOTE)
        })
        .collect();
    assert!(fast.windows(2).all(|pair| pair[0] != pair[1]));
    host.play(64, 64, &[At(0, host.set("Evolve", 0.0)), At(0, host.set("Steps", host.param("Steps").default))]);
    assert!(next_note(&mut host) == root);
    let back = host.save();
    assert!(back == saved, "{} and {} bytes", back.len(), saved.len());
}

#[test]
fn the_button_varies_and_morphs_if_told_to() {
    let mut host = Host::new(48_000.0);
    let built_in = next_note(&mut host);
    let vary = host.value("Generate does", "vary");
    host.play(64, 64, &[At(0, host.set("Generate does", vary))]);
    roll(&mut host);
    let near = next_note(&mut host);
    assert!(near != built_in && peak(&near) > 0.05);
    // A morph without its two ends is a message, and the sound stays.
    let morph = host.value("Generate does", "morph");
    host.play(64, 64, &[At(0, host.set("Generate does", morph))]);
    roll(&mut host);
    assert!(next_note(&mut host) == near);
}
