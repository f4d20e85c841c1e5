//! One note: a place in a sound, its envelopes and filter, and what the player bends in it.

use super::channels::Channels;
use super::envelope::{Envelope, samples};
use super::events::{Address, Expression, ModulationTarget};
use super::filter::Filter;
use super::glide::Glide;
use super::hand_over::SoundId;
use super::interpolate::SincTables;
use super::kit::Pad;
use super::mixer::{db_to_gain, pan_gains};
use super::parameters::{FilterMode, Parameters};
use super::playhead::Playhead;
use super::sound::Sound;

/// How often pitch, filter and level take aim, in frames counted from the note's first one. Between
/// two ticks they move in straight lines, so that the size of the host's block is never heard.
const TICK: u32 = 16;

/// How fast a note that must go falls silent: too fast to hear as a tail, too slow for a click.
pub(super) const CUT_MS: f32 = 5.0;

/// How fast a region that cuts into its sound fades in and out.
const EDGE_MS: f32 = 1.0;

/// How long a filter rings on when the sound has ended.
const RING_MS: f32 = 20.0;

/// The fastest reading that the sound's levels can follow: five octaves up.
const FASTEST: f64 = 32.0;

/// What every voice reads while it renders.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub parameters: &'a Parameters,
    pub tables: &'a SincTables,
    pub channels: &'a Channels,
    pub sample_rate: f32,
}

/// How a note begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub address: Address,
    pub sound: SoundId,
    pub pad: Option<usize>,
    /// The pitch as a MIDI key, and the one from which it slides there.
    pub pitch: f32,
    pub glide_from: Option<f32>,
    /// 0 to 1.
    pub velocity: f32,
    pub is_one_shot: bool,
    /// Grows with every note.
    pub order: u64,
}

/// A note being played. Wait-free: no method allocates, frees or blocks.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    start: Start,
    playhead: Playhead,
    amplitude: Envelope,
    filter_envelope: Envelope,
    filter: Filter,
    glide: Glide,
    /// The last aim of the pitch, from the root key, and its frequency ratio.
    semitones: f32,
    ratio: f64,
    gains: [f32; 2],
    gain_slopes: [f32; 2],
    until_tick: u32,
    /// Before its first frame a note jumps to where it would otherwise slide.
    is_fresh: bool,
    is_held: bool,
    is_sustained: bool,
    is_cut: bool,
    tuning: f32,
    pressure: f32,
    volume: f32,
    pan: f32,
    offsets: [f32; ModulationTarget::COUNT],
}

impl Voice {
    /// A note that begins with the next frame.
    pub(super) fn new(start: Start, sound: &Sound, context: &Context) -> Self {
        let Context { parameters, sample_rate, .. } = *context;
        let mut glide = Glide::at(start.glide_from.unwrap_or(start.pitch));
        glide.slide_to(start.pitch, samples(parameters.glide_ms, sample_rate));
        Self {
            start,
            playhead: Playhead::new(sound, &parameters.region, samples(EDGE_MS, sample_rate).max(1)),
            amplitude: Envelope::start(&parameters.amplitude, sample_rate),
            filter_envelope: Envelope::start(&parameters.filter.envelope, sample_rate),
            filter: Filter::new(FilterMode::Off, 0.1, 0.0),
            glide,
            semitones: 0.0,
            ratio: 1.0,
            gains: [0.0; 2],
            gain_slopes: [0.0; 2],
            until_tick: 0,
            is_fresh: true,
            is_held: true,
            is_sustained: false,
            is_cut: false,
            tuning: 0.0,
            pressure: 0.0,
            volume: 1.0,
            pan: 0.0,
            offsets: [0.0; ModulationTarget::COUNT],
        }
    }

    /// Adds the note to the frames of `left` and `right`, which are of one length.
    pub(super) fn add_to(&mut self, sound: &Sound, context: &Context, left: &mut [f32], right: &mut [f32]) {
        let mut done = 0;
        while done < left.len() && !self.is_finished() {
            if self.until_tick == 0 {
                self.tick(sound, context);
            }
            let end = left.len().min(done + self.until_tick as usize);
            self.add_steadily(sound, context, &mut left[done..end], &mut right[done..end]);
            let num_frames = (end - done) as u32;
            self.until_tick -= num_frames;
            self.glide.advance(num_frames);
            done = end;
        }
    }

