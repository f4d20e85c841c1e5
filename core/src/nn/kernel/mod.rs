//! The kernels: loops over `f32` slices for every instruction set, chosen at run time, and the threads that share them.
//!
//! Nearly all `unsafe` of the crate is here: vector instructions behind functions that check their slices. The rest is
//! in `plan/forward.rs`, which hands threads their parts of one memory.

pub(in crate::nn) mod activation;
pub(in crate::nn) mod filter;
pub(in crate::nn) mod gemm;
pub(in crate::nn) mod isa;
pub(in crate::nn) mod memory;
pub(in crate::nn) mod rows;
pub(in crate::nn) mod team;
pub(in crate::nn) mod vector;

#[cfg(test)]
mod tests;
