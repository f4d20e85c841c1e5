//! [`Generation`]: the worker's thread, from its start to its end.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rtrb::Consumer;
use serde_json::Value;

use super::command::{Command, Making};
use super::evolve::Evolution;
use super::generator::{Generator, RenderError, Source, Spec};
use super::mailbox::Mailbox;
use super::order::{Kind, Order, Settings};
use super::outbox::Outbox;
use super::priority;
use super::queue::{Job, Queue};
use crate::engine::{EngineHandle, Place};
use crate::state::{NUM_PLACES, Patch, Take, index_of, place_at};

/// Room for orders that the worker has not seen yet.
pub const ORDER_CAPACITY: usize = 64;

/// How often an idle worker looks for orders: the audio thread must not wake it.
const POLL: Duration = Duration::from_millis(20);

/// Steps of the render that is heard while the full one is under way.
const PREVIEW_STEPS: usize = 2;
/// A sound of fewer steps is there nearly as soon as a preview of it would be, and sounds better.
const PREVIEWED_STEPS: usize = 8;

/// The running worker. Dropping it stops what it renders within one step and joins the thread.
#[derive(Debug)]
pub struct Generation {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
}

/// What a worker needs.
pub struct Start<W> {
    /// Where it is told what to do, and what it has made.
    pub mailbox: Arc<Mailbox>,
    /// The way to the engine.
    pub handle: EngineHandle,
    /// The orders of the audio thread.
    pub orders: Consumer<Order>,
    /// Everything else that it asks of its surroundings.
    pub wishes: W,
}

/// What the worker asks of its surroundings, on its own thread.
pub trait Wishes {
    /// The generator that it needs.
    type Generator: Generator;

    /// Makes the generator of the model with this id: with the first order, when the model changes, and after a panic.
    ///
    /// # Errors
    /// Why there is none.
    fn open(&mut self, model: &str) -> Result<Self::Generator, String>;

    /// New sounds come from the model with this id from now on, which need not be opened yet.
    fn model_chosen(&mut self, _model: &str) {}

    /// How sounds shall evolve from note to note, if at all.
    fn evolve(&self) -> Option<Settings>;

    /// Takes a message for the user's log.
    fn report(&self, message: &str);
}

impl Generation {
    /// Starts a worker that gives the engine the sounds of the mailbox, then whatever it is asked for.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start<W: Wishes + Send + 'static>(start: Start<W>) -> io::Result<Self> {
        let Start { mailbox, handle, orders, wishes } = start;
        let for_thread = mailbox.clone();
        let inbox = Mutex::new(Inbox { orders, queue: Queue::default() });
        let work = move || {
            priority::lower();
            let (outbox, patch) = (Outbox::new(handle), for_thread.patch());
            let evolution = Evolution::default();
            Worker { mailbox: for_thread, inbox, outbox, patch, generator: None, wishes, evolution }.run();
        };
        let thread = Builder::new().name("brownian-worker".into()).spawn(work)?;
        Ok(Self { mailbox, thread: Some(thread) })
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        self.mailbox.close();
        if let Some(thread) = self.thread.take() {
            // An error would be a panic of the worker itself, which has been reported by then.
            let _ = thread.join();
        }
    }
}

/// Orders on their way to the worker; also looked at between the steps of a render.
pub(super) struct Inbox {
    orders: Consumer<Order>,
    queue: Queue,
}

impl Inbox {
    pub(super) fn drain(&mut self) -> &mut Queue {
        while let Ok(order) = self.orders.pop() {
            self.queue.push(order);
        }
        &mut self.queue
    }
}

pub(super) struct Worker<G, W> {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) inbox: Mutex<Inbox>,
    pub(super) outbox: Outbox,
    /// The finished sounds, as the mailbox has them.
    pub(super) patch: Patch,
    /// The generator and the id of its model.
    pub(super) generator: Option<(String, G)>,
    pub(super) wishes: W,
    pub(super) evolution: Evolution,
}