    /// The key comes up. A one-shot plays on, and so does a note that the pedal holds.
    pub(super) fn note_off(&mut self, context: &Context) {
        self.is_held = false;
        if self.start.is_one_shot && self.playhead.remaining().is_some() {
            return;
        }
        if context.channels.at(self.start.address.channel).is_pedal_down {
            self.is_sustained = true;
        } else {
            self.release(context);
        }
    }

    /// The pedal comes up.
    pub(super) fn pedal_up(&mut self, context: &Context) {
        if std::mem::take(&mut self.is_sustained) {
            self.release(context);
        }
    }

    /// Takes the release, whatever holds the note.
    pub(super) fn release(&mut self, context: &Context) {
        (self.is_held, self.is_sustained) = (false, false);
        self.amplitude.release(&context.parameters.amplitude, context.sample_rate);
        self.filter_envelope.release(&context.parameters.filter.envelope, context.sample_rate);
    }

    /// Falls silent within [`CUT_MS`].
    pub(super) fn cut(&mut self, sample_rate: f32) {
        (self.is_held, self.is_sustained, self.is_cut) = (false, false, true);
        self.amplitude.cut(samples(CUT_MS, sample_rate));
    }

    /// Becomes another note without starting again: only the pitch moves.
    pub(super) fn retarget(&mut self, address: Address, pitch: f32, glide_frames: u32) {
        (self.start.address, self.start.pitch) = (address, pitch);
        (self.is_held, self.is_sustained) = (true, false);
        self.glide.slide_to(pitch, glide_frames);
        self.touch();
    }

    /// Takes a note expression.
    pub(super) fn express(&mut self, kind: Expression, value: f32) {
        match kind {
            Expression::Tuning => self.tuning = value,
            Expression::Pressure => self.pressure = value.clamp(0.0, 1.0),
            Expression::Volume => self.volume = value.clamp(0.0, 4.0),
            Expression::Pan => self.pan = value.clamp(-1.0, 1.0),
        }
        self.touch();
    }

    /// Takes an offset to a parameter.
    pub(super) fn modulate(&mut self, target: ModulationTarget, offset: f32) {
        self.offsets[target as usize] = offset;
        self.touch();
    }

    /// Takes aim again with the next frame, because something changed on it.
    pub(super) fn touch(&mut self) {
        self.until_tick = 0;
    }

    /// How the note began.
    pub(super) fn start(&self) -> &Start {
        &self.start
    }

    /// Whether it will make no more sound.
    pub(super) fn is_finished(&self) -> bool {
        self.amplitude.is_finished()
    }

    /// Whether a key or the pedal holds it.
    pub(super) fn is_held(&self) -> bool {
        self.is_held || self.is_sustained
    }

    /// Whether it was told to fall silent at once.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How far into `sound` the note reads, 0 to 1.
    pub(super) fn fraction(&self, sound: &Sound) -> f32 {
        (self.playhead.position() / sound.num_frames() as f64).clamp(0.0, 1.0) as f32
    }

    /// How loud the note is now, without the sound itself.
    pub(super) fn level(&self) -> f32 {
        self.amplitude.value() * self.gains[0].max(self.gains[1])
    }

    /// Frames until silence if nothing more is played; `None` if a loop or a filter may go on.
    pub(super) fn remaining(&self) -> Option<u32> {
        let by_sound = self.playhead.remaining().map(|frames| (frames + f64::from(TICK)).ceil() as u32);
        let by_key = self.amplitude.remaining();
        by_sound.into_iter().chain(by_key).min()
    }

    /// At most [`TICK`] frames, between two ticks.
    fn add_steadily(&mut self, sound: &Sound, context: &Context, left: &mut [f32], right: &mut [f32]) {
        let Context { parameters, tables, sample_rate, .. } = *context;
        let (mut frames, mut levels) = ([[0.0; 2]; TICK as usize], [0.0; TICK as usize]);
        let (frames, levels) = (&mut frames[..left.len()], &mut levels[..left.len()]);
        self.playhead.fill(sound, tables, frames);
        if parameters.filter.mode != FilterMode::Off {
            self.filter.process(frames);
            self.filter_envelope.skip(frames.len(), &parameters.filter.envelope, sample_rate);
        }
        self.amplitude.fill(levels, &parameters.amplitude, sample_rate);
        for (((left, right), frame), level) in left.iter_mut().zip(right).zip(frames).zip(levels) {
            *left += frame[0] * (*level * self.gains[0]);
            *right += frame[1] * (*level * self.gains[1]);
            self.gains = [0, 1].map(|side| self.gains[side] + self.gain_slopes[side]);
        }
    }

