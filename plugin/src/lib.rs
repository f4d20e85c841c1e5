//! Brownian as a VST3 and CLAP instrument.
//!
//! This file is wiring only: it hands the host's events and parameters to [`engine`], which knows
//! no host, and presses of `Generate` to [`generation`], which renders new sounds beside it. [`state`]
//! is what the host's project keeps of them, [`presets`] what its browser lists. Read [`engine::Engine`] next.

pub mod audition;
mod clap;
#[cfg(feature = "editor")]
mod editor;
pub mod engine;
pub mod generation;
mod host_notes;
mod params;
pub mod presets;
pub mod state;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Duration;

use nice_plug::prelude::*;
use rtrb::{Producer, RingBuffer};

use crate::engine::{Config, Engine, MAX_NOTES, Status, Tail, TimedEvent};
use crate::generation::{
    Generation, Mailbox, ModelGenerator, ORDER_CAPACITY, Order, Settings, Start, Trigger, Wishes, what_it_makes,
};
use crate::host_notes::{ended, engine_event};
use crate::params::BrownianParams;
use crate::state::{FIRST_MODEL, loading};

/// The rate of the engine before the host tells its own.
const FIRST_CONFIG: Config = Config { sample_rate: 48_000.0 };

/// How long activation waits for the sounds of a project to be unpacked.
const LOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a bounce waits for a sound to be rendered before it goes on with the old one.
const RENDER_TIMEOUT: Duration = Duration::from_secs(120);

/// The field of a saved state that holds the sounds.
const PATCH_FIELD: &str = "patch";

/// The field of a saved state that holds the window's size.
const WINDOW_FIELD: &str = "window";

/// The instrument as the host sees it: parameters, an engine, and a worker that makes its sounds.
pub struct Brownian {
    params: Arc<BrownianParams>,
    engine: Engine,
    /// The block's events; its capacity is that of the host's own queue and never grows.
    events: Vec<TimedEvent>,
    generate: Trigger,
    orders: Producer<Order>,
    buffer_config: BufferConfig,
    /// Absent where the system gave no thread: then nothing plays.
    generation: Option<Generation>,
    #[cfg(feature = "editor")]
    repaint: editor::Repaint,
}

impl Default for Brownian {
    fn default() -> Self {
        let params = Arc::new(BrownianParams::default());
        let (engine, handle) = Engine::new(FIRST_CONFIG);
        let (orders, for_worker) = RingBuffer::new(ORDER_CAPACITY);
        let start = Start {
            mailbox: params.patch.0.clone(),
            handle,
            orders: for_worker,
            wishes: ByParams::new(params.clone()),
        };
        let generation = Generation::start(start);
        let generation = generation.inspect_err(|error| nice_error!("no thread to make sounds on: {error}")).ok();
        Self {
            params,
            engine,
            events: Vec::with_capacity(Self::INPUT_EVENT_CAPACITY),
            generate: Trigger::default(),
            orders,
            buffer_config: BufferConfig {
                sample_rate: FIRST_CONFIG.sample_rate,
                min_buffer_size: None,
                max_buffer_size: 0,
                process_mode: ProcessMode::Realtime,
            },
            generation,
            #[cfg(feature = "editor")]
            repaint: editor::Repaint::default(),
        }
    }
}

/// What the worker reads off the parameters, and writes there.
struct ByParams {
    params: Arc<BrownianParams>,
    /// The model whose classes the parameters name.
    named: String,
}

impl ByParams {
    fn new(params: Arc<BrownianParams>) -> Self {
        Self { params, named: FIRST_MODEL.into() }
    }
}

impl Wishes for ByParams {
    type Generator = ModelGenerator;

    fn open(&mut self, model: &str) -> Result<ModelGenerator, String> {
        ModelGenerator::open(model)
    }

    fn model_chosen(&mut self, model: &str) {
        if self.named != model {
            self.named = model.into();
            let (classes, is_texture) = what_it_makes(model);
            self.params.generation.class_names.set(classes);
            self.params.generation.is_texture.store(is_texture, Ordering::Relaxed);
        }
    }

    fn evolve(&self) -> Option<Settings> {
        let generation = &self.params.generation;
        generation.is_evolving.value().then(|| generation.settings())
    }

    fn report(&self, message: &str) {
        nice_error!("{message}");
    }
}

impl Brownian {
    /// Takes the host's events of this block; what is beyond the capacity is lost.
    fn collect_events(&mut self, context: &mut impl ProcessContext<Self>) {
        self.events.clear();
        self.params.audition.collect(&mut self.events);
        while let Some(event) = context.next_event() {
            let frame = event.timing();
            if let Some(event) = engine_event(&event).filter(|_| self.events.len() < self.events.capacity()) {
                self.events.push(TimedEvent { frame, event });
            }
        }
    }

    /// Tells the host which notes need no more modulation. A host that does not listen loses nothing.
    fn tell_ended(&self, num_frames: usize, context: &mut impl ProcessContext<Self>) {
        let last_frame = num_frames.saturating_sub(1) as u32;
        for note in self.engine.ended_notes() {
            let _ = context.try_send_event(ended(note, last_frame));
        }
    }

