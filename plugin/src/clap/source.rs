//! [`Source`]: where presets come from, as the host's scanner is told.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr;
use std::time::UNIX_EPOCH;

use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT, CLAP_PRESET_DISCOVERY_IS_USER_CONTENT,
    CLAP_PRESET_DISCOVERY_LOCATION_FILE, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, clap_preset_discovery_filetype,
    clap_preset_discovery_indexer as Indexer, clap_preset_discovery_location as Location,
    clap_preset_discovery_location_kind as LocationKind,
};

use super::c_string;
use super::preset_load::os_error;
use super::receiver::Receiver;
use crate::presets::{EXTENSIONS, FactorySound, sounds_folder, summary};

/// What one provider of the factory lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The user's files.
    Files,
    /// One sound of the embedded model. Each has a provider of its own: clap-validator 0.4 hangs on a second preset of
    /// one place.
    Factory(FactorySound),
}

impl Source {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Files).chain(FactorySound::all().map(Self::Factory))
    }

    /// Its id for hosts, which never changes.
    pub(super) fn id(self) -> String {
        match self {
            Self::Files => "brownian.presets".into(),
            Self::Factory(sound) => format!("brownian.presets.{}", sound.class()),
        }
    }

    /// Its name for people.
    pub(super) fn name(self) -> String {
        match self {
            Self::Files => "Brownian".into(),
            Self::Factory(sound) => format!("Brownian {}", sound.class()),
        }
    }

    /// Declares its kinds of files and its place. True if the host takes them all.
    pub(super) fn declare(self, indexer: &Indexer) -> bool {
        match self {
            Self::Files => {
                EXTENSIONS.iter().all(|(extension, what)| declare_files(indexer, extension, what))
                    && declare_folder(indexer)
            }
            Self::Factory(sound) => declare_sound(indexer, sound),
        }
    }

    /// Tells what lies at a place. False, with a message for the host, if that cannot be read.
    pub(super) fn list(self, receiver: &Receiver, kind: LocationKind, location: Option<&CStr>) -> bool {
        match (self, kind, location.map(CStr::to_str)) {
            (Self::Factory(sound), CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, _) => list_sound(receiver, sound),
            (Self::Files, CLAP_PRESET_DISCOVERY_LOCATION_FILE, Some(Ok(path))) => list_file(receiver, Path::new(path)),
            _ => {
                receiver.error(0, "this is no place of presets that was declared, or its path is no UTF-8");
                false
            }
        }
    }
}

fn declare_files(indexer: &Indexer, extension: &str, what: &str) -> bool {
    let (what, extension) = (c_string(what), c_string(extension));
    let kind = clap_preset_discovery_filetype {
        name: what.as_ptr(),
        description: ptr::null(),
        file_extension: extension.as_ptr(),
    };
    // SAFETY: the indexer is the host's; the texts live until the call returns.
    indexer.declare_filetype.is_some_and(|declare| unsafe { declare(indexer, &kind) })
}

/// The user's folder, once there is one: hosts take a folder that is missing for a fault.
fn declare_folder(indexer: &Indexer) -> bool {
    let Some(folder) = sounds_folder().filter(|folder| folder.is_dir()) else { return true };
    // CLAP's paths are UTF-8; a folder whose name is none has no way to the host.
    let Some(folder) = folder.to_str().map(c_string) else { return true };
    let flags = CLAP_PRESET_DISCOVERY_IS_USER_CONTENT;
    declare(indexer, flags, c"My sounds", CLAP_PRESET_DISCOVERY_LOCATION_FILE, folder.as_ptr())
}

fn declare_sound(indexer: &Indexer, sound: FactorySound) -> bool {
    let (flags, name) = (CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT, c_string(&sound.name()));
    declare(indexer, flags, &name, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, ptr::null())
}

fn declare(indexer: &Indexer, flags: u32, name: &CStr, kind: LocationKind, location: *const c_char) -> bool {
    let location = Location { flags, name: name.as_ptr(), kind, location };
    // SAFETY: the indexer is the host's; the texts live until the call returns.
    indexer.declare_location.is_some_and(|declare| unsafe { declare(indexer, &location) })
}

fn list_sound(receiver: &Receiver, sound: FactorySound) -> bool {
    if receiver.begin(&sound.name(), Some(&sound.key())) {
        receiver.creator("Brownian");
        receiver.description(&format!("{}, made by the embedded model when it is loaded", sound.class()));
        receiver.features(["instrument", "drum", sound.class()]);
    }
    true
}

/// A file of another program is no preset, and no error either.
fn list_file(receiver: &Receiver, path: &Path) -> bool {
    let found = catch_unwind(AssertUnwindSafe(|| summary(path)));
    let broke_off = || Err(format!("{}: reading it broke off, a fault of Brownian's", path.display()));
    let summary = match found.unwrap_or_else(|_| broke_off()) {
        Ok(Some(summary)) => summary,
        Ok(None) => return true,
        Err(message) => {
            receiver.error(os_error(path), &message);
            return false;
        }
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    if receiver.begin(&name, None) {
        receiver.description(&summary.description);
        receiver.features(["instrument"].into_iter().chain(summary.tags.iter().map(String::as_str)));
        if let Some(time_s) = modified_s(path) {
            receiver.modified(time_s);
        }
    }
    true
}

/// When a file was last changed, in seconds since 1970.
fn modified_s(path: &Path) -> Option<u64> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}
