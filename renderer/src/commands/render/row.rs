//! What a clip says on stdout: a row of the table, or a JSON object.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use brownian_core::audio::{self, Clip};
use brownian_core::diffusion::Sampler;
use brownian_core::generate::{Edit, Finish, Recipe, Written};
use serde::Serialize;

use super::plan::{Job, Plan, short};
use crate::report::Table;

/// One clip; the field names are the keys of `--json`. What is not known (in a dry run, or of silence) is null.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    path: &'a Path,
    seed: u64,
    model: &'a str,
    class: Option<&'a str>,
    steps: usize,
    sampler: Sampler,
    guidance: f64,
    duration_s: f64,
    sample_rate: u32,
    channels: u16,
    peak_dbfs: Option<f64>,
    lufs: Option<f64>,
    render_s: Option<f64>,
    /// Only of an edited sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    edit: Option<&'a Edit>,
}

impl<'a> Row<'a> {
    /// A clip that is yet to be made.
    pub fn planned(job: &'a Job, finish: &Finish) -> Self {
        let Recipe { seed, steps, sampler, guidance, duration_s, .. } = job.recipe;
        Self {
            path: &job.path,
            seed,
            model: &job.recipe.model,
            class: job.recipe.class.as_deref(),
            steps,
            sampler,
            guidance,
            duration_s,
            sample_rate: finish.sample_rate,
            channels: finish.channels,
            peak_dbfs: None,
            lufs: None,
            render_s: None,
            edit: Some(&job.recipe.edit).filter(|edit| !edit.is_none()),
        }
    }

    /// A long one that was made, and never lay in memory.
    pub fn written(job: &'a Job, finish: &Finish, written: &Written, render_s: f64) -> Self {
        Self {
            duration_s: written.num_frames as f64 / f64::from(finish.sample_rate),
            peak_dbfs: written.peak_dbfs,
            lufs: written.lufs,
            render_s: Some(render_s),
            ..Self::planned(job, finish)
        }
    }

    /// A clip that was made: `clip` as in its file.
    pub fn finished(job: &'a Job, finish: &Finish, clip: &Clip, render_s: f64) -> Self {
        Self {
            duration_s: clip.duration_s(),
            peak_dbfs: clip.peak_dbfs(),
            lufs: audio::measure_loudness(clip).integrated_lufs,
            render_s: Some(render_s),
            ..Self::planned(job, finish)
        }
    }

    /// A clip whose file was there already, as it is.
    pub fn found(job: &'a Job, finish: &Finish, clip: &Clip) -> Self {
        Self { render_s: None, ..Self::finished(job, finish, clip, 0.0) }
    }

    /// The same, of a file seen from elsewhere.
    pub fn at<'b>(&self, path: &'b Path) -> Row<'b>
    where
        'a: 'b,
    {
        Row { path, ..*self }
    }

    fn cells(&self) -> Vec<String> {
        let decibels = |db: Option<f64>| db.map_or_else(|| "-".into(), |db| format!("{db:.1}"));
        vec![
            self.path.display().to_string(),
            self.class.unwrap_or("-").to_string(),
            self.seed.to_string(),
            format!("{:.3}", self.duration_s),
            decibels(self.peak_dbfs),
            decibels(self.lufs),
            self.render_s.map_or_else(|| "-".into(), |s| format!("{s:.3}")),
        ]
    }
}

/// Rows on stdout, each as soon as its clip is finished.
pub struct Rows {
    /// `None` for JSON.
    table: Option<Table>,
}

impl Rows {
    /// For the clips of `plan`. What is the same for all of them goes to stderr, above the table.
    pub fn new(json: bool, plan: &Plan) -> Self {
        if json {
            return Self { table: None };
        }
        if let Some(Job { recipe, .. }) = plan.jobs.first() {
            let sampler = serde_json::to_value(recipe.sampler).unwrap_or_default();
            let sampler = sampler.as_str().unwrap_or_default();
            let (model, hash) = (&recipe.model, short(&recipe.model_hash));
            eprintln!(
                "{model} {hash}, {} steps of {sampler}, guidance {}, {} Hz",
                recipe.steps, recipe.guidance, plan.finish.sample_rate
            );
        }
        let mut table = Table::new(&["file", "class", "seed", "seconds", "peak dBFS", "LUFS", "render s"]);
        for job in &plan.jobs {
            for (column, cell) in Row::planned(job, &plan.finish).cells().iter().enumerate() {
                table.reserve(column, cell);
            }
        }
        Self { table: Some(table) }
    }

    /// Print a row.
    ///
    /// # Errors
    /// stdout cannot be written.
    pub fn print(&mut self, row: &Row<'_>) -> Result<()> {
        let mut out = io::stdout().lock();
        match &mut self.table {
            Some(table) => {
                table.row(row.cells());
                table.print(&mut out)?;
            }
            None => writeln!(out, "{}", serde_json::to_string(row)?)?,
        }
        Ok(out.flush()?)
    }

    /// Print every clip of `plan` as planned.
    ///
    /// # Errors
    /// stdout cannot be written.
    pub fn announce(&mut self, plan: &Plan) -> Result<()> {
        plan.jobs.iter().try_for_each(|job| self.print(&Row::planned(job, &plan.finish)))
    }
}
