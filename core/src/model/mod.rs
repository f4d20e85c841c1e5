//! A trained family: the card, the networks, the maps; one `.safetensors` file.
//!
//! [`Card`] says who a model is and how to rebuild it, [`mod@file`] reads and writes its file, [`Model`] is the loaded
//! thing, [`Registry`] finds models by id. Read `card.rs` first, then `loaded.rs`.

mod attack;
mod card;
mod circle;
mod context;
pub mod file;
mod loaded;
mod networks;
mod raise;
mod registry;
mod stage;
#[doc(hidden)]
pub mod tiny;
mod validate;

pub use attack::AttackScale;
pub use card::{Card, DataSource, EnvelopeStageConfig, FORMAT, ModelConfig, SamplingDefaults, StageSampling};
pub use context::Context;
pub use file::save;
pub use loaded::{EnvelopePart, Model, StoredModel};
pub use raise::{MAX_OCTAVES, Raise, told, told_blend};
pub use registry::{Entry, Place, Registry};
pub use stage::{Sampling, Stage};
