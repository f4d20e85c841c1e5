//! The kernels: loops over `f32` slices for every instruction set, chosen at run time. All `unsafe` of the crate is here.

pub(in crate::nn) mod activation;
pub(in crate::nn) mod filter;
pub(in crate::nn) mod gemm;
pub(in crate::nn) mod isa;
pub(in crate::nn) mod rows;
pub(in crate::nn) mod vector;
