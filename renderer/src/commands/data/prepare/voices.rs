//! Synthesized drums, for the classes of which there are few free recordings.
//!
//! Two ways of making most classes: the circuits of the drum machines of around 1980 (swept sines, clusters of
//! squares, bursts of noise), and struck plates and membranes as sums of damped modes. Every parameter is drawn anew.

use super::synth::{Filter, Mode, decay, driven, mix, over, plate, ring, shaped, squares, swept_sine, white};
use brownian_core::noise::{NoiseStream, Seed};

/// Sounds made of each class: more where recordings are fewer.
pub const COUNTS: [(&str, u64); 11] = [
    ("kick", 24),
    ("snare", 24),
    ("clap", 60),
    ("rim", 32),
    ("closed-hat", 48),
    ("open-hat", 48),
    ("tom", 24),
    ("crash", 36),
    ("ride", 44),
    ("cowbell", 56),
    ("perc", 24),
];

/// Another seed makes other sounds.
pub const SEED: Seed = Seed(1);

/// The hat oscillators of a classic machine, relative to the lowest.
const METAL: [f32; 6] = [1.0, 1.483, 1.8, 2.55, 2.63, 3.9];
/// Modes of an ideal circular membrane, relative to the lowest.
const MEMBRANE: [f32; 7] = [1.0, 1.593, 2.136, 2.296, 2.653, 2.918, 3.5];

/// Sound number `index` of `class`; empty for a class that is not in [`COUNTS`].
pub fn voice(class: &str, index: u64) -> Vec<f32> {
    let noise = &mut NoiseStream::new(SEED, &format!("drum {class}"), index);
    let is_machine = index.is_multiple_of(2);
    match class {
        "kick" => kick(noise),
        "snare" => snare(noise),
        "clap" => clap(noise),
        "rim" => rim(noise),
        "closed-hat" => hat(noise, is_machine, (0.04, 0.16)),
        "open-hat" => hat(noise, is_machine, (0.35, 1.4)),
        "tom" => tom(noise),
        "crash" => crash(noise),
        "ride" => ride(noise),
        "cowbell" => cowbell(noise, is_machine),
        "perc" => perc(noise, index % 4),
        _ => Vec::new(),
    }
}

/// Logarithmically uniform in `low..high`.
fn log_uniform(noise: &mut NoiseStream, low: f32, high: f32) -> f32 {
    low * (high / low).powf(noise.uniform())
}

fn kick(noise: &mut NoiseStream) -> Vec<f32> {
    let (end_hz, t60) = (noise.uniform_in(40.0, 68.0), log_uniform(noise, 0.18, 1.3));
    let (start_hz, sweep) = (end_hz * log_uniform(noise, 1.5, 9.0), log_uniform(noise, 0.02, 0.15));
    let body = shaped(swept_sine(t60, start_hz, end_hz, sweep), |t| decay(t, t60));
    let click_s = log_uniform(noise, 0.003, 0.02);
    let click = shaped(white(noise, 0.03), |t| decay(t, click_s));
    let click = Filter::LowPass.apply(&click, log_uniform(noise, 1_500.0, 9_000.0), 0.7);
    let drive = log_uniform(noise, 0.5, 4.0);
    driven(mix(&[(1.0, body), (noise.uniform_in(0.02, 0.35), click)]), drive)
}

