use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use rtrb::{Producer, RingBuffer};

use super::super::generator::OnStep;
use super::super::order::{Settings, Target};
use super::*;
use crate::engine::{Config, Engine};

/// Longer than anything here takes, on the slowest machine.
const LONG: Duration = Duration::from_secs(60);

/// What the fake does with a render, by its guidance.
const SLOW: f32 = 2.0;
const PANICS: f32 = 3.0;
const FAILS: f32 = 4.0;

/// A generator whose sounds are constants that tell their seed, and which tells what it did.
struct Fake {
    next_seed: u64,
    log: Sender<String>,
}

impl Generator for Fake {
    fn render(&mut self, spec: &Spec, on_step: OnStep) -> Result<Take, RenderError> {
        let Spec { seed, settings, place, .. } = spec;
        let _ = self.log.send(format!("{place:?} seed {seed} steps {}", settings.steps));
        if settings.guidance == SLOW {
            while !on_step(1, settings.steps) {
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ = self.log.send(format!("{place:?} seed {seed} stopped"));
            return Err(RenderError::Cancelled);
        }
        assert!(settings.guidance != PANICS, "the model broke");
        if settings.guidance == FAILS && settings.steps > PREVIEW_STEPS {
            return Err(RenderError::Failed("no luck".into()));
        }
        Ok(take(*seed, settings.steps))
    }

    fn fresh_seed(&mut self) -> u64 {
        self.next_seed += 1;
        self.next_seed
    }
}

/// Half a second of a level that tells the seed and whether it is a preview.
fn take(seed: u64, steps: usize) -> Take {
    let level = seed as f32 / 256.0 + if steps <= PREVIEW_STEPS { 0.5 } else { 0.0 };
    let clip = brownian_core::audio::Clip::mono(vec![level; 64], 44_100).unwrap();
    let plain = Take::from_clip(&clip, None).unwrap();
    Take::from_flac(plain.flac().into(), Some(serde_json::json!({ "seed": seed }))).unwrap()
}

/// A running worker with everything that surrounds it.
struct Bench {
    generation: Option<Generation>,
    mailbox: Arc<Mailbox>,
    orders: Producer<Order>,
    engine: Engine,
    log: Receiver<String>,
    reports: Receiver<String>,
    num_opened: Arc<AtomicUsize>,
    is_evolving: Arc<AtomicBool>,
}

struct FakeWishes {
    tell: Sender<String>,
    report: Sender<String>,
    num_opened: Arc<AtomicUsize>,
    is_evolving: Arc<AtomicBool>,
}

impl Wishes for FakeWishes {
    type Generator = Fake;

    fn open(&mut self, _model: &str) -> Result<Fake, String> {
        self.num_opened.fetch_add(1, Ordering::Relaxed);
        Ok(Fake { next_seed: 0, log: self.tell.clone() })
    }

    fn evolve(&self) -> Option<Settings> {
        self.is_evolving.load(Ordering::Relaxed).then(settings)
    }

    fn report(&self, message: &str) {
        let _ = self.report.send(message.into());
    }
}

fn bench(patch: Patch) -> Bench {
    let mailbox = Arc::new(Mailbox::new(patch));
    let (engine, handle) = Engine::new(Config { sample_rate: 44_100.0 });
    let (orders, for_worker) = RingBuffer::new(ORDER_CAPACITY);
    let ((tell, log), (report, reports)) = (channel(), channel());
    let num_opened = Arc::new(AtomicUsize::new(0));
    let is_evolving = Arc::new(AtomicBool::new(false));
    let wishes = FakeWishes { tell, report, num_opened: num_opened.clone(), is_evolving: is_evolving.clone() };
    let start = Start { mailbox: mailbox.clone(), handle, orders: for_worker, wishes };
    let generation = Generation::start(start).unwrap();
    Bench { generation: Some(generation), mailbox, orders, engine, log, reports, num_opened, is_evolving }
}

impl Bench {
    fn order(&mut self, target: Target, settings: Settings) {
        self.orders.push(Order { target, kind: Kind::Roll, settings }).unwrap();
    }

