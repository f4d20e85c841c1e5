//! `brownian audition MODEL`: sounds by keys, live.
//!
//! `keys` says what a key means, `desk` is what it changes: which sound is wanted, which are kept, which will likely
//! be wanted next. `worker` makes them, the likely ones ahead. `deck` plays: one half here, the other on the sound
//! card's thread. `screen` draws. `live` ties them together at a terminal, `script` without one.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use crate::cli::DeviceName;
use crate::commands::batch::{Arguments, Fields};
use crate::commands::render::plan::order;
use crate::commands::render::target::Target;
use crate::config::Settings;
use crate::outcome::Outcome;
use crate::{models, names, pitch};

mod deck;
mod desk;
mod keys;
mod live;
mod midi;
mod output;
mod screen;
mod script;
mod sound_view;
mod worker;

use desk::Desk;

const HELP: &str = "\
Keys:
  space  hear it again        r  roll: another seed        v  vary: near this one
  a  compare: the sound before and this one                u  undo: back through what was heard
  m  morph: between the sound before and this one
  c C  next, last class       1..5  choose an attribute    + -  more, less of it    0  let it be free
  6  choose how far a variation goes, 7 how far a morph: then + - change it, and the sound that is heard
  [ ]  pitch down, up         k  keep: write the file      l  list what was kept    q  quit
A MIDI keyboard plays the sound: key 60 as it is, others at their pitch.

Examples:
  brownian audition drums --class kick
  brownian audition drums --list-devices
  brownian audition drums --seed 1 --keys \" rrk\" --output take.wav";

/// `brownian audition`
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub struct Args {
    /// A model's name (see `brownian models`) or file
    pub model: String,
    /// Class to begin with [default: drawn from the seed]
    #[arg(long)]
    pub class: Option<String>,
    /// Pitch to begin with, for models trained with it
    #[arg(long, value_name = "60|C4", value_parser = pitch::parse)]
    pub pitch: Option<f32>,
    /// Sound to begin with; each roll is the next seed [default: random]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Sampling steps [default: the model's]
    #[arg(long)]
    pub steps: Option<usize>,
    /// Folder for what is kept [default: .]
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Sound card, by a part of its name [default: the system's]
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// List the sound cards and MIDI inputs, and end
    #[arg(long)]
    pub list_devices: bool,
    /// Rate of the sound card [default: its own]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8_000..=384_000))]
    pub rate: Option<u32>,
    /// MIDI input, by a part of its name [default: the first there is]
    #[arg(long, value_name = "NAME")]
    pub midi: Option<String>,
    /// Press these keys and end; each sound is heard to its end, the next follows without a gap
    #[arg(long, value_name = "KEYS")]
    pub keys: Option<String>,
    /// Write what --keys play into this WAV file instead of to the sound card
    #[arg(long, value_name = "FILE", requires = "keys")]
    pub output: Option<PathBuf>,
    /// Where to compute
    #[arg(long, default_value = "auto")]
    pub compute: DeviceName,
    /// Threads, 0 for all
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: u16,
}

/// Play.
///
/// # Errors
/// No such model, no sound card, no terminal to read keys from.
pub fn run(args: &Args) -> Result<Outcome> {
    if args.list_devices {
        return output::list();
    }
    let session = models::open(&args.model, args.compute, args.threads.into())?;
    let settings = Settings::load()?;
    let render = Arguments::default().parse(&fields(args))?;
    let out = args.out.clone().or_else(|| settings.out.clone()).unwrap_or_else(|| ".".into());
    let target = Target::Folder(out);
    let (request, finish) = order(&render, &settings, None, &target, &session)?;
    session.resolve(&request)?;
    let desk = Desk::new(request, session.model().card.config.clone());
    let plan = Plan { desk, finish, target, keys: args.keys.clone() };
    match &args.keys {
        Some(_) => script::run(args, plan, session),
        None => {
            use std::io::IsTerminal;
            let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
            ensure!(is_terminal, "no terminal to read keys from; give them with --keys");
            live::run(args, plan, session).context("audition")
        }
    }
}

/// What is played, before anything is open.
struct Plan {
    desk: Desk,
    finish: brownian_core::generate::Finish,
    target: Target,
    keys: Option<String>,
}

/// The arguments as a row of a manifest: read by the same code.
fn fields(args: &Args) -> Fields {
    let mut fields = Map::new();
    fields.insert("model".into(), args.model.as_str().into());
    fields.insert("seed".into(), args.seed.unwrap_or_else(names::random_seed).into());
    fields.insert("class".into(), args.class.as_deref().into());
    fields.insert("pitch".into(), args.pitch.map_or(Value::Null, |pitch| pitch.to_string().into()));
    fields.insert("steps".into(), args.steps.into());
    fields.into_iter().collect()
}