fn snare(noise: &mut NoiseStream) -> Vec<f32> {
    let (hz, t60) = (noise.uniform_in(150.0, 260.0), log_uniform(noise, 0.1, 0.35));
    let ratio = noise.uniform_in(1.5, 1.9);
    let shell = mix(&[
        (1.0, shaped(swept_sine(t60, 1.6 * hz, hz, 0.03), |t| decay(t, t60))),
        (
            noise.uniform_in(0.2, 0.8),
            shaped(swept_sine(t60, 1.3 * ratio * hz, ratio * hz, 0.02), |t| decay(t, 0.7 * t60)),
        ),
    ]);
    let wires_s = log_uniform(noise, 0.12, 0.5);
    let wires = shaped(white(noise, wires_s), |t| decay(t, wires_s));
    let wires = Filter::HighPass.apply(&wires, log_uniform(noise, 400.0, 2_500.0), 0.7);
    let wires = Filter::LowPass.apply(&wires, log_uniform(noise, 6_000.0, 18_000.0), 0.7);
    driven(mix(&[(noise.uniform_in(0.3, 1.0), shell), (noise.uniform_in(0.4, 1.0), wires)]), noise.uniform_in(0.4, 2.0))
}

/// Several hands, or one circuit that pretends to be: bursts of noise a few milliseconds apart, then the room.
fn clap(noise: &mut NoiseStream) -> Vec<f32> {
    let gap_s = noise.uniform_in(0.007, 0.014);
    let mut starts = vec![0.0];
    for _ in 0..2 + noise.below(3) {
        let previous = starts[starts.len() - 1];
        starts.push(previous + gap_s * noise.uniform_in(0.75, 1.3));
    }
    let (burst_s, tail_s) = (noise.uniform_in(0.012, 0.035), log_uniform(noise, 0.12, 0.6));
    let (last, tail_level) = (starts[starts.len() - 1], noise.uniform_in(0.3, 0.8));
    let envelope = |t: f32| {
        let bursts =
            starts.iter().filter(|&&start| t >= start).map(|start| decay(t - start, burst_s)).fold(0.0, f32::max);
        bursts.max(if t >= last { tail_level * decay(t - last, tail_s) } else { 0.0 })
    };
    let raw = shaped(white(noise, last + tail_s), envelope);
    let hands = Filter::BandPass.apply(&raw, log_uniform(noise, 800.0, 2_200.0), noise.uniform_in(0.6, 2.2));
    let air = Filter::HighPass.apply(&raw, log_uniform(noise, 2_000.0, 6_000.0), 0.7);
    let sum = mix(&[(1.0, hands), (noise.uniform_in(0.05, 0.5), air)]);
    Filter::HighPass.apply(&driven(sum, noise.uniform_in(0.4, 2.5)), noise.uniform_in(250.0, 600.0), 0.7)
}

fn rim(noise: &mut NoiseStream) -> Vec<f32> {
    let (low, high) = (log_uniform(noise, 350.0, 900.0), log_uniform(noise, 1_400.0, 2_800.0));
    let t60 = log_uniform(noise, 0.03, 0.12);
    let wood = ring(noise, 0.2, &[Mode(low, t60, 1.0), Mode(high, 0.7 * t60, 1.2), Mode(1.9 * high, 0.4 * t60, 0.5)]);
    let click = Filter::HighPass.apply(&shaped(white(noise, 0.02), |t| decay(t, 0.006)), 2_000.0, 0.7);
    driven(mix(&[(1.0, wood), (noise.uniform_in(0.1, 0.6), click)]), noise.uniform_in(0.4, 3.0))
}

fn hat(noise: &mut NoiseStream, is_machine: bool, (shortest, longest): (f32, f32)) -> Vec<f32> {
    let t60 = log_uniform(noise, shortest, longest);
    let corner_hz = log_uniform(noise, 3_500.0, 8_500.0);
    let metal = if is_machine {
        let detuned = METAL.map(|ratio| ratio * noise.uniform_in(0.93, 1.07));
        let cluster = squares(t60, log_uniform(noise, 200.0, 420.0), &detuned);
        shaped(Filter::BandPass.apply(&cluster, noise.uniform_in(6_500.0, 10_500.0), 0.8), |t| decay(t, t60))
    } else {
        let (steepness, low_hz) = (noise.uniform_in(0.0, 0.3), log_uniform(noise, 700.0, 3_000.0));
        let modes = plate(noise, 160, low_hz, 17_000.0, 1.2 * t60, steepness);
        ring(noise, t60, &modes)
    };
    let hiss_s = t60 * noise.uniform_in(0.3, 1.0);
    let hiss = shaped(white(noise, t60), |t| decay(t, hiss_s));
    let sum = mix(&[(1.0, metal), (noise.uniform_in(0.1, 0.9), Filter::HighPass.apply(&hiss, 5_000.0, 0.7))]);
    Filter::HighPass.apply(&sum, if is_machine { corner_hz } else { 0.25 * corner_hz }, 0.8)
}

