/// Reading, checking, finding or writing a model. `name` is the file's path, or the id of an embedded model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file system refused: no such file, no permission, a full disk.
    #[error("cannot {action} {name}: {source}")]
    Io {
        /// Which file.
        name: String,
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// Larger than any model may be: a wrong file, most likely.
    #[error("{name} has {found} bytes; a model file has at most {limit}")]
    TooLarge {
        /// Which file.
        name: String,
        /// Its size in bytes.
        found: u64,
        /// The largest size in bytes.
        limit: u64,
    },
    /// Truncated, damaged, or another kind of file.
    #[error("{name} is not a whole safetensors file ({reason}); copy or download the model again")]
    NotSafetensors {
        /// Which file.
        name: String,
        /// What the reader stumbled over.
        reason: String,
    },
    /// A safetensors file that another program made.
    #[error("{name} is a safetensors file without a `brownian` card; need a model that Brownian's trainer wrote")]
    Foreign {
        /// Which file.
        name: String,
    },
    /// Written by another version of this program.
    #[error("{name} has model format {found}; this build reads format {need}: use the Brownian version that wrote it")]
    Format {
        /// Which file.
        name: String,
        /// The version in the file, as it stands there.
        found: String,
        /// The version that this build reads.
        need: u32,
    },
    /// The card is no JSON, lacks a field or has one too many.
    #[error("the card of {name} cannot be read: {reason}")]
    Card {
        /// Which file.
        name: String,
        /// The field and the problem.
        reason: String,
    },
    /// A field of a card or config is out of range.
    #[error("model card: {field} is {found}; need {need}")]
    Field {
        /// Path of the field, such as `sampling.steps`.
        field: String,
        /// Its value.
        found: String,
        /// What is allowed.
        need: String,
    },
    /// Card and tensors do not hash to what the card says.
    #[error("{name} is damaged: its contents hash to {found}, its card says {need}; copy or download the model again")]
    Hash {
        /// Which file.
        name: String,
        /// SHA-256 of what is there.
        found: String,
        /// SHA-256 in the card.
        need: String,
    },
    /// A network's shape is out of range or does not fit what it works on.
    #[error("model card: {field}: {reason}")]
    Network {
        /// Which network: `config.unet` or `config.envelope.unet`.
        field: String,
        /// Its field, what was found, what is needed.
        reason: String,
    },
    /// A tensor that the card promises is missing or has another shape.
    #[error("{name} does not fit its card: {reason}")]
    Tensors {
        /// Which file.
        name: String,
        /// Which tensor, what was found, what is needed.
        reason: String,
    },
    /// Tensors that the card has no use for.
    #[error("{name} holds tensors that its card has no use for: {tensors}")]
    UnknownTensors {
        /// Which file.
        name: String,
        /// Their names, the first few.
        tensors: String,
    },
    /// A tensor of another number format.
    #[error("tensor {tensor} of {name} is stored as {found}; need F16")]
    Dtype {
        /// Which file.
        name: String,
        /// Which tensor.
        tensor: String,
        /// Its format.
        found: String,
    },
    /// An infinity, a NaN, or a number that half precision cannot hold.
    #[error("tensor {tensor} of {name} holds a value that is not finite in half precision; the training diverged")]
    NotFinite {
        /// Which file.
        name: String,
        /// Which tensor.
        tensor: String,
    },
    /// A standard deviation of 0 or less.
    #[error("tensor {tensor} of {name} holds a standard deviation that is not positive")]
    NotPositive {
        /// Which file.
        name: String,
        /// Which tensor.
        tensor: String,
    },
    /// No model of this id.
    #[error(
        "unknown model \"{found}\"{hint}; known: {known}; a file is named by its path, such as ./{found}.safetensors"
    )]
    Unknown {
        /// What was asked for.
        found: String,
        /// The known ids.
        known: String,
        /// The nearest of them.
        hint: String,
    },
    /// A model of this id is there already.
    #[error("a model \"{id}\" is there already ({place}); give the new one another id, or replace the old one")]
    Exists {
        /// The id.
        id: String,
        /// Where it is.
        place: String,
    },
    /// Embedded models cannot be removed.
    #[error("model \"{id}\" is part of the program and cannot be removed")]
    Embedded {
        /// The id.
        id: String,
    },
    /// There is no folder for the user's models.
    #[error("no folder for models is known; set BROWNIAN_MODELS to one")]
    NoFolder,
}
