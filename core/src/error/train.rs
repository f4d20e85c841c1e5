/// Training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {}
