//! Layers over frames, channels last: `[batch, frames, channels]`, or `[batch, frames, bins, channels]` for the 2-D ones.
//! Knows nothing of diffusion.
//!
//! On the CPU the hot layers are our own operations with their own backward pass, because candle 0.11's conv1d returns
//! wrong weight gradients for batches above one and its normalisations and activations run one scalar at a time. On
//! other devices the same layers are composed of candle's operations; tests hold the two against each other.
//!
//! Read next: [`Weights`], where parameters come from, then [`Conv1d`].

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
pub use linear::Linear;
pub use norm::GroupNorm;
pub use plan::{Node, Plan, Recording, Runner, Workspace};
pub use value::Value;
pub use weights::{Init, Weights};
