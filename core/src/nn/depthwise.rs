//! `Depthwise2d`: every channel its own small filter over frames and bins, composed of candle's operations.
//!
//! On the CPU the filter runs inside [`FilterBlock2d`](super::FilterBlock2d); this is the form for other devices, and
//! the definition that the kernels are tested against.

use candle_core::{Result, Tensor};

use super::conv1d::Padding;
use super::kernel::filter::{ACROSS, ALONG, TAPS};
use super::weights::{Init, Weights};

/// A depthwise convolution over `[batch, frames, bins, channels]`: 3 frames by 5 bins, same size; no bias. Zero outside
/// the bins, `padding` outside the frames.
#[derive(Clone, Debug)]
pub(super) struct Depthwise2d {
    /// `[taps across * taps along, channels]`.
    weight: Tensor,
    padding: Padding,
}

impl Depthwise2d {
    pub(super) fn new(channels: usize, padding: Padding, init: Init, weights: &Weights) -> Result<Self> {
        Ok(Self { weight: weights.get("weight", &[TAPS, channels], init)?, padding })
    }

    pub(super) fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// `[batch, frames, bins, channels]` to the same shape.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, frames, bins, _) = x.dims4()?;
        let padded = match self.padding {
            Padding::Zero => x.pad_with_zeros(1, ACROSS / 2, ACROSS / 2)?,
            Padding::Circular => {
                let reach = ACROSS / 2;
                Tensor::cat(&[&x.narrow(1, frames - reach, reach)?, x, &x.narrow(1, 0, reach)?], 1)?
            }
        };
        let padded = padded.pad_with_zeros(2, ALONG / 2, ALONG / 2)?;
        let mut sum = x.zeros_like()?;
        for tap in 0..TAPS {
            let shifted = padded.narrow(1, tap / ALONG, frames)?.narrow(2, tap % ALONG, bins)?;
            sum = (sum + shifted.broadcast_mul(&self.weight.get(tap)?)?)?;
        }
        Ok(sum)
    }
}
