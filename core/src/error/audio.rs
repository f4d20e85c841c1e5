/// Reading, writing or converting sound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {}
