//! The engine itself: events and parameters in, two channels out.

use std::sync::Arc;

use super::channels::{Channel, Channels};
use super::events::{Address, Event, TimedEvent};
use super::hand_over::{EngineHandle, Library, Place, hand_over};
use super::held_keys::HeldKey;
use super::interpolate::SincTables;
use super::keys::Keys;
use super::kit;
use super::meters::{Meters, Position};
use super::mixer::Mixer;
use super::parameters::{Mode, Parameters};
use super::voice::{Context, Voice};
use super::voices::{EndedNote, Voices};

/// What the engine must know before it can play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Rate of the output in Hz.
    pub sample_rate: f32,
}

/// How long sound goes on if nothing more is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// At most this many frames; 0 is silence now.
    Frames(u32),
    /// A held note or a loop has no end.
    Endless,
}

/// What a block left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Whether every sample of the block is 0: with [`Tail::Frames`] of 0 the host may sleep.
    pub is_silent: bool,
    /// What would follow.
    pub tail: Tail,
}

/// A polyphonic sampler of 32 notes. Belongs to the audio thread.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use brownian_plugin::engine::{Address, Config, Engine, Event, Parameters, Place, Sound, TimedEvent};
///
/// let (mut engine, mut handle) = Engine::new(Config { sample_rate: 48_000.0 });
/// let sound = Sound::new(&[vec![0.5; 4800]], 48_000.0, 60.0, None).unwrap();
/// handle.give(Place::Keys, Arc::new(sound)).unwrap();
///
/// let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
/// let note = Event::NoteOn { address: Address::key(60), velocity: 1.0 };
/// let events = [TimedEvent { frame: 3, event: note }];
/// let status = engine.process(&events, [&mut left, &mut right], &Parameters::default());
/// assert_eq!(left[2..4], [0.0, 0.5]);
/// assert!(!status.is_silent);
/// ```
#[derive(Debug)]
pub struct Engine {
    tables: Arc<SincTables>,
    library: Library,
    voices: Voices,
    keys: Keys,
    channels: Channels,
    mixer: Mixer,
    meters: Arc<Meters>,
    sample_rate: f32,
}

impl Engine {
    /// An engine without sounds, and the handle that gives it some. Allocates about 100 kB, and
    /// tables of 400 kB with the first engine of the process.
    pub fn new(config: Config) -> (Self, EngineHandle) {
        let (library, handle) = hand_over();
        let engine = Self {
            tables: SincTables::shared(),
            library,
            voices: Voices::new(),
            keys: Keys::new(),
            channels: Channels::default(),
            mixer: Mixer::new(config.sample_rate),
            meters: Arc::default(),
            sample_rate: config.sample_rate,
        };
        (engine, handle)
    }

    /// Changes the rate of the output. Every note stops, the sounds stay. Wait-free.
    pub fn prepare(&mut self, config: Config) {
        self.sample_rate = config.sample_rate;
        self.reset();
    }

    /// Silence at once, controllers at rest; the sounds stay. Wait-free.
    pub fn reset(&mut self) {
        self.voices.stop(&mut self.library);
        self.keys = Keys::new();
        self.channels = Channels::default();
        self.mixer = Mixer::new(self.sample_rate);
    }

    /// Renders one block over `outputs` (left and right, of one length; the shorter one counts).
    ///
    /// `events` are in the order of their frames. How the time is cut into blocks is never heard as
    /// long as the parameters stay the same. Wait-free.
    pub fn process(&mut self, events: &[TimedEvent], outputs: [&mut [f32]; 2], parameters: &Parameters) -> Status {
        let [left, right] = outputs;
        let num_frames = left.len().min(right.len());
        left.fill(0.0);
        right.fill(0.0);
        let (left, right) = (&mut left[..num_frames], &mut right[..num_frames]);
        self.begin_block(parameters);
        let was_silent = self.voices.is_silent();
        let mut start = 0;
        for TimedEvent { frame, event } in events {
            let end = (*frame as usize).clamp(start, num_frames);
            self.add_voices(parameters, &mut left[start..end], &mut right[start..end]);
            self.handle(event, parameters);
            start = end;
        }
        self.add_voices(parameters, &mut left[start..], &mut right[start..]);
        self.mixer.finish(parameters.gain_db, left, right);
        let newest = self.voices.newest().and_then(|voice| self.position(voice));
        self.meters.tell([left, right], newest);
        let is_silent =
            was_silent && self.voices.is_silent() && left.iter().chain(&*right).all(|&sample| sample == 0.0);
        Status { is_silent, tail: self.tail() }
    }

    /// Notes that fell silent in the last block, for hosts that want to know.
    pub fn ended_notes(&self) -> &[EndedNote] {
        self.voices.ended()
    }

    /// What a window shows of the sound.
    pub fn meters(&self) -> Arc<Meters> {
        self.meters.clone()
    }

