//! The engine played without a host: what a listener would notice if it broke.

mod blocks;
mod expression;
mod kit;
mod mono;
mod notes;
mod playback;
mod region;
mod stealing;
mod support;
mod swap;