    fn finish(&self) {
        assert!(self.mailbox.wait_until_done(LONG));
    }

    fn said(&self) -> Vec<String> {
        self.log.try_iter().collect()
    }

    fn seed(&self, place: Place) -> Option<u64> {
        self.mailbox.patch().get(place).and_then(|take| take.seed())
    }

    /// Waits for the render that tells so.
    fn until(&self, said: &str) {
        while self.log.recv_timeout(LONG).unwrap() != said {}
    }

    /// The first sample that the engine plays for a note on middle C.
    fn heard(&mut self) -> f32 {
        use crate::engine::{Address, Event, Parameters, TimedEvent};
        let (mut left, mut right) = ([0.0; 32], [0.0; 32]);
        let note = Event::NoteOn { address: Address::key(60), velocity: 1.0 };
        let events = [TimedEvent { frame: 0, event: note }];
        self.engine.reset();
        self.engine.process(&events, [&mut left, &mut right], &Parameters::default());
        left[20]
    }
}

fn settings() -> Settings {
    Settings::default()
}

fn with_guidance(guidance: f32) -> Settings {
    Settings { guidance, ..settings() }
}

const KEYS: Target = Target::One(Place::Keys);

#[test]
fn a_preview_comes_before_the_sound_and_is_not_kept() {
    let mut bench = bench(Patch::default());
    bench.order(KEYS, settings());
    bench.finish();
    assert_eq!(bench.said(), ["Keys seed 1 steps 2", "Keys seed 1 steps 16"]);
    assert_eq!(bench.mailbox.patch().get(Place::Keys).unwrap().sound().samples(0)[0], 1.0 / 256.0);
    assert!((bench.heard() - 1.0 / 256.0).abs() < 1e-4);
}

#[test]
fn few_steps_need_no_preview() {
    let mut bench = bench(Patch::default());
    bench.order(KEYS, Settings { steps: 7, ..settings() });
    bench.finish();
    assert_eq!(bench.said(), ["Keys seed 1 steps 7"]);
}

#[test]
fn the_newest_order_stops_the_older_one_for_its_place() {
    let mut bench = bench(Patch::default());
    bench.order(KEYS, with_guidance(SLOW));
    bench.until("Keys seed 1 steps 2");
    bench.order(KEYS, settings());
    bench.finish();
    assert_eq!(bench.said(), ["Keys seed 1 stopped", "Keys seed 2 steps 2", "Keys seed 2 steps 16"]);
    assert_eq!(bench.seed(Place::Keys), Some(2));
}

#[test]
fn a_kit_is_rolled_pad_by_pad_but_for_the_locked_ones() {
    let mut bench = bench(Patch::default());
    bench.order(Target::Kit { locked: !0b1001 }, Settings { steps: 1, ..settings() });
    bench.finish();
    assert_eq!(bench.said(), ["Pad(0) seed 1 steps 1", "Pad(3) seed 2 steps 1"]);
    assert_eq!((bench.seed(Place::Pad(3)), bench.seed(Place::Pad(1))), (Some(2), None));
}

#[test]
fn a_locked_seed_stays_as_long_as_there_is_one() {
    let mut bench = bench(Patch::default());
    let locked = Settings { keeps_seed: true, steps: 1, ..settings() };
    for _ in 0..2 {
        bench.order(KEYS, locked);
        bench.finish();
        assert_eq!(bench.seed(Place::Keys), Some(1));
    }
    bench.order(KEYS, Settings { steps: 1, ..settings() });
    bench.finish();
    assert_eq!(bench.seed(Place::Keys), Some(2));
}

#[test]
fn a_panic_is_a_message_and_the_worker_lives_on_with_a_new_generator() {
    let mut bench = bench(Patch::default());
    bench.order(KEYS, with_guidance(PANICS));
    bench.finish();
    let message = bench.reports.try_recv().unwrap();
    assert!(message.contains("the render broke off") && message.contains("the model broke"), "{message}");
    bench.order(KEYS, settings());
    bench.finish();
    assert_eq!((bench.seed(Place::Keys), bench.num_opened.load(Ordering::Relaxed)), (Some(1), 2));
}

#[test]
fn a_failure_after_the_preview_gives_the_old_sound_back() {
    let mut bench = bench(Patch::default());
    bench.order(KEYS, settings());
    bench.finish();
    bench.order(KEYS, with_guidance(FAILS));
    bench.finish();
    assert_eq!(bench.reports.try_iter().collect::<Vec<_>>(), ["no luck"]);
    assert_eq!(bench.seed(Place::Keys), Some(1));
    assert!((bench.heard() - 1.0 / 256.0).abs() < 1e-4);
}

#[test]
fn a_loaded_state_stops_the_render_and_plays_without_one() {
    let mut saved = Patch::default();
    saved.put(Place::Keys, Some(Arc::new(take(64, 16))));
    let mut bench = bench(Patch::default());
    bench.order(KEYS, with_guidance(SLOW));
    bench.until("Keys seed 1 steps 2");
    let state = saved.to_json();
    bench.mailbox.load(state.clone());
    // What is saved before the worker has looked is the new state already.
    assert_eq!(*bench.mailbox.saved(), state);
    assert!(bench.mailbox.wait_until_loaded(LONG));
    assert_eq!(*bench.mailbox.saved(), state);
    assert_eq!(bench.said(), ["Keys seed 1 stopped"]);
    assert!((bench.heard() - 0.25).abs() < 1e-3);
}

#[test]
fn a_broken_state_gives_the_built_in_sounds_and_one_message() {
    let mut saved = Patch::default();
    saved.put(Place::Pad(9), Some(Arc::new(take(64, 16))));
    let bench = bench(saved);
    bench.mailbox.load("nonsense".into());
    bench.finish();
    assert_eq!(bench.reports.try_iter().count(), 1);
    assert_eq!(bench.mailbox.saved().to_string(), Patch::built_in().to_json().to_string());
}

#[test]
fn sounds_wait_while_the_engine_plays_nothing_and_the_newest_arrives() {
    let mut bench = bench(Patch::default());
    for seed in 1..=20 {
        let mut saved = Patch::default();
        saved.put(Place::Keys, Some(Arc::new(take(seed, 16))));
        bench.mailbox.load(saved.to_json());
        assert!(bench.mailbox.wait_until_loaded(LONG));
    }
    // The ring was full: a block makes room for what waits.
    bench.heard();
    bench.finish();
    assert!((bench.heard() - 20.0 / 256.0).abs() < 1e-3);
}

#[test]
fn two_hundred_instances_end_while_they_are_busy() {
    for round in 0..200 {
        let mut bench = bench(Patch::default());
        bench.order(Target::Kit { locked: 0 }, with_guidance(SLOW));
        // Every second one is surely in the middle of a render; the others end whenever it comes.
        if round % 2 == 0 {
            bench.until("Pad(0) seed 1 steps 2");
        }
        drop(bench.generation.take());
        // The thread is gone, and nothing that it held is left: its end of the log is closed.
        assert_eq!(Arc::strong_count(&bench.mailbox), 1);
        while bench.log.recv_timeout(LONG).is_ok() {}
        assert!(bench.orders.is_abandoned());
    }
}

#[test]
fn a_command_stops_the_render_that_it_concerns_and_no_other() {
    let mut bench = bench(Patch::default());
    bench.order(KEYS, with_guidance(SLOW));
    bench.until("Keys seed 1 steps 2");
    bench.mailbox.send(Command::Unfavour(0));
    bench.mailbox.send(Command::Undo(Target::One(Place::Pad(3))));
    let order = Order { target: KEYS, kind: Kind::Roll, settings: settings() };
    bench.mailbox.send(Command::Order(order));
    bench.finish();
    assert_eq!(bench.said(), ["Keys seed 1 stopped", "Keys seed 2 steps 2", "Keys seed 2 steps 16"]);
}

#[test]
fn what_was_cancelled_is_not_made_and_the_old_sound_stays() {
    let mut bench = bench(Patch::default());
    bench.order(KEYS, Settings { steps: 1, ..settings() });
    bench.finish();
    bench.order(Target::Kit { locked: 0 }, with_guidance(SLOW));
    bench.until("Pad(0) seed 2 steps 2");
    bench.mailbox.send(Command::Cancel);
    bench.finish();
    assert_eq!(bench.said(), ["Pad(0) seed 2 stopped"]);
    let view = bench.mailbox.view();
    assert!(view.making.is_none() && view.num_waiting == 0 && view.message.is_none());
    assert_eq!(bench.seed(Place::Keys), Some(1));
}

#[test]
fn undo_leads_back_and_a_loaded_project_can_be_undone_too() {
    let mut bench = bench(Patch::default());
    for _ in 0..3 {
        bench.order(KEYS, Settings { steps: 1, ..settings() });
        bench.finish();
    }
    bench.mailbox.send(Command::Undo(KEYS));
    bench.finish();
    assert_eq!(bench.seed(Place::Keys), Some(2));
    bench.mailbox.load((*bench.mailbox.saved()).clone());
    assert!(bench.mailbox.wait_until_loaded(LONG));
    bench.mailbox.send(Command::Undo(KEYS));
    bench.finish();
    assert_eq!(bench.seed(Place::Keys), Some(1));
    // One step sounds like a preview.
    assert!((bench.heard() - 0.5 - 1.0 / 256.0).abs() < 1e-3);
    bench.mailbox.send(Command::Redo(KEYS));
    bench.mailbox.send(Command::Redo(KEYS));
    bench.finish();
    assert_eq!(bench.seed(Place::Keys), Some(3));
}

#[test]
fn a_given_seed_is_used() {
    let mut bench = bench(Patch::default());
    bench.order(KEYS, Settings { steps: 1, seed: Some(77), ..settings() });
    bench.finish();
    assert_eq!(bench.seed(Place::Keys), Some(77));
}

#[test]
fn progress_is_told_and_whoever_listens_is_called() {
    let mut bench = bench(Patch::default());
    let num_calls = Arc::new(AtomicUsize::new(0));
    let count = num_calls.clone();
    bench.mailbox.set_listener(Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    let before = bench.mailbox.version();
    bench.order(KEYS, with_guidance(SLOW));
    bench.until("Keys seed 1 steps 2");
    while bench.mailbox.view().making.is_none() {
        std::thread::yield_now();
    }
    let making = bench.mailbox.view().making.unwrap();
    assert_eq!((making.place, making.total), (Place::Keys, 16));
    bench.mailbox.send(Command::Cancel);
    bench.finish();
    assert!(bench.mailbox.view().making.is_none());
    assert!(bench.mailbox.version() > before && num_calls.load(Ordering::Relaxed) > 1);
}

#[test]
fn evolving_notes_are_never_twice_the_same_and_end_where_they_began() {
    let mut root = Patch::default();
    root.put(Place::Keys, Some(Arc::new(take(40, 16))));
    let mut bench = bench(root);
    bench.is_evolving.store(true, Ordering::Relaxed);
    bench.finish();
    assert_eq!(bench.said(), Vec::<String>::new(), "nothing is made for a place that nobody plays");
    // The first note is the sound itself; then all that lies ready, and without new ones back and forth.
    let mut heard = vec![bench.heard()];
    for _ in 0..8 {
        bench.finish();
        heard.push(bench.heard());
    }
    assert!((heard[0] - 40.0 / 256.0).abs() < 1e-4);
    for (pair, seed) in heard.windows(2).zip(1..) {
        assert!((pair[1] - seed as f32 / 256.0).abs() < 1e-4, "{heard:?}");
    }
    // The project keeps the root.
    assert_eq!(bench.seed(Place::Keys), Some(40));
    bench.is_evolving.store(false, Ordering::Relaxed);
    bench.finish();
    bench.heard();
    assert!((bench.heard() - 40.0 / 256.0).abs() < 1e-4);
}
