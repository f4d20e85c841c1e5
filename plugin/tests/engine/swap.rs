//! Sounds that change while notes play.

use std::sync::Arc;

use brownian_plugin::engine::{Place, Sound};

use crate::support::*;

#[test]
fn an_old_note_finishes_on_the_old_sound_and_a_new_one_plays_the_new() {
    let old = Arc::new(mono(vec![0.25; 9600], RATE));
    let (mut engine, mut handle) = engine(mono(vec![0.0], RATE));
    handle.give(Place::Keys, old.clone()).unwrap();
    assert_eq!(play(&mut engine, &[on(0, ROOT)], &plain(), 512)[511], 0.25);
    handle.give(Place::Keys, Arc::new(mono(vec![0.5; 9600], RATE))).unwrap();
    let output = play(&mut engine, &[on(1024, ROOT)], &plain(), 4800);
    assert!(output[..1024].iter().all(|&sample| sample == 0.25));
    assert!(output[1024..].iter().all(|&sample| sample == 0.75));
    play(&mut engine, &[], &plain(), 9600);
    // Only this test still holds the old sound once the handle has collected.
    handle.collect();
    assert_eq!(Arc::strong_count(&old), 1);
}

#[test]
fn a_removed_sound_leaves_silence_for_new_notes() {
    let (mut engine, mut handle) = engine(mono(vec![0.25; 9600], RATE));
    play(&mut engine, &[], &plain(), 64);
    assert!(handle.remove(Place::Keys));
    assert_eq!(peak(&play(&mut engine, &[on(0, ROOT)], &plain(), 64)), 0.0);
    assert_eq!(handle.collect(), 1);
}

#[test]
fn a_flood_of_sounds_loses_none_and_leaks_none() {
    let (mut engine, mut handle) = engine(mono(vec![0.0; 100], RATE));
    let sounds: Vec<Arc<Sound>> = (0..500).map(|i| Arc::new(mono(vec![i as f32 / 10_000.0; 100], RATE))).collect();
    for (i, sound) in sounds.iter().enumerate() {
        let mut waiting = Some(sound.clone());
        while let Some(sound) = waiting.take() {
            waiting = handle.give(Place::Keys, sound).err();
            if i % 7 == 0 || waiting.is_some() {
                play(&mut engine, &[on(0, ROOT)], &plain(), 16);
            }
        }
    }
    play(&mut engine, &[], &plain(), 4800);
    handle.collect();
    let last = play(&mut engine, &[on(0, ROOT)], &plain(), 16)[15];
    assert_eq!(last, 0.0499);
    assert_eq!(sounds.iter().filter(|sound| Arc::strong_count(sound) > 1).count(), 1);
}

#[test]
fn a_new_output_rate_keeps_the_sound_and_its_pitch() {
    let (mut engine, _handle) = engine(mono(sine(440.0, 96_000), RATE));
    play(&mut engine, &[on(0, ROOT)], &plain(), 64);
    engine.prepare(brownian_plugin::engine::Config { sample_rate: 96_000.0 });
    let output = play(&mut engine, &[on(0, ROOT)], &plain(), 19_200);
    assert!((frequency_hz(&output, 96_000.0) - 440.0).abs() < 0.3);
}
