//! What a host's project keeps of the sounds: each as the audio that plays and the recipe that made it.
//!
//! A sound is played as its FLAC decodes, so that it comes back to the last bit without being rendered. Read `take.rs`
//! (one sound) and `patch.rs` (all of them) first; `field.rs` is the door to the host.

mod field;
mod patch;
mod place;
mod take;

pub use field::PatchField;
pub use patch::{Patch, STATE_VERSION, StateError};
pub use place::{NUM_PLACES, index_of, place_at};
pub use take::Take;
