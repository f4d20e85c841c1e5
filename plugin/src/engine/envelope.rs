//! Attack, decay, sustain, release: a level counted in samples, so that it ends in exact silence.

use super::parameters::EnvelopeParameters;

/// Where an exponential stage aims beyond its end, as a part of its travel: it then arrives in
/// finite time. A thousandth makes it fall by 60 dB on the way, which is what an ear calls gone.
const OVERSHOOT: f64 = 0.001;

/// How fast a changed sustain level is followed, in milliseconds.
const SUSTAIN_MS: f32 = 5.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Attack,
    Decay,
    Sustain,
    Release,
    Finished,
}

/// The level of one note over time, 0 to 1. Wait-free.
///
/// The attack is a straight line, decay and release are exponentials. A stage takes its time from
/// the parameters when it begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Envelope {
    stage: Stage,
    value: f64,
    factor: f64,
    offset: f64,
    target: f64,
    remaining: u32,
}

impl Envelope {
    /// A note's first sample.
    pub(super) fn start(parameters: &EnvelopeParameters, sample_rate: f32) -> Self {
        let mut envelope =
            Self { stage: Stage::Attack, value: 0.0, factor: 1.0, offset: 0.0, target: 1.0, remaining: 0 };
        envelope.line_to(1.0, samples(parameters.attack_ms, sample_rate));
        envelope.settle(parameters, sample_rate);
        envelope
    }

    /// A level that has come to its end.
    pub(super) fn finished() -> Self {
        Self { stage: Stage::Finished, value: 0.0, factor: 0.0, offset: 0.0, target: 0.0, remaining: 0 }
    }

    /// The level of this sample; moves on to the next.
    pub(super) fn next(&mut self, parameters: &EnvelopeParameters, sample_rate: f32) -> f32 {
        let value = self.value as f32;
        if self.stage == Stage::Sustain {
            self.follow(parameters, sample_rate);
        } else if self.stage != Stage::Finished {
            self.value = self.value * self.factor + self.offset;
            self.remaining = self.remaining.saturating_sub(1);
            self.settle(parameters, sample_rate);
        }
        value
    }

    /// The levels of the next samples.
    pub(super) fn fill(&mut self, levels: &mut [f32], parameters: &EnvelopeParameters, sample_rate: f32) {
        if self.is_at_rest(parameters) {
            return levels.fill(self.value as f32);
        }
        levels.iter_mut().for_each(|level| *level = self.next(parameters, sample_rate));
    }

    /// Moves on by `num_samples`.
    pub(super) fn skip(&mut self, num_samples: usize, parameters: &EnvelopeParameters, sample_rate: f32) {
        if self.is_at_rest(parameters) {
            return;
        }
        for _ in 0..num_samples {
            self.next(parameters, sample_rate);
        }
    }

    /// The key comes up: falls to 0 in the release time, at least one sample.
    pub(super) fn release(&mut self, parameters: &EnvelopeParameters, sample_rate: f32) {
        if self.is_finished() || self.is_released() {
            return;
        }
        self.stage = Stage::Release;
        self.curve_to(0.0, samples(parameters.release_ms, sample_rate).max(1));
    }

    /// Falls to 0 within `num_samples` in a straight line; an earlier end stands.
    pub(super) fn cut(&mut self, num_samples: u32) {
        let num_samples = num_samples.max(1);
        if self.is_finished() || (self.is_released() && self.remaining <= num_samples) {
            return;
        }
        self.stage = Stage::Release;
        self.line_to(0.0, num_samples);
    }

    /// The level of the next sample, 0 to 1.
    pub(super) fn value(&self) -> f32 {
        self.value as f32
    }

    /// Whether the level has reached 0 for good.
    pub(super) fn is_finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    /// Whether the key is up.
    pub(super) fn is_released(&self) -> bool {
        self.stage == Stage::Release
    }

    /// Samples until silence; `None` while held.
    pub(super) fn remaining(&self) -> Option<u32> {
        match self.stage {
            Stage::Release => Some(self.remaining),
            Stage::Finished => Some(0),
            _ => None,
        }
    }

    /// Whether the level stays as it is while nothing happens.
    fn is_at_rest(&self, parameters: &EnvelopeParameters) -> bool {
        match self.stage {
            Stage::Sustain => self.value == sustain(parameters),
            Stage::Finished => true,
            _ => false,
        }
    }

    /// Goes on to the next stage as long as the present one has no samples left.
    fn settle(&mut self, parameters: &EnvelopeParameters, sample_rate: f32) {
        if self.remaining > 0 {
            return;
        }
        self.value = self.target;
        match self.stage {
            // Nothing to fall.
            Stage::Attack if sustain(parameters) == self.value => self.stage = Stage::Sustain,
            Stage::Attack => {
                self.stage = Stage::Decay;
                self.curve_to(sustain(parameters), samples(parameters.decay_ms, sample_rate));
                self.settle(parameters, sample_rate);
            }
            Stage::Decay => self.stage = Stage::Sustain,
            Stage::Release => *self = Self::finished(),
            Stage::Sustain | Stage::Finished => {}
        }
    }

