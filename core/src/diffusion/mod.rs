//! Noise schedules, denoisers, preconditioning, guidance, losses and samplers. Knows no network.
//!
//! Read [`Denoiser`] first, then [`karras_sigmas`], one sampler ([`euler`] is the shortest), and
//! [`precondition`], where a network becomes a denoiser. Tensors are `[batch, frames, channels]`, `f32`.

mod consistency;
mod denoiser;
mod dpmpp_2m;
mod euler;
mod guidance;
mod heun;
mod invert;
mod knowing;
mod loss;
mod mix;
mod noise_levels;
pub mod precondition;
mod sampler;
mod schedule;

#[cfg(test)]
mod closed_form;

pub use consistency::consistency;
pub use denoiser::Denoiser;
pub use dpmpp_2m::dpmpp_2m;
pub use euler::euler;
pub use guidance::Guided;
pub use heun::heun;
pub use invert::invert;
pub use knowing::Knowing;
pub use loss::{mean_squared_error, pseudo_huber, squared_error_per_item};
pub use noise_levels::NoiseLevels;
pub use precondition::{denoised_from_velocity, noised, velocity_target};
pub use sampler::Sampler;
pub use schedule::karras_sigmas;
