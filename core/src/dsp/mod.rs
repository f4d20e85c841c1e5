//! Planned signal processing on slices: windows, the short-time Fourier transform, mel filters. No tensors.
//!
//! Read [`Stft`] first. Lengths that do not fit are programmer errors here and panic, each documented; whoever takes
//! numbers from a file checks them before.

mod decibels;
mod mel;
mod overlap_add;
mod stft;
mod threads;
mod window;

pub use decibels::{amplitude_from_db, db_from_power};
pub use mel::MelFilterbank;
pub(crate) use overlap_add::{Column, OverlapAdd};
pub use realfft::num_complex::Complex32;
pub use stft::{Framing, Stft, StftConfig, StftScratch};
pub(crate) use threads::join;
pub use window::{GAUSSIAN_END_HEIGHT, Window, gaussian_gamma};
