//! SFZ: a text of opcodes, one region a sound (<https://sfzformat.com>).

use std::fmt::Write;

use super::zone::Zone;

/// The text of an `.sfz` file.
pub fn text(zones: &[Zone]) -> String {
    let mut out =
        String::from("// Written by Brownian. The sounds lie beside this file.\n<global> ampeg_release=0.05\n");
    for zone in zones {
        // Writing into a String cannot fail.
        let _ = writeln!(out, "<region> sample={}{}", zone.sound.path, opcodes(zone));
    }
    out
}

/// Each in a line of its own: a sample's name may hold spaces and ends with its line.
fn opcodes(zone: &Zone) -> String {
    let mut out = format!("\nlokey={} hikey={}", zone.low_key, zone.high_key);
    match zone.root {
        // The centre is a key; what lies between keys is tuned, in cents.
        Some(root) => {
            let cents = ((root.round() - root) * 100.0).round();
            out += &format!(" pitch_keycenter={} tune={cents}", root.round());
        }
        None => out += &format!(" pitch_keycenter={} pitch_keytrack=0 loop_mode=one_shot", zone.low_key),
    }
    if let Some((start, end)) = zone.sound.loop_frames {
        out += &format!(" loop_mode=loop_continuous loop_start={start} loop_end={}", end - 1);
    }
    if let (turn, 2..) = zone.turn {
        out += &format!(" seq_length={} seq_position={turn}", zone.turn.1);
    }
    zone.group.iter().for_each(|group| out += &format!(" group={group} off_by={group} off_mode=normal"));
    out
}

#[cfg(test)]
mod tests {
    use super::super::Sound;
    use super::*;

    #[test]
    fn regions_say_what_zones_say() {
        let sound = Sound { path: "a b.wav".into(), class: "a".into(), pitch: None, loop_frames: Some((5, 105)) };
        let note =
            Zone { sound: sound.clone(), low_key: 50, high_key: 60, root: Some(55.75), turn: (1, 1), group: None };
        let hat = Zone {
            sound: Sound { loop_frames: None, ..sound },
            low_key: 42,
            high_key: 42,
            root: None,
            turn: (2, 3),
            group: Some(1),
        };
        let text = text(&[note, hat]);
        let want = "<region> sample=a b.wav\nlokey=50 hikey=60 pitch_keycenter=56 tune=25 loop_mode=loop_continuous loop_start=5 loop_end=104\n\
                    <region> sample=a b.wav\nlokey=42 hikey=42 pitch_keycenter=42 pitch_keytrack=0 loop_mode=one_shot seq_length=3 seq_position=2 group=1 off_by=1 off_mode=normal\n";
        assert!(text.ends_with(want), "{text}");
    }
}