fn tom(noise: &mut NoiseStream) -> Vec<f32> {
    let (hz, t60) = (log_uniform(noise, 70.0, 240.0), log_uniform(noise, 0.25, 1.1));
    let fall = noise.uniform_in(1.1, 1.9);
    let body = shaped(swept_sine(t60, fall * hz, hz, noise.uniform_in(0.05, 0.3)), |t| decay(t, t60));
    let skin: Vec<Mode> = MEMBRANE[1..].iter().map(|ratio| Mode(ratio * hz, 0.4 * t60 / ratio, 1.0 / ratio)).collect();
    let skin = ring(noise, t60, &skin);
    let stick = Filter::LowPass.apply(
        &shaped(white(noise, 0.05), |t| decay(t, 0.02)),
        log_uniform(noise, 1_000.0, 6_000.0),
        0.7,
    );
    mix(&[(1.0, body), (noise.uniform_in(0.0, 0.5), skin), (noise.uniform_in(0.02, 0.3), stick)])
}

fn crash(noise: &mut NoiseStream) -> Vec<f32> {
    let (t60, low_hz) = (log_uniform(noise, 0.9, 4.0), log_uniform(noise, 250.0, 800.0));
    let steepness = noise.uniform_in(0.15, 0.45);
    let modes = plate(noise, 320, low_hz, 16_000.0, t60, steepness);
    // The plate takes a few milliseconds to pass its energy on to the high modes.
    let build_s = log_uniform(noise, 0.003, 0.03);
    let metal = shaped(ring(noise, 1.6, &modes), |t| 1.0 - 0.7 * decay(t, 6.9 * build_s));
    let hit_s = log_uniform(noise, 0.15, 0.8);
    let hit = Filter::HighPass.apply(
        &shaped(white(noise, 1.6), |t| decay(t, hit_s)),
        log_uniform(noise, 1_500.0, 6_000.0),
        0.7,
    );
    mix(&[(1.0, metal), (noise.uniform_in(0.15, 0.6), hit)])
}

fn ride(noise: &mut NoiseStream) -> Vec<f32> {
    let (t60, low_hz) = (log_uniform(noise, 1.5, 5.0), log_uniform(noise, 350.0, 900.0));
    let wash = plate(noise, 220, low_hz, 14_000.0, 0.7 * t60, 0.25);
    let wash = ring(noise, 1.6, &wash);
    let bell_hz = log_uniform(noise, 500.0, 1_100.0);
    let bell = [1.0, 1.51, 2.02, 2.74, 3.36, 4.1].map(|ratio| {
        Mode(bell_hz * ratio * noise.uniform_in(0.97, 1.03), t60 / ratio.sqrt(), noise.uniform_in(0.3, 1.0))
    });
    let bell = ring(noise, 1.6, &bell);
    let stick_s = noise.uniform_in(0.03, 0.12);
    let stick = plate(noise, 60, 3_000.0, 14_000.0, stick_s, 0.1);
    let stick = ring(noise, 0.3, &stick);
    mix(&[(noise.uniform_in(0.2, 0.6), wash), (noise.uniform_in(0.15, 0.7), bell), (1.0, stick)])
}

