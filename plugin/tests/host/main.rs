//! The whole plugin in a CLAP host: what the engine's and the worker's own tests cannot see.

mod blocks;
mod bounce;
mod busy;
mod clap_host;
mod discovery;
mod generate;
mod guard;
mod presets;
mod scan;
mod soak;
mod state;
#[cfg(unix)]
mod timing;
