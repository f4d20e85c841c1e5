//! How a note ends: a fade counted in samples, so that it reaches exact silence.

/// A gain that is 1 while the key is held, then falls to exactly 0 in a set number of samples.
///
/// The fall is a parabola: fast at first and level where it meets silence, so that neither end
/// makes a corner that is heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fade {
    from: f32,
    remaining: u32,
    total: u32,
}

impl Fade {
    /// A held note, at full level until [`Fade::start`].
    pub fn held() -> Self {
        Self { from: 1.0, remaining: 1, total: 0 }
    }

    /// Falls from the present gain to 0 in `num_samples` (at least 1).
    ///
    /// A fade under way is never made longer by this: the earlier end stands.
    pub fn start(&mut self, num_samples: u32) {
        let num_samples = num_samples.max(1);
        if self.is_falling() && self.remaining <= num_samples {
            return;
        }
        *self = Self { from: self.gain(), remaining: num_samples, total: num_samples };
    }

    /// The gain of the present sample, 0 to 1.
    pub fn gain(&self) -> f32 {
        if !self.is_falling() {
            return self.from;
        }
        let left = self.remaining as f32 / self.total as f32;
        self.from * left * left
    }

    /// Moves on by one sample.
    pub fn advance(&mut self) {
        if self.is_falling() {
            self.remaining = self.remaining.saturating_sub(1);
        }
    }

    /// Whether the note has been let go, even if the fade has not yet ended.
    pub fn is_falling(&self) -> bool {
        self.total > 0
    }

    /// Whether the gain has reached 0 for good.
    pub fn is_finished(&self) -> bool {
        self.remaining == 0
    }

    /// Samples until silence; `None` while held.
    pub fn remaining(&self) -> Option<u32> {
        self.is_falling().then_some(self.remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gains(fade: &mut Fade, num_samples: usize) -> Vec<f32> {
        let next = |_| {
            let gain = fade.gain();
            fade.advance();
            gain
        };
        (0..num_samples).map(next).collect()
    }

    #[test]
    fn a_held_note_never_fades() {
        assert_eq!(gains(&mut Fade::held(), 3), [1.0; 3]);
    }

    #[test]
    fn a_fade_lasts_exactly_as_many_samples_as_asked() {
        let mut fade = Fade::held();
        fade.start(4);
        assert_eq!(gains(&mut fade, 6), [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]);
        assert!(fade.is_finished());
    }

    #[test]
    fn a_faster_fade_takes_over_without_a_jump() {
        let mut fade = Fade::held();
        fade.start(1000);
        gains(&mut fade, 500);
        let before = fade.gain();
        fade.start(10);
        assert_eq!(fade.gain(), before);
        assert_eq!(fade.remaining(), Some(10));
    }

    #[test]
    fn a_slower_fade_does_not_revive_a_dying_note() {
        let mut fade = Fade::held();
        fade.start(10);
        fade.start(1000);
        assert_eq!(fade.remaining(), Some(10));
    }
}
