//! `brownian distill MODEL DIR`: a model that needs many steps becomes one that needs few.

use anyhow::Result;
use brownian_core::diffusion::Sampler;
use brownian_core::train::{Consistency, Objective, TrainConfig};

use super::train::{Training, train};
use crate::models::registry;
use crate::outcome::Outcome;

/// Steps that the student is used with unless told otherwise.
const STEPS: usize = 2;
/// Of a student that begins where its teacher ended.
const LEARNING_RATE: f64 = 3e-4;

const HELP: &str = "\
The student begins as a copy of MODEL and learns to see from every noise level where MODEL's steps would end (consistency
distillation). FOLDER holds the sounds that MODEL was trained on: same classes, same names. Files, resuming and exit codes
are those of `brownian train`.

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
    /// Guidance of the teacher, which the student then has built in
    #[arg(long, value_name = "SCALE", default_value_t = 1.0)]
    pub guidance: f64,
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
    train(&args.training, TrainConfig::default(), Some(&model), |config| student(config, args))
}

/// The settings of a student, where the user's file does not already ask for one.
fn student(mut config: TrainConfig, args: &Args) -> TrainConfig {
    if config.objective == Objective::Velocity {
        let (steps, guidance) = (args.teacher_steps, args.guidance);
        config.objective = Objective::Consistency(Consistency { steps, guidance, ..Consistency::default() });
    }
    if args.training.config.is_none() {
        config.optimizer.learning_rate = LEARNING_RATE;
    }
    config.sampling.steps = STEPS;
    config.sampling.sampler = Sampler::Consistency;
    config
}