    /// Keeps up with a sustain level that is being moved.
    fn follow(&mut self, parameters: &EnvelopeParameters, sample_rate: f32) {
        let gap = sustain(parameters) - self.value;
        if gap.abs() < 1e-6 {
            self.value += gap;
        } else {
            self.value += gap / f64::from(samples(SUSTAIN_MS, sample_rate).max(1));
        }
    }

    fn line_to(&mut self, target: f64, num_samples: u32) {
        self.factor = 1.0;
        self.offset = (target - self.value) / f64::from(num_samples.max(1));
        (self.target, self.remaining) = (target, num_samples);
    }

    fn curve_to(&mut self, target: f64, num_samples: u32) {
        let goal = target - (self.value - target) * OVERSHOOT;
        self.factor = (OVERSHOOT / (1.0 + OVERSHOOT)).powf(1.0 / f64::from(num_samples.max(1)));
        self.offset = goal * (1.0 - self.factor);
        (self.target, self.remaining) = (target, num_samples);
    }
}

fn sustain(parameters: &EnvelopeParameters) -> f64 {
    f64::from(parameters.sustain.clamp(0.0, 1.0))
}

/// A time in samples. The cast saturates, so that no time or rate can wrap.
pub(super) fn samples(time_ms: f32, sample_rate: f32) -> u32 {
    (time_ms * 0.001 * sample_rate).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One sample per millisecond.
    const RATE: f32 = 1000.0;

    const PARAMETERS: EnvelopeParameters =
        EnvelopeParameters { attack_ms: 4.0, decay_ms: 10.0, sustain: 0.5, release_ms: 8.0 };

    fn levels(envelope: &mut Envelope, num_samples: usize) -> Vec<f32> {
        (0..num_samples).map(|_| envelope.next(&PARAMETERS, RATE)).collect()
    }

    #[test]
    fn the_attack_is_a_line_of_as_many_samples_as_asked() {
        let mut envelope = Envelope::start(&PARAMETERS, RATE);
        assert_eq!(levels(&mut envelope, 5), [0.0, 0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn without_attack_and_decay_the_first_sample_is_the_sustain_level() {
        let flat = EnvelopeParameters { attack_ms: 0.0, decay_ms: 0.0, ..PARAMETERS };
        let mut envelope = Envelope::start(&flat, RATE);
        assert_eq!([0.0; 3].map(|_: f32| envelope.next(&flat, RATE)), [0.5; 3]);
    }

    #[test]
    fn the_decay_falls_without_a_stop_and_lands_on_the_sustain_level() {
        let mut envelope = Envelope::start(&PARAMETERS, RATE);
        let levels = levels(&mut envelope, 30);
        assert!(levels[4..=14].windows(2).all(|pair| pair[1] < pair[0]), "{levels:?}");
        assert!(levels[14..].iter().all(|&level| level == 0.5), "{levels:?}");
    }

    #[test]
    fn a_release_ends_in_exact_silence_on_its_sample() {
        let mut envelope = Envelope::start(&PARAMETERS, RATE);
        levels(&mut envelope, 20);
        envelope.release(&PARAMETERS, RATE);
        assert_eq!(envelope.remaining(), Some(8));
        let levels = levels(&mut envelope, 10);
        assert_eq!(levels[0], 0.5);
        assert!(levels[..8].iter().all(|&level| level > 0.0));
        assert_eq!(levels[8..], [0.0, 0.0]);
        assert!(envelope.is_finished());
    }

    #[test]
    fn a_cut_takes_over_without_a_jump_and_never_lengthens() {
        let mut envelope = Envelope::start(&PARAMETERS, RATE);
        levels(&mut envelope, 20);
        envelope.cut(4);
        assert_eq!(levels(&mut envelope, 2), [0.5, 0.375]);
        envelope.cut(100);
        assert_eq!(envelope.remaining(), Some(2));
    }

    #[test]
    fn a_key_let_go_in_the_attack_falls_from_where_it_was() {
        let mut envelope = Envelope::start(&PARAMETERS, RATE);
        levels(&mut envelope, 2);
        envelope.release(&PARAMETERS, RATE);
        assert_eq!(envelope.value(), 0.5);
    }

    #[test]
    fn a_moved_sustain_level_is_followed_in_small_steps() {
        let mut envelope = Envelope::start(&PARAMETERS, RATE);
        levels(&mut envelope, 20);
        let moved = EnvelopeParameters { sustain: 1.0, ..PARAMETERS };
        let levels: Vec<f32> = (0..100).map(|_| envelope.next(&moved, RATE)).collect();
        assert!(levels.windows(2).all(|pair| pair[1] - pair[0] <= 0.1001), "{levels:?}");
        assert_eq!(levels[99], 1.0);
    }
}
