//! [`Worker`]: makes the wanted sound at once and the likely ones ahead, on a thread of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use brownian_core::audio::{Clip, resample};
use brownian_core::generate::{Cancel, FileRecipe, Finish, Recipe, Request, Session};

/// Sounds that are remembered: all that was heard lately, and what is ready ahead.
const MAX_READY: usize = 64;

/// A sound, ready to be heard.
#[derive(Debug)]
pub struct Sound {
    /// What made it.
    pub recipe: Recipe,
    /// How it became what it is.
    pub finish: Finish,
    /// As its file holds it.
    pub clip: Clip,
    /// One channel at the deck's rate.
    pub samples: Arc<Vec<f32>>,
    /// Seconds that it took.
    pub render_s: f64,
}

/// What became of a request.
pub type Made = Result<Arc<Sound>, String>;

/// Owns the thread; it ends with this.
pub struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// To be made, the most wanted first.
    wanted: VecDeque<Request>,
    /// Made, the oldest first.
    ready: VecDeque<(Request, Made)>,
    /// What is being made, and how to stop it.
    busy: Option<(Request, Cancel)>,
    has_ended: bool,
}

impl Worker {
    /// Start the thread. Sounds come finished, and resampled to `rate` Hz for the deck.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(session: Session, finish: Finish, rate: u32) -> Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let theirs = shared.clone();
        let work = move || theirs.work(|request, cancel| make(&session, &finish, rate, request, cancel));
        let thread = thread::Builder::new().name("audition".into()).spawn(work).context("cannot start a thread")?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Want `now`, and after it `likely`. What was wanted before and is not ready is forgotten.
    pub fn want(&self, now: &Request, likely: Vec<Request>) {
        let mut state = self.shared.lock();
        let is_ready = |state: &State, request: &Request| state.ready.iter().any(|(made, _)| made == request);
        let wanted: VecDeque<Request> = std::iter::once(now.clone()).chain(likely).collect();
        state.wanted = wanted.into_iter().filter(|request| !is_ready(&state, request)).collect();
        if let Some((request, cancel)) = &state.busy
            && state.wanted.front() == Some(now)
            && request != now
        {
            cancel.cancel();
        }
        self.shared.changed.notify_all();
    }

    /// What became of this request, if anything yet.
    pub fn made(&self, request: &Request) -> Option<Made> {
        self.shared.lock().find(request)
    }

    /// Wait for a request that is wanted.
    pub fn wait(&self, request: &Request) -> Made {
        let mut state = self.shared.lock();
        loop {
            if let Some(made) = state.find(request) {
                return made;
            }
            if state.has_ended {
                return Err("the worker ended".into());
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.has_ended = true;
        state.busy.iter().for_each(|(_, cancel)| cancel.cancel());
        drop(state);
        self.shared.changed.notify_all();
        // It panicked or it ended: both are the end.
        self.thread.take().map(JoinHandle::join);
    }
}

impl State {
    fn find(&self, request: &Request) -> Option<Made> {
        self.ready.iter().find(|(made, _)| made == request).map(|(_, made)| made.clone())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, make: impl Fn(&Request, &Cancel) -> Result<Sound>) {
        // Who waits must hear of a panic here.
        let _end = End(self);
        while let Some((request, cancel)) = self.next() {
            let made = make(&request, &cancel).map(Arc::new).map_err(|error| format!("{error:#}"));
            let mut state = self.lock();
            state.busy = None;
            if !cancel.is_cancelled() {
                state.ready.push_back((request, made));
                if state.ready.len() > MAX_READY {
                    state.ready.pop_front();
                }
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<(Request, Cancel)> {
        let mut state = self.lock();
        while !state.has_ended {
            if let Some(request) = state.wanted.pop_front() {
                let cancel = Cancel::default();
                state.busy = Some((request.clone(), cancel.clone()));
                return Some((request, cancel));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }
}

struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.lock().has_ended = true;
        self.0.changed.notify_all();
    }
}

fn make(session: &Session, finish: &Finish, rate: u32, request: &Request, cancel: &Cancel) -> Result<Sound> {
    let rendered = session.render(request, cancel, &|_, _| ())?;
    let mut file = FileRecipe { recipe: rendered.recipe, finish: *finish };
    let clip = file.finish(&rendered.clip)?;
    let heard = resample(&clip.to_mono(), rate)?;
    let samples = Arc::new(heard.into_channels().swap_remove(0));
    let FileRecipe { recipe, finish } = file;
    Ok(Sound { recipe, finish, clip, samples, render_s: rendered.render_s })
}

#[cfg(test)]
mod tests {
    use brownian_core::generate;
    use brownian_core::model::{Registry, tiny};

    use super::*;

    fn worker() -> Worker {
        let folder = tempfile::tempdir().unwrap();
        tiny::write(&folder.path().join("tiny.safetensors"), &tiny::two_stage_card()).unwrap();
        let model = Registry::new(Some(folder.path().into())).open("tiny", &generate::device("cpu").unwrap()).unwrap();
        let session = Session::new(model.into(), 1).unwrap();
        let json = r#"{"format":"wav24","sample_rate":16000,"channels":1,"level":{"peak_dbfs":-1.0}}"#;
        Worker::new(session, serde_json::from_str(json).unwrap(), 16_000).unwrap()
    }

    fn request(seed: u64) -> Request {
        Request { seed, steps: Some(1), ..Request::default() }
    }

    #[test]
    fn what_is_wanted_is_made_and_then_what_is_likely() {
        let worker = worker();
        worker.want(&request(1), vec![request(2)]);
        assert_eq!(worker.wait(&request(1)).unwrap().recipe.seed, 1);
        assert_eq!(worker.wait(&request(2)).unwrap().samples.len(), 2048);
        assert!(worker.made(&request(1)).is_some() && worker.made(&request(3)).is_none());
    }

    #[test]
    fn a_sound_that_cannot_be_made_is_told() {
        let worker = worker();
        let bad = Request { class: Some("oboe".into()), ..request(1) };
        worker.want(&bad, vec![]);
        assert!(worker.wait(&bad).unwrap_err().contains("oboe"));
    }
}
