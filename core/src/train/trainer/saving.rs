//! What a training writes: checkpoint, model, curves, previews.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};

use super::{TEACHER, Trainer};
use crate::error::Result;
use crate::model;
use crate::train::report::Event;
use crate::train::{checkpoint, curves, export, preview};

impl Trainer<'_> {
    /// Bring what the card has learnt to the networks and the optimizer here.
    pub(super) fn download(&mut self) -> Result<()> {
        #[cfg(feature = "cuda")]
        if let Some(card) = &self.card {
            card.download(&self.networks, &mut self.optimizer)?;
        }
        Ok(())
    }

    pub(super) fn preview(&mut self, on_event: &mut dyn FnMut(&Event)) -> Result<()> {
        self.download()?;
        self.export(&self.files.model())?;
        let folder = self.files.previews(self.info.step);
        preview::render(&self.files.model(), &folder, self.threads)?;
        on_event(&Event::Previewed(folder));
        Ok(())
    }

    /// Write checkpoint, model and curves.
    pub(super) fn save(&mut self) -> Result<()> {
        self.download()?;
        let mut tensors = self.map_tensors()?;
        for (name, var) in self.networks.weights.vars() {
            tensors.insert(format!("parameter.{name}"), var.as_tensor().clone());
        }
        for (name, tensor) in &self.lore {
            tensors.insert(format!("{TEACHER}{name}"), tensor.clone());
        }
        for (name, slot) in &self.optimizer.slots {
            tensors.insert(format!("ema.{name}"), slot.ema.clone());
            tensors.insert(format!("first.{name}"), slot.first.clone());
            tensors.insert(format!("second.{name}"), slot.second.clone());
        }
        checkpoint::save(&self.files.checkpoint(), &self.info, &tensors)?;
        self.export(&self.files.model())?;
        curves::draw(&self.files.curves(), &self.log.lines)
    }

    /// Write the model of the averaged weights.
    fn export(&self, path: &Path) -> Result<()> {
        let mut tensors = self.map_tensors()?;
        if self.info.config.dataset.windows {
            // The frames of a texture are all alike: one stands for them.
            checkpoint::maps_to_tensors("maps", &self.prepared.maps.level(1), &mut tensors)?;
        }
        for (name, slot) in &self.optimizer.slots {
            tensors.insert(name.clone(), slot.ema.to_device(&Device::Cpu)?);
        }
        model::save(path, &export::card(&self.info), &tensors).map(drop)
    }

    fn map_tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut tensors = BTreeMap::new();
        checkpoint::maps_to_tensors("maps", &self.prepared.maps, &mut tensors)?;
        if let Some((_, maps)) = &self.prepared.envelope {
            checkpoint::maps_to_tensors("envelope_maps", maps, &mut tensors)?;
        }
        Ok(tensors)
    }
}
