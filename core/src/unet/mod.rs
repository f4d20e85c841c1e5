//! The network: a 1-D U-Net over frames, with a thin 2-D head that sees every bin.
//!
//! Seen from outside, [`Unet`] maps noisy frames and an embedding to frames of the same shape. Inside, the `Head` folds
//! bins into channels step by step, so that single bins, neighbourhoods of bins and whole frames each have a place where
//! they are modelled; the `Trunk` is the 1-D U-Net over time. Without a head the trunk sees the bins as channels.
//!
//! Read next: `trunk.rs`, then `head.rs`.

mod block;
mod config;
mod head;
mod trunk;

pub use config::{Circle, FrameShape, HeadConfig, UnetConfig};
use head::Head;
use trunk::Trunk;

use crate::error::Result;
use crate::nn::{GroupNorm, Init, Linear, Value, Weights};

/// The network of one stage.
pub struct Unet {
    trunk: Trunk,
    ends: Ends,
    /// How much of the noisy input passes straight to the output, by channel and noise level.
    gate: Linear,
}

/// How frames reach the trunk and leave it.
enum Ends {
    /// A matrix each way: frames' channels are the trunk's.
    Flat { input: Linear, norm: GroupNorm, output: Linear },
    /// Through the 2-D head.
    Head(Box<Head>),
}

impl Unet {
    /// Build for frames of this shape.
    ///
    /// # Errors
    /// The stored weights do not fit.
    pub fn new(config: &UnetConfig, shape: FrameShape, weights: &Weights) -> Result<Self> {
        let width = config.widths[0];
        let ends = match &config.head {
            Some(_) => Ends::Head(Box::new(Head::new(config, shape, &weights.sub("head"))?)),
            None => Ends::flat(shape, width, weights)?,
        };
        Ok(Self {
            trunk: Trunk::new(config, shape, &weights.sub("trunk"))?,
            ends,
            gate: Linear::new(config.embedding, shape.channels, Init::Zeros, &weights.sub("gate"))?,
        })
    }

    /// `x` and `context` are `[frames, channels]`, `embedding` is `[embedding]`; the output has `x`'s shape.
    ///
    /// `context` is asked for exactly where the shape has one.
    ///
    /// # Errors
    /// A tensor operation failed, or the context is missing.
    pub fn forward(&self, x: &Value, context: Option<&Value>, embedding: &Value) -> Result<Value> {
        let y = match &self.ends {
            Ends::Flat { input, norm, output } => {
                let seen = match context {
                    Some(context) => x.concat(context)?,
                    None => x.clone(),
                };
                let h = self.trunk.forward(&input.forward(&seen)?, embedding)?;
                output.forward(&norm.forward_silu(&h)?)?
            }
            Ends::Head(head) => head.forward(x, context, embedding, |h| self.trunk.forward(h, embedding))?,
        };
        Ok(y.add_gated(x, &self.gate.forward(embedding)?)?)
    }
}

impl Ends {
    fn flat(shape: FrameShape, width: usize, weights: &Weights) -> Result<Self> {
        let inputs = shape.channels * if shape.has_context { 2 } else { 1 };
        Ok(Self::Flat {
            input: Linear::new(inputs, width, Init::FanIn(inputs), &weights.sub("input"))?,
            norm: GroupNorm::new(width, &weights.sub("norm"))?,
            output: Linear::new(width, shape.channels, Init::Zeros, &weights.sub("output"))?,
        })
    }
}

#[cfg(all(test, feature = "cuda"))]
mod card_tests;
#[cfg(test)]
mod plan_tests;

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::*;
    use crate::noise::{NoiseStream, Seed};

    fn random(shape: &[usize], index: u64) -> Tensor {
        let mut values = vec![0.0; shape.iter().product()];
        NoiseStream::new(Seed(1), "unet test", index).fill_normal(&mut values);
        Tensor::from_vec(values, shape, &Device::Cpu).expect("as many values as the shape has")
    }

    fn forward(unet: &Unet, x: &Tensor, context: Option<&Tensor>, embedding: &Tensor) -> Result<Tensor> {
        let [x, embedding] = [x, embedding].map(|tensor| Value::from(tensor.clone()));
        let context = context.map(|tensor| Value::from(tensor.clone()));
        Ok(unet.forward(&x, context.as_ref(), &embedding)?.tensor()?.clone())
    }

    fn config(head: bool) -> UnetConfig {
        let head = head.then(|| HeadConfig {
            patch_frames: 2,
            patch_bins: 2,
            widths: vec![8, 16],
            blocks: 1,
            merge: 4,
            strides: vec![7],
            reaches: vec![7],
        });
        UnetConfig { widths: vec![16, 24], blocks: 1, attention_levels: 1, embedding: 16, circular: false, head }
    }

    #[test]
    fn a_new_network_returns_silence_and_keeps_the_shape() -> Result<()> {
        for (head, frames) in [(false, 13), (true, 14)] {
            let shape = FrameShape { frames, channels: 16, has_context: true, circle: None };
            let unet = Unet::new(&config(head), shape, &Weights::fresh(Seed(1), &Device::Cpu))?;
            let x = random(&[2, frames, 16], 0);
            let y = forward(&unet, &x, Some(&x), &random(&[2, 16], 1))?;
            assert_eq!(y.dims(), x.dims());
            // The last matrix and the gate start at zero: training starts from the best constant guess of v.
            assert_eq!(y.abs()?.max_all()?.to_scalar::<f32>()?, 0.0);
        }
        Ok(())
    }

    #[test]
    fn every_parameter_is_reached_by_the_gradient() -> Result<()> {
        for (head, frames) in [(false, 13), (true, 14)] {
            let shape = FrameShape { frames, channels: 16, has_context: true, circle: None };
            let weights = Weights::fresh(Seed(1), &Device::Cpu);
            let unet = Unet::new(&config(head), shape, &weights)?;
            // Nothing at zero, or a zero would hide what lies behind it.
            for (i, var) in weights.vars().values().enumerate() {
                var.set(&(random(var.dims(), 10 + i as u64) * 0.3)?)?;
            }
            let (x, context) = (random(&[2, frames, 16], 0), random(&[2, frames, 16], 1));
            let grads = forward(&unet, &x, Some(&context), &random(&[2, 16], 2))?.sqr()?.sum_all()?.backward()?;
            for (name, var) in weights.vars() {
                let grad = grads.get(var.as_tensor()).unwrap_or_else(|| panic!("no gradient for {name}"));
                assert!(grad.abs()?.sum_all()?.to_scalar::<f32>()? > 0.0, "gradient of {name} is zero");
            }
        }
        Ok(())
    }

    #[test]
    fn a_clip_does_not_depend_on_the_others_of_its_batch() -> Result<()> {
        let shape = FrameShape { frames: 14, channels: 16, has_context: false, circle: None };
        let weights = Weights::fresh(Seed(1), &Device::Cpu);
        let unet = Unet::new(&config(true), shape, &weights)?;
        for (i, var) in weights.vars().values().enumerate() {
            var.set(&(random(var.dims(), 10 + i as u64) * 0.3)?)?;
        }
        let (x, e) = (random(&[3, 14, 16], 0), random(&[3, 16], 1));
        let together = forward(&unet, &x, None, &e)?.narrow(0, 1, 1)?;
        let alone = forward(&unet, &x.narrow(0, 1, 1)?, None, &e.narrow(0, 1, 1)?)?;
        let difference = (together - alone)?.abs()?.max_all()?.to_dtype(DType::F32)?.to_scalar::<f32>()?;
        assert!(difference < 1e-5, "{difference}");
        Ok(())
    }
}
