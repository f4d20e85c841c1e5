//! The window: one screen for everything that the instrument does.
//!
//! Drawn with egui, whenever something changes and not otherwise. Nothing here touches the audio thread: parameters go
//! through the host, sounds through the worker. Read `app.rs` (one frame) and `model.rs` (what the window knows and asks)
//! next, then any panel; `theme.rs` and `layout.rs` hold the looks.

mod app;
mod button;
mod curve;
mod envelope_view;
mod files;
mod filter_view;
mod gallery;
mod generate;
mod gesture;
mod header;
mod history;
mod instrument;
mod knob;
mod layout;
mod model;
mod output;
mod pads;
mod picture;
mod repaint;
mod sound_bar;
mod status;
mod theme;
mod wave_view;
mod window;

pub use repaint::Repaint;
pub use window::BrownianEditor;
