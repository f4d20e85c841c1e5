//! What the host's project keeps of the sounds.
//!
//! Beside the parameters a project holds every sound as a FLAC file in base64 with the recipe that made it, so that it
//! opens without a model and comes back to the last bit without being rendered. Read `take.rs` (one sound), `track.rs`
//! (what came before it) and `patch.rs` (all of them) first, then `stored.rs` (their form and its versions); `field.rs`
//! is the door to the host.

mod field;
pub(crate) mod loading;
mod patch;
mod place;
mod stored;
mod take;
mod track;
mod window;

pub use field::PatchField;
pub use patch::{FIRST_MODEL, Patch, STATE_VERSION, StateError};
pub use place::{NUM_PLACES, index_of, place_at};
pub use take::Take;
pub use window::{WindowField, WindowSettings};
