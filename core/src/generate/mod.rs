//! The only door for inference: a [`Request`] in, a sound with its [`Recipe`] out.
//!
//! A [`Session`] holds a model and its own threads. [`Session::resolve`] turns a request (what the user said) into a
//! recipe (everything that makes the clip); [`Session::render`] makes the clip. The same recipe gives the same bytes,
//! alone or among others, on one thread or many. A [`FileRecipe`] turns the clip into a file that holds its recipe. Read
//! `request.rs` first, then `pipeline.rs`, where a clip is made.
//!
//! ```no_run
//! use brownian_core::generate::{Cancel, Request, Session, device, models_folder};
//! use brownian_core::model::Registry;
//!
//! let model = Registry::new(models_folder()).open("drums", &device("auto")?)?;
//! let session = Session::new(model.into(), 0)?;
//! let request = Request { class: Some("kick".into()), seed: 7, ..Request::default() };
//! let kick = session.render(&request, &Cancel::default(), &|step, steps| eprintln!("{step}/{steps}"))?;
//! println!("{} samples of {}", kick.clip.num_frames(), kick.recipe.to_json());
//! # Ok::<(), brownian_core::Error>(())
//! ```

mod attack;
mod cancel;
mod check_edit;
mod classes;
mod condition;
mod contrast;
mod crest;
mod dc;
mod device;
mod dither;
mod drift;
mod edit;
#[cfg(test)]
mod edit_tests;
mod fade;
mod field;
mod file_recipe;
mod finish;
mod folder;
mod inpaint;
mod level;
mod long;
mod looping;
mod order;
mod pipeline;
mod recipe;
mod request;
mod session;
mod shaping;
mod sound_file;
mod sounds;
mod stages;
mod steady;
mod threads;
mod tilt;
mod to_disk;
mod transient;
mod tune;
mod watch;
mod width;
#[cfg(test)]
mod width_tests;

pub use cancel::Cancel;
pub use device::device;
#[cfg(feature = "train")]
pub(crate) use drift::{Drift, Stage as DriftStage};
pub use edit::{Edit, Init, Inpaint, Morph, MorphEnd, Vary};
#[cfg(feature = "train")]
pub(crate) use fade::fade_ends;
pub use file_recipe::FileRecipe;
pub use finish::{FileFormat, Finish, Level};
pub use folder::models_folder;
pub use looping::{Loop, Tempo};
pub use recipe::{RECIPE_VERSION, Recipe};
pub use request::{Request, attribute};
pub use session::{Rendered, Session};
pub use shaping::{Shaping, Sustain};
pub use sound_file::SoundFile;
pub use to_disk::Written;
