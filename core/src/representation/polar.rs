//! Magnitude and phase to real and imaginary part: plain arithmetic that compilers vectorise and that every platform
//! rounds alike.

use std::f32::consts::FRAC_2_PI;

use multiversion::multiversion;

use crate::dsp::Complex32;

/// `magnitude * e^(j phase)`, phases in radians.
///
/// Sine and cosine are within 2e-7 for phases of up to 10,000 either way, and within -1.001..=1.001 for all that are
/// finite.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn from_polar(out: &mut [Complex32], magnitudes: &[f32], phases: &[f32]) {
    for ((z, &magnitude), &phase) in out.iter_mut().zip(magnitudes).zip(phases) {
        let (sin, cos) = sin_cos(phase);
        *z = Complex32::new(magnitude * cos, magnitude * sin);
    }
}

/// Quarter turns off by a constant in three parts (Cody and Waite 1980), then Cephes' polynomials for -pi/4..=pi/4.
#[inline(always)]
fn sin_cos(x: f32) -> (f32, f32) {
    // Adding 1.5 * 2^23 leaves the nearest integer in the low bits, without a call to round.
    const MAGIC: f32 = 12_582_912.0;
    let biased = x * FRAC_2_PI + MAGIC;
    let (turns, quadrant) = (biased - MAGIC, biased.to_bits());
    // The first part has 8 bits and the second 11, so that their products are exact.
    let rest = x - turns * 1.570_312_5 - turns * 4.837_513e-4 - turns * 7.549_79e-8;
    // Beyond the range of the three parts the rest is wrong; the bound keeps the polynomials within theirs.
    let r = rest.clamp(-0.8, 0.8);
    let r2 = r * r;
    let sin = r + r * r2 * (-1.666_665_5e-1 + r2 * (8.332_161e-3 - r2 * 1.951_529_6e-4));
    let cos = 1.0 - 0.5 * r2 + r2 * r2 * (4.166_664_6e-2 + r2 * (-1.388_731_6e-3 + r2 * 2.443_315_7e-5));
    let (s, c) = if quadrant & 1 == 0 { (sin, cos) } else { (cos, sin) };
    let signed = |value: f32, bit: u32| f32::from_bits(value.to_bits() ^ (bit & 2) << 30);
    (signed(s, quadrant), signed(c, quadrant.wrapping_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_and_cosines_agree_with_the_exact_ones() {
        for i in -100_000..=100_000 {
            let x = i as f32 * 0.1;
            let (sin, cos) = f64::from(x).sin_cos();
            let got = sin_cos(x);
            // Rounding of the rest (at most 0.8) and of the result, each half a step of 6e-8, and the polynomial's error.
            assert!((f64::from(got.0) - sin).abs() < 2e-7 && (f64::from(got.1) - cos).abs() < 2e-7, "{x}");
        }
    }

    #[test]
    fn phases_beyond_all_bounds_stay_on_a_circle() {
        for x in [1e6, -1e9, 1e20, f32::MAX, f32::MIN] {
            let (sin, cos) = sin_cos(x);
            assert!(sin.abs() < 1.001 && cos.abs() < 1.001, "{x}");
        }
    }

    #[test]
    fn polar_coordinates_become_cartesian_ones() {
        let mut out = [Complex32::ZERO; 3];
        from_polar(&mut out, &[2.0, 0.0, 1.0], &[0.0, 1.0, -std::f32::consts::FRAC_PI_2]);
        assert_eq!(out[..2], [Complex32::new(2.0, 0.0), Complex32::ZERO]);
        assert!((out[2] - Complex32::new(0.0, -1.0)).norm() < 1e-6);
    }
}
