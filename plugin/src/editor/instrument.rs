//! The whole instrument as a file: saved from the window, and opened in it.

use nice_plug::plugin::ParamValue;
use nice_plug::prelude::*;
use serde_json::Value;

use super::gesture::Gestures;
use crate::PATCH_FIELD;
use crate::params::BrownianParams;

/// Takes over sounds and settings. Each setting is a gesture, so that the host follows; the worker unpacks the sounds.
///
/// nice-plug's own `set_state` would read all of it on the audio thread.
pub fn take_over(state: &PluginState, params: &BrownianParams, gestures: &Gestures) {
    for (id, param, _) in params.param_map() {
        // The button is pressed by no file.
        let value = state.params.get(&id).filter(|_| id != "generate");
        if let Some(normalized) = value.and_then(|value| normalized(param, value)) {
            gestures.set_by_pointer(param, normalized);
        }
    }
    let patch = state.fields.get(PATCH_FIELD).and_then(|json| serde_json::from_str::<Value>(json).ok());
    if let Some(patch) = patch {
        params.patch.0.load(patch);
    }
}

/// The place of a stored value in its parameter's range, 0 to 1; `None` if it is of another type. A choice is made at
/// once: its names are known to it alone.
fn normalized(param: ParamPtr, value: &ParamValue) -> Option<f32> {
    // SAFETY: `param` comes from the map of parameters that the caller borrows.
    unsafe {
        match (param, value) {
            (ParamPtr::FloatParam(_), ParamValue::F32(plain)) => Some(param.preview_normalized(*plain)),
            (ParamPtr::IntParam(_), ParamValue::I32(plain)) => Some(param.preview_normalized(*plain as f32)),
            (ParamPtr::BoolParam(_), ParamValue::Bool(is_on)) => Some(f32::from(*is_on)),
            (ParamPtr::EnumParam(choice), ParamValue::String(id)) => {
                (*choice).set_from_id(id).then(|| param.unmodulated_normalized_value())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_values_of_every_type_are_found_in_their_ranges() {
        let params = BrownianParams::default();
        let map = params.param_map();
        let at = |wanted: &str, value| {
            let (_, param, _) = map.iter().find(|(id, ..)| id == wanted).unwrap();
            normalized(*param, &value)
        };
        assert_eq!(at("pan", ParamValue::F32(0.0)), Some(0.5));
        assert_eq!(at("bend", ParamValue::I32(48)), Some(1.0));
        assert_eq!(at("reverse", ParamValue::Bool(true)), Some(1.0));
        assert_eq!(at("mode", ParamValue::String("kit".into())), Some(1.0));
        assert_eq!(params.mode.value(), crate::params::ModeChoice::Kit);
    }

    #[test]
    fn values_of_another_type_are_passed_over() {
        let params = BrownianParams::default();
        for (id, param, _) in params.param_map() {
            let other = if let ParamPtr::BoolParam(_) = param { ParamValue::F32(1.0) } else { ParamValue::Bool(true) };
            assert_eq!(normalized(param, &other), None, "{id}");
        }
        let (_, mode, _) = params.param_map().into_iter().find(|(id, ..)| id == "mode").unwrap();
        assert_eq!(normalized(mode, &ParamValue::String("organ".into())), None);
    }
}
