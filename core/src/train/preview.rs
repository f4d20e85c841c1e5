//! Previews: what the model sounds like so far, through the same door as everybody else's renders.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;

use crate::audio::{WavFormat, WavInfo, wav_bytes, write_atomically};
use crate::error::{Result, TrainError};
use crate::generate::{Cancel, Request, Session};
use crate::model::Model;

/// Render one clip of every class with the model at `model` into `folder`: `CLASS.wav`, 8 steps, seed 1.
pub(super) fn render(model: &Path, folder: &Path, threads: usize) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| TrainError::File { path: folder.to_path_buf(), source })?;
    let session = Session::new(Arc::new(Model::load(model, &Device::Cpu)?), threads)?;
    let classes = session.model().card.config.classes.clone();
    let request =
        |class: &String| Request { class: Some(class.clone()), seed: 1, steps: Some(8), ..Request::default() };
    let requests: Vec<Request> = classes.iter().map(request).collect();
    let rendered = session.render_many(&requests, &Cancel::default(), &|_, _| {});
    for (class, rendered) in classes.iter().zip(rendered) {
        let bytes = wav_bytes(&rendered?.clip, WavFormat::Wav16, &WavInfo::default())?;
        write_atomically(&folder.join(format!("{class}.wav")), &bytes)?;
    }
    Ok(())
}
