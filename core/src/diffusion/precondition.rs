//! How a network becomes a denoiser: the trigonometric path, which is EDM's preconditioning for `sigma_data = 1`.
//!
//! With data `x0` of unit variance, noise `z` and `sigma = tan t`:
//!
//! * the network sees `x_t = cos t x0 + sin t z`, of unit variance at every noise level;
//! * it predicts the velocity `v = dx_t/dt = cos t z - sin t x0`, of unit variance too;
//! * so the data is `x0 = cos t x_t - sin t v`.
//!
//! Samplers speak of `x = x0 + sigma z = x_t / cos t`. In the terms of Karras et al. 2022 (table 1,
//! <https://arxiv.org/abs/2206.00364>) the denoiser is `D(x; sigma) = c_skip x + c_out F(c_in x, c_noise)` with the
//! coefficients below; `c_out` is negative, for our `F` predicts `v` where theirs predicts `-v`.

use candle_core::{DType, Tensor};

use super::mix::{mix, scale};
use crate::error::{DiffusionError, Result};

/// `1 / sqrt(1 + sigma^2) = cos t`: scales the network's input to unit variance.
pub fn c_in(sigma: f64) -> f64 {
    1.0 / (1.0 + sigma * sigma).sqrt()
}

/// `1 / (1 + sigma^2) = cos^2 t`: how much of the noisy input the denoised estimate keeps.
pub fn c_skip(sigma: f64) -> f64 {
    1.0 / (1.0 + sigma * sigma)
}

/// `-sigma / sqrt(1 + sigma^2) = -sin t`: how much of the network's velocity goes into the denoised estimate.
pub fn c_out(sigma: f64) -> f64 {
    -sigma * c_in(sigma)
}

/// `ln(sigma) / 4`: the noise level as networks like to be told, about -1.2..=0.9 for sigma 0.01..=40.
pub fn c_noise(sigma: f64) -> f64 {
    0.25 * libm::log(sigma)
}

/// The denoiser of a network that predicts velocity: `D(x; sigma)` for `x = x0 + sigma z`, `[batch, frames, channels]`.
///
/// `network` gets `x_t` (unit variance) and is called once; it knows the noise level from its maker.
///
/// # Errors
/// As the network.
pub fn denoise_by_velocity(network: impl FnOnce(&Tensor) -> Result<Tensor>, x: &Tensor, sigma: f64) -> Result<Tensor> {
    let v = network(&scale(x, c_in(sigma))?)?;
    mix(x, c_skip(sigma), &v, c_out(sigma))
}

/// A batch on its way from data to noise: `x_t = cos t x0 + sin t z`, one sigma an item.
///
/// `x0` (unit variance) and `z` (standard normal) are `[batch, frames, channels]`; so is the result.
///
/// # Errors
/// [`DiffusionError::SigmaCount`] unless there is one sigma an item; tensors of unequal shape.
pub fn noised(x0: &Tensor, z: &Tensor, sigmas: &[f64]) -> Result<Tensor> {
    let (cos, sin) = cos_sin(x0, sigmas)?;
    Ok((x0.broadcast_mul(&cos)? + z.broadcast_mul(&sin)?)?)
}

/// What the network shall predict of [`noised`]: `v = cos t z - sin t x0`, of unit variance at every sigma.
///
/// # Errors
/// As [`noised`].
pub fn velocity_target(x0: &Tensor, z: &Tensor, sigmas: &[f64]) -> Result<Tensor> {
    let (cos, sin) = cos_sin(x0, sigmas)?;
    Ok((z.broadcast_mul(&cos)? - x0.broadcast_mul(&sin)?)?)
}

/// The data that a velocity implies: `x0 = cos t x_t - sin t v`, one sigma an item.
///
/// # Errors
/// As [`noised`].
pub fn denoised_from_velocity(x_t: &Tensor, v: &Tensor, sigmas: &[f64]) -> Result<Tensor> {
    let (cos, sin) = cos_sin(x_t, sigmas)?;
    Ok((x_t.broadcast_mul(&cos)? - v.broadcast_mul(&sin)?)?)
}

