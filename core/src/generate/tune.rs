//! [`asked_note`] and [`in_tune`]: a note at the pitch that was asked for, to the cent; [`best_take`]: one that keeps to it.

use super::edit::{Morph, MorphEnd};
use super::recipe::Recipe;
use crate::audio::{Clip, resample};
use crate::error::Result;
use crate::metrics::{HeldPitch, held_pitch};

/// Farthest that a note is moved, in semitones: what is farther away is another note, or has no pitch.
const FARTHEST: f64 = 1.0;
/// What nobody hears, in semitones.
const NEAREST: f64 = 0.01;
/// The rate that stands for the sound's own: steps of a fifth of a cent.
const RATE: f64 = 8000.0;
/// Takes of a note at most.
const TAKES: u64 = 3;
/// A note of which this share keeps to its pitch is in tune.
const HELD: f64 = 0.6;

/// The note that a recipe's sound is to be at: none on the way from one note to another.
pub(super) fn asked_note(recipe: &Recipe) -> Option<f32> {
    let Some(Morph { to: MorphEnd::Recipe(other), amount, .. }) = &recipe.edit.morph else { return recipe.pitch };
    let (start, end) = (recipe.pitch, asked_note(other));
    match *amount {
        0.0 => start,
        1.0 => end,
        _ => start.filter(|_| start == end),
    }
}

/// The sound played a little faster or slower, so that the pitch that YIN tells is the asked MIDI note; as it is where it
/// tells none, or another note's. As long as before: what is played faster ends in silence.
///
/// Beside it the share of the sound that keeps to that pitch: 0 where it is another note's, or none.
pub(super) fn in_tune(samples: Vec<f32>, sample_rate: u32, asked: f32) -> Result<(Vec<f32>, f64)> {
    let Some(HeldPitch { note, held }) = held_pitch(&samples, sample_rate) else { return Ok((samples, 0.0)) };
    let sharp = note - f64::from(asked);
    if sharp.abs() >= FARTHEST {
        return Ok((samples, 0.0));
    }
    if sharp.abs() < NEAREST {
        return Ok((samples, held));
    }
    let length = samples.len();
    let slower = (RATE * libm::exp2(sharp / 12.0)).round() as u32;
    let mut tuned = resample(&Clip::mono(samples, RATE as u32)?, slower)?.into_channels().remove(0);
    tuned.resize(length, 0.0);
    Ok((tuned, held))
}

/// Play a note until it keeps to its pitch, three takes at most: the first that does, else the one that does best. With
/// it the number of the take. `play` gives a take's samples and what of them is in tune, as [`in_tune`] does.
pub(super) fn best_take(mut play: impl FnMut(u64) -> Result<(Vec<f32>, f64)>) -> Result<(u64, Vec<f32>)> {
    let (mut best, mut most) = ((0, Vec::new()), -1.0);
    for take in 0..TAKES {
        let (samples, held) = play(take)?;
        if held > most {
            (best, most) = ((take, samples), held);
        }
        if most >= HELD {
            break;
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pitch;

    const SAMPLE_RATE: u32 = 44_100;

    /// Six partials of this MIDI note.
    fn note(midi: f64) -> Vec<f32> {
        let hz = 440.0 * libm::exp2((midi - 69.0) / 12.0);
        let turn = |i: usize| std::f64::consts::TAU * hz * i as f64 / f64::from(SAMPLE_RATE);
        (0..32_768)
            .map(|i| (1..=6).map(|k| (f64::from(k) * turn(i)).sin() / f64::from(4 * k)).sum::<f64>() as f32)
            .collect()
    }

    #[test]
    fn between_two_notes_there_is_none_to_be_at() {
        let recipe = |pitch: f32| -> Recipe {
            let json = serde_json::json!({
                "version": 1, "model": "notes", "model_hash": "", "seed": 1, "pitch": pitch, "steps": 4,
                "sampler": "dpmpp-2m", "guidance": 1.5, "duration_s": 1.0,
            });
            serde_json::from_value(json).unwrap()
        };
        let morphed = |to: MorphEnd, amount: f64| {
            let mut start = recipe(57.0);
            start.edit.morph = Some(Morph { from: None, to, amount });
            asked_note(&start)
        };
        let other = |note: f32| MorphEnd::Recipe(Box::new(recipe(note)));
        assert_eq!(asked_note(&recipe(57.0)), Some(57.0));
        assert_eq!([0.0, 0.4, 1.0].map(|amount| morphed(other(60.0), amount)), [Some(57.0), None, Some(60.0)]);
        assert_eq!(morphed(other(57.0), 0.4), Some(57.0));
        assert_eq!(morphed(MorphEnd::Seed(2), 0.4), Some(57.0));
    }

    #[test]
    fn a_note_that_is_a_little_off_is_played_where_it_was_asked_for() {
        for off in [-0.6, -0.25, 0.3, 0.8] {
            let (tuned, held) = in_tune(note(57.0 + off), SAMPLE_RATE, 57.0).unwrap();
            let found = pitch(&tuned, SAMPLE_RATE).unwrap();
            assert!(tuned.len() == 32_768 && held > 0.99 && (found - 57.0).abs() < 0.02, "{off} off became {found}");
        }
    }

    #[test]
    fn another_note_and_a_note_in_tune_stay_as_they_are() {
        for (midi, held) in [(57.002, true), (62.0, false)] {
            let (samples, share) = in_tune(note(midi), SAMPLE_RATE, 57.0).unwrap();
            assert_eq!(samples, note(midi));
            assert_eq!(share > 0.99, held, "{midi}: {share}");
        }
        assert_eq!(in_tune(vec![0.0; 8192], SAMPLE_RATE, 57.0).unwrap(), (vec![0.0; 8192], 0.0));
    }

    #[test]
    fn a_note_out_of_tune_is_played_again_and_one_in_tune_is_not() {
        for (takes, kept, played) in
            [([0.7, 0.9, 0.9], 0, 1), ([0.1, 0.6, 0.9], 1, 2), ([0.1, 0.5, 0.3], 1, 3), ([0.0, 0.0, 0.0], 0, 3)]
        {
            let mut count = 0;
            let best = best_take(|take| {
                count += 1;
                Ok((vec![take as f32], takes[take as usize]))
            });
            assert_eq!((best.unwrap(), count), ((kept, vec![kept as f32]), played), "{takes:?}");
        }
    }
}
