//! Making the clips of a manifest.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Error, Result};
use brownian_core::audio;
use brownian_core::error::GenerateError;
use brownian_core::generate::{Cancel, Rendered, Request, Session};
use serde::Serialize;

use super::Args;
use super::claim::{Claim, Claimed};
use super::group::Group;
use super::ledger::Ledger;
use super::manifest::Rows;
use super::studio::{Studio, Unit};
use crate::commands::render::row::Row;
use crate::config::Settings;
use crate::interrupt::cancel_on_ctrl_c;
use crate::outcome::{Outcome, complain};
use crate::picture::Sheet;
use crate::progress::Progress;

/// Clips rendered together where nobody says: enough to keep many threads busy, few enough to hold in memory.
const BATCH_SIZE: u16 = 64;

/// Make every clip of the shard that is not there yet.
///
/// # Errors
/// Set-up.
pub fn run(args: &Args, settings: &Settings) -> Result<Outcome> {
    let total = count(args)?;
    if args.dry_run {
        return announce(args, settings);
    }
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let mut batch = Batch {
        args,
        ledger: Ledger::open(&args.out)?,
        cancel: cancel_on_ctrl_c()?,
        progress: Progress::new(total, "clips"),
        num_failed: AtomicUsize::new(0),
        num_made: 0,
        num_there: 0,
        wait_for: Vec::new(),
        cleared: HashSet::new(),
        render_ms: AtomicU64::new(0),
    };
    let begin = Instant::now();
    batch.make_all(&mut Studio::new(args, settings))?;
    batch.progress.clear();
    batch.summarise(begin.elapsed().as_secs_f64());
    let outcome = batch.outcome();
    if let Some(path) = args.sheet.as_deref().filter(|_| outcome != Outcome::Interrupted) {
        draw_sheet(args, settings, path, total)?;
    }
    Ok(outcome)
}

/// Draw what is there. Rows that are bad were named before.
fn draw_sheet(args: &Args, settings: &Settings, path: &Path, total: u64) -> Result<()> {
    let mut sheet = Sheet::new(usize::try_from(total).unwrap_or(usize::MAX));
    let mut num_drawn = 0;
    for_each_unit(args, &mut Studio::new(args, settings), |unit| {
        if let Some((unit, clip)) =
            unit.ok().and_then(|unit| audio::decode(&unit.job.path).ok().map(|clip| (unit, clip)))
        {
            sheet.add(&unit.name.with_extension("").to_string_lossy(), &clip);
            num_drawn += 1;
        }
        Ok(num_drawn < Sheet::MAX_SOUNDS)
    })?;
    if total > Sheet::MAX_SOUNDS as u64 {
        eprintln!("note: {} holds the first {} of {total} clips", path.display(), Sheet::MAX_SOUNDS);
    }
    Ok(audio::write_atomically(path, &sheet.png()?)?)
}

/// The shard's clips, for the progress bar. Bad rows are told when their turn comes.
fn count(args: &Args) -> Result<u64> {
    let mut index = 0;
    let mut total = 0;
    for group in Rows::open(&args.manifest)?.filter_map(|row| Group::new(row.ok()?).ok()) {
        // A group so long that counting it would take time is not counted one by one.
        let is_countable = group.len() < 10_000_000;
        total += if is_countable { (0..group.len()).filter(|n| args.shard.holds(index + n)).count() as u64 } else { 0 };
        index = index.saturating_add(group.len());
    }
    Ok(total)
}

/// Visit every clip of the shard, in order, with a bad row's error in its place. Ends when `visit` says so.
fn for_each_unit(args: &Args, studio: &mut Studio, mut visit: impl FnMut(Result<Unit>) -> Result<bool>) -> Result<()> {
    let place = |line: u64| format!("{}, line {line}", args.manifest.display());
    let mut index = 0u64;
    for row in Rows::open(&args.manifest)? {
        let group = row.with_context(|| args.manifest.display().to_string()).and_then(|row| {
            let line = row.line;
            Group::new(row).with_context(|| place(line))
        });
        let group = match group {
            Ok(group) => group,
            Err(error) => match visit(Err(error))? {
                true => continue,
                false => return Ok(()),
            },
        };
        for number in (0..group.len()).filter(|number| args.shard.holds(index.saturating_add(*number))) {
            let unit = studio.unit(&group, number, index.saturating_add(number));
            if !visit(unit.with_context(|| place(group.line)))? {
                return Ok(());
            }
        }
        index = index.saturating_add(group.len());
    }
    Ok(())
}

