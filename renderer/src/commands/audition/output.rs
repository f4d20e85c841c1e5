//! Where the deck's needle plays: a sound card.

use std::io::Write;

use anyhow::{Context, Result, anyhow};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{SampleFormat, SupportedStreamConfig};
use midir::MidiInput;

use super::deck::Needle;
use crate::outcome::Outcome;
use crate::player::open_stream;

/// A sound card that was chosen; it opens with a needle.
pub struct Output {
    device: cpal::Device,
    config: SupportedStreamConfig,
}

/// Plays as long as it lives.
pub struct Playing(cpal::Stream);

impl Output {
    /// The card whose name contains `name` (the system's, without one), at `rate` Hz (its own, without one).
    ///
    /// # Errors
    /// No such card, or one that does not run at this rate.
    pub fn choose(name: Option<&str>, rate: Option<u32>) -> Result<Self> {
        let host = cpal::default_host();
        let device = match name {
            None => host.default_output_device().ok_or_else(|| anyhow!("this machine has no sound output"))?,
            Some(name) => {
                let fits = |device: &cpal::Device| name_of(device).to_lowercase().contains(&name.to_lowercase());
                let mut devices = host.output_devices().context("cannot list the sound cards")?;
                devices.find(fits).with_context(|| format!("no sound card {name:?}; --list-devices shows them"))?
            }
        };
        let own = device.default_output_config().with_context(|| format!("sound output {}", name_of(&device)))?;
        let Some(rate) = rate.filter(|&rate| rate != own.sample_rate()) else {
            return Ok(Self { device, config: own });
        };
        let all = device.supported_output_configs().with_context(|| format!("sound output {}", name_of(&device)))?;
        let mut fitting: Vec<_> = all.filter_map(|range| range.try_with_sample_rate(rate)).collect();
        // As the card would have it, if it may.
        let order = |config: &SupportedStreamConfig| {
            let is_float = config.sample_format() == SampleFormat::F32;
            (config.channels() != own.channels(), config.sample_format() != own.sample_format(), !is_float)
        };
        fitting.sort_by_key(order);
        let none = || format!("sound output {} does not run at {rate} Hz; leave --rate out", name_of(&device));
        let config = fitting.into_iter().next().with_context(none)?;
        Ok(Self { device, config })
    }

    /// Hz.
    pub fn rate(&self) -> u32 {
        self.config.sample_rate()
    }

    /// Its name.
    pub fn name(&self) -> String {
        name_of(&self.device)
    }

    /// Play what the needle reads, on the first two channels.
    ///
    /// # Errors
    /// The card cannot be opened.
    pub fn play(&self, mut needle: Needle) -> Result<Playing> {
        let channels = usize::from(self.config.channels().max(1));
        let (mut channel, mut sample) = (0, 0.0);
        let next = move || {
            if channel == 0 {
                sample = needle.next();
            }
            let out = if channel < 2 { sample } else { 0.0 };
            channel = (channel + 1) % channels;
            out
        };
        let stream = open_stream(&self.device, self.config.config(), self.config.sample_format(), next)?;
        stream.play().with_context(|| format!("sound output {}", self.name()))?;
        Ok(Playing(stream))
    }
}

impl Playing {
    /// Let the card play what it has already taken.
    pub fn drain(self) {
        std::thread::sleep(std::time::Duration::from_millis(300));
        drop(self.0);
    }
}

fn name_of(device: &cpal::Device) -> String {
    device.description().map_or_else(|_| device.to_string(), |description| description.name().to_owned())
}

/// Print the sound cards and MIDI inputs.
///
/// # Errors
/// stdout cannot be written.
pub fn list() -> Result<Outcome> {
    let mut out = std::io::stdout().lock();
    let host = cpal::default_host();
    let own = host.default_output_device();
    let own = own.as_ref().map(name_of);
    let mut names: Vec<String> =
        host.output_devices().map(|devices| devices.map(|d| name_of(&d)).collect()).unwrap_or_default();
    // The system's may be none of those that it lists.
    if let Some(own) = &own
        && !names.contains(own)
    {
        names.insert(0, own.clone());
    }
    for name in &names {
        let mark = if Some(name) == own.as_ref() { "  (the system's)" } else { "" };
        writeln!(out, "sound  {name}{mark}")?;
    }
    for name in midi_inputs() {
        writeln!(out, "midi   {name}")?;
    }
    if names.is_empty() {
        eprintln!("brownian: this machine has no sound output");
    }
    Ok(Outcome::Done)
}

fn midi_inputs() -> Vec<String> {
    let Ok(input) = MidiInput::new("brownian") else { return Vec::new() };
    input.ports().iter().filter_map(|port| input.port_name(port).ok()).collect()
}
