//! [`find_sustain`] and [`close_loop`]: a note that a sampler can hold.

use std::ops::Range;

use super::clip::Clip;
use super::edit;

/// Shortest loop, in seconds: shorter ones are heard as a tremolo. And the longest that is looked for.
const SHORTEST_S: f64 = 0.3;
const LONGEST_S: f64 = 5.0;
/// A loop begins no earlier than this behind the onset, in seconds and as a share of the sound.
const AFTER_ONSET: (f64, f64) = (0.12, 0.2);
/// Share of the sound behind the loop: there notes fade out.
const BEFORE_END: f64 = 0.12;
/// How much louder than at its end a sound may be where the loop begins, and at its peak, in dB.
const LOUDER_DB: (f64, f64) = (2.0, 15.0);
/// Length of the stretches that are compared, and over which levels are smoothed, in seconds.
const WINDOW_S: f64 = 0.03;
/// Longest cross-fade, in seconds.
const FADE_S: f64 = 0.1;
/// What the longest loop gains over the shortest, in units of the correlation.
const LONGER: f64 = 0.1;

/// Frames that can be repeated while a key is held; `None` for a sound that does not last.
///
/// The loop ends before the sound fades out, and begins where the sound is about as loud as there and most like it: by the
/// normalised correlation of the 30 ms before both ends, which is highest a whole number of periods apart. A longer loop wins
/// where two are about as good. Costs a product of 30 ms for every frame where it may begin, at most 5 s of them.
pub fn find_sustain(clip: &Clip) -> Option<Range<usize>> {
    let rate = f64::from(clip.sample_rate());
    let frames = |seconds: f64| (seconds * rate).round() as usize;
    let sounding = edit::sounding_frames(clip, -40.0)?;
    let len = sounding.len() as f64;
    let end = sounding.end - (BEFORE_END * len) as usize;
    let earliest = sounding.start + frames(AFTER_ONSET.0).max((AFTER_ONSET.1 * len) as usize);
    let (shortest, window) = (frames(SHORTEST_S), frames(WINDOW_S).max(1));
    if end < earliest + shortest {
        return None;
    }
    let mono = edit::with_channels(clip, 1).ok()?;
    let samples = &mono.channels()[0];
    let sums = running_squares(samples);
    let power = |end: usize| sums[end] - sums[end - window];
    let loudest = (window..=samples.len()).map(power).fold(0.0, f64::max);
    let louder_db = |power_there: f64| 10.0 * (power_there / power(end).max(f64::MIN_POSITIVE)).log10();
    if louder_db(loudest) > LOUDER_DB.1 {
        return None;
    }
    let earliest = earliest.max(window).max(end.saturating_sub(frames(LONGEST_S)));
    let range = (end - shortest).saturating_sub(earliest).max(1) as f64;
    let like = |start: usize| {
        let pairs = samples[start - window..start].iter().zip(&samples[end - window..end]);
        let dot: f64 = pairs.map(|(a, b)| f64::from(a * b)).sum();
        dot / (power(start) * power(end)).sqrt().max(f64::MIN_POSITIVE)
            + LONGER * (end - shortest - start) as f64 / range
    };
    let starts = (earliest..=end - shortest).filter(|&start| louder_db(power(start)).abs() <= LOUDER_DB.0);
    let best = starts.map(|start| (start, like(start))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(best.0..end)
}

/// Change the sound around the end of `frames` so that it goes on at their start without a seam: up to 0.1 s before the end
/// fade into what lies before the start. As much behind the end fades back, so that the sound can still be played through.
///
/// Frames outside of the clip are left alone. Costs next to nothing.
pub fn close_loop(clip: &mut Clip, frames: &Range<usize>) {
    let longest = (FADE_S * f64::from(clip.sample_rate())).round() as usize;
    let (start, end) = (frames.start, frames.end.min(clip.num_frames()));
    if start >= end {
        return;
    }
    let fade = longest.min(start).min((end - start) / 3);
    let back = fade.min(clip.num_frames() - end);
    for samples in clip.channels_mut() {
        let (before, after) = (samples[start - fade..start].to_vec(), samples[start..start + back].to_vec());
        mix(&mut samples[end - fade..end], &before, |share| share);
        mix(&mut samples[end..end + back], &after, |share| 1.0 - share);
    }
}

/// Replace a growing or shrinking `share` (of a ramp from 0 to 1) of `samples` by `others`, at a level that stays: how much both
/// have in common decides between a linear fade and one of equal power.
fn mix(samples: &mut [f32], others: &[f32], share: impl Fn(f32) -> f32) {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let norm = (dot(samples, samples) * dot(others, others)).sqrt();
    let common = if norm > 0.0 { (dot(samples, others) / norm).clamp(0.0, 1.0) as f32 } else { 1.0 };
    let count = samples.len() as f32;
    for (i, (sample, other)) in samples.iter_mut().zip(others).enumerate() {
        let b = share((i as f32 + 0.5) / count);
        let a = 1.0 - b;
        let level = (a * a + b * b + 2.0 * a * b * common).sqrt();
        *sample = (a * *sample + b * other) / level;
    }
}

/// `sums[n]`: of the squares of the first n samples.
fn running_squares(samples: &[f32]) -> Vec<f64> {
    let mut total = 0.0;
    let squares = samples.iter().map(|&x| {
        total += f64::from(x) * f64::from(x);
        total
    });
    std::iter::once(0.0).chain(squares).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;

    /// 1.5 s of a note with overtones; `level` in dB at a time in seconds, fading over its last tenth.
    fn note(hz: f64, level: impl Fn(f64) -> f64) -> Clip {
        let sample = |i: i32| {
            let t = f64::from(i) / f64::from(RATE);
            let partials = (1..=6)
                .map(|k| (std::f64::consts::TAU * f64::from(k) * hz * t + f64::from(k * k)).sin() / f64::from(k));
            let fade = ((1.5 - t) / 0.15).clamp(0.0, 1.0);
            (0.3 * fade * 10f64.powf(level(t) / 20.0) * partials.sum::<f64>()) as f32
        };
        Clip::mono((0..66_150).map(sample).collect(), RATE).unwrap()
    }

    #[test]
    fn a_held_note_goes_on_a_whole_number_of_periods_earlier() {
        for hz in [65.4, 220.0, 987.8] {
            let clip = note(hz, |t| if t < 0.05 { -3.0 } else { 0.0 });
            let frames = find_sustain(&clip).unwrap();
            let periods = frames.len() as f64 * hz / f64::from(RATE);
            // A frame is a part of a period.
            assert!((periods - periods.round()).abs() < 1.1 * hz / f64::from(RATE), "{periods} periods of {hz} Hz");
            assert!(frames.len() > 20_000 && frames.end < 60_000, "{frames:?}");
        }
    }

    #[test]
    fn the_seam_of_a_closed_loop_is_like_any_other_place() {
        let mut wobble = note(220.0, |t| 0.7 * (9.0 * t).sin());
        let before = wobble.clone();
        let frames = find_sustain(&wobble).unwrap();
        close_loop(&mut wobble, &frames);
        let samples = &wobble.channels()[0];
        // Round and round: neither a step nor a kink that other places have not.
        let period = &samples[frames.clone()];
        let at = |i: usize| period[i % period.len()];
        let (last, count) = (period.len() - 1, period.len());
        let step = |i: usize| (at(i + 1) - at(i)).abs();
        let kink = |i: usize| (at(i + 2) - 2.0 * at(i + 1) + at(i)).abs();
        let most = |measure: &dyn Fn(usize) -> f32| (0..last - 1).map(measure).fold(0.0, f32::max);
        assert!(step(last) < 1.01 * most(&step), "{} of {}", step(last), most(&step));
        assert!(kink(last).max(kink(count - 2)) < 1.2 * most(&kink), "{} of {}", kink(last), most(&kink));
        // Around the end it is another sound, but no louder one, and nothing else has changed.
        let fade = 4410.min(frames.len() / 3);
        let around = frames.end - fade..frames.end + fade;
        for (i, (a, b)) in samples.iter().zip(&before.channels()[0]).enumerate() {
            assert!(a == b || around.contains(&i), "frame {i}");
        }
        assert!(wobble.peak() < 1.05 * before.peak());
        let jump = |at: usize| (samples[at] - samples[at - 1]).abs();
        let steepest = (1..frames.end - fade).map(jump).fold(0.0, f32::max);
        assert!(jump(frames.end) < 1.1 * steepest && jump(frames.end + fade - 1) < 1.1 * steepest);
    }

    #[test]
    fn what_dies_away_or_is_short_or_silent_has_no_loop() {
        assert_eq!(find_sustain(&note(220.0, |t| -25.0 * t)), None);
        assert_eq!(find_sustain(&Clip::mono(vec![0.0; 66_150], RATE).unwrap()), None);
        assert_eq!(find_sustain(&Clip::mono(vec![], RATE).unwrap()), None);
        let short = edit::slice(&note(220.0, |_| 0.0), 0..12_000);
        assert_eq!(find_sustain(&short), None);
    }

    #[test]
    fn a_note_that_slowly_fades_has_a_loop_as_loud_at_both_ends() {
        let clip = note(220.0, |t| -5.0 * t);
        let frames = find_sustain(&clip).unwrap();
        // 2 dB take 0.4 s.
        assert!((13_230..=17_700).contains(&frames.len()), "{frames:?}");
    }
}
