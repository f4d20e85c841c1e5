//! `brownian models …`: which there are, what they hold, set, add and remove.

pub mod set;

use std::io::Write;

use anyhow::{Context, Result};
use brownian_core::model::{Card, Entry};
use serde::Serialize;

use crate::cli::ModelsCommand;
use crate::models::registry;
use crate::outcome::{Outcome, complain};
use crate::report::Table;

/// The keys of `list --json`.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a str,
    place: String,
    bytes: u64,
    classes: &'a [String],
    description: &'a str,
    hash: &'a str,
}

/// Run one of them; `None` lists.
///
/// # Errors
/// As the command.
pub fn run(command: Option<ModelsCommand>) -> Result<Outcome> {
    match command.unwrap_or(ModelsCommand::List { json: false }) {
        ModelsCommand::List { json } => list(json),
        ModelsCommand::Show { model, json } => show(&model, json),
        ModelsCommand::Set(args) => set::run(&args),
        ModelsCommand::Add { file, force } => {
            let (card, place) = registry().add(&file, force)?;
            eprintln!("{} is now at {}", card.id, place.display());
            Ok(Outcome::Done)
        }
        ModelsCommand::Remove { model } => {
            eprintln!("removed {}", registry().remove(&model)?.display());
            Ok(Outcome::Done)
        }
    }
}

/// A model that cannot be read is named on stderr, and the list goes on.
fn list(json: bool) -> Result<Outcome> {
    let entries = registry().list();
    let mut out = std::io::stdout().lock();
    let mut table = Table::new(&["model", "MB", "classes", "where"]);
    let mut num_failed = 0;
    for Entry { id, place, size, card } in entries {
        let card = match card.with_context(|| format!("model {id}")) {
            Ok(card) => card,
            Err(error) => {
                complain(&error);
                num_failed += 1;
                continue;
            }
        };
        let Card { config, description, hash, .. } = &card;
        let (classes, place) = (&config.classes, place.to_string());
        if json {
            let row = Row { id: &id, place, bytes: size, classes, description, hash };
            writeln!(out, "{}", serde_json::to_string(&row)?)?;
        } else {
            table.row(vec![id, format!("{:.1}", size as f64 / 1e6), classes.len().to_string(), place]);
        }
    }
    if !json {
        table.print(&mut out)?;
    }
    Ok(Outcome::from_failures(num_failed))
}

fn show(model: &str, json: bool) -> Result<Outcome> {
    let card = registry().card(model)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&card)?)?;
    } else {
        crate::commands::inspect::print_card(&mut out, &card)?;
    }
    Ok(Outcome::Done)
}
