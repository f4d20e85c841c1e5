//! [`Watch`]: progress and cancellation around a denoiser.

use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::Tensor;

use super::cancel::Cancel;
use crate::diffusion::Denoiser;
use crate::error::{GenerateError, Result};

/// Counts the denoiser calls of one clip, over all its stages, and stops them when asked.
pub(super) struct Watch<'a> {
    cancel: &'a Cancel,
    on_step: &'a (dyn Fn(usize, usize) + Sync),
    done: AtomicUsize,
    total: usize,
}

impl<'a> Watch<'a> {
    /// `total` calls are expected; `on_step(done, total)` is told after each.
    pub(super) fn new(cancel: &'a Cancel, on_step: &'a (dyn Fn(usize, usize) + Sync), total: usize) -> Self {
        Self { cancel, on_step, done: AtomicUsize::new(0), total }
    }

    /// For calls that nobody expected: told to none, stopped as all others.
    pub(super) fn silent(&self) -> Self {
        Self::new(self.cancel, &|_, _| (), 0)
    }

    /// # Errors
    /// Someone asked to stop.
    pub(super) fn check(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(GenerateError::Cancelled.into()) } else { Ok(()) }
    }

    /// `inner`, watched.
    pub(super) fn over<'b>(&'b self, inner: &'b dyn Denoiser) -> impl Fn(&Tensor, f64) -> Result<Tensor> + 'b {
        move |x, sigma| {
            self.check()?;
            let denoised = inner.denoise(x, sigma)?;
            let done = 1 + self.done.fetch_add(1, Ordering::Relaxed);
            (self.on_step)(done, self.total);
            Ok(denoised)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::{Sampler, karras_sigmas};
    use candle_core::Device;
    use std::sync::Mutex;

    fn gaussian(x: &Tensor, sigma: f64) -> Result<Tensor> {
        Ok((x / (1.0 + sigma * sigma))?)
    }

    fn sample(sampler: Sampler, watch: &Watch) -> Result<Tensor> {
        let noise = Tensor::new(&[[[40f32, -3.0]]], &Device::Cpu)?;
        sampler.sample(&watch.over(&gaussian), noise, &karras_sigmas(5, 0.01, 40.0, 7.0)?)
    }

    #[test]
    fn every_call_of_every_sampler_is_told_once() {
        for sampler in Sampler::ALL {
            let told = Mutex::new(Vec::new());
            let on_step = |done, total| told.lock().unwrap().push((done, total));
            let total = sampler.num_evaluations(5);
            sample(sampler, &Watch::new(&Cancel::default(), &on_step, total)).unwrap();
            let expected: Vec<_> = (1..=total).map(|done| (done, total)).collect();
            assert_eq!(told.into_inner().unwrap(), expected, "{sampler}");
        }
    }

    #[test]
    fn a_wish_to_stop_is_met_before_the_next_call() {
        let cancel = Cancel::default();
        let told = Mutex::new(0);
        let on_step = |done, _| {
            *told.lock().unwrap() = done;
            if done == 2 {
                cancel.cancel();
            }
        };
        let error = sample(Sampler::Euler, &Watch::new(&cancel, &on_step, 5)).unwrap_err();
        assert!(matches!(error, crate::Error::Generate(GenerateError::Cancelled)));
        assert_eq!(*told.lock().unwrap(), 2);
    }
}
