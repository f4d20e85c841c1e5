//! Start, end, direction and loops.

use brownian_plugin::engine::{LoopMode, Parameters, RegionParameters, Sound};

use crate::support::*;

fn ramp(num_frames: usize) -> Sound {
    mono((0..num_frames).map(|i| i as f32 / num_frames as f32 * 0.8).collect(), RATE)
}

fn with(region: RegionParameters) -> Parameters {
    Parameters { region, ..plain() }
}

fn render(sound: Sound, region: RegionParameters, key: u8, num_frames: usize) -> Vec<f32> {
    let (mut engine, _handle) = engine(sound);
    play(&mut engine, &[on(0, key)], &with(region), num_frames)
}

#[test]
fn a_region_plays_from_its_start_to_its_end() {
    let region = RegionParameters { start: 0.25, end: 0.75, ..RegionParameters::default() };
    let output = render(ramp(4000), region, ROOT, 4000);
    // Past the millisecond (48 frames) in which the cut edges fade.
    assert!((output[100] - 0.8 * 1100.0 / 4000.0).abs() < 1e-6);
    assert!((output[1900] - 0.8 * 2900.0 / 4000.0).abs() < 1e-6);
    assert!(output[2000..].iter().all(|&sample| sample == 0.0));
}

#[test]
fn the_cut_edges_of_a_region_do_not_click() {
    let region = RegionParameters { start: 0.5, end: 0.75, ..RegionParameters::default() };
    let output = render(mono(vec![0.8; 4000], RATE), region, ROOT, 2000);
    assert_eq!(output[0], 0.0);
    assert!(largest_step(&output) <= 0.8 / 48.0 + 1e-5, "{}", largest_step(&output));
}

#[test]
fn a_sound_backwards_is_the_sound_backwards() {
    let region = RegionParameters { is_reversed: true, ..RegionParameters::default() };
    let output = render(ramp(4000), region, ROOT, 5000);
    for (i, sample) in output.iter().enumerate().take(4000).skip(48) {
        assert!((sample - 0.8 * (3999 - i) as f32 / 4000.0).abs() < 1e-6, "frame {i}");
    }
    assert!(output[4000..].iter().all(|&sample| sample == 0.0));
}

#[test]
fn a_loop_goes_on_for_as_long_as_the_key_is_held() {
    let region = RegionParameters { loop_mode: LoopMode::Forward, ..RegionParameters::default() };
    let (mut engine, _handle) = engine(ramp(4000));
    let output = play(&mut engine, &[on(0, ROOT), off(40_000, ROOT)], &with(region), 48_000);
    assert!(output[39_000..40_000].iter().all(|&sample| sample >= 0.0) && peak(&output[39_000..40_000]) > 0.15);
    assert!(output[40_100..].iter().all(|&sample| sample == 0.0));
    assert_eq!(engine.num_notes(), 0);
}

/// A sound of whole periods whose loop is the whole of it.
fn seamless() -> Sound {
    let samples: Vec<f32> = sine(100.0, 4800).iter().map(|s| 0.8 * s).collect();
    Sound::new(&[samples], RATE, f32::from(ROOT), Some(0..4800)).unwrap()
}

#[test]
fn a_seamless_loop_has_no_seam_at_any_pitch() {
    let region = RegionParameters { loop_mode: LoopMode::Forward, ..RegionParameters::default() };
    for key in [36, 50, 60, 61, 67, 72, 77, 84, 96, 108] {
        for is_reversed in [false, true] {
            let output = render(seamless(), RegionParameters { is_reversed, ..region }, key, 30_000);
            let ratio = (f64::from(i16::from(key) - 60) / 12.0).exp2();
            let omega = std::f64::consts::TAU * 100.0 * ratio / f64::from(RATE);
            // A sine obeys x[n + 1] + x[n - 1] = 2 cos(omega) x[n]; a seam of any kind does not.
            let skip = 3000;
            let worst = output[skip..]
                .windows(3)
                .map(|w| (f64::from(w[0]) + f64::from(w[2]) - 2.0 * omega.cos() * f64::from(w[1])).abs());
            let worst = worst.fold(0.0, f64::max);
            // Three samples, each good to the stop band's 75 dB.
            assert!(worst < 1e-3, "key {key}, reversed {is_reversed}: {worst}");
        }
    }
}

#[test]
fn a_cross_faded_loop_of_noise_does_not_click_and_keeps_its_power() {
    let mut state = 1u32;
    let mut low = 0.0f32;
    // Noise without highs, so that a click would stand out of its slope.
    let samples: Vec<f32> = (0..48_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            low += 0.02 * (state as f32 / u32::MAX as f32 - 0.5 - low);
            low
        })
        .collect();
    let own_step = largest_step(&samples);
    let region = RegionParameters {
        loop_mode: LoopMode::CrossFaded,
        loop_start: 0.25,
        loop_end: 0.75,
        loop_fade_ms: 100.0,
        ..RegionParameters::default()
    };
    let expected = rms(&samples);
    for is_reversed in [false, true] {
        let output = render(mono(samples.clone(), RATE), RegionParameters { is_reversed, ..region }, ROOT, 200_000);
        // Two sounds fade into each other: together at most 1.5 times as steep as one.
        assert!(largest_step(&output) < 1.5 * own_step);
        let level = rms(&output[50_000..]);
        assert!((level / expected - 1.0).abs() < 0.15, "{level} instead of {expected}");
    }
}

#[test]
fn a_sound_with_a_loop_of_its_own_ends_without_a_click_when_it_is_not_looped() {
    let once = RegionParameters { loop_mode: LoopMode::Off, ..RegionParameters::default() };
    let output = render(seamless(), once, ROOT, 6000);
    assert!(output[4800..].iter().all(|&sample| sample == 0.0));
    assert!(largest_step(&output) < 0.8 * (0.0131 + 1.0 / 48.0));
}

#[test]
fn a_held_sound_goes_round_its_own_loop_by_default() {
    let output = render(seamless(), RegionParameters::default(), ROOT, 60_000);
    assert!(peak(&output[59_000..]) > 0.5 * peak(&output[..4800]));
    let without = render(ramp(4000), RegionParameters::default(), ROOT, 6000);
    assert!(without[4800..].iter().all(|&sample| sample == 0.0));
}

#[test]
fn an_empty_region_is_silence() {
    let region = RegionParameters { start: 0.5, end: 0.5, ..RegionParameters::default() };
    assert_eq!(peak(&render(ramp(4000), region, ROOT, 512)), 0.0);
}
