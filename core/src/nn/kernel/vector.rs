//! [`Vector`]: a register of `f32` lanes, for each kind of processor that we know.
//!
//! Kernels are written once over this trait and compiled for every implementation. Every operation is exactly rounded
//! and lane by lane, so a kernel gives the same bits on all that fuse multiplication and addition.

use half::f16;

/// A few `f32` that are computed on together.
///
/// # Safety
/// Methods may be called only on a processor that has the implementation's instructions, best from a function compiled
/// for them (`#[target_feature]`) into which they are inlined. Pointers must be valid for [`Vector::LANES`] values.
pub(super) trait Vector: Copy {
    /// Values in a register.
    const LANES: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// As [`Vector::load`], of half-precision floats.
    unsafe fn load_half(from: *const f16) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once where the processor can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    /// The bits of `self` plus `bits`, moved 23 to the left: from `n + 1.5 * 2^23` to `2^n` for `bits` 127.
    unsafe fn exponent(self, bits: i32) -> Self;
    /// `bits` minus the bits of `self`.
    unsafe fn bits_below(self, bits: i32) -> Self;
}

/// Plain Rust, for any processor; what Miri and sanitizers run. AArch64 compilers turn it into NEON.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(super) struct Portable([f32; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Vector for Portable {
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's pointer is valid for LANES values.
        Self(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn load_half(from: *const f16) -> Self {
        // SAFETY: the caller's pointer is valid for LANES values.
        Self(unsafe { from.cast::<[f16; 8]>().read_unaligned() }.map(f32::from))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's pointer is valid for LANES values.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // Where the instruction is missing, `f32::mul_add` is a slow function call.
        const FUSES: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));
        let fuse = |i: usize| match FUSES {
            true => self.0[i].mul_add(factor.0[i], addend.0[i]),
            false => self.0[i] * factor.0[i] + addend.0[i],
        };
        Self(std::array::from_fn(fuse))
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn exponent(self, bits: i32) -> Self {
        Self(self.0.map(|x| f32::from_bits(x.to_bits().wrapping_add(bits as u32) << 23)))
    }
    #[inline(always)]
    unsafe fn bits_below(self, bits: i32) -> Self {
        Self(self.0.map(|x| f32::from_bits((bits as u32).wrapping_sub(x.to_bits()))))
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use half::f16;

    use super::Vector;

    /// 8 lanes; needs AVX2, FMA and F16C.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256);

    /// 16 lanes; needs AVX-512F.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512);

    /// One implementation for each width: only the intrinsics' names differ.
    macro_rules! implement {
        ($name:ident, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident,
         $fma:ident, $max:ident, $min:ident, $bits:ident, $floats:ident, $splat_bits:ident, $add_bits:ident,
         $sub_bits:ident, $shift:ident, $load_bits:ident, $half:ident) => {
            impl Vector for $name {
                const LANES: usize = $lanes;
                // SAFETY of every block: the trait's caller vouches for the instructions and the pointers.
                #[inline(always)]
                unsafe fn splat(value: f32) -> Self {
                    Self(unsafe { $splat(value) })
                }
                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    Self(unsafe { $load(from) })
                }
                #[inline(always)]
                unsafe fn load_half(from: *const f16) -> Self {
                    Self(unsafe { $half($load_bits(from.cast())) })
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    unsafe { $store(to, self.0) }
                }
                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    Self(unsafe { $add(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn sub(self, other: Self) -> Self {
                    Self(unsafe { $sub(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn mul(self, other: Self) -> Self {
                    Self(unsafe { $mul(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
                    Self(unsafe { $fma(self.0, factor.0, addend.0) })
                }
                #[inline(always)]
                unsafe fn max(self, other: Self) -> Self {
                    Self(unsafe { $max(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn min(self, other: Self) -> Self {
                    Self(unsafe { $min(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn exponent(self, bits: i32) -> Self {
                    Self(unsafe { $floats($shift::<23>($add_bits($bits(self.0), $splat_bits(bits)))) })
                }
                #[inline(always)]
                unsafe fn bits_below(self, bits: i32) -> Self {
                    Self(unsafe { $floats($sub_bits($splat_bits(bits), $bits(self.0))) })
                }
            }
        };
    }

    implement!(
        Avx2,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_fmadd_ps,
        _mm256_max_ps,
        _mm256_min_ps,
        _mm256_castps_si256,
        _mm256_castsi256_ps,
        _mm256_set1_epi32,
        _mm256_add_epi32,
        _mm256_sub_epi32,
        _mm256_slli_epi32,
        _mm_loadu_si128,
        _mm256_cvtph_ps
    );
    implement!(
        Avx512,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_fmadd_ps,
        _mm512_max_ps,
        _mm512_min_ps,
        _mm512_castps_si512,
        _mm512_castsi512_ps,
        _mm512_set1_epi32,
        _mm512_add_epi32,
        _mm512_sub_epi32,
        _mm512_slli_epi32,
        _mm256_loadu_si256,
        _mm512_cvtph_ps
    );
}
