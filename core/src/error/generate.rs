/// Making a clip.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {}