/// `cos t` and `sin t` for `sigma = tan t`, each `[batch, 1, ...]` with the rank, type and device of `like`.
fn cos_sin(like: &Tensor, sigmas: &[f64]) -> Result<(Tensor, Tensor)> {
    let batch = like.dim(0)?;
    if sigmas.len() != batch {
        return Err(DiffusionError::SigmaCount { sigmas: sigmas.len(), batch }.into());
    }
    let mut shape = vec![1; like.rank()];
    shape[0] = batch;
    let column = |values: Vec<f64>| -> candle_core::Result<Tensor> {
        // Rounded on the CPU: some devices have no f64.
        let rounded = Tensor::from_vec(values, shape.clone(), &candle_core::Device::Cpu)?.to_dtype(DType::F32)?;
        rounded.to_device(like.device())?.to_dtype(like.dtype())
    };
    let cos = column(sigmas.iter().map(|&sigma| c_in(sigma)).collect())?;
    let sin = column(sigmas.iter().map(|&sigma| -c_out(sigma)).collect())?;
    Ok((cos, sin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::noise::{NoiseStream, Seed};
    use candle_core::Device;

    const SIGMAS: [f64; 5] = [0.01, 0.3, 1.0, 3.0, 40.0];

    /// Standard normals, one item for each of [`SIGMAS`].
    fn normals(index: u64, frames: usize) -> Tensor {
        let mut values = vec![0f32; SIGMAS.len() * frames * 4];
        NoiseStream::new(Seed(1), "precondition", index).fill_normal(&mut values);
        Tensor::from_vec(values, (SIGMAS.len(), frames, 4), &Device::Cpu).unwrap()
    }

    fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    fn variances(x: &Tensor) -> Vec<f32> {
        x.sqr().unwrap().mean((1, 2)).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_network_of_zeros_leaves_c_skip_times_x() {
        let x = normals(0, 8);
        for sigma in SIGMAS {
            let got = denoise_by_velocity(|x_t| Ok(x_t.zeros_like()?), &x, sigma).unwrap();
            assert_eq!(largest_difference(&got, &(&x * c_skip(sigma)).unwrap()), 0.0);
        }
    }

    #[test]
    fn without_noise_the_denoiser_is_the_identity() {
        let x = normals(0, 8);
        let got = denoise_by_velocity(|x_t| Ok((x_t * 100.0)?), &x, 1e-9).unwrap();
        // The network's 100 x weighs sigma: 4e-7 at most, and f32 rounds x itself.
        assert!(largest_difference(&got, &x) < 1e-6);
    }

    #[test]
    fn input_and_target_have_unit_variance_at_every_sigma() {
        let (x0, z) = (normals(1, 5000), normals(2, 5000));
        for batch in [noised(&x0, &z, &SIGMAS).unwrap(), velocity_target(&x0, &z, &SIGMAS).unwrap()] {
            for variance in variances(&batch) {
                // Five standard errors of 20,000 squared normals: 5 * sqrt(2 / 20000).
                assert!((variance - 1.0).abs() < 0.05, "{variance}");
            }
        }
    }

    #[test]
    fn the_true_velocity_gives_back_the_data() {
        let (x0, z) = (normals(1, 8), normals(2, 8));
        let x_t = noised(&x0, &z, &SIGMAS).unwrap();
        let v = velocity_target(&x0, &z, &SIGMAS).unwrap();
        let back = denoised_from_velocity(&x_t, &v, &SIGMAS).unwrap();
        // cos^2 + sin^2 = 1 to a few roundings of numbers up to 4.
        assert!(largest_difference(&back, &x0) < 2e-6);
    }

    #[test]
    fn velocity_prediction_is_edm_with_the_sign_turned() {
        // EDM's target (equation 8 of the paper with sigma_data 1): (x0 - c_skip x) / |c_out|, where x = x0 + sigma z.
        let (x0, z) = (normals(1, 8), normals(2, 8));
        let v = velocity_target(&x0, &z, &SIGMAS).unwrap();
        for (item, sigma) in SIGMAS.into_iter().enumerate() {
            let at = |x: &Tensor| x.get(item).unwrap().to_dtype(DType::F64).unwrap();
            let (x0, z, v) = (at(&x0), at(&z), at(&v));
            let x = (&x0 + (z * sigma).unwrap()).unwrap();
            let edm = ((x0 - (x * c_skip(sigma)).unwrap()).unwrap() / c_out(sigma)).unwrap();
            let worst: f64 = (edm - v).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap();
            // v was rounded to f32.
            assert!(worst < 2e-6, "sigma {sigma}: {worst}");
        }
    }

    #[test]
    fn one_sigma_an_item_agrees_with_one_for_all() {
        let (x, v) = (normals(3, 8), normals(4, 8));
        let sigma = 0.7;
        let x_t = (&x * c_in(sigma)).unwrap();
        let batched = denoised_from_velocity(&x_t, &v, &[sigma; 5]).unwrap();
        let alone = denoise_by_velocity(|_| Ok(v.clone()), &x, sigma).unwrap();
        assert!(largest_difference(&batched, &alone) < 1e-6);
    }

    #[test]
    fn a_missing_sigma_is_refused() {
        let x = normals(0, 2);
        let refusal = noised(&x, &x, &[1.0]).unwrap_err();
        assert!(matches!(refusal, Error::Diffusion(DiffusionError::SigmaCount { sigmas: 1, batch: 5 })));
    }
}
