//! [`Batch`]: all that a step asks of the networks, made on the CPU for a card.

use rayon::prelude::*;

use super::engine::noised;
use super::networks::{Networks, Part};
use super::prepare::Item;
use crate::conditioning::Condition;
use crate::model::Stage;
use crate::noise::NoiseStream;
use crate::representation::Frames;

/// All that a step asks of the networks.
pub(super) struct Batch {
    /// Of the training.
    pub(super) step: u64,
    /// Of the stages that learn, in their order.
    pub(super) stages: Vec<StageBatch>,
}

/// What one stage is asked, clip after clip.
pub(super) struct StageBatch {
    /// `cos t x0 + sin t z`.
    pub(super) x_t: Vec<f32>,
    /// What it shall answer: the velocity, `cos t z - sin t x0`.
    pub(super) target: Vec<f32>,
    pub(super) context: Option<Vec<f32>>,
    pub(super) sigmas: Vec<f64>,
    pub(super) conditions: Vec<Condition>,
    /// Of the noise levels and conditions, as a plan takes them.
    pub(super) rows: (Vec<f32>, Vec<f32>),
}

impl Batch {
    /// Of these items: one sigma an item, and as many again for each further draw of the envelope stage; noise from
    /// `noise`, an item's own stream, the fine stage's first. Runs on the current rayon pool.
    pub(super) fn new(
        step: u64,
        networks: &Networks,
        items: &[Item],
        sigmas: &[f64],
        noise: &mut [NoiseStream],
    ) -> Self {
        let stages = networks.stages().map(|(part, stage)| match part {
            Part::Fine => {
                StageBatch::new((networks, stage), items, &sigmas[..items.len()], noise, |item| Some(&item.fine))
            }
            Part::Envelope => StageBatch::new((networks, stage), items, sigmas, noise, |item| item.envelope.as_ref()),
        });
        Self { step, stages: stages.collect() }
    }
}

impl StageBatch {
    fn new(
        (networks, stage): (&Networks, &Stage),
        items: &[Item],
        sigmas: &[f64],
        noise: &mut [NoiseStream],
        data: impl Fn(&Item) -> Option<&Frames> + Sync,
    ) -> Self {
        let (count, clip) = (items.len(), stage.shape().frames * stage.shape().channels);
        let draws = sigmas.len() / count;
        let conditions: Vec<Condition> =
            (0..draws).flat_map(|_| items.iter().map(|item| item.condition.clone())).collect();
        // An item's draws one after the other, then in the order of the clips: draw by draw.
        let own: Vec<Vec<[Vec<f32>; 2]>> = items
            .par_iter()
            .zip(noise.par_iter_mut())
            .enumerate()
            .map(|(i, (item, noise))| {
                // A training with an envelope stage prepares an envelope for every item.
                let x0 = data(item).map_or(&[][..], |frames| &frames.data);
                let draw = |draw: usize| {
                    let (mut x_t, mut target) = (vec![0.0; clip], vec![0.0; clip]);
                    networks.fill_noise(stage, &item.condition, noise, &mut target);
                    noised(x0, sigmas[draw * count + i], &mut x_t, &mut target);
                    [x_t, target]
                };
                (0..draws).map(draw).collect()
            })
            .collect();
        let gather = |part: usize| {
            let mut all = vec![0.0; sigmas.len() * clip];
            all.par_chunks_exact_mut(clip)
                .enumerate()
                .for_each(|(i, to)| to.copy_from_slice(&own[i % count][i / count][part]));
            all
        };
        let context = stage.shape().has_context.then(|| {
            let mut all = vec![0.0; sigmas.len() * clip];
            let pairs = all.par_chunks_exact_mut(clip).zip(items.par_iter().map(|item| item.context.as_ref()));
            pairs.for_each(|(to, context)| {
                if let Some(context) = context {
                    to.copy_from_slice(&context.data);
                }
            });
            all
        });
        let rows = stage.rows(sigmas, &conditions);
        Self { x_t: gather(0), target: gather(1), context, sigmas: sigmas.to_vec(), conditions, rows }
    }

    pub(super) fn clips(&self) -> usize {
        self.sigmas.len()
    }
}
