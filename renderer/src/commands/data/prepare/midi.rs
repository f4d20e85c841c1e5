//! A Standard MIDI File of single notes on a fixed grid, one tick a millisecond.

/// Milliseconds from one hit to the next.
pub const GRID_MS: u32 = 3000;
/// Milliseconds before the first hit, for its program change to take effect.
pub const LEAD_MS: u32 = 100;
/// How long a key is held. Drum presets ignore the release, or cut the tail: hold it long.
const HELD_MS: u32 = 2500;
/// When what still sounds is cut, so that no tail reaches the next hit.
const SILENCED_MS: u32 = 2800;
/// Channel 10, the drum channel.
pub const DRUMS: u8 = 9;
/// Channel 1, an instrument.
pub const MELODIC: u8 = 0;

/// A key struck on a kit or an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// [`DRUMS`] or [`MELODIC`].
    pub channel: u8,
    /// MIDI program.
    pub program: u8,
    /// MIDI note.
    pub key: u8,
    /// 1..=127.
    pub velocity: u8,
}

/// The bytes of a file that plays `strikes`, number `n` at `LEAD_MS + n * GRID_MS`.
pub fn standard_midi_file(strikes: &[Strike]) -> Vec<u8> {
    let track = track(strikes);
    // Format 0, one track, 500 ticks a quarter note: at the default 120 a minute a tick is 1 ms.
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\x01\xf4MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    file
}

fn track(strikes: &[Strike]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut now_ms = 0;
    let mut at = |time_ms: u32, message: &[u8]| {
        push_variable_length(&mut bytes, time_ms - now_ms);
        bytes.extend(message);
        now_ms = time_ms;
    };
    for (start_ms, strike) in (0..).step_by(GRID_MS as usize).zip(strikes) {
        at(start_ms, &[0xc0 | strike.channel, strike.program]);
        at(start_ms + LEAD_MS, &[0x90 | strike.channel, strike.key, strike.velocity]);
        at(start_ms + LEAD_MS + HELD_MS, &[0x80 | strike.channel, strike.key, 0]);
        at(start_ms + LEAD_MS + SILENCED_MS, &[0xb0 | strike.channel, 120, 0]);
    }
    at(strikes.len() as u32 * GRID_MS + LEAD_MS, &[0xff, 0x2f, 0]);
    bytes
}

/// Seven bits a byte, most significant first, the high bit on all but the last.
fn push_variable_length(bytes: &mut Vec<u8>, value: u32) {
    let groups = (0..5).rev().map(|group| (value >> (7 * group)) as u8 & 0x7f);
    let mut digits: Vec<u8> = groups.skip_while(|&digit| digit == 0).map(|digit| digit | 0x80).collect();
    match digits.last_mut() {
        Some(last) => *last &= 0x7f,
        None => digits.push(0),
    }
    bytes.extend(digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_midi_specification_shows() {
        // The table of "Standard MIDI Files 1.0", page 2.
        for (value, expected) in
            [(0, &[0u8][..]), (0x7f, &[0x7f]), (0x80, &[0x81, 0]), (0x1f_ffff, &[0xff, 0xff, 0x7f])]
        {
            let mut bytes = Vec::new();
            push_variable_length(&mut bytes, value);
            assert_eq!(bytes, expected);
        }
    }

    #[test]
    fn a_file_declares_the_length_of_its_track() {
        let strike = Strike { channel: DRUMS, program: 25, key: 36, velocity: 100 };
        let file = standard_midi_file(&[strike; 3]);
        let declared = u32::from_be_bytes([file[18], file[19], file[20], file[21]]) as usize;
        assert_eq!(declared, file.len() - 22);
        assert_eq!(file[file.len() - 3..], [0xff, 0x2f, 0]);
    }
}
