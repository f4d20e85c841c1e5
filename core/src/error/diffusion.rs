/// Noise schedules and samplers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffusionError {}
