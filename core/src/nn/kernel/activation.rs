//! SiLU and its derivative on registers.

use super::vector::Vector;

/// Beyond this, the sigmoid is 0 or 1 to all digits of an `f32`, and the exponential leaves its range.
const LIMIT: f32 = 80.0;
/// Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, the first exact in few bits, so that multiples of it are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2 (Cephes, `expf`), highest power first.
const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5];
/// Less the bits of x: a first guess at 1 / x, 12 % off at most (Blinn 1997, floating-point tricks).
const RECIPROCAL: i32 = 0x7EF3_11C3;

/// `e^x` to about 2 units in the last place; x beyond the limit counts as the limit.
///
/// # Safety
/// `V`'s instructions.
#[inline(always)]
pub(super) unsafe fn exp<V: Vector>(x: V) -> V {
    // SAFETY: the caller's instructions.
    unsafe {
        let x = x.max(V::splat(-LIMIT)).min(V::splat(LIMIT));
        let shifted = x.mul_add(V::splat(std::f32::consts::LOG2_E), V::splat(ROUND));
        let n = shifted.sub(V::splat(ROUND));
        let r = n.mul_add(V::splat(-LN_2[0]), x);
        let r = n.mul_add(V::splat(-LN_2[1]), r);
        let mut p = V::splat(EXP[0]);
        for coefficient in &EXP[1..] {
            p = p.mul_add(r, V::splat(*coefficient));
        }
        let p = p.mul_add(r.mul(r), r).add(V::splat(1.0));
        p.mul(shifted.exponent(127))
    }
}

/// `1 / (1 + e^-x)` to about 3 units in the last place; no division, which takes longer than all of this.
///
/// # Safety
/// `V`'s instructions.
#[inline(always)]
pub(super) unsafe fn sigmoid<V: Vector>(x: V) -> V {
    // SAFETY: the caller's instructions.
    unsafe {
        let d = exp(V::splat(0.0).sub(x)).add(V::splat(1.0));
        // Newton's iteration doubles the correct digits: 12 %, 1.4 %, 2e-4, 5e-8.
        let mut y = d.bits_below(RECIPROCAL);
        for _ in 0..3 {
            let rest = V::splat(0.0).sub(d).mul_add(y, V::splat(1.0));
            y = y.mul_add(rest, y);
        }
        y
    }
}

/// `x * sigmoid(x)`.
///
/// # Safety
/// `V`'s instructions.
#[inline(always)]
pub(super) unsafe fn silu<V: Vector>(x: V) -> V {
    // SAFETY: the caller's instructions.
    unsafe { x.mul(sigmoid(x)) }
}

/// The derivative of [`silu`]: `s + x s (1 - s)`.
///
/// # Safety
/// `V`'s instructions.
#[inline(always)]
pub(super) unsafe fn silu_slope<V: Vector>(x: V) -> V {
    // SAFETY: the caller's instructions.
    unsafe {
        let s = sigmoid(x);
        let falling = V::splat(1.0).sub(s);
        x.mul(s).mul_add(falling, s)
    }
}
