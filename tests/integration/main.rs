//! Whole-program tests: the real binary in a folder of its own, judged by files, stdout and exit code.

mod audition;
mod batch;
mod completions;
mod data;
mod evaluate;
mod export;
mod finishing;
mod guide;
mod inspect;
mod long;
mod loops;
#[cfg(target_os = "linux")]
mod memory;
mod models;
mod render;
mod render_bad_input;
mod render_edit;
mod render_exactly;
mod settings;
mod train;
mod verify;
