//! Fresh noise for samplers, out of the noise that they start from.

use candle_core::Tensor;

use crate::diffusion::mix::{mix, scale};
use crate::error::Result;

/// Frames by which the noise moves on from step to step, of all frames: the golden section, so that no two of a few steps
/// see it near the same place.
const TURN: f64 = 0.618_033_988_749_894_8;

/// Channels by which the noise moves on when the frames are used up: of more steps than frames some see it at one frame, and
/// noise that came back would add up.
const NEXT_CHANNELS: usize = 7;

/// The noise of standard deviation 1 that a start holds, moved on in time for every step: independent of what it is added
/// to there, all in the seed of the start, and it changes continuously as the start does.
pub(super) struct Turned(Tensor);

impl Turned {
    /// Of `x`, data with noise of standard deviation `sigma`, `[batch, frames, channels]`, whose data are estimated as `data`.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub(super) fn new(x: &Tensor, data: &Tensor, sigma: f64) -> Result<Self> {
        Ok(Self(scale(&mix(x, 1.0, data, -1.0)?, sigma.recip())?))
    }

    /// The noise of step `step`; 0 is the start's own.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub(super) fn at(&self, step: usize) -> Result<Tensor> {
        let frames = self.0.dim(1)?;
        let moved = (step as f64 * TURN * frames as f64) as usize % frames;
        let later = rotated(&self.0, 1, moved)?;
        rotated(&later, 2, step / frames * NEXT_CHANNELS % self.0.dim(2)?)
    }
}

/// The tensor with its first `by` slices along a dimension after its last.
fn rotated(tensor: &Tensor, dim: usize, by: usize) -> Result<Tensor> {
    if by == 0 {
        return Ok(tensor.clone());
    }
    let parts = [tensor.narrow(dim, by, tensor.dim(dim)? - by)?, tensor.narrow(dim, 0, by)?];
    Ok(Tensor::cat(&parts, dim)?.contiguous()?)
}
