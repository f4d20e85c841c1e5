//! Plans on a graphics card: the same operations as on the CPU, all clips of a batch in one launch each.
//!
//! Read next: `card.rs`, what launches; `plan.rs`, memory and the forward pass; `backward.rs`; `weights.rs`, the parameters
//! and what the optimizer keeps of them; `kernels.cu`, what runs on the card.

mod backward;
mod card;
mod plan;
mod weights;

pub use card::{Card, Sums};
pub use plan::{CardPlan, Question};
pub use weights::{CardWeights, StepNumbers};
