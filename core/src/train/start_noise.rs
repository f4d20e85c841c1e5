//! [`StartNoise`]: the noise that a training hides its sounds in.

use super::config::TrainConfig;
use super::objective::Objective;
use crate::conditioning::{Attribute, Condition};
use crate::generate::{Drift, DriftStage};
use crate::noise::NoiseStream;
use crate::unet::FrameShape;

/// White but for a student: consistency distillation knows only of paths that begin in the noise that it was shown, and sounds begin
/// as [`Drift`] says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum StartNoise {
    #[default]
    White,
    /// Of textures with this `drift`.
    Texture(f32),
    /// Of notes.
    Notes {
        /// How far the levels of a class wander, in dB.
        wanders: Vec<f32>,
        /// Of a clip.
        seconds: f64,
    },
}

impl StartNoise {
    /// Of a training whose classes wander by `wanders` dB, if they do.
    pub(super) fn of(config: &TrainConfig, wanders: &[f32]) -> Self {
        let Objective::Consistency(consistency) = config.objective else { return Self::White };
        if consistency.drift != 1.0 {
            return Self::Texture(consistency.drift as f32);
        }
        if wanders.is_empty() {
            return Self::White;
        }
        let seconds = config.dataset.num_samples as f64 / f64::from(config.dataset.sample_rate);
        Self::Notes { wanders: wanders.to_vec(), seconds }
    }

    /// Noise of a clip of a stage, time-major.
    pub(super) fn fill(&self, shape: FrameShape, condition: &Condition, noise: &mut NoiseStream, z: &mut [f32]) {
        noise.fill_normal(z);
        if let Some(drift) = self.drift(shape, condition) {
            drift.filter(z, shape.channels);
        }
    }

    fn drift(&self, shape: FrameShape, condition: &Condition) -> Option<Drift> {
        match self {
            Self::White => None,
            Self::Texture(drift) => {
                let movement = condition.attributes[Attribute::Movement.place()].unwrap_or(0.5);
                Some(Drift::of_texture(*drift, movement, shape.frames))
            }
            Self::Notes { wanders, seconds } => {
                let of_all = || wanders.iter().map(|&db| f64::from(db)).sum::<f64>() / wanders.len() as f64;
                let wander = condition.class.map_or_else(of_all, |class| f64::from(wanders[class]));
                let frame_s = seconds / shape.frames as f64;
                // The fine stage of notes sees an envelope.
                let stage = if shape.has_context { DriftStage::Fine(frame_s) } else { DriftStage::Levels(frame_s) };
                Some(Drift::of_wander(wander, stage, shape.frames))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::objective::Consistency;
    use super::*;
    use crate::noise::Seed;

    const SHAPE: FrameShape = FrameShape { frames: 64, channels: 8, has_context: true, circle: None };

    fn student(drift: f64) -> TrainConfig {
        let objective = Objective::Consistency(Consistency { drift, ..Consistency::default() });
        TrainConfig { objective, ..TrainConfig::default() }
    }

    /// Power of forty clips' noise at the mean over time (0) or of so many cycles to a clip, of 1 in white noise.
    fn power(noise: &StartNoise, condition: &Condition, shape: FrameShape, cycles: usize) -> f64 {
        let mut powers = Vec::new();
        for clip in 0..40 {
            let mut z = vec![0.0; shape.frames * shape.channels];
            noise.fill(shape, condition, &mut NoiseStream::new(Seed(1), "start", clip), &mut z);
            for channel in 0..shape.channels {
                let turn = |frame: usize| std::f64::consts::TAU * (cycles * frame) as f64 / shape.frames as f64;
                let cells = z[channel..].iter().step_by(shape.channels).map(|&x| f64::from(x)).enumerate();
                let (re, im) = cells.fold((0.0, 0.0), |(re, im), (frame, x)| {
                    (re + x * libm::cos(turn(frame)), im + x * libm::sin(turn(frame)))
                });
                powers.push((re * re + im * im) / shape.frames as f64);
            }
        }
        powers.iter().sum::<f64>() / powers.len() as f64
    }

    #[test]
    fn a_teacher_sees_white_noise() {
        assert_eq!(StartNoise::of(&TrainConfig::default(), &[1.0, 2.0]), StartNoise::White);
        let power = power(&StartNoise::White, &Condition::default(), SHAPE, 0);
        assert!((power - 1.0).abs() < 0.2, "{power}");
    }

    #[test]
    fn a_student_of_a_texture_sees_it_in_noise_as_its_sounds_begin_with() {
        let noise = StartNoise::of(&student(0.5), &[]);
        let [white, own] = [&StartNoise::White, &noise].map(|noise| power(noise, &Condition::default(), SHAPE, 0));
        // Means are doubled, and those of white noise are the same draws.
        assert!((own / white - 4.0).abs() < 0.01, "{white} {own}");
    }

    #[test]
    fn a_student_of_notes_sees_those_that_stand_in_noise_with_less_that_is_slow() {
        let noise = StartNoise::of(&student(1.0), &[0.0, 5.0]);
        let of = |class, shape, cycles| {
            let condition = Condition { class, ..Condition::default() };
            power(&noise, &condition, shape, cycles) / power(&StartNoise::White, &condition, shape, cycles)
        };
        // Frames of 11.6 ms: what is slower than 0.10 s, and than 0.38 s. Means stay.
        let means = [Some(0), Some(1), None].map(|class| of(class, SHAPE, 0));
        assert!(means.into_iter().all(|mean| (mean - 1.0).abs() < 1e-3), "{means:?}");
        let [stands, moves, any] = [Some(0), Some(1), None].map(|class| of(class, SHAPE, 2));
        assert!(stands < 0.1 && moves > 0.9 && any > 0.9, "{stands} {moves} {any}");
        // In the envelope stage, which sees no envelope, half of the slow part is left: of one cycle, of which a mean over 19 of 64
        // frames, taken twice, is 0.74.
        let levels = of(Some(0), FrameShape { has_context: false, ..SHAPE }, 1);
        assert!((0.35..0.45).contains(&levels), "{levels}");
    }
}