fn announce(args: &Args, settings: &Settings) -> Result<Outcome> {
    let mut num_failed = 0;
    for_each_unit(args, &mut Studio::new(args, settings), |unit| {
        match unit {
            Ok(unit) if args.json => print_line(&unit.line(&unit.job.path, &Row::planned(&unit.job, &unit.finish))?)?,
            Ok(unit) => print_line(&unit.job.path.display().to_string())?,
            Err(error) => {
                complain(&error);
                num_failed += 1;
            }
        }
        Ok(true)
    })?;
    Ok(Outcome::from_failures(num_failed))
}

fn print_line(line: &str) -> Result<()> {
    use std::io::Write;
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// A line of the report: the keys of `render --json`, and the manifest's line.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    row: &'a Row<'a>,
    line: u64,
}

impl Unit {
    fn line(&self, path: &Path, row: &Row<'_>) -> Result<String> {
        Ok(serde_json::to_string(&Line { row: &row.at(path), line: self.line })?)
    }

    fn place(&self, args: &Args) -> String {
        format!("{}, line {}", args.manifest.display(), self.line)
    }
}

struct Batch<'a> {
    args: &'a Args,
    ledger: Ledger,
    cancel: Cancel,
    progress: Progress,
    num_failed: AtomicUsize,
    num_made: usize,
    /// Clips found finished.
    num_there: usize,
    /// Clips that another process is making: looked at again in the end.
    wait_for: Vec<Unit>,
    /// Folders that hold nothing any more of those who were killed.
    cleared: HashSet<PathBuf>,
    /// Milliseconds of all threads in the model.
    render_ms: AtomicU64,
}

/// A clip that only we make.
type Ours = (Unit, Mutex<Option<Claim>>);

