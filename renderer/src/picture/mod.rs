//! Pictures of sounds, as PNG files: [`Figure`] for one, [`Sheet`] for many.
//!
//! Everything is drawn on a [`canvas`](canvas::Canvas) of our own, with letters that are part of the program: a picture
//! looks the same on every machine, whatever fonts it has. [`spectrum`] computes what a spectrogram shows.

pub mod canvas;
pub mod colour;
pub mod figure;
pub mod sheet;
pub mod spectrum;

pub use figure::Figure;
pub(crate) use figure::{draw_levels, draw_wave};
pub use sheet::Sheet;
