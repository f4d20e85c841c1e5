//! [`write_atomically`]: a file appears whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{AudioError, Result};

/// Write a file so that no one ever sees half of it, replacing an older one.
///
/// The bytes go to a temporary file beside `path`, to the disk, and under their name only then. A symbolic link at
/// `path` is replaced, not followed. Blocks until the disk has the bytes.
///
/// # Errors
/// The folder does not exist or cannot be written to, or the disk is full. Then nothing is left behind, and an older
/// file at `path` is untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let outcome = create_beside(path).and_then(|(temporary, file)| {
        fill(file, bytes).and_then(|()| std::fs::rename(&temporary, path)).inspect_err(|_| {
            // The first error is the one to tell; that the temporary file cannot be removed either adds nothing.
            let _ = std::fs::remove_file(&temporary);
        })
    });
    Ok(outcome.map_err(|source| failed(path, source))?)
}

/// Remove the temporary files of this program in `folder` that no living process writes any more: what a kill leaves.
///
/// A file goes only if no process of its number lives here (told on Linux; elsewhere none goes), and if no one has it
/// locked: so those of other machines that share the folder stay. What cannot be removed stays too.
pub fn clear_abandoned(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    for path in paths.filter(|path| writer(path).is_some_and(is_dead)) {
        // Who holds the lock is alive, elsewhere.
        let is_free = OpenOptions::new().write(true).open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if is_free {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// The number of the process that a temporary file names.
fn writer(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let (process, attempt) = name.strip_prefix(".brownian-")?.strip_suffix(".tmp")?.split_once('-')?;
    attempt.parse::<u32>().ok()?;
    process.parse().ok()
}

fn is_dead(process: u32) -> bool {
    let processes = Path::new("/proc");
    processes.join("self").exists() && !processes.join(process.to_string()).exists()
}

/// A new file in the folder of `path`, under a name that no one has, locked for as long as it is open. Short, as `path`'s
/// own may be of full length.
pub(super) fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut attempt = 0u32;
    loop {
        let temporary = path.with_file_name(format!(".brownian-{}-{attempt}.tmp", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
            // Others that write into this folder right now, or what a crash left.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && attempt < 10_000 => attempt += 1,
            outcome => {
                let file = outcome?;
                // Only tells `clear_abandoned` that it is in use: a file system without locks writes all the same.
                let _ = file.try_lock();
                return Ok((temporary, file));
            }
        }
    }
}

/// How many samples of the file at `path` are still to come after these.
///
/// # Errors
/// A sample that is not finite, or more of them than the `left` that were announced.
pub(super) fn left_after(path: &Path, samples: &[f32], left: usize) -> Result<usize, AudioError> {
    if let Some(idx) = samples.iter().position(|x| !x.is_finite()) {
        let object = path.display().to_string();
        return Err(AudioError::NotFinite { object, channel: 1, frame: idx, value: samples[idx] });
    }
    left.checked_sub(samples.len()).ok_or_else(|| failed(path, io::Error::other("more samples than were announced")))
}

pub(super) fn failed(path: &Path, source: io::Error) -> AudioError {
    AudioError::Io { path: path.to_owned(), action: "write", source }
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_written_and_replaced_and_nothing_else_is_left() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.wav");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(&folder), ["a.wav"]);
    }

    #[test]
    fn a_failure_names_the_file_and_leaves_nothing() {
        let folder = TempDir::new().unwrap();
        let message = write_atomically(&folder.path().join("none/a.wav"), b"x").unwrap_err().to_string();
        assert!(message.contains("a.wav: cannot write"), "{message}");
        // A folder stands where the file should go: the rename fails after the temporary file was written.
        std::fs::create_dir_all(folder.path().join("b.wav/full")).unwrap();
        assert!(write_atomically(&folder.path().join("b.wav"), b"x").is_err());
        assert_eq!(names(&folder), ["b.wav"]);
    }

    #[test]
    fn many_writers_in_one_folder_do_not_meet() {
        let folder = TempDir::new().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8u8 {
                let path = folder.path().join(format!("{writer}.wav"));
                scope.spawn(move || (0..10).for_each(|_| write_atomically(&path, &[writer; 1000]).unwrap()));
            }
        });
        assert_eq!(names(&folder).len(), 8);
        for writer in 0..8u8 {
            assert_eq!(std::fs::read(folder.path().join(format!("{writer}.wav"))).unwrap(), [writer; 1000]);
        }
    }

    /// A process that has ended, and whose number is not given again soon.
    #[cfg(target_os = "linux")]
    fn dead_process() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_what_the_dead_have_left_is_cleared() {
        let folder = TempDir::new().unwrap();
        let write = |name: String| std::fs::write(folder.path().join(name), b"half").unwrap();
        write(format!(".brownian-{}-0.tmp", dead_process()));
        // Of a living process, of a dead one whose number lives on another machine and holds the lock, and others' files.
        write(format!(".brownian-{}-0.tmp", std::process::id()));
        write(format!(".brownian-{}-7.tmp", dead_process()));
        write(".brownian-x-0.tmp".to_owned());
        write("a.wav".to_owned());
        let names_before = names(&folder).len();
        let elsewhere = names(&folder).into_iter().find(|name| name.ends_with("-7.tmp")).unwrap();
        let locked = File::open(folder.path().join(&elsewhere)).unwrap();
        locked.try_lock().unwrap();
        clear_abandoned(folder.path());
        assert_eq!(names(&folder).len(), names_before - 1, "{:?}", names(&folder));
        drop(locked);
        clear_abandoned(folder.path());
        assert!(!names(&folder).contains(&elsewhere) && names(&folder).contains(&"a.wav".to_owned()));
        clear_abandoned(&folder.path().join("none"));
    }

    #[test]
    fn a_name_of_full_length_works() {
        let folder = TempDir::new().unwrap();
        write_atomically(&folder.path().join("n".repeat(255)), b"x").unwrap();
    }
}
