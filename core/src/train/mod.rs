//! Training: a folder of sounds in, a model file out.
//!
//! [`Trainer`] runs the loop. Everything that it draws comes from streams named by the step and the example, so a
//! resumed training goes on exactly as if it had never stopped.
//!
//! Read next: `trainer.rs`, then `prepare.rs` (an example becomes what the networks see) and `networks.rs` (the loss).

#[cfg(feature = "cuda")]
mod batch;
#[cfg(feature = "cuda")]
mod card;
mod checkpoint;
mod config;
mod curves;
mod engine;
mod export;
mod held_out;
mod log;
mod networks;
mod objective;
mod optimizer;
mod prepare;
mod preview;
mod report;
mod restore;
mod start;
mod start_noise;
mod stop;
mod teacher;
mod trainer;
mod window;

pub use checkpoint::{CheckpointInfo, read_info};
pub use config::{Learns, Loss, TrainConfig};
pub use held_out::{HeldOut, SIGMAS};
pub use objective::{Consistency, Objective};
pub use optimizer::{OptimizerConfig, Rule};
pub use report::{Event, Files, Identity, Progress, Summary};
pub use stop::Limit;
pub use trainer::{Hardware, Trainer};
