//! Brownian as a VST3 and CLAP instrument.
//!
//! This file is wiring only: it hands the host's events and parameters to [`engine`], which knows
//! no host. Read [`engine::Engine`] next.

pub mod clip;
pub mod engine;
mod host_notes;
mod params;

use std::sync::Arc;

use nice_plug::prelude::*;

use crate::clip::{Clip, ClipError};
use crate::engine::{Config, Engine, EngineHandle, MAX_NOTES, Place, Status, Tail, TimedEvent};
use crate::host_notes::{ended, engine_event};
use crate::params::BrownianParams;

/// The sound that this version plays, rendered by the shipped drum model.
///
/// `plugin/assets/README.md` holds the command that made it.
const EMBEDDED_CLIP: &[u8] = include_bytes!("../assets/kick.wav");

/// The key that plays [`EMBEDDED_CLIP`] as it is: middle C.
const ROOT_KEY: f32 = 60.0;

/// The instrument as the host sees it: parameters, and an engine once it is activated.
#[derive(Default)]
pub struct Brownian {
    params: Arc<BrownianParams>,
    player: Option<Player>,
}

/// What plays between activation and the end.
struct Player {
    engine: Engine,
    /// Keeps the sounds' way back open: whoever gives the engine a sound does it here.
    #[expect(dead_code, reason = "held for the way back; nothing is given after activation yet")]
    handle: EngineHandle,
    /// The block's events; its capacity is that of the host's own queue and never grows.
    events: Vec<TimedEvent>,
}

impl Player {
    /// Decodes the embedded clip and puts it on the keyboard and on the bass drum's pad. Allocates.
    fn new(config: Config) -> Result<Self, ClipError> {
        let sound = Arc::new(Clip::from_wav(EMBEDDED_CLIP)?.into_sound(ROOT_KEY)?);
        let (engine, mut handle) = Engine::new(config);
        for place in [Place::Keys, Place::Pad(0)] {
            // The ring is new: two sounds always find room.
            let _ = handle.give(place, sound.clone());
        }
        Ok(Self { engine, handle, events: Vec::with_capacity(Brownian::INPUT_EVENT_CAPACITY) })
    }

    /// Takes the host's events of this block; what is beyond the capacity is lost.
    fn collect_events(&mut self, context: &mut impl ProcessContext<Brownian>) {
        self.events.clear();
        while let Some(event) = context.next_event() {
            let frame = event.timing();
            if let Some(event) = engine_event(&event).filter(|_| self.events.len() < self.events.capacity()) {
                self.events.push(TimedEvent { frame, event });
            }
        }
    }

    /// Tells the host which notes need no more modulation. A host that does not listen loses nothing.
    fn tell_ended(&self, num_frames: usize, context: &mut impl ProcessContext<Brownian>) {
        let last_frame = num_frames.saturating_sub(1) as u32;
        for note in self.engine.ended_notes() {
            let _ = context.try_send_event(ended(note, last_frame));
        }
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

    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn activate(
        &mut self,
        _audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let config = Config { sample_rate: buffer_config.sample_rate };
        if let Some(player) = &mut self.player {
            player.engine.prepare(config);
            return true;
        }
        match Player::new(config) {
            Ok(player) => self.player = Some(player),
            Err(error) => nice_error!("the embedded clip does not load: {error}"),
        }
        self.player.is_some()
    }

    fn reset(&mut self) {
        if let Some(player) = &mut self.player {
            player.engine.reset();
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let (Some(player), [left, right]) = (&mut self.player, buffer.as_slice()) else {
            return ProcessStatus::Error("the plugin plays two channels, and only after it is activated");
        };
        player.collect_events(context);
        let num_frames = left.len();
        let status = player.engine.process(&player.events, [left, right], &self.params.to_engine());
        player.tell_ended(num_frames, context);
        process_status(status)
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

nice_export_clap!(Brownian);
nice_export_vst3!(Brownian);
