/// Turning sound into frames and back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepresentationError {}