fn cowbell(noise: &mut NoiseStream, is_machine: bool) -> Vec<f32> {
    let (hz, t60) = (log_uniform(noise, 430.0, 900.0), log_uniform(noise, 0.15, 0.8));
    let ratio = noise.uniform_in(1.42, 1.55);
    if is_machine {
        let attack_s = noise.uniform_in(0.02, 0.06);
        let pair = squares(t60, hz, &[1.0, ratio]);
        let pair = shaped(pair, |t| 0.6 * decay(t, attack_s) + 0.4 * decay(t, t60));
        return Filter::BandPass.apply(&pair, hz * noise.uniform_in(1.5, 4.0), noise.uniform_in(0.6, 1.6));
    }
    let modes = [1.0, ratio, 2.35, 2.9, 3.7, 4.6, 5.9].map(|partial| {
        let partial = partial * noise.uniform_in(0.97, 1.03);
        Mode(hz * partial, t60 / f32::powf(partial, 0.7), noise.uniform_in(0.3, 1.0))
    });
    let bell = ring(noise, t60, &modes);
    let click = Filter::HighPass.apply(&shaped(white(noise, 0.02), |t| decay(t, 0.008)), 3_000.0, 0.7);
    mix(&[(1.0, bell), (noise.uniform_in(0.05, 0.4), click)])
}

/// Hand drum, wood, shaker, triangle.
fn perc(noise: &mut NoiseStream, kind: u64) -> Vec<f32> {
    match kind {
        0 => {
            let (hz, t60) = (log_uniform(noise, 150.0, 480.0), log_uniform(noise, 0.1, 0.5));
            let modes = MEMBRANE.map(|ratio| Mode(ratio * hz, t60 / ratio, noise.uniform_in(0.3, 1.0) / ratio));
            let slap = Filter::LowPass.apply(&shaped(white(noise, 0.03), |t| decay(t, 0.012)), 4_000.0, 0.7);
            mix(&[(1.0, ring(noise, t60, &modes)), (noise.uniform_in(0.1, 0.6), slap)])
        }
        1 => {
            let (hz, t60) = (log_uniform(noise, 700.0, 2_800.0), log_uniform(noise, 0.04, 0.18));
            let second = noise.uniform_in(2.2, 2.8);
            ring(noise, t60, &[Mode(hz, t60, 1.0), Mode(second * hz, 0.4 * t60, 0.3)])
        }
        2 => {
            let (rise_s, t60) = (log_uniform(noise, 0.005, 0.04), log_uniform(noise, 0.08, 0.3));
            let beads = over(0.4, |t| (t / rise_s).min(1.0) * decay((t - rise_s).max(0.0), t60) * noise.normal());
            Filter::BandPass.apply(&beads, log_uniform(noise, 4_000.0, 9_000.0), noise.uniform_in(0.6, 2.0))
        }
        _ => {
            let hz = log_uniform(noise, 1_000.0, 2_000.0);
            let modes = [1.0, 2.4, 3.9, 5.6, 7.7].map(|ratio| {
                Mode(
                    hz * ratio * noise.uniform_in(0.95, 1.05),
                    log_uniform(noise, 0.5, 3.0),
                    noise.uniform_in(0.2, 1.0),
                )
            });
            ring(noise, 1.6, &modes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hit::trim;
    use super::super::labels::CLASSES;
    use super::*;

    #[test]
    fn every_voice_of_every_class_is_a_sound() {
        for (class, count) in COUNTS {
            assert!(CLASSES.contains(&class));
            for index in [0, 1, 2, 3, count - 1] {
                let samples = voice(class, index);
                assert!(samples.iter().all(|x| x.is_finite()), "{class} {index}");
                assert!(trim(&samples).is_some_and(|kept| kept.len() > 800), "{class} {index} is shorter than 18 ms");
            }
        }
    }

    #[test]
    fn a_voice_is_the_same_each_time_and_another_at_each_index() {
        assert_eq!(voice("clap", 3), voice("clap", 3));
        assert_ne!(voice("clap", 3), voice("clap", 5));
    }
}
