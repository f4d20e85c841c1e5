//! Vector loops: plain Rust that the compiler turns into the widest vectors of the machine it runs on.
//!
//! Each function is compiled several times; the version is chosen at run time, so no build flag is needed.

use multiversion::multiversion;

/// e^x to 2 ulp for |x| < 87, clamped outside; branch-free, so loops over it become vectors.
///
/// Range reduction by ln 2 in two parts and the degree-6 polynomial of Cephes' `expf`.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 87.0);
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer without a function call.
    const ROUND: f32 = 12_582_912.0;
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 0.166_666_65;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    p * f32::from_bits(((n as i32 + 127) << 23) as u32)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `out[i] = x[i] * sigmoid(x[i])`.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn silu_into(out: &mut [f32], x: &[f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = x * sigmoid(x);
    }
}

/// `out[i] = grad[i] * silu'(x[i])`.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn silu_grad_into(out: &mut [f32], x: &[f32], grad: &[f32]) {
    for ((out, &x), &grad) in out.iter_mut().zip(x).zip(grad) {
        let s = sigmoid(x);
        *out = grad * (s + x * s * (1.0 - s));
    }
}

/// `out[i] = x[i] * scale[c] + shift[c]`, then SiLU if `ACTIVATE`; rows of `scale.len()` channels.
#[inline(always)]
fn affine_rows<const ACTIVATE: bool>(out: &mut [f32], x: &[f32], scale: &[f32], shift: &[f32]) {
    let channels = scale.len();
    for (out, x) in out.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
        for (((out, &x), &scale), &shift) in out.iter_mut().zip(x).zip(scale).zip(shift) {
            let y = x * scale + shift;
            *out = if ACTIVATE { y * sigmoid(y) } else { y };
        }
    }
}

/// `out = x * scale + shift` by channel.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn affine_into(out: &mut [f32], x: &[f32], scale: &[f32], shift: &[f32]) {
    affine_rows::<false>(out, x, scale, shift);
}

/// `out = silu(x * scale + shift)` by channel.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn affine_silu_into(out: &mut [f32], x: &[f32], scale: &[f32], shift: &[f32]) {
    affine_rows::<true>(out, x, scale, shift);
}

/// `grad` through SiLU at `x * scale + shift`, by channel.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn affine_silu_grad_into(out: &mut [f32], x: &[f32], scale: &[f32], shift: &[f32], grad: &[f32]) {
    let channels = scale.len();
    let rows = out.chunks_exact_mut(channels).zip(x.chunks_exact(channels)).zip(grad.chunks_exact(channels));
    for ((out, x), grad) in rows {
        for ((((out, &x), &grad), &scale), &shift) in out.iter_mut().zip(x).zip(grad).zip(scale).zip(shift) {
            let y = x * scale + shift;
            let s = sigmoid(y);
            *out = grad * (s + y * s * (1.0 - s));
        }
    }
}

/// Per channel: `sums[c] += sum x`, `squares[c] += sum x^2` over rows.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn moments(sums: &mut [f32], squares: &mut [f32], x: &[f32]) {
    for x in x.chunks_exact(sums.len()) {
        for ((sum, square), &x) in sums.iter_mut().zip(squares.iter_mut()).zip(x) {
            *sum += x;
            *square += x * x;
        }
    }
}

/// Per channel: `sums[c] += sum a`, `products[c] += sum a b` over rows.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn sums_and_products(sums: &mut [f32], products: &mut [f32], a: &[f32], b: &[f32]) {
    let channels = sums.len();
    for (a, b) in a.chunks_exact(channels).zip(b.chunks_exact(channels)) {
        for (((sum, product), &a), &b) in sums.iter_mut().zip(products.iter_mut()).zip(a).zip(b) {
            *sum += a;
            *product += a * b;
        }
    }
}

/// `out[i] = a[i] * ka[c] + b[i] * kb[c] + kc[c]` by channel.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn combine_into(out: &mut [f32], a: &[f32], ka: &[f32], b: &[f32], kb: &[f32], kc: &[f32]) {
    let channels = ka.len();
    let rows = out.chunks_exact_mut(channels).zip(a.chunks_exact(channels)).zip(b.chunks_exact(channels));
    for ((out, a), b) in rows {
        for (((((out, &a), &b), &ka), &kb), &kc) in out.iter_mut().zip(a).zip(b).zip(ka).zip(kb).zip(kc) {
            *out = a * ka + b * kb + kc;
        }
    }
}

/// `out[i] += bias[c]` by channel.
pub(super) fn add_bias(out: &mut [f32], bias: &[f32]) {
    for out in out.chunks_exact_mut(bias.len()) {
        for (out, &bias) in out.iter_mut().zip(bias) {
            *out += bias;
        }
    }
}

/// `out[i] += x[i] * weight[c]` by channel.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn add_scaled(out: &mut [f32], x: &[f32], weight: &[f32]) {
    let channels = weight.len();
    for (out, x) in out.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
        for ((out, &x), &weight) in out.iter_mut().zip(x).zip(weight) {
            *out += x * weight;
        }
    }
}

/// `out[c] += sum over rows of a[c] b[c]`.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn add_products(out: &mut [f32], a: &[f32], b: &[f32]) {
    let channels = out.len();
    for (a, b) in a.chunks_exact(channels).zip(b.chunks_exact(channels)) {
        for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *out += a * b;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silu_is_as_exact_as_f32_allows() {
        let x: Vec<f32> = (-4000..4000).map(|i| i as f32 * 0.01).collect();
        let mut y = vec![0.0; x.len()];
        silu_into(&mut y, &x);
        for (&x, &y) in x.iter().zip(&y) {
            let exact = f64::from(x) / (1.0 + (-f64::from(x)).exp());
            // 2 ulp of the exponential and one division: a few 1e-7 relative.
            assert!((f64::from(y) - exact).abs() <= 5e-7 * exact.abs() + 1e-30, "silu({x}) = {y}, not {exact}");
        }
    }
}
