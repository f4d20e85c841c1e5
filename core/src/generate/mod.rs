//! The only door for inference: a [`Request`] in, a sound with its [`Recipe`] out.
//!
//! A [`Session`] holds a model and its own threads. [`Session::resolve`] turns a request (what the user said) into a
//! recipe (everything that makes the clip); [`Session::render`] makes the clip. The same recipe gives the same bytes,
//! alone or among others, on one thread or many. Read `request.rs` first, then `pipeline.rs`, where a clip is made.

mod cancel;
mod device;
mod folder;
mod pipeline;
mod recipe;
mod request;
mod session;
mod watch;

pub use cancel::Cancel;
pub use device::device;
pub use folder::models_folder;
pub use recipe::{RECIPE_VERSION, Recipe};
pub use request::{Request, attribute};
pub use session::{Rendered, Session};
