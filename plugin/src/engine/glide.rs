//! Sliding from one pitch to the next.

/// A pitch in semitones that takes a set time to reach the next one, in a straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Glide {
    from: f32,
    to: f32,
    elapsed: u32,
    total: u32,
}

impl Glide {
    /// At rest on `pitch`.
    pub(super) fn at(pitch: f32) -> Self {
        Self { from: pitch, to: pitch, elapsed: 0, total: 0 }
    }

    /// From the present pitch to `pitch` in `num_frames` frames; 0 jumps.
    pub(super) fn slide_to(&mut self, pitch: f32, num_frames: u32) {
        *self = Self { from: self.ahead(0), to: pitch, elapsed: 0, total: num_frames };
    }

    /// The pitch `num_frames` from now.
    pub(super) fn ahead(&self, num_frames: u32) -> f32 {
        let elapsed = self.elapsed.saturating_add(num_frames);
        if elapsed >= self.total {
            return self.to;
        }
        self.from + (self.to - self.from) * (elapsed as f32 / self.total as f32)
    }

    /// Moves on by `num_frames`.
    pub(super) fn advance(&mut self, num_frames: u32) {
        self.elapsed = self.elapsed.saturating_add(num_frames).min(self.total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slide_is_a_line_that_ends_on_time() {
        let mut glide = Glide::at(60.0);
        glide.slide_to(72.0, 12);
        assert_eq!(glide.ahead(0), 60.0);
        glide.advance(3);
        assert_eq!(glide.ahead(0), 63.0);
        assert_eq!(glide.ahead(3), 66.0);
        glide.advance(100);
        assert_eq!(glide.ahead(0), 72.0);
    }

    #[test]
    fn a_new_slide_starts_where_the_last_one_is() {
        let mut glide = Glide::at(60.0);
        glide.slide_to(72.0, 12);
        glide.advance(6);
        glide.slide_to(60.0, 12);
        assert_eq!(glide.ahead(0), 66.0);
    }

    #[test]
    fn a_slide_of_no_time_jumps() {
        let mut glide = Glide::at(60.0);
        glide.slide_to(72.0, 0);
        assert_eq!(glide.ahead(0), 72.0);
    }
}
