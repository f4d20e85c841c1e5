//! What a host learns before it plays.

use std::collections::HashSet;
use std::ffi::CString;

use crate::clap_host::{Host, entry};

#[test]
fn the_descriptor_names_the_instrument() {
    let entry = entry();
    let factory = entry.get_plugin_factory().unwrap();
    assert_eq!(factory.plugin_count(), 1);
    let descriptor = factory.plugin_descriptor(0).unwrap();
    assert_eq!(descriptor.id(), Some(c"brownian.brownian"));
    assert_eq!(descriptor.name(), Some(c"Brownian"));
    let features: Vec<_> = descriptor.features().collect();
    assert!(features.contains(&c"instrument") && features.contains(&c"stereo"), "{features:?}");
}

#[test]
fn every_parameter_has_its_own_id_and_name_and_starts_at_its_default() {
    let mut host = Host::inactive();
    let params = host.params().to_vec();
    let ids: HashSet<_> = params.iter().map(|param| param.id.get()).collect();
    let names: HashSet<_> = params.iter().map(|param| &param.name).collect();
    assert_eq!((ids.len(), names.len()), (params.len(), params.len()));
    for param in &params {
        assert!(param.min < param.max && (param.min..=param.max).contains(&param.default), "{param:?}");
        // The wrapper computes in f32.
        assert!((host.current(&param.name) - param.default).abs() < 1e-6 * param.max.abs().max(1.0), "{param:?}");
    }
}

#[test]
fn every_text_of_every_parameter_means_its_value() {
    let mut host = Host::inactive();
    for param in host.params().to_vec() {
        for step in 0..=16 {
            let value = param.min + (param.max - param.min) * f64::from(step) / 16.0;
            let text = host.value_to_text(param.id, value);
            let back = host.text_to_value(param.id, &CString::new(text.clone()).unwrap());
            let back = back.unwrap_or_else(|| panic!("{}: \"{text}\" is not understood", param.name));
            assert_eq!(host.value_to_text(param.id, back), text, "{}", param.name);
            // And the value that the text means is a fixed point.
            let again = host.text_to_value(param.id, &CString::new(text).unwrap()).unwrap();
            assert_eq!(again.to_bits(), back.to_bits(), "{}", param.name);
        }
    }
}
