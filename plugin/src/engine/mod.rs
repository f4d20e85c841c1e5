//! The part that runs on the audio thread: notes playing sounds.
//!
//! Nothing here knows a host, a model or a file. [`Engine::new`] allocates; after it
//! [`Engine::process`] neither allocates, frees, locks nor logs. Sounds come and go through
//! [`EngineHandle`], which belongs to any other thread.
//!
//! Read `process.rs` next, then `voice.rs` (one note), `playhead.rs` and `interpolate.rs` (how a
//! sound is read), and `hand_over.rs` (how it arrives).

mod channels;
mod decimate;
mod envelope;
mod events;
mod filter;
mod glide;
mod hand_over;
mod held_keys;
mod interpolate;
mod keys;
mod kit;
mod limiter;
mod loop_;
mod meters;
mod mixer;
mod parameters;
mod playhead;
mod process;
mod sound;
mod voice;
mod voices;

pub use events::{Address, Event, Expression, ModulationTarget, TimedEvent};
pub use hand_over::{AHEAD, EngineHandle, Place};
pub use kit::{FIRST_PAD_KEY, NUM_PADS, Pad};
pub use meters::{Meters, Position};
pub use parameters::{
    EnvelopeParameters, FilterMode, FilterParameters, LoopMode, Mode, Pads, Parameters, PlayMode, RegionParameters,
    VelocityParameters,
};
pub use process::{Config, Engine, Status, Tail};
pub use sound::{Sound, SoundError};
pub use voices::{EndedNote, MAX_NOTES};
