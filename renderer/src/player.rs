//! The sound card: clips one after the other, through a wait-free queue.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use brownian_core::audio::{Clip, resample};
use brownian_core::generate::Cancel;
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{FromSample, SampleFormat, SizedSample, StreamConfig};
use rtrb::{Producer, RingBuffer};

/// Seconds of sound that the queue holds: a clip plays while the next is made.
const QUEUE_S: u32 = 10;
/// Seconds that the queue may stand still before the device counts as dead.
const PATIENCE_S: f64 = 3.0;

/// An open output of the default sound card.
pub struct Player {
    queue: Producer<f32>,
    config: StreamConfig,
    // Plays as long as it lives.
    _stream: cpal::Stream,
}

impl Player {
    /// Open the default output at its own rate and channels.
    ///
    /// # Errors
    /// There is no sound card, or it cannot be opened.
    pub fn open() -> Result<Self> {
        let device = cpal::default_host().default_output_device();
        let device = device.ok_or_else(|| anyhow!("this machine has no sound output"))?;
        let supported = device.default_output_config().with_context(|| format!("sound output {device}"))?;
        let config = supported.config();
        let capacity = config.sample_rate.saturating_mul(QUEUE_S) as usize * usize::from(config.channels);
        let (queue, mut samples) = RingBuffer::new(capacity.max(1));
        let source = move || samples.pop().unwrap_or(0.0);
        let stream = open_stream(&device, config, supported.sample_format(), source)?;
        stream.play().with_context(|| format!("sound output {device}"))?;
        Ok(Self { queue, config, _stream: stream })
    }

    /// Queue a clip; waits while the queue is full. Stops early if `cancel` is asked.
    ///
    /// # Errors
    /// The clip cannot be brought to the device's rate, or the device takes nothing any more.
    pub fn play(&mut self, clip: &Clip, cancel: &Cancel) -> Result<()> {
        let clip = resample(clip, self.config.sample_rate)?;
        for frame in 0..clip.num_frames() {
            for sample in spread(&clip, frame, self.config.channels.into()) {
                self.wait_while(cancel, |queue| queue.is_full())?;
                // Cannot fail but for a cancelled wait: we are the only producer.
                let _ = self.queue.push(sample);
            }
            if cancel.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Wait until everything queued was played, or `cancel` is asked.
    ///
    /// # Errors
    /// The device takes nothing any more.
    pub fn finish(self, cancel: &Cancel) -> Result<()> {
        let capacity = self.queue.buffer().capacity();
        self.wait_while(cancel, |queue| queue.slots() < capacity)?;
        // The card still holds its own buffer.
        sleep(Duration::from_millis(200));
        Ok(())
    }

    fn wait_while(&self, cancel: &Cancel, busy: impl Fn(&Producer<f32>) -> bool) -> Result<()> {
        let mut idle_s = 0.0;
        let mut slots = self.queue.slots();
        while busy(&self.queue) && !cancel.is_cancelled() {
            sleep(Duration::from_millis(10));
            let now = self.queue.slots();
            idle_s = if now == slots { idle_s + 0.01 } else { 0.0 };
            slots = now;
            if idle_s > PATIENCE_S {
                bail!("the sound output stopped taking sound");
            }
        }
        Ok(())
    }
}

/// One frame for a device of `channels`: mono on the first two, otherwise channel by channel, silence on the rest.
fn spread(clip: &Clip, frame: usize, channels: usize) -> impl Iterator<Item = f32> {
    let source = clip.channels();
    (0..channels).map(move |channel| match (source.len(), channel) {
        (1, 0 | 1) => source[0][frame],
        (n, c) if c < n => source[c][frame],
        _ => 0.0,
    })
}

/// Open an output that takes its samples, channel by channel, from `next`, which runs on the audio thread and must
/// neither block nor allocate. Plays when it is told to.
///
/// # Errors
/// The card cannot be opened, or wants samples of a kind that cannot be made.
pub fn open_stream(
    device: &cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
    next: impl FnMut() -> f32 + Send + 'static,
) -> Result<cpal::Stream> {
    let stream = match format {
        SampleFormat::F32 => build::<f32>(device, config, next),
        SampleFormat::F64 => build::<f64>(device, config, next),
        SampleFormat::I16 => build::<i16>(device, config, next),
        SampleFormat::I32 => build::<i32>(device, config, next),
        SampleFormat::U8 => build::<u8>(device, config, next),
        SampleFormat::U16 => build::<u16>(device, config, next),
        other => bail!("sound output {device} wants samples as {other}; need f32, f64, i16, i32, u8 or u16"),
    };
    stream.with_context(|| format!("sound output {device}"))
}

fn build<T: SizedSample + FromSample<f32>>(
    device: &cpal::Device,
    config: StreamConfig,
    mut next: impl FnMut() -> f32 + Send + 'static,
) -> Result<cpal::Stream, cpal::Error> {
    let fill = move |out: &mut [T], _: &cpal::OutputCallbackInfo| {
        for sample in out {
            *sample = T::from_sample(next());
        }
    };
    // A dead device shows as a source that stands still.
    device.build_output_stream(config, fill, |_| {}, Some(Duration::from_secs(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_plays_on_both_sides_and_no_further() {
        let clip = Clip::mono(vec![0.5], 44_100).unwrap();
        assert_eq!(spread(&clip, 0, 4).collect::<Vec<_>>(), [0.5, 0.5, 0.0, 0.0]);
        assert_eq!(spread(&clip, 0, 1).collect::<Vec<_>>(), [0.5]);
    }

    #[test]
    fn stereo_keeps_its_sides() {
        let clip = Clip::new(vec![vec![0.25], vec![-0.5]], 44_100).unwrap();
        assert_eq!(spread(&clip, 0, 3).collect::<Vec<_>>(), [0.25, -0.5, 0.0]);
    }
}
