//! Layers over frames, channels last: `[frames, channels]`, or `[frames, bins, channels]` for the 2-D ones, with a batch
//! in front. Knows nothing of diffusion.
//!
//! A network is written once, over [`Value`]s. On the CPU it is recorded into a [`Plan`], which computes it and its
//! gradients on kernels of our own: candle 0.11's conv1d returns wrong weight gradients for batches above one, its
//! normalisations and activations run one scalar at a time, and its tape allocates at every step. On other devices the
//! same layers are composed of candle's operations; tests hold the two against each other.
//!
//! Read next: [`Weights`], where parameters come from, then [`Conv1d`], then `plan/mod.rs` and `kernel/mod.rs`.

mod attention;
mod conv1d;
mod depthwise;
mod filter_block;
mod kernel;
mod linear;
mod norm;
mod op;
mod plan;
mod silu;
mod value;
mod weights;

pub use attention::SelfAttention;
pub use conv1d::{Conv1d, Conv1dConfig, Padding};
pub use filter_block::FilterBlock2d;
pub use kernel::isa::instructions;
pub use linear::Linear;
pub use norm::GroupNorm;
#[cfg(feature = "cuda")]
pub use plan::{Card, CardPlan, CardWeights, Question, StepNumbers, Sums};
pub use plan::{Node, Plan, Recording, Runner, Workspace};
pub use value::Value;
pub use weights::{Init, Weights};
