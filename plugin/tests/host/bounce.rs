//! A bounce renders faster than time, and still hears what was asked for.

use crate::clap_host::{At, Host, Input, peak};

#[test]
fn a_bounce_waits_for_the_sound_that_its_automation_asks_for() {
    let bounce = |host: &mut Host| {
        let steps = host.value("Steps", "2");
        let score = [
            At(0, host.set("Steps", steps)),
            At(10, Input::On { key: 60, velocity: 1.0 }),
            At(4000, host.set("Generate", 1.0)),
            At(4100, Input::On { key: 60, velocity: 1.0 }),
        ];
        host.play(30_000, 1024, &score)
    };
    let mut host = Host::inactive();
    host.set_offline(true);
    host.activate(44_100.0);
    let bounced = bounce(&mut host);
    // What the project holds now is what the second note has played.
    let saved = host.save();
    let mut opened = Host::new(44_100.0);
    assert!(opened.load(&saved));
    opened.set_offline(true);
    opened.play(1024, 1024, &[]);
    opened.set_offline(false);
    let mut reference = Host::new(44_100.0);
    let old = reference.play(30_000, 1024, &[At(10, Input::On { key: 60, velocity: 1.0 })]);
    let new = opened.play(25_900, 1024, &[At(0, Input::On { key: 60, velocity: 1.0 })]);
    assert!(peak(&new) > 0.05);
    assert!(bounced[0][..4100] == old[0][..4100]);
    for frame in 0..25_900 {
        let sum = old[0][4100 + frame] + new[0][frame];
        // Below the limiter's knee the sum is exact but for rounding.
        if sum.abs() < 0.7 {
            assert!((bounced[0][4100 + frame] - sum).abs() < 1e-2, "frame {frame}");
        }
    }
}
