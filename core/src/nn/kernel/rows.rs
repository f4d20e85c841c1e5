//! Loops over rows of channels: each channel its own scale, shift or sum.

use super::activation::{exp, silu, silu_slope};
use super::isa::{Isa, dispatch};
use super::vector::Vector;

dispatch! {
    /// `out = x * scale + shift` by channel, then SiLU if `activate`.
    ///
    /// # Panics
    /// If slices do not fit.
    pub(in crate::nn) fn affine(out: &mut [f32], x: &[f32], scale: &[f32], shift: &[f32], activate: bool) = affine_kernel
}

dispatch! {
    /// `grad` back through SiLU at `x * scale + shift`, by channel.
    ///
    /// # Panics
    /// If slices do not fit.
    pub(in crate::nn) fn affine_silu_gradient(
        out: &mut [f32], x: &[f32], scale: &[f32], shift: &[f32], grad: &[f32],
    ) = affine_silu_gradient_kernel
}

dispatch! {
    /// `out = silu(x)`.
    ///
    /// # Panics
    /// If slices do not fit.
    pub(in crate::nn) fn silu_into(out: &mut [f32], x: &[f32]) = silu_kernel
}

dispatch! {
    /// `out = grad * silu'(x)`.
    ///
    /// # Panics
    /// If slices do not fit.
    pub(in crate::nn) fn silu_gradient(out: &mut [f32], x: &[f32], grad: &[f32]) = silu_gradient_kernel
}

dispatch! {
    /// `out = a * ka + b * kb + kc` by channel.
    ///
    /// # Panics
    /// If slices do not fit.
    pub(in crate::nn) fn combine(
        out: &mut [f32], a: &[f32], ka: &[f32], b: &[f32], kb: &[f32], kc: &[f32],
    ) = combine_kernel
}

dispatch! {
    /// Per channel: `sums[c] = sum a`, `products[c] = sum a b` over rows.
    ///
    /// # Panics
    /// If slices do not fit.
    pub(in crate::nn) fn sums_and_products(sums: &mut [f32], products: &mut [f32], a: &[f32], b: &[f32]) = sums_kernel
}

dispatch! {
    /// Per channel of a range: `sums[c] = sum x`, `squares[c] = sum x^2` over rows that are `stride` apart; `x` starts at
    /// the range's first channel.
    ///
    /// # Panics
    /// If slices do not fit.
    pub(in crate::nn) fn range_moments(
        sums: &mut [f32], squares: &mut [f32], x: &[f32], stride: usize, rows: usize,
    ) = range_moments_kernel
}

/// A range of channels of rows that others write other ranges of.
#[derive(Clone, Copy)]
pub(in crate::nn) struct Columns {
    /// The first row's first channel of the range.
    pub data: *mut f32,
    pub stride: usize,
    pub rows: usize,
}

dispatch! {
    /// As [`affine`], on a range of channels of rows; `x` starts at the range's first channel, its rows as far apart.
    ///
    /// # Safety
    /// Not marked, for [`dispatch`] makes safe functions: `out` is valid for its rows, and the range the caller's alone.
    ///
    /// # Panics
    /// If slices do not fit.
    pub(in crate::nn) fn affine_range(
        out: Columns, x: &[f32], scale: &[f32], shift: &[f32], activate: bool,
    ) = affine_range_kernel
}

dispatch! {
    /// Per channel: `sums[c] += sum a` over rows.
    ///
    /// # Panics
    /// If slices do not fit.
    pub(in crate::nn) fn add_sums(sums: &mut [f32], a: &[f32]) = add_sums_kernel
}

dispatch! {
    /// `x = exp((x - shift) * scale)`.
    pub(in crate::nn) fn exp_scaled(x: &mut [f32], scale: f32, shift: f32) = exp_scaled_kernel
}

