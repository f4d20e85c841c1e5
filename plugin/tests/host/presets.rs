//! Presets that a host loads, while notes sound or not.

use std::ffi::{CStr, CString};
use std::path::Path;

use clack_extensions::preset_discovery::prelude::Location;

use crate::clap_host::{At, Host, Input, peak};
use crate::discovery::factory_presets;
use crate::generate::roll;
use crate::state::{settle, sound_of};

fn load_file(host: &mut Host, path: &Path) -> bool {
    let path = CString::new(path.to_str().unwrap()).unwrap();
    host.load_preset(Location::File { path: &path }, None)
}

fn load_key(host: &mut Host, key: &CStr) -> bool {
    host.load_preset(Location::Plugin, Some(key))
}

/// A file of what a host has saved, as the instrument's own preset.
fn instrument_file(folder: &Path, saved: &[u8]) -> std::path::PathBuf {
    let path = folder.join("mine.brownian");
    // Before the JSON stands its length.
    std::fs::write(&path, &saved[8..]).unwrap();
    path
}

#[test]
fn a_factory_sound_is_another_sound_and_the_same_in_every_instance() {
    let key = CString::new("drums/rim/1").unwrap();
    assert!(factory_presets().presets.contains_key(&Some("drums/rim/1".to_owned())));
    let sounds = [0, 1].map(|_| {
        let mut host = Host::new(44_100.0);
        let built_in = sound_of(&mut host);
        assert!(load_key(&mut host, &key));
        settle(&mut host);
        let sound = sound_of(&mut host);
        assert!(sound != built_in && peak(&sound) > 0.05);
        assert_eq!(host.told(|told| (told.num_loaded.get(), told.errors.borrow().len())), (1, 0));
        sound
    });
    assert!(sounds[0] == sounds[1]);
}

#[test]
fn the_sound_of_a_file_takes_the_keyboard_even_from_a_kit_and_is_in_the_project_at_once() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/kick.wav");
    let mut host = Host::new(44_100.0);
    let built_in = sound_of(&mut host);
    roll(&mut host);
    let kit = host.value("Mode", "Kit");
    host.play(64, 64, &[At(0, host.set("Mode", kit))]);
    let before = host.told(|told| told.num_rescans.get());
    assert!(load_file(&mut host, Path::new(file)));
    let saved = host.save();
    assert!(host.told(|told| told.num_rescans.get()) > before);
    assert!(host.current("Mode") != kit);
    assert!(sound_of(&mut host) == built_in);
    let mut opened = Host::inactive();
    assert!(opened.load(&saved));
    opened.activate(44_100.0);
    assert!(sound_of(&mut opened) == built_in);
}

#[test]
fn a_note_that_sounds_while_a_preset_is_loaded_ends_as_it_began() {
    let note = [At(0, Input::On { key: 60, velocity: 1.0 })];
    let reference = Host::new(44_100.0).play(20_000, 100, &note);
    let mut host = Host::new(44_100.0);
    let mut played = host.play(3000, 100, &note);
    assert!(load_key(&mut host, c"drums/snare/1"));
    let rest = host.play(17_000, 100, &[]);
    played.iter_mut().zip(rest).for_each(|(played, rest)| played.extend(rest));
    assert!(played == reference);
}

#[test]
fn the_file_of_an_instrument_brings_its_sounds_and_settings() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::new(44_100.0);
    host.play(64, 64, &[At(0, host.set("Tune", 0.6)), At(0, host.set("Release", 0.3))]);
    roll(&mut host);
    let path = instrument_file(folder.path(), &host.save());
    let (sound, tune) = (sound_of(&mut host), host.current("Tune"));
    let mut other = Host::new(44_100.0);
    assert!(load_file(&mut other, &path));
    settle(&mut other);
    assert_eq!(other.current("Tune"), tune);
    assert!(sound_of(&mut other) == sound);
}

#[test]
fn a_preset_that_cannot_be_loaded_is_an_error_by_name_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut host = Host::new(44_100.0);
    let (sound, saved) = (sound_of(&mut host), host.save());
    let wav = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/kick.wav")).unwrap();
    let text = String::from_utf8(saved[8..].to_vec()).unwrap();
    let broken = [
        write("empty.wav", b""),
        write("text.wav", b"no sound"),
        write("head.wav", &wav[..30]),
        write("noise.brownian", &[0xFE; 999]),
        write("cut.brownian", &saved[8..saved.len() / 2]),
        write("later.brownian", text.replace("\\\"version\\\":", "\\\"version\\\":9").as_bytes()),
        folder.path().join("missing.wav"),
        folder.path().to_owned(),
    ];
    for (number, path) in broken.iter().enumerate() {
        assert!(!load_file(&mut host, path), "{path:?}");
        host.told(|told| {
            let errors = told.errors.borrow();
            assert_eq!((errors.len(), told.num_loaded.get()), (number + 1, 0));
            assert!(errors[number].1.contains(path.to_str().unwrap()), "{:?}", errors[number]);
        });
    }
    for key in [c"", c"drums/kazoo/1", c"drums/kick/99"] {
        assert!(!load_key(&mut host, key), "{key:?}");
    }
    assert!(!host.load_preset(Location::Plugin, None));
    settle(&mut host);
    assert!(host.save() == saved && sound_of(&mut host) == sound);
}
