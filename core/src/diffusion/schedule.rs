//! Which noise levels a sampler visits.

use crate::error::{DiffusionError, Result};

/// Noise levels from `sigma_max` down to `sigma_min`, then 0: `steps + 1` values, descending.
///
/// Equation 5 of Karras et al. 2022 (<https://arxiv.org/abs/2206.00364>). `rho` bends the spacing:
/// 1 is linear in sigma, 7 (the paper's choice) spends most steps at low noise. One step goes straight from
/// `sigma_max` to 0.
///
/// # Errors
/// [`DiffusionError::EmptyRange`] unless `0 < sigma_min < sigma_max`, [`DiffusionError::TooFewSteps`] for 0 steps,
/// [`DiffusionError::Rho`] unless `rho > 0`.
pub fn karras_sigmas(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Vec<f64>> {
    check(steps, sigma_min, sigma_max, rho)?;
    // The portable powers of libm: the same recipe must give the same bytes on every machine.
    let (start, end) = (libm::pow(sigma_max, rho.recip()), libm::pow(sigma_min, rho.recip()));
    let last = steps.saturating_sub(1).max(1) as f64;
    let between = (1..steps).map(|i| libm::pow(start + i as f64 / last * (end - start), rho));
    Ok(std::iter::once(sigma_max).chain(between).chain([0.0]).collect())
}

fn check(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<(), DiffusionError> {
    if !(0.0 < sigma_min && sigma_min < sigma_max && sigma_max.is_finite()) {
        return Err(DiffusionError::EmptyRange { min: sigma_min, max: sigma_max });
    }
    if steps < 1 {
        return Err(DiffusionError::TooFewSteps(steps));
    }
    if !(rho > 0.0 && rho.is_finite()) {
        return Err(DiffusionError::Rho(rho));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn the_schedule_follows_the_papers_formula() {
        // Python: a, b = 80**(1/7), .002**(1/7); [(a + i/4*(b-a))**7 for i in range(5)], to nine decimals.
        let expected = [80.0, 17.527831965, 2.515218976, 0.169752756, 0.002, 0.0];
        let got = karras_sigmas(5, 0.002, 80.0, 7.0).unwrap();
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            // The numbers above are rounded to nine decimals.
            assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
        }
    }

    #[test]
    fn rho_of_one_is_linear_in_sigma() {
        let got = karras_sigmas(4, 1.0, 4.0, 1.0).unwrap();
        assert_eq!(got, [4.0, 3.0, 2.0, 1.0, 0.0]);
    }

    #[test]
    fn one_step_goes_from_the_largest_sigma_to_zero() {
        assert_eq!(karras_sigmas(1, 0.01, 40.0, 7.0).unwrap(), [40.0, 0.0]);
    }

    #[test]
    fn every_schedule_descends_strictly_to_zero() {
        for steps in [1, 2, 3, 16, 1000] {
            let sigmas = karras_sigmas(steps, 0.01, 40.0, 7.0).unwrap();
            assert_eq!(sigmas.len(), steps + 1);
            assert!(sigmas.windows(2).all(|pair| pair[0] > pair[1]));
        }
    }

    #[test]
    fn a_schedule_that_cannot_be_is_refused_by_name() {
        let refused = |steps, min, max, rho| match karras_sigmas(steps, min, max, rho) {
            Err(Error::Diffusion(error)) => error,
            other => panic!("expected a refusal, got {other:?}"),
        };
        assert_eq!(refused(0, 0.01, 40.0, 7.0), DiffusionError::TooFewSteps(0));
        assert_eq!(refused(8, 80.0, 0.002, 7.0), DiffusionError::EmptyRange { min: 80.0, max: 0.002 });
        assert_eq!(refused(8, 0.0, 1.0, 7.0), DiffusionError::EmptyRange { min: 0.0, max: 1.0 });
        assert_eq!(refused(8, 0.01, f64::INFINITY, 7.0), DiffusionError::EmptyRange { min: 0.01, max: f64::INFINITY });
        assert_eq!(refused(8, 0.01, 40.0, 0.0), DiffusionError::Rho(0.0));
        assert!(matches!(refused(8, f64::NAN, 40.0, 7.0), DiffusionError::EmptyRange { .. }));
    }
}
