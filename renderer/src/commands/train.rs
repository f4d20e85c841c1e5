//! `brownian train DIR`: a folder of sounds becomes a model.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use brownian_core::dataset::Dataset;
use brownian_core::generate::device;
use brownian_core::model::{DataSource, StoredModel};
use brownian_core::train::{
    Event, Files, Hardware, HeldOut, Identity, Limit, SIGMAS, Summary, TrainConfig, Trainer, read_info,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::DeviceName;
use crate::interrupt::cancel_on_ctrl_c;
use crate::models::registry;
use crate::outcome::Outcome;

const HELP: &str = "\
The folder's sub-folders are the classes; a manifest.csv (path,class,pitch,group,part) at its root may say otherwise.
Everything is written to RUNS/NAME: checkpoint.safetensors (to resume from), model.safetensors (the model so far, ready
for `brownian render`), log.jsonl, curves.png and previews. Ctrl-C saves and stops; --resume goes on exactly there.

Exit code: 0 trained to the end, 2 nothing was done, 130 interrupted (resume it).";

/// `brownian train`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// How to train, and on what.
    #[command(flatten)]
    pub training: Training,
    /// Begin with the networks and weights of a model (a name or a file) instead of new ones: a folder of a few dozen sounds
    /// is enough to turn it towards them
    #[arg(long, value_name = "MODEL", conflicts_with = "resume")]
    pub from: Option<String>,
    /// Learn textures (rain, wind, drones) out of recordings of any length, two seconds at least: the model loops and goes on
    /// for as long as is asked
    #[arg(long, conflicts_with_all = ["resume", "from"])]
    pub texture: bool,
}

/// What every training is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Training {
    /// The folder of sounds
    pub folder: PathBuf,
    /// Id of the model: lower case letters, digits and dashes
    #[arg(long)]
    pub name: String,
    /// One line about the model, for its card
    #[arg(long, default_value = "")]
    pub description: String,
    /// Train this long in all (90s, 30m, 8h)
    #[arg(long, value_name = "TIME", value_parser = seconds, conflicts_with = "steps")]
    pub time: Option<f64>,
    /// Train this many steps in all [default: the configuration's]
    #[arg(long)]
    pub steps: Option<u64>,
    /// Go on with the training of this name
    #[arg(long)]
    pub resume: bool,
    /// A TOML file with settings of the training; what it leaves out is the default (see --print-config)
    #[arg(long, value_name = "FILE.toml", conflicts_with = "resume")]
    pub config: Option<PathBuf>,
    /// Print the settings as TOML and do nothing
    #[arg(long)]
    pub print_config: bool,
    /// Seed of weights, batches and noise
    #[arg(long, conflicts_with = "resume")]
    pub seed: Option<u64>,
    /// Examples a step
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub batch_size: Option<usize>,
    /// Where trainings are kept
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Where the networks compute; only the CPU makes the same bytes again
    #[arg(long, default_value = "cpu")]
    pub device: DeviceName,
    /// Threads [default: the machine's]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
}

/// Run the command.
///
/// # Errors
/// Settings out of range, no usable sound, a folder that cannot be written: nothing is trained.
pub fn run(args: &Args) -> Result<Outcome> {
    let model = args.from.as_deref().map(|name| registry().stored(name)).transpose()?;
    let defaults = if args.texture { TrainConfig::texture() } else { TrainConfig::default() };
    train(&args.training, defaults, model.as_ref(), |config| config)
}

