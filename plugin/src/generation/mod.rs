//! Making sounds while others play: a thread of its own for every instance.
//!
//! The audio thread sends an [`Order`] through a wait-free ring, the window a [`Command`] through the [`Mailbox`]; the
//! worker renders it with a [`Generator`] and gives the engine first a rough preview, then the finished sound. Read
//! `worker.rs` next, then `mailbox.rs` (what other threads tell the worker), `evolve.rs` (sounds made before they are
//! asked for) and `model.rs` (the generator behind which the models lie).

mod command;
mod evolve;
mod generator;
mod mailbox;
mod model;
mod order;
mod outbox;
mod priority;
mod queue;
mod temporary;
mod trigger;
mod worker;

pub use command::{Command, Making, View};
pub use generator::{Generator, OnStep, RenderError, Source, Spec};
pub use mailbox::Mailbox;
pub use model::{CLASSES, ModelGenerator, model_ids, what_it_makes};
pub use order::{Kind, NUM_ATTRIBUTES, Order, Settings, Target};
#[cfg(test)]
pub(crate) use temporary::TemporaryFile;
pub use trigger::Trigger;
pub use worker::{Generation, ORDER_CAPACITY, Start, Wishes};
