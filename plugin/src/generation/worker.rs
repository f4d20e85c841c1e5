//! [`Generation`]: the worker's thread, from its start to its end.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rtrb::Consumer;
use serde_json::Value;

use super::generator::{Generator, RenderError, Spec};
use super::mailbox::Mailbox;
use super::order::Order;
use super::queue::{Job, Queue};
use crate::engine::{EngineHandle, Place, Sound};
use crate::state::{NUM_PLACES, Patch, Take, index_of, place_at};

/// Room for orders that the worker has not seen yet.
pub const ORDER_CAPACITY: usize = 64;

/// How often an idle worker looks for orders: the audio thread must not wake it.
const POLL: Duration = Duration::from_millis(20);

/// Steps of the render that is heard while the full one is under way.
const PREVIEW_STEPS: usize = 2;

/// The running worker. Dropping it stops what it renders within one step and joins the thread.
#[derive(Debug)]
pub struct Generation {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
}

impl Generation {
    /// Starts a worker that gives the engine the sounds of the mailbox, then whatever `orders` ask for.
    ///
    /// `open` makes the generator, with the first order and again after a failure; `report` takes messages for the
    /// user. Both run on the worker's thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start<G: Generator + 'static>(
        mailbox: Arc<Mailbox>,
        handle: EngineHandle,
        orders: Consumer<Order>,
        open: impl FnMut() -> Result<G, String> + Send + 'static,
        report: impl Fn(&str) + Send + 'static,
    ) -> io::Result<Self> {
        let inbox = Mutex::new(Inbox { orders, queue: Queue::default() });
        let for_thread = mailbox.clone();
        let work = move || {
            let outbox = Outbox { handle, waiting: [const { None }; NUM_PLACES] };
            let patch = for_thread.patch();
            Worker { mailbox: for_thread, inbox, outbox, patch, generator: None, open, report }.run();
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
struct Inbox {
    orders: Consumer<Order>,
    queue: Queue,
}

impl Inbox {
    fn drain(&mut self) -> &mut Queue {
        while let Ok(order) = self.orders.pop() {
            self.queue.push(order);
        }
        &mut self.queue
    }
}

/// Sounds on their way to the engine: the newest of each place, where the inner `None` takes the sound away.
struct Outbox {
    handle: EngineHandle,
    waiting: [Option<Option<Arc<Sound>>>; NUM_PLACES],
}

impl Outbox {
    fn put(&mut self, index: usize, sound: Option<Arc<Sound>>) {
        self.waiting[index] = Some(sound);
        self.flush();
    }

    /// Sends what the ring has room for; the rest waits for the engine to play a block.
    fn flush(&mut self) {
        self.handle.collect();
        for (index, waiting) in self.waiting.iter_mut().enumerate() {
            *waiting = match waiting.take() {
                Some(Some(sound)) => self.handle.give(place_at(index), sound).err().map(Some),
                Some(None) => (!self.handle.remove(place_at(index))).then_some(None),
                None => None,
            };
        }
    }
}

struct Worker<G, O, R> {
    mailbox: Arc<Mailbox>,
    inbox: Mutex<Inbox>,
    outbox: Outbox,
    /// The finished sounds, as the mailbox has them.
    patch: Patch,
    generator: Option<G>,
    open: O,
    report: R,
}

impl<G: Generator, O: FnMut() -> Result<G, String>, R: Fn(&str)> Worker<G, O, R> {
    fn run(mut self) {
        self.show_all();
        while !self.mailbox.is_closing() {
            let question = self.mailbox.question();
            self.outbox.flush();
            if let Some(state) = self.mailbox.pending() {
                self.load(&state);
                continue;
            }
            let job = lock(&self.inbox).drain().pop();
            match job {
                Some(job) => self.make(&job),
                None => self.mailbox.rest(question, POLL),
            }
        }
    }

    /// Unpacks a state; one that cannot be read gives the built-in sounds and one message.
    fn load(&mut self, state: &Arc<Value>) {
        lock(&self.inbox).drain().clear();
        let patch = Patch::from_json(state).unwrap_or_else(|error| {
            (self.report)(&error.to_string());
            Patch::built_in()
        });
        if self.mailbox.finish_load(state, &patch) {
            self.patch = patch;
            self.show_all();
        }
    }

    /// A preview, then the sound itself; what fails leaves the old sound in place.
    fn make(&mut self, job: &Job) {
        match catch_unwind(AssertUnwindSafe(|| self.try_make(job))) {
            Ok(Ok(take)) => self.finish(job.place, take),
            Ok(Err(RenderError::Cancelled)) => self.show(job.place),
            Ok(Err(RenderError::Failed(message))) => self.fail(job.place, &message),
            Err(panic) => self.fail(job.place, &format!("the render broke off: {}", panic_message(&*panic))),
        }
    }

    fn try_make(&mut self, job: &Job) -> Result<Take, RenderError> {
        let mut generator = match self.generator.take() {
            Some(generator) => generator,
            None => (self.open)().map_err(RenderError::Failed)?,
        };
        let kept = self.patch.get(job.place).and_then(|take| take.seed()).filter(|_| job.settings.keeps_seed);
        let seed = kept.unwrap_or_else(|| generator.fresh_seed());
        let spec = Spec { place: job.place, seed, settings: job.settings };
        let result = self.render_both(&mut generator, &spec);
        // Not reached after a panic: a generator that panicked may be half done, and is opened anew.
        self.generator = Some(generator);
        result
    }

    fn render_both(&mut self, generator: &mut G, spec: &Spec) -> Result<Take, RenderError> {
        let (mailbox, inbox) = (&self.mailbox, &self.inbox);
        let should_stop = || mailbox.is_interrupted() || lock(inbox).drain().holds(spec.place);
        if spec.settings.steps > PREVIEW_STEPS {
            let mut preview = *spec;
            preview.settings.steps = PREVIEW_STEPS;
            let take = generator.render(&preview, &should_stop)?;
            self.outbox.put(index_of(spec.place), Some(take.sound()));
        }
        generator.render(spec, &should_stop)
    }

    fn finish(&mut self, place: Place, take: Take) {
        self.patch.put(place, Some(Arc::new(take)));
        self.mailbox.keep(&self.patch);
        self.show(place);
    }

    fn fail(&mut self, place: Place, message: &str) {
        (self.report)(message);
        self.show(place);
    }

    fn show_all(&mut self) {
        (0..NUM_PLACES).for_each(|index| self.show(place_at(index)));
        self.mailbox.tell_shown();
    }

    /// Gives the engine the finished sound of `place`.
    fn show(&mut self, place: Place) {
        self.outbox.put(index_of(place), self.patch.get(place).map(|take| take.sound()));
    }
}

fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    // Orders are plain values: a panic leaves none of them half written.
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