/// Train from `model` or from nothing, with `defaults` for what no file says and settings that `adapt` has the last word
/// on.
pub(super) fn train(
    args: &Training,
    defaults: TrainConfig,
    model: Option<&StoredModel>,
    adapt: impl FnOnce(TrainConfig) -> TrainConfig,
) -> Result<Outcome> {
    check_name(&args.name)?;
    let folder = args.runs.join(&args.name);
    let config = if args.resume { resumed_config(&folder)? } else { adapt(config(args, defaults, model)?) };
    config.validate()?;
    if args.print_config {
        print!("{}", toml::to_string(&config).context("cannot write the settings as TOML")?);
        return Ok(Outcome::Done);
    }
    let dataset = Dataset::scan(&args.folder, &config.dataset)?;
    let identity = if args.resume { None } else { Some(identity(args, &dataset)?) };
    report_sounds(&dataset);
    let limit = match (args.time, args.steps) {
        (Some(seconds), _) => Limit::Seconds(seconds),
        (None, Some(steps)) => Limit::Steps(steps),
        (None, None) => Limit::Steps(config.steps),
    };
    let hardware = Hardware { device: device(args.device.name())?, threads: args.threads };
    let mut trainer = match identity {
        None => Trainer::resume(&folder, &dataset, &hardware)?,
        Some(identity) => Trainer::begin_from(&folder, config, identity, &dataset, &hardware, model)?,
    };
    eprintln!("{} parameters; files in {}", trainer.num_parameters(), folder.display());
    let cancel = cancel_on_ctrl_c()?;
    let teller = Teller::new();
    let summary = trainer.run(limit, &cancel, &mut |event| teller.tell(event))?;
    teller.0.finish_and_clear();
    report_end(&summary, trainer.files());
    Ok(if summary.cancelled { Outcome::Interrupted } else { Outcome::Done })
}

/// The name becomes a folder and the model's id.
fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(fits) {
        bail!("{name:?} is no name for a model; need lower case letters, digits and dashes");
    }
    Ok(())
}

fn resumed_config(folder: &Path) -> Result<TrainConfig> {
    let path = Files::new(folder).checkpoint();
    if !path.exists() {
        bail!("{} holds no checkpoint to resume; start without --resume, or name another training", folder.display());
    }
    Ok(read_info(&path)?.config)
}

fn config(args: &Training, defaults: TrainConfig, model: Option<&StoredModel>) -> Result<TrainConfig> {
    let mut config = match &args.config {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            // The whole report of the TOML reader takes several lines.
            over(&defaults, &text).map_err(|error| anyhow!("{}: {}", path.display(), error.message()))?
        }
        None => defaults,
    };
    config.seed = args.seed.unwrap_or(config.seed);
    config.batch_size = args.batch_size.unwrap_or(config.batch_size);
    config.shards = config.shards.min(config.batch_size);
    config.steps = args.steps.unwrap_or(config.steps);
    Ok(match model {
        Some(model) => config.following(&model.card),
        None => config,
    })
}

/// The settings of `text`, over `defaults` for what it leaves out.
fn over(defaults: &TrainConfig, text: &str) -> Result<TrainConfig, toml::de::Error> {
    let mut settings = toml::Table::try_from(defaults).map_err(serde::de::Error::custom)?;
    lay(&mut settings, text.parse()?);
    let has_envelope = settings.contains_key("envelope");
    let config: TrainConfig = settings.try_into()?;
    // TOML has no word for "none": what is absent reads as the default.
    Ok(TrainConfig { envelope: config.envelope.filter(|_| has_envelope), ..config })
}

/// Lay `upper` over `lower`, key by key; what names its kind comes whole.
fn lay(lower: &mut toml::Table, upper: toml::Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) if !above.contains_key("kind") => {
                lay(below, above);
            }
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

/// What a new model's card says of it.
fn identity(args: &Training, dataset: &Dataset) -> Result<Identity> {
    Ok(Identity {
        id: args.name.clone(),
        description: args.description.clone(),
        sources: sources(&args.folder, dataset)?,
    })
}

/// A row of SOURCES.csv; further columns are for people.
#[derive(serde::Deserialize)]
struct SourceRow {
    source: String,
    licence: String,
    attribution: String,
}

/// Where the sounds came from: the folder's SOURCES.csv (path,source,licence,attribution), if it has one.
fn sources(folder: &Path, dataset: &Dataset) -> Result<Vec<DataSource>> {
    let path = folder.join("SOURCES.csv");
    if !path.exists() {
        let name =
            folder.file_name().map_or_else(|| folder.display().to_string(), |n| n.to_string_lossy().into_owned());
        let sounds = dataset.train.len() + dataset.held_out.len();
        return Ok(vec![DataSource { name, licence: "not stated".into(), attribution: "not stated".into(), sounds }]);
    }
    let mut counts: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut reader = csv::Reader::from_path(&path).with_context(|| path.display().to_string())?;
    for (index, row) in reader.deserialize().enumerate() {
        // Row 1 follows the header, as in a manifest.
        let row: SourceRow = row.with_context(|| format!("{}, row {}", path.display(), index + 1))?;
        *counts.entry((row.source, row.licence, row.attribution)).or_default() += 1;
    }
    let source = |((name, licence, attribution), sounds)| DataSource { name, licence, attribution, sounds };
    Ok(counts.into_iter().map(source).collect())
}

