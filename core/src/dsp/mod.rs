//! Planned signal processing on slices: windows, the short-time Fourier transform, mel filters. No tensors.
// H2 owns this module. Signatures others rely on:

/// How a signal is cut into columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// Column `n` is centred on sample `n * hop_length`; the signal is zero outside.
    Centered,
    /// As `Centered`, but the signal repeats: a loop has no seam.
    Circular,
}
