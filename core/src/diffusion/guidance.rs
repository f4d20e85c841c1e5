//! [`Guided`]: classifier-free guidance.

use candle_core::Tensor;

use crate::diffusion::{Denoiser, mix::mix};
use crate::error::Result;

/// Classifier-free guidance (Ho and Salimans 2022, <https://arxiv.org/abs/2207.12598>): away from "any sound", towards
/// the one asked for. `D = D_null + scale * (D_condition - D_null)`.
///
/// A `scale` of 1 is the conditional denoiser, bit for bit and at its cost; 0 the unconditional one; above 1 it
/// exaggerates. Any other scale costs one call to each.
#[derive(Clone, Copy)]
pub struct Guided<'a> {
    /// Knows the condition.
    pub conditional: &'a dyn Denoiser,
    /// The same network under the null condition.
    pub unconditional: &'a dyn Denoiser,
    /// Finite; 0 to 20 is sensible.
    pub scale: f64,
}

impl Denoiser for Guided<'_> {
    fn denoise(&self, x: &Tensor, sigma: f64) -> Result<Tensor> {
        if self.scale == 1.0 {
            return self.conditional.denoise(x, sigma);
        }
        let null = self.unconditional.denoise(x, sigma)?;
        if self.scale == 0.0 {
            return Ok(null);
        }
        let towards = mix(&self.conditional.denoise(x, sigma)?, 1.0, &null, -1.0)?;
        mix(&null, 1.0, &towards, self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use std::cell::Cell;

    /// Values without short binary fractions: any detour through arithmetic would change their last bits.
    fn thirds(x: &Tensor, sigma: f64) -> Result<Tensor> {
        Ok((x / (3.0 + sigma))?)
    }

    fn sevenths(x: &Tensor, sigma: f64) -> Result<Tensor> {
        Ok((x / (-7.0 - sigma))?)
    }

    fn noisy() -> Tensor {
        Tensor::new(&[[[0.1f32, -2.3, 45.6], [7.8, 1e-7, -9.9]]], &Device::Cpu).unwrap()
    }

    fn values(model: &dyn Denoiser) -> Vec<f32> {
        model.denoise(&noisy(), 0.7).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn scale_one_is_the_conditional_model_bit_for_bit() {
        let guided = Guided { conditional: &thirds, unconditional: &sevenths, scale: 1.0 };
        assert_eq!(values(&guided), values(&thirds));
    }

    #[test]
    fn scale_zero_is_the_unconditional_model_bit_for_bit() {
        let guided = Guided { conditional: &thirds, unconditional: &sevenths, scale: 0.0 };
        assert_eq!(values(&guided), values(&sevenths));
    }

    #[test]
    fn other_scales_lie_on_the_line_through_both() {
        let guided = values(&Guided { conditional: &thirds, unconditional: &sevenths, scale: 2.5 });
        for ((guided, condition), null) in guided.iter().zip(values(&thirds)).zip(values(&sevenths)) {
            let expected = null + 2.5 * (condition - null);
            // Two roundings of f32.
            assert!((guided - expected).abs() <= 2e-7 * (1.0 + expected.abs()) * 4.0, "{guided} is not {expected}");
        }
    }

    #[test]
    fn without_guidance_only_one_network_is_called() {
        let calls = Cell::new(0);
        let counting = |x: &Tensor, _: f64| {
            calls.set(calls.get() + 1);
            Ok(x.clone())
        };
        let cost = |scale| {
            calls.set(0);
            values(&Guided { conditional: &counting, unconditional: &counting, scale });
            calls.get()
        };
        assert_eq!([cost(0.0), cost(1.0), cost(3.0)], [1, 1, 2]);
    }
}
