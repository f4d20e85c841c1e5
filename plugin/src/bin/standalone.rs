//! Brownian as a program of its own: sound card, MIDI keyboard and window, without a host.

use brownian_plugin::Brownian;
use nice_plug::prelude::nice_export_standalone;

fn main() {
    nice_export_standalone::<Brownian>();
}
