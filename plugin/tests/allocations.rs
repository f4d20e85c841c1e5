//! The engine under an allocator that counts: on the audio thread the count must not move.

#[path = "host/guard.rs"]
mod guard;

use std::sync::Arc;

use brownian_plugin::engine::{
    Address, Config, Engine, Event, Expression, FilterMode, LoopMode, Mode, ModulationTarget, Parameters, Place,
    PlayMode, Sound, TimedEvent,
};
use guard::calls_of;

fn template() -> Sound {
    Sound::new(&[vec![0.01; 4800], vec![0.02; 4800]], 44_100.0, 60.0, Some(0..4800)).unwrap()
}

/// Events and parameters that differ with `i`, so that every path is taken.
fn block(i: u32) -> ([TimedEvent; 8], Parameters) {
    let key = (i * 7 % 128) as u8;
    let address = Address { note_id: Some(i as i32), ..Address::key(key) };
    let channel = Address { channel: Some(0), ..Address::default() };
    let events = [
        Event::NoteOn { address, velocity: 0.7 },
        Event::Expression { address, kind: Expression::Tuning, value: 0.3 },
        Event::Modulation { address, target: ModulationTarget::Cutoff, offset: 1.0 },
        Event::NoteOff(Address::key((i * 5 % 128) as u8)),
        Event::PitchBend { channel: 0, value: (i % 3) as f32 - 1.0 },
        Event::Sustain { channel: 0, is_down: i.is_multiple_of(5) },
        if i % 50 == 49 { Event::AllNotesOff { channel: 0 } } else { Event::Choke(Address::key((i / 3) as u8)) },
        if i % 90 == 89 { Event::Choke(channel) } else { Event::NoteOn { address: Address::key(42), velocity: 1.0 } },
    ];
    let mut parameters = Parameters {
        mode: if i.is_multiple_of(4) { Mode::Kit } else { Mode::Keys },
        play_mode: [PlayMode::Poly, PlayMode::Mono, PlayMode::Legato][(i / 64 % 3) as usize],
        glide_ms: (i % 7) as f32,
        gain_db: (i % 12) as f32,
        ..Parameters::default()
    };
    parameters.filter.mode = [FilterMode::Off, FilterMode::LowPass24, FilterMode::Notch][(i % 3) as usize];
    parameters.region.loop_mode = [LoopMode::Off, LoopMode::Forward, LoopMode::CrossFaded][(i / 3 % 3) as usize];
    parameters.region.is_reversed = i.is_multiple_of(11);
    (std::array::from_fn(|n| TimedEvent { frame: 7 * n as u32, event: events[n] }), parameters)
}

#[test]
fn no_block_allocates_or_frees_whatever_is_played_and_swapped() {
    let (mut engine, mut handle) = Engine::new(Config { sample_rate: 48_000.0 });
    let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
    let (mut peak, mut num_calls) = (0.0f32, 0);
    let template = template();
    for i in 0..1000u32 {
        // A sound that finds no room is the next block's business.
        let place = if i.is_multiple_of(2) { Place::Keys } else { Place::Pad((i % 16) as usize) };
        let _ = handle.give(place, Arc::new(template.clone()));
        let (events, parameters) = block(i);
        num_calls += calls_of(|| {
            engine.process(&events, [&mut left, &mut right], &parameters);
            if i.is_multiple_of(250) {
                engine.reset();
            }
        });
        peak = left.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
    }
    assert_eq!(num_calls, 0);
    assert!(peak > 0.01);
}

#[test]
fn no_block_frees_even_if_nobody_ever_collects() {
    let (mut engine, mut handle) = Engine::new(Config { sample_rate: 48_000.0 });
    let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
    let note = TimedEvent { frame: 0, event: Event::NoteOn { address: Address::key(60), velocity: 1.0 } };
    let template = template();
    // `give` collects, so it is called only before: 64 sounds wait in the ring.
    while handle.give(Place::Keys, Arc::new(template.clone())).is_ok() {}
    let calls = calls_of(|| {
        for _ in 0..500 {
            engine.process(&[note], [&mut left, &mut right], &Parameters::default());
        }
    });
    assert_eq!(calls, 0);
    assert_eq!(handle.collect(), 63);
}