    /// Takes aim: where pitch, level and filter shall be [`TICK`] frames from now.
    fn tick(&mut self, sound: &Sound, context: &Context) {
        self.until_tick = TICK;
        if self.playhead.is_finished() {
            self.end_with_sound(context);
        }
        let pitch = self.glide.ahead(TICK) - sound.root_key();
        let pad = self.start.pad.and_then(|pad| context.parameters.pads.0.get(pad));
        self.aim_speed(pitch, pad, sound, context);
        self.aim_gains(pad, context);
        self.aim_filter(pitch, context);
        self.is_fresh = false;
    }

    /// Nothing is left to read; only a filter may still ring.
    fn end_with_sound(&mut self, context: &Context) {
        match context.parameters.filter.mode {
            FilterMode::Off => self.amplitude = Envelope::finished(),
            _ => self.amplitude.cut(samples(RING_MS, context.sample_rate)),
        }
    }

    fn aim_speed(&mut self, pitch: f32, pad: Option<&Pad>, sound: &Sound, context: &Context) {
        let parameters = context.parameters;
        let bend = parameters.bend_semitones * context.channels.at(self.start.address.channel).bend;
        let tune = parameters.tune_semitones + pad.map_or(0.0, |pad| pad.tune_semitones);
        let semitones = pitch + tune + bend + self.tuning + self.offset(ModulationTarget::Tune);
        let rates = f64::from(sound.sample_rate()) / f64::from(context.sample_rate);
        if semitones != self.semitones {
            (self.semitones, self.ratio) = (semitones, (f64::from(semitones) / 12.0).exp2());
        }
        let speed = (self.ratio * rates).min(FASTEST);
        if self.is_fresh {
            // Where a glide starts: the first tick's aim, less what the glide moves until then.
            let moved = self.glide.ahead(TICK) - self.glide.ahead(0);
            self.playhead.set_speed(speed * (f64::from(-moved) / 12.0).exp2());
        }
        self.playhead.aim(speed, TICK);
    }

    fn aim_gains(&mut self, pad: Option<&Pad>, context: &Context) {
        let parameters = context.parameters;
        let db = self.offset(ModulationTarget::Gain) + pad.map_or(0.0, |pad| pad.level_db);
        let level = parameters.velocity.level(self.start.velocity) * self.volume * db_to_gain(db);
        let pan = parameters.pan + self.pan + self.offset(ModulationTarget::Pan) + pad.map_or(0.0, |pad| pad.pan);
        let target = pan_gains(pan).map(|gain| gain * level);
        if self.is_fresh {
            self.gains = target;
        }
        self.gain_slopes = [0, 1].map(|side| (target[side] - self.gains[side]) / TICK as f32);
    }

    fn aim_filter(&mut self, pitch: f32, context: &Context) {
        let filter = &context.parameters.filter;
        if filter.mode == FilterMode::Off && self.filter.mode() == FilterMode::Off {
            return;
        }
        let pressure = self.pressure.max(context.channels.at(self.start.address.channel).pressure);
        let octaves = filter.key_tracking * pitch / 12.0
            + (filter.envelope_octaves + self.offset(ModulationTarget::FilterEnvelope)) * self.filter_envelope.value()
            + filter.velocity_octaves * self.start.velocity
            + filter.pressure_octaves * pressure
            + self.offset(ModulationTarget::Cutoff);
        let cutoff = (filter.cutoff_hz.max(10.0) * octaves.exp2()).max(10.0) / context.sample_rate;
        let resonance = filter.resonance + self.offset(ModulationTarget::Resonance);
        match self.is_fresh {
            true => self.filter = Filter::new(filter.mode, cutoff, resonance),
            false => self.filter.aim(filter.mode, cutoff, resonance, TICK),
        }
    }

    fn offset(&self, target: ModulationTarget) -> f32 {
        self.offsets[target as usize]
    }
}
