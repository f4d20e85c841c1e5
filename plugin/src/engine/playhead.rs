//! A place in a sound and the speed at which it moves.

use multiversion::multiversion;

use super::interpolate::{Lanes, Reader, Resolution, SincTables, Spot};
use super::loop_::Loop;
use super::parameters::RegionParameters;
use super::sound::Sound;

/// How far a sound rings on beyond its last frame, in frames of the level that is read.
const RING: u32 = 64;

/// Frames that are read before their last additions.
const BATCH: usize = 16;

/// Reads a sound from one end of its region to the other. Wait-free.
#[derive(Debug, Clone)]
pub(super) struct Playhead {
    position: f64,
    speed: f64,
    speed_slope: f64,
    /// The speed for which `resolution` was chosen.
    resolved: f64,
    resolution: Resolution,
    is_direct: bool,
    is_reversed: bool,
    /// Where the region's last frame lies in the direction of play.
    end: f64,
    /// Whether the sound goes on behind `end`, so that the note must fade there.
    is_end_cut: bool,
    looped: Option<Loop>,
    fade_in: u32,
    edge_frames: u32,
}

impl Playhead {
    /// At the beginning of `region`. Where the region cuts into the sound, `edge_frames` frames of
    /// output fade it in and out; a sound played from its first frame keeps its attack.
    pub(super) fn new(sound: &Sound, region: &RegionParameters, edge_frames: u32) -> Self {
        let num_frames = sound.num_frames() as f64;
        let at = |fraction: f32| (f64::from(fraction.clamp(0.0, 1.0)) * num_frames).round();
        let (start, end) = (at(region.start.min(region.end)), at(region.end.max(region.start)));
        let is_reversed = region.is_reversed;
        let is_start_cut = is_reversed || start > 0.0;
        let is_end_cut = if is_reversed { start > 0.0 } else { end < num_frames || sound.is_unrolled() };
        Self {
            position: if is_reversed { end - 1.0 } else { start },
            speed: 0.0,
            speed_slope: 0.0,
            resolved: 0.0,
            resolution: Resolution::default(),
            is_direct: false,
            is_reversed,
            end: if is_reversed { start } else { end },
            is_end_cut,
            looped: Loop::new(sound, region),
            fade_in: if is_start_cut { edge_frames } else { 0 },
            edge_frames,
        }
    }

    /// Sets the speed in frames of the sound per frame of output, at once.
    pub(super) fn set_speed(&mut self, speed: f64) {
        self.speed = speed;
        self.aim(speed, 1);
    }

    /// Moves from the present speed to `speed` over the next `num_frames` frames.
    pub(super) fn aim(&mut self, speed: f64, num_frames: u32) {
        // What rounding left of the last slope must not keep a note at rest from being exact.
        if (self.speed - speed).abs() < 1e-9 {
            self.speed = speed;
        }
        self.speed_slope = (speed - self.speed) / f64::from(num_frames);
        let fastest = self.speed.max(speed);
        if fastest != self.resolved {
            (self.resolved, self.resolution) = (fastest, SincTables::resolution(fastest));
        }
        self.is_direct = self.speed == 1.0 && speed == 1.0 && self.position.fract() == 0.0;
    }

    /// The next frames, left and right.
    pub(super) fn fill(&mut self, sound: &Sound, tables: &SincTables, frames: &mut [[f32; 2]]) {
        fill(self, &tables.reader(self.resolution, sound), frames);
    }

    /// Where it reads, in frames of the sound.
    pub(super) fn position(&self) -> f64 {
        self.position
    }

    /// Whether nothing of the sound is left to read.
    pub(super) fn is_finished(&self) -> bool {
        self.looped.is_none() && self.frames_left() <= 0.0
    }

    /// Frames of output until the end of the sound; `None` for a loop.
    pub(super) fn remaining(&self) -> Option<f64> {
        let left = self.frames_left().max(0.0) / self.speed.max(1e-6);
        self.looped.is_none().then_some(left)
    }

