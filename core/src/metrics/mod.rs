//! Pure functions of sounds that give a number, each with its unit and direction.
//!
//! | metric | unit | better | compares |
//! |---|---|---|---|
//! | [`si_sdr_db`] | dB | higher | a sound with its reference, any gain |
//! | [`log_spectral_distance_db`] | dB | lower | two sounds, phase ignored |
//! | [`frechet_distance`] | features² | lower | two sets of features |
//! | [`knn_accuracy`] | 0..=1 | higher | labelled features with labelled references |
//! | [`tonality`] | 0..=1 | as in real sounds | – |
//! | [`tail_level_db`] | dB | as in real sounds | – |
//! | [`attack_time_ms`], [`peak_time_ms`] | ms | as in real sounds | – |
//! | [`pitch()`] | MIDI note | as asked for | – |
//! | [`Picture::likeness`] | up to 1 | near 1 only for copies | two sounds, phase, gain and a small shift ignored |
//! | [`peak_correlation`] | 0..=1 | near 1 only for copies | two waveforms, gain, polarity and shift ignored |
//! | [`rank_correlation`] | -1..=1 | higher | what was asked for with what was measured |
//! | [`seam`] | rank 0..=1 | not near 1 | a point of a sound, such as a loop's seam, with all other points |
//! | [`spectral_centroid_hz`] | Hz | as in real sounds | – |
//!
//! [`log_mel_features`] makes of a sound what the set metrics take. Samples are one channel; sounds of several are
//! measured channel by channel. Nothing here panics on silence or on a sound of no samples.

mod correlation;
mod distance;
mod frechet;
mod log_mel;
mod neighbours;
mod periodogram;
mod picture;
mod pitch;
mod rank;
mod seam;
mod shape;
mod spectral;
mod symmetric;

pub use correlation::peak_correlation;
pub use distance::{log_spectral_distance_db, si_sdr_db};
pub use frechet::frechet_distance;
pub use log_mel::{FEATURE_BANDS, FEATURE_COLUMNS, log_mel_features};
pub use neighbours::{knn_accuracy, knn_label};
pub use picture::Picture;
pub use pitch::{HeldPitch, held_pitch, pitch};
pub use rank::rank_correlation;
pub use seam::{Seam, seam};
pub use shape::{attack_time_ms, peak_time_ms, tail_level_db};
pub use spectral::{spectral_centroid_hz, tonality};
