//! 1-D layers, channels last: `[batch, frames, channels]`. Knows nothing of diffusion.
// lead owns this module.
