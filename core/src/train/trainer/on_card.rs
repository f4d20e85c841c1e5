//! Steps of a training on a CUDA card.

use super::Trainer;
use crate::error::Result;
use crate::train::batch::Batch;
use crate::train::networks::Losses;

impl Trainer<'_> {
    /// One step on the card.
    pub(super) fn card_step(&mut self, share: f64) -> Result<(Losses, f64)> {
        let step = self.info.step;
        let numbers = self.optimizer.card_numbers(step, share, self.config.ema_decay);
        let Some(mut card) = self.card.take() else { unreachable!("step() asks only where there is a card") };
        let make = |step| self.wide.install(|| self.batch(step, share));
        let done = card.step(step, &self.networks, self.teacher.as_ref(), self.config.loss, numbers, make);
        self.card = Some(card);
        let (losses, norm) = done?;
        self.check(losses)?;
        self.info.step += 1;
        Ok((losses, norm))
    }

    /// The batch of a step. Runs on the current rayon pool.
    pub(super) fn batch(&self, step: u64, share: f64) -> Result<Batch> {
        let indices: Vec<usize> = (0..self.config.batch_size).collect();
        let (items, mut noises) = self.items(step, &indices)?;
        Ok(Batch::new(step, &self.networks, &items, &self.sigmas(step, share).concat(), &mut noises))
    }
}
