//! The engine played without a host: what a listener would notice if it broke.

use brownian_plugin::clip::Clip;
use brownian_plugin::engine::{Address, Event, MAX_NOTES, ROOT_KEY, Voices};

const RATE: f32 = 48_000.0;

fn sine_clip(frequency_hz: f32, num_frames: usize) -> Clip {
    let omega = std::f32::consts::TAU * frequency_hz / RATE;
    let samples: Vec<f32> = (0..num_frames).map(|i| (omega * i as f32).sin()).collect();
    Clip::from_interleaved(&samples, 1, RATE).unwrap()
}

fn note_on(key: u8) -> Event {
    Event::NoteOn { address: Address::key(key), velocity: 1.0 }
}

fn note_off(key: u8) -> Event {
    Event::NoteOff(Address::key(key))
}

/// Plays `events` (frame, event) into one channel, asking for `block` frames at a time.
fn play(voices: &mut Voices, events: &[(usize, Event)], num_frames: usize, block: usize) -> Vec<f32> {
    let mut output = vec![0.0; num_frames];
    let mut start = 0;
    while start < num_frames {
        let mut end = (start + block).min(num_frames);
        for (_, event) in events.iter().filter(|(frame, _)| *frame == start) {
            voices.handle(*event);
        }
        if let Some(next) = events.iter().map(|(frame, _)| *frame).filter(|f| *f > start).min() {
            end = end.min(next);
        }
        voices.add_to(&mut [&mut output[start..end]], 0..end - start);
        start = end;
    }
    output
}

fn upward_crossings(samples: &[f32]) -> usize {
    samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count()
}

