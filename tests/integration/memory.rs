//! How much memory the program takes. Linux tells; elsewhere nothing is measured.

use std::process::Child;
use std::time::Duration;

use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

/// Run `brownian` to a good end. Returns the most memory that it held at a time (resident set), in bytes.
fn peak_memory(bench: &Bench, args: &[&str]) -> u64 {
    let mut child = bench.spawn(args);
    let mut peak = 0;
    let status = loop {
        // The kernel keeps the highest value: only growth within the last 2 ms of the run can be missed.
        peak = resident_so_far(&child).unwrap_or(peak);
        if let Some(status) = child.try_wait().expect("a child of ours") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success() && peak > 0, "{args:?}: {status}");
    peak
}

/// `VmHWM` of proc(5); `None` once the child has ended.
fn resident_so_far(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[test]
fn rendering_a_clip_with_the_embedded_model_stays_under_300_mb() {
    let bench = Bench::new();
    let peak = peak_memory(&bench, &["render", "drums", "--class", "kick", "--seed", "1", "--out", "kick.wav"]);
    assert!(peak < 300_000_000, "{peak} bytes");
}

#[test]
fn minutes_of_sound_take_no_more_memory_than_one() {
    let bench = Bench::new().with_tiny_texture();
    let peak = |seconds: &str| {
        let how = ["--steps", "1", "--sample-rate", "44100", "--force", "--out", "a.wav"];
        peak_memory(&bench, &[&["render", "texture", "--duration", seconds], &how[..]].concat())
    };
    let (short, long) = (peak("61"), peak("244"));
    // Three minutes more are 32 MB as floats at the file's rate. The allocator's peak alone moves by 10 MB from run to run.
    assert!(long < short + 20_000_000, "{short} bytes, then {long}");
}

#[test]
fn training_with_the_default_settings_stays_under_4_gb() {
    let bench = Bench::new();
    for i in 0..4u32 {
        bench.write(&format!("set/high/{i}.wav"), &wav(&ping(2000.0 + 300.0 * i as f32, 44_100), 1, 44_100));
        bench.write(&format!("set/low/{i}.wav"), &wav(&ping(100.0 + 20.0 * i as f32, 44_100), 1, 44_100));
    }
    // One step of a whole batch holds everything: activations, gradients, the optimizer's memory, the moving average.
    let peak = peak_memory(&bench, &["train", "set", "--name", "full", "--steps", "1"]);
    assert!(peak < 4_000_000_000, "{peak} bytes");
}
