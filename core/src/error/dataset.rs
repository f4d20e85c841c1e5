/// Scanning a folder of sounds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {}
