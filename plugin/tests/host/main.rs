//! The whole plugin in a CLAP host: what the engine's and the worker's own tests cannot see.

mod blocks;
mod bounce;
mod busy;
mod clap_host;
mod generate;
mod guard;
mod scan;
mod soak;
mod state;
mod timing;
