//! The flags that edit a clip on its way to a file.

use brownian_core::generate::{Shaping, Sustain};
use clap::Args;

/// What cuts, turns and fades a clip. Done in this order, whatever the order on the command line: crop, trim, reverse,
/// rotate, DC, sample rate, channels, fades, sustain, level, dither.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Finishing (in this order)")]
pub struct ShapingArgs {
    /// Keep only these seconds, as in --crop 0.1..0.5
    #[arg(long, value_name = "START..END", value_parser = span)]
    pub crop: Option<[f64; 2]>,
    /// Cut the silence around the sound: all below this, in dB relative to the peak [-60 where none is given]
    #[arg(long, value_name = "DB", num_args = 0..=1, default_missing_value = "-60", allow_negative_numbers = true)]
    pub trim: Option<f64>,
    /// From the end to the start
    #[arg(long)]
    pub reverse: bool,
    /// Shift in a circle: what leaves the end enters at the start; negative shifts to earlier
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub rotate: Option<f64>,
    /// Subtract the mean
    #[arg(long)]
    pub remove_dc: bool,
    /// Fade in over this long
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub fade_in: Option<f64>,
    /// Fade out over this long
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub fade_out: Option<f64>,
    /// Make a note that lasts one that a sampler can hold: find a loop before it fades, close its seam and mark it in the file.
    /// What dies away stays as it is
    #[arg(long)]
    pub sustain: bool,
    /// Keep the peaks between the samples below this too, at any level [default: -1 with --loudness, else none]
    #[arg(long, value_name = "DBTP", allow_negative_numbers = true)]
    pub true_peak: Option<f64>,
    /// Dither 16-bit files: hiss at -93 dBFS instead of distortion in quiet fades
    #[arg(long)]
    pub dither: bool,
}

impl ShapingArgs {
    /// What the flags mean.
    pub fn shaping(&self) -> Shaping {
        Shaping {
            crop_s: self.crop,
            trim_db: self.trim,
            reverse: self.reverse,
            rotate_s: self.rotate,
            remove_dc: self.remove_dc,
            fade_in_ms: self.fade_in,
            fade_out_ms: self.fade_out,
            sustain: self.sustain.then_some(Sustain::Find),
        }
    }
}

/// `START..END` in seconds; the range is checked with the rest of the recipe.
pub fn span(text: &str) -> Result<[f64; 2], String> {
    let need = || format!("{text:?} is no span; need START..END in seconds, as in 0.1..0.5");
    let (start, end) = text.split_once("..").ok_or_else(need)?;
    let number = |part: &str| part.trim().parse::<f64>().map_err(|_| need());
    Ok([number(start)?, number(end)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_two_numbers_of_seconds() {
        assert_eq!(span("0.1..0.5"), Ok([0.1, 0.5]));
        assert_eq!(span(" 1 .. 2 "), Ok([1.0, 2.0]));
        for wrong in ["1", "1..", "..2", "1..x", "1-2"] {
            assert!(span(wrong).unwrap_err().contains("need START..END"), "{wrong}");
        }
    }
}
