//! `manifest.csv`: which sounds, of which class, where folders do not say it.

use super::layout::{Part, Source};
use crate::error::{DatasetError, Result};
use std::path::{Path, PathBuf};

/// A manifest's file name, looked for at the root.
pub(super) const FILE_NAME: &str = "manifest.csv";

#[derive(serde::Deserialize)]
struct Row {
    path: PathBuf,
    class: String,
    #[serde(default)]
    pitch: Option<f32>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    part: Option<Part>,
}

/// Every row as a source, sorted by path. Columns beyond the five (a licence, say) are left alone.
pub(super) fn read(path: &Path) -> Result<Vec<Source>> {
    let fail = |problem: String| DatasetError::Manifest { path: path.to_owned(), problem };
    let reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path);
    let mut sources = Vec::new();
    for (i, row) in reader.map_err(|e| fail(e.to_string()))?.into_deserialize::<Row>().enumerate() {
        let row = row.map_err(|e| fail(e.to_string()))?;
        // Row 1 follows the header.
        check(&row).map_err(|problem| fail(format!("row {}: {problem}", i + 1)))?;
        sources.push(Source { path: row.path, class: row.class, pitch: row.pitch, group: row.group, part: row.part });
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn check(row: &Row) -> Result<(), String> {
    if row.path.as_os_str().is_empty() {
        return Err("the path is empty".into());
    }
    if row.class.is_empty() {
        return Err(format!("{} has no class", row.path.display()));
    }
    match row.pitch {
        Some(pitch) if !(0.0..=127.0).contains(&pitch) => Err(format!("pitch {pitch} is no MIDI note (0 to 127)")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Source>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn pitch_and_group_may_be_empty_or_absent() {
        let rows = read_text("path,class,pitch,group\nb.wav,kick,,\na.wav, snare ,60.5,kit 1\n").unwrap();
        assert_eq!(
            (rows[0].class.as_str(), rows[0].pitch, rows[0].group.as_deref()),
            ("snare", Some(60.5), Some("kit 1"))
        );
        assert_eq!((rows[1].class.as_str(), rows[1].pitch, rows[1].group.as_deref()), ("kick", None, None));
        assert_eq!(read_text("class,path,licence\nkick,a.wav,CC0\n").unwrap()[0].pitch, None);
    }

    #[test]
    fn a_part_is_told_or_left_to_chance() {
        let rows = read_text("path,class,part\na.wav,kick,train\nb.wav,kick, held-out\nc.wav,kick,\n").unwrap();
        let parts: Vec<_> = rows.iter().map(|row| row.part).collect();
        assert_eq!(parts, [Some(Part::Train), Some(Part::HeldOut), None]);
        let message = read_text("path,class,part\na.wav,kick,test\n").unwrap_err().to_string();
        assert!(message.contains("line: 2") && message.contains("`train` or `held-out`"), "{message}");
    }

    #[test]
    fn a_bad_row_is_named_by_its_number() {
        let message = |text| read_text(text).unwrap_err().to_string();
        assert!(message("path,class\na.wav,kick\nb.wav,\n").contains("row 2: b.wav has no class"));
        assert!(message("path,class,pitch\na.wav,kick,200\n").contains("row 1: pitch 200"));
        assert!(message("path,class,pitch\na.wav,kick,NaN\n").contains("row 1: pitch NaN"));
        assert!(message("path,class,pitch\na.wav,kick,high\n").contains("line: 2"));
        assert!(message("file,class\na.wav,kick\n").contains("path"));
    }
}
