//! [`Drift`]: how far the levels of a sound drift, of the noise that it starts from.
//!
//! Of `ambient`, levels drift nearly twice as far as recordings' do, around means that differ too little, whichever solver follows
//! the path and in however many steps (docs/TRAINING.md, section 5). Both are told by the slow parts of the noise at its start, and
//! here they are put right, once for a sound. So are those of notes that are held or ring, whose partials stand or decay evenly where
//! they were recorded and swell against one another where they come out of white noise (section 4).

use super::classes::mean_of_classes;
use super::condition::asked;
use super::recipe::Recipe;
use crate::conditioning::Attribute;
use crate::model::{Card, ModelConfig};

/// Frames to each side of one over which a mean is taken, twice: what stays is slow. Both sides are 52 ms of a hop of 256 at 44.1 kHz.
const SLOW: usize = 4;

/// How far levels wander in recordings of classes whose notes stand, and of those whose notes do not, in dB.
const WANDERS_DB: [f64; 2] = [0.6, 1.5];
/// What is slow in the noise of their fine stage, in seconds.
const SLOW_S: [f64; 2] = [0.104, 0.383];
/// What is slow in that of their envelope stage, at least, in seconds.
const SLOW_LEVELS_S: f64 = 0.23;
/// Factor on what is slow there: the levels of whole bands move less than those of single partials.
const LEVELS: f32 = 0.5;

/// A filter of noise along time, for every channel by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drift {
    /// Factor on what is slower than a mean over `side` frames to each side of one, taken twice.
    slow: f32,
    side: usize,
    /// Factor on the mean over a window.
    mean: f32,
    /// Frames of a window, as the network was trained on.
    window: usize,
}

/// The stage of a note, and its frames.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// Columns of the envelope, of so many seconds in the mean.
    Levels(f64),
    /// Frames, of so many seconds.
    Fine(f64),
}

impl Default for Drift {
    /// White noise stays white.
    fn default() -> Self {
        Self { slow: 1.0, side: SLOW, mean: 1.0, window: 1 }
    }
}

impl Drift {
    /// As the card says, and the recipe, whose movement scales the slow part from half to double. Noise of what is no texture
    /// stays white.
    pub(super) fn of(recipe: &Recipe, card: &Card, window: usize) -> Self {
        if !card.config.is_texture() {
            return Self::default();
        }
        Self::of_texture(card.config.sampling.drift as f32, asked(recipe, Attribute::Movement), window)
    }

    /// Of textures with this `drift` and movement, 0..=1, learnt from windows of so many frames.
    pub(crate) fn of_texture(drift: f32, movement: f32, window: usize) -> Self {
        let slow = drift * libm::exp2f(2.0 * movement - 1.0);
        Self { slow, mean: drift.recip(), window, ..Self::default() }
    }

    /// Of a note of so many frames, by how far its class wanders, if the model knows: the less, the more of the noise is slow. The
    /// slow part is left out of the fine stage, and made less in the envelope's; means stay.
    pub(super) fn of_note(recipe: &Recipe, config: &ModelConfig, stage: Stage, num_frames: usize) -> Self {
        if config.wanders.is_empty() {
            return Self::default();
        }
        let wander = mean_of_classes(recipe, config, |class| f64::from(config.wanders[class]));
        Self::of_wander(wander, stage, num_frames)
    }

    /// Of a note of so many frames, of a class whose levels wander by so many dB.
    pub(crate) fn of_wander(wander: f64, stage: Stage, num_frames: usize) -> Self {
        let [stands, moves] = WANDERS_DB;
        let share = ((wander - stands) / (moves - stands)).clamp(0.0, 1.0);
        let slow_s = SLOW_S[0] * libm::pow(SLOW_S[1] / SLOW_S[0], share);
        let side = |seconds: f64, frame_s: f64| (0.5 * (seconds / frame_s - 1.0)).round().max(1.0) as usize;
        let (slow, side) = match stage {
            Stage::Levels(column_s) => (LEVELS, side(slow_s.max(SLOW_LEVELS_S), column_s)),
            Stage::Fine(frame_s) => (0.0, side(slow_s, frame_s)),
        };
        Self { slow, side, mean: 1.0, window: num_frames }
    }

    /// Frames to each side that a filtered frame of a piece is made of.
    pub(super) fn reach(self) -> usize {
        if self.is_none() { 0 } else { 2 * self.side }
    }

