//! What a render means, settled before anything is made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use brownian_core::conditioning::Attribute;
use brownian_core::generate::{self, FileFormat, FileRecipe, Finish, Level, Loop, Recipe, Request, Session, Tempo};

use super::edit;
use super::target::{Target, check_free};
use crate::cli::{LevelArgs, LoopArgs, RenderArgs};
use crate::config::Settings;
use crate::{models, names};

/// Clips rendered together where nobody says.
const BATCH_SIZE: usize = 8;

/// Everything that a render will do.
pub struct Plan {
    /// The model, ready.
    pub session: Session,
    /// One a clip, in the order of seeds.
    pub jobs: Vec<Job>,
    /// Clips rendered together, at least 1.
    pub batch_size: usize,
    /// How clips become files.
    pub finish: Finish,
    /// Where they go.
    pub target: Target,
    /// Whether clips are drawn, and into which file if not beside their own.
    pub spectrogram: Option<Option<PathBuf>>,
}

/// One clip to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// What to ask of the session.
    pub request: Request,
    /// What that means for this model.
    pub recipe: Recipe,
    /// The file.
    pub path: PathBuf,
}

impl Plan {
    /// Settle what `args` mean: a flag wins over `--from`, that over `settings`, those over the model's defaults.
    ///
    /// # Errors
    /// Anything that cannot be done: no such model, class or attribute, a number out of range, a file in the way.
    pub fn new(args: &RenderArgs, settings: &Settings) -> Result<Self> {
        let from = args.from.as_deref().map(FileRecipe::read).transpose()?;
        let session = open_model(args, settings, from.as_ref())?;
        let out = args.out.as_deref().or(settings.out.as_deref()).unwrap_or(Path::new("."));
        let target = Target::new(out, args.count)?;
        let (first, finish) = order(args, settings, from.as_ref(), &target, &session)?;
        let jobs = jobs(&session, &first, args.count, |recipe| target.path(recipe, finish.format))?;
        // Of one sort all of them: seeds differ.
        jobs.first().map_or(Ok(()), |job| FileRecipe { recipe: job.recipe.clone(), finish }.validate())?;
        check_free(jobs.iter().map(|job| job.path.as_path()), args.force)?;
        let batch_size = args.batch_size.or(settings.batch_size).unwrap_or(BATCH_SIZE);
        ensure!((1..=4096).contains(&batch_size), "batch size {batch_size}; need 1..=4096");
        let spectrogram = args.spectrogram.clone();
        let is_one = args.count == 1 || !matches!(spectrogram, Some(Some(_)));
        ensure!(is_one, "--spectrogram names one file for {} clips; without a name, each gets its own", args.count);
        Ok(Self { session, jobs, batch_size, finish, target, spectrogram })
    }
}

/// What the arguments of a clip ask of a session, and how its clip becomes a file: the same for `render` as
/// for a row of a manifest.
///
/// # Errors
/// Arguments that contradict each other, or a number out of range.
pub fn order(
    args: &RenderArgs,
    settings: &Settings,
    from: Option<&FileRecipe>,
    target: &Target,
    session: &Session,
) -> Result<(Request, Finish)> {
    let card = &session.model().card;
    let format = format(args, settings, from, target)?;
    let finish = Finish { format, ..finish(args, settings, from, card.config.sample_rate) };
    finish.validate()?;
    Ok((request(args, settings, from, &card.hash)?, finish))
}

fn open_model(args: &RenderArgs, settings: &Settings, from: Option<&FileRecipe>) -> Result<Session> {
    let threads = args.threads.or(settings.threads).unwrap_or(0);
    ensure!(threads <= 1024, "{threads} threads; need 0..=1024, 0 for the machine's");
    let device = args.device.or(settings.device).unwrap_or_default();
    let session = models::open(model_name(args, from)?, device, threads)?;
    check_origin(args, from, &session)?;
    Ok(session)
}

/// The model that a clip's arguments name, themselves or through a recipe.
///
/// # Errors
/// Neither does.
pub fn model_name<'a>(args: &'a RenderArgs, from: Option<&'a FileRecipe>) -> Result<&'a str> {
    let named = args.model.as_deref().or(from.map(|from| from.recipe.model.as_str()));
    named.context("no model; give its name (see `brownian models`)")
}

/// A recipe of another model than this one is used only where the arguments name the model.
///
/// # Errors
/// They do not.
pub fn check_origin(args: &RenderArgs, from: Option<&FileRecipe>, session: &Session) -> Result<()> {
    let card = &session.model().card;
    if let Some(recipe) = from.map(|from| &from.recipe).filter(|recipe| recipe.model_hash != card.hash) {
        let difference = format!(
            "made by {} {}, this is {} {}",
            recipe.model,
            short(&recipe.model_hash),
            card.id,
            short(&card.hash)
        );
        ensure!(args.model.is_some(), "{difference}; name the model ({}) to use it all the same", card.id);
        eprintln!("note: {difference}: the sound will differ");
    }
    Ok(())
}