    /// Notes that sound, not counting those that lost their place and are fading out.
    pub fn num_notes(&self) -> usize {
        self.voices.num_notes()
    }

    fn position(&self, voice: &Voice) -> Option<Position> {
        let fraction = voice.fraction(self.library.sound(voice.start().sound)?);
        Some(Position { place: voice.start().pad.map_or(Place::Keys, Place::Pad), fraction })
    }

    fn begin_block(&mut self, parameters: &Parameters) {
        self.library.exchange();
        self.voices.forget_ended();
        if self.voices.is_silent() {
            self.mixer.jump_to(parameters.gain_db);
        }
    }

    fn add_voices(&mut self, parameters: &Parameters, left: &mut [f32], right: &mut [f32]) {
        let Self { tables, channels, sample_rate, voices, library, .. } = self;
        let context = Context { parameters, tables, channels, sample_rate: *sample_rate };
        voices.add_to(library, &context, left, right);
    }

    fn tail(&self) -> Tail {
        let longest = |tail: Option<u32>, voice: &Voice| Some(tail?.max(voice.remaining()?));
        self.voices.sounding().fold(Some(0), longest).map_or(Tail::Endless, Tail::Frames)
    }

    fn handle(&mut self, event: &Event, parameters: &Parameters) {
        match *event {
            Event::NoteOn { address, velocity } => self.note_on(HeldKey { address, velocity }, parameters),
            Event::NoteOff(address) => self.note_off(address, parameters),
            Event::Choke(address) => self.choke(address),
            Event::Expression { address, kind, value } if value.is_finite() => {
                self.voices.at(address).for_each(|voice| voice.express(kind, value));
            }
            Event::Modulation { address, target, offset } if offset.is_finite() => {
                self.voices.at(address).for_each(|voice| voice.modulate(target, offset));
            }
            Event::PitchBend { channel, value } if value.is_finite() => {
                self.control(channel, parameters, |channel| channel.bend = value.clamp(-1.0, 1.0));
            }
            Event::ChannelPressure { channel, value } if value.is_finite() => {
                self.control(channel, parameters, |channel| channel.pressure = value.clamp(0.0, 1.0));
            }
            Event::Sustain { channel, is_down } => {
                self.control(channel, parameters, |channel| channel.is_pedal_down = is_down);
            }
            Event::ResetControllers { channel } => {
                self.control(channel, parameters, |channel| *channel = Channel::default());
            }
            Event::AllNotesOff { channel } => self.release_all(channel, parameters),
            Event::AllSoundOff { channel } => self.choke(Address { channel: Some(channel), ..Address::default() }),
            // A value that is not a number moves nothing.
            Event::Expression { .. }
            | Event::Modulation { .. }
            | Event::PitchBend { .. }
            | Event::ChannelPressure { .. } => {}
        }
    }

    fn note_on(&mut self, key: HeldKey, parameters: &Parameters) {
        let Self { tables, channels, sample_rate, voices, library, keys, .. } = self;
        let context = Context { parameters, tables, channels, sample_rate: *sample_rate };
        match parameters.mode {
            Mode::Keys => keys.note_on(key, voices, library, &context),
            Mode::Kit => kit::strike(key, voices, library, &context),
        }
    }

    /// Reaches the notes of both modes: the mode may have changed since the key went down.
    fn note_off(&mut self, address: Address, parameters: &Parameters) {
        let Self { tables, channels, sample_rate, voices, library, keys, .. } = self;
        let context = Context { parameters, tables, channels, sample_rate: *sample_rate };
        let pads = voices.at(address).filter(|voice| voice.start().pad.is_some());
        pads.for_each(|voice| voice.note_off(&context));
        keys.note_off(address, voices, library, &context);
    }

    fn choke(&mut self, address: Address) {
        self.keys.forget(address);
        let sample_rate = self.sample_rate;
        self.voices.at(address).for_each(|voice| voice.cut(sample_rate));
    }

    /// Moves a controller and tells the notes of its channel.
    fn control(&mut self, number: u8, parameters: &Parameters, change: impl FnOnce(&mut Channel)) {
        change(self.channels.at_mut(number));
        let Self { tables, channels, sample_rate, voices, .. } = self;
        let context = Context { parameters, tables, channels, sample_rate: *sample_rate };
        for voice in voices.at(Address { channel: Some(number), ..Address::default() }) {
            voice.touch();
            if !channels.at(Some(number)).is_pedal_down {
                voice.pedal_up(&context);
            }
        }
    }

    fn release_all(&mut self, number: u8, parameters: &Parameters) {
        let everything = Address { channel: Some(number), ..Address::default() };
        self.keys.forget(everything);
        self.channels.at_mut(number).is_pedal_down = false;
        let Self { tables, channels, sample_rate, voices, .. } = self;
        let context = Context { parameters, tables, channels, sample_rate: *sample_rate };
        voices.at(everything).for_each(|voice| voice.release(&context));
    }
}
