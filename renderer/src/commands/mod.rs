//! One file a command: what was typed becomes core calls becomes a report.

pub mod completions;
pub mod data;
