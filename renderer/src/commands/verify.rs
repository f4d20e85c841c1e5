//! `brownian verify FILE…`: render a file's recipe again and compare the bytes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use brownian_core::audio::{self, Clip};
use brownian_core::generate::{Cancel, FileRecipe, Session};
use serde::Serialize;

use crate::cli::VerifyArgs;
use crate::interrupt::cancel_on_ctrl_c;
use crate::models;
use crate::outcome::{Outcome, complain};

/// How a file compares with its recipe, rendered again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
enum Verdict {
    /// Every byte is.
    Same,
    /// Every sample is; another program, or another version of this one, wrote other information beside them.
    SameSound,
    /// The first frame (from 0) that differs.
    Differs {
        /// In frames.
        first_frame: usize,
    },
    /// Rate, channels or length differ.
    OtherShape,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => write!(f, "same: every byte"),
            Self::SameSound => write!(f, "same sound: every sample; the information beside them was changed"),
            Self::Differs { first_frame } => write!(f, "DIFFERS from frame {first_frame} on"),
            Self::OtherShape => write!(f, "DIFFERS: another rate, number of channels or length"),
        }
    }
}

impl Verdict {
    fn is_same(&self) -> bool {
        matches!(self, Self::Same | Self::SameSound)
    }
}

/// The keys of `--json`.
#[derive(Debug, Serialize)]
struct Row<'a> {
    path: &'a Path,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Verify every file; one that cannot be verified is named, and the run goes on.
///
/// # Errors
/// Set-up, or stdout cannot be written.
pub fn run(args: &VerifyArgs) -> Result<Outcome> {
    let cancel = cancel_on_ctrl_c()?;
    let mut sessions = Sessions { args, open: BTreeMap::new() };
    let mut num_failed = 0;
    for path in &args.files {
        let verdict = sessions.verify(path, &cancel);
        if cancel.is_cancelled() {
            return Ok(Outcome::Interrupted);
        }
        match verdict {
            Ok(verdict) => {
                num_failed += usize::from(!verdict.is_same());
                print(&Row { path, verdict }, args.json)?;
            }
            Err(error) => {
                num_failed += 1;
                complain(&error);
            }
        }
    }
    Ok(Outcome::from_failures(num_failed))
}

fn print(row: &Row<'_>, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(row)?)?;
    } else {
        writeln!(out, "{}: {}", row.path.display(), row.verdict)?;
    }
    Ok(())
}

/// Each model is opened once.
struct Sessions<'a> {
    args: &'a VerifyArgs,
    open: BTreeMap<String, Session>,
}

impl Sessions<'_> {
    fn verify(&mut self, path: &Path, cancel: &Cancel) -> Result<Verdict> {
        let wanted = FileRecipe::read(path)?;
        if Session::is_long(&wanted.recipe) {
            return self.verify_long(path, &wanted, cancel).with_context(|| path.display().to_string());
        }
        let bytes = self.render(&wanted, cancel).with_context(|| path.display().to_string())?;
        compare(path, &bytes)
    }

    /// Through the disk, as it was made.
    fn verify_long(&mut self, path: &Path, wanted: &FileRecipe, cancel: &Cancel) -> Result<Verdict> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let again = folder.path().join("again.wav");
        let session = self.session(&wanted.recipe.model)?;
        session.check_recipe(&wanted.recipe)?;
        session.write(&wanted.recipe.request(), wanted.finish, &again, cancel, &|_, _| ())?;
        match is_same(path, &again)? {
            true => Ok(Verdict::Same),
            false => Ok(compare_clips(&audio::decode(path)?, &audio::decode(&again)?)),
        }
    }

    fn render(&mut self, wanted: &FileRecipe, cancel: &Cancel) -> Result<Vec<u8>> {
        let session = self.session(&wanted.recipe.model)?;
        session.check_recipe(&wanted.recipe)?;
        let rendered = session.render(&wanted.recipe.request(), cancel, &|_, _| ())?;
        let mut recipe = FileRecipe { recipe: rendered.recipe, finish: wanted.finish };
        let clip = recipe.finish(&rendered.clip)?;
        Ok(recipe.file(&clip)?)
    }

    fn session(&mut self, model: &str) -> Result<&Session> {
        let name = self.args.model.as_deref().unwrap_or(model);
        Ok(match self.open.entry(name.to_string()) {
            Entry::Occupied(session) => session.into_mut(),
            Entry::Vacant(place) => place.insert(models::open(name, self.args.device, self.args.threads)?),
        })
    }
}

/// Whether two files hold the same bytes; a piece of each is in memory at a time.
fn is_same(a: &Path, b: &Path) -> Result<bool> {
    let open = |path: &Path| File::open(path).map(BufReader::new).with_context(|| path.display().to_string());
    let (mut a, mut b) = (open(a)?, open(b)?);
    loop {
        let (one, other) = (a.fill_buf()?, b.fill_buf()?);
        let shared = one.len().min(other.len());
        if shared == 0 || one[..shared] != other[..shared] {
            return Ok(one.is_empty() && other.is_empty());
        }
        a.consume(shared);
        b.consume(shared);
    }
}

fn compare(path: &Path, rendered: &[u8]) -> Result<Verdict> {
    if std::fs::read(path).with_context(|| path.display().to_string())? == rendered {
        return Ok(Verdict::Same);
    }
    // Decoding takes a file: so both ways are the same way.
    let mut file = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    file.write_all(rendered).context("cannot write a temporary file")?;
    Ok(compare_clips(&audio::decode(path)?, &audio::decode(file.path())?))
}

fn compare_clips(found: &Clip, rendered: &Clip) -> Verdict {
    let shape = |clip: &Clip| (clip.sample_rate(), clip.num_channels(), clip.num_frames());
    if shape(found) != shape(rendered) {
        return Verdict::OtherShape;
    }
    let differs = |frame: &usize| found.channels().iter().zip(rendered.channels()).any(|(a, b)| a[*frame] != b[*frame]);
    let first = (0..found.num_frames()).find(differs);
    first.map_or(Verdict::SameSound, |first_frame| Verdict::Differs { first_frame })
}

#[cfg(test)]
mod tests {
    use brownian_core::audio::{WavFormat, WavInfo, wav_bytes};

    use super::*;

    fn wav(samples: &[f32], sample_rate: u32, title: &str) -> Vec<u8> {
        let clip = Clip::mono(samples.to_vec(), sample_rate).unwrap();
        wav_bytes(&clip, WavFormat::Wav24, &WavInfo { title: Some(title.into()), ..WavInfo::default() }).unwrap()
    }

    #[test]
    fn a_verdict_tells_bytes_from_sound_and_finds_the_first_frame() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        std::fs::write(&path, wav(&[0.0, 0.25, 0.5], 44_100, "a")).unwrap();
        let verdict = |rendered: &[u8]| compare(&path, rendered).unwrap();
        assert_eq!(verdict(&wav(&[0.0, 0.25, 0.5], 44_100, "a")), Verdict::Same);
        assert_eq!(verdict(&wav(&[0.0, 0.25, 0.5], 44_100, "b")), Verdict::SameSound);
        assert_eq!(verdict(&wav(&[0.0, 0.25, 0.75], 44_100, "a")), Verdict::Differs { first_frame: 2 });
        assert_eq!(verdict(&wav(&[0.0, 0.25], 44_100, "a")), Verdict::OtherShape);
        assert_eq!(verdict(&wav(&[0.0, 0.25, 0.5], 48_000, "a")), Verdict::OtherShape);
    }
}