fn report_sounds(dataset: &Dataset) {
    let report = &dataset.report;
    for (path, reason) in &report.skipped {
        eprintln!("skipped {}: {reason}", path.display());
    }
    let (train, held_out) = (dataset.train.len(), dataset.held_out.len());
    eprintln!(
        "{} of {} files are used: {train} to train on, {held_out} held out, in {} classes",
        report.used,
        report.found,
        dataset.classes.len()
    );
}

/// The progress line; where stderr is no terminal, a line now and then.
struct Teller(ProgressBar);

impl Teller {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{wide_bar} {msg} (left: {eta})");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    fn tell(&self, event: &Event) {
        match event {
            Event::Step(at) => {
                self.0.set_position((at.share * 1000.0) as u64);
                let text = format!(
                    "step {}  loss {:.3} + {:.3}  {:.1} examples/s",
                    at.step, at.fine, at.envelope, at.examples_per_s
                );
                if !std::io::stderr().is_terminal() && at.step.is_multiple_of(100) {
                    eprintln!("{text}  {:.1} %", at.share * 100.0);
                }
                self.0.set_message(text);
            }
            Event::HeldOut(step, losses) => self.0.suspend(|| eprintln!("step {step}  {}", held_out_line(losses))),
            Event::Previewed(folder) => self.0.suspend(|| eprintln!("previews in {}", folder.display())),
        }
    }
}

fn held_out_line(losses: &HeldOut) -> String {
    let list = |losses: &[f64]| losses.iter().map(|loss| format!("{loss:.3}")).collect::<Vec<_>>().join(" ");
    let fine = losses.fine.map(|fine| list(&fine));
    let envelope = losses.envelope.map(|envelope| format!("envelope {}", list(&envelope)));
    let stages: Vec<String> = [fine, envelope].into_iter().flatten().collect();
    format!("held-out loss at sigma {SIGMAS:?}: {}", stages.join(", "))
}

fn report_end(summary: &Summary, files: &Files) {
    let at = summary.progress;
    eprintln!("{} steps, {} examples, {:.2} h", at.step, at.examples, summary.seconds / 3600.0);
    if let Some(losses) = &summary.held_out {
        eprintln!("{}", held_out_line(losses));
    }
    println!("{}", files.model().display());
}

/// `90s`, `30m`, `1.5h`. A bare number is refused: who means seconds would train for hours.
fn seconds(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3600.0),
        _ => ("", 1.0),
    };
    match number.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value * unit),
        _ => Err(format!("{text:?} is no time; need a number with s, m or h, such as 30m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use brownian_core::train::Loss;

    #[test]
    fn times_have_units() {
        assert_eq!(seconds("90s"), Ok(90.0));
        assert_eq!(seconds("30m"), Ok(1800.0));
        assert_eq!(seconds("1.5h"), Ok(5400.0));
        assert!(seconds("90").unwrap_err().contains("need a number with s, m or h"));
        assert!(seconds("0m").is_err() && seconds("long").is_err() && seconds("").is_err());
    }

    #[test]
    fn settings_survive_toml() -> Result<()> {
        for config in [TrainConfig::default(), TrainConfig::texture()] {
            assert_eq!(over(&config, &toml::to_string(&config)?)?, config);
        }
        Ok(())
    }

    #[test]
    fn a_file_changes_what_it_names_and_leaves_the_rest() -> Result<()> {
        let texture = TrainConfig::texture();
        let changed = over(&texture, "batch_size = 4\n[unet]\nwidths = [64, 96]\n[loss]\nkind = \"huber\"\nc = 0.1\n")?;
        assert_eq!((changed.batch_size, changed.loss), (4, Loss::Huber { c: 0.1 }));
        assert_eq!((changed.unet.widths, changed.unet.blocks), (vec![64, 96], texture.unet.blocks));
        assert_eq!((changed.dataset, changed.envelope), (texture.dataset.clone(), None));
        let typo = over(&texture, "batchsize = 4").unwrap_err();
        assert!(typo.message().starts_with("unknown field `batchsize`"), "{}", typo.message());
        Ok(())
    }
}
