//! [`Sampler`]: the samplers by name.

use std::fmt;
use std::str::FromStr;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::diffusion::{Denoiser, consistency, dpmpp_2m, euler, heun, karras_sigmas};
use crate::error::{DiffusionError, Result};

/// How noise becomes data: by which solver of the probability-flow ODE, or along a student's shortcuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sampler {
    /// DPM-Solver++(2M): second order, one evaluation a step.
    #[serde(rename = "dpmpp-2m")]
    DpmPp2m,
    /// Heun: second order, two evaluations a step.
    #[serde(rename = "heun")]
    Heun,
    /// Euler: first order, one evaluation a step.
    #[serde(rename = "euler")]
    Euler,
    /// Multistep consistency sampling: for students that were distilled, one evaluation a step.
    #[serde(rename = "consistency")]
    Consistency,
}

impl Sampler {
    /// Every sampler, the usual one first.
    pub const ALL: [Self; 4] = [Self::DpmPp2m, Self::Heun, Self::Euler, Self::Consistency];

    /// The name that users type and files keep.
    pub fn name(self) -> &'static str {
        match self {
            Self::DpmPp2m => "dpmpp-2m",
            Self::Heun => "heun",
            Self::Euler => "euler",
            Self::Consistency => "consistency",
        }
    }

    /// The noise levels of so many steps, `steps + 1` values from `sigma_max` down to 0: [`karras_sigmas`], of which
    /// consistency sampling leaves out the lowest, where next to nothing is left to see.
    ///
    /// # Errors
    /// As [`karras_sigmas`].
    pub fn sigmas(self, steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Vec<f64>> {
        if self != Self::Consistency || steps == 0 {
            return karras_sigmas(steps, sigma_min, sigma_max, rho);
        }
        let mut sigmas = karras_sigmas(steps + 1, sigma_min, sigma_max, rho)?;
        sigmas.remove(steps);
        Ok(sigmas)
    }

    /// How often [`Sampler::sample`] calls the denoiser for a schedule of `steps` steps (`steps + 1` sigmas).
    pub fn num_evaluations(self, steps: usize) -> usize {
        match self {
            Self::DpmPp2m | Self::Euler | Self::Consistency => steps,
            Self::Heun => (2 * steps).saturating_sub(1),
        }
    }

    /// Solve from `x` (noise of standard deviation `sigmas[0]`) down `sigmas` (descending, ends in 0).
    ///
    /// # Errors
    /// As the denoiser.
    pub fn sample(self, model: &dyn Denoiser, x: Tensor, sigmas: &[f64]) -> Result<Tensor> {
        match self {
            Self::DpmPp2m => dpmpp_2m(model, x, sigmas),
            Self::Heun => heun(model, x, sigmas),
            Self::Euler => euler(model, x, sigmas),
            Self::Consistency => consistency(model, x, sigmas),
        }
    }
}

impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Sampler {
    type Err = DiffusionError;

    fn from_str(name: &str) -> Result<Self, DiffusionError> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|sampler| sampler.name() == name);
        found.ok_or_else(|| DiffusionError::UnknownSampler { name: name.to_owned(), known: known() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::closed_form::reference_sigmas;
    use candle_core::Device;
    use std::cell::Cell;

    #[test]
    fn the_name_typed_is_the_name_kept_in_files() {
        for sampler in Sampler::ALL {
            assert_eq!(serde_json::to_string(&sampler).unwrap(), format!("\"{sampler}\""));
            assert_eq!(sampler.name().parse(), Ok(sampler));
        }
    }

    #[test]
    fn an_unknown_sampler_is_answered_with_the_known_ones() {
        let message = "ddim".parse::<Sampler>().unwrap_err().to_string();
        assert_eq!(message, r#"sampler "ddim" is unknown; known: dpmpp-2m, heun, euler, consistency"#);
    }

    #[test]
    fn every_sampler_makes_as_many_calls_as_it_says() {
        for sampler in Sampler::ALL {
            for steps in [1, 2, 9] {
                let calls = Cell::new(0);
                let counting = |x: &Tensor, _: f64| {
                    calls.set(calls.get() + 1);
                    Ok(x.zeros_like()?)
                };
                let noise = Tensor::new(&[[[1f32]]], &Device::Cpu).unwrap();
                sampler.sample(&counting, noise, &reference_sigmas(steps)).unwrap();
                assert_eq!(calls.get(), sampler.num_evaluations(steps), "{sampler} with {steps} steps");
            }
        }
    }

    #[test]
    fn consistency_sampling_leaves_out_the_lowest_level() {
        let all = karras_sigmas(5, 0.02, 40.0, 7.0).unwrap();
        let sigmas = Sampler::Consistency.sigmas(4, 0.02, 40.0, 7.0).unwrap();
        assert_eq!(sigmas, [all[0], all[1], all[2], all[3], 0.0]);
        assert_eq!(Sampler::Consistency.sigmas(1, 0.02, 40.0, 7.0).unwrap(), [40.0, 0.0]);
        assert_eq!(Sampler::Euler.sigmas(5, 0.02, 40.0, 7.0).unwrap(), all);
    }

    #[test]
    fn one_step_of_any_sampler_is_the_denoised_noise() {
        for sampler in Sampler::ALL {
            let halve = |x: &Tensor, _: f64| Ok((x * 0.5)?);
            let noise = Tensor::new(&[[[80f32, -40.0]]], &Device::Cpu).unwrap();
            let end = sampler.sample(&halve, noise, &reference_sigmas(1)).unwrap();
            assert_eq!(end.to_vec3::<f32>().unwrap(), [[[40.0, -20.0]]]);
        }
    }
}
