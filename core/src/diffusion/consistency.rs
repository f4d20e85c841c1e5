//! Multistep consistency sampling: for students that see the end of the path from any noise level.

use candle_core::Tensor;

use crate::diffusion::Denoiser;
use crate::diffusion::mix::{mix, scale};
use crate::error::Result;
use crate::noise::{NoiseStream, Seed};

/// Frames by which the noise moves on from level to level, of all frames: the golden section, so that no two of a few levels
/// see it near the same place.
const TURN: f64 = 0.618_033_988_749_894_8;

/// Multistep consistency sampling (Song et al. 2023, algorithm 1, <https://arxiv.org/abs/2303.01469>): the estimate of every
/// level is given fresh noise of the next, and the last estimate is the result.
///
/// Following the path from level to level, as the other samplers do, a student would be shown its own errors as if they were
/// noise. The fresh noise is the start's, moved on in time, half of its channels turned over: still all in the seed of `x`, it
/// changes continuously as `x` does, and neither its cells nor its means over time, which moving leaves, are those of what it is
/// added to.
///
/// `x` is noise of standard deviation `sigmas[0]`, `[batch, frames, channels]`, or data with such noise; `sigmas` descends and
/// ends in 0. Costs `steps` calls to the denoiser. Deterministic.
///
/// # Errors
/// As the denoiser.
pub fn consistency(model: &dyn Denoiser, x: Tensor, sigmas: &[f64]) -> Result<Tensor> {
    let mut data = model.denoise(&x, sigmas[0])?;
    let later = &sigmas[1..sigmas.len().max(2) - 1];
    if later.is_empty() {
        return Ok(data);
    }
    let noise = scale(&mix(&x, 1.0, &data, -1.0)?, sigmas[0].recip())?;
    let frames = noise.dim(1)?;
    for (i, &sigma) in later.iter().enumerate() {
        let moved = ((i + 1) as f64 * TURN * frames as f64) as usize % frames;
        let fresh = Tensor::cat(&[noise.narrow(1, moved, frames - moved)?, noise.narrow(1, 0, moved)?], 1)?;
        let fresh = fresh.broadcast_mul(&signs(i, &noise)?)?;
        data = model.denoise(&mix(&data, 1.0, &fresh.contiguous()?, sigma)?, sigma)?;
    }
    Ok(data)
}

/// A sign for every channel of `noise`, others at every step: the same for all sounds.
fn signs(step: usize, noise: &Tensor) -> Result<Tensor> {
    let mut stream = NoiseStream::new(Seed(0), "consistency signs", step as u64);
    let signs: Vec<f32> = (0..noise.dim(2)?).map(|_| if stream.below(2) == 0 { 1.0 } else { -1.0 }).collect();
    Ok(Tensor::from_vec(signs, (1, 1, noise.dim(2)?), noise.device())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::Sampler;
    use candle_core::Device;

    /// Where the path of normal data of variance 1 ends: what a perfect student sees.
    fn end(x: &Tensor, sigma: f64) -> Result<Tensor> {
        Ok((x / (1.0 + sigma * sigma).sqrt())?)
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Mean of `a * b`.
    fn product(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>() / a.len() as f32
    }

    #[test]
    fn data_of_a_perfect_student_has_the_variance_of_data_after_any_number_of_steps() {
        let mut noise = vec![0.0; 64 * 512];
        NoiseStream::new(Seed(1), "consistency test", 0).fill_normal(&mut noise);
        noise.iter_mut().for_each(|x| *x *= 40.0);
        let start = Tensor::from_vec(noise, (1, 64, 512), &Device::Cpu).unwrap();
        let sample = |steps| {
            let sigmas = Sampler::Consistency.sigmas(steps, 0.02, 40.0, 7.0).unwrap();
            values(&consistency(&end, start.clone(), &sigmas).unwrap())
        };
        let one = sample(1);
        for steps in [2, 3, 4, 8] {
            let found = sample(steps);
            // What went into the first estimate, a fortieth, is missing from the noise: up to 5 % of its variance. Of 32,768
            // values the mean square is within 0.8 % of its expectation, one standard deviation.
            assert!((0.93..1.03).contains(&product(&found, &found)), "{steps} steps: {}", product(&found, &found));
            // The noise of 40 is as good as forgotten after another of 2 or more.
            assert!(product(&found, &one) < 0.6, "{steps} steps: {}", product(&found, &one));
        }
    }

    #[test]
    fn fresh_noise_has_other_means_over_time_than_the_start() {
        // Of every channel one value at all times: moving such noise leaves it as it is.
        let mut means = vec![0.0; 512];
        NoiseStream::new(Seed(1), "consistency means", 0).fill_normal(&mut means);
        let start = Tensor::from_vec(means.clone(), (1, 1, 512), &Device::Cpu).unwrap().repeat((1, 8, 1)).unwrap();
        // Sees silence in the start, and of what follows the noise.
        let blind =
            |x: &Tensor, sigma: f64| -> Result<Tensor> { Ok(if sigma == 1.0 { x.zeros_like()? } else { x.clone() }) };
        let fresh = values(&consistency(&blind, start, &[1.0, 0.5, 0.0]).unwrap());
        let (fresh, power) = (&fresh[..512], product(&means, &means));
        assert!((product(fresh, fresh) / (0.25 * power) - 1.0).abs() < 1e-5);
        // 512 signs: one standard deviation is about 0.04 of the power.
        assert!(product(fresh, &means).abs() < 0.2 * 0.5 * power, "{}", product(fresh, &means) / power);
    }
}
