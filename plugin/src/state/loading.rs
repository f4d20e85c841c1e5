//! Whether this thread is in the middle of loading a state.
//!
//! nice-plug loads in one go on one thread: [`begin`] from `filter_state`, then the parameters, then the fields, of which
//! every state has the sounds: [`end`]. A switch that means "now" must not take a loaded value for a press.

use std::cell::Cell;

thread_local! {
    static IS_LOADING: Cell<bool> = const { Cell::new(false) };
}

/// What is set from now on comes from a state.
pub fn begin() {
    IS_LOADING.set(true);
}

/// What is set from now on does not.
pub fn end() {
    IS_LOADING.set(false);
}

/// Whether a parameter that is set now comes from a state. For any thread, the audio thread too.
pub fn is_loading() -> bool {
    IS_LOADING.get()
}
