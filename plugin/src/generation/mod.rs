//! Making sounds while others play: a thread of its own for every instance.
//!
//! The audio thread sends an [`Order`] through a wait-free ring; the worker renders it with a [`Generator`] and gives
//! the engine first a rough preview, then the finished sound. Read `worker.rs` next, then `mailbox.rs` (what other
//! threads tell the worker) and `drums.rs` (the generator behind which the model lies).

mod drums;
mod generator;
mod mailbox;
mod order;
mod queue;
mod trigger;
mod worker;

pub use drums::{CLASSES, Drums};
pub use generator::{Generator, RenderError, Spec};
pub use mailbox::Mailbox;
pub use order::{NUM_ATTRIBUTES, Order, Settings, Target};
pub use trigger::Trigger;
pub use worker::{Generation, ORDER_CAPACITY};
