//! A model file whose network is nothing but a large 1-D U-Net: what an engine makes of convolutions alone.

use std::collections::BTreeMap;
use std::path::Path;

use brownian_core::Result;
use brownian_core::diffusion::Sampler;
use brownian_core::model::{Card, DataSource, FORMAT, ModelConfig, SamplingDefaults, save, tiny};
use brownian_core::representation::RepresentationConfig;
use brownian_core::unet::UnetConfig;

/// Write it: 32,768 samples as 16,384 frames of 2, random weights.
pub fn write(path: &Path) -> Result<()> {
    let card = card();
    let mut tensors = tiny::tensors(&card.config)?;
    // The file keeps half precision, and attention's softmax is best compared where it is not saturated.
    for tensor in tensors.values_mut() {
        *tensor = (&*tensor * 0.7)?;
    }
    save(path, &card, &tensors).map(drop)
}

fn card() -> Card {
    let source =
        DataSource { name: "noise".into(), licence: "CC0-1.0".into(), attribution: "nobody".into(), sounds: 1 };
    Card {
        format: FORMAT,
        id: "wave".into(),
        description: "random weights, of no use but for timing".into(),
        config: config(),
        sources: vec![source],
        training: BTreeMap::new(),
        hash: String::new(),
    }
}

fn config() -> ModelConfig {
    ModelConfig {
        sample_rate: 44_100,
        representation: RepresentationConfig::Waveform { num_samples: 32_768, patch: 2 },
        classes: vec!["any".into()],
        attributes: Vec::new(),
        pitch: false,
        partials: false,
        raise_below: Vec::new(),
        attacks: Vec::new(),
        wanders: Vec::new(),
        envelope: None,
        unet: UnetConfig {
            // Each width over two levels: the frames fall by 4 from width to width, to 128 where there is attention.
            widths: vec![32, 32, 64, 64, 128, 128, 256, 256],
            blocks: 2,
            attention_levels: 1,
            embedding: 128,
            circular: false,
            head: None,
        },
        sampling: SamplingDefaults {
            sampler: Sampler::DpmPp2m,
            steps: 8,
            guidance: 1.0,
            sigma_min: 0.02,
            sigma_max: 40.0,
            drift: 1.0,
            brightness: 0.5,
        },
    }
}
