//! The host's project: what it keeps, and what becomes of it.

use crate::clap_host::{At, Host, Input, peak};
use crate::generate::roll;

const NOTE: [At<Input>; 1] = [At(0, Input::On { key: 60, velocity: 1.0 })];

pub fn sound_of(host: &mut Host) -> [Vec<f32>; 2] {
    host.reset();
    host.play(40_000, 512, &NOTE)
}

#[test]
fn a_saved_sound_comes_back_to_the_bit_in_a_fresh_instance() {
    let mut host = Host::new(44_100.0);
    let built_in = sound_of(&mut host);
    host.play(64, 64, &[At(0, host.set("Tune", 0.6)), At(0, host.set("Release", 0.3))]);
    roll(&mut host);
    let saved = host.save();
    let rolled = sound_of(&mut host);
    assert!(rolled != built_in && peak(&rolled) > 0.1);
    // Both orders in which hosts open projects.
    let mut before = Host::inactive();
    assert!(before.load(&saved));
    before.activate(44_100.0);
    assert!(sound_of(&mut before) == rolled);
    let mut after = Host::new(44_100.0);
    after.play(512, 512, &[]);
    assert!(after.load(&saved));
    settle(&mut after);
    assert!(sound_of(&mut after) == rolled);
    assert_eq!(after.current("Tune"), host.current("Tune"));
    // And what they save is the same project again.
    assert!(before.save() == saved && after.save() == saved);
}

/// Lets the worker unpack what was loaded while the plugin plays on.
pub fn settle(host: &mut Host) {
    host.set_offline(true);
    host.play(64, 64, &[]);
    host.set_offline(false);
    host.play(64, 64, &[]);
}

#[test]
fn a_project_loaded_while_a_note_sounds_leaves_that_note_alone() {
    let mut other = Host::new(44_100.0);
    roll(&mut other);
    let (saved, rolled) = (other.save(), sound_of(&mut other));
    let mut untouched = Host::new(44_100.0);
    let reference = untouched.play(20_000, 100, &NOTE);
    let mut host = Host::new(44_100.0);
    let mut played = host.play(3000, 100, &NOTE);
    assert!(host.load(&saved));
    let rest = host.play(17_000, 100, &[]);
    played.iter_mut().zip(rest).for_each(|(played, rest)| played.extend(rest));
    assert!(played == reference);
    settle(&mut host);
    assert!(sound_of(&mut host) == rolled);
}

#[test]
fn a_project_that_holds_the_button_down_presses_nothing() {
    let mut host = Host::new(44_100.0);
    let steps = host.value("Steps", "1");
    host.play(64, 64, &[At(0, host.set("Steps", steps)), At(0, host.set("Generate", 1.0))]);
    host.set_offline(true);
    host.play(64, 64, &[]);
    let (saved, rolled) = (host.save(), sound_of(&mut host));
    let mut opened = Host::new(44_100.0);
    opened.play(64, 64, &[]);
    assert!(opened.load(&saved));
    assert_eq!(opened.current("Generate"), 1.0);
    settle(&mut opened);
    assert!(opened.save() == saved && sound_of(&mut opened) == rolled);
    // The next press counts.
    opened.set_offline(true);
    opened.play(4096, 64, &[At(0, opened.set("Generate", 0.0)), At(2048, opened.set("Generate", 1.0))]);
    assert!(sound_of(&mut opened) != rolled);
}

#[test]
fn damaged_and_foreign_projects_play_the_built_in_sound() {
    let mut host = Host::new(44_100.0);
    let (built_in, saved) = (sound_of(&mut host), host.save());
    let text = String::from_utf8(saved[8..].to_vec()).unwrap();
    let with_length = |json: String| [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat();
    assert_eq!(with_length(text.clone()), saved, "the form of a state is its length and JSON");
    let damaged = [
        text.replace("flac", "mp3"),
        text.replacen("ZkxhQ", "AAAAA", 1),
        text.replace("\\\"version\\\":", "\\\"version\\\":9"),
        text.replace("\"patch\":", "\"batch\":"),
        "{\"version\":\"1\",\"params\":{},\"fields\":{}}".to_owned(),
    ];
    for json in damaged {
        assert!(json != text, "{}", &json[..80]);
        roll(&mut host);
        // A wrapper may refuse it all or hand over what it could read; either way the plugin goes on.
        let is_taken = host.load(&with_length(json));
        settle(&mut host);
        let now = sound_of(&mut host);
        assert!(!is_taken || now == built_in);
        assert!(peak(&now) > 0.1);
    }
    for bytes in [&b""[..], b"\x01", &saved[..saved.len() / 2], &[0xFF; 64]] {
        host.load(bytes);
        assert!(peak(&sound_of(&mut host)) > 0.1);
    }
}
