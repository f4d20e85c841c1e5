//! Making the clips of a plan.

use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use brownian_core::audio::{Clip, write_atomically};
use brownian_core::generate::{Cancel, FileRecipe, Rendered, Request, Session, Sustain};

use super::plan::{Job, Plan};
use super::row::{Row, Rows};
use crate::interrupt::cancel_on_ctrl_c;
use crate::outcome::{Outcome, complain};
use crate::picture::Figure;
use crate::player::Player;
use crate::progress::Progress;

/// Make every clip, batch by batch; a clip that fails is named, and the run goes on.
///
/// # Errors
/// Set-up, or stdout cannot be written.
pub fn run(plan: &Plan, rows: &mut Rows, play: bool) -> Result<Outcome> {
    let player = if play { open_player() } else { None };
    let num_failed = usize::from(play && player.is_none());
    let mut run = Run { plan, player, cancel: cancel_on_ctrl_c()?, num_failed, num_made: 0, made_s: 0.0 };
    let begin = Instant::now();
    let progress = Progress::new(plan.jobs.len() as u64, "clips");
    // All are equally long.
    let is_long = plan.jobs.first().is_some_and(|job| Session::is_long(&job.recipe));
    if is_long {
        run.long(rows, &progress)?;
    }
    for batch in plan.jobs.chunks(plan.batch_size).take_while(|_| !is_long) {
        for (job, clip, render_s) in run.batch(batch, &progress) {
            progress.suspend(|| rows.print(&Row::finished(job, &plan.finish, &clip, render_s)))?;
            run.play(&clip);
        }
        if run.cancel.is_cancelled() {
            break;
        }
    }
    progress.clear();
    run.summarise(begin.elapsed().as_secs_f64());
    run.end()
}

fn open_player() -> Option<Player> {
    Player::open().map_err(|error| complain(&error.context("--play: clips are written, but not played"))).ok()
}

struct Run<'a> {
    plan: &'a Plan,
    player: Option<Player>,
    cancel: Cancel,
    num_failed: usize,
    num_made: usize,
    /// Seconds of sound made.
    made_s: f64,
}

impl Run<'_> {
    /// The clips of a batch that are now files, with the seconds that each took.
    fn batch<'j>(&mut self, batch: &'j [Job], progress: &Progress) -> Vec<(&'j Job, Clip, f64)> {
        let mut kept = Vec::with_capacity(batch.len());
        for (job, rendered) in batch.iter().zip(self.render(batch, progress)) {
            let clip = rendered.and_then(|rendered| Ok((self.keep(job, &rendered, progress)?, rendered.render_s)));
            match clip {
                Ok((clip, render_s)) => kept.push((job, clip, render_s)),
                // Not a failure: the user asked for it.
                Err(_) if self.cancel.is_cancelled() => {}
                Err(error) => {
                    progress.suspend(|| complain(&error));
                    self.num_failed += 1;
                }
            }
        }
        kept
    }

    /// Sounds that go through the disk, one after the other; each shows its steps.
    fn long(&mut self, rows: &mut Rows, progress: &Progress) -> Result<()> {
        let Plan { session, finish, jobs, .. } = self.plan;
        if self.player.take().is_some() {
            complain(&anyhow!("--play: sounds of more than a minute are written, but not played"));
            self.num_failed += 1;
        }
        for job in jobs {
            let begin = Instant::now();
            let on_step = |done, total| progress.set(done, total);
            match session.write(&job.request, *finish, &job.path, &self.cancel, &on_step) {
                Ok(written) => {
                    let row = Row::written(job, finish, &written, begin.elapsed().as_secs_f64());
                    progress.suspend(|| rows.print(&row))?;
                    self.num_made += 1;
                    self.made_s += written.num_frames as f64 / f64::from(finish.sample_rate);
                }
                Err(_) if self.cancel.is_cancelled() => return Ok(()),
                Err(error) => {
                    progress.suspend(|| complain(&error.into()));
                    self.num_failed += 1;
                }
            }
        }
        Ok(())
    }

    fn render(&self, batch: &[Job], progress: &Progress) -> Vec<Result<Rendered>> {
        let session = &self.plan.session;
        if let ([job], 1) = (batch, self.plan.jobs.len()) {
            // A single clip shows its steps.
            return vec![
                session
                    .render(&job.request, &self.cancel, &|done, total| progress.set(done, total))
                    .map_err(Into::into),
            ];
        }
        let requests: Vec<Request> = batch.iter().map(|job| job.request.clone()).collect();
        let rendered = session.render_many(&requests, &self.cancel, &|_, _| progress.advance());
        rendered.into_iter().map(|clip| clip.map_err(Into::into)).collect()
    }

    /// Finish a clip and write its file, whole or not at all.
    fn keep(&mut self, job: &Job, rendered: &Rendered, progress: &Progress) -> Result<Clip> {
        let mut recipe = FileRecipe { recipe: rendered.recipe.clone(), finish: self.plan.finish };
        let clip = recipe.finish(&rendered.clip)?;
        write_atomically(&job.path, &recipe.file(&clip)?)?;
        if recipe.finish.shaping.sustain == Some(Sustain::Find) {
            let path = job.path.display();
            progress
                .suspend(|| eprintln!("{path}: nothing in it lasts long enough to be held; it has no sustain loop"));
        }
        if let Some(named) = &self.plan.spectrogram {
            let path = named.clone().unwrap_or_else(|| job.path.with_extension("png"));
            write_atomically(&path, &Figure::of_file(&job.path, Some(&rendered.recipe), &clip).png(&clip)?)?;
        }
        self.num_made += 1;
        self.made_s += clip.duration_s();
        Ok(clip)
    }

    /// A sound card that fails is given up; the files are made all the same.
    fn play(&mut self, clip: &Clip) {
        let Some(player) = &mut self.player else { return };
        if let Err(error) = player.play(clip, &self.cancel) {
            complain(&error.context("--play: the rest is written, but not played"));
            self.num_failed += 1;
            self.player = None;
        }
    }

    fn summarise(&self, elapsed_s: f64) {
        let (n, s) = (self.num_made, if self.num_made == 1 { "" } else { "s" });
        let rate = if elapsed_s > 0.0 { self.made_s / elapsed_s } else { 0.0 };
        let each = elapsed_s / (n.max(1) as f64);
        eprintln!(
            "{n} clip{s}, {:.2} s of sound, in {elapsed_s:.2} s ({each:.3} s a clip, {rate:.2}x real time)",
            self.made_s
        );
        if self.cancel.is_cancelled() {
            eprintln!(
                "brownian: interrupted; {} of {} clips were not made",
                self.plan.jobs.len() - n,
                self.plan.jobs.len()
            );
        }
    }

    /// Let the sound card play what it has.
    fn end(mut self) -> Result<Outcome> {
        if let Some(player) = self.player.take() {
            player.finish(&self.cancel).context("--play")?;
        }
        if self.cancel.is_cancelled() && self.num_made < self.plan.jobs.len() {
            return Ok(Outcome::Interrupted);
        }
        Ok(Outcome::from_failures(self.num_failed))
    }
}
