//! The file of a whole instrument: the JSON of a host's project, with every sound and every setting.

use std::path::Path;
use std::sync::Arc;

use nice_plug::prelude::PluginState;
use serde_json::Value;

use crate::state::{NUM_PLACES, Patch, Take, place_at};
use crate::{PATCH_FIELD, WINDOW_FIELD};

/// The extension of such files.
pub const EXTENSION: &str = "brownian";

/// The largest file that is read. A hundred sounds of a second each take some 10 MB.
const MAX_LEN: u64 = 256 << 20;

/// Whether the name of a file says that it is an instrument.
pub fn is_instrument(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION))
}

/// Reads a file, with the sounds that play in it. Decodes all of them: an instrument that is read loads.
///
/// # Errors
/// The file cannot be read, is too large, or is no instrument of this version or an earlier one; the message names it.
pub fn read(path: &Path) -> Result<(PluginState, Vec<Arc<Take>>), String> {
    let refuse = |reason: String| format!("{}: {reason}", path.display());
    let len = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?.len();
    if len > MAX_LEN {
        return Err(refuse(format!("{len} bytes are no instrument; need at most {MAX_LEN}")));
    }
    let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let no_instrument = |error: serde_json::Error| refuse(format!("no instrument of Brownian: {error}"));
    let mut state: PluginState = serde_json::from_slice(&bytes).map_err(no_instrument)?;
    // A preset leaves the window as it is.
    state.fields.remove(WINDOW_FIELD);
    let patch = state.fields.get(PATCH_FIELD).map_or("null", String::as_str);
    let patch: Value = serde_json::from_str(patch).map_err(no_instrument)?;
    let patch = Patch::from_json(&patch).map_err(|error| refuse(error.to_string()))?;
    Ok((state, playing(&patch)))
}

/// The bytes of a file that [`read`] reads.
pub fn to_bytes(state: &PluginState) -> Vec<u8> {
    // Strings, numbers and maps of them: they always serialise.
    serde_json::to_vec(state).unwrap_or_default()
}

/// The sounds that play, each once.
fn playing(patch: &Patch) -> Vec<Arc<Take>> {
    let mut sounds: Vec<Arc<Take>> = Vec::new();
    for take in (0..NUM_PLACES).filter_map(|index| patch.get(place_at(index))) {
        if !sounds.iter().any(|known| Arc::ptr_eq(known, take)) {
            sounds.push(take.clone());
        }
    }
    sounds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(patch: &str) -> String {
        let fields = [(PATCH_FIELD.to_owned(), patch.to_owned())].into();
        serde_json::to_string(&PluginState { version: "0.1.0".into(), params: Default::default(), fields }).unwrap()
    }

    fn reading(text: &str) -> Result<(PluginState, Vec<Arc<Take>>), String> {
        let file = crate::generation::TemporaryFile::new(text.as_bytes()).unwrap();
        read(file.path())
    }

    #[test]
    fn a_project_is_an_instrument_with_its_sounds() {
        let patch = Patch::built_in().to_json().to_string();
        let (read, sounds) = reading(&state(&patch)).unwrap();
        assert_eq!((read.fields[PATCH_FIELD].as_str(), sounds.len()), (&*patch, 1));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        let flac = Patch::built_in().to_json().to_string().replacen("ZkxhQ", "AAAAA", 1);
        let damaged = [
            ("", "EOF"),
            ("{}", "missing field `params`"),
            ("{\"params\":{},\"fields\":{}}", "holds no sounds"),
            (&state("{\"version\":9}"), "version 9"),
            (&state("{"), "no instrument"),
            (&state(&flac), "cannot be read"),
        ];
        for (text, reason) in damaged {
            let said = reading(text).unwrap_err();
            assert!(said.contains(reason) && said.contains("brownian-"), "{said}");
        }
    }

    #[test]
    fn the_extension_tells_an_instrument() {
        assert!(is_instrument(Path::new("/a/Kit.BROWNIAN")) && !is_instrument(Path::new("/a/brownian")));
    }
}
