//! Figures for `docs/PLUGIN.md`. They assert nothing about time: run them by hand, on a quiet machine.
//!
//! `cargo test --release -p brownian-plugin --test host -- --ignored --nocapture --test-threads 1 timing`

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::clap_host::{At, Host, Input};

const RATE: f64 = 48_000.0;
const BLOCK: usize = 64;
/// Blocks from one stroke to the next: a kick is short, ten times a second. Each takes the voices of 32 notes that fade.
const STRUCK: usize = 75;
/// Struck once.
const HELD: usize = usize::MAX;
const NOTE: [At<Input>; 1] = [At(0, Input::On { key: 60, velocity: 1.0 })];

/// The first milliseconds of a new note.
fn heard(host: &mut Host) -> Vec<f32> {
    host.reset();
    host.play(4 * BLOCK, BLOCK, &NOTE)[0].clone()
}

/// Milliseconds from the press to the first and to the last change of what a note plays.
fn press_to_sound(host: &mut Host) -> (f64, f64) {
    let old = heard(host);
    let start = Instant::now();
    host.play(BLOCK, BLOCK, &[At(0, host.set("Generate", 1.0))]);
    let (mut sound, mut changes) = (old, Vec::new());
    while start.elapsed() < Duration::from_secs(3) {
        let now = heard(host);
        if now != sound {
            changes.push(1e3 * start.elapsed().as_secs_f64());
            sound = now;
        }
        sleep(Duration::from_micros(1333));
    }
    host.play(8192, BLOCK, &[At(0, host.set("Generate", 0.0))]);
    (changes[0], changes[changes.len() - 1])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
#[ignore = "measures"]
fn from_the_press_to_the_sound() {
    let mut host = Host::new(RATE);
    let steps = host.value_to_text(host.param("Steps").id, host.param("Steps").default);
    let first = press_to_sound(&mut host);
    println!("first press, which loads the model: preview {:.0} ms, sound of {steps} steps {:.0} ms", first.0, first.1);
    let (previews, sounds): (Vec<_>, Vec<_>) = (0..9).map(|_| press_to_sound(&mut host)).unzip();
    println!("median of the next 9: preview {:.0} ms, sound {:.0} ms", median(previews), median(sounds));
}

/// What this thread has had of a processor so far. The time on the clock also has what others took from it: an audio
/// thread of a host comes before them, and a thread of a test does not.
fn busy() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes one `timespec`, and this is one.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Times of the blocks of five seconds with 32 notes held, struck anew every `restrike` blocks, in parts of the deadline,
/// each sorted: on the clock, and on a processor.
fn blocks(host: &mut Host, restrike: usize) -> [Vec<f64>; 2] {
    let deadline = Duration::from_secs_f64(BLOCK as f64 / RATE);
    let notes: Vec<_> = (0..32).map(|number| At(0, Input::On { key: 44 + number, velocity: 0.1 })).collect();
    let mut times = [Vec::new(), Vec::new()];
    let mut next = Instant::now();
    for number in 0..(5.0 * RATE) as usize / BLOCK {
        let events = if number % restrike == 0 { &notes[..] } else { &[] };
        let (start, busy_before) = (Instant::now(), busy());
        host.block(BLOCK, events);
        let taken = [start.elapsed(), busy() - busy_before];
        times.iter_mut().zip(taken).for_each(|(times, taken)| times.push(taken.as_secs_f64() / deadline.as_secs_f64()));
        next += deadline;
        sleep(next.saturating_duration_since(Instant::now()));
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    times
}

fn tell(what: &str, times: &[Vec<f64>; 2]) {
    for (times, clock) in times.iter().zip(["on the clock", "on a processor"]) {
        let at = |part: f64| 100.0 * times[((times.len() - 1) as f64 * part) as usize];
        println!(
            "{what}, {clock}: median {:.1} %, 99.9th percentile {:.1} %, worst {:.1} % of a deadline of 1.33 ms",
            at(0.5),
            at(0.999),
            at(1.0)
        );
    }
}

#[test]
#[ignore = "measures"]
fn what_blocks_cost_while_a_kit_is_generated() {
    let mut host = Host::new(RATE);
    tell("32 notes", &blocks(&mut host, STRUCK));
    let looped = host.value("Loop", "Forward");
    host.block(BLOCK, &[At(0, host.set("Loop", looped))]);
    tell("32 looped notes", &blocks(&mut host, HELD));
    let (kit, steps) = (host.value("Generate for", "kit"), host.value("Steps", "64"));
    let press =
        [("Generate for", kit), ("Steps", steps), ("Generate", 1.0)].map(|(name, value)| At(0, host.set(name, value)));
    host.block(BLOCK, &press);
    sleep(Duration::from_millis(300));
    tell("32 looped notes while a kit of 64 steps is generated", &blocks(&mut host, HELD));
    let once = host.value("Loop", "Off");
    host.block(BLOCK, &[At(0, host.set("Loop", once)), At(0, host.set("Generate", 0.0))]);
    host.block(BLOCK, &[At(0, host.set("Generate", 1.0))]);
    sleep(Duration::from_millis(300));
    tell("32 notes while a kit of 64 steps is generated", &blocks(&mut host, STRUCK));
}

#[test]
#[ignore = "measures"]
fn what_an_idle_instance_costs() {
    let mut host = Host::new(RATE);
    let num_blocks = 100_000;
    let start = Instant::now();
    for _ in 0..num_blocks {
        host.block(BLOCK, &[]);
    }
    let part = start.elapsed().as_secs_f64() / (num_blocks as f64 * BLOCK as f64 / RATE);
    println!("idle: {:.3} % of a core, with the host's own work", 100.0 * part);
}
