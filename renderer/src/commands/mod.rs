//! One file a command: what was typed becomes core calls becomes a report.

pub mod audition;
pub mod batch;
pub mod completions;
pub mod data;
pub mod distill;
pub mod evaluate;
pub mod export;
pub mod inspect;
pub mod man;
pub mod models;
pub mod render;
pub mod train;
pub mod verify;
