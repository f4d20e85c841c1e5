//! [`Isa`]: which instructions this processor has, and the macro that compiles a kernel for each.

use std::sync::OnceLock;

/// The environment variable that chooses another instruction set than the best.
const VARIABLE: &str = "BROWNIAN_INSTRUCTIONS";

/// The instruction set that the kernels of this process use: `portable`, `avx2` or `avx512`, the best that the
/// processor has unless the environment variable `BROWNIAN_INSTRUCTIONS` names another.
///
/// # Errors
/// The variable names none, or one that the processor lacks: one line that says which it has. (Whoever does not ask
/// gets the best.)
pub fn instructions() -> Result<&'static str, String> {
    Isa::chosen().map(|_| Isa::best().name())
}

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
    /// The best of this processor, or what [`VARIABLE`] names instead; asked once.
    pub(in crate::nn) fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::chosen().ok().flatten().unwrap_or(Self::of_processor()))
    }

    fn of_processor() -> Self {
        *Self::available().last().unwrap_or(&Self::Portable)
    }

    /// What [`VARIABLE`] names; `None` where it is not set.
    fn chosen() -> Result<Option<Self>, String> {
        std::env::var(VARIABLE).ok().map(|name| Self::named(&name)).transpose()
    }

    /// The one of this name, if the processor has it.
    fn named(name: &str) -> Result<Self, String> {
        let available = Self::available();
        let names: Vec<_> = available.iter().map(|isa| isa.name()).collect();
        let found = available.iter().find(|isa| isa.name() == name);
        found.copied().ok_or_else(|| {
            format!("{VARIABLE} is {name:?}; this processor runs {}: take one of them, or unset it", names.join(", "))
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_set_is_found_by_its_name_and_no_other() {
        for isa in Isa::available() {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
        }
        let error = Isa::named("sse9").unwrap_err();
        assert!(error.contains("sse9") && error.contains("portable"), "{error}");
    }
}
