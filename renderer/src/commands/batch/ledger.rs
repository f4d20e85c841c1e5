//! [`Ledger`]: `report.jsonl`, a line for each clip as it is finished, written by any number of processes.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::Value;

use super::claim::Claim;

/// The report of a batch. A file that is published and its line come together under one lock: other processes see both
/// or neither, and after a crash the next run adds the one line that may be missing.
pub struct Ledger {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    /// Hashes of the paths that have a line: a few bytes a clip, however long the batch.
    known: HashSet<u64>,
    /// Bytes of the file that `known` tells.
    read: u64,
}

impl Ledger {
    /// Open the report of the batch in `folder`, or begin it.
    ///
    /// # Errors
    /// The folder cannot be written to, or its file system knows no locks.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("report.jsonl");
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let inner = Mutex::new(Inner { file, known: HashSet::new(), read: 0 });
        let ledger = Self { path, inner };
        ledger.locked(|_| Ok(()))?;
        Ok(ledger)
    }

    /// Let a finished file appear, and its line in the report.
    ///
    /// # Errors
    /// The file cannot be renamed, or the report not be written.
    pub fn publish(&self, claim: Claim, name: &Path, line: &str) -> Result<()> {
        self.locked(|inner| {
            claim.publish()?;
            inner.append(name, line)
        })
    }

    /// See that a file that was there already has its line, which `line` makes if it must.
    ///
    /// # Errors
    /// The report cannot be written, or `line` fails.
    pub fn adopt(&self, name: &Path, line: impl FnOnce() -> Result<String>) -> Result<()> {
        let is_known = |inner: &Inner| inner.known.contains(&hash(name));
        if is_known(&self.inner.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let line = line()?;
        self.locked(|inner| if is_known(inner) { Ok(()) } else { inner.append(name, &line) })
    }

    /// Work on the report that no one else is writing.
    fn locked(&self, work: impl FnOnce(&mut Inner) -> io::Result<()>) -> Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = inner.file.lock().and_then(|()| {
            let outcome = inner.catch_up().and_then(|()| work(&mut inner));
            inner.file.unlock().and(outcome)
        });
        outcome.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

impl Inner {
    /// Read what others wrote since, and cut off a line that was not finished.
    fn catch_up(&mut self) -> io::Result<()> {
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(self.read))?;
        self.file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        if whole < text.len() {
            self.file.set_len(self.read + whole as u64)?;
        }
        for line in text[..whole].split(|&byte| byte == b'\n') {
            let row = serde_json::from_slice::<Value>(line).ok();
            let path = row.as_ref().and_then(|row| row.get("path")?.as_str());
            self.known.extend(path.map(|path| hash(Path::new(path))));
        }
        self.read += whole as u64;
        Ok(())
    }

    fn append(&mut self, name: &Path, line: &str) -> io::Result<()> {
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.known.insert(hash(name));
        self.read += line.len() as u64 + 1;
        Ok(())
    }
}

fn hash(name: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::claim::Claimed;
    use super::*;

    fn row(name: &str) -> String {
        format!(r#"{{"path":"{name}"}}"#)
    }

    #[test]
    fn a_line_is_written_once_whoever_finds_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (Ledger::open(folder.path()).unwrap(), Ledger::open(folder.path()).unwrap());
        let path = folder.path().join("a.wav");
        let Claimed::Ours(claim) = Claim::take(&path, false).unwrap() else { panic!("not ours") };
        first.publish(claim, Path::new("a.wav"), &row("a.wav")).unwrap();
        second.adopt(Path::new("a.wav"), || Ok(row("a.wav"))).unwrap();
        second.adopt(Path::new("b.wav"), || Ok(row("b.wav"))).unwrap();
        first.adopt(Path::new("b.wav"), || Ok(row("b.wav"))).unwrap();
        let report = std::fs::read_to_string(folder.path().join("report.jsonl")).unwrap();
        assert_eq!(report, format!("{}\n{}\n", row("a.wav"), row("b.wav")));
    }

    #[test]
    fn half_a_line_is_cut_off_and_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.jsonl");
        std::fs::write(&path, format!("{}\n{{\"path\":\"b.w", row("a.wav"))).unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        ledger.adopt(Path::new("a.wav"), || panic!("it has a line")).unwrap();
        ledger.adopt(Path::new("b.wav"), || Ok(row("b.wav"))).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n{}\n", row("a.wav"), row("b.wav")));
    }
}