impl Batch<'_> {
    fn make_all(&mut self, studio: &mut Studio) -> Result<()> {
        let size = usize::from(self.args.batch_size.unwrap_or(BATCH_SIZE));
        let mut ours: Vec<Ours> = Vec::with_capacity(size);
        let args = self.args;
        for_each_unit(args, studio, |unit| {
            let goes_with =
                |unit: &Unit| ours.first().is_none_or(|(first, _)| std::ptr::eq(&*first.session, &*unit.session));
            if ours.len() == size || !unit.as_ref().is_ok_and(goes_with) {
                self.make(&mut ours);
            }
            if self.cancel.is_cancelled() {
                return Ok(false);
            }
            match unit.and_then(|unit| self.claim(unit, false)) {
                Ok(claimed) => ours.extend(claimed),
                Err(error) => self.fail(&error),
            }
            Ok(true)
        })?;
        self.make(&mut ours);
        for unit in std::mem::take(&mut self.wait_for) {
            if self.cancel.is_cancelled() {
                break;
            }
            match self.claim(unit, true) {
                Ok(claimed) => ours.extend(claimed),
                Err(error) => self.fail(&error),
            }
            self.make(&mut ours);
        }
        Ok(())
    }

    /// Take a clip on, unless it is there or another process is at it.
    fn claim(&mut self, unit: Unit, wait: bool) -> Result<Option<Ours>> {
        let place = || unit.place(self.args);
        let folder = unit.job.path.parent().unwrap_or(&self.args.out);
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        if self.cleared.insert(folder.to_owned()) {
            audio::clear_abandoned(folder);
        }
        let claimed = Claim::take(&unit.job.path, wait);
        match claimed.with_context(|| format!("{}: cannot write", unit.job.path.display())).with_context(place)? {
            Claimed::Ours(claim) => return Ok(Some((unit, Mutex::new(Some(claim))))),
            Claimed::Theirs => self.wait_for.push(unit),
            Claimed::Finished => {
                self.adopt(&unit).with_context(place)?;
                self.num_there += 1;
                self.progress.advance();
            }
        }
        Ok(None)
    }

    /// A clip that is there counts if it is the right one; the report gets its line.
    fn adopt(&self, unit: &Unit) -> Result<()> {
        unit.check_there()?;
        self.ledger.adopt(&unit.name, || {
            let clip = audio::decode(&unit.job.path)?;
            unit.line(&unit.name, &Row::found(&unit.job, &unit.finish, &clip))
        })
    }

    /// Make the clips and let them go. They are all of one model.
    fn make(&mut self, ours: &mut Vec<Ours>) {
        let (long, short) = std::mem::take(ours).into_iter().partition(|(unit, _)| Session::is_long(&unit.job.recipe));
        *ours = short;
        self.make_long(long);
        let Some((first, _)) = ours.first() else { return };
        let session = first.session.clone();
        let requests: Vec<Request> = ours.iter().map(|(unit, _)| unit.job.request.clone()).collect();
        let num_made = AtomicUsize::new(0);
        let keep = |idx: usize, rendered: &brownian_core::Result<Rendered>| {
            let (unit, claim) = &ours[idx];
            let claim = claim.lock().ok().and_then(|mut claim| claim.take());
            let kept = match (rendered, claim) {
                (Ok(rendered), Some(claim)) => self.keep(unit, claim, rendered),
                (Ok(_), None) => Ok(()),
                (Err(error), _) if is_cancelled(error) => return,
                (Err(error), _) => Err(anyhow::anyhow!("{error}")),
            };
            match kept.with_context(|| unit.place(self.args)) {
                Ok(()) => drop(num_made.fetch_add(1, Ordering::Relaxed)),
                Err(error) => self.fail(&error),
            }
            self.progress.advance();
        };
        drop(session.render_many(&requests, &self.cancel, &keep));
        self.num_made += num_made.into_inner();
        ours.clear();
    }

    /// Sounds that go through the disk, one after the other. Each appears whole by itself; its claim keeps others off.
    fn make_long(&mut self, ours: Vec<Ours>) {
        for (unit, _claim) in ours {
            if self.cancel.is_cancelled() {
                return;
            }
            let begin = Instant::now();
            let Unit { job, finish, session, .. } = &unit;
            let written = session.write(&job.request, *finish, &job.path, &self.cancel, &|_, _| ());
            let kept = written.map_err(Error::from).and_then(|written| {
                let render_s = begin.elapsed().as_secs_f64();
                self.render_ms.fetch_add((render_s * 1e3) as u64, Ordering::Relaxed);
                self.report_long(&unit, &Row::written(job, finish, &written, render_s))
            });
            match kept.with_context(|| unit.place(self.args)) {
                Ok(()) => self.num_made += 1,
                Err(_) if self.cancel.is_cancelled() => return,
                Err(error) => self.fail(&error),
            }
            self.progress.advance();
        }
    }

    fn report_long(&self, unit: &Unit, row: &Row<'_>) -> Result<()> {
        self.ledger.adopt(&unit.name, || unit.line(&unit.name, row))?;
        if self.args.json {
            let line = unit.line(&unit.job.path, row)?;
            self.progress.suspend(|| print_line(&line))?;
        }
        Ok(())
    }

    /// Finish a clip: its file, whole, and its line.
    fn keep(&self, unit: &Unit, mut claim: Claim, rendered: &Rendered) -> Result<()> {
        self.render_ms.fetch_add((rendered.render_s * 1e3) as u64, Ordering::Relaxed);
        let mut recipe = unit.file_recipe();
        let clip = recipe.finish(&rendered.clip)?;
        let written = claim.write(&recipe.file(&clip)?);
        written.with_context(|| format!("{}: cannot write", unit.job.path.display()))?;
        let row = Row::finished(&unit.job, &recipe.finish, &clip, rendered.render_s);
        self.ledger.publish(claim, &unit.name, &unit.line(&unit.name, &row)?)?;
        if self.args.json {
            let line = unit.line(&unit.job.path, &row)?;
            self.progress.suspend(|| print_line(&line))?;
        }
        Ok(())
    }

    fn fail(&self, error: &Error) {
        self.progress.suspend(|| complain(error));
        self.num_failed.fetch_add(1, Ordering::Relaxed);
    }

    fn summarise(&self, elapsed_s: f64) {
        let Self { num_made, num_there, .. } = self;
        let failed = self.num_failed.load(Ordering::Relaxed);
        let model_s = self.render_ms.load(Ordering::Relaxed) as f64 / 1e3;
        eprintln!(
            "{num_made} clips made in {elapsed_s:.2} s ({model_s:.2} s of all threads in the model), {num_there} were there, \
             {failed} failed"
        );
        if self.cancel.is_cancelled() {
            eprintln!("brownian: interrupted; the same command goes on from here");
        }
    }

    fn outcome(&self) -> Outcome {
        if self.cancel.is_cancelled() {
            return Outcome::Interrupted;
        }
        Outcome::from_failures(self.num_failed.load(Ordering::Relaxed))
    }
}

fn is_cancelled(error: &brownian_core::Error) -> bool {
    matches!(error, brownian_core::Error::Generate(GenerateError::Cancelled))
}
