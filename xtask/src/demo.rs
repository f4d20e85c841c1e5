//! `cargo xtask demo`: eight drum hits from a clean clone.

use anyhow::{Context, Result};

use crate::process::{output_of, run, target_dir};
use crate::system;

/// What is rendered: a class of the `drums` model, and the seed that says which of its sounds.
const HITS: [(&str, u64); 8] =
    [("kick", 1), ("snare", 2), ("rim", 3), ("clap", 4), ("closed-hat", 5), ("open-hat", 6), ("tom", 7), ("crash", 8)];

/// Installs what is missing, builds `brownian` and renders [`HITS`] into `demo/`.
///
/// # Errors
/// Something could not be installed, built or rendered.
pub fn render_hits(install: bool) -> Result<()> {
    system::ensure_packages(install)?;
    run("cargo", &["build", "--release", "--package", "brownian"])?;
    let brownian = target_dir().join("release/brownian");
    let brownian = brownian.to_str().context("the target folder's path is no UTF-8")?;
    let tables = HITS.iter().map(|&(class, seed)| {
        let seed = seed.to_string();
        output_of(brownian, &["render", "drums", "--class", class, "--seed", &seed, "--out", "demo", "--force"])
    });
    let tables: Vec<String> = tables.collect::<Result<_>>()?;
    print!("{}", join(&tables));
    Ok(())
}

/// One table out of several that have the same headings.
fn join(tables: &[String]) -> String {
    let headings = tables.iter().take(1).flat_map(|table| table.lines().take(1));
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    let rows: Vec<Vec<&str>> = headings.chain(rows).map(cells).collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell: &&str| cell.chars().count()).max();
    let widths: Vec<usize> = (0..).map_while(width).collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

/// Two spaces or more divide the cells of a row.
fn cells(row: &str) -> Vec<&str> {
    row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// Names to the left, numbers to the right.
fn line(row: &[&str], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, &width))| match column {
        0 => format!("{cell:<width$}"),
        _ => format!("{cell:>width$}"),
    });
    cells.collect::<Vec<_>>().join("  ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_with_the_same_headings_become_one() {
        let tables = ["file    ms\nkick.wav  9\n".to_string(), "file   ms\ntom.wav  120\n".to_string()];
        assert_eq!(join(&tables), "file       ms\nkick.wav    9\ntom.wav   120\n");
    }

    #[test]
    fn no_two_hits_are_of_one_class_or_seed() {
        for (i, left) in HITS.iter().enumerate() {
            assert!(HITS[i + 1..].iter().all(|right| left.0 != right.0 && left.1 != right.1));
        }
    }
}
