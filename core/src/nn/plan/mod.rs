//! [`Plan`]: a network laid out for the CPU: its operations in order, its matrices packed, its memory planned.
//!
//! A network written over [`Value`](super::Value)s is recorded once ([`Recording`]); the plan then computes it, and its
//! gradients, without a tape and without allocating. What depends on the noise level and the condition alone (the
//! embedding and all that modulates the layers) is computed beforehand, for all noise levels of a schedule at once.
//!
//! Read next: `op.rs`, the operations; `forward.rs` and `backward.rs`, what they compute; `workspace.rs`, where.

mod attention;
mod backward;
#[cfg(feature = "cuda")]
mod cuda;
mod forward;
mod layout;
mod op;
mod parameters;
mod permute;
mod recording;
mod workspace;

#[cfg(feature = "cuda")]
pub use cuda::{Card, CardPlan, CardWeights, Question, StepNumbers, Sums};
pub(super) use op::{Mix, Norm, Op, Product};
pub use recording::{Node, Recording};
pub use workspace::{Plan, Runner, Workspace};
