//! DecentSampler's presets: XML, one `sample` a sound in one `group` a choke group
//! (<https://decentsampler-developers-guide.readthedocs.io>).

use std::fmt::Write;

use super::zone::Zone;

/// The text of a `.dspreset` file.
pub fn text(zones: &[Zone]) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DecentSampler>\n  <groups release=\"0.05\">\n");
    let mut groups: Vec<Option<u8>> = zones.iter().map(|zone| zone.group).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let choke = group.map_or_else(String::new, |n| {
            format!(" tags=\"choke{n}\" silencedByTags=\"choke{n}\" silencingMode=\"fast\"")
        });
        // Writing into a String cannot fail.
        let _ = writeln!(out, "    <group{choke}>");
        for zone in zones.iter().filter(|zone| zone.group == group) {
            let _ = writeln!(out, "      <sample {}/>", attributes(zone));
        }
        out.push_str("    </group>\n");
    }
    out.push_str("  </groups>\n</DecentSampler>\n");
    out
}

fn attributes(zone: &Zone) -> String {
    let (low, high) = (zone.low_key, zone.high_key);
    let mut out = format!("path=\"{}\" loNote=\"{low}\" hiNote=\"{high}\"", escaped(&zone.sound.path));
    match zone.root {
        Some(root) => {
            let tuning = root.round() - root;
            out += &format!(" rootNote=\"{}\" tuning=\"{tuning:.2}\"", root.round());
        }
        None => out += &format!(" rootNote=\"{low}\" pitchKeyTrack=\"0\" ampEnvEnabled=\"false\""),
    }
    match zone.sound.loop_frames {
        Some((start, end)) => out += &format!(" loopEnabled=\"true\" loopStart=\"{start}\" loopEnd=\"{}\"", end - 1),
        // A file may hold loop points that this preset does not want.
        None => out += " loopEnabled=\"false\"",
    }
    if let (turn, 2..) = zone.turn {
        out += &format!(" seqMode=\"round_robin\" seqPosition=\"{turn}\" seqLength=\"{}\"", zone.turn.1);
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::Sound;
    use super::*;

    #[test]
    fn the_preset_is_xml_that_says_what_zones_say() {
        let sound = Sound { path: "a & \"b\".wav".into(), class: "a".into(), pitch: None, loop_frames: Some((5, 105)) };
        let note =
            Zone { sound: sound.clone(), low_key: 50, high_key: 60, root: Some(55.75), turn: (1, 2), group: None };
        let hat = Zone { sound, low_key: 42, high_key: 42, root: None, turn: (1, 1), group: Some(1) };
        let text = text(&[note, hat]);
        let document = roxmltree::Document::parse(&text).unwrap();
        let samples: Vec<_> = document.descendants().filter(|node| node.has_tag_name("sample")).collect();
        let value = |n: usize, name| samples[n].attribute(name).unwrap();
        assert_eq!(value(0, "path"), "a & \"b\".wav");
        assert_eq!((value(0, "rootNote"), value(0, "tuning"), value(0, "loopEnd")), ("56", "0.25", "104"));
        assert_eq!((value(0, "seqPosition"), value(0, "seqLength")), ("1", "2"));
        assert_eq!(samples[1].parent().unwrap().attribute("silencedByTags"), Some("choke1"));
    }
}
