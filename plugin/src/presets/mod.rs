//! Presets: what a host's browser lists and loads without the window.
//!
//! A preset is a sound that the embedded model can always make (`factory.rs`), the file of a sound with its recipe
//! (`file.rs`), or the file of a whole instrument (`instrument.rs`). `load.rs` puts them into an instance; the CLAP door
//! to all of it is `clap`.

mod factory;
mod file;
mod folder;
mod instrument;
mod load;

pub use factory::FactorySound;
pub use file::{EXTENSIONS, Preset, Summary, open, summary};
pub use folder::sounds_folder;
pub use instrument::{
    EXTENSION as INSTRUMENT_EXTENSION, is_instrument, read as read_instrument, to_bytes as instrument_bytes,
};
pub use load::{play_on_keys, roll_on_keys};
