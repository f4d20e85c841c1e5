//! Brownian as a VST3 and CLAP instrument.
//!
//! This file is wiring only: it hands the host's events and parameters to [`engine`], which knows
//! no host. Read [`engine::Voices`] next, then [`engine::Voice`].

pub mod clip;
pub mod engine;
mod host_notes;
mod params;

use std::sync::Arc;

use nice_plug::prelude::*;

use crate::clip::Clip;
use crate::engine::Voices;
use crate::host_notes::note_event;
use crate::params::BrownianParams;

/// The sound that this version plays, rendered by the shipped drum model.
///
/// `plugin/assets/README.md` holds the command that made it.
const EMBEDDED_CLIP: &[u8] = include_bytes!("../assets/kick.wav");

/// The instrument as the host sees it: parameters, and voices once it is activated.
#[derive(Default)]
pub struct Brownian {
    params: Arc<BrownianParams>,
    voices: Option<Voices>,
}

impl Brownian {
    /// Renders one block, cut at the events so that each one takes effect on its own sample.
    fn render_block(voices: &mut Voices, output: &mut [&mut [f32]], context: &mut impl ProcessContext<Self>) {
        let num_samples = output.first().map_or(0, |channel| channel.len());
        let mut start = 0;
        while let Some(event) = context.next_event() {
            let end = (event.timing() as usize).clamp(start, num_samples);
            voices.add_to(output, start..end);
            start = end;
            if let Some(event) = note_event(&event) {
                voices.handle(event);
            }
        }
        voices.add_to(output, start..num_samples);
    }
}

impl Plugin for Brownian {
    const NAME: &'static str = "Brownian";
    const VENDOR: &'static str = "Brownian";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] =
        &[AudioIOLayout { main_output_channels: NonZeroU32::new(2), ..AudioIOLayout::const_default() }];
    const MIDI_INPUT: MidiConfig = MidiConfig::Basic;

    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn activate(
        &mut self,
        _audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        match Clip::from_wav(EMBEDDED_CLIP) {
            Ok(clip) => {
                self.voices = Some(Voices::new(clip, buffer_config.sample_rate));
                true
            }
            Err(error) => {
                nice_error!("the embedded clip does not load: {error}");
                false
            }
        }
    }

    fn reset(&mut self) {
        if let Some(voices) = &mut self.voices {
            voices.reset();
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let output = buffer.as_slice();
        for channel in output.iter_mut() {
            channel.fill(0.0);
        }
        let Some(voices) = &mut self.voices else {
            return ProcessStatus::Normal;
        };
        voices.set_release_ms(self.params.release_ms.value());
        Self::render_block(voices, output, context);
        for mut frame in buffer.iter_samples() {
            let gain = util::db_to_gain(self.params.gain_db.smoothed.next());
            for sample in frame.iter_mut() {
                *sample *= gain;
            }
        }
        if voices.is_silent() { ProcessStatus::Normal } else { ProcessStatus::KeepAlive }
    }
}

impl ClapPlugin for Brownian {
    const CLAP_ID: &'static str = "brownian.brownian";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("A diffusion synthesizer");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::Instrument, ClapFeature::Sampler, ClapFeature::Drum, ClapFeature::Stereo];
}

impl Vst3Plugin for Brownian {
    const VST3_CLASS_ID: [u8; 16] = *b"BrownianDiffSynt";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Instrument, Vst3SubCategory::Sampler, Vst3SubCategory::Drum];
}

nice_export_clap!(Brownian);
nice_export_vst3!(Brownian);
