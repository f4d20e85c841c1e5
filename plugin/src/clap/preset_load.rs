//! The extension `clap.preset-load`: the host says which preset, on its main thread.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use clap_sys::ext::params::{CLAP_EXT_PARAMS, CLAP_PARAM_RESCAN_VALUES, clap_host_params};
use clap_sys::ext::preset_load::{
    CLAP_EXT_PRESET_LOAD, CLAP_EXT_PRESET_LOAD_COMPAT, clap_host_preset_load, clap_plugin_preset_load,
};
use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_LOCATION_FILE, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN,
    clap_preset_discovery_location_kind as LocationKind,
};
use clap_sys::host::clap_host;
use clap_sys::plugin::clap_plugin;

use super::instance::Instance;
use super::{c_string, text};
use crate::presets::{self, FactorySound, Preset};

pub(super) static EXTENSION: clap_plugin_preset_load = clap_plugin_preset_load { from_location: Some(from_location) };

/// Why a preset was not loaded.
struct Failure {
    /// The system's number of it, or 0.
    os_error: i32,
    message: String,
}

unsafe extern "C" fn from_location(
    plugin: *const clap_plugin,
    kind: LocationKind,
    location: *const c_char,
    load_key: *const c_char,
) -> bool {
    // SAFETY: the host passes an instance of ours, and null or C strings that live during the call.
    let (instance, location_text, key) = unsafe { (Instance::of(plugin), text(location), text(load_key)) };
    let Some(instance) = instance else { return false };
    let result = catch_unwind(AssertUnwindSafe(|| load(instance, kind, location_text, key)));
    let broke_off = Failure { os_error: 0, message: "loading the preset broke off: a fault of Brownian's".into() };
    match result.unwrap_or(Err(broke_off)) {
        Ok(()) => {
            tell_loaded(instance.host, kind, location, load_key);
            true
        }
        Err(failure) => {
            tell_failure(instance.host, kind, location, load_key, &failure);
            false
        }
    }
}

fn load(instance: &Instance, kind: LocationKind, location: Option<&CStr>, key: Option<&CStr>) -> Result<(), Failure> {
    match (kind, location, key) {
        (CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, _, Some(key)) => load_factory(instance, &key.to_string_lossy()),
        (CLAP_PRESET_DISCOVERY_LOCATION_FILE, Some(path), _) => load_file(instance, path),
        (CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, ..) => Err("a factory sound needs its key; none was given".into()),
        (CLAP_PRESET_DISCOVERY_LOCATION_FILE, ..) => Err("a preset of a file needs its path; none was given".into()),
        (kind, ..) => Err(format!("presets lie at places of kind 0 and 1; {kind} is unknown").into()),
    }
}

fn load_factory(instance: &Instance, key: &str) -> Result<(), Failure> {
    let missing = || format!("there is no factory sound \"{key}\"; scan the presets anew");
    let sound = FactorySound::of_key(key).ok_or_else(missing)?;
    Ok(presets::roll_on_keys(&instance.params, sound)?)
}

fn load_file(instance: &Instance, path: &CStr) -> Result<(), Failure> {
    let path = path.to_str().map_err(|_| format!("{path:?} is no UTF-8"))?;
    let path = Path::new(path);
    let preset = presets::open(path).map_err(|message| Failure { os_error: os_error(path), message })?;
    match preset {
        Preset::Sound(take) => presets::play_on_keys(&instance.params, take),
        Preset::Instrument(state) => {
            if !instance.set_state(*state) {
                return Err(format!("{}: its settings do not fit this version", path.display()).into());
            }
        }
    }
    Ok(())
}

/// The system's reason for not opening a file; 0 if it does open it.
pub(super) fn os_error(path: &Path) -> i32 {
    std::fs::File::open(path).err().and_then(|error| error.raw_os_error()).unwrap_or(0)
}

impl<T: Into<String>> From<T> for Failure {
    fn from(message: T) -> Self {
        Self { os_error: 0, message: message.into() }
    }
}

/// The instrument's values have changed, and by what.
fn tell_loaded(host: *const clap_host, kind: LocationKind, location: *const c_char, key: *const c_char) {
    // SAFETY: the host outlives its instances, and what it gives for this id is of this type.
    let params = unsafe { extension::<clap_host_params>(host, CLAP_EXT_PARAMS) };
    if let Some(rescan) = params.and_then(|params| params.rescan) {
        // SAFETY: `from_location` runs on the main thread, as `rescan` must.
        unsafe { rescan(host, CLAP_PARAM_RESCAN_VALUES) };
    }
    if let Some(loaded) = listener(host).and_then(|listener| listener.loaded) {
        // SAFETY: the host's own strings go back to it within the call that brought them.
        unsafe { loaded(host, kind, location, key) };
    }
}

fn tell_failure(
    host: *const clap_host,
    kind: LocationKind,
    location: *const c_char,
    key: *const c_char,
    failure: &Failure,
) {
    if let Some(on_error) = listener(host).and_then(|listener| listener.on_error) {
        let message = c_string(&failure.message);
        // SAFETY: as above; the message lives until the call returns.
        unsafe { on_error(host, kind, location, key, failure.os_error, message.as_ptr()) };
    }
}

/// The host's ear for presets, by the name of today or that of before.
fn listener<'a>(host: *const clap_host) -> Option<&'a clap_host_preset_load> {
    // SAFETY: as for the parameters; both names stand for this type.
    let by_name = |id| unsafe { extension::<clap_host_preset_load>(host, id) };
    by_name(CLAP_EXT_PRESET_LOAD).or_else(|| by_name(CLAP_EXT_PRESET_LOAD_COMPAT))
}

/// An extension of the host's.
///
/// # Safety
/// `host` is the host of a living instance, asked on the main thread, and `T` the type that CLAP gives to `id`.
unsafe fn extension<'a, T>(host: *const clap_host, id: &CStr) -> Option<&'a T> {
    // SAFETY: the caller's promises.
    unsafe { (*host).get_extension?(host, id.as_ptr()).cast::<T>().as_ref() }
}