    /// Asks for a sound where `Generate` goes on. Wait-free in real time; a bounce waits until the sounds are there.
    fn order_sounds(&mut self, num_frames: usize) {
        let block_s = num_frames as f64 / f64::from(self.buffer_config.sample_rate);
        let generation = &self.params.generation;
        let (is_on, was_loaded) = (generation.generate.value(), generation.take_was_loaded());
        let is_pressed = self.generate.fires(is_on, was_loaded, block_s);
        let is_offline = self.buffer_config.process_mode == ProcessMode::Offline;
        if is_offline {
            self.wait();
        }
        if is_pressed {
            // A full ring means that the worker is far behind: the press is lost, as on a button that sticks.
            let _ = self.orders.push(self.params.order());
            if is_offline {
                self.wait();
            }
        }
    }

    /// Waits until nothing is left to load or to render; not in real time.
    fn wait(&self) {
        if !self.worker().is_none_or(|worker| worker.wait_until_done(RENDER_TIMEOUT)) {
            nice_error!("the render takes longer than {} s; the old sound plays on", RENDER_TIMEOUT.as_secs());
        }
    }

    /// The way to the worker, if there is one.
    fn worker(&self) -> Option<&Mailbox> {
        self.generation.is_some().then_some(&*self.params.patch.0)
    }
}

impl Plugin for Brownian {
    const NAME: &'static str = "Brownian";
    const VENDOR: &'static str = "Brownian";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] =
        &[AudioIOLayout { main_output_channels: NonZeroU32::new(2), ..AudioIOLayout::const_default() }];
    const MIDI_INPUT: MidiConfig = MidiConfig::MidiCCs;
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    #[cfg(feature = "editor")]
    type Editor = editor::BrownianEditor;
    #[cfg(not(feature = "editor"))]
    type Editor = ();
    type SysExMessage = ();
    /// An asker for the parameters: the CLAP entry point holds nothing of an instance but nice-plug's wrapper.
    type BackgroundTask = Sender<Arc<BrownianParams>>;

    fn task_executor(&mut self) -> TaskExecutor<Self> {
        let params = self.params.clone();
        Box::new(move |asker| {
            // An asker that has gone needs none.
            let _ = asker.send(params.clone());
        })
    }

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    #[cfg(feature = "editor")]
    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        Some(editor::BrownianEditor::new(self.params.clone(), self.engine.meters(), self.repaint.notifier()))
    }

    fn activate(
        &mut self,
        _audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.buffer_config = *buffer_config;
        self.engine.prepare(Config { sample_rate: buffer_config.sample_rate });
        // The sounds of a project that was just opened are there with the first block.
        if !self.worker().is_none_or(|worker| worker.wait_until_loaded(LOAD_TIMEOUT)) {
            nice_error!("the sounds of the project are late");
        }
        true
    }

    fn reset(&mut self) {
        self.engine.reset();
    }

    fn filter_state(state: &mut PluginState) {
        prepare_state(state);
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.collect_events(context);
        self.order_sounds(buffer.samples());
        let [left, right] = buffer.as_slice() else {
            return ProcessStatus::Error("the plugin plays two channels");
        };
        let num_frames = left.len();
        let status = self.engine.process(&self.events, [left, right], &self.params.to_engine());
        self.tell_ended(num_frames, context);
        #[cfg(feature = "editor")]
        self.repaint.after_block(status.tail != Tail::Frames(0));
        // Keys that the window presses and sounds that it orders must reach a block.
        if self.params.audition.has_window() { ProcessStatus::KeepAlive } else { process_status(status) }
    }
}

/// A state that holds no readable sounds says so to the worker; what follows is told from the host's automation.
fn prepare_state(state: &mut PluginState) {
    loading::begin();
    let patch = state.fields.entry(PATCH_FIELD.into()).or_insert_with(|| "null".into());
    if serde_json::from_str::<serde::de::IgnoredAny>(patch).is_err() {
        *patch = "null".into();
    }
}

/// When the host may let the plugin sleep.
fn process_status(status: Status) -> ProcessStatus {
    match status.tail {
        Tail::Frames(0) => ProcessStatus::Normal,
        Tail::Frames(frames) => ProcessStatus::Tail(frames),
        Tail::Endless => ProcessStatus::KeepAlive,
    }
}

impl ClapPlugin for Brownian {
    const CLAP_ID: &'static str = "brownian.brownian";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("A diffusion synthesizer");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::Instrument, ClapFeature::Sampler, ClapFeature::Drum, ClapFeature::Stereo];
    const CLAP_POLY_MODULATION_CONFIG: Option<PolyModulationConfig> =
        Some(PolyModulationConfig { max_voice_capacity: MAX_NOTES as u32, supports_overlapping_voices: true });
}

impl Vst3Plugin for Brownian {
    const VST3_CLASS_ID: [u8; 16] = *b"BrownianDiffSynt";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Instrument, Vst3SubCategory::Sampler, Vst3SubCategory::Drum];
}

pub use clap::clap_entry;

nice_export_vst3!(Brownian);

#[cfg(test)]
mod tests;