    /// Whether all that happens in the next frames is reading on between frames: neither jump nor fade nor end.
    fn is_plain(&self, num_frames: usize) -> bool {
        if self.is_direct || self.is_reversed || self.fade_in > 0 {
            return false;
        }
        let num_frames = num_frames as f64;
        let fastest = self.speed.max(self.speed + num_frames * self.speed_slope);
        // A frame more, so that rounding does not matter.
        let furthest = self.position + (num_frames + 1.0) * fastest;
        match &self.looped {
            Some(looped) => furthest < looped.first_change(),
            None => !self.is_end_cut || furthest < self.end - fastest * f64::from(self.edge_frames),
        }
    }

    /// What `next` does for a plain stretch, without the questions.
    #[inline(always)]
    fn fill_plain(&mut self, reader: &Reader, frames: &mut [[f32; 2]]) {
        let (mut spots, mut lanes) = ([Spot::default(); BATCH], [[Lanes::default(); 2]; BATCH]);
        for frames in frames.chunks_mut(BATCH) {
            for spot in &mut spots[..frames.len()] {
                *spot = reader.spot(self.position);
                self.position += self.speed;
                self.speed += self.speed_slope;
            }
            for (lanes, spot) in lanes[..frames.len()].iter_mut().zip(&spots) {
                *lanes = reader.lanes_at(*spot);
            }
            for (frame, lanes) in frames.iter_mut().zip(&lanes) {
                *frame = reader.sum(lanes);
            }
        }
    }

    /// The next frame.
    #[inline(always)]
    fn next(&mut self, reader: &Reader) -> [f32; 2] {
        let mut frame = self.read(reader, self.position);
        if let Some(looped) = &self.looped
            && let Some((other, [out, into])) = looped.partner(self.position, self.is_reversed)
        {
            let faded = self.read(reader, other);
            frame = [0, 1].map(|side| out * frame[side] + into * faded[side]);
        }
        let gain = self.edge_gain();
        self.advance();
        frame.map(|sample| sample * gain)
    }

    /// At the sound's own speed, on its own frames, a sample is what it is.
    #[inline(always)]
    fn read(&self, reader: &Reader, position: f64) -> [f32; 2] {
        match self.is_direct && position.fract() == 0.0 {
            true => reader.frame(position),
            false => reader.at(position),
        }
    }

    #[inline(always)]
    fn advance(&mut self) {
        let step = if self.is_reversed { -self.speed } else { self.speed };
        self.position += step;
        self.speed += self.speed_slope;
        self.fade_in = self.fade_in.saturating_sub(1);
        if let Some(looped) = &self.looped {
            self.position = looped.wrap(self.position, self.is_reversed, self.resolution.level);
        }
    }

    #[inline(always)]
    fn edge_gain(&self) -> f32 {
        let mut gain = 1.0;
        if self.fade_in > 0 {
            gain -= self.fade_in as f32 / self.edge_frames as f32;
        }
        if self.is_end_cut && self.looped.is_none() {
            let fade_frames = self.speed * f64::from(self.edge_frames);
            gain *= (self.frames_left() / fade_frames).clamp(0.0, 1.0) as f32;
        }
        gain
    }

    /// Frames of the sound up to the end, with the ring of the reader where the sound ends by itself.
    #[inline(always)]
    fn frames_left(&self) -> f64 {
        let left = if self.is_reversed { self.position - self.end } else { self.end - self.position };
        let ring = if self.is_end_cut { 0 } else { RING << self.resolution.level };
        left + f64::from(ring)
    }
}

/// Everything per frame, compiled once more for wider registers. They add in the same order, so that
/// every processor makes the same samples.
#[multiversion(targets("x86_64+avx2"))]
fn fill(playhead: &mut Playhead, reader: &Reader, frames: &mut [[f32; 2]]) {
    if playhead.is_plain(frames.len()) {
        return playhead.fill_plain(reader, frames);
    }
    for frame in frames {
        *frame = playhead.next(reader);
    }
}
