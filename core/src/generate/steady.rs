//! [`Steadying`]: levels that a network wavers about, made as steady as those of a recorded note.

use crate::representation::Frames;

/// Standard deviations of a Gaussian that are looked at.
const REACH: f32 = 2.5;

/// A bilateral filter over time (Tomasi & Manduchi 1998) that fits lines (Cleveland 1979): every level becomes what a straight
/// line through its channel's levels around it says, each of these counted by how near it is, in time and in level. Levels that
/// waver come to rest, those that rise or decay go on to, as steeply; an onset, far from what was before it, stays where it is.
///
/// A sound changes fastest where it begins: the filter grows with the time since then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steadying {
    /// Standard deviation of the Gaussian over time, in frames: at the start of a sound, and the widest.
    pub frames: [f32; 2],
    /// By which it grows with every frame from the start.
    pub growth: f32,
    /// A level this far away, in dB, counts a quarter.
    pub db: f32,
}

impl Steadying {
    /// Of the levels of a sound, in dB; `comes_round` where the last frame is before the first, so that there is no start.
    ///
    /// Costs 2 * 2.5 additions to a fit for each cell and frame of the width.
    pub(super) fn steady(self, levels: &mut Frames, comes_round: bool) {
        let (count, channels) = (levels.num_frames as isize, levels.num_channels);
        let old = levels.data.clone();
        let row = |frame: isize| &old[frame as usize * channels..][..channels];
        // Of the weights w, and of w d, w d^2, w y and w d y at distance d and level y; apart, so that the processor takes many at once.
        let mut sums: [Vec<f32>; 5] = std::array::from_fn(|_| vec![0.0; channels]);
        for (frame, out) in (0..count).zip(levels.data.chunks_exact_mut(channels)) {
            let [narrowest, widest] = self.frames;
            let grown = (self.growth * frame as f32).max(narrowest).min(widest);
            let width = if comes_round { widest } else { grown };
            let (reach, per_db) = ((REACH * width).ceil() as isize, self.db.recip());
            sums.iter_mut().for_each(|sum| sum.fill(0.0));
            for away in -reach..=reach {
                let other = frame + away;
                let other = if comes_round { other.rem_euclid(count) } else { other };
                if !(0..count).contains(&other) {
                    continue;
                }
                let (d, near) = (away as f32, libm::expf(-0.5 * (away as f32 / width).powi(2)));
                let [w, wd, wdd, wy, wdy] = sums.each_mut().map(Vec::as_mut_slice);
                let cells = w.iter_mut().zip(wd).zip(wdd).zip(wy).zip(wdy);
                for (((((w, wd), wdd), wy), wdy), (own, level)) in cells.zip(row(frame).iter().zip(row(other))) {
                    let apart = (level - own) * per_db;
                    let like = 1.0 + apart * apart;
                    let weight = near / (like * like);
                    *w += weight;
                    *wd += weight * d;
                    *wdd += weight * d * d;
                    *wy += weight * level;
                    *wdy += weight * d * level;
                }
            }
            for (channel, level) in out.iter_mut().enumerate() {
                *level = line_at_0(sums.each_ref().map(|sum| sum[channel]));
            }
        }
    }
}

/// Where the line of least squares crosses distance 0; the mean where all levels are at one distance.
fn line_at_0([w, d, dd, y, dy]: [f32; 5]) -> f32 {
    let determinant = w * dd - d * d;
    if determinant > 1e-4 * w * dd { (dd * y - d * dy) / determinant } else { y / w }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const FILTER: Steadying = Steadying { frames: [1.0, 6.0], growth: 0.5, db: 16.0 };

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
        // 90 dB away: next to nothing reaches over. A line is a line to its first frame.
        assert!(moved(0..30) < 0.4 && moved(30..64) < 0.01, "{levels:?}");
    }

    #[test]
    fn what_changes_fast_at_the_start_is_left_and_rests_later() {
        let mut levels = frames(|i| -20.0 + if i % 2 == 0 { 3.0 } else { -3.0 });
        FILTER.steady(&mut levels, false);
        let step = |frame: usize| (levels.data[2 * frame] - levels.data[2 * frame + 2]).abs();
        assert!(step(0) > 2.0 && step(40) < 1.0, "{} {}", step(0), step(40));
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
