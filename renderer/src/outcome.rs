//! How a command ends, and the exit code that says so.

use std::io;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done: exit code 0.
    Done,
    /// Some items failed, each named on stderr; the run went on: exit code 1.
    SomeFailed,
    /// The user asked to stop; nothing half done was left: exit code 130.
    Interrupted,
}

impl Outcome {
    /// [`Outcome::Done`] unless anything failed.
    pub fn from_failures(num_failed: usize) -> Self {
        if num_failed == 0 { Self::Done } else { Self::SomeFailed }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::SomeFailed => Self::from(1),
            Outcome::Interrupted => Self::from(130),
        }
    }
}

/// Say on stderr why nothing was done; exit code 2. A reader who closed our stdout (`brownian … | head`) is no error: 0.
pub fn refuse(error: &anyhow::Error) -> ExitCode {
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed) {
        return ExitCode::SUCCESS;
    }
    complain(error);
    ExitCode::from(2)
}

/// One line on stderr about an item that failed.
pub fn complain(error: &anyhow::Error) {
    eprintln!("brownian: {}", message(error));
}

/// The error and its causes; a cause that the message before it already tells is not told twice.
fn message(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !parts.last().is_some_and(|told| told.contains(&cause)) {
            parts.push(cause);
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cause_is_told_twice() {
        let cause = || io::Error::other("disk full");
        let error = anyhow::Error::new(cause()).context("a.wav: cannot write: disk full").context("clip 3");
        assert_eq!(message(&error), "clip 3: a.wav: cannot write: disk full");
        assert_eq!(message(&anyhow::Error::new(cause()).context("a.wav")), "a.wav: disk full");
    }
}
