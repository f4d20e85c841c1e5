//! The factory `clap.preset-discovery-factory`: where presets lie, and what each of them is.
//!
//! It runs in the host's scanner, without an instance and outside the main thread; it reads files and renders nothing.

use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr;
use std::time::UNIX_EPOCH;

use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT, CLAP_PRESET_DISCOVERY_IS_USER_CONTENT,
    CLAP_PRESET_DISCOVERY_LOCATION_FILE, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, clap_preset_discovery_factory,
    clap_preset_discovery_filetype, clap_preset_discovery_indexer as Indexer, clap_preset_discovery_location,
    clap_preset_discovery_location_kind as LocationKind, clap_preset_discovery_metadata_receiver as RawReceiver,
    clap_preset_discovery_provider as RawProvider, clap_preset_discovery_provider_descriptor as Descriptor,
};
use clap_sys::version::CLAP_VERSION;

use super::preset_load::os_error;
use super::receiver::Receiver;
use super::{c_string, text};
use crate::presets::{EXTENSIONS, FactorySound, sounds_folder, summary};

pub(super) static FACTORY: clap_preset_discovery_factory =
    clap_preset_discovery_factory { count: Some(count), get_descriptor: Some(descriptor), create: Some(create) };

const ID: &CStr = c"brownian.presets";

static DESCRIPTOR: Descriptor = Descriptor {
    clap_version: CLAP_VERSION,
    id: ID.as_ptr(),
    name: c"Brownian".as_ptr(),
    vendor: c"Brownian".as_ptr(),
};

/// What the host's pointer leads to.
#[repr(C)]
struct Provider {
    /// First, so that the host's pointer to it is one to the whole.
    raw: RawProvider,
    /// Lives as long as the provider.
    indexer: *const Indexer,
}

unsafe extern "C" fn count(_factory: *const clap_preset_discovery_factory) -> u32 {
    1
}

unsafe extern "C" fn descriptor(_factory: *const clap_preset_discovery_factory, index: u32) -> *const Descriptor {
    if index == 0 { &DESCRIPTOR } else { ptr::null() }
}

unsafe extern "C" fn create(
    _factory: *const clap_preset_discovery_factory,
    indexer: *const Indexer,
    id: *const c_char,
) -> *const RawProvider {
    // SAFETY: null or a C string of the host's.
    let is_ours = unsafe { text(id) } == Some(ID);
    if !is_ours || indexer.is_null() {
        return ptr::null();
    }
    let raw = RawProvider {
        desc: &DESCRIPTOR,
        provider_data: ptr::null_mut(),
        init: Some(init),
        destroy: Some(destroy),
        get_metadata: Some(metadata),
        get_extension: Some(extension),
    };
    Box::into_raw(Box::new(Provider { raw, indexer })).cast()
}

unsafe extern "C" fn destroy(provider: *const RawProvider) {
    if !provider.is_null() {
        // SAFETY: the host gives back what `create` gave it, once.
        drop(unsafe { Box::from_raw(provider.cast::<Provider>().cast_mut()) });
    }
}

unsafe extern "C" fn extension(_provider: *const RawProvider, _id: *const c_char) -> *const c_void {
    ptr::null()
}

/// Declares kinds of files and places. True if the host takes them all.
unsafe extern "C" fn init(provider: *const RawProvider) -> bool {
    // SAFETY: a pointer from `create`; its indexer lives as long as it does.
    let indexer = unsafe { provider.cast::<Provider>().as_ref().and_then(|provider| provider.indexer.as_ref()) };
    let Some(indexer) = indexer else { return false };
    let are_taken = EXTENSIONS.iter().all(|(extension, what)| declare_files(indexer, extension, what));
    are_taken && declare_factory(indexer) && declare_folder(indexer)
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

fn declare_factory(indexer: &Indexer) -> bool {
    declare(
        indexer,
        &clap_preset_discovery_location {
            flags: CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT,
            name: c"Brownian's drums".as_ptr(),
            kind: CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN,
            location: ptr::null(),
        },
    )
}

/// The user's folder, once there is one: hosts take a folder that is missing for a fault.
fn declare_folder(indexer: &Indexer) -> bool {
    let Some(folder) = sounds_folder().filter(|folder| folder.is_dir()) else { return true };
    // CLAP's paths are UTF-8; a folder whose name is none has no way to the host.
    let Some(folder) = folder.to_str().map(c_string) else { return true };
    declare(
        indexer,
        &clap_preset_discovery_location {
            flags: CLAP_PRESET_DISCOVERY_IS_USER_CONTENT,
            name: c"My sounds".as_ptr(),
            kind: CLAP_PRESET_DISCOVERY_LOCATION_FILE,
            location: folder.as_ptr(),
        },
    )
}

fn declare(indexer: &Indexer, location: &clap_preset_discovery_location) -> bool {
    // SAFETY: the indexer is the host's; the texts live until the call returns.
    indexer.declare_location.is_some_and(|declare| unsafe { declare(indexer, location) })
}

unsafe extern "C" fn metadata(
    _provider: *const RawProvider,
    kind: LocationKind,
    location: *const c_char,
    receiver: *const RawReceiver,
) -> bool {
    // SAFETY: the host's receiver, and null or a C string, all of which live during the call.
    let (receiver, location) = unsafe { (Receiver::of(receiver), text(location)) };
    let Some(receiver) = receiver else { return false };
    match (kind, location.map(CStr::to_str)) {
        (CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, _) => list_factory(&receiver),
        (CLAP_PRESET_DISCOVERY_LOCATION_FILE, Some(Ok(path))) => list_file(&receiver, Path::new(path)),
        _ => {
            receiver.error(0, "presets lie in the plugin or in files whose paths are UTF-8");
            false
        }
    }
}

fn list_factory(receiver: &Receiver) -> bool {
    for sound in FactorySound::all() {
        if !receiver.begin(&sound.name(), Some(&sound.key())) {
            break;
        }
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
