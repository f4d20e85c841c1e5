//! `brownian distill MODEL DIR`: a model that needs many steps becomes one that needs few.

use std::collections::BTreeMap;

use anyhow::Result;
use brownian_core::diffusion::Sampler;
use brownian_core::model::StageSampling;
use brownian_core::train::{Consistency, Learns, Objective, TrainConfig};
use serde_json::Value;

use super::train::{Training, train};
use crate::models::registry;
use crate::outcome::Outcome;

/// Steps that the student is used with unless told otherwise.
const STEPS: usize = 2;
/// Steps of its envelope stage, which is the teacher's.
const ENVELOPE_STEPS: usize = 8;
/// Of a student that begins where its teacher ended.
const LEARNING_RATE: f64 = 3e-4;

const HELP: &str = "\
The student begins as a copy of MODEL and learns to see from every noise level where MODEL's steps would end (consistency
distillation). Of a model of two stages, as drums are, this is the fine stage: the envelope stage is small, and stays MODEL's
with eight steps of its own. Textures and notes are learnt in the noise that their sounds begin as. FOLDER holds the sounds that
MODEL was trained on: same classes, same names. Files, resuming and exit codes are those of `brownian train`.

  brownian distill drums drums-set --name drums-instant --time 1h
  brownian render runs/drums-instant/model.safetensors --class kick --steps 1";

/// `brownian distill`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The model to distil: a name (see `brownian models`) or a file
    pub model: String,
    /// How to train, and on what.
    #[command(flatten)]
    pub training: Training,
    /// Guidance of the teacher, which the student then has built in [default: the teacher's own]
    #[arg(long, value_name = "SCALE")]
    pub guidance: Option<f64>,
    /// Steps of the teacher's schedule
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub teacher_steps: usize,
}

/// Run the command.
///
/// # Errors
/// As [`super::train::run`]; an unknown model, or one of other classes than the folder's.
pub fn run(args: &Args) -> Result<Outcome> {
    let model = registry().stored(&args.model)?;
    train(&args.training, TrainConfig::default(), Some(&model), |config| student(config, args, &model.card.training))
}

/// The settings of a student, where the user's file does not already ask for one. It holds out what its teacher held out:
/// only those sounds are new to both.
fn student(mut config: TrainConfig, args: &Args, teacher: &BTreeMap<String, Value>) -> TrainConfig {
    if let Some(share) = teacher.get("held_out_share").and_then(Value::as_f64) {
        config.dataset.held_out = share;
    }
    if let Some(seed) = teacher.get("split_seed").and_then(Value::as_u64) {
        config.dataset.split_seed = seed;
    }
    if config.objective == Objective::Velocity {
        let (steps, guidance) = (args.teacher_steps, args.guidance.unwrap_or(config.sampling.guidance));
        let drift = config.sampling.drift;
        config.objective = Objective::Consistency(Consistency { steps, guidance, drift, ..Consistency::default() });
    }
    if args.training.config.is_none() {
        config.optimizer.learning_rate = LEARNING_RATE;
    }
    if let Some(envelope) = &mut config.envelope {
        // It is small: its steps cost less than those of the fine stage, and what a sound is depends on it.
        let (sampler, guidance) = (config.sampling.sampler, args.guidance.unwrap_or(config.sampling.guidance));
        let levels = envelope.sampling.get_or_insert(StageSampling { sampler, steps: ENVELOPE_STEPS, guidance });
        // A teacher may have steps of its own for it, but what the user asks for counts.
        levels.guidance = args.guidance.unwrap_or(levels.guidance);
        config.learns = Learns::Fine;
    }
    config.sampling.steps = STEPS;
    // What consistency sampling makes of strokes is noisier, and of textures and notes nearer to recordings (docs/TRAINING.md).
    let is_stroke = config.envelope.is_some() && !config.partials;
    config.sampling.sampler = if is_stroke { Sampler::Euler } else { Sampler::Consistency };
    // How dark the teacher's own sounds come out says nothing of the student's.
    config.sampling.brightness = TrainConfig::default().sampling.brightness;
    // The teacher's is in what it learns.
    config.sampling.guidance = 1.0;
    config
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_student_takes_few_steps_and_no_guidance_of_its_own() {
        for (flags, expected) in [(vec![], 1.5), (vec!["--guidance", "2"], 2.0)] {
            let args = Cli::parse_from(["distill", "notes", "sounds", "--name", "mine"].into_iter().chain(flags)).args;
            let mut config = TrainConfig::default();
            config.sampling.guidance = 1.5;
            let student = student(config, &args, &BTreeMap::new());
            assert_eq!((student.sampling.steps, student.sampling.guidance), (STEPS, 1.0));
            let Objective::Consistency(Consistency { guidance, drift, .. }) = student.objective else {
                panic!("no student")
            };
            assert_eq!((guidance, drift), (expected, 1.0));
            // The levels stay the teacher's, with the teacher's sampler.
            let levels = student.envelope.expect("the default has two stages").sampling;
            assert_eq!(levels, Some(StageSampling { sampler: Sampler::DpmPp2m, steps: 8, guidance: expected }));
            assert_eq!((student.learns, student.sampling.sampler), (Learns::Fine, Sampler::Euler));
            let notes = TrainConfig { partials: true, ..TrainConfig::default() };
            let notes = super::student(notes, &args, &BTreeMap::new());
            assert_eq!((notes.learns, notes.sampling.sampler), (Learns::Fine, Sampler::Consistency));
            // A teacher that has steps of its own for them hands these on.
            let four = StageSampling { sampler: Sampler::Heun, steps: 4, guidance: 1.5 };
            let mut config = TrainConfig::default();
            config.sampling.guidance = 1.5;
            config.envelope.as_mut().expect("the default has two stages").sampling = Some(four);
            let levels = super::student(config, &args, &BTreeMap::new()).envelope.and_then(|levels| levels.sampling);
            assert_eq!(levels, Some(StageSampling { guidance: expected, ..four }));
        }
    }

    #[test]
    fn of_one_stage_it_is_the_stage_that_learns() {
        let args = Cli::parse_from(["distill", "ambient", "sounds", "--name", "mine"]).args;
        let mut texture = TrainConfig { envelope: None, ..TrainConfig::default() };
        (texture.sampling.drift, texture.sampling.brightness) = (0.5, 0.75);
        let student = student(texture, &args, &BTreeMap::new());
        assert_eq!((student.learns, student.sampling.sampler), (Learns::All, Sampler::Consistency));
        assert_eq!((student.sampling.drift, student.sampling.brightness), (0.5, 0.5));
        let Objective::Consistency(Consistency { drift, .. }) = student.objective else { panic!("no student") };
        assert_eq!(drift, 0.5);
    }

    #[test]
    fn a_student_holds_out_what_its_teacher_held_out() {
        let args = Cli::parse_from(["distill", "notes", "sounds", "--name", "mine"]).args;
        let teacher = BTreeMap::from([("held_out_share".into(), 0.2.into()), ("split_seed".into(), 5.into())]);
        let told = student(TrainConfig::default(), &args, &teacher).dataset;
        assert_eq!((told.held_out, told.split_seed), (0.2, 5));
        let untold = student(TrainConfig::default(), &args, &BTreeMap::new()).dataset;
        assert_eq!(untold, TrainConfig::default().dataset);
    }
}
