//! [`Receiver`]: the host's form for what a preset is.

use std::ffi::{CStr, c_char};
use std::ptr;

use clap_sys::factory::preset_discovery::clap_preset_discovery_metadata_receiver as RawReceiver;
use clap_sys::timestamp::{CLAP_TIMESTAMP_UNKNOWN, clap_timestamp};
use clap_sys::universal_plugin_id::clap_universal_plugin_id;

use super::{c_string, plugin_id};

/// Borrowed for one call of the host's. A function that the host lacks is passed over.
pub(super) struct Receiver<'a>(&'a RawReceiver);

type Tell = unsafe extern "C" fn(*const RawReceiver, *const c_char);

impl<'a> Receiver<'a> {
    /// # Safety
    /// `raw` is null or the receiver that the host passed, which lives for `'a`.
    pub(super) unsafe fn of(raw: *const RawReceiver) -> Option<Self> {
        // SAFETY: the caller's promise.
        unsafe { raw.as_ref() }.map(Self)
    }

    /// The file cannot be read.
    pub(super) fn error(&self, os_error: i32, message: &str) {
        let message = c_string(message);
        if let Some(on_error) = self.0.on_error {
            // SAFETY: the receiver is the host's; the text lives until the call returns.
            unsafe { on_error(self.0, os_error, message.as_ptr()) };
        }
    }

    /// A preset of the instrument begins; `key` tells it from others at the same place. False if the host wants no more.
    pub(super) fn begin(&self, name: &str, key: Option<&str>) -> bool {
        let (name, key) = (c_string(name), key.map(c_string));
        let key = key.as_ref().map_or(ptr::null(), |key| key.as_ptr());
        // SAFETY: as above.
        let is_wanted = self.0.begin_preset.is_some_and(|begin| unsafe { begin(self.0, name.as_ptr(), key) });
        if is_wanted {
            self.belongs_to_us();
        }
        is_wanted
    }

    fn belongs_to_us(&self) {
        let id = clap_universal_plugin_id { abi: c"clap".as_ptr(), id: plugin_id().as_ptr() };
        if let Some(add) = self.0.add_plugin_id {
            // SAFETY: as above; so does the id.
            unsafe { add(self.0, &id) };
        }
    }

    /// Who made it.
    pub(super) fn creator(&self, name: &str) {
        self.tell(self.0.add_creator, &c_string(name));
    }

    /// What it is, as a line.
    pub(super) fn description(&self, line: &str) {
        self.tell(self.0.set_description, &c_string(line));
    }

    /// Words to find it by.
    pub(super) fn features<'w>(&self, words: impl IntoIterator<Item = &'w str>) {
        words.into_iter().for_each(|word| self.tell(self.0.add_feature, &c_string(word)));
    }

    /// When it was last changed, in seconds since 1970.
    pub(super) fn modified(&self, time_s: clap_timestamp) {
        if let Some(set) = self.0.set_timestamps {
            // SAFETY: plain numbers to the host's receiver.
            unsafe { set(self.0, CLAP_TIMESTAMP_UNKNOWN, time_s) };
        }
    }

    fn tell(&self, function: Option<Tell>, text: &CStr) {
        if let Some(function) = function {
            // SAFETY: the receiver is the host's; the text lives until the call returns.
            unsafe { function(self.0, text.as_ptr()) };
        }
    }
}
