//! The smoothed level of a sound over time: how fast it rises, how long it lasts.

/// Blocks per second of the level curve: 0.36 ms each, 16 samples at 44.1 kHz.
const BLOCKS_PER_SECOND: f64 = 2756.25;
/// Smoothing of the level for the decay: a bass note of 50 Hz fits in once.
const DECAY_WINDOW_S: f64 = 0.020;
/// Smoothing of the level for the attack: short against an attack that is heard as soft.
const ATTACK_WINDOW_S: f64 = 0.003;

/// The mean power in short blocks, as a running sum, so that any smoothing costs one difference a block.
pub(crate) struct Envelope {
    sums: Vec<f64>,
    block_s: f64,
}

impl Envelope {
    /// Read `samples` once.
    pub(crate) fn new(samples: &[f32], sample_rate: u32) -> Self {
        let block = ((f64::from(sample_rate) / BLOCKS_PER_SECOND).round() as usize).max(1);
        let mut total = 0.0;
        let powers = samples.chunks(block).map(|c| f64::from(c.iter().map(|x| x * x).sum::<f32>()));
        let sums = std::iter::once(0.0).chain(powers.map(|p| {
            total += p;
            total
        }));
        Self { sums: sums.collect(), block_s: block as f64 / f64::from(sample_rate) }
    }

    /// The same after gains, one for each block: as if no gain changed within one.
    pub(crate) fn after(&self, gains: &[f64]) -> Self {
        let mut total = 0.0;
        let powers = self.sums.windows(2).zip(gains).map(|(ends, gain)| (ends[1] - ends[0]) * gain * gain);
        let sums = std::iter::once(0.0).chain(powers.map(|power| {
            total += power;
            total
        }));
        Self { sums: sums.collect(), block_s: self.block_s }
    }

    /// How long a block is, in seconds.
    pub(crate) fn block_s(&self) -> f64 {
        self.block_s
    }

    /// Seconds for which the level smoothed over 20 ms lies within 40 dB of its peak, from first to last.
    pub(crate) fn decay_s(&self) -> f64 {
        let level = self.smoothed(DECAY_WINDOW_S);
        let threshold = 1e-4 * max(&level);
        let loud = |level: &f64| *level >= threshold && *level > 0.0;
        match (level.iter().position(loud), level.iter().rposition(loud)) {
            (Some(first), Some(last)) => (last + 1 - first) as f64 * self.block_s,
            _ => 0.0,
        }
    }

    /// Seconds in which the level smoothed over 3 ms rises from 20 dB below its peak to 3 dB below.
    ///
    /// Not to the peak itself, nor to just below it: on a flat top their places are chance.
    pub(crate) fn attack_s(&self) -> f64 {
        self.rise_s(0.501)
    }

    /// Seconds in which the level smoothed over 3 ms rises from 20 dB below its peak to this share (0.01..=1) of the peak's
    /// power.
    pub(crate) fn rise_s(&self, share: f64) -> f64 {
        let level = self.smoothed(ATTACK_WINDOW_S);
        let peak = max(&level);
        let first = |share: f64| level.iter().position(|l| *l >= share * peak).unwrap_or(0);
        (first(share) - first(0.01)) as f64 * self.block_s
    }

    /// Seconds from 3 dB below the peak of the level smoothed over 3 ms to that peak.
    pub(crate) fn peak_s(&self) -> f64 {
        (self.rise_s(1.0) - self.attack_s()).max(0.0)
    }

    /// The sum over a centred window about every block, silence beyond the ends: the level but for a factor.
    pub(crate) fn smoothed(&self, window_s: f64) -> Vec<f64> {
        let half = ((window_s / self.block_s / 2.0).round() as usize).max(1);
        let num_blocks = self.sums.len() - 1;
        (0..num_blocks).map(|i| self.sums[(i + half + 1).min(num_blocks)] - self.sums[i.saturating_sub(half)]).collect()
    }
}

fn max(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 440-Hz tone whose amplitude is `shape(t)`.
    fn tone(seconds: f64, shape: impl Fn(f64) -> f64) -> Vec<f32> {
        let t = |i| f64::from(i) / 44_100.0;
        (0..(44_100.0 * seconds) as u32).map(|i| (shape(t(i)) * (2764.6 * t(i)).sin()) as f32).collect()
    }

    #[test]
    fn an_exponential_decays_by_40_db_when_it_should() {
        for seconds in [0.1, 0.3, 0.6] {
            let sound = tone(1.0, |t| (-4.605 * t / seconds).exp());
            // The smoothing blurs both ends by half its 20 ms.
            let decay_s = Envelope::new(&sound, 44_100).decay_s();
            assert!((decay_s - seconds).abs() < 0.020, "{decay_s} for {seconds}");
        }
    }

    #[test]
    fn a_linear_rise_is_measured_between_its_levels() {
        for seconds in [0.02, 0.1, 0.4] {
            let sound = tone(1.0, |t| (t / seconds).min(1.0));
            // From 0.1 to 0.708 of the amplitude; 4 ms for the 3-ms window.
            let attack_s = Envelope::new(&sound, 44_100).attack_s();
            assert!((attack_s - 0.608 * seconds).abs() < 0.004, "{attack_s} for {seconds}");
        }
    }

    #[test]
    fn silence_has_neither_attack_nor_decay() {
        let envelope = Envelope::new(&[0.0; 4096], 44_100);
        assert_eq!((envelope.attack_s(), envelope.decay_s()), (0.0, 0.0));
        assert_eq!(Envelope::new(&[], 44_100).decay_s(), 0.0);
    }
}
