//! The part that runs on the audio thread: voices playing one clip.
//!
//! Nothing here knows a host, and after [`Voices::new`] nothing allocates, frees, locks or logs.
//! [`Voices`] shares notes out, [`Voice`] plays one, [`Fade`] ends it, [`reader`] interpolates.

mod envelope;
mod event;
pub mod reader;
mod voice;
mod voices;

pub use envelope::Fade;
pub use event::{Address, Event};
pub use voice::Voice;
pub use voices::{MAX_NOTES, ROOT_KEY, Voices};
