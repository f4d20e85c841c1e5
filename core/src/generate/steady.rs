//! [`Steadying`]: levels that a network wavers about, made as steady as those of a recorded note.

use crate::representation::Frames;

/// Standard deviations of a Gaussian that are looked at.
const REACH: f32 = 2.5;

/// A bilateral filter over time (Tomasi & Manduchi 1998): every level becomes the mean of its channel's levels around it, each
/// counted by how near it is, in time and in level. Levels that waver come to rest; an onset, far from what was before it,
/// stays where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steadying {
    /// Standard deviation of the Gaussian over time, in frames.
    pub frames: f32,
    /// A level this far away, in dB, counts a quarter.
    pub db: f32,
}

impl Steadying {
    /// Of the levels of a sound, in dB; `comes_round` where the last frame is before the first.
    ///
    /// Costs 2 * 2.5 * `frames` multiplications a cell: some 10 ms for the clip of a note.
    pub(super) fn steady(self, levels: &mut Frames, comes_round: bool) {
        let (count, channels) = (levels.num_frames as isize, levels.num_channels);
        let old = levels.data.clone();
        let row = |frame: isize| &old[frame as usize * channels..][..channels];
        let reach = (REACH * self.frames).ceil() as isize;
        let mut weights = vec![0.0f32; channels];
        for (frame, out) in (0..count).zip(levels.data.chunks_exact_mut(channels)) {
            out.fill(0.0);
            weights.fill(0.0);
            for away in -reach..=reach {
                let other = frame + away;
                let other = if comes_round { other.rem_euclid(count) } else { other };
                if !(0..count).contains(&other) {
                    continue;
                }
                let near = libm::expf(-0.5 * (away as f32 / self.frames).powi(2));
                let cells = out.iter_mut().zip(&mut weights).zip(row(frame).iter().zip(row(other)));
                for ((sum, weight), (own, level)) in cells {
                    let like = 1.0 + ((level - own) / self.db).powi(2);
                    let counts = near / (like * like);
                    *sum += counts * level;
                    *weight += counts;
                }
            }
            out.iter_mut().zip(&weights).for_each(|(sum, weight)| *sum /= weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const FILTER: Steadying = Steadying { frames: 4.0, db: 8.0 };

    /// Two channels of these levels.
    fn frames(level: impl Fn(usize) -> f32) -> Frames {
        Frames { data: (0..64).flat_map(|i| [level(i), level(i) - 20.0]).collect(), num_frames: 64, num_channels: 2 }
    }

    fn spread(levels: &Frames) -> f32 {
        let first: Vec<f32> = levels.data.iter().step_by(2).copied().collect();
        let mean = first.iter().sum::<f32>() / first.len() as f32;
        (first.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / first.len() as f32).sqrt()
    }

    #[test]
    fn what_wavers_comes_to_rest() {
        let mut noise = NoiseStream::new(Seed(1), "waver", 0);
        let wavering: Vec<f32> = (0..64).map(|_| -30.0 + 4.0 * noise.normal()).collect();
        let mut levels = frames(|i| wavering[i]);
        let before = spread(&levels);
        FILTER.steady(&mut levels, false);
        assert!(spread(&levels) < 0.6 * before, "{} of {before}", spread(&levels));
    }

    #[test]
    fn an_onset_stays_where_it_is_and_a_decay_as_steep() {
        let mut levels = frames(|i| if i < 20 { -100.0 } else { -10.0 - 0.5 * (i - 20) as f32 });
        let before = levels.clone();
        FILTER.steady(&mut levels, false);
        let moved = |range: std::ops::Range<usize>| {
            let pairs = levels.data.iter().zip(&before.data).skip(2 * range.start).take(2 * range.len());
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        // 90 dB away: next to nothing reaches over. The first frame of a decay has neighbours on one side alone.
        assert!(moved(0..20) < 0.2 && moved(20..30) < 1.6 && moved(30..54) < 0.1, "{levels:?}");
    }

    #[test]
    fn around_a_circle_it_does_not_matter_where_the_first_frame_is() {
        let mut noise = NoiseStream::new(Seed(1), "circle", 0);
        let levels = Frames { data: (0..128).map(|_| 6.0 * noise.normal()).collect(), num_frames: 64, num_channels: 2 };
        let [mut plain, mut turned] = [levels.clone(), levels];
        turned.data.rotate_left(2 * 10);
        FILTER.steady(&mut plain, true);
        FILTER.steady(&mut turned, true);
        turned.data.rotate_right(2 * 10);
        assert!(plain.data.iter().zip(&turned.data).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