/// Up to a register's worth of values from a slice, zeros behind them.
///
/// # Safety
/// `V`'s instructions.
#[inline(always)]
unsafe fn load<V: Vector>(from: &[f32]) -> V {
    // SAFETY: `from`, or else the buffer, holds LANES values.
    unsafe {
        if from.len() >= V::LANES {
            return V::load(from.as_ptr());
        }
        let mut buffer = [0.0f32; 16];
        buffer[..from.len()].copy_from_slice(from);
        V::load(buffer.as_ptr())
    }
}

/// A register, or as much of it as the slice holds.
///
/// # Safety
/// `V`'s instructions.
#[inline(always)]
unsafe fn store<V: Vector>(value: V, to: &mut [f32]) {
    // SAFETY: `to`, or else the buffer, holds LANES values.
    unsafe {
        if to.len() >= V::LANES {
            return value.store(to.as_mut_ptr());
        }
        let mut buffer = [0.0f32; 16];
        value.store(buffer.as_mut_ptr());
        to.copy_from_slice(&buffer[..to.len()]);
    }
}

#[inline(always)]
unsafe fn affine_kernel<V: Vector>(out: &mut [f32], x: &[f32], scale: &[f32], shift: &[f32], activate: bool) {
    let channels = scale.len();
    assert!(out.len() == x.len() && shift.len() == channels, "slices fit");
    for (out, x) in out.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
        for i in (0..channels).step_by(V::LANES) {
            // SAFETY: `V`'s instructions, by the dispatch.
            unsafe {
                let y = load::<V>(&x[i..]).mul_add(load(&scale[i..]), load(&shift[i..]));
                store(if activate { silu(y) } else { y }, &mut out[i..]);
            }
        }
    }
}

#[inline(always)]
unsafe fn affine_silu_gradient_kernel<V: Vector>(
    out: &mut [f32],
    x: &[f32],
    scale: &[f32],
    shift: &[f32],
    grad: &[f32],
) {
    let channels = scale.len();
    assert!(out.len() == x.len() && grad.len() == x.len() && shift.len() == channels, "slices fit");
    let rows = out.chunks_exact_mut(channels).zip(x.chunks_exact(channels)).zip(grad.chunks_exact(channels));
    for ((out, x), grad) in rows {
        for i in (0..channels).step_by(V::LANES) {
            // SAFETY: `V`'s instructions, by the dispatch.
            unsafe {
                let y = load::<V>(&x[i..]).mul_add(load(&scale[i..]), load(&shift[i..]));
                store(load::<V>(&grad[i..]).mul(silu_slope(y)), &mut out[i..]);
            }
        }
    }
}

#[inline(always)]
unsafe fn silu_kernel<V: Vector>(out: &mut [f32], x: &[f32]) {
    assert_eq!(out.len(), x.len(), "slices fit");
    for (out, x) in out.chunks_mut(V::LANES).zip(x.chunks(V::LANES)) {
        // SAFETY: `V`'s instructions, by the dispatch.
        unsafe { store(silu(load::<V>(x)), out) }
    }
}

#[inline(always)]
unsafe fn silu_gradient_kernel<V: Vector>(out: &mut [f32], x: &[f32], grad: &[f32]) {
    assert!(out.len() == x.len() && grad.len() == x.len(), "slices fit");
    for ((out, x), grad) in out.chunks_mut(V::LANES).zip(x.chunks(V::LANES)).zip(grad.chunks(V::LANES)) {
        // SAFETY: `V`'s instructions, by the dispatch.
        unsafe { store(load::<V>(grad).mul(silu_slope(load(x))), out) }
    }
}

#[inline(always)]
unsafe fn combine_kernel<V: Vector>(out: &mut [f32], a: &[f32], ka: &[f32], b: &[f32], kb: &[f32], kc: &[f32]) {
    let channels = ka.len();
    assert!(out.len() == a.len() && out.len() == b.len() && kb.len() == channels && kc.len() == channels, "slices fit");
    let rows = out.chunks_exact_mut(channels).zip(a.chunks_exact(channels)).zip(b.chunks_exact(channels));
    for ((out, a), b) in rows {
        for i in (0..channels).step_by(V::LANES) {
            // SAFETY: `V`'s instructions, by the dispatch.
            unsafe {
                let y = load::<V>(&b[i..]).mul_add(load(&kb[i..]), load(&kc[i..]));
                store(load::<V>(&a[i..]).mul_add(load(&ka[i..]), y), &mut out[i..]);
            }
        }
    }
}

