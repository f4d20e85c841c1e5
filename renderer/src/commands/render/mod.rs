//! `brownian render`: recipes become files.
//!
//! `plan` settles what is meant (everything is checked before anything is made), `execute` makes it, and
//! `row` is what a finished clip says on stdout.

use anyhow::Result;

use crate::cli::RenderArgs;
use crate::config::Settings;
use crate::outcome::Outcome;

mod edit;
mod execute;
pub(crate) mod plan;
pub(crate) mod row;
pub(crate) mod target;

use plan::Plan;
use row::Rows;

/// Render what `args` ask for.
///
/// # Errors
/// Usage or set-up; nothing was written.
pub fn run(args: &RenderArgs) -> Result<Outcome> {
    let plan = Plan::new(args, &Settings::load()?)?;
    if args.dry_run {
        Rows::new(args.json, &plan).announce(&plan)?;
        return Ok(Outcome::Done);
    }
    plan.target.prepare()?;
    execute::run(&plan, &mut Rows::new(args.json, &plan), args.play)
}
