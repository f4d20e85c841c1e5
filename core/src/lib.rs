//! The engine of Brownian, a diffusion synthesizer: everything that is not an interface.
//!
//! Modules in layers; each imports only layers below its own (`tests/layering.rs` keeps it so):
//!
//! | layer | modules |
//! |---|---|
//! | 0 | [`error`], [`noise`] |
//! | 1 | [`audio`], [`dsp`], [`nn`], [`diffusion`] |
//! | 2 | [`representation`], [`unet`], [`conditioning`] |
//! | 3 | [`model`], [`dataset`], [`metrics`] |
//! | 4 | [`generate`] |
//! | 5 | `evaluate`, `train` (feature `train`) |

pub mod audio;
pub mod conditioning;
pub mod dataset;
pub mod diffusion;
pub mod dsp;
pub mod error;
#[cfg(feature = "train")]
pub mod evaluate;
pub mod generate;
pub mod metrics;
pub mod model;
pub mod nn;
pub mod noise;
pub mod representation;
#[cfg(feature = "train")]
pub mod train;
pub mod unet;

pub use error::{Error, Result};
