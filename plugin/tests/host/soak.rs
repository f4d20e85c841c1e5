//! Minutes of everything at once.

use brownian_core::noise::{NoiseStream, Seed};

use crate::clap_host::{At, Host, Input, Param};

/// Seconds of sound; `BROWNIAN_SOAK_S` sets another number.
fn seconds() -> f64 {
    std::env::var("BROWNIAN_SOAK_S").ok().and_then(|text| text.parse().ok()).unwrap_or(60.0)
}

/// A few events on rising frames of a block.
fn events(params: &[Param], chance: &mut NoiseStream, num_frames: usize) -> Vec<At<Input>> {
    let mut frames: Vec<u64> = (0..chance.below(6)).map(|_| chance.below(num_frames) as u64).collect();
    frames.sort_unstable();
    let mut event = |frame| {
        let key = chance.below(128) as u16;
        At(
            frame,
            match chance.below(8) {
                0..=2 => Input::On { key, velocity: unit(chance) },
                3..=4 => Input::Off { key },
                _ => {
                    let param = &params[chance.below(params.len())];
                    Input::Param { id: param.id, value: param.min + unit(chance) * (param.max - param.min) }
                }
            },
        )
    };
    frames.into_iter().map(&mut event).collect()
}

fn unit(chance: &mut NoiseStream) -> f64 {
    chance.below(1025) as f64 / 1024.0
}

#[test]
fn random_notes_and_automation_allocate_nothing_on_the_audio_thread() {
    let rate = 48_000.0;
    let mut host = Host::new(rate);
    let mut chance = NoiseStream::new(Seed(4), "soak", 0);
    // More steps than two would fill the time with renders; `Generate` itself is pressed like the rest.
    let params: Vec<Param> = host.params().iter().filter(|param| param.name != "Steps").cloned().collect();
    let steps = host.value("Steps", "2");
    host.play(64, 64, &[At(0, host.set("Steps", steps))]);
    let (mut num_frames, mut loudest) = (0, 0.0f32);
    while (num_frames as f64) < seconds() * rate {
        let len = 1 + chance.below(1024);
        let events = events(&params, &mut chance, len);
        let (sides, _) = host.block(len, &events);
        for sample in sides.iter().copied().flatten() {
            assert!(sample.is_finite() && sample.abs() <= 1.0, "{sample} after {num_frames} frames");
            loudest = loudest.max(sample.abs());
        }
        num_frames += len;
    }
    assert!(loudest > 0.1);
    assert_eq!(host.num_calls, 0);
}
