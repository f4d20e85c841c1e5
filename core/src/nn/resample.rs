//! Changing the number of frames: nearest-neighbour doubling and cropping, both of differentiable candle operations.

use candle_core::{Result, Tensor};

/// Repeat every frame `factor` times: `[batch, frames, channels]` to `[batch, frames * factor, channels]`.
///
/// # Errors
/// A tensor operation failed.
pub fn upsample_nearest(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (batch, frames, channels) = x.dims3()?;
    x.unsqueeze(2)?.broadcast_as((batch, frames, factor, channels))?.contiguous()?.reshape((
        batch,
        frames * factor,
        channels,
    ))
}

/// The first `frames` frames: undoes the rounding up of a strided convolution over an odd length.
///
/// # Errors
/// Fewer frames than asked.
pub fn crop_frames(x: &Tensor, frames: usize) -> Result<Tensor> {
    if x.dim(1)? == frames { Ok(x.clone()) } else { x.narrow(1, 0, frames)?.contiguous() }
}
