//! SDE-DPM-Solver++(2M): noise that goes in at every step takes the errors of the steps before with it.

use candle_core::Tensor;

use crate::diffusion::{Denoiser, mix::mix, turned::Turned};
use crate::error::Result;

/// Solve the reverse SDE with SDE-DPM-Solver++(2M) (Lu et al. 2022, <https://arxiv.org/abs/2211.01095>) for
/// `x = data + sigma * noise`: as [`dpmpp_2m`](crate::diffusion::dpmpp_2m), but every step takes twice the way and is given
/// fresh noise of the next level.
///
/// `x` is noise of standard deviation `sigmas[0]`, `[batch, frames, channels]`, or data with such noise; `sigmas` descends and
/// ends in 0. Costs `steps` calls to the denoiser. Deterministic: the fresh noise is the start's, moved on in time.
///
/// # Errors
/// As the denoiser.
pub fn dpmpp_2m_sde(model: &dyn Denoiser, mut x: Tensor, sigmas: &[f64]) -> Result<Tensor> {
    let mut before: Option<(Tensor, f64)> = None;
    let mut noise = None;
    for (step, pair) in sigmas.windows(2).enumerate() {
        let (sigma, next) = (pair[0], pair[1]);
        let denoised = model.denoise(&x, sigma)?;
        if next == 0.0 {
            return Ok(denoised);
        }
        if noise.is_none() {
            noise = Some(Turned::new(&x, &denoised, sigma)?);
        }
        let ratio = next / sigma;
        let h = -libm::log(ratio);
        let target = match &before {
            Some((old, h_before)) => {
                let weight = 0.5 * h / h_before;
                mix(&denoised, 1.0 + weight, old, -weight)?
            }
            None => denoised.clone(),
        };
        // exp(-2 h) = ratio^2 is what stays of the data's estimate; of the noise, ratio^2 stays and 1 - ratio^2 is fresh.
        let kept = ratio * ratio;
        x = mix(&x, kept, &target, 1.0 - kept)?;
        if let Some(noise) = &noise {
            x = mix(&x, 1.0, &noise.at(step + 1)?, next * libm::sqrt(1.0 - kept))?;
        }
        before = Some((denoised, h));
    }
    Ok(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::Sampler;
    use crate::noise::{NoiseStream, Seed};
    use candle_core::Device;

    /// Mean of the squares of what comes of normal data of variance 1 seen by a perfect denoiser.
    fn variance(steps: usize) -> f32 {
        let mut noise = vec![0.0; 64 * 512];
        NoiseStream::new(Seed(1), "sde test", 0).fill_normal(&mut noise);
        noise.iter_mut().for_each(|x| *x *= 40.0);
        let start = Tensor::from_vec(noise, (1, 64, 512), &Device::Cpu).unwrap();
        let perfect = |x: &Tensor, sigma: f64| Ok((x / (1.0 + sigma * sigma))?);
        let sigmas = Sampler::DpmPp2mSde.sigmas(steps, 0.02, 40.0, 7.0).unwrap();
        let end: Vec<f32> = dpmpp_2m_sde(&perfect, start, &sigmas).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        end.iter().map(|x| x * x).sum::<f32>() / end.len() as f32
    }

    #[test]
    fn data_keep_their_variance_if_there_are_steps_enough() {
        let [few, more, many] = [16, 64, 256].map(|steps| (variance(steps) - 1.0).abs());
        // Sixteen steps are off by a sixth; of 256, four times as many as there are frames, some see noise that others saw nearly.
        // Of 32,768 values the mean square is within 0.8 % of its expectation, one standard deviation.
        assert!(few < 0.25 && more < 0.05 && many < 0.15, "{few} {more} {many}");
    }

    #[test]
    fn it_is_the_same_every_time_and_not_the_path_of_the_ode() {
        let start =
            Tensor::from_vec((0..64).map(|i| (i as f32).sin() * 40.0).collect(), (1, 8, 8), &Device::Cpu).unwrap();
        let model = |x: &Tensor, sigma: f64| Ok((x / (1.0 + sigma * sigma))?);
        let sigmas = Sampler::DpmPp2mSde.sigmas(8, 0.02, 40.0, 7.0).unwrap();
        let run = |sampler: Sampler| {
            sampler.sample(&model, start.clone(), &sigmas).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(run(Sampler::DpmPp2mSde), run(Sampler::DpmPp2mSde));
        assert_ne!(run(Sampler::DpmPp2mSde), run(Sampler::DpmPp2m));
    }
}
