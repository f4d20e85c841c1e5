//! [`Isa`]: which instructions this processor has, and the macro that compiles a kernel for each.

use std::sync::OnceLock;

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nn) enum Isa {
    /// Any processor. On AArch64 the compiler's NEON.
    Portable,
    /// x86-64 with AVX2, FMA and F16C: since 2013.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512F, too.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The best of this processor; asked once.
    pub(in crate::nn) fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| *Self::available().last().unwrap_or(&Self::Portable))
    }

    /// All that this processor can run, the best last.
    pub(in crate::nn) fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") {
            all.push(Self::Avx2);
            if is_x86_feature_detected!("avx512f") {
                all.push(Self::Avx512);
            }
        }
        all
    }

    /// Values in a register.
    pub(in crate::nn) fn lanes(self) -> usize {
        match self {
            Self::Portable => 8,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 8,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 16,
        }
    }
}

/// Define `fn name(isa, arguments)`, which runs the generic `kernel::<V>(arguments)` compiled for `isa`.
macro_rules! dispatch {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $kernel:ident) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name(isa: Isa, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            #[allow(clippy::too_many_arguments)]
            fn avx2($($argument: $type),*) {
                // SAFETY: this function is compiled for what `Avx2` needs; the kernel states what else.
                unsafe { $kernel::<$crate::nn::kernel::vector::Avx2>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma,f16c")]
            #[allow(clippy::too_many_arguments)]
            fn avx512($($argument: $type),*) {
                // SAFETY: this function is compiled for what `Avx512` needs; the kernel states what else.
                unsafe { $kernel::<$crate::nn::kernel::vector::Avx512>($($argument),*) }
            }
            match isa {
                // SAFETY: `Isa::available` found the instructions.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: `Isa::available` found the instructions.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: any processor runs `Portable`.
                Isa::Portable => unsafe { $kernel::<$crate::nn::kernel::vector::Portable>($($argument),*) },
            }
        }
    };
}

pub(super) use dispatch;
