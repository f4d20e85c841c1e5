//! `brownian models set`: the same networks with another card: name, description, and how they are sampled unless told otherwise.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use brownian_core::diffusion::Sampler;
use brownian_core::evaluate::{attacks, wanders};
use brownian_core::generate::{self, Cancel, Session};
use brownian_core::model::file::to_bytes;
use brownian_core::model::{AttackScale, Card, Model, StageSampling, save};

use crate::cli;
use crate::interrupt::cancel_on_ctrl_c;
use crate::models::registry;
use crate::outcome::Outcome;
use crate::progress::Progress;

const HELP: &str = "\
The networks stay as they are; the hash is another, since the same request makes another sound. The levels of a model of two
stages, as drums and notes are, come from a small envelope stage. With steps of its own it is sampled so whatever is asked of
the fine stage, which then needs fewer.

  brownian models set drums --steps 4 --envelope-steps 8 --envelope-guidance 1.5 --out quick.safetensors
  brownian models set notes --wander notes-set --attacks notes-set --out rising.safetensors
  brownian models set runs/mine/model.safetensors --id mine --description 'My kicks' --out mine.safetensors";

/// `brownian models set`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A model's name or file
    pub model: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace a file that is there
    #[arg(short, long)]
    pub force: bool,
    /// Its name: lower case letters, digits and dashes
    #[arg(long, value_name = "NAME")]
    pub id: Option<String>,
    /// One line for people
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Steps, of the fine stage where there are two
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Sampler, of the fine stage where there are two
    #[arg(long, value_parser = cli::sampler)]
    pub sampler: Option<Sampler>,
    /// Classifier-free guidance, of the fine stage where there are two; 1 is none
    #[arg(long, value_name = "SCALE")]
    pub guidance: Option<f64>,
    /// Of textures: factor on the slow part of the noise that they start from, and its inverse on the mean; 0.5 makes them
    /// steadier, 1 is white noise
    #[arg(long, value_name = "FACTOR")]
    pub drift: Option<f64>,
    /// Of textures: the brightness, 0.1 to 0.9, that is meant where 0.5 is asked for, or none; more than 0.5 for a model whose
    /// sounds come out too dark
    #[arg(long, value_name = "VALUE")]
    pub brightness: Option<f64>,
    /// Measure in this folder what an asked attack is in seconds, class by class, and by how much the model's own attacks are too
    /// long or too short: sounds are then made to rise in that time. The folder is what the model was trained on
    #[arg(long, value_name = "DIR")]
    pub attacks: Option<PathBuf>,
    /// Of notes: measure in this folder how far levels wander, class by class. Notes of a class whose levels stand are then made of
    /// noise that stands. The folder is what the model was trained on
    #[arg(long, value_name = "DIR")]
    pub wander: Option<PathBuf>,
    /// Steps of the envelope stage
    #[arg(long, value_name = "N")]
    pub envelope_steps: Option<usize>,
    /// Sampler of the envelope stage
    #[arg(long, value_name = "SAMPLER", value_parser = cli::sampler)]
    pub envelope_sampler: Option<Sampler>,
    /// Classifier-free guidance of the envelope stage
    #[arg(long, value_name = "SCALE")]
    pub envelope_guidance: Option<f64>,
}

/// Run the command.
///
/// # Errors
/// An unknown model, a setting out of range, an envelope stage that the model lacks, a folder of other classes, a file that
/// is there or cannot be written.
pub fn run(args: &Args) -> Result<Outcome> {
    let out = args.out.display();
    ensure!(args.force || !args.out.exists(), "{out} is there already; name another file, or replace it with --force");
    let model = registry().stored(&args.model)?;
    let mut card = changed(args, model.card)?;
    let tensors = model.tensors.into_iter().collect();
    if let Some(folder) = &args.wander {
        card.config.wanders = wanders(&card, folder)?;
    }
    if let Some(folder) = &args.attacks {
        let cancel = cancel_on_ctrl_c()?;
        card.config.attacks.clear();
        let (bytes, unmeasured) = to_bytes(&card.id, &card, &tensors)?;
        let measured = measure_attacks(folder, &unmeasured.id, &bytes, &cancel);
        if cancel.is_cancelled() {
            return Ok(Outcome::Interrupted);
        }
        card.config.attacks = measured?;
    }
    let card = save(&args.out, &card, &tensors).with_context(|| format!("cannot write {out}"))?;
    eprintln!("{} is now in {out}, {}", card.id, card.hash);
    Ok(Outcome::Done)
}

/// The attacks of the model in these bytes, which tells of none yet.
fn measure_attacks(folder: &Path, id: &str, bytes: &[u8], cancel: &Cancel) -> Result<Vec<AttackScale>> {
    let model = Model::from_bytes(id, bytes, &generate::device("cpu")?)?;
    let progress = Progress::new(0, "clips");
    let session = Session::new(Arc::new(model), 0)?;
    let measured = attacks(&session, folder, cancel, &|done, all| progress.set(done, all));
    progress.clear();
    Ok(measured?)
}

/// The card with what was asked for in place of what it said.
fn changed(args: &Args, mut card: Card) -> Result<Card> {
    let sampling = &mut card.config.sampling;
    let was = StageSampling { sampler: sampling.sampler, steps: sampling.steps, guidance: sampling.guidance };
    sampling.steps = args.steps.unwrap_or(was.steps);
    sampling.sampler = args.sampler.unwrap_or(was.sampler);
    sampling.guidance = args.guidance.unwrap_or(was.guidance);
    if let Some(drift) = args.drift {
        ensure!(card.config.is_texture(), "{} makes no textures; leave --drift away", card.id);
        card.config.sampling.drift = drift;
    }
    if let Some(brightness) = args.brightness {
        ensure!(card.config.is_texture(), "{} makes no textures; leave --brightness away", card.id);
        card.config.sampling.brightness = brightness;
    }
    if args.envelope_steps.is_some() || args.envelope_sampler.is_some() || args.envelope_guidance.is_some() {
        let id = &card.id;
        let stage = card.config.envelope.as_mut();
        let stage = stage.with_context(|| format!("{id} has no envelope stage; leave --envelope-… away"))?;
        // What is not told of it stays as it was: steps of its own, else those that it shared with the fine stage.
        let levels = stage.sampling.get_or_insert(was);
        levels.steps = args.envelope_steps.unwrap_or(levels.steps);
        levels.sampler = args.envelope_sampler.unwrap_or(levels.sampler);
        levels.guidance = args.envelope_guidance.unwrap_or(levels.guidance);
    }
    card.id = args.id.clone().unwrap_or(card.id);
    card.description = args.description.clone().unwrap_or(card.description);
    Ok(card)
}