fn largest_step(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

#[test]
fn the_root_key_plays_the_clip_as_it_is() {
    let clip = sine_clip(440.0, 4800);
    let mut voices = Voices::new(clip.clone(), RATE);
    let output = play(&mut voices, &[(0, note_on(ROOT_KEY))], 4800, 64);
    assert_eq!(output, clip.channel(0));
}

#[test]
fn a_note_starts_on_its_own_sample() {
    let clip = Clip::from_interleaved(&[1.0; 100], 1, RATE).unwrap();
    let mut voices = Voices::new(clip, RATE);
    let output = play(&mut voices, &[(137, note_on(ROOT_KEY))], 256, 64);
    assert_eq!(output.iter().position(|&sample| sample != 0.0), Some(137));
}

#[test]
fn any_block_size_sounds_the_same_to_the_bit() {
    let events = [
        (0, note_on(60)),
        (100, note_on(67)),
        (1003, note_off(60)),
        (1500, note_on(72)),
        (2111, Event::Choke(Address::key(67))),
    ];
    let render = |block| {
        let mut voices = Voices::new(sine_clip(440.0, 9000), RATE);
        voices.set_release_ms(20.0);
        play(&mut voices, &events, 6000, block)
    };
    let whole = render(6000);
    for block in [1, 7, 64, 512] {
        assert_eq!(render(block), whole, "block of {block}");
    }
}

#[test]
fn an_octave_up_doubles_the_pitch_and_an_octave_down_halves_it() {
    let crossings = |key| {
        let mut voices = Voices::new(sine_clip(440.0, 96_000), RATE);
        upward_crossings(&play(&mut voices, &[(0, note_on(key))], 24_000, 512)) as i64
    };
    // Half a second: 220 periods at the root, each count certain to one.
    assert!((crossings(ROOT_KEY) - 220).abs() <= 1);
    assert!((crossings(ROOT_KEY + 12) - 440).abs() <= 1);
    assert!((crossings(ROOT_KEY - 12) - 110).abs() <= 1);
}

#[test]
fn a_clip_keeps_its_pitch_at_another_sample_rate() {
    let mut voices = Voices::new(sine_clip(440.0, 48_000), 2.0 * RATE);
    let output = play(&mut voices, &[(0, note_on(ROOT_KEY))], 48_000, 512);
    assert!((upward_crossings(&output) as i64 - 220).abs() <= 1);
}

#[test]
fn velocity_counts_squared() {
    let peak = |velocity| {
        let mut voices = Voices::new(sine_clip(440.0, 4800), RATE);
        let event = Event::NoteOn { address: Address::key(ROOT_KEY), velocity };
        play(&mut voices, &[(0, event)], 4800, 64).iter().fold(0.0f32, |peak, s| peak.max(s.abs()))
    };
    assert!((peak(0.5) / peak(1.0) - 0.25).abs() < 1e-6);
    assert_eq!(peak(0.0), 0.0);
}

#[test]
fn a_release_ends_in_exact_silence_on_time() {
    let mut voices = Voices::new(sine_clip(440.0, 96_000), RATE);
    voices.set_release_ms(10.0);
    let output = play(&mut voices, &[(0, note_on(ROOT_KEY)), (1000, note_off(ROOT_KEY))], 3000, 64);
    // 10 ms at 48 kHz are 480 samples.
    assert!(output[1000..1400].iter().any(|&sample| sample != 0.0));
    assert!(output[1480..].iter().all(|&sample| sample == 0.0));
    assert!(voices.is_silent());
}

#[test]
fn a_note_that_reaches_the_end_of_the_clip_frees_its_voice() {
    let mut voices = Voices::new(sine_clip(440.0, 100), RATE);
    play(&mut voices, &[(0, note_on(ROOT_KEY))], 200, 64);
    assert!(voices.is_silent());
}

#[test]
fn no_more_than_the_limit_of_notes_sound_and_the_newest_is_among_them() {
    let mut voices = Voices::new(sine_clip(440.0, 960_000), RATE);
    let events: Vec<_> = (0..40).map(|i| (i * 1000, note_on(40 + i as u8))).collect();
    play(&mut voices, &events, 41_000, 512);
    assert_eq!(voices.num_notes(), MAX_NOTES);
    // Only the sixteen newest keys are left; letting those go leaves no note.
    voices.set_release_ms(0.0);
    (24..40).for_each(|i| voices.handle(note_off(40 + i as u8)));
    assert_eq!(voices.num_notes(), 0);
}

#[test]
fn a_released_note_is_taken_before_a_held_one() {
    let mut voices = Voices::new(sine_clip(440.0, 960_000), RATE);
    voices.set_release_ms(5000.0);
    let mut events: Vec<_> = (0..MAX_NOTES).map(|i| (i * 10, note_on(40 + i as u8))).collect();
    events.push((1000, note_off(45)));
    events.push((1100, note_on(90)));
    play(&mut voices, &events, 3000, 64);
    // The oldest key (40) is still held: it can still be let go, which needs a note there.
    let held_before = voices.num_notes();
    voices.handle(Event::Choke(Address::key(40)));
    assert_eq!(voices.num_notes(), held_before - 1);
    voices.handle(Event::Choke(Address::key(45)));
    assert_eq!(voices.num_notes(), held_before - 1);
}

#[test]
fn a_stolen_voice_does_not_click() {
    // A slow sine, so that any jump stands out: its own largest step is 0.013.
    let clip = sine_clip(100.0, 960_000);
    let mut voices = Voices::new(clip, RATE);
    let mut events: Vec<_> = (0..MAX_NOTES).map(|_| (0, note_on(ROOT_KEY))).collect();
    events.extend((1..20).map(|i| (i * 613, note_on(ROOT_KEY))));
    let output = play(&mut voices, &events, 20_000, 512);
    // 17 sines at their steepest, and one 5 ms fade: a parabola falls by 2/240 a sample at first.
    let bound = 17.0 * 0.0131 + 2.0 / 240.0;
    assert!(largest_step(&output) <= bound, "step {}", largest_step(&output));
}

#[test]
fn a_choked_note_does_not_click_and_is_gone_in_five_milliseconds() {
    let mut voices = Voices::new(sine_clip(100.0, 96_000), RATE);
    voices.set_release_ms(5000.0);
    // Frame 600 lies on the crest of the sine, the worst place to cut.
    let events = [(0, note_on(ROOT_KEY)), (600, Event::Choke(Address::key(ROOT_KEY)))];
    let output = play(&mut voices, &events, 2000, 64);
    assert!(largest_step(&output) <= 0.0131 + 2.0 / 240.0);
    assert!(output[840..].iter().all(|&sample| sample == 0.0));
}

#[test]
fn hundreds_of_notes_in_one_sample_leave_as_many_as_may_sound() {
    let mut voices = Voices::new(sine_clip(440.0, 4800), RATE);
    (0..500).for_each(|i| voices.handle(note_on((i % 128) as u8)));
    assert_eq!(voices.num_notes(), MAX_NOTES);
    // The newest is among them.
    voices.handle(note_off((499 % 128) as u8));
    assert_eq!(voices.num_notes(), MAX_NOTES - 1);
}

#[test]
fn reset_brings_silence_at_once() {
    let mut voices = Voices::new(sine_clip(440.0, 4800), RATE);
    play(&mut voices, &[(0, note_on(ROOT_KEY))], 100, 64);
    voices.reset();
    assert!(voices.is_silent());
    assert!(play(&mut voices, &[], 100, 64).iter().all(|&sample| sample == 0.0));
}

#[test]
fn a_mono_clip_sounds_alike_on_both_channels() {
    let mut voices = Voices::new(sine_clip(440.0, 4800), RATE);
    voices.handle(note_on(ROOT_KEY));
    let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
    voices.add_to(&mut [&mut left, &mut right], 0..64);
    assert!(left.iter().any(|&sample| sample != 0.0));
    assert_eq!(left, right);
}