#[inline(always)]
unsafe fn sums_kernel<V: Vector>(sums: &mut [f32], products: &mut [f32], a: &[f32], b: &[f32]) {
    let channels = sums.len();
    assert!(products.len() == channels && a.len() == b.len(), "slices fit");
    for i in (0..channels).step_by(V::LANES) {
        // SAFETY: `V`'s instructions, by the dispatch.
        unsafe {
            let (mut sum, mut product) = (V::splat(0.0), V::splat(0.0));
            for (a, b) in a.chunks_exact(channels).zip(b.chunks_exact(channels)) {
                let a = load::<V>(&a[i..]);
                sum = sum.add(a);
                product = a.mul_add(load(&b[i..]), product);
            }
            store(sum, &mut sums[i..]);
            store(product, &mut products[i..]);
        }
    }
}

#[inline(always)]
unsafe fn add_sums_kernel<V: Vector>(sums: &mut [f32], a: &[f32]) {
    let channels = sums.len();
    for i in (0..channels).step_by(V::LANES) {
        // SAFETY: `V`'s instructions, by the dispatch.
        unsafe {
            let mut sum = load::<V>(&sums[i..]);
            for a in a.chunks_exact(channels) {
                sum = sum.add(load(&a[i..]));
            }
            store(sum, &mut sums[i..]);
        }
    }
}

#[inline(always)]
unsafe fn range_moments_kernel<V: Vector>(
    sums: &mut [f32],
    squares: &mut [f32],
    x: &[f32],
    stride: usize,
    rows: usize,
) {
    let width = sums.len();
    assert!(squares.len() == width && width <= stride && (rows - 1) * stride + width <= x.len(), "slices fit");
    for i in (0..width).step_by(V::LANES) {
        // SAFETY: `V`'s instructions, by the dispatch.
        unsafe {
            let (mut sum, mut square) = (V::splat(0.0), V::splat(0.0));
            for row in 0..rows {
                let x = load::<V>(&x[row * stride..][i..width]);
                sum = sum.add(x);
                square = x.mul_add(x, square);
            }
            store(sum, &mut sums[i..]);
            store(square, &mut squares[i..]);
        }
    }
}

#[inline(always)]
unsafe fn affine_range_kernel<V: Vector>(out: Columns, x: &[f32], scale: &[f32], shift: &[f32], activate: bool) {
    let width = scale.len();
    assert!(shift.len() == width && width <= out.stride, "slices fit");
    assert!((out.rows - 1) * out.stride + width <= x.len(), "slices fit");
    for row in 0..out.rows {
        let x = &x[row * out.stride..][..width];
        // SAFETY: the caller's range of this row.
        let out = unsafe { std::slice::from_raw_parts_mut(out.data.add(row * out.stride), width) };
        for i in (0..width).step_by(V::LANES) {
            // SAFETY: `V`'s instructions, by the dispatch.
            unsafe {
                let y = load::<V>(&x[i..]).mul_add(load(&scale[i..]), load(&shift[i..]));
                store(if activate { silu(y) } else { y }, &mut out[i..]);
            }
        }
    }
}

#[inline(always)]
unsafe fn exp_scaled_kernel<V: Vector>(x: &mut [f32], scale: f32, shift: f32) {
    for x in x.chunks_mut(V::LANES) {
        // SAFETY: `V`'s instructions, by the dispatch.
        unsafe { store(exp(load::<V>(x).sub(V::splat(shift)).mul(V::splat(scale))), x) }
    }
}
