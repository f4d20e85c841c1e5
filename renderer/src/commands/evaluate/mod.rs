//! `brownian evaluate MODEL --reference DIR`: how good a model is, as a page for its card.

mod markdown;

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::{Context, Result};
use brownian_core::audio::write_atomically;
use brownian_core::diffusion::Sampler;
use brownian_core::evaluate::{Options, Report, Settings, evaluate};
use serde::Serialize;

use crate::cli::{self, DeviceName};
use crate::interrupt::cancel_on_ctrl_c;
use crate::models;
use crate::outcome::Outcome;
use crate::progress::Progress;

/// Clips between two lines of progress.
const LINE_EVERY: usize = 100;

const HELP: &str = "\
DIR is the folder that the model was trained on: what training held out is held out again, and the model is measured
against that. A folder that the model heard nothing of takes --unseen. Prints tables (Markdown, for a model's card):
likeness class by class, memorisation with the pairs to listen to, whether the attributes are followed, and faults. The
same command gives the same numbers, on any number of threads.

  brownian evaluate drums --reference drums-set
  brownian evaluate runs/mine/model.safetensors --reference my-sounds --write judged
  brownian evaluate runs/drums-instant/model.safetensors --reference drums-set --teacher drums

Exit code: 0 measured (whatever the figures), 2 nothing was done, 130 interrupted.";

/// `brownian evaluate`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A model's name (see `brownian models`) or file
    pub model: String,
    /// Folder of recordings, as `brownian train` takes it
    #[arg(long, value_name = "DIR")]
    pub reference: PathBuf,
    /// A second model, such as the one that MODEL was distilled from, in the same tables; with its own defaults
    #[arg(long, value_name = "MODEL")]
    pub teacher: Option<String>,
    /// MODEL heard none of the recordings: compare with all of them
    #[arg(long)]
    pub unseen: bool,
    /// Clips for each held-out recording, of its class
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub per_sound: usize,
    /// Seeds for each class and asked value of an attribute; 0 leaves the controls out
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub control_seeds: usize,
    /// Clips that are searched for faults
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub renders: usize,
    /// First seed of everything that is rendered. What settings were chosen by is not what they should be judged by
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub first_seed: u64,
    /// Sampling steps of MODEL [default: the model's]
    #[arg(long)]
    pub steps: Option<usize>,
    /// Sampler of MODEL [default: the model's]
    #[arg(long, value_parser = cli::sampler)]
    pub sampler: Option<Sampler>,
    /// Guidance of MODEL [default: the model's]
    #[arg(long, value_name = "SCALE", allow_negative_numbers = true)]
    pub guidance: Option<f64>,
    /// Write the compared sounds too, as WAV files: DIR/held-out, trained, generated and teacher
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
    /// Write the figures too, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Where to compute; only the CPU gives the same numbers everywhere
    #[arg(long, default_value = "cpu")]
    pub device: DeviceName,
    /// Threads, 0 for all: changes speed, never the numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

/// What `--json` writes.
#[derive(Debug, Serialize)]
struct Figures<'a> {
    program: &'a str,
    command: &'a str,
    #[serde(flatten)]
    report: &'a Report,
}

/// Run the command.
///
/// # Errors
/// An unknown model, options out of range, recordings that do not fit the model, a file that cannot be written.
pub fn run(args: &Args) -> Result<Outcome> {
    let model = models::open(&args.model, args.device, args.threads)?;
    let teacher = args.teacher.as_deref().map(|name| models::open(name, args.device, args.threads)).transpose()?;
    let (options, cancel) = (options(args), cancel_on_ctrl_c()?);
    let progress = Progress::new(0, "clips");
    let on_clip = |done: usize, all: usize| {
        progress.set(done, all);
        // Where there is no bar, a line now and then.
        if done.is_multiple_of(LINE_EVERY) && !std::io::stderr().is_terminal() {
            eprintln!("{done} of {all} clips");
        }
    };
    let report = evaluate(&model, teacher.as_ref(), &args.reference, &options, &cancel, &on_clip);
    progress.clear();
    if cancel.is_cancelled() {
        return Ok(Outcome::Interrupted);
    }
    let (report, command) = (report?, command(args));
    if !report.split.is_the_models && !args.unseen {
        let path = args.reference.display();
        eprintln!("brownian: {path} is not as the model was trained on it: it may have heard what counts as held out");
    }
    if let Some(path) = &args.json {
        let figures = Figures { program: env!("CARGO_PKG_VERSION"), command: &command, report: &report };
        let text = serde_json::to_string_pretty(&figures).context("the figures are no JSON")?;
        write_atomically(path, (text + "\n").as_bytes())?;
    }
    print!("{}", markdown::page(&report, &command));
    Ok(Outcome::Done)
}

fn options(args: &Args) -> Options {
    Options {
        per_sound: args.per_sound,
        control_seeds: args.control_seeds,
        renders: args.renders,
        unseen: args.unseen,
        first_seed: args.first_seed,
        settings: Settings { steps: args.steps, sampler: args.sampler, guidance: args.guidance },
        threads: args.threads,
        write: args.write.clone(),
    }
}

/// What makes the same figures again.
fn command(args: &Args) -> String {
    let mut words = vec![format!("brownian evaluate {} --reference {}", args.model, args.reference.display())];
    let mut add = |name: &str, value: Option<String>| words.extend(value.map(|value| format!("--{name} {value}")));
    add("teacher", args.teacher.clone());
    add("per-sound", Some(args.per_sound.to_string()));
    add("control-seeds", Some(args.control_seeds.to_string()));
    add("renders", Some(args.renders.to_string()));
    add("first-seed", (args.first_seed != 1).then(|| args.first_seed.to_string()));
    add("steps", args.steps.map(|steps| steps.to_string()));
    add("sampler", args.sampler.map(|sampler| sampler.to_string()));
    add("guidance", args.guidance.map(|guidance| guidance.to_string()));
    if args.unseen {
        words.push("--unseen".to_owned());
    }
    words.join(" ")
}