/// The first letters of a hash: enough for people.
pub fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// A flag must fit the target; whatever else names a format counts where it fits.
fn format(args: &RenderArgs, settings: &Settings, from: Option<&FileRecipe>, target: &Target) -> Result<FileFormat> {
    let typed = args.format.map(FileFormat::from);
    if let Some(format) = typed {
        let extension = format.extension();
        ensure!(target.fits(format), "--format and the name after --out disagree; end the name in .{extension}");
    }
    let wishes = [typed, from.map(|from| from.finish.format), settings.format, Some(FileFormat::Wav24)];
    Ok(wishes.into_iter().flatten().find(|&format| target.fits(format)).unwrap_or(FileFormat::Flac))
}

/// All but the format.
fn finish(args: &RenderArgs, settings: &Settings, from: Option<&FileRecipe>, sample_rate: u32) -> Finish {
    let from = from.map(|from| from.finish);
    // The rest of the file must stay as it is.
    let raw = args.edit.inpaint.as_ref().map(|_| Level::Raw);
    let level = level(&args.level).or(raw).or(from.map(|from| from.level)).or(settings.level);
    let wide = args.edit.width.filter(|width| *width > 0.0).map(|_| 2);
    Finish {
        format: FileFormat::default(),
        sample_rate: args
            .sample_rate
            .or(from.map(|from| from.sample_rate))
            .or(settings.sample_rate)
            .unwrap_or(sample_rate),
        channels: args.channels.or(wide).or(from.map(|from| from.channels)).or(settings.channels).unwrap_or(1),
        level: level.unwrap_or_default(),
        true_peak_dbtp: args.shaping.true_peak.or(from.and_then(|from| from.true_peak_dbtp)),
        dither: args.shaping.dither || from.is_some_and(|from| from.dither),
        shaping: args.shaping.shaping().or(from.map(|from| from.shaping).unwrap_or_default()),
    }
}

fn level(args: &LevelArgs) -> Option<Level> {
    let raw = args.raw.then_some(Level::Raw);
    raw.or(args.loudness.map(Level::Lufs)).or(args.peak.map(Level::PeakDbfs))
}

/// The request of the first clip.
fn request(args: &RenderArgs, settings: &Settings, from: Option<&FileRecipe>, model_hash: &str) -> Result<Request> {
    let from = from.map(|from| &from.recipe);
    let mut attributes = from.map(|from| from.attributes.clone()).unwrap_or_default();
    attributes.extend(attributes_of(&args.set)?);
    let mut request = Request {
        seed: args.seed.or(from.map(|from| from.seed)).unwrap_or_else(names::random_seed),
        class: from.and_then(|from| from.class.clone()),
        attributes,
        pitch: args.pitch.or(from.and_then(|from| from.pitch)),
        steps: args.steps.or(from.map(|from| from.steps)).or(settings.steps),
        sampler: args.sampler.or(from.map(|from| from.sampler)).or(settings.sampler),
        guidance: args.guidance.or(from.map(|from| from.guidance)).or(settings.guidance),
        duration_s: args.duration.or(from.map(|from| from.duration_s)),
        looped: looped(args, from),
        edit: from.map(|from| from.edit.clone()).unwrap_or_default(),
    };
    edit::apply(args, model_hash, &mut request)?;
    Ok(request)
}

/// A duration given by a flag takes the place of a file's tempo.
fn looped(args: &RenderArgs, from: Option<&Recipe>) -> Option<Loop> {
    let LoopArgs { is_loop, bpm, bars } = args.looping;
    let tempo = bpm.zip(bars).map(|(bpm, bars)| Tempo { bpm, bars });
    if tempo.is_some() {
        return Some(Loop { tempo });
    }
    let kept = from.and_then(|from| from.looped);
    let kept = kept.map(|kept| Loop { tempo: kept.tempo.filter(|_| args.duration.is_none()) });
    kept.or(is_loop.then(Loop::default))
}

fn attributes_of(set: &[(String, f32)]) -> Result<BTreeMap<Attribute, f32>> {
    set.iter().map(|(name, value)| Ok((generate::attribute(name)?, *value))).collect()
}

/// Clip i is the clip of `first`'s seed + i; of a variation, that of the variation's seed + i.
fn jobs(session: &Session, first: &Request, count: u64, path: impl Fn(&Recipe) -> PathBuf) -> Result<Vec<Job>> {
    let counted = first.edit.vary.map_or(first.seed, |vary| vary.seed);
    let last = counted.checked_add(count - 1);
    last.with_context(|| format!("seed {counted} leaves no room for {count} clips; need a smaller one"))?;
    let job = |i| {
        let mut request = first.clone();
        match &mut request.edit.vary {
            Some(vary) => vary.seed += i,
            None => request.seed += i,
        }
        let recipe = session.resolve(&request)?;
        let path = path(&recipe);
        Ok(Job { request, recipe, path })
    };
    (0..count).map(job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_settings_of_an_attribute_counts() {
        let set = [("decay".to_string(), 0.1), ("decay".to_string(), 0.9)];
        assert_eq!(attributes_of(&set).unwrap(), BTreeMap::from([(Attribute::Decay, 0.9)]));
    }
}
