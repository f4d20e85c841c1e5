//! [`Gallery`]: pictures of sounds, each made once.

use std::sync::Arc;

use egui::{ColorImage, Context, TextureHandle, TextureOptions};

use super::picture::{NUM_ROWS, Picture, peaks_of};
use super::theme::heat;
use crate::state::Take;

/// Columns of a tile's waveform.
const NUM_MINI: usize = 48;
/// Tiles that are kept; beyond them the oldest goes.
const CAPACITY: usize = 128;

/// A waveform for a tile, level with its loudest sample.
pub type Mini = Arc<[(f32, f32)]>;

/// Pictures by the sound that they are of.
#[derive(Default)]
pub struct Gallery {
    /// Held so that no other sound can take its address.
    shown: Option<(Arc<Take>, Picture, TextureHandle)>,
    minis: Vec<(Arc<Take>, Mini)>,
}

impl Gallery {
    /// The large picture of a sound. Only the last one is kept.
    pub fn picture(&mut self, context: &Context, take: &Arc<Take>) -> (&Picture, &TextureHandle) {
        let is_same = self.shown.as_ref().is_some_and(|(shown, ..)| Arc::ptr_eq(shown, take));
        let old = self.shown.take().filter(|_| is_same);
        let (_, picture, texture) = self.shown.insert(old.unwrap_or_else(|| shown(context, take)));
        (picture, texture)
    }

    /// The tile of a sound.
    pub fn mini(&mut self, take: &Arc<Take>) -> Mini {
        if let Some((_, mini)) = self.minis.iter().find(|(known, _)| Arc::ptr_eq(known, take)) {
            return mini.clone();
        }
        let mini = mini(take);
        if self.minis.len() == CAPACITY {
            self.minis.remove(0);
        }
        self.minis.push((take.clone(), mini.clone()));
        mini
    }
}

fn shown(context: &Context, take: &Arc<Take>) -> (Arc<Take>, Picture, TextureHandle) {
    let picture = Picture::of(&take.sound());
    let pixels = picture.cells.iter().map(|&cell| heat(cell)).collect();
    let image = ColorImage::new([picture.num_columns, NUM_ROWS], pixels);
    let texture = context.load_texture("spectrogram", image, TextureOptions::LINEAR);
    (take.clone(), picture, texture)
}

fn mini(take: &Take) -> Mini {
    let peaks = peaks_of(&take.sound(), NUM_MINI);
    let loudest = peaks.iter().fold(1e-3f32, |loudest, (low, high)| loudest.max(-low).max(*high));
    peaks.iter().map(|(low, high)| (low / loudest, high / loudest)).collect()
}