impl<G: Generator, W: Wishes<Generator = G>> Worker<G, W> {
    fn run(mut self) {
        self.show_all();
        while !self.mailbox.is_closing() {
            let question = self.mailbox.question();
            self.outbox.flush();
            let next_job = |inbox| lock(inbox).drain().pop();
            if let Some(state) = self.mailbox.pending() {
                self.load(&state);
            } else if let Some(command) = self.mailbox.command() {
                self.obey(command);
            } else if let Some(job) = next_job(&self.inbox) {
                self.make(&job);
            } else if !self.guarded_evolve() {
                self.mailbox.rest(question, POLL);
            }
        }
    }

    /// Unpacks a state; one that cannot be read gives the built-in sounds and one message.
    fn load(&mut self, state: &Arc<Value>) {
        lock(&self.inbox).drain().clear();
        let read = Patch::from_json(state);
        let message = read.as_ref().err().map(ToString::to_string);
        let patch = read.unwrap_or_else(|_| Patch::built_in());
        self.wishes.model_chosen(patch.model());
        if self.mailbox.finish_load(state, &patch) {
            self.patch = patch;
            self.evolution = Evolution::default();
            self.show_all();
            if let Some(message) = message {
                self.tell(&message);
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Order(order) => lock(&self.inbox).drain().push(order),
            Command::Undo(target) => self.turn(target.places(), Patch::undo),
            Command::Redo(target) => self.turn(target.places(), Patch::redo),
            Command::Recall { place, take } => self.turn([place], |patch, place| patch.recall(place, &take)),
            Command::Favour(take) => self.change(|patch| patch.favour(take)),
            Command::Unfavour(index) => self.change(|patch| patch.unfavour(index)),
            Command::Slot { slot, place } => self.change(|patch| patch.set_slot(slot, place)),
            Command::Model(id) => {
                self.wishes.model_chosen(&id);
                self.change(|patch| patch.set_model(id));
            }
            Command::Open { place, path } => match Take::open(&path) {
                Ok(take) => self.finish(place, take),
                Err(message) => self.tell(&message),
            },
            Command::Cancel => lock(&self.inbox).drain().clear(),
        }
        self.tell_waiting();
    }

    /// Changes which sounds lie at `places`, and drops what was still to be made for them.
    fn turn(&mut self, places: impl IntoIterator<Item = Place>, change: impl Fn(&mut Patch, Place) -> bool) {
        for place in places {
            lock(&self.inbox).drain().forget(place);
            if change(&mut self.patch, place) {
                self.show(place);
            }
        }
        self.change(|_| ());
    }

    /// Changes the patch, and tells so.
    fn change(&mut self, change: impl FnOnce(&mut Patch)) {
        change(&mut self.patch);
        self.mailbox.show(|view| view.patch = self.patch.clone());
    }

    /// A preview, then the sound itself; what fails leaves the old sound in place.
    fn make(&mut self, job: &Job) {
        self.tell_waiting();
        let result = catch_unwind(AssertUnwindSafe(|| self.try_make(job)));
        self.mailbox.show(|view| view.making = None);
        match result {
            Ok(Ok(take)) => self.finish(job.place, take),
            Ok(Err(RenderError::Cancelled)) => self.show(job.place),
            Ok(Err(RenderError::Failed(message))) => self.fail(job.place, &message),
            Err(panic) => self.fail(job.place, &broke_off(&*panic)),
        }
    }

    /// Evolving is nobody's order: what breaks there is told like the rest.
    fn guarded_evolve(&mut self) -> bool {
        match catch_unwind(AssertUnwindSafe(|| self.evolve())) {
            Ok(is_busy) => is_busy,
            Err(panic) => {
                self.tell(&broke_off(&*panic));
                false
            }
        }
    }

    fn try_make(&mut self, job: &Job) -> Result<Take, RenderError> {
        let mut generator = self.generator_for(job.kind, job.place)?;
        let source = self.source(job);
        let seed = job.settings.seed.or_else(|| self.kept_seed(job)).unwrap_or_else(|| generator.1.fresh_seed());
        let result = source.and_then(|source| {
            let spec = Spec { place: job.place, source, seed, settings: job.settings };
            self.render_both(&mut generator.1, &spec)
        });
        // Not reached after a panic: a generator that panicked may be half done, and is opened anew.
        self.generator = Some(generator);
        result
    }

    /// The seed that lies there, if it is to stay. A variation's own seed is always a new one.
    fn kept_seed(&self, job: &Job) -> Option<u64> {
        let stays = job.settings.keeps_seed && job.kind == Kind::Roll;
        self.patch.get(job.place).filter(|_| stays).and_then(|take| take.seed())
    }

    fn source(&self, job: &Job) -> Result<Source, RenderError> {
        let missing = |what: &str| RenderError::Failed(format!("{what}; roll one first"));
        match job.kind {
            Kind::Roll => Ok(Source::Fresh),
            Kind::Vary => {
                let near = self.patch.get(job.place).cloned();
                near.map(Source::Near).ok_or_else(|| missing("there is no sound to vary"))
            }
            Kind::Morph => match self.patch.slots() {
                [Some(a), Some(b)] => Ok(Source::Between(a.clone(), b.clone())),
                _ => {
                    Err(RenderError::Failed("a morph needs a sound in both of its slots; put one into A and B".into()))
                }
            },
        }
    }

    /// The generator of the model that a job needs: the chosen one, or that of the sound that it starts from.
    pub(super) fn generator_for(&mut self, kind: Kind, place: Place) -> Result<(String, G), RenderError> {
        let start = match kind {
            Kind::Roll => None,
            Kind::Vary => self.patch.get(place),
            Kind::Morph => self.patch.slots()[0].as_ref(),
        };
        let model = start.and_then(|take| take.model()).unwrap_or(self.patch.model()).to_owned();
        match self.generator.take().filter(|(id, _)| *id == model) {
            Some(generator) => Ok(generator),
            None => {
                let generator = self.wishes.open(&model).map_err(RenderError::Failed)?;
                Ok((model, generator))
            }
        }
    }

    fn render_both(&mut self, generator: &mut G, spec: &Spec) -> Result<Take, RenderError> {
        let (mailbox, inbox, place) = (&self.mailbox, &self.inbox, spec.place);
        let should_stop = || mailbox.is_interrupted(place) || lock(inbox).drain().holds(place);
        let num_steps = generator.num_steps(&spec.settings);
        let mut making = Making { place, done: 0, total: num_steps, preview: None };
        mailbox.show(|view| view.making = Some(making.clone()));
        if num_steps >= PREVIEWED_STEPS {
            let mut preview = spec.clone();
            preview.settings.steps = PREVIEW_STEPS;
            let take = generator.render(&preview, &|_, _| should_stop())?;
            self.outbox.put(place, Some(take.sound()));
            making.preview = Some(Arc::new(take));
        }
        generator.render(spec, &|done, total| {
            mailbox.show(|view| view.making = Some(Making { done, total, ..making.clone() }));
            should_stop()
        })
    }

    fn finish(&mut self, place: Place, take: Take) {
        self.patch.put(place, Some(Arc::new(take)));
        self.mailbox.show(|view| {
            view.patch = self.patch.clone();
            view.message = None;
        });
        self.show(place);
    }

    fn fail(&mut self, place: Place, message: &str) {
        self.tell(message);
        self.show(place);
    }

    /// A message for the user.
    pub(super) fn tell(&mut self, message: &str) {
        self.wishes.report(message);
        self.mailbox.show(|view| view.message = Some(message.to_owned()));
    }

    fn tell_waiting(&mut self) {
        let num_waiting = lock(&self.inbox).drain().len();
        self.mailbox.show(|view| view.num_waiting = num_waiting);
    }

    fn show_all(&mut self) {
        (0..NUM_PLACES).for_each(|index| self.show(place_at(index)));
        self.mailbox.tell_shown();
    }

    /// Gives the engine the finished sound of `place`.
    pub(super) fn show(&mut self, place: Place) {
        self.evolution.forget(index_of(place));
        self.outbox.put(place, self.patch.get(place).map(|take| take.sound()));
    }
}

pub(super) fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    // Orders are plain values: a panic leaves none of them half written.
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

fn broke_off(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words");
    format!("the render broke off: {text}")
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