    /// Filter frames on a circle, time-major. The mean over a circle longer than a window becomes as large as over a window, so
    /// that the sound is itself all the way round.
    pub(crate) fn filter(self, noise: &mut [f32], num_channels: usize) {
        if self.is_none() || noise.is_empty() {
            return;
        }
        let num_frames = noise.len() / num_channels;
        let longer = (num_frames as f32 / self.window as f32).sqrt();
        for channel in 0..num_channels {
            let row: Vec<f32> = noise[channel..].iter().step_by(num_channels).copied().collect();
            let mean = row.iter().sum::<f32>() / num_frames as f32;
            let cells = noise[channel..].iter_mut().step_by(num_channels);
            cells.zip(slow_part(&row, self.side)).for_each(|(cell, slow)| {
                *cell += (self.slow - 1.0) * (slow - mean) + (longer * self.mean - 1.0) * mean;
            });
        }
    }

    /// Filter a piece of what goes on, with [`Drift::reach`] frames more at both ends. Its means are `means`, standard normal, a
    /// channel each, as large as over a window: the same for all pieces of a sound, which so goes on as it began.
    pub(super) fn filter_piece(self, noise: &mut [f32], means: &[f32]) {
        if self.is_none() || noise.is_empty() {
            return;
        }
        let scale = self.mean / (self.window as f32).sqrt();
        for (channel, mean) in means.iter().enumerate() {
            let row: Vec<f32> = noise[channel..].iter().step_by(means.len()).copied().collect();
            let cells = noise[channel..].iter_mut().step_by(means.len());
            cells
                .zip(slow_part(&row, self.side))
                .for_each(|(cell, slow)| *cell += (self.slow - 1.0) * slow + scale * mean);
        }
    }

    fn is_none(self) -> bool {
        self.slow == 1.0 && self.mean == 1.0
    }
}

/// What of a circle is slow.
fn slow_part(values: &[f32], side: usize) -> Vec<f32> {
    moving_mean(&moving_mean(values, side), side)
}

