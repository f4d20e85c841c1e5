//! Helpers of the whole-program tests: the real binary, run in a folder of its own, and files to give it.

pub mod program;
pub mod sounds;
