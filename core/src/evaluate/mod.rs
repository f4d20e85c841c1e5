//! How good a model is, measured against recordings that it never heard.
//!
//! [`evaluate`] reads a set of sounds as [`train`](crate::train) does, so that the same ones are held out, renders sounds
//! of the same classes and measures both sides alike. Its [`Report`] has six parts, each with its number of sounds and its
//! seeds: likeness ([`Table`]), how soon other recordings reach their peak ([`Rise`]), memorisation ([`Memorisation`]), controls
//! ([`Control`]), health ([`Health`]) and, where a teacher is given, how far a student has strayed from it ([`Between`]). What is
//! drawn comes from fixed seeds: the same call gives the same numbers, on any number of threads. Read `report.rs` first.

mod attacks;
mod between;
mod controls;
mod health;
mod memory;
mod options;
mod reference;
mod report;
mod rise;
mod set;
mod statistics;
mod studio;
mod table;
mod wanders;

pub use attacks::attacks;
pub use between::Between;
pub use controls::{ASKED, Control};
pub use health::{Fault, Health};
pub use memory::{Baseline, Memorisation, Nearness, Pair, Thresholds};
pub use options::{Options, Settings};
pub use reference::Split;
pub use report::{ModelReport, Report, evaluate};
pub use rise::{ALIKE, Rise, is_alike};
pub use table::{Measures, Table, Tuning};
pub use wanders::wanders;
