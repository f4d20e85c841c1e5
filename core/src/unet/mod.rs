//! The 1-D U-Net over frames, with a thin 2-D head.
// lead owns this module; the config's fields may grow, always with serde defaults.

use serde::{Deserialize, Serialize};

/// The shape of a [`Unet`]: frames in time, channels per frame, widths per level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetConfig {
    /// Channels of each level, finest first.
    pub widths: Vec<usize>,
    /// Consecutive frames stacked into one step of the finest level.
    pub stack: usize,
    /// Width of the embedding of noise level and condition.
    pub embedding: usize,
}
