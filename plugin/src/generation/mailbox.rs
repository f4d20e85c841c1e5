//! [`Mailbox`]: what host, plugin and window tell the worker, and what they get from it.

use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::command::{Command, View};
use crate::engine::Place;
use crate::state::Patch;

/// Shared by the host's threads and the worker. Every lock is held for a few instructions only: nothing is encoded,
/// decoded or rendered under it. Not for the audio thread in real time.
pub struct Mailbox {
    letters: Mutex<Letters>,
    /// Wakes the worker.
    work: Condvar,
    /// Wakes who waits for the worker.
    answer: Condvar,
    /// That of the view, to be read without the lock.
    version: AtomicU64,
    listener: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Debug)]
struct Letters {
    is_closing: bool,
    /// A state that the host has loaded and that the worker has not yet unpacked.
    pending: Option<Arc<Value>>,
    commands: VecDeque<Command>,
    /// The finished sounds, and what becomes of the next ones.
    view: View,
    /// How often someone asked whether all is done, and up to which of these questions it was.
    asked: u64,
    answered: u64,
    /// Whether the sounds of the patch were sent to the engine.
    is_shown: bool,
}

impl Mailbox {
    /// A mailbox whose sounds are those of `patch`.
    pub fn new(patch: Patch) -> Self {
        let letters = Letters {
            is_closing: false,
            pending: None,
            commands: VecDeque::new(),
            view: View { patch, ..View::default() },
            asked: 0,
            answered: 0,
            is_shown: false,
        };
        Self {
            letters: Mutex::new(letters),
            work: Condvar::new(),
            answer: Condvar::new(),
            version: AtomicU64::new(0),
            listener: OnceLock::new(),
        }
    }

    /// The state as the host stores it: the last one loaded, else the finished sounds.
    pub fn saved(&self) -> Arc<Value> {
        let letters = self.lock();
        if let Some(pending) = &letters.pending {
            return pending.clone();
        }
        let patch = letters.view.patch.clone();
        drop(letters);
        Arc::new(patch.to_json())
    }

    /// A state from the host. The worker stops what it renders and unpacks it.
    pub fn load(&self, state: Value) {
        let state = Arc::new(state);
        let mut letters = self.lock();
        // Whatever was asked for before was for other sounds.
        let commands = std::mem::take(&mut letters.commands);
        let old = letters.pending.replace(state);
        drop(letters);
        drop((old, commands));
        self.work.notify_all();
    }

    /// Asks the worker for something. Commands are obeyed in their order; those that concern a place stop what is
    /// being rendered for it.
    pub fn send(&self, command: Command) {
        self.lock().commands.push_back(command);
        self.work.notify_all();
    }

    /// What there is to show.
    pub fn view(&self) -> View {
        self.lock().view.clone()
    }

    /// The version of the view: one atomic load, to see whether it has changed.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Calls `listener` after every change of the view, on the worker's thread. Only the first one is kept.
    pub fn set_listener(&self, listener: Box<dyn Fn() + Send + Sync>) {
        let _ = self.listener.set(listener);
    }

    /// Waits until nothing is left to load or to render; false if that takes longer than `timeout`.
    pub fn wait_until_done(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut letters = self.lock();
        letters.asked += 1;
        let question = letters.asked;
        self.work.notify_all();
        while letters.answered < question {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || letters.is_closing {
                return false;
            }
            letters = self.answer.wait_timeout(letters, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Waits until the last state loaded is unpacked and on its way to the engine; false if that takes longer than
    /// `timeout`. Waits for no render.
    pub fn wait_until_loaded(&self, timeout: Duration) -> bool {
        let letters = self.lock();
        let waiting = |letters: &mut Letters| !letters.is_shown || letters.pending.is_some();
        let result = self.answer.wait_timeout_while(letters, timeout, waiting);
        !result.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// The finished sounds.
    pub fn patch(&self) -> Patch {
        self.lock().view.patch.clone()
    }

    /// Tells the worker to end.
    pub(super) fn close(&self) {
        self.lock().is_closing = true;
        self.work.notify_all();
        self.answer.notify_all();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.lock().is_closing
    }

    pub(super) fn pending(&self) -> Option<Arc<Value>> {
        self.lock().pending.clone()
    }

    /// The next command.
    pub(super) fn command(&self) -> Option<Command> {
        self.lock().commands.pop_front()
    }

    /// Whether what is being rendered for `place` is of no use any more.
    pub(super) fn is_interrupted(&self, place: Place) -> bool {
        let letters = self.lock();
        letters.is_closing || letters.pending.is_some() || letters.commands.iter().any(|c| c.concerns(place))
    }

    /// Whether anything has come at all: for work that nobody waits for.
    pub(super) fn is_wanted(&self) -> bool {
        let letters = self.lock();
        letters.is_closing || letters.pending.is_some() || !letters.commands.is_empty()
    }

    /// Puts `patch` in place of the state it was unpacked from, unless a newer one has come. Returns whether it did.
    pub(super) fn finish_load(&self, state: &Arc<Value>, patch: &Patch) -> bool {
        let mut letters = self.lock();
        let is_newest = letters.pending.as_ref().is_some_and(|pending| Arc::ptr_eq(pending, state));
        if is_newest {
            letters.pending = None;
            letters.view.patch = patch.clone();
            letters.is_shown = false;
            self.changed(letters);
        }
        is_newest
    }

    /// The sounds of the patch have been sent to the engine.
    pub(super) fn tell_shown(&self) {
        self.lock().is_shown = true;
        self.answer.notify_all();
    }

    /// Changes what is shown.
    pub(super) fn show(&self, change: impl FnOnce(&mut View)) {
        let mut letters = self.lock();
        change(&mut letters.view);
        self.changed(letters);
    }

    /// The number of the newest question; what is found after it answers it.
    pub(super) fn question(&self) -> u64 {
        self.lock().asked
    }

    /// The worker found nothing to do since `question`: answers it and sleeps for `duration` or until there is news.
    pub(super) fn rest(&self, question: u64, duration: Duration) {
        let mut letters = self.lock();
        letters.answered = question;
        self.answer.notify_all();
        let has_news = letters.is_closing || letters.pending.is_some() || !letters.commands.is_empty();
        if !has_news && letters.asked == question {
            drop(self.work.wait_timeout(letters, duration).unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn changed(&self, mut letters: MutexGuard<'_, Letters>) {
        letters.view.version += 1;
        self.version.store(letters.view.version, Ordering::Release);
        drop(letters);
        if let Some(listener) = self.listener.get() {
            listener();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        // No code under the lock can leave it half written.
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for Mailbox {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("letters", &self.letters).finish_non_exhaustive()
    }
}