/// The mean of so many values to each side of one, on a circle: of all, where that is more than there are.
fn moving_mean(values: &[f32], side: usize) -> Vec<f32> {
    let (count, width) = (values.len(), 2 * side + 1);
    if width >= count {
        return vec![values.iter().sum::<f32>() / count as f32; count];
    }
    let mut sum: f64 = (0..width).map(|i| f64::from(values[(i + count - side) % count])).sum();
    (0..count)
        .map(|i| {
            let mean = sum / width as f64;
            sum += f64::from(values[(i + side + 1) % count]) - f64::from(values[(i + count - side) % count]);
            mean as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tiny;
    use crate::noise::{NoiseStream, Seed};

    const CHANNELS: usize = 64;

    fn white(frames: usize) -> Vec<f32> {
        let mut noise = vec![0.0; frames * CHANNELS];
        NoiseStream::new(Seed(1), "drift", 0).fill_normal(&mut noise);
        noise
    }

    fn filtered(slow: f32, mean: f32, window: usize, frames: usize) -> Vec<f32> {
        let mut noise = white(frames);
        Drift { slow, mean, window, ..Drift::default() }.filter(&mut noise, CHANNELS);
        noise
    }

    /// Power of the channels at `cycles` to a circle, of a mean of 1 in white noise.
    fn power(noise: &[f32], cycles: usize) -> f64 {
        let frames = noise.len() / CHANNELS;
        let turn = |frame: usize| std::f64::consts::TAU * (cycles * frame) as f64 / frames as f64;
        let at = |channel: usize| {
            let values = noise[channel..].iter().step_by(CHANNELS).enumerate();
            let (re, im) = values.fold((0.0, 0.0), |(re, im), (frame, &x)| {
                (re + f64::from(x) * turn(frame).cos(), im + f64::from(x) * turn(frame).sin())
            });
            (re * re + im * im) / frames as f64
        };
        (0..CHANNELS).map(at).sum::<f64>() / CHANNELS as f64
    }

    #[test]
    fn movement_halves_and_doubles_what_the_card_says_of_textures_and_of_nothing_else() {
        let recipe = |movement: f32| -> Recipe {
            let json = serde_json::json!({
                "version": 1, "model": "rain", "model_hash": "", "seed": 1, "steps": 4, "sampler": "dpmpp-2m",
                "guidance": 1.5, "duration_s": 1.0, "attributes": { "movement": movement },
            });
            serde_json::from_value(json).unwrap()
        };
        let card = tiny::texture_card();
        let slow = |movement| Drift::of(&recipe(movement), &card, 64).slow;
        assert_eq!([0.0, 0.5, 1.0].map(slow), [0.25, 0.5, 1.0]);
        assert_eq!(Drift::of(&recipe(1.0), &card, 64).mean, 2.0);
        assert_eq!(Drift::of(&recipe(1.0), &tiny::one_stage_card(), 64), Drift::default());
    }

    #[test]
    fn notes_of_a_class_that_stands_lose_more_of_the_noise_and_keep_its_mean() {
        let recipe = |class: &str| -> Recipe {
            let json = serde_json::json!({
                "version": 1, "model": "tiny", "model_hash": "", "seed": 1, "class": class, "steps": 4, "sampler": "dpmpp-2m",
                "guidance": 1.5, "duration_s": 1.0,
            });
            serde_json::from_value(json).unwrap()
        };
        let mut config = tiny::two_stage_card().config;
        let fine = |config: &_, class| Drift::of_note(&recipe(class), config, Stage::Fine(0.0116), 128);
        assert_eq!(fine(&config, "kick"), Drift::default());
        config.wanders = vec![0.0, 5.0];
        assert_eq!(["kick", "snare"].map(|class| fine(&config, class).side), [4, 16]);
        let levels = |class| Drift::of_note(&recipe(class), &config, Stage::Levels(0.0465), 32);
        assert_eq!(["kick", "snare"].map(|class| (levels(class).side, levels(class).slow)), [(2, 0.5), (4, 0.5)]);
        let (before, mut after) = (white(128), white(128));
        fine(&config, "kick").filter(&mut after, CHANNELS);
        let gain = |cycles| (power(&after, cycles) / power(&before, cycles)).sqrt();
        assert!(
            (gain(0) - 1.0).abs() < 1e-3 && gain(2) < 0.1 && gain(50) > 0.95,
            "{} {} {}",
            gain(0),
            gain(2),
            gain(50)
        );
    }

    #[test]
    fn means_slow_and_fast_parts_are_scaled_by_what_each_was_told() {
        let (before, after) = (white(256), filtered(0.5, 2.0, 256, 256));
        let gain = |cycles| (power(&after, cycles) / power(&before, cycles)).sqrt();
        assert!((gain(0) - 2.0).abs() < 1e-3, "{}", gain(0));
        // A moving mean of nine of 256 frames, twice, leaves 0.99 of two cycles.
        assert!((0.5..0.55).contains(&gain(2)), "{}", gain(2));
        assert!((0.95..1.05).contains(&gain(100)), "{}", gain(100));
    }

    #[test]
    fn the_mean_over_a_long_circle_is_that_over_a_window_and_all_else_that_is_slow_is_slow() {
        let (before, after) = (white(2048), filtered(0.5, 2.0, 256, 2048));
        let gain = |cycles| (power(&after, cycles) / power(&before, cycles)).sqrt();
        assert!((gain(0) - 2.0 * 8.0f64.sqrt()).abs() < 1e-2, "{}", gain(0));
        assert!([1, 4, 16].into_iter().all(|cycles| (0.5..0.55).contains(&gain(cycles))), "{}", gain(16));
    }

    #[test]
    fn factors_of_one_change_nothing_and_pieces_agree_where_they_lap_over() {
        assert_eq!(filtered(1.0, 1.0, 256, 64), white(64));
        let drift = Drift { slow: 0.5, mean: 2.0, window: 64, ..Drift::default() };
        let means: Vec<f32> = (0..CHANNELS).map(|channel| channel as f32 / 32.0).collect();
        let piece = |frames: std::ops::Range<usize>| {
            let mut piece = white(512)[frames.start * CHANNELS..frames.end * CHANNELS].to_vec();
            drift.filter_piece(&mut piece, &means);
            piece[drift.reach() * CHANNELS..piece.len() - drift.reach() * CHANNELS].to_vec()
        };
        let (long, short) = (piece(0..512), piece(128..384));
        let same = &long[128 * CHANNELS..][..short.len()];
        assert!(short.iter().zip(same).all(|(a, b)| (a - b).abs() < 1e-5));
        // Of 496 frames a mean is off by 0.045, one standard deviation; half of that is left.
        let mean = |channel: usize| long[channel..].iter().step_by(CHANNELS).sum::<f32>() / 496.0;
        assert!((0..CHANNELS).all(|channel| (mean(channel) - 0.25 * means[channel]).abs() < 0.12));
    }
}
