//! The part of a sound that repeats while a note lasts.

use std::f32::consts::FRAC_PI_2;

use super::parameters::{LoopMode, RegionParameters};
use super::sound::{Sound, reach};

/// Loops shorter than this, in frames, are played as none: they would be a pitch of their own.
const SHORTEST: f64 = 16.0;

/// A repeating stretch, in frames of the sound.
///
/// With a fade the first `fade` frames of the stretch are heard under its last ones, so that a
/// period is that much shorter than the stretch and needs no frames from outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Loop {
    start: f64,
    end: f64,
    fade: f64,
    is_unrolled: bool,
}

impl Loop {
    /// The loop that `region` asks of `sound`, if any.
    pub(super) fn new(sound: &Sound, region: &RegionParameters) -> Option<Self> {
        if region.loop_mode == LoopMode::Off {
            return None;
        }
        if region.loop_mode == LoopMode::Own && (sound.loop_frames().is_none() || region.end < 1.0) {
            return None;
        }
        let (start, end, is_own) = bounds(sound, region);
        if end - start < SHORTEST {
            return None;
        }
        let fade = match region.loop_mode {
            LoopMode::CrossFaded => f64::from(region.loop_fade_ms.max(0.0)) * 0.001 * f64::from(sound.sample_rate()),
            LoopMode::Own | LoopMode::Forward | LoopMode::Off => 0.0,
        };
        let fade = fade.min(0.5 * (end - start));
        Some(Self { start, end, fade, is_unrolled: is_own && fade == 0.0 && sound.is_unrolled() })
    }

    /// Brings `position` back into the loop once it has left it in the direction of play.
    ///
    /// A loop that is written on behind its end is left only `reach` later, where everything that
    /// the reader at `level` touches repeats.
    #[inline(always)]
    pub(super) fn wrap(&self, position: f64, is_reversed: bool, level: usize) -> f64 {
        let offset = if self.is_unrolled { reach(level) as f64 } else { 0.0 };
        let (start, end) = (self.start + offset, self.end + offset);
        if is_reversed && position < start {
            return start + self.period() - (start - position).rem_euclid(self.period());
        }
        if !is_reversed && position >= end {
            return end - self.period() + (position - end).rem_euclid(self.period());
        }
        position
    }

    /// Inside of the fade: where the other end is read, and the gains of both, of constant power.
    #[inline(always)]
    pub(super) fn partner(&self, position: f64, is_reversed: bool) -> Option<(f64, [f32; 2])> {
        if self.fade == 0.0 {
            return None;
        }
        let (into_fade, other) = match is_reversed {
            false => (position - (self.end - self.fade), position - self.period()),
            true => (self.start + self.fade - position, position + self.period()),
        };
        if into_fade <= 0.0 {
            return None;
        }
        let (sin, cos) = (FRAC_PI_2 * ((into_fade / self.fade) as f32).min(1.0)).sin_cos();
        Some((other, [cos, sin]))
    }

    /// What lies before this, played forwards, is read as if there were no loop.
    pub(super) fn first_change(&self) -> f64 {
        self.end - self.fade
    }

    fn period(&self) -> f64 {
        self.end - self.start - self.fade
    }
}

/// Start and end in frames, and whether they are the sound's own.
fn bounds(sound: &Sound, region: &RegionParameters) -> (f64, f64, bool) {
    let is_default = region.loop_start <= 0.0 && region.loop_end >= 1.0 && region.end >= 1.0;
    if let (true, Some(frames)) = (is_default || region.loop_mode == LoopMode::Own, sound.loop_frames()) {
        return (frames.start as f64, frames.end as f64, true);
    }
    let frames = |fraction: f32| (f64::from(fraction.clamp(0.0, 1.0)) * sound.num_frames() as f64).round();
    (frames(region.loop_start), frames(region.loop_end.min(region.end)), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(loop_mode: LoopMode) -> RegionParameters {
        RegionParameters { loop_mode, loop_start: 0.25, loop_end: 0.75, ..RegionParameters::default() }
    }

    fn sound(loop_frames: Option<std::ops::Range<usize>>) -> Sound {
        Sound::new(&[vec![0.0; 1000]], 1000.0, 60.0, loop_frames).unwrap()
    }

    #[test]
    fn a_forward_loop_jumps_from_its_end_to_its_start() {
        let forward = Loop::new(&sound(None), &region(LoopMode::Forward)).unwrap();
        assert_eq!(forward.wrap(749.5, false, 0), 749.5);
        assert_eq!(forward.wrap(750.5, false, 0), 250.5);
        assert_eq!(forward.wrap(1750.5, false, 0), 250.5);
        assert_eq!(forward.wrap(249.5, true, 0), 749.5);
        assert_eq!(forward.partner(749.0, false), None);
    }

    #[test]
    fn a_cross_faded_loop_ends_on_what_follows_its_jump() {
        // 50 ms at 1 kHz are 50 frames.
        let faded = Loop::new(&sound(None), &region(LoopMode::CrossFaded)).unwrap();
        assert_eq!(faded.wrap(750.0, false, 0), 300.0);
        let (other, [out, into]) = faded.partner(749.999, false).unwrap();
        assert!((other - 299.999).abs() < 1e-9 && out < 1e-3 && into > 0.999);
        assert_eq!(faded.partner(700.0, false), None);
    }

    #[test]
    fn the_power_of_a_fade_is_constant() {
        let faded = Loop::new(&sound(None), &region(LoopMode::CrossFaded)).unwrap();
        for i in 1..50 {
            let (_, [out, into]) = faded.partner(700.0 + f64::from(i), false).unwrap();
            assert!((out * out + into * into - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_loop_backwards_mirrors_a_loop_forwards() {
        let faded = Loop::new(&sound(None), &region(LoopMode::CrossFaded)).unwrap();
        assert_eq!(faded.wrap(249.0, true, 0), 699.0);
        let (other, [out, into]) = faded.partner(250.001, true).unwrap();
        assert!((other - 700.001).abs() < 1e-9 && out < 1e-3 && into > 0.999);
    }

    #[test]
    fn the_sounds_own_loop_counts_until_the_player_sets_another() {
        let own = RegionParameters { loop_mode: LoopMode::Forward, ..RegionParameters::default() };
        let looped = Loop::new(&sound(Some(100..1000)), &own).unwrap();
        assert_eq!((looped.start, looped.end, looped.is_unrolled), (100.0, 1000.0, true));
        let set = Loop::new(&sound(Some(100..1000)), &region(LoopMode::Forward)).unwrap();
        assert_eq!((set.start, set.end, set.is_unrolled), (250.0, 750.0, false));
    }

    #[test]
    fn a_sound_is_held_by_its_own_loop_alone() {
        let own = RegionParameters { loop_mode: LoopMode::Own, ..region(LoopMode::Own) };
        let looped = Loop::new(&sound(Some(100..900)), &own).unwrap();
        assert_eq!((looped.start, looped.end, looped.fade, looped.is_unrolled), (100.0, 900.0, 0.0, false));
        assert_eq!(Loop::new(&sound(None), &own), None);
        // Its end is cut off.
        assert_eq!(Loop::new(&sound(Some(100..900)), &RegionParameters { end: 0.8, ..own }), None);
    }

    #[test]
    fn a_loop_too_short_to_be_one_is_none() {
        let tiny = RegionParameters { loop_start: 0.5, loop_end: 0.505, ..region(LoopMode::Forward) };
        assert_eq!(Loop::new(&sound(None), &tiny), None);
    }
}
